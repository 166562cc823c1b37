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
package net.imglib2.cache.python.trust;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.Arrays;
import java.util.Collections;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import net.imglib2.cache.python.PythonTrust;
import net.imglib2.cache.python.PythonTrustException;

public class TrustPolicyTest
{
	/**
	 * Hash of the text {@code abc}, from FIPS 180-2.
	 */
	private static final String HASH = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

	@TempDir
	private Path folder;

	@Test
	void withoutAListEverythingIsAllowed()
	{
		final TrustPolicy policy = new TrustPolicy();
		assertFalse( policy.isRestricted() );
		assertFalse( PythonTrust.isRestricted() );
		policy.requireCode( "The code", "\ud800" );
		policy.requireLoader( "package.module:function" );
		policy.requireFolders( Collections.singletonList( folder ) );
		policy.requirePython( folder );
	}

	@Test
	void anEmptyListAllowsNothingButTheEmptyText()
	{
		final TrustPolicy policy = new TrustPolicy( list() );
		assertTrue( policy.isRestricted() );
		policy.requireCode( "The init code", "" );
		policy.requireLoader( "" );
		refused( AllowList.TEXT + HASH, () -> policy.requireCode( "The code", "abc" ) );
		refused( TrustPolicy.entryFor( " " ), () -> policy.requireCode( "The code", " " ) );
	}

	@Test
	void textsAreAllowedByTheirHashAsTheyAre()
	{
		for ( final String hash : new String[] { HASH, HASH.toUpperCase() } )
		{
			final TrustPolicy policy = new TrustPolicy( list( "# comment", "", " sha256:" + hash + " " ) );
			policy.requireCode( "The code", "abc" );
			policy.requireLoader( "abc" );
			for ( final String other : new String[] { "abc\n", "abc\r\n", " abc", "\ufeffabc", "ABC", "ab", "abc\0" } )
				refused( TrustPolicy.entryFor( other ), () -> policy.requireCode( "The code", other ) );
		}
		assertEquals( AllowList.TEXT + HASH, PythonTrust.entryFor( "abc" ) );
		// The hash begins with a zero, which a number would drop.
		assertEquals( "sha256:00328ce57bbc14b33bd6695bc8eb32cdf2fb5f3a7d89ec14a42825e15d39df60", PythonTrust.entryFor( "286" ) );
	}

	@Test
	void textsThatAreNotUnicodeCannotBeAllowed()
	{
		// UTF-8 encoders replace each of them by a question mark.
		final TrustPolicy policy = new TrustPolicy( list( TrustPolicy.entryFor( "x = '?'" ) ) );
		policy.requireCode( "The code", "x = '?'" );
		refused( "", () -> policy.requireCode( "The code", "x = '\ud800'" ) );
		refused( "", () -> policy.requireLoader( "x = '\udc00'" ) );
	}

	/**
	 * The list knows the text, but not what is in the file.
	 */
	@Test
	void functionsOfFilesNeverRunWithAList()
	{
		for ( final String code : new String[] { "/folder/own.py:f", "own.py:f", "  ../own filters.py:a.b\n", "C:\\x\\own.py:f", "x.py:y.py:größe" } )
		{
			final TrustPolicy policy = new TrustPolicy( list( TrustPolicy.entryFor( code ), "module:own.py", "folder:/folder" ) );
			final String message = refused( "", () -> policy.requireLoader( code ) );
			assertTrue( message.contains( "withModulePath" ), message );
			new TrustPolicy().requireLoader( code );
		}
		for ( final String code : new String[] { "own.pyx:f", "x = 1\nown.py:f", "own.py:f()", "own.py: f, g" } )
			new TrustPolicy( list( TrustPolicy.entryFor( code ) ) ).requireLoader( code );
	}

