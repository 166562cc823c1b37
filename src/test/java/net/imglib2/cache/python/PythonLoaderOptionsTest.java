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
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.function.Consumer;
import java.util.logging.Level;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import net.imglib2.RandomAccessible;
import net.imglib2.RandomAccessibleInterval;
import net.imglib2.blocks.PrimitiveBlocks.OnFallback;
import net.imglib2.cache.python.TestImages.Storage;
import net.imglib2.cache.python.block.ImageSource;
import net.imglib2.img.array.ArrayImg;
import net.imglib2.img.array.ArrayImgs;
import net.imglib2.img.basictypeaccess.nio.FloatBufferAccess;
import net.imglib2.img.cell.CellGrid;
import net.imglib2.type.NativeType;
import net.imglib2.type.logic.BitType;
import net.imglib2.type.numeric.real.FloatType;
import net.imglib2.util.Intervals;
import net.imglib2.view.Views;

@Tag( "each-mode" )
class PythonLoaderOptionsTest
{
	private static final long[] DIMS = { 12, 8, 6 };

	private static final CellGrid GRID = new CellGrid( DIMS, new int[] { 4, 3, 6 } );

	private static PythonCacheLoaderQueue queue;

	@BeforeAll
	static void open()
	{
		queue = new PythonCacheLoaderQueue( 1, TestPixels.INIT );
	}

	@AfterAll
	static void close()
	{
		queue.close();
	}

	@Test
	void setterReturnsAChangedCopy()
	{
		final PythonLoaderOptions defaults = PythonLoaderOptions.options();
		assertFalse( defaults.isContiguous() );
		assertEquals( OnFallback.ACCEPT, defaults.getOnFallback() );
		assertNull( defaults.getName() );
		assertNull( defaults.getFillValue() );
		assertNull( defaults.getErrorListener() );
		assertFalse( defaults.isCheckWritten() );
		final Consumer< PythonCellException > listener = error -> {};
		final PythonLoaderOptions changed = defaults.contiguous( true ).onFallback( OnFallback.FAIL ).name( "a" ).onErrorFill( new FloatType( 3 ), listener ).checkWritten( true );
		assertTrue( changed.isContiguous() );
		assertEquals( OnFallback.FAIL, changed.getOnFallback() );
		assertEquals( "a", changed.getName() );
		assertEquals( new FloatType( 3 ), changed.getFillValue() );
		assertSame( listener, changed.getErrorListener() );
		assertTrue( changed.isCheckWritten() );
		final PythonLoaderOptions again = changed.onErrorThrow();
		assertNull( again.getFillValue() );
		assertNull( again.getErrorListener() );
		assertEquals( "a", again.getName() );
		assertEquals( new FloatType( 3 ), changed.contiguous( false ).onFallback( OnFallback.WARN ).name( "b" ).checkWritten( false ).timeout( null ).getFillValue() );
		assertFalse( PythonLoaderOptions.options().isContiguous() );
		assertEquals( "onFallback", assertThrows( NullPointerException.class, () -> defaults.onFallback( null ) ).getMessage() );
	}

	@Test
	void contiguousInputsHaveNoGaps()
	{
		for ( final Storage storage : Storage.values() )
		{
			final RandomAccessibleInterval< FloatType > image = TestImages.create( storage, new FloatType(), DIMS, new int[] { 4, 3, 6 }, 1, queue );
			final RandomAccessible< FloatType > extended = Views.extendMirrorDouble( image );
			final List< RandomAccessible< FloatType > > views = new ArrayList<>();
			views.add( image );
			views.add( extended );
			views.add( Views.permute( extended, 0, 2 ) );
			views.add( Views.invertAxis( extended, 1 ) );
			views.add( Views.rotate( extended, 1, 2 ) );
			views.add( Views.translate( extended, 1, 1, 1 ) );
			views.add( Views.addDimension( Views.hyperSlice( extended, 1, 2 ) ) );
			views.add( Views.addDimension( Views.hyperSlice( extended, 0, 2 ) ) );
			for ( final RandomAccessible< FloatType > view : views )
			{
				final PythonCacheLoader< FloatType, FloatBufferAccess > loader = loader( PythonLoaderOptions.options().contiguous( true ),
						"a, = block.inputs\nassert a.flags.c_contiguous and a.flags.aligned and not a.flags.writeable\nblock.data[...] = a", view );
				final RandomAccessibleInterval< FloatType > result = loader.createCachedCellImg( 100 );
				final Iterator< FloatType > wanted = Views.flatIterable( Views.interval( view, result ) ).iterator();
				for ( final FloatType pixel : Views.flatIterable( result ) )
					assertEquals( wanted.next(), pixel );
			}
		}
	}

