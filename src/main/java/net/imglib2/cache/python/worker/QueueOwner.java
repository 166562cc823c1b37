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
package net.imglib2.cache.python.worker;

import java.lang.ref.WeakReference;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.WeakHashMap;
import java.util.function.UnaryOperator;

import net.imglib2.cache.python.PythonClosedException;
import net.imglib2.cache.python.PythonEnvironment;

/**
 * An application that runs scripts of others. The queues that images share which are made on
 * its threads are its own: it keeps them from one script to the next, and closes them when it
 * ends. Thread-safe.
 */
public final class QueueOwner implements AutoCloseable
{
	/**
	 * Queues that are kept although no image uses them. Each has an init code or an
	 * environment of its own, and perhaps a large model in memory.
	 */
	private static final int MAX_UNUSED = 3;

	private static final Map< Thread, WeakReference< QueueOwner > > OF_THREADS = new WeakHashMap<>();

	private final UnaryOperator< PythonEnvironment > environment;

	private final Object id = new Object();

	/**
	 * Those that are in use, and others that are not collected yet.
	 */
	private final Map< Object, WorkerPool > queues = new WeakHashMap<>();

	/**
	 * The last one was used last.
	 */
	private final Deque< Object > kept = new ArrayDeque<>();

	private boolean closed;

	/**
	 * @param environment
	 * 		changes the environments of queues, for instance what gets the lines that Python
	 * 		prints
	 */
	public QueueOwner( final UnaryOperator< PythonEnvironment > environment )
	{
		this.environment = Objects.requireNonNull( environment, "environment" );
	}

	/**
	 * @return the owner that this thread works for, or {@code null}
	 */
	public static QueueOwner ofThisThread()
	{
		final WeakReference< QueueOwner > reference;
		synchronized ( OF_THREADS )
		{
			reference = OF_THREADS.get( Thread.currentThread() );
		}
		final QueueOwner owner = reference == null ? null : reference.get();
		return owner == null || owner.isClosed() ? null : owner;
	}

	/**
	 * @param thread
	 * 		works for this owner from now on
	 */
	public void employ( final Thread thread )
	{
		synchronized ( OF_THREADS )
		{
			OF_THREADS.put( thread, new WeakReference<>( this ) );
		}
	}

	/**
	 * @return stands for the owner, and does not refer to it
	 */
	public Object id()
	{
		return id;
	}

	/**
	 * @param asked
	 * 		what a script asks for
	 * @return what its queue gets
	 */
	public PythonEnvironment environment( final PythonEnvironment asked )
	{
		return environment.apply( asked );
	}

	/**
	 * A queue is used, for the first time or again.
	 *
	 * @param queue
	 * 		ends when nobody refers to it
	 * @param pool
	 * 		its workers
	 * @throws PythonClosedException
	 * 		if this owner was closed meanwhile; then the pool is closed, too
	 */
	public void keep( final Object queue, final WorkerPool pool )
	{
		synchronized ( this )
		{
			if ( !closed )
			{
				queues.put( queue, pool );
				kept.remove( queue );
				kept.addLast( queue );
				if ( kept.size() > MAX_UNUSED )
					kept.removeFirst();
				return;
			}
		}
		pool.close();
		throw new PythonClosedException( "The application that this thread works for has ended, and has closed its Python workers" );
	}

	private synchronized boolean isClosed()
	{
		return closed;
	}

	/**
	 * Closes all queues, also those that images use: their cells that are cached can still be
	 * read.
	 */
	@Override
	public void close()
	{
		final List< WorkerPool > pools;
		synchronized ( this )
		{
			closed = true;
			pools = new ArrayList<>( queues.values() );
			queues.clear();
			kept.clear();
		}
		pools.forEach( WorkerPool::close );
	}
}
