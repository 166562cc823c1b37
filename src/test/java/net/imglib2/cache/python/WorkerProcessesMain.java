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

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import net.imglib2.cache.img.CachedCellImg;
import net.imglib2.img.basictypeaccess.nio.IntBufferAccess;
import net.imglib2.img.cell.CellGrid;
import net.imglib2.type.numeric.integer.IntType;

/**
 * Uses workers that are processes, in one of the cases below. Ends with an error if
 * something is wrong. Argument: name of the case.
 */
final class WorkerProcessesMain
{
	private static final String INIT = "import ctypes, os, signal, subprocess, sys, time\nimport numpy as np\nprint('worker', os.getpid())";

	private static final String GOOD = "block.data[...] = 3 * block.index + np.arange(block.data.size).reshape(block.data.shape)";

	private static final Map< String, String > CRASHES = Map.of(
			"ctypes.string_at(0)", "SIGSEGV (exit code 139)",
			"os._exit(7)", "exit code 7",
			"os.abort()", "SIGABRT (exit code 134)",
			"os.kill(os.getpid(), signal.SIGKILL)", "SIGKILL (exit code 137)" );

	private WorkerProcessesMain()
	{}

	public static void main( final String... args ) throws Exception
	{
		switch ( args[ 0 ] )
		{
		case "crash":
			crash();
			break;
		case "batch":
			batch();
			break;
		case "init":
			init();
			break;
		case "task":
			task();
			break;
		case "close":
			close();
			break;
		case "idle":
			idle();
			break;
		case "drive":
			drive();
			break;
		case "quiet":
			quiet();
			break;
		case "again":
			again();
			break;
		case "timeout":
			timeout();
			break;
		case "pipes":
			pipes();
			break;
		case "output":
			output();
			break;
		case "retained":
			retained();
			break;
		case "cycles":
			cycles();
			break;
		case "busy":
		case "busy in C":
			busy( args[ 0 ].equals( "busy" ) ? "while True: pass" : "sum(range(10 ** 13))" );
			break;
		default:
			throw new IllegalArgumentException( args[ 0 ] );
		}
		System.out.println( "done" );
	}

	// ---------------------------------------------------------------- crashes

	/**
	 * A block that crashes fails, and says how; the next ones are computed.
	 */
	private static void crash() throws Exception
	{
		try ( PythonCacheLoaderQueue queue = queue( 1, INIT + "\nname = 'x'" ) )
		{
			int read = 0;
			for ( final Map.Entry< String, String > crash : CRASHES.entrySet() )
			{
				final PythonCellException failure = failure( image( queue, "x = 1\n\nprint('last words')\nblock.data[...] = " + crash.getKey(), 4, 2 ), 1 );
				requireContains( failure.getMessage(), "Cell 1 ", crash.getValue(), "last words" );
				if ( crash.getKey().startsWith( "os.abort" ) || crash.getKey().startsWith( "ctypes" ) )
				{
					requireContains( failure.getMessage(), "line 4, in <module>", crash.getKey() );
					require( failure.getMessage(), failure.getLine() == 4 );
				}
				requireGood( image( queue, "assert name == 'x'\n" + GOOD, 4, 2 ), 3, 2 );
				++read;
			}
			require( "no crash", read == CRASHES.size() );
			// There may be another one, which checks code.
			require( workers() + " are left", workers().size() <= 2 );
		}
		requireWorkers( 0 );
	}

	/**
	 * Readers that come and go, so that they drive the workers themselves, that are
	 * interrupted all the time, and code that crashes, raises, prints, and takes long.
	 */
	private static void drive() throws Exception
	{
		final int cells = 4000;
		try ( PythonCacheLoaderQueue queue = queue( 2, INIT ) )
		{
			final CachedCellImg< IntType, ? > image = image( queue, "i = block.index\n"
					+ "if i % 1000 == 500: os._exit(9)\n"
					+ "if i % 100 == 50: raise ValueError(i)\n"
					+ "if i % 100 == 51: print('line', i)\n"
					+ "if i % 100 == 52: time.sleep(0.001)\n" + GOOD, cells, 4 );
			final AtomicInteger next = new AtomicInteger();
			final Queue< Thread > readers = new ConcurrentLinkedQueue<>();
			final AtomicInteger running = new AtomicInteger( 4 );
			final Thread interrupter = new Thread( () -> {
				for ( int i = 0; running.get() > 0; ++i )
				{
					LockSupport.parkNanos( 200_000 );
					if ( i % 3 == 0 )
						readers.forEach( Thread::interrupt );
				}
			} );
			interrupter.start();
			inParallel( 4, () -> {
				readers.add( Thread.currentThread() );
				try
				{
					for ( int cell = next.getAndIncrement(); cell < cells; cell = next.getAndIncrement() )
					{
						readInterrupted( image, cell );
						// A worker without a task falls asleep now and then.
						for ( int i = 0; i < cell % 7 * 20; ++i )
							Thread.yield();
					}
				}
				finally
				{
					running.decrementAndGet();
				}
				return null;
			} );
			interrupter.join();
		}
		requireWorkers( 0 );
	}

