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
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

import net.imglib2.Cursor;
import net.imglib2.Interval;
import net.imglib2.cache.img.CachedCellImg;
import net.imglib2.img.array.ArrayImg;
import net.imglib2.img.array.ArrayImgs;
import net.imglib2.img.cell.CellGrid;
import net.imglib2.type.numeric.integer.IntType;
import net.imglib2.util.Intervals;
import net.imglib2.view.Views;

/**
 * Takes Python on a tour of the standard library and of all packages of the environment: each
 * block of an image makes one stop, see {@code src/test/python/tour}. Four workers compute two
 * images at once, each read by two threads, again and again, while other queues are opened, make
 * some stops and are closed. Every pixel that is read is compared with its right value. Prints
 * what was done, and ends with an error if a pixel was wrong or a stop failed. Arguments:
 * seconds.
 */
public final class StressMain
{
	private static final int WORKERS = 4;

	private static final int READERS_OF_AN_IMAGE = 2;

	private static final int STOPS_OF_OTHER_QUEUES = 10;

	/**
	 * A stop may wait for other stops, for Python's lock and for a busy machine, but not for ever.
	 */
	private static final Duration TIMEOUT = Duration.ofMinutes( 2 );

	private static final long[] DIMS = { 40, 19, 14 };

	/**
	 * With a remainder along the last two axes.
	 */
	private static final CellGrid GRID = new CellGrid( DIMS, new int[] { 5, 4, 3 } );

	private static final int NUM_CELLS = ( int ) Intervals.numElements( GRID.getGridDimensions() );

	/**
	 * Fewer than an image has, so that cells are computed again.
	 */
	private static final int CACHED_CELLS = NUM_CELLS / 2;

	private static final String INIT = "from tour import itinerary\nthere = itinerary.plan()\nback = there[::-1]";

	private static final String CODE = "block.data[...] = block.inputs[0] + itinerary.visit(%s, block.index)";

	/**
	 * The two images that are computed at once, with different orders of their stops.
	 */
	private static final List< String > ORDERS = Arrays.asList( "there", "back" );

	private static final int MAX_SHOWN = 50;

	private final ArrayImg< IntType, ? > input = ArrayImgs.ints( DIMS );

	private final PythonEnvironment environment;

	private final ConcurrentLinkedQueue< String > printed = new ConcurrentLinkedQueue<>();

	private final Map< String, AtomicLong > failures = new ConcurrentSkipListMap<>();

	private final AtomicLong images = new AtomicLong();

	private final AtomicLong cells = new AtomicLong();

	private final AtomicLong pixels = new AtomicLong();

	private final AtomicLong wrong = new AtomicLong();

	private final Map< String, List< String > > stops = new ConcurrentSkipListMap<>();

	private final long endNanos;

	private int otherQueues;

	private StressMain( final double seconds ) throws URISyntaxException
	{
		final Path tour = Paths.get( StressMain.class.getResource( "/python/tour/itinerary.py" ).toURI() ).getParent();
		environment = PythonEnvironment.detected().withModulePath( tour.getParent() ).withOutput( printed::add, printed::add );
		final Random random = new Random( 42 );
		input.forEach( pixel -> pixel.set( random.nextInt( 1000 ) ) );
		endNanos = System.nanoTime() + ( long ) ( seconds * 1e9 );
	}

	public static void main( final String... args ) throws Exception
	{
		final StressMain stress = new StressMain( Double.parseDouble( args[ 0 ] ) );
		final long start = System.nanoTime();
		stress.run();
		stress.report( ( System.nanoTime() - start ) / 1e9 );
		if ( stress.wrong.get() > 0 || !stress.failures.isEmpty() )
			throw new AssertionError( stress.wrong + " pixels were wrong, and stops have failed in " + stress.failures.size() + " ways" );
		System.out.println( "survived" );
	}

	private void run() throws Exception
	{
		try (final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue( WORKERS, INIT, environment ))
		{
			final List< Thread > lanes = new ArrayList<>();
			for ( final String order : ORDERS )
			{
				stops.put( order, names( queue, order ) );
				lanes.add( new Thread( () -> tour( queue, order ), "tour " + order ) );
			}
			lanes.forEach( Thread::start );
			final Random random = new Random( 1 );
			while ( !isOver() )
				otherQueue( random );
			for ( final Thread lane : lanes )
				lane.join();
		}
	}

	private boolean isOver()
	{
		return System.nanoTime() >= endNanos;
	}

	private static List< String > names( final PythonCacheLoaderQueue queue, final String order )
	{
		final List< ? > names = queue.< List< ? > >submit( python -> python.getValue( "[stop.__name__ for stop in " + order + "]", List.class ) ).join();
		if ( names.size() > NUM_CELLS )
			throw new AssertionError( names.size() + " stops, but " + NUM_CELLS + " cells" );
		return names.stream().map( String.class::cast ).collect( Collectors.toList() );
	}

