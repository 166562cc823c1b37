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
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Collections;
import java.util.Iterator;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import net.imglib2.RandomAccessibleInterval;
import net.imglib2.blocks.PrimitiveBlocks;
import net.imglib2.blocks.PrimitiveBlocks.OnFallback;
import net.imglib2.cache.img.CachedCellImg;
import net.imglib2.cache.python.TestImages.Storage;
import net.imglib2.cache.ref.SoftRefLoaderCache;
import net.imglib2.img.basictypeaccess.array.ArrayDataAccess;
import net.imglib2.img.basictypeaccess.array.DirtyFloatArray;
import net.imglib2.img.basictypeaccess.array.FloatArray;
import net.imglib2.img.basictypeaccess.volatiles.array.DirtyVolatileFloatArray;
import net.imglib2.img.basictypeaccess.volatiles.array.VolatileFloatArray;
import net.imglib2.img.cell.CellGrid;
import net.imglib2.type.numeric.real.FloatType;
import net.imglib2.view.Views;

/**
 * Images whose cells are ordinary Java arrays.
 */
@Tag( "each-mode" )
class ArrayOutputTest
{
	private static final long[] DIMS = { 17, 12, 5 };

	private static final CellGrid GRID = new CellGrid( DIMS, new int[] { 5, 4, 3 } );

	private static final String CODE = "window = tuple(slice(a, b + 1) for a, b in zip(block.min, block.max))\nblock.data[...] = image('float32', " + TestImages.numpy( DIMS ) + ", 6)[window]";

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
	void cellsAreArraysOfTheGivenKindWithTheRightPixels()
	{
		checkCells( new FloatArray( 1 ) );
		checkCells( new VolatileFloatArray( 1, true ) );
		checkCells( new DirtyFloatArray( 1 ) );
		checkCells( new DirtyVolatileFloatArray( 1, true ) );
	}

	private static < A extends ArrayDataAccess< A > > void checkCells( final A access )
	{
		final CachedCellImg< FloatType, A > img = image( access );
		assertSamePixels( img );
		final A border = img.getCells().getAt( 3, 2, 1 ).getData();
		assertSame( access.getClass(), border.getClass() );
		assertEquals( 2 * 4 * 2, ( ( float[] ) border.getCurrentStorageArray() ).length );
	}

	@Test
	void volatileCellsAreValid()
	{
		assertTrue( image( new VolatileFloatArray( 1, true ) ).getCells().getAt( 0, 0, 0 ).getData().isValid() );
	}

	@Test
	void softReferencesKeepTheCells()
	{
		final PythonCacheLoader< FloatType, FloatArray > loader = loader( new FloatArray( 1 ), CODE );
		final CachedCellImg< FloatType, FloatArray > img = loader.createCachedCellImg( new SoftRefLoaderCache<>() );
		assertSamePixels( img );
		assertSame( img.getCells().getAt( 1, 1, 1 ), img.getCells().getAt( 1, 1, 1 ) );
	}

	@Test
	void primitiveBlocksCanCopyTheCells()
	{
		final PrimitiveBlocks< FloatType > blocks = PrimitiveBlocks.of( Views.extendZero( image( new FloatArray( 1 ) ) ), OnFallback.FAIL );
		final PrimitiveBlocks< FloatType > wanted = PrimitiveBlocks.of( Views.extendZero( wanted() ), OnFallback.FAIL );
		final int[] size = { 20, 14, 8 };
		final float[] got = new float[ 20 * 14 * 8 ];
		final float[] want = new float[ got.length ];
		blocks.copy( new long[] { -1, -1, -2 }, got, size );
		wanted.copy( new long[] { -1, -1, -2 }, want, size );
		assertArrayEquals( want, got );
	}

	@Test
	void cellsCanBeInputsOfOtherImages()
	{
		final CachedCellImg< FloatType, FloatArray > first = image( new FloatArray( 1 ) );
		final PythonCacheLoader< FloatType, FloatArray > second = PythonCacheLoader.fromRandomAccessibles(
				GRID, queue, "block.data[...] = block.inputs[0][block.halo]", new FloatType(), new FloatArray( 1 ), new Halo( 1, 2, 1 ), Views.extendMirrorSingle( first ) );
		assertSamePixels( second.createCachedCellImg( 1000 ) );
		assertEquals( InputWay.BLOCKS, second.getInputWay( 0, 0 ) );
	}

	@Test
	void writtenPixelsStayInTheCell()
	{
		final CachedCellImg< FloatType, FloatArray > img = image( new FloatArray( 1 ) );
		img.getAt( 1, 2, 3 ).set( 77 );
		assertEquals( 77, img.getAt( 1, 2, 3 ).get() );
		// No other cell shares this memory.
		final float[] cell = img.getCells().getAt( 0, 0, 1 ).getData().getCurrentStorageArray();
		image( new FloatArray( 1 ) ).forEach( pixel -> {} );
		assertEquals( 77, cell[ 1 + 5 * 2 ] );
	}

	private static < A extends ArrayDataAccess< A > > PythonCacheLoader< FloatType, A > loader( final A access, final String code )
	{
		return PythonCacheLoader.fromRandomAccessibles( GRID, queue, code, new FloatType(), access, Halo.empty( 3 ), Collections.emptyList() );
	}

	private static < A extends ArrayDataAccess< A > > CachedCellImg< FloatType, A > image( final A access )
	{
		return loader( access, CODE ).createCachedCellImg( 1000 );
	}

	private static RandomAccessibleInterval< FloatType > wanted()
	{
		return TestImages.create( Storage.ARRAY, new FloatType(), DIMS, null, 6, queue );
	}

	private static void assertSamePixels( final RandomAccessibleInterval< FloatType > img )
	{
		final Iterator< FloatType > wanted = Views.flatIterable( wanted() ).iterator();
		for ( final FloatType pixel : Views.flatIterable( img ) )
			assertEquals( wanted.next(), pixel );
	}
}
