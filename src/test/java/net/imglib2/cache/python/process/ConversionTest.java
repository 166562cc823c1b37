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
package net.imglib2.cache.python.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.math.BigInteger;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.Test;

class ConversionTest
{
	private static final BigInteger LARGE = BigInteger.ONE.shiftLeft( 63 );

	private static final BigInteger HUGE = BigInteger.TEN.pow( 400 );

	@Test
	void numbersBecomeThoseOfTheType()
	{
		final Class< ? >[] types = { Long.class, Integer.class, Short.class, Byte.class, Double.class, Float.class, BigInteger.class, Number.class, Object.class, long.class, int.class, short.class, byte.class, double.class, float.class };
		final Object[] expected = { 5L, 5, ( short ) 5, ( byte ) 5, 5., 5f, BigInteger.valueOf( 5 ), 5L, 5L, 5L, 5, ( short ) 5, ( byte ) 5, 5., 5f };
		for ( int i = 0; i < types.length; ++i )
			assertEquals( expected[ i ], Conversion.< Object >convert( 5L, unchecked( types[ i ] ) ) );
		assertEquals( LARGE, Conversion.convert( LARGE, Object.class ) );
		assertEquals( 0x1p63, Conversion.convert( LARGE, Double.class ) );
		assertEquals( 0.5f, Conversion.convert( 0.5, Float.class ) );
		assertEquals( Float.NaN, Conversion.convert( Double.NaN, Float.class ) );
		assertEquals( Float.NEGATIVE_INFINITY, Conversion.convert( Double.NEGATIVE_INFINITY, float.class ) );
	}

	@Test
	void numbersThatATypeCannotHoldAreRefused()
	{
		for ( final Class< ? > type : new Class[] { Integer.class, int.class, Short.class, short.class, Byte.class, byte.class } )
			assertThrows( ArithmeticException.class, () -> Conversion.convert( 1L << 31, type ), type.getName() );
		assertThrows( ArithmeticException.class, () -> Conversion.convert( 128L, Byte.class ) );
		assertThrows( ArithmeticException.class, () -> Conversion.convert( -32769L, Short.class ) );
		for ( final Class< ? > type : new Class[] { Long.class, long.class, Integer.class } )
			assertThrows( ArithmeticException.class, () -> Conversion.convert( LARGE, type ), type.getName() );
		for ( final Class< ? > type : new Class[] { Double.class, double.class, Float.class, float.class } )
			assertThrows( ArithmeticException.class, () -> Conversion.convert( HUGE, type ), type.getName() );
		for ( final Class< ? > type : new Class[] { Float.class, float.class } )
			assertThrows( ArithmeticException.class, () -> Conversion.convert( 1e300, type ), type.getName() );
	}

	@Test
	void whatIsOfTheTypeStaysAsItIs()
	{
		final List< Object > list = Arrays.asList( 1L );
		assertSame( list, Conversion.convert( list, List.class ) );
		assertSame( list, Conversion.convert( list, Collection.class ) );
		final int[][] array = { { 1 } };
		assertSame( array, Conversion.convert( array, int[][].class ) );
		assertSame( array, Conversion.convert( array, Object[].class ) );
		assertEquals( true, Conversion.convert( true, Boolean.class ) );
		assertEquals( true, Conversion.< Object >convert( true, unchecked( boolean.class ) ) );
		assertNull( Conversion.convert( null, Integer.class ) );
	}

	@Test
	void otherKindsAreRefused()
	{
		refused( "it is a Double", 1.5, Integer.class );
		refused( "it is a Double", 1., Long.class );
		refused( "it is a Boolean", true, Integer.class );
		refused( "it is a Long", 1L, Boolean.class );
		refused( "it is a Long", 1L, Character.class );
		refused( "it is a ArrayList", new java.util.ArrayList<>(), Map.class );
		refused( "it is a int[][]", new int[ 1 ][ 1 ], int[].class );
	}

	private static void refused( final String message, final Object value, final Class< ? > type )
	{
		assertEquals( message, assertThrows( ClassCastException.class, () -> Conversion.convert( value, type ) ).getMessage() );
	}

	@SuppressWarnings( "unchecked" )
	private static Class< Object > unchecked( final Class< ? > type )
	{
		return ( Class< Object > ) type;
	}
}
