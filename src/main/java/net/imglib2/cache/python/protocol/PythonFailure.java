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

import java.io.Serializable;
import java.util.Arrays;
import java.util.List;

/**
 * A failure of Python code as text: an exception, as {@code failure.py} describes it,
 * or another reason.
 */
public final class PythonFailure implements Serializable
{
	private static final long serialVersionUID = 1L;

	/**
	 * Class name of stack trace elements that are frames of Python code.
	 */
	public static final String PYTHON = "<python>";

	private final String type;

	private final String message;

	private final String file;

	private final int line;

	private final String sourceLine;

	private final String traceback;

	private final StackTraceElement[] frames;

	private final String advice;

	private final String details;

	/**
	 * @param strings
	 * 		what {@code Failure.to_strings} returned
	 */
	public PythonFailure( final List< String > strings )
	{
		this( strings, "" );
	}

	/**
	 * @param strings
	 * 		what {@code Failure.to_strings} returned
	 * @param details
	 * 		lines that a description has at its end, or an empty string
	 */
	public PythonFailure( final List< String > strings, final String details )
	{
		this.details = details;
		type = strings.get( 0 );
		message = strings.get( 1 );
		file = strings.get( 2 );
		line = Integer.parseInt( strings.get( 3 ) );
		sourceLine = strings.get( 4 );
		traceback = strings.get( 5 );
		final int last = strings.size() - Protocol.FRAME_LENGTH;
		final boolean advised = last >= Protocol.FAILURE_LENGTH && strings.get( last ).equals( Protocol.ADVICE );
		advice = advised ? strings.get( last + 1 ) : "";
		frames = new StackTraceElement[ ( strings.size() - Protocol.FAILURE_LENGTH ) / Protocol.FRAME_LENGTH - ( advised ? 1 : 0 ) ];
		for ( int i = 0; i < frames.length; ++i )
		{
			final int at = Protocol.FAILURE_LENGTH + Protocol.FRAME_LENGTH * i;
			frames[ i ] = new StackTraceElement( PYTHON, strings.get( at ), strings.get( at + 1 ), Integer.parseInt( strings.get( at + 2 ) ) );
		}
	}

	/**
	 * @param reason
	 * 		what went wrong
	 * @return failure without a Python exception: all but the message is empty
	 */
	public static PythonFailure withoutException( final String reason )
	{
		return new PythonFailure( Arrays.asList( "", reason, "", "0", "", "" ) );
	}

	public String getType()
	{
		return type;
	}

	public String getMessage()
	{
		return message;
	}

	public String getFile()
	{
		return file;
	}

	public int getLine()
	{
		return line;
	}

	public String getSourceLine()
	{
		return sourceLine;
	}

	public String getTraceback()
	{
		return traceback;
	}

	public String getAdvice()
	{
		return advice;
	}

	/**
	 * @return type, message, the user's line, advice and details, as far as there are any
	 */
	public String describe()
	{
		final StringBuilder text = new StringBuilder( type );
		if ( !message.isEmpty() )
			text.append( type.isEmpty() ? "" : ": " ).append( message );
		if ( line > 0 )
			text.append( "\n  at " ).append( file ).append( ", line " ).append( line );
		if ( !sourceLine.isEmpty() )
			text.append( ": " ).append( sourceLine );
		if ( !advice.isEmpty() )
			text.append( '\n' ).append( advice );
		if ( !details.isEmpty() )
			text.append( '\n' ).append( details );
		return text.toString();
	}

	/**
	 * @param javaFrames
	 * 		the stack trace of a Java exception
	 * @return the Python frames, followed by the Java frames
	 */
	public StackTraceElement[] prependedTo( final StackTraceElement[] javaFrames )
	{
		final StackTraceElement[] all = new StackTraceElement[ frames.length + javaFrames.length ];
		System.arraycopy( frames, 0, all, 0, frames.length );
		System.arraycopy( javaFrames, 0, all, frames.length, javaFrames.length );
		return all;
	}
}
