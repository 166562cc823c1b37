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
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import net.imglib2.RandomAccessibleInterval;
import net.imglib2.img.array.ArrayImgs;
import net.imglib2.img.cell.CellGrid;
import net.imglib2.type.numeric.integer.IntType;
import net.imglib2.view.Views;

/**
 * Code that does odd things to Python and to the process. Each is done twice, in a JVM of its
 * own for each mode. After each, other images on the same worker and on another queue have the
 * right pixels, and no thread, file descriptor, process or native memory is left.
 */
class PythonOdditiesTest
{
	@ParameterizedTest
	@EnumSource( names = { "SUB", "SHARED", "PROCESS" } )
	void whateverCodeDoesOthersGoOn( final InterpreterMode mode ) throws Exception
	{
		child( Oddities.class, mode ).run().requireExitCode( 0 ).requireOutput( "all contained" );
	}

	@ParameterizedTest
	@EnumSource( names = { "SUB", "SHARED" } )
	// A worker process takes no notice of it.
	void interruptThatCodeSendsToItsOwnProcessEndsTheJvmInOrder( final InterpreterMode mode ) throws Exception
	{
		// 130 is the exit code after Ctrl+C.
		child( RaiseSignal.class, mode ).run().requireExitCode( 130 ).requireOutput( "shutdown hook ran" );
	}

	private static ChildJvm child( final Class< ? > main, final InterpreterMode mode )
	{
		return ChildJvm.of( main ).withPython( ChildJvm.testPython() ).withMode( mode ).withAllCompilers().withJvmArguments( Resources.JVM_ARGUMENTS );
	}

	public static final class Oddities
	{
		private static final CellGrid GRID = new CellGrid( new long[] { 6, 15, 35 }, new int[] { 4, 5, 7 } );

		/**
		 * A module of the user's own.
		 */
		private static final String MODULE = """
				import os

				def square(x):
				    return x * x

				def process(_):
				    return os.getpid()

				def put(queue, value):
				    queue.put(value)
				""";

		private static final int PRINTED = 10 << 20;

		private final InterpreterMode mode = InterpreterMode.valueOf( System.getProperty( PythonEnvironment.MODE_PROPERTY ) );

		private final AtomicLong printed = new AtomicLong();

		private final ConcurrentLinkedQueue< String > lines = new ConcurrentLinkedQueue<>();

		private final PythonEnvironment environment;

		private PythonCacheLoaderQueue queue;

		private PythonCacheLoaderQueue bystander;

		private Oddities( final Path modules )
		{
			environment = PythonEnvironment.detected().withModulePath( modules ).withOutput( line -> printed.addAndGet( line.length() ), lines::add );
		}

		public static void main( final String... args ) throws Exception
		{
			final Path modules = Files.createTempDirectory( "oddities" );
			try
			{
				TestPythons.write( modules.resolve( "module_of_user.py" ), MODULE );
				new Oddities( modules ).run();
			}
			finally
			{
				TestPythons.delete( modules );
			}
			System.out.println( "all contained" );
		}

		private void run() throws Exception
		{
			try (final PythonCacheLoaderQueue first = new PythonCacheLoaderQueue( 1, "", environment ); final PythonCacheLoaderQueue second = new PythonCacheLoaderQueue( 1, "", environment ))
			{
				queue = first;
				bystander = second;
				startCheckingWorkers();
				exceptions();
				globalState();
				threadsAndProcesses();
				output();
				sources();
				replacedFunctionsOfNumpy();
			}
			closing();
		}

		/**
		 * On a busy machine, a queue starts a worker that checks code, and keeps it: it must
		 * not count as left behind.
		 */
		private void startCheckingWorkers() throws Exception
		{
			for ( final PythonCacheLoaderQueue each : new PythonCacheLoaderQueue[] { queue, bystander } )
			{
				try ( final OccupiedWorker busy = new OccupiedWorker( each ) )
				{
					loader( each, "block.data[...] = 1" );
				}
			}
		}

