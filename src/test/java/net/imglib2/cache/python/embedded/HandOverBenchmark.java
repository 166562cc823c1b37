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
package net.imglib2.cache.python.embedded;

import java.util.Collections;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.IntFunction;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

import net.imglib2.FinalInterval;
import net.imglib2.Interval;
import net.imglib2.cache.python.InputWay;
import net.imglib2.cache.python.Backend;
import net.imglib2.cache.python.PythonLoaderOptions;
import net.imglib2.cache.python.block.BlockArray;
import net.imglib2.cache.python.block.CellMemory;
import net.imglib2.cache.python.block.ImageSource;
import net.imglib2.cache.python.block.Lease;
import net.imglib2.cache.python.protocol.BlockRequest;
import net.imglib2.cache.python.protocol.CellCode;
import net.imglib2.cache.python.protocol.Snippet;
import net.imglib2.cache.python.trust.TrustPolicy;
import net.imglib2.cache.python.type.PixelType;
import net.imglib2.cache.python.worker.WorkerPool;
import net.imglib2.img.array.ArrayImg;
import net.imglib2.img.basictypeaccess.nio.FloatBufferAccess;
import net.imglib2.type.numeric.real.FloatType;

/**
 * The cost of handing a block of 64³ float pixels to Python and of running empty code: on the
 * worker's thread, and from another thread and back.
 */
@State( Scope.Benchmark )
@BenchmarkMode( Mode.AverageTime )
@OutputTimeUnit( TimeUnit.MICROSECONDS )
@Warmup( iterations = 3, time = 1 )
@Measurement( iterations = 5, time = 1 )
@Fork( 1 )
public class HandOverBenchmark
{
	private static final int BLOCKS = 1000;

	private static final long[] DIMS = { 64, 64, 64 };

	private WorkerPool pool;

	/**
	 * The thread of an interpreter of this benchmark's own.
	 */
	private ExecutorService thread;

	private EmbeddedInterpreter python;

	private Snippet snippet;

	private Interval cell;

	private Lease output;

	private ImageSource< FloatType > input;

	private PixelType< FloatType > type;

	@Setup
	public void setup() throws Exception
	{
		final PythonRuntime runtime = ( PythonRuntime ) Backend.ofTheTests();
		pool = new WorkerPool( 1, TrustPolicy.ofThisJvm().requireCode( "The init code", "" ), runtime, () -> {} );
		snippet = pool.register( CellCode.of( "pass" ), PythonLoaderOptions.options(), this );
		cell = new FinalInterval( DIMS );
		type = PixelType.of( new FloatType(), "image" );
		output = pool.memory().lease( 4 * 64 * 64 * 64 );
		final ArrayImg< FloatType, FloatBufferAccess > image = new ArrayImg<>( new FloatBufferAccess( pool.memory().allocate( 4 * 64 * 64 * 64 ), true ), DIMS, new FloatType().getEntitiesPerPixel() );
		image.setLinkedType( new FloatType( image ) );
		input = new ImageSource<>( image, "input", cell, PythonLoaderOptions.options(), pool.memory() );
		if ( input.wayOf( cell ) != InputWay.ZERO_COPY )
			throw new IllegalStateException( "the input is copied" );
		thread = Executors.newSingleThreadExecutor();
		python = new EmbeddedInterpreter( "benchmark", runtime );
		thread.submit( () -> {
			python.open();
			return python.prepare( snippet );
		} ).get();
	}

	@TearDown
	public void tearDown() throws Exception
	{
		thread.submit( python::close ).get();
		thread.shutdown();
		pool.close();
	}

	@Benchmark
	@OperationsPerInvocation( BLOCKS )
	public Object noInput() throws Exception
	{
		return run( block -> new BlockArray[] { data() } );
	}

	/**
	 * Native memory of another image, which is looked up anew for each block.
	 */
	@Benchmark
	@OperationsPerInvocation( BLOCKS )
	public Object zeroCopyInput() throws Exception
	{
		return run( block -> new BlockArray[] { data(), input.get( cell ) } );
	}

	/**
	 * Memory of the pool, without the copy into it.
	 */
	@Benchmark
	@OperationsPerInvocation( BLOCKS )
	public Object pooledInput() throws Exception
	{
		return run( block -> new BlockArray[] { data(), BlockArray.input( type, pool.memory().lease( 4 * 64 * 64 * 64 ), DIMS ) } );
	}

	/**
	 * From a thread to a worker and back.
	 */
	@Benchmark
	public Object throughTheQueue() throws Exception
	{
		return pool.await( pool.submit( request( 0, new BlockArray[] { data() } ) ) );
	}

	private BlockArray data()
	{
		return BlockArray.output( type, CellMemory.of( output.buffer() ), DIMS );
	}

	private BlockRequest request( final int index, final BlockArray[] arrays )
	{
		return new BlockRequest( snippet, index, cell, new int[ 3 ], arrays );
	}

	private Object run( final IntFunction< BlockArray[] > arrays ) throws Exception
	{
		return thread.submit( () -> {
			Object last = null;
			for ( int i = 0; i < BLOCKS; ++i )
				last = python.compute( Collections.singletonList( request( i, arrays.apply( i ) ) ) );
			return last;
		} ).get();
	}
}
