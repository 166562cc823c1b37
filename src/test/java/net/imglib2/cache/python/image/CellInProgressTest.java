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
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import net.imglib2.cache.python.CyclicInputsTest;
import net.imglib2.cache.python.PythonCycleException;

/**
 * What is known of cells goes when they are there. What is found out about cycles is
 * in {@link CyclicInputsTest}.
 */
@Timeout( 60 )
class CellInProgressTest
{
	private final List< WeakReference< Object > > loaders = new ArrayList<>();

	@Test
	void nothingStaysOfCellsThatWereComputed() throws Exception
	{
		compute( 5, 0 );
		assertNothingStays();
	}

	@Test
	void nothingStaysOfCellsThatCouldNotBeComputed()
	{
		assertThrows( ExecutionException.class, () -> compute( 5, 1 ) );
		assertThrows( IllegalStateException.class, () -> compute( 5, 2 ) );
		assertNothingStays();
	}

	@Test
	void nothingStaysOfCellsThatWouldWaitForThemselves()
	{
		for ( int i = 1; i < 4; ++i )
		{
			final int length = i;
			assertThrows( PythonCycleException.class, () -> computeInCircle( newLoaders( length ), 0 ) );
		}
		assertNothingStays();
	}

	@Test
	void nothingStaysOfCellsThatSeveralThreadsHaveComputed() throws Exception
	{
		final List< Thread > threads = new ArrayList<>();
		final Object[] shared = newLoaders( 3 );
		for ( int i = 0; i < 4; ++i )
			threads.add( new Thread( () -> {
				for ( int k = 0; k < 1000; ++k )
					assertEquals( 7, computeAll( shared, 0 ) );
			} ) );
		threads.forEach( Thread::start );
		for ( final Thread thread : threads )
			thread.join();
		threads.clear();
		for ( int i = 0; i < shared.length; ++i )
			shared[ i ] = null;
		assertNothingStays();
	}

	private Object[] newLoaders( final int number )
	{
		final Object[] made = new Object[ number ];
		for ( int i = 0; i < number; ++i )
		{
			made[ i ] = new Object();
			loaders.add( new WeakReference<>( made[ i ] ) );
		}
		return made;
	}

	/**
	 * Computes a cell from others that are computed from others.
	 */
	private int compute( final int depth, final int failure ) throws ExecutionException
	{
		final Object loader = newLoaders( 1 )[ 0 ];
		return computeCell( loader, depth, failure );
	}

	private int computeCell( final Object loader, final int depth, final int failure ) throws ExecutionException
	{
		final CellInProgress cell = CellInProgress.begin( loader, depth );
		try
		{
			if ( depth > 0 )
				for ( int i = 0; i < 2; ++i )
				{
					final Object input = newLoaders( 1 )[ 0 ];
					cell.await( input, depth - 1, () -> computeCell( input, depth - 1, failure ) );
				}
			else if ( failure == 1 )
				throw new ExecutionException( new Exception() );
			else if ( failure == 2 )
				throw new IllegalStateException();
			return depth;
		}
		finally
		{
			cell.end();
		}
	}

	private static int computeAll( final Object[] chain, final int first )
	{
		final CellInProgress cell = CellInProgress.begin( chain[ first ], 0 );
		try
		{
			return first + 1 == chain.length ? 7 : cell.await( chain[ first + 1 ], 0, () -> computeAll( chain, first + 1 ) );
		}
		catch ( final ExecutionException e )
		{
			throw new AssertionError( e );
		}
		finally
		{
			cell.end();
		}
	}

	private static int computeInCircle( final Object[] circle, final int first ) throws ExecutionException
	{
		final CellInProgress cell = CellInProgress.begin( circle[ first ], 0 );
		try
		{
			final int next = ( first + 1 ) % circle.length;
			return cell.await( circle[ next ], 0, () -> computeInCircle( circle, next ) );
		}
		finally
		{
			cell.end();
		}
	}

	private void assertNothingStays()
	{
		assertNull( CellInProgress.ofThisThread() );
		while ( loaders.stream().anyMatch( loader -> loader.get() != null ) )
			System.gc();
	}
}
