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

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What interpreters share in mode SUB, and what they do not. Each test runs in a JVM of its own,
 * because a defect would hang or end it.
 */
@DisabledOnOs( value = OS.WINDOWS, disabledReason = "environments are put together from symbolic links" )
class SubInterpretersTest
{
	private Path modules;

	@BeforeEach
	void makeFolder() throws IOException
	{
		modules = Files.createTempDirectory( "sub-interpreters-test" ).toRealPath();
	}

	@AfterEach
	void deleteFolder() throws IOException
	{
		TestPythons.delete( modules );
	}

	// --------------------------------------------------------- ids of threads

	@ParameterizedTest
	@ValueSource( strings = { "3.10", "3.11" } )
	void idsOfThreadsAreUniqueInTheProcess( final String version ) throws Exception
	{
		TestPythons.write( modules.resolve( "ids.py" ), """
				import _thread, ctypes, os, threading
				from concurrent.futures import ThreadPoolExecutor

				get_id = ctypes.PyDLL(None).PyThreadState_GetID
				get_id.restype, get_id.argtypes = ctypes.c_uint64, (ctypes.c_void_p,)
				get = ctypes.PyDLL(None).PyThreadState_Get
				get.restype = ctypes.c_void_p

				def own():
				    return get_id(get())

				def check():
				    found = [own()]
				    thread = threading.Thread(target=lambda: found.append(own()))
				    thread.start()
				    thread.join()
				    lock = _thread.allocate_lock()
				    lock.acquire()
				    _thread.start_new_thread(lambda: (found.append(own()), lock.release()), ())
				    lock.acquire()
				    with ThreadPoolExecutor(2) as executor:
				        found.extend(executor.map(lambda _: own(), range(2)))
				    known = set(map(int, os.environ.get('KNOWN', '').split()))
				    assert not known & set(found), (known, found)
				    assert len(set(found)) >= 4, found
				    os.environ['KNOWN'] = ' '.join(map(str, known | set(found)))
				""" );
		run( version, "a: import ids; ids.check()", "b: import ids; ids.check()", "close a", "c: import ids; ids.check()" );
	}

	@ParameterizedTest
	@ValueSource( strings = { "3.10", "3.11" } )
	void contextVariablesAreEachInterpretersOwn( final String version ) throws Exception
	{
		TestPythons.write( modules.resolve( "contexts.py" ), """
				import asyncio, contextvars, decimal, threading
				import numpy as np
				import numpy.linalg

				def variable():
				    # Of a module that all interpreters share.
				    return vars(numpy.linalg).setdefault('variable_of_the_test', contextvars.ContextVar('v', default='nobody'))

				def set_all(name):
				    variable().set(name)
				    np.seterr(divide='raise')
				    decimal.getcontext().prec = 5

				def check_none():
				    assert variable().get() == 'nobody', variable().get()
				    assert np.geterr()['divide'] == 'warn', np.geterr()
				    assert decimal.getcontext().prec == 28, decimal.getcontext()
				    loop = asyncio.new_event_loop()
				    async def running():
				        return asyncio.get_running_loop() is loop
				    try:
				        assert loop.run_until_complete(running())
				    finally:
				        loop.close()
				""" );
		final String set = "import contexts; contexts.set_all(%s)";
		final String check = "import contexts; contexts.check_none()";
		run( version, "a: " + String.format( set, "'a'" ), "b: " + check, "close a", "c: " + check,
				"c: import contexts, threading; found = []\ndef in_thread():\n    try:\n        contexts.check_none()\n    except BaseException as e:\n        found.append(e)\n"
						+ "thread = threading.Thread(target=in_thread); thread.start(); thread.join(); assert not found, found" );
	}

	// ----------------------------------------------------------- late imports

	@Test
	void sharedPackagesMayImportLate() throws Exception
	{
		requirePackages();
		TestPythons.write( modules.resolve( "of_user.py" ), "import scipy as everything\n\ndef attribute(name):\n    return getattr(everything, name)\n" );
		final List< String > steps = new ArrayList<>();
		for ( final String code : LATE_IMPORTS )
			// The second interpreter needs what the first one imported.
			steps.addAll( Arrays.asList( "a: " + code, "b: " + code ) );
		steps.add( "close a" );
		for ( final String code : LATE_IMPORTS )
			steps.add( "c: " + code );
		run( "3.11", steps.toArray( new String[ 0 ] ) );
	}

