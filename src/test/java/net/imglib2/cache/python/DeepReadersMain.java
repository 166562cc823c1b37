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
package net.imglib2.cache.python;

import static net.imglib2.cache.python.WorkerProcessesMain.image;
import static net.imglib2.cache.python.WorkerProcessesMain.require;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

import net.imglib2.cache.img.CachedCellImg;
import net.imglib2.type.numeric.integer.IntType;

/**
 * Readers that have hardly any stack left, as recursive code has that goes too deep, and
 * others that read the same image meanwhile. Ends with an error if one of the others does
 * not get its pixels.
 */
final class DeepReadersMain
{
	private static final String CODE = "block.data[...] = 3 * block.index + np.arange(4)";

	private static final int CELLS = 1_000_000;

	private static final int SIZE = 4;

	private static final long NANOS = TimeUnit.SECONDS.toNanos( 3 );

	/**
	 * How far from the end of the stack there is something to read.
	 */
	private static final int LEVELS = 120;

	private static final AtomicInteger NEXT = new AtomicInteger();

	public static void main( final String[] args ) throws Exception
	{
		final AtomicInteger overflows = new AtomicInteger();
		try ( final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue( 2, "import numpy as np" ) )
		{
			final CachedCellImg< IntType, ? > image = image( queue, CODE, CELLS, SIZE );
			for ( int i = 0; i < 2000; ++i )
				read( image );
			final long end = System.nanoTime() + NANOS;
			final List< FutureTask< Void > > readers = new ArrayList<>();
			for ( int i = 0; i < 2; ++i )
				readers.add( start( () -> {
					while ( goesOn( end ) )
						read( image );
				} ) );
			readers.add( start( () -> {
				while ( goesOn( end ) )
					for ( int level = 0; level < LEVELS && goesOn( end ); ++level )
						if ( overflows( image, level ) )
							overflows.incrementAndGet();
			} ) );
			for ( final FutureTask< Void > reader : readers )
				reader.get( 60, TimeUnit.SECONDS );
			for ( int i = 0; i < 100; ++i )
				read( image );
		}
		require( "no reader went too deep", overflows.get() > 0 );
		System.out.println( "done" );
	}

	private static boolean goesOn( final long end )
	{
		return System.nanoTime() - end < 0 && NEXT.get() < CELLS - 1000;
	}

	/**
	 * @return whether the stack was too small to read
	 */
	private static boolean overflows( final CachedCellImg< IntType, ? > image, final int level )
	{
		final int[] left = { level };
		final boolean[] overflow = new boolean[ 1 ];
		descend( image, left, overflow );
		return overflow[ 0 ];
	}

	private static boolean descend( final CachedCellImg< IntType, ? > image, final int[] left, final boolean[] overflow )
	{
		boolean isRead;
		try
		{
			isRead = descend( image, left, overflow );
		}
		catch ( final StackOverflowError e )
		{
			isRead = false;
		}
		if ( isRead || left[ 0 ]-- > 0 )
			return isRead;
		try
		{
			image.getCells().getAt( NEXT.getAndIncrement() );
		}
		// It can be the cause of another exception.
		catch ( final StackOverflowError | RuntimeException e )
		{
			overflow[ 0 ] = true;
		}
		return true;
	}

	private static void read( final CachedCellImg< IntType, ? > image )
	{
		final int cell = NEXT.getAndIncrement();
		for ( int i = 0; i < SIZE; ++i )
		{
			final int pixel = image.getAt( cell * ( long ) SIZE + i ).get();
			require( "pixel " + i + " of cell " + cell + " is " + pixel, pixel == 3 * cell + i );
		}
	}

	private static FutureTask< Void > start( final Runnable action )
	{
		final FutureTask< Void > task = new FutureTask<>( action, null );
		final Thread thread = new Thread( null, task, "reader", 256 << 10 );
		thread.setDaemon( true );
		thread.start();
		return task;
	}
}
