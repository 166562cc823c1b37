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
package net.imglib2.cache.python.type;

import static java.nio.ByteOrder.nativeOrder;

import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.function.BiFunction;
import java.util.function.Function;

import jep.DirectNDArray;
import net.imglib2.Volatile;
import net.imglib2.img.array.ArrayImg;
import net.imglib2.img.basictypeaccess.nio.BufferAccess;
import net.imglib2.img.basictypeaccess.nio.ByteBufferAccess;
import net.imglib2.img.basictypeaccess.nio.DoubleBufferAccess;
import net.imglib2.img.basictypeaccess.nio.FloatBufferAccess;
import net.imglib2.img.basictypeaccess.nio.IntBufferAccess;
import net.imglib2.img.basictypeaccess.nio.LongBufferAccess;
import net.imglib2.img.basictypeaccess.nio.ShortBufferAccess;
import net.imglib2.type.NativeType;
import net.imglib2.type.NativeTypeFactory;
import net.imglib2.type.numeric.integer.ByteType;
import net.imglib2.type.numeric.integer.IntType;
import net.imglib2.type.numeric.integer.LongType;
import net.imglib2.type.numeric.integer.ShortType;
import net.imglib2.type.numeric.integer.UnsignedByteType;
import net.imglib2.type.numeric.integer.UnsignedIntType;
import net.imglib2.type.numeric.integer.UnsignedLongType;
import net.imglib2.type.numeric.integer.UnsignedShortType;
import net.imglib2.type.numeric.real.DoubleType;
import net.imglib2.type.numeric.real.FloatType;
import net.imglib2.util.Cast;

/**
 * The table of pixel types: ImgLib2 type, numpy dtype, access and bytes.
 */
public enum PixelType
{
	INT8( ByteType.class, "int8", Byte.BYTES, false, ByteBufferAccess::new, b -> b ),
	UINT8( UnsignedByteType.class, "uint8", Byte.BYTES, true, ByteBufferAccess::new, b -> b ),
	INT16( ShortType.class, "int16", Short.BYTES, false, ShortBufferAccess::new, ByteBuffer::asShortBuffer ),
	UINT16( UnsignedShortType.class, "uint16", Short.BYTES, true, ShortBufferAccess::new, ByteBuffer::asShortBuffer ),
	INT32( IntType.class, "int32", Integer.BYTES, false, IntBufferAccess::new, ByteBuffer::asIntBuffer ),
	UINT32( UnsignedIntType.class, "uint32", Integer.BYTES, true, IntBufferAccess::new, ByteBuffer::asIntBuffer ),
	INT64( LongType.class, "int64", Long.BYTES, false, LongBufferAccess::new, ByteBuffer::asLongBuffer ),
	UINT64( UnsignedLongType.class, "uint64", Long.BYTES, true, LongBufferAccess::new, ByteBuffer::asLongBuffer ),
	FLOAT32( FloatType.class, "float32", Float.BYTES, false, FloatBufferAccess::new, ByteBuffer::asFloatBuffer ),
	FLOAT64( DoubleType.class, "float64", Double.BYTES, false, DoubleBufferAccess::new, ByteBuffer::asDoubleBuffer );

	private final Class< ? extends NativeType< ? > > typeClass;

	private final String dtype;

	private final int bytesPerPixel;

	private final boolean unsigned;

	private final BiFunction< ByteBuffer, Boolean, BufferAccess< ? > > access;

	private final Function< ByteBuffer, Buffer > view;

	PixelType(
			final Class< ? extends NativeType< ? > > typeClass,
			final String dtype,
			final int bytesPerPixel,
			final boolean unsigned,
			final BiFunction< ByteBuffer, Boolean, BufferAccess< ? > > access,
			final Function< ByteBuffer, Buffer > view )
	{
		this.typeClass = typeClass;
		this.dtype = dtype;
		this.bytesPerPixel = bytesPerPixel;
		this.unsigned = unsigned;
		this.access = access;
		this.view = view;
	}

