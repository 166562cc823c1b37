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

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import net.imglib2.AbstractInterval;
import net.imglib2.FinalInterval;
import net.imglib2.Interval;
import net.imglib2.cache.python.Backend;
import net.imglib2.cache.python.PythonClosedException;
import net.imglib2.cache.python.PythonLoaderOptions;
import net.imglib2.cache.python.block.BlockArray;
import net.imglib2.cache.python.block.CellMemory;
import net.imglib2.cache.python.block.Lease;
import net.imglib2.cache.python.protocol.BlockRequest;
import net.imglib2.cache.python.protocol.BlockResult;
import net.imglib2.cache.python.protocol.CellCode;
import net.imglib2.cache.python.protocol.Protocol;
import net.imglib2.cache.python.protocol.PythonFailure;
import net.imglib2.cache.python.protocol.RequestCodec;
import net.imglib2.cache.python.protocol.Snippet;
import net.imglib2.cache.python.trust.TrustPolicy;
import net.imglib2.cache.python.type.PixelType;
import net.imglib2.type.numeric.integer.IntType;
import net.imglib2.type.numeric.integer.Unsigned128BitType;
import net.imglib2.util.Intervals;

/**
 * Small blocks, of which a worker computes several by one call.
 */
@Tag( "each-mode" )
@Timeout( 60 )
class SmallBlocksTest
{
	private static final PixelType< IntType > TYPE = PixelType.of( new IntType(), "the image" );

	private static final long[] DIMS = { 3, 2 };

	/**
	 * Bytes of memories that no other test uses.
	 */
	private static final int UNUSUAL = 7 * 16 * 1024;

	/**
	 * The frame of each step is another one.
	 */
	private static final String INIT = """
			import gc, sys
			chosen = set()
			kept = []
			calls = []
			def note_call():
			    frame = sys._getframe()
			    while frame.f_code.co_name != 'step':
			        frame = frame.f_back
			    if not calls or calls[-1][0] is not frame:
			        calls.append([frame, 0])
			    calls[-1][1] += 1
			""";

	private WorkerPool pool;

	@BeforeEach
	void open()
	{
		pool = new WorkerPool( 1, TrustPolicy.ofThisJvm().requireCode( "The init code", INIT ), Backend.ofTheTests(), () -> {} );
	}

	@AfterEach
	void close()
	{
		pool.close();
	}

	@Test
	void noCallComputesMoreBlocksThanThereIsRoomForTheirResults() throws Exception
	{
		final List< Block > blocks = blocks( small( "block.data[...] = block.index\nnote_call()" ), 10 * Protocol.MAX_BLOCKS + 1 );
		compute( blocks );
		for ( final Block block : blocks )
			block.assertHas( block.index );
		assertEquals( Protocol.MAX_BLOCKS, value( "max(blocks for call, blocks in calls)", Integer.class ) );
		assertEquals( blocks.size(), value( "sum(blocks for call, blocks in calls)", Integer.class ) );
	}

	/**
	 * Of more than a hundred inputs, several blocks do not fit into one request.
	 */
	@ParameterizedTest
	@ValueSource( ints = { 62, 63, 64, 65, 101, 300, 1300 } )
	void blocksWithManyInputsAreComputed( final int numInputs ) throws Exception
	{
		final Snippet snippet = small( "block.data[...] = sum(int(a[0, 0]) for a in block.inputs)" );
		final List< Block > blocks = new ArrayList<>();
		for ( int i = 0; i < 12; ++i )
		{
			// Of various sizes, so that each comes with its layout.
			final Block block = new Block( snippet, i, 1 + i / 4, 1 + i % 4 );
			for ( int k = 0; k < numInputs; ++k )
				block.addInput( 48, 10_000 * i + k );
			blocks.add( block );
		}
		compute( blocks );
		for ( final Block block : blocks )
			block.assertHas( numInputs * ( 10_000 * block.index + ( numInputs - 1 ) / 2. ) );
	}

