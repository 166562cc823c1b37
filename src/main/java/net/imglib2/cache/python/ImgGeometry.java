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
package net.imglib2.cache.python;

import java.util.Arrays;
import java.util.List;

import net.imglib2.FinalInterval;
import net.imglib2.Interval;
import net.imglib2.RandomAccessible;
import net.imglib2.RandomAccessibleInterval;
import net.imglib2.cache.python.block.BlockInput;
import net.imglib2.cache.python.block.BlockMemory;
import net.imglib2.cache.python.block.Geometry;
import net.imglib2.cache.python.type.PixelType;
import net.imglib2.img.cell.CellGrid;
import net.imglib2.type.NativeType;
import net.imglib2.util.Cast;
import net.imglib2.util.Intervals;
import net.imglib2.util.Util;

/**
 * How the inputs of a {@link PythonImg} belong to its cells. Immutable.
 */
final class ImgGeometry
{
	/**
	 * About how many bytes a cell has unless the user says it.
	 */
	private static final long CELL_BYTES = 1 << 20;

	/**
	 * Sizes of cells are multiples of this, unless the image is smaller.
	 */
	private static final long CELL_STEP = 8;

	/**
	 * Axes along which cells are more than one pixel wide, unless the user says it.
	 */
	private static final int CELL_AXES = 3;

	/**
	 * Cells are whole chunks, unless these have more bytes.
	 */
	private static final long MAX_CHUNK_BYTES = 1 << 27;

	/**
	 * Cells are single chunks, unless these have fewer bytes.
	 */
	private static final long MIN_CHUNK_BYTES = CELL_BYTES / 4;

	private final CellGrid grid;

	private final Widths halo;

	private final Border border;

	private final int[] multiple;

	/**
	 * How much more than its part of the image a cell has.
	 */
	private final Halo overlap;

	/**
	 * @param grid
	 * 		of the image
	 * @param halo
	 * 		of inputs that have none of their own
	 * @param border
	 * 		of inputs that have none of their own
	 * @param multiple
	 * 		what sizes of blocks are multiples of, one number or one per axis; empty if
	 * 		blocks are not padded
	 */
	ImgGeometry( final CellGrid grid, final Widths halo, final Border border, final int[] multiple )
	{
		this( grid, halo, border, multiple, Halo.empty( grid.numDimensions() ) );
	}

	/**
	 * @param overlap
	 * 		how much more than its part of the image a cell has: of the halo, only what is wider
	 * 		than that remains
	 */
	private ImgGeometry( final CellGrid grid, final Widths halo, final Border border, final int[] multiple, final Halo overlap )
	{
		this.overlap = overlap;
		this.grid = grid;
		this.halo = halo;
		this.border = border;
		final int n = grid.numDimensions();
		if ( multiple.length > 1 && multiple.length != n )
			throw new IllegalArgumentException( "padToMultiple( " + Arrays.toString( multiple ) + " ) has " + multiple.length + " numbers, but the image has " + n + " axes: give one number for all axes, or one per axis" );
		this.multiple = new int[ n ];
		if ( multiple.length > 0 )
			for ( int d = 0; d < n; ++d )
				this.multiple[ d ] = multiple[ multiple.length == 1 ? 0 : d ];
	}

	/**
	 * @param input
	 * 		the first input
	 * @return the dimensions of the image whose pixels this input has, without the axes that
	 *         blocks get completely
	 */
	static long[] dimensionsOf( final PythonInput.Settings input )
	{
		if ( !( input.image instanceof Interval ) )
			throw new IllegalArgumentException( "the image needs dimensions: the first input has no bounds; say .dimensions( … ) or .like( interval )" );
		final Interval bounds = ( Interval ) input.image;
		final int m = bounds.numDimensions();
		final boolean[] isWhole = wholeAxes( input, m, "the first input" );
		final int n = m - input.wholeAxes.length;
		if ( n == 0 )
			throw new IllegalArgumentException( "the image needs dimensions: all axes of the first input are whole axes; say .dimensions( … )" );
		final int[] up = perAxis( "the scale of the first input", input.scale, n );
		final int[] down = perAxis( "the downscaling of the first input", input.scaleDown, n );
		final long[] dimensions = new long[ n ];
		for ( int d = 0, axis = 0; d < m; ++d )
			if ( !isWhole[ d ] )
			{
				dimensions[ axis ] = Math.max( 1, bounds.dimension( d ) * down[ axis ] / up[ axis ] );
				++axis;
			}
		return dimensions;
	}

