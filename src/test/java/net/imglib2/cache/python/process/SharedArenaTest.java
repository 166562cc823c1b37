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
package net.imglib2.cache.python.process;

import static net.imglib2.cache.python.process.TestArenas.MIB;
import static net.imglib2.cache.python.process.TestArenas.fill;
import static net.imglib2.cache.python.process.TestArenas.isFilled;
import static net.imglib2.cache.python.process.TestArenas.seenByOthers;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import net.imglib2.cache.python.ChildJvm;
import net.imglib2.cache.python.NativeMemoryException;
import net.imglib2.cache.python.PythonEnvironmentException;
import net.imglib2.cache.python.block.CellMemory;
import net.imglib2.cache.python.block.CellOutput;
import net.imglib2.cache.python.block.DirectMemory;
import net.imglib2.cache.python.block.Lease;
import net.imglib2.cache.python.process.SharedArena.Span;
import net.imglib2.cache.python.type.PixelType;
import net.imglib2.img.basictypeaccess.nio.FloatBufferAccess;
import net.imglib2.img.basictypeaccess.nio.LongBufferAccess;
import net.imglib2.type.numeric.integer.LongType;
import net.imglib2.type.numeric.real.FloatType;

@Timeout( 60 )
class SharedArenaTest
{
	private static final int LARGE = SharedArena.MAX_COPIED_CELL + 1;

	@Test
	void buffersHaveExactlyTheSizeAskedForInNativeOrder()
	{
		final SharedArena arena = TestArenas.ofSize( 64 * MIB );
		for ( final int size : new int[] { 1, 7, 4096, 5000, LARGE, 1_000_003 } )
		{
			requireSize( size, arena.lease( size ).buffer() );
			requireSize( size, arena.allocate( size ) );
			requireSize( size, arena.copiedCell( size ).buffer() );
			if ( size >= LARGE )
				requireSize( size, arena.cell( size ).buffer() );
			else
				assertNull( arena.cell( size ) );
		}
	}

	private static void requireSize( final int size, final ByteBuffer buffer )
	{
		assertEquals( size, buffer.capacity() );
		assertEquals( size, buffer.remaining() );
		assertEquals( ByteOrder.nativeOrder(), buffer.order() );
		assertTrue( buffer.isDirect() );
	}

	@Test
	void otherProcessesSeeEachBufferWhereItsSpanSays() throws Exception
	{
		final SharedArena arena = TestArenas.ofSize( 64 * MIB );
		final List< ByteBuffer > buffers = new ArrayList<>();
		buffers.add( arena.allocate( 5_000_000 ) );
		for ( int i = 0; i < 100; ++i )
		{
			buffers.add( arena.lease( 1 + i * 997 ).buffer() );
			buffers.add( arena.cell( LARGE + i * 1009 ).buffer() );
			buffers.add( arena.allocate( 8 + i ) );
		}
		for ( int i = 0; i < buffers.size(); ++i )
			fill( buffers.get( i ), i );
		long end = 0;
		for ( int i = 0; i < buffers.size(); ++i )
		{
			final Span span = arena.spanOf( buffers.get( i ) );
			assertEquals( buffers.get( i ).capacity(), span.length );
			assertTrue( span.offset >= 0 && span.offset + span.length <= span.segmentLength );
			// Else it cannot be mapped on Windows.
			assertEquals( 0, span.segmentStart % ( 1 << 16 ) );
			assertTrue( isFilled( seenByOthers( arena, span ), i ) );
			end = Math.max( end, span.segmentStart + span.segmentLength );
		}
		assertEquals( arena.total(), end );
		assertEquals( arena.total(), Files.size( arena.path() ) );
	}

