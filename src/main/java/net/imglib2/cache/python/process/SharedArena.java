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
import java.io.InputStream;
import java.lang.ref.PhantomReference;
import java.lang.ref.Reference;
import java.lang.ref.ReferenceQueue;
import java.lang.ref.WeakReference;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentNavigableMap;
import java.util.concurrent.ConcurrentSkipListMap;

import net.imglib2.cache.python.NativeMemoryException;
import net.imglib2.cache.python.PythonEnvironmentException;
import net.imglib2.cache.python.block.BlockMemory;
import net.imglib2.cache.python.block.BufferPool;
import net.imglib2.cache.python.block.CellMemory;
import net.imglib2.cache.python.block.DirectMemory;
import net.imglib2.cache.python.block.Lease;
import net.imglib2.cache.python.environment.KnownProperties;
import net.imglib2.cache.python.process.Regions.Region;

/**
 * Memory that this JVM shares with its worker processes: one file, which grows by
 * segments up to a limit. Thread-safe.
 * <p>
 * Each buffer that is handed out is a mapping of its own, or a part of one. It is free
 * again when nobody in this JVM can reach the mapping by any buffer, be it a duplicate, a
 * slice, or a view as other numbers. Processes do not count: <em>whoever hands memory to
 * a worker must keep the buffer, or its {@link Lease}, in reach as long as the worker may
 * use it</em>, and that is until it has dropped all arrays in it, or is dead.
 */
final class SharedArena implements BlockMemory
{
	private static final String LIMIT_OPTION = "-D" + KnownProperties.SHARED_MEMORY;

	/**
	 * Smaller cells are no mapping of their own: there can be 65530 in a process. To copy
	 * them takes less time than to map them.
	 */
	static final int MAX_COPIED_CELL = 1 << 16;

	/**
	 * Smaller leases share a mapping.
	 */
	private static final int MIN_OWN_LEASE = 1 << 16;

	private static final int SLAB = 1 << 18;

	/**
	 * What the beginning of a mapping must be a multiple of on all systems.
	 */
	private static final long GRANULE = 1 << 16;

	private static final long FIRST_SEGMENT = 4 << 20;

	private static final long LARGEST_SEGMENT = 64 << 20;

	/**
	 * What is kept for reuse as leases is at most this or a quarter of the limit.
	 */
	private static final long MAX_FREE_LEASES = 256L << 20;

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
	 * Where nothing else is known.
	 */
	private static final int USUAL_MAX_CELLS = 30_000;

	private static SharedArena ofThisJvm;

	private final ArenaFile file;

	private final long limit;

	private final int maxCells;

	private final Segments segments = new Segments();

	/**
	 * Also the lock of itself.
	 */
	private final Regions free = new Regions();

	private final Object growing = new Object();

	/**
	 * How often all garbage was collected.
	 */
	private volatile long reclaims;

	private final ReferenceQueue< ByteBuffer > garbage = new ReferenceQueue<>();

	/**
	 * A reference that is itself collected is never enqueued.
	 */
	private final Set< Mapping > mappings = ConcurrentHashMap.newKeySet();

	/**
	 * By address. Mappings that are gone may be among them, and may overlap others.
	 */
	private final ConcurrentNavigableMap< Long, Mapping > byAddress = new ConcurrentSkipListMap<>();

	private final BufferPool leases;

	private final Object slabLock = new Object();

	private ByteBuffer slab;

	/**
	 * For cells that are copied.
	 */
	private final BlockMemory direct = new DirectMemory();

	SharedArena( final ArenaFile file, final long limit, final int maxCells )
	{
		this.file = file;
		this.limit = limit;
		this.maxCells = maxCells;
		leases = new BufferPool( Math.min( MAX_FREE_LEASES, limit / 4 ), this::allocateLease );
	}

	/**
	 * @param memoryFile
	 * 		command that makes a file in memory, prints a path of it, and ends with its
	 * 		standard input: {@code python -I -S …/_process/memory_file.py}
	 * @return the arena of this JVM; the command is used if there is none yet
	 */
	static synchronized SharedArena ofThisJvm( final List< String > memoryFile )
	{
		if ( ofThisJvm == null )
			try
			{
				final long limit = limit( System.getProperty( KnownProperties.SHARED_MEMORY ) );
				ofThisJvm = new SharedArena( ArenaFile.create( memoryFile, limit ), limit, maxCells( Paths.get( "/proc/sys/vm/max_map_count" ) ) );
			}
			catch ( final IOException e )
			{
				throw new NativeMemoryException( "The file of the memory that is shared with worker processes could not be made", e );
			}
		return ofThisJvm;
	}

