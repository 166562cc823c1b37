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
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.UnaryOperator;
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
import net.imglib2.img.array.ArrayImgs;
import net.imglib2.type.label.BasePairBitType;
import net.imglib2.type.NativeType;
import net.imglib2.type.logic.BitType;
import net.imglib2.type.logic.NativeBoolType;
import net.imglib2.type.numeric.ARGBType;
import net.imglib2.type.numeric.ComplexType;
import net.imglib2.type.numeric.NativeARGBDoubleType;
import net.imglib2.type.numeric.RealType;
import net.imglib2.type.numeric.integer.ShortType;
import net.imglib2.type.numeric.integer.Unsigned128BitType;
import net.imglib2.type.numeric.integer.Unsigned12BitType;
import net.imglib2.type.numeric.integer.UnsignedByteType;
import net.imglib2.type.numeric.integer.UnsignedShortType;
import net.imglib2.type.numeric.real.DoubleType;
import net.imglib2.type.numeric.real.FloatType;
import net.imglib2.util.Cast;
import net.imglib2.view.Views;

/**
 * Images that show arrays of Python. What Python does with them, {@code test_sources.py}
 * tests.
 */
@Timeout( 120 )
class SourcesTest
{
	/**
	 * A source of the user that knows how often it was opened, read and closed.
	 */
	private static final String USERS = """
			import os
			import numpy as np

			class Ramp:
			    def __init__(self, log, shape=(5, 7), dtype='u2', chunks=None, sign=1):
			        self.log, self.shape, self.dtype, self.chunks = log, tuple(shape), np.dtype(dtype), chunks
			        self.sign = sign
			        self.note('open')

			    def note(self, what):
			        with open(self.log, 'a') as out:
			            out.write(f'{what} {os.getpid()}\\n')

			    def __getitem__(self, part):
			        self.note('read')
			        return self.sign * np.arange(np.prod(self.shape)).reshape(self.shape)[part].astype(self.dtype)

			    def close(self):
			        self.note('close')

			class Changing(Ramp):
			    # Another one each time that it is opened.
			    def __init__(self, log, *shapes_and_dtypes):
			        times = open(log).read().count('open') if os.path.exists(log) else 0
			        super().__init__(log, *shapes_and_dtypes[min(times, len(shapes_and_dtypes) - 1)])

			class Broken(Ramp):
			    def __getitem__(self, part):
			        raise OSError(f'cannot read {part}')

			class Growing(Ramp):
			    # Also while it is open.
			    def __getitem__(self, part):
			        self.shape = (self.shape[0] + 1, *self.shape[1:])
			        return super().__getitem__(part)
			""";

	private static PythonCacheLoaderQueue queue;

	@TempDir
	private static Path folder;

	private static String users;

	private static int lastLog;

	@BeforeAll
	static void writeFiles() throws Exception
	{
		users = Files.writeString( folder.resolve( "users_sources.py" ), USERS ).toString();
		queue = new PythonCacheLoaderQueue( 2, "scale = 2" );
	}

	@AfterAll
	static void close()
	{
		queue.close();
	}

	private static Path newLog()
	{
		return folder.resolve( "log" + ++lastLog );
	}

	private static long count( final Path log, final String what ) throws IOException
	{
		return Files.readAllLines( log ).stream().filter( line -> line.startsWith( what ) ).count();
	}

	private static String counts( final Path log ) throws IOException
	{
		return "open " + count( log, "open" ) + ", close " + count( log, "close" ) + ", read " + count( log, "read" );
	}

	private static void assertIsRamp( final PythonImg< ? > image )
	{
		final Cursor< ? > cursor = image.localizingCursor();
		while ( cursor.hasNext() )
		{
			final double value = ( ( RealType< ? > ) cursor.next() ).getRealDouble();
			long expected = 0;
			for ( int d = image.numDimensions() - 1; d >= 0; --d )
				expected = expected * image.dimension( d ) + cursor.getLongPosition( d );
			assertEquals( expected, value );
		}
	}

