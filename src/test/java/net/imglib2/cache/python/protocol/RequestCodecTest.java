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
package net.imglib2.cache.python.protocol;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.LongBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.stream.Collectors;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import net.imglib2.FinalInterval;
import net.imglib2.Interval;
import net.imglib2.cache.python.ChildJvm;
import net.imglib2.cache.python.Halo;
import net.imglib2.cache.python.InputWay;
import net.imglib2.cache.python.block.BlockArray;
import net.imglib2.cache.python.block.BlockInput;
import net.imglib2.cache.python.block.CellMemory;
import net.imglib2.cache.python.block.DirectMemory;
import net.imglib2.cache.python.block.Footprint;
import net.imglib2.cache.python.block.Lease;
import net.imglib2.cache.python.block.PixelSource;
import net.imglib2.cache.python.environment.PythonSources;
import net.imglib2.cache.python.trust.TrustPolicy;
import net.imglib2.cache.python.type.Dtype;
import net.imglib2.cache.python.type.PixelType;
import net.imglib2.type.NativeType;
import net.imglib2.type.numeric.integer.Unsigned128BitType;
import net.imglib2.type.numeric.integer.UnsignedShortType;
import net.imglib2.type.numeric.real.FloatType;

class RequestCodecTest
{
	private static final long LOADER = 42;

	private static final String READ = String.join( "\n",
			"import sys",
			"sys.path.insert(0, sys.argv[1])",
			"import numpy as np",
			"from imglib2_cache_python._worker import protocol",
			"protocol.check(open(sys.argv[3]).read())",
			"numbers = protocol.read_numbers(memoryview(np.fromfile(sys.argv[2], np.int64)))",
			"_, blocks, memories, layouts, reset = numbers[:protocol.HEADER_LENGTH]",
			"at = protocol.HEADER_LENGTH + memories",
			"print(blocks, memories, layouts, reset, numbers[protocol.HEADER_LENGTH:at])",
			"tables = {}",
			"for _ in range(layouts):",
			"    place, length = numbers[at : at + 2]",
			"    at += 2",
			"    layout = tables[place] = protocol.Layout(numbers[at : at + length], [np.dtype(name) for name in sys.argv[4].split()])",
			"    at += length",
			"    print(layout.loader, layout.dim, [(s.start, s.stop) for s in layout.halo], layout.output, layout.watched, layout.shared)",
			"    for (contiguous, access, dtype, shape, strides), crop in zip(layout.arrays, layout.crops):",
			"        print(contiguous, access, dtype, shape, strides, crop and [(s.start, s.stop) for s in crop])",
			"for _ in range(blocks):",
			"    layout = tables[numbers[at]]",
			"    end = at + layout.block_length",
			"    print(*numbers[at:end])",
			"    at = end",
			"assert at == len(numbers) == numbers[0]" );

	private final DirectMemory memory = new DirectMemory();

	private final ByteBuffer request = memory.allocate( RequestCodec.REQUEST_BYTES );

	private final ByteBuffer words = memory.allocate( ControlWords.BYTES );

	private final ControlWords control = new ControlWords( words, memory.allocate( ControlWords.STACK_BYTES ) );

	private final RequestCodec codec = new RequestCodec( request, control, memory.limit() );

	private final Snippet snippet = new Snippet( LOADER, null, TrustPolicy.ofThisJvm().requireLoader( "pass" ), "", false, false, Long.MAX_VALUE );

	private final List< Lease > released = new ArrayList<>();

	private final Interval cell = FinalInterval.createMinSize( 10, 20, 3, 4 );

	@TempDir
	private Path folder;

