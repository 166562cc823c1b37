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

import java.lang.reflect.Array;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
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
	 * An array of Java cannot hold much more, and others hold this and what precedes it.
	 */
	private static final int MAX_BYTES = Integer.MAX_VALUE - 64;

	private static final byte[] ONE_AXIS = { 1 };

	private static final String CHANGED = "another thread changes the value while it is handed over: hand over a copy";

	/**
	 * Of what a message says of a key.
	 */
	private static final int MAX_KEY_LENGTH = 100;

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
	 * Counts the bytes first, so that nothing is copied of a value that is too large.
	 */
	private static final class Output
	{
		private final int maxBytes;

		private long numBytes;

		/**
		 * {@code null} while the bytes are counted.
		 */
		private ByteBuffer bytes;

		Output( final int maxBytes )
		{
			this.maxBytes = maxBytes;
		}

		/**
		 * @return where so many bytes go, or {@code null} if they are only counted
		 * @throws IllegalArgumentException
		 * 		if all together are too many, or more than were counted
		 */
		ByteBuffer next( final long more )
		{
			if ( bytes != null )
			{
				if ( more > bytes.remaining() )
					throw new IllegalArgumentException( CHANGED );
				return bytes;
			}
			numBytes += more;
			if ( numBytes > maxBytes )
				throw new IllegalArgumentException( "the value takes " + numBytes + " bytes or more, but only " + maxBytes + " can be handed over at once: hand over parts of it, or make large arrays inputs of an image" );
			return null;
		}

		void tag( final char tag )
		{
			if ( next( 1 ) != null )
				bytes.put( ( byte ) tag );
		}

		void putInt( final int number )
		{
			if ( next( Integer.BYTES ) != null )
				bytes.putInt( number );
		}

		void putLong( final long number )
		{
			if ( next( Long.BYTES ) != null )
				bytes.putLong( number );
		}

		void put( final byte[] content )
		{
			if ( next( content.length ) != null )
				bytes.put( content );
		}

		/**
		 * @return where the content of an array goes, or {@code null} if it is only counted
		 */
		ByteBuffer content( final long length )
		{
			if ( next( length ) == null )
				return null;
			final ByteBuffer content = bytes.slice().order( ByteOrder.nativeOrder() );
			( ( Buffer ) bytes ).position( bytes.position() + ( int ) length );
			return content;
		}
	}

	/**
	 * @throws IllegalArgumentException
	 * 		if Python cannot have such a value, if it is too large, or if another thread
	 * 		changes it meanwhile
	 */
	public static byte[] encode( final Object value )
	{
		return encode( value, MAX_BYTES );
	}

	static byte[] encode( final Object value, final int maxBytes )
	{
		final Output out = new Output( maxBytes );
		write( value, out, 0 );
		out.bytes = ByteBuffer.allocate( ( int ) out.numBytes );
		write( value, out, 0 );
		if ( out.bytes.hasRemaining() )
			throw new IllegalArgumentException( CHANGED );
		return out.bytes.array();
	}

	private static void write( final Object value, final Output out, final int depth )
	{
		if ( depth > MAX_DEPTH )
			throw new IllegalArgumentException( "the value contains itself, or is nested more than " + MAX_DEPTH + " times" );
		if ( value == null )
			out.tag( 'N' );
		else if ( value instanceof Boolean )
			out.tag( ( Boolean ) value ? 'T' : 'F' );
		else if ( value instanceof Long || value instanceof Integer || value instanceof Short || value instanceof Byte )
		{
			out.tag( 'I' );
			out.putLong( ( ( Number ) value ).longValue() );
		}
		else if ( value instanceof BigInteger )
			sized( 'J', ( ( BigInteger ) value ).toString( 16 ).getBytes( UTF_8 ), out );
		else if ( value instanceof Double || value instanceof Float || value instanceof BigDecimal )
		{
			final double number = ( ( Number ) value ).doubleValue();
			if ( value instanceof BigDecimal && Double.isInfinite( number ) )
				throw new IllegalArgumentException( value + " is no floating-point number of 64 bits; hand it over as text" );
			out.tag( 'D' );
			out.putLong( Double.doubleToRawLongBits( number ) );
		}
		else if ( value instanceof CharSequence || value instanceof Character )
			text( value.toString(), out );
		else if ( value instanceof byte[] )
			sized( 'B', ( byte[] ) value, out );
		else if ( value instanceof Collection )
			list( ( ( Collection< ? > ) value ).toArray(), out, depth );
		else if ( value instanceof Object[] )
			list( ( Object[] ) value, out, depth );
		else if ( value instanceof Map )
		{
			final Map< ?, ? > map = ( Map< ?, ? > ) value;
			out.tag( 'M' );
			out.putInt( map.size() );
			for ( final Map.Entry< ?, ? > entry : map.entrySet() )
			{
				requireKey( entry.getKey() );
				write( entry.getKey(), out, depth + 1 );
				write( entry.getValue(), out, depth + 1 );
			}
		}
		else if ( value instanceof Int8 )
		{
			final byte[] content = ( ( Int8 ) value ).content;
			header( "int8", content.length, out );
			out.put( content );
		}
		else if ( value.getClass().isArray() && value.getClass() != char[].class )
			array( value, out );
		else
			throw new IllegalArgumentException( "a " + value.getClass().getTypeName()
					+ " cannot be handed to Python: possible are null, booleans, numbers, text, byte[], collections, maps, and arrays of these or of primitive numbers" );
	}

	/**
	 * In Python, the keys of a dict are hashable.
	 */
	private static void requireKey( final Object key )
	{
		if ( key == null || key instanceof Boolean || key instanceof Number || key instanceof CharSequence || key instanceof Character || key instanceof byte[] )
			return;
		final String text = key.toString();
		throw new IllegalArgumentException( "a map with the key " + ( text.length() <= MAX_KEY_LENGTH ? text : text.substring( 0, MAX_KEY_LENGTH ) + "…" ) + " of type " + key.getClass().getTypeName()
				+ " cannot be handed to Python: its keys can be null, booleans, numbers, text, and byte[]" );
	}

	private static void list( final Object[] entries, final Output out, final int depth )
	{
		out.tag( 'L' );
		out.putInt( entries.length );
		for ( final Object entry : entries )
			write( entry, out, depth + 1 );
	}

	private static void text( final String text, final Output out )
	{
		// As Python's, a string of Java can have half of a surrogate pair, but UTF-8 cannot.
		if ( UTF_8.newEncoder().canEncode( text ) )
			sized( 'S', text.getBytes( UTF_8 ), out );
		else
		{
			final long numBytes = ( long ) Character.BYTES * text.length();
			out.tag( 'U' );
			out.putInt( ( int ) numBytes );
			final ByteBuffer content = out.next( numBytes );
			if ( content != null )
				text.chars().forEach( c -> content.putChar( ( char ) c ) );
		}
	}

	private static void sized( final char tag, final byte[] content, final Output out )
	{
		out.tag( tag );
		out.putInt( content.length );
		out.put( content );
	}

	private static void array( final Object array, final Output out )
	{
		final int length = Array.getLength( array );
		final String dtype = array instanceof boolean[] ? "bool"
				: array instanceof short[] ? "int16" : array instanceof int[] ? "int32" : array instanceof long[] ? "int64" : array instanceof float[] ? "float32" : "float64";
		header( dtype, length, out );
		final ByteBuffer content = out.content( ( long ) length * bytesOf( dtype ) );
		if ( content == null )
			return;
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
	}

	private static void header( final String dtype, final int length, final Output out )
	{
		sized( 'A', dtype.getBytes( UTF_8 ), out );
		out.put( ONE_AXIS );
		out.putLong( length );
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
		case 'U':
			final char[] text = new char[ in.getInt() / Character.BYTES ];
			for ( int i = 0; i < text.length; ++i )
				text[ i ] = in.getChar();
			return new String( text );
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
		final Object array = rows( dtype, content, shape, 0 );
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
