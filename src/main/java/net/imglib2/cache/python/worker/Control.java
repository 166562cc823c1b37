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

import java.util.List;

import net.imglib2.cache.python.protocol.PythonFailure;

/**
 * What other threads may do with an {@link Interpreter}: ask where its code is, and
 * cancel it. Thread-safe; never waits for Python's lock. Usable from the creation of the
 * interpreter on, also after it has been closed.
 * <p>
 * Each call of an interpreter has a ticket, and so has each block of
 * {@link Interpreter#compute}: see {@link Interpreter#nextTicket()}.
 */
public interface Control
{
	/**
	 * @return ticket of the call or block whose user code runs, 0 for none
	 */
	long running();

	/**
	 * @return whether a call is under way, be it in user code or not
	 */
	boolean isCalling();

	/**
	 * Cancels the code with a ticket, unless it has ended. It may take a while, and
	 * cannot be relied on: code may catch the cancellation, or be in a function in C
	 * that does not return.
	 */
	void cancel( long ticket );

	/**
	 * @return how long code has to end that is being cancelled, before the interpreter is
	 *         abandoned
	 */
	default long graceNanos()
	{
		return TimeoutWatch.GRACE_NANOS;
	}

	/**
	 * @return the usual reason, as a clause, if code does not begin, or cannot say where
	 *         it is
	 */
	default String reasonForSilence()
	{
		return "a function in C keeps Python's lock";
	}

	/**
	 * Cancels whatever runs, now and later, because nobody waits for it any more. Code
	 * of a module that is being imported goes on where others would get the module, too.
	 * A backend that can kill its interpreter does so if the code does not end.
	 */
	void abandon();

	/**
	 * Cancels whatever runs, now and later, imports included, because the JVM ends.
	 */
	void exit();

	/**
	 * Where the code is that is being cancelled.
	 *
	 * @param ticket
	 * 		of the code
	 * @return strings for a {@link PythonFailure}; empty if it cannot be told;
	 *         {@code null} as long as it is not known
	 */
	List< String > stackOf( long ticket );

	/**
	 * Where the init code is, which has exceeded the start-up timeout. May cancel it, and
	 * wait for a fraction of a second.
	 *
	 * @return lines of text, or an empty string if it cannot be told
	 */
	String stackOfInit();
}
