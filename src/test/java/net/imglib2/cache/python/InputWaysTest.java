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

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import jep.DirectNDArray;
import net.imglib2.Cursor;
import net.imglib2.FinalInterval;
import net.imglib2.Interval;
import net.imglib2.RandomAccess;
import net.imglib2.RandomAccessible;
import net.imglib2.RandomAccessibleInterval;
import net.imglib2.blocks.PrimitiveBlocks;
import net.imglib2.blocks.PrimitiveBlocks.OnFallback;
import net.imglib2.cache.Cache;
import net.imglib2.cache.img.CachedCellImg;
import net.imglib2.cache.python.TestImages.Data;
import net.imglib2.cache.python.TestImages.Storage;
import net.imglib2.cache.ref.SoftRefLoaderCache;
import net.imglib2.converter.Converters;
import net.imglib2.img.Img;
import net.imglib2.img.ImgView;
import net.imglib2.img.WrappedImg;
import net.imglib2.img.array.ArrayImg;
import net.imglib2.img.array.ArrayImgs;
import net.imglib2.img.basictypeaccess.array.ArrayDataAccess;
import net.imglib2.img.basictypeaccess.array.LongArray;
import net.imglib2.img.basictypeaccess.nio.DoubleBufferAccess;
import net.imglib2.img.basictypeaccess.nio.FloatBufferAccess;
import net.imglib2.img.cell.Cell;
import net.imglib2.img.cell.CellGrid;
import net.imglib2.outofbounds.OutOfBounds;
import net.imglib2.outofbounds.OutOfBoundsFactory;
import net.imglib2.outofbounds.OutOfBoundsMirrorDoubleBoundary;
import net.imglib2.outofbounds.OutOfBoundsMirrorFactory;
import net.imglib2.outofbounds.OutOfBoundsPeriodicFactory;
import net.imglib2.type.NativeType;
import net.imglib2.type.label.BasePairCharType;
import net.imglib2.type.logic.NativeBoolType;
import net.imglib2.type.numeric.RealType;
import net.imglib2.type.numeric.integer.LongType;
import net.imglib2.type.numeric.integer.ShortType;
import net.imglib2.type.numeric.integer.UnsignedByteType;
import net.imglib2.type.numeric.integer.UnsignedShortType;
import net.imglib2.type.numeric.real.DoubleType;
import net.imglib2.type.numeric.real.FloatType;
import net.imglib2.type.operators.SetZero;
import net.imglib2.util.Cast;
import net.imglib2.util.IntervalIndexer;
import net.imglib2.util.Intervals;
import net.imglib2.util.Util;
import net.imglib2.view.ExtendedRandomAccessibleInterval;
import net.imglib2.view.Views;

/**
 * Random images, storages, types, halos and chains of views. The pixels that the Python code
 * gets are compared, in Python, with what numpy makes of the whole image by the same views;
 * the way that the input took is compared, in Java, with the rule.
 * <p>
 * {@code -Dcase=…} runs one case only.
 */
@Tag( "each-mode" )
class InputWaysTest
{
	private static final String MODE = System.getProperty( PythonEnvironment.MODE_PROPERTY );

	/**
	 * Fewer where the tests run again.
	 */
	private static final int CASES = MODE == null ? 10_500 : 1_500;

	/**
	 * Memory of this JVM, and cells that are so small, are copied for a process.
	 */
	private static final boolean ALWAYS_COPIED = InterpreterMode.PROCESS.name().equals( MODE );

	private static final int THREADS = 3;

	/**
	 * Limits of the number of pixels: of an image with its halo, of any intermediate image, and of
	 * all blocks together.
	 */
	private static final long MAX_PIXELS = 4000;

	private static final long MAX_PIXELS_OF_BLOCKS = 30_000;

	private static final String INIT = TestPixels.INIT + """

			def cut(a, lower, upper):
			    return a[tuple(slice(l, n - u) for l, u, n in zip(lower, upper, a.shape))]

			def pad(a, lower, upper, mode):
			    widths = list(zip(lower, upper)) + [(0, 0)] * (a.ndim - len(lower))
			    return np.pad(a, widths, mode=mode)

			def pad_with(a, lower, upper, value):
			    n = len(lower)
			    shape = tuple(l + s + u for l, s, u in zip(lower, a.shape, upper))
			    padded = np.empty(shape + a.shape[n:], a.dtype)
			    padded[...] = value
			    padded[tuple(slice(l, l + s) for l, s in zip(lower, a.shape))] = a
			    return padded

			def add_axis(a, size):
			    return np.broadcast_to(a, (size,) + a.shape)

			def verify(block, i, want, lower, upper, known=None, smallest=0, largest=0):
			    window = tuple(slice(m, m + l + d + u) for m, l, d, u in zip(block.min, lower, block.dim, upper))
			    got, want = block.inputs[i], want[window]
			    assert not got.flags.writeable
			    assert got.dtype == want.dtype and got.dtype.isnative, (got.dtype, want.dtype)
			    assert got.shape == want.shape, (got.shape, want.shape)
			    if known is not None:
			        known = known[window]
			        others = got[~known]
			        assert ((smallest <= others) & (others <= largest)).all(), (i, others)
			        got, want = got[known], want[known]
			    if not np.array_equal(got, want):
			        different = np.argwhere(got != want)
			        at = tuple(different[0])
			        raise AssertionError(f"input {i}: {len(different)} of {got.size}, first at {at} of {got.shape}: {got[at]} != {want[at]}")
			""";

	@Test
	void everyPixelIsRightAndTravelsByTheRule() throws Exception
	{
		final Integer single = Integer.getInteger( "case" );
		try (final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue( 2, INIT ))
		{
			if ( single != null )
			{
				check( single, queue );
				return;
			}
			final ExecutorService readers = Executors.newFixedThreadPool( THREADS );
			try
			{
				final List< Future< ? > > cases = new ArrayList<>();
				for ( int i = 0; i < CASES; ++i )
				{
					final int number = i;
					cases.add( readers.submit( () -> check( number, queue ) ) );
				}
				final List< Throwable > failures = new ArrayList<>();
				for ( final Future< ? > done : cases )
				{
					try
					{
						done.get();
					}
					catch ( final Exception e )
					{
						failures.add( e.getCause() );
					}
				}
				assertTrue( failures.isEmpty(), () -> failures.size() + " of " + CASES + " cases failed:\n"
						+ failures.stream().limit( 10 ).map( Throwable::getMessage ).collect( Collectors.joining( "\n\n" ) ) );
			}
			finally
			{
				readers.shutdownNow();
			}
		}
	}

