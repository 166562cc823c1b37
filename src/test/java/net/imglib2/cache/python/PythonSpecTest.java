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

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InvalidObjectException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.lang.ref.WeakReference;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import net.imglib2.Cursor;
import net.imglib2.RandomAccess;
import net.imglib2.blocks.PrimitiveBlocks.OnFallback;
import net.imglib2.img.array.ArrayImgs;
import net.imglib2.type.NativeType;
import net.imglib2.type.numeric.integer.IntType;
import net.imglib2.type.numeric.integer.UnsignedShortType;
import net.imglib2.type.numeric.integer.UnsignedVariableBitLengthType;
import net.imglib2.type.numeric.real.DoubleType;
import net.imglib2.type.numeric.real.FloatType;

/**
 * Images that are described for other programs.
 */
@Timeout( 120 )
class PythonSpecTest
{
	@TempDir
	Path folder;

	private static PythonImgBuilder< IntType > builder( final String code )
	{
		return PythonImg.builder( code ).type( new IntType() ).dimensions( 12, 7 ).cellSize( 5 );
	}

	private static byte[] serialized( final Object object ) throws IOException
	{
		final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
		try (final ObjectOutputStream out = new ObjectOutputStream( bytes ))
		{
			out.writeObject( object );
		}
		return bytes.toByteArray();
	}

	private static PythonSpec deserialized( final byte[] bytes ) throws IOException, ClassNotFoundException
	{
		try (final ObjectInputStream in = new ObjectInputStream( new ByteArrayInputStream( bytes ) ))
		{
			return ( PythonSpec ) in.readObject();
		}
	}

	/**
	 * In another program, which has not opened it yet.
	 */
	private static PythonSpec elsewhere( final PythonSpec spec ) throws IOException, ClassNotFoundException
	{
		final PythonSpec copy = deserialized( serialized( spec ) );
		assertNotSame( spec, copy );
		assertEquals( spec, copy );
		assertEquals( spec.hashCode(), copy.hashCode() );
		assertEquals( spec.toString(), copy.toString() );
		return copy;
	}

	private static < T extends NativeType< T > > void assertSamePixels( final PythonImg< T > expected, final PythonImg< T > found )
	{
		final RandomAccess< T > pixel = found.randomAccess();
		final Cursor< T > cursor = expected.localizingCursor();
		while ( cursor.hasNext() )
		{
			final T value = cursor.next();
			assertTrue( value.valueEquals( pixel.setPositionAndGet( cursor ) ), () -> Arrays.toString( cursor.positionAsLongArray() ) );
		}
	}

	private static < R > FutureTask< R > start( final Callable< R > action )
	{
		final FutureTask< R > task = new FutureTask<>( action );
		new Thread( task ).start();
		return task;
	}

	// -------------------------------------------------------- what is described

	@Test
	@Tag( "each-mode" )
	void theOpenedImageIsTheBuiltOne() throws Exception
	{
		final PythonImgBuilder< UnsignedShortType > raw = PythonImg.openBuilder( "np.arange(24 * 16, dtype='u2').reshape(16, 24) + offset", Collections.singletonMap( "offset", 3 ) ).type( new UnsignedShortType() ).cellSize( 7 );
		final PythonImg< UnsignedShortType > input = raw.build();
		final PythonImgBuilder< DoubleType > builder = PythonImg.builder( """
				    block.data[...] = (ndimage.uniform_filter(a.astype('f8'), 3)[block.crops[0]]
				        + b[::2, ::2].sum() + block.rng.random(block.dim) + factor + weights.sum() + len(names) + table['x'])
				""" )
				.input( PythonInput.of( input ).name( "a" ).halo( 1, 2 ).border( Border.NEAREST ).wholeAxes() )
				.input( PythonInput.of( raw.spec() ).name( "b" ).halo( new int[] { 1, 0 }, new int[] { 0, 2 } ).border( Border.value( 7 ) ).scale( 1 ).scaleDown( 1 ) )
				.halo( 2 ).border( Border.PERIODIC ).padToMultiple( 4 )
				.parameter( "factor", 0.1f ).parameter( "weights", new byte[] { -1, 2 } ).parameter( "names", Arrays.asList( "ä", null, true ) ).parameter( "table", Collections.singletonMap( "x", 5 ) )
				.seed( -3 ).init( "from scipy import ndimage" ).type( new DoubleType() ).dimensions( 24, 16 ).cellSize( 9, 6 ).arrays().cacheBytes( 1 << 20 ).workers( 2 )
				.environment( PythonEnvironment.getDefault().withStartupTimeout( Duration.ofMinutes( 3 ) ) )
				.timeout( Duration.ofSeconds( 50 ) ).checkWritten( true ).contiguous( true ).writableInputs( true ).onFallback( OnFallback.FAIL ).name( "all of it" ).captureFailures( folder );
		final PythonImg< DoubleType > built = builder.build();
		final PythonImg< DoubleType > opened = elsewhere( builder.spec() ).open();
		assertNotSame( built, opened );
		assertSamePixels( built, opened );
		assertEquals( built.provenance(), opened.provenance() );
		assertEquals( new DoubleType().getClass(), opened.getType().getClass() );
		// An image knows what it was made of, with the changes since.
		assertEquals( builder.spec(), built.settings().spec() );
		assertEquals( built.settings().spec(), opened.settings().spec() );
		built.parameter( "factor", 8 );
		assertEquals( builder.parameter( "factor", 8 ).spec(), built.settings().spec() );
	}