	@Test
	void pythonReadsWhatJavaWrites() throws Exception
	{
		final BlockInput wide = input( new Unsigned128BitType(), new Halo( new int[] { 1, 2 }, new int[] { 0, 3 } ) );
		final BlockArray others = BlockArray.of( ByteBuffer.allocateDirect( 12 ), Dtype.UINT8, new long[] { 4, 3 }, this );
		final BlockArray output = BlockArray.output( PixelType.of( new FloatType(), "image" ), CellMemory.partOf( memory.allocate( 256 ), 64, 48 ), cell.dimensionsAsLongArray() );
		final BlockRequest first = new BlockRequest( snippet, 5, cell, new int[] { 1, 2 }, new BlockArray[] { wide.get( cell ), others, output } );
		final BlockRequest second = new BlockRequest( snippet, 6, cell, new int[] { 1, 2 }, new BlockArray[] { wide.get( cell ), others, output } );
		final List< BlockArray > arguments = codec.write( Arrays.asList( first, second ), 1 );
		// Two memories of leases, one of outputs; then the memory that is not in the table, twice.
		assertEquals( Arrays.asList( false, true, false, false, false ), arguments.stream().map( BlockArray::isOutput ).collect( Collectors.toList() ) );
		assertEquals( 5, arguments.size() );
		assertEquals( Arrays.asList(
				// Blocks, memories, layouts, reset; places, the output's being writable.
				"2 3 1 1 (0, 3, 4)",
				// Without a lease, the second array is not watched; others see it.
				"42 (4, 3) [(2, 6), (1, 4)] 2 (0,) True",
				// READ, with components and a crop.
				"0 2 uint64 (9, 4, 2) (64, 16, 8) [(2, 6), (1, 4)]",
				// READ_SHARED.
				"0 3 uint8 (4, 3) (3, 1) None",
				// OUTPUT.
				"0 0 float32 (4, 3) (12, 4) None",
				// Layout, index; memories; offsets; min; max.
				"0 5 0 -4 1 0 0 64 20 10 23 12",
				"0 6 2 -5 1 0 0 64 20 10 23 12" ), read() );

		codec.acknowledge();
		assertEquals( 1, codec.write( Collections.singletonList( first ), 3 ).size() );
		assertEquals( "1 0 0 0", numbers( 1, 4 ) );
	}

	@Test
	void pythonReadsNumbersInTheOtherByteOrder() throws Exception
	{
		final ByteOrder other = ByteOrder.nativeOrder() == ByteOrder.BIG_ENDIAN ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN;
		final BlockArray swapped = BlockArray.of( ByteBuffer.allocateDirect( 24 ).order( other ).asShortBuffer(), Dtype.UINT16, new long[] { 4, 3 }, this );
		final BlockArray output = BlockArray.output( PixelType.of( new FloatType(), "image" ), CellMemory.of( memory.allocate( 48 ) ), cell.dimensionsAsLongArray() );
		codec.write( Collections.singletonList( new BlockRequest( snippet, 5, cell, new int[ 2 ], new BlockArray[] { output, swapped } ) ), 1 );
		final String sign = other == ByteOrder.BIG_ENDIAN ? ">" : "<";
		assertEquals( "0 3 " + sign + "u2 (4, 3) (6, 2) None", read().get( 3 ) );
	}

	@Test
	void tablesAreResetAfterACallThatWasNotAcknowledged() throws Exception
	{
		final BlockRequest block = block( leased(), leased() );
		assertEquals( 2, codec.write( Collections.singletonList( block ), 1 ).size() );
		assertEquals( "1 2 1 1", numbers( 1, 4 ) );
		assertEquals( 2, codec.write( Collections.singletonList( block ), 2 ).size() );
		assertEquals( "1 2 1 1", numbers( 1, 4 ) );
		codec.acknowledge();
		assertEquals( 0, codec.write( Collections.singletonList( block ), 3 ).size() );
		assertEquals( "1 0 0 0", numbers( 1, 4 ) );
	}

