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

import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * The operating systems, and where they keep their Python executables.
 */
public enum OperatingSystem
{
	/**
	 * Stands for all systems but the others.
	 */
	LINUX( Arrays.asList( "bin/python3", "bin/python" ), Arrays.asList( "python3", "python" ) ),

	/**
	 * Of Apple.
	 */
	MACOS( Arrays.asList( "bin/python3", "bin/python" ), Arrays.asList( "python3", "python" ) ),

	/**
	 * A virtual environment has its executable in {@code Scripts}; an installation
	 * and a conda environment have it in their top folder.
	 */
	WINDOWS( Arrays.asList( "Scripts/python.exe", "python.exe" ), Arrays.asList( "python3.exe", "python.exe" ) );

	private final List< String > inFolder;

	private final List< String > onPath;

	OperatingSystem( final List< String > inFolder, final List< String > onPath )
	{
		this.inFolder = inFolder;
		this.onPath = onPath;
	}

	/**
	 * @return that of this JVM
	 */
	public static OperatingSystem current()
	{
		return of( System.getProperty( "os.name" ) );
	}

	/**
	 * @param osName
	 * 		value of the system property {@code os.name}
	 * @return {@link #LINUX} for all systems but macOS and Windows
	 */
	static OperatingSystem of( final String osName )
	{
		final String name = osName.toLowerCase( Locale.ROOT );
		return name.contains( "win" ) && !name.contains( "darwin" ) ? WINDOWS : name.contains( "mac" ) || name.contains( "darwin" ) ? MACOS : LINUX;
	}

	/**
	 * @return paths that the executable may have in the folder of an environment, best
	 *         first
	 */
	List< String > executablesInFolder()
	{
		return inFolder;
	}

	/**
	 * @return names that the executable may have on the {@code PATH}, best first
	 */
	List< String > executablesOnPath()
	{
		return onPath;
	}

	/**
	 * @return separator of the paths in an environment variable
	 */
	String pathSeparator()
	{
		return this == WINDOWS ? ";" : ":";
	}
}
