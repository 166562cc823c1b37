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

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

import net.imglib2.cache.python.worker.LibraryThreads;

/**
 * A process that makes a file in memory, which Java cannot, and has it open until it is
 * closed.
 */
final class MemoryFileCommand implements AutoCloseable
{
	private static final long TIMEOUT_SECONDS = 10;

	private final Process process;

	/**
	 * @param command
	 * 		makes the file, prints a path of it, and ends with its standard input
	 */
	MemoryFileCommand( final List< String > command ) throws IOException
	{
		process = new ProcessBuilder( command ).redirectErrorStream( true ).start();
	}

	/**
	 * @return path of the file
	 * @throws IOException
	 * 		if the command does not print one in time
	 */
	Path path() throws IOException
	{
		// A pipe cannot be read with a time limit.
		final FutureTask< String > firstLine = new FutureTask<>( () -> new BufferedReader( new InputStreamReader( process.getInputStream(), StandardCharsets.UTF_8 ) ).readLine() );
		LibraryThreads.create( "imglib2-cache-python_memory-file", firstLine ).start();
		boolean interrupted = false;
		try
		{
			final long end = System.nanoTime() + TimeUnit.SECONDS.toNanos( TIMEOUT_SECONDS );
			while ( true )
				try
				{
					final String line = firstLine.get( end - System.nanoTime(), TimeUnit.NANOSECONDS );
					if ( line == null || !line.startsWith( "/" ) )
						throw new IOException( "it printed: " + line );
					return Paths.get( line );
				}
				catch ( final InterruptedException e )
				{
					interrupted = true;
				}
		}
		catch ( final ExecutionException e )
		{
			throw new IOException( e.getCause() );
		}
		catch ( final TimeoutException e )
		{
			throw new IOException( "it printed nothing within " + TIMEOUT_SECONDS + " s", e );
		}
		finally
		{
			if ( interrupted )
				Thread.currentThread().interrupt();
		}
	}

	/**
	 * Ends the process.
	 */
	@Override
	public void close()
	{
		process.destroyForcibly();
	}
}
