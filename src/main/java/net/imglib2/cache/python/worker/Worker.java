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

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.logging.Level;
import java.util.logging.Logger;

import jep.JepException;
import net.imglib2.cache.python.PythonClosedException;
import net.imglib2.cache.python.PythonEnvironmentException;
import net.imglib2.cache.python.PythonException;
import net.imglib2.cache.python.embedded.EmbeddedInterpreter;
import net.imglib2.cache.python.embedded.PythonRuntime;
import net.imglib2.cache.python.embedded.PythonStack;
import net.imglib2.cache.python.environment.TemporaryFile;
import net.imglib2.cache.python.protocol.BlockRequest;
import net.imglib2.cache.python.protocol.BlockResult;
import net.imglib2.cache.python.protocol.ControlWords;
import net.imglib2.cache.python.protocol.Protocol;
import net.imglib2.cache.python.protocol.PythonFailure;
import net.imglib2.cache.python.protocol.RequestCodec;
import net.imglib2.cache.python.protocol.Snippet;

/**
 * Owns an interpreter and runs the tasks of a pool on it, on a thread of its own.
 * <p>
 * A platform thread: interpreters must not share an operating system's thread.
 */
public final class Worker
{
	private static final Logger LOG = Logger.getLogger( Worker.class.getName() );

	/**
	 * Enough for deep recursion in C code.
	 */
	private static final long STACK_SIZE = 16L << 20;

	private static final ThreadLocal< Worker > OF_THIS_THREAD = new ThreadLocal<>();

	/**
	 * Blocks that take less are small: Python's lock and the waking of threads would
	 * take a good part of the time if several workers shared them.
	 */
	private static final long SMALL_NANOS = 50_000;

	/**
	 * Small blocks are handed over together as long as they take no longer.
	 */
	private static final long TOGETHER_NANOS = 100_000;

	/**
	 * Python itself needs a second, and more on a machine that is busy.
	 */
	private static final long START_MILLIS = 10_000;

	/**
	 * Writing a stack needs a moment.
	 */
	private static final long STACK_MILLIS = 1000;

	private static final String CANCELLED = "imglib2_cache_python._worker.watchdog.Cancelled";

	private final String name;

	private final Thread thread;

	private final TaskQueue tasks;

	private final PythonRuntime runtime;

	private final String init;

	private final String initName;

	private final Consumer< Worker > ended;

	private final Path stackFile;

	/**
	 * Ends when the init code begins.
	 */
	private final CompletableFuture< Void > opening = new CompletableFuture<>();

	private final CompletableFuture< Void > started = new CompletableFuture<>();

	private final ConcurrentLinkedQueue< Long > deadLoaders = new ConcurrentLinkedQueue<>();

	private final BooleanSupplier hasOtherThingsToDo = () -> hasEnded() || !deadLoaders.isEmpty();

	private volatile String phase = "start Python";

	private volatile Run current;

	private volatile boolean shutDown;

	private volatile boolean staysOpen;

	private volatile boolean retired;

	private volatile boolean endsWhenIdle;

	private volatile EmbeddedInterpreter opened;

	private volatile boolean over;

	/**
	 * Name of the loader in this thread's name, or {@code null}.
	 */
	private String shownName;

	/**
	 * Whether the queue counts on this worker.
	 */
	private final AtomicBoolean attentive = new AtomicBoolean();

	/**
	 * @param pool
	 * 		name of the pool
	 * @param role
	 * 		what messages call the worker, after the pool's name
	 * @param tasks
	 * 		what it takes its tasks from
	 * @param runtime
	 * 		the Python to use
	 * @param init
	 * 		code to run first
	 * @param ended
	 * 		told when the worker's thread is about to end
	 */
	Worker( final String pool, final String role, final TaskQueue tasks, final PythonRuntime runtime, final String init, final Consumer< Worker > ended )
	{
		name = pool + "_" + role;
		thread = LibraryThreads.create( name, this::run, STACK_SIZE );
		initName = "<init of " + pool + ">";
		this.tasks = tasks;
		this.runtime = runtime;
		this.init = init;
		this.ended = ended;
		stackFile = TemporaryFile.create( ".stack" );
	}

