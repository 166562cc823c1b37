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
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.util.Collections;
import java.util.concurrent.ExecutionException;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

import net.imglib2.Interval;
import net.imglib2.cache.img.CachedCellImg;
import net.imglib2.img.basictypeaccess.nio.BufferAccess;
import net.imglib2.img.cell.CellGrid;
import net.imglib2.type.NativeType;
import net.imglib2.type.numeric.integer.UnsignedByteType;
import net.imglib2.type.numeric.real.FloatType;
import net.imglib2.util.Cast;
import net.imglib2.util.ConstantUtils;
import net.imglib2.util.Intervals;

/**
 * What the reader of an image gets if the Python code fails.
 */
@Tag( "each-mode" )
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
		assertEquals( e.getFile(), stack[ 0 ].getFileName() );
		assertEquals( 3, stack[ 1 ].getLineNumber() );
		assertEquals( "net.imglib2.cache.python.image.CellComputer", stack[ 2 ].getClassName() );
		assertTrue( e.getLoaderName().matches( "PythonCacheLoader \\d+" ), e.getLoaderName() );
		assertEquals( "<" + e.getLoaderName() + ">", stack[ 1 ].getFileName() );
	}

	@Test
	void exceptionTellsLoaderAndRequestedIntervalsOfInputs()
	{
		final PythonCellException e = assertThrows( PythonCellException.class, () -> PythonCacheLoader.fromRandomAccessibles( GRID, queue, "1 / 0", new UnsignedByteType(),
				new Halo( new int[] { 1, 2, 3 }, new int[] { 0, 5, 6 } ), PythonLoaderOptions.options().name( "my filter" ),
				ConstantUtils.constantRandomAccessible( new UnsignedByteType(), 3 ), ConstantUtils.constantRandomAccessible( new FloatType(), 3 ) ).get( 7L ) );
		assertEquals( "my filter", e.getLoaderName() );
		assertTrue( e.getMessage().contains( " of my filter on python_" ), e.getMessage() );
		assertEquals( 2, e.getInputIntervals().size() );
		for ( final Interval interval : e.getInputIntervals() )
			assertEquals( "[(3, -2, 4) -- (5, 9, 19) = 3x12x16]", Intervals.toString( interval ) );
		assertEquals( Collections.emptyList(), failure( "1 / 0", 0 ).getInputIntervals() );
		assertEquals( "the name is empty: leave it out, or give one for messages", assertThrows( IllegalArgumentException.class, () -> PythonLoaderOptions.options().name( " " ) ).getMessage() );
	}

	@Test
	void tracebackHasCausesNotesAndMembersOfGroups()
	{
		final String traceback = failure( """
				import sys
				first = ValueError("first")
				if sys.version_info >= (3, 11):
				    first.add_note("a note")
				    first = ExceptionGroup("several", [first, KeyError("second")])
				else:
				    first = ValueError("first a note several second")
				try:
				    divide(1, 0)
				except ZeroDivisionError as zero:
				    raise first from zero
				""", 0 ).getTraceback();
		for ( final String part : new String[] { "first", "a note", "several", "second", "direct cause", "return a / b", "ZeroDivisionError: division by zero" } )
			assertTrue( traceback.contains( part ), traceback );
	}

	@Test
	void exceptionCanBeSerialised() throws Exception
	{
		final PythonCellException e = failure( "divide(1, 0)", 7 );
		final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
		try (final ObjectOutputStream out = new ObjectOutputStream( bytes ))
		{
			out.writeObject( e );
		}
		try (final ObjectInputStream in = new ObjectInputStream( new ByteArrayInputStream( bytes.toByteArray() ) ))
		{
			final PythonCellException copy = ( PythonCellException ) in.readObject();
			assertEquals( e.getMessage(), copy.getMessage() );
			assertEquals( e.getTraceback(), copy.getTraceback() );
			assertTrue( Intervals.equals( e.getInterval(), copy.getInterval() ) );
			assertEquals( e.getInputIntervals().size(), copy.getInputIntervals().size() );
		}
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
				marker = os.path.join(tempfile.gettempdir(), "imglib2-cache-python-" + MARKER)
				if not os.path.exists(marker):
				    open(marker, "w").close()
				    block.data[...] = 1
				    raise OSError("first attempt")
				os.remove(marker)
				block.data[...] = 2
				""".replace( "MARKER", "'" + ProcessHandle.current().pid() + "'" ) );
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
		if ( PythonEnvironment.getDefault().getMode() == InterpreterMode.SUB )
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
		assertEquals( "the function returned None, expected an array of shape (7, 5, 4); return the pixels: return result", none.getPythonMessage() );
	}

	@Test
	void functionsResultMustHaveTheShapeAndFitTheType()
	{
		assertEquals( "the function returned shape (), expected (7, 5, 4)", failure( "time:time", 0 ).getPythonMessage() );
		final PythonCellException e = assertThrows( PythonCellException.class, () -> PythonCacheLoader.fromRandomAccessibles( GRID, queue, "numpy:sqrt", new UnsignedByteType(),
				ConstantUtils.constantRandomAccessible( new FloatType(), 3 ) ).get( 0L ) );
		assertEquals( "the function returned dtype float32, which does not fit the image's uint8; convert it explicitly: result.astype(np.uint8)", e.getPythonMessage() );
	}

	@Test
	void pixelsThatAreNotWrittenAreAFailureIfChecked() throws Exception
	{
		for ( final NativeType< ? > type : TestPixels.types() )
			assertChecked( Cast.unchecked( type ) );
	}

	private static < T extends NativeType< T > > void assertChecked( final T type ) throws Exception
	{
		final PythonLoaderOptions options = PythonLoaderOptions.options().checkWritten( true );
		final PythonCellException e = assertThrows( PythonCellException.class, () -> PythonCacheLoader.fromRandomAccessibles( GRID, queue, "block.data[block.index:] = 0", type,
				Halo.empty( 3 ), options ).get( 2L ) );
		assertEquals( "40 of 140 pixels were not written, the first is block.data[0, 0, 0]; write all of them, zeros too", e.getPythonMessage(), type.getClass().getSimpleName() );
		final CachedCellImg< T, ? > img = PythonCacheLoader.fromRandomAccessibles( GRID, queue, "block.data[...] = 0\nblock.data[0] = ord('A') if block.data.dtype == 'uint16' else 1", type, Halo.empty( 3 ), options )
				.createCachedCellImg( 10 );
		assertTrue( img.getAt( 3, 4, 7 ).valueEquals( img.getAt( 0, 0, 7 ) ) );
		assertTrue( img.getAt( 3, 4, 8 ).valueEquals( img.getAt( 0, 0, 9 ) ) );
		assertFalse( img.getAt( 3, 4, 7 ).copy().valueEquals( img.getAt( 3, 4, 8 ) ), type.getClass().getSimpleName() );
	}

	@Test
	void outputChangedInPlaceIsAFailure()
	{
		assertTrue( failure( "block.data.shape = (140,)", 0 ).getPythonMessage().startsWith( "block.data was changed in place to shape (140,)" ) );
		assertTrue( failure( "block.data.resize(20)", 0 ).getPythonMessage().contains( "cannot resize this array" ) );
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
	 * Runs code that would end a Python process, as code of a block, as init code and as a task.
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
