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

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.logging.Level;
import java.util.logging.Logger;

import net.imglib2.Cursor;
import net.imglib2.Interval;
import net.imglib2.Localizable;
import net.imglib2.RandomAccess;
import net.imglib2.RandomAccessible;
import net.imglib2.cache.img.CachedCellImg;
import net.imglib2.cache.python.block.DirectMemory;
import net.imglib2.img.array.ArrayImg;
import net.imglib2.img.array.ArrayImgs;
import net.imglib2.img.cell.CellGrid;
import net.imglib2.type.numeric.integer.IntType;
import net.imglib2.util.Intervals;
import net.imglib2.util.Util;
import net.imglib2.view.Views;

/**
 * Eight threads read images that four workers compute, while one block in a hundred does
 * something wrong, and, where workers are processes, another one in a hundred ends its process.
 * Every pixel that is read is compared with its right value, those of large cells again after
 * they were kept for a while. Prints what was done, and ends with an error if a pixel was wrong,
 * a worker was lost, or the process grew in memory, threads, open files or worker processes.
 * Arguments: seconds.
 */
public final class SoakMain
{
	/**
	 * Argument that switches off the measurement of how long readers wait: it takes half a minute,
	 * and another test does it.
	 */
	static final String FAULTS_ONLY = "faults-only";

	private static final int WORKERS = 4;

	private static final int READERS = 8;

	private static final int IMAGES = 6;

	private static final long[] DIMS = { 60, 150, 35 };

	/**
	 * With a remainder along each axis.
	 */
	private static final CellGrid GRID = new CellGrid( DIMS, new int[] { 16, 32, 12 } );

	/**
	 * Most of its cells have three times as many bytes as those that are copied where workers are
	 * processes; the smallest ones have fewer.
	 */
	private static final CellGrid LARGE_GRID = new CellGrid( DIMS, new int[] { 32, 64, 24 } );

	/**
	 * A cell with more of them is kept for a while.
	 */
	private static final long LARGE_PIXELS = ( 1 << 16 ) / Integer.BYTES;

	/**
	 * Of each reader.
	 */
	private static final int MAX_KEPT = 2;

	private static final Duration TIMEOUT = Duration.ofSeconds( 1 );

	/**
	 * What ends a process.
	 */
	private static final String CRASHES = !InterpreterMode.PROCESS.name().equals( System.getProperty( PythonEnvironment.MODE_PROPERTY ) ) ? "CRASHES = {}"
			: "CRASHES = {'read address 0': lambda block: ctypes.string_at(0), 'os._exit()': lambda block: os._exit(1), 'abort': lambda block: os.abort(), 'SIGKILL': lambda block: os.kill(os.getpid(), 9)}";

	/**
	 * What blocks do wrong. Each block that sleeps costs a worker.
	 */
	private static final String INIT = String.join( "\n",
			"import ctypes, os, random, sys, threading, time",
			"kept = []",
			"class Unprintable(Exception):",
			"    def __str__(self):",
			"        raise ValueError('no text')",
			"def recurse():",
			"    recurse()",
			"def raising(error):",
			"    raise error",
			"def loop():",
			"    while True:",
			"        pass",
			"def keep(block):",
			"    kept.append(block.data[:1])",
			"    kept.extend(block.inputs)",
			"    del kept[:-20]",
			"def replace(block):",
			"    block.data = block.data.copy()",
			"FAULTS = {",
			"    'raise ValueError': lambda block: raising(ValueError(block.index)),",
			"    'raise an exception without text': lambda block: raising(Unprintable()),",
			"    'raise KeyboardInterrupt': lambda block: raising(KeyboardInterrupt()),",
			"    'raise GeneratorExit': lambda block: raising(GeneratorExit()),",
			"    'raise BaseException': lambda block: raising(BaseException('x' * 100000)),",
			"    'sys.exit()': lambda block: sys.exit(block.index),",
			"    'recurse without end': lambda block: recurse(),",
			"    'allocate an exabyte': lambda block: np.empty(1 << 60, 'u1'),",
			"    'write into an input': lambda block: block.inputs[0].fill(0),",
			"    'assign a wrong shape': lambda block: block.data.__setitem__(..., np.zeros(7)),",
			"    'replace the output': replace,",
			"    'keep arrays': keep,",
			"    'print 100 kB': lambda block: print('x' * 100000),",
			"    'start a thread': lambda block: threading.Thread(target=time.sleep, args=(0.05,)).start(),",
			"    'loop without end': lambda block: loop(),",
			"    'sleep beyond the timeout': lambda block: time.sleep(5),",
			"}",
			CRASHES,
			// The faults that cost a second of Python's lock, or a worker, are rare.
			"WEIGHTS = [1 if name.startswith(('loop', 'sleep')) else 20 for name in FAULTS]",
			"def perhaps(block):",
			"    if random.random() < 0.01:",
			"        fault(random.choices(list(FAULTS), WEIGHTS)[0], block)",
			"    if CRASHES and random.random() < 0.01:",
			"        fault(random.choice(list(CRASHES)), block)",
			"def fault(name, block):",
			"    print('fault:', name)",
			"    (FAULTS.get(name) or CRASHES[name])(block)" );

