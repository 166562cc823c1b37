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
package net.imglib2.cache.python.process;

import java.math.BigInteger;

/**
 * Makes values that have come out of a worker process those of the type that a task asks
 * for.
 */
final class Conversion
{
	private Conversion()
	{}

	/**
	 * @return whether Python has to make text of a value for this type
	 */
	static boolean isText( final Class< ? > type )
	{
		return type == String.class || type == CharSequence.class;
	}

	/**
	 * @throws ClassCastException
	 * 		if the value is of another kind
	 * @throws ArithmeticException
	 * 		if the type cannot hold the number
	 */
	@SuppressWarnings( "unchecked" )
	static < V > V convert( final Object value, final Class< V > type )
	{
		if ( value == null )
			return null;
		return ( V ) toType( value, type );
	}

	private static Object toType( final Object value, final Class< ? > type )
	{
		if ( type.isInstance( value ) )
			return value;
		if ( type == boolean.class && value instanceof Boolean )
			return value;
		if ( value instanceof Number )
		{
			final Object number = toNumber( ( Number ) value, type );
			if ( number != null )
				return number;
		}
		throw new ClassCastException( "it is a " + value.getClass().getSimpleName() );
	}

	private static Object toNumber( final Number value, final Class< ? > type )
	{
		if ( type == Double.class || type == double.class )
			return requireHeld( value, value.doubleValue() );
		if ( type == Float.class || type == float.class )
			return ( float ) requireHeld( value, value.floatValue() );
		if ( value instanceof Double )
			return null;
		final BigInteger integer = value instanceof BigInteger ? ( BigInteger ) value : BigInteger.valueOf( value.longValue() );
		if ( type == Long.class || type == long.class )
			return integer.longValueExact();
		if ( type == Integer.class || type == int.class )
			return integer.intValueExact();
		if ( type == Short.class || type == short.class )
			return integer.shortValueExact();
		if ( type == Byte.class || type == byte.class )
			return integer.byteValueExact();
		return type == BigInteger.class ? integer : null;
	}

	/**
	 * No other number becomes infinite.
	 */
	private static double requireHeld( final Number value, final double held )
	{
		if ( Double.isInfinite( held ) && !Double.valueOf( held ).equals( value ) )
			throw new ArithmeticException( "it is too large" );
		return held;
	}
}
