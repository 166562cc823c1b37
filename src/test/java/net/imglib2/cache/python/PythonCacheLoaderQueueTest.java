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
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.ref.WeakReference;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import net.imglib2.cache.img.CachedCellImg;
import net.imglib2.cache.python.worker.Background;
import net.imglib2.img.array.ArrayImg;
import net.imglib2.img.array.ArrayImgs;
import net.imglib2.img.basictypeaccess.nio.BufferAccess;
import net.imglib2.img.basictypeaccess.nio.LongBufferAccess;
import net.imglib2.img.cell.CellGrid;
import net.imglib2.type.numeric.integer.LongType;

/**
 * Start, tasks, several workers and images, and closing.
 */
@Tag( "each-mode" )
@Timeout( 60 )
class PythonCacheLoaderQueueTest
{
	private static final CellGrid GRID = new CellGrid( new long[] { 6, 15, 35 }, new int[] { 4, 5, 7 } );

	@Test
	void aMemoryLimitIsForProcesses()
	{
		for ( final InterpreterMode mode : new InterpreterMode[] { InterpreterMode.SHARED, InterpreterMode.SUB, InterpreterMode.AUTO } )
		{
			final PythonEnvironment limited = PythonEnvironment.getDefault().withMode( mode ).withMemoryLimit( 1 << 20 );
			final String message = assertThrows( PythonEnvironmentException.class, () -> new PythonCacheLoaderQueue( 1, "", limited ) ).getMessage();
			assertTrue( message.startsWith( "PythonEnvironment.withMemoryLimit( 1048576 ) limits workers that are processes, but in mode S" )
					&& message.endsWith( "use withMode( InterpreterMode.PROCESS ), or set no limit" ), message );
		}
	}

	@Test
	void initRunsOnEveryWorkerAndImagesSeeItsNames() throws Exception
	{
		try (final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue( 3, "import math\nanswer = 6 * 7\ndef twice(x): return 2 * x" ))
		{
			final CachedCellImg< LongType, ? extends BufferAccess< ? > > img = image( queue, "block.data[...] = twice(answer) + math.floor(0.5)" );
			assertEquals( 84, img.getAt( 3, 3, 3 ).get() );
			final Set< Object > workers = new HashSet<>();
			for ( final Future< Object > name : onEachOf( queue, 3, python -> python.getValue( "__name__" ) ) )
				workers.add( name.get() );
			assertEquals( 3, workers.size() );
		}
	}

	@Test
	void theConstructorsOfTheOriginalWork()
	{
		new PythonCacheLoaderQueue().close();
		new PythonCacheLoaderQueue( 2 ).close();
		new PythonCacheLoaderQueue( 2, "# nothing" ).close();
	}

	@ParameterizedTest
	@ValueSource( ints = { 0, -1 } )
	void aQueueNeedsAWorker( final int numWorkers )
	{
		final IllegalArgumentException e = assertThrows( IllegalArgumentException.class, () -> new PythonCacheLoaderQueue( numWorkers ) );
		assertEquals( "number of workers is " + numWorkers + ", expected 1 or more", e.getMessage() );
	}

	@Test
	void failingInitIsReportedWithItsLineAndLeavesNoThread()
	{
		final PythonCodeException e = assertThrows( PythonCodeException.class, () -> new PythonCacheLoaderQueue( 2, "x = 1\nimport no_such_package" ) );
		assertEquals( "ModuleNotFoundError", e.getPythonType() );
		assertEquals( 2, e.getLine() );
		assertEquals( "import no_such_package", e.getSourceLine() );
		final PythonCodeException syntax = assertThrows( PythonCodeException.class, () -> new PythonCacheLoaderQueue( 2, "x = 1\nx ==" ) );
		assertEquals( "SyntaxError", syntax.getPythonType() );
		assertEquals( 2, syntax.getLine() );
		try (final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue())
		{
			assertEquals( 1, image( queue, "block.data[...] = 1" ).getAt( 0, 0, 0 ).get() );
		}
	}

	@Test
	void initThatHangsIsReportedAlsoIfAnotherQueueStartsMeanwhile() throws Exception
	{
		final CountDownLatch hangs = new CountDownLatch( 1 );
		final PythonEnvironment environment = PythonEnvironment.getDefault().withStartupTimeout( Duration.ofSeconds( 1 ) ).withOutput( line -> hangs.countDown(), System.err::println );
		final CompletableFuture< Void > hanging = CompletableFuture.runAsync( () -> new PythonCacheLoaderQueue( 1, "import time\nprint('hangs')\nwhile True: time.sleep(0.01)", environment ) );
		hangs.await();
		new PythonCacheLoaderQueue( 1 ).close();
		final PythonStartTimeoutException e = assertInstanceOf( PythonStartTimeoutException.class, assertThrows( ExecutionException.class, hanging::get ).getCause() );
		assertEquals( Duration.ofSeconds( 1 ), e.getTimeout() );
		assertTrue( e.getMessage().contains( "did not run the init code within 1 s" ) && e.getMessage().contains( ", line 3, in <module>" ), e.getMessage() );
	}

