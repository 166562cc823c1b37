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
package net.imglib2.cache.img;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

import net.imglib2.Cursor;
import net.imglib2.RandomAccess;
import net.imglib2.cache.Cache;
import net.imglib2.cache.CacheLoader;
import net.imglib2.cache.ref.GuardedStrongRefLoaderCache;
import net.imglib2.cache.ref.SoftRefLoaderCache;
import net.imglib2.img.Img;
import net.imglib2.img.basictypeaccess.IntAccess;
import net.imglib2.img.basictypeaccess.array.FloatArray;
import net.imglib2.img.basictypeaccess.array.IntArray;
import net.imglib2.img.cell.Cell;
import net.imglib2.img.cell.CellGrid;
import net.imglib2.type.numeric.complex.ComplexFloatType;
import net.imglib2.type.numeric.integer.IntType;
import net.imglib2.util.Fraction;
import net.imglib2.util.IntervalIndexer;
import net.imglib2.util.Intervals;

class CachedCellImgTest
{
	private static final int[] CELL_DIMENSIONS = { 3, 5, 7 };

	private static final CellGrid GRID = new CellGrid( new long[] { 7, 16, 36 }, CELL_DIMENSIONS );

	/**
	 * How often each cell was loaded.
	 */
	private final Map< Long, Integer > loads = new ConcurrentHashMap<>();

	private static Stream< Arguments > grids()
	{
		return Stream.of(
				Arguments.of( new CellGrid( new long[] { 6, 15, 35 }, CELL_DIMENSIONS ), "2 x 3 x 5 full cells" ),
				Arguments.of( GRID, "3 x 4 x 6 cells, truncated at the border" ),
				Arguments.of( new CellGrid( new long[] { 2, 4, 6 }, CELL_DIMENSIONS ), "one truncated cell" ) );
	}

	/**
	 * Loads cells in which the value of each pixel is its flat index in the image.
	 */
	private CacheLoader< Long, Cell< IntArray > > loader( final CellGrid grid )
	{
		return index -> {
			loads.merge( index, 1, Integer::sum );
			final long[] min = new long[ grid.numDimensions() ];
			final int[] dimensions = new int[ grid.numDimensions() ];
			grid.getCellDimensions( index, min, dimensions );
			final int[] data = new int[ ( int ) Intervals.numElements( dimensions ) ];
			final long[] position = new long[ grid.numDimensions() ];
			for ( int i = 0; i < data.length; i++ )
			{
				IntervalIndexer.indexToPositionWithOffset( i, dimensions, min, position );
				data[ i ] = ( int ) IntervalIndexer.positionToIndex( position, grid.getImgDimensions() );
			}
			return new Cell<>( dimensions, min, new IntArray( data ) );
		};
	}

	private CachedCellImg< IntType, IntArray > image( final CellGrid grid )
	{
		return image( grid, loader( grid ) );
	}

	private static CachedCellImg< IntType, IntArray > image( final CellGrid grid, final CacheLoader< Long, Cell< IntArray > > loader )
	{
		final Cache< Long, Cell< IntArray > > cache = new GuardedStrongRefLoaderCache< Long, Cell< IntArray > >( 1000 ).withLoader( loader );
		return new CachedCellImg<>( grid, new IntType(), cache, new IntArray( 0 ) );
	}

	private static Map< Long, Integer > eachCellOnce( final CellGrid grid )
	{
		return LongStream.range( 0, Intervals.numElements( grid.getGridDimensions() ) ).boxed().collect( Collectors.toMap( i -> i, i -> 1 ) );
	}

	private static long assertPixels( final Img< IntType > img )
	{
		long n = 0;
		final Cursor< IntType > cursor = img.localizingCursor();
		final long[] position = new long[ img.numDimensions() ];
		while ( cursor.hasNext() )
		{
			final int value = cursor.next().get();
			cursor.localize( position );
			assertEquals( IntervalIndexer.positionToIndex( position, img.dimensionsAsLongArray() ), value );
			n++;
		}
		return n;
	}

	// -- pixels and cells --