		private void exceptions() throws Exception
		{
			fails( "BaseException", "raise BaseException" );
			fails( "KeyboardInterrupt", "raise KeyboardInterrupt" );
			fails( "GeneratorExit", "def f():\n    yield 1\nnext(f())\nraise GeneratorExit" );
			fails( "Own", "class Own(BaseException):\n    def __str__(self): raise SystemExit(3)\nraise Own" );
			fails( "RecursionError", "def f(): return f()\nf()" );
			fails( "RecursionError", "class A:\n    def __getattr__(self, name): return getattr(self, name)\nA().x" );
			fails( "RecursionError", "a = []\nfor _ in range(100_000): a = [a]\nrepr(a)" );
			fails( "RecursionError", "import json\na = {}\nfor _ in range(100_000): a = {'a': a}\njson.dumps(a)" );
			fails( "RecursionError", "import sys\nbefore = sys.getrecursionlimit()\nsys.setrecursionlimit(20_000)\ndef f(): return f()\n"
					+ "try:\n    f()\nfinally:\n    sys.setrecursionlimit(before)" );
			fails( "MemoryError", "bytearray(1 << 62)" );
			fails( "MemoryError", "[0] * (1 << 60)" );
			fails( "_ArrayMemoryError", "np.empty(1 << 50)" );
			// If nobody can catch it, Python prints it.
			computes( "class A:\n    def __del__(self): raise SystemExit(5)\nA()\nblock.data[...] = 1" );
			computes( "import sys, threading\nt = threading.Thread(target=sys.exit)\nt.start()\nt.join()\nblock.data[...] = 1" );
			computes( "import weakref\nclass A: pass\na = A()\nr = weakref.ref(a, lambda _: quit())\ndel a\nblock.data[...] = 1" );
			computes( "import warnings\nasync def f(): pass\nf()\nblock.data[...] = 1" );
		}

		private void globalState() throws Exception
		{
			computes( "import os, tempfile\nhere = os.getcwd()\nfolder = tempfile.mkdtemp()\nos.chdir(folder)\nos.rmdir(folder)\nblock.data[...] = 1", "os.chdir(here)" );
			computes( "import sys\npath = sys.path[:]\nsys.path.clear()\nblock.data[...] = 1", "sys.path[:] = path" );
			computes( "import sys\npath = sys.path[:]\nsys.path[:] = ['/nowhere', None, 5]\nblock.data[...] = 1", "sys.path[:] = path" );
			computes( """
					import os
					environment = dict(os.environ)
					os.environ.clear()
					os.environ.update(PYTHONHOME='/nowhere', PYTHONPATH='/nowhere', LD_LIBRARY_PATH='/nowhere', LC_ALL='tlh_QO', TZ='Asia/Tokyo', PATH='')
					block.data[...] = 1
					""", "os.environ.clear()\nos.environ.update(environment)" );
			computes( """
					import contextlib, locale
					before = locale.setlocale(locale.LC_ALL)
					for name in 'C', 'C.UTF-8', 'POSIX', 'de_DE.UTF-8', 'tr_TR.UTF-8':
					    with contextlib.suppress(locale.Error):
					        locale.setlocale(locale.LC_ALL, name)
					block.data[...] = 1
					""", "locale.setlocale(locale.LC_ALL, before)" );
			computes( "import decimal, time, os\ndecimal.getcontext().prec = 1\nos.umask(os.umask(0o077))\ntime.tzset()\nblock.data[...] = 1" );
			computes( "import gc\ngc.freeze()\nblock.data[...] = 1", "gc.unfreeze()" );
			computes( "import gc\ngc.disable()\ngc.set_threshold(1, 1, 1)\ngc.enable()\nfor o in gc.get_objects(): type(o)\ngc.collect()\nblock.data[...] = 1", "gc.set_threshold(700, 10, 10)" );
			computes( "import sys\nsys.setswitchinterval(1e-4)\nsys.settrace(lambda *_: None)\nsys.setprofile(lambda *_: None)\nblock.data[...] = 1",
					"sys.settrace(None)\nsys.setprofile(None)\nsys.setswitchinterval(0.005)" );
			computes( "import sys\nhook = sys.excepthook\nsys.excepthook = sys.unraisablehook = None\nblock.data[...] = 1", "sys.excepthook = hook\nsys.unraisablehook = sys.__unraisablehook__" );
			computes( "import random\nrandom.random = None\nblock.data[...] = 1", "random.random = random._inst.random" );
			final String ignore = "import signal\nbefore = signal.signal(signal.SIGINT, signal.SIG_IGN)\nblock.data[...] = 1";
			if ( mode == InterpreterMode.PROCESS )
				computes( ignore, "signal.signal(signal.SIGINT, before)" );
			else
				fails( "ValueError", ignore );
			computes( "import signal, os, _thread\nsignal.getsignal(signal.SIGINT)\nos.kill(os.getpid(), 0)\n_thread.interrupt_main()\nblock.data[...] = 1" );
			// In the JVM, it warns and does nothing. In a process, it is on.
			computes( "import faulthandler\nfaulthandler.enable()\nassert faulthandler.is_enabled() == " + ( mode == InterpreterMode.PROCESS ? "True" : "False" ) + "\nblock.data[...] = 1" );
		}

