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

import java.io.File;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.BooleanSupplier;

import net.imglib2.cache.python.PythonEnvironmentException;
import net.imglib2.cache.python.PythonException;
import net.imglib2.cache.python.block.BlockArray;
import net.imglib2.cache.python.environment.OperatingSystem;
import net.imglib2.cache.python.environment.PythonSources;
import net.imglib2.cache.python.protocol.BlockRequest;
import net.imglib2.cache.python.protocol.BlockResult;
import net.imglib2.cache.python.protocol.Protocol;
import net.imglib2.cache.python.protocol.PythonFailure;
import net.imglib2.cache.python.protocol.Snippet;
import net.imglib2.cache.python.protocol.Values;
import net.imglib2.cache.python.trust.Trusted;
import net.imglib2.cache.python.type.Dtype;
import net.imglib2.cache.python.worker.Control;
import net.imglib2.cache.python.worker.NotBegunException;
import net.imglib2.cache.python.worker.ProtocolInterpreter;
import net.imglib2.cache.python.worker.UnboundInterpreter;

/**
 * A Python interpreter in a process of its own, which maps the memory of blocks. If the
 * process dies, so does the interpreter.
 */
final class ProcessInterpreter extends ProtocolInterpreter implements UnboundInterpreter
{
	/**
	 * Stands where Python code's own failures have their type.
	 */
	private static final String NO_EXCEPTION = "";

	/**
	 * What Python calls the code of tasks.
	 */
	private static final String TASK = "<task>";

	private static final String NOWHERE = new File( OperatingSystem.current() == OperatingSystem.WINDOWS ? "NUL" : "/dev/null" ).getPath();

	private final ProcessRuntime runtime;

	private final SharedArena arena;

	private final ByteBuffer mailboxMemory;

	private final ProcessControl control = new ProcessControl( words, new File( PythonSources.location(), "imglib2_cache_python" ) + File.separator );

	private final Arguments arguments;

	private WorkerProcess process;

	private Mailbox mailbox;

	/**
	 * Of the first block of the last call.
	 */
	private long ticket;

	ProcessInterpreter( final String name, final ProcessRuntime runtime )
	{
		super( name, runtime.arena() );
		this.runtime = runtime;
		arena = runtime.arena();
		arguments = new Arguments( arena );
		mailboxMemory = arena.allocate( Mailbox.BYTES );
	}

	@Override
	public Control control()
	{
		return control;
	}

	/**
	 * Starts the process and waits until it is ready; other threads can kill it.
	 */
	@Override
	public void open()
	{
		// Not in the output of any code by chance.
		final String mark = "\u001e" + UUID.randomUUID();
		try
		{
			process = new WorkerProcess( name, runtime.process(), mark, runtime.environment().getOut(), runtime.environment().getErr() );
		}
		catch ( final IOException e )
		{
			throw new PythonEnvironmentException( "The process of " + name + " could not be started with " + runtime + ": " + e.getMessage(), e );
		}
		control.started( process );
		final long spinNanos = Mailbox.spinNanos();
		final boolean byWords = Mailbox.byWords();
		mailbox = new Mailbox( mailboxMemory, process, spinNanos, byWords );
		final Map< String, Object > settings = new LinkedHashMap<>();
		settings.put( "name", name );
		settings.put( "memory", arena.path().toString() );
		settings.put( "words", span( mailboxMemory ) );
		settings.put( "request", span( requestMemory ) );
		settings.put( "control", span( wordsMemory ) );
		settings.put( "stack", span( stackMemory ) );
		settings.put( "constants", Protocol.constants() );
		settings.put( "dtypes", Dtype.names() );
		settings.put( "mailbox", Mailbox.constants() );
		settings.put( "module_path", runtime.modulePath() );
		settings.put( "crash_file", process.stackFile().toString() );
		settings.put( "memory_limit", runtime.memoryLimit() );
		settings.put( "mark", mark );
		settings.put( "spin_nanos", spinNanos );
		settings.put( "by_words", byWords );
		final byte[] answer = process.call( Values.encode( settings ) );
		if ( answer == null )
			throw new PythonEnvironmentException( ( "The process of " + name + " did not get ready: it " + process.death().how() + "\n" + process.death().output() ).trim() );
		final Map< ?, ? > ready = ( Map< ?, ? > ) ( ( List< ? > ) Values.decode( answer ) ).get( 1 );
		process.ready( ( Long ) ready.get( "pid" ) );
		control.ready( ( Long ) ready.get( "thread" ) );
	}

