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
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.Set;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

import net.imglib2.cache.python.ChildJvm;

import org.junit.jupiter.api.Test;

class FirstProcessTest
{
	private static final String PYTHON = ChildJvm.testPython().toString();

	@Test
	void aProcessThatNobodyTakesIsEnded() throws Exception
	{
		final Set< ProcessHandle > others = children();
		FirstProcess.start( PYTHON, 1 ).close();
		// The thread that starts processes ends it afterwards.
		ProcessStarter.later( () -> {}, 0 ).get();
		final Set< ProcessHandle > left = children();
		left.removeAll( others );
		for ( final ProcessHandle process : left )
			process.onExit().get( 10, TimeUnit.SECONDS );
	}

	@Test
	void itIsTakenOnceAndThenLivesOn() throws Exception
	{
		final Process process;
		try ( FirstProcess first = FirstProcess.start( PYTHON, 1 ) )
		{
			assertNull( first.take( PYTHON + "-of-others" ) );
			final Future< Process > taken = first.take( PYTHON );
			assertNotNull( taken );
			assertNull( first.take( PYTHON ) );
			process = ProcessStarter.get( taken );
		}
		ProcessStarter.later( () -> {}, 0 ).get();
		assertTrue( process.isAlive() );
		// As when this JVM ends.
		process.getOutputStream().close();
		assertTrue( process.waitFor( 10, TimeUnit.SECONDS ) );
		// It says that nobody has told it what to do; it was not killed.
		assertEquals( 1, process.exitValue() );
	}

	@Test
	void aPythonThatIsNotThereIsNoErrorUntilItIsTaken() throws Exception
	{
		FirstProcess.start( "/no/such/python", 1 ).close();
		final Future< Process > taken = FirstProcess.start( "/no/such/python", 1 ).take( "/no/such/python" );
		assertThrows( IOException.class, () -> ProcessStarter.get( taken ) );
	}

	private static Set< ProcessHandle > children()
	{
		return ProcessHandle.current().children().collect( Collectors.toSet() );
	}
}
