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

import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.function.LongConsumer;

/**
 * Calls a worker process by words in shared memory: the Java side of
 * {@code mailbox.py}, which says how both sides take turns. Used by one thread at a time;
 * one that waits may also ask whether there is an answer, which may then be that to an earlier
 * call.
 */
final class Mailbox
{
	static final int CALL = 0;

	private static final int NUM_ARGUMENTS = 1;

	static final int DONE = 8;

	private static final int STATUS = 9;

	private static final int NUM_FREED = 10;

	private static final int NANOS = 11;

	private static final int EMITTED = 16;

	static final int PYTHON_SLEEPS = 24;

	static final int JAVA_SLEEPS = 32;

	private static final int FREED = 64;

	private static final int MAX_FREED = 448;

	private static final int ARGUMENTS = 512;

	private static final int ARGUMENT_LENGTH = 5;

	/**
	 * More than the arrays that fit into a request.
	 */
	private static final int MAX_ARGUMENTS = 3000;

	private static final int LENGTH = 16384;

	/**
	 * Size of the memory, in bytes.
	 */
	static final int BYTES = LENGTH * Long.BYTES;

	/**
	 * In the pipes: wakes the other side.
	 */
	static final int SIGNAL = 0;

	/**
	 * In the pipes: four bytes of length, and a value, follow.
	 */
	static final int FRAME = 1;

	/**
	 * A status besides those of a worker: the call has raised something.
	 */
	static final int RAISED = 3;

	/**
	 * How long each side looks at the words before it sleeps: about as long as it takes
	 * to be woken. Python does so for longer after a long call.
	 */
	private static final long SPIN_NANOS = 50_000;

	/**
	 * Java looks at the words for an eighth of the time that a call should take, before and
	 * after its expected end. This is the divisor.
	 */
	private static final int AROUND_DIVISOR = 8;

	/**
	 * But at least for so many times {@link #SPIN_NANOS}.
	 */
	private static final int MIN_SPINS_AROUND = 3;

	/**
	 * And at most for so many times {@link #SPIN_NANOS}.
	 */
	private static final int MAX_SPINS_AROUND = 20;

	private final SharedWords words;

	private final WorkerProcess process;

	private final long spinNanos;

	private final boolean byWords;

	private long calls;

	/**
	 * When the last call began.
	 */
	private long callNanos;

	/**
	 * How many signals had come when the last call began.
	 */
	private long signals;

	private final BooleanSupplier answered = this::isAnswered;

	/**
	 * @param memory
	 * 		{@value #BYTES} bytes in native byte order, filled with zeros, which Python sees
	 * @param process
	 * 		the process
	 * @param spinNanos
	 * 		see {@link #spinNanos()}
	 * @param byWords
	 * 		see {@link #byWords()}
	 */
	Mailbox( final ByteBuffer memory, final WorkerProcess process, final long spinNanos, final boolean byWords )
	{
		words = SharedWords.in( memory );
		this.process = process;
		this.spinNanos = spinNanos;
		this.byWords = byWords;
	}

	/**
	 * @return how long both sides look at the words before they sleep. On one processor,
	 *         the other side could not go on meanwhile.
	 */
	static long spinNanos()
	{
		return Runtime.getRuntime().availableProcessors() > 1 ? SPIN_NANOS : 0;
	}

	/**
	 * @return whether the words tell of calls and answers; else only the pipes do. Python
	 *         promises nothing about the order of words, but these processors do.
	 */
	static boolean byWords()
	{
		final String architecture = System.getProperty( "os.arch", "" ).toLowerCase( Locale.ROOT );
		return architecture.equals( "amd64" ) || architecture.equals( "x86_64" );
	}

	/**
	 * @return what Python compares with its own numbers
	 */
	static Map< String, Integer > constants()
	{
		final Map< String, Integer > constants = new LinkedHashMap<>();
		constants.put( "CALL", CALL );
		constants.put( "NUM_ARGUMENTS", NUM_ARGUMENTS );
		constants.put( "DONE", DONE );
		constants.put( "STATUS", STATUS );
		constants.put( "NUM_FREED", NUM_FREED );
		constants.put( "NANOS", NANOS );
		constants.put( "EMITTED", EMITTED );
		constants.put( "PYTHON_SLEEPS", PYTHON_SLEEPS );
		constants.put( "JAVA_SLEEPS", JAVA_SLEEPS );
		constants.put( "FREED", FREED );
		constants.put( "MAX_FREED", MAX_FREED );
		constants.put( "ARGUMENTS", ARGUMENTS );
		constants.put( "ARGUMENT_LENGTH", ARGUMENT_LENGTH );
		constants.put( "MAX_ARGUMENTS", MAX_ARGUMENTS );
		constants.put( "LENGTH", LENGTH );
		constants.put( "SIGNAL", SIGNAL );
		constants.put( "FRAME", FRAME );
		constants.put( "RAISED", RAISED );
		return constants;
	}

