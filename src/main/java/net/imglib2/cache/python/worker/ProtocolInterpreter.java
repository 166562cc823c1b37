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

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;

import net.imglib2.cache.python.PythonCodeException;
import net.imglib2.cache.python.PythonException;
import net.imglib2.cache.python.block.BlockMemory;
import net.imglib2.cache.python.protocol.BlockRequest;
import net.imglib2.cache.python.protocol.BlockResult;
import net.imglib2.cache.python.protocol.ControlWords;
import net.imglib2.cache.python.protocol.Protocol;
import net.imglib2.cache.python.protocol.PythonFailure;
import net.imglib2.cache.python.protocol.RequestCodec;
import net.imglib2.cache.python.protocol.Snippet;
import net.imglib2.cache.python.protocol.Values;
import net.imglib2.cache.python.trust.Trusted;

/**
 * An interpreter that speaks the protocol of this library with {@code _worker/worker.py}.
 * How a call gets there, subclasses say.
 */
public abstract class ProtocolInterpreter implements Interpreter
{
	/**
	 * How often the code of an image is prepared before its file counts as one that never rests.
	 */
	private static final int MAX_TRIES = 10;

	protected final String name;

	protected final ByteBuffer requestMemory;

	protected final ByteBuffer wordsMemory;

	protected final ByteBuffer stackMemory;

	protected final ControlWords words;

	protected final RequestCodec codec;

	private final BlockResult done;

	private final IntFunction< PythonFailure > failures = this::failure;

	/**
	 * What tracebacks call the code that is ready, by its id.
	 */
	private final Map< Long, String > prepared = new HashMap<>();

	/**
	 * @param name
	 * 		what messages call the interpreter
	 * @param memory
	 * 		what both sides can see
	 */
	protected ProtocolInterpreter( final String name, final BlockMemory memory )
	{
		this.name = name;
		done = BlockResult.done( name, false );
		requestMemory = memory.allocate( RequestCodec.REQUEST_BYTES );
		wordsMemory = memory.allocate( ControlWords.BYTES );
		stackMemory = memory.allocate( ControlWords.STACK_BYTES );
		words = new ControlWords( wordsMemory, stackMemory );
		codec = new RequestCodec( requestMemory, words, memory.limit() );
	}

	/**
	 * Calls a method of {@code _worker/worker.py} that is not for blocks. The code it runs
	 * has a ticket.
	 *
	 * @return what it failed with, or {@code null}
	 * @throws PythonException
	 * 		if it could not be called
	 */
	protected abstract PythonFailure call( String method, Object... arguments );

	/**
	 * @param number
	 * 		of a failure within the last call, or {@link Protocol#LAST_FAILURE}
	 * @return the failure; {@code null} if Python cannot describe it
	 */
	protected abstract PythonFailure describe( int number );

	/**
	 * Code is about to be made ready.
	 */
	protected void added( final String fileName, final String code )
	{}

	/**
	 * Code is not ready any more, or could not be made so.
	 */
	protected void removed( final String fileName )
	{}

	@Override
	public void check( final Snippet snippet )
	{
		requireOk( "The code of " + snippet.loaderName(), call( "check", snippet.code(), snippet.fileName(), snippet.settings() ) );
	}

	@Override
	public boolean isPrepared( final Snippet snippet )
	{
		return prepared.containsKey( snippet.id() );
	}

	@Override
	public PythonFailure prepare( final Snippet snippet )
	{
		if ( isPrepared( snippet ) )
			return null;
		added( snippet.fileName(), snippet.code() );
		boolean ready = false;
		try
		{
			final PythonFailure failed = prepareFromOneSource( snippet );
			if ( failed == null )
			{
				prepared.put( snippet.id(), snippet.fileName() );
				ready = true;
			}
			return failed;
		}
		finally
		{
			if ( !ready )
				forgetUnprepared( snippet );
		}
	}

	private PythonFailure prepareFromOneSource( final Snippet snippet )
	{
		PythonFailure failed = prepareOnce( snippet );
		for ( int tries = 1; failed == null && snippet.mayNameFunction() && !agreesOnSource( snippet ); ++tries )
		{
			// Its file has changed since another interpreter has loaded it.
			call( "forget", snippet.id() );
			failed = tries < MAX_TRIES ? prepareOnce( snippet )
					: PythonFailure.withoutException( "the file " + snippet.source().get( 0 ) + " changes again and again: build the image when it does not" );
		}
		return failed;
	}

