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

import static java.lang.invoke.MethodType.methodType;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.reflect.Field;
import java.nio.Buffer;

/**
 * Where direct buffers lie. All that the JDK tells of a duplicate, a slice, or a view as
 * numbers of another type is its address: not which buffer it was made from.
 */
final class Addresses
{
	private static final MethodHandle ADDRESS = find();

	private Addresses()
	{}

	/**
	 * @param buffer
	 * 		a direct buffer
	 * @return address of its entry 0
	 */
	static long of( final Buffer buffer )
	{
		try
		{
			return ( long ) ADDRESS.invokeExact( buffer );
		}
		catch ( final RuntimeException | Error e )
		{
			throw e;
		}
		catch ( final Throwable t )
		{
			throw new IllegalStateException( "the address of a buffer cannot be had", t );
		}
	}

	private static MethodHandle find()
	{
		try
		{
			final MethodHandle ofSegment = ofSegment();
			return ofSegment != null ? ofSegment : ofUnsafe();
		}
		catch ( final ReflectiveOperationException e )
		{
			throw new IllegalStateException( "the addresses of buffers cannot be had", e );
		}
	}

	/**
	 * Since Java 22, where {@code Unsafe} warns or may be denied.
	 *
	 * @return {@code null} if there are no memory segments
	 */
	private static MethodHandle ofSegment() throws ReflectiveOperationException
	{
		final MethodHandles.Lookup lookup = MethodHandles.publicLookup();
		final MethodHandle ofPosition;
		try
		{
			if ( Double.parseDouble( System.getProperty( "java.specification.version" ) ) < 22 )
				return null;
			final Class< ? > segment = Class.forName( "java.lang.foreign.MemorySegment" );
			final MethodHandle ofBuffer = lookup.findStatic( segment, "ofBuffer", methodType( segment, Buffer.class ) );
			ofPosition = MethodHandles.filterReturnValue( ofBuffer, lookup.findVirtual( segment, "address", methodType( long.class ) ) );
		}
		catch ( final ClassNotFoundException e )
		{
			return null;
		}
		final MethodHandle minusPosition = MethodHandles.lookup().findStatic( Addresses.class, "minusPosition", methodType( long.class, long.class, Buffer.class ) );
		return MethodHandles.foldArguments( minusPosition, ofPosition );
	}

	@SuppressWarnings( "unused" )
	private static long minusPosition( final long address, final Buffer buffer )
	{
		return address - ( long ) buffer.position() * BytesPerEntry.of( buffer );
	}

	private static MethodHandle ofUnsafe() throws ReflectiveOperationException
	{
		final Class< ? > type = Class.forName( "sun.misc.Unsafe" );
		final Field field = type.getDeclaredField( "theUnsafe" );
		field.setAccessible( true );
		final Object unsafe = field.get( null );
		final MethodHandles.Lookup lookup = MethodHandles.publicLookup();
		final long offset = offset( lookup.findVirtual( type, "objectFieldOffset", methodType( long.class, Field.class ) ).bindTo( unsafe ) );
		final MethodHandle getLong = lookup.findVirtual( type, "getLong", methodType( long.class, Object.class, long.class ) ).bindTo( unsafe );
		return MethodHandles.insertArguments( getLong, 1, offset ).asType( methodType( long.class, Buffer.class ) );
	}

	/**
	 * By a method handle: reflection looks at the annotations of such a method, and makes
	 * proxies for them, which takes longer than all else here.
	 */
	private static long offset( final MethodHandle objectFieldOffset ) throws ReflectiveOperationException
	{
		try
		{
			return ( long ) objectFieldOffset.invokeExact( Buffer.class.getDeclaredField( "address" ) );
		}
		catch ( final ReflectiveOperationException | RuntimeException | Error e )
		{
			throw e;
		}
		catch ( final Throwable t )
		{
			throw new IllegalStateException( t );
		}
	}
}
