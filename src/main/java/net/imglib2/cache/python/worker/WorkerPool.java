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
package net.imglib2.cache.python.worker;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;

import net.imglib2.cache.python.PythonClosedException;
import net.imglib2.cache.python.PythonCodeException;
import net.imglib2.cache.python.PythonException;
import net.imglib2.cache.python.PythonInterruptedException;
import net.imglib2.cache.python.PythonLoaderOptions;
import net.imglib2.cache.python.PythonNoWorkerException;
import net.imglib2.cache.python.PythonTask;
import net.imglib2.cache.python.PythonTrustException;
import net.imglib2.cache.python.block.BlockMemory;
import net.imglib2.cache.python.protocol.BlockRequest;
import net.imglib2.cache.python.protocol.BlockResult;
import net.imglib2.cache.python.protocol.CellCode;
import net.imglib2.cache.python.protocol.Snippet;
import net.imglib2.cache.python.trust.TrustPolicy;
import net.imglib2.cache.python.trust.Trusted;

/**
 * Workers with one interpreter each, and the tasks that wait for them.
 *
 * <pre>
 * {@code
 * final Trusted.Code init = TrustPolicy.ofThisJvm().requireCode( "The init code", "import numpy as np" );
 * try (final WorkerPool pool = new WorkerPool( 2, init, factory ))
 * {
 *     final Snippet snippet = pool.register( CellCode.of( "block.data[...] = np.pi" ), PythonLoaderOptions.options(), image );
 *     // For each block, on any number of threads:
 *     final BlockTask task = pool.submit( new BlockRequest( snippet, index, cell, lowerHalo, arrays ) );
 *     final BlockResult result = pool.await( task );
 * }
 * }
 * </pre>
 *
 * Thread-safe; a task is awaited by one thread at a time.
 */
public final class WorkerPool implements AutoCloseable
{
	/**
	 * How long {@link #close()} waits for code that is still running.
	 */
	private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds( 5 );

	private static final AtomicLong LAST_SNIPPET = new AtomicLong();

	private static final AtomicLong LAST_POOL = new AtomicLong();

	private final InterpreterFactory factory;

	private final String name = "python_" + LAST_POOL.incrementAndGet();

	private final Trusted.Code init;

	private final TaskQueue tasks = new TaskQueue();

	private final TaskQueue checks = new TaskQueue();

	private final BooleanSupplier drive = this::drive;

	private final CodeChecker checker = new CodeChecker( this, tasks, checks );

	/**
	 * Those that are not abandoned.
	 */
	private final List< Worker > workers = new CopyOnWriteArrayList<>();

	private final AtomicInteger lastWorker = new AtomicInteger();

	private final Replacements replacements;

	private final LongSupplier clock;

	private TimeoutWatch timeouts;

	/**
	 * Checks code while all others are busy; {@code null} until that happens first.
	 */
	private Worker checkingWorker;

	private volatile boolean closed;

	/**
	 * Starts the workers, one after the other, and waits for them.
	 *
	 * @param numWorkers
	 * 		number of workers
	 * @param init
	 * 		code to run on each first
	 * @param factory
	 * 		makes their interpreters
	 * @throws PythonException
	 * 		if one of them could not be started; then none is left
	 */
	public WorkerPool( final int numWorkers, final Trusted.Code init, final InterpreterFactory factory )
	{
		this( numWorkers, init, factory, System::nanoTime );
	}

	/**
	 * @param clock
	 * 		times blocks and pauses, as {@link System#nanoTime()} does
	 */
	WorkerPool( final int numWorkers, final Trusted.Code init, final InterpreterFactory factory, final LongSupplier clock )
	{
		this.factory = factory;
		this.init = init;
		this.clock = clock;
		replacements = new Replacements( this, workers, numWorkers, clock );
		// First: the JVM can end while the init code runs.
		ExitHook.add( this );
		try
		{
			for ( int i = 0; i < numWorkers; ++i )
				newWorker().startAndWait();
		}
		catch ( final Throwable t )
		{
			close();
			throw t;
		}
	}

	// ---------------------------------------------------------------- tasks

	/**
	 * @return where the blocks that this pool computes have their pixels
	 */
	public BlockMemory memory()
	{
		return factory.memory();
	}

	/**
	 * Makes the code of a loader known, and checks it.
	 *
	 * @param code
	 * 		the code
	 * @param options
	 * 		how to run it
	 * @param loader
	 * 		once it is collected, the workers drop the code
	 * @return handle of the code
	 * @throws PythonTrustException
	 * 		if an allow-list lacks the code
	 * @throws PythonCodeException
	 * 		if the code is not valid
	 * @throws PythonInterruptedException
	 * 		if this thread is interrupted meanwhile
	 * @throws IllegalStateException
	 * 		on the thread of a worker
	 */
	public Snippet register( final CellCode code, final PythonLoaderOptions options, final Object loader )
	{
		final Trusted.LoaderCode trusted = TrustPolicy.ofThisJvm().requireLoader( code.text(), code.hasTextInParameters() );
		requireNotOnAWorker( "A loader cannot be made" );
		final Snippet snippet = new Snippet( LAST_SNIPPET.incrementAndGet(), options.getName(), trusted, code.encoded(), options.isCheckWritten(), options.isWritableInputs(), nanos( options.getTimeout() ) );
		if ( options.getTimeout() != null )
			watchTimeouts();
		checker.check( snippet );
		Cleanup.whenCollected( loader, () -> forget( snippet ) );
		return snippet;
	}

