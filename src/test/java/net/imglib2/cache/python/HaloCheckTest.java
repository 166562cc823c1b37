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
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicReference;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import net.imglib2.Point;
import net.imglib2.RandomAccessibleInterval;
import net.imglib2.converter.Converters;
import net.imglib2.img.Img;
import net.imglib2.img.array.ArrayImgs;
import net.imglib2.img.cell.CellGrid;
import net.imglib2.type.NativeType;
import net.imglib2.type.numeric.complex.ComplexFloatType;
import net.imglib2.type.numeric.integer.UnsignedByteType;
import net.imglib2.type.numeric.real.DoubleType;
import net.imglib2.type.numeric.real.FloatType;
import net.imglib2.util.Cast;
import net.imglib2.util.Intervals;
import net.imglib2.view.Views;

/**
 * Whether a halo that is too small is found, and no other one.
 */
@Timeout( 120 )
class HaloCheckTest
{
	private final Img< UnsignedByteType > noise = noise( 120, 90 );

	/**
	 * @param exact
	 * 		the halo that the filter needs
	 */
	@ParameterizedTest
	@CsvSource( {
			"scipy.ndimage:gaussian_filter, sigma, 2, 8",
			"scipy.ndimage:median_filter, size, 7, 3",
			"scipy.ndimage:grey_erosion, size, 9, 4",
			"scipy.ndimage:gaussian_gradient_magnitude, sigma, 1, 4",
			"scipy.ndimage:laplace, mode, , 1" } )
	void tooSmallExactlyRightAndTooLarge( final String function, final String parameter, final Integer value, final int exact )
	{
		for ( final NativeType< ? > type : new NativeType< ? >[] { new FloatType(), new DoubleType(), new UnsignedByteType() } )
			for ( final int halo : new int[] { exact / 2, exact - 1, exact, exact + 1, 3 * exact } )
			{
				final HaloCheck check = filtered( type, function, parameter, value == null ? "reflect" : value, halo ).checkHalo();
				final String what = type.getClass().getSimpleName() + " " + halo + ": " + check;
				if ( halo >= exact )
				{
					assertTrue( check.isWideEnough(), what );
					assertTrue( check.toString().contains( "wide enough: 8 cells" ), what );
				}
				// What is missing of a gaussian is less than half an integer.
				else if ( !( type instanceof UnsignedByteType && function.contains( "gauss" ) ) )
				{
					assertFalse( check.isWideEnough(), what );
					assertTrue( check.maxDifference() > 0, what );
					assertTrue( Intervals.contains( check.cell(), new Point( check.position() ) ), what );
					assertTrue( check.suggestion().contains( "too small" ) && check.suggestion().contains( "[" + halo + "]" ), what );
				}
			}
	}

	/**
	 * With a transform of Fourier, sums are rounded otherwise if the block is larger.
	 */
	@Test
	void roundingIsNoDifference()
	{
		final String code = """
				kernel = np.ones((5, 5))
				n = [a + b - 1 for a, b in zip(raw.shape, kernel.shape)]
				result = np.fft.irfft2(np.fft.rfft2(raw, n) * np.fft.rfft2(kernel, n), n)[2:-2, 2:-2]
				block.data[...] = result[block.halo]
				""";
		for ( final int halo : new int[] { 1, 2, 3 } )
		{
			final HaloCheck check = PythonImg.builder( code ).input( "raw", noise ).type( new DoubleType() ).halo( halo ).cellSize( 20 ).build().checkHalo();
			assertEquals( halo >= 2, check.isWideEnough(), check.toString() );
			assertTrue( check.maxDifference() > 0 );
		}
	}

	@Test
	void numbersThatAreNotFinite()
	{
		final String code = "block.data[...] = np.where(raw[block.halo] > 250, np.nan, np.where(raw[block.halo] > 240, np.inf, 1j * raw[block.halo]))";
		final HaloCheck same = PythonImg.builder( code ).input( "raw", noise ).type( new ComplexFloatType() ).halo( 1 ).cellSize( 20 ).build().checkHalo( 100 );
		assertTrue( same.isWideEnough(), same.toString() );
		assertEquals( 0, same.maxDifference() );
		assertNull( same.cell() );
		assertNull( same.position() );
		final String other = "block.data[...] = 1\nif raw.shape[0] % 4: block.data[0, 0] = np.nan";
		final HaloCheck different = PythonImg.builder( other ).input( "raw", noise ).type( new FloatType() ).halo( 1 ).cellSize( 20 ).build().checkHalo( 100 );
		assertFalse( different.isWideEnough() );
		assertEquals( Double.POSITIVE_INFINITY, different.maxDifference() );
	}

