package net.imglib2.cache.python.interpreter;

import java.nio.file.Path;

/**
 * A Python executable and who named it.
 */
final class LocatedPython
{
	private final Path executable;

	private final String origin;

	LocatedPython( final Path executable, final String origin )
	{
		this.executable = executable;
		this.origin = origin;
	}

	Path executable()
	{
		return executable;
	}

	String origin()
	{
		return origin;
	}
}
