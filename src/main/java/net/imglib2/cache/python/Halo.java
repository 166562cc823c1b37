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
import java.util.Objects;

import net.imglib2.FinalInterval;
import net.imglib2.Interval;

/**
 * Number of pixels that the inputs of a block show in addition to the cell, before
 * and after it, along each axis.
 * <p>
 * Widths are in ImgLib2's axis order. In the Python code, {@code block.halo}
 * holds the slices that crop a padded array to the cell. Immutable.
 */
public final class Halo
{
	private final int[] lower;

	private final int[] upper;

	/**
	 * The same width before and after the cell.
	 *
	 * @param width
	 * 		width along each axis, not negative
	 */
	public Halo( final int... width )
	{
		this( width, width );
	}

	/**
	 * Different widths before and after the cell.
	 *
	 * @param lower
	 * 		width before the cell along each axis, not negative
	 * @param upper
	 * 		width after the cell along each axis, not negative
	 */
	public Halo( final int[] lower, final int[] upper )
	{
		if ( Objects.requireNonNull( lower, "lower" ).length != Objects.requireNonNull( upper, "upper" ).length )
			throw new IllegalArgumentException( "lower halo " + Arrays.toString( lower ) + " has " + lower.length
					+ " axes, upper halo " + Arrays.toString( upper ) + " has " + upper.length + ": both must have the image's number of axes" );
		requireNotNegative( "lower", lower );
		requireNotNegative( "upper", upper );
		this.lower = lower.clone();
		this.upper = upper.clone();
	}

	/**
	 * The same width before and after the cell, for scripts.
	 *
	 * @param width
	 * 		width along each axis: a list or an array of whole numbers of any kind, not
	 * 		negative. A single number is for an image with one axis.
	 * @throws IllegalArgumentException
	 * 		if it is something else, or has such entries
	 */
	public Halo( final Object width )
	{
		this( WholeNumbers.intsOf( "the halo", 0, width ) );
	}

	/**
	 * Different widths before and after the cell, for scripts.
	 *
	 * @param lower
	 * 		width before the cell along each axis: a list or an array of whole numbers
	 * 		of any kind, not negative
	 * @param upper
	 * 		width after the cell along each axis. If both are single numbers, they are
	 * 		the widths along the first and the second of two axes, before and after the
	 * 		cell.
	 * @throws IllegalArgumentException
	 * 		if they are something else, or have such entries
	 */
	public Halo( final Object lower, final Object upper )
	{
		this( lower( lower, upper ), upper( lower, upper ) );
	}

	/**
	 * The same width before and after the cell along three axes, for scripts: numbers
	 * of any kind.
	 *
	 * @param x
	 * 		width along the first axis, a whole number that is not negative
	 * @param y
	 * 		width along the second axis
	 * @param z
	 * 		width along the third axis
	 * @throws IllegalArgumentException
	 * 		if they are something else
	 */
	public Halo( final Object x, final Object y, final Object z )
	{
		this( Arrays.asList( x, y, z ) );
	}

	/**
	 * No halo.
	 *
	 * @param numDimensions
	 * 		number of axes
	 * @return widths of zero
	 */
	public static Halo empty( final int numDimensions )
	{
		if ( numDimensions < 1 )
			throw new IllegalArgumentException( "number of axes is " + numDimensions + ", expected 1 or more" );
		return new Halo( new int[ numDimensions ] );
	}

	/**
	 * @return number of axes
	 */
	public int numDimensions()
	{
		return lower.length;
	}

	/**
	 * The interval with the halo around it.
	 *
	 * @param interval
	 * 		interval of a cell
	 * @return the padded interval
	 */
	public Interval extendInterval( final Interval interval )
	{
		if ( interval.numDimensions() != numDimensions() )
			throw new IllegalArgumentException( this + " has " + numDimensions() + " axes, the interval " + interval.numDimensions() );
		final long[] min = interval.minAsLongArray();
		final long[] max = interval.maxAsLongArray();
		for ( int d = 0; d < lower.length; ++d )
		{
			min[ d ] -= lower[ d ];
			max[ d ] += upper[ d ];
		}
		return new FinalInterval( min, max );
	}

	/**
	 * @return copy of the widths before the cell
	 */
	public int[] getLowerCopy()
	{
		return lower.clone();
	}

	/**
	 * @return copy of the widths after the cell
	 */
	public int[] getUpperCopy()
	{
		return upper.clone();
	}

	@Override
	public boolean equals( final Object other )
	{
		return other instanceof Halo && Arrays.equals( lower, ( ( Halo ) other ).lower ) && Arrays.equals( upper, ( ( Halo ) other ).upper );
	}

	@Override
	public int hashCode()
	{
		return 31 * Arrays.hashCode( lower ) + Arrays.hashCode( upper );
	}

	@Override
	public String toString()
	{
		return "Halo " + Arrays.toString( lower ) + ( Arrays.equals( lower, upper ) ? "" : ".." + Arrays.toString( upper ) );
	}

	private static int[] lower( final Object lower, final Object upper )
	{
		return areNumbers( lower, upper ) ? WholeNumbers.intsOf( "the halo", 0, Arrays.asList( lower, upper ) ) : WholeNumbers.intsOf( "lower halo", 0, lower );
	}

	private static int[] upper( final Object lower, final Object upper )
	{
		return areNumbers( lower, upper ) ? WholeNumbers.intsOf( "the halo", 0, Arrays.asList( lower, upper ) ) : WholeNumbers.intsOf( "upper halo", 0, upper );
	}

	private static boolean areNumbers( final Object lower, final Object upper )
	{
		return lower instanceof Number && upper instanceof Number;
	}

	private static void requireNotNegative( final String name, final int[] widths )
	{
		for ( final int width : widths )
			if ( width < 0 )
				throw new IllegalArgumentException( name + " halo " + Arrays.toString( widths ) + " is negative: a halo can only add pixels" );
	}
}
