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
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.LongStream;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import net.imglib2.RandomAccess;
import net.imglib2.RandomAccessible;
import net.imglib2.RandomAccessibleInterval;
import net.imglib2.blocks.PrimitiveBlocks;
import net.imglib2.blocks.PrimitiveBlocks.OnFallback;
import net.imglib2.cache.img.CachedCellImg;
import net.imglib2.cache.python.TestImages.Storage;
import net.imglib2.converter.Converters;
import net.imglib2.img.basictypeaccess.nio.BufferAccess;
import net.imglib2.img.basictypeaccess.nio.FloatBufferAccess;
import net.imglib2.img.cell.CellGrid;
import net.imglib2.type.numeric.integer.IntType;
import net.imglib2.type.numeric.real.DoubleType;
import net.imglib2.type.numeric.real.FloatType;
import net.imglib2.util.Intervals;
import net.imglib2.view.Views;

/**
 * Many threads read images whose inputs are in shared buffers.
 */
@Tag( "each-mode" )
class ConcurrentReadersTest
{
	private static final int THREADS = 8;

	private static final long[] DIMS = { 66, 50, 34 };

	private static final CellGrid GRID = new CellGrid( DIMS, new int[] { 6, 5, 4 } );

	private static final int NUM_CELLS = ( int ) Intervals.numElements( GRID.getGridDimensions() );

	private static PythonCacheLoaderQueue queue;

	@BeforeAll
	static void open()
	{
		queue = new PythonCacheLoaderQueue( 2, TestPixels.INIT );
	}

	@AfterAll
	static void close()
	{
		queue.close();
	}

	@Test
	void everyPixelIsRightForPythonImagesOfPythonImages() throws Exception
	{
		final CachedCellImg< IntType, ? > source = PythonCacheLoader.fromRandomAccessibles( new CellGrid( DIMS, new int[] { 7, 7, 7 } ), queue,
				"window = tuple(slice(a, b + 1) for a, b in zip(block.min, block.max))\nblock.data[...] = image('int32', " + TestImages.numpy( DIMS ) + ", 5)[window]", new IntType() )
				.createCachedCellImg( 10_000 );
		readAllAtOnce( Views.extendMirrorSingle( source ) );
	}

	@Test
	void everyPixelIsRightForBuffersThatAllReadersShare() throws Exception
	{
		for ( final Storage storage : new Storage[] { Storage.ARRAY_IN_NATIVE_BUFFER, Storage.ARRAY_IN_BIG_ENDIAN_BUFFER, Storage.ARRAY_IN_HEAP_BUFFER, Storage.CACHED_NATIVE_BUFFERS,
				Storage.PLANES_IN_NATIVE_BUFFERS, Storage.SAYS_ARRAYS_HAS_BUFFERS } )
			readAllAtOnce( Views.extendMirrorSingle( TestImages.create( storage, new IntType(), DIMS, new int[] { 7, 7, 7 }, 5, queue ) ) );
	}

	@Test
	void everyPixelIsRightForArrays() throws Exception
	{
		readAllAtOnce( Views.extendMirrorSingle( TestImages.create( Storage.CELLS, new IntType(), DIMS, new int[] { 7, 7, 7 }, 5, queue ) ) );
	}

	/**
	 * All threads read all cells of a new image, each in a different order.
	 */
	private static void readAllAtOnce( final RandomAccessible< IntType > input ) throws Exception
	{
		final String code = """
				if 'padded' not in globals():
				    padded = np.pad(image('int32', %s, 5), ((1, 3), (2, 0), (2, 1)), mode='reflect')
				window = tuple(slice(m, m + s) for m, s in zip(block.min, block.inputs[0].shape))
				np.testing.assert_array_equal(block.inputs[0], padded[window])
				block.data[...] = block.inputs[0][block.halo]
				""".formatted( TestImages.numpy( DIMS ) );
		final CachedCellImg< IntType, ? > img = PythonCacheLoader.fromRandomAccessibles( GRID, queue, code, new IntType(), new Halo( new int[] { 2, 2, 1 }, new int[] { 1, 0, 3 } ), input )
				.createCachedCellImg( 10_000 );
		inParallel( thread -> {
			final List< Long > cells = new ArrayList<>();
			LongStream.range( 0, NUM_CELLS ).forEach( cells::add );
			Collections.shuffle( cells, new Random( thread ) );
			final RandomAccess< IntType > access = img.randomAccess();
			final long[] min = new long[ 3 ];
			final int[] dims = new int[ 3 ];
			final IntType want = new IntType();
			for ( final long cell : cells )
			{
				GRID.getCellDimensions( cell, min, dims );
				for ( int corner = 0; corner < 8; ++corner )
				{
					for ( int d = 0; d < 3; ++d )
						access.setPosition( min[ d ] + ( ( corner >> d & 1 ) == 0 ? 0 : dims[ d ] - 1 ), d );
					final long index = access.getLongPosition( 0 ) + DIMS[ 0 ] * ( access.getLongPosition( 1 ) + DIMS[ 1 ] * access.getLongPosition( 2 ) );
					TestPixels.set( want, index, 5 );
					assertEquals( want, access.get() );
				}
			}
			return null;
		} );
	}

