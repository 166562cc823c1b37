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

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

import net.imglib2.cache.Cache;
import net.imglib2.cache.img.CachedCellImg;
import net.imglib2.cache.python.type.BooleanBufferAccess;
import net.imglib2.cache.ref.SoftRefLoaderCache;
import net.imglib2.img.NativeImg;
import net.imglib2.img.array.ArrayImg;
import net.imglib2.img.basictypeaccess.FloatAccess;
import net.imglib2.img.basictypeaccess.array.ArrayDataAccess;
import net.imglib2.img.basictypeaccess.array.BooleanArray;
import net.imglib2.img.basictypeaccess.array.ByteArray;
import net.imglib2.img.basictypeaccess.array.CharArray;
import net.imglib2.img.basictypeaccess.array.DoubleArray;
import net.imglib2.img.basictypeaccess.array.FloatArray;
import net.imglib2.img.basictypeaccess.array.IntArray;
import net.imglib2.img.basictypeaccess.array.LongArray;
import net.imglib2.img.basictypeaccess.array.ShortArray;
import net.imglib2.img.basictypeaccess.nio.ByteBufferAccess;
import net.imglib2.img.basictypeaccess.nio.CharBufferAccess;
import net.imglib2.img.basictypeaccess.nio.DoubleBufferAccess;
import net.imglib2.img.basictypeaccess.nio.FloatBufferAccess;
import net.imglib2.img.basictypeaccess.nio.IntBufferAccess;
import net.imglib2.img.basictypeaccess.nio.LongBufferAccess;
import net.imglib2.img.basictypeaccess.nio.ShortBufferAccess;
import net.imglib2.img.cell.Cell;
import net.imglib2.img.cell.CellGrid;
import net.imglib2.img.cell.CellImgFactory;
import net.imglib2.img.planar.PlanarImg;
import net.imglib2.img.planar.PlanarImgFactory;
import net.imglib2.loops.LoopBuilder;
import net.imglib2.type.NativeType;
import net.imglib2.type.NativeTypeFactory;
import net.imglib2.type.PrimitiveType;
import net.imglib2.type.numeric.real.FloatType;
import net.imglib2.util.Cast;
import net.imglib2.util.Intervals;
import net.imglib2.util.Util;
import net.imglib2.view.Views;

/**
 * Images with pixels of {@link TestPixels}, in every storage that ImgLib2 has.
 */
public final class TestImages
{
	/**
	 * Way of an input that is a cell in native memory, if that is small and this JVM's own.
	 */
	public static final InputWay OWN_MEMORY = InterpreterMode.PROCESS.name().equals( System.getProperty( PythonEnvironment.MODE_PROPERTY ) ) ? InputWay.CELLS : InputWay.ZERO_COPY;

	public enum Storage
	{
		ARRAY( Data.ARRAYS, Data.ARRAYS ),
		ARRAY_IN_NATIVE_BUFFER( Data.NATIVE, Data.NATIVE ),
		ARRAY_IN_BIG_ENDIAN_BUFFER( Data.BIG_ENDIAN, Data.BIG_ENDIAN ),
		ARRAY_IN_HEAP_BUFFER( Data.HEAP, Data.HEAP ),
		PLANES( Data.ARRAYS, Data.ARRAYS ),
		PLANES_IN_NATIVE_BUFFERS( Data.NATIVE, Data.NATIVE ),
		CELLS( Data.ARRAYS, Data.ARRAYS ),
		CACHED_ARRAYS( Data.ARRAYS, Data.ARRAYS ),
		CACHED_NATIVE_BUFFERS( Data.NATIVE, Data.NATIVE ),
		CACHED_BIG_ENDIAN_BUFFERS( Data.BIG_ENDIAN, Data.BIG_ENDIAN ),
		// The image describes its cells wrongly.
		SAYS_ARRAYS_HAS_BUFFERS( Data.ARRAYS, Data.NATIVE ),
		SAYS_BUFFERS_HAS_ARRAYS( Data.NATIVE, Data.ARRAYS ),
		SAYS_ARRAYS_HAS_BOTH( Data.ARRAYS, null ),
		// Python computes the image.
		PYTHON( Data.NATIVE, Data.NATIVE );

