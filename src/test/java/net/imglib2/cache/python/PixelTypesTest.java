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
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.CharBuffer;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.LongBuffer;
import java.nio.ShortBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import net.imglib2.Cursor;
import net.imglib2.RandomAccessible;
import net.imglib2.RandomAccessibleInterval;
import net.imglib2.Volatile;
import net.imglib2.cache.img.CachedCellImg;
import net.imglib2.cache.python.TestImages.Data;
import net.imglib2.cache.python.TestImages.Storage;
import net.imglib2.cache.python.type.PixelType;
import net.imglib2.img.array.ArrayImgs;
import net.imglib2.img.basictypeaccess.array.ArrayDataAccess;
import net.imglib2.img.basictypeaccess.array.LongArray;
import net.imglib2.img.cell.CellGrid;
import net.imglib2.img.cell.LazyCellImg;
import net.imglib2.img.list.ListImg;
import net.imglib2.type.NativeType;
import net.imglib2.type.label.BasePairBitType;
import net.imglib2.type.label.BasePairBitType.Base;
import net.imglib2.type.label.BasePairCharType;
import net.imglib2.type.logic.BitType;
import net.imglib2.type.logic.BoolType;
import net.imglib2.type.logic.NativeBoolType;
import net.imglib2.type.numeric.ARGBType;
import net.imglib2.type.numeric.IntegerType;
import net.imglib2.type.numeric.NativeARGBDoubleType;
import net.imglib2.type.numeric.complex.ComplexDoubleType;
import net.imglib2.type.numeric.complex.ComplexFloatType;
import net.imglib2.type.numeric.integer.ByteType;
import net.imglib2.type.numeric.integer.IntType;
import net.imglib2.type.numeric.integer.LongType;
import net.imglib2.type.numeric.integer.ShortType;
import net.imglib2.type.numeric.integer.Unsigned128BitType;
import net.imglib2.type.numeric.integer.Unsigned12BitType;
import net.imglib2.type.numeric.integer.Unsigned2BitType;
import net.imglib2.type.numeric.integer.Unsigned4BitType;
import net.imglib2.type.numeric.integer.UnsignedByteType;
import net.imglib2.type.numeric.integer.UnsignedIntType;
import net.imglib2.type.numeric.integer.UnsignedLongType;
import net.imglib2.type.numeric.integer.UnsignedShortType;
import net.imglib2.type.numeric.integer.UnsignedVariableBitLengthType;
import net.imglib2.type.numeric.real.DoubleType;
import net.imglib2.type.numeric.real.FloatType;
import net.imglib2.type.volatiles.VolatileARGBType;
import net.imglib2.type.volatiles.VolatileByteType;
import net.imglib2.type.volatiles.VolatileDoubleType;
import net.imglib2.type.volatiles.VolatileUnsignedShortType;
import net.imglib2.util.Cast;
import net.imglib2.view.Views;

/**
 * Every pixel type, as input and as output.
 */
@Tag( "each-mode" )
class PixelTypesTest
{
	// Cells of 35 pixels and, at the borders, of 15, 14 and 6 pixels: no multiples of 64.
	private static final long[] DIMS = { 8, 17 };

	private static final int[] CELL = { 5, 7 };

	private static final CellGrid GRID = new CellGrid( DIMS, CELL );

	private static final long SALT = 4321;

	private static PythonCacheLoaderQueue queue;

	@BeforeAll
	static void open()
	{
		queue = new PythonCacheLoaderQueue( 2, TestPixels.INIT );
	}

	@AfterAll
	static void close()
	{
		queue.close();
	}

	static Stream< NativeType< ? > > types()
	{
		final List< NativeType< ? > > types = new ArrayList<>( Arrays.asList(
				new ByteType(), new UnsignedByteType(), new ShortType(), new UnsignedShortType(), new IntType(), new UnsignedIntType(),
				new LongType(), new UnsignedLongType(), new FloatType(), new DoubleType(), new ComplexFloatType(), new ComplexDoubleType(),
				new NativeBoolType(), new BasePairCharType(), new ARGBType(), new NativeARGBDoubleType(), new Unsigned128BitType(),
				new BitType(), new Unsigned2BitType(), new Unsigned4BitType(), new Unsigned12BitType(), new BasePairBitType() ) );
		IntStream.concat( IntStream.rangeClosed( 1, 53 ), IntStream.of( 63, 64 ) ).forEach( bits -> types.add( new UnsignedVariableBitLengthType( bits ) ) );
		return types.stream();
	}

