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
package net.imglib2.cache.python;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Collections;
import java.util.ConcurrentModificationException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BiConsumer;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import java.util.stream.Stream;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

import jep.DirectNDArray;
import net.imglib2.Interval;
import net.imglib2.cache.Cache;
import net.imglib2.cache.CacheLoader;
import net.imglib2.cache.LoaderCache;
import net.imglib2.cache.img.CachedCellImg;
import net.imglib2.cache.python.image.CellReader;
import net.imglib2.cache.ref.BoundedSoftRefLoaderCache;
import net.imglib2.cache.ref.GuardedStrongRefLoaderCache;
import net.imglib2.cache.ref.SoftRefLoaderCache;
import net.imglib2.cache.ref.WeakRefLoaderCache;
import net.imglib2.cache.util.KeyBimap;
import net.imglib2.img.basictypeaccess.nio.FloatBufferAccess;
import net.imglib2.img.cell.Cell;
import net.imglib2.img.cell.CellGrid;
import net.imglib2.type.numeric.real.FloatType;
import net.imglib2.util.Intervals;

/**
 * How invalidations and retries affect readers, and which listeners are told.
 */
@Timeout( 120 )
class InvalidationTest
{
	private static final CellGrid GRID = new CellGrid( new long[] { 6, 15, 35 }, new int[] { 4, 5, 7 } );

	private static final int NUM_CELLS = 30;

	private static PythonCacheLoaderQueue queue;

	/**
	 * Value of the pixels; negative if the code is to fail.
	 */
	private volatile int value = 1;

	private volatile Runnable whenComputing = () -> {};

	private final AtomicInteger computations = new AtomicInteger();

	/**
	 * Some caches drop values that nobody holds.
	 */
	private final List< Cell< ? > > held = new CopyOnWriteArrayList<>();

	@BeforeAll
	static void open()
	{
		queue = new PythonCacheLoaderQueue( 2 );
	}

	@AfterAll
	static void close()
	{
		queue.close();
	}

	static Stream< LoaderCache< Long, Cell< FloatBufferAccess > > > caches()
	{
		final KeyBimap< Long, String > names = KeyBimap.build( cell -> "a " + cell, name -> name.startsWith( "a " ) ? Long.valueOf( name.substring( 2 ) ) : null );
		return Stream.of( new GuardedStrongRefLoaderCache<>( 100 ), new SoftRefLoaderCache<>(), new WeakRefLoaderCache<>(), new BoundedSoftRefLoaderCache<>( 100 ),
				new WeightBoundedLoaderCache<>( 100, cell -> 1 ), new BoundedSoftRefLoaderCache< String, Cell< FloatBufferAccess > >( 100 ).mapKeys( names ),
				new StrictCache<>( new GuardedStrongRefLoaderCache<>( 100 ) ) );
	}

	static Stream< BiConsumer< PythonCacheLoader< ?, ? >, Cache< Long, ? > > > retries()
	{
		return Stream.of( ( loader, cache ) -> LongStream.range( 0, NUM_CELLS ).forEach( loader::retry ), ( loader, cache ) -> loader.retryAll() );
	}

	static Stream< BiConsumer< PythonCacheLoader< ?, ? >, Cache< Long, ? > > > invalidations()
	{
		return Stream.of(
				( loader, cache ) -> LongStream.range( 0, NUM_CELLS ).forEach( cache::invalidate ),
				( loader, cache ) -> cache.invalidateIf( 1, cell -> true ),
				// Asks the cache, too.
				( loader, cache ) -> cache.invalidateIf( cell -> cache.getIfPresent( cell ) != null || cell == 0 ),
				( loader, cache ) -> cache.invalidateAll(),
				( loader, cache ) -> cache.unchecked().invalidateAll( 1 ) );
	}

	static Stream< Arguments > retriesOfAllCaches()
	{
		return caches( retries() );
	}

	static Stream< Arguments > invalidationsOfAllCaches()
	{
		return caches( invalidations() );
	}

	static Stream< Arguments > allOfAllCaches()
	{
		return caches( Stream.concat( retries(), invalidations() ) );
	}