	private static final String CODE = "block.data[...] = (block.inputs[0] * 3)[block.halo] + block.index";

	private final AtomicReferenceArray< Source > sources = new AtomicReferenceArray<>( IMAGES );

	private final Map< String, AtomicLong > faults = new ConcurrentSkipListMap<>();

	private final AtomicLong pixels = new AtomicLong();

	private final AtomicLong cells = new AtomicLong();

	private final AtomicLong keptCells = new AtomicLong();

	private final AtomicLong errors = new AtomicLong();

	private int otherQueues;

	private double seconds;

	private final List< Long > inNativeMemory = new ArrayList<>();

	private final AtomicReference< Throwable > defect = new AtomicReference<>();

	private final ArrayImg< IntType, ? > input = ArrayImgs.ints( DIMS );

	private final PythonCacheLoaderQueue queue;

	private final long endNanos;

	private SoakMain( final double seconds )
	{
		// One line for each worker that is abandoned.
		Logger.getLogger( "net.imglib2.cache.python" ).setLevel( Level.SEVERE );
		final Random random = new Random( 42 );
		input.forEach( pixel -> pixel.set( random.nextInt( 1000 ) ) );
		queue = new PythonCacheLoaderQueue( WORKERS, INIT, PythonEnvironment.detected().withOutput( this::line, line -> {} ) );
		for ( int i = 0; i < IMAGES; ++i )
			sources.set( i, newSource( i ) );
		endNanos = System.nanoTime() + ( long ) ( seconds * 1e9 );
	}

	public static void main( final String... args ) throws Exception
	{
		if ( !Arrays.asList( args ).contains( FAULTS_ONLY ) )
			Promptness.print();
		// The first seconds start what lasts as long as the JVM.
		new SoakMain( 3 ).run();
		System.gc();
		final Map< String, Long > before = Resources.count();
		// The pool fills slowly. The JVM itself bounds it, and running out of it is an error.
		before.put( Resources.DIRECT, Long.MAX_VALUE / 2 );
		// As little as some lost workers have.
		before.computeIfPresent( Resources.SHARED, ( what, bytes ) -> bytes + ( 4 << 20 ) );
		// Compared over time.
		before.put( Resources.RESIDENT, Long.MAX_VALUE / 2 );
		final SoakMain soak = new SoakMain( Double.parseDouble( args[ 0 ] ) );
		final List< Long > resident = soak.run();
		Resources.requireNoMoreThan( before, "the soak", System::gc );
		soak.report( resident );
		requireNoGrowth( resident );
		System.out.println( "survived" );
	}

	/**
	 * @return resident memory in MiB over time
	 */
	private List< Long > run() throws Exception
	{
		final long startNanos = System.nanoTime();
		final List< Thread > readers = new ArrayList<>();
		for ( int i = 0; i < READERS; ++i )
		{
			final int seed = i;
			readers.add( new Thread( () -> read( new Random( seed ) ), "reader_" + i ) );
		}
		readers.forEach( Thread::start );
		final List< String > kinds = oneOfEachKind();
		final List< Long > resident = new ArrayList<>();
		while ( System.nanoTime() < endNanos && defect.get() == null )
		{
			otherQueue( otherQueues++ );
			resident.add( Resources.residentBytes() >> 20 );
			inNativeMemory.add( DirectMemory.used() >> 20 );
		}
		for ( final Thread reader : readers )
			reader.join();
		if ( defect.get() != null )
			throw new AssertionError( defect.get().getMessage(), defect.get() );
		if ( !faults.keySet().containsAll( kinds ) )
			throw new AssertionError( "not all of " + kinds + " were done, only " + faults );
		if ( keptCells.get() == 0 )
			throw new AssertionError( "no cell was kept" );
		requireAllWorkers();
		queue.close();
		for ( int i = 0; i < IMAGES; ++i )
			sources.set( i, null );
		seconds = ( System.nanoTime() - startNanos ) / 1e9;
		return resident;
	}

