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

import java.nio.ByteBuffer;

import jep.DirectNDArray;
import net.imglib2.Interval;
import net.imglib2.RandomAccessible;
import net.imglib2.cache.python.InputGenerator;
import net.imglib2.cache.python.type.PixelType;
import net.imglib2.loops.LoopBuilder;
import net.imglib2.type.NativeType;
import net.imglib2.util.Intervals;
import net.imglib2.view.Views;

/**
 * Input whose pixels are copied into a direct buffer for each block.
 *
 * @param <T>
 * 		pixel type
 */
public final class CopiedInput< T extends NativeType< T > > implements InputGenerator
{
	private final RandomAccessible< T > source;

	private final T type;

	private final PixelType pixelType;

	/**
	 * @param source
	 * 		where the pixels come from
	 * @param what
	 * 		what the source is, for messages
	 * @param covers
	 * 		all pixels that blocks will ask for
	 * @throws IllegalArgumentException
	 * 		if the type is not supported, or the source is bounded and does not
	 * 		contain all these pixels
	 */
	public CopiedInput( final RandomAccessible< T > source, final String what, final Interval covers )
	{
		if ( source.numDimensions() != covers.numDimensions() )
			throw new IllegalArgumentException( what + " has " + source.numDimensions() + " axes, the image has " + covers.numDimensions() );
		if ( source instanceof Interval && !Intervals.contains( ( Interval ) source, covers ) )
			throw new IllegalArgumentException( what + " has the interval " + Intervals.toString( ( Interval ) source )
					+ ", but the blocks with their halo need " + Intervals.toString( covers )
					+ ": extend it, for instance by Views.extendMirrorSingle( input ) or Views.extendZero( input )" );
		this.source = source;
		type = source.getType();
		pixelType = PixelType.of( type, what );
	}

	@Override
	public DirectNDArray< ? > createInputFor( final Interval interval )
	{
		final long[] dims = interval.dimensionsAsLongArray();
		final ByteBuffer buffer = pixelType.allocate( dims );
		LoopBuilder.setImages( Views.interval( source, interval ), Views.translate( pixelType.image( type, buffer, dims ), interval.minAsLongArray() ) )
				.forEachPixel( ( from, to ) -> to.set( from ) );
		return pixelType.ndarray( buffer, InputGenerator.getNDArrayShape( interval ) );
	}
}
