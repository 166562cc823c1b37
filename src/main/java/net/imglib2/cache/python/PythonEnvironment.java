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

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.stream.Collectors;

import net.imglib2.cache.python.environment.KnownProperties;
import net.imglib2.cache.python.environment.PythonDiagnosis;
import net.imglib2.cache.python.environment.PythonLocator;

/**
 * Which Python to use, and how. Immutable: the {@code with…} methods return a changed
 * copy.
 * <p>
 * Where Python runs is its {@link InterpreterMode}. In {@link InterpreterMode#PROCESS},
 * any number of Pythons can be in use. In the other modes Python runs in the JVM, which
 * can start one Python, once: the first {@link PythonCacheLoaderQueue} in such a mode
 * decides which one, and in which mode. A later queue that asks for another one is
 * refused. All queues in such modes are refused in a JVM that Python itself has started,
 * as JPype, PyImageJ and Fiji's Python mode do.
 * <p>
 * {@link #detected()} takes the first Python that is named by, in this order,
 * <ol>
 * <li>the system property {@value #EXECUTABLE_PROPERTY},</li>
 * <li>the environment variable {@value #EXECUTABLE_VARIABLE},</li>
 * <li>the environment variables {@code VIRTUAL_ENV}, {@code CONDA_PREFIX} and
 * {@code PYTHONHOME},</li>
 * <li>{@code python3} and {@code python} on the {@code PATH}.</li>
 * </ol>
 * The Python ignores {@code PYTHONPATH} and the user's site-packages, because packages
 * there that belong to another Python crash it. Name folders with your own modules by
 * {@link #withModulePath(Path...)}. {@code import} finds Python modules only. Where
 * Python runs in the JVM, {@code jep.findClass( "java.util.ArrayList" )} finds a Java
 * class.
 */
public final class PythonEnvironment
{
	/**
	 * System property that names the Python: an executable, or the folder of a
	 * virtual or conda environment.
	 */
	public static final String EXECUTABLE_PROPERTY = KnownProperties.EXECUTABLE;

	/**
	 * Environment variable with the same meaning.
	 */
	public static final String EXECUTABLE_VARIABLE = PythonLocator.EXECUTABLE_VARIABLE;

	/**
	 * System property that names the {@link InterpreterMode}, unless
	 * {@link #withMode} does.
	 */
	public static final String MODE_PROPERTY = KnownProperties.MODE;

	/**
	 * System property that names a file. If the JVM crashes, Python writes its stack
	 * there. {@code %p} in the name stands for the process number. It works on Linux
	 * only, in a JVM that was started with the JDK's {@code libjsig.so} in the
	 * environment variable {@code LD_PRELOAD}; elsewhere, queues are refused while it is
	 * set. See {@code doc/reliability.md}.
	 */
	public static final String CRASH_FILE_PROPERTY = KnownProperties.CRASH_FILE;

	private static final Duration DEFAULT_STARTUP_TIMEOUT = Duration.ofMinutes( 5 );

	private static final Duration MIN_STARTUP_TIMEOUT = Duration.ofMillis( 1 );

	private static final Duration MAX_STARTUP_TIMEOUT = Duration.ofDays( 365 );

	private static final long MIN_MEMORY_LIMIT = 1 << 20;

	// System.out is looked up for each line: a program may replace it.
	private static final Consumer< String > PRINT_OUT = line -> System.out.println( line );

	private static final Consumer< String > PRINT_ERR = line -> System.err.println( line );

	private static volatile PythonEnvironment defaultEnvironment;

	private final Settings settings;

	/**
	 * @param settings
	 * 		not changed from now on
	 */
	private PythonEnvironment( final Settings settings )
	{
		this.settings = settings;
	}

	private PythonEnvironment with( final Consumer< Settings > change )
	{
		final Settings changed = settings.clone();
		change.accept( changed );
		return new PythonEnvironment( changed );
	}

	/**
	 * The Python that system properties, environment variables and the {@code PATH}
	 * name, see above.
	 *
	 * @return an environment; nothing is looked for yet
	 */
	public static PythonEnvironment detected()
	{
		return new PythonEnvironment( new Settings() );
	}

	/**
	 * A certain Python.
	 *
	 * @param path
	 * 		the executable, or the folder of a virtual environment, of a conda
	 * 		environment or of an installation
	 * @return an environment; nothing is looked for yet
	 */
	public static PythonEnvironment at( final Path path )
	{
		Objects.requireNonNull( path, "path" );
		return detected().with( changed -> changed.path = path );
	}

	/**
	 * {@code python3} or {@code python} on the {@code PATH}, whatever system properties
	 * and other environment variables name.
	 *
	 * @return an environment; nothing is looked for yet
	 */
	public static PythonEnvironment system()
	{
		return detected().with( changed -> changed.system = true );
	}

