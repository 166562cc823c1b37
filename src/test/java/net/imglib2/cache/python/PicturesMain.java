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

import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.function.IntUnaryOperator;

import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageWriteParam;
import javax.imageio.ImageWriter;
import javax.imageio.stream.ImageOutputStream;

import net.imglib2.Cursor;
import net.imglib2.RandomAccess;
import net.imglib2.RandomAccessibleInterval;
import net.imglib2.converter.Converters;
import net.imglib2.img.array.ArrayImgs;
import net.imglib2.type.numeric.ARGBType;
import net.imglib2.type.numeric.IntegerType;
import net.imglib2.type.numeric.RealType;
import net.imglib2.type.numeric.integer.IntType;
import net.imglib2.type.numeric.integer.UnsignedByteType;
import net.imglib2.type.numeric.real.FloatType;
import net.imglib2.util.Cast;
import net.imglib2.view.Views;

/**
 * Draws the pictures of the pages in {@code doc}, computed by the library from the
 * photograph of a retina that scikit-image contains ("Fundus photograph of normal left
 * eye" by Mikael Häggström, CC0 1.0). Argument: the folder for the pictures.
 */
final class PicturesMain
{
	/**
	 * Edge of the photograph, which is reduced to half, and of a cell. The photograph has a
	 * whole number of cells, and of coarse pixels.
	 */
	private static final int SIZE = 704;

	private static final int CELL = 88;

	private static final int COARSE = 16;

	/**
	 * Edge of a panel of a picture.
	 */
	private static final int PANEL = 440;

	private static final int GAP = 6;

	private static final float QUALITY = 0.87f;

	private static final String SATO = "from skimage.filters import sato\nfrom scipy import ndimage";

	private final File folder;

	private final RandomAccessibleInterval< ARGBType > colours;

	private final RandomAccessibleInterval< UnsignedByteType > green;

	private PicturesMain( final File folder ) throws Exception
	{
		this.folder = folder;
		final File retina = new File( folder, "retina.jpg" );
		write( retina, scaled( ImageIO.read( new File( photograph() ) ), SIZE ) );
		// As a reader of the pages has it.
		colours = ArrayImgs.argbs( ImageIO.read( retina ).getRGB( 0, 0, SIZE, SIZE, null, 0, SIZE ), SIZE, SIZE );
		green = Converters.argbChannel( colours, 2 );
	}

	public static void main( final String... args ) throws Exception
	{
		System.setProperty( "java.awt.headless", "true" );
		final PicturesMain pictures = new PicturesMain( new File( args[ 0 ] ) );
		pictures.filter();
		pictures.inputs();
		pictures.progress();
		pictures.live();
		pictures.errors();
		pictures.halo();
		pictures.sources();
		pictures.sinks();
		new TaskPictures( pictures.folder, pictures.green ).draw();
		pictures.labels();
	}

	private static String photograph() throws Exception
	{
		try ( final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue() )
		{
			return queue.submit( python -> python.getValue( "str(__import__('importlib.resources').resources.files('skimage') / 'data' / 'retina.jpg')", String.class ) ).get();
		}
	}

	private void filter() throws IOException
	{
		final PythonImg< FloatType > smooth = PythonImg.builder( "scipy.ndimage:gaussian_filter" ).input( green ).parameter( "sigma", 5 ).parameter( "output", "float32" ).halo( 20 )
				.type( new FloatType() ).cellSize( CELL ).build();
		final PythonImg< FloatType > contrast = PythonImg.builder( "raw = raw.astype('f4')\nblock.data[...] = (raw - ndimage.gaussian_filter(raw, sigma))[block.halo]" )
				.init( "from scipy import ndimage" ).input( "raw", green ).parameter( "sigma", 5 ).halo( 20 ).type( new FloatType() ).cellSize( CELL ).build();
		write( "filter.jpg", grey( green, 0, 160 ), lines( grey( smooth, 0, 160 ), CELL ), lines( grey( contrast, -25, 25 ), CELL ) );
	}

