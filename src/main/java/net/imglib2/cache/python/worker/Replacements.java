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
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.logging.Level;
import java.util.logging.Logger;

import net.imglib2.cache.python.PythonNoWorkerException;
import net.imglib2.cache.python.protocol.PythonFailure;

/**
 * Abandons workers of a pool whose code does not end, and starts others in their place.
 * Abandoned workers occupy a thread and an interpreter as long as their code runs, so
 * their number is limited.
 */
final class Replacements
{
	// Of the pool, because this is what happens to a queue.
	private static final Logger LOG = Logger.getLogger( WorkerPool.class.getName() );

	/**
	 * While more workers are abandoned and have not ended, no new ones are started.
	 */
	static final int MAX_ABANDONED = 32;

	/**
	 * After a worker could not be started; doubled by each further failure.
	 */
	static final long FIRST_PAUSE = TimeUnit.SECONDS.toNanos( 1 );

	private static final long NANOS_PER_SECOND = TimeUnit.SECONDS.toNanos( 1 );

	private static final long LONGEST_PAUSE = TimeUnit.MINUTES.toNanos( 1 );

	/**
	 * Each worker of the pool may be lost so often while none computes anything; then
	 * there are pauses. All may be lost at once, for instance because no memory is left.
	 */
	static final int MAX_LOSSES_PER_WORKER = 3;

	private final WorkerPool pool;

	/**
	 * Those that are not abandoned.
	 */
	private final List< Worker > workers;

	private volatile int numWorkers;

	private final LongSupplier clock;

	/**
	 * Those that have not ended.
	 */
	private final Set< Worker > abandoned = ConcurrentHashMap.newKeySet();

	/**
	 * When the next worker may be started.
	 */
	private volatile long nextStart;

	private volatile long pause = FIRST_PAUSE;

	/**
	 * How many workers were lost since any has computed something.
	 */
	private int losses;

	private long pauseAfterLoss = FIRST_PAUSE;

	/**
	 * Set as long as no worker is left.
	 */
	private volatile PythonNoWorkerException noWorker;

	/**
	 * @param pool
	 * 		makes new workers
	 * @param workers
	 * 		its workers
	 * @param numWorkers
	 * 		how many it shall have
	 * @param clock
	 * 		tells the time as {@link System#nanoTime()} does
	 */
	Replacements( final WorkerPool pool, final List< Worker > workers, final int numWorkers, final LongSupplier clock )
	{
		this.pool = pool;
		this.workers = workers;
		this.numWorkers = numWorkers;
		this.clock = clock;
		nextStart = clock.getAsLong();
	}

	/**
	 * @return why nothing can be computed; {@code null} if there are workers
	 */
	PythonNoWorkerException noWorker()
	{
		return noWorker;
	}

	/**
	 * @return abandoned workers that have not ended
	 */
	Collection< Worker > abandoned()
	{
		return Collections.unmodifiableSet( abandoned );
	}

	/**
	 * @return how many workers the pool shall have
	 */
	int numWorkers()
	{
		return numWorkers;
	}

	/**
	 * @param numWorkers
	 * 		how many workers the pool shall have from now on; it has them already
	 */
	void setNumWorkers( final int numWorkers )
	{
		this.numWorkers = numWorkers;
	}

	/**
	 * @return whether another worker will be started, as soon as that is possible
	 */
	boolean isWorkerMissing()
	{
		return workers.size() < numWorkers;
	}

	/**
	 * A worker has ended.
	 */
	void ended( final Worker worker )
	{
		abandoned.remove( worker );
	}

	/**
	 * Abandons a worker that does not come back.
	 *
	 * @param stack
	 * 		tells where its code is
	 */
	void abandon( final Worker worker, final PythonFailure stack )
	{
		if ( pool.isClosed() || !pool.remove( worker ) )
			return;
		addAbandoned( worker );
		worker.abandon();
		LOG.warning( worker.getName() + " is abandoned, because its code does not end (abandoned workers of its queue that are still running: " + abandoned.size() + "). "
				+ stack.describe() );
		if ( abandoned.size() <= MAX_ABANDONED )
			return;
		LOG.severe( "No worker takes the place of " + worker.getName() + " until the code of one of the " + abandoned.size() + " abandoned workers ends" );
		failIfNoWorkerIsLeft( "all were abandoned, because their code did not end, and so many are still running that no other is started", null );
	}

	/**
	 * The interpreter of a worker has ended by itself, for instance because of a crash, be
	 * it while it computed, had nothing to do, or started. Another worker takes its place:
	 * at once, unless this happens again and again.
	 *
	 * @param why
	 * 		tells how it has ended
	 */
	void lost( final Worker worker, final String why )
	{
		if ( !pool.isClosed() && pool.remove( worker ) )
			replace( worker, why );
	}

