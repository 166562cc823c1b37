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
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import java.util.stream.IntStream;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import jep.DirectNDArray;
import net.imglib2.Cursor;
import net.imglib2.FinalInterval;
import net.imglib2.Interval;
import net.imglib2.RandomAccessible;
import net.imglib2.RandomAccessibleInterval;
import net.imglib2.cache.img.CachedCellImg;
import net.imglib2.cache.ref.SoftRefLoaderCache;
import net.imglib2.converter.Converters;
import net.imglib2.img.array.ArrayImgs;
import net.imglib2.img.basictypeaccess.nio.BufferAccess;
import net.imglib2.img.basictypeaccess.nio.DoubleBufferAccess;
import net.imglib2.img.basictypeaccess.nio.FloatBufferAccess;
import net.imglib2.img.basictypeaccess.nio.IntBufferAccess;
import net.imglib2.img.cell.Cell;
import net.imglib2.img.cell.CellGrid;
import net.imglib2.type.NativeType;
import net.imglib2.type.numeric.integer.IntType;
import net.imglib2.type.numeric.integer.LongType;
import net.imglib2.type.numeric.integer.UnsignedByteType;
import net.imglib2.type.numeric.integer.UnsignedShortType;
import net.imglib2.type.numeric.real.DoubleType;
import net.imglib2.type.numeric.real.FloatType;
import net.imglib2.type.volatiles.VolatileFloatType;
import net.imglib2.util.ConstantUtils;
import net.imglib2.util.Intervals;
import net.imglib2.view.Views;

/**
 * The API of the original: its factory methods, what the code sees, and which arguments are
 * refused.
 */
@Tag( "each-mode" )
class PythonCacheLoaderTest
{
	private static final CellGrid GRID = new CellGrid( new long[] { 6, 15, 35 }, new int[] { 4, 5, 7 } );

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

	@Test
	void axesAreReversedAndNothingIsFlipped()
	{
		// dims {4, 3, 2} have the shape (2, 3, 4): the last numpy axis runs fastest.
		final RandomAccessibleInterval< IntType > img = PythonCacheLoader.fromRandomAccessibles(
				new CellGrid( new long[] { 4, 3, 2 }, new int[] { 4, 3, 2 } ), queue,
				"assert block.data.shape == (2, 3, 4)\nblock.data[...] = np.arange(24).reshape(2, 3, 4)", new IntType() ).createCachedCellImg( 1 );
		final int[] pixels = new int[ 24 ];
		final Cursor< IntType > cursor = Views.flatIterable( img ).cursor();
		for ( int i = 0; i < pixels.length; ++i )
			pixels[ i ] = cursor.next().get();
		assertArrayEquals( IntStream.range( 0, 24 ).toArray(), pixels );
	}

	@Test
	void blockTellsWhereItIsInNumpyOrder()
	{
		final RandomAccessibleInterval< LongType > img = PythonCacheLoader.fromRandomAccessibles( GRID, queue, """
				z, y, x = np.ogrid[tuple(slice(a, b + 1) for a, b in zip(block.min, block.max))]
				assert block.dim == tuple(b - a + 1 for a, b in zip(block.min, block.max)) == block.data.shape
				assert block.inputs == []
				block.data[...] = 1_000_000 * block.index + 10_000 * z + 100 * y + x
				""", new LongType() ).createCachedCellImg( 1000 );
		final Cursor< LongType > cursor = Views.flatIterable( img ).localizingCursor();
		while ( cursor.hasNext() )
		{
			final long actual = cursor.next().get();
			final long x = cursor.getLongPosition( 0 ), y = cursor.getLongPosition( 1 ), z = cursor.getLongPosition( 2 );
			final long index = x / 4 + 2 * ( y / 5 + 3 * ( z / 7 ) );
			assertEquals( 1_000_000 * index + 10_000 * z + 100 * y + x, actual );
		}
	}

