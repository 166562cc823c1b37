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

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

import net.imglib2.cache.python.ChildJvm;
import net.imglib2.cache.python.environment.PythonSources;
import net.imglib2.cache.python.worker.LibraryThreads;

/**
 * Trips from Java to Python and back by the {@link Mailbox} and {@code mailbox.py}. Each side
 * lets the other wait for about as long as it looks at the words before it sleeps, a random time
 * for each trip, so that one is often about to sleep when the other one wants to wake it. Nobody
 * looks again from time to time, as a worker does: a signal that is lost is the end.
 * <p>
 * Arguments: number of trips; microseconds for which each side looks at the words.
 */
final class LostSignalsMain
{
	/**
	 * Nothing takes so long, even on a busy machine.
	 */
	private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos( 30 );

	private static final String MARK = "\u001ethe mark of a test";

	/**
	 * Arguments: folder of the modules; file, segment and place of the words; nanoseconds to look
	 * at them; mark.
	 */
	private static final String PROGRAM = """
			import contextlib
			import os
			import random
			import sys
			from time import perf_counter_ns

			sys.path.insert(0, sys.argv[1])
			from imglib2_cache_python._process import life, mailbox
			from imglib2_cache_python._process.memory import SharedMemory

			requests, replies = life.move_pipes()
			life.end_with_the_jvm()
			# On one processor, neither side has time to sleep.
			if hasattr(os, "sched_setaffinity"):
			    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
			mailbox._PAUSE = mailbox._LONG_PAUSE = 10**8
			file, (start, length, offset, size, spin), mark = sys.argv[2], map(int, sys.argv[3:8]), sys.argv[8]
			words = memoryview(SharedMemory(file).array(start, length, offset, size, writable=True)).cast("q")
			box = mailbox.Mailbox(words, mailbox.Pipe(requests), replies, spin_nanos=spin, by_words=True)
			box.begin(mark)
			last = 0
			with contextlib.suppress(EOFError):
			    while True:
			        frame = box.next(last, 0)
			        if frame is not None:
			            box.reply(frame)
			            continue
			        last = words[mailbox.CALL]
			        end = perf_counter_ns() + random.randrange(spin // 5 * 2, spin // 5 * 8)
			        while perf_counter_ns() < end:
			            pass
			        box.answer(last, last % 1000)
			""";

	/**
	 * Number of calls, some of which were not made by the thread that waits for them.
	 */
	private volatile int calls;

	/**
	 * Number of answers.
	 */
	private volatile int trips;

	private LostSignalsMain()
	{}

	public static void main( final String... args ) throws Exception
	{
		new LostSignalsMain().run( Integer.parseInt( args[ 0 ] ), TimeUnit.MICROSECONDS.toNanos( Long.parseLong( args[ 1 ] ) ) );
	}

	private void run( final int numTrips, final long spinNanos ) throws Exception
	{
		final SharedArena arena = TestArenas.ofSize( 4 * TestArenas.MIB );
		final ByteBuffer memory = arena.allocate( Mailbox.BYTES );
		final SharedArena.Span span = arena.spanOf( memory );
		final List< String > command = new ArrayList<>( Arrays.asList( ChildJvm.testPython().toString(), "-I", "-c", PROGRAM, PythonSources.location(), arena.path().toString() ) );
		for ( final long number : new long[] { span.segmentStart, span.segmentLength, span.offset, span.length, spinNanos } )
			command.add( Long.toString( number ) );
		command.add( MARK );
		final WorkerProcess process = new WorkerProcess( "trips", ProcessStarter.get( ProcessStarter.start( new ProcessBuilder( command ) ) ), MARK, System.out::println, System.out::println );
		try
		{
			process.lookEvery( Long.MAX_VALUE );
			// Until Python is ready.
			process.call( MARK.getBytes( UTF_8 ) );
			final Thread watch = LibraryThreads.create( "watch", () -> watch( SharedWords.in( memory ) ) );
			watch.start();
			final long start = System.nanoTime();
			final Mailbox mailbox = new Mailbox( memory, process, spinNanos, true );
			final Random random = new Random( numTrips );
			while ( trips < numTrips )
			{
				call( mailbox, random, spinNanos );
				final long expectedNanos = random.nextInt( 6 ) * spinNanos;
				// Some calls follow others while this thread sleeps.
				if ( random.nextBoolean() )
					mailbox.relay( expectedNanos, random::nextBoolean, () -> {
						requireAnswer( mailbox );
						final boolean goesOn = trips < numTrips && random.nextInt( 4 ) != 0;
						if ( goesOn )
							call( mailbox, random, spinNanos );
						return goesOn;
					} );
				if ( trips == calls )
					continue;
				if ( !mailbox.await( expectedNanos, random::nextBoolean ) )
					throw new AssertionError( "Python ended at call " + calls );
				requireAnswer( mailbox );
			}
			System.out.printf( "%d trips in %.0f s, %d of them with a signal to Java%n", trips, ( System.nanoTime() - start ) / 1e9, process.signals() );
		}
		finally
		{
			process.end();
		}
		System.out.println( "no signal was lost" );
	}

	private void call( final Mailbox mailbox, final Random random, final long spinNanos )
	{
		final long end = System.nanoTime() + spinNanos / 5 * 2 + random.nextInt( ( int ) spinNanos / 5 * 6 );
		while ( System.nanoTime() < end )
			Thread.onSpinWait();
		++calls;
		mailbox.call( 0 );
	}

	private void requireAnswer( final Mailbox mailbox )
	{
		final int status = mailbox.status();
		if ( !mailbox.isAnswered() || status != calls % 1000 )
			throw new AssertionError( "answer " + status + " to call " + calls );
		trips = calls;
	}

	/**
	 * Ends this JVM if no trip ends for long.
	 */
	private void watch( final SharedWords words )
	{
		int before = -1;
		while ( true )
		{
			final int now = trips;
			if ( now == before )
			{
				System.out.println( "trip " + ( now + 1 ) + " does not end: call " + words.get( Mailbox.CALL ) + ", answer " + words.get( Mailbox.DONE )
						+ ", sleeping: Java " + words.get( Mailbox.JAVA_SLEEPS ) + ", Python " + words.get( Mailbox.PYTHON_SLEEPS ) );
				Runtime.getRuntime().halt( 1 );
			}
			before = now;
			LockSupport.parkNanos( PATIENCE_NANOS );
		}
	}
}
