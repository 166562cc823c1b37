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

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class WeightBoundedLoaderCacheTest
{
	private final AtomicInteger loaded = new AtomicInteger();

	private final WeightBoundedLoaderCache< Integer, byte[] > cache = new WeightBoundedLoaderCache<>( 5000, array -> array.length );

	private byte[] load( final Integer key )
	{
		loaded.incrementAndGet();
		return new byte[ 1000 ];
	}

	@Test
	void keepsNoMoreThanTheBound() throws Exception
	{
		final List< WeakReference< byte[] > > values = new ArrayList<>();
		for ( int i = 0; i < 100; ++i )
			values.add( new WeakReference<>( cache.get( i, this::load ) ) );
		assertEquals( 100, loaded.get() );
		assertLive( values, 5 );
	}

	@Test
	void keepsAsMuchAsTheBoundAllows() throws Exception
	{
		for ( int i = 0; i < 5; ++i )
			cache.get( i, this::load );
		System.gc();
		for ( int i = 0; i < 5; ++i )
			cache.get( i, this::load );
		assertEquals( 5, loaded.get() );
	}

	@Test
	void heavyValuesCountAsMuchAsTheyWeigh() throws Exception
	{
		final List< WeakReference< byte[] > > values = new ArrayList<>();
		for ( int i = 0; i < 20; ++i )
			values.add( new WeakReference<>( cache.get( i, key -> new byte[ 2400 ] ) ) );
		assertLive( values, 2 );
	}

	/**
	 * As cells of billions of pixels do; the values have next to none.
	 */
	@ParameterizedTest
	@ValueSource( longs = { 1L << 20, Integer.MAX_VALUE - 1L, Integer.MAX_VALUE, 1L << 31, ( 1L << 31 ) + 1, 3L << 30, 1L << 32, ( 1L << 32 ) + 1, 1L << 40, Long.MAX_VALUE / 8 } )
	void valuesOfAnyWeightCountAsMuchAsTheyWeigh( final long weight ) throws Exception
	{
		for ( int most = 0; most < 5; ++most )
			for ( final long more : new long[] { 0, weight / 2 } )
			{
				final WeightBoundedLoaderCache< Integer, byte[] > large = new WeightBoundedLoaderCache<>( most * weight + more, array -> weight );
				final List< WeakReference< byte[] > > values = new ArrayList<>();
				for ( int i = 0; i < 20; ++i )
					values.add( new WeakReference<>( large.get( i, key -> new byte[ 10 ] ) ) );
				assertLive( values, most );
			}
	}

	@Test
	void lightValuesCountAlsoWhereTheBoundIsLarge() throws Exception
	{
		final long bound = 1L << 42;
		final WeightBoundedLoaderCache< Integer, byte[] > large = new WeightBoundedLoaderCache<>( bound, array -> array.length == 1 ? 1 : bound );
		assertLive( Arrays.asList( new WeakReference<>( large.get( 1, key -> new byte[ 1 ] ) ), new WeakReference<>( large.get( 2, key -> new byte[ 2 ] ) ) ), 1 );
	}

	@Test
	void aValueThatWeighsNothingIsKept() throws Exception
	{
		for ( final long bound : new long[] { 0, 10, Long.MAX_VALUE } )
		{
			final WeightBoundedLoaderCache< Integer, byte[] > light = new WeightBoundedLoaderCache<>( bound, array -> 0 );
			light.get( 1, this::load );
			System.gc();
			final int before = loaded.get();
			light.get( 1, this::load );
			assertEquals( before, loaded.get() );
		}
	}

	@Test
	void valueAboveTheBoundIsFoundAsLongAsItIsHeld() throws Exception
	{
		final byte[] value = cache.get( 1, key -> new byte[ 10_000 ] );
		for ( int i = 0; i < 3; ++i )
		{
			System.gc();
			assertSame( value, cache.get( 1, this::load ) );
			assertSame( value, cache.getIfPresent( 1 ) );
		}
		assertEquals( 0, loaded.get() );
	}

	@Test
	void loadsOnceWhereManyThreadsAskAtOnce() throws Exception
	{
		final int threads = 8;
		final ExecutorService executor = Executors.newFixedThreadPool( threads );
		try
		{
			for ( int i = 0; i < 200; ++i )
			{
				final int key = i;
				final CyclicBarrier start = new CyclicBarrier( threads );
				final List< Future< byte[] > > values = new ArrayList<>();
				for ( int t = 0; t < threads; ++t )
					values.add( executor.submit( () -> {
						start.await();
						return cache.get( key, this::load );
					} ) );
				final byte[] first = values.get( 0 ).get();
				for ( final Future< byte[] > value : values )
					assertSame( first, value.get() );
				assertEquals( i + 1, loaded.get() );
			}
		}
		finally
		{
			executor.shutdownNow();
		}
	}

	@Test
	void evictionsAndKeptWeightAreCounted() throws Exception
	{
		for ( int i = 0; i < 7; ++i )
			cache.get( i, this::load );
		assertEquals( 2, cache.evictions() );
		assertEquals( 5000, cache.keptWeight() );
		cache.invalidate( 6 );
		assertEquals( 4000, cache.keptWeight() );
		cache.invalidateIf( key -> key > 3 );
		cache.get( 6, key -> new byte[ 200 ] );
		cache.invalidateAll();
		assertEquals( 2, cache.evictions() );
		assertEquals( 0, cache.keptWeight() );
		cache.get( 1, key -> new byte[ 10_000 ] );
		assertEquals( 3, cache.evictions() );
		final WeightBoundedLoaderCache< Integer, byte[] > large = new WeightBoundedLoaderCache<>( 1L << 40, array -> 1L << 38 );
		for ( int i = 0; i < 9; ++i )
			large.get( i, this::load );
		assertEquals( 5, large.evictions() );
		assertEquals( 4 * 0x1p38, large.keptWeight(), 1e-6 * 0x1p40 );
	}

	@Test
	void failureIsNotKept() throws Exception
	{
		final IOException failure = new IOException();
		assertSame( failure, assertThrows( ExecutionException.class, () -> cache.get( 1, key -> {
			throw failure;
		} ) ).getCause() );
		assertNull( cache.getIfPresent( 1 ) );
		assertEquals( 1000, cache.get( 1, this::load ).length );
	}

	@Test
	void invalidatedValueIsLoadedAgain() throws Exception
	{
		final byte[] first = cache.get( 1, this::load );
		final byte[] other = cache.get( 2, this::load );
		cache.invalidate( 1 );
		assertNull( cache.getIfPresent( 1 ) );
		assertNotSame( first, cache.get( 1, this::load ) );
		assertSame( other, cache.get( 2, this::load ) );
	}

	@Test
	void invalidateIfAndAllForgetWhatTheyShall() throws Exception
	{
		final byte[] one = cache.get( 1, this::load );
		final byte[] two = cache.get( 2, this::load );
		cache.invalidateIf( key -> key == 1 );
		assertNull( cache.getIfPresent( 1 ) );
		assertSame( two, cache.getIfPresent( 2 ) );
		assertNotSame( one, cache.get( 1, this::load ) );
		cache.invalidateAll();
		assertNull( cache.getIfPresent( 1 ) );
		assertNull( cache.getIfPresent( 2 ) );
	}

	@Test
	void invalidatedValueIsForgottenAlsoBeyondTheBound() throws Exception
	{
		final byte[] heavy = cache.get( 1, key -> new byte[ 10_000 ] );
		cache.invalidateAll();
		assertNotSame( heavy, cache.get( 1, this::load ) );
	}

	private static void assertLive( final List< WeakReference< byte[] > > values, final int most )
	{
		long live = values.size();
		for ( int i = 0; i < 50 && live > most; ++i )
		{
			System.gc();
			live = values.stream().filter( value -> value.get() != null ).count();
		}
		final long atLast = live;
		assertEquals( most, atLast, "values that are still there" );
	}
}
