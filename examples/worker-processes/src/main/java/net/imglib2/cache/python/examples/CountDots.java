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

import net.imglib2.RandomAccess;
import net.imglib2.cache.python.InterpreterMode;
import net.imglib2.cache.python.PythonCellException;
import net.imglib2.cache.python.PythonEnvironment;
import net.imglib2.cache.python.PythonImg;
import net.imglib2.cache.python.PythonSummary;
import net.imglib2.img.array.ArrayImg;
import net.imglib2.img.array.ArrayImgs;
import net.imglib2.type.numeric.integer.UnsignedByteType;
import net.imglib2.type.numeric.real.FloatType;

/**
 * Counts dots by scipy, in an environment that has numpy and scipy alone: Python runs in
 * worker processes. Then one of them crashes, and the image goes on.
 */
public final class CountDots
{
	private static final int SIZE = 512;

	private static final int CELL = 128;

	private static final int SPACING = 32;

	private CountDots()
	{}

	public static void main( final String... args )
	{
		for ( final String line : PythonEnvironment.getDefault().diagnose().split( "\n" ) )
			if ( line.startsWith( "mode" ) )
				System.out.println( line.replaceAll( " +", " " ) );
		final int dots = count();
		System.out.println( "dots: " + dots );
		if ( dots != 256 )
			throw new IllegalStateException( "expected 256" );
		crash();
	}

	private static int count()
	{
		final ArrayImg< FloatType, ? > input = ArrayImgs.floats( SIZE, SIZE );
		final RandomAccess< FloatType > pixel = input.randomAccess();
		for ( int y = SPACING / 2; y < SIZE; y += SPACING )
			for ( int x = SPACING / 2; x < SIZE; x += SPACING )
				pixel.setPositionAndGet( x, y ).set( 1 );

		final PythonImg< FloatType > smooth = PythonImg.builder( "scipy.ndimage:gaussian_filter" )
				.input( input )
				.parameter( "sigma", 2 )
				.halo( 8 )
				.type( new FloatType() )
				.cellSize( CELL )
				.build();
		final PythonImg< UnsignedByteType > maxima = PythonImg.builder( "block.data[...] = ((a == ndimage.maximum_filter(a, 9)) & (a > 0.01))[block.halo]" )
				.init( "from scipy import ndimage" )
				.input( "a", smooth )
				.halo( 4 )
				.type( new UnsignedByteType() )
				.cellSize( CELL )
				.build();

		int dots = 0;
		for ( final UnsignedByteType value : maxima )
			dots += value.get();
		return dots;
	}

	private static void crash()
	{
		final PythonImg< UnsignedByteType > img = PythonImg.builder( "import os\nif block.index == 0:\n    os.abort()\nblock.data[...] = block.index" )
				.type( new UnsignedByteType() )
				.dimensions( SIZE, SIZE )
				.cellSize( CELL )
				// In an environment with Jep, the code would run in this JVM, and end it.
				.environment( PythonEnvironment.getDefault().withMode( InterpreterMode.PROCESS ) )
				.build();
		final PythonSummary summary = img.compute();
		if ( summary.failed() != 1 || summary.computed() != 15 )
			throw new IllegalStateException( "expected one failed cell of 16: " + summary );
		final PythonCellException error = summary.errors().get( 0 );
		System.out.println( "a crash costs one cell: " + error.getPythonMessage().split( "\n" )[ 0 ] );
		System.out.println( "another cell: " + img.getAt( SIZE - 1, SIZE - 1 ) );
	}
}
