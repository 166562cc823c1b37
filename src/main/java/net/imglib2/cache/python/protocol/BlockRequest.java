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
import net.imglib2.cache.python.block.BufferPool;

/**
 * A block to compute: numbers and the memory of its arrays, see
 * {@code protocol.py}.
 */
public final class BlockRequest
{
	/**
	 * A mask of arrays has so many bits that can be used.
	 */
	private static final int MAX_WATCHED = Long.SIZE - 1;

	private final Snippet snippet;

	private final long index;

	private final Interval cell;

	private final BlockArray[] arrays;

	private final Layout layout;

	/**
	 * @param snippet
	 * 		code of the loader
	 * @param index
	 * 		index of the cell
	 * @param cell
	 * 		interval of the cell
	 * @param lower
	 * 		halo before the cell
	 * @param arrays
	 * 		pixels of the cell, then of the inputs
	 */
	public BlockRequest( final Snippet snippet, final long index, final Interval cell, final int[] lower, final BlockArray[] arrays )
	{
		this.snippet = snippet;
		this.index = index;
		this.cell = cell;
		this.arrays = arrays;
		layout = layout( lower );
	}

	/**
	 * @param numInputs
	 * 		number of inputs
	 * @param numDimensions
	 * 		number of axes
	 * @throws IllegalArgumentException
	 * 		if a request cannot hold so many
	 */
	public static void requireNotTooMany( final int numInputs, final int numDimensions )
	{
		// With the place of its memory, the memory itself, and the offset.
		final int most = ( HandOver.REQUEST_LENGTH - HandOver.HEADER_LENGTH - 8 - 4 * numDimensions ) / ( BlockArray.maxLayoutLength( numDimensions ) + 3 ) - 1;
		if ( numInputs > most )
			throw new IllegalArgumentException( numInputs + " inputs are too many: at most " + most + " are possible with " + numDimensions + " axes" );
	}

	public Snippet snippet()
	{
		return snippet;
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
		if ( i == 0 )
			return ArrayAccess.WRITE;
		final boolean own = arrays[ i ].lease() != null;
		if ( snippet.writableInputs() )
			return own ? ArrayAccess.WRITE : ArrayAccess.WRITE_COPY;
		return own ? ArrayAccess.READ : ArrayAccess.READ_SHARED;
	}

	/**
	 * @return how many numbers the request needs at most, with its layout
	 */
	public int length()
	{
		return 4 + layout.numbers.length + 3 * arrays.length + 2 * cell.numDimensions();
	}

	/**
	 * Writes the numbers of this block.
	 *
	 * @param layoutPlace
	 * 		of its layout
	 * @param memories
	 * 		what the memories of its arrays are called
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
		final int at = start + 2;
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
	 * 		mask of the arrays that Python code still holds
	 */
	public void release( final long escaped )
	{
		for ( int i = 1; i < arrays.length; ++i )
		{
			final BufferPool.Lease lease = arrays[ i ].lease();
			// What is not watched may be held.
			if ( lease != null && i < MAX_WATCHED && ( escaped >> i & 1 ) == 0 )
				lease.release();
		}
	}

	private Layout layout( final int[] lower )
	{
		final int n = cell.numDimensions();
		final long[] numbers = new long[ 4 + 2 * n + arrays.length * BlockArray.maxLayoutLength( n ) ];
		numbers[ 0 ] = snippet.id();
		numbers[ 1 ] = n;
		numbers[ 2 ] = arrays.length;
		for ( int d = 0; d < n; ++d )
		{
			numbers[ 3 + n - 1 - d ] = cell.dimension( d );
			numbers[ 3 + 2 * n - 1 - d ] = lower[ d ];
		}
		int at = 3 + 2 * n;
		numbers[ at++ ] = watched();
		for ( int i = 0; i < arrays.length; ++i )
			at = arrays[ i ].writeLayout( numbers, at, access( i ) );
		return new Layout( Arrays.copyOf( numbers, at ) );
	}

	private long watched()
	{
		long mask = 0;
		for ( int i = 0; i < Math.min( arrays.length, MAX_WATCHED ); ++i )
			if ( arrays[ i ].lease() != null )
				mask |= 1L << i;
		return mask;
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
