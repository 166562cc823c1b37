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

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.reflect.Field;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * 64-bit words in memory that another process sees, too. What was written before a word
 * is seen by whoever sees the word; a write is not reordered with a later read.
 */
abstract class SharedWords
{
	/**
	 * @param memory
	 * 		direct, in native byte order, aligned to words
	 */
	static SharedWords in( final ByteBuffer memory )
	{
		return WithVarHandle.GET != null ? new WithVarHandle( memory ) : new WithUnsafe( memory );
	}

	/**
	 * @return a word, as it is now
	 */
	abstract long get( int index );

	/**
	 * Changes a word, before any later read.
	 */
	abstract void set( int index, long value );

	/**
	 * @return what to throw for what a method handle has thrown
	 * @throws Error
	 * 		if it is one, for instance because the stack is full
	 */
	private static RuntimeException failed( final Throwable t )
	{
		if ( t instanceof Error )
			throw ( Error ) t;
		return t instanceof RuntimeException ? ( RuntimeException ) t : new IllegalStateException( "shared memory could not be accessed", t );
	}

	/**
	 * Since Java 9; this class is compiled for Java 8, which does not know its types.
	 */
	static final class WithVarHandle extends SharedWords
	{
		private static final MethodHandle GET = handle( "GET_VOLATILE" );

		private static final MethodHandle SET = handle( "SET_VOLATILE" );

		private final ByteBuffer memory;

		WithVarHandle( final ByteBuffer memory )
		{
			this.memory = memory;
		}

		@Override
		long get( final int index )
		{
			try
			{
				return ( long ) GET.invokeExact( memory, index * Long.BYTES );
			}
			catch ( final Throwable t )
			{
				throw failed( t );
			}
		}

		@Override
		void set( final int index, final long value )
		{
			try
			{
				SET.invokeExact( memory, index * Long.BYTES, value );
			}
			catch ( final Throwable t )
			{
				throw failed( t );
			}
		}

		private static MethodHandle handle( final String mode )
		{
			try
			{
				final Class< ? > modes = Class.forName( "java.lang.invoke.VarHandle$AccessMode" );
				final Object view = MethodHandles.class.getMethod( "byteBufferViewVarHandle", Class.class, ByteOrder.class ).invoke( null, long[].class, ByteOrder.nativeOrder() );
				return ( MethodHandle ) Class.forName( "java.lang.invoke.VarHandle" ).getMethod( "toMethodHandle", modes ).invoke( view, modes.getField( mode ).get( null ) );
			}
			catch ( final ReflectiveOperationException e )
			{
				// Java 8
				return null;
			}
		}
	}

	/**
	 * For Java 8.
	 */
	static final class WithUnsafe extends SharedWords
	{
		/**
		 * Keeps the memory in reach.
		 */
		@SuppressWarnings( "unused" )
		private final ByteBuffer memory;

		private final long address;

		private final MethodHandle get;

		private final MethodHandle set;

		WithUnsafe( final ByteBuffer memory )
		{
			this.memory = memory;
			try
			{
				final Class< ? > type = Class.forName( "sun.misc.Unsafe" );
				final Field instance = type.getDeclaredField( "theUnsafe" );
				instance.setAccessible( true );
				final Object unsafe = instance.get( null );
				final MethodHandles.Lookup lookup = MethodHandles.publicLookup();
				final long field = ( long ) type.getMethod( "objectFieldOffset", Field.class ).invoke( unsafe, Buffer.class.getDeclaredField( "address" ) );
				address = ( long ) type.getMethod( "getLong", Object.class, long.class ).invoke( unsafe, memory, field );
				get = lookup.unreflect( type.getMethod( "getLongVolatile", Object.class, long.class ) ).bindTo( unsafe );
				set = lookup.unreflect( type.getMethod( "putLongVolatile", Object.class, long.class, long.class ) ).bindTo( unsafe );
			}
			catch ( final ReflectiveOperationException e )
			{
				throw failed( e );
			}
		}

		@Override
		long get( final int index )
		{
			try
			{
				return ( long ) get.invokeExact( ( Object ) null, address + index * ( long ) Long.BYTES );
			}
			catch ( final Throwable t )
			{
				throw failed( t );
			}
		}

		@Override
		void set( final int index, final long value )
		{
			try
			{
				set.invokeExact( ( Object ) null, address + index * ( long ) Long.BYTES, value );
			}
			catch ( final Throwable t )
			{
				throw failed( t );
			}
		}
	}
}
