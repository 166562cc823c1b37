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

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.function.Predicate;

import org.junit.jupiter.api.Test;

import net.imglib2.cache.AbstractCache;
import net.imglib2.cache.Cache;
import net.imglib2.cache.CacheLoader;
import net.imglib2.cache.LoaderCache;
import net.imglib2.cache.UncheckedCache;
import net.imglib2.cache.ref.SoftRefLoaderCache;

class CacheAdaptersTest
{
	/**
	 * A cell of one of several images that share a cache.
	 */
	record Key( String image, long cell )
	{
		static KeyBimap< Long, Key > of( final String image )
		{
			return KeyBimap.build( cell -> new Key( image, cell ), key -> key.image.equals( image ) ? key.cell : null );
		}
	}

	private final List< Object > loaded = new ArrayList<>();

	private final LoaderCache< Key, String > shared = new SoftRefLoaderCache<>();

	private final CacheLoader< Object, String > loader = key -> {
		loaded.add( key );
		return "value of " + key;
	};

	// -- withLoader --

	@Test
	void withLoaderLoadsMissingValues() throws Exception
	{
		final LoaderCache< Object, String > cache = new SoftRefLoaderCache<>();
		final Cache< Object, String > withLoader = cache.withLoader( loader );

		assertNull( withLoader.getIfPresent( 1 ) );
		final String value = withLoader.get( 1 );
		assertEquals( "value of 1", value );
		assertSame( value, withLoader.get( 1 ) );
		assertSame( value, withLoader.getIfPresent( 1 ) );
		assertSame( value, cache.getIfPresent( 1 ) );
		assertEquals( List.of( 1 ), loaded );
	}

	@Test
	void withLoaderThrowsExecutionException()
	{
		final IOException failure = new IOException();
		final Cache< Object, String > cache = new SoftRefLoaderCache< Object, String >().withLoader( key -> {
			throw failure;
		} );

		assertSame( failure, assertThrows( ExecutionException.class, () -> cache.get( 1 ) ).getCause() );
	}

	@Test
	void withLoaderForwardsTheOtherMethods()
	{
		final Recorder recorder = new Recorder();
		assertForwards( recorder, recorder.withLoader( key -> "" ) );
	}

	// -- unchecked --

	@Test
	void uncheckedLoadsMissingValues()
	{
		final UncheckedCache< Object, String > cache = new SoftRefLoaderCache< Object, String >().withLoader( loader ).unchecked();

		assertNull( cache.getIfPresent( 1 ) );
		assertSame( cache.get( 1 ), cache.getIfPresent( 1 ) );
	}

	@Test
	void uncheckedWrapsTheExecutionException()
	{
		for ( final Exception failure : List.of( new IOException(), new IllegalStateException() ) )
		{
			final UncheckedCache< Object, String > cache = new SoftRefLoaderCache< Object, String >().withLoader( key -> {
				throw failure;
			} ).unchecked();
			final RuntimeException e = assertThrows( RuntimeException.class, () -> cache.get( 1 ) );

			assertSame( RuntimeException.class, e.getClass() );
			assertSame( ExecutionException.class, e.getCause().getClass() );
			assertSame( failure, e.getCause().getCause() );
		}
	}

	@Test
	void uncheckedThrowsAnErrorAsItIs()
	{
		final Error failure = new StackOverflowError( "thrown by a test" );
		final UncheckedCache< Object, String > cache = new SoftRefLoaderCache< Object, String >().withLoader( key -> {
			throw failure;
		} ).unchecked();

		assertSame( failure, assertThrows( StackOverflowError.class, () -> cache.get( 1 ) ) );
	}

	@Test
	void uncheckedForwardsTheOtherMethods()
	{
		final Recorder recorder = new Recorder();
		assertForwards( recorder, recorder.withLoader( key -> "" ).unchecked() );
	}

	// -- mapKeys --

	@Test
	void loaderCacheWithMappedKeysLoadsByTheKeyOfTheView() throws Exception
	{
		final LoaderCache< Long, String > view = shared.mapKeys( Key.of( "a" ) );

		assertNull( view.getIfPresent( 7L ) );
		final String value = view.get( 7L, loader );
		assertEquals( List.of( 7L ), loaded );
		assertSame( value, view.get( 7L, loader ) );
		assertSame( value, view.getIfPresent( 7L ) );
		assertSame( value, shared.getIfPresent( new Key( "a", 7 ) ) );
		assertEquals( 1, loaded.size() );
	}

	@Test
	void cacheWithMappedKeysLoadsByTheKeyOfTheCache() throws Exception
	{
		final Cache< Key, String > cache = shared.withLoader( key -> loader.get( key ) );
		final Cache< Long, String > view = cache.mapKeys( Key.of( "a" ) );

		assertSame( view.get( 7L ), cache.get( new Key( "a", 7 ) ) );
		assertEquals( List.of( new Key( "a", 7 ) ), loaded );
	}

