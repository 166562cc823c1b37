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
package net.imglib2.cache.python.protocol;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

import net.imglib2.util.Cast;

/**
 * An object of Python that each worker opens once for the code of an image, and closes with
 * it: the Java side of {@code sources.py}.
 * <p>
 * Immutable: later changes of a map, a list or an array have no effect.
 */
public final class OpenedObject
{
	/**
	 * How deep arguments are within what is encoded.
	 */
	private static final int DEPTH = 2;

	private final String expression;

	private final List< Object > positional;

	private final Map< String, Object > keywords;

	/**
	 * In numpy's order; {@code null} if the object is not a source.
	 */
	private final List< Long > shape;

	private final String dtype;

	private OpenedObject( final String expression, final List< Object > positional, final Map< String, Object > keywords, final List< Long > shape, final String dtype )
	{
		this.expression = expression;
		this.positional = positional;
		this.keywords = keywords;
		this.shape = shape;
		this.dtype = dtype;
	}

	/**
	 * @param expression
	 * 		a function reference {@code package.module:function} or
	 * 		{@code /path/file.py:function}, which is called with the arguments; or else an
	 * 		expression, which sees the arguments as names
	 * @param positional
	 * 		arguments of the function, by their position: values as those of
	 * 		{@link CellCode#withParameters}
	 * @param keywords
	 * 		arguments by name, of the same kinds
	 * @return the object
	 * @throws IllegalArgumentException
	 * 		if Python cannot have such a name or value
	 */
	public static OpenedObject of( final String expression, final Collection< ? > positional, final Map< String, ? > keywords )
	{
		if ( Objects.requireNonNull( expression, "expression" ).trim().isEmpty() )
			throw new IllegalArgumentException( "there is nothing to open: expected a function, for instance \"zarr:open_array\", or an expression" );
		final List< Object > copies = new ArrayList<>();
		for ( final Object value : positional )
			copies.add( CellCode.copyOf( "Argument " + copies.size() + " of " + expression.trim(), value, DEPTH ) );
		OpenedObject object = new OpenedObject( expression, copies, Collections.emptyMap(), null, null );
		// A map of a script can have other keys.
		for ( final Map.Entry< ?, ? > entry : keywords.entrySet() )
			object = object.with( entry.getKey(), entry.getValue() );
		return object;
	}

	/**
	 * @param values
	 * 		see {@link #values()}
	 * @return the object
	 */
	public static OpenedObject of( final List< ? > values )
	{
		final OpenedObject object = of( ( String ) values.get( 0 ), ( Collection< ? > ) values.get( 1 ), Cast.unchecked( values.get( 2 ) ) );
		final List< ? > shape = ( List< ? > ) values.get( 3 );
		return shape == null ? object : object.asSource( shape.stream().mapToLong( size -> ( ( Number ) size ).longValue() ).toArray(), ( String ) values.get( 4 ) );
	}

	/**
	 * @param key
	 * 		name of an argument
	 * @param value
	 * 		see {@link #of}
	 * @return the same with this argument, too, or with this value of it
	 * @throws IllegalArgumentException
	 * 		if Python cannot have such a name or value
	 */
	public OpenedObject with( final Object key, final Object value )
	{
		final String name = CellCode.requireName( "an argument of " + expression.trim(), key );
		final Map< String, Object > changed = new LinkedHashMap<>( keywords );
		changed.put( name, CellCode.copyOf( "The argument \"" + name + "\" of " + expression.trim(), value, DEPTH ) );
		return new OpenedObject( expression, positional, changed, shape, dtype );
	}

	/**
	 * @param newShape
	 * 		in numpy's order
	 * @param newDtype
	 * 		name
	 * @return the same, which is a source: it is an error if its shape or dtype is another
	 *         one, and what is read is in native byte order
	 */
	public OpenedObject asSource( final long[] newShape, final String newDtype )
	{
		final List< Long > sizes = new ArrayList<>();
		Arrays.stream( newShape ).forEach( sizes::add );
		return new OpenedObject( expression, positional, keywords, sizes, newDtype );
	}

	/**
	 * @return a function reference or an expression
	 */
	public String expression()
	{
		return expression;
	}

	/**
	 * @return arguments without a name
	 */
	public List< Object > positional()
	{
		return Collections.unmodifiableList( positional );
	}

	/**
	 * @return arguments by name, in the order in which they were set first
	 */
	public Map< String, Object > keywords()
	{
		return Collections.unmodifiableMap( keywords );
	}

	/**
	 * @return whether an argument is a string, or has one in it
	 */
	public boolean hasText()
	{
		return CellCode.hasText( positional ) || CellCode.hasText( keywords.values() );
	}

	/**
	 * @return what {@code Opened} of {@code settings.py} is made of
	 */
	public List< Object > values()
	{
		return Arrays.asList( expression, positional, keywords, shape, dtype );
	}
}
