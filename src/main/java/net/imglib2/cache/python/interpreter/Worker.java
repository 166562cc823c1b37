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

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.BlockingDeque;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.logging.Level;
import java.util.logging.Logger;

import jep.JepException;
import net.imglib2.cache.python.PythonClosedException;
import net.imglib2.cache.python.PythonEnvironmentException;
import net.imglib2.cache.python.PythonException;

/**
 * Thread that owns an interpreter and runs the tasks of a pool on it.
 * <p>
 * A platform thread: interpreters must not share an operating system's thread.
 */
final class Worker extends Thread
{
	private static final Logger LOG = Logger.getLogger( Worker.class.getName() );

	/**
	 * Enough for deep recursion in C code.
	 */
	private static final long STACK_SIZE = 16L << 20;

	/**
	 * Of their own, because who made the queue may interrupt all threads of its
	 * group, as Fiji does when it stops a script.
	 */
	private static final ThreadGroup GROUP = new ThreadGroup( rootGroup(), "imglib2-cache-python" );

	private final BlockingDeque< Task< ? > > tasks;

	private final PythonRuntime runtime;

	private final String init;

	private final String initName;

	private final Path stackFile;

	private final CompletableFuture< Void > started = new CompletableFuture<>();

	private final ConcurrentLinkedQueue< Long > deadLoaders = new ConcurrentLinkedQueue<>();

	private volatile String phase = "start Python";

	private volatile Task< ? > current;

	private volatile boolean shutDown;

	Worker( final String pool, final int number, final BlockingDeque< Task< ? > > tasks, final PythonRuntime runtime, final String init )
	{
		super( GROUP, null, pool + "_worker_" + number, STACK_SIZE );
		setContextClassLoader( Worker.class.getClassLoader() );
		initName = "<init of " + pool + ">";
		this.tasks = tasks;
		this.runtime = runtime;
		this.init = init;
		try
		{
			stackFile = Files.createTempFile( "imglib2-cache-python", ".stack" );
		}
		catch ( final IOException e )
		{
			throw new PythonException( "cannot write a temporary file", e );
		}
		setDaemon( true );
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
			// A little later than Python, which writes its stack at the timeout.
			started.get( timeout.toMillis() + 1000, TimeUnit.MILLISECONDS );
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
				throw ( PythonException ) e.getCause();
			throw new PythonEnvironmentException( "Could not " + phase + " with " + runtime + ": " + messages( e.getCause() ), e.getCause() );
		}
		finally
		{
			deleteStackFile();
		}
	}

	@Override
	public void run()
	{
		final EmbeddedInterpreter python;
		try
		{
			python = open();
		}
		catch ( final Throwable t )
		{
			started.completeExceptionally( t );
			return;
		}
		started.complete( null );
		try
		{
			while ( !shutDown )
				runNext( python );
		}
		finally
		{
			close( python );
		}
	}

	/**
	 * Lets the worker drop the code of loaders before its next task.
	 */
	void forget( final Collection< Long > loaders )
	{
		deadLoaders.addAll( loaders );
	}

	/**
	 * Lets the worker end after its current task, whose result nobody waits for
	 * any more.
	 */
	void shutDown( final PythonClosedException reason )
	{
		shutDown = true;
		started.completeExceptionally( reason );
		final Task< ? > running = current;
		if ( running != null )
			running.fail( reason );
	}

	/**
	 * @param deadline
	 * 		in terms of {@link System#nanoTime()}
	 */
	void awaitEnd( final long deadline )
	{
		// One that never started has nothing to finish, or hangs.
		if ( this == Thread.currentThread() || started.isCompletedExceptionally() )
			return;
		boolean interrupted = false;
		while ( isAlive() )
		{
			final long millis = TimeUnit.NANOSECONDS.toMillis( deadline - System.nanoTime() );
			if ( millis <= 0 || interrupted )
			{
				LOG.warning( getName() + " is still running Python code after its queue was closed; it is left to itself" );
				break;
			}
			try
			{
				join( millis );
			}
			catch ( final InterruptedException e )
			{
				interrupted = true;
			}
		}
		if ( interrupted )
			Thread.currentThread().interrupt();
	}

	private EmbeddedInterpreter open()
	{
		final EmbeddedInterpreter python = new EmbeddedInterpreter( getName(), runtime );
		try
		{
			phase = "run the init code";
			python.initialise( init, initName, runtime.startupTimeout(), stackFile.toString() );
			return python;
		}
		catch ( final Throwable t )
		{
			close( python );
			throw t;
		}
	}

	private void close( final EmbeddedInterpreter python )
	{
		try
		{
			python.close();
		}
		catch ( final JepException e )
		{
			// SubInterpreters do not close while threads of the user's code live.
			LOG.log( Level.WARNING, getName() + " could not close its interpreter", e );
		}
	}

	private void runNext( final EmbeddedInterpreter python )
	{
		final Task< ? > task;
		try
		{
			task = tasks.take();
		}
		catch ( final InterruptedException e )
		{
			// Only closing the queue ends a worker.
			return;
		}
		current = task;
		try
		{
			final List< Long > ids = new ArrayList<>();
			for ( Long id = deadLoaders.poll(); id != null; id = deadLoaders.poll() )
				ids.add( id );
			python.forget( ids );
			// A shutdown that did not see this task as the current one.
			if ( shutDown )
				task.fail( WorkerPool.closedException() );
			task.run( python );
		}
		catch ( final Throwable t )
		{
			task.fail( t );
		}
		finally
		{
			current = null;
			// An interrupt was meant for the task.
			Thread.interrupted();
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

	private static ThreadGroup rootGroup()
	{
		ThreadGroup group = Thread.currentThread().getThreadGroup();
		while ( group.getParent() != null )
			group = group.getParent();
		return group;
	}

	private String stackOfInit()
	{
		try
		{
			final String stack = new String( Files.readAllBytes( stackFile ), StandardCharsets.UTF_8 ).trim();
			return stack.isEmpty() ? "" : "Python was at:\n" + PythonStack.withSource( stack, initName, init );
		}
		catch ( final IOException e )
		{
			return "";
		}
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
