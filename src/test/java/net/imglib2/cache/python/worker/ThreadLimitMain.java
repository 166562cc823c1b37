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

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;

import net.imglib2.cache.python.ChildJvm;
import net.imglib2.cache.python.PythonException;
import net.imglib2.cache.python.PythonLoaderOptions;
import net.imglib2.cache.python.PythonNoWorkerException;
import net.imglib2.cache.python.protocol.CellCode;
import net.imglib2.cache.python.protocol.Snippet;
import net.imglib2.cache.python.trust.TrustPolicy;

/**
 * A pool in a JVM that cannot start threads for a while, because nothing is left for their
 * stacks: {@link ThreadLimitTest} gives them large ones.
 */
public final class ThreadLimitMain
{
	/**
	 * The JVM itself needs less; the stack of a worker is larger.
	 */
	private static final long LITTLE = 8L << 20;

	private static final String LIMIT_ANOTHER_PROCESS = String.join( "\n",
			"import resource, sys",
			"for line in sys.stdin:",
			"    resource.prlimit(int(sys.argv[1]), resource.RLIMIT_AS, (int(line), resource.RLIM_INFINITY))",
			"    print(flush=True)" );

	private final FakeInterpreters fakes = new FakeInterpreters();

	private final AtomicLong forward = new AtomicLong();

	private final PrintStream limits;

	private final BufferedReader done;

	private WorkerPool pool;

	private ThreadLimitMain() throws IOException
	{
		// In time: now, it can be started.
		final Process process = new ProcessBuilder( ChildJvm.testPython().toString(), "-c", LIMIT_ANOTHER_PROCESS, Long.toString( ProcessHandle.current().pid() ) ).redirectError( ProcessBuilder.Redirect.INHERIT ).start();
		limits = new PrintStream( process.getOutputStream(), true );
		done = new BufferedReader( new InputStreamReader( process.getInputStream() ) );
	}

	public static void main( final String... args ) throws Exception
	{
		final ThreadLimitMain main = new ThreadLimitMain();
		main.checksAreLeftOut();
		main.aLostWorkerIsReplaced( false );
		main.aLostWorkerIsReplaced( true );
		System.out.println( "survived" );
		System.exit( 0 );
	}

	/**
	 * While all workers are busy.
	 */
	private void checksAreLeftOut() throws Exception
	{
		open();
		// Starts a thread for code that is dropped.
		register( null );
		final CountDownLatch busy = new CountDownLatch( 1 );
		final CountDownLatch go = new CountDownLatch( 1 );
		pool.submit( python -> {
			busy.countDown();
			go.await();
			return null;
		} );
		busy.await();
		allowNoThreads();
		register( null );
		allowThreads();
		register( null );
		require( fakes.events( event -> event.startsWith( "check check" ) ).size() == 1, "only the second code is checked" );
		go.countDown();
		pool.close();
	}

	/**
	 * @param isWatched
	 * 		whether the thread runs already that starts workers
	 */
	private void aLostWorkerIsReplaced( final boolean isWatched ) throws Exception
	{
		open();
		final Snippet snippet = register( isWatched ? Duration.ofHours( 1 ) : null );
		require( compute( snippet ) == null, "the worker serves" );
		allowNoThreads();
		fakes.get( "worker_1" ).loss = "killed";
		final PythonException e = compute( snippet );
		require( e instanceof PythonNoWorkerException && e.getMessage().contains( "could not be started" ), "there is no worker, but: " + e );
		require( compute( snippet ) instanceof PythonNoWorkerException, "there is no worker yet" );
		allowThreads();
		while ( compute( snippet ) != null )
		{
			forward.addAndGet( Replacements.FIRST_PAUSE );
			Thread.yield();
		}
		pool.onAllWorkers( python -> null ).get();
		pool.close();
	}

	private void open()
	{
		pool = new WorkerPool( 1, TrustPolicy.ofThisJvm().requireCode( "The init code", "" ), fakes, () -> System.nanoTime() + forward.get(), () -> {} );
	}

	private Snippet register( final Duration timeout )
	{
		return pool.register( CellCode.of( "x" ), PythonLoaderOptions.options().timeout( timeout ), this );
	}

	/**
	 * @return what a block has failed with, or {@code null}
	 */
	private PythonException compute( final Snippet snippet ) throws InterruptedException
	{
		try
		{
			pool.await( pool.submit( fakes.request( snippet, 1 ) ) );
			return null;
		}
		catch ( final PythonException e )
		{
			return e;
		}
	}

	private void allowNoThreads() throws IOException
	{
		for ( final String line : Files.readAllLines( Paths.get( "/proc/self/status" ) ) )
			if ( line.startsWith( "VmSize:" ) )
				limit( ( Long.parseLong( line.replaceAll( "\\D", "" ) ) << 10 ) + LITTLE );
	}

	private void allowThreads() throws IOException
	{
		limit( -1 );
	}

	private void limit( final long bytes ) throws IOException
	{
		limits.println( bytes );
		done.readLine();
	}

	private static void require( final boolean condition, final String message )
	{
		if ( !condition )
			throw new AssertionError( message );
	}
}
