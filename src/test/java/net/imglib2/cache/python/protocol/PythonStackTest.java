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
package net.imglib2.cache.python.protocol;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class PythonStackTest
{
	private static final String STACK = """
			Timeout (0:00:03)!
			Thread 0x00007f52d3fff6c0 (most recent call first):
			  File "/usr/lib/python3.11/threading.py", line 324 in wait
			  File "<init>", line 3 in load
			  File "<init>", line 5 in <module>
			  File "worker.py", line 3 in _execute
			""";

	@Test
	void framesOfTheCodeAreFollowedByTheirLine()
	{
		final String code = "import threading\ndef load():\n    threading.Event().wait()\n\nload()\n";
		assertEquals( """
				Timeout (0:00:03)!
				Thread 0x00007f52d3fff6c0 (most recent call first):
				  File "/usr/lib/python3.11/threading.py", line 324 in wait
				  File "<init>", line 3 in load
				    threading.Event().wait()
				  File "<init>", line 5 in <module>
				    load()
				  File "worker.py", line 3 in _execute""", PythonStack.withSource( STACK, "<init>", code ) );
	}

	@Test
	void linesEndAsTheyDoInPython()
	{
		final String expected = "File \"<init>\", line 3 in f\n    c";
		for ( final String end : new String[] { "\n", "\r\n", "\r" } )
			assertEquals( expected, PythonStack.withSource( "  File \"<init>\", line 3 in f\n", "<init>", String.join( end, "a", "", "c", "d" ) ) );
	}

	@Test
	void linesThatTheCodeDoesNotHaveAreLeftOut()
	{
		final String stack = "File \"<init>\", line 0 in f\nFile \"<init>\", line 9 in g";
		assertEquals( stack, PythonStack.withSource( stack, "<init>", "one line" ) );
	}

	@Test
	void otherTextStaysAsItIs()
	{
		assertEquals( "no stack at all", PythonStack.withSource( "no stack at all\n", "<init>", "x = 1" ) );
	}
}
