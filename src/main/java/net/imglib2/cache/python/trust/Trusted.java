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
package net.imglib2.cache.python.trust;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.Collectors;

/**
 * What the {@link TrustPolicy} has allowed. Only the policy makes instances, and whatever
 * hands code to Python takes one of these types: no code gets there unchecked.
 * Immutable.
 */
public final class Trusted
{
	private Trusted()
	{}

	/**
	 * Statements or an expression that may run.
	 */
	public static final class Code
	{
		private final String text;

		Code( final String text )
		{
			this.text = text;
		}

		public String text()
		{
			return text;
		}
	}

	/**
	 * Code of a loader that may run: statements, or a function reference. Not
	 * interchangeable with {@link Code}: a function reference may be allowed as such,
	 * and not as a statement.
	 */
	public static final class LoaderCode
	{
		private final String text;

		LoaderCode( final String text )
		{
			this.text = text;
		}

		public String text()
		{
			return text;
		}
	}

	/**
	 * Folders that Python may import modules from.
	 */
	public static final class Folders
	{
		private final List< Path > paths;

		Folders( final List< Path > paths )
		{
			this.paths = Collections.unmodifiableList( new ArrayList<>( paths ) );
		}

		/**
		 * @return as Python gets them
		 */
		public List< String > absolutePaths()
		{
			return paths.stream().map( path -> path.toAbsolutePath().toString() ).collect( Collectors.toList() );
		}
	}
}
