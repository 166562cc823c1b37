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

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.Random;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

import net.imglib2.Cursor;
import net.imglib2.RandomAccess;
import net.imglib2.RandomAccessible;
import net.imglib2.RandomAccessibleInterval;
import net.imglib2.img.Img;
import net.imglib2.img.array.ArrayImg;
import net.imglib2.img.array.ArrayImgs;
import net.imglib2.img.cell.CellGrid;
import net.imglib2.type.numeric.integer.UnsignedByteType;
import net.imglib2.type.numeric.real.DoubleType;
import net.imglib2.util.Intervals;
import net.imglib2.view.Views;

/**
 * With the extensions of the input that the README names, the cells equal what Python
 * computes of the whole image.
 */
class BordersTest
{
	private static final int HALO = 12;

	private static final ArrayImg< UnsignedByteType, ? > IMAGE = ArrayImgs.unsignedBytes( 41, 29 );

	private static PythonCacheLoaderQueue queue;

	@BeforeAll
	static void open()
	{
		final Random random = new Random( 1 );
		IMAGE.forEach( pixel -> pixel.set( random.nextInt( 256 ) ) );
		queue = new PythonCacheLoaderQueue( 2, """
				import scipy.signal
				import skimage.filters
				import skimage.morphology
				from scipy import ndimage
				disk = skimage.morphology.disk(2)
				""" );
	}

	@AfterAll
	static void close()
	{
		queue.close();
	}

	private enum Extension
	{
		extendMirrorDouble( Views::extendMirrorDouble ),

		extendBorder( Views::extendBorder ),

		extendZero( Views::extendZero ),

		extendMirrorSingle( Views::extendMirrorSingle ),

		extendPeriodic( Views::extendPeriodic );

		private final Function< Img< UnsignedByteType >, RandomAccessible< UnsignedByteType > > extend;

		Extension( final Function< Img< UnsignedByteType >, RandomAccessible< UnsignedByteType > > extend )
		{
			this.extend = extend;
		}
	}

	@ParameterizedTest
	@CsvSource( quoteCharacter = '\'', delimiter = '|', value = {
			"extendMirrorDouble | scipy.ndimage | ndimage.gaussian_filter(a, 2)",
			"extendMirrorDouble | scipy.ndimage | ndimage.median_filter(a, 3)",
			"extendMirrorDouble | scipy.ndimage | ndimage.uniform_filter(a, 5)",
			"extendMirrorDouble | scipy.ndimage | ndimage.percentile_filter(a, 30, 5)",
			"extendMirrorDouble | scipy.ndimage | ndimage.maximum_filter(a, 5)",
			"extendMirrorDouble | scipy.ndimage | ndimage.sobel(a.astype('f4'))",
			"extendMirrorDouble | scipy.ndimage | ndimage.laplace(a.astype('f4'))",
			"extendMirrorDouble | scipy.ndimage | ndimage.gaussian_laplace(a.astype('f4'), 2)",
			"extendMirrorDouble | scipy.ndimage | ndimage.gaussian_gradient_magnitude(a.astype('f4'), 2)",
			"extendMirrorDouble | scipy.ndimage | ndimage.white_tophat(a, 5)",
			"extendMirrorDouble | scipy.ndimage | ndimage.convolve(a.astype('f4'), np.arange(9.).reshape(3, 3))",
			"extendMirrorDouble | skimage.filters | skimage.filters.sobel(a)",
			"extendMirrorDouble | skimage.filters | skimage.filters.laplace(a)",
			"extendMirrorDouble | skimage.filters | skimage.filters.unsharp_mask(a, 2)",
			"extendMirrorDouble | skimage.filters | skimage.filters.threshold_local(a, 9)",
			"extendMirrorDouble | skimage.morphology | skimage.morphology.erosion(a, disk)",
			"extendMirrorDouble | skimage.morphology | skimage.morphology.opening(a, disk)",
			"extendMirrorDouble | skimage.morphology | skimage.morphology.white_tophat(a, disk)",
			"extendMirrorDouble | mode=\"reflect\" | ndimage.gaussian_filter(a, 2, mode='reflect')",
			"extendBorder | skimage.filters.gaussian | skimage.filters.gaussian(a, 2)",
			"extendBorder | median | skimage.filters.median(a, skimage.morphology.disk(4))",
			"extendBorder | difference_of_gaussians | skimage.filters.difference_of_gaussians(a, 1, 2)",
			"extendBorder | mode=\"nearest\" | ndimage.gaussian_filter(a, 2, mode='nearest')",
			"extendZero | scipy.ndimage.binary_erosion | ndimage.binary_erosion(a > 60)",
			"extendZero | binary_opening | ndimage.binary_opening(a > 60)",
			"extendZero | scipy.signal | scipy.signal.convolve(a.astype('f8'), np.ones((5, 5)), 'same', 'direct')",
			"extendZero | scipy.signal | scipy.signal.medfilt2d(a, 5)",
			"extendZero | mode=\"constant\" | ndimage.gaussian_filter(a, 2, mode='constant')",
			"extendMirrorSingle | mode=\"mirror\" | ndimage.gaussian_filter(a, 2, mode='mirror')",
			"extendPeriodic | mode=\"wrap\" | ndimage.gaussian_filter(a, 2, mode='wrap')" } )
	void cellsEqualPlainPython( final Extension extension, final String inReadme, final String expression ) throws IOException
	{
		final String row = row( extension );
		assertTrue( row.contains( inReadme ), row );
		final Img< DoubleType > plain = plainPython( expression );
		assertEquals( 0, differences( plain, blockwise( extension, expression ) ), expression );
		// Otherwise the test would find no difference anywhere.
		boolean different = false;
		for ( final Extension other : Extension.values() )
			different |= differences( plain, blockwise( other, expression ) ) > 0;
		assertTrue( different, expression );
	}

