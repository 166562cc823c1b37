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
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.Arrays;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;

import net.imglib2.cache.python.PythonEnvironmentException;

class KnownPropertiesTest
{
	@Test
	void allPropertiesInTheSourcesAreKnown() throws IOException
	{
		final Set< String > found = new TreeSet<>();
		try (final Stream< Path > files = Files.walk( Paths.get( System.getProperty( "project.basedir" ), "src", "main", "java" ) ))
		{
			for ( final Path file : files.filter( path -> path.toString().endsWith( ".java" ) ).collect( Collectors.toList() ) )
			{
				final Matcher name = Pattern.compile( "\"(" + Pattern.quote( KnownProperties.PREFIX ) + "\\w[\\w.]*)\"" ).matcher( Files.readString( file ) );
				while ( name.find() )
					found.add( name.group( 1 ) );
			}
		}
		assertEquals( new TreeSet<>( KnownProperties.NAMES ), found );
	}

	@Test
	void anUnknownPropertyIsRefusedAndNamed()
	{
		KnownProperties.requireOnlyKnown( KnownProperties.NAMES );
		KnownProperties.requireOnlyKnown( Arrays.asList( "java.home", "imglib2.pythons", "user.imglib2.python.trust" ) );
		final String message = assertThrows( PythonEnvironmentException.class, () -> KnownProperties.requireOnlyKnown( Arrays.asList( "java.home", "imglib2.python.Trust" ) ) ).getMessage();
		assertTrue( message.contains( "imglib2.python.Trust;" ) && message.contains( String.join( ", ", KnownProperties.NAMES ) ), message );
	}
}
