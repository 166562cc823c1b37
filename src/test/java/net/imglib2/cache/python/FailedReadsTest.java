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
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.stream.Stream;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import jep.DirectNDArray;
import net.imglib2.Interval;
import net.imglib2.RandomAccessible;
import net.imglib2.cache.Cache;
import net.imglib2.cache.LoaderCache;
import net.imglib2.cache.img.CachedCellImg;
import net.imglib2.cache.python.block.BlockInput;
import net.imglib2.cache.python.protocol.CellCode;
import net.imglib2.cache.python.image.CellFailures;
import net.imglib2.cache.python.image.CellReader;
import net.imglib2.cache.python.image.CellSpec;
import net.imglib2.cache.ref.BoundedSoftRefLoaderCache;
import net.imglib2.cache.ref.GuardedStrongRefLoaderCache;
import net.imglib2.cache.ref.SoftRefLoaderCache;
import net.imglib2.img.basictypeaccess.array.ArrayDataAccess;
import net.imglib2.img.basictypeaccess.array.FloatArray;
import net.imglib2.img.basictypeaccess.nio.BufferAccess;
import net.imglib2.img.basictypeaccess.nio.FloatBufferAccess;
import net.imglib2.img.cell.Cell;
import net.imglib2.img.cell.CellGrid;
import net.imglib2.type.NativeType;
import net.imglib2.type.numeric.integer.UnsignedByteType;
import net.imglib2.type.numeric.integer.UnsignedVariableBitLengthType;
import net.imglib2.type.numeric.real.DoubleType;
import net.imglib2.type.numeric.real.FloatType;
import net.imglib2.util.Cast;
import net.imglib2.util.ConstantUtils;
import net.imglib2.util.Intervals;
import net.imglib2.view.Views;

/**
 * What each reader of a failing cell gets, and when the code runs again.
 */
@Tag( "each-mode" )
class FailedReadsTest
{
	private static final int THREADS = 8;

	private static final CellGrid GRID = new CellGrid( new long[] { 6, 15, 35 }, new int[] { 4, 5, 7 } );

	private static final String CODE = "if block.inputs[0].any(): raise ValueError('bad')\nblock.data[...] = 1";

	private static PythonCacheLoaderQueue queue;

	/**
	 * Whether the code fails.
	 */
	private volatile boolean bad = true;

	private final AtomicInteger attempts = new AtomicInteger();

	private final AtomicLong nanos = new AtomicLong( System.nanoTime() );

	private final List< PythonCellException > reports = new CopyOnWriteArrayList<>();

	private final PythonLoaderOptions throwing = PythonLoaderOptions.options();

	private final PythonLoaderOptions filling = throwing.onErrorFill( new FloatType( 7 ), reports::add );

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

	// Readers that wait

	static Stream< LoaderCache< Long, Cell< FloatBufferAccess > > > caches()
	{
		return Stream.of( new GuardedStrongRefLoaderCache<>( 10 ), new SoftRefLoaderCache<>(), new BoundedSoftRefLoaderCache<>( 10 ), new WeightBoundedLoaderCache<>( 10, cell -> 1 ) );
	}

	@ParameterizedTest
	@MethodSource( "caches" )
	void allWhoWaitForACellGetTheSameError( final LoaderCache< Long, Cell< FloatBufferAccess > > cells ) throws Exception
	{
		final AtomicReference< List< Thread > > readers = new AtomicReference<>( Collections.emptyList() );
		final Cache< Long, Cell< FloatBufferAccess > > cache = loader( throwing, () -> {
			final List< Thread > others = new ArrayList<>( readers.get() );
			others.remove( Thread.currentThread() );
			awaitWaiting( others );
		} ).createCachedCellImg( cells ).getCache();
		// Classes are loaded before, so that no thread waits for class loading.
		bad = false;
		cache.get( 1L );
		bad = true;
		attempts.set( 0 );

		final List< Throwable > errors = new CopyOnWriteArrayList<>();
		final List< Thread > threads = new ArrayList<>();
		for ( int i = 0; i < THREADS; ++i )
			threads.add( new Thread( () -> errors.add( assertThrows( ExecutionException.class, () -> cache.get( 0L ) ).getCause() ) ) );
		readers.set( threads );
		threads.forEach( Thread::start );
		for ( final Thread thread : threads )
			thread.join();
		assertEquals( THREADS, errors.size() );
		for ( final Throwable error : errors )
			assertSame( errors.get( 0 ), error );
		assertInstanceOf( PythonCellException.class, errors.get( 0 ) );
		assertEquals( 1, attempts.get() );

		readers.set( Collections.emptyList() );
		bad = false;
		assertEquals( 1, cache.get( 0L ).getData().getValue( 0 ) );
		assertEquals( 2, attempts.get() );
	}

