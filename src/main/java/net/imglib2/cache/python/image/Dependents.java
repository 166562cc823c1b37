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
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Map.Entry;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Predicate;

import net.imglib2.Interval;
import net.imglib2.RandomAccessible;
import net.imglib2.cache.img.CachedCellImg;
import net.imglib2.cache.python.block.BlockInput;
import net.imglib2.cache.python.worker.Cleanup;
import net.imglib2.img.cell.CellGrid;
import net.imglib2.util.IntervalIndexer;

/**
 * The readers that compute their cells of one reader's cells, and so drop what they have
 * computed of cells that are invalidated.
 * <p>
 * Thread-safe.
 */
final class Dependents
{
	private static final AtomicLong LAST = new AtomicLong();

	/**
	 * Whoever depends on a reader was made later than it.
	 */
	private final long number = LAST.incrementAndGet();

	private final List< Dependent > dependents = new CopyOnWriteArrayList<>();

	/**
	 * A reader, and one of its inputs.
	 */
	private static final class Dependent
	{
		private final WeakReference< CellReader< ?, ? > > reader;

		private final BlockInput input;

		private final CellGrid inputGrid;

		Dependent( final CellReader< ?, ? > reader, final BlockInput input, final CellGrid inputGrid )
		{
			this.reader = new WeakReference<>( reader );
			this.input = input;
			this.inputGrid = inputGrid;
		}

		/**
		 * @return whether a cell of this reader may be computed of any such cell of the input
		 */
		boolean isComputedOf( final Interval cell, final Predicate< Long > invalidated )
		{
			final Interval interval = input.inRoot( cell );
			return interval == null || isAny( interval, inputGrid, invalidated );
		}
	}

	/**
	 * Cells of one reader that are invalidated.
	 */
	private static final class Invalidated
	{
		final CellReader< ?, ? > reader;

		final Predicate< Long > cells;

		Invalidated( final CellReader< ?, ? > reader, final Predicate< Long > cells )
		{
			this.reader = reader;
			this.cells = cells;
		}
	}

	/**
	 * Lets a reader drop its cells when those of its inputs are invalidated, if these are
	 * computed by this library.
	 *
	 * @param reader
	 * 		new; its inputs do not keep it in use
	 */
	static void follow( final CellReader< ?, ? > reader )
	{
		for ( final BlockInput input : reader.spec().inputs() )
			for ( final RandomAccessible< ? > root : input.roots() )
			{
				final Object cells = root instanceof CachedCellImg ? ( ( CachedCellImg< ?, ? > ) root ).getCache() : null;
				if ( !( cells instanceof CellCache ) )
					continue;
				final List< Dependent > its = ( ( CellCache< ? > ) cells ).reader().dependents().dependents;
				final Dependent dependent = new Dependent( reader, input, ( ( CachedCellImg< ?, ? > ) root ).getCellGrid() );
				its.add( dependent );
				Cleanup.whenCollected( reader, () -> its.remove( dependent ) );
			}
	}

	/**
	 * @return a reader, and all that depend on it, also by others in between
	 */
	static Collection< CellReader< ?, ? > > all( final CellReader< ?, ? > reader )
	{
		final Set< CellReader< ?, ? > > all = new LinkedHashSet<>();
		final Deque< CellReader< ?, ? > > next = new ArrayDeque<>();
		for ( CellReader< ?, ? > one = reader; one != null; one = next.poll() )
			if ( all.add( one ) )
				for ( final Dependent dependent : one.dependents().dependents )
				{
					final CellReader< ?, ? > its = dependent.reader.get();
					if ( its != null )
						next.add( its );
				}
		return all;
	}

	/**
	 * Lets all readers that depend on a reader, also by others in between, drop their cells.
	 *
	 * @param reader
	 * 		has these dependents, and has dropped its cells
	 * @param cells
	 * 		condition that is true for them
	 * @return notifies the listeners of all
	 */
	Runnable drop( final CellReader< ?, ? > reader, final Predicate< Long > cells )
	{
		if ( isEmpty() )
			return () -> reader.listeners().invalidated( cells );
		// In the order in which they were made, so that each drops its cells after all of its inputs.
		final TreeMap< Long, Invalidated > next = new TreeMap<>();
		next.put( number, new Invalidated( reader, cells ) );
		final Map< CellReader< ?, ? >, Predicate< Long > > done = new LinkedHashMap<>();
		for ( Entry< Long, Invalidated > entry = next.pollFirstEntry(); entry != null; entry = next.pollFirstEntry() )
		{
			final Invalidated invalidated = entry.getValue();
			if ( invalidated.reader != reader )
				invalidated.reader.dropIf( invalidated.cells );
			done.put( invalidated.reader, invalidated.cells );
			// Only now: one that is made from now on reads no cell that was dropped.
			for ( final Dependent dependent : invalidated.reader.dependents().dependents )
				add( dependent, invalidated.cells, next );
		}
		return () -> done.forEach( ( dropped, condition ) -> dropped.listeners().invalidated( condition ) );
	}

	boolean isEmpty()
	{
		return dependents.isEmpty();
	}

	private static void add( final Dependent dependent, final Predicate< Long > cellsOfInput, final Map< Long, Invalidated > next )
	{
		final CellReader< ?, ? > reader = dependent.reader.get();
		if ( reader == null )
			return;
		// Neighbours ask for the same cells, and so do their neighbours.
		final Map< Long, Boolean > known = new ConcurrentHashMap<>();
		final Predicate< Long > remembered = cell -> {
			final Boolean before = known.get( cell );
			if ( before != null )
				return before;
			final boolean is = cellsOfInput.test( cell );
			known.put( cell, is );
			return is;
		};
		final Predicate< Long > cells = cell -> dependent.isComputedOf( reader.spec().interval( cell ), remembered );
		next.merge( reader.dependents().number, new Invalidated( reader, cells ), ( one, other ) -> new Invalidated( reader, one.cells.or( other.cells ) ) );
	}

	private static boolean isAny( final Interval interval, final CellGrid grid, final Predicate< Long > cells )
	{
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
