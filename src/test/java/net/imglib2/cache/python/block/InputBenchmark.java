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

import java.nio.ByteBuffer;
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
import net.imglib2.img.array.ArrayImgFactory;
import net.imglib2.img.basictypeaccess.nio.FloatBufferAccess;
import net.imglib2.img.cell.Cell;
import net.imglib2.img.cell.CellGrid;
import net.imglib2.img.cell.CellImgFactory;
import net.imglib2.type.numeric.real.FloatType;
import net.imglib2.util.Cast;
import net.imglib2.view.Views;

/**
 * How fast the 80³ float pixels of a block (a cell of 64³ with a halo of 8) get
 * from an image of 256³ into native memory: as this library does it, pixel by
 * pixel, and the same number of bytes from buffer to buffer.
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

	private Interval interval;

	private SourceInput< FloatType > input;

	private PixelCopier< FloatType > pixels;

	private ByteBuffer from;

	private ByteBuffer to;

	@Setup
	public void setup()
	{
		final RandomAccessibleInterval< FloatType > img = image();
		final RandomAccessible< FloatType > view = mirrored ? Views.extendMirrorSingle( img ) : img;
		final long min = mirrored ? -8 : 56;
		interval = FinalInterval.createMinSize( min, min, min, 80, 80, 80 );
		input = new SourceInput<>( view, "input", interval, PythonLoaderOptions.options() );
		pixels = new PixelCopier<>( view, PixelType.of( new FloatType(), "input" ) );
		from = ByteBuffer.allocateDirect( 80 * 80 * 80 * 4 ).order( nativeOrder() );
		to = ByteBuffer.allocateDirect( 80 * 80 * 80 * 4 ).order( nativeOrder() );
	}

	@Benchmark
	public Object copy()
	{
		return released( input.get( interval ) );
	}

	@Benchmark
	public Object pixelByPixel()
	{
		return released( pixels.copy( interval ) );
	}

	@Benchmark
	public Object memcpy()
	{
		to.clear();
		from.clear();
		return to.put( from );
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
			return new ArrayImgFactory<>( new FloatType() ).create( DIMS );
		case CELLS:
			return new CellImgFactory<>( new FloatType(), CELL ).create( DIMS );
		default:
			final CellGrid grid = new CellGrid( DIMS, CELL );
			final FloatBufferAccess sample = Cast.unchecked( Primitive.FLOAT.access( ByteBuffer.allocateDirect( 0 ) ) );
			final Cell< FloatBufferAccess >[] cells = Cast.unchecked( new Cell[ 64 ] );
			return new CachedCellImg<>( grid, new FloatType(), new WeakRefLoaderCache< Long, Cell< FloatBufferAccess > >().withLoader( key -> {
				if ( cells[ key.intValue() ] == null )
				{
					final long[] min = new long[ 3 ];
					final int[] dims = new int[ 3 ];
					grid.getCellDimensions( key, min, dims );
					cells[ key.intValue() ] = new Cell<>( dims, min, Cast.unchecked( Primitive.FLOAT.access( ByteBuffer.allocateDirect( 64 * 64 * 64 * 4 ).order( nativeOrder() ) ) ) );
				}
				return cells[ key.intValue() ];
			} ), sample );
		}
	}
}
