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
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.logging.Logger;

import net.imglib2.cache.python.NativeMemoryException;
import net.imglib2.cache.python.PythonInterruptedException;
import net.imglib2.cache.python.protocol.Snippet;
import net.imglib2.cache.python.worker.WorkTask.Work;

/**
 * Checks the code of loaders, and does what else has to be done when an image is made: on a
 * worker that has nothing else to do, else on one of its own, which does nothing but this.
 * Whoever makes an image must not wait for the blocks of others.
 */
final class CodeChecker
{
	private static final Logger LOG = Logger.getLogger( CodeChecker.class.getName() );

	/**
	 * A check takes less, unless all workers are busy.
	 */
	private static final Duration PATIENCE = Duration.ofMillis( 100 );

	/**
	 * How long to wait for the checking worker, which may have to be started.
	 */
	private static final Duration TIMEOUT = Duration.ofSeconds( 2 );

	/**
	 * The same where the check imports the package of a function, which can take long when
	 * it is done for the first time.
	 */
	private static final Duration TIMEOUT_OF_IMPORT = Duration.ofSeconds( 20 );

	private static final Duration NO_LIMIT = Duration.ofMillis( Long.MAX_VALUE );

	private final WorkerPool pool;

	private final TaskQueue tasks;

	private final TaskQueue checks;

	/**
	 * @param pool
	 * 		starts the checking worker
	 * @param tasks
	 * 		queue of the other workers
	 * @param checks
	 * 		queue of the checking worker
	 */
	CodeChecker( final WorkerPool pool, final TaskQueue tasks, final TaskQueue checks )
	{
		this.pool = pool;
		this.tasks = tasks;
		this.checks = checks;
	}

	/**
	 * Checks code. Where even the checking worker cannot do so in time, because it does
	 * not start or no memory is left for it, or other code keeps Python's lock, the first
	 * block tells what is wrong with the code.
	 *
	 * @throws RuntimeException
	 * 		what the check failed with
	 */
	void check( final Snippet snippet )
	{
		final Work< Void > work = ( python, ofUsers ) -> {
			python.check( snippet );
			return null;
		};
		final String what = "Checking the code of a loader";
		final WorkTask< Void > check = submit( work, tasks );
		if ( await( check, PATIENCE, what ) )
			return;
		final WorkTask< Void > other = submitInstead( check, work );
		if ( other == null )
		{
			LOG.info( "The code of " + snippet.loaderName() + " is checked when it runs first: there is no memory for another worker" );
			return;
		}
		final Duration timeout = snippet.isImportedByCheck() ? TIMEOUT_OF_IMPORT : TIMEOUT;
		if ( !awaitOfChecker( other, timeout, what ) )
			LOG.info( "The code of " + snippet.loaderName() + " is checked when it runs first: no worker could check it within " + timeout.getSeconds() + " s" );
	}

	/**
	 * Lets work be done that the calling thread needs, however long it takes.
	 *
	 * @param <R>
	 * 		type of the result
	 * @param what
	 * 		what messages call it
	 * @param work
	 * 		the work
	 * @param byAll
	 * 		whether the worker that only checks code can do it, too, because the others know
	 * 		no more than that one
	 * @return the result
	 * @throws RuntimeException
	 * 		what the work failed with
	 */
	< R > R ask( final String what, final Work< R > work, final boolean byAll )
	{
		WorkTask< R > task = submit( work, tasks );
		if ( byAll && !await( task, PATIENCE, what ) )
		{
			final WorkTask< R > other = submitInstead( task, work );
			// Nothing replaces that worker if it cannot start, or is lost.
			final boolean isDone = other != null && ( awaitOfChecker( other, TIMEOUT, what ) || !other.withdraw() );
			task = isDone ? other : submit( work, tasks );
		}
		await( task, NO_LIMIT, what );
		return task.promise().getNow( null );
	}

	/**
	 * Lets the checking worker do what no other one has begun.
	 *
	 * @return the task to wait for; {@code null} if no memory is left for that worker
	 */
	private < R > WorkTask< R > submitInstead( final WorkTask< R > task, final Work< R > work )
	{
		if ( !task.withdraw() )
			return task;
		tasks.remove( task );
		try
		{
			pool.startChecker();
		}
		catch ( final NativeMemoryException | OutOfMemoryError e )
		{
			// The latter also if the system has no more threads.
			return null;
		}
		return submit( work, checks );
	}

	/**
	 * Like {@link #await}; afterwards, the task is not kept for the checking worker any more,
	 * which may never come.
	 */
	private boolean awaitOfChecker( final WorkTask< ? > task, final Duration timeout, final String what )
	{
		try
		{
			return await( task, timeout, what );
		}
		finally
		{
			checks.remove( task );
		}
	}

	private < R > WorkTask< R > submit( final Work< R > work, final TaskQueue queue )
	{
		final WorkTask< R > task = new WorkTask<>( work, null );
		// Before blocks that wait, because a user waits for the constructor.
		queue.addFirst( task );
		pool.submittedWork( task, queue );
		return task;
	}

	/**
	 * @return whether it was done in time
	 */
	private static boolean await( final WorkTask< ? > task, final Duration timeout, final String what )
	{
		try
		{
			task.promise().get( timeout.toMillis(), TimeUnit.MILLISECONDS );
			return true;
		}
		catch ( final TimeoutException e )
		{
			return false;
		}
		catch ( final InterruptedException e )
		{
			task.fail( e );
			Thread.currentThread().interrupt();
			throw new PythonInterruptedException( what + " was interrupted", e );
		}
		catch ( final ExecutionException e )
		{
			final Throwable thrown = e.getCause();
			throw thrown instanceof RuntimeException ? Crossing.toThisThread( ( RuntimeException ) thrown ) : Crossing.forThisThread( thrown );
		}
	}
}
