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

import java.util.Arrays;

import net.imglib2.Interval;
import net.imglib2.RandomAccessible;
import net.imglib2.converter.read.ConvertedRandomAccessible;
import net.imglib2.converter.read.ConvertedRandomAccessibleInterval;
import net.imglib2.img.ImgView;
import net.imglib2.img.WrappedImg;
import net.imglib2.outofbounds.OutOfBoundsFactory;
import net.imglib2.transform.integer.Mixed;
import net.imglib2.transform.integer.MixedTransform;
import net.imglib2.view.ExtendedRandomAccessibleInterval;
import net.imglib2.view.IntervalView;
import net.imglib2.view.MixedTransformView;
import net.imglib2.view.fluent.RandomAccessibleView;

/**
 * Summary of a chain of views that only change coordinates: the image at its end (the
 * root), the transform from the view's coordinates to the root's, and for which of the
 * view's coordinates the pixels are the root's.
 */
final class ViewChain
{
	private final RandomAccessible< ? > root;

	private final MixedTransform toRoot;

	// In the view's coordinates; outside of them an extension defines the pixels.
	private final long[] min;

	private final long[] max;

	private final Rim rim;

	private final OutOfBoundsFactory< ?, ? > subclass;

	private final MixedTransform extensionToRoot;

	private final boolean rightByMoves;

	private ViewChain(
			final RandomAccessible< ? > root,
			final MixedTransform toRoot,
			final long[] min,
			final long[] max,
			final Rim rim,
			final OutOfBoundsFactory< ?, ? > subclass,
			final MixedTransform extensionToRoot,
			final boolean rightByMoves )
	{
		this.subclass = subclass;
		this.extensionToRoot = extensionToRoot;
		this.rightByMoves = rightByMoves;
		this.rim = rim;
		this.root = root;
		this.toRoot = toRoot;
		this.min = min;
		this.max = max;
	}

	/**
	 * @return what a converter converts, or {@code null} if the image is no converter
	 */
	static RandomAccessible< ? > converted( final RandomAccessible< ? > image )
	{
		if ( image instanceof ConvertedRandomAccessible )
			return ( ( ConvertedRandomAccessible< ?, ? > ) image ).getSource();
		if ( image instanceof ConvertedRandomAccessibleInterval )
			return ( ( ConvertedRandomAccessibleInterval< ?, ? > ) image ).getSource();
		return null;
	}

	/**
	 * Follows the views as far as they can be followed.
	 */
	static ViewChain of( final RandomAccessible< ? > view )
	{
		final int n = view.numDimensions();
		final long[] min = new long[ n ];
		final long[] max = new long[ n ];
		Arrays.fill( min, Long.MIN_VALUE );
		Arrays.fill( max, Long.MAX_VALUE );
		MixedTransform transform = new MixedTransform( n, n );
		MixedTransform extensionToRoot = null;
		Rim rim = null;
		OutOfBoundsFactory< ?, ? > subclass = null;
		boolean rightByMoves = true;
		RandomAccessible< ? > source = view;
		while ( true )
		{
			if ( source instanceof WrappedImg )
				source = ( ( WrappedImg< ? > ) source ).getImg();
			else if ( source instanceof ImgView )
				source = ( ( ImgView< ? > ) source ).getSource();
			else if ( source instanceof RandomAccessibleView )
				source = ( ( RandomAccessibleView< ?, ? > ) source ).delegate();
			else if ( source instanceof IntervalView )
				source = ( ( IntervalView< ? > ) source ).getSource();
			else if ( source instanceof ExtendedRandomAccessibleInterval )
			{
				final OutOfBoundsFactory< ?, ? > factory = ( ( ExtendedRandomAccessibleInterval< ?, ? > ) source ).getOutOfBoundsFactory();
				// There is no simple rule for an extension of an extension.
				rim = extensionToRoot != null ? null : Rim.of( factory );
				if ( Rim.isSubclass( factory ) )
					subclass = factory;
				source = ( ( ExtendedRandomAccessibleInterval< ?, ? > ) source ).getSource();
				rightByMoves &= Rim.isRightByMoves( factory, ( Interval ) source );
				extensionToRoot = new MixedTransform( source.numDimensions(), source.numDimensions() );
				clip( min, max, transform, ( Interval ) source );
			}
			else if ( source instanceof MixedTransformView )
			{
				final MixedTransformView< ? > transformed = ( MixedTransformView< ? > ) source;
				transform = transform.preConcatenate( transformed.getTransformToSource() );
				if ( extensionToRoot != null )
					extensionToRoot = extensionToRoot.preConcatenate( transformed.getTransformToSource() );
				source = transformed.getSource();
			}
			else
				break;
		}
		if ( source instanceof Interval )
			clip( min, max, transform, ( Interval ) source );
		return new ViewChain( source, transform, min, max, rim, subclass, extensionToRoot, rightByMoves );
	}