	private List< Long > span( final ByteBuffer memory )
	{
		final SharedArena.Span span = arena.spanOf( memory );
		return Arrays.asList( span.segmentStart, span.segmentLength, span.offset, span.length );
	}

	@Override
	public String loss()
	{
		return process == null || !process.isDead() ? null : describeEnd( false ).describe();
	}

	@Override
	public void initialise( final Trusted.Code code, final String fileName )
	{
		control.addSource( fileName, code.text() );
		// Where the code is, a signal asks for.
		requireOk( "The init code", call( "initialise", code.text(), runtime.startupTimeout().toMillis() / 1e3, NOWHERE, fileName ) );
	}

	@Override
	public void forget( final Collection< Long > ids )
	{
		try
		{
			super.forget( ids );
		}
		catch ( final NotBegunException e )
		{
			// The process is dead, so everything is forgotten.
		}
	}

	@Override
	protected void added( final String fileName, final String code )
	{
		control.addSource( fileName, code );
	}

	@Override
	protected void removed( final String fileName )
	{
		control.removeSource( fileName );
	}

	// --------------------------------------------------------------- blocks

	/**
	 * On one processor, or where the words tell nothing, somebody has to sleep until
	 * Python has answered.
	 */
	@Override
	public boolean isDrivable()
	{
		return Mailbox.spinNanos() > 0 && Mailbox.byWords();
	}

	@Override
	public List< BlockResult > compute( final List< BlockRequest > blocks )
	{
		begin( blocks );
		return finish( blocks );
	}

	@Override
	public void begin( final List< BlockRequest > blocks )
	{
		ticket = words.issueTickets( blocks.size() );
		beginStep( blocks );
	}

	@Override
	public List< BlockResult > poll( final List< BlockRequest > blocks )
	{
		if ( !mailbox.isAnswered() || mailbox.status() != Protocol.OK || process.isLineMissing( mailbox.emitted() ) )
			return null;
		// Lines that threads of the code print meanwhile are not waited for.
		endCall();
		return results( blocks, ticket, true );
	}

	@Override
	public List< BlockResult > finish( final List< BlockRequest > blocks )
	{
		boolean isAlive = await( blocks );
		// Something that earlier code left behind, such as a tracing function, has raised
		// before a block began. That is not the fault of these blocks, and happens once.
		if ( isAlive && mailbox.status() == Mailbox.RAISED && !words.hasBegun( ticket ) )
		{
			endStep();
			beginStep( blocks );
			isAlive = await( blocks );
		}
		if ( !isAlive )
		{
			control.setCalling( false );
			return afterDeath( blocks );
		}
		endStep();
		final int status = mailbox.status();
		if ( status == Protocol.BROKEN || status == Mailbox.RAISED )
			throw interrupted();
		return results( blocks, ticket, status == Protocol.OK );
	}

	/**
	 * As long as a processor is left, the calling thread polls, and nobody calls
	 * {@code goOn}.
	 */
	@Override
	public void await( final List< BlockRequest > blocks, final BooleanSupplier goOn )
	{
		mailbox.relay( expectedNanos( blocks ), ProcessControl::isProcessorLeft, () -> !ProcessControl.isProcessorLeft() && goOn.getAsBoolean() );
	}

	private boolean await( final List< BlockRequest > blocks )
	{
		return mailbox.await( expectedNanos( blocks ), ProcessControl::isProcessorLeft );
	}

