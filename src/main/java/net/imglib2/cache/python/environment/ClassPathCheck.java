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
package net.imglib2.cache.python.environment;

import java.io.IOException;
import java.net.URL;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

import net.imglib2.cache.python.PythonEnvironmentException;

/**
 * Refuses a class path that holds imglib2-cache twice, as the released artifact and
 * as the subset that this project provides: each class would come from either of
 * them, by chance.
 */
public final class ClassPathCheck
{
	private static final String SUBSET_MARKER = "META-INF/imglib2-cache-subset";

	static final String CLASS_OF_BOTH = "net/imglib2/cache/CacheLoader.class";

	private ClassPathCheck()
	{}

	/**
	 * @param loader
	 * 		class loader whose class path is checked
	 * @throws PythonEnvironmentException
	 * 		if the class path holds both, or neither
	 */
	public static void requireOneImglib2Cache( final ClassLoader loader )
	{
		final List< String > subsets = locations( loader, SUBSET_MARKER );
		final List< String > all = locations( loader, CLASS_OF_BOTH );
		if ( all.isEmpty() )
			throw new PythonEnvironmentException( "imglib2-cache is not on the class path: add the artifact net.imglib2:imglib2-cache, "
					+ "or this library's own with the classifier imglib2-cache" );
		final List< String > released = new ArrayList<>( all );
		released.removeAll( subsets );
		if ( !subsets.isEmpty() && !released.isEmpty() )
			throw new PythonEnvironmentException( "imglib2-cache is on the class path twice: " + released.get( 0 ) + " and the subset of it in "
					+ subsets.get( 0 ) + ". Remove one: the artifact net.imglib2:imglib2-cache, or the one with the classifier imglib2-cache" );
	}

	private static List< String > locations( final ClassLoader loader, final String resource )
	{
		final List< String > locations = new ArrayList<>();
		try
		{
			for ( final URL url : Collections.list( loader.getResources( resource ) ) )
			{
				final String text = url.toString();
				locations.add( text.substring( 0, text.length() - resource.length() ).replaceFirst( "^jar:", "" ).replaceFirst( "!?/$", "" ) );
			}
		}
		catch ( final IOException e )
		{
			throw new PythonEnvironmentException( "cannot search the class path for " + resource, e );
		}
		return locations;
	}
}
