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
package net.imglib2.cache.python.image;

import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.function.Predicate;

import net.imglib2.Interval;
import net.imglib2.cache.Cache;
import net.imglib2.cache.LoaderCache;
import net.imglib2.cache.img.CachedCellImg;
import net.imglib2.cache.python.InputWay;
import net.imglib2.cache.python.PythonCellException;
import net.imglib2.cache.python.PythonTimeoutException;
import net.imglib2.cache.python.protocol.CellCode;
import net.imglib2.cache.python.worker.WorkerPool;
import net.imglib2.img.basictypeaccess.array.ArrayDataAccess;
import net.imglib2.img.cell.Cell;
import net.imglib2.type.NativeType;
import net.imglib2.util.Cast;

/**
 * Reads the cells of a loader for its images and for caches of others: decides
 * whether a cell is computed, or has just failed, or is filled, and knows what has
 * to be dropped where a cell is invalidated or retried.
 * <p>
 * Thread-safe. The workers keep the code, and the pool stays, as long as this, or an
 * image of it, is in use.
 *
 * @param <T>
 * 		pixel type
 * @param <A>
 * 		access to the pixels of a cell
 */
public final class CellReader< T extends NativeType< T >, A extends ArrayDataAccess< ? > >
{
	/**
	 * Smaller cells tend to take as long as the way to a worker, so that each needs some
	 * that wait for it.
	 */
	private static final long SMALL_BYTES = 1 << 16;

	private static final int READERS_OF_SMALL_CELLS = 8;

	private static final int READERS_OF_LARGE_CELLS = 2;

	private static final int MAX_READERS = 256;

	private static final long MAX_NANOS_TO_WAIT_FOR_A_CHANGE = TimeUnit.SECONDS.toNanos( 1 );

	private static final long MIN_NANOS_BETWEEN_LOOKS = TimeUnit.MICROSECONDS.toNanos( 100 );

	private static final long MAX_NANOS_BETWEEN_LOOKS = TimeUnit.MILLISECONDS.toNanos( 5 );

	private final CellSpec< T, A > spec;

	private final WorkerPool pool;

	private final CellComputer< A > computer;

	private final CellFailures failures;

	private final CellFill< T, A > fill;

	private final InvalidationListeners listeners = new InvalidationListeners();

	private final Dependents dependents = new Dependents();

	/**
	 * The threads that change what cells are computed of, and have not yet dropped all cells.
	 */
	private final Set< Thread > changing = ConcurrentHashMap.newKeySet();

	private final List< WeakReference< CellCache< A > > > caches = new CopyOnWriteArrayList<>();

	/**
	 * Sample for the cells that caches of others get; {@code null} before the first.
	 */
	private volatile A accessForOthers;

	/**
	 * @param spec
	 * 		what to compute
	 * @param pool
	 * 		computes it
	 * @param poolOwner
	 * 		the pool ends when this has been collected
	 * @param failures
	 * 		of this loader alone
	 */
	public CellReader( final CellSpec< T, A > spec, final WorkerPool pool, final Object poolOwner, final CellFailures failures )
	{
		this.spec = spec;
		this.pool = pool;
		this.failures = failures;
		fill = new CellFill<>( spec, pool.memory(), failures );
		computer = new CellComputer<>( spec, pool, poolOwner );
		Dependents.follow( this );
	}

	public CellSpec< T, A > spec()
	{
		return spec;
	}

	/**
	 * @param cells
	 * 		keeps the cells; of this image alone
	 * @return a lazy image
	 */
	public CachedCellImg< T, A > createImage( final LoaderCache< Long, Cell< A > > cells )
	{
		return new CachedCellImg<>( spec.grid(), spec.type(), createCache( cells ), spec.access() );
	}

	/**
	 * @param cells
	 * 		keeps the cells; of one image alone
	 * @return the cache of that image
	 */
	public Cache< Long, Cell< A > > createCache( final LoaderCache< Long, Cell< A > > cells )
	{
		final CellCache< A > cache = new CellCache<>( cells, this );
		caches.removeIf( reference -> reference.get() == null );
		caches.add( new WeakReference<>( cache ) );
		return cache;
	}

	/**
	 * @return what computes the cells
	 */
	public CellCode code()
	{
		return computer.code();
	}

	/**
	 * @param code
	 * 		checked here
	 * @return lets that code compute the cells from now on, as the change of {@link #begin}
	 */
	public Runnable check( final CellCode code )
	{
		return computer.check( code );
	}

	/**
	 * Changes what cells are computed of.
	 *
	 * @param change
	 * 		changes it; what it throws is thrown
	 * @return drops the cells, which is to follow at once, on this thread: others wait for it, see
	 *         {@link #version()}
	 */
	public Change begin( final Runnable change )
	{
		final Change begun = new Change();
		boolean isChanged = false;
		try
		{
			begun.mark();
			change.run();
			isChanged = true;
			return begun;
		}
		finally
		{
			if ( !isChanged )
				begun.unmark();
		}
	}

