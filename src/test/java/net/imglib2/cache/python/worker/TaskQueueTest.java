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

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout( 60 )
class TaskQueueTest
{
	private final TaskQueue queue = new TaskQueue();

	private final AtomicBoolean ended = new AtomicBoolean();

	@Test
	void everyTaskIsTakenOnceWhoeverSleeps() throws Exception
	{
		final int numTasks = 20_000;
		final List< Thread > threads = new ArrayList<>();
		final Set< Task< ? > > taken = ConcurrentHashMap.newKeySet();
		for ( int i = 0; i < 4; ++i )
			threads.add( worker( i % 2 == 0, taken ) );
		for ( int i = 0; i < 3; ++i )
			threads.add( reader( numTasks / 3 ) );
		for ( final Thread reader : threads.subList( 4, 7 ) )
			reader.join();
		ended.set( true );
		queue.wakeAllWorkers();
		for ( final Thread worker : threads )
			worker.join();
		assertEquals( 3 * ( numTasks / 3 ), taken.size() );
		assertNull( queue.poll() );
	}

	@Test
	void aTaskIsTakenOnlyIfTheConditionHolds()
	{
		final TestTask first = new TestTask();
		final TestTask second = new TestTask();
		assertNull( queue.poll( task -> true ) );
		queue.add( first );
		queue.add( second );
		assertNull( queue.poll( task -> task == second ) );
		assertSame( first, queue.poll( task -> task == first ) );
		assertNull( queue.poll( task -> task == first ) );
		assertSame( second, queue.poll() );
	}

	@Test
	void tasksInTheBackgroundComeAfterAllOthers()
	{
		final BlockTask background = background();
		final BlockTask promoted = background();
		final BlockTask last = background();
		final TestTask other = new TestTask();
		queue.add( background );
		queue.add( promoted );
		queue.add( other );
		queue.add( last );
		assertTrue( queue.promote( promoted ) );
		assertFalse( queue.promote( promoted ) );
		assertTrue( queue.isNext( task -> task == other ) );
		assertNull( queue.poll( task -> task == background ) );
		assertSame( other, queue.poll( task -> task == other ) );
		assertSame( promoted, queue.poll() );
		assertFalse( queue.promote( promoted ) );
		queue.addFirst( promoted );
		assertSame( promoted, queue.poll() );
		assertFalse( queue.isEmpty() );
		queue.endWhenEmpty();
		assertFalse( queue.isExhausted() );
		assertTrue( queue.isNext( task -> task == background ) );
		assertSame( background, queue.poll( task -> task == background ) );
		queue.addFirst( background );
		assertSame( background, queue.poll() );
		assertTrue( queue.remove( last ) );
		assertTrue( queue.isExhausted() );
	}

	@Test
	void aTaskThatAnotherTakesMeanwhileIsNotTakenTwice()
	{
		final TestTask first = new TestTask();
		final TestTask second = new TestTask();
		queue.add( first );
		queue.add( second );
		final List< Task< ? > > asked = new ArrayList<>();
		// The queue is closed, or another worker polls, when the condition was true.
		assertSame( second, queue.poll( task -> {
			asked.add( task );
			if ( task == first )
				assertSame( first, queue.poll() );
			return true;
		} ) );
		assertEquals( Arrays.asList( first, second ), asked );
		assertNull( queue.poll() );
	}

