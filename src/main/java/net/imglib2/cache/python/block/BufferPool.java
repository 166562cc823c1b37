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

import static java.nio.ByteOrder.nativeOrder;

import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Buffers for pixels that live as long as a block is computed. Allocating native
 * memory takes long: it is filled with zeros, page by page.
 * <p>
 * Buffers have sizes of quarters of powers of two; what is handed out is a slice of exactly
 * the size asked for. Thread-safe.
 */
public final class BufferPool
{
	/**
	 * What is kept for reuse, all queues of a JVM together, is at most this or a
	 * quarter of the JVM's limit for native memory.
	 */
	private static final long MAX_BYTES = 256L << 20;

	private static final int MIN_SIZE = 4096;

	private static final BufferPool INSTANCE = new BufferPool( Math.min( MAX_BYTES, NativeMemory.limit() / 4 ) );

	private final long maxBytes;

	// The size that has not been used for longest comes first.
	private final Map< Integer, Deque< ByteBuffer > > free = new LinkedHashMap<>( 16, 0.75f, true );

	private long freeBytes;

	BufferPool( final long maxBytes )
	{
		this.maxBytes = maxBytes;
	}

	/**
	 * @return the pool of this JVM
	 */
	public static BufferPool instance()
	{
		return INSTANCE;
	}

	/**
	 * Takes a buffer out of the pool, or makes one.
	 *
	 * @param numBytes
	 * 		its size
	 * @return the buffer
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
		return new Lease( whole != null ? whole : NativeMemory.allocate( size ), numBytes );
	}

	/**
	 * @return bytes that are kept for reuse
	 */
	synchronized long freeBytes()
	{
		return freeBytes;
	}

	/**
	 * Drops what is kept for reuse.
	 */
	synchronized void clear()
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

	/**
	 * A buffer that is in use.
	 */
	public final class Lease
	{
		private final ByteBuffer whole;

		private final ByteBuffer buffer;

		private boolean released;

		private Lease( final ByteBuffer whole, final int numBytes )
		{
			this.whole = whole;
			final ByteBuffer part = whole.duplicate();
			( ( Buffer ) part ).limit( numBytes );
			buffer = part.slice().order( nativeOrder() );
		}

		/**
		 * @return buffer of exactly the size asked for, in native byte order, with any
		 *         content
		 */
		public ByteBuffer buffer()
		{
			return buffer;
		}

		/**
		 * @return the memory that the buffer is the beginning of; another lease may get
		 *         the same later
		 */
		ByteBuffer whole()
		{
			return whole;
		}

		/**
		 * Gives the buffer back to the pool. Not to be called while anybody can still
		 * reach it. A buffer that is not given back is garbage like any other.
		 */
		public synchronized void release()
		{
			if ( !released )
			{
				released = true;
				giveBack( whole );
			}
		}
	}
}
