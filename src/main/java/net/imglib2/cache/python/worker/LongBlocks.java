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

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;

import net.imglib2.cache.python.protocol.Snippet;

/**
 * Computes blocks that are not small, each in a call of its own. While no processor is left,
 * another thread hears first that a block has ended. If the queue has a block of the same loader
 * next, that thread begins it, then tells the reader of the first: so the interpreter need not
 * wait for the thread of its worker, which sleeps on. To wake it would take time from the code of
 * others. What takes longer, or goes wrong, is left to it.
 */
final class LongBlocks
{
	/**
	 * After this time, no block follows: the thread of the worker keeps the first one in memory.
	 */
	private static final long MAX_NANOS = TimeUnit.SECONDS.toNanos( 10 );

	private final UnboundInterpreter python;

	/**
	 * Name of the worker.
	 */
	private final String worker;

	private final TaskQueue tasks;

	private final CurrentRun current;

	private final BooleanSupplier isBusy;

	private final BooleanSupplier goOn = this::goOn;

	// One thread at a time uses these. They are what the thread of the worker has to do if the other one cannot.

	private long startNanos;

	/**
	 * Has begun, and not ended.
	 */
	private Run begun;

	/**
	 * Has ended, and its reader does not know.
	 */
	private Run untold;

	/**
	 * Could not be begun, or finished, and its reader does not know.
	 */
	private Run failed;

	private Throwable failure;

	/**
	 * @param worker
	 * 		name of the worker
	 * @param tasks
	 * 		what blocks are taken from
	 * @param current
	 * 		what the worker does
	 * @param isBusy
	 * 		whether the thread of the worker has to do something before the next block
	 */
	LongBlocks( final UnboundInterpreter python, final String worker, final TaskQueue tasks, final CurrentRun current, final BooleanSupplier isBusy )
	{
		this.python = python;
		this.worker = worker;
		this.tasks = tasks;
		this.current = current;
		this.isBusy = isBusy;
	}

	// ------------------------------------------------ on the worker's thread

	/**
	 * Computes a block, whose code is ready, and those that follow.
	 *
	 * @param first
	 * 		the run of the block, which is the current one
	 * @return whether blocks were computed since {@link CurrentRun#noteProgress()}
	 */
	boolean compute( final Run first )
	{
		first.begin( python );
		startNanos = first.startNanos;
		begun = first;
		try
		{
			first.await( python, goOn );
		}
		catch ( final Throwable t )
		{
			// There may be no memory left: to finish is to wait, too.
		}
		final Run last = begun;
		begun = null;
		settle();
		return last != null && finish( last );
	}

	/**
	 * @return whether it is known how the blocks ended
	 */
	private boolean finish( final Run last )
	{
		try
		{
			last.finish( python, worker );
			return true;
		}
		catch ( final Throwable t )
		{
			failed = last;
			failure = t;
			settle();
			return false;
		}
	}

	/**
	 * Tells the readers what is left to tell. If there is no memory for that, there will be:
	 * nobody may wait for ever.
	 */
	private void settle()
	{
		for ( boolean done = false; !done; )
			try
			{
				if ( untold != null )
					untold.tell();
				untold = null;
				if ( failed != null )
					current.failed( failed, failure );
				failed = null;
				failure = null;
				done = true;
			}
			catch ( final OutOfMemoryError e )
			{
				LockSupport.parkNanos( Worker.RETRY_NANOS );
			}
	}

	// ------------------------------------------------ on another thread

	/**
	 * @return whether another block has begun
	 */
	private boolean goOn()
	{
		final Run ended = begun;
		if ( !ended.tryEnd( python, worker ) )
			return false;
		untold = ended;
		begun = null;
		current.noteProgress();
		begun = beginNext( ended.snippet() );
		ended.tell();
		untold = null;
		return begun != null;
	}

	/**
	 * @return what has begun, or {@code null}
	 */
	private Run beginNext( final Snippet snippet )
	{
		if ( isBusy.getAsBoolean() || SmallBlocks.areSmall( snippet ) || System.nanoTime() - startNanos > MAX_NANOS )
			return null;
		// Before a block is taken, which would be lost if no memory were left.
		final List< BlockTask > blocks = new ArrayList<>( 1 );
		final Run next = new Run( blocks, snippet.timeoutNanos() );
		final Predicate< Task< ? > > follows = task -> task instanceof BlockTask && ( ( BlockTask ) task ).snippet() == snippet;
		BlockTask block = ( BlockTask ) tasks.poll( follows );
		while ( block != null && !block.begin() )
			block = ( BlockTask ) tasks.poll( follows );
		if ( block == null )
			return null;
		blocks.add( block );
		failed = next;
		try
		{
			final boolean goesOn = current.begin( next );
			if ( goesOn )
				next.begin( python );
			failed = null;
			return goesOn ? next : null;
		}
		catch ( final Throwable t )
		{
			failure = t;
			throw t;
		}
	}
}
