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
package net.imglib2.cache.python.block;

import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.LongBuffer;

import jep.DirectNDArray;
import net.imglib2.cache.python.type.Dtype;
import net.imglib2.cache.python.type.PixelType;
import net.imglib2.util.Util;

/**
 * Pixels in native memory, as numpy shall see them: some memory and the array in
 * it.
 */
public final class BlockArray
{
	/**
	 * The memory as Jep hands it over is the array.
	 */
	private static final int AS_IT_IS = 0;

	/**
	 * The array is at the start of the memory, without gaps.
	 */
	private static final int CONTIGUOUS = 1;

	private static final int STRIDED = 2;

	/**
	 * Strided, and to be copied by numpy into an array without gaps.
	 */
	private static final int MADE_CONTIGUOUS = 3;

	private final DirectNDArray< ? > memory;

	private final int layout;

	private final int dtypeCode;

	private final long offset;

	private final long[] shape;

	private final long[] strides;

	private final BufferPool.Lease lease;

	private BlockArray(
			final DirectNDArray< ? > memory,
			final int layout,
			final int dtypeCode,
			final long offset,
			final long[] shape,
			final long[] strides,
			final BufferPool.Lease lease )
	{
		this.memory = memory;
		this.layout = layout;
		this.dtypeCode = dtypeCode;
		this.offset = offset;
		this.shape = shape;
		this.strides = strides;
		this.lease = lease;
	}

	/**
	 * @param array
	 * 		array that somebody else made
	 * @return the same
	 */
	public static BlockArray of( final DirectNDArray< ? > array )
	{
		return new BlockArray( array, AS_IT_IS, 0, 0, new long[ 0 ], null, null );
	}

	/**
	 * @param pixelType
	 * 		type of the pixels
	 * @param buffer
	 * 		memory of exactly the size of the array, native byte order
	 * @param dims
	 * 		size in ImgLib2's axis order
	 * @param lease
	 * 		where the buffer goes when Python is done with it, or {@code null}
	 * @return array without gaps
	 */
	public static BlockArray contiguous( final PixelType< ? > pixelType, final ByteBuffer buffer, final long[] dims, final BufferPool.Lease lease )
	{
		final long[] shape = shape( pixelType, dims );
		final DirectNDArray< ? > typed = pixelType.dtype().array( buffer, Util.long2int( shape ) );
		if ( typed != null )
			return new BlockArray( typed, AS_IT_IS, 0, 0, new long[ 0 ], null, lease );
		return new BlockArray( new DirectNDArray<>( buffer, true, buffer.capacity() ), CONTIGUOUS, pixelType.dtype().ordinal(), 0, shape, null, lease );
	}

	/**
	 * @param pixelType
	 * 		type of the pixels
	 * @param buffer
	 * 		memory, of bytes or of the pixels' primitive type
	 * @param offset
	 * 		of the first pixel in the memory, in entries of the primitive type
	 * @param dims
	 * 		size in ImgLib2's axis order
	 * @param strides
	 * 		distance of neighbours along each axis in ImgLib2's axis order, in entries
	 * 		of the primitive type
	 * @param lease
	 * 		where the buffer goes when Python is done with it, or {@code null}
	 * @return array with any strides
	 */
	static BlockArray strided(
			final PixelType< ? > pixelType,
			final Buffer buffer,
			final long offset,
			final long[] dims,
			final long[] strides,
			final BufferPool.Lease lease )
	{
		final long[] shape = shape( pixelType, dims );
		final int bytes = pixelType.bytesPerPixel() / pixelType.numEntities( 1 );
		final long[] byteStrides = new long[ shape.length ];
		// The components of a pixel are neighbours; overwritten where they are no axis.
		byteStrides[ shape.length - 1 ] = bytes;
		for ( int d = 0; d < dims.length; ++d )
			byteStrides[ dims.length - 1 - d ] = strides[ d ] * bytes;
		return new BlockArray( new DirectNDArray<>( buffer, buffer.capacity() ), STRIDED, pixelType.dtype().ordinal(), offset * bytes, shape, byteStrides, lease );
	}

	/**
	 * @return whether the array is in C order without gaps
	 */
	boolean isContiguous()
	{
		if ( layout != STRIDED )
			return true;
		long expected = Dtype.values()[ dtypeCode ].bytes();
		for ( int d = shape.length - 1; d >= 0; --d )
		{
			if ( shape[ d ] > 1 && strides[ d ] != expected )
				return false;
			expected *= shape[ d ];
		}
		return true;
	}

	/**
	 * @return the same pixels in C order without gaps; numpy makes the copy if that
	 *         needs one
	 */
	BlockArray madeContiguous()
	{
		return isContiguous() ? this : new BlockArray( memory, MADE_CONTIGUOUS, dtypeCode, offset, shape, strides, lease );
	}

	/**
	 * @return the memory, for Jep
	 */
	public DirectNDArray< ? > memory()
	{
		return memory;
	}

	/**
	 * @return where the memory goes when Python is done with it, or {@code null}
	 */
	public BufferPool.Lease lease()
	{
		return lease;
	}

	/**
	 * Number of entries that {@link #write} writes at most.
	 *
	 * @param numDimensions
	 * 		of the image
	 * @return number of longs
	 */
	public static int numParameters( final int numDimensions )
	{
		return 4 + 2 * ( numDimensions + 1 );
	}

	/**
	 * Writes what {@code Worker.step} reads: layout, and unless it is
	 * {@link #AS_IT_IS} the dtype, offset, number of axes, shape, and unless it is
	 * {@link #CONTIGUOUS} strides.
	 *
	 * @param parameters
	 * 		where to write
	 * @param start
	 * 		first entry to write
	 * @return entry after the last one
	 */
	public int write( final LongBuffer parameters, final int start )
	{
		int at = start;
		parameters.put( at++, layout );
		if ( layout != AS_IT_IS )
		{
			parameters.put( at++, dtypeCode );
			parameters.put( at++, offset );
			parameters.put( at++, shape.length );
			for ( final long size : shape )
				parameters.put( at++, size );
			if ( layout != CONTIGUOUS )
				for ( final long stride : strides )
					parameters.put( at++, stride );
		}
		return at;
	}

	private static long[] shape( final PixelType< ? > pixelType, final long[] dims )
	{
		final int n = dims.length;
		final long[] shape = new long[ pixelType.components() == 1 ? n : n + 1 ];
		shape[ shape.length - 1 ] = pixelType.components();
		for ( int d = 0; d < n; ++d )
			shape[ n - 1 - d ] = dims[ d ];
		return shape;
	}
}