	@Test
	void haloIsSlicesThatCropPaddedArrays()
	{
		final RandomAccessibleInterval< IntType > img = PythonCacheLoader.fromRandomAccessibles( GRID, queue, """
				assert block.inputs[0].shape == tuple(d + l + u for d, l, u in zip(block.dim, (0, 2, 1), (3, 0, 1)))
				assert block.halo == tuple(slice(l, l + d) for d, l in zip(block.dim, (0, 2, 1)))
				block.data[...] = block.inputs[0][block.halo]
				""", new IntType(), new Halo( new int[] { 1, 2, 0 }, new int[] { 1, 0, 3 } ), Views.extendZero( ramp() ) ).createCachedCellImg( 1000 );
		assertSamePixels( ramp(), img );
	}

	@Test
	void everyFactoryMethodMakesTheSameImage()
	{
		final RandomAccessible< IntType > input = Views.extendZero( ramp() );
		final Collection< RandomAccessible< IntType > > inputs = Collections.singletonList( input );
		final Halo none = Halo.empty( 3 );
		final IntBufferAccess access = new IntBufferAccess( 1, true );
		final String code = "block.data[...] = block.inputs[0]";
		final InputGenerator generator = interval -> ints( interval );
		final Collection< InputGenerator > generators = Collections.singletonList( generator );
		final List< PythonCacheLoader< IntType, ? extends BufferAccess< ? > > > loaders = new ArrayList<>();
		loaders.add( PythonCacheLoader.fromRandomAccessibles( GRID, queue, code, new IntType(), access, none, inputs ) );
		loaders.add( PythonCacheLoader.fromRandomAccessibles( GRID, queue, code, new IntType(), access, none, input ) );
		loaders.add( PythonCacheLoader.fromRandomAccessibles( GRID, queue, code, new IntType(), none, inputs ) );
		loaders.add( PythonCacheLoader.fromRandomAccessibles( GRID, queue, code, new IntType(), none, input ) );
		loaders.add( PythonCacheLoader.fromRandomAccessibles( GRID, queue, code, new IntType(), inputs ) );
		loaders.add( PythonCacheLoader.fromRandomAccessibles( GRID, queue, code, new IntType(), input ) );
		loaders.add( PythonCacheLoader.fromRandomAccessibles( GRID, queue, code, new IntType(), access, inputs ) );
		loaders.add( PythonCacheLoader.fromRandomAccessibles( GRID, queue, code, new IntType(), access, input ) );
		loaders.add( PythonCacheLoader.fromInputGenerators( GRID, queue, code, new IntType(), access, none, generators ) );
		loaders.add( PythonCacheLoader.fromInputGenerators( GRID, queue, code, new IntType(), access, none, generator ) );
		for ( final PythonCacheLoader< IntType, ? extends BufferAccess< ? > > loader : loaders )
			assertSamePixels( ramp(), loader.createCachedCellImg( 1000 ) );
	}

	@Test
	void inputsOfDifferentTypesComeInTheirOrder()
	{
		final RandomAccessibleInterval< FloatType > img = PythonCacheLoader.fromRandomAccessibles( GRID, queue, """
				assert [i.dtype.name for i in block.inputs] == ['uint16', 'float32', 'uint8']
				a, b, c = block.inputs
				block.data[...] = a + 10 * b + 80 * c
				""", new FloatType(), constant( new UnsignedShortType( 1 ) ), constant( new FloatType( 2 ) ), constant( new UnsignedByteType( 3 ) ) )
				.createCachedCellImg( 1000 );
		Views.flatIterable( img ).forEach( pixel -> assertEquals( 261f, pixel.get() ) );
	}

	@Test
	void cellsAreNativeDirectBuffersOfTheGivenAccess() throws Exception
	{
		final PythonCacheLoader< FloatType, FloatBufferAccess > loader = PythonCacheLoader.fromRandomAccessibles(
				GRID, queue, "block.data[...] = block.index", new FloatType(), new FloatBufferAccess( 1, true ), Halo.empty( 3 ), Collections.emptyList() );
		final Cell< FloatBufferAccess > cell = loader.get( 29L );
		assertArrayEquals( new int[] { 2, 5, 7 }, new int[] { ( int ) cell.dimension( 0 ), ( int ) cell.dimension( 1 ), ( int ) cell.dimension( 2 ) } );
		final FloatBuffer buffer = cell.getData().getCurrentStorageArray();
		assertTrue( buffer.isDirect() );
		assertEquals( ByteOrder.nativeOrder(), buffer.order() );
		assertEquals( 70, buffer.capacity() );
		assertTrue( cell.getData().isValid() );
		assertEquals( 29f, cell.getData().getValue( 69 ) );
	}

