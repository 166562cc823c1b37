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

import static net.imglib2.cache.python.process.TestArenas.MIB;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import net.imglib2.cache.python.ChildJvm;
import net.imglib2.cache.python.NativeMemoryException;

@Timeout( 120 )
class ArenaFileTest
{
	@TempDir
	private Path folder;

	@BeforeEach
	void requireLinux()
	{
		assumeTrue( Files.isDirectory( Paths.get( "/proc/self/fd" ) ), "needs /proc" );
	}

	@Test
	void fileInMemoryHasNoName() throws Exception
	{
		final ArenaFile file = ArenaFile.inMemory( TestArenas.memoryFile() );
		requireUsable( file );
		assertTrue( Files.readSymbolicLink( file.path() ).toString().startsWith( "/memfd:imglib2-cache-python" ), () -> file.path().toString() );
	}

	@Test
	void fileInAFolderHasNoNameEither() throws Exception
	{
		final ArenaFile file = ArenaFile.inFolder( folder );
		requireUsable( file );
		assertEquals( "rw-------", PosixFilePermissions.toString( Files.getPosixFilePermissions( file.path() ) ) );
		assertTrue( isEmpty( folder ) );
	}

	private static void requireUsable( final ArenaFile file ) throws IOException
	{
		assertTrue( file.path().startsWith( "/proc/" + ProcessHandle.current().pid() + "/fd" ) );
		file.grow( 1_000_000 );
		file.grow( 7 );
		assertEquals( 1_000_007, Files.size( file.path() ) );
		file.map( 4096, 100 ).putInt( 8, 5 );
		assertEquals( 5, file.map( 4104, 4 ).getInt() );
		assertTrue( ( long ) ( int ) Files.getAttribute( file.path(), "unix:nlink" ) == 0 );
	}

	@Test
	void commandThatFailsIsToldAndAFolderTaken() throws Exception
	{
		for ( final List< String > command : List.of( List.of( "/missing/python" ), List.of( ChildJvm.testPython().toString(), "-c", "raise SystemExit('no memory here')" ),
				List.of( ChildJvm.testPython().toString(), "-c", "print('/missing/file', flush=True)" ) ) )
		{
			assertThrows( IOException.class, () -> ArenaFile.inMemory( command ) );
			requireUsable( ArenaFile.create( command, MIB ) );
		}
		assertTrue( assertThrows( IOException.class, () -> ArenaFile.inMemory( List.of( ChildJvm.testPython().toString(), "-c", "raise SystemExit('no memory here')" ) ) ).getMessage().contains( "no memory here" ) );
	}

	@Test
	void commandHasEnded() throws Exception
	{
		final MemoryFileCommand command = new MemoryFileCommand( TestArenas.memoryFile() );
		final ProcessHandle process = ProcessHandle.of( Long.parseLong( command.path().getName( 1 ).toString() ) ).get();
		assertTrue( process.isAlive() );
		command.close();
		process.onExit().get( 10, TimeUnit.SECONDS );
	}

	/**
	 * What would be a bus error is an exception with the numbers.
	 */
	@Test
	void fullFileSystemIsAnExceptionAndAFileInMemoryIsNotBoundedByIt() throws Exception
	{
		final List< String > command = new ArrayList<>( List.of( "unshare", "-m", "sh", "-c", "mount -t tmpfs -o size=16m tmpfs /dev/shm || exit 77; exec \"$@\"", "sh" ) );
		command.addAll( ChildJvm.java() );
		command.addAll( List.of( "-Xmx256m", "-Dproject.basedir=" + System.getProperty( "project.basedir", System.getProperty( "basedir", "" ) ),
				"-Dimglib2.python.executable=" + ChildJvm.testPython(), "-XX:ErrorFile=" + folder.resolve( "hs_err" ), "-cp", System.getProperty( "java.class.path" ), SmallSharedMemoryMain.class.getName() ) );
		final Path output = folder.resolve( "output.txt" );
		final Process process;
		try
		{
			process = new ProcessBuilder( command ).redirectErrorStream( true ).redirectOutput( output.toFile() ).start();
		}
		catch ( final IOException e )
		{
			assumeTrue( false, "needs unshare" );
			return;
		}
		if ( !process.waitFor( 100, TimeUnit.SECONDS ) )
			process.destroyForcibly().waitFor();
		final String text = Files.readString( output );
		assumeTrue( process.exitValue() != 77 && !text.contains( "unshare:" ), "needs a mount namespace" );
		assertEquals( 0, process.exitValue(), text );
		assertTrue( text.contains( "in a folder: No memory is left that is shared with worker processes for a block of 1048576 bytes: 16777216 of 268435456 bytes are in use, and no more than 16777216 could be had (No space left on device)" ), text );
		assertTrue( text.contains( "after a collection: 1048576" ), text );
		assertTrue( text.contains( "in memory: 67108864" ), text );
	}

	@Test
	void killedJvmLeavesNothing() throws Exception
	{
		final ChildJvm.Result result = ChildJvm.of( KilledMain.class ).withPython( ChildJvm.testPython() )
				.withProperty( "project.basedir", System.getProperty( "project.basedir", System.getProperty( "basedir", "" ) ) ).run( folder.toString() );
		result.requireExitCode( 137 ).requireOutput( "allocated" );
		assertTrue( isEmpty( folder ) );
	}

	private static boolean isEmpty( final Path folder ) throws IOException
	{
		try ( Stream< Path > files = Files.list( folder ) )
		{
			return files.findAny().isEmpty();
		}
	}

	/**
	 * With a small /dev/shm.
	 */
	static final class SmallSharedMemoryMain
	{
		public static void main( final String[] args ) throws Exception
		{
			final SharedArena small = new SharedArena( ArenaFile.inFolder( Paths.get( "/dev/shm" ) ), 256 * MIB, 1000 );
			final List< Object > kept = new ArrayList<>();
			try
			{
				while ( true )
				{
					final ByteBuffer cell = small.cell( ( int ) MIB ).buffer();
					TestArenas.fill( cell, -1 );
					kept.add( cell );
				}
			}
			catch ( final NativeMemoryException e )
			{
				System.out.println( "in a folder: " + e.getMessage() );
			}
			kept.clear();
			final ByteBuffer again = small.cell( ( int ) MIB ).buffer();
			TestArenas.fill( again, -1 );
			System.out.println( "after a collection: " + again.capacity() );
			final ByteBuffer large = TestArenas.ofSize( 256 * MIB ).cell( ( int ) ( 64 * MIB ) ).buffer();
			TestArenas.fill( large, -1 );
			System.out.println( "in memory: " + large.capacity() );
		}
	}

	/**
	 * Kills itself.
	 */
	static final class KilledMain
	{
		public static void main( final String[] args ) throws Exception
		{
			TestArenas.fill( new SharedArena( ArenaFile.inFolder( Paths.get( args[ 0 ] ) ), 64 * MIB, 1000 ).cell( ( int ) MIB ).buffer(), 1 );
			TestArenas.fill( TestArenas.ofSize( 64 * MIB ).cell( ( int ) MIB ).buffer(), 1 );
			System.out.println( "allocated" );
			new ProcessBuilder( "kill", "-9", String.valueOf( ProcessHandle.current().pid() ) ).start().waitFor();
		}
	}
}
