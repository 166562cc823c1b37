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
package net.imglib2.cache.python;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import net.imglib2.Cursor;
import net.imglib2.FinalInterval;
import net.imglib2.Interval;
import net.imglib2.RandomAccess;
import net.imglib2.RandomAccessibleInterval;
import net.imglib2.img.array.ArrayImgs;
import net.imglib2.img.cell.CellGrid;
import net.imglib2.type.NativeType;
import net.imglib2.type.logic.BitType;
import net.imglib2.type.numeric.ARGBType;
import net.imglib2.type.numeric.NativeARGBDoubleType;
import net.imglib2.type.numeric.complex.ComplexFloatType;
import net.imglib2.type.numeric.integer.IntType;
import net.imglib2.type.numeric.integer.UnsignedByteType;
import net.imglib2.type.numeric.integer.UnsignedLongType;
import net.imglib2.type.numeric.real.FloatType;
import net.imglib2.util.Cast;
import net.imglib2.util.Intervals;
import net.imglib2.view.Views;

/**
 * Images that are written into arrays of Python. What Python does with them,
 * {@code test_sinks.py} tests.
 */
@Timeout( 120 )
class SinksTest
{
	private static final String COUNTING = "block.data[...] = np.arange(block.data.size).reshape(block.dim) + 1000 * block.index";

	private static PythonCacheLoaderQueue queue;

	@TempDir
	Path folder;

	@BeforeAll
	static void start() throws Exception
	{
		// In a sub-interpreter, threads of zarr keep the worker open: it takes some seconds to close it.
		assumeTrue( !InterpreterMode.SUB.name().equals( System.getProperty( PythonEnvironment.MODE_PROPERTY ) ), "takes long" );
		queue = new PythonCacheLoaderQueue( 2, "import os, time" );
		for ( final String name : new String[] { "zarr", "h5py" } )
			assumeTrue( Boolean.TRUE.equals( queue.submit( python -> python.getValue( "__import__('importlib.util').util.find_spec('" + name + "') is not None" ) ).get() ), name + " is not installed" );
	}

	@AfterAll
	static void close()
	{
		if ( queue != null )
			queue.close();
	}

	private static PythonImgBuilder< IntType > builder( final String code )
	{
		return PythonImg.builder( code ).queue( queue ).type( new IntType() ).name( "the image" );
	}

	private static PythonImg< IntType > counting()
	{
		return builder( COUNTING ).dimensions( 25, 17, 3 ).cellSize( 10, 8, 2 ).build();
	}

	private static String describe( final PythonSummary summary )
	{
		return summary.computed() + " " + summary.fromCache() + " " + summary.failed() + ( summary.isCancelled() ? " cancelled" : "" );
	}

	private static < T extends NativeType< T > > PythonImg< T > open( final Path path )
	{
		return Cast.unchecked( PythonImg.openBuilder( "zarr:open_array", path, Collections.singletonMap( "mode", "r" ) ).queue( queue ).build() );
	}

	private static < T extends NativeType< T > > void assertSamePixels( final RandomAccessibleInterval< T > expected, final RandomAccessibleInterval< T > found )
	{
		assertArrayEquals( expected.dimensionsAsLongArray(), found.dimensionsAsLongArray() );
		final RandomAccess< T > pixel = found.randomAccess();
		final Cursor< T > cursor = Views.flatIterable( expected ).localizingCursor();
		while ( cursor.hasNext() )
		{
			final T value = cursor.next();
			assertTrue( value.valueEquals( pixel.setPositionAndGet( cursor ) ), () -> Arrays.toString( cursor.positionAsLongArray() ) );
		}
	}

	private static String evaluate( final String expression )
	{
		try
		{
			return queue.submit( python -> python.getValue( "str(" + expression + ")", String.class ) ).get();
		}
		catch ( final InterruptedException | ExecutionException e )
		{
			throw new AssertionError( e );
		}
	}

	private static String chunksOf( final Path path )
	{
		return evaluate( "__import__('zarr').open_array('" + path + "', mode='r').chunks" );
	}

	private Set< String > names()
	{
		try ( final Stream< Path > files = Files.list( folder ) )
		{
			return files.map( file -> file.getFileName().toString() ).collect( Collectors.toCollection( TreeSet::new ) );
		}
		catch ( final IOException e )
		{
			throw new AssertionError( e );
		}
	}

	private static < R > FutureTask< R > start( final Callable< R > action )
	{
		final FutureTask< R > task = new FutureTask<>( action );
		new Thread( task ).start();
		return task;
	}

	// ----------------------------------------------------------------- zarr

	@Test
	@Tag( "each-mode" )
	void eachChunkIsACell()
	{
		final PythonImg< IntType > image = counting();
		final List< Long > told = new ArrayList<>();
		final PythonSummary summary = image.writeTo( PythonSink.zarr( folder.resolve( "a" ) ), ( done, total ) -> {
			assertEquals( 18, total );
			told.add( done );
		} );
		assertEquals( "18 0 0", describe( summary ) );
		assertTrue( summary.toString().startsWith( "18 blocks written, 0 written before, 0 failed in " ), summary.toString() );
		assertTrue( summary.seconds() > 0 );
		assertEquals( 0, told.get( 0 ) );
		assertEquals( 18, told.get( told.size() - 1 ) );
		assertEquals( 18, image.metrics().cellsComputed() );
		assertSamePixels( image, open( folder.resolve( "a" ) ) );
		assertEquals( "(2, 8, 10)", chunksOf( folder.resolve( "a" ) ) );
		assertEquals( Collections.singleton( "a" ), names() );
	}

	@Test
	void cellsOfTheCacheAreNotComputedAgain()
	{
		final PythonImg< IntType > image = counting();
		image.compute();
		assertEquals( "18 0 0", describe( image.writeTo( PythonSink.zarr( folder.resolve( "a" ) ) ) ) );
		assertEquals( 18, image.metrics().cellsComputed() );
	}

	@Test
	void moreCellsThanTheCacheHolds()
	{
		final PythonImg< IntType > image = builder( COUNTING ).dimensions( 25, 17, 3 ).cellSize( 10, 8, 2 ).cacheBytes( 0 ).build();
		image.writeTo( PythonSink.zarr( folder.resolve( "a" ) ) );
		assertEquals( 18, image.metrics().cellsComputed() );
		assertSamePixels( image, open( folder.resolve( "a" ) ) );
	}