		private void threadsAndProcesses() throws Exception
		{
			computes( "import threading\ntotal = []\nthreads = [threading.Thread(target=lambda: total.append(np.ones((200, 200)).sum())) for _ in range(8)]\n"
					+ "for t in threads: t.start()\nfor t in threads: t.join()\nassert total == [40_000] * 8\nblock.data[...] = 1" );
			computes( "from concurrent.futures import ThreadPoolExecutor\nwith ThreadPoolExecutor(4) as pool:\n    assert sum(pool.map(abs, range(-9, 0))) == 45\nblock.data[...] = 1" );
			// Never shut down: its threads end when it is garbage collected.
			computes( "import gc\nfrom concurrent.futures import ThreadPoolExecutor\ndef f():\n    return ThreadPoolExecutor(4).submit(abs, -1).result()\nblock.data[...] = f()\ngc.collect()" );
			computes( "import threading\ngo = threading.Event()\nt = threading.Thread(target=go.wait, daemon=True)\nt.start()\nblock.data[...] = 1", "go.set()\nt.join()" );
			computes( "import threading\nt = threading.Thread(target=block.data.fill, args=(1,))\nt.start()\nt.join()\ndel t" );
			computes( "import asyncio\nasync def f(x):\n    await asyncio.sleep(0)\n    return x\nasync def g():\n    return sum(await asyncio.gather(*map(f, range(100))))\nassert asyncio.run(g()) == 4950\nblock.data[...] = 1" );
			computes( """
					import asyncio, sys
					async def f():
					    child = await asyncio.create_subprocess_exec(sys.executable, '-I', '-c', 'print(6 * 7)', stdout=asyncio.subprocess.PIPE)
					    return (await child.communicate())[0]
					assert asyncio.run(f()).strip() == b'42'
					block.data[...] = 1
					""" );
			computes( "import subprocess, sys\nassert len(subprocess.run([sys.executable, '-I', '-c', 'print(10**6 * \"x\")'], stdout=subprocess.PIPE).stdout) > 10**6\nblock.data[...] = 1" );
			computes( """
					import multiprocessing, os
					from module_of_user import process, square
					assert multiprocessing.get_start_method() == 'spawn'
					with multiprocessing.Pool(2) as pool:
					    assert pool.map(square, range(5)) == [0, 1, 4, 9, 16]
					    assert os.getpid() not in pool.map(process, range(5))
					block.data[...] = 1
					""" );
			computes( """
					from concurrent.futures import ProcessPoolExecutor
					from module_of_user import square
					with ProcessPoolExecutor(2) as pool:
					    assert list(pool.map(square, range(5))) == [0, 1, 4, 9, 16]
					block.data[...] = 1
					""" );
			computes( """
					import multiprocessing
					from module_of_user import put
					queue = multiprocessing.Queue()
					child = multiprocessing.Process(target=put, args=(queue, 7))
					child.start()
					assert queue.get() == 7
					child.join()
					queue.close()
					queue.join_thread()
					block.data[...] = 1
					""" );
			fails( "PicklingError", "import multiprocessing\ndef square(x): return x * x\nwith multiprocessing.Pool(1) as pool:\n    pool.map(square, [1])" );
			final String fork = "import multiprocessing\nwith multiprocessing.get_context('fork').Pool(1) as pool:\n    block.data[...] = pool.map(abs, [-1])[0]";
			if ( mode == InterpreterMode.SUB )
				fails( "RuntimeError", fork );
			if ( mode == InterpreterMode.PROCESS )
				computes( fork );
		}

