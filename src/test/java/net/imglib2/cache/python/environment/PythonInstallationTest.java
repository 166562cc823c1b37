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
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.nio.file.attribute.FileTime;
import java.util.Arrays;
import java.util.List;
import java.util.Properties;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import net.imglib2.cache.python.ChildJvm;
import net.imglib2.cache.python.InterpreterMode;
import net.imglib2.cache.python.PythonEnvironmentException;
import net.imglib2.cache.python.PythonInterruptedException;

class PythonInstallationTest
{
	private static final String PIP = "\"/venv/bin/python\" -m pip install ";

	private final Properties properties = new Properties();

	PythonInstallationTest()
	{
		set( "version", "3.11.7" );
		set( "implementation", "CPython" );
		set( "executable", "/venv/bin/python" );
		set( "prefix", "/venv" );
		set( "bits", System.getProperty( "sun.arch.data.model" ) );
		set( "free.threaded", "false" );
		set( "jep.folder", "/venv/lib/python3.11/site-packages/jep" );
		set( "jep.version", "4.3.1" );
		set( "jep.library", "/venv/lib/python3.11/site-packages/jep/libjep.so" );
		set( "numpy.version", "2.4.6" );
		set( "install.command", PIP.trim() );
	}

	@Test
	void completePythonHasNoProblems()
	{
		for ( final InterpreterMode mode : List.of( InterpreterMode.SUB, InterpreterMode.SHARED, InterpreterMode.PROCESS ) )
		{
			assertEquals( List.of(), installation().problems( mode ) );
			installation().requireUsable( mode );
		}
		assertEquals( List.of(), installation().remediesForJep() );
		set( "jep.version", "4.3.2" );
		assertEquals( List.of(), installation().problems( InterpreterMode.SHARED ) );
	}

	@ParameterizedTest
	@ValueSource( strings = { "3.9.18", "3.0.1", "2.7.18", "4.0.0" } )
	void otherVersionsAreRefusedWithoutFurtherChecks( final String version )
	{
		properties.clear();
		set( "version", version );
		requireOneProblem( InterpreterMode.SHARED, "it is Python " + version + ", but 3.10 or newer is needed", "-Dimglib2.python.executable=" );
		requireOneProblem( InterpreterMode.PROCESS, "it is Python " + version + ", but 3.10 or newer is needed", "-Dimglib2.python.executable=" );
	}

	@ParameterizedTest
	@ValueSource( strings = { "3.10.0", "3.14.0rc1", "3.15.0a2+", "3.100.1" } )
	void newerVersionsAreNotRefused( final String version )
	{
		set( "version", version );
		assertEquals( List.of(), installation().problems( InterpreterMode.SHARED ) );
		assertEquals( List.of(), installation().problems( InterpreterMode.PROCESS ) );
	}

	@Test
	void interruptOfTheProbeHasATypeAndKeepsTheFlag()
	{
		Thread.currentThread().interrupt();
		try
		{
			final PythonInterruptedException e = assertThrows( PythonInterruptedException.class, () -> PythonInstallation.probe( new LocatedPython( ChildJvm.testPython(), "the test" ), false ) );
			assertTrue( e.getMessage().startsWith( "Interrupted while " + ChildJvm.testPython() ), e.getMessage() );
		}
		finally
		{
			assertTrue( Thread.interrupted() );
		}
	}

	@Test
	void otherImplementationsAreRefused()
	{
		set( "implementation", "PyPy" );
		requireOneProblem( InterpreterMode.SHARED, "it is PyPy, but CPython is needed" );
		requireOneProblem( InterpreterMode.PROCESS, "it is PyPy, but CPython is needed" );
	}

	@Test
	void freeThreadedBuildsRunInProcessesOnly()
	{
		set( "version", "3.13.1" );
		set( "free.threaded", "true" );
		requireOneProblemOfJep( "it is a free-threaded build", "use the ordinary build of Python 3.13.1" );
	}

	@Test
	void pythonsOfOtherWidthThanTheJvmsRunInProcessesOnly()
	{
		set( "bits", "16" );
		requireOneProblemOfJep( "it has 16 bits, the JVM has " + System.getProperty( "sun.arch.data.model" ) );
	}

	@Test
	void missingJepIsNamedWithTheCommandThatInstallsIt()
	{
		properties.keySet().removeIf( key -> key.toString().startsWith( "jep." ) );
		requireOneProblemOfJep( "the package jep is missing: JAVA_HOME=\"" + System.getProperty( "java.home" ) + "\" " + PIP + "jep==4.3.1" );
	}

