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
package net.imglib2.cache.python.worker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import net.imglib2.cache.python.PythonException;
import net.imglib2.cache.python.block.DirectMemory;
import net.imglib2.cache.python.protocol.BlockRequest;
import net.imglib2.cache.python.protocol.BlockResult;
import net.imglib2.cache.python.protocol.PythonFailure;
import net.imglib2.cache.python.protocol.Snippet;
import net.imglib2.cache.python.trust.TrustPolicy;
import net.imglib2.cache.python.trust.Trusted;

/**
 * Which calls Python gets.
 */
@Timeout( 60 )
class ProtocolInterpreterTest
{
	private final Snippet snippet = new Snippet( -1, "a", TrustPolicy.ofThisJvm().requireLoader( "module:function" ), "", false, false, Long.MAX_VALUE );

	private final RecordingInterpreter python = new RecordingInterpreter();

	/**
	 * Else it would stay in memory as long as the worker lives.
	 */
	@Test
	void codeThatCannotBeMadeReadyIsForgotten()
	{
		final PythonException thrown = new PythonException( "no answer" );
		python.onCall = method -> {
			if ( method.equals( "source" ) )
				throw thrown;
			return null;
		};
		assertSame( thrown, assertThrows( PythonException.class, () -> python.prepare( snippet ) ) );
		assertFalse( python.isPrepared( snippet ) );
		assertEquals( Arrays.asList( "added " + snippet.fileName(), "prepare", "source", "removed " + snippet.fileName(), "forget" ), python.calls );
	}

	/**
	 * It may fail at its end.
	 */
	@Test
	void codeThatFailsWhenItIsMadeReadyIsForgotten()
	{
		final PythonFailure failure = PythonFailure.withoutException( "bad" );
		python.onCall = method -> method.equals( "prepare" ) ? failure : null;
		assertSame( failure, python.prepare( snippet ) );
		assertFalse( python.isPrepared( snippet ) );
		assertEquals( Arrays.asList( "added " + snippet.fileName(), "prepare", "removed " + snippet.fileName(), "forget" ), python.calls );
	}

	@Test
	void whyCodeIsNotReadyIsToldAlthoughItCannotBeForgotten()
	{
		final PythonException thrown = new PythonException( "killed" );
		python.onCall = method -> {
			throw method.equals( "prepare" ) ? thrown : new NotBegunException( "killed", null );
		};
		assertSame( thrown, assertThrows( PythonException.class, () -> python.prepare( snippet ) ) );
		assertEquals( Arrays.asList( "added " + snippet.fileName(), "prepare", "removed " + snippet.fileName(), "forget" ), python.calls );
	}

	private static final class RecordingInterpreter extends ProtocolInterpreter
	{
		final List< String > calls = new ArrayList<>();

		/**
		 * What a method fails with.
		 */
		Function< String, PythonFailure > onCall;

		RecordingInterpreter()
		{
			super( "python_0_worker_1", new DirectMemory() );
		}

		@Override
		protected PythonFailure call( final String method, final Object... arguments )
		{
			calls.add( method );
			return onCall.apply( method );
		}

		@Override
		protected String answer( final String what, final String method, final String argument )
		{
			call( method );
			throw new UnsupportedOperationException();
		}

		@Override
		protected void added( final String fileName, final String code )
		{
			calls.add( "added " + fileName );
		}

		@Override
		protected void removed( final String fileName )
		{
			calls.add( "removed " + fileName );
		}

		@Override
		protected PythonFailure describe( final int number )
		{
			throw new UnsupportedOperationException();
		}

		@Override
		public Control control()
		{
			throw new UnsupportedOperationException();
		}

		@Override
		public void open()
		{}

		@Override
		public void initialise( final Trusted.Code code, final String fileName )
		{
			throw new UnsupportedOperationException();
		}

		@Override
		public List< BlockResult > compute( final List< BlockRequest > blocks )
		{
			throw new UnsupportedOperationException();
		}

		@Override
		public < V > V getValue( final Trusted.Code expression, final Class< V > type )
		{
			throw new UnsupportedOperationException();
		}

		@Override
		public void close()
		{}
	}
}
