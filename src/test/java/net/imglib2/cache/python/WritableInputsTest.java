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

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.concurrent.ExecutionException;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import jep.DirectNDArray;
import net.imglib2.RandomAccessible;
import net.imglib2.cache.img.CachedCellImg;
import net.imglib2.img.Img;
import net.imglib2.img.array.ArrayImgs;
import net.imglib2.img.basictypeaccess.nio.IntBufferAccess;
import net.imglib2.img.cell.CellGrid;
import net.imglib2.type.numeric.integer.IntType;
import net.imglib2.util.ImgUtil;
import net.imglib2.view.Views;

/**
 * Code that works in place: nobody else sees what it writes into an input.
 */
@Tag( "each-mode" )
class WritableInputsTest
{
	private static final long[] DIMS = { 9, 7 };

	private static final CellGrid GRID = new CellGrid( DIMS, new int[] { 4, 3 } );

	private static final PythonLoaderOptions WRITABLE = PythonLoaderOptions.options().writableInputs( true );

	private static PythonCacheLoaderQueue queue;

	@TempDir
	private static Path modules;

	@BeforeAll
	static void open() throws Exception
	{
		// Like torch: the pixels are where the array has them, whatever the array's flags are.
		Files.writeString( modules.resolve( "torch.py" ), """
				import ctypes
				import numpy as np

				def from_numpy(array):
				    assert array.flags.c_contiguous
				    pixels = (ctypes.c_uint8 * array.nbytes).from_address(array.ctypes.data)
				    return np.frombuffer(pixels, array.dtype).reshape(array.shape)
				""" );
		queue = new PythonCacheLoaderQueue( 2, "", PythonEnvironment.getDefault().withModulePath( modules ) );
	}

	@AfterAll
	static void close() throws Exception
	{
		// In mode SHARED, other tests would see the change.
		queue.submit( python -> {
			python.exec( "import sys\nfrom imglib2_cache_python import snippet\nsys.modules.pop('torch', None)\nsys.path.remove(r'" + modules + "')\nsnippet._is_installed.cache_clear()" );
			return null;
		} ).get();
		queue.close();
	}

	@Test
	void inputsAreReadOnlyByDefault()
	{
		final CachedCellImg< IntType, ? > img = image( "block.inputs[0][...] += 1\nblock.data[...] = block.inputs[0]", PythonLoaderOptions.options(), numbers() );
		assertThrows( ExecutionException.class, () -> img.getCache().get( 0L ) );
	}

	@Test
	void inputsThatAreCopiedCanBeWritten()
	{
		final Img< IntType > source = numbers();
		assertAdded( image( "block.inputs[0][...] += 1\nblock.data[...] = block.inputs[0]", WRITABLE, source ), source );
		assertUnchanged( source );
		final RandomAccessible< IntType > far = Views.extendMirrorDouble( source );
		assertAdded( PythonCacheLoader.fromRandomAccessibles( GRID, queue, "x = block.inputs[0]\nx += 1\nblock.data[...] = x[block.halo]", new IntType(),
				new Halo( 2, 3 ), WRITABLE, Collections.singletonList( far ) ).createCachedCellImg( 100 ), source );
	}

	@Test
	void inputsThatOthersSeeAreCopied() throws Exception
	{
		final CachedCellImg< IntType, ? > first = image( "block.data[...] = np.arange(block.min[0] * 9, block.min[0] * 9 + 9 * block.dim[0]).reshape(-1, 9)[:, block.min[1]:block.max[1] + 1]", WRITABLE );
		assertUnchanged( first );
		final PythonCacheLoader< IntType, ? > reads = PythonCacheLoader.fromRandomAccessibles( GRID, queue, "block.data[...] = block.inputs[0] + 1", new IntType(), first );
		final PythonCacheLoader< IntType, ? > writes = PythonCacheLoader.fromRandomAccessibles( GRID, queue, "block.inputs[0][...] += 1\nblock.data[...] = block.inputs[0]", new IntType(),
				Halo.empty( 2 ), WRITABLE, Collections.singletonList( first ) );
		for ( long cell = 0; cell < 9; ++cell )
		{
			assertEquals( TestImages.OWN_MEMORY, reads.getInputWay( 0, cell ) );
			assertEquals( InputWay.CELLS, writes.getInputWay( 0, cell ) );
		}
		assertAdded( writes.createCachedCellImg( 100 ), numbers() );
		assertUnchanged( first );
		assertAdded( reads.createCachedCellImg( 100 ), numbers() );
	}

