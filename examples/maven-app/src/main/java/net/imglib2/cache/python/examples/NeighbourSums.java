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
package net.imglib2.cache.python.examples;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

import net.imglib2.RandomAccessibleInterval;
import net.imglib2.cache.python.Border;
import net.imglib2.cache.python.PythonImg;
import net.imglib2.img.array.ArrayImgs;
import net.imglib2.type.numeric.integer.LongType;
import net.imglib2.view.Views;

/**
 * Adds to each pixel its left and right neighbour, in Python, on cells of 2 × 2
 * pixels with a halo of 1 along x.
 */
public final class NeighbourSums
{
	private NeighbourSums()
	{}

	public static void main( final String... args )
	{
		final RandomAccessibleInterval< LongType > input = ArrayImgs.longs( new long[] { 1, 2, 3, 4, 5, 10, 20, 30, 40, 50 }, 5, 2 );
		final PythonImg< LongType > sums = PythonImg.builder( "block.data[...] = x[:, :-2] + x[:, 1:-1] + x[:, 2:]" )
				.input( "x", input )
				.halo( 1, 0 )
				.border( Border.ZERO )
				.type( new LongType() )
				.cellSize( 2 )
				.build();

		final List< Long > values = new ArrayList<>();
		Views.flatIterable( sums ).forEach( value -> values.add( value.get() ) );
		System.out.println( "sums of neighbours: " + values );
		final List< Long > expected = Arrays.asList( 3L, 6L, 9L, 12L, 9L, 30L, 60L, 90L, 120L, 90L );
		if ( !values.equals( expected ) )
			throw new IllegalStateException( "expected " + expected );
	}
}