	/**
	 * @return the worker that the calling thread belongs to, or {@code null}
	 */
	static Worker ofThisThread()
	{
		return OF_THIS_THREAD.get();
	}

	/**
	 * Starts the thread, which opens the interpreter.
	 */
	void start()
	{
		thread.start();
	}

	/**
	 * Starts the thread and waits until the init code has run.
	 */
	void startAndWait()
	{
		start();
		final Duration timeout = runtime.startupTimeout();
		try
		{
			awaitStart( timeout );
		}
		catch ( final InterruptedException e )
		{
			Thread.currentThread().interrupt();
			throw new PythonException( "Interrupted while " + getName() + " started", e );
		}
		catch ( final TimeoutException e )
		{
			throw new PythonException( getName() + " did not " + phase + " within " + timeout.getSeconds() + " s"
					+ " (PythonEnvironment.withStartupTimeout allows more). " + stackOfInit(), e );
		}
		catch ( final ExecutionException e )
		{
			if ( e.getCause() instanceof PythonException )
				throw Crossing.toThisThread( ( PythonException ) e.getCause() );
			throw new PythonEnvironmentException( "Could not " + phase + " with " + runtime + ": " + messages( e.getCause() ), e.getCause() );
		}
		finally
		{
			deleteStackFile();
		}
	}

	private void awaitStart( final Duration timeout ) throws InterruptedException, ExecutionException, TimeoutException
	{
		opening.get( timeout.toMillis() + START_MILLIS, TimeUnit.MILLISECONDS );
		// Python writes its stack at the timeout, and the init code can have all of it.
		started.get( timeout.toMillis() + STACK_MILLIS, TimeUnit.MILLISECONDS );
	}

	private void run()
	{
		OF_THIS_THREAD.set( this );
		try
		{
			final EmbeddedInterpreter python = openOrFail();
			if ( python != null )
				runTasks( python );
		}
		finally
		{
			over = true;
			ended.accept( this );
		}
	}

	/**
	 * @return what messages call this worker
	 */
	String getName()
	{
		return name;
	}

	/**
	 * @return whether it is about to end, and has told so
	 */
	boolean isOver()
	{
		return over;
	}

	/**
	 * Lets the worker drop the code of a loader as soon as it runs nothing else.
	 */
	void forget( final Snippet snippet )
	{
		deadLoaders.add( snippet.id() );
	}

	/**
	 * Lets the worker end when nothing is left to do.
	 */
	void endWhenIdle()
	{
		endsWhenIdle = true;
	}

	/**
	 * Lets the worker end, with its current task cancelled, whose result nobody waits
	 * for any more.
	 */
	void shutDown( final PythonClosedException reason )
	{
		shutDown = true;
		failStart( reason );
		final Run running = current;
		if ( running != null )
			running.fail( reason );
		final EmbeddedInterpreter python = opened;
		if ( python != null )
			python.control().abandon();
	}

	/**
	 * Like {@link #shutDown}, but the interpreter stays as it is.
	 */
	void shutDownForExit( final PythonClosedException reason )
	{
		staysOpen = true;
		// Either it is found here, or the interpreter sees that it is shut down.
		final EmbeddedInterpreter python = opened;
		if ( python != null )
			python.control().exit();
		shutDown( reason );
	}

	/**
	 * @return whether this thread may hold Python's lock. It does also after the code
	 *         has ended, until all is handed over; but not in a task's own Java code,
	 *         which may be what ends the JVM
	 */
	boolean isInPython()
	{
		final Run run = current;
		final EmbeddedInterpreter python = opened;
		return thread.isAlive() && ( run != null && run.isBlocks() || python != null && python.isCalling() );
	}

	/**
	 * Gives up a worker whose code cannot be cancelled: it ends if it ever comes back.
	 * Blocks that it has not begun are for others.
	 */
	void retire()
	{
		retired = true;
		// First: what is not begun then ends as given up.
		final Run running = current;
		if ( running != null )
			running.fail( RetiredException.INSTANCE );
		opened.control().abandon();
		// Small blocks do not say so, because they should end soon.
		becomeOccupied();
	}

	/**
	 * @return what the worker does, or {@code null} if it waits for a task or has not
	 *         started
	 */
	Run current()
	{
		return current;
	}

