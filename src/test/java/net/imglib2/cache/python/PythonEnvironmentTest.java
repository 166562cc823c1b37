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

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.abort;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Which Pythons run, and however they are named; which ones are refused, and by which
 * message. All that starts Python runs in a JVM of its own.
 */
@DisabledOnOs( value = OS.WINDOWS, disabledReason = "environments are put together from symbolic links and shell scripts" )
class PythonEnvironmentTest
{
	private static final Path PYTHON = ChildJvm.testPython();

	/**
	 * Names in the folder, in Python's notation.
	 */
	private static final String ODD_NAME = "M\\u00fcller's \\u753b\\u50cf $x";

	private Path folder;

	@BeforeEach
	void makeFolder() throws IOException
	{
		folder = Files.createTempDirectory( "python-environment-test" ).toRealPath();
	}

	@AfterEach
	void deleteFolder() throws IOException
	{
		TestPythons.delete( folder );
	}

	// ----------------------------------------------------------------- naming

	@ParameterizedTest
	@EnumSource( InterpreterMode.class )
	void executableOrFolderNamedByPropertyRunsInEachMode( final InterpreterMode mode ) throws Exception
	{
		final boolean byFolder = mode == InterpreterMode.SUB;
		final ChildJvm.Result result = ChildJvm.of( SmokeMain.class ).withPython( byFolder ? venvOf( PYTHON ) : PYTHON ).withMode( mode ).run();
		requireRun( result, venvOf( PYTHON ) );
		result.requireOutput( "mode=" + ( mode == InterpreterMode.AUTO ? InterpreterMode.SHARED : mode ) );
	}

	@ParameterizedTest
	@ValueSource( strings = { "IMGLIB2_PYTHON", "VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONHOME" } )
	void environmentIsFoundByVariable( final String variable ) throws Exception
	{
		requireRun( ChildJvm.of( SmokeMain.class ).withVariable( variable, venvOf( PYTHON ).toString() ).run(), venvOf( PYTHON ) );
	}

	@Test
	void environmentIsFoundByPath() throws Exception
	{
		final String path = venvOf( PYTHON ).resolve( "bin" ) + ":" + System.getenv( "PATH" );
		requireRun( ChildJvm.of( SmokeMain.class ).withVariable( "PATH", path ).run(), venvOf( PYTHON ) );
	}

	@Test
	void installationWithoutVirtualEnvironmentIsFoundByPythonHome() throws Exception
	{
		final Path installation = TestPythons.installation( folder.resolve( "installation" ), "numpy", "jep" );
		requireRun( ChildJvm.of( SmokeMain.class ).withVariable( "PYTHONHOME", installation.toString() ).run(), installation );
	}

	@Test
	void linksToVirtualEnvironmentAndToItsExecutableAreFollowed() throws Exception
	{
		final Path file = Files.createSymbolicLink( folder.resolve( "my-python" ), PYTHON );
		final Path venv = Files.createSymbolicLink( folder.resolve( "my-venv" ), venvOf( PYTHON ) );
		final ChildJvm.Result result = ChildJvm.of( AttemptsMain.class ).run( file.toString(), venv.toString() ).requireExitCode( 0 );
		requireAccepted( result, file.toString() );
		requireAccepted( result, venv.toString() );
	}

	// ----------------------------------------------- other versions of Python

	@Test
	void python310RunsInEachMode() throws Exception
	{
		final Path venv = TestPythons.environment( "3.10" );
		for ( final InterpreterMode mode : new InterpreterMode[] { InterpreterMode.SUB, InterpreterMode.SHARED, InterpreterMode.PROCESS } )
			requireRun( ChildJvm.of( SmokeMain.class ).withPython( venv ).withMode( mode ).run(), venv ).requireOutput( "version=3.10", "mode=" + mode );
	}

	@ParameterizedTest
	@ValueSource( strings = { "3.12", "3.13" } )
	void pythonsFrom312OnHaveNoSubInterpreters( final String version ) throws Exception
	{
		final Path venv = TestPythons.environment( version );
		final ChildJvm.Result result = ChildJvm.of( AttemptsMain.class ).run( venv + "@SUB", venv + "@AUTO", venv + "@PROCESS" ).requireExitCode( 0 );
		requireRefused( result, venv + "@SUB", "InterpreterMode.SUB needs CPython 3.10 or 3.11", venv.toString(), "is " + version + ".", "use InterpreterMode.SHARED or AUTO" );
		requireAccepted( result, venv + "@AUTO", "mode=SHARED", "version=" + version );
		requireAccepted( result, venv + "@PROCESS", "mode=PROCESS", "version=" + version );
	}

	// --------------------------------------------------------------- refusals

