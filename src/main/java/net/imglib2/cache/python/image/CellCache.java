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
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.StampedLock;
import java.util.function.Predicate;

import net.imglib2.cache.Cache;
import net.imglib2.cache.LoaderCache;
import net.imglib2.cache.python.WeightBoundedLoaderCache;
import net.imglib2.cache.ref.GuardedStrongRefLoaderCache;
import net.imglib2.cache.ref.SoftRefLoaderCache;
import net.imglib2.cache.ref.WeakRefLoaderCache;
import net.imglib2.img.cell.Cell;
import net.imglib2.util.Cast;

/**
 * The cache of one image. Unlike {@link LoaderCache#withLoader}, it tells the
 * loader which failures a reader knows of, because caches let those that waited
 * for a cell that failed load it again, one after the other; and the loader forgets
 * the failures of what is invalidated. A cell that would wait for itself is an
 * error; who waits for a cell that another thread loads can be interrupted; and who
 * reads a cell again and again while it fails is slowed down.
 * <p>
 * Thread-safe, also where the cache that has the cells must not be read while it is
 * invalidated, as is the rule for those of imglib2-cache. A cell that was being
 * computed when it was invalidated is not kept.
 *
 * @param <A>
 * 		access to the pixels of a cell
 */
public final class CellCache< A > implements Cache< Long, Cell< A > >
{
	/**
	 * Computes cells.
	 *
	 * @param <A>
	 * 		access to the pixels of a cell
	 */
	@FunctionalInterface
	public interface Loader< A >
	{
		/**
		 * @param cell
		 * 		index of the cell
		 * @param arrival
		 * 		number of the last failure before the reader came
		 */
		Cell< A > load( Long cell, long arrival ) throws Exception;
	}

	/**
	 * Cell that could not be computed and has a substitute for its pixels.
	 *
	 * @param <A>
	 * 		access to the pixels
	 */
	public static final class Filled< A > extends Cell< A >
	{
		private static final long serialVersionUID = 1L;

		private transient Runnable report;

		/**
		 * @param report
		 * 		tells why, see {@link CellCache#report}
		 */
		public Filled( final int[] dimensions, final long[] min, final A data, final Runnable report )
		{
			super( dimensions, min, data );
			this.report = report;
		}
	}

	/**
	 * If a cell has substitutes for its pixels, tells why, once.
	 */
	public static void report( final Cell< ? > cell )
	{
		if ( !( cell instanceof Filled ) )
			return;
		final Filled< ? > filled = ( Filled< ? > ) cell;
		final Runnable report;
		synchronized ( filled )
		{
			report = filled.report;
			filled.report = null;
		}
		if ( report != null )
			report.run();
	}

	/**
	 * A cell that is being computed.
	 */
	private static final class Loading
	{
		private final CountDownLatch ended = new CountDownLatch( 1 );

		/**
		 * Whether it was invalidated since.
		 */
		private volatile boolean outdated;

		/**
		 * Whether it shall be computed again if it gets substitutes for its pixels.
		 */
		private volatile boolean retried;

		private boolean isOutdated( final Cell< ? > cell )
		{
			return outdated || retried && cell instanceof Filled;
		}
	}

	/**
	 * Gets a cell past the cache, which keeps no failures.
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

	/**
	 * A cache of another kind may hold back who wants a cell while another is loaded.
	 */
	private static final long MAX_SECONDS_TO_EXCLUDE = 1;

	/**
	 * Others may wait for who excludes them, and it should not wait for these.
	 */
	private static final long ONE_THREAD = Long.MAX_VALUE;

	/**
	 * How often a cache is asked that fails by itself.
	 */
	private static final int MAX_ATTEMPTS = 3;

	private final LoaderCache< Long, Cell< A > > cells;

	/**
	 * Whether cells can be looked up while others are invalidated.
	 */
	private final boolean lookedUpAtAnyTime;

	/**
	 * Who invalidates excludes who looks up, or is about to load or to keep, a cell, but
	 * not who computes one. No code of the user's runs meanwhile.
	 */
	private final StampedLock use = new StampedLock();

	/**
	 * The thread that excludes others: a cache may call back what looks up cells.
	 */
	private volatile Thread excluding;

	private final Object owner;

	private final Loader< A > loader;

	private final CellFailures failures;

