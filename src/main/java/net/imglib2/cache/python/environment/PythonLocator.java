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

import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;

import net.imglib2.cache.python.PythonEnvironmentException;

/**
 * Decides which Python executable is used.
 */
public final class PythonLocator
{
	public static final String EXECUTABLE_VARIABLE = "IMGLIB2_PYTHON";

	private final OperatingSystem os;

	private final UnaryOperator< String > properties;

	private final UnaryOperator< String > variables;

	private final Predicate< Path > isFile;

	/**
	 * @param os
	 * 		operating system
	 * @param properties
	 * 		gives the value of a system property, or {@code null}
	 * @param variables
	 * 		gives the value of an environment variable, or {@code null}
	 * @param isFile
	 * 		whether a path is a file
	 */
	PythonLocator( final OperatingSystem os, final UnaryOperator< String > properties, final UnaryOperator< String > variables, final Predicate< Path > isFile )
	{
		this.os = os;
		this.properties = properties;
		this.variables = variables;
		this.isFile = isFile;
	}

	public static PythonLocator ofThisJvm()
	{
		return new PythonLocator( OperatingSystem.current(), System::getProperty, System::getenv, Files::isRegularFile );
	}

	/**
	 * @param path
	 * 		executable or folder that the user named, or {@code null}
	 * @param onlyOnPath
	 * 		whether the user asks for the Python on the {@code PATH}
	 * @return whether the user asks for a particular Python
	 */
	public boolean isExplicit( final Path path, final boolean onlyOnPath )
	{
		return path != null || onlyOnPath || isSet( properties.apply( KnownProperties.EXECUTABLE ) )
				|| isSet( variables.apply( EXECUTABLE_VARIABLE ) );
	}

	/**
	 * @param path
	 * 		executable or folder that the user named, or {@code null}
	 * @param onlyOnPath
	 * 		whether to look on the {@code PATH} only, if no path is given
	 * @return the executable and who named it
	 * @throws PythonEnvironmentException
	 * 		if there is no Python at the place that is named, or none is found
	 */
	public LocatedPython locate( final Path path, final boolean onlyOnPath )
	{
		if ( path != null )
			return new LocatedPython( executableAt( path.toString(), "PythonEnvironment.at" ), "PythonEnvironment.at" );
		if ( !onlyOnPath )
		{
			final String property = properties.apply( KnownProperties.EXECUTABLE );
			if ( isSet( property ) )
				return new LocatedPython( executableAt( property, "the system property " + KnownProperties.EXECUTABLE ),
						"system property " + KnownProperties.EXECUTABLE );
			for ( final String name : new String[] { EXECUTABLE_VARIABLE, "VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONHOME" } )
			{
				final String value = variables.apply( name );
				if ( isSet( value ) )
					return new LocatedPython( executableAt( firstFolder( name, value ), "the environment variable " + name ), "environment variable " + name );
			}
		}
		return onPath();
	}

	private LocatedPython onPath()
	{
		final String path = variables.apply( "PATH" );
		if ( isSet( path ) )
			for ( final String name : os.executablesOnPath() )
				for ( final String folder : path.split( Pattern.quote( os.pathSeparator() ) ) )
				{
					final Path candidate = path( folder.isEmpty() ? "." : folder, name );
					if ( candidate != null && isFile.test( candidate ) )
						return new LocatedPython( candidate, "PATH" );
				}
		throw new PythonEnvironmentException( "No Python found: there is no " + String.join( " or ", os.executablesOnPath() ) + " on the PATH (" + path
				+ "). Install Python 3.10 or newer, or name one: -D" + KnownProperties.EXECUTABLE + "=/path/to/environment" );
	}

	private Path executableAt( final String place, final String origin )
	{
		final List< String > tried = new ArrayList<>();
		final Path named = path( place, "" );
		if ( named == null )
			throw new PythonEnvironmentException( "No Python at " + place + ", which " + origin + " names: this JVM cannot open a file of that name"
					+ " (sun.jnu.encoding is " + properties.apply( "sun.jnu.encoding" ) + "). Start it in a locale that has these letters, for instance with LC_ALL=C.UTF-8" );
		if ( isFile.test( named ) )
			return named;
		tried.add( named.toString() );
		for ( final String name : os.executablesInFolder() )
		{
			final Path candidate = named.resolve( name );
			if ( isFile.test( candidate ) )
				return candidate;
			tried.add( candidate.toString() );
		}
		throw new PythonEnvironmentException( "No Python at " + place + ", which " + origin + " names: none of these is a file: "
				+ String.join( ", ", tried ) + ". Name an executable, or the folder of a virtual or conda environment" );
	}

	/**
	 * {@code PYTHONHOME} may hold two folders: prefix and exec-prefix.
	 */
	private String firstFolder( final String name, final String value )
	{
		return name.equals( "PYTHONHOME" ) ? value.split( Pattern.quote( os.pathSeparator() ) )[ 0 ] : value;
	}

	private static Path path( final String first, final String second )
	{
		try
		{
			return Paths.get( first, second );
		}
		catch ( final InvalidPathException e )
		{
			// There is no file whose name is not a path.
			return null;
		}
	}

	private static boolean isSet( final String value )
	{
		return value != null && !value.trim().isEmpty();
	}
}