	@Test
	void readersOfTheLoaderItselfCountFromTheirCall()
	{
		final PythonCacheLoader< FloatType, FloatBufferAccess > loader = loader( throwing );
		final PythonCellException first = error( loader );
		final PythonCellException second = error( loader );
		assertNotSame( first, second );
		assertEquals( 2, attempts.get() );
		assertSame( second, error( loader ).getCause() );
		assertEquals( 2, attempts.get() );
	}

	private static void awaitWaiting( final List< Thread > threads )
	{
		awaitStates( threads, EnumSet.of( Thread.State.BLOCKED, Thread.State.WAITING ) );
	}

	private static void awaitStates( final List< Thread > threads, final Set< Thread.State > waiting )
	{
		final long end = System.nanoTime() + TimeUnit.SECONDS.toNanos( 30 );
		while ( !threads.stream().map( Thread::getState ).allMatch( waiting::contains ) )
		{
			assertTrue( System.nanoTime() < end, "threads do not wait" );
			Thread.onSpinWait();
		}
	}

	// Pauses between attempts

	@Test
	void readsInATightLoopDoNotRunTheCode()
	{
		final CachedCellImg< FloatType, FloatBufferAccess > img = loader( throwing ).createCachedCellImg( 10 );
		error( img );
		error( img );
		assertEquals( 2, attempts.get() );
		final PythonCellException repetition = error( img );
		assertNotNull( repetition.getNextAttempt() );
		for ( int i = 0; i < 3; ++i )
			assertSame( repetition, error( img ) );
		assertEquals( 2, attempts.get() );

		nanos.addAndGet( TimeUnit.MILLISECONDS.toNanos( 20 ) );
		assertNull( error( img ).getNextAttempt() );
		assertEquals( 3, attempts.get() );
		nanos.addAndGet( TimeUnit.MILLISECONDS.toNanos( 39 ) );
		assertNotNull( error( img ).getNextAttempt() );
		assertEquals( 3, attempts.get() );
		nanos.addAndGet( TimeUnit.MILLISECONDS.toNanos( 1 ) );
		bad = false;
		assertEquals( 1, img.getAt( 0, 0, 0 ).get() );
		assertEquals( 4, attempts.get() );
	}

	// Readers that read again at once

	/**
	 * A thread that is interrupted does not pass a place where it has to wait.
	 */
	private static void assertWaits( final Cache< Long, ? > cache )
	{
		Thread.currentThread().interrupt();
		final ExecutionException e = assertThrows( ExecutionException.class, () -> cache.get( 0L ) );
		assertTrue( Thread.interrupted() );
		assertInstanceOf( InterruptedException.class, e.getCause() );
	}

	private static void assertWaits( final PythonCacheLoader< ?, ? > loader )
	{
		Thread.currentThread().interrupt();
		assertThrows( InterruptedException.class, () -> loader.get( 0L ) );
	}

	@Test
	void readerOfARepetitionWaits()
	{
		final PythonCacheLoader< FloatType, FloatBufferAccess > loader = loader( throwing );
		final CachedCellImg< FloatType, FloatBufferAccess > img = loader.createCachedCellImg( 10 );
		error( img );
		error( img );
		assertEquals( 2, attempts.get() );
		for ( int i = 0; i < 3; ++i )
		{
			assertWaits( img.getCache() );
			assertWaits( loader );
		}
		assertEquals( 2, attempts.get() );
		// The reader does not wait when it can get more than an error.
		bad = false;
		assertEquals( 1, img.getAt( 5, 14, 34 ).get() );
	}

