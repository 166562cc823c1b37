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

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.lang.ref.WeakReference;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import net.imglib2.FinalInterval;
import net.imglib2.Interval;
import net.imglib2.RandomAccessibleInterval;
import net.imglib2.converter.Converters;
import net.imglib2.img.array.ArrayImgs;
import net.imglib2.type.numeric.integer.IntType;
import net.imglib2.type.numeric.integer.UnsignedByteType;
import net.imglib2.type.numeric.real.FloatType;
import net.imglib2.view.Views;

/**
 * Many cells at once, and what is counted of them.
 */
@Tag( "each-mode" )
@Timeout( 60 )
class PythonImgComputeTest
{
	private final BlockingQueue< String > printed = new LinkedBlockingQueue<>();

	private final PythonEnvironment environment = PythonEnvironment.detected().withOutput( printed::add, line -> {} );

	private PythonCacheLoaderQueue queue;

	@TempDir
	Path folder;

	private PythonImgBuilder< IntType > builder( final int workers, final String code )
	{
		if ( queue == null )
			queue = new PythonCacheLoaderQueue( workers, "import os, time", environment );
		return PythonImg.builder( code ).queue( queue ).type( new IntType() ).name( "the image" );
	}

	@AfterEach
	void close()
	{
		if ( queue != null )
			queue.close();
	}

	// -------------------------------------------------------------- compute

	@Test
	void eachCellIsComputedOnce()
	{
		final PythonImg< IntType > image = builder( 2, "block.data[...] = block.index" ).dimensions( 40, 30 ).cellSize( 4, 3 ).build();
		final PythonSummary first = image.compute();
		assertEquals( "100 0 0 [] false", describe( first ) );
		assertTrue( first.seconds() > 0 );
		final PythonSummary second = image.compute();
		assertEquals( "0 100 0 [] false", describe( second ) );
		final PythonMetrics metrics = image.metrics();
		assertEquals( 100, metrics.cellsComputed() );
		assertEquals( 100, metrics.cacheHits() );
		assertEquals( 0, metrics.evictions() );
		assertEquals( 4 * 40 * 30, metrics.cachedBytes() );
		assertTrue( metrics.pythonNanos() > 0, metrics.toString() );
		assertTrue( metrics.waitNanos() > 0, metrics.toString() );
		assertEquals( 99, image.getAt( 39, 29 ).get() );
	}

	@Test
	void onlyTheCellsOfAnInterval()
	{
		final PythonImg< IntType > image = builder( 2, "block.data[...] = 1" ).dimensions( 10, 10 ).cellSize( 3 ).build();
		assertEquals( "4 0 0 [] false", describe( image.compute( FinalInterval.createMinMax( 5, 2, 6, 3 ) ) ) );
		assertEquals( Arrays.asList( 1, 2, 5, 6 ), cellsOf( image.timeImg() ) );
		assertEquals( "2 0 0 [] false", describe( image.compute( FinalInterval.createMinMax( 9, -100, 100, 5 ) ) ) );
		assertEquals( "0 0 0 [] false", describe( image.compute( FinalInterval.createMinMax( 10, 0, 20, 20 ) ) ) );
		assertArrayEquals( new long[] { 4, 4 }, image.timeImg().dimensionsAsLongArray() );
		assertEquals( Arrays.asList( 1, 2, 3, 5, 6, 7 ), cellsOf( image.timeImg() ) );
	}

	@Test
	void moreCellsThanTheCacheHolds()
	{
		final PythonImg< IntType > image = builder( 2, "block.data[...] = block.index" ).dimensions( 500 ).cellSize( 5 ).cacheBytes( 10 * 5 * 4 ).build();
		assertEquals( 100, image.compute().computed() );
		assertEquals( 90, image.metrics().evictions() );
		assertEquals( 10 * 5 * 4, image.metrics().cachedBytes() );
	}