	@Test
	@Tag( "each-mode" )
	void isOpenedOncePerWorkerAndClosedWithIt() throws Exception
	{
		final Path log = newLog();
		final PythonImg< UnsignedShortType > image = Cast.unchecked( PythonImg.openBuilder( users + ":Ramp", log, Arrays.asList( 50, 7 ) ).cellSize( 7, 1 ).queue( queue ).build() );
		assertArrayEquals( new long[] { 7, 50 }, image.dimensionsAsLongArray() );
		assertTrue( image.getType() instanceof UnsignedShortType );
		// Somebody had to look at it.
		assertEquals( "open 1, close 1, read 0", counts( log ) );
		image.compute();
		assertIsRamp( image );
		assertEquals( 50, count( log, "read" ) );
		final long opened = count( log, "open" );
		assertTrue( opened == 2 || opened == 3, opened + " times" );
		image.close();
		// Workers forget code before they do anything else.
		queue.onAllWorkers( python -> python.getValue( "1" ) ).get();
		assertEquals( opened, count( log, "close" ) );

		final Path another = newLog();
		try (final PythonCacheLoaderQueue own = new PythonCacheLoaderQueue( 1 ))
		{
			PythonImg.openBuilder( users + ":Ramp", another ).queue( own ).build().compute();
		}
		assertEquals( "open 2, close 2, read 1", counts( another ) );
	}

	@Test
	@Tag( "each-mode" )
	void chunksAreReadOncePerWorker() throws Exception
	{
		final Path log = newLog();
		try (final PythonCacheLoaderQueue own = new PythonCacheLoaderQueue( 1 ))
		{
			final PythonImg< ? > image = PythonImg.openBuilder( users + ":Ramp", log, Arrays.asList( 40, 30 ), "i4", Arrays.asList( 20, 15 ) ).queue( own ).cellSize( 5, 4 ).build();
			image.compute();
			assertIsRamp( image );
			// Four chunks for sixty cells.
			assertEquals( 4, count( log, "read" ) );
			image.invalidate();
			image.compute();
			assertEquals( "open 3, close 2, read 8", counts( log ) );
		}
	}

	@Test
	@Tag( "each-mode" )
	void randomNumbersAreThoseOfPlainPython()
	{
		final String code = "block.data[...] = block.rng.integers(0, 1 << 30, block.dim) + block.rng.random()";
		final PythonImg< DoubleType > image = PythonImg.builder( code ).dimensions( 23, 9 ).cellSize( 7, 4 ).type( new DoubleType() ).seed( -5 ).queue( queue ).build();
		final PythonImg< DoubleType > plain = PythonImg.builder( "from imglib2_cache_python import map_blocks\nblock.data[...] = map_blocks(code, block.data, block_size=(4, 7), seed=-5, workers=2)" )
				.parameter( "code", code ).dimensions( 23, 9 ).cellSize( 23, 9 ).type( new DoubleType() ).queue( queue ).build();
		assertSame( plain, image );
		image.invalidate( new FinalInterval( new long[] { 8, 3 }, new long[] { 9, 7 } ) );
		assertSame( plain, image );
		final PythonImg< DoubleType > other = PythonImg.builder( code ).dimensions( 23, 9 ).cellSize( 7, 4 ).type( new DoubleType() ).seed( 5 ).queue( queue ).build();
		assertNotEquals( image.getAt( 0, 0 ), other.getAt( 0, 0 ) );
		assertNotEquals( image.getAt( 0, 0 ), image.getAt( 7, 0 ) );
		// Known numbers: seeds of earlier releases keep their meaning.
		final PythonImg< DoubleType > ofDefaultSeed = PythonImg.builder( "block.data[...] = np.random.default_rng(np.random.SeedSequence(0, spawn_key=(block.index,))).random() - block.rng.random()" )
				.dimensions( 23, 9 ).cellSize( 7, 4 ).type( new DoubleType() ).queue( queue ).build();
		ofDefaultSeed.forEach( pixel -> assertEquals( 0, pixel.get() ) );
	}

	private static void assertSame( final PythonImg< DoubleType > expected, final PythonImg< DoubleType > actual )
	{
		final Cursor< DoubleType > want = Views.flatIterable( expected ).cursor();
		Views.flatIterable( actual ).forEach( pixel -> assertEquals( want.next(), pixel ) );
	}

