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
package net.imglib2.cache.python.image;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;

import net.imglib2.FinalInterval;
import net.imglib2.Interval;
import net.imglib2.cache.python.Halo;
import net.imglib2.cache.python.PythonLoaderOptions;
import net.imglib2.cache.python.block.BlockInput;
import net.imglib2.cache.python.protocol.BlockRequest;
import net.imglib2.cache.python.protocol.CellCode;
import net.imglib2.cache.python.type.PixelType;
import net.imglib2.img.basictypeaccess.array.ArrayDataAccess;
import net.imglib2.img.cell.CellGrid;
import net.imglib2.type.NativeType;
import net.imglib2.util.Cast;
import net.imglib2.util.Intervals;
import net.imglib2.util.Util;

/**
 * What the cells of a loader are and how they are computed: checked, and immutable.
 *
 * @param <T>
 * 		pixel type
 * @param <A>
 * 		access to the pixels of a cell
 */
public final class CellSpec< T extends NativeType< T >, A extends ArrayDataAccess< ? > >
{
	private final CellGrid grid;

	private final long numCells;

	private final CellCode code;

	private final T type;

	private final PixelType< T > pixelType;

	private final A access;

	private final Halo halo;

	/**
	 * How much more than its part of the image a cell has; {@code null} if cells do not overlap.
	 */
	private final Halo overlap;

	private final PythonLoaderOptions options;

	private final T fillValue;

	private final List< BlockInput > inputs;

	/**
	 * @param grid
	 * 		dimensions of the image and of its cells
	 * @param code
	 * 		computes a cell
	 * @param type
	 * 		pixel type of the image
	 * @param access
	 * 		any access of the kind that the cells shall have
	 * @param halo
	 * 		how much more than the cell the inputs show
	 * @param options
	 * 		the settings
	 * @param inputs
	 * 		make the entries of {@code block.inputs}
	 * @throws IllegalArgumentException
	 * 		if these do not fit together, or cannot be handed over to Python
	 */
	public CellSpec(
			final CellGrid grid,
			final CellCode code,
			final T type,
			final A access,
			final Halo halo,
			final PythonLoaderOptions options,
			final List< BlockInput > inputs )
	{
		this( grid, code, type, access, halo, null, options, inputs );
	}

	/**
	 * Cells that overlap: code is asked for cells with what they have in common with their
	 * neighbours. In the image, they are side by side.
	 *
	 * @param grid
	 * 		dimensions of that image, and of its cells with what they have in common
	 * @param overlap
	 * 		how much that is; {@code null} if cells do not overlap
	 */
	public CellSpec(
			final CellGrid grid,
			final CellCode code,
			final T type,
			final A access,
			final Halo halo,
			final Halo overlap,
			final PythonLoaderOptions options,
			final List< BlockInput > inputs )
	{
		requireSameDimensions( grid, halo );
		this.grid = grid;
		this.overlap = overlap;
		numCells = numCells( grid );
		this.code = Objects.requireNonNull( code, "code" );
		this.type = Objects.requireNonNull( type, "type" );
		pixelType = PixelType.of( type, "the image" );
		this.access = Objects.requireNonNull( access, "access" );
		pixelType.requireFits( access );
		this.halo = halo;
		this.options = Objects.requireNonNull( options, "options" );
		fillValue = fillValue( options, type );
		this.inputs = new ArrayList<>( inputs );
		// A block that is too large for a buffer fails here, not when it is read.
		pixelType.numBytes( halo.extendInterval( new FinalInterval( maxCellDimensions() ) ).dimensionsAsLongArray() );
		final int maxAxes = inputs.stream().mapToInt( input -> input.interval( new FinalInterval( maxCellDimensions() ) ).numDimensions() ).max().orElse( 0 );
		BlockRequest.requireNotTooMany( inputs.size(), Math.max( grid.numDimensions(), maxAxes ) );
	}

	private static long numCells( final CellGrid grid )
	{
		try
		{
			return Arrays.stream( grid.getGridDimensions() ).reduce( 1, Math::multiplyExact );
		}
		catch ( final ArithmeticException e )
		{
			throw new IllegalArgumentException( "an image of " + Arrays.toString( grid.getImgDimensions() ) + " pixels has too many cells: choose larger cells", e );
		}
	}

