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
package net.imglib2.cache.python.image;

import java.util.concurrent.TimeUnit;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Threads;
import org.openjdk.jmh.annotations.Warmup;

/**
 * All that is counted and timed for a cell with inputs that is computed, by two readers,
 * and for one that is found in the cache. Nobody records.
 */
@State( Scope.Benchmark )
@BenchmarkMode( Mode.AverageTime )
@OutputTimeUnit( TimeUnit.NANOSECONDS )
@Warmup( iterations = 3, time = 1 )
@Measurement( iterations = 5, time = 1 )
@Fork( 1 )
@Threads( 2 )
public class CellMetricsBenchmark
{
	private static final int NUM_CELLS = 1_000_000;

	private final CellMetrics metrics = new CellMetrics();

	private final CellTimes times = new CellTimes();

	@State( Scope.Thread )
	public static class Reader
	{
		private int next;

		/**
		 * When the inputs were there. A reader needs this time anyway, to wait.
		 */
		private long end;
	}

	@Benchmark
	public void computed( final Reader reader )
	{
		final int cell = reader.next = ( reader.next + 1 ) % NUM_CELLS;
		final long start = System.nanoTime();
		final long end = reader.end;
		metrics.copied( end - start );
		final long waited = ( reader.end = System.nanoTime() ) - end;
		metrics.waited( waited );
		metrics.inPython().add( waited );
		times.put( cell, waited, false );
		if ( CellEvents.areRecorded() )
			CellEvents.record( "image", cell, end - start, waited, waited, false );
		metrics.computed();
	}

	@Benchmark
	public void found()
	{
		metrics.hit();
	}

	/**
	 * How much of that is the clock.
	 */
	@Benchmark
	public long clock()
	{
		return System.nanoTime();
	}
}
