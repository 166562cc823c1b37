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
import java.nio.ByteOrder;
import java.nio.CharBuffer;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.LongBuffer;
import java.nio.ShortBuffer;
import java.util.function.Function;

import net.imglib2.img.basictypeaccess.array.ArrayDataAccess;
import net.imglib2.img.basictypeaccess.nio.BufferAccess;
import net.imglib2.img.basictypeaccess.nio.ByteBufferAccess;
import net.imglib2.img.basictypeaccess.nio.CharBufferAccess;
import net.imglib2.img.basictypeaccess.nio.DoubleBufferAccess;
import net.imglib2.img.basictypeaccess.nio.FloatBufferAccess;
import net.imglib2.img.basictypeaccess.nio.IntBufferAccess;
import net.imglib2.img.basictypeaccess.nio.LongBufferAccess;
import net.imglib2.img.basictypeaccess.nio.ShortBufferAccess;
import net.imglib2.type.PrimitiveType;

/**
 * Everything that depends on the primitive type of stored pixels: no other class has to
 * switch over {@link PrimitiveType}.
 */
public enum Primitive
{
	BYTE( ByteBufferAccess.class, byte[].class, CellAccess.Bytes::new, b -> b, ( b, a, n ) -> b.put( ( byte[] ) a, 0, n ), ( b, a, n ) -> b.get( ( byte[] ) a, 0, n ) ),

	SHORT( ShortBufferAccess.class, short[].class, CellAccess.Shorts::new, ByteBuffer::asShortBuffer,
			( b, a, n ) -> b.asShortBuffer().put( ( short[] ) a, 0, n ), ( b, a, n ) -> b.asShortBuffer().get( ( short[] ) a, 0, n ) ),

	INT( IntBufferAccess.class, int[].class, CellAccess.Ints::new, ByteBuffer::asIntBuffer,
			( b, a, n ) -> b.asIntBuffer().put( ( int[] ) a, 0, n ), ( b, a, n ) -> b.asIntBuffer().get( ( int[] ) a, 0, n ) ),

	LONG( LongBufferAccess.class, long[].class, CellAccess.Longs::new, ByteBuffer::asLongBuffer,
			( b, a, n ) -> b.asLongBuffer().put( ( long[] ) a, 0, n ), ( b, a, n ) -> b.asLongBuffer().get( ( long[] ) a, 0, n ) ),

	FLOAT( FloatBufferAccess.class, float[].class, CellAccess.Floats::new, ByteBuffer::asFloatBuffer,
			( b, a, n ) -> b.asFloatBuffer().put( ( float[] ) a, 0, n ), ( b, a, n ) -> b.asFloatBuffer().get( ( float[] ) a, 0, n ) ),

	DOUBLE( DoubleBufferAccess.class, double[].class, CellAccess.Doubles::new, ByteBuffer::asDoubleBuffer,
			( b, a, n ) -> b.asDoubleBuffer().put( ( double[] ) a, 0, n ), ( b, a, n ) -> b.asDoubleBuffer().get( ( double[] ) a, 0, n ) ),

	CHAR( CharBufferAccess.class, char[].class, CellAccess.Chars::new, ByteBuffer::asCharBuffer,
			( b, a, n ) -> b.asCharBuffer().put( ( char[] ) a, 0, n ), ( b, a, n ) -> b.asCharBuffer().get( ( char[] ) a, 0, n ) ),

	BOOLEAN( BooleanBufferAccess.class, boolean[].class, BooleanBufferAccess::new, b -> b, Primitive::putBooleans, Primitive::getBooleans );

	@FunctionalInterface
	private interface Transfer
	{
		void transfer( ByteBuffer buffer, Object array, int length );
	}

	private final Class< ? extends BufferAccess< ? > > accessClass;

	private final Class< ? > arrayClass;

	private final Function< ByteBuffer, BufferAccess< ? > > access;

	private final Function< ByteBuffer, Buffer > view;

	private final Transfer put;

	private final Transfer get;

	Primitive(
			final Class< ? extends BufferAccess< ? > > accessClass,
			final Class< ? > arrayClass,
			final Function< ByteBuffer, BufferAccess< ? > > access,
			final Function< ByteBuffer, Buffer > view,
			final Transfer put,
			final Transfer get )
	{
		this.accessClass = accessClass;
		this.arrayClass = arrayClass;
		this.access = access;
		this.view = view;
		this.put = put;
		this.get = get;
	}

	static Primitive of( final PrimitiveType type )
	{
		return valueOf( type.name() );
	}

	/**
	 * The access that cells have. It hands out duplicates of its buffer, so that readers
	 * cannot disturb each other's position and limit.
	 *
	 * @param buffer
	 * 		direct buffer in native byte order
	 * @return access to it, valid
	 */
	public BufferAccess< ? > access( final ByteBuffer buffer )
	{
		return access.apply( buffer );
	}

	/**
	 * @param buffer
	 * 		buffer in native byte order
	 * @return the same memory as a buffer of this type; of bytes for
	 *         {@link #BOOLEAN}
	 */
	public Buffer view( final ByteBuffer buffer )
	{
		return view.apply( buffer );
	}

