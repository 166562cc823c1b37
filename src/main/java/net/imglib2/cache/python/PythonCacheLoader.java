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

import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Objects;

import net.imglib2.RandomAccessible;
import net.imglib2.cache.CacheLoader;
import net.imglib2.cache.img.CachedCellImg;
import net.imglib2.cache.python.block.BlockInput;
import net.imglib2.cache.python.block.BlockMemory;
import net.imglib2.cache.python.image.CellFailures;
import net.imglib2.cache.python.image.CellSpec;
import net.imglib2.cache.python.protocol.CellCode;
import net.imglib2.cache.python.type.PixelType;
import net.imglib2.img.basictypeaccess.array.ArrayDataAccess;
import net.imglib2.img.basictypeaccess.nio.BufferAccess;
import net.imglib2.img.cell.Cell;
import net.imglib2.img.cell.CellGrid;
import net.imglib2.type.NativeType;

/**
 * Computes the cells of a {@link CachedCellImg} by Python code.
 *
 * <pre>{@code
 * final CellGrid grid = new CellGrid( new long[] { 512, 512, 100 }, new int[] { 64, 64, 64 } );
 * final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue( 2, "from scipy import ndimage" );
 * final PythonCacheLoader< FloatType, ? extends BufferAccess< ? > > loader = PythonCacheLoader.fromRandomAccessibles(
 * 		grid, queue,
 * 		"block.data[...] = ndimage.gaussian_filter(block.inputs[0], 2)[block.halo]",
 * 		new FloatType(), new Halo( 8, 8, 8 ), Views.extendMirrorDouble( image ) );
 * final CachedCellImg< FloatType, ? extends BufferAccess< ? > > smooth = loader.createCachedCellImg( 100 );
 * }</pre>
 *
 * The code is one of
 * <ul>
 * <li>statements, which see the variable {@code block} and all names that the queue's
 * init code defined ({@code np} is always there), and write into
 * {@code block.data};</li>
 * <li>a function reference {@code package.module:function}: the function gets
 * one array per input and returns an array of the cell's shape, or of the padded
 * shape, which is then cropped.</li>
 * </ul>
 * Axes are in reverse order in Python: ImgLib2's dimensions {@code {4, 3, 2}} are
 * numpy's shape {@code (2, 3, 4)}. Inputs are read-only there.
 * <p>
 * At the border of the image, the code gets the pixels of the input's extension. The
 * result is the same as that of the code for the whole image only if the extension
 * does what the code does at a border: {@code Views.extendMirrorDouble} for most of
 * scipy and scikit-image ({@code mode="reflect"}, which numpy calls
 * {@code symmetric}), {@code Views.extendBorder} for {@code mode="nearest"},
 * {@code Views.extendMirrorSingle} for {@code mode="mirror"}, {@code Views.extendZero}
 * for {@code mode="constant"}.
 * <p>
 * The code of each loader has its own variables on each worker. They stay from block
 * to block, but it is not defined which worker computes which block.
 * <p>
 * Thread-safe. Reading a cell blocks until it is computed, and throws a
 * {@link PythonCellException} if the code fails: {@link #get} says when such a cell is
 * computed again.
 *
 * @param <T>
 * 		pixel type of the image: any {@code NativeType}, see {@code doc/types.md}
 * @param <A>
 * 		access to the pixels of a cell. A buffer access
 * 		({@code FloatBufferAccess}): native memory, which Python writes into and
 * 		reads as an input of other images without a copy, and which only a bounded
 * 		cache frees in time. An access to a primitive array ({@code FloatArray}):
 * 		ordinary memory of the JVM; each cell is copied once.
 */
public final class PythonCacheLoader< T extends NativeType< T >, A extends ArrayDataAccess< ? > > extends LazyCells< T, A > implements CacheLoader< Long, Cell< A > >
{
	private PythonCacheLoader( final PythonCacheLoaderQueue queue, final CellSpec< T, A > spec )
	{
		this( queue, spec, new CellFailures() );
	}

	/**
	 * @param failures
	 * 		when cells that failed are computed again
	 */
	PythonCacheLoader( final PythonCacheLoaderQueue queue, final CellSpec< T, A > spec, final CellFailures failures )
	{
		super( queue, spec, failures );
	}