	private static Stream< Arguments > caches( final Stream< BiConsumer< PythonCacheLoader< ?, ? >, Cache< Long, ? > > > resets )
	{
		final List< BiConsumer< PythonCacheLoader< ?, ? >, Cache< Long, ? > > > all = resets.collect( Collectors.toList() );
		return all.stream().flatMap( reset -> caches().map( cache -> Arguments.of( cache, reset ) ) );
	}

	@ParameterizedTest
	@MethodSource( "allOfAllCaches" )
	void filledCellsAreComputedAnew( final LoaderCache< Long, Cell< FloatBufferAccess > > cells, final BiConsumer< PythonCacheLoader< ?, ? >, Cache< Long, ? > > reset )
	{
		final PythonCacheLoader< FloatType, FloatBufferAccess > loader = filling();
		final CachedCellImg< FloatType, FloatBufferAccess > img = loader.createCachedCellImg( cells );
		value = -1;
		assertPixels( 7, img );
		value = 2;
		assertPixels( 7, img );
		reset.accept( loader, img.getCache() );
		assertPixels( 2, img );
	}

	@ParameterizedTest
	@MethodSource( "invalidationsOfAllCaches" )
	void cellsThatWereBeingComputedAreNotKept( final LoaderCache< Long, Cell< FloatBufferAccess > > cells, final BiConsumer< PythonCacheLoader< ?, ? >, Cache< Long, ? > > reset ) throws Exception
	{
		final PythonCacheLoader< FloatType, FloatBufferAccess > loader = filling();
		final CachedCellImg< FloatType, FloatBufferAccess > img = loader.createCachedCellImg( cells );
		final float read = readWhile( img, () -> {
			value = 2;
			reset.accept( loader, img.getCache() );
		} );
		assertEquals( 1, read );
		assertPixels( 2, img );
		// Nothing holds it any more.
		img.getCache().invalidate( 0L );
		value = 3;
		assertEquals( 3, img.getAt( 0, 0, 0 ).get() );
	}

	@ParameterizedTest
	@MethodSource( "retriesOfAllCaches" )
	void readerOfACellThatIsRetriedMeanwhileGetsNoFilledOne( final LoaderCache< Long, Cell< FloatBufferAccess > > cells, final BiConsumer< PythonCacheLoader< ?, ? >, Cache< Long, ? > > retry )
			throws Exception
	{
		final PythonCacheLoader< FloatType, FloatBufferAccess > loader = filling();
		final CachedCellImg< FloatType, FloatBufferAccess > img = loader.createCachedCellImg( cells );
		value = -1;
		final float read = readWhile( img, () -> {
			value = 2;
			retry.accept( loader, img.getCache() );
		} );
		assertEquals( 2, read );
		assertEquals( 2, computations.get() );
		assertPixels( 2, img );
		assertEquals( NUM_CELLS + 1, computations.get() );
	}

	@ParameterizedTest
	@MethodSource( "retriesOfAllCaches" )
	void aRetryDoesNotAffectCellsThatAreBeingComputed( final LoaderCache< Long, Cell< FloatBufferAccess > > cells, final BiConsumer< PythonCacheLoader< ?, ? >, Cache< Long, ? > > retry ) throws Exception
	{
		final PythonCacheLoader< FloatType, FloatBufferAccess > loader = filling();
		final CachedCellImg< FloatType, FloatBufferAccess > img = loader.createCachedCellImg( cells );
		readWhile( img, () -> retry.accept( loader, img.getCache() ) );
		value = 2;
		assertEquals( 1, img.getAt( 0, 0, 0 ).get() );
		assertEquals( 1, computations.get() );
	}

	@Test
	void readersAfterARetryDoNotGetTheErrorOfAnOlderAttempt() throws Exception
	{
		final PythonCacheLoader< FloatType, FloatBufferAccess > loader = loader( PythonLoaderOptions.options() );
		final CachedCellImg< FloatType, FloatBufferAccess > img = loader.createCachedCellImg( 10 );
		value = -1;
		final AtomicReference< Thread > late = new AtomicReference<>();
		final CompletableFuture< Float > second = new CompletableFuture<>();
		assertThrows( ExecutionException.class, () -> readWhile( img, () -> {
			value = 2;
			loader.retry( 0 );
			late.set( new Thread( () -> {
				try
				{
					second.complete( img.getAt( 0, 0, 0 ).get() );
				}
				catch ( final RuntimeException e )
				{
					second.completeExceptionally( e );
				}
			} ) );
			late.get().start();
			while ( late.get().getState() != Thread.State.WAITING )
				Thread.onSpinWait();
		} ) );
		assertEquals( 2, second.get() );
	}