	@Test
	void unusablePythonsAreRefusedWithTheRemedyAndDoNotPreventALaterOne() throws Exception
	{
		final Path withoutJep = TestPythons.venvWith( folder.resolve( "without-jep" ), "numpy" );
		final Path withoutNumpy = TestPythons.venvWith( folder.resolve( "without-numpy" ), "jep" );
		final Path withoutAnything = TestPythons.bareVenv( folder.resolve( "bare" ) );
		final Path otherJep = TestPythons.venvWith( folder.resolve( "other-jep" ), "numpy" );
		final Path otherJepFolder = TestPythons.sitePackages( TestPythons.executable( otherJep ) ).resolve( "jep" );
		TestPythons.write( otherJepFolder.resolve( "__init__.py" ), "from .version import __VERSION__\n" );
		TestPythons.write( otherJepFolder.resolve( "version.py" ), "__VERSION__ = '4.2.2'\nVERSION = __VERSION__\n" );
		TestPythons.write( otherJepFolder.resolve( "libjep.so" ), "" );
		final Path withoutLibrary = TestPythons.venvWith( folder.resolve( "without-library" ), "numpy" );
		final Path withoutLibraryFolder = TestPythons.sitePackages( TestPythons.executable( withoutLibrary ) ).resolve( "jep" );
		TestPythons.write( withoutLibraryFolder.resolve( "__init__.py" ), "" );
		TestPythons.write( withoutLibraryFolder.resolve( "version.py" ), "__VERSION__ = '4.3.1'\n" );
		final Path textFile = TestPythons.write( folder.resolve( "text.txt" ), "no program" );
		final Path emptyFolder = Files.createDirectory( folder.resolve( "empty" ) );
		final Path missing = folder.resolve( "missing" );
		final Path nonsense = TestPythons.write( folder.resolve( "nonsense" ), "#!/bin/sh\necho I am no snake\n" );
		assertTrue( nonsense.toFile().setExecutable( true ) );
		final Path stale = TestPythons.write( folder.resolve( "stale" ), "#!/nowhere/bin/python\n" );
		assertTrue( stale.toFile().setExecutable( true ) );

		final Path echo = TestPythons.write( folder.resolve( "echo" ), "#!/bin/sh\necho \"$@\"\n" );
		assertTrue( echo.toFile().setExecutable( true ) );
		final List< Path > all = Arrays.asList( withoutJep, withoutNumpy, withoutAnything, otherJep, withoutLibrary, textFile, emptyFolder, missing, nonsense, echo, stale );
		final List< String > args = new ArrayList<>();
		all.forEach( path -> args.add( path.toString() ) );
		args.add( PYTHON.toString() );
		final ChildJvm.Result result = ChildJvm.of( AttemptsMain.class ).withMode( InterpreterMode.SHARED ).run( args.toArray( new String[ 0 ] ) ).requireExitCode( 0 );

		requireRefused( result, withoutJep, " cannot be used:\n- ", "the package jep is missing: ", "JAVA_HOME=\"" + System.getProperty( "java.home" ) + "\" " + pip( withoutJep ) + "jep==4.3.1",
				"or use InterpreterMode.PROCESS" );
		assertFalse( section( result, withoutJep.toString() ).contains( "numpy" ), result.output );
		requireRefused( result, withoutNumpy, "the package numpy is missing: ", pip( withoutNumpy ) + "numpy" );
		assertFalse( section( result, withoutNumpy.toString() ).contains( "jep" ), result.output );
		requireRefused( result, withoutAnything, "the package jep is missing: ", "the package numpy is missing: " );
		requireRefused( result, otherJep, "the package jep in " + otherJepFolder + " has version 4.2.2", "does not fit the jep-4.3.1.jar of this library",
				pip( otherJep ) + "jep==4.3.1" );
		requireRefused( result, withoutLibrary, "the package jep in " + withoutLibraryFolder + " has no native library",
				pip( withoutLibrary ) + "--force-reinstall --no-cache-dir jep==4.3.1" );
		requireRefused( result, textFile, textFile + " (named by: PythonEnvironment.at) cannot be run", "Permission denied" );
		requireRefused( result, emptyFolder, "No Python at " + emptyFolder, emptyFolder.resolve( "bin/python3" ).toString(), "Name an executable, or the folder of a virtual or conda environment" );
		requireRefused( result, missing, "No Python at " + missing, "which PythonEnvironment.at names", "Name an executable" );
		requireRefused( result, echo, "is not a working Python 3; it answered:\n-I -c" );
		requireRefused( result, nonsense, "is not a working Python 3; it answered:\nI am no snake" );
		requireRefused( result, stale, stale + " (named by: PythonEnvironment.at) cannot be run" );
		requireAccepted( result, PYTHON.toString() );
	}

