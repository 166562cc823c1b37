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
package net.imglib2.cache.python;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.logging.Logger;

import net.imglib2.cache.python.embedded.PythonRuntime;
import net.imglib2.cache.python.environment.ClassPathCheck;
import net.imglib2.cache.python.environment.KnownProperties;
import net.imglib2.cache.python.environment.LocatedPython;
import net.imglib2.cache.python.environment.ModeChoice;
import net.imglib2.cache.python.environment.PythonHost;
import net.imglib2.cache.python.environment.PythonInstallation;
import net.imglib2.cache.python.environment.PythonLocator;
import net.imglib2.cache.python.process.FirstProcess;
import net.imglib2.cache.python.process.ProcessRuntime;
import net.imglib2.cache.python.trust.TrustPolicy;
import net.imglib2.cache.python.trust.Trusted;
import net.imglib2.cache.python.worker.InterpreterFactory;

/**
 * Decides where the Python of a queue runs: in this JVM, or in processes of its own.
 */
final class Backends
{
	private static final Logger LOG = Logger.getLogger( Backends.class.getName() );

	/**
	 * What was logged. A program may make many queues of one environment.
	 */
	private static final Set< String > TOLD = ConcurrentHashMap.newKeySet();

	private Backends()
	{}

	/**
	 * @param environment
	 * 		what the user asks for
	 * @param numWorkers
	 * 		number of workers of the queue
	 * @return what makes the interpreters of one queue
	 * @throws PythonEnvironmentException
	 * 		if that Python cannot be used in that mode, or another one runs already where
	 * 		only one can
	 * @throws PythonTrustException
	 * 		if the Python or one of its folders is not on the allow-list
	 */
	static InterpreterFactory start( final PythonEnvironment environment, final int numWorkers )
	{
		ClassPathCheck.requireOneImglib2Cache( Backends.class.getClassLoader() );
		KnownProperties.requireOnlyKnown( System.getProperties().stringPropertyNames() );
		final Trusted.Folders modulePath = TrustPolicy.ofThisJvm().requireFolders( environment.getModulePath() );
		final InterpreterMode requested = environment.getMode();
		if ( requested != InterpreterMode.AUTO )
			requireCanLimitMemory( environment, requested );
		final PythonLocator locator = PythonLocator.ofThisJvm();
		final PythonRuntime running = requested == InterpreterMode.PROCESS ? null : PythonRuntime.first();
		// A queue that names no Python gets the running one. A Python that runs needs no probe.
		if ( running != null && ( !locator.isExplicit( environment.getPath(), environment.isSystem() )
				|| running.isAt( locator.locate( environment.getPath(), environment.isSystem() ) ) ) )
		{
			requireCanLimitMemory( environment, running.mode() );
			return running.with( environment, modulePath );
		}
		final LocatedPython located = locator.locate( environment.getPath(), environment.isSystem() );
		TrustPolicy.ofThisJvm().requirePython( located.executable() );
		try (final FirstProcess first = requested == InterpreterMode.PROCESS ? FirstProcess.start( PythonInstallation.commandOf( located ), numWorkers ) : null)
		{
			return start( environment, modulePath, numWorkers, located, first );
		}
	}

	private static InterpreterFactory start( final PythonEnvironment environment, final Trusted.Folders modulePath, final int numWorkers, final LocatedPython located, final FirstProcess first )
	{
		final InterpreterMode requested = environment.getMode();
		final PythonInstallation installation = requested == InterpreterMode.SUB ? PythonInstallation.probe( located, true ) : PythonInstallation.find( located );
		final ModeChoice choice = ModeChoice.of( installation, requested, PythonHost.find() ).requireUsable();
		requireCanLimitMemory( environment, choice.mode() );
		tell( requested, installation, choice );
		return choice.mode() == InterpreterMode.PROCESS ? ProcessRuntime.start( installation, environment, modulePath, numWorkers, first )
				: PythonRuntime.start( installation, choice.mode(), environment, modulePath );
	}

	/**
	 * @param backend
	 * 		that was started
	 * @return its mode, not {@link InterpreterMode#AUTO}
	 */
	static InterpreterMode modeOf( final InterpreterFactory backend )
	{
		return backend instanceof PythonRuntime ? ( ( PythonRuntime ) backend ).mode() : InterpreterMode.PROCESS;
	}

	private static void requireCanLimitMemory( final PythonEnvironment environment, final InterpreterMode mode )
	{
		if ( environment.getMemoryLimit() == Long.MAX_VALUE )
			return;
		if ( mode != InterpreterMode.PROCESS )
			throw new PythonEnvironmentException( "PythonEnvironment.withMemoryLimit( " + environment.getMemoryLimit() + " ) limits workers that are processes, but in mode " + mode
					+ " Python runs in this JVM: use withMode( InterpreterMode.PROCESS ), or set no limit" );
		if ( !System.getProperty( "os.name" ).equals( "Linux" ) )
			throw new PythonEnvironmentException( "PythonEnvironment.withMemoryLimit( " + environment.getMemoryLimit() + " ) works on Linux only, not on " + System.getProperty( "os.name" ) + ": set no limit" );
	}

	private static void tell( final InterpreterMode requested, final PythonInstallation installation, final ModeChoice choice )
	{
		if ( requested != InterpreterMode.AUTO || choice.mode() != InterpreterMode.PROCESS )
			return;
		final String message = installation + " runs in processes of its own (InterpreterMode.PROCESS), because " + choice.reason();
		if ( TOLD.add( message ) )
			LOG.info( message );
	}
}
