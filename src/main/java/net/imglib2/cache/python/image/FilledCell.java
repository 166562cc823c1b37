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

import net.imglib2.cache.python.PythonCellException;
import net.imglib2.img.cell.Cell;

/**
 * A cell that could not be computed: its pixels are substitutes.
 *
 * @param <A>
 * 		access to the pixels
 */
final class FilledCell< A > extends Cell< A >
{
	private static final long serialVersionUID = 1L;

	private final transient PythonCellException error;

	private transient Runnable report;

	/**
	 * @param dimensions
	 * 		size
	 * @param min
	 * 		first pixel
	 * @param data
	 * 		the substitutes
	 * @param error
	 * 		why the cell could not be computed
	 * @param report
	 * 		tells the user why
	 */
	FilledCell( final int[] dimensions, final long[] min, final A data, final PythonCellException error, final Runnable report )
	{
		super( dimensions, min, data );
		this.error = error;
		this.report = report;
	}

	/**
	 * @return why the cell could not be computed
	 */
	PythonCellException error()
	{
		return error;
	}

	/**
	 * If a cell is filled, tells the user why, once. The caller holds no lock, because
	 * the user's listener may read the image, or wait for others that do.
	 */
	static void report( final Cell< ? > cell )
	{
		if ( cell instanceof FilledCell )
			( ( FilledCell< ? > ) cell ).report();
	}

	private void report()
	{
		final Runnable first;
		synchronized ( this )
		{
			first = report;
			report = null;
		}
		if ( first != null )
			first.run();
	}
}
