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

import java.io.IOException;
import java.io.InputStream;
import java.util.HashSet;
import java.util.List;
import java.util.Scanner;
import java.util.Set;

import net.imglib2.cache.img.CachedCellImg;
import net.imglib2.cache.python.Halo;
import net.imglib2.cache.python.PythonCacheLoader;
import net.imglib2.cache.python.PythonCacheLoaderQueue;
import net.imglib2.cache.python.PythonCodeException;
import net.imglib2.img.basictypeaccess.nio.BufferAccess;
import net.imglib2.img.cell.CellGrid;
import net.imglib2.type.numeric.integer.LongType;
import net.imglib2.type.numeric.integer.UnsignedShortType;
import net.imglib2.view.Views;

/**
 * Finds nuclei with StarDist and its pretrained model, on cells with a halo, in the
 * fluorescence image that the StarDist package contains.
 * <p>
 * Both images are lazy and computed in Python: the fluorescence image, and the
 * labels of the nuclei. A nucleus that lies in several cells has a different label
 * in each of them; this example does not join these labels.
 * <p>
 * Needs {@code pip install stardist tensorflow}, and the network to download the
 * model at the first run.
 */
public final class StarDist
{
	private static final int[] CELL = { 256, 256 };

	/** Wider than a nucleus. */
	private static final Halo HALO = new Halo( 48, 48 );

	private StarDist()
	{}

	public static void main( final String... args ) throws Exception
	{
		try ( final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue( 1, resource( "stardist_nuclei.py" ) ) )
		{
			final List< ? > shape = queue.submit( python -> python.getValue( "list(nuclei.shape)", List.class ) ).get();
			final long width = ( ( Number ) shape.get( 1 ) ).longValue();
			final long height = ( ( Number ) shape.get( 0 ) ).longValue();
			final CellGrid grid = new CellGrid( new long[] { width, height }, CELL );

			final CachedCellImg< UnsignedShortType, ? > image = PythonCacheLoader.fromRandomAccessibles(
					grid,
					queue,
					"block.data[...] = nuclei[tuple(slice(a, b + 1) for a, b in zip(block.min, block.max))]",
					new UnsignedShortType() ).createCachedCellImg( 100 );

			final CachedCellImg< LongType, ? extends BufferAccess< ? > > labels = PythonCacheLoader.fromRandomAccessibles(
					grid,
					queue,
					"block.data[...] = segment(block.inputs[0], block.index)[block.halo]",
					new LongType(),
					HALO,
					Views.extendMirrorSingle( image ) ).createCachedCellImg( 100 );

			final Set< Long > numbers = new HashSet<>();
			labels.forEach( label -> numbers.add( label.get() ) );
			numbers.remove( 0L );
			System.out.printf( "StarDist: %d nuclei in %d cells of an image of %d x %d pixels%n", numbers.size(), labels.getCells().size(), width, height );
			if ( numbers.isEmpty() )
				throw new IllegalStateException( "no nucleus was found" );
		}
		catch ( final PythonCodeException e )
		{
			// Only the init code can fail in this way: a package or the model is missing.
			System.out.println( "StarDist: skipped because of " + e.getPythonType() + ": " + e.getPythonMessage() );
		}
	}

	private static String resource( final String name ) throws IOException
	{
		try ( final InputStream in = StarDist.class.getResourceAsStream( name ); final Scanner scanner = new Scanner( in, "UTF-8" ) )
		{
			return scanner.useDelimiter( "\\A" ).next();
		}
	}
}
