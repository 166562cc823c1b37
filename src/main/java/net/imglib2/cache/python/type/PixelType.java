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

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.function.BiConsumer;
import java.util.function.Function;
import java.util.function.ObjLongConsumer;
import java.util.function.ToLongFunction;
import java.util.stream.Collectors;

import net.imglib2.Cursor;
import net.imglib2.RandomAccessibleInterval;
import net.imglib2.Volatile;
import net.imglib2.img.array.ArrayImg;
import net.imglib2.img.basictypeaccess.array.ArrayDataAccess;
import net.imglib2.img.basictypeaccess.nio.BufferAccess;
import net.imglib2.type.NativeType;
import net.imglib2.type.NativeTypeFactory;
import net.imglib2.type.label.BasePairBitType;
import net.imglib2.type.label.BasePairCharType;
import net.imglib2.type.logic.BitType;
import net.imglib2.type.logic.NativeBoolType;
import net.imglib2.type.numeric.ARGBType;
import net.imglib2.type.numeric.IntegerType;
import net.imglib2.type.numeric.NativeARGBDoubleType;
import net.imglib2.type.numeric.complex.ComplexDoubleType;
import net.imglib2.type.numeric.complex.ComplexFloatType;
import net.imglib2.type.numeric.integer.ByteType;
import net.imglib2.type.numeric.integer.IntType;
import net.imglib2.type.numeric.integer.LongType;
import net.imglib2.type.numeric.integer.ShortType;
import net.imglib2.type.numeric.integer.Unsigned128BitType;
import net.imglib2.type.numeric.integer.Unsigned12BitType;
import net.imglib2.type.numeric.integer.Unsigned2BitType;
import net.imglib2.type.numeric.integer.Unsigned4BitType;
import net.imglib2.type.numeric.integer.UnsignedByteType;
import net.imglib2.type.numeric.integer.UnsignedIntType;
import net.imglib2.type.numeric.integer.UnsignedLongType;
import net.imglib2.type.numeric.integer.UnsignedShortType;
import net.imglib2.type.numeric.integer.UnsignedVariableBitLengthType;
import net.imglib2.type.numeric.real.DoubleType;
import net.imglib2.type.numeric.real.FloatType;
import net.imglib2.util.Cast;
import net.imglib2.view.Views;

/**
 * The table of pixel types: which numpy dtype an ImgLib2 type is, and how its pixels get
 * into the memory that numpy sees. A new pixel type is a new row.
 * <p>
 * Most types have the same bits in ImgLib2 and in numpy. In ImgLib2, pixels of packed
 * types have fewer bits than a byte, or straddle bytes; in numpy each is an integer.
 *
 * @param <T>
 * 		ImgLib2 type
 */
public final class PixelType< T extends NativeType< T > >
{
	private static final List< Row< ? > > TABLE = Collections.unmodifiableList( Arrays.asList(
			row( ByteType.class, Dtype.INT8 ),
			row( UnsignedByteType.class, Dtype.UINT8 ),
			row( ShortType.class, Dtype.INT16 ),
			row( UnsignedShortType.class, Dtype.UINT16 ),
			row( IntType.class, Dtype.INT32 ),
			row( UnsignedIntType.class, Dtype.UINT32 ),
			row( LongType.class, Dtype.INT64 ),
			row( UnsignedLongType.class, Dtype.UINT64 ),
			row( FloatType.class, Dtype.FLOAT32 ),
			row( DoubleType.class, Dtype.FLOAT64 ),
			row( ComplexFloatType.class, Dtype.COMPLEX64 ),
			row( ComplexDoubleType.class, Dtype.COMPLEX128 ),
			row( NativeBoolType.class, Dtype.BOOL ),
			// Its set( other ) knows some characters only.
			new Row<>( BasePairCharType.class, Dtype.UINT16, 1, null, ( from, to ) -> to.setChar( from.getChar() ) ),
			row( ARGBType.class, Dtype.UINT32 ),
			// Components are the last axis: a, r, g, b, and low, high.
			new Row<>( NativeARGBDoubleType.class, Dtype.FLOAT64, 4, null ),
			// Its set( other ) goes by way of a double.
			new Row<>( Unsigned128BitType.class, Dtype.UINT64, 2, null, ( from, to ) -> to.set( from.get() ) ),
			new Row<>( BitType.class, Dtype.BOOL, 1, new Packing<>( t -> Dtype.BOOL, IntegerType::getIntegerLong, IntegerType::setInteger ) ),
			integers( Unsigned2BitType.class, Dtype.UINT8 ),
			integers( Unsigned4BitType.class, Dtype.UINT8 ),
			integers( Unsigned12BitType.class, Dtype.UINT16 ),
			new Row<>( UnsignedVariableBitLengthType.class, null, 1,
					new Packing<>( t -> unsignedOf( t.getBitsPerPixel() ), IntegerType::getIntegerLong, IntegerType::setInteger ) ),
			new Row<>( BasePairBitType.class, Dtype.UINT8, 1,
					new Packing<>( t -> Dtype.UINT8, t -> t.get().ordinal(), PixelType::setBase ) ) ) );