	@Test
	void conditionalPollsTakeEachTaskOnceWhoeverPollsToo() throws Exception
	{
		final int numTasks = 20_000;
		final Set< Task< ? > > odd = ConcurrentHashMap.newKeySet();
		final Set< Task< ? > > taken = ConcurrentHashMap.newKeySet();
		final Queue< String > errors = new ConcurrentLinkedQueue<>();
		final List< Thread > threads = new ArrayList<>();
		for ( int i = 0; i < 4; ++i )
		{
			final boolean wantsOdd = i % 2 == 0;
			final boolean any = i == 3;
			threads.add( new Thread( () -> {
				while ( !ended.get() || !queue.isEmpty() )
				{
					final Task< ? > task = any ? queue.poll() : queue.poll( next -> odd.contains( next ) == wantsOdd );
					if ( task == null )
						Thread.yield();
					else if ( !taken.add( task ) )
						errors.add( "taken twice" );
					else if ( !any && odd.contains( task ) != wantsOdd )
						errors.add( "taken although the condition does not hold" );
				}
			} ) );
		}
		threads.forEach( Thread::start );
		for ( int i = 0; i < numTasks; ++i )
		{
			final Task< ? > task = i % 3 == 0 ? background() : new TestTask();
			if ( i % 2 != 0 )
				odd.add( task );
			if ( i % 5 == 0 )
				queue.addFirst( task );
			else
				queue.add( task );
			if ( i % 9 == 0 )
				queue.promote( ( BlockTask ) task );
		}
		ended.set( true );
		for ( final Thread thread : threads )
			thread.join();
		assertEquals( new ArrayList<>(), new ArrayList<>( errors ) );
		assertEquals( numTasks, taken.size() );
	}

	@Test
	void aQueueIsExhaustedWhenItIsEmptyAndNothingWillCome()
	{
		assertEquals( false, queue.isExhausted() );
		final TestTask task = new TestTask();
		queue.add( task );
		queue.endWhenEmpty();
		assertEquals( false, queue.isExhausted() );
		assertSame( task, queue.poll() );
		assertTrue( queue.isExhausted() );
	}

	@Test
	void aTaskThatNobodyBeginsGetsAWorkerAlthoughAnotherIsPolling() throws Exception
	{
		// Counts as polling, and is not: as a worker whose small block takes very long.
		queue.becomePolling();
		final Thread worker = worker( false, ConcurrentHashMap.newKeySet() );
		// Else it finds the task before it sleeps.
		while ( worker.getState() != Thread.State.WAITING )
			Thread.onSpinWait();
		final TestTask task = new TestTask();
		queue.add( task );
		assertEquals( "done", result( task ) );
		ended.set( true );
		queue.wakeAllWorkers();
		worker.join();
	}

	/**
	 * The one that is woken first has something else to do.
	 */
	@Test
	void aReaderWakesOneWorkerAfterTheOtherUntilItsTaskIsBegun() throws Exception
	{
		queue.becomePolling();
		final Thread worker = worker( false, ConcurrentHashMap.newKeySet() );
		while ( worker.getState() != Thread.State.WAITING )
			Thread.onSpinWait();
		final AtomicBoolean retires = new AtomicBoolean();
		final Thread retiring = sleeper( retires::get, new AtomicReference<>() );
		retires.set( true );
		final TestTask task = new TestTask();
		queue.add( task );
		assertEquals( "done", result( task ) );
		retiring.join();
		ended.set( true );
		queue.wakeAllWorkers();
		worker.join();
	}

	@Test
	void aWorkerThatEndsLeavesNoTaskBehind() throws Exception
	{
		requireTakenAfter( queue::leave );
	}

	/**
	 * A worker that is about to sleep looks at what is in the background last.
	 */
	@Test
	void aTaskThatIsPromotedGetsAWorkerAlthoughAnotherIsPolling() throws Exception
	{
		queue.becomePolling();
		final BlockTask task = background();
		final AtomicInteger looks = new AtomicInteger();
		final AtomicReference< Task< ? > > taken = new AtomicReference<>();
		// Comes after the worker has found the queue empty.
		final Thread sleeping = sleeper( () -> {
			if ( looks.incrementAndGet() == 2 )
				queue.add( task );
			return false;
		}, taken );
		assertTrue( queue.promote( task ) );
		sleeping.join();
		assertSame( task, taken.get() );
	}

	@Test
	void aWorkerThatBecomesBusyLeavesNoTaskBehind() throws Exception
	{
		requireTakenAfter( queue::becomeBusy );
	}

