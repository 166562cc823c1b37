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

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import net.imglib2.cache.python.ChildJvm;

/**
 * Files of shared memory where a JVM has no paths of its descriptors, as on macOS.
 */
@Timeout( 120 )
class NamedArenaFileTest
{
	/**
	 * Stands for the descriptors of this JVM.
	 */
	private static final Path MISSING = Paths.get( "/missing/descriptors" );

	@TempDir
	private Path folder;

	@Test
	void itHasANameAndALock() throws Exception
	{
		final ArenaFile file = ArenaFile.inFolder( folder, MISSING );
		file.grow( 1_000_000 );
		assertEquals( 1_000_000, Files.size( file.path() ) );
		file.map( 4096, 100 ).putInt( 8, 5 );
		assertEquals( 5, file.map( 4104, 4 ).getInt() );
		assertEquals( Set.of( name( file.path() ), name( file.path() ) + ".lock" ), names() );
		// Another one of this JVM.
		ArenaFile.inFolder( folder, MISSING );
		assertEquals( 4, names().size() );
	}

	@Test
	void anInterruptedThreadMakesItToo() throws Exception
	{
		Thread.currentThread().interrupt();
		final ArenaFile file = ArenaFile.inFolder( folder, MISSING );
		assertTrue( Thread.interrupted() );
		requireLeftAlone( file );
	}

	/**
	 * A process loses its lock of a file when it closes any descriptor of that file.
	 */
	@Test
	void itIsInUseAlsoAfterOneOfItsDescriptorsWasClosed() throws Exception
	{
		final ArenaFile file = ArenaFile.inFolder( folder, MISSING );
		// So does the JDK if a thread is interrupted that maps.
		FileChannel.open( file.path(), StandardOpenOption.READ, StandardOpenOption.WRITE ).close();
		requireLeftAlone( file );
	}

	@Test
	void itIsInUseAlsoAfterThisJvmHasLookedForStaleFiles() throws Exception
	{
		final ArenaFile file = ArenaFile.inFolder( folder, MISSING );
		// Also as another class loader sees it.
		ArenaFile.deleteStale( folder, Long.MAX_VALUE );
		requireLeftAlone( file );
	}

	/**
	 * Another JVM does not take it for a stale file.
	 */
	private void requireLeftAlone( final ArenaFile file ) throws Exception
	{
		ChildJvm.of( DeletingMain.class ).run( folder.toString(), String.valueOf( Long.MAX_VALUE ) ).requireExitCode( 0 );
		assertEquals( Set.of( name( file.path() ), name( file.path() ) + ".lock" ), names() );
	}

	@Test
	void staleFilesAreDeleted() throws Exception
	{
		final long now = System.currentTimeMillis();
		for ( final String stale : new String[] { "imglib2-cache-python-1.memory", "imglib2-cache-python-2.memory", "imglib2-cache-python-2.memory.lock", "imglib2-cache-python-3.memory.lock", "imglib2-cache-python.txt" } )
			Files.setLastModifiedTime( Files.createFile( folder.resolve( stale ) ), FileTime.fromMillis( now - 10_000 ) );
		Files.createFile( folder.resolve( "imglib2-cache-python-4.memory" ) );
		ArenaFile.deleteStale( folder, now - 5_000 );
		assertEquals( Set.of( "imglib2-cache-python-4.memory", "imglib2-cache-python.txt" ), names() );
		// Nothing to look into.
		ArenaFile.deleteStale( folder.resolve( "missing" ), now );
	}

	@Test
	void aJvmDeletesItAtItsEndAndAnotherJvmIfItWasKilled() throws Exception
	{
		ChildJvm.of( MakingMain.class ).run( folder.toString(), "exit" ).requireExitCode( 0 ).requireOutput( "made 2" );
		assertEquals( Set.of(), names() );
		ChildJvm.of( MakingMain.class ).run( folder.toString(), "halt" ).requireExitCode( 3 ).requireOutput( "made 2" );
		assertEquals( 2, names().size() );
		ArenaFile.deleteStale( folder, Long.MAX_VALUE );
		assertEquals( Set.of(), names() );
	}

	private static String name( final Path file )
	{
		return file.getFileName().toString();
	}

	private Set< String > names() throws IOException
	{
		return names( folder );
	}

	private static Set< String > names( final Path folder ) throws IOException
	{
		try ( Stream< Path > files = Files.list( folder ) )
		{
			return files.map( NamedArenaFileTest::name ).collect( Collectors.toCollection( TreeSet::new ) );
		}
	}

	/**
	 * Makes a file, and ends with or without shutdown hooks.
	 */
	static final class MakingMain
	{
		public static void main( final String[] args ) throws Exception
		{
			final Path folder = Paths.get( args[ 0 ] );
			ArenaFile.inFolder( folder, MISSING ).grow( 1000 );
			System.out.println( "made " + names( folder ).size() );
			if ( args[ 1 ].equals( "halt" ) )
				Runtime.getRuntime().halt( 3 );
		}
	}

	/**
	 * Deletes files that it takes for stale.
	 */
	static final class DeletingMain
	{
		public static void main( final String[] args )
		{
			ArenaFile.deleteStale( Paths.get( args[ 0 ] ), Long.parseLong( args[ 1 ] ) );
		}
	}
}