	@ParameterizedTest
	@ValueSource( strings = { "3.9", "3.6" } )
	void pythonsBefore310AreRefusedAsTooOld( final String version ) throws Exception
	{
		final Path python = require( version );
		final String diagnosis = PythonEnvironment.at( python ).diagnose();
		requireContains( diagnosis, python.toString(), "it is Python " + version + ".", "but 3.10 or newer is needed", "-Dimglib2.python.executable=" );
	}

	@Test
	void python2IsRefused() throws Exception
	{
		final Path python = require( "2.7" );
		requireContains( PythonEnvironment.at( python ).diagnose(), "PROBLEM: " + python + " (named by: PythonEnvironment.at) is not a working Python 3" );
	}

	// ------------------------------------------------- packages in the Python

	@Test
	void versionOfJepThatPipInstallsTodayRuns() throws Exception
	{
		final Path jep = TestPythons.install( "jep", "4.3.2" );
		final Path venv = TestPythons.venvWith( folder.resolve( "venv" ), "numpy" );
		TestPythons.linkPackages( jep, TestPythons.sitePackages( TestPythons.executable( venv ) ), "jep" );
		requireRun( ChildJvm.of( SmokeMain.class ).withPython( venv ).run(), venv ).requireOutput( "jep=4.3.2" );
	}

	@Test
	void unfinishedUninstallationsAreOverlooked() throws Exception
	{
		final Path venv = TestPythons.venvWith( folder.resolve( "venv" ), "numpy", "jep" );
		final Path packages = TestPythons.sitePackages( TestPythons.executable( venv ) );
		Files.createDirectory( packages.resolve( "~umpy-1.0.dist-info" ) );
		TestPythons.write( packages.resolve( "empty-1.0.dist-info" ).resolve( "METADATA" ), "" );
		requireContains( PythonEnvironment.at( venv ).diagnose(), "This Python can be used." );
	}

	// ------------------------------------------------- one Python in each JVM

	@Test
	void laterQueueMustAskForTheSamePythonAndMode() throws Exception
	{
		final Path other = TestPythons.venvWith( folder.resolve( "other" ), "numpy", "jep" );
		final String venv = venvOf( PYTHON ).toString();
		final String link = Files.createSymbolicLink( folder.resolve( "link" ), venvOf( PYTHON ) ).toString();
		final String missing = folder.resolve( "missing" ).toString();
		final String first = PYTHON + "@SHARED";
		final ChildJvm.Result result = ChildJvm.of( AttemptsMain.class )
				.run( first, venv, link, "default", "default@AUTO", other.toString(), "default@SUB", missing, PYTHON.toString(), "property=" + other, "property=" + venv )
				.requireExitCode( 0 );
		requireRefused( result, "property=" + other, "This JVM runs Python ", other.resolve( "bin" ).toString() );
		requireAccepted( result, "property=" + venv, "mode=SHARED" );
		requireAccepted( result, first, "mode=SHARED" );
		requireAccepted( result, venv, "mode=SHARED" );
		requireAccepted( result, link, "mode=SHARED" );
		requireAccepted( result, "default", "mode=SHARED" );
		requireAccepted( result, "default@AUTO", "mode=SHARED" );
		requireRefused( result, other.toString(), "This JVM runs Python ", PYTHON.toString(), other.resolve( "bin" ).toString(), "A JVM can start one Python, once",
				"or InterpreterMode.PROCESS" );
		requireRefused( result, "default@SUB", "The interpreters of this JVM run in mode SHARED, but SUB is asked for" );
		requireRefused( result, missing, "No Python at " + missing );
		requireAccepted( result, PYTHON.toString(), "mode=SHARED" );
	}

	// ------------------------------------------ Python already in the process

