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

import net.imglib2.FinalInterval;
import net.imglib2.Interval;
import net.imglib2.blocks.SubArrayCopy;
import net.imglib2.cache.python.InputWay;
import net.imglib2.cache.python.type.PixelType;
import net.imglib2.type.NativeType;
import net.imglib2.type.PrimitiveType;
import net.imglib2.util.Cast;
import net.imglib2.view.MixedTransformView;
import net.imglib2.view.Views;

/**
 * Copies cells line by line, in the order of the root's axes; strides give the copy the
 * axes of the view. Pixels that an extension defines are then copied from within the
 * block where that is possible, else pixel by pixel.
 * <p>
 * {@link net.imglib2.blocks.PrimitiveBlocks} cannot be used for cells in buffers:
 * it is not thread-safe there (https://github.com/imglib/imglib2/issues/368), and
 * fails for constant extensions and permutations.
 *
 * @param <T>
 * 		pixel type
 */
final class CellsCopier< T extends NativeType< T > > implements Copier
{
	private final CellsView source;

	private final PixelType< T > pixelType;

	private final PixelCopier< T > pixels;

	private final BlockMemory memory;

	private final PrimitiveType primitiveType;

	CellsCopier( final CellsView source, final PixelType< T > pixelType, final PixelCopier< T > pixels, final BlockMemory memory )
	{
		this.source = source;
		this.pixelType = pixelType;
		this.pixels = pixels;
		this.memory = memory;
		final PrimitiveType stored = pixelType.type().getNativeTypeFactory().getPrimitiveType();
		// Booleans in buffers are bytes.
		primitiveType = stored == PrimitiveType.BOOLEAN ? PrimitiveType.BYTE : stored;
	}

	@Override
	public BlockArray copy( final Interval interval )
	{
		final Interval part = partOfRoot( interval );
		if ( part == null )
			return pixels.copy( interval );
		final ViewChain chain = source.chain();
		final CellsView.RootBox box = new CellsView.RootBox( chain.toRoot(), interval );
		final long[] dims = box.dims();
		final Lease lease = memory.lease( pixelType.numBytes( dims ) );
		final ByteBuffer buffer = lease.buffer();
		if ( !copyCells( new CellsView.RootBox( chain.toRoot(), part ), buffer, box.min, dims ) )
		{
			lease.release();
			return pixels.copy( interval );
		}
		if ( !chain.contains( interval ) )
		{
			final MixedTransformView< T > target = new MixedTransformView<>(
					Views.translate( pixelType.image( pixelType.primitive().access( buffer ), dims ), box.min ), chain.toRoot() );
			if ( originsAreIn( part, interval ) )
				copyPlanes( interval, part, target, buffer, box );
			else
				copyRim( interval, part, target );
		}
		return box.viewOf( pixelType, buffer, box.min, dims, interval, lease );
	}

	@Override
	public InputWay wayOf( final Interval interval )
	{
		final Interval part = partOfRoot( interval );
		return part != null && isCopied( source.pieceAt( new CellsView.RootBox( source.chain().toRoot(), part ).min ).storage() ) ? InputWay.CELLS : InputWay.PIXELS;
	}

	/**
	 * @return the part whose pixels are the root's; {@code null} if the interval
	 *         must be copied pixel by pixel
	 */
	private Interval partOfRoot( final Interval interval )
	{
		final ViewChain chain = source.chain();
		final long[] min = new long[ interval.numDimensions() ];
		final long[] max = new long[ interval.numDimensions() ];
		if ( !chain.intersect( interval, min, max ) )
			return null;
		// Pixels of an extension may vary along an axis that the root does not have.
		return chain.contains( interval ) || chain.toRoot().hasFullSourceMapping() ? new FinalInterval( min, max ) : null;
	}

	/**
	 * @param storage
	 * 		of a cell
	 * @return whether its pixels are not copied one by one
	 */
	static boolean isCopied( final Object storage )
	{
		return storage != null && !( storage instanceof boolean[] );
	}

	/**
	 * @return whether all cells could be copied
	 */
	private boolean copyCells( final CellsView.RootBox part, final ByteBuffer buffer, final long[] bufferMin, final long[] bufferDims )
	{
		final int m = part.min.length;
		final int[] fromDims = new int[ m ];
		final int[] fromPosition = new int[ m ];
		final int[] toDims = new int[ m ];
		final int[] toPosition = new int[ m ];
		final int[] size = new int[ m ];
		final Buffer target = pixelType.primitive().view( buffer );

		final long[] position = part.min.clone();
		while ( true )
		{
			final CellsView.Piece piece = source.pieceAt( position );
			for ( int d = 0; d < m; ++d )
			{
				// The components of a pixel are neighbours: so many times longer lines.
				final int entities = d == 0 ? pixelType.numEntities( 1 ) : 1;
				fromDims[ d ] = entities * ( int ) piece.dims[ d ];
				fromPosition[ d ] = entities * ( int ) ( position[ d ] - piece.min[ d ] );
				toDims[ d ] = entities * ( int ) bufferDims[ d ];
				toPosition[ d ] = entities * ( int ) ( position[ d ] - bufferMin[ d ] );
				size[ d ] = entities * ( int ) ( Math.min( part.max[ d ], piece.min[ d ] + piece.dims[ d ] - 1 ) - position[ d ] + 1 );
			}
			final Object storage = piece.storage();
			if ( !isCopied( storage ) )
				return false;
			SubArrayCopy.forPrimitiveType( primitiveType, storage instanceof Buffer, true )
					.copy( Cast.unchecked( storage ), fromDims, fromPosition, Cast.unchecked( target ), toDims, toPosition, size );
			if ( !next( position, part, piece ) )
				return true;
		}
	}

