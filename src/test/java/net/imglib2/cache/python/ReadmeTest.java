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

import static net.imglib2.cache.python.DocumentationTest.read;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import org.junit.jupiter.api.Test;

/**
 * What the README says about dependencies; {@link DocumentationTest} runs its code.
 */
class ReadmeTest
{
	@Test
	void dependenciesAreThoseOfTheExamples() throws IOException
	{
		final String maven = packed( read( "examples/maven-app/pom.xml" ).replace( "${imglib2-cache-python.version}", "0.1.0-SNAPSHOT" ) );
		final Matcher part = Pattern.compile( "(?s)<dependency>.*?</dependency>|<([\\w.]+)>[^<]*</\\1>" ).matcher( blocks( "xml" ).get( 0 ) );
		int count = 0;
		for ( ; part.find(); ++count )
			assertTrue( maven.contains( packed( part.group() ) ), part.group() );
		assertEquals( 5, count );
		final String gradle = packed( read( "examples/gradle-app/build.gradle" ) );
		final String block = blocks( "groovy" ).stream().filter( text -> text.startsWith( "repositories" ) ).findFirst().get();
		for ( final String line : block.split( "\n" ) )
			assertTrue( gradle.contains( packed( line ) ), line );
	}

	@Test
	void jepIsTheOneOfTheBuild() throws IOException
	{
		final String version = find( "<ninia-jep.version>(.*)</ninia-jep.version>", read( "pom.xml" ) );
		assertTrue( read( "doc/fiji.md" ).contains( "jep-" + version + ".jar" ) );
		assertTrue( read( "README.md" ).contains( "jep==" + version ) );
		assertEquals( version, find( "(?m)^jep==(\\S+)", read( "src/build/python/requirements.txt" ) ) );
	}

	private static List< String > blocks( final String language ) throws IOException
	{
		final List< String > blocks = new ArrayList<>();
		final Matcher block = Pattern.compile( "(?s)```" + language + "\n(.*?)\n```" ).matcher( read( "README.md" ) );
		while ( block.find() )
			blocks.add( block.group( 1 ) );
		return blocks;
	}

	private static String find( final String pattern, final String text )
	{
		final Matcher matcher = Pattern.compile( pattern ).matcher( text );
		assertTrue( matcher.find(), pattern );
		return matcher.group( 1 );
	}

	private static String packed( final String text )
	{
		return text.replaceAll( "\\s+", "" );
	}
}
