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

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BiConsumer;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.logging.Level;
import java.util.logging.Logger;

import net.imglib2.cache.python.PythonClosedException;
import net.imglib2.cache.python.PythonException;
import net.imglib2.cache.python.protocol.Snippet;
import net.imglib2.cache.python.trust.Trusted;

/**
 * Owns an interpreter and runs the tasks of a queue on it, on a thread of its own. See
 * {@link Lifecycle} for what happens to it.
 * <p>
 * If the interpreter is not bound to that thread, readers drive it while the thread
 * sleeps, see {@link DrivenInterpreter}.
 * <p>
 * It has a platform thread: interpreters must not share a thread of the operating
 * system.
 */
final class Worker
{
	private static final Logger LOG = Logger.getLogger( Worker.class.getName() );

	/**
	 * Enough for deep recursion in C code.
	 */
	private static final long STACK_SIZE = 16L << 20;

	/**
	 * How long a thread that is interrupted waits for the end of a worker.
	 */
	private static final long PATIENCE_IF_INTERRUPTED_NANOS = TimeUnit.SECONDS.toNanos( 1 );

	/**
	 * After this time, something is tried again for which there was no memory.
	 */
	static final long RETRY_NANOS = TimeUnit.MILLISECONDS.toNanos( 100 );

	private static final ThreadLocal< Worker > OF_THIS_THREAD = new ThreadLocal<>();

	private final String name;

	private final Thread thread;

	private final TaskQueue tasks;

	private final InterpreterFactory factory;

	private final Interpreter python;

	/**
	 * The same if readers can drive it, else {@code null}.
	 */
	private final DrivenInterpreter driven;

	private final Seat seat;

	private final Control control;

	private final Trusted.Code init;

	private final String initName;

	private final Consumer< Worker > ended;

	private final BiConsumer< Worker, String > lost;

	private final Lifecycle life = new Lifecycle();

	private final CurrentRun current = new CurrentRun( life );

	/**
	 * How the interpreter has ended by itself while it started, else {@code null}.
	 */
	private volatile String lossAtStart;

	private final SmallBlocks smallBlocks;

	/**
	 * {@code null} like {@link #driven}.
	 */
	private final LongBlocks longBlocks;

	/**
	 * Ids of the code that is to be dropped.
	 */
	private final ConcurrentLinkedQueue< Long > deadLoaders = new ConcurrentLinkedQueue<>();

	/**
	 * The last one of the tasks for all workers that this one has run.
	 */
	private TasksForAll.TaskForAll lastForAll;

	private final BooleanSupplier stopsWaiting = this::stopsWaiting;

	/**
	 * Whether the queue counts on this worker to poll it.
	 */
	private final AtomicBoolean polling = new AtomicBoolean();

	/**
	 * Whether the next task may come soon, so that it is worth while to look for it.
	 */
	private boolean expectsTask = true;

	/**
	 * Name of the loader in the name of the thread, or {@code null}.
	 */
	private String shownName;

	/**
	 * @param pool
	 * 		name of the pool
	 * @param role
	 * 		what messages call the worker, after the name of the pool
	 * @param tasks
	 * 		what it takes its tasks from
	 * @param factory
	 * 		makes the interpreter
	 * @param init
	 * 		code to run first
	 * @param tasksForAll
	 * 		what each worker does before it takes other tasks
	 * @param ended
	 * 		called on the thread of the worker when that is about to end
	 * @param lost
	 * 		called on the thread of the worker when its interpreter has ended by itself,
	 * 		and why
	 */
	Worker( final String pool, final String role, final TaskQueue tasks, final InterpreterFactory factory, final Trusted.Code init, final TasksForAll tasksForAll,
			final Consumer< Worker > ended, final BiConsumer< Worker, String > lost )
	{
		name = pool + "_" + role;
		thread = LibraryThreads.create( name, this::run, STACK_SIZE );
		initName = "<init of " + pool + ">";
		this.tasks = tasks;
		this.factory = factory;
		this.init = init;
		lastForAll = tasksForAll.first();
		this.ended = ended;
		this.lost = lost;
		python = factory.create( name );
		seat = new Seat( thread );
		control = python.control();
		smallBlocks = new SmallBlocks( python, tasks, factory.sharesLock() );
		final UnboundInterpreter drivable = python instanceof UnboundInterpreter && ( ( UnboundInterpreter ) python ).isDrivable() ? ( UnboundInterpreter ) python : null;
		driven = drivable == null ? null : new DrivenInterpreter( drivable, name, seat, tasks, smallBlocks, current, stopsWaiting );
		longBlocks = drivable == null ? null : new LongBlocks( drivable, name, tasks, current, stopsWaiting );
	}

