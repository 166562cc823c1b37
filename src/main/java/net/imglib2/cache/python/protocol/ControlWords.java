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
import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/**
 * What Java and one interpreter tell each other besides requests: which code runs and
 * which shall be cancelled, how blocks have ended, which memory is free again. See
 * {@code protocol.py} for the words.
 * <p>
 * {@link #running}, {@link #cancel}, {@link #abandon}, {@link #exit} and
 * {@link #stackOf} may be called by any thread, all else on the interpreter's thread.
 */
public final class ControlWords
{
	/**
	 * Size of the buffer of the words, in bytes.
	 */
	public static final int BYTES = Protocol.CONTROL_LENGTH * Long.BYTES;

	/**
	 * Size of the buffer of the stack, in bytes. Python leaves out the outermost frames
	 * of a longer one.
	 */
	public static final int STACK_BYTES = 1 << 16;

	private final LongBuffer words;

	private final ByteBuffer stack;

	private long nextTicket = 1;

	/**
	 * @param words
	 * 		{@value #BYTES} bytes in native byte order, filled with zeros, which Python sees
	 * @param stack
	 * 		{@value #STACK_BYTES} bytes, which Python sees
	 */
	public ControlWords( final ByteBuffer words, final ByteBuffer stack )
	{
		this.words = words.asLongBuffer();
		this.stack = stack;
	}

	/**
	 * Issues the tickets of the next call.
	 *
	 * @param number
	 * 		one for each block, or one for the call
	 * @return the first one; the others follow
	 */
	public long issueTickets( final int number )
	{
		final long first = nextTicket;
		nextTicket += number;
		words.put( Protocol.TICKET, first );
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
	 * @param ticket
	 * 		of a call, the first one if it has several
	 * @return whether its user code may have run
	 */
	public boolean hasBegun( final long ticket )
	{
		return words.get( Protocol.BEGUN ) == ticket;
	}

	/**
	 * Python writes results only where there is something to say.
	 *
	 * @param blocks
	 * 		number of blocks of the next call
	 */
	void clearResults( final int blocks )
	{
		for ( int i = 0; i < Protocol.RESULT_LENGTH * blocks; ++i )
			words.put( Protocol.RESULTS + i, 0 );
		words.put( Protocol.NUM_FREED, 0 );
	}

	/**
	 * @param block
	 * 		number of a block in the last call
	 * @return how it ended: {@link Protocol#OK}, {@link Protocol#FAILED}, or that plus
	 *         the number of the failure that Python describes
	 */
	public int result( final int block )
	{
		return ( int ) words.get( Protocol.RESULTS + Protocol.RESULT_LENGTH * block );
	}

	/**
	 * @param block
	 * 		number of a block in the last call
	 * @return mask of its arrays whose memory user code has retained
	 */
	long retained( final int block )
	{
		return words.get( Protocol.RESULTS + Protocol.RESULT_LENGTH * block + 1 );
	}

	/**
	 * @return how many memories that were retained are free since the last call
	 */
	int numFreed()
	{
		return ( int ) words.get( Protocol.NUM_FREED );
	}

	/**
	 * @return number of one of these memories
	 */
	long freed( final int i )
	{
		return words.get( Protocol.FREED + i );
	}

	/**
	 * @return ticket of the call or block whose code runs in Python, 0 for none
	 */
	public long running()
	{
		return Math.max( 0, words.get( Protocol.RUNNING ) );
	}

	/**
	 * @return ticket of the block whose code runs in Python, or ran last if none does; 0
	 *         if there was another call since
	 */
	public long lastRun()
	{
		return Math.abs( words.get( Protocol.RUNNING ) );
	}

	/**
	 * Lets Python cancel the code with a ticket.
	 */
	public synchronized void cancel( final long ticket )
	{
		if ( words.get( Protocol.CANCEL ) >= 0 )
			words.put( Protocol.CANCEL, ticket );
	}

	/**
	 * Lets Python cancel whatever it runs, now and later, but no import, which is for
	 * all.
	 */
	public synchronized void abandon()
	{
		if ( words.get( Protocol.CANCEL ) >= 0 )
			words.put( Protocol.CANCEL, Protocol.ABANDONED );
	}

	/**
	 * Lets Python cancel whatever it runs, now and later, because the JVM exits.
	 */
	public synchronized void exit()
	{
		words.put( Protocol.CANCEL, Protocol.EXITING );
	}

	/**
	 * Where the code is that is being cancelled.
	 *
	 * @param ticket
	 * 		of the code
	 * @return strings for a {@link PythonFailure}; empty if Python could not tell;
	 *         {@code null} if it has not answered yet
	 */
	public List< String > stackOf( final long ticket )
	{
		if ( words.get( Protocol.STACK_OF ) != ticket )
			return null;
		final byte[] bytes = new byte[ ( int ) words.get( Protocol.STACK_LENGTH ) ];
		stack.duplicate().get( bytes );
		return bytes.length == 0 ? Collections.emptyList() : Arrays.asList( new String( bytes, StandardCharsets.UTF_8 ).split( "\0", -1 ) );
	}
}
