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

import static java.nio.ByteOrder.nativeOrder;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;

/**
 * The file that shared memory is. It grows, and its parts are mapped. Thread-safe but for
 * {@link #grow}.
 */
final class ArenaFile
{
	private static final String NAME = "imglib2-cache-python-";

	private static final Path DESCRIPTORS = Paths.get( "/proc/self/fd" );

	private static final byte[] ZEROS = new byte[ 1 << 16 ];

	/**
	 * Keeps the file open whatever happens to the channel, and grows it: unlike a
	 * channel's, its methods do not mind if their thread is interrupted.
	 */
	private final RandomAccessFile file;

	private final Path path;

	/**
	 * Closed by the JDK if a thread that maps is interrupted, and replaced then.
	 */
	private volatile FileChannel channel;

	private long length;

	private ArenaFile( final RandomAccessFile file, final Path path ) throws IOException
	{
		this.file = file;
		this.path = path;
		channel = open( path );
	}

	/**
	 * @return a new file without a name where that is possible
	 */
	static ArenaFile inFolder( final Path folder ) throws IOException
	{
		// Nobody but the user may read it.
		final Path named = Files.createTempFile( folder, NAME, ".memory" );
		RandomAccessFile file = null;
		try
		{
			file = new RandomAccessFile( named.toFile(), "rw" );
			final Path nameless = pathOfDescriptor( named );
			if ( nameless == null )
			{
				named.toFile().deleteOnExit();
				return new ArenaFile( file, named );
			}
			Files.delete( named );
			return new ArenaFile( file, nameless );
		}
		catch ( final IOException | RuntimeException | Error e )
		{
			if ( file != null )
				file.close();
			Files.deleteIfExists( named );
			throw e;
		}
	}

	/**
	 * @return where any process of this user finds the file as long as this JVM runs
	 */
	Path path()
	{
		return path;
	}

	/**
	 * Adds zeros. They are written, because memory that is mapped and not there is a
	 * SIGBUS for whoever touches it.
	 *
	 * @param numBytes
	 * 		how many
	 * @throws IOException
	 * 		if there is no space left; the file is as it was
	 */
	void grow( final long numBytes ) throws IOException
	{
		try
		{
			file.seek( length );
			for ( long left = numBytes; left > 0; left -= ZEROS.length )
				file.write( ZEROS, 0, ( int ) Math.min( ZEROS.length, left ) );
			length += numBytes;
		}
		catch ( final IOException e )
		{
			file.setLength( length );
			throw e;
		}
	}

	/**
	 * @return mapping of a part that has been grown, in native byte order
	 */
	ByteBuffer map( final long start, final int numBytes ) throws IOException
	{
		boolean interrupted = false;
		try
		{
			while ( true )
			{
				// Else the channel would be closed at once.
				interrupted |= Thread.interrupted();
				final FileChannel current = channel;
				try
				{
					return current.map( FileChannel.MapMode.READ_WRITE, start, numBytes ).order( nativeOrder() );
				}
				catch ( final ClosedChannelException e )
				{
					// This thread or another one was interrupted just now.
					replace( current );
				}
			}
		}
		finally
		{
			if ( interrupted )
				Thread.currentThread().interrupt();
		}
	}

	private synchronized void replace( final FileChannel closed ) throws IOException
	{
		if ( channel == closed )
			channel = open( path );
	}

	private static FileChannel open( final Path path ) throws IOException
	{
		return FileChannel.open( path, READ, WRITE );
	}

	/**
	 * @return path of a descriptor that this JVM has of a file, or {@code null} where
	 *         there are no such paths
	 */
	private static Path pathOfDescriptor( final Path file ) throws IOException
	{
		final Path self = Paths.get( "/proc/self" );
		if ( !Files.isDirectory( DESCRIPTORS ) )
			return null;
		final Path ofAll = self.resolveSibling( Files.readSymbolicLink( self ) ).resolve( "fd" );
		try ( DirectoryStream< Path > descriptors = Files.newDirectoryStream( DESCRIPTORS ) )
		{
			for ( final Path descriptor : descriptors )
				if ( Files.exists( descriptor ) && Files.isSameFile( descriptor, file ) )
					return ofAll.resolve( descriptor.getFileName() );
		}
		return null;
	}
}
