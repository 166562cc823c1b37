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
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.function.BooleanSupplier;

import net.imglib2.cache.python.protocol.BlockRequest;
import net.imglib2.cache.python.protocol.BlockResult;
import net.imglib2.cache.python.protocol.Protocol;
import net.imglib2.cache.python.protocol.PythonFailure;
import net.imglib2.cache.python.protocol.Snippet;

/**
 * What a worker does: the blocks of one call, or another task. Other threads may look at
 * it and end its tasks.
 */
final class Run
{
	/**
	 * Types of what code raises that does end when it was told to.
	 */
	private static final List< String > ENDS = Arrays.asList( Protocol.CANCELLED, "SystemExit" );

	private final List< ? extends Task< ? > > tasks;

	final long startNanos = System.nanoTime();

	final long timeoutNanos;

	/**
	 * Of the first block, or of the call that prepares its code; those of the other
	 * blocks follow.
	 */
	private volatile long firstTicket;

	/**
	 * Of the last block that was cancelled because it takes too long.
	 */
	private volatile long cancelledTicket;

	/**
	 * See {@link #begin(UnboundInterpreter)}.
	 */
	private List< BlockRequest > begun;

	/**
	 * How the blocks have ended, see {@link #tryEnd}.
	 */
	private List< BlockResult > ended;

	/**
	 * When it was begun to compute the blocks.
	 */
	private long computeNanos;

	/**
	 * @param blocks
	 * 		of one loader
	 */
	Run( final List< BlockTask > blocks, final long timeoutNanos )
	{
		tasks = blocks;
		this.timeoutNanos = timeoutNanos;
	}

	Run( final WorkTask< ? > task )
	{
		tasks = Collections.singletonList( task );
		timeoutNanos = Long.MAX_VALUE;
	}

	/**
	 * Computes the blocks, on the thread of the worker.
	 *
	 * @param worker
	 * 		name of the worker
	 */
	void compute( final Interpreter python, final String worker )
	{
		firstTicket = python.nextTicket();
		final PythonFailure failed = python.prepare( snippet() );
		if ( failed != null )
		{
			// To prepare code can take several calls, one of which was cancelled, perhaps.
			firstTicket = Math.max( firstTicket, cancelledTicket );
			// Only code that is ready has several blocks.
			ended = ofCancelled( Collections.singletonList( BlockResult.failed( worker, failed ) ), python, worker );
			tell();
			return;
		}
		final List< BlockRequest > requests = requests( python );
		end( python.compute( requests ), python, worker );
		tell();
	}

	/**
	 * Begins to compute the blocks, whose code is ready; {@link #tryFinish}, or {@link #tryEnd}
	 * and {@link #tell}, or {@link #finish} have to follow.
	 */
	void begin( final UnboundInterpreter python )
	{
		begun = requests( python );
		python.begin( begun );
	}

	/**
	 * @return whether all is done
	 */
	boolean tryFinish( final UnboundInterpreter python, final String worker )
	{
		if ( !tryEnd( python, worker ) )
			return false;
		tell();
		return true;
	}

	/**
	 * Finds out how the blocks have ended, if all is done, and tells nobody yet.
	 *
	 * @return whether all is done
	 */
	boolean tryEnd( final UnboundInterpreter python, final String worker )
	{
		final List< BlockResult > results = python.poll( begun );
		if ( results == null )
			return false;
		end( results, python, worker );
		return true;
	}

	/**
	 * Tells the readers how the blocks have ended.
	 */
	void tell()
	{
		for ( int i = 0; i < tasks.size(); ++i )
			block( i ).complete( ended.get( i ) );
	}

	/**
	 * See {@link UnboundInterpreter#await}.
	 */
	void await( final UnboundInterpreter python, final BooleanSupplier goOn )
	{
		python.await( begun, goOn );
	}

	/**
	 * Waits for the blocks that were begun.
	 */
	void finish( final UnboundInterpreter python, final String worker )
	{
		end( python.finish( begun ), python, worker );
		tell();
	}

	private List< BlockRequest > requests( final Interpreter python )
	{
		firstTicket = python.nextTicket();
		final List< BlockRequest > requests = new ArrayList<>( tasks.size() );
		for ( int i = 0; i < tasks.size(); ++i )
			requests.add( block( i ).request() );
		computeNanos = System.nanoTime();
		return requests;
	}

