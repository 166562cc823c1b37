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

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.OutputStream;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.jar.JarOutputStream;
import java.util.zip.ZipEntry;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import net.imglib2.cache.python.PythonEnvironmentException;

class ClassPathCheckTest
{
	private static final String MARKER = "META-INF/imglib2-cache-subset";

	private static final String CLASS = "net/imglib2/cache/CacheLoader.class";

	@TempDir
	Path folder;

	@Test
	void subsetAloneIsAccepted() throws IOException
	{
		check( jar( "subset.jar", MARKER, CLASS ) );
	}

	@Test
	void releasedArtifactAloneIsAccepted() throws IOException
	{
		check( jar( "imglib2-cache-1.0.0-beta-20.jar", CLASS ) );
	}

	@Test
	void releasedArtifactTwiceIsAccepted() throws IOException
	{
		check( jar( "imglib2-cache-1.0.0-beta-20.jar", CLASS ), jar( "imglib2-cache-1.0.0-beta-19.jar", CLASS ) );
	}

	@Test
	void subsetInAFolderOfClassesIsAccepted() throws IOException
	{
		check( classes( "classes", MARKER, CLASS ) );
	}

	@Test
	void subsetBesideTheReleasedArtifactIsRefusedWithBothNamed() throws IOException
	{
		final URL subset = jar( "imglib2-cache-python-0.1.0-imglib2-cache.jar", MARKER, CLASS );
		final URL released = jar( "imglib2-cache-1.0.0-beta-20.jar", CLASS );
		for ( final URL[] urls : new URL[][] { { subset, released }, { released, subset } } )
			requireContains( assertThrows( PythonEnvironmentException.class, () -> check( urls ) ).getMessage(),
					"imglib2-cache is on the class path twice: " + released + " and the subset of it in " + subset + ". ",
					"Remove one: the artifact net.imglib2:imglib2-cache, or the one with the classifier imglib2-cache" );
	}

	@Test
	void subsetInAFolderBesideTheReleasedArtifactIsRefused() throws IOException
	{
		final URL subset = classes( "classes", MARKER, CLASS );
		final URL released = jar( "imglib2-cache-1.0.0-beta-20.jar", CLASS );
		requireContains( assertThrows( PythonEnvironmentException.class, () -> check( released, subset ) ).getMessage(), "classes. Remove one", released.toString() );
	}

	@Test
	void classPathWithNeitherIsRefused() throws IOException
	{
		final URL other = jar( "other.jar", "net/imglib2/Interval.class" );
		requireContains( assertThrows( PythonEnvironmentException.class, () -> check( other ) ).getMessage(), "imglib2-cache is not on the class path",
				"net.imglib2:imglib2-cache", "classifier imglib2-cache" );
	}

	private static void check( final URL... urls ) throws IOException
	{
		// The parent is the JVM's own loader, because this test's class path has a subset, too.
		try (final URLClassLoader loader = new URLClassLoader( urls, ClassLoader.getPlatformClassLoader() ))
		{
			ClassPathCheck.requireOneImglib2Cache( loader );
		}
	}

	private URL jar( final String name, final String... entries ) throws IOException
	{
		final Path file = folder.resolve( name );
		try (final OutputStream out = Files.newOutputStream( file ); final JarOutputStream jar = new JarOutputStream( out ))
		{
			for ( final String entry : entries )
				jar.putNextEntry( new ZipEntry( entry ) );
		}
		return file.toUri().toURL();
	}

	private URL classes( final String name, final String... entries ) throws IOException
	{
		for ( final String entry : entries )
		{
			final Path file = folder.resolve( name ).resolve( entry );
			Files.createDirectories( file.getParent() );
			Files.createFile( file );
		}
		return folder.resolve( name ).toUri().toURL();
	}

	private static void requireContains( final String text, final String... parts )
	{
		for ( final String part : parts )
			assertTrue( text.contains( part ), () -> "\"" + part + "\" is missing in: " + text );
	}
}