	@ParameterizedTest
	@ValueSource( ints = { 1, 2, 5, 20, 62 } )
	void asManyInputsAsAreAllowedFitIntoARequest( final int numDimensions ) throws Exception
	{
		final int most = Integer.parseInt( assertThrows( IllegalArgumentException.class, () -> BlockRequest.requireNotTooMany( 1 << 20, numDimensions ) )
				.getMessage().replaceFirst( ".*at most (\\d+) are possible.*", "$1" ) );
		BlockRequest.requireNotTooMany( most, numDimensions );
		final long[] dims = new long[ numDimensions ];
		Arrays.fill( dims, 1 );
		// Their pixels have components, which are another axis.
		final PixelType< Unsigned128BitType > wide = PixelType.of( new Unsigned128BitType(), "an input" );
		final Block block = new Block( small( "block.data[...] = sum(bool(a.any()) for a in block.inputs)" ), 0, dims );
		for ( int k = 0; k < most; ++k )
		{
			final Lease lease = pool.memory().lease( 2 * Long.BYTES );
			lease.buffer().putInt( 0, 1 );
			block.arrays.add( BlockArray.input( wide, lease, dims ) );
		}
		compute( Collections.singletonList( block ) );
		block.assertHas( most );
	}

	@Test
	void exactlyTheReadersOfBlocksThatFailAreTold() throws Exception
	{
		final Snippet snippet = small( "block.data[...] = block.index\nnote_call()\nif block.index in chosen: raise KeyError(block.index)" );
		final Random random = new Random( 1 );
		for ( int round = 0; round < 5 * Protocol.MAX_BLOCKS; ++round )
		{
			// Each alone, then several of them.
			final Set< Integer > failing = new TreeSet<>();
			for ( int i = 0; i < Protocol.MAX_BLOCKS; ++i )
				if ( round < Protocol.MAX_BLOCKS ? i == round : random.nextBoolean() )
					failing.add( i );
			exec( "calls.clear(); chosen.clear(); chosen.update(" + new ArrayList<>( failing ) + ")" );
			final List< Block > blocks = blocks( snippet, Protocol.MAX_BLOCKS );
			compute( blocks );
			final List< String > expected = new ArrayList<>();
			final List< String > actual = new ArrayList<>();
			for ( int i = 0; i < Protocol.MAX_BLOCKS; ++i )
			{
				expected.add( failing.contains( i ) ? "KeyError: " + i : "done" );
				final PythonFailure failure = blocks.get( i ).result.failure();
				actual.add( failure == null ? "done" : failure.getType() + ": " + failure.getMessage() );
				if ( failure == null )
					blocks.get( i ).assertHas( i );
			}
			assertEquals( expected, actual );
			assertEquals( 1, value( "len(calls)", Integer.class ), "number of calls" );
		}
	}

	@Test
	void exactlyWhatPythonHasKeptIsNotReused() throws Exception
	{
		final Snippet snippet = small( "if block.index in chosen: kept.append((block.data, block.inputs[0]))" );
		for ( int keeping = 0; keeping < Protocol.MAX_BLOCKS; ++keeping )
		{
			exec( "chosen.clear(); chosen.add(" + keeping + ")" );
			final List< Block > blocks = blocks( snippet, Protocol.MAX_BLOCKS );
			final Set< Integer > expected = new TreeSet<>();
			for ( final Block block : blocks )
			{
				block.arrays.set( 0, BlockArray.output( TYPE, pool.memory().lease( UNUSUAL ), DIMS ) );
				block.addInput( UNUSUAL, ( int ) block.index );
				if ( block.index != keeping )
					expected.add( ( int ) block.index );
			}
			compute( blocks );
			for ( final Block block : blocks )
				assertEquals( block.index == keeping, block.result.outputEscaped(), "block " + block.index + " where block " + keeping + " keeps its arrays" );
			// What went back to the pool comes out of it first, with its pixels.
			final Set< Integer > reused = new TreeSet<>();
			for ( int i = 0; i < expected.size(); ++i )
				reused.add( pool.memory().lease( UNUSUAL ).buffer().getInt( 0 ) );
			assertEquals( expected, reused, "inputs of which blocks are reused" );
		}
	}

