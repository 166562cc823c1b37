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

import net.imglib2.Dirty;
import net.imglib2.cache.python.type.PixelType;
import net.imglib2.img.basictypeaccess.array.ArrayDataAccess;
import net.imglib2.img.basictypeaccess.nio.BufferAccess;
import net.imglib2.type.NativeType;
import net.imglib2.util.Cast;

/**
 * The pixels of a cell that is computed: memory for Python to write into, and the
 * access that the cell gets.
 */
public final class CellOutput
{
	private final PixelType< ? > pixelType;

	private final ArrayDataAccess< ? > sample;

	private final long[] dims;

	private final BlockMemory memory;

	private final ByteBuffer buffer;

	/**
	 * Whether what Python writes is the cell; else the cell is a copy of it.
	 */
	private final boolean isTheCell;

	private final BlockArray array;

	/**
	 * @param pixelType
	 * 		type of the pixels
	 * @param sample
	 * 		an access of the kind that the cell shall have
	 * @param dims
	 * 		size in ImgLib2's axis order
	 * @param memory
	 * 		where the pixels are put
	 */
	public CellOutput( final PixelType< ? > pixelType, final ArrayDataAccess< ? > sample, final long[] dims, final BlockMemory memory )
	{
		this.pixelType = pixelType;
		this.sample = sample;
		this.dims = dims;
		this.memory = memory;
		final int numBytes = pixelType.numBytes( dims );
		final CellMemory cell = sample instanceof BufferAccess && !pixelType.isPacked() ? memory.cell( numBytes ) : null;
		isTheCell = cell != null;
		if ( isTheCell )
		{
			buffer = cell.buffer();
			array = BlockArray.output( pixelType, cell, dims );
			return;
		}
		final Lease lease = memory.lease( numBytes );
		buffer = lease.buffer();
		// The code may write a part of the pixels only: the others are zero, as in new
		// memory.
		lease.clear();
		array = BlockArray.output( pixelType, lease, dims );
	}

	/**
	 * @return the array to write into
	 */
	public BlockArray array()
	{
		return array;
	}

	/**
	 * @return access to what has been written
	 */
	public ArrayDataAccess< ? > access()
	{
		if ( isTheCell )
			return accessTo( buffer );
		if ( sample instanceof BufferAccess && !pixelType.isPacked() )
		{
			final ByteBuffer copy = memory.copiedCell( buffer.capacity() ).buffer();
			copy.duplicate().put( buffer.duplicate() );
			return accessTo( copy );
		}
		final int numEntities = pixelType.numEntities( dims );
		final ArrayDataAccess< ? > access = sample instanceof BufferAccess
				? accessTo( memory.copiedCell( pixelType.numStorageBytes( dims ) ).buffer() )
				: Cast.unchecked( sample.createArray( numEntities ) );
		if ( pixelType.isPacked() )
			pack( pixelType, access );
		else
			pixelType.primitive().get( buffer, access.getCurrentStorageArray(), numEntities );
		setClean( access );
		return access;
	}

	/**
	 * Gives the memory back that is not the cell's own. Python does not write into it
	 * any more.
	 */
	public void release()
	{
		if ( array.lease() != null )
			array.lease().release();
	}

	/**
	 * Lets a disk cache drop pixels that can be computed again, as those of ImgLib2's
	 * own loaders. An access that does not count changes stays as it is.
	 */
	public static void setClean( final Object access )
	{
		if ( access instanceof Dirty )
			( ( Dirty ) access ).setDirty( false );
	}

	private < T extends NativeType< T > > void pack( final PixelType< T > type, final ArrayDataAccess< ? > access )
	{
		type.pack( buffer, type.image( access, dims ) );
	}

	private ArrayDataAccess< ? > accessTo( final ByteBuffer cell )
	{
		// An access of a user's own class is kept.
		return pixelType.primitive().isStandard( sample ) ? pixelType.primitive().access( cell )
				: Cast.unchecked( ( ( BufferAccess< ? > ) sample ).newInstance( cell, true ) );
	}
}
