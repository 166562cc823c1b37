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

import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

import org.junit.jupiter.api.Test;

import jep.DirectNDArray;
import net.imglib2.cache.img.CachedCellImg;
import net.imglib2.cache.ref.SoftRefLoaderCache;
import net.imglib2.img.array.ArrayImgs;
import net.imglib2.img.basictypeaccess.array.ByteArray;
import net.imglib2.img.basictypeaccess.array.FloatArray;
import net.imglib2.img.basictypeaccess.nio.ByteBufferAccess;
import net.imglib2.img.cell.Cell;
import net.imglib2.img.cell.CellGrid;
import net.imglib2.type.numeric.integer.UnsignedByteType;
import net.imglib2.type.numeric.real.FloatType;
import net.imglib2.util.Intervals;
import net.imglib2.view.Views;

/**
 * Native memory: its bounds, and what happens when it is full.
 */
class NativeMemoryTest
{
	private static final int MIB = 1 << 20;

	@Test
	void cacheBoundedInBytesHoldsNoMore()
	{
		final CellGrid grid = new CellGrid( new long[] { 45, 20 }, new int[] { 10, 10 } );
		final AtomicInteger loaded = new AtomicInteger();
		try (final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue())
		{
			final InputGenerator counting = interval -> {
				loaded.incrementAndGet();
				return new DirectNDArray<>( ByteBuffer.allocateDirect( ( int ) Intervals.numElements( interval ) ), InputGenerator.getNDArrayShape( interval ) );
			};
			// Three of ten cells; the cells at the border have half the size.
			final CachedCellImg< UnsignedByteType, ByteBufferAccess > img = PythonCacheLoader.fromInputGenerators(
					grid, queue, "", new UnsignedByteType(), new ByteBufferAccess( 1, true ), Halo.empty( 2 ), counting ).createByteBoundedCachedCellImg( 300 );
			img.forEach( pixel -> {} );
			// Evicted cells can be reached until the garbage collector runs.
			int reloaded = 0;
			for ( int i = 0; i < 100 && reloaded < 6; ++i )
			{
				System.gc();
				loaded.set( 0 );
				img.forEach( pixel -> {} );
				reloaded = loaded.get();
			}
			final int last = reloaded;
			assertTrue( reloaded >= 6, () -> "only " + last + " of 10 cells had to be computed again" );
		}
	}

	@Test
	void cacheOfMoreThanHalfOfTheNativeMemoryIsWarnedOf() throws Exception
	{
		child( "-XX:MaxDirectMemorySize=64m" ).run( "warn" ).requireExitCode( 0 ).requireOutput( "silent so far",
				"WARNING: A cache of 41943040 bytes in native memory needs about twice as much until the garbage collector comes, but the limit is 67108864 bytes",
				"WARNING: A cache of 50331648 bytes" );
	}

	@Test
	void readerLearnsThatNativeMemoryIsFullAndCanGoOn() throws Exception
	{
		child( "-XX:MaxDirectMemorySize=64m" ).run( "full" ).requireExitCode( 0 ).requireOutput(
				"No native memory left for a block of 1048576 bytes: ", " of 67108864 bytes are in use.", "-XX:MaxDirectMemorySize=", "all is well" );
	}

	@Test
	void smallCellsUseTheLastBytesOfNativeMemory() throws Exception
	{
		child( "-XX:MaxDirectMemorySize=64m" ).run( "small" ).requireExitCode( 0 ).requireOutput( "all is well" );
	}

	@Test
	void allQueuesShareWhatIsKeptForReuse()
	{
		try (final PythonCacheLoaderQueue first = new PythonCacheLoaderQueue();
				final PythonCacheLoaderQueue second = new PythonCacheLoaderQueue())
		{
			assertSame( first.pool().memory(), second.pool().memory() );
		}
	}

	@Test
	void pooledBuffersMakeRoomForCells() throws Exception
	{
		child( "-XX:MaxDirectMemorySize=64m" ).run( "pool" ).requireExitCode( 0 ).requireOutput( "all is well" );
	}

	@Test
	void steadyStateAllocatesNoNativeMemoryForInputs() throws Exception
	{
		child( "-XX:MaxDirectMemorySize=64m" ).run( "steady" ).requireExitCode( 0 ).requireOutput( "all is well" );
	}

	private static ChildJvm child( final String argument )
	{
		final ChildJvm child = ChildJvm.of( Main.class ).withPython( ChildJvm.testPython() ).withJvmArgument( argument ).withJvmArgument( "-Xmx512m" );
		final String mode = System.getProperty( PythonEnvironment.MODE_PROPERTY );
		return mode == null ? child : child.withMode( InterpreterMode.valueOf( mode ) );
	}

	/**
	 * Runs in a JVM with little native memory.
	 */
	static final class Main
	{
		private static final BufferPoolMXBean DIRECT = ManagementFactory.getPlatformMXBeans( BufferPoolMXBean.class ).stream()
				.filter( bean -> bean.getName().equals( "direct" ) ).findAny().get();

		public static void main( final String[] arguments ) throws Exception
		{
			try (final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue( 2 ))
			{
				switch ( arguments[ 0 ] )
				{
				case "warn":
					warn( queue );
					break;
				case "full":
					full( queue );
					break;
				case "small":
					small( queue );
					break;
				case "pool":
					pool( queue );
					break;
				default:
					steady( queue );
				}
			}
		}

