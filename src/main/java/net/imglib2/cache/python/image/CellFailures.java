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

import java.time.Instant;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.function.Predicate;

import net.imglib2.cache.python.PythonCellException;

/**
 * The cells of a loader whose last computation failed. Says which reads get that
 * error, which compute the cell again, and which have to wait.
 * <p>
 * Thread-safe.
 */
public final class CellFailures
{
	/**
	 * Pause after the second failure in a row, in nanoseconds. Each further failure
	 * doubles it.
	 */
	static final long FIRST_PAUSE = TimeUnit.MILLISECONDS.toNanos( 20 );

	static final long LONGEST_PAUSE = TimeUnit.SECONDS.toNanos( 10 );

	/**
	 * Total length of the texts that are kept, in characters. Beyond it, the failures
	 * that were not asked for longest are forgotten.
	 */
	static final long MAX_LENGTH = 8 << 20;

	/**
	 * What a failure needs besides its texts, in characters.
	 */
	static final int LENGTH_OF_THE_REST = 4096;

	private final LongSupplier nanoTime;

	private final ReadThrottle throttle;

	private final LinkedHashMap< Long, Failure > failures = new LinkedHashMap<>( 16, 0.75f, true );

	private long length;

	/**
	 * Whether no cell failed. Then readers need no lock.
	 */
	private volatile boolean empty = true;

	private volatile long count;

	public CellFailures()
	{
		this( System::nanoTime );
	}

	/**
	 * @param nanoTime
	 * 		a clock like {@link System#nanoTime()}
	 */
	public CellFailures( final LongSupplier nanoTime )
	{
		this.nanoTime = nanoTime;
		throttle = new ReadThrottle( nanoTime, ReadThrottle.DELAY );
	}

	/**
	 * @return number of failures so far. A reader remembers it as its time of arrival.
	 */
	long count()
	{
		return count;
	}

	/**
	 * Finds the error that a reader gets without another attempt.
	 *
	 * @param cell
	 * 		index of the cell
	 * @param arrival
	 * 		{@link #count()} when the reader came
	 * @return the error, if the reader waited for the attempt that failed or comes too
	 *         soon after it; {@code null} if the cell is to be computed
	 */
	PythonCellException find( final Long cell, final long arrival )
	{
		if ( empty )
			return null;
		synchronized ( this )
		{
			final Failure failure = failures.get( cell );
			if ( failure == null )
				return null;
			if ( arrival < failure.number )
				return failure.error;
			final long left = failure.pause - ( nanoTime.getAsLong() - failure.time );
			if ( left <= 0 )
				return null;
			// All readers get the same: a viewer reads 10000 times a second.
			if ( failure.repetition == null )
				failure.repetition = failure.error.repeated( failure.inARow, Instant.now().plusNanos( left ) );
			return failure.repetition;
		}
	}

	/**
	 * Records that a cell could not be computed.
	 *
	 * @param cell
	 * 		index of the cell
	 * @param arrival
	 * 		{@link #count()} when the reader came
	 * @param error
	 * 		what it gets
	 * @param pauses
	 * 		whether reads that come too soon get the error without another attempt
	 */
	synchronized void add( final Long cell, final long arrival, final PythonCellException error, final boolean pauses )
	{
		final Failure last = failures.get( cell );
		final Failure failure = new Failure( error, count + 1, nanoTime.getAsLong() );
		failure.reported = last != null && last.reported;
		// Attempts at the same time do not count as attempts in a row.
		failure.inARow = last == null ? 1 : arrival < last.number ? last.inARow : last.inARow + 1;
		failure.pause = pauses ? pause( failure.inARow ) : 0;
		remove( cell );
		failures.put( cell, failure );
		length += failure.length;
		for ( final Iterator< Failure > eldest = failures.values().iterator(); length > MAX_LENGTH; eldest.remove() )
			length -= eldest.next().length;
		empty = failures.isEmpty();
		count = failure.number;
	}

	/**
	 * Called when a reader comes that is not computing another cell.
	 *
	 * @return what {@link #throttle} needs to know
	 */
	boolean isRepeated( final Long cell )
	{
		return throttle.isRepeated( cell );
	}

	/**
	 * Makes a reader wait that reads a cell again and again, whatever it is that fails:
	 * the code, an input, or the queue because it is closed.
	 *
	 * @param cell
	 * 		index of the cell
	 * @param repeated
	 * 		{@link #isRepeated} when the reader came
	 * @param error
	 * 		what it is about to get
	 * @throws InterruptedException
	 * 		if the thread is interrupted while it waits
	 */
	void throttle( final Long cell, final boolean repeated, final Throwable error ) throws InterruptedException
	{
		if ( !( error instanceof InterruptedException ) )
			throttle.fail( cell, repeated && !isAttempt( error ) );
	}

	private static boolean isAttempt( final Throwable error )
	{
		return error instanceof PythonCellException && ( ( PythonCellException ) error ).getNextAttempt() == null && !( error.getCause() instanceof PythonCellException );
	}

	/**
	 * Marks a failure as reported to the user.
	 *
	 * @return whether it was not yet
	 */
	synchronized boolean markReported( final Long cell )
	{
		final Failure failure = failures.get( cell );
		if ( failure == null || failure.reported )
			return false;
		failure.reported = true;
		return true;
	}

	/**
	 * Forgets the failures of a cell: it was computed, or the next read shall compute it.
	 */
	void forget( final Long cell )
	{
		throttle.forget( cell );
		if ( empty )
			return;
		synchronized ( this )
		{
			remove( cell );
			empty = failures.isEmpty();
		}
	}

	void forgetIf( final Predicate< Long > condition )
	{
		throttle.forgetIf( condition );
		final List< Long > cells;
		synchronized ( this )
		{
			cells = new ArrayList<>( failures.keySet() );
		}
		// Without the lock: the condition is the user's and may read the image.
		cells.removeIf( condition.negate() );
		cells.forEach( this::forget );
	}

	synchronized int size()
	{
		return failures.size();
	}

	private void remove( final Long cell )
	{
		final Failure removed = failures.remove( cell );
		if ( removed != null )
			length -= removed.length;
	}

	private static long pause( final int inARow )
	{
		return inARow < 2 ? 0 : Math.min( LONGEST_PAUSE, FIRST_PAUSE << Math.min( inARow - 2, 20 ) );
	}

	private static final class Failure
	{
		private final PythonCellException error;

		private final long number;

		private final long time;

		private final int length;

		private int inARow;

		private long pause;

		private PythonCellException repetition;

		private boolean reported;

		Failure( final PythonCellException error, final long number, final long time )
		{
			this.error = error;
			this.number = number;
			this.time = time;
			// Message and repetition, whose message is the longer one.
			length = LENGTH_OF_THE_REST + 3 * error.getMessage().length() + error.getTraceback().length();
		}
	}
}
