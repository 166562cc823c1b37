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
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.logging.Level;
import java.util.logging.Logger;

import net.imglib2.cache.python.PythonClosedException;
import net.imglib2.cache.python.PythonException;
import net.imglib2.cache.python.PythonLoaderOptions;
import net.imglib2.cache.python.PythonTask;
import net.imglib2.cache.python.block.BlockMemory;
import net.imglib2.cache.python.embedded.PythonRuntime;
import net.imglib2.cache.python.protocol.BlockRequest;
import net.imglib2.cache.python.protocol.BlockResult;
import net.imglib2.cache.python.protocol.PythonFailure;
import net.imglib2.cache.python.protocol.Snippet;
import net.imglib2.cache.python.trust.TrustPolicy;

/**
 * Workers with one interpreter each, and the tasks that wait for them.
 */
public final class WorkerPool implements AutoCloseable
{
	private static final Logger LOG = Logger.getLogger( WorkerPool.class.getName() );

	/**
	 * How long {@link #close()} waits for code that is still running.
	 */
	private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds( 5 );

	/**
	 * So many workers can be occupied by code that does not end before no new ones
	 * are started.
	 */
	private static final int MAX_RETIRED = 32;

	/**
	 * After a worker could not be started; doubled by each further failure.
	 */
	private static final long FIRST_START_PAUSE = TimeUnit.SECONDS.toNanos( 1 );

	private static final long LONGEST_START_PAUSE = TimeUnit.MINUTES.toNanos( 1 );

	/**
	 * Code is checked in less, unless all workers are occupied.
	 */
	private static final Duration CHECK_PATIENCE = Duration.ofMillis( 100 );

	/**
	 * How long the making of a loader waits for the worker that does nothing but
	 * check, which may have to be started.
	 */
	private static final Duration CHECK_TIMEOUT = Duration.ofSeconds( 2 );

	private static final AtomicLong LAST_SNIPPET = new AtomicLong();

	private static final AtomicLong LAST_POOL = new AtomicLong();

	private final PythonRuntime runtime;

	private final String name;

	private final String init;

	private final int numWorkers;

	private final TaskQueue tasks = new TaskQueue();

	// Those that were given up are not among them.
	private final List< Worker > workers = new CopyOnWriteArrayList<>();

	private final AtomicInteger lastWorker = new AtomicInteger();

	/**
	 * Those that were given up and whose threads have not ended.
	 */
	private final Set< Worker > retired = ConcurrentHashMap.newKeySet();

	/**
	 * When the next worker may be started, in terms of {@link System#nanoTime()}.
	 */
	private volatile long nextStart = System.nanoTime();

	private volatile long startPause = FIRST_START_PAUSE;

	private TimeoutWatch timeouts;

	private final TaskQueue checks = new TaskQueue();

	/**
	 * Checks code while all others are occupied; {@code null} as long as that never
	 * was so.
	 */
	private Worker checker;

	private volatile boolean endsWhenIdle;

	private volatile boolean closed;

	/**
	 * Set as long as no worker is left.
	 */
	private volatile PythonException broken;

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
		this.init = init;
		this.numWorkers = numWorkers;
		name = "python_" + LAST_POOL.incrementAndGet();
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

	/**
	 * @return where the blocks that this pool computes have their pixels
	 */
	public BlockMemory memory()
	{
		return runtime.memory();
	}

	/**
	 * Makes a loader's code known.
	 *
	 * @param code
	 * 		the code
	 * @param options
	 * 		how to run it
	 * @param loader
	 * 		once it is collected, the workers drop the code
	 * @return handle of the code
	 */
	public Snippet register( final String code, final PythonLoaderOptions options, final Object loader )
	{
		TrustPolicy.ofThisJvm().requireLoader( code );
		requireNotOnAWorker( "A loader cannot be made" );
		final Snippet snippet = new Snippet( LAST_SNIPPET.incrementAndGet(), options.getName(), code, options.isCheckWritten(), options.isWritableInputs(), nanos( options.getTimeout() ) );
		if ( options.getTimeout() != null )
			watchTimeouts();
		check( snippet );
		Cleanup.whenCollected( loader, () -> forget( snippet ) );
		return snippet;
	}

	/**
	 * Checks code on a worker that has nothing else to do, else on one that is there
	 * for this, because who makes an image must not wait for blocks of others. Where
	 * Python's lock is not to be had, the first block tells what is wrong.
	 */
	private void check( final Snippet snippet )
	{
		WorkTask< Void > check = check( snippet, tasks );
		if ( awaitCheck( check, CHECK_PATIENCE ) )
			return;
		if ( check.abandon() )
		{
			tasks.remove( check );
			startChecker();
			check = check( snippet, checks );
		}
		if ( !awaitCheck( check, CHECK_TIMEOUT ) )
			LOG.info( "The code of " + snippet.loaderName() + " is checked when it runs first: other code keeps Python's lock" );
	}