	private void inputs() throws IOException
	{
		final PythonImg< UnsignedByteType > overview = PythonImg.builder( "h, w = block.dim\nblock.data[...] = raw.reshape(h, 16, w, 16).mean(axis=(1, 3))" )
				.input( PythonInput.of( green ).name( "raw" ).scale( COARSE ) ).type( new UnsignedByteType() ).cellSize( 11 ).build();
		final PythonImg< FloatType > vessels = PythonImg.builder( """
				ridges = sato(raw.astype('f4'), [1.5, 2], black_ridges=True)[block.crops[0]]
				light = light.repeat(16, axis=0).repeat(16, axis=1)
				block.data[...] = np.where(light > 20, ridges, 0)
				""" )
				.init( SATO )
				.input( PythonInput.of( green ).name( "raw" ).halo( 22 ) )
				.input( PythonInput.of( overview ).name( "light" ).scaleDown( COARSE ) )
				.type( new FloatType() ).cellSize( 2 * CELL ).build();
		write( "inputs.jpg", colours(), lines( grey( overview, 0, 160 ), 11 ), lines( grey( vessels, 0, 10 ), 2 * CELL ) );
	}

	private void progress() throws IOException
	{
		final PythonImg< FloatType > vessels = PythonImg.builder( """
				ridges = sato(raw.astype("f4"), [1.5, 2], black_ridges=True)
				objects = label(ridges > 2)
				for one in regionprops(objects):
				    if one.axis_major_length < 15:  # too short for a vessel
				        ridges[one.slice][one.image] = 0
				block.data[...] = ridges[block.halo]
				""" ).init( SATO + "\nfrom skimage.measure import label, regionprops" ).input( "raw", green ).halo( 22 ).type( new FloatType() ).cellSize( CELL / 2 ).workers( 1 ).build();
		// The first round imports packages, and warms up. Of the others, the shortest time: the machine does other things, too.
		vessels.compute();
		final float[] times = new float[ ( int ) vessels.getCells().size() ];
		Arrays.fill( times, Float.POSITIVE_INFINITY );
		for ( int round = 0; round < 5; ++round )
		{
			vessels.invalidate();
			vessels.compute();
			int i = 0;
			for ( final FloatType time : vessels.timeImg() )
				times[ i ] = Math.min( times[ i++ ], time.get() );
		}
		final float[] sorted = times.clone();
		Arrays.sort( sorted );
		final int edge = SIZE / ( CELL / 2 );
		write( "progress.jpg", lines( grey( vessels, 0, 10 ), CELL / 2 ), draw( ArrayImgs.floats( times, edge, edge ), sorted[ 0 ], sorted[ sorted.length - 1 ], PicturesMain::heat ) );
	}

	private void live() throws IOException
	{
		final PythonImg< FloatType > vessels = PythonImg.builder( "skimage.filters:sato" ).input( green ).parameter( "sigmas", new double[] { 1.5 } ).halo( 46 ).type( new FloatType() ).cellSize( CELL ).build();
		final BufferedImage before = grey( vessels, 0, 5 );
		vessels.parameter( "sigmas", new double[] { 4 } );
		final BufferedImage after = grey( vessels, 0, 5 );
		write( "live.jpg", before, after );
	}

	private void errors() throws IOException
	{
		final PythonImg< FloatType > stretched = PythonImg.builder( """
				low, high = np.percentile(raw, [1, 99])
				if high - low < 20:
				    raise ValueError(f"no contrast: only {low} to {high}")
				block.data[...] = (raw - low) / (high - low)
				""" ).input( "raw", green ).type( new FloatType() ).cellSize( CELL ).onErrorFill( new FloatType( -1000 ), e -> {} ).build();
		final BufferedImage picture = grey( stretched, 0, 1 );
		final RandomAccess< FloatType > pixel = stretched.randomAccess();
		for ( int y = 0; y < SIZE; ++y )
			for ( int x = 0; x < SIZE; ++x )
				if ( pixel.setPositionAndGet( x, y ).get() == -1000 )
					picture.setRGB( x, y, 0xd95f02 );
		write( "errors.jpg", lines( picture, CELL ), draw( stretched.failedImg(), 0, 1, PicturesMain::grey ) );
	}

	private void halo() throws IOException
	{
		final BufferedImage[] pictures = new BufferedImage[ 3 ];
		final int[] halos = { 0, 10, 40 };
		for ( int i = 0; i < halos.length; ++i )
			pictures[ i ] = grey( PythonImg.builder( "scipy.ndimage:gaussian_filter" ).input( green ).parameter( "sigma", 10 ).parameter( "output", "float32" ).halo( halos[ i ] )
					.type( new FloatType() ).cellSize( CELL ).build(), 20, 110 );
		write( "halo.jpg", pictures );
	}