	@Test
	void readersOfAFilledCellDoNotWait() throws Exception
	{
		final PythonCacheLoader< FloatType, FloatBufferAccess > loader = loader( filling );
		loader.get( 0L );
		loader.get( 0L );
		for ( int i = 0; i < 3; ++i )
		{
			Thread.currentThread().interrupt();
			assertEquals( 7, loader.get( 0L ).getData().getValue( 0 ) );
			assertTrue( Thread.interrupted() );
		}
		assertEquals( 2, attempts.get() );
	}

	@Test
	void waitingReaderBlocksNoOtherReader() throws Exception
	{
		final PythonCacheLoader< FloatType, FloatBufferAccess > loader = loader( throwing );
		final CachedCellImg< FloatType, FloatBufferAccess > img = loader.createCachedCellImg( 10 );
		error( img );
		error( img );
		final List< Thread > waiting = new ArrayList<>();
		final CountDownLatch ended = new CountDownLatch( 1 );
		for ( int i = 0; i < THREADS; ++i )
			waiting.add( new Thread( () -> {
				while ( ended.getCount() > 0 )
					assertThrows( ExecutionException.class, () -> img.getCache().get( 0L ) );
			} ) );
		waiting.forEach( Thread::start );
		// If they ran one after the other, the last one would be blocked for ever.
		awaitStates( waiting, EnumSet.of( Thread.State.TIMED_WAITING ) );
		ended.countDown();
		for ( final Thread thread : waiting )
			thread.join();
	}

	@Test
	void readerOfAnImageWhoseInputRepeatsItsErrorWaits()
	{
		final PythonCacheLoader< FloatType, FloatBufferAccess > outer = loader( GRID, "block.data[...] = block.inputs[0]", throwing, loader( throwing ).createCachedCellImg( 10 ) );
		final CachedCellImg< FloatType, ? > img = outer.createCachedCellImg( 10 );
		error( img );
		error( img );
		assertEquals( 2, attempts.get() );
		assertWaits( img.getCache() );
		assertWaits( outer );
		outer.retry( 0 );
		assertNull( error( img ).getNextAttempt() );
		assertWaits( img.getCache() );
	}

	@Test
	void otherCellsThatNeedTheSameFailingInputDoNotWait()
	{
		final PythonCacheLoader< FloatType, FloatBufferAccess > loader = loader( throwing );
		final LoaderCache< Long, Cell< FloatBufferAccess > > own = new SoftRefLoaderCache<>();
		assertOthersDoNotWait( loader.createCachedCellImg( 10 ) );
		loader.retryAll();
		attempts.set( 0 );
		assertOthersDoNotWait( new CachedCellImg<>( GRID, new FloatType(), own.withLoader( loader ), new FloatBufferAccess( 1, true ) ) );
	}

	private void assertOthersDoNotWait( final CachedCellImg< FloatType, FloatBufferAccess > inner )
	{
		error( inner );
		error( inner );
		final CachedCellImg< FloatType, FloatBufferAccess > outer = loader( new CellGrid( new long[] { 4, 5, 7 }, new int[] { 1, 1, 1 } ), "block.data[...] = block.inputs[0]", throwing, inner )
				.createCachedCellImg( 10 );
		for ( long cell = 0; cell < 140; ++cell )
		{
			final long read = cell;
			Thread.currentThread().interrupt();
			assertInstanceOf( PythonCellException.class, assertThrows( ExecutionException.class, () -> outer.getCache().get( read ) ).getCause() );
			assertTrue( Thread.interrupted() );
		}
		assertEquals( 2, attempts.get() );
	}

	@Test
	void repeatedReadsFromAClosedQueueWait()
	{
		for ( final PythonLoaderOptions options : new PythonLoaderOptions[] { throwing, filling } )
		{
			final PythonCacheLoaderQueue own = new PythonCacheLoaderQueue( 1 );
			final PythonCacheLoader< FloatType, FloatBufferAccess > loader = loader( own, options, () -> {} );
			final CachedCellImg< FloatType, FloatBufferAccess > img = loader.createCachedCellImg( 10 );
			own.close();
			for ( long cell = 0; cell < 3; ++cell )
			{
				final long read = cell;
				assertInstanceOf( PythonClosedException.class, assertThrows( ExecutionException.class, () -> img.getCache().get( read ) ).getCause() );
			}
			assertWaits( img.getCache() );
			assertWaits( loader );
			assertInstanceOf( PythonClosedException.class, assertThrows( ExecutionException.class, () -> img.getCache().get( 0L ) ).getCause() );
			img.getCache().invalidateAll();
			Thread.currentThread().interrupt();
			assertThrows( PythonClosedException.class, () -> loader.get( 0L ) );
			assertTrue( Thread.interrupted() );
		}
	}

