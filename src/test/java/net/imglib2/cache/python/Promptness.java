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

import java.time.Duration;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

import net.imglib2.cache.img.CachedCellImg;
import net.imglib2.img.cell.CellGrid;
import net.imglib2.type.numeric.integer.IntType;

/**
 * Measures how much longer readers wait than the library promises.
 */
final class Promptness implements AutoCloseable
{
	private static final Duration LIMIT = Duration.ofMillis( 500 );

	private static final CellGrid GRID = new CellGrid( new long[] { 15, 35 }, new int[] { 4, 5 } );

	private static final int REPETITIONS = 5;

	/**
	 * So many that those that were abandoned need not be replaced before the next
	 * measurement.
	 */
	private static final int WORKERS = 4;

	private final Map< String, Callable< Long > > measurements = new LinkedHashMap<>();

	private final PythonEnvironment environment = PythonEnvironment.detected().withOutput( line -> this.running.countDown(), line -> {} );

	private final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue( WORKERS, "import time", environment );

	private volatile CountDownLatch running;

	private long nextCell;

	Promptness()
	{
		addTimeout( "a loop", "while True: pass" );
		addTimeout( "a sleep", "time.sleep(60)" );
		addTimeout( "a loop that catches what cancels it", "while True:\n    try:\n        while True: pass\n    except BaseException: pass" );
		addTimeout( "a function in C that keeps Python's lock for some seconds", "sum(range(10**8))" );
		addInterrupt( "whose block runs", false );
		addInterrupt( "of a cell that another one reads", true );
		measurements.put( "closing a queue whose workers were abandoned while a reader waits for a loop: %d ms%n", this::closeWhileALoopRuns );
		measurements.put( "closing a queue that has nothing to do: %d ms%n", this::closeIdle );
	}

	/**
	 * Prints the longest of several times of each kind.
	 */
	static void print() throws Exception
	{
		try (final Promptness promptness = new Promptness())
		{
			for ( final Map.Entry< String, Callable< Long > > measurement : promptness.measurements().entrySet() )
			{
				long longest = 0;
				for ( int i = 0; i < REPETITIONS; ++i )
					longest = Math.max( longest, measurement.getValue().call() );
				System.out.printf( measurement.getKey(), longest );
			}
		}
	}

	/**
	 * @return measurements of how many milliseconds longer than allowed it takes, by a format for
	 *         this number
	 */
	Map< String, Callable< Long > > measurements()
	{
		return measurements;
	}

	@Override
	public void close()
	{
		queue.close();
	}

	private void addTimeout( final String what, final String code )
	{
		measurements.put( "timeout of " + what + ": the reader has its error %d ms after the limit or earlier%n", () -> {
			// Workers that were abandoned are replaced; the code begins when one is there.
			queue.submit( python -> python.getValue( "1" ) ).get( 60, TimeUnit.SECONDS );
			final PythonCacheLoader< IntType, ? > loader = loader( queue, code );
			final long start = System.nanoTime();
			requireTimeout( loader );
			return millisSince( start ) - LIMIT.toMillis();
		} );
	}

	private void addInterrupt( final String what, final boolean ofAnother )
	{
		measurements.put( "interrupt of a reader " + what + ": it leaves after %d ms or earlier%n", () -> {
			final PythonCacheLoader< IntType, ? > loader = loader( queue, "print()\ntime.sleep(0.3)" );
			final Thread reader = ofAnother ? second( loader ) : read( loader );
			final long start = System.nanoTime();
			reader.interrupt();
			reader.join();
			final long millis = millisSince( start );
			// Not before the end of the block.
			loader.get( 0L );
			return millis;
		} );
	}

	private long closeWhileALoopRuns() throws Exception
	{
		try (final PythonCacheLoaderQueue own = new PythonCacheLoaderQueue( 1, "import time", environment ))
		{
			requireTimeout( loader( own, "time.sleep(60)" ) );
			// Without a timeout, which would end it, too.
			final Thread reader = read( PythonCacheLoader.fromRandomAccessibles( GRID, own, "print()\nwhile True: pass", new IntType() ) );
			final long start = System.nanoTime();
			own.close();
			reader.join();
			return millisSince( start );
		}
	}

	private long closeIdle() throws Exception
	{
		try (final PythonCacheLoaderQueue own = new PythonCacheLoaderQueue( 2, "import time", environment ))
		{
			loader( own, "block.data[...] = 1" ).get( 0L );
			// Until Python's own thread has stopped looking, too.
			TimeUnit.MILLISECONDS.sleep( 1500 );
			final long start = System.nanoTime();
			own.close();
			return millisSince( start );
		}
	}

	private void requireTimeout( final PythonCacheLoader< IntType, ? > loader ) throws Exception
	{
		try
		{
			loader.get( nextCell++ % 28 );
		}
		catch ( final PythonTimeoutException e )
		{
			return;
		}
		throw new AssertionError( "code that shall not end has ended" );
	}

	/**
	 * Starts a reader and waits until its block is running.
	 */
	private Thread read( final PythonCacheLoader< IntType, ? > loader ) throws InterruptedException
	{
		running = new CountDownLatch( 1 );
		final Thread reader = reader( () -> loader.createCachedCellImg( 1 ).getAt( 0, 0 ) );
		running.await();
		return reader;
	}

	/**
	 * Starts two readers of a cell.
	 *
	 * @return the reader that waits for the other one
	 */
	private Thread second( final PythonCacheLoader< IntType, ? > loader ) throws InterruptedException
	{
		running = new CountDownLatch( 1 );
		final CachedCellImg< IntType, ? > img = loader.createCachedCellImg( 1 );
		reader( () -> img.getAt( 0, 0 ) );
		running.await();
		final Thread second = reader( () -> img.getAt( 0, 0 ) );
		while ( second.getState() != Thread.State.WAITING )
			Thread.onSpinWait();
		return second;
	}

	private static Thread reader( final Runnable read )
	{
		final Thread reader = new Thread( () -> {
			try
			{
				read.run();
			}
			catch ( final RuntimeException e )
			{
				// Interrupted, or the queue was closed.
			}
		} );
		reader.start();
		return reader;
	}

	private static PythonCacheLoader< IntType, ? > loader( final PythonCacheLoaderQueue queue, final String code )
	{
		return PythonCacheLoader.fromRandomAccessibles( GRID, queue, code, new IntType(), Halo.empty( 2 ), PythonLoaderOptions.options().timeout( LIMIT ), Collections.emptyList() );
	}

	private static long millisSince( final long start )
	{
		return TimeUnit.NANOSECONDS.toMillis( System.nanoTime() - start );
	}
}