	@Test
	void tasksRunInTheNamespaceOfInit() throws Exception
	{
		try (final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue( 1, "values = [1, 2, 3]" ))
		{
			assertEquals( 6L, queue.submit( python -> python.getValue( "sum(values)" ) ).get() );
			assertEquals( Arrays.asList( 1L, 2L, 3L ), queue.submit( python -> python.getValue( "values" ) ).get() );
			assertEquals( "abc", queue.submit( python -> python.getValue( "'abc'", String.class ) ).get() );
			assertNull( queue.submit( python -> python.getValue( "None" ) ).get() );
			queue.submit( python -> {
				python.set( "offset", 40 );
				python.exec( "offset += 2" );
				return null;
			} ).get();
			assertEquals( 42L, queue.submit( python -> python.getValue( "offset" ) ).get() );
			final ExecutionException failed = assertThrows( ExecutionException.class, () -> queue.submit( python -> python.getValue( "1 / 0" ) ).get() );
			assertEquals( "ZeroDivisionError", assertInstanceOf( PythonCodeException.class, failed.getCause() ).getPythonType() );
			final Exception thrown = new Exception( "from Java" );
			assertEquals( thrown, assertThrows( ExecutionException.class, () -> queue.submit( python -> {
				throw thrown;
			} ).get() ).getCause() );
		}
	}

	@Test
	void aTaskForAllWorkersReachesEachOfThem( @TempDir final Path folder ) throws Exception
	{
		final Path module = folder.resolve( "own_of_this_test.py" );
		Files.write( module, Arrays.asList( "value = 1" ) );
		final PythonEnvironment environment = PythonEnvironment.getDefault().withModulePath( folder );
		try (final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue( 2, "import time; import own_of_this_test as own", environment ))
		{
			final PythonTask< Object > reload = python -> {
				python.exec( "import importlib; importlib.invalidate_caches(); importlib.reload( own ); reloads = globals().get( 'reloads', 0 ) + 1" );
				return null;
			};
			Files.write( module, Arrays.asList( "value = 1 + 1" ) );
			queue.onAllWorkers( reload ).get();
			queue.onAllWorkers( reload ).get();
			final PythonTask< Object > name = python -> {
				assertEquals( Arrays.asList( 2L, 2L ), longs( python.getValue( "(own.value, reloads)" ) ) );
				return python.getValue( "__name__" );
			};
			final Set< Object > workers = new HashSet<>();
			for ( final Future< Object > worker : onEachOf( queue, 2, name ) )
				workers.add( worker.get() );
			// The code of one does not end.
			final PythonLoaderOptions options = PythonLoaderOptions.options().timeout( Duration.ofMillis( 100 ) );
			assertThrows( RuntimeException.class, () -> PythonCacheLoader.fromRandomAccessibles( GRID, queue, "time.sleep( 20 ); block.data[...] = 1", new LongType(), Halo.empty( 3 ), options, Collections.< ArrayImg< LongType, ? > >emptyList() )
					.createCachedCellImg( 10 ).getAt( 0, 0, 0 ) );
			// Another one takes its place.
			for ( final Future< Object > worker : onEachOf( queue, 2, name ) )
				workers.add( worker.get() );
			assertEquals( 3, workers.size() );
		}
	}

	@Test
	void aTaskForAllWorkersFailsWithItsOwnException() throws Exception
	{
		final CompletableFuture< Void > promise;
		try (final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue( 2 ))
		{
			final CompletableFuture< Void > failing = queue.onAllWorkers( python -> {
				python.exec( "x = 1\nraise KeyError('x')" );
				return null;
			} );
			final PythonCodeException e = ( PythonCodeException ) assertThrows( ExecutionException.class, failing::get ).getCause();
			assertEquals( "KeyError", e.getPythonType() );
			assertEquals( 2, e.getLine() );
			assertTrue( Arrays.stream( e.getStackTrace() ).anyMatch( frame -> frame.getMethodName().equals( "aTaskForAllWorkersFailsWithItsOwnException" ) ) );
			assertThrows( NullPointerException.class, () -> queue.onAllWorkers( null ) );
			final CountDownLatch closed = new CountDownLatch( 1 );
			promise = queue.onAllWorkers( python -> {
				closed.await();
				return null;
			} );
			queue.close();
			closed.countDown();
		}
		assertInstanceOf( PythonClosedException.class, assertThrows( ExecutionException.class, promise::get ).getCause() );
	}

