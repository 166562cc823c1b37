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

import static java.nio.charset.StandardCharsets.US_ASCII;

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

	/**
	 * More than Python writes at once, which is at most 100 frames of each of 100 threads.
	 */
	private static final int MAX_LENGTH = 1 << 22;

	private final Path path = TemporaryFile.create( ".crash" );

	private final RandomAccessFile file;

	private boolean isClosed;

	/**
	 * When it is closed: how long it is.
	 */
	private long finalLength;

	/**
	 * When it is closed: what was read last.
	 */
	private String end = "";

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
	 * @return how many bytes Python has written
	 */
	synchronized long length()
	{
		try
		{
			return isClosed ? finalLength : file.length();
		}
		catch ( final IOException e )
		{
			return 0;
		}
	}

	/**
	 * @param start
	 * 		how many bytes are left out, which Python has written before
	 * @return what Python has written since, without the beginning if that is very long
	 */
	synchronized String textSince( final long start )
	{
		final long length = length();
		final int wanted = ( int ) Math.max( 0, Math.min( length - start, MAX_LENGTH ) );
		if ( isClosed )
			return end.substring( Math.max( 0, end.length() - wanted ) );
		try
		{
			final byte[] bytes = new byte[ wanted ];
			file.seek( length - wanted );
			file.readFully( bytes );
			// Python writes nothing else.
			return new String( bytes, US_ASCII );
		}
		catch ( final IOException e )
		{
			return "";
		}
	}

	/**
	 * The process is dead: what it has written is known from now on.
	 */
	synchronized void close()
	{
		if ( isClosed )
			return;
		try
		{
			end = textSince( 0 );
		}
		finally
		{
			finalLength = length();
			isClosed = true;
			closeFile();
		}
	}

	private void closeFile()
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
