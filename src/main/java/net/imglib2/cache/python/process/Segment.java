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
import java.nio.Buffer;
import java.nio.ByteBuffer;

/**
 * A part of the shared file that has been added at once.
 */
final class Segment
{
	private static final int CHUNK = 1 << 26;

	private final long start;

	private final long length;

	private final ArenaFile file;

	/**
	 * A mapping of this JVM that stays, because the first writing into each page of a
	 * new mapping takes much longer than all that follow.
	 */
	private final ByteBuffer[] chunks;

	/**
	 * What is behind has never been used, and still is zero.
	 */
	private long usedTo;

	Segment( final ArenaFile file, final long start, final long length )
	{
		this.file = file;
		this.start = start;
		this.length = length;
		chunks = new ByteBuffer[ ( int ) ( ( length + CHUNK - 1 ) / CHUNK ) ];
		usedTo = start;
	}

	long start()
	{
		return start;
	}

	long end()
	{
		return start + length;
	}

	/**
	 * Marks a part as used. Not thread-safe.
	 *
	 * @param from
	 * 		position in the file
	 * @param to
	 * 		where it ends
	 * @return where the bytes end that may not be zero
	 */
	long use( final long from, final long to )
	{
		final long notZeroTo = Math.max( from, Math.min( to, usedTo ) );
		usedTo = Math.max( usedTo, to );
		return notZeroTo;
	}

	/**
	 * Fills a part. Thread-safe.
	 *
	 * @param from
	 * 		position in the file
	 * @param to
	 * 		where it ends
	 * @param pattern
	 * 		all of a buffer, again and again
	 */
	void fill( final long from, final long to, final ByteBuffer pattern ) throws IOException
	{
		for ( long at = from - start; at < to - start; )
		{
			final ByteBuffer part = chunk( ( int ) ( at / CHUNK ) );
			final int position = ( int ) ( at % CHUNK );
			( ( Buffer ) part ).position( position );
			( ( Buffer ) part ).limit( ( int ) Math.min( part.capacity(), position + to - start - at ) );
			at += part.remaining();
			while ( part.hasRemaining() )
			{
				final ByteBuffer next = pattern.duplicate();
				( ( Buffer ) next ).limit( Math.min( next.capacity(), part.remaining() ) );
				part.put( next );
			}
		}
	}

	private ByteBuffer chunk( final int i ) throws IOException
	{
		synchronized ( chunks )
		{
			if ( chunks[ i ] == null )
				chunks[ i ] = file.map( start + ( long ) i * CHUNK, ( int ) Math.min( CHUNK, length - ( long ) i * CHUNK ) );
			return chunks[ i ].duplicate();
		}
	}
}
