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
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.ref.WeakReference;
import java.util.Collections;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import net.imglib2.RandomAccessible;
import net.imglib2.cache.img.CachedCellImg;
import net.imglib2.cache.python.TestImages.Storage;
import net.imglib2.img.basictypeaccess.array.ArrayDataAccess;
import net.imglib2.img.basictypeaccess.array.IntArray;
import net.imglib2.img.basictypeaccess.nio.IntBufferAccess;
import net.imglib2.img.cell.CellGrid;
import net.imglib2.type.NativeType;
import net.imglib2.type.numeric.integer.IntType;
import net.imglib2.type.numeric.integer.Unsigned12BitType;
import net.imglib2.util.Intervals;
import net.imglib2.view.Views;

/**
 * Memory of inputs and outputs is reused unless Python code has kept it.
 */
@Tag( "each-mode" )
class EscapedBuffersTest
{
	private static final long[] DIMS = { 60, 50 };

	private static final CellGrid GRID = new CellGrid( DIMS, new int[] { 3, 2 } );

	private static final long NUM_CELLS = Intervals.numElements( GRID.getGridDimensions() );

	private static final String INIT = TestPixels.INIT + """
			kept = []
			addresses = set()
			def keep(array):
			    kept.append((array, array.copy()))
			def note(array):
			    addresses.add(array.__array_interface__['data'][0])
			""";

	// One worker, which has seen all blocks.
	private static PythonCacheLoaderQueue queue;

	@BeforeAll
	static void open()
	{
		queue = new PythonCacheLoaderQueue( 1, INIT );
	}

	@AfterAll
	static void close()
	{
		queue.close();
	}

	@BeforeEach
	void forget()
	{
		queue.submit( python -> {
			python.exec( "kept.clear()\naddresses.clear()" );
			return null;
		} ).join();
	}

	@Test
	void keptInputsNeverChange()
	{
		for ( final Storage storage : new Storage[] { Storage.ARRAY, Storage.ARRAY_IN_HEAP_BUFFER, Storage.CACHED_NATIVE_BUFFERS } )
			for ( final String kept : new String[] { "block.inputs[0]", "block.inputs[0][1:, ::2]", "block.inputs[0].T.ravel('K')", "np.asarray(memoryview(block.inputs[0]))" } )
			{
				final RandomAccessible< IntType > source = Views.extendMirrorDouble( TestImages.create( storage, new IntType(), DIMS, new int[] { 11, 9 }, 3, queue ) );
				compute( "if block.index % 3 == 0: keep(" + kept + ")", new IntBufferAccess( 1, true ), source );
				compute( "if block.index % 3 == 0: keep(" + kept + ")", new IntBufferAccess( 1, true ), Views.permute( source, 0, 1 ) );
			}
		assertNothingChanged( 3 * 4 * 2 * ( ( NUM_CELLS + 2 ) / 3 ) );
	}

	@Test
	void keptUnpackedInputsNeverChange()
	{
		compute( "keep(block.inputs[0])", new IntBufferAccess( 1, true ),
				Views.extendZero( TestImages.create( Storage.ARRAY, new Unsigned12BitType(), DIMS, null, 3, queue ) ) );
		assertNothingChanged( NUM_CELLS );
	}

	/**
	 * In worker processes, cells that are so small are copied.
	 */
	@Test
	@Tag( "in-the-jvm" )
	void cellsStayAsLongAsPythonHasTheirMemory() throws Exception
	{
		final CachedCellImg< IntType, ? > cells = PythonCacheLoader.fromRandomAccessibles( GRID, queue, "block.data[...] = block.index", new IntType() ).createCachedCellImg( 10 );
		final PythonCacheLoader< IntType, ? > loader = PythonCacheLoader.fromRandomAccessibles( GRID, queue, "keep(block.inputs[0][1:])", new IntType(), cells );
		loader.get( 7L );
		assertEquals( InputWay.ZERO_COPY, loader.getInputWay( 0, 7 ) );
		// A cache may free the memory of cells that nobody uses any more.
		final WeakReference< Object > cell = new WeakReference<>( cells.getCache().getIfPresent( 7L ) );
		cells.getCache().invalidateAll();
		for ( int i = 0; i < 3; ++i )
			System.gc();
		assertNotNull( cell.get() );
		assertNothingChanged( 1 );
		forget();
		while ( cell.get() != null )
		{
			queue.submit( python -> python.getValue( "__import__('gc').collect()" ) ).get();
			System.gc();
		}
	}