	@Test
	void allInputsThatAreWatchedGoBackWhenPythonLetsGo() throws Exception
	{
		final Snippet snippet = small( "kept.append(block.inputs[0])\nblock.data[...] = block.inputs[0][0, 0]" );
		final Set< Buffer > before = memories( computeWithInput( snippet, Protocol.MAX_RETAINED ) );
		exec( "kept.clear()" );
		small( "pass" );
		final Set< Buffer > after = memories( computeWithInput( snippet, Protocol.MAX_RETAINED ) );
		assertEquals( Protocol.MAX_RETAINED, before.size() );
		after.removeAll( before );
		assertEquals( 0, after.size(), "number of memories that did not come back" );
	}

	@Test
	void inputsThatAreRetainedForGoodNeverChange() throws Exception
	{
		final Snippet snippet = small( "kept.append((block.inputs[0], block.inputs[0].copy()))\nblock.data[...] = block.inputs[0][0, 0]" );
		computeWithInput( snippet, 5 * Protocol.MAX_RETAINED );
		exec( "del kept[::2]" );
		computeWithInput( snippet, 5 * Protocol.MAX_RETAINED );
		assertKeptIsUnchanged();
		// More at once than there is room to report.
		exec( "kept.clear()" );
		final List< Block > blocks = blocks( small( "block.data[...] = block.index" ), Protocol.MAX_BLOCKS );
		compute( blocks );
		for ( final Block block : blocks )
		{
			assertNull( block.result.failure() );
			block.assertHas( block.index );
		}
	}

	@Test
	void inputsThatAreKeptNeverChangeHoweverManyABlockHas() throws Exception
	{
		// The mask of what is watched has fewer bits.
		final int numInputs = 3 * Long.SIZE;
		final Snippet snippet = small( "kept.extend((a, a.copy()) for a in block.inputs[block.index::7])\nblock.data[...] = sum(int(a[0, 0]) for a in block.inputs)" );
		for ( int i = 0; i < 21; ++i )
		{
			final Block block = new Block( snippet, i % 7, DIMS );
			for ( int k = 0; k < numInputs; ++k )
				block.addInput( 24, 1000 * i + k );
			compute( Collections.singletonList( block ) );
			block.assertHas( numInputs * ( 1000 * i + ( numInputs - 1 ) / 2. ) );
		}
		assertKeptIsUnchanged();
	}

	@Test
	void thousandsOfLayoutsAreToldApartAndNotAllKept() throws Exception
	{
		final Snippet snippet = small( "assert block.data.shape == block.dim\nblock.data[...] = block.index" );
		final String layouts = "sum(type(o).__name__ == 'Layout' for o in gc.get_objects())";
		final int before = value( layouts, Integer.class );
		final List< Block > blocks = new ArrayList<>();
		for ( int i = 0; i < 2500; ++i )
			blocks.add( new Block( snippet, i, 1 + i / 50, 1 + i % 50 ) );
		final Random random = new Random( 1 );
		for ( int round = 0; round < 3; ++round )
		{
			Collections.shuffle( blocks, random );
			// By calls of up to as many blocks, which differ in their layouts.
			final int together = round == 0 ? 1 : 100;
			for ( int from = 0; from < blocks.size(); from += together )
				compute( blocks.subList( from, from + together ) );
			for ( final Block block : blocks )
			{
				assertNull( block.result.failure(), () -> block.result.failure().describe() );
				block.assertHas( block.index );
			}
		}
		final int added = value( layouts, Integer.class ) - before;
		assertTrue( added <= 1000, () -> added + " layouts are kept" );
	}

	/**
	 * The worker has taken the first block, and looks whether the second one fits, when
	 * the queue is closed.
	 */
	@ParameterizedTest
	@ValueSource( booleans = { true, false } )
	void blocksThatAWorkerIsAboutToComputeWhenTheQueueIsClosedEnd( final boolean fits ) throws Exception
	{
		final List< Block > blocks = blocks( small( "block.data[...] = 1" ), 3 );
		final int[] asked = { 0 };
		blocks.get( 1 ).cell = new AbstractInterval( new FinalInterval( DIMS ) )
		{
			@Override
			public int numDimensions()
			{
				if ( !Worker.isThisThread() )
					return super.numDimensions();
				if ( asked[ 0 ]++ == 0 )
					pool.close();
				// So many axes that the block does not fit.
				return fits ? super.numDimensions() : RequestCodec.REQUEST_LENGTH;
			}
		};
		submit( blocks );
		for ( final Block block : blocks )
			assertThrows( PythonClosedException.class, block::await );
		assertTrue( asked[ 0 ] > 0, "the worker has looked at the second block" );
	}