	private final UnattendedCells unattended;

	private final InvalidationListeners listeners;

	private final Map< Long, Loading > loading = new ConcurrentHashMap<>();

	/**
	 * @param cells
	 * 		has the cells
	 * @param owner
	 * 		what {@link CellInProgress} knows the loader by
	 * @param loader
	 * 		computes cells
	 * @param failures
	 * 		of the loader
	 * @param unattended
	 * 		of the loader
	 * @param listeners
	 * 		of the loader
	 */
	public CellCache(
			final LoaderCache< Long, Cell< A > > cells,
			final Object owner,
			final Loader< A > loader,
			final CellFailures failures,
			final UnattendedCells unattended,
			final InvalidationListeners listeners )
	{
		this.cells = cells;
		// BoundedSoftRefLoaderCache, for one, changes an unguarded list when it is read.
		lookedUpAtAnyTime = cells instanceof GuardedStrongRefLoaderCache || cells instanceof SoftRefLoaderCache || cells instanceof WeakRefLoaderCache || cells instanceof WeightBoundedLoaderCache;
		this.owner = owner;
		this.loader = loader;
		this.failures = failures;
		this.unattended = unattended;
		this.listeners = listeners;
	}

	@Override
	public Cell< A > get( final Long cell ) throws ExecutionException
	{
		// Before that: who comes while the cell is computed shares the failure.
		final long arrival = failures.count();
		final Cell< A > present = getIfPresent( cell );
		if ( present != null )
			return present;
		final CellInProgress current = CellInProgress.ofThisThread();
		if ( current != null )
			return current.await( owner, cell, () -> getInTurn( cell, arrival ) );
		final boolean repeated = failures.isRepeated( cell );
		try
		{
			return getInTurn( cell, arrival );
		}
		catch ( final ExecutionException e )
		{
			// Here, where no cache waits for it, and no other image.
			slowDown( cell, repeated, e.getCause() );
			throw e;
		}
	}

	/**
	 * Lets one thread load the cell. The others wait here: caches do so in a way that
	 * cannot be interrupted.
	 */
	private Cell< A > getInTurn( final Long cell, final long firstArrival ) throws ExecutionException
	{
		long arrival = firstArrival;
		while ( true )
		{
			final Loading mine = new Loading();
			for ( Loading others = loading.putIfAbsent( cell, mine ); others != null; others = loading.putIfAbsent( cell, mine ) )
			{
				awaitLoading( others );
				final Cell< A > present = getIfPresent( cell );
				if ( present != null )
					return present;
				// What was begun before the cell was invalidated, or to be retried, is not waited for.
				if ( others.outdated || others.retried )
					arrival = failures.count();
			}
			final Cell< A > got;
			try
			{
				got = load( cell, arrival, mine );
			}
			finally
			{
				loading.remove( cell, mine );
				mine.ended.countDown();
			}
			// Whoever wanted the cell to be retried did not want these.
			if ( got instanceof Filled && mine.isOutdated( got ) )
			{
				arrival = failures.count();
				continue;
			}
			// Who is told may read the image, or wait for who does.
			report( got );
			return got;
		}
	}

	private Cell< A > load( final Long cell, final long arrival, final Loading mine ) throws ExecutionException
	{
		for ( int attempt = 1;; ++attempt )
		{
			final long[] stamp = { enter() };
			try
			{
				return cells.get( cell, missing -> {
					leave( stamp[ 0 ] );
					final Cell< A > loaded;
					try
					{
						loaded = loader.load( missing, arrival );
					}
					finally
					{
						stamp[ 0 ] = enter();
					}
					if ( mine.isOutdated( loaded ) )
						throw new NotToBeKept( loaded );
					return loaded;
				} );
			}
			catch ( final ExecutionException e )
			{
				if ( !( e.getCause() instanceof NotToBeKept ) )
					throw e;
				return Cast.unchecked( ( ( NotToBeKept ) e.getCause() ).cell );
			}
			catch ( final NullPointerException e )
			{
				// The loader's own are causes.
				requireAnotherAttempt( attempt, e );
			}
			finally
			{
				leave( stamp[ 0 ] );
			}
		}
	}

	private void slowDown( final Long cell, final boolean repeated, final Throwable error ) throws ExecutionException
	{
		try
		{
			failures.readerFails( cell, repeated, error );
		}
		catch ( final InterruptedException e )
		{
			throw interrupted( e );
		}
	}

