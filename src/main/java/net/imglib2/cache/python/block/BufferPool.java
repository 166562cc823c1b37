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
package net.imglib2.cache.python.block;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.IntFunction;

/**
 * Keeps buffers for reuse, because allocating native memory takes long: it is filled
 * with zeros, page by page.
 * <p>
 * Buffers have sizes of quarters of powers of two; a lease is the beginning of one.
 * Thread-safe.
 */
public final class BufferPool
{
	private static final int MIN_SIZE = 4096;

	private final long maxBytes;

	private final IntFunction< ByteBuffer > allocate;

	private final Consumer< ByteBuffer > giveBack = this::giveBack;

	// The size that has not been used for longest comes first.
	private final Map< Integer, Deque< ByteBuffer > > free = new LinkedHashMap<>( 16, 0.75f, true );

	private long freeBytes;

	/**
	 * @param maxBytes
	 * 		how much is kept for reuse
	 * @param allocate
	 * 		makes a buffer of a size, in native byte order
	 */
	public BufferPool( final long maxBytes, final IntFunction< ByteBuffer > allocate )
	{
		this.maxBytes = maxBytes;
		this.allocate = allocate;
	}

	/**
	 * Takes a buffer out of the pool, or makes one.
	 *
	 * @param numBytes
	 * 		its size
	 * @return the buffer, with any content
	 */
	public Lease take( final int numBytes )
	{
		final int size = sizeClass( numBytes );
		ByteBuffer whole = null;
		synchronized ( this )
		{
			final Deque< ByteBuffer > sameSize = free.get( size );
			if ( sameSize != null && !sameSize.isEmpty() )
			{
				// The last one is the likeliest to be in the processor's cache.
				whole = sameSize.removeLast();
				freeBytes -= size;
			}
		}
		return new Lease( whole != null ? whole : allocate.apply( size ), numBytes, giveBack );
	}

	/**
	 * @return bytes that are kept for reuse
	 */
	public synchronized long freeBytes()
	{
		return freeBytes;
	}

	/**
	 * Drops what is kept for reuse.
	 */
	public synchronized void clear()
	{
		free.clear();
		freeBytes = 0;
	}

	private synchronized void giveBack( final ByteBuffer whole )
	{
		final int size = whole.capacity();
		if ( size > maxBytes )
			return;
		while ( freeBytes + size > maxBytes )
			dropOne();
		free.computeIfAbsent( size, key -> new ArrayDeque<>() ).addLast( whole );
		freeBytes += size;
	}

	private void dropOne()
	{
		final Iterator< Deque< ByteBuffer > > sizes = free.values().iterator();
		final ByteBuffer dropped = sizes.next().pollFirst();
		if ( dropped == null )
			sizes.remove();
		else
			freeBytes -= dropped.capacity();
	}

	private static int sizeClass( final int numBytes )
	{
		if ( numBytes <= MIN_SIZE )
			return MIN_SIZE;
		final int highest = Integer.highestOneBit( numBytes );
		// Steps of a quarter of a power of two waste at most a quarter.
		final int step = Math.max( highest >> 2, 1 );
		final long rounded = ( numBytes + ( long ) step - 1 ) / step * step;
		return ( int ) Math.min( rounded, Integer.MAX_VALUE );
	}
}