	@Test
	void eachSettingMakesADifference() throws Exception
	{
		final PythonEnvironment environment = PythonEnvironment.getDefault();
		final List< PythonImgBuilder< ? > > all = new ArrayList<>( Arrays.asList(
				builder( "a" ), builder( "b" ), PythonImg.builder( Files.write( folder.resolve( "code.py" ), "a".getBytes( StandardCharsets.UTF_8 ) ) ),
				builder( "a" ).parameter( "p", 1 ), builder( "a" ).parameter( "p", 1.0 ), builder( "a" ).parameter( "p", new int[] { 1 } ), builder( "a" ).parameter( "p", new long[] { 1 } ), builder( "a" ).parameter( "q", 1 ),
				builder( "a" ).seed( 1 ), builder( "a" ).init( "a" ), builder( "a" ).halo( 1 ), builder( "a" ).border( Border.ZERO ), builder( "a" ).border( Border.value( 0 ) ), builder( "a" ).padToMultiple( 2 ),
				builder( "a" ).type( new FloatType() ), builder( "a" ).type( new UnsignedVariableBitLengthType( 5 ) ), builder( "a" ).type( new UnsignedVariableBitLengthType( 6 ) ),
				builder( "a" ).dimensions( 12, 8 ), builder( "a" ).cellSize( 6 ), builder( "a" ).arrays(), builder( "a" ).cacheBytes( 0 ), builder( "a" ).workers( 1 ),
				builder( "a" ).environment( environment ), builder( "a" ).environment( PythonEnvironment.at( Paths.get( "environment" ) ) ), builder( "a" ).environment( PythonEnvironment.system() ),
				builder( "a" ).environment( environment.withMode( InterpreterMode.PROCESS ) ), builder( "a" ).environment( environment.withMemoryLimit( 1 << 20 ) ),
				builder( "a" ).environment( environment.withStartupTimeout( Duration.ofNanos( 1_000_001 ) ) ), builder( "a" ).environment( environment.withModulePath( folder ) ),
				builder( "a" ).timeout( Duration.ofNanos( 5 ) ), builder( "a" ).checkWritten( true ), builder( "a" ).contiguous( true ), builder( "a" ).writableInputs( true ), builder( "a" ).onFallback( OnFallback.WARN ),
				builder( "a" ).name( "a" ), builder( "a" ).captureFailures( folder ),
				PythonImg.openBuilder( "a" ), PythonImg.openBuilder( "a", Collections.singletonMap( "p", 1 ) ), PythonImg.openBuilder( "a:b" ), PythonImg.openBuilder( "a:b", 1 ) ) );
		final PythonSpec raw = PythonImg.openBuilder( "a:b" ).spec();
		for ( final PythonInput input : Arrays.asList( PythonInput.of( raw ), PythonInput.of( builder( "a" ).spec() ), PythonInput.of( raw ).name( "a" ), PythonInput.of( raw ).halo( 0 ), PythonInput.of( raw ).border( Border.MIRROR_DOUBLE ),
				PythonInput.of( raw ).scale( 2 ), PythonInput.of( raw ).scaleDown( 2 ), PythonInput.of( raw ).wholeAxes( 0 ) ) )
			all.add( builder( "a" ).input( input ) );
		all.add( builder( "a" ).input( raw ).input( raw ) );
		for ( int i = 0; i < all.size(); ++i )
		{
			final PythonSpec spec = elsewhere( all.get( i ).spec() );
			// What it is opened with is described by the same text.
			assertEquals( spec, PythonImgBuilder.described( spec.description() ).spec(), "number " + i );
			for ( int j = 0; j < i; ++j )
				assertFalse( spec.equals( all.get( j ).spec() ), i + " and " + j );
		}
		assertEquals( builder( "a" ).input( "x", raw ).spec(), builder( "a" ).input( PythonInput.of( raw ).name( "x" ) ).spec() );
	}