	@Test
	void failuresAreCountedAndTheFirstHundredTold()
	{
		final PythonImg< IntType > image = builder( 2, "if block.index % 2: raise ValueError(f'cell {block.index}')\nblock.data[...] = 7" ).dimensions( 300, 2 ).cellSize( 1, 2 ).build();
		final PythonSummary summary = image.compute();
		assertEquals( 150, summary.computed() );
		assertEquals( 150, summary.failed() );
		assertEquals( 100, summary.errors().size() );
		for ( final PythonCellException error : summary.errors() )
			assertTrue( error.getIndex() % 2 == 1 && error.getMessage().contains( "cell " + error.getIndex() ), error.getMessage() );
		assertTrue( summary.toString().contains( "150 failed" ) && summary.toString().contains( "ValueError" ), summary.toString() );
		assertEquals( 150, image.metrics().cellsFailed() );
		final byte[] failed = image.failedImg().update( null ).getCurrentStorageArray();
		for ( int i = 0; i < 300; ++i )
			assertEquals( i % 2, failed[ i ] );
		assertEquals( 300, cellsOf( image.timeImg() ).size() );
		image.code( "block.data[...] = 7" );
		assertEquals( "300 0 0 [] false", describe( image.compute() ) );
		assertArrayEquals( new byte[ 300 ], image.failedImg().update( null ).getCurrentStorageArray() );
	}

	@Test
	void cellsThatAreFilledHaveFailed()
	{
		final List< PythonCellException > told = new ArrayList<>();
		final PythonImg< IntType > image = builder( 1, "1 / (block.index - 3)\nblock.data[...] = 7" ).onErrorFill( new IntType( -1 ), told::add ).dimensions( 8 ).cellSize( 1 ).build();
		assertEquals( "7 0 1 [3] false", describe( image.compute() ) );
		assertEquals( "0 7 1 [3] false", describe( image.compute() ) );
		assertEquals( 1, told.size() );
	}

	@Test
	void aCellFailsIfAnInputDoes()
	{
		final PythonImg< IntType > input = builder( 1, "1 / (block.index - 3)\nblock.data[...] = 7" ).dimensions( 8 ).cellSize( 1 ).build();
		final PythonImg< IntType > image = builder( 1, "block.data[...] = block.inputs[0]" ).input( input ).cellSize( 2 ).build();
		assertEquals( "3 0 1 [1] false", describe( image.compute() ) );
		assertArrayEquals( new byte[] { 0, 1, 0, 0 }, image.failedImg().update( null ).getCurrentStorageArray() );
		assertEquals( Arrays.asList( 0, 2, 3 ), cellsOf( image.timeImg() ) );
		assertTrue( image.metrics().copyNanos() > 0 );
	}

	@Test
	void aFaultOfAnInputEndsIt()
	{
		final RandomAccessibleInterval< UnsignedByteType > faulty = Converters.convert( ( RandomAccessibleInterval< UnsignedByteType > ) ArrayImgs.unsignedBytes( 50 ), ( in, out ) -> {
			throw new IllegalArgumentException( "no disk" );
		}, new UnsignedByteType() );
		final PythonImg< IntType > image = builder( 1, "block.data[...] = block.inputs[0]" ).input( faulty ).cellSize( 1 ).build();
		assertEquals( "no disk", assertThrows( IllegalArgumentException.class, image::compute ).getMessage() );
		awaitNoThread( "the image_compute" );
	}

	@Test
	void progressIsToldOnTheCallingThread()
	{
		final PythonImg< IntType > image = builder( 2, "time.sleep(0.004); block.data[...] = 1" ).dimensions( 100 ).cellSize( 1 ).build();
		final List< Long > told = new ArrayList<>();
		final Thread here = Thread.currentThread();
		final int[] ends = { 0 };
		final PythonSummary summary = image.compute( image, new PythonProgress()
		{
			@Override
			public void update( final long done, final long total )
			{
				assertSame( here, Thread.currentThread() );
				assertEquals( 100, total );
				told.add( done );
			}

			@Override
			public void ended()
			{
				ends[ 0 ] += 1;
			}
		} );
		assertEquals( 100, summary.computed() );
		assertEquals( 0, told.get( 0 ) );
		assertEquals( 100, told.get( told.size() - 1 ) );
		for ( int i = 1; i < told.size(); ++i )
			assertTrue( told.get( i - 1 ) < told.get( i ), told.toString() );
		assertTrue( told.size() <= 2 + 10 * summary.seconds(), told.toString() );
		assertEquals( 1, ends[ 0 ] );
	}