	private void end( final List< BlockResult > results, final Interpreter python, final String worker )
	{
		final int numBlocks = tasks.size();
		final long nanos = python.nanosOf( System.nanoTime() - computeNanos );
		snippet().took( nanos / numBlocks );
		snippet().spent( nanos );
		for ( int i = 0; i < numBlocks; ++i )
			block( i ).request().took( nanos / numBlocks );
		ended = ofCancelled( results, python, worker );
	}

	/**
	 * @return the results, of which one may be that of a block that was cancelled
	 */
	private List< BlockResult > ofCancelled( final List< BlockResult > results, final Interpreter python, final String worker )
	{
		final long ticket = cancelledTicket;
		final long i = ticket - firstTicket;
		if ( i < 0 || i >= results.size() )
			return results;
		final List< BlockResult > all = new ArrayList<>( results );
		all.set( ( int ) i, ofCancelled( ticket, results.get( ( int ) i ), python, worker ) );
		return all;
	}

	/**
	 * A block that is cancelled can end before its reader has been told.
	 */
	private BlockResult ofCancelled( final long ticket, final BlockResult result, final Interpreter python, final String worker )
	{
		final List< String > stack = python.control().stackOf( ticket );
		// Code that ends well after it was told to has caught the exception: nobody knows what it left out. It may also exit.
		final boolean timedOut = result.failure() == null ? stack != null : ENDS.contains( result.failure().getType() );
		return timedOut ? BlockResult.timedOut( worker, TimeoutWatch.describe( stack, ticket, this, python.control() ) ) : result;
	}

	/**
	 * @return number of blocks, or of other tasks
	 */
	int size()
	{
		return tasks.size();
	}

	/**
	 * @return code of the blocks
	 */
	Snippet snippet()
	{
		return block( 0 ).snippet();
	}

	boolean isBlocks()
	{
		return tasks.get( 0 ) instanceof BlockTask;
	}

	/**
	 * @param ticket
	 * 		of a block
	 * @return whether nobody waits for it any more
	 */
	boolean isDone( final long ticket )
	{
		return blockOf( ticket ).isDone();
	}

	/**
	 * @return whether nobody wants results of the code of its blocks any more
	 */
	boolean isDropped()
	{
		return isBlocks() && snippet().isDropped();
	}

	/**
	 * @return whether nobody wants one of its blocks any more
	 */
	boolean isCancelled()
	{
		for ( int i = 0; isBlocks() && i < tasks.size(); ++i )
			if ( block( i ).isCancelled() )
				return true;
		return false;
	}

	/**
	 * Ends the blocks whose code is dropped. Whoever computes them may go on.
	 */
	void drop()
	{
		for ( int i = 0; i < tasks.size(); ++i )
			block( i ).drop();
	}

	/**
	 * Ends the blocks whose code is dropped, and of which Python has seen nothing.
	 */
	void dropUnseen()
	{
		drop();
		for ( int i = 0; i < tasks.size(); ++i )
			block( i ).request().release( 0 );
	}

	/**
	 * Notes that a block is being cancelled because it takes too long.
	 *
	 * @param ticket
	 * 		of the block
	 */
	void cancel( final long ticket )
	{
		cancelledTicket = ticket;
	}

	/**
	 * Ends the block that takes too long.
	 *
	 * @param ticket
	 * 		of the block, 0 for all of them
	 */
	void expire( final long ticket, final BlockResult result )
	{
		if ( ticket != 0 )
			blockOf( ticket ).complete( result );
		else
			for ( int i = 0; i < tasks.size(); ++i )
				block( i ).complete( result );
	}

	/**
	 * Lets other workers compute the blocks that have not ended.
	 */
	void abandon()
	{
		if ( isBlocks() )
			fail( AbandonedException.INSTANCE );
	}

	/**
	 * Ends those of its tasks that have not ended.
	 */
	void fail( final Throwable reason )
	{
		tasks.forEach( task -> task.fail( reason ) );
	}

	private BlockTask blockOf( final long ticket )
	{
		return block( ( int ) Math.max( 0, Math.min( ticket - firstTicket, tasks.size() - 1 ) ) );
	}

	private BlockTask block( final int i )
	{
		return ( BlockTask ) tasks.get( i );
	}
}
