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
package net.imglib2.cache.python.process;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;

/**
 * Lets the thread that reads the pipe go on after an answer, and with the next one, and so
 * on, while the thread that waits for the answers sleeps: each waking takes a processor from
 * the code of others for a moment. What one of them has done is seen by the other.
 */
final class Relay
{
	private static final int OVER = 0;

	/**
	 * Until the next answer comes.
	 */
	private static final int WAITING = 1;

	/**
	 * The thread that reads the pipe goes on.
	 */
	private static final int RUNNING = 2;

	private final AtomicInteger state = new AtomicInteger( OVER );

	private BooleanSupplier answered;

	private BooleanSupplier next;

	// ------------------------------------------------- on the waiting thread

	/**
	 * @param isAnswered
	 * 		whether an answer has come, also to what {@code goOn} asks for
	 * @param goOn
	 * 		what to do then; returns whether there will be another answer to go on after. Never
	 * 		waits for one
	 */
	void begin( final BooleanSupplier isAnswered, final BooleanSupplier goOn )
	{
		answered = isAnswered;
		next = goOn;
		state.set( WAITING );
	}

	boolean isOver()
	{
		return state.get() == OVER;
	}

	/**
	 * Goes on after no answer any more, unless the other thread is going on just now.
	 *
	 * @return whether this is over
	 */
	boolean tryEnd()
	{
		return state.compareAndSet( WAITING, OVER ) || isOver();
	}

	/**
	 * Goes on after no answer any more. Waits until the other thread has done what it does for
	 * one.
	 */
	void end()
	{
		while ( !tryEnd() )
			Thread.yield();
	}

	// ---------------------------------------- on the thread that reads the pipe

	/**
	 * Goes on, if there is an answer.
	 *
	 * @return whether the waiting thread can sleep on
	 */
	boolean signalled()
	{
		if ( !state.compareAndSet( WAITING, RUNNING ) )
			return false;
		boolean goesOn = false;
		try
		{
			// A signal can be late, for an answer that was seen without it.
			goesOn = !answered.getAsBoolean() || next.getAsBoolean();
		}
		catch ( final Throwable t )
		{
			// There may be no memory left. The waiting thread does what is left to do.
		}
		finally
		{
			state.set( goesOn ? WAITING : OVER );
		}
		return goesOn;
	}
}
