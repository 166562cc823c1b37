package net.imglib2.cache.python.interpreter;

import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;
import java.util.logging.Logger;
import java.util.stream.Collectors;

import jep.MainInterpreter;
import jep.PyConfig;
import net.imglib2.cache.python.InterpreterMode;
import net.imglib2.cache.python.PythonEnvironment;
import net.imglib2.cache.python.PythonEnvironmentException;

/**
 * The one Python of this JVM, with the settings of one queue.
 */
public final class PythonRuntime
{
	private static final Logger LOG = Logger.getLogger( PythonRuntime.class.getName() );

	private static PythonRuntime first;

	private final PythonInstallation installation;

	private final InterpreterMode mode;

	private final PythonEnvironment environment;

	private PythonRuntime( final PythonInstallation installation, final InterpreterMode mode, final PythonEnvironment environment )
	{
		this.installation = installation;
		this.mode = mode;
		this.environment = environment;
	}

	/**
	 * Makes everything ready for the first interpreter, which starts Python; or,
	 * if that has happened, checks that the same Python is asked for.
	 *
	 * @param environment
	 * 		what the user asks for
	 * @return the runtime
	 * @throws PythonEnvironmentException
	 * 		if that Python cannot be used, or is not the one that is running
	 */
	public static synchronized PythonRuntime start( final PythonEnvironment environment )
	{
		ClassPathCheck.requireOneImglib2Cache( PythonRuntime.class.getClassLoader() );
		if ( first != null )
			return first.with( environment );
		final PythonInstallation installation = PythonInstallation.probe( PythonLocator.ofThisJvm().locate( environment ) ).requireUsable();
		final InterpreterMode mode = installation.mode( environment.getMode() );
		try
		{
			MainInterpreter.setInitParams( PyConfig.isolated().setProgramName( installation.executable() ) );
			MainInterpreter.setJepLibraryPath( installation.jepLibrary() );
		}
		catch ( final IllegalStateException e )
		{
			throw new PythonEnvironmentException( "Other code has already started Python in this JVM by Jep. A JVM can start one Python, once: "
					+ "create the first PythonCacheLoaderQueue before that code runs", e );
		}
		if ( environment.getMode() == InterpreterMode.AUTO )
			LOG.info( () -> installation + " runs in mode " + mode + ": " + installation.modeReason() );
		first = new PythonRuntime( installation, mode, environment );
		return first;
	}

	private PythonRuntime with( final PythonEnvironment other )
	{
		if ( other.getPath() != null || other.isSystem() )
		{
			final LocatedPython located = PythonLocator.ofThisJvm().locate( other );
			if ( !located.executable().toAbsolutePath().equals( installation.located().executable().toAbsolutePath() ) )
			{
				final String executable = PythonInstallation.probe( located ).executable();
				if ( !executable.equals( installation.executable() ) )
					throw new PythonEnvironmentException( "This JVM runs " + installation + ", but " + executable + " is asked for (" + located.origin()
							+ "). A JVM can start one Python, once: use the running one, or start another JVM" );
			}
		}
		final InterpreterMode requested = other.getMode();
		if ( requested != InterpreterMode.AUTO && requested != mode )
			throw new PythonEnvironmentException( "The interpreters of this JVM run in mode " + mode + ", but " + requested
					+ " is asked for. The first queue of a JVM decides: use its mode, or start another JVM" );
		return new PythonRuntime( installation, mode, other );
	}

	InterpreterMode mode()
	{
		return mode;
	}

	List< String > sharedModules()
	{
		return installation.sharedModules();
	}

	/**
	 * @return where the Python half of this library lies
	 */
	String packageLocation()
	{
		return PythonSources.location();
	}

	List< String > modulePath()
	{
		return environment.getModulePath().stream().map( folder -> folder.toAbsolutePath().toString() ).collect( Collectors.toList() );
	}

	Duration startupTimeout()
	{
		return environment.getStartupTimeout();
	}

	Consumer< String > out()
	{
		return environment.getOut();
	}

	Consumer< String > err()
	{
		return environment.getErr();
	}

	@Override
	public String toString()
	{
		return installation + " in mode " + mode;
	}
}
