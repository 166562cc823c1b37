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

import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

import net.imglib2.cache.python.PythonTrustException;

/**
 * Decides what may run, see {@code PythonTrust}. Whatever text of a user gets to
 * Python must have passed it, before Python sees it. Immutable.
 */
public final class TrustPolicy
{
	/**
	 * System property that names the file of an allow-list.
	 */
	public static final String FILE_PROPERTY = "imglib2.python.trust";

	private static final int MAX_EXCERPT = 120;

	/**
	 * A subset of the function references that {@code snippet.py} accepts: the function's
	 * name has no dot, because it could lead into another module then, for instance to
	 * {@code pickle.loads}.
	 */
	private static final Pattern FUNCTION_REFERENCE = Pattern.compile( "\\s*(" + AllowList.DOTTED_NAME + "):[A-Za-z_][A-Za-z0-9_]*\\s*" );

	/**
	 * Whatever Python may take for the function of a file, and some other texts of one
	 * line: {@code reference.py} decides. The name of the function may have any letter.
	 */
	private static final Pattern FILE_REFERENCE = Pattern.compile( "[ \\t\\r\\n]*+[^\\r\\n]*\\.py:[A-Za-z0-9_.\\x80-\\x{10FFFF}]*[ \\t\\r\\n]*" );

	private static TrustPolicy ofThisJvm;

	private static String propertyOfThisJvm;

	/**
	 * Why nothing runs in this JVM, or {@code null}.
	 */
	private static String problemOfThisJvm;

	private final List< AllowList > lists;

	/**
	 * @param lists
	 * 		what is on all lists is allowed; without lists, everything is allowed
	 */
	TrustPolicy( final AllowList... lists )
	{
		this.lists = Arrays.asList( lists );
	}

	/**
	 * The policy that holds now. The system property and its file are read once: later
	 * changes of the file have no effect.
	 *
	 * @throws PythonTrustException
	 * 		if the allow-list cannot be read or has a line that is not an entry, or if
	 * 		the property has changed since it was read
	 */
	public static synchronized TrustPolicy ofThisJvm()
	{
		final String property = System.getProperty( FILE_PROPERTY );
		if ( ofThisJvm == null && problemOfThisJvm == null )
		{
			propertyOfThisJvm = property;
			try
			{
				ofThisJvm = property == null ? new TrustPolicy() : new TrustPolicy( AllowList.read( Paths.get( property ), "system property " + FILE_PROPERTY ) );
			}
			catch ( final InvalidPathException e )
			{
				problemOfThisJvm = "No Python code runs, because the system property " + FILE_PROPERTY + " is not the path of a file: " + e.getMessage();
			}
			catch ( final PythonTrustException e )
			{
				problemOfThisJvm = e.getMessage();
			}
		}
		if ( problemOfThisJvm != null )
			throw new PythonTrustException( problemOfThisJvm, "" );
		// Otherwise, somebody who sets it too late would believe that it has an effect.
		if ( !Objects.equals( property, propertyOfThisJvm ) )
			throw new PythonTrustException( "No Python code runs, because the system property " + FILE_PROPERTY + " was changed from "
					+ propertyOfThisJvm + " to " + property + " after it had been read: set it when the JVM is started, or use PythonTrust.restrictTo", "" );
		return ofThisJvm;
	}

	/**
	 * Restricts this JVM to what is on a list, in addition to all earlier lists.
	 */
	public static synchronized void restrict( final AllowList list )
	{
		final List< AllowList > lists = new ArrayList<>( ofThisJvm().lists );
		lists.add( list );
		ofThisJvm = new TrustPolicy( lists.toArray( new AllowList[ 0 ] ) );
	}

	/**
	 * @return the entry that allows exactly this text
	 * @throws PythonTrustException
	 * 		if the text is not valid Unicode
	 */
	public static String entryFor( final String text )
	{
		try
		{
			// Not by String.getBytes, which encodes all halves of surrogate pairs alike.
			final ByteBuffer utf8 = StandardCharsets.UTF_8.newEncoder().encode( CharBuffer.wrap( text ) );
			final MessageDigest digest = MessageDigest.getInstance( "SHA-256" );
			digest.update( utf8 );
			return AllowList.TEXT + String.format( "%064x", new BigInteger( 1, digest.digest() ) );
		}
		catch ( final CharacterCodingException e )
		{
			throw new PythonTrustException( "Code that is not valid Unicode cannot be trusted: there is half of a surrogate pair in \"" + excerpt( text ) + "\"", "" );
		}
		catch ( final NoSuchAlgorithmException e )
		{
			throw new IllegalStateException( "every JVM must have SHA-256", e );
		}
	}

	/**
	 * @return whether there is an allow-list
	 */
	public boolean isRestricted()
	{
		return !lists.isEmpty();
	}

	/**
	 * @param code
	 * 		code of a loader: statements or a function reference; with an allow-list, never
	 * 		the function of a file, because nobody has looked at what is in there
	 * @return the code, which may run without parameters that have text
	 * @throws PythonTrustException
	 * 		if it may not run
	 */
	public Trusted.LoaderCode requireLoader( final String code )
	{
		return requireLoader( code, false );
	}

