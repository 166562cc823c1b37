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
import java.util.function.ToIntFunction;

import net.imglib2.Cursor;
import net.imglib2.RandomAccessibleInterval;
import net.imglib2.img.Img;
import net.imglib2.img.array.ArrayImgs;
import net.imglib2.type.numeric.RealType;
import net.imglib2.type.numeric.integer.UnsignedByteType;
import net.imglib2.type.numeric.integer.UnsignedIntType;
import net.imglib2.type.numeric.real.FloatType;
import net.imglib2.util.Intervals;
import net.imglib2.view.Views;

/**
 * Draws the pictures of the pages in {@code doc/tasks}, of photographs that scikit-image contains.
 * Each is computed by the code of its page.
 */
final class TaskPictures
{
	private static final int WIDTH = 1320;

	private static final int GAP = 6;

	private static final int CELL = 96;

	private static final int BACKGROUND = 0x4f8cff;

	private static final int OBJECT = 0xffb000;

	private final File folder;

	private final RandomAccessibleInterval< UnsignedByteType > retina;

	private final PythonImg< UnsignedByteType > coins = PythonImg.open( "skimage.data:coins" );

	/**
	 * @param folder
	 * 		gets the pictures
	 * @param retina
	 * 		green channel of the photograph of a retina
	 */
	TaskPictures( final File folder, final RandomAccessibleInterval< UnsignedByteType > retina )
	{
		this.folder = folder;
		this.retina = retina;
	}

	void draw() throws IOException
	{
		background();
		chain();
		registration();
		table();
		ifPossible( "forest.jpg", this::forest );
		ifPossible( "network.jpg", this::network );
		ifPossible( "nuclei.jpg", this::nuclei );
	}

	private interface Picture
	{
		void draw() throws IOException;
	}

	/**
	 * The environment of the tests may lack a package.
	 */
	private static void ifPossible( final String name, final Picture picture ) throws IOException
	{
		try
		{
			picture.draw();
		}
		catch ( final PythonCodeException e )
		{
			System.out.println( name + " stays as it is: " + e.getMessage() );
		}
	}

	private void background() throws IOException
	{
		final PythonImg< UnsignedByteType > page = PythonImg.open( "255 - skimage.data.page()" );
		final PythonImg< UnsignedByteType > background = PythonImg.builder( "skimage.restoration:rolling_ball" ).input( page ).parameter( "radius", 15 ).halo( 15 ).cellSize( CELL ).type( new UnsignedByteType() ).build();
		final PythonImg< UnsignedByteType > text = PythonImg.builder( "block.data[...] = raw - ball" ).input( "raw", page ).input( "ball", background ).cellSize( CELL ).type( new UnsignedByteType() ).build();
		write( "background.jpg", 0, grey( page, 0, 255, 0 ), grey( background, 0, 255, CELL ), grey( text, 0, 160, CELL ) );
	}

	private void chain() throws IOException
	{
		final int cell = 88;
		final PythonImg< FloatType > smooth = PythonImg.builder( "scipy.ndimage:gaussian_filter" ).input( retina ).parameter( "sigma", 3 ).parameter( "output", "float32" ).halo( 20 ).type( new FloatType() )
				.cellSize( cell ).build();
		final PythonImg< FloatType > gradient = PythonImg.builder( "skimage.filters:sobel" ).input( smooth ).halo( 1 ).cellSize( cell ).type( new FloatType() ).build();
		final PythonImg< UnsignedByteType > edges = PythonImg.builder( "block.data[...] = gradient > 2" ).input( "gradient", gradient ).type( new UnsignedByteType() ).cellSize( cell ).build();
		final PythonImg< FloatType > distance = PythonImg.builder(
				"distances = ndimage.distance_transform_edt(np.pad(edges == 0, 1))[1:-1, 1:-1]\n" +
				"block.data[...] = np.minimum(distances, 20)[block.halo]" )
				.init( "from scipy import ndimage" ).input( "edges", edges ).halo( 20 ).type( new FloatType() ).cellSize( cell ).build();
		write( "chain.jpg", 0, grey( smooth, 0, 160, cell ), grey( gradient, 0, 5, cell ), grey( edges, 0, 1, cell ), grey( distance, 0, 20, cell ) );
	}

