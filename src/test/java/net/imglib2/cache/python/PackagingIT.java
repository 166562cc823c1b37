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
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.DataInputStream;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.jar.JarOutputStream;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The contents of the jars, and that the library runs from them. The system properties
 * {@code main.jar} and {@code subset.jar} name them; the latter file does not exist if the
 * build uses the released imglib2-cache.
 */
class PackagingIT
{
	private static final String MARKER = "META-INF/imglib2-cache-subset";

	private static final String PYTHON_PACKAGE = "META-INF/python/imglib2_cache_python/";

	/**
	 * Class file version of Java 8.
	 */
	private static final int CLASS_FILE_VERSION = 52;

	private static final int OLDEST_THAT_WARNS = 24;

	private static final String[] OPTIONS = { "--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow" };

	@TempDir
	Path folder;

	@Test
	void mainJarHasTheLibraryAndNothingElse() throws IOException
	{
		final Set< String > entries = entries( mainJar() );
		assertTrue( entries.contains( "net/imglib2/cache/python/PythonCacheLoader.class" ), entries.toString() );
		assertTrue( entries.contains( "net/imglib2/cache/python/worker/WorkerPool.class" ), entries.toString() );
		assertEquals( List.of(), entries.stream().filter( name -> name.endsWith( ".class" ) && !name.startsWith( "net/imglib2/cache/python/" ) ).toList() );
		assertEquals( List.of(), entries.stream().filter( name -> !name.startsWith( "net/imglib2/cache/python/" ) && !name.startsWith( "META-INF/" ) ).toList() );
		assertEquals( List.of(), entries.stream().filter( name -> name.matches( ".*(Test|IT|ChildJvm|SmokeMain|Benchmark)(\\$.*)?\\.class" ) ).toList() );
		assertFalse( entries.contains( MARKER ) );
		try (final JarFile jar = new JarFile( mainJar().toFile() ))
		{
			assertEquals( "net.imglib2.cache.python", jar.getManifest().getMainAttributes().getValue( "Automatic-Module-Name" ) );
			// It would put the subset on the class path of whoever has installed this library, beside the released imglib2-cache.
			assertNull( jar.getManifest().getMainAttributes().getValue( Attributes.Name.CLASS_PATH ) );
		}
	}

	@Test
	void mainJarHasThePythonHalfWithoutCompiledFiles() throws IOException
	{
		final Path sources = Paths.get( System.getProperty( "basedir", "" ), "src", "main", "python", "imglib2_cache_python" );
		final Set< String > expected = new TreeSet<>();
		try (final Stream< Path > files = Files.walk( sources ))
		{
			files.map( file -> sources.relativize( file ).toString().replace( '\\', '/' ) ).filter( name -> name.matches( ".*\\.(py|txt|typed)" ) ).forEach( name -> expected.add( PYTHON_PACKAGE + name ) );
		}
		assertTrue( expected.contains( PYTHON_PACKAGE + "__init__.py" ), expected.toString() );
		final Set< String > actual = entries( mainJar() ).stream().filter( name -> name.startsWith( "META-INF/python/" ) ).collect( Collectors.toCollection( TreeSet::new ) );
		assertEquals( expected, actual );
	}

	@Test
	void subsetJarHasImglib2CacheAndNothingOfThisLibrary() throws IOException
	{
		final Set< String > entries = entries( subsetJar() );
		assertTrue( entries.contains( MARKER ), entries.toString() );
		assertTrue( entries.contains( "net/imglib2/cache/CacheLoader.class" ), entries.toString() );
		assertTrue( entries.contains( "net/imglib2/cache/img/CachedCellImg.class" ), entries.toString() );
		assertTrue( entries.contains( "net/imglib2/cache/ref/GuardedStrongRefLoaderCache.class" ), entries.toString() );
		assertEquals( List.of(), entries.stream().filter( name -> name.startsWith( "net/imglib2/cache/python/" ) || name.startsWith( "META-INF/python/" ) ).toList() );
		assertEquals( List.of(), entries.stream().filter( name -> !name.startsWith( "net/imglib2/cache/" ) && !name.startsWith( "META-INF/" ) ).toList() );
	}

	@Test
	void classesRunOnJava8() throws IOException
	{
		requireClassFileVersion( mainJar() );
		requireClassFileVersion( subsetJar() );
	}

