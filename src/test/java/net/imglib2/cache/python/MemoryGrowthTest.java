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
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import net.imglib2.RandomAccessibleInterval;
import net.imglib2.cache.img.CachedCellImg;
import net.imglib2.img.array.ArrayImgs;
import net.imglib2.img.basictypeaccess.nio.BufferAccess;
import net.imglib2.img.cell.CellGrid;
import net.imglib2.type.numeric.integer.UnsignedByteType;
import net.imglib2.view.Views;

/**
 * Computes many blocks in a JVM with little native memory: all succeed, and neither the
 * process grows, nor do its workers if they are processes. The system property {@code growth.blocks} is the number of blocks,
 * {@value #DEFAULT_BLOCKS} by default.
 */
// No limit here, because it runs as long as it is told to: the child JVM has one.
@Timeout( value = 1, unit = TimeUnit.DAYS )
class MemoryGrowthTest
{
	private static final int DEFAULT_BLOCKS = 60_000;

	private static final Path PROCESSES = Paths.get( "/proc" );

	private static final int PAGE_BYTES = 4096;

	@ParameterizedTest
	@EnumSource( names = { "SUB", "SHARED", "PROCESS" } )
	void manyBlocksDoNotMakeTheProcessGrow( final InterpreterMode mode ) throws Exception
	{
		assumeTrue( Files.exists( statm( ProcessHandle.current() ) ), "needs /proc" );
		final int blocks = Integer.getInteger( "growth.blocks", DEFAULT_BLOCKS );
		final ChildJvm.Result result = ChildJvm.of( ManyBlocks.class ).withPython( ChildJvm.testPython() ).withMode( mode ).withAllCompilers().withTimeout( 120 + blocks / 1000 )
				.withJvmArgument( "-XX:MaxDirectMemorySize=64m" ).withJvmArgument( "-Xmx256m" ).withJvmArgument( "-Xms256m" ).withJvmArgument( "-XX:+AlwaysPreTouch" )
				.run( Integer.toString( blocks ) )
				.requireExitCode( 0 ).requireOutput( "no growth" );
		System.out.println( result.output );
	}

	private static Path statm( final ProcessHandle process )
	{
		return PROCESSES.resolve( Long.toString( process.pid() ) ).resolve( "statm" );
	}

	public static final class ManyBlocks
	{
		private static final int SAMPLES = 12;

		public static void main( final String[] args ) throws IOException
		{
			final int blocks = Integer.parseInt( args[ 0 ] );
			final RandomAccessibleInterval< UnsignedByteType > input = ArrayImgs.unsignedBytes( 70, 70 );
			final long[] megabytes = new long[ SAMPLES ];
			try (final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue( 2 ))
			{
				for ( int sample = 0; sample < SAMPLES; ++sample )
				{
					// A new image from time to time: its code must be dropped, too.
					final CellGrid grid = new CellGrid( new long[] { 32, 32L * blocks / SAMPLES }, new int[] { 32, 32 } );
					final CachedCellImg< UnsignedByteType, ? extends BufferAccess< ? > > img = PythonCacheLoader.fromRandomAccessibles( grid, queue,
							"block.data[...] = block.inputs[0][block.halo] + 1", new UnsignedByteType(), new Halo( 2, 3 ), Views.extendPeriodic( input ) )
							.createByteBoundedCachedCellImg( 16 << 20 );
					for ( long cell = 0; cell < grid.gridDimension( 1 ); ++cell )
						assertEquals( 1, img.getAt( 3, 32 * cell ).get() );
					megabytes[ sample ] = resident( ProcessHandle.current() );
					for ( final ProcessHandle worker : ProcessHandle.current().children().toArray( ProcessHandle[]::new ) )
						megabytes[ sample ] += resident( worker );
				}
			}
			System.out.println( blocks + " blocks, resident MiB: " + Arrays.toString( megabytes ) );
			// The first blocks fill caches, pools and the JVM's own memory.
			final long early = Arrays.stream( megabytes, SAMPLES / 3, 2 * SAMPLES / 3 ).max().getAsLong();
			final long late = Arrays.stream( megabytes, 2 * SAMPLES / 3, SAMPLES ).max().getAsLong();
			assertTrue( late <= early + 16, Arrays.toString( megabytes ) );
			System.out.println( "no growth" );
		}

		private static long resident( final ProcessHandle process ) throws IOException
		{
			return Long.parseLong( Files.readString( statm( process ) ).split( " " )[ 1 ] ) * PAGE_BYTES >> 20;
		}
	}
}
