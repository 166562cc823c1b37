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

import java.nio.Buffer;
import java.util.Arrays;

import net.imglib2.Interval;
import net.imglib2.RandomAccess;
import net.imglib2.RandomAccessible;
import net.imglib2.cache.img.CachedCellImg;
import net.imglib2.cache.python.type.PixelType;
import net.imglib2.cache.python.type.Primitive;
import net.imglib2.img.array.ArrayImg;
import net.imglib2.img.cell.AbstractCellImg;
import net.imglib2.img.cell.Cell;
import net.imglib2.img.cell.CellGrid;
import net.imglib2.img.planar.PlanarImg;
import net.imglib2.img.planar.PlanarImg.PlanarContainerSampler;
import net.imglib2.transform.integer.MixedTransform;
import net.imglib2.util.Cast;
import net.imglib2.util.IntervalIndexer;
import net.imglib2.util.Util;

/**
 * A view of an image that stores its pixels in cells. Planes are cells here, and so is
 * the one array of an {@link ArrayImg}.
 */
final class CellsView
{
	private final ViewChain chain;

	private final PixelType< ? > pixelType;

	private final Cells cells;

	private CellsView( final ViewChain chain, final PixelType< ? > pixelType, final Cells cells )
	{
		this.chain = chain;
		this.pixelType = pixelType;
		this.cells = cells;
	}

	/**
	 * @return the view, or {@code null} if its root has no cells, or stores pixels in
	 *         another way than numpy
	 */
	static CellsView of( final ViewChain chain, final PixelType< ? > pixelType )
	{
		final Cells cells = Cells.of( chain.root() );
		return cells != null && !pixelType.isPacked() ? new CellsView( chain, pixelType, cells ) : null;
	}

	ViewChain chain()
	{
		return chain;
	}

	/**
	 * @return whether an image is stored in cells, planes, or an array
	 */
	static boolean hasCells( final RandomAccessible< ? > image )
	{
		return Cells.of( image ) != null;
	}

	/**
	 * @return sample of the cells' access: of a cached image what the image says, which may
	 *         be wrong, because no cell is loaded; {@code null} if the image has no cells
	 */
	static Object claimedAccess( final RandomAccessible< ? > image )
	{
		final Cells cells = Cells.of( image );
		return cells == null ? null : cells.claimedAccess();
	}

	/**
	 * The memory of a block without a copy.
	 *
	 * @param interval
	 * 		of the view
	 * @param visible
	 * 		tells what interpreters see
	 * @return its pixels, or {@code null} if they do not all lie in memory of one cell
	 *         that interpreters see
	 */
	BlockArray view( final Interval interval, final BlockMemory visible )
	{
		if ( !chain.contains( interval ) )
			return null;
		final RootBox box = new RootBox( chain.toRoot(), interval );
		final Piece piece = pieceAt( box.min );
		for ( int d = 0; d < box.min.length; ++d )
			if ( box.max[ d ] >= piece.min[ d ] + piece.dims[ d ] )
				return null;
		final Buffer memory = piece.buffer();
		if ( memory == null || !visible.isVisible( memory, piece.owner() ) )
			return null;
		return box.viewOf( pixelType, memory, piece.min, piece.dims, interval, piece.owner() );
	}

	/**
	 * The cell that holds a position; its pixels are not loaded yet.
	 */
	Piece pieceAt( final long[] position )
	{
		return new Piece( cells, position );
	}

	/**
	 * A cell.
	 */
	static final class Piece
	{
		final long[] min;

		final long[] dims;

		private final Cells cells;

		private final long[] gridPosition;

		private Object owner;

		private Piece( final Cells cells, final long[] position )
		{
			this.cells = cells;
			final int n = position.length;
			gridPosition = new long[ n ];
			min = new long[ n ];
			dims = new long[ n ];
			for ( int d = 0; d < n; ++d )
			{
				gridPosition[ d ] = position[ d ] / cells.grid.cellDimension( d );
				min[ d ] = gridPosition[ d ] * cells.grid.cellDimension( d );
				dims[ d ] = cells.grid.getCellDimension( d, gridPosition[ d ] );
			}
		}

		/**
		 * @return its pixels as numpy can see them, or {@code null} if they are not in a
		 *         buffer; loads them
		 */
		Buffer buffer()
		{
			return Primitive.buffer( cells.accessTo( owner(), gridPosition ) );
		}

		/**
		 * @return what its pixels are stored in, or {@code null} if that cannot be had;
		 *         loads them
		 */
		Object storage()
		{
			return Primitive.storage( cells.accessTo( owner(), gridPosition ) );
		}

		/**
		 * @return what its memory belongs to, and may be freed with: the cell, or the
		 *         image; loads it
		 */
		Object owner()
		{
			if ( owner == null )
				owner = cells.ownerAt( gridPosition );
			return owner;
		}
	}

	/**
	 * An image as an image of cells.
	 */
	private abstract static class Cells
	{
		final CellGrid grid;

		private Cells( final CellGrid grid )
		{
			this.grid = grid;
		}

		/**
		 * @return what the pixels of a cell belong to; loads them
		 */
		abstract Object ownerAt( long[] gridPosition );

