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

import java.math.BigInteger;

import net.imglib2.FinalInterval;
import net.imglib2.Interval;

/**
 * Which pixels of an input a cell needs: the input may have another scale than the image,
 * more axes, and a halo of its own. Immutable.
 */
public final class Geometry implements Footprint
{
	/**
	 * How one axis of an input belongs to the image.
	 */
	public static final class Axis
	{
		/**
		 * Axis of the image, -1 if the image lacks it.
		 */
		final int ofImage;

		/**
		 * Whether each cell needs the whole axis.
		 */
		final boolean whole;

		final long min;

		final long max;

		final long up;

		final long down;

		final long lower;

		final long upper;

		final long multiple;

		/**
		 * Pixels of a padded cell, without halo; 0 if cells are not padded.
		 */
		final long paddedCell;

		private Axis( final int ofImage, final boolean whole, final long min, final long max, final long up, final long down, final long lower, final long upper, final long multiple, final long paddedCell )
		{
			this.ofImage = ofImage;
			this.whole = whole;
			this.min = min;
			this.max = max;
			this.up = up;
			this.down = down;
			this.lower = lower;
			this.upper = upper;
			this.multiple = multiple;
			this.paddedCell = paddedCell;
		}

		/**
		 * An axis that each cell needs completely.
		 *
		 * @param ofImage
		 * 		which axis of the image it is; -1 if the image lacks it
		 * @param min
		 * 		first coordinate of the input
		 * @param max
		 * 		last coordinate of the input
		 * @param lower
		 * 		halo before it
		 * @param upper
		 * 		halo after it
		 */
		public static Axis whole( final int ofImage, final long min, final long max, final long lower, final long upper )
		{
			return new Axis( ofImage, true, min, max, 1, 1, lower, upper, 0, 0 );
		}

		/**
		 * An axis of the image.
		 *
		 * @param ofImage
		 * 		which one
		 * @param up
		 * 		pixels of the input per pixel of the image
		 * @param down
		 * 		pixels of the image per pixel of the input; one of both is 1
		 * @param lower
		 * 		halo before the cell, in pixels of the input
		 * @param upper
		 * 		halo after the cell, in pixels of the input
		 * @param multiple
		 * 		all blocks have the same size, which is a multiple of this; 0 if blocks
		 * 		have the sizes of their cells
		 * @param cellSize
		 * 		size of a cell that is not cut by the end of the image
		 */
		public static Axis of( final int ofImage, final long up, final long down, final long lower, final long upper, final long multiple, final long cellSize )
		{
			final long size = cellSize * up;
			// A cell that begins late within a pixel of the input may touch one more.
			final long latest = down - BigInteger.valueOf( size ).gcd( BigInteger.valueOf( down ) ).longValueExact();
			final long touched = ( latest + size - 1 ) / down + 1;
			return new Axis( ofImage, false, 0, 0, up, down, lower, upper, multiple, multiple == 0 ? 0 : touched );
		}

		/**
		 * First pixel of the cell itself.
		 */
		private long coreMin( final Interval cell )
		{
			return ofImage < 0 ? min : Math.floorDiv( cell.min( ofImage ) * up, down );
		}

		/**
		 * Last pixel of the cell itself.
		 */
		private long coreMax( final Interval cell )
		{
			return ofImage < 0 ? max : Math.floorDiv( ( cell.max( ofImage ) + 1 ) * up - 1, down );
		}

		private long first( final Interval cell )
		{
			return ( whole ? min : coreMin( cell ) ) - lower;
		}

		private long last( final Interval cell )
		{
			if ( multiple == 0 )
				return ( whole ? max : coreMax( cell ) ) + upper;
			final long length = lower + paddedCell + upper;
			return first( cell ) + ( length + multiple - 1 ) / multiple * multiple - 1;
		}
	}

	private final Axis[] axes;

	/**
	 * @param axes
	 * 		one per axis of the input
	 */
	public Geometry( final Axis... axes )
	{
		this.axes = axes.clone();
	}

	@Override
	public Interval interval( final Interval cell )
	{
		final long[] min = new long[ axes.length ];
		final long[] max = new long[ axes.length ];
		for ( int d = 0; d < axes.length; ++d )
		{
			min[ d ] = axes[ d ].first( cell );
			max[ d ] = axes[ d ].last( cell );
		}
		return new FinalInterval( min, max );
	}

	@Override
	public Interval core( final Interval cell )
	{
		final long[] min = new long[ axes.length ];
		final long[] max = new long[ axes.length ];
		for ( int d = 0; d < axes.length; ++d )
		{
			min[ d ] = axes[ d ].coreMin( cell );
			max[ d ] = axes[ d ].coreMax( cell );
		}
		return new FinalInterval( min, max );
	}
}
