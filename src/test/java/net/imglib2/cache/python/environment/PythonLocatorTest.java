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

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import net.imglib2.cache.python.PythonEnvironment;
import net.imglib2.cache.python.PythonEnvironmentException;

class PythonLocatorTest
{
	private static final String PROPERTY = PythonEnvironment.EXECUTABLE_PROPERTY;

	private final Map< String, String > properties = new HashMap<>();

	private final Map< String, String > variables = new HashMap<>();

	private final Set< String > files = new HashSet<>();

	@Test
	void sourcesAreLookedAtInTheDocumentedOrder()
	{
		files( "/named/bin/python3", "/property/bin/python3", "/own/bin/python3", "/venv/bin/python3", "/conda/bin/python3", "/home/bin/python3", "/path/python3" );
		properties.put( PROPERTY, "/property" );
		variables.put( "IMGLIB2_PYTHON", "/own" );
		variables.put( "VIRTUAL_ENV", "/venv" );
		variables.put( "CONDA_PREFIX", "/conda" );
		variables.put( "PYTHONHOME", "/home" );
		variables.put( "PATH", "/path" );

		requireFound( "/named/bin/python3", "PythonEnvironment.at", OperatingSystem.LINUX, PythonEnvironment.at( Paths.get( "/named" ) ) );
		requireFound( "/path/python3", "PATH", OperatingSystem.LINUX, PythonEnvironment.system() );
		requireFound( "/property/bin/python3", "system property imglib2.python.executable" );
		properties.clear();
		requireFound( "/own/bin/python3", "environment variable IMGLIB2_PYTHON" );
		variables.remove( "IMGLIB2_PYTHON" );
		requireFound( "/venv/bin/python3", "environment variable VIRTUAL_ENV" );
		variables.remove( "VIRTUAL_ENV" );
		requireFound( "/conda/bin/python3", "environment variable CONDA_PREFIX" );
		variables.remove( "CONDA_PREFIX" );
		requireFound( "/home/bin/python3", "environment variable PYTHONHOME" );
		variables.remove( "PYTHONHOME" );
		requireFound( "/path/python3", "PATH" );
	}

	@Test
	void emptyAndBlankSettingsAreNone()
	{
		files( "/path/python3" );
		properties.put( PROPERTY, "" );
		variables.put( "IMGLIB2_PYTHON", " " );
		variables.put( "VIRTUAL_ENV", "" );
		variables.put( "PATH", "/path" );
		requireFound( "/path/python3", "PATH" );
	}

	@Test
	void namedPathIsAnExecutableOrAFolder()
	{
		files( "/opt/my-python", "/venv/bin/python", "/both/bin/python3", "/both/bin/python" );
		properties.put( PROPERTY, "/opt/my-python" );
		requireFound( "/opt/my-python", "system property imglib2.python.executable" );
		properties.put( PROPERTY, "/venv" );
		requireFound( "/venv/bin/python", "system property imglib2.python.executable" );
		properties.put( PROPERTY, "/both/" );
		requireFound( "/both/bin/python3", "system property imglib2.python.executable" );
	}

	@Test
	void aNamedPythonThatIsMissingIsNotReplacedByAnother()
	{
		files( "/venv/bin/python3", "/path/python3" );
		properties.put( PROPERTY, "/missing" );
		variables.put( "VIRTUAL_ENV", "/venv" );
		variables.put( "PATH", "/path" );
		requireRefused( OperatingSystem.LINUX, PythonEnvironment.detected(), "No Python at /missing, which the system property imglib2.python.executable names",
				"none of these is a file: /missing, /missing/bin/python3, /missing/bin/python", "Name an executable, or the folder of a virtual or conda environment" );
		properties.clear();
		variables.put( "VIRTUAL_ENV", "/old" );
		requireRefused( OperatingSystem.LINUX, PythonEnvironment.detected(), "No Python at /old, which the environment variable VIRTUAL_ENV names" );
		requireRefused( OperatingSystem.LINUX, PythonEnvironment.at( Paths.get( "/gone" ) ), "No Python at /gone, which PythonEnvironment.at names" );
	}

	@Test
	void namesThatAreNoPathsAreRefused()
	{
		properties.put( PROPERTY, "/a\0b" );
		requireRefused( OperatingSystem.LINUX, PythonEnvironment.detected(), "No Python at /a\0b", PROPERTY );
	}

	@Test
	void python3AnywhereOnThePathPrecedesPython()
	{
		files( "/first/python", "/second/python3", "/third/python3" );
		variables.put( "PATH", "/zero:/first:/second:/third" );
		requireFound( "/second/python3", "PATH" );
		files.remove( "/second/python3" );
		requireFound( "/third/python3", "PATH" );
		files.remove( "/third/python3" );
		requireFound( "/first/python", "PATH" );
	}

	@Test
	void emptyEntryOfThePathIsTheWorkingDirectory()
	{
		files( "./python3" );
		variables.put( "PATH", "/first::/second" );
		requireFound( "./python3", "PATH" );
	}