	@Test
	@Tag( "each-mode" )
	void whatCannotBeOpenedIsAnErrorThatNamesIt()
	{
		final PythonCodeException missing = assertThrows( PythonCodeException.class, () -> open( "numpy:load", "/no/such/file.npy" ) );
		assertEquals( "FileNotFoundError", missing.getPythonType() );
		assertStartsWith( "Opening numpy:load failed: FileNotFoundError", missing.getMessage() );
		assertEquals( "numpy:load('/no/such/file.npy')", missing.getSourceLine() );
		assertContains( "no_such_package", assertThrows( PythonCodeException.class, () -> open( "no_such_package:open", 1 ) ).getAdvice() );
		assertContains( "sees the arguments path", assertThrows( PythonCodeException.class, () -> open( "h5py.File(pth)['x']", map( "path", "a" ) ) ).getMessage() );
		assertContains( "these are statements", assertThrows( PythonCodeException.class, () -> open( "import h5py\nh5py.File(path)['x']", map( "path", "a" ) ) ).getMessage() );
		assertContains( "(1 +", assertThrows( PythonCodeException.class, () -> open( "(1 +" ) ).getMessage() );
		// It may also fail later, when a worker opens it.
		final Path log = newLog();
		final PythonImg< ? > image = PythonImg.openBuilder( "np.zeros(5) if helper(path) == 1 else 1 / 0", map( "path", log ) ).init( """
				def helper(path):
				    with open(path, 'a+') as file:
				        file.write('x')
				        return file.tell()
				""" ).workers( 1 ).build();
		final PythonCellException failed = assertThrows( PythonCellException.class, () -> read( image ) );
		assertEquals( "ZeroDivisionError", failed.getPythonType() );
		assertEquals( "np.zeros(5) if helper(path) == 1 else 1 / 0", failed.getSourceLine() );
	}

	@Test
	@Tag( "each-mode" )
	void failedReadsAreCapturedAndRunAgain() throws Exception
	{
		final Path captures = Files.createTempDirectory( folder, "captures" );
		final Path log = newLog();
		final PythonImg< ? > image = PythonImg.openBuilder( users + ":Broken", log, new int[] { 5, 7 } ).name( "broken" ).cellSize( 7, 1 ).captureFailures( captures ).queue( queue ).build();
		final String message = image.compute().errors().get( 0 ).getMessage();
		assertContains( "failed: OSError: cannot read (slice(", message );
		final Path file;
		try (final Stream< Path > files = Files.list( captures ))
		{
			file = files.filter( one -> message.contains( one.toString() ) ).findFirst().get();
		}
		final long opened = count( log, "open" );
		final String shown = replay( file, "--show" );
		assertContains( "opened array = " + users + ":Broken('" + log + "', array([5, 7]", shown );
		assertEquals( opened, count( log, "open" ), "--show opens nothing" );
		assertContains( "The block fails again", replay( file ) );
		assertEquals( opened + 1, count( log, "open" ) );
	}

	private static String replay( final Path file, final String... more ) throws Exception
	{
		final List< String > command = new ArrayList<>( Arrays.asList( ChildJvm.testPython().toString(), "-B", "-m", "imglib2_cache_python.replay", file.toString() ) );
		command.addAll( Arrays.asList( more ) );
		final ProcessBuilder builder = new ProcessBuilder( command ).redirectErrorStream( true );
		builder.environment().put( "PYTHONPATH", DocumentationTest.ROOT.resolve( "src/main/python" ).toString() );
		final Process process = builder.start();
		final String printed = new String( process.getInputStream().readAllBytes(), StandardCharsets.UTF_8 );
		assertTrue( process.waitFor( 60, TimeUnit.SECONDS ) );
		return printed;
	}

	private static void read( final PythonImg< ? > image )
	{
		try
		{
			image.firstElement();
		}
		catch ( final RuntimeException e )
		{
			Throwable cause = e;
			while ( !( cause instanceof PythonCellException ) && cause.getCause() != null )
				cause = cause.getCause();
			throw cause instanceof PythonCellException ? ( PythonCellException ) cause : e;
		}
	}

	// ------------------------------------------------------------ once only

	@ParameterizedTest
	@CsvSource( delimiter = '|', value = {
			"zarr:open_array|v2.zarr",
			"zarr:open_array|v3.zarr",
			"tifffile:memmap|a.tif",
			"zarr.open_array(tifffile.TiffFile(path).aszarr(), mode='r')|a.tif",
			"h5py.File(path)['group/volume']|a.h5",
			"numpy:load|a.npy",
			"np.load(path, mmap_mode='r')|a.npy",
			"dask.array.from_zarr(path)|v2.zarr",
			"dask.array.from_zarr(path).rechunk(((1, 3, 1), 4))|v2.zarr" } )
	void formats( final String expression, final String file ) throws Exception
	{
		write();
		final Path path = folder.resolve( file );
		try (final PythonImg< ? > image = expression.contains( "path" ) ? open( expression, map( "path", path ) ) : open( expression, path ))
		{
			assertArrayEquals( new long[] { 7, 5 }, image.dimensionsAsLongArray() );
			assertTrue( image.getType() instanceof UnsignedShortType );
			assertIsRamp( image );
		}
	}

