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

import java.lang.ref.WeakReference;
import java.util.function.Predicate;

import net.imglib2.Interval;
import net.imglib2.RandomAccessible;
import net.imglib2.cache.img.CachedCellImg;
import net.imglib2.cache.python.block.BlockInput;
import net.imglib2.cache.python.worker.Cleanup;
import net.imglib2.img.cell.CellGrid;
import net.imglib2.util.IntervalIndexer;

/**
 * Lets a loader know which cells of its inputs were invalidated, if these are computed by
 * this library, so that it invalidates its own that were computed of them.
 */
final class InvalidatedInputs
{
	private InvalidatedInputs()
	{}

	/**
	 * @param reader
	 * 		is told as long as it is in use; its inputs do not keep it in use
	 */
	static void follow( final CellReader< ?, ? > reader )
	{
		final WeakReference< CellReader< ?, ? > > reference = new WeakReference<>( reader );
		for ( final BlockInput input : reader.spec().inputs() )
		{
			final RandomAccessible< ? > root = input.root();
			final Object cells = root instanceof CachedCellImg ? ( ( CachedCellImg< ?, ? > ) root ).getCache() : null;
			if ( !( cells instanceof CellCache ) )
				continue;
			final CellGrid grid = ( ( CachedCellImg< ?, ? > ) root ).getCellGrid();
			final Runnable unfollow = ( ( CellCache< ? > ) cells ).reader().listeners().addFirst( invalidated -> {
				final CellReader< ?, ? > dependent = reference.get();
				if ( dependent != null )
					dependent.invalidateIf( cell -> isAny( input.inRoot( dependent.spec().interval( cell ) ), grid, invalidated ) );
			} );
			Cleanup.whenCollected( reader, unfollow );
		}
	}

	/**
	 * @return whether any cell that intersects the interval fulfils the condition;
	 *         {@code true} if the interval is not known
	 */
	private static boolean isAny( final Interval interval, final CellGrid grid, final Predicate< Long > cells )
	{
		if ( interval == null )
			return true;
		final int n = grid.numDimensions();
		final long[] first = new long[ n ];
		final long[] last = new long[ n ];
		final long[] size = new long[ n ];
		long number = 1;
		for ( int d = 0; d < n; ++d )
		{
			first[ d ] = interval.min( d ) / grid.cellDimension( d );
			last[ d ] = interval.max( d ) / grid.cellDimension( d );
			size[ d ] = last[ d ] - first[ d ] + 1;
			number *= size[ d ];
		}
		final long[] position = new long[ n ];
		for ( long i = 0; i < number; ++i )
		{
			IntervalIndexer.indexToPositionWithOffset( i, size, first, position );
			if ( cells.test( IntervalIndexer.positionToIndex( position, grid.getGridDimensions() ) ) )
				return true;
		}
		return false;
	}
}
