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

import java.lang.ref.Reference;
import java.lang.ref.ReferenceQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Predicate;

import net.imglib2.cache.CacheLoader;
import net.imglib2.cache.LoaderCache;

/**
 * The base of the public caches: it holds its values by references that the garbage
 * collector may clear.
 * <p>
 * Keys that are being loaded are in a map of their own, with one lock each, and
 * loaders run outside of all operations on the maps. So a reader of a present value
 * takes no lock, loads of different keys never wait for each other, and a failed
 * load leaves nothing behind.
 *
 * @param <K>
 *            key type
 * @param <V>
 *            value type
 */
abstract class ReferenceLoaderCache< K, V > implements LoaderCache< K, V >
{
	private final ConcurrentHashMap< K, KeyedReference< K, V > > values = new ConcurrentHashMap<>();

	private final ConcurrentHashMap< K, ReentrantLock > loading = new ConcurrentHashMap<>();

	private final ReferenceQueue< V > collected = new ReferenceQueue<>();

	private final KeyedReference.Factory< K, V > references;

	ReferenceLoaderCache( final KeyedReference.Factory< K, V > references )
	{
		this.references = references;
	}

	/**
	 * Looks up a value without housekeeping.
	 */
	V find( final K key )
	{
		final KeyedReference< K, V > reference = values.get( key );
		return reference == null ? null : reference.get();
	}

	/**
	 * Stores a value that was just loaded; a {@code null} leaves no entry.
	 */
	void store( final K key, final V value )
	{
		if ( value != null )
			values.put( key, references.create( key, value, collected ) );
	}

	@Override
	public V getIfPresent( final K key )
	{
		cleanUp();
		return find( key );
	}

	@Override
	public V get( final K key, final CacheLoader< ? super K, ? extends V > loader ) throws ExecutionException
	{
		cleanUp();
		while ( true )
		{
			final V present = find( key );
			if ( present != null )
				return present;

			final ReentrantLock turn = loading.computeIfAbsent( key, k -> new ReentrantLock() );
			turn.lock();
			try
			{
				// NB: A thread that waited finds that its lock is no longer in the
				// map. It starts over, so that it does not load beside a new thread.
				if ( loading.get( key ) == turn )
				{
					final V value = find( key );
					return value != null ? value : load( key, loader );
				}
			}
			finally
			{
				// NB: A loader that asks for its own key holds the lock twice.
				if ( turn.getHoldCount() == 1 )
					loading.remove( key, turn );
				turn.unlock();
			}
		}
	}

	private V load( final K key, final CacheLoader< ? super K, ? extends V > loader ) throws ExecutionException
	{
		try
		{
			final V value = loader.get( key );
			store( key, value );
			return value;
		}
		catch ( final Exception e )
		{
			if ( e instanceof InterruptedException )
				Thread.currentThread().interrupt();
			throw new ExecutionException( e );
		}
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
		values.remove( key );
	}

	@Override
	public void invalidateIf( final long parallelismThreshold, final Predicate< K > condition )
	{
		values.forEachKey( parallelismThreshold, key -> {
			if ( condition.test( key ) )
				invalidate( key );
		} );
	}

	@Override
	public void invalidateAll( final long parallelismThreshold )
	{
		values.clear();
	}

	/**
	 * Removes the entries whose values have been garbage collected. Every
	 * {@code get} and {@code getIfPresent} does this. A call is needed only to free
	 * the keys of a cache that is not used any more.
	 */
	public void cleanUp()
	{
		for ( Reference< ? extends V > r = collected.poll(); r != null; r = collected.poll() )
		{
			final KeyedReference< ?, ? > reference = ( KeyedReference< ?, ? > ) r;
			values.remove( reference.key(), reference );
		}
	}
}