	private static synchronized void write() throws Exception
	{
		if ( Files.exists( folder.resolve( "a.h5" ) ) )
			return;
		queue.submit( python -> {
			python.set( "folder", folder + "/" );
			python.exec( """
					import h5py, numpy as np, tifffile, zarr
					ramp = np.arange(35, dtype='>u2').reshape(5, 7)
					for version in (2, 3):
					    zarr.create_array(folder + f'v{version}.zarr', data=ramp.astype('u2'), chunks=(2, 3), zarr_format=version)
					tifffile.imwrite(folder + 'a.tif', ramp, byteorder='>')
					np.save(folder + 'a.npy', ramp)
					with h5py.File(folder + 'a.h5', 'w') as file:
					    file.create_dataset('group/volume', data=ramp, chunks=(2, 3))
					    file['text'] = ['a', 'b']
					""" );
			return null;
		} ).get();
	}

	@Test
	void aGroupTellsItsMembers() throws Exception
	{
		write();
		final PythonCodeException group = assertThrows( PythonCodeException.class, () -> open( "h5py:File", folder.resolve( "a.h5" ) ) );
		assertContains( "is a group, not an array: open one of its members, 'group', 'text'", group.getMessage() );
		final PythonCodeException text = assertThrows( PythonCodeException.class, () -> open( "h5py.File(path)['text']", map( "path", folder.resolve( "a.h5" ) ) ) );
		assertContains( "has the dtype object, but pixels are booleans or numbers: convert", text.getMessage() );
	}

	@ParameterizedTest
	@CsvSource( {
			"?, NativeBoolType", "i1, ByteType", "u1, UnsignedByteType", ">i2, ShortType", ">u2, UnsignedShortType", "<i4, IntType", ">u4, UnsignedIntType", ">i8, LongType",
			"u8, UnsignedLongType", ">f4, FloatType", "f8, DoubleType", ">c8, ComplexFloatType", "c16, ComplexDoubleType" } )
	void everyDtypeHasAType( final String dtype, final String type )
	{
		// Neither 0 nor the same in another byte order.
		final PythonImg< ? > image = open( "numpy:full", Arrays.asList( 2, 3 ), 1, dtype );
		assertEquals( type, image.getType().getClass().getSimpleName() );
		final Object pixel = image.getAt( 2, 1 );
		assertEquals( 1, pixel instanceof NativeBoolType ? ( ( NativeBoolType ) pixel ).getInteger() : ( ( ComplexType< ? > ) pixel ).getRealDouble() );
	}

	@ParameterizedTest
	@CsvSource( delimiter = '|', value = {
			"f2|which ImgLib2 does not have: widen it by the type of the image, openBuilder( … ).type( new FloatType() )",
			"g|whose precision ImgLib2 does not have: convert it in Python, for instance array.astype('float64')",
			"G|array.astype('complex128')",
			"U3|pixels are booleans or numbers: convert it to numbers",
			"S3|pixels are booleans or numbers: convert it to numbers",
			"O|pixels are booleans or numbers: convert it to numbers",
			"M8[s]|array.view('int64')",
			"m8[s]|array.view('int64')",
			"i4,f4|choose one of its fields, 'f0', 'f1'" } )
	void otherDtypesAreRefusedWithARemedy( final String dtype, final String remedy )
	{
		final PythonCodeException refused = assertThrows( PythonCodeException.class, () -> open( "numpy:zeros", 3, dtype ) );
		assertContains( remedy, refused.getMessage() );
		assertStartsWith( "Opening numpy:zeros failed: TypeError: numpy:zeros(3, '" + dtype + "') has the dtype ", refused.getMessage() );
	}

