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

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

import net.imglib2.FinalInterval;
import net.imglib2.Interval;
import net.imglib2.RandomAccessible;
import net.imglib2.RealRandomAccessible;
import net.imglib2.interpolation.Interpolant;
import net.imglib2.transform.integer.Mixed;
import net.imglib2.view.RandomAccessibleOnRealRandomAccessible;
import net.imglib2.view.StackView;
import net.imglib2.view.SubsampleView;

/**
 * The images behind all views and converters of an input, and which of their pixels the
 * input's depend on. Immutable.
 */
final class Origin
{
	private final List< RandomAccessible< ? > > roots;

	/**
	 * Of the input; {@code null} if its coordinates are not those of the roots.
	 */
	private final ViewChain aligned;

	private Origin( final List< RandomAccessible< ? > > roots, final ViewChain aligned )
	{
		this.roots = roots;
		this.aligned = aligned;
	}

	static Origin of( final RandomAccessible< ? > input )
	{
		final ViewChain first = ViewChain.of( input );
		boolean isAligned = isIdentity( first.toRoot() );
		RandomAccessible< ? > root = first.root();
		for ( RandomAccessible< ? > next = ViewChain.converted( root ); next != null; next = ViewChain.converted( root ) )
		{
			final ViewChain chain = ViewChain.of( next );
			// One that extends behind a converter has other bounds.
			isAligned &= isIdentity( chain.toRoot() ) && !chain.isExtended();
			root = chain.root();
		}
		final List< RandomAccessible< ? > > behind = behind( root );
		if ( behind.isEmpty() )
			return new Origin( Collections.singletonList( root ), isAligned ? first : null );
		final List< RandomAccessible< ? > > roots = new ArrayList<>();
		for ( final RandomAccessible< ? > source : behind )
			roots.addAll( of( source ).roots );
		return new Origin( roots, null );
	}

	/**
	 * @return what a view shows that changes more than coordinates
	 */
	private static List< RandomAccessible< ? > > behind( final RandomAccessible< ? > view )
	{
		if ( view instanceof StackView )
			return new ArrayList<>( ( ( StackView< ? > ) view ).getSourceSlices() );
		if ( view instanceof SubsampleView )
			return Collections.singletonList( ( ( SubsampleView< ? > ) view ).getSource() );
		if ( view instanceof RandomAccessibleOnRealRandomAccessible )
		{
			final RealRandomAccessible< ? > real = ( ( RandomAccessibleOnRealRandomAccessible< ? > ) view ).getSource();
			final Object source = real instanceof Interpolant ? ( ( Interpolant< ?, ? > ) real ).getSource() : null;
			if ( source instanceof RandomAccessible )
				return Collections.singletonList( ( RandomAccessible< ? > ) source );
		}
		return Collections.emptyList();
	}

	/**
	 * See {@link PixelSource#roots}.
	 */
	List< RandomAccessible< ? > > roots()
	{
		return roots;
	}

	/**
	 * See {@link PixelSource#inRoot}.
	 */
	Interval inRoot( final Interval interval )
	{
		if ( aligned == null )
			return null;
		final long[] min = interval.minAsLongArray();
		final long[] max = interval.maxAsLongArray();
		for ( int d = 0; d < min.length; ++d )
		{
			final long first = aligned.min( d );
			final long last = aligned.max( d );
			final long before = first - min[ d ];
			final long after = max[ d ] - last;
			if ( ( before > 0 || after > 0 ) && aligned.rim() == null )
			{
				// For instance periodic: the other end.
				min[ d ] = first;
				max[ d ] = last;
				continue;
			}
			// What is mirrored lies as far inside as it is outside.
			final long inside = Math.max( min[ d ], Math.min( first, last ) );
			min[ d ] = after > 0 ? Math.min( inside, last - after ) : inside;
			max[ d ] = before > 0 ? Math.max( max[ d ], first + before ) : max[ d ];
			min[ d ] = Math.min( Math.max( min[ d ], first ), last );
			max[ d ] = Math.max( Math.min( max[ d ], last ), first );
		}
		return new FinalInterval( min, max );
	}

	private static boolean isIdentity( final Mixed transform )
	{
		if ( transform.numSourceDimensions() != transform.numTargetDimensions() )
			return false;
		for ( int d = 0; d < transform.numTargetDimensions(); ++d )
			if ( transform.getComponentZero( d ) || transform.getComponentInversion( d ) || transform.getComponentMapping( d ) != d || transform.getTranslation( d ) != 0 )
				return false;
		return true;
	}
}
