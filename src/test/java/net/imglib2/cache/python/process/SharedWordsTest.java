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
package net.imglib2.cache.python.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.Function;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout( 120 )
class SharedWordsTest
{
	private static final int COUNT = 5;

	/**
	 * Each way is used by some version of Java.
	 */
	private static final List< Function< ByteBuffer, SharedWords > > WAYS = Arrays.asList( SharedWords.WithVarHandle::new, SharedWords.WithUnsafe::new );

	private final ByteBuffer memory = ByteBuffer.allocateDirect( COUNT * Long.BYTES ).order( ByteOrder.nativeOrder() );

	@Test
	void wordsAreWhereTheMemoryIs()
	{
		for ( final Function< ByteBuffer, SharedWords > way : WAYS )
		{
			final ByteBuffer part = ( ( ByteBuffer ) memory.duplicate().position( Long.BYTES ) ).slice().order( ByteOrder.nativeOrder() );
			final SharedWords words = way.apply( part );
			for ( int i = 0; i < COUNT - 1; ++i )
			{
				memory.putLong( ( i + 1 ) * Long.BYTES, i - 3L << 40 );
				assertEquals( i - 3L << 40, words.get( i ) );
				words.set( i, Long.MIN_VALUE + i );
				assertEquals( Long.MIN_VALUE + i, memory.getLong( ( i + 1 ) * Long.BYTES ) );
				for ( final Function< ByteBuffer, SharedWords > other : WAYS )
					assertEquals( Long.MIN_VALUE + i, other.apply( part ).get( i ) );
			}
			assertEquals( 0, memory.getLong( 0 ) );
		}
		assertInstanceOf( SharedWords.WithVarHandle.class, SharedWords.in( memory ) );
	}

	/**
	 * What another thread writes before a word is seen by whoever sees the word.
	 */
	@Test
	void aWordIsSeenAfterWhatWasWrittenBefore() throws InterruptedException
	{
		for ( final Function< ByteBuffer, SharedWords > way : WAYS )
		{
			final SharedWords words = way.apply( memory );
			words.set( 0, 0 );
			words.set( 1, 0 );
			final AtomicReference< String > wrong = new AtomicReference<>();
			final int trips = 2_000;
			final Thread other = new Thread( () -> {
				for ( int i = 1; i <= trips; ++i )
				{
					while ( words.get( 0 ) < i )
						Thread.yield();
					if ( memory.getLong( 2 * Long.BYTES ) != -i )
						wrong.set( "trip " + i + ": " + memory.getLong( 2 * Long.BYTES ) );
					words.set( 1, i );
				}
			} );
			other.start();
			for ( int i = 1; i <= trips; ++i )
			{
				memory.putLong( 2 * Long.BYTES, -i );
				words.set( 0, i );
				while ( words.get( 1 ) < i )
					Thread.yield();
			}
			other.join();
			assertEquals( null, wrong.get() );
		}
	}

	@Test
	void wordsBehindTheMemoryAreRefused()
	{
		final SharedWords words = new SharedWords.WithVarHandle( memory );
		assertThrows( IndexOutOfBoundsException.class, () -> words.get( COUNT ) );
		assertThrows( IndexOutOfBoundsException.class, () -> words.set( COUNT, 1 ) );
	}

	/**
	 * Wherever it ends: no error is hidden by another exception.
	 */
	@Test
	void aFullStackIsAStackOverflowError() throws InterruptedException
	{
		for ( final Function< ByteBuffer, SharedWords > way : WAYS )
		{
			final SharedWords words = way.apply( memory );
			for ( final Consumer< SharedWords > access : Arrays.< Consumer< SharedWords > >asList( one -> one.get( 0 ), one -> one.set( 0, 1 ) ) )
			{
				final AtomicReference< Throwable > other = new AtomicReference<>();
				final Thread thread = new Thread( null, () -> {
					for ( int i = 0; i < 200 && other.get() == null; ++i )
						try
						{
							recurse( words, access, i % 7 );
						}
						catch ( final StackOverflowError e )
						{
							// as expected
						}
						catch ( final Throwable t )
						{
							other.set( t );
						}
				}, "small stack", 1 << 18 );
				thread.start();
				thread.join();
				assertEquals( null, other.get() );
			}
		}
	}

	private static long recurse( final SharedWords words, final Consumer< SharedWords > access, final int offset )
	{
		// The frames of a call end at other places.
		if ( offset > 0 )
			return recurse( words, access, offset - 1 ) + 1;
		access.accept( words );
		return recurse( words, access, 0 ) + 2;
	}
}
