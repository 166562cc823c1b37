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

import static net.imglib2.cache.python.WorkerProcessesMain.cause;
import static net.imglib2.cache.python.WorkerProcessesMain.entries;
import static net.imglib2.cache.python.WorkerProcessesMain.failure;
import static net.imglib2.cache.python.WorkerProcessesMain.failureOf;
import static net.imglib2.cache.python.WorkerProcessesMain.image;
import static net.imglib2.cache.python.WorkerProcessesMain.require;
import static net.imglib2.cache.python.WorkerProcessesMain.requireContains;
import static net.imglib2.cache.python.WorkerProcessesMain.requireGood;
import static net.imglib2.cache.python.WorkerProcessesMain.requireWorkers;
import static net.imglib2.cache.python.WorkerProcessesMain.workers;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.time.Duration;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

import net.imglib2.cache.img.CachedCellImg;
import net.imglib2.type.numeric.integer.IntType;

/**
 * Lets worker processes end in every way, at one place: what their blocks and tasks
 * fail with, that all others are computed, and that nothing is left. Ends with an error
 * if something is wrong. Argument: name of the place.
 */
final class WorkerFaultsMain
{
	/**
	 * Ways in which a process can end.
	 */
	private enum Fault
	{
		SEGFAULT( "ctypes.string_at(0)", "was ended by SIGSEGV (exit code 139)", true ),
		ABORT( "os.abort()", "was ended by SIGABRT (exit code 134)", true ),
		EXIT( "os._exit(7)", "ended with exit code 7", false ),
		EXIT_OF_C( "ctypes.CDLL(None).exit(0)", "ended with exit code 0", false ),
		KILLED_BY_OTHERS( "be_killed()", "was ended by SIGKILL (exit code 137), as the system does when no memory is left", false );

		/**
		 * An expression.
		 */
		final String code;

		final String told;

		/**
		 * Whether Python writes its stack.
		 */
		final boolean hasStack;

		Fault( final String code, final String told, final boolean hasStack )
		{
			this.code = code;
			this.told = told;
			this.hasStack = hasStack;
		}

		/**
		 * @param line
		 * 		number of the user's line
		 */
		void requireIn( final PythonCodeException failure, final String lastOutput, final int line )
		{
			final String message = failure.getMessage();
			requireContains( message, "the process of python_", told, "Its last output:\n", "\n  " + lastOutput );
			require( message, message.indexOf( told ) < message.indexOf( "Its last output" ) );
			if ( !hasStack )
				return;
			requireContains( message, "line " + line + ": ", code, "Stack (most recent call last)", "line " + line + ", in " );
			require( message, message.indexOf( ", line " + line + ": " ) < message.indexOf( "Stack (most" ) && message.indexOf( "Stack (most" ) < message.indexOf( "Its last output" ) );
			require( failure.getTraceback(), failure.getLine() == line );
			requireContains( failure.getSourceLine(), code );
		}
	}

	/**
	 * Another process kills the one that asks for it. Where Python starts, numpy cannot
	 * be imported yet.
	 */
	private static final String INIT = "import atexit, ctypes, os, sys, threading, time\n"
			+ "np = sys.modules.get('numpy')\n"
			+ "def be_killed():\n"
			+ "    print('kill me', os.getpid(), file=sys.stderr, flush=True)\n"
			+ "    while True: time.sleep(1)\n";

	private static final int LINES_OF_INIT = 5;

	private static final String GOOD = "block.data[...] = 3 * block.index + np.arange(block.data.size).reshape(block.data.shape)";

	/**
	 * Pixels of cells that lie in the memory that is shared with the processes, and of
	 * some that are copied.
	 */
	private static final int LARGE = 25_000, SMALL = 4;

	/**
	 * So many blocks that most are computed together with others.
	 */
	private static final int BATCHED = 1000;

	private WorkerFaultsMain()
	{}