	@Test
	void cellsAreComputedWhenReadAndOnlyOnce()
	{
		final AtomicInteger made = new AtomicInteger();
		final InputGenerator counting = interval -> {
			made.incrementAndGet();
			return ints( interval );
		};
		final CachedCellImg< IntType, IntBufferAccess > img = PythonCacheLoader.fromInputGenerators(
				GRID, queue, "block.data[...] = block.inputs[0]", new IntType(), new IntBufferAccess( 1, true ), Halo.empty( 3 ), counting )
				.createCachedCellImg( new SoftRefLoaderCache<>() );
		assertEquals( 0, made.get() );
		img.getAt( 0, 0, 0 );
		assertEquals( 1, made.get() );
		assertSamePixels( ramp(), img );
		assertSamePixels( ramp(), img );
		assertEquals( Intervals.numElements( GRID.getGridDimensions() ), made.get() );
	}

	@Test
	void generatedInputsHaveAnyTypeAndByteOrder() throws Exception
	{
		for ( final ByteOrder order : new ByteOrder[] { ByteOrder.BIG_ENDIAN, ByteOrder.LITTLE_ENDIAN } )
			for ( final Buffer numbers : numbers( order ) )
			{
				// Its position does not matter.
				numbers.position( 1 );
				// They are not copied.
				final char sign = numbers instanceof ByteBuffer ? '|' : order == ByteOrder.nativeOrder() ? '=' : order == ByteOrder.BIG_ENDIAN ? '>' : '<';
				final CachedCellImg< DoubleType, DoubleBufferAccess > img = PythonCacheLoader.fromInputGenerators(
						new CellGrid( new long[] { 3 }, new int[] { 3 } ), queue,
						"assert block.inputs[0].dtype.byteorder == '" + sign + "'\nblock.data[...] = block.inputs[0]\nblock.data[0] += block.inputs[0].flags.owndata",
						new DoubleType(), new DoubleBufferAccess( 1, true ), Halo.empty( 1 ), interval -> new DirectNDArray<>( numbers, 3 ) ).createCachedCellImg( 1 );
				final String what = numbers + " in " + order;
				assertEquals( 1, img.getAt( 0 ).get(), what );
				assertEquals( 2, img.getAt( 1 ).get(), what );
				assertEquals( -3, img.getAt( 2 ).get(), what );
			}
	}

	/**
	 * @return 1, 2, -3 as each type, in a part of a larger memory
	 */
	private static List< Buffer > numbers( final ByteOrder order )
	{
		final Supplier< ByteBuffer > memory = () -> ByteBuffer.allocateDirect( 64 ).position( 8 ).slice().order( order );
		return List.of(
				memory.get().put( new byte[] { 1, 2, -3 } ).flip().slice(),
				memory.get().asShortBuffer().put( new short[] { 1, 2, -3 } ).flip().slice(),
				memory.get().asIntBuffer().put( new int[] { 1, 2, -3 } ).flip().slice(),
				memory.get().asLongBuffer().put( new long[] { 1, 2, -3 } ).flip().slice(),
				memory.get().asFloatBuffer().put( new float[] { 1, 2, -3 } ).flip().slice(),
				memory.get().asDoubleBuffer().put( new double[] { 1, 2, -3 } ).flip().slice() );
	}

	@Test
	void inputsAreMadeOnTheReadersThread()
	{
		final List< Thread > threads = new ArrayList<>();
		final InputGenerator generator = interval -> {
			threads.add( Thread.currentThread() );
			return ints( interval );
		};
		PythonCacheLoader.fromInputGenerators( GRID, queue, "", new IntType(), new IntBufferAccess( 1, true ), Halo.empty( 3 ), generator )
				.createCachedCellImg( 1 ).getAt( 0, 0, 0 );
		assertEquals( Collections.singletonList( Thread.currentThread() ), threads );
	}

