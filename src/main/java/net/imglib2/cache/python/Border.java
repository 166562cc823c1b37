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

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;

import net.imglib2.RandomAccessible;
import net.imglib2.RandomAccessibleInterval;
import net.imglib2.outofbounds.OutOfBoundsConstantValueFactory;
import net.imglib2.type.BooleanType;
import net.imglib2.type.NativeType;
import net.imglib2.type.numeric.ComplexType;
import net.imglib2.type.numeric.NumericType;
import net.imglib2.view.ExtendedRandomAccessibleInterval;
import net.imglib2.view.Views;

/**
 * What blocks see outside of an input, where their halo crosses its border. The result
 * at the border is that of the code for the whole image only if the code does the same
 * there. Along one axis, for the pixels {@code a b c d}:
 *
 * <pre>
 *                   outside | image | outside   scipy, scikit-image   numpy.pad
 * MIRROR_DOUBLE       c b a | abcd  | d c b     mode="reflect"        "symmetric"
 * MIRROR_SINGLE       d c b | abcd  | c b a     mode="mirror"         "reflect"
 * NEAREST             a a a | abcd  | d d d     mode="nearest"        "edge"
 * PERIODIC            b c d | abcd  | a b c     mode="wrap"           "wrap"
 * ZERO                0 0 0 | abcd  | 0 0 0     mode="constant"       "constant"
 * value( v )          v v v | abcd  | v v v     mode="constant"       "constant"
 * </pre>
 *
 * scikit-image's {@code skimage.filters.gaussian} takes {@code mode="nearest"} by default.
 * Immutable.
 */
public final class Border
{
	private static final Map< String, Border > NAMES = new LinkedHashMap<>();

	/**
	 * Mirrored at the edge of the last pixel, which comes twice. The default, as in most of
	 * scipy and scikit-image.
	 */
	public static final Border MIRROR_DOUBLE = named( "MIRROR_DOUBLE" );

	/**
	 * Mirrored at the centre of the last pixel, which comes once.
	 */
	public static final Border MIRROR_SINGLE = named( "MIRROR_SINGLE" );

	/**
	 * The nearest pixel of the image.
	 */
	public static final Border NEAREST = named( "NEAREST" );

	/**
	 * The image again, from its other end.
	 */
	public static final Border PERIODIC = named( "PERIODIC" );

	/**
	 * Zeros.
	 */
	public static final Border ZERO = named( "ZERO" );

	/**
	 * Nothing: the input must contain all that blocks need, with their halo.
	 */
	public static final Border NONE = named( "NONE" );

	private final String name;

	private final double value;

	private Border( final String name, final double value )
	{
		this.name = name;
		this.value = value;
	}

	/**
	 * A constant value.
	 *
	 * @param value
	 * 		of all pixels outside; the input's type must have this number
	 * @return the border
	 */
	public static Border value( final double value )
	{
		return new Border( "value( " + value + " )", value );
	}

	/**
	 * A border by its name, for scripts.
	 *
	 * @param name
	 * 		of a constant of this class, in capitals or not
	 * @return the border
	 * @throws IllegalArgumentException
	 * 		if there is none of that name
	 */
	public static Border of( final String name )
	{
		final Border border = NAMES.get( Objects.requireNonNull( name, "border" ).trim().toUpperCase( Locale.ROOT ).replace( '-', '_' ) );
		if ( border == null )
			throw new IllegalArgumentException( "the border \"" + name + "\" does not exist, expected one of " + NAMES.keySet()
					+ ", or Border.value( number ). What scipy calls \"reflect\" and numpy \"symmetric\" is MIRROR_DOUBLE; scipy's \"mirror\", numpy's \"reflect\", is MIRROR_SINGLE" );
		return border;
	}

	/**
	 * @param image
	 * 		an input with bounds
	 * @param what
	 * 		what it is, for messages
	 * @return the same with this border
	 */
	< T extends NativeType< T > > RandomAccessible< T > extend( final RandomAccessibleInterval< T > image, final String what )
	{
		if ( this == NONE )
			return image;
		if ( this == MIRROR_DOUBLE )
			return Views.extendMirrorDouble( image );
		if ( this == MIRROR_SINGLE )
			return Views.extendMirrorSingle( image );
		if ( this == NEAREST )
			return Views.extendBorder( image );
		if ( this == PERIODIC )
			return Views.extendPeriodic( image );
		final T pixel = image.getType().createVariable();
		if ( !set( pixel, value ) )
			throw new IllegalArgumentException( what + " has pixels of " + pixel.getClass().getSimpleName() + ", which cannot have the value of Border." + this
					+ ": choose a value that they have, or convert the input" );
		return new ExtendedRandomAccessibleInterval<>( image, new OutOfBoundsConstantValueFactory<>( pixel ) );
	}

	/**
	 * @return name or number, from which {@link #described} makes it again
	 */
	Object description()
	{
		return NAMES.containsKey( name ) ? ( Object ) name : ( Object ) value;
	}

	/**
	 * @param description
	 * 		see {@link #description()}
	 * @return the border
	 */
	static Border described( final Object description )
	{
		return description instanceof Double ? value( ( Double ) description ) : of( ( String ) description );
	}

	@Override
	public String toString()
	{
		return name;
	}

	private static Border named( final String name )
	{
		final Border border = new Border( name, 0 );
		NAMES.put( name, border );
		return border;
	}

	/**
	 * @return whether the type has the value
	 */
	private static boolean set( final Object pixel, final double value )
	{
		if ( pixel instanceof BooleanType )
		{
			( ( BooleanType< ? > ) pixel ).set( value != 0 );
			return value == 0 || value == 1;
		}
		if ( value == 0 && pixel instanceof NumericType )
		{
			( ( NumericType< ? > ) pixel ).setZero();
			return true;
		}
		if ( !( pixel instanceof ComplexType ) )
			return false;
		( ( ComplexType< ? > ) pixel ).setReal( value );
		final double got = ( ( ComplexType< ? > ) pixel ).getRealDouble();
		final boolean isRounded = got == ( float ) value && !Double.isInfinite( got );
		return got == value || isRounded || Double.isNaN( got ) && Double.isNaN( value );
	}
}
