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
	 * @param given
	 * 		numbers, or one list or array of numbers
	 * @return the numbers
	 * @throws IllegalArgumentException
	 * 		if it is something else, or a number is not whole
	 */
	static long[] of( final String name, final Object... given )
	{
		final List< Object > entries = entries( name, given.length == 1 ? given[ 0 ] : Arrays.asList( given ) );
		return entries.stream().mapToLong( entry -> whole( name, entries, entry, Long.MIN_VALUE, Long.MAX_VALUE ) ).toArray();
	}

	/**
	 * The same for numbers that are not negative, and for which an {@code int} is enough.
	 */
	static int[] intsOf( final String name, final Object... given )
	{
		final List< Object > entries = entries( name, given.length == 1 ? given[ 0 ] : Arrays.asList( given ) );
		return entries.stream().mapToInt( entry -> ( int ) whole( name, entries, entry, Integer.MIN_VALUE, Integer.MAX_VALUE ) ).toArray();
	}

	private static List< Object > entries( final String name, final Object given )
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
			throw new IllegalArgumentException( name + " is " + list + ", a " + list.getClass().getName() + ": expected whole numbers, or a list or an array of them" );
		return entries;
	}

	private static long whole( final String name, final List< Object > entries, final Object entry, final long min, final long max )
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
		throw new IllegalArgumentException( name + " " + entries + " has the width " + entry + ": expected a whole number from 0 to " + max );
	}
}
