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
	private static final Pattern FRAME = Pattern.compile( "File \"(.*)\", line (\\d+) in (.*)" );

	/**
	 * What Python calls the code of its command line.
	 */
	private static final String PROGRAM = "<string>";

	/**
	 * What Python writes before the stacks of a crash.
	 */
	private static final String CRASH = "Fatal Python error: ", CRASH_ON_WINDOWS = "Windows fatal exception: ";

	private final List< String[] > frames = new ArrayList<>();

	private final Map< String, String > sources;

	/**
	 * @param written
	 * 		what {@code faulthandler} has written
	 * @param header
	 * 		what the first line of the thread contains
	 * @param hidden
	 * 		folder whose frames are left out
	 * @param sources
	 * 		code by the name that stacks call it
	 */
	static Stack ofThread( final String written, final String header, final String hidden, final Map< String, String > sources )
	{
		return new Stack( written, header, hidden, sources );
	}

	/**
	 * @return stack of the thread that has crashed; empty if none has
	 */
	static Stack ofCrash( final String written, final String hidden, final Map< String, String > sources )
	{
		final int crash = Math.max( written.lastIndexOf( CRASH ), written.lastIndexOf( CRASH_ON_WINDOWS ) );
		return new Stack( crash < 0 ? "" : written.substring( crash ), "Current thread", hidden, sources );
	}

	private Stack( final String written, final String header, final String hidden, final Map< String, String > sources )
	{
		this.sources = sources;
		final int thread = written.lastIndexOf( header );
		if ( thread < 0 )
			return;
		for ( final String line : written.substring( thread ).split( "\n" ) )
		{
			final Matcher frame = FRAME.matcher( line.trim() );
			if ( frame.matches() )
			{
				if ( !frame.group( 1 ).startsWith( hidden ) )
					frames.add( new String[] { frame.group( 3 ), frame.group( 1 ), frame.group( 2 ) } );
			}
			else if ( !line.contains( header ) )
				break;
		}
		// The outermost frame is that of the program itself.
		final int outermost = frames.size() - 1;
		if ( outermost >= 0 && frames.get( outermost )[ 1 ].equals( PROGRAM ) )
			frames.remove( outermost );
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
		String[] users = frames.isEmpty() ? new String[] { "", "", "0" } : frames.get( 0 );
		for ( int i = frames.size() - 1; i >= 0; --i )
			if ( sources.containsKey( frames.get( i )[ 1 ] ) )
				users = frames.get( i );
		final List< String > strings = new ArrayList<>( Arrays.asList( type, message, users[ 1 ], users[ 2 ], source( users ), traceback ) );
		frames.forEach( frame -> strings.addAll( Arrays.asList( frame ) ) );
		return strings;
	}

	private String source( final String[] frame )
	{
		final String code = sources.get( frame[ 1 ] );
		final String[] lines = code == null ? new String[ 0 ] : code.split( "\r\n|\r|\n", -1 );
		final int number = Integer.parseInt( frame[ 2 ] );
		return number >= 1 && number <= lines.length ? lines[ number - 1 ].trim() : "";
	}
}