	@Test
	@Tag( "in-the-jvm" )
	void zeroCopyIsTheSourcesMemoryAndACopyIsNot() throws Exception
	{
		final ByteBuffer bytes = ByteBuffer.allocateDirect( 4 * 8 * 6 * 5 ).order( ByteOrder.nativeOrder() );
		final RandomAccessibleInterval< FloatType > image = TestImages.array( new FloatType(), new FloatBufferAccess( bytes, true ), 8, 6, 5 );
		try (final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue( 1, INIT + "kept = []\n" ))
		{
			queue.submit( python -> {
				python.set( "memory", new DirectNDArray<>( bytes.asFloatBuffer(), bytes.capacity() / 4 ) );
				return null;
			} ).get();
			final RandomAccessible< FloatType > extended = Views.extendZero( image );
			final String shared = "assert np.shares_memory(memory, block.inputs[0])\nkept.append(block.inputs[0])";
			assertTravels( queue, shared, InputWay.ZERO_COPY, image );
			assertTravels( queue, shared, InputWay.ZERO_COPY, extended );
			assertTravels( queue, shared, InputWay.ZERO_COPY, Views.translate( Views.invertAxis( extended, 0 ), 7, 0, 0 ) );
			assertTravels( queue, shared, InputWay.ZERO_COPY, Views.permute( extended, 0, 0 ) );
			assertTravels( queue, shared, InputWay.ZERO_COPY, Views.addDimension( Views.hyperSlice( extended, 2, 3 ) ) );
			assertTravels( queue, shared, InputWay.ZERO_COPY, ImgView.wrap( image ).view() );
			final String copied = "assert not np.may_share_memory(memory, block.inputs[0])\nkept.append(block.inputs[0])";
			assertTravels( queue, copied, InputWay.CELLS, Views.translate( extended, 1, 0, 0 ) );
			assertTravels( queue, copied, InputWay.PIXELS, Views.subsample( extended, 1 ) );
			// Whether a later change of the source is seen.
			image.getAt( 7, 5, 3 ).set( 11 );
			final Object seen = queue.submit( python -> python.getValue( "[bool((a == 11).any()) for a in kept]" ) ).get();
			assertEquals( Arrays.asList( true, true, true, true, true, true, false, false ), seen );
		}
	}

	private static void assertTravels( final PythonCacheLoaderQueue queue, final String code, final InputWay way, final RandomAccessible< FloatType > input )
	{
		final PythonCacheLoader< FloatType, ? > loader = PythonCacheLoader.fromRandomAccessibles( new CellGrid( new long[] { 8, 6, 5 }, new int[] { 8, 6, 5 } ), queue, code, new FloatType(), input );
		loader.createCachedCellImg( 10 ).getAt( 0, 0, 0 );
		assertEquals( way, loader.getInputWay( 0, 0 ) );
	}

	@Test
	@Tag( "in-the-jvm" )
	void memoryOfMappedFilesAndOfAnyAlignmentIsNotCopied( @TempDir final Path folder ) throws Exception
	{
		final CellGrid grid = new CellGrid( new long[] { 9, 7 }, new int[] { 4, 4 } );
		final ByteBuffer written = ByteBuffer.allocate( 1 + 8 * 63 ).order( ByteOrder.nativeOrder() );
		for ( int i = 0; i < 63; ++i )
			written.putDouble( 1 + 8 * i, i * i );
		final Path file = Files.write( folder.resolve( "pixels" ), written.array() );
		try (final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue(); final FileChannel channel = FileChannel.open( file ))
		{
			final ByteBuffer mapped = channel.map( FileChannel.MapMode.READ_ONLY, 0, Files.size( file ) );
			mapped.position( 1 );
			final ByteBuffer unaligned = mapped.slice().order( ByteOrder.nativeOrder() );
			final RandomAccessibleInterval< DoubleType > image = TestImages.array( new DoubleType(), new DoubleBufferAccess( unaligned, true ), 9, 7 );
			final PythonCacheLoader< DoubleType, ? > loader = PythonCacheLoader.fromRandomAccessibles( grid, queue, "block.data[...] = np.sqrt(block.inputs[0])", new DoubleType(), image );
			final CachedCellImg< DoubleType, ? > roots = loader.createCachedCellImg( 10 );
			int i = 0;
			for ( final DoubleType pixel : Views.flatIterable( roots ) )
				assertEquals( i++, pixel.get() );
			assertEquals( InputWay.ZERO_COPY, loader.getInputWay( 0, 3 ) );
		}
	}

	@Test
	void coordinatesBeyondIntegersAreRight() throws Exception
	{
		final long[] dims = { 1L << 35, 4 };
		try (final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue( 1, INIT ))
		{
			final CellGrid grid = new CellGrid( dims, new int[] { 16, 4 } );
			final Cache< Long, Cell< LongArray > > cells = new SoftRefLoaderCache< Long, Cell< LongArray > >().withLoader( index -> {
				final LongArray pixels = new LongArray( 64 );
				for ( int i = 0; i < 64; ++i )
					pixels.setValue( i, 64 * index + i );
				return new Cell<>( new int[] { 16, 4 }, new long[] { 16 * index, 0 }, pixels );
			} );
			final RandomAccessibleInterval< LongType > image = new CachedCellImg<>( grid, new LongType(), cells, new LongArray( 1 ) );
			final RandomAccessibleInterval< LongType > python = PythonCacheLoader.fromRandomAccessibles( grid, queue,
					"block.data[...] = 64 * block.index + np.arange(64).reshape(4, 16)", new LongType() ).createCachedCellImg( 100 );
			for ( final RandomAccessibleInterval< LongType > source : Arrays.asList( image, python ) )
				for ( final RandomAccessible< LongType > view : Arrays.asList(
						Views.offset( source, ( 1L << 34 ) + 5, 0 ),
						Views.translate( Views.invertAxis( source, 0 ), ( 1L << 34 ) + 5, 0 ),
						Converters.convert( ( RandomAccessible< LongType > ) Views.offset( source, ( 1L << 33 ) - 7, 0 ), ( in, out ) -> out.set( in ), new LongType() ),
						Views.permute( Views.offset( Views.extendMirrorSingle( source ), ( 1L << 35 ) - 10, 0 ), 0, 1 ) ) )
					assertSamePixels( Views.interval( view, new FinalInterval( 20, 4 ) ), PythonCacheLoader.fromRandomAccessibles(
							new CellGrid( new long[] { 20, 4 }, new int[] { 7, 3 } ), queue, "block.data[...] = block.inputs[0]", new LongType(), Collections.singletonList( view ) ).createCachedCellImg( 100 ) );
		}
	}

