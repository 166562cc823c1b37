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

import static net.imglib2.cache.python.worker.Lifecycle.State.ABANDONED;
import static net.imglib2.cache.python.worker.Lifecycle.State.CLOSING;
import static net.imglib2.cache.python.worker.Lifecycle.State.ENDED;
import static net.imglib2.cache.python.worker.Lifecycle.State.EXITING;
import static net.imglib2.cache.python.worker.Lifecycle.State.FAILED;
import static net.imglib2.cache.python.worker.Lifecycle.State.INITIALISING;
import static net.imglib2.cache.python.worker.Lifecycle.State.NEW;
import static net.imglib2.cache.python.worker.Lifecycle.State.OPENING;
import static net.imglib2.cache.python.worker.Lifecycle.State.RETIRING;
import static net.imglib2.cache.python.worker.Lifecycle.State.SERVING;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Collections;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import net.imglib2.cache.python.worker.Lifecycle.State;

@Timeout( 60 )
class LifecycleTest
{
	private static final Throwable REASON = new IllegalStateException( "reason" );

	/**
	 * How a life gets into each state.
	 */
	private static final Map< State, Consumer< Lifecycle > > WAYS = new EnumMap<>( State.class );

	private static final Map< String, Consumer< Lifecycle > > EVENTS = new LinkedHashMap<>();

	static
	{
		EVENTS.put( "start", Lifecycle::start );
		EVENTS.put( "opened", Lifecycle::opened );
		EVENTS.put( "initialised", Lifecycle::initialised );
		EVENTS.put( "fail", life -> life.fail( REASON ) );
		EVENTS.put( "retire", Lifecycle::retire );
		EVENTS.put( "abandon", Lifecycle::abandon );
		EVENTS.put( "close", life -> life.close( REASON ) );
		EVENTS.put( "exit", life -> life.exit( REASON ) );
		EVENTS.put( "end", Lifecycle::end );

		WAYS.put( NEW, life -> {} );
		WAYS.put( OPENING, Lifecycle::start );
		WAYS.put( INITIALISING, WAYS.get( OPENING ).andThen( Lifecycle::opened ) );
		WAYS.put( SERVING, WAYS.get( INITIALISING ).andThen( Lifecycle::initialised ) );
		WAYS.put( RETIRING, WAYS.get( SERVING ).andThen( Lifecycle::retire ) );
		WAYS.put( FAILED, WAYS.get( OPENING ).andThen( EVENTS.get( "fail" ) ) );
		WAYS.put( ABANDONED, WAYS.get( SERVING ).andThen( Lifecycle::abandon ) );
		WAYS.put( CLOSING, WAYS.get( SERVING ).andThen( EVENTS.get( "close" ) ) );
		WAYS.put( EXITING, WAYS.get( SERVING ).andThen( EVENTS.get( "exit" ) ) );
		WAYS.put( ENDED, WAYS.get( SERVING ).andThen( Lifecycle::end ) );
	}

	/**
	 * The state after each event, one row for each state in the order of the enum.
	 */
	private static final State[][] NEXT = {
			// start, opened, initialised, fail, retire, abandon, close, exit, end
			{ OPENING, NEW, NEW, NEW, NEW, NEW, ENDED, ENDED, ENDED },
			{ OPENING, INITIALISING, OPENING, FAILED, OPENING, OPENING, FAILED, EXITING, ENDED },
			{ INITIALISING, INITIALISING, SERVING, FAILED, INITIALISING, INITIALISING, FAILED, EXITING, ENDED },
			{ SERVING, SERVING, SERVING, SERVING, RETIRING, ABANDONED, CLOSING, EXITING, ENDED },
			{ RETIRING, RETIRING, RETIRING, RETIRING, RETIRING, ABANDONED, CLOSING, EXITING, ENDED },
			{ FAILED, FAILED, FAILED, FAILED, FAILED, FAILED, FAILED, EXITING, ENDED },
			{ ABANDONED, ABANDONED, ABANDONED, ABANDONED, ABANDONED, ABANDONED, ABANDONED, EXITING, ENDED },
			{ CLOSING, CLOSING, CLOSING, CLOSING, CLOSING, CLOSING, CLOSING, EXITING, ENDED },
			{ EXITING, EXITING, EXITING, EXITING, EXITING, EXITING, EXITING, EXITING, ENDED },
			{ ENDED, ENDED, ENDED, ENDED, ENDED, ENDED, ENDED, ENDED, ENDED } };