	/**
	 * @return whether its thread has to do something else than the next task
	 */
	private boolean stopsWaiting()
	{
		return !life.isServing() || !deadLoaders.isEmpty() || lastForAll.next() != null || driven != null && driven.hasLeft() || tasks.isExhausted();
	}

	/**
	 * @return whether the calling thread is that of a worker
	 */
	static boolean isThisThread()
	{
		return OF_THIS_THREAD.get() != null;
	}

	/**
	 * @return what messages call this worker
	 */
	String getName()
	{
		return name;
	}

	/**
	 * @return what other threads may do with the interpreter
	 */
	Control control()
	{
		return control;
	}

	/**
	 * @return what the worker does, or {@code null} if it waits for a task or does not
	 *         serve
	 */
	Run current()
	{
		return current.get();
	}

	/**
	 * @return whether it has computed blocks, or done a task, since this was asked last
	 */
	boolean takeProgress()
	{
		return current.takeProgress();
	}

	/**
	 * @return whether it will serve soon
	 */
	boolean isStarting()
	{
		return life.isBeforeServing();
	}

	/**
	 * @return whether the thread is about to end, and has told so
	 */
	boolean isOver()
	{
		return life.state() == Lifecycle.State.ENDED;
	}

	// ---------------------------------------------------------------- start

	/**
	 * Starts the thread, which opens the interpreter.
	 */
	void start()
	{
		if ( !life.start() )
			return;
		try
		{
			thread.start();
		}
		catch ( final Throwable t )
		{
			// The system has no more threads: nothing else would end this life.
			life.end();
			throw t;
		}
	}

	/**
	 * Starts the thread and waits until the init code has run.
	 *
	 * @throws PythonException
	 * 		if it has not, for whatever reason
	 */
	void startAndWait()
	{
		startAndWait( () -> {} );
	}

	/**
	 * Starts the thread and waits until the init code has run.
	 *
	 * @param meanwhile
	 * 		is run while the init code runs
	 * @throws PythonException
	 * 		if it has not, for whatever reason
	 */
	void startAndWait( final Runnable meanwhile )
	{
		start();
		WorkerStart.await( name, life, control, factory, meanwhile );
	}

	/**
	 * @return how the interpreter has ended by itself while it started; {@code null} if
	 *         the start has not failed, or for another reason
	 */
	String lossAtStart()
	{
		return lossAtStart;
	}

	// ------------------------------------------------------------------ end

	/**
	 * Lets the worker end, with its task cancelled, whose result nobody waits for any
	 * more.
	 */
	void close( final PythonClosedException reason )
	{
		life.close( reason );
		current.fail( reason );
		control.abandon();
	}

	/**
	 * Like {@link #close}, because the JVM ends: the interpreter stays open.
	 */
	void exit( final PythonClosedException reason )
	{
		life.exit( reason );
		current.fail( reason );
		control.exit();
	}

	/**
	 * Lets the worker end when it has done what it has taken.
	 */
	void retire()
	{
		life.retire();
		// It may have nothing to do.
		LockSupport.unpark( thread );
	}

	/**
	 * Abandons the worker, because its code cannot be cancelled: it ends if it ever comes
	 * back. Others do what it has not begun.
	 */
	void abandon()
	{
		life.abandon();
		// Before the cancellation, so that a block that is cancelled before it begins ends as abandoned.
		current.abandon();
		control.abandon();
		// A worker with small blocks counts as polling, because they should end soon.
		becomeBusy();
		// It sleeps if it was driven by a reader.
		LockSupport.unpark( thread );
	}

	/**
	 * Waits for the end of a worker that has served.
	 *
	 * @param deadline
	 * 		in terms of {@link System#nanoTime()}
	 */
	void awaitEnd( final long deadline )
	{
		// One that has not served has nothing to finish, or hangs.
		if ( this == OF_THIS_THREAD.get() || life.startFailure() != null )
			return;
		boolean interrupted = false;
		long end = deadline;
		while ( thread.isAlive() )
		{
			final long millis = TimeUnit.NANOSECONDS.toMillis( end - System.nanoTime() );
			if ( millis <= 0 )
			{
				LOG.warning( name + " is still running Python code after its queue was closed; it is left to itself" );
				break;
			}
			try
			{
				thread.join( millis );
			}
			catch ( final InterruptedException e )
			{
				interrupted = true;
				// Most workers end within milliseconds.
				final long soon = System.nanoTime() + PATIENCE_IF_INTERRUPTED_NANOS;
				if ( soon - end < 0 )
					end = soon;
			}
		}
		if ( interrupted )
			Thread.currentThread().interrupt();
	}

