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

import net.imglib2.Interval;
import net.imglib2.blocks.PrimitiveBlocks;
import net.imglib2.blocks.TempArray;
import net.imglib2.cache.python.InputWay;
import net.imglib2.cache.python.type.PixelType;
import net.imglib2.type.NativeType;

/**
 * Copies by ImgLib2's {@link PrimitiveBlocks} into a primitive array of the thread
 * and from there, in one go, into native memory. Copying into native memory directly
 * would not be faster.
 *
 * @param <T>
 * 		pixel type
 */
final class BlocksCopier< T extends NativeType< T > > implements Copier
{
	private final PrimitiveBlocks< T > blocks;

	private final PixelType< T > pixelType;

	private final BlockMemory memory;

	private final ThreadLocal< TempArray< Object > > arrays;

	BlocksCopier( final PrimitiveBlocks< T > blocks, final PixelType< T > pixelType, final BlockMemory memory )
	{
		this.blocks = blocks.threadSafe();
		this.pixelType = pixelType;
		this.memory = memory;
		arrays = ThreadLocal.withInitial( () -> TempArray.forPrimitiveType( pixelType.type().getNativeTypeFactory().getPrimitiveType() ) );
	}

	@Override
	public BlockArray copy( final Interval interval )
	{
		final long[] dims = interval.dimensionsAsLongArray();
		final int numEntities = pixelType.numEntities( dims );
		final Object array = arrays.get().get( numEntities );
		blocks.copy( interval, array );
		final Lease lease = memory.lease( pixelType.numBytes( dims ) );
		pixelType.primitive().put( lease.buffer(), array, numEntities );
		return BlockArray.input( pixelType, lease, dims );
	}

	@Override
	public InputWay wayOf( final Interval interval )
	{
		return InputWay.BLOCKS;
	}
}
