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
import java.lang.management.ManagementFactory;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

import net.imglib2.cache.python.PythonEnvironmentException;
import net.imglib2.cache.python.PythonInterruptedException;

/**
 * Runs a class of this library in a JVM of its own: the same Java, this library's
 * properties, and the options that matter to it.
 */
public final class OwnJvm
{
	private static final String[] OPTIONS = { "-Xmx", "-XX:MaxDirectMemorySize=", "--enable-native-access=", "--sun-misc-unsafe-memory-access=" };

	private static final String TEMPORARY_FOLDER = "java.io.tmpdir";

	private OwnJvm()
	{}

	/**
	 * @param mainClass
	 * 		class with a main method, visible or not; its standard input ends when this JVM
	 * 		does
	 * @param timeoutSeconds
	 * 		how long the JVM may take; then it is ended
	 * @param arguments
	 * 		those of the main method
	 * @return how it has ended
	 * @throws PythonEnvironmentException
	 * 		if there is no {@code java} where this JVM has come from
	 * @throws PythonInterruptedException
	 * 		if this thread is interrupted meanwhile; the JVM is ended
	 */
	public static EndedProcess run( final Class< ? > mainClass, final int timeoutSeconds, final List< String > arguments )
	{
		final String java = Paths.get( System.getProperty( "java.home" ), "bin", "java" ).toString();
		final List< String > words = new ArrayList<>();
		words.add( java );
		ManagementFactory.getRuntimeMXBean().getInputArguments().stream().filter( option -> Arrays.stream( OPTIONS ).anyMatch( option::startsWith ) ).forEach( words::add );
		for ( final String name : KnownProperties.NAMES )
			addProperty( words, name );
		addProperty( words, TEMPORARY_FOLDER );
		// Else it would be in the folder of the user.
		words.add( "-XX:ErrorFile=" + Paths.get( System.getProperty( TEMPORARY_FOLDER ), "imglib2-cache-python-doctor-%p.log" ) );
		words.addAll( Arrays.asList( "-cp", LibraryJars.of( mainClass.getClassLoader() ).classPath(), mainClass.getName() ) );
		words.addAll( arguments );
		try
		{
			return EndedProcess.run( timeoutSeconds, true, words.toArray( new String[ 0 ] ) );
		}
		catch ( final IOException e )
		{
			throw new PythonEnvironmentException( java + " cannot be run: " + e.getMessage(), e );
		}
		catch ( final InterruptedException e )
		{
			Thread.currentThread().interrupt();
			throw new PythonInterruptedException( "Interrupted while " + mainClass.getSimpleName() + " ran", e );
		}
	}

	private static void addProperty( final List< String > words, final String name )
	{
		final String value = System.getProperty( name );
		if ( value != null )
			words.add( "-D" + name + "=" + value );
	}
}
