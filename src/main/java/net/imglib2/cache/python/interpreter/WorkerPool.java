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
package net.imglib2.cache.python.interpreter;

import java.lang.ref.PhantomReference;
import java.lang.ref.Reference;
import java.lang.ref.ReferenceQueue;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.BlockingDeque;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingDeque;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;

import net.imglib2.cache.python.PythonClosedException;
import net.imglib2.cache.python.PythonException;
import net.imglib2.cache.python.PythonTask;

/**
 * Workers with one interpreter each, and the tasks that wait for them.
 */
public final class WorkerPool implements AutoCloseable
{
	/**
	 * How long {@link #close()} waits for code that is still running.
	 */
	private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds( 5 );

	// Unique in the JVM: interpreters may share the table of sources.
	private static final AtomicLong LAST_SNIPPET = new AtomicLong();

	private static final AtomicLong LAST_POOL = new AtomicLong();

	private final PythonRuntime runtime;

	private final BlockingDeque< Task< ? > > tasks = new LinkedBlockingDeque<>();

	private final List< Worker > workers = new ArrayList<>();

	private final ReferenceQueue< Object > deadLoaders = new ReferenceQueue<>();

	private final Set< LoaderReference > loaders = ConcurrentHashMap.newKeySet();

	private volatile boolean closed;

	/**
	 * Starts the workers, one after the other, and waits for them.
	 *
	 * @param numWorkers
	 * 		number of workers
	 * @param init
	 * 		code to run on each first
	 * @param runtime
	 * 		the Python to use
	 */
	public WorkerPool( final int numWorkers, final String init, final PythonRuntime runtime )
	{
		this.runtime = runtime;
		final String name = "python_" + LAST_POOL.incrementAndGet();
		try
		{
			for ( int i = 1; i <= numWorkers; ++i )
			{
				final Worker worker = new Worker( name, i, tasks, runtime, init );
				workers.add( worker );
				worker.startAndWait();
			}
		}
		catch ( final Throwable t )
		{
			close();
			throw t;
		}
	}

	/**
	 * Makes a loader's code known.
	 *
	 * @param code
	 * 		the code
	 * @param loader
	 * 		once it is collected, the workers drop the code
	 * @return handle of the code
	 */
	public Snippet register( final String code, final Object loader )
	{
		requireNotOnAWorker( "A loader cannot be made" );
		dropDeadLoaders();
		final Snippet snippet = new Snippet( LAST_SNIPPET.incrementAndGet(), code );
		final Task< Void > check = new Task<>( python -> {
			python.check( snippet );
			return null;
		} );
		// Before blocks that wait, because a user waits for the constructor.
		tasks.addFirst( check );
		submitted( check );
		try
		{
			check.result().get( runtime.startupTimeout().toMillis(), TimeUnit.MILLISECONDS );
		}
		catch ( final TimeoutException e )
		{
			check.fail( e );
			throw new PythonException( "The code of a loader could not be checked: all " + workers.size() + " workers have been busy for "
					+ runtime.startupTimeout().getSeconds() + " s", e );
		}
		catch ( final InterruptedException e )
		{
			check.fail( e );
			Thread.currentThread().interrupt();
			throw new PythonException( "Interrupted while the code of a loader was checked", e );
		}
		catch ( final ExecutionException e )
		{
			throw unwrapped( e );
		}
		loaders.add( new LoaderReference( loader, deadLoaders, snippet.id() ) );
		return snippet;
	}

	/**
	 * Computes a block and waits for it.
	 *
	 * @param request
	 * 		the block
	 * @return how it ended
	 * @throws InterruptedException
	 * 		if this thread was interrupted; the block is not computed if that has
	 * 		not begun
	 */
	public BlockResult compute( final BlockRequest request ) throws InterruptedException
	{
		requireNotOnAWorker( "A cell that is not cached cannot be read" );
		final Task< BlockResult > task = new Task<>( python -> python.compute( request ) );
		tasks.add( task );
		submitted( task );
		try
		{
			return task.result().get();
		}
		catch ( final InterruptedException e )
		{
			task.fail( e );
			throw e;
		}
		catch ( final ExecutionException e )
		{
			throw unwrapped( e );
		}
	}

	/**
	 * Runs a user's own work.
	 *
	 * @param <R>
	 * 		type of the result
	 * @param work
	 * 		the work
	 * @return promise of the result
	 */
	public < R > CompletableFuture< R > submit( final PythonTask< ? extends R > work )
	{
		final Task< R > task = new Task<>( work::execute );
		tasks.add( task );
		submitted( task );
		return task.result();
	}

	/**
	 * Ends the workers. Whoever waits for a task gets a
	 * {@link PythonClosedException}. Code that is still running after a few
	 * seconds is left to itself on its daemon thread.
	 */
	@Override
	public void close()
	{
		synchronized ( this )
		{
			if ( closed )
				return;
			closed = true;
		}
		failWaiting();
		workers.forEach( worker -> worker.shutDown( closedException() ) );
		// Wakes the idle ones up, after all know that they end: each takes at most
		// one more task. Never an interrupt: Jep's imports do not survive one.
		workers.forEach( worker -> tasks.add( new Task<>( python -> null ) ) );
		final long deadline = System.nanoTime() + CLOSE_TIMEOUT.toNanos();
		for ( final Worker worker : workers )
			worker.awaitEnd( deadline );
	}

	private static void requireNotOnAWorker( final String what )
	{
		if ( Thread.currentThread() instanceof Worker )
			throw new IllegalStateException( what + " on an interpreter's thread (" + Thread.currentThread().getName()
					+ "): it would wait for an interpreter while it occupies one. Do it on another thread, before or after the task" );
	}

	private void submitted( final Task< ? > task )
	{
		// After the task was queued: either close() finds it there, or it is
		// found closed here.
		if ( closed )
		{
			tasks.remove( task );
			task.fail( closedException() );
		}
	}

	private void failWaiting()
	{
		for ( Task< ? > task = tasks.poll(); task != null; task = tasks.poll() )
			task.fail( closedException() );
	}

	private void dropDeadLoaders()
	{
		final List< Long > ids = new ArrayList<>();
		for ( Reference< ? > dead = deadLoaders.poll(); dead != null; dead = deadLoaders.poll() )
		{
			loaders.remove( dead );
			ids.add( ( ( LoaderReference ) dead ).snippet );
		}
		if ( !ids.isEmpty() )
			workers.forEach( worker -> worker.forget( ids ) );
	}

	static PythonClosedException closedException()
	{
		return new PythonClosedException( "The PythonCacheLoaderQueue is closed: cells that are not cached can no longer be computed" );
	}

	private static RuntimeException unwrapped( final ExecutionException e )
	{
		final Throwable cause = e.getCause();
		return cause instanceof RuntimeException ? ( RuntimeException ) cause : new PythonException( String.valueOf( cause ), cause );
	}

	private static final class LoaderReference extends PhantomReference< Object >
	{
		private final long snippet;

		LoaderReference( final Object loader, final ReferenceQueue< Object > queue, final long snippet )
		{
			super( loader, queue );
			this.snippet = snippet;
		}
	}
}