	@Test
	void aTypeThatHasAllValuesCanBeChosen()
	{
		assertEquals( new FloatType( 0.5f ), builder( "numpy:full", 3, 0.5, "f2" ).type( new FloatType() ).build().firstElement() );
		assertEquals( new DoubleType( 200 ), builder( "numpy:full", 3, 200, "u1" ).type( new DoubleType() ).build().firstElement() );
		assertEquals( new BitType( true ), builder( "numpy:ones", 3, "?" ).type( new BitType() ).build().firstElement() );
		assertEquals( new ARGBType( 0x01020304 ), builder( "numpy:full", 3, 0x01020304, "u4" ).type( new ARGBType() ).build().firstElement() );
		final String message = assertThrows( PythonCodeException.class, () -> builder( "numpy:ones", 3, "u2" ).type( new UnsignedByteType() ).build() ).getMessage();
		assertContains( "has the dtype uint16, whose values pixels of uint8 cannot all have: leave the type out", message );
		assertThrows( PythonCodeException.class, () -> builder( "numpy:ones", 3, "f8" ).type( new FloatType() ).build() );
		assertThrows( PythonCodeException.class, () -> builder( "numpy:ones", 3, "i1" ).type( new UnsignedByteType() ).build() );
		for ( final NativeType< ? > type : Arrays.asList( new Unsigned12BitType(), new NativeARGBDoubleType(), new Unsigned128BitType(), new BasePairBitType() ) )
			assertContains( "cannot have all numbers of an array", assertThrows( IllegalArgumentException.class, () -> typed( builder( "numpy:ones", 3, "u1" ), type ).build() ).getMessage() );
	}

	private static < S extends NativeType< S > > PythonImgBuilder< S > typed( final PythonImgBuilder< ? > builder, final NativeType< ? > type )
	{
		return builder.type( Cast.< S >unchecked( type ) );
	}

	@ParameterizedTest
	@ValueSource( strings = { "9", "4 3", "2 3 4", "2 1 3 2", "2 3 1 2 3", "1 2 1 3 1 2" } )
	void anyNumberOfAxes( final String numpyShape )
	{
		final long[] shape = Arrays.stream( numpyShape.split( " " ) ).mapToLong( Long::parseLong ).toArray();
		final PythonImg< ? > image = PythonImg.openBuilder( "np.arange(np.prod(shape)).reshape(shape)", map( "shape", shape ) ).cellSize( 2 ).queue( queue ).build();
		assertEquals( shape.length, image.numDimensions() );
		for ( int d = 0; d < shape.length; ++d )
			assertEquals( shape[ shape.length - 1 - d ], image.dimension( d ) );
		assertIsRamp( image );
	}

	@Test
	void longAxes()
	{
		final PythonImg< UnsignedByteType > image = Cast.unchecked( open( "np.broadcast_to(np.arange(3, dtype='u1'), (2**33, 3))" ) );
		assertArrayEquals( new long[] { 3, 1L << 33 }, image.dimensionsAsLongArray() );
		assertEquals( 2, image.getAt( 2, ( 1L << 33 ) - 1 ).get() );
	}

	@Test
	void withoutPixelsItIsNoImage()
	{
		assertContains( "has the shape (3, 0), which has no pixels", assertThrows( PythonCodeException.class, () -> open( "numpy:zeros", Arrays.asList( 3, 0 ) ) ).getMessage() );
		assertContains( "is a single number, of shape (), expected one axis or more", assertThrows( PythonCodeException.class, () -> open( "np.float64(3)" ) ).getMessage() );
		assertContains( "is of type list, expected an array", assertThrows( PythonCodeException.class, () -> open( "[1, 2]" ) ).getMessage() );
	}

	@Test
	void argumentsOfAllKinds() throws Exception
	{
		final Path relative = Paths.get( "some", "file" );
		final Map< String, Object > all = new LinkedHashMap<>();
		all.put( "path", relative );
		all.put( "file", relative.toFile() );
		all.put( "uri", URI.create( "s3://bucket/x" ) );
		all.put( "nothing", null );
		all.put( "nested", Arrays.asList( 1, Collections.singletonMap( "deep", new Object[] { relative, 2.5, true } ) ) );
		all.put( "array", new short[] { 1, 2 } );
		// Arrays of Nashorn.
		final Map< String, Object > nashorn = new LinkedHashMap<>();
		nashorn.put( "0", 4 );
		nashorn.put( "1", 5 );
		all.put( "list", nashorn );
		final String absolute = relative.toAbsolutePath().toString();
		open( "np.zeros(1 if (path, file, uri, nothing, nested, array.dtype.name, list) == (absolute, absolute, 's3://bucket/x', None, [1, {'deep': [absolute, 2.5, True]}], 'int16', [4, 5]) else 0)",
				with( all, "absolute", absolute ) );
		// Arguments of a function, some by name.
		assertEquals( 3, open( "numpy:full", Arrays.asList( 1, 3 ), map( "fill_value", 2 ) ).dimension( 0 ) );
		assertEquals( 4, open( "numpy:ones", map( "shape", 4 ) ).dimension( 0 ) );
		assertContains( "got 2 without a name: give a map", assertThrows( IllegalArgumentException.class, () -> PythonImg.openBuilder( "np.zeros(n)", 3, 4 ) ).getMessage() );
		assertContains( "Argument 1 of numpy:zeros is or has a value of type java.lang.Object", assertThrows( IllegalArgumentException.class, () -> PythonImg.openBuilder( "numpy:zeros", 3, new Object() ) ).getMessage() );
		assertContains( "\"lambda\", is a keyword", assertThrows( IllegalArgumentException.class, () -> PythonImg.openBuilder( "x", map( "lambda", 3 ) ) ).getMessage() );
		assertContains( "there is nothing to open", assertThrows( IllegalArgumentException.class, () -> PythonImg.openBuilder( " " ) ).getMessage() );
		try (final FileSystem zip = FileSystems.newFileSystem( URI.create( "jar:" + folder.resolve( "a.zip" ).toUri() ), Collections.singletonMap( "create", "true" ) ))
		{
			assertContains( "which Python does not know: give a file", assertThrows( IllegalArgumentException.class, () -> PythonImg.openBuilder( "zarr:open", zip.getPath( "/a" ) ) ).getMessage() );
		}
	}

