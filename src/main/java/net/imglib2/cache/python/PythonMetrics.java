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

import java.util.Locale;

import net.imglib2.cache.python.image.CellMetrics;

/**
 * What has happened with the cells of a {@link PythonImg} until now; see
 * {@link PythonImg#metrics()}. All numbers count from when the image was made, also if its
 * code has changed since. Immutable.
 * <p>
 * Java Flight Recorder, where the JVM has it, gets an event
 * {@code net.imglib2.cache.python.Cell} for each cell that is computed while it records,
 * with the name of the image, the index of the cell, the times, and whether it failed.
 */
public final class PythonMetrics
{
	private static final double NANOS_PER_SECOND = 1e9;

	private final long cellsComputed;

	private final long cacheHits;

	private final long cellsFailed;

	private final long cellsTimedOut;

	private final long evictions;

	private final long cachedBytes;

	private final long waitNanos;

	private final long copyNanos;

	private final long pythonNanos;

	PythonMetrics( final CellMetrics counts, final WeightBoundedLoaderCache< ?, ? > cache )
	{
		cellsComputed = counts.cellsComputed();
		cacheHits = counts.cacheHits();
		cellsFailed = counts.cellsFailed();
		cellsTimedOut = counts.cellsTimedOut();
		evictions = cache.evictions();
		cachedBytes = cache.keptWeight();
		waitNanos = counts.waitNanos();
		copyNanos = counts.copyNanos();
		pythonNanos = counts.pythonNanos();
	}

	/**
	 * @return cells that the code has computed without an error
	 */
	public long cellsComputed()
	{
		return cellsComputed;
	}

	/**
	 * @return reads of cells that were in the cache
	 */
	public long cacheHits()
	{
		return cacheHits;
	}

	/**
	 * @return how often a cell could not be computed, because the code or a cell of an input failed
	 */
	public long cellsFailed()
	{
		return cellsFailed;
	}

	/**
	 * @return how often the code took too long; counted in {@link #cellsFailed()}, too
	 */
	public long cellsTimedOut()
	{
		return cellsTimedOut;
	}

	/**
	 * @return how many cells the cache has dropped because it was full
	 */
	public long evictions()
	{
		return evictions;
	}

	/**
	 * @return bytes of the cells that the cache keeps now
	 */
	public long cachedBytes()
	{
		return cachedBytes;
	}

	/**
	 * @return how long readers have waited for workers and their results, all together, in
	 *         nanoseconds
	 */
	public long waitNanos()
	{
		return waitNanos;
	}

	/**
	 * @return how long readers have read and copied inputs, all together, in nanoseconds; where
	 *         an input is lazy itself, also how long they have computed it
	 */
	public long copyNanos()
	{
		return copyNanos;
	}

	/**
	 * @return how long workers have been in Python for this image, all together, in nanoseconds
	 */
	public long pythonNanos()
	{
		return pythonNanos;
	}

	@Override
	public String toString()
	{
		return String.format( Locale.ROOT, "%d cells computed, %d read from the cache, %d failed (%d of them took too long); %d evicted, %d bytes cached; %.3f s waited, %.3f s copied, %.3f s in Python",
				cellsComputed, cacheHits, cellsFailed, cellsTimedOut, evictions, cachedBytes, seconds( waitNanos ), seconds( copyNanos ), seconds( pythonNanos ) );
	}

	private static double seconds( final long nanos )
	{
		return nanos / NANOS_PER_SECOND;
	}
}
