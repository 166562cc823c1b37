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

import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;

/**
 * Decides whether garbage is collected although the shared memory may still grow. Mapped
 * memory does not count for the JVM, which would let a bounded cache leave gigabytes of
 * garbage behind: all of them new pages, which take longer to get than used ones, and
 * memory that other programs lack. But a collection stops all threads, the longer the
 * larger the heap is. So there are two conditions:
 * <ul>
 * <li>Twice as much is in use as there was after the last collection. A cache that is
 * being filled is seldom searched for garbage that it does not have, and large ones wait
 * until the limit is reached.
 * <li>The last collection was 20 times as long ago as a collection takes (the shortest of
 * the last four, because other programs may have slowed one down): all of them take
 * at most 5 % of the time. What takes longer than 50 ms, which a user sees, has to be as
 * much rarer: a collection of 10 ms may come after 0.2 s, one of 100 ms after 4 s, and one
 * of a second after 7 minutes.
 * </ul>
 * Not thread-safe.
 */
final class CollectionPace
{
	/**
	 * Less is not worth a collection.
	 */
	static final long MIN_USED = 256L << 20;

	private static final int INTERVAL = 20;

	private static final double LONG_NANOS = TimeUnit.MILLISECONDS.toNanos( 50 );

	/**
	 * How long the first collection may take; a guess.
	 */
	private static final double NANOS_PER_HEAP_BYTE = 0.5;

	private long end;

	/**
	 * How long the last collections took: in turns, 0 for none.
	 */
	private final long[] durations = new long[ 4 ];

	private int next;

	/**
	 * @param now
	 * 		as all times here in nanoseconds, see {@link System#nanoTime}
	 */
	CollectionPace( final long now )
	{
		end = now;
	}

	/**
	 * @param used
	 * 		how many bytes of shared memory are in use, garbage included
	 * @param lowest
	 * 		what this was at its lowest since the last collection
	 * @return whether much of it may be garbage
	 */
	static boolean isWorthIt( final long used, final long lowest )
	{
		return used >= Math.max( MIN_USED, 2 * lowest );
	}

	/**
	 * @param heap
	 * 		how many bytes of Java's heap are in use
	 * @return whether the last collection is long enough ago
	 */
	boolean allows( final long now, final long heap )
	{
		return now - end >= interval( heap );
	}

	private double interval( final long heap )
	{
		final double expected = LongStream.of( durations ).filter( duration -> duration > 0 ).min().orElse( ( long ) ( NANOS_PER_HEAP_BYTE * heap ) );
		return INTERVAL * expected * Math.max( 1, expected / LONG_NANOS );
	}

	/**
	 * Tells of a collection, for whatever reason it was, the waiting for its result
	 * included.
	 */
	void collected( final long from, final long to )
	{
		durations[ next ] = Math.max( 1, to - from );
		next = ( next + 1 ) % durations.length;
		end = to;
	}
}
