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
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Stream;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

import net.imglib2.FinalInterval;
import net.imglib2.Interval;
import net.imglib2.RandomAccess;
import net.imglib2.RandomAccessibleInterval;
import net.imglib2.cache.Cache;
import net.imglib2.cache.img.CachedCellImg;
import net.imglib2.converter.Converters;
import net.imglib2.img.cell.CellGrid;
import net.imglib2.img.Img;
import net.imglib2.img.array.ArrayImgs;
import net.imglib2.interpolation.randomaccess.NearestNeighborInterpolatorFactory;
import net.imglib2.type.numeric.integer.IntType;
import net.imglib2.util.IntervalIndexer;
import net.imglib2.util.Intervals;
import net.imglib2.util.Util;
import net.imglib2.view.Views;

/**
 * Images that are made of others drop what has changed in these, and nobody gets old pixels.
 */
@Tag( "each-mode" )
@Timeout( 120 )
class InputInvalidationTest
{
	private static final int STRESS_SECONDS = Integer.getInteger( "stress.seconds", 4 );

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
	 * @return image whose pixels are all {@code k}, which is 1
	 */
	private static PythonImg< IntType > constant( final int... cellSize )
	{
		return PythonImg.builder( "block.data[...] = k" ).parameter( "k", 1 ).dimensions( 24, 18 ).cellSize( cellSize ).type( new IntType() ).queue( queue ).build();
	}

	/**
	 * @return image whose pixels are the smallest that each block sees
	 */
	private static PythonImg< IntType > smallest( final int[] cellSize, final PythonInput... inputs )
	{
		final PythonImgBuilder< ? > builder = PythonImg.builder( "block.data[...] = min(a.min() for a in block.inputs)" );
		for ( final PythonInput input : inputs )
			builder.input( input );
		return builder.dimensions( 24, 18 ).cellSize( cellSize ).type( new IntType() ).queue( queue ).build();
	}

	private static int[] cell( final int... size )
	{
		return size;
	}

	static Stream< Arguments > relations()
	{
		return Stream.of(
				relation( "the image", image -> PythonInput.of( image ) ),
				relation( "halo", image -> PythonInput.of( image ).halo( 3 ) ),
				relation( "translated", image -> PythonInput.of( Views.extendBorder( Views.translate( image, -1, -2 ) ) ).halo( 2 ) ),
				relation( "permuted", image -> PythonInput.of( Views.extendBorder( Views.permute( image, 0, 1 ) ) ) ),
				relation( "inverted", image -> PythonInput.of( Views.zeroMin( Views.invertAxis( image, 0 ) ) ) ),
				relation( "interval", image -> PythonInput.of( Views.interval( Views.extendPeriodic( image ), Intervals.expand( image, 4 ) ) ) ),
				relation( "mirrored", image -> PythonInput.of( Views.extendMirrorSingle( image ) ).halo( 1 ) ),
				relation( "converted", image -> PythonInput.of( Converters.convert( ( RandomAccessibleInterval< IntType > ) image, ( from, to ) -> to.set( from ), new IntType() ) ) ),
				relation( "converted and extended", image -> PythonInput.of( Converters.convert( Views.extendBorder( image ), ( from, to ) -> to.set( from ), new IntType() ) ).halo( 2 ) ),
				relation( "subsampled", image -> PythonInput.of( Views.extendBorder( Views.subsample( image, 2 ) ) ) ),
				relation( "a slice", image -> PythonInput.of( Views.extendBorder( Views.addDimension( Views.hyperSlice( image, 0, 5 ), 0, 3 ) ) ) ),
				relation( "stacked", image -> PythonInput.of( Views.stack( image, Views.invertAxis( Views.invertAxis( image, 0 ), 0 ) ) ).wholeAxes( 2 ) ),
				relation( "interpolated", image -> PythonInput.of( Views.raster( Views.interpolate( Views.extendBorder( image ), new NearestNeighborInterpolatorFactory<>() ) ) ) ),
				relation( "finer", image -> PythonInput.of( Views.extendBorder( image ) ).scale( 2, 1 ) ),
				relation( "coarser", image -> PythonInput.of( image ).scaleDown( 3 ).halo( 1 ) ),
				relation( "whole axes", image -> PythonInput.of( image ).wholeAxes( 0 ) ),
				relation( "a table", image -> PythonInput.of( Views.hyperSlice( image, 0, 5 ) ).wholeAxes( 0 ) ) );
	}

	private static Arguments relation( final String name, final Function< PythonImg< IntType >, PythonInput > input )
	{
		return Arguments.of( name, input );
	}

