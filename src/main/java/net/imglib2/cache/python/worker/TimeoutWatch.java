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
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BiConsumer;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.logging.Level;
import java.util.logging.Logger;

import net.imglib2.cache.python.protocol.BlockResult;
import net.imglib2.cache.python.protocol.PythonFailure;

/**
 * Ends the waiting for blocks that take too long, and blocks that nobody waits for any
 * more because they or their code were dropped: lets Python cancel their code and tell where it
 * is, and abandons workers where that has no effect. A pool has one such thread, from
 * its first loader with a timeout, or the first such block, on.
 */
final class TimeoutWatch
{
	private static final Logger LOG = Logger.getLogger( TimeoutWatch.class.getName() );

	private static final long INTERVAL_NANOS = TimeUnit.MILLISECONDS.toNanos( 20 );

	/**
	 * How long Python has to tell where the code is, unless its control says otherwise. It
	 * looks 20 times a second, but cannot while a function in C keeps its lock.
	 */
	static final long STACK_NANOS = TimeUnit.MILLISECONDS.toNanos( 350 );

	/**
	 * How long a worker has to get out of code that was cancelled, unless its control
	 * says otherwise.
	 */
	static final long GRACE_NANOS = TimeUnit.SECONDS.toNanos( 2 );

	/**
	 * A worker that nothing waits for has so many times as long to get out of code that was
	 * dropped: a parameter that changes all the time would have a worker abandoned for each
	 * change.
	 */
	static final int GRACES_IF_NOT_MISSED = 10;

	static final long OF_ANOTHER_RUN = -1;

	private final Thread thread;

	private final List< Worker > workers;

	private final BiConsumer< Worker, PythonFailure > abandon;

	private final Predicate< Worker > isMissed;

	private final Runnable startMissing;

	private final LongSupplier clock;

	private final Map< Worker, Watched > watched = new HashMap<>();

	private volatile boolean ended;

	/**
	 * @param pool
	 * 		name of the pool
	 * @param workers
	 * 		its workers, which other threads may replace meanwhile
	 * @param abandon
	 * 		abandons a worker that does not come back; it is told where its code is
	 * @param isMissed
	 * 		whether something waits that a worker cannot do because it does not come back
	 * @param startMissing
	 * 		lets others take the place of those
	 * @param clock
	 * 		tells the time as {@link System#nanoTime()} does
	 */
	TimeoutWatch( final String pool, final List< Worker > workers, final BiConsumer< Worker, PythonFailure > abandon, final Predicate< Worker > isMissed,
			final Runnable startMissing, final LongSupplier clock )
	{
		thread = LibraryThreads.create( pool + "_timeouts", this::run );
		this.workers = workers;
		this.abandon = abandon;
		this.isMissed = isMissed;
		this.startMissing = startMissing;
		this.clock = clock;
	}

	void start()
	{
		thread.start();
	}

	void end()
	{
		ended = true;
		LockSupport.unpark( thread );
	}

	private void run()
	{
		boolean failed = false;
		while ( !ended )
		{
			LockSupport.parkNanos( INTERVAL_NANOS );
			Thread.interrupted();
			try
			{
				look();
				failed = false;
			}
			catch ( final Throwable t )
			{
				// No memory may be left now. Nobody replaces this thread.
				if ( !failed )
					tell( t );
				failed = true;
			}
		}
	}

	private static void tell( final Throwable failure )
	{
		try
		{
			LOG.log( Level.SEVERE, "The timeouts could not be checked", failure );
		}
		catch ( final Throwable t )
		{
			// There is no memory for that, either.
		}
	}

	/**
	 * Does once what the thread does again and again.
	 */
	void look()
	{
		for ( final Worker worker : workers )
			try
			{
				look( worker );
			}
			catch ( final Throwable t )
			{
				// The other workers, and the next blocks, are watched all the same.
				LOG.log( Level.SEVERE, "The timeouts of " + worker.getName() + " could not be checked", t );
			}
		// One that was lost with its interpreter is not looked at any more.
		watched.keySet().retainAll( workers );
		startMissing.run();
	}

	private void look( final Worker worker )
	{
		final Run run = worker.current();
		if ( run == null || run.timeoutNanos == Long.MAX_VALUE && !run.isDropped() && !run.isCancelled() )
		{
			watched.remove( worker );
			return;
		}
		final long ticket = ticketOf( run, worker.control()::running, worker::current );
		if ( ticket == OF_ANOTHER_RUN )
			return;
		Watched now = watched.get( worker );
		if ( now == null || now.run != run )
			now = new Watched( worker, run, ticket, run.startNanos );
		else if ( now.ticket != ticket )
		{
			now.hasEnded();
			now = new Watched( worker, run, ticket, clock.getAsLong() );
		}
		watched.put( worker, now );
		now.look();
	}

