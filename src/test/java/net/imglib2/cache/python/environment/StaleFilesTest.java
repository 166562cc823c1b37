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

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout( 120 )
class StaleFilesTest
{
	private static final long NOW = 1_000_000_000_000L;

	@TempDir
	private Path folder;

	@Test
	void whatIsOldAndNotInUseIsDeleted() throws Exception
	{
		make( "a1.crash", NOW - 1 );
		make( "a2.crash", NOW );
		make( "a3.crash", NOW - 1 );
		make( "a4.txt", NOW - 1 );
		StaleFiles.delete( folder, "a*.crash", NOW, file -> file.endsWith( "a3.crash" ) );
		assertEquals( Set.of( "a2.crash", "a3.crash", "a4.txt" ), names() );
	}

	@Test
	void whatCannotBeDeletedKeepsNoOther() throws Exception
	{
		for ( final String name : new String[] { "a", "b", "c", "d" } )
			make( name, NOW - 1 );
		// One that is not of this user, and one that is not empty.
		Files.delete( folder.resolve( "c" ) );
		Files.createDirectories( folder.resolve( "c" ).resolve( "full" ) );
		Files.setLastModifiedTime( folder.resolve( "c" ), FileTime.fromMillis( NOW - 1 ) );
		StaleFiles.delete( folder, "*", NOW, file -> {
			if ( file.endsWith( "b" ) )
				throw new IOException( "of another user" );
			return false;
		} );
		assertEquals( Set.of( "b", "c" ), names() );
	}

	@Test
	void aFolderThatIsAwayIsNoError()
	{
		StaleFiles.delete( folder.resolve( "missing" ), "*", NOW, file -> false );
	}

	/**
	 * Files of shared memory begin with the same name, and are in use however old they are.
	 */
	@Test
	void temporaryFilesOfJvmsThatWereKilled() throws Exception
	{
		final long day = 24 * 60 * 60 * 1000;
		make( "imglib2-cache-python123.crash", NOW - day - 1 );
		make( "imglib2-cache-python4.output", NOW - day - 1 );
		make( "imglib2-cache-python5.crash", NOW - day );
		make( "imglib2-cache-python-ab6.memory", NOW - day - 1 );
		make( "other7.crash", NOW - day - 1 );
		TemporaryFile.deleteStale( folder, NOW );
		assertEquals( Set.of( "imglib2-cache-python-ab6.memory", "imglib2-cache-python5.crash", "other7.crash" ), names() );
	}

	private void make( final String name, final long time ) throws IOException
	{
		Files.setLastModifiedTime( Files.createFile( folder.resolve( name ) ), FileTime.fromMillis( time ) );
	}

	private Set< String > names() throws IOException
	{
		try ( Stream< Path > files = Files.list( folder ) )
		{
			return files.map( file -> file.getFileName().toString() ).collect( Collectors.toCollection( TreeSet::new ) );
		}
	}
}
