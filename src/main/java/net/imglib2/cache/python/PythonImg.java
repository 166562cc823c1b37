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

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;

import net.imglib2.FinalInterval;
import net.imglib2.Interval;
import net.imglib2.cache.img.CachedCellImg;
import net.imglib2.cache.python.image.CellPrefetch;
import net.imglib2.cache.python.image.CellReader;
import net.imglib2.cache.python.image.CellsInParallel;
import net.imglib2.cache.python.image.CellsOfImage;
import net.imglib2.cache.python.protocol.CellCode;
import net.imglib2.cache.python.worker.WorkerPool;
import net.imglib2.img.array.ArrayImg;
import net.imglib2.img.array.ArrayImgs;
import net.imglib2.img.basictypeaccess.DataAccess;
import net.imglib2.img.basictypeaccess.array.ArrayDataAccess;
import net.imglib2.img.basictypeaccess.array.ByteArray;
import net.imglib2.img.basictypeaccess.array.FloatArray;
import net.imglib2.img.cell.Cell;
import net.imglib2.type.NativeType;
import net.imglib2.type.numeric.integer.UnsignedByteType;
import net.imglib2.type.numeric.real.FloatType;
import net.imglib2.util.Cast;
import net.imglib2.util.Intervals;

/**
 * A lazy image whose cells are computed by Python code when they are read, and cached.
 *
 * <pre>{@code
 * final PythonImg< FloatType > smooth = PythonImg.builder( "scipy.ndimage:gaussian_filter" )
 * 		.input( image )
 * 		.parameter( "sigma", 2 )
 * 		.halo( 8 )
 * 		.type( new FloatType() )
 * 		.build();
 * }</pre>
 *
 * It is an ordinary image of ImgLib2, which every viewer and every algorithm takes.
 * Thread-safe. Reading a pixel of a cell that is not cached blocks until it is computed,
 * and throws a {@link PythonCellException}, perhaps as a cause, if the code fails;
 * {@link PythonCacheLoader#get} says when such a cell is computed again.
 *
 * @param <T>
 * 		pixel type
 */
public final class PythonImg< T extends NativeType< T > > extends CachedCellImg< T, DataAccess > implements AutoCloseable
{
	private static final int NUM_CELLS_TO_CHECK = 8;

	private final PythonImgBuilder< T > settings;

	private final CellReader< T, ArrayDataAccess< ? > > reader;

	private final WeightBoundedLoaderCache< Long, ? > cells;

	private final CellPrefetch prefetch;

	/**
	 * @param settings
	 * 		of this image alone; their queue is the one that computes it
	 */
	PythonImg( final PythonImgBuilder< T > settings, final CellReader< T, ArrayDataAccess< ? > > reader, final long cacheBytes )
	{
		this( settings, reader, new WeightBoundedLoaderCache<>( cacheBytes, cell -> reader.spec().pixelType().numStorageBytes( cell.size() ) ) );
	}

	private PythonImg( final PythonImgBuilder< T > settings, final CellReader< T, ArrayDataAccess< ? > > reader, final WeightBoundedLoaderCache< Long, Cell< ArrayDataAccess< ? > > > cells )
	{
		super( reader.spec().grid(), reader.spec().type(), Cast.unchecked( reader.createCache( cells ) ), Cast.unchecked( reader.spec().access() ) );
		this.settings = settings;
		this.reader = reader;
		this.cells = cells;
		prefetch = new CellPrefetch( reader, this, cells.maximumWeight() / reader.spec().maxCellBytes() );
	}

	/**
	 * An image that is computed by code.
	 *
	 * @param code
	 * 		one of
	 * 		<ul>
	 * 		<li>statements, which see {@code block}, the parameters and the inputs that have
	 * 		a name, and write into {@code block.data}. They may be indented, as code in a
	 * 		script is;</li>
	 * 		<li>a function, {@code "package.module:function"} or
	 * 		{@code "/path/file.py:function"}: it gets the inputs in their order, those that
	 * 		have a name by it, the parameters as keyword arguments, and {@code block} if it
	 * 		has an argument of that name. It returns an array of the cell's shape, or of the
	 * 		shape of an input with its halo, which is cropped.</li>
	 * 		</ul>
	 * @return settings of the image
	 */
	public static PythonImgBuilder< ? > builder( final String code )
	{
		return new PythonImgBuilder<>( code );
	}

