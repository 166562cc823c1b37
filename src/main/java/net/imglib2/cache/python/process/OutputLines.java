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

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.function.Consumer;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * Hands over what a worker process prints, line by line: the Java side of
 * {@code output.py}. Lines without its mark are of code in C, or of other processes.
 */
final class OutputLines
{
	private static final Logger LOG = Logger.getLogger( OutputLines.class.getName() );

	/**
	 * Output without line ends is handed over in pieces, so that it cannot fill the
	 * memory.
	 */
	private static final int MAX_LINE = 1 << 20;

	private static final int KEPT_LINES = 20;

	private static final int MAX_KEPT_LINE = 1000;

	private final String mark;

	private final Consumer< String > out;

	private final Consumer< String > err;

	private final Deque< String > last = new ArrayDeque<>();

	private volatile long delivered;

	/**
	 * Whether all that has come is handed over.
	 */
	private volatile boolean reading;

	OutputLines( final String mark, final Consumer< String > out, final Consumer< String > err )
	{
		this.mark = mark;
		this.out = out;
		this.err = err;
	}

	/**
	 * Hands over all lines until the end of a stream.
	 */
	void pump( final InputStream in ) throws IOException
	{
		final ByteArrayOutputStream line = new ByteArrayOutputStream();
		final byte[] chunk = new byte[ 8192 ];
		for ( int n = read( in, chunk ); n >= 0; n = read( in, chunk ) )
			for ( int i = 0; i < n; ++i )
			{
				if ( chunk[ i ] != '\n' )
					line.write( chunk[ i ] );
				if ( chunk[ i ] == '\n' || line.size() >= MAX_LINE )
					take( line );
			}
		if ( line.size() > 0 )
			take( line );
	}

	private int read( final InputStream in, final byte[] chunk ) throws IOException
	{
		reading = true;
		final int n = in.read( chunk );
		reading = false;
		return n;
	}

	private void take( final ByteArrayOutputStream bytes ) throws IOException
	{
		// Not by an array, which would be another copy.
		final String line = bytes.toString( UTF_8.name() );
		bytes.reset();
		final int at = line.indexOf( mark );
		final int stream = at + mark.length();
		if ( at < 0 || stream >= line.length() )
		{
			handOver( line, err );
			return;
		}
		// The beginning of a line of other code.
		if ( at > 0 )
			handOver( line.substring( 0, at ), err );
		final char kind = line.charAt( stream );
		handOver( line.substring( stream + 1 ), Character.toLowerCase( kind ) == 'o' ? out : err );
		if ( Character.isLowerCase( kind ) )
			++delivered;
	}

	private void handOver( final String line, final Consumer< String > consumer )
	{
		synchronized ( last )
		{
			if ( last.size() == KEPT_LINES )
				last.removeFirst();
			last.addLast( line.length() <= MAX_KEPT_LINE ? line : line.substring( 0, MAX_KEPT_LINE ) + "..." );
		}
		try
		{
			consumer.accept( line );
		}
		catch ( final Throwable t )
		{
			// The next lines must be read all the same, or the process could not go on.
			LOG.log( Level.WARNING, "A line that Python code has printed could not be handed over: " + line, t );
		}
	}

	/**
	 * @return how many marked and counted lines have been handed over
	 */
	long delivered()
	{
		return delivered;
	}

	/**
	 * @return whether all that has come has been handed over, so that more is waited for
	 */
	boolean isAllHandedOver()
	{
		return reading;
	}

	/**
	 * @param lines
	 * 		as if so many had been handed over: some were lost
	 */
	void skipTo( final long lines )
	{
		delivered = lines;
	}

	/**
	 * @return the last lines
	 */
	List< String > last()
	{
		synchronized ( last )
		{
			return new ArrayList<>( last );
		}
	}
}
