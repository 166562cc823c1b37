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
package net.imglib2.cache.python.block;

import static java.nio.ByteOrder.nativeOrder;

import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.concurrent.TimeUnit;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

import net.imglib2.FinalInterval;
import net.imglib2.Interval;
import net.imglib2.RandomAccessible;
import net.imglib2.RandomAccessibleInterval;
import net.imglib2.cache.img.CachedCellImg;
import net.imglib2.cache.python.PythonLoaderOptions;
import net.imglib2.cache.python.type.PixelType;
import net.imglib2.cache.python.type.Primitive;
import net.imglib2.cache.ref.WeakRefLoaderCache;
import net.imglib2.img.array.ArrayImgs;
import net.imglib2.img.basictypeaccess.array.FloatArray;
import net.imglib2.img.basictypeaccess.nio.FloatBufferAccess;
import net.imglib2.img.cell.Cell;
import net.imglib2.img.cell.CellGrid;
import net.imglib2.img.cell.CellImg;
import net.imglib2.img.cell.CellImgFactory;
import net.imglib2.type.numeric.real.FloatType;
import net.imglib2.util.Cast;
import net.imglib2.util.Intervals;
import net.imglib2.view.Views;

/**
 * How fast the 80³ float pixels of a block (a cell of 64³ with a halo of 8) get
 * from an image of 256³ into native memory: as this library does it, pixel by
 * pixel, and as fast as the same lines of pixels can be read, one after the other,
 * by the JDK's own copying. Blocks take turns, so that their pixels are not in the
 * processor's cache.
 */
@State( Scope.Benchmark )
@BenchmarkMode( Mode.AverageTime )
@OutputTimeUnit( TimeUnit.MICROSECONDS )
@Warmup( iterations = 3, time = 1 )
@Measurement( iterations = 5, time = 1 )
@Fork( 1 )
public class InputBenchmark
{
	private static final long[] DIMS = { 256, 256, 256 };

	private static final int[] CELL = { 64, 64, 64 };

	public enum Source
	{
		ARRAY,
		CELLS,
		BUFFER_CELLS
	}

	@Param
	private Source source;

	/**
	 * An extended image is read beyond its border.
	 */
	@Param( { "false", "true" } )
	private boolean mirrored;

	private final DirectMemory memory = new DirectMemory();

	private Interval[] intervals;

	private int next;

	private RandomAccessibleInterval< FloatType > img;

	private ImageSource< FloatType > input;

	private PixelCopier< FloatType > pixels;

	private FloatBuffer to;

	/**
	 * Where the pixels of each cell are.
	 */
	private Object[] storages;

	@Setup
	public void setup()
	{
		img = image();
		// Loads all cells.
		img.forEach( FloatType::setOne );
		final RandomAccessible< FloatType > view = mirrored ? Views.extendMirrorSingle( img ) : img;
		intervals = new Interval[ 8 ];
		for ( int i = 0; i < intervals.length; ++i )
		{
			final long[] min = new long[ 3 ];
			for ( int d = 0; d < 3; ++d )
				min[ d ] = mirrored ? ( ( i >> d & 1 ) == 0 ? -8 : 184 ) : ( i >> d & 1 ) == 0 ? 56 : 120;
			intervals[ i ] = FinalInterval.createMinSize( min[ 0 ], min[ 1 ], min[ 2 ], 80, 80, 80 );
		}
		input = new ImageSource<>( view, "input", mirrored ? Intervals.expand( img, 8 ) : img, PythonLoaderOptions.options(), memory );
		pixels = new PixelCopier<>( view, PixelType.of( new FloatType(), "input" ), memory );
		to = ByteBuffer.allocateDirect( 80 * 80 * 80 * 4 ).order( nativeOrder() ).asFloatBuffer();
	}

	@Benchmark
	public Object copy()
	{
		return released( input.get( nextInterval() ) );
	}

	@Benchmark
	public Object pixelByPixel()
	{
		return released( pixels.copy( nextInterval() ) );
	}

	/**
	 * What is outside of the image is not read.
	 */
	@Benchmark
	public Object lines()
	{
		final Interval part = Intervals.intersect( nextInterval(), img );
		final int cell = source == Source.ARRAY ? 256 : 64;
		( ( Buffer ) to ).clear();
		for ( long z = part.min( 2 ); z <= part.max( 2 ); ++z )
			for ( long y = part.min( 1 ); y <= part.max( 1 ); ++y )
				for ( long x = part.min( 0 ); x <= part.max( 0 ); x = ( x / cell + 1 ) * cell )
					line( x, y, z, ( int ) ( Math.min( part.max( 0 ) + 1, ( x / cell + 1 ) * cell ) - x ), cell );
		return to;
	}

	private void line( final long x, final long y, final long z, final int length, final int cell )
	{
		final int offset = ( int ) ( x % cell + cell * ( y % cell + cell * ( z % cell ) ) );
		final Object storage = storages[ ( int ) ( x / cell + 256 / cell * ( y / cell + 256 / cell * ( z / cell ) ) ) ];
		if ( storage instanceof float[] )
		{
			to.put( ( float[] ) storage, offset, length );
			return;
		}
		final FloatBuffer from = ( FloatBuffer ) storage;
		( ( Buffer ) from ).limit( offset + length );
		( ( Buffer ) from ).position( offset );
		to.put( from );
	}

	private Interval nextInterval()
	{
		next = ( next + 1 ) % intervals.length;
		return intervals[ next ];
	}

	private static BlockArray released( final BlockArray array )
	{
		array.lease().release();
		return array;
	}

	private RandomAccessibleInterval< FloatType > image()
	{
		switch ( source )
		{
		case ARRAY:
			final float[] array = new float[ 256 * 256 * 256 ];
			storages = new Object[] { array };
			return ArrayImgs.floats( array, DIMS );
		case CELLS:
			final CellImg< FloatType, ? > cellImg = new CellImgFactory<>( new FloatType(), CELL ).create( DIMS );
			storages = new Object[ 64 ];
			for ( int i = 0; i < 64; ++i )
				storages[ i ] = ( ( FloatArray ) cellImg.getCells().getAt( i % 4, i / 4 % 4, i / 16 ).getData() ).getCurrentStorageArray();
			return cellImg;
		default:
			final CellGrid grid = new CellGrid( DIMS, CELL );
			final FloatBufferAccess sample = Cast.unchecked( Primitive.FLOAT.access( ByteBuffer.allocateDirect( 0 ) ) );
			final Cell< FloatBufferAccess >[] cells = Cast.unchecked( new Cell< ? >[ 64 ] );
			storages = new Object[ 64 ];
			return new CachedCellImg<>( grid, new FloatType(), new WeakRefLoaderCache< Long, Cell< FloatBufferAccess > >().withLoader( key -> {
				if ( cells[ key.intValue() ] == null )
				{
					final long[] min = new long[ 3 ];
					final int[] dims = new int[ 3 ];
					grid.getCellDimensions( key, min, dims );
					final ByteBuffer memory = ByteBuffer.allocateDirect( 64 * 64 * 64 * 4 ).order( nativeOrder() );
					storages[ key.intValue() ] = memory.asFloatBuffer();
					cells[ key.intValue() ] = new Cell<>( dims, min, Cast.unchecked( Primitive.FLOAT.access( memory ) ) );
				}
				return cells[ key.intValue() ];
			} ), sample );
		}
	}
}
