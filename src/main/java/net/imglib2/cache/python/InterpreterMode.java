package net.imglib2.cache.python;

/**
 * Kind of the Python interpreters of a JVM. The first
 * {@link PythonCacheLoaderQueue} of a JVM decides; it cannot be changed later.
 */
public enum InterpreterMode
{
	/**
	 * {@link #SUB} where that is known to be safe: CPython 3.10 or 3.11, and
	 * every package with compiled code is proven to work in sub-interpreters.
	 * {@link #SHARED} elsewhere, with the reason in the log.
	 */
	AUTO,

	/**
	 * Each worker has a sub-interpreter: modules written in Python, their
	 * variables, {@code sys.path} and the standard streams are its own. Packages
	 * with compiled code are shared by all workers. Only for CPython 3.10 and
	 * 3.11.
	 */
	SUB,

	/**
	 * All workers share one interpreter and its modules; only the variables of
	 * their code are their own. Works with every package.
	 */
	SHARED
}