	@ParameterizedTest
	@EnumSource( value = InterpreterMode.class, names = { "SUB", "SHARED", "PROCESS" } )
	void libraryRunsFromItsJar( final InterpreterMode mode ) throws Exception
	{
		final List< Path > jars = new ArrayList<>( List.of( mainJar() ) );
		if ( Files.exists( property( "subset.jar" ) ) )
			jars.add( subsetJar() );
		ChildJvm.of( SmokeMain.class ).withClassPath( classPath( jars ) ).withPython( ChildJvm.testPython() ).withMode( mode ).run().requireExitCode( 0 )
				.requireOutput( "mode=" + mode, "done" );
	}

	@Test
	void libraryRunsWithTheReleasedImglib2CacheInsteadOfTheSubset() throws Exception
	{
		final Path released = releasedJar( "imglib2-cache-1.0.0-beta-20.jar" );
		final Path again = releasedJar( "imglib2-cache-1.0.0-beta-19.jar" );
		ChildJvm.of( SmokeMain.class ).withClassPath( classPath( List.of( mainJar(), released, again ) ) ).withPython( ChildJvm.testPython() ).run().requireExitCode( 0 )
				.requireOutput( "done" );
	}

	@Test
	void subsetBesideTheReleasedImglib2CacheIsRefused() throws Exception
	{
		final Path released = releasedJar( "imglib2-cache-1.0.0-beta-20.jar" );
		ChildJvm.of( AttemptsMain.class ).withClassPath( classPath( List.of( mainJar(), subsetJar(), released ) ) ).withPython( ChildJvm.testPython() ).run( "default" )
				.requireExitCode( 0 ).requireOutput( "refused: imglib2-cache is on the class path twice: " + released.toUri().toURL() + " and the subset of it in "
						+ subsetJar().toUri().toURL() + ". Remove one" );
	}

	@Test
	void doctorRunsFromTheJarBesideItsDependencies() throws Exception
	{
		final Path jars = Files.createDirectory( folder.resolve( "jars" ) );
		for ( final String entry : classPath( List.of( subsetJar() ) ).split( File.pathSeparator ) )
			if ( entry.matches( ".*\\b(imglib2-|caffeine-|jep-)[^/]*\\.jar" ) )
				Files.copy( Paths.get( entry ), jars.resolve( Paths.get( entry ).getFileName() ) );
		final ChildJvm.Result result = ChildJvm.ofJar( Files.copy( mainJar(), jars.resolve( mainJar().getFileName() ) ) ).run( ChildJvm.testPython().toString(), "--import", "scipy" ).requireExitCode( 0 );
		result.requireOutput( "SHARED                works: ", "PROCESS               works: ", " scipy ", "This Python can be used." );
		ChildJvm.ofJar( jars.resolve( mainJar().getFileName() ) ).run( folder.resolve( "missing" ).toString() ).requireExitCode( 1 ).requireOutput( "PROBLEM: No Python at " );
		Files.delete( jars.resolve( subsetJar().getFileName() ) );
		ChildJvm.ofJar( jars.resolve( mainJar().getFileName() ) ).run( "--help" ).requireExitCode( 1 )
				.requireOutput( "these jars of imglib2-cache-python are missing:\n  " + subsetJar().getFileName() + "\nPut them into " + jars.toRealPath() + " (" );
	}

	@Test
	void doctorNamesAllJarsThatAreMissing() throws Exception
	{
		final Path jar = Files.copy( mainJar(), folder.resolve( mainJar().getFileName() ) );
		final Matcher missing = Pattern.compile( "are missing:\n((?:  \\S+\n)+)" ).matcher( ChildJvm.ofJar( jar ).run( "--help" ).requireExitCode( 1 ).output );
		assertTrue( missing.find() );
		// By the names that they have here.
		final List< String > all = Arrays.asList( ( System.getProperty( "java.class.path" ) + File.pathSeparator + property( "subset.jar" ) ).split( File.pathSeparator ) );
		for ( final String name : missing.group( 1 ).trim().split( "\\s+" ) )
			assertTrue( all.stream().anyMatch( path -> path.endsWith( File.separator + name ) ), name );
		assertEquals( 3, missing.group( 1 ).trim().split( "\\s+" ).length );
	}

	/**
	 * With the options that the README names.
	 */
	@ParameterizedTest
	@EnumSource( value = InterpreterMode.class, names = { "SHARED", "PROCESS" } )
	void newestJavaGivesNoWarning( final InterpreterMode mode ) throws Exception
	{
		final List< Path > jars = new ArrayList<>( List.of( mainJar() ) );
		if ( Files.exists( property( "subset.jar" ) ) )
			jars.add( subsetJar() );
		final ChildJvm.Result result = ChildJvm.of( SmokeMain.class ).withJava( newestJava(), OPTIONS ).withClassPath( classPath( jars ) ).withPython( ChildJvm.testPython() ).withMode( mode ).run().requireExitCode( 0 );
		result.requireOutput( "mode=" + mode, "done" );
		assertFalse( result.output.toLowerCase().contains( "warning" ), result.output );
	}