	@ParameterizedTest
	@MethodSource( "caches" )
	void readersGetRightPixelsDuringInvalidations( final LoaderCache< Long, Cell< FloatBufferAccess > > cells ) throws Exception
	{
		final PythonCacheLoader< FloatType, FloatBufferAccess > loader = filling();
		final CachedCellImg< FloatType, FloatBufferAccess > img = loader.createCachedCellImg( cells );
		final List< Throwable > errors = new CopyOnWriteArrayList<>();
		final CountDownLatch ended = new CountDownLatch( 1 );
		final List< Thread > readers = new ArrayList<>();
		for ( int i = 0; i < 4; ++i )
		{
			readers.add( new Thread( () -> {
				for ( long n = 0; ended.getCount() > 0; ++n )
					try
					{
						img.getCache().get( n % NUM_CELLS );
					}
					catch ( final Throwable t )
					{
						errors.add( t );
						return;
					}
			} ) );
		}
		readers.forEach( Thread::start );
		try
		{
			for ( int i = 1; i <= 20; ++i )
			{
				value = i % 2 == 0 ? i : -1;
				retries().forEach( retry -> retry.accept( loader, img.getCache() ) );
				// An interrupted thread excludes readers, too.
				Thread.currentThread().interrupt();
				invalidations().forEach( invalidation -> invalidation.accept( loader, img.getCache() ) );
				assertTrue( Thread.interrupted() );
				if ( i % 2 == 0 )
					assertPixels( i, img );
			}
		}
		finally
		{
			ended.countDown();
			for ( final Thread reader : readers )
				reader.join();
		}
		assertEquals( Collections.emptyList(), errors );
	}

	@Test
	void cacheThatLosesAnEntryWhileItIsReadIsAskedAgain() throws Exception
	{
		final FailingCache cells = new FailingCache();
		final Cache< Long, Cell< FloatBufferAccess > > cache = filling().createCachedCellImg( cells ).getCache();
		cells.failures = 2;
		assertNull( cache.getIfPresent( 0L ) );
		cells.failures = 2;
		assertEquals( 1, cache.get( 0L ).getData().getValue( 0 ) );
		cells.failures = 2;
		assertEquals( 1, cache.getIfPresent( 0L ).getData().getValue( 0 ) );
		cells.failures = Integer.MAX_VALUE;
		assertThrows( NullPointerException.class, () -> cache.getIfPresent( 0L ) );
		assertThrows( NullPointerException.class, () -> cache.get( 1L ) );
		cells.failures = 0;
		assertThrows( NullPointerException.class, () -> cache.get( null ) );
	}

	@Test
	void cacheCanCallBackWhenItInvalidates()
	{
		final AtomicReference< Cache< Long, ? > > cache = new AtomicReference<>();
		final List< Object > seen = new ArrayList<>();
		cache.set( filling().createCachedCellImg( new StrictCache< Cell< FloatBufferAccess > >( new SoftRefLoaderCache<>() )
		{
			@Override
			public void invalidate( final Long key )
			{
				seen.add( cache.get().getIfPresent( 1L ) );
				if ( key == 0 )
					cache.get().invalidate( 2L );
				super.invalidate( key );
			}
		} ).getCache() );
		held.add( ( Cell< ? > ) cache.get().unchecked().get( 1L ) );
		cache.get().invalidate( 0L );
		assertEquals( List.of( held.get( 0 ), held.get( 0 ) ), seen );
	}

	@Test
	void exceptionOfTheLoaderIsNotTakenForOneOfTheCache()
	{
		final NullPointerException own = new NullPointerException( "own" );
		final Cache< Long, Cell< FloatBufferAccess > > cache = filling().createCachedCellImg( 10 ).getCache();
		whenComputing = () -> {
			throw own;
		};
		assertSame( own, assertThrows( ExecutionException.class, () -> cache.get( 0L ) ).getCause() );
		assertEquals( 1, computations.get() );
	}

