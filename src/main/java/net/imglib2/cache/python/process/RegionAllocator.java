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

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.ref.PhantomReference;
import java.lang.ref.Reference;
import java.lang.ref.ReferenceQueue;
import java.nio.ByteBuffer;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

import com.sun.management.HotSpotDiagnosticMXBean;

import net.imglib2.cache.python.NativeMemoryException;
import net.imglib2.cache.python.environment.KnownProperties;
import net.imglib2.cache.python.process.Regions.Region;

/**
 * Hands out parts of the shared file. What is free comes first, then the file grows by
 * segments up to the limit, and then garbage is collected; before the file grows, it is
 * collected at the {@link CollectionPace}. Thread-safe.
 */
final class RegionAllocator
{
	/**
	 * What the beginning of a mapping must be a multiple of on all systems.
	 */
	private static final long GRANULE = 1 << 16;

	private static final long FIRST_SEGMENT = 4 << 20;

	private static final long LARGEST_SEGMENT = 64 << 20;

	/**
	 * How often garbage is collected before memory counts as full: what has a finalizer
	 * needs two rounds.
	 */
	private static final int COLLECTIONS = 2;

	/**
	 * How long after a collection the JVM may take to tell of the next buffer.
	 */
	private static final long PATIENCE_MILLIS = 100;

	/**
	 * How long it may take to tell of the first one: on a busy machine, the JVM's thread that
	 * tells has to wait for a processor.
	 */
	private static final long MAX_LAG_NANOS = TimeUnit.SECONDS.toNanos( 2 );

	private static final String NO_COLLECTIONS = "DisableExplicitGC";

	private static final boolean COLLECTIONS_ARE_DISABLED = isSet( NO_COLLECTIONS );

	private final ArenaFile file;

	private final long limit;

	private final Mappings mappings;

	private final Runnable dropReserves;

	private final Segments segments = new Segments();

	/**
	 * Also the lock of itself.
	 */
	private final Regions free = new Regions();

	/**
	 * The least that was in use since the last collection. Guarded by {@link #free}.
	 */
	private long lowest;

	private final Object growing = new Object();

	/**
	 * Guarded by {@link #growing}.
	 */
	private final CollectionPace pace;

	/**
	 * Garbage that the last collection has found, which the JVM tells of as of buffers.
	 * Guarded by {@link #growing}.
	 */
	private Reference< ? > sign;

	/**
	 * How often all garbage was collected because the memory was full.
	 */
	private volatile long reclaims;

	/**
	 * Whether a thread waits for garbage because the memory is full. Nobody else takes it
	 * before.
	 */
	private volatile boolean isReclaiming;

	/**
	 * @param limit
	 * 		how many bytes the file may have
	 * @param mappings
	 * 		tells which regions are garbage
	 * @param dropReserves
	 * 		drops mappings that are kept for reuse
	 * @param pace
	 * 		decides when garbage is collected before the file grows
	 */
	RegionAllocator( final ArenaFile file, final long limit, final Mappings mappings, final Runnable dropReserves, final CollectionPace pace )
	{
		this.file = file;
		this.limit = limit;
		this.mappings = mappings;
		this.dropReserves = dropReserves;
		this.pace = pace;
	}

	/**
	 * @param numBytes
	 * 		size, rounded to pages
	 * @param zero
	 * 		whether it has to be filled with zeros
	 * @throws NativeMemoryException
	 * 		if no memory is left
	 */
	Region take( final int numBytes, final boolean zero )
	{
		final long length = Regions.size( numBytes );
		Region region = isReclaiming ? null : takeFree( length );
		if ( region == null )
			region = growOrReclaim( length, reclaims );
		boolean isReady = false;
		try
		{
			segments.use( region, zero );
			isReady = true;
			return region;
		}
		catch ( final IOException e )
		{
			throw new NativeMemoryException( "The memory that is shared with worker processes could not be mapped", e );
		}
		finally
		{
			if ( !isReady )
				give( region );
		}
	}

