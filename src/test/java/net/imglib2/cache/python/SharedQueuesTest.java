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
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.ref.WeakReference;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.FutureTask;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import net.imglib2.cache.python.worker.QueueOwner;
import net.imglib2.cache.python.worker.WorkerPool;
import net.imglib2.type.numeric.integer.IntType;

/**
 * The queues that images have in common which name none.
 */
@Timeout( 120 )
@Tag( "each-mode" )
class SharedQueuesTest
{
	/**
	 * No other test has it.
	 */
	private static final String INIT = "name = 'of SharedQueuesTest'";

	@Test
	void aScriptThatRunsTwentyTimesHasOneQueue()
	{
		final Set< PythonCacheLoaderQueue > queues = new HashSet<>();
		final List< PythonImg< IntType > > results = new ArrayList<>();
		for ( int i = 0; i < 20; ++i )
		{
			final PythonImg< IntType > image = image( INIT, i ).build();
			assertEquals( 5 + i, image.getAt( 5 ).get() );
			results.add( image );
			queues.add( image.queue() );
		}
		assertEquals( 1, queues.size() );
		for ( int i = 0; i < 20; ++i )
			assertEquals( 4 + i, results.get( i ).getAt( 4 ).get() );
	}

	@Test
	void initCodeAndEnvironmentMakeTheDifference()
	{
		final PythonImg< IntType > image = image( INIT, 1 ).build();
		assertSame( image.queue(), image( "  " + INIT, 2 ).build().queue() );
		assertSame( image.queue(), image( INIT, 2 ).environment( PythonEnvironment.getDefault() ).build().queue() );
		assertNotSame( image.queue(), image( INIT + " + '2'", 1 ).build().queue() );
		assertNotSame( image.queue(), image( INIT, 1 ).environment( PythonEnvironment.getDefault().withOutput( line -> {}, line -> {} ) ).build().queue() );
	}

	@Test
	void whoWaitsForAnotherThreadCanBeInterrupted( @TempDir final Path folder ) throws Exception
	{
		final String init = "import pathlib, time\nfolder = pathlib.Path(r'" + folder + "')\n(folder / 'begun').touch()\n"
				+ "while not (folder / 'gate').exists(): time.sleep(0.001)";
		final FutureTask< PythonImg< IntType > > first = new FutureTask<>( image( init, 1 )::build );
		new Thread( first ).start();
		while ( !Files.exists( folder.resolve( "begun" ) ) )
			Thread.yield();
		final FutureTask< String > second = new FutureTask<>( () -> {
			final String told = assertThrows( PythonInterruptedException.class, image( init, 2 )::build ).getMessage();
			return Thread.interrupted() ? told : "not interrupted any more";
		} );
		final Thread thread = new Thread( second );
		thread.start();
		thread.interrupt();
		try
		{
			final String told = second.get();
			assertTrue( told.contains( "while another thread opened workers of" ), told );
		}
		finally
		{
			Files.createFile( folder.resolve( "gate" ) );
		}
		assertEquals( 6, first.get().getAt( 5 ).get() );
	}

	@Test
	void itGrowsToTheLargestNumberOfWorkers()
	{
		final PythonImg< IntType > image = image( INIT + " + 'grows'", 1 ).workers( 1 ).build();
		assertEquals( 1, image.queue().pool().numWorkers() );
		final PythonImg< IntType > other = image( INIT + " + 'grows'", 1 ).workers( 3 ).build();
		assertSame( image.queue(), other.queue() );
		assertEquals( 3, image.queue().pool().numWorkers() );
		image( INIT + " + 'grows'", 1 ).workers( 2 ).build();
		assertEquals( 3, image.queue().pool().numWorkers() );
	}

	@Test
	void aQueueHasSettingsOfItsOwn()
	{
		try ( PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue( 1, INIT ) )
		{
			assertEquals( 7, image( "", 2 ).queue( queue ).build().getAt( 5 ).get() );
			for ( final PythonImgBuilder< IntType > wrong : new PythonImgBuilder[] { image( INIT, 1 ), image( "", 1 ).workers( 2 ), image( "", 1 ).environment( PythonEnvironment.detected() ) } )
				assertTrue( assertThrows( IllegalArgumentException.class, () -> wrong.queue( queue ).build() ).getMessage().contains( "new PythonCacheLoaderQueue(" ) );
		}
	}

