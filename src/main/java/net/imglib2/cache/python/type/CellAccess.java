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
import java.nio.CharBuffer;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.LongBuffer;
import java.nio.ShortBuffer;

import net.imglib2.img.basictypeaccess.nio.ByteBufferAccess;
import net.imglib2.img.basictypeaccess.nio.CharBufferAccess;
import net.imglib2.img.basictypeaccess.nio.DoubleBufferAccess;
import net.imglib2.img.basictypeaccess.nio.FloatBufferAccess;
import net.imglib2.img.basictypeaccess.nio.IntBufferAccess;
import net.imglib2.img.basictypeaccess.nio.LongBufferAccess;
import net.imglib2.img.basictypeaccess.nio.ShortBufferAccess;

/**
 * Buffer accesses that hand out duplicates of their buffer. ImgLib2's own hand out the
 * buffer itself; block copiers change its position and limit, on several threads at the
 * same time (https://github.com/imglib/imglib2/issues/368).
 */
final class CellAccess
{
	private CellAccess()
	{}

	static final class Bytes extends ByteBufferAccess
	{
		private static final long serialVersionUID = 1L;

		Bytes( final ByteBuffer buffer )
		{
			super( buffer, true );
		}

		@Override
		public ByteBuffer getCurrentStorageArray()
		{
			return super.getCurrentStorageArray().duplicate().order( nativeOrder() );
		}
	}

	static final class Shorts extends ShortBufferAccess
	{
		private static final long serialVersionUID = 1L;

		Shorts( final ByteBuffer buffer )
		{
			super( buffer, true );
		}

		@Override
		public ShortBuffer getCurrentStorageArray()
		{
			return super.getCurrentStorageArray().duplicate();
		}
	}

	static final class Ints extends IntBufferAccess
	{
		private static final long serialVersionUID = 1L;

		Ints( final ByteBuffer buffer )
		{
			super( buffer, true );
		}

		@Override
		public IntBuffer getCurrentStorageArray()
		{
			return super.getCurrentStorageArray().duplicate();
		}
	}

	static final class Longs extends LongBufferAccess
	{
		private static final long serialVersionUID = 1L;

		Longs( final ByteBuffer buffer )
		{
			super( buffer, true );
		}

		@Override
		public LongBuffer getCurrentStorageArray()
		{
			return super.getCurrentStorageArray().duplicate();
		}
	}

	static final class Floats extends FloatBufferAccess
	{
		private static final long serialVersionUID = 1L;

		Floats( final ByteBuffer buffer )
		{
			super( buffer, true );
		}

		@Override
		public FloatBuffer getCurrentStorageArray()
		{
			return super.getCurrentStorageArray().duplicate();
		}
	}

	static final class Doubles extends DoubleBufferAccess
	{
		private static final long serialVersionUID = 1L;

		Doubles( final ByteBuffer buffer )
		{
			super( buffer, true );
		}

		@Override
		public DoubleBuffer getCurrentStorageArray()
		{
			return super.getCurrentStorageArray().duplicate();
		}
	}

	static final class Chars extends CharBufferAccess
	{
		private static final long serialVersionUID = 1L;

		private final transient ByteBuffer bytes;

		Chars( final ByteBuffer buffer )
		{
			super( buffer, true );
			bytes = buffer;
		}

		/**
		 * @return the same memory as bytes, which numpy can see
		 */
		ByteBuffer bytes()
		{
			return bytes.duplicate().order( nativeOrder() );
		}

		@Override
		public CharBuffer getCurrentStorageArray()
		{
			return super.getCurrentStorageArray().duplicate();
		}
	}
}
