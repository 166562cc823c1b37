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
import java.nio.file.Files;
import java.nio.file.Path;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MachineMemoryTest
{
	@TempDir
	private Path folder;

	@Test
	void machineHasMemory()
	{
		assertTrue( MachineMemory.available() > 1 << 26 );
	}

	@Test
	void smallestLimitOfAGroupAndThoseAboveCounts() throws IOException
	{
		write( "root/a/memory.max", "500000\n" );
		write( "root/a/b/memory.max", "700000\n" );
		write( "root/a/b/c/memory.max", "max\n" );
		assertEquals( 500000, limit( "0::/a/b/c\n" ) );
		assertEquals( Long.MAX_VALUE, limit( "0::/x\n" ) );
	}

	@Test
	void groupsOfTheFirstVersionHaveAFolderOfTheirOwn() throws IOException
	{
		write( "root/memory/memory.limit_in_bytes", "9223372036854771712\n" );
		write( "root/memory/jobs/memory.limit_in_bytes", "300000\n" );
		assertEquals( 300000, limit( "9:cpu:/jobs\n4:memory:/jobs/of/me\n0::/\n" ) );
		// As a container sees it: the folder of its group is the root.
		assertEquals( 9223372036854771712L, limit( "4:memory:/docker/1234\n" ) );
	}

	@Test
	void otherSystemsHaveNoGroups() throws IOException
	{
		assertEquals( Long.MAX_VALUE, MachineMemory.ofControlGroups( folder.resolve( "missing" ), folder ) );
		assertEquals( Long.MAX_VALUE, limit( "" ) );
		assertEquals( Long.MAX_VALUE, limit( "no group\n0::/../..\n" ) );
	}

	private long limit( final String groups ) throws IOException
	{
		write( "cgroup", groups );
		return MachineMemory.ofControlGroups( folder.resolve( "cgroup" ), folder.resolve( "root" ) );
	}

	private void write( final String file, final String text ) throws IOException
	{
		final Path path = folder.resolve( file );
		Files.createDirectories( path.getParent() );
		Files.writeString( path, text );
	}
}
