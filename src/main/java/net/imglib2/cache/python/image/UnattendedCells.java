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
import net.imglib2.cache.python.worker.BlockTask;

/**
 * Cells of a loader whose reader was interrupted while their code ran, which goes
 * on: for those who read them next.
 * <p>
 * Thread-safe.
 */
public final class UnattendedCells
{
	/**
	 * A cell whose code waits, runs or has run.
	 */
	public static final class Computation
	{
		public final CellOutput output;

		public final BlockTask task;

		private final long version;

		/**
		 * @param output
		 * 		gets the pixels
		 * @param task
		 * 		computes them
		 * @param version
		 * 		{@link #version()} before the inputs were read
		 */
		public Computation( final CellOutput output, final BlockTask task, final long version )
		{
			this.output = output;
			this.task = task;
			this.version = version;
		}
	}

	private final Map< Long, Computation > computations = new ConcurrentHashMap<>();

	private final AtomicLong version = new AtomicLong();

	/**
	 * @return number of the last {@link #invalidate()}
	 */
	public long version()
	{
		return version.get();
	}

	/**
	 * The reader was interrupted.
	 */
	public void leave( final long cell, final Computation computation )
	{
		if ( !computation.task.isBegun() )
			return;
		// As many stay as workers run, and what nobody came for since the last time goes.
		computations.values().removeIf( other -> other.task.isDone() );
		computations.put( cell, computation );
	}

	/**
	 * @return the computation of the cell that was left, once, or {@code null}
	 */
	public Computation take( final long cell )
	{
		final Computation left = computations.isEmpty() ? null : computations.remove( cell );
		return left != null && left.version == version.get() ? left : null;
	}

	/**
	 * What was begun until now has old pixels.
	 */
	public void invalidate()
	{
		version.incrementAndGet();
		computations.clear();
	}
}
