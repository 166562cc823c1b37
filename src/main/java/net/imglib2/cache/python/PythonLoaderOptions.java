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

import net.imglib2.blocks.PrimitiveBlocks.OnFallback;

/**
 * Optional settings of a {@link PythonCacheLoader}. Immutable; the setters return
 * a changed copy.
 */
public final class PythonLoaderOptions
{
	private static final PythonLoaderOptions DEFAULT = new PythonLoaderOptions( OnFallback.ACCEPT, false );

	private final OnFallback onFallback;

	private final boolean contiguous;

	private PythonLoaderOptions( final OnFallback onFallback, final boolean contiguous )
	{
		this.onFallback = onFallback;
		this.contiguous = contiguous;
	}

	/**
	 * @return the defaults
	 */
	public static PythonLoaderOptions options()
	{
		return DEFAULT;
	}

	/**
	 * What to do with an input that can only be copied pixel by pixel
	 * ({@link InputWay#PIXELS}), which is ten to fifty times slower than the other
	 * ways.
	 *
	 * @param newOnFallback
	 * 		accept it (default), write a warning to the log, or fail with an
	 * 		{@code IllegalArgumentException} when the loader is made
	 * @return changed copy
	 */
	public PythonLoaderOptions onFallback( final OnFallback newOnFallback )
	{
		return new PythonLoaderOptions( Objects.requireNonNull( newOnFallback, "onFallback" ), contiguous );
	}

	/**
	 * Which arrays the code gets for inputs. An input that is not copied can have
	 * gaps between rows and, through views, axes in any order and direction. That
	 * is slower to compute with, and some compiled packages refuse it.
	 *
	 * @param newContiguous
	 * 		whether to have arrays in C order without gaps only, by a copy if need
	 * 		be; {@code false} by default
	 * @return changed copy
	 */
	public PythonLoaderOptions contiguous( final boolean newContiguous )
	{
		return new PythonLoaderOptions( onFallback, newContiguous );
	}

	/**
	 * @return what to do with an input that can only be copied pixel by pixel
	 */
	public OnFallback getOnFallback()
	{
		return onFallback;
	}

	/**
	 * @return whether inputs are in C order without gaps
	 */
	public boolean isContiguous()
	{
		return contiguous;
	}
}
