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
import java.util.Collections;
import java.util.List;

import net.imglib2.img.Img;
import net.imglib2.img.cell.CellGrid;
import net.imglib2.type.numeric.integer.UnsignedByteType;

/**
 * Checks what the consumers of Python's output receive.
 */
final class OutputMain
{
	private static final String INIT = """
			import sys
			print('init äöüß €', end='')
			print(' \\U0001f600')
			sys.stderr.write('one\\ntwo\\nunfinished')
			""";

	private static final String CODE = """
			print('block', end=' ')
			print(block.index, 'größer', flush=True)
			print('warning', block.index, file=sys.stderr)
			""";

	private OutputMain()
	{}

	public static void main( final String... args )
	{
		final List< String > out = Collections.synchronizedList( new ArrayList<>() );
		final List< String > err = Collections.synchronizedList( new ArrayList<>() );
		try (final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue( 2, INIT, PythonEnvironment.detected().withOutput( out::add, err::add ) ))
		{
			requireLines( out, "init äöüß € \ud83d\ude00", "init äöüß € \ud83d\ude00" );
			requireLines( err, "one", "one", "two", "two", "unfinished", "unfinished" );
			out.clear();
			err.clear();
			final Img< UnsignedByteType > image = PythonCacheLoader.fromRandomAccessibles( new CellGrid( new long[] { 4 }, new int[] { 2 } ), queue,
					CODE, new UnsignedByteType() ).createCachedCellImg( 10 );
			image.forEach( UnsignedByteType::get );
			requireLines( out, "block 0 größer", "block 1 größer" );
			requireLines( err, "warning 0", "warning 1" );
			System.out.println( SmokeMain.describe( queue ) );
		}
		System.out.println( "done" );
	}

	/**
	 * @param expected
	 * 		lines in alphabetical order, because workers print in any order
	 */
	private static void requireLines( final List< String > lines, final String... expected )
	{
		final List< String > sorted = new ArrayList<>( lines );
		Collections.sort( sorted );
		if ( !sorted.equals( List.of( expected ) ) )
			throw new AssertionError( escaped( sorted.toString() ) + " was printed, expected " + escaped( List.of( expected ).toString() ) );
	}

	/**
	 * Readable in every character set of the JVM.
	 */
	private static String escaped( final String text )
	{
		final StringBuilder result = new StringBuilder();
		text.chars().forEach( c -> result.append( c < 128 ? String.valueOf( ( char ) c ) : String.format( "\\u%04x", c ) ) );
		return result.toString();
	}
}
