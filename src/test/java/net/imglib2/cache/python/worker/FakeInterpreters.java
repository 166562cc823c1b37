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

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.BiConsumer;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.LongUnaryOperator;
import java.util.function.Predicate;
import java.util.stream.Collectors;

import net.imglib2.FinalInterval;
import net.imglib2.cache.python.block.BlockArray;
import net.imglib2.cache.python.block.BlockMemory;
import net.imglib2.cache.python.block.DirectMemory;
import net.imglib2.cache.python.protocol.BlockRequest;
import net.imglib2.cache.python.protocol.BlockResult;
import net.imglib2.cache.python.protocol.PythonFailure;
import net.imglib2.cache.python.protocol.Snippet;
import net.imglib2.cache.python.type.PixelType;
import net.imglib2.type.numeric.integer.IntType;

/**
 * Makes {@link FakeInterpreter}s, says what they do, and records what they were asked
 * for.
 */
final class FakeInterpreters implements InterpreterFactory
{
	/**
	 * Code of a block.
	 */
	interface BlockCode
	{
		BlockResult compute( FakeInterpreter python, int number );
	}

	private final BlockMemory memory = new DirectMemory();

	volatile Runnable onCreate = () -> {};

	volatile Consumer< FakeInterpreter > onOpen = python -> {};

	volatile Consumer< FakeInterpreter > onInit = python -> {};

	volatile Consumer< Snippet > onCheck = snippet -> {};

	volatile BiConsumer< FakeInterpreter, String > onExec = ( python, code ) -> {};

	volatile Runnable onIsPrepared = () -> {};

	/**
	 * What code that shall be made ready fails with.
	 */
	volatile Function< FakeInterpreter, PythonFailure > onPrepare = python -> null;

	/**
	 * Whenever a worker asks how an interpreter has ended.
	 */
	volatile Consumer< FakeInterpreter > onLoss = python -> {};

	volatile Consumer< FakeInterpreter > onClose = python -> {};

	volatile BlockCode onBlock = ( python, number ) -> done( python );

	/**
	 * Before blocks are begun that may be polled.
	 */
	volatile Consumer< FakeInterpreter > onBegin = python -> {};

	/**
	 * Whether whoever polls is told how the blocks ended.
	 */
	volatile Predicate< FakeInterpreter > onPoll = python -> true;

	/**
	 * While the thread of a worker waits for blocks that were begun; gets what may be called
	 * meanwhile when they have ended.
	 */
	volatile BiConsumer< FakeInterpreter, BooleanSupplier > onAwait = ( python, goOn ) -> {};

	volatile LongUnaryOperator nanosOf = waited -> waited;

	volatile boolean drivable;

	volatile boolean sharesLock = true;

	volatile int maxLength = Integer.MAX_VALUE;

	/**
	 * How many share the processors; 0 if that was not told.
	 */
	volatile int numInterpreters;

	volatile Duration startupTimeout = Duration.ofMinutes( 1 );

	/**
	 * Uses of an interpreter that are not allowed.
	 */
	final ConcurrentLinkedQueue< String > misuse = new ConcurrentLinkedQueue<>();

	private final Map< String, FakeInterpreter > opened = new ConcurrentHashMap<>();

	private final Map< BlockRequest, Integer > numbers = Collections.synchronizedMap( new IdentityHashMap<>() );

	private final List< String > events = new ArrayList<>();

	static BlockResult done( final FakeInterpreter python )
	{
		return BlockResult.done( python.name, false );
	}

	@Override
	public Interpreter create( final String name )
	{
		onCreate.run();
		return new FakeInterpreter( name, this );
	}

	@Override
	public BlockMemory memory()
	{
		return memory;
	}

	@Override
	public boolean sharesLock()
	{
		return sharesLock;
	}

	@Override
	public void setNumInterpreters( final int numInterpreters )
	{
		this.numInterpreters = numInterpreters;
	}

	@Override
	public Duration startupTimeout()
	{
		return startupTimeout;
	}

	@Override
	public String toString()
	{
		return "a fake Python";
	}

	/**
	 * @return a request for a block of one pixel
	 */
	BlockRequest request( final Snippet snippet, final int number )
	{
		final BlockArray[] arrays = { BlockArray.output( PixelType.of( new IntType(), "image" ), memory.cell( Integer.BYTES ), new long[] { 1 } ) };
		final BlockRequest request = new BlockRequest( snippet, number, new FinalInterval( 1 ), new int[ 1 ], arrays );
		numbers.put( request, number );
		return request;
	}

	int numberOf( final BlockRequest request )
	{
		return numbers.get( request );
	}

	String describe( final List< BlockRequest > requests )
	{
		return requests.stream().map( request -> Integer.toString( numberOf( request ) ) ).collect( Collectors.joining( " " ) );
	}

	void opened( final FakeInterpreter python )
	{
		onOpen.accept( python );
		opened.put( role( python.name ), python );
		record( python, "open" );
	}

	/**
	 * @param role
	 * 		{@code worker_1}, {@code check}
	 * @return an interpreter that is open, or was
	 */
	FakeInterpreter get( final String role )
	{
		return opened.get( role );
	}

	synchronized void record( final FakeInterpreter python, final String event )
	{
		events.add( role( python.name ) + " " + event );
		notifyAll();
	}

	/**
	 * @return what the interpreters were asked for, in this order
	 */
	synchronized List< String > events( final Predicate< String > which )
	{
		return events.stream().filter( which ).collect( Collectors.toList() );
	}

	/**
	 * @return what was computed, call by call
	 */
	List< String > computed()
	{
		return events( event -> event.contains( " compute " ) ).stream().map( event -> event.replaceFirst( ".* compute ", "" ) ).collect( Collectors.toList() );
	}

	synchronized void await( final String event ) throws InterruptedException
	{
		while ( !events.contains( event ) )
			wait();
	}

	/**
	 * @return the name of a worker without that of its pool
	 */
	static String role( final String name )
	{
		return name.replaceFirst( "python_\\d+_", "" );
	}
}
