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

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * Stops Python code when the JVM ends.
 */
final class ExitHook
{
	/**
	 * How long the end of the JVM waits for code that is still running.
	 */
	private static final long TIMEOUT_NANOS = TimeUnit.SECONDS.toNanos( 5 );

	/**
	 * All pools that are not closed, also those that nobody else refers to: their code
	 * can still run.
	 */
	private static final Set< WorkerPool > POOLS = new HashSet<>();

	private static boolean installed;

	private ExitHook()
	{}

	static synchronized void add( final WorkerPool pool )
	{
		POOLS.add( pool );
		if ( installed )
			return;
		installed = true;
		try
		{
			Runtime.getRuntime().addShutdownHook( LibraryThreads.create( "imglib2-cache-python_exit", ExitHook::run ) );
		}
		catch ( final IllegalStateException e )
		{
			// The JVM is ending already.
		}
	}

	static synchronized void remove( final WorkerPool pool )
	{
		POOLS.remove( pool );
	}

	private static void run()
	{
		final List< WorkerPool > pools;
		synchronized ( ExitHook.class )
		{
			pools = new ArrayList<>( POOLS );
		}
		pools.forEach( WorkerPool::cancelForExit );
		final long deadline = System.nanoTime() + TIMEOUT_NANOS;
		pools.forEach( pool -> pool.awaitForExit( deadline ) );
	}
}