	@Test
	void wholeCellIsContiguousWithoutACopy()
	{
		final RandomAccessibleInterval< FloatType > image = TestImages.create( Storage.CACHED_NATIVE_BUFFERS, new FloatType(), DIMS, new int[] { 4, 3, 6 }, 1, queue );
		final PythonLoaderOptions contiguous = PythonLoaderOptions.options().contiguous( true );
		for ( long cell = 0; cell < Intervals.numElements( GRID.getGridDimensions() ); ++cell )
			assertEquals( TestImages.OWN_MEMORY, loader( contiguous, "", image ).getInputWay( 0, cell ) );
		final RandomAccessible< FloatType > inverted = Views.translate( Views.invertAxis( image, 0 ), 11, 0, 0 );
		assertEquals( InputWay.CELLS, loader( contiguous, "", inverted ).getInputWay( 0, 0 ) );
		assertEquals( TestImages.OWN_MEMORY, loader( PythonLoaderOptions.options(), "", inverted ).getInputWay( 0, 0 ) );
	}

	@Test
	void slowInputIsRefusedWithTheReason()
	{
		final RandomAccessibleInterval< FloatType > slice = Views.hyperSlice( image( new FloatType() ), 2, 0 );
		final RandomAccessible< FloatType > stack = Views.extendZero( Views.stack( Collections.nCopies( 6, slice ) ) );
		final String message = refusal( stack );
		assertTrue( message.startsWith( "input 0 can only be copied pixel by pixel, which is slow: Cannot analyze view " ), message );
		assertEquals( "input 0 can only be copied pixel by pixel, which is slow: numpy has no type with the bits of BitType", refusal( Views.extendZero( image( new BitType() ) ) ) );
	}

	@Test
	void fastInputsAreNotRefused()
	{
		final PythonLoaderOptions fail = PythonLoaderOptions.options().onFallback( OnFallback.FAIL );
		for ( final Storage storage : Storage.values() )
		{
			final RandomAccessibleInterval< FloatType > image = TestImages.create( storage, new FloatType(), DIMS, new int[] { 5, 5, 5 }, 1, queue );
			loader( fail, "", image );
			loader( fail, "", Views.extendPeriodic( image ) );
			loader( fail, "", Views.permute( Views.extendZero( image ), 0, 1 ) );
		}
	}

	@Test
	void cellsWhosePixelsAreCopiedOneByOneAreRefused()
	{
		assertTrue( refusal( Views.extendPeriodic( ArrayImgs.booleans( DIMS ) ) ).startsWith( "input 0 can only be copied pixel by pixel" ) );
		final ArrayImg< FloatType, ? > image = TestImages.computed( DIMS );
		assertTrue( refusal( image ).startsWith( "input 0 can only be copied pixel by pixel" ) );
		loader( PythonLoaderOptions.options(), "", image );
	}

	@Test
	void slowInputIsWarnedOfOnce()
	{
		try (final LogRecords log = new LogRecords( ImageSource.class ))
		{
			final RandomAccessible< FloatType > slow = Views.subsample( Views.extendZero( image( new FloatType() ) ), 2 );
			loader( PythonLoaderOptions.options(), "", slow ).createCachedCellImg( 100 ).forEach( pixel -> {} );
			assertEquals( 0, log.records().size() );
			loader( PythonLoaderOptions.options().onFallback( OnFallback.WARN ), "", slow ).createCachedCellImg( 100 ).forEach( pixel -> {} );
			assertEquals( 1, log.records().size() );
			assertEquals( Level.WARNING, log.records().get( 0 ).getLevel() );
			assertTrue( log.records().get( 0 ).getMessage().startsWith( "input 0 can only be copied pixel by pixel, which is slow: " ), log.records().get( 0 ).getMessage() );
		}
	}

	private static < T extends NativeType< T > > RandomAccessibleInterval< T > image( final T type )
	{
		return TestImages.create( Storage.ARRAY, type, DIMS, null, 1, queue );
	}

	private static String refusal( final RandomAccessible< ? extends NativeType< ? > > input )
	{
		return assertThrows( IllegalArgumentException.class, () -> loader( PythonLoaderOptions.options().onFallback( OnFallback.FAIL ), "", input ) ).getMessage();
	}

	private static PythonCacheLoader< FloatType, FloatBufferAccess > loader( final PythonLoaderOptions options, final String code, final RandomAccessible< ? extends NativeType< ? > > input )
	{
		return PythonCacheLoader.fromRandomAccessibles( GRID, queue, code, new FloatType(), new FloatBufferAccess( 1, true ), Halo.empty( 3 ), options, Collections.singletonList( input ) );
	}
}
