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
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import net.imglib2.cache.python.PythonClosedException;
import net.imglib2.cache.python.PythonException;
import net.imglib2.cache.python.PythonLoaderOptions;
import net.imglib2.cache.python.protocol.BlockResult;
import net.imglib2.cache.python.protocol.CellCode;
import net.imglib2.cache.python.protocol.Snippet;
import net.imglib2.cache.python.trust.TrustPolicy;
import net.imglib2.cache.python.trust.Trusted;

/**
 * While the thread of a worker waits for a block, another one begins the next.
 */
@Timeout( 60 )
class LongBlocksTest
{
	private static final Trusted.Code INIT = TrustPolicy.ofThisJvm().requireCode( "The init code", "x = 1" );

	private final FakeInterpreters fakes = new FakeInterpreters();

	/**
	 * Until the blocks of a test wait.
	 */
	private final CountDownLatch submitted = new CountDownLatch( 1 );

	private final AtomicReference< Thread > listener = new AtomicReference<>();

	private WorkerPool pool;

	private Snippet a;

	@BeforeEach
	void open() throws Exception
	{
		fakes.drivable = true;
		fakes.sharesLock = false;
		// Neither small nor so long that it matters how long the machine needs.
		fakes.nanosOf = waited -> 1_000_000;
		pool = new WorkerPool( 1, INIT, fakes, () -> {} );
		a = register( "a" );
		// Makes its code ready.
		await( submit( a, 0 ) );
		fakes.onAwait = ( python, goOn ) -> {
			uninterruptibly( submitted );
			onAnotherThread( () -> {
				try
				{
					while ( goOn.getAsBoolean() )
						;
				}
				catch ( final OutOfMemoryError | PythonException e )
				{
					// As in the thread that reads the pipe. The one that waits does what is left to do.
				}
			} );
		};
	}

	@AfterEach
	void close()
	{
		submitted.countDown();
		pool.close();
		assertEquals( new ArrayList<>(), new ArrayList<>( fakes.misuse ) );
	}

	@Test
	void theThreadThatHearsOfTheEndBeginsTheNextBlock() throws Exception
	{
		final List< Thread > begins = new ArrayList<>();
		fakes.onBegin = python -> begins.add( Thread.currentThread() );
		final List< BlockTask > blocks = submit( a, 1, 2, 3 );
		await( blocks );
		assertEquals( Arrays.asList( "compute 0", "drive 1", "drive 2", "drive 3" ), blockEvents() );
		assertEquals( 3, begins.size() );
		assertSame( begins.get( 1 ), begins.get( 2 ) );
		assertSame( listener.get(), begins.get( 1 ) );
		assertFalse( begins.get( 0 ) == begins.get( 1 ) );
	}

	@Test
	void theNextBlockBeginsBeforeTheReaderIsTold() throws Exception
	{
		final List< Boolean > told = new ArrayList<>();
		final AtomicReference< List< BlockTask > > blocks = new AtomicReference<>();
		fakes.onBegin = python -> {
			uninterruptibly( submitted );
			told.add( blocks.get().get( told.isEmpty() ? 0 : told.size() - 1 ).isDone() );
		};
		blocks.set( submitOnly( a, 1, 2, 3 ) );
		submitted.countDown();
		await( blocks.get() );
		assertEquals( Arrays.asList( false, false, false ), told );
	}

	@Test
	void blocksOfOthersAndTasksAreForTheThreadOfTheWorker() throws Exception
	{
		final Snippet b = register( "b" );
		final List< BlockTask > blocks = submitOnly( a, 1, 2 );
		blocks.add( submit( b, 3 ) );
		final CompletableFuture< String > task = pool.submit( python -> python.getValue( "x", String.class ) );
		blocks.add( submit( a, 4 ) );
		submitted.countDown();
		await( blocks );
		assertEquals( "x", task.get() );
		assertEquals( Arrays.asList( "compute 0", "drive 1", "drive 2", "compute 3", "drive 4" ), blockEvents() );
	}

