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

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Stacks as Python's versions write them.
 */
class StackTest
{
	private static final long THREAD = 0x7f52d3fff6c0L;

	private static final String HIDDEN = "/lib/imglib2_cache_python/";

	private static final Map< String, String > SOURCES = Map.of( "<a>", "one\n  two", "<\u03c3>", "one" );

	private static final String FRAMES = """
			  File "/usr/lib/python3.11/ctypes/__init__.py", line 519 in string_at
			  File "<a>", line 2 in inner
			  File "<a>", line 1 in <module>
			  File "/lib/imglib2_cache_python/worker.py", line 3 in step
			  File "<string>", line 5 in <module>
			""";

	private static final String TEXT = """
			Stack (most recent call last):
			  File "<a>", line 1, in <module>
			    one
			  File "<a>", line 2, in inner
			    two
			  File "/usr/lib/python3.11/ctypes/__init__.py", line 519, in string_at
			""";

	private static final String OTHERS = """
			Thread 0x00007f52d3fff6c1 (most recent call first):
			  File "/other.py", line 7 in run

			""";

	private static final String CRASH = "Fatal Python error: Segmentation fault\n\n";

	private static final String MODULES = "\nExtension modules: numpy.core._multiarray_umath (total: 1)\n";

	private static Stack crash( final String written )
	{
		return Stack.ofCrash( written, THREAD, HIDDEN, SOURCES );
	}

	private static Stack asked( final String written )
	{
		return Stack.ofThread( written, THREAD, HIDDEN, SOURCES );
	}

	private static List< String > strings( final Stack stack )
	{
		return stack.toStrings( "Type", "message", stack.text() );
	}

	/**
	 * Of Python 3.11, 3.14, 3.14 without a global lock, and on 32 bits.
	 */
	@ParameterizedTest
	@ValueSource( strings = {
			"Current thread 0x00007f52d3fff6c0 (most recent call first):\n",
			"Current thread 0x00007f52d3fff6c0 [python] (most recent call first):\n",
			"Current thread 0x00007f52d3fff6c0 [a [b] (c)] (most recent call first):\n",
			"<Cannot show all threads while the GIL is disabled>\nStack (most recent call first):\n",
			"Current thread 0xd3fff6c0 (most recent call first):\n",
			"Current thread 0x00007f52d3fff6c0 (most recent call first):\n  Garbage-collecting\n" } )
	void crashesOfTheThread( final String header )
	{
		final String ofC = "\nCurrent thread's C stack trace (most recent call first):\n  Binary file \"/usr/bin/python3\", at _Py_DumpStack+0x7a [0x5a]\n";
		for ( final String end : List.of( "", MODULES, ofC, ofC + MODULES ) )
			for ( final String others : List.of( "", header.startsWith( "<" ) ? "" : OTHERS ) )
			{
				final Stack stack = crash( CRASH + others + header + FRAMES + end );
				assertEquals( TEXT, stack.text() );
				assertEquals( List.of( "Type", "message", "<a>", "2", "two", TEXT ), strings( stack ).subList( 0, 6 ) );
				assertEquals( List.of( "string_at", "/usr/lib/python3.11/ctypes/__init__.py", "519", "inner", "<a>", "2", "<module>", "<a>", "1" ), strings( stack ).subList( 6, 15 ) );
			}
	}

	@ParameterizedTest
	@ValueSource( strings = {
			"Current thread 0x00007f52d3fff6c0 (most recent call first):\n",
			"Current thread 0x00007f52d3fff6c0 [python] (most recent call first):\n",
			"Thread 0x00007f52d3fff6c0 (most recent call first):\n",
			"Thread 0x00007f52d3fff6c0 [python] (most recent call first):\n  Garbage-collecting\n",
			"Stack (most recent call first):\n" } )
	void aThreadThatWasAsked( final String header )
	{
		assertEquals( TEXT, asked( header + FRAMES ).text() );
		assertEquals( TEXT, asked( OTHERS + header + FRAMES + "\n" + OTHERS.replace( "6c1", "6c2" ) ).text() );
		// Asked twice: there is no empty line between.
		assertEquals( TEXT, asked( header + "  File \"/old.py\", line 1 in old\n" + header + FRAMES ).text() );
		assertEquals( TEXT, asked( header + FRAMES + OTHERS ).text() );
		assertTrue( asked( header.replace( "6c0", "6c3" ).replace( "Stack", "Stacks" ) + FRAMES ).isEmpty() );
	}

