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

import java.util.List;
import java.util.Locale;
import java.util.concurrent.CancellationException;

import net.imglib2.cache.python.image.CellsInParallel;

/**
 * What {@link PythonImg#compute()} has done, or {@link PythonImg#writeTo(PythonSink)}: there,
 * the blocks that are written count instead of cells. Immutable.
 */
public final class PythonSummary
{
	private final long computed;

	private final long fromCache;

	private final long failed;

	private final List< PythonCellException > errors;

	private final double seconds;

	private final boolean cancelled;

	/**
	 * Whether these are blocks that were written, not cells.
	 */
	private final boolean wasWriting;

	PythonSummary( final CellsInParallel computation, final double seconds, final boolean wasWriting, final boolean cancelled )
	{
		this.wasWriting = wasWriting;
		computed = computation.computed();
		fromCache = computation.fromCache();
		failed = computation.failed();
		errors = computation.errors();
		this.cancelled = cancelled;
		this.seconds = seconds;
	}

	/**
	 * @return cells that were not in the cache, and are computed now; or blocks that are
	 *         written now
	 */
	public long computed()
	{
		return computed;
	}

	/**
	 * @return cells that were in the cache; or blocks that were written before
	 */
	public long fromCache()
	{
		return fromCache;
	}

	/**
	 * @return cells that could not be computed, also if they are filled with a value instead;
	 *         or blocks that could not be written, because a cell could not be computed, or
	 *         because of the sink
	 */
	public long failed()
	{
		return failed;
	}

	/**
	 * @return why cells could not be computed, or blocks could not be written: the errors of
	 *         the first hundred that failed
	 */
	public List< PythonCellException > errors()
	{
		return errors;
	}

	/**
	 * @return how long it took
	 */
	public double seconds()
	{
		return seconds;
	}

	/**
	 * @return whether it was cancelled before all cells were done
	 */
	public boolean isCancelled()
	{
		return cancelled;
	}

	/**
	 * For programs that must not go on with a part only.
	 *
	 * @return this summary
	 * @throws PythonException
	 * 		if a cell or a block has failed; its cause is the first error
	 * @throws CancellationException
	 * 		if it was cancelled
	 */
	public PythonSummary requireComplete()
	{
		if ( failed > 0 )
			throw new PythonException( toString(), errors.get( 0 ) );
		if ( cancelled )
			throw new CancellationException( toString() );
		return this;
	}

	@Override
	public String toString()
	{
		final String counts = String.format( Locale.ROOT, wasWriting ? "%d blocks written, %d written before, %d failed in %.3f s" : "%d cells computed, %d from the cache, %d failed in %.3f s", computed, fromCache, failed, seconds );
		return counts + ( cancelled ? ", then cancelled" : "" ) + ( errors.isEmpty() ? "" : "; the first failure: " + errors.get( 0 ).getMessage() );
	}
}
