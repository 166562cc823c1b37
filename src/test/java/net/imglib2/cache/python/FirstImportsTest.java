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

import java.nio.file.Files;
import java.nio.file.Path;

import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Images whose code imports something for the first time can be looked at together.
 */
class FirstImportsTest
{
	/**
	 * They import parts of one package in different order.
	 */
	private static final String[] SCIPY = { "import scipy.sparse.linalg", "import scipy.ndimage", "from scipy import stats; stats.norm", "from scipy.spatial import cKDTree" };

	@ParameterizedTest
	@EnumSource( names = { "SUB", "SHARED", "PROCESS" } )
	void workersImportAtTheSameTime( final InterpreterMode mode ) throws Exception
	{
		require( mode, SCIPY );
	}

	/**
	 * {@code skimage} has {@code skimage.morphology} as soon as one of the modules of that names
	 * it.
	 */
	@ParameterizedTest
	@EnumSource( names = { "SUB", "SHARED", "PROCESS" } )
	void workersImportAModuleThatItsPackageShowsEarly( final InterpreterMode mode ) throws Exception
	{
		final String begin = "import sys, time\nowner = " + ( mode == InterpreterMode.SUB
				? "__import__('_jep').mainInterpreterModules['imglib2_cache_python._embedding.main_interpreter']._main_sys\n"
				: "sys\n" );
		final String slow = begin + "class Slow:\n    def find_spec(self, name, *_):\n        if name == 'skimage.morphology.gray':\n"
				// Until the other workers wait, if they see this module.
				+ "            end = time.monotonic() + 1\n"
				+ "            while time.monotonic() < end and sum(frame.f_code.co_filename.endswith('waiting.py') for frame in sys._current_frames().values()) < 2:\n"
				+ "                time.sleep(0.001)\n"
				+ "owner.meta_path.insert(0, Slow())\nfrom skimage.morphology import skeletonize";
		final String seen = mode == InterpreterMode.PROCESS ? "import skimage\n"
				: begin + "while 'morphology' not in vars(owner.modules.get('skimage', sys)):\n    time.sleep(0.001)\nimport skimage\n";
		require( mode, slow, seen + "skimage.morphology.skeletonize", seen + "from skimage import morphology; morphology.skeletonize" );
	}

	@ParameterizedTest
	@EnumSource( names = { "SUB", "SHARED", "PROCESS" } )
	void threadsOfABlockImportTheSameAtTheSameTime( final InterpreterMode mode ) throws Exception
	{
		require( mode, inThreads( "from pygments.lexers import PythonLexer; from scipy.ndimage import gaussian_filter; from skimage import morphology; morphology.skeletonize" ) );
	}

	@ParameterizedTest
	@EnumSource( names = { "SUB", "SHARED", "PROCESS" } )
	void threadsOfABlockImportAModuleThatReplacesItself( final InterpreterMode mode, @TempDir final Path folder ) throws Exception
	{
		Files.writeString( folder.resolve( "replaced.py" ), "import sys, time, types\n"
				+ "class Late(types.ModuleType):\n    def __getattr__(self, name):\n        if name == 'late':\n            return 5\n        raise AttributeError(name)\n"
				// Until the other threads wait for this import.
				+ "end = time.monotonic() + 1\n"
				+ "while time.monotonic() < end and sum('importlib' in frame.f_code.co_filename for frame in sys._current_frames().values()) < 3:\n    time.sleep(0.001)\n"
				+ "sys.modules[__name__] = Late(__name__)\n" );
		require( mode, "import sys\nsys.path.insert(0, r'" + folder + "')\n" + inThreads( "while number and 'replaced' not in sys.modules: pass\n    from replaced import late" ) );
	}

	private static String inThreads( final String imports )
	{
		return "from concurrent.futures import ThreadPoolExecutor\n"
				+ "def first(number):\n    " + imports + "\n"
				+ "with ThreadPoolExecutor(4) as pool:\n    list(pool.map(first, range(4)))";
	}

	private static void require( final InterpreterMode mode, final String... imports ) throws Exception
	{
		ChildJvm.of( FirstImportsMain.class ).withPython( ChildJvm.testPython() ).withMode( mode ).run( imports ).requireExitCode( 0 ).requireOutput( "done" );
	}
}
