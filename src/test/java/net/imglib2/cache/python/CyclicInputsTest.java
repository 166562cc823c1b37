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

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.LongBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import jep.DirectNDArray;
import net.imglib2.cache.LoaderCache;
import net.imglib2.cache.img.CachedCellImg;
import net.imglib2.cache.ref.GuardedStrongRefLoaderCache;
import net.imglib2.cache.ref.SoftRefLoaderCache;
import net.imglib2.img.basictypeaccess.nio.LongBufferAccess;
import net.imglib2.img.cell.Cell;
import net.imglib2.img.cell.CellGrid;
import net.imglib2.type.numeric.integer.LongType;

/**
 * Images whose inputs lead back to them. A recurrence that ends is computed; one without end
 * is an error, on one thread and on several threads that would wait for each other.
 */
@Tag( "each-mode" )
@Timeout( 60 )
public class CyclicInputsTest
{
	private static final int NUM_CELLS = 200;

	private static final CellGrid GRID = new CellGrid( new long[] { NUM_CELLS }, new int[] { 1 } );

	private static PythonCacheLoaderQueue queue;

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

	/**
	 * An image whose only input is a function of the cell.
	 */
	private interface Input
	{
		long of( long cell ) throws Exception;
	}

	@Test
	void aCellThatReadsItselfIsAnError()
	{
		final List< CachedCellImg< LongType, ? > > img = new ArrayList<>();
		img.add( image( cell -> pixel( img.get( 0 ), cell ) ) );
		final PythonCycleException e = cycleOf( assertThrows( RuntimeException.class, () -> pixel( img.get( 0 ), 7 ) ) );
		assertTrue( e.getMessage().matches( "A cell would be computed from itself: cell 7 of (PythonCacheLoader \\d+) needs cell 7 of \\1\\. .*" ), e.getMessage() );
	}

	@Test
	void cellsThatReadEachOtherAreAnErrorThatNamesThem()
	{
		final List< CachedCellImg< LongType, ? > > imgs = new ArrayList<>();
		for ( int i = 0; i < 3; ++i )
		{
			final int next = ( i + 1 ) % 3;
			imgs.add( image( cell -> pixel( imgs.get( next ), cell ^ 1 ) ) );
		}
		final PythonCycleException e = cycleOf( assertThrows( RuntimeException.class, () -> pixel( imgs.get( 0 ), 4 ) ) );
		assertTrue( e.getMessage().matches( ".*: cell 4 of (\\S+ \\d+) needs cell 5 of (\\S+ \\d+) needs cell 4 of (\\S+ \\d+) needs "
				+ "cell 5 of \\1 needs cell 4 of \\2 needs cell 5 of \\3 needs cell 4 of \\1\\. .*" ), e.getMessage() );
	}

	@Test
	void anImageOfTheUsersOwnCacheThatReadsItselfIsAnError()
	{
		final List< CachedCellImg< LongType, ? > > img = new ArrayList<>();
		final PythonCacheLoader< LongType, LongBufferAccess > loader = loader( cell -> pixel( img.get( 0 ), cell ) );
		img.add( new CachedCellImg<>( GRID, new LongType(), new SoftRefLoaderCache< Long, Cell< LongBufferAccess > >().withLoader( loader ), new LongBufferAccess( 1, true ) ) );
		cycleOf( assertThrows( RuntimeException.class, () -> pixel( img.get( 0 ), 7 ) ) );
	}

	@Test
	void afterTheErrorOtherCellsCanBeRead()
	{
		final List< CachedCellImg< LongType, ? > > img = new ArrayList<>();
		img.add( image( cell -> cell % 2 == 0 ? pixel( img.get( 0 ), cell ) : cell ) );
		for ( int i = 0; i < 3; ++i )
			cycleOf( assertThrows( RuntimeException.class, () -> pixel( img.get( 0 ), 10 ) ) );
		assertEquals( 12, pixel( img.get( 0 ), 11 ) );
	}

