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

import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * How a worker process has ended.
 */
final class Death
{
	private static final int SIGNALLED = 128;

	private static final int SIGKILL = 9;

	/**
	 * SIGILL, SIGABRT, SIGFPE and SIGSEGV, and SIGBUS of Linux and of macOS.
	 */
	private static final Set< Integer > CRASHES = new HashSet<>( Arrays.asList( 4, 6, 8, 11, 7, 10 ) );

	/**
	 * By {@code abort()} on Windows. All other crashes there have a negative exit code.
	 */
	private static final int ABORTED = 3;

	private final int exitCode;

	private final List< String > lastLines;

	/**
	 * @param exitCode
	 * 		what {@link Process#waitFor()} has returned
	 * @param lastLines
	 * 		what it has printed at last
	 */
	Death( final int exitCode, final List< String > lastLines )
	{
		this.exitCode = exitCode;
		this.lastLines = lastLines;
	}

	/**
	 * @return whether it may have been a crash, of which Python has written the stack. What it
	 *         wrote before another end is about something else.
	 */
	boolean mayBeCrash()
	{
		return CRASHES.contains( exitCode - SIGNALLED ) || exitCode < 0 || exitCode == ABORTED;
	}

	/**
	 * @return a clause
	 */
	String how()
	{
		final String signal = nameOfSignal( exitCode - SIGNALLED );
		return signal == null ? "ended with exit code " + exitCode + ", as by os._exit or an exit in C"
				: "was ended by " + signal + " (exit code " + exitCode + ")"
						+ ( exitCode == SIGNALLED + SIGKILL ? ", as the system does when no memory is left, or another process" : "" );
	}

	/**
	 * @return the last lines that it has printed, under a heading; empty if there are none
	 */
	String output()
	{
		return lastLines.isEmpty() ? "" : "Its last output:\n  " + String.join( "\n  ", lastLines );
	}

	/**
	 * @return name of a signal, or its number if systems do not agree about it;
	 *         {@code null} if there is no such signal
	 */
	private static String nameOfSignal( final int number )
	{
		switch ( number )
		{
		case 4:
			return "SIGILL";
		case 6:
			return "SIGABRT";
		case 7:
			return "SIGBUS";
		case 8:
			return "SIGFPE";
		case SIGKILL:
			return "SIGKILL";
		case 11:
			return "SIGSEGV";
		case 15:
			return "SIGTERM";
		default:
			return number > 0 && number < 65 ? "signal " + number : null;
		}
	}
}