	@Test
	void extensionsThatLookLikeOneOfImgLib2AreNotTakenForIt() throws Exception
	{
		final RandomAccessibleInterval< FloatType > image = ArrayImgs.floats( new float[] { 1, 2, 3, 4, 5, 6 }, 3, 2 );
		final RandomAccessible< FloatType > mirrored = new ExtendedRandomAccessibleInterval<>( image,
				new OutOfBoundsMirrorFactory< FloatType, RandomAccessibleInterval< FloatType > >( OutOfBoundsMirrorFactory.Boundary.SINGLE )
				{
					@Override
					public OutOfBoundsMirrorDoubleBoundary< FloatType > create( final RandomAccessibleInterval< FloatType > source )
					{
						return new OutOfBoundsMirrorDoubleBoundary<>( source );
					}
				} );
		try (final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue())
		{
			for ( final RandomAccessible< FloatType > view : Arrays.asList( mirrored, Converters.convert( mirrored, ( in, out ) -> out.set( in ), new FloatType() ) ) )
			{
				final PythonCacheLoader< FloatType, ? > loader = PythonCacheLoader.fromRandomAccessibles( new CellGrid( new long[] { 5, 3 }, new int[] { 4, 2 } ), queue,
						"block.data[...] = block.inputs[0]", new FloatType(), Collections.singletonList( view ) );
				final CachedCellImg< FloatType, ? > result = loader.createCachedCellImg( 100 );
				assertSamePixels( Views.interval( view, result ), result );
			}
		}
	}

	@Test
	void axesOfLengthOneAreMirrored() throws Exception
	{
		final Halo halo = new Halo( 3, 2, 1 );
		try (final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue( 2, INIT ))
		{
			for ( final long[] dims : new long[][] { { 16, 1, 20 }, { 1, 16, 20 }, { 16, 20, 1 }, { 1, 1, 1 } } )
				for ( final Storage storage : new Storage[] { Storage.ARRAY, Storage.ARRAY_IN_NATIVE_BUFFER, Storage.PLANES, Storage.CELLS, Storage.PYTHON } )
				{
					final CellGrid grid = new CellGrid( dims, new int[] { 7, 7, 7 } );
					final RandomAccessibleInterval< FloatType > image = TestImages.create( storage, new FloatType(), dims, new int[] { 8, 8, 8 }, 5, queue );
					final RandomAccessibleInterval< FloatType > converted = Converters.convert( image, ( in, out ) -> out.set( in ), new FloatType() );
					for ( final RandomAccessible< FloatType > mirrored : Arrays.asList( Views.extendMirrorSingle( image ), Views.extendMirrorSingle( converted ) ) )
					{
						final PythonCacheLoader< FloatType, ? > loader = PythonCacheLoader.fromRandomAccessibles( grid, queue,
								"a = image('float32', " + TestImages.numpy( dims ) + ", 5)\n"
										+ "verify(block, 0, np.pad(a, [(h, h) for h in (1, 2, 3)], mode='reflect'), (1, 2, 3), (1, 2, 3))\n"
										+ "block.data[...] = block.inputs[0][block.halo]",
								new FloatType(), halo, Collections.singletonList( mirrored ) );
						assertSamePixels( image, loader.createCachedCellImg( 100 ) );
					}
				}
		}
	}

	@Test
	void pixelsThatAreNotInAnyStorageAreCopiedOneByOne() throws Exception
	{
		final ArrayImg< FloatType, ? > image = TestImages.computed( 9, 5 );
		try (final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue())
		{
			for ( final RandomAccessible< FloatType > view : Arrays.asList( image, Views.extendZero( image ), Views.permute( Views.extendPeriodic( image ), 0, 1 ) ) )
			{
				final PythonCacheLoader< FloatType, ? > loader = PythonCacheLoader.fromRandomAccessibles( new CellGrid( new long[] { 9, 5 }, new int[] { 4, 4 } ), queue,
						"block.data[...] = block.inputs[0]", new FloatType(), Collections.singletonList( view ) );
				final CachedCellImg< FloatType, ? > result = loader.createCachedCellImg( 100 );
				assertSamePixels( Views.interval( view, result ), result );
				assertEquals( InputWay.PIXELS, loader.getInputWay( 0, 0 ) );
			}
		}
	}

	private static void check( final int number, final PythonCacheLoaderQueue queue )
	{
		final Case images = new Case( new Random( 20_000L + number ), queue );
		try
		{
			images.check();
		}
		catch ( final Throwable t )
		{
			throw new AssertionError( "-Dcase=" + number + ": " + images + "\n" + root( t ), t );
		}
	}

	private static Throwable root( final Throwable t )
	{
		return t.getCause() == null ? t : root( t.getCause() );
	}

	/**
	 * An image that is computed, and its inputs.
	 */
	private static final class Case
	{
		private final Random random;

		private final PythonCacheLoaderQueue queue;

		private final CellGrid grid;

		private final Halo halo;

		private final List< Input > inputs = new ArrayList<>();

		Case( final Random random, final PythonCacheLoaderQueue queue )
		{
			this.random = random;
			this.queue = queue;
			final int n = 1 + random.nextInt( 5 );
			final int maxDim = new int[] { 0, 40, 12, 7, 5, 3 }[ n ];
			final int maxHalo = new int[] { 0, 30, 12, 6, 3, 2 }[ n ];
			final long[] dims = random.longs( n, 1, maxDim + 1 ).toArray();
			final int[] cell = new int[ n ];
			final int[] lower = new int[ n ];
			final int[] upper = new int[ n ];
			final boolean hasHalo = random.nextInt( 4 ) > 0;
			Halo candidate;
			do
			{
				for ( int d = 0; d < n; ++d )
				{
					// Any size from one pixel to more than the image.
					cell[ d ] = 1 + random.nextInt( ( int ) dims[ d ] + 2 );
					lower[ d ] = hasHalo && random.nextInt( 3 ) > 0 ? random.nextInt( Math.min( maxHalo, 3 * cell[ d ] ) + 1 ) : 0;
					upper[ d ] = hasHalo && random.nextInt( 3 ) > 0 ? random.nextInt( Math.min( maxHalo, 3 * cell[ d ] ) + 1 ) : 0;
				}
				candidate = new Halo( lower, upper );
			}
			while ( isTooLarge( new CellGrid( dims, cell ), candidate ) );
			grid = new CellGrid( dims, cell );
			halo = candidate;
			final Interval covers = halo.extendInterval( new FinalInterval( dims ) );
			for ( int i = 1 + random.nextInt( 3 ); i > 0; --i )
				inputs.add( new Input( random, grid, covers ) );
		}