	private void registration() throws IOException
	{
		final PythonImg< FloatType > series = PythonImg.builder(
				"t = block.min[0]\n" +
				"block.data[0] = ndimage.shift(camera, (-0.7 * t, 1.3 * t))[100:260, 140:300]" )
				.init( "from scipy import ndimage\nfrom skimage import data\ncamera = data.camera().astype('f4')" ).dimensions( 160, 160, 6 ).cellSize( 160, 160, 1 ).type( new FloatType() ).build();
		final PythonImg< FloatType > shifts = PythonImg.builder( "block.data[...] = phase_cross_correlation(first, series[0], upsample_factor=20)[0]" )
				.init( "from skimage.registration import phase_cross_correlation" )
				.input( PythonInput.of( Views.hyperSlice( series, 2, 0 ) ).name( "first" ).wholeAxes( 0, 1 ) )
				.input( PythonInput.of( series ).name( "series" ).wholeAxes( 0, 1 ) )
				.dimensions( 2, 1, 6 ).cellSize( 2, 1, 1 ).type( new FloatType() ).build();
		final PythonImg< FloatType > registered = PythonImg.builder( "block.data[...] = ndimage.shift(series, (0, *shift[0, 0]))[block.halo]" )
				.init( "from scipy import ndimage" )
				.input( PythonInput.of( series ).name( "series" ).halo( 32, 32, 0 ) )
				.input( PythonInput.of( shifts ).name( "shift" ).wholeAxes( 0, 1 ) )
				.cellSize( 80, 80, 1 ).type( new FloatType() ).build();
		write( "registration.jpg", 440, grey( mean( series ), 0, 255, 0 ), grey( mean( registered ), 0, 255, 0 ) );
	}

	private static PythonImg< FloatType > mean( final PythonImg< FloatType > series )
	{
		return PythonImg.builder( "block.data[...] = series.mean(axis=0)" ).input( PythonInput.of( series ).name( "series" ).wholeAxes( 2 ) ).type( new FloatType() ).build();
	}

	private void forest() throws IOException
	{
		final Img< UnsignedByteType > annotations = ArrayImgs.unsignedBytes( 384, 303 );
		for ( final long[] rectangle : new long[][] { { 5, 5, 370, 4 }, { 5, 92, 370, 4 }, { 5, 295, 370, 4 }, { 76, 105, 4, 110 }, { 302, 105, 4, 40 } } )
			Views.interval( annotations, Intervals.createMinSize( rectangle ) ).forEach( pixel -> pixel.set( 1 ) );
		for ( final long[] rectangle : new long[][] { { 36, 50, 18, 14 }, { 92, 48, 16, 14 }, { 36, 190, 16, 16 }, { 262, 184, 20, 20 }, { 236, 256, 16, 16 }, { 326, 170, 40, 10 } } )
			Views.interval( annotations, Intervals.createMinSize( rectangle ) ).forEach( pixel -> pixel.set( 2 ) );
		final PythonImg< UnsignedByteType > found = PythonImg.builder(
				"if not forest:\n" +
				"    forest.append(RandomForestClassifier(n_estimators=30, max_depth=10, random_state=1).fit(features(whole)[annotations > 0], annotations[annotations > 0]))\n" +
				"block.data[...] = forest[0].predict(features(raw)[block.crops[0]].reshape(block.data.size, -1)).reshape(block.dim)" )
				.init( """
						from scipy import ndimage
						from sklearn.ensemble import RandomForestClassifier

						forest = []

						def features(raw):
						    raw = raw.astype('f4')
						    layers = [raw]
						    for sigma in (1, 2, 4, 8):
						        layers += [ndimage.gaussian_filter(raw, sigma), ndimage.gaussian_gradient_magnitude(raw, sigma), ndimage.gaussian_laplace(raw, sigma)]
						    return np.stack(layers, axis=-1)
						""" )
				.input( PythonInput.of( coins ).name( "raw" ).halo( 32 ) )
				.input( PythonInput.of( coins ).name( "whole" ).wholeAxes( 0, 1 ) )
				.input( PythonInput.of( annotations ).name( "annotations" ).wholeAxes( 0, 1 ) )
				.cellSize( CELL ).type( new UnsignedByteType() ).build();
		final Panel marked = grey( coins, 0, 255, 0 );
		paint( marked, annotations, pixel -> pixel.get() == 1 ? BACKGROUND : pixel.get() == 2 ? OBJECT : -1 );
		final Panel result = grey( coins, 0, 400, CELL );
		paint( result, found, pixel -> pixel.get() == 2 ? OBJECT : -1 );
		write( "forest.jpg", 440, marked, result );
	}

