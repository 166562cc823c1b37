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

import java.io.Closeable;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.logging.Logger;

import net.imglib2.cache.python.environment.StaleFiles;

/**
 * The file that shared memory is. It grows, and its parts are mapped. Thread-safe but for
 * {@link #grow}.
 */
final class ArenaFile
{
	private static final Logger LOG = Logger.getLogger( ArenaFile.class.getName() );

	private static final String NAME = "imglib2-cache-python-";

	private static final String SUFFIX = ".memory";

	/**
	 * What the name of a file's lock has in addition.
	 */
	private static final String LOCK = ".lock";

	/**
	 * System property with what the names of the files of this JVM have: classes of other
	 * loaders see it, too.
	 */
	private static final String JVM_PROPERTY = ArenaFile.class.getName();

	private static final long STALE_MILLIS = TimeUnit.MINUTES.toMillis( 1 );

	private static final Path DESCRIPTORS = Paths.get( "/proc/self/fd" );

	private static final byte[] ZEROS = new byte[ 1 << 16 ];

	/**
	 * Keeps the file open whatever happens to the channel, and grows it: unlike a
	 * channel's, its methods do not mind if their thread is interrupted.
	 */
	private final RandomAccessFile file;

	private final Path path;

	/**
	 * Tells those who look for stale files that a file with a name is in use; {@code null}
	 * if it has none. On most systems, a process loses its lock of a file when it closes
	 * any of its descriptors of that file. So this is a file of its own, which is not
	 * opened again and never closed.
	 */
	@SuppressWarnings( "unused" )
	private final FileChannel lock;

	/**
	 * Closed by the JDK if a thread that maps is interrupted, and replaced then.
	 */
	private volatile FileChannel channel;

	private long length;

	private ArenaFile( final RandomAccessFile file, final Path path, final FileChannel lock ) throws IOException
	{
		this.file = file;
		this.path = path;
		this.lock = lock;
		channel = open( path );
	}

	/**
	 * Makes a file: in memory if the command does so, else in a folder that has space.
	 *
	 * @param command
	 * 		makes a file in memory, prints a path of it, and ends with its standard input
	 * @param size
	 * 		that it may reach
	 */
	static ArenaFile create( final List< String > command, final long size ) throws IOException
	{
		try
		{
			return inMemory( command );
		}
		catch ( final IOException | RuntimeException e )
		{
			final Path folder = roomiest( size, Paths.get( "/dev/shm" ), Paths.get( System.getProperty( "java.io.tmpdir" ) ) );
			LOG.info( "The memory that is shared with worker processes is a file in " + folder + ", because there is none in memory: " + e.getMessage() );
			return inFolder( folder );
		}
	}

	/**
	 * @param command
	 * 		makes a file in memory, prints a path of it, and ends with its standard input
	 * @return that file; it has no name, is not bounded by a file system, and is gone when
	 *         nobody has it open
	 */
	static ArenaFile inMemory( final List< String > command ) throws IOException
	{
		try ( MemoryFileCommand maker = new MemoryFileCommand( command ) )
		{
			return of( maker.path(), true, DESCRIPTORS );
		}
	}

	/**
	 * @return a new file, without a name where that is possible
	 */
	static ArenaFile inFolder( final Path folder ) throws IOException
	{
		return inFolder( folder, DESCRIPTORS );
	}

	/**
	 * @param descriptors
	 * 		folder with the descriptors of this JVM; where it is missing, the file has a
	 * 		name until the JVM ends
	 */
	static ArenaFile inFolder( final Path folder, final Path descriptors ) throws IOException
	{
		deleteStale( folder, System.currentTimeMillis() - STALE_MILLIS );
		// Nobody but the user may read it.
		return of( Files.createTempFile( folder, ofThisJvm(), SUFFIX ), false, descriptors );
	}

