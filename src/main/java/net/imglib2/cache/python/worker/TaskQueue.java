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

/**
 * Tasks that wait for a worker, and workers that wait for a task.
 * <p>
 * To wake a thread takes longer than a small block, and Python's lock lets one
 * worker run at a time. So a worker is not woken as long as another one is
 * <em>attentive</em>: it looks into the queue all the time, or between blocks
 * that are small.
 */
final class TaskQueue
{
	/**
	 * A worker without a task looks for so long before it sleeps.
	 */
	private static final long SPIN_NANOS = 50_000;

	private final ConcurrentLinkedDeque< Task< ? > > tasks = new ConcurrentLinkedDeque<>();

	private final ConcurrentLinkedDeque< Thread > sleeping = new ConcurrentLinkedDeque<>();

	private final AtomicInteger attentive = new AtomicInteger();

	void add( final Task< ? > task )
	{
		tasks.addLast( task );
		if ( attentive.get() <= 0 )
			wakeWorker();
	}

	/**
	 * Adds a task that is done before those that wait.
	 */
	void addFirst( final Task< ? > task )
	{
		tasks.addFirst( task );
		if ( attentive.get() <= 0 )
			wakeWorker();
	}

	/**
	 * @return a task, or {@code null} if none waits
	 */
	Task< ? > poll()
	{
		return tasks.pollFirst();
	}

	boolean isEmpty()
	{
		return tasks.isEmpty();
	}

	boolean remove( final Task< ? > task )
	{
		return tasks.remove( task );
	}

	/**
	 * Wakes a worker that sleeps, if there is one.
	 */
	void wakeWorker()
	{
		final Thread worker = sleeping.pollFirst();
		if ( worker != null )
			LockSupport.unpark( worker );
	}

	void wakeAllWorkers()
	{
		while ( !sleeping.isEmpty() )
			wakeWorker();
	}

	/**
	 * From now on, the calling worker takes the next task soon.
	 */
	void becomeAttentive()
	{
		attentive.incrementAndGet();
	}

	/**
	 * From now on, the calling worker is occupied, or ends.
	 */
	void becomeOccupied()
	{
		// Either the thread that adds a task sees this, or it is seen here.
		if ( attentive.decrementAndGet() <= 0 && !tasks.isEmpty() )
			wakeWorker();
	}

	/**
	 * Waits for a task, on an attentive worker.
	 *
	 * @param ended
	 * 		whether to wait no longer
	 * @return the task, or {@code null} if the waiting has ended
	 */
	Task< ? > take( final BooleanSupplier ended )
	{
		Task< ? > task = poll();
		// One that looks is enough.
		if ( task == null && attentive.get() == 1 )
		{
			final long start = System.nanoTime();
			while ( task == null && !ended.getAsBoolean() && System.nanoTime() - start < SPIN_NANOS )
			{
				Thread.yield();
				task = poll();
			}
		}
		while ( task == null && !ended.getAsBoolean() )
		{
			sleeping.addFirst( Thread.currentThread() );
			attentive.decrementAndGet();
			task = poll();
			if ( task == null && !ended.getAsBoolean() )
				LockSupport.park( this );
			attentive.incrementAndGet();
			sleeping.remove( Thread.currentThread() );
			if ( task == null )
				task = poll();
			// An interrupt was meant for an earlier task; a thread with one does not sleep.
			Thread.interrupted();
		}
		return task;
	}
}
