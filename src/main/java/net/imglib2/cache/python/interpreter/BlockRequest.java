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
package net.imglib2.cache.python.interpreter;

import java.nio.LongBuffer;
import java.util.function.ObjIntConsumer;

import net.imglib2.Interval;
import net.imglib2.cache.python.block.BlockArray;
import net.imglib2.cache.python.block.BufferPool;

/**
 * A block to compute: the numbers and the memory that {@code Worker.step} gets.
 */
public final class BlockRequest
{
	/**
	 * Room for the numbers of a block.
	 */
	static final int MAX_PARAMETERS = 1 << 14;

	/**
	 * As many memories of earlier blocks as {@code Worker} watches.
	 */
	static final int MAX_HELD = 64;

	/**
	 * Where {@code Worker.step} tells which memories user code holds.
	 */
	static final int TOLD = MAX_PARAMETERS - 2 - MAX_HELD;

	private static final int NUM_FIXED = 6;

	private final Snippet snippet;

	private final long index;

	private final Interval cell;

	private final int[] lower;

	private final BlockArray[] arrays;

	/**
	 * @param snippet
	 * 		code of the loader
	 * @param index
	 * 		index of the cell
	 * @param cell
	 * 		interval of the cell
	 * @param lower
	 * 		halo before the cell
	 * @param arrays
	 * 		pixels of the cell, then of the inputs
	 */
	public BlockRequest( final Snippet snippet, final long index, final Interval cell, final int[] lower, final BlockArray[] arrays )
	{
		this.snippet = snippet;
		this.index = index;
		this.cell = cell;
		this.lower = lower;
		this.arrays = arrays;
	}

	/**
	 * @param numInputs
	 * 		number of inputs
	 * @param numDimensions
	 * 		number of axes
	 * @throws IllegalArgumentException
	 * 		if a request cannot hold so many
	 */
	public static void requireNotTooMany( final int numInputs, final int numDimensions )
	{
		final int available = TOLD - NUM_FIXED - 4 * numDimensions;
		final int most = available / BlockArray.numParameters( numDimensions ) - 1;
		if ( numInputs > most )
			throw new IllegalArgumentException( numInputs + " inputs are too many: at most " + most + " are possible with " + numDimensions + " axes" );
	}

	Snippet snippet()
	{
		return snippet;
	}

	/**
	 * Writes number of the numbers, loader, index, number n of axes, mask of the
	 * arrays whose memory is to be reused, ticket, n each of min, max, dim and lower
	 * halo in numpy's order, then the arrays.
	 */
	void write( final LongBuffer parameters, final long ticket )
	{
		final int n = cell.numDimensions();
		parameters.put( 1, snippet.id() );
		parameters.put( 2, index );
		parameters.put( 3, n );
		parameters.put( 4, reused() );
		parameters.put( 5, ticket );
		for ( int d = 0; d < n; ++d )
		{
			final int at = NUM_FIXED + n - 1 - d;
			parameters.put( at, cell.min( d ) );
			parameters.put( at + n, cell.max( d ) );
			parameters.put( at + 2 * n, cell.dimension( d ) );
			parameters.put( at + 3 * n, lower[ d ] );
		}
		int at = NUM_FIXED + 4 * n;
		for ( final BlockArray array : arrays )
			at = array.write( parameters, at );
		parameters.put( 0, at );
	}

	/**
	 * @return what Jep hands over
	 */
	Object[] memories()
	{
		final Object[] memories = new Object[ arrays.length ];
		for ( int i = 0; i < memories.length; ++i )
			memories[ i ] = arrays[ i ].memory();
		return memories;
	}

	/**
	 * Gives the inputs' memory back.
	 *
	 * @param escaped
	 * 		mask of the arrays that Python code still holds
	 * @param held
	 * 		gets the memory of these, with the array's index
	 */
	void release( final long escaped, final ObjIntConsumer< BufferPool.Lease > held )
	{
		for ( int i = 1; i < Math.min( arrays.length, Long.SIZE - 1 ); ++i )
		{
			final BufferPool.Lease lease = arrays[ i ].lease();
			if ( lease == null )
				continue;
			if ( ( escaped >> i & 1 ) == 0 )
				lease.release();
			else
				held.accept( lease, i );
		}
	}

	private long reused()
	{
		long mask = 0;
		for ( int i = 0; i < Math.min( arrays.length, Long.SIZE - 1 ); ++i )
			if ( arrays[ i ].lease() != null )
				mask |= 1L << i;
		return mask;
	}
}
