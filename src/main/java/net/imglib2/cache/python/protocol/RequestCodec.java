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
package net.imglib2.cache.python.protocol;

import java.nio.ByteBuffer;
import java.nio.LongBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;

import net.imglib2.cache.python.block.ArrayAccess;
import net.imglib2.cache.python.block.BlockArray;
import net.imglib2.cache.python.block.Lease;

/**
 * Writes the requests of one interpreter, and reads which memory comes back: the Java
 * side of {@code protocol.py}, which describes the format.
 * <p>
 * Python keeps tables of memories and layouts, so that a request names what an earlier
 * one has brought. This side knows what is in them. Used by one thread at a time.
 */
public final class RequestCodec
{
	/**
	 * How many numbers a request may have.
	 */
	public static final int REQUEST_LENGTH = 1 << 15;

	/**
	 * Size of the buffer of requests, in bytes.
	 */
	public static final int REQUEST_BYTES = REQUEST_LENGTH * Long.BYTES;

	private static final int MAX_LAYOUTS = 1000;

	// The header of a request.
	private static final int LENGTH = 0;

	private static final int NUM_BLOCKS = 1;

	private static final int NUM_MEMORIES = 2;

	private static final int NUM_LAYOUTS = 3;

	private static final int RESET = 4;

	private final LongBuffer request;

	private final ControlWords control;

	private final MemoryTable memories;

	private final Map< BlockRequest.Layout, Integer > layouts = new HashMap<>();

	/**
	 * Memory of inputs that user code has retained, by number. Python does not watch
	 * more: the oldest becomes garbage.
	 */
	private final Map< Long, Lease > retained = new LinkedHashMap< Long, Lease >()
	{
		private static final long serialVersionUID = 1L;

		@Override
		protected boolean removeEldestEntry( final Map.Entry< Long, Lease > eldest )
		{
			return size() > Protocol.MAX_RETAINED;
		}
	};

	/**
	 * Whether Python's tables are what this side believes. Not while a call is under
	 * way, nor after one that did not return as it should.
	 */
	private boolean acknowledged;

	/**
	 * @param request
	 * 		{@value #REQUEST_BYTES} bytes in native byte order, which Python sees
	 * @param control
	 * 		of the same interpreter
	 * @param memoryLimit
	 * 		how many bytes all pixels may have together: the tables keep memory from
	 * 		being freed
	 */
	public RequestCodec( final ByteBuffer request, final ControlWords control, final long memoryLimit )
	{
		this.request = request.asLongBuffer();
		this.control = control;
		memories = new MemoryTable( memoryLimit );
	}

	/**
	 * Writes a request. Unless {@link #acknowledge()} is called after it was read, the
	 * next one starts with empty tables.
	 *
	 * @param blocks
	 * 		that fit into one, see {@link BlockRequest#length()}
	 * @param ticket
	 * 		of the first block
	 * @return arrays whose memories are the arguments for {@code Worker.step}
	 */
	public List< BlockArray > write( final List< BlockRequest > blocks, final long ticket )
	{
		final boolean reset = !acknowledged;
		acknowledged = false;
		if ( reset )
		{
			memories.clear();
			layouts.clear();
			// Who retains them is not known any more: they are garbage when nobody does.
			retained.clear();
		}
		if ( layouts.size() + blocks.size() > MAX_LAYOUTS )
			layouts.clear();
		final int[][] codes = new int[ blocks.size() ][];
		final List< BlockArray > arguments = new ArrayList<>();
		int at = Protocol.HEADER_LENGTH;
		// What is new in the table comes first, here and in the arguments.
		for ( int b = 0; b < codes.length; ++b )
		{
			final BlockRequest block = blocks.get( b );
			codes[ b ] = new int[ block.numArrays() ];
			for ( int i = 0; i < block.numArrays(); ++i )
			{
				final BlockArray array = block.array( i );
				if ( !memories.accepts( array ) )
					continue;
				final ByteBuffer memory = ( ByteBuffer ) array.memory();
				final boolean writable = isWritable( block.access( i ) );
				int place = memories.find( memory, writable, ticket );
				if ( place < 0 )
				{
					place = memories.add( memory, writable, ticket );
					request.put( at++, 2 * place + ( writable ? 1 : 0 ) );
					arguments.add( array );
				}
				codes[ b ][ i ] = place;
			}
		}
		final int numMemories = arguments.size();
		int numLayouts = 0;
		final int[] layoutPlaces = new int[ codes.length ];
		for ( int b = 0; b < codes.length; ++b )
		{
			final BlockRequest.Layout layout = blocks.get( b ).layout();
			final Integer known = layouts.get( layout );
			layoutPlaces[ b ] = known != null ? known : layouts.size();
			if ( known != null )
				continue;
			layouts.put( layout, layoutPlaces[ b ] );
			++numLayouts;
			request.put( at++, layoutPlaces[ b ] );
			request.put( at++, layout.numbers.length );
			for ( final long number : layout.numbers )
				request.put( at++, number );
		}
		for ( int b = 0; b < codes.length; ++b )
		{
			final BlockRequest block = blocks.get( b );
			for ( int i = 0; i < block.numArrays(); ++i )
			{
				final BlockArray array = block.array( i );
				if ( memories.accepts( array ) )
					continue;
				arguments.add( array );
				codes[ b ][ i ] = -arguments.size();
			}
			at = block.write( layoutPlaces[ b ], codes[ b ], request, at );
		}
		request.put( LENGTH, at );
		request.put( NUM_BLOCKS, codes.length );
		request.put( NUM_MEMORIES, numMemories );
		request.put( NUM_LAYOUTS, numLayouts );
		request.put( RESET, reset ? 1 : 0 );
		control.clearResults( codes.length );
		return arguments;
	}

