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

import static org.junit.jupiter.api.Assumptions.abort;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * Pythons for tests: those of this machine, and some that are made in a folder of parts of
 * {@link ChildJvm#testPython()}.
 */
public final class TestPythons
{
	/**
	 * Enough to make an environment whose packages must be compiled.
	 */
	private static final long TIMEOUT_SECONDS = 600;

	private static final Path PROJECT = Paths.get( System.getProperty( "basedir", "" ) ).toAbsolutePath();

	private static Boolean supportsSub;

	private TestPythons()
	{}

	/**
	 * @return an environment of {@link ChildJvm#testPython()} without any package
	 */
	public static Path bareVenv( final Path folder ) throws IOException, InterruptedException
	{
		run( ChildJvm.testPython(), "-I", "-m", "venv", "--without-pip", folder.toString() );
		return folder;
	}

	/**
	 * @return an environment of {@link ChildJvm#testPython()} with some of its
	 *         packages
	 */
	public static Path venvWith( final Path folder, final String... packages ) throws IOException, InterruptedException
	{
		return link( bareVenv( folder ), packages );
	}

	/**
	 * Adds packages of {@link ChildJvm#testPython()} to an environment of the same
	 * Python.
	 *
	 * @return the environment
	 */
	public static Path link( final Path venv, final String... packages ) throws IOException, InterruptedException
	{
		linkPackages( sitePackages( ChildJvm.testPython() ), sitePackages( executable( venv ) ), packages );
		return venv;
	}

	/**
	 * An installation as conda and installers make it, without the {@code pyvenv.cfg} of a virtual
	 * environment.
	 *
	 * @return its folder
	 */
	public static Path installation( final Path folder, final String... packages ) throws IOException, InterruptedException
	{
		final Path base = Paths.get( ask( ChildJvm.testPython(), "sys.base_prefix" ) );
		final String name = "python" + minor( ChildJvm.testPython() );
		final Path library = base.resolve( "lib" ).resolve( name );
		if ( !Files.isRegularFile( base.resolve( "bin" ).resolve( name ) ) || !Files.isDirectory( library.resolve( "site-packages" ) ) )
			abort( "the installation in " + base + " is laid out in another way" );
		final Path sitePackages = Files.createDirectories( folder.resolve( "lib" ).resolve( name ).resolve( "site-packages" ) );
		try (final DirectoryStream< Path > entries = Files.newDirectoryStream( library ))
		{
			for ( final Path entry : entries )
				if ( !entry.getFileName().toString().equals( "site-packages" ) )
					Files.createSymbolicLink( sitePackages.resolveSibling( entry.getFileName() ), entry );
		}
		final Path bin = Files.createDirectories( folder.resolve( "bin" ) );
		// No link, because Python finds its library relative to its executable.
		Files.copy( base.resolve( "bin" ).resolve( name ).toRealPath(), bin.resolve( name ), StandardCopyOption.COPY_ATTRIBUTES );
		Files.createSymbolicLink( bin.resolve( "python3" ), Paths.get( name ) );
		linkPackages( sitePackages( ChildJvm.testPython() ), sitePackages, packages );
		return folder;
	}

	/**
	 * @param version
	 * 		major and minor version
	 * @return executable of a Python of this machine that runs, or {@code null}
	 */
	public static Path find( final String version ) throws IOException, InterruptedException
	{
		final List< Path > candidates = new ArrayList<>();
		for ( final String folder : System.getenv( "PATH" ).split( ":" ) )
			candidates.add( Paths.get( folder, "python" + version ) );
		final String pyenv = System.getenv( "PYENV_ROOT" );
		final Path versions = ( pyenv != null ? Paths.get( pyenv ) : Paths.get( System.getProperty( "user.home" ), ".pyenv" ) ).resolve( "versions" );
		if ( Files.isDirectory( versions ) )
			try (final DirectoryStream< Path > entries = Files.newDirectoryStream( versions, version + ".*" ))
			{
				for ( final Path entry : entries )
					candidates.add( entry.resolve( "bin" ).resolve( "python" + version ) );
			}
		for ( final Path candidate : candidates )
			if ( Files.isExecutable( candidate ) && runs( candidate, version ) )
				return candidate;
		return null;
	}

	/**
	 * An environment of another Python of this machine, with the packages that the library needs.
	 * It is kept in the folder {@code .venvs} of the project. The test is skipped if there is no
	 * such Python.
	 *
	 * @param version
	 * 		major and minor version
	 * @return its folder
	 */
	public static Path environment( final String version ) throws IOException, InterruptedException
	{
		final Path python = find( version );
		if ( python == null )
			abort( "this machine has no Python " + version );
		final Path venv = PROJECT.resolve( ".venvs" ).resolve( version );
		final Path sources = PROJECT.resolve( "src" ).resolve( "build" ).resolve( "python" );
		final Output made = start( new ProcessBuilder( python.toString(), sources.resolve( "make_environment.py" ).toString(),
				"--venv", venv.toString(), "--requirements", sources.resolve( "requirements-core.txt" ).toString(),
				"--jdk", System.getProperty( "java.home" ) ) );
		if ( made.exitCode != 0 )
			abort( "the environment of Python " + version + " cannot be made: " + made.text );
		return venv;
	}

	/**
	 * The same in another folder, with numpy and nothing else.
	 *
	 * @return the folder
	 */
	public static Path environmentOfNumpy( final String version, final Path folder ) throws IOException, InterruptedException
	{
		final Path python = version.equals( minor( ChildJvm.testPython() ) ) ? ChildJvm.testPython() : executable( environment( version ) );
		run( python, "-I", "-m", "venv", "--without-pip", folder.toString() );
		linkPackages( sitePackages( python ), sitePackages( executable( folder ) ), "numpy" );
		return folder;
	}

	/**
	 * A package of a certain version, without its requirements, installed for
	 * {@link ChildJvm#testPython()} and kept in the folder {@code .venvs} of the project. The test
	 * is skipped if it cannot be installed.
	 *
	 * @return folder with the package
	 */
	public static Path install( final String name, final String version ) throws IOException, InterruptedException
	{
		final Path python = ChildJvm.testPython();
		final Path folder = PROJECT.resolve( ".venvs" ).resolve( name + "-" + version + "-python-" + minor( python ) );
		if ( !Files.isDirectory( folder ) )
		{
			Files.createDirectories( folder.getParent() );
			final Path unfinished = Files.createTempDirectory( folder.getParent(), "unfinished" );
			final ProcessBuilder builder = new ProcessBuilder( python.toString(), "-I", "-m", "pip", "install", "--no-deps", "--no-cache-dir",
					"--target", unfinished.toString(), name + "==" + version );
			builder.environment().put( "JAVA_HOME", System.getProperty( "java.home" ) );
			final Output built = start( builder );
			if ( built.exitCode != 0 )
			{
				delete( unfinished );
				abort( name + " " + version + " cannot be installed: " + built.text );
			}
			Files.move( unfinished, folder );
		}
		return folder;
	}

	/**
	 * Links packages and their metadata from one folder into another.
	 */
	public static void linkPackages( final Path from, final Path to, final String... packages ) throws IOException
	{
		for ( final String name : packages )
			try (final DirectoryStream< Path > entries = Files.newDirectoryStream( from, name + "{,.*,-*}" ))
			{
				for ( final Path entry : entries )
					Files.createSymbolicLink( to.resolve( entry.getFileName() ), entry );
			}
	}

	/**
	 * Writes the metadata of an installed distribution that does not exist.
	 *
	 * @param files
	 * 				files that it claims to have
	 */
	public static void writeDistribution( final Path sitePackages, final String name, final String version, final String... files ) throws IOException
	{
		final Path folder = Files.createDirectory( sitePackages.resolve( name + "-" + version + ".dist-info" ) );
		write( folder.resolve( "METADATA" ), "Metadata-Version: 2.1\nName: " + name + "\nVersion: " + version + "\n" );
		final StringBuilder record = new StringBuilder();
		for ( final String file : files )
			record.append( file ).append( ",,\n" );
		write( folder.resolve( "RECORD" ), record.toString() );
	}

	/**
	 * @return the file
	 */
	public static Path write( final Path file, final String text ) throws IOException
	{
		Files.createDirectories( file.getParent() );
		return Files.write( file, text.getBytes( StandardCharsets.UTF_8 ) );
	}

	/**
	 * Deletes a folder and all in it; links are not followed.
	 */
	public static void delete( final Path folder ) throws IOException
	{
		// Not JUnit's @TempDir, which warns about each link.
		try (final Stream< Path > paths = Files.walk( folder ))
		{
			for ( final Path path : paths.sorted( Comparator.reverseOrder() ).toArray( Path[]::new ) )
				Files.delete( path );
		}
	}

	/**
	 * @return executable of an environment
	 */
	public static Path executable( final Path venv )
	{
		return venv.resolve( "bin" ).resolve( "python" );
	}

	/**
	 * @return folder of a Python's packages
	 */
	public static Path sitePackages( final Path python ) throws IOException, InterruptedException
	{
		return Paths.get( ask( python, "__import__('sysconfig').get_path('platlib')" ) );
	}

	/**
	 * @return major and minor version
	 */
	public static String minor( final Path python ) throws IOException, InterruptedException
	{
		return ask( python, "'%d.%d' % sys.version_info[:2]" );
	}

	/**
	 * @return whether numpy works in sub-interpreters of {@link ChildJvm#testPython()}
	 */
	static synchronized boolean supportsSub()
	{
		try
		{
			if ( supportsSub == null )
				supportsSub = Arrays.asList( "3.10", "3.11" ).contains( minor( ChildJvm.testPython() ) );
			return supportsSub;
		}
		catch ( final IOException | InterruptedException e )
		{
			throw new IllegalStateException( "the tests' Python does not run", e );
		}
	}

	/**
	 * @return output of a Python for an expression
	 */
	public static String ask( final Path python, final String expression ) throws IOException, InterruptedException
	{
		return run( python, "-I", "-c", "import sys; print(" + expression + ")" ).trim();
	}

	/**
	 * @return output of the process
	 */
	public static String run( final Path python, final String... arguments ) throws IOException, InterruptedException
	{
		final List< String > command = new ArrayList<>();
		command.add( python.toString() );
		command.addAll( Arrays.asList( arguments ) );
		final Output output = start( new ProcessBuilder( command ) );
		if ( output.exitCode != 0 )
			throw new AssertionError( command + " ended with exit code " + output.exitCode + ": " + output.text );
		return output.text;
	}

	private static boolean runs( final Path python, final String version ) throws IOException, InterruptedException
	{
		// Version managers have commands for inactive versions, too, which fail.
		final Output output = start( new ProcessBuilder( python.toString(), "-c", "import sys; print('%d.%d' % sys.version_info[:2])" ) );
		return output.exitCode == 0 && output.text.trim().equals( version );
	}

	private static Output start( final ProcessBuilder builder ) throws IOException, InterruptedException
	{
		builder.environment().keySet().removeIf( name -> name.startsWith( "PYTHON" ) || name.equals( "VIRTUAL_ENV" ) );
		final Path file = Files.createTempFile( "test-python", ".txt" );
		try
		{
			final Process process = builder.redirectErrorStream( true ).redirectOutput( file.toFile() ).start();
			if ( !process.waitFor( TIMEOUT_SECONDS, TimeUnit.SECONDS ) )
			{
				process.destroyForcibly().waitFor();
				throw new AssertionError( builder.command() + " did not end within " + TIMEOUT_SECONDS + " s" );
			}
			return new Output( process.exitValue(), new String( Files.readAllBytes( file ), StandardCharsets.UTF_8 ) );
		}
		finally
		{
			Files.delete( file );
		}
	}

	private static final class Output
	{
		final int exitCode;

		final String text;

		Output( final int exitCode, final String text )
		{
			this.exitCode = exitCode;
			this.text = text;
		}
	}
}
