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

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import net.imglib2.cache.img.CachedCellImg;
import net.imglib2.img.cell.CellGrid;
import net.imglib2.type.numeric.integer.IntType;

/**
 * Code that is cancelled within an import leaves no half imported module for later code.
 */
@Tag( "each-mode" )
@Timeout( value = 120, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD )
class CancelledImportsTest
{
	private static final int PACKAGES = 6;

	@Test
	void aQueueThatIsClosedDuringAFirstImportLeavesThePackageWhole( @TempDir final Path folder ) throws Exception
	{
		for ( int i = 0; i < PACKAGES; ++i )
		{
			final String name = "cancelled_" + i;
			final Path pack = Files.createDirectories( folder.resolve( name ) );
			// As in packages, one module uses what another one defines.
			Files.writeString( pack.resolve( "__init__.py" ), "import @.first, @.second, @.third\n_value = @.first.value + @.second.value + @.third.value\ndef value():\n    return _value\n".replace( "@", name ) );
			for ( final String module : new String[] { "first", "second", "third" } )
				Files.writeString( pack.resolve( module + ".py" ), "import time\nprint('importing " + module + " " + i + "')\nfor _ in range(30):\n    time.sleep(0.005)\nvalue = 1\n" );
		}
		for ( int i = 0; i < PACKAGES; ++i )
		{
			final String waitFor = "importing " + new String[] { "first", "second", "third" }[ i % 3 ] + " " + i;
			final CountDownLatch importing = new CountDownLatch( 1 );
			final PythonEnvironment environment = PythonEnvironment.getDefault().withModulePath( folder ).withOutput( line -> {
				if ( line.equals( waitFor ) )
					importing.countDown();
			}, System.err::println );
			final PythonCacheLoaderQueue closed = new PythonCacheLoaderQueue( 1, "", environment );
			final CompletableFuture< Void > reader = CompletableFuture.runAsync( image( closed, i )::firstElement );
			assertTrue( importing.await( 30, TimeUnit.SECONDS ) );
			closed.close();
			assertTrue( reader.handle( ( ok, failure ) -> failure != null ).get( 30, TimeUnit.SECONDS ), "the reader gets an error" );
			try (PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue( 1, "", environment ))
			{
				assertEquals( 3, image( queue, i ).firstElement().get() );
			}
		}
	}

	private static CachedCellImg< IntType, ? > image( final PythonCacheLoaderQueue queue, final int pack )
	{
		final CellGrid grid = new CellGrid( new long[] { 2, 3 }, new int[] { 2, 3 } );
		return PythonCacheLoader.fromRandomAccessibles( grid, queue, "import cancelled_" + pack + "\nblock.data[...] = cancelled_" + pack + ".value()", new IntType() ).createCachedCellImg( 10 );
	}
}