	/**
	 * Each row has the same border by the names of this library, ImgLib2 and numpy.
	 */
	@ParameterizedTest
	@EnumSource
	void namesInTheReadmeMeanTheSame( final Extension extension ) throws IOException
	{
		final String[] row = row( extension ).split( "\\|" );
		final String border = find( "`(\\w+)`", row[ 2 ] );
		final String mode = find( "`\"(\\w+)\"", row[ 5 ] );
		final PythonImg< UnsignedByteType > same = PythonImg.builder( "block.data[...] = np.array_equal(raw, extended) and np.array_equal(raw, np.pad(raw[block.halo], pad, mode))" )
				.queue( queue )
				.input( PythonInput.of( IMAGE ).name( "raw" ).border( border ) )
				.input( "extended", extension.extend.apply( IMAGE ) )
				.parameter( "mode", mode )
				.parameter( "pad", HALO )
				.halo( HALO )
				.cellSize( 41, 29 )
				.type( new UnsignedByteType() )
				.build();
		assertEquals( 1, same.getAt( 0, 0 ).get(), border + " " + mode );
	}

	private static String row( final Extension extension ) throws IOException
	{
		return DocumentationTest.read( "README.md" ).lines().filter( line -> line.startsWith( "|" ) && line.contains( "`Views." + extension + "( image )`" ) ).findFirst().get();
	}

	private static String find( final String pattern, final String text )
	{
		final Matcher matcher = Pattern.compile( pattern ).matcher( text );
		assertTrue( matcher.find(), text );
		return matcher.group( 1 );
	}

	@Test
	void functionsOfSeveralStepsDifferWithinTheHalo()
	{
		final Img< DoubleType > plain = plainPython( "skimage.filters.sato(a, [1])" );
		final Img< DoubleType > blockwise = blockwise( Extension.extendMirrorDouble, "skimage.filters.sato(a, [1])" );
		assertFalse( differences( plain, blockwise ) == 0 );
		assertEquals( 0, differences( Views.interval( plain, Intervals.expand( plain, -HALO ) ), blockwise ) );
	}

	/**
	 * A single call for the whole array, without cells, halo and extension.
	 */
	private static Img< DoubleType > plainPython( final String expression )
	{
		final int[] dims = { ( int ) IMAGE.dimension( 0 ), ( int ) IMAGE.dimension( 1 ) };
		return PythonCacheLoader.fromRandomAccessibles( new CellGrid( IMAGE.dimensionsAsLongArray(), dims ), queue, "a = block.inputs[0]\nassert a.shape == (29, 41)\nblock.data[...] = " + expression,
				new DoubleType(), IMAGE ).createCachedCellImg( 1 );
	}

	private static Img< DoubleType > blockwise( final Extension extension, final String expression )
	{
		return PythonCacheLoader.fromRandomAccessibles( new CellGrid( IMAGE.dimensionsAsLongArray(), new int[] { 16, 16 } ), queue, "a = block.inputs[0]\nblock.data[...] = (" + expression + ")[block.halo]",
				new DoubleType(), new Halo( HALO, HALO ), extension.extend.apply( IMAGE ) ).createCachedCellImg( 100 );
	}

	private static long differences( final RandomAccessibleInterval< DoubleType > image, final Img< DoubleType > other )
	{
		final RandomAccess< DoubleType > expected = other.randomAccess();
		final Cursor< DoubleType > cursor = Views.iterable( image ).localizingCursor();
		long count = 0;
		while ( cursor.hasNext() )
			if ( cursor.next().get() != expected.setPositionAndGet( cursor ).get() )
				++count;
		return count;
	}
}
