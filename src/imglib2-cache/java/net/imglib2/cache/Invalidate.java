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
 * Removes entries from a cache: one, some, or all.
 * <p>
 * The next {@code get} of a key that was removed loads it again, even if
 * somebody still uses the old value. The old value itself is not changed. No
 * other thread may {@code get} an affected key at the same time: it might see
 * the old value, and the cache might keep it.
 *
 * @param <K>
 *            key type
 */
public interface Invalidate< K >
{
	/**
	 * The {@code parallelismThreshold} of the methods without this parameter.
	 */
	long defaultParallelismThreshold = 5000;

	/**
	 * Removes the entry of {@code key}, if there is one.
	 *
	 * @param key
	 *            which entry
	 */
	void invalidate( K key );

	/**
	 * Removes the entries whose keys fulfil {@code condition}.
	 *
	 * @param parallelismThreshold
	 *            from this number of entries on, several threads may share the
	 *            work and call {@code condition}
	 * @param condition
	 *            {@code true} for the keys to remove
	 */
	void invalidateIf( long parallelismThreshold, Predicate< K > condition );

	/**
	 * Removes all entries.
	 *
	 * @param parallelismThreshold
	 *            from this number of entries on, several threads may share the
	 *            work
	 */
	void invalidateAll( long parallelismThreshold );

	/**
	 * Removes the entries whose keys fulfil {@code condition}.
	 *
	 * @param condition
	 *            {@code true} for the keys to remove
	 * @see #invalidateIf(long, Predicate)
	 */
	default void invalidateIf( final Predicate< K > condition )
	{
		invalidateIf( defaultParallelismThreshold, condition );
	}

	/**
	 * Removes all entries.
	 *
	 * @see #invalidateAll(long)
	 */
	default void invalidateAll()
	{
		invalidateAll( defaultParallelismThreshold );
	}
}