	@ParameterizedTest( name = "{0}" )
	@MethodSource( "relations" )
	void whatIsMadeOfAChangedImageChanges( final String name, final Function< PythonImg< IntType >, PythonInput > input )
	{
		final PythonImg< IntType > first = constant( 5, 4 );
		final PythonImg< IntType > second = smallest( cell( 7, 5 ), input.apply( first ) );
		final PythonImg< IntType > third = smallest( cell( 4, 9 ), PythonInput.of( second ).halo( 1 ) );
		final List< PythonImg< IntType > > all = Arrays.asList( first, second, third );
		assertPixels( 1, all );
		first.parameter( "k", 2 );
		assertPixels( 2, all );
		first.code( "block.data[...] = k + 3" );
		assertPixels( 5, all );
		first.invalidate();
		assertDropped( all );
		assertPixels( 5, all );
		first.getCache().invalidateAll();
		assertDropped( all );
		assertPixels( 5, all );
		// One pixel is in one cell, but it may be in all blocks of the second image.
		second.invalidate( new FinalInterval( 1, 1 ) );
		assertEquals( 25, present( first ).size() );
		assertEquals( 15, present( second ).size() );
		assertTrue( present( third ).size() < 12 );
		assertPixels( 5, all );
	}

	@Test
	void loadersAreInputsAndDependents()
	{
		final CellGrid grid = new CellGrid( new long[] { 24, 18 }, new int[] { 5, 4 } );
		final Img< IntType > source = ArrayImgs.ints( 24, 18 );
		source.forEach( pixel -> pixel.set( 1 ) );
		final PythonCacheLoader< IntType, ? > loader = PythonCacheLoader.fromRandomAccessibles( grid, queue, "block.data[...] = block.inputs[0]", new IntType(), source );
		final CachedCellImg< IntType, ? > first = loader.createCachedCellImg( 100 );
		final PythonImg< IntType > second = smallest( cell( 7, 5 ), PythonInput.of( first ).halo( 1 ) );
		final CachedCellImg< IntType, ? > third = PythonCacheLoader.fromRandomAccessibles( grid, queue, "block.data[...] = block.inputs[0]", new IntType(), second ).createCachedCellImg( 100 );
		final List< CachedCellImg< IntType, ? > > all = Arrays.asList( first, second, third );
		assertPixels( 1, all );
		source.forEach( pixel -> pixel.set( 2 ) );
		first.getCache().invalidateAll();
		assertDropped( all );
		assertPixels( 2, all );
		first.getCache().invalidate( 0L );
		assertEquals( 24, present( first ).size() );
		assertEquals( 15, present( second ).size() );
		assertEquals( Set.of( 0L, 1L, 5L, 6L ), absent( third ) );
		assertPixels( 2, all );
		second.invalidate();
		assertEquals( 25, present( first ).size() );
		assertDropped( Arrays.asList( second, third ) );
	}

