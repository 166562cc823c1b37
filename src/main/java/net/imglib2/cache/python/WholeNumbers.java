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

import java.lang.reflect.Array;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Reads whole numbers, one per axis, of what scripts have at hand: numbers of any kind,
 * lists and arrays.
 */
final class WholeNumbers
{
	private WholeNumbers()
	{}

	/**
	 * @param name
	 * 		what the numbers are, for messages
	 * @param min
	 * 		smallest one that is allowed
	 * @param given
	 * 		numbers, or one list or array of numbers
	 * @return the numbers, at least one
	 * @throws IllegalArgumentException
	 * 		if it is something else, or a number is not whole, or too small
	 */
	static long[] longsPerAxis( final String name, final long min, final Object... given )
	{
		final long[] numbers = of( name, min, Long.MAX_VALUE, given );
		if ( numbers.length == 0 )
			throw new IllegalArgumentException( name + " has no numbers: give one per axis" );
		return numbers;
	}

	/**
	 * The same for numbers for which an {@code int} is enough, and one stands for all axes.
	 */
	static int[] intsPerAxis( final String name, final int min, final Object... given )
	{
		final int[] numbers = intsOf( name, min, given );
		if ( numbers.length == 0 )
			throw new IllegalArgumentException( name + " has no numbers: give one for all axes, or one per axis" );
		return numbers;
	}

	/**
	 * The same for any number of them, also none.
	 */
	static int[] intsOf( final String name, final int min, final Object... given )
	{
		return Arrays.stream( of( name, min, Integer.MAX_VALUE, given ) ).mapToInt( number -> ( int ) number ).toArray();
	}

	private static long[] of( final String name, final long min, final long max, final Object[] given )
	{
		Objects.requireNonNull( given, name );
		final String expected = "expected whole numbers from " + min + " on";
		final List< Object > entries = entries( name, expected, given.length == 1 ? given[ 0 ] : Arrays.asList( given ) );
		return entries.stream().mapToLong( entry -> whole( name, expected, entries, entry, min, max ) ).toArray();
	}

	private static List< Object > entries( final String name, final String expected, final Object given )
	{
		// Nashorn's arrays are maps.
		final Object list = given instanceof Map ? ( ( Map< ?, ? > ) given ).values() : Objects.requireNonNull( given, name );
		final List< Object > entries = new ArrayList<>();
		if ( list instanceof Number )
			entries.add( list );
		else if ( list instanceof Iterable )
			( ( Iterable< ? > ) list ).forEach( entries::add );
		else if ( list.getClass().isArray() )
			for ( int d = 0; d < Array.getLength( list ); ++d )
				entries.add( Array.get( list, d ) );
		else
			throw new IllegalArgumentException( name + " is " + list + ", a " + list.getClass().getName() + ": " + expected + ", or a list or an array of them" );
		return entries;
	}

	private static long whole( final String name, final String expected, final List< Object > entries, final Object entry, final long min, final long max )
	{
		if ( entry instanceof Number )
			try
			{
				// The text of every kind of number is its value.
				final long value = new BigDecimal( entry.toString() ).longValueExact();
				if ( value >= min && value <= max )
					return value;
			}
			catch ( final ArithmeticException | NumberFormatException e )
			{
				// The number is not whole, too large, or not finite.
			}
		throw new IllegalArgumentException( name + " is " + entries + ", with " + entry + ": " + expected + ", up to " + max );
	}
}
