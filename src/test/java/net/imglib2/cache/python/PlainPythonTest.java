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
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import net.imglib2.Cursor;
import net.imglib2.img.Img;
import net.imglib2.img.array.ArrayImgFactory;
import net.imglib2.type.NativeType;
import net.imglib2.type.numeric.RealType;
import net.imglib2.type.numeric.integer.ByteType;
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

/**
 * The same code and arguments, drawn at random, in a {@link PythonImg} and in
 * {@code map_blocks} of plain Python: all pixels are equal, bit for bit. The code makes
 * pixels of everything that a block has.
 */
class PlainPythonTest
{
	private static final int CASES_PER_TYPE = 24;

	private static final String[] BORDERS = { "mirror_double", "mirror_single", "nearest", "periodic", "zero", "7" };

	private static final String FUNCTION = """
			import numpy as np

			def compute(first, second, block, weight, cropped):
			    sums = np.cumsum(first.astype(np.float64), axis=-1)
			    sums[block.halo] += 0.25 * second[block.crops[1]]
			    sums += weight * block.index + np.dot(block.min, range(1, len(block.min) + 1)) - sum(block.max) + np.prod(block.dim)
			    result = (sums % 101).astype(block.data.dtype)
			    return result[block.crops[0]] if cropped else result
			""";

	private static final String STATEMENTS = FUNCTION + """

			block.data[...] = compute(*block.inputs, block, weight, True)
			""";

	private static PythonCacheLoaderQueue queue;

	@TempDir
	private static Path folder;

	@BeforeAll
	static void open()
	{
		queue = new PythonCacheLoaderQueue( 2, "from imglib2_cache_python import map_blocks" );
	}

	@AfterAll
	static void close()
	{
		queue.close();
	}

	static NativeType< ? >[] types()
	{
		return new NativeType< ? >[] {
				new ByteType(), new UnsignedByteType(), new ShortType(), new UnsignedShortType(), new IntType(), new UnsignedIntType(),
				new LongType(), new UnsignedLongType(), new FloatType(), new DoubleType() };
	}

	@ParameterizedTest
	@MethodSource( "types" )
	< T extends NativeType< T > & RealType< T > > void pixelsAreThoseOfTheImage( final NativeType< ? > itsType ) throws IOException
	{
		final T type = Cast.unchecked( itsType );
		final Path file = folder.resolve( "plain_function.py" );
		Files.writeString( file, FUNCTION );
		final Random random = new Random( type.getClass().getName().hashCode() );
		for ( int number = 0; number < CASES_PER_TYPE; ++number )
		{
			final int n = 1 + random.nextInt( 4 );
			final int maxDim = new int[] { 0, 60, 17, 9, 6 }[ n ];
			final long[] dims = random.longs( n, 1, maxDim + 1 ).toArray();
			final long[] dimsOfSecond = Arrays.stream( dims ).map( dim -> dim + random.nextInt( 3 ) ).toArray();
			final int[] cell = Arrays.stream( dims ).mapToInt( dim -> 1 + random.nextInt( ( int ) dim + 2 ) ).map( size -> n > 2 ? Math.max( size, 2 ) : size ).toArray();
			final int[] lower = random.ints( n, 0, 6 ).toArray();
			final int[] upper = random.ints( n, 0, 6 ).toArray();
			String border = BORDERS[ random.nextInt( BORDERS.length ) ];
			// ImgLib2 does not define the mirroring of a single pixel at itself.
			if ( border.equals( "mirror_single" ) && Arrays.stream( dims ).anyMatch( dim -> dim == 1 ) )
				border = "mirror_double";
			final boolean isFunction = random.nextBoolean();
			final String code = isFunction ? file + ":compute" : STATEMENTS;
			final double weight = random.nextInt( 100 ) / 8.;
			final boolean cropped = random.nextBoolean();
			final Img< T > first = pattern( type, random, dims );
			final Img< T > second = pattern( type, random, dimsOfSecond );
			final NativeType< ? > typeOfResult = types()[ random.nextInt( types().length ) ];

			final PythonImgBuilder< ? > image = PythonImg.builder( code ).queue( queue )
					.input( first ).input( second )
					.cellSize( cell ).halo( lower, upper )
					.border( border.equals( "7" ) ? Border.value( 7 ) : Border.of( border ) )
					.parameter( "weight", weight ).parameter( "cropped", cropped );
			// All of it is one cell, so that it has the pixels of both inputs.
			final String plain = "first, second = block.inputs\n"
					+ "block.data[...] = map_blocks(code, first, second[" + slices( dimsOfSecond ) + "], block_size=" + numpy( cell ) + ", halo=(" + numpy( lower ) + ", " + numpy( upper ) + "), border="
					+ ( border.equals( "7" ) ? "7" : "'" + border + "'" ) + ", parameters=dict(weight=" + weight + ", cropped=" + ( cropped ? "True" : "False" ) + "), dtype=block.data.dtype, workers=" + ( 1 + number % 2 ) + ( type instanceof FloatType && number < 2 ? ", processes=True" : "" ) + ")";
			final PythonImgBuilder< ? > expected = PythonImg.builder( plain ).queue( queue )
					.input( first ).input( PythonInput.of( second ).halo( new int[ n ], minus( dimsOfSecond, dims ) ) )
					.cellSize( Arrays.stream( dims ).mapToInt( dim -> ( int ) dim ).toArray() )
					.parameter( "code", code );
			assertSamePixels( expected, image, typeOfResult, "case " + number + ": " + plain );
		}
	}

	private static < R extends NativeType< R > > void assertSamePixels( final PythonImgBuilder< ? > expected, final PythonImgBuilder< ? > image, final NativeType< ? > itsType, final String message )
	{
		final R type = Cast.unchecked( itsType );
		final Cursor< R > want = Views.flatIterable( expected.type( type ).build() ).cursor();
		final Cursor< R > got = Views.flatIterable( image.type( type ).build() ).cursor();
		while ( want.hasNext() )
			if ( !want.next().valueEquals( got.next() ) )
				assertEquals( want.get(), got.get(), message + " at " + Arrays.toString( got.positionAsLongArray() ) );
		assertTrue( !got.hasNext() );
	}

	private static < T extends NativeType< T > & RealType< T > > Img< T > pattern( final T type, final Random random, final long... dims )
	{
		final Img< T > image = new ArrayImgFactory<>( type ).create( dims );
		image.forEach( pixel -> pixel.setReal( random.nextInt( 1000 ) / 8. ) );
		return image;
	}

	private static int[] minus( final long[] a, final long[] b )
	{
		return IntStream.range( 0, a.length ).map( d -> ( int ) ( a[ d ] - b[ d ] ) ).toArray();
	}

	private static String slices( final long[] dims )
	{
		return IntStream.range( 0, dims.length ).mapToObj( d -> ":" + dims[ dims.length - 1 - d ] ).collect( Collectors.joining( ", " ) );
	}

	private static String numpy( final int[] imglib )
	{
		return IntStream.range( 0, imglib.length ).mapToObj( d -> imglib[ imglib.length - 1 - d ] + "," ).collect( Collectors.joining( " ", "(", ")" ) );
	}
}
