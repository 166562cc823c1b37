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

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.stream.IntStream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import net.imglib2.cache.CacheLoader;
import net.imglib2.cache.LoaderCache;

/**
 * Which values the caches keep, and for how long.
 */
@Timeout( value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD )
class ReferencesTest
{
	/**
	 * The values that the loader made, by their keys; the last one per key.
	 */
	private final Map< Object, WeakReference< Object > > loaded = new ConcurrentHashMap<>();

	private int loads = 0;

	/**
	 * The next negative key that was not used before.
	 */
	private int other = 0;

	private final CacheLoader< Object, Object > loader = key -> {
		loads++;
		final Object value = new Object();
		loaded.put( key, new WeakReference<>( value ) );
		return value;
	};

	/**
	 * Loads without leaving references to the values on the stack.
	 */
	private void load( final LoaderCache< Integer, Object > cache, final int from, final int to ) throws ExecutionException
	{
		for ( int key = from; key < to; key++ )
			cache.get( key, loader );
	}

	// -- weak --

	@Test
	void weakCacheKeepsAValueWhileItIsInUse() throws Exception
	{
		final LoaderCache< Integer, Object > cache = new WeakRefLoaderCache<>();
		final Object used = cache.get( 0, loader );
		load( cache, 1, 10 );
		Wait.untilCollected( 1, loaded.values() );

		assertSame( used, cache.get( 0, loader ) );
		assertEquals( 10, loads );
		assertNull( cache.getIfPresent( 1 ) );
	}

	@Test
	void weakCacheLoadsACollectedValueAgain() throws Exception
	{
		final LoaderCache< Integer, Object > cache = new WeakRefLoaderCache<>();
		load( cache, 1, 2 );
		Wait.untilCollected( 0, loaded.values() );
		final Object again = cache.get( 1, loader );

		assertEquals( 2, loads );
		assertSame( again, cache.get( 1, loader ) );
		assertEquals( 2, loads );
	}

	@Test
	void weakCacheForgetsTheKeysOfCollectedValues() throws Exception
	{
		final WeakRefLoaderCache< Object, Object > cache = new WeakRefLoaderCache<>();
		assertKeysAreForgotten( cache, cache::cleanUp );
	}

	@Test
	void reloadedValuesSurviveTheCleanUpOfTheirPredecessors() throws Exception
	{
		final int numKeys = 20_000;
		final WeakRefLoaderCache< Integer, Object > cache = new WeakRefLoaderCache<>();
		load( cache, 0, numKeys );
		// NB: References are cleared before they enter their queue. So some of the
		// old ones come out of it when there are new ones already.
		System.gc();
		final List< Object > used = new ArrayList<>();
		for ( int key = 0; key < numKeys; key++ )
			used.add( cache.get( key, loader ) );
		collectGarbage();
		cache.cleanUp();

		for ( int key = 0; key < numKeys; key++ )
			assertSame( used.get( key ), cache.getIfPresent( key ) );
	}

	// -- soft --

	@Test
	void softCacheKeepsUnusedValuesWhileMemoryIsFree() throws Exception
	{
		final LoaderCache< Integer, Object > cache = new SoftRefLoaderCache<>();
		load( cache, 0, 100 );
		collectGarbage();
		load( cache, 0, 100 );

		assertEquals( 100, loads );
	}

	// -- bounded strong, with a weak guard --

	@Test
	void guardedCacheKeepsUnusedValuesUpToItsBound() throws Exception
	{
		final LoaderCache< Integer, Object > cache = new GuardedStrongRefLoaderCache<>( 100 );
		load( cache, 0, 100 );
		collectGarbage();
		load( cache, 0, 100 );

		assertEquals( 100, loads );
	}

	@Test
	void guardedCacheLetsGoOfValuesBeyondItsBound() throws Exception
	{
		final LoaderCache< Integer, Object > cache = new GuardedStrongRefLoaderCache<>( 10 );
		load( cache, 0, 200 );
		untilEvicted( cache, 10 );

		assertTrue( IntStream.range( 0, 200 ).filter( key -> cache.getIfPresent( key ) != null ).count() <= 10 );
	}

