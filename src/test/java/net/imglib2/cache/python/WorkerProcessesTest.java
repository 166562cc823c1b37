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
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Life and death of workers that are processes: see the cases of
 * {@link WorkerFaultsMain} and {@link WorkerProcessesMain}.
 */
class WorkerProcessesTest
{
	private static final long TIMEOUT_SECONDS = 120;

	@TempDir
	private Path folder;

	@ParameterizedTest
	@ValueSource( strings = { "block", "batch", "describing", "between", "init", "task", "start", "close", "timeout" } )
	void aProcessMayEndInAnyWayAt( final String place ) throws Exception
	{
		run( WorkerFaultsMain.class, place );
	}

	@ParameterizedTest
	@ValueSource( strings = { "close", "idle", "kept", "drive", "relay", "quiet", "again", "timeout", "asked", "stacks", "time", "pipes", "memory", "threads", "output", "retained" } )
	void workersEndAndOthersTakeTheirPlace( final String name ) throws Exception
	{
		run( WorkerProcessesMain.class, name );
	}

	@Test
	void theNumberOfThreadsThatTheUserHasSetIsKept() throws Exception
	{
		childJvm( WorkerProcessesMain.class ).withVariable( "OMP_NUM_THREADS", "3" ).run( "threads" ).requireExitCode( 0 ).requireOutput( "done" );
	}

	@Test
	void aReaderWithoutStackHarmsNoOther() throws Exception
	{
		run( DeepReadersMain.class, "" );
	}

	private void run( final Class< ? > main, final String argument ) throws Exception
	{
		childJvm( main ).run( argument ).requireExitCode( 0 ).requireOutput( "done" );
	}

	private ChildJvm childJvm( final Class< ? > main ) throws IOException
	{
		return ChildJvm.of( main ).withVariable( "OMP_NUM_THREADS", null ).withJvmArgument( "-XX:ActiveProcessorCount=4" ).withJvmArguments( Resources.JVM_ARGUMENTS ).withPython( ChildJvm.testPython() ).withMode( InterpreterMode.PROCESS ).withTimeout( TIMEOUT_SECONDS )
				.withProperty( "java.io.tmpdir", Files.createDirectory( folder.resolve( "temporary" ) ).toString() )
				.withProperty( "imglib2.python.sharedMemory", Long.toString( 256 << 20 ) );
	}

	/**
	 * Whatever a worker does, it ends with its JVM, and leaves no file.
	 */
	@ParameterizedTest
	@CsvSource( { "busy, true", "busy in C, true", "busy, false", "busy in C, false" } )
	void workersEndWithTheJvm( final String name, final boolean killed ) throws Exception
	{
		assumeTrue( System.getProperty( "os.name" ).equals( "Linux" ), "other systems do not end processes with their parent" );
		final Path temporary = Files.createDirectory( folder.resolve( "temporary" ) );
		final List< String > command = ChildJvm.java();
		command.addAll( Arrays.asList( "-D" + PythonEnvironment.EXECUTABLE_PROPERTY + "=" + ChildJvm.testPython(), "-D" + PythonEnvironment.MODE_PROPERTY + "=PROCESS",
				"-Djava.io.tmpdir=" + temporary, "-cp", System.getProperty( "java.class.path" ), WorkerProcessesMain.class.getName(), name ) );
		final Process jvm = new ProcessBuilder( command ).redirectErrorStream( true ).start();
		final List< ProcessHandle > workers = new ArrayList<>();
		try
		{
			final BufferedReader output = new BufferedReader( new InputStreamReader( jvm.getInputStream() ) );
			String line = output.readLine();
			for ( ; line != null && !line.equals( "busy" ); line = output.readLine() )
				if ( line.startsWith( "worker " ) )
					workers.add( ProcessHandle.of( Long.parseLong( line.substring( 7 ) ) ).orElseThrow() );
			assertTrue( line != null && workers.size() == 2, workers + " " + line );
			if ( killed )
				jvm.destroyForcibly();
			else
			{
				jvm.getOutputStream().write( 'x' );
				jvm.getOutputStream().flush();
			}
			assertTrue( jvm.waitFor( TIMEOUT_SECONDS, TimeUnit.SECONDS ), "the JVM does not end" );
			for ( final ProcessHandle worker : workers )
				worker.onExit().get( TIMEOUT_SECONDS, TimeUnit.SECONDS );
		}
		finally
		{
			jvm.destroyForcibly();
			workers.forEach( ProcessHandle::destroyForcibly );
		}
		try ( var files = Files.list( temporary ) )
		{
			assertEquals( List.of(), files.toList() );
		}
	}
}