	@Test
	void keptOutputsNeverChange()
	{
		compute( "block.data[...] = block.index\nkeep(block.data)", new IntBufferAccess( 1, true ) );
		compute( "block.data[...] = -block.index\nkeep(block.data[:, 1:])", new IntArray( 1 ) );
		assertNothingChanged( 2 * NUM_CELLS );
	}

	@Test
	void keptInputsNeverChangeWhereTheCodeFails()
	{
		final PythonCacheLoader< IntType, IntBufferAccess > loader = PythonCacheLoader.fromRandomAccessibles( GRID, queue, "keep(block.inputs[0])\nraise KeyError()", new IntType(),
				new IntBufferAccess( 1, true ), new Halo( 1, 1 ), Views.extendZero( TestImages.create( Storage.ARRAY, new IntType(), DIMS, null, 3, queue ) ) );
		for ( long cell = 0; cell < 100; ++cell )
			try
			{
				loader.get( cell );
			}
			catch ( final Exception e )
			{
				assertTrue( e instanceof PythonCellException, e::toString );
			}
		compute( "pass", new IntBufferAccess( 1, true ), Views.extendZero( TestImages.create( Storage.ARRAY, new IntType(), DIMS, null, 4, queue ) ) );
		assertNothingChanged( 100 );
	}

	@Test
	void inputsThatAreNotKeptAreReused()
	{
		compute( "note(block.inputs[0])\nblock.data[...] = block.inputs[0][block.halo]", new IntBufferAccess( 1, true ),
				Views.extendMirrorDouble( TestImages.create( Storage.ARRAY, new IntType(), DIMS, null, 3, queue ) ) );
		// In worker processes, they are reused for the outputs, too.
		assertAtMost( TestImages.OWN_MEMORY == InputWay.ZERO_COPY ? 2 : 4, "len(addresses)" );
	}

	@Test
	void outputsForArraysThatAreNotKeptAreReused()
	{
		compute( "note(block.data)\nblock.data[...] = block.index", new IntArray( 1 ) );
		assertAtMost( 2, "len(addresses)" );
	}

	@Test
	@Tag( "in-the-jvm" )
	void outputsThatAreCellsAreNotReused()
	{
		final Object img = compute( "note(block.data)", new IntBufferAccess( 1, true ) );
		assertEquals( NUM_CELLS, evaluate( "len(addresses)" ), () -> "cells of " + img );
	}

	private static Object compute( final String code, final ArrayDataAccess< ? > access )
	{
		return access instanceof IntArray ? read( PythonCacheLoader.fromRandomAccessibles( GRID, queue, code, new IntType(), ( IntArray ) access, new Halo( 2, 1 ), Collections.emptyList() ) )
				: read( PythonCacheLoader.fromRandomAccessibles( GRID, queue, code, new IntType(), ( IntBufferAccess ) access, new Halo( 2, 1 ), Collections.emptyList() ) );
	}

	private static < T extends NativeType< T > > void compute( final String code, final IntBufferAccess access, final RandomAccessible< T > input )
	{
		read( PythonCacheLoader.fromRandomAccessibles( GRID, queue, code, new IntType(), access, new Halo( 2, 1 ), Collections.singletonList( input ) ) );
	}

	/**
	 * @return a cache that holds all cells
	 */
	private static Object read( final PythonCacheLoader< IntType, ? > loader )
	{
		final Iterable< IntType > img = loader.createCachedCellImg( NUM_CELLS );
		img.forEach( pixel -> {} );
		return img;
	}

	private static void assertNothingChanged( final long numKept )
	{
		assertEquals( numKept, evaluate( "len(kept)" ) );
		assertEquals( 0, evaluate( "sum(not np.array_equal(array, copy) for array, copy in kept)" ), "number of arrays that changed" );
	}

	private static void assertAtMost( final long most, final String expression )
	{
		final long value = evaluate( expression );
		assertTrue( value <= most, () -> expression + " is " + value );
	}

	private static long evaluate( final String expression )
	{
		return queue.submit( python -> ( ( Number ) python.getValue( expression ) ).longValue() ).join();
	}
}