	@ParameterizedTest
	@CsvSource( { "20 16 2, 8", "5 4 1, 18", "15 8 2, 6", "30 30 30, 1", "7 5 3, 1" } )
	void chunksOfOtherSizes( final String size, final int blocks )
	{
		final PythonImg< IntType > image = counting();
		final List< Integer > chunks = Arrays.stream( size.split( " " ) ).map( Integer::valueOf ).collect( Collectors.toList() );
		assertEquals( blocks + " 0 0", describe( image.writeTo( PythonSink.zarr( folder.resolve( "a" ) ).chunkSize( chunks ) ) ) );
		assertEquals( 18, image.metrics().cellsComputed() );
		assertSamePixels( image, open( folder.resolve( "a" ) ) );
		assertEquals( "(" + Math.min( 3, chunks.get( 2 ) ) + ", " + Math.min( 17, chunks.get( 1 ) ) + ", " + Math.min( 25, chunks.get( 0 ) ) + ")", chunksOf( folder.resolve( "a" ) ) );
	}

	@ParameterizedTest
	@ValueSource( strings = { "0.4", "0.5" } )
	void anotherReaderFindsThePyramid( final String version )
	{
		assumeTrue( Boolean.parseBoolean( evaluate( "__import__('importlib.util').util.find_spec('ome_zarr') is not None and int(__import__('zarr').__version__[0]) >= 3" ) ) );
		final Path target = folder.resolve( "a.ome.zarr" );
		final PythonImg< IntType > image = builder( COUNTING ).dimensions( 40, 30, 6, 2 ).cellSize( 10, 10, 3, 1 ).build();
		final List< Long > totals = new ArrayList<>();
		final PythonSummary summary = image.writeTo( PythonSink.zarr( target ).omeZarr( version ).axes( "x", "y", "z", "c" ).scale( 0.5, 0.25, 2, 1 ).units( "um" ).levels( 3 ), ( done, total ) -> totals.add( total ) );
		assertEquals( "58 0 0", describe( summary ) );
		assertEquals( Collections.singleton( 58L ), new TreeSet<>( totals ) );
		assertEquals( 48, image.metrics().cellsComputed() );
		final String node = "list(__import__('ome_zarr.reader').reader.Reader(__import__('ome_zarr.io').io.parse_url('" + target + "'))())[0]";
		assertEquals( "[(2, 6, 30, 40), (2, 3, 15, 20), (2, 2, 8, 10)]", evaluate( "[one.shape for one in " + node + ".data]" ) );
		assertEquals( "[('c', None), ('z', 'micrometer'), ('y', 'micrometer'), ('x', 'micrometer')]", evaluate( "[(one['name'], one.get('unit')) for one in " + node + ".metadata['axes']]" ) );
		assertEquals( "[[1.0, 2.0, 0.25, 0.5], [1.0, 4.0, 0.5, 1.0], [1.0, 8.0, 1.0, 2.0]]", evaluate( "[one[0]['scale'] for one in " + node + ".metadata['coordinateTransformations']]" ) );
		assertSamePixels( image, open( target.resolve( "0" ) ) );
		final PythonImg< IntType > half = open( target.resolve( "1" ) );
		final RandomAccess< IntType > pixel = image.randomAccess();
		for ( final long[] at : new long[][] { { 0, 0, 0, 0 }, { 19, 14, 2, 1 }, { 7, 9, 1, 1 } } )
		{
			long sum = 0;
			for ( int i = 0; i < 8; ++i )
				sum += pixel.setPositionAndGet( 2 * at[ 0 ] + ( i & 1 ), 2 * at[ 1 ] + ( i >> 1 & 1 ), 2 * at[ 2 ] + ( i >> 2 ), at[ 3 ] ).get();
			assertEquals( Math.rint( sum / 8. ), half.getAt( at ).get() );
		}
		assertEquals( "True", evaluate( "'the image: IntType, 40 x 30 x 6 x 2' in dict(__import__('zarr').open_group('" + target + "', mode='r').attrs)['imglib2_cache_python']['provenance']" ) );
	}

	@Test
	void labelsAreNotMixed()
	{
		final PythonImg< IntType > image = builder( COUNTING ).dimensions( 33, 20 ).cellSize( 10 ).build();
		image.writeTo( PythonSink.zarr( folder.resolve( "a" ) ).levels( 2, 3, 1 ).downscale( "nearest" ) );
		assertSamePixels( Views.subsample( image, 3, 1 ), open( folder.resolve( "a" ).resolve( "1" ) ) );
	}

	@Test
	void pixelTypes()
	{
		assertWritten( new UnsignedLongType(), "block.data[...] = 2**64 - 1 - block.index" );
		assertWritten( new ComplexFloatType(), "block.data[...] = 1 + 2j * block.index" );
		assertWritten( new BitType(), "block.data[...] = block.index % 2 == 0" );
		assertWritten( new UnsignedByteType(), "block.data[...] = 0" );
		final IllegalArgumentException components = assertThrows( IllegalArgumentException.class, () -> assertWritten( new NativeARGBDoubleType(), "block.data[...] = 0" ) );
		assertEquals( "a pixel of NativeARGBDoubleType has 4 numbers, but one of an array has one: write an image that has an axis for them", components.getMessage() );
		final PythonImg< ARGBType > colours = builder( "block.data[...] = 0" ).type( new ARGBType() ).dimensions( 5, 5 ).build();
		assertTrue( assertThrows( IllegalArgumentException.class, () -> colours.writeTo( PythonSink.zarr( folder.resolve( "c" ) ).omeZarr( "0.4" ) ) ).getMessage().contains( "an axis of channels" ) );
		assertFalse( names().contains( "c" ) );
	}

	private < T extends NativeType< T > > void assertWritten( final T type, final String code )
	{
		final Path target = folder.resolve( type.getClass().getSimpleName() );
		final PythonImg< T > image = builder( code ).type( type ).dimensions( 9, 5 ).cellSize( 4 ).build();
		assertEquals( "6 0 0", describe( image.writeTo( PythonSink.zarr( target ) ) ) );
		final PythonImg< T > written = Cast.unchecked( PythonImg.openBuilder( "zarr:open_array", target, Collections.singletonMap( "mode", "r" ) ).type( type ).queue( queue ).build() );
		assertSamePixels( image, written );
	}