	@Test
	void aShapeOrDtypeThatChangesIsAnErrorWithBoth() throws Exception
	{
		final Path log = newLog();
		final PythonImg< ? > shrunk = open( users + ":Changing", log, Arrays.asList( new int[] { 5, 7 }, "u2" ), Arrays.asList( new int[] { 5, 6 }, "u2" ) );
		assertContains( "has the shape (5, 6) and dtype uint16 now, but had (5, 7) and dtype uint16 before: make the image anew", assertThrows( PythonCellException.class, () -> read( shrunk ) ).getMessage() );
		final Path another = newLog();
		final PythonImg< ? > widened = open( users + ":Changing", another, Arrays.asList( new int[] { 5, 7 }, "u2" ), Arrays.asList( new int[] { 5, 7 }, "u4" ) );
		assertContains( "has the shape (5, 7) and dtype uint32 now, but had (5, 7) and dtype uint16 before", assertThrows( PythonCellException.class, () -> read( widened ) ).getMessage() );
		final PythonImg< ? > grows = builder( users + ":Growing", newLog() ).cellSize( 7, 1 ).build();
		assertContains( "has the shape (6, 7) now, but had (5, 7) before", grows.compute().errors().get( 0 ).getMessage() );
		// Another byte order is no other dtype.
		assertIsRamp( open( users + ":Changing", newLog(), Arrays.asList( new int[] { 5, 7 }, "u2" ), Arrays.asList( new int[] { 5, 7 }, ">u2" ) ) );
	}

	@Test
	void parametersAreArgumentsOfWhatOpens() throws Exception
	{
		final Path log = newLog();
		final PythonImg< ShortType > image = Cast.unchecked( builder( users + ":Ramp", log ).parameter( "sign", -1 ).parameter( "dtype", "i2" ).build() );
		assertEquals( -3, image.getAt( 3, 0 ).get() );
		image.parameter( "sign", 2 );
		assertEquals( 6, image.getAt( 3, 0 ).get() );
		final String before = image.provenance();
		assertContains( "has the shape (7, 5) and dtype int16 now, but had (5, 7) and dtype int16 before", assertThrows( PythonCodeException.class, () -> image.parameter( "shape", Arrays.asList( 7, 5 ) ) ).getMessage() );
		assertContains( "has the shape (5, 7) and dtype int8 now", assertThrows( PythonCodeException.class, () -> image.parameter( "dtype", "i1" ) ).getMessage() );
		assertThrows( IllegalArgumentException.class, () -> image.parameter( "sign", new Object() ) );
		assertThrows( PythonCodeException.class, () -> image.parameter( "unknown", 1 ) );
		assertEquals( before, image.provenance() );
		assertEquals( 6, image.getAt( 3, 0 ).get() );
		// What reads the array can be changed, too.
		image.code( "block.data[...] = array[block.slices] + scale" );
		assertEquals( 8, image.getAt( 3, 0 ).get() );
		image.close();
		assertThrows( PythonClosedException.class, () -> image.parameter( "sign", 1 ) );
		image.invalidate();
	}