	@Test
	void noHaloAtAll()
	{
		assertFalse( filtered( new FloatType(), "scipy.ndimage:gaussian_filter", "sigma", 1, 0 ).checkHalo().isWideEnough() );
		assertTrue( PythonImg.builder( "numpy:sqrt" ).input( noise ).type( new FloatType() ).cellSize( 20 ).build().checkHalo().isWideEnough() );
		final PythonImg< ? > statements = PythonImg.builder( "block.data[...] = raw" ).input( "raw", noise ).cellSize( 20 ).build();
		assertTrue( assertThrows( IllegalStateException.class, statements::checkHalo ).getMessage().contains( "say .halo( 1 )" ) );
		final PythonImg< ? > noInput = PythonImg.builder( "block.data[...] = 1" ).dimensions( 5 ).type( new FloatType() ).build();
		assertTrue( assertThrows( IllegalStateException.class, noInput::checkHalo ).getMessage().contains( "no input" ) );
	}

	@Test
	void whatCannotBeChecked()
	{
		final PythonImg< ? > unbordered = PythonImg.builder( "block.data[...] = raw[block.halo]" ).input( "raw", Views.translate( noise, -2, -2 ) ).border( "none" ).halo( 2 ).dimensions( 116, 86 ).cellSize( 20 ).build();
		final String message = assertThrows( IllegalStateException.class, unbordered::checkHalo ).getMessage();
		assertTrue( message.contains( "twice the halo does not fit" ) && message.contains( "NONE" ), message );
		final PythonImg< ? > failing = PythonImg.builder( "block.data[...] = 1 / (raw.shape[0] - 28)" ).name( "mine" ).input( "raw", noise ).halo( 2 ).cellSize( 20 ).build();
		assertTrue( assertThrows( PythonCellException.class, failing::checkHalo ).getMessage().contains( "mine with twice the halo" ) );
		assertThrows( IllegalArgumentException.class, () -> failing.checkHalo( 0 ) );
		failing.close();
		assertThrows( PythonClosedException.class, failing::checkHalo );
	}

	@Test
	void parametersThatHaveChangedCount()
	{
		final PythonImg< ? > image = filtered( new FloatType(), "scipy.ndimage:gaussian_filter", "sigma", 1, 4 );
		assertTrue( image.checkHalo().isWideEnough() );
		image.parameter( "sigma", 3 );
		assertFalse( image.checkHalo().isWideEnough() );
	}

	@Test
	void aChangeMeanwhileIsNoDifference()
	{
		final AtomicReference< Runnable > change = new AtomicReference<>();
		final PythonImg< FloatType > image = PythonImg.builder( "block.data[...] = raw[block.halo] + k" ).input( "raw", Converters.convert( ( RandomAccessibleInterval< UnsignedByteType > ) noise, ( in, out ) -> {
			final Runnable first = change.getAndSet( null );
			if ( first != null )
				first.run();
			out.set( in.get() );
		}, new FloatType() ) ).parameter( "k", 1 ).halo( 1 ).type( new FloatType() ).cellSize( 20 ).build();
		change.set( () -> image.parameter( "k", 2 ) );
		final HaloCheck check = image.checkHalo();
		assertNull( change.get() );
		assertTrue( check.isWideEnough(), check.suggestion() );
	}

	@Test
	void cellsAreSpreadOverTheGrid()
	{
		final Set< Long > cells = HaloCheck.spread( new CellGrid( new long[] { 100, 100, 100 }, new int[] { 10, 10, 10 } ), 8 );
		assertEquals( 8, cells.size() );
		assertTrue( cells.contains( 555L ) && cells.contains( 0L ) && cells.contains( 999L ), cells.toString() );
		assertTrue( cells.stream().filter( cell -> isInner( cell % 10 ) && isInner( cell / 10 % 10 ) && isInner( cell / 100 ) ).count() >= 2, cells.toString() );
		assertEquals( Set.of( 0L ), HaloCheck.spread( new CellGrid( new long[] { 5 }, new int[] { 10 } ), 8 ) );
		assertEquals( new TreeSet<>( Set.of( 0L, 1L, 2L, 3L, 4L, 5L ) ), new TreeSet<>( HaloCheck.spread( new CellGrid( new long[] { 3, 2 }, new int[] { 1, 1 } ), 8 ) ) );
	}

	private static boolean isInner( final long place )
	{
		return place > 0 && place < 9;
	}

	private < T extends NativeType< T > > PythonImg< ? > filtered( final NativeType< ? > type, final String function, final String parameter, final Object value, final int halo )
	{
		return PythonImg.builder( function ).input( noise ).parameter( parameter, value ).halo( halo ).type( Cast.< T >unchecked( type ) ).cellSize( 25, 20 ).build();
	}

	private static Img< UnsignedByteType > noise( final long... dims )
	{
		final Img< UnsignedByteType > noise = ArrayImgs.unsignedBytes( dims );
		final Random random = new Random( 1 );
		for ( final UnsignedByteType pixel : noise )
			pixel.set( random.nextInt( 256 ) );
		return noise;
	}
}
