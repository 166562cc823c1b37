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

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;

import org.junit.jupiter.api.Test;

class RepliesTest
{
	private static final String MARK = "\u001emark";

	private final Replies replies = new Replies( MARK );

	@Test
	void framesAndSignalsFollowTheMark() throws IOException
	{
		final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
		try ( final DataOutputStream out = new DataOutputStream( bytes ) )
		{
			out.writeBytes( "\u001e\u001ema" + MARK );
			out.writeByte( Mailbox.SIGNAL );
			out.writeByte( Mailbox.FRAME );
			out.writeInt( 2 );
			out.writeBytes( "ab" );
		}
		assertThrows( EOFException.class, () -> replies.readFrom( new ByteArrayInputStream( bytes.toByteArray() ) ) );
		assertEquals( 1, replies.signals() );
		assertArrayEquals( new byte[] { 'a', 'b' }, replies.frame() );
	}

	@Test
	void whatIsUnknownIsRefused() throws IOException
	{
		assertEquals( "it has answered something unknown: 77", assertThrows( Replies.UnknownReplyException.class, () -> replies.readFrom( afterMark( 77, 0 ) ) ).getMessage() );
	}

	@Test
	void anAnswerThatNoArrayHoldsIsRefused() throws IOException
	{
		assertEquals( "it has announced an answer of 3221225472 bytes, but no array of Java holds more than 2147483647",
				assertThrows( Replies.UnknownReplyException.class, () -> replies.readFrom( afterMark( Mailbox.FRAME, 3 << 30 ) ) ).getMessage() );
		assertNull( replies.frame() );
	}

	private static InputStream afterMark( final int kind, final int number ) throws IOException
	{
		final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
		try ( final DataOutputStream out = new DataOutputStream( bytes ) )
		{
			out.writeBytes( MARK );
			out.writeByte( kind );
			out.writeInt( number );
		}
		return new ByteArrayInputStream( bytes.toByteArray() );
	}
}