	/**
	 * With text, numpy loads and unpickles any file.
	 */
	@Test
	void functionsThatGetTextNeedAnEntryOfTheirOwn()
	{
		final String code = "numpy:load";
		final TrustPolicy policy = new TrustPolicy( list( "module:numpy", TrustPolicy.entryFor( "numpy:pad" ) ) );
		policy.requireLoader( code, false );
		refused( TrustPolicy.entryFor( code ), () -> policy.requireLoader( code, true ) );
		policy.requireLoader( "numpy:pad", true );
		new TrustPolicy().requireLoader( code, true );
	}

	@Test
	void modulesAreAllowedForLoadersThatNameAFunction()
	{
		final TrustPolicy policy = new TrustPolicy( list( "module:scipy.ndimage" ) );
		policy.requireLoader( "scipy.ndimage:laplace" );
		policy.requireLoader( "\n scipy.ndimage:sobel\t" );
		refused( "module:scipy", () -> policy.requireLoader( "scipy:ndimage" ) );
		refused( "module:scipy.ndimage.measurements", () -> policy.requireLoader( "scipy.ndimage.measurements:label" ) );
		for ( final String code : new String[] { "scipy.ndimage:os.system", "scipy.ndimage:laplace; x", "scipy.ndimage:", "scipy.ndimage :laplace",
				"scipy.ndimage: laplace", "scipy.ndimage:laplace\nx", "sc\u0131py.ndimage:laplace" } )
			refused( TrustPolicy.entryFor( code ), () -> policy.requireLoader( code ) );
		// As a statement, this is an annotation, which evaluates the name.
		refused( TrustPolicy.entryFor( "scipy.ndimage:laplace" ), () -> policy.requireCode( "The init code", "scipy.ndimage:laplace" ) );
	}

	@Test
	void aSingleFunctionIsAllowedByTheHashOfItsReference()
	{
		final TrustPolicy policy = new TrustPolicy( list( TrustPolicy.entryFor( "numpy:linalg.norm" ), TrustPolicy.entryFor( "numpy:sin" ) ) );
		policy.requireLoader( "numpy:linalg.norm" );
		policy.requireLoader( "numpy:sin" );
		final String message = refused( "module:numpy", () -> policy.requireLoader( "numpy:cos" ) );
		assertTrue( message.endsWith( ":\nmodule:numpy\nor, for exactly this text:\n" + TrustPolicy.entryFor( "numpy:cos" ) ), message );
	}

	@Test
	void foldersAreComparedAsTheyAre()
	{
		final Path allowed = folder.resolve( "tools" ).toAbsolutePath();
		final TrustPolicy policy = new TrustPolicy( list( "folder:" + allowed ) );
		policy.requireFolders( Collections.singletonList( allowed ) );
		for ( final Path other : new Path[] { folder, allowed.resolve( "below" ), folder.resolve( "link" ).resolve( ".." ).resolve( "tools" ), Paths.get( "tools" ) } )
			refused( "folder:" + other.toAbsolutePath(), () -> policy.requireFolders( Arrays.asList( allowed, other ) ) );
	}

	@Test
	void pythonsAreRestrictedByListsThatNameOne()
	{
		final Path python = folder.resolve( "bin/python3" ).toAbsolutePath();
		new TrustPolicy( list( "module:numpy" ) ).requirePython( python );
		final TrustPolicy policy = new TrustPolicy( list( "module:numpy" ), list( "python:" + python ) );
		policy.requirePython( python );
		refused( "python:" + folder.resolve( "python3" ).toAbsolutePath(), () -> policy.requirePython( folder.resolve( "python3" ) ) );
	}

	@Test
	void allListsMustAllowIt()
	{
		final AllowList first = AllowList.of( "the first list", Arrays.asList( "module:numpy", "module:scipy" ) );
		final AllowList second = AllowList.of( "the second list", Arrays.asList( "module:scipy", "module:skimage" ) );
		final TrustPolicy policy = new TrustPolicy( first, second );
		policy.requireLoader( "scipy:f" );
		final String numpy = refused( "module:numpy", () -> policy.requireLoader( "numpy:f" ) );
		assertTrue( numpy.contains( "the second list" ) && !numpy.contains( "the first list" ), numpy );
		final String other = refused( "module:other", () -> policy.requireLoader( "other:f" ) );
		assertTrue( other.contains( "to the first list and to the second list" ), other );
	}

