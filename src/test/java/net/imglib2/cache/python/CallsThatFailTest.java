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

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import net.imglib2.RandomAccessible;
import net.imglib2.cache.img.CachedCellImg;
import net.imglib2.cache.python.TestImages.Storage;
import net.imglib2.cache.python.block.BlockInput;
import net.imglib2.cache.python.protocol.CellCode;
import net.imglib2.cache.python.image.CellFailures;
import net.imglib2.cache.python.image.CellSpec;
import net.imglib2.img.basictypeaccess.nio.IntBufferAccess;
import net.imglib2.img.cell.CellGrid;
import net.imglib2.type.numeric.integer.IntType;
import net.imglib2.view.Views;

/**
 * Earlier code has left something behind that raises an exception anywhere in the code of
 * the library that runs for a block. Whatever happens to that call, no other pixel changes,
 * and the next call is right.
 */
@Tag( "each-mode" )
@Timeout( value = 120, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD )
class CallsThatFailTest
{
	private static final long[] DIMS = { 60, 50 };

	/**
	 * Small cells; several of them share their memory.
	 */
	private static final CellGrid GRID = new CellGrid( DIMS, new int[] { 3, 2 } );

	private static final int NUM_CELLS = 20 * 25;

	/**
	 * {@code leave()} leaves a tracing function behind, which raises an unknown exception at the
	 * n-th event in the library's own code, after which Python removes it. {@code left()} tells
	 * how many events were missing.
	 */
	private static final String INIT = """
			import sys

			class Injected(BaseException):
			    pass

			settings = []
			remaining = 0

			def left():
			    sys.settrace(None)
			    return remaining

			def leave():
			    global remaining
			    remaining, opcodes = settings
			    def trace(frame, event, argument):
			        global remaining
			        code = frame.f_code
			        if 'imglib2_cache_python' not in code.co_filename or code.co_name == '_watch':
			            return None
			        frame.f_trace_opcodes = opcodes
			        remaining -= 1
			        if remaining == 0:
			            sys.settrace(None)
			            raise Injected()
			        return trace
			    sys.settrace(trace)
			""";

	/**
	 * A clock that runs so fast that a failed cell is computed again at once.
	 */
	private static final AtomicLong HOURS = new AtomicLong();

	// One worker: it sees all blocks.
	private static PythonCacheLoaderQueue queue;

	private static RandomAccessible< IntType > source;

	@BeforeAll
	static void open()
	{
		queue = new PythonCacheLoaderQueue( 1, INIT );
		source = Views.extendMirrorDouble( TestImages.create( Storage.ARRAY, new IntType(), DIMS, null, 3, queue ) );
	}

	@AfterAll
	static void close()
	{
		queue.close();
	}

	@ParameterizedTest
	@ValueSource( strings = { "pass", "kept = block.inputs[0]", "if block.index % 3 == 0:\n    raise ValueError()", "kept = [block.inputs[0], block.data]\nraise KeyError()" } )
	void pixelsAreRightWhereverTheCallRaises( final String more ) throws Exception
	{
		injectEverywhere( more, false );
		if ( more.equals( "pass" ) )
			injectEverywhere( more, true );
	}

	private static void injectEverywhere( final String more, final boolean opcodes ) throws Exception
	{
		final CachedCellImg< IntType, ? > cached = image( "block.data[...] = -1 - block.index", 0 );
		final int[] firstPixels = new int[ NUM_CELLS ];
		final Object[] cells = new Object[ NUM_CELLS ];
		for ( int cell = 0; cell < NUM_CELLS; ++cell )
		{
			cells[ cell ] = cached.getCache().get( ( long ) cell );
			firstPixels[ cell ] = pixel( cached, cell );
		}
		final CachedCellImg< IntType, ? > other = image( "block.data[...] = block.inputs[0][block.halo] + 1", 2 );
		final CachedCellImg< IntType, ? > leaver = leaver( "leave()" );
		int n = 0;
		int missing = 0;
		int failed = 0;
		while ( missing <= 0 )
		{
			++n;
			// Some of the images have a layout of their own.
			final CachedCellImg< IntType, ? > img = n % 5 == 0 ? image( "flag = 0\n" + code( more ), 1 + n % 3 ) : image( code( more ), 1 );
			final int cell = n % NUM_CELLS;
			final int event = n;
			queue.submit( python -> {
				python.exec( "settings[:] = " + event + ", " + ( opcodes ? "True" : "False" ) );
				return null;
			} ).join();
			leaver.getCache().invalidateAll();
			load( leaver, 0 );
			other.getCache().invalidateAll();
			// In some cases, a block of another image comes first; the failure must not affect it.
			failed += read( n % 2 == 0 ? other : img, cell, n % 2 == 0 ? 1 : 0 );
			missing = left();
			other.getCache().invalidateAll();
			for ( final int next : new int[] { cell, ( cell + 1 ) % NUM_CELLS, ( cell + 40 ) % NUM_CELLS } )
			{
				if ( more.equals( "pass" ) )
					assertEquals( 0, read( img, next, 0 ), () -> "cell " + next + " is computed after event " + event );
				else
					read( img, next, 0 );
				assertEquals( 0, read( other, next, 1 ), () -> "cell " + next + " of another image is computed after event " + event );
			}
			for ( int c = 0; c < NUM_CELLS; ++c )
				if ( pixel( cached, c ) != firstPixels[ c ] )
					throw new AssertionError( "cell " + c + " of a cached image has changed after event " + event );
		}
		final int events = n;
		assertTrue( events > 40, () -> "only " + events + " events in a call" );
		final int failures = failed;
		assertTrue( failures > 10, () -> "only " + failures + " calls failed" );
		assertEquals( NUM_CELLS, Arrays.stream( cells ).distinct().count() );
	}

