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

import net.imglib2.cache.python.trust.TrustPolicy;
import net.imglib2.cache.python.trust.Trusted;
import net.imglib2.cache.python.worker.Cleanup;
import net.imglib2.cache.python.worker.InterpreterFactory;
import net.imglib2.cache.python.worker.WorkerPool;

/**
 * Python interpreters that compute the cells of images, each on its own thread.
 * <p>
 * {@link PythonEnvironment} says which Python that is, and {@link InterpreterMode} where
 * it runs. One queue serves any number of images. Several interpreters run in parallel
 * in {@link InterpreterMode#PROCESS}, and in the other modes while the Python code is in
 * functions that release Python's global lock, as most functions of numpy, scipy and
 * others do for large arrays.
 * <p>
 * Thread-safe. A script whose result is a lazy image cannot close its queue. So a queue
 * that is not closed ends by itself, when neither the program nor an image of it refers
 * to it any more, and its work is done. It does not keep the JVM from ending.
 */
public final class PythonCacheLoaderQueue implements AutoCloseable
{
	private final WorkerPool pool;

	private final String init;

	private final PythonEnvironment environment;

	private final InterpreterMode mode;

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
	 * Interpreters that first run init code, for instance to import large packages or
	 * to load models. The code of images sees all names that it defines.
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
	 * 		if that Python cannot be used, or another one already runs in this JVM and the
	 * 		mode is not {@link InterpreterMode#PROCESS}
	 * @throws PythonTrustException
	 * 		if the init code, the Python or one of its folders is not on the allow-list,
	 * 		see {@link PythonTrust}
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
		final InterpreterFactory backend = Backends.start( environment, numWorkers );
		this.init = init;
		this.environment = environment;
		mode = Backends.modeOf( backend );
		pool = new WorkerPool( numWorkers, trusted, backend, Rehearsal::once );
		Cleanup.whenCollected( this, pool::closeWhenIdle );
	}

	/**
	 * Runs the user's own work on one of the interpreters, after the blocks that wait.
	 * <p>
	 * It reaches one interpreter, and it is not defined which one. A variable that the task
	 * sets has its new value on this interpreter only, and only until the interpreter is
	 * replaced because its code did not end. So do not change by such a task what images
	 * compute: with several interpreters, some cells would get the old value and some the
	 * new one. Instead, change a {@linkplain PythonImg#parameter parameter} of the image, put
	 * the value into the code of a new loader ({@code "sigma = " + sigma + "; …"}), or use
	 * {@link #onAllWorkers}.
	 * <p>
	 * In {@link InterpreterMode#PROCESS}, the process of an interpreter can end at any
	 * time. If that happens before the first Python code of the task has begun, the task
	 * is run again, from its start, on another interpreter. Later, it fails: Python code
	 * never runs twice.
	 *
	 * @param <R>
	 * 		type of the result
	 * @param task
	 * 		the work
	 * @return promise of the result. It fails with what the task throws, or with a
	 *         {@link PythonClosedException} if this queue is closed.
	 */
	public < R > CompletableFuture< R > submit( final PythonTask< ? extends R > task )
	{
		return pool.submit( Objects.requireNonNull( task, "task" ) );
	}

	/**
	 * Runs the user's own work once on each of the interpreters: on those of now, and, as
	 * if it were part of the init code, on those that are started later, because there
	 * shall be more, or because the code of one did not end. So all of them know what it
	 * defines, for instance a model that was loaded again.
	 *
	 * <pre>
	 * {@code
	 * queue.onAllWorkers( python -> {
	 *     python.exec( "import importlib, own; importlib.reload( own )" );
	 *     return null;
	 * } ).get();
	 * // The cells that are computed from now on see it; those that are cached do not.
	 * img.getCache().invalidateAll();
	 * }
	 * </pre>
	 *
	 * An image takes over the names that its worker knows when its code runs there for the
	 * first time. So it sees what a task changes within an object, a module for instance. It
	 * does not see that a task gives a name another object ({@code model = load()}): make
	 * the image after that, or let it compute anew by {@link PythonImg#code}.
	 * <p>
	 * Several tasks run in the order in which they were given, on each interpreter. One that
	 * is busy runs them after its current work, and before other work that waits. The task
	 * may run on several threads at the same time, and its result is not used.
	 * <p>
	 * If the task throws on an interpreter that is there now, the promise fails. The other
	 * ones run it all the same, but those that are started later do not. If it throws on an
	 * interpreter that is started later, then that one does not start, as if its init code
	 * had failed: a task and the init code together have the time of
	 * {@link PythonEnvironment#withStartupTimeout}.
	 * <p>
	 * This queue keeps each task, and all that it refers to, until it is closed: give it
	 * few and small ones. The interpreter that only checks the code of images, while all
	 * others are busy, runs neither these tasks nor the init code. A task that waits for
	 * the promise waits for ever.
	 *
	 * @param task
	 * 		the work
	 * @return promise that all interpreters of now have run the task. One that is given up
	 *         meanwhile, because its code does not end or its process has, does not count.
	 *         The promise fails with what the task throws first, or with a
	 *         {@link PythonClosedException} if this queue is closed. To cancel it has no
	 *         effect on the task.
	 */
	public CompletableFuture< Void > onAllWorkers( final PythonTask< ? > task )
	{
		return pool.onAllWorkers( Objects.requireNonNull( task, "task" ) );
	}

	/**
	 * Ends the interpreters. Threads that wait for a block or a task get a
	 * {@link PythonClosedException} at once. So do later reads of cells that are not
	 * cached. This method waits some seconds for code that is still running, and then
	 * leaves it alone. Does nothing when called again.
	 */
	@Override
	public void close()
	{
		pool.close();
	}

	/**
	 * @return code that the workers have run first
	 */
	String init()
	{
		return init;
	}

	/**
	 * @return the Python, as it was asked for
	 */
	PythonEnvironment environment()
	{
		return environment;
	}

	/**
	 * @return where the workers run, not {@link InterpreterMode#AUTO}
	 */
	InterpreterMode mode()
	{
		return mode;
	}

	WorkerPool pool()
	{
		return pool;
	}
}
