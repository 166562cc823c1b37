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

import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.TimeUnit;

/**
 * How long the last computation of each cell took, and whether it failed. Takes four bytes
 * per cell, in chunks that are there once one of their cells was computed. Thread-safe,
 * without locks.
 */
public final class CellTimes
{
	/**
	 * Cells of one chunk.
	 */
	private static final int CHUNK = 1 << 10;

	/**
	 * A cell that was never computed. (New arrays have zeros.)
	 */
	private static final float NONE = 0;

	/**
	 * A cell that failed because one of an input did.
	 */
	private static final float FAILED_WITHOUT_TIME = Float.NEGATIVE_INFINITY;

	private static final float MILLISECOND = TimeUnit.MILLISECONDS.toNanos( 1 );

	/**
	 * Milliseconds; negative if the computation failed.
	 */
	private final ConcurrentMap< Long, float[] > chunks = new ConcurrentHashMap<>();

	/**
	 * @param cell
	 * 		was computed
	 * @param nanos
	 * 		how long it took
	 * @param failed
	 * 		whether it failed
	 */
	void put( final long cell, final long nanos, final boolean failed )
	{
		// No time is NONE.
		final float millis = Math.max( 1, nanos ) / MILLISECOND;
		put( cell, failed ? -millis : millis );
	}

	/**
	 * @param cell
	 * 		could not be computed because a cell of an input failed
	 */
	void putFailedInput( final long cell )
	{
		put( cell, FAILED_WITHOUT_TIME );
	}

	private void put( final long cell, final float value )
	{
		final Long key = cell / CHUNK;
		float[] chunk = chunks.get( key );
		if ( chunk == null )
		{
			final float[] created = new float[ CHUNK ];
			final float[] other = chunks.putIfAbsent( key, created );
			chunk = other == null ? created : other;
		}
		chunk[ ( int ) ( cell % CHUNK ) ] = value;
	}

	/**
	 * @param millis
	 * 		gets how long the last computation of each cell took in milliseconds, or NaN if
	 * 		there was none
	 */
	public void times( final float[] millis )
	{
		for ( int cell = 0; cell < millis.length; ++cell )
		{
			final float value = get( cell );
			millis[ cell ] = value == NONE || value == FAILED_WITHOUT_TIME ? Float.NaN : Math.abs( value );
		}
	}

	/**
	 * @param failed
	 * 		gets 1 for each cell whose last computation failed, 0 for the others
	 */
	public void failures( final byte[] failed )
	{
		for ( int cell = 0; cell < failed.length; ++cell )
			failed[ cell ] = ( byte ) ( get( cell ) < 0 ? 1 : 0 );
	}

	private float get( final long cell )
	{
		final float[] chunk = chunks.get( cell / CHUNK );
		return chunk == null ? NONE : chunk[ ( int ) ( cell % CHUNK ) ];
	}
}
