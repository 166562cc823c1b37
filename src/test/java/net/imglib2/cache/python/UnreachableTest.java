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
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.InputStream;
import java.lang.ref.WeakReference;
import java.security.ProtectionDomain;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import java.util.stream.Collectors;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import net.imglib2.cache.img.CachedCellImg;
import net.imglib2.img.cell.CellGrid;
import net.imglib2.type.numeric.integer.IntType;

/**
 * Objects that nobody refers to any more end without being closed.
 */
@Tag( "each-mode" )
@Timeout( value = 120, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD )
class UnreachableTest
{
	private static final CellGrid GRID = new CellGrid( new long[] { 5, 2 }, new int[] { 5, 2 } );

	@Test
	void anUnreachableQueueEnds() throws Exception
	{
		final List< Thread > before = workers();
		for ( int i = 0; i < 5; ++i )
			assertEquals( 7, image( new PythonCacheLoaderQueue( 2, "x = 7" ), "block.data[...] = x" ).firstElement().get() );
		awaitCollection( () -> before.containsAll( workers() ) );
	}

	@Test
	void aQueueStaysAsLongAsAnImageOfItDoes() throws Exception
	{
		final CachedCellImg< IntType, ? > img = image( new PythonCacheLoaderQueue( 1, "x = 7" ), "block.data[...] = x" );
		assertEquals( 7, img.firstElement().get() );
		// Another unreachable queue tells when the garbage collector has run.
		final WeakReference< Object > other = new WeakReference<>( new PythonCacheLoaderQueue() );
		awaitCollection( () -> other.get() == null );
		img.getCache().invalidateAll();
		assertEquals( 7, img.firstElement().get() );
	}

	@Test
	void aQueueStaysUntilItsOwnWorkIsDone() throws Exception
	{
		final CountDownLatch begun = new CountDownLatch( 1 );
		final CountDownLatch goOn = new CountDownLatch( 1 );
		final List< CompletableFuture< Long > > work = submit( new PythonCacheLoaderQueue( 1, "x = 7" ), begun, goOn );
		assertTrue( begun.await( 30, TimeUnit.SECONDS ) );
		final WeakReference< Object > other = new WeakReference<>( new PythonCacheLoaderQueue() );
		awaitCollection( () -> other.get() == null );
		goOn.countDown();
		for ( final CompletableFuture< Long > each : work )
			assertEquals( 7, each.get( 30, TimeUnit.SECONDS ) );
	}

	private static List< CompletableFuture< Long > > submit( final PythonCacheLoaderQueue queue, final CountDownLatch begun, final CountDownLatch goOn )
	{
		final List< CompletableFuture< Long > > work = new ArrayList<>();
		for ( int i = 0; i < 3; ++i )
			work.add( queue.submit( python -> {
				begun.countDown();
				goOn.await();
				return ( ( Number ) python.getValue( "x" ) ).longValue();
			} ) );
		return work;
	}

	@Test
	void objectsOfTheCodeOfADroppedImageAreFreed() throws Exception
	{
		try (PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue( 2, "import sys, weakref\nsys.alive = getattr(sys, 'alive', weakref.WeakSet())\nclass Large:\n    pass" ))
		{
			for ( final String code : new String[] { "", "def function():\n    return large\n", "class Own:\n    def method(self):\n        return large\n", "import functools\npart = functools.partial(print, block)\n" } )
			{
				final String define = code + "large = globals().get('large') or Large()\nsys.alive.add(large)\nblock.data[...] = len(sys.alive)";
				for ( int i = 0; i < 5; ++i )
					assertTrue( image( queue, define ).firstElement().get() > 0 );
				// Meanwhile the workers do nothing, and Python's collector has no reason to run.
				awaitCollection( () -> alive( queue ) == 0 );
			}
		}
	}

	private static long alive( final PythonCacheLoaderQueue queue )
	{
		// In mode SUB, each worker has a collector of its own.
		final List< CompletableFuture< Long > > counts = new ArrayList<>();
		final CountDownLatch both = new CountDownLatch( 2 );
		for ( int i = 0; i < 2; ++i )
			counts.add( queue.submit( python -> {
				both.countDown();
				both.await();
				return ( ( Number ) python.getValue( "len(sys.alive)" ) ).longValue();
			} ) );
		return counts.stream().mapToLong( CompletableFuture::join ).sum();
	}