	/**
	 * One image after the other, at least one; each makes every stop.
	 */
	private void tour( final PythonCacheLoaderQueue queue, final String order )
	{
		try
		{
			do
			{
				final CachedCellImg< IntType, ? > image = newImage( queue, order );
				final List< Thread > readers = new ArrayList<>();
				for ( int i = 0; i < READERS_OF_AN_IMAGE; ++i )
				{
					final Random random = new Random( images.get() * READERS_OF_AN_IMAGE + i );
					readers.add( new Thread( () -> shuffledCells( random ).forEach( cell -> readCell( image, order, cell ) ), "reader " + order + " " + i ) );
				}
				readers.forEach( Thread::start );
				for ( final Thread reader : readers )
					reader.join();
				images.incrementAndGet();
			}
			while ( !isOver() );
		}
		catch ( final Throwable t )
		{
			count( "a tour " + order + " ended: " + t );
		}
	}

	/**
	 * Another queue is opened, makes some stops and is closed.
	 */
	private void otherQueue( final Random random )
	{
		try (final PythonCacheLoaderQueue other = new PythonCacheLoaderQueue( 1 + random.nextInt( 2 ), INIT, environment ))
		{
			final String order = ORDERS.get( random.nextInt( ORDERS.size() ) );
			final CachedCellImg< IntType, ? > image = newImage( other, order );
			for ( final int cell : shuffledCells( random ).subList( 0, STOPS_OF_OTHER_QUEUES ) )
				readCell( image, order, cell );
		}
		catch ( final RuntimeException e )
		{
			count( "another queue: " + e );
		}
		++otherQueues;
	}

	private CachedCellImg< IntType, ? > newImage( final PythonCacheLoaderQueue queue, final String order )
	{
		return PythonCacheLoader.fromRandomAccessibles( GRID, queue, String.format( CODE, order ), new IntType(), Halo.empty( 3 ),
				PythonLoaderOptions.options().timeout( TIMEOUT ), Collections.singletonList( input ) ).createCachedCellImg( CACHED_CELLS );
	}

	private static List< Integer > shuffledCells( final Random random )
	{
		final List< Integer > all = IntStream.range( 0, NUM_CELLS ).boxed().collect( Collectors.toList() );
		Collections.shuffle( all, random );
		return all;
	}

	private void readCell( final CachedCellImg< IntType, ? > image, final String order, final int index )
	{
		final long[] min = new long[ 3 ];
		final int[] dims = new int[ 3 ];
		GRID.getCellDimensions( index, min, dims );
		final Interval cell = Intervals.createMinSize( min[ 0 ], min[ 1 ], min[ 2 ], dims[ 0 ], dims[ 1 ], dims[ 2 ] );
		try
		{
			final Cursor< IntType > cursor = Views.interval( image, cell ).localizingCursor();
			while ( cursor.hasNext() )
				if ( cursor.next().get() != input.getAt( cursor ).get() + 3 * index + 1 )
					wrong.incrementAndGet();
			pixels.addAndGet( Intervals.numElements( cell ) );
			cells.incrementAndGet();
		}
		catch ( final Throwable t )
		{
			Throwable cause = t;
			while ( cause.getCause() != null && !( cause instanceof PythonException ) )
				cause = cause.getCause();
			final List< String > names = stops.get( order );
			// Without the cell and the image.
			count( names.get( index % names.size() ) + ": " + String.valueOf( cause.getMessage() ).replaceFirst( "^Cell .* failed: ", "" ).replaceFirst( "\n  at <PythonCacheLoader.*", "" ) );
		}
	}

	private void count( final String failure )
	{
		failures.computeIfAbsent( failure.replaceAll( "0x[0-9a-f]+|\\d{2,}", "#" ), what -> new AtomicLong() ).incrementAndGet();
	}

	private void report( final double seconds ) throws IOException
	{
		System.out.printf( "%.0f s, Python in mode %s%n", seconds, System.getProperty( PythonEnvironment.MODE_PROPERTY, InterpreterMode.SHARED.name() ) );
		System.out.printf( "stops of the tour: %d%n", stops.get( "there" ).size() );
		System.out.printf( "images that made all of them: %d, read by %d threads each%n", images.get(), READERS_OF_AN_IMAGE );
		System.out.printf( "cells read: %d, pixels compared: %d, wrong: %d%n", cells.get(), pixels.get(), wrong.get() );
		System.out.printf( "queues opened and closed meanwhile: %d%n", otherQueues );
		System.out.printf( "errors: %d%n", failures.values().stream().mapToLong( AtomicLong::get ).sum() );
		failures.entrySet().stream().limit( MAX_SHOWN ).forEach( failure -> System.out.println( "--- " + failure.getValue() + " times: " + failure.getKey() ) );
		System.out.printf( "lines that Python printed: %d%n", printed.size() );
		if ( !failures.isEmpty() )
			printed.stream().limit( MAX_SHOWN ).forEach( line -> System.out.println( "    " + line ) );
		System.out.printf( "resident: %d MiB%n", Resources.residentBytes() >> 20 );
	}
}
