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

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What Java has to know about the text of Python code.
 */
final class PythonText
{
	/**
	 * As in {@code reference.py}: a module or a file, and a function.
	 */
	private static final Pattern REFERENCE = Pattern.compile( "\\s*(?<module>[\\w.]+|[^\\n\"']+\\.py):(?<function>[^\\W\\d][\\w.]*)\\s*", Pattern.UNICODE_CHARACTER_CLASS );

	private static final Pattern LINE_END = Pattern.compile( "\r\n|\r|\n" );

	private PythonText()
	{}

	/**
	 * Takes away the white space that all lines begin with, so that code can stand indented
	 * in a script. Lines of white space only do not count. The lines keep their numbers.
	 */
	static String dedented( final String code )
	{
		final String[] lines = LINE_END.split( code, -1 );
		String margin = null;
		for ( final String line : lines )
		{
			final String indent = indentOf( line );
			if ( indent.length() < line.length() )
				margin = margin == null ? indent : common( margin, indent );
		}
		if ( margin == null || margin.isEmpty() )
			return code;
		final StringBuilder dedented = new StringBuilder();
		for ( int i = 0; i < lines.length; ++i )
			dedented.append( i == 0 ? "" : "\n" ).append( lines[ i ].startsWith( margin ) ? lines[ i ].substring( margin.length() ) : "" );
		return dedented.toString();
	}

	/**
	 * @return whether the code is a function reference, else it is statements
	 */
	static boolean isReference( final String code )
	{
		return REFERENCE.matcher( code ).matches();
	}

	/**
	 * @param code
	 * 		a function reference
	 * @return the function
	 */
	static String functionOf( final String code )
	{
		final Matcher matcher = REFERENCE.matcher( code );
		return matcher.matches() ? matcher.group( "function" ) : code;
	}

	private static String indentOf( final String line )
	{
		int end = 0;
		while ( end < line.length() && ( line.charAt( end ) == ' ' || line.charAt( end ) == '\t' ) )
			++end;
		return line.substring( 0, end );
	}

	private static String common( final String a, final String b )
	{
		int end = 0;
		while ( end < Math.min( a.length(), b.length() ) && a.charAt( end ) == b.charAt( end ) )
			++end;
		return a.substring( 0, end );
	}
}
