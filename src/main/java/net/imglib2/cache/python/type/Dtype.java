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

import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.LongBuffer;
import java.nio.ShortBuffer;
import java.util.Arrays;
import java.util.Locale;
import java.util.function.Function;
import java.util.stream.Collectors;

import jep.DirectNDArray;

/**
 * The numpy dtypes that occur.
 */
public enum Dtype
{
	BOOL( 1 ),
	INT8( 1, false, ByteBuffer.class, b -> b ),
	UINT8( 1, true, ByteBuffer.class, b -> b ),
	INT16( 2, false, ShortBuffer.class, ByteBuffer::asShortBuffer ),
	UINT16( 2, true, ShortBuffer.class, ByteBuffer::asShortBuffer ),
	INT32( 4, false, IntBuffer.class, ByteBuffer::asIntBuffer ),
	UINT32( 4, true, IntBuffer.class, ByteBuffer::asIntBuffer ),
	INT64( 8, false, LongBuffer.class, ByteBuffer::asLongBuffer ),
	UINT64( 8, true, LongBuffer.class, ByteBuffer::asLongBuffer ),
	FLOAT32( 4, false, FloatBuffer.class, ByteBuffer::asFloatBuffer ),
	FLOAT64( 8, false, DoubleBuffer.class, ByteBuffer::asDoubleBuffer ),
	COMPLEX64( 8 ),
	COMPLEX128( 16 );

	private final int bytes;

	private final boolean unsigned;

	private final Class< ? extends Buffer > bufferClass;

	private final Function< ByteBuffer, Buffer > view;

	Dtype( final int bytes )
	{
		this( bytes, false, null, null );
	}

	Dtype( final int bytes, final boolean unsigned, final Class< ? extends Buffer > bufferClass, final Function< ByteBuffer, Buffer > view )
	{
		this.bytes = bytes;
		this.unsigned = unsigned;
		this.bufferClass = bufferClass;
		this.view = view;
	}

	/**
	 * @return names of all, in order, one a line: what {@code Worker} is told
	 */
	public static String names()
	{
		return Arrays.stream( values() ).map( Dtype::numpyName ).collect( Collectors.joining( "\n" ) );
	}

	/**
	 * @return numpy's name
	 */
	public String numpyName()
	{
		return name().toLowerCase( Locale.ROOT );
	}

	/**
	 * @return bytes of a number
	 */
	public int bytes()
	{
		return bytes;
	}

	/**
	 * The array that Jep makes of some memory.
	 *
	 * @param memory
	 * 		of exactly the size of the array: bytes, or a buffer of this dtype
	 * @param shape
	 * 		in numpy's axis order
	 * @return the array, or {@code null} where Jep has no array of this dtype
	 */
	public DirectNDArray< ? > array( final Buffer memory, final int... shape )
	{
		if ( view == null )
			return null;
		if ( memory instanceof ByteBuffer )
			return new DirectNDArray<>( view.apply( ( ByteBuffer ) memory ), unsigned, shape );
		return bufferClass.isInstance( memory ) ? new DirectNDArray<>( memory, unsigned, shape ) : null;
	}
}
