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

import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.Arrays;

import net.imglib2.Cursor;
import net.imglib2.RandomAccessible;
import net.imglib2.img.Img;
import net.imglib2.img.cell.CellGrid;
import net.imglib2.position.FunctionRandomAccessible;
import net.imglib2.type.numeric.real.FloatType;
import net.imglib2.util.Util;

/**
 * Computes the Laplacian of the function 2 x² + 3 y², or smooths it, which adds a constant, or
 * copies it, on two workers. Arguments: init code; code of the image; {@code laplace},
 * {@code smooth} or {@code same}; folders with the user's modules.
 */
final class ImportMain
{
	private ImportMain()
	{}

	public static void main( final String... args )
	{
		final String what = args[ 2 ];
		final Path[] modulePath = Arrays.stream( args ).skip( 3 ).map( Paths::get ).toArray( Path[]::new );
		final RandomAccessible< FloatType > input = new FunctionRandomAccessible<>( 2,
				( position, pixel ) -> pixel.set( ( float ) f( position.getDoublePosition( 0 ), position.getDoublePosition( 1 ) ) ), FloatType::new );
		try (final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue( 2, args[ 0 ], PythonEnvironment.detected().withModulePath( modulePath ) ))
		{
			final Img< FloatType > image = PythonCacheLoader.fromRandomAccessibles( new CellGrid( new long[] { 24, 20 }, new int[] { 5, 7 } ), queue,
					args[ 1 ], new FloatType(), new Halo( 5, 6 ), input ).createCachedCellImg( 100 );
			final Cursor< FloatType > cursor = image.localizingCursor();
			while ( cursor.hasNext() )
			{
				final double actual = cursor.next().get();
				final double same = f( cursor.getDoublePosition( 0 ), cursor.getDoublePosition( 1 ) );
				final double expected = what.equals( "laplace" ) ? 10 : what.equals( "smooth" ) ? same + 5 : same;
				if ( Math.abs( actual - expected ) > 0.01 )
					throw new AssertionError( "pixel " + Util.printCoordinates( cursor ) + " is " + actual + ", expected " + expected );
			}
			System.out.println( SmokeMain.describe( queue ) );
		}
		System.out.println( "done" );
	}

	private static double f( final double x, final double y )
	{
		return 2 * x * x + 3 * y * y;
	}
}