		private static boolean isTooLarge( final CellGrid grid, final Halo halo )
		{
			final long cells = Intervals.numElements( grid.getGridDimensions() );
			final int[] cell = new int[ grid.numDimensions() ];
			grid.cellDimensions( cell );
			return cells > 12 || Intervals.numElements( halo.extendInterval( new FinalInterval( grid.getImgDimensions() ) ) ) > MAX_PIXELS
					|| cells * Intervals.numElements( halo.extendInterval( new FinalInterval( Util.int2long( cell ) ) ) ) > MAX_PIXELS_OF_BLOCKS;
		}

		void check() throws Exception
		{
			final Input first = inputs.get( 0 );
			check( Cast.unchecked( first.type ) );
		}

		private < T extends NativeType< T > > void check( final T type ) throws Exception
		{
			final List< RandomAccessible< ? extends NativeType< ? > > > views = new ArrayList<>();
			final StringBuilder code = new StringBuilder( "if 'wanted' not in globals():\n    wanted = []\n" );
			for ( final Input input : inputs )
			{
				views.add( Cast.unchecked( input.create( queue ) ) );
				code.append( input.numpy() );
			}
			code.append( "for i, (a, known, smallest, largest) in enumerate(wanted):\n    verify(block, i, a, " )
					.append( TestImages.numpy( Util.int2long( halo.getLowerCopy() ) ) ).append( ", " ).append( TestImages.numpy( Util.int2long( halo.getUpperCopy() ) ) )
					.append( ", known, smallest, largest)\nblock.data[...] = block.inputs[0][block.halo]\n" );
			final ArrayDataAccess< ? > access = TestImages.access( random.nextBoolean() ? Data.NATIVE : Data.ARRAYS, type, 1 );
			final PythonCacheLoader< T, ? > loader = loader( type, access, code.toString(), views );
			final CachedCellImg< T, ? > result = loader.createCachedCellImg( 1000 );
			if ( inputs.get( 0 ).isRandom() )
				for ( final Cursor< T > cursor = result.cursor(); cursor.hasNext(); )
					cursor.next();
			else
				assertSamePixels( Views.interval( Cast.< RandomAccessible< T > >unchecked( views.get( 0 ) ), result ), result );
			for ( long cell = 0; cell < Intervals.numElements( grid.getGridDimensions() ); ++cell )
				for ( int i = 0; i < inputs.size(); ++i )
					inputs.get( i ).checkWay( loader.getInputWay( i, cell ), padded( cell ), Cast.unchecked( views.get( i ) ), "input " + i + " of cell " + cell );
		}

		private < T extends NativeType< T >, A extends ArrayDataAccess< A > > PythonCacheLoader< T, A > loader(
				final T type,
				final Object access,
				final String code,
				final List< RandomAccessible< ? extends NativeType< ? > > > views )
		{
			return PythonCacheLoader.fromRandomAccessibles( grid, queue, code, type, Cast.< A >unchecked( access ), halo, views );
		}

		private Interval padded( final long cell )
		{
			final long[] min = new long[ grid.numDimensions() ];
			final int[] dims = new int[ grid.numDimensions() ];
			grid.getCellDimensions( cell, min, dims );
			return halo.extendInterval( FinalInterval.createMinSize( min, Util.int2long( dims ) ) );
		}

		@Override
		public String toString()
		{
			return grid + " " + halo + "\n" + inputs.stream().map( Input::toString ).collect( Collectors.joining( "\n" ) );
		}
	}

	private static < T extends NativeType< T > > void assertSamePixels( final RandomAccessibleInterval< T > expected, final RandomAccessibleInterval< T > actual )
	{
		// Positions are set, not moved from pixel to pixel: ImgLib2's moves can be wrong.
		final RandomAccess< T > wanted = expected.randomAccess();
		for ( final Cursor< T > cursor = Views.flatIterable( actual ).localizingCursor(); cursor.hasNext(); )
		{
			final T got = cursor.next();
			final T want = wanted.setPositionAndGet( cursor );
			if ( !want.valueEquals( got ) )
				assertEquals( want.toString(), got.toString(), "output at " + Arrays.toString( cursor.positionAsLongArray() ) );
		}
	}

	/**
	 * An image and the views that make it an input.
	 */
	private static final class Input
	{
		private final Random random;

		// From the outermost view to the one of the image itself.
		private final List< Step > steps = new ArrayList<>();

		final NativeType< ? > type;

		private final NativeType< ? > rootType;

		private final Storage storage;

		private final long[] rootDims;

		private final int[] rootCell;

		private final Interval rootNeed;

		private final int salt;

		Input( final Random random, final CellGrid grid, final Interval covers )
		{
			this.random = random;
			salt = random.nextInt( 1000 );
			type = TestPixels.randomType( random );
			storage = Storage.values()[ random.nextInt( Storage.values().length ) ];

			Interval need = covers;
			NativeType< ? > typeHere = type;
			if ( random.nextInt( 5 ) < 3 )
				need = add( Step.extend( random, need, typeHere, grid.getImgDimensions() ) );
			final int numSteps = random.nextInt( 5 );
			final boolean slow = random.nextInt( 8 ) == 0;
			for ( int i = 0; i < numSteps; ++i )
			{
				final Step step = Step.random( random, need, typeHere, slow );
				if ( step == null || Intervals.numElements( step.sourceNeed ) > MAX_PIXELS )
					continue;
				need = add( step );
				typeHere = step.sourceType;
			}

			rootType = typeHere;
			final int m = need.numDimensions();
			final long[] low = new long[ m ];
			rootDims = new long[ m ];
			final long[] translation = new long[ m ];
			final boolean tight = random.nextBoolean();
			final boolean noTranslation = tight ? Arrays.stream( need.minAsLongArray() ).allMatch( min -> min == 0 ) : random.nextBoolean() && Arrays.stream( need.minAsLongArray() ).allMatch( min -> min >= 0 && min < 3 );
			for ( int d = 0; d < m; ++d )
			{
				low[ d ] = noTranslation ? need.min( d ) : tight ? 0 : random.nextInt( 3 );
				rootDims[ d ] = low[ d ] + need.dimension( d ) + ( tight ? 0 : random.nextInt( 3 ) );
				translation[ d ] = need.min( d ) - low[ d ];
			}
			if ( !noTranslation )
				need = add( new Step( Kind.TRANSLATE, need, typeHere, translation ) );
			rootNeed = need;
			rootCell = new int[ m ];
			final int maxCells = storage == Storage.PYTHON ? 8 : 40;
			do
			{
				if ( m == grid.numDimensions() && random.nextInt( 5 ) < 2 && Intervals.numElements( rootDims ) < 200 )
					grid.cellDimensions( rootCell );
				else
					for ( int d = 0; d < m; ++d )
						rootCell[ d ] = 1 + random.nextInt( ( int ) rootDims[ d ] + 1 );
			}
			while ( Intervals.numElements( new CellGrid( rootDims, rootCell ).getGridDimensions() ) > maxCells );
		}