	@Test
	void aTaskCanBeWithdrawnUntilItIsBegun()
	{
		final TestTask task = new TestTask();
		assertTrue( task.begin() );
		assertEquals( false, task.withdraw() );
		final TestTask other = new TestTask();
		assertTrue( other.withdraw() );
		assertEquals( false, other.begin() );
	}

	@Test
	void theFirstEndOfATaskCounts() throws Exception
	{
		final TestTask task = new TestTask();
		task.fail( new IllegalStateException( "first" ) );
		task.complete( "second" );
		assertEquals( false, task.begin() );
		assertEquals( "first", assertThrows( IllegalStateException.class, () -> result( task ) ).getMessage() );
	}

	@Test
	void anInterruptedReaderLeaves() throws Exception
	{
		final TestTask task = new TestTask();
		Thread.currentThread().interrupt();
		assertThrows( InterruptedException.class, () -> result( task ) );
		assertEquals( false, Thread.interrupted() );
	}

	private static BlockTask background()
	{
		return new BlockTask( null, true, true );
	}

	/**
	 * @param change
	 * 		what another worker that was polling does, while one sleeps and a task waits
	 */
	private void requireTakenAfter( final Runnable change ) throws Exception
	{
		queue.becomePolling();
		final Set< Task< ? > > taken = ConcurrentHashMap.newKeySet();
		final Thread worker = worker( false, taken );
		while ( worker.getState() != Thread.State.WAITING )
			Thread.onSpinWait();
		final TestTask task = new TestTask();
		queue.add( task );
		change.run();
		while ( taken.isEmpty() )
			Thread.onSpinWait();
		assertSame( task, taken.iterator().next() );
		ended.set( true );
		queue.wakeAllWorkers();
		worker.join();
	}

	private Thread worker( final boolean busy, final Set< Task< ? > > taken )
	{
		final Thread thread = new Thread( () -> {
			final Seat seat = new Seat( Thread.currentThread() );
			queue.becomePolling();
			while ( !ended.get() )
			{
				final Task< ? > task = queue.take( ended::get, seat, true );
				if ( task == null || !task.begin() )
					continue;
				if ( busy )
					queue.becomeBusy();
				if ( !taken.add( task ) )
					throw new AssertionError( "taken twice" );
				( ( TestTask ) task ).complete( "done" );
				if ( busy )
					queue.becomePolling();
			}
			queue.becomeBusy();
		} );
		thread.start();
		return thread;
	}

	/**
	 * @return a worker that takes one task, or none if it stops before, and sleeps
	 */
	private Thread sleeper( final BooleanSupplier stop, final AtomicReference< Task< ? > > taken )
	{
		final Thread thread = new Thread( () -> {
			queue.becomePolling();
			taken.set( queue.take( stop, new Seat( Thread.currentThread() ), false ) );
			queue.becomeBusy();
		} );
		thread.start();
		while ( thread.getState() != Thread.State.WAITING )
			Thread.onSpinWait();
		return thread;
	}

	private Thread reader( final int numTasks )
	{
		final Thread thread = new Thread( () -> {
			for ( int i = 0; i < numTasks; ++i )
			{
				final TestTask task = new TestTask();
				if ( i % 100 == 0 )
					queue.addFirst( task );
				else
					queue.add( task );
				assertEquals( "done", result( task ) );
			}
		} );
		thread.start();
		return thread;
	}

	private String result( final TestTask task )
	{
		try
		{
			return task.await( queue );
		}
		catch ( final Throwable t )
		{
			throw TaskQueueTest.< RuntimeException >unchecked( t );
		}
	}

	@SuppressWarnings( "unchecked" )
	private static < E extends Throwable > E unchecked( final Throwable t ) throws E
	{
		throw ( E ) t;
	}

	private static final class TestTask extends Task< String >
	{}
}
