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

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.TreeMap;

import net.imglib2.cache.python.process.Regions.Region;

/**
 * The segments of the shared file. They follow each other without gaps, and a region may
 * be in several. Thread-safe.
 */
final class Segments
{
	private static final ByteBuffer ZEROS = ByteBuffer.allocateDirect( 1 << 16 );

	private final TreeMap< Long, Segment > byStart = new TreeMap<>();

	synchronized void add( final Segment segment )
	{
		byStart.put( segment.start(), segment );
	}

	/**
	 * @return where the last segment ends
	 */
	synchronized long end()
	{
		return byStart.isEmpty() ? 0 : byStart.lastEntry().getValue().end();
	}

	/**
	 * @return the segments that a region is in, as one
	 */
	synchronized Region around( final Region region )
	{
		return new Region( byStart.floorKey( region.start() ), byStart.lowerEntry( region.end() ).getValue().end() );
	}

	/**
	 * Marks a region as used.
	 *
	 * @param zero
	 * 		whether to fill it with zeros, where that is necessary
	 */
	void use( final Region region, final boolean zero ) throws IOException
	{
		if ( zero )
			fill( region, ZEROS );
		else
			notZero( region );
	}

	/**
	 * Fills what was used before of a region.
	 *
	 * @param pattern
	 * 		all of a buffer, again and again
	 */
	void fill( final Region region, final ByteBuffer pattern ) throws IOException
	{
		for ( final Region part : notZero( region ) )
			segmentAt( part.start() ).fill( part.start(), part.end(), pattern );
	}

	private synchronized Segment segmentAt( final long position )
	{
		return byStart.floorEntry( position ).getValue();
	}

	/**
	 * @return what was used before, segment by segment; all counts as used from now on
	 */
	private synchronized List< Region > notZero( final Region region )
	{
		final List< Region > parts = new ArrayList<>();
		final Collection< Segment > segments = byStart.subMap( byStart.floorKey( region.start() ), region.end() ).values();
		for ( final Segment segment : segments )
		{
			final long from = Math.max( region.start(), segment.start() );
			final long to = segment.use( from, Math.min( region.end(), segment.end() ) );
			if ( to > from )
				parts.add( new Region( from, to ) );
		}
		return parts;
	}
}
