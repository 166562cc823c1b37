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

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Random;
import java.util.Set;

import org.junit.jupiter.api.Test;

import net.imglib2.cache.python.block.BlockArray;
import net.imglib2.cache.python.block.CellMemory;
import net.imglib2.cache.python.block.Lease;
import net.imglib2.cache.python.type.Dtype;
import net.imglib2.cache.python.type.PixelType;
import net.imglib2.type.numeric.integer.UnsignedByteType;

class MemoryTableTest
{
	private static final int MIB = 1 << 20;

	private static final PixelType< UnsignedByteType > TYPE = PixelType.of( new UnsignedByteType(), "image" );

	private final MemoryTable table = new MemoryTable( Long.MAX_VALUE );

	@Test
	void memoriesAreFoundByIdentityAndUse()
	{
		final ByteBuffer first = ByteBuffer.allocate( 10 );
		final ByteBuffer equal = ByteBuffer.allocate( 10 );
		assertEquals( -1, table.find( first, true, 1 ) );
		final int place = table.add( first, true, 1 );
		assertEquals( place, table.find( first, true, 2 ) );
		assertEquals( -1, table.find( first, false, 2 ) );
		assertEquals( -1, table.find( equal, true, 2 ) );
		assertNotEquals( place, table.add( first, false, 2 ) );
	}

	@Test
	void contentDoesNotMatter()
	{
		final ByteBuffer memory = ByteBuffer.allocate( 10 );
		final int place = table.add( memory, false, 1 );
		memory.put( 3, ( byte ) 7 );
		memory.position( 5 );
		assertEquals( place, table.find( memory, false, 2 ) );
	}

	@Test
	void largeMemoriesAreNotAccepted()
	{
		assertTrue( table.accepts( input( MIB ) ) );
		assertFalse( table.accepts( input( MIB + 1 ) ) );
		// It would keep a large part of all memory from being freed.
		assertTrue( new MemoryTable( 64 * 1000 ).accepts( input( 1000 ) ) );
		assertFalse( new MemoryTable( 64 * 1000 ).accepts( input( 1001 ) ) );
	}

	@Test
	void memoryOfOneArrayOnlyIsNotAccepted()
	{
		final ByteBuffer memory = ByteBuffer.allocate( 10 );
		assertFalse( table.accepts( BlockArray.output( TYPE, CellMemory.of( memory ), new long[] { 10 } ) ) );
		assertFalse( table.accepts( BlockArray.of( memory, Dtype.UINT8, new long[] { 10 }, this ) ) );
		assertTrue( table.accepts( BlockArray.output( TYPE, CellMemory.partOf( memory, 2, 8 ), new long[] { 8 } ) ) );
	}

	private static BlockArray input( final int numBytes )
	{
		return BlockArray.input( TYPE, new Lease( ByteBuffer.allocate( numBytes ), numBytes, whole -> {} ), new long[] { numBytes } );
	}

	@Test
	void placesOfRemovedMemoriesAreUsedAgain()
	{
		final ByteBuffer memory = ByteBuffer.allocate( 10 );
		final int place = table.add( memory, true, 1 );
		table.remove( memory, false );
		assertEquals( place, table.find( memory, true, 1 ) );
		table.remove( memory, true );
		table.remove( memory, true );
		assertEquals( -1, table.find( memory, true, 1 ) );
		assertEquals( place, table.add( ByteBuffer.allocate( 10 ), true, 2 ) );
	}

	@Test
	void theTableIsBoundedAndForgetsWhatWasUsedLongestAgo()
	{
		final ByteBuffer often = ByteBuffer.allocate( MIB );
		table.add( often, true, 0 );
		final Map< ByteBuffer, Integer > places = new HashMap<>();
		ByteBuffer second = null;
		for ( int i = 1; i <= 100; ++i )
		{
			final ByteBuffer memory = ByteBuffer.allocate( MIB );
			second = second == null ? memory : second;
			places.put( memory, table.add( memory, true, i ) );
			assertTrue( table.find( often, true, i ) >= 0 );
		}
		assertEquals( -1, table.find( second, true, 101 ) );
		assertTrue( new HashSet<>( places.values() ).size() <= 8, places.values().toString() );
	}

	@Test
	void whatARequestNeedsStays()
	{
		final Set< Integer > places = new HashSet<>();
		// More than the bound.
		for ( int i = 0; i < 20; ++i )
			assertTrue( places.add( table.add( ByteBuffer.allocate( MIB ), true, 1 ) ) );
		assertTrue( table.add( ByteBuffer.allocate( MIB ), true, 2 ) < 20 );
	}

	@Test
	void everyMemoryHasAPlaceOfItsOwn()
	{
		final Random random = new Random( 1 );
		final ByteBuffer[] memories = new ByteBuffer[ 2000 ];
		for ( int i = 0; i < memories.length; ++i )
			memories[ i ] = ByteBuffer.allocate( random.nextInt( 10_000 ) );
		final Map< Integer, String > atPlace = new HashMap<>();
		for ( int request = 0; request < 100_000; ++request )
		{
			final int i = random.nextInt( memories.length );
			final boolean writable = random.nextBoolean();
			final String name = i + " " + writable;
			if ( random.nextInt( 10 ) == 0 )
				table.remove( memories[ i ], writable );
			else
			{
				int place = table.find( memories[ i ], writable, request );
				if ( place < 0 )
				{
					place = table.add( memories[ i ], writable, request );
					atPlace.put( place, name );
				}
				// As Python sees it: the last one that was put there.
				assertEquals( name, atPlace.get( place ) );
			}
		}
	}
}
