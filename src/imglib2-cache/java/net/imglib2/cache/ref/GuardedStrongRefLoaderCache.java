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
package net.imglib2.cache.ref;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;

import net.imglib2.cache.LoaderCache;

/**
 * A {@link LoaderCache} that keeps at most a given number of values, by strong
 * references in a <a href="https://github.com/ben-manes/caffeine">Caffeine</a>
 * cache. Caffeine evicts by recency and frequency of use. Safe for use by several
 * threads.
 * <p>
 * The cache also has a weak reference to each value: as long as somebody uses a
 * value that was evicted, the cache finds it again and does not load a second one
 * for the same key. A value that is found so does not count as kept.
 * <p>
 * Because of its bound, this is the cache for values whose memory is outside the
 * Java heap, such as direct buffers.
 *
 * @param <K>
 *            key type
 * @param <V>
 *            value type
 */
public class GuardedStrongRefLoaderCache< K, V > extends ReferenceLoaderCache< K, V >
{
	private final Cache< K, V > kept;

	/**
	 * Creates an empty cache.
	 *
	 * @param maximumSize
	 *            how many values to keep; 0 to keep only those in use
	 * @throws IllegalArgumentException
	 *             if {@code maximumSize} is negative
	 */
	public GuardedStrongRefLoaderCache( final long maximumSize )
	{
		super( KeyedReference.Weak::new );
		// NB: The thread that adds a value also evicts, so that the bound holds
		// even when the common pool is busy.
		kept = Caffeine.newBuilder().maximumSize( maximumSize ).executor( Runnable::run ).build();
	}

	@Override
	V find( final K key )
	{
		final V value = kept.getIfPresent( key );
		return value != null ? value : super.find( key );
	}

	@Override
	void store( final K key, final V value )
	{
		super.store( key, value );
		// NB: Refuses null.
		kept.put( key, value );
	}

	@Override
	public void invalidate( final K key )
	{
		super.invalidate( key );
		kept.invalidate( key );
	}

	@Override
	public void invalidateAll( final long parallelismThreshold )
	{
		super.invalidateAll( parallelismThreshold );
		kept.invalidateAll();
	}
}
