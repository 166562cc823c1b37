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

import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Properties;
import java.util.stream.Collectors;

import net.imglib2.cache.python.InterpreterMode;
import net.imglib2.cache.python.PythonEnvironmentException;
import net.imglib2.cache.python.PythonInterruptedException;
import net.imglib2.cache.python.trust.TrustPolicy;

/**
 * An installed Python, as it has described itself in a process of its own.
 */
public final class PythonInstallation
{
	/**
	 * Versions of the Python package jep that fit the Jep on this library's class path,
	 * which is the first of them. Others can crash the process.
	 */
	static final List< String > JEP_VERSIONS = Collections.unmodifiableList( Arrays.asList( "4.3.1", "4.3.2" ) );

	/**
	 * As pip names it.
	 */
	private static final String JEP = "jep==" + JEP_VERSIONS.get( 0 );

	private static final String BEGIN = "<imglib2-cache-python>";

	private static final String END = "</imglib2-cache-python>";

	private static final String ENVIRONMENT_FILE = "pyvenv.cfg";

	private static final int TIMEOUT_SECONDS = 60;

	private final LocatedPython located;

	private final Properties properties;

	PythonInstallation( final LocatedPython located, final Properties properties )
	{
		this.located = located;
		this.properties = properties;
	}

	/**
	 * Like {@link #probe}, but runs the Python only if something may have changed since it
	 * was run for the last time.
	 *
	 * @return its description, without the packages that sub-interpreters must share
	 */
	public static PythonInstallation find( final LocatedPython located )
	{
		TrustPolicy.ofThisJvm().requirePython( located.executable() );
		final Properties before = ProbedBefore.find( located.executable() );
		if ( before != null )
			return new PythonInstallation( located, before );
		final long begin = System.currentTimeMillis();
		final PythonInstallation found = probe( located, false );
		ProbedBefore.keep( located.executable(), found.properties, found.whereItIsFound(), begin );
		return found;
	}

	/**
	 * @return folders and files that change if something is installed that matters here
	 */
	private List< String > whereItIsFound()
	{
		final List< String > paths = new ArrayList<>( list( "folders" ) );
		paths.add( get( "prefix" ) + "/" + ENVIRONMENT_FILE );
		if ( !get( "jep.folder" ).isEmpty() )
			paths.add( get( "jep.folder" ) );
		return paths;
	}

	/**
	 * Runs a Python, which describes itself.
	 *
	 * @param located
	 * 		the Python
	 * @param withSharing
	 * 		whether it also tells which packages sub-interpreters must share, which takes
	 * 		longer than all the rest
	 * @return its description
	 * @throws PythonEnvironmentException
	 * 		if it cannot be run, or does not answer as a Python 3 does
	 */
	public static PythonInstallation probe( final LocatedPython located, final boolean withSharing )
	{
		TrustPolicy.ofThisJvm().requirePython( located.executable() );
		final String output = run( located, commandOf( located ), "-I", "-c", PythonSources.read( "_probe/bootstrap.py" ), PythonSources.location(),
				withSharing ? "sharing" : "" );
		final int begin = output.indexOf( BEGIN );
		final int end = output.indexOf( END, begin + 1 );
		if ( begin < 0 || end < 0 )
			throw new PythonEnvironmentException( located + " is not a working Python 3; it answered:\n" + output.trim() );
		final Properties properties = new Properties();
		try
		{
			properties.load( new StringReader( output.substring( begin + BEGIN.length(), end ) ) );
		}
		catch ( final IOException e )
		{
			throw new PythonEnvironmentException( located + " gave an answer that cannot be read", e );
		}
		if ( !properties.getProperty( "version", "" ).matches( "\\d+\\.\\d+.*" ) )
			throw new PythonEnvironmentException( located + " is not a working Python 3; it answered:\n" + output.trim() );
		return new PythonInstallation( located, properties );
	}

