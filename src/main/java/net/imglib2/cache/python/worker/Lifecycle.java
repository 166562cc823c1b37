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

/**
 * The life of a {@link Worker}, as one state. Thread-safe: each transition is made under
 * one lock, reading the state takes none. What is not in the table changes nothing.
 * <table>
 * <caption>Transitions</caption>
 * <tr><th>state</th><th>event</th><th>next state</th></tr>
 * <tr><td>NEW</td><td>start</td><td>OPENING</td></tr>
 * <tr><td>OPENING</td><td>opened</td><td>INITIALISING</td></tr>
 * <tr><td>INITIALISING</td><td>initialised</td><td>SERVING</td></tr>
 * <tr><td>OPENING, INITIALISING</td><td>fail, close</td><td>FAILED</td></tr>
 * <tr><td>SERVING</td><td>retire</td><td>RETIRING</td></tr>
 * <tr><td>SERVING, RETIRING</td><td>abandon</td><td>ABANDONED</td></tr>
 * <tr><td>SERVING, RETIRING</td><td>close</td><td>CLOSING</td></tr>
 * <tr><td>NEW</td><td>close, exit</td><td>ENDED</td></tr>
 * <tr><td>all but NEW, ENDED</td><td>exit</td><td>EXITING</td></tr>
 * <tr><td>all</td><td>end</td><td>ENDED</td></tr>
 * </table>
 */
final class Lifecycle
{
	enum State
	{
		/**
		 * The thread has not been started.
		 */
		NEW,

		/**
		 * The interpreter starts.
		 */
		OPENING,

		/**
		 * The init code runs.
		 */
		INITIALISING,

		/**
		 * Runs tasks, or waits for some.
		 */
		SERVING,

		/**
		 * Does the task that it has taken, if there is one, and ends.
		 */
		RETIRING,

		/**
		 * The start has failed, or nobody waits for it any more; the thread ends when it
		 * can.
		 */
		FAILED,

		/**
		 * The code of a task does not end; if it ever does, so does the thread. Or the
		 * interpreter is lost, or the thread has failed, and is about to end.
		 */
		ABANDONED,

		/**
		 * The pool was closed; the thread ends after what it runs.
		 */
		CLOSING,

		/**
		 * The JVM ends; the interpreter stays open.
		 */
		EXITING,

		/**
		 * The thread is about to end, or never was started.
		 */
		ENDED
	}

	private volatile State state = State.NEW;

	private Throwable startFailure;

	State state()
	{
		return state;
	}

	/**
	 * Asked before each task, so it reads one volatile field.
	 *
	 * @return whether to take another task
	 */
	boolean isServing()
	{
		return state == State.SERVING;
	}

	/**
	 * @return whether the worker may serve later, but does not yet
	 */
	boolean isBeforeServing()
	{
		return state.compareTo( State.SERVING ) < 0;
	}

	/**
	 * @return whether the thread may run: whether this worker was new
	 */
	boolean start()
	{
		return change( State.NEW, State.OPENING );
	}

	/**
	 * The interpreter is open.
	 *
	 * @return whether to run the init code
	 */
	boolean opened()
	{
		return change( State.OPENING, State.INITIALISING );
	}

	/**
	 * The init code has run.
	 *
	 * @return whether to take tasks
	 */
	boolean initialised()
	{
		return change( State.INITIALISING, State.SERVING );
	}

	/**
	 * The start has failed. Changes nothing if nobody waits for it any more.
	 *
	 * @param reason
	 * 		what {@link #startFailure()} tells
	 */
	synchronized void fail( final Throwable reason )
	{
		if ( isStarting() )
		{
			startFailure = reason;
			change( state, State.FAILED );
		}
	}

	/**
	 * The worker is not needed any more.
	 */
	void retire()
	{
		change( State.SERVING, State.RETIRING );
	}

	/**
	 * The code of a task does not end, or the worker is lost.
	 */
	synchronized void abandon()
	{
		change( State.SERVING, State.ABANDONED );
		change( State.RETIRING, State.ABANDONED );
	}

	/**
	 * @param reason
	 * 		what {@link #startFailure()} tells if the worker was starting
	 */
	synchronized void close( final Throwable reason )
	{
		if ( state == State.NEW )
			startFailure = reason;
		fail( reason );
		change( State.NEW, State.ENDED );
		change( State.SERVING, State.CLOSING );
		change( State.RETIRING, State.CLOSING );
	}

	/**
	 * Like {@link #close}, because the JVM ends.
	 */
	synchronized void exit( final Throwable reason )
	{
		if ( state == State.NEW || isStarting() )
			startFailure = reason;
		// In one step: a worker that saw another state first would close its interpreter.
		if ( !change( State.NEW, State.ENDED ) && state != State.ENDED )
			change( state, State.EXITING );
	}

	/**
	 * The thread is about to end.
	 */
	synchronized void end()
	{
		change( state, State.ENDED );
	}

	/**
	 * Waits as long as the worker is in a state.
	 *
	 * @param nanos
	 * 		how long at most
	 * @return whether it left the state
	 */
	synchronized boolean awaitEndOf( final State awaited, final long nanos ) throws InterruptedException
	{
		final long deadline = System.nanoTime() + nanos;
		while ( state == awaited )
		{
			final long left = deadline - System.nanoTime();
			if ( left <= 0 )
				return false;
			TimeUnit.NANOSECONDS.timedWait( this, left );
		}
		return true;
	}

	/**
	 * @return why the worker has never served; {@code null} if it has, or is still
	 *         starting
	 */
	synchronized Throwable startFailure()
	{
		return startFailure;
	}

	private boolean isStarting()
	{
		return state == State.OPENING || state == State.INITIALISING;
	}

	private synchronized boolean change( final State from, final State to )
	{
		if ( state != from )
			return false;
		state = to;
		notifyAll();
		return true;
	}
}