	private void table() throws IOException
	{
		final PythonImg< UnsignedByteType > mask = PythonImg.builder(
				"raw = raw.astype('f4')\n" +
				"bright = ndimage.gaussian_filter(raw, 2) > ndimage.uniform_filter(raw, 61) + 15\n" +
				"block.data[...] = ndimage.binary_opening(bright, iterations=5)[block.halo]" )
				.init( "from scipy import ndimage" ).input( "raw", coins ).halo( 40 ).cellSize( CELL ).type( new UnsignedByteType() ).build();
		final PythonImg< UnsignedIntType > regions = PythonImg.builder(
				"labels = measure.label(mask)\n" +
				"numbers, places = np.unique(labels, return_index=True)\n" +
				"y, x = np.unravel_index(places, labels.shape)\n" +
				"ids = np.where(numbers > 0, 1 + (y + block.min[0] - 64) * 384 + x + block.min[1] - 64, 0)\n" +
				"block.data[...] = ids[labels][block.halo]" )
				.init( "from skimage import measure" ).input( PythonInput.of( mask ).name( "mask" ).border( Border.ZERO ) ).halo( 64 ).cellSize( CELL ).type( new UnsignedIntType() ).build();
		final Panel colours = grey( coins, 0, 400, CELL );
		paint( colours, regions, TaskPictures::colour );
		write( "table.jpg", 440, grey( coins, 0, 255, 0 ), colours );
	}

	private void network() throws IOException
	{
		final File file = Files.createTempFile( "network", ".pt" ).toFile();
		try
		{
			final PythonImg< FloatType > training = PythonImg.builder( "doc/code/unet.py:train" ).input( PythonInput.of( coins ).wholeAxes( 0, 1 ) ).parameter( "noise", 25 ).parameter( "file", file.toPath() )
					.dimensions( 1 ).type( new FloatType() ).build();
			training.getAt( 0 );
			final PythonImg< FloatType > noisy = PythonImg.builder( "block.data[...] = raw + np.random.default_rng(1).normal(0, 25, raw.shape)" ).input( "raw", coins ).cellSize( 384, 303 )
					.type( new FloatType() ).build();
			final PythonImg< FloatType > clean = PythonImg.builder( "doc/code/unet.py:denoise" ).input( noisy ).parameter( "file", file.toPath() ).halo( 24 ).cellSize( CELL ).padToMultiple( 16 )
					.type( new FloatType() ).build();
			write( "network.jpg", 440, grey( noisy, 0, 255, 0 ), grey( clean, 0, 255, CELL ) );
		}
		finally
		{
			file.delete();
		}
	}

