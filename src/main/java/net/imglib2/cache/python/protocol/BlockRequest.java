/*-
 * #%L
 * CPython inside ImgLib2: lazily computed, cached images.
 * %%
 * Copyright (C) 2026 The imglib2-cache-python developers.
 * %%
 * Redistribution and use in source and binary forms, with or without modification,
 * are permitted provided that the following conditions are met:
 *
 * 1. Redistributions of source code must retain the above copyright notice, this
 *    list of conditions and the following disclaimer.
 *
 * 2. Redistributions in binary form must reproduce the above copyright notice,
 *    this list of conditions and the following disclaimer in the documentation
 *    and/or other materials provided with the distribution.
 *
 * THIS SOFTWARE IS PROVIDED BY THE COPYRIGHT HOLDERS AND CONTRIBUTORS "AS IS" AND
 * ANY EXPRESS OR IMPLIED WARRANTIES, INCLUDING, BUT NOT LIMITED TO, THE IMPLIED
 * WARRANTIES OF MERCHANTABILITY AND FITNESS FOR A PARTICULAR PURPOSE ARE
 * DISCLAIMED. IN NO EVENT SHALL THE COPYRIGHT HOLDERS OR CONTRIBUTORS BE LIABLE
 * FOR ANY DIRECT, INDIRECT, INCIDENTAL, SPECIAL, EXEMPLARY, OR CONSEQUENTIAL
 * DAMAGES (INCLUDING, BUT NOT LIMITED TO, PROCUREMENT OF SUBSTITUTE GOODS OR
 * SERVICES; LOSS OF USE, DATA, OR PROFITS; OR BUSINESS INTERRUPTION) HOWEVER
 * CAUSED AND ON ANY THEORY OF LIABILITY, WHETHER IN CONTRACT, STRICT LIABILITY, OR
 * TORT (INCLUDING NEGLIGENCE OR OTHERWISE) ARISING IN ANY WAY OUT OF THE USE OF
 * THIS SOFTWARE, EVEN IF ADVISED OF THE POSSIBILITY OF SUCH DAMAGE.
 * #L%
 */
package net.imglib2.cache.python.protocol;

import java.nio.LongBuffer;
import java.util.Arrays;

import net.imglib2.Interval;
import net.imglib2.cache.python.block.ArrayAccess;
import net.imglib2.cache.python.block.BlockArray;
import net.imglib2.cache.python.block.Lease;

/**
 * A block to compute: which cell, and its arrays. Written as numbers, which
 * {@code protocol.py} describes.
 */
public final class BlockRequest
{
	private final Snippet snippet;

	private final long index;

	private final Interval cell;

	private final BlockArray[] arrays;

	private final Layout layout;

	/**
	 * Not volatile: it is read by who has got the result.
	 */
	private long pythonNanos;

	/**
	 * @param snippet
	 * 		code of the loader
	 * @param index
	 * 		index of the cell
	 * @param cell
	 * 		interval of the cell
	 * @param lower
	 * 		halo before the cell, which {@code block.halo} crops
	 * @param arrays
	 * 		pixels of the cell and of the inputs; one of them is an output
	 */
	public BlockRequest( final Snippet snippet, final long index, final Interval cell, final int[] lower, final BlockArray[] arrays )
	{
		this.snippet = snippet;
		this.index = index;
		this.cell = cell;
		this.arrays = arrays;
		layout = new Layout( layoutNumbers( lower ) );
	}

	/**
	 * @param numInputs
	 * 		number of inputs
	 * @param numDimensions
	 * 		number of axes of the image and of each input
	 * @throws IllegalArgumentException
	 * 		if a request cannot hold so many
	 */
	public static void requireNotTooMany( final int numInputs, final int numDimensions )
	{
		final int once = Protocol.HEADER_LENGTH + Protocol.NEW_LAYOUT_LENGTH + Protocol.LAYOUT_LENGTH + Protocol.BLOCK_LENGTH + 4 * numDimensions;
		// Shape and strides, perhaps with components; the crop; what names the memory.
		final int perArray = Protocol.ARRAY_LENGTH + 2 * ( numDimensions + 1 ) + 2 * numDimensions + 3;
		final int most = ( RequestCodec.REQUEST_LENGTH - once ) / perArray - 1;
		if ( numInputs > most )
			throw new IllegalArgumentException( numInputs + " inputs are too many: at most " + most + " are possible with " + numDimensions + " axes" );
	}

	public Snippet snippet()
	{
		return snippet;
	}

	/**
	 * Records how long a worker was in Python for this block; where one call computes
	 * several blocks, each gets the same part.
	 */
	public void took( final long nanos )
	{
		pythonNanos = nanos;
	}

	/**
	 * @return how long a worker was in Python for this block; 0 if that is not known (yet)
	 */
	public long pythonNanos()
	{
		return pythonNanos;
	}

	Layout layout()
	{
		return layout;
	}

	int numArrays()
	{
		return arrays.length;
	}

	BlockArray array( final int i )
	{
		return arrays[ i ];
	}