	/**
	 * The reader comes before the former computation fails, and looks for others that compute
	 * the cell after that.
	 */
	@Test
	void readersThatComeAfterAnInvalidationDoNotGetAFormerFailure() throws Exception
	{
		final AtomicReference< CountDownLatch > reading = new AtomicReference<>();
		final CountDownLatch failed = new CountDownLatch( 1 );
		final LoaderCache< Long, Cell< FloatBufferAccess > > cells = new StrictCache< Cell< FloatBufferAccess > >( new GuardedStrongRefLoaderCache<>( 100 ) )
		{
			@Override
			public Cell< FloatBufferAccess > getIfPresent( final Long key )
			{
				final CountDownLatch first = reading.getAndSet( null );
				if ( first != null )
				{
					first.countDown();
					assertDoesNotThrow( () -> failed.await() );
				}
				return super.getIfPresent( key );
			}
		};
		final Cache< Long, Cell< FloatBufferAccess > > cache = loader( PythonLoaderOptions.options() ).createCachedCellImg( cells ).getCache();
		final CountDownLatch computing = new CountDownLatch( 1 );
		final CountDownLatch invalidated = new CountDownLatch( 1 );
		value = -1;
		whenComputing = () -> {
			computing.countDown();
			assertDoesNotThrow( () -> invalidated.await() );
		};
		final CompletableFuture< Cell< FloatBufferAccess > > former = CompletableFuture.supplyAsync( () -> cache.unchecked().get( 0L ) );
		computing.await();
		value = 2;
		whenComputing = () -> {};
		cache.invalidateAll();
		final CountDownLatch arrived = new CountDownLatch( 1 );
		reading.set( arrived );
		final CompletableFuture< Cell< FloatBufferAccess > > read = CompletableFuture.supplyAsync( () -> cache.unchecked().get( 0L ) );
		arrived.await();
		invalidated.countDown();
		assertThrows( ExecutionException.class, former::get );
		failed.countDown();
		assertEquals( 2, read.get().getData().getValue( 0 ) );
	}

	@Test
	void invalidatesAlsoIfTheThreadIsInterrupted()
	{
		final PythonCacheLoader< FloatType, FloatBufferAccess > loader = filling();
		final CachedCellImg< FloatType, FloatBufferAccess > img = loader.createCachedCellImg( 100 );
		assertPixels( 1, img );
		value = 2;
		Thread.currentThread().interrupt();
		img.getCache().invalidateAll();
		assertTrue( Thread.interrupted() );
		assertPixels( 2, img );
	}

	// Listeners

	private final List< List< Long > > told = new CopyOnWriteArrayList<>();

	private void tell( final Predicate< Long > cells )
	{
		told.add( LongStream.range( 0, NUM_CELLS ).boxed().filter( cells ).collect( Collectors.toList() ) );
	}

	private static List< Long > cells( final long first, final long last )
	{
		return LongStream.rangeClosed( first, last ).boxed().collect( Collectors.toList() );
	}

	@Test
	void listenersAreToldWhichCellsAreInvalidated()
	{
		final PythonCacheLoader< FloatType, FloatBufferAccess > loader = filling();
		final Cache< Long, ? > cache = loader.createCachedCellImg( 100 ).getCache();
		final Runnable end = loader.onInvalidate( this::tell );
		cache.invalidate( 5L );
		cache.invalidateIf( cell -> cell < 3 );
		cache.invalidateAll();
		assertEquals( List.of( cells( 5, 5 ), cells( 0, 2 ), cells( 0, 29 ) ), told );
		end.run();
		end.run();
		cache.invalidateAll();
		assertEquals( 3, told.size() );
		assertEquals( "listener", assertThrows( NullPointerException.class, () -> loader.onInvalidate( null ) ).getMessage() );
	}

	@Test
	void listenersAreToldWhichFilledCellsAreToBeRetried() throws Exception
	{
		final PythonCacheLoader< FloatType, FloatBufferAccess > loader = filling();
		final CachedCellImg< FloatType, FloatBufferAccess > img = loader.createCachedCellImg( 0 );
		loader.onInvalidate( this::tell );
		loader.retryAll();
		loader.retry( 3 );
		value = -1;
		img.getCache().get( 3L );
		img.getCache().get( 4L );
		img.getCache().get( 5L );
		value = 1;
		img.getCache().get( 6L );
		// The cells need not be in the cache any more: a viewer may still show them.
		loader.retry( 6 );
		loader.retry( 4 );
		loader.retryAll();
		loader.retryAll();
		assertEquals( List.of( cells( 4, 4 ), List.of( 3L, 5L ) ), told );
	}