		/**
		 * @return access to the pixels of that cell
		 */
		abstract Object accessTo( Object owner, long[] gridPosition );

		/**
		 * @return sample of an access, which may be wrong
		 */
		Object claimedAccess()
		{
			final long[] first = new long[ grid.numDimensions() ];
			return accessTo( ownerAt( first ), first );
		}

		static Cells of( final RandomAccessible< ? > image )
		{
			if ( image instanceof ArrayImg )
				return ofArray( ( ArrayImg< ?, ? > ) image );
			if ( image instanceof PlanarImg )
				return ofPlanes( ( PlanarImg< ?, ? > ) image );
			if ( image instanceof AbstractCellImg )
				return ofCells( Cast.unchecked( image ) );
			return null;
		}

		private static Cells ofArray( final ArrayImg< ?, ? > array )
		{
			final long[] dims = array.dimensionsAsLongArray();
			return new Cells( new CellGrid( dims, Util.long2int( dims ) ) )
			{
				@Override
				Object ownerAt( final long[] gridPosition )
				{
					return array;
				}

				@Override
				Object accessTo( final Object owner, final long[] gridPosition )
				{
					return array.update( null );
				}
			};
		}

		private static Cells ofPlanes( final PlanarImg< ?, ? > planes )
		{
			final long[] dims = planes.dimensionsAsLongArray();
			final int[] plane = Util.long2int( dims );
			Arrays.fill( plane, Math.min( 2, plane.length ), plane.length, 1 );
			return new Cells( new CellGrid( dims, plane ) )
			{
				@Override
				Object ownerAt( final long[] gridPosition )
				{
					return planes;
				}

				@Override
				Object accessTo( final Object owner, final long[] gridPosition )
				{
					final int index = ( int ) IntervalIndexer.positionToIndex( gridPosition, grid.getGridDimensions() );
					final PlanarContainerSampler sampler = () -> index;
					return planes.update( sampler );
				}
			};
		}

		private static Cells ofCells( final AbstractCellImg< ?, ?, ? extends Cell< ? >, ? > cells )
		{
			return new Cells( cells.getCellGrid() )
			{
				@Override
				Object ownerAt( final long[] gridPosition )
				{
					final RandomAccess< ? extends Cell< ? > > access = cells.getCells().randomAccess();
					access.setPosition( gridPosition );
					return access.get();
				}

				@Override
				Object accessTo( final Object owner, final long[] gridPosition )
				{
					return ( ( Cell< ? > ) owner ).getData();
				}

				@Override
				Object claimedAccess()
				{
					return cells instanceof CachedCellImg ? ( ( CachedCellImg< ?, ? > ) cells ).getAccessType() : super.claimedAccess();
				}
			};
		}
	}

	/**
	 * The box of the root's coordinates that an interval of the view leads to.
	 */
	static final class RootBox
	{
		private final MixedTransform toRoot;

		final long[] min;

		final long[] max;

		RootBox( final MixedTransform toRoot, final Interval interval )
		{
			this.toRoot = toRoot;
			final int m = toRoot.numTargetDimensions();
			min = new long[ m ];
			max = new long[ m ];
			for ( int target = 0; target < m; ++target )
			{
				final long translation = toRoot.getTranslation( target );
				if ( toRoot.getComponentZero( target ) )
				{
					min[ target ] = translation;
					max[ target ] = translation;
					continue;
				}
				final int d = toRoot.getComponentMapping( target );
				final boolean inverted = toRoot.getComponentInversion( target );
				min[ target ] = translation + ( inverted ? -interval.max( d ) : interval.min( d ) );
				max[ target ] = translation + ( inverted ? -interval.min( d ) : interval.max( d ) );
			}
		}

		long[] dims()
		{
			final long[] dims = new long[ min.length ];
			for ( int d = 0; d < dims.length; ++d )
				dims[ d ] = max[ d ] - min[ d ] + 1;
			return dims;
		}

		/**
		 * The view's pixels in some memory.
		 *
		 * @param memory
		 * 		native memory
		 * @param memoryMin
		 * 		root's coordinate of its first pixel
		 * @param memoryDims
		 * 		its size, in the root's axis order
		 * @param interval
		 * 		of the view
		 * @param owner
		 * 		of the memory: stays as long as Python has the array
		 */
		BlockArray viewOf(
				final PixelType< ? > pixelType,
				final Buffer memory,
				final long[] memoryMin,
				final long[] memoryDims,
				final Interval interval,
				final Object owner )
		{
			final long[] strides = new long[ interval.numDimensions() ];
			long offset = 0;
			long step = pixelType.numEntities( 1 );
			for ( int target = 0; target < min.length; ++target )
			{
				final boolean mapped = !toRoot.getComponentZero( target );
				final boolean inverted = mapped && toRoot.getComponentInversion( target );
				offset += step * ( ( inverted ? max[ target ] : min[ target ] ) - memoryMin[ target ] );
				if ( mapped )
					strides[ toRoot.getComponentMapping( target ) ] += inverted ? -step : step;
				step *= memoryDims[ target ];
			}
			return BlockArray.strided( pixelType, memory, offset, interval.dimensionsAsLongArray(), strides, owner );
		}
	}
}