	private static void readInterrupted( final CachedCellImg< IntType, ? > image, final int cell )
	{
		while ( true )
			try
			{
				requireGood( image, cell, 4 );
				require( "cell " + cell, cell % 100 != 50 );
				return;
			}
			catch ( final RuntimeException e )
			{
				if ( isInterrupt( e ) )
					continue;
				final boolean crashes = cell % 1000 == 500;
				requireContains( cause( e ).getMessage(), "Cell " + cell + " ", crashes ? "exit code 9" : "ValueError" );
				require( e.toString(), crashes || cell % 100 == 50 );
				return;
			}
			finally
			{
				Thread.interrupted();
			}
	}

	private static boolean isInterrupt( final Throwable thrown )
	{
		for ( Throwable cause = thrown; cause != null; cause = cause.getCause() )
			if ( cause instanceof InterruptedException || cause instanceof PythonInterruptedException )
				return true;
		return false;
	}

	/**
	 * Workers that have nothing to do take no time of a processor, whoever has used them
	 * last.
	 */
	private static void quiet() throws Exception
	{
		try ( PythonCacheLoaderQueue queue = queue( 2, INIT ) )
		{
			final CachedCellImg< IntType, ? > image = image( queue, GOOD, 2000, 4 );
			for ( int cell = 0; cell < 1000; ++cell )
				requireGood( image, cell, 4 );
			final AtomicInteger next = new AtomicInteger( 1000 );
			inParallel( 8, () -> {
				for ( int cell = next.getAndIncrement(); cell < 2000; cell = next.getAndIncrement() )
					requireGood( image, cell, 4 );
				return null;
			} );
			// Until the compilers of this JVM and the watchdogs have nothing to do, either.
			Thread.sleep( 3000 );
			final List< Path > tasks = new ArrayList<>();
			for ( final ProcessHandle worker : workers() )
				tasks.add( Paths.get( "/proc/" + worker.pid() + "/stat" ) );
			require( "workers: " + tasks, tasks.size() >= 2 );
			try ( Stream< Path > threads = Files.list( Paths.get( "/proc/self/task" ) ) )
			{
				for ( final Path thread : threads.collect( Collectors.toList() ) )
					if ( new String( Files.readAllBytes( thread.resolve( "comm" ) ) ).startsWith( "python_" ) )
						tasks.add( thread.resolve( "stat" ) );
			}
			final long[] before = ticks( tasks );
			Thread.sleep( 2000 );
			final long[] after = ticks( tasks );
			for ( int i = 0; i < before.length; ++i )
				// Spinning would be 200, where a tick is a hundredth of a second.
				require( tasks.get( i ) + ": " + ( after[ i ] - before[ i ] ) + " ticks", after[ i ] - before[ i ] < 20 );
		}
	}

	/**
	 * @return processor time of each process or thread
	 */
	private static long[] ticks( final List< Path > stats ) throws IOException
	{
		final long[] ticks = new long[ stats.size() ];
		for ( int i = 0; i < ticks.length; ++i )
		{
			final String stat = new String( Files.readAllBytes( stats.get( i ) ) );
			// After the name, which may contain anything.
			final String[] fields = stat.substring( stat.lastIndexOf( ')' ) + 2 ).split( " " );
			ticks[ i ] = Long.parseLong( fields[ 11 ] ) + Long.parseLong( fields[ 12 ] );
		}
		return ticks;
	}

