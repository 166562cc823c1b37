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
package net.imglib2.cache.python.protocol;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;

import net.imglib2.cache.python.block.BlockArray;

/**
 * Which memories Python has in its table, and at which place: the Java side of
 * {@code protocol.MemoryTable}. To hand a memory over takes as long as all else that a
 * small block needs.
 */
final class MemoryTable
{
	/**
	 * The table keeps its memories from being freed, also when no memory is left: so
	 * many bytes at most, and this part of the limit.
	 */
	private static final long MAX_BYTES = 8 << 20;

	private static final int MAX_PART = 64;

	/**
	 * Larger memories are not worth it: to fill one takes much longer than to hand it
	 * over.
	 */
	private static final long MAX_MEMORY = 1 << 20;

	private static final int MAX_PLACES = 256;

	private final long maxBytes;

	private final long maxMemory;

	private final Map< Key, Entry > entries = new LinkedHashMap<>( 16, 0.75f, true );

	private final Deque< Integer > freePlaces = new ArrayDeque<>();

	private long bytes;

	private int numPlaces;

	/**
	 * @param limit
	 * 		how many bytes all pixels may have together
	 */
	MemoryTable( final long limit )
	{
		maxBytes = Math.min( MAX_BYTES, limit / MAX_PART );
		maxMemory = Math.min( MAX_MEMORY, maxBytes );
	}

	/**
	 * @param array
	 * 		an array of a block
	 * @return whether its memory is worth a place in the table
	 */
	boolean accepts( final BlockArray array )
	{
		return array.isReused() && array.memory().capacity() <= maxMemory;
	}

	/**
	 * @param memory
	 * 		a memory
	 * @param writable
	 * 		whether Python may write into it
	 * @param ticket
	 * 		ticket of the request: the memories that it uses are not removed
	 * @return its place, or -1 if it is not in the table
	 */
	int find( final ByteBuffer memory, final boolean writable, final long ticket )
	{
		final Entry entry = entries.get( new Key( memory, writable ) );
		if ( entry == null )
			return -1;
		entry.ticket = ticket;
		return entry.place;
	}

	/**
	 * Puts a memory into the table, in place of others if it is full.
	 *
	 * @param memory
	 * 		a memory that is not in the table
	 * @param writable
	 * 		whether Python may write into it
	 * @param ticket
	 * 		ticket of the request
	 * @return its place
	 */
	int add( final ByteBuffer memory, final boolean writable, final long ticket )
	{
		for ( final Iterator< Entry > eldest = entries.values().iterator(); eldest.hasNext() && ( bytes + memory.capacity() > maxBytes || entries.size() >= MAX_PLACES ); )
		{
			final Entry entry = eldest.next();
			if ( entry.ticket == ticket )
				break;
			eldest.remove();
			removed( entry );
		}
		final int place = freePlaces.isEmpty() ? numPlaces++ : freePlaces.pop();
		entries.put( new Key( memory, writable ), new Entry( memory, place, ticket ) );
		bytes += memory.capacity();
		return place;
	}

	/**
	 * Removes a memory, as Python has done.
	 */
	void remove( final ByteBuffer memory, final boolean writable )
	{
		final Entry entry = entries.remove( new Key( memory, writable ) );
		if ( entry != null )
			removed( entry );
	}

	/**
	 * Removes all memories, as Python will do.
	 */
	void clear()
	{
		entries.clear();
		freePlaces.clear();
		bytes = 0;
		numPlaces = 0;
	}

	private void removed( final Entry entry )
	{
		bytes -= entry.bytes;
		freePlaces.push( entry.place );
	}

	private static final class Entry
	{
		private final int bytes;

		private final int place;

		private long ticket;

		Entry( final ByteBuffer memory, final int place, final long ticket )
		{
			bytes = memory.capacity();
			this.place = place;
			this.ticket = ticket;
		}
	}

	private static final class Key
	{
		private final ByteBuffer memory;

		private final boolean writable;

		Key( final ByteBuffer memory, final boolean writable )
		{
			this.memory = memory;
			this.writable = writable;
		}

		@Override
		public int hashCode()
		{
			return 2 * System.identityHashCode( memory ) + ( writable ? 1 : 0 );
		}

		@Override
		public boolean equals( final Object other )
		{
			// Not equals() of the buffers, which compares their content.
			return other instanceof Key && ( ( Key ) other ).memory == memory && ( ( Key ) other ).writable == writable;
		}
	}
}
