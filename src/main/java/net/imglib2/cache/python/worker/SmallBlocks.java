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
import java.util.function.Predicate;

import net.imglib2.cache.python.protocol.Snippet;

/**
 * Takes small blocks out of the queue that one call computes together. Used by the
 * thread that uses the interpreter.
 */
final class SmallBlocks
{
	/**
	 * Blocks that take less are small: calls and the waking of threads would take a good
	 * part of the time if they were computed one by one.
	 */
	private static final long SMALL_NANOS = 50_000;

	/**
	 * Blocks that take less are for one worker, although others need not wait for its
	 * lock: to wake another one would take a good part of the time.
	 */
	private static final long TINY_NANOS = 10_000;

	/**
	 * Small blocks are computed together as long as they take no longer.
	 */
	private static final long TOGETHER_NANOS = 100_000;

	private final Interpreter python;

	private final TaskQueue tasks;

	private final long nanosForOne;

	private final Predicate< Task< ? > > isReady = this::isReady;

	private final Predicate< Task< ? > > fits = this::fits;

	/**
	 * The loader whose blocks are taken.
	 */
	private Snippet snippet;

	/**
	 * Whether blocks in the background are taken.
	 */
	private boolean isBackground;

	/**
	 * How many numbers more blocks may have.
	 */
	private int room;

	/**
	 * @param sharesLock
	 * 		see {@link InterpreterFactory#sharesLock()}
	 */
	SmallBlocks( final Interpreter python, final TaskQueue tasks, final boolean sharesLock )
	{
		this.python = python;
		this.tasks = tasks;
		nanosForOne = sharesLock ? SMALL_NANOS : TINY_NANOS;
	}

	/**
	 * @return whether {@link #poll} would take the next task
	 */
	boolean areNext()
	{
		return tasks.isNext( isReady );
	}

	/**
	 * Takes the next task if it is a small block whose code is ready.
	 *
	 * @return the block, or {@code null}
	 */
	BlockTask poll()
	{
		return ( BlockTask ) tasks.poll( isReady );
	}

	private boolean isReady( final Task< ? > task )
	{
		if ( !( task instanceof BlockTask ) )
			return false;
		final Snippet its = ( ( BlockTask ) task ).snippet();
		return areSmall( its ) && !its.isDropped() && python.isPrepared( its );
	}

	static boolean areSmall( final Snippet snippet )
	{
		return snippet.expectedNanos() < SMALL_NANOS;
	}

	/**
	 * @return whether blocks are left to this worker as long as it goes on, instead of
	 *         waking others
	 */
	boolean areForOne( final Snippet snippet )
	{
		return snippet.expectedNanos() < nanosForOne;
	}

	/**
	 * Takes blocks of the same loader, which the queue has next. Not those of others,
	 * whose readers would wait where this loader's code does not end, and whose timeout
	 * is another. And no blocks in the background together with others.
	 *
	 * @param first
	 * 		a small block that was taken
	 * @return it and those that follow
	 */
	Run with( final BlockTask first )
	{
		final int maxBlocks = python.maxBlocks();
		final List< BlockTask > blocks = new ArrayList<>( maxBlocks );
		blocks.add( first );
		snippet = first.snippet();
		isBackground = first.isBackground();
		// Before others are taken, which would be lost if no memory were left.
		final Run run = new Run( blocks, snippet.timeoutNanos() );
		if ( !python.isPrepared( snippet ) )
			return run;
		final long most = Math.min( maxBlocks, TOGETHER_NANOS / snippet.expectedNanos() );
		room = python.maxLength() - first.request().length();
		while ( blocks.size() < most )
		{
			final BlockTask next = ( BlockTask ) tasks.poll( fits );
			if ( next == null )
				break;
			if ( !next.begin() )
				continue;
			room -= next.request().length();
			blocks.add( next );
		}
		return run;
	}

	private boolean fits( final Task< ? > task )
	{
		if ( !( task instanceof BlockTask ) )
			return false;
		final BlockTask block = ( BlockTask ) task;
		return block.snippet() == snippet && block.isBackground() == isBackground && block.request().length() <= room;
	}
}
