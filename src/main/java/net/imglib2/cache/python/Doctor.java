package net.imglib2.cache.python;

import java.nio.file.Paths;

import net.imglib2.cache.python.interpreter.PythonDiagnosis;

/**
 * Prints which Python would be used and what is wrong with it. Python is not
 * started in this JVM.
 *
 * <pre>
 * java -cp … net.imglib2.cache.python.Doctor [executable or folder of an environment]
 * </pre>
 *
 * Exit status: 0 if that Python can be used, 1 if not, 2 for wrong arguments.
 */
public final class Doctor
{
	private Doctor()
	{}

	/**
	 * @param args
	 * 		at most one: a Python executable, or the folder of an environment
	 */
	public static void main( final String... args )
	{
		if ( args.length > 1 )
		{
			System.err.println( "usage: Doctor [executable or folder of a Python environment]" );
			System.exit( 2 );
		}
		final PythonEnvironment environment = args.length == 1 ? PythonEnvironment.at( Paths.get( args[ 0 ] ) ) : PythonEnvironment.getDefault();
		final PythonDiagnosis diagnosis = PythonDiagnosis.of( environment );
		System.out.println( diagnosis );
		System.exit( diagnosis.isUsable() ? 0 : 1 );
	}
}
