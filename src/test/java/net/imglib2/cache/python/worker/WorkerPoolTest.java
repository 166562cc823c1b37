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
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.LongSupplier;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import net.imglib2.cache.python.NativeMemoryException;
import net.imglib2.cache.python.PythonClosedException;
import net.imglib2.cache.python.PythonCodeException;
import net.imglib2.cache.python.PythonEnvironmentException;
import net.imglib2.cache.python.PythonException;
import net.imglib2.cache.python.PythonInterruptedException;
import net.imglib2.cache.python.PythonLoaderOptions;
import net.imglib2.cache.python.PythonNoWorkerException;
import net.imglib2.cache.python.PythonStartTimeoutException;
import net.imglib2.cache.python.protocol.BlockResult;
import net.imglib2.cache.python.protocol.CellCode;
import net.imglib2.cache.python.protocol.PythonFailure;
import net.imglib2.cache.python.protocol.Snippet;
import net.imglib2.cache.python.trust.TrustPolicy;
import net.imglib2.cache.python.trust.Trusted;

/**
 * The pool on interpreters without Python.
 */
@Timeout( 60 )
class WorkerPoolTest
{
	private static final Logger LOG = Logger.getLogger( WorkerPool.class.getName() );

	private static final Trusted.Code NO_INIT = TrustPolicy.ofThisJvm().requireCode( "The init code", "" );

	private static final Trusted.Code INIT = TrustPolicy.ofThisJvm().requireCode( "The init code", "x = 1" );

	/**
	 * Never exceeded, unless a test puts the clock forward.
	 */
	private static final Duration LIMIT = Duration.ofHours( 1 );

	private final FakeInterpreters fakes = new FakeInterpreters();

	private final AtomicLong forward = new AtomicLong();

	/**
	 * Goes on by itself, unless a test needs a pause that ends when the test says so, however
	 * long the machine takes.
	 */
	private LongSupplier time = System::nanoTime;

	/**
	 * How often the clock was read, by the thread that watches timeouts.
	 */
	private final AtomicInteger clockReads = new AtomicInteger();

	/**
	 * Lets blocks go on that hang, see {@link #hangs}.
	 */
	private final CountDownLatch release = new CountDownLatch( 1 );

	private final CountDownLatch hanging = new CountDownLatch( 1 );

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

	@AfterEach
	void close()
	{
		release.countDown();
		if ( pool != null )
			pool.close();
		assertEquals( Collections.emptyList(), new ArrayList<>( fakes.misuse ) );
	}

	// ----------------------------------------------------------- scheduling

	@Test
	void blocksAndTasksAreDoneInTheirOrder() throws Exception
	{
		open( 1 );
		final Snippet a = register( "a" );
		final Snippet b = register( "b" );
		final Runnable go = occupy();
		final List< BlockTask > blocks = submitAll( a, 1 );
		blocks.addAll( submitAll( b, 2 ) );
		final CompletableFuture< Void > task = pool.submit( python -> {
			python.exec( "task" );
			return null;
		} );
		blocks.addAll( submitAll( a, 3 ) );
		go.run();
		awaitDone( blocks );
		task.get();
		assertEquals( Arrays.asList( "worker_1 compute 1", "worker_1 compute 2", "worker_1 exec task", "worker_1 compute 3" ),
				fakes.events( event -> event.contains( "compute" ) || event.contains( "exec" ) ) );
	}

	@Test
	void checksOfCodeComeBeforeBlocksThatWait() throws Exception
	{
		open( 1 );
		final Snippet a = register( "a" );
		final BlockTask running = submitHanging( a, 1 );
		final BlockTask waiting = submit( a, 2 );
		// All are busy: another worker checks it.
		register( "b" );
		release.countDown();
		awaitDone( Arrays.asList( running, waiting ) );
		assertEquals( Arrays.asList( "worker_1 check a", "check check b" ), checks() );
		register( "c" );
		assertEquals( Arrays.asList( "worker_1 check a", "check check b", "worker_1 check c" ), checks() );
	}

	@Test
	void questionsAreNotForBusyWorkers() throws Exception
	{
		open( 1, NO_INIT );
		final Snippet a = register( "a" );
		final BlockTask running = submitHanging( a, 1 );
		final BlockTask waiting = submit( a, 2 );
		assertEquals( "first[1]", pool.ask( "Asking", "first", 1 ) );
		release.countDown();
		awaitDone( Arrays.asList( running, waiting ) );
		assertEquals( "second[]", pool.ask( "Asking", "second" ) );
		assertEquals( Arrays.asList( "check ask first", "worker_1 ask second" ), questions() );
	}

	/**
	 * Of their init code, or of what users have let all of them do.
	 */
	@ParameterizedTest
	@ValueSource( booleans = { false, true } )
	void questionsAreForBusyWorkersThatKnowMore( final boolean hasInit ) throws Exception
	{
		open( 1, hasInit ? INIT : NO_INIT );
		if ( !hasInit )
			pool.onAllWorkers( python -> null ).get();
		final Snippet a = register( "a" );
		final BlockTask running = submitHanging( a, 1 );
		final BlockTask waiting = submit( a, 2 );
		final CompletableFuture< Object > answer = CompletableFuture.supplyAsync( () -> pool.ask( "Asking", "question" ) );
		// Longer than it takes until another worker answers, if it does.
		assertThrows( TimeoutException.class, () -> answer.get( 300, TimeUnit.MILLISECONDS ) );
		release.countDown();
		assertEquals( "question[]", answer.get() );
		awaitDone( Arrays.asList( running, waiting ) );
		assertEquals( Arrays.asList( "worker_1 ask question" ), questions() );
	}

	@Test
	void questionsAreForBusyWorkersWhereNoMemoryIsLeftForAnother() throws Exception
	{
		open( 1, NO_INIT );
		final Snippet a = register( "a" );
		submitHanging( a, 1 );
		fakes.onCreate = () -> {
			release.countDown();
			throw new NativeMemoryException( 1, 2, 3, null );
		};
		assertEquals( "question[]", pool.ask( "Asking", "question" ) );
		assertEquals( Arrays.asList( "worker_1 ask question" ), questions() );
	}

	private List< String > questions()
	{
		return fakes.events( event -> event.contains( " ask " ) );
	}

	@Test
	void questionsFailWithTheirPool() throws Exception
	{
		open( 1 );
		pool.close();
		assertThrows( PythonClosedException.class, () -> pool.ask( "Asking", "question" ) );
	}

	@Test
	void codeThatIsNotValidIsRefusedOnTheStackOfTheCaller()
	{
		open( 1 );
		fakes.onCheck = snippet -> {
			throw new PythonCodeException( "The code of a loader", PythonFailure.withoutException( "bad" ) );
		};
		final PythonCodeException e = assertThrows( PythonCodeException.class, () -> register( "bad" ) );
		assertTrue( Arrays.stream( e.getStackTrace() ).anyMatch( frame -> frame.getMethodName().equals( "codeThatIsNotValidIsRefusedOnTheStackOfTheCaller" ) ) );
	}

	@Test
	void smallBlocksOfOneLoaderThatFollowEachOtherAreComputedByOneCall() throws Exception
	{
		open( 1 );
		final Snippet a = small( "a" );
		final Snippet b = small( "b" );
		final Snippet large = register( "large" );
		final Runnable go = occupy();
		// One call takes four.
		final List< BlockTask > blocks = submitAll( a, 1, 2, 3, 4, 5, 6 );
		blocks.addAll( submitAll( b, 7, 8 ) );
		blocks.addAll( submitAll( a, 9 ) );
		final CompletableFuture< Void > task = pool.submit( python -> null );
		blocks.addAll( submitAll( a, 10 ) );
		blocks.addAll( submitAll( large, 11, 12 ) );
		go.run();
		awaitDone( blocks );
		task.get();
		assertEquals( Arrays.asList( "1 2 3 4", "5 6", "7 8", "9", "10", "11", "12" ), computedSince( 2 ) );
	}

	@Test
	void aReaderWakesAnotherWorkerIfOneHangsInASmallBlock() throws Exception
	{
		open( 2 );
		final BlockTask hanging = submitHanging( small( "small" ), 1 );
		await( submit( register( "other" ), 2 ) );
		assertFalse( hanging.isDone() );
		release.countDown();
		await( hanging );
	}

	@Test
	void blocksInTheBackgroundAreComputedWhenNoOtherWaits() throws Exception
	{
		open( 1 );
		final Snippet a = small( "a" );
		final Snippet b = register( "b" );
		final Runnable go = occupy();
		final List< BlockTask > blocks = Background.call( () -> submitAll( a, 1, 2 ) );
		blocks.addAll( submitAll( a, 3, 4 ) );
		final CompletableFuture< Void > task = pool.submit( python -> {
			python.exec( "task" );
			return null;
		} );
		blocks.addAll( Background.call( () -> Background.call( () -> submitAll( b, 5 ) ) ) );
		blocks.addAll( submitAll( b, 6 ) );
		go.run();
		awaitDone( blocks );
		task.get();
		final List< String > events = fakes.events( event -> event.contains( "compute" ) || event.contains( "exec" ) );
		assertEquals( Arrays.asList( "worker_1 compute 3 4", "worker_1 exec task", "worker_1 compute 6", "worker_1 compute 1 2", "worker_1 compute 5" ), events.subList( 1, events.size() ) );
	}

	@Test
	void noBlockIsComputedTogetherWithOthersInTheBackground() throws Exception
	{
		open( 1 );
		final Snippet a = small( "a" );
		final Runnable go = occupy();
		final List< BlockTask > blocks = Background.call( () -> submitAll( a, 1, 2 ) );
		blocks.addAll( submitAll( a, 3, 4 ) );
		go.run();
		awaitDone( blocks );
		assertEquals( Arrays.asList( "3 4", "1 2" ), computedSince( 1 ) );
	}

