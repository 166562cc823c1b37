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

import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.util.function.IntFunction;

import net.imglib2.cache.python.NativeMemoryException;
import net.imglib2.cache.python.block.BufferPool;
import net.imglib2.cache.python.block.Lease;

/**
 * Shared memory for as long as a block is computed: inputs, and outputs that are copied.
 * What is given back is kept for reuse. Thread-safe.
 */
final class SharedLeases
{
	/**
	 * Smaller leases share a mapping.
	 */
	private static final int MIN_OWN_MAPPING = 1 << 16;

	private static final int SLAB = 1 << 18;

	/**
	 * What is kept for reuse is at most this or a quarter of the limit.
	 */
	private static final long MAX_FREE = 256L << 20;

	private final IntFunction< ByteBuffer > map;

	private final BufferPool pool;

	private final Object slabLock = new Object();

	private ByteBuffer slab;

	/**
	 * @param limit
	 * 		of all shared memory, in bytes
	 * @param map
	 * 		makes a mapping of a size; may call {@link #clear()}
	 */
	SharedLeases( final long limit, final IntFunction< ByteBuffer > map )
	{
		this.map = map;
		pool = new BufferPool( Math.min( MAX_FREE, limit / 4 ), this::allocate );
	}

	Lease take( final int numBytes )
	{
		return pool.take( numBytes );
	}

	/**
	 * @return bytes that are kept for reuse
	 */
	long freeBytes()
	{
		return pool.freeBytes();
	}

	/**
	 * Drops what is kept for reuse.
	 */
	void clear()
	{
		pool.clear();
		synchronized ( slabLock )
		{
			slab = null;
		}
	}

	private ByteBuffer allocate( final int numBytes )
	{
		if ( numBytes < MIN_OWN_MAPPING )
			try
			{
				return partOfSlab( numBytes );
			}
			catch ( final NativeMemoryException e )
			{
				// There may be enough for one lease.
			}
		return map.apply( numBytes );
	}

	private ByteBuffer partOfSlab( final int numBytes )
	{
		synchronized ( slabLock )
		{
			if ( slab != null && slab.remaining() >= numBytes )
				return beginningOf( slab, numBytes );
		}
		// Never with the lock, which is needed to make room.
		final ByteBuffer fresh = map.apply( SLAB );
		final ByteBuffer part = beginningOf( fresh, numBytes );
		synchronized ( slabLock )
		{
			if ( slab == null || slab.remaining() < fresh.remaining() )
				slab = fresh;
		}
		return part;
	}

	/**
	 * Cuts a part off.
	 */
	private static ByteBuffer beginningOf( final ByteBuffer buffer, final int numBytes )
	{
		final ByteBuffer part = buffer.duplicate();
		( ( Buffer ) part ).limit( part.position() + numBytes );
		( ( Buffer ) buffer ).position( part.limit() );
		return part.slice().order( buffer.order() );
	}
}
