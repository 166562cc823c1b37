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
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

import net.imglib2.cache.python.PythonEnvironmentException;

/**
 * Makes temporary files. At first, deletes those of JVMs that were killed.
 */
public final class TemporaryFile
{
	private static final String FOLDER_PROPERTY = "java.io.tmpdir";

	private static final String NAME = "imglib2-cache-python";

	/**
	 * Nobody uses one for so long.
	 */
	private static final long STALE_MILLIS = TimeUnit.DAYS.toMillis( 1 );

	private static final AtomicBoolean HAS_DELETED_STALE = new AtomicBoolean();

	private TemporaryFile()
	{}

	/**
	 * @param suffix
	 * 		end of the file's name
	 * @return a new, empty file
	 * @throws PythonEnvironmentException
	 * 		if it cannot be made
	 */
	public static Path create( final String suffix )
	{
		final String folder = System.getProperty( FOLDER_PROPERTY, "" );
		try
		{
			final Path path = Files.createTempFile( Paths.get( folder ), NAME, suffix );
			if ( HAS_DELETED_STALE.compareAndSet( false, true ) )
				deleteStale( path.getParent(), System.currentTimeMillis() );
			return path;
		}
		catch ( final IOException | InvalidPathException e )
		{
			throw new PythonEnvironmentException( "Temporary files cannot be made in " + folder + ", which the system property " + FOLDER_PROPERTY + " names: "
					+ why( folder, e ) + ". Make that folder writable, or name another: -D" + FOLDER_PROPERTY + "=/path/to/folder", e );
		}
	}

	static void deleteStale( final Path folder, final long now )
	{
		// A number follows the name.
		StaleFiles.delete( folder, NAME + "[0-9]*", now - STALE_MILLIS, file -> false );
	}

	private static String why( final String folder, final Exception e )
	{
		if ( e instanceof InvalidPathException )
			return "this JVM cannot open a file of that name";
		final Path path = Paths.get( folder );
		return Files.isDirectory( path ) ? e.toString() : Files.exists( path ) ? "it is not a folder" : "it does not exist";
	}
}
