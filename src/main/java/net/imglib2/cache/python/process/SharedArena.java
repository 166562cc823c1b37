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
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.List;

import net.imglib2.cache.python.NativeMemoryException;
import net.imglib2.cache.python.block.BlockMemory;
import net.imglib2.cache.python.block.CellMemory;
import net.imglib2.cache.python.block.DirectMemory;
import net.imglib2.cache.python.block.Lease;
import net.imglib2.cache.python.environment.KnownProperties;
import net.imglib2.cache.python.process.Mappings.Mapping;
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

	private static SharedArena ofThisJvm;

	private final ArenaFile file;

	/**
	 * With more mappings, cells are copied.
	 */
	private final int maxCells;

	private final int maxMappings;

	private final Mappings mappings = new Mappings();

	final SharedLeases leases;

	private final RegionAllocator regions;

	/**
	 * For cells that are copied.
	 */
	private final BlockMemory direct = new DirectMemory();

	SharedArena( final ArenaFile file, final long limit, final int maxCells )
	{
		this( file, limit, maxCells, new CollectionPace( System.nanoTime() ) );
	}

	SharedArena( final ArenaFile file, final long limit, final int maxCells, final CollectionPace pace )
	{
		this.file = file;
		this.maxCells = maxCells;
		maxMappings = maxCells + maxCells / 2;
		leases = new SharedLeases( limit, numBytes -> map( numBytes, false, false ) );
		regions = new RegionAllocator( file, limit, mappings, leases::clear, pace );
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
				final long limit = ArenaLimits.bytes( System.getProperty( KnownProperties.SHARED_MEMORY ) );
				ofThisJvm = new SharedArena( ArenaFile.create( memoryFile, limit ), limit, ArenaLimits.maxCells( Paths.get( "/proc/sys/vm/max_map_count" ) ) );
			}
			catch ( final IOException e )
			{
				throw new NativeMemoryException( "The file of the memory that is shared with worker processes could not be made", e );
			}
		return ofThisJvm;
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
		if ( numBytes <= MAX_COPIED_CELL || mappings.size() >= maxCells && !regions.reduceMappings( maxCells, false ) )
			return null;
		// Python fills it with zeros, unless its code overwrites all of it anyway.
		return CellMemory.of( map( numBytes, true, false ) );
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
		final Mapping mapping = mappings.find( buffer );
		return mapping != null && mapping.isCell();
	}

	@Override
	public long limit()
	{
		return regions.limit();
	}

	@Override
	public long cellLimit( final long numBytes )
	{
		return numBytes <= MAX_COPIED_CELL ? direct.cellLimit( numBytes ) : regions.limit();
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
		return regions.used();
	}

	/**
	 * @return bytes that have been allocated
	 */
	long total()
	{
		return regions.total();
	}

	/**
	 * For tests: overwrites all that is free, as a process may that still has it mapped.
	 */
	void overwriteFree( final ByteBuffer pattern ) throws IOException
	{
		regions.overwriteFree( pattern );
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
		final Mapping mapping = mappings.find( memory );
		if ( mapping == null )
			throw new IllegalArgumentException( memory + " is not in the memory that is shared with worker processes" );
		final Region segment = regions.segmentAround( mapping.region() );
		return new Span( segment.start(), segment.length(), mapping.positionOf( memory ) - segment.start(), Mappings.numBytes( memory ) );
	}

	private ByteBuffer map( final int numBytes, final boolean isCell, final boolean zero )
	{
		// The system lets a process have no more. Where one more is needed, the JVM dies.
		if ( mappings.size() >= maxMappings && !regions.reduceMappings( maxMappings, true ) )
			throw new NativeMemoryException( "No mapping is left of the memory that is shared with worker processes for a block of " + numBytes + " bytes: " + maxMappings
					+ " are in use. Python code keeps arrays of too many blocks, or the caches of the images hold too many cells. On Linux, vm.max_map_count bounds the mappings of a process", null );
		final Region region = regions.take( numBytes, zero );
		ByteBuffer root = null;
		try
		{
			root = file.map( region.start(), numBytes );
		}
		catch ( final IOException e )
		{
			throw new NativeMemoryException( "A block of " + numBytes + " bytes of the memory that is shared with worker processes could not be mapped; " + mappings.size() + " are", e );
		}
		finally
		{
			if ( root == null )
				regions.give( region );
		}
		mappings.add( root, region, isCell );
		return root;
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
}
