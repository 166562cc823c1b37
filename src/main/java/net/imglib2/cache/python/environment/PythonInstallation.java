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
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.TimeUnit;

import net.imglib2.cache.python.InterpreterMode;
import net.imglib2.cache.python.PythonEnvironmentException;
import net.imglib2.cache.python.trust.TrustPolicy;

/**
 * What a Python told about itself, in a process of its own.
 */
public final class PythonInstallation
{
	/**
	 * Versions of Jep's Python module that fit the Jep on this library's class
	 * path, which is the first of them. Others can crash the process.
	 */
	static final List< String > JEP_VERSIONS = Collections.unmodifiableList( Arrays.asList( "4.3.1", "4.3.2" ) );

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
	 * Asks a Python.
	 *
	 * @param located
	 * 		the Python
	 * @return what it told
	 * @throws PythonEnvironmentException
	 * 		if it does not answer as a Python does
	 */
	public static PythonInstallation probe( final LocatedPython located )
	{
		TrustPolicy.ofThisJvm().requirePython( located.executable() );
		final String output = run( located, knownToItsEnvironment( located.executable() ).toString(), "-I", "-c", PythonSources.read( "_probe/bootstrap.py" ), PythonSources.location() );
		final int begin = output.indexOf( BEGIN );
		final int end = output.indexOf( END, begin + 1 );
		if ( begin < 0 || end < 0 )
			throw new PythonEnvironmentException( located + " is not a Python 3 that works; it answered:\n" + output.trim() );
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
			throw new PythonEnvironmentException( located + " is not a Python 3 that works; it answered:\n" + output.trim() );
		return new PythonInstallation( located, properties );
	}

	/**
	 * @return what keeps it from being used, with what mends it; empty if nothing
	 *         does
	 */
	List< String > problems()
	{
		final List< String > problems = new ArrayList<>();
		if ( !isNewEnough() )
		{
			problems.add( "it is Python " + get( "version" ) + ", but 3.10 or newer is needed: name another, -D" + KnownProperties.EXECUTABLE
					+ "=/path/to/environment" );
			return problems;
		}
		if ( !"CPython".equals( get( "implementation" ) ) )
			problems.add( "it is " + get( "implementation" ) + ", but CPython is needed" );
		if ( Boolean.parseBoolean( get( "free.threaded" ) ) )
			problems.add( "it is a free-threaded build, which Jep does not support: use the ordinary build of Python " + get( "version" ) );
		if ( !System.getProperty( "sun.arch.data.model", get( "bits" ) ).equals( get( "bits" ) ) )
			problems.add( "it has " + get( "bits" ) + " bits, the JVM has " + System.getProperty( "sun.arch.data.model" ) + ": both must have the same" );
		final String pip = "\"" + executable() + "\" -m pip install ";
		final String jep = get( "jep.version" );
		if ( get( "jep.folder" ).isEmpty() )
			problems.add( "the package jep is missing: JAVA_HOME=/path/to/jdk " + pip + "jep==" + JEP_VERSIONS.get( 0 ) );
		else if ( !JEP_VERSIONS.contains( jep ) )
			problems.add( "the package jep in " + get( "jep.folder" ) + " has version " + ( jep.isEmpty() ? "unknown" : jep ) + ", which does not fit the jep-"
					+ JEP_VERSIONS.get( 0 ) + ".jar of this library and could crash the JVM: " + pip + "jep==" + JEP_VERSIONS.get( 0 ) );
		else if ( get( "jep.library" ).isEmpty() )
			problems.add( "the package jep in " + get( "jep.folder" ) + " has no native library (libjep.so, libjep.jnilib or jep.dll): " + pip
					+ "--force-reinstall --no-cache-dir jep==" + JEP_VERSIONS.get( 0 ) );
		if ( get( "numpy.version" ).isEmpty() )
			problems.add( "the package numpy is missing: " + pip + "numpy" );
		return problems;
	}

	/**
	 * @return the installation itself
	 * @throws PythonEnvironmentException
	 * 		with all {@link #problems()}
	 */
	public PythonInstallation requireUsable()
	{
		final List< String > problems = problems();
		if ( !problems.isEmpty() )
			throw new PythonEnvironmentException( located + " cannot be used:\n- " + String.join( "\n- ", problems ) );
		return this;
	}

	/**
	 * @param requested
	 * 		what the user asks for
	 * @return {@link InterpreterMode#SUB} or {@link InterpreterMode#SHARED}
	 * @throws PythonEnvironmentException
	 * 		if sub-interpreters are asked for and this Python cannot have them
	 */
	public InterpreterMode mode( final InterpreterMode requested )
	{
		if ( requested == InterpreterMode.AUTO )
			return InterpreterMode.SHARED;
		final String version = get( "version" );
		if ( requested == InterpreterMode.SUB && !( version.startsWith( "3.10." ) || version.startsWith( "3.11." ) ) )
			throw new PythonEnvironmentException( "InterpreterMode.SUB needs CPython 3.10 or 3.11, but " + located + " is " + version
					+ ", where numpy crashes in sub-interpreters: use InterpreterMode.SHARED or AUTO" );
		return requested;
	}

	/**
	 * @return whether both are one environment, however its executable was named
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
	 * @return what {@code sys.executable} is
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
	 * 		name of a property that {@code probe.py} prints
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
	 * Python overlooks the virtual environment whose executable a link from
	 * elsewhere leads to.
	 */
	private static Path knownToItsEnvironment( final Path executable )
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
			// Whether it can be run will be seen.
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
		// A file, not a pipe: nobody has to read it while the process runs.
		Path output = null;
		Process process = null;
		try
		{
			output = TemporaryFile.create( ".probe" );
			process = new ProcessBuilder( Command.of( command ) ).redirectErrorStream( true ).redirectOutput( output.toFile() ).start();
			process.getOutputStream().close();
			if ( !process.waitFor( TIMEOUT_SECONDS, TimeUnit.SECONDS ) )
				throw new PythonEnvironmentException( located + " did not tell its version within " + TIMEOUT_SECONDS + " s: is it a Python?" );
			return new String( Files.readAllBytes( output ), StandardCharsets.UTF_8 );
		}
		catch ( final IOException e )
		{
			throw new PythonEnvironmentException( located + " cannot be run: " + e.getMessage(), e );
		}
		catch ( final InterruptedException e )
		{
			Thread.currentThread().interrupt();
			throw new PythonEnvironmentException( "Interrupted while " + located + " was probed", e );
		}
		finally
		{
			if ( process != null )
				process.destroyForcibly();
			if ( output != null )
				output.toFile().delete();
		}
	}
}