	/**
	 * Python may know code that could not be made ready, and nobody would let it forget that
	 * later.
	 */
	private void forgetUnprepared( final Snippet snippet )
	{
		removed( snippet.fileName() );
		try
		{
			call( "forget", snippet.id() );
		}
		catch ( final RuntimeException e )
		{
			// It has ended, or is about to. Why the code is not ready is told already.
		}
	}

	private PythonFailure prepareOnce( final Snippet snippet )
	{
		final List< ? > source = snippet.source();
		final PythonFailure failed = source == null ? null : call( "pin", snippet.id(), snippet.code(), source.get( 0 ), source.get( 1 ) );
		return failed != null ? failed : call( "prepare", snippet.id(), snippet.code(), snippet.fileName(), snippet.checkWritten(), snippet.settings() );
	}

	private boolean agreesOnSource( final Snippet snippet )
	{
		final Object source = ask( "Preparing the code of " + snippet.loaderName(), "source", snippet.id() );
		return source == null || snippet.agreeOn( ( List< ? > ) source );
	}

	@Override
	public void forget( final Collection< Long > ids )
	{
		final List< Object > known = new ArrayList<>();
		for ( final Long id : ids )
		{
			final String fileName = prepared.remove( id );
			if ( fileName == null )
				continue;
			removed( fileName );
			known.add( id );
		}
		if ( !known.isEmpty() )
			call( "forget", known.toArray() );
	}

	@Override
	public long nextTicket()
	{
		return words.nextTicket();
	}

	@Override
	public int maxBlocks()
	{
		return Protocol.MAX_BLOCKS;
	}

	@Override
	public int maxLength()
	{
		return RequestCodec.REQUEST_LENGTH - Protocol.HEADER_LENGTH;
	}

	/**
	 * @param ticket
	 * 		of the first block
	 * @param allDone
	 * 		whether Python has nothing to report
	 * @return how each block of the last request has ended
	 */
	protected final List< BlockResult > results( final List< BlockRequest > blocks, final long ticket, final boolean allDone )
	{
		return codec.results( blocks, ticket, allDone, done, failures );
	}

	/**
	 * @return that nobody knows how the blocks of the last request have ended
	 */
	protected final PythonException interrupted()
	{
		final PythonFailure failure = describe( Protocol.LAST_FAILURE );
		return new PythonException( name + " was interrupted: " + ( failure == null ? "its code is cancelled" : failure.describe() ) );
	}

	@Override
	public void exec( final Trusted.Code code )
	{
		requireOk( "The task", call( "execute", code.text() ) );
	}

	@Override
	public Object ask( final String what, final String question, final Object... arguments )
	{
		final String encoded = Base64.getEncoder().encodeToString( Values.encode( arguments ) );
		return Values.decode( Base64.getDecoder().decode( answer( what, question, encoded ) ) );
	}

	/**
	 * Calls a method of {@code _worker/worker.py} whose result is text.
	 *
	 * @param what
	 * 		what messages call this
	 * @return the result
	 * @throws PythonCodeException
	 * 		if it raises anything
	 */
	protected abstract String answer( String what, String method, String argument );

	@Override
	public void set( final String variable, final Object value )
	{
		requireOk( "The task", call( "assign", variable, value ) );
	}

	private PythonFailure failure( final int number )
	{
		return orUnknown( describe( number ) );
	}

	/**
	 * @param failure
	 * 		see {@link #describe}
	 * @return the failure, or that it is not known
	 */
	protected final PythonFailure orUnknown( final PythonFailure failure )
	{
		return failure != null ? failure : PythonFailure.withoutException( "Python code failed on " + name + ", and so did describing the failure" );
	}

	/**
	 * @param answer
	 * 		strings that describe a failure, as Python sends them
	 * @return the failure; {@code null} if there are none
	 */
	protected static PythonFailure failureOf( final Object answer )
	{
		if ( !( answer instanceof List ) || ( ( List< ? > ) answer ).isEmpty() )
			return null;
		final List< String > strings = new ArrayList<>();
		for ( final Object string : ( List< ? > ) answer )
			strings.add( ( String ) string );
		return new PythonFailure( strings );
	}

	/**
	 * @param what
	 * 		has run
	 * @param failure
	 * 		what it failed with, or {@code null}
	 * @throws PythonCodeException
	 * 		if it has failed
	 */
	protected static void requireOk( final String what, final PythonFailure failure )
	{
		if ( failure != null )
			throw new PythonCodeException( what, failure );
	}
}
