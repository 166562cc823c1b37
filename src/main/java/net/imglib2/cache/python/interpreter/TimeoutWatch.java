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

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.WeakHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BiConsumer;

/**
 * Ends the waiting for blocks that take too long: asks Python where their code is,
 * lets it cancel the code, and gives up workers where that has no effect. One
 * thread for a pool, from the first loader on that has a timeout.
 */
final class TimeoutWatch extends Thread
{
	private static final long INTERVAL_NANOS = TimeUnit.MILLISECONDS.toNanos( 20 );

	/**
	 * Python looks 20 times a second, but it cannot while a function in C keeps its
	 * lock.
	 */
	private static final long STACK_NANOS = TimeUnit.MILLISECONDS.toNanos( 250 );

	/**
	 * How long a worker has to get out of the code that was cancelled.
	 */
	private static final long GRACE_NANOS = TimeUnit.SECONDS.toNanos( 2 );

	private final List< Worker > workers;

	private final BiConsumer< Worker, PythonFailure > retire;

	private final Map< Worker, Expired > expired = new WeakHashMap<>();

	private volatile boolean ended;

	/**
	 * @param pool
	 * 		name of the pool
	 * @param workers
	 * 		its workers, which other threads may replace meanwhile
	 * @param retire
	 * 		replaces a worker that does not come back, and is told where its code is
	 */
	TimeoutWatch( final String pool, final List< Worker > workers, final BiConsumer< Worker, PythonFailure > retire )
	{
		super( Worker.GROUP, null, pool + "_timeouts" );
		setDaemon( true );
		this.workers = workers;
		this.retire = retire;
	}

	void end()
	{
		ended = true;
		LockSupport.unpark( this );
	}

	@Override
	public void run()
	{
		while ( !ended )
		{
			LockSupport.parkNanos( INTERVAL_NANOS );
			Thread.interrupted();
			for ( final Worker worker : workers )
				look( worker );
		}
	}

	private void look( final Worker worker )
	{
		final Worker.Run run = worker.current();
		final Expired known = expired.get( worker );
		if ( known != null && known.run != run )
			expired.remove( worker );
		if ( run == null || System.nanoTime() - run.startNanos < run.timeoutNanos )
			return;
		final Expired now = known != null && known.run == run ? known : expire( worker, run );
		now.look();
	}

	private Expired expire( final Worker worker, final Worker.Run run )
	{
		final Expired now = new Expired( worker, run );
		expired.put( worker, now );
		return now;
	}

	/**
	 * A run that takes too long.
	 */
	private final class Expired
	{
		private final Worker worker;

		private final Worker.Run run;

		private final long sinceNanos = System.nanoTime();

		private final long ticket;

		private PythonFailure stack;

		Expired( final Worker worker, final Worker.Run run )
		{
			this.worker = worker;
			this.run = run;
			ticket = worker.handOver().running();
			run.cancelledTicket = ticket;
			worker.handOver().cancel( ticket );
		}

		void look()
		{
			final long waited = System.nanoTime() - sinceNanos;
			if ( stack == null )
			{
				final List< String > told = ticket == 0 ? null : worker.handOver().stackOf( ticket );
				if ( told == null && waited < STACK_NANOS )
					return;
				stack = describe( told, ticket, run.timeoutNanos );
				run.expired( ticket, BlockResult.timedOut( worker.getName(), stack ) );
			}
			if ( waited > GRACE_NANOS )
				retire.accept( worker, stack );
		}
	}

	/**
	 * Describes where code is that takes too long.
	 *
	 * @param told
	 * 		what Python told of it; {@code null} or empty if it did not
	 * @param ticket
	 * 		of the code, 0 if it has not begun
	 * @param timeoutNanos
	 * 		how long it may run
	 * @return as if it had raised a {@code TimeoutError} there
	 */
	static PythonFailure describe( final List< String > told, final long ticket, final long timeoutNanos )
	{
		final String seconds = Duration.ofNanos( timeoutNanos ).toMillis() / 1e3 + " s";
		if ( told != null && !told.isEmpty() )
		{
			final List< String > strings = new ArrayList<>( told );
			strings.set( 1, "the code has been running for longer than the timeout of " + seconds );
			return new PythonFailure( strings );
		}
		final String why = ticket == 0
				? "the code could not begin within the timeout of " + seconds + ": other code keeps Python's lock"
				: "the code has been running for longer than the timeout of " + seconds + ", and where it is cannot be told: a function in C keeps Python's lock";
		return new PythonFailure( Arrays.asList( "TimeoutError", why, "", "0", "", "TimeoutError: " + why ) );
	}
}
