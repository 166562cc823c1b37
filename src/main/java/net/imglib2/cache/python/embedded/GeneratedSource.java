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
package net.imglib2.cache.python.embedded;

import java.util.Arrays;

import jep.DirectNDArray;
import net.imglib2.Interval;
import net.imglib2.cache.python.InputGenerator;
import net.imglib2.cache.python.InputWay;
import net.imglib2.cache.python.block.BlockArray;
import net.imglib2.cache.python.block.PixelSource;
import net.imglib2.util.Intervals;

/**
 * Pixels that the user makes, in Jep's arrays. They become memory like any other
 * here: interpreters that do not see it need a copy.
 */
public final class GeneratedSource implements PixelSource
{
	private final InputGenerator generator;

	private final String what;

	/**
	 * @param generator
	 * 		makes the arrays
	 * @param what
	 * 		what it is, for messages
	 */
	public GeneratedSource( final InputGenerator generator, final String what )
	{
		this.generator = generator;
		this.what = what;
	}

	@Override
	public BlockArray get( final Interval interval ) throws Exception
	{
		final DirectNDArray< ? > array = generator.createInputFor( interval );
		if ( array == null )
			throw new NullPointerException( what + " is null for " + Intervals.toString( interval ) );
		final int[] shape = InputGenerator.getNDArrayShape( interval );
		if ( !Arrays.equals( array.getDimensions(), shape ) )
			throw new IllegalArgumentException( what + " has shape " + Arrays.toString( array.getDimensions() ) + " for " + Intervals.toString( interval )
					+ ", expected " + Arrays.toString( shape ) );
		return JepArrays.toBlockArray( array );
	}

	@Override
	public InputWay wayOf( final Interval interval )
	{
		return InputWay.GENERATED;
	}
}
