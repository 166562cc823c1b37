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

import java.util.List;

import net.imglib2.Interval;
import net.imglib2.RandomAccessible;
import net.imglib2.cache.python.InputWay;

/**
 * One input of an image: where its pixels come from, and which of them a cell needs.
 * Thread-safe.
 */
public final class BlockInput
{
	private final PixelSource source;

	private final Footprint footprint;

	/**
	 * @param source
	 * 		where the pixels come from
	 * @param footprint
	 * 		which of them a cell needs
	 */
	public BlockInput( final PixelSource source, final Footprint footprint )
	{
		this.source = source;
		this.footprint = footprint;
	}

	/**
	 * @param cell
	 * 		interval of a cell in the image
	 * @return the pixels that it needs
	 * @throws Exception
	 * 		what the source throws
	 */
	public BlockArray get( final Interval cell ) throws Exception
	{
		final Interval interval = footprint.interval( cell );
		return source.get( interval ).withCrop( interval, footprint.core( cell ) );
	}

	/**
	 * @param cell
	 * 		interval of a cell in the image
	 * @return how the pixels that it needs get to Python
	 */
	public InputWay wayOf( final Interval cell )
	{
		return source.wayOf( footprint.interval( cell ) );
	}

	/**
	 * @param cell
	 * 		interval of a cell in the image
	 * @return the pixels of this input that it needs
	 */
	public Interval interval( final Interval cell )
	{
		return footprint.interval( cell );
	}

	/**
	 * @return the images that the pixels come from, see {@link PixelSource#roots()}
	 */
	public List< RandomAccessible< ? > > roots()
	{
		return source.roots();
	}

	/**
	 * @param cell
	 * 		interval of a cell in the image
	 * @return the pixels of a root that it depends on, see {@link PixelSource#inRoot}
	 */
	public Interval inRoot( final Interval cell )
	{
		return source.inRoot( footprint.interval( cell ) );
	}
}
