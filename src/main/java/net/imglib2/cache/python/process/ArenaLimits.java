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
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

import net.imglib2.cache.python.PythonEnvironmentException;
import net.imglib2.cache.python.environment.KnownProperties;

/**
 * How much shared memory this JVM may have, and in how many mappings.
 */
final class ArenaLimits
{
	/**
	 * Where nothing else is known.
	 */
	private static final int USUAL_MAX_CELLS = 30_000;

	private ArenaLimits()
	{}

	/**
	 * @param property
	 * 		what the user has set, or {@code null}
	 * @return limit in bytes
	 */
	static long bytes( final String property )
	{
		if ( property == null )
			return MachineMemory.available() / 2;
		try
		{
			final long limit = Long.parseLong( property.trim() );
			if ( limit > 0 )
				return limit;
		}
		catch ( final NumberFormatException e )
		{
			// The message below says it.
		}
		throw new PythonEnvironmentException( "The system property " + KnownProperties.SHARED_MEMORY + " is '" + property + "': it has to be a number of bytes" );
	}

	/**
	 * @param maxMappings
	 * 		file with the number of mappings that a process may have
	 * @return how many mappings the cells may have: half, because other shared memory and
	 *         the JVM itself need some, too
	 */
	static int maxCells( final Path maxMappings ) throws IOException
	{
		if ( !Files.isReadable( maxMappings ) )
			return USUAL_MAX_CELLS;
		try ( InputStream file = Files.newInputStream( maxMappings ) )
		{
			// At once: the kernel has nothing more to say after the first reading, however short.
			final byte[] text = new byte[ 32 ];
			final int length = file.read( text );
			return Integer.parseInt( new String( text, 0, length, StandardCharsets.US_ASCII ).trim() ) / 2;
		}
	}
}
