package net.imglib2.cache.python;

import net.imglib2.cache.python.interpreter.PythonFailure;

/**
 * The user's Python code raised an exception: any, also {@code SystemExit}. The
 * frames of the Python code precede the Java frames in the stack trace.
 */
public class PythonCodeException extends PythonException
{
	private static final long serialVersionUID = 1L;

	private final PythonFailure failure;

	/**
	 * @param what
	 * 		what failed
	 * @param failure
	 * 		the Python exception
	 */
	public PythonCodeException( final String what, final PythonFailure failure )
	{
		super( what + " failed: " + failure.describe() );
		this.failure = failure;
		setStackTrace( failure.prependedTo( getStackTrace() ) );
	}

	/**
	 * @return name of the class of the Python exception, {@code ValueError} or
	 *         {@code package.module.MyError} for instance
	 */
	public String getPythonType()
	{
		return failure.getType();
	}

	/**
	 * @return message of the Python exception, bounded in length
	 */
	public String getPythonMessage()
	{
		return failure.getMessage();
	}

	/**
	 * @return name of the code or path of the file that holds the user's line, or
	 *         an empty string
	 */
	public String getFile()
	{
		return failure.getFile();
	}

	/**
	 * @return number of the user's line, 1 for the first, 0 if there is none
	 */
	public int getLine()
	{
		return failure.getLine();
	}

	/**
	 * @return text of the user's line, or an empty string
	 */
	public String getSourceLine()
	{
		return failure.getSourceLine();
	}

	/**
	 * @return the traceback as Python prints it, bounded in length
	 */
	public String getTraceback()
	{
		return failure.getTraceback();
	}
}
