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
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
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
 * try (final WorkerPool pool = new WorkerPool( 2, init, factory, () -> {} ))
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

	private final TasksForAll tasksForAll = new TasksForAll();

	private final BooleanSupplier drive = this::drive;

	private final CodeChecker checker = new CodeChecker( this, tasks, checks );

	/**
	 * Those that are not abandoned.
	 */
	private final List< Worker > workers = new CopyOnWriteArrayList<>();

	/**
	 * Those of them that end because others could not be started.
	 */
	private final Set< Worker > retiring = ConcurrentHashMap.newKeySet();

	/**
	 * Held while workers are added.
	 */
	private final Lock growth = new ReentrantLock();

	/**
	 * For the code that is not dropped: lets its loader be collected without any effect.
	 */
	private final Map< Snippet, Runnable > cleanups = new ConcurrentHashMap<>();

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
	 * @param meanwhile
	 * 		is run on this thread while the first worker runs the init code
	 * @throws PythonException
	 * 		if one of them could not be started; then none is left
	 */
	public WorkerPool( final int numWorkers, final Trusted.Code init, final InterpreterFactory factory, final Runnable meanwhile )
	{
		this( numWorkers, init, factory, System::nanoTime, meanwhile );
	}

	/**
	 * @param clock
	 * 		times blocks and pauses, as {@link System#nanoTime()} does
	 */
	WorkerPool( final int numWorkers, final Trusted.Code init, final InterpreterFactory factory, final LongSupplier clock, final Runnable meanwhile )
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
				if ( i == 0 )
					newWorker().startAndWait( meanwhile );
				else
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
		final TrustPolicy policy = TrustPolicy.ofThisJvm();
		final Trusted.LoaderCode trusted = code.isOfLibrary() ? policy.ofLibrary( code.text() ) : policy.requireLoader( code.text(), code.hasTextInParameters() );
		code.opened().values().forEach( object -> policy.requireOpened( object.expression(), object.hasText() ) );
		requireNotOnAWorker( "A loader cannot be made" );
		final Snippet snippet = new Snippet( LAST_SNIPPET.incrementAndGet(), options.getName(), trusted, code.encoded(), options.isCheckWritten(), options.isWritableInputs(), nanos( options.getTimeout() ) );
		if ( options.getTimeout() != null )
			watchTimeouts();
		if ( !code.isOfLibrary() )
			checker.check( snippet );
		cleanups.put( snippet, Cleanup.whenCollected( loader, () -> drop( snippet ) ) );
		return snippet;
	}

	/**
	 * Asks a worker for what this library's own part in Python knows, before the blocks that
	 * wait. If all workers are busy, another one answers, unless these know more: then one of
	 * them does so after its current block.
	 *
	 * @param what
	 * 		what messages call this, for instance {@code Opening x}
	 * @param question
	 * 		see {@link Interpreter#ask}
	 * @param arguments
	 * 		see {@link Interpreter#ask}; text of a user that is run was checked by the
	 * 		{@link TrustPolicy}
	 * @return the answer
	 * @throws PythonCodeException
	 * 		if code of the user that this runs raises anything
	 * @throws PythonClosedException
	 * 		if this pool is closed
	 * @throws PythonInterruptedException
	 * 		if this thread is interrupted
	 * @throws IllegalStateException
	 * 		on the thread of a worker
	 */
	public Object ask( final String what, final String question, final Object... arguments )
	{
		requireNotOnAWorker( what + " is not possible" );
		return checker.ask( what, ( python, ofUsers ) -> python.ask( what, question, arguments ), init.text().isEmpty() && tasksForAll.areNone() );
	}

	/**
	 * Lets a block be computed, after all others if this thread works in the
	 * {@link Background}.
	 *
	 * @param request
	 * 		the block
	 * @return what {@link #await} waits for. If the code was dropped, the block is, too
	 * @throws IllegalStateException
	 * 		on the thread of a worker
	 */
	public BlockTask submit( final BlockRequest request )
	{
		requireNotOnAWorker( "A cell that is not cached cannot be read" );
		final Background background = Background.ofThisThread();
		final BlockTask task = new BlockTask( request, factory.sharesLock(), background != null && !background.isPromoted() );
		tasks.add( task, drive );
		if ( task.isBackground() )
			background.awaits( () -> promote( task ) );
		requireWanted( task );
		return task;
	}

	/**
	 * Ends a block that was queued too late.
	 */
	private void requireWanted( final BlockTask task )
	{
		submitted( task, tasks );
		// Either whoever drops the code finds the block in the queue, or that is seen here.
		if ( task.snippet().isDropped() )
		{
			task.drop();
			tasks.remove( task );
		}
	}

	private void promote( final BlockTask task )
	{
		// Meanwhile it was in no queue: whoever looked for tasks to end has not seen it.
		if ( tasks.promote( task ) )
			requireWanted( task );
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
	 * See {@link #await(BlockTask, long)}; the thread begins to wait now.
	 */
	public BlockResult await( final BlockTask task ) throws InterruptedException
	{
		return await( task, System.nanoTime() );
	}

	/**
	 * Waits for a block; on one thread at a time.
	 *
	 * @param task
	 * 		the block
	 * @param start
	 * 		{@link System#nanoTime()} when the thread began to wait
	 * @return how it ended
	 * @throws InterruptedException
	 * 		if this thread was interrupted. A block that has begun goes on and can be
	 * 		waited for again, see {@link BlockTask#isBegun()}; another one is not computed
	 * @throws PythonClosedException
	 * 		if this pool was closed
	 * @throws PythonNoWorkerException
	 * 		if all workers were abandoned
	 */
	public BlockResult await( final BlockTask task, final long start ) throws InterruptedException
	{
		try
		{
			return task.await( tasks, start );
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

	/**
	 * Lets each worker run a user's own work once, between what it does otherwise, in the
	 * order in which such work was given. Workers that start later run it before they
	 * serve, unless it has failed; if they fail, they do not start.
	 *
	 * @param work
	 * 		the work
	 * @return ends when the workers of now have run it, or are not there any more. It fails
	 *         with what the work throws on one of them, or with a
	 *         {@link PythonClosedException}
	 */
	public CompletableFuture< Void > onAllWorkers( final PythonTask< ? > work )
	{
		final CompletableFuture< Void > promise = tasksForAll.add( work, workers );
		tasks.wakeAllWorkers();
		return promise;
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
		final PythonException reason = reasonToFail();
		if ( reason != null )
		{
			queue.remove( task );
			task.fail( reason );
		}
	}

	/**
	 * Fails what waits as long as there is a reason to: a worker may start meanwhile.
	 */
	private void failWaiting()
	{
		failWaiting( tasks );
		failWaiting( checks );
	}

	private void failWaiting( final TaskQueue queue )
	{
		for ( PythonException reason = reasonToFail(); reason != null; reason = reasonToFail() )
		{
			final Task< ? > task = queue.poll();
			if ( task == null )
				return;
			task.fail( reason );
		}
	}

	/**
	 * @return why nothing can be computed now; {@code null} if it can
	 */
	private PythonException reasonToFail()
	{
		if ( closed )
			return closedException();
		// Read once: a worker may start meanwhile.
		final PythonNoWorkerException noWorker = replacements.noWorker();
		if ( noWorker == null )
			return null;
		startToLookForWorkers();
		return new PythonNoWorkerException( noWorker.getMessage(), noWorker );
	}

	/**
	 * The thread that starts workers may not have started, because the system had no more
	 * threads.
	 */
	private void startToLookForWorkers()
	{
		try
		{
			watchTimeouts();
		}
		catch ( final Throwable t )
		{
			// It is tried again as long as somebody wants something to be computed.
		}
	}

	/**
	 * Drops the code of a loader, because nobody wants its results any more: the loader has
	 * got other code, or was collected. Whoever waits for a block of the code is told at
	 * once that it {@linkplain BlockResult#isDropped() is dropped}, unless it is done
	 * already, and so is whoever submits one from now on. So make the new code known before
	 * the old one is dropped. Blocks that have not begun are not computed; those that have
	 * are cancelled. A worker where that has no effect is abandoned, as after a timeout, when
	 * something waits for a worker; else it has ten times as long. The workers forget the
	 * code. May be called on any thread, again and again.
	 *
	 * @param snippet
	 * 		handle of the code
	 */
	public void drop( final Snippet snippet )
	{
		snippet.drop();
		tasks.removeIf( task -> dropIfOf( snippet, task ) );
		boolean runs = false;
		for ( final Worker worker : workers )
			runs |= worker.drop( snippet );
		if ( runs )
			watchTimeouts();
		// Also those that have nothing to do: what the code has defined may be large.
		tasks.wakeAllWorkers();
		// One loader may have had many codes.
		final Runnable cancel = cleanups.remove( snippet );
		if ( cancel != null )
			cancel.run();
	}

	/**
	 * Ends a block that nobody waits for, and nobody will wait for. If it has not begun, it is
	 * not computed; if it has, its code is cancelled, as after a timeout.
	 *
	 * @param task
	 * 		the block
	 */
	public void cancel( final BlockTask task )
	{
		task.cancel();
		tasks.remove( task );
		if ( task.isBegun() )
			watchTimeouts();
	}

	/**
	 * @return whether the task is a block of the code, which has ended now
	 */
	private static boolean dropIfOf( final Snippet snippet, final Task< ? > task )
	{
		if ( !( task instanceof BlockTask ) || ( ( BlockTask ) task ).snippet() != snippet )
			return false;
		( ( BlockTask ) task ).drop();
		return true;
	}

	// -------------------------------------------------------------- workers

	/**
	 * @return how many workers this pool shall have. It may have fewer, as long as some
	 *         were abandoned or lost and no others have started
	 */
	public int numWorkers()
	{
		return replacements.numWorkers();
	}

	/**
	 * Starts more workers if this pool has too few, one after the other, and waits for them.
	 * What waits is computed meanwhile.
	 *
	 * @param atLeast
	 * 		number of workers to have
	 * @throws PythonException
	 * 		if one of them could not be started, or this pool is closed; then no more are
	 * 		left than before
	 * @throws PythonInterruptedException
	 * 		if this thread is interrupted meanwhile
	 */
	public void grow( final int atLeast )
	{
		// Most images ask for no more than there are, and need not wait for others that do.
		if ( numWorkers() >= atLeast )
			return;
		try
		{
			growth.lockInterruptibly();
		}
		catch ( final InterruptedException e )
		{
			Thread.currentThread().interrupt();
			throw new PythonInterruptedException( "Interrupted while " + name + " got more workers", e );
		}
		final List< Worker > fresh = new ArrayList<>();
		try
		{
			factory.setNumInterpreters( Math.max( atLeast, numWorkers() ) );
			for ( int i = numWorkers(); i < atLeast; ++i )
				fresh.add( startAnother() );
			replacements.setNumWorkers( Math.max( atLeast, numWorkers() ) );
			// There may have been none before.
			if ( !fresh.isEmpty() )
				replacements.hasStarted();
		}
		catch ( final Throwable t )
		{
			fresh.forEach( this::retire );
			factory.setNumInterpreters( numWorkers() );
			throw t;
		}
		finally
		{
			growth.unlock();
		}
	}

	private Worker startAnother()
	{
		final Worker fresh = newWorker();
		try
		{
			fresh.startAndWait();
			return fresh;
		}
		catch ( final Throwable t )
		{
			replacements.hasNotStarted( fresh );
			throw t;
		}
	}

	/**
	 * Lets a worker end that serves already: others wait for what it has taken.
	 */
	private void retire( final Worker worker )
	{
		retiring.add( worker );
		worker.retire();
		// Either it is forgotten when it ends, or its end is seen here.
		if ( worker.isOver() && retiring.remove( worker ) )
			forget( worker );
	}

	/**
	 * Does without a worker.
	 *
	 * @return whether it was one of the workers
	 */
	boolean remove( final Worker worker )
	{
		if ( !workers.remove( worker ) )
			return false;
		tasksForAll.left( worker );
		return true;
	}

	Worker newWorker()
	{
		final Worker worker = new Worker( name, "worker_" + lastWorker.incrementAndGet(), tasks, factory, init, tasksForAll, this::ended, this::lost );
		workers.add( worker );
		// Either close() finds it, or the end is seen here.
		if ( closed )
			worker.close( closedException() );
		return worker;
	}

	synchronized void startChecker()
	{
		// One that could not start is over, too.
		if ( checkingWorker != null && !checkingWorker.isOver() || closed )
			return;
		checkingWorker = new Worker( name, "check", checks, factory, TrustPolicy.ofThisJvm().requireCode( "The init code", "" ), new TasksForAll(), this::ended, this::lost );
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
		final TimeoutWatch watch = new TimeoutWatch( name, workers, replacements::abandon, this::isMissed, replacements::startMissing, clock );
		// First: the system may have no more threads, and may have some when this is called next.
		watch.start();
		timeouts = watch;
	}

	/**
	 * @param worker
	 * 		one that computes what nobody wants any more
	 * @return whether something waits for it, or for any worker while none is about to start
	 */
	private boolean isMissed( final Worker worker )
	{
		return tasksForAll.isAwaitedOf( worker ) || tasks.isShortOfWorkers() && !replacements.isWorkerMissing() && workers.stream().noneMatch( Worker::isStarting );
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
		try
		{
			end();
		}
		finally
		{
			// Last: an interpreter that is being closed when the JVM ends has to be waited for.
			ExitHook.remove( this );
		}
	}

	private void end()
	{
		tasksForAll.close( closedException() );
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
		if ( retiring.remove( worker ) || closed )
			forget( worker );
	}

	private void forget( final Worker ended )
	{
		remove( ended );
		forgetChecker( ended );
	}

	/**
	 * The interpreter of a worker has ended by itself.
	 */
	private void lost( final Worker worker, final String why )
	{
		if ( forgetChecker( worker ) )
			return;
		try
		{
			// First: whatever fails from now on, that thread starts another worker.
			watchTimeouts();
		}
		finally
		{
			replacements.lost( worker, why );
			// The worker may have put a task back, which nobody else takes.
			failWaiting();
		}
	}

	/**
	 * @return whether it was the one that checks code, which nothing replaces: whoever
	 *         waits for a check does so for a limited time
	 */
	private synchronized boolean forgetChecker( final Worker worker )
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
	 * @return whether the workers end when they have done what is left to do
	 */
	boolean isEnding()
	{
		return tasks.isEnding();
	}

	/**
	 * @throws PythonClosedException
	 * 		if this pool is closed
	 * @throws PythonNoWorkerException
	 * 		if all workers were abandoned
	 */
	public void requireOpen()
	{
		final PythonException reason = reasonToFail();
		if ( reason != null )
			throw reason;
	}

	/**
	 * Cancels what runs because the JVM ends: some packages hang if their code runs
	 * then (a destructor of torch waits for Python's lock, which its holder cannot
	 * give back any more). The interpreters stay open.
	 */
	void cancelForExit()
	{
		closed = true;
		tasksForAll.close( closedException() );
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

	/**
	 * @param what
	 * 		what is about to be done, which waits for a worker
	 * @throws IllegalStateException
	 * 		on the thread of a worker
	 */
	public static void requireNotOnAWorker( final String what )
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
