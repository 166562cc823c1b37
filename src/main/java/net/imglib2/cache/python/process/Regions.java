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
package net.imglib2.cache.python.process;

import java.util.Comparator;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Which parts of the segments are free. Not thread-safe.
 */
final class Regions
{
	private static final long PAGE = 4096;

	private final TreeMap< Long, Region > byStart = new TreeMap<>();

	private final TreeSet< Region > bySize = new TreeSet<>( Comparator.< Region >comparingLong( region -> region.length ).thenComparingLong( region -> region.start ) );

	private long freeBytes;

	/**
	 * @return size of the region that so many bytes need
	 */
	static long size( final long numBytes )
	{
		return ( Math.max( 1, numBytes ) + PAGE - 1 ) / PAGE * PAGE;
	}

	long freeBytes()
	{
		return freeBytes;
	}

	/**
	 * @return a region, the smallest that is large enough cut to its size; {@code null}
	 *         if none is
	 */
	Region take( final long numBytes )
	{
		final Region smallest = bySize.ceiling( new Region( null, 0, numBytes ) );
		if ( smallest == null )
			return null;
		remove( smallest );
		if ( smallest.length > numBytes )
			add( new Region( smallest.segment, smallest.start + numBytes, smallest.length - numBytes ) );
		return new Region( smallest.segment, smallest.start, numBytes );
	}

	/**
	 * Makes a region free.
	 */
	void give( final Region region )
	{
		Region joined = region;
		final Map.Entry< Long, Region > before = byStart.lowerEntry( region.start );
		if ( before != null && before.getValue().isBefore( joined ) )
		{
			remove( before.getValue() );
			joined = new Region( region.segment, before.getValue().start, before.getValue().length + joined.length );
		}
		final Region after = byStart.get( joined.start + joined.length );
		if ( after != null && joined.isBefore( after ) )
		{
			remove( after );
			joined = new Region( region.segment, joined.start, joined.length + after.length );
		}
		add( joined );
	}

	private void add( final Region region )
	{
		byStart.put( region.start, region );
		bySize.add( region );
		freeBytes += region.length;
	}

	private void remove( final Region region )
	{
		byStart.remove( region.start );
		bySize.remove( region );
		freeBytes -= region.length;
	}

	/**
	 * Some pages of a segment.
	 */
	static final class Region
	{
		final Segment segment;

		final long start;

		final long length;

		Region( final Segment segment, final long start, final long length )
		{
			this.segment = segment;
			this.start = start;
			this.length = length;
		}

		private boolean isBefore( final Region other )
		{
			return segment == other.segment && start + length == other.start;
		}
	}
}
