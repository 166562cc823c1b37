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

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.lang.reflect.Array;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Values as bytes, for what Java and Python tell each other besides blocks: the Java
 * side of {@code values.py}, which describes the format.
 */
public final class Values
{
	static final int MAX_DEPTH = 100;

	/**
	 * A {@code byte[]} that becomes an array of numbers; otherwise it becomes bytes.
	 */
	static final class Int8
	{
		private final byte[] content;

		Int8( final byte[] content )
		{
			this.content = content;
		}

		@Override
		public String toString()
		{
			return "array(" + Arrays.toString( content ) + ")";
		}
	}

	private Values()
	{}

	/**
	 * @throws IllegalArgumentException
	 * 		if Python cannot have such a value
	 */
	public static byte[] encode( final Object value )
	{
		final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
		try
		{
			write( value, new DataOutputStream( bytes ), 0 );
		}
		catch ( final IOException e )
		{
			throw new AssertionError( e );
		}
		return bytes.toByteArray();
	}

	private static void write( final Object value, final DataOutputStream out, final int depth ) throws IOException
	{
		if ( depth > MAX_DEPTH )
			throw new IllegalArgumentException( "the value contains itself, or is nested more than " + MAX_DEPTH + " times" );
		if ( value == null )
			out.writeByte( 'N' );
		else if ( value instanceof Boolean )
			out.writeByte( ( Boolean ) value ? 'T' : 'F' );
		else if ( value instanceof Long || value instanceof Integer || value instanceof Short || value instanceof Byte )
		{
			out.writeByte( 'I' );
			out.writeLong( ( ( Number ) value ).longValue() );
		}
		else if ( value instanceof BigInteger )
			sized( 'J', ( ( BigInteger ) value ).toString( 16 ).getBytes( UTF_8 ), out );
		else if ( value instanceof Double || value instanceof Float || value instanceof BigDecimal )
		{
			out.writeByte( 'D' );
			out.writeDouble( ( ( Number ) value ).doubleValue() );
		}
		else if ( value instanceof CharSequence || value instanceof Character )
			sized( 'S', value.toString().getBytes( UTF_8 ), out );
		else if ( value instanceof byte[] )
			sized( 'B', ( byte[] ) value, out );
		else if ( value instanceof Collection )
			list( ( ( Collection< ? > ) value ).toArray(), out, depth );
		else if ( value instanceof Object[] )
			list( ( Object[] ) value, out, depth );
		else if ( value instanceof Map )
		{
			final Map< ?, ? > map = ( Map< ?, ? > ) value;
			out.writeByte( 'M' );
			out.writeInt( map.size() );
			for ( final Map.Entry< ?, ? > entry : map.entrySet() )
			{
				write( entry.getKey(), out, depth + 1 );
				write( entry.getValue(), out, depth + 1 );
			}
		}
		else if ( value instanceof Int8 )
		{
			final byte[] content = ( ( Int8 ) value ).content;
			header( "int8", content.length, out );
			out.write( content );
		}
		else if ( value.getClass().isArray() && value.getClass() != char[].class )
			array( value, out );
		else
			throw new IllegalArgumentException( "a " + value.getClass().getName()
					+ " cannot be handed to Python: possible are null, booleans, numbers, text, byte[], collections, maps, and arrays of these or of primitive numbers" );
	}

	private static void list( final Object[] entries, final DataOutputStream out, final int depth ) throws IOException
	{
		out.writeByte( 'L' );
		out.writeInt( entries.length );
		for ( final Object entry : entries )
			write( entry, out, depth + 1 );
	}

	private static void sized( final char tag, final byte[] content, final DataOutputStream out ) throws IOException
	{
		out.writeByte( tag );
		out.writeInt( content.length );
		out.write( content );
	}

	private static void array( final Object array, final DataOutputStream out ) throws IOException
	{
		final int length = Array.getLength( array );
		final String dtype = array instanceof boolean[] ? "bool"
				: array instanceof short[] ? "int16" : array instanceof int[] ? "int32" : array instanceof long[] ? "int64" : array instanceof float[] ? "float32" : "float64";
		header( dtype, length, out );
		final int bytes = bytesOf( dtype );
		final ByteBuffer content = ByteBuffer.allocate( Math.multiplyExact( length, bytes ) ).order( ByteOrder.nativeOrder() );
		if ( array instanceof boolean[] )
			for ( final boolean b : ( boolean[] ) array )
				content.put( ( byte ) ( b ? 1 : 0 ) );
		else if ( array instanceof short[] )
			content.asShortBuffer().put( ( short[] ) array );
		else if ( array instanceof int[] )
			content.asIntBuffer().put( ( int[] ) array );
		else if ( array instanceof long[] )
			content.asLongBuffer().put( ( long[] ) array );
		else if ( array instanceof float[] )
			content.asFloatBuffer().put( ( float[] ) array );
		else
			content.asDoubleBuffer().put( ( double[] ) array );
		out.write( content.array() );
	}

