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

/**
 * Knows a JVM that a Python of the same process has started. Jep cannot start a
 * second Python there: the attempt ends with an obscure error, or ends the process.
 */
public final class PythonHost
{
	/**
	 * Set by Java's own launcher only. A JVM that it has started has no Python as its
	 * host, whatever libraries have been loaded since.
	 */
	private static final String LAUNCHER_PROPERTY = "sun.java.launcher";

	private static final String STANDARD_LAUNCHER = "SUN_STANDARD";

	/**
	 * Packages that start a JVM from Python, by a class that only they put on the class
	 * path.
	 */
	private static final Map< String, String > BRIDGES = new LinkedHashMap<>();

	static
	{
		BRIDGES.put( "org.jpype.JPypeContext", "JPype, which PyImageJ and Fiji's Python mode use," );
		BRIDGES.put( "org.jnius.NativeInvocationHandler", "Pyjnius" );
		BRIDGES.put( "org.cellprofiler.runnablequeue.RunnableQueue", "javabridge" );
	}

	/**
	 * Matches {@code python3.11}, {@code pythonw.exe} and the {@code Python} of a
	 * framework, but not {@code pythonista}.
	 */
	private static final Pattern EXECUTABLE = Pattern.compile( "(?i)(.*[/\\\\])?python(\\d+(\\.\\d+)*)?(w|_d|d|t|td)?(-[\\w.]+)?(\\.exe)?" );

	private static final Pattern LIBRARY = Pattern.compile( "(?m)\\s(/.*/libpython\\d[^/\\n]*\\.so[^/\\n]*)$" );

	private static final Pattern JEP = Pattern.compile( "(?m)/(libjep\\.so|jep\\.cpython-[^/\\n]*)$" );

	private PythonHost()
	{}

	/**
	 * @return a clause that tells which program has started this JVM from Python, or
	 *         {@code null} if none has
	 */
	public static String find()
	{
		final String launcher = System.getProperty( LAUNCHER_PROPERTY );
		return find( launcher, executable(), name -> ClassLoader.getSystemResource( name.replace( '.', '/' ) + ".class" ) != null, mappedFiles(),
				System.getenv( "LD_PRELOAD" ) );
	}

	/**
	 * @param host
	 * 		what {@link #find()} has found
	 * @return why Python cannot run in this JVM, and what can be done
	 */
	static String refusal( final String host )
	{
		return "Python already runs in this process: " + host + ". Jep cannot start a second Python there. Use InterpreterMode.PROCESS or AUTO, "
				+ "which start Python in processes of its own (-D" + KnownProperties.MODE + "=PROCESS); or start Java by the command java, not from Python, and Fiji without its Python mode";
	}

	/**
	 * @param launcher
	 * 		value of {@link #LAUNCHER_PROPERTY}, or {@code null}
	 * @param executable
	 * 		the executable of this process; empty if it is not known
	 * @param isClass
	 * 		whether a class of this name exists
	 * @param mappedFiles
	 * 		text of {@code /proc/self/maps}; empty on systems without it
	 * @param preloaded
	 * 		value of the environment variable {@code LD_PRELOAD}, or {@code null}
	 * @return a clause that tells which program runs Python, or {@code null} if Python does
	 *         not run in this process
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
		// If Jep is there, other code of this JVM has loaded it, and it has loaded Python.
		if ( !library.find() || JEP.matcher( mappedFiles ).find() || isPreloaded( library.group( 1 ), preloaded ) )
			return null;
		return ( executable.isEmpty() ? "it" : executable ) + " has started this JVM and has loaded " + library.group( 1 );
	}

	/**
	 * Some Pythons must be preloaded for Jep.
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
			// The system searches its own folders for a name without a folder.
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
	 * For systems without {@code /proc}; Java 8 cannot tell it.
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
			// File names may hold any bytes.
			return new String( Files.readAllBytes( Paths.get( "/proc/self/maps" ) ), StandardCharsets.ISO_8859_1 );
		}
		catch ( final IOException e )
		{
			return "";
		}
	}
}
