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

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URL;
import java.nio.charset.StandardCharsets;

import net.imglib2.cache.python.PythonException;

/**
 * Finds the Python half of this library, in the jar or in a folder of classes.
 */
public final class PythonSources
{
	private static final String FOLDER = "META-INF/python";

	private static final String PACKAGE = FOLDER + "/imglib2_cache_python/";

	static final String INIT = PACKAGE + "__init__.py";

	private PythonSources()
	{}

	/**
	 * @param fileName
	 * 		path of a file within the Python package
	 * @return its text
	 */
	public static String read( final String fileName )
	{
		try (final InputStream in = url( fileName ).openStream())
		{
			final ByteArrayOutputStream out = new ByteArrayOutputStream();
			final byte[] chunk = new byte[ 8192 ];
			for ( int n = in.read( chunk ); n >= 0; n = in.read( chunk ) )
				out.write( chunk, 0, n );
			return new String( out.toByteArray(), StandardCharsets.UTF_8 );
		}
		catch ( final IOException e )
		{
			throw new UncheckedIOException( "cannot read " + fileName, e );
		}
	}

	/**
	 * @return the entry for {@code sys.path}: a folder, or a folder in a jar, from which
	 *         Python can import, too
	 */
	public static String location()
	{
		return LibraryJars.entry( url( "__init__.py" ), INIT ).resolve( FOLDER ).toString();
	}

	private static URL url( final String fileName )
	{
		final URL url = PythonSources.class.getClassLoader().getResource( PACKAGE + fileName );
		if ( url == null )
			throw new PythonException( "the jar of imglib2-cache-python lacks " + PACKAGE + fileName );
		return url;
	}
}