	@Test
	void repeatedReadsOfAnInputThatFailsWait()
	{
		final PythonCacheLoader< FloatType, FloatBufferAccess > loader = loader( queue, throwing, interval -> {
			throw new IllegalStateException( "no such file" );
		} );
		assertThrows( IllegalStateException.class, () -> loader.get( 0L ) );
		assertWaits( loader );
		nanos.addAndGet( TimeUnit.SECONDS.toNanos( 1 ) + 1 );
		assertThrows( IllegalStateException.class, () -> loader.get( 0L ) );
	}

	@Test
	void successEndsThePauses()
	{
		final PythonCacheLoader< FloatType, FloatBufferAccess > loader = loader( throwing );
		for ( int i = 0; i < 5; ++i )
		{
			error( loader );
			nanos.addAndGet( TimeUnit.SECONDS.toNanos( 10 ) );
		}
		bad = false;
		pixel( loader.createCachedCellImg( 10 ) );
		bad = true;
		assertEquals( 6, attempts.get() );
		error( loader );
		error( loader );
		assertEquals( 8, attempts.get() );
	}

	static Stream< BiConsumer< PythonCacheLoader< ?, ? >, Cache< Long, ? > > > resets()
	{
		return Stream.of(
				( loader, cache ) -> loader.retry( 0 ),
				( loader, cache ) -> loader.retryAll(),
				( loader, cache ) -> cache.invalidate( 0L ),
				( loader, cache ) -> cache.invalidateIf( cell -> cell == 0 ),
				( loader, cache ) -> cache.invalidateAll(),
				( loader, cache ) -> cache.unchecked().invalidate( 0L ) );
	}

	@ParameterizedTest
	@MethodSource( "resets" )
	void aResetEndsThePause( final BiConsumer< PythonCacheLoader< ?, ? >, Cache< Long, ? > > reset )
	{
		final PythonCacheLoader< FloatType, FloatBufferAccess > loader = loader( throwing );
		final CachedCellImg< FloatType, FloatBufferAccess > img = loader.createCachedCellImg( 10 );
		for ( int i = 0; i < 5; ++i )
			error( img );
		assertEquals( 2, attempts.get() );
		reset.accept( loader, img.getCache() );
		error( img );
		error( img );
		error( img );
		assertEquals( 4, attempts.get() );
	}

	@ParameterizedTest
	@MethodSource( "resets" )
	void aResetComputesAFilledCellAnewAndLeavesTheOthers( final BiConsumer< PythonCacheLoader< ?, ? >, Cache< Long, ? > > reset )
	{
		final PythonCacheLoader< FloatType, FloatBufferAccess > loader = loader( filling );
		final CachedCellImg< FloatType, FloatBufferAccess > img = loader.createCachedCellImg( 10 );
		assertEquals( 7, pixel( img ) );
		bad = false;
		assertEquals( 1, img.getAt( 5, 14, 34 ).get() );
		assertEquals( 7, pixel( img ) );
		assertEquals( 2, attempts.get() );
		reset.accept( loader, img.getCache() );
		assertEquals( 1, pixel( img ) );
		assertEquals( 3, attempts.get() );
		// Computed cells stay in the cache: only a retry can tell the cells apart.
		loader.retry( 0 );
		loader.retryAll();
		assertEquals( 1, pixel( img ) );
		assertEquals( 3, attempts.get() );
	}