		public final Data says;

		private final Data has;

		Storage( final Data says, final Data has )
		{
			this.says = says;
			this.has = has;
		}

		/**
		 * @param cell
		 * 		index of a cell
		 */
		Data of( final long cell )
		{
			return has != null ? has : cell % 2 == 0 ? Data.ARRAYS : Data.NATIVE;
		}

		boolean isOneArray()
		{
			return name().startsWith( "ARRAY" );
		}

		boolean isPlanes()
		{
			return name().startsWith( "PLANES" );
		}
	}

	public enum Data
	{
		ARRAYS, NATIVE, BIG_ENDIAN, HEAP
	}

	private TestImages()
	{}

	/**
	 * @param cellDims
	 * 		size of cells, for storages that have cells
	 * @param queue
	 * 		computes {@code PYTHON} images; its init code must contain
	 * 		{@link TestPixels#INIT}
	 */
	public static < T extends NativeType< T > > NativeImg< T, ? > create(
			final Storage storage,
			final T type,
			final long[] dims,
			final int[] cellDims,
			final long salt,
			final PythonCacheLoaderQueue queue )
	{
		switch ( storage )
		{
		case PLANES:
			return filled( new PlanarImgFactory<>( type ).create( dims ), salt );
		case PLANES_IN_NATIVE_BUFFERS:
			return filled( planes( type, dims ), salt );
		case CELLS:
			return filled( new CellImgFactory<>( type, cellDims ).create( dims ), salt );
		case PYTHON:
			final String code = "window = tuple(slice(a, b + 1) for a, b in zip(block.min, block.max))\n"
					+ "block.data[...] = image('" + TestPixels.kind( type ) + "', " + numpy( dims ) + ", " + salt + ")[window]";
			return PythonCacheLoader.fromRandomAccessibles( new CellGrid( dims, cellDims ), queue, code, type ).createCachedCellImg( 1000 );
		default:
			if ( storage.isOneArray() )
				return filled( array( type, access( storage.of( 0 ), type, dims ), dims ), salt );
			return cached( storage, type, dims, cellDims, salt );
		}
	}

	private static < T extends NativeType< T > > NativeImg< T, ? > cached( final Storage storage, final T type, final long[] dims, final int[] cellDims, final long salt )
	{
		final NativeImg< T, ? > whole = filled( array( type, access( Data.ARRAYS, type, dims ), dims ), salt );
		final CellGrid grid = new CellGrid( dims, cellDims );
		final Cache< Long, Cell< ArrayDataAccess< ? > > > cache = new SoftRefLoaderCache< Long, Cell< ArrayDataAccess< ? > > >().withLoader( index -> {
			final long[] min = new long[ dims.length ];
			final int[] size = new int[ dims.length ];
			grid.getCellDimensions( index, min, size );
			final long[] longSize = Util.int2long( size );
			final ArrayDataAccess< ? > access = access( storage.of( index ), type, longSize );
			final NativeImg< T, ? > cell = array( type, access, longSize );
			LoopBuilder.setImages( Views.offsetInterval( whole, min, longSize ), cell ).forEachPixel( TestPixels::copy );
			return new Cell<>( size, min, access );
		} );
		return new CachedCellImg<>( grid, type, cache, access( storage.says, type, 1 ) );
	}

	private static < T extends NativeType< T >, A extends ArrayDataAccess< A > > NativeImg< T, ? > planes( final T type, final long... dims )
	{
		final long[] plane = { dims[ 0 ], dims.length > 1 ? dims[ 1 ] : 1 };
		final List< A > planes = new ArrayList<>();
		for ( long i = 0; i < Intervals.numElements( dims ) / Intervals.numElements( plane ); ++i )
			planes.add( Cast.unchecked( access( Data.NATIVE, type, plane ) ) );
		final PlanarImg< T, A > img = new PlanarImg<>( planes, dims, type.getEntitiesPerPixel() );
		img.setLinkedType( Cast.< NativeTypeFactory< T, A > >unchecked( type.getNativeTypeFactory() ).createLinkedType( img ) );
		return img;
	}

