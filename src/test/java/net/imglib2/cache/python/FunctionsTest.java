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
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Supplier;
import java.util.stream.Stream;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import net.imglib2.Cursor;
import net.imglib2.Interval;
import net.imglib2.RandomAccess;
import net.imglib2.RandomAccessibleInterval;
import net.imglib2.img.Img;
import net.imglib2.img.array.ArrayImgs;
import net.imglib2.type.NativeType;
import net.imglib2.type.logic.NativeBoolType;
import net.imglib2.type.numeric.RealType;
import net.imglib2.type.numeric.integer.UnsignedByteType;
import net.imglib2.type.numeric.real.DoubleType;
import net.imglib2.type.numeric.real.FloatType;
import net.imglib2.util.Cast;
import net.imglib2.util.Intervals;
import net.imglib2.util.Util;
import net.imglib2.view.Views;

/**
 * Functions of scipy and scikit-image, block by block, give what one call for the whole image does.
 */
@Timeout( 120 )
class FunctionsTest
{
	private enum Source
	{
		BYTES( () -> bytes( 41, 29 ), 16, 11 ),
		FLOATS( () -> floats( 41, 29 ), 16, 11 ),
		MASK( () -> mask( 0.75, 41, 29 ), 16, 11 ),
		SPARSE( () -> mask( 0.1, 41, 29 ), 16, 11 ),
		VOLUME( () -> floats( 19, 13, 11 ), 8, 6, 5 );

		final Img< ? > image;

		final int[] cellSize;

		Source( final Supplier< Img< ? > > image, final int... cellSize )
		{
			this.image = image.get();
			this.cellSize = cellSize;
		}
	}

	private static final FloatType FLOAT = new FloatType();

	private static final DoubleType DOUBLE = new DoubleType();

	private static final UnsignedByteType BYTE = new UnsignedByteType();

	private static final NativeBoolType BOOL = new NativeBoolType();

	/**
	 * Of numbers from 0 to 1, or from 0 to 255.
	 */
	private static final double ROUNDED = 1e-11;

	private static final List< Row > ROWS = new ArrayList<>();

	private static final class Row
	{
		final String function;

		final Source source;

		final int[] halo;

		final Border border;

		final NativeType< ? > type;

		final double tolerance;

		final boolean isRimCompared;

		final Map< String, Object > parameters = new LinkedHashMap<>();

		Row( final String function, final Source source, final int[] halo, final Border border, final NativeType< ? > type, final double tolerance, final boolean isRimCompared, final Object... parameters )
		{
			this.function = function;
			this.source = source;
			this.halo = halo;
			this.border = border;
			this.type = type;
			this.tolerance = tolerance;
			this.isRimCompared = isRimCompared;
			for ( int i = 0; i < parameters.length; i += 2 )
				this.parameters.put( ( String ) parameters[ i ], parameters[ i + 1 ] );
		}

		@Override
		public String toString()
		{
			return function + parameters + " of " + source;
		}
	}

	private static int[] halo( final int... widths )
	{
		return widths;
	}

	private static void exact( final String function, final Source source, final int[] halo, final Border border, final NativeType< ? > type, final Object... parameters )
	{
		ROWS.add( new Row( function, source, halo, border, type, 0, true, parameters ) );
	}

	private static void rounded( final String function, final Source source, final int[] halo, final Border border, final NativeType< ? > type, final double tolerance, final Object... parameters )
	{
		ROWS.add( new Row( function, source, halo, border, type, tolerance, true, parameters ) );
	}

	/**
	 * Functions of several steps extend what each step gives, so that the rim is not compared.
	 */
	private static void inside( final String function, final Source source, final int[] halo, final NativeType< ? > type, final double tolerance, final Object... parameters )
	{
		ROWS.add( new Row( function, source, halo, Border.MIRROR_DOUBLE, type, tolerance, false, parameters ) );
	}