	/**
	 * @param mode
	 * 		not {@link InterpreterMode#AUTO}
	 * @return the reasons why this Python cannot be used in a mode, each with its remedy;
	 *         empty if it can be used
	 */
	List< String > problems( final InterpreterMode mode )
	{
		final List< String > problems = new ArrayList<>();
		if ( !isNewEnough() )
		{
			problems.add( "it is Python " + get( "version" ) + ", but 3.10 or newer is needed: name another Python by -D" + KnownProperties.EXECUTABLE
					+ "=/path/to/environment" );
			return problems;
		}
		if ( !"CPython".equals( get( "implementation" ) ) )
			problems.add( "it is " + get( "implementation" ) + ", but CPython is needed" );
		if ( mode == InterpreterMode.SUB && !hasSubInterpreters() )
			problems.add( "InterpreterMode.SUB needs CPython 3.10 or 3.11, but it is " + get( "version" )
					+ ", where numpy crashes in sub-interpreters: use InterpreterMode.SHARED or AUTO" );
		if ( mode != InterpreterMode.PROCESS )
			for ( final Obstacle obstacle : obstacles() )
				problems.add( obstacle.what + ": " + obstacle.remedy + ", or use InterpreterMode.PROCESS, where this does not matter" );
		if ( get( "numpy.version" ).isEmpty() )
			problems.add( "the package numpy is missing: " + toInstall( "numpy" ) );
		return problems;
	}

	/**
	 * @return what keeps this Python from running in the JVM, without the remedies; empty
	 *         if nothing does
	 */
	String obstaclesToJep()
	{
		return obstacles().stream().map( obstacle -> obstacle.what ).collect( Collectors.joining( ", and " ) );
	}

	/**
	 * @return the same with the remedies, one per item
	 */
	List< String > remediesForJep()
	{
		return obstacles().stream().map( obstacle -> obstacle.what + ": " + obstacle.remedy ).collect( Collectors.toList() );
	}

	/**
	 * What a Python must have so that Jep can start it in this JVM.
	 */
	private List< Obstacle > obstacles()
	{
		final List< Obstacle > obstacles = new ArrayList<>();
		if ( Boolean.parseBoolean( get( "free.threaded" ) ) )
			obstacles.add( new Obstacle( "it is a free-threaded build, which Jep does not support", "use the ordinary build of Python " + get( "version" ) ) );
		if ( !System.getProperty( "sun.arch.data.model", get( "bits" ) ).equals( get( "bits" ) ) )
			obstacles.add( new Obstacle( "it has " + get( "bits" ) + " bits, the JVM has " + System.getProperty( "sun.arch.data.model" ), "use one with as many bits as the JVM" ) );
		if ( PythonInstallation.class.getClassLoader().getResource( LibraryJars.JEP_CLASS ) == null )
			obstacles.add( new Obstacle( "jep-" + JEP_VERSIONS.get( 0 ) + ".jar is not on the class path", "add org.ninia:jep:" + JEP_VERSIONS.get( 0 ) ) );
		final String jep = get( "jep.version" );
		if ( get( "jep.folder" ).isEmpty() )
			obstacles.add( new Obstacle( "the package jep is missing", toInstall( JEP, javaHome() ) ) );
		else if ( !JEP_VERSIONS.contains( jep ) )
			obstacles.add( new Obstacle( "the package jep in " + get( "jep.folder" ) + " has version " + ( jep.isEmpty() ? "unknown" : jep ) + ", which does not fit the jep-"
					+ JEP_VERSIONS.get( 0 ) + ".jar of this library and could crash the JVM", toInstall( JEP, javaHome() ) ) );
		else if ( get( "jep.library" ).isEmpty() )
			obstacles.add( new Obstacle( "the package jep in " + get( "jep.folder" ) + " has no native library (libjep.so, libjep.jnilib or jep.dll)",
					toInstall( "--force-reinstall --no-cache-dir " + JEP, javaHome() ) ) );
		return obstacles;
	}

	/**
	 * @param mode
	 * 		not {@link InterpreterMode#AUTO}
	 * @return the installation itself
	 * @throws PythonEnvironmentException
	 * 		if there are {@link #problems}; it lists all of them
	 */
	public PythonInstallation requireUsable( final InterpreterMode mode )
	{
		final List< String > problems = problems( mode );
		if ( !problems.isEmpty() )
			throw new PythonEnvironmentException( located + " cannot be used:\n- " + String.join( "\n- ", problems ) );
		return this;
	}

	/**
	 * @return whether both are the same environment, even if their executables were named by
	 *         different paths
	 */
	public boolean isSameAs( final PythonInstallation other )
	{
		return get( "version" ).equals( other.get( "version" ) ) && real( get( "prefix" ) ).equals( real( other.get( "prefix" ) ) );
	}

	public LocatedPython located()
	{
		return located;
	}

	/**
	 * @return value of {@code sys.executable}
	 */
	public String executable()
	{
		return properties.getProperty( "executable", located.executable().toString() );
	}

