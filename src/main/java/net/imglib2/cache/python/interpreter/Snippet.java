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
package net.imglib2.cache.python.interpreter;

/**
 * The code of a loader. Each worker compiles it when it computes the loader's
 * first block there.
 */
public final class Snippet
{
	private final long id;

	private final String code;

	private final boolean checkWritten;

	private final boolean writableInputs;

	private final long timeoutNanos;

	private volatile long expectedNanos;

	private volatile boolean dropped;

	Snippet( final long id, final String code, final boolean checkWritten, final boolean writableInputs, final long timeoutNanos )
	{
		this.id = id;
		this.code = code;
		this.checkWritten = checkWritten;
		this.writableInputs = writableInputs;
		this.timeoutNanos = timeoutNanos;
	}

	/**
	 * @return how long a block may take, or {@link Long#MAX_VALUE}
	 */
	long timeoutNanos()
	{
		return timeoutNanos;
	}

	/**
	 * @return how long a block takes about, or {@link Long#MAX_VALUE} if that is not
	 *         known yet
	 */
	long expectedNanos()
	{
		return expectedNanos == 0 ? Long.MAX_VALUE : expectedNanos;
	}

	/**
	 * Learns from some blocks. Workers may forget what another has learnt at the
	 * same time.
	 */
	void took( final long nanos )
	{
		final long before = expectedNanos;
		expectedNanos = Math.max( 1, before == 0 ? nanos : before + ( nanos - before ) / 4 );
	}

	/**
	 * Nobody has the loader any more.
	 */
	void drop()
	{
		dropped = true;
	}

	boolean isDropped()
	{
		return dropped;
	}

	long id()
	{
		return id;
	}

	String code()
	{
		return code;
	}

	/**
	 * @return whether pixels that the code does not write are an error
	 */
	boolean checkWritten()
	{
		return checkWritten;
	}

	/**
	 * @return whether the code may write into its inputs
	 */
	boolean writableInputs()
	{
		return writableInputs;
	}

	/**
	 * @return what the loader is called if the user does not name it
	 */
	public String loaderName()
	{
		return "PythonCacheLoader " + id;
	}

	/**
	 * @return what tracebacks call the code
	 */
	String fileName()
	{
		return "<" + loaderName() + ">";
	}

	@Override
	public String toString()
	{
		return loaderName();
	}
}