	@ParameterizedTest
	@MethodSource( "types" )
	void pythonGetsAndMakesEveryPixelOfBuffersAndArrays( final NativeType< ? > type )
	{
		checkInAndOut( Cast.unchecked( type ) );
	}

	private static < T extends NativeType< T > > void checkInAndOut( final T type )
	{
		final RandomAccessibleInterval< T > wanted = TestImages.create( Storage.ARRAY, type, DIMS, CELL, SALT, queue );
		final String image = "image('" + TestPixels.kind( type ) + "', " + TestImages.numpy( DIMS ) + ", " + SALT + ")";
		final String window = "window = tuple(slice(a, b + 1) for a, b in zip(block.min, block.max))\n";
		for ( final Data data : new Data[] { Data.NATIVE, Data.ARRAYS } )
		{
			final CachedCellImg< T, ? > made = loader( type, data, window + "want = " + image + "[window]\n"
					+ "assert block.data.shape == want.shape and block.data.dtype == want.dtype\nblock.data[...] = want" ).createCachedCellImg( 1000 );
			assertSamePixels( wanted, made );
			final PythonCacheLoader< T, ? > copy = loader( type, data, window + "want = " + image + "[window]\n"
					+ "got, = block.inputs\nassert got.dtype == want.dtype and got.dtype.isnative and got.shape == want.shape\n"
					+ "assert not got.flags.writeable\nnp.testing.assert_array_equal(got, want)\nblock.data[...] = got", made );
			assertSamePixels( wanted, copy.createCachedCellImg( 1000 ) );
			if ( data == Data.NATIVE )
				for ( int cell = 0; cell < 6; ++cell )
					assertEquals( TestPixels.isPacked( type ) ? InputWay.PIXELS : TestImages.OWN_MEMORY, copy.getInputWay( 0, cell ) );
		}
	}

	@ParameterizedTest
	@MethodSource( "types" )
	void pixelsThatTheCodeDoesNotWriteAreZero( final NativeType< ? > type )
	{
		checkZero( Cast.unchecked( type ) );
	}

	private static < T extends NativeType< T > > void checkZero( final T type )
	{
		// First fills the buffers that will be reused.
		for ( final Data data : new Data[] { Data.NATIVE, Data.ARRAYS } )
		{
			final Cursor< T > ones = loader( type, data, "block.data[...] = 1" ).createCachedCellImg( 1000 ).cursor();
			ones.forEachRemaining( pixel -> {} );
			loader( type, data, "assert not block.data.any(), block.data" ).createCachedCellImg( 1000 ).cursor().forEachRemaining( pixel -> {} );
		}
	}

	@ParameterizedTest
	@MethodSource( "types" )
	void buffersOfCellsAreInTheMachinesByteOrder( final NativeType< ? > type ) throws Exception
	{
		checkByteOrder( Cast.unchecked( type ) );
	}

	private static < T extends NativeType< T > > void checkByteOrder( final T type ) throws Exception
	{
		// The value 1, or true, in each pixel or component.
		final Object pixels = PythonCacheLoader.fromRandomAccessibles( new CellGrid( new long[] { 64 }, new int[] { 64 } ), queue, "block.data[...] = 1", type ).get( 0L ).getData();
		final Buffer buffer = assertInstanceOf( Buffer.class, ( ( ArrayDataAccess< ? > ) pixels ).getCurrentStorageArray() );
		assertEquals( 0, buffer.position() );
		assertEquals( buffer.capacity(), buffer.limit() );
		if ( buffer instanceof ByteBuffer )
		{
			assertEquals( ByteOrder.nativeOrder(), ( ( ByteBuffer ) buffer ).order() );
			final int next = ( ( ByteBuffer ) buffer ).putInt( 12, 0x01020304 ).get( 12 );
			assertEquals( ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN ? 4 : 1, next );
		}
		else
			assertEquals( ByteOrder.nativeOrder(), order( buffer ) );
		// Moving the returned pixel does not affect others.
		buffer.limit( 1 ).position( 1 );
		assertEquals( 0, ( ( Buffer ) ( ( ArrayDataAccess< ? > ) pixels ).getCurrentStorageArray() ).position() );
	}

