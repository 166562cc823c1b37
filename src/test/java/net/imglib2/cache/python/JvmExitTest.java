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

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;

import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import net.imglib2.img.cell.CellGrid;
import net.imglib2.type.numeric.integer.UnsignedByteType;

/**
 * The JVM ends in every way that it can, whatever its workers do: with the requested exit
 * code, without a hang and without a crash.
 */
@DisabledOnOs( value = OS.WINDOWS, disabledReason = "has no SIGTERM" )
class JvmExitTest
{
	private static final long TIMEOUT_SECONDS = 30;

	private static final int SIGTERM_EXIT_CODE = 128 + 15;

	/**
	 * What a block does when the JVM ends; none of them ends by itself.
	 */
	private enum Busy
	{
		IDLE( null ),

		SLEEPING( "import time\ntime.sleep(1000)" ),

		LOOPING( "while True: pass" ),

		NUMPY( "a = np.ones((300, 300))\nwhile True: a @ a" ),

		WAITING_FOR_A_THREAD( "import threading\nt = threading.Thread(target=threading.Event().wait, daemon=True)\nt.start()\nt.join()" ),

		PRINTING( "while True: print('x')" ),

		/**
		 * Its worker is abandoned before.
		 */
		GIVEN_UP( "import time\nwhile True:\n    try: time.sleep(1000)\n    except BaseException: pass" ),

		/**
		 * In the init code of a queue that is just being opened.
		 */
		INIT( "import time\nwhile True: time.sleep(0.01)" ),

		/**
		 * The exit function of HDF5 needs Python's lock. Only if h5py is installed.
		 */
		HDF5_AND_A_THREAD_THAT_PRINTS( "import h5py, itertools, threading, time\ndef count():\n    for i in itertools.count(): print(i)\n"
				+ "threading.Thread(target=count, daemon=True).start()\nprint('running')\ntime.sleep(1000)" ),

		/**
		 * Only if torch is installed.
		 */
		TORCH( "import torch\nx = torch.rand(1, 8, 64, 64)\nconvolution = torch.nn.Conv2d(8, 8, 3)\nwhile True: convolution(x)" );

		private final String code;

		Busy( final String code )
		{
			this.code = code;
		}
	}

	private enum End
	{
		RETURN( 0, () -> {} ),

		EXIT( 3, () -> System.exit( 3 ) ),

		SIGTERM( SIGTERM_EXIT_CODE, () -> new ProcessBuilder( "kill", "-TERM", Long.toString( ProcessHandle.current().pid() ) ).start() ),

		EXCEPTION( 1, () -> {
			throw new IllegalStateException( "thrown by main" );
		} );

		private final int exitCode;

		private final Ending ending;

		End( final int exitCode, final Ending ending )
		{
			this.exitCode = exitCode;
			this.ending = ending;
		}
	}

	@FunctionalInterface
	private interface Ending
	{
		void run() throws IOException;
	}

	/**
	 * All of these at once on several workers; some of them alone, because others hold Python's
	 * lock.
	 */
	@ParameterizedTest
	@CsvSource( {
			"PROCESS, RETURN, IDLE NUMPY",
			"PROCESS, EXIT, SLEEPING LOOPING NUMPY PRINTING WAITING_FOR_A_THREAD",
			"PROCESS, SIGTERM, LOOPING INIT",
			"PROCESS, EXCEPTION, SLEEPING",
			"SUB, RETURN, IDLE",
			"SUB, EXIT, SLEEPING WAITING_FOR_A_THREAD",
			"SUB, SIGTERM, NUMPY NUMPY",
			"SUB, RETURN, LOOPING",
			"SUB, EXIT, LOOPING",
			"SUB, SIGTERM, SLEEPING PRINTING",
			"SUB, EXCEPTION, IDLE NUMPY",
			"SUB, EXIT, IDLE GIVEN_UP",
			"SHARED, RETURN, GIVEN_UP GIVEN_UP",
			"SUB, RETURN, INIT",
			"SHARED, SIGTERM, NUMPY INIT",
			"SHARED, RETURN, HDF5_AND_A_THREAD_THAT_PRINTS IDLE",
			"SHARED, EXIT, HDF5_AND_A_THREAD_THAT_PRINTS",
			"SHARED, RETURN, TORCH TORCH",
			"SHARED, EXIT, TORCH TORCH",
			"SHARED, SIGTERM, TORCH TORCH",
			"SHARED, EXCEPTION, SLEEPING",
			"SHARED, EXIT, IDLE",
			"SHARED, RETURN, SLEEPING LOOPING NUMPY PRINTING WAITING_FOR_A_THREAD",
			"SHARED, EXIT, SLEEPING LOOPING NUMPY PRINTING WAITING_FOR_A_THREAD",
			"SHARED, SIGTERM, SLEEPING LOOPING NUMPY PRINTING WAITING_FOR_A_THREAD" } )
	void theJvmEnds( final InterpreterMode mode, final End end, final String busy, @TempDir final Path folder ) throws Exception
	{
		requirePackage( "torch", busy.contains( "TORCH" ) );
		requirePackage( "h5py", busy.contains( "HDF5" ) );
		final List< String > arguments = new ArrayList<>();
		arguments.add( end.name() );
		arguments.addAll( Arrays.asList( busy.split( " " ) ) );
		ChildJvm.of( BusyMain.class ).withPython( ChildJvm.testPython() ).withMode( mode ).withTimeout( TIMEOUT_SECONDS ).withDirectory( folder )
				.withJvmArgument( "-XX:-CreateCoredumpOnCrash" ).run( arguments.toArray( new String[ 0 ] ) ).requireExitCode( end.exitCode ).requireOutput( "about to end" );
		try (final DirectoryStream< Path > files = Files.newDirectoryStream( folder ))
		{
			final List< Path > left = new ArrayList<>();
			files.forEach( left::add );
			assertEquals( new ArrayList<>(), left, "files that tell of a crash" );
		}
	}

