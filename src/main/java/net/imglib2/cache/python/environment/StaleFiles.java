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
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * Deletes files that JVMs have left behind, because they were killed.
 */
public final class StaleFiles
{
	private static final Logger LOG = Logger.getLogger( StaleFiles.class.getName() );

	private StaleFiles()
	{}

	/**
	 * Deletes what can be deleted. Never fails.
	 *
	 * @param folder
	 * 		where they are
	 * @param glob
	 * 		pattern of their names
	 * @param before
	 * 		time in milliseconds; newer files stay
	 * @param use
	 * 		tells which older ones stay, too
	 */
	public static void delete( final Path folder, final String glob, final long before, final Use use )
	{
		try ( DirectoryStream< Path > files = Files.newDirectoryStream( folder, glob ) )
		{
			for ( final Path file : files )
				deleteIfStale( file, before, use );
		}
		catch ( final IOException | DirectoryIteratorException e )
		{
			LOG.log( Level.FINE, "Stale files in " + folder + " could not be looked for", e );
		}
	}

	private static void deleteIfStale( final Path file, final long before, final Use use )
	{
		try
		{
			if ( Files.getLastModifiedTime( file ).toMillis() < before && !use.isInUse( file ) )
				Files.deleteIfExists( file );
		}
		catch ( final IOException e )
		{
			// Another JVM may delete it, or another user own it.
			LOG.log( Level.FINE, file + " could not be deleted", e );
		}
	}

	/**
	 * Tells which files are in use.
	 */
	public interface Use
	{
		/**
		 * @return whether to keep a file
		 * @throws IOException
		 * 		if that cannot be found out; then it is kept
		 */
		boolean isInUse( Path file ) throws IOException;
	}
}