	@Test
	void spanOfAPartIsThePartOfTheSpan()
	{
		final SharedArena arena = TestArenas.ofSize( 16 * MIB );
		final ByteBuffer cell = arena.cell( 8 * LARGE ).buffer();
		final Span whole = arena.spanOf( cell );
		final ByteBuffer moved = cell.duplicate().order( ByteOrder.nativeOrder() );
		moved.position( 80 ).limit( 800 );
		// The position does not count: numpy sees entry 0.
		requireSpan( whole, 0, 8 * LARGE, arena.spanOf( moved ) );
		requireSpan( whole, 80, 720, arena.spanOf( moved.slice() ) );
		final DoubleBuffer doubles = moved.slice().order( ByteOrder.nativeOrder() ).asDoubleBuffer();
		doubles.position( 7 );
		requireSpan( whole, 80, 720, arena.spanOf( doubles.duplicate() ) );
		requireSpan( whole, 80 + 56, 720 - 56, arena.spanOf( doubles.slice() ) );
		requireSpan( whole, 0, 8 * LARGE, arena.spanOf( cell.asReadOnlyBuffer() ) );
		requireSpan( whole, 0, 8 * LARGE, arena.spanOf( cell.duplicate().asShortBuffer() ) );
	}

	private static void requireSpan( final Span whole, final long offset, final long length, final Span part )
	{
		assertEquals( whole.segmentStart, part.segmentStart );
		assertEquals( whole.segmentLength, part.segmentLength );
		assertEquals( whole.offset + offset, part.offset );
		assertEquals( length / 8 * 8, part.length / 8 * 8 );
	}

	@Test
	void onlyCellsOfTheArenaAreVisible()
	{
		final SharedArena arena = TestArenas.ofSize( 16 * MIB );
		final ByteBuffer cell = arena.cell( LARGE ).buffer();
		assertTrue( arena.isVisible( cell, this ) );
		assertTrue( arena.isVisible( cell.duplicate().asFloatBuffer(), null ) );
		// What is used again would change.
		assertFalse( arena.isVisible( arena.lease( LARGE ).buffer(), this ) );
		assertFalse( arena.isVisible( arena.lease( 100 ).buffer(), this ) );
		assertFalse( arena.isVisible( arena.allocate( 100 ), this ) );
		for ( final Buffer other : new Buffer[] { ByteBuffer.allocate( 100 ), ByteBuffer.allocateDirect( LARGE ), ByteBuffer.allocateDirect( 0 ),
				arena.copiedCell( 100 ).buffer(), TestArenas.ofSize( MIB ).cell( LARGE ).buffer(), DoubleBuffer.allocate( 3 ) } )
		{
			assertFalse( arena.isVisible( other, this ) );
			assertThrows( IllegalArgumentException.class, () -> arena.spanOf( other ) );
		}
	}

	/**
	 * Ordinary direct buffers get the addresses of mappings that are gone.
	 */
	@Test
	void memoryAtTheAddressOfAMappingThatIsGoneIsNotVisible()
	{
		final SharedArena arena = TestArenas.ofSize( 32 * MIB );
		final Random random = new Random( 3 );
		final List< ByteBuffer > others = new ArrayList<>();
		final List< ByteBuffer > cells = new ArrayList<>();
		for ( int i = 0; i < 120; ++i )
		{
			cells.add( arena.cell( LARGE + random.nextInt( 1 << 19 ) ).buffer() );
			if ( cells.size() > 20 )
				cells.subList( 0, 1 + random.nextInt( 20 ) ).clear();
			others.add( ByteBuffer.allocateDirect( LARGE + random.nextInt( 1 << 19 ) ) );
			if ( others.size() > 20 )
				others.subList( 0, 1 + random.nextInt( 20 ) ).clear();
			if ( i % 12 == 0 )
				System.gc();
			for ( final ByteBuffer other : others )
				assertFalse( arena.isVisible( other, null ) );
			for ( final ByteBuffer cell : cells )
				assertTrue( arena.isVisible( cell, null ) );
		}
	}

