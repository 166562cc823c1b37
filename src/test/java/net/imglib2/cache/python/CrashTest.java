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
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.Arrays;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Crashes of the JVM, which a crash of a worker process is not, and the reports that they leave: {@code doc/reliability.md}.
 */
class CrashTest
{
	private static final Path PYTHON = ChildJvm.testPython();

	private static final Path LIBRARY = Paths.get( System.getProperty( "java.home" ), "lib", "libjsig.so" );

	/**
	 * Exit code of a process that was ended by SIGABRT.
	 */
	private static final int ABORTED = 128 + 6;

	private static final String NO_CORE_FILES = "import resource\nresource.setrlimit(resource.RLIMIT_CORE, (0, 0))\n";

	private static final String DEFINITIONS = NO_CORE_FILES + "import ctypes, os, sys\nsys.path.insert(0, '.')\ndef crash():\n    ctypes.string_at(0)\n";

	@TempDir
	private Path folder;

	private Path crashFile;

	private Path errorFile;

	@BeforeEach
	void nameFiles() throws IOException
	{
		folder = folder.toRealPath();
		crashFile = folder.resolve( "crash.txt" );
		errorFile = folder.resolve( "hs_err.txt" );
	}

	@ParameterizedTest
	@EnumSource( names = { "SUB", "SHARED" } )
	void segmentationFaultLeavesThePythonStackAndTheReportOfTheJvm( final InterpreterMode mode ) throws Exception
	{
		final ChildJvm.Result result = run( mode, "x = 1\n\ncrash()" ).requireExitCode( ABORTED ).requireOutput( "own signals handled" );
		assertFalse( result.output.contains( "shutdown hook" ), result.output );
		requireStack( "  File \"<init of python_2>\", line 6 in crash\n  File \"<PythonCacheLoader 1>\", line 3 in <module>\n" );
		final String report = Files.readString( errorFile );
		assertTrue( report.contains( "SIGSEGV" ) && report.contains( "EmbeddedInterpreter" ), report );
		// The place of the crash, not the place where a handler has raised the signal again.
		assertFalse( report.contains( "SI_TKILL" ), report );
	}

	@ParameterizedTest
	@CsvSource( { "SIGBUS, SUB", "SIGFPE, SHARED", "SIGILL, SUB" } )
	void otherFaultsInNativeCodeLeaveThePythonStack( final String signal, final InterpreterMode mode ) throws Exception
	{
		assumeTrue( signal.equals( "SIGBUS" ) || System.getProperty( "os.arch" ).equals( "amd64" ), "its instructions are for amd64" );
		final ChildJvm.Result result = run( mode, "import faults\n\nfaults." + signal + "()" ).requireExitCode( ABORTED ).requireOutput( "own signals handled" );
		assertFalse( result.output.contains( "shutdown hook" ), result.output );
		requireStack( "  File \"<PythonCacheLoader 1>\", line 3 in <module>\n" );
		final String report = Files.readString( errorFile );
		assertTrue( report.contains( signal ) && report.contains( "EmbeddedInterpreter" ), report );
	}

	/**
	 * A module with functions that raise signals like faults in native code.
	 */
	private static final String FAULTS = """
			import ctypes, mmap, tempfile

			def SIGBUS():
			    with tempfile.TemporaryFile() as file:
			        file.truncate(1 << 16)
			        pages = mmap.mmap(file.fileno(), 1 << 16)
			        file.truncate(0)
			        pages[1 << 15]

			def run(instructions):
			    code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
			    code.write(instructions)
			    ctypes.CFUNCTYPE(None)(ctypes.addressof(ctypes.c_char.from_buffer(code)))()

			def SIGILL():
			    run(b"\\x0f\\x0b")

			def SIGFPE():
			    run(b"\\x31\\xc9\\x31\\xc0\\x99\\xf7\\xf9")
			""";

