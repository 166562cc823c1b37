package net.imglib2.cache.python.interpreter;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Stacks as Python's {@code faulthandler} writes them.
 */
final class PythonStack
{
	private static final Pattern FRAME = Pattern.compile( "File \"(.*)\", line (\\d+) in .*" );

	private PythonStack()
	{}

	/**
	 * Adds source lines to a stack.
	 *
	 * @param stack
	 * 		text that {@code faulthandler} wrote
	 * @param file
	 * 		name of the code whose source is known
	 * @param code
	 * 		that source
	 * @return the text, each frame of the code followed by its source line
	 */
	static String withSource( final String stack, final String file, final String code )
	{
		final String[] source = code.split( "\r\n|\r|\n", -1 );
		final StringBuilder text = new StringBuilder();
		for ( final String line : stack.split( "\n" ) )
		{
			text.append( line ).append( '\n' );
			final Matcher frame = FRAME.matcher( line.trim() );
			if ( frame.matches() && frame.group( 1 ).equals( file ) )
			{
				final int number = Integer.parseInt( frame.group( 2 ) );
				if ( number >= 1 && number <= source.length )
					text.append( "    " ).append( source[ number - 1 ].trim() ).append( '\n' );
			}
		}
		return text.toString().trim();
	}
}
