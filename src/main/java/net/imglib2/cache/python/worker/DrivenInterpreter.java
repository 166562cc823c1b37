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

import java.util.function.BooleanSupplier;

/**
 * An interpreter that readers <em>drive</em> while the thread of its worker sleeps,
 * because it takes longer to wake that thread than to compute a small block. A reader only
 * writes and polls, and never waits for long: it leaves all else to the thread of the
 * worker, as a run that has begun.
 */
final class DrivenInterpreter
{
	/**
	 * How long a reader polls.
	 */
	private static final long DRIVE_NANOS = 50_000;

	private final UnboundInterpreter python;

	/**
	 * Name of the worker.
	 */
	private final String worker;

	private final Seat seat;

	private final TaskQueue tasks;

	private final SmallBlocks smallBlocks;

	private final CurrentRun current;

	private final BooleanSupplier isBusy;

	/**
	 * What a reader has begun and left to the thread of the worker.
	 */
	private volatile Run left;

	/**
	 * @param worker
	 * 		name of the worker
	 * @param seat
	 * 		from which the interpreter is used
	 * @param tasks
	 * 		what blocks are taken from
	 * @param smallBlocks
	 * 		takes them
	 * @param current
	 * 		what the worker does
	 * @param isBusy
	 * 		whether the thread of the worker has to do something first
	 */
	DrivenInterpreter( final UnboundInterpreter python, final String worker, final Seat seat, final TaskQueue tasks, final SmallBlocks smallBlocks, final CurrentRun current, final BooleanSupplier isBusy )
	{
		this.python = python;
		this.worker = worker;
		this.seat = seat;
		this.tasks = tasks;
		this.smallBlocks = smallBlocks;
		this.current = current;
		this.isBusy = isBusy;
	}

	// ------------------------------------------------ on the worker's thread

	/**
	 * @return whether a reader has left a run
	 */
	boolean hasLeft()
	{
		return left != null;
	}

	/**
	 * @return the run that a reader has left, which {@link #finish} has to follow; or
	 *         {@code null}
	 */
	Run takeLeft()
	{
		final Run run = left;
		if ( run != null )
			left = null;
		return run;
	}

	/**
	 * Waits for the blocks of a run that was left.
	 */
	void finish( final Run run )
	{
		run.finish( python, worker );
	}

	// ------------------------------------------------ on the thread of a reader

	/**
	 * Computes small blocks that wait, if the thread of the worker sleeps.
	 *
	 * @return whether somebody does what waits
	 */
	boolean drive()
	{
		if ( !seat.tryDrive() )
			return false;
		boolean isPolling = false;
		Run begun = null;
		try
		{
			if ( isBusy.getAsBoolean() || !smallBlocks.areNext() )
				return false;
			tasks.becomePolling();
			isPolling = true;
			final Run run = takeRun();
			if ( run == null )
				return true;
			if ( !smallBlocks.areForOne( run.snippet() ) )
			{
				isPolling = false;
				tasks.becomeBusy();
			}
			if ( beginDriven( run ) )
			{
				begun = run;
				if ( tryFinish( run ) )
					begun = null;
			}
			return true;
		}
		finally
		{
			if ( begun != null )
			{
				left = begun;
				seat.giveBack();
			}
			else
				seat.endDrive();
			// Last: what waits now wakes a worker.
			if ( isPolling )
				tasks.becomeBusy();
		}
	}

	/**
	 * @return small blocks, or {@code null}
	 */
	private Run takeRun()
	{
		BlockTask first = smallBlocks.poll();
		while ( first != null && !first.begin() )
			first = smallBlocks.poll();
		if ( first == null )
			return null;
		try
		{
			return smallBlocks.with( first );
		}
		catch ( final Throwable t )
		{
			// Nobody may wait for ever.
			first.fail( t );
			return null;
		}
	}

	/**
	 * @return whether the run has begun; else it has ended
	 */
	private boolean beginDriven( final Run run )
	{
		try
		{
			if ( current.begin( run ) )
			{
				run.begin( python );
				return true;
			}
			current.end();
			return false;
		}
		catch ( final Throwable t )
		{
			current.end();
			current.failed( run, t );
			return false;
		}
	}

	/**
	 * @return whether the run has ended; else it is left to the worker's thread
	 */
	private boolean tryFinish( final Run run )
	{
		final long start = System.nanoTime();
		try
		{
			final boolean yields = !LibraryThreads.isThisVirtual();
			while ( !run.tryFinish( python, worker ) )
			{
				if ( System.nanoTime() - start > DRIVE_NANOS )
					return false;
				// There may be no more processors than threads that have work to do.
				if ( yields )
					Thread.yield();
			}
		}
		catch ( final Throwable t )
		{
			// The reader may have no more stack or memory. The worker's thread finds out what has happened to the blocks.
			return false;
		}
		current.end();
		current.noteProgress();
		return true;
	}
}
