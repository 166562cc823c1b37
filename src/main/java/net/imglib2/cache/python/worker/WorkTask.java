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

import java.util.concurrent.CompletableFuture;

import net.imglib2.cache.python.PythonInterpreter;

/**
 * Any other work than blocks: a user's task, or one of this library.
 *
 * @param <R>
 * 		type of the result
 */
final class WorkTask< R > extends Task< R >
{
	/**
	 * What runs on the thread of a worker.
	 *
	 * @param <R>
	 * 		type of the result
	 */
	@FunctionalInterface
	interface Work< R >
	{
		/**
		 * @param python
		 * 		the interpreter
		 * @param ofUsers
		 * 		what a user's task may do with it
		 */
		R apply( Interpreter python, PythonInterpreter ofUsers ) throws Exception;
	}

	private final Work< ? extends R > work;

	private final CompletableFuture< R > promise = new CompletableFuture<>();

	/**
	 * Made by the thread that submitted the task; {@code null} if that thread waits for
	 * it.
	 */
	private final Throwable submission;

	WorkTask( final Work< ? extends R > work, final Throwable submission )
	{
		this.work = work;
		this.submission = submission;
	}

	/**
	 * @return whether it has ended; else another worker shall run it
	 */
	boolean run( final Interpreter python, final PythonInterpreter ofUsers )
	{
		// Whoever has the promise can cancel it.
		if ( promise.isDone() || !begin() )
			return true;
		try
		{
			complete( work.apply( python, ofUsers ) );
		}
		catch ( final NotBegunException e )
		{
			giveBack();
			return false;
		}
		// An Error, too, is for the waiting thread: this thread must live on.
		catch ( final Throwable t )
		{
			if ( submission != null )
				Crossing.append( t, submission );
			fail( t );
		}
		return true;
	}

	/**
	 * @return what it has failed with; {@code null} if it has not
	 */
	Throwable failure()
	{
		return promise.handle( ( result, failure ) -> failure ).getNow( null );
	}

	CompletableFuture< R > promise()
	{
		return promise;
	}

	@Override
	void ended( final R result, final Throwable failure )
	{
		if ( failure == null )
			promise.complete( result );
		else
			promise.completeExceptionally( failure );
	}
}
