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
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import net.imglib2.cache.img.CachedCellImg;
import net.imglib2.img.array.ArrayImgs;
import net.imglib2.img.basictypeaccess.nio.FloatBufferAccess;
import net.imglib2.img.cell.CellGrid;
import net.imglib2.type.numeric.real.FloatType;
import net.imglib2.view.Views;

/**
 * What exceptions tell the author of the code: the remedy, the line of the script that led
 * there, and the name of the image.
 */
@Tag( "each-mode" )
@Timeout( 60 )
class MessagesTest
{
	private static final CellGrid GRID = new CellGrid( new long[] { 8, 6 }, new int[] { 4, 3 } );

	private static final BlockingQueue< String > LINES = new LinkedBlockingQueue<>();

	private static PythonCacheLoaderQueue queue;

	@BeforeAll
	static void open()
	{
		queue = new PythonCacheLoaderQueue( 2, "import time\nsigma = 2", PythonEnvironment.getDefault().withOutput( LINES::add, LINES::add ) );
	}

	@AfterAll
	static void close()
	{
		queue.close();
	}

	@Test
	void aMissingPackageComesWithTheCommandThatInstallsIt()
	{
		final PythonCellException e = failureOf( "import skimage_not_there" );
		assertTrue( e.getMessage().contains( "No module named 'skimage_not_there'" ), e.getMessage() );
		assertTrue( e.getMessage().contains( "-m pip install skimage_not_there" ), e.getMessage() );
		assertEquals( "No module named 'skimage_not_there'", e.getPythonMessage() );
		assertTrue( e.getMessage().endsWith( e.getAdvice() ), e.getMessage() );
		assertFalse( e.getTraceback().contains( "pip" ), e.getTraceback() );
	}

	@Test
	void aResultThatIsNotCroppedComesWithTheHalo()
	{
		final PythonCellException e = failureOf( "block.data[...] = 2 * block.inputs[0]" );
		assertTrue( e.getMessage().contains( "(5, 8)" ), e.getMessage() );
		assertTrue( e.getMessage().contains( "result[block.halo]" ), e.getMessage() );
	}

	@Test
	void aNameComesWithItsNeighbours()
	{
		assertTrue( failureOf( "block.data[...] = sigmma" ).getMessage().contains( "Did you mean sigma?" ) );
		assertTrue( failureOf( "block.data[...] = block.input[0]" ).getMessage().contains( "Did you mean block.inputs?" ) );
	}

	@Test
	void writingToAReadOnlyInputComesWithTheRemedies()
	{
		final PythonCellException e = failureOf( "block.inputs[0] += 1" );
		assertTrue( e.getMessage().contains( "PythonLoaderOptions.writableInputs( true )" ), e.getMessage() );
	}

	@Test
	void imaginaryPartsAreNotLost()
	{
		final PythonCellException e = failureOf( "import warnings\nwarnings.simplefilter('ignore')\nblock.data[...] = 1j * block.inputs[0][block.halo]" );
		assertTrue( e.getPythonType().endsWith( "ComplexWarning" ), e.getPythonType() );
		assertEquals( 3, e.getLine() );
	}

	@Test
	void codeThatNeverWritesIsRefused()
	{
		final PythonCodeException e = assertThrows( PythonCodeException.class, () -> image( "n = 1\nresult = block.inputs[0] * sigma", PythonLoaderOptions.options() ) );
		assertTrue( e.getMessage().contains( "block.data[...] = result" ), e.getMessage() );
		assertEquals( 2, e.getLine() );
	}

	@Test
	void theConstructorOfALoaderThrowsWithTheStackOfItsCaller()
	{
		final PythonCodeException e = assertThrows( PythonCodeException.class, () -> image( "def f(:\n  pass", PythonLoaderOptions.options() ) );
		requireCaller( e );
		assertTrue( Arrays.stream( e.getStackTrace() ).noneMatch( frame -> frame.getMethodName().equals( "runWork" ) ) );
	}

