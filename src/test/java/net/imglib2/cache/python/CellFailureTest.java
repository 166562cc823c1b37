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

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.ExecutionException;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

import net.imglib2.cache.img.CachedCellImg;
import net.imglib2.img.basictypeaccess.nio.BufferAccess;
import net.imglib2.img.cell.CellGrid;
import net.imglib2.type.numeric.integer.UnsignedByteType;

/**
 * What the reader of an image gets where the Python code fails.
 */
@Tag( "both-modes" )
class CellFailureTest
{
	private static final CellGrid GRID = new CellGrid( new long[] { 6, 15, 35 }, new int[] { 4, 5, 7 } );

	private static PythonCacheLoaderQueue queue;

	@BeforeAll
	static void open()
	{
		queue = new PythonCacheLoaderQueue( 2, """
				import os
				import tempfile

				def divide(a, b):
				    return a / b
				""" );
	}

	@AfterAll
	static void close()
	{
		queue.close();
	}

	@Test
	void exceptionTellsCellAndLineAndTraceback()
	{
		final PythonCellException e = failure( """
				# a comment
				if block.index == 7:
				    divide(1, 0)
				""", 7 );
		assertEquals( 7, e.getIndex() );
		assertArrayEquals( new long[] { 4, 0, 7 }, e.getInterval().minAsLongArray() );
		assertArrayEquals( new long[] { 5, 4, 13 }, e.getInterval().maxAsLongArray() );
		assertTrue( e.getWorker().matches( "python_\\d+_worker_[12]" ), e.getWorker() );
		assertEquals( "ZeroDivisionError", e.getPythonType() );
		assertEquals( "division by zero", e.getPythonMessage() );
		assertTrue( e.getFile().matches( "<init of python_\\d+>" ), e.getFile() );
		assertEquals( 5, e.getLine() );
		assertEquals( "return a / b", e.getSourceLine() );
		assertTrue( e.getTraceback().contains( "line 3, in <module>\n    divide(1, 0)" ), e.getTraceback() );
		assertTrue( e.getMessage().startsWith( "Cell 7 [(4, 0, 7) -- (5, 4, 13) = 2x5x7] of " + e.getLoaderName() + " on " + e.getWorker() + " failed: ZeroDivisionError: division by zero" ), e.getMessage() );
		final StackTraceElement[] stack = e.getStackTrace();
		assertEquals( "divide", stack[ 0 ].getMethodName() );
		assertEquals( 5, stack[ 0 ].getLineNumber() );
		assertEquals( 3, stack[ 1 ].getLineNumber() );
	}

	@Test
	void readerOfAPixelGetsItAsCause()
	{
		final CachedCellImg< UnsignedByteType, ? extends BufferAccess< ? > > img = image( "raise ValueError('bad block')" );
		final RuntimeException e = assertThrows( RuntimeException.class, () -> img.getAt( 0, 0, 0 ) );
		assertInstanceOf( ExecutionException.class, e.getCause() );
		final PythonCellException cause = assertInstanceOf( PythonCellException.class, e.getCause().getCause() );
		assertEquals( "bad block", cause.getPythonMessage() );
		assertEquals( 1, cause.getLine() );
	}

	@Test
	void failedCellIsNotCachedAndRunsAgain()
	{
		final CachedCellImg< UnsignedByteType, ? extends BufferAccess< ? > > img = image( """
				marker = os.path.join(tempfile.gettempdir(), f"imglib2-cache-python-{os.getpid()}-{os.path.basename(__file__)}")
				if not os.path.exists(marker):
				    open(marker, "w").close()
				    block.data[...] = 1
				    raise OSError("first attempt")
				os.remove(marker)
				block.data[...] = 2
				""" );
		assertThrows( RuntimeException.class, () -> img.getAt( 0, 0, 0 ) );
		assertEquals( 2, img.getAt( 0, 0, 0 ).get() );
	}

	@Test
	void otherCellsAreFine()
	{
		final CachedCellImg< UnsignedByteType, ? extends BufferAccess< ? > > img = image( "if block.index == 0: raise ValueError\nblock.data[...] = 5" );
		assertThrows( RuntimeException.class, () -> img.getAt( 0, 0, 0 ) );
		assertEquals( 5, img.getAt( 5, 0, 0 ).get() );
	}

	@Test
	void forkingIsRefusedWhereItWouldAbort()
	{
		final String fork = "pid = os.fork()\nif pid == 0: os._exit(0)\nos.waitpid(pid, 0)";
		if ( System.getProperty( PythonEnvironment.MODE_PROPERTY ) == null && PythonEnvironment.getDefault().diagnose().contains( "SUB (asked for" ) )
			assertTrue( failure( fork, 0 ).getPythonMessage().contains( "InterpreterMode.SHARED" ) );
	}

