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
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.StringWriter;
import java.lang.reflect.InvocationTargetException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
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
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;

import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import groovy.lang.Binding;
import groovy.lang.GroovyShell;
import net.imglib2.RandomAccessibleInterval;
import net.imglib2.img.array.ArrayImgs;
import net.imglib2.type.numeric.real.FloatType;

/**
 * Runs the code of the README and of the pages in {@code doc}, as it is, and follows their
 * links.
 * <p>
 * A block of Java that begins with imports begins a program; the blocks after it, on the same
 * page, continue it. A program must print what the comment behind a {@code println} says, and
 * the lines of {@code text} blocks, in their order; {@code …} stands for anything. A block
 * that needs what is not on the class path says so: {@code java needs-bigdataviewer}. A
 * program whose first block says {@code java needs-python-torch} is skipped if the tests'
 * Python has no module of this name, and in sub-interpreters.
 */
@Tag( "each-mode" )
class DocumentationTest
{
	static final Path ROOT = Paths.get( System.getProperty( "project.basedir" ) );

	private static final Pattern BLOCK = Pattern.compile( "(?ms)^```(java|text)(?: needs-python-(\\w+))?\n(.*?)\n```$" );

	private static final Pattern SCRIPT = Pattern.compile( "(?ms)^```groovy\n(#@.*?)\n```$" );

	private static final Pattern PRINTED = Pattern.compile( "(?m)System\\.out\\.println\\(.*\\);\\s*// (.+)$" );

	@TempDir
	private static Path folder;

	@TestFactory
	Stream< DynamicTest > programsRun() throws Exception
	{
		final List< Program > programs = new ArrayList<>();
		for ( final String page : pages() )
			programs.addAll( programs( page ) );
		assertFalse( programs.isEmpty() );
		compile( programs );
		final URLClassLoader loader = new URLClassLoader( new URL[] { folder.toUri().toURL() } );
		return programs.stream().map( program -> DynamicTest.dynamicTest( program.name, () -> program.run( loader ) ) );
	}

	@TestFactory
	Stream< DynamicTest > scriptsRun() throws IOException
	{
		final List< DynamicTest > scripts = new ArrayList<>();
		for ( final String page : pages() )
		{
			final Matcher block = SCRIPT.matcher( read( page ) );
			while ( block.find() )
			{
				final String script = block.group( 1 );
				scripts.add( DynamicTest.dynamicTest( page + " " + scripts.size(), () -> runScript( script ) ) );
			}
		}
		assertFalse( scripts.isEmpty() );
		return scripts.stream();
	}

	@ParameterizedTest
	@MethodSource( "pages" )
	void linksLeadToFiles( final String page ) throws IOException
	{
		final Path here = Paths.get( page );
		final Matcher link = Pattern.compile( "]\\(([^)\\s]+)\\)" ).matcher( read( page ) );
		while ( link.find() )
		{
			if ( link.group( 1 ).startsWith( "http" ) )
				continue;
			final String[] fileAndHeading = link.group( 1 ).split( "#" );
			final Path file = fileAndHeading[ 0 ].isEmpty() ? here : here.resolveSibling( fileAndHeading[ 0 ] ).normalize();
			assertTrue( Files.exists( ROOT.resolve( file ) ), link.group( 1 ) );
			if ( fileAndHeading.length > 1 )
				assertTrue( read( file.toString() ).lines().anyMatch( line -> line.startsWith( "#" )
						&& line.replaceFirst( "#+ ", "" ).toLowerCase().replaceAll( "[^\\w -]", "" ).replace( ' ', '-' ).equals( fileAndHeading[ 1 ] ) ), link.group( 1 ) );
		}
	}

	@Test
	void picturesAreSmall() throws IOException
	{
		try ( final Stream< Path > pictures = Files.list( ROOT.resolve( "doc/images" ) ) )
		{
			for ( final Path picture : pictures.collect( Collectors.toList() ) )
			{
				assertTrue( Files.size( picture ) < 150_000, picture + " is large" );
				final String name = picture.getFileName().toString();
				assertTrue( pages().stream().anyMatch( page -> readUnchecked( page ).contains( "images/" + name ) ), picture + " is on no page" );
			}
		}
	}

	static List< String > pages() throws IOException
	{
		final List< String > pages = new ArrayList<>();
		pages.add( "README.md" );
		for ( final String folder : Arrays.asList( "doc/", "doc/tasks/" ) )
			try ( final Stream< Path > files = Files.list( ROOT.resolve( folder ) ) )
			{
				files.map( file -> folder + file.getFileName() ).filter( file -> file.endsWith( ".md" ) ).sorted().forEach( pages::add );
			}
		return pages;
	}

	static String read( final String page ) throws IOException
	{
		return Files.readString( ROOT.resolve( page ) );
	}

	private static String readUnchecked( final String page )
	{
		try
		{
			return read( page );
		}
		catch ( final IOException e )
		{
			throw new AssertionError( e );
		}
	}