	/**
	 * @return the JDK that the property {@code newest.jdk} names, else the newest one that lies
	 *         beside this one
	 */
	private static Path newestJava() throws IOException
	{
		if ( System.getProperty( "newest.jdk" ) != null )
			return Paths.get( System.getProperty( "newest.jdk" ) );
		final Path own = Paths.get( System.getProperty( "java.home" ) ).toRealPath();
		final Pattern version = Pattern.compile( "(?m)^JAVA_VERSION=\"(\\d+)" );
		final Map< Integer, Path > found = new TreeMap<>();
		try (final Stream< Path > homes = Files.list( own.getParent() ))
		{
			for ( final Path home : homes.filter( folder -> Files.isRegularFile( folder.resolve( "release" ) ) ).toList() )
			{
				final Matcher matcher = version.matcher( Files.readString( home.resolve( "release" ) ) );
				if ( matcher.find() )
					found.put( Integer.parseInt( matcher.group( 1 ) ), home );
			}
		}
		found.keySet().removeIf( number -> number < OLDEST_THAT_WARNS );
		assumeTrue( !found.isEmpty(), "there is no JDK " + OLDEST_THAT_WARNS + " or newer in " + own.getParent() + ": -Dnewest.jdk=/path/to/jdk names one" );
		return found.get( Collections.max( found.keySet() ) );
	}

	private static Path mainJar()
	{
		return property( "main.jar" );
	}

	private static Path subsetJar()
	{
		final Path jar = property( "subset.jar" );
		assumeTrue( Files.exists( jar ), "there is no " + jar + ": the released imglib2-cache is used" );
		return jar;
	}

	private static Path property( final String name )
	{
		final String value = System.getProperty( name );
		if ( value == null )
			throw new AssertionError( "the system property " + name + " is not set: mvn verify does so" );
		return Paths.get( value ).toAbsolutePath();
	}

	/**
	 * @return a jar with the classes of the subset, but without the file that marks it as the
	 *         subset
	 */
	private Path releasedJar( final String name ) throws IOException
	{
		final Path file = folder.resolve( name );
		try (final JarFile from = new JarFile( subsetJar().toFile() ); final JarOutputStream to = new JarOutputStream( Files.newOutputStream( file ) ))
		{
			for ( final JarEntry entry : Collections.list( from.entries() ) )
				if ( !entry.getName().equals( MARKER ) )
				{
					to.putNextEntry( new JarEntry( entry.getName() ) );
					from.getInputStream( entry ).transferTo( to );
				}
		}
		return file;
	}

	/**
	 * @return the jars, their dependencies without those that need not be there, and the tests
	 */
	private static String classPath( final List< Path > jars ) throws Exception
	{
		final List< String > entries = new ArrayList<>();
		jars.forEach( jar -> entries.add( jar.toString() ) );
		for ( final String entry : System.getProperty( "java.class.path" ).split( File.pathSeparator ) )
		{
			final String name = Paths.get( entry ).getFileName().toString();
			if ( name.endsWith( ".jar" ) && !name.matches( "(imglib2-cache-python|scijava-common|parsington|progressbar)-.*" ) )
				entries.add( entry );
		}
		entries.add( Paths.get( SmokeMain.class.getProtectionDomain().getCodeSource().getLocation().toURI() ).toString() );
		return String.join( File.pathSeparator, entries );
	}

	private static void requireClassFileVersion( final Path file ) throws IOException
	{
		try (final JarFile jar = new JarFile( file.toFile() ))
		{
			for ( final JarEntry entry : Collections.list( jar.entries() ) )
				if ( entry.getName().endsWith( ".class" ) )
					try (final DataInputStream in = new DataInputStream( jar.getInputStream( entry ) ))
					{
						in.readInt();
						in.readUnsignedShort();
						assertEquals( CLASS_FILE_VERSION, in.readUnsignedShort(), entry.getName() );
					}
		}
	}

	/**
	 * @return names of all files in a jar
	 */
	private static Set< String > entries( final Path file ) throws IOException
	{
		try (final JarFile jar = new JarFile( file.toFile() ))
		{
			return jar.stream().filter( entry -> !entry.isDirectory() ).map( JarEntry::getName ).collect( Collectors.toCollection( TreeSet::new ) );
		}
	}
}
