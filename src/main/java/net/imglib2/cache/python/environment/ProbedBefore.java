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
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * What a Python has told about itself in this JVM, as long as nothing was installed there
 * since: to ask again would double the time that a worker process takes to start.
 */
final class ProbedBefore
{
	private static final Map< Path, ProbedBefore > BY_EXECUTABLE = new ConcurrentHashMap<>();

	/**
	 * Some file systems round times to two seconds.
	 */
	private static final long GRANULARITY_MILLIS = 2000;

	private final Properties properties;

	/**
	 * When the executable, and all else that could change the answer, has changed last.
	 */
	private final Map< Path, Long > stamps;

	private ProbedBefore( final Properties properties, final Map< Path, Long > stamps )
	{
		this.properties = properties;
		this.stamps = stamps;
	}

	/**
	 * @param executable
	 * 		of the Python
	 * @return what it has told, or {@code null} if it has to be asked
	 */
	static Properties find( final Path executable )
	{
		final ProbedBefore before = BY_EXECUTABLE.get( executable.toAbsolutePath() );
		return before == null || !before.stamps.equals( stampsOf( before.stamps.keySet() ) ) ? null : before.properties;
	}

	/**
	 * Keeps what a Python has told.
	 *
	 * @param others
	 * 		folders and files, there or not, whose change could change the answer
	 * @param begin
	 * 		when it was asked, in terms of {@link System#currentTimeMillis()}
	 */
	static void keep( final Path executable, final Properties properties, final List< String > others, final long begin )
	{
		final Set< Path > paths = new LinkedHashSet<>();
		paths.add( executable.toAbsolutePath() );
		for ( final String path : others )
			paths.add( Paths.get( path ) );
		final Map< Path, Long > stamps = stampsOf( paths );
		// What changes while Python looks may be seen by it, or not.
		if ( stamps.values().stream().allMatch( stamp -> stamp < begin - GRANULARITY_MILLIS ) )
			BY_EXECUTABLE.put( executable.toAbsolutePath(), new ProbedBefore( properties, stamps ) );
	}

	private static Map< Path, Long > stampsOf( final Iterable< Path > paths )
	{
		final Map< Path, Long > stamps = new LinkedHashMap<>();
		for ( final Path path : paths )
			stamps.put( path, stampOf( path ) );
		return stamps;
	}

	private static long stampOf( final Path path )
	{
		try
		{
			return Files.getLastModifiedTime( path ).toMillis();
		}
		catch ( final IOException e )
		{
			// It is not there.
			return 0;
		}
	}
}
