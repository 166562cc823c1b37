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

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.stream.Collectors;

import net.imglib2.cache.python.PythonCycleException;

/**
 * A cell whose inputs a thread gathers. Detects cells that would be computed from
 * themselves: the thread would recurse without end, or threads would wait for each
 * other for ever.
 * <p>
 * Cells of one thread are nested: an input that is not cached, and is Python-backed
 * itself, is computed by the same thread, or that waits for another thread that
 * computes it. Cycles are looked for only when an input is not cached.
 */
final class CellInProgress
{
	private static final ThreadLocal< CellInProgress > INNERMOST = new ThreadLocal<>();

	/**
	 * The cells in progress that need an input that is not cached. Guards the fields
	 * that other threads read.
	 */
	private static final Map< Key, CellInProgress > WAITING = new HashMap<>();

	private final Key key;

	/**
	 * The cell that has this one as an input, or {@code null}.
	 */
	private final CellInProgress outer;

	private final CellInProgress outermost;

	/**
	 * In the outermost cell of a thread: the cell whose input the thread reads.
	 */
	private CellInProgress waiting;

	/**
	 * In the outermost cell of a thread: that input.
	 */
	private Key awaited;

	private boolean listed;

	private CellInProgress( final Key key, final CellInProgress outer )
	{
		this.key = key;
		this.outer = outer;
		outermost = outer == null ? this : outer.outermost;
	}

	/**
	 * @param loader
	 * 		computes the cell, on this thread
	 * @param cell
	 * 		index of the cell
	 * @return the cell; {@link #end()} it on the same thread when its inputs are there
	 * @throws PythonCycleException
	 * 		if this thread is computing that cell already
	 */
	static CellInProgress begin( final Object loader, final long cell )
	{
		final CellInProgress outer = INNERMOST.get();
		final Key key = new Key( loader, cell );
		requireNotWithin( outer, key );
		final CellInProgress begun = new CellInProgress( key, outer );
		INNERMOST.set( begun );
		return begun;
	}

	void end()
	{
		INNERMOST.set( outer );
		if ( listed )
			synchronized ( WAITING )
			{
				WAITING.remove( key, this );
			}
	}

	/**
	 * Reads an input's cell: computes it, or waits for another thread that does.
	 *
	 * @param <V>
	 * 		type of the cell
	 */
	@FunctionalInterface
	interface Read< V >
	{
		V get() throws ExecutionException;
	}

	/**
	 * @return the innermost cell whose inputs this thread gathers, or {@code null}
	 */
	static CellInProgress ofThisThread()
	{
		return INNERMOST.get();
	}

	/**
	 * Reads an input of this cell that is not cached.
	 *
	 * @param <V>
	 * 		type of the input's cell
	 * @param loader
	 * 		computes the input's cell
	 * @param cell
	 * 		index of the input's cell
	 * @param read
	 * 		reads it
	 * @return the input's cell
	 * @throws PythonCycleException
	 * 		if the cell would wait for itself
	 */
	< V > V await( final Object loader, final long cell, final Read< V > read ) throws ExecutionException
	{
		final Key input = new Key( loader, cell );
		final CellInProgress waitingBefore;
		final Key awaitedBefore;
		synchronized ( WAITING )
		{
			// Before the search, because a cycle ends at one of these.
			for ( CellInProgress c = this; c != null && !c.listed; c = c.outer )
			{
				c.listed = true;
				// After an invalidation, two threads may compute the same cell.
				WAITING.putIfAbsent( c.key, c );
			}
			requireNoCycle( input );
			waitingBefore = outermost.waiting;
			awaitedBefore = outermost.awaited;
			outermost.waiting = this;
			outermost.awaited = input;
		}
		try
		{
			return read.get();
		}
		finally
		{
			synchronized ( WAITING )
			{
				outermost.waiting = waitingBefore;
				outermost.awaited = awaitedBefore;
			}
		}
	}

	/**
	 * @param inner
	 * 		innermost cell of a thread
	 * @param cell
	 * 		must be neither that one nor one around it
	 */
	private static void requireNotWithin( final CellInProgress inner, final Key cell )
	{
		for ( CellInProgress c = inner; c != null; c = c.outer )
			if ( c.key.equals( cell ) )
			{
				final Deque< Key > path = c.pathTo( inner );
				path.add( cell );
				throw cycle( path );
			}
	}

	/**
	 * Follows what threads wait for, from one thread to the next.
	 */
	private void requireNoCycle( final Key input )
	{
		requireNotWithin( this, input );
		final Deque< Key > path = new ArrayDeque<>();
		Key next = input;
		for ( CellInProgress other = WAITING.get( next ); other != null; other = WAITING.get( next ) )
		{
			final CellInProgress end = other.outermost == outermost ? this : other.outermost.waiting;
			final Deque< Key > part = end == null ? null : other.pathTo( end );
			// That thread does not wait for an input: it computes this cell, or one within.
			if ( part == null )
				return;
			path.addAll( part );
			if ( end == this )
			{
				path.add( input );
				throw cycle( path );
			}
			next = other.outermost.awaited;
		}
	}

	/**
	 * @return the cells of one thread from this one in to the inner one; {@code null}
	 *         if that is not within this one
	 */
	private Deque< Key > pathTo( final CellInProgress inner )
	{
		final Deque< Key > path = new ArrayDeque<>();
		for ( CellInProgress c = inner; c != null; c = c.outer )
		{
			path.addFirst( c.key );
			if ( c == this )
				return path;
		}
		return null;
	}

	private static PythonCycleException cycle( final Deque< Key > cells )
	{
		return new PythonCycleException( cells.stream().map( Key::toString ).collect( Collectors.joining( " needs " ) ) );
	}

	private static final class Key
	{
		private final Object loader;

		private final long cell;

		Key( final Object loader, final long cell )
		{
			this.loader = loader;
			this.cell = cell;
		}

		@Override
		public boolean equals( final Object other )
		{
			return other instanceof Key && ( ( Key ) other ).loader == loader && ( ( Key ) other ).cell == cell;
		}

		@Override
		public int hashCode()
		{
			return 31 * System.identityHashCode( loader ) + Long.hashCode( cell );
		}

		@Override
		public String toString()
		{
			return "cell " + cell + " of " + loader;
		}
	}
}
