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

import java.lang.reflect.Proxy;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;

@Timeout( 60 )
class SignalsTest
{
	private static final int NO_PID = -1;

	/**
	 * A process of Java 9 or later.
	 */
	private static FakeProcess process( final boolean hasSigterm )
	{
		return new FakeProcess()
		{
			@Override
			public boolean supportsNormalTermination()
			{
				return hasSigterm;
			}

			@Override
			public ProcessHandle toHandle()
			{
				return ( ProcessHandle ) Proxy.newProxyInstance( SignalsTest.class.getClassLoader(), new Class< ? >[] { ProcessHandle.class }, ( proxy, method, arguments ) -> {
					calls.add( "handle." + method.getName() );
					return true;
				} );
			}
		};
	}

	@Test
	void asksTheHandle()
	{
		final FakeProcess process = process( true );
		assertTrue( Signals.terminate( process, NO_PID ) );
		assertEquals( List.of( "handle.destroy" ), process.calls );
		Signals.kill( process );
		assertEquals( List.of( "handle.destroy", "handle.destroyForcibly" ), process.calls );
	}

	/**
	 * On Windows, a process that is asked for its stack would be killed.
	 */
	@Test
	void nothingIsSentWhereItWouldKill()
	{
		final FakeProcess process = process( false );
		assertFalse( Signals.terminate( process, NO_PID ) );
		assertEquals( List.of(), process.calls );
		Signals.kill( process );
		assertEquals( List.of( "handle.destroyForcibly" ), process.calls );
	}

	@Test
	void aProcessThatHasEndedIsLeftAlone()
	{
		final FakeProcess process = process( true );
		process.end( 0 );
		assertFalse( Signals.terminate( process, NO_PID ) );
		Signals.kill( process );
		assertEquals( List.of(), process.calls );
	}

	@Test
	@DisabledOnOs( OS.WINDOWS )
	void realProcessesGetTheSignals() throws Exception
	{
		final Process asked = new ProcessBuilder( "sleep", "100" ).start();
		Signals.terminate( asked, NO_PID );
		assertEquals( 128 + 15, asked.waitFor() );
		final Process killed = new ProcessBuilder( "sleep", "100" ).start();
		Signals.kill( killed );
		assertEquals( 128 + 9, killed.waitFor() );
	}

	/**
	 * Java 8 has no handles.
	 */
	@Test
	@DisabledOnOs( OS.WINDOWS )
	void withoutHandles() throws Exception
	{
		final FakeProcess process = new FakeProcess();
		final Process spared = new ProcessBuilder( "sleep", "100" ).start();
		final Process asked = new ProcessBuilder( "sleep", "100" ).start();
		final String system = System.setProperty( "os.name", "Windows 11" );
		try
		{
			assertFalse( Signals.terminate( process, spared.pid() ) );
		}
		finally
		{
			System.setProperty( "os.name", system );
		}
		assertTrue( Signals.terminate( process, asked.pid() ) );
		assertEquals( 128 + 15, asked.waitFor() );
		assertTrue( spared.isAlive() );
		spared.destroyForcibly().waitFor();
		assertEquals( List.of(), process.calls );
		Signals.kill( process );
		assertEquals( List.of( "destroyForcibly" ), process.calls );
	}
}
