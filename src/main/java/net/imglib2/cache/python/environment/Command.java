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
package net.imglib2.cache.python.environment;

import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Makes command lines whose words may hold any Unicode character. Up to Java 17, a
 * {@link ProcessBuilder} encodes its words by {@code file.encoding}, although Java
 * encodes file names by {@code sun.jnu.encoding}.
 */
public final class Command
{
	private static final String FILE_NAMES_PROPERTY = "sun.jnu.encoding";

	private Command()
	{}

	/**
	 * @return the words for a {@link ProcessBuilder}
	 */
	public static List< String > of( final String... words )
	{
		final Charset fileNames = Charset.forName( System.getProperty( FILE_NAMES_PROPERTY, StandardCharsets.UTF_8.name() ) );
		// Windows takes commands in Unicode.
		return OperatingSystem.current() == OperatingSystem.WINDOWS ? Arrays.asList( words ) : ofAscii( fileNames, words );
	}

	/**
	 * @param charset
	 * 		encoding in which the program gets the words
	 * @return the words if they are ASCII, else an ASCII command line for the shell, which
	 *         runs them
	 */
	static List< String > ofAscii( final Charset charset, final String... words )
	{
		if ( isAscii( String.join( "", words ) ) )
			return Arrays.asList( words );
		final List< String > command = new ArrayList<>();
		// The words are the script's arguments, escaped if they are not ASCII.
		command.addAll( Arrays.asList( "/bin/sh", "-c", script( words ), "sh" ) );
		for ( final String word : words )
			command.add( isAscii( word ) ? word : escaped( word.getBytes( charset ) ) );
		return command;
	}

	private static String script( final String... words )
	{
		final StringBuilder script = new StringBuilder( "exec" );
		for ( int i = 0; i < words.length; ++i )
			script.append( isAscii( words[ i ] ) ? " \"${" + ( i + 1 ) + "}\"" : " \"$(printf %b \"${" + ( i + 1 ) + "}\")\"" );
		return script.toString();
	}

	private static String escaped( final byte[] bytes )
	{
		final StringBuilder text = new StringBuilder();
		for ( final byte b : bytes )
			text.append( String.format( "\\0%03o", b & 0xff ) );
		return text.toString();
	}

	private static boolean isAscii( final String text )
	{
		return StandardCharsets.US_ASCII.newEncoder().canEncode( text );
	}
}
