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
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.concurrent.TimeUnit;

import javax.tools.ToolProvider;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;
import org.junit.jupiter.api.io.TempDir;

import net.imglib2.Dirty;
import net.imglib2.RandomAccess;
import net.imglib2.RandomAccessibleInterval;
import net.imglib2.cache.CacheLoader;
import net.imglib2.img.basictypeaccess.array.ArrayDataAccess;
import net.imglib2.img.basictypeaccess.nio.BufferAccess;
import net.imglib2.img.basictypeaccess.volatiles.VolatileAccess;
import net.imglib2.img.basictypeaccess.volatiles.array.DirtyVolatileLongArray;
import net.imglib2.img.cell.Cell;
import net.imglib2.img.cell.CellGrid;
import net.imglib2.type.NativeType;
import net.imglib2.type.logic.NativeBoolType;
import net.imglib2.type.numeric.RealType;
import net.imglib2.type.numeric.integer.Unsigned12BitType;
import net.imglib2.type.numeric.integer.UnsignedByteType;
import net.imglib2.type.numeric.real.FloatType;
import net.imglib2.util.Cast;

/**
 * Cells for the disk caches of imglib2-cache. The subset of it does not contain the real
 * ones: a class of the same name asks the loader in the same way.
 */
class DiskCachesTest
{
	private static final long[] DIMS = { 40, 24 };

	private static final int[] CELL = { 8, 8 };

	private static final CellGrid GRID = new CellGrid( DIMS, CELL );

	private static Class< ? > diskCache;

	private static final String CODE = TestPixels.INIT + "window = tuple(slice(a, b + 1) for a, b in zip(block.min, block.max))\n";

	@Test
	void cellsAreInArraysThatKnowWhetherTheyWereWritten() throws Exception
	{
		try (final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue())
		{
			for ( final NativeType< ? > type : TestPixels.types() )
			{
				final PythonCacheLoader< ?, ? > loader = loader( queue, Cast.unchecked( type ) );
				final CacheLoader< Long, Cell< ? > > cache = diskCache( loader );
				if ( type instanceof NativeBoolType )
				{
					final Exception e = assertThrows( IllegalArgumentException.class, () -> cache.get( 0L ) );
					assertEquals( "disk caches cannot save NativeBoolType: choose BitType, or UnsignedByteType, for the image", e.getMessage() );
					continue;
				}
				final ArrayDataAccess< ? > pixels = assertInstanceOf( ArrayDataAccess.class, cache.get( 3L ).getData() );
				assertTrue( pixels.getCurrentStorageArray().getClass().isArray(), pixels.getClass().getName() );
				assertTrue( ( ( VolatileAccess ) pixels ).isValid() );
				assertFalse( ( ( Dirty ) pixels ).isDirty(), pixels.getClass().getName() );
				checkCell( Cast.unchecked( type ), pixels );
				TestPixels.set( TestImages.array( Cast.unchecked( type ), pixels, 8, 8 ).firstElement(), 0, 0 );
				assertTrue( ( ( Dirty ) pixels ).isDirty() );
			}
		}
	}

	private static < T extends NativeType< T > > PythonCacheLoader< T, ? > loader( final PythonCacheLoaderQueue queue, final T type )
	{
		return PythonCacheLoader.fromRandomAccessibles( GRID, queue, CODE + "block.data[...] = image('" + TestPixels.kind( type ) + "', " + TestImages.numpy( DIMS ) + ", 7)[window]", type );
	}

	private static < T extends NativeType< T > > void checkCell( final T type, final ArrayDataAccess< ? > pixels )
	{
		final RandomAccessibleInterval< T > got = TestImages.array( type, pixels, 8, 8 );
		final T want = type.createVariable();
		for ( int y = 0; y < 8; ++y )
			for ( int x = 0; x < 8; ++x )
			{
				TestPixels.set( want, 40 * y + 24 + x, 7 );
				assertTrue( want.valueEquals( got.getAt( x, y ) ), type.getClass().getSimpleName() );
			}
	}

	/**
	 * A fill value must not be saved.
	 */
	@Test
	void cellsThatAreFilledAreNotSaved() throws Exception
	{
		try (final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue())
		{
			final PythonCacheLoader< FloatType, ? > loader = PythonCacheLoader.fromRandomAccessibles( GRID, queue, "block.data[...] = 1 / 0", new FloatType(), Halo.empty( 2 ),
					PythonLoaderOptions.options().onErrorFill( new FloatType( 5 ), e -> {} ) );
			final Object pixels = diskCache( loader ).get( 0L ).getData();
			assertEquals( 5, TestImages.array( new FloatType(), Cast.unchecked( pixels ), 8, 8 ).firstElement().get() );
			assertFalse( ( ( Dirty ) pixels ).isDirty() );
		}
	}

	@Test
	void otherCachesGetTheDataAccessOfTheLoader() throws Exception
	{
		try (final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue())
		{
			assertInstanceOf( BufferAccess.class, loader( queue, new FloatType() ).get( 0L ).getData() );
			// A data access of the user's own, which counts changes of pixels that are written one by one.
			final PythonCacheLoader< Unsigned12BitType, DirtyVolatileLongArray > loader = PythonCacheLoader.fromRandomAccessibles( GRID, queue, "block.data[...] = 3", new Unsigned12BitType(),
					new DirtyVolatileLongArray( 1, true ), Collections.emptyList() );
			final DirtyVolatileLongArray pixels = loader.get( 0L ).getData();
			assertFalse( pixels.isDirty() );
			assertEquals( 3, TestImages.array( new Unsigned12BitType(), pixels, 8, 8 ).firstElement().get() );
		}
	}

