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

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

import net.imglib2.cache.python.protocol.BlockRequest;
import net.imglib2.cache.python.protocol.BlockResult;
import net.imglib2.cache.python.protocol.PythonFailure;
import net.imglib2.cache.python.protocol.Snippet;
import net.imglib2.cache.python.trust.Trusted;

/**
 * An interpreter without Python. What it does, {@link FakeInterpreters} says. If it can be
 * driven, any thread may use it, one at a time.
 */
final class FakeInterpreter implements UnboundInterpreter
{
	final String name;

	private final FakeInterpreters factory;

	final FakeControl control = new FakeControl();

	private final Set< Long > prepared = new HashSet<>();

	private Thread thread;

	/**
	 * What uses it now, if it can be driven.
	 */
	private final AtomicReference< Thread > user = new AtomicReference<>();

	private List< BlockRequest > begun;

	private long nextTicket = 1;

	/**
	 * Why it has ended by itself.
	 */
	volatile String loss;

	/**
	 * Whether the next call finds that it has ended.
	 */
	volatile boolean endsBeforeTheCall;

	FakeInterpreter( final String name, final FakeInterpreters factory )
	{
		this.name = name;
		this.factory = factory;
	}

	@Override
	public FakeControl control()
	{
		return control;
	}

	@Override
	public void open()
	{
		thread = Thread.currentThread();
		factory.opened( this );
	}

	@Override
	public void initialise( final Trusted.Code code, final String fileName )
	{
		call();
		factory.record( this, "init" );
		factory.onInit.accept( this );
	}

	@Override
	public void check( final Snippet snippet )
	{
		call();
		factory.record( this, "check " + snippet.givenName() );
		factory.onCheck.accept( snippet );
	}

	@Override
	public boolean isPrepared( final Snippet snippet )
	{
		requireThread();
		factory.onIsPrepared.run();
		return prepared.contains( snippet.id() );
	}

	@Override
	public PythonFailure prepare( final Snippet snippet )
	{
		// As with a function of a file: first its text, then its code.
		call();
		final long ticket = nextTicket;
		call();
		control.running = ticket;
		final PythonFailure failed = factory.onPrepare.apply( this );
		control.running = 0;
		if ( failed == null )
			prepared.add( snippet.id() );
		return failed;
	}

	@Override
	public long nextTicket()
	{
		requireThread();
		return nextTicket;
	}

	@Override
	public int maxBlocks()
	{
		return 4;
	}

	@Override
	public int maxLength()
	{
		return factory.maxLength;
	}

	@Override
	public boolean isDrivable()
	{
		return factory.drivable;
	}

	@Override
	public long nanosOf( final long waited )
	{
		return factory.nanosOf.applyAsLong( waited );
	}

	@Override
	public List< BlockResult > compute( final List< BlockRequest > blocks )
	{
		requireThread();
		return exclusively( () -> results( blocks, "compute" ) );
	}

	@Override
	public void begin( final List< BlockRequest > blocks )
	{
		exclusively( () -> {
			if ( begun != null )
				factory.misuse.add( name + " begins " + factory.describe( blocks ) + " before the end of " + factory.describe( begun ) );
			factory.onBegin.accept( this );
			begun = blocks;
			return null;
		} );
	}

	@Override
	public List< BlockResult > poll( final List< BlockRequest > polled )
	{
		return exclusively( () -> {
			if ( begun != polled )
				factory.misuse.add( name + " has not begun what is polled" );
			if ( !factory.onPoll.test( this ) )
				return null;
			final List< BlockResult > results = results( polled, "drive" );
			begun = null;
			return results;
		} );
	}

	@Override
	public void await( final List< BlockRequest > blocks, final BooleanSupplier goOn )
	{
		exclusively( () -> {
			if ( begun != blocks )
				factory.misuse.add( name + " has not begun what is awaited" );
			return null;
		} );
		factory.onAwait.accept( this, goOn );
	}

	@Override
	public List< BlockResult > finish( final List< BlockRequest > finished )
	{
		return exclusively( () -> {
			if ( begun != finished )
				factory.misuse.add( name + " has not begun what shall be finished" );
			begun = null;
			return results( finished, "finish" );
		} );
	}

