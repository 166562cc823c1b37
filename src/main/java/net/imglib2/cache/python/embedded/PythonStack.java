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
package net.imglib2.cache.python.embedded;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Stacks as Python's {@code faulthandler} writes them: frames without source lines.
 */
final class PythonStack
{
	private static final Pattern FRAME = Pattern.compile( "File \"(.*)\", line (\\d+) in .*" );

	private PythonStack()
	{}

	/**
	 * Adds source lines to a stack.
	 *
	 * @param stack
	 * 		text that {@code faulthandler} wrote
	 * @param file
	 * 		name of the code whose source is known
	 * @param code
	 * 		that source
	 * @return the text, each frame of the code followed by its source line
	 */
	static String withSource( final String stack, final String file, final String code )
	{
		final String[] source = code.split( "\r\n|\r|\n", -1 );
		final StringBuilder text = new StringBuilder();
		for ( final String line : stack.split( "\n" ) )
		{
			text.append( line ).append( '\n' );
			final Matcher frame = FRAME.matcher( line.trim() );
			if ( frame.matches() && frame.group( 1 ).equals( file ) )
			{
				final int number = Integer.parseInt( frame.group( 2 ) );
				if ( number >= 1 && number <= source.length )
					text.append( "    " ).append( source[ number - 1 ].trim() ).append( '\n' );
			}
		}
		return text.toString().trim();
	}
}