	@Test
	void withoutAnyPythonTheMessageTellsWhereItWasSearchedFor()
	{
		variables.put( "PATH", "/first:/second" );
		requireRefused( OperatingSystem.LINUX, PythonEnvironment.detected(), "there is no python3 or python on the PATH (/first:/second)", "Install Python 3.10 or newer",
				"-Dimglib2.python.executable=/path/to/environment" );
		variables.clear();
		requireRefused( OperatingSystem.LINUX, PythonEnvironment.system(), "there is no python3 or python on the PATH (null)" );
	}

	@Test
	void pythonHomeMayHoldTwoFolders()
	{
		files( "/prefix/bin/python3" );
		variables.put( "PYTHONHOME", "/prefix:/exec-prefix" );
		requireFound( "/prefix/bin/python3", "environment variable PYTHONHOME" );
	}

	@ParameterizedTest
	@ValueSource( strings = { "/Library/Frameworks/Python.framework/Versions/3.11", "/opt/homebrew/opt/python@3.11/Frameworks/Python.framework/Versions/3.11",
			"/Users/me/miniforge3/envs/images", "/Users/me/project/.venv" } )
	void macOsHasTheExecutableInBin( final String folder )
	{
		files( folder + "/bin/python3", folder + "/bin/python3.11" );
		requireFound( folder + "/bin/python3", "PythonEnvironment.at", OperatingSystem.MACOS, PythonEnvironment.at( Paths.get( folder ) ) );
		variables.put( "PATH", "/usr/local/bin:" + folder + "/bin" );
		requireFound( folder + "/bin/python3", "PATH", OperatingSystem.MACOS, PythonEnvironment.detected() );
	}

	@Test
	void windowsHasTheExecutableInScriptsOrAtTheTop()
	{
		files( "C:/project/.venv/Scripts/python.exe", "C:/miniforge3/envs/images/python.exe", "C:/miniforge3/envs/images/Scripts/pip.exe" );
		variables.put( "VIRTUAL_ENV", "C:/project/.venv" );
		requireFound( "C:/project/.venv/Scripts/python.exe", "environment variable VIRTUAL_ENV", OperatingSystem.WINDOWS, PythonEnvironment.detected() );
		variables.clear();
		variables.put( "CONDA_PREFIX", "C:/miniforge3/envs/images" );
		requireFound( "C:/miniforge3/envs/images/python.exe", "environment variable CONDA_PREFIX", OperatingSystem.WINDOWS, PythonEnvironment.detected() );
		requireFound( "C:/miniforge3/envs/images/python.exe", "PythonEnvironment.at", OperatingSystem.WINDOWS,
				PythonEnvironment.at( Paths.get( "C:/miniforge3/envs/images/python.exe" ) ) );
		requireRefused( OperatingSystem.WINDOWS, PythonEnvironment.at( Paths.get( "D:/old" ) ), "D:/old/Scripts/python.exe, D:/old/python.exe" );
	}

	@Test
	void windowsSeparatesFoldersBySemicolon()
	{
		files( "C:/Python311/python.exe", "C:/prefix/python.exe" );
		variables.put( "PATH", "C:/Windows;;C:/Python311;D:/tools" );
		requireFound( "C:/Python311/python.exe", "PATH", OperatingSystem.WINDOWS, PythonEnvironment.detected() );
		variables.put( "PYTHONHOME", "C:/prefix;D:/exec-prefix" );
		requireFound( "C:/prefix/python.exe", "environment variable PYTHONHOME", OperatingSystem.WINDOWS, PythonEnvironment.detected() );
		variables.clear();
		variables.put( "PATH", "C:/Windows" );
		requireRefused( OperatingSystem.WINDOWS, PythonEnvironment.detected(), "there is no python3.exe or python.exe on the PATH (C:/Windows)" );
	}

	private void files( final String... names )
	{
		files.addAll( Arrays.asList( names ) );
	}

	private void requireFound( final String executable, final String origin )
	{
		requireFound( executable, origin, OperatingSystem.LINUX, PythonEnvironment.detected() );
	}

	private void requireFound( final String executable, final String origin, final OperatingSystem os, final PythonEnvironment environment )
	{
		final LocatedPython located = locator( os ).locate( environment.getPath(), environment.isSystem() );
		assertEquals( Paths.get( executable ), located.executable() );
		assertEquals( origin, located.origin() );
	}

	private void requireRefused( final OperatingSystem os, final PythonEnvironment environment, final String... parts )
	{
		final String message = assertThrows( PythonEnvironmentException.class, () -> locator( os ).locate( environment.getPath(), environment.isSystem() ) ).getMessage().replace( '\\', '/' );
		for ( final String part : parts )
			assertTrue( message.contains( part ), () -> "\"" + part + "\" is missing in: " + message );
	}

	private PythonLocator locator( final OperatingSystem os )
	{
		return new PythonLocator( os, properties::get, variables::get, this::isFile );
	}

	private boolean isFile( final Path path )
	{
		return files.contains( path.toString().replace( '\\', '/' ) );
	}
}
