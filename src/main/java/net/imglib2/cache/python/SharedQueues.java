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

import java.util.Arrays;
import java.util.List;

import net.imglib2.cache.python.worker.QueueOwner;

/**
 * The queues that images share which have none of their own: one for each environment and
 * init code. An image keeps its queue; one that no image keeps ends. If this thread works for
 * a {@link QueueOwner}, the queues are those of the owner, who keeps them. Thread-safe.
 */
final class SharedQueues
{
	/**
	 * More workers seldom help where Python has one lock, and each takes memory.
	 */
	private static final int MAX_DEFAULT_WORKERS = 4;

	private static final OnePerKey< List< Object >, PythonCacheLoaderQueue > QUEUES = new OnePerKey<>( queue -> true, key -> "workers of " + key.get( 1 ) );

	private SharedQueues()
	{}

	static int defaultNumWorkers()
	{
		return Math.min( MAX_DEFAULT_WORKERS, Runtime.getRuntime().availableProcessors() );
	}

	/**
	 * @param environment
	 * 		the Python, and its mode
	 * @param init
	 * 		code that its workers have run
	 * @param numWorkers
	 * 		how many workers it has at least
	 * @return the queue
	 */
	static PythonCacheLoaderQueue get( final PythonEnvironment environment, final String init, final int numWorkers )
	{
		return get( init, environment, init, numWorkers );
	}

	/**
	 * @param environment
	 * 		the Python, and its mode
	 * @param purpose
	 * 		what the queue is for, and no other
	 * @return a queue of one worker, without init code
	 */
	static PythonCacheLoaderQueue single( final PythonEnvironment environment, final Class< ? > purpose )
	{
		return get( purpose, environment, "", 1 );
	}

	private static PythonCacheLoaderQueue get( final Object purpose, final PythonEnvironment environment, final String init, final int numWorkers )
	{
		final QueueOwner owner = QueueOwner.ofThisThread();
		final List< Object > key = Arrays.asList( owner == null ? null : owner.id(), environment, environment.getMode(), purpose );
		// Python can take long to start. Images of other environments do not wait for it.
		final PythonCacheLoaderQueue queue = QUEUES.get( key, () -> new PythonCacheLoaderQueue( numWorkers, init, owner == null ? environment : owner.environment( environment ) ) );
		queue.pool().grow( numWorkers );
		if ( owner != null )
			owner.keep( queue, queue.pool() );
		return queue;
	}
}
