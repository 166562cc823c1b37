package net.imglib2.cache.python;

/**
 * Root of what this library throws, apart from exceptions for wrong arguments.
 */
public class PythonException extends RuntimeException
{
	private static final long serialVersionUID = 1L;

	public PythonException( final String message )
	{
		super( message );
	}

	public PythonException( final String message, final Throwable cause )
	{
		super( message, cause );
	}
}
