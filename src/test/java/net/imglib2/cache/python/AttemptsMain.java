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

import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.List;

/**
 * Opens several queues one after the other in one JVM, and prints the result of each.
 * Each argument is {@code /path/to/python} or {@code default}, with an optional mode as in
 * {@code default@SUB}; or {@code property=…}, which sets the property and then opens the
 * default; or {@code library=…}, which loads a native library and then opens the default.
 */
final class AttemptsMain
{
	private AttemptsMain()
	{}

	public static void main( final String... args )
	{
		final List< PythonCacheLoaderQueue > queues = new ArrayList<>();
		for ( final String arg : args )
		{
			System.out.println( "--- " + arg );
			try
			{
				final PythonCacheLoaderQueue queue = SmokeMain.open( environment( arg ) );
				queues.add( queue );
				SmokeMain.requireCorrectImage( queue );
				System.out.println( "accepted" + SmokeMain.describe( queue ) );
			}
			catch ( final PythonEnvironmentException e )
			{
				System.out.println( "refused: " + e.getMessage() );
			}
		}
		queues.forEach( PythonCacheLoaderQueue::close );
		System.out.println( "--- done" );
	}

	private static PythonEnvironment environment( final String arg )
	{
		if ( arg.startsWith( "property=" ) )
			System.setProperty( PythonEnvironment.EXECUTABLE_PROPERTY, arg.substring( "property=".length() ) );
		if ( arg.startsWith( "library=" ) )
			System.load( arg.substring( "library=".length() ) );
		final String[] parts = arg.startsWith( "property=" ) || arg.startsWith( "library=" ) ? new String[] { "default" } : arg.split( "@" );
		final PythonEnvironment environment = parts[ 0 ].equals( "default" ) ? PythonEnvironment.detected() : PythonEnvironment.at( Paths.get( parts[ 0 ] ) );
		return parts.length == 1 ? environment : environment.withMode( InterpreterMode.valueOf( parts[ 1 ] ) );
	}
}
