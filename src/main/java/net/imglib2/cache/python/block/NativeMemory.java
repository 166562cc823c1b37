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

import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.nio.Buffer;
import java.nio.ByteBuffer;

import com.sun.management.HotSpotDiagnosticMXBean;

import net.imglib2.cache.python.NativeMemoryException;

/**
 * The JVM's native memory for direct buffers and its limit.
 */
public final class NativeMemory
{
	private static final long LIMIT = findLimit();

	private static final ByteBuffer ZEROS = ByteBuffer.allocateDirect( 1 << 14 );

	private NativeMemory()
	{}

	/**
	 * @return how many bytes direct buffers may have together
	 */
	public static long limit()
	{
		return LIMIT;
	}

	/**
	 * @return how many bytes direct buffers have together
	 */
	public static long used()
	{
		for ( final BufferPoolMXBean pool : ManagementFactory.getPlatformMXBeans( BufferPoolMXBean.class ) )
			if ( pool.getName().equals( "direct" ) )
				return pool.getMemoryUsed();
		return -1;
	}

	/**
	 * Allocates a direct buffer.
	 *
	 * @param numBytes
	 * 		its size
	 * @return buffer in native byte order, filled with zeros
	 * @throws NativeMemoryException
	 * 		if there is no memory left, also after a garbage collection
	 */
	public static ByteBuffer allocate( final int numBytes )
	{
		try
		{
			return ByteBuffer.allocateDirect( numBytes ).order( nativeOrder() );
		}
		catch ( final OutOfMemoryError first )
		{
			// The JDK has collected garbage already, but what a cache has just evicted
			// or other threads have just released may need another round.
			BufferPool.instance().clear();
			System.gc();
			try
			{
				return ByteBuffer.allocateDirect( numBytes ).order( nativeOrder() );
			}
			catch ( final OutOfMemoryError second )
			{
				throw new NativeMemoryException( numBytes, used(), limit(), second );
			}
		}
	}

	/**
	 * Fills a buffer with zeros.
	 */
	static void clear( final ByteBuffer buffer )
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

	private static long findLimit()
	{
		try
		{
			final HotSpotDiagnosticMXBean hotSpot = ManagementFactory.getPlatformMXBean( HotSpotDiagnosticMXBean.class );
			final long option = Long.parseLong( hotSpot.getVMOption( "MaxDirectMemorySize" ).getValue() );
			if ( option > 0 )
				return option;
		}
		catch ( final RuntimeException | LinkageError e )
		{
			// Another JVM than HotSpot: the default below is its rule as well.
		}
		return Runtime.getRuntime().maxMemory();
	}
}
