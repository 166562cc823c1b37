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
package net.imglib2.cache.python.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.PrimitiveIterator;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.LongStream;

import org.junit.jupiter.api.Test;

import net.imglib2.FinalInterval;
import net.imglib2.Interval;
import net.imglib2.img.cell.CellGrid;
import net.imglib2.util.Intervals;

/**
 * Which cells, in which order.
 */
class CellPrefetchTest
{
	/**
	 * Compared with all cells, sorted.
	 */
	@Test
	void cellsInTheOrderOfTheirDistance()
	{
		final Random random = new Random( 1 );
		for ( int i = 0; i < 500; ++i )
		{
			final int n = 1 + random.nextInt( 3 );
			final long[] size = random.longs( n, 1, 30 ).toArray();
			final int[] cell = random.ints( n, 1, 12 ).toArray();
			final CellGrid grid = new CellGrid( size, cell );
			final long[] min = random.longs( n, -20, 30 ).toArray();
			final long[] max = min.clone();
			for ( int d = 0; d < n; ++d )
				max[ d ] += random.nextInt( 40 );
			final Interval interval = new FinalInterval( min, max );
			final double[] centre = new double[ n ];
			for ( int d = 0; d < n; ++d )
				centre[ d ] = ( min[ d ] + max[ d ] ) / 2.;
			final List< Long > expected = LongStream.range( 0, Intervals.numElements( grid.getGridDimensions() ) ).boxed()
					.filter( index -> !Intervals.isEmpty( Intervals.intersect( interval, interval( grid, index ) ) ) )
					.sorted( Comparator.comparingDouble( index -> squareDistance( interval( grid, index ), centre ) ) ).collect( Collectors.toList() );
			final CellRange range = new CellRange( grid, interval );
			assertEquals( expected.size(), range.numCells() );
			for ( final int most : new int[] { 0, 1, 3, 1_000_000 } )
			{
				final List< Long > chosen = new ArrayList<>();
				for ( final PrimitiveIterator.OfLong order = CellPrefetch.nearest( range, centre, most, () -> true ); order.hasNext(); )
					chosen.add( range.index( order.nextLong() ) );
				assertEquals( expected.subList( 0, Math.min( most, expected.size() ) ), chosen );
			}
		}
	}

	@Test
	void endsWhenItIsNotWantedAnyMore()
	{
		final CellRange range = new CellRange( new CellGrid( new long[] { 1L << 40, 1L << 20 }, new int[] { 1, 1 } ), new FinalInterval( 1L << 40, 1L << 20 ) );
		assertEquals( 1L << 60, range.numCells() );
		assertFalse( CellPrefetch.nearest( range, new double[ 2 ], 100, () -> false ).hasNext() );
	}

	private static Interval interval( final CellGrid grid, final long index )
	{
		final long[] min = new long[ grid.numDimensions() ];
		final int[] size = new int[ grid.numDimensions() ];
		grid.getCellDimensions( index, min, size );
		final long[] max = min.clone();
		for ( int d = 0; d < min.length; ++d )
			max[ d ] += size[ d ] - 1;
		return new FinalInterval( min, max );
	}

	private static double squareDistance( final Interval cell, final double[] centre )
	{
		double sum = 0;
		for ( int d = 0; d < centre.length; ++d )
			sum += Math.pow( ( cell.min( d ) + cell.max( d ) ) / 2. - centre[ d ], 2 );
		return sum;
	}
}
