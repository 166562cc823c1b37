package net.imglib2.cache.python;

/**
 * The interpreter that a {@link PythonTask} runs on. Valid during the task and
 * on its thread only.
 * <p>
 * Names live in the namespace that the queue's init code filled on this worker.
 */
public interface PythonInterpreter
{
	/**
	 * Runs statements.
	 *
	 * @param code
	 * 		Python statements
	 * @throws PythonCodeException
	 * 		if they raise anything
	 */
	void exec( String code );

	/**
	 * Evaluates an expression.
	 *
	 * @param expression
	 * 		Python expression
	 * @return its value as Jep converts it: numbers, strings, lists and maps become
	 *         Java's, {@code None} becomes {@code null}
	 * @throws PythonCodeException
	 * 		if it raises anything
	 */
	Object getValue( String expression );

	/**
	 * Evaluates an expression.
	 *
	 * @param <V>
	 * 		type of the value
	 * @param expression
	 * 		Python expression
	 * @param type
	 * 		what Jep shall convert the value to
	 * @return its value
	 * @throws PythonCodeException
	 * 		if it raises anything
	 */
	< V > V getValue( String expression, Class< V > type );

	/**
	 * Defines a variable.
	 *
	 * @param variable
	 * 		name
	 * @param value
	 * 		value; Jep converts it
	 * @throws PythonCodeException
	 * 		if the name is not valid
	 */
	void set( String variable, Object value );
}