	/**
	 * @return what Java and the interpreter tell each other, once the worker has started
	 */
	ControlWords control()
	{
		return opened.control();
	}

	private void failStart( final Throwable reason )
	{
		opening.completeExceptionally( reason );
		started.completeExceptionally( reason );
	}

	private boolean hasEnded()
	{
		return shutDown || retired || endsWhenIdle && tasks.isEmpty();
	}

	/**
	 * @param deadline
	 * 		in terms of {@link System#nanoTime()}
	 */
	void awaitEnd( final long deadline )
	{
		// One that never started has nothing to finish, or hangs.
		if ( this == ofThisThread() || started.isCompletedExceptionally() )
			return;
		boolean interrupted = false;
		while ( thread.isAlive() )
		{
			final long millis = TimeUnit.NANOSECONDS.toMillis( deadline - System.nanoTime() );
			if ( millis <= 0 || interrupted )
			{
				LOG.warning( getName() + " is still running Python code after its queue was closed; it is left to itself" );
				break;
			}
			try
			{
				thread.join( millis );
			}
			catch ( final InterruptedException e )
			{
				interrupted = true;
			}
		}
		if ( interrupted )
			Thread.currentThread().interrupt();
	}

	/**
	 * @return {@code null} if the start has failed
	 */
	private EmbeddedInterpreter openOrFail()
	{
		try
		{
			final EmbeddedInterpreter python = open();
			started.complete( null );
			return python;
		}
		catch ( final Throwable t )
		{
			failStart( t );
			return null;
		}
		finally
		{
			deleteStackFile();
		}
	}

	private EmbeddedInterpreter open()
	{
		final EmbeddedInterpreter python = new EmbeddedInterpreter( name, runtime );
		opened = python;
		try
		{
			// Either shutDown() finds the interpreter, or is seen here.
			if ( shutDown )
				throw WorkerPool.closedException();
			phase = "run the init code";
			opening.complete( null );
			python.initialise( init, initName, runtime.startupTimeout(), stackFile.toString() );
			return python;
		}
		catch ( final Throwable t )
		{
			close( python );
			throw t;
		}
	}

	private void runTasks( final EmbeddedInterpreter python )
	{
		becomeAttentive();
		try
		{
			while ( !hasEnded() )
				runNext( python );
		}
		finally
		{
			becomeOccupied();
			close( python );
		}
	}

	private void becomeAttentive()
	{
		if ( attentive.compareAndSet( false, true ) )
			tasks.becomeAttentive();
	}

	private void becomeOccupied()
	{
		if ( attentive.compareAndSet( true, false ) )
			tasks.becomeOccupied();
	}

	private void close( final EmbeddedInterpreter python )
	{
		if ( staysOpen )
			return;
		try
		{
			python.close();
		}
		catch ( final JepException | PythonException e )
		{
			// SubInterpreters do not close while threads of the user's code live.
			LOG.log( Level.WARNING, getName() + " could not close its interpreter", e );
		}
	}

	private void runNext( final EmbeddedInterpreter python )
	{
		forgetLoaders( python );
		final Task< ? > task = tasks.take( hasOtherThingsToDo );
		if ( task == null )
			return;
		try
		{
			if ( task instanceof BlockTask )
				runBlocks( python, ( BlockTask ) task );
			else
				runWork( python, ( WorkTask< ? > ) task );
		}
		catch ( final Throwable t )
		{
			// Nobody may wait for ever, and this thread must live on.
			task.fail( t );
		}
	}

	private void forgetLoaders( final EmbeddedInterpreter python )
	{
		final List< Long > ids = new ArrayList<>();
		for ( Long id = deadLoaders.poll(); id != null; id = deadLoaders.poll() )
			ids.add( id );
		if ( ids.isEmpty() )
			return;
		try
		{
			python.forget( ids );
		}
		catch ( final Throwable t )
		{
			LOG.log( Level.WARNING, getName() + " could not drop the code of images that nobody uses any more", t );
		}
	}

	private void runWork( final EmbeddedInterpreter python, final WorkTask< ? > task )
	{
		becomeOccupied();
		showName( null );
		begin( new Run( Collections.singletonList( task ), Long.MAX_VALUE ) );
		try
		{
			task.run( python );
		}
		finally
		{
			end();
			becomeAttentive();
		}
	}

