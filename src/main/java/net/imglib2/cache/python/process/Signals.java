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
package net.imglib2.cache.python.process;

import java.io.IOException;
import java.util.logging.Level;
import java.util.logging.Logger;

import net.imglib2.cache.python.environment.OperatingSystem;

/**
 * Ends processes. Not by {@link Process}, where that can be avoided: it closes the pipes,
 * so that the last lines would be lost.
 */
final class Signals
{
	private static final Logger LOG = Logger.getLogger( Signals.class.getName() );

	private Signals()
	{}

	/**
	 * Ends a process at once, whatever it does.
	 */
	static void kill( final Process process )
	{
		if ( process.isAlive() && !byHandle( process, "destroyForcibly" ) )
			process.destroyForcibly();
	}

	/**
	 * Sends SIGTERM, where there is such a signal: on Windows, the process would be killed.
	 *
	 * @param pid
	 * 		number of the process
	 * @return whether it was sent; not to a process that has ended
	 */
	static boolean terminate( final Process process, final long pid )
	{
		if ( !process.isAlive() || !hasSigterm( process ) )
			return false;
		if ( byHandle( process, "destroy" ) )
			return true;
		try
		{
			// Java 8
			ProcessStarter.get( ProcessStarter.start( new ProcessBuilder( "kill", "-TERM", Long.toString( pid ) ) ) );
			return true;
		}
		catch ( final IOException e )
		{
			LOG.log( Level.FINE, "A signal cannot be sent", e );
			return false;
		}
	}

	private static boolean hasSigterm( final Process process )
	{
		try
		{
			return ( Boolean ) Process.class.getMethod( "supportsNormalTermination" ).invoke( process );
		}
		catch ( final ReflectiveOperationException e )
		{
			// Java 8
			return OperatingSystem.current() != OperatingSystem.WINDOWS;
		}
	}

	/**
	 * @return whether this Java has {@code ProcessHandle}, and the memory to use it
	 */
	private static boolean byHandle( final Process process, final String method )
	{
		try
		{
			final Object handle = Process.class.getMethod( "toHandle" ).invoke( process );
			Class.forName( "java.lang.ProcessHandle" ).getMethod( method ).invoke( handle );
			return true;
		}
		catch ( final ReflectiveOperationException | OutOfMemoryError e )
		{
			return false;
		}
	}
}
