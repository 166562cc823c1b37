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

import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.Scanner;

import javax.imageio.ImageIO;

import net.imglib2.Cursor;
import net.imglib2.Interval;
import net.imglib2.RandomAccess;
import net.imglib2.RandomAccessibleInterval;
import net.imglib2.cache.python.PythonCacheLoaderQueue;
import net.imglib2.cache.python.PythonImg;
import net.imglib2.cache.python.PythonProgress;
import net.imglib2.cache.python.PythonSummary;
import net.imglib2.img.array.ArrayImgs;
import net.imglib2.type.numeric.integer.UnsignedByteType;
import net.imglib2.type.numeric.real.FloatType;
import net.imglib2.util.Intervals;
import net.imglib2.util.Util;

/**
 * Segments the blood vessels in a photograph of the retina by scikit-image's
 * {@code sato} filter and a threshold, on cells with a halo, with two Python
 * workers. Then checks that the result is equal, bit for bit, to the result of
 * plain Python on the whole photograph in one call, and draws the photograph and
 * the vessels side by side.
 * <p>
 * The photograph is {@code skimage/data/retina.jpg} of the scikit-image package:
 * "Fundus photograph of normal left eye" by Mikael Häggström, 1411 × 1411
 * pixels, dedicated to the public domain (CC0 1.0).
 * <p>
 * The image of the vessels may be larger than memory: its cells are computed when
 * they are read, and the cache keeps {@value #CACHED_BYTES} bytes of them. Only
 * {@code ImageIO}, the check and the picture need memory for the whole photograph.
 * <p>
 * Arguments, all optional: another photograph ({@code sample} for this one), the
 * size of the cells, and the folder for the picture.
 */
public final class TraceVessels
{
	private static final int WORKERS = 2;

	private static final int CACHED_BYTES = 100_000_000;

	private static final int BRIGHTNESS = 14;

	private TraceVessels()
	{}

	public static void main( final String... args ) throws Exception
	{
		System.setProperty( "java.awt.headless", "true" );
		final int cellSize = args.length > 1 ? Integer.parseInt( args[ 1 ] ) : 192;
		final File folder = new File( args.length > 2 ? args[ 2 ] : "target/trace-vessels" );
		try ( final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue( WORKERS, resource( "vesselness.py" ) ) )
		{
			final String sample = queue.submit( python -> python.getValue( "sample_image()", String.class ) ).get();
			final File file = new File( args.length > 0 && !args[ 0 ].equals( "sample" ) ? args[ 0 ] : sample );
			final int halo = queue.submit( python -> python.getValue( "HALO", Integer.class ) ).get();

			final BufferedImage photograph = file.isFile() ? ImageIO.read( file ) : null;
			if ( photograph == null || photograph.getSampleModel().getSampleSize( 0 ) != 8 )
				throw new IOException( file + " is not a PNG or JPEG image of 8 bits per channel" );
			final RandomAccessibleInterval< UnsignedByteType > green = green( photograph );
			final int width = photograph.getWidth();
			final int height = photograph.getHeight();

			final PythonImg< FloatType > vessels = vesselness( queue, green, halo, cellSize );
			final PythonSummary summary = vessels.compute( vessels, PythonProgress.console( "cells" ) );
			if ( summary.failed() > 0 )
				throw summary.errors().get( 0 );
			System.out.printf( "%s: %d x %d pixels%n", file.getName(), width, height );
			System.out.printf( "%d cells of %d x %d with a halo of %d in %.2f s, %.1f MB/s of result%n",
					summary.computed(), cellSize, cellSize, halo, summary.seconds(), 4e-6 * width * height / summary.seconds() );

			final PythonImg< FloatType > plain = plainPython( queue, green );
			final long wrong = countDifferences( vessels, plain, 0 );
			if ( wrong > 0 )
			{
				System.err.printf( "WRONG: %d of %d pixels differ from those of vesselness(green) on the whole photograph%n", wrong, green.size() );
				if ( countDifferences( vessels, plain, halo ) == 0 )
					System.err.printf( "All of them are nearer than %d pixels to its border: there, sato extends its intermediate results, too%n", halo );
				System.exit( 1 );
			}
			System.out.printf( "all %d pixels equal those of vesselness(green) on the whole photograph%n", green.size() );
			final long seams = countDifferences( vessels, vesselness( queue, green, 0, cellSize ), 0 );
			System.out.printf( "(without the halo, %d would not)%n", seams );

			folder.mkdirs();
			final File picture = new File( folder, "vessels.png" );
			ImageIO.write( sideBySide( photograph, vessels, cellSize ), "png", picture );
			System.out.println( "photograph and vessels: " + picture.getAbsolutePath() );
		}
	}

