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

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import groovy.lang.GroovyShell;
import net.imglib2.cache.python.environment.PythonDiagnosis;

class DoctorTest
{
	private static final Path PYTHON = ChildJvm.testPython();

	private Path folder;

	/**
	 * @return those in which the Python of the tests runs
	 */
	private static List< InterpreterMode > modes() throws Exception
	{
		final List< InterpreterMode > modes = new ArrayList<>( List.of( InterpreterMode.SHARED, InterpreterMode.PROCESS ) );
		if ( List.of( "3.10", "3.11" ).contains( TestPythons.minor( PYTHON ) ) )
			modes.add( InterpreterMode.SUB );
		return modes;
	}

	@BeforeEach
	void makeFolder() throws IOException
	{
		folder = Files.createTempDirectory( "doctor-test" ).toRealPath();
	}

	@AfterEach
	void deleteFolder() throws IOException
	{
		TestPythons.delete( folder );
	}

	@Test
	void usablePythonIsDescribed() throws Exception
	{
		final String numpy = TestPythons.ask( PYTHON, "__import__('numpy').__version__" );
		final String version = TestPythons.ask( PYTHON, "'.'.join(map(str, sys.version_info[:3]))" );
		final ChildJvm.Result result = ChildJvm.of( Doctor.class ).withPython( PYTHON ).run().requireExitCode( 0 );
		result.requireOutput( "JVM ", System.getProperty( "java.version" ), PYTHON + ", named by: system property imglib2.python.executable", "CPython " + version, "sys.executable ",
				"sys.prefix ", "sys.base_prefix ", "libpython", "jep ", "libjep", "4.3.1 or 4.3.2", " " + numpy + "\n", "compiled packages ", "numpy", "modules shared in SUB ",
				"mode ", "SHARED (asked for: AUTO), because its package jep fits\n", "This Python can be used.\n" );
		for ( final InterpreterMode mode : modes() )
			assertTrue( Pattern.compile( "(?m)^" + mode + " +works: Python started and computed an image \\(\\d" ).matcher( result.output ).find(), result.output );
		assertFalse( result.output.contains( "PROBLEM" ), result.output );
	}

	/**
	 * A missing package is no problem of the modes, but of what was asked for.
	 */
	@Test
	void modulesAreImportedInEachModeAndTheMissingOneIsNamedWithTheCommandThatInstallsIt() throws Exception
	{
		final Path venv = TestPythons.venvWith( folder.resolve( "venv" ), "numpy" );
		final ChildJvm.Result result = ChildJvm.of( Doctor.class ).withPython( folder.resolve( "missing" ) ).run( venv.toString(), "--import", "numpy.linalg", "skimage.filters", "json" )
				.requireExitCode( 1 );
		result.requireOutput( TestPythons.executable( venv ) + "", ", named by: PythonEnvironment.at", "PROCESS               works: ", " numpy.linalg imported (", " json 2.0.9 imported (",
				" cannot import skimage.filters: ", "No module named 'skimage'", "-m ensurepip && \"" + venv, "-m pip install scikit-image\n",
				"PROBLEM: mode PROCESS, which images would take, does not work, see above\n" );
		assertFalse( result.output.contains( PythonDiagnosis.USABLE ), result.output );
	}

	/**
	 * A folder in the place of a package, whose import does what it should not.
	 */
	private Path venvWithPackage( final String name, final String code ) throws Exception
	{
		final Path venv = TestPythons.venvWith( folder.resolve( "venv" ), "numpy", "jep" );
		TestPythons.write( TestPythons.sitePackages( TestPythons.executable( venv ) ).resolve( name ).resolve( "__init__.py" ), code );
		return venv;
	}

	@Test
	void aCrashInOneModeIsToldAndTheModeThatWorksIsNamed() throws Exception
	{
		final Path venv = venvWithPackage( "crashing", "import os, sys\nif 'jep' in sys.modules: os._exit(66)\n" );
		final ChildJvm.Result result = ChildJvm.of( Doctor.class ).run( venv.toString(), "--import", "crashing" ).requireExitCode( 1 );
		result.requireOutput( "SHARED                works: ", "does not work: importing crashing has ended the JVM, with exit code 66", "PROCESS               works: ", " crashing imported (",
				"PROBLEM: mode SHARED, which images would take, does not work, see above; this mode does: -Dimglib2.python.mode=PROCESS\n" );
	}

