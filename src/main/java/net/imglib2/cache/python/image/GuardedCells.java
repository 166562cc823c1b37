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

import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.StampedLock;
import java.util.function.Consumer;

import net.imglib2.cache.LoaderCache;
import net.imglib2.cache.python.WeightBoundedLoaderCache;
import net.imglib2.cache.ref.GuardedStrongRefLoaderCache;
import net.imglib2.cache.ref.SoftRefLoaderCache;
import net.imglib2.cache.ref.WeakRefLoaderCache;
import net.imglib2.img.cell.Cell;

/**
 * A cache that can be invalidated while other threads read it. Those of
 * imglib2-cache must not be by themselves.
 * <p>
 * Readers share a lock, which they do not hold while they load a cell. The thread
 * that invalidates holds it alone.
 *
 * @param <A>
 * 		access to the pixels of a cell
 */
final class GuardedCells< A >
{
	/**
	 * Loads a cell.
	 *
	 * @param <A>
	 * 		access to the pixels of a cell
	 */
	interface Loader< A >
	{
		/**
		 * Called without the lock.
		 */
		Cell< A > load( Long cell ) throws Exception;

		/**
		 * Called with the lock, just before the cell is put into the cache.
		 *
		 * @throws Exception
		 * 		if the cell is not to be kept
		 */
		void requireUpToDate( Cell< A > loaded ) throws Exception;
	}

	/**
	 * As parallelism threshold: invalidate on this thread, because others may wait for
	 * the lock that it holds.
	 */
	static final long ONE_THREAD = Long.MAX_VALUE;

	/**
	 * A cache of another kind may hold readers back while another cell is loaded.
	 * Rather than wait for each other for ever, these are not excluded.
	 */
	private static final long MAX_SECONDS_TO_EXCLUDE = 1;

	/**
	 * How often a cache is asked that throws a {@code NullPointerException}.
	 */
	private static final int MAX_ATTEMPTS = 3;

	private final LoaderCache< Long, Cell< A > > cells;

	/**
	 * Whether cells can be looked up without the lock.
	 */
	private final boolean isLookupSafe;

	private final StampedLock use = new StampedLock();

	/**
	 * The thread that excludes others. The cache that it invalidates may call back what
	 * looks up cells.
	 */
	private volatile Thread excluding;

	GuardedCells( final LoaderCache< Long, Cell< A > > cells )
	{
		this.cells = cells;
		// BoundedSoftRefLoaderCache, for one, changes an unguarded list when it is read.
		isLookupSafe = cells instanceof GuardedStrongRefLoaderCache || cells instanceof SoftRefLoaderCache || cells instanceof WeakRefLoaderCache || cells instanceof WeightBoundedLoaderCache;
	}

	/**
	 * @return the cache itself, for what needs no exclusion
	 */
	LoaderCache< Long, Cell< A > > unguarded()
	{
		return cells;
	}

	Cell< A > getIfPresent( final Long cell )
	{
		for ( int attempt = 1;; ++attempt )
			try
			{
				if ( isLookupSafe )
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
	 * @param cell
	 * 		index of the cell
	 * @param loader
	 * 		loads it if it is missing
	 * @return the cell
	 * @throws ExecutionException
	 * 		with what the loader throws
	 */
	Cell< A > get( final Long cell, final Loader< A > loader ) throws ExecutionException
	{
		for ( int attempt = 1;; ++attempt )
		{
			final long[] stamp = { enter() };
			try
			{
				return cells.get( cell, missing -> {
					leave( stamp[ 0 ] );
					// If the stack is too full to enter again, it is not left twice.
					stamp[ 0 ] = 0;
					final Cell< A > loaded;
					try
					{
						loaded = loader.load( missing );
					}
					finally
					{
						stamp[ 0 ] = enter();
					}
					loader.requireUpToDate( loaded );
					return loaded;
				} );
			}
			catch ( final NullPointerException e )
			{
				// Those of the loader are causes.
				requireAnotherAttempt( attempt, e );
			}
			finally
			{
				leave( stamp[ 0 ] );
			}
		}
	}

	/**
	 * In caches of imglib2-cache, a reader that finds an entry just before that is
	 * removed gets a NullPointerException. The next attempt does not find it.
	 */
	private static void requireAnotherAttempt( final int attempt, final NullPointerException e )
	{
		if ( attempt == MAX_ATTEMPTS )
			throw e;
	}

	/**
	 * Does something while no other thread uses the cache. None of the user's code may
	 * run meanwhile.
	 */
	void exclusively( final Consumer< LoaderCache< Long, Cell< A > > > action )
	{
		final long stamp = excluding == Thread.currentThread() ? 0 : exclude();
		if ( stamp != 0 )
			excluding = Thread.currentThread();
		try
		{
			action.accept( cells );
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

	private long enter()
	{
		return excluding == Thread.currentThread() ? 0 : use.readLock();
	}

	private void leave( final long stamp )
	{
		if ( stamp != 0 )
			use.unlockRead( stamp );
	}
}
