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

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Map;
import java.util.concurrent.Callable;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Nobody waits much longer than the library promises.
 */
@Tag( "each-mode" )
@Timeout( 120 )
class PromptnessTest
{
	/**
	 * Ten times the usual time. The library's own waits after a failure are longer.
	 */
	private static final long MILLIS = 900;

	/**
	 * On a busy machine everything takes long from time to time, but not each time.
	 */
	private static final int ATTEMPTS = 3;

	@Test
	void readersAreReleasedAndQueuesAreClosedSoon() throws Exception
	{
		try (final Promptness promptness = new Promptness())
		{
			for ( final Map.Entry< String, Callable< Long > > measurement : promptness.measurements().entrySet() )
			{
				long shortest = Long.MAX_VALUE;
				for ( int i = 0; i < ATTEMPTS && shortest > MILLIS; ++i )
					shortest = Math.min( shortest, measurement.getValue().call() );
				final long millis = shortest;
				assertTrue( millis <= MILLIS, () -> String.format( measurement.getKey(), millis ) + "expected " + MILLIS + " ms at most" );
			}
		}
	}
}
