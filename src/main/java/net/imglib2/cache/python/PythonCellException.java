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

import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;

import net.imglib2.FinalInterval;
import net.imglib2.Interval;
import net.imglib2.cache.python.protocol.PythonFailure;
import net.imglib2.util.Intervals;

/**
 * A cell of an image could not be computed because of the code: it raised an
 * exception, did not write what it should, or a cell of an input that is
 * Python-backed itself failed. All readers that wait for the cell get the same
 * instance.
 * <p>
 * The cell is not cached. The next read runs the code again. If it fails again, reads
 * within a time that grows with each failure get the last error without running the
 * code, see {@link #getNextAttempt()}.
 *
 * @serial exclude
 */
public class PythonCellException extends PythonCodeException
{
	private static final long serialVersionUID = 1L;

	private final String loaderName;

	private final long index;

	// Arrays, because intervals are not serialisable.
	private final long[] min;

	private final long[] max;

	private final long[][] inputMins;

	private final long[][] inputMaxs;

	private final String worker;

	private final Instant nextAttempt;

	/**
	 * The code failed. Made by this library.
	 *
	 * @param loaderName
	 * 		name of the loader
	 * @param index
	 * 		index of the cell in the grid
	 * @param interval
	 * 		interval of the cell, without halo
	 * @param inputs
	 * 		intervals that the inputs were asked for
	 * @param worker
	 * 		name of the worker that ran the code
	 * @param failure
	 * 		what went wrong
	 */
	public PythonCellException(
			final String loaderName,
			final long index,
			final Interval interval,
			final List< Interval > inputs,
			final String worker,
			final PythonFailure failure )
	{
		this( loaderName, index, interval, inputs, worker, describe( loaderName, index, interval ) + " on " + worker + " failed: " + failure.describe(), failure, null );
	}

	/**
	 * A cell of an input failed. Made by this library.
	 *
	 * @param loaderName
	 * 		name of the loader
	 * @param index
	 * 		index of the cell in the grid
	 * @param interval
	 * 		interval of the cell, without halo
	 * @param inputs
	 * 		intervals that the inputs were asked for
	 * @param input
	 * 		index of the input that needs the other cell
	 * @param cause
	 * 		failure of the other cell
	 */
	public PythonCellException(
			final String loaderName,
			final long index,
			final Interval interval,
			final List< Interval > inputs,
			final int input,
			final PythonCellException cause )
	{
		// Without the message of the cause: it would grow with each image of a chain.
		this( loaderName, index, interval, inputs, cause.worker, describe( loaderName, index, interval ) + " failed: input " + input + " needs cell " + cause.index + " "
				+ Intervals.toString( cause.getInterval() ) + " of " + cause.loaderName + ", which failed: " + cause.failure().describe(), cause.failure(), cause );
	}

	/**
	 * Repeats an earlier error.
	 *
	 * @param original
	 * 		that error
	 * @param numFailures
	 * 		how often in a row the code failed for this cell
	 * @param nextAttempt
	 * 		from when on a read runs the code again
	 */
	PythonCellException( final PythonCellException original, final int numFailures, final Instant nextAttempt )
	{
		super( original.getMessage() + "\nThis repeats the error of an earlier read without running the code: it failed " + numFailures
				+ " times in a row, and runs again for reads after " + nextAttempt.truncatedTo( ChronoUnit.MILLIS ) + ", or after PythonImg.retryFailed() or PythonCacheLoader.retry( " + original.index + " )",
				original.failure(), original );
		loaderName = original.loaderName;
		index = original.index;
		min = original.min;
		max = original.max;
		inputMins = original.inputMins;
		inputMaxs = original.inputMaxs;
		worker = original.worker;
		this.nextAttempt = nextAttempt;
	}

	private PythonCellException(
			final String loaderName,
			final long index,
			final Interval interval,
			final List< Interval > inputs,
			final String worker,
			final String message,
			final PythonFailure failure,
			final Throwable cause )
	{
		super( message, failure, cause );
		this.loaderName = loaderName;
		this.index = index;
		min = interval.minAsLongArray();
		max = interval.maxAsLongArray();
		inputMins = inputs.stream().map( Interval::minAsLongArray ).toArray( long[][]::new );
		inputMaxs = inputs.stream().map( Interval::maxAsLongArray ).toArray( long[][]::new );
		this.worker = worker;
		nextAttempt = null;
	}

	/**
	 * @return name of the loader, see {@link PythonLoaderOptions#name(String)}
	 */
	public String getLoaderName()
	{
		return loaderName;
	}

	/**
	 * @return index of the cell in the grid
	 */
	public long getIndex()
	{
		return index;
	}

	/**
	 * @return interval of the cell in ImgLib2's axis order, without halo
	 */
	public Interval getInterval()
	{
		return new FinalInterval( min, max );
	}

	/**
	 * @return for each input, the interval that it was asked for, in ImgLib2's axis
	 *         order: the cell with the halo
	 */
	public List< Interval > getInputIntervals()
	{
		final List< Interval > intervals = new ArrayList<>();
		for ( int i = 0; i < inputMins.length; ++i )
			intervals.add( new FinalInterval( inputMins[ i ], inputMaxs[ i ] ) );
		return intervals;
	}

	/**
	 * @return name of the worker that ran the code
	 */
	public String getWorker()
	{
		return worker;
	}

	/**
	 * @return {@code null} if the code ran for this read. Else this repeats the error of
	 *         an earlier read, which is the {@link #getCause() cause}, and reads after
	 *         the returned time run the code again.
	 */
	public Instant getNextAttempt()
	{
		return nextAttempt;
	}

	/**
	 * Makes the error that later reads get while the code does not run again. Called by
	 * this library; overridden by subclasses, so that the repetition is of their class.
	 *
	 * @param numFailures
	 * 		how often in a row the code failed for this cell
	 * @param newNextAttempt
	 * 		from when on a read runs the code again
	 * @return the repetition
	 */
	public PythonCellException repeated( final int numFailures, final Instant newNextAttempt )
	{
		return new PythonCellException( this, numFailures, newNextAttempt );
	}

	private static String describe( final String loaderName, final long index, final Interval interval )
	{
		return "Cell " + index + " " + Intervals.toString( interval ) + " of " + loaderName;
	}
}
