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
import java.nio.file.Paths;
import java.time.Duration;
import java.util.concurrent.CompletionException;

import net.imglib2.Cursor;
import net.imglib2.cache.python.trust.TrustPolicy;
import net.imglib2.cache.python.worker.LibraryThreads;
import net.imglib2.type.numeric.integer.IntType;

/**
 * Starts Python in one mode, computes a small image and imports modules: what the
 * {@link Doctor} runs in a JVM of its own. Arguments: a Python executable, a mode, and
 * names of modules. Prints lines that begin with {@link #STEP}, before something that
 * may never end, and with {@link #RESULT}.
 */
final class DoctorTrial
{
	static final String STEP = "<imglib2-cache-python step> ";

	static final String RESULT = "<imglib2-cache-python result> ";

	static final int WORKS = 0;

	/**
	 * Not 1, which is that of a JVM that ends by an exception.
	 */
	static final int FAILS = 3;

	private static final String CODE = "block.data[...] = block.min[0] + 10 * block.min[1]";

	private boolean works = true;

	private DoctorTrial()
	{}

	public static void main( final String... args )
	{
		// Whatever Python prints is of no interest, and could stand in the middle of a line.
		final PythonEnvironment environment = PythonEnvironment.at( Paths.get( args[ 0 ] ) ).withMode( InterpreterMode.valueOf( args[ 1 ] ) ).withOutput( line -> {}, line -> {} );
		final DoctorTrial trial = new DoctorTrial();
		LibraryThreads.create( "end of the doctor", DoctorTrial::endWithTheDoctor ).start();
		final long begin = step( "starting Python" );
		try (final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue( 1, "", environment ))
		{
			if ( TrustPolicy.ofThisJvm().isRestricted() )
				result( "starts; code is not tried, because of the allow-list: " + TrustPolicy.ofThisJvm() );
			else
			{
				compute( queue );
				result( "works: Python started and computed an image" + after( begin ) );
				for ( int i = 2; i < args.length; ++i )
					trial.importModule( queue, args[ i ] );
			}
		}
		catch ( final RuntimeException e )
		{
			trial.fails( "does not work", e );
		}
		// Threads of packages do not matter any more.
		System.exit( trial.works ? WORKS : FAILS );
	}

	/**
	 * Nobody else would end an import that goes on for ever.
	 */
	private static void endWithTheDoctor()
	{
		try
		{
			while ( System.in.read() >= 0 )
			{}
		}
		catch ( final IOException e )
		{
			// As if it had ended.
		}
		Runtime.getRuntime().halt( FAILS );
	}

	private static void compute( final PythonCacheLoaderQueue queue )
	{
		step( "computing an image" );
		final Cursor< IntType > cursor = PythonImg.builder( CODE ).queue( queue ).type( new IntType() ).dimensions( 3, 2 ).cellSize( 1, 1 ).build().localizingCursor();
		while ( cursor.hasNext() )
		{
			final int value = cursor.next().get();
			final int expected = cursor.getIntPosition( 1 ) + 10 * cursor.getIntPosition( 0 );
			if ( value != expected )
				throw new IllegalStateException( "a pixel is " + value + ", expected " + expected );
		}
	}

	private void importModule( final PythonCacheLoaderQueue queue, final String module )
	{
		final long begin = step( "importing " + module );
		try
		{
			final String version = queue.submit( python -> {
				python.exec( "import sys, " + module );
				return python.getValue( "str(getattr(sys.modules['" + module + "'], '__version__', ''))", String.class );
			} ).join();
			result( ( module + " " + version ).trim() + " imported" + after( begin ) );
		}
		catch ( final CompletionException e )
		{
			fails( "cannot import " + module, e.getCause() );
		}
	}

	private void fails( final String what, final Throwable why )
	{
		works = false;
		result( what + ": " + ( why instanceof PythonException ? why.getMessage() : why ) );
	}

	private static long step( final String step )
	{
		System.out.println( '\n' + STEP + step );
		return System.nanoTime();
	}

	private static void result( final String text )
	{
		for ( final String line : text.split( "\\R" ) )
			System.out.println( '\n' + RESULT + line );
	}

	private static String after( final long begin )
	{
		return String.format( " (%.1f s)", Duration.ofNanos( System.nanoTime() - begin ).toMillis() / 1000. );
	}
}