	/**
	 * An image that is computed by statements in a file.
	 *
	 * @param file
	 * 		Python statements in UTF-8
	 * @return settings of the image
	 * @throws IllegalArgumentException
	 * 		if the file cannot be read, or is not in UTF-8
	 */
	public static PythonImgBuilder< ? > builder( final Path file )
	{
		return new PythonImgBuilder<>( file );
	}

	/**
	 * Shows an array of Python, for instance of zarr, HDF5 or TIFF; see
	 * {@link #openBuilder(String, Object...)}.
	 *
	 * <pre>{@code
	 * final PythonImg< UnsignedShortType > volume = PythonImg.open( "zarr:open_array", "/data/volume.zarr" );
	 * }</pre>
	 *
	 * @param <T>
	 * 		pixel type; nothing checks that it is the one that the image gets. If that is not
	 * 		known, use {@code PythonImg< ? >} and {@link #getType()}
	 * @param expression
	 * 		a function, or an expression
	 * @param arguments
	 * 		of the function; or one map, of names and values
	 * @return a lazy image
	 * @throws IllegalArgumentException
	 * 		if Python cannot have such an argument
	 * @throws PythonCodeException
	 * 		if the array cannot be opened, or its pixels are of a kind that images do not have
	 * @throws RuntimeException
	 * 		see {@link PythonImgBuilder#build()}
	 */
	public static < T extends NativeType< T > > PythonImg< T > open( final String expression, final Object... arguments )
	{
		return Cast.unchecked( openBuilder( expression, arguments ).build() );
	}

	/**
	 * An image that shows an array of Python: of zarr, h5py, tifffile, dask, numpy or another
	 * package, whatever has {@code shape}, {@code dtype}, {@code __getitem__}, and perhaps
	 * {@code chunks}.
	 *
	 * <pre>{@code
	 * PythonImg.openBuilder( "zarr:open_array", "/data/volume.zarr" ).workers( 4 ).build();
	 * PythonImg.openBuilder( "h5py.File(path)['volume']" ).parameter( "path", "/data/volume.h5" ).build();
	 * }</pre>
	 *
	 * Its dimensions and type are those of the array; its cells are the array's chunks, or
	 * several of them if they are small. Axes are in reverse order, as always.
	 * <p>
	 * Building the image opens the array once, to look at it, and closes it again. Each worker
	 * opens it for itself before it reads the first cell, and closes it, if it has a method
	 * {@code close} or {@code __exit__}, when the image is closed or collected, or the worker
	 * ends. If it then has another shape or dtype, the cells that are read get an error which
	 * says so. If its content has changed, {@link #invalidate()} opens it anew;
	 * {@link #parameter} changes an argument, for instance to the file of the next time point.
	 * <p>
	 * The code of the image is {@code block.data[...] = array[block.slices]}; {@link #code}
	 * can replace it.
	 *
	 * @param expression
	 * 		one of
	 * 		<ul>
	 * 		<li>a function, {@code "package.module:function"} or
	 * 		{@code "/path/file.py:function"}, which is called with the arguments and returns
	 * 		the array;</li>
	 * 		<li>an expression, which sees the arguments as variables, {@code np}, and what the
	 * 		init code has defined. Other names are those of packages and modules, which are
	 * 		imported: {@code "scipy.io.loadmat(path)['volume']"}.</li>
	 * 		</ul>
	 * 		Text of strangers must not be opened: it is code
	 * @param arguments
	 * 		of the function, in their order: {@code null}, booleans, numbers, strings, paths
	 * 		and files, lists, arrays, and maps. If the last one is a map, it has names and
	 * 		values of further arguments. An expression gets such a map only
	 * @return settings of the image
	 * @throws IllegalArgumentException
	 * 		if Python cannot have such an argument
	 */
	public static PythonImgBuilder< ? > openBuilder( final String expression, final Object... arguments )
	{
		return new PythonImgBuilder<>( expression, arguments );
	}

	// --------------------------------------------------------------- change

