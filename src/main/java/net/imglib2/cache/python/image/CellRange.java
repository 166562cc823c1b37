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

import net.imglib2.Interval;
import net.imglib2.img.cell.CellGrid;
import net.imglib2.util.IntervalIndexer;

/**
 * The cells of a grid that an interval intersects, numbered from 0 on. Immutable.
 */
final class CellRange
{
	private final CellGrid grid;

	/**
	 * Position of the first cell in the grid.
	 */
	private final long[] first;

	/**
	 * How many cells there are along each axis.
	 */
	private final long[] size;

	private final long numCells;

	/**
	 * @param grid
	 * 		has the cells
	 * @param interval
	 * 		in pixels; what is outside of the image does not count
	 */
	CellRange( final CellGrid grid, final Interval interval )
	{
		this.grid = grid;
		final int n = grid.numDimensions();
		first = new long[ n ];
		size = new long[ n ];
		long product = 1;
		for ( int d = 0; d < n; ++d )
		{
			final long min = Math.max( 0, interval.min( d ) );
			final long max = Math.min( grid.imgDimension( d ) - 1, interval.max( d ) );
			first[ d ] = min / grid.cellDimension( d );
			size[ d ] = max < min ? 0 : max / grid.cellDimension( d ) - first[ d ] + 1;
			product *= size[ d ];
		}
		numCells = product;
	}

	long numCells()
	{
		return numCells;
	}

	/**
	 * @param i
	 * 		number of a cell of this range
	 * @return its index in the grid
	 */
	long index( final long i )
	{
		final long[] position = new long[ first.length ];
		position( i, position );
		return IntervalIndexer.positionToIndex( position, grid.getGridDimensions() );
	}

	/**
	 * @param i
	 * 		number of a cell of this range
	 * @param centre
	 * 		of something, in pixels
	 * @return square of the distance from there to the centre of the cell
	 */
	double squareDistance( final long i, final double[] centre )
	{
		final long[] position = new long[ first.length ];
		position( i, position );
		double sum = 0;
		for ( int d = 0; d < position.length; ++d )
		{
			final double distance = grid.getCellMin( d, position[ d ] ) + ( grid.getCellDimension( d, position[ d ] ) - 1 ) / 2. - centre[ d ];
			sum += distance * distance;
		}
		return sum;
	}

	private void position( final long i, final long[] position )
	{
		IntervalIndexer.indexToPositionWithOffset( i, size, first, position );
	}
}
