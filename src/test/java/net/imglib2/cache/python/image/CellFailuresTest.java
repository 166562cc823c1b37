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

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Collections;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.Test;

import net.imglib2.FinalInterval;
import net.imglib2.cache.python.PythonCellException;
import net.imglib2.cache.python.protocol.PythonFailure;

class CellFailuresTest
{
	// Soon over: clocks like System.nanoTime() begin anywhere.
	private long time = Long.MAX_VALUE - 5;

	private final CellFailures failures = new CellFailures( () -> time );

	@Test
	void cellThatNeverFailedIsComputed()
	{
		assertNull( failures.find( 3L, failures.count() ) );
		failures.add( 4L, failures.count(), error( "x" ), true );
		assertNull( failures.find( 3L, failures.count() ) );
	}

	@Test
	void secondAttemptIsFree()
	{
		failures.add( 3L, failures.count(), error( "x" ), true );
		assertNull( failures.find( 3L, failures.count() ) );
	}

	@Test
	void pausesDoubleUpToTenSeconds()
	{
		failures.add( 3L, failures.count(), error( "x" ), true );
		long pause = TimeUnit.MILLISECONDS.toNanos( 20 );
		for ( int i = 0; i < 100; ++i )
		{
			assertNull( failures.find( 3L, failures.count() ) );
			failures.add( 3L, failures.count(), error( "x" ), true );
			time += pause - 1;
			assertNotNull( failures.find( 3L, failures.count() ), "attempt " + i );
			time += 1;
			pause = Math.min( 2 * pause, TimeUnit.SECONDS.toNanos( 10 ) );
		}
		assertEquals( TimeUnit.SECONDS.toNanos( 10 ), pause );
	}

	@Test
	void allReadersOfAPauseGetOneRepetitionThatSaysSo()
	{
		final PythonCellException first = error( "first" );
		final PythonCellException second = error( "second" );
		failures.add( 3L, failures.count(), first, true );
		failures.add( 3L, failures.count(), second, true );
		final Instant before = Instant.now();
		final PythonCellException repetition = failures.find( 3L, failures.count() );
		assertNotSame( second, repetition );
		assertSame( second, repetition.getCause() );
		assertTrue( Duration.between( before, repetition.getNextAttempt() ).toMillis() >= 19 );
		assertTrue( repetition.getMessage().startsWith( second.getMessage() + "\nThis repeats the error of an earlier read" ), repetition.getMessage() );
		assertTrue( repetition.getMessage().contains( "it failed 2 times in a row" ), repetition.getMessage() );
		assertTrue( repetition.getMessage().endsWith( "or after PythonImg.retryFailed() or PythonCacheLoader.retry( 3 )" ), repetition.getMessage() );
		assertEquals( "second", repetition.getPythonMessage() );
		assertEquals( 3, repetition.getIndex() );
		assertEquals( "loader", repetition.getLoaderName() );
		assertEquals( "worker", repetition.getWorker() );
		assertEquals( 1, repetition.getInputIntervals().size() );
		assertNull( second.getNextAttempt() );
		assertSame( repetition, failures.find( 3L, failures.count() ) );
	}

	@Test
	void whoWaitedGetsTheErrorItself()
	{
		failures.add( 7L, failures.count(), error( "of another cell" ), true );
		final long arrival = failures.count();
		final PythonCellException error = error( "x" );
		failures.add( 3L, arrival, error, true );
		assertSame( error, failures.find( 3L, arrival ) );
		// However late its turn comes.
		time += TimeUnit.HOURS.toNanos( 1 );
		assertSame( error, failures.find( 3L, arrival ) );
		assertNull( failures.find( 3L, failures.count() ) );
		assertNull( failures.find( 7L, arrival ) );
	}

	@Test
	void attemptsAtTheSameTimeAreNotInARow()
	{
		final long arrival = failures.count();
		for ( int i = 0; i < 10; ++i )
			failures.add( 3L, arrival, error( "x" ), true );
		assertNull( failures.find( 3L, failures.count() ) );
		failures.add( 3L, failures.count(), error( "x" ), true );
		time += TimeUnit.MILLISECONDS.toNanos( 20 );
		assertNull( failures.find( 3L, failures.count() ) );
	}