		private Interval add( final Step step )
		{
			steps.add( step );
			return step.sourceNeed;
		}

		boolean isRandom()
		{
			return steps.stream().anyMatch( step -> step.extension == Extension.RANDOM );
		}

		RandomAccessible< ? > create( final PythonCacheLoaderQueue queue )
		{
			RandomAccessible< ? > view = TestImages.create( storage, Cast.unchecked( rootType ), rootDims, rootCell, salt, queue );
			for ( int i = steps.size() - 1; i >= 0; --i )
				view = Cast.unchecked( steps.get( i ).apply( Cast.unchecked( view ), random ) );
			return view;
		}

		/**
		 * @return Python code that appends the view
		 */
		String numpy()
		{
			final StringBuilder code = new StringBuilder();
			final long[] max = rootDims.clone();
			for ( int d = 0; d < max.length; ++d )
				max[ d ] -= 1 + rootNeed.max( d );
			line( code, "a = cut(image('" + TestPixels.kind( rootType ) + "', " + TestImages.numpy( rootDims ) + ", " + salt + "), " + TestImages.numpy( rootNeed.minAsLongArray() ) + ", " + TestImages.numpy( max ) + ")" );
			line( code, isRandom() ? "known = np.ones(a.shape, bool)" : "known = None" );
			for ( int i = steps.size() - 1; i >= 0; --i )
			{
				final String change = steps.get( i ).numpy( "a" );
				if ( change != null )
					line( code, "a = " + change );
				if ( isRandom() && steps.get( i ).numpyOfKnown() != null )
					line( code, "known = " + steps.get( i ).numpyOfKnown() );
			}
			line( code, "wanted.append((a, known, " + Step.RANDOM_MIN + ", " + Step.RANDOM_MAX + "))" );
			return code.toString();
		}

		private static void line( final StringBuilder code, final String line )
		{
			code.append( "    " ).append( line ).append( "\n" );
		}

		< T extends NativeType< T > > void checkWay( final InputWay way, final Interval padded, final RandomAccessible< T > view, final String what )
		{
			final List< InputWay > expected = waysOf( padded, view );
			assertTrue( expected.contains( way ), () -> what + " travelled by " + way + ", expected " + expected );
		}

		/**
		 * The rule. If an image describes its cells wrongly, the way depends on whether the cells have
		 * been looked at.
		 */
		private < T extends NativeType< T > > List< InputWay > waysOf( final Interval padded, final RandomAccessible< T > view )
		{
			if ( TestPixels.isPacked( type ) )
				return Collections.singletonList( InputWay.PIXELS );
			final boolean slow = steps.stream().anyMatch( Step::isSlow );
			if ( !slow && !ALWAYS_COPIED && isInOneNativePiece( padded ) )
				return Collections.singletonList( InputWay.ZERO_COPY );
			final InputWay withoutBlocks = !slow && canCopyCells( padded ) ? InputWay.CELLS : InputWay.PIXELS;
			if ( !isSupportedByBlocks( view ) )
				return Collections.singletonList( withoutBlocks );
			if ( mirrorsASinglePixel() || extendsAnAxisThatTheRootLacks() )
				// Boolean arrays are copied pixel by pixel.
				return storage == Storage.SAYS_ARRAYS_HAS_BOTH ? Arrays.asList( InputWay.CELLS, withoutBlocks ) : Collections.singletonList( withoutBlocks );
			switch ( storage )
			{
			case ARRAY:
			case PLANES:
			case CELLS:
			case CACHED_ARRAYS:
				return Collections.singletonList( InputWay.BLOCKS );
			case SAYS_ARRAYS_HAS_BOTH:
				return Arrays.asList( InputWay.BLOCKS, InputWay.CELLS, withoutBlocks );
			case SAYS_ARRAYS_HAS_BUFFERS:
				// Perhaps no cell has been looked at.
				return Arrays.asList( withoutBlocks, withoutBlocks == InputWay.PIXELS ? InputWay.BLOCKS : withoutBlocks );
			default:
				return Collections.singletonList( withoutBlocks );
			}
		}

		private boolean mirrorsASinglePixel()
		{
			return steps.stream().anyMatch( step -> step.extension == Extension.MIRROR_SINGLE ) && Arrays.stream( rootDims ).anyMatch( dim -> dim == 1 );
		}

		private boolean extendsAnAxisThatTheRootLacks()
		{
			for ( int i = 0; i < steps.size(); ++i )
				if ( steps.get( i ).kind == Kind.EXTEND && hasAxisThatTheRootLacks( steps.get( i ).sourceNeed.numDimensions(), steps.subList( i, steps.size() ) ) )
					return true;
			return false;
		}

		private static < T extends NativeType< T > > boolean isSupportedByBlocks( final RandomAccessible< T > view )
		{
			try
			{
				PrimitiveBlocks.of( view, OnFallback.FAIL );
				return true;
			}
			catch ( final IllegalArgumentException | ClassCastException e )
			{
				return false;
			}
		}

		private boolean isInOneNativePiece( final Interval padded )
		{
			Interval box = padded;
			for ( final Step step : steps )
			{
				if ( step.kind == Kind.EXTEND && !Intervals.contains( step.sourceNeed, box ) )
					return false;
				box = step.toSource( box );
			}
			final int[] piece = Util.long2int( rootDims );
			if ( storage.isPlanes() )
				Arrays.fill( piece, Math.min( 2, piece.length ), piece.length, 1 );
			else if ( !storage.isOneArray() )
				System.arraycopy( rootCell, 0, piece, 0, piece.length );
			for ( int d = 0; d < piece.length; ++d )
				if ( box.min( d ) / piece[ d ] != box.max( d ) / piece[ d ] )
					return false;
			final Data data = storage.of( indexOfPiece( box, piece ) );
			// Bytes have no order in Python, and Jep has no char arrays.
			if ( data == Data.BIG_ENDIAN )
				return rootType.getNativeTypeFactory().getPrimitiveType().getByteCount() == 1;
			return data == Data.NATIVE && ( !( rootType instanceof BasePairCharType ) || storage == Storage.PYTHON );
		}