	private void runBlocks( final EmbeddedInterpreter python, final BlockTask first )
	{
		if ( !first.begin() )
			return;
		final Snippet snippet = first.snippet();
		if ( snippet.isDropped() )
		{
			first.fail( new PythonClosedException( "The image of this cell is not used any more" ) );
			return;
		}
		final boolean small = snippet.expectedNanos() < SMALL_NANOS;
		if ( !small )
		{
			becomeOccupied();
			showName( snippet.givenName() );
		}
		final List< BlockTask > blocks = small ? together( python, first ) : Collections.singletonList( first );
		final Run run = new Run( blocks, snippet.timeoutNanos() );
		begin( run );
		try
		{
			run.firstTicket = python.control().nextTicket();
			final PythonFailure failed = python.prepare( snippet );
			if ( failed != null )
			{
				first.complete( asTimedOut( python, run, run.firstTicket, BlockResult.failed( name, failed ) ) );
				return;
			}
			run.firstTicket = python.control().nextTicket();
			compute( python, run, blocks );
		}
		catch ( final Throwable t )
		{
			run.fail( retired ? RetiredException.INSTANCE : t );
		}
		finally
		{
			end();
			if ( !small )
				becomeAttentive();
		}
	}

	/**
	 * Shows in this thread's name what it computes, or computed last. Not for small
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

	private void compute( final EmbeddedInterpreter python, final Run run, final List< BlockTask > blocks )
	{
		final List< BlockRequest > requests = new ArrayList<>( blocks.size() );
		for ( final BlockTask block : blocks )
			requests.add( block.request() );
		final long start = System.nanoTime();
		final List< BlockResult > results = python.compute( requests );
		blocks.get( 0 ).snippet().took( ( System.nanoTime() - start ) / blocks.size() );
		for ( int i = 0; i < results.size(); ++i )
			blocks.get( i ).complete( asTimedOut( python, run, run.firstTicket + i, results.get( i ) ) );
	}

	/**
	 * Code that is cancelled can end before its reader has been told.
	 */
	private BlockResult asTimedOut( final EmbeddedInterpreter python, final Run run, final long ticket, final BlockResult result )
	{
		if ( !run.isCancelled( ticket ) )
			return result;
		final List< String > stack = python.control().stackOf( ticket );
		// Code that ends well after that has caught the exception: who knows what it wrote.
		final boolean timedOut = result.failure() == null ? stack != null : result.failure().getType().equals( CANCELLED );
		return timedOut ? BlockResult.timedOut( name, TimeoutWatch.describe( stack, ticket, run.timeoutNanos ) ) : result;
	}

	/**
	 * Takes more small blocks of the same loader out of the queue. Not of others,
	 * whose readers would wait where this loader's code does not end, and whose
	 * timeout is another.
	 */
	private List< BlockTask > together( final EmbeddedInterpreter python, final BlockTask first )
	{
		final List< BlockTask > blocks = new ArrayList<>( Protocol.MAX_BLOCKS );
		blocks.add( first );
		final Snippet snippet = first.snippet();
		if ( !python.isPrepared( snippet ) )
			return blocks;
		final long most = Math.min( Protocol.MAX_BLOCKS, TOGETHER_NANOS / snippet.expectedNanos() );
		int length = Protocol.HEADER_LENGTH + first.request().length();
		while ( blocks.size() < most )
		{
			final Task< ? > next = tasks.poll();
			if ( next == null )
				break;
			final BlockTask block = next instanceof BlockTask ? ( BlockTask ) next : null;
			if ( block == null || block.snippet() != snippet || block.request().length() > RequestCodec.REQUEST_LENGTH - length )
			{
				tasks.addFirst( next );
				// Either the closing thread finds it there, or the end is seen here.
				if ( shutDown && tasks.remove( next ) )
					next.fail( WorkerPool.closedException() );
				break;
			}
			if ( !block.begin() )
				continue;
			length += block.request().length();
			blocks.add( block );
		}
		return blocks;
	}

	private void begin( final Run run )
	{
		current = run;
		// Either the closing thread sees this run, or it is seen here.
		if ( shutDown )
			run.fail( WorkerPool.closedException() );
	}