	@Test
	void workersThatAreAddedRunTheInitCodeAndTheTasksForAll() throws Exception
	{
		try (final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue( 1, "answer = 42" ))
		{
			queue.onAllWorkers( python -> {
				python.exec( "answer += 1" );
				return null;
			} ).get();
			queue.pool().grow( 3 );
			final Set< Object > workers = new HashSet<>();
			for ( final Future< Object > name : onEachOf( queue, 3, python -> {
				assertEquals( 43, python.getValue( "answer", Integer.class ) );
				return python.getValue( "__name__" );
			} ) )
				workers.add( name.get() );
			assertEquals( 3, workers.size() );
			final CachedCellImg< LongType, ? extends BufferAccess< ? > > img = image( queue, "block.data[...] = answer" );
			assertEquals( 43, Background.call( () -> img.getAt( 0, 0, 0 ).get() ) );
			assertEquals( 43, img.getAt( 5, 14, 34 ).get() );
		}
	}

	private static List< Long > longs( final Object numbers )
	{
		return ( ( List< ? > ) numbers ).stream().map( number -> ( ( Number ) number ).longValue() ).collect( Collectors.toList() );
	}

	@Test
	void interruptsDoNotEndAWorker() throws Exception
	{
		try (final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue( 1 ))
		{
			final Thread worker = queue.submit( python -> Thread.currentThread() ).get();
			queue.submit( python -> {
				Thread.currentThread().interrupt();
				return null;
			} ).get();
			assertEquals( 1, image( queue, "block.data[...] = 1" ).getAt( 0, 0, 0 ).get() );
			worker.interrupt();
			assertEquals( 2, image( queue, "block.data[...] = 2" ).getAt( 0, 0, 0 ).get() );
			assertEquals( worker, queue.submit( python -> Thread.currentThread() ).get() );
		}
	}

	@Test
	void tasksThatWouldWaitForThemselvesAreRefused() throws Exception
	{
		try (final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue( 1 ))
		{
			final ExecutionException making = assertThrows( ExecutionException.class, () -> queue.submit( python -> image( queue, "" ) ).get() );
			assertTrue( assertInstanceOf( IllegalStateException.class, making.getCause() ).getMessage().startsWith( "A loader cannot be made" ), making.getMessage() );
			final CachedCellImg< LongType, ? extends BufferAccess< ? > > img = image( queue, "block.data[...] = 5" );
			final ExecutionException reading = assertThrows( ExecutionException.class, () -> queue.submit( python -> img.getAt( 0, 0, 0 ).get() ).get() );
			assertInstanceOf( IllegalStateException.class, reading.getCause().getCause().getCause() );
			assertEquals( 5, img.getAt( 0, 0, 0 ).get() );
			assertEquals( 5, queue.submit( python -> img.getAt( 0, 0, 0 ).get() ).get() );
		}
	}

	@Test
	void valuesThatCannotBeConvertedAreNamed() throws Exception
	{
		try (final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue( 1 ))
		{
			final ExecutionException e = assertThrows( ExecutionException.class, () -> queue.submit( python -> python.getValue( "'abc'", Integer.class ) ).get() );
			assertTrue( assertInstanceOf( PythonException.class, e.getCause() ).getMessage().startsWith( "The value of 'abc' cannot be converted to Integer" ), e.getMessage() );
		}
	}

	@Test
	void aWorkerWhoseCodeUsedAnExecutorEnds() throws Exception
	{
		final Thread worker;
		try (final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue( 1, "from concurrent.futures import ThreadPoolExecutor\npool = ThreadPoolExecutor(2)" ))
		{
			worker = queue.submit( python -> Thread.currentThread() ).get();
			assertEquals( 7, image( queue, "block.data[...] = pool.submit(lambda: 7).result()" ).getAt( 0, 0, 0 ).get() );
		}
		assertFalse( worker.isAlive() );
	}

	@Test
	void oneQueueServesManyImagesAndReaders() throws Exception
	{
		try (final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue( 2 ))
		{
			final List< CompletableFuture< Void > > readers = new ArrayList<>();
			for ( int i = 0; i < 8; ++i )
			{
				final int offset = 1000 * i;
				final CachedCellImg< LongType, ? extends BufferAccess< ? > > img = image( queue, "block.data[...] = block.index + " + offset );
				readers.add( CompletableFuture.runAsync( () -> {
					for ( int cell = 0; cell < 30; ++cell )
						assertEquals( offset + cell, img.getAt( 4 * ( cell % 2 ), 5 * ( cell / 2 % 3 ), 7 * ( cell / 6 ) ).get() );
				} ) );
			}
			for ( final CompletableFuture< Void > reader : readers )
				reader.get();
		}
	}