	@Test
	void releasedLeaseIsUsedAgain()
	{
		final SharedArena arena = TestArenas.ofSize( 16 * MIB );
		for ( final int size : new int[] { 1000, 5000, 1 << 18 } )
		{
			final Lease first = arena.lease( size );
			final Span span = arena.spanOf( first.buffer() );
			assertNotSame( first.buffer(), arena.lease( size ).buffer() );
			first.release();
			final Span again = arena.spanOf( arena.lease( size ).buffer() );
			assertEquals( span.segmentStart + span.offset, again.segmentStart + again.offset );
		}
	}

	@Test
	void leaseThatIsLostIsFreeWhenNobodyCanReachIt()
	{
		final SharedArena arena = TestArenas.ofSize( 8 * MIB );
		for ( int i = 0; i < 30; ++i )
			fill( arena.lease( 1_200_000 ).buffer(), i );
		for ( int i = 0; i < 3_000; ++i )
			fill( arena.lease( 8000 ).buffer(), i );
		assertTrue( arena.total() <= 8 * MIB );
	}

	@Test
	void allocatedMemoryIsZeroAlsoIfItWasUsed()
	{
		final SharedArena arena = TestArenas.ofSize( 8 * MIB );
		final Random random = new Random( 1 );
		for ( int i = 0; i < 200; ++i )
		{
			fill( arena.cell( LARGE + random.nextInt( 1 << 20 ) ).buffer(), -1 );
			final ByteBuffer words = arena.allocate( 1 + random.nextInt( 10_000 ) );
			assertTrue( isFilled( words, 0 ) );
			fill( words, -1 );
			fill( arena.lease( 1 + random.nextInt( 100_000 ) ).buffer(), -1 );
		}
	}

	/**
	 * All that is kept of each cell is a buffer that was made from its buffer.
	 */
	@Test
	void memoryIsNotUsedAgainAsLongAsAnyBufferIsInReach() throws Exception
	{
		final SharedArena arena = TestArenas.ofSize( 24 * MIB );
		final List< ByteBuffer > kept = new ArrayList<>();
		for ( int i = 0; i < 40; ++i )
		{
			final ByteBuffer buffer = arena.cell( 4 * LARGE ).buffer();
			fill( buffer, i );
			buffer.position( LARGE );
			switch ( i % 4 )
			{
			case 0:
				kept.add( buffer.duplicate().order( ByteOrder.nativeOrder() ) );
				break;
			case 1:
				kept.add( buffer.slice().slice().duplicate().order( ByteOrder.nativeOrder() ) );
				break;
			case 2:
				kept.add( ( ( ByteBuffer ) buffer.slice().limit( 100 ) ).slice().order( ByteOrder.nativeOrder() ) );
				break;
			default:
				kept.add( buffer.asReadOnlyBuffer().order( ByteOrder.nativeOrder() ) );
			}
		}
		// Freed and used again many times over.
		for ( int i = 0; i < 300; ++i )
			fill( arena.cell( 3 * LARGE ).buffer(), 0xCACACACACACACACAL );
		for ( int i = 0; i < kept.size(); ++i )
		{
			final ByteBuffer mine = kept.get( i );
			for ( int at = 0; at + 8 <= mine.capacity(); at += 8 )
				assertTrue( mine.get( at ) != ( byte ) 0xCA );
			assertTrue( arena.isVisible( mine, null ) );
			assertEquals( -1, mine.duplicate().clear().mismatch( seenByOthers( arena, arena.spanOf( mine ) ) ) );
		}
	}