	@Test
	void memoryOfInputsComesBackWhenUserCodeDropsIt() throws Exception
	{
		final Lease retained = leased();
		final Lease free = leased();
		final Lease out = leased();
		final PixelType< UnsignedShortType > type = PixelType.of( new UnsignedShortType(), "image" );
		final long[] dims = cell.dimensionsAsLongArray();
		// The output need not be the first.
		final BlockRequest block = new BlockRequest( snippet, 0, cell, new int[ 2 ],
				new BlockArray[] { BlockArray.input( type, retained, dims ), BlockArray.output( type, out, dims ), BlockArray.input( type, free, dims ) } );
		final LongBuffer python = words.asLongBuffer();

		codec.write( Collections.singletonList( block ), 7 );
		python.put( Protocol.RESULTS + 1, 0b001 );
		assertFalse( codec.release( 7, 0, block ) );
		codec.acknowledge();
		assertEquals( Collections.singletonList( free ), released );

		// What is retained has left the table.
		assertEquals( 1, codec.write( Collections.singletonList( block ), 8 ).size() );
		python.put( Protocol.RESULTS + 1, 0b010 );
		assertTrue( codec.release( 8, 0, block ) );
		released.clear();

		python.put( Protocol.NUM_FREED, 1 );
		python.put( Protocol.FREED, 7 * Protocol.ARRAYS_PER_TICKET );
		codec.releaseFreed();
		// Of a lease that has come back once, nothing comes back again.
		assertFalse( released.contains( out ) );
	}

	@Test
	void constantsAreNamedOnce()
	{
		final List< String > names = Arrays.stream( Protocol.constants().split( "\n" ) ).map( line -> line.replaceFirst( "=-?\\d+$", "" ) ).collect( Collectors.toList() );
		assertEquals( names.size(), names.stream().distinct().count() );
		assertTrue( names.containsAll( Arrays.asList( "VERSION", "MAX_BLOCKS", "CONTROL_LENGTH", "READ_SHARED" ) ), names.toString() );
	}

	private BlockRequest block( final Lease input, final Lease output )
	{
		final PixelType< UnsignedShortType > type = PixelType.of( new UnsignedShortType(), "image" );
		final long[] dims = cell.dimensionsAsLongArray();
		return new BlockRequest( snippet, 0, cell, new int[ 2 ], new BlockArray[] { BlockArray.input( type, input, dims ), BlockArray.output( type, output, dims ) } );
	}

	private Lease leased()
	{
		final Lease[] lease = { null };
		lease[ 0 ] = new Lease( memory.allocate( 100 ), 24, whole -> released.add( lease[ 0 ] ) );
		return lease[ 0 ];
	}

	private < T extends NativeType< T > > BlockInput input( final T type, final Halo halo )
	{
		final PixelType< T > pixelType = PixelType.of( type, "input" );
		return new BlockInput( new PixelSource()
		{
			@Override
			public BlockArray get( final Interval interval )
			{
				final long[] dims = interval.dimensionsAsLongArray();
				return BlockArray.input( pixelType, memory.lease( pixelType.numBytes( dims ) ), dims );
			}

			@Override
			public InputWay wayOf( final Interval interval )
			{
				return InputWay.CELLS;
			}
		}, Footprint.of( halo ) );
	}

	private String numbers( final int start, final int end )
	{
		final List< String > numbers = new ArrayList<>();
		for ( int i = start; i <= end; ++i )
			numbers.add( String.valueOf( request.asLongBuffer().get( i ) ) );
		return String.join( " ", numbers );
	}

	/**
	 * @return what the Python half makes of the request, in a Python without a JVM
	 */
	private List< String > read() throws Exception
	{
		final int length = ( int ) request.asLongBuffer().get( 0 ) * Long.BYTES;
		final byte[] bytes = new byte[ length ];
		request.duplicate().get( bytes );
		final Path file = Files.write( folder.resolve( "request" ), bytes );
		final Path constants = Files.write( folder.resolve( "constants" ), Protocol.constants().getBytes( StandardCharsets.UTF_8 ) );
		final Process process = new ProcessBuilder( ChildJvm.testPython().toString(), "-B", "-c", READ, PythonSources.location(), file.toString(), constants.toString(),
				Dtype.names().replace( '\n', ' ' ) ).redirectErrorStream( true ).start();
		process.getOutputStream().close();
		try (final BufferedReader reader = new BufferedReader( new InputStreamReader( process.getInputStream(), StandardCharsets.UTF_8 ) ))
		{
			final List< String > lines = reader.lines().collect( Collectors.toList() );
			assertEquals( 0, process.waitFor(), String.join( "\n", lines ) );
			return lines;
		}
	}
}