	@Test
	void threadsInheritNothingFromTheCreatorOfTheQueue() throws Exception
	{
		final InheritableThreadLocal< Object > local = new InheritableThreadLocal<>();
		final ClassLoader loader = new ClassLoader( UnreachableTest.class.getClassLoader() )
		{};
		final List< Object > inherited = new ArrayList<>();
		try (PythonCacheLoaderQueue queue = CompletableFuture.supplyAsync( () -> {
			local.set( new Object() );
			Thread.currentThread().setContextClassLoader( loader );
			return new PythonCacheLoaderQueue( 1 );
		}, command -> new Thread( command ).start() ).get())
		{
			queue.submit( python -> {
				inherited.add( local.get() );
				inherited.add( Thread.currentThread().getContextClassLoader() );
				return null;
			} ).get();
		}
		assertNull( inherited.get( 0 ) );
		assertEquals( PythonCacheLoaderQueue.class.getClassLoader(), inherited.get( 1 ) );
	}

	/**
	 * The code of a script is garbage after the end of the script, although its queue goes on.
	 */
	@Test
	void theClassesOfTheCreatorOfTheQueueCanBeCollected() throws Exception
	{
		final WeakReference< Object > script = new WeakReference<>( new ScriptLoader() );
		try (PythonCacheLoaderQueue queue = ( ( ScriptLoader ) script.get() ).runScript())
		{
			awaitCollection( () -> script.get() == null );
			queue.submit( python -> python.getValue( "1" ) ).get();
		}
	}

	/**
	 * Made anew for each script, as by script engines.
	 */
	private static final class ScriptLoader extends ClassLoader
	{
		ScriptLoader()
		{
			super( UnreachableTest.class.getClassLoader() );
		}

		PythonCacheLoaderQueue runScript() throws Exception
		{
			final String name = Script.class.getName();
			try (InputStream in = getResourceAsStream( name.replace( '.', '/' ) + ".class" ))
			{
				final byte[] bytes = in.readAllBytes();
				final Class< ? > script = defineClass( name, bytes, 0, bytes.length, new ProtectionDomain( null, null, this, null ) );
				final Supplier< ? > instance = ( Supplier< ? > ) script.getConstructor().newInstance();
				assertSame( this, instance.getClass().getClassLoader() );
				return ( PythonCacheLoaderQueue ) instance.get();
			}
		}
	}

	public static final class Script implements Supplier< Object >
	{
		@Override
		public Object get()
		{
			return new PythonCacheLoaderQueue( 2 );
		}
	}

	/**
	 * Making an image does not wait for the computation of others.
	 */
	@Test
	void anImageIsMadeWhileAllWorkersAreOccupied() throws Exception
	{
		try (PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue( 2 ))
		{
			final CountDownLatch begun = new CountDownLatch( 2 );
			final CountDownLatch goOn = new CountDownLatch( 1 );
			final List< CompletableFuture< Void > > work = new ArrayList<>();
			for ( int i = 0; i < 2; ++i )
				work.add( queue.submit( python -> {
					begun.countDown();
					goOn.await();
					return null;
				} ) );
			assertTrue( begun.await( 30, TimeUnit.SECONDS ) );
			final CachedCellImg< IntType, ? > img = image( queue, "block.data[...] = 3" );
			final PythonCodeException error = assertThrows( PythonCodeException.class, () -> image( queue, "block.data[...] = (" ) );
			assertEquals( "SyntaxError", error.getPythonType() );
			assertFalse( work.stream().anyMatch( CompletableFuture::isDone ) );
			goOn.countDown();
			assertEquals( 3, img.firstElement().get() );
		}
	}

	private static CachedCellImg< IntType, ? > image( final PythonCacheLoaderQueue queue, final String code )
	{
		return PythonCacheLoader.fromRandomAccessibles( GRID, queue, code, new IntType() ).createCachedCellImg( 10 );
	}

	private static List< Thread > workers()
	{
		return Thread.getAllStackTraces().keySet().stream().filter( thread -> thread.getName().startsWith( "python_" ) ).collect( Collectors.toList() );
	}

	private static void awaitCollection( final BooleanSupplier happened ) throws InterruptedException
	{
		while ( !happened.getAsBoolean() )
		{
			System.gc();
			Thread.sleep( 10 );
		}
	}
}
