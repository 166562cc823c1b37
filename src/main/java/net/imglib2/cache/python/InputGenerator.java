package net.imglib2.cache.python;

import jep.DirectNDArray;
import net.imglib2.Interval;

/**
 * Makes the pixels of one input of a block, an entry of {@code block.inputs}.
 * <p>
 * Called on the thread that reads the image, by several threads at the same
 * time, and never on an interpreter's thread.
 */
@FunctionalInterface
public interface InputGenerator
{
	/**
	 * Makes the pixels of the given interval.
	 *
	 * @param interval
	 * 		the cell with its halo, in ImgLib2's axis order; it may lie partly
	 * 		outside of the image
	 * @return array of the shape {@link #getNDArrayShape(Interval)}. Its buffer
	 *         must be direct, in native byte order, and must not change until the
	 *         block is done.
	 * @throws Exception
	 * 		if the pixels cannot be made; the reader of the image gets it
	 */
	DirectNDArray< ? > createInputFor( Interval interval ) throws Exception;

	/**
	 * The shape that numpy sees for an interval: its dimensions in reverse order.
	 *
	 * @param interval
	 * 		at most 2<sup>31</sup>-1 pixels along each axis
	 * @return dimensions in numpy's axis order
	 */
	static int[] getNDArrayShape( final Interval interval )
	{
		final int n = interval.numDimensions();
		final int[] shape = new int[ n ];
		for ( int d = 0; d < n; ++d )
			shape[ n - 1 - d ] = Math.toIntExact( interval.dimension( d ) );
		return shape;
	}
}
