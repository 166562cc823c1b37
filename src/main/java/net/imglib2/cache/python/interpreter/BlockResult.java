package net.imglib2.cache.python.interpreter;

/**
 * How the computation of a block ended.
 */
public final class BlockResult
{
	private final String worker;

	private final PythonFailure failure;

	BlockResult( final String worker, final PythonFailure failure )
	{
		this.worker = worker;
		this.failure = failure;
	}

	/**
	 * @return name of the worker that computed the block
	 */
	public String worker()
	{
		return worker;
	}

	/**
	 * @return what the user's code raised, or {@code null} if the block is done
	 */
	public PythonFailure failure()
	{
		return failure;
	}
}
