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
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import net.imglib2.cache.python.protocol.BlockResult;
import net.imglib2.cache.python.protocol.PythonFailure;
import net.imglib2.cache.python.protocol.Snippet;
import net.imglib2.cache.python.trust.TrustPolicy;

@Timeout( 60 )
class TimeoutWatchTest
{
	private static final long LIMIT = 1L << 50;

	private final FakeInterpreters fakes = new FakeInterpreters();

	private final TaskQueue tasks = new TaskQueue();

	private final AtomicLong forward = new AtomicLong();

	private final List< String > abandoned = new ArrayList<>();

	private final AtomicInteger looks = new AtomicInteger();

	/**
	 * A permit for each block that has begun, and for each that may end.
	 */
	private final Semaphore begun = new Semaphore( 0 );

	private final Semaphore mayEnd = new Semaphore( 0 );

	@Test
	void theTicketBelongsToTheRun()
	{
		final Run run = new Run( Collections.emptyList(), 1 );
		assertEquals( 5, TimeoutWatch.ticketOf( run, () -> 5, () -> run ) );
		assertEquals( 0, TimeoutWatch.ticketOf( run, () -> 0, () -> run ) );
	}

	/**
	 * A worker that goes on to an image without a timeout between the two looks.
	 */
	@Test
	void theTicketOfALaterRunIsNotTakenForOneOfThisRun()
	{
		final Run run = new Run( Collections.emptyList(), 1 );
		final AtomicReference< Run > current = new AtomicReference<>( run );
		assertEquals( TimeoutWatch.OF_ANOTHER_RUN, TimeoutWatch.ticketOf( run, () -> {
			current.set( new Run( Collections.emptyList(), Long.MAX_VALUE ) );
			return 6;
		}, current::get ) );
		current.set( run );
		assertEquals( TimeoutWatch.OF_ANOTHER_RUN, TimeoutWatch.ticketOf( run, () -> {
			current.set( null );
			return 6;
		}, current::get ) );
	}

	@Test
	void eachBlockOfACallHasTheWholeTimeForItself() throws Exception
	{
		fakes.onBlock = ( python, number ) -> {
			begun.release();
			mayEnd.acquireUninterruptibly();
			return FakeInterpreters.done( python );
		};
		final Worker worker = new Worker( "python_0", "worker_1", tasks, fakes, TrustPolicy.ofThisJvm().requireCode( "The init code", "" ), new TasksForAll(), ended -> {}, ( lost, why ) -> {} );
		final TimeoutWatch watch = new TimeoutWatch( "python_0", Collections.singletonList( worker ),
				( given, stack ) -> abandoned.add( given.getName() ), given -> false, looks::incrementAndGet, () -> System.nanoTime() + forward.get() );
		final Snippet snippet = new Snippet( -1, "watched", TrustPolicy.ofThisJvm().requireLoader( "x" ), "", false, false, LIMIT );
		worker.startAndWait();
		try
		{
			// Alone, so that the code is ready.
			mayEnd.release();
			assertNull( result( add( snippet, 0 ) ).failure() );
			begun.acquire();
			// Queued while the worker is busy, so that one call computes them.
			final CountDownLatch busy = new CountDownLatch( 1 );
			final CountDownLatch go = new CountDownLatch( 1 );
			tasks.add( new WorkTask< Void >( ( python, ofUsers ) -> {
				busy.countDown();
				go.await();
				return null;
			}, null ) );
			busy.await();
			final BlockTask quick = add( snippet, 1 );
			final BlockTask slow = add( snippet, 2 );
			snippet.took( Long.MIN_VALUE / 2 );
			go.countDown();
			begun.acquire();
			final FakeInterpreter.FakeControl control = fakes.get( "worker_1" ).control();
			final long ticket = control.running();

			watch.look();
			forward.addAndGet( LIMIT * 3 / 4 );
			watch.look();
			mayEnd.release();
			begun.acquire();
			assertEquals( ticket + 1, control.running(), "both blocks in one call" );
			watch.look();
			forward.addAndGet( LIMIT * 3 / 4 );
			watch.look();
			assertEquals( 0, control.cancelledTicket() );
			assertFalse( slow.isDone() );

			forward.addAndGet( LIMIT / 2 );
			watch.look();
			assertEquals( ticket + 1, control.cancelledTicket() );
			assertTrue( slow.isDone() );
			assertTrue( result( slow ).isTimedOut() );
			assertFalse( quick.isDone(), "it is done when the call returns" );
			assertEquals( Collections.emptyList(), abandoned );

			forward.addAndGet( 2 * TimeoutWatch.GRACE_NANOS );
			watch.look();
			assertEquals( Collections.singletonList( "python_0_worker_1" ), abandoned );
			assertEquals( 6, looks.get(), "looks for workers to start" );
			mayEnd.release();
			assertNull( result( quick ).failure() );
		}
		finally
		{
			mayEnd.release( 10 );
			worker.close( WorkerPool.closedException() );
			tasks.wakeAllWorkers();
			worker.awaitEnd( System.nanoTime() + Long.MAX_VALUE / 2 );
		}
	}

