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
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

import net.imglib2.Cursor;
import net.imglib2.Interval;
import net.imglib2.RandomAccess;
import net.imglib2.RandomAccessibleInterval;
import net.imglib2.cache.python.type.Dtype;
import net.imglib2.cache.python.type.PixelType;
import net.imglib2.img.cell.CellGrid;
import net.imglib2.type.NativeType;
import net.imglib2.type.numeric.ComplexType;
import net.imglib2.util.Cast;
import net.imglib2.util.IntervalIndexer;
import net.imglib2.util.Intervals;
import net.imglib2.view.Views;

/**
 * Whether a {@link PythonImg} becomes another one if its inputs have twice the halo; see
 * {@link PythonImg#checkHalo()}. Immutable.
 * <p>
 * Floating-point numbers count as equal if they differ by no more than
 * {@value #MAX_ULPS} units in the last place of the largest number of the cell: sums over
 * blocks of different size, such as Fourier transforms, are rounded differently. Other
 * pixels must be equal. Code that computes with less precision than its pixels have can
 * have larger differences.
 */
public final class HaloCheck
{
	private static final int MAX_ULPS = 64;

	/**
	 * Irrational parts of the grid's size, so that cells are spread over it.
	 */
	private static final double[] STEPS = { 0.6180339887, 0.4142135624, 0.7320508076, 0.2360679775, 0.6457513111 };

	private final String name;

	private final String halo;

	private int numCells;

	private boolean wideEnough = true;

	private double maxDifference;

	private Interval cell;

	private long[] position;

	private HaloCheck( final String name, final String halo )
	{
		this.name = name;
		this.halo = halo;
	}

	/**
	 * @param image
	 * 		the image; its cells are computed
	 * @param doubled
	 * 		the same with twice the halo
	 * @param cells
	 * 		intervals of the cells to compare
	 * @param name
	 * 		of the image
	 * @param halo
	 * 		what messages call its halo
	 * @return result
	 */
	static < T extends NativeType< T > > HaloCheck of( final PythonImg< T > image, final PythonImg< T > doubled, final List< Interval > cells, final String name, final String halo )
	{
		final HaloCheck check = new HaloCheck( name, halo );
		final double epsilon = epsilon( PixelType.of( image.getType(), "the image" ).dtype() );
		for ( final Interval cell : cells )
		{
			require( image.compute( cell ) );
			require( doubled.compute( cell ) );
			check.compare( Views.interval( image, cell ), Views.interval( doubled, cell ), epsilon );
		}
		return check;
	}

	private static void require( final PythonSummary summary )
	{
		if ( summary.failed() > 0 )
			throw summary.errors().get( 0 );
		if ( summary.isCancelled() )
			throw new PythonInterruptedException( "Interrupted while the halo was checked", new InterruptedException() );
	}

	private < T extends NativeType< T > > void compare( final RandomAccessibleInterval< T > pixels, final RandomAccessibleInterval< T > doubled, final double epsilon )
	{
		++numCells;
		double largest = 0;
		double worst = 0;
		final long[] worstPosition = new long[ pixels.numDimensions() ];
		final Cursor< T > cursor = Views.flatIterable( pixels ).localizingCursor();
		final RandomAccess< T > other = doubled.randomAccess();
		while ( cursor.hasNext() )
		{
			final T a = cursor.next();
			final T b = other.setPositionAndGet( cursor );
			if ( a instanceof ComplexType )
				largest = Math.max( largest, Math.max( magnitude( a ), magnitude( b ) ) );
			final double difference = difference( a, b );
			if ( difference > worst )
			{
				worst = difference;
				cursor.localize( worstPosition );
			}
		}
		final boolean isEqual = worst <= MAX_ULPS * epsilon * largest;
		// A rounding error of large numbers may be larger than what is wrong elsewhere.
		if ( worst > maxDifference && isEqual == wideEnough || wideEnough && !isEqual )
		{
			wideEnough = isEqual;
			maxDifference = worst;
			position = worstPosition;
			cell = pixels;
		}
	}

	/**
	 * @return size of a number; 0 for one that is not finite, because it says nothing about
	 *         rounding
	 */
	private static double magnitude( final Object pixel )
	{
		final ComplexType< ? > number = ( ComplexType< ? > ) pixel;
		final double magnitude = Math.max( Math.abs( number.getRealDouble() ), Math.abs( number.getImaginaryDouble() ) );
		return Double.isInfinite( magnitude ) || Double.isNaN( magnitude ) ? 0 : magnitude;
	}

