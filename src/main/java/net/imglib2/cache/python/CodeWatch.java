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
package net.imglib2.cache.python;

import java.io.IOException;
import java.lang.ref.WeakReference;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.logging.Level;
import java.util.logging.Logger;

import net.imglib2.cache.python.worker.LibraryThreads;

/**
 * Looks at the files of code whether they have changed, on a thread of its own, as long as
 * the images are in use. It looks at them often rather than be told by the system, because
 * that is not told of changes in files of other machines. Thread-safe.
 */
final class CodeWatch
{
	private static final Logger LOG = Logger.getLogger( PythonImg.class.getName() );

	private static final long INTERVAL_MILLIS = 200;

	private static final List< Watched > WATCHED = new ArrayList<>();

	private static boolean isRunning;

	private static final class Watched
	{
		final WeakReference< PythonImg< ? > > image;

		final Path file;

		/**
		 * Whether the file is what the image runs, else it has the function.
		 */
		final boolean isCode;

		Object stamp;

		Watched( final PythonImg< ? > image, final Path file, final boolean isCode )
		{
			this.image = new WeakReference<>( image );
			this.file = file;
			this.isCode = isCode;
			stamp = stampOf( file );
		}
	}

	private CodeWatch()
	{}

	/**
	 * @param image
	 * 		to be told of changes
	 * @param file
	 * 		has its statements; {@code null} if its code names a function
	 * @param code
	 * 		its code
	 * @param queue
	 * 		computes the image
	 */
	static void watch( final PythonImg< ? > image, final Path file, final String code, final PythonCacheLoaderQueue queue )
	{
		if ( file == null && !PythonText.isReference( code ) )
			throw new IllegalArgumentException( "there is no file to watch: the code is neither a file nor a function; use PythonImg.builder( path ), or leave .watch( true ) out" );
		final Watched watched = new Watched( image, file != null ? file : fileOf( code, queue ), file != null );
		synchronized ( WATCHED )
		{
			WATCHED.add( watched );
			if ( !isRunning )
				LibraryThreads.create( "imglib2-cache-python_watch", CodeWatch::run ).start();
			isRunning = true;
		}
	}

	private static Path fileOf( final String code, final PythonCacheLoaderQueue queue )
	{
		try
		{
			final String file = queue.submit( python -> python.getValue(
					"__import__('imglib2_cache_python.snippet').snippet.source_file(" + quoted( code.trim() ) + ")", String.class ) ).get();
			if ( file == null )
				throw new IllegalArgumentException( "the code " + code.trim() + " cannot be watched: its module has no file of Python code" );
			return Paths.get( file );
		}
		catch ( final ExecutionException e )
		{
			throw new IllegalArgumentException( "the code " + code.trim() + " cannot be watched, because its file is not known: " + e.getCause().getMessage(), e );
		}
		catch ( final InterruptedException e )
		{
			Thread.currentThread().interrupt();
			throw new PythonInterruptedException( "Interrupted while the file of " + code.trim() + " was looked for", e );
		}
	}

	private static String quoted( final String text )
	{
		return "'" + text.replace( "\\", "\\\\" ).replace( "'", "\\'" ) + "'";
	}

	private static void run()
	{
		try
		{
			while ( true )
			{
				Thread.sleep( INTERVAL_MILLIS );
				for ( final Watched watched : current() )
					look( watched );
			}
		}
		catch ( final InterruptedException e )
		{
			// Nobody interrupts it.
		}
	}

	private static List< Watched > current()
	{
		synchronized ( WATCHED )
		{
			for ( final Iterator< Watched > i = WATCHED.iterator(); i.hasNext(); )
				if ( i.next().image.get() == null )
					i.remove();
			return new ArrayList<>( WATCHED );
		}
	}

	private static void look( final Watched watched )
	{
		final Object now = stampOf( watched.file );
		final PythonImg< ? > image = watched.image.get();
		// A file that is away for a moment is being replaced.
		if ( image == null || now == null || now.equals( watched.stamp ) )
			return;
		watched.stamp = now;
		try
		{
			image.codeChanged( watched.isCode ? PythonImgBuilder.read( watched.file ) : null );
			LOG.info( watched.file + " has changed: its image is computed anew" );
		}
		catch ( final RuntimeException e )
		{
			LOG.log( Level.SEVERE, watched.file + " has changed, but its image still runs the former code: " + e.getMessage(), e );
		}
	}

	/**
	 * @return what changes with the file; {@code null} if there is none
	 */
	private static Object stampOf( final Path file )
	{
		try
		{
			final BasicFileAttributes attributes = Files.readAttributes( file, BasicFileAttributes.class );
			return Arrays.asList( attributes.lastModifiedTime(), attributes.size(), attributes.fileKey() );
		}
		catch ( final IOException e )
		{
			return null;
		}
	}
}
