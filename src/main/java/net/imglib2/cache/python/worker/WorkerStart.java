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
package net.imglib2.cache.python.worker;

import java.time.Duration;

import net.imglib2.cache.python.PythonEnvironmentException;
import net.imglib2.cache.python.PythonException;
import net.imglib2.cache.python.PythonInterruptedException;
import net.imglib2.cache.python.PythonStartTimeoutException;

/**
 * Waits for the start of a worker, and says why it has failed.
 */
final class WorkerStart
{
	/**
	 * How long Python itself may take to start, beyond the start-up timeout: it needs a
	 * second, and more on a machine that is busy.
	 */
	private static final Duration START_TIME = Duration.ofSeconds( 10 );

	/**
	 * Python writes the stack of the init code at the start-up timeout, and needs a
	 * moment for it.
	 */
	private static final Duration STACK_TIME = Duration.ofSeconds( 1 );

	private WorkerStart()
	{}

	/**
	 * Waits until the init code of a worker has run.
	 *
	 * @param worker
	 * 		name of the worker
	 * @param life
	 * 		its life
	 * @param control
	 * 		tells where the init code is
	 * @param factory
	 * 		has made its interpreter
	 * @param meanwhile
	 * 		is run while the init code runs
	 * @throws PythonException
	 * 		if it has not, for whatever reason
	 */
	static void await( final String worker, final Lifecycle life, final Control control, final InterpreterFactory factory, final Runnable meanwhile )
	{
		final Duration timeout = factory.startupTimeout();
		try
		{
			if ( !life.awaitEndOf( Lifecycle.State.OPENING, timeout.plus( START_TIME ).toNanos() ) )
				throw timeout( worker + " did not start Python", timeout, "" );
			meanwhile.run();
			if ( !life.awaitEndOf( Lifecycle.State.INITIALISING, timeout.plus( STACK_TIME ).toNanos() ) )
				throw timeout( worker + " did not run the init code", timeout, control.stackOfInit() );
		}
		catch ( final InterruptedException e )
		{
			Thread.currentThread().interrupt();
			throw new PythonInterruptedException( "Interrupted while " + worker + " started", e );
		}
		final Throwable failure = life.startFailure();
		if ( failure instanceof PythonException )
			throw Crossing.toThisThread( ( PythonException ) failure );
		if ( failure != null )
			throw new PythonEnvironmentException( "Could not start Python with " + factory + ": " + messages( failure ), failure );
	}

	private static PythonStartTimeoutException timeout( final String what, final Duration timeout, final String stack )
	{
		return new PythonStartTimeoutException( what + " within " + timeout.getSeconds() + " s (PythonEnvironment.withStartupTimeout allows more)."
				+ ( stack.isEmpty() ? "" : " Python was at:\n" + stack ), timeout );
	}

	/**
	 * The message that tells the reason can be that of a cause only.
	 */
	private static String messages( final Throwable thrown )
	{
		final StringBuilder text = new StringBuilder( String.valueOf( thrown.getMessage() ) );
		for ( Throwable cause = thrown.getCause(); cause != null; cause = cause.getCause() )
			text.append( "\n  because of: " ).append( cause.getMessage() );
		return text.toString();
	}
}