	private void sinks() throws IOException
	{
		final Path sink = Files.createTempDirectory( "pictures" ).resolve( "a" );
		PythonImg.builder( "block.data[...] = block.inputs[0]" ).input( green ).cellSize( CELL ).build().writeTo( PythonSink.zarr( sink ).levels( 5 ) );
		final BufferedImage[] pictures = new BufferedImage[ 3 ];
		for ( int i = 0; i < pictures.length; ++i )
		{
			final RandomAccessibleInterval< UnsignedByteType > level = PythonImg.< UnsignedByteType >open( "zarr:open_array", sink.resolve( String.valueOf( 2 * i ) ) );
			pictures[ i ] = lines( grey( level, 0, 160 ), CELL );
		}
		write( "sinks.jpg", pictures );
	}

	private void sources() throws IOException
	{
		final PythonImg< UnsignedByteType > array = Cast.unchecked( PythonImg.openBuilder( "zarr.array(skimage.io.imread(path)[..., 1], chunks=(chunk, chunk))" )
				.parameter( "path", new File( folder, "retina.jpg" ) ).parameter( "chunk", CELL ).cellSize( CELL ).workers( 1 ).build() );
		for ( int x = 0; x < SIZE; ++x )
			array.getAt( x, SIZE - 1 - 3 * x / 4 );
		final RandomAccess< FloatType > millis = array.timeImg().randomAccess();
		final BufferedImage picture = grey( green, 0, 160 );
		for ( int y = 0; y < SIZE; ++y )
			for ( int x = 0; x < SIZE; ++x )
				if ( Float.isNaN( millis.setPositionAndGet( x / CELL, y / CELL ).get() ) )
					picture.setRGB( x, y, 0x404040 );
		write( "sources.jpg", lines( grey( green, 0, 160 ), CELL ), lines( picture, CELL ) );
	}

	/**
	 * Coins, in the photograph of Pompeii's that scikit-image contains (Brooklyn Museum, no known restrictions).
	 */
	private void labels() throws IOException
	{
		final int size = 300;
		final PythonImg< UnsignedByteType > coins = PythonImg.builder( "block.data[...] = photo[:300, 60:360]" ).init( "import skimage.data\nphoto = skimage.data.coins()" )
				.dimensions( size, size ).type( new UnsignedByteType() ).cellSize( size ).build();
		final PythonImg< FloatType > smooth = PythonImg.builder( "scipy.ndimage:gaussian_filter" ).input( coins ).parameter( "sigma", 2 ).parameter( "output", "float32" ).halo( 8 )
				.type( new FloatType() ).cellSize( size / 3 ).build();
		final PythonImg< IntType > cells = PythonImg.builder( "block.data[...], count = ndimage.label(block.inputs[0] > 107)" ).init( "from scipy import ndimage" ).input( smooth )
				.type( new IntType() ).cellSize( size / 3 ).build();
		write( "labels.jpg", grey( coins, 0, 255 ), lines( coloured( cells ), size / 3 ), lines( coloured( PythonLabels.merge( cells ) ), size / 3 ) );
	}

	// ---------------------------------------------------------------- drawing

	private static BufferedImage coloured( final RandomAccessibleInterval< ? extends IntegerType< ? > > labels )
	{
		final BufferedImage picture = new BufferedImage( ( int ) labels.dimension( 0 ), ( int ) labels.dimension( 1 ), BufferedImage.TYPE_INT_RGB );
		final Cursor< ? extends IntegerType< ? > > cursor = Views.iterable( labels ).localizingCursor();
		while ( cursor.hasNext() )
		{
			final int label = cursor.next().getInteger();
			// Neighbouring numbers are far apart on the circle of colours.
			picture.setRGB( cursor.getIntPosition( 0 ), cursor.getIntPosition( 1 ), label == 0 ? 0 : Color.HSBtoRGB( 0.618f * label, 0.55f + 0.15f * ( label % 4 ), 0.95f ) );
		}
		return picture;
	}

	private BufferedImage colours()
	{
		final BufferedImage picture = new BufferedImage( SIZE, SIZE, BufferedImage.TYPE_INT_RGB );
		final Cursor< ARGBType > cursor = Views.iterable( colours ).localizingCursor();
		while ( cursor.hasNext() )
		{
			final int argb = cursor.next().get();
			picture.setRGB( cursor.getIntPosition( 0 ), cursor.getIntPosition( 1 ), argb );
		}
		return picture;
	}

	static BufferedImage grey( final RandomAccessibleInterval< ? extends RealType< ? > > image, final double min, final double max )
	{
		return draw( image, min, max, PicturesMain::grey );
	}

	private static int grey( final int level )
	{
		return level * 0x010101;
	}

