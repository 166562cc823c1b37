package net.imglib2.cache.python.interpreter;

/**
 * The code of a loader. Each worker compiles it when it computes the loader's
 * first block there.
 */
public final class Snippet
{
	private final long id;

	private final String code;

	Snippet( final long id, final String code )
	{
		this.id = id;
		this.code = code;
	}

	long id()
	{
		return id;
	}

	String code()
	{
		return code;
	}

	/**
	 * @return what tracebacks call the code
	 */
	String fileName()
	{
		return "<PythonCacheLoader " + id + ">";
	}
}
