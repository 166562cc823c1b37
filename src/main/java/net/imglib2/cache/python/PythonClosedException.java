package net.imglib2.cache.python;

/**
 * The {@link PythonCacheLoaderQueue} was closed before or while it did what was
 * asked for.
 */
public class PythonClosedException extends PythonException
{
	private static final long serialVersionUID = 1L;

	public PythonClosedException( final String message )
	{
		super( message );
	}
}
