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
package net.imglib2.cache.python.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import net.imglib2.RandomAccessibleInterval;
import net.imglib2.cache.img.CachedCellImg;
import net.imglib2.cache.python.PythonCacheLoaderQueue;
import net.imglib2.cache.python.PythonImg;
import net.imglib2.type.numeric.integer.IntType;

/**
 * An image does not keep those that are made of it, nor anything of them.
 */
@Timeout( 120 )
class DependentsTest
{
	@Test
	void dependentsThatAreCollectedAreForgotten()
	{
		try (final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue( 1 ))
		{
			final PythonImg< IntType > image = PythonImg.builder( "block.data[...] = k" ).parameter( "k", 1 ).dimensions( 6, 4 ).cellSize( 3, 2 ).type( new IntType() ).queue( queue ).build();
			for ( int i = 0; i < 20; ++i )
				assertEquals( 1, dependent( dependent( image, queue ), queue ).getAt( 1, 1 ).get() );
			while ( !dependentsOf( image ).isEmpty() )
				System.gc();
			final PythonImg< IntType > kept = dependent( image, queue );
			System.gc();
			assertFalse( dependentsOf( image ).isEmpty() );
			assertEquals( 1, kept.getAt( 1, 1 ).get() );
			image.parameter( "k", 2 );
			assertEquals( 2, kept.getAt( 1, 1 ).get() );
		}
	}

	private static PythonImg< IntType > dependent( final RandomAccessibleInterval< IntType > image, final PythonCacheLoaderQueue queue )
	{
		return PythonImg.builder( "block.data[...] = block.inputs[0]" ).input( image ).type( new IntType() ).queue( queue ).build();
	}

	private static Dependents dependentsOf( final CachedCellImg< ?, ? > image )
	{
		return ( ( CellCache< ? > ) ( Object ) image.getCache() ).reader().dependents();
	}
}