	@Test
	void whatSomebodyWaitsForIsNotInTheBackgroundAnyMore() throws Exception
	{
		open( 1 );
		// Each block is computed alone.
		fakes.nanosOf = waited -> TimeUnit.SECONDS.toNanos( 1 );
		final Snippet a = register( "a" );
		final Runnable go = occupy();
		final AtomicReference< Background > inner = new AtomicReference<>();
		final AtomicReference< Background > outer = new AtomicReference<>();
		final List< BlockTask > blocks = Background.call( () -> submitAll( a, 1 ) );
		blocks.addAll( Background.call( () -> {
			inner.set( Background.ofThisThread() );
			return submitAll( a, 2 );
		} ) );
		Background.call( () -> {
			outer.set( Background.ofThisThread() );
			Background.awaitedByThisThread( inner.get() );
			return null;
		} );
		blocks.addAll( submitAll( a, 3 ) );
		blocks.addAll( Background.call( () -> {
			final List< BlockTask > first = submitAll( a, 4 );
			final Background mine = Background.ofThisThread();
			final Thread reader = new Thread( () -> Background.awaitedByThisThread( mine ) );
			reader.start();
			reader.join();
			first.addAll( submitAll( a, 5 ) );
			return first;
		} ) );
		assertNull( Background.ofThisThread() );
		Background.awaitedByThisThread( null );
		Background.awaitedByThisThread( outer.get() );
		blocks.addAll( submitAll( a, 6 ) );
		go.run();
		awaitDone( blocks );
		assertEquals( Arrays.asList( "3", "4", "5", "2", "6", "1" ), fakes.computed() );
	}

	@Test
	void oneCallHasNoMoreNumbersThanThereIsRoomFor() throws Exception
	{
		open( 1 );
		final Snippet a = small( "a" );
		fakes.maxLength = 2 * fakes.request( a, 0 ).length();
		final Runnable go = occupy();
		final List< BlockTask > blocks = submitAll( a, 1, 2, 3, 4, 5 );
		go.run();
		awaitDone( blocks );
		assertEquals( Arrays.asList( "1 2", "3 4", "5" ), computedSince( 1 ) );
	}

	@Test
	void blocksThatWereWithdrawnAreNotComputed() throws Exception
	{
		open( 1 );
		final Snippet a = small( "a" );
		final Runnable go = occupy();
		final List< BlockTask > blocks = submitAll( a, 1, 2, 3 );
		Thread.currentThread().interrupt();
		assertThrows( InterruptedException.class, () -> pool.await( blocks.get( 1 ) ) );
		assertFalse( blocks.remove( 1 ).isBegun() );
		go.run();
		awaitDone( blocks );
		assertEquals( Arrays.asList( "1 3" ), computedSince( 1 ) );
	}

	@Test
	void codeThatThrowsFailsItsBlocksAndTheWorkerGoesOn() throws Exception
	{
		open( 1 );
		final Snippet a = register( "a" );
		final RuntimeException thrown = new PythonException( "broken" );
		onBlock( 1, python -> {
			throw thrown;
		} );
		final PythonException e = assertThrows( PythonException.class, () -> pool.await( submit( a, 1 ) ) );
		assertNotSame( thrown, e );
		assertSame( thrown, e.getCause() );
		assertNull( pool.await( submit( a, 2 ) ).failure() );
	}

	// ------------------------------------------------------------- timeouts

	@Test
	void codeThatIsCancelledTimesOutAndItsWorkerGoesOn() throws Exception
	{
		open( 1 );
		final Snippet a = register( "a", LIMIT );
		onBlock( 1, python -> {
			hang( hanging, python.control()::awaitCancelled );
			return FakeInterpreter.cancelled( python );
		} );
		final BlockTask block = submit( a, 1 );
		hanging.await();
		exceedLimit( 1 );
		final BlockResult result = pool.await( block );
		assertTrue( result.isTimedOut() );
		assertEquals( 7, result.failure().getLine() );
		assertEquals( "the code has been running for longer than the timeout of 3600.0 s", result.failure().getMessage() );
		assertComputedBy( "worker_1", submit( a, 2 ) );
	}

	@Test
	void aWorkerWhoseCodeDoesNotEndIsReplaced() throws Exception
	{
		open( 1 );
		final Snippet a = register( "a", LIMIT );
		final BlockTask block = submitHanging( a, 1 );
		final FakeInterpreter first = fakes.get( "worker_1" );
		forward.addAndGet( LIMIT.toNanos() );
		assertTrue( pool.await( block ).isTimedOut() );
		assertEquals( first.control().running(), first.control().cancelledTicket() );
		assertFalse( first.control().isAbandoned() );
		exceedGrace();
		first.control().awaitAbandoned();
		assertComputedBy( "worker_2", submit( a, 2 ) );
		release.countDown();
		fakes.await( "worker_1 close" );
	}

	@Test
	void blocksThatAnAbandonedWorkerHadTakenAreForOthers() throws Exception
	{
		open( 1 );
		final Snippet a = register( "a", LIMIT );
		pool.await( submit( a, 0 ) );
		final Runnable go = occupy();
		hangs( 2 );
		makeSmall( a );
		final List< BlockTask > blocks = submitAll( a, 1, 2, 3 );
		go.run();
		hanging.await();
		timeOut( blocks.get( 1 ) );
		exceedGrace();
		assertTrue( pool.await( blocks.get( 2 ) ).isDropped() );
		assertEquals( Arrays.asList( "1 2 3" ), computedSince( 1 ) );
		// Computed, but not reported before the worker was abandoned.
		assertTrue( pool.await( blocks.get( 0 ) ).isDropped() );
	}

	@Test
	void aPoolWithoutWorkersSaysSoUntilOneCanBeStarted() throws Exception
	{
		stopClock();
		open( 1 );
		final Snippet a = register( "a", LIMIT );
		final IllegalStateException refusal = new IllegalStateException( "no memory" );
		fakes.onOpen = python -> {
			throw refusal;
		};
		final BlockTask block = submitHanging( a, 1 );
		final BlockTask waiting = submit( a, 2 );
		timeOut( block );
		exceedGrace();
		final PythonNoWorkerException e = assertThrows( PythonNoWorkerException.class, () -> pool.await( waiting ) );
		assertTrue( causes( e ).contains( refusal ), () -> causes( e ).toString() );
		assertThrows( PythonNoWorkerException.class, pool::requireOpen );
		assertThrows( PythonNoWorkerException.class, () -> pool.await( submit( a, 3 ) ) );
		fakes.onOpen = python -> {};
		forward.addAndGet( Replacements.FIRST_PAUSE );
		fakes.await( "worker_3 init" );
		awaitOpen();
		assertComputedBy( "worker_3", submit( a, 4 ) );
	}

	/**
	 * Whether the interpreter ends by itself at a block, or was lost before it took one.
	 */
	@ParameterizedTest
	@ValueSource( booleans = { true, false } )
	void aLostWorkerIsReplacedAtOnce( final boolean atABlock ) throws Exception
	{
		open( 1 );
		final Snippet a = register( "a", null );
		onBlock( 1, WorkerPoolTest::crash );
		for ( int i = 1; i <= 10; ++i )
		{
			assertComputedBy( "worker_" + i, submit( a, 0 ) );
			if ( !atABlock )
				fakes.get( "worker_" + i ).loss = "killed";
			assertEquals( atABlock, pool.await( submit( a, atABlock ? 1 : 2 ) ).isDropped() );
			fakes.await( "worker_" + i + " close" );
		}
		assertEquals( null, pool.submit( python -> null ).get() );
	}

	/**
	 * Somebody has ended its interpreter meanwhile: that says nothing about its environment.
	 */
	@ParameterizedTest
	@ValueSource( booleans = { true, false } )
	void aWorkerThatIsLostWhileItStartsIsReplacedAtOnce( final boolean inInit ) throws Exception
	{
		open( 1 );
		final Snippet a = register( "a", null );
		assertComputedBy( "worker_1", submit( a, 0 ) );
		final Consumer< FakeInterpreter > endsOnce = python -> {
			if ( python.name.endsWith( "worker_2" ) )
				throw new IllegalStateException( python.loss = "killed" );
		};
		if ( inInit )
			fakes.onInit = endsOnce;
		else
			fakes.onOpen = endsOnce;
		fakes.get( "worker_1" ).loss = "killed";
		assertComputedBy( "worker_3", submit( a, 1 ) );
		assertEquals( null, pool.submit( python -> null ).get() );
	}

	/**
	 * For instance because no memory is left for what it does between tasks.
	 */
	@Test
	void aWorkerWhoseThreadFailsIsReplaced() throws Exception
	{
		open( 1 );
		final Snippet a = register( "a", null );
		assertComputedBy( "worker_1", submit( a, 0 ) );
		final Thread worker = threadOf( "worker_1" );
		spinUntil( () -> worker.getState() == Thread.State.WAITING );
		final Error thrown = new OutOfMemoryError( "thrown by a test" );
		fakes.onLoss = python -> {
			if ( python.name.endsWith( "worker_1" ) )
				throw thrown;
		};
		final BlockTask block = submit( a, 1 );
		final PythonException e = assertThrows( PythonException.class, () -> pool.await( block ) );
		assertTrue( causes( e ).contains( thrown ), () -> causes( e ).toString() );
		assertComputedBy( "worker_2", submit( a, 2 ) );
		fakes.await( "worker_1 close" );
	}

	/**
	 * Whatever has kept its thread from telling that it ends.
	 */
	@Test
	void aWorkerThatHasEndedDoesNotCount() throws Exception
	{
		open( 1 );
		final Snippet a = register( "a", null );
		pool.newWorker().close( WorkerPool.closedException() );
		fakes.get( "worker_1" ).loss = "killed";
		assertComputedBy( "worker_3", submit( a, 1 ) );
	}