	@Test
	void queuesHaveNamesOfTheirOwn()
	{
		try (final PythonCacheLoaderQueue first = new PythonCacheLoaderQueue( 1, "number = 3" );
				final PythonCacheLoaderQueue second = new PythonCacheLoaderQueue( 2, "number = 7\nother = 1" ))
		{
			assertEquals( 3, image( first, "block.data[...] = number" ).getAt( 0, 0, 0 ).get() );
			assertEquals( 7, image( second, "block.data[...] = number" ).getAt( 0, 0, 0 ).get() );
			assertThrows( RuntimeException.class, () -> image( first, "block.data[...] = other" ).getAt( 0, 0, 0 ) );
		}
	}

	@Test
	void imagesOutliveTheScriptThatMadeThem() throws Exception
	{
		final List< WeakReference< PythonCacheLoaderQueue > > queues = new ArrayList<>();
		final CachedCellImg< LongType, ? extends BufferAccess< ? > > img = script( queues );
		for ( int i = 0; i < 5; ++i )
			System.gc();
		final List< Long > value = new ArrayList<>();
		final Thread reader = new Thread( () -> value.add( img.getAt( 0, 0, 0 ).get() ) );
		reader.start();
		reader.join();
		assertEquals( Collections.singletonList( 9L ), value );
		queues.get( 0 ).get().close();
	}

	/**
	 * Keeps nothing but the image; its thread ends.
	 */
	private static CachedCellImg< LongType, ? extends BufferAccess< ? > > script( final List< WeakReference< PythonCacheLoaderQueue > > queues ) throws Exception
	{
		final List< CachedCellImg< LongType, ? extends BufferAccess< ? > > > made = new ArrayList<>();
		final Thread script = new Thread( () -> {
			final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue( 1, "number = 9" );
			queues.add( new WeakReference<>( queue ) );
			made.add( image( queue, "block.data[...] = number" ) );
		} );
		script.start();
		script.join();
		return made.get( 0 );
	}

	@Test
	void closingTwiceAndFromAnyThreadIsFine() throws Exception
	{
		final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue( 2 );
		final Thread closer = new Thread( queue::close );
		closer.start();
		closer.join();
		queue.close();
	}

	@Test
	void afterClosingCachedCellsCanBeReadAndOthersSayClosed()
	{
		final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue( 1 );
		final CachedCellImg< LongType, ? extends BufferAccess< ? > > img = image( queue, "block.data[...] = 9" );
		assertEquals( 9, img.getAt( 0, 0, 0 ).get() );
		queue.close();
		assertEquals( 9, img.getAt( 0, 0, 0 ).get() );
		final RuntimeException e = assertThrows( RuntimeException.class, () -> img.getAt( 5, 0, 0 ) );
		assertInstanceOf( PythonClosedException.class, e.getCause().getCause() );
		assertThrows( PythonClosedException.class, () -> image( queue, "" ) );
		assertInstanceOf( PythonClosedException.class, assertThrows( ExecutionException.class, () -> queue.submit( python -> 1 ).get() ).getCause() );
	}

	@Test
	void closingReleasesReadersOfRunningAndOfWaitingBlocks( @TempDir final Path folder ) throws Exception
	{
		final Path release = folder.resolve( "release" );
		final CountDownLatch running = new CountDownLatch( 1 );
		final PythonEnvironment environment = PythonEnvironment.getDefault().withOutput( line -> running.countDown(), System.err::println );
		final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue( 1, "import os, time", environment );
		// Closing does not end this code: its reader must not wait for it.
		final CachedCellImg< LongType, ? extends BufferAccess< ? > > stubborn = image( queue, "print('runs')\nwhile True:\n    try:\n"
				+ "        while not os.path.exists(r'" + release + "'): time.sleep(0.001)\n        break\n    except BaseException: pass" );
		final CachedCellImg< LongType, ? extends BufferAccess< ? > > waiting = image( queue, "block.data[...] = 1" );
		final List< CompletableFuture< Throwable > > readers = new ArrayList<>();
		readers.add( errorOf( () -> stubborn.getAt( 0, 0, 0 ) ) );
		running.await();
		// Also a reader of another cell of the running image.
		readers.add( errorOf( () -> stubborn.getAt( 5, 0, 0 ) ) );
		for ( int i = 0; i < 3; ++i )
		{
			final int y = 5 * i;
			readers.add( errorOf( () -> waiting.getAt( 0, y, 0 ) ) );
		}
		awaitReaders( readers.size() );
		final Thread closer = new Thread( queue::close );
		closer.start();
		for ( final CompletableFuture< Throwable > reader : readers )
			assertInstanceOf( PythonClosedException.class, reader.get( 30, TimeUnit.SECONDS ).getCause().getCause() );
		assertTrue( closer.isAlive(), "the block still runs" );
		Files.createFile( release );
		closer.join();
	}

