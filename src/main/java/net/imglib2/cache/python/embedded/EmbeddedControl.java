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

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

import net.imglib2.cache.python.environment.TemporaryFile;
import net.imglib2.cache.python.protocol.ControlWords;
import net.imglib2.cache.python.protocol.PythonFailure;
import net.imglib2.cache.python.protocol.PythonStack;
import net.imglib2.cache.python.trust.Trusted;
import net.imglib2.cache.python.worker.ProtocolControl;

/**
 * What other threads may do with an interpreter in this process: by the control words.
 * It cannot be killed.
 * <p>
 * Where the init code is, Python writes into a file, by a thread of {@code faulthandler}
 * that needs no lock of Python. The watchdog, which writes the control words, needs that
 * lock, and cannot have it while a function in C keeps it.
 */
final class EmbeddedControl extends ProtocolControl
{
	/**
	 * How long the watchdog has to tell a stack; it looks 20 times a second.
	 */
	private static final long STACK_NANOS = TimeUnit.MILLISECONDS.toNanos( 250 );

	private volatile Init init;

	EmbeddedControl( final ControlWords words )
	{
		super( words );
	}

	@Override
	public void abandon()
	{
		super.abandon();
		deleteStackFile();
	}

	@Override
	public void exit()
	{
		super.exit();
		deleteStackFile();
	}

	/**
	 * The init code is about to run.
	 *
	 * @return file for its stack
	 */
	Path beginOfInit( final Trusted.Code code, final String fileName )
	{
		final Path stackFile = TemporaryFile.create( ".stack" );
		init = new Init( code.text(), fileName, stackFile );
		return stackFile;
	}

	/**
	 * The init code has ended.
	 */
	void endOfInit()
	{
		deleteStackFile();
		init = null;
	}

	/**
	 * Nobody will ask for the stack. Python makes the file again if it opens it later, so
	 * this is not the last call: only the end of the init code is.
	 */
	private void deleteStackFile()
	{
		final Init running = init;
		if ( running == null )
			return;
		try
		{
			Files.deleteIfExists( running.stackFile );
		}
		catch ( final IOException e )
		{
			// On Windows, an init code that hangs still has it open.
			running.stackFile.toFile().deleteOnExit();
		}
	}

	@Override
	public String stackOfInit()
	{
		final Init running = init;
		if ( running == null )
			return "";
		final String written = running.writtenStack();
		// Python writes the stack of one worker at a time: another queue may be starting.
		return written.isEmpty() ? cancelledStack() : written;
	}

	/**
	 * Cancels the init code and lets the watchdog tell where it is.
	 */
	private String cancelledStack()
	{
		final long ticket = running();
		if ( ticket == 0 )
			return "";
		cancel( ticket );
		final long start = System.nanoTime();
		List< String > stack = stackOf( ticket );
		while ( stack == null && System.nanoTime() - start < STACK_NANOS )
		{
			LockSupport.parkNanos( TimeUnit.MILLISECONDS.toNanos( 5 ) );
			stack = stackOf( ticket );
		}
		return stack == null || stack.isEmpty() ? "" : new PythonFailure( stack ).getTraceback();
	}

	private static final class Init
	{
		private final String code;

		private final String fileName;

		private final Path stackFile;

		Init( final String code, final String fileName, final Path stackFile )
		{
			this.code = code;
			this.fileName = fileName;
			this.stackFile = stackFile;
		}

		/**
		 * @return the stack that Python has written at the start-up timeout, or an empty
		 *         string
		 */
		String writtenStack()
		{
			try
			{
				return PythonStack.withSource( new String( Files.readAllBytes( stackFile ), StandardCharsets.UTF_8 ).trim(), fileName, code );
			}
			catch ( final IOException e )
			{
				return "";
			}
		}
	}
}
