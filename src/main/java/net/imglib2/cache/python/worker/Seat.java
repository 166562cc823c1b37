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

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/**
 * The place from which one thread at a time uses an interpreter: its worker's, which
 * leaves it while it sleeps, and meanwhile a reader's, for a moment. What a thread has
 * done in it is seen by the next one.
 */
final class Seat
{
	private static final int FREE = 0;

	private static final int OWNED = 1;

	private static final int DRIVEN = 2;

	private final Thread owner;

	private final AtomicInteger state = new AtomicInteger( OWNED );

	/**
	 * Whether the owner waits for it.
	 */
	private volatile boolean wanted;

	/**
	 * @param owner
	 * 		thread of the worker, which has the seat first
	 */
	Seat( final Thread owner )
	{
		this.owner = owner;
	}

	Thread owner()
	{
		return owner;
	}

	// -------------------------------------------------- on the owner's thread

	/**
	 * Lets others have the seat.
	 */
	void leave()
	{
		state.set( FREE );
	}

	/**
	 * Waits for the seat, which was left.
	 */
	void take()
	{
		if ( state.compareAndSet( FREE, OWNED ) )
			return;
		wanted = true;
		// It can have been given back meanwhile, which is the same.
		while ( !state.compareAndSet( FREE, OWNED ) && state.get() != OWNED )
		{
			LockSupport.park( this );
			// An interrupt was meant for an earlier task, and would keep this thread from sleeping.
			Thread.interrupted();
		}
		wanted = false;
	}

	// -------------------------------------------------- on the thread of a reader

	/**
	 * @return whether the calling thread has the seat now
	 */
	boolean tryDrive()
	{
		return !wanted && state.compareAndSet( FREE, DRIVEN );
	}

	/**
	 * Leaves the seat that {@link #tryDrive()} has given.
	 */
	void endDrive()
	{
		state.set( FREE );
		// Either the owner sees that it is free, or that it waits is seen here.
		if ( wanted )
			LockSupport.unpark( owner );
	}

	/**
	 * Like {@link #endDrive()}, but the owner has the seat next, and is woken.
	 */
	void giveBack()
	{
		state.set( OWNED );
		LockSupport.unpark( owner );
	}
}
