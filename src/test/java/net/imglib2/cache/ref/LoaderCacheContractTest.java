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

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

import net.imglib2.cache.Cache;
import net.imglib2.cache.CacheLoader;
import net.imglib2.cache.LoaderCache;

/**
 * The behaviour that all caches have in common.
 */
@ParameterizedClass( name = "{0}" )
@EnumSource( CacheKind.class )
@Timeout( value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD )
class LoaderCacheContractTest
{
	private static final int NUM_THREADS = 16;

	private final CacheKind kind;

	private final LoaderCache< Integer, Object > cache;

	private final ExecutorService threads = Executors.newCachedThreadPool();

	/**
	 * All loaded values, so that none is garbage collected.
	 */
	private final Queue< Object > alive = new ConcurrentLinkedQueue<>();

	private final AtomicInteger loads = new AtomicInteger();

	/**
	 * Makes a new value with each call, and counts the calls.
	 */
	private final CacheLoader< Object, Object > loader = key -> {
		loads.incrementAndGet();
		final Object value = new Object();
		alive.add( value );
		return value;
	};

	LoaderCacheContractTest( final CacheKind kind )
	{
		this.kind = kind;
		this.cache = kind.create();
	}

	@AfterEach
	void noThreadIsLeft() throws InterruptedException
	{
		threads.shutdownNow();
		assertTrue( threads.awaitTermination( 30, TimeUnit.SECONDS ) );
	}

	/**
	 * Keys with the same hash code.
	 */
	record Colliding( int i )
	{
		@Override
		public int hashCode()
		{
			return 1;
		}
	}

	private < T > List< T > runInThreads( final int n, final Callable< T > task ) throws Exception
	{
		final CyclicBarrier start = new CyclicBarrier( n );
		final List< Future< T > > futures = new ArrayList<>();
		for ( int i = 0; i < n; i++ )
			futures.add( threads.submit( () -> {
				Wait.on( start );
				return task.call();
			} ) );
		final List< T > results = new ArrayList<>();
		for ( final Future< T > future : futures )
			results.add( future.get( 30, TimeUnit.SECONDS ) );
		return results;
	}

	// -- one key, several threads --

	@Test
	void threadsThatWaitForALoadGetItsValue() throws Exception
	{
		final CountDownLatch started = new CountDownLatch( 1 );
		final CountDownLatch finish = new CountDownLatch( 1 );
		final Queue< Object > results = new ConcurrentLinkedQueue<>();
		final Thread[] readers = new Thread[ NUM_THREADS ];
		for ( int i = 0; i < readers.length; i++ )
		{
			readers[ i ] = new Thread( () -> {
				try
				{
					results.add( cache.get( 1, key -> {
						started.countDown();
						Wait.on( finish );
						return loader.get( key );
					} ) );
				}
				catch ( final ExecutionException e )
				{
					results.add( e );
				}
			} );
			readers[ i ].start();
		}
		Wait.on( started );
		Wait.untilBlocked( readers );
		finish.countDown();
		for ( final Thread reader : readers )
			reader.join();

		assertEquals( Collections.nCopies( NUM_THREADS, alive.element() ), new ArrayList<>( results ) );
		assertEquals( 1, loads.get() );
	}

	@Test
	void threadsThatRaceThroughManyKeysLoadEachKeyOnce() throws Exception
	{
		final int numKeys = 20_000;
		final List< List< Object > > seen = runInThreads( 4, () -> {
			final List< Object > values = new ArrayList<>();
			for ( int key = 0; key < numKeys; key++ )
				values.add( cache.get( key, loader ) );
			return values;
		} );

		for ( final List< Object > values : seen )
			assertEquals( seen.get( 0 ), values );
		assertEquals( numKeys, loads.get() );
	}

	@Test
	void aKeyWhoseLoadsFailIsNeverLoadedTwiceAtTheSameTime() throws Exception
	{
		final AtomicInteger concurrent = new AtomicInteger();
		final AtomicInteger attempts = new AtomicInteger();
		final CacheLoader< Object, Object > failsOften = key -> {
			assertEquals( 1, concurrent.incrementAndGet() );
			try
			{
				if ( attempts.incrementAndGet() < 500 )
					throw new IOException();
				return loader.get( key );
			}
			finally
			{
				concurrent.decrementAndGet();
			}
		};
		runInThreads( NUM_THREADS, () -> {
			while ( true )
			{
				try
				{
					return cache.get( 1, failsOften );
				}
				catch ( final ExecutionException e )
				{
					assertInstanceOf( IOException.class, e.getCause() );
				}
			}
		} );

		assertEquals( 500, attempts.get() );
		assertEquals( 1, loads.get() );
	}