	@Test
	void imagesCanBeInputsOfImagesDeepOnOneWorker()
	{
		try (final PythonCacheLoaderQueue single = new PythonCacheLoaderQueue())
		{
			for ( final Halo halo : new Halo[] { new Halo( 1, 0, 2 ), Halo.empty( 3 ) } )
			{
				RandomAccessibleInterval< IntType > img = ramp();
				for ( int i = 0; i < 10; ++i )
					img = PythonCacheLoader.fromRandomAccessibles( GRID, single, "block.data[...] = block.inputs[0][block.halo] + 1", new IntType(), halo,
							Views.extendMirrorSingle( img ) ).createCachedCellImg( 1000 );
				final Cursor< IntType > actual = Views.flatIterable( img ).cursor();
				for ( final IntType pixel : Views.flatIterable( ramp() ) )
					assertEquals( pixel.get() + 10, actual.next().get() );
			}
		}
	}

	@Test
	void functionReferenceIsCalledWithTheInputsAndCropped()
	{
		final RandomAccessibleInterval< IntType > img = PythonCacheLoader.fromRandomAccessibles(
				GRID, queue, "numpy:negative", new IntType(), new Halo( 1, 2, 3 ), Views.extendZero( ramp() ) ).createCachedCellImg( 1000 );
		final Cursor< IntType > actual = Views.flatIterable( img ).cursor();
		for ( final IntType pixel : Views.flatIterable( ramp() ) )
			assertEquals( -pixel.get(), actual.next().get() );
	}

	@Test
	void imagesDoNotSeeEachOthersVariables()
	{
		final RandomAccessible< IntType > zero = Views.extendZero( ramp() );
		final String setAndCheck = "assert 'secret' not in globals() or secret == %d\nsecret = %d\nblock.data[...] = secret";
		final List< CachedCellImg< IntType, ? extends BufferAccess< ? > > > imgs = new ArrayList<>();
		for ( int i = 0; i < 3; ++i )
			imgs.add( PythonCacheLoader.fromRandomAccessibles( GRID, queue, String.format( setAndCheck, i, i ), new IntType(), zero ).createCachedCellImg( 1000 ) );
		for ( int cell = 0; cell < 10; ++cell )
			for ( int i = 0; i < 3; ++i )
				assertEquals( i, imgs.get( i ).getAt( 0, 0, 3 * cell ).get() );
	}

	@Test
	void inputsCannotBeWritten()
	{
		final PythonCodeException e = assertThrows( PythonCodeException.class, () -> PythonCacheLoader.fromRandomAccessibles(
				GRID, queue, "block.inputs[0][...] = 0", new IntType(), Views.extendZero( ramp() ) ).get( 0L ) );
		assertEquals( "ValueError", e.getPythonType() );
		assertTrue( e.getPythonMessage().contains( "read-only" ), e.getPythonMessage() );
	}

	@Test
	void numbersOfAxesMustAgree()
	{
		assertRefused( "the grid has 3 axes, but Halo [1, 1] has 2",
				() -> PythonCacheLoader.fromRandomAccessibles( GRID, queue, "", new IntType(), new Halo( 1, 1 ) ) );
		assertRefused( "input 1 has 2 axes, the image has 3",
				() -> PythonCacheLoader.fromRandomAccessibles( GRID, queue, "", new IntType(), Views.extendZero( ramp() ), ConstantUtils.constantRandomAccessible( new IntType(), 2 ) ) );
	}

	@Test
	void boundedInputMustContainAllBlocksWithTheirHalo()
	{
		assertRefused( "input 0 has the interval [(0, 0, 0) -- (5, 14, 34) = 6x15x35], but the blocks with their halo need [(-1, 0, 0) -- (6, 14, 36) = 8x15x37]: extend it",
				() -> PythonCacheLoader.fromRandomAccessibles( GRID, queue, "", new IntType(), new Halo( new int[] { 1, 0, 0 }, new int[] { 1, 0, 2 } ), ramp() ) );
		PythonCacheLoader.fromRandomAccessibles( GRID, queue, "", new IntType(), ramp() );
		// A view without an interval can hide an image that has one.
		final RandomAccessible< IntType > converted = Views.translate( Converters.convert( ( RandomAccessible< IntType > ) ramp(), ( in, out ) -> out.set( in ), new IntType() ), 0, 2, 0 );
		assertRefused( "input 0, behind its converter, has the interval [(0, 0, 0) -- (5, 14, 34) = 6x15x35], but the blocks with their halo need [(0, -2, 0) -- (5, 12, 34) = 6x15x35]: extend it",
				() -> PythonCacheLoader.fromRandomAccessibles( GRID, queue, "", new IntType(), converted ) );
	}