	@Test
	void anImportThatNeverEndsIsEnded() throws Exception
	{
		final Path venv = TestPythons.venvWith( folder.resolve( "venv" ), "numpy" );
		TestPythons.write( TestPythons.sitePackages( TestPythons.executable( venv ) ).resolve( "endless.py" ), "while True: pass\n" );
		// On a slow machine, already the start takes longer.
		ChildJvm.of( Doctor.class ).run( venv.toString(), "--import", "endless", "--timeout", "4" ).requireExitCode( 1 )
				.requireOutput( " took longer than 4 s; to wait longer: --timeout 20\n", "PROBLEM: mode PROCESS" );
	}

	@Test
	void withAnAllowListPythonIsStartedAndNoCodeIsTried() throws Exception
	{
		final Path list = TestPythons.write( folder.resolve( "allow" ), "module:scipy.ndimage\n" );
		ChildJvm.of( Doctor.class ).withPython( PYTHON ).withMode( InterpreterMode.PROCESS ).withProperty( PythonTrust.FILE_PROPERTY, list.toString() ).run( "--import", "scipy" ).requireExitCode( 0 )
				.requireOutput( "PROCESS (asked for: PROCESS)\n", "PROCESS               starts; code is not tried, because of the allow-list: " );
	}

	/**
	 * As a script of Fiji does.
	 */
	@Test
	void diagnosisIsOneLineOfAScript()
	{
		final GroovyShell shell = new GroovyShell( getClass().getClassLoader() );
		final Object text = shell.evaluate( "net.imglib2.cache.python.PythonEnvironment.getDefault().diagnose()" );
		assertTrue( text.toString().endsWith( PythonDiagnosis.USABLE ), text.toString() );
	}

	@Test
	void unusablePythonIsDescribedWithAllItsProblems() throws Exception
	{
		final Path venv = TestPythons.bareVenv( folder.resolve( "venv" ) );
		final ChildJvm.Result result = ChildJvm.of( Doctor.class ).withMode( InterpreterMode.SHARED ).run( venv.toString() ).requireExitCode( 1 );
		result.requireOutput( "sys.prefix            " + venv, "jep                   -\n", "PROBLEM: the package jep is missing: ",
				"-m pip install jep==4.3.1, or use InterpreterMode.PROCESS", "PROBLEM: the package numpy is missing: " );
		assertFalse( result.output.contains( "This Python can be used" ), result.output );
	}

	@Test
	void environmentWithNumpyAloneCanBeUsedAndWhatSharedLacksIsTold() throws Exception
	{
		final Path venv = TestPythons.venvWith( folder.resolve( "venv" ), "numpy" );
		final ChildJvm.Result result = ChildJvm.of( Doctor.class ).run( venv.toString() ).requireExitCode( 0 );
		result.requireOutput( "mode                  PROCESS (asked for: AUTO), because the package jep is missing\n",
				"for mode SHARED       the package jep is missing: \"" + venv, "-m pip install jep==4.3.1\n", "This Python can be used.\n" );
		assertFalse( result.output.contains( "PROBLEM" ), result.output );
	}

	@Test
	void missingPythonIsAProblem() throws Exception
	{
		final Path missing = folder.resolve( "missing" );
		ChildJvm.of( Doctor.class ).run( missing.toString() ).requireExitCode( 1 ).requireOutput( "PROBLEM: No Python at " + missing + ", which PythonEnvironment.at names" );
	}

	@Test
	void wrongModeIsAProblem() throws Exception
	{
		ChildJvm.of( Doctor.class ).withPython( PYTHON ).withProperty( PythonEnvironment.MODE_PROPERTY, "fast" ).run().requireExitCode( 1 )
				.requireOutput( "PROBLEM: the system property imglib2.python.mode is \"fast\", expected one of [AUTO, SUB, SHARED, PROCESS]" );
	}

	@Test
	void wrongArgumentsAreAnsweredWithTheUsage() throws Exception
	{
		final ChildJvm.Result result = ChildJvm.of( Doctor.class ).run( "one", "two" ).requireExitCode( 2 );
		result.requireOutput( "There are two environments: one and two", "usage: Doctor [executable or folder of a Python environment]" );
		assertFalse( result.output.contains( "PROBLEM" ), result.output );
		ChildJvm.of( Doctor.class ).run( "--help" ).requireExitCode( 0 ).requireOutput( "usage: Doctor [", "--import MODULE..." );
	}

	@Test
	void diagnosisDoesNotStartPythonInThisJvm() throws Exception
	{
		final Path venv = TestPythons.bareVenv( folder.resolve( "venv" ) );
		final ChildJvm.Result result = ChildJvm.of( DiagnoseMain.class ).run( PYTHON.toString(), venv.toString() ).requireExitCode( 0 );
		result.requireOutput( "This Python can be used.", "PROBLEM: the package numpy is missing", "--- done" );
		assertTrue( result.output.indexOf( "This Python can be used." ) < result.output.indexOf( "--- " + venv ), result.output );
	}
}
