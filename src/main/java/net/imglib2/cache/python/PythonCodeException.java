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

import net.imglib2.cache.python.protocol.PythonFailure;

/**
 * The user's Python code raised an exception; this may be any, also
 * {@code SystemExit}. The stack trace has the frames of the Python code first, then
 * the Java frames of the caller.
 *
 * @serial exclude
 */
public class PythonCodeException extends PythonException
{
	private static final long serialVersionUID = 1L;

	private final PythonFailure failure;

	/**
	 * Made by this library.
	 *
	 * @param what
	 * 		what failed
	 * @param failure
	 * 		the Python exception
	 */
	public PythonCodeException( final String what, final PythonFailure failure )
	{
		this( what + " failed: " + failure.describe(), failure, null );
	}

	@SuppressWarnings( "this-escape" )
	PythonCodeException( final String message, final PythonFailure failure, final Throwable cause )
	{
		super( message, cause );
		this.failure = failure;
		setStackTrace( failure.prependedTo( getStackTrace() ) );
	}

	/**
	 * @return name of the class of the Python exception, {@code ValueError} or
	 *         {@code package.module.MyError} for instance; an empty string if this was
	 *         not a Python exception
	 */
	public String getPythonType()
	{
		return failure.getType();
	}

	/**
	 * @return message of the Python exception, bounded in length
	 */
	public String getPythonMessage()
	{
		return failure.getMessage();
	}

	/**
	 * @return name of the code, or path of the file, that has the user's line; an empty
	 *         string if there is none
	 */
	public String getFile()
	{
		return failure.getFile();
	}

	/**
	 * @return number of the user's line, 1 for the first, 0 if there is none
	 */
	public int getLine()
	{
		return failure.getLine();
	}

	/**
	 * @return text of the user's line; an empty string if it is not known
	 */
	public String getSourceLine()
	{
		return failure.getSourceLine();
	}

	/**
	 * @return the traceback as Python prints it, with causes, notes and the members of
	 *         exception groups, bounded in length; an empty string if there is none
	 */
	public String getTraceback()
	{
		return failure.getTraceback();
	}

	/**
	 * @return what the user can do about it, which is also the end of the message; an
	 *         empty string if that is not known
	 */
	public String getAdvice()
	{
		return failure.getAdvice();
	}

	PythonFailure failure()
	{
		return failure;
	}
}
