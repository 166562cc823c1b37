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

import java.util.Arrays;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import net.imglib2.Cursor;
import net.imglib2.RandomAccessible;
import net.imglib2.RandomAccessibleInterval;
import net.imglib2.img.array.ArrayImgFactory;
import net.imglib2.img.cell.CellGrid;
import net.imglib2.type.NativeType;
import net.imglib2.type.numeric.IntegerType;
import net.imglib2.type.numeric.RealType;
import net.imglib2.type.numeric.integer.ByteType;
import net.imglib2.type.numeric.integer.GenericLongType;
import net.imglib2.type.numeric.integer.IntType;
import net.imglib2.type.numeric.integer.LongType;
import net.imglib2.type.numeric.integer.ShortType;
import net.imglib2.type.numeric.integer.UnsignedByteType;
import net.imglib2.type.numeric.integer.UnsignedIntType;
import net.imglib2.type.numeric.integer.UnsignedLongType;
import net.imglib2.type.numeric.integer.UnsignedShortType;
import net.imglib2.type.numeric.real.DoubleType;
import net.imglib2.type.numeric.real.FloatType;
import net.imglib2.util.Cast;
import net.imglib2.view.Views;
import net.imglib2.view.fluent.RandomAccessibleIntervalView.Extension;

/**
 * Random images, cells, halos, types and extensions. The pixels that the Python code gets are
 * compared, in Python, with what {@code numpy.pad} makes of the whole image; the pixels that it
 * writes are compared here.
 */
@Tag( "each-mode" )
class RandomBlocksTest
{
	private static final int CASES_PER_TYPE = 210;

	private static final String INIT = """
			def pattern(shape, dtype):
			    flat = np.arange(np.prod(shape), dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
			    if np.dtype(dtype).kind == "f":
			        flat = (flat >> np.uint64(44)).astype(dtype) - 1000
			    return flat.astype(dtype).reshape(shape)

			padded_images = {}

			def check(block, i, cell, shape, dtype, mode, lower, upper, **how):
			    key = (shape, dtype, mode, lower, upper)
			    if key not in padded_images:
			        padded_images.clear()
			        image = pattern(shape, dtype)
			        padded_images[key] = np.pad(image, list(zip(lower, upper)), mode=mode, **how)
			    padded = padded_images[key]
			    assert block.dim == tuple(b - a + 1 for a, b in zip(block.min, block.max)), block
			    assert block.data.shape == block.dim, (block.data.shape, block.dim)
			    window = tuple(slice(m, m + l + d + u) for m, l, d, u in zip(block.min, lower, block.dim, upper))
			    got = block.inputs[i]
			    assert not got.flags.writeable
			    assert got.dtype == np.dtype(dtype) and got.dtype.isnative, (got.dtype, dtype)
			    np.testing.assert_array_equal(got, padded[window])
			    grid_position = [m // c for m, c in zip(block.min, cell)]
			    assert block.index == np.ravel_multi_index(grid_position, [-(-s // c) for s, c in zip(shape, cell)])
			    return got[block.halo]
			""";

	private enum PixelKind
	{
		INT8( new ByteType() ),
		UINT8( new UnsignedByteType() ),
		INT16( new ShortType() ),
		UINT16( new UnsignedShortType() ),
		INT32( new IntType() ),
		UINT32( new UnsignedIntType() ),
		INT64( new LongType() ),
		UINT64( new UnsignedLongType() ),
		FLOAT32( new FloatType() ),
		FLOAT64( new DoubleType() );

		private final NativeType< ? > type;

		PixelKind( final NativeType< ? > type )
		{
			this.type = type;
		}

		String dtype()
		{
			return name().toLowerCase();
		}
	}

	private enum Border
	{
		ZERO( "constant" ),
		VALUE( "constant" ),
		BORDER( "edge" ),
		MIRROR_SINGLE( "reflect" ),
		MIRROR_DOUBLE( "symmetric" ),
		PERIODIC( "wrap" ),
		// A bounded source that is large enough.
		BOUNDED( "edge" );

		private final String numpyMode;

		Border( final String numpyMode )
		{
			this.numpyMode = numpyMode;
		}

		< T extends NativeType< T > & RealType< T > > RandomAccessible< T > extend( final RandomAccessibleInterval< T > image, final T value, final Halo halo )
		{
			return switch ( this )
			{
			case ZERO -> Views.extendZero( image );
			case VALUE -> image.view().extend( Extension.value( value ) );
			case BORDER -> Views.extendBorder( image );
			case MIRROR_SINGLE -> Views.extendMirrorSingle( image );
			case MIRROR_DOUBLE -> Views.extendMirrorDouble( image );
			case PERIODIC -> Views.extendPeriodic( image );
			case BOUNDED -> Views.interval( Views.extendBorder( image ), halo.extendInterval( image ) );
			};
		}
	}

