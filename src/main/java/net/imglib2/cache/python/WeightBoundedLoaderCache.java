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

import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Predicate;
import java.util.function.ToLongFunction;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.RemovalCause;

import net.imglib2.cache.CacheLoader;
import net.imglib2.cache.LoaderCache;
import net.imglib2.cache.ref.WeakRefLoaderCache;

/**
 * Cache that keeps values up to a total weight, for instance in bytes. A value that
 * it does not keep any more is still found while anybody else refers to it.
 * <p>
 * Thread-safe. A value is loaded once, also if several threads ask for it at the same
 * time.
 *
 * @param <K>
 * 		key type
 * @param <V>
 * 		value type
 */
public final class WeightBoundedLoaderCache< K, V > implements LoaderCache< K, V >
{
	private final LoaderCache< K, V > all = new WeakRefLoaderCache<>();

	private final Cache< K, V > kept;

	/**
	 * Weights are counted in this.
	 */
	private final long unit;

	private final long maximumWeight;

	private final LongAdder evictions = new LongAdder();

	/**
	 * @param maximumWeight
	 * 		bound of the total weight
	 * @param weigher
	 * 		weight of a value
	 */
	public WeightBoundedLoaderCache( final long maximumWeight, final ToLongFunction< ? super V > weigher )
	{
		// Caffeine's weights are ints: in this unit, the bound is one.
		this.maximumWeight = maximumWeight;
		unit = 1 + ( maximumWeight - 1 ) / Integer.MAX_VALUE;
		kept = Caffeine.newBuilder()
				.maximumWeight( inUnits( maximumWeight, unit ) )
				.weigher( ( final K key, final V value ) -> ( int ) Math.min( inUnits( weigher.applyAsLong( value ), unit ), Integer.MAX_VALUE ) )
				// Evicts on a thread that adds a value, so that the bound holds at once.
				.executor( Runnable::run )
				.evictionListener( ( final K key, final V value, final RemovalCause cause ) -> evictions.increment() )
				.build();
	}

	long maximumWeight()
	{
		return maximumWeight;
	}

	/**
	 * @return how many values were not kept any more because of the bound
	 */
	long evictions()
	{
		settle();
		return evictions.sum();
	}

	/**
	 * @return total weight of the values that are kept; where the bound is more than 2^31 - 1,
	 *         about that
	 */
	long keptWeight()
	{
		settle();
		return unit * kept.policy().eviction().get().weightedSize().getAsLong();
	}

	/**
	 * Of two threads that add values at the same time, one may leave the last evictions to
	 * whoever uses the cache next.
	 */
	private void settle()
	{
		kept.cleanUp();
	}

	private static long inUnits( final long weight, final long unit )
	{
		// Rounded down, so that as many values are kept as the bound has room for; but any weight counts.
		return weight > 0 ? Math.max( 1, weight / unit ) : weight;
	}

	@Override
	public V get( final K key, final CacheLoader< ? super K, ? extends V > loader ) throws ExecutionException
	{
		final V known = kept.getIfPresent( key );
		if ( known != null )
			return known;
		final V value = all.get( key, loader );
		kept.put( key, value );
		return value;
	}

	@Override
	public V getIfPresent( final K key )
	{
		final V known = kept.getIfPresent( key );
		return known != null ? known : all.getIfPresent( key );
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
		kept.invalidate( key );
		all.invalidate( key );
	}

	@Override
	public void invalidateIf( final long parallelismThreshold, final Predicate< K > condition )
	{
		kept.asMap().keySet().removeIf( condition );
		all.invalidateIf( parallelismThreshold, condition );
	}

	@Override
	public void invalidateAll( final long parallelismThreshold )
	{
		kept.invalidateAll();
		all.invalidateAll( parallelismThreshold );
	}
}