	// ------------------------------------------------------------- failures

	@Test
	void cellsThatFailAreNotWritten()
	{
		final Path gate = folder.resolve( "gate" );
		final PythonImg< IntType > image = builder( "if block.index % 4 == 1 and not os.path.exists(gate): raise ValueError(f'cell {block.index}')\nblock.data[...] = 7" )
				.parameter( "gate", gate.toString() ).dimensions( 30, 20 ).cellSize( 5 ).build();
		final PythonSink sink = PythonSink.zarr( folder.resolve( "a" ) ).levels( 2 );
		final PythonSummary summary = image.writeTo( sink );
		assertEquals( "18 0 6", describe( summary ) );
		final Set< Long > failed = new TreeSet<>();
		for ( final PythonCellException error : summary.errors() )
		{
			failed.add( error.getIndex() );
			assertEquals( "the image", error.getLoaderName() );
			assertEquals( "cell " + error.getIndex(), error.getPythonMessage() );
			assertNull( error.getCause() );
		}
		assertEquals( new TreeSet<>( Arrays.asList( 1L, 5L, 9L, 13L, 17L, 21L ) ), failed );
		assertEquals( "False ['imglib2_cache_python']", evaluate( "(lambda a: f\"{a['imglib2_cache_python']['complete']} {list(a)}\")(dict(__import__('zarr').open_group('" + folder.resolve( "a" ) + "', mode='r').attrs))" ) );
		assertTrue( assertThrows( IllegalArgumentException.class, () -> image.writeTo( sink ) ).getMessage().contains( "exists: choose another path; or resume" ) );
		evaluate( "open('" + gate + "', 'w').close()" );
		image.retryFailed();
		assertEquals( "12 18 0", describe( image.writeTo( sink.resume( true ) ) ) );
		assertEquals( "True ['imglib2_cache_python', 'multiscales']", evaluate( "(lambda a: f\"{a['imglib2_cache_python']['complete']} {sorted(a)}\")(dict(__import__('zarr').open_group('" + folder.resolve( "a" ) + "', mode='r').attrs))" ) );
		assertSamePixels( image, open( folder.resolve( "a" ).resolve( "0" ) ) );
		assertEquals( "0 30 0", describe( image.writeTo( sink.resume( true ) ) ) );
	}

	@Test
	void whatFillsFailedCellsIsNotWritten()
	{
		final PythonImg< IntType > image = builder( "1 / (block.index - 3)\nblock.data[...] = 7" ).onErrorFill( new IntType( -1 ), e -> {} ).dimensions( 8 ).cellSize( 1 ).build();
		image.compute();
		final PythonSummary summary = image.writeTo( PythonSink.zarr( folder.resolve( "a" ) ) );
		assertEquals( "7 0 1", describe( summary ) );
		assertEquals( 3, summary.errors().get( 0 ).getIndex() );
		assertFalse( Files.exists( folder.resolve( "a" ).resolve( "3" ) ) );
	}

	@Test
	void aBlockOfSeveralCellsFailsWithTheCell()
	{
		final PythonImg< IntType > input = builder( "1 / (block.index - 3)\nblock.data[...] = 7" ).name( "the input" ).dimensions( 8 ).cellSize( 1 ).build();
		final PythonImg< IntType > image = builder( "block.data[...] = block.inputs[0]" ).input( input ).cellSize( 2 ).build();
		final PythonSummary summary = image.writeTo( PythonSink.zarr( folder.resolve( "a" ) ).chunkSize( 4 ) );
		assertEquals( "1 0 1", describe( summary ) );
		final PythonCellException error = summary.errors().get( 0 );
		assertEquals( "1 the image", error.getIndex() + " " + error.getLoaderName() );
		assertEquals( "3 the input", ( ( PythonCellException ) error.getCause() ).getIndex() + " " + ( ( PythonCellException ) error.getCause() ).getLoaderName() );
	}

	@Test
	void writingThatFailsNamesFileAndCell() throws IOException
	{
		final PythonImg< IntType > image = builder( COUNTING ).dimensions( 12, 8 ).cellSize( 4 ).build();
		final PythonSink sink = PythonSink.zarr( folder.resolve( "a" ) );
		final boolean[] isBlocked = { false };
		final PythonSummary summary = image.writeTo( sink, ( done, total ) -> {
			if ( !isBlocked[ 0 ] )
				block( folder.resolve( "a" ).resolve( "1" ) );
			isBlocked[ 0 ] = true;
		} );
		// The sink has been made by then: a file is where the chunks of the second row belong.
		assertEquals( "3 0 3", describe( summary ) );
		for ( final PythonCellException error : summary.errors() )
		{
			assertTrue( error.getIndex() >= 3 && error.getInterval().min( 1 ) == 4, error.getMessage() );
			assertTrue( error.getMessage().startsWith( "Cell " + error.getIndex() + " [(" ) && error.getMessage().contains( " of the image, written to " + folder.resolve( "a" ) ), error.getMessage() );
			assertTrue( error.getPythonType().contains( "Error" ) && error.getMessage().contains( folder.resolve( "a" ).resolve( "1" ).toString() ), error.getMessage() );
		}
		Files.delete( folder.resolve( "a" ).resolve( "1" ) );
		assertEquals( "3 3 0", describe( image.writeTo( sink.resume( true ) ) ) );
		assertSamePixels( image, open( folder.resolve( "a" ) ) );
	}

	private static void block( final Path file )
	{
		try
		{
			Files.createFile( file );
		}
		catch ( final IOException e )
		{
			throw new AssertionError( e );
		}
	}

	// ------------------------------------------------------- resume, cancel