	private static ByteOrder order( final Buffer buffer )
	{
		if ( buffer instanceof ShortBuffer )
			return ( ( ShortBuffer ) buffer ).order();
		if ( buffer instanceof CharBuffer )
			return ( ( CharBuffer ) buffer ).order();
		if ( buffer instanceof IntBuffer )
			return ( ( IntBuffer ) buffer ).order();
		if ( buffer instanceof LongBuffer )
			return ( ( LongBuffer ) buffer ).order();
		return buffer instanceof FloatBuffer ? ( ( FloatBuffer ) buffer ).order() : ( ( DoubleBuffer ) buffer ).order();
	}

	@Test
	void notANumberAndInfinityKeepTheirBits()
	{
		final int[] bits = { 0x7fc00000, 0xffc00001, 0x7f800000, 0xff800000, 0x80000000, 1, 0x7fbfffff, 0x7f7fffff };
		final float[] floats = new float[ bits.length ];
		for ( int i = 0; i < bits.length; ++i )
			floats[ i ] = Float.intBitsToFloat( bits[ i ] );
		final RandomAccessibleInterval< FloatType > image = ArrayImgs.floats( floats, bits.length );
		final CachedCellImg< IntType, ? > result = PythonCacheLoader.fromRandomAccessibles( new CellGrid( new long[] { bits.length }, new int[] { 3 } ), queue,
				"block.data[...] = block.inputs[0].view('int32')", new IntType(), image ).createCachedCellImg( 10 );
		final int[] got = new int[ bits.length ];
		for ( int i = 0; i < got.length; ++i )
			got[ i ] = result.getAt( i ).get();
		assertArrayEquals( bits, got );
	}

	@Test
	void argbIsAnIntegerAndItsBytesAreBlueGreenRedAlpha()
	{
		final RandomAccessibleInterval< ARGBType > image = ArrayImgs.argbs( new int[] { 0x11223344, 0xfffefdfc }, 2 );
		final CachedCellImg< ARGBType, ? > result = PythonCacheLoader.fromRandomAccessibles( new CellGrid( new long[] { 2 }, new int[] { 2 } ), queue, """
				argb = block.inputs[0]
				assert argb.dtype == np.uint32 and argb.tolist() == [0x11223344, 0xfffefdfc]
				b, g, r, a = np.moveaxis(argb.view(np.uint8).reshape(argb.shape + (4,)), -1, 0)
				assert (b[0], g[0], r[0], a[0]) == (0x44, 0x33, 0x22, 0x11)
				out = block.data.view(np.uint8).reshape(block.data.shape + (4,))
				out[..., 0], out[..., 1], out[..., 2], out[..., 3] = r, g, b, a
				""", new ARGBType(), image ).createCachedCellImg( 10 );
		assertEquals( 0x11443322, result.getAt( 0 ).get() );
		assertEquals( 0xfffcfdfe, result.getAt( 1 ).get() );
	}

	@Test
	void componentsAreTheLastAxis()
	{
		final CellGrid grid = new CellGrid( new long[] { 3, 2 }, new int[] { 2, 2 } );
		final CachedCellImg< NativeARGBDoubleType, ? > colours = PythonCacheLoader.fromRandomAccessibles( grid, queue,
				"assert block.data.shape == block.dim + (4,)\nblock.data[...] = 1, 2, 3, 4", new NativeARGBDoubleType() ).createCachedCellImg( 10 );
		final NativeARGBDoubleType colour = colours.getAt( 2, 1 );
		assertArrayEquals( new double[] { 1, 2, 3, 4 }, new double[] { colour.getA(), colour.getR(), colour.getG(), colour.getB() } );
		final CachedCellImg< Unsigned128BitType, ? > large = PythonCacheLoader.fromRandomAccessibles( grid, queue,
				"assert block.data.shape == block.dim + (2,)\nblock.data[..., 0], block.data[..., 1] = 5, 1", new Unsigned128BitType() ).createCachedCellImg( 10 );
		assertEquals( "18446744073709551621", large.getAt( 2, 1 ).get().toString() );
	}

	@Test
	void inputsWithComponentsHaveTheHaloToo()
	{
		final RandomAccessibleInterval< Unsigned128BitType > image = TestImages.create( Storage.CELLS, new Unsigned128BitType(), DIMS, CELL, SALT, queue );
		assertSamePixels( image, PythonCacheLoader.fromRandomAccessibles( GRID, queue,
				"assert block.inputs[0].shape == (block.dim[0] + 2, block.dim[1] + 4, 2)\nblock.data[...] = block.inputs[0][block.halo]",
				new Unsigned128BitType(), new Halo( 2, 1 ), Views.extendMirrorSingle( image ) ).createCachedCellImg( 10 ) );
	}

