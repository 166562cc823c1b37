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
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.ref.WeakReference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

import org.junit.jupiter.api.Test;

import net.imglib2.cache.python.type.PixelType;
import net.imglib2.img.basictypeaccess.nio.BufferAccess;
import net.imglib2.img.basictypeaccess.nio.FloatBufferAccess;
import net.imglib2.type.numeric.real.FloatType;

class CellMemoryTest
{
	private final DirectMemory memory = new DirectMemory();

	@Test
	void bufferHasExactlyTheSizeAskedForInNativeOrderAndIsZero()
	{
		for ( final int size : new int[] { 1, 63, 64, 65, 4095, 4096, 5000, CellSlabs.MAX_CELL_BYTES, CellSlabs.MAX_CELL_BYTES + 1, 1 << 20 } )
			for ( int i = 0; i < 2 * CellSlabs.CELLS; ++i )
			{
				final ByteBuffer buffer = memory.cell( size ).buffer();
				assertEquals( size, buffer.capacity() );
				assertEquals( size, buffer.remaining() );
				assertTrue( buffer.isDirect() );
				assertEquals( ByteOrder.nativeOrder(), buffer.order() );
				for ( int at = 0; at < size; ++at )
				{
					assertEquals( 0, buffer.get( at ) );
					buffer.put( at, ( byte ) -1 );
				}
			}
	}

	@Test
	void smallCellsShareASlabAndKnowWhereTheyAreInIt()
	{
		final Set< ByteBuffer > slabs = Collections.newSetFromMap( new IdentityHashMap<>() );
		for ( int i = 0; i < 10 * CellSlabs.CELLS; ++i )
		{
			final CellMemory cell = memory.cell( 1000 );
			assertEquals( 0, cell.offset() % CellSlabs.ALIGNMENT );
			assertEquals( ByteOrder.nativeOrder(), cell.whole().order() );
			assertEquals( cell.whole().capacity(), cell.whole().remaining() );
			cell.buffer().putInt( 0, i );
			cell.buffer().put( 999, ( byte ) i );
			assertEquals( i, cell.whole().getInt( cell.offset() ) );
			assertEquals( ( byte ) i, cell.whole().get( cell.offset() + 999 ) );
			slabs.add( cell.whole() );
		}
		// The first one may have been in use.
		assertTrue( slabs.size() == 10 || slabs.size() == 11, () -> slabs.size() + " slabs" );
	}

	@Test
	void keptCellKeepsNoMoreThanItsShareOfMemoryTimesTheNumberOfCells()
	{
		for ( int size = 1; size <= CellSlabs.MAX_CELL_BYTES; size += 1 + size / 3 )
		{
			// The largest of those that share a slab.
			final int power = Math.max( CellSlabs.ALIGNMENT, Integer.highestOneBit( 2 * size - 1 ) );
			memory.cell( power );
			final CellMemory cell = memory.cell( size );
			assertTrue( cell.whole().capacity() <= CellSlabs.CELLS * power, size + " in " + cell.whole().capacity() );
		}
	}

	@Test
	void largeCellsHaveMemoryOfTheirOwn()
	{
		assertFalse( memory.cell( CellSlabs.MAX_CELL_BYTES + 1 ).isShared() );
		assertTrue( memory.cell( CellSlabs.MAX_CELL_BYTES ).isShared() );
		assertNotSame( memory.cell( 100 ).whole(), memory.cell( 10_000 ).whole() );
	}

	@Test
	void cellsOfManyThreadsDoNotOverlap() throws Exception
	{
		final int threads = 4;
		final ExecutorService executor = Executors.newFixedThreadPool( threads );
		try
		{
			final List< Future< List< ByteBuffer > > > futures = new ArrayList<>();
			for ( int t = 0; t < threads; ++t )
			{
				final int thread = t;
				futures.add( executor.submit( () -> {
					final List< ByteBuffer > cells = new ArrayList<>();
					for ( int i = 0; i < 5000; ++i )
					{
						final ByteBuffer cell = memory.cell( 8 + 8 * ( i % 30 ) ).buffer();
						for ( int at = 0; at < cell.capacity(); at += 8 )
							cell.putLong( at, 10_000 * thread + i );
						cells.add( cell );
					}
					return cells;
				} ) );
			}
			for ( int t = 0; t < threads; ++t )
			{
				final List< ByteBuffer > cells = futures.get( t ).get();
				for ( int i = 0; i < cells.size(); ++i )
					for ( int at = 0; at < cells.get( i ).capacity(); at += 8 )
						assertEquals( 10_000 * t + i, cells.get( i ).getLong( at ) );
			}
		}
		finally
		{
			executor.shutdownNow();
		}
	}

	@Test
	void slabIsGarbageWhenItsCellsAre()
	{
		final List< WeakReference< ByteBuffer > > slabs = new ArrayList<>();
		final CellMemory kept = memory.cell( 3000 );
		final ByteBuffer keptBuffer = kept.buffer();
		final WeakReference< ByteBuffer > keptSlab = new WeakReference<>( kept.whole() );
		for ( int i = 0; i < 100 * CellSlabs.CELLS; ++i )
			slabs.add( new WeakReference<>( memory.cell( 3000 ).whole() ) );
		keptBuffer.putInt( 0, 42 );
		long alive = slabs.size();
		for ( int i = 0; i < 100 && alive > 2 * CellSlabs.CELLS; ++i )
		{
			System.gc();
			alive = slabs.stream().filter( slab -> slab.get() != null ).count();
		}
		// One is filled, another one is the kept cell's.
		assertTrue( alive <= 2 * CellSlabs.CELLS, alive + " cells of slabs that are not garbage" );
		assertEquals( 42, keptBuffer.getInt( 0 ) );
		assertSame( kept.whole(), keptSlab.get() );
	}

	@Test
	void outputTellsWhereItIsInTheSlab()
	{
		final PixelType< FloatType > type = PixelType.of( new FloatType(), "image" );
		for ( int i = 0; i < 2 * CellSlabs.CELLS; ++i )
		{
			final CellOutput output = new CellOutput( type, new FloatBufferAccess( 1, true ), new long[] { 8, 5 }, memory );
			( ( ByteBuffer ) output.array().memory() ).putFloat( ( int ) output.array().offset() + 4 * 39, i );
			assertEquals( i, ( ( FloatBufferAccess ) output.access() ).getValue( 39 ) );
			assertTrue( ( ( BufferAccess< ? > ) output.access() ).isDirect() );
		}
		assertFalse( new CellOutput( type, new FloatBufferAccess( 1, true ), new long[] { 800, 50 }, memory ).array().isReused() );
	}
}