	@Test
	void syntaxErrorIsReportedAtConstruction()
	{
		final PythonCodeException e = assertThrows( PythonCodeException.class, () -> image( "x = 1\nfor y in x\n  pass" ) );
		assertEquals( "SyntaxError", e.getPythonType() );
		assertEquals( 2, e.getLine() );
		assertEquals( "for y in x", e.getSourceLine() );
	}

	@Test
	void wrongFunctionReferenceIsAFailureOfTheCell()
	{
		assertEquals( "ModuleNotFoundError", failure( "no_such_module:f", 0 ).getPythonType() );
		assertEquals( "AttributeError", failure( "numpy:no_such_function", 0 ).getPythonType() );
		final PythonCellException none = failure( "builtins:print", 0 );
		assertEquals( "the function returned None, expected an array", none.getPythonMessage() );
	}

	@Test
	void functionsResultMustHaveTheShapeAndFitTheType()
	{
		assertEquals( "the function returned shape (), expected (7, 5, 4) or, padded, (7, 5, 4)", failure( "time:time", 0 ).getPythonMessage() );
	}

	@Test
	void replacedOutputIsAFailure()
	{
		assertTrue( failure( "block.data = np.ones(block.dim)", 0 ).getPythonMessage().contains( "write into it instead: block.data[...] = result" ) );
	}

	@ParameterizedTest
	@ValueSource( strings = {
			"raise KeyboardInterrupt",
			"raise GeneratorExit",
			"class Own(BaseException):\n    def __str__(self): raise ValueError\nraise Own",
			"def f(): f()\nf()",
			"raise MemoryError",
			"raise ValueError('\\ud800 \\0 ' + 'x' * 10_000_000)",
			"a = ValueError(1)\nb = ValueError(2)\na.__cause__ = b\nb.__cause__ = a\nraise a",
			"import threading\nthreading.Thread(target=lambda: 1 / 0).start()\nraise ValueError" } )
	void anyExceptionBecomesAFailureAndTheWorkerLivesOn( final String code )
	{
		final PythonCellException e = failure( code, 0 );
		assertTrue( e.getLine() > 0, e.getMessage() );
		assertTrue( e.getMessage().length() < 200_000 );
		assertEquals( 3, image( "block.data[...] = 3" ).getAt( 5, 14, 34 ).get() );
	}

	@ParameterizedTest
	@EnumSource( names = { "SUB", "SHARED" } )
	void codeThatExitsDoesNotEndTheJvm( final InterpreterMode mode ) throws Exception
	{
		ChildJvm.of( ExitMain.class ).withPython( ChildJvm.testPython() ).withMode( mode ).run().requireExitCode( 0 ).requireOutput( "still alive" );
	}

	/**
	 * Runs code that would end a Python process, where it is blocks, init code and
	 * tasks.
	 */
	public static final class ExitMain
	{
		private static final String[] EXITS = {
				"import sys; sys.exit()",
				"import sys; sys.exit(3)",
				"import sys; sys.exit('message')",
				"raise SystemExit(True)",
				"raise SystemExit",
				"import builtins; getattr(builtins, 'quit', sys_exit)()",
				"class Own(SystemExit): pass\nraise Own(4)",
				"import _thread; _thread.exit()" };

		public static void main( final String[] args ) throws Exception
		{
			try (final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue( 2, "def sys_exit():\n    import sys\n    sys.exit()" ))
			{
				for ( final String exit : EXITS )
				{
					final PythonCellException inBlock = assertThrows( PythonCellException.class,
							() -> PythonCacheLoader.fromRandomAccessibles( GRID, queue, exit, new UnsignedByteType() ).get( 0L ) );
					assertTrue( inBlock.getPythonType().endsWith( "SystemExit" ) || inBlock.getPythonType().endsWith( "Own" ), inBlock.getPythonType() );
					final ExecutionException inTask = assertThrows( ExecutionException.class, () -> queue.submit( python -> {
						python.exec( exit );
						return null;
					} ).get() );
					assertInstanceOf( PythonCodeException.class, inTask.getCause() );
				}
				assertThrows( PythonCodeException.class, () -> new PythonCacheLoaderQueue( 1, "import sys; sys.exit(5)" ) );
				assertEquals( 1, PythonCacheLoader.fromRandomAccessibles( GRID, queue, "block.data[...] = 1", new UnsignedByteType() ).createCachedCellImg( 1 ).getAt( 0, 0, 0 ).get() );
			}
			System.out.println( "still alive" );
		}
	}

	private static CachedCellImg< UnsignedByteType, ? extends BufferAccess< ? > > image( final String code )
	{
		return PythonCacheLoader.fromRandomAccessibles( GRID, queue, code, new UnsignedByteType() ).createCachedCellImg( 100 );
	}

	private static PythonCellException failure( final String code, final long cell )
	{
		return assertThrows( PythonCellException.class, () -> PythonCacheLoader.fromRandomAccessibles( GRID, queue, code, new UnsignedByteType() ).get( cell ) );
	}
}
