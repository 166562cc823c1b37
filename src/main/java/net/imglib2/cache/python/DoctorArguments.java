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

import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/**
 * What the {@link Doctor} is asked for.
 */
final class DoctorArguments
{
	private static final int DEFAULT_TIMEOUT_SECONDS = 120;

	private static final int MAX_TIMEOUT_SECONDS = 24 * 60 * 60;

	static final String USAGE = String.join( "\n",
			"usage: Doctor [executable or folder of a Python environment] [options]",
			"",
			"Prints which Python imglib2-cache-python would use. Starts it in each mode, in a JVM of its own,",
			"and prints what works and, for what does not, the command that mends it.",
			"",
			"  --import MODULE...  modules that are imported in each mode, for instance scipy skimage.filters",
			"  --timeout SECONDS   how long each mode may take; default: " + DEFAULT_TIMEOUT_SECONDS,
			"  --help              prints this",
			"",
			"exit code: 0 if the mode that images would take works, 1 if it does not, 2 if the arguments are wrong" );

	private static final Pattern MODULE = Pattern.compile( "[\\p{L}_][\\p{L}\\p{N}_]*(\\.[\\p{L}_][\\p{L}\\p{N}_]*)*" );

	private Path path;

	private final List< String > modules = new ArrayList<>();

	private int timeoutSeconds = DEFAULT_TIMEOUT_SECONDS;

	private boolean help;

	private DoctorArguments()
	{}

	/**
	 * @throws IllegalArgumentException
	 * 		if they are wrong; its message tells what is
	 */
	static DoctorArguments parse( final String... args )
	{
		final DoctorArguments parsed = new DoctorArguments();
		for ( int i = 0; i < args.length; )
			i = parsed.parseFrom( i, args );
		return parsed;
	}

	/**
	 * @return index of the first argument that was not parsed
	 */
	private int parseFrom( final int i, final String... args )
	{
		switch ( args[ i ] )
		{
		case "--help":
		case "-h":
			help = true;
			return i + 1;
		case "--timeout":
			timeoutSeconds = seconds( i + 1 < args.length ? args[ i + 1 ] : "" );
			return i + 2;
		case "--import":
			return parseModules( i + 1, args );
		default:
			if ( args[ i ].startsWith( "-" ) )
				throw new IllegalArgumentException( "There is no option " + args[ i ] );
			if ( path != null )
				throw new IllegalArgumentException( "There are two environments: " + path + " and " + args[ i ] + "; name one" );
			path = Paths.get( args[ i ] );
			return i + 1;
		}
	}

	private int parseModules( final int first, final String... args )
	{
		int i = first;
		for ( ; i < args.length && !args[ i ].startsWith( "-" ); ++i )
		{
			if ( !MODULE.matcher( args[ i ] ).matches() )
				throw new IllegalArgumentException( "--import: \"" + args[ i ] + "\" is not the name of a module; an environment stands before --import" );
			modules.add( args[ i ] );
		}
		if ( i == first )
			throw new IllegalArgumentException( "--import: the names of modules are missing" );
		return i;
	}

	private static int seconds( final String text )
	{
		final int seconds = text.matches( "\\d{1,9}" ) ? Integer.parseInt( text ) : 0;
		if ( seconds < 1 || seconds > MAX_TIMEOUT_SECONDS )
			throw new IllegalArgumentException( "--timeout: \"" + text + "\" is not a number of seconds from 1 to " + MAX_TIMEOUT_SECONDS );
		return seconds;
	}

	/**
	 * @return executable or folder of an environment, or {@code null}
	 */
	Path path()
	{
		return path;
	}

	List< String > modules()
	{
		return modules;
	}

	int timeoutSeconds()
	{
		return timeoutSeconds;
	}

	boolean isHelp()
	{
		return help;
	}
}
