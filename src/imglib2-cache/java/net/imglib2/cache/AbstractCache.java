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
package net.imglib2.cache;

import java.util.function.Predicate;

/**
 * The methods that all caches have, however they load their values. Any thread may
 * call them; for the limits of the {@code invalidate} methods see
 * {@link Invalidate}.
 *
 * @param <K>
 *            key type
 * @param <V>
 *            value type
 */
public interface AbstractCache< K, V > extends Invalidate< K >
{
	/**
	 * Looks up a value. Never loads, and never waits for another thread that
	 * loads.
	 *
	 * @param key
	 *            which entry
	 * @return the value, or {@code null} if it is not (or not yet) in the cache
	 */
	V getIfPresent( K key );

	/**
	 * Writes the value of {@code key} to the store that the cache has for values
	 * that do not fit into memory. The caches here have no such store: they do
	 * nothing.
	 *
	 * @param key
	 *            which entry
	 */
	void persist( K key );

	/**
	 * Writes the values whose keys fulfil {@code condition}, see
	 * {@link #persist(Object)}.
	 *
	 * @param condition
	 *            {@code true} for the keys to write
	 */
	void persistIf( Predicate< K > condition );

	/**
	 * Writes all values, see {@link #persist(Object)}.
	 */
	void persistAll();
}
