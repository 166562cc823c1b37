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
package net.imglib2.cache.python.type;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * The numpy dtypes of pixels.
 */
public enum Dtype
{
	BOOL( 1 ),
	INT8( 1 ),
	UINT8( 1 ),
	INT16( 2 ),
	UINT16( 2 ),
	INT32( 4 ),
	UINT32( 4 ),
	INT64( 8 ),
	UINT64( 8 ),
	FLOAT32( 4 ),
	FLOAT64( 8 ),
	COMPLEX64( 8 ),
	COMPLEX128( 16 );

	private final int bytes;

	Dtype( final int bytes )
	{
		this.bytes = bytes;
	}

	/**
	 * @return numpy's names of all, one a line; layouts name a dtype by its place in here
	 */
	public static String names()
	{
		return Arrays.stream( values() ).map( Dtype::numpyName ).collect( Collectors.joining( "\n" ) );
	}

	/**
	 * @param name
	 * 		numpy's name
	 * @return the dtype of that name
	 * @throws IllegalArgumentException
	 * 		if there is none
	 */
	public static Dtype of( final String name )
	{
		return valueOf( name.toUpperCase( Locale.ROOT ) );
	}

	/**
	 * @return numpy's name
	 */
	public String numpyName()
	{
		return name().toLowerCase( Locale.ROOT );
	}

	/**
	 * @return bytes of a number
	 */
	public int bytes()
	{
		return bytes;
	}
}
