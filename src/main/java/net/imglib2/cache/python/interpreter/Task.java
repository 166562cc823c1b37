package net.imglib2.cache.python.interpreter;

import java.util.concurrent.CompletableFuture;

/**
 * Work for one interpreter, and the promise of its result.
 *
 * @param <R>
 * 		type of the result
 */
final class Task< R >
{
	/**
	 * What runs on the interpreter's thread.
	 *
	 * @param <R>
	 * 		type of the result
	 */
	@FunctionalInterface
	interface Work< R >
	{
		R apply( EmbeddedInterpreter python ) throws Exception;
	}

	private final Work< ? extends R > work;

	private final CompletableFuture< R > result = new CompletableFuture<>();

	Task( final Work< ? extends R > work )
	{
		this.work = work;
	}

	void run( final EmbeddedInterpreter python )
	{
		if ( result.isDone() )
			return;
		try
		{
			result.complete( work.apply( python ) );
		}
		// Also an Error is the waiting thread's business: this thread must live on.
		catch ( final Throwable t )
		{
			result.completeExceptionally( t );
		}
	}

	void fail( final Throwable reason )
	{
		result.completeExceptionally( reason );
	}

	CompletableFuture< R > result()
	{
		return result;
	}
}