	@Test
	void blockCopiersOfImgLib2CanReadTheCellsFromManyThreads() throws Exception
	{
		final CachedCellImg< FloatType, ? extends BufferAccess< ? > > img = PythonCacheLoader.fromRandomAccessibles( GRID, queue,
				"window = tuple(slice(a, b + 1) for a, b in zip(block.min, block.max))\nblock.data[...] = image('float32', " + TestImages.numpy( DIMS ) + ", 9)[window]", new FloatType() )
				.createCachedCellImg( 10_000 );
		final PrimitiveBlocks< FloatType > blocks = PrimitiveBlocks.of( img, OnFallback.FAIL ).threadSafe();
		final RandomAccessibleInterval< FloatType > wanted = TestImages.create( Storage.ARRAY, new FloatType(), DIMS, null, 9, queue );
		final PrimitiveBlocks< FloatType > wantedBlocks = PrimitiveBlocks.of( wanted, OnFallback.FAIL ).threadSafe();
		inParallel( thread -> {
			final Random random = new Random( thread );
			final int[] size = { 20, 15, 12 };
			final float[] got = new float[ 20 * 15 * 12 ];
			final float[] want = new float[ got.length ];
			for ( int i = 0; i < 200; ++i )
			{
				final long[] min = { random.nextInt( 46 ), random.nextInt( 35 ), random.nextInt( 22 ) };
				blocks.copy( min, got, size );
				wantedBlocks.copy( min, want, size );
				assertTrue( Arrays.equals( want, got ), () -> "block at " + Arrays.toString( min ) );
			}
			return null;
		} );
	}

	@Test
	void readersOfACellDoNotShareAPosition() throws Exception
	{
		final PythonCacheLoader< FloatType, FloatBufferAccess > loader = PythonCacheLoader.fromRandomAccessibles(
				GRID, queue, "block.data[...] = 1", new FloatType(), new FloatBufferAccess( 1, true ), Halo.empty( 3 ), Collections.emptyList() );
		final FloatBufferAccess access = loader.get( 0L ).getData();
		final FloatBuffer first = access.getCurrentStorageArray();
		first.position( 7 );
		first.limit( 9 );
		final FloatBuffer second = access.getCurrentStorageArray();
		assertEquals( 0, second.position() );
		assertEquals( 120, second.limit() );
	}

	/**
	 * PrimitiveBlocks would change the position and limit of a buffer that others use.
	 */
	@Test
	void buffersOfConvertedImagesAreNotChanged() throws Exception
	{
		for ( final boolean extended : new boolean[] { false, true } )
		{
			final FloatBuffer buffer = ByteBuffer.allocateDirect( 4 * 60 ).order( ByteOrder.nativeOrder() ).asFloatBuffer();
			for ( int i = 0; i < 60; ++i )
				buffer.put( i, i );
			final RandomAccessibleInterval< FloatType > img = TestImages.array( new FloatType(), new FloatBufferAccess( buffer, true ), 10, 6 );
			final RandomAccessibleInterval< DoubleType > converted = Converters.convert( extended ? Views.interval( Views.extendBorder( img ), img ) : img, ( in, out ) -> out.set( in.get() ), new DoubleType() );
			final PythonCacheLoader< DoubleType, ? > loader = PythonCacheLoader.fromRandomAccessibles( new CellGrid( new long[] { 10, 6 }, new int[] { 4, 4 } ), queue,
					"block.data[...] = block.inputs[0]", new DoubleType(), converted );
			assertEquals( InputWay.PIXELS, loader.getInputWay( 0, 0 ) );
			final CachedCellImg< DoubleType, ? > result = loader.createCachedCellImg( 10 );
			for ( int i = 0; i < 60; ++i )
				assertEquals( i, result.getAt( i % 10, i / 10 ).get() );
			assertEquals( 0, buffer.position() );
			assertEquals( 60, buffer.limit() );
		}
	}

	@FunctionalInterface
	private interface Reader
	{
		Void read( int thread ) throws Exception;
	}

	private static void inParallel( final Reader reader ) throws Exception
	{
		final ExecutorService threads = Executors.newFixedThreadPool( THREADS );
		try
		{
			final CyclicBarrier start = new CyclicBarrier( THREADS );
			final List< Future< Void > > readers = new ArrayList<>();
			for ( int i = 0; i < THREADS; ++i )
			{
				final int thread = i;
				final Callable< Void > task = () -> {
					start.await();
					return reader.read( thread );
				};
				readers.add( threads.submit( task ) );
			}
			for ( final Future< Void > done : readers )
				done.get();
		}
		finally
		{
			threads.shutdownNow();
		}
	}
}
