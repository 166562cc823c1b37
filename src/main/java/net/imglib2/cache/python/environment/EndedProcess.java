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
package net.imglib2.cache.python.environment;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/**
 * A process that has run, and what it has printed.
 */
public final class EndedProcess
{
	private final boolean ended;

	private final int exitCode;

	private final String output;

	private EndedProcess( final boolean ended, final int exitCode, final String output )
	{
		this.ended = ended;
		this.exitCode = exitCode;
		this.output = output;
	}

	/**
	 * Runs a process to its end, but not longer than some time.
	 *
	 * @param hasInput
	 * 		whether its standard input ends with the process, or with this JVM, and not at
	 * 		once
	 * @throws IOException
	 * 		if the program cannot be run
	 * @throws InterruptedException
	 * 		if this thread is interrupted meanwhile; the process is ended
	 */
	static EndedProcess run( final int timeoutSeconds, final boolean hasInput, final String... words ) throws IOException, InterruptedException
	{
		// The output goes to a file, because a pipe would have to be read while the process runs.
		final Path file = TemporaryFile.create( ".output" );
		Process process = null;
		try
		{
			process = new ProcessBuilder( Command.of( words ) ).redirectErrorStream( true ).redirectOutput( file.toFile() ).start();
			if ( !hasInput )
				process.getOutputStream().close();
			final boolean ended = process.waitFor( timeoutSeconds, TimeUnit.SECONDS );
			return new EndedProcess( ended, ended ? process.exitValue() : -1, new String( Files.readAllBytes( file ), StandardCharsets.UTF_8 ) );
		}
		finally
		{
			if ( process != null )
				process.destroyForcibly();
			file.toFile().delete();
		}
	}

	/**
	 * @return whether it has ended by itself
	 */
	public boolean ended()
	{
		return ended;
	}

	/**
	 * @return exit code, if it has {@link #ended()}
	 */
	public int exitCode()
	{
		return exitCode;
	}

	/**
	 * @return all that it has printed, standard error included
	 */
	public String output()
	{
		return output;
	}
}
