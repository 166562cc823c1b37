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

import static java.nio.ByteOrder.nativeOrder;

import java.nio.ByteBuffer;
import java.nio.LongBuffer;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

import net.imglib2.cache.python.worker.LibraryThreads;

/**
 * Keeps Python code out of the JVM when that ends. A thread that calls the JVM then never
 * comes back, and may take Python's lock with it. For this lock, the exit functions of
 * libraries in C would wait for ever, such as that of HDF5, which h5py has let call Python.
 */
final class EndOfJvm
{
	/**
	 * A line that is being handed over is so by then.
	 */
	private static final long HAND_OVER_NANOS = TimeUnit.MILLISECONDS.toNanos( 20 );

	/**
	 * Python sees it. Not 0 when the JVM ends.
	 */
	private static final LongBuffer HAS_BEGUN = ByteBuffer.allocateDirect( Long.BYTES ).order( nativeOrder() ).asLongBuffer();

	private static volatile boolean hasLines;

	private EndOfJvm()
	{}

	static
	{
		try
		{
			Runtime.getRuntime().addShutdownHook( LibraryThreads.create( "imglib2-cache-python_end", EndOfJvm::begin ) );
		}
		catch ( final IllegalStateException e )
		{
			begin();
		}
	}

	/**
	 * @return one number, which is not 0 when the JVM ends
	 */
	static LongBuffer hasBegun()
	{
		return HAS_BEGUN;
	}

	/**
	 * Python code hands over a line.
	 */
	static void noteLine()
	{
		if ( !hasLines )
			hasLines = true;
	}

	private static void begin()
	{
		HAS_BEGUN.put( 0, 1 );
		if ( hasLines )
			LockSupport.parkNanos( HAND_OVER_NANOS );
	}
}
