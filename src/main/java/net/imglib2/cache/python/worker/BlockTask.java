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
package net.imglib2.cache.python.worker;

import net.imglib2.cache.python.protocol.BlockRequest;
import net.imglib2.cache.python.protocol.BlockResult;
import net.imglib2.cache.python.protocol.Snippet;

/**
 * A block to compute, see {@link WorkerPool#submit(BlockRequest)}.
 */
public final class BlockTask extends Task< BlockResult >
{
	private static final long SMALL_SPIN_NANOS = 100_000;

	private final BlockRequest request;

	private final boolean sharesLock;

	private volatile boolean isBackground;

	private volatile boolean cancelled;

	/**
	 * @param sharesLock
	 * 		see {@link InterpreterFactory#sharesLock()}
	 * @param isBackground
	 * 		whether the block is computed when no other one waits
	 */
	BlockTask( final BlockRequest request, final boolean sharesLock, final boolean isBackground )
	{
		this.request = request;
		this.sharesLock = sharesLock;
		this.isBackground = isBackground;
	}

	@Override
	boolean isBackground()
	{
		return isBackground;
	}

	/**
	 * Lets the block not be in the background any more, where it is queued next.
	 */
	void promote()
	{
		isBackground = false;
	}

	/**
	 * Longer for small blocks: those of other readers are computed first, and a worker that
	 * has to wake one reader after the other gets slower, so that more of them fall asleep.
	 * Not at all for long blocks: the processors are for the code of others. But workers that
	 * share a lock go slower if readers use the processors for longer, or not at all.
	 */
	@Override
	long spinNanos()
	{
		if ( sharesLock )
			return SPIN_NANOS;
		return snippet().isLong() ? 0 : SmallBlocks.areSmall( snippet() ) ? SMALL_SPIN_NANOS : SPIN_NANOS;
	}

	/**
	 * Ends the block, because its reader, and nobody else, wanted it: if its code runs, that
	 * is to be cancelled.
	 */
	void cancel()
	{
		cancelled = true;
		drop();
	}

	/**
	 * @return whether its code is to be cancelled, because nobody wants this block any more
	 */
	boolean isCancelled()
	{
		return cancelled;
	}

	/**
	 * Ends the block, because nobody wants results of its code any more.
	 */
	void drop()
	{
		// Python may be using the memory of a block that has begun.
		if ( withdraw() )
			request.release( 0 );
		complete( BlockResult.dropped() );
	}

	BlockRequest request()
	{
		return request;
	}

	Snippet snippet()
	{
		return request.snippet();
	}
}
