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

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.LongBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;

import org.junit.jupiter.api.Test;

class ControlWordsTest
{
	private final ByteBuffer words = ByteBuffer.allocateDirect( ControlWords.BYTES ).order( ByteOrder.nativeOrder() );

	private final ByteBuffer stack = ByteBuffer.allocateDirect( ControlWords.STACK_BYTES );

	/**
	 * What Python sees.
	 */
	private final LongBuffer python = words.asLongBuffer();

	private final ControlWords control = new ControlWords( words, stack );

	@Test
	void ticketsFollowEachOther()
	{
		assertEquals( 1, control.issueTickets( 3 ) );
		assertEquals( 1, python.get( Protocol.TICKET ) );
		assertEquals( 4, control.nextTicket() );
		assertEquals( 4, control.issueTickets( 1 ) );
		assertFalse( control.hasBegun( 4 ) );
		python.put( Protocol.BEGUN, 4 );
		assertTrue( control.hasBegun( 4 ) );
	}

	@Test
	void whatIsAbandonedStaysSoUntilTheExit()
	{
		control.cancel( 7 );
		assertEquals( 7, python.get( Protocol.CANCEL ) );
		control.abandon();
		control.cancel( 8 );
		assertEquals( Protocol.ABANDONED, python.get( Protocol.CANCEL ) );
		control.exit();
		control.abandon();
		control.cancel( 9 );
		assertEquals( Protocol.EXITING, python.get( Protocol.CANCEL ) );
	}

	@Test
	void stackIsThatOfTheTicketAskedFor()
	{
		assertNull( control.stackOf( 5 ) );
		python.put( Protocol.STACK_OF, 5 );
		assertEquals( Collections.emptyList(), control.stackOf( 5 ) );
		final byte[] text = "Cancelled\0\0file.py\0ü".getBytes( StandardCharsets.UTF_8 );
		stack.duplicate().put( text );
		python.put( Protocol.STACK_LENGTH, text.length );
		assertEquals( Arrays.asList( "Cancelled", "", "file.py", "ü" ), control.stackOf( 5 ) );
		assertNull( control.stackOf( 6 ) );
	}

	@Test
	void allThatIsReportedHasAPlaceOfItsOwn()
	{
		for ( int word = 0; word < Protocol.CONTROL_LENGTH; ++word )
			python.put( word, word );
		final List< Long > seen = new ArrayList<>();
		for ( int block = 0; block < Protocol.MAX_BLOCKS; ++block )
		{
			seen.add( ( long ) control.result( block ) );
			seen.add( control.retained( block ) );
		}
		for ( int i = 0; i < Protocol.MAX_RETAINED; ++i )
			seen.add( control.freed( i ) );
		seen.addAll( Arrays.asList( control.running(), ( long ) control.numFreed(), ( long ) Protocol.CANCEL, ( long ) Protocol.TICKET, ( long ) Protocol.BEGUN, ( long ) Protocol.STACK_OF,
				( long ) Protocol.STACK_LENGTH ) );
		assertEquals( Protocol.CONTROL_LENGTH, new HashSet<>( seen ).size() );
		control.clearResults( Protocol.MAX_BLOCKS );
		assertEquals( 0, control.numFreed() );
		assertEquals( 0, control.result( Protocol.MAX_BLOCKS - 1 ) );
		assertEquals( 0, control.retained( 0 ) );
	}
}