	@Test
	void aFileThatHasChangedIsSeenAfterInvalidation() throws Exception
	{
		final Path file = folder.resolve( "changes.txt" );
		Files.writeString( file, "1 2 3" );
		final PythonImg< DoubleType > image = Cast.unchecked( open( "numpy:loadtxt", file ) );
		final PythonImg< DoubleType > next = PythonImg.builder( "block.data[...] = 10 * block.inputs[0]" ).input( image ).type( new DoubleType() ).queue( queue ).build();
		assertEquals( 20, next.getAt( 1 ).get() );
		Files.writeString( file, "1 4 3" );
		image.invalidate( FinalInterval.createMinSize( 0, 3 ) );
		assertEquals( 40, next.getAt( 1 ).get() );
		Files.writeString( file, "1 5 3" );
		image.invalidate();
		assertEquals( 50, next.getAt( 1 ).get() );
	}

	@Test
	void settingsWorkOrAreRefused() throws Exception
	{
		final PythonImg< ? > part = builder( users + ":Ramp", newLog(), Arrays.asList( 9, 7 ) ).dimensions( 7, 4 ).cellSize( 3 ).arrays().cacheBytes( 10 ).checkWritten( true ).timeout( Duration.ofMinutes( 1 ) ).build();
		assertArrayEquals( new long[] { 7, 4 }, part.dimensionsAsLongArray() );
		assertIsRamp( part );
		for ( final long[] wrong : new long[][] { { 8, 9 }, { 7, 10 }, { 7 }, { 7, 9, 1 } } )
			assertContains( "has the dimensions [7, 9], in ImgLib2's order", assertThrows( IllegalArgumentException.class, () -> builder( users + ":Ramp", newLog(), Arrays.asList( 9, 7 ) ).dimensions( wrong ).build() ).getMessage() );

		final Map< String, UnaryOperator< PythonImgBuilder< ? > > > refused = new LinkedHashMap<>();
		refused.put( "input( … )", b -> b.input( ArrayImgs.bytes( 3 ) ) );
		refused.put( "halo( … )", b -> b.halo( 1 ) );
		refused.put( "border( … )", b -> b.border( "nearest" ) );
		refused.put( "padToMultiple( … )", b -> b.padToMultiple( 2 ) );
		refused.put( "contiguous( true )", b -> b.contiguous( true ) );
		refused.put( "writableInputs( true )", b -> b.writableInputs( true ) );
		refused.put( "onFallback( … )", b -> b.onFallback( "fail" ) );
		refused.put( "watch( true )", b -> b.watch( true ) );
		refused.forEach( ( setting, set ) -> {
			final String message = assertThrows( IllegalArgumentException.class, () -> set.apply( builder( "numpy:zeros", 3 ) ).build() ).getMessage();
			assertContains( "." + setting, message );
			assertStartsWith( "the image shows what numpy:zeros opens", message );
		} );
		assertThrows( IllegalArgumentException.class, () -> builder( "numpy:zeros", 3 ).workers( 2 ).build() );
		assertContains( "has no input, and so no halo", assertThrows( IllegalStateException.class, () -> part.checkHalo() ).getMessage() );

		final List< PythonCellException > errors = Collections.synchronizedList( new ArrayList<>() );
		final PythonImgBuilder< DoubleType > failing = Cast.unchecked( builder( users + ":Broken", newLog(), new int[] { 5, 7 }, "f8" ) );
		final PythonImg< DoubleType > filled = failing.cellSize( 7, 1 ).onErrorFill( new DoubleType( 9 ), errors::add ).build();
		filled.compute();
		assertEquals( 9, filled.getAt( 0, 4 ).get() );
		assertContains( "cannot read", errors.get( 0 ).getMessage() );
	}

	@Test
	void provenanceTellsWhatWasOpened()
	{
		final Map< String, Object > more = new LinkedHashMap<>( map( "fill_value", 2 ) );
		more.put( "dtype", "u1" );
		assertStartsWith( """
				full: UnsignedByteType, 3 x 2, in cells of 3 x 2
				code:
				    block.data[...] = array[block.slices]
				opened as array:
				    numpy:full
				    [2, 3]
				    fill_value = 2
				    dtype = 'u1'
				init:
				    scale = 2
				Python: """, builder( "numpy:full", Arrays.asList( 2, 3 ), more ).name( "full" ).build().provenance() );
		final String ofExpression = open( "scipy.ndimage.generate_binary_structure(rank, 1)", map( "rank", 2 ) ).provenance();
		assertContains( "opened as array:\n    scipy.ndimage.generate_binary_structure(rank, 1)\n    rank = 2\n", ofExpression );
		assertContains( "scipy ", ofExpression );
		assertContains( "seed: 7\n", PythonImg.builder( "block.data[...] = block.rng.random()" ).dimensions( 3 ).type( new FloatType() ).seed( 7 ).queue( queue ).build().provenance() );
	}