	@ParameterizedTest
	@CsvSource( delimiter = '|', value = {
			"jpype1  | 1.7.1  | JPype, which PyImageJ and Fiji's Python mode use,",
			"pyjnius | 1.9.0  | Pyjnius" } )
	void jvmThatPythonHasStartedRunsPythonInProcessesOnlyAndNeverLoadsJep( final String name, final String version, final String host ) throws Exception
	{
		final Path bridge = TestPythons.install( name, version );
		final String output = TestPythons.run( PYTHON, "-I", "-c", """
				import os, sys
				name, folder, java_home, class_path, python = sys.argv[1:]
				sys.path.insert(0, folder)
				os.environ['JAVA_HOME'] = java_home
				if name == 'jpype1':
				    import jpype
				    jpype.startJVM(f'-Dimglib2.python.executable={python}', classpath=class_path.split(os.pathsep), convertStrings=True)
				    java_class = jpype.JClass
				else:
				    import jnius_config
				    jnius_config.add_options(f'-Dimglib2.python.executable={python}')
				    jnius_config.set_classpath(*class_path.split(os.pathsep))
				    from jnius import autoclass as java_class
				environment = java_class('net.imglib2.cache.python.PythonEnvironment')
				mode = java_class('net.imglib2.cache.python.InterpreterMode')
				shared = environment.detected().withMode(mode.SHARED)
				print(shared.diagnose())
				for _ in range(2):
				    try:
				        java_class('net.imglib2.cache.python.PythonCacheLoaderQueue')(2, '', shared)
				    except Exception as error:
				        print('refused:', str(error).splitlines()[0])
				    else:
				        print('accepted')
				print(environment.detected().diagnose())
				sys.stdout.flush()
				java_class('net.imglib2.cache.python.SmokeMain').main()
				with open('/proc/self/maps') as maps:
				    print('Jep is loaded:', 'libjep' in maps.read())
				sys.stdout.flush()
				# Not all bridges end a JVM in which threads live.
				os._exit(0)
				""", name, bridge.toString(), System.getProperty( "java.home" ), System.getProperty( "java.class.path" ), PYTHON.toString() );
		final String refusal = "Python already runs in this process: " + host + " has started this JVM from ";
		requireContains( output, "PROBLEM: " + refusal, "refused: ", "Jep cannot start a second Python there. Use InterpreterMode.PROCESS or AUTO", "Jep is loaded: False",
				"PROCESS (asked for: AUTO), because " + refusal, "mode=PROCESS", "prefix='" + venvOf( PYTHON ) + "'", "done" );
		assertFalse( output.contains( "accepted" ), output );
	}

	@ParameterizedTest
	@ValueSource( strings = { "preloaded", "loaded by Java", "JPype on the class path" } )
	void anOrdinaryJvmWithPartsOfPythonIsAccepted( final String what ) throws Exception
	{
		final Matcher library = Pattern.compile( "libpython +(/.*)" ).matcher( PythonEnvironment.at( PYTHON ).diagnose() );
		assumeTrue( library.find(), "the library of " + PYTHON + " is not known" );
		final String attempt = what.equals( "loaded by Java" ) ? "library=" + library.group( 1 ) : "default";
		final ChildJvm jvm = ChildJvm.of( AttemptsMain.class ).withPython( PYTHON );
		if ( what.equals( "preloaded" ) )
			jvm.withVariable( "LD_PRELOAD", library.group( 1 ) );
		if ( what.equals( "JPype on the class path" ) )
			jvm.withClassPath( System.getProperty( "java.class.path" ) + ":" + jar( folder.resolve( "jpype.jar" ), "org/jpype/JPypeContext.class" ) );
		requireAccepted( jvm.run( attempt ).requireExitCode( 0 ), attempt, "mode=" );
	}

	// -------------------------------- variables, folders and locale around it

	@Test
	void wrongPythonHomeDoesNotMatterIfThePropertyIsSet() throws Exception
	{
		requireRun( ChildJvm.of( SmokeMain.class ).withPython( PYTHON ).withVariable( "PYTHONHOME", "/nowhere:/else" ).run(), venvOf( PYTHON ) );
	}

	@Test
	void packagesOnPythonPathAreNotSeen() throws Exception
	{
		TestPythons.write( folder.resolve( "numpy.py" ), "raise RuntimeError('wrong numpy')\n" );
		TestPythons.write( folder.resolve( "pickle.py" ), "raise RuntimeError('wrong pickle')\n" );
		requireRun( ChildJvm.of( SmokeMain.class ).withPython( PYTHON ).withVariable( "PYTHONPATH", folder.toString() ).withDirectory( folder ).run(), venvOf( PYTHON ) );
	}

	@Test
	void sitecustomizeMayPrint() throws Exception
	{
		final Path venv = TestPythons.venvWith( folder.resolve( "venv" ), "numpy", "jep" );
		TestPythons.write( TestPythons.sitePackages( TestPythons.executable( venv ) ).resolve( "sitecustomize.py" ),
				"import sys\nprint('hello from sitecustomize')\nprint('and its errors', file=sys.stderr)\n" );
		requireRun( ChildJvm.of( SmokeMain.class ).withPython( venv ).run(), venv );
	}

	@ParameterizedTest
	@CsvSource( { "UTF-8, SHARED", "ISO-8859-1, SHARED", "US-ASCII, SHARED", "ISO-8859-1, SUB", "US-ASCII, PROCESS" } )
	void foldersMayHaveSpacesAndLettersOfAnyLanguage( final String encoding, final InterpreterMode mode ) throws Exception
	{
		assumeTrue( mode != InterpreterMode.SUB || TestPythons.supportsSub(), "needs Python 3.10 or 3.11" );
		// The jars, the environment, the user's modules and the temporary files all are in this folder.
		final String output = runInOddFolder( encoding, mode );
		// As Python's ascii() writes it.
		requireContains( output, "prefix=\"" + folder + "/" + ODD_NAME.replace( "\\u00fc", "\\xfc" ) + "/venv\"", "mode=" + mode, "answer=42", "exit code 0 []" );
	}