	@Test
	void aTaskForAllWorkersComesBeforeTheNextBlock() throws Exception
	{
		final CountDownLatch begun = new CountDownLatch( 1 );
		fakes.onBegin = python -> begun.countDown();
		final List< BlockTask > blocks = submitOnly( a, 1, 2 );
		begun.await();
		final CompletableFuture< Void > all = pool.onAllWorkers( python -> {
			python.exec( "y = 2" );
			return null;
		} );
		submitted.countDown();
		await( blocks );
		all.get();
		assertEquals( Arrays.asList( "worker_1 drive 1", "worker_1 exec y = 2", "worker_1 drive 2" ),
				fakes.events( event -> event.matches( ".* (drive [12]|exec .*)" ) ) );
	}

	@Test
	void whatCannotBePolledIsFinishedByTheWorker() throws Exception
	{
		fakes.onPoll = python -> false;
		await( submit( a, 1, 2 ) );
		assertEquals( Arrays.asList( "compute 0", "finish 1", "finish 2" ), blockEvents() );
	}

	@Test
	void whatFailsOnTheOtherThreadIsFinishedByTheWorker() throws Exception
	{
		final AtomicInteger polls = new AtomicInteger();
		fakes.onPoll = python -> {
			if ( polls.incrementAndGet() == 2 )
				throw new OutOfMemoryError( "thrown by a test" );
			return true;
		};
		await( submit( a, 1, 2, 3 ) );
		assertEquals( Arrays.asList( "compute 0", "drive 1", "finish 2", "drive 3" ), blockEvents() );
	}

	@Test
	void withoutMemoryForTheNextBlockTheWorkerTellsBothReaders() throws Exception
	{
		final AtomicInteger begins = new AtomicInteger();
		fakes.onBegin = python -> {
			if ( begins.incrementAndGet() == 2 )
			{
				assertSame( listener.get(), Thread.currentThread() );
				throw new OutOfMemoryError( "thrown by a test" );
			}
		};
		final List< BlockTask > blocks = submit( a, 1, 2, 3 );
		await( blocks.get( 0 ) );
		assertTrue( assertThrows( PythonException.class, () -> pool.await( blocks.get( 1 ) ) ).getCause() instanceof OutOfMemoryError );
		await( blocks.get( 2 ) );
		assertEquals( Arrays.asList( "compute 0", "drive 1", "drive 3" ), blockEvents() );
	}

	@Test
	void whatCannotBeBegunFailsAlone() throws Exception
	{
		final PythonException thrown = new PythonException( "no memory" );
		final AtomicInteger begins = new AtomicInteger();
		fakes.onBegin = python -> {
			if ( begins.incrementAndGet() == 2 )
			{
				assertSame( listener.get(), Thread.currentThread() );
				throw thrown;
			}
		};
		final List< BlockTask > blocks = submit( a, 1, 2, 3 );
		await( blocks.get( 0 ) );
		assertSame( thrown, assertThrows( PythonException.class, () -> pool.await( blocks.get( 1 ) ) ).getCause() );
		await( blocks.get( 2 ) );
		assertEquals( Arrays.asList( "compute 0", "drive 1", "drive 3" ), blockEvents() );
	}

	@Test
	void blocksWhoseReadersHaveGoneAreLeftOut() throws Exception
	{
		final List< BlockTask > blocks = submitOnly( a, 1, 2, 3 );
		final FutureTask< BlockResult > reader = new FutureTask<>( () -> pool.await( blocks.get( 1 ) ) );
		final Thread thread = new Thread( reader );
		thread.start();
		thread.interrupt();
		assertThrows( ExecutionException.class, reader::get );
		submitted.countDown();
		await( blocks.get( 0 ) );
		await( blocks.get( 2 ) );
		assertEquals( Arrays.asList( "compute 0", "drive 1", "drive 3" ), blockEvents() );
	}

	@Test
	void codeThatIsDroppedMeanwhileIsNotBegun() throws Exception
	{
		final AtomicBoolean dropped = new AtomicBoolean();
		fakes.onBlock = ( python, number ) -> {
			if ( dropped.compareAndSet( false, true ) )
				pool.drop( a );
			return FakeInterpreters.done( python );
		};
		final List< BlockTask > blocks = submit( a, 1, 2 );
		for ( final BlockTask block : blocks )
			assertTrue( pool.await( block ).isDropped() );
		fakes.await( "worker_1 forget" );
		assertEquals( Arrays.asList( "compute 0", "drive 1" ), blockEvents() );
	}

