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

import net.imglib2.FinalInterval;
import net.imglib2.Interval;
import net.imglib2.cache.python.interpreter.PythonFailure;
import net.imglib2.util.Intervals;

/**
 * The Python code failed for one cell of an image. The cell is not cached: the
 * next read runs the code again.
 */
public class PythonCellException extends PythonCodeException
{
	private static final long serialVersionUID = 1L;

	private final long index;

	private final long[] min;

	private final long[] max;

	private final String worker;

	/**
	 * @param index
	 * 		index of the cell in the grid
	 * @param interval
	 * 		interval of the cell, without halo
	 * @param worker
	 * 		name of the worker that ran the code
	 * @param failure
	 * 		the Python exception
	 */
	public PythonCellException( final long index, final Interval interval, final String worker, final PythonFailure failure )
	{
		super( "Cell " + index + " " + Intervals.toString( interval ) + " on " + worker, failure );
		this.index = index;
		this.min = interval.minAsLongArray();
		this.max = interval.maxAsLongArray();
		this.worker = worker;
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
	 * @return name of the worker that ran the code
	 */
	public String getWorker()
	{
		return worker;
	}
}