	/**
	 * @return whether the thread may be in Python, and hold its lock. With blocks it may
	 *         until all results are handed over; with a task it may not all the time: the
	 *         task's own Java code can be what ends the JVM
	 */
	boolean isInPython()
	{
		final Run run = current.get();
		return thread.isAlive() && ( run != null && run.isBlocks() || control.isCalling() );
	}

	/**
	 * Lets the worker forget code that is dropped as soon as it runs nothing else, and ends
	 * the blocks of it that it computes.
	 *
	 * @return whether it computes such blocks
	 */
	boolean drop( final Snippet snippet )
	{
		deadLoaders.add( snippet.id() );
		return current.drop( snippet );
	}

	// ------------------------------------------------ on the worker's thread

	private void run()
	{
		OF_THIS_THREAD.set( this );
		try
		{
			if ( open() )
				serve();
		}
		catch ( final Throwable t )
		{
			tellFailure( t );
			throw t;
		}
		finally
		{
			life.end();
			ended.accept( this );
		}
	}

	/**
	 * What this thread does between tasks has failed, for instance because no memory is left.
	 * Others wait for a worker in its place.
	 */
	private void tellFailure( final Throwable failure )
	{
		life.abandon();
		for ( boolean told = false; !told; )
			try
			{
				lost.accept( this, "its thread has failed: " + failure );
				told = true;
			}
			catch ( final Throwable t )
			{
				// There may be no memory for this, either, but there will be.
				LockSupport.parkNanos( RETRY_NANOS );
			}
	}

	/**
	 * @return whether the interpreter is open and the init code has run
	 */
	private boolean open()
	{
		try
		{
			try
			{
				python.open();
			}
			catch ( final Throwable t )
			{
				lossAtStart = python.loss();
				throw t;
			}
			return initialise();
		}
		catch ( final Throwable t )
		{
			life.fail( t );
			return false;
		}
	}

	private boolean initialise()
	{
		boolean ready = false;
		try
		{
			if ( life.opened() )
			{
				python.initialise( init, initName );
				startTasksForAll();
				ready = life.initialised();
			}
			return ready;
		}
		finally
		{
			if ( !ready )
			{
				// Before it is closed, which ends it, too.
				lossAtStart = python.loss();
				closeInterpreter();
			}
		}
	}

	/**
	 * Runs what all workers have run before, and what is given to them meanwhile.
	 */
	private void startTasksForAll()
	{
		for ( TasksForAll.TaskForAll next = lastForAll.next(); next != null; next = next.next() )
		{
			lastForAll = next;
			final boolean isAwaited = next.isAwaitedOf( this );
			if ( !isAwaited && next.hasFailed() )
				continue;
			final WorkTask< Void > task = isAwaited ? next.of( this ) : next.ofAnother();
			if ( !task.run( python, new TaskInterpreter( python ) ) )
				throw new NotBegunException( python.loss(), null );
			final Throwable failure = task.failure();
			// One that has failed meanwhile is not for workers that start later.
			if ( failure != null && !isAwaited && !next.hasFailed() )
				throw failure instanceof PythonException ? ( PythonException ) failure : new PythonException( "A task for all workers failed on " + name + ": " + failure, failure );
		}
	}

	private void serve()
	{
		becomePolling();
		try
		{
			while ( life.isServing() && runNext() )
				;
		}
		finally
		{
			becomeBusy();
			tasks.leave();
			closeInterpreter();
		}
	}

	private void closeInterpreter()
	{
		if ( life.state() == Lifecycle.State.EXITING )
			return;
		try
		{
			python.close();
		}
		catch ( final Throwable t )
		{
			// One that lives in this process does not close while threads of the user's code live in it.
			LOG.log( Level.WARNING, name + " could not close its interpreter", t );
		}
	}

	/**
	 * @return whether there may be more to do
	 */
	private boolean runNext()
	{
		forgetLoaders();
		if ( !runTasksForAll() )
			return !isLost();
		final Task< ? > task = tasks.take( stopsWaiting, seat, expectsTask );
		expectsTask = true;
		if ( task == null )
			return !( finishLeft() && isLost() ) && !( tasks.isExhausted() && lastForAll.next() == null );
		try
		{
			if ( python.loss() != null )
				// It has ended while there was nothing to do: another worker takes the task.
				tasks.addFirst( task );
			else if ( task instanceof BlockTask )
				runBlocks( ( BlockTask ) task );
			else if ( !runWork( ( WorkTask< ? > ) task ) )
				tasks.addFirst( task );
		}
		catch ( final Throwable t )
		{
			// Nobody may wait for ever, and this thread must live on.
			task.fail( t );
		}
		return !isLost();
	}

	/**
	 * @return whether the interpreter has ended by itself
	 */
	private boolean isLost()
	{
		final String loss = python.loss();
		if ( loss == null )
			return false;
		life.abandon();
		lost.accept( this, loss );
		return true;
	}

