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
package net.imglib2.cache.python;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import groovy.lang.GroovyShell;

/**
 * The values that scripts pass as widths.
 */
class HaloTest
{
	private static final Halo EXPECTED = new Halo( new int[] { 3, 4 } );

	private static List< Object > widths()
	{
		final Map< String, Object > ofNashorn = new LinkedHashMap<>();
		ofNashorn.put( "0", 3 );
		ofNashorn.put( "1", 4.0 );
		return Arrays.asList( new byte[] { 3, 4 }, new short[] { 3, 4 }, new int[] { 3, 4 }, new long[] { 3, 4 }, new float[] { 3, 4 },
				new double[] { 3, 4 }, new Integer[] { 3, 4 }, new Object[] { 3, 4L }, new Number[] { 3f, new AtomicLong( 4 ) }, Arrays.asList( 3, 4 ),
				Arrays.asList( BigInteger.valueOf( 3 ), new BigDecimal( "4.00" ) ), Collections.unmodifiableCollection( Arrays.asList( 3.0, 4e0 ) ), ofNashorn );
	}

	static List< Arguments > arguments()
	{
		return widths().stream().map( widths -> Arguments.of( new Object[] { widths } ) ).collect( Collectors.toList() );
	}

	@ParameterizedTest
	@MethodSource( "arguments" )
	void everyListAndArrayOfNumbersIsAccepted( final Object widths )
	{
		assertEquals( EXPECTED, new Halo( widths ) );
		for ( final Object upper : widths() )
			assertEquals( EXPECTED, new Halo( widths, upper ) );
		final Halo unequal = new Halo( widths, Collections.nCopies( 2, 0 ) );
		assertArrayEquals( new int[] { 3, 4 }, unequal.getLowerCopy() );
		assertArrayEquals( new int[] { 0, 0 }, unequal.getUpperCopy() );
	}

	@Test
	void numbersAreWidthsAlongOneAxisEach()
	{
		final Object[] numbers = { 3, 3L, (short) 3, 3.0, 3f, BigInteger.valueOf( 3 ), new BigDecimal( "3.0" ) };
		for ( final Object x : numbers )
		{
			assertEquals( new Halo( new int[] { 3 } ), new Halo( x ) );
			for ( final Object y : numbers )
			{
				assertEquals( new Halo( new int[] { 3, 3 } ), new Halo( x, y ) );
				assertEquals( new Halo( new int[] { 3, 3, 3 } ), new Halo( x, y, x ) );
			}
		}
		assertEquals( new Halo( new int[] { 1 } ), new Halo( 1 ) );
		assertEquals( new Halo( new int[] { 1, 2 } ), new Halo( 1, 2 ) );
		assertEquals( new Halo( new int[] { 1, 2, 3 } ), new Halo( 1, 2, 3 ) );
		assertEquals( new Halo( new int[] { 1, 2, 3, 4, 5 } ), new Halo( 1, 2, 3, 4, 5 ) );
		for ( int n = 1; n < 8; ++n )
			assertEquals( n, new Halo( IntStream.range( 0, n ).toArray() ).numDimensions() );
	}

	@Test
	void valuesThatAreNoWidthsAreRefusedAndNamed()
	{
		final Object[] bad = { 1.5, -0.25f, 3_000_000_000L, Double.NaN, Float.POSITIVE_INFINITY, 1e300, new BigDecimal( "1e-9" ), BigInteger.TEN.pow( 30 ), Long.MIN_VALUE,
				"3", 'c', true, Arrays.asList( 3, 4 ) };
		for ( final Object width : bad )
		{
			refused( String.valueOf( width ), Arrays.asList( 2, width ), 2 );
			refused( String.valueOf( width ), new Object[] { width, 2 }, 2 );
		}
		refused( "1.5", 1.5, 1 );
		refused( "[4.5, 2.0]", new double[] { 4.5, 2 }, 2 );
		refused( "null", Arrays.asList( 2, null ), 2 );
		refused( "-3", Arrays.asList( 2, -3 ), 2 );
		refused( "some text", "some text", 1 );
		assertTrue( assertThrows( IllegalArgumentException.class, () -> new Halo( 1, "a" ) ).getMessage().contains( "upper halo is a" ) );
		assertTrue( assertThrows( IllegalArgumentException.class, () -> new Halo( 1, 2.5 ) ).getMessage().contains( "2.5" ) );
		assertTrue( assertThrows( IllegalArgumentException.class, () -> new Halo( 1, 2, 2.5 ) ).getMessage().contains( "2.5" ) );
		assertTrue( assertThrows( IllegalArgumentException.class, () -> new Halo( Arrays.asList( 1, 2 ), Arrays.asList( 1 ) ) ).getMessage().contains( "2 axes" ) );
		assertThrows( NullPointerException.class, () -> new Halo( ( Object ) null ) );
	}

	@ParameterizedTest
	@ValueSource( strings = { "[3, 4]", "3, 4", "3L, 4L", "3.0, 4", "3..4", "[3, 4] as long[]", "[3, 4] as double[]", "[3, 4] as short[]", "[3, 4] as int[]", "[3G, 4.0]",
			"*[3, 4]", "[3, 4], [3, 4]", "[3, 4] as long[], [3, 4]" } )
	void groovyFindsTheConstructor( final String arguments )
	{
		assertEquals( EXPECTED, new GroovyShell( getClass().getClassLoader() ).evaluate( "new net.imglib2.cache.python.Halo( " + arguments + " )" ) );
	}

	private static void refused( final String value, final Object widths, final int numDimensions )
	{
		final String message = assertThrows( IllegalArgumentException.class, () -> new Halo( widths ) ).getMessage();
		assertTrue( message.contains( value ), message );
		if ( numDimensions > 1 )
			assertThrows( IllegalArgumentException.class, () -> new Halo( Collections.nCopies( numDimensions, 0 ), widths ) );
	}
}