	/**
	 * Copies an array to the start of a buffer.
	 */
	public void put( final ByteBuffer buffer, final Object array, final int length )
	{
		put.transfer( copyOf( buffer ), array, length );
	}

	/**
	 * Copies the start of a buffer to an array.
	 */
	public void get( final ByteBuffer buffer, final Object array, final int length )
	{
		get.transfer( copyOf( buffer ), array, length );
	}

	/**
	 * @param accessOfCells
	 * 		sample of an access
	 * @return whether cells can have such an access: a buffer access of this type,
	 *         or one to a primitive array of this type
	 */
	boolean fits( final Object accessOfCells )
	{
		if ( accessOfCells instanceof BufferAccess )
			return accessClass.isInstance( accessOfCells );
		return accessOfCells instanceof ArrayDataAccess && arrayClass.isInstance( storage( ( ( ArrayDataAccess< ? > ) accessOfCells ).createArray( 1 ) ) );
	}

	/**
	 * @param accessOfCells
	 * 		sample of a buffer access
	 * @return whether it is ImgLib2's or this library's own
	 */
	public boolean isStandard( final Object accessOfCells )
	{
		return accessOfCells.getClass() == accessClass || accessOfCells.getClass().getEnclosingClass() == CellAccess.class;
	}

	String accessName()
	{
		return accessClass.getSimpleName();
	}

	/**
	 * The buffer of an access, as numpy can see it.
	 *
	 * @param access
	 * 		pixels of a cell or an image
	 * @return buffer in native byte order, or {@code null} if the pixels are
	 *         elsewhere
	 */
	public static Buffer buffer( final Object access )
	{
		if ( access instanceof CellAccess.Chars )
			return ( ( CellAccess.Chars ) access ).bytes();
		final Object storage = storage( access );
		// Jep does not hand over CharBuffers.
		if ( !( storage instanceof Buffer ) || storage instanceof CharBuffer )
			return null;
		return orderOf( ( Buffer ) storage ) == nativeOrder() ? ( Buffer ) storage : null;
	}

	/**
	 * What an access stores its pixels in.
	 *
	 * @param access
	 * 		pixels of a cell or an image
	 * @return primitive array, or duplicate of a buffer, whose position and limit
	 *         can be changed; {@code null} if that cannot be had
	 */
	public static Object storage( final Object access )
	{
		final Object storage = access instanceof ArrayDataAccess ? ( ( ArrayDataAccess< ? > ) access ).getCurrentStorageArray() : null;
		return storage instanceof Buffer ? duplicate( ( Buffer ) storage ) : storage;
	}

	private static Buffer duplicate( final Buffer buffer )
	{
		final Buffer duplicate;
		if ( buffer instanceof ByteBuffer )
			duplicate = ( ( ByteBuffer ) buffer ).duplicate().order( nativeOrder() );
		else if ( buffer instanceof ShortBuffer )
			duplicate = ( ( ShortBuffer ) buffer ).duplicate();
		else if ( buffer instanceof IntBuffer )
			duplicate = ( ( IntBuffer ) buffer ).duplicate();
		else if ( buffer instanceof LongBuffer )
			duplicate = ( ( LongBuffer ) buffer ).duplicate();
		else if ( buffer instanceof FloatBuffer )
			duplicate = ( ( FloatBuffer ) buffer ).duplicate();
		else if ( buffer instanceof DoubleBuffer )
			duplicate = ( ( DoubleBuffer ) buffer ).duplicate();
		else
			duplicate = ( ( CharBuffer ) buffer ).duplicate();
		duplicate.clear();
		return duplicate;
	}

	/**
	 * @param buffer
	 * 		buffer of any type
	 * @return byte order of its numbers; that of this machine for bytes
	 */
	public static ByteOrder orderOf( final Buffer buffer )
	{
		if ( buffer instanceof FloatBuffer )
			return ( ( FloatBuffer ) buffer ).order();
		if ( buffer instanceof ShortBuffer )
			return ( ( ShortBuffer ) buffer ).order();
		if ( buffer instanceof IntBuffer )
			return ( ( IntBuffer ) buffer ).order();
		if ( buffer instanceof LongBuffer )
			return ( ( LongBuffer ) buffer ).order();
		if ( buffer instanceof DoubleBuffer )
			return ( ( DoubleBuffer ) buffer ).order();
		// The order of single bytes does not matter.
		return nativeOrder();
	}

	private static ByteBuffer copyOf( final ByteBuffer buffer )
	{
		return ( ByteBuffer ) duplicate( buffer );
	}

	private static void putBooleans( final ByteBuffer buffer, final Object array, final int length )
	{
		final boolean[] values = ( boolean[] ) array;
		for ( int i = 0; i < length; ++i )
			buffer.put( i, ( byte ) ( values[ i ] ? 1 : 0 ) );
	}

	private static void getBooleans( final ByteBuffer buffer, final Object array, final int length )
	{
		final boolean[] values = ( boolean[] ) array;
		for ( int i = 0; i < length; ++i )
			values[ i ] = buffer.get( i ) != 0;
	}
}