	@Test
	void guardedCacheLoadsAnEvictedValueOnceMore() throws Exception
	{
		final LoaderCache< Integer, Object > cache = new GuardedStrongRefLoaderCache<>( 10 );
		load( cache, 0, 200 );
		untilEvicted( cache, 10 );
		final int evicted = IntStream.range( 0, 200 ).filter( key -> cache.getIfPresent( key ) == null ).findFirst().getAsInt();
		final Object value = cache.get( evicted, loader );

		assertEquals( 201, loads );
		assertSame( value, cache.get( evicted, loader ) );
		assertEquals( 201, loads );
	}

	@Test
	void guardedCacheFindsEvictedValuesThatAreInUse() throws Exception
	{
		final LoaderCache< Integer, Object > cache = new GuardedStrongRefLoaderCache<>( 1 );
		final List< Object > used = new ArrayList<>();
		for ( int key = 0; key < 20; key++ )
			used.add( cache.get( key, loader ) );
		load( cache, 20, 220 );
		untilEvicted( cache, 21 );

		for ( int key = 0; key < 20; key++ )
		{
			assertSame( used.get( key ), cache.getIfPresent( key ) );
			assertSame( used.get( key ), cache.get( key, loader ) );
		}
		assertEquals( 220, loads );
	}

	@Test
	void guardedCacheOfSizeZeroKeepsOnlyWhatIsInUse() throws Exception
	{
		final LoaderCache< Integer, Object > cache = new GuardedStrongRefLoaderCache<>( 0 );
		final Object used = cache.get( 0, loader );
		load( cache, 1, 10 );
		untilEvicted( cache, 1 );

		assertSame( used, cache.get( 0, loader ) );
	}

	@Test
	void guardedCacheForgetsEvictedValuesWhenInvalidated() throws Exception
	{
		final LoaderCache< Integer, Object > cache = new GuardedStrongRefLoaderCache<>( 1 );
		final List< Object > used = new ArrayList<>();
		for ( int key = 0; key < 20; key++ )
			used.add( cache.get( key, loader ) );
		cache.invalidate( 0 );
		assertNull( cache.getIfPresent( 0 ) );
		cache.invalidateIf( key -> key < 10 );
		for ( int key = 0; key < 20; key++ )
			assertSame( key < 10 ? null : used.get( key ), cache.getIfPresent( key ) );
		cache.invalidateAll();
		for ( int key = 0; key < 20; key++ )
			assertNull( cache.getIfPresent( key ) );
	}

	@Test
	void guardedCacheForgetsTheKeysOfCollectedValues() throws Exception
	{
		final GuardedStrongRefLoaderCache< Object, Object > cache = new GuardedStrongRefLoaderCache<>( 0 );
		assertKeysAreForgotten( cache, cache::cleanUp );
	}

	@Test
	void guardedCacheRefusesANegativeBound()
	{
		assertThrows( IllegalArgumentException.class, () -> new GuardedStrongRefLoaderCache<>( -1 ) );
	}

	// -- bounded soft --

	@Test
	void boundedSoftCacheKeepsTheMostRecentlyUsedValues() throws Exception
	{
		final LoaderCache< Integer, Object > cache = new BoundedSoftRefLoaderCache<>( 3 );
		load( cache, 0, 3 );
		load( cache, 0, 1 );
		assertNotNull( cache.getIfPresent( 1 ) );
		load( cache, 3, 4 );
		Wait.untilCollected( 3, loaded.values() );

		assertNull( cache.getIfPresent( 2 ) );
		for ( final int key : new int[] { 0, 1, 3 } )
			assertNotNull( cache.getIfPresent( key ) );
		assertEquals( 4, loads );
	}

	@Test
	void boundedSoftCacheFindsValuesBeyondItsBoundThatAreInUse() throws Exception
	{
		final LoaderCache< Integer, Object > cache = new BoundedSoftRefLoaderCache<>( 2 );
		final Object used = cache.get( 0, loader );
		load( cache, 1, 50 );
		Wait.untilCollected( 3, loaded.values() );

		assertSame( used, cache.get( 0, loader ) );
		assertEquals( 50, loads );
	}

