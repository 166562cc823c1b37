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
package net.imglib2.cache;

import java.util.concurrent.ExecutionException;

import net.imglib2.cache.util.CacheAsUncheckedCacheAdapter;
import net.imglib2.cache.util.CacheKeyAdapter;
import net.imglib2.cache.util.KeyBimap;

/**
 * A cache that loads the values that it does not hold. Made from a
 * {@link LoaderCache} by {@link LoaderCache#withLoader(CacheLoader)}. Safe for
 * use by several threads.
 *
 * @param <K>
 *            key type
 * @param <V>
 *            value type
 */
public interface Cache< K, V > extends AbstractCache< K, V >, CacheLoader< K, V >
{
	/**
	 * Returns the value of {@code key}, which is loaded if necessary. See
	 * {@link LoaderCache#get(Object, CacheLoader)} for what happens when several
	 * threads ask for the same key, and when loading fails.
	 *
	 * @param key
	 *            which entry
	 * @return the value
	 * @throws ExecutionException
	 *             if loading fails; its cause is the exception of the loader
	 */
	@Override
	V get( K key ) throws ExecutionException;

	/**
	 * A view of this cache without checked exceptions: {@code get} wraps the
	 * {@code ExecutionException} in a {@code RuntimeException}.
	 *
	 * @return a view, nothing is copied
	 */
	default UncheckedCache< K, V > unchecked()
	{
		return new CacheAsUncheckedCacheAdapter<>( this );
	}

	/**
	 * A view of this cache with other keys. Several views with disjoint sets of
	 * keys may share one cache, and thus its bound: invalidating a view affects
	 * the keys of that view only.
	 *
	 * @param <T>
	 *            key type of the view
	 * @param keymap
	 *            translates between the keys of the view and of this cache
	 * @return a view, nothing is copied
	 */
	default < T > Cache< T, V > mapKeys( final KeyBimap< T, K > keymap )
	{
		return new CacheKeyAdapter<>( this, keymap );
	}
}