	/**
	 * The threads that would replace them must not end.
	 */
	@Test
	void workersAreReplacedAlthoughTheLogFails() throws Exception
	{
		stopClock();
		open( 1 );
		final Snippet a = register( "a", null );
		final Handler failing = new TestHandler( record -> {
			throw new OutOfMemoryError( "thrown by a test" );
		} );
		LOG.addHandler( failing );
		try
		{
			fakes.onCreate = () -> {
				throw new IllegalStateException( "no memory" );
			};
			fakes.get( "worker_1" ).loss = "killed";
			final BlockTask waiting = submit( a, 1 );
			assertThrows( PythonNoWorkerException.class, () -> pool.await( waiting ) );
			// The thread that looks fails, too.
			forward.addAndGet( Replacements.FIRST_PAUSE );
			final int before = clockReads.get();
			spinUntil( () -> clockReads.get() - before > 8 );
			fakes.onCreate = () -> {};
			forward.addAndGet( 2 * Replacements.FIRST_PAUSE );
			awaitOpen();
			assertNull( pool.await( submit( a, 2 ) ).failure() );
		}
		finally
		{
			LOG.removeHandler( failing );
		}
	}

	/**
	 * The pauses are those of workers that are lost when they compute.
	 */
	@Test
	void workersThatAreLostWhileTheyStartAgainAndAgainAreReplacedAfterPauses() throws Exception
	{
		stopClock();
		open( 1 );
		final Snippet a = register( "a", null );
		fakes.onInit = python -> {
			throw new IllegalStateException( python.loss = "killed" );
		};
		fakes.get( "worker_1" ).loss = "killed";
		// Whoever has nothing to do does not notice.
		final BlockTask waiting = submit( a, 1 );
		assertThrows( PythonNoWorkerException.class, () -> pool.await( waiting ) );
		long pause = Replacements.FIRST_PAUSE;
		// The first one had started.
		int last = Replacements.MAX_LOSSES_PER_WORKER;
		for ( int i = 0; i < 3; ++i )
		{
			final String end = "is started in " + pause / 1_000_000_000 + " s. " + pool.getName() + "_worker_" + last + " is lost: while it started, killed";
			spinUntil( () -> {
				final PythonException e = outcome( pool::requireOpen );
				return e != null && e.getMessage().endsWith( end );
			} );
			forward.addAndGet( pause );
			pause *= 2;
			++last;
		}
		fakes.onInit = python -> {};
		forward.addAndGet( pause );
		awaitOpen();
		assertNull( pool.await( submit( a, 2 ) ).failure() );
	}

	/**
	 * The worker has taken it already.
	 */
	@Test
	void whatHasNotBegunWhenAWorkerIsLostIsForAnother() throws Exception
	{
		open( 1 );
		final Snippet a = register( "a", null );
		pool.await( submit( a, 0 ) );
		fakes.get( "worker_1" ).endsBeforeTheCall = true;
		assertEquals( "1", pool.submit( python -> python.getValue( "1" ) ).get() );
		pool.await( submit( a, 1 ) );
		fakes.get( "worker_2" ).endsBeforeTheCall = true;
		register( "b", null );
		pool.await( submit( a, 2 ) );
		final Snippet c = register( "c", null );
		fakes.get( "worker_3" ).endsBeforeTheCall = true;
		assertTrue( pool.await( submit( c, 3 ) ).isDropped() );
	}

	/**
	 * Python code never runs twice.
	 */
	@Test
	void aTaskThatHasBegunWhenAWorkerIsLostFails() throws Exception
	{
		open( 1 );
		final AtomicInteger runs = new AtomicInteger();
		final CompletableFuture< Object > task = pool.submit( python -> {
			python.exec( "begun" );
			runs.incrementAndGet();
			fakes.get( "worker_1" ).endsBeforeTheCall = true;
			return python.getValue( "2" );
		} );
		final Throwable failure = assertThrows( ExecutionException.class, task::get ).getCause();
		assertEquals( PythonException.class, failure.getClass() );
		assertEquals( "The task cannot go on. The code has not begun: killed", failure.getMessage() );
		assertEquals( 1, runs.get() );
		assertEquals( "3", pool.submit( python -> python.getValue( "3" ) ).get() );
	}

	@Test
	void workersThatAreLostAgainAndAgainAreReplacedAfterPauses() throws Exception
	{
		stopClock();
		open( 1 );
		final Snippet a = register( "a", null );
		fakes.onBlock = ( python, number ) -> {
			if ( number == 0 )
				hang( hanging, release::await );
			return crash( python );
		};
		for ( int i = 1; i < Replacements.MAX_LOSSES_PER_WORKER; ++i )
			assertTrue( pool.await( submit( a, i ) ).isDropped() );
		final BlockTask last = submit( a, 0 );
		hanging.await();
		final BlockTask waiting = submit( a, 2 );
		release.countDown();
		assertTrue( pool.await( last ).isDropped() );
		long pause = Replacements.FIRST_PAUSE;
		for ( int i = 0; i < 3; ++i )
		{
			final BlockTask block = i == 0 ? waiting : submit( a, 3 );
			final PythonNoWorkerException e = assertThrows( PythonNoWorkerException.class, () -> pool.await( block ) );
			assertTrue( e.getMessage().contains( "is started in " + pause / 1_000_000_000 + " s" ) && e.getMessage().endsWith( "is lost: crashed" ), e.getMessage() );
			forward.addAndGet( pause );
			awaitOpen();
			assertTrue( pool.await( submit( a, 4 ) ).isDropped() );
			pause *= 2;
		}
		// Its reader knows the end of the block first.
		spinUntil( () -> outcome( pool::requireOpen ) != null );
		fakes.onBlock = ( python, number ) -> FakeInterpreters.done( python );
		forward.addAndGet( pause );
		awaitOpen();
		assertNull( pool.await( submit( a, 5 ) ).failure() );
	}

	/**
	 * A task that fails may be followed by anything.
	 */
	@Test
	void whatWaitsWhenThereIsAWorkerAgainDoesNotFail() throws Exception
	{
		stopClock();
		open( 1 );
		final Snippet a = register( "a", null );
		final CountDownLatch crashing = new CountDownLatch( 1 );
		final CountDownLatch crashes = new CountDownLatch( 1 );
		fakes.onBlock = ( python, number ) -> {
			if ( number == 0 )
				hang( crashing, crashes::await );
			return crash( python );
		};
		for ( int i = 1; i < Replacements.MAX_LOSSES_PER_WORKER; ++i )
			assertTrue( pool.await( submit( a, i ) ).isDropped() );
		final BlockTask last = submit( a, 0 );
		crashing.await();
		final CompletableFuture< Void > failing = pool.submit( python -> null );
		final List< BlockTask > waiting = submitAll( a, 5, 6 );
		final CompletableFuture< Void > again = failing.whenComplete( ( result, failure ) -> {
			hangs( 5 );
			forward.addAndGet( Replacements.FIRST_PAUSE );
			awaitOpen();
			// The new worker is busy.
			awaitUnchecked( hanging::await );
		} );
		crashes.countDown();
		assertTrue( pool.await( last ).isDropped() );
		assertInstanceOf( PythonNoWorkerException.class, assertThrows( ExecutionException.class, again::get ).getCause() );
		release.countDown();
		for ( final BlockTask block : waiting )
			assertComputedBy( "worker_" + ( Replacements.MAX_LOSSES_PER_WORKER + 1 ), block );
	}

	/**
	 * For instance because no memory was left for a moment: that is no reason to pause,
	 * also if only one of them had something to do.
	 */
	@Test
	void allWorkersMayBeLostAtOnceAgainAndAgain() throws Exception
	{
		final int numWorkers = 4;
		open( numWorkers );
		final Snippet a = register( "a", null );
		for ( int i = 0; i < 10; ++i )
		{
			for ( int k = 1; fakes.get( "worker_" + k ) != null; ++k )
				fakes.get( "worker_" + k ).loss = "killed";
			if ( i % 2 == 0 )
			{
				// Needs all of them at the same time.
				final CyclicBarrier barrier = new CyclicBarrier( numWorkers );
				final List< CompletableFuture< Integer > > tasks = new ArrayList<>();
				for ( int k = 0; k < numWorkers; ++k )
					tasks.add( pool.submit( python -> barrier.await() ) );
				for ( final CompletableFuture< Integer > task : tasks )
					task.get();
			}
			else
				assertNull( pool.await( submit( a, i ) ).failure() );
		}
	}

	@Test
	void codeIsNotCheckedBeforeItRunsWhereNoMemoryIsLeftForAnotherWorker() throws Exception
	{
		open( 1 );
		final Snippet a = register( "a" );
		submitHanging( a, 1 );
		fakes.onCreate = () -> {
			throw new NativeMemoryException( 1, 2, 3, null );
		};
		register( "b" );
		assertEquals( Arrays.asList( "worker_1 check a" ), checks() );
		fakes.onCreate = () -> {};
		register( "c" );
		assertEquals( Arrays.asList( "worker_1 check a", "check check c" ), checks() );
	}

	/**
	 * For instance because the system had no process left at that moment.
	 */
	@Test
	void aCheckingWorkerThatHasNotStartedIsReplacedWhenItIsNeeded() throws Exception
	{
		open( 1 );
		submitHanging( register( "a" ), 1 );
		final AtomicReference< Thread > failed = new AtomicReference<>();
		fakes.onOpen = python -> {
			failed.set( Thread.currentThread() );
			throw new IllegalStateException( "no process" );
		};
		final FutureTask< PythonException > first = new FutureTask<>( () -> outcome( () -> register( "b" ) ) );
		final Thread registering = new Thread( first );
		registering.start();
		spinUntil( () -> failed.get() != null );
		failed.get().join();
		// Else it would wait for seconds.
		registering.interrupt();
		assertInstanceOf( PythonInterruptedException.class, first.get() );
		fakes.onOpen = python -> {};
		register( "c" );
		assertEquals( Arrays.asList( "worker_1 check a", "check check c" ), checks() );
	}

