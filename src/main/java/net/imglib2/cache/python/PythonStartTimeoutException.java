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

/**
 * A worker of a {@link PythonCacheLoaderQueue} did not start in time: Python itself, or
 * the init code, took longer than {@link PythonEnvironment#withStartupTimeout} allows.
 * The message tells where the init code was.
 * <p>
 * No queue was made. Its workers end, the late one as soon as its code lets go of it.
 * If the code only needs longer, make the queue again with a longer timeout; if it does
 * not end at all, mend it first.
 *
 * @serial exclude
 */
public class PythonStartTimeoutException extends PythonException
{
	private static final long serialVersionUID = 1L;

	private final Duration timeout;

	/**
	 * Made by this library.
	 *
	 * @param message
	 * 		what was interrupted or failed
	 * @param timeout
	 * 		the time that was allowed
	 */
	public PythonStartTimeoutException( final String message, final Duration timeout )
	{
		super( message );
		this.timeout = timeout;
	}

	/**
	 * @return the timeout that was exceeded
	 */
	public Duration getTimeout()
	{
		return timeout;
	}
}
