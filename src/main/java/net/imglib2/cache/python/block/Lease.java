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
package net.imglib2.cache.python.block;

import static java.nio.ByteOrder.nativeOrder;

import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.util.function.Consumer;

/**
 * Memory of a {@link BlockMemory} that is in use.
 */
public final class Lease
{
	private static final ByteBuffer ZEROS = ByteBuffer.allocateDirect( 1 << 14 );

	private final ByteBuffer whole;

	private final ByteBuffer buffer;

	private final Consumer< ? super ByteBuffer > giveBack;

	private boolean released;

	/**
	 * @param whole
	 * 		the memory, in native byte order
	 * @param numBytes
	 * 		how much of it is used, from its beginning
	 * @param giveBack
	 * 		gets the memory when it is released
	 */
	public Lease( final ByteBuffer whole, final int numBytes, final Consumer< ? super ByteBuffer > giveBack )
	{
		this.whole = whole;
		this.giveBack = giveBack;
		final ByteBuffer part = whole.duplicate();
		( ( Buffer ) part ).limit( numBytes );
		buffer = part.slice().order( nativeOrder() );
	}

	/**
	 * @return buffer of exactly the size asked for, in native byte order
	 */
	public ByteBuffer buffer()
	{
		return buffer;
	}

	/**
	 * @return the memory that the buffer is the beginning of, the same object for each
	 *         lease of it
	 */
	ByteBuffer whole()
	{
		return whole;
	}

	/**
	 * Fills the buffer with zeros.
	 */
	void clear()
	{
		final ByteBuffer target = buffer.duplicate();
		( ( Buffer ) target ).clear();
		while ( target.hasRemaining() )
		{
			final ByteBuffer zeros = ZEROS.duplicate();
			( ( Buffer ) zeros ).limit( Math.min( zeros.capacity(), target.remaining() ) );
			target.put( zeros );
		}
	}

	/**
	 * Gives the memory back, once. Nobody may be able to reach the buffer any more.
	 * Memory that is not given back is garbage with its buffers.
	 */
	public synchronized void release()
	{
		if ( !released )
		{
			released = true;
			giveBack.accept( whole );
		}
	}
}
