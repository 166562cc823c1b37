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

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.Arrays;
import java.util.List;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import net.imglib2.RandomAccessible;

/**
 * {@code PackagingIT} runs the doctor from its jar.
 */
class LibraryJarsTest
{
	private static final String OWN_CLASS = "net/imglib2/cache/python/Doctor.class";

	@TempDir
	Path folder;

	@Test
	void nothingIsMissingInTheTestsAndTheClassPathIsComplete() throws Exception
	{
		final LibraryJars jars = LibraryJars.of( getClass().getClassLoader() );
		assertEquals( List.of(), jars.missing() );
		final List< Path > entries = Arrays.stream( jars.classPath().split( File.pathSeparator ) ).map( Paths::get ).toList();
		assertTrue( entries.contains( Paths.get( RandomAccessible.class.getProtectionDomain().getCodeSource().getLocation().toURI() ) ), entries.toString() );
		assertTrue( entries.contains( Paths.get( LibraryJars.class.getProtectionDomain().getCodeSource().getLocation().toURI() ) ), entries.toString() );
		try (final URLClassLoader alone = new URLClassLoader( entries.stream().map( LibraryJarsTest::url ).toArray( URL[]::new ), null ))
		{
			assertEquals( List.of(), LibraryJars.of( alone ).missing() );
		}
	}

	@Test
	void missingJarsAreNamedAsTheManifestNamesThem() throws Exception
	{
		final Path jar = jar( "imglib2-1.2.jar caffeine-3.jar x-imglib2-cache.jar" );
		try (final URLClassLoader alone = new URLClassLoader( new URL[] { url( jar ) }, null ))
		{
			assertEquals( List.of( "imglib2-1.2.jar", "x-imglib2-cache.jar", "caffeine-3.jar" ), LibraryJars.of( alone ).missing() );
			assertEquals( folder.toRealPath(), LibraryJars.of( alone ).folder().toRealPath() );
		}
	}

	@Test
	void missingJarsHaveNamesWithoutAManifest() throws Exception
	{
		for ( final Path entry : List.of( jar( null ), Files.createDirectories( folder.resolve( OWN_CLASS ) ) ) )
			try (final URLClassLoader alone = new URLClassLoader( new URL[] { url( entry.endsWith( "Doctor.class" ) ? folder : entry ) }, null ))
			{
				assertEquals( List.of( "imglib2-….jar", "imglib2-cache-….jar", "caffeine-….jar" ), LibraryJars.of( alone ).missing() );
			}
	}

	@Test
	void jarsOfTheFolderAreFound() throws Exception
	{
		final Path jar = jar( "" );
		try (final URLClassLoader alone = new URLClassLoader( new URL[] { url( jar ) }, null ))
		{
			Files.copy( Paths.get( RandomAccessible.class.getProtectionDomain().getCodeSource().getLocation().toURI() ), folder.resolve( "any.jar" ) );
			assertEquals( List.of( "imglib2-cache-….jar", "caffeine-….jar" ), LibraryJars.of( alone ).withJarsBeside().missing() );
		}
	}

	/**
	 * @param builtWith
	 * 		attribute of the manifest, or {@code null}
	 * @return a jar with this library's main class
	 */
	private Path jar( final String builtWith ) throws IOException
	{
		final Manifest manifest = new Manifest();
		manifest.getMainAttributes().put( Attributes.Name.MANIFEST_VERSION, "1.0" );
		if ( builtWith != null )
			manifest.getMainAttributes().putValue( LibraryJars.ATTRIBUTE, builtWith );
		final Path jar = folder.resolve( "own.jar" );
		try (final JarOutputStream out = new JarOutputStream( Files.newOutputStream( jar ), manifest ); final InputStream in = getClass().getResourceAsStream( "/" + OWN_CLASS ))
		{
			out.putNextEntry( new JarEntry( OWN_CLASS ) );
			in.transferTo( out );
		}
		return jar;
	}

	private static URL url( final Path path )
	{
		try
		{
			return path.toUri().toURL();
		}
		catch ( final IOException e )
		{
			throw new AssertionError( e );
		}
	}
}
