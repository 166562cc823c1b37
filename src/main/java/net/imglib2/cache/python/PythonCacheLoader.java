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

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Objects;

import jep.DirectNDArray;
import net.imglib2.FinalInterval;
import net.imglib2.Interval;
import net.imglib2.RandomAccessible;
import net.imglib2.cache.CacheLoader;
import net.imglib2.cache.LoaderCache;
import net.imglib2.cache.img.CachedCellImg;
import net.imglib2.cache.python.block.CopiedInput;
import net.imglib2.cache.python.interpreter.BlockResult;
import net.imglib2.cache.python.interpreter.Snippet;
import net.imglib2.cache.python.type.PixelType;
import net.imglib2.cache.ref.GuardedStrongRefLoaderCache;
import net.imglib2.img.basictypeaccess.nio.BufferAccess;
import net.imglib2.img.cell.Cell;
import net.imglib2.img.cell.CellGrid;
import net.imglib2.type.NativeType;
import net.imglib2.util.Cast;
import net.imglib2.util.Intervals;
import net.imglib2.util.Util;

/**
 * Computes the cells of a {@link CachedCellImg} by Python code.
 *
 * <pre>{@code
 * final CellGrid grid = new CellGrid( new long[] { 512, 512, 100 }, new int[] { 64, 64, 64 } );
 * final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue( 2, "from scipy import ndimage" );
 * final PythonCacheLoader< FloatType, ? extends BufferAccess< ? > > loader = PythonCacheLoader.fromRandomAccessibles(
 * 		grid, queue,
 * 		"block.data[...] = ndimage.gaussian_filter(block.inputs[0], 2)[block.halo]",
 * 		new FloatType(), new Halo( 8, 8, 8 ), Views.extendMirrorSingle( image ) );
 * final CachedCellImg< FloatType, ? extends BufferAccess< ? > > smooth = loader.createCachedCellImg( 100 );
 * }</pre>
 *
 * The code is one of
 * <ul>
 * <li>statements, which see the variable {@code block} and all that the queue's
 * init code defined ({@code np} is always there), and write into
 * {@code block.data};</li>
 * <li>a function reference {@code package.module:function}: the function gets
 * one array per input and returns an array of the cell's shape, or of the padded
 * shape, which is then cropped.</li>
 * </ul>
 * Axes are in reverse order in Python: ImgLib2's dimensions {@code {4, 3, 2}} are
 * numpy's shape {@code (2, 3, 4)}. Inputs are read-only there.
 * <p>
 * The code of each loader has a namespace of its own on each worker. Its
 * variables stay from block to block, but which worker computes which block is
 * not defined.
 * <p>
 * Thread-safe. Reading a cell blocks until it is computed. Where the code raises
 * an exception, the reader gets a {@link PythonCellException} (wrapped as the
 * cache does it), and the cell is computed again when it is read again.
 *
 * @param <T>
 * 		pixel type of the image: byte, short, int or long, signed or unsigned,
 * 		float or double
 * @param <A>
 * 		access to the pixels of a cell, in direct memory of native byte order
 */
public final class PythonCacheLoader< T extends NativeType< T >, A extends BufferAccess< ? > > implements CacheLoader< Long, Cell< A > >
{
	private final CellGrid grid;

	private final PythonCacheLoaderQueue queue;

	private final T type;

	private final PixelType pixelType;

	private final A access;

	private final Halo halo;

	private final List< InputGenerator > inputs;

	private final Snippet snippet;

	private PythonCacheLoader(
			final CellGrid grid,
			final PythonCacheLoaderQueue queue,
			final String code,
			final T type,
			final A access,
			final Halo halo,
			final Collection< ? extends InputGenerator > inputs )
	{
		this.grid = grid;
		this.queue = Objects.requireNonNull( queue, "queue" );
		Objects.requireNonNull( code, "code" );
		this.type = type;
		pixelType = PixelType.of( Objects.requireNonNull( type, "type" ), "the image" );
		this.access = Objects.requireNonNull( access, "access" );
		final Class< ? > expected = pixelType.accessClass();
		if ( !expected.isInstance( access ) )
			throw new IllegalArgumentException( "access is a " + access.getClass().getSimpleName() + ", but pixels of " + type.getClass().getSimpleName()
					+ " need a " + expected.getSimpleName() );
		this.halo = halo;
		this.inputs = new ArrayList<>( inputs );
		for ( int i = 0; i < this.inputs.size(); ++i )
			Objects.requireNonNull( this.inputs.get( i ), "input " + i );
		// Fails here, not at the first block, where a block is too large for a buffer.
		pixelType.numBytes( halo.extendInterval( new FinalInterval( cellDimensions( grid ) ) ).dimensionsAsLongArray() );
		snippet = queue.pool().register( code, this );
	}