	@Test
	void theConstructorOfAQueueThrowsWithTheStackOfItsCaller()
	{
		final PythonCodeException e = assertThrows( PythonCodeException.class, () -> new PythonCacheLoaderQueue( 1, "def f():\n    return 1 / 0\nf()" ) );
		requireCaller( e );
		final StackTraceElement[] stack = e.getStackTrace();
		assertEquals( "f", stack[ 0 ].getMethodName() );
		assertEquals( 2, stack[ 0 ].getLineNumber() );
		assertEquals( "<module>", stack[ 1 ].getMethodName() );
		assertFalse( stack[ 2 ].getClassName().contains( "jep." ), stack[ 2 ]::toString );
	}

	@Test
	void aTaskFailsWithItsOwnStackAndThatOfWhoSubmittedIt()
	{
		final CompletableFuture< Object > promise = submitted( python -> python.getValue( "1 / 0" ) );
		final Throwable e = assertThrows( ExecutionException.class, promise::get ).getCause();
		requireCaller( e );
		assertTrue( Arrays.stream( e.getStackTrace() ).anyMatch( frame -> frame.getMethodName().equals( "submitted" ) ) );
		assertEquals( "<python>", e.getStackTrace()[ 0 ].getClassName() );
		final IllegalStateException own = new IllegalStateException();
		final StackTraceElement[] before = own.getStackTrace();
		assertSame( own, assertThrows( ExecutionException.class, submitted( python -> {
			throw own;
		} )::get ).getCause() );
		assertEquals( Arrays.asList( before ), Arrays.asList( own.getStackTrace() ) );
	}

	@Test
	void aReaderOfAClosedQueueHasItsOwnStack() throws Exception
	{
		final PythonCacheLoaderQueue own = new PythonCacheLoaderQueue( 1, "", PythonEnvironment.getDefault().withOutput( LINES::add, LINES::add ) );
		final CachedCellImg< FloatType, ? > img = image( own, "print('running')\nwhile True: pass", PythonLoaderOptions.options() );
		final CompletableFuture< Throwable > thrown = new CompletableFuture<>();
		final Thread reader = new Thread( () -> thrown.complete( assertThrows( RuntimeException.class, img::firstElement ) ) );
		reader.start();
		while ( !LINES.take().equals( "running" ) )
		{}
		own.close();
		Throwable e = thrown.get();
		while ( !( e instanceof PythonClosedException ) )
			e = e.getCause();
		requireCaller( e );
		// The stack of the thread that closed it.
		assertTrue( Arrays.stream( e.getCause().getStackTrace() ).anyMatch( frame -> frame.getMethodName().equals( "aReaderOfAClosedQueueHasItsOwnStack" ) ) );
	}

	@Test
	void theNameIsInTracebacksAndUnique()
	{
		final PythonLoaderOptions demo = PythonLoaderOptions.options().name( "demo of names" );
		final CachedCellImg< FloatType, ? > first = image( "# first\n1 / 0", demo );
		final CachedCellImg< FloatType, ? > second = image( "raise ValueError", demo );
		final PythonCellException a = failureOf( first );
		final PythonCellException b = failureOf( second );
		assertEquals( "demo of names", a.getLoaderName() );
		assertEquals( "demo of names", b.getLoaderName() );
		assertEquals( "<demo of names>", a.getFile() );
		assertEquals( "<demo of names 2>", b.getFile() );
		assertTrue( a.getTraceback().contains( "File \"<demo of names>\", line 2, in <module>\n    1 / 0" ), a.getTraceback() );
		assertTrue( b.getTraceback().contains( "File \"<demo of names 2>\", line 1, in <module>\n    raise ValueError" ), b.getTraceback() );
	}

	@Test
	void anyNameIsAccepted()
	{
		for ( final String name : new String[] { "a\nb", "\0x", "\ud800", "größe \ud83d\udd2c", "<>", "x".repeat( 10_000 ), "frozen importlib", "C:\\temp" } )
		{
			final PythonCellException e = failureOf( image( "1 / 0", PythonLoaderOptions.options().name( name ) ) );
			assertEquals( name, e.getLoaderName() );
			assertEquals( "ZeroDivisionError", e.getPythonType() );
			assertEquals( 1, e.getLine() );
			assertEquals( "1 / 0", e.getSourceLine() );
		}
	}

