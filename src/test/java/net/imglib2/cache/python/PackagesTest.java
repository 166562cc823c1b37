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

import static java.util.stream.Collectors.toCollection;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.spi.ToolProvider;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.scijava.log.LogService;

import jep.DirectNDArray;

/**
 * Which package may use which. Read from the compiled classes by {@code jdeps}.
 */
class PackagesTest
{
	/**
	 * What each package may use besides itself. A line has only names of lines above
	 * it, so there are no cycles. The public package may use all of them but the last one,
	 * which is above it.
	 */
	private static final String MAY_USE = """
			type:
			trust:
			environment: trust
			block:       type
			protocol:    block trust type
			worker:      block protocol trust
			embedded:    block environment protocol trust type worker
			process:     block environment protocol trust type worker
			image:       block protocol type worker
			scijava:     worker
			""";

	/**
	 * Above the public package, which must not know it. It alone may use {@code org.scijava},
	 * which need not be there.
	 */
	private static final String ABOVE = "scijava";

	/**
	 * What all packages may use of the public one, besides exceptions: values,
	 * interfaces that users implement, and the cache that users can choose.
	 */
	private static final Set< String > PUBLIC_FOR_ALL = Set.of(
			"Halo",
			"InputGenerator",
			"InputWay",
			"InterpreterMode",
			"PythonEnvironment",
			"PythonInterpreter",
			"PythonLoaderOptions",
			"PythonProgress",
			"PythonTask",
			"WeightBoundedLoaderCache" );

	/**
	 * Who may use Jep: the backend, and the interface whose public signature has one
	 * of Jep's types.
	 */
	private static final Set< String > MAY_USE_JEP = Set.of( "embedded", "InputGenerator" );

	private static final String ROOT = "net.imglib2.cache.python.";

	private static final Pattern LINE_OF_JDEPS = Pattern.compile( " +(\\S+) +-> (\\S+) .*" );

	@TempDir
	Path folder;

	@Test
	void packagesUseOnlyWhatTheyMay() throws Exception
	{
		assertEquals( "", lines( violations( folderOf( PythonCacheLoader.class ) ) ),
				"See the table in this test, and CONTRIBUTING.md. If the direction is wrong, move the code or invert the dependency by an interface." );
	}

	@Test
	void everyPackageIsInTheTable() throws Exception
	{
		final Set< String > packages = dependencies( folderOf( PythonCacheLoader.class ) ).stream().map( dependency -> packageOf( dependency.from ) ).collect( toCollection( TreeSet::new ) );
		packages.remove( "" );
		assertEquals( new TreeSet<>( mayUse().keySet() ), packages );
	}

	/**
	 * Of classes that do all that is forbidden, and the like that is allowed.
	 */
	@Test
	void whatIsForbiddenIsFound() throws Exception
	{
		final Path classes = compile( Map.of(
				"block/Wrong.java", "package net.imglib2.cache.python.block; class Wrong { class Inner { net.imglib2.cache.python.worker.BlockTask upwards; } }",
				"type/Wrong.java", "package net.imglib2.cache.python.type; class Wrong { java.util.List< net.imglib2.cache.python.block.BlockArray > inGenerics; jep.DirectNDArray< ? > jep; }",
				"trust/Wrong.java", "package net.imglib2.cache.python.trust; class Wrong { String constant = net.imglib2.cache.python.PythonTrust.FILE_PROPERTY; Object jep() { return new jep.JepConfig(); } }",
				"unknown/Wrong.java", "package net.imglib2.cache.python.unknown; class Wrong extends net.imglib2.cache.python.PythonException { Wrong() { super( null ); } Object o = net.imglib2.cache.python.type.PixelType.class; }",
				"image/Right.java", "package net.imglib2.cache.python.image; class Right { net.imglib2.cache.python.worker.BlockTask down; net.imglib2.cache.python.Halo value; net.imglib2.cache.python.PythonCellException exception; }",
				"Wrong.java", "package net.imglib2.cache.python; class Wrong { net.imglib2.cache.python.scijava.ApplyPython above; }",
				"worker/Wrong.java", "package net.imglib2.cache.python.worker; class Wrong { org.scijava.log.LogService log; }",
				"scijava/Wrong.java", "package net.imglib2.cache.python.scijava; class Wrong { net.imglib2.cache.python.environment.KnownProperties below; }",
				"scijava/Right.java", "package net.imglib2.cache.python.scijava; class Right { org.scijava.log.LogService log; net.imglib2.cache.python.PythonSummary summary; net.imglib2.cache.python.worker.WorkerPool pool; }",
				"embedded/Right.java", "package net.imglib2.cache.python.embedded; class Right { jep.DirectNDArray< ? > jep; }" ) );
		assertEquals( lines( Set.of(
				"Wrong -> scijava.ApplyPython",
				"worker.Wrong -> org.scijava.log.LogService",
				"scijava.Wrong -> environment.KnownProperties",
				"block.Wrong -> worker.BlockTask",
				"trust.Wrong -> PythonTrust",
				"trust.Wrong -> jep.JepConfig",
				"type.Wrong -> block.BlockArray",
				"type.Wrong -> jep.DirectNDArray",
				"unknown.Wrong -> type.PixelType" ) ), lines( violations( classes ) ) );
	}

