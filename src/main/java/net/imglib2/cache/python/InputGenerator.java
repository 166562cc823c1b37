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

import jep.DirectNDArray;
import net.imglib2.Interval;

/**
 * Makes the pixels of one input of a block, which is an entry of
 * {@code block.inputs}.
 * <p>
 * The threads that read the image call it, several at the same time. The thread of an
 * interpreter never does.
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
	 * @return array of the shape {@link #getNDArrayShape(Interval)}. Its buffer must
	 *         be direct and in native byte order. The pixels must not change until the
	 *         block is computed.
	 * @throws Exception
	 * 		if the pixels cannot be made; the reader of the image gets this exception
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
