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
package net.imglib2.cache.python.protocol;

/**
 * How the computation of a block ended.
 */
public final class BlockResult
{
	private final String worker;

	private final PythonFailure failure;

	private final boolean timedOut;

	private final boolean dropped;

	private final boolean outputEscaped;

	private BlockResult( final String worker, final PythonFailure failure, final boolean timedOut, final boolean dropped, final boolean outputEscaped )
	{
		this.worker = worker;
		this.failure = failure;
		this.timedOut = timedOut;
		this.dropped = dropped;
		this.outputEscaped = outputEscaped;
	}

	public static BlockResult done( final String worker, final boolean outputEscaped )
	{
		return new BlockResult( worker, null, false, false, outputEscaped );
	}

	public static BlockResult failed( final String worker, final PythonFailure failure )
	{
		return new BlockResult( worker, failure, false, false, true );
	}

	public static BlockResult timedOut( final String worker, final PythonFailure stack )
	{
		return new BlockResult( worker, stack, true, false, true );
	}

	/**
	 * @return result of a block that was not computed, see {@link #isDropped()}
	 */
	public static BlockResult dropped()
	{
		return new BlockResult( "", null, false, true, true );
	}

	/**
	 * @return name of the worker that computed the block
	 */
	public String worker()
	{
		return worker;
	}

	/**
	 * @return what the user's code raised, or {@code null} if the block is done
	 */
	public PythonFailure failure()
	{
		return failure;
	}

	/**
	 * @return whether the code took too long; {@link #failure()} tells where it was
	 */
	public boolean isTimedOut()
	{
		return timedOut;
	}

	/**
	 * @return whether the block must be submitted again, with other memory: its worker
	 *         was abandoned because of another block, or its code was dropped
	 */
	public boolean isDropped()
	{
		return dropped;
	}

	/**
	 * @return whether user code has retained the output, or may still write to it
	 */
	public boolean outputEscaped()
	{
		return outputEscaped;
	}
}