	/**
	 * A canary is written into each region that is free, by another mapping, as a worker
	 * would that does not know: nobody may see it.
	 */
	@Test
	void nobodySeesWhatIsWrittenIntoFreeRegions() throws Exception
	{
		final SharedArena arena = TestArenas.ofSize( 16 * MIB );
		final ByteBuffer canary = ByteBuffer.allocateDirect( 1 << 16 );
		fill( canary, 0xCACACACACACACACAL );
		final Random random = new Random( 7 );
		final List< ByteBuffer > kept = new ArrayList<>();
		for ( int i = 0; i < 300; ++i )
		{
			final ByteBuffer cell = arena.cell( LARGE + random.nextInt( 1 << 18 ) ).buffer();
			fill( cell, i );
			kept.add( cell );
			if ( kept.size() > 20 )
				kept.remove( random.nextInt( 20 ) );
			if ( i % 50 == 0 )
				System.gc();
			arena.overwriteFree( canary );
			for ( final ByteBuffer mine : kept )
				assertTrue( isFilled( mine, mine.getLong( 0 ) ) && mine.getLong( 0 ) <= i );
		}
	}

	@Test
	void fullArenaCollectsGarbageAndElseTellsTheNumbers()
	{
		final SharedArena arena = TestArenas.ofSize( 8 * MIB );
		final List< CellMemory > kept = new ArrayList<>();
		final NativeMemoryException full = assertThrows( NativeMemoryException.class, () -> {
			while ( true )
				kept.add( arena.cell( ( int ) MIB ) );
		} );
		assertEquals( 8, kept.size() );
		assertTrue( full.getMessage().contains( MIB + " bytes: " + 8 * MIB + " of " + 8 * MIB + " bytes are in use" ), full.getMessage() );
		assertTrue( full.getMessage().contains( "-Dimglib2.python.sharedMemory=" ), full.getMessage() );
		assertThrows( NativeMemoryException.class, () -> arena.lease( 1 ) );
		kept.remove( 0 );
		kept.add( arena.cell( ( int ) MIB ) );
		kept.clear();
		for ( int i = 0; i < 60; ++i )
			kept.add( arena.cell( ( int ) MIB / 20 + LARGE ) );
		assertTrue( arena.total() <= 8 * MIB );
	}

	@Test
	void fullArenaTellsOfTheOptionThatForbidsCollections() throws Exception
	{
		ChildJvm.of( FullMain.class ).withPython( ChildJvm.testPython() ).withJvmArgument( "-XX:+DisableExplicitGC" ).withProperty( "project.basedir", System.getProperty( "project.basedir", System.getProperty( "basedir", "" ) ) ).run()
				.requireExitCode( 0 ).requireOutput( "done" );
	}

	static final class FullMain
	{
		public static void main( final String[] args )
		{
			final SharedArena arena = TestArenas.ofSize( 4 * MIB );
			final NativeMemoryException full = assertThrows( NativeMemoryException.class, () -> {
				while ( true )
					arena.cell( ( int ) MIB );
			} );
			assertTrue( full.getMessage().contains( "Run Java without -XX:+DisableExplicitGC" ), full.getMessage() );
			System.out.println( "done" );
		}
	}

	/**
	 * Neither Java nor the limit asks for a collection here.
	 */
	@Test
	void boundedCacheDoesNotLetTheArenaGrow()
	{
		final CollectionPace pace = new CollectionPace( 0 );
		// The next ones may come at once, however long they take.
		final long now = System.nanoTime();
		pace.collected( now - 1, now );
		final SharedArena arena = TestArenas.ofSize( 4096 * MIB, 10_000, pace );
		final List< CellMemory > cache = new ArrayList<>();
		for ( int i = 0; i < 3 * 256; ++i )
		{
			cache.add( arena.cell( ( int ) MIB ) );
			if ( cache.size() > 8 )
				cache.remove( 0 );
		}
		// That it is not looked for before is tested, too.
		assertTrue( arena.total() >= 256 * MIB && arena.total() <= ( 256 + 64 ) * MIB, () -> arena.total() + " bytes" );
	}

	@Test
	void leasesThatAreKeptForReuseMakeRoom()
	{
		final SharedArena arena = TestArenas.ofSize( 8 * MIB );
		final List< Lease > leases = new ArrayList<>();
		for ( int i = 0; i < 8; ++i )
			leases.add( arena.lease( 1 << 18 ) );
		leases.forEach( Lease::release );
		leases.clear();
		assertEquals( 7 * MIB, arena.cell( 7 << 20 ).buffer().capacity() );
	}

