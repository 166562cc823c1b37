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

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;

import net.imglib2.cache.python.PythonTrustException;

/**
 * The entries of one allow-list, see {@code PythonTrust}. Immutable.
 */
public final class AllowList
{
	static final String TEXT = "sha256:";

	static final String MODULE = "module:";

	static final String FOLDER = "folder:";

	static final String PYTHON = "python:";

	/**
	 * A subset of the names that Python accepts: what matches here is a name there,
	 * too.
	 */
	static final String DOTTED_NAME = "[A-Za-z_][A-Za-z0-9_]*(?:\\.[A-Za-z_][A-Za-z0-9_]*)*";

	private static final Pattern HASH = Pattern.compile( "[0-9A-Fa-f]{64}" );

	private static final Pattern NAME = Pattern.compile( DOTTED_NAME );

	private final String origin;

	private final Set< String > entries = new HashSet<>();

	private AllowList( final String origin )
	{
		this.origin = origin;
	}

	/**
	 * @param file
	 * 		the list, in UTF-8
	 * @param namedBy
	 * 		what named the file, for messages
	 * @throws PythonTrustException
	 * 		if the file cannot be read, or has a line that is not an entry
	 */
	public static AllowList read( final Path file, final String namedBy )
	{
		final String origin = "the allow-list " + file.toAbsolutePath() + " (" + namedBy + ")";
		final List< String > lines;
		try
		{
			lines = Files.readAllLines( file, StandardCharsets.UTF_8 );
		}
		catch ( final IOException e )
		{
			throw new PythonTrustException( "No Python code runs, because " + origin + " cannot be read (" + e
					+ "): name a file in UTF-8 that this user can read, and start the JVM again", "" );
		}
		return of( origin, lines );
	}

	/**
	 * @param origin
	 * 		where the lines come from, for messages
	 * @param lines
	 * 		the list
	 * @throws PythonTrustException
	 * 		if a line is not an entry
	 */
	public static AllowList of( final String origin, final List< String > lines )
	{
		final AllowList list = new AllowList( origin );
		for ( int i = 0; i < lines.size(); ++i )
		{
			// Editors on Windows may begin a file with a byte order mark.
			final String line = ( i == 0 ? lines.get( i ).replaceFirst( "^\ufeff", "" ) : lines.get( i ) ).trim();
			if ( !line.isEmpty() && !line.startsWith( "#" ) )
				list.add( line, i + 1 );
		}
		return list;
	}

	boolean containsOneOf( final Collection< String > wanted )
	{
		return wanted.stream().anyMatch( entries::contains );
	}

	/**
	 * @return whether the list says which Pythons are allowed
	 */
	boolean namesAPython()
	{
		return entries.stream().anyMatch( entry -> entry.startsWith( PYTHON ) );
	}

	/**
	 * @return where the list comes from, for messages
	 */
	@Override
	public String toString()
	{
		return origin;
	}

	private void add( final String line, final int number )
	{
		final String keyword = line.substring( 0, line.indexOf( ':' ) + 1 );
		final String value = line.substring( keyword.length() );
		switch ( keyword )
		{
		case TEXT:
			if ( !HASH.matcher( value ).matches() )
				throw refused( line, number, "sha256: must be followed by 64 hexadecimal digits, as sha256sum prints them, and nothing else" );
			entries.add( TEXT + value.toLowerCase( Locale.ROOT ) );
			break;
		case MODULE:
			if ( !NAME.matcher( value ).matches() )
				throw refused( line, number, "module: must be followed by the name of a module, package.module for instance, and nothing else" );
			entries.add( line );
			break;
		case FOLDER:
		case PYTHON:
			if ( !isAbsolute( value ) )
				throw refused( line, number, keyword + " must be followed by an absolute path" );
			entries.add( line );
			break;
		default:
			throw refused( line, number, "a line begins with one of " + TEXT + ", " + MODULE + ", " + FOLDER + ", " + PYTHON + ", or with # if it is a comment" );
		}
	}

	private PythonTrustException refused( final String line, final int number, final String expected )
	{
		return new PythonTrustException( "No Python code runs, because line " + number + " of " + origin + " is not an entry: \"" + TrustPolicy.excerpt( line )
				+ "\". " + expected + ". Correct that line, and start the JVM again", "" );
	}

	private static boolean isAbsolute( final String path )
	{
		try
		{
			return Paths.get( path ).isAbsolute();
		}
		catch ( final InvalidPathException e )
		{
			return false;
		}
	}
}