	@Test
	void aWorkerThatIsLostLeavesTheRestToAnother() throws Exception
	{
		fakes.onPoll = python -> python.loss == null;
		fakes.onBlock = ( python, number ) -> python.loss != null ? BlockResult.dropped() : FakeInterpreters.done( python );
		final AtomicInteger begins = new AtomicInteger();
		fakes.onBegin = python -> {
			if ( begins.incrementAndGet() == 2 )
			{
				assertSame( listener.get(), Thread.currentThread() );
				python.loss = "crash";
			}
		};
		final List< BlockTask > blocks = submit( a, 1, 2, 3 );
		await( blocks.get( 0 ) );
		assertTrue( pool.await( blocks.get( 1 ) ).isDropped() );
		assertEquals( "worker_2", FakeInterpreters.role( pool.await( blocks.get( 2 ) ).worker() ) );
	}

	@Test
	void closingEndsWhatHasBegunAndWhatWaits() throws Exception
	{
		final CountDownLatch begun = new CountDownLatch( 2 );
		fakes.onBegin = python -> begun.countDown();
		final CountDownLatch goOn = new CountDownLatch( 1 );
		fakes.onAwait = ( python, next ) -> {
			uninterruptibly( submitted );
			onAnotherThread( () -> {
				assertTrue( next.getAsBoolean() );
				uninterruptibly( goOn );
				next.getAsBoolean();
			} );
		};
		final List< BlockTask > blocks = submit( a, 1, 2, 3 );
		begun.await();
		final Thread closing = new Thread( pool::close );
		closing.start();
		fakes.get( "worker_1" ).control().awaitAbandoned();
		goOn.countDown();
		closing.join();
		await( blocks.get( 0 ) );
		assertThrows( PythonClosedException.class, () -> pool.await( blocks.get( 1 ) ) );
		assertThrows( PythonClosedException.class, () -> pool.await( blocks.get( 2 ) ) );
	}

	@Test
	void theThreadOfTheWorkerMayGoOnAtAnyTime() throws Exception
	{
		fakes.onAwait = ( python, goOn ) -> {};
		await( submit( a, 1, 2 ) );
		assertEquals( Arrays.asList( "compute 0", "finish 1", "finish 2" ), blockEvents() );
	}

	// -------------------------------------------------------------- helpers

	/**
	 * Waits for its end.
	 */
	private void onAnotherThread( final Runnable action )
	{
		final AtomicReference< Throwable > failure = new AtomicReference<>();
		final Thread thread = new Thread( action, "listener" );
		thread.setUncaughtExceptionHandler( ( t, thrown ) -> failure.set( thrown ) );
		listener.set( thread );
		thread.start();
		while ( thread.isAlive() )
			try
			{
				thread.join();
			}
			catch ( final InterruptedException e )
			{
				// It ends.
			}
		if ( failure.get() != null )
			throw new IllegalStateException( failure.get() );
	}

	private static void uninterruptibly( final CountDownLatch latch )
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

	private Snippet register( final String name )
	{
		return pool.register( CellCode.of( "x" ), PythonLoaderOptions.options().name( name ), this );
	}

	private BlockTask submit( final Snippet snippet, final int number )
	{
		return pool.submit( fakes.request( snippet, number ) );
	}

	private List< BlockTask > submit( final Snippet snippet, final int... numbers )
	{
		final List< BlockTask > blocks = submitOnly( snippet, numbers );
		submitted.countDown();
		return blocks;
	}

	/**
	 * Leaves it to the test when the first one may end.
	 */
	private List< BlockTask > submitOnly( final Snippet snippet, final int... numbers )
	{
		final List< BlockTask > blocks = new ArrayList<>();
		for ( final int number : numbers )
			blocks.add( submit( snippet, number ) );
		return blocks;
	}

	private void await( final List< BlockTask > blocks ) throws InterruptedException
	{
		for ( final BlockTask block : blocks )
			await( block );
	}

	private void await( final BlockTask block ) throws InterruptedException
	{
		assertNull( pool.await( block ).failure() );
	}

	private List< String > blockEvents()
	{
		final List< String > events = new ArrayList<>();
		for ( final String event : fakes.events( event -> event.matches( "\\S+ (compute|drive|finish) .*" ) ) )
			events.add( event.replaceFirst( "worker_\\d+ ", "" ) );
		return events;
	}
}