	/**
	 * All threads begin their cells, and only then reads each the next one's: without a guard,
	 * all would wait for ever.
	 */
	@ParameterizedTest
	@ValueSource( ints = { 2, 3, 8 } )
	void threadsThatWouldWaitForEachOtherGetTheError( final int numThreads ) throws Exception
	{
		for ( final LoaderCache< Long, Cell< LongBufferAccess > > cache : Arrays.< LoaderCache< Long, Cell< LongBufferAccess > > >asList(
				new GuardedStrongRefLoaderCache<>( NUM_CELLS ), new SoftRefLoaderCache<>(), new WeightBoundedLoaderCache<>( NUM_CELLS, cell -> 1 ) ) )
		{
			final CountDownLatch allBegun = new CountDownLatch( numThreads );
			final List< CachedCellImg< LongType, ? > > img = new ArrayList<>();
			img.add( loader( cell -> {
				allBegun.countDown();
				allBegun.await();
				return pixel( img.get( 0 ), ( cell + 1 ) % numThreads );
			} ).createCachedCellImg( cache ) );
			final List< Future< Long > > readers = inParallel( IntStream.range( 0, numThreads ).mapToObj( cell -> ( Input ) ignored -> pixel( img.get( 0 ), cell ) ).collect( Collectors.toList() ) );
			for ( final Future< Long > reader : readers )
				cycleOf( assertThrows( ExecutionException.class, reader::get ) );
		}
	}

	@Test
	void recurrencesThatEndAreComputed() throws Exception
	{
		final List< CachedCellImg< LongType, ? > > img = new ArrayList<>();
		img.add( image( cell -> cell < 2 ? 0 : pixel( img.get( 0 ), cell - 1 ) + pixel( img.get( 0 ), cell - 2 ) ) );
		final long[] expected = new long[ NUM_CELLS ];
		for ( int cell = 0; cell < NUM_CELLS; ++cell )
			expected[ cell ] = 1 + ( cell < 2 ? 0 : expected[ cell - 1 ] + expected[ cell - 2 ] );
		final List< Input > readers = new ArrayList<>();
		for ( int i = 0; i < 8; ++i )
		{
			final List< Integer > cells = IntStream.range( 0, NUM_CELLS ).boxed().collect( Collectors.toList() );
			Collections.shuffle( cells, new Random( i ) );
			readers.add( ignored -> {
				for ( final int cell : cells )
					assertEquals( expected[ cell ], pixel( img.get( 0 ), cell ) );
				return 0;
			} );
		}
		for ( final Future< Long > reader : inParallel( readers ) )
			reader.get();
	}

	@Test
	void invalidatedCellsAreReadAgain() throws Exception
	{
		final List< CachedCellImg< LongType, ? > > img = new ArrayList<>();
		final long[] offset = { 0 };
		img.add( image( cell -> cell == 0 ? offset[ 0 ] : pixel( img.get( 0 ), cell - 1 ) ) );
		assertEquals( 10, pixel( img.get( 0 ), 9 ) );
		offset[ 0 ] = 100;
		img.get( 0 ).getCache().invalidate( 9L );
		assertEquals( 10, pixel( img.get( 0 ), 9 ) );
		img.get( 0 ).getCache().invalidateIf( cell -> cell < 9 );
		assertEquals( 10, pixel( img.get( 0 ), 9 ) );
		assertEquals( 109, pixel( img.get( 0 ), 8 ) );
		img.get( 0 ).getCache().invalidateAll();
		assertEquals( 110, pixel( img.get( 0 ), 9 ) );
	}

	private static CachedCellImg< LongType, LongBufferAccess > image( final Input input )
	{
		return loader( input ).createCachedCellImg( NUM_CELLS );
	}

	/**
	 * Adds one to the input.
	 */
	private static PythonCacheLoader< LongType, LongBufferAccess > loader( final Input input )
	{
		final InputGenerator generator = interval -> {
			final LongBuffer buffer = ByteBuffer.allocateDirect( Long.BYTES ).order( ByteOrder.nativeOrder() ).asLongBuffer();
			buffer.put( 0, input.of( interval.min( 0 ) ) );
			return new DirectNDArray<>( buffer, 1 );
		};
		return PythonCacheLoader.fromInputGenerators( GRID, queue, "block.data[...] = block.inputs[0] + 1", new LongType(), new LongBufferAccess( 1, true ), Halo.empty( 1 ), generator );
	}

	private static long pixel( final CachedCellImg< LongType, ? > img, final long cell )
	{
		return img.getAt( cell ).get();
	}

	private static List< Future< Long > > inParallel( final List< Input > readers ) throws InterruptedException
	{
		final ExecutorService threads = Executors.newFixedThreadPool( readers.size() );
		try
		{
			return threads.invokeAll( readers.stream().map( reader -> ( Callable< Long > ) () -> reader.of( 0 ) ).collect( Collectors.toList() ) );
		}
		finally
		{
			threads.shutdownNow();
		}
	}

	private static PythonCycleException cycleOf( final Throwable thrown )
	{
		Throwable cause = thrown;
		while ( !( cause instanceof PythonCycleException ) && cause.getCause() != null )
			cause = cause.getCause();
		if ( cause instanceof PythonCycleException )
			return ( PythonCycleException ) cause;
		throw new AssertionError( "there is no cycle in it", thrown );
	}
}