	/**
	 * The lazy result: nothing is computed until a pixel is read.
	 */
	private static PythonImg< FloatType > vesselness( final PythonCacheLoaderQueue queue, final RandomAccessibleInterval< UnsignedByteType > green, final int halo, final int cellSize )
	{
		// The border is the one of scipy and scikit-image, MIRROR_DOUBLE, if nothing else is said.
		return PythonImg.builder( "block.data[...] = vesselness(green)[block.halo]" )
				.queue( queue )
				.input( "green", green )
				.halo( halo )
				.type( new FloatType() )
				.cellSize( cellSize )
				.cacheBytes( CACHED_BYTES )
				.build();
	}

	/**
	 * One call for the whole photograph: neither cells, nor a halo, nor a border.
	 */
	private static PythonImg< FloatType > plainPython( final PythonCacheLoaderQueue queue, final RandomAccessibleInterval< UnsignedByteType > green )
	{
		return PythonImg.builder( "block.data[...] = vesselness(green)" )
				.queue( queue )
				.input( "green", green )
				.type( new FloatType() )
				.cellSize( Util.long2int( green.dimensionsAsLongArray() ) )
				.build();
	}

	/**
	 * @param margin
	 * 		pixels that are nearer to the border than this are not counted
	 */
	private static long countDifferences( final PythonImg< FloatType > image, final PythonImg< FloatType > expected, final long margin )
	{
		final Interval counted = Intervals.expand( image, -margin );
		final RandomAccess< FloatType > other = expected.randomAccess();
		final Cursor< FloatType > cursor = image.localizingCursor();
		long count = 0;
		while ( cursor.hasNext() )
		{
			final float value = cursor.next().get();
			if ( Float.floatToIntBits( value ) != Float.floatToIntBits( other.setPositionAndGet( cursor ).get() ) && Intervals.contains( counted, cursor ) )
				++count;
		}
		return count;
	}

	/**
	 * The green channel, in which blood is darkest, or the only channel of a grey image.
	 */
	private static RandomAccessibleInterval< UnsignedByteType > green( final BufferedImage image )
	{
		final int width = image.getWidth();
		final int height = image.getHeight();
		final int band = Math.min( 1, image.getRaster().getNumBands() - 1 );
		final int[] samples = image.getRaster().getSamples( 0, 0, width, height, band, ( int[] ) null );
		final byte[] bytes = new byte[ samples.length ];
		Arrays.setAll( samples, i -> bytes[ i ] = ( byte ) samples[ i ] );
		return ArrayImgs.unsignedBytes( bytes, width, height );
	}

	private static BufferedImage sideBySide( final BufferedImage photograph, final PythonImg< FloatType > vessels, final int cellSize )
	{
		final int width = photograph.getWidth();
		final int height = photograph.getHeight();
		final BufferedImage picture = new BufferedImage( 2 * width, height, BufferedImage.TYPE_INT_RGB );
		final Cursor< FloatType > cursor = vessels.localizingCursor();
		while ( cursor.hasNext() )
		{
			final int grey = Math.min( 255, ( int ) ( BRIGHTNESS * cursor.next().get() ) );
			picture.setRGB( width + cursor.getIntPosition( 0 ), cursor.getIntPosition( 1 ), grey * 0x010101 );
		}
		final Graphics2D graphics = picture.createGraphics();
		graphics.drawImage( photograph, 0, 0, null );
		graphics.setColor( new Color( 255, 255, 255, 60 ) );
		for ( int x = 0; x < width; x += cellSize )
		{
			graphics.fillRect( x, 0, 2, height );
			graphics.fillRect( width + x, 0, 2, height );
		}
		for ( int y = 0; y < height; y += cellSize )
			graphics.fillRect( 0, y, 2 * width, 2 );
		graphics.dispose();
		return picture;
	}

	private static String resource( final String name ) throws IOException
	{
		try ( final InputStream in = TraceVessels.class.getResourceAsStream( name ); final Scanner scanner = new Scanner( in, "UTF-8" ) )
		{
			return scanner.useDelimiter( "\\A" ).next();
		}
	}
}
