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

import java.util.Collection;
import java.util.List;

import net.imglib2.cache.python.PythonCodeException;
import net.imglib2.cache.python.PythonException;
import net.imglib2.cache.python.protocol.BlockRequest;
import net.imglib2.cache.python.protocol.BlockResult;
import net.imglib2.cache.python.protocol.PythonFailure;
import net.imglib2.cache.python.protocol.Snippet;
import net.imglib2.cache.python.protocol.Values;
import net.imglib2.cache.python.trust.Trusted;

/**
 * A Python interpreter, as a {@link Worker} uses it: in this process or in another one.
 * <p>
 * Made on any thread; from {@link #open()} on used on that thread only, apart from
 * {@link #control()}, unless it is an {@link UnboundInterpreter}. All methods but
 * {@link #open()} and {@link #control()} need an interpreter that is open. It stays usable
 * whatever they throw.
 */
public interface Interpreter
{
	/**
	 * @return what other threads may do
	 */
	Control control();

	/**
	 * Starts the interpreter. If that fails, there is nothing to close.
	 */
	void open();

	/**
	 * Runs the init code.
	 *
	 * @param code
	 * 		Python statements
	 * @param fileName
	 * 		what tracebacks call the code
	 * @throws PythonCodeException
	 * 		if the code raises anything
	 */
	void initialise( Trusted.Code code, String fileName );

	/**
	 * Checks the code of a loader without running it.
	 *
	 * @throws PythonCodeException
	 * 		if it is not valid
	 */
	void check( Snippet snippet );

	/**
	 * @return whether the code of a loader is ready
	 */
	boolean isPrepared( Snippet snippet );

	/**
	 * Makes the code of a loader ready, unless it is. A call with a ticket.
	 *
	 * @return what that failed with, or {@code null}
	 */
	PythonFailure prepare( Snippet snippet );

	/**
	 * @return ticket of the next call; the blocks of {@link #compute} have this one and
	 *         those that follow, in their order
	 */
	long nextTicket();

	/**
	 * @return how many blocks {@link #compute} takes at most
	 */
	int maxBlocks();

	/**
	 * @return how many numbers the blocks of {@link #compute} may have at most, all
	 *         together, see {@link BlockRequest#length()}
	 */
	int maxLength();

	/**
	 * Computes blocks, whose code is ready. Releases the memory of their inputs, unless
	 * Python code has kept a reference to it.
	 *
	 * @param blocks
	 * 		the blocks
	 * @return how each ended
	 * @throws PythonException
	 * 		if it is not known how they ended
	 */
	List< BlockResult > compute( List< BlockRequest > blocks );

	/**
	 * @param waited
	 * 		how long {@link #compute} has taken last, in nanoseconds
	 * @return how much of that the blocks have taken
	 */
	default long nanosOf( final long waited )
	{
		return waited;
	}

	/**
	 * Drops the code of loaders and what it has defined.
	 *
	 * @param ids
	 * 		ids of the code, also of code that is not known here
	 */
	void forget( Collection< Long > ids );

	/**
	 * Runs statements of a task, in the namespace that the init code filled.
	 *
	 * @throws PythonCodeException
	 * 		if they raise anything
	 */
	void exec( Trusted.Code code );

	/**
	 * Evaluates an expression of a task, in the namespace that the init code filled.
	 *
	 * @throws PythonCodeException
	 * 		if it raises anything
	 * @throws PythonException
	 * 		if the value cannot be converted
	 */
	< V > V getValue( Trusted.Code expression, Class< V > type );

	/**
	 * Asks for what this library's own part in Python knows.
	 *
	 * @param what
	 * 		what messages call this
	 * @param question
	 * 		name of a method of {@code _worker/worker.py}
	 * @param arguments
	 * 		values that {@link Values} can encode
	 * @return the answer, one that {@link Values} can decode
	 * @throws PythonCodeException
	 * 		if code of the user that this runs raises anything
	 */
	Object ask( String what, String question, Object... arguments );

	/**
	 * Defines a variable in the namespace that the init code filled.
	 *
	 * @throws PythonCodeException
	 * 		if the name is not valid
	 */
	void set( String variable, Object value );

	/**
	 * An interpreter can end by itself, because its process does. A call that finds it so
	 * throws a {@link NotBegunException} if its code has not begun.
	 *
	 * @return why it cannot be used any more, or {@code null} if it can
	 */
	default String loss()
	{
		return null;
	}

	/**
	 * Ends the interpreter.
	 *
	 * @throws PythonException
	 * 		if it must stay open
	 */
	void close();
}