	/**
	 * Makes every fault happen at least once.
	 *
	 * @return names of the faults
	 */
	private List< String > oneOfEachKind() throws Exception
	{
		final List< ? > kinds = queue.submit( python -> python.getValue( "list(FAULTS) + list(CRASHES)", List.class ) ).get();
		final List< String > names = new ArrayList<>();
		for ( final Object kind : kinds )
		{
			names.add( ( String ) kind );
			readCell( newSource( 0, "fault(\"" + kind + "\", block)\n" + CODE ), 0, false, new ArrayDeque<>() );
		}
		return names;
	}

	private void report( final List< Long > resident ) throws IOException
	{
		final Map< String, Long > numFaults = new TreeMap<>();
		faults.forEach( ( name, number ) -> numFaults.put( name, number.get() ) );
		System.out.printf( "%.0f s, Python in mode %s%n", seconds, System.getProperty( PythonEnvironment.MODE_PROPERTY, "AUTO" ) );
		System.out.printf( "cells read: %d, of them kept and read again: %d, pixels compared: %d, wrong: 0%n", cells.get(), keptCells.get(), pixels.get() );
		System.out.printf( "faults injected: %d %s%n", numFaults.values().stream().mapToLong( Long::longValue ).sum(), numFaults );
		System.out.printf( "errors that readers got, repetitions included: %d%n", errors.get() );
		System.out.printf( "queues opened and closed meanwhile: %d%n", otherQueues );
		System.out.printf( "at the end: all %d workers at work, then %s%n", WORKERS, Resources.count() );
		System.out.printf( "resident MiB over time: %s%n", thinned( resident ) );
		System.out.printf( "of them in direct buffers, garbage included: %s%n", thinned( inNativeMemory ) );
	}

	private void line( final String line )
	{
		if ( line.startsWith( "fault: " ) )
			count( line.substring( "fault: ".length() ) );
	}

	private void count( final String fault )
	{
		faults.computeIfAbsent( fault, name -> new AtomicLong() ).incrementAndGet();
	}

	private void read( final Random random )
	{
		final Deque< KeptCell > kept = new ArrayDeque<>();
		while ( System.nanoTime() < endNanos && defect.get() == null )
			try
			{
				final int number = random.nextInt( IMAGES );
				// From time to time, a new image replaces one.
				if ( random.nextInt( 50 ) == 0 )
					sources.set( number, newSource( number ) );
				final Source source = sources.get( number );
				final long cell = ( long ) ( random.nextDouble() * source.numCells() );
				final boolean interrupted = random.nextInt( 200 ) == 0;
				if ( interrupted )
				{
					count( "interrupt a reader" );
					Thread.currentThread().interrupt();
				}
				readCell( source, cell, interrupted, kept );
				Thread.interrupted();
				if ( kept.size() > MAX_KEPT )
				{
					pixels.addAndGet( kept.removeFirst().compare() );
					keptCells.incrementAndGet();
				}
			}
			catch ( final Throwable t )
			{
				defect.compareAndSet( null, t );
			}
	}

	/**
	 * @param kept
	 * 		gets the cell if it is large
	 */
	private void readCell( final Source source, final long number, final boolean interrupted, final Deque< KeptCell > kept )
	{
		try
		{
			final KeptCell cell = new KeptCell( source, source.interval( number ) );
			final long numPixels = cell.compare();
			pixels.addAndGet( numPixels );
			cells.incrementAndGet();
			if ( numPixels > LARGE_PIXELS )
				kept.addLast( cell );
		}
		catch ( final RuntimeException e )
		{
			Throwable cause = e;
			while ( cause.getCause() != null && !( cause instanceof PythonException ) )
				cause = cause.getCause();
			if ( !( cause instanceof PythonCellException ) && !( interrupted && cause instanceof InterruptedException ) )
				throw e;
			errors.incrementAndGet();
		}
	}

	/**
	 * An image of the input, or of another image.
	 */
	private Source newSource( final int number )
	{
		return newSource( number, "perhaps(block)\n" + CODE );
	}

	private Source newSource( final int number, final String code )
	{
		final Source below = number % 3 == 0 ? null : sources.get( number - 1 );
		final RandomAccessible< IntType > from = below == null ? Views.extendMirrorSingle( input ) : Views.extendMirrorSingle( below.img );
		final Halo halo = number % 2 == 0 ? new Halo( 1, 2, 3 ) : Halo.empty( 3 );
		final CellGrid grid = number % 2 == 0 ? GRID : LARGE_GRID;
		final PythonCacheLoader< IntType, ? > loader = PythonCacheLoader.fromRandomAccessibles( grid, queue, code, new IntType(), halo,
				PythonLoaderOptions.options().timeout( TIMEOUT ), Collections.singletonList( from ) );
		// Some of the cells.
		return new Source( loader.createByteBoundedCachedCellImg( number % 2 == 0 ? 200_000 : 500_000 ), grid, below );
	}

