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
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicReference;

import net.imglib2.cache.python.PythonException;
import net.imglib2.cache.python.environment.Command;
import net.imglib2.cache.python.environment.PythonSources;

/**
 * The process of the first worker. It starts while this JVM finds out whether its Python can
 * be used, and makes the memory; both take as long as half of the start of Python. A process
 * that nobody takes is ended.
 */
public final class FirstProcess implements AutoCloseable
{
	/**
	 * How many threads a library may use. OpenMP, OpenBLAS, MKL, BLIS and numexpr read
	 * it; each has a variable of its own, too, which comes before this one.
	 */
	private static final String NUM_THREADS = "OMP_NUM_THREADS";

	private final String executable;

	/**
	 * {@code null} if somebody has it.
	 */
	private final AtomicReference< Future< Process > > process;

	private FirstProcess( final String executable, final Future< Process > process )
	{
		this.executable = executable;
		this.process = new AtomicReference<>( process );
	}

	/**
	 * Starts the process, but does not wait until that is done.
	 *
	 * @param executable
	 * 		a Python that may run; it need not be one that can be used
	 * @param numWorkers
	 * 		number of workers that share the processors
	 * @return the process
	 */
	public static FirstProcess start( final String executable, final int numWorkers )
	{
		return new FirstProcess( executable, ProcessStarter.start( builder( executable, numWorkers ) ) );
	}

	/**
	 * @param executable
	 * 		a Python that can be used
	 * @param numWorkers
	 * 		number of workers that share the processors
	 * @return starts a worker process
	 */
	static ProcessBuilder builder( final String executable, final int numWorkers )
	{
		final ProcessBuilder builder = new ProcessBuilder( Command.of( executable, "-I", "-c", PythonSources.read( "_process/start.py" ), PythonSources.location() ) );
		// What this JVM needs is not what Python needs.
		builder.environment().remove( "LD_PRELOAD" );
		builder.environment().putIfAbsent( NUM_THREADS, Integer.toString( Math.max( 1, Runtime.getRuntime().availableProcessors() / numWorkers ) ) );
		return builder;
	}

	/**
	 * @return the process, for one caller only
	 */
	Future< Process > take( final String itsExecutable )
	{
		return executable.equals( itsExecutable ) ? process.getAndSet( null ) : null;
	}

	/**
	 * Ends the process if nobody has taken it.
	 */
	@Override
	public void close()
	{
		final Future< Process > left = process.getAndSet( null );
		if ( left != null )
			ProcessStarter.later( () -> end( left ), 0 );
	}

	private static void end( final Future< Process > left )
	{
		try
		{
			ProcessStarter.get( left ).destroyForcibly();
		}
		catch ( final IOException | PythonException e )
		{
			// It has not started, so there is nothing to end.
		}
	}
}
