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

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;

import net.imglib2.cache.img.CachedCellImg;
import net.imglib2.img.cell.CellGrid;
import net.imglib2.type.numeric.integer.IntType;

/**
 * Looks at several images at the same time, each with a worker of its own; their code imports
 * something for the first time. Arguments: one import for each image.
 */
final class FirstImportsMain
{
	private static final int VALUE = 7;

	private FirstImportsMain()
	{}

	public static void main( final String... imports ) throws Exception
	{
		try ( final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue( imports.length, "import numpy as np" ) )
		{
			final CyclicBarrier begin = new CyclicBarrier( imports.length );
			final List< FutureTask< Integer > > readers = new ArrayList<>();
			for ( final String code : imports )
			{
				final CachedCellImg< IntType, ? > image = PythonCacheLoader.fromRandomAccessibles( new CellGrid( new long[] { 3, 2 }, new int[] { 3, 2 } ), queue,
						code + "\nblock.data[...] = " + VALUE, new IntType(), Halo.empty( 2 ) ).createCachedCellImg( 10 );
				final FutureTask< Integer > reader = new FutureTask<>( () -> {
					begin.await();
					return image.firstElement().get();
				} );
				new Thread( reader ).start();
				readers.add( reader );
			}
			for ( final FutureTask< Integer > reader : readers )
				if ( reader.get( 60, TimeUnit.SECONDS ) != VALUE )
					throw new AssertionError( "a pixel is wrong" );
		}
		System.out.println( "done" );
	}
}
