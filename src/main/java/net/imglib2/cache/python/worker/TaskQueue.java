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

import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;

/**
 * Tasks that wait for a worker, and workers that wait for a task. Lock-free. Tasks in the
 * background come after all others, see {@link Task#isBackground()}.
 * <p>
 * To wake a thread takes longer than a small block, and Python's lock, if workers share
 * one, lets one of them run at a time. So no worker is woken as long as another one is
 * <em>polling</em>: it polls the queue all the time, or between blocks that are for one
 * worker, see {@link SmallBlocks#areForOne}. The others are <em>busy</em>. A reader that
 * drives a worker counts like that worker.
 */
final class TaskQueue
{
	/**
	 * How long a worker without a task spins before it sleeps.
	 */
	private static final long SPIN_NANOS = 50_000;

	private final ConcurrentLinkedDeque< Task< ? > > tasks = new ConcurrentLinkedDeque<>();

	private final ConcurrentLinkedDeque< Task< ? > > background = new ConcurrentLinkedDeque<>();

	private final ConcurrentLinkedDeque< Seat > sleeping = new ConcurrentLinkedDeque<>();

	private final AtomicInteger polling = new AtomicInteger();

	private volatile boolean ending;

	void add( final Task< ? > task )
	{
		add( task, () -> false );
	}

	/**
	 * @param drive
	 * 		does what waits, if the calling thread can, or lets others do so; asked if no
	 * 		worker is polling
	 */
	void add( final Task< ? > task, final BooleanSupplier drive )
	{
		dequeOf( task ).addLast( task );
		if ( polling.get() <= 0 && !drive.getAsBoolean() )
			wakeWorker();
	}

	/**
	 * Adds a task that is done before those that wait, in the background or not as it is.
	 */
	void addFirst( final Task< ? > task )
	{
		dequeOf( task ).addFirst( task );
		if ( polling.get() <= 0 )
			wakeWorker();
	}

	private ConcurrentLinkedDeque< Task< ? > > dequeOf( final Task< ? > task )
	{
		return task.isBackground() ? background : tasks;
	}

	/**
	 * Lets a task not be in the background any more.
	 *
	 * @return whether it was, and is in the queue
	 */
	boolean promote( final BlockTask task )
	{
		// First: a worker may put it back meanwhile.
		task.promote();
		// At most one of those that promote or take it removes it.
		if ( !background.removeFirstOccurrence( task ) )
			return false;
		tasks.addLast( task );
		// Also if another one is polling: one that was about to sleep can have found the task nowhere.
		wakeWorker();
		return true;
	}

	/**
	 * Takes the next task.
	 *
	 * @return the task, or {@code null} if none waits
	 */
	Task< ? > poll()
	{
		final Task< ? > task = tasks.pollFirst();
		return task != null ? task : background.pollFirst();
	}

	/**
	 * Takes the next task if a condition holds for it; else leaves it where it is.
	 *
	 * @param condition
	 * 		may be asked about tasks that others take meanwhile
	 * @return the task, or {@code null} if none waits or the condition does not hold
	 */
	Task< ? > poll( final Predicate< ? super Task< ? > > condition )
	{
		while ( true )
		{
			ConcurrentLinkedDeque< Task< ? > > deque = tasks;
			Task< ? > next = deque.peekFirst();
			if ( next == null )
			{
				deque = background;
				next = deque.peekFirst();
			}
			if ( next == null || !condition.test( next ) )
				return null;
			// At most one of those that have seen it removes it.
			if ( deque.removeFirstOccurrence( next ) )
				return next;
		}
	}

	/**
	 * @return whether a condition holds for the next task; {@code false} if none waits
	 */
	boolean isNext( final Predicate< ? super Task< ? > > condition )
	{
		Task< ? > next = tasks.peekFirst();
		if ( next == null )
			next = background.peekFirst();
		return next != null && condition.test( next );
	}

	boolean isEmpty()
	{
		return tasks.isEmpty() && background.isEmpty();
	}

	/**
	 * @return whether a task waits, and no worker does
	 */
	boolean isShortOfWorkers()
	{
		return !isEmpty() && !hasSleepers();
	}

	/**
	 * @return whether a worker sleeps
	 */
	boolean hasSleepers()
	{
		return !sleeping.isEmpty();
	}

	boolean remove( final Task< ? > task )
	{
		return tasks.remove( task ) || background.remove( task );
	}

	/**
	 * Removes tasks that nobody shall begin any more.
	 *
	 * @param condition
	 * 		says which; may be asked about tasks that others take meanwhile
	 */
	void removeIf( final Predicate< ? super Task< ? > > condition )
	{
		tasks.removeIf( condition );
		background.removeIf( condition );
	}

	/**
	 * Lets the workers end when no task is left, because there will be no more.
	 */
	void endWhenEmpty()
	{
		ending = true;
		wakeAllWorkers();
	}

	/**
	 * @return whether there will be no more tasks, so that the workers end when none is left
	 */
	boolean isEnding()
	{
		return ending;
	}

	/**
	 * @return whether no task is left, and there will be no more
	 */
	boolean isExhausted()
	{
		return ending && isEmpty();
	}

	/**
	 * Wakes a worker that sleeps, if there is one.
	 */
	void wakeWorker()
	{
		final Seat worker = sleeping.pollFirst();
		if ( worker != null )
			LockSupport.unpark( worker.owner() );
	}

	void wakeAllWorkers()
	{
		while ( !sleeping.isEmpty() )
			wakeWorker();
	}

	/**
	 * From now on, the calling worker takes the next task soon.
	 */
	void becomePolling()
	{
		polling.incrementAndGet();
	}

	/**
	 * From now on, a worker that was polling is busy, or ends.
	 */
	void becomeBusy()
	{
		// Either the thread that adds a task sees this, or the task is seen here.
		if ( polling.decrementAndGet() <= 0 && !isEmpty() )
			wakeWorker();
	}

	/**
	 * A worker ends, which can have been woken for a task that it has not taken. It is busy
	 * already.
	 */
	void leave()
	{
		// Also if another one is polling: it may not come back.
		if ( !isEmpty() )
			wakeWorker();
	}

	/**
	 * Waits for a task, on a worker that is polling.
	 *
	 * @param stop
	 * 		whether to wait no longer
	 * @param seat
	 * 		of the worker; it is left while the worker sleeps
	 * @param spin
	 * 		whether to look for a moment before sleeping
	 * @return the task, or {@code null} if there is none and the waiting was stopped
	 */
	Task< ? > take( final BooleanSupplier stop, final Seat seat, final boolean spin )
	{
		Task< ? > task = poll();
		// One worker that spins is enough.
		if ( task == null && spin && polling.get() == 1 )
		{
			final long start = System.nanoTime();
			while ( task == null && !stop.getAsBoolean() && System.nanoTime() - start < SPIN_NANOS )
			{
				Thread.yield();
				task = poll();
			}
		}
		while ( task == null && !stop.getAsBoolean() )
		{
			// First what can fail: this worker would end, and its interpreter, while a reader drives.
			sleeping.addFirst( seat );
			seat.leave();
			polling.decrementAndGet();
			// Either the thread that adds a task sees that nobody is polling, or the task is seen here.
			if ( isEmpty() && !stop.getAsBoolean() )
				LockSupport.park( this );
			sleeping.remove( seat );
			// An interrupt was meant for an earlier task, and would keep this thread from sleeping.
			Thread.interrupted();
			// First the seat, then a task, which others can take as long as this worker cannot do it.
			seat.take();
			polling.incrementAndGet();
			if ( !stop.getAsBoolean() )
				task = poll();
		}
		return task;
	}
}
