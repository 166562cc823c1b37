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
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

import net.imglib2.cache.python.block.BlockMemory;
import net.imglib2.cache.python.block.CellMemory;
import net.imglib2.cache.python.block.DirectMemory;
import net.imglib2.cache.python.block.Lease;

/**
 * Memory for blocks, shared with processes and of this JVM alone. Cells go into a cache
 * of 64 and are read, all of them, once; the limit makes memory go round, as it does in a
 * program that runs for long.
 */
@State( Scope.Benchmark )
@BenchmarkMode( Mode.AverageTime )
@OutputTimeUnit( TimeUnit.NANOSECONDS )
@Warmup( iterations = 3, time = 1 )
@Measurement( iterations = 5, time = 1 )
@Fork( value = 1, jvmArgsAppend = "-XX:MaxDirectMemorySize=256m" )
public class SharedArenaBenchmark
{
	@Param( { "SHARED", "DIRECT" } )
	private String kind;

	@Param( { "4096", "131072", "1048576" } )
	private int bytes;

	private BlockMemory memory;

	private final ByteBuffer[] cache = new ByteBuffer[ 64 ];

	private int next;

	private ByteBuffer ofACell;

	@Setup
	public void setUp()
	{
		memory = kind.equals( "SHARED" ) ? TestArenas.ofSize( 256L << 20 ) : new DirectMemory();
		ofACell = memory.cell( 1 << 20 ).buffer();
	}

	@Benchmark
	public ByteBuffer lease()
	{
		final Lease lease = memory.lease( bytes );
		lease.release();
		return lease.buffer();
	}

	@Benchmark
	public ByteBuffer cell()
	{
		final CellMemory cell = memory.cell( bytes );
		final ByteBuffer buffer = ( cell != null ? cell : memory.copiedCell( bytes ) ).buffer();
		cache[ next ] = buffer;
		next = ( next + 1 ) % cache.length;
		return buffer;
	}

	@Benchmark
	public long cellThatIsRead()
	{
		final ByteBuffer buffer = cell();
		long sum = 0;
		for ( int i = 0; i < bytes; i += Long.BYTES )
			sum += buffer.getLong( i );
		return sum;
	}

	@Benchmark
	public boolean isVisible()
	{
		return memory.isVisible( ofACell, this );
	}

	@Benchmark
	public Object spanOf()
	{
		return memory instanceof SharedArena ? ( ( SharedArena ) memory ).spanOf( ofACell ) : ofACell;
	}
}