	public static void main( final String... args ) throws Exception
	{
		run( args[ 0 ], Fault.EXIT );
		System.gc();
		final Map< String, Long > before = Resources.count();
		// The compiler's memory still grows.
		before.put( Resources.RESIDENT, Long.MAX_VALUE / 2 );
		for ( final Fault fault : Fault.values() )
			run( args[ 0 ], fault );
		Resources.requireNoMoreThan( before, "ends of processes", System::gc );
		System.out.println( "done" );
	}

	private static void run( final String place, final Fault fault ) throws Exception
	{
		System.out.println( place + ", " + fault );
		switch ( place )
		{
		case "block":
			block( fault );
			break;
		case "batch":
			batch( fault, fault.code );
			break;
		case "describing":
			describing( fault );
			break;
		case "between":
			between( fault );
			break;
		case "init":
			init( fault );
			break;
		case "task":
			task( fault );
			break;
		case "start":
			start( fault );
			break;
		case "close":
			close( fault );
			break;
		case "timeout":
			timeout( fault );
			break;
		default:
			throw new IllegalArgumentException( place );
		}
		requireWorkers( 0 );
		require( "a file is left", entries( Paths.get( System.getProperty( "java.io.tmpdir" ) ) ) == 0 );
	}

	// ----------------------------------------------------------------- places

	/**
	 * The first block of an image, while other readers read another image.
	 */
	private static void block( final Fault fault ) throws Exception
	{
		try ( PythonCacheLoaderQueue queue = queue( 1, INIT + "name = 'x'" ) )
		{
			final CachedCellImg< IntType, ? > good = image( queue, "assert name == 'x'\n" + GOOD, 40, LARGE );
			final AtomicInteger next = new AtomicInteger();
			inParallel( 4, () -> {
				if ( next.get() == 0 && next.compareAndSet( 0, 1 ) )
				{
					final PythonCellException failure = failure( image( queue, "x = 1\n\nprint('last words')\nblock.data[...] = " + fault.code, 4, LARGE ), 1 );
					require( failure.toString(), failure.getClass() == PythonCellException.class );
					requireContains( failure.getMessage(), "Cell 1 " );
					fault.requireIn( failure, "last words", 4 );
				}
				for ( int cell = next.getAndIncrement(); cell < 40; cell = next.getAndIncrement() )
					requireGood( good, cell, LARGE );
				return null;
			} );
		}
	}

	/**
	 * Some of many small blocks, which are computed together.
	 */
	private static void batch( final Fault fault, final String code ) throws Exception
	{
		final Path log = Files.createTempFile( "computed", "" );
		try ( PythonCacheLoaderQueue queue = queue( 1, INIT + "log = os.open('" + log + "', os.O_WRONLY | os.O_APPEND)" ) )
		{
			final String all = "os.write(log, b'%d\\n' % block.index)\nif block.index % 400 == 200:\n    print('in', block.index)\n    " + code + "\n" + GOOD;
			final CachedCellImg< IntType, ? > image = image( queue, all, BATCHED, SMALL );
			final AtomicInteger next = new AtomicInteger();
			inParallel( 8, () -> {
				for ( int cell = next.getAndIncrement(); cell < BATCHED; cell = next.getAndIncrement() )
					if ( cell % 400 != 200 )
						requireGood( image, cell, SMALL );
					else
					{
						final PythonCellException failure = failure( image, cell );
						requireContains( failure.getMessage(), "Cell " + cell + " " );
						fault.requireIn( failure, "in " + cell, code.equals( fault.code ) ? 4 : failure.getLine() );
					}
				return null;
			} );
		}
		requireEachOnce( log, BATCHED );
	}

	/**
	 * What a block has raised is being described.
	 */
	private static void describing( final Fault fault ) throws Exception
	{
		batch( fault, "raise type('Odd', (Exception,), {'__str__': lambda self: str(" + fault.code + ")})" );
	}

