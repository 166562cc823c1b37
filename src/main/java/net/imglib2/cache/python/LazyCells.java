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

import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.logging.Logger;

import net.imglib2.cache.CacheLoader;
import net.imglib2.cache.LoaderCache;
import net.imglib2.cache.img.CachedCellImg;
import net.imglib2.cache.python.block.BlockMemory;
import net.imglib2.cache.python.image.CellFailures;
import net.imglib2.cache.python.image.CellReader;
import net.imglib2.cache.python.image.CellSpec;
import net.imglib2.cache.ref.GuardedStrongRefLoaderCache;
import net.imglib2.img.basictypeaccess.array.ArrayDataAccess;
import net.imglib2.img.basictypeaccess.nio.BufferAccess;
import net.imglib2.img.cell.Cell;
import net.imglib2.type.NativeType;

/**
 * What is done with the cells of a {@link PythonCacheLoader}: they are read, images
 * are made of them, and those that failed are retried. Thread-safe.
 *
 * @param <T>
 * 		pixel type of the image
 * @param <A>
 * 		access to the pixels of a cell
 */
abstract class LazyCells< T extends NativeType< T >, A extends ArrayDataAccess< ? > > implements CacheLoader< Long, Cell< A > >
{
	private static final Logger LOG = Logger.getLogger( PythonCacheLoader.class.getName() );

	private final CellSpec< T, A > spec;

	private final BlockMemory memory;

	private final CellReader< T, A > reader;

	/**
	 * @param queue
	 * 		computes the cells
	 * @param spec
	 * 		what they are
	 * @param failures
	 * 		when cells that failed are computed again
	 */
	LazyCells( final PythonCacheLoaderQueue queue, final CellSpec< T, A > spec, final CellFailures failures )
	{
		this.spec = spec;
		memory = Objects.requireNonNull( queue, "queue" ).pool().memory();
		reader = new CellReader<>( spec, queue.pool(), queue, failures );
	}

	/**
	 * Computes a cell. Blocks until it is computed.
	 * <p>
	 * If the code raises an exception, all readers that wait for the cell get one
	 * {@link PythonCellException} (wrapped as the cache does it), and the next read
	 * computes the cell again. Viewers read what failed again and again, so there are
	 * pauses:
	 * <ul>
	 * <li>After the second failure in a row, reads within 20 milliseconds get the error
	 * without another attempt. Each further failure doubles this time, up to 10
	 * seconds.</li>
	 * <li>A reader that reads a cell again as soon as it failed, and gets an error without
	 * another attempt, waits for a tenth of a second first. This also holds where it is
	 * not the code that fails, for instance because the queue was closed.</li>
	 * </ul>
	 * The pauses of a cell end when it is computed, by {@link #retry} and
	 * {@link #retryAll}, and when it is invalidated in the image's cache
	 * ({@link CachedCellImg#getCache()}). Readers can get cells that are filled with a
	 * value instead of the error, see {@link PythonLoaderOptions#onErrorFill}.
	 * <p>
	 * The first caller decides about all cells: if it is a disk cache of imglib2-cache,
	 * they are in arrays, because it cannot save others.
	 *
	 * @param key
	 * 		index of the cell in the grid
	 * @return the cell
	 * @throws PythonCellException
	 * 		if the code failed, now, or so shortly before that it does not run again
	 * @throws PythonClosedException
	 * 		if the queue is closed
	 * @throws PythonCycleException
	 * 		if the inputs are computed from this cell
	 * @throws IllegalArgumentException
	 * 		if the caller is a disk cache that cannot save pixels of this type
	 * @throws InterruptedException
	 * 		if this thread was interrupted while it waited
	 * @throws Exception
	 * 		what an {@link InputGenerator} threw
	 */
	@Override
	public Cell< A > get( final Long key ) throws Exception
	{
		return reader.readForOthers( Objects.requireNonNull( key, "key" ) );
	}