	@ParameterizedTest( name = "{1}" )
	@MethodSource( "grids" )
	void eachPixelHasItsValueAndEachCellIsLoadedOnce( final CellGrid grid, final String name )
	{
		final CachedCellImg< IntType, IntArray > img = image( grid );
		assertArrayEquals( grid.getImgDimensions(), img.dimensionsAsLongArray() );
		for ( int i = 0; i < 2; i++ )
			assertEquals( Intervals.numElements( img ), assertPixels( img ) );
		assertEquals( eachCellOnce( grid ), loads );
	}

	@ParameterizedTest( name = "{1}" )
	@MethodSource( "grids" )
	void getCellsGivesTheCellsOfTheGrid( final CellGrid grid, final String name )
	{
		final CachedCellImg< IntType, IntArray > img = image( grid );
		assertSame( grid, img.getCellGrid() );
		assertArrayEquals( grid.getGridDimensions(), img.getCells().dimensionsAsLongArray() );

		final long[] min = new long[ 3 ];
		final int[] dimensions = new int[ 3 ];
		long index = 0;
		for ( final Cell< IntArray > cell : img.getCells() )
		{
			grid.getCellDimensions( index++, min, dimensions );
			for ( int d = 0; d < 3; d++ )
			{
				assertEquals( min[ d ], cell.min( d ) );
				assertEquals( dimensions[ d ], cell.dimension( d ) );
			}
			assertEquals( Intervals.numElements( dimensions ), cell.getData().getCurrentStorageArray().length );
		}
		assertPixels( img );
		assertEquals( eachCellOnce( grid ), loads );
	}

	@Test
	void readingAPixelLoadsItsCellOnly()
	{
		final CachedCellImg< IntType, IntArray > img = image( GRID );
		final RandomAccess< IntType > access = img.randomAccess();
		assertEquals( Map.of(), loads );
		assertEquals( 6 + 7 * ( 15 + 16 * 35 ), access.setPositionAndGet( 6, 15, 35 ).get() );
		assertEquals( Map.of( 3L * 4 * 6 - 1, 1 ), loads );
	}

	@Test
	void cellsOfTheImageAreThoseOfTheCache() throws Exception
	{
		final CachedCellImg< IntType, IntArray > img = image( GRID );
		final Cell< IntArray > cell = img.getCache().get( 5L );
		assertSame( cell, img.getCells().randomAccess().setPositionAndGet( 2, 1, 0 ) );
		cell.getData().setValue( 0, -42 );
		assertEquals( -42, img.getAt( 6, 5, 0 ).get() );
	}

	@Test
	void invalidatedCellsAreLoadedAgain()
	{
		final CachedCellImg< IntType, IntArray > img = image( GRID );
		img.getAt( 0, 0, 0 ).set( -1 );
		assertEquals( -1, img.getAt( 0, 0, 0 ).get() );
		img.getCache().invalidate( 0L );
		assertEquals( 0, img.getAt( 0, 0, 0 ).get() );
		assertEquals( Map.of( 0L, 2 ), loads );
	}

	@Test
	void manyReadersLoadEachCellOnce() throws Exception
	{
		final CachedCellImg< IntType, IntArray > img = image( GRID );
		final ExecutorService threads = Executors.newFixedThreadPool( 8 );
		try
		{
			final List< Callable< Long > > readers = new ArrayList<>();
			for ( int i = 0; i < 8; i++ )
				readers.add( () -> assertPixels( img ) );
			for ( final Future< Long > reader : threads.invokeAll( readers ) )
				assertEquals( 7 * 16 * 36, reader.get() );
		}
		finally
		{
			threads.shutdown();
		}
		assertEquals( eachCellOnce( GRID ), loads );
	}

	// -- what it was made from --

