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
package net.imglib2.cache.python.embedded;

import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.LongBuffer;
import java.nio.ShortBuffer;
import java.util.List;

import jep.DirectNDArray;
import net.imglib2.cache.python.block.BlockArray;
import net.imglib2.cache.python.type.Dtype;
import net.imglib2.util.Util;

/**
 * Memory as Jep hands it over to numpy, and back. The arrays in the memory are
 * numpy's business: Jep does not know all dtypes, nor strides.
 */
final class JepArrays
{
	private JepArrays()
	{}

	/**
	 * @param arrays
	 * 		arrays of blocks
	 * @return arguments for a call of Python: the memory of each
	 */
	static Object[] memories( final List< BlockArray > arrays )
	{
		final Object[] memories = new Object[ arrays.size() ];
		for ( int i = 0; i < memories.length; ++i )
		{
			final BlockArray array = arrays.get( i );
			memories[ i ] = array.owner() == null ? of( array.memory() ) : new OwnedMemory<>( array.memory(), array.owner() );
		}
		return memories;
	}

	/**
	 * @param buffer
	 * 		direct buffer
	 * @return all of it
	 */
	static DirectNDArray< ? > of( final Buffer buffer )
	{
		return new DirectNDArray<>( buffer, buffer.capacity() );
	}

	/**
	 * @param bytes
	 * 		direct buffer
	 * @return all of it, as bytes from 0 to 255
	 */
	static DirectNDArray< ? > unsigned( final ByteBuffer bytes )
	{
		return new DirectNDArray<>( bytes, true, bytes.capacity() );
	}

	/**
	 * @param array
	 * 		array that the user made
	 * @return the same memory; Python keeps the user's array in reach
	 */
	static BlockArray toBlockArray( final DirectNDArray< ? > array )
	{
		final Buffer data = ( Buffer ) array.getData();
		return BlockArray.of( data, dtype( data, array.isUnsigned() ), Util.int2long( array.getDimensions() ), array );
	}

	/**
	 * @return what Jep makes of such a buffer
	 */
	private static Dtype dtype( final Buffer buffer, final boolean unsigned )
	{
		if ( buffer instanceof ByteBuffer )
			return unsigned ? Dtype.UINT8 : Dtype.INT8;
		if ( buffer instanceof ShortBuffer )
			return unsigned ? Dtype.UINT16 : Dtype.INT16;
		if ( buffer instanceof IntBuffer )
			return unsigned ? Dtype.UINT32 : Dtype.INT32;
		if ( buffer instanceof LongBuffer )
			return unsigned ? Dtype.UINT64 : Dtype.INT64;
		if ( buffer instanceof FloatBuffer )
			return Dtype.FLOAT32;
		if ( buffer instanceof DoubleBuffer )
			return Dtype.FLOAT64;
		throw new IllegalArgumentException( "numpy has no type for the numbers of a " + buffer.getClass().getSimpleName() );
	}

	/**
	 * Memory that Python keeps together with what it belongs to.
	 */
	private static final class OwnedMemory< T extends Buffer > extends DirectNDArray< T >
	{
		private final Object owner;

		OwnedMemory( final T memory, final Object owner )
		{
			super( memory, memory.capacity() );
			this.owner = owner;
		}

		@Override
		public String toString()
		{
			return "memory of " + owner;
		}
	}
}