	@Test
	void listenerFindsTheCellsDropped()
	{
		final PythonCacheLoader< FloatType, FloatBufferAccess > loader = filling();
		final CachedCellImg< FloatType, FloatBufferAccess > img = loader.createCachedCellImg( 100 );
		final List< Float > seen = new CopyOnWriteArrayList<>();
		// The listener also reads by another thread: no lock is held.
		loader.onInvalidate( cells -> {
			seen.add( img.getAt( 0, 0, 0 ).get() );
			seen.add( assertDoesNotThrow( () -> CompletableFuture.supplyAsync( () -> img.getAt( 5, 14, 34 ).get() ).get( 30, TimeUnit.SECONDS ) ) );
		} );
		assertPixels( 1, img );
		value = 2;
		img.getCache().invalidateAll();
		assertEquals( List.of( 2f, 2f ), seen );
		seen.clear();
		value = -1;
		img.getCache().invalidateIf( cell -> true );
		value = 3;
		loader.retryAll();
		assertEquals( List.of( 7f, 7f, 3f, 3f ), seen );
	}

	@Test
	void invalidationsByAListenerAreNotReportedAgain()
	{
		final PythonCacheLoader< FloatType, FloatBufferAccess > loader = filling();
		final Cache< Long, ? > cache = loader.createCachedCellImg( 100 ).getCache();
		// Like a volatile cache, which invalidates the cache below it.
		loader.onInvalidate( cell -> {
			tell( cell );
			cache.invalidateIf( cell );
		} );
		loader.onInvalidate( this::tell );
		cache.invalidate( 7L );
		assertEquals( List.of( cells( 7, 7 ), cells( 7, 7 ) ), told );
		cache.invalidateAll();
		assertEquals( 4, told.size() );
	}

	@Test
	void listenerThatThrowsDoesNotKeepOthersFromBeingTold()
	{
		try (final LogRecords log = new LogRecords( CellReader.class ))
		{
			final PythonCacheLoader< FloatType, FloatBufferAccess > loader = filling();
			final Cache< Long, ? > cache = loader.createCachedCellImg( 100 ).getCache();
			final StackOverflowError thrown = new StackOverflowError();
			loader.onInvalidate( cells -> {
				throw thrown;
			} );
			loader.onInvalidate( this::tell );
			cache.invalidate( 7L );
			cache.invalidate( 8L );
			assertEquals( List.of( cells( 7, 7 ), cells( 8, 8 ) ), told );
			assertEquals( 2, log.records().size() );
			assertSame( thrown, log.records().get( 0 ).getThrown() );
		}
	}

	private PythonCacheLoader< FloatType, FloatBufferAccess > filling()
	{
		return loader( PythonLoaderOptions.options().onErrorFill( new FloatType( 7 ), error -> {} ) );
	}

	private PythonCacheLoader< FloatType, FloatBufferAccess > loader( final PythonLoaderOptions options )
	{
		final InputGenerator generator = interval -> {
			computations.incrementAndGet();
			final int pixel = value;
			whenComputing.run();
			return pixels( interval, pixel );
		};
		return PythonCacheLoader.fromInputGenerators( GRID, queue, "assert block.inputs[0][0, 0, 0] >= 0\nblock.data[...] = block.inputs[0]", new FloatType(), new FloatBufferAccess( 1, true ),
				Halo.empty( 3 ), options, Collections.singletonList( generator ) );
	}

	private static DirectNDArray< ByteBuffer > pixels( final Interval interval, final int value )
	{
		final ByteBuffer buffer = ByteBuffer.allocateDirect( ( int ) Intervals.numElements( interval ) ).order( ByteOrder.nativeOrder() );
		while ( buffer.hasRemaining() )
			buffer.put( ( byte ) value );
		buffer.clear();
		return new DirectNDArray<>( buffer, InputGenerator.getNDArrayShape( interval ) );
	}