	/**
	 * @param property
	 * 		what the user has set, or {@code null}
	 * @return limit in bytes
	 */
	static long limit( final String property )
	{
		if ( property == null )
			return MachineMemory.available() / 2;
		try
		{
			final long limit = Long.parseLong( property.trim() );
			if ( limit > 0 )
				return limit;
		}
		catch ( final NumberFormatException e )
		{
			// The message below says it.
		}
		throw new PythonEnvironmentException( "The system property " + KnownProperties.SHARED_MEMORY + " is '" + property + "': it has to be a number of bytes" );
	}

	/**
	 * @param maxMappings
	 * 		file with the number of mappings that a process may have
	 * @return how many mappings the cells may have: the rest of the process needs some, too
	 */
	static int maxCells( final Path maxMappings ) throws IOException
	{
		if ( !Files.isReadable( maxMappings ) )
			return USUAL_MAX_CELLS;
		try ( InputStream file = Files.newInputStream( maxMappings ) )
		{
			// At once: the kernel has nothing more to say after the first reading, however short.
			final byte[] text = new byte[ 32 ];
			final int length = file.read( text );
			return Integer.parseInt( new String( text, 0, length, StandardCharsets.US_ASCII ).trim() ) / 2;
		}
	}

	/**
	 * @return what worker processes open
	 */
	Path path()
	{
		return file.path();
	}

	@Override
	public Lease lease( final int numBytes )
	{
		return leases.take( numBytes );
	}

	@Override
	public CellMemory cell( final int numBytes )
	{
		return numBytes <= MAX_COPIED_CELL || mappings.size() >= maxCells ? null : CellMemory.of( map( numBytes, true, true ) );
	}

	@Override
	public CellMemory copiedCell( final int numBytes )
	{
		return direct.copiedCell( numBytes );
	}

	@Override
	public ByteBuffer allocate( final int numBytes )
	{
		return map( numBytes, false, true );
	}

	@Override
	public boolean isVisible( final Buffer buffer, final Object owner )
	{
		final Mapping mapping = find( buffer );
		return mapping != null && mapping.isCell;
	}

	@Override
	public long limit()
	{
		return limit;
	}

	@Override
	public long cellLimit( final long numBytes )
	{
		return numBytes <= MAX_COPIED_CELL ? direct.cellLimit( numBytes ) : limit;
	}

	@Override
	public String cellLimitOption( final long numBytes )
	{
		return numBytes <= MAX_COPIED_CELL ? direct.cellLimitOption( numBytes ) : LIMIT_OPTION;
	}