	@Test
	void retryReachesAllImagesAndAllCaches() throws Exception
	{
		final PythonCacheLoader< FloatType, FloatBufferAccess > loader = loader( filling );
		final List< CachedCellImg< FloatType, FloatBufferAccess > > imgs = new ArrayList<>();
		caches().forEach( cache -> imgs.add( loader.createCachedCellImg( cache ) ) );
		for ( final Consumer< PythonCacheLoader< ?, ? > > retry : Arrays.< Consumer< PythonCacheLoader< ?, ? > > >asList( l -> l.retry( 0 ), PythonCacheLoader::retryAll ) )
		{
			bad = true;
			for ( final CachedCellImg< FloatType, FloatBufferAccess > img : imgs )
				assertEquals( 7, pixel( img ) );
			bad = false;
			retry.accept( loader );
			for ( final CachedCellImg< FloatType, FloatBufferAccess > img : imgs )
			{
				assertEquals( 1, pixel( img ) );
				img.getCache().invalidateAll();
			}
		}
		assertEquals( "cell 1000 does not exist: the grid has 30 cells, from 0 on", assertThrows( IllegalArgumentException.class, () -> loader.retry( 1000 ) ).getMessage() );
	}

	@Test
	void closedQueueIsReportedAlsoDuringAPause()
	{
		for ( final PythonLoaderOptions options : new PythonLoaderOptions[] { throwing, filling } )
		{
			final PythonCacheLoader< FloatType, FloatBufferAccess > loader;
			final CachedCellImg< FloatType, FloatBufferAccess > img;
			try (final PythonCacheLoaderQueue own = new PythonCacheLoaderQueue( 1 ))
			{
				loader = loader( own, options, () -> {} );
				img = loader.createCachedCellImg( 10 );
				for ( int i = 0; i < 3; ++i )
					assertThrows( Exception.class, () -> {
						loader.get( 0L );
						throw new Exception( "filled" );
					} );
			}
			assertThrows( PythonClosedException.class, () -> loader.get( 0L ) );
			assertInstanceOf( PythonClosedException.class, assertThrows( ExecutionException.class, () -> img.getCache().get( 0L ) ).getCause() );
		}
	}

	// Cells that are filled

	@Test
	void filledCellIsCachedAndReportedOnce()
	{
		final PythonCacheLoader< FloatType, FloatBufferAccess > loader = loader( filling );
		final CachedCellImg< FloatType, FloatBufferAccess > img = loader.createCachedCellImg( 10 );
		for ( int i = 0; i < 100; ++i )
			assertEquals( 7, pixel( img ) );
		assertEquals( 1, attempts.get() );
		assertEquals( 1, reports.size() );
		assertEquals( 0, reports.get( 0 ).getIndex() );
		assertEquals( "bad", reports.get( 0 ).getPythonMessage() );
		// As after an eviction.
		final CachedCellImg< FloatType, FloatBufferAccess > other = loader.createCachedCellImg( 10 );
		assertEquals( 7, pixel( other ) );
		assertEquals( 2, attempts.get() );
		assertEquals( 1, reports.size() );
		assertEquals( 7, pixel( loader.createCachedCellImg( 10 ) ) );
		assertEquals( 2, attempts.get() );

		img.getAt( 5, 14, 34 );
		assertEquals( 2, reports.size() );
		loader.retryAll();
		pixel( img );
		pixel( other );
		assertEquals( 3, reports.size() );
		loader.retry( 0 );
		bad = false;
		pixel( img );
		bad = true;
		pixel( other );
		assertEquals( 4, reports.size() );
	}

	@Test
	void cellsOfAllTypesAreFilled() throws Exception
	{
		for ( final NativeType< ? > type : TestPixels.types() )
			assertFilled( Cast.unchecked( type ) );
	}

	private static < T extends NativeType< T > > void assertFilled( final T type ) throws Exception
	{
		final T value = type.createVariable();
		TestPixels.set( Cast.unchecked( value ), 1, 4 );
		final T copy = value.copy();
		final PythonLoaderOptions options = PythonLoaderOptions.options().onErrorFill( value, error -> {} );
		TestPixels.set( Cast.unchecked( value ), 2, 4 );
		final CachedCellImg< T, ? extends BufferAccess< ? > > img = PythonCacheLoader.fromRandomAccessibles( GRID, queue, "1 / 0", type, Halo.empty( 3 ), options ).createCachedCellImg( 100 );
		for ( final T pixel : Views.interval( img, new long[] { 3, 9, 28 }, new long[] { 5, 14, 34 } ) )
			assertTrue( copy.valueEquals( pixel ), () -> type.getClass().getSimpleName() + ": " + pixel + " instead of " + copy );
	}