	/**
	 * Changes a parameter. All cells are dropped, and what is being computed with the old
	 * value is cancelled. Once this has returned, no reader gets pixels of the old value.
	 * Images that have this one as an input drop their cells, too.
	 * <p>
	 * The parameters of an image that {@link #open} has made are the arguments of what opens
	 * the array: another array is opened, which must have the same shape and dtype.
	 *
	 * @param name
	 * 		name of the parameter
	 * @param value
	 * 		see {@link PythonImgBuilder#parameter}
	 * @throws IllegalArgumentException
	 * 		if Python cannot have such a value
	 * @throws PythonCodeException
	 * 		if a function does not take it, or an array cannot be opened or has another shape
	 * 		or dtype; then nothing has changed
	 * @throws PythonClosedException
	 * 		if this image or its queue is closed
	 * @throws PythonInterruptedException
	 * 		if this thread is interrupted; then nothing has changed
	 * @throws IllegalStateException
	 * 		on the thread of a worker
	 */
	public void parameter( final String name, final Object value )
	{
		change( code -> settings.isOfSource() ? settings.withArgument( code, name, value ) : code.withParameter( name, value ) );
	}

	/**
	 * Changes the code, as {@link #parameter} changes a parameter.
	 *
	 * @param code
	 * 		see {@link #builder(String)}
	 * @throws PythonCodeException
	 * 		if it is not valid; then nothing has changed
	 * @throws PythonTrustException
	 * 		if an allow-list lacks it; then nothing has changed
	 * @throws PythonClosedException
	 * 		if this image or its queue is closed
	 * @throws PythonInterruptedException
	 * 		if this thread is interrupted; then nothing has changed
	 * @throws IllegalStateException
	 * 		on the thread of a worker
	 */
	public void code( final String code )
	{
		final String text = PythonText.dedented( Objects.requireNonNull( code, "code" ) );
		change( former -> former.withText( text ) );
	}

	/**
	 * The file of the code, or of the function that the code names, has changed.
	 *
	 * @param text
	 * 		the new text; {@code null} if the code names a function
	 */
	void codeChanged( final String text )
	{
		change( code -> text == null ? code : code.withText( text ) );
	}

	private void change( final UnaryOperator< CellCode > change )
	{
		change( () -> {
			reader.requireOpen();
			final CellCode code = change.apply( reader.code() );
			final Runnable use = reader.check( code );
			return () -> {
				use.run();
				settings.code( code );
			};
		}, cell -> true );
	}

	/**
	 * @param prepare
	 * 		returns what changes this
	 * @param condition
	 * 		which cells are dropped
	 */
	private void change( final Supplier< Runnable > prepare, final Predicate< Long > condition )
	{
		final CellReader< ?, ? >.Change begun;
		synchronized ( this )
		{
			begun = reader.begin( prepare.get() );
		}
		begun.drop( condition );
	}

	/**
	 * Drops all cells, for instance because an input has changed that is not lazy. The same
	 * happens in images that have this one as an input.
	 * <p>
	 * The array of an image that {@link #open} has made is opened anew before it is read
	 * again, so that what has changed in a file is seen. If it has another shape or dtype now,
	 * reads fail.
	 *
	 * @throws IllegalStateException
	 * 		if this image was made by {@link #open}: on the thread of a worker
	 */
	public void invalidate()
	{
		invalidateIf( cell -> true );
	}

	private void invalidateIf( final Predicate< Long > condition )
	{
		// Workers forget what they have opened: packages remember what they have read.
		change( () -> settings.isOfSource() && !reader.isClosed() ? reader.check( reader.code() ) : () -> {}, condition );
	}

	/**
	 * Drops the cells that an interval intersects; see {@link #invalidate()}.
	 *
	 * @param interval
	 * 		in pixels; what is outside of the image does not count
	 * @throws IllegalArgumentException
	 * 		if the interval has another number of axes
	 */
	public void invalidate( final Interval interval )
	{
		requireSameAxes( interval );
		final Interval copy = new FinalInterval( interval );
		invalidateIf( cell -> !Intervals.isEmpty( Intervals.intersect( copy, reader.spec().interval( cell ) ) ) );
	}

	/**
	 * Lets cells that failed be computed again when they are read next, without a pause. See
	 * {@link PythonCacheLoader#retryAll()}.
	 */
	public void retryFailed()
	{
		reader.retryAll();
	}