	@Test
	void aCheckThatNobodyWaitsForAnyMoreIsNotKept() throws Exception
	{
		open( 1 );
		// Nobody takes anything from these.
		final TaskQueue tasks = new TaskQueue();
		final TaskQueue checks = new TaskQueue();
		final CodeChecker checker = new CodeChecker( pool, tasks, checks );
		final Snippet snippet = register( "a" );
		final List< Runnable > uses = Arrays.asList( () -> checker.check( snippet ), () -> checker.ask( "Asking", ( python, ofUsers ) -> null, true ) );
		for ( final Runnable use : uses )
		{
			final FutureTask< PythonException > waiting = new FutureTask<>( () -> outcome( use ) );
			final Thread thread = new Thread( waiting );
			thread.start();
			spinUntil( () -> !checks.isEmpty() );
			thread.interrupt();
			assertInstanceOf( PythonInterruptedException.class, waiting.get() );
			assertTrue( checks.isEmpty() );
			assertTrue( tasks.isEmpty() );
		}
	}

	@Test
	void tooManyAbandonedWorkersAreNotReplacedUntilOneEnds() throws Exception
	{
		final int numWorkers = Replacements.MAX_ABANDONED + 1;
		// No worker is replaced before all are abandoned, which may take more than one look at them.
		final long pause = TimeUnit.HOURS.toNanos( 1 );
		forward.addAndGet( pause );
		open( numWorkers );
		forward.addAndGet( -pause );
		final Snippet a = register( "a", LIMIT );
		final CountDownLatch allHang = new CountDownLatch( numWorkers );
		final CountDownLatch releaseFirst = new CountDownLatch( 1 );
		fakes.onBlock = ( python, number ) -> {
			if ( number < numWorkers )
				hang( allHang, ( number == 0 ? releaseFirst : release )::await );
			return FakeInterpreters.done( python );
		};
		final List< BlockTask > blocks = new ArrayList<>();
		for ( int i = 0; i < numWorkers; ++i )
		{
			blocks.add( submit( a, i ) );
			// Else one worker is woken for all of them.
			spinUntil( blocks.get( i )::isBegun );
		}
		allHang.await();
		exceedLimit( numWorkers );
		for ( final BlockTask block : blocks )
			assertTrue( pool.await( block ).isTimedOut() );
		exceedGrace();
		for ( int i = 1; i <= numWorkers; ++i )
			fakes.get( "worker_" + i ).control().awaitAbandoned();
		// If the clock was put forward between two workers, another one has been started already.
		final String next = "worker_" + ( numWorkers + 1 );
		spinUntil( () -> outcome( pool::requireOpen ) instanceof PythonNoWorkerException || fakes.get( next ) != null );
		forward.addAndGet( pause );
		releaseFirst.countDown();
		fakes.await( next + " init" );
		awaitOpen();
		assertNull( pool.await( submit( a, numWorkers ) ).failure() );
	}

	// -------------------------------------------------------------- dropped code

	@Test
	void blocksOfDroppedCodeThatHaveNotBegunAreNotComputed() throws Exception
	{
		open( 1 );
		final Snippet a = register( "a" );
		final Snippet b = register( "b" );
		final Runnable go = occupy();
		final List< BlockTask > blocks = submitAll( a, 1, 2 );
		final BlockTask other = submit( b, 3 );
		blocks.addAll( submitAll( a, 4 ) );
		pool.drop( a );
		blocks.addAll( submitAll( a, 5 ) );
		for ( final BlockTask block : blocks )
		{
			assertTrue( block.isDone() );
			assertTrue( pool.await( block ).isDropped() );
			assertFalse( block.isBegun() );
		}
		assertFalse( other.isDone() );
		go.run();
		awaitDone( Arrays.asList( other ) );
		assertTrue( pool.await( submit( a, 6 ) ).isDropped() );
		awaitDone( submitAll( b, 7 ) );
		assertEquals( Arrays.asList( "3", "7" ), fakes.computed() );
	}

	/**
	 * The code has no timeout.
	 */
	@Test
	void aBlockThatRunsIsCancelledWhenItsCodeIsDropped() throws Exception
	{
		open( 1 );
		final Snippet a = register( "a" );
		onBlock( 1, python -> {
			hang( hanging, python.control()::awaitCancelled );
			return FakeInterpreter.cancelled( python );
		} );
		final BlockTask block = submit( a, 1 );
		hanging.await();
		pool.drop( a );
		assertTrue( block.isDone() );
		assertTrue( pool.await( block ).isDropped() );
		final BlockTask next = submit( register( "b" ), 2 );
		assertComputedBy( "worker_1", next );
		fakes.await( "worker_1 forget" );
	}

	@Test
	void aWorkerWhoseDroppedCodeDoesNotEndIsReplaced() throws Exception
	{
		open( 1 );
		final Snippet a = register( "a" );
		final BlockTask block = submitHanging( a, 1 );
		pool.drop( a );
		assertTrue( pool.await( block ).isDropped() );
		final FakeInterpreter.FakeControl control = fakes.get( "worker_1" ).control();
		control.awaitCancelled();
		assertEquals( control.running(), control.cancelledTicket() );
		assertFalse( control.isAbandoned() );
		final BlockTask waiting = submit( register( "b" ), 2 );
		exceedGrace();
		control.awaitAbandoned();
		assertComputedBy( "worker_2", waiting );
		release.countDown();
		fakes.await( "worker_1 close" );
	}

	/**
	 * Each change of a parameter may leave such code.
	 */
	@Test
	void aWorkerWhoseDroppedCodeDoesNotEndIsKeptWhileNothingWaitsForAWorker() throws Exception
	{
		stopClock();
		open( 1 );
		final Snippet a = register( "a" );
		final Snippet b = register( "b" );
		submitHanging( a, 1 );
		pool.drop( a );
		final FakeInterpreter.FakeControl control = fakes.get( "worker_1" ).control();
		control.awaitCancelled();
		exceedGrace();
		awaitLooks( control );
		assertFalse( control.isAbandoned() );
		release.countDown();
		fakes.await( "worker_1 forget" );
		assertComputedBy( "worker_1", submit( b, 2 ) );
	}

	@Test
	void aWorkerWhoseDroppedCodeNeverEndsIsReplaced() throws Exception
	{
		stopClock();
		open( 1 );
		final Snippet a = register( "a" );
		submitHanging( a, 1 );
		pool.drop( a );
		final FakeInterpreter.FakeControl control = fakes.get( "worker_1" ).control();
		control.awaitCancelled();
		for ( int i = 1; i < TimeoutWatch.GRACES_IF_NOT_MISSED; ++i )
		{
			forward.addAndGet( TimeoutWatch.GRACE_NANOS );
			awaitLooks( control );
			assertFalse( control.isAbandoned() );
		}
		exceedGrace();
		control.awaitAbandoned();
		fakes.await( "worker_2 init" );
	}

	@Test
	void onlyOneWorkerAtATimeIsReplacedBecauseItsDroppedCodeDoesNotEnd() throws Exception
	{
		stopClock();
		open( 2 );
		final Snippet a = register( "a" );
		final Snippet b = register( "b" );
		final CountDownLatch bothHang = new CountDownLatch( 2 );
		fakes.onBlock = ( python, number ) -> {
			if ( number < 2 )
				hang( bothHang, release::await );
			return FakeInterpreters.done( python );
		};
		for ( int i = 0; i < 2; ++i )
			// Else one worker is woken for both of them.
			spinUntil( submit( a, i )::isBegun );
		bothHang.await();
		pool.drop( a );
		final List< FakeInterpreter.FakeControl > controls = new ArrayList<>();
		for ( int i = 1; i <= 2; ++i )
			controls.add( fakes.get( "worker_" + i ).control() );
		for ( final FakeInterpreter.FakeControl control : controls )
			control.awaitCancelled();
		final CountDownLatch starting = new CountDownLatch( 1 );
		final CountDownLatch mayStart = new CountDownLatch( 1 );
		fakes.onInit = python -> hang( starting, mayStart::await );
		exceedGrace();
		final List< BlockTask > waiting = submitAll( b, 2, 3, 4 );
		starting.await();
		awaitLooks( controls.toArray( new FakeInterpreter.FakeControl[ 0 ] ) );
		assertEquals( 1, controls.stream().filter( FakeInterpreter.FakeControl::isAbandoned ).count() );
		mayStart.countDown();
		awaitDone( waiting );
	}

	@Test
	void aTaskForAllDoesNotWaitForDroppedCodeThatDoesNotEnd() throws Exception
	{
		stopClock();
		open( 2 );
		final Snippet a = register( "a" );
		final AtomicReference< FakeInterpreter > python = new AtomicReference<>();
		onBlock( 1, its -> {
			python.set( its );
			hang( hanging, release::await );
			return FakeInterpreters.done( its );
		} );
		submit( a, 1 );
		hanging.await();
		pool.drop( a );
		python.get().control().awaitCancelled();
		exceedGrace();
		onAllWorkers( "t1" ).get();
		fakes.await( "worker_3 exec t1" );
	}