	private static PythonCacheLoaderQueue queue;

	@BeforeAll
	static void open()
	{
		queue = new PythonCacheLoaderQueue( 2, INIT );
	}

	@AfterAll
	static void close()
	{
		queue.close();
	}

	@ParameterizedTest
	@EnumSource
	void inputsAreWhatNumpyPadsAndOutputsArrive( final PixelKind kind )
	{
		final Random random = new Random( 111 + kind.ordinal() );
		for ( int i = 0; i < CASES_PER_TYPE; ++i )
			checkRandomImage( kind, random, i );
	}

	private static < T extends NativeType< T > & RealType< T > > void checkRandomImage( final PixelKind kind, final Random random, final int number )
	{
		final int n = 1 + random.nextInt( 6 );
		final int maxDim = new int[] { 0, 60, 17, 9, 6, 4, 3 }[ n ];
		final long[] dims = random.longs( n, 1, maxDim + 1 ).toArray();
		// Any size from one pixel to more than the image.
		final int[] cell = Arrays.stream( dims ).mapToInt( dim -> 1 + random.nextInt( ( int ) dim + 2 ) ).map( c -> n > 3 ? Math.max( c, 2 ) : c ).toArray();
		final int[] lower = random.ints( n, 0, n > 4 ? 3 : 6 ).map( l -> random.nextInt( 3 ) == 0 ? 0 : l ).toArray();
		final int[] upper = random.ints( n, 0, n > 4 ? 3 : 6 ).map( u -> random.nextInt( 3 ) == 0 ? 0 : u ).toArray();
		Border border = Border.values()[ random.nextInt( Border.values().length ) ];
		// ImgLib2 does not define the mirroring of a single pixel at itself.
		if ( border == Border.MIRROR_SINGLE && Arrays.stream( dims ).anyMatch( dim -> dim == 1 ) )
			border = Border.MIRROR_DOUBLE;

		final T type = Cast.unchecked( kind.type );
		final RandomAccessibleInterval< T > image = pattern( type, dims );
		final T outside = type.createVariable();
		outside.setReal( 7 );
		final RandomAccessible< T > input = border.extend( image, outside, new Halo( lower, upper ) );

		final String how = border == Border.VALUE ? ", constant_values=7" : "";
		final String code = "block.data[...] = check(block, 0, " + numpy( cell ) + ", " + numpy( dims ) + ", '" + kind.dtype() + "', '" + border.numpyMode + "', " + numpy( lower ) + ", "
				+ numpy( upper ) + how + ")";
		final PythonCacheLoader< T, ? > loader = PythonCacheLoader.fromRandomAccessibles(
				new CellGrid( dims, cell ), queue, code, type.createVariable(), new Halo( lower, upper ), input );
		final RandomAccessibleInterval< T > result = loader.createCachedCellImg( 1000 );

		final Cursor< T > expected = Views.flatIterable( image ).cursor();
		final Cursor< T > actual = Views.flatIterable( result ).cursor();
		while ( expected.hasNext() )
		{
			final T want = expected.next();
			final T got = actual.next();
			if ( !want.valueEquals( got ) )
				assertEquals( want, got, "case " + number + ": " + code + " at " + Arrays.toString( actual.positionAsLongArray() ) );
		}
	}

	/**
	 * Pixels that use all bits, equal to {@code pattern} in Python.
	 */
	private static < T extends NativeType< T > & RealType< T > > RandomAccessibleInterval< T > pattern( final T type, final long... dims )
	{
		final RandomAccessibleInterval< T > image = new ArrayImgFactory<>( type ).create( dims );
		long i = 0;
		for ( final T pixel : Views.flatIterable( image ) )
		{
			final long bits = i++ * 0x9E3779B97F4A7C15L;
			if ( pixel instanceof GenericLongType )
				Cast.< GenericLongType< ? > >unchecked( pixel ).setLong( bits );
			else if ( pixel instanceof IntegerType )
				Cast.< IntegerType< ? > >unchecked( pixel ).setInteger( bits );
			else
				pixel.setReal( ( bits >>> 44 ) - 1000 );
		}
		return image;
	}

	private static String numpy( final long... imglib )
	{
		return IntStream.range( 0, imglib.length ).mapToObj( d -> imglib[ imglib.length - 1 - d ] + "," ).collect( Collectors.joining( " ", "(", ")" ) );
	}

	private static String numpy( final int... imglib )
	{
		return numpy( Arrays.stream( imglib ).asLongStream().toArray() );
	}
}
