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

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.ref.WeakReference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.IntBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import jep.DirectNDArray;
import net.imglib2.RandomAccessibleInterval;
import net.imglib2.cache.img.CachedCellImg;
import net.imglib2.img.basictypeaccess.nio.IntBufferAccess;
import net.imglib2.img.cell.CellGrid;
import net.imglib2.type.numeric.integer.IntType;
import net.imglib2.util.Cast;

/**
 * Images that were read are garbage when nobody uses them any more, however the reading
 * ended, and Python drops their code. Neither the readers' threads nor the workers keep
 * anything of them.
 */
@Tag( "each-mode" )
@Timeout( 120 )
class CollectedLoadersTest
{
	private static final CellGrid GRID = new CellGrid( new long[] { 6, 4 }, new int[] { 3, 2 } );

	private static final PythonLoaderOptions TIMEOUT = PythonLoaderOptions.options().timeout( Duration.ofMillis( 500 ) );

	private final List< WeakReference< ? > > made = new ArrayList<>();

	private volatile CountDownLatch running;

	private PythonCacheLoaderQueue queue;

	@BeforeEach
	void open()
	{
		queue = new PythonCacheLoaderQueue( 2, "import sys, time", PythonEnvironment.getDefault().withOutput( line -> running.countDown(), System.err::println ) );
	}

	@AfterEach
	void close()
	{
		queue.close();
	}

	@Test
	void imagesAreCollectedAfterReadingInputsThatWereNotCached() throws Exception
	{
		final int value = image( "block.data[...] = block.inputs[0] + 1", image( "block.data[...] = block.inputs[0] + 1", image( "block.data[...] = 5" ) ) ).getAt( 0, 0 ).get();
		assertEquals( 7, value );
		assertAllAreCollected();
	}

	@Test
	void imagesAreCollectedAfterAnInputFailed() throws Exception
	{
		assertThrows( RuntimeException.class, () -> image( "pass", image( "pass", image( "raise KeyError()" ) ) ).getAt( 0, 0 ) );
		assertAllAreCollected();
	}

	@Test
	void imagesAreCollectedAfterATimeoutOfAnInput() throws Exception
	{
		assertThrows( RuntimeException.class, () -> image( "pass", image( "while True: pass" ) ).getAt( 0, 0 ) );
		assertAllAreCollected();
	}

	@Test
	void imagesAreCollectedAfterAReaderWasInterrupted() throws Exception
	{
		running = new CountDownLatch( 1 );
		final List< Throwable > thrown = Collections.synchronizedList( new ArrayList<>() );
		final Thread reader = new Thread( () -> thrown.add( assertThrows( RuntimeException.class, () -> image( "pass", image( "print('runs')\ntime.sleep(0.3)" ) ).getAt( 0, 0 ) ) ) );
		reader.start();
		running.await();
		reader.interrupt();
		reader.join();
		thrown.clear();
		assertAllAreCollected();
	}

	@Test
	void imagesAreCollectedAfterReadsByManyThreads() throws Exception
	{
		final List< Thread > readers = new ArrayList<>();
		readInParallel( readers );
		for ( final Thread reader : readers )
			reader.join();
		readers.clear();
		assertAllAreCollected();
	}

	@Test
	void theMemoryOfTheLastBlockIsCollected() throws Exception
	{
		final InputGenerator generator = interval -> {
			final IntBuffer pixels = ByteBuffer.allocateDirect( 6 * Integer.BYTES ).order( ByteOrder.nativeOrder() ).asIntBuffer();
			made.add( new WeakReference<>( pixels ) );
			return new DirectNDArray<>( pixels, 2, 3 );
		};
		for ( final PythonLoaderOptions options : new PythonLoaderOptions[] { PythonLoaderOptions.options(), PythonLoaderOptions.options().timeout( Duration.ofMinutes( 1 ) ) } )
		{
			final PythonCacheLoader< IntType, ? > loader = PythonCacheLoader.fromInputGenerators( GRID, queue, "block.data[...] = block.inputs[0]", new IntType(),
					new IntBufferAccess( 1, true ), Halo.empty( 2 ), options, Collections.singletonList( generator ) );
			for ( long cell = 0; cell < 4; ++cell )
				loader.get( cell );
			// While the loader exists and the workers have nothing else to do.
			awaitCollection();
			loader.retryAll();
		}
	}

	@Test
	void workersDoNotCollectGarbageAgainAndAgain() throws Exception
	{
		final long collections = queue.submit( python -> {
			python.exec( """
					import gc
					from imglib2_cache_python._worker import garbage
					before = gc.get_stats()[-1]["collections"]
					garbage.collect()
					collections = gc.get_stats()[-1]["collections"] - before
					""" );
			return python.getValue( "collections", Long.class );
		} ).get();
		// More than once only while another thread is collecting.
		assertTrue( collections >= 1 && collections < 10, collections + " collections" );
	}

	private void readInParallel( final List< Thread > readers )
	{
		final CachedCellImg< IntType, ? > img = image( "block.data[...] = block.inputs[0] + 1", image( "block.data[...] = block.index" ) );
		for ( int i = 0; i < 8; ++i )
			readers.add( new Thread( () -> img.forEach( pixel -> {} ) ) );
		readers.forEach( Thread::start );
	}

	private CachedCellImg< IntType, ? > image( final String code, final RandomAccessibleInterval< ? >... inputs )
	{
		final List< RandomAccessibleInterval< IntType > > list = new ArrayList<>();
		for ( final RandomAccessibleInterval< ? > input : inputs )
			list.add( Cast.unchecked( input ) );
		final PythonCacheLoader< IntType, ? > loader = PythonCacheLoader.fromRandomAccessibles( GRID, queue, code, new IntType(), Halo.empty( 2 ),
				TIMEOUT, list );
		final CachedCellImg< IntType, ? > img = loader.createCachedCellImg( 100 );
		made.add( new WeakReference<>( loader ) );
		made.add( new WeakReference<>( img ) );
		return img;
	}

	/**
	 * Waits for the garbage collector, and then until both workers have dropped the code.
	 */
	private void assertAllAreCollected() throws Exception
	{
		awaitCollection();
		final String modules = "[name for name in sys.modules if name.startswith(__name__ + '_loader_')]";
		String left = null;
		while ( !"[][]".equals( left ) )
		{
			System.gc();
			// Making a loader tells the workers which loaders are gone.
			PythonCacheLoader.fromRandomAccessibles( GRID, queue, "pass", new IntType() );
			left = onBoth( "str(" + modules + ")" );
		}
	}

	private void awaitCollection()
	{
		while ( made.stream().anyMatch( reference -> reference.get() != null ) )
			System.gc();
	}

	private String onBoth( final String expression ) throws Exception
	{
		final CountDownLatch both = new CountDownLatch( 2 );
		final PythonTask< String > task = python -> {
			both.countDown();
			both.await();
			return python.getValue( expression, String.class );
		};
		final Future< String > first = queue.submit( task );
		final Future< String > second = queue.submit( task );
		return first.get() + second.get();
	}
}
