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

import java.lang.ref.ReferenceQueue;
import java.lang.ref.SoftReference;
import java.lang.ref.WeakReference;

/**
 * A reference to a cached value that also holds the key, so that the entry can be
 * removed when the value has been garbage collected.
 *
 * @param <K>
 *            key type
 * @param <V>
 *            value type
 */
interface KeyedReference< K, V >
{
	/**
	 * Makes references of one strength.
	 */
	interface Factory< K, V >
	{
		KeyedReference< K, V > create( K key, V value, ReferenceQueue< V > collected );
	}

	K key();

	/**
	 * @return the value, or {@code null} if it has been collected
	 */
	V get();

	final class Soft< K, V > extends SoftReference< V > implements KeyedReference< K, V >
	{
		private final K key;

		Soft( final K key, final V value, final ReferenceQueue< V > collected )
		{
			super( value, collected );
			this.key = key;
		}

		@Override
		public K key()
		{
			return key;
		}
	}

	final class Weak< K, V > extends WeakReference< V > implements KeyedReference< K, V >
	{
		private final K key;

		Weak( final K key, final V value, final ReferenceQueue< V > collected )
		{
			super( value, collected );
			this.key = key;
		}

		@Override
		public K key()
		{
			return key;
		}
	}
}