	@Test
	void itEndsWhenNoImageIsLeft() throws Exception
	{
		final String init = INIT + " + 'ends'";
		final List< PythonImg< IntType > > images = new ArrayList<>( Arrays.asList( image( init, 1 ).build(), image( init, 2 ).build() ) );
		final WeakReference< PythonCacheLoaderQueue > queue = new WeakReference<>( images.get( 0 ).queue() );
		final Thread worker = images.get( 0 ).queue().submit( python -> Thread.currentThread() ).get();
		images.remove( 0 );
		System.gc();
		// The last one keeps it.
		assertEquals( 7, images.get( 0 ).getAt( 5 ).get() );
		assertTrue( worker.isAlive() );
		images.clear();
		while ( queue.get() != null || worker.isAlive() )
			System.gc();
		assertEquals( 8, image( init, 3 ).build().getAt( 5 ).get() );
	}

	@Test
	void anOwnerKeepsItsQueuesAndClosesThem() throws Exception
	{
		final String init = INIT + " + 'owned'";
		final List< PythonEnvironment > asked = new ArrayList<>();
		final QueueOwner owner = new QueueOwner( environment -> {
			asked.add( environment );
			return environment;
		} );
		final PythonImg< IntType > notOwned = image( init, 1 ).build();
		final List< PythonImg< IntType > > images = new ArrayList<>();
		final Runnable script = () -> {
			owner.employ( Thread.currentThread() );
			images.add( image( init, 2 ).build() );
		};
		onAnotherThread( script );
		final Thread worker = images.get( 0 ).queue().submit( python -> Thread.currentThread() ).get();
		final WorkerPool pool = images.get( 0 ).queue().pool();
		assertNotSame( notOwned.queue(), images.get( 0 ).queue() );
		assertEquals( Arrays.asList( PythonEnvironment.getDefault() ), asked );

		final WeakReference< Object > first = new WeakReference<>( images.remove( 0 ) );
		while ( first.get() != null )
			System.gc();
		onAnotherThread( script );
		assertSame( pool, images.get( 0 ).queue().pool() );
		assertEquals( 7, images.get( 0 ).getAt( 5 ).get() );

		onAnotherThread( () -> {
			owner.employ( Thread.currentThread() );
			owner.close();
			// There is no owner any more.
			images.add( image( init, 3 ).build() );
		} );
		worker.join();
		assertSame( notOwned.queue(), images.get( 1 ).queue() );
		assertEquals( 6, notOwned.getAt( 5 ).get() );
		images.get( 0 ).invalidate();
		assertThrows( PythonClosedException.class, () -> images.get( 0 ).compute() );
		assertThrows( PythonClosedException.class, () -> owner.keep( new Object(), pool ) );
	}

	@Test
	void anOwnerKeepsThreeUnusedQueuesAtMost() throws Exception
	{
		final List< WeakReference< PythonCacheLoaderQueue > > queues = new ArrayList<>();
		try ( QueueOwner owner = new QueueOwner( environment -> environment ) )
		{
			onAnotherThread( () -> {
				owner.employ( Thread.currentThread() );
				for ( final String init : new String[] { "'a'", "'b'", "'c'", "'b'", "'a'", "'d'", "'e'" } )
					queues.add( new WeakReference<>( image( INIT + " + " + init, 1 ).workers( 1 ).build().queue() ) );
			} );
			// b and c were used before the others.
			for ( final int dropped : new int[] { 1, 2, 3 } )
				while ( queues.get( dropped ).get() != null )
					System.gc();
			for ( final int kept : new int[] { 0, 4, 5, 6 } )
				assertNotNull( queues.get( kept ).get() );
		}
	}

	private static void onAnotherThread( final Runnable script ) throws InterruptedException
	{
		final Thread thread = new Thread( script );
		thread.start();
		thread.join();
	}

	private static PythonImgBuilder< IntType > image( final String init, final int number )
	{
		return PythonImg.builder( "block.data[...] = np.arange(block.data.size) + number" ).parameter( "number", number ).dimensions( 10 ).cellSize( 10 ).init( init ).type( new IntType() );
	}
}