	@Test
	void valuesThatAreTooLargeForAPackedTypeKeepTheirLowBits()
	{
		assertLowBits( new Unsigned2BitType(), 2 );
		assertLowBits( new Unsigned4BitType(), 4 );
		assertLowBits( new Unsigned12BitType(), 12 );
		for ( final int bits : new int[] { 1, 3, 7, 9, 31, 33, 53 } )
			assertLowBits( new UnsignedVariableBitLengthType( bits ), bits );
	}

	private static < T extends NativeType< T > & IntegerType< T > > void assertLowBits( final T type, final int bits )
	{
		// Odd pixels have all bits that numpy has, the other pixels have none.
		final CachedCellImg< T, ? > img = loader( type, Data.NATIVE, "flat = np.arange(block.data.size).reshape(block.dim)\n"
				+ "block.data[flat % 2 == 1] = np.iinfo(block.data.dtype).max" ).createCachedCellImg( 1000 );
		final Cursor< T > cursor = Views.interval( img, new long[] { 0, 0 }, new long[] { 4, 6 } ).cursor();
		for ( int i = 0; cursor.hasNext(); ++i )
			assertEquals( i % 2 == 0 ? 0 : ( 1L << bits ) - 1, cursor.next().getIntegerLong(), type.getClass().getSimpleName() + " " + i );
	}

	@Test
	void valueThatIsNoBaseIsRefused()
	{
		final CachedCellImg< BasePairBitType, ? > right = loader( new BasePairBitType(), Data.NATIVE, "block.data[...] = 6" ).createCachedCellImg( 10 );
		assertEquals( Base.U, right.getAt( 7, 16 ).get() );
		final PythonCacheLoader< BasePairBitType, ? > wrong = loader( new BasePairBitType(), Data.NATIVE, "block.data[0, 0] = 7" );
		assertEquals( "the code wrote 7, but pixels of BasePairBitType are 0 to 6", assertThrows( PythonCellException.class, () -> wrong.get( 0L ) ).getPythonMessage() );
	}

	@Test
	void arbitraryCharactersKeepTheirBits()
	{
		final BasePairCharType type = new BasePairCharType();
		final CachedCellImg< BasePairCharType, ? > img = loader( type, Data.NATIVE, "block.data[...] = 0xFEDC" ).createCachedCellImg( 10 );
		assertEquals( 0xFEDC, img.getAt( 7, 16 ).getChar() );
		// Inputs that are copied, inputs that are not, and pixels of the extension.
		final RandomAccessible< BasePairCharType > periodic = Views.extendPeriodic( img );
		final PythonCacheLoader< BasePairCharType, ? > loader = PythonCacheLoader.fromRandomAccessibles( GRID, queue,
				"assert (block.inputs[0] == 0xFEDC).all(), block.inputs[0]", type, new Halo( 3, 3 ), periodic );
		loader.createCachedCellImg( 10 ).cursor().forEachRemaining( pixel -> {} );
	}

	@Test
	void volatileTypesAreRefused()
	{
		for ( final NativeType< ? > type : new NativeType< ? >[] { new VolatileByteType(), new VolatileUnsignedShortType(), new VolatileDoubleType(), new VolatileARGBType() } )
		{
			final String message = assertThrows( IllegalArgumentException.class, () -> PixelType.of( type, "input 3" ) ).getMessage();
			assertEquals( "input 3 has type " + type.getClass().getSimpleName() + ", whose pixels may not be loaded yet: pass the image that it wraps", message );
		}
	}

	@Test
	void volatileTypesCanShowTheCells()
	{
		checkVolatile( new ByteType(), new VolatileByteType() );
		checkVolatile( new UnsignedShortType(), new VolatileUnsignedShortType() );
		checkVolatile( new DoubleType(), new VolatileDoubleType() );
		checkVolatile( new ARGBType(), new VolatileARGBType() );
	}

	/**
	 * Like viewers: the same cells, shown by pixels that know whether they are loaded.
	 */
	private static < T extends NativeType< T >, V extends Volatile< T > & NativeType< V > > void checkVolatile( final T type, final V volatileType )
	{
		final CachedCellImg< T, ? > img = PythonCacheLoader.fromRandomAccessibles( GRID, queue, "block.data[...] = block.index + 1", type ).createCachedCellImg( 10 );
		final Cursor< T > expected = img.cursor();
		final Cursor< V > seen = new LazyCellImg<>( GRID, volatileType, index -> Cast.unchecked( img.getCells().randomAccess().setPositionAndGet( position( index ) ) ) ).cursor();
		while ( expected.hasNext() )
		{
			expected.fwd();
			seen.fwd();
			assertTrue( seen.get().isValid() );
			assertTrue( expected.get().valueEquals( seen.get().get() ), () -> volatileType.getClass().getSimpleName() );
		}
	}