	@Test
	void eachEventDoesInEachStateWhatTheTableSays()
	{
		for ( final State state : State.values() )
		{
			int event = 0;
			for ( final Map.Entry< String, Consumer< Lifecycle > > entry : EVENTS.entrySet() )
			{
				final Lifecycle life = in( state );
				entry.getValue().accept( life );
				assertEquals( NEXT[ state.ordinal() ][ event++ ], life.state(), entry.getKey() + " in " + state );
				assertEquals( life.state() == SERVING, life.isServing() );
			}
		}
	}

	@Test
	void onlyAWorkerThatHasNeverServedHasAStartFailure()
	{
		for ( final State state : new State[] { NEW, OPENING, INITIALISING } )
			for ( final String event : new String[] { "close", "exit" } )
			{
				final Lifecycle life = in( state );
				assertNull( life.startFailure() );
				EVENTS.get( event ).accept( life );
				life.end();
				assertSame( REASON, life.startFailure(), event + " in " + state );
			}
		for ( final State state : new State[] { SERVING, RETIRING, ABANDONED, CLOSING, EXITING, ENDED } )
		{
			final Lifecycle life = in( state );
			EVENTS.values().forEach( event -> event.accept( life ) );
			assertNull( life.startFailure(), state.toString() );
		}
	}

	@Test
	void theFirstStartFailureCounts()
	{
		final Lifecycle life = in( INITIALISING );
		life.close( REASON );
		life.fail( new IllegalStateException( "because it was closed" ) );
		assertSame( REASON, life.startFailure() );
	}

	/**
	 * State is read without the lock: a transition must not show a state in between.
	 */
	@Test
	void aLifeThatExitsIsInNoStateInBetween() throws Exception
	{
		final AtomicReference< Lifecycle > current = new AtomicReference<>( in( SERVING ) );
		final AtomicBoolean ended = new AtomicBoolean();
		final Set< State > seen = ConcurrentHashMap.newKeySet();
		final Thread reader = new Thread( () -> {
			while ( !ended.get() )
				seen.add( current.get().state() );
		} );
		reader.start();
		for ( int i = 0; i < 300_000; ++i )
		{
			final Lifecycle life = in( i % 2 == 0 ? SERVING : INITIALISING );
			current.set( life );
			life.exit( REASON );
		}
		ended.set( true );
		reader.join();
		seen.removeAll( EnumSet.of( SERVING, INITIALISING, EXITING ) );
		assertEquals( Collections.emptySet(), seen );
	}

	@Test
	void theEndOfAStateIsAwaited() throws Exception
	{
		final Lifecycle life = in( OPENING );
		assertFalse( life.awaitEndOf( OPENING, 1 ) );
		assertTrue( life.awaitEndOf( INITIALISING, 1 ) );
		final CompletableFuture< Boolean > waiter = CompletableFuture.supplyAsync( () -> {
			try
			{
				return life.awaitEndOf( OPENING, Long.MAX_VALUE / 2 );
			}
			catch ( final InterruptedException e )
			{
				return false;
			}
		}, command -> new Thread( command ).start() );
		life.opened();
		assertTrue( waiter.get() );
	}

	private static Lifecycle in( final State state )
	{
		final Lifecycle life = new Lifecycle();
		WAYS.get( state ).accept( life );
		assertEquals( state, life.state() );
		return life;
	}
}
