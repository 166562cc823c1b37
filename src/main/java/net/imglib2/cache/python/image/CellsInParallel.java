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
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;

import net.imglib2.cache.python.PythonCellException;
import net.imglib2.cache.python.PythonProgress;
import net.imglib2.cache.python.worker.Crossing;
import net.imglib2.cache.python.worker.LibraryThreads;

/**
 * Computes many cells at the same time; nothing here grows with their number.
 * <p>
 * Used by one thread, once; the threads that compute the cells are its own.
 */
public final class CellsInParallel
{
	/**
	 * Cells that can be computed at the same time. Thread-safe.
	 */
	public interface Cells
	{
		/**
		 * @return what the threads are called
		 */
		String threadName();

		/**
		 * @return how many cells there are
		 */
		long number();

		/**
		 * @return how many threads keep all workers busy
		 */
		int numThreads();

		/**
		 * @param i
		 * 		one of the cells, from 0 on
		 * @return whether it had to be computed; else it was there
		 * @throws PythonCellException
		 * 		if that fails
		 * @throws InterruptedException
		 * 		if this thread was interrupted
		 * @throws Exception
		 * 		if there is more wrong than that a cell fails
		 */
		boolean compute( long i ) throws Exception;
	}

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

	private final List< ? extends Cells > parts;

	private final long total;

	private final PythonProgress progress;

	/**
	 * What progress was told last.
	 */
	private long told;

	private final AtomicLong computed = new AtomicLong();

	private final AtomicLong fromCache = new AtomicLong();

	private final AtomicLong failed = new AtomicLong();

	private final List< PythonCellException > errors = new ArrayList<>();

	/**
	 * Why this has ended before all cells were done, if not because it was cancelled.
	 */
	private final AtomicReference< Throwable > fault = new AtomicReference<>();

	private boolean cancelled;

	/**
	 * @param progress
	 * 		is told
	 * @param parts
	 * 		what to compute, one part after the other: the next one when all cells of the
	 * 		former are done, and none of them has failed
	 */
	public CellsInParallel( final PythonProgress progress, final List< ? extends Cells > parts )
	{
		this.progress = progress;
		this.parts = parts;
		total = parts.stream().mapToLong( Cells::number ).sum();
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
			progress.update( 0, total );
			for ( final Cells part : parts )
			{
				new Part( part ).computeAll();
				final Throwable why = fault.get();
				if ( why instanceof Error )
					throw ( Error ) why;
				if ( why != null )
					throw Crossing.forThisThread( why );
				if ( cancelled || failed.get() > 0 )
					break;
			}
			if ( !cancelled )
				progress.update( done(), total );
		}
		finally
		{
			progress.ended();
		}
	}

	/**
	 * The computation of one part.
	 */
	private final class Part
	{
		private final Cells cells;

		private final AtomicLong next = new AtomicLong();

		private final Thread[] threads;

		private final CountDownLatch running;

		private volatile boolean ended;

		Part( final Cells cells )
		{
			this.cells = cells;
			threads = new Thread[ ( int ) Math.min( cells.number(), cells.numThreads() ) ];
			running = new CountDownLatch( threads.length );
		}

		void computeAll()
		{
			for ( int i = 0; i < threads.length; ++i )
				threads[ i ] = LibraryThreads.create( cells.threadName() + "_" + ( i + 1 ), this::compute );
			boolean interrupted = false;
			try
			{
				for ( final Thread thread : threads )
					thread.start();
				await();
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

		private void await() throws InterruptedException
		{
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
		 * Lets the threads end, also those that wait.
		 */
		private void end()
		{
			ended = true;
			for ( final Thread thread : threads )
				thread.interrupt();
		}

		private void compute()
		{
			try
			{
				for ( long i = next.getAndIncrement(); i < cells.number() && !ended; i = next.getAndIncrement() )
					CellsInParallel.this.compute( cells, i );
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
	}

	private void compute( final Cells cells, final long i ) throws Exception
	{
		try
		{
			( cells.compute( i ) ? computed : fromCache ).incrementAndGet();
		}
		catch ( final PythonCellException e )
		{
			failed( e );
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
