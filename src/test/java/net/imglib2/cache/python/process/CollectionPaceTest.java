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

import static net.imglib2.cache.python.process.CollectionPace.MIN_USED;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.Test;

class CollectionPaceTest
{
	private static final long SECOND = TimeUnit.SECONDS.toNanos( 1 );

	private static final long GIB = 1 << 30;

	@Test
	void waitsUntilTwiceAsMuchIsInUse()
	{
		assertFalse( CollectionPace.isWorthIt( MIN_USED - 1, 0 ) );
		assertTrue( CollectionPace.isWorthIt( MIN_USED, 0 ) );
		assertFalse( CollectionPace.isWorthIt( 4 * GIB - 1, 2 * GIB ) );
		assertTrue( CollectionPace.isWorthIt( 4 * GIB, 2 * GIB ) );
	}

	@Test
	void collectionsTakeATwentiethOfTheTimeAndLongOnesLess()
	{
		requireInterval( 0.2, afterCollections( 10 ) );
		requireInterval( 1, afterCollections( 50 ) );
		requireInterval( 4, afterCollections( 100 ) );
		requireInterval( 400, afterCollections( 1000 ) );
	}

	@Test
	void thoseThatTookLongByChanceDoNotCount()
	{
		requireInterval( 0.2, afterCollections( 10, 1000 ) );
		requireInterval( 0.2, afterCollections( 1000, 10 ) );
		requireInterval( 0.2, afterCollections( 10, 1000, 1000, 1000 ) );
		requireInterval( 400, afterCollections( 10, 1000, 1000, 1000, 1000 ) );
	}

	@Test
	void firstCollectionIsExpectedToTakeLongerInALargeHeap()
	{
		final CollectionPace pace = new CollectionPace( -5 * SECOND );
		assertTrue( pace.allows( 0, GIB / 10 ) );
		assertFalse( pace.allows( 0, GIB ) );
	}

	/**
	 * @return as it is after collections of so many milliseconds, the last of which ended at 0
	 */
	private static CollectionPace afterCollections( final int... millis )
	{
		final CollectionPace pace = new CollectionPace( -1000 * SECOND );
		for ( final int duration : millis )
			pace.collected( -TimeUnit.MILLISECONDS.toNanos( duration ), 0 );
		return pace;
	}

	private static void requireInterval( final double seconds, final CollectionPace pace )
	{
		assertFalse( pace.allows( ( long ) ( 0.999 * seconds * SECOND ), 0 ) );
		assertTrue( pace.allows( ( long ) ( 1.001 * seconds * SECOND ), 0 ) );
	}
}
