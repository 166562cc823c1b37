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
package net.imglib2.cache.python.embedded;

import java.time.Duration;
import java.util.List;

import jep.MainInterpreter;
import jep.PyConfig;
import net.imglib2.cache.python.InterpreterMode;
import net.imglib2.cache.python.PythonEnvironment;
import net.imglib2.cache.python.PythonEnvironmentException;
import net.imglib2.cache.python.block.BlockMemory;
import net.imglib2.cache.python.block.DirectMemory;
import net.imglib2.cache.python.environment.LocatedPython;
import net.imglib2.cache.python.environment.PythonInstallation;
import net.imglib2.cache.python.environment.PythonSources;
import net.imglib2.cache.python.trust.Trusted;
import net.imglib2.cache.python.worker.Interpreter;
import net.imglib2.cache.python.worker.InterpreterFactory;

/**
 * The one Python of this JVM, with the settings of one queue. Makes interpreters in this
 * process. Thread-safe.
 */
public final class PythonRuntime implements InterpreterFactory
{
	/**
	 * Made by the first queue of the JVM.
	 */
	private static PythonRuntime first;

	private final PythonInstallation installation;

	private final InterpreterMode mode;

	private final PythonEnvironment environment;

	private final Trusted.Folders modulePath;

	private final BlockMemory memory;

	private PythonRuntime( final PythonInstallation installation, final InterpreterMode mode, final PythonEnvironment environment, final Trusted.Folders modulePath, final BlockMemory memory )
	{
		this.installation = installation;
		this.mode = mode;
		this.environment = environment;
		this.modulePath = modulePath;
		this.memory = memory;
	}

	/**
	 * @return the one that was made first, or {@code null} if there is none
	 */
	public static synchronized PythonRuntime first()
	{
		return first;
	}

	/**
	 * Makes everything ready for the first interpreter, which starts Python. If Python
	 * runs already, checks that the same Python is asked for.
	 *
	 * @param installation
	 * 		the Python
	 * @param mode
	 * 		a mode in which it can be used
	 * @param environment
	 * 		what the user asks for
	 * @param modulePath
	 * 		folders with the user's own modules
	 * @return the runtime
	 * @throws PythonEnvironmentException
	 * 		if that Python or that mode is not the one that is running
	 */
	public static synchronized PythonRuntime start( final PythonInstallation installation, final InterpreterMode mode, final PythonEnvironment environment, final Trusted.Folders modulePath )
	{
		if ( first != null )
		{
			first.requireSame( installation );
			return first.with( environment, modulePath );
		}
		try
		{
			MainInterpreter.setInitParams( PyConfig.isolated().setProgramName( installation.executable() ) );
			MainInterpreter.setJepLibraryPath( installation.jepLibrary() );
		}
		catch ( final IllegalStateException e )
		{
			throw new PythonEnvironmentException( "Other code has already started Python in this JVM by Jep. A JVM can start one Python, once: "
					+ "create the first PythonCacheLoaderQueue before that code runs, or use InterpreterMode.PROCESS", e );
		}
		first = new PythonRuntime( installation, mode, environment, modulePath, new DirectMemory() );
		return first;
	}

	/**
	 * @return whether this is the Python of that executable, as far as its path tells
	 */
	public boolean isAt( final LocatedPython located )
	{
		return located.executable().toAbsolutePath().equals( installation.located().executable().toAbsolutePath() );
	}

	private void requireSame( final PythonInstallation asked )
	{
		if ( !asked.isSameAs( installation ) )
			throw new PythonEnvironmentException( "This JVM runs " + installation + ", but " + asked + " is asked for (" + asked.located().origin()
					+ "). A JVM can start one Python, once: use the running one, or InterpreterMode.PROCESS, which starts others in processes of their own, or another JVM" );
	}

	/**
	 * The same Python with the settings of another queue.
	 *
	 * @param other
	 * 		what the user asks for; the Python that it names was compared already
	 * @param otherModulePath
	 * 		folders with the user's own modules
	 * @return the runtime
	 * @throws PythonEnvironmentException
	 * 		if another mode is asked for
	 */
	public PythonRuntime with( final PythonEnvironment other, final Trusted.Folders otherModulePath )
	{
		final InterpreterMode requested = other.getMode();
		if ( requested != InterpreterMode.AUTO && requested != mode )
			throw new PythonEnvironmentException( "The interpreters of this JVM run in mode " + mode + ", but " + requested
					+ " is asked for. The first queue of a JVM that is not in mode PROCESS decides: use its mode, or PROCESS, or start another JVM" );
		return new PythonRuntime( installation, mode, other, otherModulePath, memory );
	}

	/**
	 * @return the one memory of all interpreters of this JVM
	 */
	@Override
	public BlockMemory memory()
	{
		return memory;
	}

	@Override
	public Interpreter create( final String name )
	{
		return new EmbeddedInterpreter( name, this );
	}

	public InterpreterMode mode()
	{
		return mode;
	}

	List< String > sharedModules()
	{
		return installation.sharedModules();
	}

	/**
	 * @return where the Python half of this library lies
	 */
	String packageLocation()
	{
		return PythonSources.location();
	}

	List< String > modulePath()
	{
		return modulePath.absolutePaths();
	}

	/**
	 * @return what the user asks for
	 */
	PythonEnvironment environment()
	{
		return environment;
	}

	@Override
	public Duration startupTimeout()
	{
		return environment.getStartupTimeout();
	}

	@Override
	public String toString()
	{
		return installation + " in mode " + mode;
	}
}
