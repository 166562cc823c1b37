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
import net.imglib2.cache.img.CachedCellImg;
import net.imglib2.cache.python.Halo;
import net.imglib2.cache.python.PythonCacheLoader;
import net.imglib2.cache.python.PythonCacheLoaderQueue;
import net.imglib2.cache.python.PythonCellException;
import net.imglib2.cache.python.PythonEnvironment;
import net.imglib2.img.array.ArrayImg;
import net.imglib2.img.array.ArrayImgs;
import net.imglib2.img.cell.CellGrid;
import net.imglib2.type.numeric.integer.UnsignedByteType;
import net.imglib2.type.numeric.real.FloatType;
import net.imglib2.view.Views;

/**
 * Counts dots by scipy, in an environment that has numpy and scipy alone: Python runs in
 * worker processes. Then one of them crashes, and the image goes on.
 */
public final class CountDots
{
	private static final CellGrid GRID = new CellGrid( new long[] { 512, 512 }, new int[] { 128, 128 } );

	private static final int SPACING = 32;

	private CountDots()
	{}

	public static void main( final String... args )
	{
		for ( final String line : PythonEnvironment.getDefault().diagnose().split( "\n" ) )
			if ( line.startsWith( "mode" ) )
				System.out.println( line.replaceAll( " +", " " ) );
		try ( final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue( 2, "from scipy import ndimage" ) )
		{
			final int dots = count( queue );
			System.out.println( "dots: " + dots );
			if ( dots != 256 )
				throw new IllegalStateException( "expected 256" );
			crash( queue );
		}
	}

	private static int count( final PythonCacheLoaderQueue queue )
	{
		final ArrayImg< FloatType, ? > input = ArrayImgs.floats( GRID.getImgDimensions() );
		final RandomAccess< FloatType > pixel = input.randomAccess();
		for ( int y = SPACING / 2; y < 512; y += SPACING )
			for ( int x = SPACING / 2; x < 512; x += SPACING )
				pixel.setPositionAndGet( x, y ).set( 1 );

		final CachedCellImg< FloatType, ? > smooth = PythonCacheLoader.fromRandomAccessibles( GRID, queue,
				"block.data[...] = ndimage.gaussian_filter(block.inputs[0], 2)[block.halo]",
				new FloatType(), new Halo( 8, 8 ), Views.extendMirrorDouble( input ) ).createCachedCellImg( 100 );
		final CachedCellImg< UnsignedByteType, ? > maxima = PythonCacheLoader.fromRandomAccessibles( GRID, queue,
				"a = block.inputs[0]\nblock.data[...] = ((a == ndimage.maximum_filter(a, 9)) & (a > 0.01))[block.halo]",
				new UnsignedByteType(), new Halo( 4, 4 ), Views.extendMirrorDouble( smooth ) ).createCachedCellImg( 100 );

		int dots = 0;
		for ( final UnsignedByteType value : maxima )
			dots += value.get();
		return dots;
	}

	private static void crash( final PythonCacheLoaderQueue queue )
	{
		final CachedCellImg< UnsignedByteType, ? > img = PythonCacheLoader.fromRandomAccessibles( GRID, queue,
				"import os\nif block.index == 0:\n    os.abort()\nblock.data[...] = block.index", new UnsignedByteType() ).createCachedCellImg( 100 );
		try
		{
			img.getAt( 0, 0 );
			throw new IllegalStateException( "expected an exception" );
		}
		catch ( final RuntimeException e )
		{
			Throwable cause = e;
			while ( cause != null && !( cause instanceof PythonCellException ) )
				cause = cause.getCause();
			if ( cause == null )
				throw e;
			System.out.println( "a crash costs one cell: " + ( ( PythonCellException ) cause ).getPythonMessage().split( "\n" )[ 0 ] );
		}
		System.out.println( "another cell: " + img.getAt( 511, 511 ) );
	}
}