	/**
	 * A loader with inputs that the caller makes.
	 *
	 * @param <T>
	 * 		pixel type
	 * @param <A>
	 * 		access to the pixels of a cell
	 * @param grid
	 * 		dimensions of the image and of its cells
	 * @param queue
	 * 		the interpreters that run the code
	 * @param code
	 * 		Python code, see above
	 * @param t
	 * 		pixel type of the image
	 * @param a
	 * 		any access of the kind that the cells shall have
	 * @param halo
	 * 		how much more than the cell the inputs show
	 * @param inputs
	 * 		make the entries of {@code block.inputs}, in this order
	 * @return the loader
	 * @throws IllegalArgumentException
	 * 		if numbers of axes differ, or the type or the access is not supported
	 * @throws PythonCodeException
	 * 		if the code is not valid Python
	 */
	public static < T extends NativeType< T >, A extends BufferAccess< A > > PythonCacheLoader< T, A > fromInputGenerators(
			final CellGrid grid,
			final PythonCacheLoaderQueue queue,
			final String code,
			final T t,
			final A a,
			final Halo halo,
			final Collection< ? extends InputGenerator > inputs )
	{
		requireSameDimensions( grid, halo );
		return new PythonCacheLoader<>( grid, queue, code, t, a, halo, Objects.requireNonNull( inputs, "inputs" ) );
	}

	/**
	 * See
	 * {@link #fromInputGenerators(CellGrid, PythonCacheLoaderQueue, String, NativeType, BufferAccess, Halo, Collection)}.
	 */
	public static < T extends NativeType< T >, A extends BufferAccess< A > > PythonCacheLoader< T, A > fromInputGenerators(
			final CellGrid grid,
			final PythonCacheLoaderQueue queue,
			final String code,
			final T t,
			final A a,
			final Halo halo,
			final InputGenerator... inputs )
	{
		return fromInputGenerators( grid, queue, code, t, a, halo, Arrays.asList( inputs ) );
	}

	/**
	 * A loader with images as inputs.
	 *
	 * @param <T>
	 * 		pixel type
	 * @param <A>
	 * 		access to the pixels of a cell
	 * @param grid
	 * 		dimensions of the image and of its cells
	 * @param queue
	 * 		the interpreters that run the code
	 * @param code
	 * 		Python code, see above
	 * @param t
	 * 		pixel type of the image
	 * @param a
	 * 		any access of the kind that the cells shall have
	 * @param halo
	 * 		how much more than the cell the inputs show
	 * @param inputs
	 * 		become {@code block.inputs}, in this order. A bounded one (not
	 * 		extended) must contain all cells with their halo.
	 * @return the loader
	 * @throws IllegalArgumentException
	 * 		if numbers of axes differ, the type, the access, or an input's type is
	 * 		not supported, or an input does not contain all that the blocks need
	 * @throws PythonCodeException
	 * 		if the code is not valid Python
	 */
	public static < T extends NativeType< T >, A extends BufferAccess< A > > PythonCacheLoader< T, A > fromRandomAccessibles(
			final CellGrid grid,
			final PythonCacheLoaderQueue queue,
			final String code,
			final T t,
			final A a,
			final Halo halo,
			final Collection< ? extends RandomAccessible< ? extends NativeType< ? > > > inputs )
	{
		return new PythonCacheLoader<>( grid, queue, code, t, a, halo, generators( grid, halo, inputs ) );
	}

