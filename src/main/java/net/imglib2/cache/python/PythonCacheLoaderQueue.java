/*-
 * #%L
 * CPython inside ImgLib2: lazily computed, cached images.
 * %%
 * Copyright (C) 2026 The imglib2-cache-python developers.
 * %%
 * Redistribution and use in source and binary forms, with or without modification,
 * are permitted provided that the following conditions are met:
 *
 * 1. Redistributions of source code must retain the above copyright notice, this
 *    list of conditions and the following disclaimer.
 *
 * 2. Redistributions in binary form must reproduce the above copyright notice,
 *    this list of conditions and the following disclaimer in the documentation
 *    and/or other materials provided with the distribution.
 *
 * THIS SOFTWARE IS PROVIDED BY THE COPYRIGHT HOLDERS AND CONTRIBUTORS "AS IS" AND
 * ANY EXPRESS OR IMPLIED WARRANTIES, INCLUDING, BUT NOT LIMITED TO, THE IMPLIED
 * WARRANTIES OF MERCHANTABILITY AND FITNESS FOR A PARTICULAR PURPOSE ARE
 * DISCLAIMED. IN NO EVENT SHALL THE COPYRIGHT HOLDERS OR CONTRIBUTORS BE LIABLE
 * FOR ANY DIRECT, INDIRECT, INCIDENTAL, SPECIAL, EXEMPLARY, OR CONSEQUENTIAL
 * DAMAGES (INCLUDING, BUT NOT LIMITED TO, PROCUREMENT OF SUBSTITUTE GOODS OR
 * SERVICES; LOSS OF USE, DATA, OR PROFITS; OR BUSINESS INTERRUPTION) HOWEVER
 * CAUSED AND ON ANY THEORY OF LIABILITY, WHETHER IN CONTRACT, STRICT LIABILITY, OR
 * TORT (INCLUDING NEGLIGENCE OR OTHERWISE) ARISING IN ANY WAY OUT OF THE USE OF
 * THIS SOFTWARE, EVEN IF ADVISED OF THE POSSIBILITY OF SUCH DAMAGE.
 * #L%
 */
package net.imglib2.cache.python;

import java.util.Objects;
import java.util.concurrent.CompletableFuture;

import net.imglib2.cache.python.embedded.PythonRuntime;
import net.imglib2.cache.python.trust.TrustPolicy;
import net.imglib2.cache.python.trust.Trusted;
import net.imglib2.cache.python.worker.Cleanup;
import net.imglib2.cache.python.worker.WorkerPool;

/**
 * Python interpreters that compute the cells of images, each on a thread of its
 * own.
 * <p>
 * The first queue of a JVM starts Python, see {@link PythonEnvironment}. One
 * queue serves any number of images. Several interpreters run in parallel while
 * the Python code is in functions that release Python's global lock, as most of
 * numpy, scipy and others do for large arrays.
 * <p>
 * Thread-safe. A queue that is not closed ends by itself when neither the program
 * nor an image of it refers to it any more, and what it has to do is done: a script
 * whose result is a lazy image cannot close it. It does not keep the JVM from ending.
 */
public final class PythonCacheLoaderQueue implements AutoCloseable
{
	private final WorkerPool pool;

	/**
	 * One interpreter without init code.
	 */
	public PythonCacheLoaderQueue()
	{
		this( 1 );
	}

	/**
	 * Interpreters without init code.
	 *
	 * @param numWorkers
	 * 		number of interpreters, at least 1
	 */
	public PythonCacheLoaderQueue( final int numWorkers )
	{
		this( numWorkers, "" );
	}

	/**
	 * Interpreters that run some code first: expensive imports, models to load. All
	 * names that it defines can be used by the images' code.
	 *
	 * @param numWorkers
	 * 		number of interpreters, at least 1
	 * @param init
	 * 		Python statements, run once on each interpreter
	 * @throws PythonEnvironmentException
	 * 		if the Python cannot be used
	 * @throws PythonCodeException
	 * 		if the init code fails
	 */
	public PythonCacheLoaderQueue( final int numWorkers, final String init )
	{
		this( numWorkers, init, PythonEnvironment.getDefault() );
	}

	/**
	 * Interpreters of a certain Python.
	 *
	 * @param numWorkers
	 * 		number of interpreters, at least 1
	 * @param init
	 * 		Python statements, run once on each interpreter
	 * @param environment
	 * 		the Python to use, and how
	 * @throws PythonEnvironmentException
	 * 		if that Python cannot be used, or is not the one that runs in this JVM
	 * @throws PythonTrustException
	 * 		if an allow-list lacks something of it, see {@link PythonTrust}
	 * @throws PythonCodeException
	 * 		if the init code fails
	 * @throws PythonStartTimeoutException
	 * 		if the init code, or Python itself, takes longer than the start-up timeout
	 * @throws PythonInterruptedException
	 * 		if this thread is interrupted meanwhile
	 */
	public PythonCacheLoaderQueue( final int numWorkers, final String init, final PythonEnvironment environment )
	{
		if ( numWorkers < 1 )
			throw new IllegalArgumentException( "number of workers is " + numWorkers + ", expected 1 or more" );
		Objects.requireNonNull( init, "init" );
		Objects.requireNonNull( environment, "environment" );
		final Trusted.Code trusted = TrustPolicy.ofThisJvm().requireCode( "The init code of a queue", init );
		pool = new WorkerPool( numWorkers, trusted, PythonRuntime.start( environment ) );
		Cleanup.whenCollected( this, pool::closeWhenIdle );
	}

	/**
	 * Runs own work on one of the interpreters, after the blocks that wait. Which
	 * interpreter is not defined. A variable that the work sets is set on that interpreter
	 * alone, and is lost if its worker is abandoned and replaced. So this is no way to
	 * change what images compute: with several workers, some cells would get the old value
	 * and some the new one. A value that all workers must see belongs
	 * <ul>
	 * <li>into the code of a new loader: {@code "sigma = " + sigma + "; block.data[...] = …"},</li>
	 * <li>or into the init code of a new queue, if it takes long to make.</li>
	 * </ul>
	 *
	 * @param <R>
	 * 		type of the result
	 * @param task
	 * 		the work
	 * @return promise of the result; it fails with what the task throws, or with a
	 *         {@link PythonClosedException}
	 */
	public < R > CompletableFuture< R > submit( final PythonTask< ? extends R > task )
	{
		return pool.submit( Objects.requireNonNull( task, "task" ) );
	}

	/**
	 * Ends the interpreters. Whoever waits for a block or a task gets a
	 * {@link PythonClosedException} at once, as do later reads of cells that are
	 * not cached. Waits some seconds for code that is still running, which is then
	 * left to itself. Does nothing when called again.
	 */
	@Override
	public void close()
	{
		pool.close();
	}

	WorkerPool pool()
	{
		return pool;
	}
}