	@Test
	void cellsInArraysAreFilled()
	{
		final CachedCellImg< FloatType, FloatArray > img = loader( GRID, queue, "1 / 0", new FloatArray( 1 ), filling, Collections.emptyList() ).createCachedCellImg( 100 );
		img.forEach( pixel -> assertEquals( 7, pixel.get() ) );
		assertEquals( 30, reports.size() );
	}

	@Test
	void listenerCanThrow()
	{
		try (final LogRecords log = new LogRecords( CellReader.class ))
		{
			final StackOverflowError thrown = new StackOverflowError();
			final PythonLoaderOptions options = throwing.name( "bad filter" ).onErrorFill( new FloatType( 7 ), error -> {
				throw thrown;
			} );
			assertEquals( 7, pixel( loader( options ).createCachedCellImg( 10 ) ) );
			assertEquals( 1, log.records().size() );
			assertSame( thrown, log.records().get( 0 ).getThrown() );
			assertTrue( log.records().get( 0 ).getMessage().startsWith( "The listener of bad filter failed when it was told: Cell 0 " ), log.records().get( 0 ).getMessage() );
		}
	}

	@Test
	void listenerCanReadTheImage()
	{
		final AtomicReference< CachedCellImg< FloatType, FloatBufferAccess > > img = new AtomicReference<>();
		final PythonLoaderOptions options = throwing.onErrorFill( new FloatType( 7 ), error -> {
			reports.add( error );
			assertEquals( 7, pixel( img.get() ) );
		} );
		img.set( loader( options ).createCachedCellImg( 10 ) );
		assertEquals( 7, pixel( img.get() ) );
		assertEquals( 1, reports.size() );
	}

	@Test
	void listenerCanWaitForOthersThatReadTheCell()
	{
		final AtomicReference< CachedCellImg< FloatType, FloatBufferAccess > > img = new AtomicReference<>();
		final List< Float > values = new CopyOnWriteArrayList<>();
		final PythonLoaderOptions options = throwing.onErrorFill( new FloatType( 7 ), error -> {
			final CompletableFuture< Float > other = CompletableFuture.supplyAsync( () -> pixel( img.get() ) );
			values.add( assertDoesNotThrow( () -> other.get( 10, TimeUnit.SECONDS ) ) );
		} );
		img.set( loader( options ).createCachedCellImg( 10 ) );
		assertEquals( 7, pixel( img.get() ) );
		assertEquals( Collections.singletonList( 7f ), values );
	}

	@Test
	void failuresThatTheCodeDidNotCauseAreNotFilled()
	{
		final Exception[] others = { new IllegalStateException( "no such file" ), new NativeMemoryException( 1, 2, 3, null ), new InterruptedException() };
		for ( final Exception other : others )
		{
			final InputGenerator failing = interval -> {
				throw other;
			};
			final PythonCacheLoader< FloatType, FloatBufferAccess > loader = loader( queue, filling, failing );
			for ( int i = 0; i < 5; ++i )
				assertSame( other, assertThrows( Exception.class, () -> loader.get( 0L ) ) );
		}
		assertEquals( 0, reports.size() );
	}

	@Test
	void interruptedReaderGetsNoFilledCell() throws Exception
	{
		try (final PythonCacheLoaderQueue own = new PythonCacheLoaderQueue( 1 ))
		{
			final PythonCacheLoader< FloatType, FloatBufferAccess > loader = loader( own, filling, () -> {} );
			final CountDownLatch read = new CountDownLatch( 1 );
			final Future< Boolean > occupied = own.submit( python -> read.await( 30, TimeUnit.SECONDS ) );
			Thread.currentThread().interrupt();
			assertThrows( InterruptedException.class, () -> loader.get( 0L ) );
			read.countDown();
			assertTrue( occupied.get() );
			assertEquals( 0, reports.size() );
		}
	}

