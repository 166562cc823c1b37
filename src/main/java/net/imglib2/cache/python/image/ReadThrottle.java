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

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.function.Predicate;

/**
 * Slows down readers that read a cell again as soon as it has failed: they wait
 * before they get the next error. The threads that load cells for a viewer print each
 * error and read the cell again at once, without end.
 * <p>
 * A reader does not wait if the code ran for it, because attempts have pauses of
 * their own; nor if more than {@value #MAX_CELLS} other cells have failed since it
 * read this one.
 * <p>
 * Thread-safe.
 */
final class ReadThrottle
{
	static final long DELAY = TimeUnit.MILLISECONDS.toNanos( 100 );

	/**
	 * A read counts as repeated within this time after an error. Printing the error
	 * takes less.
	 */
	static final long TURNAROUND = TimeUnit.SECONDS.toNanos( 1 );

	/**
	 * A viewer has fewer threads, and each of them repeats one cell.
	 */
	static final int MAX_CELLS = 64;

	private final LongSupplier nanoTime;

	private final long delay;

	private final Map< Long, Failure > failures = new LinkedHashMap< Long, Failure >( 16, 0.75f, true )
	{
		private static final long serialVersionUID = 1L;

		@Override
		protected boolean removeEldestEntry( final Map.Entry< Long, Failure > eldest )
		{
			return size() > MAX_CELLS;
		}
	};

	/**
	 * Whether no cell has failed lately. Then readers need no lock.
	 */
	private volatile boolean empty = true;

	/**
	 * @param nanoTime
	 * 		a clock like {@link System#nanoTime()}
	 * @param delay
	 * 		how long readers have to wait, in nanoseconds
	 */
	ReadThrottle( final LongSupplier nanoTime, final long delay )
	{
		this.nanoTime = nanoTime;
		this.delay = delay;
	}

	/**
	 * Called when a reader comes.
	 *
	 * @return whether the cell has just failed
	 */
	boolean isRepeated( final Long cell )
	{
		if ( empty )
			return false;
		synchronized ( this )
		{
			final Failure failure = failures.get( cell );
			return failure != null && nanoTime.getAsLong() - failure.time <= TURNAROUND;
		}
	}

	/**
	 * Called before the reader gets an error. It holds no lock.
	 *
	 * @param cell
	 * 		index of the cell
	 * @param waits
	 * 		whether it has to wait. The wait ends early when the cell is forgotten.
	 */
	void fail( final Long cell, final boolean waits ) throws InterruptedException
	{
		final Failure failure;
		synchronized ( this )
		{
			failure = failures.computeIfAbsent( cell, key -> new Failure() );
			failure.time = nanoTime.getAsLong();
			empty = false;
		}
		if ( !waits )
			return;
		failure.forgotten.await( delay, TimeUnit.NANOSECONDS );
		synchronized ( this )
		{
			failure.time = nanoTime.getAsLong();
		}
	}

	void forget( final Long cell )
	{
		if ( empty )
			return;
		synchronized ( this )
		{
			final Failure failure = failures.remove( cell );
			if ( failure != null )
				failure.forgotten.countDown();
			empty = failures.isEmpty();
		}
	}

	void forgetIf( final Predicate< Long > condition )
	{
		final ArrayList< Long > cells;
		synchronized ( this )
		{
			cells = new ArrayList<>( failures.keySet() );
		}
		// Without the lock: the condition is the user's and may read the image.
		cells.removeIf( condition.negate() );
		cells.forEach( this::forget );
	}

	private static final class Failure
	{
		private final CountDownLatch forgotten = new CountDownLatch( 1 );

		private long time;
	}
}
