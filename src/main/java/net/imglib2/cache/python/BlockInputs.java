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

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Objects;

import net.imglib2.FinalInterval;
import net.imglib2.Interval;
import net.imglib2.RandomAccessible;
import net.imglib2.cache.python.block.BlockInput;
import net.imglib2.cache.python.block.BlockMemory;
import net.imglib2.cache.python.block.Footprint;
import net.imglib2.cache.python.block.ImageSource;
import net.imglib2.cache.python.block.PixelSource;
import net.imglib2.cache.python.embedded.GeneratedSource;
import net.imglib2.cache.python.image.CellSpec;
import net.imglib2.img.cell.CellGrid;
import net.imglib2.type.NativeType;
import net.imglib2.util.Cast;

/**
 * Makes the inputs of a loader of the generators or images that the user gives.
 */
final class BlockInputs
{
	private BlockInputs()
	{}

	/**
	 * @param halo
	 * 		how much more than the cell the inputs show
	 * @param inputs
	 * 		the user's generators
	 * @return one input for each
	 */
	static List< BlockInput > ofGenerators( final Halo halo, final Collection< ? extends InputGenerator > inputs )
	{
		final Footprint footprint = Footprint.of( Objects.requireNonNull( halo, "halo" ) );
		final List< BlockInput > generated = new ArrayList<>();
		for ( final InputGenerator input : Objects.requireNonNull( inputs, "inputs" ) )
		{
			final String what = "input " + generated.size();
			generated.add( new BlockInput( new GeneratedSource( Objects.requireNonNull( input, what ), what ), footprint ) );
		}
		return generated;
	}

	/**
	 * @param grid
	 * 		dimensions of the image and of its cells
	 * @param halo
	 * 		how much more than the cell the inputs show
	 * @param options
	 * 		how inputs are copied
	 * @param memory
	 * 		where copies are put
	 * @param inputs
	 * 		the user's images
	 * @return one input for each
	 * @throws IllegalArgumentException
	 * 		if an input does not contain all that the blocks need, has a type that is
	 * 		not supported, or can only be copied in a way that the settings do not allow
	 */
	static List< BlockInput > ofImages(
			final CellGrid grid,
			final Halo halo,
			final PythonLoaderOptions options,
			final BlockMemory memory,
			final Collection< ? extends RandomAccessible< ? extends NativeType< ? > > > inputs )
	{
		CellSpec.requireSameDimensions( grid, halo );
		Objects.requireNonNull( options, "options" );
		final Footprint footprint = Footprint.of( halo );
		final Interval covers = footprint.interval( new FinalInterval( grid.getImgDimensions() ) );
		final List< BlockInput > sources = new ArrayList<>();
		for ( final RandomAccessible< ? extends NativeType< ? > > input : Objects.requireNonNull( inputs, "inputs" ) )
		{
			final String what = "input " + sources.size();
			sources.add( new BlockInput( source( Objects.requireNonNull( input, what ), what, covers, options, memory ), footprint ) );
		}
		return sources;
	}

	/**
	 * @param covers
	 * 		all pixels of the image that blocks will ask for
	 */
	static < T extends NativeType< T > > PixelSource source(
			final RandomAccessible< ? > input,
			final String what,
			final Interval covers,
			final PythonLoaderOptions options,
			final BlockMemory memory )
	{
		return new ImageSource< T >( Cast.unchecked( input ), what, covers, options, memory );
	}
}
