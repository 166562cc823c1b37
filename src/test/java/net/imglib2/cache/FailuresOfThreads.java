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
package net.imglib2.cache;

import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Fails a test if one of its threads, or of the library's, died of an uncaught exception,
 * for instance of an assertion. Applies to all tests, see {@code junit-platform.properties}.
 */
public final class FailuresOfThreads implements BeforeAllCallback, AfterEachCallback, AfterAllCallback
{
	private static final Queue< AssertionError > FAILURES = new ConcurrentLinkedQueue<>();

	@Override
	public void beforeAll( final ExtensionContext context )
	{
		Thread.setDefaultUncaughtExceptionHandler( ( thread, thrown ) -> FAILURES.add( new AssertionError( "the thread " + thread.getName() + " has died of " + thrown, thrown ) ) );
	}

	@Override
	public void afterEach( final ExtensionContext context )
	{
		throwFailure();
	}

	/**
	 * Exceptions that came after the end of the last test.
	 */
	@Override
	public void afterAll( final ExtensionContext context )
	{
		throwFailure();
	}

	private static void throwFailure()
	{
		final AssertionError first = FAILURES.poll();
		if ( first == null )
			return;
		for ( AssertionError other = FAILURES.poll(); other != null; other = FAILURES.poll() )
			first.addSuppressed( other );
		throw first;
	}
}
