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
 * A part of the shared file that has been added at once. Workers map it as a whole. Not
 * thread-safe, but for {@link #clear}.
 */
final class Segment
{
	private static final int CHUNK = 1 << 26;

	private static final ByteBuffer ZEROS = ByteBuffer.allocateDirect( 1 << 16 );

	final long start;

	final long length;

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

	/**
	 * @return how many bytes at the beginning of a region may not be zero; it counts as
	 *         used from now on
	 */
	long use( final long regionStart, final long regionLength )
	{
		final long notZero = Math.max( 0, Math.min( regionLength, usedTo - regionStart ) );
		usedTo = Math.max( usedTo, regionStart + regionLength );
		return notZero;
	}

	/**
	 * Fills a part with zeros.
	 *
	 * @param from
	 * 		position in the file
	 * @param numBytes
	 * 		how many
	 */
	void clear( final long from, final long numBytes ) throws IOException
	{
		for ( long at = from - start, end = at + numBytes; at < end; )
		{
			final ByteBuffer part = chunk( ( int ) ( at / CHUNK ) );
			final int position = ( int ) ( at % CHUNK );
			( ( Buffer ) part ).position( position );
			( ( Buffer ) part ).limit( ( int ) Math.min( part.capacity(), position + end - at ) );
			at += part.remaining();
			while ( part.hasRemaining() )
			{
				final ByteBuffer zeros = ZEROS.duplicate();
				( ( Buffer ) zeros ).limit( Math.min( zeros.capacity(), part.remaining() ) );
				part.put( zeros );
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
