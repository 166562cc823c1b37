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

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

import net.imglib2.cache.python.block.CellOutput;
import net.imglib2.cache.python.protocol.BlockRequest;
import net.imglib2.cache.python.worker.BlockTask;

/**
 * Computations of cells whose reader was interrupted. Code that runs goes on, and the
 * next reader of the cell takes the computation over.
 * <p>
 * Thread-safe.
 */
final class DetachedComputations
{
	/**
	 * A block that was submitted, and where its pixels go.
	 */
	static final class Computation
	{
		final CellOutput output;

		final BlockTask task;

		final BlockRequest request;

		/**
		 * How long it took to read the inputs.
		 */
		final long copyNanos;

		/**
		 * Since when a reader waits for it. Used by that reader, as the next field.
		 */
		private long since;

		private long waitNanos;

		private final long version;

		/**
		 * @param output
		 * 		gets the pixels
		 * @param request
		 * 		what is computed
		 * @param task
		 * 		computes it
		 * @param copyNanos
		 * 		how long it took to read the inputs
		 * @param since
		 * 		{@link System#nanoTime()} when that was done
		 * @param version
		 * 		{@link #version()} before the inputs were read
		 */
		Computation( final CellOutput output, final BlockRequest request, final BlockTask task, final long copyNanos, final long since, final long version )
		{
			this.output = output;
			this.request = request;
			this.task = task;
			this.copyNanos = copyNanos;
			this.since = since;
			this.version = version;
		}

		/**
		 * @return since when its reader waits
		 */
		long since()
		{
			return since;
		}

		/**
		 * The reader waits no longer.
		 *
		 * @param now
		 * 		{@link System#nanoTime()}
		 * @return how long it has waited
		 */
		long waited( final long now )
		{
			waitNanos += now - since;
			return now - since;
		}

		/**
		 * @return how long readers have waited, all together
		 */
		long waitNanos()
		{
			return waitNanos;
		}
	}

	private final Map< Long, Computation > computations = new ConcurrentHashMap<>();

	private final AtomicLong version = new AtomicLong();

	/**
	 * @return how often {@link #invalidate()} was called
	 */
	long version()
	{
		return version.get();
	}

	/**
	 * The reader of a cell was interrupted. A computation that has not begun is dropped.
	 */
	void add( final long cell, final Computation computation )
	{
		if ( !computation.task.isBegun() )
			return;
		// This bounds the number: what is done was not asked for, and each worker runs one.
		computations.values().removeIf( other -> other.task.isDone() );
		computations.put( cell, computation );
	}

	/**
	 * @return the computation of the cell, which is removed; {@code null} if there is
	 *         none that is up to date
	 */
	Computation take( final long cell )
	{
		final Computation left = computations.isEmpty() ? null : computations.remove( cell );
		if ( left == null || left.version != version.get() )
			return null;
		left.since = System.nanoTime();
		return left;
	}

	/**
	 * @return a computation, which is removed; {@code null} if there is none
	 */
	Computation takeAny()
	{
		for ( final Long cell : computations.keySet() )
		{
			final Computation left = computations.remove( cell );
			if ( left != null )
				return left;
		}
		return null;
	}

	/**
	 * All computations so far may have read inputs that have changed since.
	 */
	void invalidate()
	{
		version.incrementAndGet();
		computations.clear();
	}
}