	/**
	 * See
	 * {@link #fromRandomAccessibles(CellGrid, PythonCacheLoaderQueue, String, NativeType, BufferAccess, Halo, Collection)}.
	 */
	@SafeVarargs
	@SuppressWarnings( "varargs" )
	public static < T extends NativeType< T >, A extends BufferAccess< A > > PythonCacheLoader< T, A > fromRandomAccessibles(
			final CellGrid grid,
			final PythonCacheLoaderQueue queue,
			final String code,
			final T t,
			final A a,
			final Halo halo,
			final RandomAccessible< ? extends NativeType< ? > >... inputs )
	{
		return fromRandomAccessibles( grid, queue, code, t, a, halo, Arrays.asList( inputs ) );
	}

	/**
	 * See
	 * {@link #fromRandomAccessibles(CellGrid, PythonCacheLoaderQueue, String, NativeType, BufferAccess, Halo, Collection)};
	 * the access is the one that fits the type.
	 */
	public static < T extends NativeType< T > > PythonCacheLoader< T, ? extends BufferAccess< ? > > fromRandomAccessibles(
			final CellGrid grid,
			final PythonCacheLoaderQueue queue,
			final String code,
			final T t,
			final Halo halo,
			final Collection< ? extends RandomAccessible< ? extends NativeType< ? > > > inputs )
	{
		final BufferAccess< ? > access = PixelType.of( Objects.requireNonNull( t, "type" ), "the image" ).emptyAccess();
		return new PythonCacheLoader<>( grid, queue, code, t, access, halo, generators( grid, halo, inputs ) );
	}

	/**
	 * See
	 * {@link #fromRandomAccessibles(CellGrid, PythonCacheLoaderQueue, String, NativeType, BufferAccess, Halo, Collection)};
	 * the access is the one that fits the type.
	 */
	@SafeVarargs
	@SuppressWarnings( "varargs" )
	public static < T extends NativeType< T > > PythonCacheLoader< T, ? extends BufferAccess< ? > > fromRandomAccessibles(
			final CellGrid grid,
			final PythonCacheLoaderQueue queue,
			final String code,
			final T t,
			final Halo halo,
			final RandomAccessible< ? extends NativeType< ? > >... inputs )
	{
		return fromRandomAccessibles( grid, queue, code, t, halo, Arrays.asList( inputs ) );
	}

	/**
	 * See
	 * {@link #fromRandomAccessibles(CellGrid, PythonCacheLoaderQueue, String, NativeType, BufferAccess, Halo, Collection)};
	 * the access is the one that fits the type, there is no halo.
	 */
	public static < T extends NativeType< T > > PythonCacheLoader< T, ? extends BufferAccess< ? > > fromRandomAccessibles(
			final CellGrid grid,
			final PythonCacheLoaderQueue queue,
			final String code,
			final T t,
			final Collection< ? extends RandomAccessible< ? extends NativeType< ? > > > inputs )
	{
		return fromRandomAccessibles( grid, queue, code, t, Halo.empty( Objects.requireNonNull( grid, "grid" ).numDimensions() ), inputs );
	}

	/**
	 * See
	 * {@link #fromRandomAccessibles(CellGrid, PythonCacheLoaderQueue, String, NativeType, BufferAccess, Halo, Collection)};
	 * the access is the one that fits the type, there is no halo.
	 */
	@SafeVarargs
	@SuppressWarnings( "varargs" )
	public static < T extends NativeType< T > > PythonCacheLoader< T, ? extends BufferAccess< ? > > fromRandomAccessibles(
			final CellGrid grid,
			final PythonCacheLoaderQueue queue,
			final String code,
			final T t,
			final RandomAccessible< ? extends NativeType< ? > >... inputs )
	{
		return fromRandomAccessibles( grid, queue, code, t, Arrays.asList( inputs ) );
	}