	/**
	 * Lets a block be computed.
	 *
	 * @param request
	 * 		the block
	 * @return what {@link #await} waits for
	 * @throws IllegalStateException
	 * 		on the thread of a worker
	 */
	public BlockTask submit( final BlockRequest request )
	{
		requireNotOnAWorker( "A cell that is not cached cannot be read" );
		final BlockTask task = new BlockTask( request, factory.sharesLock() );
		tasks.add( task, drive );
		submitted( task, tasks );
		return task;
	}

	/**
	 * To wake a worker takes longer than a small block: the reader uses its interpreter.
	 *
	 * @return whether somebody does what waits
	 */
	private boolean drive()
	{
		for ( final Worker worker : workers )
			if ( worker.drive() )
				return true;
		return false;
	}

	/**
	 * Waits for a block; on one thread at a time.
	 *
	 * @param task
	 * 		the block
	 * @return how it ended
	 * @throws InterruptedException
	 * 		if this thread was interrupted. A block that has begun goes on and can be
	 * 		waited for again, see {@link BlockTask#isBegun()}; another one is not computed
	 * @throws PythonClosedException
	 * 		if this pool was closed
	 * @throws PythonNoWorkerException
	 * 		if all workers were abandoned
	 */
	public BlockResult await( final BlockTask task ) throws InterruptedException
	{
		try
		{
			return task.await( tasks );
		}
		catch ( final InterruptedException e )
		{
			if ( task.withdraw() )
			{
				tasks.remove( task );
				task.request().release( 0 );
			}
			throw e;
		}
		catch ( final AbandonedException e )
		{
			return BlockResult.dropped();
		}
		catch ( final Throwable t )
		{
			throw Crossing.forThisThread( t );
		}
	}

	/**
	 * Runs a user's own work.
	 *
	 * @param <R>
	 * 		type of the result
	 * @param work
	 * 		the work
	 * @return promise of the result; it fails with what the work throws, or with a
	 *         {@link PythonClosedException} or {@link PythonNoWorkerException}
	 */
	public < R > CompletableFuture< R > submit( final PythonTask< ? extends R > work )
	{
		final WorkTask< R > task = new WorkTask<>( ( python, ofUsers ) -> work.execute( ofUsers ), new Throwable() );
		tasks.add( task );
		submittedWork( task, tasks );
		return task.promise();
	}

	void submittedWork( final WorkTask< ? > task, final TaskQueue queue )
	{
		submitted( task, queue );
		// Readers wake a worker for a task that nobody has begun; those who wait for work do not.
		queue.wakeWorker();
	}

	/**
	 * Fails a task that was queued too late. Either {@link #failWaiting()} finds it in
	 * the queue, or the reason to fail is seen here.
	 */
	private void submitted( final Task< ? > task, final TaskQueue queue )
	{
		if ( closed || replacements.noWorker() != null )
		{
			queue.remove( task );
			task.fail( reasonToFail() );
		}
	}

	private void failWaiting()
	{
		for ( Task< ? > task = tasks.poll(); task != null; task = tasks.poll() )
			task.fail( reasonToFail() );
		for ( Task< ? > task = checks.poll(); task != null; task = checks.poll() )
			task.fail( reasonToFail() );
	}

	private PythonException reasonToFail()
	{
		final PythonNoWorkerException noWorker = replacements.noWorker();
		return closed || noWorker == null ? closedException() : new PythonNoWorkerException( noWorker.getMessage(), noWorker );
	}

	/**
	 * Nobody has the loader of this code any more.
	 */
	private void forget( final Snippet snippet )
	{
		snippet.drop();
		workers.forEach( worker -> worker.forget( snippet ) );
		// Also those that have nothing to do: what the code has defined may be large.
		tasks.wakeAllWorkers();
	}

	// -------------------------------------------------------------- workers

	Worker newWorker()
	{
		final Worker worker = new Worker( name, "worker_" + lastWorker.incrementAndGet(), tasks, factory, init, this::ended, this::lost );
		workers.add( worker );
		// Either close() finds it, or the end is seen here.
		if ( closed )
			worker.close( closedException() );
		return worker;
	}

	synchronized void startChecker()
	{
		if ( checkingWorker != null || closed )
			return;
		checkingWorker = new Worker( name, "check", checks, factory, TrustPolicy.ofThisJvm().requireCode( "The init code", "" ), this::ended, this::lost );
		checkingWorker.start();
	}

