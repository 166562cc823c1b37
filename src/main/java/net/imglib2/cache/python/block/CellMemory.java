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
package net.imglib2.cache.python.block;

import static java.nio.ByteOrder.nativeOrder;

import java.nio.Buffer;
import java.nio.ByteBuffer;

import net.imglib2.cache.python.NativeMemoryException;

/**
 * The native memory of a cell. Small cells share a slab: allocating native memory
 * costs about a microsecond, however little it is, and so does handing it over to
 * Python.
 * <p>
 * A slab is garbage when all its cells are. A cache that drops some of the cells of
 * each slab and keeps others therefore holds more memory than it counts, in the
 * worst case, with one cell kept of each slab, {@value #CELLS} times as much, or
 * twice that where cells of different sizes are computed. More cells in a slab
 * would not be faster.
 * <p>
 * Thread-safe.
 */
final class CellMemory
{
	/**
	 * Allocating more than this takes as long as filling it with zeros, with and
	 * without slabs.
	 */
	static final int MAX_SHARING_BYTES = 1 << 14;

	/**
	 * Number of cells of a slab.
	 */
	static final int CELLS = 16;

	/**
	 * Cells begin at multiples of this in their slab, so that threads that write into
	 * neighbours do not wait for each other.
	 */
	static final int ALIGNMENT = 64;

	/**
	 * Cells of one slab have sizes from one power of two to the next.
	 */
	private static final Slabs[] SLABS = new Slabs[ 1 + sizeClass( MAX_SHARING_BYTES ) ];
	static
	{
		for ( int i = 0; i < SLABS.length; ++i )
			SLABS[ i ] = new Slabs();
	}

	private final ByteBuffer buffer;

	private final ByteBuffer slab;

	private final int offset;

	private CellMemory( final ByteBuffer buffer, final ByteBuffer slab, final int offset )
	{
		this.buffer = buffer;
		this.slab = slab;
		this.offset = offset;
	}

	/**
	 * @param numBytes
	 * 		size of a cell
	 * @return memory for it
	 * @throws NativeMemoryException
	 * 		if there is no memory left, also after a garbage collection
	 */
	static CellMemory allocate( final int numBytes )
	{
		if ( numBytes <= MAX_SHARING_BYTES )
			try
			{
				return SLABS[ sizeClass( numBytes ) ].allocate( numBytes );
			}
			catch ( final NativeMemoryException e )
			{
				// There may be enough for one cell.
			}
		return new CellMemory( NativeMemory.allocate( numBytes ), null, 0 );
	}

	/**
	 * @return buffer of exactly the cell's size, in native byte order, filled with
	 *         zeros
	 */
	ByteBuffer buffer()
	{
		return buffer;
	}

	/**
	 * @return the slab that the buffer is a part of, the same object for all its
	 *         cells; {@code null} if this cell has memory of its own
	 */
	ByteBuffer slab()
	{
		return slab;
	}

	/**
	 * @return where the buffer begins in the slab, in bytes
	 */
	int offset()
	{
		return offset;
	}

	private static int sizeClass( final int numBytes )
	{
		return Integer.SIZE - Integer.numberOfLeadingZeros( Math.max( 0, numBytes - 1 ) / ALIGNMENT );
	}

	/**
	 * The slab that new cells get memory of.
	 */
	private static final class Slabs
	{
		private ByteBuffer current = ByteBuffer.allocate( 0 );

		private int used;

		synchronized CellMemory allocate( final int numBytes )
		{
			final int size = ( numBytes + ALIGNMENT - 1 ) / ALIGNMENT * ALIGNMENT;
			if ( current.capacity() - used < size )
			{
				current = NativeMemory.allocate( CELLS * size );
				used = 0;
			}
			final ByteBuffer part = current.duplicate();
			( ( Buffer ) part ).position( used );
			( ( Buffer ) part ).limit( used + numBytes );
			final CellMemory cell = new CellMemory( part.slice().order( nativeOrder() ), current, used );
			used += size;
			return cell;
		}
	}
}
