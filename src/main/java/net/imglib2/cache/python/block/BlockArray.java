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

import static java.nio.ByteOrder.nativeOrder;

import java.nio.Buffer;
import java.nio.ByteBuffer;

import net.imglib2.Interval;
import net.imglib2.cache.python.type.Dtype;
import net.imglib2.cache.python.type.PixelType;
import net.imglib2.cache.python.type.Primitive;

/**
 * Pixels as numpy shall see them: some memory, and the array in it. All axes are in
 * numpy's order, the components of a pixel last where it has several. Immutable but
 * for the pixels.
 */
public final class BlockArray
{
	private final Buffer memory;

	private final boolean reused;

	private final Object owner;

	private final Lease lease;

	private final boolean output;

	private final boolean madeContiguous;

	private final Dtype dtype;

	private final boolean swapped;

	private final long offset;

	private final long[] shape;

	private final long[] strides;

	private final Interval interval;

	private final Interval core;

	private BlockArray(
			final Buffer memory,
			final boolean reused,
			final Object owner,
			final Lease lease,
			final boolean output,
			final Dtype dtype,
			final boolean swapped,
			final long offset,
			final long[] shape,
			final long[] strides )
	{
		this.memory = memory;
		this.reused = reused;
		this.owner = owner;
		this.lease = lease;
		this.output = output;
		this.dtype = dtype;
		this.swapped = swapped;
		this.offset = offset;
		this.shape = shape;
		this.strides = strides;
		madeContiguous = false;
		interval = null;
		core = null;
	}

	private BlockArray( final BlockArray other, final boolean madeContiguous, final Interval interval, final Interval core )
	{
		memory = other.memory;
		reused = other.reused;
		owner = other.owner;
		lease = other.lease;
		output = other.output;
		dtype = other.dtype;
		swapped = other.swapped;
		offset = other.offset;
		shape = other.shape;
		strides = other.strides;
		this.madeContiguous = madeContiguous;
		this.interval = interval;
		this.core = core;
	}

	/**
	 * Pixels that somebody else made.
	 *
	 * @param memory
	 * 		memory of the array, which begins at its first entry, in any byte order
	 * @param dtype
	 * 		type of the numbers
	 * @param shape
	 * 		in numpy's axis order
	 * @param owner
	 * 		what must stay in reach as long as Python has the array
	 * @return input in C order without gaps
	 */
	public static BlockArray of( final Buffer memory, final Dtype dtype, final long[] shape, final Object owner )
	{
		return new BlockArray( memory, false, owner, null, false, dtype, Primitive.orderOf( memory ) != nativeOrder(), 0, shape, strides( dtype, shape ) );
	}

	/**
	 * @param pixelType
	 * 		type of the pixels
	 * @param memory
	 * 		becomes the cell
	 * @param dims
	 * 		size of the cell in ImgLib2's axis order
	 * @return output in C order without gaps
	 */
	public static BlockArray output( final PixelType< ? > pixelType, final CellMemory memory, final long[] dims )
	{
		final long[] shape = shape( pixelType, dims );
		return new BlockArray( memory.whole(), memory.isShared(), null, null, true, pixelType.dtype(), false, memory.offset(), shape, strides( pixelType.dtype(), shape ) );
	}

	/**
	 * @param pixelType
	 * 		type of the pixels
	 * @param lease
	 * 		memory, which whoever reads the pixels gives back
	 * @param dims
	 * 		size of the cell in ImgLib2's axis order
	 * @return output in C order without gaps
	 */
	public static BlockArray output( final PixelType< ? > pixelType, final Lease lease, final long[] dims )
	{
		return leased( pixelType, lease, dims, true );
	}

	/**
	 * @param pixelType
	 * 		type of the pixels
	 * @param lease
	 * 		memory, which is given back when Python is done with it
	 * @param dims
	 * 		size in ImgLib2's axis order
	 * @return input in C order without gaps
	 */
	public static BlockArray input( final PixelType< ? > pixelType, final Lease lease, final long[] dims )
	{
		return leased( pixelType, lease, dims, false );
	}

