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

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.logging.Logger;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
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
 * Readers that use the interpreters of workers that sleep.
 */
@Timeout( 60 )
class DrivenWorkersTest
{
	private static final Logger LOG = Logger.getLogger( WorkerPool.class.getName() );

	private static final Trusted.Code INIT = TrustPolicy.ofThisJvm().requireCode( "The init code", "x = 1" );

	private static final Duration LIMIT = Duration.ofHours( 1 );

	private final FakeInterpreters fakes = new FakeInterpreters();

	private final AtomicLong forward = new AtomicLong();

	/**
	 * How often the clock was read, by the thread that watches timeouts.
	 */
	private final AtomicInteger clockReads = new AtomicInteger();

	private final CountDownLatch polled = new CountDownLatch( 1 );

	private final CountDownLatch goOn = new CountDownLatch( 1 );

	private WorkerPool pool;

	@BeforeAll
	static void logNothing()
	{
		LOG.setUseParentHandlers( false );
	}

	@AfterAll
	static void log()
	{
		LOG.setUseParentHandlers( true );
	}

	@BeforeEach
	void areDrivable()
	{
		fakes.drivable = true;
		fakes.sharesLock = false;
		// However long the machine needs.
		fakes.nanosOf = waited -> 1;
	}

	@AfterEach
	void close()
	{
		goOn.countDown();
		if ( pool != null )
			pool.close();
		assertEquals( new ArrayList<>(), new ArrayList<>( fakes.misuse ) );
	}

	// ---------------------------------------------------------- who drives

	@Test
	void aReaderComputesASmallBlockWhileTheWorkerSleeps() throws Exception
	{
		open( 1 );
		final Snippet a = small( "a" );
		final AtomicReference< Thread > thread = new AtomicReference<>();
		fakes.onBlock = ( python, number ) -> {
			thread.set( Thread.currentThread() );
			return FakeInterpreters.done( python );
		};
		final BlockTask block = submit( a, 1 );
		assertTrue( block.isDone() );
		assertSame( Thread.currentThread(), thread.get() );
		assertEquals( "worker_1", FakeInterpreters.role( pool.await( block ).worker() ) );
		assertEquals( Thread.State.WAITING, threadOf( "worker_1" ).getState() );
		assertEquals( Arrays.asList( "worker_1 compute 0", "worker_1 drive 1" ), blockEvents() );
	}

	@Test
	void aBlockThatIsNotSmallOrWhoseCodeIsNotReadyIsForTheWorker() throws Exception
	{
		open( 1 );
		final Snippet a = small( "a" );
		final Snippet b = register( "b" );
		awaitAsleep( "worker_1" );
		await( submit( b, 1 ) );
		awaitAsleep( "worker_1" );
		final Snippet c = register( "c" );
		c.took( 1 );
		awaitAsleep( "worker_1" );
		await( submit( c, 2 ) );
		awaitAsleep( "worker_1" );
		await( submit( a, 3 ) );
		assertEquals( Arrays.asList( "worker_1 compute 0", "worker_1 compute 1", "worker_1 compute 2", "worker_1 drive 3" ), blockEvents() );
	}

	@Test
	void anInterpreterThatIsBoundToItsThreadIsNotDriven() throws Exception
	{
		fakes.drivable = false;
		open( 1 );
		await( submit( small( "a" ), 1 ) );
		assertEquals( Arrays.asList( "worker_1 compute 0", "worker_1 compute 1" ), blockEvents() );
	}

	@Test
	void ofTwoWorkersThatSleepTheOneIsDrivenWhereTheCodeIsReady() throws Exception
	{
		open( 2 );
		final Snippet a = small( "a" );
		awaitAsleep( "worker_1" );
		awaitAsleep( "worker_2" );
		final String ready = FakeInterpreters.role( pool.await( submit( a, 1 ) ).worker() );
		for ( int i = 2; i < 10; ++i )
			await( submit( a, i ) );
		assertEquals( 9, fakes.events( event -> event.startsWith( ready + " drive " ) ).size() );
	}

