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

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.logging.Level;
import java.util.logging.Logger;

import net.imglib2.cache.python.environment.TemporaryFile;

/**
 * The file into which the Python of a worker process writes its stack when it crashes,
 * or is asked. It has no name any more as soon as both sides have it open, so that it
 * never is left behind. Thread-safe.
 */
final class StackFile
{
	private static final Logger LOG = Logger.getLogger( StackFile.class.getName() );

	private static final int MAX_LENGTH = 1 << 20;

	private final Path path = TemporaryFile.create( ".crash" );

	private final RandomAccessFile file;

	StackFile() throws IOException
	{
		try
		{
			file = new RandomAccessFile( path.toFile(), "r" );
		}
		catch ( final IOException e )
		{
			deleteName();
			throw e;
		}
	}

	Path path()
	{
		return path;
	}

	/**
	 * Both sides have the file open, or one is dead.
	 */
	void deleteName()
	{
		try
		{
			Files.deleteIfExists( path );
		}
		catch ( final IOException e )
		{
			// Windows cannot delete what is open; it is tried again when the process is dead.
			path.toFile().deleteOnExit();
		}
	}

	/**
	 * @return what Python has written; empty after {@link #close()}
	 */
	synchronized String text()
	{
		try
		{
			final byte[] bytes = new byte[ ( int ) Math.min( file.length(), MAX_LENGTH ) ];
			file.seek( 0 );
			file.readFully( bytes );
			return new String( bytes, UTF_8 );
		}
		catch ( final IOException e )
		{
			return "";
		}
	}

	synchronized void close()
	{
		try
		{
			file.close();
		}
		catch ( final IOException e )
		{
			LOG.log( Level.FINE, "A file could not be closed", e );
		}
		deleteName();
	}
}