	@Test
	void requestsLargerThanTheLimitAreRefused()
	{
		final SharedArena arena = TestArenas.ofSize( 8 * MIB );
		assertThrows( NativeMemoryException.class, () -> arena.cell( ( int ) ( 8 * MIB + 1 ) ) );
		assertThrows( NativeMemoryException.class, () -> arena.lease( Integer.MAX_VALUE ) );
		assertEquals( 8 * MIB, arena.cell( ( int ) ( 8 * MIB ) ).buffer().capacity() );
	}

	@Test
	void largeRequestMayBeInSeveralSegments() throws Exception
	{
		final SharedArena arena = TestArenas.ofSize( 512 * MIB );
		ByteBuffer large = arena.cell( ( int ) ( 200 * MIB + 1 ) ).buffer();
		final Span span = arena.spanOf( large );
		assertTrue( span.offset + span.length <= span.segmentLength );
		fill( large, -1 );
		assertTrue( isFilled( seenByOthers( arena, span ), -1 ) );
		large = null;
		// In pieces for this JVM: filled with zeros by a mapping of its own.
		final ByteBuffer again = arena.allocate( ( int ) ( 400 * MIB ) );
		assertTrue( isFilled( again, 0 ) );
		assertTrue( arena.total() <= 512 * MIB );
	}

	@Test
	void segmentsGrowWithTheirNumber()
	{
		final SharedArena arena = TestArenas.ofSize( 300 * MIB );
		final List< CellMemory > cells = new ArrayList<>();
		long before = 0;
		long last = 0;
		while ( arena.total() < 200 * MIB )
		{
			cells.add( arena.cell( ( int ) MIB ) );
			if ( arena.total() > before )
			{
				assertTrue( arena.total() - before >= last && arena.total() - before <= 64 * MIB );
				last = arena.total() - before;
				before = arena.total();
			}
		}
		assertEquals( 64 * MIB, last );
	}

	@Test
	void tooManyMappingsMakeCellsCopies()
	{
		final SharedArena arena = TestArenas.ofSize( 64 * MIB, 5 );
		final List< CellMemory > cells = new ArrayList<>();
		for ( int i = 0; i < 5; ++i )
			cells.add( arena.cell( LARGE ) );
		assertFalse( cells.contains( null ) );
		assertNull( arena.cell( LARGE ) );
		final CellOutput output = new CellOutput( PixelType.of( new LongType(), "" ), new LongBufferAccess( 1, true ), new long[] { LARGE }, arena );
		assertSame( ByteBuffer.class, output.array().lease().buffer().getClass().getSuperclass().getSuperclass() );
		fill( output.array().lease().buffer(), 5 );
		final LongBufferAccess access = ( LongBufferAccess ) output.access();
		output.release();
		assertEquals( 5, access.getValue( LARGE - 1 ) );
	}

	@Test
	void mappingsThatAreGarbageAreCollectedBeforeCellsBecomeCopies()
	{
		final CollectionPace pace = new CollectionPace( 0 );
		final long now = System.nanoTime();
		pace.collected( now - 1, now );
		final SharedArena arena = TestArenas.ofSize( 64 * MIB, 50, pace );
		for ( int i = 0; i < 75; ++i )
			assertNotNull( arena.cell( LARGE ) );
	}

	/**
	 * Else the JVM would die of it.
	 */
	@Test
	void tooManyMappingsOfOtherMemoryAreAnError()
	{
		final SharedArena arena = TestArenas.ofSize( 64 * MIB, 10 );
		final List< Object > kept = new ArrayList<>();
		for ( int i = 0; i < 15; ++i )
			kept.add( arena.lease( LARGE ) );
		for ( int i = 0; i < 2; ++i )
		{
			final NativeMemoryException full = assertThrows( NativeMemoryException.class, () -> arena.lease( LARGE ) );
			assertTrue( full.getMessage().contains( "15 are in use" ) && full.getMessage().contains( "vm.max_map_count" ), full.getMessage() );
			assertThrows( NativeMemoryException.class, () -> arena.allocate( 8 ) );
			assertNull( arena.cell( LARGE ) );
		}
		kept.clear();
		for ( int i = 0; i < 40; ++i )
			assertEquals( LARGE, arena.lease( LARGE ).buffer().capacity() );
	}