	@Test
	@Tag( "each-mode" )
	void whatAKilledJvmHasNotWrittenIsWrittenLater() throws Exception
	{
		final Path target = folder.resolve( "a" );
		ChildJvm.of( SinksMain.class ).withPython( ChildJvm.testPython() ).withMode( queue.mode() ).run( target.toString() ).requireExitCode( 137 );
		try ( final PythonCacheLoaderQueue own = new PythonCacheLoaderQueue( 2 ) )
		{
			final PythonImg< IntType > image = SinksMain.image( own );
			final Map< Path, FileTime > before = chunks( target );
			assertTrue( before.size() >= SinksMain.BLOCKS_BEFORE && before.size() < 70, before.size() + " chunks" );
			final PythonSummary summary = image.writeTo( SinksMain.sink( target ).resume( true ) );
			assertEquals( 70 + 20 - before.size() + " " + before.size() + " 0", describe( summary ) );
			assertEquals( 70 - before.size(), image.metrics().cellsComputed() );
			final Map< Path, FileTime > after = chunks( target );
			assertEquals( 90, after.size() );
			before.forEach( ( file, time ) -> assertEquals( time, after.get( file ), file.toString() ) );
			assertSamePixels( image, open( target.resolve( "0" ) ) );
		}
	}

	private static Map< Path, FileTime > chunks( final Path target ) throws IOException
	{
		try ( final Stream< Path > files = Files.walk( target ) )
		{
			return files.filter( file -> Files.isRegularFile( file ) && file.getFileName().toString().matches( "\\d+" ) ).collect( Collectors.toMap( file -> file, file -> {
				try
				{
					return Files.getLastModifiedTime( file );
				}
				catch ( final IOException e )
				{
					throw new AssertionError( e );
				}
			} ) );
		}
	}

	@Test
	void anotherImageIsNotResumed()
	{
		final PythonImg< IntType > image = builder( "block.data[...] = value" ).parameter( "value", 3 ).dimensions( 25, 17 ).cellSize( 10 ).build();
		final PythonSink sink = PythonSink.zarr( folder.resolve( "a" ) );
		image.writeTo( sink );
		image.parameter( "value", 4 );
		final String parameter = assertThrows( IllegalArgumentException.class, () -> image.writeTo( sink.resume( true ) ) ).getMessage();
		assertTrue( parameter.contains( "it is made in another way: \"value = 3\" there, but \"value = 4\" now" ), parameter );
		final String chunks = assertThrows( IllegalArgumentException.class, () -> image.writeTo( sink.chunkSize( 5 ).resume( true ) ) ).getMessage();
		assertTrue( chunks.contains( "chunks is [10, 10] there, but [5, 5] now" ), chunks );
		assertEquals( "6 0 0", describe( image.writeTo( sink.overwrite( true ) ) ) );
		assertEquals( 4, SinksTest.< IntType >open( folder.resolve( "a" ) ).getAt( 24, 16 ).get() );
	}

	@ParameterizedTest
	@ValueSource( booleans = { true, false } )
	void itIsCancelledOrInterrupted( final boolean isInterrupted ) throws Exception
	{
		final PythonImg< IntType > image = builder( "time.sleep(0.02)\n" + COUNTING ).dimensions( 400 ).cellSize( 2 ).build();
		final PythonSink sink = PythonSink.zarr( folder.resolve( "a" ) );
		final AtomicLong seen = new AtomicLong();
		final int[] ends = { 0 };
		final FutureTask< PythonSummary > task = start( () -> {
			final PythonSummary summary = image.writeTo( sink, new PythonProgress()
			{
				@Override
				public void update( final long done, final long total )
				{
					seen.set( done );
					if ( done > 0 && isInterrupted )
						Thread.currentThread().interrupt();
				}

				@Override
				public boolean isCancelled()
				{
					return !isInterrupted && seen.get() > 0;
				}

				@Override
				public void ended()
				{
					ends[ 0 ] += 1;
				}
			} );
			assertEquals( isInterrupted, Thread.interrupted() );
			return summary;
		} );
		final PythonSummary summary = task.get();
		assertTrue( summary.isCancelled() && summary.computed() > 0 && summary.computed() < 200, summary.toString() );
		assertEquals( 1, ends[ 0 ] );
		// Also right after that: it waits for what is still being written.
		final PythonSummary rest = image.writeTo( sink.resume( true ) );
		assertEquals( 200, rest.computed() + rest.fromCache() );
		assertTrue( rest.fromCache() >= summary.computed(), summary + "; " + rest );
		assertSamePixels( image, open( folder.resolve( "a" ) ) );
	}

	@Test
	void whatIsStillBeingWrittenAfterACancellationIsWaitedFor() throws Exception
	{
		final Path module = folder.resolve( "slow.py" );
		final Path gate = folder.resolve( "gate" );
		Files.writeString( module, "import os, time, numpy as np\nclass Slow:\n    shape, dtype = (6,), np.dtype('i4')\n    def __init__(self, gate, log): self.gate, self.log = gate, log\n"
				+ "    def __setitem__(self, part, pixels):\n        open(self.log, 'a').write(f'begin {part}\\n')\n        while not os.path.exists(self.gate): time.sleep(0.001)\n        open(self.log, 'a').write(f'end {part}\\n')\n" );
		final PythonImg< IntType > image = builder( "block.data[...] = 1" ).dimensions( 6 ).cellSize( 1 ).build();
		final Path log = Files.createFile( folder.resolve( "log" ) );
		final PythonSink sink = PythonSink.to( module + ":Slow", gate, log );
		final PythonSummary summary = image.writeTo( sink, new PythonProgress()
		{
			@Override
			public void update( final long done, final long total )
			{}

			@Override
			public boolean isCancelled()
			{
				return log.toFile().length() > 0;
			}
		} );
		assertEquals( "0 0 0 cancelled", describe( summary ) );
		final Semaphore asked = new Semaphore( 0 );
		final FutureTask< PythonSummary > again = start( () -> image.writeTo( sink, new PythonProgress()
		{
			@Override
			public void update( final long done, final long total )
			{
				assertTrue( Files.exists( gate ) );
			}

			@Override
			public boolean isCancelled()
			{
				asked.release();
				return false;
			}
		} ) );
		// It waits, and would have begun by then.
		asked.acquire( 8 );
		Files.createFile( gate );
		assertEquals( "6 0 0", describe( again.get() ) );
		// Never two at the same time, and the first one to its end.
		final List< String > lines = Files.readAllLines( log );
		assertEquals( 14, lines.size(), lines.toString() );
		for ( int i = 0; i < lines.size(); i += 2 )
			assertEquals( lines.get( i ).replace( "begin", "end" ), lines.get( i + 1 ), lines.toString() );
	}