		private static void warn( final PythonCacheLoaderQueue queue )
		{
			final CellGrid grid = new CellGrid( new long[] { 1000L * MIB }, new int[] { MIB } );
			final PythonCacheLoader< UnsignedByteType, ? > buffers = PythonCacheLoader.fromRandomAccessibles( grid, queue, "", new UnsignedByteType() );
			buffers.createByteBoundedCachedCellImg( 32 * MIB );
			buffers.createCachedCellImg( 32 );
			// The garbage collector accounts for arrays.
			PythonCacheLoader.fromRandomAccessibles( grid, queue, "", new UnsignedByteType(), new ByteArray( 1 ), Halo.empty( 1 ), Collections.emptyList() ).createCachedCellImg( 48 );
			System.out.println( "silent so far" );
			buffers.createByteBoundedCachedCellImg( 40 * MIB );
			buffers.createCachedCellImg( 48 );
		}

		private static void full( final PythonCacheLoaderQueue queue )
		{
			final CellGrid grid = new CellGrid( new long[] { 1000L * MIB }, new int[] { MIB } );
			final CachedCellImg< UnsignedByteType, ? > img = PythonCacheLoader.fromRandomAccessibles( grid, queue, "block.data[...] = 7", new UnsignedByteType(), new ByteBufferAccess( 1, true ), Halo.empty( 1 ),
					Collections.emptyList() ).createCachedCellImg( new SoftRefLoaderCache<>() );
			for ( int round = 0; round < 3; ++round )
			{
				List< Cell< ? > > held = new ArrayList<>();
				try
				{
					for ( long i = 0; i < 1000; ++i )
						held.add( img.getCells().getAt( i ) );
					throw new AssertionError( "1000 MiB fit into 64" );
				}
				catch ( final RuntimeException e )
				{
					Throwable cause = e;
					while ( cause.getCause() != null && !( cause instanceof NativeMemoryException ) )
						cause = cause.getCause();
					System.out.println( cause.getMessage() );
					if ( !( cause instanceof NativeMemoryException ) || held.size() < 32 )
						throw e;
				}
				held = null;
				img.getCache().invalidateAll();
				for ( long i = 900; i < 910; ++i )
					if ( img.getAt( i * MIB ).get() != 7 )
						throw new AssertionError( "wrong pixel" );
				img.getCache().invalidateAll();
			}
			System.out.println( "all is well" );
		}

		/**
		 * Leaves memory for some cells, but not for a slab of them.
		 */
		private static void small( final PythonCacheLoaderQueue queue )
		{
			final CellGrid grid = new CellGrid( new long[] { 100 * 10_000 }, new int[] { 10_000 } );
			final CachedCellImg< UnsignedByteType, ? > img = PythonCacheLoader.fromRandomAccessibles( grid, queue, "block.data[...] = block.index", new UnsignedByteType() ).createCachedCellImg( 100 );
			final int free = 45_000;
			final ByteBuffer filled = ByteBuffer.allocateDirect( Math.toIntExact( 64L * MIB - DIRECT.getMemoryUsed() - free ) );
			for ( int cell = 0; cell < 4; ++cell )
				if ( img.getAt( 10_000 * cell ).get() != cell )
					throw new AssertionError( "wrong pixel in cell " + cell );
			System.out.println( "all is well beside " + filled.capacity() );
		}

		/**
		 * Fills the pool of input buffers with many sizes, then the rest of the memory with cells.
		 */
		private static void pool( final PythonCacheLoaderQueue queue )
		{
			for ( int size = 1; size <= 4; ++size )
			{
				final CellGrid grid = new CellGrid( new long[] { 8L * size * MIB }, new int[] { size * MIB } );
				PythonCacheLoader.fromRandomAccessibles( grid, queue, "block.data[...] = block.inputs[0]", new UnsignedByteType(), new ByteArray( 1 ), Halo.empty( 1 ),
						Views.extendZero( ArrayImgs.unsignedBytes( 1 ) ) ).createCachedCellImg( 1 ).forEach( pixel -> {} );
			}
			final CellGrid grid = new CellGrid( new long[] { 60L * MIB }, new int[] { MIB } );
			final CachedCellImg< UnsignedByteType, ? > img = PythonCacheLoader.fromRandomAccessibles( grid, queue, "", new UnsignedByteType() ).createCachedCellImg( 60 );
			final List< Cell< ? > > held = new ArrayList<>();
			for ( long i = 0; i < 60; ++i )
				held.add( img.getCells().getAt( i ) );
			System.out.println( "all is well with " + held.size() );
		}

		private static void steady( final PythonCacheLoaderQueue queue ) throws Exception
		{
			final CellGrid grid = new CellGrid( new long[] { 400, 400 }, new int[] { 8, 8 } );
			final PythonCacheLoader< FloatType, FloatArray > loader = PythonCacheLoader.fromRandomAccessibles( grid, queue, "block.data[...] = block.inputs[0][block.halo]",
					new FloatType(), new FloatArray( 1 ), new Halo( 3, 3 ), Views.extendMirrorSingle( ArrayImgs.floats( 400, 400 ) ) );
			for ( long i = 0; i < 100; ++i )
				loader.get( i );
			final long before = DIRECT.getCount();
			for ( int round = 0; round < 2; ++round )
				for ( long i = 0; i < 2500; ++i )
				{
					loader.get( i );
					if ( DIRECT.getCount() > before + 2 )
						throw new AssertionError( DIRECT.getCount() + " buffers after " + i + " blocks, " + before + " before" );
				}
			System.out.println( "all is well" );
		}
	}
}