	/**
	 * Before the thread that watches has looked again.
	 */
	@Test
	void codeThatIsCancelledWhileItIsPreparedTimesOut()
	{
		final FakeInterpreter python = new FakeInterpreter( "python_0_worker_1", fakes );
		python.open();
		final Snippet snippet = new Snippet( -1, "watched", TrustPolicy.ofThisJvm().requireLoader( "x" ), "", false, false, LIMIT );
		final BlockTask block = new BlockTask( fakes.request( snippet, 1 ), true, false );
		final Run run = new Run( Collections.singletonList( block ), LIMIT );
		fakes.onPrepare = its -> {
			run.cancel( its.control().running() );
			its.control().cancel( its.control().running() );
			return FakeInterpreter.cancelled( its ).failure();
		};
		run.compute( python, python.name );
		assertTrue( result( block ).isTimedOut() );
		assertEquals( 7, result( block ).failure().getLine() );

		final BlockTask other = new BlockTask( fakes.request( snippet, 2 ), true, false );
		fakes.onPrepare = its -> PythonFailure.withoutException( "bad" );
		new Run( Collections.singletonList( other ), LIMIT ).compute( python, python.name );
		assertFalse( result( other ).isTimedOut() );
		assertEquals( Collections.emptyList(), new ArrayList<>( fakes.misuse ) );
	}

	/**
	 * It would keep memory that is shared with its process.
	 */
	@Test
	@Timeout( 10 )
	void aWorkerThatIsLostIsForgotten() throws Exception
	{
		final List< Worker > workers = new CopyOnWriteArrayList<>();
		final TimeoutWatch watch = new TimeoutWatch( "python_0", workers, ( given, stack ) -> abandoned.add( given.getName() ), given -> false, looks::incrementAndGet, System::nanoTime );
		final WeakReference< Worker > lost = loseWorker( workers, watch );
		watch.look();
		while ( lost.get() != null )
		{
			System.gc();
			Thread.sleep( 10 );
		}
	}

	private WeakReference< Worker > loseWorker( final List< Worker > workers, final TimeoutWatch watch ) throws Exception
	{
		fakes.onBlock = ( python, number ) -> {
			begun.release();
			mayEnd.acquireUninterruptibly();
			python.loss = "crashed";
			return BlockResult.dropped();
		};
		final Worker worker = new Worker( "python_0", "worker_1", tasks, fakes, TrustPolicy.ofThisJvm().requireCode( "The init code", "" ), new TasksForAll(), ended -> {}, ( lost, why ) -> workers.remove( lost ) );
		workers.add( worker );
		worker.startAndWait();
		final BlockTask block = add( new Snippet( -1, "watched", TrustPolicy.ofThisJvm().requireLoader( "x" ), "", false, false, LIMIT ), 0 );
		begun.acquire();
		watch.look();
		mayEnd.release();
		assertTrue( result( block ).isDropped() );
		worker.awaitEnd( System.nanoTime() + Long.MAX_VALUE / 2 );
		assertEquals( Collections.emptyList(), workers );
		return new WeakReference<>( worker );
	}

	private BlockResult result( final BlockTask task )
	{
		try
		{
			return task.await( tasks );
		}
		catch ( final Throwable t )
		{
			throw new AssertionError( t );
		}
	}

	private BlockTask add( final Snippet snippet, final int number )
	{
		final BlockTask task = new BlockTask( fakes.request( snippet, number ), true, false );
		tasks.add( task );
		return task;
	}
}