	private static < T extends NativeType< T > > double difference( final T a, final T b )
	{
		if ( a.valueEquals( b ) )
			return 0;
		if ( !( a instanceof ComplexType ) )
			return 1;
		final ComplexType< ? > x = Cast.unchecked( a );
		final ComplexType< ? > y = Cast.unchecked( b );
		final double difference = Math.max( difference( x.getRealDouble(), y.getRealDouble() ), difference( x.getImaginaryDouble(), y.getImaginaryDouble() ) );
		// Large integers can be different and equal as a double.
		final boolean areBothNaN = Double.isNaN( x.getRealDouble() ) && Double.isNaN( y.getRealDouble() );
		return difference == 0 && !areBothNaN ? Double.MIN_VALUE : difference;
	}

	private static double difference( final double a, final double b )
	{
		if ( Double.isNaN( a ) || Double.isNaN( b ) )
			return Double.isNaN( a ) && Double.isNaN( b ) ? 0 : Double.POSITIVE_INFINITY;
		return a == b ? 0 : Math.abs( a - b );
	}

	/**
	 * @return difference of 1 and the next number; 0 for integers
	 */
	private static double epsilon( final Dtype dtype )
	{
		switch ( dtype )
		{
		case FLOAT32:
		case COMPLEX64:
			return Math.ulp( 1f );
		case FLOAT64:
		case COMPLEX128:
			return Math.ulp( 1. );
		default:
			return 0;
		}
	}

	/**
	 * @param grid
	 * 		of an image
	 * @param numCells
	 * 		how many cells, 1 or more
	 * @return indices of different cells, spread over the grid: the central one, corners, and
	 *         others; all if there are no more
	 */
	static Set< Long > spread( final CellGrid grid, final int numCells )
	{
		final int n = grid.numDimensions();
		final long[] size = grid.getGridDimensions();
		final long most = Math.min( numCells, Intervals.numElements( size ) );
		final Set< Long > cells = new LinkedHashSet<>();
		final long[] position = new long[ n ];
		for ( int i = 0; cells.size() < most && i < 4 * numCells; ++i )
		{
			for ( int d = 0; d < n; ++d )
			{
				final double place = 0.5 + i * STEPS[ d % STEPS.length ];
				position[ d ] = ( long ) ( ( place - Math.floor( place ) ) * size[ d ] );
			}
			cells.add( IntervalIndexer.positionToIndex( position, size ) );
			// Opposite corners follow each other.
			final int corner = i % 2 == 0 ? i / 2 : ~( i / 2 );
			for ( int d = 0; d < n; ++d )
				position[ d ] = ( corner >> Math.min( d, Integer.SIZE - 1 ) & 1 ) == 0 ? 0 : size[ d ] - 1;
			if ( cells.size() < most )
				cells.add( IntervalIndexer.positionToIndex( position, size ) );
		}
		for ( long cell = 0; cells.size() < most; ++cell )
			cells.add( cell );
		return cells;
	}

	/**
	 * @return whether all cells that were compared are equal
	 */
	public boolean isWideEnough()
	{
		return wideEnough;
	}

	/**
	 * @return largest difference of a pixel; not more than rounding if the halo is wide
	 *         enough. Of pixels that are no numbers, 1 if they differ
	 */
	public double maxDifference()
	{
		return maxDifference;
	}

	/**
	 * @return interval of the cell with the largest difference; {@code null} if nothing differs
	 */
	public Interval cell()
	{
		return cell;
	}

	/**
	 * @return position of the pixel with the largest difference; {@code null} if nothing
	 *         differs
	 */
	public long[] position()
	{
		return position == null ? null : position.clone();
	}

	/**
	 * @return what to do, in a sentence
	 */
	public String suggestion()
	{
		if ( wideEnough )
			return "The halo of " + name + ", " + halo + ", is wide enough: " + numCells + " cells are the same with twice the halo.";
		return "The halo of " + name + ", " + halo + ", is too small: with twice the halo, the pixel at " + Arrays.toString( position ) + " differs by " + maxDifference
				+ ", and it has the largest difference in " + numCells + " cells. Choose a wider halo, for instance twice as wide, and check again.";
	}

	/**
	 * @return the {@link #suggestion()}
	 */
	@Override
	public String toString()
	{
		return suggestion();
	}
}
