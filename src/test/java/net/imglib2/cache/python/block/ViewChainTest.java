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

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

import net.imglib2.FinalInterval;
import net.imglib2.Interval;
import net.imglib2.RandomAccess;
import net.imglib2.RandomAccessible;
import net.imglib2.RandomAccessibleInterval;
import net.imglib2.converter.Converters;
import net.imglib2.img.Img;
import net.imglib2.img.ImgView;
import net.imglib2.img.array.ArrayImgs;
import net.imglib2.type.numeric.integer.IntType;
import net.imglib2.util.ConstantUtils;
import net.imglib2.util.Intervals;
import net.imglib2.view.Views;
import net.imglib2.view.fluent.RandomAccessibleIntervalView.Extension;

class ViewChainTest
{
	private final Img< IntType > img = ArrayImgs.ints( 5, 4, 3 );

	ViewChainTest()
	{
		int i = 0;
		for ( final IntType pixel : Views.flatIterable( img ) )
			pixel.set( i++ );
	}

	@Test
	void imageIsItsOwnRoot()
	{
		final ViewChain chain = ViewChain.of( img );
		assertSame( img, chain.root() );
		assertFalse( chain.isExtended() );
		assertTrue( chain.contains( img ) );
		assertFalse( chain.contains( interval( 0, 0, 0, 5, 3, 2 ) ) );
	}

	@Test
	void viewsLeadToTheSamePixelOfTheRoot()
	{
		final RandomAccessible< IntType > extended = Views.extendBorder( img );
		assertLeadsToRoot( Views.interval( extended, interval( 1, 1, 1, 2, 2, 2 ) ) );
		assertLeadsToRoot( Views.translate( img, 10, -10, 3 ) );
		assertLeadsToRoot( Views.offset( extended, 10, -10, 3 ) );
		assertLeadsToRoot( Views.zeroMin( Views.interval( img, interval( 1, 2, 0, 3, 3, 2 ) ) ) );
		assertLeadsToRoot( Views.permute( extended, 0, 2 ) );
		assertLeadsToRoot( Views.moveAxis( img, 0, 2 ) );
		assertLeadsToRoot( Views.rotate( extended, 0, 1 ) );
		assertLeadsToRoot( Views.invertAxis( img, 1 ) );
		assertLeadsToRoot( Views.hyperSlice( img, 1, 3 ) );
		assertLeadsToRoot( Views.addDimension( img, -1, 1 ) );
		assertLeadsToRoot( Views.addDimension( extended ) );
		assertLeadsToRoot( ImgView.wrap( img ) );
		assertLeadsToRoot( img.view().extend( Extension.mirrorSingle() ).permute( 0, 1 ).translate( 3, 4, 5 ) );
		assertLeadsToRoot( img.view().invertAxis( 2 ).slice( 0, 1 ).addDimension( 2, 4 ) );
		assertLeadsToRoot( Views.extendZero( Views.rotate( Views.interval( extended, interval( -1, 1, 1, 2, 2, 2 ) ), 2, 0 ) ) );
	}

	@Test
	void extensionEndsWhereItsSourceEnds()
	{
		final RandomAccessible< IntType > crop = Views.extendZero( Views.interval( img, interval( 1, 1, 1, 3, 2, 2 ) ) );
		final ViewChain chain = ViewChain.of( Views.translate( Views.invertAxis( crop, 0 ), 0, 10, 0 ) );
		assertTrue( chain.isExtended() );
		assertTrue( chain.contains( interval( -3, 11, 1, -1, 12, 2 ) ) );
		assertFalse( chain.contains( interval( -4, 11, 1, -1, 12, 2 ) ) );
		assertFalse( chain.contains( interval( -3, 11, 1, 0, 12, 2 ) ) );
		assertFalse( chain.contains( interval( -3, 10, 1, -1, 12, 2 ) ) );
		assertFalse( chain.contains( interval( -3, 11, 1, -1, 12, 3 ) ) );
	}