	@Test
	void whatWasWrittenWhenItWasAskedIsNoCrash()
	{
		final String current = "Current thread 0x00007f52d3fff6c0 (most recent call first):\n";
		assertTrue( crash( "" ).isEmpty() );
		assertTrue( crash( current + FRAMES ).isEmpty() );
		final String old = current + "  File \"/old.py\", line 1 in old\n";
		assertEquals( TEXT, crash( old + CRASH + current + FRAMES ).text() );
		assertEquals( TEXT, crash( CRASH + old + CRASH + current + FRAMES ).text() );
		assertEquals( TEXT, crash( old + "Windows fatal exception: access violation\r\n\r\n" + ( current + FRAMES ).replace( "\n", "\r\n" ) ).text() );
		assertEquals( List.of( "Type", "message", "", "0", "", "Stack (most recent call last):\n" ), strings( crash( "" ) ) );
	}

	/**
	 * A thread of C has no stack: what the block does is told.
	 */
	@Test
	void aCrashOfAnotherThread()
	{
		final String own = "Thread 0x00007f52d3fff6c0 (most recent call first):\n";
		assertEquals( TEXT, crash( CRASH + OTHERS + own + FRAMES + MODULES ).text() );
		assertEquals( "/other.py", strings( crash( CRASH + "Current t" + OTHERS.substring( 1 ) + own + FRAMES ) ).get( 2 ) );
	}

	@Test
	void namesAreWrittenInAscii()
	{
		final Stack stack = crash( CRASH + """
				Current thread 0x00007f52d3fff6c0 (most recent call first):
				  File "/ctypes.py", line 5 in f
				  File "<\\u03c3>", line 1 in gr\\xfc\\xdfe\\U0001f600
				  File "C:\\x41\\udc80\\user\\x0a.py", line 1 in g
				""" );
		assertEquals( List.of( "<\u03c3>", "1", "one" ), strings( stack ).subList( 2, 5 ) );
		assertEquals( "gr\u00fc\u00dfe\ud83d\ude00", strings( stack ).get( 9 ) );
		assertEquals( "C:\\x41\\udc80\\user\n.py", strings( stack ).get( 13 ) );
		final Stack hidden = Stack.ofCrash( CRASH + "Current thread 0x01 (most recent call first):\n  File \"/b\\xfccher/worker.py\", line 1 in step\n", 1, "/b\u00fccher/", SOURCES );
		assertTrue( hidden.isEmpty() );
	}

	/**
	 * As for exceptions.
	 */
	@Test
	void theLineOfAFunctionIsItsOutermost()
	{
		final Stack stack = crash( CRASH + """
				Current thread 0x00007f52d3fff6c0 (most recent call first):
				  File "/numpy/core.py", line 5 in dot
				  File "/user.py", line 7 in inner
				  File "/user.py", line 9 in compute
				  File "<frozen importlib._bootstrap_external>", line 940 in exec_module
				  File "<frozen importlib._bootstrap>", line 241 in _call_with_frames_removed
				  File "/usr/lib/python3.11/importlib/__init__.py", line 126 in import_module
				  File "/lib/imglib2_cache_python/worker.py", line 3 in step
				  ...
				""" );
		assertEquals( List.of( "/user.py", "9", "" ), strings( stack ).subList( 2, 5 ) );
		assertEquals( 6 + 3 * 3, strings( stack ).size() );
		assertFalse( stack.text().contains( "importlib" ) );
	}
}
