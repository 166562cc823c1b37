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

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.function.Predicate;

import net.imglib2.cache.Cache;
import net.imglib2.cache.LoaderCache;
import net.imglib2.img.cell.Cell;

/**
 * The cache of one image. Unlike {@link LoaderCache#withLoader}, it tells the
 * loader which failures a reader knows of, because caches let those that waited
 * for a cell that failed load it again, one after the other; and the loader forgets
 * the failures of what is invalidated. A cell that would wait for itself is an
 * error; and who waits for a cell that another thread loads can be interrupted.
 * <p>
 * As thread-safe as the cache that has the cells.
 *
 * @param <A>
 * 		access to the pixels of a cell
 */
final class CellCache< A > implements Cache< Long, Cell< A > >
{
	/**
	 * Computes cells.
	 *
	 * @param <A>
	 * 		access to the pixels of a cell
	 */
	@FunctionalInterface
	interface Loader< A >
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
	static final class Filled< A > extends Cell< A >
	{
		private static final long serialVersionUID = 1L;

		private transient Runnable report;

		/**
		 * @param report
		 * 		tells why, see {@link CellCache#report}
		 */
		Filled( final int[] dimensions, final long[] min, final A data, final Runnable report )
		{
			super( dimensions, min, data );
			this.report = report;
		}
	}

	/**
	 * If a cell has substitutes for its pixels, tells why, once.
	 */
	static void report( final Cell< ? > cell )
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

	private final LoaderCache< Long, Cell< A > > cells;

	private final Object owner;

	private final Loader< A > loader;

	private final CellFailures failures;

	private final UnattendedCells unattended;

	/**
	 * When the loading of a cell ends.
	 */
	private final Map< Long, CountDownLatch > loading = new ConcurrentHashMap<>();

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
	 */
	CellCache( final LoaderCache< Long, Cell< A > > cells, final Object owner, final Loader< A > loader, final CellFailures failures, final UnattendedCells unattended )
	{
		this.cells = cells;
		this.owner = owner;
		this.loader = loader;
		this.failures = failures;
		this.unattended = unattended;
	}

	@Override
	public Cell< A > get( final Long cell ) throws ExecutionException
	{
		// Before that: who comes while the cell is computed shares the failure.
		final long arrival = failures.count();
		final Cell< A > present = cells.getIfPresent( cell );
		if ( present != null )
			return present;
		final CellInProgress current = CellInProgress.ofThisThread();
		return current == null ? getInTurn( cell, arrival ) : current.await( owner, cell, () -> getInTurn( cell, arrival ) );
	}

	/**
	 * Lets one thread load the cell. The others wait here: caches do so in a way that
	 * cannot be interrupted.
	 */
	private Cell< A > getInTurn( final Long cell, final long arrival ) throws ExecutionException
	{
		final CountDownLatch loaded = new CountDownLatch( 1 );
		for ( CountDownLatch others = loading.putIfAbsent( cell, loaded ); others != null; others = loading.putIfAbsent( cell, loaded ) )
		{
			awaitLoading( others );
			final Cell< A > present = cells.getIfPresent( cell );
			if ( present != null )
				return present;
		}
		final Cell< A > got;
		try
		{
			got = cells.get( cell, missing -> loader.load( missing, arrival ) );
		}
		finally
		{
			loading.remove( cell, loaded );
			loaded.countDown();
		}
		// Who is told may read the image, or wait for who does.
		report( got );
		return got;
	}

	private static void awaitLoading( final CountDownLatch loaded ) throws ExecutionException
	{
		try
		{
			loaded.await();
		}
		catch ( final InterruptedException e )
		{
			Thread.currentThread().interrupt();
			throw new ExecutionException( e );
		}
	}

	/**
	 * Drops cells with substitutes for their pixels.
	 */
	void invalidateFilled()
	{
		cells.invalidateIf( this::isFilled );
	}

	/**
	 * Drops the cell if it has substitutes for its pixels.
	 */
	void invalidateFilled( final long cell )
	{
		if ( isFilled( cell ) )
			cells.invalidate( cell );
	}

	private boolean isFilled( final Long cell )
	{
		return cells.getIfPresent( cell ) instanceof Filled;
	}

	@Override
	public Cell< A > getIfPresent( final Long cell )
	{
		return cells.getIfPresent( cell );
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

	@Override
	public void invalidate( final Long cell )
	{
		cells.invalidate( cell );
		unattended.invalidate();
		failures.forget( cell );
	}

	@Override
	public void invalidateIf( final long parallelismThreshold, final Predicate< Long > condition )
	{
		cells.invalidateIf( parallelismThreshold, condition );
		unattended.invalidate();
		failures.forgetIf( condition );
	}

	@Override
	public void invalidateAll( final long parallelismThreshold )
	{
		cells.invalidateAll( parallelismThreshold );
		unattended.invalidate();
		failures.forgetIf( cell -> true );
	}
}
