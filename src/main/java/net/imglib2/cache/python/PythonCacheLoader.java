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

import java.lang.ref.WeakReference;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Collectors;

import net.imglib2.FinalInterval;
import net.imglib2.Interval;
import net.imglib2.RandomAccessible;
import net.imglib2.cache.CacheLoader;
import net.imglib2.cache.LoaderCache;
import net.imglib2.cache.img.CachedCellImg;
import net.imglib2.cache.python.block.BlockArray;
import net.imglib2.cache.python.block.BlockInput;
import net.imglib2.cache.python.block.BlockMemory;
import net.imglib2.cache.python.block.CellOutput;
import net.imglib2.cache.python.block.Footprint;
import net.imglib2.cache.python.block.ImageSource;
import net.imglib2.cache.python.block.PixelSource;
import net.imglib2.cache.python.embedded.GeneratedSource;
import net.imglib2.cache.python.image.CellCache;
import net.imglib2.cache.python.image.CellFailures;
import net.imglib2.cache.python.image.CellInProgress;
import net.imglib2.cache.python.image.DiskCaches;
import net.imglib2.cache.python.image.InvalidationListeners;
import net.imglib2.cache.python.image.UnattendedCells;
import net.imglib2.cache.python.image.WeightBoundedLoaderCache;
import net.imglib2.cache.python.protocol.BlockRequest;
import net.imglib2.cache.python.protocol.BlockResult;
import net.imglib2.cache.python.protocol.PythonFailure;
import net.imglib2.cache.python.protocol.Snippet;
import net.imglib2.cache.python.type.PixelType;
import net.imglib2.cache.ref.GuardedStrongRefLoaderCache;
import net.imglib2.img.basictypeaccess.array.ArrayDataAccess;
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
 * 		new FloatType(), new Halo( 8, 8, 8 ), Views.extendMirrorDouble( image ) );
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
 * A cell at the image's border gets what the extension of the input says, as if it
 * were pixels. So that the result equals that of the code for the whole image, that
 * has to be what the code takes there by itself: {@code Views.extendMirrorDouble}
 * for most of scipy and scikit-image ({@code mode="reflect"}, in numpy's words
 * {@code symmetric}), {@code Views.extendBorder} for {@code mode="nearest"},
 * {@code Views.extendMirrorSingle} for {@code mode="mirror"}, {@code Views.extendZero}
 * for {@code mode="constant"}.
 * <p>
 * The code of each loader has a namespace of its own on each worker. Its
 * variables stay from block to block, but which worker computes which block is
 * not defined.
 * <p>
 * Thread-safe. Reading a cell blocks until it is computed. Where the code raises
 * an exception, all who wait for the cell get one {@link PythonCellException}
 * (wrapped as the cache does it), and the cell is computed again when it is read
 * again. If that fails, too, reads within 20 milliseconds get the error without
 * another attempt, and within twice the time after each further failure, at most
 * 10 seconds: viewers read what failed again and again. For the same reason, who
 * reads a cell that just failed, and fails again without an attempt, waits for a
 * tenth of a second before it gets the error; also where it is not the code that
 * fails, when the queue was closed for instance. Success ends that, as do
 * {@link #retry}, {@link #retryAll}, and to invalidate the cell in the image's
 * cache, {@link CachedCellImg#getCache()}. Instead of the error, readers can get
 * cells filled with a value, see {@link PythonLoaderOptions#onErrorFill}.
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
public final class PythonCacheLoader< T extends NativeType< T >, A extends ArrayDataAccess< ? > > implements CacheLoader< Long, Cell< A > >
{
	private static final Logger LOG = Logger.getLogger( PythonCacheLoader.class.getName() );

	private final CellGrid grid;

	private final PythonCacheLoaderQueue queue;

	private final T type;

	private final PixelType< T > pixelType;

	private final A access;

	private final long cellBytes;

	private final Halo halo;

	private final int[] lower;

	private final List< BlockInput > inputs;

	private final Duration timeout;

	private final Snippet snippet;

	private final String name;

	/**
	 * What cells that failed are filled with, or {@code null}.
	 */
	private final T fillValue;

	private final Consumer< ? super PythonCellException > errorListener;

	private final CellFailures failures;

	private final UnattendedCells unattended = new UnattendedCells();

	private final List< WeakReference< CellCache< A > > > caches = new CopyOnWriteArrayList<>();

	/**
	 * Cells that were filled since they were retried last: some may be computed by now.
	 */
	private final Set< Long > filledCells = ConcurrentHashMap.newKeySet();

	private final InvalidationListeners invalidationListeners = new InvalidationListeners();

	/**
	 * Sample for the cells that caches of others get; {@code null} before the first.
	 */
	private volatile A accessForOthers;

	private PythonCacheLoader(
			final CellGrid grid,
			final PythonCacheLoaderQueue queue,
			final String code,
			final T type,
			final A access,
			final Halo halo,
			final PythonLoaderOptions options,
			final List< BlockInput > inputs )
	{
		this.grid = grid;
		this.halo = halo;
		this.queue = Objects.requireNonNull( queue, "queue" );
		Objects.requireNonNull( code, "code" );
		this.type = type;
		pixelType = PixelType.of( Objects.requireNonNull( type, "type" ), "the image" );
		this.access = Objects.requireNonNull( access, "access" );
		pixelType.requireFits( access );
		// Fails here, not at the first block, where a block is too large for a buffer.
		pixelType.numBytes( halo.extendInterval( new FinalInterval( cellDimensions( grid ) ) ).dimensionsAsLongArray() );
		cellBytes = pixelType.numStorageBytes( cellDimensions( grid ) );
		lower = halo.getLowerCopy();
		this.inputs = inputs;
		BlockRequest.requireNotTooMany( inputs.size(), grid.numDimensions() );
		fillValue = fillValue( options, type );
		timeout = options.getTimeout();
		errorListener = options.getErrorListener();
		failures = new CellFailures( options.clock() );
		snippet = queue.pool().register( code, options, this );
		name = snippet.loaderName();
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
	public static < T extends NativeType< T >, A extends ArrayDataAccess< A > > PythonCacheLoader< T, A > fromInputGenerators(
			final CellGrid grid,
			final PythonCacheLoaderQueue queue,
			final String code,
			final T t,
			final A a,
			final Halo halo,
			final Collection< ? extends InputGenerator > inputs )
	{
		return fromInputGenerators( grid, queue, code, t, a, halo, PythonLoaderOptions.options(), inputs );
	}

	/**
	 * A loader with inputs that the caller makes and optional settings. See
	 * {@link #fromInputGenerators(CellGrid, PythonCacheLoaderQueue, String, NativeType, ArrayDataAccess, Halo, Collection)};
	 * the settings about inputs do not matter here.
	 */
	public static < T extends NativeType< T >, A extends ArrayDataAccess< A > > PythonCacheLoader< T, A > fromInputGenerators(
			final CellGrid grid,
			final PythonCacheLoaderQueue queue,
			final String code,
			final T t,
			final A a,
			final Halo halo,
			final PythonLoaderOptions options,
			final Collection< ? extends InputGenerator > inputs )
	{
		requireSameDimensions( grid, halo );
		Objects.requireNonNull( options, "options" );
		final List< BlockInput > generated = new ArrayList<>();
		for ( final InputGenerator input : Objects.requireNonNull( inputs, "inputs" ) )
		{
			final String what = "input " + generated.size();
			generated.add( new BlockInput( new GeneratedSource( Objects.requireNonNull( input, what ), what ), Footprint.of( halo ) ) );
		}
		return new PythonCacheLoader<>( grid, queue, code, t, a, halo, options, generated );
	}

	/**
	 * See
	 * {@link #fromInputGenerators(CellGrid, PythonCacheLoaderQueue, String, NativeType, ArrayDataAccess, Halo, Collection)}.
	 */
	public static < T extends NativeType< T >, A extends ArrayDataAccess< A > > PythonCacheLoader< T, A > fromInputGenerators(
			final CellGrid grid,
			final PythonCacheLoaderQueue queue,
			final String code,
			final T t,
			final A a,
			final Halo halo,
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
	public static < T extends NativeType< T >, A extends ArrayDataAccess< A > > PythonCacheLoader< T, A > fromRandomAccessibles(
			final CellGrid grid,
			final PythonCacheLoaderQueue queue,
			final String code,
			final T t,
			final A a,
			final Halo halo,
			final Collection< ? extends RandomAccessible< ? extends NativeType< ? > > > inputs )
	{
		return fromRandomAccessibles( grid, queue, code, t, a, halo, PythonLoaderOptions.options(), inputs );
	}

	/**
	 * A loader with images as inputs and optional settings.
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
			final CellGrid grid,
			final PythonCacheLoaderQueue queue,
			final String code,
			final T t,
			final A a,
			final Halo halo,
			final PythonLoaderOptions options,
			final Collection< ? extends RandomAccessible< ? extends NativeType< ? > > > inputs )
	{
		return new PythonCacheLoader<>( grid, queue, code, t, a, halo, options, sources( grid, queue, halo, options, inputs ) );
	}

	/**
	 * See
	 * {@link #fromRandomAccessibles(CellGrid, PythonCacheLoaderQueue, String, NativeType, ArrayDataAccess, Halo, Collection)}.
	 */
	@SafeVarargs
	@SuppressWarnings( "varargs" )
	public static < T extends NativeType< T >, A extends ArrayDataAccess< A > > PythonCacheLoader< T, A > fromRandomAccessibles(
			final CellGrid grid,
			final PythonCacheLoaderQueue queue,
			final String code,
			final T t,
			final A a,
			final Halo halo,
			final RandomAccessible< ? extends NativeType< ? > >... inputs )
	{
		return fromRandomAccessibles( grid, queue, code, t, a, halo, Arrays.asList( Objects.requireNonNull( inputs, "inputs" ) ) );
	}

	/**
	 * See
	 * {@link #fromRandomAccessibles(CellGrid, PythonCacheLoaderQueue, String, NativeType, ArrayDataAccess, Halo, Collection)};
	 * there is no halo.
	 */
	public static < T extends NativeType< T >, A extends ArrayDataAccess< A > > PythonCacheLoader< T, A > fromRandomAccessibles(
			final CellGrid grid,
			final PythonCacheLoaderQueue queue,
			final String code,
			final T t,
			final A a,
			final Collection< ? extends RandomAccessible< ? extends NativeType< ? > > > inputs )
	{
		return fromRandomAccessibles( grid, queue, code, t, a, Halo.empty( Objects.requireNonNull( grid, "grid" ).numDimensions() ), inputs );
	}

	/**
	 * See
	 * {@link #fromRandomAccessibles(CellGrid, PythonCacheLoaderQueue, String, NativeType, ArrayDataAccess, Halo, Collection)};
	 * there is no halo.
	 */
	@SafeVarargs
	@SuppressWarnings( "varargs" )
	public static < T extends NativeType< T >, A extends ArrayDataAccess< A > > PythonCacheLoader< T, A > fromRandomAccessibles(
			final CellGrid grid,
			final PythonCacheLoaderQueue queue,
			final String code,
			final T t,
			final A a,
			final RandomAccessible< ? extends NativeType< ? > >... inputs )
	{
		return fromRandomAccessibles( grid, queue, code, t, a, Arrays.asList( Objects.requireNonNull( inputs, "inputs" ) ) );
	}

	/**
	 * See
	 * {@link #fromRandomAccessibles(CellGrid, PythonCacheLoaderQueue, String, NativeType, ArrayDataAccess, Halo, Collection)};
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
		return fromRandomAccessibles( grid, queue, code, t, halo, PythonLoaderOptions.options(), inputs );
	}

	/**
	 * See
	 * {@link #fromRandomAccessibles(CellGrid, PythonCacheLoaderQueue, String, NativeType, ArrayDataAccess, Halo, PythonLoaderOptions, Collection)};
	 * the access is the one that fits the type.
	 */
	public static < T extends NativeType< T > > PythonCacheLoader< T, ? extends BufferAccess< ? > > fromRandomAccessibles(
			final CellGrid grid,
			final PythonCacheLoaderQueue queue,
			final String code,
			final T t,
			final Halo halo,
			final PythonLoaderOptions options,
			final Collection< ? extends RandomAccessible< ? extends NativeType< ? > > > inputs )
	{
		final BufferAccess< ? > access = PixelType.of( Objects.requireNonNull( t, "type" ), "the image" ).emptyAccess();
		return new PythonCacheLoader<>( grid, queue, code, t, access, halo, options, sources( grid, queue, halo, options, inputs ) );
	}

	/**
	 * See
	 * {@link #fromRandomAccessibles(CellGrid, PythonCacheLoaderQueue, String, NativeType, ArrayDataAccess, Halo, PythonLoaderOptions, Collection)};
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
			final PythonLoaderOptions options,
			final RandomAccessible< ? extends NativeType< ? > >... inputs )
	{
		return fromRandomAccessibles( grid, queue, code, t, halo, options, Arrays.asList( Objects.requireNonNull( inputs, "inputs" ) ) );
	}

	/**
	 * See
	 * {@link #fromRandomAccessibles(CellGrid, PythonCacheLoaderQueue, String, NativeType, ArrayDataAccess, Halo, Collection)};
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
		return fromRandomAccessibles( grid, queue, code, t, halo, Arrays.asList( Objects.requireNonNull( inputs, "inputs" ) ) );
	}

	/**
	 * See
	 * {@link #fromRandomAccessibles(CellGrid, PythonCacheLoaderQueue, String, NativeType, ArrayDataAccess, Halo, Collection)};
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
	 * {@link #fromRandomAccessibles(CellGrid, PythonCacheLoaderQueue, String, NativeType, ArrayDataAccess, Halo, Collection)};
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
		return fromRandomAccessibles( grid, queue, code, t, Arrays.asList( Objects.requireNonNull( inputs, "inputs" ) ) );
	}

	/**
	 * Computes a cell.
	 * <p>
	 * If a disk cache of imglib2-cache is the first who asks, all cells that it gets
	 * are in arrays, as it says itself: it cannot save others.
	 *
	 * @param key
	 * 		index of the cell in the grid
	 * @return the cell
	 * @throws PythonCellException
	 * 		if the code failed, now or so shortly before that it is not run again
	 * @throws PythonClosedException
	 * 		if the queue is closed
	 * @throws PythonCycleException
	 * 		if the inputs are computed from this cell
	 * @throws IllegalArgumentException
	 * 		if a disk cache asks, which cannot save pixels of this type
	 * @throws InterruptedException
	 * 		if this thread was interrupted while it waited
	 * @throws Exception
	 * 		what an {@link InputGenerator} threw
	 */
	@Override
	public Cell< A > get( final Long key ) throws Exception
	{
		Objects.requireNonNull( key, "key" );
		A sample = accessForOthers;
		if ( sample == null )
		{
			// The images of disk caches say so, too, whatever the loader was made for.
			sample = DiskCaches.isAsking() ? Cast.unchecked( DiskCaches.access( type ) ) : access;
			accessForOthers = sample;
		}
		final boolean repeated = failures.isRepeated( key );
		final Cell< A > cell;
		try
		{
			// What caches of others have dropped is not known here: nothing is left for others, or taken.
			cell = load( key, failures.count(), false, sample );
		}
		catch ( final Exception e )
		{
			if ( CellInProgress.ofThisThread() == null )
				failures.readerFails( key, repeated, e );
			throw e;
		}
		CellCache.report( cell );
		return cell;
	}

	/**
	 * Lets the next read of a cell that failed run the code at once, also if the cell
	 * was filled ({@link PythonLoaderOptions#onErrorFill}): then it is dropped from
	 * the caches of the images that this loader created, and those are told who asked
	 * for it, see {@link #onInvalidate}. A cell that was computed stays as it is.
	 *
	 * @param cell
	 * 		index of the cell
	 * @throws IllegalArgumentException
	 * 		if there is no such cell
	 */
	public void retry( final long cell )
	{
		cellInterval( cell );
		unattended.invalidate();
		failures.forget( cell );
		final boolean filled = filledCells.remove( cell );
		forEachCache( cache -> cache.invalidateFilled( Collections.singleton( cell ), key -> key == cell ) );
		if ( filled )
			invalidationListeners.tell( key -> key == cell );
	}

	/**
	 * Does what {@link #retry(long)} does for all cells.
	 */
	public void retryAll()
	{
		unattended.invalidate();
		failures.forgetIf( cell -> true );
		final Set< Long > filled = new HashSet<>( filledCells );
		filledCells.removeAll( filled );
		forEachCache( cache -> cache.invalidateFilled( filled, key -> true ) );
		if ( !filled.isEmpty() )
			invalidationListeners.tell( filled::contains );
	}

	/**
	 * Asks to be told which cells are invalidated: for what keeps cells or pixels of
	 * this loader's images itself, such as volatile views and viewers, see
	 * {@code doc/caches-and-viewers.md}.
	 *
	 * <pre>{@code
	 * loader.onInvalidate( cells -> {
	 * 	volatileCache.invalidateIf( cells );
	 * 	viewer.requestRepaint();
	 * } );
	 * }</pre>
	 *
	 * The listener gets a condition that is true for the index of each cell that was
	 * invalidated, in the cache of any image of this loader
	 * ({@link CachedCellImg#getCache()}), and of each cell that was filled and shall be
	 * retried. When all were invalidated, it is true for all. It may be kept, and be
	 * used by any thread (if it is not a condition that somebody gave to
	 * {@code invalidateIf} and that does not stand that).
	 * <p>
	 * The listener is called by the thread that invalidates, after the cells were
	 * dropped; no lock is held, so that it may read the images, or wait for others that
	 * do. Several threads may call it at the same time. What it invalidates itself is
	 * not told. What it throws is logged. This method may be called by any thread.
	 *
	 * @param listener
	 * 		is told; held by this loader until that ends
	 * @return ends that, when it is run
	 */
	public Runnable onInvalidate( final Consumer< ? super Predicate< Long > > listener )
	{
		return invalidationListeners.add( Objects.requireNonNull( listener, "listener" ) );
	}

	/**
	 * A lazy image of this loader's cells.
	 *
	 * @param loaderCache
	 * 		keeps the cells; of this image alone, because its keys are indices of
	 * 		cells. Cells in native memory are not counted by the garbage collector:
	 * 		bound the cache.
	 * @return the image
	 */
	public CachedCellImg< T, A > createCachedCellImg( final LoaderCache< Long, Cell< A > > loaderCache )
	{
		final CellCache< A > cache = new CellCache<>( Objects.requireNonNull( loaderCache, "loaderCache" ), snippet, ( cell, arrival ) -> load( cell, arrival, true, access ), failures, unattended, invalidationListeners );
		caches.removeIf( reference -> reference.get() == null );
		caches.add( new WeakReference<>( cache ) );
		return new CachedCellImg<>( grid, type, cache, access );
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
		warnIfTooMuch( ( long ) Math.min( ( double ) cellBytes * maximumSize, cellBytes * Intervals.numElements( grid.getGridDimensions() ) ) );
		return createCachedCellImg( new GuardedStrongRefLoaderCache<>( maximumSize ) );
	}

	/**
	 * A lazy image of this loader's cells with a cache that is bounded in bytes.
	 *
	 * @param maximumBytes
	 * 		bytes of the cells to keep; more are kept only while they are in use
	 * @return the image
	 * @throws IllegalArgumentException
	 * 		if the number is negative
	 */
	public CachedCellImg< T, A > createByteBoundedCachedCellImg( final long maximumBytes )
	{
		if ( maximumBytes < 0 )
			throw new IllegalArgumentException( "maximum number of bytes is " + maximumBytes + ", expected 0 or more" );
		warnIfTooMuch( maximumBytes );
		return createCachedCellImg( new WeightBoundedLoaderCache<>( maximumBytes, cell -> pixelType.numStorageBytes( cell.size() ) ) );
	}

	/**
	 * How the pixels of an input get to Python.
	 *
	 * @param input
	 * 		index of the input
	 * @param cell
	 * 		index of the cell that is computed; the input's cells that it needs are
	 * 		loaded
	 * @return the way
	 */
	public InputWay getInputWay( final int input, final long cell )
	{
		return inputs.get( input ).wayOf( cellInterval( cell ) );
	}

	private void forEachCache( final Consumer< CellCache< A > > action )
	{
		for ( final WeakReference< CellCache< A > > reference : caches )
		{
			final CellCache< A > cache = reference.get();
			if ( cache != null )
				action.accept( cache );
		}
	}

	/**
	 * @param arrival
	 * 		number of the last failure before the reader came
	 * @param shared
	 * 		whether what an interrupted reader has begun is for the next one
	 * @param sample
	 * 		an access of the kind that the cell shall have
	 */
	private Cell< A > load( final Long cell, final long arrival, final boolean shared, final A sample ) throws Exception
	{
		final Interval interval = cellInterval( cell );
		PythonCellException error = failures.find( cell, arrival );
		if ( error == null )
			try
			{
				final Cell< A > computed = compute( cell, interval, shared, sample );
				failures.forget( cell );
				return computed;
			}
			catch ( final PythonCellException e )
			{
				// An input that fails makes the pauses itself, and ends them.
				failures.add( cell, arrival, e, !( e.getCause() instanceof PythonCellException ) );
				error = e;
			}
		else
			queue.pool().requireOpen();
		if ( fillValue == null )
			throw error;
		filledCells.add( cell );
		final PythonCellException reason = error;
		return filled( interval, sample, () -> {
			if ( failures.tell( cell ) )
				tell( reason );
		} );
	}

	private Cell< A > compute( final long cell, final Interval interval, final boolean shared, final A sample ) throws Exception
	{
		UnattendedCells.Computation computation = shared ? unattended.take( cell ) : null;
		if ( computation == null )
			computation = begin( cell, interval, sample );
		BlockResult result = await( cell, computation, shared );
		while ( result.isDropped() )
		{
			computation = begin( cell, interval, sample );
			result = await( cell, computation, shared );
		}
		final CellOutput output = computation.output;
		if ( result.isTimedOut() )
			throw new PythonTimeoutException( timeout, name, cell, interval, inputIntervals( interval ), result.worker(), result.failure() );
		if ( result.failure() != null )
			throw new PythonCellException( name, cell, interval, inputIntervals( interval ), result.worker(), result.failure() );
		final A pixels;
		try
		{
			pixels = Cast.unchecked( output.access() );
		}
		catch ( final IllegalArgumentException e )
		{
			// The code wrote numbers that are no pixels.
			throw new PythonCellException( name, cell, interval, inputIntervals( interval ), result.worker(), PythonFailure.withoutException( e.getMessage() ) );
		}
		if ( !result.outputEscaped() )
			release( output );
		return new Cell<>( Util.long2int( interval.dimensionsAsLongArray() ), interval.minAsLongArray(), pixels );
	}

	private UnattendedCells.Computation begin( final long cell, final Interval interval, final A sample ) throws Exception
	{
		final long version = unattended.version();
		// On this thread: an input that is Python-backed itself must never wait
		// for an interpreter while it occupies one.
		final BlockArray[] arrays = new BlockArray[ 1 + inputs.size() ];
		final CellInProgress inProgress = CellInProgress.begin( snippet, cell );
		try
		{
			for ( int i = 0; i < inputs.size(); ++i )
				arrays[ 1 + i ] = input( i, cell, interval );
		}
		finally
		{
			inProgress.end();
		}
		final CellOutput output = new CellOutput( pixelType, sample, interval.dimensionsAsLongArray(), queue.pool().memory() );
		arrays[ 0 ] = output.array();
		return new UnattendedCells.Computation( output, queue.pool().submit( new BlockRequest( snippet, cell, interval, lower, arrays ) ), version );
	}

	private BlockResult await( final long cell, final UnattendedCells.Computation computation, final boolean shared ) throws InterruptedException
	{
		try
		{
			return queue.pool().await( computation.task );
		}
		catch ( final InterruptedException e )
		{
			if ( shared )
				unattended.leave( cell, computation );
			throw e;
		}
	}

	private BlockArray input( final int i, final long cell, final Interval interval ) throws Exception
	{
		try
		{
			return inputs.get( i ).get( interval );
		}
		catch ( final Exception e )
		{
			for ( Throwable cause = e; cause != null; cause = cause.getCause() )
				if ( cause instanceof PythonCellException )
					throw new PythonCellException( name, cell, interval, inputIntervals( interval ), i, ( PythonCellException ) cause );
			throw e;
		}
	}

	private List< Interval > inputIntervals( final Interval interval )
	{
		return inputs.stream().map( input -> input.interval( interval ) ).collect( Collectors.toList() );
	}

	private Cell< A > filled( final Interval interval, final A sample, final Runnable report )
	{
		final long[] dims = interval.dimensionsAsLongArray();
		final CellOutput output = new CellOutput( pixelType, sample, dims, queue.pool().memory() );
		final A pixels = Cast.unchecked( output.access() );
		release( output );
		pixelType.image( pixels, dims ).forEach( pixel -> pixelType.copy( fillValue, pixel ) );
		CellOutput.setClean( pixels );
		return new CellCache.Filled<>( Util.long2int( dims ), interval.minAsLongArray(), pixels, report );
	}

	private void tell( final PythonCellException error )
	{
		try
		{
			errorListener.accept( error );
		}
		// Whatever a listener does: the reader has a cell.
		catch ( final Throwable t )
		{
			LOG.log( Level.WARNING, "The listener of " + name + " failed when it was told: " + error.getMessage(), t );
		}
	}

	private static void release( final CellOutput output )
	{
		if ( output.array().lease() != null )
			output.array().lease().release();
	}

	private static < T extends NativeType< T > > T fillValue( final PythonLoaderOptions options, final T type )
	{
		final NativeType< ? > value = options.getFillValue();
		// Types of pixels with a chosen number of bits differ in it only.
		if ( value != null && ( value.getClass() != type.getClass() || value.getEntitiesPerPixel().getRatio() != type.getEntitiesPerPixel().getRatio() ) )
			throw new IllegalArgumentException( "cells that fail shall be filled with " + value + ", a " + value.getClass().getSimpleName()
					+ ", but the image has pixels of " + type.getClass().getSimpleName()
					+ ( value.getClass() == type.getClass() ? " of another number of bits" : "" ) + ": choose a value of that type" );
		return Cast.unchecked( value );
	}

	private Interval cellInterval( final long cell )
	{
		final long numCells = Intervals.numElements( grid.getGridDimensions() );
		if ( cell < 0 || cell >= numCells )
			throw new IllegalArgumentException( "cell " + cell + " does not exist: the grid has " + numCells + " cells, from 0 on" );
		final long[] min = new long[ grid.numDimensions() ];
		final int[] dims = new int[ grid.numDimensions() ];
		grid.getCellDimensions( cell, min, dims );
		return FinalInterval.createMinSize( min, Util.int2long( dims ) );
	}

	private void warnIfTooMuch( final long cachedBytes )
	{
		if ( access instanceof BufferAccess && cachedBytes > queue.pool().memory().limit() / 2 )
			LOG.warning( "A cache of " + cachedBytes + " bytes in native memory needs about twice as much until the garbage collector comes, but the limit is "
					+ queue.pool().memory().limit() + " bytes: choose a smaller cache, or raise the limit by -XX:MaxDirectMemorySize=…" );
	}

	private static void requireSameDimensions( final CellGrid grid, final Halo halo )
	{
		Objects.requireNonNull( grid, "grid" );
		Objects.requireNonNull( halo, "halo" );
		// numpy has 64 axes, one of which may be the components of a pixel.
		if ( grid.numDimensions() < 1 || grid.numDimensions() > 63 )
			throw new IllegalArgumentException( "the grid has " + grid.numDimensions() + " axes, expected 1 to 63" );
		if ( grid.numDimensions() != halo.numDimensions() )
			throw new IllegalArgumentException( "the grid has " + grid.numDimensions() + " axes, but " + halo + " has " + halo.numDimensions() );
	}

	private static List< BlockInput > sources(
			final CellGrid grid,
			final PythonCacheLoaderQueue queue,
			final Halo halo,
			final PythonLoaderOptions options,
			final Collection< ? extends RandomAccessible< ? extends NativeType< ? > > > inputs )
	{
		requireSameDimensions( grid, halo );
		Objects.requireNonNull( options, "options" );
		final BlockMemory memory = Objects.requireNonNull( queue, "queue" ).pool().memory();
		final Footprint footprint = Footprint.of( halo );
		final Interval covers = footprint.interval( new FinalInterval( grid.getImgDimensions() ) );
		final List< BlockInput > sources = new ArrayList<>();
		for ( final RandomAccessible< ? extends NativeType< ? > > input : Objects.requireNonNull( inputs, "inputs" ) )
		{
			final String what = "input " + sources.size();
			sources.add( new BlockInput( source( Objects.requireNonNull( input, what ), what, covers, options, memory ), footprint ) );
		}
		return sources;
	}

	private static < T extends NativeType< T > > PixelSource source(
			final RandomAccessible< ? > input,
			final String what,
			final Interval covers,
			final PythonLoaderOptions options,
			final BlockMemory memory )
	{
		return new ImageSource< T >( Cast.unchecked( input ), what, covers, options, memory );
	}

	private static long[] cellDimensions( final CellGrid grid )
	{
		final long[] dims = new long[ grid.numDimensions() ];
		for ( int d = 0; d < dims.length; ++d )
			dims[ d ] = Math.min( grid.cellDimension( d ), grid.imgDimension( d ) );
		return dims;
	}
}