	@Test
	void folderThatTheJvmCannotNameIsReportedWithTheRemedy() throws Exception
	{
		// Only the environment is in this folder: Java itself would not find the jars there.
		final ChildJvm.Result result = ChildJvm.of( AttemptsMain.class ).withVariable( "LC_ALL", "C" ).withProperty( "imglib2.python.executable", "/home/M\u00fcller" ).run( "default" );
		result.requireExitCode( 0 ).requireOutput( "refused: No Python at /home/M", "this JVM cannot open a file of that name", "for instance with LC_ALL=C.UTF-8" );
	}

	/**
	 * Made by Python, because this JVM may be unable to name the folder.
	 */
	private String runInOddFolder( final String encoding, final InterpreterMode mode ) throws Exception
	{
		return TestPythons.run( PYTHON, "-I", "-X", "utf8", "-c", """
				import os, pathlib, shutil, subprocess, sys, venv
				parent, site, java, class_path, encoding, mode = sys.argv[1:]
				folder = pathlib.Path(parent) / "%s"
				venv.create(folder / 'venv', symlinks=True)
				packages = next((folder / 'venv').glob('lib/python*/site-packages'))
				for name in 'numpy', 'jep':
				    for pattern in '', '.*', '-*':
				        for entry in pathlib.Path(site).glob(name + pattern):
				            (packages / entry.name).symlink_to(entry)
				module = folder / 'modules' / '\u00e4.py'
				module.parent.mkdir()
				module.write_text('answer = 42', encoding='utf-8')
				jars = folder / 'jars'
				jars.mkdir()
				for number, entry in enumerate(class_path.split(os.pathsep)):
				    if os.path.isdir(entry):
				        shutil.make_archive(jars / str(number), 'zip', entry)
				        (jars / f'{number}.zip').rename(jars / f'{number}.jar')
				    elif entry.endswith('.jar'):
				        (jars / f'{number}.jar').symlink_to(entry)
				temporary = folder / 'tmp'
				temporary.mkdir()
				options = [f'-Dfile.encoding={encoding}', f'-Djava.io.tmpdir={temporary}', f'-Dimglib2.python.mode={mode}']
				command = [*java.split(), *options, '-cp', f'{jars}/*', 'net.imglib2.cache.python.OddFolderMain', folder]
				done = subprocess.run(command, env=dict(os.environ, LC_ALL='C.UTF-8'), capture_output=True, timeout=100)
				sys.stdout.buffer.write(done.stdout + done.stderr)
				print('exit code', done.returncode, ascii(os.listdir(temporary)))
				""".formatted( ODD_NAME ), folder.toString(), TestPythons.sitePackages( PYTHON ).toString(), String.join( " ", ChildJvm.java() ), System.getProperty( "java.class.path" ),
				encoding, mode.toString() );
	}

	@Test
	void folderOfTemporaryFilesThatCannotBeUsedIsNamed() throws Exception
	{
		final Path file = TestPythons.write( folder.resolve( "file" ), "" );
		requireNoTemporaryFiles( folder.resolve( "missing" ), "it does not exist" );
		requireNoTemporaryFiles( file, "it is not a folder" );
		// A folder in which not even root can make a file.
		if ( Files.isDirectory( Paths.get( "/proc/self" ) ) )
			requireNoTemporaryFiles( Paths.get( "/proc/self" ), "Exception: /proc/self" );
	}

	private static void requireNoTemporaryFiles( final Path temporary, final String why ) throws Exception
	{
		ChildJvm.of( AttemptsMain.class ).withPython( PYTHON ).withProperty( "java.io.tmpdir", temporary.toString() ).run( "default" ).requireExitCode( 0 ).requireOutput(
				"refused: Temporary files cannot be made in " + temporary + ", which the system property java.io.tmpdir names: ", why,
				"Make that folder writable, or name another: -Djava.io.tmpdir=/path/to/folder" );
	}

	@Test
	void localeMayBeC() throws Exception
	{
		requireRun( ChildJvm.of( SmokeMain.class ).withPython( PYTHON ).withVariable( "LC_ALL", "C" ).run(), venvOf( PYTHON ) );
	}

	// --------------------------------------------------------- users' modules

