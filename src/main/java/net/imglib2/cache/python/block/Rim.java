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

import net.imglib2.Interval;
import net.imglib2.outofbounds.OutOfBoundsBorderFactory;
import net.imglib2.outofbounds.OutOfBoundsConstantValueFactory;
import net.imglib2.outofbounds.OutOfBoundsFactory;
import net.imglib2.outofbounds.OutOfBoundsMirrorFactory;
import net.imglib2.outofbounds.OutOfBoundsMirrorFactory.Boundary;
import net.imglib2.outofbounds.OutOfBoundsPeriodicFactory;
import net.imglib2.outofbounds.OutOfBoundsRandomValueFactory;
import net.imglib2.outofbounds.OutOfBoundsZeroFactory;

/**
 * Extensions that repeat, along each axis, the pixels of another coordinate, so that
 * whole planes can be copied.
 */
enum Rim
{
	/**
	 * All pixels outside are the same.
	 */
	CONSTANT
	{
		@Override
		long origin( final long x, final long min, final long max )
		{
			return x < min ? min - 1 : max + 1;
		}
	},

	BORDER
	{
		@Override
		long origin( final long x, final long min, final long max )
		{
			return x < min ? min : max;
		}
	},

	MIRROR_SINGLE
	{
		@Override
		long origin( final long x, final long min, final long max )
		{
			// A single pixel is its own mirror image.
			if ( min == max )
				return min;
			return x < min ? 2 * min - x : 2 * max - x;
		}
	},

	MIRROR_DOUBLE
	{
		@Override
		long origin( final long x, final long min, final long max )
		{
			return x < min ? 2 * min - 1 - x : 2 * max + 1 - x;
		}
	};

	/**
	 * @param factory
	 * 		defines an extension
	 * @return which of these it is, or {@code null}
	 */
	static Rim of( final OutOfBoundsFactory< ?, ? > factory )
	{
		// Subclasses may do something else.
		final Class< ? > type = factory.getClass();
		if ( type == OutOfBoundsConstantValueFactory.class || type == OutOfBoundsZeroFactory.class )
			return CONSTANT;
		if ( type == OutOfBoundsBorderFactory.class )
			return BORDER;
		if ( type == OutOfBoundsMirrorFactory.class )
			return ( ( OutOfBoundsMirrorFactory< ?, ? > ) factory ).getBoundary() == Boundary.SINGLE ? MIRROR_SINGLE : MIRROR_DOUBLE;
		return null;
	}

	/**
	 * @param factory
	 * 		defines an extension
	 * @return whether it is of a subclass of one of these, which may do something else
	 */
	static boolean isSubclass( final OutOfBoundsFactory< ?, ? > factory )
	{
		return of( factory ) == null && ( factory instanceof OutOfBoundsConstantValueFactory || factory instanceof OutOfBoundsZeroFactory
				|| factory instanceof OutOfBoundsBorderFactory || factory instanceof OutOfBoundsMirrorFactory );
	}

	/**
	 * Whether an extension has the same pixels when it is read by moving from pixel to
	 * pixel as when it is read by position. Where ImgLib2 mirrors at a single pixel, moving
	 * leaves the interval.
	 *
	 * @param factory
	 * 		defines the extension
	 * @param extended
	 * 		the extended interval
	 * @return whether they are known to be the same
	 */
	static boolean isRightByMoves( final OutOfBoundsFactory< ?, ? > factory, final Interval extended )
	{
		final Rim rim = of( factory );
		if ( rim == MIRROR_SINGLE )
			return !hasAxisOfLengthOne( extended );
		return rim != null || factory.getClass() == OutOfBoundsPeriodicFactory.class || factory.getClass() == OutOfBoundsRandomValueFactory.class;
	}

	static boolean hasAxisOfLengthOne( final Interval interval )
	{
		for ( int d = 0; d < interval.numDimensions(); ++d )
			if ( interval.dimension( d ) == 1 )
				return true;
		return false;
	}

	/**
	 * Where the pixels of a coordinate outside come from. For {@link #CONSTANT}, it
	 * is the nearest coordinate outside; for mirrors, a coordinate that is outside
	 * on the other side if the extended interval is that short.
	 *
	 * @param x
	 * 		coordinate outside
	 * @param min
	 * 		of the extended interval
	 * @param max
	 * 		of the extended interval
	 * @return coordinate with the same pixels
	 */
	abstract long origin( long x, long min, long max );
}
