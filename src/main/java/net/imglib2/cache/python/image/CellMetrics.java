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

import java.util.concurrent.atomic.LongAdder;

/**
 * Counts what happens with the cells of a loader. Thread-safe, and cheap: a count takes
 * some nanoseconds.
 */
public final class CellMetrics
{
	private final LongAdder computed = new LongAdder();

	private final LongAdder failed = new LongAdder();

	private final LongAdder timedOut = new LongAdder();

	private final LongAdder hits = new LongAdder();

	private final LongAdder waitNanos = new LongAdder();

	private final LongAdder copyNanos = new LongAdder();

	private final LongAdder pythonNanos = new LongAdder();

	void computed()
	{
		computed.increment();
	}

	void failed( final boolean byTimeout )
	{
		failed.increment();
		if ( byTimeout )
			timedOut.increment();
	}

	void hit()
	{
		hits.increment();
	}

	void waited( final long nanos )
	{
		waitNanos.add( nanos );
	}

	void copied( final long nanos )
	{
		copyNanos.add( nanos );
	}

	/**
	 * @return the sum that {@link #pythonNanos()} tells
	 */
	LongAdder inPython()
	{
		return pythonNanos;
	}

	/**
	 * @return cells that the code has computed
	 */
	public long cellsComputed()
	{
		return computed.sum();
	}

	/**
	 * @return how often the code has failed
	 */
	public long cellsFailed()
	{
		return failed.sum();
	}

	/**
	 * @return how often it took too long; counted in {@link #cellsFailed()}, too
	 */
	public long cellsTimedOut()
	{
		return timedOut.sum();
	}

	/**
	 * @return reads of cells that were in the cache
	 */
	public long cacheHits()
	{
		return hits.sum();
	}

	/**
	 * @return how long readers have waited for workers, all together
	 */
	public long waitNanos()
	{
		return waitNanos.sum();
	}

	/**
	 * @return how long readers have read and copied inputs, all together, and computed
	 *         those that are computed lazily themselves
	 */
	public long copyNanos()
	{
		return copyNanos.sum();
	}

	/**
	 * @return how long workers have been in Python, all together
	 */
	public long pythonNanos()
	{
		return pythonNanos.sum();
	}
}