	@Test
	void mappedKeysKeepImagesThatShareACacheApart() throws Exception
	{
		final Cache< Long, String > a = shared.mapKeys( Key.of( "a" ) ).withLoader( key -> "a" + key );
		final Cache< Long, String > b = shared.mapKeys( Key.of( "b" ) ).withLoader( key -> "b" + key );

		assertEquals( "a1", a.get( 1L ) );
		assertEquals( "b1", b.get( 1L ) );
		assertEquals( "a1", a.get( 1L ) );
	}

	@Test
	void invalidateOnMappedKeysLeavesOtherViewsAlone() throws Exception
	{
		final LoaderCache< Long, String > a = shared.mapKeys( Key.of( "a" ) );
		final Cache< Long, String > b = shared.withLoader( key -> loader.get( key ) ).mapKeys( Key.of( "b" ) );
		for ( long cell = 0; cell < 10; cell++ )
		{
			a.get( cell, loader );
			b.get( cell );
		}

		a.invalidate( 0L );
		assertNull( a.getIfPresent( 0L ) );
		b.invalidateIf( cell -> cell < 5 );
		for ( long cell = 0; cell < 10; cell++ )
			assertEquals( cell < 5, b.getIfPresent( cell ) == null );
		a.invalidateIf( 1, cell -> cell < 8 );
		assertNull( a.getIfPresent( 7L ) );
		assertNotNull( a.getIfPresent( 8L ) );
		a.invalidateAll();
		for ( long cell = 0; cell < 10; cell++ )
		{
			assertNull( a.getIfPresent( cell ) );
			assertEquals( cell < 5, b.getIfPresent( cell ) == null );
		}
	}

	@Test
	void mappedKeysTranslateTheOtherMethods()
	{
		final Recorder recorder = new Recorder();
		final KeyBimap< String, Object > keymap = KeyBimap.build( key -> "target " + key, key -> key.equals( "k" ) ? "source" : null );
		for ( final AbstractCache< String, String > view : List.of( recorder.mapKeys( keymap ), recorder.withLoader( key -> "" ).mapKeys( keymap ) ) )
		{
			recorder.calls.clear();
			view.persist( "x" );
			view.persistIf( key -> key.equals( "source" ) );
			view.persistIf( key -> !key.equals( "source" ) );
			view.persistAll();
			view.invalidateAll( 3 );
			assertEquals( List.of( "persist target x", "persistIf true", "persistIf false", "persistIf true", "invalidateIf 3 true" ), recorder.calls );
		}
		final KeyBimap< String, Object > noSources = KeyBimap.build( key -> key, key -> null );
		recorder.calls.clear();
		recorder.mapKeys( noSources ).persistAll();
		recorder.mapKeys( noSources ).invalidateIf( key -> true );
		assertEquals( List.of( "persistIf false", "invalidateIf 5000 false" ), recorder.calls );
	}

	@Test
	void mappedKeysKeepTheExceptionsOfTheLoader()
	{
		final IOException failure = new IOException();
		final Cache< Long, String > view = shared.mapKeys( Key.of( "a" ) ).withLoader( key -> {
			throw failure;
		} );

		assertSame( failure, assertThrows( ExecutionException.class, () -> view.get( 1L ) ).getCause() );
	}

	// -- helpers --

	private static void assertForwards( final Recorder recorder, final AbstractCache< Object, String > cache )
	{
		cache.persist( "x" );
		cache.persistIf( key -> key.equals( "k" ) );
		cache.persistAll();
		cache.invalidate( "x" );
		cache.invalidateIf( 2, key -> key.equals( "k" ) );
		cache.invalidateIf( key -> !key.equals( "k" ) );
		cache.invalidateAll( 3 );
		cache.invalidateAll();
		assertEquals( List.of( "persist x", "persistIf true", "persistAll", "invalidate x", "invalidateIf 2 true", "invalidateIf 5000 false", "invalidateAll 3", "invalidateAll 5000" ), recorder.calls );
	}

	/**
	 * A cache that records the calls, and tests conditions on the key {@code "k"}.
	 */
	private static class Recorder implements LoaderCache< Object, String >
	{
		final List< String > calls = new ArrayList<>();

		@Override
		public String get( final Object key, final CacheLoader< ? super Object, ? extends String > loader )
		{
			throw new UnsupportedOperationException();
		}

		@Override
		public String getIfPresent( final Object key )
		{
			throw new UnsupportedOperationException();
		}

		@Override
		public void persist( final Object key )
		{
			calls.add( "persist " + key );
		}

		@Override
		public void persistIf( final Predicate< Object > condition )
		{
			calls.add( "persistIf " + condition.test( "k" ) );
		}

		@Override
		public void persistAll()
		{
			calls.add( "persistAll" );
		}

		@Override
		public void invalidate( final Object key )
		{
			calls.add( "invalidate " + key );
		}

		@Override
		public void invalidateIf( final long parallelismThreshold, final Predicate< Object > condition )
		{
			calls.add( "invalidateIf " + parallelismThreshold + " " + condition.test( "k" ) );
		}

		@Override
		public void invalidateAll( final long parallelismThreshold )
		{
			calls.add( "invalidateAll " + parallelismThreshold );
		}
	}
}