	/**
	 * The tracing function fails at the first event, whatever is called.
	 */
	@Test
	void aFailingTracerIsNotTheNextBlocksFault() throws Exception
	{
		final CachedCellImg< IntType, ? > img = image( code( "pass" ), 1 );
		// So many memories that new ones replace others in the tables.
		for ( int i = 0; i < 10; ++i )
		{
			img.getCache().invalidateAll();
			for ( int cell = 0; cell < NUM_CELLS; ++cell )
				assertEquals( 0, read( img, cell, 0 ) );
		}
		img.getCache().invalidateAll();
		final CachedCellImg< IntType, ? > leaver = leaver( "def fail(*_):\n    raise ValueError('left behind')\nsys.settrace(fail)" );
		for ( int cell = 0; cell < NUM_CELLS; ++cell )
		{
			// The tracer also meets the library's code that hands over lines for any thread.
			load( leaver, cell );
			if ( cell % 2 == 0 )
				assertEquals( 0, read( img, cell, 0 ) );
			else
				assertEquals( cell, queue.submit( python -> ( ( Number ) python.getValue( "3" ) ).intValue() ).join() + cell - 3 );
		}
	}

	private static String code( final String more )
	{
		return "block.data[...] = block.inputs[0][block.halo]\n" + more;
	}

	private static CachedCellImg< IntType, ? > image( final String code, final int halo )
	{
		final Halo both = new Halo( halo, halo );
		final List< BlockInput > inputs = BlockInputs.ofImages( GRID, both, PythonLoaderOptions.options(), queue.pool().memory(), Collections.singletonList( source ) );
		final CellSpec< IntType, IntBufferAccess > spec = new CellSpec<>( GRID, CellCode.of( code ), new IntType(), new IntBufferAccess( 1, true ), both, PythonLoaderOptions.options(), inputs );
		// No pauses: an hour passes between any two reads.
		return new PythonCacheLoader<>( queue, spec, new CellFailures( () -> TimeUnit.HOURS.toNanos( HOURS.incrementAndGet() ) ) ).createCachedCellImg( NUM_CELLS );
	}

	/**
	 * Has no inputs, so that none of the library's own code runs for them after the user's.
	 */
	private static CachedCellImg< IntType, ? > leaver( final String code )
	{
		return PythonCacheLoader.fromRandomAccessibles( GRID, queue, "block.data[...] = 5\n" + code, new IntType() ).createCachedCellImg( NUM_CELLS );
	}

	/**
	 * Reads a cell; if this succeeds, its pixels must be those of the source.
	 *
	 * @return whether it failed, 1 or 0
	 */
	private static int read( final CachedCellImg< IntType, ? > img, final int cell, final int added )
	{
		if ( !load( img, cell ) )
			return 1;
		final long x = 3 * ( cell % 20 );
		final long y = 2 * ( cell / 20 );
		for ( int i = 0; i < 6; ++i )
			assertEquals( source.getAt( x + i % 3, y + i / 3 ).get() + added, img.getAt( x + i % 3, y + i / 3 ).get(), () -> "cell " + cell );
		return 0;
	}

	private static boolean load( final CachedCellImg< IntType, ? > img, final int cell )
	{
		try
		{
			img.getCache().get( ( long ) cell );
			return true;
		}
		catch ( final ExecutionException e )
		{
			return false;
		}
	}

	/**
	 * @return how many events were missing until the exception; 1 if it came so late that it hit
	 *         this call
	 */
	private static int left()
	{
		try
		{
			return queue.submit( python -> ( ( Number ) python.getValue( "left()" ) ).intValue() ).join();
		}
		catch ( final CompletionException e )
		{
			return 1;
		}
	}

	private static int pixel( final CachedCellImg< IntType, ? > img, final int cell )
	{
		return img.getAt( 3 * ( cell % 20 ), 2 * ( cell / 20 ) ).get();
	}
}
