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

import net.imglib2.Interval;
import net.imglib2.RandomAccessible;
import net.imglib2.RandomAccessibleInterval;
import net.imglib2.cache.python.InputWay;
import net.imglib2.cache.python.type.PixelType;
import net.imglib2.loops.LoopBuilder;
import net.imglib2.type.NativeType;
import net.imglib2.view.StackView;
import net.imglib2.view.SubsampleView;
import net.imglib2.view.Views;

/**
 * Copies pixel by pixel, which works for every source.
 *
 * @param <T>
 * 		pixel type
 */
final class PixelCopier< T extends NativeType< T > > implements Copier
{
	private final RandomAccessible< T > source;

	private final PixelType< T > pixelType;

	private final BlockMemory memory;

	PixelCopier( final RandomAccessible< T > source, final PixelType< T > pixelType, final BlockMemory memory )
	{
		this.source = isRightByMoves( source ) ? source : new ByPosition<>( source );
		this.pixelType = pixelType;
		this.memory = memory;
	}

	/**
	 * @return whether the source is known to have the same pixels when it is read by
	 *         moving from pixel to pixel as when it is read by position
	 */
	private static boolean isRightByMoves( final RandomAccessible< ? > source )
	{
		final ViewChain chain = ViewChain.of( source );
		if ( !chain.isRightByMoves() )
			return false;
		final RandomAccessible< ? > root = chain.root();
		final RandomAccessible< ? > converted = ViewChain.converted( root );
		if ( converted != null )
			return isRightByMoves( converted );
		if ( root instanceof SubsampleView )
			return isRightByMoves( ( ( SubsampleView< ? > ) root ).getSource() );
		// Slices of a line have no axes, but a ViewChain needs one.
		if ( root instanceof StackView && root.numDimensions() > 1 )
			return ( ( StackView< ? > ) root ).getSourceSlices().stream().allMatch( PixelCopier::isRightByMoves );
		return CellsView.hasCells( root );
	}

	@Override
	public BlockArray copy( final Interval interval )
	{
		final long[] dims = interval.dimensionsAsLongArray();
		final Lease lease = memory.lease( pixelType.numBytes( dims ) );
		final ByteBuffer buffer = lease.buffer();
		if ( pixelType.isPacked() )
			pixelType.unpack( Views.interval( source, interval ), buffer );
		else
			copyTo( Views.translate( pixelType.image( pixelType.primitive().access( buffer ), dims ), interval.minAsLongArray() ), interval );
		return BlockArray.input( pixelType, lease, dims );
	}

	/**
	 * Copies an interval of the source to the same coordinates of a target.
	 */
	void copyTo( final RandomAccessible< T > target, final Interval interval )
	{
		final RandomAccessibleInterval< T > from = Views.interval( source, interval );
		LoopBuilder.setImages( from, Views.interval( target, interval ) ).forEachPixel( pixelType::copy );
	}

	@Override
	public InputWay wayOf( final Interval interval )
	{
		return InputWay.PIXELS;
	}
}