	/**
	 * All workers are abandoned, see {@link Replacements#noWorker()}.
	 */
	void noWorkerIsLeft()
	{
		failWaiting();
		closeIfAllHaveEnded();
	}

	private synchronized void watchTimeouts()
	{
		if ( timeouts != null || closed )
			return;
		timeouts = new TimeoutWatch( name, workers, replacements::abandon, replacements::startMissing, clock );
		timeouts.start();
	}

	/**
	 * @return workers that are not abandoned, and the one that checks code
	 */
	private synchronized List< Worker > allWorkers()
	{
		final List< Worker > all = new ArrayList<>( workers );
		if ( checkingWorker != null )
			all.add( checkingWorker );
		return all;
	}

	// ------------------------------------------------------------------ end

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
			if ( timeouts != null )
				timeouts.end();
		}
		ExitHook.remove( this );
		final List< Worker > all = allWorkers();
		// First, so that no worker begins what is failed next.
		all.forEach( worker -> worker.close( closedException() ) );
		failWaiting();
		// Never an interrupt: imports in this process do not survive one.
		tasks.wakeAllWorkers();
		checks.wakeAllWorkers();
		final long deadline = System.nanoTime() + CLOSE_TIMEOUT.toNanos();
		all.forEach( worker -> worker.awaitEnd( deadline ) );
		// Those that ended before this pool was closed.
		all.stream().filter( Worker::isOver ).forEach( this::forget );
	}

	/**
	 * Ends the workers when they have done what is left to do, because nobody can ask
	 * for more.
	 */
	public void closeWhenIdle()
	{
		tasks.endWhenEmpty();
		checks.endWhenEmpty();
		closeIfAllHaveEnded();
	}

	private void ended( final Worker worker )
	{
		replacements.ended( worker );
		closeIfAllHaveEnded();
		// Images keep a closed pool in reach, but need not keep the memory of its interpreters.
		if ( closed )
			forget( worker );
	}

	private synchronized void forget( final Worker ended )
	{
		workers.remove( ended );
		if ( checkingWorker == ended )
			checkingWorker = null;
	}

	/**
	 * The interpreter of a worker has ended by itself.
	 */
	private void lost( final Worker worker, final String why )
	{
		if ( isChecker( worker ) )
			return;
		replacements.lost( worker, why );
		watchTimeouts();
		// The worker may have put a task back, which nobody else takes.
		if ( closed || replacements.noWorker() != null )
			failWaiting();
	}

	/**
	 * @return whether it was the one that checks code, which nothing replaces: whoever
	 *         waits for a check does so for a limited time
	 */
	private synchronized boolean isChecker( final Worker worker )
	{
		if ( worker != checkingWorker )
			return false;
		checkingWorker = null;
		return true;
	}

	private void closeIfAllHaveEnded()
	{
		// If no worker is missing, nobody will do a task that came when the last one was about to end.
		final boolean isDone = tasks.isEnding() && ( tasks.isEmpty() || !replacements.isWorkerMissing() );
		if ( isDone && allWorkers().stream().allMatch( Worker::isOver ) )
			close();
	}

	/**
	 * @return what messages call this pool
	 */
	String getName()
	{
		return name;
	}

	boolean isClosed()
	{
		return closed;
	}

	/**
	 * @throws PythonClosedException
	 * 		if this pool is closed
	 * @throws PythonNoWorkerException
	 * 		if all workers were abandoned
	 */
	public void requireOpen()
	{
		if ( closed || replacements.noWorker() != null )
			throw reasonToFail();
	}

	/**
	 * Cancels what runs because the JVM ends: some packages hang if their code runs
	 * then (a destructor of torch waits for Python's lock, which its holder cannot
	 * give back any more). The interpreters stay open.
	 */
	void cancelForExit()
	{
		closed = true;
		allWorkers().forEach( worker -> worker.exit( closedException() ) );
		failWaiting();
	}

	/**
	 * Waits a little until no Python code runs.
	 *
	 * @param deadline
	 * 		in terms of {@link System#nanoTime()}
	 */
	void awaitForExit( final long deadline )
	{
		final List< Worker > all = allWorkers();
		all.addAll( replacements.abandoned() );
		for ( final Worker worker : all )
			while ( worker.isInPython() && System.nanoTime() - deadline < 0 )
				LockSupport.parkNanos( TimeUnit.MILLISECONDS.toNanos( 5 ) );
	}

	static PythonClosedException closedException()
	{
		return new PythonClosedException( "The PythonCacheLoaderQueue is closed: cells that are not cached can no longer be computed" );
	}

	private static void requireNotOnAWorker( final String what )
	{
		if ( Worker.isThisThread() )
			throw new IllegalStateException( what + " on the thread of a worker (" + Thread.currentThread().getName()
					+ "): it would wait for a worker while it occupies one. Do it on another thread, before or after the task" );
	}

	private static long nanos( final Duration timeout )
	{
		// A thousand years are too many nanoseconds for a long.
		return timeout == null || timeout.toDays() > 36_500 ? Long.MAX_VALUE : timeout.toNanos();
	}
}