	@Test
	void innerExtensionEndsTheRootsPixelsToo()
	{
		final RandomAccessible< IntType > twice = Views.extendZero( Views.interval( Views.extendMirrorSingle( img ), interval( -1, 0, 0, 3, 3, 2 ) ) );
		final ViewChain chain = ViewChain.of( twice );
		assertTrue( chain.contains( interval( 0, 0, 0, 3, 3, 2 ) ) );
		assertFalse( chain.contains( interval( -1, 0, 0, 3, 3, 2 ) ) );
		assertFalse( chain.contains( interval( 0, 0, 0, 4, 3, 2 ) ) );
	}

	@Test
	void sliceOutsideOfTheExtendedIntervalHasNoPixelOfTheRoot()
	{
		final ViewChain chain = ViewChain.of( Views.hyperSlice( Views.extendZero( img ), 2, 3 ) );
		assertFalse( chain.contains( interval( 0, 0, 0, 0 ) ) );
		assertFalse( chain.intersect( interval( 0, 0, 4, 3 ), new long[ 2 ], new long[ 2 ] ) );
		assertTrue( ViewChain.of( Views.hyperSlice( Views.extendZero( img ), 2, 2 ) ).contains( interval( 0, 0, 4, 3 ) ) );
	}

	@Test
	void addedAxisHasNoEnd()
	{
		final ViewChain chain = ViewChain.of( Views.addDimension( img ) );
		assertTrue( chain.contains( interval( 0, 0, 0, Long.MIN_VALUE / 2, 4, 3, 2, Long.MAX_VALUE / 2 ) ) );
	}

	@Test
	void intersectionIsThePartThatIsTheRoots()
	{
		final ViewChain chain = ViewChain.of( Views.translate( Views.extendZero( img ), 100, 0, 0 ) );
		final long[] min = new long[ 3 ];
		final long[] max = new long[ 3 ];
		assertTrue( chain.intersect( interval( 98, -3, 1, 101, 9, 1 ), min, max ) );
		assertEquals( interval( 100, 0, 1, 101, 3, 1 ), new FinalInterval( min, max ) );
		assertFalse( chain.intersect( interval( 98, -3, 3, 101, 9, 4 ), min, max ) );
	}

	@Test
	void whatIsNotAMatterOfCoordinatesEndsTheChain()
	{
		final RandomAccessibleInterval< IntType > converted = Converters.convert( ( RandomAccessibleInterval< IntType > ) img, ( in, out ) -> out.set( in ), new IntType() );
		assertSame( converted, ViewChain.of( Views.translate( converted, 1, 1, 1 ) ).root() );
		final RandomAccessible< IntType > subsampled = Views.subsample( img, 2 );
		assertSame( subsampled, ViewChain.of( Views.extendZero( Views.interval( subsampled, interval( 0, 0, 0, 1, 1, 1 ) ) ) ).root() );
		final RandomAccessible< IntType > constant = ConstantUtils.constantRandomAccessible( new IntType( 3 ), 3 );
		final ViewChain chain = ViewChain.of( constant );
		assertSame( constant, chain.root() );
		assertTrue( chain.contains( interval( -1000, 0, 0, 1000, 0, 0 ) ) );
	}

	private void assertLeadsToRoot( final RandomAccessible< IntType > view )
	{
		final ViewChain chain = ViewChain.of( view );
		assertSame( img, chain.root() );
		final int n = view.numDimensions();
		final RandomAccess< IntType > viewed = view.randomAccess();
		final RandomAccess< IntType > direct = img.randomAccess();
		final long[] x = new long[ n ];
		final long[] y = new long[ 3 ];
		int found = 0;
		// All coordinates from -12 to 15.
		for ( long i = 0; i < Math.round( Math.pow( 28, n ) ); ++i )
		{
			long rest = i;
			for ( int d = 0; d < n; ++d )
			{
				x[ d ] = rest % 28 - 12;
				rest /= 28;
			}
			if ( !chain.contains( new FinalInterval( x, x ) ) )
				continue;
			++found;
			chain.toRoot().apply( x, y );
			assertEquals( direct.setPositionAndGet( y ), viewed.setPositionAndGet( x ) );
		}
		assertTrue( found >= 1 );
	}

	private static Interval interval( final long... minMax )
	{
		return Intervals.createMinMax( minMax );
	}
}