	@Test
	void allBlocksOfOneCallAreDroppedWithTheirCode() throws Exception
	{
		open( 1 );
		final Snippet a = small( "a" );
		final Runnable go = occupy();
		onBlock( 2, python -> {
			hang( hanging, python.control()::awaitCancelled );
			return FakeInterpreter.cancelled( python );
		} );
		final List< BlockTask > blocks = submitAll( a, 1, 2, 3 );
		go.run();
		hanging.await();
		pool.drop( a );
		for ( final BlockTask block : blocks )
			assertTrue( pool.await( block ).isDropped() );
		assertEquals( Arrays.asList( "1 2 3" ), computedSince( 1 ) );
		assertComputedBy( "worker_1", submit( register( "b" ), 4 ) );
	}

	@Test
	void whatAWorkerHasTakenWhenItsCodeIsDroppedIsNotComputed() throws Exception
	{
		open( 1 );
		final Snippet a = small( "a" );
		final Runnable go = occupy();
		final List< BlockTask > blocks = submitAll( a, 1, 2 );
		// After the first block was taken, before it is computed.
		fakes.onIsPrepared = () -> pool.drop( a );
		go.run();
		for ( final BlockTask block : blocks )
			assertTrue( pool.await( block ).isDropped() );
		fakes.onIsPrepared = () -> {};
		assertComputedBy( "worker_1", submit( register( "b" ), 3 ) );
		assertEquals( Arrays.asList( "3" ), computedSince( 1 ) );
	}

	@Test
	void theResultOfABlockThatIsDoneStays() throws Exception
	{
		open( 1 );
		final Snippet a = register( "a" );
		final BlockTask block = submit( a, 1 );
		spinUntil( block::isDone );
		pool.drop( a );
		assertFalse( pool.await( block ).isDropped() );
		pool.drop( a );
		assertFalse( pool.await( block ).isDropped() );
	}

	/**
	 * As an image does whose code changes all the time.
	 */
	@ParameterizedTest
	@ValueSource( booleans = { false, true } )
	void noReaderIsLostWhileCodeChanges( final boolean drivable ) throws Exception
	{
		fakes.drivable = drivable;
		fakes.sharesLock = !drivable;
		open( 2 );
		final int numBlocks = 500;
		final AtomicReference< Snippet > current = new AtomicReference<>( register( "code 0" ) );
		final AtomicInteger next = new AtomicInteger();
		final Queue< Background > backgrounds = new ConcurrentLinkedQueue<>();
		fakes.onPoll = python -> ThreadLocalRandom.current().nextBoolean();
		final Set< Integer > waited = ConcurrentHashMap.newKeySet();
		fakes.onBlock = ( python, number ) -> {
			// Some are running when their code is dropped.
			if ( number % 8 == 0 && waited.add( number ) )
			{
				final Snippet before = current.get();
				spinUntil( () -> current.get() != before || next.get() >= numBlocks );
			}
			return FakeInterpreters.done( python );
		};
		final List< FutureTask< Void > > readers = new ArrayList<>();
		for ( int k = 0; k < 4; ++k )
		{
			final FutureTask< Void > reader = new FutureTask<>( () -> {
				for ( int i = next.getAndIncrement(); i < numBlocks; i = next.getAndIncrement() )
				{
					final int number = i;
					BlockResult result = BlockResult.dropped();
					while ( result.isDropped() )
					{
						final Snippet snippet = current.get();
						if ( number % 3 == 0 )
							makeSmall( snippet );
						final BlockTask block;
						if ( number % 4 < 2 )
							block = submit( snippet, number );
						else
						{
							final boolean isAwaited = number % 4 == 2;
							block = Background.call( () -> {
								backgrounds.add( Background.ofThisThread() );
								final BlockTask task = submit( snippet, number );
								if ( isAwaited )
									Background.ofThisThread().promote();
								return task;
							} );
						}
						result = pool.await( block );
					}
					assertNull( result.failure() );
				}
				return null;
			} );
			readers.add( reader );
			final Thread thread = new Thread( reader );
			thread.setDaemon( true );
			thread.start();
		}
		int numCodes = 1;
		for ( ; next.get() < numBlocks; ++numCodes )
		{
			pool.drop( current.getAndSet( register( "code " + numCodes ) ) );
			final Background background = backgrounds.poll();
			if ( background != null )
				Background.awaitedByThisThread( background );
		}
		for ( final FutureTask< Void > reader : readers )
			reader.get();
		assertTrue( numCodes > 10, numCodes + " codes" );
	}

	// ------------------------------------------------------------------ end

	@Test
	void closingReleasesWhoeverWaits() throws Exception
	{
		open( 1 );
		final Snippet a = register( "a" );
		final BlockTask running = submitHangingUntilAbandoned( a, 1 );
		final BlockTask waiting = submit( a, 2 );
		final CompletableFuture< Void > task = pool.submit( python -> null );
		pool.close();
		pool.close();
		for ( final BlockTask block : Arrays.asList( running, waiting, submit( a, 3 ) ) )
			assertClosed( block );
		for ( final CompletableFuture< ? > promise : Arrays.asList( task, pool.submit( python -> null ) ) )
			assertClosed( promise );
		assertThrows( PythonClosedException.class, pool::requireOpen );
		assertEquals( Arrays.asList( "1" ), fakes.computed() );
		assertEquals( 1, fakes.events( event -> event.endsWith( " close" ) ).size() );
	}

	@Test
	void whatAWorkerHasTakenWhenThePoolIsClosedEnds() throws Exception
	{
		open( 1 );
		final Snippet a = small( "a" );
		final Runnable go = occupy();
		final List< BlockTask > blocks = submitAll( a, 1, 2 );
		// After the first block was taken, before it is computed.
		fakes.onIsPrepared = pool::close;
		go.run();
		for ( final BlockTask block : blocks )
			assertClosed( block );
	}

	@Test
	void anInterruptedThreadThatClosesThePoolWaitsForWorkersThatEndSoon()
	{
		open( 2 );
		final Queue< String > logged = new ConcurrentLinkedQueue<>();
		final Handler handler = new TestHandler( record -> logged.add( record.getMessage() ) );
		final Logger log = Logger.getLogger( Worker.class.getName() );
		log.addHandler( handler );
		// Not before the thread waits for the worker.
		final Thread closing = Thread.currentThread();
		fakes.onClose = python -> spinUntil( () -> closing.getState() == Thread.State.TIMED_WAITING || !logged.isEmpty() );
		try
		{
			Thread.currentThread().interrupt();
			pool.close();
			assertTrue( Thread.interrupted(), "the interrupt is kept" );
		}
		finally
		{
			log.removeHandler( handler );
		}
		assertEquals( Collections.emptyList(), new ArrayList<>( logged ) );
		assertEquals( 2, fakes.events( event -> event.endsWith( " close" ) ).size() );
	}

	/**
	 * As one does that is not needed any more, or has nothing left to do.
	 */
	@Test
	void aWorkerThatEndsWhenItIsAbandonedDoesNotCountAsAbandoned()
	{
		open( 1 );
		final Worker worker = pool.newWorker();
		worker.close( WorkerPool.closedException() );
		assertTrue( worker.isOver() );
		final Replacements replacements = new Replacements( pool, new ArrayList<>(), 1, System::nanoTime );
		replacements.abandon( worker, PythonFailure.withoutException( "slow" ) );
		assertTrue( replacements.abandoned().isEmpty() );
	}

	@Test
	void thePoolCanBeClosedByATask() throws Exception
	{
		open( 2 );
		final CompletableFuture< Void > task = pool.submit( python -> {
			pool.close();
			return null;
		} );
		assertClosed( task );
		fakes.await( "worker_1 close" );
		fakes.await( "worker_2 close" );
	}

	@Test
	void whenTheJvmEndsInterpretersStayOpen() throws Exception
	{
		open( 1 );
		final Snippet a = register( "a" );
		final BlockTask running = submitHangingUntilAbandoned( a, 1 );
		pool.cancelForExit();
		assertTrue( fakes.get( "worker_1" ).control().isExited() );
		assertClosed( running );
		pool.awaitForExit( System.nanoTime() + Long.MAX_VALUE / 2 );
		assertClosed( submit( a, 2 ) );
		assertEquals( Collections.emptyList(), fakes.events( event -> event.endsWith( " close" ) ) );
	}

	@Test
	void aPoolThatNobodyUsesDoesWhatIsLeftAndEnds() throws Exception
	{
		open( 2 );
		final Snippet a = register( "a" );
		final BlockTask running = submitHanging( a, 1 );
		final List< BlockTask > others = submitAll( a, 2, 3, 4, 5 );
		pool.closeWhenIdle();
		awaitDone( others );
		assertNull( outcome( pool::requireOpen ) );
		release.countDown();
		awaitDone( Arrays.asList( running ) );
		fakes.await( "worker_1 close" );
		fakes.await( "worker_2 close" );
		spinUntil( () -> outcome( pool::requireOpen ) instanceof PythonClosedException );
	}

	@Test
	void whatComesWhenTheLastWorkerIsAboutToEndIsRefused() throws Exception
	{
		open( 2 );
		final Snippet a = register( "a" );
		final CountDownLatch closing = new CountDownLatch( 2 );
		fakes.onClose = python -> hang( closing, release::await );
		pool.closeWhenIdle();
		closing.await();
		final BlockTask late = submit( a, 1 );
		release.countDown();
		assertClosed( late );
	}

	@Test
	void aPoolThatNobodyUsesReplacesAWorkerForWhatIsLeft() throws Exception
	{
		open( 1 );
		final Snippet a = register( "a", LIMIT );
		final BlockTask block = submitHanging( a, 1 );
		final BlockTask waiting = submit( a, 2 );
		pool.closeWhenIdle();
		// The abandoned worker ends before the other one can take the block.
		fakes.onOpen = python -> awaitUnchecked( () -> fakes.await( "worker_1 close" ) );
		timeOut( block );
		exceedGrace();
		fakes.get( "worker_1" ).control().awaitAbandoned();
		release.countDown();
		assertComputedBy( "worker_2", waiting );
		spinUntil( () -> outcome( pool::requireOpen ) instanceof PythonClosedException );
	}

