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

import java.util.ArrayList;
import java.util.List;

import net.imglib2.cache.python.InterpreterMode;
import net.imglib2.cache.python.PythonEnvironmentException;

/**
 * The mode in which a Python runs, and why. It depends on the environment and on who has
 * started the JVM, never on what this JVM has done before.
 */
public final class ModeChoice
{
	private final PythonInstallation installation;

	private final String host;

	private final InterpreterMode mode;

	private final String reason;

	private ModeChoice( final PythonInstallation installation, final String host, final InterpreterMode mode, final String reason )
	{
		this.installation = installation;
		this.host = host;
		this.mode = mode;
		this.reason = reason;
	}

	/**
	 * @param installation
	 * 		the Python
	 * @param requested
	 * 		mode that the user asks for
	 * @param host
	 * 		what {@link PythonHost#find()} has found
	 * @return the choice; the Python need not be usable
	 */
	public static ModeChoice of( final PythonInstallation installation, final InterpreterMode requested, final String host )
	{
		if ( requested != InterpreterMode.AUTO )
			return new ModeChoice( installation, host, requested, "" );
		if ( host != null )
			return new ModeChoice( installation, host, InterpreterMode.PROCESS, "Python already runs in this process: " + host );
		final String obstacles = installation.obstaclesToJep();
		if ( !obstacles.isEmpty() )
			return new ModeChoice( installation, host, InterpreterMode.PROCESS, obstacles );
		return new ModeChoice( installation, host, InterpreterMode.SHARED, "its package jep fits" );
	}

	/**
	 * @return the reasons why this Python cannot run in this mode, each with its remedy;
	 *         empty if it can
	 */
	List< String > problems()
	{
		final List< String > problems = new ArrayList<>( installation.problems( mode ) );
		if ( isHosted() )
			problems.add( 0, PythonHost.refusal( host ) );
		return problems;
	}

	/**
	 * @return this
	 * @throws PythonEnvironmentException
	 * 		if there are {@link #problems()}
	 */
	public ModeChoice requireUsable()
	{
		if ( isHosted() )
			throw new PythonEnvironmentException( PythonHost.refusal( host ) );
		installation.requireUsable( mode );
		return this;
	}

	private boolean isHosted()
	{
		return host != null && mode != InterpreterMode.PROCESS;
	}

	/**
	 * @return a mode that is not {@link InterpreterMode#AUTO}
	 */
	public InterpreterMode mode()
	{
		return mode;
	}

	/**
	 * @return a clause; empty if the user has chosen
	 */
	public String reason()
	{
		return reason;
	}
}