	@Test
	void whatProgressThrowsIsThrown()
	{
		final PythonImg< IntType > image = builder( 1, "time.sleep(0.05); block.data[...] = 1" ).dimensions( 10_000 ).cellSize( 1 ).build();
		final RuntimeException thrown = new RuntimeException();
		assertSame( thrown, assertThrows( RuntimeException.class, () -> image.compute( image, ( done, total ) -> {
			if ( done > 0 )
				throw thrown;
		} ) ) );
		awaitNoThread( "the image_compute" );
		assertTrue( image.metrics().cellsComputed() < 10_000 );
	}

	@Test
	void itEndsAlsoWhilePythonHangsInC() throws Exception
	{
		final PythonImg< IntType > image = builder( 2, "print(); time.sleep(100)" ).dimensions( 10 ).cellSize( 1 ).build();
		assertEquals( "0 0 0 [] true", describe( image.compute( image, new PythonProgress()
		{
			@Override
			public void update( final long done, final long total )
			{}

			@Override
			public boolean isCancelled()
			{
				return printed.size() == 2;
			}
		} ) ) );
		assertFalse( Thread.interrupted() );
		final FutureTask< PythonSummary > task = new FutureTask<>( () -> {
			final PythonSummary summary = image.compute();
			assertTrue( Thread.currentThread().isInterrupted() );
			return summary;
		} );
		final Thread thread = start( task );
		await( () -> isAnyThread( "the image_compute_1" ) );
		thread.interrupt();
		assertEquals( "0 0 0 [] true", describe( task.get() ) );
		awaitNoThread( "the image_compute" );
		// Lets the workers get rid of the code before the queue waits for it.
		image.close();
	}

	@Test
	void aReaderPassesBy() throws Exception
	{
		final Path gate = folder.resolve( "gate" );
		final PythonImg< IntType > image = builder( 1, "print(block.index)\nwhile not os.path.exists(gate): time.sleep(0.001)\nblock.data[...] = 1" )
				.parameter( "gate", gate.toString() ).dimensions( 100 ).cellSize( 1 ).build();
		final FutureTask< PythonSummary > all = new FutureTask<>( image::compute );
		start( all );
		final String first = printed.take();
		final Thread reader = start( new FutureTask<>( () -> image.getAt( 99 ).get() ) );
		await( () -> reader.getState() == Thread.State.WAITING || reader.getState() == Thread.State.TIMED_WAITING );
		// Others of the computation wait in the queue, too.
		await( () -> threads( "the image_compute" ).stream().allMatch( thread -> thread.getState() != Thread.State.RUNNABLE ) );
		Files.createFile( gate );
		assertEquals( 100, all.get().computed() + all.get().fromCache() );
		final List< String > order = new ArrayList<>( printed );
		order.add( 0, first );
		assertTrue( order.indexOf( "99" ) == 1, order.toString() );
	}

	@Test
	void notOnTheThreadOfAWorker()
	{
		final PythonImg< IntType > image = builder( 1, "block.data[...] = 1" ).dimensions( 100 ).cellSize( 1 ).build();
		final Throwable refused = assertThrows( ExecutionException.class, () -> queue.submit( python -> image.compute() ).get() ).getCause();
		assertTrue( refused instanceof IllegalStateException && refused.getMessage().startsWith( "An image cannot be computed on the thread of a worker" ), refused.toString() );
	}