	@Test
	void cacheAndAccessTypeAreThoseOfTheConstructor()
	{
		final Cache< Long, Cell< IntArray > > cache = new SoftRefLoaderCache< Long, Cell< IntArray > >().withLoader( loader( GRID ) );
		final IntArray accessType = new IntArray( 0 );

		final CachedCellImg< IntType, IntArray > byType = new CachedCellImg<>( GRID, new IntType(), cache, accessType );
		assertSame( cache, byType.getCache() );
		assertSame( accessType, byType.getAccessType() );

		final CachedCellImg< IntType, IntArray > byEntities = new CachedCellImg<>( GRID, new Fraction(), cache, accessType );
		assertSame( cache, byEntities.getCache() );
		assertSame( accessType, byEntities.getAccessType() );
		assertEquals( Map.of(), loads );
	}

	@Test
	void withEntitiesPerPixelTheCallerSetsTheType()
	{
		final Cache< Long, Cell< IntArray > > cache = new SoftRefLoaderCache< Long, Cell< IntArray > >().withLoader( loader( GRID ) );
		final CachedCellImg< IntType, IntArray > img = new CachedCellImg<>( GRID, new Fraction(), cache, new IntArray( 0 ) );
		img.setLinkedType( linkedType( img ) );
		assertPixels( img );
	}

	private static IntType linkedType( final CachedCellImg< IntType, ? extends IntAccess > img )
	{
		return new IntType( img );
	}

	@Test
	void aPixelMayHaveSeveralEntities()
	{
		final CachedCellImg< ComplexFloatType, FloatArray > img = new CachedCellImg<>(
				new CellGrid( new long[] { 4 }, new int[] { 3 } ),
				new ComplexFloatType(),
				new SoftRefLoaderCache< Long, Cell< FloatArray > >().withLoader( index -> new Cell<>(
						new int[] { index == 0 ? 3 : 1 },
						new long[] { index * 3 },
						new FloatArray( index == 0 ? new float[] { 0, 1, 2, 3, 4, 5 } : new float[] { 6, 7 } ) ) ),
				new FloatArray( 0 ) );

		for ( int i = 0; i < 4; i++ )
		{
			assertEquals( 2 * i, img.getAt( i ).getRealFloat() );
			assertEquals( 2 * i + 1, img.getAt( i ).getImaginaryFloat() );
		}
	}

	// -- copies --

	@Test
	void factoryCreatesWritableImagesOfTheSameType()
	{
		final CachedCellImg< IntType, IntArray > img = image( GRID );
		final Img< IntType > created = img.factory().create( 3, 4 );
		assertArrayEquals( new long[] { 3, 4 }, created.dimensionsAsLongArray() );
		int i = 0;
		for ( final IntType pixel : created )
			pixel.set( ++i );
		assertEquals( 12, i );
		i = 0;
		for ( final IntType pixel : created )
			assertEquals( ++i, pixel.get() );
		assertEquals( Map.of(), loads );
	}

	@Test
	void copyIsNotSupported()
	{
		assertThrows( UnsupportedOperationException.class, () -> image( GRID ).copy() );
	}

	// -- failures --

	@Test
	void aCellThatFailsIsThrownAndTriedAgain()
	{
		final IOException failure = new IOException();
		final AtomicBoolean fail = new AtomicBoolean( true );
		final CachedCellImg< IntType, IntArray > img = image( GRID, index -> {
			if ( index == 1 && fail.get() )
				throw failure;
			return loader( GRID ).get( index );
		} );
		for ( int i = 0; i < 2; i++ )
		{
			final RuntimeException e = assertThrows( RuntimeException.class, () -> img.getAt( 3, 0, 0 ) );
			assertSame( RuntimeException.class, e.getClass() );
			assertInstanceOf( ExecutionException.class, e.getCause() );
			assertSame( failure, e.getCause().getCause() );
		}
		assertTrue( loads.isEmpty() );
		fail.set( false );
		assertPixels( img );
		assertEquals( eachCellOnce( GRID ), loads );
	}

	@Test
	void anErrorInALoaderIsThrownAsItIs()
	{
		final Error failure = new OutOfMemoryError( "thrown by a test" );
		final CachedCellImg< IntType, IntArray > img = image( GRID, index -> {
			throw failure;
		} );
		assertSame( failure, assertThrows( OutOfMemoryError.class, () -> img.getAt( 0, 0, 0 ) ) );
	}
}