	@Test
	void withoutACommonLockEachReaderDrivesAWorkerOfItsOwn() throws Exception
	{
		open( 2 );
		final Snippet a = ready( "a" );
		// Not so small that one worker shall do all.
		a.took( Long.MIN_VALUE / 2 );
		for ( int i = 0; i < 40; ++i )
			a.took( 30_000 );
		fakes.onPoll = this::onFirstPoll;
		final FutureTask< BlockResult > first = inBackground( () -> pool.await( submit( a, 1 ) ) );
		polled.await();
		final BlockTask second = submit( a, 2 );
		assertTrue( second.isDone(), "not driven" );
		goOn.countDown();
		assertNull( first.get().failure() );
		assertFalse( first.get().worker().equals( pool.await( second ).worker() ) );
	}

	@Test
	void whatComesWhileAReaderDrivesIsForTheWorker() throws Exception
	{
		open( 1 );
		final Snippet a = small( "a" );
		fakes.onPoll = this::onFirstPoll;
		final FutureTask< BlockResult > first = inBackground( () -> pool.await( submit( a, 1 ) ) );
		polled.await();
		final BlockTask second = submit( a, 2 );
		final CompletableFuture< String > task = pool.submit( python -> python.getValue( "x", String.class ) );
		assertFalse( second.isDone() );
		goOn.countDown();
		assertNull( first.get().failure() );
		await( second );
		assertEquals( "x", task.get() );
		assertEquals( Arrays.asList( "worker_1 compute 0", "worker_1 drive 1", "worker_1 compute 2" ), blockEvents() );
	}

	@Test
	void aReaderDrivesInTheBackgroundIfNothingElseWaits() throws Exception
	{
		open( 1 );
		final Snippet a = small( "a" );
		assertTrue( Background.call( () -> submit( a, 1 ) ).isDone(), "not driven" );
		fakes.onPoll = this::onFirstPoll;
		final FutureTask< BlockResult > first = inBackground( () -> pool.await( submit( a, 2 ) ) );
		polled.await();
		final BlockTask background = Background.call( () -> submit( a, 3 ) );
		final BlockTask other = submit( a, 4 );
		goOn.countDown();
		assertNull( first.get().failure() );
		await( background );
		await( other );
		assertEquals( Arrays.asList( "worker_1 compute 0", "worker_1 drive 1", "worker_1 drive 2", "worker_1 compute 4", "worker_1 compute 3" ), blockEvents() );
	}

	// ------------------------------------------- what a reader does not finish

	@Test
	void whatTakesLongIsLeftToTheWorker() throws Exception
	{
		open( 1 );
		final Snippet a = small( "a" );
		final AtomicReference< Thread > thread = new AtomicReference<>();
		fakes.onPoll = python -> false;
		fakes.onBlock = ( python, number ) -> {
			thread.set( Thread.currentThread() );
			return FakeInterpreters.done( python );
		};
		await( submit( a, 1 ) );
		assertSame( threadOf( "worker_1" ), thread.get() );
		awaitAsleep( "worker_1" );
		fakes.onPoll = python -> true;
		await( submit( a, 2 ) );
		assertEquals( Arrays.asList( "worker_1 compute 0", "worker_1 finish 1", "worker_1 drive 2" ), blockEvents() );
	}

	@Test
	void aWorkerThatFinishesWhatTakesLongKeepsNobodyFromDrivingAnother() throws Exception
	{
		open( 2 );
		final Snippet a = ready( "a" );
		a.took( Long.MIN_VALUE / 2 );
		fakes.onPoll = python -> false;
		fakes.onBlock = ( python, number ) -> {
			if ( number == 1 )
				onFirstPoll( python );
			return FakeInterpreters.done( python );
		};
		final BlockTask first = submit( a, 1 );
		polled.await();
		fakes.onPoll = python -> true;
		final BlockTask second = submit( a, 2 );
		assertTrue( second.isDone(), "not driven" );
		assertFalse( first.isDone() );
		goOn.countDown();
		await( first );
		awaitAsleep( "worker_1" );
		awaitAsleep( "worker_2" );
		assertTrue( submit( a, 3 ).isDone(), "not driven" );
	}

	@Test
	void whatCannotBeBegunFails() throws Exception
	{
		open( 1 );
		final Snippet a = small( "a" );
		final PythonException thrown = new PythonException( "no memory" );
		fakes.onBegin = python -> {
			throw thrown;
		};
		final BlockTask block = submit( a, 1 );
		assertSame( thrown, assertThrows( PythonException.class, () -> pool.await( block ) ).getCause() );
		fakes.onBegin = python -> {};
		await( submit( a, 2 ) );
		assertEquals( Arrays.asList( "worker_1 compute 0", "worker_1 drive 2" ), blockEvents() );
	}

