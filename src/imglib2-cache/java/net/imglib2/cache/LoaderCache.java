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

import net.imglib2.cache.util.KeyBimap;
import net.imglib2.cache.util.LoaderCacheAsCacheAdapter;
import net.imglib2.cache.util.LoaderCacheKeyAdapter;

/**
 * A cache whose {@code get} takes the loader for a missing value. Safe for use by
 * several threads.
 *
 * @param <K>
 *            key type
 * @param <V>
 *            value type
 */
public interface LoaderCache< K, V > extends AbstractCache< K, V >
{
	/**
	 * Returns the value of {@code key}, which {@code loader} computes if the
	 * cache does not hold it.
	 * <p>
	 * If several threads ask for the same missing key, one of them loads and the
	 * others wait for its value. They wait uninterruptibly. Different keys are
	 * loaded in parallel.
	 * <p>
	 * A failure is not remembered: the next request calls its loader, also if its
	 * thread waited for the load that failed. An {@code Error} of the
	 * loader is not wrapped. If the loader throws an
	 * {@code InterruptedException}, the interrupt flag of the thread is set.
	 *
	 * @param key
	 *            which entry
	 * @param loader
	 *            computes the value, on the calling thread
	 * @return the value
	 * @throws ExecutionException
	 *             if loading fails; its cause is the exception of the loader
	 */
	V get( K key, CacheLoader< ? super K, ? extends V > loader ) throws ExecutionException;

	/**
	 * A view of this cache that loads missing values by {@code loader}.
	 *
	 * @param loader
	 *            computes missing values
	 * @return a view, nothing is copied
	 */
	default Cache< K, V > withLoader( final CacheLoader< K, V > loader )
	{
		return new LoaderCacheAsCacheAdapter<>( this, loader );
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
	default < T > LoaderCache< T, V > mapKeys( final KeyBimap< T, K > keymap )
	{
		return new LoaderCacheKeyAdapter<>( this, keymap );
	}
}