	@Test
	void whatProgressThrowsIsThrown()
	{
		final PythonImg< IntType > image = builder( "time.sleep(0.02)\n" + COUNTING ).dimensions( 400 ).cellSize( 2 ).build();
		final RuntimeException thrown = new RuntimeException();
		final PythonSink sink = PythonSink.zarr( folder.resolve( "a" ) );
		assertSame( thrown, assertThrows( RuntimeException.class, () -> image.writeTo( sink, ( done, total ) -> {
			if ( done > 0 )
				throw thrown;
		} ) ) );
		final PythonSummary rest = image.writeTo( sink.resume( true ) );
		assertEquals( 200, rest.computed() + rest.fromCache() );
		assertTrue( rest.fromCache() > 0, rest.toString() );
	}

	@Test
	void anImageThatChangesMeanwhileIsNotComplete()
	{
		final PythonImg< IntType > image = builder( "block.data[...] = value" ).parameter( "value", 3 ).dimensions( 40 ).cellSize( 1 ).build();
		final PythonSink sink = PythonSink.zarr( folder.resolve( "a" ) );
		final String changed = assertThrows( PythonException.class, () -> image.writeTo( sink, ( done, total ) -> {
			if ( done == 0 )
				image.parameter( "value", 4 );
		} ) ).getMessage();
		assertTrue( changed.contains( "was changed or invalidated while it was written" ) && changed.contains( ".overwrite( true )" ), changed );
		image.parameter( "value", 3 );
		final String refused = assertThrows( IllegalArgumentException.class, () -> image.writeTo( sink.resume( true ) ) ).getMessage();
		assertTrue( refused.contains( "was changed while it was written" ), refused );
		assertEquals( "40 0 0", describe( image.writeTo( sink.overwrite( true ) ) ) );
	}

	@Test
	void aClosedImageIsNotWritten()
	{
		final PythonImg< IntType > image = counting();
		image.close();
		assertThrows( PythonClosedException.class, () -> image.writeTo( PythonSink.zarr( folder.resolve( "a" ) ) ) );
		final PythonImg< IntType > closing = builder( "time.sleep(0.01); block.data[...] = 1" ).dimensions( 400 ).cellSize( 1 ).build();
		assertThrows( PythonClosedException.class, () -> closing.writeTo( PythonSink.zarr( folder.resolve( "b" ) ), ( done, total ) -> {
			if ( done > 0 )
				closing.close();
		} ) );
		// Waits for what is still being written there.
		assertEquals( "18 0 0", describe( counting().writeTo( PythonSink.zarr( folder.resolve( "b" ) ).overwrite( true ) ) ) );
	}

	@Test
	void notOnTheThreadOfAWorker()
	{
		final PythonImg< IntType > image = counting();
		final Throwable refused = assertThrows( ExecutionException.class, () -> queue.submit( python -> image.writeTo( PythonSink.zarr( folder.resolve( "a" ) ) ) ).get() ).getCause();
		assertTrue( refused instanceof IllegalStateException && refused.getMessage().startsWith( "An image cannot be written on the thread of a worker" ), refused.toString() );
	}

	@Test
	void anAllowListHoldsForTheExpressionOnly() throws Exception
	{
		final Path file = folder.resolve( "a.npy" );
		evaluate( "__import__('numpy').lib.format.open_memmap('" + file + "', 'w+', 'i4', (130, 140)).flush()" );
		final String output = ChildJvm.of( SinksMain.class ).withPython( ChildJvm.testPython() ).withMode( queue.mode() ).run( folder.resolve( "a" ).toString(), file.toString() ).requireExitCode( 0 ).output;
		assertTrue( output.contains( "zarr: 90 blocks written, 0 written before, 0 failed" ), output );
		assertTrue( output.contains( "refused: The function that opens an object, numpy:load, with text in its parameters, is not trusted" ), output );
		assertTrue( output.contains( "allowed: 70 blocks written, 0 written before, 0 failed" ), output );
	}

	// ---------------------------------------------------------------- parts

	/**
	 * @return parts of a size, in no order
	 */
	private static List< Interval > parts( final Interval image, final int... size )
	{
		final CellGrid grid = new CellGrid( image.dimensionsAsLongArray(), size );
		final List< Interval > parts = new ArrayList<>();
		for ( long i = 0; i < Intervals.numElements( grid.getGridDimensions() ); ++i )
			{
			final long[] min = new long[ image.numDimensions() ];
			final int[] dimensions = new int[ image.numDimensions() ];
			grid.getCellDimensions( i, min, dimensions );
			parts.add( Intervals.translate( new FinalInterval( Arrays.stream( dimensions ).asLongStream().toArray() ), min ) );
		}
		Collections.shuffle( parts, new Random( 1 ) );
		return parts;
	}

	private static Map< String, Integer > contents( final Path target ) throws IOException
	{
		try ( final Stream< Path > files = Files.walk( target ) )
		{
			return files.filter( file -> Files.isRegularFile( file ) ).collect( Collectors.toMap( file -> target.relativize( file ).toString(), file -> {
				try
				{
					return Arrays.hashCode( Files.readAllBytes( file ) );
				}
				catch ( final IOException e )
				{
					throw new AssertionError( e );
				}
			} ) );
		}
	}