	/**
	 * @param dimensions
	 * 		of the image
	 * @param bytesPerPixel
	 * 		size of its pixels
	 * @return size of cells of about 1 MiB, as cubic as the image allows
	 */
	static int[] defaultCellSize( final long[] dimensions, final double bytesPerPixel )
	{
		final int n = dimensions.length;
		final int[] size = new int[ n ];
		Arrays.fill( size, 1 );
		final int numAxes = Math.min( n, CELL_AXES );
		final boolean[] isSet = new boolean[ numAxes ];
		double pixels = CELL_BYTES / bytesPerPixel;
		for ( int left = numAxes; left > 0; )
		{
			final double edge = Math.pow( pixels, 1. / left );
			boolean isAnyShort = false;
			// What is left by short axes is for the others.
			for ( int d = 0; d < numAxes; ++d )
				if ( !isSet[ d ] && dimensions[ d ] <= edge )
				{
					size[ d ] = ( int ) dimensions[ d ];
					isSet[ d ] = isAnyShort = true;
					pixels /= size[ d ];
					--left;
				}
			if ( isAnyShort )
				continue;
			for ( int d = 0; d < numAxes; ++d )
				if ( !isSet[ d ] )
					size[ d ] = ( int ) Math.min( dimensions[ d ], Math.max( CELL_STEP, Math.round( edge / CELL_STEP ) * CELL_STEP ) );
			break;
		}
		return size;
	}

	/**
	 * Cells of an image whose pixels are stored, or computed, in chunks. They are chunks. Of
	 * small ones, they are several, of about 1 MiB; of very large ones, equal parts.
	 *
	 * @param dimensions
	 * 		of the image
	 * @param chunks
	 * 		size of chunks; 0 along axes where their sizes differ
	 * @param bytesPerPixel
	 * 		size of its pixels
	 * @return size of cells
	 */
	static int[] cellSizeOfChunks( final long[] dimensions, final long[] chunks, final double bytesPerPixel )
	{
		final int n = dimensions.length;
		final long[] size = new long[ n ];
		double bytes = bytesPerPixel;
		for ( int d = 0; d < n; ++d )
		{
			size[ d ] = Math.min( dimensions[ d ], Math.max( 1, chunks[ d ] ) );
			bytes *= size[ d ];
		}
		// The last axis is numpy's first: what is apart along it is apart in most files.
		for ( int d = n - 1; d >= 0 && bytes > MAX_CHUNK_BYTES; --d )
		{
			bytes /= size[ d ];
			long part = Math.max( 1, Math.min( size[ d ], ( long ) ( MAX_CHUNK_BYTES / bytes ) ) );
			// Else some parts would belong to two chunks.
			while ( size[ d ] < dimensions[ d ] && size[ d ] % part != 0 )
				--part;
			size[ d ] = part;
			bytes *= part;
		}
		if ( bytes < MIN_CHUNK_BYTES )
			for ( int d = shortestThatGrows( size, dimensions ); d >= 0 && 2 * bytes <= CELL_BYTES; d = shortestThatGrows( size, dimensions ) )
			{
				final long grown = Math.min( 2 * size[ d ], dimensions[ d ] );
				bytes *= ( double ) grown / size[ d ];
				size[ d ] = grown;
			}
		return Util.long2int( size );
	}

	/**
	 * @return axis along which cells are smallest, and smaller than the image; -1 if there is
	 *         none
	 */
	private static int shortestThatGrows( final long[] size, final long[] dimensions )
	{
		int shortest = -1;
		for ( int d = 0; d < Math.min( size.length, CELL_AXES ); ++d )
			if ( size[ d ] < dimensions[ d ] && ( shortest < 0 || size[ d ] < size[ shortest ] ) )
				shortest = d;
		return shortest;
	}