	private void assertPixels( final float expected, final CachedCellImg< FloatType, FloatBufferAccess > img )
	{
		for ( long cell = 0; cell < NUM_CELLS; ++cell )
		{
			final long index = cell;
			final Cell< FloatBufferAccess > read = assertDoesNotThrow( () -> img.getCache().get( index ) );
			held.add( read );
			assertEquals( expected, read.getData().getValue( 0 ), () -> "cell " + index );
		}
	}

	/**
	 * Reads cell 0, and runs an action while it is computed.
	 */
	private float readWhile( final CachedCellImg< FloatType, FloatBufferAccess > img, final Runnable meanwhile ) throws Exception
	{
		final CountDownLatch computing = new CountDownLatch( 1 );
		final CountDownLatch done = new CountDownLatch( 1 );
		whenComputing = () -> {
			computing.countDown();
			assertDoesNotThrow( () -> done.await() );
		};
		final CompletableFuture< Cell< FloatBufferAccess > > read = CompletableFuture.supplyAsync( () -> img.getCache().unchecked().get( 0L ) );
		computing.await();
		whenComputing = () -> {};
		try
		{
			meanwhile.run();
		}
		finally
		{
			done.countDown();
		}
		held.add( read.get() );
		return read.get().getData().getValue( 0 );
	}

	/**
	 * Fails as caches may do if they are read while cells are invalidated.
	 */
	private static class StrictCache< V > implements LoaderCache< Long, V >
	{
		private final LoaderCache< Long, V > cache;

		private final AtomicInteger readers = new AtomicInteger();

		private final AtomicInteger invalidating = new AtomicInteger();

		/**
		 * Whether a condition is being asked.
		 */
		private volatile boolean asking;

		StrictCache( final LoaderCache< Long, V > cache )
		{
			this.cache = cache;
		}

		private void enter()
		{
			readers.incrementAndGet();
			requireAlone();
		}

		private void requireAlone()
		{
			if ( invalidating.get() > 0 )
				throw new ConcurrentModificationException( "read while cells are invalidated" );
		}

		private void invalidate( final Runnable invalidation )
		{
			invalidating.incrementAndGet();
			if ( readers.get() > 0 )
				throw new ConcurrentModificationException( "cells are invalidated while others are read" );
			invalidation.run();
			invalidating.decrementAndGet();
		}

		@Override
		public V getIfPresent( final Long key )
		{
			readers.incrementAndGet();
			try
			{
				if ( asking )
					throw new ConcurrentModificationException( "read while a condition is asked" );
				return cache.getIfPresent( key );
			}
			finally
			{
				readers.decrementAndGet();
			}
		}

		@Override
		public V get( final Long key, final CacheLoader< ? super Long, ? extends V > loader ) throws ExecutionException
		{
			enter();
			try
			{
				return cache.get( key, missing -> {
					readers.decrementAndGet();
					try
					{
						return loader.get( missing );
					}
					finally
					{
						enter();
					}
				} );
			}
			finally
			{
				readers.decrementAndGet();
			}
		}

		@Override
		public void invalidate( final Long key )
		{
			invalidate( () -> cache.invalidate( key ) );
		}

		@Override
		public void invalidateIf( final long parallelismThreshold, final Predicate< Long > condition )
		{
			invalidate( () -> {
				asking = true;
				cache.invalidateIf( parallelismThreshold, condition );
				asking = false;
			} );
		}

		@Override
		public void invalidateAll( final long parallelismThreshold )
		{
			invalidate( () -> cache.invalidateAll( parallelismThreshold ) );
		}

		@Override
		public void persist( final Long key )
		{}

		@Override
		public void persistIf( final Predicate< Long > condition )
		{}

		@Override
		public void persistAll()
		{}
	}

	/**
	 * Fails as if each entry was removed while it is read.
	 */
	private static final class FailingCache extends SoftRefLoaderCache< Long, Cell< FloatBufferAccess > >
	{
		private int failures;

		private void fail()
		{
			if ( failures > 0 )
			{
				--failures;
				throw new NullPointerException( "this.ref is null" );
			}
		}

		@Override
		public Cell< FloatBufferAccess > getIfPresent( final Long key )
		{
			fail();
			return super.getIfPresent( key );
		}

		@Override
		public Cell< FloatBufferAccess > get( final Long key, final CacheLoader< ? super Long, ? extends Cell< FloatBufferAccess > > loader ) throws ExecutionException
		{
			fail();
			return super.get( key, loader );
		}
	}
}
