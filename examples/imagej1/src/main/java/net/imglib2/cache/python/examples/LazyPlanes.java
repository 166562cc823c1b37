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

import ij.ImagePlus;
import ij.VirtualStack;
import ij.process.ByteProcessor;
import ij.process.ColorProcessor;
import ij.process.FloatProcessor;
import ij.process.ImageProcessor;
import ij.process.ShortProcessor;
import net.imglib2.cache.python.PythonImg;
import net.imglib2.img.basictypeaccess.array.ArrayDataAccess;
import net.imglib2.img.basictypeaccess.nio.BufferAccess;
import net.imglib2.type.numeric.ARGBType;
import net.imglib2.type.numeric.integer.UnsignedByteType;
import net.imglib2.type.numeric.integer.UnsignedShortType;
import net.imglib2.type.numeric.real.FloatType;

/**
 * Shows a lazy image of three axes in ImageJ: each plane is computed when ImageJ asks for it
 * first. ImageJ gets the array of the cell, not a copy.
 * <p>
 * The image must have cells of one plane each, in arrays of the JVM:
 *
 * <pre>{@code
 * .cellSize( width, height, 1 )
 * .arrays()
 * }</pre>
 *
 * What a plug-in writes into a plane is seen until the cache drops the cell, as in other
 * virtual stacks.
 */
public final class LazyPlanes extends VirtualStack
{
	private final PythonImg< ? > img;

	private LazyPlanes( final PythonImg< ? > img, final int bitDepth )
	{
		super( Math.toIntExact( img.dimension( 0 ) ), Math.toIntExact( img.dimension( 1 ) ), Math.toIntExact( img.dimension( 2 ) ) );
		this.img = img;
		setBitDepth( bitDepth );
	}

	/**
	 * @param title
	 * 		of the window
	 * @param img
	 * 		has pixels of {@code UnsignedByteType}, {@code UnsignedShortType},
	 * 		{@code FloatType} or {@code ARGBType}
	 * @return a stack that can be shown; its planes are computed when they are looked at
	 */
	public static ImagePlus imagePlus( final String title, final PythonImg< ? > img )
	{
		if ( img.numDimensions() != 3 )
			throw new IllegalArgumentException( "the image has " + img.numDimensions() + " axes, expected 3" );
		for ( int d = 0; d < 3; ++d )
			if ( img.getCellGrid().cellDimension( d ) != ( d < 2 ? img.dimension( d ) : 1 ) )
				throw new IllegalArgumentException( "the cells of the image are not its planes: say .cellSize( width, height, 1 )" );
		if ( img.getAccessType() instanceof BufferAccess )
			throw new IllegalArgumentException( "the cells of the image are in native memory, and ImageJ takes arrays: say .arrays()" );
		return new ImagePlus( title, new LazyPlanes( img, bitDepth( img.getType() ) ) );
	}

	private static int bitDepth( final Object type )
	{
		if ( type instanceof UnsignedByteType )
			return 8;
		if ( type instanceof UnsignedShortType )
			return 16;
		if ( type instanceof ARGBType )
			return 24;
		if ( type instanceof FloatType )
			return 32;
		throw new IllegalArgumentException( "ImageJ has no pixels of " + type.getClass().getSimpleName() + ", expected UnsignedByteType, UnsignedShortType, FloatType or ARGBType" );
	}

	@Override
	public ImageProcessor getProcessor( final int n )
	{
		final Object pixels = ( ( ArrayDataAccess< ? > ) img.getCells().getAt( 0, 0, n - 1 ).getData() ).getCurrentStorageArray();
		switch ( getBitDepth() )
		{
		case 8:
			return new ByteProcessor( getWidth(), getHeight(), ( byte[] ) pixels );
		case 16:
			return new ShortProcessor( getWidth(), getHeight(), ( short[] ) pixels, null );
		case 24:
			return new ColorProcessor( getWidth(), getHeight(), ( int[] ) pixels );
		default:
			return new FloatProcessor( getWidth(), getHeight(), ( float[] ) pixels );
		}
	}
}