	// ---------------------------------------------------------------- start

	@Test
	void anInitCodeThatFailsEndsTheWorkersThatHaveStarted()
	{
		final PythonCodeException failure = new PythonCodeException( "The init code", PythonFailure.withoutException( "bad" ) );
		fakes.onInit = python -> {
			if ( python.name.endsWith( "_2" ) )
				throw failure;
		};
		final PythonCodeException e = assertThrows( PythonCodeException.class, () -> open( 3 ) );
		assertSame( failure, e );
		assertTrue( Arrays.stream( e.getStackTrace() ).anyMatch( frame -> frame.getMethodName().equals( "anInitCodeThatFailsEndsTheWorkersThatHaveStarted" ) ) );
		assertEquals( Arrays.asList( "worker_1 open", "worker_1 init", "worker_2 open", "worker_2 init", "worker_2 close", "worker_1 close" ), fakes.events( event -> true ) );
	}

	@Test
	void anInterpreterThatDoesNotOpenIsReportedWithItsCauses()
	{
		final Exception cause = new IllegalStateException( "no numpy" );
		fakes.onOpen = python -> {
			throw new IllegalStateException( "cannot import", cause );
		};
		final PythonEnvironmentException e = assertThrows( PythonEnvironmentException.class, () -> open( 1 ) );
		assertEquals( "Could not start Python with a fake Python: cannot import\n  because of: no numpy", e.getMessage() );
		assertTrue( causes( e ).contains( cause ) );
		assertEquals( Collections.emptyList(), fakes.events( event -> true ) );
	}

	@Test
	void anInitCodeThatDoesNotEndIsReportedWithItsStack() throws Exception
	{
		fakes.startupTimeout = Duration.ofMillis( 1 );
		final AtomicReference< FakeInterpreter > late = new AtomicReference<>();
		fakes.onInit = python -> {
			late.set( python );
			awaitUnchecked( python.control()::awaitAbandoned );
		};
		final PythonStartTimeoutException e = assertThrows( PythonStartTimeoutException.class, () -> open( 1 ) );
		assertEquals( fakes.startupTimeout, e.getTimeout() );
		assertTrue( e.getMessage().contains( " did not run the init code within 0 s" ) && e.getMessage().endsWith( "\nline 7 of the init code" ), e.getMessage() );
		assertTrue( late.get().control().isAbandoned() );
		fakes.await( "worker_1 close" );
	}

	@Test
	void anInterruptedStartEndsTheWorker() throws Exception
	{
		final Thread starting = Thread.currentThread();
		fakes.onInit = python -> {
			starting.interrupt();
			awaitUnchecked( python.control()::awaitAbandoned );
		};
		final PythonInterruptedException e = assertThrows( PythonInterruptedException.class, () -> open( 1 ) );
		assertInstanceOf( InterruptedException.class, e.getCause() );
		assertTrue( Thread.interrupted(), "the interrupt is kept" );
		fakes.await( "worker_1 close" );
	}

	@Test
	void aWorkerThatIsOpenedAfterTheEndOfItsPoolRunsNoInitCode() throws Exception
	{
		final Thread starting = Thread.currentThread();
		fakes.onOpen = python -> {
			starting.interrupt();
			awaitUnchecked( python.control()::awaitAbandoned );
		};
		assertThrows( PythonInterruptedException.class, () -> open( 1 ) );
		assertTrue( Thread.interrupted() );
		fakes.await( "worker_1 close" );
		assertEquals( Arrays.asList( "worker_1 open", "worker_1 close" ), fakes.events( event -> true ) );
	}

	// ------------------------------------------------------------- more workers

	@Test
	void aPoolGrowsToWhatIsAskedFor() throws Exception
	{
		open( 1 );
		fakes.onInit = python -> assertEquals( 3, fakes.numInterpreters );
		pool.grow( 3 );
		assertEquals( 3, pool.numWorkers() );
		assertAllAreThere( 3 );
		pool.grow( 2 );
		pool.grow( 3 );
		assertEquals( 3, pool.numWorkers() );
		assertEquals( Arrays.asList( "worker_1 init", "worker_2 init", "worker_3 init" ), fakes.events( event -> event.endsWith( " init" ) ) );
	}

	@Test
	void eachWorkerThatWasAddedIsReplacedToo() throws Exception
	{
		open( 1 );
		pool.grow( 3 );
		for ( int i = 1; i <= 3; ++i )
			fakes.get( "worker_" + i ).loss = "killed";
		assertAllAreThere( 3 );
		assertEquals( 6, fakes.events( event -> event.endsWith( " init" ) ).size() );
	}

	@Test
	void aPoolGrowsOnceWhoeverAsks() throws Exception
	{
		open( 1 );
		final List< FutureTask< Void > > asking = new ArrayList<>();
		for ( int i = 0; i < 8; ++i )
		{
			final int atLeast = 1 + i % 4;
			final FutureTask< Void > task = new FutureTask<>( () -> pool.grow( atLeast ), null );
			asking.add( task );
			new Thread( task ).start();
		}
		for ( final FutureTask< Void > task : asking )
			task.get();
		assertEquals( 4, pool.numWorkers() );
		assertEquals( 4, fakes.events( event -> event.endsWith( " init" ) ).size() );
		assertAllAreThere( 4 );
	}

	@Test
	void aPoolThatCannotGrowIsAsBefore() throws Exception
	{
		open( 1 );
		final PythonCodeException failure = new PythonCodeException( "The init code", PythonFailure.withoutException( "bad" ) );
		fakes.onInit = python -> {
			if ( python.name.endsWith( "_3" ) )
				throw failure;
		};
		assertSame( failure, assertThrows( PythonCodeException.class, () -> pool.grow( 4 ) ) );
		assertEquals( 1, fakes.numInterpreters );
		fakes.await( "worker_2 close" );
		fakes.await( "worker_3 close" );
		assertEquals( 1, pool.numWorkers() );
		assertComputedBy( "worker_1", submit( register( "a" ), 1 ) );
		fakes.get( "worker_1" ).loss = "killed";
		assertComputedBy( "worker_4", submit( register( "b" ), 2 ) );
		pool.grow( 2 );
		assertAllAreThere( 2 );
		assertEquals( 5, fakes.events( event -> event.endsWith( " init" ) ).size() );
	}

	/**
	 * Before the pause ends after which another worker takes its place.
	 */
	@Test
	void aPoolWithoutWorkersServesWhenItGrows() throws Exception
	{
		stopClock();
		open( 1 );
		final Snippet a = register( "a" );
		fakes.onOpen = python -> {
			throw new IllegalStateException( "no memory" );
		};
		fakes.get( "worker_1" ).loss = "killed";
		final BlockTask waiting = submit( a, 1 );
		assertThrows( PythonNoWorkerException.class, () -> pool.await( waiting ) );
		fakes.onOpen = python -> {};
		fakes.onInit = python -> {
			if ( python.name.endsWith( "_4" ) )
				throw new IllegalStateException( "no memory" );
		};
		assertThrows( PythonEnvironmentException.class, () -> pool.grow( 3 ) );
		fakes.await( "worker_3 close" );
		assertThrows( PythonNoWorkerException.class, pool::requireOpen );
		pool.grow( 2 );
		pool.requireOpen();
		assertComputedBy( "worker_5", submit( a, 2 ) );
		forward.addAndGet( Replacements.FIRST_PAUSE );
		assertAllAreThere( 2 );
	}

	/**
	 * The others have started, and serve, when one does not.
	 */
	@ParameterizedTest
	@ValueSource( booleans = { false, true } )
	void whatAWorkerHasTakenThatIsNotNeededIsDone( final boolean ofTheQueue ) throws Exception
	{
		open( 1 );
		final Snippet a = register( "a" );
		final Runnable go = occupy();
		final List< BlockTask > taken = new ArrayList<>();
		final CompletableFuture< String > task = new CompletableFuture<>();
		fakes.onInit = python -> {
			if ( !python.name.endsWith( "_3" ) )
				return;
			if ( ofTheQueue )
				pool.submit( user -> {
					hang( hanging, release::await );
					return user.getValue( "done", String.class );
				} ).thenAccept( task::complete );
			else
				taken.add( CompletableFuture.supplyAsync( () -> {
					hangs( 1 );
					return submit( a, 1 );
				} ).join() );
			awaitUnchecked( hanging::await );
			throw new IllegalStateException( "no memory" );
		};
		assertThrows( PythonEnvironmentException.class, () -> pool.grow( 3 ) );
		assertEquals( 1, pool.numWorkers() );
		final BlockTask waiting = submit( a, 2 );
		release.countDown();
		if ( ofTheQueue )
			assertEquals( "done", task.get() );
		else
			assertComputedBy( "worker_2", taken.get( 0 ) );
		fakes.await( "worker_2 close" );
		go.run();
		assertComputedBy( "worker_1", waiting );
	}

	@Test
	void aPoolThatIsClosedDoesNotGrow() throws Exception
	{
		open( 1 );
		fakes.onInit = python -> pool.close();
		assertThrows( PythonClosedException.class, () -> pool.grow( 3 ) );
		fakes.await( "worker_2 close" );
		assertThrows( PythonClosedException.class, () -> pool.grow( 3 ) );
		assertEquals( 2, fakes.events( event -> event.endsWith( " open" ) ).size() );
	}

	@Test
	void whoeverAddsWorkersCanBeInterrupted() throws Exception
	{
		open( 1 );
		final Thread growing = Thread.currentThread();
		fakes.onInit = python -> {
			growing.interrupt();
			awaitUnchecked( python.control()::awaitAbandoned );
		};
		assertThrows( PythonInterruptedException.class, () -> pool.grow( 2 ) );
		assertTrue( Thread.interrupted(), "the interrupt is kept" );
		fakes.await( "worker_2 close" );
		assertEquals( 1, pool.numWorkers() );
		assertComputedBy( "worker_1", submit( register( "a" ), 1 ) );
	}

