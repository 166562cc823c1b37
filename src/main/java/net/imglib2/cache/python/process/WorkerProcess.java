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
package net.imglib2.cache.python.process;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.logging.Level;
import java.util.logging.Logger;

import net.imglib2.cache.python.worker.LibraryThreads;

/**
 * A process that runs {@code _process/program.py}: what it prints and answers, and its
 * end. One thread at a time calls it; any thread may kill it.
 */
final class WorkerProcess
{
	private static final Logger LOG = Logger.getLogger( WorkerProcess.class.getName() );

	/**
	 * Nothing is waited for without looking again.
	 */
	private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos( 100 );

	/**
	 * How long a dead process' pipes are read: other processes that it has started can
	 * hold them.
	 */
	private static final long PIPES_MILLIS = 200;

	/**
	 * How long a process may take to end when its pipe is closed.
	 */
	static final long END_MILLIS = 1000;

	private static final byte[] SIGNAL = { Mailbox.SIGNAL };

	private final Process process;

	private final OutputStream requests;

	private final Replies replies;

	private final OutputLines lines;

	private final StackFile stacks;

	private final Queue< Future< ? > > later = new ConcurrentLinkedQueue<>();

	private final Thread pump;

	private final Thread listener;

	private final Thread watcher;

	private volatile Death death;

	private volatile long pid;

	private long lookNanos = LOOK_NANOS;

	/**
	 * Of the lines that were printed, how many are not waited for again.
	 */
	private long awaitedLines;

	/**
	 * @param name
	 * 		name of the worker
	 * @param process
	 * 		has just been started; ends if this fails
	 * @param mark
	 * 		what precedes the answers and the lines of Python code
	 * @param out
	 * 		gets the lines of the standard output
	 * @param err
	 * 		gets the lines of the standard error
	 * @throws IOException
	 * 		if the file of its stacks cannot be made
	 * @throws OutOfMemoryError
	 * 		also if the system has no more threads
	 */
	WorkerProcess( final String name, final Process process, final String mark, final Consumer< String > out, final Consumer< String > err ) throws IOException
	{
		this.process = process;
		replies = new Replies( mark );
		lines = new OutputLines( mark, out, err );
		StackFile file = null;
		boolean complete = false;
		try
		{
			file = new StackFile();
			stacks = file;
			requests = process.getOutputStream();
			pump = LibraryThreads.create( name + "_output", this::pump );
			listener = LibraryThreads.create( name + "_answers", this::listen );
			watcher = LibraryThreads.create( name + "_process", this::watch );
			pump.start();
			listener.start();
			watcher.start();
			complete = true;
		}
		finally
		{
			// The threads that have been started end with it.
			if ( !complete )
				process.destroyForcibly();
			if ( !complete && file != null )
				file.close();
		}
	}

	/**
	 * @return file into which Python writes its stack when it crashes, or is asked
	 */
	Path stackFile()
	{
		return stacks.path();
	}

	/**
	 * The process is ready, and has the file of its stacks open.
	 */
	void ready( final long itsPid )
	{
		pid = itsPid;
		stacks.deleteName();
	}

	// ------------------------------------------------- on the calling thread

	/**
	 * Tests look so rarely that a signal that is lost is found out.
	 */
	void lookEvery( final long nanos )
	{
		lookNanos = nanos;
	}

	/**
	 * @return how many signals have come
	 */
	long signals()
	{
		return replies.signals();
	}

	/**
	 * Wakes the process.
	 */
	void signal()
	{
		write( SIGNAL );
	}

	/**
	 * From now on, the calling thread is woken by signals.
	 */
	void prepareToWait()
	{
		replies.prepareToWait();
	}

	/**
	 * Sends a frame and waits for another one.
	 *
	 * @param frame
	 * 		what to send
	 * @return the answer, or {@code null} if the process is dead
	 */
	byte[] call( final byte[] frame )
	{
		replies.clearFrame();
		prepareToWait();
		final ByteBuffer message = ByteBuffer.allocate( 1 + Integer.BYTES + frame.length );
		message.put( ( byte ) Mailbox.FRAME ).putInt( frame.length ).put( frame );
		write( message.array() );
		return await( () -> replies.frame() != null ) ? replies.frame() : null;
	}

	/**
	 * Waits for an answer, after {@link #prepareToWait()}.
	 *
	 * @param answered
	 * 		whether it has come
	 * @return {@code false} if the process is dead and has not answered
	 */
	boolean await( final BooleanSupplier answered )
	{
		return await( answered, Long.MAX_VALUE );
	}

	/**
	 * Waits for an answer, after {@link #prepareToWait()}, but not for ever.
	 *
	 * @param answered
	 * 		whether it has come
	 * @param end
	 * 		in terms of {@link System#nanoTime()}; {@link Long#MAX_VALUE} for none
	 * @return {@code false} at the end, or if the process is dead and has not answered
	 */
	boolean await( final BooleanSupplier answered, final long end )
	{
		boolean interrupted = false;
		try
		{
			while ( !answered.getAsBoolean() )
			{
				if ( death != null )
					return answered.getAsBoolean();
				final long nanos = end == Long.MAX_VALUE ? lookNanos : Math.min( lookNanos, end - System.nanoTime() );
				if ( nanos <= 0 )
					return false;
				LockSupport.parkNanos( this, nanos );
				interrupted |= Thread.interrupted();
			}
			return true;
		}
		finally
		{
			if ( interrupted )
				Thread.currentThread().interrupt();
		}
	}

