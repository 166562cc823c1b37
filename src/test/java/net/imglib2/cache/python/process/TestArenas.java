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

import static java.nio.ByteOrder.nativeOrder;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.List;

import net.imglib2.cache.python.ChildJvm;
import net.imglib2.cache.python.process.SharedArena.Span;

/**
 * Arenas for tests, which end with their last buffers.
 */
final class TestArenas
{
	static final long MIB = 1 << 20;

	private static final Path MAKER = Paths.get( System.getProperty( "project.basedir", System.getProperty( "basedir", "" ) ), "src/main/python/imglib2_cache_python/_process/memory_file.py" ).toAbsolutePath();

	private TestArenas()
	{}

	/**
	 * @return command that makes a file in memory
	 */
	static List< String > memoryFile()
	{
		return List.of( ChildJvm.testPython().toString(), "-I", "-S", MAKER.toString() );
	}

	static SharedArena ofSize( final long limit )
	{
		return ofSize( limit, 10_000 );
	}

	static SharedArena ofSize( final long limit, final int maxCells )
	{
		return ofSize( limit, maxCells, new CollectionPace( System.nanoTime() ) );
	}

	static SharedArena ofSize( final long limit, final int maxCells, final CollectionPace pace )
	{
		try
		{
			return new SharedArena( ArenaFile.create( memoryFile(), limit ), limit, maxCells, pace );
		}
		catch ( final IOException e )
		{
			throw new IllegalStateException( e );
		}
	}

	/**
	 * @return what another process sees of a buffer
	 */
	static ByteBuffer seenByOthers( final SharedArena arena, final Span span ) throws IOException
	{
		try ( FileChannel file = FileChannel.open( arena.path() ) )
		{
			final ByteBuffer copy = ByteBuffer.allocate( ( int ) span.length ).order( nativeOrder() );
			while ( copy.hasRemaining() )
				if ( file.read( copy, span.segmentStart + span.offset + copy.position() ) < 0 )
					throw new IOException( "behind the end of the file" );
			copy.flip();
			return copy;
		}
	}

	static void fill( final ByteBuffer buffer, final long value )
	{
		final ByteBuffer all = buffer.duplicate().order( buffer.order() );
		all.clear();
		while ( all.remaining() >= Long.BYTES )
			all.putLong( value );
		while ( all.hasRemaining() )
			all.put( ( byte ) value );
	}

	/**
	 * @return whether a buffer is as {@link #fill} leaves it
	 */
	static boolean isFilled( final ByteBuffer buffer, final long value )
	{
		final ByteBuffer all = buffer.duplicate().order( buffer.order() );
		all.clear();
		while ( all.remaining() >= Long.BYTES )
			if ( all.getLong() != value )
				return false;
		while ( all.hasRemaining() )
			if ( all.get() != ( byte ) value )
				return false;
		return true;
	}
}