	private static void requirePackage( final String name, final boolean isNeeded ) throws Exception
	{
		assumeTrue( !isNeeded || Files.exists( TestPythons.sitePackages( ChildJvm.testPython() ).resolve( name ) ), name + " is not installed" );
	}

	public static final class BusyMain
	{
		public static void main( final String... args ) throws Exception
		{
			final End end = End.valueOf( args[ 0 ] );
			final List< Busy > workers = new ArrayList<>();
			for ( int i = 1; i < args.length; ++i )
				workers.add( Busy.valueOf( args[ i ] ) );
			final CountDownLatch running = new CountDownLatch( ( int ) workers.stream().filter( busy -> busy.code != null ).count() );
			final Consumer< String > out = line -> {
				if ( line.equals( "running" ) )
					running.countDown();
			};
			final PythonEnvironment environment = PythonEnvironment.detected().withOutput( out, System.err::println );
			final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue( workers.size(), "", environment );
			// Made before, because checking code needs a worker, too.
			final List< Runnable > readers = new ArrayList<>();
			for ( final Busy busy : workers )
				if ( busy == Busy.INIT )
					readers.add( () -> new PythonCacheLoaderQueue( 1, "print('running')\n" + busy.code, environment ) );
				else if ( busy.code != null )
					readers.add( reader( queue, busy ) );
			readers.forEach( BusyMain::startDaemon );
			if ( workers.contains( Busy.GIVEN_UP ) )
				awaitReplacements( workers );
			running.await();
			System.out.println( "about to end" );
			end.ending.run();
			if ( end == End.SIGTERM )
				new CountDownLatch( 1 ).await();
		}

		private static Runnable reader( final PythonCacheLoaderQueue queue, final Busy busy )
		{
			final PythonLoaderOptions options = busy == Busy.GIVEN_UP ? PythonLoaderOptions.options().timeout( Duration.ofMillis( 100 ) ) : PythonLoaderOptions.options();
			final PythonCacheLoader< UnsignedByteType, ? > loader = PythonCacheLoader.fromRandomAccessibles( new CellGrid( new long[] { 1 }, new int[] { 1 } ), queue,
					( busy.code.contains( "print('running')" ) ? "" : "print('running')\n" ) + busy.code, new UnsignedByteType(), Halo.empty( 1 ), options, Collections.emptyList() );
			return () -> {
				try
				{
					loader.get( 0L );
				}
				catch ( final Exception e )
				{
					// The JVM is about to end, or this took too long.
				}
			};
		}

		private static void startDaemon( final Runnable run )
		{
			final Thread thread = new Thread( run );
			thread.setDaemon( true );
			thread.start();
		}

		/**
		 * Waits until a worker has come for each that was abandoned.
		 */
		private static void awaitReplacements( final List< Busy > workers )
		{
			final long number = workers.size() + Collections.frequency( workers, Busy.GIVEN_UP );
			while ( Thread.getAllStackTraces().keySet().stream().filter( thread -> thread.getName().matches( "python_1_worker_\\d+" ) ).count() < number )
				Thread.onSpinWait();
		}
	}
}