	@Test
	void wrongArgumentsAreRefused()
	{
		final PythonImg< IntType > image = builder( 1, "block.data[...] = 1" ).dimensions( 100 ).cellSize( 1 ).build();
		final Interval wrong = new FinalInterval( 3, 4 );
		assertTrue( assertThrows( IllegalArgumentException.class, () -> image.compute( wrong ) ).getMessage().contains( "2 axes, the image has 1" ) );
		assertTrue( assertThrows( IllegalArgumentException.class, () -> image.prefetch( wrong ) ).getMessage().contains( "2 axes, the image has 1" ) );
		assertThrows( NullPointerException.class, () -> image.compute( image, null ) );
	}

	// ------------------------------------------------------------- prefetch

	@Test
	void prefetchedCellsGetIntoTheCache()
	{
		final PythonImg< IntType > image = builder( 2, "block.data[...] = block.index" ).dimensions( 10, 10 ).cellSize( 1 ).build();
		image.prefetch( FinalInterval.createMinMax( 2, 3, 4, 4 ) );
		await( () -> cellsOf( image.timeImg() ).equals( Arrays.asList( 32, 33, 34, 42, 43, 44 ) ) );
		awaitNoThread( "the image_prefetch" );
		assertEquals( 6, image.metrics().cellsComputed() );
		assertEquals( 44, image.getAt( 4, 4 ).get() );
		assertEquals( 6, image.metrics().cellsComputed() );
	}

	@Test
	void noMoreThanTheCacheHolds()
	{
		final PythonImg< IntType > image = builder( 2, "block.data[...] = block.index" ).dimensions( 1000 ).cellSize( 1 ).cacheBytes( 5 * 4 ).build();
		image.prefetch( FinalInterval.createMinMax( 100, 900 ) );
		await( () -> cellsOf( image.timeImg() ).equals( Arrays.asList( 498, 499, 500, 501, 502 ) ) );
		awaitNoThread( "the image_prefetch" );
		assertEquals( 5, image.metrics().cellsComputed() );
	}

	@Test
	void failuresOfPrefetchedCellsAreForWhoReadsThem()
	{
		final PythonImg< IntType > image = builder( 1, "1 / (block.index % 2)\nblock.data[...] = 7" ).dimensions( 20 ).cellSize( 1 ).build();
		image.prefetch( image );
		await( () -> cellsOf( image.timeImg() ).size() == 20 );
		awaitNoThread( "the image_prefetch" );
		assertEquals( 10, image.metrics().cellsFailed() );
		assertThrows( RuntimeException.class, () -> image.getAt( 2 ) );
		assertEquals( 7, image.getAt( 3 ).get() );
	}

	@Test
	void prefetchElsewhereDropsWhatHasNotBegun() throws Exception
	{
		final Gate gate = new Gate( 1000 );
		final PythonImg< IntType > image = builder( 1, "block.data[...] = block.inputs[0]" ).input( gate.image ).cellSize( 1 ).build();
		image.prefetch( FinalInterval.createMinMax( 0, 499 ) );
		gate.begun.await();
		final int most = threads( "the image_prefetch" ).size();
		image.prefetch( FinalInterval.createMinMax( 600, 602 ) );
		gate.open.release( 1000 );
		await( () -> cellsOf( image.timeImg() ).containsAll( Arrays.asList( 600, 601, 602 ) ) );
		awaitNoThread( "the image_prefetch" );
		assertTrue( most <= 8 && cellsOf( image.timeImg() ).size() <= most + 3, () -> most + " threads, " + cellsOf( image.timeImg() ) );
	}

	@Test
	void prefetchEndsWithTheImage() throws Exception
	{
		final Gate gate = new Gate( 1000 );
		PythonImg< IntType > image = builder( 1, "block.data[...] = block.inputs[0]" ).input( gate.image ).cellSize( 1 ).build();
		image.prefetch( image );
		gate.begun.await();
		image = null;
		await( () -> {
			// Cell by cell, because nothing is collected while it is used.
			gate.open.release();
			System.gc();
			return !isAnyThread( "the image_prefetch" );
		} );
		assertTrue( gate.numRead.get() < 500, "pixels that were read: " + gate.numRead );
	}