	/**
	 * @throws IllegalArgumentException
	 * 		if the numbers of axes differ, or are too many
	 */
	public static void requireSameDimensions( final CellGrid grid, final Halo halo )
	{
		Objects.requireNonNull( grid, "grid" );
		Objects.requireNonNull( halo, "halo" );
		// numpy has 64 axes, one of which may be the components of a pixel.
		if ( grid.numDimensions() < 1 || grid.numDimensions() > 63 )
			throw new IllegalArgumentException( "the grid has " + grid.numDimensions() + " axes, expected 1 to 63" );
		if ( grid.numDimensions() != halo.numDimensions() )
			throw new IllegalArgumentException( "the grid has " + grid.numDimensions() + " axes, but " + halo + " has " + halo.numDimensions() );
	}

	private static < T extends NativeType< T > > T fillValue( final PythonLoaderOptions options, final T type )
	{
		final NativeType< ? > value = options.getFillValue();
		// Types with a variable number of bits per pixel are of one class.
		if ( value != null && ( value.getClass() != type.getClass() || value.getEntitiesPerPixel().getRatio() != type.getEntitiesPerPixel().getRatio() ) )
			throw new IllegalArgumentException( "cells that fail shall be filled with " + value + ", a " + value.getClass().getSimpleName()
					+ ", but the image has pixels of " + type.getClass().getSimpleName()
					+ ( value.getClass() == type.getClass() ? " of another number of bits" : "" ) + ": choose a value of that type" );
		return Cast.unchecked( value );
	}

	public CellGrid grid()
	{
		return grid;
	}

	public CellCode code()
	{
		return code;
	}

	public T type()
	{
		return type;
	}

	public PixelType< T > pixelType()
	{
		return pixelType;
	}

	/**
	 * @return sample of the access that cells have
	 */
	public A access()
	{
		return access;
	}

	PythonLoaderOptions options()
	{
		return options;
	}

	/**
	 * @return value of all pixels of cells that fail, or {@code null}
	 */
	T fillValue()
	{
		return fillValue;
	}

	/**
	 * @return how much more than its part of the image a cell has
	 */
	public Halo overlap()
	{
		return overlap != null ? overlap : Halo.empty( grid.numDimensions() );
	}

	/**
	 * @return halo before the cell, in ImgLib2's axis order
	 */
	int[] lowerHalo()
	{
		return halo.getLowerCopy();
	}

	public List< BlockInput > inputs()
	{
		return inputs;
	}

	public long numCells()
	{
		return numCells;
	}

	/**
	 * @return bytes of the largest cell, in the cache
	 */
	public long maxCellBytes()
	{
		return pixelType.numStorageBytes( maxCellDimensions() );
	}

	private long[] maxCellDimensions()
	{
		final long[] dims = new long[ grid.numDimensions() ];
		for ( int d = 0; d < dims.length; ++d )
			dims[ d ] = Math.min( grid.cellDimension( d ), grid.imgDimension( d ) );
		return dims;
	}

	/**
	 * @param cell
	 * 		index of a cell
	 * @return interval of the cell, without halo; if cells overlap, with what it has in common
	 *         with others, where it would be if they did not
	 * @throws IllegalArgumentException
	 * 		if there is no such cell
	 */
	public Interval interval( final long cell )
	{
		if ( cell < 0 || cell >= numCells )
			throw new IllegalArgumentException( "cell " + cell + " does not exist: the grid has " + numCells + " cells, from 0 on" );
		final long[] min = new long[ grid.numDimensions() ];
		final int[] dims = new int[ grid.numDimensions() ];
		grid.getCellDimensions( cell, min, dims );
		if ( overlap != null )
			for ( int d = 0; d < min.length; ++d )
			{
				final int size = grid.cellDimension( d );
				min[ d ] = min[ d ] / size * ( size - overlap.getLowerCopy()[ d ] - overlap.getUpperCopy()[ d ] ) - overlap.getLowerCopy()[ d ];
			}
		return FinalInterval.createMinSize( min, Util.int2long( dims ) );
	}

	/**
	 * @param cell
	 * 		index of a cell
	 * @return where it is in the image
	 */
	long[] minInImage( final long cell )
	{
		final long[] min = new long[ grid.numDimensions() ];
		grid.getCellDimensions( cell, min, new int[ min.length ] );
		return min;
	}
}