	/**
	 * Registers a listener that is told which cells were invalidated, see
	 * {@link PythonCacheLoader#onInvalidate}.
	 *
	 * @param listener
	 * 		is told; this image refers to it until it is removed
	 * @return removes the listener when it is run
	 */
	public Runnable onInvalidate( final Consumer< ? super Predicate< Long > > listener )
	{
		return reader.onInvalidate( Objects.requireNonNull( listener, "listener" ) );
	}

	// ------------------------------------------------------------------ know

	/**
	 * How the pixels of an input get to Python.
	 *
	 * @param input
	 * 		number of the input, from 0 on
	 * @param cell
	 * 		index of the cell that is computed; the cells of the input that it needs are
	 * 		loaded
	 * @return the way
	 * @throws IllegalArgumentException
	 * 		if there is no such input or cell
	 */
	public InputWay getInputWay( final int input, final long cell )
	{
		return reader.inputWay( input, cell );
	}

	boolean isClosed()
	{
		return reader.isClosed();
	}

	PythonCacheLoaderQueue queue()
	{
		return settings.queue();
	}

	// -------------------------------------------------------------- compute

	/**
	 * Computes all cells that are not cached. See {@link #compute(Interval, PythonProgress)}.
	 *
	 * @return what was done
	 */
	public PythonSummary compute()
	{
		return compute( this );
	}

	/**
	 * Computes the cells that an interval intersects, and that are not cached. See
	 * {@link #compute(Interval, PythonProgress)}.
	 *
	 * @param interval
	 * 		in pixels
	 * @return what was done
	 */
	public PythonSummary compute( final Interval interval )
	{
		return compute( interval, ( done, total ) -> {} );
	}

	/**
	 * Computes the cells that an interval intersects, and that are not cached, by all workers
	 * at the same time. Other threads that read this image, or another one of the same
	 * workers, come first. The cells get into the cache, which drops those that it has no room
	 * for. The memory that this takes does not depend on the number of cells.
	 * <p>
	 * Cells that fail do not end it. If this thread is interrupted, or
	 * {@link PythonProgress#isCancelled()} says so, it ends within half a second, also if
	 * Python code does not: the summary {@linkplain PythonSummary#isCancelled() tells it}, and
	 * the thread is interrupted again. Code that runs then goes on until its end.
	 *
	 * @param interval
	 * 		in pixels; what is outside of the image does not count
	 * @param progress
	 * 		is told on this thread; what it throws ends the computation and is thrown here
	 * @return what was done
	 * @throws PythonClosedException
	 * 		if this image or its queue is closed, also meanwhile
	 * @throws IllegalStateException
	 * 		on the thread of a worker
	 * @throws IllegalArgumentException
	 * 		if the interval has another number of axes
	 * @throws RuntimeException
	 * 		what an input throws that is not computed by Python
	 */
	public PythonSummary compute( final Interval interval, final PythonProgress progress )
	{
		return compute( interval, progress, reader.numReaders() );
	}

	PythonSummary compute( final Interval interval, final PythonProgress progress, final int numReaders )
	{
		requireSameAxes( interval );
		WorkerPool.requireNotOnAWorker( "An image cannot be computed" );
		reader.requireOpen();
		final long start = System.nanoTime();
		final CellsInParallel computation = new CellsInParallel( Objects.requireNonNull( progress, "progress" ), Collections.singletonList( new CellsOfImage( reader, getCache(), interval, numReaders ) ) );
		computation.run();
		return new PythonSummary( computation, ( System.nanoTime() - start ) * 1e-9, false, computation.isCancelled() );
	}

	/**
	 * Lets cells be computed that will be read soon. Returns at once. The cells are computed
	 * in the order of the distance of their centre from that of the interval, at most as many
	 * as the cache has room for, and a million. Whoever reads cells comes first. What was asked for before,
	 * and has not begun, is dropped; a few cells per worker may have begun. If a cell fails,
	 * its next reader is told.
	 *
	 * @param interval
	 * 		in pixels; what is outside of the image does not count
	 * @throws PythonClosedException
	 * 		if this image is closed
	 * @throws IllegalArgumentException
	 * 		if the interval has another number of axes
	 */
	public void prefetch( final Interval interval )
	{
		requireSameAxes( interval );
		reader.requireOpen();
		prefetch.request( new FinalInterval( interval ) );
	}