	/**
	 * Waits until a number of threads wait for their blocks.
	 */
	private static void awaitReaders( final int number )
	{
		while ( Thread.getAllStackTraces().values().stream().filter( stack -> Arrays.stream( stack )
				.anyMatch( frame -> frame.getClassName().endsWith( ".Task" ) && frame.getMethodName().equals( "await" ) ) ).count() < number )
			Thread.onSpinWait();
	}

	@Test
	void closingReleasesThreadsThatWaitForRunningAndForWaitingTasks() throws Exception
	{
		final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue( 1 );
		final CountDownLatch running = new CountDownLatch( 1 );
		final CountDownLatch release = new CountDownLatch( 1 );
		final CompletableFuture< Void > occupying = queue.submit( python -> {
			running.countDown();
			release.await();
			return null;
		} );
		running.await();
		final List< Future< ? > > waiting = new ArrayList<>();
		for ( int i = 0; i < 4; ++i )
			waiting.add( queue.submit( python -> python.getValue( "1" ) ) );
		final Thread closer = new Thread( queue::close );
		closer.start();
		for ( final Future< ? > task : waiting )
			assertInstanceOf( PythonClosedException.class, assertThrows( ExecutionException.class, () -> task.get( 30, TimeUnit.SECONDS ) ).getCause() );
		assertInstanceOf( PythonClosedException.class, assertThrows( ExecutionException.class, () -> occupying.get( 30, TimeUnit.SECONDS ) ).getCause() );
		release.countDown();
		closer.join();
	}

	@Test
	void closingReleasesAReaderWhoseBlockSleeps() throws Exception
	{
		final CountDownLatch started = new CountDownLatch( 1 );
		final PythonEnvironment environment = PythonEnvironment.getDefault().withOutput( line -> started.countDown(), System.err::println );
		final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue( 1, "import time", environment );
		final CachedCellImg< LongType, ? extends BufferAccess< ? > > img = image( queue, "print('started')\ntime.sleep(8)" );
		final AtomicReference< Throwable > thrown = new AtomicReference<>();
		final Thread reader = new Thread( () -> {
			try
			{
				img.getAt( 0, 0, 0 );
			}
			catch ( final Throwable t )
			{
				thrown.set( t );
			}
		} );
		reader.start();
		started.await();
		queue.close();
		reader.join();
		assertInstanceOf( PythonClosedException.class, thrown.get().getCause().getCause() );
	}

	@Test
	void closingReleasesReadersOfManySmallBlocks() throws Exception
	{
		for ( int round = 0; round < 20; ++round )
		{
			final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue( 1 + round % 2 );
			// Blocks of two images by turns: a worker that takes several blocks finds one that it must put back.
			final List< PythonCacheLoader< LongType, ? > > loaders = Arrays.asList(
					PythonCacheLoader.fromRandomAccessibles( GRID, queue, "block.data[...] = 1", new LongType() ),
					PythonCacheLoader.fromRandomAccessibles( GRID, queue, "block.data[...] = 2", new LongType() ) );
			final CountDownLatch reading = new CountDownLatch( 6 * 100 );
			final List< CompletableFuture< Throwable > > readers = new ArrayList<>();
			for ( int r = 0; r < 6; ++r )
			{
				final PythonCacheLoader< LongType, ? > loader = loaders.get( r % 2 );
				readers.add( CompletableFuture.supplyAsync( () -> {
					try
					{
						while ( true )
						{
							loader.get( 0L );
							reading.countDown();
						}
					}
					catch ( final Exception e )
					{
						return e;
					}
				}, command -> new Thread( command ).start() ) );
			}
			reading.await();
			queue.close();
			for ( final CompletableFuture< Throwable > reader : readers )
				assertInstanceOf( PythonClosedException.class, reader.get( 30, TimeUnit.SECONDS ) );
		}
	}

