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
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;

import net.imglib2.RandomAccessible;
import net.imglib2.cache.python.block.BlockInput;

/**
 * An input of a {@link PythonImg} with a name and a geometry of its own. Immutable: the
 * setters return a changed copy.
 *
 * <pre>{@code
 * PythonImg.builder( "block.data[...] = ndimage.median_filter(raw, 5)[block.crops[0]] * (mask > 0)" )
 * 		.input( PythonInput.of( image ).name( "raw" ).halo( 2 ).border( Border.NEAREST ) )
 * 		.input( "mask", mask )
 * 		.build();
 * }</pre>
 *
 * What is not set here is as the builder says for all inputs. Numbers per axis are in
 * ImgLib2's axis order; one number stands for all axes. They are whole numbers of any
 * kind, single or in one list or array.
 */
public final class PythonInput
{
	private final Settings settings;

	private PythonInput( final Settings settings )
	{
		this.settings = settings;
	}

	/**
	 * @param image
	 * 		has the pixels: any image or view of one
	 * @return an input
	 */
	public static PythonInput of( final RandomAccessible< ? > image )
	{
		final Settings settings = new Settings();
		settings.image = Objects.requireNonNull( image, "image" );
		return new PythonInput( settings );
	}

	/**
	 * An image that is opened when an image is made of it.
	 *
	 * @param spec
	 * 		of the image, see {@link PythonSpec#open()}
	 * @return an input
	 */
	public static PythonInput of( final PythonSpec spec )
	{
		final Settings settings = new Settings();
		settings.spec = Objects.requireNonNull( spec, "spec" );
		return new PythonInput( settings );
	}

	/**
	 * @param image
	 * 		is described as the input
	 * @param blocks
	 * 		is the input, whatever the other settings say
	 */
	static PythonInput of( final RandomAccessible< ? > image, final BlockInput blocks )
	{
		return of( image ).with( changed -> changed.blocks = blocks );
	}

	private PythonInput with( final Consumer< Settings > change )
	{
		final Settings changed = settings.clone();
		change.accept( changed );
		return new PythonInput( changed );
	}

	/**
	 * Names the input: code sees it as a variable of this name, a function gets it as the
	 * argument of this name.
	 *
	 * @param newName
	 * 		a Python name
	 * @return changed copy
	 */
	public PythonInput name( final String newName )
	{
		Objects.requireNonNull( newName, "name" );
		return with( changed -> changed.name = newName );
	}

	/**
	 * How much more than the cell blocks see of this input, in its own pixels.
	 *
	 * @param widths
	 * 		one number; one per axis, before and after the cell; or two lists or arrays,
	 * 		before the cell and after it. Axes that blocks get completely
	 * 		({@link #wholeAxes}) have none where one number is given, or one for each other
	 * 		axis.
	 * @return changed copy
	 * @throws IllegalArgumentException
	 * 		if it is something else, or negative
	 */
	public PythonInput halo( final Object... widths )
	{
		final Widths halo = Widths.of( "the halo", widths );
		return with( changed -> changed.halo = halo );
	}

	/**
	 * What blocks see outside of this input.
	 *
	 * @param newBorder
	 * 		the border
	 * @return changed copy
	 */
	public PythonInput border( final Border newBorder )
	{
		Objects.requireNonNull( newBorder, "border" );
		return with( changed -> changed.border = newBorder );
	}

	/**
	 * What blocks see outside of this input, for scripts.
	 *
	 * @param newBorder
	 * 		name of the border, see {@link Border#of}
	 * @return changed copy
	 */
	public PythonInput border( final String newBorder )
	{
		return border( Border.of( newBorder ) );
	}

	/**
	 * The input is finer than the image.
	 *
	 * @param factors
	 * 		pixels of the input per pixel of the image, 1 or more
	 * @return changed copy
	 * @throws IllegalArgumentException
	 * 		if a factor is less
	 */
	public PythonInput scale( final Object... factors )
	{
		final int[] scale = factors( "the scale", factors );
		return with( changed -> changed.scale = scale );
	}

	/**
	 * The input is coarser than the image.
	 *
	 * @param factors
	 * 		pixels of the image per pixel of the input, 1 or more
	 * @return changed copy
	 * @throws IllegalArgumentException
	 * 		if a factor is less
	 */
	public PythonInput scaleDown( final Object... factors )
	{
		final int[] scaleDown = factors( "the downscaling", factors );
		return with( changed -> changed.scaleDown = scaleDown );
	}