	@Test
	void fillValueMustBeOfTheImagesType()
	{
		assertEquals( "cells that fail shall be filled with 2.0, a DoubleType, but the image has pixels of FloatType: choose a value of that type",
				refusal( new DoubleType( 2 ), new FloatType() ) );
		assertEquals( "cells that fail shall be filled with 2, a UnsignedVariableBitLengthType, but the image has pixels of UnsignedVariableBitLengthType of another number of bits: "
				+ "choose a value of that type", refusal( new UnsignedVariableBitLengthType( 2, 7 ), new UnsignedVariableBitLengthType( 6 ) ) );
		assertEquals( "value", assertThrows( NullPointerException.class, () -> throwing.onErrorFill( ( FloatType ) null, reports::add ) ).getMessage() );
		assertEquals( "listener", assertThrows( NullPointerException.class, () -> throwing.onErrorFill( new FloatType(), null ) ).getMessage() );
	}

	private < V extends NativeType< V >, T extends NativeType< T > > String refusal( final V value, final T type )
	{
		final PythonLoaderOptions options = throwing.onErrorFill( value, reports::add );
		return assertThrows( IllegalArgumentException.class, () -> PythonCacheLoader.fromRandomAccessibles( GRID, queue, "", type, Halo.empty( 3 ), options ) ).getMessage();
	}

	// Failing inputs

	@Test
	void failureOfAnInputIsTheCause()
	{
		final CachedCellImg< FloatType, FloatBufferAccess > input = loader( throwing.name( "inner" ) ).createCachedCellImg( 10 );
		final PythonCacheLoader< FloatType, FloatBufferAccess > outer = loader( GRID, "block.data[...] = block.inputs[1] + 1", throwing.name( "outer" ),
				ConstantUtils.constantRandomAccessible( new UnsignedByteType( 1 ), 3 ), input );
		final PythonCellException e = assertThrows( PythonCellException.class, () -> outer.get( 0L ) );
		assertEquals( "outer", e.getLoaderName() );
		assertEquals( 2, e.getInputIntervals().size() );
		final PythonCellException cause = assertInstanceOf( PythonCellException.class, e.getCause() );
		assertEquals( "inner", cause.getLoaderName() );
		assertEquals( "bad", e.getPythonMessage() );
		assertTrue( e.getMessage().startsWith( "Cell 0 [(0, 0, 0) -- (3, 4, 6) = 4x5x7] of outer failed: input 1 needs cell 0 [(0, 0, 0) -- (3, 4, 6) = 4x5x7] of inner, which failed: ValueError: bad" ),
				e.getMessage() );
	}

	@Test
	void inputThatRecoversDoesNotMakeItsReadersWait()
	{
		final PythonCacheLoader< FloatType, FloatBufferAccess > inner = loader( throwing );
		final CachedCellImg< FloatType, FloatBufferAccess > outer = loader( GRID, "block.data[...] = block.inputs[0] + 1", throwing, inner.createCachedCellImg( 10 ) ).createCachedCellImg( 10 );
		for ( int i = 0; i < 4; ++i )
			assertThrows( RuntimeException.class, () -> outer.getAt( 0, 0, 0 ) );
		assertEquals( 2, attempts.get() );
		bad = false;
		inner.retry( 0 );
		assertEquals( 2, outer.getAt( 0, 0, 0 ).get() );
	}

	@Test
	void cellsWhoseInputFailsAreFilledToo()
	{
		final CachedCellImg< FloatType, FloatBufferAccess > outer = loader( GRID, "block.data[...] = block.inputs[0]", filling, loader( throwing ).createCachedCellImg( 10 ) ).createCachedCellImg( 10 );
		assertEquals( 7, outer.getAt( 0, 0, 0 ).get() );
		assertEquals( 1, reports.size() );
	}

	@Test
	void messageDoesNotGrowWithTheLengthOfAChainOfImages()
	{
		CachedCellImg< FloatType, ? extends BufferAccess< ? > > img = loader( throwing ).createCachedCellImg( 10 );
		for ( int i = 0; i < 10; ++i )
			img = PythonCacheLoader.fromRandomAccessibles( GRID, queue, "block.data[...] = block.inputs[0]", new FloatType(), img ).createCachedCellImg( 10 );
		final PythonCellException e = error( img );
		assertEquals( "bad", e.getPythonMessage() );
		assertTrue( e.getMessage().length() < 500, e.getMessage() );
		Throwable deepest = e;
		for ( int i = 0; i < 10; ++i )
			deepest = assertInstanceOf( PythonCellException.class, deepest.getCause() );
		assertNull( deepest.getCause() );
	}