		private void output() throws Exception
		{
			for ( final String print : new String[] { "for _ in range(1 << 17): print('x' * 79)", "print('x' * (10 << 20), end='')", "for _ in range(1 << 18): print('x' * 40, end='')" } )
			{
				printed.set( 0 );
				computes( print + "\nblock.data[...] = 1" );
				// Twice, and some of the text as line ends.
				assertTrue( printed.get() >= 2 * PRINTED * 79L / 80, printed + " characters of " + print );
			}
			lines.clear();
			computes( "import logging, warnings\nlogging.warning('logged')\nlogging.getLogger('own').error('logged by name')\nwarnings.warn('warned', stacklevel=1)\nblock.data[...] = 1" );
			for ( final String line : new String[] { "WARNING:root:logged", "ERROR:own:logged by name" } )
				assertEquals( 2, lines.stream().filter( line::equals ).count(), lines::toString );
			assertTrue( lines.stream().anyMatch( line -> line.matches( "<PythonCacheLoader \\d+>:4: UserWarning: warned" ) ), lines::toString );
			fails( "UserWarning", "import warnings\nwith warnings.catch_warnings():\n    warnings.simplefilter('error')\n    warnings.warn('x')" );
			computes( "import logging\nlogging.basicConfig(level=logging.DEBUG, force=True)\nlogging.disable()\nlogging.shutdown()\nblock.data[...] = 1", "logging.disable(logging.NOTSET)" );
		}

		private void sources() throws Exception
		{
			for ( final String code : new String[] {
					"größe = '\ud83d\ude00 ü'\nassert len(größe) == 3\nblock.data[...] = 1",
					"\ufeffif True:\r\n\tx = '''a\r\nb'''\r\n\tassert x == 'a\\nb'\r\n\tblock.data[...] = 1\r\n",
					"x = 1\rblock.data[...] = x\r",
					"\fif True:\n\tif True:\n\t\tblock.data[...] = 1",
					"# -*- coding: latin-1 -*-\nassert 'ü' == '\\xfc'\nblock.data[...] = 1",
					"x = '" + "ä".repeat( 1 << 20 ) + "'\nassert len(x) == 1 << 20\nblock.data[...] = 1",
					"x = 0\n" + "x += 1\n".repeat( 20_000 ) + "block.data[...] = x // 20_000" } )
				computes( code );
			for ( final String code : new String[] { "x = 1\0", "\tx = 1\n        y = 2", "(".repeat( 10_000 ), "x = " + "-".repeat( 1_000_000 ) + "1" } )
				assertThrows( PythonCodeException.class, () -> loader( queue, code ), () -> code.substring( 0, 3 ) );
			requireOthersRight( "code that is not Python" );
		}

		private void replacedFunctionsOfNumpy() throws Exception
		{
			computes( "np = sum = None\nblock.data[...] = 1" );
			if ( mode != InterpreterMode.SUB )
			{
				// As in any Python program; the documentation says so.
				final PythonCacheLoader< IntType, ? > replaces = loader( queue, code( "real = np.kaiser\nnp.kaiser = None\nblock.data[...] = 1", "np.kaiser = real" ) );
				assertEquals( 1, pixel( replaces, 0 ) );
				assertEquals( mode == InterpreterMode.SHARED ? 1 : 0, pixel( loader( bystander, "block.data[...] = np.kaiser is None" ), 0 ) );
				assertEquals( 2, pixel( replaces, 1 ) );
			}
			else
				for ( final String replace : new String[] { "np.add = np.subtract", "del np.add", "np.linalg.norm = None", "from unittest import mock\nwith mock.patch('numpy.add'): pass" } )
					fails( "AttributeError", replace );
		}

		/**
		 * Code that leaves work for the end of its interpreter.
		 */
		private void closing() throws Exception
		{
			Map< String, Long > before = null;
			for ( int i = 0; i < 3; ++i )
			{
				try (final PythonCacheLoaderQueue own = new PythonCacheLoaderQueue( 2, "import atexit, sys\natexit.register(sys.exit, 3)", environment ))
				{
					for ( final String code : new String[] {
							"from concurrent.futures import ThreadPoolExecutor\npool = ThreadPoolExecutor(2)\nblock.data[...] = pool.submit(abs, -1).result()",
							"import gc\nfrom concurrent.futures import ThreadPoolExecutor\npool = ThreadPoolExecutor(2)\nblock.data[...] = pool.submit(abs, -1).result()\npool.shutdown()\ngc.freeze()",
							"import multiprocessing\nfrom module_of_user import square\nwith multiprocessing.Pool(1) as pool:\n    block.data[...] = pool.map(square, [1])[0]",
							"from concurrent.futures import ProcessPoolExecutor\nfrom module_of_user import square\npool = ProcessPoolExecutor(1)\nblock.data[...] = pool.submit(square, 1).result()" } )
						assertEquals( 1, pixel( loader( own, code ), 0 ), code );
				}
				// The first round starts what lasts as long as the process.
				if ( before != null )
					Resources.requireNoMoreThan( before, "closing", this::collectPythonsGarbage );
				before = Resources.count();
			}
		}