	/**
	 * Every block gets these axes completely, for instance channels or time. The image may
	 * lack them, or have another size along them. If these are all axes of the input, such as
	 * those of a reference image or of a table, it can have any number of them.
	 *
	 * @param axes
	 * 		numbers of axes of the input, from 0 on, in ImgLib2's order
	 * @return changed copy
	 * @throws IllegalArgumentException
	 * 		if a number is negative, or comes twice
	 */
	public PythonInput wholeAxes( final Object... axes )
	{
		final int[] wholeAxes = WholeNumbers.intsOf( "the whole axes", 0, axes );
		for ( int i = 0; i < wholeAxes.length; ++i )
			for ( int j = 0; j < wholeAxes.length; ++j )
				if ( i != j && wholeAxes[ i ] == wholeAxes[ j ] )
					throw new IllegalArgumentException( "the whole axes " + Arrays.toString( wholeAxes ) + " are wrong: expected different numbers of axes, from 0 on" );
		return with( changed -> changed.wholeAxes = wholeAxes );
	}

	private static int[] factors( final String what, final Object[] given )
	{
		return WholeNumbers.intsPerAxis( what, 1, given );
	}

	/**
	 * @return the same with an image
	 */
	PythonInput opened()
	{
		return settings.image != null ? this : with( changed -> changed.image = settings.spec.open() );
	}

	/**
	 * @param problems
	 * 		gets what cannot be described
	 * @return what {@link #described} makes this again of
	 */
	Map< String, Object > description( final String what, final List< String > problems )
	{
		final Map< String, Object > its = new LinkedHashMap<>();
		its.put( "image", descriptionOfImage( what, problems ) );
		its.put( "name", settings.name );
		its.put( "halo", settings.halo == null ? null : settings.halo.description() );
		its.put( "border", settings.border == null ? null : settings.border.description() );
		its.put( "scale", settings.scale );
		its.put( "scaleDown", settings.scaleDown );
		its.put( "wholeAxes", settings.wholeAxes );
		return its;
	}

	private byte[] descriptionOfImage( final String what, final List< String > problems )
	{
		if ( settings.spec != null )
			return settings.spec.encoded();
		final RandomAccessible< ? > image = settings.image;
		if ( image instanceof PythonImg && settings.blocks == null )
			return new PythonSpec( ( ( PythonImg< ? > ) image ).settings().description( what + ": ", problems ) ).encoded();
		problems.add( what + " is a " + image.getClass().getName() + ", whose pixels are in this JVM: let Python open them, by PythonImg.openBuilder( … ), and give what that makes, or its .spec()" );
		return null;
	}

	/**
	 * @param its
	 * 		see {@link #description}
	 * @return the input
	 */
	static PythonInput described( final Map< ?, ? > its )
	{
		return of( new PythonSpec( ( byte[] ) its.get( "image" ) ) ).with( changed -> {
			changed.name = ( String ) its.get( "name" );
			changed.halo = its.get( "halo" ) == null ? null : Widths.described( ( List< ? > ) its.get( "halo" ) );
			changed.border = its.get( "border" ) == null ? null : Border.described( its.get( "border" ) );
			changed.scale = ( int[] ) its.get( "scale" );
			changed.scaleDown = ( int[] ) its.get( "scaleDown" );
			changed.wholeAxes = ( int[] ) its.get( "wholeAxes" );
		} );
	}

	/**
	 * @return the same with twice its own halo, if it has one
	 */
	PythonInput withDoubledHalo()
	{
		return settings.halo == null ? this : with( changed -> changed.halo = settings.halo.doubled() );
	}

	Settings settings()
	{
		return settings;
	}

	/**
	 * A new setting needs a field here, with its default, a setter above, and a line in the
	 * description. {@code null} is what the builder says for all inputs.
	 */
	static final class Settings implements Cloneable
	{
		/**
		 * {@code null} until it is opened.
		 */
		RandomAccessible< ? > image;

		/**
		 * What it is opened from; {@code null} if it was given as an image.
		 */
		PythonSpec spec;

		/**
		 * What blocks get instead of the image; {@code null} if they get the image.
		 */
		BlockInput blocks;

		String name;

		Widths halo;

		Border border;

		int[] scale = { 1 };

		int[] scaleDown = { 1 };

		int[] wholeAxes = {};

		@Override
		protected Settings clone()
		{
			try
			{
				return ( Settings ) super.clone();
			}
			catch ( final CloneNotSupportedException e )
			{
				throw new AssertionError( e );
			}
		}
	}
}