	@ParameterizedTest
	@CsvSource( delimiter = '|', value = {
			"SUB    | from scipy import ndimage           | ndimage.laplace",
			"SUB    | import scipy                        | scipy.ndimage.laplace",
			"SUB    | from scipy.ndimage import laplace   | laplace",
			"SHARED | from scipy import ndimage           | ndimage.laplace" } )
	void ownModulesAreFoundAndMayImportSharedPackages( final InterpreterMode mode, final String statement, final String function ) throws Exception
	{
		TestPythons.write( folder.resolve( "own_filters.py" ), """
				import own_helper

				def laplace(array):
				    %s
				    return own_helper.same(%s(array))
				""".formatted( statement, function ) );
		TestPythons.write( folder.resolve( "more" ).resolve( "own_helper.py" ), "def same(array):\n    return array\n" );
		requireImports( mode, "", "own_filters:laplace", "laplace", folder.toString(), folder.resolve( "more" ).toString() );
	}

	@ParameterizedTest
	@EnumSource( names = { "SUB", "SHARED" } )
	void ownModulesMayBeNamedAsJavaPackages( final InterpreterMode mode ) throws Exception
	{
		final Path modules = folder.resolve( "modules" );
		TestPythons.write( modules.resolve( "net.py" ), "from org.tools import same\n" );
		TestPythons.write( modules.resolve( "utils.py" ), "answer = 42\n" );
		TestPythons.write( modules.resolve( "org" ).resolve( "__init__.py" ), "" );
		TestPythons.write( modules.resolve( "org" ).resolve( "tools.py" ), "def same(array):\n    return array\n" );
		// A package without __init__.py.
		TestPythons.write( modules.resolve( "com" ).resolve( "other.py" ), "answer = 43\n" );
		final String init = """
				import importlib.util
				import com.other
				import utils
				assert (utils.answer, com.other.answer) == (42, 43)
				for name in 'java', 'javax', 'jep.python', 'net.imglib2':
				    try:
				        assert importlib.util.find_spec(name) is None, name
				    except ModuleNotFoundError:
				        pass
				try:
				    import java.util
				except ModuleNotFoundError as error:
				    assert str(error) == "No module named 'java'", error
				from jep import findClass
				assert findClass('java.util.ArrayList')([1, 2]).size() == 2
				""";
		final String classPath = String.join( ":", System.getProperty( "java.class.path" ), jar( folder.resolve( "tool.jar" ), "utils/Tool.class" ).toString() );
		requireRun( ChildJvm.of( ImportMain.class ).withClassPath( classPath ).withPython( PYTHON ).withMode( mode ).run( init, "net:same", "same", modules.toString() ),
				venvOf( PYTHON ) ).requireOutput( "mode=" + mode );
	}

	@ParameterizedTest
	@CsvSource( delimiter = '|', value = {
			"import scipy                  | block.data[...] = scipy.ndimage.gaussian_filter(block.inputs[0], 1)[block.halo]   | smooth",
			"''                            | import scipy; block.data[...] = scipy.ndimage.laplace(block.inputs[0])[block.halo] | laplace",
			"from scipy import ndimage     | block.data[...] = ndimage.gaussian_filter(block.inputs[0], 1)[block.halo]         | smooth",
			"''                            | scipy.ndimage:laplace                                                             | laplace",
			"''                            | scipy:ndimage.laplace                                                             | laplace",
			"from skimage import filters   | block.data[...] = filters.gaussian(block.inputs[0], 1)[block.halo]                | smooth",
			"from PIL import Image         | block.data[...] = np.asarray(Image.fromarray(block.inputs[0]))[block.halo]        | same",
			"import skimage                | block.data[...] = skimage.filters.gaussian(block.inputs[0], 1)[block.halo]        | smooth" } )
	void modulesOfSharedPackagesAreFoundInSubInterpreters( final String init, final String code, final String what ) throws Exception
	{
		requireImports( InterpreterMode.SUB, init, code, what );
	}

	// ------------------------------------------------------------------ start

	@ParameterizedTest
	@CsvSource( { "SUB, 3, import threading; threading.Event().wait()", "SHARED, 1, while True: pass", "SHARED, 1, sum(range(10**11))", "PROCESS, 1, while True: pass", "PROCESS, 1, sum(range(10**11))" } )
	void initCodeThatHangsFailsAfterTheTimeoutAndIsNamed( final InterpreterMode mode, final int seconds, final String line ) throws Exception
	{
		final ChildJvm.Result result = ChildJvm.of( StartupTimeoutMain.class ).withPython( PYTHON ).withMode( mode )
				.run( Integer.toString( seconds ), "import sys\n\n" + line + "\nx = 1\n" ).requireExitCode( 0 );
		result.requireOutput( "did not run the init code within " + seconds + " s", "withStartupTimeout", "File \"<init of python_1>\", line 3", "    " + line );
		final Matcher time = Pattern.compile( "failed after (\\d+) ms" ).matcher( result.output );
		assertTrue( time.find(), result.output );
		final int millis = Integer.parseInt( time.group( 1 ) );
		assertTrue( millis >= 1000 * seconds && millis < 60_000, result.output );
	}

