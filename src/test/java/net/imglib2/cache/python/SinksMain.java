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

import java.io.IOException;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.Collections;
import java.util.concurrent.TimeUnit;

import net.imglib2.type.numeric.integer.IntType;

/**
 * Writes an image, and kills its JVM within that. Argument: the path of the image. With
 * another one, a file of numpy: writes into that, too, with an allow-list.
 */
final class SinksMain
{
	static final long BLOCKS_BEFORE = 15;

	private SinksMain()
	{}

	static PythonImg< IntType > image( final PythonCacheLoaderQueue queue )
	{
		return PythonImg.builder( "import time; time.sleep(0.01); block.data[...] = np.arange(block.data.size).reshape(block.dim) * (block.index % 3)" )
				.queue( queue ).type( new IntType() ).name( "the image" ).dimensions( 140, 130 ).cellSize( 20, 13 ).build();
	}

	static PythonSink sink( final Path path )
	{
		return PythonSink.zarr( path ).levels( 2 ).scale( 0.5, 0.25 );
	}

	public static void main( final String... args ) throws Exception
	{
		try ( final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue( 2 ) )
		{
			if ( args.length == 2 )
			{
				restricted( image( queue ), Paths.get( args[ 0 ] ), PythonSink.to( "numpy:load", args[ 1 ], "r+" ), PythonSink.to( "numpy.load(path, 'r+')", Collections.singletonMap( "path", args[ 1 ] ) ) );
				return;
			}
			image( queue ).writeTo( sink( Paths.get( args[ 0 ] ) ), ( done, total ) -> {
				if ( done >= BLOCKS_BEFORE )
					kill();
			} );
		}
		System.out.println( "has not been killed" );
	}

	private static void restricted( final PythonImg< IntType > image, final Path target, final PythonSink refused, final PythonSink allowed )
	{
		PythonTrust.restrictTo( Collections.singletonList( PythonTrust.entryFor( "numpy.load(path, 'r+')" ) ) );
		System.out.println( "zarr: " + image.writeTo( sink( target ) ) );
		try
		{
			image.writeTo( refused );
		}
		catch ( final PythonTrustException e )
		{
			System.out.println( "refused: " + e.getMessage() );
		}
		System.out.println( "allowed: " + image.writeTo( allowed ) );
	}

	private static void kill()
	{
		try
		{
			new ProcessBuilder( "kill", "-9", String.valueOf( ProcessHandle.current().pid() ) ).start().waitFor( 10, TimeUnit.SECONDS );
		}
		catch ( final IOException | InterruptedException e )
		{
			throw new AssertionError( e );
		}
	}
}
