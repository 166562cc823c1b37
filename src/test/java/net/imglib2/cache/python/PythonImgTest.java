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

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import net.imglib2.RandomAccessibleInterval;
import net.imglib2.img.Img;
import net.imglib2.img.array.ArrayImgs;
import net.imglib2.type.numeric.RealType;
import net.imglib2.type.numeric.integer.UnsignedByteType;
import net.imglib2.type.numeric.real.FloatType;
import net.imglib2.view.Views;

/**
 * The builder, and what can be done with its images.
 */
@Timeout( 120 )
@Tag( "each-mode" )
class PythonImgTest
{
	private final Img< UnsignedByteType > ramp = ramp( 23, 17 );

	@Test
	void aFunctionWithParameters()
	{
		final PythonImg< FloatType > image = PythonImg.builder( "scipy.ndimage:gaussian_filter" ).input( ramp ).parameter( "sigma", 1 ).halo( 4 ).type( new FloatType() ).cellSize( 5, 4 )
				.build();
		final PythonImg< FloatType > whole = PythonImg.builder( "scipy.ndimage:gaussian_filter" ).input( ramp ).parameter( "sigma", 1 ).type( new FloatType() ).cellSize( 23, 17 ).build();
		assertArrayEquals( new long[] { 23, 17 }, image.dimensionsAsLongArray() );
		assertSame( whole, image );
		image.parameter( "sigma", 0 );
		assertEquals( ramp.getAt( 1, 1 ).get(), image.getAt( 1, 1 ).get() );
	}

	/**
	 * Many packages take seconds when they are imported for the first time.
	 */
	@Test
	void aFunctionIsCheckedHoweverLongItTakesToImportIt( @TempDir final Path folder ) throws IOException
	{
		final Path file = folder.resolve( "slow.py" );
		Files.write( file, "import time\ntime.sleep(3)\ndef f(k):\n    return k".getBytes( StandardCharsets.UTF_8 ) );
		final PythonImgBuilder< FloatType > builder = PythonImg.builder( file + ":f" ).dimensions( 3 ).type( new FloatType() );
		final String message = assertThrows( PythonCodeException.class, builder::build ).getMessage();
		assertTrue( message.contains( "needs the argument 'k'" ), message );
	}

	@Test
	void statements()
	{
		final PythonImg< ? > image = PythonImg.builder( """
				    scaled = raw * k
				    block.data[...] = scaled[block.halo]
				""" ).input( "raw", ramp ).parameter( "k", 2 ).halo( 1, 2 ).cellSize( 7 ).build();
		assertEquals( 2 * ramp.getAt( 3, 4 ).get(), ( ( UnsignedByteType ) image.getAt( 3, 4 ) ).get() );
		image.code( "block.data[...] = raw[block.halo] + k" );
		assertEquals( 2 + ramp.getAt( 3, 4 ).get(), ( ( UnsignedByteType ) image.getAt( 3, 4 ) ).get() );
	}

	@Test
	void whatIsNotThereIsRefused()
	{
		final PythonImg< ? > image = PythonImg.builder( "block.data[...] = raw" ).input( "raw", ramp ).name( "the image" ).build();
		assertEquals( "the image has no input 1: its inputs are 0 to 0", assertThrows( IllegalArgumentException.class, () -> image.getInputWay( 1, 0 ) ).getMessage() );
		assertThrows( IllegalArgumentException.class, () -> image.getInputWay( -1, 0 ) );
		assertThrows( IllegalArgumentException.class, () -> image.getInputWay( 0, 1 ) );
	}

	/**
	 * With one worker, it would wait for itself.
	 */
	@Test
	void imagesAreNotMadeOnTheThreadOfAWorker()
	{
		try (final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue( 1 ))
		{
			final Future< ? > made = queue.submit( python -> PythonImg.builder( "scipy.ndimage:laplace" ).input( ramp ).halo( 1 ).watch( true ).queue( queue ).build() );
			final Throwable why = assertThrows( ExecutionException.class, () -> made.get( 30, TimeUnit.SECONDS ) ).getCause();
			assertTrue( why instanceof IllegalStateException && why.getMessage().contains( "An image cannot be made" ), String.valueOf( why ) );
		}
	}

	@Test
	void whatIsComputedOfAChangedImageChanges()
	{
		final PythonImg< ? > first = PythonImg.builder( "block.data[...] = raw + k" ).input( "raw", ramp ).parameter( "k", 2 ).cellSize( 7 ).build();
		final PythonImg< ? > second = PythonImg.builder( "block.data[...] = raw[block.halo] + k" ).input( "raw", first ).halo( 1 ).parameter( "k", 3 ).cellSize( 5 ).build();
		final PythonImg< ? > third = PythonImg.builder( "block.data[...] = raw * 2" ).input( "raw", Views.permute( second, 0, 1 ) ).cellSize( 3 ).build();
		assertEquals( 2 * ( 5 + ramp.getAt( 3, 4 ).get() ), ( ( UnsignedByteType ) third.getAt( 4, 3 ) ).get() );
		assertEquals( 5 + ramp.getAt( 3, 4 ).get(), ( ( UnsignedByteType ) second.getAt( 3, 4 ) ).get() );
		first.parameter( "k", 4 );
		assertEquals( 7 + ramp.getAt( 3, 4 ).get(), ( ( UnsignedByteType ) second.getAt( 3, 4 ) ).get() );
		assertEquals( 2 * ( 7 + ramp.getAt( 3, 4 ).get() ), ( ( UnsignedByteType ) third.getAt( 4, 3 ) ).get() );
	}

	static Img< UnsignedByteType > ramp( final long... dims )
	{
		final Img< UnsignedByteType > ramp = ArrayImgs.unsignedBytes( dims );
		int i = 0;
		for ( final UnsignedByteType pixel : ramp )
			pixel.set( i++ % 19 * 5 % 23 );
		return ramp;
	}

	private static < T extends RealType< T > > void assertSame( final RandomAccessibleInterval< T > expected, final RandomAccessibleInterval< T > actual )
	{
		final double[] a = Views.flatIterable( expected ).stream().mapToDouble( RealType::getRealDouble ).toArray();
		final double[] b = Views.flatIterable( actual ).stream().mapToDouble( RealType::getRealDouble ).toArray();
		assertEquals( Arrays.toString( a ), Arrays.toString( b ) );
	}
}
