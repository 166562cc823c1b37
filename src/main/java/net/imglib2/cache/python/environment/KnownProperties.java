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

import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.TreeSet;

import net.imglib2.cache.python.PythonEnvironmentException;
import net.imglib2.cache.python.trust.TrustPolicy;

/**
 * The names of this library's system properties. Other names with the same prefix
 * are refused: a misspelt name would silently switch off what the user wants, for
 * instance an allow-list.
 */
public final class KnownProperties
{
	static final String PREFIX = "imglib2.python.";

	public static final String CRASH_FILE = "imglib2.python.crashFile";

	public static final String EXECUTABLE = "imglib2.python.executable";

	public static final String MODE = "imglib2.python.mode";

	public static final String SHARED_MEMORY = "imglib2.python.sharedMemory";

	static final List< String > NAMES = Collections.unmodifiableList( Arrays.asList( CRASH_FILE, EXECUTABLE, MODE, SHARED_MEMORY, TrustPolicy.FILE_PROPERTY ) );

	private KnownProperties()
	{}

	/**
	 * @param names
	 * 		names of system properties
	 * @throws PythonEnvironmentException
	 * 		if one has this library's prefix but is not one of its properties
	 */
	public static void requireOnlyKnown( final Collection< String > names )
	{
		for ( final String name : new TreeSet<>( names ) )
			if ( name.startsWith( PREFIX ) && !NAMES.contains( name ) )
				throw new PythonEnvironmentException( "There is no system property " + name + "; those of this library are " + String.join( ", ", NAMES ) + ": correct or remove it" );
	}
}
