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
package net.imglib2.cache.python.benchmark;

import java.io.File;
import java.io.IOException;
import java.net.URISyntaxException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.StringJoiner;

/**
 * Runs a command within Maven's JVM, with {@code --classpath} and the class path of
 * the tests as its last arguments. If the command fails, this JVM ends at once with
 * its exit code: the last lines are those of the command, and no error of Maven hides
 * them.
 */
final class CompareMain
{
	private CompareMain()
	{}

	public static void main( final String... arguments ) throws InterruptedException, URISyntaxException
	{
		final List< String > command = new ArrayList<>( Arrays.asList( arguments ) );
		command.add( "--classpath" );
		command.add( classPath() );
		int code;
		try
		{
			code = new ProcessBuilder( command ).inheritIO().start().waitFor();
		}
		catch ( final IOException e )
		{
			System.err.println( e.getMessage() );
			code = 1;
		}
		if ( code != 0 )
			System.exit( code );
	}

	/**
	 * Maven's JVM does not have it as a system property.
	 */
	private static String classPath() throws URISyntaxException
	{
		final StringJoiner files = new StringJoiner( File.pathSeparator );
		for ( final URL url : ( ( URLClassLoader ) CompareMain.class.getClassLoader() ).getURLs() )
			files.add( Paths.get( url.toURI() ).toString() );
		return files.toString();
	}
}