	/**
	 * Waits for an answer, after {@link #prepareToWait()}. When it comes, the thread that reads
	 * the pipe goes on, see {@link Relay#begin}.
	 *
	 * @param answered
	 * 		whether it has come
	 * @param goOn
	 * 		returns whether to wait for another answer; else this returns, as it does if the
	 * 		process is dead
	 */
	void relay( final BooleanSupplier answered, final BooleanSupplier goOn )
	{
		final Relay relay = replies.relay();
		relay.begin( answered, goOn );
		try
		{
			await( () -> relay.isOver() || answered.getAsBoolean() && relay.tryEnd() );
		}
		finally
		{
			relay.end();
		}
	}

	/**
	 * @param emitted
	 * 		how many lines were printed
	 * @return whether one of them has not been handed over
	 */
	boolean isLineMissing( final long emitted )
	{
		return lines.delivered() < emitted;
	}

	/**
	 * Waits until lines that were printed have been handed over, but not for ever.
	 *
	 * @param emitted
	 * 		how many there were
	 */
	void awaitLines( final long emitted )
	{
		if ( emitted == awaitedLines || !isLineMissing( emitted ) )
			return;
		final long start = System.nanoTime();
		while ( lines.delivered() < emitted && pump.isAlive() && System.nanoTime() - start < TimeUnit.MILLISECONDS.toNanos( END_MILLIS ) )
			LockSupport.parkNanos( TimeUnit.MICROSECONDS.toNanos( 50 ) );
		// Else they come late, because whoever gets them takes long.
		if ( isLineMissing( emitted ) && ( lines.isAllHandedOver() || !pump.isAlive() ) )
			lines.skipTo( emitted );
		awaitedLines = emitted;
	}

	private void write( final byte[] message )
	{
		try
		{
			requests.write( message );
			requests.flush();
		}
		catch ( final IOException e )
		{
			// It is dead or about to end; if it is not, it cannot be used.
			later( this::kill );
		}
	}

	// ---------------------------------------------------------------- its end

	/**
	 * @return how it has ended, or {@code null} if it has not
	 */
	Death death()
	{
		return death;
	}

	/**
	 * @return whether it has ended; then {@link #death()} tells how
	 */
	boolean isDead()
	{
		if ( death == null && process.isAlive() )
			return false;
		prepareToWait();
		await( () -> death != null );
		return true;
	}

	/**
	 * Closes the pipe, so that the process ends, and waits for that; kills it if it
	 * takes long.
	 */
	void end()
	{
		later( this::kill );
		prepareToWait();
		closeRequests();
		await( () -> death != null );
		try
		{
			// It has told of the death, and has nothing else to do.
			watcher.join( END_MILLIS );
		}
		catch ( final InterruptedException e )
		{
			Thread.currentThread().interrupt();
		}
	}

	/**
	 * Ends the process at once, whatever it does.
	 */
	void kill()
	{
		Signals.kill( process );
	}

	/**
	 * Does something after a second, unless the process has ended before. So a process that
	 * has ended keeps nothing in memory.
	 */
	void later( final Runnable action )
	{
		later.removeIf( Future::isDone );
		later.add( ProcessStarter.later( action, END_MILLIS ) );
		// Either the end of the process finds it, or is seen here.
		if ( death != null )
			cancelLater();
	}

	private void cancelLater()
	{
		for ( Future< ? > action = later.poll(); action != null; action = later.poll() )
			action.cancel( false );
	}

	/**
	 * Lets Python write its stack.
	 *
	 * @return whether it was asked; not if the process has ended, or there are no signals
	 */
	boolean askForStack()
	{
		return Signals.terminate( process, pid );
	}

	/**
	 * @return how much Python has written into the file of its stacks
	 */
	long lengthOfStacks()
	{
		return stacks.length();
	}

	/**
	 * @param start
	 * 		how much Python had written before
	 * @return what it has written into the file of its stacks since
	 */
	String stacksSince( final long start )
	{
		return stacks.textSince( start );
	}

	private void closeRequests()
	{
		try
		{
			requests.close();
		}
		catch ( final IOException e )
		{
			// It is dead.
		}
	}

	// ------------------------------------------------------------ other threads

	private void pump()
	{
		try
		{
			lines.pump( process.getErrorStream() );
		}
		catch ( final IOException e )
		{
			// The pipe was closed.
		}
		catch ( final OutOfMemoryError e )
		{
			// Nobody reads any more, so that it would wait for ever as soon as the pipe is full.
			kill();
			LOG.log( Level.SEVERE, "A worker process is killed, because what it prints is too large for the memory of this JVM", e );
		}
	}

	private void listen()
	{
		try
		{
			replies.readFrom( process.getInputStream() );
		}
		catch ( final Replies.UnknownReplyException e )
		{
			kill();
			LOG.severe( "A worker process is killed, because " + e.getMessage() );
		}
		catch ( final IOException e )
		{
			// The end of the pipe: the process is dead or about to end.
		}
		catch ( final OutOfMemoryError e )
		{
			kill();
			LOG.log( Level.SEVERE, "A worker process is killed, because its answer is too large for the memory of this JVM", e );
		}
	}

	private void watch()
	{
		int exitCode = 0;
		for ( boolean ended = false; !ended; )
			try
			{
				exitCode = process.waitFor();
				pump.join( PIPES_MILLIS );
				listener.join( PIPES_MILLIS );
				ended = true;
			}
			catch ( final InterruptedException e )
			{
				// Nobody has a reason to interrupt this thread.
			}
		// Whoever waits for the end is told of it, without the stacks if there is no memory for them.
		while ( death == null )
			try
			{
				closeRequests();
				stacks.close();
				death = new Death( exitCode, lines.last() );
			}
			catch ( final OutOfMemoryError e )
			{
				Thread.yield();
			}
		cancelLater();
		replies.wake();
	}
}
