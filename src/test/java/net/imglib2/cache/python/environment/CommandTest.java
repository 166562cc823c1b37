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

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.InputStream;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import net.imglib2.cache.python.ChildJvm;

class CommandTest
{
	private static final String PRINT_ARGUMENTS = "import os, sys\nsys.stdout.write(' '.join(os.fsencode(word).hex() for word in sys.argv[1:]))\n";

	private static final String[] PLAIN = { "", "$HOME 'a' \"b\" `c` \\d\\\\ %s \\0101", "-n", "e\nf\n" };

	@Test
	void plainWordsAreLeftAlone()
	{
		assertEquals( Arrays.asList( PLAIN ), Command.ofAscii( StandardCharsets.UTF_8, PLAIN ) );
	}

	@ParameterizedTest
	@ValueSource( strings = { "UTF-8", "ISO-8859-1" } )
	@DisabledOnOs( OS.WINDOWS )
	void programGetsEveryWordInTheCharsetOfFileNames( final String name ) throws Exception
	{
		final Charset charset = Charset.forName( name );
		final List< String > words = new ArrayList<>( Arrays.asList( ChildJvm.testPython().toString(), "-I", "-c", PRINT_ARGUMENTS ) );
		words.addAll( Arrays.asList( PLAIN ) );
		words.addAll( Arrays.asList( "M\u00fcller's $HOME \"b\" \\0101 %s `d`", "-\u00e9" ) );
		final List< String > command = Command.ofAscii( charset, words.toArray( new String[ 0 ] ) );
		assertTrue( StandardCharsets.US_ASCII.newEncoder().canEncode( command.toString() ), command.toString() );
		final Process process = new ProcessBuilder( command ).redirectError( ProcessBuilder.Redirect.INHERIT ).start();
		try (final InputStream out = process.getInputStream())
		{
			final List< String > expected = new ArrayList<>();
			for ( final String word : words.subList( 4, words.size() ) )
				expected.add( HexFormat.of().formatHex( word.getBytes( charset ) ) );
			assertEquals( String.join( " ", expected ), new String( out.readAllBytes(), StandardCharsets.US_ASCII ) );
		}
	}
}