	private static void header( final String dtype, final int length, final DataOutputStream out ) throws IOException
	{
		out.writeByte( 'A' );
		out.writeInt( dtype.length() );
		out.writeBytes( dtype );
		out.writeByte( 1 );
		out.writeLong( length );
	}

	private static int bytesOf( final String dtype )
	{
		return dtype.endsWith( "16" ) ? 2 : dtype.endsWith( "32" ) ? 4 : dtype.endsWith( "64" ) ? 8 : 1;
	}

	/**
	 * @return the value; lists and maps can be changed, an array of several axes is one
	 *         of arrays, and unsigned numbers of an array are in the signed type of their
	 *         size
	 */
	public static Object decode( final byte[] bytes )
	{
		return read( ByteBuffer.wrap( bytes ) );
	}

	private static Object read( final ByteBuffer in )
	{
		final char tag = ( char ) in.get();
		switch ( tag )
		{
		case 'N':
			return null;
		case 'T':
			return true;
		case 'F':
			return false;
		case 'I':
			return in.getLong();
		case 'D':
			return in.getDouble();
		case 'J':
			return new BigInteger( new String( content( in ), UTF_8 ), 16 );
		case 'S':
			return new String( content( in ), UTF_8 );
		case 'B':
			return content( in );
		case 'L':
			final List< Object > list = new ArrayList<>();
			for ( int i = in.getInt(); i > 0; --i )
				list.add( read( in ) );
			return list;
		case 'M':
			final Map< Object, Object > map = new LinkedHashMap<>();
			for ( int i = in.getInt(); i > 0; --i )
			{
				final Object key = read( in );
				map.put( key, read( in ) );
			}
			return map;
		case 'A':
			return readArray( in );
		default:
			throw new IllegalStateException( "unknown kind of value: " + ( int ) tag );
		}
	}

	private static byte[] content( final ByteBuffer in )
	{
		final byte[] content = new byte[ in.getInt() ];
		in.get( content );
		return content;
	}

	private static Object readArray( final ByteBuffer in )
	{
		final String dtype = new String( content( in ), UTF_8 );
		final int[] shape = new int[ in.get() ];
		for ( int d = 0; d < shape.length; ++d )
			shape[ d ] = Math.toIntExact( in.getLong() );
		final ByteBuffer content = in.slice().order( ByteOrder.nativeOrder() );
		final Object array = shape.length == 0 ? Array.get( row( dtype, content, 1 ), 0 ) : rows( dtype, content, shape, 0 );
		( ( Buffer ) in ).position( in.position() + content.position() );
		return array;
	}

	private static Object rows( final String dtype, final ByteBuffer content, final int[] shape, final int axis )
	{
		if ( axis == shape.length - 1 )
			return row( dtype, content, shape[ axis ] );
		final Object none = Array.newInstance( row( dtype, content, 0 ).getClass().getComponentType(), new int[ shape.length - axis - 1 ] );
		final Object[] rows = ( Object[] ) Array.newInstance( none.getClass(), shape[ axis ] );
		for ( int i = 0; i < rows.length; ++i )
			rows[ i ] = rows( dtype, content, shape, axis + 1 );
		return rows;
	}

	private static Object row( final String dtype, final ByteBuffer content, final int length )
	{
		final Object row;
		switch ( dtype )
		{
		case "bool":
			final boolean[] booleans = new boolean[ length ];
			for ( int i = 0; i < length; ++i )
				booleans[ i ] = content.get( content.position() + i ) != 0;
			row = booleans;
			break;
		case "int8":
		case "uint8":
			content.duplicate().get( ( byte[] ) ( row = new byte[ length ] ) );
			break;
		case "int16":
		case "uint16":
			content.asShortBuffer().get( ( short[] ) ( row = new short[ length ] ) );
			break;
		case "int32":
		case "uint32":
			content.asIntBuffer().get( ( int[] ) ( row = new int[ length ] ) );
			break;
		case "int64":
		case "uint64":
			content.asLongBuffer().get( ( long[] ) ( row = new long[ length ] ) );
			break;
		case "float32":
			content.asFloatBuffer().get( ( float[] ) ( row = new float[ length ] ) );
			break;
		case "float64":
			content.asDoubleBuffer().get( ( double[] ) ( row = new double[ length ] ) );
			break;
		default:
			throw new IllegalStateException( "unknown dtype " + dtype );
		}
		( ( Buffer ) content ).position( content.position() + length * bytesOf( dtype ) );
		return row;
	}
}
