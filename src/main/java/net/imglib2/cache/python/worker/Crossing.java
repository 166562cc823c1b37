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

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

import net.imglib2.cache.python.PythonClosedException;
import net.imglib2.cache.python.PythonCodeException;
import net.imglib2.cache.python.PythonException;
import net.imglib2.cache.python.PythonNoWorkerException;
import net.imglib2.cache.python.PythonTrustException;
import net.imglib2.cache.python.protocol.PythonFailure;

/**
 * Gives exceptions that are thrown on the thread of a worker, and get to another thread,
 * the stack of that other thread: script engines show the line of the script that they
 * find in the stack.
 */
public final class Crossing
{
	private Crossing()
	{}

	/**
	 * Gives an exception the stack of the calling thread, which must be the only thread
	 * that gets it. Python's frames stay first. The stack of the worker becomes that of
	 * a suppressed exception, but not for an exception of the user's own code, to which
	 * it adds nothing.
	 *
	 * @param <X>
	 * 		type of the exception
	 * @param thrown
	 * 		what the worker has thrown
	 * @return it
	 */
	static < X extends Throwable > X toThisThread( final X thrown )
	{
		final StackTraceElement[] there = thrown.getStackTrace();
		final List< StackTraceElement > stack = new ArrayList<>();
		for ( int i = 0; i < there.length && there[ i ].getClassName().equals( PythonFailure.PYTHON ); ++i )
			stack.add( there[ i ] );
		if ( stack.size() < there.length && !( thrown instanceof PythonCodeException ) )
		{
			final Throwable worker = new PythonException( "This happened on another thread" );
			worker.setStackTrace( there );
			thrown.addSuppressed( worker );
		}
		stack.addAll( callers() );
		thrown.setStackTrace( stack.toArray( new StackTraceElement[ 0 ] ) );
		return thrown;
	}

	/**
	 * @param thrown
	 * 		what a worker has thrown; other threads may get it, too
	 * @return an exception for the calling thread, of the same type if that is one of
	 *         this library, so that a caller can act on it
	 */
	public static RuntimeException forThisThread( final Throwable thrown )
	{
		if ( thrown.getClass() == PythonClosedException.class )
		{
			final PythonClosedException own = new PythonClosedException( thrown.getMessage() );
			own.initCause( thrown );
			return own;
		}
		if ( thrown.getClass() == PythonNoWorkerException.class )
			return new PythonNoWorkerException( thrown.getMessage(), thrown );
		if ( thrown.getClass() == PythonException.class )
			return new PythonException( thrown.getMessage(), thrown );
		return thrown instanceof RuntimeException ? ( RuntimeException ) thrown : new PythonException( String.valueOf( thrown ), thrown );
	}

	/**
	 * Appends the stack of the thread that submitted a task to that of what this library
	 * has thrown in the task.
	 *
	 * @param thrown
	 * 		what the task has thrown
	 * @param submission
	 * 		made by the thread that submitted the task
	 */
	static void append( final Throwable thrown, final Throwable submission )
	{
		final Class< ? > type = thrown.getClass();
		// One object of another type may be thrown more than once.
		if ( type != PythonCodeException.class && type != PythonTrustException.class && type != PythonException.class )
			return;
		final List< StackTraceElement > stack = new ArrayList<>( Arrays.asList( thrown.getStackTrace() ) );
		stack.addAll( Arrays.asList( submission.getStackTrace() ) );
		thrown.setStackTrace( stack.toArray( new StackTraceElement[ 0 ] ) );
	}

	/**
	 * @return stack of the calling thread, without this class
	 */
	private static List< StackTraceElement > callers()
	{
		final StackTraceElement[] stack = new Throwable().getStackTrace();
		int first = 0;
		while ( first < stack.length && stack[ first ].getClassName().equals( Crossing.class.getName() ) )
			++first;
		return Arrays.asList( stack ).subList( first, stack.length );
	}
}
