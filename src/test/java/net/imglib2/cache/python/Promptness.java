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
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

import net.imglib2.cache.img.CachedCellImg;
import net.imglib2.img.cell.CellGrid;
import net.imglib2.type.numeric.integer.IntType;

/**
 * How long readers wait for what they are promised within a time.
 */
final class Promptness
{
	private static final Duration LIMIT = Duration.ofMillis( 500 );

	private static final CellGrid GRID = new CellGrid( new long[] { 15, 35 }, new int[] { 4, 5 } );

	private static final int REPETITIONS = 5;

	private final PythonCacheLoaderQueue queue;

	private volatile CountDownLatch running;

	private Promptness()
	{
		queue = new PythonCacheLoaderQueue( 2, "import time", PythonEnvironment.detected().withOutput( line -> running.countDown(), line -> {} ) );
	}

	/**
	 * Prints the longest of some times of each kind.
	 */
	static void print() throws Exception
	{
		final Promptness promptness = new Promptness();
		promptness.printTimeout( "a loop", "while True: pass" );
		promptness.printTimeout( "a sleep", "time.sleep(60)" );
		promptness.printTimeout( "a loop that catches what cancels it", "while True:\n    try:\n        while True: pass\n    except BaseException: pass" );
		promptness.printTimeout( "a function in C that keeps Python's lock for some seconds", "sum(range(10**8))" );
		promptness.printInterrupt( "whose block runs", false );
		promptness.printInterrupt( "of a cell that another one reads", true );
		final Thread reader = promptness.read( promptness.loader( "print()\nwhile True: pass" ) );
		final long start = System.nanoTime();
		promptness.queue.close();
		reader.join();
		System.out.printf( "closing a queue whose workers were given up while a reader waits for a loop: %d ms%n", millisSince( start ) );
	}

	private void printTimeout( final String what, final String code ) throws Exception
	{
		final PythonCacheLoader< IntType, ? > loader = loader( code );
		long longest = 0;
		for ( int i = 0; i < REPETITIONS; ++i )
		{
			final long cell = i;
			// Workers that were given up are replaced; the code begins when one is there.
			final long start = System.nanoTime();
			try
			{
				loader.get( cell );
				throw new AssertionError( what + " has ended" );
			}
			catch ( final PythonTimeoutException e )
			{
				longest = Math.max( longest, millisSince( start ) - LIMIT.toMillis() );
			}
			awaitAWorker();
		}
		System.out.printf( "timeout of %s: the reader has its error %d ms after the limit or earlier%n", what, longest );
	}

	private void printInterrupt( final String what, final boolean ofAnother ) throws Exception
	{
		long longest = 0;
		for ( int i = 0; i < REPETITIONS; ++i )
		{
			final PythonCacheLoader< IntType, ? > loader = loader( "print()\ntime.sleep(0.3)" );
			final Thread reader = ofAnother ? second( loader ) : read( loader );
			final long start = System.nanoTime();
			reader.interrupt();
			reader.join();
			longest = Math.max( longest, millisSince( start ) );
			// Not before the block has ended.
			loader.get( 0L );
		}
		System.out.printf( "interrupt of a reader %s: it leaves after %d ms or earlier%n", what, longest );
	}

	/**
	 * Starts a reader and waits until its block runs.
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
	 * @return the one that waits for the other
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

	private void awaitAWorker() throws Exception
	{
		queue.submit( python -> python.getValue( "1" ) ).get( 60, TimeUnit.SECONDS );
	}

	private PythonCacheLoader< IntType, ? > loader( final String code )
	{
		return PythonCacheLoader.fromRandomAccessibles( GRID, queue, code, new IntType(), Halo.empty( 2 ), PythonLoaderOptions.options().timeout( LIMIT ), Collections.emptyList() );
	}

	private static long millisSince( final long start )
	{
		return TimeUnit.NANOSECONDS.toMillis( System.nanoTime() - start );
	}
}
