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
import java.util.Random;

import net.imglib2.Cursor;
import net.imglib2.RandomAccess;
import net.imglib2.RandomAccessible;
import net.imglib2.img.Img;
import net.imglib2.img.array.ArrayImgs;
import net.imglib2.img.cell.CellGrid;
import net.imglib2.type.numeric.integer.IntType;
import net.imglib2.type.numeric.integer.UnsignedByteType;
import net.imglib2.util.Util;
import net.imglib2.view.Views;

/**
 * Computes a small image by Python, checks every pixel, and prints which Python it was.
 * Argument: the Python to use; without it, the detected one.
 */
public final class SmokeMain
{
	/**
	 * Defines {@code correlate( array, weights of three pixels, axis )}.
	 */
	private static final String INIT = """
			import importlib.util
			if importlib.util.find_spec('scipy'):
			    from scipy import ndimage
			    def correlate(array, weights, axis):
			        return ndimage.correlate1d(array, weights, axis=axis)
			else:
			    def correlate(array, weights, axis):
			        shifted = np.roll(array, 1, axis), array, np.roll(array, -1, axis)
			        return sum(weight * part for weight, part in zip(weights, shifted))
			""";

	private static final String CODE = """
			values = block.inputs[0].astype(np.int32)
			assert values.shape == tuple(n + 2 * h for n, h in zip(block.dim, (1, 2, 3))), (values.shape, block.dim)
			block.data[...] = correlate(correlate(values, [1, 10, 100], 0), [3, 0, 5], 2)[block.halo]
			""";

	private SmokeMain()
	{}

	public static void main( final String... args )
	{
		final PythonEnvironment environment = args.length == 0 ? PythonEnvironment.detected() : PythonEnvironment.at( Paths.get( args[ 0 ] ) );
		try (final PythonCacheLoaderQueue queue = open( environment ))
		{
			requireCorrectImage( queue );
			System.out.println( describe( queue ) );
		}
		System.out.println( "done" );
	}

	/**
	 * @return a queue of two workers for {@link #requireCorrectImage}
	 */
	static PythonCacheLoaderQueue open( final PythonEnvironment environment )
	{
		return new PythonCacheLoaderQueue( 2, INIT, environment );
	}

	/**
	 * @throws AssertionError
	 * 		if a pixel is wrong
	 */
	static void requireCorrectImage( final PythonCacheLoaderQueue queue )
	{
		final long[] dims = { 6, 15, 35 };
		final Img< UnsignedByteType > input = ArrayImgs.unsignedBytes( dims );
		final Random random = new Random( 1 );
		input.forEach( pixel -> pixel.set( random.nextInt( 256 ) ) );
		final RandomAccessible< UnsignedByteType > extended = Views.extendMirrorSingle( input );
		final Img< IntType > image = PythonCacheLoader.fromRandomAccessibles( new CellGrid( dims, new int[] { 4, 5, 7 } ), queue, CODE, new IntType(),
				new Halo( 3, 2, 1 ), extended ).createCachedCellImg( 100 );

		// The first axis of numpy is the last one of ImgLib2.
		final int[][] weights = { { 3, 0, 5 }, { 0, 1, 0 }, { 1, 10, 100 } };
		final RandomAccess< UnsignedByteType > neighbour = extended.randomAccess();
		final Cursor< IntType > cursor = image.localizingCursor();
		while ( cursor.hasNext() )
		{
			final int actual = cursor.next().get();
			int expected = 0;
			for ( int x = -1; x <= 1; ++x )
				for ( int z = -1; z <= 1; ++z )
				{
					neighbour.setPosition( cursor );
					neighbour.move( x, 0 );
					neighbour.move( z, 2 );
					expected += weights[ 0 ][ x + 1 ] * weights[ 2 ][ z + 1 ] * neighbour.get().get();
				}
			if ( actual != expected )
				throw new AssertionError( "pixel " + Util.printCoordinates( cursor ) + " is " + actual + ", expected " + expected );
		}
	}

	/**
	 * @return how the running Python describes itself
	 */
	static String describe( final PythonCacheLoaderQueue queue )
	{
		return queue.submit( python -> {
			python.set( "pid_of_jvm", ProcessHandle.current().pid() );
			python.exec( """
					import os, sys
					if os.getpid() == pid_of_jvm:
					    import jep
					    try:
					        import _interpreters as interpreters
					    except ImportError:
					        import _xxsubinterpreters as interpreters
					    mode = 'SHARED' if interpreters.get_current() == interpreters.get_main() else 'SUB'
					    jep_version = jep.__VERSION__
					else:
					    mode = 'PROCESS'
					    jep_version = '-'
					""" );
			final StringBuilder text = new StringBuilder();
			text.append( "\nmode=" ).append( python.getValue( "mode" ) );
			text.append( "\nversion=" ).append( python.getValue( "'%d.%d' % sys.version_info[:2]" ) );
			text.append( "\nexecutable=" ).append( python.getValue( "ascii(sys.executable)" ) );
			text.append( "\nprefix=" ).append( python.getValue( "ascii(sys.prefix)" ) );
			text.append( "\nnumpy=" ).append( python.getValue( "np.__version__" ) );
			text.append( "\njep=" ).append( python.getValue( "jep_version" ) );
			return text.append( '\n' ).toString();
		} ).join();
	}
}