	static
	{
		final List< List< Integer > > weights = Arrays.asList( Arrays.asList( 1, 2, 3 ), Arrays.asList( 4, 5, 6 ), Arrays.asList( 7, 8, 9 ) );
		final List< Integer > line = Arrays.asList( 1, -3, 5 );
		final String ndimage = "scipy.ndimage:";
		exact( ndimage + "gaussian_filter", Source.FLOATS, halo( 8 ), Border.MIRROR_DOUBLE, FLOAT, "sigma", 2 );
		exact( ndimage + "gaussian_filter", Source.FLOATS, halo( 4 ), Border.NEAREST, FLOAT, "sigma", 1, "mode", "nearest" );
		exact( ndimage + "gaussian_filter", Source.FLOATS, halo( 4 ), Border.ZERO, FLOAT, "sigma", 1, "mode", "constant" );
		exact( ndimage + "gaussian_filter", Source.FLOATS, halo( 4 ), Border.value( 3 ), FLOAT, "sigma", 1, "mode", "constant", "cval", 3 );
		exact( ndimage + "gaussian_filter", Source.FLOATS, halo( 4 ), Border.MIRROR_SINGLE, FLOAT, "sigma", 1, "mode", "mirror" );
		exact( ndimage + "gaussian_filter", Source.FLOATS, halo( 4 ), Border.PERIODIC, FLOAT, "sigma", 1, "mode", "wrap" );
		exact( ndimage + "gaussian_filter", Source.BYTES, halo( 8, 4 ), Border.MIRROR_DOUBLE, BYTE, "sigma", new double[] { 1, 2 } );
		exact( ndimage + "gaussian_filter", Source.VOLUME, halo( 4 ), Border.MIRROR_DOUBLE, FLOAT, "sigma", 1, "order", Arrays.asList( 0, 1, 0 ) );
		exact( ndimage + "gaussian_filter1d", Source.FLOATS, halo( 0, 8 ), Border.MIRROR_DOUBLE, FLOAT, "sigma", 2, "axis", 0 );
		exact( ndimage + "gaussian_gradient_magnitude", Source.VOLUME, halo( 4 ), Border.MIRROR_DOUBLE, FLOAT, "sigma", 1 );
		exact( ndimage + "gaussian_laplace", Source.FLOATS, halo( 8 ), Border.MIRROR_DOUBLE, FLOAT, "sigma", 2 );
		exact( ndimage + "laplace", Source.VOLUME, halo( 1 ), Border.MIRROR_DOUBLE, FLOAT );
		exact( ndimage + "prewitt", Source.FLOATS, halo( 1 ), Border.MIRROR_DOUBLE, FLOAT );
		exact( ndimage + "sobel", Source.FLOATS, halo( 1 ), Border.MIRROR_DOUBLE, FLOAT, "axis", 0 );
		exact( ndimage + "uniform_filter", Source.BYTES, halo( 2 ), Border.MIRROR_DOUBLE, BYTE, "size", 5 );
		rounded( ndimage + "uniform_filter", Source.VOLUME, halo( 2 ), Border.MIRROR_DOUBLE, FLOAT, 1e-6, "size", 4 );
		exact( ndimage + "uniform_filter1d", Source.BYTES, halo( 3, 0 ), Border.NEAREST, BYTE, "size", 7, "mode", "nearest" );
		exact( ndimage + "median_filter", Source.BYTES, halo( 1 ), Border.MIRROR_DOUBLE, BYTE, "size", 3 );
		exact( ndimage + "median_filter", Source.VOLUME, halo( 1 ), Border.NEAREST, FLOAT, "size", 3, "mode", "nearest" );
		exact( ndimage + "percentile_filter", Source.BYTES, halo( 2 ), Border.MIRROR_DOUBLE, BYTE, "percentile", 30, "size", 5 );
		exact( ndimage + "rank_filter", Source.BYTES, halo( 1 ), Border.MIRROR_DOUBLE, BYTE, "rank", 3, "size", 3 );
		exact( ndimage + "minimum_filter", Source.BYTES, halo( 2 ), Border.MIRROR_DOUBLE, BYTE, "size", 5 );
		exact( ndimage + "maximum_filter", Source.BYTES, halo( 2 ), Border.MIRROR_DOUBLE, BYTE, "size", 4 );
		exact( ndimage + "minimum_filter1d", Source.BYTES, halo( 2, 0 ), Border.MIRROR_DOUBLE, BYTE, "size", 5 );
		exact( ndimage + "maximum_filter1d", Source.BYTES, halo( 0, 2 ), Border.MIRROR_DOUBLE, BYTE, "size", 5, "axis", 0 );
		exact( ndimage + "grey_erosion", Source.BYTES, halo( 2 ), Border.MIRROR_DOUBLE, BYTE, "size", 5 );
		exact( ndimage + "grey_dilation", Source.BYTES, halo( 2 ), Border.MIRROR_DOUBLE, BYTE, "size", 5 );
		exact( ndimage + "grey_opening", Source.BYTES, halo( 4 ), Border.MIRROR_DOUBLE, BYTE, "size", 5 );
		exact( ndimage + "grey_closing", Source.BYTES, halo( 4 ), Border.MIRROR_DOUBLE, BYTE, "size", 5 );
		exact( ndimage + "white_tophat", Source.BYTES, halo( 4 ), Border.MIRROR_DOUBLE, BYTE, "size", 5 );
		exact( ndimage + "black_tophat", Source.BYTES, halo( 4 ), Border.MIRROR_DOUBLE, BYTE, "size", 5 );
		exact( ndimage + "morphological_gradient", Source.BYTES, halo( 1 ), Border.MIRROR_DOUBLE, BYTE, "size", 3 );
		exact( ndimage + "morphological_laplace", Source.FLOATS, halo( 1 ), Border.MIRROR_DOUBLE, FLOAT, "size", 3 );
		exact( ndimage + "correlate", Source.FLOATS, halo( 1 ), Border.MIRROR_DOUBLE, FLOAT, "weights", weights );
		exact( ndimage + "convolve", Source.FLOATS, halo( 1 ), Border.ZERO, FLOAT, "weights", weights, "mode", "constant" );
		exact( ndimage + "correlate1d", Source.FLOATS, halo( 1, 0 ), Border.MIRROR_DOUBLE, FLOAT, "weights", line );
		exact( ndimage + "convolve1d", Source.FLOATS, halo( 0, 1 ), Border.MIRROR_DOUBLE, FLOAT, "weights", line, "axis", 0 );
		exact( ndimage + "binary_erosion", Source.MASK, halo( 1 ), Border.ZERO, BOOL );
		exact( ndimage + "binary_dilation", Source.SPARSE, halo( 2 ), Border.ZERO, BOOL, "iterations", 2 );
		exact( ndimage + "binary_opening", Source.MASK, halo( 2 ), Border.ZERO, BOOL );
		exact( ndimage + "binary_hit_or_miss", Source.MASK, halo( 1 ), Border.ZERO, BOOL, "structure1", Arrays.asList( Arrays.asList( 1, 1, 0 ) ), "structure2", Arrays.asList( Arrays.asList( 0, 0, 1 ) ) );

		final String filters = "skimage.filters:";
		exact( filters + "gaussian", Source.FLOATS, halo( 8 ), Border.NEAREST, FLOAT, "sigma", 2 );
		exact( filters + "gaussian", Source.BYTES, halo( 4 ), Border.NEAREST, DOUBLE, "sigma", 1, "preserve_range", true );
		exact( filters + "median", Source.BYTES, halo( 1 ), Border.NEAREST, BYTE );
		for ( final String kind : Arrays.asList( "sobel", "prewitt", "scharr", "farid" ) )
			for ( final String direction : Arrays.asList( "", "_h", "_v" ) )
				exact( filters + kind + direction, Source.FLOATS, halo( kind.equals( "farid" ) ? 2 : 1 ), Border.MIRROR_DOUBLE, FLOAT );
		exact( filters + "roberts", Source.FLOATS, halo( 1 ), Border.MIRROR_DOUBLE, FLOAT );
		exact( filters + "roberts_pos_diag", Source.FLOATS, halo( 1 ), Border.MIRROR_DOUBLE, FLOAT );
		exact( filters + "roberts_neg_diag", Source.FLOATS, halo( 1 ), Border.MIRROR_DOUBLE, FLOAT );
		exact( filters + "laplace", Source.FLOATS, halo( 1 ), Border.MIRROR_DOUBLE, FLOAT );
		exact( filters + "unsharp_mask", Source.FLOATS, halo( 8 ), Border.MIRROR_DOUBLE, FLOAT, "radius", 2, "amount", 0.5 );
		exact( filters + "difference_of_gaussians", Source.FLOATS, halo( 8 ), Border.NEAREST, FLOAT, "low_sigma", 1, "high_sigma", 2 );
		exact( filters + "threshold_local", Source.FLOATS, halo( 5 ), Border.MIRROR_DOUBLE, FLOAT, "block_size", 9 );
		rounded( filters + "threshold_niblack", Source.FLOATS, halo( 4 ), Border.MIRROR_SINGLE, DOUBLE, ROUNDED, "window_size", 7 );
		rounded( filters + "threshold_sauvola", Source.FLOATS, halo( 4 ), Border.MIRROR_SINGLE, DOUBLE, ROUNDED, "window_size", 7, "r", 0.5 );
		inside( filters + "sato", Source.FLOATS, halo( 8 ), DOUBLE, 1e-6, "sigmas", Arrays.asList( 1 ) );

		final String morphology = "skimage.morphology:";
		exact( morphology + "erosion", Source.BYTES, halo( 1 ), Border.MIRROR_DOUBLE, BYTE );
		exact( morphology + "dilation", Source.BYTES, halo( 1 ), Border.MIRROR_DOUBLE, BYTE );
		exact( morphology + "opening", Source.BYTES, halo( 2 ), Border.MIRROR_DOUBLE, BYTE );
		exact( morphology + "closing", Source.VOLUME, halo( 2 ), Border.MIRROR_DOUBLE, FLOAT );
		exact( morphology + "white_tophat", Source.BYTES, halo( 2 ), Border.MIRROR_DOUBLE, BYTE );
		exact( morphology + "black_tophat", Source.BYTES, halo( 2 ), Border.MIRROR_DOUBLE, BYTE );
		exact( morphology + "isotropic_erosion", Source.MASK, halo( 2 ), Border.MIRROR_DOUBLE, BOOL, "radius", 1.5 );
		exact( morphology + "isotropic_dilation", Source.SPARSE, halo( 2 ), Border.MIRROR_DOUBLE, BOOL, "radius", 1.5 );
		inside( morphology + "isotropic_closing", Source.SPARSE, halo( 4 ), BOOL, 0, "radius", 1.5 );
		exact( morphology + "thin", Source.MASK, halo( 4 ), Border.ZERO, BOOL, "max_num_iter", 1 );

		final String restoration = "skimage.restoration:";
		// Its table of weights depends on the largest pixel.
		rounded( restoration + "denoise_bilateral", Source.FLOATS, halo( 2 ), Border.ZERO, DOUBLE, 1e-3, "win_size", 5, "sigma_color", 0.2, "sigma_spatial", 2 );
		inside( restoration + "denoise_nl_means", Source.FLOATS, halo( 4 ), FLOAT, 1e-6, "patch_size", 3, "patch_distance", 2, "h", 0.3, "fast_mode", false );
		inside( restoration + "rolling_ball", Source.FLOATS, halo( 5 ), FLOAT, 0, "radius", 5 );

		final String feature = "skimage.feature:";
		inside( feature + "corner_harris", Source.FLOATS, halo( 5 ), FLOAT, 0, "sigma", 1 );
		inside( feature + "corner_shi_tomasi", Source.FLOATS, halo( 5 ), FLOAT, 0, "sigma", 1 );
		inside( feature + "corner_kitchen_rosenfeld", Source.FLOATS, halo( 2 ), FLOAT, 0 );
		inside( feature + "hessian_matrix_det", Source.FLOATS, halo( 6 ), DOUBLE, 1e-4, "sigma", 2 );
		inside( feature + "local_binary_pattern", Source.BYTES, halo( 2 ), DOUBLE, 0, "P", 8, "R", 1 );
	}

