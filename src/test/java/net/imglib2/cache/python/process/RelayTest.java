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

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicInteger;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout( 60 )
class RelayTest
{
	private final Relay relay = new Relay();

	private final AtomicInteger steps = new AtomicInteger();

	@Test
	void nobodyGoesOnBeforeTheBegin()
	{
		assertTrue( relay.isOver() );
		assertFalse( relay.signalled() );
	}

	@Test
	void eachSignalIsAStepUntilNothingFollows()
	{
		relay.begin( () -> true, () -> steps.incrementAndGet() < 3 );
		assertTrue( relay.signalled() );
		assertTrue( relay.signalled() );
		assertFalse( relay.isOver() );
		assertFalse( relay.signalled(), "the waiting thread is to be woken" );
		assertTrue( relay.isOver() );
		assertFalse( relay.signalled() );
		assertEquals( 3, steps.get() );
	}

	@Test
	void aSignalWithoutAnAnswerIsNoStep()
	{
		relay.begin( () -> false, () -> steps.incrementAndGet() > 0 );
		assertTrue( relay.signalled() );
		assertFalse( relay.isOver() );
		assertEquals( 0, steps.get() );
	}

	@Test
	void aStepThatFailsIsTheLast()
	{
		relay.begin( () -> true, () -> {
			steps.incrementAndGet();
			throw new OutOfMemoryError( "thrown by a test" );
		} );
		assertFalse( relay.signalled() );
		assertTrue( relay.isOver() );
		relay.end();
		assertFalse( relay.signalled() );
		assertEquals( 1, steps.get() );
	}

	@Test
	void theEndWaitsForTheStepThatRuns() throws Exception
	{
		final CountDownLatch begun = new CountDownLatch( 1 );
		final CountDownLatch goOn = new CountDownLatch( 1 );
		relay.begin( () -> true, () -> {
			begun.countDown();
			awaitUninterruptibly( goOn );
			return steps.incrementAndGet() > 0;
		} );
		final FutureTask< Boolean > signal = new FutureTask<>( relay::signalled );
		new Thread( signal ).start();
		begun.await();
		assertFalse( relay.tryEnd() );
		final FutureTask< Integer > end = new FutureTask<>( () -> {
			relay.end();
			return steps.get();
		} );
		final Thread ending = new Thread( end );
		ending.start();
		// One that does not wait has the time to show it.
		ending.join( 50 );
		assertFalse( end.isDone() );
		goOn.countDown();
		assertEquals( 1, end.get() );
		assertTrue( signal.get() );
		assertFalse( relay.signalled(), "it has ended" );
		assertEquals( 1, steps.get() );
	}

	private static void awaitUninterruptibly( final CountDownLatch latch )
	{
		try
		{
			latch.await();
		}
		catch ( final InterruptedException e )
		{
			throw new IllegalStateException( e );
		}
	}
}