	/**
	 * Which cells are dropped is compared with what each pixel of a block shows.
	 */
	@Test
	void cellsAreDroppedThatSeeWhatHasChangedAndNoOthers()
	{
		final Random random = new Random( 5 );
		for ( int i = 0; i < 60; ++i )
		{
			final int[] firstCell = cell( 1 + random.nextInt( 9 ), 1 + random.nextInt( 9 ) );
			final int[] secondCell = cell( 1 + random.nextInt( 9 ), 2 + random.nextInt( 9 ) );
			final int[] thirdCell = cell( 3 + random.nextInt( 9 ), 2 + random.nextInt( 9 ) );
			final int up = 1 + random.nextInt( 2 );
			final int down = up > 1 ? 1 : 1 + random.nextInt( 3 );
			final int[] halo = cell( random.nextInt( 6 ), random.nextInt( 6 ) );
			final String border = Arrays.asList( "mirror_double", "mirror_single", "nearest", "periodic", "zero" ).get( random.nextInt( 5 ) );
			final PythonImg< IntType > first = constant( firstCell );
			final PythonInput input = PythonInput.of( first ).halo( halo ).border( border ).scale( up ).scaleDown( down );
			final long[] dims = { 24 / up, 18 / up };
			final PythonImg< IntType > second = PythonImg.builder( "block.data[...] = block.inputs[0].max()" ).input( input ).dimensions( dims ).cellSize( secondCell ).queue( queue ).type( new IntType() ).build();
			final PythonImg< IntType > third = PythonImg.builder( "block.data[...] = block.inputs[0].max()" ).input( second ).dimensions( dims ).halo( 1 ).cellSize( thirdCell ).queue( queue ).type( new IntType() ).build();
			final String what = "case " + i + ": " + Arrays.toString( firstCell ) + " " + Arrays.toString( secondCell ) + " " + Arrays.toString( thirdCell ) + " scale " + up + " " + down + " " + Arrays.toString( halo ) + " "
					+ border;
			for ( int j = 0; j < 3; ++j )
			{
				assertPixels( 1, Arrays.asList( first, second, third ) );
				final long x = random.nextInt( 24 );
				final long y = random.nextInt( 18 );
				final Interval changed = new FinalInterval( new long[] { x, y }, new long[] { Math.min( 23, x + random.nextInt( 3 ) ), Math.min( 17, y + random.nextInt( 3 ) ) } );
				first.invalidate( changed );
				final Set< Long > inFirst = cells( first, position -> Intervals.contains( changed, new FinalInterval( position, position ) ), cell -> cell, "zero" );
				assertEquals( inFirst, absent( first ), what );
				final Set< Long > inSecond = cells( second, position -> inFirst.contains( cellOf( first, position ) ), cell -> new FinalInterval(
						new long[] { cell.min( 0 ) * up / down - halo[ 0 ], cell.min( 1 ) * up / down - halo[ 1 ] },
						new long[] { ( ( cell.max( 0 ) + 1 ) * up - 1 ) / down + halo[ 0 ], ( ( cell.max( 1 ) + 1 ) * up - 1 ) / down + halo[ 1 ] } ), border, 24, 18 );
				final Set< Long > inThird = cells( third, position -> inSecond.contains( cellOf( second, position ) ), cell -> Intervals.expand( cell, 1 ), "mirror_double", dims );
				if ( !border.equals( "periodic" ) )
				{
					assertEquals( inSecond, absent( second ), what );
					assertEquals( inThird, absent( third ), what );
				}
				assertTrue( absent( second ).containsAll( inSecond ), what );
				assertTrue( absent( third ).containsAll( inThird ), what );
			}
		}
	}

	private interface Position
	{
		boolean test( long[] position );
	}

	/**
	 * @return cells of an image whose block shows such a pixel
	 */
	private static Set< Long > cells( final CachedCellImg< ?, ? > image, final Position changed, final Function< Interval, Interval > block, final String border, final long... inputDims )
	{
		final CellGrid grid = image.getCellGrid();
		final long[] dims = inputDims.length == 0 ? grid.getImgDimensions() : inputDims;
		final Set< Long > cells = new TreeSet<>();
		for ( long cell = 0; cell < numCells( image ); ++cell )
		{
			final long[] min = new long[ 2 ];
			final int[] size = new int[ 2 ];
			grid.getCellDimensions( cell, min, size );
			final Interval seen = block.apply( FinalInterval.createMinSize( min, Util.int2long( size ) ) );
			for ( long y = seen.min( 1 ); y <= seen.max( 1 ); ++y )
				for ( long x = seen.min( 0 ); x <= seen.max( 0 ); ++x )
				{
					final long[] at = { shown( x, dims[ 0 ], border ), shown( y, dims[ 1 ], border ) };
					if ( at[ 0 ] >= 0 && at[ 1 ] >= 0 && changed.test( at ) )
						cells.add( cell );
				}
		}
		return cells;
	}

	/**
	 * @return the pixel of the image that is seen at a place; -1 if none is
	 */
	private static long shown( final long x, final long dim, final String border )
	{
		if ( x >= 0 && x < dim )
			return x;
		return switch ( border )
		{
		case "zero" -> -1;
		case "nearest" -> x < 0 ? 0 : dim - 1;
		case "periodic" -> Math.floorMod( x, dim );
		case "mirror_single" -> Math.floorMod( x, 2 * dim - 2 ) < dim ? Math.floorMod( x, 2 * dim - 2 ) : 2 * dim - 2 - Math.floorMod( x, 2 * dim - 2 );
		default -> Math.floorMod( x, 2 * dim ) < dim ? Math.floorMod( x, 2 * dim ) : 2 * dim - 1 - Math.floorMod( x, 2 * dim );
		};
	}

	private static long cellOf( final CachedCellImg< ?, ? > image, final long[] position )
	{
		final CellGrid grid = image.getCellGrid();
		final long[] cell = new long[ 2 ];
		grid.getCellPosition( position, cell );
		return IntervalIndexer.positionToIndex( cell, grid.getGridDimensions() );
	}

