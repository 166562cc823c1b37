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
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import jep.DirectNDArray;
import net.imglib2.cache.python.block.ArrayAccess;
import net.imglib2.cache.python.block.BlockArray;
import net.imglib2.cache.python.block.BufferPool;
import net.imglib2.cache.python.block.NativeMemory;

/**
 * The memory that Java and the Python half of an interpreter share, and what it
 * means: the one side of {@code protocol.py}, which describes it.
 * <p>
 * Used on the interpreter's thread, but for {@link #running()}, {@link #cancel},
 * {@link #retire()}, {@link #end()} and {@link #stackOf}.
 */
public final class HandOver
{
	/**
	 * Room for the numbers of a request.
	 */
	public static final int REQUEST_LENGTH = 1 << 14;

	public static final int HEADER_LENGTH = 5;

	/**
	 * So many blocks are computed at most by one call.
	 */
	public static final int MAX_BLOCKS = 8;

	public static final int DONE = 0;

	public static final int FAILED = 1;

	public static final int MAX_HELD = 64;

	private static final int MAX_LAYOUTS = 1000;

	// Control words.
	private static final int RUNNING = 0;

	private static final int CANCEL = 1;

	private static final int STACK_OF = 2;

	private static final int STACK_LENGTH = 3;

	private static final int TICKET = 4;

	private static final int BEGUN = 5;

	private static final int FREED = 6;

	private static final int RESULTS = FREED + 1 + MAX_HELD;

	private static final int CONTROL_LENGTH = RESULTS + 2 * MAX_BLOCKS;

	private static final int RETIRED = -1;

	private static final int ENDING = -2;

	private static final int STACK_BYTES = 1 << 16;

	private final LongBuffer request = longs( REQUEST_LENGTH );

	private final LongBuffer control = longs( CONTROL_LENGTH );

	private final ByteBuffer stack = NativeMemory.allocate( STACK_BYTES );

	private final MemoryTable memories = new MemoryTable();

	private final Map< BlockRequest.Layout, Integer > layouts = new HashMap<>();

	/**
	 * Memory of inputs that Python code still holds, by number, see
	 * {@code Worker.step}; the oldest is garbage.
	 */
	private final Map< Long, BufferPool.Lease > held = new LinkedHashMap< Long, BufferPool.Lease >()
	{
		private static final long serialVersionUID = 1L;

		@Override
		protected boolean removeEldestEntry( final Map.Entry< Long, BufferPool.Lease > eldest )
		{
			return size() > MAX_HELD;
		}
	};

	/**
	 * Whether Python has what the tables of this side say. Not while a call is under
	 * way, nor after one that did not return as it should.
	 */
	private boolean tablesAgree;

	private long nextTicket = 1;

	/**
	 * @return what {@code Worker} is made with
	 */
	public Object[] sharedArrays()
	{
		return new Object[] {
				new DirectNDArray<>( request, REQUEST_LENGTH ),
				new DirectNDArray<>( control, CONTROL_LENGTH ),
				new DirectNDArray<>( stack, true, STACK_BYTES ) };
	}

	/**
	 * Gives tickets to the next call.
	 *
	 * @param number
	 * 		how many it needs
	 * @return the first one
	 */
	public long takeTickets( final int number )
	{
		final long first = nextTicket;
		nextTicket += number;
		control.put( TICKET, first );
		return first;
	}

	/**
	 * @return ticket that the next call or block gets
	 */
	public long nextTicket()
	{
		return nextTicket;
	}

	/**
	 * Writes a request. Unless {@link #tablesAgree()} is called after it was read, the
	 * next one begins with empty tables.
	 *
	 * @param blocks
	 * 		that fit into one, see {@link BlockRequest#length()}
	 * @param ticket
	 * 		of the first block
	 * @return the arguments for {@code Worker.step}
	 */
	public Object[] write( final List< BlockRequest > blocks, final long ticket )
	{
		final boolean emptied = !tablesAgree;
		tablesAgree = false;
		if ( emptied )
		{
			memories.clear();
			layouts.clear();
			// Who holds them is not known any more: they are garbage when nobody does.
			held.clear();
		}
		if ( layouts.size() + blocks.size() > MAX_LAYOUTS )
			layouts.clear();
		final int[][] codes = new int[ blocks.size() ][];
		final List< Object > arguments = new ArrayList<>();
		int at = HEADER_LENGTH;
		// First what goes into the table, so that its arguments are the first.
		for ( int b = 0; b < codes.length; ++b )
		{
			final BlockRequest block = blocks.get( b );
			codes[ b ] = new int[ block.numArrays() ];
			for ( int i = 0; i < block.numArrays(); ++i )
			{
				final ByteBuffer shared = block.array( i ).shared();
				if ( !MemoryTable.accepts( shared ) )
					continue;
				final boolean writable = block.access( i ) == ArrayAccess.WRITE;
				int place = memories.find( shared, writable, ticket );
				if ( place < 0 )
				{
					place = memories.add( shared, writable, ticket );
					request.put( at++, 2 * place + ( writable ? 1 : 0 ) );
					arguments.add( block.array( i ).memory() );
				}
				codes[ b ][ i ] = place;
			}
		}
		request.put( 1, blocks.size() );
		request.put( 2, arguments.size() );
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
		request.put( 3, numLayouts );
		request.put( 4, emptied ? 1 : 0 );
		for ( int b = 0; b < codes.length; ++b )
		{
			final BlockRequest block = blocks.get( b );
			for ( int i = 0; i < block.numArrays(); ++i )
			{
				final BlockArray array = block.array( i );
				if ( MemoryTable.accepts( array.shared() ) )
					continue;
				arguments.add( array.memory() );
				codes[ b ][ i ] = -arguments.size();
			}
			at = block.write( layoutPlaces[ b ], codes[ b ], request, at );
			control.put( RESULTS + 2 * b, 0 );
			control.put( RESULTS + 2 * b + 1, 0 );
		}
		control.put( FREED, 0 );
		request.put( 0, at );
		return arguments.toArray();
	}

