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

import net.imglib2.img.cell.CellGrid;
import net.imglib2.type.numeric.integer.UnsignedByteType;

/**
 * Computes a cell with code that may end the JVM, after Java has handled signals of its own.
 * Arguments: {@code refused} if the first queue must be refused, else an empty text; init
 * code; code of the cell.
 */
final class CrashMain
{
	private static final String[] STRINGS = { "a", null };

	private CrashMain()
	{}

	public static void main( final String... args )
	{
		Runtime.getRuntime().addShutdownHook( new Thread( () -> System.out.println( "shutdown hook" ) ) );
		requireOwnSignals();
		if ( args[ 0 ].equals( "refused" ) )
		{
			try
			{
				new PythonCacheLoaderQueue().close();
				System.out.println( "accepted" );
			}
			catch ( final PythonEnvironmentException e )
			{
				System.out.println( "refused: " + e.getMessage() );
			}
			System.clearProperty( PythonEnvironment.CRASH_FILE_PROPERTY );
		}
		// In SUB, the first interpreter is gone when the crash happens.
		new PythonCacheLoaderQueue( 1, args[ 1 ] ).close();
		try (final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue( 2, args[ 1 ] ))
		{
			requireOwnSignals();
			System.out.println( "own signals handled" );
			PythonCacheLoader.fromRandomAccessibles( new CellGrid( new long[] { 2 }, new int[] { 2 } ), queue, args[ 2 ], new UnsignedByteType() )
					.createCachedCellImg( 1 ).getAt( 0 ).get();
			requireOwnSignals();
		}
		System.out.println( "done" );
	}

	/**
	 * The JVM detects null pointers and the end of the stack by SIGSEGV.
	 */
	private static void requireOwnSignals()
	{
		int found = 0;
		final int n = 3_000_000;
		for ( int i = 0; i < n; ++i )
			if ( isNull( STRINGS[ i % 1000 == 0 ? 1 : 0 ] ) )
				++found;
		if ( found != n / 1000 )
			throw new AssertionError( found + " null pointers were found" );
		try
		{
			throw new AssertionError( "a recursion without end has ended: " + depth( 0 ) );
		}
		catch ( final StackOverflowError expected )
		{
			// This exception is expected.
		}
	}

	private static boolean isNull( final String text )
	{
		try
		{
			return text.length() < 0;
		}
		catch ( final NullPointerException e )
		{
			return true;
		}
	}

	private static int depth( final int i )
	{
		return depth( i + 1 ) + 1;
	}
}