	/**
	 * A loader with inputs that the caller makes. The other parameters, and the errors, are
	 * those of {@link #fromRandomAccessibles(CellGrid, PythonCacheLoaderQueue, String, NativeType, ArrayDataAccess, Halo, PythonLoaderOptions, Collection)};
	 * the options about inputs have no effect.
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
	 * @param options
	 * 		the settings
	 * @param inputs
	 * 		make the entries of {@code block.inputs}, in this order
	 * @return the loader
	 */
	public static < T extends NativeType< T >, A extends ArrayDataAccess< A > > PythonCacheLoader< T, A > fromInputGenerators(
			final CellGrid grid, final PythonCacheLoaderQueue queue, final String code, final T t, final A a, final Halo halo,
			final PythonLoaderOptions options, final Collection< ? extends InputGenerator > inputs )
	{
		return new PythonCacheLoader<>( queue, new CellSpec<>( grid, CellCode.of( Objects.requireNonNull( code, "code" ) ), t, a, halo, options, BlockInputs.ofGenerators( halo, inputs ) ) );
	}

	/**
	 * Short form with default options: {@link #fromInputGenerators(CellGrid, PythonCacheLoaderQueue, String, NativeType, ArrayDataAccess, Halo, PythonLoaderOptions, Collection)}.
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
	 */
	public static < T extends NativeType< T >, A extends ArrayDataAccess< A > > PythonCacheLoader< T, A > fromInputGenerators(
			final CellGrid grid, final PythonCacheLoaderQueue queue, final String code, final T t, final A a, final Halo halo,
			final Collection< ? extends InputGenerator > inputs )
	{
		return fromInputGenerators( grid, queue, code, t, a, halo, PythonLoaderOptions.options(), inputs );
	}