	/**
	 * A change of what cells are computed of. From its beginning until all cells are dropped,
	 * one may be of what was there before, and another one not.
	 */
	public final class Change
	{
		private final Thread thread = Thread.currentThread();

		/**
		 * Without those that this thread changes already: it may drop other cells while it drops
		 * some.
		 */
		private final List< CellReader< ?, ? > > changed = new ArrayList<>();

		private void mark()
		{
			for ( final CellReader< ?, ? > reader : Dependents.all( CellReader.this ) )
				if ( reader.changing.add( thread ) )
					changed.add( reader );
		}

		private void unmark()
		{
			for ( final CellReader< ?, ? > reader : changed )
			{
				reader.computer.invalidate();
				reader.changing.remove( thread );
			}
		}

		/**
		 * Drops cells from the caches of all images, and from those of images that have these as
		 * inputs, and notifies the listeners of all. To be called without a lock, because
		 * listeners may wait for other threads. No reader who comes afterwards gets pixels of
		 * what was there before.
		 *
		 * @param condition
		 * 		which cells; thread-safe
		 */
		public void drop( final Predicate< Long > condition )
		{
			end( () -> dropIf( condition ), condition );
		}

		private void end( final Runnable drop, final Predicate< Long > condition )
		{
			final Runnable notify;
			try
			{
				drop.run();
				// The condition may read images that depend on this.
				computer.invalidate();
				notify = dependents.drop( CellReader.this, condition );
			}
			finally
			{
				unmark();
			}
			notify.run();
		}
	}

	/**
	 * Drops cells, and those of images that have these as inputs, and notifies the listeners of
	 * all.
	 *
	 * @param drop
	 * 		drops the cells of this
	 * @param condition
	 * 		is true for them
	 */
	void drop( final Runnable drop, final Predicate< Long > condition )
	{
		begin( () -> {} ).end( drop, condition );
	}

	/**
	 * Drops cells of this alone, and tells nobody.
	 */
	void dropIf( final Predicate< Long > condition )
	{
		forgetIf( condition );
		try
		{
			forEachCache( cache -> cache.dropIf( condition ) );
		}
		finally
		{
			computer.invalidate();
		}
	}

	/**
	 * Waits while another thread drops cells, but not for ever: that thread may wait for this
	 * one.
	 *
	 * @return changes when cells were dropped, or may be computed anew: what was read meanwhile
	 *         may be of different things
	 */
	public long version()
	{
		if ( !changing.isEmpty() && !changing.contains( Thread.currentThread() ) )
			awaitChanges();
		return computer.version();
	}

	private void awaitChanges()
	{
		final Set< Thread > awaited = new HashSet<>( changing );
		final long end = System.nanoTime() + MAX_NANOS_TO_WAIT_FOR_A_CHANGE;
		long nanos = MIN_NANOS_BETWEEN_LOOKS;
		while ( !Collections.disjoint( changing, awaited ) && !Thread.currentThread().isInterrupted() )
		{
			if ( System.nanoTime() - end > 0 )
			{
				// Nor does anybody else wait for them.
				changing.removeAll( awaited );
				return;
			}
			LockSupport.parkNanos( this, nanos );
			nanos = Math.min( 2 * nanos, MAX_NANOS_BETWEEN_LOOKS );
		}
	}

	/**
	 * @return counts of what has happened with the cells
	 */
	public CellMetrics metrics()
	{
		return computer.metrics();
	}

	/**
	 * @return how many threads have to read cells so that all workers are busy
	 */
	public int numReaders()
	{
		return numReaders( spec.maxCellBytes() );
	}

	/**
	 * @param bytes
	 * 		size of what each of them handles
	 * @return how many threads have to read cells so that all workers are busy
	 */
	int numReaders( final long bytes )
	{
		final int perWorker = bytes <= SMALL_BYTES ? READERS_OF_SMALL_CELLS : READERS_OF_LARGE_CELLS;
		return Math.min( MAX_READERS, perWorker * Math.max( 1, pool.numWorkers() ) );
	}

	/**
	 * @return what messages call the image
	 */
	public String name()
	{
		return computer.loaderName();
	}

	/**
	 * @return how long the last computations of the cells took
	 */
	public CellTimes times()
	{
		return computer.times();
	}

	/**
	 * Computes nothing any more: reads of cells that are not cached throw a
	 * {@link net.imglib2.cache.python.PythonClosedException}, also those that wait now. The
	 * workers forget the code. Does nothing when called again.
	 */
	public void close()
	{
		computer.close();
	}

	public boolean isClosed()
	{
		return computer.isClosed();
	}

