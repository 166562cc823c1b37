package net.imglib2.cache.python;

/**
 * Own work on one of the interpreters of a {@link PythonCacheLoaderQueue}.
 *
 * @param <R>
 * 		type of the result
 */
@FunctionalInterface
public interface PythonTask< R >
{
	/**
	 * Does the work, on an interpreter's thread. It must not read a Python-backed
	 * image: that would wait for an interpreter while it occupies one.
	 *
	 * @param python
	 * 		the interpreter
	 * @return the result
	 * @throws Exception
	 * 		handed on to who waits for the task
	 */
	R execute( PythonInterpreter python ) throws Exception;
}
