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
 * Native memory of this JVM: direct buffers. Interpreters inside of the JVM see all
 * of it.
 * <p>
 * All queues of a JVM should share one instance: what it keeps for reuse is bounded,
 * and the limit of native memory is that of the JVM.
 */
public final class DirectMemory implements BlockMemory
{
	/**
	 * What is kept for reuse is at most this or a quarter of the limit.
	 */
	private static final long MAX_FREE_BYTES = 256L << 20;

	private static final long LIMIT = findLimit();

	private final BufferPool pool = new BufferPool( Math.min( MAX_FREE_BYTES, LIMIT / 4 ), this::allocate );

	private final CellSlabs slabs = new CellSlabs( this::allocate );

	@Override
	public Lease lease( final int numBytes )
	{
		return pool.take( numBytes );
	}

	@Override
	public CellMemory cell( final int numBytes )
	{
		if ( numBytes <= CellSlabs.MAX_CELL_BYTES )
			try
			{
				return slabs.cell( numBytes );
			}
			catch ( final NativeMemoryException e )
			{
				// There may be enough for one cell.
			}
		return CellMemory.of( allocate( numBytes ) );
	}

	@Override
	public ByteBuffer allocate( final int numBytes )
	{
		try
		{
			return ByteBuffer.allocateDirect( numBytes ).order( nativeOrder() );
		}
		catch ( final OutOfMemoryError first )
		{
			// The JDK has collected garbage already. What is kept for reuse, and what a cache
			// has just evicted or other threads have just released, needs another round.
			pool.clear();
			System.gc();
			try
			{
				return ByteBuffer.allocateDirect( numBytes ).order( nativeOrder() );
			}
			catch ( final OutOfMemoryError second )
			{
				throw new NativeMemoryException( numBytes, used(), LIMIT, second );
			}
		}
	}

	@Override
	public boolean isVisible( final Buffer buffer, final Object owner )
	{
		return buffer.isDirect();
	}

	@Override
	public long limit()
	{
		return LIMIT;
	}

	@Override
	public long cellLimit( final long numBytes )
	{
		return LIMIT;
	}

	@Override
	public String cellLimitOption( final long numBytes )
	{
		return "-XX:MaxDirectMemorySize";
	}

	/**
	 * @return how many bytes all direct buffers of this JVM have together, -1 if that is
	 *         not known
	 */
	public static long used()
	{
		for ( final BufferPoolMXBean buffers : ManagementFactory.getPlatformMXBeans( BufferPoolMXBean.class ) )
			if ( buffers.getName().equals( "direct" ) )
				return buffers.getMemoryUsed();
		return -1;
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