	private static List< Program > programs( final String page ) throws IOException
	{
		final List< Program > programs = new ArrayList<>();
		final Matcher block = BLOCK.matcher( read( page ) );
		while ( block.find() )
		{
			final boolean isJava = block.group( 1 ).equals( "java" );
			final String text = block.group( 3 );
			if ( isJava && text.startsWith( "import " ) )
				programs.add( new Program( page, programs.size() + 1, block.group( 2 ) ) );
			assertFalse( programs.isEmpty(), page + " has a block before the first imports:\n" + text );
			final Program program = programs.get( programs.size() - 1 );
			if ( isJava )
				program.add( text );
			else
				text.lines().forEach( program.prints::add );
		}
		return programs;
	}

	private static void compile( final List< Program > programs ) throws IOException
	{
		final List< Path > sources = new ArrayList<>();
		for ( final Program program : programs )
			sources.add( Files.writeString( folder.resolve( program.className + ".java" ), program.source() ) );
		final JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
		final StringWriter messages = new StringWriter();
		final List< String > options = Arrays.asList( "--release", "8", "-Xlint:-options", "-d", folder.toString(), "-classpath", System.getProperty( "java.class.path" ) );
		try ( final StandardJavaFileManager files = compiler.getStandardFileManager( null, null, StandardCharsets.UTF_8 ) )
		{
			assertTrue( compiler.getTask( messages, files, null, options, null, files.getJavaFileObjectsFromPaths( sources ) ).call(), messages::toString );
		}
	}

	private static void requireModule( final String module ) throws Exception
	{
		try ( final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue( 1 ) )
		{
			assumeTrue( PythonEnvironment.getDefault().getMode() != InterpreterMode.SUB, module + " may not work in sub-interpreters" );
			final boolean isThere = queue.submit( python -> python.getValue( "__import__('importlib.util').util.find_spec('" + module + "') is not None", Boolean.class ) ).get();
			assumeTrue( isThere, "the tests' Python has no module " + module + ": install it, to run this program" );
		}
	}

	private static void runScript( final String script )
	{
		final Binding binding = new Binding();
		final float[] pixels = new float[ 60 * 15 * 35 ];
		Arrays.fill( pixels, 3 );
		binding.setVariable( "input", ArrayImgs.floats( pixels, 60, 15, 35 ) );
		binding.setVariable( "environment", ChildJvm.testPython().getParent().getParent().toFile() );
		new GroovyShell( binding ).evaluate( script.replaceAll( "(?m)^#@.*$", "" ) );
		@SuppressWarnings( "unchecked" )
		final RandomAccessibleInterval< FloatType > result = ( RandomAccessibleInterval< FloatType > ) binding.getVariable( "result" );
		assertEquals( 3, result.getAt( 59, 14, 34 ).get(), 1e-5 );
	}

	private static final class Program
	{
		final String name;

		final String className;

		/**
		 * Python module without which it does not run, or {@code null}.
		 */
		final String module;

		/**
		 * Lines that it has to print.
		 */
		final List< String > prints = new ArrayList<>();

		private final List< String > imports = new ArrayList<>();

		private final List< String > body = new ArrayList<>();

		Program( final String page, final int number, final String module )
		{
			this.module = module;
			name = page + " " + number;
			className = page.replaceAll( "\\W", "_" ) + number;
		}

		void add( final String block )
		{
			block.lines().forEach( line -> ( line.startsWith( "import " ) ? imports : body ).add( line ) );
			final Matcher printed = PRINTED.matcher( block );
			while ( printed.find() )
				prints.add( printed.group( 1 ) );
		}

		String source()
		{
			return String.join( "\n", imports ) + "\npublic class " + className + " { public static void run() throws Exception {\n" + String.join( "\n", body ) + "\n} }";
		}

		void run( final ClassLoader loader ) throws Exception
		{
			if ( module != null )
				requireModule( module );
			final PrintStream out = System.out;
			final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
			System.setOut( new PrintStream( bytes, true, "UTF-8" ) );
			try
			{
				loader.loadClass( className ).getMethod( "run" ).invoke( null );
			}
			catch ( final InvocationTargetException e )
			{
				throw new AssertionError( name + " failed, after it has printed:\n" + bytes.toString( "UTF-8" ), e.getCause() );
			}
			finally
			{
				System.setOut( out );
			}
			final String printed = bytes.toString( "UTF-8" );
			int missing = 0;
			for ( final String line : printed.split( "\\R" ) )
				if ( missing < prints.size() && line.trim().matches( Arrays.stream( prints.get( missing ).trim().split( "…", -1 ) ).map( Pattern::quote ).collect( Collectors.joining( ".*" ) ) ) )
					++missing;
			if ( missing < prints.size() )
				throw new AssertionError( name + " has to print \"" + prints.get( missing ) + "\", but it printed:\n" + printed );
		}
	}
}