	/**
	 * @return about how long a call takes, 0 if it may end soon
	 */
	private static long expectedNanos( final List< BlockRequest > blocks )
	{
		final Snippet snippet = blocks.get( 0 ).snippet();
		return snippet.isLong() ? snippet.expectedNanos() : 0;
	}

	/**
	 * As the process has measured it: how long it takes until both sides notice each other
	 * depends on all else that the machine does. One that has ended has measured nothing.
	 */
	@Override
	public long nanosOf( final long waited )
	{
		return mailbox.isAnswered() ? mailbox.nanos() : waited;
	}

	private void beginStep( final List< BlockRequest > blocks )
	{
		final List< BlockArray > arrays = codec.write( blocks, ticket );
		arguments.put( arrays, mailbox );
		control.setCalling( true );
		mailbox.call( arrays.size() );
	}

	private void endStep()
	{
		endCall();
		process.awaitLines( mailbox.emitted() );
	}

	private void endCall()
	{
		control.setCalling( false );
		arguments.free( mailbox );
	}

	/**
	 * The words that tell which code runs, and how the blocks before ended, outlive the
	 * process.
	 */
	private List< BlockResult > afterDeath( final List< BlockRequest > blocks )
	{
		final int last = ( int ) Math.max( -1, Math.min( words.lastRun() - ticket, Integer.MAX_VALUE ) );
		// Its code runs, or what it has raised is being described, which is user code as well.
		final boolean crashed = last >= 0 && ( words.running() != 0 || words.result( last ) != Protocol.OK );
		// Just before its code: nothing else can be the reason.
		final boolean crashedBefore = last < 0 && blocks.size() == 1 && words.hasBegun( ticket );
		final List< BlockResult > results = new ArrayList<>( blocks.size() );
		for ( int i = 0; i < blocks.size(); ++i )
			if ( crashed && i == last || crashedBefore )
				results.add( BlockResult.failed( name, failureByEnd() ) );
			// Of a block that has failed, the process would have told why.
			else if ( i <= last && words.result( i ) == Protocol.OK )
				results.add( BlockResult.done( name, false ) );
			else
				results.add( BlockResult.dropped() );
		// Nobody can see them any more.
		blocks.forEach( block -> block.release( 0 ) );
		releaseAll();
		return results;
	}

	private void releaseAll()
	{
		codec.releaseRetained();
		arguments.freeAll();
	}

	// ---------------------------------------------------------------- tasks

	@Override
	public void exec( final Trusted.Code code )
	{
		control.addSource( TASK, code.text() );
		super.exec( code );
	}

	@Override
	public < V > V getValue( final Trusted.Code expression, final Class< V > type )
	{
		control.addSource( TASK, expression.text() );
		final Reply reply = runCode( "evaluate", expression.text(), Conversion.isText( type ) );
		if ( reply.status == Mailbox.RAISED )
			throw new PythonException( "The value of " + expression.text() + " cannot be converted to " + type.getSimpleName() + ": " + reply.value );
		requireOk( "The task", reply.failure );
		try
		{
			return Conversion.convert( reply.value, type );
		}
		catch ( final ClassCastException | ArithmeticException e )
		{
			throw new PythonException( "The value of " + expression.text() + " cannot be converted to " + type.getSimpleName() + ": " + e.getMessage(), e );
		}
	}

	@Override
	protected String answer( final String what, final String method, final String argument )
	{
		final Reply reply = runCode( method, argument );
		if ( reply.status == Mailbox.RAISED )
			throw new PythonException( what + " failed: " + reply.value );
		requireOk( what, reply.failure );
		return ( String ) reply.value;
	}

	@Override
	public void close()
	{
		if ( process == null )
			return;
		control.setCalling( false );
		if ( process.death() == null )
		{
			process.later( process::kill );
			try
			{
				call( "close" );
			}
			catch ( final NotBegunException e )
			{
				// It is dead as well.
			}
			process.end();
		}
		releaseAll();
	}

	// ---------------------------------------------------------------- calls

	/**
	 * @throws NotBegunException
	 * 		if the process is dead and the code has not begun
	 */
	@Override
	protected PythonFailure call( final String method, final Object... arguments )
	{
		return runCode( method, arguments ).failure;
	}

