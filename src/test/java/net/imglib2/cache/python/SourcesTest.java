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
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

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
import net.imglib2.type.NativeType;
import net.imglib2.type.logic.BitType;
import net.imglib2.type.logic.NativeBoolType;
import net.imglib2.type.numeric.RealType;
import net.imglib2.type.numeric.integer.Unsigned12BitType;
import net.imglib2.type.numeric.integer.UnsignedByteType;
import net.imglib2.type.numeric.integer.UnsignedShortType;
import net.imglib2.type.numeric.real.DoubleType;
import net.imglib2.type.numeric.real.FloatType;
import net.imglib2.util.Cast;

/**
 * Images that show arrays of Python. What Python does with them, {@code test_sources.py}
 * tests.
 */
@Tag( "each-mode" )
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

	private static String message( final Throwable thrown )
	{
		return thrown.getCause() == null ? thrown.getMessage() : thrown.getMessage() + "\n" + message( thrown.getCause() );
	}

	@Test
	void isOpenedOncePerWorkerAndClosedWithIt() throws Exception
	{
		final Path log = newLog();
		final PythonImg< UnsignedShortType > image = Cast.unchecked( PythonImg.openBuilder( users + ":Ramp", log, Arrays.asList( 50, 7 ) ).cellSize( 7, 1 ).queue( queue ).build() );
		assertArrayEquals( new long[] { 7, 50 }, image.dimensionsAsLongArray() );
		assertTrue( image.getType() instanceof UnsignedShortType );
		// Somebody had to look at it.
		assertEquals( 1, count( log, "open" ) );
		assertEquals( 1, count( log, "close" ) );
		assertEquals( 0, count( log, "read" ) );
		image.compute();
		assertIsRamp( image );
		assertEquals( 50, count( log, "read" ) );
		final long opened = count( log, "open" );
		assertTrue( opened == 2 || opened == 3, opened + " times" );
		image.close();
		// Workers forget code before they do anything else.
		queue.onAllWorkers( python -> python.getValue( "1" ) ).get();
		assertEquals( opened, count( log, "close" ) );

		try (final PythonCacheLoaderQueue own = new PythonCacheLoaderQueue( 1 ))
		{
			PythonImg.openBuilder( users + ":Ramp", log ).queue( own ).build().compute();
		}
		assertEquals( opened + 2, count( log, "open" ) );
		assertEquals( opened + 2, count( log, "close" ) );
	}

	@ParameterizedTest
	@CsvSource( delimiter = '|', value = {
			"zarr:open_array|v2.zarr|7x5|7x5|UnsignedShortType",
			"zarr:open_array|v3.zarr|7x5|7x5|UnsignedShortType",
			"tifffile:memmap|a.tif|7x5|7x5|UnsignedShortType",
			"zarr.open_array(tifffile.TiffFile(path).aszarr(), mode='r')|a.tif|7x5|7x5|UnsignedShortType",
			"h5py.File(path)['group/volume']|a.h5|7x5|7x5|UnsignedShortType",
			"numpy:load|a.npy|7x5|7x5|UnsignedShortType",
			"np.load(path, mmap_mode='r')|a.npy|7x5|7x5|UnsignedShortType",
			"dask.array.from_zarr(path)|v2.zarr|7x5|7x5|UnsignedShortType" } )
	void formats( final String expression, final String file, final String dimensions, final String cell, final String type ) throws Exception
	{
		write();
		final Path path = folder.resolve( file );
		final PythonImgBuilder< ? > builder = expression.contains( "path" ) ? PythonImg.openBuilder( expression, Collections.singletonMap( "path", path ) ) : PythonImg.openBuilder( expression, path );
		try (final PythonImg< ? > image = builder.queue( queue ).build())
		{
			assertEquals( dimensions, Arrays.toString( image.dimensionsAsLongArray() ).replaceAll( "[\\[\\] ]", "" ).replace( ',', 'x' ) );
			assertEquals( type, image.getType().getClass().getSimpleName() );
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
}
