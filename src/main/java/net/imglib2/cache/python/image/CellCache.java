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

import java.util.Collection;
import java.util.Collections;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.function.Predicate;

import net.imglib2.cache.Cache;
import net.imglib2.cache.LoaderCache;
import net.imglib2.cache.python.worker.Background;
import net.imglib2.img.basictypeaccess.array.ArrayDataAccess;
import net.imglib2.img.cell.Cell;
import net.imglib2.util.Cast;

/**
 * The cache of one image. It does what {@link LoaderCache#withLoader} does not:
 * <ul>
 * <li>All readers that wait for a cell share its failure. Other caches let each of
 * them load the cell again, one after the other.</li>
 * <li>A reader that waits for a cell that another thread loads can be
 * interrupted.</li>
 * <li>A cell that would wait for itself is an error, see {@link CellInProgress}.</li>
 * <li>A reader that reads a cell again and again while it fails is slowed down, see
 * {@link ReadThrottle}.</li>
 * <li>A cell that is invalidated while it is computed is not kept, and its failures
 * are forgotten.</li>
 * </ul>
 * Thread-safe, for all caches of imglib2-cache, see {@link GuardedCells}.
 *
 * @param <A>
 * 		access to the pixels of a cell
 */
final class CellCache< A extends ArrayDataAccess< ? > > implements Cache< Long, Cell< A > >
{
	/**
	 * A cell that one thread loads, and for which others may wait.
	 */
	private final class Loading implements GuardedCells.Loader< A >
	{
		private final CountDownLatch ended = new CountDownLatch( 1 );

		/**
		 * What the thread that loads does in the background, or {@code null}.
		 */
		private final Background background = Background.ofThisThread();

		/**
		 * {@link CellFailures#count()} when the reader came that loads.
		 */
		private long arrival;

		/**
		 * The cell was invalidated since the load began.
		 */
		private volatile boolean outdated;

		/**
		 * The cell is to be loaded again if this load fills it.
		 */
		private volatile boolean retried;

		@Override
		public Cell< A > load( final Long cell ) throws Exception
		{
			return reader.read( cell, arrival );
		}

		@Override
		public void requireUpToDate( final Cell< A > loaded ) throws NotToBeKept
		{
			if ( isOutdated( loaded ) )
				throw new NotToBeKept( loaded );
		}

		private boolean isOutdated( final Cell< A > loaded )
		{
			return outdated || retried && loaded instanceof FilledCell;
		}
	}

	/**
	 * Carries a cell past the cache below: caches do not keep failures.
	 */
	private static final class NotToBeKept extends Exception
	{
		private static final long serialVersionUID = 1L;

		private final transient Cell< ? > cell;

		NotToBeKept( final Cell< ? > cell )
		{
			super( null, null, false, false );
			this.cell = cell;
		}
	}

	private final GuardedCells< A > cells;

	private final CellReader< ?, A > reader;

	private final CellFailures failures;

	private final CellMetrics metrics;

	private final Map< Long, Loading > loading = new ConcurrentHashMap<>();

	/**
	 * @param cells
	 * 		keeps the cells
	 * @param reader
	 * 		loads them
	 */
	CellCache( final LoaderCache< Long, Cell< A > > cells, final CellReader< ?, A > reader )
	{
		this.cells = new GuardedCells<>( cells );
		this.reader = reader;
		failures = reader.failures();
		metrics = reader.metrics();
	}

	CellReader< ?, A > reader()
	{
		return reader;
	}

	@Override
	public Cell< A > get( final Long cell ) throws ExecutionException
	{
		// First: a reader that comes while the cell is computed shares the failure.
		final long arrival = failures.count();
		final Cell< A > present = getIfPresent( cell );
		if ( present != null )
		{
			metrics.hit();
			return present;
		}
		final CellInProgress current = CellInProgress.ofThisThread();
		if ( current != null )
			return current.await( reader.key(), cell, () -> getInTurn( cell, arrival ) );
		final boolean repeated = failures.isRepeated( cell );
		try
		{
			return getInTurn( cell, arrival );
		}
		catch ( final ExecutionException e )
		{
			// Here no cache waits for this thread, and no other image.
			throttle( cell, repeated, e.getCause() );
			throw e;
		}
	}

