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
package net.imglib2.cache.python.examples;

import java.util.Collections;
import java.util.List;
import java.util.stream.Collectors;

import net.imglib2.RandomAccessible;
import net.imglib2.cache.img.CachedCellImg;
import net.imglib2.cache.python.Halo;
import net.imglib2.cache.python.PythonCacheLoader;
import net.imglib2.cache.python.PythonCacheLoaderQueue;
import net.imglib2.img.basictypeaccess.nio.BufferAccess;
import net.imglib2.img.cell.CellGrid;
import net.imglib2.type.numeric.integer.IntType;
import net.imglib2.type.numeric.integer.LongType;
import net.imglib2.util.ConstantUtils;

/**
 * Adds two constant images, 1 and 2, and prints the 15 pixels of the sum.
 */
public final class SimpleExample
{
	private SimpleExample()
	{}

	public static void main( final String... args )
	{
		final CellGrid grid = new CellGrid( new long[] { 3, 5 }, new int[] { 2, 3 } );
		final RandomAccessible< IntType > ones = ConstantUtils.constantRandomAccessible( new IntType( 1 ), 2 );
		final RandomAccessible< IntType > twos = ConstantUtils.constantRandomAccessible( new IntType( 2 ), 2 );
		try ( final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue( 3, "import numpy as np" ) )
		{
			final PythonCacheLoader< LongType, ? extends BufferAccess< ? > > loader = PythonCacheLoader.fromRandomAccessibles(
					grid,
					queue,
					"block.data[...] = np.add(*block.inputs)",
					new LongType(),
					Halo.empty( grid.numDimensions() ),
					ones,
					twos );
			final CachedCellImg< LongType, ? extends BufferAccess< ? > > sum = loader.createCachedCellImg( 30 );

			final List< Long > values = sum.stream().map( LongType::get ).collect( Collectors.toList() );
			System.out.println( "1 + 2 = " + values );
			if ( !values.equals( Collections.nCopies( 15, 3L ) ) )
				throw new IllegalStateException( "expected 15 times 3" );
		}
	}
}