	/**
	 * From black by blue and red to yellow.
	 */
	private static int heat( final int level )
	{
		final int red = Math.min( 255, Math.max( 0, 2 * level - 100 ) );
		final int green = Math.max( 0, 2 * level - 255 );
		final int blue = level < 128 ? level : Math.max( 0, 255 - level );
		return red << 16 | green << 8 | blue;
	}

	private static BufferedImage draw( final RandomAccessibleInterval< ? extends RealType< ? > > image, final double min, final double max, final IntUnaryOperator colour )
	{
		final BufferedImage picture = new BufferedImage( ( int ) image.dimension( 0 ), ( int ) image.dimension( 1 ), BufferedImage.TYPE_INT_RGB );
		final Cursor< ? extends RealType< ? > > cursor = Views.iterable( image ).localizingCursor();
		while ( cursor.hasNext() )
		{
			final double value = cursor.next().getRealDouble();
			final int level = ( int ) Math.max( 0, Math.min( 255, 255 * ( value - min ) / ( max - min ) ) );
			picture.setRGB( cursor.getIntPosition( 0 ), cursor.getIntPosition( 1 ), colour.applyAsInt( level ) );
		}
		return picture;
	}

	/**
	 * @return the same with the borders of cells
	 */
	private static BufferedImage lines( final BufferedImage picture, final int cell )
	{
		final BufferedImage large = picture.getWidth() < PANEL ? enlarged( picture, SIZE / picture.getWidth() ) : picture;
		final int step = cell * large.getWidth() / picture.getWidth();
		final Graphics2D graphics = large.createGraphics();
		graphics.setColor( new Color( 255, 255, 255, 70 ) );
		for ( int at = step; at < large.getWidth(); at += step )
		{
			graphics.fillRect( at, 0, 1, large.getHeight() );
			graphics.fillRect( 0, at, large.getWidth(), 1 );
		}
		graphics.dispose();
		return large;
	}

	private static BufferedImage enlarged( final BufferedImage picture, final int factor )
	{
		final BufferedImage large = new BufferedImage( factor * picture.getWidth(), factor * picture.getHeight(), BufferedImage.TYPE_INT_RGB );
		for ( int y = 0; y < large.getHeight(); ++y )
			for ( int x = 0; x < large.getWidth(); ++x )
				large.setRGB( x, y, picture.getRGB( x / factor, y / factor ) );
		return large;
	}

	private static BufferedImage scaled( final BufferedImage picture, final int edge )
	{
		final BufferedImage small = new BufferedImage( edge, edge, BufferedImage.TYPE_INT_RGB );
		final Graphics2D graphics = small.createGraphics();
		graphics.setRenderingHint( RenderingHints.KEY_INTERPOLATION, edge < picture.getWidth() ? RenderingHints.VALUE_INTERPOLATION_BILINEAR : RenderingHints.VALUE_INTERPOLATION_NEAREST_NEIGHBOR );
		graphics.drawImage( picture, 0, 0, edge, edge, null );
		graphics.dispose();
		return small;
	}

	private void write( final String name, final BufferedImage... panels ) throws IOException
	{
		final BufferedImage picture = new BufferedImage( panels.length * ( PANEL + GAP ) - GAP, PANEL, BufferedImage.TYPE_INT_RGB );
		final Graphics2D graphics = picture.createGraphics();
		graphics.setColor( Color.WHITE );
		graphics.fillRect( 0, 0, picture.getWidth(), PANEL );
		for ( int i = 0; i < panels.length; ++i )
			graphics.drawImage( scaled( panels[ i ], PANEL ), i * ( PANEL + GAP ), 0, null );
		graphics.dispose();
		write( new File( folder, name ), picture );
	}

	static void write( final File file, final BufferedImage picture ) throws IOException
	{
		final ImageWriter writer = ImageIO.getImageWritersByFormatName( "jpeg" ).next();
		try ( final ImageOutputStream out = ImageIO.createImageOutputStream( deleted( file ) ) )
		{
			final ImageWriteParam settings = writer.getDefaultWriteParam();
			settings.setCompressionMode( ImageWriteParam.MODE_EXPLICIT );
			settings.setCompressionQuality( QUALITY );
			writer.setOutput( out );
			writer.write( null, new IIOImage( picture, null, null ), settings );
		}
		finally
		{
			writer.dispose();
		}
		System.out.println( file + ": " + file.length() + " bytes" );
	}

	/**
	 * What ImageIO writes over a longer file keeps that file's end.
	 */
	private static File deleted( final File file ) throws IOException
	{
		if ( file.exists() && !file.delete() )
			throw new IOException( file + " cannot be replaced" );
		return file;
	}
}
