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

import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.concurrent.locks.LockSupport;

/**
 * What a worker process writes into the pipe to Java: frames, and signals. One thread
 * reads them, another one waits for them.
 */
final class Replies
{
	private final String mark;

	private final Relay relay = new Relay();

	private volatile long signals;

	private volatile byte[] frame;

	private volatile Thread waiting;

	/**
	 * @param mark
	 * 		what comes first
	 */
	Replies( final String mark )
	{
		this.mark = mark;
	}

	// ------------------------------------------------- on the calling thread

	/**
	 * @return how many signals have come
	 */
	long signals()
	{
		return signals;
	}

	/**
	 * @return the frame that has come since {@link #clearFrame()}, or {@code null}
	 */
	byte[] frame()
	{
		return frame;
	}

	void clearFrame()
	{
		frame = null;
	}

	/**
	 * @return what a signal may do instead of waking the thread that waits
	 */
	Relay relay()
	{
		return relay;
	}

	/**
	 * From now on, the calling thread is woken by whatever comes.
	 */
	void prepareToWait()
	{
		waiting = Thread.currentThread();
	}

	// ------------------------------------------------------------ other threads

	void wake()
	{
		LockSupport.unpark( waiting );
	}

	/**
	 * Reads until the end of a stream.
	 *
	 * @throws IOException
	 * 		at its end, or if it contains something unknown
	 */
	void readFrom( final InputStream stream ) throws IOException
	{
		try ( DataInputStream in = new DataInputStream( stream ) )
		{
			// Other code can have written something before.
			for ( int matched = 0; matched < mark.length(); )
			{
				final int next = in.readUnsignedByte();
				matched = next == mark.charAt( matched ) ? matched + 1 : next == mark.charAt( 0 ) ? 1 : 0;
			}
			while ( true )
			{
				boolean isForWaiting = true;
				final int kind = in.readUnsignedByte();
				if ( kind == Mailbox.FRAME )
				{
					final int length = in.readInt();
					if ( length < 0 )
						throw new UnknownReplyException( "it has announced an answer of " + Integer.toUnsignedString( length ) + " bytes, but no array of Java holds more than " + Integer.MAX_VALUE );
					final byte[] read = new byte[ length ];
					in.readFully( read );
					frame = read;
				}
				else if ( kind == Mailbox.SIGNAL )
				{
					++signals;
					isForWaiting = !relay.signalled();
				}
				else
					throw new UnknownReplyException( "it has answered something unknown: " + kind );
				if ( isForWaiting )
					wake();
			}
		}
	}

	/**
	 * The process does not do as agreed.
	 */
	static final class UnknownReplyException extends IOException
	{
		private static final long serialVersionUID = 1L;

		UnknownReplyException( final String message )
		{
			super( message );
		}
	}
}