	/**
	 * Which code runs, and for which run, is told in two places.
	 *
	 * @param run
	 * 		what the worker did when that was looked at
	 * @param running
	 * 		tells the ticket of the code that runs
	 * @param current
	 * 		tells what the worker does
	 * @return the ticket, which belongs to the run; {@link #OF_ANOTHER_RUN} if the
	 *         worker has gone on meanwhile: that may be for as long as it likes
	 */
	static long ticketOf( final Run run, final LongSupplier running, final Supplier< Run > current )
	{
		final long ticket = running.getAsLong();
		return current.get() == run ? ticket : OF_ANOTHER_RUN;
	}

	/**
	 * What a worker does: one of the blocks of a run, each of which has the whole time
	 * for itself, or nothing yet.
	 */
	private final class Watched
	{
		private final Worker worker;

		private final Run run;

		/**
		 * Of the block; 0 if no code runs, because the worker waits for Python's lock.
		 */
		private final long ticket;

		private final long sinceNanos;

		private long expiredNanos;

		private boolean expired;

		private PythonFailure stack;

		Watched( final Worker worker, final Run run, final long ticket, final long sinceNanos )
		{
			this.worker = worker;
			this.run = run;
			this.ticket = ticket;
			this.sinceNanos = sinceNanos;
		}

		void look()
		{
			if ( !expired )
			{
				// A block that nobody waits for any more, because it could not begin in time or was dropped, has expired as well.
				if ( clock.getAsLong() - sinceNanos < run.timeoutNanos && !( ticket != 0 && run.isDone( ticket ) ) )
					return;
				expired = true;
				expiredNanos = clock.getAsLong();
				if ( ticket != 0 )
					cancel();
			}
			final long waited = clock.getAsLong() - expiredNanos;
			if ( stack == null )
				report( waited > worker.control().stackNanos() );
			if ( stack != null && isTooLong( waited ) )
			{
				// Nothing refers to the worker when it ends.
				watched.remove( worker );
				abandon.accept( worker, stack );
			}
		}

		/**
		 * @param waited
		 * 		time since the block has expired
		 */
		private boolean isTooLong( final long waited )
		{
			final long grace = worker.control().graceNanos();
			return waited > grace && ( !run.isDropped() || waited > GRACES_IF_NOT_MISSED * grace || isMissed.test( worker ) );
		}

		private void cancel()
		{
			run.cancel( ticket );
			worker.control().cancel( ticket );
		}

		/**
		 * The code has ended, or another block's has begun.
		 */
		void hasEnded()
		{
			if ( expired && stack == null )
				report( true );
		}

		/**
		 * Releases the readers.
		 *
		 * @param now
		 * 		also if it is not known where the code is
		 */
		private void report( final boolean now )
		{
			final List< String > told = ticket == 0 ? null : worker.control().stackOf( ticket );
			if ( told == null && ticket != 0 && !now )
				return;
			stack = describe( told, ticket, run, worker.control() );
			run.expire( ticket, BlockResult.timedOut( worker.getName(), stack ) );
		}
	}

	/**
	 * Describes where code is that takes too long.
	 *
	 * @param told
	 * 		what Python told of it; {@code null} or empty if it could not
	 * @param ticket
	 * 		of the code, 0 if none runs
	 * @param run
	 * 		which it is part of
	 * @param control
	 * 		of its interpreter
	 * @return as if it had raised a {@code TimeoutError} there
	 */
	static PythonFailure describe( final List< String > told, final long ticket, final Run run, final Control control )
	{
		final String seconds = Duration.ofNanos( run.timeoutNanos ).toMillis() / 1e3 + " s";
		final String runs = run.isDropped() ? "the code is still running, although its image has got other code or parameters, or is not used any more"
				: run.isCancelled() ? "the code is still running, although nobody waits for the cell any more"
				: "the code has been running for longer than the timeout of " + seconds;
		if ( told != null && !told.isEmpty() )
		{
			final List< String > strings = new ArrayList<>( told );
			strings.set( 1, runs );
			return new PythonFailure( strings );
		}
		final String why = ticket == 0
				? "the code could not begin within the timeout of " + seconds
				: runs + ", and where it is cannot be told";
		final String message = why + ": " + control.reasonForSilence();
		return new PythonFailure( Arrays.asList( "TimeoutError", message, "", "0", "", "TimeoutError: " + message ) );
	}
}