	/**
	 * Ends the pauses of a cell that failed: the next read runs the code at once. A
	 * cell that was filled ({@link PythonLoaderOptions#onErrorFill}) is dropped from the
	 * caches of the images that this loader created, and the listeners of
	 * {@link #onInvalidate} are told. A cell that was computed stays.
	 *
	 * @param cell
	 * 		index of the cell
	 * @throws IllegalArgumentException
	 * 		if there is no such cell
	 */
	public void retry( final long cell )
	{
		reader.retry( cell );
	}

	/**
	 * Does what {@link #retry(long)} does for all cells.
	 */
	public void retryAll()
	{
		reader.retryAll();
	}

	/**
	 * Registers a listener that is told which cells were invalidated. It is for what
	 * keeps cells or pixels of this loader's images itself, such as volatile views and
	 * viewers, see {@code doc/caches-and-viewers.md}.
	 *
	 * <pre>{@code
	 * loader.onInvalidate( cells -> {
	 * 	changed.add( cells ); // the viewer's cache drops them before it paints again
	 * 	viewer.requestRepaint();
	 * } );
	 * }</pre>
	 *
	 * The listener gets a condition, which is true for the index of each cell that was
	 * invalidated in the cache of any image of this loader
	 * ({@link CachedCellImg#getCache()}), and of each filled cell that shall be
	 * retried. If all cells were invalidated, it is true for all. The listener may keep
	 * the condition, and any thread may test it, unless somebody gave
	 * {@code invalidateIf} a condition that is not thread-safe.
	 * <p>
	 * The thread that invalidates calls the listener, after the cells were dropped. It
	 * holds no lock, so that the listener may read the images, or wait for others that
	 * do. Several threads may call the listener at the same time. It is not told of
	 * what it invalidates itself. What it throws is logged. Any thread may call this
	 * method.
	 *
	 * @param listener
	 * 		is told; this loader refers to it until it is removed
	 * @return removes the listener when it is run
	 */
	public Runnable onInvalidate( final Consumer< ? super Predicate< Long > > listener )
	{
		return reader.onInvalidate( Objects.requireNonNull( listener, "listener" ) );
	}

	/**
	 * A lazy image of this loader's cells.
	 *
	 * @param loaderCache
	 * 		keeps the cells; of this image alone, because its keys are indices of
	 * 		cells. Choose a bounded one for cells in native memory, which the garbage
	 * 		collector does not count.
	 * @return the image
	 */
	public CachedCellImg< T, A > createCachedCellImg( final LoaderCache< Long, Cell< A > > loaderCache )
	{
		return reader.createImage( Objects.requireNonNull( loaderCache, "loaderCache" ) );
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
		final double cachedBytes = ( double ) spec.maxCellBytes() * Math.min( maximumSize, spec.numCells() );
		warnIfTooMuch( ( long ) cachedBytes );
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
		return createCachedCellImg( new WeightBoundedLoaderCache<>( maximumBytes, cell -> spec.pixelType().numStorageBytes( cell.size() ) ) );
	}

	/**
	 * How the pixels of an input get to Python.
	 *
	 * @param input
	 * 		index of the input
	 * @param cell
	 * 		index of the cell that is computed; the cells of the input that it needs
	 * 		are loaded
	 * @return the way
	 * @throws IllegalArgumentException
	 * 		if there is no such input or cell
	 */
	public InputWay getInputWay( final int input, final long cell )
	{
		return reader.inputWay( input, cell );
	}

	private void warnIfTooMuch( final long cachedBytes )
	{
		final long cellBytes = spec.maxCellBytes();
		final long limit = memory.cellLimit( cellBytes );
		if ( spec.access() instanceof BufferAccess && cachedBytes > limit / 2 )
			LOG.warning( "A cache of " + cachedBytes + " bytes in native memory needs about twice as much until the garbage collector comes, but the limit is "
					+ limit + " bytes: choose a smaller cache, or raise the limit by " + memory.cellLimitOption( cellBytes ) + "=…" );
	}
}
