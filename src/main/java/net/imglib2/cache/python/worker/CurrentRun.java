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

import net.imglib2.cache.python.protocol.Snippet;

/**
 * What a worker does now, be it on its thread or on another one that uses its
 * interpreter. Other threads may look at it and end its tasks.
 */
final class CurrentRun
{
	private final Lifecycle life;

	/**
	 * {@code null} if the worker waits for a task.
	 */
	private volatile Run run;

	/**
	 * Whether blocks were computed or a task was done, be it that their code has failed, since
	 * {@link #takeProgress()}.
	 */
	private volatile boolean progress;

	/**
	 * @param life
	 * 		of the worker
	 */
	CurrentRun( final Lifecycle life )
	{
		this.life = life;
	}

	// ------------------------------------------------ on any thread

	/**
	 * @return what the worker does, or {@code null} if it waits for a task or does not
	 *         serve
	 */
	Run get()
	{
		return run;
	}

	/**
	 * @return whether blocks were computed, or a task was done, since {@link #takeProgress()}
	 */
	boolean hasProgress()
	{
		return progress;
	}

	/**
	 * @return whether blocks were computed, or a task was done, since this was asked last
	 */
	boolean takeProgress()
	{
		final boolean taken = progress;
		if ( taken )
			progress = false;
		return taken;
	}

	/**
	 * Ends its tasks that have not ended.
	 */
	void fail( final Throwable reason )
	{
		final Run running = run;
		if ( running != null )
			running.fail( reason );
	}

	/**
	 * Lets other workers compute its blocks that have not ended.
	 */
	void abandon()
	{
		final Run running = run;
		if ( running != null )
			running.abandon();
	}

	/**
	 * Ends its blocks if their code is dropped.
	 *
	 * @return whether there are such blocks
	 */
	boolean drop( final Snippet dropped )
	{
		final Run running = run;
		if ( running == null || !running.isBlocks() || running.snippet() != dropped )
			return false;
		running.drop();
		return true;
	}

	// ------------------------------------------------ on the thread that uses the interpreter

	/**
	 * @return whether to go on; else the run has ended
	 */
	boolean begin( final Run begun )
	{
		run = begun;
		// Either the thread that drops the code sees the run, or that is seen here.
		if ( begun.isDropped() )
		{
			begun.dropUnseen();
			return false;
		}
		// The same holds for the thread that ends this worker.
		final Lifecycle.State state = life.state();
		if ( state == Lifecycle.State.ABANDONED )
			begun.abandon();
		else if ( state != Lifecycle.State.SERVING && state != Lifecycle.State.RETIRING )
			begun.fail( WorkerPool.closedException() );
		return true;
	}

	/**
	 * Has to follow {@link #begin}, whatever that has returned or thrown.
	 */
	void end()
	{
		run = null;
	}

	/**
	 * The blocks were computed, or the task was done.
	 */
	void noteProgress()
	{
		if ( !progress )
			progress = true;
	}

	/**
	 * Ends the tasks of a run that could not be done.
	 */
	void failed( final Run done, final Throwable reason )
	{
		if ( life.state() == Lifecycle.State.ABANDONED || reason instanceof NotBegunException )
			done.abandon();
		else
			done.fail( reason );
	}
}
