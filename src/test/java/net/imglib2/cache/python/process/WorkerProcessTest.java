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

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import net.imglib2.cache.python.ChildJvm;

/**
 * What a {@link WorkerProcess} does where the JVM has no memory, or lines come late.
 */
@Timeout( 60 )
class WorkerProcessTest
{
	private static final String MARK = "\u001emark";

	/**
	 * Nothing takes so long, even on a busy machine.
	 */
	static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos( 20 );

	private static WorkerProcess worker( final Process process, final Consumer< String > out ) throws IOException
	{
		return new WorkerProcess( "test", process, MARK, out, line -> {} );
	}

	private static void awaitDeath( final WorkerProcess worker )
	{
		worker.prepareToWait();
		worker.await( () -> false, System.nanoTime() + PATIENCE_NANOS );
		assertNotNull( worker.death() );
	}

	/**
	 * Nobody reads any more, so that it would hang as soon as the pipe is full.
	 */
	@Test
	void aProcessWhoseOutputDoesNotFitIntoMemoryIsKilled() throws Exception
	{
		final FakeProcess process = new FakeProcess( new InputStream()
		{
			@Override
			public int read()
			{
				throw new OutOfMemoryError( "of a test" );
			}
		} );
		awaitDeath( worker( process, line -> {} ) );
		assertEquals( List.of( "destroyForcibly" ), process.calls );
	}

	/**
	 * A child JVM, whose memory is full.
	 */
	@Test
	void anEndIsToldWithoutMemoryForTheStacks() throws Exception
	{
		ChildJvm.of( FullMemory.class ).withJvmArguments( "-Xmx16m", "-XX:+UseSerialGC" ).withTimeout( 20 ).run().requireExitCode( 0 ).requireOutput( "it ended with exit code 5" );
	}

	static final class FullMemory
	{
		public static void main( final String[] args ) throws Exception
		{
			final FakeProcess process = new FakeProcess();
			final WorkerProcess worker = worker( process, line -> {} );
			Files.write( worker.stackFile(), new byte[ 3 << 20 ] );
			final List< byte[] > held = new ArrayList<>();
			try
			{
				while ( true )
					held.add( new byte[ 1 << 16 ] );
			}
			catch ( final OutOfMemoryError e )
			{
				// Enough for all else.
				held.subList( held.size() - 8, held.size() ).clear();
			}
			process.end( 5 );
			worker.prepareToWait();
			final boolean isAnswered = worker.await( () -> false );
			held.clear();
			System.out.println( isAnswered + ", it " + worker.death().how() );
		}
	}

	@Test
	void nothingIsLeftIfAThreadCannotBeStarted( @TempDir final Path folder ) throws Exception
	{
		final FakeProcess process = new FakeProcess()
		{
			@Override
			public OutputStream getOutputStream()
			{
				throw new OutOfMemoryError( "unable to create native thread" );
			}
		};
		final String before = System.setProperty( "java.io.tmpdir", folder.toString() );
		try
		{
			assertThrows( OutOfMemoryError.class, () -> worker( process, line -> {} ) );
		}
		finally
		{
			System.setProperty( "java.io.tmpdir", before );
		}
		assertEquals( List.of( "destroyForcibly" ), process.calls );
		try ( var files = Files.list( folder ) )
		{
			assertEquals( List.of(), files.toList() );
		}
	}

	/**
	 * Those that come later are waited for as before.
	 */
	@Test
	void linesThatComeLateCountOnce() throws Exception
	{
		final Lines lines = new Lines();
		final FakeProcess process = new FakeProcess( lines );
		final CountDownLatch mayGoOn = new CountDownLatch( 1 );
		final List< String > taken = new CopyOnWriteArrayList<>();
		final WorkerProcess worker = worker( process, line -> {
			try
			{
				mayGoOn.await();
			}
			catch ( final InterruptedException e )
			{
				throw new IllegalStateException( e );
			}
			taken.add( line );
		} );
		lines.print( "one" );
		lines.print( "two" );
		worker.awaitLines( 2 );
		assertEquals( List.of(), taken );
		mayGoOn.countDown();
		while ( taken.size() < 2 || worker.isLineMissing( 2 ) )
			Thread.onSpinWait();
		assertTrue( worker.isLineMissing( 3 ) );
		lines.print( "three" );
		worker.awaitLines( 3 );
		assertEquals( List.of( "one", "two", "three" ), taken );
		lines.end();
		process.end( 0 );
		awaitDeath( worker );
	}

	@Test
	void linesThatAreLostAreNotWaitedForAgain() throws Exception
	{
		final Lines lines = new Lines();
		final FakeProcess process = new FakeProcess( lines );
		final List< String > taken = new CopyOnWriteArrayList<>();
		final WorkerProcess worker = worker( process, taken::add );
		lines.print( "one" );
		worker.awaitLines( 3 );
		assertFalse( worker.isLineMissing( 3 ) );
		lines.print( "four" );
		worker.awaitLines( 4 );
		assertEquals( List.of( "one", "four" ), taken );
		lines.end();
		process.end( 0 );
		awaitDeath( worker );
	}

	/**
	 * What a process prints.
	 */
	private static final class Lines extends InputStream
	{
		private final BlockingQueue< byte[] > lines = new LinkedBlockingQueue<>();

		void print( final String line )
		{
			lines.add( ( MARK + "o" + line + "\n" ).getBytes( UTF_8 ) );
		}

		void end()
		{
			lines.add( new byte[ 0 ] );
		}

		@Override
		public int read( final byte[] bytes, final int start, final int length ) throws IOException
		{
			try
			{
				final byte[] line = lines.take();
				System.arraycopy( line, 0, bytes, start, line.length );
				return line.length == 0 ? -1 : line.length;
			}
			catch ( final InterruptedException e )
			{
				throw new IOException( e );
			}
		}

		@Override
		public int read()
		{
			throw new UnsupportedOperationException();
		}
	}
}
