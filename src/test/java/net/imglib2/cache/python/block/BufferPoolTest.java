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

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

import org.junit.jupiter.api.Test;

class BufferPoolTest
{
	private final BufferPool pool = new BufferPool( 1 << 16, ByteBuffer::allocateDirect );

	@Test
	void bufferHasExactlyTheSizeAskedForInNativeOrder()
	{
		for ( final int size : new int[] { 0, 1, 4095, 4096, 4097, 5000, 1 << 20, ( 1 << 20 ) + 1 } )
		{
			final ByteBuffer buffer = pool.take( size ).buffer();
			assertEquals( size, buffer.capacity() );
			assertEquals( size, buffer.remaining() );
			assertTrue( buffer.isDirect() );
			assertEquals( ByteOrder.nativeOrder(), buffer.order() );
		}
	}

	@Test
	void releasedBufferIsReusedForSimilarSizes()
	{
		final Lease first = pool.take( 5000 );
		first.buffer().put( 0, ( byte ) 42 );
		first.release();
		assertEquals( 5120, pool.freeBytes() );
		final Lease second = pool.take( 5100 );
		assertEquals( 42, second.buffer().get( 0 ) );
		assertEquals( 0, pool.freeBytes() );
	}

	@Test
	void bufferInUseIsNotHandedOutAgain()
	{
		final Lease first = pool.take( 100 );
		final Lease second = pool.take( 100 );
		first.buffer().put( 0, ( byte ) 1 );
		second.buffer().put( 0, ( byte ) 2 );
		assertEquals( 1, first.buffer().get( 0 ) );
	}

	@Test
	void releasingTwiceIsReleasingOnce()
	{
		final Lease lease = pool.take( 100 );
		lease.release();
		lease.release();
		assertEquals( 4096, pool.freeBytes() );
		final Lease a = pool.take( 100 );
		final Lease b = pool.take( 100 );
		a.buffer().put( 0, ( byte ) 1 );
		b.buffer().put( 0, ( byte ) 2 );
		assertEquals( 1, a.buffer().get( 0 ) );
	}

	@Test
	void noMoreThanTheBoundIsKept()
	{
		final Lease[] leases = new Lease[ 40 ];
		for ( int i = 0; i < leases.length; ++i )
			leases[ i ] = pool.take( 4096 );
		for ( final Lease lease : leases )
			lease.release();
		assertEquals( 1 << 16, pool.freeBytes() );
		pool.take( 1 << 17 ).release();
		assertEquals( 1 << 16, pool.freeBytes() );
	}

	@Test
	void sizesThatAreNoLongerUsedMakeRoomForOthers()
	{
		final Lease[] leases = new Lease[ 16 ];
		for ( int i = 0; i < leases.length; ++i )
			leases[ i ] = pool.take( 4096 );
		for ( final Lease lease : leases )
			lease.release();
		final Lease other = pool.take( 10_000 );
		other.buffer().put( 0, ( byte ) 42 );
		other.release();
		assertTrue( pool.freeBytes() <= 1 << 16 );
		assertEquals( 42, pool.take( 10_000 ).buffer().get( 0 ) );
	}

	@Test
	void clearDropsEverything()
	{
		pool.take( 4096 ).release();
		pool.clear();
		assertEquals( 0, pool.freeBytes() );
		pool.take( 4096 ).release();
		assertEquals( 4096, pool.freeBytes() );
	}

	@Test
	void wasteIsAtMostAQuarter()
	{
		final BufferPool large = new BufferPool( 1 << 24, ByteBuffer::allocateDirect );
		for ( int size = 4097; size < 1 << 20; size += 997 )
		{
			large.take( size ).release();
			assertTrue( large.freeBytes() >= size && large.freeBytes() <= size * 1.25 + 1, size + " in " + large.freeBytes() );
			large.clear();
		}
	}

	@Test
	void clearedBufferIsZero()
	{
		for ( final int size : new int[] { 1, 4096, 1 << 14, 50_000 } )
		{
			final Lease lease = pool.take( size );
			final ByteBuffer buffer = lease.buffer();
			for ( int i = 0; i < size; ++i )
				buffer.put( i, ( byte ) -1 );
			lease.clear();
			for ( int i = 0; i < size; ++i )
				assertEquals( 0, buffer.get( i ) );
		}
	}
}