	@Test
	void arraysOfGeneratorsAreCopied() throws Exception
	{
		final ByteBuffer memory = ByteBuffer.allocateDirect( 4 * 12 ).order( ByteOrder.nativeOrder() );
		final InputGenerator generator = interval -> new DirectNDArray<>( memory.asIntBuffer(), InputGenerator.getNDArrayShape( interval ) );
		final CellGrid grid = new CellGrid( new long[] { 4, 3 }, new int[] { 4, 3 } );
		final PythonCacheLoader< IntType, IntBufferAccess > loader = PythonCacheLoader.fromInputGenerators( grid, queue, "block.inputs[0][...] += 1\nblock.data[...] = block.inputs[0]", new IntType(),
				new IntBufferAccess( 1, true ), Halo.empty( 2 ), WRITABLE, Collections.singletonList( generator ) );
		for ( int i = 0; i < 3; ++i )
			assertEquals( 1, loader.get( 0L ).getData().getValue( 5 ) );
		assertEquals( 0, memory.getInt( 20 ) );
	}

	@Test
	void theSecondRunThatFindsUnwrittenPixelsSeesTheOriginalInputs()
	{
		final Img< IntType > source = numbers();
		assertAdded( image( "block.inputs[0][...] += 1\nblock.data[...] = block.inputs[0]", WRITABLE.checkWritten( true ), source ), source );
		assertAdded( image( "block.inputs[0][...] -= 5\nblock.inputs[0][...] += 6\nblock.data[...] = block.inputs[0]", WRITABLE.checkWritten( true ).contiguous( true ), source ), source );
	}

	@Test
	void packagesThatIgnoreTheReadOnlyFlagDoNotChangeInputs() throws Exception
	{
		final CachedCellImg< IntType, ? > first = image( "block.data[...] = np.arange(block.min[0] * 9, block.min[0] * 9 + 9 * block.dim[0]).reshape(-1, 9)[:, block.min[1]:block.max[1] + 1]", WRITABLE );
		final PythonCacheLoader< IntType, ? > loader = PythonCacheLoader.fromRandomAccessibles( GRID, queue, "import torch\nt = torch.from_numpy(block.inputs[0])\nt += 1\nblock.data[...] = t", new IntType(), first );
		assertEquals( TestImages.OWN_MEMORY, loader.getInputWay( 0, 4 ) );
		for ( int i = 0; i < 3; ++i )
			assertAdded( loader.createCachedCellImg( 100 ), numbers() );
		assertUnchanged( first );
	}

	@SafeVarargs
	private static CachedCellImg< IntType, ? > image( final String code, final PythonLoaderOptions options, final RandomAccessible< IntType >... inputs )
	{
		return PythonCacheLoader.fromRandomAccessibles( GRID, queue, code, new IntType(), Halo.empty( 2 ), options, inputs ).createCachedCellImg( 100 );
	}

	private static Img< IntType > numbers()
	{
		final int[] pixels = new int[ 63 ];
		for ( int i = 0; i < pixels.length; ++i )
			pixels[ i ] = i;
		return ArrayImgs.ints( pixels, DIMS );
	}

	private static void assertUnchanged( final Img< IntType > img )
	{
		final int[] expected = { 0 };
		Views.flatIterable( img ).forEach( pixel -> assertEquals( expected[ 0 ]++, pixel.get() ) );
	}

	private static void assertAdded( final Img< IntType > img, final Img< IntType > source )
	{
		final Img< IntType > copy = ArrayImgs.ints( DIMS );
		ImgUtil.copy( img, copy );
		for ( int y = 0; y < 7; ++y )
			for ( int x = 0; x < 9; ++x )
				assertEquals( 1 + source.getAt( x, y ).get(), copy.getAt( x, y ).get() );
	}
}
