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
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import net.imglib2.cache.python.trust.TrustPolicyTest;

/**
 * The policy of a JVM, tested in JVMs of their own, because it cannot be switched off again.
 * {@code TrustPolicyTest} tests what a list allows.
 */
class PythonTrustTest
{
	private static final Path PYTHON = ChildJvm.testPython().toAbsolutePath();

	@TempDir
	private Path folder;

	private Path list;

	@BeforeEach
	void nameFiles() throws IOException
	{
		folder = folder.toRealPath();
		list = folder.resolve( "allowed.txt" );
	}

	@ParameterizedTest
	@EnumSource( names = { "SUB", "SHARED", "PROCESS" } )
	void codeThatIsNotOnTheListIsNeverCompiledOrImported( final InterpreterMode mode ) throws Exception
	{
		assumeTrue( mode != InterpreterMode.SUB || Arrays.asList( "3.10", "3.11" ).contains( TestPythons.minor( PYTHON ) ), "needs Python 3.10 or 3.11" );
		final Path script = folder.resolve( "script.py" );
		Files.write( script, "\ufeff# größe\r\nblock.data[...] = 13\r\n".getBytes( StandardCharsets.UTF_8 ) );
		final Path modules = Files.createDirectory( folder.resolve( "modules" ) );
		for ( final String name : new String[] { "permitted_module.py", "not_allowed_module.py" } )
			Files.writeString( modules.resolve( name ), "import os, numpy\ndef f(a):\n    return a + 7\ndef g(n):\n    return numpy.full(n, 14)\n" );
		final Path tools = Files.createDirectory( folder.resolve( "tools" ) );
		final Path fake = tools.resolve( "python3" );
		Files.writeString( fake, "#!/bin/sh\ntouch '" + folder.resolve( "was_started" ) + "'\n" );
		Files.setPosixFilePermissions( fake, PosixFilePermissions.fromString( "rwxr-xr-x" ) );
		Files.write( list, Arrays.asList( "# what the test runs", "", "module:permitted_module", "folder:" + modules, "python:" + PYTHON, "sha256:" + sha256sum( script ),
				PythonTrust.entryFor( TrustMain.INIT ), PythonTrust.entryFor( TrustMain.ALLOWED_LOADER ), PythonTrust.entryFor( TrustMain.ALLOWED_TASK ),
				PythonTrust.entryFor( TrustMain.ALLOWED_EXPRESSION ), PythonTrust.entryFor( TrustMain.ALLOWED_SOURCE ), PythonTrust.entryFor( TrustMain.WATCHED ) ) );

		final String output = ChildJvm.of( TrustMain.class ).withPython( PYTHON ).withMode( mode ).withProperty( PythonTrust.FILE_PROPERTY, list.toString() )
				.run( script.toString(), modules.toString(), tools.toString(), folder.resolve( "later.txt" ).toString() ).requireExitCode( 0 ).output;
		final String notPython = PythonTrust.entryFor( TrustMain.NOT_PYTHON );
		for ( final String attempt : new String[] { "init", "loader", "task", "expression" } )
			requireRefused( output, attempt, notPython );
		requireRefused( output, "folder", "folder:" + tools );
		for ( final String attempt : new String[] { "python", "another python" } )
			requireRefused( output, attempt, "python:" + fake );
		requireContains( section( output, "diagnosis" ), "restricted to ", list.toString(), "PROBLEM: The Python " + fake + " is not trusted and was not started", "python:" + fake );
		requireRefused( output, "function", "module:not_allowed_module" );
		requireRefused( output, "function elsewhere", PythonTrust.entryFor( "permitted_module:os.not_allowed" ) );
		assertEquals( "result=11", section( output, "allowed loader" ).trim() );
		assertEquals( "result=12", section( output, "allowed function" ).trim() );
		assertEquals( "result=13", section( output, "allowed file" ).trim() );
		assertEquals( "result=13", section( output, "allowed task" ).trim() );
		requireRefused( output, "opened expression", notPython );
		requireRefused( output, "other code of an opened image", notPython );
		requireRefused( output, "opened function", "module:not_allowed_module" );
		requireRefused( output, "watched function", "module:not_allowed_module" );
		requireRefused( output, "opened function with text", PythonTrust.entryFor( "permitted_module:g" ) );
		assertEquals( "result=14", section( output, "allowed opened function" ).trim() );
		assertEquals( "result=4", section( output, "allowed opened expression" ).trim() );
		assertEquals( "result=true", section( output, "provenance" ).trim() );
		requireContains( output, "--- seen allowed=true not allowed=false\n" );

		assertEquals( "result=11", section( output, "loader on both lists" ).trim() );
		assertEquals( "result=13", section( output, "expression on both lists" ).trim() );
		requireContains( section( output, "loader on one list" ), "refused=module:permitted_module\n", "add this line to the list given to PythonTrust.restrictTo, " );
		assertEquals( "result=11", section( output, "loader on all lists" ).trim() );
		requireRefused( output, "expression on two lists", PythonTrust.entryFor( TrustMain.ALLOWED_EXPRESSION ) );
		requireRefused( output, "expression on two other lists", PythonTrust.entryFor( TrustMain.WATCHED ) );
		for ( final String later : new String[] { "second", "third" } )
		{
			for ( final String attempt : new String[] { "loader", "init", "task", "expression" } )
				requireRefusedByTheFile( output, attempt + " on the " + later + " list", PythonTrust.entryFor( TrustMain.LATER ) );
			requireRefusedByTheFile( output, "function on the " + later + " list", "module:not_allowed_module" );
			requireRefusedByTheFile( output, "folder on the " + later + " list", "folder:" + tools );
			requireRefusedByTheFile( output, "python on the " + later + " list", "python:" + fake );
		}
		assertFalse( Files.exists( folder.resolve( "was_started" ) ) );
		requireContains( output, "--- restricted=true\n" );
		requireContains( section( output, "after clearing the property" ), "refused=\nNo Python code runs, because the system property " + PythonTrust.FILE_PROPERTY
				+ " was changed from " + list + " to null after it had been read" );
		requireContains( output, "--- done\n" );
	}