	@Test
	void otherOptionsApplyToInputGeneratorsToo()
	{
		final PythonCacheLoader< FloatType, FloatBufferAccess > loader = PythonCacheLoader.fromInputGenerators( GRID, queue, "block.data[0] = block.inputs[0][0]", new FloatType(),
				new FloatBufferAccess( 1, true ), Halo.empty( 3 ), PythonLoaderOptions.options().name( "partial" ).checkWritten( true ), Collections.singletonList( interval -> pixels( interval, 1 ) ) );
		final PythonCellException e = error( loader );
		assertEquals( "partial", e.getLoaderName() );
		assertEquals( "120 of 140 pixels were not written, the first is block.data[1, 0, 0]; write all of them, zeros too", e.getPythonMessage() );
	}

	private PythonCacheLoader< FloatType, FloatBufferAccess > loader( final PythonLoaderOptions options )
	{
		return loader( options, () -> {} );
	}

	private PythonCacheLoader< FloatType, FloatBufferAccess > loader( final PythonLoaderOptions options, final Runnable before )
	{
		return loader( queue, options, before );
	}

	/**
	 * Loader whose code fails while {@link #bad} is set.
	 */
	private PythonCacheLoader< FloatType, FloatBufferAccess > loader( final PythonCacheLoaderQueue ofWorkers, final PythonLoaderOptions options, final Runnable before )
	{
		final InputGenerator generator = interval -> {
			attempts.incrementAndGet();
			before.run();
			return pixels( interval, bad ? 1 : 0 );
		};
		return loader( ofWorkers, options, generator );
	}

	private PythonCacheLoader< FloatType, FloatBufferAccess > loader( final PythonCacheLoaderQueue ofWorkers, final PythonLoaderOptions options, final InputGenerator input )
	{
		return loader( GRID, ofWorkers, CODE, new FloatBufferAccess( 1, true ), options, BlockInputs.ofGenerators( Halo.empty( 3 ), Collections.singletonList( input ) ) );
	}

	@SafeVarargs
	private final PythonCacheLoader< FloatType, FloatBufferAccess > loader( final CellGrid grid, final String code, final PythonLoaderOptions options, final RandomAccessible< ? extends NativeType< ? > >... inputs )
	{
		return loader( grid, queue, code, new FloatBufferAccess( 1, true ), options, BlockInputs.ofImages( grid, Halo.empty( 3 ), options, queue.pool().memory(), Arrays.asList( inputs ) ) );
	}

	/**
	 * Loader for which time stands still.
	 */
	private < A extends ArrayDataAccess< A > > PythonCacheLoader< FloatType, A > loader(
			final CellGrid grid,
			final PythonCacheLoaderQueue ofWorkers,
			final String code,
			final A access,
			final PythonLoaderOptions options,
			final List< BlockInput > inputs )
	{
		return new PythonCacheLoader<>( ofWorkers, new CellSpec<>( grid, CellCode.of( code ), new FloatType(), access, Halo.empty( 3 ), options, inputs ), new CellFailures( nanos::get ) );
	}

	private static DirectNDArray< ByteBuffer > pixels( final Interval interval, final int value )
	{
		final byte[] pixels = new byte[ ( int ) Intervals.numElements( interval ) ];
		Arrays.fill( pixels, ( byte ) value );
		final ByteBuffer buffer = ByteBuffer.allocateDirect( pixels.length ).order( ByteOrder.nativeOrder() );
		buffer.put( pixels ).clear();
		return new DirectNDArray<>( buffer, InputGenerator.getNDArrayShape( interval ) );
	}

	private static float pixel( final CachedCellImg< FloatType, FloatBufferAccess > img )
	{
		return img.getAt( 0, 0, 0 ).get();
	}

	private static PythonCellException error( final PythonCacheLoader< ?, ? > loader )
	{
		return assertThrows( PythonCellException.class, () -> loader.get( 0L ) );
	}

	private static PythonCellException error( final CachedCellImg< ?, ? > img )
	{
		return assertInstanceOf( PythonCellException.class, assertThrows( RuntimeException.class, () -> img.getAt( 0, 0, 0 ) ).getCause().getCause() );
	}
}