	private static PythonCacheLoaderQueue queue;

	@BeforeAll
	static void open()
	{
		queue = new PythonCacheLoaderQueue( 2, "import warnings\nwarnings.simplefilter('ignore', FutureWarning)" );
	}

	@AfterAll
	static void close()
	{
		queue.close();
	}

	static Stream< Row > rows()
	{
		return ROWS.stream();
	}

	@Test
	void thereAreEnough()
	{
		for ( final String module : Arrays.asList( "scipy.ndimage:", "skimage.filters:", "skimage.morphology:", "skimage.restoration:", "skimage.feature:" ) )
			assertNotEquals( 0, ROWS.stream().filter( row -> row.function.startsWith( module ) ).count(), module );
		assertEquals( true, ROWS.stream().map( row -> row.function ).distinct().count() >= 40 );
	}

	@ParameterizedTest
	@MethodSource( "rows" )
	void blockByBlockGivesWhatOneCallDoes( final Row row )
	{
		final int[] whole = Util.long2int( row.source.image.dimensionsAsLongArray() );
		final Img< ? > expected = image( row, 0, Border.NONE, whole );
		final Img< ? > actual = image( row, row.halo, row.border, row.source.cellSize );
		final Interval compared = row.isRimCompared ? expected : Intervals.expand( expected, -Arrays.stream( row.halo ).max().getAsInt() );
		assertEquals( 0, differences( expected, actual, compared, row.tolerance ), row.toString() );
		// Otherwise the test would find no difference anywhere.
		assertNotEquals( 0, differences( expected, image( row, 0, Border.NONE, row.source.cellSize ), compared, row.tolerance ), row.toString() );
	}