		private long indexOfPiece( final Interval box, final int[] piece )
		{
			final CellGrid pieces = new CellGrid( rootDims, piece );
			final long[] position = new long[ piece.length ];
			pieces.getCellPosition( box.minAsLongArray(), position );
			return IntervalIndexer.positionToIndex( position, pieces.getGridDimensions() );
		}

		private boolean canCopyCells( final Interval padded )
		{
			boolean any = false;
			boolean all = true;
			for ( final Cursor< ? > cursor = Intervals.positions( padded ).cursor(); cursor.hasNext(); )
			{
				cursor.fwd();
				final boolean isRoots = isRoots( cursor.positionAsLongArray() );
				any |= isRoots;
				all &= isRoots;
			}
			if ( !any || !all && hasAxisThatTheRootLacks( padded.numDimensions(), steps ) )
				return false;
			return !( rootType instanceof NativeBoolType ) || storage.of( 0 ) != Data.ARRAYS;
		}

		private boolean isRoots( final long[] position )
		{
			long[] x = position;
			for ( final Step step : steps )
			{
				if ( step.kind == Kind.EXTEND && !Intervals.contains( step.sourceNeed, new FinalInterval( x, x ) ) )
					return false;
				x = step.toSource( x );
			}
			return true;
		}

		private static boolean hasAxisThatTheRootLacks( final int n, final List< Step > steps )
		{
			for ( int d = 0; d < n; ++d )
			{
				long[] a = new long[ n ];
				long[] b = a.clone();
				b[ d ] = 1;
				for ( final Step step : steps )
				{
					a = step.toSource( a );
					b = step.toSource( b );
				}
				if ( Arrays.equals( a, b ) )
					return true;
			}
			return false;
		}

		@Override
		public String toString()
		{
			return type.getClass().getSimpleName() + " from " + storage + " of " + Arrays.toString( rootDims ) + " " + rootType.getClass().getSimpleName()
					+ " in cells of " + Arrays.toString( rootCell ) + " by " + steps;
		}
	}

	private enum Kind
	{
		EXTEND, INTERVAL, TRANSLATE, OFFSET, ZERO_MIN, PERMUTE, ROTATE, INVERT_AXIS, HYPER_SLICE, ADD_DIMENSION, FLUENT, IMG_VIEW, WRAPPED,
		SUBSAMPLE, STACK, CONVERT
	}

	private enum Extension
	{
		ZERO, VALUE, BORDER( "edge" ), MIRROR_SINGLE( "reflect" ), MIRROR_DOUBLE( "symmetric" ), PERIODIC( "wrap" ), OWN( "wrap" ), RANDOM;

		private final String numpyMode;

		Extension()
		{
			this( null );
		}

		Extension( final String numpyMode )
		{
			this.numpyMode = numpyMode;
		}
	}

	/**
	 * A view.
	 */
	private static final class Step
	{
		static final int RANDOM_MIN = 3;

		static final int RANDOM_MAX = 90;

		private static final int SALT_OF_VALUE = 77;

		final Kind kind;

		// Interval of the view.
		private final Interval need;

		private final NativeType< ? > type;

		private final long[] arguments;

		// Interval of the source of the view; all of it if that is extended.
		Interval sourceNeed;

		NativeType< ? > sourceType;

		Extension extension;

		Step( final Kind kind, final Interval need, final NativeType< ? > type, final long... arguments )
		{
			this.kind = kind;
			this.need = need;
			this.type = type;
			this.arguments = arguments;
			sourceType = type;
			sourceNeed = toSource( need );
		}

		static Step extend( final Random random, final Interval need, final NativeType< ? > type, final long[] likely )
		{
			final int n = need.numDimensions();
			final Step step = new Step( Kind.EXTEND, need, type );
			final long[] min = new long[ n ];
			final long[] max = new long[ n ];
			final int how = random.nextInt( 10 );
			for ( int d = 0; d < n; ++d )
			{
				final int size = ( int ) need.dimension( d );
				if ( likely != null && how < 5 )
				{
					max[ d ] = likely[ d ] - 1;
				}
				else if ( how < 7 )
				{
					min[ d ] = need.min( d ) - random.nextInt( 2 );
					max[ d ] = need.max( d ) + random.nextInt( 2 );
				}
				else
				{
					// With how == 9, the interval sometimes lacks all that is needed.
					min[ d ] = need.min( d ) + ( how < 9 ? random.nextInt( size + 2 ) - 2 : random.nextInt( 3 * size ) - 2 * size );
					max[ d ] = min[ d ] + random.nextInt( size );
				}
			}
			step.sourceNeed = new FinalInterval( min, max );
			do
				step.extension = Extension.values()[ random.nextInt( Extension.values().length ) ];
			while ( !step.extensionIsPossible() );
			return step;
		}

		private boolean extensionIsPossible()
		{
			switch ( extension )
			{
			case RANDOM:
				return type instanceof UnsignedByteType || type instanceof UnsignedShortType || type instanceof ShortType || type instanceof FloatType || type instanceof DoubleType;
			case ZERO:
				return type instanceof SetZero;
			default:
				return true;
			}
		}