	@Test
	void initEndsWhereTheQueueWasClosedWhilePythonStarted()
	{
		final Set< String > before = workers();
		Thread.currentThread().interrupt();
		assertThrows( PythonInterruptedException.class, () -> new PythonCacheLoaderQueue( 1, "import time\nwhile True: time.sleep(0.01)" ) );
		assertTrue( Thread.interrupted(), "the interrupt is kept" );
		while ( !before.containsAll( workers() ) )
			Thread.onSpinWait();
	}

	@Test
	void othersCachesDoNotGetACellThatAnInterruptedReaderBegan( @TempDir final Path folder ) throws Exception
	{
		final Path end = folder.resolve( "end" );
		final CountDownLatch running = new CountDownLatch( 1 );
		final PythonEnvironment environment = PythonEnvironment.getDefault().withOutput( line -> running.countDown(), System.err::println );
		try (final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue( 1, "import os, time", environment ))
		{
			final ArrayImg< LongType, ? > input = ArrayImgs.longs( 6, 15, 35 );
			final PythonCacheLoader< LongType, ? > loader = PythonCacheLoader.fromRandomAccessibles( GRID, queue,
					"block.data[...] = block.inputs[0]\nprint('runs')\nwhile not os.path.exists(r'" + end + "'): time.sleep(0.001)", new LongType(), input );
			final Thread reader = new Thread( () -> assertThrows( InterruptedException.class, () -> loader.get( 0L ) ) );
			reader.start();
			running.await();
			reader.interrupt();
			reader.join();
			// A user's own cache has nothing to invalidate: the cell is not in it.
			input.forEach( pixel -> pixel.set( 1 ) );
			Files.createFile( end );
			assertEquals( 1, ( ( LongBufferAccess ) ( Object ) loader.get( 0L ).getData() ).getValue( 0 ) );
		}
	}

	@Test
	void interruptedReaderLeavesAndOthersGoOn() throws Exception
	{
		try (final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue( 1, "runs = []" ))
		{
			final CountDownLatch running = new CountDownLatch( 1 );
			final CountDownLatch release = new CountDownLatch( 1 );
			final CachedCellImg< LongType, ? extends BufferAccess< ? > > img = image( queue, "runs.append(block.index); block.data[...] = 4" );
			final CompletableFuture< Void > occupying = queue.submit( python -> {
				running.countDown();
				release.await();
				return null;
			} );
			running.await();
			final AtomicReference< Throwable > thrown = new AtomicReference<>();
			final AtomicReference< Boolean > flag = new AtomicReference<>();
			final Thread reader = new Thread( () -> {
				try
				{
					img.getAt( 0, 0, 0 );
				}
				catch ( final RuntimeException e )
				{
					thrown.set( e );
					flag.set( Thread.currentThread().isInterrupted() );
				}
			} );
			reader.start();
			reader.interrupt();
			reader.join();
			assertTrue( flag.get(), "the interrupt is kept" );
			release.countDown();
			occupying.get();
			// Nobody waits for that block any more.
			assertEquals( 0L, queue.submit( python -> python.getValue( "len(runs)", Long.class ) ).get() );
			assertEquals( 4, img.getAt( 0, 0, 0 ).get() );
		}
	}

	/**
	 * Also if the first reader fails and all others come at once.
	 */
	@Test
	void interruptedReadersLeaveWhileTheOthersWait() throws Exception
	{
		try (final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue( 1, "import time" ))
		{
			final CountDownLatch running = new CountDownLatch( 1 );
			final CountDownLatch release = new CountDownLatch( 1 );
			final CachedCellImg< LongType, ? extends BufferAccess< ? > > img = image( queue, "raise ValueError" );
			final CompletableFuture< Void > occupying = queue.submit( python -> {
				running.countDown();
				release.await();
				return null;
			} );
			running.await();
			final List< Thread > readers = new ArrayList<>();
			final List< Boolean > flags = Collections.synchronizedList( new ArrayList<>() );
			for ( int i = 0; i < 8; ++i )
				readers.add( new Thread( () -> {
					assertThrows( RuntimeException.class, () -> img.getAt( 0, 0, 0 ) );
					flags.add( Thread.currentThread().isInterrupted() );
				} ) );
			readers.forEach( Thread::start );
			for ( final Thread reader : readers )
				// The one that loads the cell looks again and again whether it has begun.
				while ( reader.getState() != Thread.State.WAITING && reader.getState() != Thread.State.TIMED_WAITING )
					Thread.onSpinWait();
			// One thread loads the cell; when it leaves, another one takes its place.
			for ( final Thread reader : readers.subList( 0, 7 ) )
			{
				reader.interrupt();
				reader.join();
			}
			assertEquals( Collections.nCopies( 7, true ), flags );
			release.countDown();
			occupying.get();
			readers.get( 7 ).join();
			assertEquals( 8, flags.size() );
			assertFalse( flags.get( 7 ) );
		}
	}