	@Test
	void volatileTypesAreRefused()
	{
		final VolatileFloatType pixel = new VolatileFloatType( 0f );
		assertRefused( "input 0 has type VolatileFloatType, whose pixels may not be loaded yet",
				() -> PythonCacheLoader.fromRandomAccessibles( GRID, queue, "", new IntType(), constant( pixel ) ) );
		assertRefused( "the image has type VolatileFloatType", () -> PythonCacheLoader.fromRandomAccessibles( GRID, queue, "", pixel ) );
	}

	@Test
	void accessMustFitTheType()
	{
		assertRefused( "access is a FloatBufferAccess, but pixels of IntType need a IntBufferAccess or an access to an array of int",
				() -> PythonCacheLoader.fromRandomAccessibles( GRID, queue, "", new IntType(), new FloatBufferAccess( 1, true ), Halo.empty( 3 ), Collections.emptyList() ) );
	}

	@Test
	void blockMustFitIntoABuffer()
	{
		final CellGrid huge = new CellGrid( new long[] { 100_000, 100_000 }, new int[] { 50_000, 50_000 } );
		assertRefused( "2^31-1", () -> PythonCacheLoader.fromRandomAccessibles( huge, queue, "", new UnsignedByteType() ) );
	}

	@Test
	void cellsThatDoNotExistAreRefused()
	{
		final PythonCacheLoader< IntType, ? > loader = PythonCacheLoader.fromRandomAccessibles( GRID, queue, "", new IntType() );
		for ( final long key : new long[] { -1, 30, 400 } )
			assertEquals( "cell " + key + " does not exist: the grid has 30 cells, from 0 on",
					assertThrows( IllegalArgumentException.class, () -> loader.get( key ) ).getMessage() );
	}

	@Test
	void cellsCanBeMuchLargerThanTheImage()
	{
		final CellGrid grid = new CellGrid( new long[] { 8, 6 }, new int[] { 100_000, 100_000 } );
		assertEquals( 6, PythonCacheLoader.fromRandomAccessibles( grid, queue, "block.data[...] = block.dim[0]", new IntType() ).createCachedCellImg( 1 ).getAt( 7, 5 ).get() );
	}

	@Test
	void nullsAreRefusedByName()
	{
		assertNull( "lower", () -> new Halo( ( int[] ) null ) );
		assertNull( "upper", () -> new Halo( new int[ 1 ], null ) );
		assertNull( "loaderCache", () -> PythonCacheLoader.fromRandomAccessibles( GRID, queue, "", new IntType() ).createCachedCellImg( null ) );
		assertNull( "timeout", () -> PythonEnvironment.detected().withStartupTimeout( null ) );
		assertNull( "grid", () -> PythonCacheLoader.fromRandomAccessibles( null, queue, "", new IntType() ) );
		assertNull( "queue", () -> PythonCacheLoader.fromRandomAccessibles( GRID, null, "", new IntType() ) );
		assertNull( "code", () -> PythonCacheLoader.fromRandomAccessibles( GRID, queue, null, new IntType() ) );
		assertNull( "type", () -> PythonCacheLoader.fromRandomAccessibles( GRID, queue, "", ( IntType ) null ) );
		assertNull( "halo", () -> PythonCacheLoader.fromRandomAccessibles( GRID, queue, "", new IntType(), ( Halo ) null ) );
		assertNull( "input 1", () -> PythonCacheLoader.fromRandomAccessibles( GRID, queue, "", new IntType(), Arrays.asList( Views.extendZero( ramp() ), null ) ) );
		assertNull( "access", () -> PythonCacheLoader.fromRandomAccessibles( GRID, queue, "", new IntType(), ( IntBufferAccess ) null, Halo.empty( 3 ), Collections.emptyList() ) );
	}

