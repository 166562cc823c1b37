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
 * A cell that a thread is computing. Finds out where a cell is computed from
 * itself, which would go on for ever, or let threads wait for each other for ever.
 * <p>
 * A thread computes a cell and, within that, the cells of other images that are
 * its inputs; or it waits for another thread that computes one of these. Who waits
 * for what is looked at only when an input's cell is not cached.
 */
public final class CellInProgress
{
	private static final ThreadLocal< CellInProgress > INNERMOST = new ThreadLocal<>();

	/**
	 * The cells in progress whose inputs may have to be waited for. Guards all that
	 * threads tell each other.
	 */
	private static final Map< Key, CellInProgress > WAITING = new HashMap<>();

	private final Key key;

	/**
	 * What this thread computes from this cell.
	 */
	private final CellInProgress outer;

	private final CellInProgress outermost;

	/**
	 * In the outermost cell of a thread: the cell whose input the thread waits for.
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
	public static CellInProgress begin( final Object loader, final long cell )
	{
		final CellInProgress outer = INNERMOST.get();
		final Key key = new Key( loader, cell );
		requireNotWithin( outer, key );
		final CellInProgress begun = new CellInProgress( key, outer );
		INNERMOST.set( begun );
		return begun;
	}

	public void end()
	{
		INNERMOST.set( outer );
		if ( listed )
			synchronized ( WAITING )
			{
				WAITING.remove( key, this );
			}
	}

	/**
	 * Reads a cell, which may have to be computed or waited for.
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
	 * @return the innermost cell that this thread gathers the inputs of, or
	 *         {@code null}
	 */
	public static CellInProgress ofThisThread()
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
	 * 		how to get it
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
			// First: a cycle ends at one of them.
			for ( CellInProgress c = this; c != null && !c.listed; c = c.outer )
			{
				c.listed = true;
				// After an invalidation, another thread may be computing it, too.
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
	 * Looks for a cell among those that lead to another one on the same thread.
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
	 * Follows the cells from one thread to the next.
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
			// That thread does not wait: it computes the very cell, or one within.
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
	 * @return the cells of one thread from this one to one within it, or
	 *         {@code null} if that is not within it
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