	static < T extends NativeType< T > > NativeImg< T, ? > filled( final NativeImg< T, ? > img, final long salt )
	{
		TestPixels.fill( Views.flatIterable( img ), salt );
		return img;
	}

	public static < T extends NativeType< T > > ArrayImg< T, ? > array( final T type, final ArrayDataAccess< ? > access, final long... dims )
	{
		final ArrayImg< T, ArrayDataAccess< ? > > img = new ArrayImg<>( access, dims, type.getEntitiesPerPixel() );
		img.setLinkedType( Cast.< NativeTypeFactory< T, ArrayDataAccess< ? > > >unchecked( type.getNativeTypeFactory() ).createLinkedType( img ) );
		return img;
	}

	/**
	 * @return image without a storage: the value of each pixel is its index
	 */
	static ArrayImg< FloatType, ? > computed( final long... dims )
	{
		final FloatAccess indices = new FloatAccess()
		{
			@Override
			public float getValue( final int index )
			{
				return index;
			}

			@Override
			public void setValue( final int index, final float value )
			{
				throw new UnsupportedOperationException();
			}
		};
		final ArrayImg< FloatType, FloatAccess > img = new ArrayImg<>( indices, dims, new FloatType().getEntitiesPerPixel() );
		img.setLinkedType( new FloatType( img ) );
		return img;
	}

	static < T extends NativeType< T > > ArrayDataAccess< ? > access( final Data data, final T type, final long... dims )
	{
		final int numEntities = ( int ) type.getEntitiesPerPixel().mulCeil( Intervals.numElements( dims ) );
		final PrimitiveType primitive = type.getNativeTypeFactory().getPrimitiveType();
		final int bytes = numEntities * primitive.getByteCount();
		return switch ( data )
		{
		case ARRAYS -> Cast.unchecked( arrayAccess( primitive ).createArray( numEntities ) );
		case NATIVE -> bufferAccess( primitive, ByteBuffer.allocateDirect( bytes ).order( ByteOrder.nativeOrder() ) );
		case BIG_ENDIAN -> bufferAccess( primitive, ByteBuffer.allocateDirect( bytes ).order( ByteOrder.BIG_ENDIAN ) );
		case HEAP -> bufferAccess( primitive, ByteBuffer.allocate( bytes ).order( ByteOrder.nativeOrder() ) );
		};
	}

	private static ArrayDataAccess< ? > arrayAccess( final PrimitiveType primitive )
	{
		return switch ( primitive )
		{
		case BYTE -> new ByteArray( 0 );
		case SHORT -> new ShortArray( 0 );
		case INT -> new IntArray( 0 );
		case LONG -> new LongArray( 0 );
		case FLOAT -> new FloatArray( 0 );
		case DOUBLE -> new DoubleArray( 0 );
		case CHAR -> new CharArray( 0 );
		case BOOLEAN -> new BooleanArray( 0 );
		default -> throw new IllegalArgumentException( primitive.name() );
		};
	}

	/**
	 * Accesses a buffer by ImgLib2's own class.
	 */
	public static ArrayDataAccess< ? > bufferAccess( final PrimitiveType primitive, final ByteBuffer buffer )
	{
		return switch ( primitive )
		{
		case BYTE -> new ByteBufferAccess( buffer, true );
		case SHORT -> new ShortBufferAccess( buffer, true );
		case INT -> new IntBufferAccess( buffer, true );
		case LONG -> new LongBufferAccess( buffer, true );
		case FLOAT -> new FloatBufferAccess( buffer, true );
		case DOUBLE -> new DoubleBufferAccess( buffer, true );
		case CHAR -> new CharBufferAccess( buffer, true );
		case BOOLEAN -> new BooleanBufferAccess( buffer );
		default -> throw new IllegalArgumentException( primitive.name() );
		};
	}

	/**
	 * @return a Python tuple in numpy's order
	 */
	static String numpy( final long... imglib )
	{
		final StringBuilder tuple = new StringBuilder( "(" );
		for ( int d = imglib.length - 1; d >= 0; --d )
			tuple.append( imglib[ d ] ).append( "," );
		return tuple.append( ")" ).toString();
	}
}