	/**
	 * Python has read the last request, and all that it has told is known here.
	 */
	public void tablesAgree()
	{
		tablesAgree = true;
	}

	/**
	 * @param ticket
	 * 		of a call, the first one if it has several
	 * @return whether its user code may have run
	 */
	public boolean hasBegun( final long ticket )
	{
		return control.get( BEGUN ) == ticket;
	}

	/**
	 * @return how a block of the last call ended: {@link #DONE}, {@link #FAILED}, or
	 *         that plus the number of the failure that Python tells
	 */
	public int result( final int block )
	{
		return ( int ) control.get( RESULTS + 2 * block );
	}

	/**
	 * Gives the memory of a block's inputs back, unless Python code holds it.
	 *
	 * @param ticket
	 * 		of the block
	 * @param block
	 * 		number of the block in the last call
	 * @param request
	 * 		the block
	 * @return whether Python code has kept the array that it wrote into
	 */
	public boolean release( final long ticket, final int block, final BlockRequest request )
	{
		final long escaped = control.get( RESULTS + 2 * block + 1 );
		for ( int i = 0; escaped >> i != 0; ++i )
			if ( ( escaped >> i & 1 ) != 0 )
			{
				final BlockArray array = request.array( i );
				memories.remove( array.shared(), request.access( i ) == ArrayAccess.WRITE );
				if ( i > 0 )
					held.put( Long.SIZE * ticket + i, array.lease() );
			}
		request.release( escaped );
		return ( escaped & 1 ) != 0;
	}

	/**
	 * Gives memory back that Python code has held after an earlier block.
	 */
	public void releaseFreed()
	{
		for ( int i = 0; i < control.get( FREED ); ++i )
		{
			final BufferPool.Lease freed = held.remove( control.get( FREED + 1 + i ) );
			if ( freed != null )
				freed.release();
		}
	}

	/**
	 * @return ticket of the call or block whose code runs in Python, 0 for none
	 */
	public long running()
	{
		return control.get( RUNNING );
	}

	/**
	 * Lets Python cancel the code with a ticket.
	 */
	public synchronized void cancel( final long ticket )
	{
		if ( control.get( CANCEL ) >= 0 )
			control.put( CANCEL, ticket );
	}

	/**
	 * Lets Python cancel whatever it runs, now and later, but no import, which is for
	 * all.
	 */
	public synchronized void retire()
	{
		if ( control.get( CANCEL ) >= 0 )
			control.put( CANCEL, RETIRED );
	}

	/**
	 * Lets Python cancel whatever it runs, now and later, because the JVM ends.
	 */
	public synchronized void end()
	{
		control.put( CANCEL, ENDING );
	}

	/**
	 * Where the code is that is being cancelled.
	 *
	 * @param ticket
	 * 		of the code
	 * @return strings for a {@link PythonFailure}; empty if it cannot be told;
	 *         {@code null} if Python has not answered yet
	 */
	public List< String > stackOf( final long ticket )
	{
		if ( control.get( STACK_OF ) != ticket )
			return null;
		final byte[] bytes = new byte[ ( int ) control.get( STACK_LENGTH ) ];
		stack.duplicate().get( bytes );
		return bytes.length == 0 ? Collections.emptyList() : Arrays.asList( new String( bytes, StandardCharsets.UTF_8 ).split( "\0", -1 ) );
	}

	private static LongBuffer longs( final int length )
	{
		return NativeMemory.allocate( length * Long.BYTES ).asLongBuffer();
	}
}
