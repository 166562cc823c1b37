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
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.concurrent.ExecutionException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import net.imglib2.img.Img;
import net.imglib2.img.array.ArrayImgs;
import net.imglib2.type.numeric.integer.UnsignedByteType;
import net.imglib2.type.numeric.integer.UnsignedShortType;
import net.imglib2.type.numeric.real.FloatType;
import net.imglib2.view.Views;

/**
 * The text that tells how an image was made.
 */
@Timeout( 120 )
class PythonImgProvenanceTest
{
	private final Img< UnsignedByteType > pixels = ArrayImgs.unsignedBytes( 23, 17 );

	private PythonImg< FloatType > smooth( final Object sigma )
	{
		return PythonImg.builder( "scipy.ndimage:gaussian_filter" ).name( "smooth" ).input( "input", Views.translate( Views.extendZero( pixels ), 1, 2 ) ).parameter( "sigma", sigma ).halo( 4 )
				.type( new FloatType() ).dimensions( 20, 15 ).cellSize( 5, 40 ).init( "import json" ).build();
	}

	@Test
	void allThatPixelsDependOn()
	{
		final PythonImg< FloatType > smooth = smooth( Arrays.asList( 1, 1.5 ) );
		final PythonImg< ? > image = PythonImg.builder( """
				import skimage

				block.data[...] = a[::2, ::2][block.crops[0]] + b.sum(0) + len(text) + weights.sum()
				""" ).name( "sum" )
				.input( PythonInput.of( smooth ).name( "a" ).halo( 1, 2 ).border( Border.NEAREST ).scale( 2 ) )
				.input( PythonInput.of( ArrayImgs.unsignedShorts( 10, 7, 3 ) ).name( "b" ).wholeAxes( 2 ) )
				.parameter( "text", "it's" ).parameter( "weights", new float[] { 1, 2.5f } ).parameter( "bytes", new byte[] { -1 } ).parameter( "no", null ).parameter( "yes", true )
				.type( new UnsignedShortType() ).dimensions( 10, 7 ).cellSize( 4 ).build();
		final String expected = """
				sum: UnsignedShortType, 10 x 7, in cells of 4 x 4
				code:
				    import skimage

				    block.data[...] = a[::2, ::2][block.crops[0]] + b.sum(0) + len(text) + weights.sum()
				parameters:
				    text = 'it\\'s'
				    weights = array([1.0, 2.5])
				    bytes = array([-1])
				    no = None
				    yes = True
				input 0:
				    a: FloatType, 20 x 15
				    halo [1, 2], border NEAREST, scale [2]
				    of:
				        smooth: FloatType, 20 x 15, in cells of 5 x 15
				        code:
				            scipy.ndimage:gaussian_filter
				        parameters:
				            sigma = [1, 1.5]
				        input 0:
				            input: UnsignedByteType, unbounded, 2 axes
				            halo [4], border MIRROR_DOUBLE
				            of net.imglib2.img.array.ArrayImg
				        init:
				            import json
				        Python: …
				        packages: numpy …, scipy …
				        imglib2-cache-python: development
				input 1:
				    b: UnsignedShortType, 10 x 7 x 3
				    halo [0], border MIRROR_DOUBLE, whole axes [2]
				    of net.imglib2.img.array.ArrayImg
				Python: …
				packages: numpy …, scikit-image …
				imglib2-cache-python: development
				""";
		final String text = image.provenance();
		assertEquals( expected, text.replaceAll( "Python: [0-9.]+ at /.*, (SHARED|SUB|PROCESS)\n", "Python: …\n" ).replaceAll( "(numpy|scipy|scikit-image) [0-9.]+", "$1 …" ) );
		assertEquals( text, image.provenance() );
		image.compute();
		assertEquals( text, image.provenance() );
	}

	@Test
	void sameSettingsSameText()
	{
		final PythonImg< FloatType > image = smooth( 1 );
		final String text = image.provenance();
		assertEquals( text, smooth( 1 ).provenance() );
		assertFalse( text.equals( smooth( 2 ).provenance() ) );
		image.parameter( "sigma", 2 );
		assertEquals( smooth( 2 ).provenance(), image.provenance() );
		image.parameter( "sigma", 1 );
		assertEquals( text, image.provenance() );
		image.code( "scipy.ndimage:gaussian_laplace" );
		assertTrue( image.provenance().contains( "gaussian_laplace" ) );
	}

	@Test
	void whereItIsNotKnown()
	{
		final PythonImg< FloatType > image = smooth( 1 );
		try (final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue())
		{
			final Throwable refused = assertThrows( ExecutionException.class, () -> queue.submit( python -> image.provenance() ).get() ).getCause();
			assertTrue( refused instanceof IllegalStateException && refused.getMessage().contains( "on the thread of a worker" ), refused.toString() );
		}
		image.close();
		assertThrows( PythonClosedException.class, image::provenance );
	}
}