	private static final String[] LATE_IMPORTS = {
			"import scipy as sp\nsp.signal.detrend",
			"import scipy\ngetattr(scipy, 'interpolate').interp1d",
			"import of_user; of_user.attribute('optimize').minimize",
			"from of_user import everything; everything.stats.norm",
			"import importlib; importlib.import_module('skimage.filters').gaussian",
			"import skimage as package; vars()['package'].measure.label",
			"import numpy; numpy.testing.assert_allclose; numpy.f2py",
			"import scipy, inspect; [name for name, _ in inspect.getmembers(scipy)]",
			"import scipy, threading; t = threading.Thread(target=lambda: scipy.cluster.vq.kmeans); t.start(); t.join(); scipy.cluster.vq",
			"import scipy; copied = scipy; del scipy; from operator import attrgetter; attrgetter('sparse.linalg.eigs')(copied)",
			"import PIL.Image, numpy; PIL.Image.init(); PIL.Image.registered_extensions()",
			"try:\n    import scipy.no_such_module\nexcept ModuleNotFoundError as e:\n    assert e.name == 'scipy.no_such_module'\nelse:\n    raise AssertionError",
			"import scipy\ntry:\n    scipy.no_such_module\nexcept AttributeError:\n    pass\nelse:\n    raise AssertionError" };

	@Test
	void codeOfSharedPackagesThatImportsLateRunsInTheMainInterpreter() throws Exception
	{
		final Path venv = TestPythons.venvWith( modules.resolve( "venv" ), "numpy", "jep" );
		final Path packages = TestPythons.sitePackages( TestPythons.executable( venv ) );
		TestPythons.write( packages.resolve( "late/__init__.py" ), """
				import importlib, importlib.util, sys, threading

				lock = threading.RLock()

				def by_name(name):
				    return importlib.import_module('late.' + name)

				def by_statement():
				    from late import statement
				    return statement

				def __getattr__(name):
				    with lock:
				        if name in ('attribute', 'first', 'second'):
				            return importlib.import_module('.' + name, __name__)
				    raise AttributeError(name)

				def lazily(name):
				    spec = importlib.util.find_spec('late.' + name)
				    module = importlib.util.module_from_spec(spec)
				    sys.modules['late.' + name] = module
				    importlib.util.LazyLoader(spec.loader).exec_module(module)
				    return module

				def of_user(name):
				    return importlib.import_module(name)
				""" );
		final String told = "import threading, time\nthread = threading.get_native_id()\nimport late.helper\nfrom . import helper\n";
		for ( final String name : new String[] { "name", "statement", "attribute", "lazy", "helper" } )
			TestPythons.write( packages.resolve( "late" ).resolve( name + ".py" ), name.equals( "helper" ) ? "import threading\nthread = threading.get_native_id()\n" : told );
		TestPythons.write( packages.resolve( "late/first.py" ), told + "import late\nthread = late.second.thread\n" );
		TestPythons.write( packages.resolve( "late/second.py" ), told );
		TestPythons.write( packages.resolve( "late/exits.py" ), "raise SystemExit(3)\n" );
		TestPythons.writeDistribution( packages, "late", "1.0", "late/__init__.py", "late/_c" + TestPythons.ask( TestPythons.executable( venv ), "__import__('importlib.machinery').machinery.EXTENSION_SUFFIXES[0]" ) );
		TestPythons.write( modules.resolve( "of_user.py" ), "mine = 5\n" );
		run( ChildJvm.of( SubInterpretersMain.class ).withPython( venv ), "a: " + """
				import late, threading
				found = [late.by_name('name'), late.by_statement(), late.attribute, late.lazily('lazy'), late.helper, late.first]
				threads = {module.thread for module in found}
				assert len(threads) == 1 and threading.get_native_id() not in threads, threads
				assert late.of_user('of_user').mine == 5
				late.of_user('of_user').mine = 6
				assert not hasattr(late, 'no_such_attribute')
				try:
				    late.by_name('exits')
				except SystemExit as e:
				    assert e.code == 3
				else:
				    raise AssertionError
				""", "b: import late; assert late.of_user('of_user').mine == 5; late.attribute.thread; late.by_name('name')" );
	}

	// ------------------------------------------------------- standard library