	@Test
	void smallCellIsACopyAndALargeOneIsWhatWasWritten()
	{
		final SharedArena arena = TestArenas.ofSize( 64 * MIB );
		final CellOutput small = new CellOutput( PixelType.of( new FloatType(), "" ), new FloatBufferAccess( 1, true ), new long[] { 16, 8 }, arena );
		final ByteBuffer written = small.array().lease().buffer();
		assertEquals( 512, written.capacity() );
		assertTrue( isFilled( written, 0 ) );
		written.putFloat( 4 * 127, 5 );
		final FloatBufferAccess copy = ( FloatBufferAccess ) small.access();
		fill( written, -1 );
		small.release();
		assertEquals( 5, copy.getValue( 127 ) );
		assertEquals( 0, copy.getValue( 126 ) );
		assertFalse( arena.isVisible( copy.getCurrentStorageArray(), copy ) );

		final CellOutput large = new CellOutput( PixelType.of( new FloatType(), "" ), new FloatBufferAccess( 1, true ), new long[] { 160, 128 }, arena );
		assertNull( large.array().lease() );
		( ( ByteBuffer ) large.array().memory() ).putFloat( 4 * 127, 7 );
		final FloatBufferAccess cell = ( FloatBufferAccess ) large.access();
		assertEquals( 7, cell.getValue( 127 ) );
		assertTrue( arena.isVisible( cell.getCurrentStorageArray(), cell ) );
	}

	@Test
	void interruptedThreadsGetMemoryAndStayInterrupted() throws Exception
	{
		final SharedArena arena = TestArenas.ofSize( 64 * MIB );
		Thread.currentThread().interrupt();
		final ByteBuffer mine = arena.cell( LARGE ).buffer();
		assertTrue( Thread.interrupted() );
		fill( mine, 3 );
		final AtomicBoolean stop = new AtomicBoolean();
		final AtomicLong interrupts = new AtomicLong();
		final List< Thread > targets = new ArrayList<>();
		final ExecutorService threads = Executors.newCachedThreadPool();
		try
		{
			final List< Future< ? > > futures = new ArrayList<>();
			for ( int t = 0; t < 4; ++t )
				futures.add( threads.submit( ( Callable< Void > ) () -> {
					synchronized ( targets )
					{
						targets.add( Thread.currentThread() );
					}
					// The thread that interrupts may get little time.
					for ( int i = 0; i < 3000 || interrupts.get() < 100; ++i )
					{
						final ByteBuffer cell = arena.cell( LARGE + i % 3000 ).buffer();
						assertEquals( LARGE + i % 3000, cell.capacity() );
						cell.putLong( LARGE - 9, i );
						assertEquals( i, cell.getLong( LARGE - 9 ) );
						if ( Thread.interrupted() )
							interrupts.incrementAndGet();
					}
					return null;
				} ) );
			final Future< ? > interrupter = threads.submit( () -> {
				while ( !stop.get() )
				{
					synchronized ( targets )
					{
						targets.forEach( Thread::interrupt );
					}
					Thread.onSpinWait();
				}
			} );
			for ( final Future< ? > future : futures )
				future.get();
			stop.set( true );
			interrupter.get();
		}
		finally
		{
			stop.set( true );
			threads.shutdownNow();
		}
		assertTrue( isFilled( mine, 3 ) );
		assertTrue( isFilled( arena.allocate( LARGE ), 0 ) );
	}

