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

import java.io.File;
import java.io.IOException;
import java.net.JarURLConnection;
import java.net.MalformedURLException;
import java.net.URISyntaxException;
import java.net.URL;
import java.net.URLClassLoader;
import java.net.URLConnection;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.jar.JarFile;
import java.util.jar.Manifest;
import java.util.stream.Collectors;

import net.imglib2.cache.python.PythonException;

/**
 * The jars, or folders of classes, of this library and its dependencies, as a class
 * loader finds them.
 */
public final class LibraryJars
{
	/**
	 * Attribute in the manifest of this library's jar: the file names of the jars that it
	 * was built with. It is not {@code Class-Path}: that would put the jars beside it on
	 * the class path of all programs, even if they have other versions of them.
	 */
	static final String ATTRIBUTE = "Built-With";

	private static final String OWN_CLASS = "net/imglib2/cache/python/Doctor.class";

	/**
	 * Without Jep, Python runs in processes of its own.
	 */
	static final String JEP_CLASS = "jep/Jep.class";

	private static final String SUBSET_SUFFIX = "-imglib2-cache.jar";

	/**
	 * A class of each dependency, and the beginning of the file name of its jar.
	 */
	private static final Map< String, String > NEEDED = new LinkedHashMap<>();

	static
	{
		NEEDED.put( "net/imglib2/RandomAccessible.class", "imglib2" );
		NEEDED.put( ClassPathCheck.CLASS_OF_BOTH, "imglib2-cache" );
		NEEDED.put( "com/github/benmanes/caffeine/cache/Caffeine.class", "caffeine" );
	}

	private final ClassLoader loader;

	private LibraryJars( final ClassLoader loader )
	{
		this.loader = loader;
	}

	/**
	 * @param loader
	 * 		finds at least this library itself
	 */
	public static LibraryJars of( final ClassLoader loader )
	{
		return new LibraryJars( loader );
	}

	public ClassLoader loader()
	{
		return loader;
	}

	/**
	 * @return file names of the jars that this library cannot do without, and that are not
	 *         there
	 */
	public List< String > missing()
	{
		final List< String > builtWith = builtWith();
		return NEEDED.entrySet().stream().filter( entry -> loader.getResource( entry.getKey() ) == null )
				.map( entry -> builtWith.stream().filter( name -> artifactOf( name ).equals( entry.getValue() ) ).findFirst().orElse( entry.getValue() + "-….jar" ) )
				.collect( Collectors.toList() );
	}

	/**
	 * @return this library with all jars of its folder, by a loader that has nothing else
	 */
	public LibraryJars withJarsBeside()
	{
		final File[] jars = folder().toFile().listFiles( ( folder, name ) -> name.endsWith( ".jar" ) );
		final List< URL > urls = new ArrayList<>( Collections.singletonList( url( entry( OWN_CLASS ) ) ) );
		if ( jars != null )
			Arrays.stream( jars ).sorted().forEach( jar -> urls.add( url( jar.toPath() ) ) );
		return new LibraryJars( new URLClassLoader( urls.toArray( new URL[ 0 ] ), ClassLoader.getSystemClassLoader().getParent() ) );
	}

	/**
	 * @return folder of this library's jar
	 */
	public Path folder()
	{
		return entry( OWN_CLASS ).toAbsolutePath().getParent();
	}

	/**
	 * @return the class path with which this library runs in another JVM: whatever loader
	 *         this one has, and without anything else that is here
	 */
	String classPath()
	{
		final Set< String > entries = new LinkedHashSet<>();
		final List< String > names = new ArrayList<>( Arrays.asList( OWN_CLASS, PythonSources.INIT, JEP_CLASS ) );
		names.addAll( NEEDED.keySet() );
		for ( final String name : names )
			if ( loader.getResource( name ) != null )
				entries.add( entry( name ).toString() );
		return String.join( File.pathSeparator, entries );
	}

	private Path entry( final String name )
	{
		return entry( Objects.requireNonNull( loader.getResource( name ), name ), name );
	}

	/**
	 * @param url
	 * 		where a resource is
	 * @param name
	 * 		name of that resource
	 * @return the entry of the class path: a jar, or a folder
	 */
	static Path entry( final URL url, final String name )
	{
		try
		{
			final URLConnection connection = url.openConnection();
			if ( connection instanceof JarURLConnection )
			{
				final URL jar = ( ( JarURLConnection ) connection ).getJarFileURL();
				if ( "file".equals( jar.getProtocol() ) )
					return Paths.get( jar.toURI() );
			}
			else if ( "file".equals( url.getProtocol() ) )
			{
				Path path = Paths.get( url.toURI() );
				for ( int i = name.split( "/" ).length; i > 0; --i )
					path = path.getParent();
				return path;
			}
		}
		catch ( final IOException | URISyntaxException e )
		{
			throw new PythonException( "cannot find the file or jar of " + url, e );
		}
		throw new PythonException( "Python cannot import from " + url + ": put the jar of imglib2-cache-python on the class path as a file of its own" );
	}

	/**
	 * @return {@link #ATTRIBUTE}; empty if this library is not in a jar
	 */
	private List< String > builtWith()
	{
		final Path own = entry( OWN_CLASS );
		if ( own.toFile().isDirectory() )
			return Collections.emptyList();
		try (final JarFile jar = new JarFile( own.toFile() ))
		{
			final Manifest manifest = jar.getManifest();
			final String names = manifest == null ? null : manifest.getMainAttributes().getValue( ATTRIBUTE );
			return names == null ? Collections.emptyList() : Arrays.asList( names.trim().split( "\\s+" ) );
		}
		catch ( final IOException e )
		{
			throw new PythonException( "cannot read " + own, e );
		}
	}

	/**
	 * @return for instance {@code imglib2}, of {@code imglib2-8.0.1.jar}, and
	 *         {@code imglib2-cache}, of {@code imglib2-cache-1.0.0.jar} and of the subset's
	 *         jar
	 */
	private static String artifactOf( final String fileName )
	{
		return fileName.endsWith( SUBSET_SUFFIX ) ? "imglib2-cache" : fileName.replaceFirst( "-\\d.*", "" );
	}

	private static URL url( final Path path )
	{
		try
		{
			return path.toUri().toURL();
		}
		catch ( final MalformedURLException e )
		{
			throw new PythonException( "cannot make a URL of " + path, e );
		}
	}
}