	@Test
	void messagesShowTheBeginningOfTheCodeOnly()
	{
		final TrustPolicy policy = new TrustPolicy( list() );
		final String message = refused( TrustPolicy.entryFor( "\n\tx = 1\u202e\u0007\nsha256:0000" ), () -> policy.requireCode( "The code", "\n\tx = 1\u202e\u0007\nsha256:0000" ) );
		assertTrue( message.startsWith( "The code, \"x = 1?? …\", is not trusted and was not run. If you trust it, add this line to a test, " ), message );
		final StringBuilder large = new StringBuilder();
		for ( int i = 0; i < 1 << 20; ++i )
			large.append( 'x' );
		assertTrue( refused( TrustPolicy.entryFor( large.toString() ), () -> policy.requireCode( "The code", large.toString() ) ).length() < 400 );
	}

	@ParameterizedTest
	@CsvSource( {
			"sha1:abc, a line begins with one of",
			"scipy.ndimage, a line begins with one of",
			"SHA256:" + HASH + ", a line begins with one of",
			"sha256:abc, 64 hexadecimal digits",
			"sha256:" + HASH + "0, 64 hexadecimal digits",
			"sha256:" + HASH + "  script.py, 64 hexadecimal digits",
			"sha256: " + HASH + ", 64 hexadecimal digits",
			"module:, name of a module",
			"module:*, name of a module",
			"module:scipy.*, name of a module",
			"module:scipy:laplace, name of a module",
			"module:scipy # comment, name of a module",
			"folder:tools, absolute path",
			"folder:, absolute path",
			"python:python3, absolute path" } )
	void linesThatAreNotEntriesAreRefused( final String line, final String expected ) throws Exception
	{
		final Path file = Files.write( folder.resolve( "allowed.txt" ), Arrays.asList( "# comment", "module:numpy", line ) );
		final String message = refused( "", () -> AllowList.read( file, "test" ) );
		for ( final String part : new String[] { "No Python code runs", "line 3", file.toString(), "(test)", "\"" + line + "\"", expected, "Correct that line" } )
			assertTrue( message.contains( part ), () -> part + " is missing in: " + message );
	}

	@Test
	void filesThatCannotBeReadAreRefused() throws Exception
	{
		final Path latin = Files.write( folder.resolve( "latin.txt" ), "# größe\n".getBytes( StandardCharsets.ISO_8859_1 ) );
		for ( final Path file : new Path[] { folder.resolve( "missing.txt" ), folder, latin } )
		{
			final String message = refused( "", () -> AllowList.read( file, "test" ) );
			assertTrue( message.contains( file.toString() ) && message.contains( "cannot be read" ) && message.contains( "UTF-8" ), message );
		}
	}

	@ParameterizedTest
	@ValueSource( strings = { "\n", "\r\n" } )
	void filesMayComeFromAnyEditor( final String lineEnd ) throws Exception
	{
		final Path file = folder.resolve( "allowed.txt" );
		Files.write( file, ( "\ufeffmodule:numpy" + lineEnd + "# größe" + lineEnd + lineEnd + "sha256:" + HASH ).getBytes( StandardCharsets.UTF_8 ) );
		final TrustPolicy policy = new TrustPolicy( AllowList.read( file, "test" ) );
		assertDoesNotThrow( () -> policy.requireLoader( "numpy:sin" ) );
		assertDoesNotThrow( () -> policy.requireLoader( "abc" ) );
	}

	private static AllowList list( final String... lines )
	{
		return AllowList.of( "a test", Arrays.asList( lines ) );
	}

	/**
	 * @return the message
	 */
	private static String refused( final String entry, final Executable executable )
	{
		final PythonTrustException e = assertThrows( PythonTrustException.class, executable );
		assertEquals( entry, e.getEntry() );
		assertTrue( e.getMessage().contains( entry ), e.getMessage() );
		return e.getMessage();
	}
}