	private static ArenaFile of( final Path made, final boolean inMemory, final Path descriptors ) throws IOException
	{
		RandomAccessFile file = null;
		FileChannel lock = null;
		try
		{
			file = new RandomAccessFile( made.toFile(), "rw" );
			final Path nameless = pathOfDescriptor( made, descriptors );
			if ( nameless == null )
			{
				lock = lock( made );
				return new ArenaFile( file, made, lock );
			}
			if ( !inMemory )
				Files.delete( made );
			return new ArenaFile( file, nameless, null );
		}
		catch ( final IOException | RuntimeException | Error e )
		{
			for ( final Closeable open : Arrays.asList( file, lock ) )
				if ( open != null )
					open.close();
			if ( !inMemory )
			{
				Files.deleteIfExists( made );
				Files.deleteIfExists( lockOf( made ) );
			}
			throw e;
		}
	}

	/**
	 * Locks a file with a name. When the JVM ends, it is deleted with its lock.
	 */
	private static FileChannel lock( final Path made ) throws IOException
	{
		final Path path = lockOf( made );
		Files.createFile( path );
		// What is registered last is deleted first.
		path.toFile().deleteOnExit();
		made.toFile().deleteOnExit();
		final FileChannel channel = open( path );
		try
		{
			// Unlike with lock(), it does not matter if this thread is interrupted.
			if ( channel.tryLock() == null )
				throw new IOException( "another process has locked " + path );
			return channel;
		}
		catch ( final IOException | RuntimeException | Error e )
		{
			channel.close();
			throw e;
		}
	}

	private static Path lockOf( final Path file )
	{
		final String name = file.getFileName().toString();
		return name.endsWith( LOCK ) ? file : file.resolveSibling( name + LOCK );
	}

	/**
	 * @return what the names of the files of this JVM begin with
	 */
	private static String ofThisJvm()
	{
		System.getProperties().putIfAbsent( JVM_PROPERTY, UUID.randomUUID().toString() );
		return NAME + System.getProperty( JVM_PROPERTY ) + "-";
	}

	/**
	 * Deletes files with names whose JVM was killed, and their locks.
	 *
	 * @param before
	 * 		time in milliseconds; of a newer file the owner may not have locked it yet
	 */
	static void deleteStale( final Path folder, final long before )
	{
		StaleFiles.delete( folder, NAME + "*" + SUFFIX + "{," + LOCK + "}", before, ArenaFile::isInUse );
	}

	private static boolean isInUse( final Path file ) throws IOException
	{
		// Looking whether this JVM has locked one would unlock it.
		return file.getFileName().toString().startsWith( ofThisJvm() ) || isLocked( lockOf( file ) );
	}

	private static boolean isLocked( final Path file ) throws IOException
	{
		try ( FileChannel channel = open( file ); FileLock lock = channel.tryLock() )
		{
			return lock == null;
		}
		catch ( final NoSuchFileException e )
		{
			return false;
		}
	}

	/**
	 * @return the first folder that has space, else the one that has most
	 */
	private static Path roomiest( final long size, final Path... folders ) throws IOException
	{
		Path best = null;
		long mostSpace = -1;
		for ( final Path folder : folders )
		{
			if ( !Files.isDirectory( folder ) || !Files.isWritable( folder ) )
				continue;
			final long space = Math.min( size, Files.getFileStore( folder ).getUsableSpace() );
			if ( space > mostSpace )
			{
				best = folder;
				mostSpace = space;
			}
		}
		if ( best == null )
			throw new IOException( "none of the folders " + Arrays.toString( folders ) + " can be written" );
		return best;
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
	private static Path pathOfDescriptor( final Path file, final Path descriptors ) throws IOException
	{
		if ( !Files.isDirectory( descriptors ) )
			return null;
		// Other processes see themselves in /proc/self.
		final Path ofAll = descriptors.toRealPath();
		try ( DirectoryStream< Path > all = Files.newDirectoryStream( descriptors ) )
		{
			for ( final Path descriptor : all )
				if ( isSameFile( descriptor, file ) )
					return ofAll.resolve( descriptor.getFileName() );
		}
		return null;
	}

	private static boolean isSameFile( final Path descriptor, final Path file ) throws IOException
	{
		try
		{
			return Files.isSameFile( descriptor, file );
		}
		catch ( final NoSuchFileException e )
		{
			// Closed by another thread just now.
			return false;
		}
	}
}
