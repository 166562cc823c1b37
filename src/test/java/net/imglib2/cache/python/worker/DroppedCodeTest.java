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
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import net.imglib2.FinalInterval;
import net.imglib2.cache.python.Backend;
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
 * Code that is dropped while Python runs it.
 */
@Tag( "each-mode" )
@Timeout( 60 )
class DroppedCodeTest
{
	private static final PixelType< IntType > TYPE = PixelType.of( new IntType(), "the image" );

	private final PythonLoaderOptions options = PythonLoaderOptions.options();

	private WorkerPool pool;

	/**
	 * Pixel of the output when the input's memory was given back.
	 */
	private final CompletableFuture< Integer > pixelAtRelease = new CompletableFuture<>();

	private ByteBuffer output;

	@BeforeEach
	void open()
	{
		pool = new WorkerPool( 1, TrustPolicy.ofThisJvm().requireCode( "The init code", "import time" ), Backend.ofTheTests(), () -> {} );
	}

	@AfterEach
	void close()
	{
		pool.close();
	}

	/**
	 * The reader does not wait for that.
	 */
	@Test
	void codeThatIsDroppedIsCancelledAndTheMemoryOfItsInputsIsGivenBackAfterThat() throws Exception
	{
		final Snippet snippet = pool.register( CellCode.of( """
				try:
				    block.data[...] = 1
				    while True:
				        pass
				finally:
				    block.data[...] = 2
				""" ), options, this );
		final BlockTask block = submit( snippet );
		awaitPixel( 1 );
		pool.drop( snippet );
		assertTrue( pool.await( block ).isDropped() );
		assertEquals( 2, pixelAtRelease.get() );
		assertDone( "worker_1" );
	}

	/**
	 * A function in C cannot be cancelled. Nobody knows what becomes of its input.
	 */
	@Test
	void aWorkerThatDoesNotEndDroppedCodeIsReplaced() throws Exception
	{
		final Snippet snippet = pool.register( CellCode.of( "block.data[...] = 1; time.sleep(20)" ), options, this );
		final BlockTask block = submit( snippet );
		awaitPixel( 1 );
		pool.drop( snippet );
		assertTrue( pool.await( block ).isDropped() );
		assertDone( "worker_2" );
	}

	/**
	 * Neither is it reported as such.
	 */
	@Test
	void droppedCodeDoesNotTimeOut() throws Exception
	{
		final Snippet snippet = pool.register( CellCode.of( "block.data[...] = 1\nwhile True: pass" ), PythonLoaderOptions.options().timeout( Duration.ofHours( 1 ) ), this );
		final BlockTask block = submit( snippet );
		awaitPixel( 1 );
		pool.drop( snippet );
		final BlockResult result = pool.await( block );
		assertTrue( result.isDropped() && !result.isTimedOut() );
		assertNull( result.failure() );
		assertDone( "worker_1" );
	}

	@Test
	void theWorkersForgetDroppedCode() throws Exception
	{
		final Snippet snippet = pool.register( CellCode.of( "marker = 1; block.data[...] = marker" ), options, this );
		assertNull( pool.await( submit( snippet ) ).failure() );
		final String modules = "len([module for module in list(__import__('sys').modules.values()) if hasattr(module, 'marker')])";
		assertEquals( 1, pool.< Integer >submit( python -> python.getValue( modules, Integer.class ) ).get() );
		pool.drop( snippet );
		// The worker may take a task before it sees that it has code to forget.
		while ( pool.< Integer >submit( python -> python.getValue( modules, Integer.class ) ).get() != 0 )
			;
	}

	private BlockTask submit( final Snippet snippet )
	{
		output = pool.memory().allocate( Integer.BYTES );
		final ByteBuffer written = output;
		final Lease input = new Lease( pool.memory().allocate( Integer.BYTES ), Integer.BYTES, memory -> pixelAtRelease.complete( written.getInt( 0 ) ) );
		final BlockArray[] arrays = { BlockArray.output( TYPE, CellMemory.of( output ), new long[] { 1 } ), BlockArray.input( TYPE, input, new long[] { 1 } ) };
		return pool.submit( new BlockRequest( snippet, 0, new FinalInterval( 1 ), new int[ 1 ], arrays ) );
	}

	private void awaitPixel( final int value )
	{
		while ( output.getInt( 0 ) != value )
			Thread.yield();
	}

	private void assertDone( final String worker ) throws InterruptedException
	{
		final BlockResult result = pool.await( submit( pool.register( CellCode.of( "block.data[...] = 3" ), options, this ) ) );
		assertNull( result.failure() );
		assertEquals( worker, FakeInterpreters.role( result.worker() ) );
		assertEquals( 3, output.getInt( 0 ) );
	}
}
