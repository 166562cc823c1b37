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

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.StringWriter;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import javax.tools.JavaCompiler;
import javax.tools.ToolProvider;

import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

import groovy.lang.Binding;
import groovy.lang.GroovyShell;
import net.imglib2.RandomAccessibleInterval;
import net.imglib2.img.array.ArrayImgs;
import net.imglib2.type.numeric.real.FloatType;

/**
 * Runs and checks the code blocks of the README as they are.
 */
@Tag( "each-mode" )
class ReadmeTest
{
	private static final Path ROOT = Paths.get( System.getProperty( "project.basedir" ) );

	@TempDir
	private Path folder;

	@TestFactory
	Stream< DynamicTest > javaBlocksCompileAndRun() throws IOException
	{
		final List< String > blocks = blocks( "java" );
		assertFalse( blocks.isEmpty() );
		return blocks.stream().map( block -> DynamicTest.dynamicTest( block.lines().filter( line -> !line.isBlank() && !line.startsWith( "import" ) ).findFirst().get(),
				() -> run( block ) ) );
	}

	@Test
	void fijiScriptRuns() throws IOException
	{
		final String script = blocks( "groovy" ).stream().filter( block -> block.startsWith( "#@" ) ).findFirst().get();
		final Binding binding = new Binding();
		final float[] pixels = new float[ 60 * 15 * 35 ];
		Arrays.fill( pixels, 3 );
		binding.setVariable( "input", ArrayImgs.floats( pixels, 60, 15, 35 ) );
		binding.setVariable( "environment", ChildJvm.testPython().getParent().getParent().toFile() );
		new GroovyShell( binding ).evaluate( script.replaceAll( "(?m)^#@.*$", "" ) );
		@SuppressWarnings( "unchecked" )
		final RandomAccessibleInterval< FloatType > result = ( RandomAccessibleInterval< FloatType > ) binding.getVariable( "result" );
		assertEquals( 3, result.getAt( 59, 14, 34 ).get(), 1e-5 );
		( ( PythonCacheLoaderQueue ) binding.getVariable( "queue" ) ).close();
	}

	@Test
	void dependenciesAreThoseOfTheExamples() throws IOException
	{
		final String maven = packed( read( "examples/maven-app/pom.xml" ).replace( "${imglib2-cache-python.version}", "0.1.0-SNAPSHOT" ) );
		for ( final String block : blocks( "xml" ) )
			for ( final String dependency : block.split( "(?<=</dependency>)" ) )
				assertTrue( maven.contains( packed( dependency ) ), dependency );
		final String gradle = packed( read( "examples/gradle-app/build.gradle" ) );
		final String block = blocks( "groovy" ).stream().filter( text -> text.startsWith( "repositories" ) ).findFirst().get();
		for ( final String line : block.split( "\n" ) )
			assertTrue( gradle.contains( packed( line ) ), line );
	}

	@Test
	void jepIsTheOneOfTheBuild() throws IOException
	{
		final String version = find( "<ninia-jep.version>(.*)</ninia-jep.version>", read( "pom.xml" ) );
		final String readme = read( "README.md" );
		assertTrue( readme.contains( "jep-" + version + ".jar" ) );
		assertTrue( readme.contains( "jep==" + version ) );
		assertEquals( version, find( "(?m)^jep==(\\S+)", read( "src/build/python/requirements.txt" ) ) );
	}

	@Test
	void linksLeadToFiles() throws IOException
	{
		final Matcher link = Pattern.compile( "]\\(([^)]+)\\)" ).matcher( read( "README.md" ) );
		while ( link.find() )
		{
			if ( link.group( 1 ).startsWith( "http" ) )
				continue;
			final String[] fileAndHeading = link.group( 1 ).split( "#" );
			final String file = fileAndHeading[ 0 ].isEmpty() ? "README.md" : fileAndHeading[ 0 ];
			assertTrue( Files.exists( ROOT.resolve( file ) ), link.group( 1 ) );
			if ( fileAndHeading.length > 1 )
				assertTrue( read( file ).lines().anyMatch( line -> line.startsWith( "#" )
						&& line.replaceFirst( "#+ ", "" ).toLowerCase().replaceAll( "[^\\w -]", "" ).replace( ' ', '-' ).equals( fileAndHeading[ 1 ] ) ), link.group( 1 ) );
		}
	}

	private void run( final String block ) throws Exception
	{
		final List< String > imports = block.lines().filter( line -> line.startsWith( "import" ) ).collect( Collectors.toList() );
		final String body = block.lines().filter( line -> !line.startsWith( "import" ) ).collect( Collectors.joining( "\n" ) );
		final Path source = folder.resolve( "Snippet.java" );
		Files.writeString( source, String.join( "\n", imports ) + "\npublic class Snippet { public static void run() throws Exception {\n" + body + "\n} }" );
		final JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
		final StringWriter messages = new StringWriter();
		final List< String > options = Arrays.asList( "--release", "8", "-Xlint:-options", "-d", folder.toString(), "-classpath", System.getProperty( "java.class.path" ) );
		final boolean compiled = compiler.getTask( messages, null, null, options, null, compiler.getStandardFileManager( null, null, null ).getJavaFileObjects( source ) ).call();
		assertTrue( compiled, messages + "\n" + block );
		try (final URLClassLoader loader = new URLClassLoader( new URL[] { folder.toUri().toURL() } ))
		{
			loader.loadClass( "Snippet" ).getMethod( "run" ).invoke( null );
		}
	}

	private static List< String > blocks( final String language ) throws IOException
	{
		final List< String > blocks = new ArrayList<>();
		final Matcher block = Pattern.compile( "(?s)```" + language + "\n(.*?)\n```" ).matcher( read( "README.md" ) );
		while ( block.find() )
			blocks.add( block.group( 1 ) );
		return blocks;
	}

	private static String read( final String path ) throws IOException
	{
		return Files.readString( ROOT.resolve( path ) );
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