	private List< Block > blocks( final Snippet snippet, final int number )
	{
		final List< Block > blocks = new ArrayList<>();
		for ( int i = 0; i < number; ++i )
			blocks.add( new Block( snippet, i, DIMS ) );
		return blocks;
	}

	/**
	 * @return code that the worker has made ready
	 */
	private Snippet small( final String code ) throws Exception
	{
		final Snippet snippet = pool.register( CellCode.of( "if block.index >= 0:\n    " + code.replace( "\n", "\n    " ) ), PythonLoaderOptions.options(), this );
		compute( Collections.singletonList( new Block( snippet, -1, DIMS ) ) );
		return snippet;
	}

	/**
	 * Computes blocks that the worker finds all at once.
	 */
	private void compute( final List< Block > blocks ) throws Exception
	{
		submit( blocks );
		for ( final Block block : blocks )
			block.await();
	}

	private void submit( final List< Block > blocks ) throws Exception
	{
		final CountDownLatch release = new CountDownLatch( 1 );
		final CompletableFuture< Void > occupying = pool.submit( python -> {
			release.await();
			return null;
		} );
		// However long they have taken: now they take next to nothing.
		blocks.get( 0 ).snippet.took( Long.MIN_VALUE / 2 );
		for ( final Block block : blocks )
			block.task = pool.submit( new BlockRequest( block.snippet, block.index, block.cell, new int[ block.dims.length ], block.arrays.toArray( new BlockArray[ 0 ] ) ) );
		release.countDown();
		occupying.get();
	}

	/**
	 * Computes blocks with one input each, one after the other.
	 */
	private List< Block > computeWithInput( final Snippet snippet, final int number ) throws Exception
	{
		final List< Block > blocks = blocks( snippet, number );
		for ( final Block block : blocks )
		{
			block.addInput( UNUSUAL, ( int ) block.index );
			compute( Collections.singletonList( block ) );
			block.assertHas( block.index );
		}
		return blocks;
	}

	private static Set< Buffer > memories( final List< Block > blocks )
	{
		final Set< Buffer > memories = Collections.newSetFromMap( new IdentityHashMap<>() );
		for ( final Block block : blocks )
			memories.add( block.arrays.get( 1 ).memory() );
		return memories;
	}

	private void assertKeptIsUnchanged() throws Exception
	{
		assertTrue( value( "len(kept)", Integer.class ) > 0 );
		assertEquals( 0, value( "sum(not (array == copy).all() for array, copy in kept)", Integer.class ), "number of arrays that have changed" );
	}

	private void exec( final String code ) throws Exception
	{
		pool.submit( python -> {
			python.exec( code );
			return null;
		} ).get();
	}

	private < V > V value( final String expression, final Class< V > type ) throws Exception
	{
		return pool.< V >submit( python -> python.getValue( expression, type ) ).get();
	}

	/**
	 * A block without inputs at first.
	 */
	private final class Block
	{
		private final Snippet snippet;

		private final long index;

		private final long[] dims;

		private final ByteBuffer data;

		private final List< BlockArray > arrays = new ArrayList<>();

		private Interval cell;

		private BlockTask task;

		private BlockResult result;

		Block( final Snippet snippet, final long index, final long... dims )
		{
			this.snippet = snippet;
			this.index = index;
			this.dims = dims;
			cell = new FinalInterval( dims );
			data = pool.memory().allocate( Integer.BYTES * ( int ) Intervals.numElements( dims ) );
			arrays.add( BlockArray.output( TYPE, CellMemory.of( data ), dims ) );
		}

		void addInput( final int numBytes, final int firstPixel )
		{
			final Lease lease = pool.memory().lease( numBytes );
			lease.buffer().putInt( 0, firstPixel );
			arrays.add( BlockArray.input( TYPE, lease, dims ) );
		}

		void await() throws InterruptedException
		{
			result = pool.await( task );
		}

		void assertHas( final double value )
		{
			assertNull( result.failure(), () -> result.failure().describe() );
			for ( int i = 0; i < data.capacity(); i += Integer.BYTES )
				assertEquals( value, data.getInt( i ), "block " + index );
		}
	}
}