	private final Row< T > row;

	private final T type;

	private final Dtype dtype;

	private final Primitive primitive;

	private final int bytesPerPixel;

	private PixelType( final Row< T > row, final T type )
	{
		this.row = row;
		this.type = type.createVariable();
		primitive = Primitive.of( type.getNativeTypeFactory().getPrimitiveType() );
		if ( row.packing != null )
		{
			dtype = row.packing.dtype.apply( type );
			bytesPerPixel = dtype.bytes();
		}
		else
		{
			bytesPerPixel = ( int ) type.getEntitiesPerPixel().mulCeil( type.getNativeTypeFactory().getPrimitiveType().getByteCount() );
			dtype = row.dtype;
		}
	}

	/**
	 * The entry for a type.
	 *
	 * @param <T>
	 * 		ImgLib2 type
	 * @param type
	 * 		a pixel of it
	 * @param what
	 * 		what has this type, for the message
	 * @return the entry
	 * @throws IllegalArgumentException
	 * 		if the type is not supported
	 */
	public static < T extends NativeType< T > > PixelType< T > of( final Object type, final String what )
	{
		for ( final Row< ? > row : TABLE )
			if ( row.typeClass.isInstance( type ) )
			{
				requireAllBits( type, what );
				return new PixelType<>( Cast.unchecked( row ), Cast.unchecked( type ) );
			}
		final String name = type == null ? "null" : type.getClass().getSimpleName();
		if ( type instanceof Volatile )
			throw new IllegalArgumentException( what + " has type " + name + ", whose pixels may not be loaded yet: pass the image that it wraps" );
		throw new IllegalArgumentException( what + " has type " + name + ", which is not supported"
				+ ( type instanceof NativeType ? "" : ", because its pixels are Java objects" ) + ": supported are "
				+ TABLE.stream().map( row -> row.typeClass.getSimpleName() ).collect( Collectors.joining( ", " ) )
				+ ". Convert it, for instance by Converters.convert(...)" );
	}

	/**
	 * The type whose pixels are one number of a dtype, stored in ImgLib2 as in numpy.
	 *
	 * @param dtype
	 * 		type in numpy
	 * @return a pixel
	 */
	public static NativeType< ? > typeOf( final Dtype dtype )
	{
		for ( final Row< ? > row : TABLE )
			if ( row.dtype == dtype && row.components == 1 )
				return newPixel( row );
		throw new AssertionError( dtype );
	}

	/**
	 * @return name of the type, from which {@link #named} makes it again
	 */
	public String name()
	{
		final String simpleName = row.typeClass.getSimpleName();
		return type instanceof UnsignedVariableBitLengthType ? simpleName + ":" + ( ( UnsignedVariableBitLengthType ) type ).getBitsPerPixel() : simpleName;
	}

	/**
	 * @param name
	 * 		see {@link #name()}
	 * @return a pixel
	 * @throws IllegalArgumentException
	 * 		if there is no such type
	 */
	public static NativeType< ? > named( final String name )
	{
		final String[] parts = name.split( ":" );
		if ( parts.length == 2 )
			return new UnsignedVariableBitLengthType( Integer.parseInt( parts[ 1 ] ) );
		for ( final Row< ? > row : TABLE )
			if ( row.typeClass.getSimpleName().equals( name ) )
				return newPixel( row );
		throw new IllegalArgumentException( "there is no pixel type " + name );
	}

	private static NativeType< ? > newPixel( final Row< ? > row )
	{
		try
		{
			return row.typeClass.getConstructor().newInstance();
		}
		catch ( final ReflectiveOperationException e )
		{
			throw new AssertionError( e );
		}
	}

	/**
	 * @return type of the pixels in numpy
	 */
	public Dtype dtype()
	{
		return dtype;
	}

	/**
	 * @return how many numbers a pixel has; if not 1, this is the length of an additional
	 *         last axis in numpy
	 */
	public int components()
	{
		return row.components;
	}

	/**
	 * @return whether ImgLib2 stores the pixels in another way than numpy
	 */
	public boolean isPacked()
	{
		return row.packing != null;
	}

	/**
	 * @return whether a pixel is one number, which can be any of its dtype
	 */
	public boolean hasAllNumbers()
	{
		return row.components == 1 && ( row.packing == null || dtype == Dtype.BOOL );
	}

