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

import java.lang.ref.WeakReference;
import java.util.Collections;
import java.util.PrimitiveIterator;
import java.util.PriorityQueue;
import java.util.concurrent.ExecutionException;
import java.util.function.BooleanSupplier;

import net.imglib2.Interval;
import net.imglib2.cache.Cache;
import net.imglib2.cache.img.CachedCellImg;
import net.imglib2.cache.python.PythonCellException;
import net.imglib2.cache.python.worker.Background;
import net.imglib2.cache.python.worker.Cleanup;
import net.imglib2.cache.python.worker.LibraryThreads;
import net.imglib2.img.cell.Cell;
import net.imglib2.img.cell.CellGrid;

/**
 * Computes cells that will be read soon, in the background: whoever reads the image
 * meanwhile comes first. Thread-safe.
 * <p>
 * Its threads end when they have nothing to do, and do not keep the image in use.
 */
public final class CellPrefetch
{
	/**
	 * More at once are not useful, and their list would be large.
	 */
	private static final long MAX_CELLS = 1 << 20;

	private final CellGrid grid;

	private final String name;

	private final int numReaders;

	private final long maxCells;

	/**
	 * Its threads end when it has been collected. Not the cache alone, which they use most of
	 * the time.
	 */
	private final WeakReference< CachedCellImg< ?, ? > > image;

	/**
	 * What to do; {@code null} if that is nothing. Guarded by this.
	 */
	private Request current;

	/**
	 * Threads that have not ended. Guarded by this.
	 */
	private int numRunning;

	/**
	 * @param reader
	 * 		computes the cells
	 * @param image
	 * 		has them
	 * @param maxCells
	 * 		how many cells its cache has room for
	 */
	public CellPrefetch( final CellReader< ?, ? > reader, final CachedCellImg< ?, ? > image, final long maxCells )
	{
		grid = reader.spec().grid();
		name = reader.name() + "_prefetch";
		numReaders = reader.numReaders();
		this.maxCells = Math.min( maxCells, MAX_CELLS );
		this.image = new WeakReference<>( image );
		// Its threads look at the image only when they read a cell.
		Cleanup.whenCollected( image, this::cancel );
	}

	/**
	 * Begins to compute cells, and drops what was asked for before and has not begun.
	 *
	 * @param interval
	 * 		in pixels: cells that it intersects are computed, from its centre outwards; as
	 * 		many as the cache has room for
	 */
	public synchronized void request( final Interval interval )
	{
		current = new Request( new CellRange( grid, interval ), interval );
		final long useful = Math.min( numReaders, Math.min( maxCells, current.range.numCells() ) );
		for ( ; numRunning < useful; ++numRunning )
			LibraryThreads.create( name, this::run ).start();
	}

	/**
	 * Drops what has not begun.
	 */
	public synchronized void cancel()
	{
		current = null;
	}

	private void run()
	{
		for ( Request request = currentOrEnd(); request != null; request = currentOrEnd() )
		{
			final long cell = request.next();
			if ( cell < 0 || !read( cell ) )
				ended( request );
		}
	}

	/**
	 * @return {@code null} if there is nothing to do; then the calling thread has to end
	 */
	private synchronized Request currentOrEnd()
	{
		if ( current == null )
			--numRunning;
		return current;
	}

	private synchronized boolean isCurrent( final Request request )
	{
		return current == request;
	}

	private synchronized void ended( final Request request )
	{
		if ( current == request )
			current = null;
	}

	/**
	 * @return the cache of the image; {@code null} if nobody uses that any more
	 */
	private Cache< Long, ? extends Cell< ? > > cells()
	{
		final CachedCellImg< ?, ? > used = image.get();
		return used == null ? null : used.getCache();
	}

	/**
	 * @return whether to go on
	 */
	private boolean read( final long cell )
	{
		final Cache< Long, ? extends Cell< ? > > cells = cells();
		if ( cells == null )
			return false;
		try
		{
			if ( cells.getIfPresent( cell ) == null )
				Background.call( () -> cells.get( cell ) );
			return true;
		}
		catch ( final ExecutionException e )
		{
			// Whoever reads the cell is told. If there is more wrong, this is not the time to go on.
			return e.getCause() instanceof PythonCellException;
		}
		catch ( final Throwable t )
		{
			return false;
		}
	}

	/**
	 * Cells in the order of their distance.
	 */
	private final class Request
	{
		final CellRange range;

		private final double[] centre;

		/**
		 * {@code null} before it is asked for.
		 */
		private PrimitiveIterator.OfLong order;

		Request( final CellRange range, final Interval interval )
		{
			this.range = range;
			centre = new double[ interval.numDimensions() ];
			for ( int d = 0; d < centre.length; ++d )
				centre[ d ] = ( interval.min( d ) + ( double ) interval.max( d ) ) / 2;
		}

		/**
		 * @return index of the next cell, or -1 if there is none
		 */
		synchronized long next()
		{
			// Not earlier: it may take its time, and whoever asks for the cells must not wait.
			if ( order == null )
				order = nearest( range, centre, maxCells, () -> isCurrent( this ) );
			return order.hasNext() ? range.index( order.nextLong() ) : -1;
		}
	}

	/**
	 * @param range
	 * 		any number of cells
	 * @param centre
	 * 		in pixels
	 * @param maxCells
	 * 		how many cells to choose at most
	 * @param goOn
	 * 		asked for each cell whether the result is still wanted
	 * @return numbers of the cells that are nearest to the centre, in the order of their
	 *         distance
	 */
	static PrimitiveIterator.OfLong nearest( final CellRange range, final double[] centre, final long maxCells, final BooleanSupplier goOn )
	{
		// The farthest one first, because that is what is dropped.
		final PriorityQueue< Candidate > nearest = new PriorityQueue<>( Collections.reverseOrder() );
		for ( long i = 0; i < range.numCells() && goOn.getAsBoolean(); ++i )
		{
			final Candidate candidate = new Candidate( i, range.squareDistance( i, centre ) );
			if ( nearest.size() == maxCells && ( nearest.isEmpty() || candidate.compareTo( nearest.peek() ) > 0 ) )
				continue;
			nearest.add( candidate );
			if ( nearest.size() > maxCells )
				nearest.remove();
		}
		return nearest.stream().sorted().mapToLong( candidate -> candidate.number ).iterator();
	}

	private static final class Candidate implements Comparable< Candidate >
	{
		final long number;

		private final double squareDistance;

		Candidate( final long number, final double squareDistance )
		{
			this.number = number;
			this.squareDistance = squareDistance;
		}

		@Override
		public int compareTo( final Candidate other )
		{
			final int byDistance = Double.compare( squareDistance, other.squareDistance );
			return byDistance != 0 ? byDistance : Long.compare( number, other.number );
		}
	}
}
