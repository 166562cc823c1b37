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

import java.util.ArrayDeque;
import java.util.Deque;

import net.imglib2.RandomAccessible;

/**
 * The images of this JVM that were opened from descriptions: one for each. The last ones stay
 * open although nobody may have them, because the next task may come soon. Thread-safe.
 */
final class OpenedSpecs
{
	/**
	 * Each has a cache of its own.
	 */
	private static final int NUM_KEPT = 4;

	private static final OnePerKey< PythonSpec, PythonImg< ? > > OPENED = new OnePerKey<>( OpenedSpecs::isOpen, PythonSpec::toString );

	/**
	 * The images that were asked for last, the latest at the end; guarded by itself.
	 */
	private static final Deque< PythonImg< ? > > KEPT = new ArrayDeque<>();

	private OpenedSpecs()
	{}

	/**
	 * @return whether neither the image nor one that it is computed of is closed
	 */
	private static boolean isOpen( final RandomAccessible< ? > image )
	{
		if ( !( image instanceof PythonImg ) )
			return true;
		final PythonImg< ? > its = ( PythonImg< ? > ) image;
		return !its.isClosed() && its.settings().inputs().stream().allMatch( input -> isOpen( input.settings().image ) );
	}

	/**
	 * @param spec
	 * 		of an image
	 * @return the image
	 */
	static PythonImg< ? > get( final PythonSpec spec )
	{
		final PythonImg< ? > image = OPENED.get( spec, spec::build );
		keep( image );
		return image;
	}

	private static void keep( final PythonImg< ? > image )
	{
		synchronized ( KEPT )
		{
			KEPT.removeIf( other -> other == image || other.isClosed() );
			KEPT.addLast( image );
			if ( KEPT.size() > NUM_KEPT )
				KEPT.removeFirst();
		}
	}
}