	@Test
	void listenersAreToldWhenNobodyHasOldPixels()
	{
		final PythonImg< IntType > first = constant( 5, 4 );
		final PythonImg< IntType > left = smallest( cell( 7, 5 ), PythonInput.of( first ).halo( 1 ) );
		final PythonImg< IntType > right = smallest( cell( 6, 6 ), PythonInput.of( first ) );
		final PythonImg< IntType > last = smallest( cell( 5, 5 ), PythonInput.of( left ), PythonInput.of( right ).halo( 2 ) );
		final List< PythonImg< IntType > > all = Arrays.asList( first, left, right, last );
		final List< PythonImg< IntType > > told = new ArrayList<>();
		final List< PythonImg< IntType > > dropped = new ArrayList<>( all );
		for ( final PythonImg< IntType > image : all )
			image.onInvalidate( cells -> {
				if ( told.isEmpty() )
					assertDropped( dropped );
				assertTrue( cells.test( 0L ) );
				// They may read at once.
				assertPixels( 2, all );
				told.add( image );
			} );
		assertPixels( 1, all );
		first.parameter( "k", 2 );
		assertEquals( all, told );
		told.clear();
		dropped.removeAll( Arrays.asList( first, right ) );
		left.invalidate();
		assertEquals( Arrays.asList( left, last ), told );
	}

	@Test
	void whatAListenerChangesIsToldToDependents()
	{
		final PythonImg< IntType > first = constant( 5, 4 );
		final PythonImg< IntType > second = smallest( cell( 7, 5 ), PythonInput.of( first ) );
		final AtomicBoolean done = new AtomicBoolean();
		first.onInvalidate( cells -> {
			assertPixels( 2, Arrays.asList( first, second ) );
			if ( !done.getAndSet( true ) )
				first.parameter( "k", 3 );
		} );
		assertPixels( 1, Arrays.asList( first, second ) );
		first.parameter( "k", 2 );
		assertTrue( done.get() );
		assertPixels( 3, Arrays.asList( first, second ) );
	}

	@Test
	void wrongCodeChangesNothing()
	{
		final PythonImg< IntType > first = constant( 5, 4 );
		final PythonImg< IntType > second = smallest( cell( 7, 5 ), PythonInput.of( first ) );
		assertPixels( 1, Arrays.asList( first, second ) );
		assertThrows( PythonCodeException.class, () -> first.code( "block.data[...] = (" ) );
		assertThrows( IllegalArgumentException.class, () -> first.parameter( "k", new Object() ) );
		assertEquals( 25, present( first ).size() );
		assertEquals( 16, present( second ).size() );
		first.invalidate();
		assertPixels( 1, Arrays.asList( first, second ) );
	}

	/**
	 * A cell that fails for an input is computed again when the input changes.
	 */
	@Test
	void failuresOfInputsEndWithThem()
	{
		final PythonImg< IntType > first = constant( 5, 4 );
		final PythonImg< IntType > second = smallest( cell( 7, 5 ), PythonInput.of( first ) );
		final PythonImg< IntType > third = smallest( cell( 7, 5 ), PythonInput.of( second ) );
		first.code( "1 / 0" );
		for ( int i = 0; i < 4; ++i )
			assertThrows( RuntimeException.class, () -> third.getAt( 1, 1 ) );
		first.code( "block.data[...] = k" );
		assertPixels( 1, Arrays.asList( first, second, third ) );
	}