	/**
	 * The behaviour that the other tests rely on.
	 */
	@Test
	@Timeout( value = 60, unit = TimeUnit.SECONDS, threadMode = ThreadMode.SEPARATE_THREAD )
	void realDiskCachesKeepWhatWasWritten() throws Exception
	{
		final String skipped = "needs the released imglib2-cache: the subset has no DiskCachedCellImgFactory";
		final Class< ? > factory;
		final Class< ? > options;
		try
		{
			factory = Class.forName( "net.imglib2.cache.img.DiskCachedCellImgFactory" );
			options = Class.forName( "net.imglib2.cache.img.DiskCachedCellImgOptions" );
		}
		catch ( final ClassNotFoundException e )
		{
			assumeTrue( false, skipped );
			return;
		}
		try (final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue())
		{
			for ( final boolean dirty : new boolean[] { true, false } )
				for ( final boolean isVolatile : new boolean[] { true, false } )
				{
					check( queue, new FloatType(), factory, options, dirty, isVolatile );
					check( queue, new UnsignedByteType(), factory, options, dirty, isVolatile );
					check( queue, new Unsigned12BitType(), factory, options, dirty, isVolatile );
				}
		}
	}

	private static < T extends NativeType< T > & RealType< T > > void check(
			final PythonCacheLoaderQueue queue,
			final T type,
			final Class< ? > factory,
			final Class< ? > options,
			final boolean dirty,
			final boolean isVolatile ) throws Exception
	{
		Object values = options.getMethod( "options" ).invoke( null );
		values = options.getMethod( "cellDimensions", int[].class ).invoke( values, ( Object ) CELL );
		values = options.getMethod( "dirtyAccesses", boolean.class ).invoke( values, dirty );
		values = options.getMethod( "volatileAccesses", boolean.class ).invoke( values, isVolatile );
		values = options.getMethod( "maxCacheSize", long.class ).invoke( values, 1L );
		final Class< ? > cacheType = Class.forName( "net.imglib2.cache.img.optional.CacheOptions$CacheType" );
		values = options.getMethod( "cacheType", cacheType ).invoke( values, cacheType.getField( "BOUNDED" ).get( null ) );
		final RandomAccessibleInterval< T > img = Cast.unchecked( factory.getMethod( "createWithCacheLoader", long[].class, CacheLoader.class )
				.invoke( factory.getConstructor( NativeType.class, options ).newInstance( type, values ), DIMS, loader( queue, type ) ) );
		final T want = type.createVariable();
		for ( int round = 0; round < 4; ++round )
		{
			for ( int y = 0; y < DIMS[ 1 ]; ++y )
				for ( int x = 0; x < DIMS[ 0 ]; ++x )
				{
					// One shared access would keep all cells alive.
					final RandomAccess< T > access = img.randomAccess();
					final T got = access.setPositionAndGet( x, y );
					final boolean isWritten = x % 8 == 3 && y % 8 == 5;
					if ( round > 0 && isWritten )
						want.setReal( 11 );
					else
						TestPixels.set( want, 40 * y + x, 7 );
					assertTrue( want.valueEquals( got ), () -> got + " instead of " + want );
					if ( isWritten )
						got.setReal( 11 );
				}
			// A cache may drop what is not used any more.
			System.gc();
		}
	}

	/**
	 * @return a cache that asks the loader under the name of the real ones
	 */
	private static CacheLoader< Long, Cell< ? > > diskCache( final CacheLoader< Long, ? > loader ) throws Exception
	{
		return Cast.unchecked( diskCache.getConstructor( CacheLoader.class ).newInstance( loader ) );
	}

	@BeforeAll
	static void compile( @TempDir final Path folder ) throws Exception
	{
		final Path source = folder.resolve( "DiskCellCache.java" );
		Files.writeString( source, """
				package net.imglib2.cache.img;

				import net.imglib2.cache.CacheLoader;

				public class DiskCellCache implements CacheLoader< Long, Object >
				{
					private final CacheLoader< Long, ? > loader;

					public DiskCellCache( final CacheLoader< Long, ? > loader )
					{
						this.loader = loader;
					}

					@Override
					public Object get( final Long cell ) throws Exception
					{
						return loader.get( cell );
					}
				}
				""" );
		final Path api = Path.of( CacheLoader.class.getProtectionDomain().getCodeSource().getLocation().toURI() );
		assertEquals( 0, ToolProvider.getSystemJavaCompiler().run( null, null, null, "-cp", api.toString(), "-d", folder.toString(), source.toString() ) );
		final byte[] bytes = Files.readAllBytes( folder.resolve( "net/imglib2/cache/img/DiskCellCache.class" ) );
		final class Loader extends ClassLoader
		{
			Loader()
			{
				super( CacheLoader.class.getClassLoader() );
			}

			Class< ? > define()
			{
				return defineClass( "net.imglib2.cache.img.DiskCellCache", bytes, 0, bytes.length );
			}
		}
		diskCache = new Loader().define();
	}
}
