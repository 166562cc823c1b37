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

/**
 * The interpreter that a {@link PythonTask} runs on. It can be used only during the
 * task and on its thread.
 * <p>
 * Tasks see, and change, the variables that the queue's init code defined on this
 * worker. What {@code getValue} and {@code set} convert, the table <em>Values of tasks</em>
 * in {@code doc/loaders.md} says for each mode.
 */
public interface PythonInterpreter
{
	/**
	 * Runs statements.
	 *
	 * @param code
	 * 		Python statements
	 * @throws PythonCodeException
	 * 		if they raise an exception
	 * @throws PythonTrustException
	 * 		if they are not on the allow-list, see {@link PythonTrust}
	 */
	void exec( String code );

	/**
	 * Evaluates an expression.
	 *
	 * @param expression
	 * 		Python expression
	 * @return its value: booleans, numbers, strings, bytes, lists and maps become Java's,
	 *         {@code None} becomes {@code null}. Jep converts also other values, if Python
	 *         runs in the JVM. In {@link InterpreterMode#PROCESS}, numpy arrays become Java
	 *         arrays, and all values are copies.
	 * @throws PythonCodeException
	 * 		if it raises an exception
	 * @throws PythonException
	 * 		if the value cannot be converted
	 */
	Object getValue( String expression );

	/**
	 * Evaluates an expression.
	 *
	 * @param <V>
	 * 		type of the value
	 * @param expression
	 * 		Python expression
	 * @param type
	 * 		class that the value is converted to
	 * @return its value
	 * @throws PythonCodeException
	 * 		if it raises an exception
	 * @throws PythonException
	 * 		if the value cannot be converted to that type
	 */
	< V > V getValue( String expression, Class< V > type );

	/**
	 * Sets a variable.
	 *
	 * @param variable
	 * 		name
	 * @param value
	 * 		value; Jep converts it, if Python runs in the JVM. In
	 * 		{@link InterpreterMode#PROCESS}, {@code null}, booleans, numbers, text,
	 * 		{@code byte[]}, arrays, collections and maps can be set, and Python gets copies
	 * @throws PythonCodeException
	 * 		if the name is not valid
	 * @throws PythonException
	 * 		if Python cannot have the value
	 */
	void set( String variable, Object value );
}
