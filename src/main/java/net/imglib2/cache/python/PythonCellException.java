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
