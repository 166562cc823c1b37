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
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.LongBuffer;
import java.nio.ShortBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongConsumer;

import net.imglib2.cache.python.NativeMemoryException;
import net.imglib2.cache.python.block.BlockArray;
import net.imglib2.cache.python.block.Lease;

/**
 * Arrays that one process sees. Each has a number, and stays in reach until Python has
 * told that nobody sees it any more. Used by one thread at a time.
 */
final class Arguments
{
	private final SharedArena arena;

	private final Map< Long, Argument > seen = new HashMap<>();

	private final LongConsumer free = this::free;

	private long lastNumber;

	Arguments( final SharedArena arena )
	{
		this.arena = arena;
	}

	/**
	 * Makes arrays the arguments of the next call. What the process cannot see is copied.
	 *
	 * @throws NativeMemoryException
	 * 		if there is no memory for a copy; then none of them is an argument
	 */
	void put( final List< BlockArray > arrays, final Mailbox mailbox )
	{
		final long before = lastNumber;
		try
		{
			for ( int i = 0; i < arrays.size(); ++i )
				put( i, arrays.get( i ), mailbox );
		}
		catch ( final Throwable t )
		{
			// Python is never told of them, and cannot tell of them.
			for ( long number = before + 1; number <= lastNumber; ++number )
				free( number );
			throw t;
		}
	}

	private void put( final int i, final BlockArray array, final Mailbox mailbox )
	{
		final long number = ++lastNumber;
		Buffer memory = array.memory();
		Lease copy = null;
		final boolean own = array.isOutput() || array.lease() != null;
		if ( !own && !arena.isVisible( memory, array.owner() ) )
		{
			copy = copy( memory );
			memory = copy.buffer();
		}
		seen.put( number, new Argument( array, copy ) );
		// The memory of others is mapped read-only, so that no package can write into it.
		mailbox.putArgument( i, arena.spanOf( memory ), own, number );
	}

	/**
	 * Forgets what Python has told, with its last answer, that nobody sees any more.
	 */
	void free( final Mailbox mailbox )
	{
		mailbox.forEachFreed( free );
	}

	/**
	 * Nobody in the process sees an argument any more.
	 */
	void free( final long number )
	{
		final Argument freed = seen.remove( number );
		if ( freed != null && freed.copy != null )
			freed.copy.release();
	}

	/**
	 * The process is dead.
	 */
	void freeAll()
	{
		new ArrayList<>( seen.keySet() ).forEach( this::free );
	}

	/**
	 * Byte by byte: the layout says in which order the bytes are.
	 */
	private Lease copy( final Buffer memory )
	{
		final Lease lease = arena.lease( Math.toIntExact( memory.capacity() * ( long ) BytesPerEntry.of( memory ) ) );
		final ByteBuffer target = lease.buffer();
		if ( memory instanceof ByteBuffer )
			target.duplicate().put( whole( ( ( ByteBuffer ) memory ).duplicate() ) );
		else if ( memory instanceof ShortBuffer )
			target.order( ( ( ShortBuffer ) memory ).order() ).asShortBuffer().put( whole( ( ( ShortBuffer ) memory ).duplicate() ) );
		else if ( memory instanceof IntBuffer )
			target.order( ( ( IntBuffer ) memory ).order() ).asIntBuffer().put( whole( ( ( IntBuffer ) memory ).duplicate() ) );
		else if ( memory instanceof LongBuffer )
			target.order( ( ( LongBuffer ) memory ).order() ).asLongBuffer().put( whole( ( ( LongBuffer ) memory ).duplicate() ) );
		else if ( memory instanceof FloatBuffer )
			target.order( ( ( FloatBuffer ) memory ).order() ).asFloatBuffer().put( whole( ( ( FloatBuffer ) memory ).duplicate() ) );
		else
			target.order( ( ( DoubleBuffer ) memory ).order() ).asDoubleBuffer().put( whole( ( ( DoubleBuffer ) memory ).duplicate() ) );
		return lease;
	}

	private static < B extends Buffer > B whole( final B buffer )
	{
		( ( Buffer ) buffer ).clear();
		return buffer;
	}

	/**
	 * Keeps the memory of an argument in reach.
	 */
	private static final class Argument
	{
		@SuppressWarnings( "unused" )
		private final BlockArray array;

		private final Lease copy;

		Argument( final BlockArray array, final Lease copy )
		{
			this.array = array;
			this.copy = copy;
		}
	}
}
