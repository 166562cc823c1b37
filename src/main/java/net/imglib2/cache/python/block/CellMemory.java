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

/**
 * The memory of one cell: a buffer of its own, or a part of one that other cells
 * share.
 */
public final class CellMemory
{
	private final ByteBuffer buffer;

	private final ByteBuffer whole;

	private final int offset;

	private CellMemory( final ByteBuffer buffer, final ByteBuffer whole, final int offset )
	{
		this.buffer = buffer;
		this.whole = whole;
		this.offset = offset;
	}

	/**
	 * @param buffer
	 * 		of exactly the cell's size, in native byte order
	 * @return all of the buffer
	 */
	public static CellMemory of( final ByteBuffer buffer )
	{
		return new CellMemory( buffer, buffer, 0 );
	}

	/**
	 * @param whole
	 * 		buffer that other cells share
	 * @param offset
	 * 		where the cell begins in it, in bytes
	 * @param numBytes
	 * 		size of the cell
	 * @return this part of the buffer
	 */
	public static CellMemory partOf( final ByteBuffer whole, final int offset, final int numBytes )
	{
		final ByteBuffer part = whole.duplicate();
		( ( Buffer ) part ).position( offset );
		( ( Buffer ) part ).limit( offset + numBytes );
		return new CellMemory( part.slice().order( nativeOrder() ), whole, offset );
	}

	/**
	 * @return buffer of exactly the cell's size, in native byte order
	 */
	public ByteBuffer buffer()
	{
		return buffer;
	}

	/**
	 * @return the buffer that the cell is a part of, the same object for all its cells
	 */
	ByteBuffer whole()
	{
		return whole;
	}

	/**
	 * @return where the cell begins in {@link #whole()}, in bytes
	 */
	int offset()
	{
		return offset;
	}

	/**
	 * @return whether other cells share the buffer
	 */
	boolean isShared()
	{
		return whole != buffer;
	}
}