		private void collectPythonsGarbage()
		{
			new PythonCacheLoaderQueue( 1, "import gc\ngc.unfreeze()\ngc.collect()", environment ).close();
			// Last, because it finds this queue as well.
			System.gc();
		}

		/**
		 * @param undo
		 * 		code that restores what others than this test need, before they run
		 */
		private void computes( final String code, final String... undo ) throws Exception
		{
			twice( code, () -> {
				final PythonCacheLoader< IntType, ? > loader = loader( queue, undo.length == 0 ? code : code( code, undo[ 0 ] ) );
				assertEquals( 1, pixel( loader, 0 ), code );
				requireOthersRight( code );
				if ( undo.length > 0 )
				{
					try (final PythonCacheLoaderQueue third = new PythonCacheLoaderQueue( 1, "import string", environment ))
					{
						requireRight( third, code );
					}
					assertEquals( 2, pixel( loader, 1 ), code );
				}
			} );
		}

		private void fails( final String type, final String code ) throws Exception
		{
			twice( code, () -> {
				final PythonCellException e = assertThrows( PythonCellException.class, () -> loader( queue, code ).get( 0L ), code );
				assertEquals( type, e.getPythonType().substring( e.getPythonType().lastIndexOf( '.' ) + 1 ), e.getMessage() );
				requireOthersRight( code );
			} );
		}

		@FunctionalInterface
		private interface Step
		{
			void run() throws Exception;
		}

		private void twice( final String what, final Step step ) throws Exception
		{
			// The first time, packages start processes that last.
			step.run();
			dropDeadLoaders();
			final Map< String, Long > before = Resources.count();
			step.run();
			Resources.requireNoMoreThan( before, what, this::dropDeadLoaders );
		}

		/**
		 * The code of an image and its variables live as long as the image.
		 */
		private void dropDeadLoaders()
		{
			System.gc();
			pixel( loader( queue, "import gc\ngc.collect()" ), 0 );
		}

		/**
		 * @return code that does one thing for cell 0, and undoes it for the others
		 */
		private static String code( final String code, final String undo )
		{
			return "if block.index == 0:\n" + code.indent( 4 ) + "else:\n" + undo.indent( 4 ) + "    block.data[...] = 2\n";
		}

		private void requireOthersRight( final String what )
		{
			requireRight( queue, what );
			requireRight( bystander, what );
		}

		private static void requireRight( final PythonCacheLoaderQueue queue, final String what )
		{
			final int[] pixels = new int[ 6 * 15 * 35 ];
			Arrays.setAll( pixels, i -> 7919 * i );
			final RandomAccessibleInterval< IntType > input = ArrayImgs.ints( pixels, 6, 15, 35 );
			final RandomAccessibleInterval< IntType > img = PythonCacheLoader.fromRandomAccessibles( GRID, queue, "block.data[...] = np.add(block.inputs[0], len(block.dim))[block.halo]", new IntType(),
					new Halo( 2, 1, 3 ), Views.extendMirrorSingle( input ) ).createCachedCellImg( 100 );
			final int[] next = { 0 };
			Views.flatIterable( img ).forEach( pixel -> assertEquals( 7919 * next[ 0 ]++ + 3, pixel.get(), () -> "pixel " + next[ 0 ] + " after " + what ) );
		}

		private static PythonCacheLoader< IntType, ? > loader( final PythonCacheLoaderQueue queue, final String code )
		{
			return PythonCacheLoader.fromRandomAccessibles( GRID, queue, code, new IntType() );
		}

		private static int pixel( final PythonCacheLoader< IntType, ? > loader, final int cell )
		{
			return loader.createCachedCellImg( 1 ).getAt( 4 * cell, 0, 0 ).get();
		}
	}

	public static final class RaiseSignal
	{
		public static void main( final String... args ) throws Exception
		{
			Runtime.getRuntime().addShutdownHook( new Thread( () -> System.out.println( "shutdown hook ran" ) ) );
			try (final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue( 1, "import signal" ))
			{
				queue.submit( python -> {
					python.exec( "signal.raise_signal(signal.SIGINT)" );
					return null;
				} ).join();
				// Until the JVM has ended.
				Thread.currentThread().join();
			}
		}
	}
}
