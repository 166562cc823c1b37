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
package net.imglib2.cache.python.block;

import net.imglib2.Interval;
import net.imglib2.cache.python.Halo;

/**
 * Which pixels of an input a cell needs, and which of these belong to the cell.
 * <p>
 * Both intervals are in the coordinates of the input, which need not be those of the
 * image: an input may have other axes, or another scale. Thread-safe.
 */
public interface Footprint
{
	/**
	 * @param cell
	 * 		interval of a cell in the image
	 * @return all pixels that its computation reads
	 */
	Interval interval( Interval cell );

	/**
	 * @param cell
	 * 		interval of a cell in the image
	 * @return the part of {@link #interval} that the array has to be cropped to where
	 *         only the pixels of the cell are wanted; {@code null} if there is no such
	 *         part
	 */
	Interval core( Interval cell );

	/**
	 * @param halo
	 * 		how much more than the cell is read
	 * @return the cell with the halo around it; the cell is its core
	 */
	static Footprint of( final Halo halo )
	{
		final boolean empty = halo.equals( Halo.empty( halo.numDimensions() ) );
		return new Footprint()
		{
			@Override
			public Interval interval( final Interval cell )
			{
				return empty ? cell : halo.extendInterval( cell );
			}

			@Override
			public Interval core( final Interval cell )
			{
				return cell;
			}
		};
	}
}