	/**
	 * @param input
	 * 		the user's input
	 * @param number
	 * 		which one
	 * @param options
	 * 		how it is copied
	 * @param memory
	 * 		where copies are put
	 * @return the input of blocks
	 * @throws IllegalArgumentException
	 * 		if it does not fit the image
	 */
	BlockInput input( final PythonInput.Settings input, final int number, final PythonLoaderOptions options, final BlockMemory memory )
	{
		final String what = describe( input, number );
		final Geometry geometry = geometry( input, what );
		final Interval first = overlap.extendInterval( cell( false ) );
		final Interval last = overlap.extendInterval( cell( true ) );
		RandomAccessible< ? > image = input.image;
		final Interval covers = Intervals.union( geometry.interval( first ), geometry.interval( last ) );
		if ( image instanceof RandomAccessibleInterval && !Intervals.contains( ( Interval ) image, covers ) )
		{
			final Border its = input.border != null ? input.border : border;
			final Interval needed = Intervals.union( geometry.core( cell( false ) ), geometry.core( cell( true ) ) );
			if ( !Intervals.contains( ( Interval ) image, needed ) )
				throw new IllegalArgumentException( what + " has the interval " + Intervals.toString( ( Interval ) image ) + ", but the image of dimensions " + Arrays.toString( grid.getImgDimensions() )
						+ " needs " + Intervals.toString( needed ) + " of it, without halo: choose other dimensions( … ), scale( … ) or scaleDown( … ), move it by Views.zeroMin( image ), or extend it" );
			if ( its == Border.NONE )
				throw new IllegalArgumentException( what + " has the interval " + Intervals.toString( ( Interval ) image ) + ", but the blocks with their halo need " + Intervals.toString( covers )
						+ ", and its border is NONE: choose a border, or make the image smaller than the input by .like( interval )" );
			image = extend( ( RandomAccessibleInterval< ? > ) image, its, what );
		}
		final BlockInput source = new BlockInput( BlockInputs.source( image, what, covers, options, memory ), geometry );
		// A block that is too large for a buffer fails here, not when it is read.
		PixelType.of( image.getType(), what ).numBytes( source.interval( first ).dimensionsAsLongArray() );
		return source;
	}

	/**
	 * @param inputs
	 * 		the user's inputs
	 * @return the widest halo of them, in pixels of the image
	 */
	Halo widest( final List< PythonInput > inputs )
	{
		final int n = grid.numDimensions();
		final int[] lower = new int[ n ];
		final int[] upper = new int[ n ];
		for ( int i = 0; i < inputs.size(); ++i )
		{
			final PythonInput.Settings input = inputs.get( i ).settings();
			final String what = describe( input, i );
			final int m = input.image.numDimensions();
			final boolean[] isWhole = wholeAxes( input, m, what );
			final int[][] widths = ( input.halo != null ? input.halo : halo ).perAxis( what, m, isWhole );
			final int[] up = perAxis( what, input.scale, n );
			final int[] down = perAxis( what, input.scaleDown, n );
			for ( int d = 0, other = 0; d < m; ++d )
			{
				final int ofImage = m == n ? d : isWhole[ d ] ? -1 : other++;
				if ( isWhole[ d ] )
					continue;
				lower[ ofImage ] = Math.max( lower[ ofImage ], widths[ 0 ][ d ] * down[ ofImage ] / up[ ofImage ] );
				upper[ ofImage ] = Math.max( upper[ ofImage ], widths[ 1 ][ d ] * down[ ofImage ] / up[ ofImage ] );
			}
		}
		return new Halo( lower, upper );
	}

	/**
	 * @param newOverlap
	 * 		how much more than its part of the image a cell has
	 * @return geometry of an image whose cells overlap: what code sees is the same, if this is
	 *         the halo
	 */
	ImgGeometry withOverlap( final Halo newOverlap )
	{
		return new ImgGeometry( grid, halo, border, multiple, newOverlap );
	}

	/**
	 * @param cells
	 * 		of an image
	 * @param overlap
	 * 		how much more than its part of the image a cell has
	 * @return grid of an image in which such cells are side by side
	 */
	static CellGrid spreadOut( final CellGrid cells, final Halo overlap )
	{
		final int n = cells.numDimensions();
		final long[] dimensions = new long[ n ];
		final int[] size = new int[ n ];
		for ( int d = 0; d < n; ++d )
		{
			final int more = Math.addExact( overlap.getLowerCopy()[ d ], overlap.getUpperCopy()[ d ] );
			size[ d ] = Math.addExact( ( int ) Math.min( cells.cellDimension( d ), cells.imgDimension( d ) ), more );
			dimensions[ d ] = Math.addExact( cells.imgDimension( d ), Math.multiplyExact( cells.gridDimension( d ), more ) );
		}
		return new CellGrid( dimensions, size );
	}

	private static String describe( final PythonInput.Settings input, final int number )
	{
		return "input " + number + ( input.name == null ? "" : " \"" + input.name + "\"" );
	}