	// -------------------------------------------------------- tasks for all workers

	@Test
	void eachWorkerRunsATaskForAllOnceBetweenBlocksAndInOrder() throws Exception
	{
		open( 3 );
		final Snippet a = register( "a" );
		final BlockTask block = submitHanging( a, 1 );
		final BlockTask waiting = submit( a, 2 );
		final List< CompletableFuture< Void > > tasks = new ArrayList<>();
		for ( int i = 1; i <= 3; ++i )
			tasks.add( onAllWorkers( "t" + i ) );
		await( waiting );
		spinUntil( () -> execs().size() == 6 );
		for ( final CompletableFuture< Void > task : tasks )
			assertFalse( task.isDone() );
		final BlockTask later = submit( a, 3 );
		release.countDown();
		await( block );
		for ( final CompletableFuture< Void > task : tasks )
			task.get();
		await( later );
		for ( int i = 1; i <= 3; ++i )
			assertEquals( Arrays.asList( "exec t1", "exec t2", "exec t3" ), execsOf( "worker_" + i ) );
		assertEquals( 9, execs().size() );
	}

	@Test
	void tasksForAllComeBeforeOthersThatWait() throws Exception
	{
		open( 1 );
		final Snippet a = register( "a" );
		final Runnable go = occupy();
		final List< BlockTask > blocks = submitAll( a, 1 );
		final CompletableFuture< Void > task = onAllWorkers( "t1" );
		go.run();
		awaitDone( blocks );
		task.get();
		assertEquals( Arrays.asList( "worker_1 exec t1", "worker_1 compute 1" ), fakes.events( event -> event.contains( "compute" ) || event.contains( "exec" ) ) );
	}

	@Test
	void workersThatStartLaterRunTheTasksForAllFirst() throws Exception
	{
		open( 1 );
		onAllWorkers( "t1" ).get();
		onAllWorkers( "t2" ).get();
		pool.grow( 2 );
		fakes.get( "worker_1" ).loss = "killed";
		fakes.get( "worker_2" ).loss = "killed";
		assertAllAreThere( 2 );
		for ( final String worker : Arrays.asList( "worker_2", "worker_3", "worker_4" ) )
			assertEquals( Arrays.asList( "open", "init", "exec t1", "exec t2" ), eventsOf( worker ).subList( 0, 4 ) );
		assertEquals( 8, execs().size() );
	}

	@Test
	void theFirstFailureOfATaskForAllIsThatOfItsPromise() throws Exception
	{
		open( 3 );
		final Exception thrown = new IOException( "no model" );
		final AtomicInteger runs = new AtomicInteger();
		final CompletableFuture< Void > task = pool.onAllWorkers( python -> {
			runs.incrementAndGet();
			throw thrown;
		} );
		assertSame( thrown, assertThrows( ExecutionException.class, task::get ).getCause() );
		onAllWorkers( "t2" ).get();
		assertEquals( 3, runs.get(), "the others have run it all the same" );
		pool.grow( 4 );
		assertEquals( 3, runs.get(), "it is not for workers that start later" );
		assertEquals( Arrays.asList( "exec t2" ), execsOf( "worker_4" ) );
		final CompletableFuture< Void > python = pool.onAllWorkers( user -> {
			throw new PythonCodeException( "The task", PythonFailure.withoutException( "bad" ) );
		} );
		final Throwable e = assertThrows( ExecutionException.class, python::get ).getCause();
		assertInstanceOf( PythonCodeException.class, e );
		assertTrue( Arrays.stream( e.getStackTrace() ).anyMatch( frame -> frame.getMethodName().equals( "theFirstFailureOfATaskForAllIsThatOfItsPromise" ) ) );
	}

	@Test
	void aWorkerOnWhichATaskForAllFailsDoesNotStart() throws Exception
	{
		open( 1 );
		final AtomicInteger runs = new AtomicInteger();
		final AtomicReference< RuntimeException > thrown = new AtomicReference<>();
		pool.onAllWorkers( python -> {
			if ( runs.incrementAndGet() > 1 && thrown.get() != null )
				throw thrown.get();
			return null;
		} ).get();
		thrown.set( new PythonCodeException( "The task", PythonFailure.withoutException( "bad" ) ) );
		assertSame( thrown.get(), assertThrows( PythonCodeException.class, () -> pool.grow( 2 ) ) );
		fakes.await( "worker_2 close" );
		thrown.set( new IllegalStateException( "no model" ) );
		final PythonException e = assertThrows( PythonException.class, () -> pool.grow( 2 ) );
		assertTrue( e.getMessage().startsWith( "A task for all workers failed on " + pool.getName() + "_worker_3" ), e.getMessage() );
		assertTrue( causes( e ).contains( thrown.get() ) );
		assertEquals( 1, pool.numWorkers() );
		final Snippet a = register( "a" );
		assertComputedBy( "worker_1", submit( a, 1 ) );
		fakes.get( "worker_1" ).loss = "killed";
		final BlockTask waiting = submit( a, 2 );
		assertTrue( causes( assertThrows( PythonNoWorkerException.class, () -> pool.await( waiting ) ) ).contains( thrown.get() ) );
		thrown.set( null );
		// Once there is a thread that looks.
		spinUntil( () -> {
			forward.addAndGet( Replacements.FIRST_PAUSE );
			return outcome( pool::requireOpen ) == null;
		} );
		await( submit( a, 3 ) );
	}

	@Test
	void aTaskForAllDoesNotWaitForAbandonedWorkers() throws Exception
	{
		open( 2 );
		final Snippet a = register( "a", LIMIT );
		final BlockTask block = submitHanging( a, 1 );
		final CompletableFuture< Void > task = onAllWorkers( "t1" );
		spinUntil( () -> execs().size() == 1 );
		assertFalse( task.isDone() );
		timeOut( block );
		exceedGrace();
		task.get();
		fakes.await( "worker_3 exec t1" );
		release.countDown();
		fakes.await( ( execs().contains( "worker_1 exec t1" ) ? "worker_2" : "worker_1" ) + " close" );
		assertEquals( 2, execs().size() );
	}

	@Test
	void aTaskForAllDoesNotWaitForLostWorkers() throws Exception
	{
		open( 2 );
		fakes.get( "worker_1" ).endsBeforeTheCall = true;
		onAllWorkers( "t1" ).get();
		fakes.await( "worker_3 exec t1" );
		assertEquals( Collections.emptyList(), execsOf( "worker_1" ) );
		assertAllAreThere( 2 );
		assertEquals( 2, execs().size() );
	}

	@Test
	void closingEndsTasksForAll() throws Exception
	{
		open( 2 );
		onAllWorkers( "t1" ).get();
		final BlockTask running = submitHangingUntilAbandoned( register( "a" ), 1 );
		final CompletableFuture< Void > waiting = onAllWorkers( "t2" );
		pool.close();
		assertClosed( waiting );
		assertClosed( running );
		assertClosed( onAllWorkers( "t3" ) );
		pool.close();
		assertTrue( execs().size() <= 3, () -> execs().toString() );
	}

	@Test
	void aPoolThatNobodyUsesRunsTheTasksForAllThatAreLeft() throws Exception
	{
		open( 1 );
		final Runnable go = occupy();
		final CompletableFuture< Void > task = onAllWorkers( "t1" );
		pool.closeWhenIdle();
		go.run();
		task.get();
		fakes.await( "worker_1 close" );
	}

	/**
	 * What is submitted when the promise has ended is computed by a worker that has run the task.
	 */
	@ParameterizedTest
	@ValueSource( booleans = { false, true } )
	void blocksThatComeLaterFindTheTasksForAllDone( final boolean drivable ) throws Exception
	{
		fakes.drivable = drivable;
		fakes.sharesLock = !drivable;
		open( 2 );
		final Snippet a = register( "a" );
		final Map< FakeInterpreter, Integer > lastTasks = new ConcurrentHashMap<>();
		final AtomicInteger ended = new AtomicInteger();
		final Queue< String > errors = new ConcurrentLinkedQueue<>();
		final int numTasks = 300;
		final int[] endedAtSubmission = new int[ 1_000_000 ];
		fakes.onPoll = python -> ThreadLocalRandom.current().nextBoolean();
		fakes.onExec = ( python, code ) -> {
			final int number = Integer.parseInt( code );
			final int before = lastTasks.getOrDefault( python, 0 );
			if ( number != before + 1 )
				errors.add( python.name + ": " + number + " after " + before );
			lastTasks.put( python, number );
		};
		fakes.onBlock = ( python, number ) -> {
			if ( python.loss != null || number % 1000 == 999 )
			{
				python.loss = "crashed";
				return BlockResult.dropped();
			}
			if ( lastTasks.getOrDefault( python, 0 ) < endedAtSubmission[ number ] )
				errors.add( python.name + " has run " + lastTasks.get( python ) + " of " + endedAtSubmission[ number ] + " tasks" );
			return FakeInterpreters.done( python );
		};
		final AtomicInteger next = new AtomicInteger();
		final List< FutureTask< Void > > readers = new ArrayList<>();
		for ( int k = 0; k < 3; ++k )
		{
			final FutureTask< Void > reader = new FutureTask<>( () -> {
				while ( ended.get() < numTasks )
				{
					final int number = next.getAndIncrement() % endedAtSubmission.length;
					endedAtSubmission[ number ] = ended.get();
					makeSmall( a );
					// Only those that a crash has taken are dropped.
					pool.await( submit( a, number ) );
				}
				return null;
			} );
			readers.add( reader );
			new Thread( reader ).start();
		}
		for ( int i = 1; i <= numTasks; ++i )
		{
			final CompletableFuture< Void > task = onAllWorkers( Integer.toString( i ) );
			if ( i % 100 == 0 )
				pool.grow( 2 + i / 100 );
			task.get();
			ended.set( i );
		}
		for ( final FutureTask< Void > reader : readers )
			reader.get();
		assertEquals( new ArrayList<>(), new ArrayList<>( errors ) );
		assertEquals( 5, pool.numWorkers() );
	}