	@Test
	void aReaderWithoutStackLeavesWhatItHasBegunToTheWorker() throws Exception
	{
		open( 1 );
		final Snippet a = small( "a" );
		fakes.onPoll = python -> {
			throw new StackOverflowError();
		};
		await( submit( a, 1 ) );
		assertEquals( Arrays.asList( "worker_1 compute 0", "worker_1 finish 1" ), blockEvents() );
	}

	@Test
	void anInterruptOfTheReaderIsKeptAndDoesNotHarm() throws Exception
	{
		open( 1 );
		final Snippet a = small( "a" );
		Thread.currentThread().interrupt();
		await( submit( a, 1 ) );
		assertTrue( Thread.interrupted(), "the interrupt is kept" );
		fakes.onPoll = python -> false;
		Thread.currentThread().interrupt();
		final BlockTask block = submit( a, 2 );
		// It goes on: another reader can wait for it.
		try
		{
			await( block );
			assertTrue( Thread.interrupted() );
		}
		catch ( final InterruptedException e )
		{
			assertTrue( block.isBegun() );
			await( block );
		}
		assertEquals( Arrays.asList( "worker_1 compute 0", "worker_1 drive 1", "worker_1 finish 2" ), blockEvents() );
	}

	@Test
	void codeThatDoesNotEndTimesOutAlthoughAReaderHasBegunIt() throws Exception
	{
		open( 1 );
		final Snippet a = pool.register( CellCode.of( "x" ), PythonLoaderOptions.options().name( "a" ).timeout( LIMIT ), this );
		await( submit( a, 0 ) );
		a.took( Long.MIN_VALUE / 2 );
		awaitAsleep( "worker_1" );
		fakes.onPoll = python -> false;
		fakes.onBlock = ( python, number ) -> {
			if ( number == 1 )
				onFirstPoll( python );
			return FakeInterpreters.done( python );
		};
		final BlockTask block = submit( a, 1 );
		polled.await();
		forward.addAndGet( LIMIT.toNanos() );
		assertTrue( pool.await( block ).isTimedOut() );
		forward.addAndGet( 2 * TimeoutWatch.GRACE_NANOS );
		fakes.get( "worker_1" ).control().awaitAbandoned();
		assertEquals( "worker_2", FakeInterpreters.role( pool.await( submit( a, 2 ) ).worker() ) );
		goOn.countDown();
		fakes.await( "worker_1 close" );
	}

	@Test
	void aWorkerThatIsAbandonedWhileAReaderDrivesItEndsAfterThat() throws Exception
	{
		open( 1 );
		final Snippet a = pool.register( CellCode.of( "x" ), PythonLoaderOptions.options().name( "a" ).timeout( LIMIT ), this );
		await( submit( a, 0 ) );
		a.took( Long.MIN_VALUE / 2 );
		awaitAsleep( "worker_1" );
		fakes.onPoll = this::onFirstPoll;
		final FutureTask< BlockResult > driver = inBackground( () -> pool.await( submit( a, 1 ) ) );
		polled.await();
		final FakeInterpreter first = fakes.get( "worker_1" );
		while ( !first.control().isAbandoned() )
		{
			final int before = clockReads.get();
			forward.addAndGet( LIMIT.toNanos() );
			while ( !first.control().isAbandoned() && clockReads.get() - before < 5 )
				Thread.yield();
		}
		assertEquals( "worker_2", FakeInterpreters.role( pool.await( submit( a, 2 ) ).worker() ) );
		goOn.countDown();
		assertTrue( driver.get().isTimedOut() || driver.get().isDropped() );
		fakes.await( "worker_1 close" );
	}

	@Test
	void aWorkerThatIsLostWhileAReaderDrivesItIsReplaced() throws Exception
	{
		open( 1 );
		final Snippet a = small( "a" );
		fakes.onPoll = python -> {
			python.loss = "crash";
			return false;
		};
		fakes.onBlock = ( python, number ) -> python.loss != null ? BlockResult.dropped() : FakeInterpreters.done( python );
		assertTrue( pool.await( submit( a, 1 ) ).isDropped() );
		fakes.await( "worker_2 init" );
		fakes.onPoll = python -> true;
		assertEquals( "worker_2", FakeInterpreters.role( pool.await( submit( a, 2 ) ).worker() ) );
		fakes.await( "worker_1 close" );
	}

