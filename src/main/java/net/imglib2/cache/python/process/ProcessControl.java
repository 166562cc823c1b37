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
package net.imglib2.cache.python.process;

import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

import net.imglib2.cache.python.protocol.ControlWords;
import net.imglib2.cache.python.worker.ProtocolControl;

/**
 * What other threads may do with an interpreter in a process of its own: what the control
 * words say, and where that has no effect, kill it.
 */
final class ProcessControl extends ProtocolControl
{
	/**
	 * How long Python's watchdog may take to tell a stack; it looks 20 times a second,
	 * but cannot while a function in C keeps Python's lock.
	 */
	private static final long WATCHDOG_NANOS = TimeUnit.MILLISECONDS.toNanos( 130 );

	/**
	 * How long the handler of a signal may take, which needs no lock.
	 */
	private static final long HANDLER_NANOS = TimeUnit.MILLISECONDS.toNanos( 320 );

	/**
	 * How long code has that was cancelled.
	 */
	private static final long GRACE_NANOS = TimeUnit.SECONDS.toNanos( 1 );

	private static final int NUM_PROCESSORS = Runtime.getRuntime().availableProcessors();

	/**
	 * How many processes are at work, of all queues.
	 */
	private static final AtomicInteger NUM_CALLING = new AtomicInteger();

	/**
	 * Code by the name that stacks call it.
	 */
	private final Map< String, String > sources = new ConcurrentHashMap<>();

	private final String hidden;

	private volatile WorkerProcess process;

	private volatile long thread;

	private volatile boolean abandoned;

	private long cancelledTicket;

	private long cancelledNanos;

	private Asked asked;

	/**
	 * @param hidden
	 * 		folder whose frames are not shown
	 */
	ProcessControl( final ControlWords words, final String hidden )
	{
		super( words );
		this.hidden = hidden;
	}

	/**
	 * @return whether there are more processors than processes at work, so that a thread may
	 *         take one for a moment
	 */
	static boolean isProcessorLeft()
	{
		return NUM_CALLING.get() < NUM_PROCESSORS;
	}

	@Override
	public void setCalling( final boolean calling )
	{
		if ( calling != isCalling() )
			NUM_CALLING.addAndGet( calling ? 1 : -1 );
		super.setCalling( calling );
	}

	/**
	 * The process has been started.
	 */
	void started( final WorkerProcess started )
	{
		process = started;
		// Either abandon() finds it, or that is seen here.
		if ( abandoned )
			started.kill();
	}

	/**
	 * The process is ready.
	 *
	 * @param ident
	 * 		what stacks call the thread that runs user code
	 */
	void ready( final long ident )
	{
		thread = ident;
	}

	/**
	 * @param file
	 * 		what stacks call some code
	 * @param code
	 * 		its text
	 */
	void addSource( final String file, final String code )
	{
		sources.put( file, code );
	}

	void removeSource( final String file )
	{
		sources.remove( file );
	}

	/**
	 * @return stack of the thread that has crashed; empty if none has
	 */
	Stack stackOfCrash()
	{
		return Stack.ofCrash( process.death().mayBeCrash() ? process.stacksSince( 0 ) : "", thread, hidden, sources );
	}

	/**
	 * @return whether the process was sent the signal that lets Python write where the code
	 *         with a ticket is. User code can have it end the process.
	 */
	synchronized boolean hasAsked( final long ticket )
	{
		return asked != null && asked.ticket == ticket;
	}

	@Override
	public String reasonForSilence()
	{
		final WorkerProcess now = process;
		final Death death = now == null ? null : now.death();
		return death == null ? "its process does not answer, because it was stopped, gets no processor time, or handles SIGTERM itself" : "its process " + death.how();
	}

	@Override
	public synchronized void cancel( final long ticket )
	{
		if ( cancelledTicket != ticket )
		{
			cancelledTicket = ticket;
			cancelledNanos = System.nanoTime();
		}
		super.cancel( ticket );
	}

	/**
	 * After the watchdog, the handler of the signal has its time. The machine may be busy.
	 */
	@Override
	public long stackNanos()
	{
		return WATCHDOG_NANOS + HANDLER_NANOS;
	}

	@Override
	public long graceNanos()
	{
		return GRACE_NANOS;
	}

	/**
	 * Gives code that was not cancelled before a moment to end.
	 */
	@Override
	public void abandon()
	{
		abandoned = true;
		super.abandon();
		final WorkerProcess now = process;
		if ( now == null )
			return;
		if ( thread == 0 || isCancelled() )
			now.kill();
		else
			killLater( now );
	}

	@Override
	public void exit()
	{
		super.exit();
		final WorkerProcess now = process;
		if ( now != null )
			killLater( now );
	}

	private synchronized boolean isCancelled()
	{
		return cancelledTicket != 0 && running() == cancelledTicket;
	}

	/**
	 * A task that is in its own code in Java does without the process, and can call it later:
	 * what it calls then may not notice that it is cancelled.
	 */
	private void killLater( final WorkerProcess now )
	{
		now.later( () -> {
			if ( isCalling() )
				now.kill();
			else if ( now.death() == null )
				killLater( now );
		} );
	}

	/**
	 * Where the watchdog cannot tell the stack, a signal lets Python write it.
	 */
	@Override
	public synchronized List< String > stackOf( final long ticket )
	{
		final List< String > told = super.stackOf( ticket );
		final WorkerProcess now = process;
		if ( told != null || now == null || ticket != cancelledTicket )
			return told;
		if ( asked == null || asked.ticket != ticket )
		{
			if ( isCalling() && System.nanoTime() - cancelledNanos > WATCHDOG_NANOS )
			{
				final Asked fresh = new Asked( now, ticket );
				asked = fresh.isSent ? fresh : null;
			}
			return null;
		}
		final Stack stack = asked.stack();
		return stack == null ? null : stack.isEmpty() ? Collections.emptyList() : stack.toStrings( "TimeoutError", "", stack.text() );
	}

	@Override
	public String stackOfInit()
	{
		final WorkerProcess now = process;
		if ( now == null || thread == 0 )
			return "";
		final Asked init = new Asked( now, 0 );
		final long start = System.nanoTime();
		Stack stack = init.stack();
		while ( init.isSent && stack == null && System.nanoTime() - start < HANDLER_NANOS )
		{
			LockSupport.parkNanos( TimeUnit.MILLISECONDS.toNanos( 5 ) );
			stack = init.stack();
		}
		return stack == null || stack.isEmpty() ? "" : stack.text().trim();
	}

	/**
	 * A signal that was sent so that Python writes where it is.
	 */
	private final class Asked
	{
		private final WorkerProcess of;

		private final long ticket;

		private final long start;

		final boolean isSent;

		private String read = "";

		Asked( final WorkerProcess of, final long ticket )
		{
			this.of = of;
			this.ticket = ticket;
			start = of.lengthOfStacks();
			isSent = of.askForStack();
		}

		/**
		 * @return the stack; {@code null} as long as it is not complete
		 */
		Stack stack()
		{
			// In this order: a process that is dead writes no more.
			final boolean isDead = of.death() != null;
			final String written = of.stacksSince( start );
			final boolean complete = ( isDead || written.equals( read ) ) && written.endsWith( "\n" );
			read = written;
			return complete ? Stack.ofThread( written, thread, hidden, sources ) : null;
		}
	}
}