	/**
	 * @param i
	 * 		number of an argument of the next call
	 * @param span
	 * 		where it lies
	 * @param writable
	 * 		whether Python may write into it
	 * @param number
	 * 		what Python calls it when nobody sees it any more
	 */
	void putArgument( final int i, final SharedArena.Span span, final boolean writable, final long number )
	{
		final int at = ARGUMENTS + ARGUMENT_LENGTH * i;
		words.set( at, span.segmentStart );
		words.set( at + 1, span.segmentLength );
		words.set( at + 2, span.offset );
		words.set( at + 3, 2 * span.length + ( writable ? 1 : 0 ) );
		words.set( at + 4, number );
	}

	/**
	 * Lets Python compute the blocks of the request, and returns at once.
	 *
	 * @param numArguments
	 * 		number of arguments that were put
	 */
	void call( final int numArguments )
	{
		callNanos = System.nanoTime();
		words.set( NUM_ARGUMENTS, numArguments );
		signals = process.signals();
		words.set( CALL, ++calls );
		if ( !byWords || words.get( PYTHON_SLEEPS ) != 0 )
			process.signal();
	}

	/**
	 * @return whether Python has answered the last call
	 */
	boolean isAnswered()
	{
		return ( byWords || process.signals() != signals ) && words.get( DONE ) == calls;
	}

	/**
	 * Waits for the answer to the last call. Polls for it when it may come, because to be
	 * woken takes long, the longer the processor has slept.
	 *
	 * @param expectedNanos
	 * 		about how long the call takes, 0 if the answer may come soon
	 * @param isProcessorLeft
	 * 		whether there is a processor for polling for an answer that comes later
	 * @return {@code false} if the process is dead and has not answered
	 */
	boolean await( final long expectedNanos, final BooleanSupplier isProcessorLeft )
	{
		look( expectedNanos, isProcessorLeft );
		return isAnswered() || sleep( Long.MAX_VALUE );
	}

	/**
	 * Like {@link #await}, but when the answer comes while this thread sleeps, another one goes
	 * on, which may call again.
	 *
	 * @param goOn
	 * 		returns whether it has called; else this thread is woken, as it is if the process is
	 * 		dead
	 */
	void relay( final long expectedNanos, final BooleanSupplier isProcessorLeft, final BooleanSupplier goOn )
	{
		look( expectedNanos, isProcessorLeft );
		if ( isAnswered() )
			return;
		process.prepareToWait();
		words.set( JAVA_SLEEPS, 1 );
		process.relay( answered, goOn );
		words.set( JAVA_SLEEPS, 0 );
	}

	private void look( final long expectedNanos, final BooleanSupplier isProcessorLeft )
	{
		if ( byWords && expectedNanos == 0 )
			poll( System.nanoTime() + spinNanos );
		else if ( byWords && isProcessorLeft.getAsBoolean() )
		{
			final long around = Math.min( Math.max( MIN_SPINS_AROUND * spinNanos, expectedNanos / AROUND_DIVISOR ), MAX_SPINS_AROUND * spinNanos );
			final long begin = callNanos + expectedNanos - around;
			if ( !sleep( begin ) && process.death() == null && isProcessorLeft.getAsBoolean() )
				poll( begin + 2 * around );
		}
	}

	private void poll( final long end )
	{
		while ( !isAnswered() && System.nanoTime() - end < 0 )
			// There may be no more processors than threads that have work to do.
			Thread.yield();
	}

	/**
	 * @param end
	 * 		in terms of {@link System#nanoTime()}; {@link Long#MAX_VALUE} for none
	 * @return whether Python has answered; {@code false} at the end, or if the process is
	 *         dead
	 */
	private boolean sleep( final long end )
	{
		process.prepareToWait();
		words.set( JAVA_SLEEPS, 1 );
		final boolean done = process.await( answered, end );
		words.set( JAVA_SLEEPS, 0 );
		return done;
	}

	/**
	 * @return status that Python has answered
	 */
	int status()
	{
		return ( int ) words.get( STATUS );
	}

	/**
	 * @return how long Python has taken for the last call, in nanoseconds
	 */
	long nanos()
	{
		return words.get( NANOS );
	}

	/**
	 * @param action
	 * 		gets the numbers of the arguments, of any call, that nobody sees any more
	 */
	void forEachFreed( final LongConsumer action )
	{
		final int freed = ( int ) words.get( NUM_FREED );
		for ( int i = 0; i < freed; ++i )
			action.accept( words.get( FREED + i ) );
	}

	/**
	 * @return how many lines Python code has printed
	 */
	long emitted()
	{
		return words.get( EMITTED );
	}
}
