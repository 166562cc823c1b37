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

import java.util.Collection;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

import net.imglib2.cache.python.PythonTask;

/**
 * Tasks that each worker runs once, in the order in which they were given. They are kept
 * for the workers that start later. Thread-safe.
 */
final class TasksForAll
{
	/**
	 * One of the tasks; the first one of the list does nothing, and is there for the next.
	 */
	static final class TaskForAll
	{
		private final PythonTask< ? > work;

		/**
		 * Made by the thread that has given the task.
		 */
		private final Throwable submission;

		/**
		 * The workers that were there when it was given, and have not run it.
		 */
		private final Set< Worker > remaining;

		private final CompletableFuture< Void > promise = new CompletableFuture<>();

		private boolean failed;

		private volatile TaskForAll next;

		private TaskForAll( final PythonTask< ? > work, final Collection< Worker > workers, final Throwable submission )
		{
			this.submission = submission;
			this.work = work;
			remaining = new HashSet<>( workers );
		}

		/**
		 * @return the task that was given next, or {@code null}
		 */
		TaskForAll next()
		{
			return next;
		}

		/**
		 * @param worker
		 * 		one that starts
		 * @return whether whoever gave the task counts on it
		 */
		synchronized boolean isAwaitedOf( final Worker worker )
		{
			return remaining.contains( worker );
		}

		/**
		 * @return whether it has failed on a worker that was there when it was given
		 */
		synchronized boolean hasFailed()
		{
			return failed;
		}

		/**
		 * @return what a worker runs that was there when the task was given; its end is noted
		 */
		WorkTask< Void > of( final Worker worker )
		{
			final WorkTask< Void > task = ofAnother();
			task.promise().whenComplete( ( result, failure ) -> ended( worker, failure ) );
			return task;
		}

		/**
		 * @return what another worker runs, before it serves
		 */
		WorkTask< Void > ofAnother()
		{
			return new WorkTask<>( ( python, ofUsers ) -> {
				work.execute( ofUsers );
				return null;
			}, submission );
		}

		/**
		 * @param failure
		 * 		{@code null} if the worker has run the task, or nobody counts on it any more
		 */
		private void ended( final Worker worker, final Throwable failure )
		{
			final boolean isDone;
			synchronized ( this )
			{
				failed |= failure != null;
				isDone = remaining.remove( worker ) && remaining.isEmpty() && !failed;
			}
			// Not in the lock: what depends on it may do anything.
			if ( failure != null )
				promise.completeExceptionally( failure );
			else if ( isDone )
				promise.complete( null );
		}
	}

	private TaskForAll first = nothing();

	private TaskForAll last = first;

	/**
	 * Why there are no more tasks, or {@code null}.
	 */
	private Throwable closed;

	private static TaskForAll nothing()
	{
		// Without a stack: it would keep the classes of whoever has made the pool in memory.
		return new TaskForAll( python -> null, new HashSet<>(), null );
	}

	/**
	 * @return what is before the first task
	 */
	synchronized TaskForAll first()
	{
		return first;
	}

	/**
	 * @param work
	 * 		the task
	 * @param workers
	 * 		those of now; of one that is removed later, {@link #left} tells
	 * @return ends when these have run the task; fails as soon as it does on one of them
	 */
	CompletableFuture< Void > add( final PythonTask< ? > work, final Collection< Worker > workers )
	{
		final TaskForAll task;
		final boolean isDone;
		synchronized ( this )
		{
			// Within the lock: either a worker that leaves is not among them, or left() finds the task.
			task = new TaskForAll( work, workers, new Throwable() );
			isDone = task.remaining.isEmpty();
			if ( closed == null )
			{
				last.next = task;
				last = task;
			}
			else
				task.promise.completeExceptionally( closed );
		}
		if ( isDone )
			task.promise.complete( null );
		return task.promise;
	}

	/**
	 * @return whether there was no task yet
	 */
	boolean areNone()
	{
		return first().next == null;
	}

	/**
	 * @return whether somebody waits until a worker has run one of the tasks
	 */
	boolean isAwaitedOf( final Worker worker )
	{
		for ( TaskForAll task = first().next; task != null; task = task.next )
			if ( task.isAwaitedOf( worker ) )
				return true;
		return false;
	}

	/**
	 * A worker is none of the workers any more.
	 */
	void left( final Worker worker )
	{
		for ( TaskForAll task = first().next; task != null; task = task.next )
			task.ended( worker, null );
	}

	/**
	 * Drops all tasks. Those that not all workers have run fail, and so do those that come
	 * later. To be called before workers leave because of that.
	 */
	void close( final Throwable reason )
	{
		TaskForAll task;
		synchronized ( this )
		{
			closed = reason;
			task = first.next;
			first = last = nothing();
		}
		for ( ; task != null; task = task.next )
			task.promise.completeExceptionally( reason );
	}
}