	/**
	 * Short form with default options: {@link #fromInputGenerators(CellGrid, PythonCacheLoaderQueue, String, NativeType, ArrayDataAccess, Halo, PythonLoaderOptions, Collection)}.
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
	 */
	public static < T extends NativeType< T >, A extends ArrayDataAccess< A > > PythonCacheLoader< T, A > fromInputGenerators(
			final CellGrid grid, final PythonCacheLoaderQueue queue, final String code, final T t, final A a, final Halo halo,
			final InputGenerator... inputs )
	{
		return fromInputGenerators( grid, queue, code, t, a, halo, Arrays.asList( Objects.requireNonNull( inputs, "inputs" ) ) );
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
	 * @param options
	 * 		the settings
	 * @param inputs
	 * 		become {@code block.inputs}, in this order. A bounded one (not
	 * 		extended) must contain all cells with their halo.
	 * @return the loader
	 * @throws IllegalArgumentException
	 * 		if numbers of axes differ, the type, the access, or an input's type is
	 * 		not supported, an input does not contain all that the blocks need, or can
	 * 		only be copied in a way that the settings do not allow
	 * @throws PythonCodeException
	 * 		if the code is not valid Python
	 */
	public static < T extends NativeType< T >, A extends ArrayDataAccess< A > > PythonCacheLoader< T, A > fromRandomAccessibles(
			final CellGrid grid, final PythonCacheLoaderQueue queue, final String code, final T t, final A a, final Halo halo,
			final PythonLoaderOptions options, final Collection< ? extends RandomAccessible< ? extends NativeType< ? > > > inputs )
	{
		final List< BlockInput > images = BlockInputs.ofImages( grid, halo, options, memory( queue ), inputs );
		return new PythonCacheLoader<>( queue, new CellSpec<>( grid, CellCode.of( Objects.requireNonNull( code, "code" ) ), t, a, halo, options, images ) );
	}

	/**
	 * Short form with default options: {@link #fromRandomAccessibles(CellGrid, PythonCacheLoaderQueue, String, NativeType, ArrayDataAccess, Halo, PythonLoaderOptions, Collection)}.
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
	 * 		become {@code block.inputs}, in this order
	 * @return the loader
	 */
	public static < T extends NativeType< T >, A extends ArrayDataAccess< A > > PythonCacheLoader< T, A > fromRandomAccessibles(
			final CellGrid grid, final PythonCacheLoaderQueue queue, final String code, final T t, final A a, final Halo halo,
			final Collection< ? extends RandomAccessible< ? extends NativeType< ? > > > inputs )
	{
		return fromRandomAccessibles( grid, queue, code, t, a, halo, PythonLoaderOptions.options(), inputs );
	}

	/**
	 * Short form with default options: {@link #fromRandomAccessibles(CellGrid, PythonCacheLoaderQueue, String, NativeType, ArrayDataAccess, Halo, PythonLoaderOptions, Collection)}.
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
	 * 		become {@code block.inputs}, in this order
	 * @return the loader
	 */
	@SafeVarargs
	@SuppressWarnings( "varargs" )
	public static < T extends NativeType< T >, A extends ArrayDataAccess< A > > PythonCacheLoader< T, A > fromRandomAccessibles(
			final CellGrid grid, final PythonCacheLoaderQueue queue, final String code, final T t, final A a, final Halo halo,
			final RandomAccessible< ? extends NativeType< ? > >... inputs )
	{
		return fromRandomAccessibles( grid, queue, code, t, a, halo, Arrays.asList( Objects.requireNonNull( inputs, "inputs" ) ) );
	}

	/**
	 * Short form with default options and without a halo: {@link #fromRandomAccessibles(CellGrid, PythonCacheLoaderQueue, String, NativeType, ArrayDataAccess, Halo, PythonLoaderOptions, Collection)}.
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
	 * @param inputs
	 * 		become {@code block.inputs}, in this order
	 * @return the loader
	 */
	public static < T extends NativeType< T >, A extends ArrayDataAccess< A > > PythonCacheLoader< T, A > fromRandomAccessibles(
			final CellGrid grid, final PythonCacheLoaderQueue queue, final String code, final T t, final A a,
			final Collection< ? extends RandomAccessible< ? extends NativeType< ? > > > inputs )
	{
		return fromRandomAccessibles( grid, queue, code, t, a, noHalo( grid ), inputs );
	}

	/**
	 * Short form with default options and without a halo: {@link #fromRandomAccessibles(CellGrid, PythonCacheLoaderQueue, String, NativeType, ArrayDataAccess, Halo, PythonLoaderOptions, Collection)}.
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
	 * @param inputs
	 * 		become {@code block.inputs}, in this order
	 * @return the loader
	 */
	@SafeVarargs
	@SuppressWarnings( "varargs" )
	public static < T extends NativeType< T >, A extends ArrayDataAccess< A > > PythonCacheLoader< T, A > fromRandomAccessibles(
			final CellGrid grid, final PythonCacheLoaderQueue queue, final String code, final T t, final A a,
			final RandomAccessible< ? extends NativeType< ? > >... inputs )
	{
		return fromRandomAccessibles( grid, queue, code, t, a, Arrays.asList( Objects.requireNonNull( inputs, "inputs" ) ) );
	}

	/**
	 * Short form with cells in native memory: {@link #fromRandomAccessibles(CellGrid, PythonCacheLoaderQueue, String, NativeType, ArrayDataAccess, Halo, PythonLoaderOptions, Collection)}.
	 *
	 * @param <T>
	 * 		pixel type
	 * @param grid
	 * 		dimensions of the image and of its cells
	 * @param queue
	 * 		the interpreters that run the code
	 * @param code
	 * 		Python code, see above
	 * @param t
	 * 		pixel type of the image
	 * @param halo
	 * 		how much more than the cell the inputs show
	 * @param options
	 * 		the settings
	 * @param inputs
	 * 		become {@code block.inputs}, in this order
	 * @return the loader
	 */
	public static < T extends NativeType< T > > PythonCacheLoader< T, ? extends BufferAccess< ? > > fromRandomAccessibles(
			final CellGrid grid, final PythonCacheLoaderQueue queue, final String code, final T t, final Halo halo,
			final PythonLoaderOptions options, final Collection< ? extends RandomAccessible< ? extends NativeType< ? > > > inputs )
	{
		final BufferAccess< ? > access = PixelType.of( Objects.requireNonNull( t, "type" ), "the image" ).emptyAccess();
		final List< BlockInput > images = BlockInputs.ofImages( grid, halo, options, memory( queue ), inputs );
		return new PythonCacheLoader<>( queue, new CellSpec<>( grid, CellCode.of( Objects.requireNonNull( code, "code" ) ), t, access, halo, options, images ) );
	}

	/**
	 * Short form with cells in native memory: {@link #fromRandomAccessibles(CellGrid, PythonCacheLoaderQueue, String, NativeType, ArrayDataAccess, Halo, PythonLoaderOptions, Collection)}.
	 *
	 * @param <T>
	 * 		pixel type
	 * @param grid
	 * 		dimensions of the image and of its cells
	 * @param queue
	 * 		the interpreters that run the code
	 * @param code
	 * 		Python code, see above
	 * @param t
	 * 		pixel type of the image
	 * @param halo
	 * 		how much more than the cell the inputs show
	 * @param options
	 * 		the settings
	 * @param inputs
	 * 		become {@code block.inputs}, in this order
	 * @return the loader
	 */
	@SafeVarargs
	@SuppressWarnings( "varargs" )
	public static < T extends NativeType< T > > PythonCacheLoader< T, ? extends BufferAccess< ? > > fromRandomAccessibles(
			final CellGrid grid, final PythonCacheLoaderQueue queue, final String code, final T t, final Halo halo,
			final PythonLoaderOptions options, final RandomAccessible< ? extends NativeType< ? > >... inputs )
	{
		return fromRandomAccessibles( grid, queue, code, t, halo, options, Arrays.asList( Objects.requireNonNull( inputs, "inputs" ) ) );
	}

	/**
	 * Short form with cells in native memory and default options: {@link #fromRandomAccessibles(CellGrid, PythonCacheLoaderQueue, String, NativeType, ArrayDataAccess, Halo, PythonLoaderOptions, Collection)}.
	 *
	 * @param <T>
	 * 		pixel type
	 * @param grid
	 * 		dimensions of the image and of its cells
	 * @param queue
	 * 		the interpreters that run the code
	 * @param code
	 * 		Python code, see above
	 * @param t
	 * 		pixel type of the image
	 * @param halo
	 * 		how much more than the cell the inputs show
	 * @param inputs
	 * 		become {@code block.inputs}, in this order
	 * @return the loader
	 */
	public static < T extends NativeType< T > > PythonCacheLoader< T, ? extends BufferAccess< ? > > fromRandomAccessibles(
			final CellGrid grid, final PythonCacheLoaderQueue queue, final String code, final T t, final Halo halo,
			final Collection< ? extends RandomAccessible< ? extends NativeType< ? > > > inputs )
	{
		return fromRandomAccessibles( grid, queue, code, t, halo, PythonLoaderOptions.options(), inputs );
	}

	/**
	 * Short form with cells in native memory and default options: {@link #fromRandomAccessibles(CellGrid, PythonCacheLoaderQueue, String, NativeType, ArrayDataAccess, Halo, PythonLoaderOptions, Collection)}.
	 *
	 * @param <T>
	 * 		pixel type
	 * @param grid
	 * 		dimensions of the image and of its cells
	 * @param queue
	 * 		the interpreters that run the code
	 * @param code
	 * 		Python code, see above
	 * @param t
	 * 		pixel type of the image
	 * @param halo
	 * 		how much more than the cell the inputs show
	 * @param inputs
	 * 		become {@code block.inputs}, in this order
	 * @return the loader
	 */
	@SafeVarargs
	@SuppressWarnings( "varargs" )
	public static < T extends NativeType< T > > PythonCacheLoader< T, ? extends BufferAccess< ? > > fromRandomAccessibles(
			final CellGrid grid, final PythonCacheLoaderQueue queue, final String code, final T t, final Halo halo,
			final RandomAccessible< ? extends NativeType< ? > >... inputs )
	{
		return fromRandomAccessibles( grid, queue, code, t, halo, Arrays.asList( Objects.requireNonNull( inputs, "inputs" ) ) );
	}

	/**
	 * Short form with cells in native memory, default options, and without a halo: {@link #fromRandomAccessibles(CellGrid, PythonCacheLoaderQueue, String, NativeType, ArrayDataAccess, Halo, PythonLoaderOptions, Collection)}.
	 *
	 * @param <T>
	 * 		pixel type
	 * @param grid
	 * 		dimensions of the image and of its cells
	 * @param queue
	 * 		the interpreters that run the code
	 * @param code
	 * 		Python code, see above
	 * @param t
	 * 		pixel type of the image
	 * @param inputs
	 * 		become {@code block.inputs}, in this order
	 * @return the loader
	 */
	public static < T extends NativeType< T > > PythonCacheLoader< T, ? extends BufferAccess< ? > > fromRandomAccessibles(
			final CellGrid grid, final PythonCacheLoaderQueue queue, final String code, final T t,
			final Collection< ? extends RandomAccessible< ? extends NativeType< ? > > > inputs )
	{
		return fromRandomAccessibles( grid, queue, code, t, noHalo( grid ), inputs );
	}

	/**
	 * Short form with cells in native memory, default options, and without a halo: {@link #fromRandomAccessibles(CellGrid, PythonCacheLoaderQueue, String, NativeType, ArrayDataAccess, Halo, PythonLoaderOptions, Collection)}.
	 *
	 * @param <T>
	 * 		pixel type
	 * @param grid
	 * 		dimensions of the image and of its cells
	 * @param queue
	 * 		the interpreters that run the code
	 * @param code
	 * 		Python code, see above
	 * @param t
	 * 		pixel type of the image
	 * @param inputs
	 * 		become {@code block.inputs}, in this order
	 * @return the loader
	 */
	@SafeVarargs
	@SuppressWarnings( "varargs" )
	public static < T extends NativeType< T > > PythonCacheLoader< T, ? extends BufferAccess< ? > > fromRandomAccessibles(
			final CellGrid grid, final PythonCacheLoaderQueue queue, final String code, final T t,
			final RandomAccessible< ? extends NativeType< ? > >... inputs )
	{
		return fromRandomAccessibles( grid, queue, code, t, Arrays.asList( Objects.requireNonNull( inputs, "inputs" ) ) );
	}

	private static BlockMemory memory( final PythonCacheLoaderQueue queue )
	{
		return Objects.requireNonNull( queue, "queue" ).pool().memory();
	}

	private static Halo noHalo( final CellGrid grid )
	{
		return Halo.empty( Objects.requireNonNull( grid, "grid" ).numDimensions() );
	}
}