		/**
		 * @return the view, or {@code null} if it is not possible
		 */
		static Step random( final Random random, final Interval need, final NativeType< ? > type, final boolean slow )
		{
			final int n = need.numDimensions();
			final Kind kind = Kind.values()[ random.nextInt( slow ? Kind.values().length : Kind.SUBSAMPLE.ordinal() ) ];
			switch ( kind )
			{
			case EXTEND:
				return extend( random, need, type, null );
			case TRANSLATE:
			case OFFSET:
				return new Step( kind, need, type, random.longs( n, -9, 10 ).toArray() );
			case ZERO_MIN:
				return Arrays.stream( need.minAsLongArray() ).anyMatch( min -> min < 0 ) ? null : new Step( kind, need, type, random.longs( n, -9, 10 ).toArray() );
			case PERMUTE:
				return new Step( kind, need, type, random.nextInt( n ), random.nextInt( n ) );
			case ROTATE:
				final int from = random.nextInt( n );
				return n == 1 ? null : new Step( kind, need, type, from, ( from + 1 + random.nextInt( n - 1 ) ) % n );
			case INVERT_AXIS:
				return new Step( kind, need, type, random.nextInt( n ) );
			case HYPER_SLICE:
				return n > 5 ? null : new Step( kind, need, type, random.nextInt( n + 1 ), random.nextInt( 9 ) - 4 );
			case ADD_DIMENSION:
				return n == 1 ? null : new Step( kind, need, type );
			case STACK:
				return n == 1 || need.min( n - 1 ) < 0 || need.max( n - 1 ) > 7 ? null : new Step( kind, need, type );
			case SUBSAMPLE:
				return new Step( kind, need, type, random.longs( n, 1, 3 ).toArray() );
			case CONVERT:
				if ( !( type instanceof FloatType || type instanceof DoubleType ) )
					return null;
				final Step step = new Step( kind, need, type );
				step.sourceType = random.nextBoolean() ? new UnsignedByteType() : random.nextBoolean() ? new ShortType() : new UnsignedShortType();
				return step;
			default:
				return new Step( kind, need, type );
			}
		}

		boolean isSlow()
		{
			return kind == Kind.SUBSAMPLE || kind == Kind.STACK || kind == Kind.CONVERT;
		}

		long[] toSource( final long[] x )
		{
			final int n = x.length;
			final long[] y = x.clone();
			switch ( kind )
			{
			case TRANSLATE:
				for ( int d = 0; d < n; ++d )
					y[ d ] -= arguments[ d ];
				return y;
			case OFFSET:
			case ZERO_MIN:
				for ( int d = 0; d < n; ++d )
					y[ d ] += arguments[ d ];
				return y;
			case SUBSAMPLE:
				for ( int d = 0; d < n; ++d )
					y[ d ] *= arguments[ d ];
				return y;
			case PERMUTE:
				y[ axis( 0 ) ] = x[ axis( 1 ) ];
				y[ axis( 1 ) ] = x[ axis( 0 ) ];
				return y;
			case ROTATE:
				y[ axis( 0 ) ] = x[ axis( 1 ) ];
				y[ axis( 1 ) ] = -x[ axis( 0 ) ];
				return y;
			case INVERT_AXIS:
				y[ axis( 0 ) ] *= -1;
				return y;
			case HYPER_SLICE:
				final long[] inserted = Arrays.copyOf( x, n + 1 );
				System.arraycopy( x, axis( 0 ), inserted, axis( 0 ) + 1, n - axis( 0 ) );
				inserted[ axis( 0 ) ] = arguments[ 1 ];
				return inserted;
			case ADD_DIMENSION:
			case STACK:
				return Arrays.copyOf( x, n - 1 );
			default:
				return y;
			}
		}

		private int axis( final int argument )
		{
			return ( int ) arguments[ argument ];
		}

		Interval toSource( final Interval interval )
		{
			final long[] a = toSource( interval.minAsLongArray() );
			final long[] b = toSource( interval.maxAsLongArray() );
			final long[] min = a.clone();
			final long[] max = b.clone();
			for ( int d = 0; d < a.length; ++d )
			{
				min[ d ] = Math.min( a[ d ], b[ d ] );
				max[ d ] = Math.max( a[ d ], b[ d ] );
			}
			return new FinalInterval( min, max );
		}

		/**
		 * @return expression for the view of an array; {@code null} if the view is the array itself
		 */
		String numpy( final String a )
		{
			final int last = need.numDimensions() - 1;
			switch ( kind )
			{
			case PERMUTE:
				return a + ".swapaxes(" + ( last - arguments[ 0 ] ) + ", " + ( last - arguments[ 1 ] ) + ")";
			case ROTATE:
				return "np.flip(" + a + ".swapaxes(" + ( last - arguments[ 0 ] ) + ", " + ( last - arguments[ 1 ] ) + "), " + ( last - arguments[ 0 ] ) + ")";
			case INVERT_AXIS:
				return "np.flip(" + a + ", " + ( last - arguments[ 0 ] ) + ")";
			case HYPER_SLICE:
				return a + ".take(0, " + ( last + 1 - arguments[ 0 ] ) + ")";
			case ADD_DIMENSION:
			case STACK:
				return "add_axis(" + a + ", " + need.dimension( last ) + ")";
			case SUBSAMPLE:
				final StringBuilder slices = new StringBuilder();
				for ( int d = last; d >= 0; --d )
					slices.append( "::" ).append( arguments[ d ] ).append( "," );
				return a + "[" + slices + "]";
			case CONVERT:
				return a + ".astype('" + TestPixels.kind( type ) + "')";
			case EXTEND:
				switch ( extension )
				{
				case ZERO:
				case RANDOM:
					return padded( a, "pad_with", "0" );
				case VALUE:
					return padded( a, "pad_with", "pixels('" + TestPixels.kind( type ) + "', 1, " + SALT_OF_VALUE + ")[0]" );
				default:
					return padded( a, "pad", "'" + extension.numpyMode + "'" );
				}
			default:
				return null;
			}
		}

		/**
		 * @return expression for the pixels that are not random
		 */
		String numpyOfKnown()
		{
			if ( kind == Kind.CONVERT )
				return null;
			if ( kind != Kind.EXTEND )
				return numpy( "known" );
			if ( extension.numpyMode != null )
				return padded( "known", "pad", "'" + extension.numpyMode + "'" );
			return padded( "known", "pad_with", extension == Extension.RANDOM ? "False" : "True" );
		}

		private String padded( final String a, final String function, final String how )
		{
			final int n = need.numDimensions();
			final long[] padLower = new long[ n ];
			final long[] padUpper = new long[ n ];
			final long[] cutLower = new long[ n ];
			final long[] cutUpper = new long[ n ];
			for ( int d = 0; d < n; ++d )
			{
				padLower[ d ] = Math.max( 0, sourceNeed.min( d ) - need.min( d ) );
				cutLower[ d ] = Math.max( 0, need.min( d ) - sourceNeed.min( d ) );
				padUpper[ d ] = Math.max( 0, need.max( d ) - sourceNeed.max( d ) );
				cutUpper[ d ] = Math.max( 0, sourceNeed.max( d ) - need.max( d ) );
			}
			return "cut(" + function + "(" + a + ", " + TestImages.numpy( padLower ) + ", " + TestImages.numpy( padUpper ) + ", " + how + "), "
					+ TestImages.numpy( cutLower ) + ", " + TestImages.numpy( cutUpper ) + ")";
		}