	/**
	 * To find the cells that are near takes hours.
	 */
	@Test
	void prefetchOfAnImageOfManyCellsEndsWithIt()
	{
		PythonImg< IntType > image = builder( 1, "block.data[...] = 1" ).dimensions( 1_000_000, 1_000_000 ).cellSize( 1 ).cacheBytes( 400 ).build();
		image.prefetch( image );
		assertTrue( isAnyThread( "the image_prefetch" ) );
		image = null;
		await( () -> {
			System.gc();
			return !isAnyThread( "the image_prefetch" );
		} );
	}

	/**
	 * An image whose pixels can be read only when it is open, each for one permit.
	 */
	private static final class Gate
	{
		final CountDownLatch begun = new CountDownLatch( 1 );

		final Semaphore open = new Semaphore( 0 );

		final AtomicInteger numRead = new AtomicInteger();

		final RandomAccessibleInterval< IntType > image;

		Gate( final int size )
		{
			image = Converters.convert( ( RandomAccessibleInterval< UnsignedByteType > ) ArrayImgs.unsignedBytes( size ), ( in, out ) -> {
				begun.countDown();
				try
				{
					open.acquire();
				}
				catch ( final InterruptedException e )
				{
					throw new IllegalStateException( e );
				}
				numRead.incrementAndGet();
				out.set( in.get() );
			}, new IntType() );
		}
	}

	// ---------------------------------------------------------------- close

	@Test
	void afterItIsClosedCachedCellsCanBeRead()
	{
		final PythonImg< IntType > image = builder( 1, "block.data[...] = block.index" ).dimensions( 10 ).cellSize( 1 ).build();
		image.compute( FinalInterval.createMinMax( 3, 4 ) );
		image.close();
		image.close();
		assertEquals( 3, image.getAt( 3 ).get() );
		assertEquals( 2, image.metrics().cellsComputed() );
		for ( final Callable< ? > use : Arrays.< Callable< ? > >asList(
				() -> image.getAt( 5 ),
				() -> image.getCache().get( 5L ),
				image::compute,
				() -> run( () -> image.prefetch( image ) ),
				() -> run( () -> image.parameter( "k", 2 ) ),
				() -> run( () -> image.code( "block.data[...] = 2" ) ) ) )
			assertClosed( use );
		assertEquals( 3, image.getAt( 3 ).get() );
	}

	@Test
	void whoeverWaitsIsTold() throws Exception
	{
		final PythonImg< IntType > image = builder( 1, "print()\nwhile True: time.sleep(0.01)" ).dimensions( 10 ).cellSize( 1 ).build();
		final FutureTask< PythonSummary > all = new FutureTask<>( image::compute );
		start( all );
		printed.take();
		final FutureTask< Integer > one = new FutureTask<>( () -> image.getAt( 0 ).get() );
		final Thread reader = start( one );
		await( () -> reader.getState() == Thread.State.WAITING );
		image.close();
		assertClosed( all::get );
		assertClosed( one::get );
		awaitNoThread( "the image_compute" );
	}

	/**
	 * Whoever uses it ends, with what was wanted or because it is closed.
	 */
	@Test
	void closeWhileManyUseIt() throws Exception
	{
		for ( int i = 0; i < 8; ++i )
		{
			final PythonImg< IntType > image = builder( 2, "block.data[...] = k" ).parameter( "k", 0 ).dimensions( 5000 ).cellSize( 1 ).build();
			final List< FutureTask< Object > > users = new ArrayList<>();
			users.add( new FutureTask<>( image::compute ) );
			users.add( new FutureTask<>( () -> image.compute( FinalInterval.createMinMax( 2000, 4000 ) ) ) );
			users.add( new FutureTask<>( () -> {
				for ( int j = 1;; ++j )
					image.parameter( "k", j );
			} ) );
			users.add( new FutureTask<>( () -> {
				for ( int j = 0;; ++j )
					image.prefetch( FinalInterval.createMinMax( j * 31L % 5000, 4999 ) );
			} ) );
			users.add( new FutureTask<>( () -> {
				for ( int j = 0;; ++j )
					image.getCache().get( j * 37L % 5000 );
			} ) );
			users.forEach( PythonImgComputeTest::start );
			await( () -> image.metrics().cellsComputed() > 50 );
			image.close();
			for ( final FutureTask< Object > user : users )
				if ( users.indexOf( user ) > 1 )
					assertClosed( user::get );
				else
					try
					{
						user.get();
					}
					catch ( final ExecutionException e )
					{
						assertClosed( user::get );
					}
			awaitNoThread( "the image_" );
		}
		final PythonImg< IntType > next = builder( 2, "block.data[...] = 5" ).dimensions( 100 ).cellSize( 1 ).build();
		assertEquals( "100 0 0 [] false", describe( next.compute() ) );
	}