	@Test
	void aThreadThatWaitsForAFailingLoadThenLoadsItself() throws Exception
	{
		final CountDownLatch started = new CountDownLatch( 1 );
		final CountDownLatch fail = new CountDownLatch( 1 );
		final Future< Object > first = threads.submit( () -> cache.get( 1, key -> {
			started.countDown();
			Wait.on( fail );
			throw new IOException();
		} ) );
		Wait.on( started );
		final Queue< Object > result = new ConcurrentLinkedQueue<>();
		final Thread second = new Thread( () -> {
			try
			{
				result.add( cache.get( 1, loader ) );
			}
			catch ( final ExecutionException e )
			{
				result.add( e );
			}
		} );
		second.start();
		Wait.untilBlocked( second );
		fail.countDown();
		second.join();

		final ExecutionException e = assertThrows( ExecutionException.class, first::get );
		assertInstanceOf( IOException.class, e.getCause().getCause() );
		assertSame( alive.element(), result.element() );
	}

	@Test
	void getIfPresentDoesNotWaitForALoad() throws Exception
	{
		final CountDownLatch started = new CountDownLatch( 1 );
		final CountDownLatch finish = new CountDownLatch( 1 );
		final Future< Object > value = threads.submit( () -> cache.get( 1, key -> {
			started.countDown();
			Wait.on( finish );
			return loader.get( key );
		} ) );
		Wait.on( started );
		assertNull( cache.getIfPresent( 1 ) );
		finish.countDown();

		assertSame( value.get(), cache.getIfPresent( 1 ) );
	}

	// -- different keys --

	@Test
	void differentKeysLoadInParallel() throws Exception
	{
		final LoaderCache< Colliding, Object > colliding = kind.create();
		final CyclicBarrier allLoad = new CyclicBarrier( 4 );
		final AtomicInteger next = new AtomicInteger();
		runInThreads( 4, () -> colliding.get( new Colliding( next.getAndIncrement() ), key -> {
			Wait.on( allLoad );
			return loader.get( key );
		} ) );

		assertEquals( 4, loads.get() );
	}

	@Test
	void aLoaderMayGetAnotherKey() throws Exception
	{
		final LoaderCache< Colliding, Object > cache = kind.create();
		final Cache< Colliding, Object > recursive = cache.withLoader( new CacheLoader< Colliding, Object >()
		{
			@Override
			public Object get( final Colliding key ) throws Exception
			{
				final Object value = loader.get( key );
				return key.i == 0 ? value : List.of( value, cache.get( new Colliding( key.i - 1 ), this ) );
			}
		} );
		final Object value = recursive.get( new Colliding( 40 ) );

		assertEquals( 41, loads.get() );
		final Object previous = recursive.get( new Colliding( 39 ) );
		assertSame( previous, ( ( List< ? > ) value ).get( 1 ) );
		assertEquals( 41, loads.get() );
	}

	@Test
	void aFailureInARecursiveLoadReachesTheCaller()
	{
		final IOException failure = new IOException();
		final ExecutionException e = assertThrows( ExecutionException.class, () -> cache.get( 2, key -> cache.get( 1, k -> {
			throw failure;
		} ) ) );

		assertInstanceOf( ExecutionException.class, e.getCause() );
		assertSame( failure, e.getCause().getCause() );
	}

	// -- failures --

	@Test
	void aCheckedExceptionIsTheCauseOfAnExecutionException() throws Exception
	{
		assertIsCauseAndIsNotCached( new IOException( "checked" ) );
	}

	@Test
	void anUncheckedExceptionIsTheCauseOfAnExecutionException() throws Exception
	{
		assertIsCauseAndIsNotCached( new IllegalStateException( "unchecked" ) );
	}

	@Test
	void anInterruptedLoadSetsTheInterruptFlag() throws Exception
	{
		final InterruptedException failure = new InterruptedException();
		final ExecutionException e = assertThrows( ExecutionException.class, () -> cache.get( 1, key -> {
			throw failure;
		} ) );

		assertTrue( Thread.interrupted() );
		assertSame( failure, e.getCause() );
		assertSame( cache.get( 1, loader ), alive.element() );
	}

	@Test
	void anErrorIsThrownAsItIsAndNotCached() throws Exception
	{
		final Error failure = new OutOfMemoryError( "thrown by a test" );
		assertSame( failure, assertThrows( OutOfMemoryError.class, () -> cache.get( 1, key -> {
			throw failure;
		} ) ) );

		assertNull( cache.getIfPresent( 1 ) );
		assertSame( cache.get( 1, loader ), alive.element() );
	}

	@Test
	void nullFromALoaderIsNotCached() throws Exception
	{
		if ( kind == CacheKind.GUARDED_STRONG )
			assertInstanceOf( NullPointerException.class, assertThrows( ExecutionException.class, () -> cache.get( 1, key -> null ) ).getCause() );
		else
			assertNull( cache.get( 1, key -> null ) );

		assertNull( cache.getIfPresent( 1 ) );
		assertSame( cache.get( 1, loader ), alive.element() );
	}