	/**
	 * @return what ImgLib2 stores the pixels as
	 */
	public Primitive primitive()
	{
		return primitive;
	}

	/**
	 * @return bytes of a pixel in numpy
	 */
	public int bytesPerPixel()
	{
		return bytesPerPixel;
	}

	/**
	 * @return a pixel
	 */
	public T type()
	{
		return type;
	}

	/**
	 * Number of bytes of a block in numpy.
	 *
	 * @param dims
	 * 		size in any axis order
	 * @return bytes
	 * @throws IllegalArgumentException
	 * 		if these are more bytes than a buffer can have
	 */
	public int numBytes( final long... dims )
	{
		try
		{
			return Math.toIntExact( Math.multiplyExact( numPixels( dims ), bytesPerPixel ) );
		}
		catch ( final ArithmeticException e )
		{
			throw new IllegalArgumentException( "a block of " + Arrays.toString( dims ) + " pixels of " + dtype.numpyName()
					+ " has more bytes than the 2^31-1 that a buffer can hold: choose smaller cells or a smaller halo", e );
		}
	}

	/**
	 * Number of entries of the array or buffer that stores a cell in ImgLib2.
	 *
	 * @param dims
	 * 		size
	 * @return entries of the primitive type
	 */
	public int numEntities( final long... dims )
	{
		return Math.toIntExact( type.getEntitiesPerPixel().mulCeil( numPixels( dims ) ) );
	}

	/**
	 * @param dims
	 * 		size
	 * @return bytes that store a cell in ImgLib2
	 */
	public int numStorageBytes( final long... dims )
	{
		return Math.multiplyExact( numEntities( dims ), type.getNativeTypeFactory().getPrimitiveType().getByteCount() );
	}

	/**
	 * @return an access without pixels, a sample of what cells in native memory have
	 */
	public BufferAccess< ? > emptyAccess()
	{
		return primitive.access( ByteBuffer.allocateDirect( 0 ).order( nativeOrder() ) );
	}

	/**
	 * Checks that cells can have an access.
	 *
	 * @param access
	 * 		sample of what the cells shall have
	 * @throws IllegalArgumentException
	 * 		if pixels of this type are not stored so
	 */
	public void requireFits( final Object access )
	{
		if ( !primitive.fits( access ) )
			throw new IllegalArgumentException( "access is a " + access.getClass().getSimpleName() + ", but pixels of " + type.getClass().getSimpleName()
					+ " need a " + primitive.accessName() + " or an access to an array of " + primitive.name().toLowerCase( Locale.ROOT ) );
	}

	/**
	 * The image that views the given memory.
	 *
	 * @param access
	 * 		pixels as ImgLib2 stores them
	 * @param dims
	 * 		size in ImgLib2's axis order
	 * @return image without a copy
	 */
	public ArrayImg< T, ? > image( final ArrayDataAccess< ? > access, final long... dims )
	{
		final ArrayImg< T, ArrayDataAccess< ? > > img = new ArrayImg<>( access, dims, type.getEntitiesPerPixel() );
		img.setLinkedType( Cast.< NativeTypeFactory< T, ArrayDataAccess< ? > > >unchecked( type.getNativeTypeFactory() ).createLinkedType( img ) );
		return img;
	}

	/**
	 * Writes the pixels of a packed type as numpy sees them.
	 *
	 * @param pixels
	 * 		pixels of this type
	 * @param buffer
	 * 		memory for {@link #numBytes}, native byte order
	 */
	public void unpack( final RandomAccessibleInterval< T > pixels, final ByteBuffer buffer )
	{
		final ToLongFunction< T > get = row.packing.get;
		int at = 0;
		for ( final T pixel : Views.flatIterable( pixels ) )
		{
			writeInteger( buffer, at, get.applyAsLong( pixel ) );
			at += bytesPerPixel;
		}
	}

	/**
	 * Reads the pixels of a packed type as numpy wrote them.
	 *
	 * @param buffer
	 * 		{@link #numBytes}, native byte order
	 * @param pixels
	 * 		where to write them
	 */
	public void pack( final ByteBuffer buffer, final RandomAccessibleInterval< T > pixels )
	{
		final ObjLongConsumer< T > set = row.packing.set;
		final Cursor< T > cursor = Views.flatIterable( pixels ).cursor();
		for ( int at = 0; cursor.hasNext(); at += bytesPerPixel )
			set.accept( cursor.next(), readInteger( buffer, at ) );
	}

	/**
	 * Copies a pixel with all its bits.
	 *
	 * @param from
	 * 		pixel to read
	 * @param to
	 * 		pixel to write
	 */
	public void copy( final T from, final T to )
	{
		row.copying.accept( from, to );
	}