	private record Dependency( String from, String to )
	{
		boolean isAllowed()
		{
			final String user = packageOf( from );
			if ( to.startsWith( "jep." ) )
				return MAY_USE_JEP.contains( user ) || MAY_USE_JEP.contains( from );
			if ( to.startsWith( "org.scijava." ) )
				return user.equals( ABOVE );
			final String used = packageOf( to );
			if ( used.equals( user ) )
				return true;
			if ( user.isEmpty() )
				return !used.equals( ABOVE );
			if ( used.isEmpty() )
				return user.equals( ABOVE ) || to.endsWith( "Exception" ) || PUBLIC_FOR_ALL.contains( to );
			return mayUse().getOrDefault( user, Set.of() ).contains( used );
		}

		@Override
		public String toString()
		{
			return from + " -> " + to;
		}
	}

	private static Map< String, Set< String > > mayUse()
	{
		final Map< String, Set< String > > table = new LinkedHashMap<>();
		MAY_USE.lines().forEach( line -> {
			final String[] parts = line.split( ":" );
			final Set< String > used = parts.length == 1 ? Set.of() : Set.of( parts[ 1 ].trim().split( " " ) );
			if ( !table.keySet().containsAll( used ) )
				throw new AssertionError( "'" + line + "' names what is not above it" );
			table.put( parts[ 0 ], used );
		} );
		return table;
	}

	private static Set< String > violations( final Path classes )
	{
		return dependencies( classes ).stream().filter( dependency -> !dependency.isAllowed() ).map( Dependency::toString ).collect( toCollection( TreeSet::new ) );
	}

	/**
	 * Of this library's classes on each other, on Jep and on SciJava. A nested class counts as
	 * the class that it is in; names are without those of the public package.
	 */
	private static List< Dependency > dependencies( final Path classes )
	{
		final List< Dependency > found = new ArrayList<>();
		for ( final String line : run( "jdeps", "-verbose:class", "-filter:none", classes.toString() ).split( "\\R" ) )
		{
			final Matcher matcher = LINE_OF_JDEPS.matcher( line );
			if ( matcher.matches() && matcher.group( 1 ).startsWith( ROOT ) && ( matcher.group( 2 ).startsWith( ROOT ) || matcher.group( 2 ).startsWith( "jep." ) || matcher.group( 2 ).startsWith( "org.scijava." ) ) )
				found.add( new Dependency( shortName( matcher.group( 1 ) ), shortName( matcher.group( 2 ) ) ) );
		}
		return found;
	}

	private static String shortName( final String name )
	{
		return name.replace( ROOT, "" ).replaceFirst( "\\$.*", "" );
	}

	private static String packageOf( final String name )
	{
		return name.substring( 0, Math.max( 0, name.lastIndexOf( '.' ) ) );
	}

	private static String lines( final Set< String > lines )
	{
		return String.join( "\n", new TreeSet<>( lines ) );
	}

	private Path compile( final Map< String, String > sources ) throws IOException, URISyntaxException
	{
		final Path classes = Files.createDirectory( folder.resolve( "classes" ) );
		final String classPath = String.join( System.getProperty( "path.separator" ), folderOf( PythonCacheLoader.class ).toString(), folderOf( DirectNDArray.class ).toString(), folderOf( LogService.class ).toString() );
		final List< String > arguments = new ArrayList<>( List.of( "-proc:none", "-nowarn", "-cp", classPath, "-d", classes.toString() ) );
		for ( final Map.Entry< String, String > source : sources.entrySet() )
		{
			final Path file = folder.resolve( source.getKey() );
			Files.createDirectories( file.getParent() );
			arguments.add( Files.writeString( file, source.getValue() ).toString() );
		}
		run( "javac", arguments.toArray( new String[ 0 ] ) );
		return classes;
	}

	private static Path folderOf( final Class< ? > type ) throws URISyntaxException
	{
		return Paths.get( type.getProtectionDomain().getCodeSource().getLocation().toURI() );
	}

	private static String run( final String tool, final String... arguments )
	{
		final StringWriter output = new StringWriter();
		final PrintWriter writer = new PrintWriter( output );
		final int code = ToolProvider.findFirst( tool ).orElseThrow().run( writer, writer, arguments );
		assertEquals( 0, code, () -> tool + ": " + output );
		return output.toString();
	}
}
