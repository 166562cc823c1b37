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
package net.imglib2.cache.ref;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.ref.WeakReference;
import java.util.Arrays;
import java.util.Collection;
import java.util.EnumSet;
import java.util.Set;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;

/**
 * Waits for conditions, for a limited time.
 */
final class Wait
{
	private static final long SECONDS = 30;

	private Wait()
	{}

	static void on( final CountDownLatch latch ) throws InterruptedException
	{
		assertTrue( latch.await( SECONDS, TimeUnit.SECONDS ), "latch was not opened" );
	}

	static void on( final CyclicBarrier barrier ) throws InterruptedException, BrokenBarrierException, TimeoutException
	{
		barrier.await( SECONDS, TimeUnit.SECONDS );
	}

	static void until( final BooleanSupplier condition, final String message )
	{
		final long end = System.nanoTime() + TimeUnit.SECONDS.toNanos( SECONDS );
		while ( !condition.getAsBoolean() )
		{
			assertTrue( System.nanoTime() < end, message );
			Thread.onSpinWait();
		}
	}

	/**
	 * Waits until each of the threads waits for something.
	 */
	static void untilBlocked( final Thread... threads )
	{
		final Set< Thread.State > waiting = EnumSet.of( Thread.State.BLOCKED, Thread.State.WAITING, Thread.State.TIMED_WAITING );
		until( () -> Arrays.stream( threads ).map( Thread::getState ).allMatch( waiting::contains ), "threads do not wait" );
	}

	/**
	 * Waits until at most {@code n} of the referents are left.
	 */
	static void untilCollected( final int n, final Collection< ? extends WeakReference< ? > > references )
	{
		untilGarbage( () -> references.stream().filter( r -> r.get() != null ).count() <= n, "more than " + n + " referents are left" );
	}

	/**
	 * Waits until a condition holds that depends on the garbage collector.
	 */
	static void untilGarbage( final BooleanSupplier condition, final String message )
	{
		until( () -> {
			System.gc();
			return condition.getAsBoolean();
		}, message );
	}
}