	@Test
	void imagesThatShowArrays() throws Exception
	{
		final Path file = folder.resolve( "a.npy" );
		final Path module = Files.write( folder.resolve( "own.py" ), ( "import numpy as np\ndef load(path, scale=1): return np.load(path) * scale" ).getBytes( StandardCharsets.UTF_8 ) );
		save( file, "np.arange(20.).reshape(4, 5)" );
		final PythonImg< DoubleType > doubled = elsewhere( PythonImg.openBuilder( module + ":load", file, Collections.singletonMap( "scale", 2 ) ).spec() ).open();
		assertEquals( 38, doubled.getAt( 4, 3 ).get() );
		final PythonImg< DoubleType > root = PythonImg.open( "numpy:load", file );
		root.code( "block.data[...] = np.sqrt(array[block.slices])" );
		final PythonImg< DoubleType > next = elsewhere( builder( "block.data[...] = block.inputs[0] + 1" ).input( root ).type( new DoubleType() ).dimensions( 5, 4 ).spec() ).open();
		assertEquals( Math.sqrt( 19 ) + 1, next.getAt( 4, 3 ).get() );
		// Elsewhere, the array has to be the one that was seen here.
		final PythonSpec ofBuilt = root.settings().spec();
		ofBuilt.open().close();
		save( file, "np.arange(20).reshape(4, 5)" );
		final String message = assertThrows( PythonCodeException.class, ofBuilt::open ).getMessage();
		assertTrue( message.contains( "int64" ) && message.contains( "float64" ), message );
	}

	private static void save( final Path file, final String array ) throws ExecutionException, InterruptedException
	{
		try (final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue())
		{
			queue.submit( python -> {
				python.exec( "np.save('" + file + "', " + array + ")" );
				return null;
			} ).get();
		}
	}

	@Test
	void whatCannotBeDescribed()
	{
		try (final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue())
		{
			final PythonImg< IntType > input = builder( "block.data[...] = 1" ).queue( queue ).build();
			final PythonImgBuilder< IntType > wrong = builder( "pass" ).input( ArrayImgs.bytes( 12, 7 ) ).input( "image", input ).watch( true ).queue( queue ).onErrorFill( new IntType( 1 ), error -> {} )
					.environment( PythonEnvironment.getDefault().withOutput( line -> {}, line -> {} ) );
			final String message = assertThrows( IllegalArgumentException.class, wrong::spec ).getMessage();
			assertTrue( message.startsWith( "the image cannot be described for other programs: input 0 is a net.imglib2.img.array.ArrayImg, whose pixels are in this JVM: let Python open them, by PythonImg.openBuilder( … )" ), message );
			for ( final String part : new String[] { "; input 1: .queue( … ) is a queue of this JVM", "; .queue( … ) is a queue of this JVM", "; .watch( true ) would", "; .onErrorFill( … ) has a listener", "; the environment has .withOutput( … )" } )
				assertTrue( message.contains( part ), message );
		}
	}

	@Test
	void whatIsNotOfThisVersionIsRefused() throws Exception
	{
		final byte[] bytes = serialized( builder( "a" ).spec() );
		final byte[] order = "ENDIAN".getBytes( StandardCharsets.UTF_8 );
		int at = 0;
		while ( !Arrays.equals( order, Arrays.copyOfRange( bytes, at, at + order.length ) ) )
			++at;
		final byte[] otherOrder = bytes.clone();
		otherOrder[ at ] ^= 1;
		assertTrue( assertThrows( InvalidObjectException.class, () -> deserialized( otherOrder ) ).getMessage().contains( "byte order" ) );
		// The number before: its last byte is in front of the tag and the length of the text.
		final byte[] otherFormat = bytes.clone();
		otherFormat[ at - "LITTLE_".length() - 6 ] = 2;
		final String format = assertThrows( InvalidObjectException.class, () -> deserialized( otherFormat ) ).getMessage();
		assertTrue( format.contains( "has format 2, but this version of imglib2-cache-python knows format 1" ), format );
		final byte[] damaged = Arrays.copyOf( bytes, bytes.length );
		damaged[ at - "LITTLE_".length() - 5 ] = 'Z';
		assertTrue( assertThrows( InvalidObjectException.class, () -> deserialized( damaged ) ).getMessage().contains( "damaged" ) );
	}

	// ------------------------------------------------------------------ opening

	/**
	 * @return an image whose array takes as long to open as a file is not there
	 */
	private PythonImgBuilder< ? > gated( final String name ) throws IOException
	{
		final Path module = folder.resolve( "gated.py" );
		if ( !Files.exists( module ) )
			Files.write( module, ( "import os, time, numpy as np\ndef load(folder, name):\n    open(f'{folder}/{name}.log', 'a').write('x')\n"
					+ "    while not os.path.exists(f'{folder}/{name}.gate'): time.sleep(0.001)\n    return np.full((3, 4), len(name))" ).getBytes( StandardCharsets.UTF_8 ) );
		return PythonImg.openBuilder( module + ":load", folder, name ).workers( 2 );
	}

