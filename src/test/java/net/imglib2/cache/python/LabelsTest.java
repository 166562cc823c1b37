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
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import net.imglib2.Cursor;
import net.imglib2.RandomAccessibleInterval;
import net.imglib2.cache.python.PythonLabels.Rule;
import net.imglib2.img.Img;
import net.imglib2.img.array.ArrayImgs;
import net.imglib2.type.NativeType;
import net.imglib2.type.logic.NativeBoolType;
import net.imglib2.type.numeric.IntegerType;
import net.imglib2.type.numeric.integer.IntType;
import net.imglib2.type.numeric.integer.UnsignedByteType;
import net.imglib2.type.numeric.integer.UnsignedIntType;
import net.imglib2.type.numeric.integer.UnsignedLongType;
import net.imglib2.type.numeric.real.FloatType;
import net.imglib2.view.Views;

/**
 * Labels of cells become those that scipy gives to the whole image, up to their numbers.
 */
@Timeout( 120 )
class LabelsTest
{
	private static final String LABEL = "block.data[...] = ndimage.label(block.inputs[0], np.ones((3,) * len(block.dim)) if full else None)[0]";

	private static PythonCacheLoaderQueue queue;

	@BeforeAll
	static void open()
	{
		queue = new PythonCacheLoaderQueue( 2, "from scipy import ndimage" );
	}

	@AfterAll
	static void close()
	{
		queue.close();
	}

	private static Img< UnsignedByteType > mask( final Random random, final double density, final long... dims )
	{
		final Img< UnsignedByteType > mask = ArrayImgs.unsignedBytes( dims );
		mask.forEach( pixel -> pixel.set( random.nextDouble() < density ? 1 : 0 ) );
		return mask;
	}

	private static < T extends NativeType< T > > PythonImg< T > labels( final RandomAccessibleInterval< UnsignedByteType > mask, final boolean full, final T type, final int... cellSize )
	{
		return PythonImg.builder( LABEL ).input( mask ).parameter( "full", full ).type( type ).cellSize( cellSize ).queue( queue ).name( "parts" ).build();
	}

	private static int[] whole( final RandomAccessibleInterval< ? > image )
	{
		return Arrays.stream( image.dimensionsAsLongArray() ).mapToInt( Math::toIntExact ).toArray();
	}

	/**
	 * @return labels of scipy for the whole image
	 */
	private static PythonImg< IntType > ofTheWhole( final RandomAccessibleInterval< UnsignedByteType > mask, final boolean full )
	{
		return labels( mask, full, new IntType(), whole( mask ) );
	}

	/**
	 * @return the number of labels, which are 1 to this number in both
	 */
	private static long assertSameParts( final RandomAccessibleInterval< ? extends IntegerType< ? > > expected, final RandomAccessibleInterval< ? extends IntegerType< ? > > actual, final String what )
	{
		final Map< Long, Long > forward = new HashMap<>();
		final Map< Long, Long > backward = new HashMap<>();
		forward.put( 0L, 0L );
		backward.put( 0L, 0L );
		final Cursor< ? extends IntegerType< ? > > one = Views.flatIterable( expected ).cursor();
		final Cursor< ? extends IntegerType< ? > > other = Views.flatIterable( actual ).cursor();
		while ( one.hasNext() )
		{
			final long a = one.next().getIntegerLong();
			final long b = other.next().getIntegerLong();
			assertEquals( forward.computeIfAbsent( a, k -> b ), b, what );
			assertEquals( backward.computeIfAbsent( b, k -> a ), a, what );
		}
		assertEquals( backward.size() - 1L, backward.keySet().stream().mapToLong( label -> label ).max().getAsLong(), what + ": consecutive" );
		return backward.size() - 1;
	}

	@Test
	@Tag( "each-mode" )
	void partsOfRandomMasksAreThoseOfTheWholeImage()
	{
		final Random random = new Random( 4 );
		for ( int number = 0; number < 8; ++number )
		{
			final int n = 1 + number % 4;
			final long[] dims = random.longs( n, 1, new int[] { 0, 60, 20, 9, 6 }[ n ] ).toArray();
			final int[] cell = Arrays.stream( dims ).mapToInt( dim -> 1 + random.nextInt( ( int ) dim + 2 ) ).toArray();
			final boolean full = number % 2 == 1;
			final Img< UnsignedByteType > mask = mask( random, 0.2 + 0.6 * random.nextDouble(), dims );
			final PythonImg< UnsignedIntType > merged = PythonLabels.merge( labels( mask, full, new IntType(), cell ), Rule.touching( full ? n : 1 ) );
			final String what = Arrays.toString( dims ) + " in cells of " + Arrays.toString( cell );
			assertSameParts( ofTheWhole( mask, full ), merged, what );
			assertArrayEquals( dims, merged.dimensionsAsLongArray() );
		}
	}
}