	@Test
	void imagesAreNamedByTheirFile()
	{
		for ( final String path : new String[] { "/no/such.zarr", "/no/such.zarr/", "C:\\no\\such.zarr", "s3://no/such.zarr" } )
			assertStartsWith( "such.zarr:", open( "np.zeros(len(path))", map( "path", path ) ).provenance() );
		assertStartsWith( "zeros:", open( "numpy:zeros", 3 ).provenance() );
		assertStartsWith( "PythonImg:", open( "np.zeros(3)" ).provenance() );
	}

	@Test
	void onTheThreadOfAWorkerNothingIsOpened() throws Exception
	{
		final Throwable refused = assertThrows( ExecutionException.class, () -> queue.submit( python -> open( "numpy:zeros", 3 ) ).get() ).getCause();
		assertTrue( refused instanceof IllegalStateException, refused.toString() );
	}

	@Test
	void whoWaitsForAnArrayCanBeInterrupted() throws Exception
	{
		final Path begun = folder.resolve( "begun" );
		try (final PythonCacheLoaderQueue own = new PythonCacheLoaderQueue( 1 ))
		{
			final AtomicReference< Throwable > thrown = new AtomicReference<>();
			final Thread opens = new Thread( () -> {
				try
				{
					PythonImg.openBuilder( "(pathlib.Path(begun).touch(), [time.sleep(0.01) for _ in iter(int, 1)])", map( "begun", begun ) ).queue( own ).build();
				}
				catch ( final Throwable t )
				{
					thrown.set( t );
				}
			} );
			opens.start();
			while ( !Files.exists( begun ) )
				Thread.onSpinWait();
			opens.interrupt();
			opens.join();
			assertTrue( thrown.get() instanceof PythonInterruptedException, String.valueOf( thrown.get() ) );
		}
	}

	@ParameterizedTest
	@CsvSource( delimiter = '|', value = {
			// Chunks as they are
			"2000 1000 500|256 256 64|1|256 256 64",
			"2000 1000|512 512|1|512 512",
			"100 50|1000 30|8|100 50",
			// Small ones: about 1 MiB, along three axes
			"2000 1000 500|32 32 32|1|128 128 64",
			"2000 1000 500|16 16 16|2|128 64 64",
			"2000 1000 500 9 9|8 8 8 1 1|1|128 128 64 1 1",
			"70 1000|64 64|1|70 1000",
			"1000000|100|1|819200",
			"5000 5000|5000 1|4|5000 32",
			// Sizes differ along the second axis
			"3000 3000|500 0|4|500 512",
			// Large ones: equal parts of a chunk
			"8192 8192 64|8192 8192 64|1|8192 8192 2",
			"8192 8192 90|8192 8192 9|4|8192 4096 1",
			"10000 10000 90|1000 1000 45|4|1000 1000 15",
			"8000000000|8000000000|1|134217728" } )
	void cellsAreWholeChunks( final String dimensions, final String chunks, final double bytes, final String cell )
	{
		assertArrayEquals( Arrays.stream( numbers( cell ) ).mapToInt( size -> ( int ) size ).toArray(), ImgGeometry.cellSizeOfChunks( numbers( dimensions ), numbers( chunks ), bytes ) );
	}

	private static long[] numbers( final String text )
	{
		return Arrays.stream( text.split( " " ) ).mapToLong( Long::parseLong ).toArray();
	}

	private static PythonImgBuilder< ? > builder( final String expression, final Object... arguments )
	{
		return PythonImg.openBuilder( expression, arguments ).queue( queue );
	}

	private static PythonImg< ? > open( final String expression, final Object... arguments )
	{
		return builder( expression, arguments ).build();
	}

	private static Map< String, Object > map( final String name, final Object value )
	{
		return Collections.singletonMap( name, value );
	}

	private static Map< String, Object > with( final Map< String, Object > map, final String name, final Object value )
	{
		map.put( name, value );
		return map;
	}

	private static void assertContains( final String expected, final String text )
	{
		assertTrue( text.contains( expected ), text );
	}

	private static void assertStartsWith( final String expected, final String text )
	{
		assertTrue( text.startsWith( expected ), text );
	}
}