	@Test
	void aReaderWhoseCodeIsDroppedWhileItDrivesIsToldSo() throws Exception
	{
		open( 1 );
		final Snippet a = small( "a" );
		fakes.onPoll = this::onFirstPoll;
		final FutureTask< BlockResult > driver = inBackground( () -> pool.await( submit( a, 1 ) ) );
		polled.await();
		pool.drop( a );
		goOn.countDown();
		assertTrue( driver.get().isDropped() );
		assertFalse( pool.await( submit( register( "b" ), 2 ) ).isDropped() );
		fakes.await( "worker_1 forget" );
	}

	@Test
	void closingWaitsForTheReaderThatDrives() throws Exception
	{
		open( 1 );
		final Snippet a = small( "a" );
		fakes.onPoll = this::onFirstPoll;
		final FutureTask< BlockResult > driver = inBackground( () -> pool.await( submit( a, 1 ) ) );
		polled.await();
		final FutureTask< Void > closing = inBackground( () -> {
			pool.close();
			return null;
		} );
		fakes.get( "worker_1" ).control().awaitAbandoned();
		assertEquals( new ArrayList<>(), fakes.events( event -> event.endsWith( " close" ) ) );
		goOn.countDown();
		closing.get();
		assertThrows( PythonClosedException.class, () -> {
			try
			{
				driver.get();
			}
			catch ( final Exception e )
			{
				throw e.getCause();
			}
		} );
		assertEquals( 1, fakes.events( event -> event.endsWith( " close" ) ).size() );
	}

	// -------------------------------------------------------------- stress

	/**
	 * Readers that come and go, interrupts, tasks, loaders that are dropped, and
	 * interpreters that end by themselves.
	 */
	@Test
	void eachBlockIsComputedOnceWhoeverDrives() throws Exception
	{
		open( 2 );
		final int numBlocks = 600;
		final Snippet a = ready( "a" );
		final Map< Integer, Integer > times = new ConcurrentHashMap<>();
		fakes.onPoll = python -> ThreadLocalRandom.current().nextInt( 4 ) != 0;
		fakes.onBlock = ( python, number ) -> {
			if ( python.loss != null )
				return BlockResult.dropped();
			if ( times.merge( number, 1, Integer::sum ) == 1 && crashes( number ) )
			{
				python.loss = "crash";
				return BlockResult.dropped();
			}
			return FakeInterpreters.done( python );
		};
		final AtomicInteger next = new AtomicInteger( 1 );
		final Queue< Thread > readers = new ConcurrentLinkedQueue<>();
		final List< FutureTask< Void > > ends = new ArrayList<>();
		for ( int i = 0; i < 4; ++i )
		{
			final Random random = new Random( i );
			ends.add( inBackground( () -> {
				readers.add( Thread.currentThread() );
				// How often which way is taken depends on how the threads get on.
				while ( next.get() <= numBlocks || !areAllWaysTaken() )
				{
					final int number = next.getAndIncrement();
					a.took( random.nextBoolean() ? 30_000 : 1 );
					read( a, number );
					// Long enough for a worker to fall asleep now and then.
					if ( number % 8 == 0 )
						for ( int pause = random.nextInt( 50 ); pause > 0; --pause )
							Thread.yield();
				}
				return null;
			} ) );
		}
		final FutureTask< Void > others = inBackground( () -> {
			while ( !ends.stream().allMatch( FutureTask::isDone ) )
			{
				readers.forEach( reader -> {
					if ( ThreadLocalRandom.current().nextInt( 4 ) == 0 )
						reader.interrupt();
				} );
				pool.submit( python -> python.getValue( "x", String.class ) );
				Thread.sleep( 1 );
			}
			return null;
		} );
		for ( final FutureTask< Void > end : ends )
			end.get();
		others.get();
		for ( int number = 1; number < next.get(); ++number )
			assertEquals( crashes( number ) ? 2 : 1, times.get( number ), "block " + number );
	}

