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

import java.nio.ByteBuffer;
import java.util.function.IntFunction;

/**
 * Memory for small cells, which share a slab: allocating native memory costs about
 * a microsecond, however little it is, and so does handing it over to Python.
 * <p>
 * A slab is garbage when all its cells are. A cache that drops some of the cells of
 * each slab and keeps others therefore holds more memory than it counts, in the
 * worst case, with one cell kept of each slab, {@value #CELLS} times as much, or
 * twice that where cells of different sizes are computed. More cells in a slab
 * would not be faster.
 * <p>
 * Thread-safe.
 */
final class CellSlabs
{
	/**
	 * Larger cells share no slab: to fill them with zeros takes longer than to allocate
	 * them.
	 */
	static final int MAX_CELL_BYTES = 1 << 14;

	/**
	 * Number of cells of a slab.
	 */
	static final int CELLS = 16;

	/**
	 * Cells begin at multiples of this in their slab, so that threads that write into
	 * neighbours do not wait for each other.
	 */
	static final int ALIGNMENT = 64;

	private final IntFunction< ByteBuffer > allocate;

	/**
	 * Cells of one slab have sizes from one power of two to the next.
	 */
	private final Slab[] slabs = new Slab[ 1 + sizeClass( MAX_CELL_BYTES ) ];

	/**
	 * @param allocate
	 * 		makes a buffer of a size, in native byte order and filled with zeros
	 */
	CellSlabs( final IntFunction< ByteBuffer > allocate )
	{
		this.allocate = allocate;
		for ( int i = 0; i < slabs.length; ++i )
			slabs[ i ] = new Slab();
	}

	/**
	 * @param numBytes
	 * 		size of a cell, at most {@link #MAX_CELL_BYTES}
	 * @return memory filled with zeros
	 */
	CellMemory cell( final int numBytes )
	{
		return slabs[ sizeClass( numBytes ) ].cell( numBytes );
	}

	private static int sizeClass( final int numBytes )
	{
		return Integer.SIZE - Integer.numberOfLeadingZeros( Math.max( 0, numBytes - 1 ) / ALIGNMENT );
	}

	/**
	 * The slab that new cells of a size are put into, and the next one when it is full.
	 */
	private final class Slab
	{
		private ByteBuffer current = ByteBuffer.allocate( 0 );

		private int used;

		synchronized CellMemory cell( final int numBytes )
		{
			final int size = ( numBytes + ALIGNMENT - 1 ) / ALIGNMENT * ALIGNMENT;
			if ( current.capacity() - used < size )
			{
				current = allocate.apply( CELLS * size );
				used = 0;
			}
			final CellMemory cell = CellMemory.partOf( current, used, numBytes );
			used += size;
			return cell;
		}
	}
}
