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

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import net.imglib2.cache.python.PythonEnvironmentException;

/**
 * Recognises a process whose Python has started this JVM. Jep cannot start a
 * second Python in it, and its attempt ends in an obscure error or the process.
 */
public final class PythonHost
{
	/**
	 * Set by Java's own launcher alone. What it has started is no guest, whatever has
	 * been loaded since.
	 */
	private static final String LAUNCHER_PROPERTY = "sun.java.launcher";

	private static final String STANDARD_LAUNCHER = "SUN_STANDARD";

	/**
	 * What starts a JVM from Python, by a class that only it puts on the class path.
	 */
	private static final Map< String, String > BRIDGES = new LinkedHashMap<>();

	static
	{
		BRIDGES.put( "org.jpype.JPypeContext", "JPype, which PyImageJ and Fiji's Python mode use," );
		BRIDGES.put( "org.jnius.NativeInvocationHandler", "Pyjnius" );
		BRIDGES.put( "org.cellprofiler.runnablequeue.RunnableQueue", "javabridge" );
	}

	/**
	 * {@code python3.11}, {@code pythonw.exe}, {@code Python} of a framework, but not
	 * {@code pythonista}.
	 */
	private static final Pattern EXECUTABLE = Pattern.compile( "(?i)(.*[/\\\\])?python(\\d+(\\.\\d+)*)?(w|_d|d|t|td)?(-[\\w.]+)?(\\.exe)?" );

	private static final Pattern LIBRARY = Pattern.compile( "(?m)\\s(/.*/libpython\\d[^/\\n]*\\.so[^/\\n]*)$" );

	private static final Pattern JEP = Pattern.compile( "(?m)/(libjep\\.so|jep\\.cpython-[^/\\n]*)$" );

	private PythonHost()
	{}

	/**
	 * @throws PythonEnvironmentException
	 * 		if this JVM was started from Python
	 */
	public static void requireNone()
	{
		final String launcher = System.getProperty( LAUNCHER_PROPERTY );
		final String host = find( launcher, executable(), name -> ClassLoader.getSystemResource( name.replace( '.', '/' ) + ".class" ) != null, mappedFiles(),
				System.getenv( "LD_PRELOAD" ) );
		if ( host != null )
			throw new PythonEnvironmentException( "Python already runs in this process: " + host + ". Jep cannot start another one beside it, so both cannot be used in one process: "
					+ "start Java without Python, by the command java, or Fiji without its Python mode" );
	}

	/**
	 * @param launcher
	 * 		what has started this JVM, or {@code null}
	 * @param executable
	 * 		of this process, or an empty text if it is not known
	 * @param isClass
	 * 		whether there is a class of that name
	 * @param mappedFiles
	 * 		text of {@code /proc/self/maps}, empty on other systems
	 * @param preloaded
	 * 		libraries that the user wants in the process, or {@code null}
	 * @return what runs Python, as a sentence, or {@code null} if nothing does
	 */
	static String find( final String launcher, final String executable, final Predicate< String > isClass, final String mappedFiles, final String preloaded )
	{
		if ( STANDARD_LAUNCHER.equals( launcher ) )
			return null;
		final boolean isPython = EXECUTABLE.matcher( executable ).matches();
		final Optional< String > bridge = BRIDGES.keySet().stream().filter( isClass ).findFirst();
		if ( bridge.isPresent() || isPython )
			return bridge.map( BRIDGES::get ).orElse( "it" ) + " has started this JVM" + ( executable.isEmpty() ? "" : " from " + executable );
		final Matcher library = LIBRARY.matcher( mappedFiles );
		// By Jep, if that is there: then other code of this JVM has loaded both.
		if ( !library.find() || JEP.matcher( mappedFiles ).find() || isPreloaded( library.group( 1 ), preloaded ) )
			return null;
		return ( executable.isEmpty() ? "it" : executable ) + " has started this JVM and has loaded " + library.group( 1 );
	}

	/**
	 * Some Pythons need that for Jep.
	 */
	private static boolean isPreloaded( final String library, final String preloaded )
	{
		return preloaded != null && Arrays.stream( preloaded.split( "[ :]+" ) ).anyMatch( name -> !name.isEmpty() && isSame( Paths.get( name ), Paths.get( library ) ) );
	}

	private static boolean isSame( final Path one, final Path other )
	{
		try
		{
			return one.toRealPath().equals( other.toRealPath() );
		}
		catch ( final IOException e )
		{
			// Without a folder, the system looks for it.
			return one.getFileName().equals( other.getFileName() );
		}
	}

	private static String executable()
	{
		try
		{
			return Files.readSymbolicLink( Paths.get( "/proc/self/exe" ) ).toString();
		}
		catch ( final IOException | UnsupportedOperationException e )
		{
			return executableOfProcessHandle();
		}
	}

	/**
	 * Where there is no {@code /proc}, only Java 9 and newer know it.
	 */
	private static String executableOfProcessHandle()
	{
		try
		{
			final Class< ? > type = Class.forName( "java.lang.ProcessHandle" );
			final Object info = type.getMethod( "info" ).invoke( type.getMethod( "current" ).invoke( null ) );
			final Optional< ? > command = ( Optional< ? > ) Class.forName( "java.lang.ProcessHandle$Info" ).getMethod( "command" ).invoke( info );
			return command.map( Object::toString ).orElse( "" );
		}
		catch ( final ReflectiveOperationException e )
		{
			return "";
		}
	}

	private static String mappedFiles()
	{
		try
		{
			// Names of files have any bytes.
			return new String( Files.readAllBytes( Paths.get( "/proc/self/maps" ) ), StandardCharsets.ISO_8859_1 );
		}
		catch ( final IOException e )
		{
			return "";
		}
	}
}