	@Test
	void commandFirstMakesWhatItNeeds()
	{
		properties.remove( "numpy.version" );
		set( "install.preparation", "\"/venv/bin/python\" -m ensurepip && " );
		requireOneProblem( InterpreterMode.PROCESS, "the package numpy is missing: \"/venv/bin/python\" -m ensurepip && " + PIP + "numpy" );
		properties.keySet().removeIf( key -> key.toString().startsWith( "jep." ) );
		assertTrue( installation().remediesForJep().get( 0 ).contains( "-m ensurepip && JAVA_HOME=\"" ), installation().remediesForJep().toString() );
	}

	@Test
	void pythonOfTheSystemIsNotChanged()
	{
		properties.remove( "numpy.version" );
		set( "install.preparation", "\"/usr/bin/python3\" -m venv \"/home/me/env\" && " );
		set( "install.command", "\"/home/me/env/bin/python\" -m pip install" );
		set( "install.environment", "/home/me/env" );
		requireOneProblem( InterpreterMode.PROCESS, "the package numpy is missing: \"/usr/bin/python3\" -m venv \"/home/me/env\" && \"/home/me/env/bin/python\" -m pip install numpy ",
				"-Dimglib2.python.executable=/home/me/env)" );
	}

	@ParameterizedTest
	@ValueSource( strings = { "4.2.2", "4.3.0", "4.3.10", "5.0" } )
	void jepThatDoesNotFitIsRefused( final String version )
	{
		set( "jep.version", version );
		requireOneProblemOfJep( "the package jep in /venv/lib/python3.11/site-packages/jep has version " + version, "does not fit the jep-4.3.1.jar", PIP + "jep==4.3.1" );
	}

	@Test
	void jepOfUnknownVersionIsRefused()
	{
		properties.remove( "jep.version" );
		requireOneProblemOfJep( "has version unknown", PIP + "jep==4.3.1" );
	}

	@Test
	void jepWithoutItsLibraryIsRefused()
	{
		properties.remove( "jep.library" );
		requireOneProblemOfJep( "has no native library (libjep.so, libjep.jnilib or jep.dll)", PIP + "--force-reinstall --no-cache-dir jep==4.3.1" );
	}

	@Test
	void missingNumpyIsNamedWithTheCommandThatInstallsIt()
	{
		properties.remove( "numpy.version" );
		requireOneProblem( InterpreterMode.SHARED, "the package numpy is missing: " + PIP + "numpy" );
		requireOneProblem( InterpreterMode.PROCESS, "the package numpy is missing: " + PIP + "numpy" );
	}

	@Test
	void allProblemsAreReportedAtOnce()
	{
		properties.keySet().removeIf( key -> key.toString().startsWith( "jep." ) );
		properties.remove( "numpy.version" );
		assertEquals( 2, installation().problems( InterpreterMode.SHARED ).size() );
		final String message = assertThrows( PythonEnvironmentException.class, () -> installation().requireUsable( InterpreterMode.SHARED ) ).getMessage();
		requireContains( message, "/named/python (named by: the test) cannot be used:\n- the package jep is missing", "\n- the package numpy is missing" );
	}

	@ParameterizedTest
	@ValueSource( strings = { "3.12.1", "3.13.0", "3.100.0" } )
	void subInterpretersAreRefusedWhereNumpyCrashesInThem( final String version )
	{
		set( "version", version );
		requireOneProblem( InterpreterMode.SUB, "InterpreterMode.SUB needs CPython 3.10 or 3.11, but it is " + version, "use InterpreterMode.SHARED or AUTO" );
		assertEquals( List.of(), installation().problems( InterpreterMode.SHARED ) );
	}

	@Test
	void sameEnvironmentIsKnownByItsFolder()
	{
		final PythonInstallation one = installation();
		set( "executable", "/venv/bin/python3" );
		assertTrue( one.isSameAs( installation() ) );
		set( "version", "3.11.8" );
		assertFalse( one.isSameAs( installation() ) );
		set( "version", "3.11.7" );
		set( "prefix", "/other" );
		assertFalse( one.isSameAs( installation() ) );
	}

	@Test
	void listsAreSeparatedByLineEnds()
	{
		assertEquals( List.of(), installation().sharedModules() );
		set( "shared.modules", "numpy\nscipy" );
		set( "compiled.distributions", "numpy" );
		assertEquals( List.of( "numpy", "scipy" ), installation().sharedModules() );
		assertEquals( List.of( "numpy" ), installation().compiledDistributions() );
	}