	@Test
	void nothingRunsWithAnInvalidList() throws Exception
	{
		Files.write( list, Arrays.asList( PythonTrust.entryFor( TrustMain.INIT ), "sha1:0" ) );
		final ChildJvm.Result result = ChildJvm.of( Untrusting.class ).withPython( PYTHON ).withProperty( PythonTrust.FILE_PROPERTY, list.toString() ).run( list.toString() ).requireExitCode( 0 );
		// Also after it was corrected, because it is read once.
		final String refused = "refused: No Python code runs, because line 2 of the allow-list " + list + " (system property " + PythonTrust.FILE_PROPERTY
				+ ") is not an entry: \"sha1:0\"";
		requireContains( section( result.output, "broken" ), refused );
		requireContains( section( result.output, "mended" ), refused );
		requireContains( section( result.output, "missing" ), refused );
		requireContains( section( result.output, "restrictTo" ), refused );
	}

	@Test
	void aPropertyThatIsSetTooLateIsRefused() throws Exception
	{
		Files.writeString( list, "" );
		final ChildJvm.Result result = ChildJvm.of( Untrusting.class ).withPython( PYTHON ).run( list.toString(), "late" ).requireExitCode( 0 );
		requireContains( section( result.output, "late" ), "refused: No Python code runs, because the system property " + PythonTrust.FILE_PROPERTY + " was changed from null to " + list );
	}

	@Test
	void aMisspeltPropertyIsRefused() throws Exception
	{
		final String problem = "There is no system property imglib2.python.trusted; those of this library are imglib2.python.";
		ChildJvm.of( AttemptsMain.class ).withPython( PYTHON ).withProperty( "imglib2.python.trusted", list.toString() ).run( "default" ).requireExitCode( 0 )
				.requireOutput( "refused: " + problem );
		ChildJvm.of( Doctor.class ).withPython( PYTHON ).withProperty( "imglib2.python.trusted", list.toString() ).run().requireExitCode( 1 )
				.requireOutput( "PROBLEM: " + problem );
	}

	/**
	 * Makes queues while the allow-list or the property is wrong.
	 */
	static final class Untrusting
	{
		public static void main( final String... args ) throws IOException
		{
			final Path list = Path.of( args[ 0 ] );
			if ( args.length > 1 )
			{
				new PythonCacheLoaderQueue().close();
				System.setProperty( PythonTrust.FILE_PROPERTY, args[ 0 ] );
				attempt( "late", () -> new PythonCacheLoaderQueue().close() );
			}
			else
			{
				attempt( "broken", () -> new PythonCacheLoaderQueue().close() );
				Files.writeString( list, "" );
				attempt( "mended", () -> new PythonCacheLoaderQueue().close() );
				Files.delete( list );
				attempt( "missing", () -> new PythonCacheLoaderQueue( 1, TrustMain.INIT ).close() );
				attempt( "restrictTo", () -> PythonTrust.restrictTo( Arrays.asList() ) );
			}
			System.out.println( "--- done" );
		}

		private static void attempt( final String name, final Runnable runnable )
		{
			System.out.println( "--- " + name );
			try
			{
				runnable.run();
				System.out.println( "accepted" );
			}
			catch ( final PythonTrustException e )
			{
				System.out.println( "refused: " + e.getMessage() );
			}
		}
	}

	/**
	 * As {@code SECURITY.md} advises.
	 */
	private static String sha256sum( final Path file ) throws IOException, InterruptedException
	{
		final Process process = new ProcessBuilder( "sha256sum", file.toString() ).start();
		final String output = new String( process.getInputStream().readAllBytes(), StandardCharsets.UTF_8 );
		assertEquals( 0, process.waitFor() );
		return output.substring( 0, output.indexOf( ' ' ) );
	}

	private static void requireRefused( final String output, final String attempt, final String entry )
	{
		requireContains( section( output, attempt ), "refused=" + entry + "\n", "is not trusted and was not ", "\n" + entry + "\n" );
	}

	private void requireRefusedByTheFile( final String output, final String attempt, final String entry )
	{
		requireRefused( output, attempt, entry );
		requireContains( section( output, attempt ), "add this line to the allow-list " + list + " (system property " + PythonTrust.FILE_PROPERTY + "), and start" );
	}

	/**
	 * @return the printed result of one of the attempts
	 */
	private static String section( final String output, final String attempt )
	{
		final String header = "--- " + attempt + "\n";
		final int begin = output.indexOf( header );
		assertTrue( begin >= 0, () -> header + " is missing in:\n" + output );
		return output.substring( begin + header.length(), output.indexOf( "--- ", begin + 1 ) );
	}

	private static void requireContains( final String text, final String... parts )
	{
		for ( final String part : parts )
			assertTrue( text.contains( part ), () -> "\"" + part + "\" is missing in:\n" + text );
	}
}