	private void replace( final Worker worker, final String why )
	{
		final String what = worker.getName() + " is lost: " + why;
		final int count;
		final long now;
		synchronized ( this )
		{
			count = countLoss( worker );
			now = count < MAX_LOSSES_PER_WORKER * numWorkers ? 0 : pauseAfterLoss();
		}
		if ( now == 0 )
		{
			LOG.warning( what );
			startMissing();
			return;
		}
		final String reason = count + " were lost, one after the other, while none computed anything";
		final String next = "is started in " + ( now + NANOS_PER_SECOND - 1 ) / NANOS_PER_SECOND + " s";
		try
		{
			LOG.severe( "The next worker of " + pool.getName() + " " + next + ", because " + reason + ". " + what );
		}
		finally
		{
			failIfNoWorkerIsLeft( "the last " + reason + ". The next one " + next + ". " + what, null );
		}
	}

	private int countLoss( final Worker lost )
	{
		boolean progress = lost.takeProgress();
		for ( final Worker worker : workers )
			progress |= worker.takeProgress();
		if ( progress )
		{
			losses = 0;
			pauseAfterLoss = FIRST_PAUSE;
		}
		return ++losses;
	}

	/**
	 * @return how long to wait before another worker is started
	 */
	private long pauseAfterLoss()
	{
		final long now = clock.getAsLong();
		// Others that are lost meanwhile make it no longer.
		if ( nextStart - now <= 0 )
		{
			nextStart = now + pauseAfterLoss;
			pauseAfterLoss = Math.min( 2 * pauseAfterLoss, LONGEST_PAUSE );
		}
		return nextStart - now;
	}

	/**
	 * Starts a worker if there are too few. Called again and again by the thread that
	 * abandons workers.
	 */
	synchronized void startMissing()
	{
		removeEnded();
		if ( pool.isClosed() || !isWorkerMissing() || abandoned.size() > MAX_ABANDONED || clock.getAsLong() - nextStart < 0 )
			return;
		final Worker fresh;
		try
		{
			fresh = pool.newWorker();
		}
		catch ( final Throwable t )
		{
			couldNotStart( t );
			return;
		}
		try
		{
			// The start can take long, and can need Python's lock, which other code may keep.
			LibraryThreads.create( fresh.getName() + "_start", () -> start( fresh ) ).start();
		}
		catch ( final Throwable t )
		{
			// The system has no more threads.
			hasNotStarted( fresh );
			couldNotStart( t );
		}
	}

	/**
	 * Does without workers that could not tell that they end, for instance because no memory
	 * was left.
	 */
	private void removeEnded()
	{
		// Where there will be no more tasks, those that have ended are kept until all have.
		if ( pool.isClosed() || pool.isEnding() )
			return;
		for ( final Worker worker : workers )
			if ( worker.isOver() )
				pool.remove( worker );
	}

	private void start( final Worker fresh )
	{
		try
		{
			fresh.startAndWait();
			hasStarted();
		}
		catch ( final Throwable t )
		{
			final String loss = fresh.lossAtStart();
			hasNotStarted( fresh );
			if ( loss == null )
				couldNotStart( t );
			else if ( !pool.isClosed() )
				replace( fresh, "while it started, " + loss );
		}
	}

	/**
	 * A worker serves, here or where more were asked for.
	 */
	synchronized void hasStarted()
	{
		pause = FIRST_PAUSE;
		// It may have been lost already.
		if ( !workers.isEmpty() )
			noWorker = null;
	}

	/**
	 * Does without a worker whose start has failed, or takes too long.
	 */
	void hasNotStarted( final Worker fresh )
	{
		// It may start later, but nobody would watch or close it.
		fresh.close( WorkerPool.closedException() );
		pool.remove( fresh );
		addAbandoned( fresh );
	}

	private void addAbandoned( final Worker worker )
	{
		abandoned.add( worker );
		// Either it removes itself, or its end is seen here.
		if ( worker.isOver() )
			abandoned.remove( worker );
	}

	private void couldNotStart( final Throwable cause )
	{
		if ( pool.isClosed() )
			return;
		final long now = pause;
		nextStart = clock.getAsLong() + now;
		pause = Math.min( 2 * now, LONGEST_PAUSE );
		final String next = "the next attempt is in " + TimeUnit.NANOSECONDS.toSeconds( now ) + " s";
		try
		{
			LOG.log( Level.SEVERE, "A worker of " + pool.getName() + " could not be started in place of another one; " + next, cause );
		}
		finally
		{
			// Others wait for this, also if the log fails.
			failIfNoWorkerIsLeft( "all were abandoned or lost, and another one could not be started; " + next + ": " + cause.getMessage(), cause );
		}
	}

	private void failIfNoWorkerIsLeft( final String why, final Throwable cause )
	{
		synchronized ( this )
		{
			// Either a worker that starts is seen here, or it sees this.
			if ( !workers.isEmpty() )
				return;
			noWorker = new PythonNoWorkerException( "The PythonCacheLoaderQueue has no worker left: " + why, cause );
		}
		pool.noWorkerIsLeft();
	}
}
