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

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Random;

import org.junit.jupiter.api.Test;

import net.imglib2.cache.python.process.Regions.Region;

class RegionsTest
{
	private static final long PAGE = Regions.size( 1 );

	private final Regions free = new Regions();

	@Test
	void sizesArePages()
	{
		assertEquals( PAGE, Regions.size( 0 ) );
		assertEquals( PAGE, Regions.size( PAGE ) );
		assertEquals( 2 * PAGE, Regions.size( PAGE + 1 ) );
		assertEquals( 1L << 31, Regions.size( Integer.MAX_VALUE ) );
	}

	@Test
	void smallestThatIsLargeEnoughIsTaken()
	{
		give( 0, 8 );
		give( 10, 3 );
		give( 20, 5 );
		assertEquals( 10 * PAGE, free.take( 2 * PAGE ).start() );
		assertEquals( 20 * PAGE, free.take( 4 * PAGE ).start() );
		assertEquals( 12 * PAGE, free.take( PAGE ).start() );
		assertNull( free.take( 9 * PAGE ) );
		assertEquals( 9 * PAGE, free.freeBytes() );
	}

	@Test
	void neighboursAreJoined()
	{
		give( 62, 1 );
		give( 64, 1 );
		assertNull( free.take( 2 * PAGE ) );
		assertEquals( PAGE, free.freeBefore( 65 * PAGE ) );
		assertEquals( 0, free.freeBefore( 64 * PAGE ) );
		give( 63, 1 );
		assertEquals( 3 * PAGE, free.freeBefore( 65 * PAGE ) );
		assertEquals( 62 * PAGE, free.take( 3 * PAGE ).start() );
		assertEquals( 0, free.freeBefore( 65 * PAGE ) );
	}

	/**
	 * Against a map of pages.
	 */
	@Test
	void noPageIsTakenTwiceOrLost()
	{
		give( 0, 128 );
		final Random random = new Random( 5 );
		final List< Region > taken = new ArrayList<>();
		final BitSet used = new BitSet();
		for ( int i = 0; i < 20_000; ++i )
		{
			final long size = PAGE * ( 1 + random.nextInt( 12 ) );
			final Region region = random.nextInt( 5 ) < 3 ? free.take( size ) : null;
			if ( region != null )
			{
				assertEquals( size, region.length() );
				assertTrue( region.start() >= 0 && region.end() <= 128 * PAGE );
				assertTrue( used.get( page( region.start() ), page( region.end() ) ).isEmpty() );
				used.set( page( region.start() ), page( region.end() ) );
				taken.add( region );
			}
			else if ( !taken.isEmpty() )
			{
				final Region given = taken.remove( random.nextInt( taken.size() ) );
				used.clear( page( given.start() ), page( given.end() ) );
				free.give( given );
			}
			assertEquals( 128 * PAGE, free.freeBytes() + PAGE * used.cardinality() );
		}
		taken.forEach( free::give );
		assertNotNull( free.take( 128 * PAGE ) );
		assertEquals( 0, free.freeBytes() );
	}

	@Test
	void segmentKnowsWhatIsStillZero()
	{
		final Segment segment = new Segment( null, PAGE, 64 * PAGE );
		assertEquals( PAGE, segment.use( PAGE, 3 * PAGE ) );
		assertEquals( 3 * PAGE, segment.use( 2 * PAGE, 5 * PAGE ) );
		assertEquals( 10 * PAGE, segment.use( 10 * PAGE, 11 * PAGE ) );
		// Nobody has had the pages between, but it does not know that.
		assertEquals( 8 * PAGE, segment.use( 6 * PAGE, 8 * PAGE ) );
	}

	private void give( final long page, final long numPages )
	{
		free.give( new Region( page * PAGE, ( page + numPages ) * PAGE ) );
	}

	private static int page( final long position )
	{
		return ( int ) ( position / PAGE );
	}
}
