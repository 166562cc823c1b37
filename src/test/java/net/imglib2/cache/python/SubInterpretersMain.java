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

import java.nio.file.Paths;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Runs code on queues with one worker each. Arguments: a folder of modules; then
 * {@code name: statements}, which opens the queue if there is none with that name, or
 * {@code close name}. Prints each step before it runs.
 */
public final class SubInterpretersMain
{
	private SubInterpretersMain()
	{}

	public static void main( final String... args )
	{
		final PythonEnvironment environment = PythonEnvironment.detected().withModulePath( Paths.get( args[ 0 ] ) );
		final Map< String, PythonCacheLoaderQueue > queues = new LinkedHashMap<>();
		for ( final String step : Arrays.asList( args ).subList( 1, args.length ) )
		{
			System.out.println( step );
			if ( step.startsWith( "close " ) )
			{
				queues.remove( step.substring( 6 ) ).close();
				continue;
			}
			final int colon = step.indexOf( ": " );
			final PythonCacheLoaderQueue queue = queues.computeIfAbsent( step.substring( 0, colon ), name -> new PythonCacheLoaderQueue( 1, "", environment ) );
			queue.submit( python -> {
				python.exec( step.substring( colon + 2 ) );
				return null;
			} ).join();
		}
		queues.values().forEach( PythonCacheLoaderQueue::close );
		System.out.println( "done" );
	}
}