	private static void awaitLoading( final Loading loading ) throws ExecutionException
	{
		try
		{
			loading.ended.await();
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
		Objects.requireNonNull( cell, "cell" );
		for ( int attempt = 1;; ++attempt )
			try
			{
				if ( lookedUpAtAnyTime )
					return cells.getIfPresent( cell );
				final long stamp = enter();
				try
				{
					return cells.getIfPresent( cell );
				}
				finally
				{
					leave( stamp );
				}
			}
			catch ( final NullPointerException e )
			{
				requireAnotherAttempt( attempt, e );
			}
	}

	/**
	 * Who finds an entry in a cache of imglib2-cache just before that is removed gets a
	 * NullPointerException. The next time it is not found any more.
	 */
	private static void requireAnotherAttempt( final int attempt, final NullPointerException e )
	{
		if ( attempt == MAX_ATTEMPTS )
			throw e;
	}

	@Override
	public void persist( final Long cell )
	{
		cells.persist( cell );
	}

	@Override
	public void persistIf( final Predicate< Long > condition )
	{
		cells.persistIf( condition );
	}

	@Override
	public void persistAll()
	{
		cells.persistAll();
	}

	/**
	 * Drops cells that have substitutes for their pixels.
	 *
	 * @param filled
	 * 		indices of the cells that may have
	 * @param retried
	 * 		tells for which cells that are being computed it shall be done
	 */
	public void invalidateFilled( final Collection< Long > filled, final Predicate< Long > retried )
	{
		alone( () -> {
			loading.forEach( ( cell, affected ) -> affected.retried |= retried.test( cell ) );
			for ( final Long cell : filled )
				if ( cells.getIfPresent( cell ) instanceof Filled )
					cells.invalidate( cell );
		} );
	}

	@Override
	public void invalidate( final Long cell )
	{
		Objects.requireNonNull( cell, "cell" );
		unattended.invalidate();
		failures.forget( cell );
		alone( () -> {
			outdate( Collections.singleton( cell ) );
			cells.invalidate( cell );
		} );
		listeners.tell( cell::equals );
	}

	@Override
	public void invalidateIf( final long parallelismThreshold, final Predicate< Long > condition )
	{
		unattended.invalidate();
		failures.forgetIf( condition );
		// The condition is the user's: it may read the image, which caches do not stand while they ask it.
		final Set< Long > affected = ConcurrentHashMap.newKeySet();
		alone( () -> {
			affected.addAll( loading.keySet() );
			cells.invalidateIf( ONE_THREAD, cell -> {
				affected.add( cell );
				return false;
			} );
		} );
		affected.removeIf( condition.negate() );
		alone( () -> {
			outdate( affected );
			cells.invalidateIf( ONE_THREAD, affected::contains );
		} );
		listeners.tell( condition );
	}

	@Override
	public void invalidateAll( final long parallelismThreshold )
	{
		unattended.invalidate();
		failures.forgetIf( cell -> true );
		alone( () -> {
			outdate( loading.keySet() );
			cells.invalidateAll( ONE_THREAD );
		} );
		listeners.tell( cell -> true );
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

	private long enter()
	{
		return excluding == Thread.currentThread() ? 0 : use.readLock();
	}

	private void leave( final long stamp )
	{
		if ( stamp != 0 )
			use.unlockRead( stamp );
	}

	/**
	 * Invalidates while no other thread uses the cache.
	 */
	private void alone( final Runnable invalidation )
	{
		final long stamp = excluding == Thread.currentThread() ? 0 : exclude();
		if ( stamp != 0 )
			excluding = Thread.currentThread();
		try
		{
			invalidation.run();
		}
		finally
		{
			if ( stamp != 0 )
			{
				excluding = null;
				use.unlockWrite( stamp );
			}
		}
	}

	private long exclude()
	{
		boolean interrupted = Thread.interrupted();
		try
		{
			return use.tryWriteLock( MAX_SECONDS_TO_EXCLUDE, TimeUnit.SECONDS );
		}
		catch ( final InterruptedException e )
		{
			interrupted = true;
			return 0;
		}
		finally
		{
			if ( interrupted )
				Thread.currentThread().interrupt();
		}
	}
}