	/**
	 * Calls a method that runs user code, or looks at it. If the process ends meanwhile,
	 * that is the code's failure.
	 */
	private Reply runCode( final String method, final Object... arguments )
	{
		final long ticket = words.nextTicket();
		try
		{
			return reply( method, arguments );
		}
		catch ( final LostException e )
		{
			if ( !words.hasBegun( ticket ) )
				throw new NotBegunException( e.getMessage(), e );
			return new Reply( Protocol.FAILED, null, e.failure );
		}
	}

	/**
	 * @throws LostException
	 * 		if the process is dead
	 */
	private Reply reply( final String method, final Object... arguments )
	{
		final long ticket = words.issueTickets( 1 );
		final List< Object > message = new ArrayList<>();
		message.add( method );
		message.addAll( Arrays.asList( arguments ) );
		final byte[] frame;
		try
		{
			frame = Values.encode( message );
		}
		catch ( final IllegalArgumentException e )
		{
			throw new PythonException( "An argument could not be handed to Python on " + name + ": " + e.getMessage(), e );
		}
		Reply reply = send( frame );
		// See finish().
		if ( reply.status == Mailbox.RAISED && !words.hasBegun( ticket ) )
			reply = send( frame );
		if ( reply.status == Mailbox.RAISED && !method.equals( "evaluate" ) )
			throw new PythonException( "Python could not be called on " + name + ": " + reply.value );
		return reply;
	}

	private Reply send( final byte[] frame )
	{
		final byte[] answer;
		control.setCalling( true );
		try
		{
			answer = process.call( frame );
		}
		finally
		{
			control.setCalling( false );
		}
		if ( answer == null )
			throw new LostException( failureByEnd() );
		final List< ? > entries = ( List< ? > ) Values.decode( answer );
		( ( List< ? > ) entries.get( 2 ) ).forEach( number -> arguments.free( ( Long ) number ) );
		process.awaitLines( mailbox.emitted() );
		final int status = ( ( Long ) entries.get( 0 ) ).intValue();
		final Object value = entries.get( 1 );
		return new Reply( status, value, status == Protocol.OK || status == Mailbox.RAISED ? null : orUnknown( failureOf( value ) ) );
	}

	@Override
	protected PythonFailure describe( final int number )
	{
		try
		{
			return failureOf( send( Values.encode( Arrays.asList( "failure", number ) ) ).value );
		}
		catch ( final LostException e )
		{
			return e.failure;
		}
	}

	/**
	 * @return what the code that has run last has failed with: the end of the process
	 */
	private PythonFailure failureByEnd()
	{
		return describeEnd( control.hasAsked( words.lastRun() ) );
	}

	/**
	 * @param asked
	 * 		whether the code was to be cancelled, and Python was asked for its stack, after which
	 * 		the process has ended: unless it has crashed, that is why
	 */
	private PythonFailure describeEnd( final boolean asked )
	{
		final Death death = process.death();
		final Stack stack = control.stackOfCrash();
		final String details = ( ( stack.isEmpty() ? "" : stack.text() ) + death.output() ).trim();
		final String type = asked && stack.isEmpty() ? Protocol.CANCELLED : NO_EXCEPTION;
		return new PythonFailure( stack.toStrings( type, "the process of " + name + " " + death.how(), details ), details );
	}

	private static final class Reply
	{
		final int status;

		final Object value;

		/**
		 * {@code null} if the code has raised nothing.
		 */
		final PythonFailure failure;

		Reply( final int status, final Object value, final PythonFailure failure )
		{
			this.status = status;
			this.value = value;
			this.failure = failure;
		}
	}

	/**
	 * The process is dead.
	 */
	private static final class LostException extends PythonException
	{
		private static final long serialVersionUID = 1L;

		private final transient PythonFailure failure;

		LostException( final PythonFailure failure )
		{
			super( failure.describe() );
			this.failure = failure;
		}
	}
}