	private static < T extends NativeType< T > > RandomAccessible< T > extend( final RandomAccessibleInterval< ? > image, final Border border, final String what )
	{
		return border.extend( Cast.< RandomAccessibleInterval< T > >unchecked( image ), what );
	}

	private Geometry geometry( final PythonInput.Settings input, final String what )
	{
		final int n = grid.numDimensions();
		final int m = input.image.numDimensions();
		final boolean[] isWhole = wholeAxes( input, m, what );
		final int numOthers = m - input.wholeAxes.length;
		final boolean hasImageAll = m == n;
		if ( !hasImageAll && numOthers != n && numOthers != 0 )
			throw new IllegalArgumentException( what + " has " + m + " axes" + ( input.wholeAxes.length == 0 ? "" : ", " + input.wholeAxes.length + " of which every block gets completely" )
					+ ", the image has " + n + ": name the axes that the image lacks by PythonInput.wholeAxes( … ), or all axes if every block needs the whole input, or choose dimensions( … ) with as many axes" );
		final int[] up = perAxis( "the scale of " + what, input.scale, hasImageAll ? m : numOthers );
		final int[] down = perAxis( "the downscaling of " + what, input.scaleDown, hasImageAll ? m : numOthers );
		final int[][] widths = ( input.halo != null ? input.halo : halo ).perAxis( what, m, isWhole );
		final Geometry.Axis[] axes = new Geometry.Axis[ m ];
		for ( int d = 0, other = 0; d < m; ++d )
		{
			final int ofImage = hasImageAll ? d : isWhole[ d ] ? -1 : other++;
			if ( isWhole[ d ] )
			{
				if ( !( input.image instanceof Interval ) )
					throw new IllegalArgumentException( what + " has no bounds, so that no block can get its axis " + d + " completely: give an interval of it, for instance Views.interval( image, interval )" );
				final Interval bounds = ( Interval ) input.image;
				// The input may have another size than the image along an axis that is not cut.
				final boolean hasCells = hasImageAll && bounds.min( d ) <= 0 && bounds.max( d ) >= grid.imgDimension( d ) - 1;
				axes[ d ] = Geometry.Axis.whole( hasCells ? ofImage : -1, bounds.min( d ), bounds.max( d ), widths[ 0 ][ d ], widths[ 1 ][ d ] );
				continue;
			}
			if ( up[ ofImage ] > 1 && down[ ofImage ] > 1 )
				throw new IllegalArgumentException( what + " has the scale " + up[ ofImage ] + " and the downscaling " + down[ ofImage ] + " along axis " + d + ": one of them must be 1" );
			final int before = overlap.getLowerCopy()[ ofImage ];
			final int after = overlap.getUpperCopy()[ ofImage ];
			axes[ d ] = Geometry.Axis.of( ofImage, up[ ofImage ], down[ ofImage ],
					Math.max( 0, widths[ 0 ][ d ] - before * up[ ofImage ] / down[ ofImage ] ), Math.max( 0, widths[ 1 ][ d ] - after * up[ ofImage ] / down[ ofImage ] ), multiple[ ofImage ],
					Math.min( grid.cellDimension( ofImage ), grid.imgDimension( ofImage ) ) + before + after );
		}
		return new Geometry( axes );
	}

	private Interval cell( final boolean isLast )
	{
		final int n = grid.numDimensions();
		final long[] min = new long[ n ];
		final long[] position = new long[ n ];
		final int[] size = new int[ n ];
		if ( isLast )
			for ( int d = 0; d < n; ++d )
				position[ d ] = grid.gridDimension( d ) - 1;
		grid.getCellDimensions( position, min, size );
		return FinalInterval.createMinSize( min, Util.int2long( size ) );
	}

	private static boolean[] wholeAxes( final PythonInput.Settings input, final int m, final String what )
	{
		final boolean[] isWhole = new boolean[ m ];
		for ( final int axis : input.wholeAxes )
		{
			if ( axis >= m )
				throw new IllegalArgumentException( what + " has no axis " + axis + ": its axes are 0 to " + ( m - 1 ) );
			isWhole[ axis ] = true;
		}
		return isWhole;
	}

	private static int[] perAxis( final String what, final int[] numbers, final int n )
	{
		if ( numbers.length == n )
			return numbers;
		if ( numbers.length != 1 )
			throw new IllegalArgumentException( what + " is " + Arrays.toString( numbers ) + ", for " + numbers.length + " axes: expected one number, or " + n );
		final int[] all = new int[ n ];
		Arrays.fill( all, numbers[ 0 ] );
		return all;
	}
}
