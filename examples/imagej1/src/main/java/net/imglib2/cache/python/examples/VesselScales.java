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

import java.awt.GraphicsEnvironment;
import java.awt.Point;
import java.awt.Rectangle;
import java.awt.Robot;
import java.awt.image.BufferedImage;
import java.io.File;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.logging.Level;
import java.util.logging.Logger;

import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageWriteParam;
import javax.imageio.ImageWriter;
import javax.imageio.stream.ImageOutputStream;

import ij.ImagePlus;
import ij.gui.ImageWindow;
import net.imglib2.RandomAccessibleInterval;
import net.imglib2.cache.python.PythonCacheLoaderQueue;
import net.imglib2.cache.python.PythonImg;
import net.imglib2.img.array.ArrayImgs;
import net.imglib2.type.numeric.integer.UnsignedByteType;
import net.imglib2.type.numeric.real.FloatType;
import net.imglib2.view.Views;

/**
 * A stack of 40 planes in ImageJ, of which only those are computed that somebody looks at:
 * the vessels of a retina, found by scikit-image at 40 scales. Checks pixels against plain
 * Python, and which planes were computed. If there is a display, shows the stack.
 * <p>
 * Arguments: the photograph; and, optional, a file that gets a picture of the window.
 */
public final class VesselScales
{
	private static final Logger LOG = Logger.getLogger( VesselScales.class.getName() );

	private static final int PLANES = 40;

	private static final int PLANE = 9;

	private static final long TIMEOUT_MILLIS = 20_000;

	private static final float JPEG_QUALITY = 0.8f;

	private VesselScales()
	{}

	public static void main( final String... args )
	{
		int exitCode = 0;
		try
		{
			run( args );
		}
		catch ( final Exception e )
		{
			LOG.log( Level.SEVERE, "The example has failed", e );
			exitCode = 1;
		}
		// ImageJ's threads go on.
		System.exit( exitCode );
	}

	private static void run( final String... args ) throws Exception
	{
		final boolean takePicture = args.length > 1 && !args[ 1 ].isEmpty();
		if ( !takePicture )
			System.setProperty( "java.awt.headless", "true" );
		final BufferedImage photograph = ImageIO.read( new File( args[ 0 ] ) );
		final int width = photograph.getWidth();
		final int height = photograph.getHeight();
		final byte[] green = green( photograph );
		// The cells of all planes have the same input.
		final RandomAccessibleInterval< UnsignedByteType > input = Views.interval( Views.addDimension( ArrayImgs.unsignedBytes( green, width, height ) ),
				new long[ 3 ], new long[] { width - 1, height - 1, PLANES - 1 } );

		try ( final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue( 2, "from skimage.filters import sato" ) )
		{
			final PythonImg< FloatType > vessels = PythonImg.builder( "block.data[0] = sato(green[0], sigmas=[1 + block.min[0] / 8])" )
					.queue( queue )
					.input( "green", input )
					.type( new FloatType() )
					.cellSize( width, height, 1 )
					.arrays()
					.build();

			final ImagePlus stack = LazyPlanes.imagePlus( "Vessels at 40 scales", vessels );
			require( vessels.metrics().cellsComputed() <= 1, "computed before anybody has looked: " + vessels.metrics().cellsComputed() );
			stack.setSlice( PLANE );
			final float[] pixels = ( float[] ) stack.getProcessor().getPixels();
			require( pixels == stack.getStack().getPixels( PLANE ), "ImageJ has got a copy" );
			require( isAsInPlainPython( queue, green, pixels, width, height ), "plane " + PLANE + " is not as in plain Python" );
			System.out.println( "plane " + PLANE + " of " + stack.getStackSize() + ": all " + pixels.length + " pixels are as in plain Python" );
			stack.setSlice( PLANES );
			stack.setSlice( PLANE );
			System.out.println( "planes computed: " + vessels.metrics().cellsComputed() );
			require( vessels.metrics().cellsComputed() == 3, "expected the first one, " + PLANE + " and " + PLANES );

			if ( takePicture )
			{
				if ( GraphicsEnvironment.isHeadless() )
					throw new IllegalStateException( "a picture needs a display, for instance xvfb-run" );
				final BufferedImage picture = pictureOfWindow( stack );
				write( picture, new File( args[ 1 ] ) );
				System.out.println( "the window: " + new File( args[ 1 ] ).getAbsolutePath() );
				require( vessels.metrics().cellsComputed() == 3, "the window has looked at other planes" );
			}
		}
	}

