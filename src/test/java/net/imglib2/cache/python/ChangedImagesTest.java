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
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.logging.LogRecord;
import java.util.stream.Collectors;
import java.util.stream.LongStream;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import net.imglib2.FinalInterval;
import net.imglib2.RandomAccessibleInterval;
import net.imglib2.cache.python.image.CellReader;
import net.imglib2.type.numeric.integer.LongType;
import net.imglib2.view.Views;

/**
 * Images whose parameters and code change while others use them.
 */
@Timeout( 120 )
@Tag( "each-mode" )
class ChangedImagesTest
{
	private static final int SIZE = 40;

	private static final int CELL = 10;

	/**
	 * As a listener that lets the thread of the user interface paint, while that thread
	 * changes the image.
	 */
	@Test
	void aListenerMayWaitForWhoChangesTheImage()
	{
		final PythonImg< LongType > image = settings( PythonImg.builder( "block.data[...] = k" ) ).parameter( "k", 1 ).build();
		final AtomicBoolean isFirst = new AtomicBoolean( true );
		image.onInvalidate( cells -> {
			if ( isFirst.getAndSet( false ) )
				CompletableFuture.runAsync( () -> image.parameter( "k", 3 ) ).orTimeout( 20, TimeUnit.SECONDS ).join();
		} );
		try ( LogRecords log = new LogRecords( CellReader.class ) )
		{
			image.parameter( "k", 2 );
			assertEquals( Collections.emptyList(), log.records().stream().map( LogRecord::getThrown ).collect( Collectors.toList() ) );
		}
		requireAll( 3, image );
	}

	@Test
	void changesAtTheSameTimeAreAllInEffect() throws Exception
	{
		final int n = 4;
		final PythonImgBuilder< LongType > builder = settings( PythonImg.builder( "block.data[...] = a0 + 100 * (a1 + 100 * (a2 + 100 * a3))" ) );
		for ( int i = 0; i < n; ++i )
			builder.parameter( "a" + i, 0 );
		final PythonImg< LongType > image = builder.build();
		final ExecutorService threads = Executors.newFixedThreadPool( n );
		try
		{
			for ( int round = 1; round <= 20; ++round )
			{
				final List< Future< ? > > changes = new ArrayList<>();
				for ( int i = 0; i < n; ++i )
				{
					final String name = "a" + i;
					final int value = round;
					changes.add( threads.submit( () -> image.parameter( name, value ) ) );
				}
				for ( final Future< ? > change : changes )
					change.get();
				requireAll( round * 1010101L, image );
			}
		}
		finally
		{
			threads.shutdownNow();
		}
	}

	/**
	 * The value only grows, so that whoever has seen that a change has returned must not get
	 * less than its value, of the image itself or one that is made of it.
	 */
	@Test
	void oldPixelsAreNeverReadAfterTheChange() throws Exception
	{
		final PythonImg< LongType > image = settings( PythonImg.builder( "block.data[...] = k" ) ).parameter( "k", 0 ).build();
		final PythonImg< LongType > dependent = settings( PythonImg.builder( "block.data[...] = raw[block.halo]" ) ).input( "raw", image ).halo( 1 ).build();
		final PythonImg< LongType > ofAView = settings( PythonImg.builder( "if not (k % 7): raise ValueError\nblock.data[...] = raw" ) ).input( "raw", Views.permute( dependent, 0, 1 ) )
				.parameter( "k", 1 ).onErrorFill( new LongType( Long.MAX_VALUE ), error -> {} ).build();
		final List< RandomAccessibleInterval< LongType > > read = Arrays.asList( image, dependent, ofAView );
		final AtomicLong returned = new AtomicLong();
		final long end = 60;
		final ExecutorService threads = Executors.newCachedThreadPool();
		try
		{
			final List< Future< ? > > users = new ArrayList<>();
			for ( int i = 0; i < 6; ++i )
			{
				final RandomAccessibleInterval< LongType > its = read.get( i % read.size() );
				final int seed = i;
				users.add( threads.submit( () -> {
					for ( int step = seed; returned.get() < end; step += 7 )
					{
						final long atLeast = returned.get();
						final long value = its.getAt( step % SIZE, step / SIZE % SIZE ).get();
						assertTrue( value >= atLeast, () -> value + " after the change to " + atLeast + " has returned" );
					}
				} ) );
			}
			users.add( threads.submit( () -> {
				while ( returned.get() < end )
				{
					dependent.invalidate( FinalInterval.createMinSize( 3, 3, 10, 10 ) );
					ofAView.retryFailed();
					ofAView.compute();
				}
			} ) );
			users.add( threads.submit( () -> {
				for ( int k = 1; returned.get() < end; ++k )
				{
					dependent.prefetch( dependent );
					ofAView.parameter( "k", k );
				}
			} ) );
			for ( long k = 1; k <= end; ++k )
			{
				if ( k % 2 == 0 )
					image.parameter( "k", k );
				else
					image.code( "block.data[...] = " + k + " + 0 * k" );
				// The other form has the former value.
				if ( k % 2 == 0 )
					image.code( "block.data[...] = k" );
				returned.set( k );
			}
			for ( final Future< ? > user : users )
				user.get( 60, TimeUnit.SECONDS );
		}
		finally
		{
			returned.set( end );
			threads.shutdownNow();
		}
	}

	/**
	 * The builder is not told what the caller does with a value later.
	 */
	@Test
	void aListThatChangesLaterDoesNot()
	{
		final List< Object > values = new ArrayList<>( Arrays.asList( 1, 2 ) );
		final PythonImgBuilder< LongType > builder = settings( PythonImg.builder( "block.data[...] = len(values)" ) ).parameter( "values", values );
		values.add( 3 );
		requireAll( 2, builder.build() );
	}

	private static PythonImgBuilder< LongType > settings( final PythonImgBuilder< ? > builder )
	{
		return builder.dimensions( SIZE, SIZE ).cellSize( CELL ).type( new LongType() );
	}

	private static void requireAll( final long value, final PythonImg< LongType > image )
	{
		for ( final long position : LongStream.range( 0, SIZE / CELL ).map( i -> i * CELL ).toArray() )
			assertEquals( value, image.getAt( position, position ).get() );
	}
}