	private void nuclei() throws IOException
	{
		final int size = 3 * CELL;
		final PythonImg< FloatType > training = PythonImg.builder( "doc/code/nuclei.py:train" ).parameter( "folder", "target/stardist" ).dimensions( 1 ).type( new FloatType() ).build();
		training.getAt( 0 );
		training.close();
		final PythonImg< UnsignedByteType > photo = PythonImg.open( "doc/code/nuclei.py:image", size, 99 );
		final PythonImg< UnsignedIntType > cells = PythonImg.builder( "labels, details = model.predict_instances(raw / 255, verbose=False)\nblock.data[...] = labels[block.halo]" )
				.init( "from stardist.models import StarDist2D\nmodel = StarDist2D(None, name='nuclei', basedir='target/stardist')" )
				.input( "raw", photo ).halo( 64 ).cellSize( CELL ).padToMultiple( 16 ).type( new UnsignedIntType() ).build();
		final Panel ofCells = grey( photo, 0, 800, CELL );
		paint( ofCells, cells, TaskPictures::colour );
		final Panel merged = grey( photo, 0, 800, CELL );
		paint( merged, PythonLabels.merge( cells, PythonLabels.Rule.overlap( 0.5 ) ), TaskPictures::colour );
		write( "nuclei.jpg", 400, grey( photo, 0, 255, 0 ), ofCells, merged );
	}

	// ---------------------------------------------------------------- drawing

	private static int colour( final UnsignedIntType label )
	{
		return label.get() == 0 ? -1 : Color.HSBtoRGB( label.get() * 0.618034f % 1, 0.7f, 1 ) & 0xffffff;
	}

	private static Panel grey( final RandomAccessibleInterval< ? extends RealType< ? > > image, final double min, final double max, final int cell )
	{
		return new Panel( PicturesMain.grey( image, min, max ), cell );
	}

	/**
	 * Paints over pixels; a colour of -1 is none.
	 */
	private static < T > void paint( final Panel panel, final RandomAccessibleInterval< T > image, final ToIntFunction< T > colour )
	{
		final Cursor< T > cursor = Views.iterable( image ).localizingCursor();
		while ( cursor.hasNext() )
		{
			final int rgb = colour.applyAsInt( cursor.next() );
			if ( rgb >= 0 )
				panel.picture.setRGB( cursor.getIntPosition( 0 ), cursor.getIntPosition( 1 ), rgb );
		}
	}

	/**
	 * @param width
	 * 		of each panel; 0 if all together have the width of a page
	 */
	private void write( final String name, final int width, final Panel... panels ) throws IOException
	{
		final int w = width > 0 ? width : ( WIDTH - ( panels.length - 1 ) * GAP ) / panels.length;
		final int h = w * panels[ 0 ].picture.getHeight() / panels[ 0 ].picture.getWidth();
		final BufferedImage picture = new BufferedImage( panels.length * ( w + GAP ) - GAP, h, BufferedImage.TYPE_INT_RGB );
		final Graphics2D graphics = picture.createGraphics();
		graphics.setRenderingHint( RenderingHints.KEY_INTERPOLATION, RenderingHints.VALUE_INTERPOLATION_BILINEAR );
		graphics.setColor( Color.WHITE );
		graphics.fillRect( 0, 0, picture.getWidth(), h );
		graphics.setColor( new Color( 255, 255, 255, 90 ) );
		for ( int i = 0; i < panels.length; ++i )
		{
			final Panel panel = panels[ i ];
			final int left = i * ( w + GAP );
			graphics.drawImage( panel.picture, left, 0, w, h, null );
			for ( int x = panel.cell; panel.cell > 0 && x < panel.picture.getWidth(); x += panel.cell )
				graphics.fillRect( left + x * w / panel.picture.getWidth(), 0, 1, h );
			for ( int y = panel.cell; panel.cell > 0 && y < panel.picture.getHeight(); y += panel.cell )
				graphics.fillRect( left, y * h / panel.picture.getHeight(), w, 1 );
		}
		graphics.dispose();
		PicturesMain.write( new File( folder, name ), picture );
	}

	private static final class Panel
	{
		final BufferedImage picture;

		/**
		 * Size of the cells whose borders are drawn, or 0.
		 */
		final int cell;

		Panel( final BufferedImage picture, final int cell )
		{
			this.picture = picture;
			this.cell = cell;
		}
	}
}
