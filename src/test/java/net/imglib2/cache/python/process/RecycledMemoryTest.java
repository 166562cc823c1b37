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

import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.Test;

import net.imglib2.cache.img.CachedCellImg;
import net.imglib2.cache.python.ChildJvm;
import net.imglib2.cache.python.InputWay;
import net.imglib2.cache.python.InterpreterMode;
import net.imglib2.cache.python.PythonCacheLoader;
import net.imglib2.cache.python.PythonCacheLoaderQueue;
import net.imglib2.cache.python.PythonCellException;
import net.imglib2.img.basictypeaccess.nio.FloatBufferAccess;
import net.imglib2.img.cell.CellGrid;
import net.imglib2.type.numeric.real.FloatType;

/**
 * Memory of cells goes round many times, a canary is in what is free, and some of it is
 * kept by this JVM and by Python: nobody sees a wrong pixel, also while workers crash, and
 * in the end all of it is free.
 */
class RecycledMemoryTest
{
	private static final long LIMIT = 48 * MIB;

	@Test
	void nobodySeesMemoryThatIsUsedAgain() throws Exception
	{
		ChildJvm.of( Main.class ).withPython( ChildJvm.testPython() ).withMode( InterpreterMode.PROCESS ).withProperty( "imglib2.python.sharedMemory", String.valueOf( LIMIT ) )
				.withJvmArgument( "-Xmx512m" ).run().requireExitCode( 0 ).requireOutput( "all is well" );
	}

	static final class Main
	{
		private static final int NUM_CELLS = 600;

		/**
		 * Cells of 128 KiB, which are mappings of their own.
		 */
		private static final CellGrid GRID = new CellGrid( new long[] { 256, 128L * NUM_CELLS }, new int[] { 256, 128 } );

		private static final String KEEP = String.join( "\n",
				"import os",
				"kept = []",
				"def keep(array):",
				"    kept.append((array, float(array.flat[0])))" );

		private static final ByteBuffer CANARY = ByteBuffer.allocateDirect( 1 << 16 );

		private static int crashes;

		public static void main( final String[] args ) throws Exception
		{
			TestArenas.fill( CANARY, 0xCACACACACACACACAL );
			final SharedArena arena;
			try ( final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue( 1, KEEP ); final PythonCacheLoaderQueue crashing = new PythonCacheLoaderQueue( 1, KEEP ) )
			{
				arena = SharedArena.ofThisJvm( null );
				run( queue, crashing, arena );
			}
			require( arena.total() <= LIMIT, "the arena has " + arena.total() + " bytes" );
			final long end = System.nanoTime() + TimeUnit.SECONDS.toNanos( 30 );
			// What is left is kept for reuse as leases.
			while ( arena.used() > 2 * MIB && System.nanoTime() - end < 0 )
				System.gc();
			require( arena.used() <= 2 * MIB, arena.used() + " bytes are lost" );
			System.out.println( "all is well" );
			System.exit( 0 );
		}

		private static void run( final PythonCacheLoaderQueue queue, final PythonCacheLoaderQueue crashing, final SharedArena arena ) throws Exception
		{
			final CachedCellImg< FloatType, ? > first = PythonCacheLoader.fromRandomAccessibles( GRID, queue, "block.data[...] = block.index", new FloatType() ).createCachedCellImg( 20 );
			final PythonCacheLoader< FloatType, FloatBufferAccess > second = PythonCacheLoader.fromRandomAccessibles( GRID, queue,
					"block.data[...] = block.inputs[0] + 1000\nif block.index % 40 == 0:\n    keep(block.inputs[0])\n    keep(block.data)\n    keep(block.data[3:, ::2])",
					new FloatType(), new FloatBufferAccess( 1, true ), first );
			final PythonCacheLoader< FloatType, FloatBufferAccess > third = PythonCacheLoader.fromRandomAccessibles( GRID, crashing,
					"keep(block.inputs[0])\nkeep(block.data)\nif block.index % 150 == 77: os._exit(3)\nblock.data[...] = block.inputs[0] + 5000\nif block.index % 10: del kept[:]",
					new FloatType(), new FloatBufferAccess( 1, true ), first );
			final PythonCacheLoader< FloatType, FloatBufferAccess > partial = PythonCacheLoader.fromRandomAccessibles( GRID, queue, "block.data[5] = block.index", new FloatType(),
					new FloatBufferAccess( 1, true ) );
			final List< FloatBuffer > buffers = new ArrayList<>();
			final List< Float > values = new ArrayList<>();
			for ( long i = 0; i < NUM_CELLS; ++i )
			{
				final FloatBuffer pixels = ( FloatBuffer ) second.get( i ).getData().getCurrentStorageArray();
				requireAll( pixels, 1000 + i );
				if ( i % 25 == 0 )
				{
					pixels.position( 100 );
					buffers.add( pixels.slice().duplicate() );
					values.add( pixels.get( 0 ) );
				}
				if ( i == 1 )
					require( second.getInputWay( 0, i ) == InputWay.ZERO_COPY, "the input was copied" );
				try
				{
					requireAll( ( FloatBuffer ) third.get( i ).getData().getCurrentStorageArray(), 5000 + i );
				}
				catch ( final PythonCellException e )
				{
					require( i % 150 == 77, e.toString() );
					++crashes;
				}
				if ( i % 8 == 0 )
					arena.overwriteFree( CANARY );
				// What code does not write is zero.
				final FloatBuffer row = ( FloatBuffer ) partial.get( i ).getData().getCurrentStorageArray();
				for ( int k = 0; k < row.capacity(); ++k )
					require( row.get( k ) == ( k / 256 == 5 ? i : 0 ), "pixel " + k + " is " + row.get( k ) );
			}
			require( crashes == NUM_CELLS / 150, crashes + " crashes" );
			for ( int k = 0; k < buffers.size(); ++k )
				requireAll( buffers.get( k ), values.get( k ) );
			final Object[] kept = queue.submit( python -> new Object[] { python.getValue( "len(kept)" ), python.getValue( "all(bool((a == v).all()) for a, v in kept)" ) } ).get();
			require( ( ( Number ) kept[ 0 ] ).intValue() == 3 * NUM_CELLS / 40, kept[ 0 ] + " arrays were kept" );
			require( ( Boolean ) kept[ 1 ], "an array that Python has kept was overwritten" );
		}

		private static void requireAll( final FloatBuffer pixels, final float value )
		{
			for ( int i = 0; i < pixels.capacity(); ++i )
				if ( pixels.get( i ) != value )
					throw new AssertionError( "pixel " + i + " is " + pixels.get( i ) + ", expected " + value );
		}

		private static void require( final boolean condition, final String message )
		{
			if ( !condition )
				throw new AssertionError( message );
		}
	}
}