	private void awaitOpening( final String name, final FutureTask< ? > opener ) throws Exception
	{
		while ( timesOpened( name ) == 0 )
			if ( opener.isDone() )
				throw new AssertionError( "not opened: " + opener.get() );
	}

	private long timesOpened( final String name ) throws IOException
	{
		final Path log = folder.resolve( name + ".log" );
		return Files.exists( log ) ? Files.size( log ) : 0;
	}

	@Test
	void oneOpeningForManyThreads() throws Exception
	{
		final PythonSpec spec = gated( "many" ).spec();
		final List< FutureTask< PythonImg< ? > > > tasks = new ArrayList<>();
		for ( int i = 0; i < 16; ++i )
		{
			final PythonSpec copy = elsewhere( spec );
			tasks.add( start( copy::open ) );
		}
		awaitOpening( "many", tasks.get( 0 ) );
		// Another image is opened meanwhile.
		Files.createFile( folder.resolve( "other.gate" ) );
		assertEquals( "5", gated( "other" ).spec().open().getAt( 0, 0 ).toString() );
		for ( final FutureTask< ? > task : tasks )
			assertFalse( task.isDone() );
		Files.createFile( folder.resolve( "many.gate" ) );
		for ( final FutureTask< PythonImg< ? > > task : tasks )
			assertSame( tasks.get( 0 ).get(), task.get() );
		assertEquals( 1, timesOpened( "many" ) );
		assertSame( tasks.get( 0 ).get(), spec.open() );
	}

	@Test
	void whoWaitsForAnotherThreadCanBeInterrupted() throws Exception
	{
		final PythonSpec spec = gated( "slow" ).spec();
		final FutureTask< PythonImg< ? > > first = start( spec::open );
		awaitOpening( "slow", first );
		final CountDownLatch begun = new CountDownLatch( 1 );
		final FutureTask< Boolean > second = new FutureTask<>( () -> {
			begun.countDown();
			assertThrows( PythonInterruptedException.class, spec::open );
			return Thread.interrupted();
		} );
		final Thread thread = new Thread( second );
		thread.start();
		begun.await();
		thread.interrupt();
		assertTrue( second.get() );
		Files.createFile( folder.resolve( "slow.gate" ) );
		assertEquals( "4", first.get().getAt( 0, 0 ).toString() );
	}

	@Test
	void aFailureIsNotKept() throws Exception
	{
		final Path file = folder.resolve( "late.npy" );
		final PythonSpec spec = PythonImg.builder( "block.data[...] = block.inputs[0]" ).input( PythonImg.openBuilder( "numpy:load", file ).spec() ).spec();
		assertTrue( assertThrows( PythonCodeException.class, spec::open ).getMessage().contains( "late.npy" ) );
		save( file, "np.arange(20.).reshape(4, 5)" );
		assertEquals( "19.0", spec.open().getAt( 4, 3 ).toString() );
	}

	@Test
	void whatIsClosedIsOpenedAnew()
	{
		final PythonSpec inner = builder( "block.data[...] = block.index" ).spec();
		final PythonSpec outer = builder( "block.data[...] = block.inputs[0] + 1" ).input( inner ).spec();
		final PythonImg< IntType > image = outer.open();
		final PythonImg< IntType > input = inner.open();
		assertEquals( 1, image.getAt( 0, 0 ).get() );
		assertEquals( 1, input.metrics().cellsComputed() );
		input.close();
		assertNotSame( input, inner.open() );
		final PythonImg< IntType > again = outer.open();
		assertNotSame( image, again );
		assertEquals( 6, again.getAt( 11, 6 ).get() );
		again.close();
		assertNotSame( again, outer.open() );
	}

	@Test
	void theLastOnesStayOpen()
	{
		final List< PythonSpec > specs = new ArrayList<>();
		for ( int i = 0; i < 5; ++i )
			specs.add( builder( "block.data[...] = number" ).parameter( "number", i ).name( "of theLastOnesStayOpen" ).spec() );
		final WeakReference< PythonImg< ? > > first = new WeakReference<>( specs.get( 0 ).open() );
		final WeakReference< PythonImg< ? > > second = new WeakReference<>( specs.get( 1 ).open() );
		for ( int i = 2; i < 4; ++i )
			specs.get( i ).open();
		System.gc();
		assertSame( first.get(), specs.get( 0 ).open() );
		// Now the second one was asked for before the others.
		assertEquals( "4", specs.get( 4 ).open().getAt( 0, 0 ).toString() );
		while ( second.get() != null )
			System.gc();
		assertEquals( "1", specs.get( 1 ).open().getAt( 0, 0 ).toString() );
		assertEquals( "0", specs.get( 0 ).open().getAt( 0, 0 ).toString() );
	}
}
