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
import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import net.imglib2.Cursor;
import net.imglib2.RandomAccessibleInterval;
import net.imglib2.cache.python.PythonLabels.Rule;
import net.imglib2.converter.Converters;
import net.imglib2.img.Img;
import net.imglib2.img.array.ArrayImg;
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
		for ( int number = 0; number < 4; ++number )
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

	/**
	 * Numbers are in the order of the first cell and of the label there, whoever computes first.
	 */
	@Test
	void numbersAreStable()
	{
		final Img< UnsignedByteType > mask = ArrayImgs.unsignedBytes( new byte[] {
				0, 1, 1, 1, 0, 1,
				1, 0, 0, 0, 0, 1,
				0, 0, 0, 0, 0, 0,
				1, 1, 1, 0, 1, 1 }, 6, 4 );
		final PythonImg< IntType > cells = labels( mask, false, new IntType(), 3, 2 );
		// Of the first cell, scipy numbers 1 1 in the first line before 1 in the second.
		final long[] expected = {
				0, 1, 1, 1, 0, 3,
				2, 0, 0, 0, 0, 3,
				0, 0, 0, 0, 0, 0,
				4, 4, 4, 0, 5, 5 };
		assertArrayEquals( expected, values( PythonLabels.merge( cells ) ) );
		final PythonImg< IntType > fromTheEnd = labels( mask, false, new IntType(), 3, 2 );
		for ( int cell = 3; cell >= 0; --cell )
			fromTheEnd.compute( fromTheEnd.reader().spec().interval( cell ) );
		assertArrayEquals( expected, values( PythonLabels.merge( fromTheEnd ) ) );
	}

	private static long[] values( final RandomAccessibleInterval< ? extends IntegerType< ? > > image )
	{
		final long[] values = new long[ ( int ) Views.flatIterable( image ).size() ];
		int i = 0;
		for ( final IntegerType< ? > pixel : Views.flatIterable( image ) )
			values[ i++ ] = pixel.getIntegerLong();
		return values;
	}

	/**
	 * A table of all numbers up to the largest one would have 2<sup>63</sup> entries.
	 */
	@Test
	void hugeAndSparseLabelsTakeNoMore()
	{
		final Img< UnsignedByteType > mask = mask( new Random( 1 ), 0.5, 40, 30 );
		final PythonImg< UnsignedLongType > cells = PythonImg.builder( "found = ndimage.label(block.inputs[0])[0].astype(np.uint64)\nblock.data[...] = np.where(found > 0, found * np.uint64(1 << 40) + np.uint64(1 << 63), 0)" )
				.input( mask ).type( new UnsignedLongType() ).cellSize( 16, 7 ).queue( queue ).build();
		assertSameParts( ofTheWhole( mask, false ), PythonLabels.merge( cells ), "huge labels" );
	}

	@Test
	void eachCellOfAnImageLargerThanItsCacheIsReadOnce()
	{
		final Img< UnsignedByteType > mask = mask( new Random( 2 ), 0.6, 40, 30, 20 );
		final PythonImg< IntType > cells = PythonImg.builder( LABEL ).input( mask ).parameter( "full", false ).type( new IntType() ).cellSize( 8, 8, 8 ).cacheBytes( 4 * 2 * 512 ).queue( queue ).build();
		final AtomicLong last = new AtomicLong();
		final PythonImg< UnsignedIntType > merged = PythonLabels.merge( cells, Rule.faces(), ( done, total ) -> {
			assertEquals( 5 * 4 * 3, total );
			last.set( done );
		} );
		assertEquals( 5 * 4 * 3, cells.metrics().cellsComputed() );
		assertEquals( 5 * 4 * 3, last.get() );
		assertSameParts( ofTheWhole( mask, false ), merged, "larger than its cache" );
		assertTrue( cells.metrics().evictions() > 0 );
	}

	// -------------------------------------------------------------- overlap

	/**
	 * Discs that touch: only who sees a whole disc knows that it is one.
	 */
	private static Img< UnsignedByteType > discs( final int radius, final long... dims )
	{
		final Img< UnsignedByteType > image = ArrayImgs.unsignedBytes( dims );
		final Cursor< UnsignedByteType > cursor = image.localizingCursor();
		final int period = 2 * radius + 1;
		while ( cursor.hasNext() )
		{
			cursor.fwd();
			long squared = 0;
			for ( int d = 0; d < dims.length; ++d )
			{
				final long fromCentre = cursor.getLongPosition( d ) % period - radius;
				squared += fromCentre * fromCentre;
			}
			cursor.get().set( squared <= radius * radius ? 255 : 0 );
		}
		return image;
	}

	/**
	 * A distance that does not depend on where the block is, and a watershed of it.
	 */
	private static final String WATERSHED = """
			import numpy as np
			from scipy import ndimage

			def split(pixels, block):
			    assert block.data.shape == pixels.shape
			    inside = np.pad(pixels, 1) > 0
			    depth = ndimage.distance_transform_edt(inside)[(slice(1, -1),) * pixels.ndim]
			    seeds, _ = ndimage.label(depth > 0.7 * depth.max())
			    near = ndimage.distance_transform_edt(seeds == 0, return_distances=False, return_indices=True)
			    return np.where(pixels > 0, seeds[tuple(near)], 0).astype(np.uint16)

			""";

	@Test
	void objectsThatTouchAreSeparatedWhereNeighboursAgree()
	{
		final Img< UnsignedByteType > discs = discs( 5, 66, 55 );
		final PythonImg< UnsignedByteType > cells = PythonImg.builder( WATERSHED.replace( "    assert block.data.shape == pixels.shape\n", "" ) + "block.data[...] = split(block.inputs[0], block)[block.halo]" )
				.input( discs ).halo( 11 ).border( Border.ZERO ).type( new UnsignedByteType() ).cellSize( 22, 16 ).queue( queue ).build();
		final PythonImg< UnsignedIntType > merged = PythonLabels.merge( cells, Rule.overlap( 0.5 ) );
		final PythonImg< UnsignedByteType > whole = PythonImg.builder( WATERSHED + "block.data[...] = split(block.inputs[0], block)" ).input( discs ).type( new UnsignedByteType() ).cellSize( 66, 55 ).queue( queue ).build();
		assertEquals( 30, assertSameParts( whole, merged, "discs" ) );
		// Those that touch at the border of cells become one.
		assertTrue( Arrays.stream( values( PythonLabels.merge( cells ) ) ).max().getAsLong() < 30 );
	}

	/**
	 * The code sees the same pixels, as if for the cell, but writes all of them.
	 */
	@Test
	@Tag( "each-mode" )
	void codeSeesTheSameBlocksAndWritesTheHaloToo()
	{
		final Img< UnsignedByteType > discs = discs( 2, 40, 31 );
		final Img< UnsignedByteType > fine = ArrayImgs.unsignedBytes( 80, 31 );
		final String code = """
				pixels, mask, fine = block.inputs
				# The place of the first pixel of the image is known from min.
				assert pixels.shape[0] % 4 == 0 and pixels.shape[1] % 4 == 0
				its = pixels[block.crops[0]]
				assert its.shape == mask[block.crops[1]].shape == block.dim == block.data.shape
				assert fine[block.crops[2]].shape == (block.dim[0], 2 * block.dim[1])
				rows, columns = (np.arange(m, m + d) for m, d in zip(block.min, block.dim))
				expected = ((rows % 5 - 2) ** 2)[:, None] + (columns % 5 - 2) ** 2 <= 4
				inside = ((rows >= 0) & (rows < 31))[:, None] & (columns >= 0) & (columns < 40)
				assert (its[inside] > 0).tolist() == expected[inside].tolist(), (block.min, block.dim)
				block.data[...] = ndimage.label(pixels > 0)[0][block.crops[0]]
				""";
		final PythonImg< IntType > cells = PythonImg.builder( code )
				.input( PythonInput.of( discs ).halo( new int[] { 5, 6 }, new int[] { 7, 4 } ) )
				.input( discs )
				.input( PythonInput.of( fine ).scale( 2, 1 ).halo( 2, 1 ) )
				.padToMultiple( 4 ).type( new IntType() ).cellSize( 12, 16 ).queue( queue ).build();
		assertEquals( PythonSummary.class, cells.compute().getClass() );
		assertEquals( 0, cells.compute().failed() );
		final PythonImg< UnsignedIntType > merged = PythonLabels.merge( cells, Rule.overlap( 0.5 ) );
		assertSameParts( ofTheWhole( binary( discs ), false ), merged, "small discs" );
	}

	private static Img< UnsignedByteType > binary( final Img< UnsignedByteType > image )
	{
		final Img< UnsignedByteType > mask = image.copy();
		mask.forEach( pixel -> pixel.set( pixel.get() > 0 ? 1 : 0 ) );
		return mask;
	}

	// --------------------------------------------------------------- change

	@Test
	@Tag( "each-mode" )
	void changedLabelsAreMergedAnew()
	{
		final Img< UnsignedByteType > image = ArrayImgs.unsignedBytes( new byte[] { 1, 2, 2, 1, 0, 2 }, 6, 1 );
		for ( final Rule rule : new Rule[] { Rule.faces(), Rule.overlap( 0.5 ) } )
		{
			final PythonImg< IntType > above = PythonImg.builder( "block.data[...] = block.inputs[0] - below" ).input( image ).parameter( "below", 0 ).type( new IntType() ).cellSize( 3, 1 ).queue( queue ).build();
			final PythonImg< IntType > cells = PythonImg.builder( "block.data[...] = ndimage.label(block.inputs[0] > threshold)[0][block.halo]" )
					.input( above ).halo( 1, 0 ).parameter( "threshold", 0 ).type( new IntType() ).cellSize( 3, 1 ).queue( queue ).build();
			final PythonImg< UnsignedIntType > merged = PythonLabels.merge( cells, rule );
			final AtomicInteger told = new AtomicInteger();
			merged.onInvalidate( which -> told.addAndGet( which.test( 0L ) && which.test( 1L ) ? 1 : 0 ) );
			assertArrayEquals( new long[] { 1, 1, 1, 1, 0, 2 }, values( merged ), rule.toString() );
			cells.parameter( "threshold", 1 );
			assertArrayEquals( new long[] { 0, 1, 1, 0, 0, 2 }, values( merged ), rule.toString() );
			// Only the second cell is dropped, but the numbers of all depend on it.
			cells.parameter( "threshold", 0 );
			assertArrayEquals( new long[] { 1, 1, 1, 1, 0, 2 }, values( merged ), rule.toString() );
			Views.flatIterable( image ).forEach( pixel -> pixel.set( 1 ) );
			cells.invalidate( above.reader().spec().interval( 1 ) );
			above.invalidate();
			assertArrayEquals( new long[] { 1, 1, 1, 1, 1, 1 }, values( merged ), rule.toString() );
			above.parameter( "below", 1 );
			assertArrayEquals( new long[ 6 ], values( merged ), rule.toString() );
			assertTrue( told.get() >= 4, rule.toString() );
			image.forEach( pixel -> pixel.set( 0 ) );
			final byte[] again = { 1, 2, 2, 1, 0, 2 };
			int i = 0;
			for ( final UnsignedByteType pixel : image )
				pixel.set( again[ i++ ] );
		}
	}

	/**
	 * A reader that came before a change may get old labels, but never old ones by the numbers
	 * of new ones, which are others here in each cell.
	 */
	@Test
	@Tag( "each-mode" )
	void readersMeanwhileGetLabelsThatBelongTogether() throws Exception
	{
		final PythonImg< IntType > cells = PythonImg.builder( "block.data[...] = np.arange(block.data.size).reshape(block.dim) // k + 100 * k" )
				.dimensions( 12, 10 ).parameter( "k", 1 ).type( new IntType() ).cellSize( 12, 1 ).cacheBytes( 200 ).queue( queue ).build();
		final PythonImg< UnsignedIntType > merged = PythonLabels.merge( cells, Rule.faces() );
		final AtomicReference< Throwable > wrong = new AtomicReference<>();
		final AtomicBoolean ended = new AtomicBoolean();
		final List< Thread > readers = new ArrayList<>();
		for ( int i = 0; i < 3; ++i )
		{
			final int line = 3 * i;
			final Thread reader = new Thread( () -> {
				try
				{
					while ( !ended.get() )
						assertRuns( values( Views.interval( merged, new long[] { 0, line }, new long[] { 11, line } ) ) );
				}
				catch ( final Throwable t )
				{
					wrong.compareAndSet( null, t );
				}
			} );
			reader.start();
			readers.add( reader );
		}
		try
		{
			for ( int i = 0; i < 24 && wrong.get() == null; ++i )
			{
				final int k = 1 + i % 4;
				cells.parameter( "k", k );
				final long[] first = values( Views.interval( merged, new long[] { 0, 7 }, new long[] { 11, 7 } ) );
				for ( int x = 0; x < 12; ++x )
					assertEquals( 1 + x / k, first[ x ] );
			}
		}
		finally
		{
			ended.set( true );
			for ( final Thread reader : readers )
				reader.join();
		}
		if ( wrong.get() != null )
			throw new AssertionError( wrong.get() );
	}

	/**
	 * While cells are being dropped, the former ones and new ones are there.
	 */
	@Test
	void labelsThatWereMergedDuringAChangeAreMergedAgain() throws Exception
	{
		final ArrayImg< UnsignedByteType, ? > image = ArrayImgs.unsignedBytes( new byte[] { 1, 1, 0, 0, 1, 1 }, 6, 1 );
		final PythonImg< IntType > cells = sums( image );
		final PythonImg< UnsignedIntType > merged = PythonLabels.merge( cells, Rule.faces() );
		assertArrayEquals( new long[] { 1, 1, 0, 0, 2, 2 }, values( merged ) );
		image.forEach( pixel -> pixel.set( 2 ) );
		cells.getCache().invalidateIf( cell -> {
			merged.invalidate();
			values( merged );
			return true;
		} );
		assertArrayEquals( new long[] { 1, 1, 1, 1, 1, 1 }, values( merged ) );
	}

	@Test
	void aChangeMayWaitForAThreadThatMerges() throws Exception
	{
		final ArrayImg< UnsignedByteType, ? > image = ArrayImgs.unsignedBytes( new byte[] { 1, 1, 0, 0, 1, 1 }, 6, 1 );
		final PythonImg< IntType > cells = sums( image );
		final PythonImg< UnsignedIntType > merged = PythonLabels.merge( cells, Rule.faces() );
		image.forEach( pixel -> pixel.set( 2 ) );
		final AtomicBoolean asked = new AtomicBoolean();
		cells.getCache().invalidateIf( cell -> {
			merged.invalidate();
			if ( !asked.getAndSet( true ) )
				CompletableFuture.runAsync( () -> values( merged ) ).join();
			return true;
		} );
		assertArrayEquals( new long[] { 1, 1, 1, 1, 1, 1 }, values( merged ) );
	}

	@Test
	void labelsThatAreClosedAreNotMergedAnyMore() throws Exception
	{
		final PythonImg< IntType > cells = sums( ArrayImgs.unsignedBytes( new byte[] { 1, 1, 0, 0, 1, 1 }, 6, 1 ) );
		final PythonImg< UnsignedIntType > merged = PythonLabels.merge( cells, Rule.faces() );
		values( merged );
		cells.close();
		merged.invalidate();
		final Throwable told = assertThrows( RuntimeException.class, () -> values( merged ) );
		assertTrue( Stream.iterate( told, Objects::nonNull, Throwable::getCause ).anyMatch( PythonClosedException.class::isInstance ), told.toString() );
	}

	/**
	 * @return one label per cell of two pixels
	 */
	private static PythonImg< IntType > sums( final ArrayImg< UnsignedByteType, ? > image )
	{
		return PythonImg.builder( "block.data[...] = (image > 0) * image.sum()" )
				.input( "image", image ).type( new IntType() ).cellSize( 2, 1 ).queue( queue ).build();
	}

	/**
	 * @param line
	 * 		of a cell: 1 for the first k pixels, 2 for the next k, and so on
	 */
	private static void assertRuns( final long[] line )
	{
		final int k = ( int ) Arrays.stream( line ).filter( label -> label == 1 ).count();
		for ( int x = 0; x < line.length; ++x )
			assertEquals( 1 + x / k, line[ x ], () -> Arrays.toString( line ) );
	}

	@Test
	void labelsThatChangeWhileTheyAreReadAreReadAgain() throws Exception
	{
		final AtomicReference< CountDownLatch > gate = new AtomicReference<>( new CountDownLatch( 0 ) );
		final CountDownLatch reached = new CountDownLatch( 1 );
		final RandomAccessibleInterval< UnsignedByteType > slow = Converters.convert( ( RandomAccessibleInterval< UnsignedByteType > ) mask( new Random( 1 ), 1, 4, 1 ), ( in, out ) -> {
			if ( gate.get().getCount() > 0 )
				reached.countDown();
			assertDoesNotThrow( () -> gate.get().await() );
			out.set( in );
		}, new UnsignedByteType() );
		final PythonImg< IntType > cells = PythonImg.builder( "block.data[...] = block.inputs[0] * k" ).input( slow ).parameter( "k", 11 ).type( new IntType() ).cellSize( 2, 1 ).cacheBytes( 0 ).queue( queue ).build();
		final PythonImg< UnsignedIntType > merged = PythonLabels.merge( cells );
		while ( cells.getCache().getIfPresent( 0L ) != null )
			System.gc();
		gate.set( new CountDownLatch( 1 ) );
		final CompletableFuture< Long > pixel = CompletableFuture.supplyAsync( () -> merged.getAt( 0, 0 ).getIntegerLong() );
		reached.await();
		cells.parameter( "k", 12 );
		gate.get().countDown();
		assertEquals( 1, pixel.get() );
	}

	@Test
	void aCellThatFailsIsNamed()
	{
		final Img< UnsignedByteType > mask = mask( new Random( 3 ), 0.5, 30, 30 );
		final PythonImg< IntType > cells = PythonImg.builder( "if block.index == bad: raise ValueError('cannot label this')\nblock.data[...] = ndimage.label(block.inputs[0])[0]" )
				.input( mask ).parameter( "bad", 5 ).type( new IntType() ).cellSize( 10, 10 ).name( "nuclei" ).queue( queue ).build();
		final PythonCellException e = assertThrows( PythonCellException.class, () -> PythonLabels.merge( cells ) );
		assertEquals( "nuclei", e.getLoaderName() );
		assertEquals( 5, e.getIndex() );
		assertTrue( e.getMessage().contains( "cannot label this" ), e.getMessage() );
		cells.parameter( "bad", -1 );
		final PythonImg< UnsignedIntType > merged = PythonLabels.merge( cells );
		assertSameParts( ofTheWhole( mask, false ), merged, "once it does not fail" );
		cells.parameter( "bad", 2 );
		final AtomicInteger errors = new AtomicInteger();
		for ( int i = 0; i < 3; ++i )
		{
			final PythonSummary summary = merged.compute();
			assertEquals( 9, summary.failed(), summary.toString() );
			for ( final PythonCellException error : summary.errors() )
				errors.addAndGet( ( ( PythonCellException ) error.getCause() ).getIndex() == 2 ? 1 : 0 );
		}
		assertEquals( 27, errors.get() );
		cells.parameter( "bad", -1 );
		assertSameParts( ofTheWhole( mask, false ), merged, "once it does not fail any more" );
	}

	@Test
	void labelsThatAreRetriedAreMergedAgain( @TempDir final Path folder ) throws Exception
	{
		final Path bad = folder.resolve( "bad" );
		final PythonImg< IntType > cells = PythonImg.builder( "import os\nif os.path.exists(path): raise ValueError('bad')\nblock.data[...] = k" )
				.parameter( "path", bad.toString() ).parameter( "k", 7 ).dimensions( 6, 2 ).type( new IntType() ).cellSize( 3, 2 ).queue( queue ).build();
		final PythonImg< UnsignedIntType > merged = PythonLabels.merge( cells );
		Files.createFile( bad );
		cells.parameter( "k", 8 );
		assertThrows( RuntimeException.class, () -> values( merged ) );
		Files.delete( bad );
		// All that was found out is that merging failed.
		assertThrows( RuntimeException.class, () -> values( merged ) );
		cells.retryFailed();
		merged.retryFailed();
		assertArrayEquals( new long[] { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 }, values( merged ) );
		// Cells that are filled are background, until they are retried.
		Files.createFile( bad );
		final AtomicInteger errors = new AtomicInteger();
		final PythonImg< IntType > filled = PythonImg.builder( "import os\nif block.index == 1 and os.path.exists(path): raise ValueError('bad')\nblock.data[...] = 5" )
				.parameter( "path", bad.toString() ).dimensions( 6, 1 ).type( new IntType() ).cellSize( 3, 1 ).onErrorFill( new IntType( 0 ), e -> errors.incrementAndGet() ).queue( queue ).build();
		final PythonImg< UnsignedIntType > partly = PythonLabels.merge( filled );
		assertArrayEquals( new long[] { 1, 1, 1, 0, 0, 0 }, values( partly ) );
		assertEquals( 1, errors.get() );
		Files.delete( bad );
		filled.retryFailed();
		assertArrayEquals( new long[] { 1, 1, 1, 1, 1, 1 }, values( partly ) );
	}

	@Test
	void labelsThatAreNotTheSameEachTimeAreFound()
	{
		final PythonImg< IntType > cells = PythonImg.builder( "block.data[...] = np.random.default_rng().integers(1, 1 << 30)" ).dimensions( 8, 8 ).type( new IntType() ).cellSize( 4, 4 ).cacheBytes( 0 ).queue( queue ).build();
		final PythonImg< UnsignedIntType > merged = PythonLabels.merge( cells );
		// Cells stay in reach until the garbage collector finds them.
		while ( cells.getCache().getIfPresent( 0L ) != null )
			System.gc();
		final PythonSummary summary = merged.compute();
		assertTrue( summary.failed() > 0, summary.toString() );
		assertTrue( summary.errors().get( 0 ).getMessage().contains( "was not there when labels were merged" ), summary.toString() );
	}

	@Test
	void whatIsNoLabelIsRefused()
	{
		final Img< UnsignedByteType > mask = mask( new Random( 3 ), 0.5, 12, 12 );
		assertMessage( "FloatType, which are no labels, expected integers: say .type( new IntType() )", () -> PythonLabels.merge( labels( mask, false, new FloatType(), 5, 5 ) ) );
		assertMessage( "label the parts of a mask first", () -> PythonLabels.merge( labels( mask, false, new NativeBoolType(), 5, 5 ) ) );
		final PythonImg< IntType > cells = labels( mask, false, new IntType(), 5, 5 );
		assertMessage( "connectivity of 1 to 2", () -> PythonLabels.merge( cells, Rule.touching( 3 ) ) );
		assertMessage( "parts has no halo, so that its cells have nothing in common that could overlap: say .halo(", () -> PythonLabels.merge( cells, Rule.overlap( 0.5 ) ) );
		final PythonImg< IntType > tooMany = PythonImg.builder( "block.data[...] = 1" ).dimensions( 1L << 40 ).cellSize( 4 ).type( new IntType() ).queue( queue ).build();
		assertMessage( "has 274877906944 cells, expected at most 1000000000", () -> PythonLabels.merge( tooMany ) );
		assertMessage( "connectivity is 0", () -> Rule.touching( 0 ) );
		for ( final double ratio : new double[] { 0, -1, 1.1, Double.NaN } )
			assertMessage( "ratio of overlap is " + ratio, () -> Rule.overlap( ratio ) );
		final PythonImg< IntType > negative = PythonImg.builder( "block.data[...] = -3" ).dimensions( 12, 12 ).type( new IntType() ).cellSize( 5, 5 ).queue( queue ).build();
		final PythonCellException e = assertThrows( PythonCellException.class, () -> PythonLabels.merge( negative ) );
		assertTrue( e.getMessage().contains( "there is a label -3" ), e.getMessage() );
		cells.close();
		assertThrows( PythonClosedException.class, () -> PythonLabels.merge( cells ) );
	}

	private static void assertMessage( final String expected, final Runnable merge )
	{
		final IllegalArgumentException e = assertThrows( IllegalArgumentException.class, merge::run );
		assertTrue( e.getMessage().contains( expected ), e.getMessage() );
	}

	@Test
	void mergingCanBeCancelled()
	{
		final PythonImg< IntType > endless = PythonImg.builder( "import time\nwhile True: time.sleep(0.01)" ).dimensions( 12, 12 ).type( new IntType() ).cellSize( 5, 5 ).queue( queue ).build();
		final AtomicInteger ended = new AtomicInteger();
		assertThrows( CancellationException.class, () -> PythonLabels.merge( endless, Rule.faces(), new PythonProgress()
		{
			@Override
			public void update( final long done, final long total )
			{}

			@Override
			public boolean isCancelled()
			{
				return true;
			}

			@Override
			public void ended()
			{
				ended.incrementAndGet();
			}
		} ) );
		assertEquals( 1, ended.get() );
		Thread.currentThread().interrupt();
		assertThrows( PythonInterruptedException.class, () -> PythonLabels.merge( endless ) );
		assertTrue( Thread.interrupted() );
		endless.close();
	}

	@Test
	void theResultIsAnImageLikeOthers()
	{
		final Img< UnsignedByteType > mask = mask( new Random( 5 ), 0.5, 20, 20 );
		final PythonImg< IntType > cells = labels( mask, false, new IntType(), 8, 8 );
		final PythonImg< UnsignedIntType > merged = PythonLabels.merge( cells );
		assertTrue( merged.checkHalo().isWideEnough() );
		assertTrue( merged.provenance().startsWith( "parts, merged by touching( 1 ): UnsignedIntType" ), merged.provenance() );
		final PythonImg< UnsignedIntType > twice = PythonImg.builder( "block.data[...] = 2 * block.inputs[0]" ).input( merged ).type( new UnsignedIntType() ).queue( queue ).build();
		final long[] before = values( twice );
		cells.parameter( "full", true );
		assertFalse( Arrays.equals( before, values( twice ) ) );
		assertSameParts( ofTheWhole( mask, true ), PythonLabels.merge( cells, Rule.touching( 2 ) ), "after the change" );
	}
}