	/**
	 * @return whether pixels outside are defined, by an extension
	 */
	boolean isExtended()
	{
		return extensionToRoot != null;
	}

	/**
	 * @return from the coordinates of the innermost extension to the root's;
	 *         {@code null} if there is no extension
	 */
	MixedTransform extensionToRoot()
	{
		return extensionToRoot;
	}

	/**
	 * @return whether the views, apart from the root, are known to have the same pixels
	 *         when they are read by moving from pixel to pixel as by position
	 */
	boolean isRightByMoves()
	{
		return rightByMoves;
	}

	/**
	 * @return the rule for pixels outside, or {@code null} if there is no simple one
	 */
	Rim rim()
	{
		return rim;
	}

	/**
	 * @return an extension of the chain that is of a subclass of one of ImgLib2's, and
	 *         may do something else than that; or {@code null}
	 */
	OutOfBoundsFactory< ?, ? > subclassedExtension()
	{
		return subclass;
	}

	/**
	 * @return smallest coordinate along an axis whose pixels are the root's
	 */
	long min( final int d )
	{
		return min[ d ];
	}

	/**
	 * @return largest coordinate along an axis whose pixels are the root's
	 */
	long max( final int d )
	{
		return max[ d ];
	}

	/**
	 * @return what the chain ends at
	 */
	RandomAccessible< ? > root()
	{
		return root;
	}

	/**
	 * @return from the view's coordinates to the root's
	 */
	MixedTransform toRoot()
	{
		return toRoot;
	}

	/**
	 * @return whether the pixels of the whole interval are the root's
	 */
	boolean contains( final Interval interval )
	{
		for ( int d = 0; d < min.length; ++d )
			if ( interval.min( d ) < min[ d ] || interval.max( d ) > max[ d ] )
				return false;
		return true;
	}

	/**
	 * The part of an interval whose pixels are the root's.
	 *
	 * @param partMin
	 * 		is set to its minimum
	 * @param partMax
	 * 		is set to its maximum
	 * @return whether there is one
	 */
	boolean intersect( final Interval interval, final long[] partMin, final long[] partMax )
	{
		boolean any = true;
		for ( int d = 0; d < min.length; ++d )
		{
			partMin[ d ] = Math.max( min[ d ], interval.min( d ) );
			partMax[ d ] = Math.min( max[ d ], interval.max( d ) );
			any &= partMin[ d ] <= partMax[ d ];
		}
		return any;
	}

	/**
	 * @return the coordinates whose pixels are the root's
	 */
	@Override
	public String toString()
	{
		return Arrays.toString( min ) + " -- " + Arrays.toString( max );
	}

	/**
	 * Cuts the box of the view's coordinates down to those that lead into the
	 * bounds.
	 */
	private static void clip( final long[] min, final long[] max, final Mixed transform, final Interval bounds )
	{
		for ( int target = 0; target < bounds.numDimensions(); ++target )
		{
			final long translation = transform.getTranslation( target );
			if ( transform.getComponentZero( target ) )
			{
				// This coordinate of the root is fixed: all of the view is inside, or nothing.
				// A view without axes is what a stack has instead of the pixels of a line.
				if ( min.length > 0 && ( translation < bounds.min( target ) || translation > bounds.max( target ) ) )
				{
					min[ 0 ] = Long.MAX_VALUE;
					max[ 0 ] = Long.MIN_VALUE;
				}
				continue;
			}
			final int d = transform.getComponentMapping( target );
			final boolean inverted = transform.getComponentInversion( target );
			min[ d ] = Math.max( min[ d ], inverted ? translation - bounds.max( target ) : bounds.min( target ) - translation );
			max[ d ] = Math.min( max[ d ], inverted ? translation - bounds.min( target ) : bounds.max( target ) - translation );
		}
	}
}