	/**
	 * @return lines of a Markdown table, for the documentation
	 */
	public static List< String > describeTable()
	{
		final List< String > lines = new ArrayList<>();
		lines.add( "| ImgLib2 | numpy | additional last axis | stored in ImgLib2 |" );
		lines.add( "|---|---|---|---|" );
		for ( final Row< ? > row : TABLE )
			lines.add( "| `" + row.typeClass.getSimpleName() + "` | " + ( row.dtype == null ? "`uint8`, `uint16`, `uint32` or `uint64`, as many bits as needed" : "`" + row.dtype.numpyName() + "`" )
					+ " | " + ( row.components == 1 ? "" : row.components ) + " | " + ( row.packing == null ? "the same bits" : "packed" ) + " |" );
		return lines;
	}

	/**
	 * Refuses what ImgLib2 8.0.1 gets wrong: it computes the mask for 54 to 62 bits in
	 * doubles, which are not precise enough.
	 */
	private static void requireAllBits( final Object type, final String what )
	{
		if ( !( type instanceof UnsignedVariableBitLengthType ) )
			return;
		final int bits = ( ( UnsignedVariableBitLengthType ) type ).getBitsPerPixel();
		if ( new UnsignedVariableBitLengthType( -1L, bits ).get() != -1L >>> Long.SIZE - bits )
			throw new IllegalArgumentException( what + " has type UnsignedVariableBitLengthType of " + bits + " bits, whose values ImgLib2 does not keep: choose 53 bits or less, 63 or 64" );
	}

	private void writeInteger( final ByteBuffer buffer, final int at, final long value )
	{
		switch ( bytesPerPixel )
		{
		case 1:
			buffer.put( at, ( byte ) value );
			break;
		case 2:
			buffer.putShort( at, ( short ) value );
			break;
		case 4:
			buffer.putInt( at, ( int ) value );
			break;
		default:
			buffer.putLong( at, value );
		}
	}

	private long readInteger( final ByteBuffer buffer, final int at )
	{
		switch ( bytesPerPixel )
		{
		case 1:
			return buffer.get( at ) & 0xffL;
		case 2:
			return buffer.getShort( at ) & 0xffffL;
		case 4:
			return buffer.getInt( at ) & 0xffffffffL;
		default:
			return buffer.getLong( at );
		}
	}

	private static void setBase( final BasePairBitType pixel, final long value )
	{
		final BasePairBitType.Base[] bases = BasePairBitType.Base.values();
		if ( value >= bases.length )
			throw new IllegalArgumentException( "the code wrote " + value + ", but pixels of BasePairBitType are 0 to " + ( bases.length - 1 ) );
		pixel.set( bases[ ( int ) value ] );
	}

	private static long numPixels( final long... dims )
	{
		long pixels = 1;
		for ( final long dim : dims )
			pixels = Math.multiplyExact( pixels, dim );
		return pixels;
	}

	private static Dtype unsignedOf( final int bits )
	{
		return bits <= 8 ? Dtype.UINT8 : bits <= 16 ? Dtype.UINT16 : bits <= 32 ? Dtype.UINT32 : Dtype.UINT64;
	}

	private static < T extends NativeType< T > > Row< T > row( final Class< T > typeClass, final Dtype dtype )
	{
		return new Row<>( typeClass, dtype, 1, null );
	}

	private static < T extends NativeType< T > & IntegerType< T > > Row< T > integers( final Class< T > typeClass, final Dtype dtype )
	{
		return new Row<>( typeClass, dtype, 1, new Packing<>( t -> dtype, IntegerType::getIntegerLong, IntegerType::setInteger ) );
	}

	private static final class Row< T extends NativeType< T > >
	{
		private final Class< T > typeClass;

		private final Dtype dtype;

		private final int components;

		private final Packing< T > packing;

		private final BiConsumer< T, T > copying;

		Row( final Class< T > typeClass, final Dtype dtype, final int components, final Packing< T > packing )
		{
			this( typeClass, dtype, components, packing, ( from, to ) -> to.set( from ) );
		}

		Row( final Class< T > typeClass, final Dtype dtype, final int components, final Packing< T > packing, final BiConsumer< T, T > copying )
		{
			this.typeClass = typeClass;
			this.dtype = dtype;
			this.components = components;
			this.packing = packing;
			this.copying = copying;
		}
	}

	private static final class Packing< T >
	{
		private final Function< T, Dtype > dtype;

		private final ToLongFunction< T > get;

		private final ObjLongConsumer< T > set;

		Packing( final Function< T, Dtype > dtype, final ToLongFunction< T > get, final ObjLongConsumer< T > set )
		{
			this.dtype = dtype;
			this.get = get;
			this.set = set;
		}
	}
}