	/**
	 * @param code
	 * 		code of a loader: statements or a function reference; with an allow-list, never
	 * 		the function of a file, because nobody has looked at what is in there
	 * @param getsText
	 * 		whether its parameters have text. A module has functions that take the name of a
	 * 		file, of a function, or code; with text they can do what no pixels make them do
	 * @return the code, which may run
	 * @throws PythonTrustException
	 * 		if it may not run
	 */
	public Trusted.LoaderCode requireLoader( final String code, final boolean getsText )
	{
		requireFunctionOrText( "The function of a loader", "The code of a loader", code, getsText );
		return new Trusted.LoaderCode( code );
	}

	/**
	 * @param text
	 * 		of this library, never one of a user
	 * @return the text, which may run
	 */
	public Trusted.LoaderCode ofLibrary( final String text )
	{
		return new Trusted.LoaderCode( text );
	}

	/**
	 * @param expression
	 * 		opens an object of Python: a function reference or an expression; the same rules
	 * 		hold as for the code of a loader
	 * @param getsText
	 * 		whether its arguments have text
	 * @throws PythonTrustException
	 * 		if it may not run
	 */
	public void requireOpened( final String expression, final boolean getsText )
	{
		requireFunctionOrText( "The function that opens an object", "The expression that opens an object", expression, getsText );
	}

	private void requireFunctionOrText( final String function, final String text, final String code, final boolean getsText )
	{
		final Matcher reference = FUNCTION_REFERENCE.matcher( code );
		if ( isRestricted() && FILE_REFERENCE.matcher( code ).matches() )
			throw new PythonTrustException( "The function of a file, " + excerpt( code ) + ", may not run: an allow-list does not know what is in the file. Put the file into a folder of PythonEnvironment.withModulePath, "
					+ "name the function as module:function, and allow both: folder:<path of the folder> and module:<name of the module>", "" );
		if ( isRestricted() && reference.matches() && getsText )
			require( function + ", " + excerpt( code ) + ", with text in its parameters,", "run", entryFor( code ) );
		else if ( isRestricted() && reference.matches() )
			require( function + ", " + excerpt( code ) + ",", "run", AllowList.MODULE + reference.group( 1 ), entryFor( code ) );
		else
			requireCode( text, code );
	}

	/**
	 * @param what
	 * 		what kind of code it is
	 * @param code
	 * 		statements or an expression; an empty text is always allowed
	 * @return the code, which may run
	 * @throws PythonTrustException
	 * 		if it may not run
	 */
	public Trusted.Code requireCode( final String what, final String code )
	{
		if ( isRestricted() && !code.isEmpty() )
			require( what + ", \"" + excerpt( code ) + "\",", "run", entryFor( code ) );
		return new Trusted.Code( code );
	}

	/**
	 * @param folders
	 * 		folders from which Python will import modules
	 * @return the folders, which may be used
	 * @throws PythonTrustException
	 * 		if one of them may not be used
	 */
	public Trusted.Folders requireFolders( final List< Path > folders )
	{
		if ( isRestricted() )
			for ( final Path folder : folders )
				// Not normalised: without its "..", the path could lead to another folder.
				require( "The module path " + folder.toAbsolutePath(), "used", AllowList.FOLDER + folder.toAbsolutePath() );
		return new Trusted.Folders( folders );
	}

	/**
	 * @param executable
	 * 		a Python
	 * @throws PythonTrustException
	 * 		if it may not be started
	 */
	public void requirePython( final Path executable )
	{
		// A list that names no Python restricts code only.
		final AllowList[] naming = lists.stream().filter( AllowList::namesAPython ).toArray( AllowList[]::new );
		new TrustPolicy( naming ).require( "The Python " + executable.toAbsolutePath(), "started", AllowList.PYTHON + executable.toAbsolutePath() );
	}

	/**
	 * @return where the allow-lists come from
	 */
	@Override
	public String toString()
	{
		return lists.isEmpty() ? "nothing, all code is allowed" : lists.stream().map( AllowList::toString ).collect( Collectors.joining( ", " ) );
	}

	/**
	 * The first line of a text, bounded, and without characters that could disguise it in a
	 * message.
	 */
	static String excerpt( final String text )
	{
		final String line = text.trim().split( "[\r\n]", 2 )[ 0 ];
		final StringBuilder shown = new StringBuilder();
		line.codePoints().limit( MAX_EXCERPT ).map( c -> isPlain( c ) ? c : '?' ).forEach( shown::appendCodePoint );
		return shown.length() < text.trim().length() ? shown + " …" : shown.toString();
	}

	private static boolean isPlain( final int c )
	{
		final int type = Character.getType( c );
		return type != Character.CONTROL && type != Character.FORMAT && type != Character.SURROGATE && type != Character.LINE_SEPARATOR
				&& type != Character.PARAGRAPH_SEPARATOR;
	}

	/**
	 * @param entries
	 * 		any of which would allow it
	 */
	private void require( final String what, final String verb, final String... entries )
	{
		final List< AllowList > lacking = lists.stream().filter( list -> !list.containsOneOf( Arrays.asList( entries ) ) ).collect( Collectors.toList() );
		if ( !lacking.isEmpty() )
			throw new PythonTrustException( what + " is not trusted and was not " + verb + ". If you trust it, add this line to "
					+ lacking.stream().map( AllowList::toString ).collect( Collectors.joining( " and to " ) ) + ", and start the JVM again:\n"
					+ String.join( "\nor, for exactly this text:\n", entries ), entries[ 0 ] );
	}
}