	/**
	 * @return bytes that are in use, or kept for reuse as leases
	 */
	long used()
	{
		synchronized ( free )
		{
			releaseGarbage();
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
	 * For tests: overwrites all that is free, as a process may that still has it mapped.
	 */
	void overwriteFree( final ByteBuffer pattern ) throws IOException
	{
		synchronized ( free )
		{
			releaseGarbage();
			for ( final Region region : free.all() )
			{
				segments.use( region, false );
				segments.fill( region, pattern );
			}
		}
	}

	/**
	 * @param memory
	 * 		a buffer that this arena has handed out, or any duplicate, slice, or view of it
	 * @return where its entry 0 lies, and its capacity
	 * @throws IllegalArgumentException
	 * 		if it is other memory
	 */
	Span spanOf( final Buffer memory )
	{
		final Mapping mapping = find( memory );
		if ( mapping == null )
			throw new IllegalArgumentException( memory + " is not in the memory that is shared with worker processes" );
		final Region segment = segments.around( mapping.region );
		return new Span( segment.start(), segment.length(), mapping.region.start() - segment.start() + Addresses.of( memory ) - mapping.address, numBytes( memory ) );
	}

	// ------------------------------------------------------------------ mappings

	private ByteBuffer allocateLease( final int numBytes )
	{
		if ( numBytes < MIN_OWN_LEASE )
			try
			{
				return partOfSlab( numBytes );
			}
			catch ( final NativeMemoryException e )
			{
				// There may be enough for one lease.
			}
		return map( numBytes, false, false );
	}

	private ByteBuffer partOfSlab( final int numBytes )
	{
		synchronized ( slabLock )
		{
			if ( slab != null && slab.remaining() >= numBytes )
				return beginningOf( slab, numBytes );
		}
		// Never with the lock, which is needed to make room.
		final ByteBuffer fresh = map( SLAB, false, false );
		final ByteBuffer part = beginningOf( fresh, numBytes );
		synchronized ( slabLock )
		{
			if ( slab == null || slab.remaining() < fresh.remaining() )
				slab = fresh;
		}
		return part;
	}

	/**
	 * Cuts a part off.
	 */
	private static ByteBuffer beginningOf( final ByteBuffer buffer, final int numBytes )
	{
		final ByteBuffer part = buffer.duplicate();
		( ( Buffer ) part ).limit( part.position() + numBytes );
		( ( Buffer ) buffer ).position( part.limit() );
		return part.slice().order( buffer.order() );
	}

	private ByteBuffer map( final int numBytes, final boolean isCell, final boolean zero )
	{
		final Region region = take( Regions.size( numBytes ), zero );
		Mapping mapping = null;
		try
		{
			final ByteBuffer root = file.map( region.start(), numBytes );
			mapping = new Mapping( root, region, isCell, garbage );
			mappings.add( mapping );
			byAddress.put( mapping.address, mapping );
			return root;
		}
		catch ( final IOException e )
		{
			throw new NativeMemoryException( "A block of " + numBytes + " bytes of the memory that is shared with worker processes could not be mapped; " + mappings.size() + " are", e );
		}
		finally
		{
			if ( mapping == null )
				give( region );
		}
	}

	/**
	 * @return mapping that all of a buffer lies in, or {@code null}
	 */
	private Mapping find( final Buffer buffer )
	{
		if ( !buffer.isDirect() )
			return null;
		final long address = Addresses.of( buffer );
		Map.Entry< Long, Mapping > entry = byAddress.floorEntry( address );
		while ( entry != null )
		{
			final Mapping mapping = entry.getValue();
			// As long as the root is held here, nothing else can be at these addresses.
			final ByteBuffer root = mapping.root.get();
			if ( root != null )
			{
				final boolean isInside = address + numBytes( buffer ) <= mapping.address + root.capacity();
				return isInside ? mapping : null;
			}
			// Gone: its addresses, and those before, may belong to another mapping by now.
			entry = byAddress.lowerEntry( entry.getKey() );
		}
		return null;
	}

	private static long numBytes( final Buffer buffer )
	{
		return ( long ) buffer.capacity() * BytesPerEntry.of( buffer );
	}

	// ------------------------------------------------------------------ regions

	private Region take( final long numBytes, final boolean zero )
	{
		Region region = takeFree( numBytes );
		if ( region == null )
			region = growOrReclaim( numBytes, reclaims );
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

	private Region takeFree( final long numBytes )
	{
		synchronized ( free )
		{
			releaseGarbage();
			return free.take( numBytes );
		}
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
						final Region region = takeFree( numBytes );
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
				// Many threads may find the memory full at once.
				final Region region = reclaim( numBytes, reclaims == reclaimsBefore + i );
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
			message.append( ", or raise the limit by " ).append( LIMIT_OPTION ).append( "=…" );
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
	 * Waits until the JVM has told of all buffers that are garbage, as far as one can
	 * know.
	 *
	 * @param collect
	 * 		whether to collect garbage before, and to drop what is kept for reuse
	 * @return a region, or {@code null} if none is free
	 */
	private Region reclaim( final long numBytes, final boolean collect )
	{
		if ( collect )
		{
			leases.clear();
			synchronized ( slabLock )
			{
				slab = null;
			}
			System.gc();
			++reclaims;
		}
		boolean interrupted = false;
		try
		{
			while ( true )
			{
				final Region region = takeFree( numBytes );
				if ( region != null )
					return region;
				try
				{
					final Reference< ? > next = garbage.remove( PATIENCE_MILLIS );
					if ( next == null )
						return null;
					release( ( Mapping ) next );
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

	private void releaseGarbage()
	{
		for ( Reference< ? > next = garbage.poll(); next != null; next = garbage.poll() )
			release( ( Mapping ) next );
	}

	private void release( final Mapping mapping )
	{
		mappings.remove( mapping );
		byAddress.remove( mapping.address, mapping );
		give( mapping.region );
	}

	private void give( final Region region )
	{
		synchronized ( free )
		{
			free.give( region );
		}
	}

	/**
	 * Where a buffer lies in the file. A process maps a segment once, as a whole. Some
	 * memory is in two or more that follow each other; they count as another segment then,
	 * with the beginning of the first and the length of all.
	 */
	static final class Span
	{
		/**
		 * Position in the file.
		 */
		final long segmentStart;

		final long segmentLength;

		/**
		 * Within the segment.
		 */
		final long offset;

		final long length;

		Span( final long segmentStart, final long segmentLength, final long offset, final long length )
		{
			this.segmentStart = segmentStart;
			this.segmentLength = segmentLength;
			this.offset = offset;
			this.length = length;
		}
	}

	/**
	 * A mapping that was handed out. Told when its root cannot be reached any more, also
	 * not by finalizers: the JDK lets each buffer that is made from others refer to the
	 * root.
	 */
	private static final class Mapping extends PhantomReference< ByteBuffer >
	{
		private final WeakReference< ByteBuffer > root;

		private final long address;

		private final Region region;

		private final boolean isCell;

		Mapping( final ByteBuffer root, final Region region, final boolean isCell, final ReferenceQueue< ByteBuffer > garbage )
		{
			super( root, garbage );
			this.root = new WeakReference<>( root );
			address = Addresses.of( root );
			this.region = region;
			this.isCell = isCell;
		}
	}
}