	/**
	 * Of small blocks that are computed together, only the one that crashes fails.
	 */
	private static void batch() throws Exception
	{
		final int cells = 3000;
		final String folder = Files.createTempDirectory( "computed" ).toString();
		try ( PythonCacheLoaderQueue queue = queue( 2, INIT ) )
		{
			final CachedCellImg< IntType, ? > image = image( queue, "if block.index % 500 == 250:\n    open('" + folder + "/' + str(block.index), 'a').write('x')\n    os._exit(9)\n" + GOOD, cells, 4 );
			final AtomicInteger next = new AtomicInteger();
			final AtomicInteger failed = new AtomicInteger();
			inParallel( 8, () -> {
				for ( int cell = next.getAndIncrement(); cell < cells; cell = next.getAndIncrement() )
					try
					{
						requireGood( image, cell, 4 );
						require( "cell " + cell, cell % 500 != 250 );
					}
					catch ( final RuntimeException e )
					{
						requireContains( cause( e ).getMessage(), "Cell " + cell + " ", "exit code 9" );
						require( e.toString(), cell % 500 == 250 );
						failed.incrementAndGet();
					}
				return null;
			} );
			require( failed + " have failed", failed.get() == cells / 500 );
		}
		try ( Stream< Path > files = Files.list( Paths.get( folder ) ) )
		{
			for ( final Path file : files.collect( Collectors.toList() ) )
			{
				require( file + " was computed again", Files.size( file ) == 1 );
				Files.delete( file );
			}
		}
		Files.delete( Paths.get( folder ) );
	}

	private static void init() throws Exception
	{
		try
		{
			queue( 2, INIT + "\nprint('almost ready')\nctypes.string_at(0)" ).close();
			throw new AssertionError( "it has started" );
		}
		catch ( final PythonException e )
		{
			requireContains( e.getMessage(), "SIGSEGV", "almost ready", "line 5, in <module>" );
		}
		requireWorkers( 0 );
	}

	private static void task() throws Exception
	{
		try ( PythonCacheLoaderQueue queue = queue( 1, INIT + "\nx = 5" ) )
		{
			try
			{
				queue.submit( python -> {
					python.exec( "x = 6\nos._exit(3)" );
					return null;
				} ).get();
				throw new AssertionError( "it has not failed" );
			}
			catch ( final ExecutionException e )
			{
				requireContains( e.getCause().getMessage(), "exit code 3" );
			}
			require( "init code", queue.submit( python -> python.getValue( "x", Integer.class ) ).get() == 5 );
		}
		requireWorkers( 0 );
	}

	/**
	 * Exit handlers that crash or hang do not keep a queue from closing.
	 */
	private static void close() throws Exception
	{
		queue( 1, INIT + "\nimport atexit\natexit.register(lambda: ctypes.string_at(0))" ).close();
		queue( 1, INIT + "\nimport atexit\natexit.register(lambda: sum(range(10 ** 11)))" ).close();
		queue( 1, INIT + "\nimport threading\nthreading.Thread(target=threading.Event().wait).start()" ).close();
		requireWorkers( 0 );
	}

	/**
	 * Nobody notices that a worker dies that has nothing to do.
	 */
	private static void idle() throws Exception
	{
		try ( PythonCacheLoaderQueue queue = queue( 2, INIT ) )
		{
			for ( int i = 0; i < 3; ++i )
			{
				requireGood( image( queue, GOOD, 4, 2 ), 0, 2 );
				kill( workers() );
				requireGood( image( queue, GOOD, 4, 2 ), 1, 2 );
				kill( workers() );
				requireGood( image( queue, GOOD, 4, 2 ), 2, 2 );
				// On any of them.
				require( "a task", queue.submit( python -> python.getValue( "1 + 1", Integer.class ) ).get() == 2 );
			}
		}
		requireWorkers( 0 );
	}

	/**
	 * If each worker is lost as soon as it is there, readers are told so; when none is
	 * any more, they are served.
	 */
	private static void again() throws Exception
	{
		final Path marker = Files.createTempFile( "crash", "" );
		try ( PythonCacheLoaderQueue queue = queue( 1, INIT ) )
		{
			final CachedCellImg< IntType, ? > image = image( queue, "if os.path.exists('" + marker + "'): os._exit(5)\n" + GOOD, 100, 2 );
			String told = "";
			for ( int cell = 0; !told.contains( "no worker left" ); ++cell )
			{
				require( "never told: " + told, cell < 10 );
				told = cause( failureOf( image, cell ) ).getMessage();
			}
			requireContains( told, "exit code 5", "is started in 1 s" );
			Files.delete( marker );
			while ( failureOf( image, 50 ) != null )
				Thread.onSpinWait();
			requireGood( image, 50, 2 );
		}
	}

	// ------------------------------------------------------------ other cases

