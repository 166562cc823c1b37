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
package net.imglib2.cache.python.image;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout( 60 )
class ReadThrottleTest
{
	// Soon over: clocks like System.nanoTime() begin anywhere.
	private long time = Long.MAX_VALUE - 5;

	private final ReadThrottle throttle = new ReadThrottle( () -> time, TimeUnit.DAYS.toNanos( 1 ) );

	@Test
	void onlyWhoComesAgainAtOnceRepeats() throws InterruptedException
	{
		assertFalse( throttle.isRepeated( 3L ) );
		throttle.fail( 3L, false );
		assertTrue( throttle.isRepeated( 3L ) );
		assertFalse( throttle.isRepeated( 4L ) );
		time += ReadThrottle.TURNAROUND;
		assertTrue( throttle.isRepeated( 3L ) );
		time += 1;
		assertFalse( throttle.isRepeated( 3L ) );
	}

	@Test
	void manyDifferentCellsAreNoRepetition() throws InterruptedException
	{
		for ( int i = 0; i < 3; ++i )
			for ( long cell = 0; cell <= ReadThrottle.MAX_CELLS; ++cell )
			{
				assertFalse( throttle.isRepeated( cell ), "cell " + cell );
				throttle.fail( cell, false );
			}
		for ( long cell = 1; cell <= ReadThrottle.MAX_CELLS; ++cell )
			assertTrue( throttle.isRepeated( cell ), "cell " + cell );
	}

	@Test
	void waitEndsWhenTheCellIsForgotten() throws InterruptedException
	{
		for ( final Runnable forget : Arrays.< Runnable >asList( () -> throttle.forget( 3L ), () -> throttle.forgetIf( cell -> cell == 3 ) ) )
		{
			throttle.fail( 4L, false );
			final Thread reader = new Thread( () -> {
				try
				{
					throttle.fail( 3L, true );
				}
				catch ( final InterruptedException e )
				{
					throw new IllegalStateException( e );
				}
			} );
			reader.start();
			while ( reader.getState() != Thread.State.TIMED_WAITING )
				Thread.onSpinWait();
			forget.run();
			reader.join();
			assertFalse( throttle.isRepeated( 3L ) );
			assertTrue( throttle.isRepeated( 4L ) );
		}
	}

	@Test
	void waitCanBeInterrupted()
	{
		Thread.currentThread().interrupt();
		assertThrows( InterruptedException.class, () -> throttle.fail( 3L, true ) );
		assertTrue( throttle.isRepeated( 3L ) );
	}

	@Test
	void whoWaitsHoldsNoLock() throws Exception
	{
		final AtomicReference< InterruptedException > interrupted = new AtomicReference<>();
		final Thread reader = new Thread( () -> {
			try
			{
				throttle.fail( 3L, true );
			}
			catch ( final InterruptedException e )
			{
				interrupted.set( e );
			}
		} );
		reader.start();
		while ( reader.getState() != Thread.State.TIMED_WAITING )
			Thread.onSpinWait();
		// The condition is the user's.
		throttle.forgetIf( cell -> {
			assertTrue( throttle.isRepeated( cell ) );
			final Thread other = new Thread( () -> throttle.isRepeated( cell ) );
			other.start();
			try
			{
				other.join();
			}
			catch ( final InterruptedException e )
			{
				throw new IllegalStateException( e );
			}
			return true;
		} );
		reader.join();
		assertNull( interrupted.get() );
	}
}