	@Test
	void theNameIsInErrorsOfCycles()
	{
		final List< CachedCellImg< FloatType, ? > > img = new ArrayList<>();
		img.add( PythonCacheLoader.fromInputGenerators( GRID, queue, "block.data[...] = block.inputs[0]", new FloatType(),
				new FloatBufferAccess( 1, true ), Halo.empty( 2 ), PythonLoaderOptions.options().name( "cyclic demo" ),
				Collections.singletonList( interval -> {
					img.get( 0 ).firstElement();
					throw new AssertionError();
				} ) ).createCachedCellImg( 10 ) );
		Throwable e = assertThrows( RuntimeException.class, () -> img.get( 0 ).firstElement().get() );
		while ( !( e instanceof PythonCycleException ) )
			e = e.getCause();
		assertTrue( e.getMessage().contains( "cell 0 of cyclic demo needs cell 0 of cyclic demo" ), e.getMessage() );
	}

	@Test
	void theNameIsInTheNameOfTheThread() throws Exception
	{
		final CachedCellImg< FloatType, ? > img = image( "print('in block')\ntime.sleep(0.2)\nblock.data[...] = 1", PythonLoaderOptions.options().name( "threaded demo" ) );
		final CountDownLatch read = new CountDownLatch( 1 );
		new Thread( () -> {
			img.firstElement().get();
			read.countDown();
		} ).start();
		while ( !LINES.take().equals( "in block" ) )
		{}
		assertTrue( Thread.getAllStackTraces().keySet().stream().anyMatch( thread -> thread.getName().matches( "python_\\d+_worker_\\d+ \\(threaded demo\\)" ) ) );
		assertTrue( read.await( 30, TimeUnit.SECONDS ) );
	}

	@Test
	void aProgressBarIsPassedOnWhileTheBlockRuns() throws Exception
	{
		final BlockingQueue< String > lines = new LinkedBlockingQueue<>();
		final Thread reader;
		try (final PythonCacheLoaderQueue own = new PythonCacheLoaderQueue( 1, "", PythonEnvironment.getDefault().withOutput( lines::add, lines::add ) ))
		{
			final CachedCellImg< FloatType, ? > img = image( own, "import sys\nfor i in range(3):\n    print(f'\\rprogress {i}', end='', file=sys.stderr)\nwhile True: pass",
					PythonLoaderOptions.options() );
			reader = new Thread( () -> assertThrows( RuntimeException.class, img::firstElement ) );
			reader.start();
			assertEquals( "progress 0", lines.take() );
			assertEquals( "progress 1", lines.take() );
			assertTrue( reader.isAlive() );
		}
		reader.join();
	}

	private static CompletableFuture< Object > submitted( final PythonTask< Object > task )
	{
		return queue.submit( task );
	}

	private static void requireCaller( final Throwable e )
	{
		assertTrue( Arrays.stream( e.getStackTrace() ).anyMatch( frame -> frame.getClassName().equals( MessagesTest.class.getName() ) ), () -> Arrays.toString( e.getStackTrace() ) );
	}

	private static PythonCellException failureOf( final String code )
	{
		return failureOf( image( code, PythonLoaderOptions.options() ) );
	}

	private static PythonCellException failureOf( final CachedCellImg< FloatType, ? > img )
	{
		Throwable e = assertThrows( RuntimeException.class, () -> img.firstElement().get() );
		while ( !( e instanceof PythonCellException ) )
			e = e.getCause();
		requireCaller( e );
		return ( PythonCellException ) e;
	}

	private static CachedCellImg< FloatType, ? > image( final String code, final PythonLoaderOptions options )
	{
		return image( queue, code, options );
	}

	private static CachedCellImg< FloatType, ? > image( final PythonCacheLoaderQueue queue, final String code, final PythonLoaderOptions options )
	{
		return PythonCacheLoader.fromRandomAccessibles( GRID, queue, code, new FloatType(), new Halo( 2, 1 ), options,
				Collections.singletonList( Views.extendMirrorSingle( ArrayImgs.floats( 8, 6 ) ) ) ).createCachedCellImg( 100 );
	}
}