	@ParameterizedTest
	@ValueSource( strings = { "3.10", "3.11" } )
	void theStandardLibraryIsSharedButForItsImportMachinery( final String version ) throws Exception
	{
		TestPythons.write( modules.resolve( "library.py" ), """
				import importlib, sys, warnings
				from _jep import mainInterpreterModules

				def check():
				    own = []
				    for name in sorted(sys.stdlib_module_names - {'antigravity', 'this', 'idlelib', 'turtledemo', 'turtle', 'tkinter', '_tkinter'}):
				        try:
				            with warnings.catch_warnings():
				                warnings.simplefilter('ignore')
				                module = importlib.import_module(name)
				        except ModuleNotFoundError:
				            continue
				        if module is not mainInterpreterModules.get(name):
				            own.append(name)
				    expected = {'_frozen_importlib', '_frozen_importlib_external', '_imp', '_sitebuiltins', 'imp', 'importlib', 'modulefinder', 'pkgutil', 'runpy', 'site', 'sys', 'zipimport'}
				    assert set(own) == expected, set(own) ^ expected
				""" );
		run( version, "a: import library; library.check()", "close a", "b: import library; library.check()" );
	}

	@ParameterizedTest
	@ValueSource( strings = { "3.10", "3.11" } )
	void modulesOfTheStandardLibraryWorkAfterTheInterpreterThatUsedThemFirst( final String version ) throws Exception
	{
		TestPythons.write( modules.resolve( "tour.py" ), TOUR );
		run( version, "a: import tour; tour.tour()", "b: import tour; tour.tour()", "close a", "b: import tour; tour.tour()", "c: import tour; tour.tour()" );
	}

	/**
	 * Modules that have static state in C, look up modules and classes by name, or write to the
	 * standard streams.
	 */
	private static final String TOUR = """
			import array, csv, ctypes, dataclasses, datetime, decimal, enum, fractions, inspect, io, json, os, pathlib, pickle, re, sqlite3, struct, sys
			import contextlib, copy, copyreg, functools, logging, subprocess, tempfile, threading, time, typing, uuid, warnings, xml.etree.ElementTree, zoneinfo
			from collections import abc, namedtuple

			Pair = namedtuple('Pair', 'a b')

			class Colour(enum.Enum):
			    RED = 1

			@dataclasses.dataclass
			class Point:
			    x: "int"
			    y: "typing.ClassVar[int]" = 3

			class Sized:
			    def __len__(self):
			        return 1

			def tour():
			    assert datetime.datetime.strptime('2020-02-03', '%Y-%m-%d').day == 3
			    assert time.strptime('2020', '%Y').tm_year == 2020
			    assert datetime.datetime.now(datetime.timezone.utc).utcoffset() == datetime.timedelta(0)
			    assert decimal.Decimal('1.1') + 1 == decimal.Decimal('2.1')
			    assert fractions.Fraction('1/3') + decimal.Decimal(1).__int__() == fractions.Fraction(4, 3)
			    assert list(csv.DictReader(io.StringIO('a,b\\n1,2\\n'))) == [{'a': '1', 'b': '2'}]
			    try:
			        list(csv.reader(['a'], 'no such dialect'))
			    except csv.Error:
			        pass
			    assert io.TextIOWrapper(io.BytesIO(b'\\xa4'), encoding='iso8859-15').read() == '\\u20ac'
			    assert '\\xe4.org'.encode('idna') == b'xn--4ca.org' and b'\\xe4'.decode('cp1252') == '\\xe4' and 'a'.encode('utf-16-le') == b'a\\0'
			    assert json.loads(json.dumps({'a': [1.5, None]})) == {'a': [1.5, None]}
			    try:
			        json.loads('{')
			    except json.JSONDecodeError:
			        pass
			    root = xml.etree.ElementTree.fromstring('<a><b c="1"/></a>')
			    assert root.find('b').get('c') == '1' and copy.deepcopy(root)[0].tag == 'b'
			    try:
			        xml.etree.ElementTree.fromstring('<a>')
			    except xml.etree.ElementTree.ParseError:
			        pass
			    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
			        kept = [Pair(1, 2), Colour.RED, Point(5), pathlib.PurePosixPath('a/b'), re.compile('a'), datetime.date(2020, 1, 1), decimal.Decimal(1), tour]
			        assert pickle.loads(pickle.dumps(kept, protocol)) == kept
			    try:
			        pickle.dumps(lambda: 0)
			    except (pickle.PicklingError, AttributeError):
			        pass
			    with sqlite3.connect(':memory:') as connection:
			        assert connection.execute('select 1 + 1').fetchone() == (2,)
			    assert struct.unpack('<h', array.array('h', [5]).tobytes()) == (5,)
			    assert typing.get_type_hints(Point)['x'] is int and [field.name for field in dataclasses.fields(Point)] == ['x']
			    assert isinstance(Sized(), abc.Sized) and not isinstance(5, abc.Sized) and isinstance(open(__file__), io.TextIOBase)
			    assert inspect.getsource(Colour).startswith('class Colour') and inspect.getmodule(tour) is sys.modules[__name__]
			    assert isinstance(zoneinfo.ZoneInfo.no_cache('UTC') if zoneinfo.TZPATH and zoneinfo.available_timezones() else uuid.uuid4(), (zoneinfo.ZoneInfo, uuid.UUID))
			    told = io.StringIO()
			    with contextlib.redirect_stdout(told), contextlib.redirect_stderr(told):
			        print('printed')
			        warnings.warn_explicit('warned', UserWarning, 'file', 1, registry={})
			        logging.lastResort.handle(logging.makeLogRecord({'msg': 'logged'}))
			    assert [word in told.getvalue() for word in ('printed', 'warned', 'logged')] == [True] * 3, told.getvalue()
			    assert subprocess.run([sys.executable, '-c', 'print(1)'], capture_output=True, check=True).stdout == b'1\\n'
			    with tempfile.TemporaryDirectory() as folder:
			        assert os.listdir(pathlib.Path(folder)) == []
			    found = []
			    thread = threading.Thread(target=lambda: found.append(threading.current_thread()))
			    thread.start()
			    thread.join()
			    assert found == [thread]
			    @functools.singledispatch
			    def kind(_): return 'any'
			    @kind.register
			    def _(_: Point): return 'point'
			    assert kind(Point(1)) == 'point'
			    assert ctypes.sizeof(ctypes.c_uint64) == 8
			""";