	private WorkTask< Void > check( final Snippet snippet, final TaskQueue queue )
	{
		final WorkTask< Void > check = new WorkTask<>( python -> {
			python.check( snippet );
			return null;
		}, null );
		// Before blocks that wait, because a user waits for the constructor.
		queue.addFirst( check );
		submittedWork( check, queue );
		return check;
	}

	/**
	 * @return whether it was checked in time
	 */
	private static boolean awaitCheck( final WorkTask< Void > check, final Duration timeout )
	{
		try
		{
			check.promise().get( timeout.toMillis(), TimeUnit.MILLISECONDS );
			return true;
		}
		catch ( final TimeoutException e )
		{
			return false;
		}
		catch ( final InterruptedException e )
		{
			check.fail( e );
			Thread.currentThread().interrupt();
			throw new PythonException( "Interrupted while the code of a loader was checked", e );
		}
		catch ( final ExecutionException e )
		{
			throw e.getCause() instanceof RuntimeException ? Crossing.toThisThread( ( RuntimeException ) e.getCause() ) : Crossing.forThisThread( e.getCause() );
		}
	}

	private synchronized void startChecker()
	{
		if ( checker != null || closed )
			return;
		checker = new Worker( name, "check", checks, runtime, "", this::ended );
		checker.start();
	}

	/**
	 * Lets a block be computed.
	 *
	 * @param request
	 * 		the block
	 * @return what {@link #await} waits for
	 */
	public BlockTask submit( final BlockRequest request )
	{
		requireNotOnAWorker( "A cell that is not cached cannot be read" );
		final BlockTask task = new BlockTask( request );
		tasks.add( task );
		submitted( task, tasks );
		return task;
	}

	/**
	 * Waits for a block; on one thread at a time.
	 *
	 * @param task
	 * 		the block
	 * @return how it ended
	 * @throws InterruptedException
	 * 		if this thread was interrupted. What has begun goes on and can be waited for
	 * 		again, see {@link BlockTask#isBegun()}; else the block is not computed
	 */
	public BlockResult await( final BlockTask task ) throws InterruptedException
	{
		try
		{
			return task.await( tasks );
		}
		catch ( final InterruptedException e )
		{
			if ( task.abandon() )
			{
				tasks.remove( task );
				task.request().release( 0 );
			}
			throw e;
		}
		catch ( final Worker.RetiredException e )
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
	 * @return promise of the result
	 */
	public < R > CompletableFuture< R > submit( final PythonTask< ? extends R > work )
	{
		final WorkTask< R > task = new WorkTask<>( work::execute, new Throwable() );
		tasks.add( task );
		submittedWork( task, tasks );
		return task.promise();
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
			if ( timeouts != null )
				timeouts.end();
		}
		ExitHook.remove( this );
		// Before that: workers put back what they have taken out, unless they see this.
		allWorkers().forEach( worker -> worker.shutDown( closedException() ) );
		failWaiting();
		// Never an interrupt: Jep's imports do not survive one.
		tasks.wakeAllWorkers();
		final long deadline = System.nanoTime() + CLOSE_TIMEOUT.toNanos();
		checks.wakeAllWorkers();
		allWorkers().forEach( worker -> worker.awaitEnd( deadline ) );
	}

	/**
	 * Ends the workers when they have done what is left to do, because nobody can ask
	 * for more.
	 */
	public void closeWhenIdle()
	{
		endsWhenIdle = true;
		allWorkers().forEach( Worker::endWhenIdle );
		tasks.wakeAllWorkers();
		checks.wakeAllWorkers();
		closeIfAllHaveEnded();
	}

	private void ended( final Worker worker )
	{
		retired.remove( worker );
		closeIfAllHaveEnded();
	}

	private void closeIfAllHaveEnded()
	{
		if ( endsWhenIdle && allWorkers().stream().allMatch( Worker::isOver ) )
			close();
	}

	/**
	 * @return workers that were not given up, and the one that checks code
	 */
	private synchronized List< Worker > allWorkers()
	{
		final List< Worker > all = new ArrayList<>( workers );
		if ( checker != null )
			all.add( checker );
		return all;
	}

	/**
	 * @throws PythonClosedException
	 * 		if this pool is closed
	 * @throws PythonException
	 * 		if all workers were given up
	 */
	public void requireOpen()
	{
		if ( closed || broken != null )
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
		allWorkers().forEach( worker -> worker.shutDownForExit( closedException() ) );
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
		all.addAll( retired );
		for ( final Worker worker : all )
			while ( worker.isInPython() && System.nanoTime() - deadline < 0 )
				LockSupport.parkNanos( TimeUnit.MILLISECONDS.toNanos( 5 ) );
	}