	private void end()
	{
		current = null;
		// An interrupt was meant for the task.
		Thread.interrupted();
	}

	/**
	 * What a worker does.
	 */
	static final class Run
	{
		private final List< ? extends Task< ? > > tasks;

		final long startNanos = System.nanoTime();

		final long timeoutNanos;

		/**
		 * Of the first block, or of the call that prepares its code; those of the other
		 * blocks follow.
		 */
		private volatile long firstTicket;

		/**
		 * Of the last block that was cancelled because it takes too long.
		 */
		private volatile long cancelledTicket;

		Run( final List< ? extends Task< ? > > tasks, final long timeoutNanos )
		{
			this.tasks = tasks;
			this.timeoutNanos = timeoutNanos;
		}

		boolean isBlocks()
		{
			return tasks.get( 0 ) instanceof BlockTask;
		}

		/**
		 * @param ticket
		 * 		of a block
		 * @return whether nobody waits for it any more
		 */
		boolean isDone( final long ticket )
		{
			return block( ticket ).isDone();
		}

		/**
		 * @param ticket
		 * 		of the block that takes too long
		 */
		void cancel( final long ticket )
		{
			cancelledTicket = ticket;
		}

		boolean isCancelled( final long ticket )
		{
			return cancelledTicket == ticket;
		}

		/**
		 * Ends the block that takes too long.
		 *
		 * @param ticket
		 * 		of the block, 0 for all of them
		 */
		void expired( final long ticket, final BlockResult result )
		{
			if ( ticket != 0 )
				block( ticket ).complete( result );
			else
				tasks.forEach( task -> ( ( BlockTask ) task ).complete( result ) );
		}

		private BlockTask block( final long ticket )
		{
			final long block = Math.max( 0, Math.min( ticket - firstTicket, tasks.size() - 1 ) );
			return ( BlockTask ) tasks.get( ( int ) block );
		}

		/**
		 * Ends those of its tasks that have not ended.
		 */
		void fail( final Throwable reason )
		{
			tasks.forEach( task -> task.fail( reason ) );
		}
	}

	/**
	 * What a task ends with that another worker has to do.
	 */
	static final class RetiredException extends RuntimeException
	{
		private static final long serialVersionUID = 1L;

		static final RetiredException INSTANCE = new RetiredException();

		private RetiredException()
		{
			super( "the worker was retired", null, false, false );
		}
	}

	/**
	 * Jep's own message can be that of a cause only.
	 */
	private static String messages( final Throwable thrown )
	{
		final StringBuilder text = new StringBuilder( String.valueOf( thrown.getMessage() ) );
		for ( Throwable cause = thrown.getCause(); cause != null; cause = cause.getCause() )
			text.append( "\n  because of: " ).append( cause.getMessage() );
		return text.toString();
	}

	private String stackOfInit()
	{
		String stack = writtenStack();
		// Python writes the stack of one worker at a time: another queue may be starting.
		final EmbeddedInterpreter python = opened;
		if ( stack.isEmpty() && python != null )
			stack = toldStack( python.control() );
		return stack.isEmpty() ? "" : "Python was at:\n" + stack;
	}

	private String writtenStack()
	{
		try
		{
			return PythonStack.withSource( new String( Files.readAllBytes( stackFile ), StandardCharsets.UTF_8 ).trim(), initName, init );
		}
		catch ( final IOException e )
		{
			return "";
		}
	}

	/**
	 * Cancels the init code and lets the watchdog tell where it is.
	 */
	private static String toldStack( final ControlWords control )
	{
		final long ticket = control.running();
		control.cancel( ticket );
		final long end = System.nanoTime() + TimeoutWatch.STACK_NANOS;
		List< String > told = null;
		while ( ticket != 0 && told == null && System.nanoTime() < end )
		{
			LockSupport.parkNanos( TimeUnit.MILLISECONDS.toNanos( 5 ) );
			told = control.stackOf( ticket );
		}
		return told == null || told.isEmpty() ? "" : new PythonFailure( told ).getTraceback();
	}

	private void deleteStackFile()
	{
		try
		{
			Files.deleteIfExists( stackFile );
		}
		catch ( final IOException e )
		{
			// On Windows, an init code that hangs still has it open.
			stackFile.toFile().deleteOnExit();
		}
	}
}
