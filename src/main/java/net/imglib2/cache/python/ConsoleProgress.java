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

import java.util.Objects;

import me.tongfei.progressbar.ProgressBar;

/**
 * A bar in the console. The only class that uses the library for it, which need not be
 * there.
 */
final class ConsoleProgress implements PythonProgress
{
	private final String name;

	/**
	 * {@code null} when no computation runs.
	 */
	private ProgressBar bar;

	private ConsoleProgress( final String name )
	{
		this.name = name;
	}

	static PythonProgress create( final String name )
	{
		Objects.requireNonNull( name, "name" );
		try
		{
			Class.forName( "me.tongfei.progressbar.ProgressBar", false, ConsoleProgress.class.getClassLoader() );
		}
		catch ( final ClassNotFoundException e )
		{
			throw new IllegalStateException( "PythonProgress.console( \"" + name + "\" ) needs a library that is not on the class path: add me.tongfei:progressbar, for instance version 0.10.2", e );
		}
		return new ConsoleProgress( name );
	}

	@Override
	public void update( final long done, final long total )
	{
		if ( bar == null )
			bar = new ProgressBar( name, total );
		bar.stepTo( done );
	}

	@Override
	public void ended()
	{
		if ( bar != null )
			bar.close();
		bar = null;
	}
}
