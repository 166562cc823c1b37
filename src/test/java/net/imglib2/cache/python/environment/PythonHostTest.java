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
package net.imglib2.cache.python.environment;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PythonHostTest
{
	private static final String LIBRARY = "/usr/lib/x86_64-linux-gnu/libpython3.11.so.1.0";

	private static final String JVM = "7f0000000000-7f0000001000 r-xp 00000000 08:01 11    /usr/lib/jvm/lib/server/libjvm.so\n";

	private static final String PYTHON = "7f0000002000-7f0000003000 r-xp 00000000 08:01 12    " + LIBRARY + "\n";

	private static final String JEP = "7f0000004000-7f0000005000 r-xp 00000000 08:01 13    /venv/lib/python3.11/site-packages/jep/libjep.so\n";

	private static final String FIJI = "/home/ada/Fiji/fiji-linux-x64";

	@ParameterizedTest
	@ValueSource( strings = { "/usr/bin/python3.11", "/opt/conda/bin/python", "C:\\Python311\\python.exe", "C:\\Python311\\pythonw.exe", "D:\\debug\\python_d.exe",
			"/Library/Frameworks/Python.framework/Versions/3.11/Resources/Python.app/Contents/MacOS/Python", "/usr/bin/python3-dbg", "/usr/bin/python3.11d",
			"/usr/local/bin/python3.13t", "/usr/local/bin/python3-intel64" } )
	void executableOfPythonIsAHost( final String executable )
	{
		// Also if Python is linked statically, or the maps are unknown.
		assertEquals( "it has started this JVM from " + executable, find( null, executable, "", "" ) );
	}

	@ParameterizedTest
	@ValueSource( strings = { "", "/usr/lib/jvm/java-17/bin/java", "C:\\Java\\bin\\javaw.exe", "/opt/pythonista/bin/app", "/home/python/fiji", FIJI, "/usr/bin/jython" } )
	void otherExecutablesAreNoHosts( final String executable )
	{
		assertNull( find( null, executable, "", JVM ) );
	}

	@ParameterizedTest
	@CsvSource( delimiter = '|', value = {
			"org.jpype.JPypeContext                         | JPype, which PyImageJ and Fiji's Python mode use, has started this JVM",
			"org.jnius.NativeInvocationHandler              | Pyjnius has started this JVM",
			"org.cellprofiler.runnablequeue.RunnableQueue   | javabridge has started this JVM" } )
	void classOfABridgeTellsTheHost( final String name, final String expected )
	{
		assertEquals( expected + " from " + FIJI, find( null, FIJI, name, JVM + PYTHON ) );
		assertEquals( expected + " from /usr/bin/python3", find( null, "/usr/bin/python3", name, JVM ) );
		assertEquals( expected, find( null, "", name, "" ) );
	}

	@Test
	void libraryOfPythonRevealsAHostOfAnotherName()
	{
		assertEquals( FIJI + " has started this JVM and has loaded " + LIBRARY, find( null, FIJI, "", JVM + PYTHON ) );
		assertEquals( FIJI + " has started this JVM and has loaded /a b/libpython3.so", find( null, FIJI, "", JVM + "7f-7f r-xp 0 08:01 12    /a b/libpython3.so\n" ) );
	}

	@Test
	void libraryThatJepOrTheUserLoadsIsNoHost()
	{
		assertNull( find( null, FIJI, "", PYTHON + JEP + JVM ) );
		assertNull( PythonHost.find( null, FIJI, name -> false, PYTHON + JVM, "/usr/lib/libjsig.so:" + LIBRARY ) );
		assertNull( PythonHost.find( null, FIJI, name -> false, PYTHON + JVM, "libpython3.11.so.1.0" ) );
		assertEquals( FIJI + " has started this JVM and has loaded " + LIBRARY, PythonHost.find( null, FIJI, name -> false, PYTHON + JVM, "/usr/lib/libjsig.so" ) );
	}

	@Test
	void jvmOfTheCommandJavaHasNoHost()
	{
		assertNull( find( "SUN_STANDARD", "/usr/lib/jvm/java-17/bin/java", "org.jpype.JPypeContext", JVM + PYTHON ) );
	}

	private static String find( final String launcher, final String executable, final String className, final String mappedFiles )
	{
		return PythonHost.find( launcher, executable, className::equals, mappedFiles, null );
	}
}