	@Test
	void codeGoesOnForOthersWhenItsReaderIsInterrupted( @TempDir final Path folder ) throws Exception
	{
		for ( final boolean invalidated : new boolean[] { false, true } )
		{
			final Path end = folder.resolve( "end" );
			Files.deleteIfExists( end );
			final CountDownLatch running = new CountDownLatch( 1 );
			final PythonEnvironment environment = PythonEnvironment.getDefault().withOutput( line -> running.countDown(), System.err::println );
			try (final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue( 1, "import os, time\nruns = []", environment ))
			{
				final CachedCellImg< LongType, ? extends BufferAccess< ? > > img = image( queue,
						"runs.append(1)\nblock.data[...] = len(runs)\nprint('runs')\nwhile not os.path.exists(r'" + end + "'): time.sleep(0.001)" );
				final AtomicReference< Boolean > flag = new AtomicReference<>();
				final Thread first = new Thread( () -> {
					assertThrows( RuntimeException.class, () -> img.getAt( 0, 0, 0 ) );
					flag.set( Thread.currentThread().isInterrupted() );
				} );
				first.start();
				running.await();
				final CompletableFuture< Long > second = new CompletableFuture<>();
				final Thread reader = new Thread( () -> second.complete( img.getAt( 0, 0, 0 ).get() ) );
				reader.start();
				while ( reader.getState() != Thread.State.WAITING )
					Thread.onSpinWait();
				if ( invalidated )
					img.getCache().invalidateAll();
				first.interrupt();
				first.join();
				assertTrue( flag.get(), "the interrupt is kept" );
				Files.createFile( end );
				assertEquals( invalidated ? 2 : 1, second.get( 30, TimeUnit.SECONDS ) );
				assertEquals( invalidated ? 2L : 1, queue.submit( python -> python.getValue( "len(runs)", Long.class ) ).get() );
			}
		}
	}

	@Test
	void interruptedReaderOfACellThatAnotherOneLoadsLeaves() throws Exception
	{
		try (final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue( 1 ))
		{
			final CountDownLatch running = new CountDownLatch( 1 );
			final CountDownLatch release = new CountDownLatch( 1 );
			final CachedCellImg< LongType, ? extends BufferAccess< ? > > img = image( queue, "block.data[...] = 4" );
			final CompletableFuture< Void > occupying = queue.submit( python -> {
				running.countDown();
				release.await();
				return null;
			} );
			running.await();
			final CompletableFuture< Long > first = new CompletableFuture<>();
			final Thread loading = new Thread( () -> first.complete( img.getAt( 0, 0, 0 ).get() ) );
			loading.start();
			// It waits for its own block, not for that of the first reader.
			while ( Arrays.stream( loading.getStackTrace() ).noneMatch( frame -> frame.getMethodName().equals( "await" ) ) )
				Thread.onSpinWait();
			final AtomicReference< Boolean > flag = new AtomicReference<>();
			final Thread second = new Thread( () -> {
				try
				{
					img.getAt( 0, 0, 0 );
				}
				catch ( final RuntimeException e )
				{
					flag.set( Thread.currentThread().isInterrupted() );
				}
			} );
			second.start();
			while ( Arrays.stream( second.getStackTrace() ).noneMatch( frame -> frame.getMethodName().equals( "awaitLoading" ) ) )
				Thread.onSpinWait();
			second.interrupt();
			second.join();
			assertTrue( flag.get(), "the interrupt is kept" );
			release.countDown();
			occupying.get();
			assertEquals( 4, first.get() );
		}
	}