	/**
	 * Makes a region free that nobody can reach.
	 */
	void give( final Region region )
	{
		synchronized ( free )
		{
			free.give( region );
		}
	}

	long limit()
	{
		return limit;
	}

	/**
	 * @return bytes that are in use, or kept for reuse
	 */
	long used()
	{
		synchronized ( free )
		{
			giveGarbage();
			return total() - free.freeBytes();
		}
	}

	/**
	 * @return bytes that have been allocated
	 */
	long total()
	{
		return segments.end();
	}

	/**
	 * @return the segments that a region is in, as one
	 */
	Region segmentAround( final Region region )
	{
		return segments.around( region );
	}

	/**
	 * For tests: overwrites all that is free, as a process may that still has it mapped.
	 */
	void overwriteFree( final ByteBuffer pattern ) throws IOException
	{
		synchronized ( free )
		{
			giveGarbage();
			for ( final Region region : free.all() )
			{
				segments.use( region, false );
				segments.fill( region, pattern );
			}
		}
	}

	private Region takeFree( final long numBytes )
	{
		synchronized ( free )
		{
			giveGarbage();
			lowest = Math.min( lowest, total() - free.freeBytes() );
			return free.take( numBytes );
		}
	}

	private void giveGarbage()
	{
		for ( Region region = mappings.garbage(); region != null; region = mappings.garbage() )
			give( region );
	}

	private Region growOrReclaim( final long numBytes, final long reclaimsBefore )
	{
		synchronized ( growing )
		{
			IOException noSpace = null;
			for ( int i = 0; true; ++i )
			{
				try
				{
					do
					{
						// Another thread may have made room while this one waited, or take what has been added.
						Region region = takeFree( numBytes );
						if ( region == null && isCollectionDue() )
							region = collect( false, () -> takeFree( numBytes ) );
						if ( region != null )
							return region;
					}
					while ( grow( numBytes ) );
					noSpace = null;
				}
				catch ( final IOException e )
				{
					noSpace = e;
				}
				if ( i == COLLECTIONS )
					throw full( numBytes, noSpace );
				final Region region = reclaim( i == 0 && reclaims != reclaimsBefore, () -> takeFree( numBytes ) );
				if ( region != null )
					return region;
			}
		}
	}

	private NativeMemoryException full( final long numBytes, final IOException noSpace )
	{
		final StringBuilder message = new StringBuilder( "No memory is left that is shared with worker processes for a block of " ).append( numBytes ).append( " bytes: " )
				.append( used() ).append( " of " ).append( limit ).append( " bytes are in use" );
		if ( noSpace != null )
			message.append( ", and no more than " ).append( total() ).append( " could be had (" ).append( noSpace.getMessage() ).append( ")" );
		message.append( ". Bound the caches of the images (all of them together should hold at most half of the limit)" );
		if ( noSpace == null )
			message.append( ", or raise the limit by " ).append( "-D" + KnownProperties.SHARED_MEMORY ).append( "=…" );
		if ( COLLECTIONS_ARE_DISABLED )
			message.append( ". Run Java without -XX:+" ).append( NO_COLLECTIONS ).append( ", because of which cells that the caches have dropped are not freed in time" );
		return new NativeMemoryException( message.toString(), noSpace );
	}

	/**
	 * Adds a segment.
	 *
	 * @return whether the limit allows so much
	 */
	private boolean grow( final long numBytes ) throws IOException
	{
		final long start = total();
		final long allowed = limit / GRANULE * GRANULE - start;
		final long needed;
		synchronized ( free )
		{
			needed = ( numBytes - free.freeBefore( start ) + GRANULE - 1 ) / GRANULE * GRANULE;
		}
		if ( needed <= 0 )
			// Another thread has made room just now.
			return true;
		if ( allowed < needed )
			return false;
		final long usual = Math.min( LARGEST_SEGMENT, Math.max( FIRST_SEGMENT, start ) );
		long length = Math.min( allowed, Math.max( usual, needed ) );
		try
		{
			file.grow( length );
		}
		catch ( final IOException e )
		{
			if ( length == needed )
				throw e;
			length = needed;
			file.grow( length );
		}
		segments.add( new Segment( file, start, length ) );
		give( new Region( start, start + length ) );
		return true;
	}

