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

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.math.BigDecimal;
import java.util.AbstractList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;

import org.junit.jupiter.api.Test;

/**
 * What Java alone decides. What Python makes of values, {@code TaskValuesTest} tests.
 */
class ValuesTest
{
	@Test
	void aValueThatIsTooLargeIsRefusedBeforeAnythingIsCopied()
	{
		final double[] array = new double[ 1 << 20 ];
		for ( final Object value : new Object[] { array, Arrays.asList( 1, array ), Collections.singletonMap( "a", array ) } )
		{
			final String message = assertThrows( IllegalArgumentException.class, () -> Values.encode( value, 1 << 10 ) ).getMessage();
			final int needed = Integer.parseInt( message.replaceFirst( "^the value takes (\\d+) bytes or more, but only 1024 can be handed over at once: hand over parts of it, or make large arrays inputs of an image$", "$1" ) );
			assertEquals( array.length * 8, needed, 100 );
		}
	}

	@Test
	void aValueMayTakeAllThatCanBeHandedOver()
	{
		for ( final Object value : new Object[] { "text", "\ud800", new byte[ 100 ], new long[ 100 ], Collections.nCopies( 100, new float[ 7 ] ), Collections.nCopies( 1000, 1 ), Collections.singletonMap( true, null ) } )
		{
			final byte[] all = Values.encode( value );
			assertArrayEquals( all, Values.encode( value, all.length ) );
			assertThrows( IllegalArgumentException.class, () -> Values.encode( value, all.length - 1 ) );
		}
	}

	/**
	 * 3 · 2³⁰ bytes, of an array of 2²⁰.
	 */
	@Test
	void anArrayThatComesAgainAndAgainCounts()
	{
		final String message = assertThrows( IllegalArgumentException.class, () -> Values.encode( Collections.nCopies( 3 << 10, new byte[ 1 << 20 ] ), 1 << 24 ) ).getMessage();
		assertEquals( "the value takes 16777301 bytes or more", message.split( "," )[ 0 ] );
	}

	@Test
	void aValueThatChangesMeanwhileIsRefused()
	{
		for ( final int step : new int[] { 1, -1 } )
			for ( final Object entry : new Object[] { 1, "text", "\ud800", new byte[ 1 ], new long[ 1 ] } )
			{
				final AtomicInteger size = new AtomicInteger( 5 );
				final List< Object > changing = new AbstractList< Object >()
				{
					@Override
					public Object get( final int index )
					{
						return entry;
					}

					@Override
					public int size()
					{
						return size.get();
					}

					@Override
					public Object[] toArray()
					{
						final Object[] array = Collections.nCopies( size.get(), entry ).toArray();
						size.addAndGet( step );
						return array;
					}
				};
				assertEquals( "another thread changes the value while it is handed over: hand over a copy", assertThrows( IllegalArgumentException.class, () -> Values.encode( changing ) ).getMessage() );
			}
	}

	@Test
	void keysThatPythonCannotHaveAreNamed()
	{
		for ( final Map< ?, ? > map : new Map[] { Collections.singletonMap( Arrays.asList( 1, "a" ), 2 ), Collections.singletonMap( "x", Collections.singletonMap( Arrays.asList( 1, "a" ), 2 ) ) } )
			assertEquals( "a map with the key [1, a] of type java.util.Arrays$ArrayList cannot be handed to Python: its keys can be null, booleans, numbers, text, and byte[]",
					assertThrows( IllegalArgumentException.class, () -> Values.encode( map ) ).getMessage() );
		final Object[] others = { Collections.emptyMap(), new int[ 1 ], new Object[ 1 ], Collections.singleton( 1 ), Thread.State.NEW };
		for ( final Object key : others )
			assertThrows( IllegalArgumentException.class, () -> Values.encode( Collections.singletonMap( key, 1 ) ) );
		final String large = assertThrows( IllegalArgumentException.class, () -> Values.encode( Collections.singletonMap( Collections.nCopies( 1 << 16, 1 ), 1 ) ) ).getMessage();
		assertEquals( "a map with the key [1, 1, 1", large.substring( 0, 27 ) );
		assertEquals( 300, large.length(), 100 );
	}

	@Test
	void halvesOfSurrogatePairsStay()
	{
		for ( final String text : new String[] { "\ud800", "a\udc00\ud83d\ude00\0", "\ude00\ud83d", "", "\ud83d\ude00" } )
			assertEquals( text, Values.decode( Values.encode( text ) ) );
		assertEquals( Arrays.asList( "\ud800", 1L ), Values.decode( Values.encode( Arrays.asList( '\ud800', 1 ) ) ) );
	}

	@Test
	void aDecimalNumberThatIsNoDoubleIsRefused()
	{
		assertEquals( 0.25, Values.decode( Values.encode( new BigDecimal( "0.25" ) ) ) );
		assertEquals( "1E+400 is no floating-point number of 64 bits; hand it over as text", assertThrows( IllegalArgumentException.class, () -> Values.encode( new BigDecimal( "1e400" ) ) ).getMessage() );
		assertEquals( Double.POSITIVE_INFINITY, Values.decode( Values.encode( Float.POSITIVE_INFINITY ) ) );
	}

	@Test
	void otherValuesAreNamedByTheirType()
	{
		for ( final Object value : new Object[] { new char[ 1 ], Arrays.asList( new char[ 1 ] ) } )
			assertEquals( "a char[] cannot be handed to Python: possible are null, booleans, numbers, text, byte[], collections, maps, and arrays of these or of primitive numbers",
					assertThrows( IllegalArgumentException.class, () -> Values.encode( value ) ).getMessage() );
	}
}