	/**
	 * Between two blocks that are computed together: none fails.
	 */
	private static void between( final Fault fault ) throws Exception
	{
		final Path log = Files.createTempFile( "computed", "" );
		final Path starts = Files.createTempFile( "starts", "" );
		try ( PythonCacheLoaderQueue queue = queue( 1, INIT + "log = os.open('" + log + "', os.O_WRONLY | os.O_APPEND)\nopen('" + starts + "', 'a').write('x')" ) )
		{
			// After a block, the library counts the references to its arrays.
			final CachedCellImg< IntType, ? > image = image( queue, "os.write(log, b'%d\\n' % block.index)\nif block.index % 400 == 200:\n"
					+ "    sys.setprofile(lambda frame, *_: " + fault.code + " if frame.f_code.co_name == 'references' else None)\n" + GOOD, BATCHED, SMALL );
			final AtomicInteger next = new AtomicInteger();
			inParallel( 8, () -> {
				for ( int cell = next.getAndIncrement(); cell < BATCHED; cell = next.getAndIncrement() )
					requireGood( image, cell, SMALL );
				return null;
			} );
		}
		require( "processes: " + Files.size( starts ), Files.size( starts ) == 3 );
		Files.delete( starts );
		requireEachOnce( log, BATCHED );
	}

	private static void init( final Fault fault ) throws Exception
	{
		try
		{
			queue( 2, INIT + "print('almost ready')\n" + fault.code ).close();
			throw new AssertionError( "it has started" );
		}
		catch ( final PythonCodeException e )
		{
			requireContains( e.getMessage(), "The init code failed: " );
			fault.requireIn( e, "almost ready", LINES_OF_INIT + 2 );
		}
		final Path once = Files.createTempFile( "once", "" );
		Files.delete( once );
		try ( PythonCacheLoaderQueue queue = queue( 1, INIT + "if os.path.exists('" + once + "'):\n    os.remove('" + once + "')\n    " + fault.code ) )
		{
			final CachedCellImg< IntType, ? > image = image( queue, "if block.index == 1:\n    open('" + once + "', 'w').close()\n    os._exit(1)\n" + GOOD, 4, SMALL );
			requireContains( failure( image, 1 ).getMessage(), "ended with exit code 1" );
			// The first one that takes its place ends, too.
			requireGood( image, 2, SMALL );
		}
		require( "it is still there", !Files.exists( once ) );
	}

	/**
	 * Its Python code runs once.
	 */
	private static void task( final Fault fault ) throws Exception
	{
		final AtomicInteger runs = new AtomicInteger();
		try ( PythonCacheLoaderQueue queue = queue( 1, INIT + "x = 5" ) )
		{
			final CompletableFuture< Void > failed = queue.submit( python -> {
				runs.incrementAndGet();
				python.exec( "x = 6\nprint('begun')" );
				python.exec( "x = 7\n" + fault.code );
				return null;
			} );
			final CompletableFuture< Integer > next = queue.submit( python -> python.getValue( "x", Integer.class ) );
			try
			{
				failed.get();
				throw new AssertionError( "it has not failed" );
			}
			catch ( final ExecutionException e )
			{
				requireContains( e.getCause().getMessage(), "The task failed: " );
				fault.requireIn( ( PythonCodeException ) e.getCause(), "begun", 2 );
			}
			require( "init code", next.get() == 5 );
		}
		require( runs + " runs", runs.get() == 1 );
	}

	/**
	 * Before the process is ready: the code of a package that Python imports when it
	 * starts.
	 */
	private static void start( final Fault fault ) throws Exception
	{
		final Path folder = Files.createTempDirectory( "environment" );
		final Path code = folder.resolve( "fault.txt" );
		final Path venv = TestPythons.venvWith( folder.resolve( "venv" ), "numpy" );
		TestPythons.write( TestPythons.sitePackages( TestPythons.executable( venv ) ).resolve( "sitecustomize.py" ), INIT
				+ "if any('move_pipes' in argument for argument in sys.orig_argv) and os.path.exists('" + code + "'):\n"
				+ "    print('badly', file=sys.stderr)\n    exec(open('" + code + "').read())\n" );
		final PythonEnvironment environment = PythonEnvironment.at( venv );
		TestPythons.write( code, fault.code );
		try
		{
			queue( 1, "", environment ).close();
			throw new AssertionError( "it has started" );
		}
		catch ( final PythonEnvironmentException e )
		{
			requireContains( e.getMessage(), "did not get ready: it " + fault.told, "\nIts last output:\n  badly" );
		}
		requireWorkers( 0 );
		Files.delete( code );
		// One that takes the place of another. Of one fault only, because there is a pause.
		if ( fault == Fault.EXIT )
			startAnother( fault, environment, code );
		TestPythons.delete( folder );
	}

