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

import java.util.concurrent.Callable;

/**
 * The reading of a cell that nobody waits for yet: the blocks that its thread submits
 * meanwhile, those of inputs included, are computed when no other block waits. It can be
 * promoted, when somebody does.
 *
 * <pre>
 * {@code
 * // One for each cell: it is promoted as a whole.
 * Background.call( () -> cache.get( cell ) );
 * }
 * </pre>
 *
 * Thread-safe.
 */
public final class Background
{
	private static final ThreadLocal< Background > OF_THIS_THREAD = new ThreadLocal<>();

	private volatile boolean promoted;

	/**
	 * Promotes what its thread waits for, or has waited for last.
	 */
	private volatile Runnable promoteAwaited = () -> {};

	private Background()
	{}

	/**
	 * Does something in the background. Within another call, this changes nothing.
	 *
	 * @param <R>
	 * 		type of the result
	 * @param action
	 * 		what to do, on the calling thread
	 * @return its result
	 * @throws Exception
	 * 		what it throws
	 */
	public static < R > R call( final Callable< R > action ) throws Exception
	{
		if ( OF_THIS_THREAD.get() != null )
			return action.call();
		OF_THIS_THREAD.set( new Background() );
		try
		{
			return action.call();
		}
		finally
		{
			OF_THIS_THREAD.remove();
		}
	}

	/**
	 * @return what the calling thread does in the background, or {@code null} if it does not
	 */
	public static Background ofThisThread()
	{
		return OF_THIS_THREAD.get();
	}

	/**
	 * The calling thread is about to wait for what another one does, which is promoted,
	 * unless this thread, too, works in the background. Then it is promoted with this.
	 *
	 * @param other
	 * 		what the other thread does; {@code null} if that is not in the background
	 */
	public static void awaitedByThisThread( final Background other )
	{
		if ( other == null )
			return;
		final Background mine = OF_THIS_THREAD.get();
		if ( mine == null )
			other.promote();
		else
			mine.awaits( other::promote );
	}

	/**
	 * Lets nothing of this be in the background any more. On any thread, at any time.
	 */
	void promote()
	{
		// What others have waited for once may lead back here.
		if ( promoted )
			return;
		promoted = true;
		// Either the thread that waits for something sees this, or that is seen here.
		promoteAwaited.run();
	}

	boolean isPromoted()
	{
		return promoted;
	}

	/**
	 * @param promote
	 * 		promotes what the thread of this is about to wait for
	 */
	void awaits( final Runnable promote )
	{
		promoteAwaited = promote;
		if ( promoted )
			promote.run();
	}
}
