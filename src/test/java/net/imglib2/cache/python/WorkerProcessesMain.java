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
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadInfo;
import java.lang.management.ThreadMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
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

	private WorkerProcessesMain()
	{}

	public static void main( final String... args ) throws Exception
	{
		switch ( args[ 0 ] )
		{
		case "close":
			close();
			break;
		case "idle":
			idle();
			break;
		case "kept":
			kept();
			break;
		case "drive":
			drive();
			break;
		case "relay":
			relay();
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
		case "asked":
			asked();
			break;
		case "stacks":
			stacks();
			break;
		case "time":
			time();
			break;
		case "pipes":
			pipes();
			break;
		case "memory":
			memory();
			break;
		case "threads":
			threads();
			break;
		case "output":
			output();
			break;
		case "retained":
			retained();
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

	// ---------------------------------------------------------------- cases

	/**
	 * Exit handlers and threads that do not end do not keep a queue from closing.
	 */
	private static void close() throws Exception
	{
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
	 * Whoever keeps a closed queue, or its images, does not keep the memory that its
	 * workers had.
	 */
	private static void kept() throws Exception
	{
		final List< Object > kept = new ArrayList<>();
		Map< String, Long > before = null;
		for ( int i = 0; i < 4; ++i )
		{
			try ( PythonCacheLoaderQueue queue = queue( 2, INIT ) )
			{
				final CachedCellImg< IntType, ? > image = image( queue, GOOD, 4, 2 );
				requireGood( image, 1, 2 );
				kept.add( queue );
				kept.add( image );
			}
			if ( before != null )
				Resources.requireNoMoreThan( before, "queues that are kept", System::gc );
			else
			{
				System.gc();
				before = Resources.count();
				before.put( Resources.RESIDENT, Long.MAX_VALUE / 2 );
			}
		}
		require( "kept", kept.size() == 8 );
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
			WorkerFaultsMain.inParallel( 4, () -> {
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

	/**
	 * While all processors are at work, one block follows the other without the thread of the
	 * worker, also where code crashes, raises, prints, or takes long.
	 */
	private static void relay() throws Exception
	{
		// More than processors: one that is between two blocks leaves none.
		final int workers = Runtime.getRuntime().availableProcessors() + 2;
		final int cells = 4000;
		// Not small, and not long.
		final String work = "sum(range(20000))\n" + GOOD;
		try ( PythonCacheLoaderQueue queue = queue( workers, INIT ) )
		{
			final CachedCellImg< IntType, ? > image = image( queue, "i = block.index\n"
					+ "if i % 1000 == 500: os._exit(9)\n"
					+ "if i % 100 == 50: raise ValueError(i)\n"
					+ "if i % 100 == 51: print('line', i)\n"
					+ "if i % 100 == 52: time.sleep(0.002)\n"
					+ "while i % 1000 == 600: pass\n"
					+ work, cells, 4, PythonLoaderOptions.options().timeout( Duration.ofSeconds( 4 ) ) );
			final AtomicInteger next = new AtomicInteger();
			WorkerFaultsMain.inParallel( 3 * workers, () -> {
				for ( int cell = next.getAndIncrement(); cell < cells; cell = next.getAndIncrement() )
					readInterrupted( image, cell );
				return null;
			} );
			final CachedCellImg< IntType, ? > good = image( queue, work, cells, 4 );
			for ( int cell = 0; cell < workers; ++cell )
				requireGood( good, cell, 4 );
			final long before = waitsOfWorkers();
			next.set( workers );
			WorkerFaultsMain.inParallel( 3 * workers, () -> {
				for ( int cell = next.getAndIncrement(); cell < cells; cell = next.getAndIncrement() )
					requireGood( good, cell, 4 );
				return null;
			} );
			final long waits = waitsOfWorkers() - before;
			require( waits + " waits of the workers for " + cells + " blocks", waits > 0 && waits < cells / 2 );
		}
		requireWorkers( 0 );
	}

	private static long waitsOfWorkers()
	{
		final ThreadMXBean threads = ManagementFactory.getThreadMXBean();
		return Arrays.stream( threads.getThreadInfo( threads.getAllThreadIds() ) )
				.filter( thread -> thread != null && thread.getThreadName().matches( "python_\\d+_worker_\\d+( .*)?" ) )
				.mapToLong( ThreadInfo::getWaitedCount ).sum();
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
				final boolean timesOut = cell % 1000 == 600 && cause( e ) instanceof PythonTimeoutException;
				requireContains( cause( e ).getMessage(), "Cell " + cell + " ", crashes ? "exit code 9" : timesOut ? "timeout of 4.0 s" : "ValueError" );
				require( e.toString(), crashes || timesOut || cell % 100 == 50 );
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
			WorkerFaultsMain.inParallel( 8, () -> {
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
	 * A process that was asked for its stack, and goes on: what it wrote does not tell how it
	 * ends later. Code that handles the signal itself took too long all the same.
	 */
	private static void asked() throws Exception
	{
		// It keeps Python's lock while it sleeps, and wakes as soon as there is a signal.
		final String sleeps = "while True: ctypes.PyDLL(None).usleep(300000)";
		final PythonLoaderOptions soon = PythonLoaderOptions.options().timeout( Duration.ofMillis( 50 ) );
		for ( final String end : Arrays.asList( "os._exit(7)", "os.kill(os.getpid(), signal.SIGKILL)", "ctypes.string_at(0)" ) )
			try ( PythonCacheLoaderQueue queue = queue( 1, INIT ) )
			{
				final PythonCellException slow = failure( image( queue, "x = 1\n" + sleeps, 4, 2, soon ), 1 );
				require( slow.toString(), slow instanceof PythonTimeoutException );
				requireContains( slow.getSourceLine(), sleeps );
				final PythonCellException dead = failure( image( queue, "x = 1\n\ntime.sleep(0.02)\n" + end, 4, 2 ), 1 );
				require( dead.toString(), !dead.toString().contains( sleeps ) && !( dead instanceof PythonTimeoutException ) );
				final boolean crashes = end.startsWith( "ctypes" );
				require( dead.toString(), dead.getLine() == ( crashes ? 4 : 0 ) && dead.getMessage().contains( "Stack (most" ) == crashes );
			}
		for ( final String handler : Arrays.asList( "signal.SIG_DFL", "lambda *_: os._exit(3)", "lambda *_: sys.exit(3)" ) )
			try ( PythonCacheLoaderQueue queue = queue( 1, INIT ) )
			{
				final PythonCellException failure = failure( image( queue, "signal.signal(signal.SIGTERM, " + handler + ")\n" + sleeps, 4, 2, soon ), 1 );
				require( handler + ": " + failure, failure instanceof PythonTimeoutException );
				requireContains( failure.getMessage(), "Cell 1 ", "longer than the timeout of 0.05 s" );
			}
		requireWorkers( 0 );
	}

	/**
	 * Crashes whose stacks Python writes in another way than most.
	 */
	private static void stacks() throws Exception
	{
		try ( PythonCacheLoaderQueue queue = queue( 1, INIT + "\nimport gc, threading" ) )
		{
			final String inGarbage = "class Odd:\n    def __del__(self):\n        ctypes.string_at(0)\nodd = Odd()\nodd.odd = odd\ndel odd\ngc.collect()";
			requireCrash( queue, failure( image( queue, inGarbage, 4, 2 ), 1 ), 3, "ctypes.string_at(0)", "in __del__" );
			// In a thread that runs no Python code, the block's code is told.
			final String create = "ctypes.CDLL(None).pthread_create(ctypes.byref(thread), None, crash, None); time.sleep(100)";
			final String inThread = "crash = ctypes.cast(ctypes.CDLL(None).abort, ctypes.c_void_p)\nthread = ctypes.c_ulong()\n" + create;
			requireCrash( queue, failure( image( queue, inThread, 4, 2 ), 1 ), 3, create, "SIGABRT" );
			final PythonLoaderOptions named = PythonLoaderOptions.options().name( "\u03c3 = \u00fc" );
			requireCrash( queue, failure( image( queue, "x = 1\nctypes.string_at(0)", 4, 2, named ), 1 ), 2, "ctypes.string_at(0)", "\u03c3 = \u00fc" );
			final Path file = Files.createTempFile( "functions", ".py" );
			Files.write( file, Arrays.asList( "import ctypes", "def inner():", "    return ctypes.string_at(0)", "def compute():", "    return inner()" ) );
			final PythonCellException inFunction = failure( image( queue, file + ":compute", 4, 2 ), 1 );
			require( inFunction.toString(), inFunction.getLine() == 5 );
			requireContains( inFunction.getMessage(), file + ", line 5", "line 3, in inner" );
			Files.write( file, Arrays.asList( "", "import ctypes", "ctypes.string_at(0)", "def compute():", "    pass" ) );
			final PythonCellException inModule = failure( image( queue, file + ":compute", 4, 2 ), 1 );
			require( inModule.toString(), inModule.getLine() == 3 );
			require( inModule.toString(), !inModule.toString().contains( "importlib" ) );
			Files.delete( file );
		}
		requireWorkers( 0 );
	}

	private static void requireCrash( final PythonCacheLoaderQueue queue, final PythonCellException failure, final int line, final String source, final String part )
	{
		// Else there would be a pause after some that were lost.
		requireGood( image( queue, GOOD, 4, 2 ), 1, 2 );
		require( failure.toString(), failure.getLine() == line && failure.getSourceLine().equals( source ) );
		requireContains( failure.getMessage(), "line " + line + ": " + source, part );
	}

	/**
	 * The time of a block whose process ends is not that of another call.
	 */
	private static void time()
	{
		try ( PythonCacheLoaderQueue queue = queue( 1, INIT ) )
		{
			final PythonImg< IntType > image = PythonImg.builder( "if block.index == 1:\n    time.sleep(0.05)\n    os._exit(7)\nblock.data[...] = 1" ).queue( queue ).type( new IntType() ).dimensions( 4 ).cellSize( 1 ).build();
			image.getAt( 0 );
			final long before = image.metrics().pythonNanos();
			requireContains( cause( failureOf( image, 1 ) ).getMessage(), "exit code 7" );
			final long nanos = image.metrics().pythonNanos() - before;
			require( nanos + " ns", nanos >= 50_000_000 );
			require( "time of the cell", image.timeImg().getAt( 1 ).get() >= 50 );
		}
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
	 * Code that wants too much memory fails, and the worker goes on; memory of blocks does
	 * not count.
	 */
	private static void memory() throws Exception
	{
		final PythonEnvironment limited = PythonEnvironment.getDefault().withMemoryLimit( 40 << 20 );
		try ( PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue( 1, INIT + "\npid = os.getpid()", limited ); PythonCacheLoaderQueue other = queue( 1, INIT ) )
		{
			final String large = "large = np.ones(8 << 20)\n";
			final int size = 12 << 20;
			for ( int i = 0; i < 3; ++i )
			{
				final PythonCellException failure = failure( image( queue, "x = 1\n" + large + GOOD, 4, 2 ), 1 );
				requireContains( failure.getPythonType(), "MemoryError" );
				requireContains( failure.getMessage(), "Cell 1 ", "line 2: large", "This worker may take 41,943,040 bytes of memory (PythonEnvironment.withMemoryLimit)" );
				requireGood( image( other, large + GOOD, 4, 2 ), 1, 2 );
				requireGood( image( queue, "np.ones(2 << 20)\n" + GOOD, 4, 2 ), 2, 2 );
				require( "size of a cell", image( queue, "block.data[...] = 7", 2, size ).getAt( size ).get() == 7 );
			}
			requireTooMuch( queue, python -> python.getValue( "np.ones(8 << 20).sum()" ), "The task failed: " );
			requireTooMuch( queue, python -> python.getValue( "bytes(30 << 20)" ), "cannot be converted to Object: " );
			requireTooMuch( queue, python -> {
				python.set( "given", new byte[ 64 << 20 ] );
				return null;
			}, "Python could not be called on python_1_worker_1: " );
			require( "another process", queue.submit( python -> python.getValue( "pid == os.getpid()", Boolean.class ) ).get() );
		}
		try
		{
			new PythonCacheLoaderQueue( 1, "large = bytearray(1 << 30)", limited ).close();
			throw new AssertionError( "the init code has no limit" );
		}
		catch ( final PythonCodeException e )
		{
			requireContains( e.getMessage(), "The init code failed: MemoryError", "withMemoryLimit" );
		}
	}

	private static void requireTooMuch( final PythonCacheLoaderQueue queue, final PythonTask< Object > task, final String told ) throws Exception
	{
		try
		{
			queue.submit( task ).get();
			throw new AssertionError( "a task has no limit" );
		}
		catch ( final ExecutionException e )
		{
			requireContains( e.getCause().getMessage(), told, "MemoryError" );
		}
	}

	/**
	 * Workers share the processors.
	 */
	private static void threads() throws Exception
	{
		final int processors = Runtime.getRuntime().availableProcessors();
		final String set = System.getenv( "OMP_NUM_THREADS" );
		for ( int workers = 1; workers <= 3; ++workers )
			try ( PythonCacheLoaderQueue queue = queue( workers, INIT ) )
			{
				final String threads = queue.submit( python -> python.getValue( "os.environ['OMP_NUM_THREADS']", String.class ) ).get();
				require( threads, threads.equals( set != null ? set : Integer.toString( Math.max( 1, processors / workers ) ) ) );
			}
		// Those that start later know of each other.
		try ( PythonCacheLoaderQueue queue = queue( 1, INIT ) )
		{
			queue.pool().grow( 2 );
			final List< String > threads = Collections.synchronizedList( new ArrayList<>() );
			queue.pool().onAllWorkers( python -> threads.add( python.getValue( "os.environ['OMP_NUM_THREADS']", String.class ) ) ).get();
			threads.sort( Comparator.reverseOrder() );
			require( threads.toString(), threads.equals( set != null ? Arrays.asList( set, set ) : Arrays.asList( Integer.toString( processors ), Integer.toString( Math.max( 1, processors / 2 ) ) ) ) );
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

	static CachedCellImg< IntType, ? > image( final PythonCacheLoaderQueue queue, final String code, final int cells, final int size )
	{
		return image( queue, code, cells, size, PythonLoaderOptions.options() );
	}

	static CachedCellImg< IntType, ? > image( final PythonCacheLoaderQueue queue, final String code, final int cells, final int size, final PythonLoaderOptions options )
	{
		return PythonCacheLoader.fromRandomAccessibles( new CellGrid( new long[] { cells * ( long ) size }, new int[] { size } ), queue, code, new IntType(), new IntBufferAccess( 0, true ),
				Halo.empty( 1 ), options, Collections.emptyList() ).createCachedCellImg( cells );
	}

	static void requireGood( final CachedCellImg< IntType, ? > image, final int cell, final int size )
	{
		for ( int i = 0; i < size; ++i )
			require( "pixel " + i + " of cell " + cell, image.getAt( cell * ( long ) size + i ).get() == 3 * cell + i );
	}

	static PythonCellException failure( final CachedCellImg< IntType, ? > image, final int cell )
	{
		return ( PythonCellException ) cause( failureOf( image, cell ) );
	}

	static RuntimeException failureOf( final CachedCellImg< IntType, ? > image, final int cell )
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

	static Throwable cause( final Throwable thrown )
	{
		Throwable cause = thrown;
		while ( cause != null && !( cause instanceof PythonException ) )
			cause = cause.getCause();
		if ( cause == null )
			throw new AssertionError( "no exception of Python", thrown );
		return cause;
	}

	static List< ProcessHandle > workers()
	{
		return ProcessHandle.current().children().collect( Collectors.toList() );
	}

	static void requireWorkers( final int number )
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

	static int entries( final Path folder ) throws IOException
	{
		try ( Stream< Path > entries = Files.list( folder ) )
		{
			return ( int ) entries.count();
		}
	}

	static void requireContains( final String text, final String... parts )
	{
		for ( final String part : parts )
			require( "\"" + part + "\" is missing in:\n" + text, text.contains( part ) );
	}

	static void require( final String what, final boolean condition )
	{
		if ( !condition )
			throw new AssertionError( what );
	}
}
