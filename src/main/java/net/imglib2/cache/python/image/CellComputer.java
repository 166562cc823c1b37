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

import java.util.List;
import java.util.stream.Collectors;

import net.imglib2.Interval;
import net.imglib2.cache.python.PythonCellException;
import net.imglib2.cache.python.PythonClosedException;
import net.imglib2.cache.python.PythonTimeoutException;
import net.imglib2.cache.python.block.BlockArray;
import net.imglib2.cache.python.block.CellOutput;
import net.imglib2.cache.python.protocol.BlockRequest;
import net.imglib2.cache.python.protocol.BlockResult;
import net.imglib2.cache.python.protocol.CellCode;
import net.imglib2.cache.python.protocol.PythonFailure;
import net.imglib2.cache.python.protocol.Snippet;
import net.imglib2.cache.python.worker.WorkerPool;
import net.imglib2.img.basictypeaccess.array.ArrayDataAccess;
import net.imglib2.img.cell.Cell;
import net.imglib2.util.Cast;
import net.imglib2.util.Util;

/**
 * Computes the cells of a loader: gathers the inputs, submits the block, waits for
 * the result, and makes a cell or an exception of it.
 * <p>
 * Thread-safe. The workers drop the code when this has been collected.
 *
 * @param <A>
 * 		access to the pixels of a cell
 */
final class CellComputer< A extends ArrayDataAccess< ? > >
{
	/**
	 * Calls within each other that take as much stack as it takes to compute a cell.
	 */
	private static final int STACK_LEVELS = 200;

	private final CellSpec< ?, A > spec;

	private final int[] lowerHalo;

	private final WorkerPool pool;

	/**
	 * The pool ends when its owner has been collected. {@code null} once this is closed.
	 */
	private volatile Object poolOwner;

	private volatile Registered registered;

	private final DetachedComputations detached = new DetachedComputations();

	private final CellMetrics metrics = new CellMetrics();

	private final CellTimes times = new CellTimes();

	/**
	 * Code that the workers know.
	 */
	private static final class Registered
	{
		final CellCode code;

		final Snippet snippet;

		/**
		 * The workers drop the code when this has been collected.
		 */
		@SuppressWarnings( "unused" )
		private final Object owner = new Object();

		Registered( final CellCode code, final CellSpec< ?, ? > spec, final WorkerPool pool, final CellMetrics metrics )
		{
			this.code = code;
			snippet = pool.register( code, spec.options(), owner );
			snippet.addSpentTo( metrics.inPython() );
		}
	}

	CellComputer( final CellSpec< ?, A > spec, final WorkerPool pool, final Object poolOwner )
	{
		this.spec = spec;
		lowerHalo = spec.lowerHalo();
		this.pool = pool;
		this.poolOwner = poolOwner;
		registered = new Registered( spec.code(), spec, pool, metrics );
	}

	/**
	 * @return what computes the cells
	 */
	CellCode code()
	{
		return registered.code;
	}

	/**
	 * @param code
	 * 		checked here
	 * @return lets that code compute the cells from now on; what the former code computes is not
	 *         for later readers
	 */
	Runnable check( final CellCode code )
	{
		requireOpen();
		final Registered checked = new Registered( code, spec, pool, metrics );
		return () -> use( checked );
	}

	private synchronized void use( final Registered checked )
	{
		if ( isClosed() )
			pool.drop( checked.snippet );
		requireOpen();
		final Registered former = registered;
		registered = checked;
		detached.invalidate();
		pool.drop( former.snippet );
	}

	CellMetrics metrics()
	{
		return metrics;
	}

	CellTimes times()
	{
		return times;
	}

	/**
	 * Computes nothing any more: what runs is cancelled, and the workers forget the code.
	 */
	synchronized void close()
	{
		poolOwner = null;
		detached.invalidate();
		pool.drop( registered.snippet );
	}

	boolean isClosed()
	{
		return poolOwner == null;
	}

	/**
	 * @throws PythonClosedException
	 * 		if this is closed
	 */
	void requireOpen()
	{
		if ( isClosed() )
			throw new PythonClosedException( "The image " + loaderName() + " is closed: cells that are not cached can no longer be computed" );
	}

	/**
	 * What has been submitted until now is not for later readers.
	 */
	void invalidate()
	{
		detached.invalidate();
	}

	/**
	 * Waits for what runs although its reader was interrupted.
	 */
	void awaitDetached() throws InterruptedException
	{
		for ( DetachedComputations.Computation computation = detached.takeAny(); computation != null; computation = detached.takeAny() )
			pool.await( computation.task );
	}

	/**
	 * Cancels what runs although its reader was interrupted.
	 */
	void cancelDetached()
	{
		for ( DetachedComputations.Computation computation = detached.takeAny(); computation != null; computation = detached.takeAny() )
			pool.cancel( computation.task );
	}

	/**
	 * See {@link CellReader#version()}.
	 */
	long version()
	{
		return detached.version();
	}