	@Test
	void packagesAndUserSeeOneStandardLibrary() throws Exception
	{
		requirePackages();
		run( "3.11", "a: " + """
				import logging, os, pathlib, tempfile, warnings
				import numpy as np, skimage.io, skimage, scipy
				with tempfile.TemporaryDirectory() as folder:
				    file = pathlib.Path(folder) / 'image.png'
				    skimage.io.imsave(file, np.arange(0, 250, 10, dtype=np.uint8).reshape(5, 5), check_contrast=False)
				    assert skimage.io.imread(file).shape == (5, 5)
				records = []
				class Handler(logging.Handler):
				    def emit(self, record):
				        records.append(record.getMessage())
				handler = Handler()
				logging.getLogger().addHandler(handler)
				import imageio.core.util
				imageio.core.util.logger.warning('of a package')
				logging.getLogger().removeHandler(handler)
				assert records == ['of a package'], records
				os.environ['SEEN_BY_PACKAGES'] = 'yes'
				assert np.lib._datasource.os.environ['SEEN_BY_PACKAGES'] == 'yes'
				with warnings.catch_warnings(record=True) as caught:
				    warnings.simplefilter('always')
				    skimage.util.img_as_ubyte(np.full((2, 2), 0.3))
				    np.float64(1) / np.float64(0)
				assert any(issubclass(warning.category, RuntimeWarning) for warning in caught), caught
				""" );
	}

	@Test
	void ownModulesAndThePathAreEachInterpretersOwn() throws Exception
	{
		TestPythons.write( modules.resolve( "own.py" ), "value = 1\n" );
		run( "3.11", "a: import own, sys; own.value = 2; sys.path.append('/only/a'); sys.argv = ['a']", "b: import own, sys; assert own.value == 1; assert '/only/a' not in sys.path; assert sys.argv != ['a']" );
	}

	@Test
	void objectsOfAClosedQueueInSharedModulesStillWork() throws Exception
	{
		TestPythons.write( modules.resolve( "leaving.py" ), """
				import logging, warnings

				class Handler(logging.Handler):
				    def emit(self, record):
				        assert isinstance(record.getMessage(), str)
				        logging.seen = getattr(logging, 'seen', 0) + 1

				def leave():
				    logging.getLogger().addHandler(Handler())
				    warnings.showwarning = show

				def show(*arguments):
				    assert len(arguments) > 3
				    warnings.seen = True
				""" );
		run( "3.11", "a: import leaving; leaving.leave()", "close a",
				"b: import logging, warnings; logging.raiseExceptions = True; logging.getLogger('x').warning('y'); assert logging.seen == 1; warnings.warn('w'); assert warnings.seen" );
	}

	// ---------------------------------------------------------------- closing