	@Test
	void failureToStartIsReportedWithItsReason() throws Exception
	{
		final Path venv = TestPythons.venvWith( folder.resolve( "venv" ), "jep" );
		final Path packages = TestPythons.sitePackages( TestPythons.executable( venv ) );
		TestPythons.write( packages.resolve( "numpy" ).resolve( "__init__.py" ), "raise ImportError('damaged numpy')\n" );
		TestPythons.writeDistribution( packages, "numpy", "2.0.0", "numpy/__init__.py", "numpy/_core" + extensionSuffix() );
		ChildJvm.of( StartupTimeoutMain.class ).withPython( venv ).withMode( InterpreterMode.SHARED ).run( "30", "" ).requireExitCode( 0 )
				.requireOutput( "Could not start Python with Python 3.", "(" + TestPythons.executable( venv ), "damaged numpy" );
	}

	@ParameterizedTest
	@EnumSource( value = InterpreterMode.class, names = { "SUB", "SHARED", "PROCESS" } )
	void initCodeThatFailsIsNamedAndTheNextQueueWorks( final InterpreterMode mode ) throws Exception
	{
		final ChildJvm.Result result = ChildJvm.of( FailingInitMain.class ).withPython( PYTHON ).withMode( mode )
				.run( "x = 1\nraise ValueError('wrong model')", "x = 1\n\ndef f(:\n    pass", "import sys\nsys.exit(3)", "import no_such_module" );
		requireRun( result, venvOf( PYTHON ) ).requireOutput(
				"type=ValueError message=wrong model file=<init of python_1> line=2 source=raise ValueError('wrong model') what=The init code failed: ",
				"type=SyntaxError message=", "file=<init of python_2> line=3 source=def f(: what=The init code failed: ",
				"type=SystemExit message=3 file=<init of python_3> line=2 source=sys.exit(3) what=The init code failed: ",
				"type=ModuleNotFoundError message=No module named 'no_such_module' file=<init of python_4> line=1 " );
		assertFalse( result.output.contains( "no failure" ), result.output );
	}

	@ParameterizedTest
	@CsvSource( { "SUB, C.UTF-8", "SHARED, C", "PROCESS, C" } )
	void printedLinesReachTheConsumersOneByOne( final InterpreterMode mode, final String locale ) throws Exception
	{
		requireRun( ChildJvm.of( OutputMain.class ).withPython( PYTHON ).withMode( mode ).withVariable( "LC_ALL", locale ).run(), venvOf( PYTHON ) )
				.requireOutput( "mode=" + mode );
	}

	// --------------------------------------------------------------- settings

	@Test
	void settingsAreCopied()
	{
		final PythonEnvironment environment = PythonEnvironment.at( PYTHON );
		final PythonEnvironment changed = environment.withMode( InterpreterMode.SHARED ).withStartupTimeout( Duration.ofSeconds( 7 ) )
				.withModulePath( folder, folder.getParent() ).withOutput( line -> {}, line -> {} );
		assertEquals( PYTHON, changed.getPath() );
		assertEquals( InterpreterMode.SHARED, changed.getMode() );
		assertEquals( Duration.ofSeconds( 7 ), changed.getStartupTimeout() );
		assertEquals( List.of( folder, folder.getParent() ), changed.getModulePath() );
		assertEquals( List.of(), environment.getModulePath() );
		assertEquals( Duration.ofMinutes( 5 ), environment.getStartupTimeout() );
		assertTrue( PythonEnvironment.system().isSystem() );
		assertNull( PythonEnvironment.system().getPath() );
		assertThrows( IllegalArgumentException.class, () -> environment.withModulePath( folder.resolve( "missing" ) ) );
		assertThrows( IllegalArgumentException.class, () -> environment.withStartupTimeout( Duration.ofDays( 366 ) ) );
		assertThrows( IllegalArgumentException.class, () -> environment.withStartupTimeout( Duration.ZERO ) );
		assertEquals( Long.MAX_VALUE, environment.getMemoryLimit() );
		assertEquals( 1 << 20, environment.withMemoryLimit( 1 << 20 ).getMemoryLimit() );
		assertThrows( IllegalArgumentException.class, () -> environment.withMemoryLimit( ( 1 << 20 ) - 1 ) );
		assertThrows( IllegalArgumentException.class, () -> environment.withStartupTimeout( Duration.ofSeconds( -1 ) ) );
	}

