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
import java.util.List;
import java.util.logging.Level;
import java.util.logging.Logger;

import net.imglib2.cache.python.trust.TrustPolicy;
import net.imglib2.cache.python.worker.LibraryThreads;

/**
 * Looks at the file of an image's code whether it has changed, as long as the image is in
 * use and not closed. One thread does so for all. It looks at them often rather than be told
 * by the system, because that is not told of changes in files of other machines.
 */
final class CodeWatch
{
	private static final Logger LOG = Logger.getLogger( PythonImg.class.getName() );

	private static final long INTERVAL_MILLIS = 200;

	private static final List< CodeWatch > ALL = new ArrayList<>();

	/**
	 * Guarded by the list; the thread ends when that is empty.
	 */
	private static boolean isRunning;

	private final Path file;

	/**
	 * Whether the file is what the image runs, else it has the function.
	 */
	private final boolean isCode;

	/**
	 * Of the file as the image has it.
	 */
	private Object stamp;

	/**
	 * {@code null} before this begins.
	 */
	private WeakReference< PythonImg< ? > > image;

	private CodeWatch( final Path file, final boolean isCode, final Object stamp )
	{
		this.file = file;
		this.isCode = isCode;
		this.stamp = stamp;
	}

	/**
	 * @param file
	 * 		has the statements of an image
	 * @param stamp
	 * 		{@link #stampOf} the file before it was read
	 */
	static CodeWatch ofStatements( final Path file, final Object stamp )
	{
		return new CodeWatch( file, true, stamp );
	}

	/**
	 * To be called before the function is imported.
	 *
	 * @param code
	 * 		names the function
	 * @param queue
	 * 		computes the image
	 */
	static CodeWatch ofFunction( final String code, final PythonCacheLoaderQueue queue )
	{
		if ( !PythonText.isReference( code ) )
			throw new IllegalArgumentException( "there is no file to watch: the code is neither a file nor a function; use PythonImg.builder( path ), or leave .watch( true ) out" );
		final Path file = fileOf( code, queue );
		return new CodeWatch( file, false, stampOf( file ) );
	}

	/**
	 * @param newImage
	 * 		is told of changes
	 */
	void begin( final PythonImg< ? > newImage )
	{
		image = new WeakReference<>( newImage );
		synchronized ( ALL )
		{
			ALL.add( this );
			if ( !isRunning )
				LibraryThreads.create( "imglib2-cache-python_watch", CodeWatch::run ).start();
			isRunning = true;
		}
	}

	private static Path fileOf( final String code, final PythonCacheLoaderQueue queue )
	{
		// What is asked imports the packages that the function is in.
		TrustPolicy.ofThisJvm().requireLoader( code );
		final Object file = queue.pool().ask( "Looking for the file of " + code.trim(), "file_of", code );
		if ( file == null )
			throw new IllegalArgumentException( "the code " + code.trim() + " cannot be watched: its module has no file of Python code" );
		return Paths.get( ( String ) file );
	}

	private static void run()
	{
		for ( List< CodeWatch > all = currentOrEnd(); !all.isEmpty(); all = currentOrEnd() )
		{
			all.forEach( CodeWatch::look );
			try
			{
				Thread.sleep( INTERVAL_MILLIS );
			}
			catch ( final InterruptedException e )
			{
				// Nobody interrupts it.
			}
		}
	}

	/**
	 * @return those whose image is in use; if there is none, the calling thread has to end
	 */
	private static List< CodeWatch > currentOrEnd()
	{
		synchronized ( ALL )
		{
			ALL.removeIf( CodeWatch::isOver );
			isRunning = !ALL.isEmpty();
			return new ArrayList<>( ALL );
		}
	}

	private boolean isOver()
	{
		final PythonImg< ? > its = image.get();
		return its == null || its.isClosed();
	}

	private void look()
	{
		try
		{
			final Object now = stampOf( file );
			final PythonImg< ? > its = image.get();
			// A file that is away for a moment is being replaced.
			if ( its == null || now == null || now.equals( stamp ) )
				return;
			stamp = now;
			its.codeChanged( isCode ? PythonImgBuilder.read( file ) : null );
			LOG.info( file + " has changed: its image is computed anew" );
		}
		catch ( final PythonClosedException e )
		{
			// Nobody wants to know about its code any more.
		}
		// Whatever it is: the files of other images must be looked at.
		catch ( final Throwable t )
		{
			LOG.log( Level.SEVERE, file + " has changed, but its image still runs the former code: " + t.getMessage(), t );
		}
	}

	/**
	 * @return what changes with the file; {@code null} if there is none
	 */
	static Object stampOf( final Path file )
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
