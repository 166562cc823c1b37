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

import java.util.function.Predicate;

import net.imglib2.cache.AbstractCache;

/**
 * A view of a cache with other keys. Methods for several entries affect only those
 * whose keys the view has. As thread-safe as the wrapped cache.
 *
 * @param <K>
 *            key type of the view
 * @param <L>
 *            key type of the wrapped cache
 * @param <V>
 *            value type
 * @param <C>
 *            type of the wrapped cache
 */
public class AbstractCacheKeyAdapter< K, L, V, C extends AbstractCache< L, V > > implements AbstractCache< K, V >
{
	/**
	 * The wrapped cache.
	 */
	protected final C cache;

	/**
	 * Translates between the keys of the view and of the wrapped cache.
	 */
	protected final KeyBimap< K, L > keymap;

	/**
	 * Wraps a cache.
	 *
	 * @param cache
	 *            the cache to wrap
	 * @param keymap
	 *            translates between the keys of the view and of {@code cache}
	 */
	public AbstractCacheKeyAdapter( final C cache, final KeyBimap< K, L > keymap )
	{
		this.cache = cache;
		this.keymap = keymap;
	}

	/**
	 * Turns a condition on keys of the view into one on keys of the wrapped cache.
	 */
	private Predicate< L > translate( final Predicate< K > condition )
	{
		return target -> {
			final K source = keymap.getSource( target );
			return source != null && condition.test( source );
		};
	}

	@Override
	public V getIfPresent( final K key )
	{
		return cache.getIfPresent( keymap.getTarget( key ) );
	}

	@Override
	public void persist( final K key )
	{
		cache.persist( keymap.getTarget( key ) );
	}

	@Override
	public void persistIf( final Predicate< K > condition )
	{
		cache.persistIf( translate( condition ) );
	}

	@Override
	public void persistAll()
	{
		persistIf( key -> true );
	}

	@Override
	public void invalidate( final K key )
	{
		cache.invalidate( keymap.getTarget( key ) );
	}

	@Override
	public void invalidateIf( final long parallelismThreshold, final Predicate< K > condition )
	{
		cache.invalidateIf( parallelismThreshold, translate( condition ) );
	}

	@Override
	public void invalidateAll( final long parallelismThreshold )
	{
		invalidateIf( parallelismThreshold, key -> true );
	}
}