	@Test
	void boundedSoftCacheLoadsADroppedValueOnceMore() throws Exception
	{
		final LoaderCache< Integer, Object > cache = new BoundedSoftRefLoaderCache<>( 1 );
		load( cache, 0, 2 );
		Wait.untilCollected( 1, loaded.values() );
		final Object value = cache.get( 0, loader );

		assertEquals( 3, loads );
		assertSame( value, cache.get( 0, loader ) );
		assertEquals( 3, loads );
	}

	@Test
	void boundedSoftCacheLetsGoOfInvalidatedValues() throws Exception
	{
		final LoaderCache< Integer, Object > cache = new BoundedSoftRefLoaderCache<>( 30 );
		load( cache, 0, 30 );
		cache.invalidate( 0 );
		Wait.untilCollected( 29, loaded.values() );
		cache.invalidateIf( key -> key < 10 );
		Wait.untilCollected( 20, loaded.values() );
		cache.invalidateAll();
		Wait.untilCollected( 0, loaded.values() );
	}

	@Test
	void boundedSoftCacheUsesTheCacheThatItIsGiven() throws Exception
	{
		final LoaderCache< Integer, Object > backing = new SoftRefLoaderCache<>();
		final LoaderCache< Integer, Object > cache = new BoundedSoftRefLoaderCache<>( 1, backing );
		load( cache, 0, 10 );
		collectGarbage();

		for ( int key = 0; key < 10; key++ )
			assertSame( backing.getIfPresent( key ), cache.get( key, loader ) );
		assertEquals( 10, loads );
		cache.invalidate( 0 );
		cache.invalidateIf( key -> key == 1 );
		assertNull( backing.getIfPresent( 0 ) );
		assertNull( backing.getIfPresent( 1 ) );
		assertNotNull( backing.getIfPresent( 2 ) );
		cache.invalidateAll();
		assertNull( backing.getIfPresent( 2 ) );
	}

	@Test
	void boundedSoftCacheRefusesANegativeBound()
	{
		assertThrows( IllegalArgumentException.class, () -> new BoundedSoftRefLoaderCache<>( -1 ) );
	}

	// -- helpers --

	private void collectGarbage()
	{
		final WeakReference< Object > garbage = new WeakReference<>( new Object() );
		Wait.untilCollected( 0, List.of( garbage ) );
	}

	/**
	 * Waits until at most {@code n} of the loaded values are left. Meanwhile loads others, because
	 * a cache may defer eviction until then.
	 */
	private void untilEvicted( final LoaderCache< Integer, Object > cache, final int n )
	{
		Wait.untilGarbage( () -> {
			loadOthers( cache );
			return loaded.values().stream().filter( value -> value.get() != null ).count() <= n;
		}, "more than " + n + " values are left" );
	}

	private void loadOthers( final LoaderCache< ? super Integer, Object > cache )
	{
		try
		{
			for ( int i = 0; i < 50; i++ )
				cache.get( --other, key -> new Object() );
		}
		catch ( final ExecutionException e )
		{
			throw new AssertionError( e );
		}
	}

	private void assertKeysAreForgotten( final LoaderCache< Object, Object > cache, final Runnable cleanUp ) throws Exception
	{
		final List< WeakReference< Object > > keys = new ArrayList<>();
		for ( int i = 0; i < 20; i++ )
			keys.add( loadNewKey( cache ) );
		Wait.untilGarbage( () -> {
			loadOthers( cache );
			cleanUp.run();
			return keys.stream().allMatch( key -> key.get() == null );
		}, "keys are left" );
	}

	private static WeakReference< Object > loadNewKey( final LoaderCache< Object, Object > cache ) throws ExecutionException
	{
		final Object key = new Object();
		cache.get( key, k -> new Object() );
		return new WeakReference<>( key );
	}
}
