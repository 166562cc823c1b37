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
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Path;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import net.imglib2.type.numeric.integer.IntType;

/**
 * Images that are written into arrays of Python.
 */
@Tag( "each-mode" )
@Timeout( 120 )
class SinksTest
{
	@TempDir
	Path folder;

	private PythonCacheLoaderQueue queue;

	private PythonImgBuilder< IntType > builder( final String code )
	{
		if ( queue == null )
			queue = new PythonCacheLoaderQueue( 2 );
		return PythonImg.builder( code ).queue( queue ).type( new IntType() ).name( "the image" );
	}

	@AfterEach
	void close()
	{
		if ( queue != null )
			queue.close();
	}

	private Object python( final String expression ) throws Exception
	{
		return queue.submit( python -> python.getValue( "str(" + expression + ")", String.class ) ).get();
	}

	@Test
	void aZarrArray() throws Exception
	{
		final PythonImg< IntType > image = builder( "block.data[...] = np.arange(block.data.size).reshape(block.dim) + 1000 * block.index" ).dimensions( 25, 17 ).cellSize( 10, 8 ).build();
		final Path target = folder.resolve( "a.zarr" );
		final PythonSummary summary = image.writeTo( PythonSink.zarr( target ) );
		assertEquals( "9 0 0 false", summary.computed() + " " + summary.fromCache() + " " + summary.failed() + " " + summary.isCancelled(), summary.toString() );
		final String opened = "__import__('zarr').open_array('" + target + "', mode='r')";
		assertEquals( "(17, 25) int32 (8, 10)", python( "(lambda a: f'{a.shape} {a.dtype} {a.chunks}')(" + opened + ")" ) );
		assertEquals( "1013", python( opened + "[1, 13]" ) );
	}
}
