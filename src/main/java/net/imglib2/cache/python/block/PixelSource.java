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

import java.util.Collections;
import java.util.List;

import net.imglib2.Interval;
import net.imglib2.RandomAccessible;
import net.imglib2.cache.python.InputWay;

/**
 * Where the pixels of an input come from. Thread-safe.
 */
public interface PixelSource
{
	/**
	 * @param interval
	 * 		in the coordinates of the source
	 * @return its pixels
	 * @throws Exception
	 * 		if they cannot be had; the reader of the image gets it
	 */
	BlockArray get( Interval interval ) throws Exception;

	/**
	 * @param interval
	 * 		in the coordinates of the source
	 * @return how its pixels get to Python
	 */
	InputWay wayOf( Interval interval );

	/**
	 * @return the images that the pixels come from, behind all views and converters, as far
	 *         as they are known
	 */
	default List< RandomAccessible< ? > > roots()
	{
		return Collections.emptyList();
	}

	/**
	 * @param interval
	 * 		in the coordinates of the source
	 * @return all pixels of a root that those of the interval depend on, or more;
	 *         {@code null} if that is not known
	 */
	default Interval inRoot( final Interval interval )
	{
		return null;
	}
}
