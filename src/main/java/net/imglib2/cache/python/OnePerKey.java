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

import java.lang.ref.WeakReference;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.Supplier;

/**
 * Objects that are made once for each key, as long as anybody else keeps them. Only threads
 * that ask for the same one wait while it is made. Thread-safe.
 *
 * @param <K>
 * 		type of the keys
 * @param <V>
 * 		type of the objects
 */
final class OnePerKey< K, V >
{
	private final Map< K, Entry< V > > entries = new HashMap<>();

	private final Predicate< ? super V > isUsable;

	private final Function< ? super K, String > describe;

	/**
	 * @param isUsable
	 * 		whether an object that was made earlier still is what its key stands for
	 * @param describe
	 * 		what messages call the object of a key
	 */
	OnePerKey( final Predicate< ? super V > isUsable, final Function< ? super K, String > describe )
	{
		this.isUsable = isUsable;
		this.describe = describe;
	}

	/**
	 * @param maker
	 * 		makes the object if there is none that is usable
	 * @return the object
	 * @throws PythonInterruptedException
	 * 		if this thread is interrupted while another one makes the object
	 */
	V get( final K key, final Supplier< ? extends V > maker )
	{
		final Entry< V > entry;
		synchronized ( entries )
		{
			entries.values().removeIf( Entry::isDead );
			entry = entries.computeIfAbsent( key, k -> new Entry<>() );
			++entry.users;
		}
		try
		{
			final V present = usableOf( entry );
			return present != null ? present : make( key, entry, maker );
		}
		finally
		{
			synchronized ( entries )
			{
				--entry.users;
			}
		}
	}

	private V make( final K key, final Entry< V > entry, final Supplier< ? extends V > maker )
	{
		try
		{
			if ( !entry.making.tryLock() )
				entry.making.lockInterruptibly();
		}
		catch ( final InterruptedException e )
		{
			Thread.currentThread().interrupt();
			throw new PythonInterruptedException( "Interrupted while another thread opened " + describe.apply( key ), e );
		}
		try
		{
			final V present = usableOf( entry );
			if ( present != null )
				return present;
			final V made = maker.get();
			entry.reference = new WeakReference<>( made );
			return made;
		}
		finally
		{
			entry.making.unlock();
		}
	}

	private V usableOf( final Entry< V > entry )
	{
		final V value = entry.reference.get();
		return value != null && isUsable.test( value ) ? value : null;
	}

	private static final class Entry< V >
	{
		private final ReentrantLock making = new ReentrantLock();

		private volatile WeakReference< V > reference = new WeakReference<>( null );

		/**
		 * Threads that ask for the object now; guarded by the map.
		 */
		private int users;

		boolean isDead()
		{
			return users == 0 && reference.get() == null;
		}
	}
}
