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

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;

import net.imglib2.Interval;
import net.imglib2.cache.Cache;
import net.imglib2.cache.python.PythonCellException;
import net.imglib2.cache.python.PythonProgress;
import net.imglib2.cache.python.worker.Background;
import net.imglib2.cache.python.worker.Crossing;
import net.imglib2.cache.python.worker.LibraryThreads;
import net.imglib2.img.cell.Cell;

/**
 * Computes many cells of an image at the same time, in the background: whoever reads the
 * image meanwhile comes first. The cells get into the cache of the image, which may drop
 * them; nothing here grows with their number.
 * <p>
 * Used by one thread, once; the threads that read the cells are its own.
 */
public final class CellsInParallel
{
	/**
	 * Errors that are kept.
	 */
	static final int MAX_ERRORS = 100;

	private static final long INTERVAL_MILLIS = 100;

	/**
	 * How long to wait for readers that were interrupted. Those of Python code end at once;
	 * an image of others that is an input may take its time.
	 */
	private static final long MAX_MILLIS_TO_END = 300;

	private final CellReader< ?, ? > reader;

	private final Cache< Long, ? extends Cell< ? > > cells;

	private final CellRange range;

	private final PythonProgress progress;

	private final AtomicLong next = new AtomicLong();

	private final AtomicLong computed = new AtomicLong();

	private final AtomicLong fromCache = new AtomicLong();

	private final AtomicLong failed = new AtomicLong();

	private final List< PythonCellException > errors = new ArrayList<>();

	private final Thread[] threads;

	private final CountDownLatch running;

	/**
	 * Why this has ended before all cells were done, if not because it was cancelled.
	 */
	private final AtomicReference< Throwable > fault = new AtomicReference<>();

	private volatile boolean ended;

	private boolean cancelled;

	/**
	 * @param reader
	 * 		computes the cells
	 * @param cells
	 * 		the cache of the image
	 * @param interval
	 * 		in pixels: cells that it intersects are computed
	 * @param progress
	 * 		is told
	 * @param numReaders
	 * 		how many threads read the cells
	 */
	public CellsInParallel( final CellReader< ?, ? > reader, final Cache< Long, ? extends Cell< ? > > cells, final Interval interval, final PythonProgress progress, final int numReaders )
	{
		this.reader = reader;
		this.cells = cells;
		this.progress = progress;
		range = new CellRange( reader.spec().grid(), interval );
		threads = new Thread[ ( int ) Math.min( range.numCells(), numReaders ) ];
		running = new CountDownLatch( threads.length );
	}

	/**
	 * Computes the cells. Returns before that if it is cancelled by {@link PythonProgress},
	 * or by an interrupt of this thread, whose flag is set again.
	 *
	 * @throws RuntimeException
	 * 		if there is more wrong than that a cell failed
	 */
	public void run()
	{
		try
		{
			progress.update( 0, range.numCells() );
			readAll();
			final Throwable why = fault.get();
			if ( why instanceof Error )
				throw ( Error ) why;
			if ( why != null )
				throw Crossing.forThisThread( why );
			if ( !cancelled )
				progress.update( range.numCells(), range.numCells() );
		}
		finally
		{
			progress.ended();
		}
	}

	private void readAll()
	{
		for ( int i = 0; i < threads.length; ++i )
			threads[ i ] = LibraryThreads.create( reader.name() + "_compute_" + ( i + 1 ), this::read );
		boolean interrupted = false;
		try
		{
			for ( final Thread thread : threads )
				thread.start();
			awaitReaders();
		}
		catch ( final InterruptedException e )
		{
			interrupted = cancelled = true;
		}
		finally
		{
			end();
			try
			{
				running.await( MAX_MILLIS_TO_END, TimeUnit.MILLISECONDS );
			}
			catch ( final InterruptedException e )
			{
				interrupted = true;
			}
			if ( interrupted )
				Thread.currentThread().interrupt();
		}
	}

	private void awaitReaders() throws InterruptedException
	{
		final long total = range.numCells();
		long told = 0;
		while ( !running.await( INTERVAL_MILLIS, TimeUnit.MILLISECONDS ) )
		{
			cancelled = progress.isCancelled();
			if ( cancelled )
				return;
			final long done = done();
			if ( done != told && done != total )
				progress.update( done, total );
			told = done;
		}
	}

	/**
	 * Lets the readers end, also those that wait.
	 */
	private void end()
	{
		ended = true;
		for ( final Thread thread : threads )
			thread.interrupt();
	}

	private void read()
	{
		try
		{
			for ( long i = next.getAndIncrement(); i < range.numCells() && !ended; i = next.getAndIncrement() )
				read( range.index( i ) );
		}
		catch ( final Throwable t )
		{
			// After the end, it is only the interrupt.
			if ( !ended && fault.compareAndSet( null, t ) )
				end();
		}
		finally
		{
			running.countDown();
		}
	}

	private void read( final long cell ) throws Throwable
	{
		try
		{
			final Cell< ? > present = cells.getIfPresent( cell );
			final Cell< ? > got = present != null ? present : Background.call( () -> cells.get( cell ) );
			if ( got instanceof FilledCell )
				failed( ( ( FilledCell< ? > ) got ).error() );
			else if ( present == null )
				computed.incrementAndGet();
			else
			{
				reader.metrics().hit();
				fromCache.incrementAndGet();
			}
		}
		catch ( final ExecutionException e )
		{
			if ( !( e.getCause() instanceof PythonCellException ) )
				throw e.getCause();
			failed( ( PythonCellException ) e.getCause() );
		}
	}

	private void failed( final PythonCellException error )
	{
		synchronized ( errors )
		{
			if ( errors.size() < MAX_ERRORS )
				errors.add( error );
		}
		failed.incrementAndGet();
	}

	private long done()
	{
		return computed.get() + fromCache.get() + failed.get();
	}

	public long computed()
	{
		return computed.get();
	}

	public long fromCache()
	{
		return fromCache.get();
	}

	public long failed()
	{
		return failed.get();
	}

	/**
	 * @return the first errors, in the order in which the cells failed
	 */
	public List< PythonCellException > errors()
	{
		synchronized ( errors )
		{
			return Collections.unmodifiableList( new ArrayList<>( errors ) );
		}
	}

	/**
	 * @return whether not all cells are done, because it was cancelled
	 */
	public boolean isCancelled()
	{
		return cancelled;
	}
}
