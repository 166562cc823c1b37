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
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicReference;

import net.imglib2.cache.python.PythonEnvironment;
import net.imglib2.cache.python.block.BlockMemory;
import net.imglib2.cache.python.environment.Command;
import net.imglib2.cache.python.environment.PythonInstallation;
import net.imglib2.cache.python.environment.PythonSources;
import net.imglib2.cache.python.trust.Trusted;
import net.imglib2.cache.python.worker.Interpreter;
import net.imglib2.cache.python.worker.InterpreterFactory;

/**
 * Makes interpreters of one Python, each in a process of its own, with the settings of
 * one queue. Any number of Pythons can be in use. Thread-safe.
 *
 * <pre>
 * {@code
 * final InterpreterFactory factory = ProcessRuntime.start( installation, PythonEnvironment.getDefault(), modulePath, 4, null );
 * }
 * </pre>
 */
public final class ProcessRuntime implements InterpreterFactory
{
	private final PythonInstallation installation;

	private final PythonEnvironment environment;

	private final Trusted.Folders modulePath;

	/**
	 * How many interpreters share the processors.
	 */
	private volatile int numInterpreters;

	private final SharedArena memory;

	/**
	 * The process of the first interpreter. If nobody takes it, it ends after a minute by
	 * itself.
	 */
	private final AtomicReference< Future< Process > > first;

	private ProcessRuntime( final PythonInstallation installation, final PythonEnvironment environment, final Trusted.Folders modulePath, final int numInterpreters, final Future< Process > started )
	{
		this.numInterpreters = numInterpreters;
		this.installation = installation;
		this.environment = environment;
		this.modulePath = modulePath;
		first = new AtomicReference<>( started != null ? started : ProcessStarter.start( builder() ) );
		memory = SharedArena.ofThisJvm( Command.of( installation.executable(), "-I", "-S", "-c", PythonSources.read( "_process/memory_file.py" ) ) );
	}

	/**
	 * Makes everything ready for the first interpreter.
	 *
	 * @param installation
	 * 		a Python that can be used
	 * @param environment
	 * 		what the user asks for
	 * @param modulePath
	 * 		folders with the user's modules
	 * @param numWorkers
	 * 		number of interpreters that share the processors
	 * @param first
	 * 		is taken if it is of this Python; {@code null} if none was started yet
	 */
	public static ProcessRuntime start( final PythonInstallation installation, final PythonEnvironment environment, final Trusted.Folders modulePath, final int numWorkers, final FirstProcess first )
	{
		return new ProcessRuntime( installation, environment, modulePath, numWorkers, first == null ? null : first.take( installation.executable() ) );
	}

	@Override
	public Interpreter create( final String name )
	{
		return new ProcessInterpreter( name, this );
	}

	@Override
	public boolean sharesLock()
	{
		return false;
	}

	@Override
	public void setNumInterpreters( final int numInterpreters )
	{
		this.numInterpreters = numInterpreters;
	}

	@Override
	public BlockMemory memory()
	{
		return memory;
	}

	SharedArena arena()
	{
		return memory;
	}

	/**
	 * @return a worker process that nobody else has
	 * @throws IOException
	 * 		if it cannot be started
	 */
	Process process() throws IOException
	{
		final Future< Process > started = first.getAndSet( null );
		return ProcessStarter.get( started != null ? started : ProcessStarter.start( builder() ) );
	}

	private ProcessBuilder builder()
	{
		return FirstProcess.builder( installation.executable(), numInterpreters );
	}

	/**
	 * @return how many bytes the code of a process may take; {@code null} for any number
	 */
	Long memoryLimit()
	{
		return environment.getMemoryLimit() == Long.MAX_VALUE ? null : environment.getMemoryLimit();
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
		return installation + " in mode PROCESS";
	}
}