	/**
	 * Collects garbage until there are less mappings.
	 *
	 * @param isNeeded
	 * 		whether to do so as often as it may help; else at the {@link CollectionPace}
	 * @return whether there are less than so many
	 */
	boolean reduceMappings( final int max, final boolean isNeeded )
	{
		final Supplier< Boolean > attempt = () -> {
			giveGarbage();
			return mappings.size() < max ? true : null;
		};
		final long reclaimsBefore = reclaims;
		synchronized ( growing )
		{
			if ( !isNeeded )
				return attempt.get() != null || pace.allows( System.nanoTime(), usedHeap() ) && collect( false, attempt ) != null;
			Boolean isReduced = attempt.get();
			for ( int i = 0; isReduced == null && i < COLLECTIONS; ++i )
				isReduced = reclaim( i == 0 && reclaims != reclaimsBefore, attempt );
			return isReduced != null;
		}
	}

	private boolean isCollectionDue()
	{
		synchronized ( free )
		{
			return !COLLECTIONS_ARE_DISABLED && CollectionPace.isWorthIt( total() - free.freeBytes(), lowest ) && pace.allows( System.nanoTime(), usedHeap() );
		}
	}

	/**
	 * @return whether an option of the JVM is set
	 */
	private static boolean isSet( final String option )
	{
		try
		{
			return Boolean.parseBoolean( ManagementFactory.getPlatformMXBean( HotSpotDiagnosticMXBean.class ).getVMOption( option ).getValue() );
		}
		catch ( final RuntimeException | LinkageError e )
		{
			// Another JVM than HotSpot.
			return false;
		}
	}

	private static long usedHeap()
	{
		final Runtime runtime = Runtime.getRuntime();
		return runtime.totalMemory() - runtime.freeMemory();
	}

	/**
	 * Many threads may find the memory full at once. What one of them has collected may be
	 * enough for the next one, too. But before that one gives up, it collects itself: there
	 * is new garbage by then.
	 *
	 * @param isCollected
	 * 		whether another thread has collected all garbage just now
	 * @return as {@link #await}
	 */
	private < T > T reclaim( final boolean isCollected, final Supplier< T > attempt )
	{
		isReclaiming = true;
		try
		{
			return isCollected ? await( attempt ) : collect( true, attempt );
		}
		finally
		{
			isReclaiming = false;
		}
	}

	/**
	 * @param all
	 * 		whether to drop what is kept for reuse before
	 * @return as {@link #await}
	 */
	private < T > T collect( final boolean all, final Supplier< T > attempt )
	{
		final long start = System.nanoTime();
		if ( all )
		{
			dropReserves.run();
			++reclaims;
		}
		sign = new PhantomReference<>( new Object(), new ReferenceQueue<>() );
		System.gc();
		synchronized ( free )
		{
			lowest = Long.MAX_VALUE;
		}
		final T result = await( attempt );
		pace.collected( start, System.nanoTime() );
		return result;
	}

	/**
	 * Waits after a collection until the JVM has told of all buffers that are garbage, as
	 * far as one can know.
	 *
	 * @param attempt
	 * 		what was garbage is needed for; {@code null} if there is not enough
	 * @return its result
	 */
	private < T > T await( final Supplier< T > attempt )
	{
		final long start = System.nanoTime();
		boolean interrupted = false;
		try
		{
			while ( true )
			{
				final T result = attempt.get();
				if ( result != null )
					return result;
				try
				{
					final Region next = mappings.awaitGarbage( PATIENCE_MILLIS );
					if ( next != null )
						give( next );
					else if ( sign.isEnqueued() || System.nanoTime() - start >= MAX_LAG_NANOS || COLLECTIONS_ARE_DISABLED )
						return null;
				}
				catch ( final InterruptedException e )
				{
					interrupted = true;
				}
			}
		}
		finally
		{
			if ( interrupted )
				Thread.currentThread().interrupt();
		}
	}
}
