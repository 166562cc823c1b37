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
package net.imglib2.cache.python.type;

import static java.nio.ByteOrder.nativeOrder;

import java.nio.ByteBuffer;

import net.imglib2.img.basictypeaccess.nio.BufferAccess;
import net.imglib2.img.basictypeaccess.volatiles.VolatileBooleanAccess;

/**
 * Booleans in a buffer as numpy stores them, a byte each, 0 or 1. ImgLib2 has buffer
 * accesses for all other primitive types.
 */
public final class BooleanBufferAccess implements BufferAccess< BooleanBufferAccess >, VolatileBooleanAccess
{
	private final ByteBuffer buffer;

	private final boolean isValid;

	/**
	 * @param buffer
	 * 		the memory; all of it is used
	 */
	public BooleanBufferAccess( final ByteBuffer buffer )
	{
		this( buffer, true );
	}

	private BooleanBufferAccess( final ByteBuffer buffer, final boolean isValid )
	{
		this.buffer = buffer;
		this.isValid = isValid;
	}

	@Override
	public boolean getValue( final int index )
	{
		return buffer.get( index ) != 0;
	}

	@Override
	public void setValue( final int index, final boolean value )
	{
		buffer.put( index, ( byte ) ( value ? 1 : 0 ) );
	}

	@Override
	public ByteBuffer getCurrentStorageArray()
	{
		return buffer.duplicate().order( nativeOrder() );
	}

	@Override
	public int getArrayLength()
	{
		return buffer.capacity();
	}

	@Override
	public BooleanBufferAccess createView( final Object o )
	{
		return new BooleanBufferAccess( getCurrentStorageArray(), isValid );
	}

	@Override
	public BooleanBufferAccess createArray( final int numEntities )
	{
		return new BooleanBufferAccess( buffer.isDirect() ? ByteBuffer.allocateDirect( numEntities ) : ByteBuffer.allocate( numEntities ) );
	}

	@Override
	public BooleanBufferAccess newInstance( final ByteBuffer newBuffer, final boolean valid )
	{
		return new BooleanBufferAccess( newBuffer, valid );
	}

	@Override
	public boolean isValid()
	{
		return isValid;
	}

	@Override
	public boolean isDirect()
	{
		return buffer.isDirect();
	}

	@Override
	public boolean isReadOnly()
	{
		return buffer.isReadOnly();
	}

	@Override
	public int getNumBytesPerEntity()
	{
		return 1;
	}
}