	@Test
	void aNullKeyIsRefused()
	{
		assertThrows( NullPointerException.class, () -> cache.get( null, loader ) );
		assertThrows( NullPointerException.class, () -> cache.getIfPresent( null ) );
	}

	@Test
	void aFailureForOneKeyLeavesOthersAlone() throws Exception
	{
		final Object value = cache.get( 1, loader );
		assertThrows( ExecutionException.class, () -> cache.get( 2, key -> {
			throw new IOException();
		} ) );

		assertSame( value, cache.get( 1, loader ) );
		assertEquals( 1, loads.get() );
	}

	private void assertIsCauseAndIsNotCached( final Exception failure ) throws Exception
	{
		for ( int i = 0; i < 3; i++ )
		{
			final ExecutionException e = assertThrows( ExecutionException.class, () -> cache.get( 1, key -> {
				loads.incrementAndGet();
				throw failure;
			} ) );
			assertSame( failure, e.getCause() );
			assertFalse( Thread.interrupted() );
			assertNull( cache.getIfPresent( 1 ) );
		}
		assertEquals( 3, loads.get() );

		assertSame( cache.get( 1, loader ), alive.element() );
		assertSame( cache.getIfPresent( 1 ), alive.element() );
	}

	// -- looking up and forgetting --

	@Test
	void getIfPresentNeverLoads() throws Exception
	{
		assertNull( cache.getIfPresent( 1 ) );
		final Object value = cache.get( 1, loader );
		assertSame( value, cache.getIfPresent( 1 ) );
		assertNull( cache.getIfPresent( 2 ) );
	}

	@Test
	void keysAreComparedByEquals() throws Exception
	{
		final LoaderCache< String, Object > strings = kind.create();
		assertSame( strings.get( new String( "key" ), loader ), strings.get( new String( "key" ), loader ) );
	}

	@Test
	void invalidateForgetsOneEntryEvenIfItsValueIsInUse() throws Exception
	{
		final Object one = cache.get( 1, loader );
		final Object two = cache.get( 2, loader );
		cache.invalidate( 1 );
		cache.invalidate( 3 );

		assertNull( cache.getIfPresent( 1 ) );
		assertNotSame( one, cache.get( 1, loader ) );
		assertSame( two, cache.get( 2, loader ) );
		assertEquals( 3, loads.get() );
	}

	@Test
	void invalidateIfForgetsTheMatchingEntries() throws Exception
	{
		for ( final long parallelismThreshold : new long[] { 1, Long.MAX_VALUE } )
		{
			load( 0, 100 );
			cache.invalidateIf( parallelismThreshold, key -> key % 3 == 0 );
			for ( int key = 0; key < 100; key++ )
				assertEquals( key % 3 == 0, cache.getIfPresent( key ) == null );
		}
		cache.invalidateIf( key -> key % 3 == 1 );
		for ( int key = 0; key < 100; key++ )
			assertEquals( key % 3 != 2, cache.getIfPresent( key ) == null );
	}

	@Test
	void conditionMayReadTheCache() throws Exception
	{
		assumeTrue( LoaderCache.class.getResource( "/META-INF/imglib2-cache-subset" ) != null, "imglib2-cache does not promise that" );
		load( 0, 100 );
		cache.invalidateIf( key -> key % 3 == 0 & cache.getIfPresent( key ) != null );
		for ( int key = 0; key < 100; key++ )
			assertEquals( key % 3 == 0, cache.getIfPresent( key ) == null );
	}

	@Test
	void invalidateAllForgetsAllEntries() throws Exception
	{
		for ( final long parallelismThreshold : new long[] { 1, Long.MAX_VALUE } )
		{
			load( 0, 100 );
			cache.invalidateAll( parallelismThreshold );
			for ( int key = 0; key < 100; key++ )
				assertNull( cache.getIfPresent( key ) );
		}
		load( 0, 100 );
		cache.invalidateAll();
		load( 0, 100 );
		assertEquals( 400, loads.get() );
	}

	@Test
	void invalidateAfterAFailedLoadWorks() throws Exception
	{
		assertThrows( ExecutionException.class, () -> cache.get( 1, key -> {
			throw new IOException();
		} ) );
		cache.invalidate( 1 );
		cache.invalidateIf( key -> true );
		cache.invalidateAll();

		assertSame( cache.get( 1, loader ), alive.element() );
	}

	@Test
	void persistLeavesTheEntriesAlone() throws Exception
	{
		load( 0, 10 );
		cache.persist( 1 );
		cache.persist( 99 );
		cache.persistIf( key -> key < 5 );
		cache.persistAll();
		load( 0, 10 );

		assertEquals( 10, loads.get() );
	}

	private void load( final int from, final int to ) throws ExecutionException
	{
		for ( int key = from; key < to; key++ )
			cache.get( key, loader );
	}
}
