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

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;

/**
 * What only {@link InterpreterMode#PROCESS} can do: environments without Jep, and several
 * Pythons in one JVM. All runs in JVMs of their own.
 */
@DisabledOnOs( value = OS.WINDOWS, disabledReason = "environments are put together from symbolic links" )
class ProcessModeTest
{
	private static final Path PYTHON = ChildJvm.testPython();

	private static final String MISSING = "runs in processes of its own (InterpreterMode.PROCESS), because the package jep is missing\n";

	private Path folder;

	@BeforeEach
	void makeFolder() throws IOException
	{
		folder = Files.createTempDirectory( "process-mode-test" ).toRealPath();
	}

	@AfterEach
	void deleteFolder() throws IOException
	{
		TestPythons.delete( folder );
	}

	@Test
	void anEnvironmentWithNumpyAloneIsEnough() throws Exception
	{
		final Path venv = TestPythons.environmentOfNumpy( TestPythons.minor( PYTHON ), folder.resolve( "venv" ) );
		final ChildJvm.Result result = ChildJvm.of( AttemptsMain.class ).withPython( venv ).run( "default", "default@AUTO", "default@PROCESS", "default@SHARED" ).requireExitCode( 0 );
		result.requireOutput( "mode=PROCESS", "prefix='" + venv + "'", "refused: ", "the package jep is missing: ", "or use InterpreterMode.PROCESS" );
		assertEquals( 3, count( result.output, "accepted" ), result.output );
		assertEquals( 1, count( result.output, MISSING ), result.output );
		ChildJvm.of( SmokeMain.class ).withPython( venv ).withMode( InterpreterMode.PROCESS ).run().requireExitCode( 0 ).requireOutput( "done" );
	}

	@Test
	void severalPythonsRunInOneJvmBesideOneThatIsEmbedded() throws Exception
	{
		final List< Path > others = new ArrayList<>();
		for ( final String version : Arrays.asList( "3.10", "3.11", "3.12", "3.13" ) )
			if ( TestPythons.find( version ) != null )
				others.add( TestPythons.environmentOfNumpy( version, folder.resolve( version ) ) );
		final List< String > attempts = others.stream().map( Path::toString ).collect( Collectors.toList() );
		// One before and some after the embedded Python has started.
		attempts.add( 1, PYTHON + "@SHARED" );
		attempts.add( PYTHON + "@PROCESS" );
		attempts.add( PYTHON.toString() );
		final ChildJvm.Result result = ChildJvm.of( AttemptsMain.class ).run( attempts.toArray( new String[ 0 ] ) ).requireExitCode( 0 );
		assertFalse( result.output.contains( "refused" ), result.output );
		for ( final Path other : others )
			result.requireOutput( "mode=PROCESS\nversion=" + TestPythons.minor( TestPythons.executable( other ) ), "prefix='" + other + "'" );
		assertEquals( others.size() + 1, count( result.output, "mode=PROCESS" ), result.output );
		assertEquals( 2, count( result.output, "mode=SHARED" ), result.output );
	}

	@Test
	void theJarOfJepIsNotNeeded() throws Exception
	{
		final String separator = System.getProperty( "path.separator" );
		final String all = System.getProperty( "java.class.path" );
		final String withoutJep = Arrays.stream( all.split( separator ) ).filter( entry -> !entry.matches( ".*[/\\\\]jep-[^/\\\\]*\\.jar" ) ).collect( Collectors.joining( separator ) );
		assertTrue( withoutJep.length() < all.length(), all );
		ChildJvm.of( SmokeMain.class ).withClassPath( withoutJep ).withPython( PYTHON ).run().requireExitCode( 0 )
				.requireOutput( "mode=PROCESS", "because jep-4.3.1.jar is not on the class path", "done" );
	}

	@Test
	void ownModulesAreFound() throws Exception
	{
		TestPythons.write( folder.resolve( "own_filters.py" ), "import own_helper\n\ndef same(array):\n    return own_helper.same(array)\n" );
		TestPythons.write( folder.resolve( "more" ).resolve( "own_helper.py" ), "def same(array):\n    return array\n" );
		ChildJvm.of( ImportMain.class ).withPython( PYTHON ).withMode( InterpreterMode.PROCESS ).run( "", "own_filters:same", "same", folder.toString(), folder.resolve( "more" ).toString() )
				.requireExitCode( 0 ).requireOutput( "mode=PROCESS", "done" );
	}

	private static int count( final String text, final String part )
	{
		return text.split( Pattern.quote( part ), -1 ).length - 1;
	}
}
