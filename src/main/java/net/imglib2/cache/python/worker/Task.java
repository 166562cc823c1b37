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

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;

/**
 * Something for a worker to do, and its outcome. Whoever ends it first decides.
 * Thread-safe.
 *
 * @param <R>
 * 		type of the result
 */
abstract class Task< R >
{
	/**
	 * How long a waiting thread spins: to wake a thread takes longer than a small block.
	 */
	static final long SPIN_NANOS = 50_000;

	/**
	 * After this time, a thread that waits for a task that nobody has begun wakes a
	 * worker for it, if one slept when it began to wait.
	 */
	private static final long PATIENCE_NANOS = TimeUnit.MILLISECONDS.toNanos( 1 );

	/**
	 * The same if no worker slept, because none falls asleep while a task waits, and again
	 * and again from then on: what was woken may end. To look in vain takes a processor from
	 * the code of others.
	 */
	private static final long LONG_PATIENCE_NANOS = TimeUnit.MILLISECONDS.toNanos( 100 );

	private static final int WAITING = 0;

	private static final int BEGUN = 1;

	private static final int WITHDRAWN = 2;

	private final AtomicInteger state = new AtomicInteger( WAITING );

	private final AtomicReference< Outcome< R > > outcome = new AtomicReference<>();

	private volatile Thread waiter;

	/**
	 * @return whether others that wait are done first, unless it is promoted
	 */
	boolean isBackground()
	{
		return false;
	}

	/**
	 * @return whether the caller is to do the task; {@code false} if it has ended, was
	 *         withdrawn, or somebody has begun it
	 */
	final boolean begin()
	{
		return outcome.get() == null && state.compareAndSet( WAITING, BEGUN );
	}

	/**
	 * Lets nobody begin the task any more.
	 *
	 * @return {@code false} if somebody has begun it
	 */
	final boolean withdraw()
	{
		return state.compareAndSet( WAITING, WITHDRAWN );
	}

	/**
	 * Lets somebody else do the task, because nothing of it has been done.
	 */
	final void giveBack()
	{
		state.set( WAITING );
	}

	/**
	 * @return whether somebody has begun it; it may have ended since
	 */
	public final boolean isBegun()
	{
		return state.get() == BEGUN;
	}

	final void complete( final R result )
	{
		end( new Outcome<>( result, null ) );
	}

	final void fail( final Throwable reason )
	{
		end( new Outcome<>( null, reason ) );
	}

	public final boolean isDone()
	{
		return outcome.get() != null;
	}

	final R await( final TaskQueue queue ) throws Throwable
	{
		return await( queue, System.nanoTime() );
	}

	/**
	 * Waits for the end, on one thread at a time.
	 *
	 * @param queue
	 * 		that the task is in
	 * @param start
	 * 		{@link System#nanoTime()} when the waiting begins
	 * @return the result
	 * @throws Throwable
	 * 		what the task failed with
	 * @throws InterruptedException
	 * 		if this thread was interrupted
	 */
	final R await( final TaskQueue queue, final long start ) throws Throwable
	{
		final long spinNanos = spinNanos();
		while ( outcome.get() == null && System.nanoTime() - start < spinNanos )
			// There may be no more processors than threads that have work to do.
			Thread.yield();
		if ( outcome.get() == null )
			park( queue );
		final Outcome< R > ended = outcome.get();
		if ( ended.failure != null )
			throw ended.failure;
		return ended.result;
	}

	/**
	 * @return how long a waiting thread spins
	 */
	long spinNanos()
	{
		return SPIN_NANOS;
	}

	/**
	 * Called once, when the task has ended, on the thread that has ended it.
	 *
	 * @param result
	 * 		the result if it did not fail
	 * @param failure
	 * 		what it failed with, or {@code null}
	 */
	void ended( final R result, final Throwable failure )
	{}

	private void park( final TaskQueue queue ) throws InterruptedException
	{
		waiter = Thread.currentThread();
		boolean patient = true;
		while ( outcome.get() == null )
		{
			if ( Thread.interrupted() )
				throw new InterruptedException( "Interrupted while waiting for Python code" );
			if ( state.get() == WAITING )
			{
				LockSupport.parkNanos( this, patient && queue.hasSleepers() ? PATIENCE_NANOS : LONG_PATIENCE_NANOS );
				if ( state.get() == WAITING )
					queue.wakeWorker();
				patient = false;
			}
			else
				LockSupport.park( this );
		}
	}

	private void end( final Outcome< R > ending )
	{
		if ( !outcome.compareAndSet( null, ending ) )
			return;
		// Either this thread sees the waiting thread, or that one sees the outcome.
		final Thread waiting = waiter;
		if ( waiting != null )
			LockSupport.unpark( waiting );
		ended( ending.result, ending.failure );
	}

	private static final class Outcome< R >
	{
		private final R result;

		private final Throwable failure;

		Outcome( final R result, final Throwable failure )
		{
			this.result = result;
			this.failure = failure;
		}
	}
}