	/**
	 * @return what the code may do with an array
	 */
	ArrayAccess access( final int i )
	{
		if ( arrays[ i ].isOutput() )
			return ArrayAccess.OUTPUT;
		final boolean own = arrays[ i ].lease() != null;
		if ( snippet.writableInputs() )
			return own ? ArrayAccess.WRITE : ArrayAccess.WRITE_COPY;
		return own ? ArrayAccess.READ : ArrayAccess.READ_SHARED;
	}

	/**
	 * @return how many numbers of a request the block needs at most, with its layout and
	 *         its memories
	 */
	public int length()
	{
		return Protocol.NEW_LAYOUT_LENGTH + layout.numbers.length + Protocol.BLOCK_LENGTH + 3 * arrays.length + 2 * cell.numDimensions();
	}

	/**
	 * Writes the numbers of this block.
	 *
	 * @param layoutPlace
	 * 		place of its layout in Python's table
	 * @param memories
	 * 		what names the memory of each array
	 * @param request
	 * 		where to write
	 * @param start
	 * 		first entry to write
	 * @return entry after the last one
	 */
	int write( final int layoutPlace, final int[] memories, final LongBuffer request, final int start )
	{
		final int n = cell.numDimensions();
		final int m = arrays.length;
		request.put( start, layoutPlace );
		request.put( start + 1, index );
		final int at = start + Protocol.BLOCK_LENGTH;
		for ( int i = 0; i < m; ++i )
		{
			request.put( at + i, memories[ i ] );
			request.put( at + m + i, arrays[ i ].offset() );
		}
		final int min = at + 2 * m;
		for ( int d = 0; d < n; ++d )
		{
			request.put( min + n - 1 - d, cell.min( d ) );
			request.put( min + 2 * n - 1 - d, cell.max( d ) );
		}
		return min + 2 * n;
	}

	/**
	 * Gives the inputs' memory back.
	 *
	 * @param escaped
	 * 		mask of the arrays that user code has retained
	 */
	public void release( final long escaped )
	{
		for ( int i = 0; i < Math.min( arrays.length, Protocol.MAX_WATCHED ); ++i )
		{
			final Lease lease = arrays[ i ].lease();
			// The output's is given back by whoever reads the pixels.
			if ( lease != null && ( escaped >> i & 1 ) == 0 && !arrays[ i ].isOutput() )
				lease.release();
		}
	}

	private long[] layoutNumbers( final int[] lower )
	{
		final int n = cell.numDimensions();
		int length = Protocol.LAYOUT_LENGTH + 2 * n + Protocol.ARRAY_LENGTH * arrays.length;
		for ( final BlockArray array : arrays )
			length += 2 * array.numAxes() + 2 * array.numCropAxes();
		final long[] numbers = new long[ length ];
		int at = 0;
		numbers[ at++ ] = snippet.id();
		numbers[ at++ ] = n;
		numbers[ at++ ] = arrays.length;
		for ( int d = 0; d < n; ++d )
		{
			numbers[ at + n - 1 - d ] = cell.dimension( d );
			numbers[ at + 2 * n - 1 - d ] = lower[ d ];
		}
		at += 2 * n;
		for ( int i = 0; i < arrays.length; ++i )
			at = writeArray( i, numbers, at );
		return numbers;
	}

	private int writeArray( final int i, final long[] numbers, final int start )
	{
		final BlockArray array = arrays[ i ];
		final int axes = array.numAxes();
		final int cropAxes = array.numCropAxes();
		int at = start;
		numbers[ at++ ] = access( i ).ordinal();
		numbers[ at++ ] = array.lease() != null && i < Protocol.MAX_WATCHED ? 1 : 0;
		numbers[ at++ ] = array.isMadeContiguous() ? 1 : 0;
		numbers[ at++ ] = array.isSwapped() ? -1 - array.dtype().ordinal() : array.dtype().ordinal();
		numbers[ at++ ] = axes;
		numbers[ at++ ] = cropAxes;
		for ( int axis = 0; axis < axes; ++axis )
		{
			numbers[ at + axis ] = array.size( axis );
			numbers[ at + axes + axis ] = array.stride( axis );
		}
		at += 2 * axes;
		for ( int axis = 0; axis < cropAxes; ++axis )
		{
			numbers[ at + axis ] = array.cropLower( axis );
			numbers[ at + cropAxes + axis ] = array.cropSize( axis );
		}
		return at + 2 * cropAxes;
	}

	/**
	 * What most blocks of an image have in common; equal if the numbers are.
	 */
	static final class Layout
	{
		final long[] numbers;

		private final int hash;

		private Layout( final long[] numbers )
		{
			this.numbers = numbers;
			hash = Arrays.hashCode( numbers );
		}

		@Override
		public int hashCode()
		{
			return hash;
		}

		@Override
		public boolean equals( final Object other )
		{
			return other instanceof Layout && Arrays.equals( numbers, ( ( Layout ) other ).numbers );
		}
	}
}