	private List< BlockResult > results( final List< BlockRequest > blocks, final String how )
	{
		final long ticket = nextTicket;
		nextTicket += blocks.size();
		factory.record( this, how + " " + factory.describe( blocks ) );
		final List< BlockResult > results = new ArrayList<>();
		for ( int i = 0; i < blocks.size(); ++i )
		{
			if ( control.isAbandoned() )
				throw new IllegalStateException( "interrupted" );
			control.running = ticket + i;
			results.add( factory.onBlock.compute( this, factory.numberOf( blocks.get( i ) ) ) );
			control.running = 0;
		}
		return results;
	}

	@Override
	public void forget( final Collection< Long > ids )
	{
		call();
		prepared.removeAll( ids );
		factory.record( this, "forget" );
	}

	@Override
	public void exec( final Trusted.Code code )
	{
		call();
		factory.record( this, "exec " + code.text() );
		factory.onExec.accept( this, code.text() );
	}

	@Override
	public < V > V getValue( final Trusted.Code expression, final Class< V > type )
	{
		call();
		return type.cast( expression.text() );
	}

	@Override
	public Object ask( final String what, final String question, final Object... arguments )
	{
		call();
		factory.record( this, "ask " + question );
		return question + Arrays.toString( arguments );
	}

	@Override
	public void set( final String variable, final Object value )
	{
		call();
	}

	@Override
	public String loss()
	{
		requireThread();
		factory.onLoss.accept( this );
		return loss;
	}

	@Override
	public void close()
	{
		requireThread();
		exclusively( () -> {
			factory.onClose.accept( this );
			factory.record( this, "close" );
			return null;
		} );
	}

	private void call()
	{
		requireThread();
		++nextTicket;
		if ( endsBeforeTheCall )
		{
			loss = "killed";
			throw new NotBegunException( loss, null );
		}
	}

	private < R > R exclusively( final Supplier< R > use )
	{
		final Thread other = user.getAndSet( Thread.currentThread() );
		if ( other != null )
			factory.misuse.add( name + " is used on " + Thread.currentThread() + " and on " + other );
		try
		{
			return use.get();
		}
		finally
		{
			user.set( null );
		}
	}

	private void requireThread()
	{
		if ( factory.drivable )
			exclusively( () -> null );
		else if ( Thread.currentThread() != thread )
			factory.misuse.add( name + " is used on " + Thread.currentThread() + ", but was opened on " + thread );
	}

	/**
	 * Cancels nothing by itself.
	 */
	static final class FakeControl implements Control
	{
		private volatile long running;

		private volatile long cancelledTicket;

		private final CountDownLatch cancelled = new CountDownLatch( 1 );

		private final CountDownLatch abandoned = new CountDownLatch( 1 );

		private final CountDownLatch exited = new CountDownLatch( 1 );

		@Override
		public long running()
		{
			return running;
		}

		@Override
		public boolean isCalling()
		{
			return running != 0;
		}

		@Override
		public void cancel( final long ticket )
		{
			cancelledTicket = ticket;
			cancelled.countDown();
		}

		long cancelledTicket()
		{
			return cancelledTicket;
		}

		void awaitCancelled() throws InterruptedException
		{
			cancelled.await();
		}

		@Override
		public void abandon()
		{
			abandoned.countDown();
		}

		boolean isAbandoned()
		{
			return abandoned.getCount() == 0;
		}

		void awaitAbandoned() throws InterruptedException
		{
			abandoned.await();
		}

		@Override
		public void exit()
		{
			exited.countDown();
			abandon();
		}

		boolean isExited()
		{
			return exited.getCount() == 0;
		}

		@Override
		public List< String > stackOf( final long ticket )
		{
			return ticket == cancelledTicket ? Arrays.asList( "TimeoutError", "", "<code>", "7", "hang()", "Traceback" ) : null;
		}

		@Override
		public String stackOfInit()
		{
			return "line 7 of the init code";
		}
	}

	/**
	 * What a block that was cancelled ends with.
	 */
	static BlockResult cancelled( final FakeInterpreter python )
	{
		return BlockResult.failed( python.name, new PythonFailure( Arrays.asList( "imglib2_cache_python._worker.watchdog.Cancelled", "", "", "0", "", "" ) ) );
	}

}