	@ParameterizedTest
	@EnumSource( names = { "SUB", "SHARED" } )
	void abortLeavesThePythonStack( final InterpreterMode mode ) throws Exception
	{
		final ChildJvm.Result result = run( mode, "\nos.abort()" ).requireExitCode( ABORTED ).requireOutput( "own signals handled" );
		assertFalse( result.output.contains( "shutdown hook" ), result.output );
		assertFalse( Files.exists( errorFile ) );
		requireStack( "  File \"<PythonCacheLoader 1>\", line 2 in <module>\n" );
	}

	@ParameterizedTest
	@EnumSource( names = { "SUB", "SHARED" } )
	void exitOfTheProcessLeavesNothing( final InterpreterMode mode ) throws Exception
	{
		final ChildJvm.Result result = run( mode, "os._exit(7)" ).requireExitCode( 7 ).requireOutput( "own signals handled" );
		assertFalse( result.output.contains( "done" ) || result.output.contains( "shutdown hook" ), result.output );
		assertEquals( "", Files.readString( crashFile ) );
		assertFalse( Files.exists( errorFile ) );
	}

	@ParameterizedTest
	@EnumSource( names = { "SUB", "SHARED" } )
	void withoutACrashNothingIsWritten( final InterpreterMode mode ) throws Exception
	{
		crashFile = folder.resolve( "%p" );
		final ChildJvm.Result result = run( mode, "print(os.getpid())" ).requireExitCode( 0 ).requireOutput( "own signals handled", "done", "shutdown hook" );
		assertEquals( "", Files.readString( folder.resolve( result.output.split( "\n" )[ 1 ] ) ) );
		assertFalse( Files.exists( errorFile ) );
	}

	@ParameterizedTest
	@EnumSource( names = { "SUB", "SHARED" } )
	void signalsOfTheJvmStayItsOwnWithoutTheLibrary( final InterpreterMode mode ) throws Exception
	{
		final ChildJvm.Result result = child( mode ).run( "refused", "import faulthandler\nfaulthandler.enable()", "assert not faulthandler.is_enabled()" )
				.requireExitCode( 0 ).requireOutput( "refused: ", "RuntimeWarning: faulthandler.enable() has no effect here", "own signals handled", "done" );
		assertFalse( result.output.contains( "accepted" ), result.output );
		if ( Files.exists( LIBRARY ) )
			result.requireOutput( "start Java with the environment variable LD_PRELOAD=" + LIBRARY.toRealPath() );
		assertFalse( Files.exists( crashFile ) );
	}

	/**
	 * @param code
	 * 				code of the cell
	 */
	private ChildJvm.Result run( final InterpreterMode mode, final String code ) throws IOException, InterruptedException
	{
		assumeTrue( Files.exists( LIBRARY ), "this JVM has no " + LIBRARY );
		TestPythons.write( folder.resolve( "faults.py" ), FAULTS );
		return child( mode ).withVariable( "LD_PRELOAD", LIBRARY.toString() ).run( "", DEFINITIONS, code );
	}

	private ChildJvm child( final InterpreterMode mode ) throws IOException, InterruptedException
	{
		assumeTrue( mode != InterpreterMode.SUB || Arrays.asList( "3.10", "3.11" ).contains( TestPythons.minor( PYTHON ) ), "needs Python 3.10 or 3.11" );
		return ChildJvm.of( CrashMain.class ).withPython( PYTHON ).withMode( mode ).withAllCompilers().withProperty( PythonEnvironment.CRASH_FILE_PROPERTY, crashFile.toString() )
				.withDirectory( folder ).withJvmArgument( "-XX:ErrorFile=" + errorFile );
	}

	private void requireStack( final String lines ) throws IOException
	{
		final String stack = Files.readString( crashFile );
		final int current = stack.indexOf( "Current thread " );
		assertTrue( current >= 0 && stack.substring( current ).split( "\n\n" )[ 0 ].contains( lines ), stack );
	}
}