	@ParameterizedTest
	@CsvSource( { "0.4, true, 4", "0.5, false, 4", "0.4, false, 3" } )
	void partsAreWrittenAtTheSameTime( final String version, final boolean isBegun, final int numBlocks ) throws Exception
	{
		assumeTrue( version.equals( "0.4" ) || Boolean.parseBoolean( evaluate( "int(__import__('zarr').__version__[0]) >= 3" ) ) );
		final PythonImg< IntType > image = builder( COUNTING ).dimensions( 100, 70, 5 ).cellSize( 6, 7, 5 ).build();
		final Path target = folder.resolve( "a" );
		final PythonSink sink = PythonSink.zarr( target ).omeZarr( version ).chunkSize( 12, 7, 5 ).levels( 3 );
		if ( isBegun )
		{
			assertArrayEquals( new long[] { 12, 7, 5 }, image.beginWriting( sink ) );
			assertEquals( "0 0 0", describe( image.writeTo( sink.resume( true ), new FinalInterval( new long[] { 100, 0, 0 }, new long[] { 199, 69, 4 } ) ) ) );
		}
		// Else, those that come first make it at the same time.
		final List< FutureTask< PythonSummary > > tasks = new ArrayList<>();
		final List< Interval > parts = parts( image, 12 * numBlocks, 7 * numBlocks, 5 );
		for ( final Interval part : parts )
			tasks.add( start( () -> image.writeTo( sink.resume( true ), part ) ) );
		long written = 0;
		for ( final FutureTask< PythonSummary > task : tasks )
			written += task.get().requireComplete().computed();
		final PythonSummary rest = image.writeTo( sink.resume( true ) );
		assertEquals( 0, rest.failed() );
		assertEquals( written, rest.fromCache() );
		// Where parts have whole chunks of the other levels, nothing is left.
		assertEquals( numBlocks == 4, rest.computed() == 0, rest.toString() );
		assertTrue( written >= 90, written + " blocks" );
		final Path whole = folder.resolve( "b" );
		image.writeTo( PythonSink.zarr( whole ).omeZarr( version ).chunkSize( 12, 7, 5 ).levels( 3 ) );
		final Map< String, Integer > expected = contents( whole );
		final Map< String, Integer > found = contents( target );
		assertEquals( expected.keySet(), found.keySet() );
		// These have the name.
		for ( final String metadata : new String[] { ".zattrs", "zarr.json" } )
		{
			expected.remove( metadata );
			found.remove( metadata );
		}
		assertEquals( expected, found );
		assertEquals( new TreeSet<>( Arrays.asList( "a", "b" ) ), names() );
	}

	@Test
	@Tag( "each-mode" )
	void onlyWhatIsMissingOfAPartIsWritten() throws IOException
	{
		final PythonImg< IntType > image = builder( COUNTING ).dimensions( 25, 17, 3 ).cellSize( 10, 8, 2 ).cacheBytes( 0 ).build();
		final Path target = folder.resolve( "a" );
		final PythonSink sink = PythonSink.zarr( target );
		final Interval part = FinalInterval.createMinSize( 10, 0, 0, 15, 16, 2 );
		assertEquals( "4 0 0", describe( image.writeTo( sink, part ) ) );
		assertEquals( 4, image.metrics().cellsComputed() );
		Files.delete( target.resolve( "0" ).resolve( "1" ).resolve( "2" ) );
		image.invalidate();
		assertEquals( "1 3 0", describe( image.writeTo( sink.resume( true ), part ) ) );
		assertEquals( 5, image.metrics().cellsComputed() );
		assertEquals( "False", evaluate( "dict(__import__('zarr').open_array('" + target + "', mode='r').attrs)['imglib2_cache_python']['complete']" ) );
		assertEquals( "14 4 0", describe( image.writeTo( sink.resume( true ) ) ) );
		assertEquals( 19, image.metrics().cellsComputed() );
		assertSamePixels( image, open( target ) );
		// A part of what is complete.
		assertEquals( "0 4 0", describe( image.writeTo( sink.resume( true ), part ) ) );
		assertEquals( "True", evaluate( "dict(__import__('zarr').open_array('" + target + "', mode='r').attrs)['imglib2_cache_python']['complete']" ) );
	}

	@Test
	void wrongParts()
	{
		final PythonImg< IntType > image = counting();
		final PythonSink sink = PythonSink.zarr( folder.resolve( "a" ) );
		final String half = assertThrows( IllegalArgumentException.class, () -> image.writeTo( sink, FinalInterval.createMinSize( 0, 4, 0, 10, 4, 2 ) ) ).getMessage();
		assertTrue( half.contains( "[(0, 4, 0) -- (9, 7, 1) = 10x4x2] of the image cannot be written, because it has not whole blocks, which have [10, 8, 2] pixels" ), half );
		assertThrows( IllegalArgumentException.class, () -> image.writeTo( sink.resume( true ), FinalInterval.createMinSize( 0, 0, 0, 5, 8, 2 ) ) );
		assertThrows( IllegalArgumentException.class, () -> image.writeTo( sink.resume( true ), FinalInterval.createMinSize( 0, 0, 5, 8 ) ) );
		final String overwriting = assertThrows( IllegalArgumentException.class, () -> image.writeTo( sink.overwrite( true ), FinalInterval.createMinSize( 0, 0, 0, 10, 8, 2 ) ) ).getMessage();
		assertTrue( overwriting.contains( "deletes the other parts: say image.beginWriting( sink ) once" ), overwriting );
		final String exists = assertThrows( IllegalArgumentException.class, () -> image.writeTo( sink, FinalInterval.createMinSize( 0, 0, 0, 10, 8, 2 ) ) ).getMessage();
		assertTrue( exists.contains( "exists: choose another path; or resume" ), exists );
	}

	@Test
	void partsThatFail()
	{
		final PythonImg< IntType > image = builder( "if block.index == 3: raise ValueError('no')\nblock.data[...] = 7" ).dimensions( 8 ).cellSize( 1 ).build();
		final PythonSink sink = PythonSink.zarr( folder.resolve( "a" ) ).resume( true );
		final PythonSummary summary = image.writeTo( sink, FinalInterval.createMinSize( 2, 4 ) );
		assertEquals( "3 0 1", describe( summary ) );
		assertEquals( 3, summary.errors().get( 0 ).getIndex() );
		final PythonException thrown = assertThrows( PythonException.class, summary::requireComplete );
		assertSame( summary.errors().get( 0 ), thrown.getCause() );
		assertTrue( thrown.getMessage().startsWith( "3 blocks written, 0 written before, 1 failed in " ) && thrown.getMessage().contains( "; the first failure: Cell 3 " ), thrown.getMessage() );
		final PythonSummary other = image.writeTo( sink, FinalInterval.createMinSize( 6, 2 ) );
		assertSame( other, other.requireComplete() );
	}

