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

		Filled( final int[] dimensions, final long[] min, final A data )
		{
			super( dimensions, min, data );
		}
	}

	private final LoaderCache< Long, Cell< A > > cells;

	private final Object owner;

	private final Loader< A > loader;

	private final CellFailures failures;

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
	 */
	CellCache( final LoaderCache< Long, Cell< A > > cells, final Object owner, final Loader< A > loader, final CellFailures failures )
	{
		this.cells = cells;
		this.owner = owner;
		this.loader = loader;
		this.failures = failures;
	}

	@Override
	public Cell< A > get( final Long cell ) throws ExecutionException
	{
		final long arrival = failures.count();
		final CellInProgress current = CellInProgress.ofThisThread();
		if ( current == null )
			return getInterruptibly( cell, arrival );
		final Cell< A > present = cells.getIfPresent( cell );
		return present != null ? present : current.await( owner, cell, () -> getInterruptibly( cell, arrival ) );
	}

	private Cell< A > getInterruptibly( final Long cell, final long arrival ) throws ExecutionException
	{
		awaitLoading( cell );
		return cells.get( cell, missing -> load( missing, arrival ) );
	}

	/**
	 * If another thread is loading the cell, waits for that here: caches do so in a
	 * way that cannot be interrupted.
	 */
	private void awaitLoading( final Long cell ) throws ExecutionException
	{
		final Loading end = loading.isEmpty() ? null : loading.get( cell );
		// Who is told of a failure may read the image.
		if ( end == null || end.thread == Thread.currentThread() )
			return;
		try
		{
			end.await();
		}
		catch ( final InterruptedException e )
		{
			Thread.currentThread().interrupt();
			throw new ExecutionException( e );
		}
	}

	private Cell< A > load( final Long cell, final long arrival ) throws Exception
	{
		final Loading end = new Loading();
		loading.put( cell, end );
		try
		{
			return loader.load( cell, arrival );
		}
		finally
		{
			loading.remove( cell, end );
			end.countDown();
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
		failures.forget( cell );
	}

	@Override
	public void invalidateIf( final long parallelismThreshold, final Predicate< Long > condition )
	{
		cells.invalidateIf( parallelismThreshold, condition );
		failures.forgetIf( condition );
	}

	@Override
	public void invalidateAll( final long parallelismThreshold )
	{
		cells.invalidateAll( parallelismThreshold );
		failures.forgetIf( cell -> true );
	}

	/**
	 * The end of the loading of a cell.
	 */
	private static final class Loading extends CountDownLatch
	{
		private final Thread thread = Thread.currentThread();

		Loading()
		{
			super( 1 );
		}
	}
}