	private static byte[] green( final BufferedImage photograph )
	{
		final byte[] green = new byte[ photograph.getWidth() * photograph.getHeight() ];
		for ( int i = 0; i < green.length; ++i )
			green[ i ] = ( byte ) ( photograph.getRGB( i % photograph.getWidth(), i / photograph.getWidth() ) >> 8 );
		return green;
	}

	/**
	 * Python reads both from files, and compares bit for bit.
	 */
	private static boolean isAsInPlainPython( final PythonCacheLoaderQueue queue, final byte[] green, final float[] pixels, final int width, final int height ) throws Exception
	{
		final ByteBuffer bytes = ByteBuffer.allocate( 4 * pixels.length ).order( ByteOrder.LITTLE_ENDIAN );
		bytes.asFloatBuffer().put( pixels );
		final Path input = Files.write( Files.createTempFile( "green", ".raw" ), green );
		final Path output = Files.write( Files.createTempFile( "vessels", ".raw" ), bytes.array() );
		try
		{
			return queue.submit( python -> {
				python.set( "files", new String[] { input.toString(), output.toString() } );
				python.exec( "green = np.fromfile(files[0], 'u1').reshape(" + height + ", " + width + ")\n"
						+ "expected = sato(green, sigmas=[1 + " + ( PLANE - 1 ) + " / 8]).astype('<f4')\n"
						+ "found = np.fromfile(files[1], '<f4').reshape(green.shape)" );
				return python.getValue( "bool(expected.max() > 1 and (expected == found).all())", Boolean.class );
			} ).get();
		}
		finally
		{
			Files.delete( input );
			Files.delete( output );
		}
	}

	private static BufferedImage pictureOfWindow( final ImagePlus stack ) throws Exception
	{
		stack.resetDisplayRange();
		stack.show();
		// The window begins with its slider at the first plane.
		stack.setSlice( PLANES );
		stack.setSlice( PLANE );
		final ImageWindow window = stack.getWindow();
		final BufferedImage shown = stack.getProcessor().convertToRGB().getBufferedImage();
		final Robot robot = new Robot();
		final long end = System.currentTimeMillis() + TIMEOUT_MILLIS;
		while ( true )
		{
			robot.waitForIdle();
			final Point plane = window.getCanvas().getLocationOnScreen();
			if ( isSame( shown, robot.createScreenCapture( new Rectangle( plane.x, plane.y, shown.getWidth(), shown.getHeight() ) ) ) )
				return robot.createScreenCapture( new Rectangle( window.getLocationOnScreen(), window.getSize() ) );
			if ( System.currentTimeMillis() > end )
				throw new IllegalStateException( "the window does not show the plane; it needs a display of 1024 x 900 pixels" );
			robot.delay( 100 );
		}
	}

	private static boolean isSame( final BufferedImage expected, final BufferedImage found )
	{
		for ( int y = 0; y < expected.getHeight(); ++y )
			for ( int x = 0; x < expected.getWidth(); ++x )
				if ( ( expected.getRGB( x, y ) & 0xffffff ) != ( found.getRGB( x, y ) & 0xffffff ) )
					return false;
		return true;
	}

	private static void write( final BufferedImage picture, final File file ) throws IOException
	{
		final ImageWriter writer = ImageIO.getImageWritersByFormatName( "jpeg" ).next();
		final ImageWriteParam quality = writer.getDefaultWriteParam();
		quality.setCompressionMode( ImageWriteParam.MODE_EXPLICIT );
		quality.setCompressionQuality( JPEG_QUALITY );
		Files.deleteIfExists( file.toPath() );
		try ( final ImageOutputStream out = ImageIO.createImageOutputStream( file ) )
		{
			writer.setOutput( out );
			writer.write( null, new IIOImage( picture, null, null ), quality );
		}
		writer.dispose();
	}

	private static void require( final boolean condition, final String otherwise )
	{
		if ( !condition )
			throw new IllegalStateException( otherwise );
	}
}