	/**
	 * Moves the position to where the next cell begins.
	 *
	 * @return whether there is one
	 */
	private static boolean next( final long[] position, final CellsView.RootBox part, final CellsView.Piece piece )
	{
		for ( int d = 0; d < position.length; ++d )
		{
			position[ d ] = piece.min[ d ] + piece.dims[ d ];
			if ( position[ d ] <= part.max[ d ] )
				return true;
			position[ d ] = part.min[ d ];
		}
		return false;
	}

	/**
	 * @return whether the whole rim can be copied from the part that was copied
	 */
	private boolean originsAreIn( final Interval part, final Interval interval )
	{
		final ViewChain chain = source.chain();
		final Rim rim = chain.rim();
		if ( rim == null || rim == Rim.CONSTANT )
			return rim != null;
		for ( int d = 0; d < part.numDimensions(); ++d )
			// The farthest coordinates have the farthest origins.
			for ( final long x : new long[] { interval.min( d ), interval.max( d ) } )
				if ( x < part.min( d ) || x > part.max( d ) )
				{
					final long origin = rim.origin( x, chain.min( d ), chain.max( d ) );
					if ( origin < part.min( d ) || origin > part.max( d ) )
						return false;
				}
		return true;
	}

	/**
	 * Copies what the extension defines from what was copied, plane by plane, along one
	 * axis after the other.
	 */
	private void copyPlanes( final Interval interval, final Interval part, final MixedTransformView< T > target, final ByteBuffer buffer, final CellsView.RootBox box )
	{
		final ViewChain chain = source.chain();
		final long[] min = part.minAsLongArray();
		final long[] max = part.maxAsLongArray();
		// The axis with the shortest strides first, while the planes are small.
		for ( int axis = 0; axis < box.min.length; ++axis )
		{
			if ( chain.toRoot().getComponentZero( axis ) )
				continue;
			final int d = chain.toRoot().getComponentMapping( axis );
			final long insideMin = min[ d ];
			final long insideMax = max[ d ];
			for ( long x = insideMin - 1; x >= interval.min( d ); --x )
				copyPlane( d, x, min, max, target, buffer, box );
			for ( long x = insideMax + 1; x <= interval.max( d ); ++x )
				copyPlane( d, x, min, max, target, buffer, box );
			min[ d ] = interval.min( d );
			max[ d ] = interval.max( d );
		}
	}

	private void copyPlane(
			final int d,
			final long x,
			final long[] min,
			final long[] max,
			final MixedTransformView< T > target,
			final ByteBuffer buffer,
			final CellsView.RootBox box )
	{
		final ViewChain chain = source.chain();
		final long origin = chain.rim().origin( x, chain.min( d ), chain.max( d ) );
		final Interval plane = plane( d, x, min, max );
		if ( origin == x )
		{
			pixels.copyTo( target, plane );
			return;
		}
		final CellsView.RootBox from = new CellsView.RootBox( chain.toRoot(), plane( d, origin, min, max ) );
		final CellsView.RootBox to = new CellsView.RootBox( chain.toRoot(), plane );
		final int m = box.min.length;
		final long[] boxDims = box.dims();
		final long[] planeDims = to.dims();
		final int[] dims = new int[ m ];
		final int[] fromPosition = new int[ m ];
		final int[] toPosition = new int[ m ];
		final int[] size = new int[ m ];
		for ( int i = 0; i < m; ++i )
		{
			final int entities = i == 0 ? pixelType.numEntities( 1 ) : 1;
			dims[ i ] = entities * ( int ) boxDims[ i ];
			fromPosition[ i ] = entities * ( int ) ( from.min[ i ] - box.min[ i ] );
			toPosition[ i ] = entities * ( int ) ( to.min[ i ] - box.min[ i ] );
			size[ i ] = entities * ( int ) planeDims[ i ];
		}
		// Two views, because copying changes their positions.
		SubArrayCopy.forPrimitiveType( primitiveType, true, true ).copy(
				Cast.unchecked( pixelType.primitive().view( buffer.duplicate().order( nativeOrder() ) ) ), dims, fromPosition,
				Cast.unchecked( pixelType.primitive().view( buffer.duplicate().order( nativeOrder() ) ) ), dims, toPosition, size );
	}

	private static Interval plane( final int d, final long x, final long[] min, final long[] max )
	{
		final long[] planeMin = min.clone();
		final long[] planeMax = max.clone();
		planeMin[ d ] = x;
		planeMax[ d ] = x;
		return new FinalInterval( planeMin, planeMax );
	}

	private void copyRim( final Interval interval, final Interval part, final MixedTransformView< T > target )
	{
		final long[] min = interval.minAsLongArray();
		final long[] max = interval.maxAsLongArray();
		for ( int d = 0; d < min.length; ++d )
		{
			if ( min[ d ] < part.min( d ) )
			{
				final long[] slabMax = max.clone();
				slabMax[ d ] = part.min( d ) - 1;
				pixels.copyTo( target, new FinalInterval( min, slabMax ) );
			}
			if ( max[ d ] > part.max( d ) )
			{
				final long[] slabMin = min.clone();
				slabMin[ d ] = part.max( d ) + 1;
				pixels.copyTo( target, new FinalInterval( slabMin, max ) );
			}
			min[ d ] = part.min( d );
			max[ d ] = part.max( d );
		}
	}
}