	/**
	 * Writes this image. See {@link #writeTo(PythonSink, PythonProgress)}.
	 *
	 * @param sink
	 * 		where to
	 * @return what was done
	 */
	public PythonSummary writeTo( final PythonSink sink )
	{
		return writeTo( sink, ( done, total ) -> {} );
	}

	/**
	 * Writes this image, block by block, by all workers at the same time. Cells that are not
	 * cached are computed, as {@link #compute(Interval, PythonProgress)} does it: others come
	 * first, the memory does not depend on the size of the image, and it can be cancelled.
	 * Then, the code that runs for cells is cancelled, too, unless others wait for them.
	 * <p>
	 * A block is what no other worker writes into: by default a cell, which is a chunk of the
	 * array. Progress and summary count blocks, also those of the other levels of a pyramid.
	 * <p>
	 * A block of which a cell fails is not written; the summary has the error of the cell. If
	 * writing fails, it has an error with the cell where the block begins. If anything failed,
	 * or it was cancelled, the array stays marked as not complete, and
	 * {@link PythonSink#resume} goes on with it.
	 *
	 * @param sink
	 * 		where to
	 * @param progress
	 * 		is told on this thread; what it throws ends the computation and is thrown here
	 * @return what was done
	 * @throws IllegalArgumentException
	 * 		if the sink cannot have such an image, or what is there already is in the way
	 * @throws PythonCodeException
	 * 		if the sink cannot be opened or made
	 * @throws PythonTrustException
	 * 		if an allow-list lacks the expression of the sink
	 * @throws PythonClosedException
	 * 		if this image or its queue is closed, also meanwhile
	 * @throws PythonException
	 * 		if this image was changed or invalidated while it was written
	 * @throws IllegalStateException
	 * 		on the thread of a worker; or if another thread writes into the same sink
	 * @throws RuntimeException
	 * 		what an input throws that is not computed by Python
	 */
	public PythonSummary writeTo( final PythonSink sink, final PythonProgress progress )
	{
		return writing( sink, null, progress ).write();
	}

	/**
	 * Writes a part of this image. See {@link #writeTo(PythonSink, Interval, PythonProgress)}.
	 *
	 * @param sink
	 * 		where to
	 * @param part
	 * 		in pixels
	 * @return what was done
	 */
	public PythonSummary writeTo( final PythonSink sink, final Interval part )
	{
		return writeTo( sink, part, ( done, total ) -> {} );
	}

	/**
	 * Writes a part of this image, as {@link #writeTo(PythonSink, PythonProgress)} writes all
	 * of it. So several threads, programs and machines can write one image, if each block
	 * belongs to only one part:
	 *
	 * <pre>{@code
	 * final long[] block = image.beginWriting( sink );
	 * // Anywhere, for parts of whole blocks:
	 * image.writeTo( sink.resume( true ), part );
	 * // When all parts are written:
	 * image.writeTo( sink.resume( true ) );
	 * }</pre>
	 *
	 * The last step writes what is missing, of other levels of a pyramid, too, and marks the
	 * image as complete. It has little to do for a level if a part has whole chunks of it:
	 * these are written with the part.
	 * <p>
	 * With {@link PythonSink#resume}, only chunks that are missing are written. It looks at
	 * those of the part only, however many the image has.
	 *
	 * @param sink
	 * 		where to. An array that has one writer, as {@link PythonSink#to} says, is written by
	 * 		one call after the other
	 * @param part
	 * 		in pixels; what is outside of the image does not count. It has whole blocks: it
	 * 		begins at a multiple of their size, and ends there or with the image
	 * @param progress
	 * 		is told on this thread; what it throws ends the computation and is thrown here
	 * @return what was done
	 * @throws IllegalArgumentException
	 * 		if the part has not whole blocks, or another number of axes; or if the sink would
	 * 		delete what other parts have written
	 * @throws RuntimeException
	 * 		see {@link #writeTo(PythonSink, PythonProgress)}
	 */
	public PythonSummary writeTo( final PythonSink sink, final Interval part, final PythonProgress progress )
	{
		requireSameAxes( part );
		if ( sink.isOverwriting() )
			throw new IllegalArgumentException( "a part of " + reader.name() + " cannot be written into " + sink + " by a sink with .overwrite( true ), which deletes the other parts: say image.beginWriting( sink ) once, then write parts with .overwrite( false ).resume( true )" );
		final Interval within = Intervals.intersect( this, part );
		return writing( sink, Intervals.isEmpty( within ) ? nothing() : within, progress ).write();
	}

