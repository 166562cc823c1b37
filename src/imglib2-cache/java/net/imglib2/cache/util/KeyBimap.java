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
package net.imglib2.cache.util;

import java.util.function.Function;

/**
 * Translates keys in both directions, for
 * {@link net.imglib2.cache.LoaderCache#mapKeys(KeyBimap)} and
 * {@link net.imglib2.cache.Cache#mapKeys(KeyBimap)}.
 * <p>
 * Different sources must have different targets. A target may have no source: it is
 * a key of the cache that the view does not have. Must be thread-safe.
 *
 * @param <S>
 *            source: key type of the view
 * @param <T>
 *            target: key type of the cache
 */
public interface KeyBimap< S, T >
{
	/**
	 * From the key of the view to the key of the cache.
	 *
	 * @param source
	 *            key of the view
	 * @return key of the cache
	 */
	T getTarget( S source );

	/**
	 * From the key of the cache to the key of the view.
	 *
	 * @param target
	 *            key of the cache
	 * @return key of the view, or {@code null} if the view has no such key
	 */
	S getSource( T target );

	/**
	 * Combines two functions.
	 *
	 * @param <S>
	 *            source: key type of the view
	 * @param <T>
	 *            target: key type of the cache
	 * @param sourceToTarget
	 *            does {@link #getTarget(Object)}
	 * @param targetToSource
	 *            does {@link #getSource(Object)}
	 * @return both of them
	 */
	static < S, T > KeyBimap< S, T > build( final Function< S, T > sourceToTarget, final Function< T, S > targetToSource )
	{
		return new KeyBimap< S, T >()
		{
			@Override
			public T getTarget( final S source )
			{
				return sourceToTarget.apply( source );
			}

			@Override
			public S getSource( final T target )
			{
				return targetToSource.apply( target );
			}
		};
	}
}