	private static < T extends NativeType< T > > PythonImg< T > image( final Row row, final Object halo, final Border border, final int[] cellSize )
	{
		final PythonImgBuilder< T > builder = PythonImg.builder( row.function ).input( row.source.image ).halo( halo ).border( border ).type( Cast.< T >unchecked( row.type ) ).cellSize( cellSize ).queue( queue )
				// It cannot take arrays that are read-only.
				.writableInputs( row.function.endsWith( ":denoise_bilateral" ) );
		row.parameters.forEach( builder::parameter );
		return builder.build();
	}

	private static long differences( final Img< ? > expected, final Img< ? > actual, final Interval compared, final double tolerance )
	{
		long count = 0;
		final RandomAccess< ? > got = actual.randomAccess();
		for ( final Cursor< ? > cursor = Views.interval( Cast.< RandomAccessibleInterval< Object > >unchecked( expected ), compared ).localizingCursor(); cursor.hasNext(); )
		{
			final double want = number( cursor.next() );
			// Also where one of them is not a number.
			if ( !( Math.abs( want - number( got.setPositionAndGet( cursor ) ) ) <= tolerance ) )
				++count;
		}
		return count;
	}

	private static double number( final Object pixel )
	{
		return pixel instanceof NativeBoolType ? ( ( NativeBoolType ) pixel ).get() ? 1 : 0 : ( ( RealType< ? > ) pixel ).getRealDouble();
	}

	private static Img< UnsignedByteType > bytes( final long... dims )
	{
		final Random random = new Random( 1 );
		final Img< UnsignedByteType > image = ArrayImgs.unsignedBytes( dims );
		image.forEach( pixel -> pixel.set( random.nextInt( 256 ) ) );
		return image;
	}

	private static Img< FloatType > floats( final long... dims )
	{
		final Random random = new Random( 2 );
		final Img< FloatType > image = ArrayImgs.floats( dims );
		image.forEach( pixel -> pixel.set( random.nextFloat() ) );
		return image;
	}

	private static Img< NativeBoolType > mask( final double density, final long... dims )
	{
		final Random random = new Random( 3 );
		final Img< NativeBoolType > image = ArrayImgs.booleans( dims );
		image.forEach( pixel -> pixel.set( random.nextDouble() < density ) );
		return image;
	}
}