	@Test
	void inputGeneratorMustReturnThePaddedShape()
	{
		final InputGenerator wrong = interval -> ints( new FinalInterval( 2, 2, 2 ) );
		final IllegalArgumentException e = assertThrows( IllegalArgumentException.class, () -> PythonCacheLoader.fromInputGenerators(
				GRID, queue, "", new IntType(), new IntBufferAccess( 1, true ), new Halo( 1, 0, 0 ), wrong ).get( 0L ) );
		assertEquals( "input 0 has shape [2, 2, 2] for [(-1, 0, 0) -- (4, 4, 6) = 6x5x7], expected [7, 5, 6]", e.getMessage() );
	}

	@Test
	void inputGeneratorsExceptionReachesTheReader()
	{
		final IllegalStateException thrown = new IllegalStateException( "no such file" );
		final InputGenerator failing = interval -> {
			throw thrown;
		};
		assertSame( thrown, assertThrows( IllegalStateException.class, () -> PythonCacheLoader.fromInputGenerators(
				GRID, queue, "", new IntType(), new IntBufferAccess( 1, true ), Halo.empty( 3 ), failing ).get( 0L ) ) );
	}

	@Test
	void maximumCacheSizeMustNotBeNegative()
	{
		assertRefused( "maximum number of cells is -1", () -> PythonCacheLoader.fromRandomAccessibles( GRID, queue, "", new IntType() ).createCachedCellImg( -1 ) );
	}

	@Test
	void boundedCacheForgetsCells()
	{
		final AtomicInteger made = new AtomicInteger();
		final InputGenerator counting = interval -> {
			made.incrementAndGet();
			return ints( interval );
		};
		final CachedCellImg< IntType, IntBufferAccess > img = PythonCacheLoader.fromInputGenerators(
				GRID, queue, "block.data[...] = block.inputs[0]", new IntType(), new IntBufferAccess( 1, true ), Halo.empty( 3 ), counting ).createCachedCellImg( 2 );
		final long cells = Intervals.numElements( GRID.getGridDimensions() );
		// Evicted cells can be reached until the garbage collector runs.
		for ( int i = 0; i < 100 && made.get() <= cells; ++i )
		{
			assertSamePixels( ramp(), img );
			System.gc();
		}
		assertTrue( made.get() > cells, "all " + cells + " cells are still there in a cache of 2" );
		assertFalse( img.getCells().getAt( 0, 0, 0 ) == null );
	}

	private static RandomAccessibleInterval< IntType > ramp()
	{
		final int[] pixels = IntStream.range( 0, 6 * 15 * 35 ).map( i -> i * 7919 ).toArray();
		return ArrayImgs.ints( pixels, 6, 15, 35 );
	}

	private static < T extends NativeType< T > > RandomAccessible< T > constant( final T value )
	{
		return ConstantUtils.constantRandomAccessible( value, 3 );
	}

	/**
	 * What a user's own {@link InputGenerator} would do.
	 */
	private static DirectNDArray< ? > ints( final Interval interval )
	{
		final IntBuffer buffer = ByteBuffer.allocateDirect( ( int ) Intervals.numElements( interval ) * Integer.BYTES ).order( ByteOrder.nativeOrder() ).asIntBuffer();
		Views.flatIterable( Views.interval( Views.extendZero( ramp() ), interval ) ).forEach( pixel -> buffer.put( pixel.get() ) );
		buffer.clear();
		return new DirectNDArray<>( buffer, InputGenerator.getNDArrayShape( interval ) );
	}

	private static void assertSamePixels( final RandomAccessibleInterval< IntType > expected, final RandomAccessibleInterval< IntType > actual )
	{
		assertTrue( Intervals.equals( expected, actual ) );
		final Cursor< IntType > cursor = Views.flatIterable( actual ).cursor();
		for ( final IntType pixel : Views.flatIterable( expected ) )
			assertEquals( pixel, cursor.next() );
	}

	private static void assertRefused( final String message, final Runnable code )
	{
		final IllegalArgumentException e = assertThrows( IllegalArgumentException.class, code::run );
		assertTrue( e.getMessage().contains( message ), e.getMessage() );
	}

	private static void assertNull( final String name, final Runnable code )
	{
		assertEquals( name, assertThrows( NullPointerException.class, code::run ).getMessage() );
	}
}