	/**
	 * Code in C that does not return is killed, and its stack is told.
	 */
	private static void timeout() throws Exception
	{
		try ( PythonCacheLoaderQueue queue = queue( 1, INIT ) )
		{
			for ( final String hang : Arrays.asList( "sum(range(10 ** 11))", "time.sleep(1000)", "while True: pass" ) )
			{
				final CachedCellImg< IntType, ? > image = image( queue, "x = 1\nif block.index == 1:\n    " + hang + "\n" + GOOD, 4, 2, PythonLoaderOptions.options().timeout( Duration.ofMillis( 300 ) ) );
				final PythonCellException failure = failure( image, 1 );
				require( failure.toString(), failure instanceof PythonTimeoutException );
				requireContains( failure.getMessage(), hang );
				require( failure.getTraceback(), failure.getLine() == 3 );
				requireGood( image, 2, 2 );
			}
			// There may be another one, which checks code.
			require( workers() + " are left", workers().size() <= 2 );
		}
		requireWorkers( 0 );
	}

	/**
	 * Other processes that hold the pipes of a dead worker.
	 */
	private static void pipes() throws Exception
	{
		try ( PythonCacheLoaderQueue queue = queue( 1, INIT ) )
		{
			final PythonCellException failure = failure( image( queue, "subprocess.Popen(['sleep', '60'], close_fds=False)\nif os.fork():\n    os._exit(7)\ntime.sleep(60)\nos._exit(0)", 4, 2 ), 1 );
			requireContains( failure.getMessage(), "exit code 7" );
			requireGood( image( queue, GOOD, 4, 2 ), 1, 2 );
		}
	}

	/**
	 * All output comes, in its order, before the result; also of code in C.
	 */
	private static void output() throws Exception
	{
		final List< String > out = Collections.synchronizedList( new ArrayList<>() );
		final List< String > err = Collections.synchronizedList( new ArrayList<>() );
		final PythonEnvironment environment = PythonEnvironment.getDefault().withOutput( out::add, err::add );
		try ( PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue( 1, INIT, environment ) )
		{
			for ( int i = 0; i < 50; ++i )
			{
				out.clear();
				err.clear();
				final CachedCellImg< IntType, ? > image = image( queue, "print('a', block.index)\nprint('b\\nc', file=sys.stderr, end='')\n" + GOOD, 4, 2 );
				requireGood( image, 1, 2 );
				require( out + " " + err, out.equals( Arrays.asList( "a 1" ) ) && err.equals( Arrays.asList( "b", "c" ) ) );
			}
			out.clear();
			queue.submit( python -> {
				python.exec( "for i in range(100000): print(i, 'x' * 90)" );
				return null;
			} ).get();
			require( out.size() + " lines", out.size() == 100_000 && out.get( 99_999 ).startsWith( "99999 x" ) );
			queue.submit( python -> {
				python.exec( "ctypes.CDLL(None).puts(b'of C')\nctypes.CDLL(None).fflush(None)\nsubprocess.run(['echo', 'of a process'])" );
				return null;
			} ).get();
			while ( !err.containsAll( Arrays.asList( "of C", "of a process" ) ) )
				Thread.onSpinWait();
		}
	}

	/**
	 * Arrays that user code keeps stay as they are, however much memory is used anew.
	 */
	private static void retained() throws Exception
	{
		final int size = 50_000;
		try ( PythonCacheLoaderQueue queue = queue( 1, INIT + "\nkept = []" ) )
		{
			final CachedCellImg< IntType, ? > first = image( queue, "block.data[...] = block.index\nif block.index < 4: kept.append((block.data[5:9], block.index))", 2000, size );
			final CachedCellImg< IntType, ? > second = PythonCacheLoader
					.fromRandomAccessibles( first.getCellGrid(), queue, "block.data[...] = block.inputs[0] + 1\nif block.index < 4: kept.append((block.inputs[0][3:7], block.index))", new IntType(), first )
					.createCachedCellImg( 2 );
			for ( int cell = 0; cell < 400; ++cell )
			{
				require( "cell " + cell, second.getAt( cell * ( long ) size + 7 ).get() == cell + 1 );
				if ( cell % 20 == 0 )
				{
					first.getCache().invalidateAll();
					System.gc();
					require( "kept arrays have changed", queue.submit( python -> python.getValue( "all((a == i).all() for a, i in kept)", Boolean.class ) ).get() );
				}
			}
			require( "arrays", queue.submit( python -> python.getValue( "len(kept)", Integer.class ) ).get() >= 8 );
		}
	}

