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

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import net.imglib2.cache.python.protocol.PythonFailure;

/**
 * The Python stack of a thread, as {@code faulthandler} has written it among those of
 * others: frames without source lines, the innermost first.
 */
final class Stack
{
	/**
	 * What Python writes before the stacks of a crash.
	 */
	private static final Pattern CRASH = Pattern.compile( "(?m)^(?:Fatal Python error|Windows fatal exception)" );

	/**
	 * Precedes the frames of the thread that has crashed.
	 */
	private static final Pattern CURRENT_THREAD = header( "Current thread 0x\\p{XDigit}+" );

	/**
	 * Precedes the frames of the only thread that a Python without a global lock writes.
	 */
	private static final Pattern ONLY_THREAD = Pattern.compile( "(?m)^Stack \\(most recent call first\\):\\R" );

	private static final Pattern FRAME = Pattern.compile( "File \"(.*)\", line (\\d+) in (.*)" );

	/**
	 * A character of a name that is not printed as it is.
	 */
	private static final Pattern ESCAPE = Pattern.compile( "\\\\(?:x\\p{XDigit}{2}|u\\p{XDigit}{4}|U\\p{XDigit}{8})" );

	/**
	 * What Python calls the code of its command line.
	 */
	private static final String PROGRAM = "<string>";

	/**
	 * Files whose frames are not shown, see {@code failure.py}: what imports modules.
	 */
	private static final Pattern IMPORTS = Pattern.compile( "<frozen importlib\\._bootstrap.*|.*[/\\\\]importlib[/\\\\]__init__\\.py" );

	private static final String[] NOWHERE = { "", "", "0" };

	private final List< String[] > frames = new ArrayList<>();

	private final Map< String, String > sources;

	/**
	 * @param written
	 * 		what {@code faulthandler} has written
	 * @param thread
	 * 		what Python calls the thread
	 * @param hidden
	 * 		folder whose frames are left out
	 * @param sources
	 * 		code by the name that stacks call it
	 * @return the last stack of the thread; empty if there is none
	 */
	static Stack ofThread( final String written, final long thread, final String hidden, final Map< String, String > sources )
	{
		return new Stack( framesOf( written, thread ), hidden, sources );
	}

	/**
	 * @return stack of the thread that has crashed, or, where that runs no Python code, of the
	 *         given one; empty if nothing has crashed
	 */
	static Stack ofCrash( final String written, final long thread, final String hidden, final Map< String, String > sources )
	{
		final Matcher crash = CRASH.matcher( written );
		int start = written.length();
		while ( crash.find() )
			start = crash.start();
		final String last = written.substring( start );
		final String current = after( CURRENT_THREAD, last );
		return new Stack( current.isEmpty() ? framesOf( last, thread ) : current, hidden, sources );
	}

	private Stack( final String written, final String hidden, final Map< String, String > sources )
	{
		this.sources = sources;
		for ( final String line : written.split( "\\R" ) )
		{
			// The lines of a thread are indented. Some tell something else: that garbage is collected, that frames are left out.
			if ( !line.startsWith( " " ) )
				break;
			final Matcher frame = FRAME.matcher( line.trim() );
			if ( !frame.matches() )
				continue;
			final String file = unescaped( frame.group( 1 ) );
			if ( !file.startsWith( hidden ) && !IMPORTS.matcher( file ).matches() )
				frames.add( new String[] { unescaped( frame.group( 3 ) ), file, frame.group( 2 ) } );
		}
		// The outermost frame is that of the program itself.
		final int outermost = frames.size() - 1;
		if ( outermost >= 0 && frames.get( outermost )[ 1 ].equals( PROGRAM ) )
			frames.remove( outermost );
	}

	/**
	 * Threads are written as 64 or 32 bits, with leading zeros.
	 */
	private static String framesOf( final String written, final long thread )
	{
		final String own = after( header( "(?:Current t|T)hread 0x0*" + Long.toHexString( thread ) ), written );
		return own.isEmpty() ? after( ONLY_THREAD, written ) : own;
	}

	/**
	 * @param thread
	 * 		how the first line of a thread begins; the thread's name may follow
	 */
	private static Pattern header( final String thread )
	{
		return Pattern.compile( "(?m)^" + thread + "(?: \\[.*])? \\(most recent call first\\):\\R" );
	}

	/**
	 * @return what follows the last such header; empty if there is none
	 */
	private static String after( final Pattern header, final String written )
	{
		final Matcher matcher = header.matcher( written );
		int end = written.length();
		while ( matcher.find() )
			end = matcher.end();
		return written.substring( end );
	}

	/**
	 * @param name
	 * 		of a file or function, as {@code faulthandler} writes it: in ASCII
	 * @return the name
	 */
	private static String unescaped( final String name )
	{
		final Matcher escape = ESCAPE.matcher( name );
		final StringBuffer text = new StringBuffer();
		while ( escape.find() )
		{
			final long character = Long.parseLong( escape.group().substring( 2 ), 16 );
			// Printable ASCII is never escaped: it is a path of Windows. A surrogate alone is no character.
			final boolean isEscaped = ( character < ' ' || character > '~' ) && character <= Character.MAX_CODE_POINT && Character.getType( ( int ) character ) != Character.SURROGATE;
			escape.appendReplacement( text, Matcher.quoteReplacement( isEscaped ? new String( Character.toChars( ( int ) character ) ) : escape.group() ) );
		}
		return escape.appendTail( text ).toString();
	}

	/**
	 * @return whether nothing is known
	 */
	boolean isEmpty()
	{
		return frames.isEmpty();
	}

	/**
	 * @return the stack as Python prints one, the innermost frame last
	 */
	String text()
	{
		final StringBuilder text = new StringBuilder( "Stack (most recent call last):\n" );
		for ( int i = frames.size() - 1; i >= 0; --i )
		{
			final String[] frame = frames.get( i );
			text.append( "  File \"" ).append( frame[ 1 ] ).append( "\", line " ).append( frame[ 2 ] ).append( ", in " ).append( frame[ 0 ] ).append( '\n' );
			final String source = source( frame );
			if ( !source.isEmpty() )
				text.append( "    " ).append( source ).append( '\n' );
		}
		return text.toString();
	}

	/**
	 * @param type
	 * 		type of an exception
	 * @param message
	 * 		its message
	 * @param traceback
	 * 		all that is known, as text
	 * @return strings for a {@link PythonFailure}, as if it was raised here
	 */
	List< String > toStrings( final String type, final String message, final String traceback )
	{
		final String[] users = users();
		final List< String > strings = new ArrayList<>( Arrays.asList( type, message, users[ 1 ], users[ 2 ], source( users ), traceback ) );
		frames.forEach( frame -> strings.addAll( Arrays.asList( frame ) ) );
		return strings;
	}

	/**
	 * @return the innermost frame of code whose source is known; else, as for exceptions, the
	 *         outermost frame of all
	 */
	private String[] users()
	{
		for ( final String[] frame : frames )
			if ( sources.containsKey( frame[ 1 ] ) )
				return frame;
		return frames.isEmpty() ? NOWHERE : frames.get( frames.size() - 1 );
	}

	private String source( final String[] frame )
	{
		final String code = sources.get( frame[ 1 ] );
		final String[] lines = code == null ? new String[ 0 ] : code.split( "\r\n|\r|\n", -1 );
		final int number = Integer.parseInt( frame[ 2 ] );
		return number >= 1 && number <= lines.length ? lines[ number - 1 ].trim() : "";
	}
}