	private void forgetLoaders()
	{
		if ( deadLoaders.isEmpty() )
			return;
		try
		{
			final List< Long > ids = new ArrayList<>();
			for ( Long id = deadLoaders.poll(); id != null; id = deadLoaders.poll() )
				ids.add( id );
			python.forget( ids );
		}
		catch ( final Throwable t )
		{
			LOG.log( Level.WARNING, name + " could not drop the code of images that nobody uses any more", t );
		}
	}

	/**
	 * @return whether to go on; else the interpreter may have ended, or this worker shall
	 */
	private boolean runTasksForAll()
	{
		for ( TasksForAll.TaskForAll next = lastForAll.next(); next != null; next = next.next() )
		{
			lastForAll = next;
			final WorkTask< Void > task = next.of( this );
			try
			{
				if ( !runWork( task ) || !life.isServing() )
					return false;
			}
			catch ( final Throwable t )
			{
				// As with other tasks.
				task.fail( t );
			}
		}
		return true;
	}

	/**
	 * @return whether the task has ended; else another worker shall run it
	 */
	private boolean runWork( final WorkTask< ? > task )
	{
		becomeBusy();
		showName( null );
		current.begin( new Run( task ) );
		try
		{
			final boolean hasEnded = task.run( python, new TaskInterpreter( python ) );
			if ( hasEnded )
				noteProgress();
			return hasEnded;
		}
		finally
		{
			end();
			becomePolling();
		}
	}

	private void runBlocks( final BlockTask first )
	{
		if ( !first.begin() )
			return;
		final Snippet snippet = first.snippet();
		if ( SmallBlocks.areSmall( snippet ) )
		{
			runSmallBlocks( first );
			return;
		}
		becomeBusy();
		try
		{
			showName( snippet.givenName() );
			compute( new Run( Collections.singletonList( first ), snippet.timeoutNanos() ), longBlocks != null && python.isPrepared( snippet ) );
		}
		finally
		{
			becomePolling();
		}
	}

	private void runSmallBlocks( final BlockTask first )
	{
		final Run run = smallBlocks.with( first );
		final boolean isForOthers = !smallBlocks.areForOne( first.snippet() );
		if ( isForOthers )
			becomeBusy();
		try
		{
			compute( run, false );
		}
		finally
		{
			if ( isForOthers )
				becomePolling();
		}
		// The reader of a single block drives the next one, as soon as this thread sleeps.
		expectsTask = driven == null || run.size() > 1;
	}

	/**
	 * @param othersFollow
	 * 		whether other blocks may follow as {@link LongBlocks}
	 */
	private void compute( final Run run, final boolean othersFollow )
	{
		try
		{
			if ( !current.begin( run ) )
				return;
			if ( !othersFollow )
				run.compute( python, name );
			else if ( !longBlocks.compute( run ) )
				return;
			noteProgress();
		}
		catch ( final Throwable t )
		{
			current.failed( run, t );
		}
		finally
		{
			end();
		}
	}

	private void noteProgress()
	{
		if ( !current.hasProgress() && python.loss() == null )
			current.noteProgress();
	}

	/**
	 * Finishes what a reader has begun.
	 *
	 * @return whether there was anything
	 */
	private boolean finishLeft()
	{
		final Run run = driven == null ? null : driven.takeLeft();
		if ( run == null )
			return false;
		// It has turned out not to be small.
		becomeBusy();
		try
		{
			driven.finish( run );
			noteProgress();
		}
		catch ( final Throwable t )
		{
			current.failed( run, t );
		}
		finally
		{
			end();
			becomePolling();
		}
		return true;
	}

	// ------------------------------------------------ on the thread of a reader

	/**
	 * Computes small blocks that wait, if the thread of this worker sleeps and readers can
	 * drive its interpreter.
	 *
	 * @return whether somebody does what waits
	 */
	boolean drive()
	{
		return driven != null && driven.drive();
	}

	// ------------------------------------------------ on either thread

	private void end()
	{
		current.end();
		// An interrupt was meant for the task.
		Thread.interrupted();
	}

	private void becomePolling()
	{
		if ( polling.compareAndSet( false, true ) )
			tasks.becomePolling();
	}

	private void becomeBusy()
	{
		if ( polling.compareAndSet( true, false ) )
			tasks.becomeBusy();
	}

	/**
	 * Shows in the name of this thread what it computes, or computed last. Not for small
	 * blocks, for which that would take too long.
	 *
	 * @param loader
	 * 		name that the user has given to the loader, or {@code null}
	 */
	private void showName( final String loader )
	{
		if ( Objects.equals( loader, shownName ) )
			return;
		shownName = loader;
		thread.setName( loader == null ? name : name + " (" + loader + ")" );
	}
}
