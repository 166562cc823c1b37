package net.imglib2.cache.python;

/**
 * A Python that cannot be used. The message says what was found, where, and what
 * mends it. Nothing was started: another attempt with another
 * {@link PythonEnvironment} is possible.
 */
public class PythonEnvironmentException extends PythonException
{
	private static final long serialVersionUID = 1L;

	public PythonEnvironmentException( final String message )
	{
		super( message );
	}

	public PythonEnvironmentException( final String message, final Throwable cause )
	{
		super( message, cause );
	}
}