	private static long[] position( final long index )
	{
		final long[] position = new long[ 2 ];
		GRID.getCellGridPositionFlat( index, position );
		return position;
	}

	@Test
	void typesOfJavaObjectsAreRefusedAsInputsWithTheWayOut()
	{
		final RandomAccessible< ? > booleans = new ListImg<>( DIMS, new BoolType() );
		final String message = assertThrows( IllegalArgumentException.class,
				() -> PythonCacheLoader.fromRandomAccessibles( GRID, queue, "", new ByteType(), Cast.< RandomAccessible< ByteType > >unchecked( booleans ) ) ).getMessage();
		assertTrue( message.startsWith( "input 0 has type BoolType, which is not supported, because its pixels are Java objects: supported are ByteType, " ), message );
		assertTrue( message.endsWith( "Convert it, for instance by Converters.convert(...)" ), message );
	}

	@Test
	void bitLengthsThatImgLib2DoesNotKeepAreRefused()
	{
		for ( int bits = 54; bits < 63; ++bits )
		{
			final UnsignedVariableBitLengthType type = new UnsignedVariableBitLengthType( bits );
			// If this fails, ImgLib2 supports these bit lengths, and the refusal can go.
			assertTrue( new UnsignedVariableBitLengthType( 1L, bits ).get() != 1 );
			final String message = assertThrows( IllegalArgumentException.class, () -> PixelType.of( type, "the image" ) ).getMessage();
			assertEquals( "the image has type UnsignedVariableBitLengthType of " + bits + " bits, whose values ImgLib2 does not keep: choose 53 bits or less, 63 or 64", message );
		}
	}

	@Test
	void packedPixelsInArraysOfLongsCanBeOutputs()
	{
		final PythonCacheLoader< Unsigned12BitType, LongArray > loader = PythonCacheLoader.fromRandomAccessibles(
				GRID, queue, "block.data[...] = 0xABC", new Unsigned12BitType(), new LongArray( 1 ), Halo.empty( 2 ), new ArrayList<>() );
		final CachedCellImg< Unsigned12BitType, LongArray > img = loader.createCachedCellImg( 10 );
		img.forEach( pixel -> assertEquals( 0xABC, pixel.get() ) );
		// 6 pixels of 12 bits.
		assertEquals( 2, img.getCells().getAt( 1, 2 ).getData().getArrayLength() );
	}

	@Test
	void documentHasTheTable() throws Exception
	{
		final Path document = Paths.get( System.getProperty( "project.basedir" ), "doc", "types.md" );
		final List< String > rows = Files.readAllLines( document ).stream().filter( line -> line.startsWith( "|" ) ).collect( Collectors.toList() );
		assertEquals( String.join( "\n", PixelType.describeTable() ), String.join( "\n", rows ), "the table of " + document );
	}

	@SafeVarargs
	private static < T extends NativeType< T > > PythonCacheLoader< T, ? > loader( final T type, final Data data, final String code, final RandomAccessibleInterval< T >... inputs )
	{
		return loader( type, TestImages.access( data, type, 1 ), code, Arrays.asList( inputs ) );
	}

	private static < T extends NativeType< T >, A extends ArrayDataAccess< A > > PythonCacheLoader< T, A > loader(
			final T type,
			final Object access,
			final String code,
			final List< RandomAccessibleInterval< T > > inputs )
	{
		return PythonCacheLoader.fromRandomAccessibles( GRID, queue, code, type, Cast.< A >unchecked( access ), Halo.empty( 2 ), inputs );
	}

	private static < T extends NativeType< T > > void assertSamePixels( final RandomAccessibleInterval< T > expected, final RandomAccessibleInterval< T > actual )
	{
		final Cursor< T > wanted = Views.flatIterable( expected ).localizingCursor();
		for ( final T got : Views.flatIterable( actual ) )
			assertTrue( wanted.next().valueEquals( got ), () -> wanted.get() + " is " + got + " at " + Arrays.toString( wanted.positionAsLongArray() ) );
	}
}
