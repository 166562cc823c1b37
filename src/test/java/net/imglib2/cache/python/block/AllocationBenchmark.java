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
package net.imglib2.cache.python.block;

import java.nio.ByteBuffer;
import java.util.concurrent.TimeUnit;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Native memory for a cell that goes into a cache of 1000 cells: of its own, and
 * as
 * {@link CellSlabs} allocate it. Every page is written to. The limit makes
 * memory go round, as it does in a program that runs for long.
 */
@State( Scope.Benchmark )
@BenchmarkMode( Mode.AverageTime )
@OutputTimeUnit( TimeUnit.NANOSECONDS )
@Warmup( iterations = 4, time = 1 )
@Measurement( iterations = 6, time = 1 )
@Fork( value = 1, jvmArgsAppend = "-XX:MaxDirectMemorySize=256m" )
public class AllocationBenchmark
{
	private static final int PAGE_BYTES = 4096;

	@Param( { "1024", "4096", "16384", "65536" } )
	private int bytes;

	private final DirectMemory memory = new DirectMemory();

	private final ByteBuffer[] cache = new ByteBuffer[ 1000 ];

	private int next;

	@Benchmark
	public ByteBuffer ownMemory()
	{
		return cached( memory.allocate( bytes ) );
	}

	@Benchmark
	public ByteBuffer cellMemory()
	{
		return cached( memory.cell( bytes ).buffer() );
	}

	private ByteBuffer cached( final ByteBuffer cell )
	{
		for ( int i = 0; i < bytes; i += PAGE_BYTES )
			cell.put( i, ( byte ) 1 );
		cache[ next ] = cell;
		next = ( next + 1 ) % cache.length;
		return cell;
	}
}