	@Test
	void whatIsForgottenBeginsAnew()
	{
		for ( final Runnable forget : Arrays.< Runnable >asList( () -> failures.forget( 3L ), () -> failures.forgetIf( cell -> cell == 3 ) ) )
		{
			for ( final long cell : new long[] { 3, 4 } )
				for ( int i = 0; i < 9; ++i )
					failures.add( cell, failures.count(), error( "x" ), true );
			assertTrue( failures.markReported( 3L ) );
			forget.run();
			assertNull( failures.find( 3L, failures.count() ) );
			assertNotNull( failures.find( 4L, failures.count() ) );
			failures.add( 3L, failures.count(), error( "x" ), true );
			assertNull( failures.find( 3L, failures.count() ) );
			assertTrue( failures.markReported( 3L ) );
			forget.run();
		}
	}

	@Test
	void failuresWithoutPausesAreForThoseWhoWait()
	{
		final long arrival = failures.count();
		for ( int i = 0; i < 9; ++i )
			failures.add( 3L, failures.count(), error( "x" ), false );
		assertNull( failures.find( 3L, failures.count() ) );
		assertNotNull( failures.find( 3L, arrival ) );
	}

	@Test
	void whatRanIsNoRepetition() throws InterruptedException
	{
		final PythonCellException error = error( "x" );
		// Whose thread is interrupted does not get past a place where it has to wait.
		Thread.currentThread().interrupt();
		failures.throttle( 3L, failures.isRepeated( 3L ), error );
		failures.throttle( 3L, failures.isRepeated( 3L ), error );
		assertThrows( InterruptedException.class, () -> failures.throttle( 3L, failures.isRepeated( 3L ), error.repeated( 2, Instant.now() ) ) );
		Thread.currentThread().interrupt();
		assertThrows( InterruptedException.class, () -> failures.throttle( 3L, failures.isRepeated( 3L ), new IllegalStateException() ) );
		Thread.currentThread().interrupt();
		failures.throttle( 3L, failures.isRepeated( 3L ), new InterruptedException() );
		failures.forget( 3L );
		failures.throttle( 3L, failures.isRepeated( 3L ), new IllegalStateException() );
		assertTrue( Thread.interrupted() );
	}

	@Test
	void conditionCanBeAskedWhileOthersFail()
	{
		failures.add( 3L, failures.count(), error( "x" ), true );
		failures.add( 4L, failures.count(), error( "x" ), true );
		failures.forgetIf( cell -> {
			final Thread other = new Thread( () -> failures.add( 5L, failures.count(), error( "x" ), true ) );
			other.start();
			assertDoesNotThrow( () -> other.join() );
			return cell == 3;
		} );
		assertEquals( 2, failures.size() );
	}

	@Test
	void aCellIsReportedOnce()
	{
		assertFalse( failures.markReported( 3L ) );
		failures.add( 3L, failures.count(), error( "x" ), true );
		assertTrue( failures.markReported( 3L ) );
		assertFalse( failures.markReported( 3L ) );
		failures.add( 3L, failures.count(), error( "y" ), true );
		assertFalse( failures.markReported( 3L ) );
	}

	@Test
	void memoryIsBounded()
	{
		final int most = ( int ) ( CellFailures.MAX_LENGTH / CellFailures.LENGTH_OF_THE_REST );
		for ( long cell = 0; cell < 3 * most; ++cell )
		{
			failures.add( cell, failures.count(), error( "x" ), true );
			failures.add( cell, failures.count(), error( "x" ), true );
			// In use: it stays.
			assertNotNull( failures.find( 0L, failures.count() ) );
		}
		assertTrue( failures.size() <= most, failures.size() + " cells" );
		assertTrue( failures.size() > most / 2, failures.size() + " cells" );
		assertNotNull( failures.find( 3L * most - 1, failures.count() ) );
		assertNull( failures.find( 1L, failures.count() ) );

		final PythonCellException large = error( String.join( "", Collections.nCopies( 1000, "1234567890" ) ) );
		for ( long cell = 0; cell < most; ++cell )
			failures.add( cell, failures.count(), large, true );
		assertTrue( failures.size() < most / 6, failures.size() + " cells" );

		failures.forgetIf( cell -> true );
		assertEquals( 0, failures.size() );
		for ( long cell = 0; cell < most / 2; ++cell )
			failures.add( cell, failures.count(), error( "x" ), true );
		assertEquals( most / 2, failures.size() );
	}

	private static PythonCellException error( final String message )
	{
		return new PythonCellException( "loader", 3, new FinalInterval( 2, 3 ), Collections.singletonList( new FinalInterval( 4, 5 ) ), "worker", PythonFailure.withoutException( message ) );
	}
}
