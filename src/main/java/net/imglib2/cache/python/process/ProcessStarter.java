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

import java.io.IOException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

import net.imglib2.cache.python.PythonException;
import net.imglib2.cache.python.PythonInterruptedException;
import net.imglib2.cache.python.worker.LibraryThreads;

/**
 * Starts all worker processes on one thread, which lives as long as this JVM: Linux ends
 * a worker when the thread ends that has started it. The same thread kills workers later.
 */
final class ProcessStarter
{
	private static final ScheduledThreadPoolExecutor THREAD = new ScheduledThreadPoolExecutor( 1, target -> LibraryThreads.create( "imglib2-cache-python_processes", target ) );

	static
	{
		THREAD.setRemoveOnCancelPolicy( true );
	}

	private ProcessStarter()
	{}

	/**
	 * Starts a process, but does not wait until that is done.
	 *
	 * @return what {@link #get} waits for
	 */
	static Future< Process > start( final ProcessBuilder builder )
	{
		return THREAD.submit( builder::start );
	}

	/**
	 * @throws IOException
	 * 		if the process could not be started
	 */
	static Process get( final Future< Process > started ) throws IOException
	{
		try
		{
			return started.get();
		}
		catch ( final ExecutionException e )
		{
			if ( e.getCause() instanceof IOException )
				throw ( IOException ) e.getCause();
			throw new PythonException( "A worker process could not be started: " + e.getCause(), e );
		}
		catch ( final InterruptedException e )
		{
			Thread.currentThread().interrupt();
			throw new PythonInterruptedException( "Interrupted while a worker process was started", e );
		}
	}

	/**
	 * Runs something that takes little time.
	 *
	 * @param millis
	 * 		how much later
	 * @return can be cancelled
	 */
	static Future< ? > later( final Runnable action, final long millis )
	{
		return THREAD.schedule( action, millis, TimeUnit.MILLISECONDS );
	}
}
