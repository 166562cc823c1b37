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

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;

class LicenceHeaderTest
{
	private static final Path ROOT = Paths.get( System.getProperty( "project.basedir" ) );

	@Test
	void everySourceFileHasTheHeader() throws IOException
	{
		final String licence = Files.readString( ROOT.resolve( "LICENSE.txt" ) );
		final String conditions = licence.substring( licence.indexOf( "Redistribution" ) ).strip().lines().map( line -> ( " * " + line ).stripTrailing() ).collect( Collectors.joining( "\n" ) );
		for ( final Path file : sources( ".java" ) )
		{
			final String text = Files.readString( file );
			assertTrue( text.startsWith( "/*-\n * #%L\n" ) && text.contains( conditions ), file.toString() );
		}
		for ( final Path file : sources( ".py" ) )
			assertTrue( Files.readString( file ).contains( "# SPDX-License-Identifier: BSD-2-Clause\n# Copyright (c) 2026, the imglib2-cache-python developers.\n" ), file.toString() );
	}

	private static List< Path > sources( final String ending ) throws IOException
	{
		try (final Stream< Path > src = Files.walk( ROOT.resolve( "src" ) ); final Stream< Path > examples = Files.walk( ROOT.resolve( "examples" ) ))
		{
			final List< Path > files = Stream.concat( src, examples ).filter( file -> file.toString().endsWith( ending ) && !file.toString().contains( "target" ) ).collect( Collectors.toList() );
			assertFalse( files.isEmpty() );
			return files;
		}
	}
}