	@Test
	void closingFromAWorkerReleasesAllAndLeavesNoThread() throws Exception
	{
		final CountDownLatch running = new CountDownLatch( 1 );
		final PythonEnvironment environment = PythonEnvironment.getDefault().withOutput( line -> running.countDown(), System.err::println );
		final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue( 2, "", environment );
		final Thread worker = queue.submit( python -> Thread.currentThread() ).get();
		final String pool = worker.getName().replaceFirst( "\\d+$", "" );
		final CachedCellImg< LongType, ? extends BufferAccess< ? > > looping = image( queue, "print('runs')\nwhile True: pass" );
		final CachedCellImg< LongType, ? extends BufferAccess< ? > > waiting = image( queue, "" );
		final List< CompletableFuture< Throwable > > readers = new ArrayList<>();
		readers.add( errorOf( () -> looping.getAt( 0, 0, 0 ) ) );
		running.await();
		final CountDownLatch close = new CountDownLatch( 1 );
		final CompletableFuture< Object > closing = queue.submit( python -> {
			close.await();
			queue.close();
			return null;
		} );
		for ( int i = 0; i < 4; ++i )
		{
			final int x = 5 * ( i % 2 );
			readers.add( errorOf( () -> waiting.getAt( x, 0, 0 ) ) );
		}
		final CompletableFuture< Long > queued = queue.submit( python -> python.getValue( "1", Long.class ) );
		close.countDown();
		assertInstanceOf( PythonClosedException.class, assertThrows( ExecutionException.class, () -> closing.get( 30, TimeUnit.SECONDS ) ).getCause() );
		assertInstanceOf( PythonClosedException.class, assertThrows( ExecutionException.class, () -> queued.get( 30, TimeUnit.SECONDS ) ).getCause() );
		for ( final CompletableFuture< Throwable > reader : readers )
			assertInstanceOf( PythonClosedException.class, reader.get( 30, TimeUnit.SECONDS ).getCause().getCause() );
		queue.close();
		while ( Thread.getAllStackTraces().keySet().stream().anyMatch( thread -> thread.getName().startsWith( pool ) ) )
			Thread.onSpinWait();
	}

	/**
	 * The result of a reader on a thread of its own.
	 */
	private static CompletableFuture< Throwable > errorOf( final Executable read )
	{
		final CompletableFuture< Throwable > error = new CompletableFuture<>();
		new Thread( () -> error.complete( assertThrows( RuntimeException.class, read ) ) ).start();
		return error;
	}

	@Test
	void closingDoesNotWaitForThreadsOfTheUsersCode() throws Exception
	{
		final Thread worker;
		try (final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue( 1, "import threading\nend = threading.Event()\nthreading.Thread(target=end.wait, args=(15,)).start()" ))
		{
			worker = queue.submit( python -> Thread.currentThread() ).get();
		}
		assertFalse( worker.isAlive() );
		try (final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue( 1 ))
		{
			assertEquals( 3, image( queue, "block.data[...] = 3" ).getAt( 0, 0, 0 ).get() );
		}
	}

	@Test
	void openingAndClosingManyTimesLeavesNoThread() throws Exception
	{
		final Set< Thread > before = Thread.getAllStackTraces().keySet();
		for ( int i = 0; i < 20; ++i )
			try (final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue( 2 ))
			{
				assertEquals( i, image( queue, "block.data[...] = " + i ).getAt( 0, 0, 0 ).get() );
			}
		final Set< Thread > left = new HashSet<>( Thread.getAllStackTraces().keySet() );
		left.removeAll( before );
		left.removeIf( thread -> !thread.getName().startsWith( "python_" ) );
		assertEquals( Collections.emptySet(), left );
	}

	@Test
	void codeOfCollectedImagesIsDropped() throws Exception
	{
		try (final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue( 1, "import sys" ))
		{
			final String modules = "sum(name.startswith(__name__ + '_loader_') for name in sys.modules)";
			for ( int i = 0; i < 50; ++i )
				image( queue, "block.data[...] = 1" ).getAt( 0, 0, 0 );
			long left = 50;
			for ( int i = 0; i < 100 && left > 5; ++i )
			{
				System.gc();
				image( queue, "block.data[...] = 1" ).getAt( 0, 0, 0 );
				left = queue.submit( python -> python.getValue( modules, Long.class ) ).get();
			}
			assertTrue( left <= 5, left + " modules of collected images are left" );
		}
	}

	private static Set< String > workers()
	{
		return Thread.getAllStackTraces().keySet().stream().map( Thread::getName ).filter( name -> name.contains( "_worker_" ) ).collect( Collectors.toSet() );
	}

	private static CachedCellImg< LongType, ? extends BufferAccess< ? > > image( final PythonCacheLoaderQueue queue, final String code )
	{
		return PythonCacheLoader.fromRandomAccessibles( GRID, queue, code, new LongType() ).createCachedCellImg( 100 );
	}

	/**
	 * Runs a task on each worker; the tasks wait for each other.
	 */
	private static < R > List< Future< R > > onEachOf( final PythonCacheLoaderQueue queue, final int numWorkers, final PythonTask< R > task )
	{
		final CountDownLatch all = new CountDownLatch( numWorkers );
		final List< Future< R > > results = new ArrayList<>();
		for ( int i = 0; i < numWorkers; ++i )
			results.add( queue.submit( python -> {
				all.countDown();
				all.await();
				return task.execute( python );
			} ) );
		return results;
	}
}
