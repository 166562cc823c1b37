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

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;

import net.imglib2.RandomAccess;
import net.imglib2.cache.img.CachedCellImg;
import net.imglib2.cache.python.ChildJvm;
import net.imglib2.cache.python.InterpreterMode;
import net.imglib2.cache.python.PythonCacheLoader;
import net.imglib2.cache.python.PythonCacheLoaderQueue;
import net.imglib2.img.array.ArrayImg;
import net.imglib2.img.array.ArrayImgs;
import net.imglib2.img.cell.CellGrid;
import net.imglib2.type.numeric.real.FloatType;

/**
 * Processes that user code forks have the memory of the block: they can read its inputs,
 * and write its pixels.
 */
@DisabledOnOs( OS.WINDOWS )
class ForkedChildrenTest
{
	@Test
	void childrenReadTheInputsAndWriteThePixels() throws Exception
	{
		ChildJvm.of( Main.class ).withPython( ChildJvm.testPython() ).withMode( InterpreterMode.PROCESS ).run().requireExitCode( 0 ).requireOutput( "all is well" );
	}

	static final class Main
	{
		/**
		 * Cells of 128 KiB, which are mappings of their own.
		 */
		private static final CellGrid GRID = new CellGrid( new long[] { 256, 1024 }, new int[] { 256, 128 } );

		public static void main( final String[] args )
		{
			final float[] pixels = new float[ 256 * 1024 ];
			for ( int i = 0; i < pixels.length; ++i )
				pixels[ i ] = i % 1013;
			final ArrayImg< FloatType, ? > input = ArrayImgs.floats( pixels, 256, 1024 );
			try ( final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue( 2, "import os, multiprocessing" ) )
			{
				final CachedCellImg< FloatType, ? > forked = PythonCacheLoader.fromRandomAccessibles( GRID, queue,
						"pid = os.fork()\nif not pid:\n    block.data[::2] = block.inputs[0][::2] + 1\n    os._exit(0)\nassert os.waitpid(pid, 0)[1] == 0\nblock.data[1::2] = block.inputs[0][1::2] + 1",
						new FloatType(), input ).createCachedCellImg( 100 );
				// Its input is a cell of the shared memory.
				final CachedCellImg< FloatType, ? > twice = PythonCacheLoader.fromRandomAccessibles( GRID, queue,
						"def work():\n    block.data[...] = block.inputs[0] + 1\nchild = multiprocessing.get_context('fork').Process(target=work)\nchild.start()\nchild.join()\nassert child.exitcode == 0",
						new FloatType(), forked ).createCachedCellImg( 100 );
				final RandomAccess< FloatType > found = twice.randomAccess();
				for ( int i = 0; i < pixels.length; ++i )
				{
					found.setPosition( i % 256, 0 );
					found.setPosition( i / 256, 1 );
					if ( found.get().get() != pixels[ i ] + 2 )
						throw new AssertionError( "pixel " + i + " is " + found.get().get() );
				}
			}
			System.out.println( "all is well" );
			System.exit( 0 );
		}
	}
}
