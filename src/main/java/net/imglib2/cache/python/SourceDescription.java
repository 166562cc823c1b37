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

import java.util.Arrays;
import java.util.List;
import java.util.Map;

import net.imglib2.cache.python.protocol.OpenedObject;
import net.imglib2.cache.python.trust.TrustPolicy;
import net.imglib2.cache.python.type.Dtype;
import net.imglib2.cache.python.type.PixelType;
import net.imglib2.type.NativeType;

/**
 * What an object of Python is that an image shows, as a worker has found it. Immutable.
 */
final class SourceDescription
{
	private final String what;

	private final long[] shape;

	private final String dtype;

	private final long[] chunks;

	private SourceDescription( final Map< ?, ? > answer )
	{
		what = ( String ) answer.get( "what" );
		shape = longs( answer.get( "shape" ) );
		dtype = ( String ) answer.get( "dtype" );
		chunks = answer.get( "chunks" ) == null ? null : longs( answer.get( "chunks" ) );
	}

	/**
	 * Lets a worker open the object, and close it again.
	 *
	 * @param source
	 * 		what to open; if it was {@link #pinned}, its shape and dtype must be the same
	 * @param type
	 * 		of the image, or {@code null}
	 * @param queue
	 * 		computes the image
	 * @throws IllegalArgumentException
	 * 		if the type cannot have all values of the object
	 * @throws PythonCodeException
	 * 		if it cannot be opened, is not an array of numbers, or is not what it was
	 */
	static SourceDescription of( final OpenedObject source, final NativeType< ? > type, final PythonCacheLoaderQueue queue )
	{
		TrustPolicy.ofThisJvm().requireOpened( source.expression(), source.hasText() );
		final PixelType< ? > pixelType = type == null ? null : PixelType.of( type, "the image" );
		if ( pixelType != null && !pixelType.hasAllNumbers() )
			throw new IllegalArgumentException( "the image has the type " + type.getClass().getSimpleName()
					+ ", which cannot have all numbers of an array: leave .type( … ) out, and convert the image" );
		final String wanted = pixelType == null ? null : pixelType.dtype().numpyName();
		return new SourceDescription( ( Map< ?, ? > ) queue.pool().ask( "Opening " + source.expression().trim(), "describe_source", source.values(), wanted ) );
	}

	private static long[] longs( final Object list )
	{
		return ( ( List< ? > ) list ).stream().mapToLong( number -> ( Long ) number ).toArray();
	}

	/**
	 * @return what the image's pixels are if the user does not say it
	 */
	NativeType< ? > type()
	{
		return PixelType.typeOf( Dtype.of( dtype ) );
	}

	/**
	 * @return in ImgLib2's order
	 */
	long[] dimensions()
	{
		return reversed( shape );
	}

	/**
	 * @param dimensions
	 * 		of the image
	 * @param bytesPerPixel
	 * 		size of its pixels
	 * @return size of its cells
	 */
	int[] cellSize( final long[] dimensions, final double bytesPerPixel )
	{
		return chunks == null ? ImgGeometry.defaultCellSize( dimensions, bytesPerPixel ) : ImgGeometry.cellSizeOfChunks( dimensions, reversed( chunks ), bytesPerPixel );
	}

	/**
	 * @param wanted
	 * 		dimensions of the image
	 * @throws IllegalArgumentException
	 * 		if the object has fewer pixels
	 */
	void requireContains( final long[] wanted )
	{
		final long[] own = dimensions();
		boolean fits = wanted.length == own.length;
		for ( int d = 0; fits && d < own.length; ++d )
			fits = wanted[ d ] <= own[ d ];
		if ( !fits )
			throw new IllegalArgumentException( "the image has the dimensions " + Arrays.toString( wanted ) + ", but " + what + " has the dimensions " + Arrays.toString( own )
					+ ", in ImgLib2's order: leave .dimensions( … ) out, or choose as many axes and no more pixels" );
	}

	/**
	 * @param source
	 * 		what was opened
	 * @return the same, which from now on has to be what it was
	 */
	OpenedObject pinned( final OpenedObject source )
	{
		return source.asSource( shape, dtype );
	}

	private static long[] reversed( final long[] numbers )
	{
		final long[] reversed = new long[ numbers.length ];
		Arrays.setAll( reversed, d -> numbers[ numbers.length - 1 - d ] );
		return reversed;
	}
}
