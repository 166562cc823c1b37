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

import java.time.Duration;
import java.time.Instant;
import java.util.List;

import net.imglib2.Interval;
import net.imglib2.cache.python.protocol.PythonFailure;

/**
 * The code took longer for a cell than {@link PythonLoaderOptions#timeout} allows.
 * Line, traceback and the first elements of the stack trace say where it was at that
 * time. They are missing if a function in C kept Python's lock.
 *
 * @serial exclude
 */
public final class PythonTimeoutException extends PythonCellException
{
	private static final long serialVersionUID = 1L;

	private final Duration timeout;

	/**
	 * Made by this library.
	 *
	 * @param timeout
	 * 		how long the code may run for a cell
	 * @param loaderName
	 * 		name of the loader
	 * @param index
	 * 		index of the cell in the grid
	 * @param interval
	 * 		interval of the cell, without halo
	 * @param inputs
	 * 		intervals that the inputs were asked for
	 * @param worker
	 * 		name of the worker that runs the code
	 * @param failure
	 * 		where the code was
	 */
	public PythonTimeoutException(
			final Duration timeout,
			final String loaderName,
			final long index,
			final Interval interval,
			final List< Interval > inputs,
			final String worker,
			final PythonFailure failure )
	{
		super( loaderName, index, interval, inputs, worker, failure );
		this.timeout = timeout;
	}

	private PythonTimeoutException( final PythonTimeoutException original, final int numFailures, final Instant nextAttempt )
	{
		super( original, numFailures, nextAttempt );
		timeout = original.timeout;
	}

	/**
	 * @return how long the code may run for a cell
	 */
	public Duration getTimeout()
	{
		return timeout;
	}

	@Override
	public PythonCellException repeated( final int numFailures, final Instant nextAttempt )
	{
		return new PythonTimeoutException( this, numFailures, nextAttempt );
	}
}