	/**
	 * Queues leave no process, thread, descriptor or file behind.
	 */
	private static void cycles() throws Exception
	{
		final Path temporary = Paths.get( System.getProperty( "java.io.tmpdir" ) );
		int descriptors = 0;
		for ( int i = 0; i < 40; ++i )
		{
			try ( PythonCacheLoaderQueue queue = queue( 1, INIT ) )
			{
				requireGood( image( queue, GOOD, 4, 2 ), 1, 2 );
			}
			requireWorkers( 0 );
			final int now = entries( Paths.get( "/proc/self/fd" ) );
			if ( i == 5 )
				descriptors = now;
			require( now + " descriptors, " + descriptors + " before", i < 5 || now <= descriptors + 3 );
		}
		require( entries( temporary ) + " files", entries( temporary ) == 0 );
		require( "threads: " + Thread.getAllStackTraces().keySet(), Thread.getAllStackTraces().keySet().stream().noneMatch( thread -> thread.getName().startsWith( "python_3_" ) ) );
	}

	/**
	 * Never ends: its caller kills this JVM, or lets it end.
	 */
	private static void busy( final String code ) throws Exception
	{
		final PythonCacheLoaderQueue queue = queue( 2, INIT );
		queue.submit( python -> {
			python.exec( "print('busy', flush=True)\n" + code );
			return null;
		} );
		// One worker is busy, one has nothing to do.
		if ( System.in.read() == 'x' )
			System.exit( 0 );
	}

	// ---------------------------------------------------------------- helpers

	private static PythonCacheLoaderQueue queue( final int numWorkers, final String init )
	{
		return new PythonCacheLoaderQueue( numWorkers, init );
	}

	private static CachedCellImg< IntType, ? > image( final PythonCacheLoaderQueue queue, final String code, final int cells, final int size )
	{
		return image( queue, code, cells, size, PythonLoaderOptions.options() );
	}

	private static CachedCellImg< IntType, ? > image( final PythonCacheLoaderQueue queue, final String code, final int cells, final int size, final PythonLoaderOptions options )
	{
		return PythonCacheLoader.fromRandomAccessibles( new CellGrid( new long[] { cells * ( long ) size }, new int[] { size } ), queue, code, new IntType(), new IntBufferAccess( 0, true ),
				Halo.empty( 1 ), options, Collections.emptyList() ).createCachedCellImg( cells );
	}

	private static void requireGood( final CachedCellImg< IntType, ? > image, final int cell, final int size )
	{
		for ( int i = 0; i < size; ++i )
			require( "pixel " + i + " of cell " + cell, image.getAt( cell * ( long ) size + i ).get() == 3 * cell + i );
	}

	private static PythonCellException failure( final CachedCellImg< IntType, ? > image, final int cell )
	{
		return ( PythonCellException ) cause( failureOf( image, cell ) );
	}

	private static RuntimeException failureOf( final CachedCellImg< IntType, ? > image, final int cell )
	{
		try
		{
			image.getCells().getAt( cell );
			return null;
		}
		catch ( final RuntimeException e )
		{
			return e;
		}
	}

	private static Throwable cause( final Throwable thrown )
	{
		Throwable cause = thrown;
		while ( cause != null && !( cause instanceof PythonException ) )
			cause = cause.getCause();
		if ( cause == null )
			throw new AssertionError( "no exception of Python", thrown );
		return cause;
	}

	private static void inParallel( final int threads, final Callable< Void > work ) throws Exception
	{
		final ExecutorService readers = Executors.newFixedThreadPool( threads );
		final List< Future< Void > > futures = readers.invokeAll( Collections.nCopies( threads, work ) );
		for ( final Future< Void > future : futures )
			future.get();
		readers.shutdown();
	}

	private static List< ProcessHandle > workers()
	{
		return ProcessHandle.current().children().collect( Collectors.toList() );
	}

	private static void requireWorkers( final int number )
	{
		require( workers() + " are left", workers().size() == number );
	}

	private static void kill( final List< ProcessHandle > processes ) throws Exception
	{
		for ( final ProcessHandle process : processes )
			process.destroyForcibly();
		for ( final ProcessHandle process : processes )
			process.onExit().get();
	}

	private static int entries( final Path folder ) throws IOException
	{
		try ( Stream< Path > entries = Files.list( folder ) )
		{
			return ( int ) entries.count();
		}
	}

	private static void requireContains( final String text, final String... parts )
	{
		for ( final String part : parts )
			require( "\"" + part + "\" is missing in:\n" + text, text.contains( part ) );
	}

	private static void require( final String what, final boolean condition )
	{
		if ( !condition )
			throw new AssertionError( what );
	}
}