	/**
	 * The entry for a type.
	 *
	 * @param type
	 * 		an ImgLib2 type
	 * @param what
	 * 		what has this type, for the message
	 * @return the entry
	 * @throws IllegalArgumentException
	 * 		if the type is not supported
	 */
	public static PixelType of( final Object type, final String what )
	{
		for ( final PixelType entry : values() )
			if ( entry.typeClass.isInstance( type ) )
				return entry;
		final String name = type == null ? "null" : type.getClass().getSimpleName();
		if ( type instanceof Volatile )
			throw new IllegalArgumentException( what + " has type " + name + ", whose pixels may not be loaded yet: pass the image that it wraps" );
		throw new IllegalArgumentException( what + " has type " + name + ", which is not supported: supported are " + names()
				+ ". Convert it, for instance by Converters.convert(...)" );
	}

	/**
	 * @return numpy's name of the dtype
	 */
	public String dtype()
	{
		return dtype;
	}

	/**
	 * @return bytes of one pixel
	 */
	public int bytesPerPixel()
	{
		return bytesPerPixel;
	}

	/**
	 * Allocates memory for pixels.
	 *
	 * @param dims
	 * 		size in ImgLib2's axis order
	 * @return direct buffer in native byte order, filled with zeros
	 * @throws IllegalArgumentException
	 * 		if that are more bytes than a buffer can have
	 */
	public ByteBuffer allocate( final long[] dims )
	{
		return ByteBuffer.allocateDirect( numBytes( dims ) ).order( nativeOrder() );
	}

	/**
	 * Number of bytes of a block.
	 *
	 * @param dims
	 * 		size in any axis order
	 * @return bytes
	 * @throws IllegalArgumentException
	 * 		if that are more bytes than a buffer can have
	 */
	public int numBytes( final long[] dims )
	{
		try
		{
			long bytes = bytesPerPixel;
			for ( final long dim : dims )
				bytes = Math.multiplyExact( bytes, dim );
			return Math.toIntExact( bytes );
		}
		catch ( final ArithmeticException e )
		{
			throw new IllegalArgumentException( "a block of " + Arrays.toString( dims ) + " pixels of " + dtype
					+ " has more bytes than the 2^31-1 that a buffer can hold: choose smaller cells or a smaller halo", e );
		}
	}

	/**
	 * The access that views the given memory.
	 *
	 * @param buffer
	 * 		direct buffer in native byte order
	 * @return access, marked valid
	 */
	public BufferAccess< ? > access( final ByteBuffer buffer )
	{
		return access.apply( buffer, true );
	}

	/**
	 * @return an access without pixels, as a sample of its kind
	 */
	public BufferAccess< ? > emptyAccess()
	{
		return access( ByteBuffer.allocateDirect( 0 ).order( nativeOrder() ) );
	}

	/**
	 * @return kind of access that the pixels need
	 */
	public Class< ? > accessClass()
	{
		return emptyAccess().getClass();
	}

	/**
	 * The array that numpy sees of the given memory.
	 *
	 * @param buffer
	 * 		direct buffer in native byte order, of exactly the size of the array
	 * @param shape
	 * 		size in numpy's axis order
	 * @return array without a copy
	 */
	public DirectNDArray< ? > ndarray( final ByteBuffer buffer, final int... shape )
	{
		return new DirectNDArray<>( view.apply( buffer ), unsigned, shape );
	}

	/**
	 * The image that views the given memory.
	 *
	 * @param <T>
	 * 		pixel type
	 * @param type
	 * 		instance of this entry's type
	 * @param buffer
	 * 		direct buffer in native byte order
	 * @param dims
	 * 		size in ImgLib2's axis order
	 * @return image without a copy
	 */
	public < T extends NativeType< T > > ArrayImg< T, ? > image( final T type, final ByteBuffer buffer, final long... dims )
	{
		final ArrayImg< T, BufferAccess< ? > > img = new ArrayImg<>( access( buffer ), dims, type.getEntitiesPerPixel() );
		img.setLinkedType( Cast.< NativeTypeFactory< T, BufferAccess< ? > > >unchecked( type.getNativeTypeFactory() ).createLinkedType( img ) );
		return img;
	}

	private static String names()
	{
		final StringBuilder names = new StringBuilder();
		for ( final PixelType entry : values() )
			names.append( names.length() == 0 ? "" : ", " ).append( entry.typeClass.getSimpleName() );
		return names.toString();
	}
}