	private Worker newWorker()
	{
		final Worker worker = new Worker( name, "worker_" + lastWorker.incrementAndGet(), tasks, runtime, init, this::ended );
		workers.add( worker );
		// Either closeWhenIdle() finds it, or that is seen here.
		if ( endsWhenIdle )
			worker.endWhenIdle();
		return worker;
	}

	private synchronized void watchTimeouts()
	{
		if ( timeouts != null || closed )
			return;
		timeouts = new TimeoutWatch( name, workers, this::retire, this::startMissing );
		timeouts.start();
	}

	/**
	 * Gives up a worker that does not come back.
	 */
	private void retire( final Worker worker, final PythonFailure stack )
	{
		if ( closed || !workers.remove( worker ) )
			return;
		retired.add( worker );
		worker.retire();
		LOG.warning( worker.getName() + " is given up, because its code does not end; " + retired.size() + " such workers of its queue are still occupied. "
				+ stack.describe() );
		if ( retired.size() <= MAX_RETIRED )
			return;
		LOG.severe( "No worker takes the place of " + worker.getName() + " until one of the " + retired.size() + " that were given up comes back: their code does not end" );
		failIfNoWorkerIsLeft( null );
	}

	/**
	 * Starts a worker if there are too few. Called again and again once workers can be
	 * given up.
	 */
	private void startMissing()
	{
		if ( workers.size() >= numWorkers || retired.size() > MAX_RETIRED || System.nanoTime() - nextStart < 0 )
			return;
		try
		{
			final Worker fresh = newWorker();
			// Starting can take long, and can need Python's lock, which the code may keep.
			LibraryThreads.create( fresh.getName() + "_start", () -> startLater( fresh ) ).start();
		}
		catch ( final Throwable t )
		{
			couldNotStart( t );
		}
	}

	private void startLater( final Worker fresh )
	{
		try
		{
			// Either close() finds it, or it is found closed here.
			if ( closed )
				return;
			fresh.startAndWait();
			startPause = FIRST_START_PAUSE;
			broken = null;
		}
		catch ( final Throwable t )
		{
			// It may start later, but nobody would watch or close it.
			workers.remove( fresh );
			fresh.shutDown( closedException() );
			retired.add( fresh );
			// Either it removes itself, or its end is seen here.
			if ( fresh.isOver() )
				retired.remove( fresh );
			couldNotStart( t );
		}
	}

	private void couldNotStart( final Throwable cause )
	{
		if ( closed )
			return;
		final long pause = startPause;
		nextStart = System.nanoTime() + pause;
		startPause = Math.min( 2 * pause, LONGEST_START_PAUSE );
		LOG.log( Level.SEVERE, "No worker of " + name + " could be started in place of one that was given up; the next attempt is in " + TimeUnit.NANOSECONDS.toSeconds( pause ) + " s", cause );
		failIfNoWorkerIsLeft( cause );
	}

	private void failIfNoWorkerIsLeft( final Throwable cause )
	{
		if ( !workers.isEmpty() )
			return;
		broken = new PythonException( "All workers of the PythonCacheLoaderQueue have been given up, because their code did not end, and none could be started in their place", cause );
		failWaiting();
	}

	private static void requireNotOnAWorker( final String what )
	{
		if ( Worker.ofThisThread() != null )
			throw new IllegalStateException( what + " on an interpreter's thread (" + Thread.currentThread().getName()
					+ "): it would wait for an interpreter while it occupies one. Do it on another thread, before or after the task" );
	}

	private static long nanos( final Duration timeout )
	{
		// Of a thousand years, there is no number of nanoseconds.
		return timeout == null || timeout.toDays() > 36_500 ? Long.MAX_VALUE : timeout.toNanos();
	}

	private void submittedWork( final WorkTask< ? > task, final TaskQueue queue )
	{
		submitted( task, queue );
		// Unlike readers, who waits for it does not look whether anybody has begun it.
		queue.wakeWorker();
	}

	private void submitted( final Task< ? > task, final TaskQueue queue )
	{
		// After the task was queued: either close() finds it there, or it is
		// found closed here.
		if ( closed || broken != null )
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
		final PythonException reason = broken;
		return closed || reason == null ? closedException() : new PythonException( reason.getMessage(), reason );
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

	static PythonClosedException closedException()
	{
		return new PythonClosedException( "The PythonCacheLoaderQueue is closed: cells that are not cached can no longer be computed" );
	}
}
