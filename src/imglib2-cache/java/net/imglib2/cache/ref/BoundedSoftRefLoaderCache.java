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

import java.lang.ref.SoftReference;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.function.Predicate;

import net.imglib2.cache.CacheLoader;
import net.imglib2.cache.LoaderCache;

/**
 * A {@link LoaderCache} on top of another one. It keeps a bounded number of the
 * most recently used values by soft references. On top of a
 * {@link WeakRefLoaderCache}, only these values and those that somebody uses are
 * kept. Safe for use by several threads.
 *
 * @param <K>
 *            key type
 * @param <V>
 *            value type
 */
public class BoundedSoftRefLoaderCache< K, V > implements LoaderCache< K, V >
{
	private final LoaderCache< K, V > cache;

	/**
	 * Values in the order of their last use. Guarded by itself.
	 */
	private final Map< K, SoftReference< V > > recent;

	/**
	 * Creates an empty cache on top of a {@link WeakRefLoaderCache}.
	 *
	 * @param maxSoftRefs
	 *            how many values to keep
	 * @throws IllegalArgumentException
	 *             if {@code maxSoftRefs} is negative
	 */
	public BoundedSoftRefLoaderCache( final int maxSoftRefs )
	{
		this( maxSoftRefs, new WeakRefLoaderCache<>() );
	}

	/**
	 * Creates a cache on top of another one.
	 *
	 * @param maxSoftRefs
	 *            how many values to keep
	 * @param cache
	 *            loads and finds the values. {@code persist} methods are not
	 *            forwarded to it.
	 * @throws IllegalArgumentException
	 *             if {@code maxSoftRefs} is negative
	 */
	public BoundedSoftRefLoaderCache( final int maxSoftRefs, final LoaderCache< K, V > cache )
	{
		if ( maxSoftRefs < 0 )
			throw new IllegalArgumentException( "The number of values to keep is negative: " + maxSoftRefs );
		this.cache = cache;
		this.recent = new LinkedHashMap< K, SoftReference< V > >( 16, 0.75f, true )
		{
			private static final long serialVersionUID = 1L;

			@Override
			protected boolean removeEldestEntry( final Map.Entry< K, SoftReference< V > > eldest )
			{
				return size() > maxSoftRefs;
			}
		};
	}

	/**
	 * Records that {@code value} was used.
	 */
	private V touch( final K key, final V value )
	{
		if ( value != null )
		{
			synchronized ( recent )
			{
				final SoftReference< V > known = recent.get( key );
				if ( known == null || known.get() != value )
					recent.put( key, new SoftReference<>( value ) );
			}
		}
		return value;
	}

	@Override
	public V getIfPresent( final K key )
	{
		return touch( key, cache.getIfPresent( key ) );
	}

	@Override
	public V get( final K key, final CacheLoader< ? super K, ? extends V > loader ) throws ExecutionException
	{
		return touch( key, cache.get( key, loader ) );
	}

	@Override
	public void persist( final K key )
	{}

	@Override
	public void persistIf( final Predicate< K > condition )
	{}

	@Override
	public void persistAll()
	{}

	@Override
	public void invalidate( final K key )
	{
		cache.invalidate( key );
		synchronized ( recent )
		{
			recent.remove( key );
		}
	}

	@Override
	public void invalidateIf( final long parallelismThreshold, final Predicate< K > condition )
	{
		// NB: The condition may read this cache, which changes the order of use.
		final Set< K > forgotten = ConcurrentHashMap.newKeySet();
		cache.invalidateIf( parallelismThreshold, key -> {
			final boolean forget = condition.test( key );
			if ( forget )
				forgotten.add( key );
			return forget;
		} );
		synchronized ( recent )
		{
			forgotten.forEach( recent::remove );
		}
	}

	@Override
	public void invalidateAll( final long parallelismThreshold )
	{
		cache.invalidateAll( parallelismThreshold );
		synchronized ( recent )
		{
			recent.clear();
		}
	}
}
