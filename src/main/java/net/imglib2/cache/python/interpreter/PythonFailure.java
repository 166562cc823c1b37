package net.imglib2.cache.python.interpreter;

import java.io.Serializable;
import java.util.List;

/**
 * A Python exception as text, as {@code failure.py} describes it.
 */
public final class PythonFailure implements Serializable
{
	private static final long serialVersionUID = 1L;

	private static final int NUM_FIELDS = 6;

	private final String type;

	private final String message;

	private final String file;

	private final int line;

	private final String sourceLine;

	private final String traceback;

	private final StackTraceElement[] frames;

	/**
	 * @param strings
	 * 		what {@code Failure.to_strings} returned
	 */
	PythonFailure( final List< String > strings )
	{
		type = strings.get( 0 );
		message = strings.get( 1 );
		file = strings.get( 2 );
		line = Integer.parseInt( strings.get( 3 ) );
		sourceLine = strings.get( 4 );
		traceback = strings.get( 5 );
		frames = new StackTraceElement[ ( strings.size() - NUM_FIELDS ) / 3 ];
		for ( int i = 0; i < frames.length; ++i )
		{
			final int at = NUM_FIELDS + 3 * i;
			frames[ i ] = new StackTraceElement( "<python>", strings.get( at ), strings.get( at + 1 ), Integer.parseInt( strings.get( at + 2 ) ) );
		}
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

	/**
	 * @return type, message, the user's line and the traceback
	 */
	public String describe()
	{
		final StringBuilder text = new StringBuilder( type );
		if ( !message.isEmpty() )
			text.append( ": " ).append( message );
		if ( line > 0 )
			text.append( "\n  at " ).append( file ).append( ", line " ).append( line );
		if ( !sourceLine.isEmpty() )
			text.append( ": " ).append( sourceLine );
		return text.append( '\n' ).append( traceback ).toString().trim();
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
