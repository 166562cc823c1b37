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
package net.imglib2.cache.python.process;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;

/**
 * A process that does not exist: it ends when it is told to.
 */
class FakeProcess extends Process
{
	static final int KILLED = 137;

	/**
	 * What was called.
	 */
	final List< String > calls = new CopyOnWriteArrayList<>();

	private final CountDownLatch ended = new CountDownLatch( 1 );

	private final InputStream errors;

	private volatile int exitCode;

	/**
	 * @param errors
	 * 		what comes out of the standard error
	 */
	FakeProcess( final InputStream errors )
	{
		this.errors = errors;
	}

	FakeProcess()
	{
		this( new ByteArrayInputStream( new byte[ 0 ] ) );
	}

	void end( final int code )
	{
		exitCode = code;
		ended.countDown();
	}

	@Override
	public OutputStream getOutputStream()
	{
		return new ByteArrayOutputStream();
	}

	/**
	 * Ends with the process.
	 */
	@Override
	public InputStream getInputStream()
	{
		return new InputStream()
		{
			@Override
			public int read() throws IOException
			{
				try
				{
					ended.await();
				}
				catch ( final InterruptedException e )
				{
					throw new IOException( e );
				}
				return -1;
			}
		};
	}

	@Override
	public InputStream getErrorStream()
	{
		return errors;
	}

	@Override
	public int waitFor() throws InterruptedException
	{
		ended.await();
		return exitCode;
	}

	@Override
	public int exitValue()
	{
		if ( isAlive() )
			throw new IllegalThreadStateException();
		return exitCode;
	}

	@Override
	public boolean isAlive()
	{
		return ended.getCount() > 0;
	}

	@Override
	public void destroy()
	{
		calls.add( "destroy" );
		end( KILLED );
	}

	@Override
	public Process destroyForcibly()
	{
		calls.add( "destroyForcibly" );
		end( KILLED );
		return this;
	}
}
