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
package net.imglib2.cache.python.worker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import net.imglib2.FinalInterval;
import net.imglib2.cache.python.Backend;
import net.imglib2.cache.python.PythonCodeException;
import net.imglib2.cache.python.PythonLoaderOptions;
import net.imglib2.cache.python.block.BlockArray;
import net.imglib2.cache.python.block.CellMemory;
import net.imglib2.cache.python.block.Lease;
import net.imglib2.cache.python.protocol.BlockRequest;
import net.imglib2.cache.python.protocol.BlockResult;
import net.imglib2.cache.python.protocol.CellCode;
import net.imglib2.cache.python.protocol.Snippet;
import net.imglib2.cache.python.trust.TrustPolicy;
import net.imglib2.cache.python.type.PixelType;
import net.imglib2.type.numeric.integer.IntType;

/**
 * Code that is called with more than its block, from Java to the pixels.
 */
@Tag( "each-mode" )
@Timeout( 60 )
class CellCodeRunsTest
{
	private static final PixelType< IntType > TYPE = PixelType.of( new IntType(), "the image" );

	private static final long[] DIMS = { 3, 2 };

	private static final int PIXELS = 6;

	@TempDir
	Path folder;

	private WorkerPool pool;

	@BeforeEach
	void open()
	{
		pool = new WorkerPool( 2, TrustPolicy.ofThisJvm().requireCode( "The init code", "sigma = 'of init'" ), Backend.ofTheTests(), () -> {} );
	}

	@AfterEach
	void close()
	{
		pool.close();
	}

	@Test
	void statementsSeeParametersAndInputsByName() throws Exception
	{
		final Map< String, Object > values = new LinkedHashMap<>();
		values.put( "sigma", 2 );
		values.put( "weights", new float[] { 1, 2 } );
		values.put( "small", new byte[] { -3 } );
		values.put( "options", Collections.singletonMap( "größe", Arrays.asList( 1.5, null, "text", true ) ) );
		final CellCode code = CellCode.of( "assert weights.dtype == np.float32 and small.dtype == np.int8 and small[0] == -3\n"
				+ "assert options == {'größe': [1.5, None, 'text', True]}, options\n"
				+ "assert raw is block.inputs[1]\n"
				+ "sigma *= 10\n"
				+ "block.data[...] = sigma + weights[1] + raw[0, 0] + block.inputs[0][0, 0]" ).withParameters( values ).withInputNames( Arrays.asList( null, "raw" ) );
		final Snippet snippet = register( code );
		// What a block assigns to a parameter, the next one does not see.
		for ( int i = 0; i < 5; ++i )
			assertPixels( 22 + 1000 + 100, snippet, 100, 1000 );
	}

	@Test
	void functionsOfFilesGetThemAsArguments() throws Exception
	{
		final Path file = folder.resolve( "own filters.py" );
		write( file, "def f(a, block, *, raw, factor=1):\n    assert block.index == 7\n    return raw + factor * a\n" );
		final CellCode code = CellCode.of( file + ":f" ).withInputNames( Arrays.asList( null, "raw" ) ).withParameters( Collections.singletonMap( "factor", 3 ) ).withCheckedSignature();
		assertPixels( 1000 + 300, register( code ), 100, 1000 );

		write( file, "def f(a, *, raw, factor=1):\n    return raw - a * factor\n" );
		final Snippet changed = register( code );
		for ( int i = 0; i < 4; ++i )
			assertPixels( 1000 - 300, changed, 100, 1000 );
	}

	@Test
	void argumentsThatAFunctionDoesNotTakeAreRefusedAtOnce()
	{
		final CellCode code = CellCode.of( "scipy.ndimage:gaussian_filter" ).withInputNames( Arrays.asList( ( String ) null ) ).withCheckedSignature();
		final PythonCodeException wrong = assertThrows( PythonCodeException.class, () -> register( code.withParameters( Collections.singletonMap( "sigam", 2 ) ) ) );
		assertTrue( wrong.getMessage().contains( "gaussian_filter takes no argument 'sigam'" ) && wrong.getMessage().contains( "did you mean 'sigma'?" ), wrong.getMessage() );
		final PythonCodeException missing = assertThrows( PythonCodeException.class, () -> register( code ) );
		assertTrue( missing.getMessage().contains( "needs the argument 'sigma'; give it as a parameter" ), missing.getMessage() );
		register( code.withParameters( Collections.singletonMap( "sigma", 2 ) ) );
	}

	@Test
	void aBlockThatFailsIsWrittenIntoAFile() throws Exception
	{
		final Snippet snippet = register( CellCode.of( "block.data[...] = 1 // (sigma - sigma)" ).withParameters( Collections.singletonMap( "sigma", 2 ) ).withCaptureFolder( folder.resolve( "failed" ) ) );
		final BlockResult result = compute( snippet, ByteBuffer.allocateDirect( 0 ), 100 );
		assertTrue( result.failure().describe().contains( "ZeroDivisionError" ), result.failure().describe() );
		try (Stream< Path > files = Files.list( folder.resolve( "failed" ) ))
		{
			final List< Path > found = files.collect( Collectors.toList() );
			assertEquals( 1, found.size(), found::toString );
			assertTrue( found.get( 0 ).toString().endsWith( "-cell-7.npz" ), found::toString );
			assertTrue( result.failure().describe().contains( found.get( 0 ).toString() ), result.failure().describe() );
		}
	}

	private Snippet register( final CellCode code )
	{
		return pool.register( code, PythonLoaderOptions.options(), this );
	}

	private void assertPixels( final int expected, final Snippet snippet, final int... inputs ) throws Exception
	{
		final ByteBuffer data = pool.memory().allocate( Integer.BYTES * PIXELS );
		final BlockResult result = compute( snippet, data, inputs );
		assertNull( result.failure(), () -> result.failure().describe() );
		for ( int i = 0; i < PIXELS; ++i )
			assertEquals( expected, data.getInt( Integer.BYTES * i ) );
	}

	/**
	 * @param data
	 * 		of the output; if it is empty, the output is not looked at
	 * @param inputs
	 * 		all pixels of each input
	 */
	private BlockResult compute( final Snippet snippet, final ByteBuffer data, final int... inputs ) throws Exception
	{
		final List< BlockArray > arrays = new ArrayList<>();
		arrays.add( BlockArray.output( TYPE, CellMemory.of( data.capacity() == 0 ? pool.memory().allocate( Integer.BYTES * PIXELS ) : data ), DIMS ) );
		for ( final int value : inputs )
		{
			final Lease lease = pool.memory().lease( Integer.BYTES * PIXELS );
			for ( int i = 0; i < PIXELS; ++i )
				lease.buffer().putInt( Integer.BYTES * i, value );
			arrays.add( BlockArray.input( TYPE, lease, DIMS ) );
		}
		return pool.await( pool.submit( new BlockRequest( snippet, 7, new FinalInterval( DIMS ), new int[ 2 ], arrays.toArray( new BlockArray[ 0 ] ) ) ) );
	}

	/**
	 * Writes a file; no two versions of it have the same time.
	 */
	private static void write( final Path file, final String text ) throws Exception
	{
		final long before = Files.exists( file ) ? Files.getLastModifiedTime( file ).toMillis() : 0;
		Files.write( file, text.getBytes( StandardCharsets.UTF_8 ) );
		if ( before != 0 )
			Files.setLastModifiedTime( file, FileTime.fromMillis( before + 10 ) );
	}
}