	private CompletableFuture< Void > onAllWorkers( final String code )
	{
		return pool.onAllWorkers( python -> {
			python.exec( code );
			return null;
		} );
	}

	private List< String > execs()
	{
		return fakes.events( event -> event.contains( " exec " ) );
	}

	private List< String > execsOf( final String worker )
	{
		final List< String > events = eventsOf( worker );
		events.removeIf( event -> !event.startsWith( "exec " ) );
		return events;
	}

	private List< String > eventsOf( final String worker )
	{
		final List< String > events = fakes.events( event -> event.startsWith( worker + " " ) );
		events.replaceAll( event -> event.substring( worker.length() + 1 ) );
		return events;
	}

	private void await( final BlockTask block ) throws InterruptedException
	{
		awaitDone( Collections.singletonList( block ) );
	}

	// -------------------------------------------------------------- helpers

	/**
	 * Needs all workers at the same time.
	 */
	private void assertAllAreThere( final int numWorkers ) throws Exception
	{
		final CyclicBarrier barrier = new CyclicBarrier( numWorkers );
		final List< CompletableFuture< Integer > > tasks = new ArrayList<>();
		for ( int i = 0; i < numWorkers; ++i )
			tasks.add( pool.submit( python -> barrier.await() ) );
		for ( final CompletableFuture< Integer > task : tasks )
			task.get();
	}

	private static final class TestHandler extends Handler
	{
		private final Consumer< LogRecord > onPublish;

		TestHandler( final Consumer< LogRecord > onPublish )
		{
			this.onPublish = onPublish;
		}

		@Override
		public void publish( final LogRecord record )
		{
			onPublish.accept( record );
		}

		@Override
		public void flush()
		{}

		@Override
		public void close()
		{}
	}

	private interface Waiting
	{
		void await() throws InterruptedException;
	}

	private void open( final int numWorkers )
	{
		open( numWorkers, INIT );
	}

	private void open( final int numWorkers, final Trusted.Code init )
	{
		pool = new WorkerPool( numWorkers, init, fakes, () -> {
			clockReads.incrementAndGet();
			return time.getAsLong() + forward.get();
		}, () -> {} );
	}

	/**
	 * The clock of the pool goes on only when it is put forward.
	 */
	private void stopClock()
	{
		final long now = System.nanoTime();
		time = () -> now;
	}

	private Snippet register( final String name )
	{
		return pool.register( CellCode.of( "x" ), PythonLoaderOptions.options().name( name ), this );
	}

	private Snippet register( final String name, final Duration timeout )
	{
		return pool.register( CellCode.of( "x" ), PythonLoaderOptions.options().name( name ).timeout( timeout ), this );
	}

	private Thread threadOf( final String worker )
	{
		return Thread.getAllStackTraces().keySet().stream().filter( thread -> thread.getName().startsWith( fakes.get( worker ).name ) ).findAny().get();
	}

	private BlockTask submit( final Snippet snippet, final int number )
	{
		return pool.submit( fakes.request( snippet, number ) );
	}

	private List< BlockTask > submitAll( final Snippet snippet, final int... numbers )
	{
		final List< BlockTask > blocks = new ArrayList<>();
		for ( final int number : numbers )
			blocks.add( submit( snippet, number ) );
		return blocks;
	}

	/**
	 * @return a block that a worker has begun, and that does not end before {@link #release}
	 */
	private BlockTask submitHanging( final Snippet snippet, final int number ) throws InterruptedException
	{
		hangs( number );
		final BlockTask block = submit( snippet, number );
		hanging.await();
		return block;
	}

	/**
	 * @return a block that a worker has begun, and that does not end before its interpreter is
	 *         abandoned
	 */
	private BlockTask submitHangingUntilAbandoned( final Snippet snippet, final int number ) throws InterruptedException
	{
		onBlock( number, python -> {
			hang( hanging, python.control()::awaitAbandoned );
			return FakeInterpreters.done( python );
		} );
		final BlockTask block = submit( snippet, number );
		hanging.await();
		return block;
	}

	/**
	 * @return a loader whose code a worker has made ready, by a block with the number 0
	 */
	private Snippet small( final String name ) throws InterruptedException
	{
		// However long the machine needs.
		fakes.nanosOf = waited -> 1;
		final Snippet snippet = register( name );
		pool.await( submit( snippet, 0 ) );
		makeSmall( snippet );
		return snippet;
	}

	/**
	 * However long its blocks have taken, they are taken for the smallest from now on.
	 */
	private static void makeSmall( final Snippet snippet )
	{
		snippet.took( Long.MIN_VALUE / 2 );
	}

	/**
	 * Occupies a worker.
	 *
	 * @return lets it go on
	 */
	private Runnable occupy() throws InterruptedException
	{
		final CountDownLatch begun = new CountDownLatch( 1 );
		final CountDownLatch go = new CountDownLatch( 1 );
		pool.submit( python -> {
			begun.countDown();
			go.await();
			return null;
		} );
		begun.await();
		return go::countDown;
	}

	/**
	 * Puts the clock forward when the blocks that run are known to the thread that
	 * watches them: it reads the clock at least once, and at most twice, for each.
	 */
	private void exceedLimit( final int numBlocks )
	{
		final int before = clockReads.get();
		spinUntil( () -> clockReads.get() - before > 4 * numBlocks );
		// Blocks are timed by the clock of the system first, which may be ahead of one that is stopped.
		forward.addAndGet( 2 * LIMIT.toNanos() );
	}

	/**
	 * Lets the timeout of the only block that runs pass, and waits for its end.
	 */
	private void timeOut( final BlockTask block ) throws InterruptedException
	{
		exceedLimit( 1 );
		assertTrue( pool.await( block ).isTimedOut() );
	}

	/**
	 * A worker whose code was cancelled and still runs is abandoned soon after.
	 */
	private void exceedGrace()
	{
		forward.addAndGet( 2 * TimeoutWatch.GRACE_NANOS );
	}

	/**
	 * Waits until the thread that watches blocks has looked at all of them, or has abandoned
	 * all workers whose code was cancelled.
	 */
	private void awaitLooks( final FakeInterpreter.FakeControl... cancelled )
	{
		final int before = clockReads.get();
		spinUntil( () -> clockReads.get() - before > 8 || Arrays.stream( cancelled ).allMatch( FakeInterpreter.FakeControl::isAbandoned ) );
	}

	/**
	 * From now on, this is the code of the block with a certain number; the others are done at
	 * once.
	 */
	private void onBlock( final int number, final Function< FakeInterpreter, BlockResult > code )
	{
		fakes.onBlock = ( python, block ) -> block == number ? code.apply( python ) : FakeInterpreters.done( python );
	}

	/**
	 * From now on, a block does not end before {@link #release}.
	 */
	private void hangs( final int number )
	{
		onBlock( number, python -> {
			hang( hanging, release::await );
			return FakeInterpreters.done( python );
		} );
	}

	private static void hang( final CountDownLatch begun, final Waiting until )
	{
		begun.countDown();
		awaitUnchecked( until );
	}

	/**
	 * The interpreter ends by itself, with the block undone.
	 */
	private static BlockResult crash( final FakeInterpreter python )
	{
		python.loss = "crashed";
		return BlockResult.dropped();
	}

	private static void awaitUnchecked( final Waiting waiting )
	{
		try
		{
			waiting.await();
		}
		catch ( final InterruptedException e )
		{
			throw new CompletionException( e );
		}
	}

	private static void spinUntil( final BooleanSupplier condition )
	{
		while ( !condition.getAsBoolean() )
		{
			if ( Thread.currentThread().isInterrupted() )
				throw new AssertionError( "interrupted" );
			// There may be no more processors than threads that have work to do.
			Thread.yield();
		}
	}

	private void assertComputedBy( final String worker, final BlockTask block ) throws InterruptedException
	{
		assertEquals( worker, FakeInterpreters.role( pool.await( block ).worker() ) );
	}

	private void assertClosed( final BlockTask block )
	{
		assertThrows( PythonClosedException.class, () -> pool.await( block ) );
	}

	private static void assertClosed( final CompletableFuture< ? > promise )
	{
		assertInstanceOf( PythonClosedException.class, assertThrows( ExecutionException.class, promise::get ).getCause() );
	}

	/**
	 * @return which code was checked, by whom
	 */
	private List< String > checks()
	{
		return fakes.events( event -> event.contains( " check " ) );
	}

	private void awaitDone( final List< BlockTask > blocks ) throws InterruptedException
	{
		for ( final BlockTask block : blocks )
			assertNull( pool.await( block ).failure() );
	}

	/**
	 * Waits until the pool has a worker.
	 */
	private void awaitOpen()
	{
		spinUntil( () -> outcome( pool::requireOpen ) == null );
	}

	private static PythonException outcome( final Runnable action )
	{
		try
		{
			action.run();
			return null;
		}
		catch ( final PythonException e )
		{
			return e;
		}
	}

	private List< String > computedSince( final int numCalls )
	{
		final List< String > all = fakes.computed();
		return all.subList( numCalls, all.size() );
	}

	private static List< Throwable > causes( final Throwable thrown )
	{
		final List< Throwable > causes = new ArrayList<>();
		for ( Throwable cause = thrown; cause != null; cause = cause.getCause() )
			causes.add( cause );
		return causes;
	}
}
