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

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Widths of a halo as users give them: before and after the cell, one number for all axes
 * or one per axis. Immutable.
 */
final class Widths
{
	static final Widths NONE = new Widths( new int[] { 0 }, new int[] { 0 } );

	private final int[] lower;

	private final int[] upper;

	private Widths( final int[] lower, final int[] upper )
	{
		this.lower = lower;
		this.upper = upper;
	}

	/**
	 * @param what
	 * 		what they are, for messages
	 * @param given
	 * 		numbers; a list or an array of numbers; or two of these, before and after the
	 * 		cell
	 * @return the widths
	 * @throws IllegalArgumentException
	 * 		if it is something else, or negative
	 */
	static Widths of( final String what, final Object... given )
	{
		final boolean isPair = Objects.requireNonNull( given, what ).length == 2 && isMany( given[ 0 ] ) && isMany( given[ 1 ] );
		final int[] lower = isPair ? WholeNumbers.intsPerAxis( what + " before the cell", 0, given[ 0 ] ) : WholeNumbers.intsPerAxis( what, 0, given );
		final int[] upper = isPair ? WholeNumbers.intsPerAxis( what + " after the cell", 0, given[ 1 ] ) : lower;
		return new Widths( lower, upper );
	}

	private static boolean isMany( final Object given )
	{
		return given instanceof Iterable || given instanceof Map || given != null && given.getClass().isArray();
	}

	/**
	 * @param what
	 * 		what has the axes, for messages
	 * @param numAxes
	 * 		number of axes
	 * @param isOmitted
	 * 		axes that count only where there is a number for each axis
	 * @return widths before and after the cell, per axis
	 * @throws IllegalArgumentException
	 * 		if the numbers of axes differ
	 */
	int[][] perAxis( final String what, final int numAxes, final boolean[] isOmitted )
	{
		return new int[][] { perAxis( what, lower, numAxes, isOmitted ), perAxis( what, upper, numAxes, isOmitted ) };
	}

	/**
	 * @return widths before the cell, and after it
	 */
	List< int[] > description()
	{
		return Arrays.asList( lower, upper );
	}

	/**
	 * @param description
	 * 		see {@link #description()}
	 * @return the widths
	 */
	static Widths described( final List< ? > description )
	{
		return of( "the halo", description.toArray() );
	}

	/**
	 * @return the same with twice the widths
	 */
	Widths doubled()
	{
		return new Widths( Arrays.stream( lower ).map( width -> Math.multiplyExact( 2, width ) ).toArray(), Arrays.stream( upper ).map( width -> Math.multiplyExact( 2, width ) ).toArray() );
	}

	boolean areZero()
	{
		return Arrays.stream( lower ).allMatch( width -> width == 0 ) && Arrays.stream( upper ).allMatch( width -> width == 0 );
	}

	private int[] perAxis( final String what, final int[] widths, final int numAxes, final boolean[] isOmitted )
	{
		int numOthers = 0;
		for ( final boolean omitted : isOmitted )
			numOthers += omitted ? 0 : 1;
		if ( widths.length == numAxes && numAxes != 1 )
			return widths.clone();
		if ( widths.length != 1 && widths.length != numOthers )
			throw new IllegalArgumentException( "the halo of " + what + " is " + this + ", for " + widths.length + " axes, but " + what + " has " + numAxes
					+ ": give one number for all axes, or " + numAxes + " numbers" + ( numOthers == numAxes || numOthers == 0 ? "" : ", or " + numOthers + " for the axes that are not whole" ) );
		final int[] all = new int[ numAxes ];
		int next = 0;
		for ( int d = 0; d < numAxes; ++d )
			all[ d ] = isOmitted[ d ] ? 0 : widths[ widths.length == 1 ? 0 : next++ ];
		return all;
	}

	@Override
	public String toString()
	{
		return Arrays.toString( lower ) + ( Arrays.equals( lower, upper ) ? "" : " before and " + Arrays.toString( upper ) + " after the cell" );
	}
}