	/**
	 * A reader that begins after a change has returned gets the new pixels, whatever happens
	 * meanwhile.
	 */
	@Test
	void nobodyGetsOldPixels() throws Exception
	{
		final PythonImg< IntType > first = constant( 8, 9 );
		final PythonImg< IntType > left = smallest( cell( 12, 9 ), PythonInput.of( first ).halo( 1 ) );
		final PythonImg< IntType > right = smallest( cell( 24, 6 ), PythonInput.of( Views.permute( Views.permute( first, 0, 1 ), 0, 1 ) ) );
		final PythonImg< IntType > last = smallest( cell( 9, 18 ), PythonInput.of( left ), PythonInput.of( right ).halo( 2 ), PythonInput.of( first ) );
		final List< PythonImg< IntType > > all = Arrays.asList( first, left, right, last );
		final AtomicInteger changed = new AtomicInteger( 1 );
		final AtomicInteger reads = new AtomicInteger();
		final long end = System.nanoTime() + TimeUnit.SECONDS.toNanos( STRESS_SECONDS );
		final Supplier< Boolean > isRunning = () -> System.nanoTime() < end;
		final List< Thread > readers = new ArrayList<>();
		final ExecutorService threads = Executors.newCachedThreadPool();
		try
		{
			final List< Future< ? > > running = new ArrayList<>();
			for ( int i = 0; i < 5; ++i )
			{
				final Random random = new Random( i );
				running.add( threads.submit( () -> {
					synchronized ( readers )
					{
						readers.add( Thread.currentThread() );
					}
					while ( isRunning.get() )
					{
						final PythonImg< IntType > image = all.get( random.nextInt( 4 ) );
						final int atLeast = changed.get();
						try
						{
							final int got = image.getAt( random.nextInt( 24 ), random.nextInt( 18 ) ).get();
							assertTrue( got >= atLeast, () -> "image " + all.indexOf( image ) + " has " + got + " after a change to " + atLeast );
							reads.incrementAndGet();
						}
						catch ( final RuntimeException e )
						{
							if ( !isInterruption( e ) )
								throw e;
						}
						Thread.interrupted();
					}
					synchronized ( readers )
					{
						readers.remove( Thread.currentThread() );
					}
					Thread.interrupted();
					return null;
				} ) );
			}
			running.add( threads.submit( () -> {
				for ( int k = 2; isRunning.get(); ++k )
				{
					first.parameter( "k", k );
					changed.set( k );
				}
				return null;
			} ) );
			running.add( threads.submit( () -> {
				for ( final Random random = new Random( 9 ); isRunning.get(); )
				{
					final PythonImg< IntType > image = all.get( random.nextInt( 4 ) );
					if ( random.nextBoolean() )
						image.invalidate();
					else
						image.invalidate( new FinalInterval( 1 + random.nextInt( 24 ), 1 + random.nextInt( 18 ) ) );
					if ( random.nextInt( 20 ) == 0 )
						left.code( "block.data[...] = min(a.min() for a in block.inputs)  # " + random.nextInt( 100 ) );
					synchronized ( readers )
					{
						if ( random.nextInt( 4 ) == 0 && !readers.isEmpty() )
							readers.get( random.nextInt( readers.size() ) ).interrupt();
					}
				}
				return null;
			} ) );
			for ( final Future< ? > one : running )
				one.get();
		}
		catch ( final ExecutionException e )
		{
			throw new AssertionError( e.getCause() );
		}
		finally
		{
			threads.shutdownNow();
		}
		assertNotEquals( 0, reads.get() );
		assertTrue( changed.get() > 2 );
		assertPixels( changed.get(), all );
	}

	private static boolean isInterruption( final Throwable e )
	{
		for ( Throwable cause = e; cause != null; cause = cause.getCause() )
			if ( cause instanceof InterruptedException || cause instanceof PythonInterruptedException )
				return true;
		return false;
	}

	private static void assertPixels( final int expected, final List< ? extends CachedCellImg< IntType, ? > > images )
	{
		for ( final CachedCellImg< IntType, ? > image : images )
		{
			final Set< Integer > pixels = new TreeSet<>();
			final RandomAccess< IntType > access = image.randomAccess();
			for ( long y = 0; y < image.dimension( 1 ); ++y )
				for ( long x = 0; x < image.dimension( 0 ); ++x )
					pixels.add( access.setPositionAndGet( x, y ).get() );
			assertEquals( Set.of( expected ), pixels, "image " + images.indexOf( image ) );
		}
	}

	private static void assertDropped( final List< ? extends CachedCellImg< IntType, ? > > images )
	{
		for ( final CachedCellImg< IntType, ? > image : images )
			for ( long cell = 0; cell < numCells( image ); ++cell )
				assertNull( image.getCache().getIfPresent( cell ), "image " + images.indexOf( image ) );
	}

	private static Set< Long > present( final CachedCellImg< ?, ? > image )
	{
		final Set< Long > present = new TreeSet<>();
		final Cache< Long, ? > cache = image.getCache();
		for ( long cell = 0; cell < numCells( image ); ++cell )
			if ( cache.getIfPresent( cell ) != null )
				present.add( cell );
		return present;
	}

	private static Set< Long > absent( final CachedCellImg< ?, ? > image )
	{
		final Set< Long > absent = new TreeSet<>();
		for ( long cell = 0; cell < numCells( image ); ++cell )
			absent.add( cell );
		absent.removeAll( present( image ) );
		return absent;
	}

	private static long numCells( final CachedCellImg< ?, ? > image )
	{
		return Intervals.numElements( image.getCellGrid().getGridDimensions() );
	}
}