		< T extends NativeType< T > > RandomAccessible< T > apply( final RandomAccessible< T > source, final Random random )
		{
			if ( source instanceof RandomAccessibleInterval && random.nextBoolean() )
			{
				final RandomAccessibleInterval< T > bounded = Cast.unchecked( source );
				switch ( kind )
				{
				case TRANSLATE:
					return Views.translate( bounded, arguments );
				case OFFSET:
					return Views.offset( bounded, arguments );
				case PERMUTE:
					return Views.permute( bounded, axis( 0 ), axis( 1 ) );
				case ROTATE:
					return Views.rotate( bounded, axis( 0 ), axis( 1 ) );
				case INVERT_AXIS:
					return Views.invertAxis( bounded, axis( 0 ) );
				case HYPER_SLICE:
					return Views.hyperSlice( bounded, axis( 0 ), arguments[ 1 ] );
				case ADD_DIMENSION:
					final int last = need.numDimensions() - 1;
					return Views.addDimension( bounded, need.min( last ), need.max( last ) );
				case FLUENT:
					return bounded.view();
				case CONVERT:
					return convert( bounded );
				case EXTEND:
					if ( Intervals.equals( bounded, sourceNeed ) )
						return extend( bounded );
					break;
				default:
				}
			}
			switch ( kind )
			{
			case TRANSLATE:
				return Views.translate( source, arguments );
			case OFFSET:
				return Views.offset( source, arguments );
			case PERMUTE:
				return Views.permute( source, axis( 0 ), axis( 1 ) );
			case ROTATE:
				return Views.rotate( source, axis( 0 ), axis( 1 ) );
			case INVERT_AXIS:
				return Views.invertAxis( source, axis( 0 ) );
			case HYPER_SLICE:
				return Views.hyperSlice( source, axis( 0 ), arguments[ 1 ] );
			case ADD_DIMENSION:
				return Views.addDimension( source );
			case FLUENT:
				return source.view();
			case CONVERT:
				return convert( source );
			case EXTEND:
				return extend( Views.interval( source, sourceNeed ) );
			case INTERVAL:
				return Views.interval( source, random.nextBoolean() ? need : Intervals.expand( need, 1 ) );
			case ZERO_MIN:
				return Views.zeroMin( Views.interval( source, new FinalInterval( arguments, sourceNeed.maxAsLongArray() ) ) );
			case IMG_VIEW:
				return ImgView.wrap( Views.interval( source, need ) );
			case WRAPPED:
				return new Wrapper<>( ImgView.wrap( Views.interval( source, need ) ) );
			case SUBSAMPLE:
				return Views.subsample( source, arguments );
			case STACK:
				return Views.stack( Collections.nCopies( ( int ) need.max( need.numDimensions() - 1 ) + 1, Views.interval( source, sourceNeed ) ) );
			default:
				throw new IllegalStateException( kind.name() );
			}
		}

		private < T extends NativeType< T > > RandomAccessible< T > extend( final RandomAccessibleInterval< T > source )
		{
			switch ( extension )
			{
			case ZERO:
				return Views.extendValue( source, zero() );
			case VALUE:
				final NativeType< ? > value = type.createVariable();
				TestPixels.set( value, 0, SALT_OF_VALUE );
				return Views.extendValue( source, Cast.< T >unchecked( value ) );
			case BORDER:
				return Views.extendBorder( source );
			case MIRROR_SINGLE:
				return Views.extendMirrorSingle( source );
			case MIRROR_DOUBLE:
				return Views.extendMirrorDouble( source );
			case PERIODIC:
				return Views.extendPeriodic( source );
			case OWN:
				return Views.extend( source, new OwnExtension<>() );
			default:
				return extendRandom( Cast.unchecked( source ) );
			}
		}

		private < T extends NativeType< T > > T zero()
		{
			final Object zero = type.createVariable();
			( ( SetZero ) zero ).setZero();
			return Cast.unchecked( zero );
		}

		private static < S extends NativeType< S > & RealType< S >, T > RandomAccessible< T > extendRandom( final RandomAccessibleInterval< S > source )
		{
			return Cast.unchecked( Views.extendRandom( source, RANDOM_MIN, RANDOM_MAX ) );
		}

		private < T > RandomAccessible< T > convert( final RandomAccessible< ? > source )
		{
			return Cast.unchecked( converted( Cast.unchecked( source ), Cast.unchecked( type ) ) );
		}

		private static < S extends RealType< S >, T extends NativeType< T > & RealType< T > > RandomAccessible< T > converted( final RandomAccessible< S > source, final T type )
		{
			if ( source instanceof RandomAccessibleInterval )
				return Converters.convert( Cast.< RandomAccessibleInterval< S > >unchecked( source ), ( in, out ) -> out.setReal( in.getRealDouble() ), type );
			return Converters.convert( source, ( in, out ) -> out.setReal( in.getRealDouble() ), type );
		}

		@Override
		public String toString()
		{
			return kind + ( extension == null ? "" : " " + extension + " of " + Intervals.toString( sourceNeed ) ) + ( arguments.length == 0 ? "" : " " + Arrays.toString( arguments ) )
					+ ( sourceType == type ? "" : " of " + sourceType.getClass().getSimpleName() );
		}
	}

	/**
	 * A periodic image that cannot be recognised as periodic.
	 */
	private static final class OwnExtension< T > implements OutOfBoundsFactory< T, RandomAccessibleInterval< T > >
	{
		private final OutOfBoundsFactory< T, RandomAccessibleInterval< T > > periodic = new OutOfBoundsPeriodicFactory<>();

		@Override
		public OutOfBounds< T > create( final RandomAccessibleInterval< T > source )
		{
			return periodic.create( source );
		}
	}

	/**
	 * Like images of other libraries, for instance those in shared memory.
	 */
	private static final class Wrapper< T > implements RandomAccessibleInterval< T >, WrappedImg< T >
	{
		private final Img< T > img;

		Wrapper( final Img< T > img )
		{
			this.img = img;
		}

		@Override
		public Img< T > getImg()
		{
			return img;
		}

		@Override
		public int numDimensions()
		{
			return img.numDimensions();
		}

		@Override
		public long min( final int d )
		{
			return img.min( d );
		}

		@Override
		public long max( final int d )
		{
			return img.max( d );
		}

		@Override
		public T getType()
		{
			return img.getType();
		}

		@Override
		public RandomAccess< T > randomAccess()
		{
			return img.randomAccess();
		}

		@Override
		public RandomAccess< T > randomAccess( final Interval interval )
		{
			return img.randomAccess( interval );
		}
	}
}
