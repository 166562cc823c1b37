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
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.concurrent.CountDownLatch;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import net.imglib2.cache.python.protocol.ControlWords;

@Timeout( 60 )
class ProcessControlTest
{
	/**
	 * A task is in its own code in Java when its queue is closed, or the JVM ends, and calls
	 * Python much later.
	 */
	@Test
	void aProcessThatIsCalledAfterItsEndIsKilled() throws Exception
	{
		final FakeProcess closed = new FakeProcess();
		final FakeProcess exited = new FakeProcess();
		final WorkerProcess ofClosed = new WorkerProcess( "closed", closed, "mark", line -> {}, line -> {} );
		final WorkerProcess ofExited = new WorkerProcess( "exited", exited, "mark", line -> {}, line -> {} );
		final ProcessControl toClose = control( ofClosed );
		final ProcessControl toExit = control( ofExited );
		toClose.abandon();
		toExit.exit();
		// After it was looked whether they are called.
		final CountDownLatch looked = new CountDownLatch( 1 );
		ProcessStarter.later( looked::countDown, WorkerProcess.END_MILLIS );
		looked.await();
		assertTrue( closed.isAlive() && exited.isAlive() );
		toClose.setCalling( true );
		toExit.setCalling( true );
		for ( final WorkerProcess process : List.of( ofClosed, ofExited ) )
		{
			process.prepareToWait();
			process.await( () -> false, System.nanoTime() + WorkerProcessTest.PATIENCE_NANOS );
			assertNotNull( process.death() );
		}
		toClose.setCalling( false );
		toExit.setCalling( false );
		assertEquals( List.of( "destroyForcibly" ), closed.calls );
		assertEquals( List.of( "destroyForcibly" ), exited.calls );
	}

	private static ProcessControl control( final WorkerProcess process )
	{
		final ControlWords words = new ControlWords( memory( ControlWords.BYTES ), memory( ControlWords.STACK_BYTES ) );
		final ProcessControl control = new ProcessControl( words, "/hidden/" );
		control.started( process );
		control.ready( 1 );
		return control;
	}

	private static ByteBuffer memory( final int bytes )
	{
		return ByteBuffer.allocateDirect( bytes ).order( ByteOrder.nativeOrder() );
	}
}
