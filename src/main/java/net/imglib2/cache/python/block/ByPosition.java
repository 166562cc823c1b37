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

import net.imglib2.AbstractLocalizable;
import net.imglib2.Interval;
import net.imglib2.Localizable;
import net.imglib2.RandomAccess;
import net.imglib2.RandomAccessible;

/**
 * The same pixels, always read by position. ImgLib2's moves from pixel to pixel
 * lead elsewhere in some views, and so do the accesses that it optimizes for an
 * interval: sheared views get the pixels of another interval.
 *
 * @param <T>
 * 		pixel type
 */
final class ByPosition< T > implements RandomAccessible< T >
{
	private final RandomAccessible< T > source;

	ByPosition( final RandomAccessible< T > source )
	{
		this.source = source;
	}

	@Override
	public int numDimensions()
	{
		return source.numDimensions();
	}

	@Override
	public T getType()
	{
		return source.getType();
	}

	@Override
	public RandomAccess< T > randomAccess()
	{
		return new Access<>( source.randomAccess() );
	}

	@Override
	public RandomAccess< T > randomAccess( final Interval interval )
	{
		return randomAccess();
	}

	private static final class Access< T > extends AbstractLocalizable implements RandomAccess< T >
	{
		private static final int NONE = -1;

		private static final int SEVERAL = -2;

		private final RandomAccess< T > source;

		// The axis along which the source is elsewhere.
		private int changed = SEVERAL;

		Access( final RandomAccess< T > source )
		{
			super( source.numDimensions() );
			this.source = source;
		}

		@Override
		public T get()
		{
			if ( changed >= 0 )
				source.setPosition( position[ changed ], changed );
			else if ( changed == SEVERAL )
				source.setPosition( position );
			changed = NONE;
			return source.get();
		}

		@Override
		public T getType()
		{
			return source.getType();
		}

		@Override
		public Access< T > copy()
		{
			final Access< T > copy = new Access<>( source.copy() );
			copy.setPosition( position );
			return copy;
		}

		@Override
		public void setPosition( final long x, final int d )
		{
			position[ d ] = x;
			changed = changed == NONE || changed == d ? d : SEVERAL;
		}

		@Override
		public void setPosition( final int x, final int d )
		{
			setPosition( ( long ) x, d );
		}

		@Override
		public void setPosition( final long[] x )
		{
			System.arraycopy( x, 0, position, 0, n );
			changed = SEVERAL;
		}

		@Override
		public void setPosition( final int[] x )
		{
			for ( int d = 0; d < n; ++d )
				setPosition( x[ d ], d );
		}

		@Override
		public void setPosition( final Localizable x )
		{
			x.localize( position );
			changed = SEVERAL;
		}

		@Override
		public void move( final long distance, final int d )
		{
			setPosition( position[ d ] + distance, d );
		}

		@Override
		public void move( final int distance, final int d )
		{
			move( ( long ) distance, d );
		}

		@Override
		public void move( final long[] distance )
		{
			for ( int d = 0; d < n; ++d )
				move( distance[ d ], d );
		}

		@Override
		public void move( final int[] distance )
		{
			for ( int d = 0; d < n; ++d )
				move( ( long ) distance[ d ], d );
		}

		@Override
		public void move( final Localizable distance )
		{
			for ( int d = 0; d < n; ++d )
				move( distance.getLongPosition( d ), d );
		}

		@Override
		public void fwd( final int d )
		{
			setPosition( position[ d ] + 1, d );
		}

		@Override
		public void bck( final int d )
		{
			setPosition( position[ d ] - 1, d );
		}
	}
}
