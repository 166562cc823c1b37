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

import java.util.Objects;
import java.util.function.Supplier;

import net.imglib2.cache.python.PythonException;
import net.imglib2.cache.python.PythonInterpreter;
import net.imglib2.cache.python.trust.TrustPolicy;
import net.imglib2.cache.python.trust.Trusted;

/**
 * What one task of a user sees of an interpreter, whichever backend it is of. Asks the
 * {@link TrustPolicy} about all code.
 */
final class TaskInterpreter implements PythonInterpreter
{
	private final Interpreter python;

	/**
	 * Whether Python code of the task has begun.
	 */
	private boolean begun;

	TaskInterpreter( final Interpreter python )
	{
		this.python = python;
	}

	@Override
	public void exec( final String code )
	{
		Objects.requireNonNull( code, "code" );
		final Trusted.Code trusted = TrustPolicy.ofThisJvm().requireCode( "The code of a task", code );
		call( () -> {
			python.exec( trusted );
			return null;
		} );
	}

	@Override
	public Object getValue( final String expression )
	{
		return getValue( expression, Object.class );
	}

	@Override
	public < V > V getValue( final String expression, final Class< V > type )
	{
		Objects.requireNonNull( expression, "expression" );
		final Trusted.Code trusted = TrustPolicy.ofThisJvm().requireCode( "The expression of a task", expression );
		return call( () -> python.getValue( trusted, type ) );
	}

	@Override
	public void set( final String variable, final Object value )
	{
		call( () -> {
			python.set( variable, value );
			return null;
		} );
	}

	/**
	 * @throws NotBegunException
	 * 		if the interpreter has ended, and no code of the task has begun
	 */
	private < V > V call( final Supplier< V > code )
	{
		try
		{
			final V value = code.get();
			begun = true;
			return value;
		}
		catch ( final NotBegunException e )
		{
			if ( begun )
				throw new PythonException( "The task cannot go on. " + e.getMessage(), e );
			throw e;
		}
		catch ( final RuntimeException | Error e )
		{
			begun = true;
			throw e;
		}
	}
}
