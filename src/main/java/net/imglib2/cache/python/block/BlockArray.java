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
	 * A part of the memory.
	 */
	private static final int PART = 1;

	/**
	 * A part of the memory, to be copied by numpy into an array without gaps.
	 */
	private static final int MADE_CONTIGUOUS = 2;

	private static final long[] NONE = {};

	private final int kind;

	private final ByteBuffer shared;

	private final DirectNDArray< ? > memory;

	private final Dtype dtype;

	private final long offset;

	private final long[] shape;

	private final long[] strides;

	private final BufferPool.Lease lease;

	private BlockArray(
			final int kind,
			final ByteBuffer shared,
			final DirectNDArray< ? > memory,
			final Dtype dtype,
			final long offset,
			final long[] shape,
			final long[] strides,
			final BufferPool.Lease lease )
	{
		this.kind = kind;
		this.shared = shared;
		this.memory = memory;
		this.dtype = dtype;
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
		return new BlockArray( AS_IT_IS, null, array, null, 0, NONE, NONE, null );
	}

	/**
	 * @param pixelType
	 * 		type of the pixels
	 * @param buffer
	 * 		memory of exactly the size of the array, native byte order
	 * @param dims
	 * 		size in ImgLib2's axis order
	 * @return array without gaps
	 */
	public static BlockArray contiguous( final PixelType< ? > pixelType, final ByteBuffer buffer, final long[] dims )
	{
		final long[] shape = shape( pixelType, dims );
		final DirectNDArray< ? > typed = pixelType.dtype().array( buffer, Util.long2int( shape ) );
		return typed != null ? of( typed )
				: new BlockArray( PART, null, bytes( buffer ), pixelType.dtype(), 0, shape, strides( pixelType.dtype(), shape ), null );
	}

	/**
	 * @param pixelType
	 * 		type of the pixels
	 * @param lease
	 * 		memory, which goes back to where it came from when Python is done with it
	 * @param dims
	 * 		size in ImgLib2's axis order
	 * @return array without gaps
	 */
	public static BlockArray contiguous( final PixelType< ? > pixelType, final BufferPool.Lease lease, final long[] dims )
	{
		final long[] shape = shape( pixelType, dims );
		return new BlockArray( PART, lease.whole(), null, pixelType.dtype(), 0, shape, strides( pixelType.dtype(), shape ), lease );
	}

	/**
	 * @param pixelType
	 * 		type of the pixels
	 * @param shared
	 * 		memory that holds other arrays as well
	 * @param offset
	 * 		where this one begins, in bytes
	 * @param dims
	 * 		size in ImgLib2's axis order
	 * @return array without gaps
	 */
	static BlockArray contiguous( final PixelType< ? > pixelType, final ByteBuffer shared, final int offset, final long[] dims )
	{
		final long[] shape = shape( pixelType, dims );
		return new BlockArray( PART, shared, null, pixelType.dtype(), offset, shape, strides( pixelType.dtype(), shape ), null );
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
	 * @param owner
	 * 		of the memory: a {@link BufferPool.Lease}, which it is given back by when
	 * 		Python is done with it; or what must stay as long as Python has the array
	 * @return array with any strides
	 */
	static BlockArray strided(
			final PixelType< ? > pixelType,
			final Buffer buffer,
			final long offset,
			final long[] dims,
			final long[] strides,
			final Object owner )
	{
		final long[] shape = shape( pixelType, dims );
		final int bytes = pixelType.bytesPerPixel() / pixelType.numEntities( 1 );
		final long[] byteStrides = new long[ shape.length ];
		// The components of a pixel are neighbours; overwritten where they are no axis.
		byteStrides[ shape.length - 1 ] = bytes;
		for ( int d = 0; d < dims.length; ++d )
			byteStrides[ dims.length - 1 - d ] = strides[ d ] * bytes;
		if ( owner instanceof BufferPool.Lease )
		{
			final BufferPool.Lease lease = ( BufferPool.Lease ) owner;
			return new BlockArray( PART, lease.whole(), null, pixelType.dtype(), offset * bytes, shape, byteStrides, lease );
		}
		return new BlockArray( PART, null, new OwnedMemory<>( buffer, owner ), pixelType.dtype(), offset * bytes, shape, byteStrides, null );
	}

	/**
	 * @return whether the array is in C order without gaps
	 */
	boolean isContiguous()
	{
		if ( kind != PART )
			return true;
		final long[] expected = strides( dtype, shape );
		for ( int d = 0; d < shape.length; ++d )
			if ( shape[ d ] > 1 && strides[ d ] != expected[ d ] )
				return false;
		return true;
	}

	/**
	 * @return the same pixels in C order without gaps; numpy makes the copy if that
	 *         needs one
	 */
	BlockArray madeContiguous()
	{
		return isContiguous() ? this : new BlockArray( MADE_CONTIGUOUS, shared, memory, dtype, offset, shape, strides, lease );
	}

	/**
	 * @return memory that other arrays are in as well, now or later, so that it is
	 *         worth while to hand it over only once; {@code null} if it is not
	 */
	public ByteBuffer shared()
	{
		return shared;
	}

	/**
	 * @return the memory, for Jep
	 */
	public DirectNDArray< ? > memory()
	{
		return memory != null ? memory : bytes( shared );
	}

	/**
	 * @return where the array begins in the memory, in bytes
	 */
	public long offset()
	{
		return offset;
	}

	/**
	 * @return where the memory goes when Python is done with it, or {@code null}
	 */
	public BufferPool.Lease lease()
	{
		return lease;
	}

	/**
	 * Number of entries that {@link #writeLayout} writes at most.
	 *
	 * @param numDimensions
	 * 		of the image
	 * @return number of longs
	 */
	public static int maxLayoutLength( final int numDimensions )
	{
		return 4 + 2 * ( numDimensions + 1 );
	}

	/**
	 * Writes what {@code protocol.py} reads of an array's layout.
	 *
	 * @param layout
	 * 		where to write
	 * @param start
	 * 		first entry to write
	 * @param access
	 * 		what the code may do with the array
	 * @return entry after the last one
	 */
	public int writeLayout( final long[] layout, final int start, final ArrayAccess access )
	{
		int at = start;
		layout[ at++ ] = kind;
		if ( kind != AS_IT_IS )
		{
			final int n = shape.length;
			layout[ at++ ] = dtype.ordinal();
			layout[ at++ ] = n;
			System.arraycopy( shape, 0, layout, at, n );
			System.arraycopy( strides, 0, layout, at + n, n );
			at += 2 * n;
		}
		layout[ at++ ] = access.ordinal();
		return at;
	}

	/**
	 * Memory that Python keeps together with what it belongs to.
	 */
	private static final class OwnedMemory< T extends Buffer > extends DirectNDArray< T >
	{
		private final Object owner;

		OwnedMemory( final T memory, final Object owner )
		{
			super( memory, memory.capacity() );
			this.owner = owner;
		}

		@Override
		public String toString()
		{
			return "memory of " + owner;
		}
	}

	private static DirectNDArray< ? > bytes( final Buffer buffer )
	{
		return new DirectNDArray<>( buffer, buffer.capacity() );
	}

	private static long[] strides( final Dtype dtype, final long[] shape )
	{
		final long[] strides = new long[ shape.length ];
		long step = dtype.bytes();
		for ( int d = shape.length - 1; d >= 0; --d )
		{
			strides[ d ] = step;
			step *= shape[ d ];
		}
		return strides;
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