	/**
	 * Each thread fills what it gets with a number of its own, keeps some of it for a
	 * while, and looks whether it is as it was.
	 */
	@Test
	void manyThreadsShareTheArena() throws Exception
	{
		final SharedArena arena = TestArenas.ofSize( 48 * MIB );
		final ExecutorService threads = Executors.newCachedThreadPool();
		try
		{
			final List< Future< ? > > futures = new ArrayList<>();
			for ( int t = 0; t < 8; ++t )
			{
				final int thread = t;
				futures.add( threads.submit( ( Callable< Void > ) () -> {
					final Random random = new Random( thread );
					final List< ByteBuffer > cells = new ArrayList<>();
					final List< Lease > leases = new ArrayList<>();
					for ( int i = 0; i < 500; ++i )
					{
						final long value = 1000L * i + thread;
						final ByteBuffer cell = arena.cell( LARGE + random.nextInt( 1 << 17 ) ).buffer();
						fill( cell, value );
						cells.add( cell );
						final Lease lease = arena.lease( 8 + random.nextInt( random.nextBoolean() ? 10_000 : 200_000 ) );
						fill( lease.buffer(), value );
						leases.add( lease );
						if ( cells.size() > 10 )
						{
							final int k = random.nextInt( 10 );
							final ByteBuffer old = cells.remove( k );
							final Lease oldLease = leases.remove( k );
							if ( !isFilled( old, old.getLong( 0 ) ) || old.getLong( 0 ) % 1000 != thread )
								throw new AssertionError( "a cell was overwritten" );
							if ( !isFilled( oldLease.buffer(), old.getLong( 0 ) ) )
								throw new AssertionError( "a lease was overwritten" );
							// Some are lost.
							if ( random.nextInt( 10 ) > 0 )
								oldLease.release();
						}
					}
					return null;
				} ) );
			}
			for ( final Future< ? > future : futures )
				future.get();
		}
		finally
		{
			threads.shutdownNow();
		}
		assertTrue( arena.total() <= 48 * MIB );
	}

	@Test
	void limitIsThePropertyOrHalfOfTheMemory()
	{
		assertEquals( MachineMemory.available() / 2, ArenaLimits.bytes( null ) );
		assertEquals( 123456789, ArenaLimits.bytes( " 123456789 " ) );
		for ( final String wrong : new String[] { "", "1g", "0", "-5", "1e9" } )
			assertTrue( assertThrows( PythonEnvironmentException.class, () -> ArenaLimits.bytes( wrong ) ).getMessage().contains( "imglib2.python.sharedMemory is '" + wrong + "'" ) );
	}

	@Test
	void cellsAreBoundedByTheMemoryThatTheyAreIn()
	{
		final SharedArena arena = TestArenas.ofSize( 8 * MIB );
		assertEquals( new DirectMemory().limit(), arena.cellLimit( LARGE - 1 ) );
		assertEquals( "-XX:MaxDirectMemorySize", arena.cellLimitOption( LARGE - 1 ) );
		assertEquals( 8 * MIB, arena.cellLimit( LARGE ) );
		assertEquals( "-Dimglib2.python.sharedMemory", arena.cellLimitOption( LARGE ) );
	}

	@Test
	void cellsHaveHalfOfTheMappingsOfAProcess( @TempDir final Path folder ) throws Exception
	{
		assertEquals( 32765, ArenaLimits.maxCells( Files.writeString( folder.resolve( "max" ), "65530\n" ) ) );
		assertTrue( ArenaLimits.maxCells( folder.resolve( "missing" ) ) >= 1000 );
		assertTrue( ArenaLimits.maxCells( Paths.get( "/proc/sys/vm/max_map_count" ) ) >= 1000 );
	}

	@Test
	void thisJvmHasOne()
	{
		final SharedArena arena = SharedArena.ofThisJvm( TestArenas.memoryFile() );
		assertSame( arena, SharedArena.ofThisJvm( List.of( "unused" ) ) );
		assertTrue( arena.limit() > 1 << 26 );
	}
}