	public String jepLibrary()
	{
		return get( "jep.library" );
	}

	public List< String > sharedModules()
	{
		return list( "shared.modules" );
	}

	List< String > compiledDistributions()
	{
		return list( "compiled.distributions" );
	}

	/**
	 * @param key
	 * 		name of a property in the output of {@code probe.py}
	 * @return its value, or an empty string
	 */
	String get( final String key )
	{
		return properties.getProperty( key, "" );
	}

	@Override
	public String toString()
	{
		return "Python " + get( "version" ) + " (" + executable() + ")";
	}

	/**
	 * @param variables
	 * 		assignments of environment variables, each with a space behind it
	 * @return the command that installs packages, for a shell
	 */
	private String toInstall( final String packages, final String variables )
	{
		final String command = get( "install.preparation" ) + variables + get( "install.command" ) + " " + packages;
		return get( "install.environment" ).isEmpty() ? command : command + " (the system looks after this Python: name that new environment instead, -D" + KnownProperties.EXECUTABLE
				+ "=" + get( "install.environment" ) + ")";
	}

	private String toInstall( final String packages )
	{
		return toInstall( packages, "" );
	}

	/**
	 * @return the assignment of {@code JAVA_HOME}, which the installation of jep needs: this
	 *         JVM's JDK, if it is one
	 */
	private static String javaHome()
	{
		final Path home = Paths.get( System.getProperty( "java.home" ) );
		// In a JDK 8, this JVM is in the folder jre.
		final String jdk = hasJni( home ) ? home.toString() : hasJni( home.getParent() ) ? home.getParent().toString() : "/path/to/jdk";
		return "JAVA_HOME=\"" + jdk + "\" ";
	}

	private static boolean hasJni( final Path home )
	{
		return Files.isRegularFile( home.resolve( "include" ).resolve( "jni.h" ) );
	}

	private boolean hasSubInterpreters()
	{
		return get( "version" ).startsWith( "3.10." ) || get( "version" ).startsWith( "3.11." );
	}

	private boolean isNewEnough()
	{
		final String[] version = get( "version" ).split( "\\." );
		return Integer.parseInt( version[ 0 ] ) == 3 && Integer.parseInt( version[ 1 ] ) >= 10;
	}

	private List< String > list( final String key )
	{
		final String value = get( key );
		return value.isEmpty() ? Collections.emptyList() : Arrays.asList( value.split( "\n" ) );
	}

	/**
	 * @return how the executable has to be called so that it is in its environment
	 */
	public static String commandOf( final LocatedPython located )
	{
		return inItsEnvironment( located.executable() ).toString();
	}

	/**
	 * Follows links to an executable in a virtual environment: Python does not find the
	 * environment if it is started by a link that lies elsewhere.
	 */
	private static Path inItsEnvironment( final Path executable )
	{
		try
		{
			for ( Path path = executable.toAbsolutePath(); Files.exists( path ); path = path.resolveSibling( Files.readSymbolicLink( path ) ) )
			{
				final Path folder = path.getParent();
				if ( Files.exists( folder.resolve( ENVIRONMENT_FILE ) ) || Files.exists( folder.resolveSibling( ENVIRONMENT_FILE ) ) )
					return path;
				if ( !Files.isSymbolicLink( path ) )
					break;
			}
		}
		catch ( final IOException e )
		{
			// An executable that cannot be run is reported when it is run.
		}
		return executable;
	}

	private static Path real( final String path )
	{
		try
		{
			return Paths.get( path ).toRealPath();
		}
		catch ( final IOException e )
		{
			return Paths.get( path );
		}
	}

	private static String run( final LocatedPython located, final String... command )
	{
		try
		{
			final EndedProcess process = EndedProcess.run( TIMEOUT_SECONDS, false, command );
			if ( !process.ended() )
				throw new PythonEnvironmentException( located + " did not tell its version within " + TIMEOUT_SECONDS + " s: is it a Python?" );
			return process.output();
		}
		catch ( final IOException e )
		{
			throw new PythonEnvironmentException( located + " cannot be run: " + e.getMessage(), e );
		}
		catch ( final InterruptedException e )
		{
			Thread.currentThread().interrupt();
			throw new PythonInterruptedException( "Interrupted while " + located + " was probed", e );
		}
	}

	private static final class Obstacle
	{
		final String what;

		final String remedy;

		Obstacle( final String what, final String remedy )
		{
			this.what = what;
			this.remedy = remedy;
		}
	}
}