	/**
	 * @throws net.imglib2.cache.python.PythonClosedException
	 * 		if this is closed
	 */
	public void requireOpen()
	{
		computer.requireOpen();
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
	 * Reads a cell for a cache that is not a {@link CellCache}. Nobody knows what such
	 * a cache has dropped, so no computation goes on for its next reader.
	 *
	 * @param cell
	 * 		index of the cell
	 * @return the cell
	 * @throws Exception
	 * 		why there is none
	 */
	public Cell< A > readForOthers( final Long cell ) throws Exception
	{
		A sample = accessForOthers;
		if ( sample == null )
		{
			// The images of disk caches have such an access, too, whatever the loader was made for.
			sample = DiskCaches.isAsking() ? Cast.unchecked( DiskCaches.access( spec.type() ) ) : spec.access();
			accessForOthers = sample;
		}
		final boolean repeated = failures.isRepeated( cell );
		final Cell< A > read;
		try
		{
			read = read( cell, failures.count(), false, sample );
		}
		catch ( final Exception e )
		{
			if ( CellInProgress.ofThisThread() == null )
				failures.throttle( cell, repeated, e );
			throw e;
		}
		FilledCell.report( read );
		return read;
	}

	/**
	 * Reads a cell for the cache of an image.
	 *
	 * @param cell
	 * 		index of the cell
	 * @param arrival
	 * 		{@link CellFailures#count()} when the reader came
	 * @return the cell
	 * @throws Exception
	 * 		why there is none
	 */
	Cell< A > read( final Long cell, final long arrival ) throws Exception
	{
		return read( cell, arrival, true, spec.access() );
	}

	private Cell< A > read( final Long cell, final long arrival, final boolean detachable, final A sample ) throws Exception
	{
		final Interval interval = spec.interval( cell );
		computer.requireOpen();
		PythonCellException error = failures.find( cell, arrival );
		if ( error == null )
			try
			{
				final Cell< A > computed = computer.compute( cell, interval, detachable, sample );
				metrics().computed();
				failures.forget( cell );
				return computed;
			}
			catch ( final PythonCellException e )
			{
				metrics().failed( e instanceof PythonTimeoutException );
				final boolean isInputs = e.getCause() instanceof PythonCellException;
				if ( isInputs )
					computer.times().putFailedInput( cell );
				// An input that fails has pauses of its own.
				failures.add( cell, arrival, e, !isInputs );
				error = e;
			}
		else
			pool.requireOpen();
		return fill.fillOrThrow( cell, interval, sample, error );
	}

	/**
	 * Waits for the code that runs although its reader was interrupted.
	 *
	 * @throws InterruptedException
	 * 		if this thread is interrupted
	 */
	void awaitDetached() throws InterruptedException
	{
		computer.awaitDetached();
	}

	/**
	 * Cancels the code that runs although its reader was interrupted, unless another reader
	 * waits for the cell by now.
	 */
	public void cancelDetached()
	{
		computer.cancelDetached();
	}

	/**
	 * See {@code PythonCacheLoader.retry}.
	 */
	public void retry( final long cell )
	{
		spec.interval( cell );
		forget( cell );
		final boolean filled = fill.retry( cell );
		invalidateFilled( Collections.singleton( cell ), key -> key == cell );
		if ( filled )
			drop( () -> {}, key -> key == cell );
	}

	/**
	 * See {@code PythonCacheLoader.retryAll}.
	 */
	public void retryAll()
	{
		forgetIf( cell -> true );
		final Set< Long > filled = fill.retryAll();
		invalidateFilled( filled, key -> true );
		if ( !filled.isEmpty() )
			drop( () -> {}, filled::contains );
	}

	private void invalidateFilled( final Set< Long > filled, final Predicate< Long > retried )
	{
		forEachCache( cache -> cache.invalidateFilled( filled, retried ) );
	}

	/**
	 * The next read of the cell computes it.
	 */
	void forget( final Long cell )
	{
		failures.forget( cell );
		computer.invalidate();
	}

	void forgetIf( final Predicate< Long > condition )
	{
		failures.forgetIf( condition );
		computer.invalidate();
	}

	/**
	 * See {@code PythonCacheLoader.onInvalidate}.
	 */
	public Runnable onInvalidate( final Consumer< ? super Predicate< Long > > listener )
	{
		return listeners.add( listener );
	}

	InvalidationListeners listeners()
	{
		return listeners;
	}

	/**
	 * @return the readers whose cells are computed of this one's
	 */
	Dependents dependents()
	{
		return dependents;
	}

	CellFailures failures()
	{
		return failures;
	}

	/**
	 * @return what {@link CellInProgress} knows this by
	 */
	Object key()
	{
		return computer;
	}

	/**
	 * @param input
	 * 		index of the input
	 * @param cell
	 * 		index of the cell that is computed
	 * @return how the input's pixels get to Python
	 * @throws IllegalArgumentException
	 * 		if there is no such input or cell
	 */
	public InputWay inputWay( final int input, final long cell )
	{
		final int numInputs = spec.inputs().size();
		if ( input < 0 || input >= numInputs )
			throw new IllegalArgumentException( name() + " has no input " + input + ": " + ( numInputs == 0 ? "it has no inputs" : "its inputs are 0 to " + ( numInputs - 1 ) ) );
		return spec.inputs().get( input ).wayOf( spec.interval( cell ) );
	}
}