	/**
	 * Another queue is opened, works and is closed.
	 */
	private void otherQueue( final int number ) throws Exception
	{
		try (final PythonCacheLoaderQueue other = new PythonCacheLoaderQueue( 1, "number = " + number ))
		{
			final int value = PythonCacheLoader.fromRandomAccessibles( GRID, other, "block.data[...] = number", new IntType() ).createCachedCellImg( 2 ).getAt( 59, 149, 34 ).get();
			if ( value != number )
				throw new AssertionError( value + " instead of " + number );
		}
		TimeUnit.MILLISECONDS.sleep( 200 );
	}

	/**
	 * As many tasks as workers, which wait for each other.
	 */
	private void requireAllWorkers() throws Exception
	{
		final CountDownLatch all = new CountDownLatch( WORKERS );
		final List< Future< Boolean > > met = new ArrayList<>();
		for ( int i = 0; i < WORKERS; ++i )
			met.add( queue.submit( python -> {
				python.exec( "x = 1" );
				all.countDown();
				return all.await( 60, TimeUnit.SECONDS );
			} ) );
		for ( final Future< Boolean > one : met )
			if ( !one.get() )
				throw new AssertionError( "a worker is lost" );
	}

	private static void requireNoGrowth( final List< Long > resident )
	{
		// The first half fills caches, pools and the JVM's own memory.
		final int n = resident.size();
		final long early = resident.subList( n / 2, 3 * n / 4 ).stream().mapToLong( Long::longValue ).max().getAsLong();
		final long late = resident.subList( 3 * n / 4, n ).stream().mapToLong( Long::longValue ).max().getAsLong();
		if ( late > early + 64 + early / 10 )
			throw new AssertionError( "resident memory grew: " + resident );
	}

	private static List< Long > thinned( final List< Long > values )
	{
		final List< Long > some = new ArrayList<>();
		for ( int i = 0; i < 10; ++i )
			some.add( values.get( i * values.size() / 10 ) );
		return some;
	}

	/**
	 * An image and the right values of its pixels.
	 */
	private final class Source
	{
		private final CachedCellImg< IntType, ? > img;

		private final CellGrid grid;

		private final ArrayImg< IntType, ? > expected = ArrayImgs.ints( DIMS );

		Source( final CachedCellImg< IntType, ? > img, final CellGrid grid, final Source below )
		{
			this.img = img;
			this.grid = grid;
			final Cursor< IntType > from = ( below == null ? input : below.expected ).cursor();
			final Cursor< IntType > to = expected.localizingCursor();
			while ( to.hasNext() )
				to.next().set( 3 * from.next().get() + index( to ) );
		}

		long numCells()
		{
			return Intervals.numElements( grid.getGridDimensions() );
		}

		Interval interval( final long cell )
		{
			final long[] min = new long[ 3 ];
			final int[] dims = new int[ 3 ];
			grid.getCellDimensions( cell, min, dims );
			return Intervals.createMinSize( min[ 0 ], min[ 1 ], min[ 2 ], dims[ 0 ], dims[ 1 ], dims[ 2 ] );
		}

		private int index( final Localizable position )
		{
			long index = 0;
			for ( int d = 2; d >= 0; --d )
				index = index * grid.gridDimension( d ) + position.getLongPosition( d ) / grid.cellDimension( d );
			return ( int ) index;
		}
	}

	/**
	 * A cell whose pixels stay as they are, also when no cache has them any more: an access that
	 * never leaves the cell keeps them.
	 */
	private static final class KeptCell
	{
		private final Source source;

		private final Interval interval;

		private final RandomAccess< IntType > access;

		KeptCell( final Source source, final Interval interval )
		{
			this.source = source;
			this.interval = interval;
			access = source.img.randomAccess();
		}

		/**
		 * @return number of pixels that were compared with their right values
		 */
		long compare()
		{
			final Cursor< IntType > expected = Views.interval( source.expected, interval ).localizingCursor();
			while ( expected.hasNext() )
			{
				final int value = expected.next().get();
				final int read = access.setPositionAndGet( expected ).get();
				if ( read != value )
					throw new AssertionError( "pixel " + Util.printCoordinates( expected ) + " is " + read + ", expected " + value );
			}
			return Intervals.numElements( interval );
		}
	}
}
