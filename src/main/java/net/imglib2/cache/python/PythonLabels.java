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

import java.util.Objects;
import java.util.concurrent.CancellationException;

import net.imglib2.type.numeric.integer.UnsignedIntType;

/**
 * Makes labels of an image of the labels of its cells.
 *
 * <pre>{@code
 * final PythonImg< IntType > cells = PythonImg.builder( "block.data[...] = ndimage.label(block.inputs[0] > threshold)[0]" )
 * 		.init( "from scipy import ndimage" )
 * 		.input( image )
 * 		.parameter( "threshold", 100 )
 * 		.type( new IntType() )
 * 		.build();
 * final PythonImg< UnsignedIntType > labels = PythonLabels.merge( cells );
 * }</pre>
 *
 * Each cell has a range of labels of its own. Labels of neighbouring cells that belong
 * together become one, by a {@link Rule}. In the end, labels are numbered from 1 on, in the
 * order of the first cell that has them, and of the label there; 0 is background. So the
 * result depends neither on the workers nor on the order in which cells are computed.
 * <p>
 * The code must compute the same labels for a cell each time, because cells that the cache
 * has dropped are computed again. Python needs the package scipy. With an allow-list, see
 * {@link PythonTrust}, it needs {@code module:imglib2_cache_python.labels}.
 */
public final class PythonLabels
{
	private PythonLabels()
	{}

	/**
	 * Merges labels that touch across a face of two cells, as {@link Rule#faces()}. See
	 * {@link #merge(PythonImg, Rule, PythonProgress)}.
	 *
	 * @param labels
	 * 		labels of cells
	 * @return labels of the image
	 */
	public static PythonImg< UnsignedIntType > merge( final PythonImg< ? > labels )
	{
		return merge( labels, Rule.faces() );
	}

	/**
	 * Merges labels by a rule. See {@link #merge(PythonImg, Rule, PythonProgress)}.
	 *
	 * @param labels
	 * 		labels of cells
	 * @param rule
	 * 		which belong together
	 * @return labels of the image
	 */
	public static PythonImg< UnsignedIntType > merge( final PythonImg< ? > labels, final Rule rule )
	{
		return merge( labels, rule, ( done, total ) -> {} );
	}

	/**
	 * Merges labels by a rule. Reads each cell once, now, and keeps which labels it has. What
	 * this needs does not grow with the pixels, but with the labels, and with the sides of
	 * cells. It takes a worker of its own, which all merged images of a Python share, and
	 * which ends with them.
	 * <p>
	 * The result is lazy: each of its cells is computed of the cell of {@code labels}. If that
	 * image changes, because of a parameter, its code, or what is invalidated, the next read of
	 * the result merges anew, and waits for it. If a cell fails then, all reads fail, until the
	 * labels change again, or {@link PythonImg#retryFailed()} of {@code labels}.
	 *
	 * @param labels
	 * 		labels of cells: integers, 0 for the background, and any numbers from 1 on, also
	 * 		sparse ones
	 * @param rule
	 * 		which belong together
	 * @param progress
	 * 		is told how many cells have been read
	 * @return labels of the image: of the same cells and workers, with a cache of the same size
	 * @throws PythonCellException
	 * 		if a cell of {@code labels} fails, or has negative labels; or if scipy is missing
	 * @throws IllegalArgumentException
	 * 		if the pixels of {@code labels} are no integers, or the rule does not fit the image,
	 * 		or there are more than 2<sup>32</sup> - 1 labels, or more than 10<sup>9</sup> of all
	 * 		cells together, each cell counted as one more
	 * @throws CancellationException
	 * 		if {@link PythonProgress#isCancelled()} says so
	 * @throws PythonInterruptedException
	 * 		if this thread is interrupted
	 * @throws PythonClosedException
	 * 		if {@code labels} or its queue is closed
	 * @throws PythonTrustException
	 * 		if an allow-list lacks what merges labels
	 * @throws IllegalStateException
	 * 		on the thread of a worker
	 */
	public static PythonImg< UnsignedIntType > merge( final PythonImg< ? > labels, final Rule rule, final PythonProgress progress )
	{
		return LabelMerging.of( Objects.requireNonNull( labels, "labels" ), Objects.requireNonNull( rule, "rule" ), Objects.requireNonNull( progress, "progress" ) );
	}

	/**
	 * Which labels of neighbouring cells belong together. Immutable.
	 */
	public static final class Rule
	{
		private final int connectivity;

		private final double overlap;

		private Rule( final int connectivity, final double overlap )
		{
			this.connectivity = connectivity;
			this.overlap = overlap;
		}

		/**
		 * Labels that touch across a face of two cells. What {@code scipy.ndimage.label} gives
		 * for cells becomes what it gives for the image.
		 *
		 * @return the rule
		 */
		public static Rule faces()
		{
			return touching( 1 );
		}

		/**
		 * Labels that touch. The same number as in {@code skimage.measure.label}, whose default
		 * is the number of axes: then labels that touch at a corner of two cells become one,
		 * too.
		 *
		 * @param connectivity
		 * 		pixels touch if at most so many of their coordinates differ, by 1; from 1 to the
		 * 		number of axes
		 * @return the rule
		 * @throws IllegalArgumentException
		 * 		if it is less than 1
		 */
		public static Rule touching( final int connectivity )
		{
			if ( connectivity < 1 )
				throw new IllegalArgumentException( "connectivity is " + connectivity + ", expected 1, as scipy.ndimage.label has it, up to the number of axes" );
			return new Rule( connectivity, 0 );
		}

		/**
		 * Labels that two neighbours have given to the same pixels. For objects that touch each
		 * other, as of a watershed: whether they touch at the border of cells says nothing.
		 * <p>
		 * The image of labels needs a halo, about the size of an object. The code is asked for
		 * the labels of all pixels that it sees, with the halo, so that neighbours have both
		 * labelled what is around their border. Where both have looked, the area that two labels
		 * have in common is divided by the area that at least one of them has. Only labels count
		 * that are also in the cell itself. With a ratio of more than 0.5, a label becomes one
		 * with at most one of each neighbour.
		 * <p>
		 * Functions do this as they are. Statements must crop what they write by
		 * {@code block.halo} or {@code block.crops}, which crop nothing then. The labels are
		 * computed anew, by the same workers, in a cache of their own of the same size: the
		 * image of labels that is given says how, and its pixels are not read.
		 *
		 * @param ratio
		 * 		more than 0, at most 1; 0.5 is a good choice
		 * @return the rule
		 * @throws IllegalArgumentException
		 * 		if it is something else
		 */
		public static Rule overlap( final double ratio )
		{
			if ( !( ratio > 0 && ratio <= 1 ) )
				throw new IllegalArgumentException( "the ratio of overlap is " + ratio + ", expected more than 0, and at most 1, for instance 0.5" );
			return new Rule( 0, ratio );
		}

		int connectivity()
		{
			return connectivity;
		}

		/**
		 * @return 0 if labels must touch
		 */
		double overlap()
		{
			return overlap;
		}

		@Override
		public String toString()
		{
			return overlap > 0 ? "overlap( " + overlap + " )" : "touching( " + connectivity + " )";
		}
	}
}
