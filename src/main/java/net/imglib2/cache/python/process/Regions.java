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

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Which parts of the shared file are free. Not thread-safe.
 */
final class Regions
{
	private static final long PAGE = 4096;

	private final TreeMap< Long, Region > byStart = new TreeMap<>();

	private final TreeSet< Region > bySize = new TreeSet<>( Comparator.< Region >comparingLong( Region::length ).thenComparingLong( Region::start ) );

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
	 * @return how many bytes are free directly before a position
	 */
	long freeBefore( final long position )
	{
		final Map.Entry< Long, Region > last = byStart.lowerEntry( position );
		return last != null && last.getValue().end == position ? last.getValue().length() : 0;
	}

	/**
	 * @return all that is free
	 */
	List< Region > all()
	{
		return new ArrayList<>( bySize );
	}

	/**
	 * @return a region, the smallest that is large enough cut to its size; {@code null}
	 *         if none is
	 */
	Region take( final long numBytes )
	{
		final Region smallest = bySize.ceiling( new Region( 0, numBytes ) );
		if ( smallest == null )
			return null;
		remove( smallest );
		final Region taken = new Region( smallest.start, smallest.start + numBytes );
		if ( taken.end < smallest.end )
			add( new Region( taken.end, smallest.end ) );
		return taken;
	}

	/**
	 * Makes a region free.
	 */
	void give( final Region region )
	{
		long start = region.start;
		long end = region.end;
		final Map.Entry< Long, Region > before = byStart.lowerEntry( start );
		if ( before != null && before.getValue().end == start )
		{
			remove( before.getValue() );
			start = before.getValue().start;
		}
		final Region after = byStart.get( end );
		if ( after != null )
		{
			remove( after );
			end = after.end;
		}
		add( new Region( start, end ) );
	}

	private void add( final Region region )
	{
		byStart.put( region.start, region );
		bySize.add( region );
		freeBytes += region.length();
	}

	private void remove( final Region region )
	{
		byStart.remove( region.start );
		bySize.remove( region );
		freeBytes -= region.length();
	}

	/**
	 * Some pages of the file.
	 */
	static final class Region
	{
		private final long start;

		private final long end;

		Region( final long start, final long end )
		{
			this.start = start;
			this.end = end;
		}

		long start()
		{
			return start;
		}

		long end()
		{
			return end;
		}

		long length()
		{
			return end - start;
		}
	}
}