	@Test
	void probeDescribesThePythonOfTheTests()
	{
		final PythonInstallation installation = PythonInstallation.probe( new LocatedPython( ChildJvm.testPython(), "the test" ), true );
		assertEquals( List.of(), installation.problems( InterpreterMode.SHARED ) );
		assertEquals( List.of(), installation.problems( InterpreterMode.PROCESS ) );
		assertEquals( ChildJvm.testPython().toString(), installation.executable() );
		assertTrue( PythonInstallation.JEP_VERSIONS.contains( installation.get( "jep.version" ) ) );
		assertTrue( Files.isRegularFile( Paths.get( installation.jepLibrary() ) ), installation.jepLibrary() );
		assertTrue( Files.isRegularFile( Paths.get( installation.get( "library" ) ) ), installation.get( "library" ) );
		assertTrue( installation.compiledDistributions().contains( "numpy" ), installation.compiledDistributions().toString() );
		assertTrue( installation.sharedModules().contains( "numpy" ), installation.sharedModules().toString() );
		assertFalse( installation.sharedModules().contains( "jep" ) );
		assertEquals( "Python " + installation.get( "version" ) + " (" + ChildJvm.testPython() + ")", installation.toString() );
	}

	/**
	 * Each path that matters, there or not.
	 */
	@ParameterizedTest
	@ValueSource( strings = { "python", "site-packages", "site-packages/jep", "pyvenv.cfg" } )
	@DisabledOnOs( value = OS.WINDOWS, disabledReason = "the Python is a shell script" )
	void aPythonIsRunAgainOnlyIfSomethingHasChanged( final String changed, @TempDir final Path folder ) throws Exception
	{
		Files.createDirectories( folder.resolve( "site-packages/jep" ) );
		final Path python = folder.resolve( "python" );
		Files.writeString( python, "#!/bin/sh\necho run >> '" + folder + "/runs'\nprintf '<imglib2-cache-python>\\nversion=3.11.%s\\nfolders=/nowhere\\\\n%s\\nprefix=%s\\njep.folder=%s\\n</imglib2-cache-python>\\n' $(wc -l < '"
				+ folder + "/runs') '" + folder + "/site-packages' '" + folder + "' '" + folder + "/site-packages/jep'\n" );
		assertTrue( python.toFile().setExecutable( true ) );
		final LocatedPython located = new LocatedPython( python, "the test" );
		// What has just changed may still be changing.
		assertEquals( "3.11.1", PythonInstallation.find( located ).get( "version" ) );
		assertEquals( "3.11.2", PythonInstallation.find( located ).get( "version" ) );
		final FileTime before = FileTime.fromMillis( System.currentTimeMillis() - 10_000 );
		for ( final String path : List.of( "python", "site-packages", "site-packages/jep" ) )
			Files.setLastModifiedTime( folder.resolve( path ), before );
		for ( int i = 0; i < 2; ++i )
			assertEquals( "3.11.3", PythonInstallation.find( located ).get( "version" ) );
		if ( !Files.exists( folder.resolve( changed ) ) )
			Files.createFile( folder.resolve( changed ) );
		Files.setLastModifiedTime( folder.resolve( changed ), FileTime.fromMillis( before.toMillis() + 1000 ) );
		for ( int i = 0; i < 2; ++i )
			assertEquals( "3.11.4", PythonInstallation.find( located ).get( "version" ) );
		assertEquals( "3.11.5", PythonInstallation.probe( located, false ).get( "version" ) );
	}

	private void set( final String key, final String value )
	{
		properties.setProperty( key, value );
	}

	private PythonInstallation installation()
	{
		final Properties copy = new Properties();
		copy.putAll( properties );
		return new PythonInstallation( new LocatedPython( Paths.get( "/named/python" ), "the test" ), copy );
	}

	/**
	 * A problem for Jep is none for processes.
	 */
	private void requireOneProblemOfJep( final String... parts )
	{
		requireOneProblem( InterpreterMode.SHARED, parts );
		requireContains( installation().problems( InterpreterMode.SHARED ).get( 0 ), ", or use InterpreterMode.PROCESS" );
		assertEquals( List.of(), installation().problems( InterpreterMode.PROCESS ) );
		assertEquals( 1, installation().remediesForJep().size() );
		requireContains( installation().remediesForJep().get( 0 ), parts );
	}

	private void requireOneProblem( final InterpreterMode mode, final String... parts )
	{
		final List< String > problems = installation().problems( mode );
		assertEquals( 1, problems.size(), problems.toString() );
		requireContains( problems.get( 0 ), parts );
		final String message = assertThrows( PythonEnvironmentException.class, () -> installation().requireUsable( mode ) ).getMessage();
		requireContains( message, "/named/python (named by: the test) cannot be used:\n- " + problems.get( 0 ) );
	}

	private static void requireContains( final String text, final String... parts )
	{
		Arrays.asList( parts ).forEach( part -> assertTrue( text.contains( part ), () -> "\"" + part + "\" is missing in: " + text ) );
	}
}
