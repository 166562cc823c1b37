package net.imglib2.cache.python.interpreter;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * What differs between operating systems in where a Python is.
 */
enum OperatingSystem
{
	LINUX( Arrays.asList( "bin/python3", "bin/python" ), Arrays.asList( "python3", "python" ) ),

	MACOS( Arrays.asList( "bin/python3", "bin/python" ), Arrays.asList( "python3", "python" ) ),

	/**
	 * A virtual environment has its executable in {@code Scripts}, an
	 * installation and a conda environment at the top.
	 */
	WINDOWS( Arrays.asList( "Scripts/python.exe", "python.exe" ), Arrays.asList( "python3.exe", "python.exe" ) );

	private final List< String > inFolder;

	private final List< String > onPath;

	OperatingSystem( final List< String > inFolder, final List< String > onPath )
	{
		this.inFolder = inFolder;
		this.onPath = onPath;
	}

	static OperatingSystem current()
	{
		return of( System.getProperty( "os.name" ) );
	}

	/**
	 * @param osName
	 * 		value of the system property {@code os.name}
	 * @return the system; Linux stands for all that are none of the others
	 */
	static OperatingSystem of( final String osName )
	{
		final String name = osName.toLowerCase( Locale.ROOT );
		return name.contains( "win" ) && !name.contains( "darwin" ) ? WINDOWS : name.contains( "mac" ) || name.contains( "darwin" ) ? MACOS : LINUX;
	}

	/**
	 * @return where the executable may be in the folder of an environment, in the
	 *         order of preference
	 */
	List< String > executablesInFolder()
	{
		return inFolder;
	}

	/**
	 * @return names that the executable may have on the {@code PATH}, in the order
	 *         of preference
	 */
	List< String > executablesOnPath()
	{
		return onPath;
	}

	/**
	 * @return what separates paths in environment variables
	 */
	String pathSeparator()
	{
		return this == WINDOWS ? ";" : ":";
	}
}
