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

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.OutputStream;
import java.nio.file.Files;

import org.junit.jupiter.api.Test;

class StackFileTest
{
	private static final int LARGE = 6_000_000;

	/**
	 * However much was written before.
	 */
	@Test
	void whatComesLastIsRead() throws Exception
	{
		final StackFile file = new StackFile();
		try (final OutputStream python = Files.newOutputStream( file.path() ))
		{
			assertEquals( 0, file.length() );
			assertEquals( "", file.textSince( 0 ) );
			python.write( new byte[ LARGE ] );
			final long start = file.length();
			assertEquals( LARGE, start );
			assertEquals( "", file.textSince( start ) );
			python.write( "stack\n".getBytes( US_ASCII ) );
			assertEquals( "stack\n", file.textSince( start ) );
			assertTrue( file.textSince( 0 ).endsWith( "stack\n" ) );
			assertTrue( file.textSince( 0 ).length() < LARGE );
			python.write( "last\n".getBytes( US_ASCII ) );
			final String all = file.textSince( 0 );
			file.close();
			python.write( "too late\n".getBytes( US_ASCII ) );
			assertEquals( "stack\nlast\n", file.textSince( start ) );
			assertEquals( all, file.textSince( 0 ) );
			assertEquals( LARGE + 11, file.length() );
			assertEquals( "", file.textSince( file.length() ) );
			file.close();
		}
		assertFalse( Files.exists( file.path() ) );
	}
}