	/**
	 * Makes the array of a sink, and writes nothing, so that parts can be written: see
	 * {@link #writeTo(PythonSink, Interval, PythonProgress)}. With {@link PythonSink#resume},
	 * it may be there already; one that {@link PythonSink#to} opens has to be.
	 *
	 * @param sink
	 * 		where to
	 * @return size of the blocks that are written at the same time, in pixels
	 * @throws PythonInterruptedException
	 * 		if this thread is interrupted meanwhile
	 * @throws RuntimeException
	 * 		see {@link #writeTo(PythonSink, PythonProgress)}
	 */
	public long[] beginWriting( final PythonSink sink )
	{
		final Writing writing = writing( sink, nothing(), ( done, total ) -> {} );
		writing.write();
		if ( writing.blockSize() == null )
			throw new PythonInterruptedException( "Interrupted while " + sink + " was prepared", new InterruptedException() );
		return writing.blockSize();
	}

	/**
	 * @return no pixel
	 */
	private Interval nothing()
	{
		return new FinalInterval( new long[ numDimensions() ] );
	}

	private Writing writing( final PythonSink sink, final Interval part, final PythonProgress progress )
	{
		Objects.requireNonNull( sink, "sink" );
		Objects.requireNonNull( progress, "progress" );
		WorkerPool.requireNotOnAWorker( "An image cannot be written" );
		final PythonCacheLoaderQueue queue;
		synchronized ( this )
		{
			reader.requireOpen();
			queue = settings.queue();
		}
		return new Writing( this, reader, queue, sink, part, progress );
	}

	/**
	 * Checks the halo on eight cells, see {@link #checkHalo(int)}.
	 *
	 * @return the result
	 */
	public HaloCheck checkHalo()
	{
		return checkHalo( NUM_CELLS_TO_CHECK );
	}

	/**
	 * Finds out whether the halo of the inputs is wide enough for the code: computes some
	 * cells anew with twice the halo, and compares. If the halo is too small, the image has
	 * seams between cells, and nothing else tells so. The cells are spread over the image,
	 * with corners.
	 * <p>
	 * A halo of 0 is compared with one of 8, if the code is a function.
	 *
	 * @param numCells
	 * 		how many cells, 1 or more
	 * @return the result
	 * @throws PythonCellException
	 * 		if a cell fails, with the halo of the image or twice that
	 * @throws IllegalStateException
	 * 		if there can be no wider halo: the image has no inputs; or it has no halo, and
	 * 		statements that may not crop; or an input with {@link Border#NONE} is not large
	 * 		enough; or on the thread of a worker
	 * @throws PythonClosedException
	 * 		if this image or its queue is closed
	 * @throws PythonInterruptedException
	 * 		if this thread is interrupted
	 */
	public HaloCheck checkHalo( final int numCells )
	{
		if ( numCells < 1 )
			throw new IllegalArgumentException( "number of cells to check is " + numCells + ", expected 1 or more" );
		WorkerPool.requireNotOnAWorker( "A halo cannot be checked" );
		final CellCode code;
		final PythonImgBuilder< T > doubledHalo;
		final String halo;
		synchronized ( this )
		{
			reader.requireOpen();
			code = reader.code();
			doubledHalo = settings.withDoubledHalo( reader.name() );
			halo = settings.describeHalo();
		}
		final List< Interval > intervals = new ArrayList<>();
		for ( final long cell : HaloCheck.spread( reader.spec().grid(), numCells ) )
			intervals.add( reader.spec().interval( cell ) );
		final HaloCheck check;
		try (final PythonImg< T > doubled = build( doubledHalo ))
		{
			check = HaloCheck.of( this, doubled, intervals, reader.name(), halo );
		}
		// If the code has changed meanwhile, that is a difference, too.
		return reader.code() == code ? check : checkHalo( numCells );
	}

	private PythonImg< T > build( final PythonImgBuilder< T > doubledHalo )
	{
		try
		{
			return doubledHalo.build();
		}
		catch ( final IllegalArgumentException e )
		{
			throw new IllegalStateException( "The halo of " + reader.name() + " cannot be checked, because twice the halo does not fit: " + e.getMessage(), e );
		}
	}