	/**
	 * @param cell
	 * 		index of the cell
	 * @param interval
	 * 		interval of the cell
	 * @param detachable
	 * 		whether a computation goes on for the next reader when this one is
	 * 		interrupted
	 * @param sample
	 * 		an access of the kind that the cell shall have
	 * @return the cell
	 * @throws PythonCellException
	 * 		if the code fails, or a cell of an input does
	 * @throws StackOverflowError
	 * 		if this thread has not enough stack left; then nothing has happened
	 * @throws Exception
	 * 		what an input throws
	 */
	Cell< A > compute( final long cell, final Interval interval, final boolean detachable, final A sample ) throws Exception
	{
		requireStack( STACK_LEVELS );
		DetachedComputations.Computation computation = detachable ? detached.take( cell ) : null;
		if ( computation == null )
			computation = submit( cell, interval, sample );
		BlockResult result = await( cell, computation, detachable );
		while ( result.isDropped() )
		{
			requireOpen();
			computation = submit( cell, interval, sample );
			result = await( cell, computation, detachable );
		}
		boolean failed = true;
		try
		{
			final Cell< A > computed = cellOf( cell, interval, computation, result );
			failed = false;
			return computed;
		}
		finally
		{
			ended( cell, computation, result, failed );
		}
	}

	private Cell< A > cellOf( final long cell, final Interval interval, final DetachedComputations.Computation computation, final BlockResult result )
	{
		final CellOutput output = computation.output;
		if ( result.isTimedOut() )
			throw new PythonTimeoutException( spec.options().getTimeout(), loaderName(), cell, interval, inputIntervals( interval ), result.worker(), result.failure() );
		if ( result.failure() != null )
			throw failed( cell, interval, result.worker(), result.failure() );
		final A pixels;
		try
		{
			pixels = Cast.unchecked( output.access() );
		}
		catch ( final IllegalArgumentException e )
		{
			// The code wrote numbers that the pixel type does not have.
			throw failed( cell, interval, result.worker(), PythonFailure.withoutException( e.getMessage() ) );
		}
		if ( !result.outputEscaped() )
			output.release();
		return new Cell<>( Util.long2int( interval.dimensionsAsLongArray() ), spec.minInImage( cell ), pixels );
	}

	private void ended( final long cell, final DetachedComputations.Computation computation, final BlockResult result, final boolean failed )
	{
		// Of code that does not end, nobody knows more than that it took as long as it may.
		final long pythonNanos = result.isTimedOut() ? registered.snippet.timeoutNanos() : computation.request.pythonNanos();
		times.put( cell, pythonNanos, failed );
		if ( CellEvents.areRecorded() )
			CellEvents.record( loaderName(), cell, computation.copyNanos, computation.waitNanos(), pythonNanos, failed );
	}

	/**
	 * A stack that gets full later, as that of recursive code does, would leave what all
	 * readers share half changed: the queue of tasks, memory, the request of a worker.
	 *
	 * @return the number of levels
	 */
	private static int requireStack( final int levels )
	{
		return levels == 0 ? 0 : 1 + requireStack( levels - 1 );
	}

	private DetachedComputations.Computation submit( final long cell, final Interval interval, final A sample ) throws Exception
	{
		// In this order, see use().
		final long version = detached.version();
		final Snippet snippet = registered.snippet;
		final BlockArray[] arrays = new BlockArray[ 1 + spec.inputs().size() ];
		final long start = arrays.length == 1 ? 0 : System.nanoTime();
		gatherInputs( cell, interval, arrays );
		final long end = System.nanoTime();
		final long copyNanos = arrays.length == 1 ? 0 : end - start;
		metrics.copied( copyNanos );
		final CellOutput output = new CellOutput( spec.pixelType(), sample, interval.dimensionsAsLongArray(), pool.memory() );
		arrays[ 0 ] = output.array();
		final BlockRequest request = new BlockRequest( snippet, cell, interval, lowerHalo, arrays );
		return new DetachedComputations.Computation( output, request, pool.submit( request ), copyNanos, end, version );
	}

	/**
	 * The reader gathers the inputs, not a worker: an input that is Python-backed
	 * itself would wait for a worker while it occupies one.
	 */
	private void gatherInputs( final long cell, final Interval interval, final BlockArray[] arrays ) throws Exception
	{
		if ( arrays.length == 1 )
			return;
		final CellInProgress inProgress = CellInProgress.begin( this, cell );
		try
		{
			for ( int i = 0; i < arrays.length - 1; ++i )
				arrays[ 1 + i ] = input( i, cell, interval );
		}
		finally
		{
			inProgress.end();
		}
	}

	private BlockArray input( final int i, final long cell, final Interval interval ) throws Exception
	{
		try
		{
			return spec.inputs().get( i ).get( interval );
		}
		catch ( final Exception e )
		{
			for ( Throwable cause = e; cause != null; cause = cause.getCause() )
				if ( cause instanceof PythonCellException )
					throw new PythonCellException( loaderName(), cell, interval, inputIntervals( interval ), i, ( PythonCellException ) cause );
			throw e;
		}
	}

	private BlockResult await( final long cell, final DetachedComputations.Computation computation, final boolean detachable ) throws InterruptedException
	{
		try
		{
			return pool.await( computation.task, computation.since() );
		}
		catch ( final InterruptedException e )
		{
			if ( detachable )
				detached.add( cell, computation );
			throw e;
		}
		finally
		{
			metrics.waited( computation.waited( System.nanoTime() ) );
		}
	}

	private PythonCellException failed( final long cell, final Interval interval, final String worker, final PythonFailure failure )
	{
		return new PythonCellException( loaderName(), cell, interval, inputIntervals( interval ), worker, failure );
	}

	String loaderName()
	{
		return registered.snippet.loaderName();
	}

	private List< Interval > inputIntervals( final Interval interval )
	{
		return spec.inputs().stream().map( input -> input.interval( interval ) ).collect( Collectors.toList() );
	}

	/**
	 * @return what messages call the loader
	 */
	@Override
	public String toString()
	{
		return registered.snippet.toString();
	}
}