	@Test
	void modeComesFromThePropertyUnlessItIsSet()
	{
		final String before = System.getProperty( PythonEnvironment.MODE_PROPERTY );
		try
		{
			System.setProperty( PythonEnvironment.MODE_PROPERTY, " shared " );
			assertEquals( InterpreterMode.SHARED, PythonEnvironment.detected().getMode() );
			assertEquals( InterpreterMode.SUB, PythonEnvironment.detected().withMode( InterpreterMode.SUB ).getMode() );
			System.setProperty( PythonEnvironment.MODE_PROPERTY, "fast" );
			final String message = assertThrows( IllegalArgumentException.class, () -> PythonEnvironment.detected().getMode() ).getMessage();
			requireContains( message, PythonEnvironment.MODE_PROPERTY, "\"fast\"", "[AUTO, SUB, SHARED, PROCESS]" );
			System.clearProperty( PythonEnvironment.MODE_PROPERTY );
			assertEquals( InterpreterMode.AUTO, PythonEnvironment.detected().getMode() );
		}
		finally
		{
			if ( before != null )
				System.setProperty( PythonEnvironment.MODE_PROPERTY, before );
		}
	}

	@Test
	void defaultIsWhatWasSetElseTheDetectedOne()
	{
		final PythonEnvironment environment = PythonEnvironment.at( PYTHON );
		try
		{
			PythonEnvironment.setDefault( environment );
			assertSame( environment, PythonEnvironment.getDefault() );
		}
		finally
		{
			PythonEnvironment.setDefault( null );
		}
		assertNull( PythonEnvironment.getDefault().getPath() );
		assertFalse( PythonEnvironment.getDefault().isSystem() );
	}

	// ---------------------------------------------------------------- helpers

	private void requireImports( final InterpreterMode mode, final String... args ) throws IOException, InterruptedException
	{
		for ( final String name : new String[] { "scipy", "skimage", "PIL" } )
			if ( !TestPythons.ask( PYTHON, "__import__('importlib.util').util.find_spec('" + name + "') is not None" ).equals( "True" ) )
				abort( PYTHON + " has no " + name );
		final ChildJvm.Result result = ChildJvm.of( ImportMain.class ).withPython( PYTHON ).withMode( mode ).run( args );
		requireRun( result, venvOf( PYTHON ) ).requireOutput( "mode=" + mode );
	}

	private static ChildJvm.Result requireRun( final ChildJvm.Result result, final Path prefix )
	{
		return result.requireExitCode( 0 ).requireOutput( "prefix='" + prefix + "'", "executable='" + prefix.resolve( "bin" ), "numpy=", "done" );
	}

	private static void requireAccepted( final ChildJvm.Result result, final String attempt, final String... texts )
	{
		requireContains( section( result, attempt ), "accepted" );
		requireContains( section( result, attempt ), texts );
	}

	private static void requireRefused( final ChildJvm.Result result, final Path python, final String... texts )
	{
		requireRefused( result, python.toString(), texts );
	}

	private static void requireRefused( final ChildJvm.Result result, final String attempt, final String... texts )
	{
		requireContains( section( result, attempt ), "refused: " );
		requireContains( section( result, attempt ), texts );
	}

	/**
	 * @return what was printed for one of the attempts
	 */
	private static String section( final ChildJvm.Result result, final String attempt )
	{
		final String header = "--- " + attempt + "\n";
		final int begin = result.output.indexOf( header );
		assertTrue( begin >= 0, () -> header + " is missing in:\n" + result.output );
		return result.output.substring( begin + header.length(), result.output.indexOf( "--- ", begin + 1 ) );
	}

	private static void requireContains( final String text, final String... parts )
	{
		for ( final String part : parts )
			assertTrue( text.contains( part ), () -> "\"" + part + "\" is missing in:\n" + text );
	}

	private static String pip( final Path venv )
	{
		return "\"" + venv.resolve( "bin/python3" ) + "\" -m pip install ";
	}

	/**
	 * @return the file, with an empty entry
	 */
	private static Path jar( final Path file, final String entry ) throws IOException
	{
		try (final JarOutputStream jar = new JarOutputStream( Files.newOutputStream( file ) ))
		{
			jar.putNextEntry( new JarEntry( entry ) );
		}
		return file;
	}

	private static Path require( final String version ) throws IOException, InterruptedException
	{
		final Path python = TestPythons.find( version );
		assumeTrue( python != null, "this machine has no Python " + version );
		return python;
	}

	private static Path venvOf( final Path python )
	{
		return python.getParent().getParent();
	}

	private static String extensionSuffix() throws IOException, InterruptedException
	{
		return TestPythons.ask( PYTHON, "__import__('importlib.machinery').machinery.EXTENSION_SUFFIXES[0]" );
	}
}