	/**
	 * Reads how the blocks of the last request have ended, which Python has read, and
	 * gives the memory of their inputs back, unless user code has retained it.
	 *
	 * @param blocks
	 * 		of the request
	 * @param ticket
	 * 		of the first block
	 * @param allDone
	 * 		whether Python has nothing to report
	 * @param done
	 * 		result of a block that is done
	 * @param failures
	 * 		describes a failure of the request, by its number
	 * @return how each block has ended
	 */
	public List< BlockResult > results( final List< BlockRequest > blocks, final long ticket, final boolean allDone, final BlockResult done, final IntFunction< PythonFailure > failures )
	{
		final boolean[] outputsEscaped = new boolean[ blocks.size() ];
		if ( allDone )
			blocks.forEach( block -> block.release( 0 ) );
		else
		{
			for ( int i = 0; i < outputsEscaped.length; ++i )
				outputsEscaped[ i ] = release( ticket + i, i, blocks.get( i ) );
			releaseFreed();
		}
		acknowledge();
		final List< BlockResult > results = new ArrayList<>( blocks.size() );
		for ( int i = 0; i < outputsEscaped.length; ++i )
		{
			final int result = allDone ? Protocol.OK : control.result( i );
			if ( result != Protocol.OK )
				results.add( BlockResult.failed( done.worker(), failures.apply( result - Protocol.FAILED ) ) );
			else
				results.add( outputsEscaped[ i ] ? BlockResult.done( done.worker(), true ) : done );
		}
		return results;
	}

	/**
	 * Python has read the last request, and all that it has reported was read here.
	 */
	void acknowledge()
	{
		acknowledged = true;
	}

	/**
	 * Gives the memory of a block's inputs back, unless user code has retained it.
	 *
	 * @param ticket
	 * 		of the block
	 * @param number
	 * 		of the block in the last call
	 * @param block
	 * 		the block
	 * @return whether user code has retained the array that it wrote into
	 */
	boolean release( final long ticket, final int number, final BlockRequest block )
	{
		final long escaped = control.retained( number );
		boolean outputEscaped = false;
		for ( int i = 0; escaped >> i != 0; ++i )
			if ( ( escaped >> i & 1 ) != 0 )
			{
				final BlockArray array = block.array( i );
				if ( memories.accepts( array ) )
					memories.remove( ( ByteBuffer ) array.memory(), isWritable( block.access( i ) ) );
				if ( array.isOutput() )
					outputEscaped = true;
				else
					retained.put( Protocol.ARRAYS_PER_TICKET * ticket + i, array.lease() );
			}
		block.release( escaped );
		return outputEscaped;
	}

	/**
	 * Gives memory back that user code had retained after an earlier block, and has not
	 * any more.
	 */
	void releaseFreed()
	{
		for ( int i = 0; i < control.numFreed(); ++i )
		{
			final Lease freed = retained.remove( control.freed( i ) );
			if ( freed != null )
				freed.release();
		}
	}

	/**
	 * Gives all memory back that user code had retained, because it cannot see it any
	 * more: the interpreter has ended.
	 */
	public void releaseRetained()
	{
		retained.values().forEach( Lease::release );
		retained.clear();
	}

	/**
	 * @return whether the arrays lie in the memory itself and can be written
	 */
	private static boolean isWritable( final ArrayAccess access )
	{
		return access == ArrayAccess.OUTPUT || access == ArrayAccess.WRITE;
	}
}
