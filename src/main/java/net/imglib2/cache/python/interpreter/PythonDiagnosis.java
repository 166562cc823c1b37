package net.imglib2.cache.python.interpreter;

import java.util.ArrayList;
import java.util.List;

import net.imglib2.cache.python.PythonEnvironment;
import net.imglib2.cache.python.PythonEnvironmentException;

/**
 * All that can be told about an environment without starting Python in this JVM.
 */
public final class PythonDiagnosis
{
	private final List< String > lines = new ArrayList<>();

	private boolean usable;

	private PythonDiagnosis()
	{}

	/**
	 * @param environment
	 * 		what the user asks for
	 * @return the diagnosis
	 */
	public static PythonDiagnosis of( final PythonEnvironment environment )
	{
		final PythonDiagnosis diagnosis = new PythonDiagnosis();
		try
		{
			diagnosis.add( "JVM", System.getProperty( "java.vm.name" ) + " " + System.getProperty( "java.version" ) + ", " + System.getProperty( "java.home" ) );
			ClassPathCheck.requireOneImglib2Cache( PythonDiagnosis.class.getClassLoader() );
			final LocatedPython located = PythonLocator.ofThisJvm().locate( environment );
			diagnosis.add( "Python", located.executable() + ", named by: " + located.origin() );
			diagnosis.describe( PythonInstallation.probe( located ), environment );
		}
		catch ( final PythonEnvironmentException | IllegalArgumentException e )
		{
			diagnosis.lines.add( "PROBLEM: " + e.getMessage() );
		}
		return diagnosis;
	}

	/**
	 * @return whether a queue could be started
	 */
	public boolean isUsable()
	{
		return usable;
	}

	@Override
	public String toString()
	{
		return String.join( "\n", lines );
	}

	private void describe( final PythonInstallation installation, final PythonEnvironment environment )
	{
		add( "version", ( installation.get( "implementation" ) + " " + installation.get( "version" ) ).trim() );
		add( "sys.executable", installation.get( "executable" ) );
		add( "sys.prefix", installation.get( "prefix" ) );
		add( "sys.base_prefix", installation.get( "base.prefix" ) );
		add( "libpython", installation.get( "library" ) );
		add( "jep", ( installation.get( "jep.version" ) + " " + installation.get( "jep.library" ) ).trim() );
		add( "jep that fits", String.join( " or ", PythonInstallation.JEP_VERSIONS ) );
		add( "numpy", installation.get( "numpy.version" ) );
		add( "compiled packages", String.join( ", ", installation.compiledDistributions() ) );
		add( "modules shared in SUB", String.join( ", ", installation.sharedModules() ) );
		final List< String > problems = installation.problems();
		if ( problems.isEmpty() )
		{
			add( "mode", installation.mode( environment.getMode() ) + " (asked for: " + environment.getMode() + "; AUTO: " + installation.modeReason() + ")" );
			usable = true;
			lines.add( "This Python can be used." );
		}
		for ( final String problem : problems )
			lines.add( "PROBLEM: " + problem );
	}

	private void add( final String name, final String value )
	{
		lines.add( String.format( "%-21s %s", name, value.isEmpty() ? "-" : value ) );
	}
}