	private static BlockArray leased( final PixelType< ? > pixelType, final Lease lease, final long[] dims, final boolean output )
	{
		final long[] shape = shape( pixelType, dims );
		return new BlockArray( lease.whole(), true, null, lease, output, pixelType.dtype(), false, 0, shape, strides( pixelType.dtype(), shape ) );
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
	 * 		of the memory: a {@link Lease}, which is released when Python is done with
	 * 		it; or what must stay in reach as long as Python has the array
	 * @return input with any strides
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
		if ( owner instanceof Lease )
		{
			final Lease lease = ( Lease ) owner;
			return new BlockArray( lease.whole(), true, null, lease, false, pixelType.dtype(), false, offset * bytes, shape, byteStrides );
		}
		return new BlockArray( buffer, false, owner, null, false, pixelType.dtype(), false, offset * bytes, shape, byteStrides );
	}

	/**
	 * @return whether the array is in C order without gaps
	 */
	boolean isContiguous()
	{
		if ( madeContiguous )
			return true;
		long expected = dtype.bytes();
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
		return isContiguous() ? this : new BlockArray( this, true, interval, core );
	}

	/**
	 * @param pixels
	 * 		interval of all pixels, of as many axes as the array has, without components
	 * @param part
	 * 		what the array has to be cropped to for the pixels of the cell, or {@code null}
	 * @return the same array
	 */
	BlockArray withCrop( final Interval pixels, final Interval part )
	{
		return new BlockArray( this, madeContiguous, pixels, part );
	}

	/**
	 * @return the memory that the array is in
	 */
	public Buffer memory()
	{
		return memory;
	}

	/**
	 * @return whether other arrays are in the same memory, now or later, so that it is
	 *         worth while to hand it over only once; it is a {@link ByteBuffer} then, the
	 *         same object each time
	 */
	public boolean isReused()
	{
		return reused;
	}

	/**
	 * @return what must stay in reach as long as Python has the array, or {@code null}
	 */
	public Object owner()
	{
		return owner;
	}

	/**
	 * @return lease of the memory, or {@code null}
	 */
	public Lease lease()
	{
		return lease;
	}

	/**
	 * @return whether Python writes the pixels; else they are an input
	 */
	public boolean isOutput()
	{
		return output;
	}

	/**
	 * @return whether numpy shall copy the array into one in C order without gaps
	 */
	public boolean isMadeContiguous()
	{
		return madeContiguous;
	}

	/**
	 * @return type of the numbers
	 */
	public Dtype dtype()
	{
		return dtype;
	}

	/**
	 * @return whether the bytes of each number are in the order that is not that of this
	 *         machine
	 */
	public boolean isSwapped()
	{
		return swapped;
	}

	/**
	 * @return where the array begins in the memory, in bytes
	 */
	public long offset()
	{
		return offset;
	}

	/**
	 * @return number of axes, with that of the components
	 */
	public int numAxes()
	{
		return shape.length;
	}

	/**
	 * @return size along an axis
	 */
	public long size( final int axis )
	{
		return shape[ axis ];
	}

	/**
	 * @return distance of neighbours along an axis, in bytes
	 */
	public long stride( final int axis )
	{
		return strides[ axis ];
	}

	/**
	 * @return number of axes that the array is cropped along, 0 if it has no crop
	 */
	public int numCropAxes()
	{
		return core == null ? 0 : core.numDimensions();
	}

	/**
	 * @return where the crop begins along an axis
	 */
	public long cropLower( final int axis )
	{
		final int d = core.numDimensions() - 1 - axis;
		return core.min( d ) - interval.min( d );
	}

	/**
	 * @return size of the crop along an axis
	 */
	public long cropSize( final int axis )
	{
		return core.dimension( core.numDimensions() - 1 - axis );
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