	/**
	 * Sets the environment of queues whose constructor does not name one.
	 *
	 * @param environment
	 * 		the environment, or {@code null} for {@link #detected()}
	 */
	public static void setDefault( final PythonEnvironment environment )
	{
		defaultEnvironment = environment;
	}

	/**
	 * @return the environment that {@link #setDefault} has set, else {@link #detected()}
	 */
	public static PythonEnvironment getDefault()
	{
		final PythonEnvironment environment = defaultEnvironment;
		return environment != null ? environment : detected();
	}

	/**
	 * Sets the kind of interpreters.
	 *
	 * @param newMode
	 * 		the mode; by default the one that the system property
	 * 		{@value #MODE_PROPERTY} names, else {@link InterpreterMode#AUTO}
	 * @return changed copy
	 */
	public PythonEnvironment withMode( final InterpreterMode newMode )
	{
		Objects.requireNonNull( newMode, "mode" );
		return with( changed -> changed.mode = newMode );
	}

	/**
	 * Limits how long Python may take to start.
	 *
	 * @param timeout
	 * 		how long each worker may take to start Python and to run the init code;
	 * 		1 millisecond to 365 days, 5 minutes by default
	 * @return changed copy
	 */
	public PythonEnvironment withStartupTimeout( final Duration timeout )
	{
		if ( Objects.requireNonNull( timeout, "timeout" ).compareTo( MIN_STARTUP_TIMEOUT ) < 0 || timeout.compareTo( MAX_STARTUP_TIMEOUT ) > 0 )
			throw new IllegalArgumentException( "startup timeout is " + timeout + ", expected 1 millisecond to 365 days" );
		return with( changed -> changed.startupTimeout = timeout );
	}

	/**
	 * Limits how much memory the code of each worker may take. Code that asks for more
	 * gets a Python {@code MemoryError}: the block fails, the worker goes on, and the
	 * machine does not run out of memory. For {@link InterpreterMode#PROCESS} on Linux;
	 * elsewhere, queues are refused.
	 * <p>
	 * What counts is what a worker's own process allocates beyond Python, numpy and this
	 * library: packages, what the init code has made, arrays, and the stacks of threads
	 * (8 MiB each, as a rule). The inputs and outputs of blocks do not count, because
	 * their memory is that of the images. A process that Python code starts has a limit
	 * of the same size for itself.
	 *
	 * @param bytes
	 * 		for each worker, at least 1 MiB; no limit by default
	 * @return changed copy
	 */
	public PythonEnvironment withMemoryLimit( final long bytes )
	{
		if ( bytes < MIN_MEMORY_LIMIT )
			throw new IllegalArgumentException( "memory limit is " + bytes + " bytes, expected " + MIN_MEMORY_LIMIT + " (1 MiB) or more" );
		return with( changed -> changed.memoryLimit = bytes );
	}

	/**
	 * Adds folders to {@code sys.path}.
	 *
	 * @param folders
	 * 		folders with the user's own Python modules; none by default
	 * @return changed copy
	 */
	public PythonEnvironment withModulePath( final Path... folders )
	{
		for ( final Path folder : Objects.requireNonNull( folders, "folders" ) )
			if ( !Files.isDirectory( Objects.requireNonNull( folder, "folder" ) ) )
				throw new IllegalArgumentException( folder.toAbsolutePath() + " is not a folder: modules cannot be imported from there" );
		final List< Path > newModulePath = Collections.unmodifiableList( new ArrayList<>( Arrays.asList( folders ) ) );
		return with( changed -> changed.modulePath = newModulePath );
	}

	/**
	 * Sets what gets the lines that Python code prints, one by one, on the thread that
	 * prints them. In {@link InterpreterMode#SHARED}, the first queue of a JVM decides for
	 * all.
	 *
	 * @param newOut
	 * 		gets the lines of {@code sys.stdout}; {@code System.out} by default
	 * @param newErr
	 * 		gets the lines of {@code sys.stderr}; {@code System.err} by default
	 * @return changed copy
	 */
	public PythonEnvironment withOutput( final Consumer< String > newOut, final Consumer< String > newErr )
	{
		Objects.requireNonNull( newOut, "out" );
		Objects.requireNonNull( newErr, "err" );
		return with( changed -> {
			changed.out = newOut;
			changed.err = newErr;
		} );
	}

	/**
	 * @return the executable or folder that was named, or {@code null}
	 */
	public Path getPath()
	{
		return settings.path;
	}

	/**
	 * @return whether only the {@code PATH} counts
	 */
	public boolean isSystem()
	{
		return settings.system;
	}