	/**
	 * Lets one thread load the cell. The others wait here, because caches wait in a way
	 * that cannot be interrupted.
	 */
	private Cell< A > getInTurn( final Long cell, final long firstArrival ) throws ExecutionException
	{
		long arrival = firstArrival;
		while ( true )
		{
			final Loading mine = new Loading();
			for ( Loading other = loading.putIfAbsent( cell, mine ); other != null; other = loading.putIfAbsent( cell, mine ) )
			{
				awaitLoading( other );
				final Cell< A > present = getIfPresent( cell );
				if ( present != null )
					return present;
				// The failure of an outdated load is not shared.
				if ( other.outdated || other.retried )
					arrival = failures.count();
			}
			final Cell< A > got;
			try
			{
				mine.arrival = arrival;
				got = load( cell, mine );
			}
			finally
			{
				// Who came after the invalidation, and finds no load any more, must not find the failure of this one.
				if ( mine.outdated || mine.retried )
					failures.forget( cell );
				loading.remove( cell, mine );
				mine.ended.countDown();
			}
			// An outdated cell is good enough for who asked before, an outdated substitute is not.
			if ( got instanceof FilledCell && mine.isOutdated( got ) )
			{
				arrival = failures.count();
				continue;
			}
			FilledCell.report( got );
			return got;
		}
	}

	private Cell< A > load( final Long cell, final Loading mine ) throws ExecutionException
	{
		try
		{
			return cells.get( cell, mine );
		}
		catch ( final ExecutionException e )
		{
			if ( !( e.getCause() instanceof NotToBeKept ) )
				throw e;
			return Cast.unchecked( ( ( NotToBeKept ) e.getCause() ).cell );
		}
	}

	private void throttle( final Long cell, final boolean repeated, final Throwable error ) throws ExecutionException
	{
		try
		{
			failures.throttle( cell, repeated, error );
		}
		catch ( final InterruptedException e )
		{
			throw interrupted( e );
		}
	}

	private void awaitLoading( final Loading other ) throws ExecutionException
	{
		Background.awaitedByThisThread( other.background );
		try
		{
			other.ended.await();
		}
		catch ( final InterruptedException e )
		{
			throw interrupted( e );
		}
	}

	private static ExecutionException interrupted( final InterruptedException e )
	{
		Thread.currentThread().interrupt();
		return new ExecutionException( e );
	}

	@Override
	public Cell< A > getIfPresent( final Long cell )
	{
		return cells.getIfPresent( Objects.requireNonNull( cell, "cell" ) );
	}

	@Override
	public void persist( final Long cell )
	{
		cells.unguarded().persist( cell );
	}

	@Override
	public void persistIf( final Predicate< Long > condition )
	{
		cells.unguarded().persistIf( condition );
	}

	@Override
	public void persistAll()
	{
		cells.unguarded().persistAll();
	}

	/**
	 * Drops filled cells.
	 *
	 * @param filled
	 * 		indices of cells that may be filled
	 * @param retried
	 * 		says which cells that are being loaded are loaded again if they are filled
	 */
	void invalidateFilled( final Collection< Long > filled, final Predicate< Long > retried )
	{
		cells.exclusively( unguarded -> {
			loading.forEach( ( cell, affected ) -> affected.retried |= retried.test( cell ) );
			for ( final Long cell : filled )
				if ( unguarded.getIfPresent( cell ) instanceof FilledCell )
					unguarded.invalidate( cell );
		} );
	}

	@Override
	public void invalidate( final Long cell )
	{
		Objects.requireNonNull( cell, "cell" );
		reader.drop( () -> {
			reader.forget( cell );
			cells.exclusively( unguarded -> {
				outdate( Collections.singleton( cell ) );
				unguarded.invalidate( cell );
			} );
		}, cell::equals );
	}

	@Override
	public void invalidateIf( final long parallelismThreshold, final Predicate< Long > condition )
	{
		reader.drop( () -> {
			reader.forgetIf( condition );
			dropIf( condition );
		}, condition );
	}

	/**
	 * Drops cells of this image alone, and tells nobody.
	 */
	void dropIf( final Predicate< Long > condition )
	{
		// The condition is the user's and may read the image, so it is not asked within the cache.
		final Set< Long > affected = ConcurrentHashMap.newKeySet();
		cells.exclusively( unguarded -> {
			affected.addAll( loading.keySet() );
			unguarded.invalidateIf( GuardedCells.ONE_THREAD, cell -> {
				affected.add( cell );
				return false;
			} );
		} );
		affected.removeIf( condition.negate() );
		cells.exclusively( unguarded -> {
			outdate( affected );
			unguarded.invalidateIf( GuardedCells.ONE_THREAD, affected::contains );
		} );
	}

	@Override
	public void invalidateAll( final long parallelismThreshold )
	{
		reader.drop( () -> {
			reader.forgetIf( cell -> true );
			cells.exclusively( unguarded -> {
				outdate( loading.keySet() );
				unguarded.invalidateAll( GuardedCells.ONE_THREAD );
			} );
		}, cell -> true );
	}

	private void outdate( final Collection< Long > invalidated )
	{
		for ( final Long cell : invalidated )
		{
			final Loading affected = loading.get( cell );
			if ( affected != null )
				affected.outdated = true;
		}
	}
}