	@Test
	void partsOfOtherArrays() throws Exception
	{
		final PythonImg< IntType > image = counting();
		final Path file = folder.resolve( "a.h5" );
		evaluate( "__import__('h5py').File('" + file + "', 'w').create_dataset('x', (3, 17, 25), 'i4', chunks=(1, 8, 10)).file.close()" );
		evaluate( "__import__('numpy').lib.format.open_memmap('" + folder.resolve( "a.npy" ) + "', 'w+', 'i4', (3, 17, 25)).flush()" );
		final Map< String, Object > path = Collections.singletonMap( "path", file );
		final PythonSink hdf5 = PythonSink.to( "h5py.File(path, 'r+')['x']", path );
		final PythonSink map = PythonSink.to( "numpy:load", folder.resolve( "a.npy" ), "r+" );
		assertArrayEquals( new long[] { 10, 8, 2 }, image.beginWriting( hdf5 ) );
		final List< FutureTask< PythonSummary > > tasks = new ArrayList<>();
		for ( final Interval part : parts( image, 20, 8, 3 ) )
		{
			assertTrue( image.writeTo( hdf5, part ).requireComplete().computed() >= 2 );
			tasks.add( start( () -> image.writeTo( map, part ).requireComplete() ) );
		}
		for ( final FutureTask< PythonSummary > task : tasks )
			task.get();
		assertSamePixels( image, Cast.unchecked( PythonImg.openBuilder( "h5py.File(path)['x']", path ).queue( queue ).build() ) );
		assertSamePixels( image, Cast.unchecked( PythonImg.openBuilder( "numpy:load", folder.resolve( "a.npy" ) ).queue( queue ).build() ) );
	}

	/**
	 * Whoever cancels has no use for the cells that are computed; but others may have.
	 */
	@Test
	@Tag( "each-mode" )
	void whatIsCancelledStopsItsCode() throws Exception
	{
		final Path gate = folder.resolve( "gate" );
		final Path log = folder.resolve( "log" );
		final String endless = "open(log, 'a').write('x')\nwhile not os.path.exists(gate):\n    time.sleep(0.001)\n" + COUNTING;
		final PythonImg< IntType > input = builder( endless ).parameter( "gate", gate ).parameter( "log", log ).name( "the input" ).dimensions( 8 ).cellSize( 1 ).build();
		final PythonImg< IntType > image = builder( "block.data[...] = block.inputs[0]" ).input( input ).cellSize( 2 ).build();
		final FutureTask< PythonSummary > task = start( () -> image.writeTo( PythonSink.zarr( folder.resolve( "a" ) ).resume( true ), FinalInterval.createMinSize( 2, 4 ), new PythonProgress()
		{
			@Override
			public void update( final long done, final long total )
			{}

			@Override
			public boolean isCancelled()
			{
				// Both workers have begun.
				return log.toFile().length() >= 2;
			}
		} ) );
		final PythonSummary summary = task.get();
		assertEquals( "0 0 0 cancelled", describe( summary ) );
		assertThrows( CancellationException.class, summary::requireComplete );
		// The workers are free, although the gate is still closed.
		for ( int i = 0; i < 2; ++i )
			assertEquals( 5, builder( "block.data[...] = 5" ).dimensions( 2 ).build().getAt( 0 ).get() );
		final FutureTask< Integer > reader = start( () -> image.getAt( 7 ).get() );
		while ( log.toFile().length() < 3 )
			Thread.onSpinWait();
		Files.createFile( gate );
		assertEquals( 7000, reader.get() );
		assertEquals( "2 0 0", describe( image.writeTo( PythonSink.zarr( folder.resolve( "a" ) ).resume( true ), FinalInterval.createMinSize( 2, 4 ) ) ) );
	}

	// -------------------------------------------------------- other arrays

	@Test
	@Tag( "each-mode" )
	void anHdf5FileHasOneWriter()
	{
		final PythonImg< IntType > image = counting();
		final Path file = folder.resolve( "a.h5" );
		evaluate( "__import__('h5py').File('" + file + "', 'w').create_dataset('x', (3, 17, 25), 'i4', chunks=(1, 8, 10)).file.close()" );
		final Map< String, Object > arguments = Collections.singletonMap( "path", file );
		assertEquals( "18 0 0", describe( image.writeTo( PythonSink.to( "h5py.File(path, 'r+')['x']", arguments ) ) ) );
		// It is closed: others can open it for writing.
		assertSamePixels( image, Cast.unchecked( PythonImg.openBuilder( "h5py.File(path, 'r+')['x']", arguments ).queue( queue ).build() ) );
	}

	@Test
	@Tag( "each-mode" )
	void aMemoryMap()
	{
		final PythonImg< IntType > image = counting();
		final Path file = folder.resolve( "a.npy" );
		evaluate( "__import__('numpy').lib.format.open_memmap('" + file + "', 'w+', 'i4', (3, 17, 25)).flush()" );
		assertEquals( "18 0 0", describe( image.writeTo( PythonSink.to( "numpy:load", file, "r+" ) ) ) );
		assertSamePixels( image, Cast.unchecked( PythonImg.openBuilder( "numpy:load", file ).queue( queue ).build() ) );
		final IllegalArgumentException readOnly = assertThrows( IllegalArgumentException.class, () -> image.writeTo( PythonSink.to( "numpy:load", file, "r" ) ) );
		assertTrue( readOnly.getMessage().contains( "is read-only: open it for writing" ), readOnly.getMessage() );
	}

	@ParameterizedTest
	@CsvSource( { "'(1, 8, 10)', 27", "'(2, 9, 7)', 2", "'(3, 17, 25)', 1", "'(2, 4, 5)', 18" } )
	void blocksHaveWholeChunks( final String chunks, final int blocks )
	{
		final PythonImg< IntType > image = builder( COUNTING ).dimensions( 25, 17, 3 ).cellSize( 10, 8, 1 ).build();
		final Path target = folder.resolve( "a" );
		evaluate( "__import__('zarr').open_array('" + target + "', mode='w', shape=(3, 17, 25), dtype='i4', chunks=" + chunks + ")" );
		assertEquals( blocks + " 0 0", describe( image.writeTo( PythonSink.to( "zarr:open_array", target, Collections.singletonMap( "mode", "r+" ) ) ) ) );
		assertSamePixels( image, open( target ) );
	}