	/**
	 * @return kind of interpreters that this asks for
	 * @throws IllegalArgumentException
	 * 		if the system property {@value #MODE_PROPERTY} is not a mode
	 */
	public InterpreterMode getMode()
	{
		if ( settings.mode != null )
			return settings.mode;
		final String property = System.getProperty( MODE_PROPERTY, InterpreterMode.AUTO.name() );
		for ( final InterpreterMode value : InterpreterMode.values() )
			if ( value.name().equalsIgnoreCase( property.trim() ) )
				return value;
		throw new IllegalArgumentException( "the system property " + MODE_PROPERTY + " is \"" + property + "\", expected one of "
				+ Arrays.toString( InterpreterMode.values() ) );
	}

	/**
	 * @return how long each worker may take to start Python and to run the init code
	 */
	public Duration getStartupTimeout()
	{
		return settings.startupTimeout;
	}

	/**
	 * @return how many bytes of memory the code of each worker may take;
	 *         {@link Long#MAX_VALUE} if there is no limit
	 */
	public long getMemoryLimit()
	{
		return settings.memoryLimit;
	}

	/**
	 * @return folders with the user's own Python modules
	 */
	public List< Path > getModulePath()
	{
		return settings.modulePath;
	}

	/**
	 * @return what gets the lines of {@code sys.stdout}
	 */
	public Consumer< String > getOut()
	{
		return settings.out;
	}

	/**
	 * @return what gets the lines of {@code sys.stderr}
	 */
	public Consumer< String > getErr()
	{
		return settings.err;
	}

	/**
	 * Describes which Python would be used, why, what is in it, in which mode it would
	 * run, and what is wrong with it. Does not start Python in this JVM.
	 *
	 * @return several lines of text
	 * @throws PythonInterruptedException
	 * 		if this thread is interrupted meanwhile
	 */
	public String diagnose()
	{
		return diagnosis().toString();
	}

	PythonDiagnosis diagnosis()
	{
		return PythonDiagnosis.of( settings.path, settings.system, this::getMode );
	}

	/**
	 * @param problems
	 * 		gets what cannot be described
	 * @return what {@link #described} makes this again of
	 */
	Map< String, Object > description( final List< String > problems )
	{
		if ( settings.out != PRINT_OUT || settings.err != PRINT_ERR )
			problems.add( "the environment has .withOutput( … ), which are objects of this JVM: leave it out, so that lines are printed" );
		final Map< String, Object > its = new LinkedHashMap<>();
		its.put( "path", settings.path == null ? null : settings.path.toString() );
		its.put( "system", settings.system );
		its.put( "mode", settings.mode == null ? null : settings.mode.name() );
		its.put( "startupNanos", settings.startupTimeout.toNanos() );
		its.put( "memoryLimit", settings.memoryLimit );
		its.put( "modulePath", settings.modulePath.stream().map( Path::toString ).collect( Collectors.toList() ) );
		return its;
	}

	/**
	 * @param its
	 * 		see {@link #description}
	 * @return the environment
	 */
	static PythonEnvironment described( final Map< ?, ? > its )
	{
		final Path path = its.get( "path" ) == null ? null : Paths.get( ( String ) its.get( "path" ) );
		final InterpreterMode mode = its.get( "mode" ) == null ? null : InterpreterMode.valueOf( ( String ) its.get( "mode" ) );
		return detected().with( changed -> {
			changed.path = path;
			changed.system = ( Boolean ) its.get( "system" );
			changed.mode = mode;
			changed.memoryLimit = ( Long ) its.get( "memoryLimit" );
		} ).withStartupTimeout( Duration.ofNanos( ( Long ) its.get( "startupNanos" ) ) )
				.withModulePath( ( ( List< ? > ) its.get( "modulePath" ) ).stream().map( folder -> Paths.get( ( String ) folder ) ).toArray( Path[]::new ) );
	}

	/**
	 * Environments are equal if all their settings are; those for output if they are the
	 * same objects, or equal themselves.
	 */
	@Override
	public boolean equals( final Object other )
	{
		return other instanceof PythonEnvironment && settings.toList().equals( ( ( PythonEnvironment ) other ).settings.toList() );
	}

	@Override
	public int hashCode()
	{
		return settings.toList().hashCode();
	}

	/**
	 * A new setting needs a field here, with its default, an entry in the list, a setter and a
	 * getter above, and a line in the description.
	 */
	private static final class Settings implements Cloneable
	{
		private Path path;

		private boolean system;

		private InterpreterMode mode;

		private Duration startupTimeout = DEFAULT_STARTUP_TIMEOUT;

		private long memoryLimit = Long.MAX_VALUE;

		private List< Path > modulePath = Collections.emptyList();

		private Consumer< String > out = PRINT_OUT;

		private Consumer< String > err = PRINT_ERR;

		List< Object > toList()
		{
			return Arrays.asList( path, system, mode, startupTimeout, memoryLimit, modulePath, out, err );
		}

		@Override
		protected Settings clone()
		{
			try
			{
				return ( Settings ) super.clone();
			}
			catch ( final CloneNotSupportedException e )
			{
				throw new AssertionError( e );
			}
		}
	}
}