	private static void startAnother( final Fault fault, final PythonEnvironment environment, final Path code ) throws Exception
	{
		try ( PythonCacheLoaderQueue queue = queue( 1, INIT, environment ) )
		{
			final CachedCellImg< IntType, ? > image = image( queue, GOOD, 4, SMALL );
			requireGood( image, 1, SMALL );
			TestPythons.write( code, fault.code );
			workers().forEach( ProcessHandle::destroyForcibly );
			final Throwable told = cause( failureOf( image, 2 ) );
			require( told.toString(), told instanceof PythonNoWorkerException );
			Throwable reason = told;
			while ( reason.getCause() != null )
				reason = reason.getCause();
			requireContains( reason.getMessage(), " is lost: while it started, the process of ", fault.told );
			Files.delete( code );
			while ( failureOf( image, 3 ) != null )
				Thread.onSpinWait();
			requireGood( image, 3, SMALL );
		}
	}

	/**
	 * Closing does not fail, and takes no longer.
	 */
	private static void close( final Fault fault ) throws Exception
	{
		for ( final String init : List.of( "atexit.register(lambda: " + fault.code + ")", "end = type('End', (), {'__del__': lambda self: " + fault.code + "})()" ) )
		{
			final PythonCacheLoaderQueue queue = queue( 1, INIT + init );
			final CachedCellImg< IntType, ? > image = image( queue, GOOD, 4, SMALL );
			requireGood( image, 1, SMALL );
			queue.close();
			requireWorkers( 0 );
			require( "open", cause( failureOf( image, 2 ) ) instanceof PythonClosedException );
			requireGood( image, 1, SMALL );
		}
	}

	/**
	 * Code that is cancelled.
	 */
	private static void timeout( final Fault fault ) throws Exception
	{
		try ( PythonCacheLoaderQueue queue = queue( 1, INIT ) )
		{
			final CachedCellImg< IntType, ? > image = image( queue, "if block.index == 1:\n    try:\n        while True: time.sleep(0.001)\n    finally:\n        " + fault.code + "\n" + GOOD,
					4, LARGE, PythonLoaderOptions.options().timeout( Duration.ofMillis( 100 ) ) );
			final PythonCellException failure = failure( image, 1 );
			requireContains( failure.getMessage(), failure instanceof PythonTimeoutException ? "while True" : fault.told );
			requireGood( image, 2, LARGE );
		}
	}

	// ---------------------------------------------------------------- helpers

	private static PythonCacheLoaderQueue queue( final int numWorkers, final String init )
	{
		return queue( numWorkers, init, PythonEnvironment.getDefault() );
	}

	private static PythonCacheLoaderQueue queue( final int numWorkers, final String init, final PythonEnvironment environment )
	{
		final Consumer< String > lines = line -> {
			if ( line.startsWith( "kill me " ) )
				ProcessHandle.of( Long.parseLong( line.substring( 8 ) ) ).ifPresent( ProcessHandle::destroyForcibly );
		};
		return new PythonCacheLoaderQueue( numWorkers, init, environment.withOutput( lines, lines ) );
	}

	static void inParallel( final int threads, final Callable< Void > work ) throws Exception
	{
		final ExecutorService readers = Executors.newFixedThreadPool( threads );
		final List< Future< Void > > futures = readers.invokeAll( Collections.nCopies( threads, work ) );
		for ( final Future< Void > future : futures )
			future.get();
		readers.shutdown();
	}

	/**
	 * Neither those that were done when the process ended, nor the one that has ended it,
	 * are computed again.
	 */
	private static void requireEachOnce( final Path log, final int cells ) throws IOException
	{
		final List< String > computed = Files.readAllLines( log );
		require( computed.size() + " computations", computed.size() == cells && new HashSet<>( computed ).size() == cells );
		Files.delete( log );
	}
}
