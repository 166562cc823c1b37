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

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * Runs a main class in a JVM of its own: for tests that need another Python or mode, or that
 * could kill or hang a JVM.
 */
public final class ChildJvm
{
	private static final long TIMEOUT_SECONDS = 120;

	private long timeoutSeconds = TIMEOUT_SECONDS;

	private final String name;

	/**
	 * Options and the main class, or {@code -jar} and the jar.
	 */
	private final List< String > program = new ArrayList<>();

	private Path java = Paths.get( System.getProperty( "java.home" ) );

	private final List< String > jvmArguments = new ArrayList<>();

	private final Map< String, String > environment = new HashMap<>();

	private String classPath = System.getProperty( "java.class.path" );

	private Path directory;

	private boolean allCompilers;

	private ChildJvm( final String name, final String... program )
	{
		this.name = name;
		this.program.addAll( Arrays.asList( program ) );
		// The child must not inherit the settings of this JVM.
		for ( final String variable : new String[] { "PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV", "CONDA_PREFIX", PythonEnvironment.EXECUTABLE_VARIABLE } )
			environment.put( variable, null );
	}

	/**
	 * @param mainClass
	 * 		class with a main method
	 * @return a JVM without any Python settings
	 */
	public static ChildJvm of( final Class< ? > mainClass )
	{
		return new ChildJvm( mainClass.getSimpleName(), mainClass.getName() );
	}

	/**
	 * @param jar
	 * 		jar that names its main class
	 * @return a JVM without any Python settings, whose class path is the jar
	 */
	public static ChildJvm ofJar( final Path jar )
	{
		return new ChildJvm( jar.getFileName().toString(), "-jar", jar.toString() );
	}

	/**
	 * @param home
	 * 		another JDK
	 * @param options
	 * 		for instance, of native access
	 */
	public ChildJvm withJava( final Path home, final String... options )
	{
		java = home;
		return withJvmArguments( options );
	}

	/**
	 * @return the Python that the tests use: an executable
	 */
	public static Path testPython()
	{
		return Paths.get( System.getProperty( PythonEnvironment.EXECUTABLE_PROPERTY ) );
	}

	public ChildJvm withPython( final Path executableOrFolder )
	{
		return withProperty( PythonEnvironment.EXECUTABLE_PROPERTY, executableOrFolder.toString() );
	}

	/**
	 * Skips the test if the mode is {@code SUB} and the tests' Python does not support it.
	 */
	public ChildJvm withMode( final InterpreterMode mode )
	{
		assumeTrue( mode != InterpreterMode.SUB || TestPythons.supportsSub(), "needs Python 3.10 or 3.11" );
		return withProperty( PythonEnvironment.MODE_PROPERTY, mode.name() );
	}

	public ChildJvm withProperty( final String name, final String value )
	{
		return withJvmArgument( "-D" + name + "=" + value );
	}

	public ChildJvm withJvmArgument( final String argument )
	{
		return withJvmArguments( argument );
	}

	public ChildJvm withJvmArguments( final String... arguments )
	{
		jvmArguments.addAll( Arrays.asList( arguments ) );
		return this;
	}

	/**
	 * @param value
	 * 		value, or {@code null} to remove the variable
	 */
	public ChildJvm withVariable( final String name, final String value )
	{
		environment.put( name, value );
		return this;
	}

	public ChildJvm withClassPath( final String newClassPath )
	{
		classPath = newClassPath;
		return this;
	}

	/**
	 * @param seconds
	 * 		time after which the JVM counts as hung; {@value #TIMEOUT_SECONDS} by default
	 */
	public ChildJvm withTimeout( final long seconds )
	{
		timeoutSeconds = seconds;
		return this;
	}

	/**
	 * For code that runs for long. Most JVMs of tests end before the second compiler has been of
	 * use, and start faster without it.
	 */
	public ChildJvm withAllCompilers()
	{
		allCompilers = true;
		return this;
	}

	public ChildJvm withDirectory( final Path newDirectory )
	{
		directory = newDirectory;
		return this;
	}

	/**
	 * @return the command of this JVM, with the options that native code needs
	 */
	public static List< String > java()
	{
		final List< String > command = new ArrayList<>();
		command.add( Paths.get( System.getProperty( "java.home" ), "bin", "java" ).toString() );
		if ( Runtime.version().feature() >= 24 )
			command.add( "--enable-native-access=ALL-UNNAMED" );
		return command;
	}

	/**
	 * Runs the main class and waits for its end.
	 */
	public Result run( final String... arguments ) throws IOException, InterruptedException
	{
		final boolean own = java.equals( Paths.get( System.getProperty( "java.home" ) ) );
		final List< String > command = own ? java() : new ArrayList<>( List.of( java.resolve( "bin" ).resolve( "java" ).toString() ) );
		command.add( "-Djava.util.logging.SimpleFormatter.format=%4$s: %5$s%6$s%n" );
		if ( !allCompilers )
			command.add( "-XX:TieredStopAtLevel=1" );
		command.addAll( jvmArguments );
		if ( !program.get( 0 ).equals( "-jar" ) )
			command.addAll( Arrays.asList( "-cp", classPath ) );
		command.addAll( program );
		command.addAll( Arrays.asList( arguments ) );
		final Path output = Files.createTempFile( "child-jvm", ".txt" );
		try
		{
			final ProcessBuilder builder = new ProcessBuilder( command ).redirectErrorStream( true ).redirectOutput( output.toFile() );
			if ( directory != null )
				builder.directory( directory.toFile() );
			environment.forEach( ( name, value ) -> {
				if ( value == null )
					builder.environment().remove( name );
				else
					builder.environment().put( name, value );
			} );
			final Process process = builder.start();
			final boolean ended = process.waitFor( timeoutSeconds, TimeUnit.SECONDS );
			if ( !ended )
				process.destroyForcibly().waitFor();
			final String text = new String( Files.readAllBytes( output ), StandardCharsets.UTF_8 );
			if ( !ended )
				throw new AssertionError( name + " did not end within " + timeoutSeconds + " s; it printed:\n" + text );
			return new Result( process.exitValue(), text );
		}
		finally
		{
			Files.delete( output );
		}
	}

	/**
	 * The result of a child JVM.
	 */
	public static final class Result
	{
		public final int exitCode;

		/**
		 * Its output, standard error included.
		 */
		public final String output;

		Result( final int exitCode, final String output )
		{
			this.exitCode = exitCode;
			this.output = output;
		}

		/**
		 * @return this
		 * @throws AssertionError
		 * 				if the JVM ended with another exit code
		 */
		public Result requireExitCode( final int expected )
		{
			if ( exitCode != expected )
				throw new AssertionError( "exit code " + exitCode + ", expected " + expected + "; it printed:\n" + output );
			return this;
		}

		/**
		 * @return this
		 * @throws AssertionError
		 * 		if the output lacks one of the texts
		 */
		public Result requireOutput( final String... texts )
		{
			for ( final String text : texts )
				if ( !output.contains( text ) )
					throw new AssertionError( "\"" + text + "\" is missing in:\n" + output );
			return this;
		}
	}
}