	@Test
	void arraysThatDoNotFit()
	{
		final PythonImg< IntType > image = counting();
		assertRefused( image, PythonSink.to( "numpy:zeros", Arrays.asList( 25, 17, 3 ), "i4" ), "has the shape (25, 17, 3), but the image has (3, 17, 25), in numpy's order of axes" );
		assertRefused( image, PythonSink.to( "numpy:zeros", Arrays.asList( 3, 17, 25 ), "u4" ), "has the dtype uint32, but the image has int32" );
		assertRefused( image, PythonSink.to( "numpy:zeros", Arrays.asList( 3, 17, 25 ), "i4" ), "gives an array in memory: each worker would write into its own one, which is lost then" );
		assertRefused( image, PythonSink.to( "zarr.zeros((3, 17, 25), dtype='i4')" ), "gives a zarr array in memory" );
		assertRefused( image, PythonSink.to( "'text'" ), "gives a str, expected an array that is written by array[...] = pixels" );
		final PythonCodeException missing = assertThrows( PythonCodeException.class, () -> image.writeTo( PythonSink.to( "numpy:load", folder.resolve( "missing.npy" ) ) ) );
		assertTrue( missing.getMessage().contains( "Opening the sink numpy:load" ) && missing.getPythonType().equals( "FileNotFoundError" ), missing.getMessage() );
	}

	private static void assertRefused( final PythonImg< ? > image, final PythonSink sink, final String expected )
	{
		final String message = assertThrows( IllegalArgumentException.class, () -> image.writeTo( sink ) ).getMessage();
		assertTrue( message.contains( expected ), message );
	}

	@Test
	void anArrayThatRaises() throws IOException
	{
		final Path module = folder.resolve( "full.py" );
		Files.writeString( module, "import numpy as np\nclass Full:\n    shape, dtype = (6,), np.dtype('i4')\n    def __setitem__(self, part, pixels):\n"
				+ "        if part[0].start > 2: raise OSError(28, 'No space left on device')\n" );
		final PythonImg< IntType > image = builder( "block.data[...] = 1" ).dimensions( 6 ).cellSize( 2 ).build();
		final PythonSummary summary = image.writeTo( PythonSink.to( module + ":Full" ) );
		assertEquals( "2 0 1", describe( summary ) );
		final PythonCellException error = summary.errors().get( 0 );
		assertEquals( "2 [4] [5]", error.getIndex() + " " + Arrays.toString( error.getInterval().minAsLongArray() ) + " " + Arrays.toString( error.getInterval().maxAsLongArray() ) );
		assertTrue( error.getMessage().contains( "No space left on device" ) && error.getMessage().contains( "full.py" ), error.getMessage() );
		assertEquals( module.toString(), error.getFile() );
		assertEquals( 5, error.getLine() );
	}

	// ------------------------------------------------------------- settings

	@Test
	void wrongSettings()
	{
		final PythonImg< IntType > image = builder( COUNTING ).dimensions( 25, 17 ).cellSize( 10 ).build();
		final PythonSink zarr = PythonSink.zarr( folder.resolve( "a" ) );
		assertRefused( image, zarr.axes( "x", "y", "z" ), "the axes are z, y, x, but the image has 2 axes" );
		assertRefused( image, zarr.omeZarr( "0.6" ), "the version of OME-Zarr is '0.6', expected one of 0.4, 0.5" );
		assertRefused( image, zarr.units( "second" ), "none of space" );
		assertRefused( image, zarr.levels( 9 ), "say 6 levels at most" );
		assertRefused( image, zarr.zarrFormat( 4 ), "the zarr format is 4, expected 2 or 3" );
		assertRefused( image, zarr.downscale( "median" ), "expected one of 'mean', 'nearest'" );
		assertRefused( image, zarr.chunkSize( 1, 2, 3 ), "3 numbers" );
		assertRefused( image, zarr.resume( true ).overwrite( true ), "either continued, or written anew" );
		assertThrows( IllegalArgumentException.class, () -> zarr.scale( "large" ) );
		assertThrows( IllegalArgumentException.class, () -> zarr.axes( 3 ) );
		assertThrows( IllegalArgumentException.class, () -> zarr.chunkSize( 0 ) );
		assertThrows( NullPointerException.class, () -> PythonSink.zarr( null ) );
		assertThrows( NullPointerException.class, () -> image.writeTo( null ) );
		assertThrows( NullPointerException.class, () -> image.writeTo( zarr, ( PythonProgress ) null ) );
		assertThrows( NullPointerException.class, () -> image.writeTo( zarr, ( Interval ) null ) );
		final String ofOthers = assertThrows( IllegalArgumentException.class, () -> PythonSink.to( "numpy:zeros", 3 ).resume( true ) ).getMessage();
		assertTrue( ofOthers.contains( "resume is a setting of PythonSink.zarr( path )" ), ofOthers );
		assertEquals( Collections.emptySet(), names() );
	}

	@Test
	void scriptsGiveLists()
	{
		final PythonImg< IntType > image = builder( COUNTING ).dimensions( 25, 17 ).cellSize( 10 ).build();
		image.writeTo( PythonSink.zarr( folder.resolve( "a" ) ).axes( Arrays.asList( "x", "y" ) ).scale( new double[] { 0.5, 0.25 } ).units( new String[] { "micrometer", null } ).levels( 2, Arrays.asList( 2, 1 ) ).chunkSize( new int[] { 5, 10 } ) );
		assertEquals( "[0.25, 0.5] [None, 'micrometer'] [17, 13]", evaluate( "(lambda a: f\"{a['layout']['scale']} {a['layout']['units']} {[*__import__('zarr').open_array('" + folder.resolve( "a" ).resolve( "1" )
				+ "', mode='r').shape]}\")(dict(__import__('zarr').open_group('" + folder.resolve( "a" ) + "', mode='r').attrs)['imglib2_cache_python'])" ) );
	}

	@Test
	void anImageOfImages()
	{
		final PythonImg< FloatType > image = PythonImg.builder( "block.data[...] = block.inputs[0]" ).input( ArrayImgs.floats( new float[] { 1, 2, 3, 4, 5, 6 }, 3, 2 ) ).queue( queue ).type( new FloatType() ).arrays().build();
		image.writeTo( PythonSink.zarr( folder.resolve( "a" ) ) );
		assertSamePixels( image, open( folder.resolve( "a" ) ) );
	}
}