	/**
	 * Tells how this image is made: its code, parameters, what is opened, inputs with their
	 * geometry (and theirs, where they are such images, too), types and sizes, the Python with the versions
	 * of the packages that the code imports or takes its function from, and the version of
	 * this library. The same settings give the same text. Asks a worker, before the blocks
	 * that wait.
	 *
	 * @return text of some lines, in UTF-8 if it is written to a file
	 * @throws PythonClosedException
	 * 		if this image or one of its inputs was closed, or its queue, before this was
	 * 		asked for
	 * @throws PythonInterruptedException
	 * 		if this thread is interrupted
	 * @throws IllegalStateException
	 * 		on the thread of a worker
	 */
	public String provenance()
	{
		final CellCode code = reader.code();
		final PythonCacheLoaderQueue queue;
		synchronized ( this )
		{
			reader.requireOpen();
			queue = settings.queue();
		}
		return Provenance.of( reader.spec(), code, reader.name(), settings, Provenance.environment( queue, code ) );
	}

	/**
	 * Lets go of the workers. Optional: an image that nobody uses any more does so, too. Cells
	 * that are cached can still be read; reads of others throw a {@link PythonClosedException},
	 * also those that wait now. What runs is cancelled, and the workers forget the code.
	 * Workers that only this image has used end after a while; a queue that the builder was
	 * given goes on. Does nothing when called again.
	 */
	@Override
	public synchronized void close()
	{
		prefetch.cancel();
		reader.close();
		settings.forgetQueue();
	}

	PythonImgBuilder< T > settings()
	{
		return settings;
	}

	CellReader< T, ? > reader()
	{
		return reader;
	}

	/**
	 * @return an image whose cells have the halo of the inputs, too, see
	 *         {@link PythonImgBuilder#withHaloInCells}
	 */
	PythonImg< T > withHaloInCells()
	{
		final PythonImgBuilder< T > overlapping;
		synchronized ( this )
		{
			reader.requireOpen();
			overlapping = settings.withHaloInCells( reader.name() );
		}
		return overlapping.build();
	}

	private void requireSameAxes( final Interval interval )
	{
		if ( interval.numDimensions() != numDimensions() )
			throw new IllegalArgumentException( "the interval " + Intervals.toString( interval ) + " has " + interval.numDimensions() + " axes, the image has " + numDimensions() );
	}

	/**
	 * @return what has happened with the cells until now
	 */
	public PythonMetrics metrics()
	{
		return new PythonMetrics( reader.metrics(), cells );
	}

	/**
	 * Tells how long the code took for each cell.
	 *
	 * @return a new image with one pixel per cell, in the order of the grid: milliseconds that
	 *         the last computation of the cell was in Python, without waiting and copying; NaN
	 *         where none was. Where one call has computed several small cells, each has the
	 *         same part. A cell that took too long has the timeout.
	 * @throws IllegalStateException
	 *         if there are too many cells for an {@code ArrayImg}
	 */
	public ArrayImg< FloatType, FloatArray > timeImg()
	{
		final float[] millis = new float[ numCellsOfAnArray() ];
		reader.times().times( millis );
		return ArrayImgs.floats( millis, reader.spec().grid().getGridDimensions() );
	}

	/**
	 * Tells which cells have failed.
	 *
	 * @return a new image with one pixel per cell, in the order of the grid: 1 where the last
	 *         computation failed, because of the code or a cell of an input; 0 elsewhere
	 * @throws IllegalStateException
	 *         if there are too many cells for an {@code ArrayImg}
	 */
	public ArrayImg< UnsignedByteType, ByteArray > failedImg()
	{
		final byte[] failed = new byte[ numCellsOfAnArray() ];
		reader.times().failures( failed );
		return ArrayImgs.unsignedBytes( failed, reader.spec().grid().getGridDimensions() );
	}

	private int numCellsOfAnArray()
	{
		final long numCells = reader.spec().numCells();
		if ( numCells > Integer.MAX_VALUE - 8 )
			throw new IllegalStateException( "the image has " + numCells + " cells, too many for an image of one pixel per cell: choose larger cells by .cellSize( … )" );
		return ( int ) numCells;
	}
}