	@Test
	void aClosedImageLetsGoOfItsQueue()
	{
		final PythonImg< IntType > image = PythonImg.builder( "block.data[...] = 1" ).environment( environment ).type( new IntType() ).dimensions( 10 ).cellSize( 1 ).build();
		final WeakReference< PythonCacheLoaderQueue > its = new WeakReference<>( image.settings().queue() );
		image.compute();
		image.close();
		await( () -> {
			System.gc();
			return its.get() == null;
		} );
		assertEquals( 1, image.getAt( 3 ).get() );
	}

	private static void assertClosed( final Callable< ? > use )
	{
		Throwable thrown = assertThrows( Exception.class, use::call );
		while ( thrown.getCause() != null && !( thrown instanceof PythonClosedException ) )
			thrown = thrown.getCause();
		assertTrue( thrown instanceof PythonClosedException && thrown.getMessage().contains( "the image is closed" ), thrown.toString() );
	}

	private static Object run( final Runnable action )
	{
		action.run();
		return null;
	}

	// -------------------------------------------------------------- console

	@Test
	void aBarInTheConsole()
	{
		final PythonImg< IntType > image = builder( 1, "block.data[...] = 1" ).dimensions( 100 ).cellSize( 1 ).build();
		final PrintStream err = System.err;
		final ByteArrayOutputStream shown = new ByteArrayOutputStream();
		System.setErr( new PrintStream( shown, true ) );
		try
		{
			assertEquals( 100, image.compute( image, PythonProgress.console( "my cells" ) ).computed() );
		}
		finally
		{
			System.setErr( err );
		}
		assertTrue( shown.toString().contains( "my cells" ) && shown.toString().contains( "100/100" ), shown::toString );
	}

	// ---------------------------------------------------------------- tools

	private static String describe( final PythonSummary summary )
	{
		return summary.computed() + " " + summary.fromCache() + " " + summary.failed() + " " + Arrays.toString( summary.errors().stream().mapToLong( PythonCellException::getIndex ).toArray() ) + " " + summary.isCancelled();
	}

	/**
	 * @return cells that were computed
	 */
	private static List< Integer > cellsOf( final RandomAccessibleInterval< FloatType > times )
	{
		final List< Integer > cells = new ArrayList<>();
		int i = 0;
		for ( final FloatType time : Views.flatIterable( times ) )
		{
			if ( !Float.isNaN( time.get() ) )
			{
				assertTrue( time.get() > 0 );
				cells.add( i );
			}
			++i;
		}
		return cells;
	}

	private static Thread start( final Runnable task )
	{
		final Thread thread = new Thread( task );
		thread.setDaemon( true );
		thread.start();
		return thread;
	}

	private static void await( final BooleanSupplier condition )
	{
		while ( !condition.getAsBoolean() )
			LockSupport.parkNanos( 1_000_000 );
	}

	private static void awaitNoThread( final String name )
	{
		await( () -> !isAnyThread( name ) );
	}

	private static boolean isAnyThread( final String name )
	{
		return !threads( name ).isEmpty();
	}

	private static List< Thread > threads( final String name )
	{
		final List< Thread > found = new ArrayList<>( Thread.getAllStackTraces().keySet() );
		found.removeIf( thread -> !thread.getName().startsWith( name ) );
		return found;
	}
}