	/**
	 * @return whether the interpreter ends by itself that computes a block first
	 */
	private static boolean crashes( final int number )
	{
		return number % 200 == 199;
	}

	private boolean areAllWaysTaken()
	{
		final List< String > events = blockEvents();
		return Stream.of( " drive ", " finish ", " compute " ).allMatch( how -> events.stream().anyMatch( event -> event.contains( how ) ) );
	}

	/**
	 * Reads as a cache does, however often it is interrupted.
	 */
	private void read( final Snippet snippet, final int number )
	{
		BlockTask block = submit( snippet, number );
		while ( true )
			try
			{
				final BlockResult result = pool.await( block );
				if ( !result.isDropped() )
				{
					assertNull( result.failure() );
					return;
				}
				block = submit( snippet, number );
			}
			catch ( final InterruptedException e )
			{
				if ( !block.isBegun() )
					block = submit( snippet, number );
			}
	}

	// -------------------------------------------------------------- helpers

	private boolean onFirstPoll( final FakeInterpreter python )
	{
		if ( polled.getCount() == 0 )
			return true;
		polled.countDown();
		try
		{
			goOn.await();
		}
		catch ( final InterruptedException e )
		{
			throw new IllegalStateException( e );
		}
		return true;
	}

	private void open( final int numWorkers )
	{
		pool = new WorkerPool( numWorkers, INIT, fakes, () -> {
			clockReads.incrementAndGet();
			return System.nanoTime() + forward.get();
		}, () -> {} );
	}

	private Snippet register( final String name )
	{
		return pool.register( CellCode.of( "x" ), PythonLoaderOptions.options().name( name ), this );
	}

	private BlockTask submit( final Snippet snippet, final int number )
	{
		return pool.submit( fakes.request( snippet, number ) );
	}

	private void await( final BlockTask block ) throws InterruptedException
	{
		assertNull( pool.await( block ).failure() );
	}

	/**
	 * @return a loader whose code a worker has made ready, by a block with the number 0,
	 *         and whose blocks are small; the worker sleeps
	 */
	private Snippet small( final String name ) throws InterruptedException
	{
		final Snippet snippet = register( name );
		final String worker = FakeInterpreters.role( pool.await( submit( snippet, 0 ) ).worker() );
		snippet.took( Long.MIN_VALUE / 2 );
		awaitAsleep( worker );
		return snippet;
	}

	/**
	 * @return the same, ready on two workers
	 */
	private Snippet ready( final String name ) throws Exception
	{
		final Snippet snippet = register( name );
		snippet.took( Long.MAX_VALUE / 2 );
		final CountDownLatch both = new CountDownLatch( 2 );
		final FakeInterpreters.BlockCode code = fakes.onBlock;
		fakes.onBlock = ( python, number ) -> {
			both.countDown();
			try
			{
				both.await();
			}
			catch ( final InterruptedException e )
			{
				throw new IllegalStateException( e );
			}
			return FakeInterpreters.done( python );
		};
		final BlockTask first = submit( snippet, 0 );
		final BlockTask second = submit( snippet, 0 );
		await( first );
		await( second );
		fakes.onBlock = code;
		snippet.took( Long.MIN_VALUE / 2 );
		awaitAsleep( "worker_1" );
		awaitAsleep( "worker_2" );
		return snippet;
	}

	private List< String > blockEvents()
	{
		return fakes.events( event -> event.matches( "\\S+ (compute|drive|finish) .*" ) );
	}

	private Thread threadOf( final String role )
	{
		final List< Thread > threads = Thread.getAllStackTraces().keySet().stream()
				.filter( thread -> ( thread.getName() + " " ).startsWith( pool.getName() + "_" + role + " " ) ).collect( Collectors.toList() );
		assertEquals( 1, threads.size(), role );
		return threads.get( 0 );
	}

	private void awaitAsleep( final String role )
	{
		final Thread thread = threadOf( role );
		while ( thread.getState() != Thread.State.WAITING )
			Thread.yield();
	}

	private static < R > FutureTask< R > inBackground( final Callable< R > action )
	{
		final FutureTask< R > task = new FutureTask<>( action );
		final Thread thread = new Thread( task, "reader" );
		thread.setDaemon( true );
		thread.start();
		return task;
	}
}