	@ParameterizedTest
	@ValueSource( strings = { "3.10", "3.11" } )
	void interpretersWithAnotherThreadAreLeftOpen( final String version ) throws Exception
	{
		final ChildJvm.Result result = run( version, openedAndClosed( STARTS_OF_THREADS ) );
		for ( int i = 1; i <= STARTS_OF_THREADS.length; ++i )
			result.requireOutput( "The interpreter of python_" + i + "_worker_1 stays open: RuntimeError: threads that its code has started still live" );
	}

	private static final String[] STARTS_OF_THREADS = {
			"import _thread, time; _thread.start_new_thread(time.sleep, (600,))",
			"import threading; threading.Thread(target=threading.Event().wait).start()",
			"import threading; threading.Thread(target=threading.Event().wait, daemon=True).start()",
			"import atexit, _thread, time; atexit.register(_thread.start_new_thread, time.sleep, (600,))",
			"import atexit, threading; atexit.register(lambda: threading.Thread(target=threading.Event().wait, daemon=True).start())",
			"import atexit, threading; atexit.register(lambda: atexit.register(lambda: threading.Thread(target=threading.Event().wait).start())); thread = threading.Thread(target=threading.Event().wait).start()",
			"import sys, _thread, time, types\nclass Last:\n    def __del__(self, start=_thread.start_new_thread, sleep=time.sleep):\n        start(sleep, (600,))\nmodule = types.ModuleType('of_user'); module.last = Last(); sys.modules['of_user'] = module; del module" };

	@ParameterizedTest
	@ValueSource( strings = { "3.10", "3.11" } )
	void interpretersEndWhateverStillRunsThen( final String version ) throws Exception
	{
		final ChildJvm.Result result = run( version, openedAndClosed( LAST_WORDS ) ).requireOutput( "\nexit function ran" );
		assertFalse( result.output.contains( "stays open" ), result.output );
	}

	private static final String[] LAST_WORDS = {
			// Like the one of tqdm.
			"import threading\nclass TMonitor(threading.Thread):\n    was_killed = threading.Event()\n    def run(self):\n        self.was_killed.wait(600)\nTMonitor(daemon=True).start()",
			"import threading, _thread, time; threading._register_atexit(_thread.start_new_thread, time.sleep, (600,))",
			"import sys, _thread, time\nclass Last:\n    def __del__(self, start=_thread.start_new_thread, sleep=time.sleep):\n        start(sleep, (600,))\nsys.last_of_test = Last()",
			"import concurrent.futures, sys; sys.executor = concurrent.futures.ThreadPoolExecutor(2); list(sys.executor.map(abs, [1, 2])); sys.executor.shutdown()",
			"import atexit, os, sys; atexit.register(print, 'exit function ran')",
			"import sys; sys.modules['numpy_by_another_name'] = np; sys.modules['os_of_user'] = __import__('os')" };

	// ---------------------------------------------------------------- helpers

	private static String[] openedAndClosed( final String... codes )
	{
		final List< String > steps = new ArrayList<>();
		for ( int i = 0; i < codes.length; ++i )
			steps.addAll( Arrays.asList( i + ": " + codes[ i ], "close " + i ) );
		steps.add( "last: import os; assert np.ones(2).sum() == 2 and os.getcwd()" );
		return steps.toArray( new String[ 0 ] );
	}

	private ChildJvm.Result run( final String version, final String... steps ) throws Exception
	{
		final ChildJvm jvm = ChildJvm.of( SubInterpretersMain.class );
		if ( version.equals( TestPythons.minor( ChildJvm.testPython() ) ) )
			return run( jvm.withPython( ChildJvm.testPython() ), steps );
		return run( jvm.withPython( TestPythons.environment( version ) ), steps );
	}

	private ChildJvm.Result run( final ChildJvm jvm, final String... steps ) throws Exception
	{
		final List< String > arguments = new ArrayList<>( Arrays.asList( steps ) );
		arguments.add( 0, modules.toString() );
		return jvm.withMode( InterpreterMode.SUB ).withTimeout( 60 ).run( arguments.toArray( new String[ 0 ] ) ).requireExitCode( 0 ).requireOutput( "done" );
	}

	private static void requirePackages() throws IOException, InterruptedException
	{
		assumeTrue( TestPythons.minor( ChildJvm.testPython() ).equals( "3.11" ), "needs Python 3.11" );
		for ( final String name : new String[] { "scipy", "skimage", "PIL" } )
			if ( !TestPythons.ask( ChildJvm.testPython(), "__import__('importlib.util').util.find_spec('" + name + "') is not None" ).equals( "True" ) )
				abort( ChildJvm.testPython() + " has no " + name );
	}
}
