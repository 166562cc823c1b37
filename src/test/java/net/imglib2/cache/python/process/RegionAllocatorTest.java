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

import static net.imglib2.cache.python.process.TestArenas.MIB;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.ByteBuffer;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicReference;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import net.imglib2.cache.python.NativeMemoryException;
import net.imglib2.cache.python.process.Regions.Region;

/**
 * When the shared memory is full.
 */
@Timeout( 60 )
class RegionAllocatorTest
{
	private static final int LIMIT = ( int ) ( 4 * MIB );

	private RegionAllocator regions;

	private final AtomicReference< ByteBuffer > cell = new AtomicReference<>();

	private final FutureTask< Region > second = new FutureTask<>( () -> regions.take( LIMIT, false ) );

	private final Thread secondThread = new Thread( second, "second" );

	private int collections;

	/**
	 * Two threads find the memory full. What is dropped after all collections of the first
	 * one, the second one has to find.
	 */
	@Test
	void whoWaitsForTheCollectionsOfOthersCollectsBeforeItGivesUp() throws Exception
	{
		final ArenaFile file = ArenaFile.create( TestArenas.memoryFile(), LIMIT );
		final Mappings mappings = new Mappings();
		regions = new RegionAllocator( file, LIMIT, mappings, this::beforeCollection, new CollectionPace( System.nanoTime() ) );
		final Region region = regions.take( LIMIT, false );
		cell.set( file.map( region.start(), LIMIT ) );
		mappings.add( cell.get(), region, true );
		assertThrows( NativeMemoryException.class, () -> regions.take( LIMIT, false ) );
		assertEquals( region.start(), second.get().start() );
		assertEquals( 3, collections );
	}

	private void beforeCollection()
	{
		if ( ++collections == 1 )
		{
			secondThread.start();
			while ( secondThread.getState() != Thread.State.BLOCKED )
				Thread.yield();
		}
		else if ( Thread.currentThread() == secondThread )
			cell.set( null );
	}
}