	/**
	 * Computes a cell.
	 *
	 * @param key
	 * 		index of the cell in the grid
	 * @return the cell
	 * @throws PythonCellException
	 * 		if the code failed
	 * @throws PythonClosedException
	 * 		if the queue is closed
	 * @throws InterruptedException
	 * 		if this thread was interrupted while it waited
	 * @throws Exception
	 * 		what an {@link InputGenerator} threw
	 */
	@Override
	public Cell< A > get( final Long key ) throws Exception
	{
		final int n = grid.numDimensions();
		final long[] min = new long[ n ];
		final int[] dims = new int[ n ];
		grid.getCellDimensions( key, min, dims );
		final Interval interval = FinalInterval.createMinSize( min, Util.int2long( dims ) );
		final Interval padded = halo.extendInterval( interval );

		// On this thread: an input that is Python-backed itself must never wait
		// for an interpreter while it occupies one.
		final DirectNDArray< ? >[] arrays = new DirectNDArray< ? >[ inputs.size() ];
		for ( int i = 0; i < arrays.length; ++i )
			arrays[ i ] = requireShape( inputs.get( i ).createInputFor( padded ), i, padded );

		final ByteBuffer buffer = pixelType.allocate( interval.dimensionsAsLongArray() );
		final DirectNDArray< ? > data = pixelType.ndarray( buffer, InputGenerator.getNDArrayShape( interval ) );
		final BlockResult result = queue.pool().compute( snippet, key, interval, halo.getLowerCopy(), halo.getUpperCopy(), data, arrays );
		if ( result.failure() != null )
			throw new PythonCellException( key, interval, result.worker(), result.failure() );
		return new Cell<>( dims, min, Cast.unchecked( access.newInstance( buffer, true ) ) );
	}

	/**
	 * A lazy image of this loader's cells.
	 *
	 * @param loaderCache
	 * 		keeps the cells. Cells are in native memory, which the garbage
	 * 		collector does not count: bound the cache.
	 * @return the image
	 */
	public CachedCellImg< T, A > createCachedCellImg( final LoaderCache< Long, Cell< A > > loaderCache )
	{
		return new CachedCellImg<>( grid, type, loaderCache.withLoader( this ), access );
	}

	/**
	 * A lazy image of this loader's cells with a bounded cache.
	 *
	 * @param maximumSize
	 * 		number of cells to keep; more are kept only while they are in use
	 * @return the image
	 * @throws IllegalArgumentException
	 * 		if the number is negative
	 */
	public CachedCellImg< T, A > createCachedCellImg( final long maximumSize )
	{
		if ( maximumSize < 0 )
			throw new IllegalArgumentException( "maximum number of cells is " + maximumSize + ", expected 0 or more" );
		return createCachedCellImg( new GuardedStrongRefLoaderCache<>( maximumSize ) );
	}

	private static void requireSameDimensions( final CellGrid grid, final Halo halo )
	{
		Objects.requireNonNull( grid, "grid" );
		Objects.requireNonNull( halo, "halo" );
		if ( grid.numDimensions() != halo.numDimensions() )
			throw new IllegalArgumentException( "the grid has " + grid.numDimensions() + " axes, but " + halo + " has " + halo.numDimensions() );
	}

	private static List< InputGenerator > generators(
			final CellGrid grid,
			final Halo halo,
			final Collection< ? extends RandomAccessible< ? extends NativeType< ? > > > inputs )
	{
		requireSameDimensions( grid, halo );
		final Interval covers = halo.extendInterval( new FinalInterval( grid.getImgDimensions() ) );
		final List< InputGenerator > generators = new ArrayList<>();
		for ( final RandomAccessible< ? extends NativeType< ? > > input : Objects.requireNonNull( inputs, "inputs" ) )
		{
			final String what = "input " + generators.size();
			Objects.requireNonNull( input, what );
			generators.add( generator( input, what, covers ) );
		}
		return generators;
	}

	private static < T extends NativeType< T > > InputGenerator generator( final RandomAccessible< ? > input, final String what, final Interval covers )
	{
		return new CopiedInput< T >( Cast.unchecked( input ), what, covers );
	}

	private static DirectNDArray< ? > requireShape( final DirectNDArray< ? > array, final int i, final Interval padded )
	{
		final int[] shape = InputGenerator.getNDArrayShape( padded );
		if ( array == null )
			throw new NullPointerException( "input " + i + " is null for " + Intervals.toString( padded ) );
		if ( !Arrays.equals( array.getDimensions(), shape ) )
			throw new IllegalArgumentException( "input " + i + " has shape " + Arrays.toString( array.getDimensions() ) + " for "
					+ Intervals.toString( padded ) + ", expected " + Arrays.toString( shape ) );
		return array;
	}

	private static long[] cellDimensions( final CellGrid grid )
	{
		final int[] dims = new int[ grid.numDimensions() ];
		grid.cellDimensions( dims );
		return Util.int2long( dims );
	}
}
