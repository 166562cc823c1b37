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
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.LongBuffer;
import java.nio.ShortBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.IntFunction;
import java.util.function.LongConsumer;

import net.imglib2.cache.python.PythonCodeException;
import net.imglib2.cache.python.PythonEnvironmentException;
import net.imglib2.cache.python.PythonException;
import net.imglib2.cache.python.block.BlockArray;
import net.imglib2.cache.python.block.Lease;
import net.imglib2.cache.python.environment.PythonSources;
import net.imglib2.cache.python.protocol.BlockRequest;
import net.imglib2.cache.python.protocol.BlockResult;
import net.imglib2.cache.python.protocol.ControlWords;
import net.imglib2.cache.python.protocol.Protocol;
import net.imglib2.cache.python.protocol.PythonFailure;
import net.imglib2.cache.python.protocol.RequestCodec;
import net.imglib2.cache.python.protocol.Snippet;
import net.imglib2.cache.python.trust.Trusted;
import net.imglib2.cache.python.type.Dtype;
import net.imglib2.cache.python.worker.Control;
import net.imglib2.cache.python.worker.UnboundInterpreter;

/**
 * A Python interpreter in a process of its own, which maps the memory of blocks. If the
 * process dies, so does the interpreter.
 */
final class ProcessInterpreter implements UnboundInterpreter
{
	/**
	 * Stands where Python code's own failures have their type.
	 */
	private static final String NO_EXCEPTION = "";

	private static final String NOWHERE = new File( System.getProperty( "os.name", "" ).startsWith( "Windows" ) ? "NUL" : "/dev/null" ).getPath();

	private final String name;

	private final ProcessRuntime runtime;

	private final SharedArena arena;

	private final BlockResult done;

	private final ByteBuffer mailboxMemory;

	private final ByteBuffer requestMemory;

	private final ByteBuffer wordsMemory;

	private final ByteBuffer stackMemory;

	private final ControlWords words;

	private final RequestCodec codec;

	private final IntFunction< PythonFailure > failures = this::failure;

	private final ProcessControl control;

	private final LongConsumer free = this::free;

	/**
	 * Names of their files, by ids.
	 */
	private final Map< Long, String > prepared = new HashMap<>();

	/**
	 * What keeps the memory of arguments in reach as long as Python sees it, by their
	 * numbers.
	 */
	private final Map< Long, Held > held = new HashMap<>();

	private long lastNumber;

	private WorkerProcess process;

	private Mailbox mailbox;

	/**
	 * Those of the last call, and the ticket of the first one.
	 */
	private List< BlockRequest > blocks;

	private long ticket;

	ProcessInterpreter( final String name, final ProcessRuntime runtime )
	{
		this.name = name;
		this.runtime = runtime;
		done = BlockResult.done( name, false );
		arena = runtime.arena();
		mailboxMemory = arena.allocate( Mailbox.BYTES );
		requestMemory = arena.allocate( RequestCodec.REQUEST_BYTES );
		wordsMemory = arena.allocate( ControlWords.BYTES );
		stackMemory = arena.allocate( ControlWords.STACK_BYTES );
		words = new ControlWords( wordsMemory, stackMemory );
		codec = new RequestCodec( requestMemory, words, arena.limit() );
		control = new ProcessControl( words, new File( PythonSources.location(), "imglib2_cache_python" ) + File.separator );
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
		final ProcessBuilder builder = new ProcessBuilder( runtime.command() );
		// What this JVM needs is not what Python needs.
		builder.environment().remove( "LD_PRELOAD" );
		try
		{
			process = new WorkerProcess( name, builder, mark, runtime.out(), runtime.err() );
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
		settings.put( "mark", mark );
		settings.put( "spin_nanos", spinNanos );
		settings.put( "by_words", byWords );
		final byte[] answer = process.call( Values.encode( settings ) );
		if ( answer == null )
			throw new PythonEnvironmentException( "The process of " + name + " " + process.death().how() + " before it was ready." + process.death().output() );
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
		return process == null || !process.isDead() ? null : crash().getMessage();
	}

	@Override
	public void initialise( final Trusted.Code code, final String fileName )
	{
		control.addSource( fileName, code.text() );
		// Where the code is, a signal asks for.
		requireOk( "The init code", call( "initialise", code.text(), runtime.startupTimeout().toMillis() / 1e3, NOWHERE, fileName ) );
	}

	@Override
	public void check( final Snippet snippet )
	{
		requireOk( "The code of a loader", call( "check", snippet.code(), snippet.fileName() ) );
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
		control.addSource( snippet.fileName(), snippet.code() );
		final Reply reply;
		try
		{
			reply = call( "prepare", snippet.id(), snippet.code(), snippet.fileName(), snippet.checkWritten() );
		}
		catch ( final LostException e )
		{
			return e.failure;
		}
		if ( reply.failure() == null )
			prepared.put( snippet.id(), snippet.fileName() );
		else
			control.removeSource( snippet.fileName() );
		return reply.failure();
	}

	@Override
	public boolean sharesLock()
	{
		return false;
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
		return finish();
	}

	@Override
	public void begin( final List< BlockRequest > blocks )
	{
		ticket = words.issueTickets( blocks.size() );
		this.blocks = blocks;
		beginStep();
	}

	@Override
	public List< BlockResult > poll()
	{
		if ( !mailbox.isAnswered() || mailbox.status() != Protocol.OK || process.isLineMissing( mailbox.emitted() ) )
			return null;
		endStep();
		return results( true );
	}

	@Override
	public List< BlockResult > finish()
	{
		boolean isAlive = mailbox.await();
		// Something that earlier code left behind, such as a tracing function, has raised
		// before a block began. That is not the fault of these blocks, and happens once.
		if ( isAlive && mailbox.status() == Mailbox.RAISED && !words.hasBegun( ticket ) )
		{
			endStep();
			beginStep();
			isAlive = mailbox.await();
		}
		if ( !isAlive )
		{
			control.setCalling( false );
			return afterDeath();
		}
		endStep();
		final int status = mailbox.status();
		if ( status != Protocol.BROKEN && status != Mailbox.RAISED )
			return results( status == Protocol.OK );
		final List< String > strings = failureStrings( Protocol.LAST_FAILURE );
		throw new PythonException( name + " was interrupted: " + ( strings.isEmpty() ? "its code is cancelled" : new PythonFailure( strings ).describe() ) );
	}

	/**
	 * As the process has measured it: how long it takes until both sides notice each other
	 * depends on all else that the machine does.
	 */
	@Override
	public long nanosOf( final long waited )
	{
		return mailbox.nanos();
	}

	private List< BlockResult > results( final boolean allDone )
	{
		return codec.results( blocks, ticket, allDone, done, failures );
	}

	private void beginStep()
	{
		final List< BlockArray > arguments = codec.write( blocks, ticket );
		for ( int i = 0; i < arguments.size(); ++i )
			putArgument( i, arguments.get( i ) );
		control.setCalling( true );
		mailbox.call( arguments.size() );
	}

	private void endStep()
	{
		control.setCalling( false );
		mailbox.forEachFreed( free );
		process.awaitLines( mailbox.emitted() );
	}

	private void putArgument( final int i, final BlockArray array )
	{
		final long number = ++lastNumber;
		Buffer memory = array.memory();
		Lease copy = null;
		final boolean own = array.isOutput() || array.lease() != null;
		if ( !own && !arena.isVisible( memory, array.owner() ) )
		{
			copy = copy( memory );
			memory = copy.buffer();
		}
		held.put( number, new Held( array, copy ) );
		// The memory of others is mapped read-only, so that no package can write into it.
		mailbox.putArgument( i, arena.spanOf( memory ), own, number );
	}

	/**
	 * Byte by byte: the layout says in which order the bytes are.
	 */
	private Lease copy( final Buffer memory )
	{
		final Lease lease = arena.lease( Math.toIntExact( memory.capacity() * ( long ) BytesPerEntry.of( memory ) ) );
		final ByteBuffer target = lease.buffer();
		if ( memory instanceof ByteBuffer )
			target.duplicate().put( whole( ( ( ByteBuffer ) memory ).duplicate() ) );
		else if ( memory instanceof ShortBuffer )
			target.order( ( ( ShortBuffer ) memory ).order() ).asShortBuffer().put( whole( ( ( ShortBuffer ) memory ).duplicate() ) );
		else if ( memory instanceof IntBuffer )
			target.order( ( ( IntBuffer ) memory ).order() ).asIntBuffer().put( whole( ( ( IntBuffer ) memory ).duplicate() ) );
		else if ( memory instanceof LongBuffer )
			target.order( ( ( LongBuffer ) memory ).order() ).asLongBuffer().put( whole( ( ( LongBuffer ) memory ).duplicate() ) );
		else if ( memory instanceof FloatBuffer )
			target.order( ( ( FloatBuffer ) memory ).order() ).asFloatBuffer().put( whole( ( ( FloatBuffer ) memory ).duplicate() ) );
		else
			target.order( ( ( DoubleBuffer ) memory ).order() ).asDoubleBuffer().put( whole( ( ( DoubleBuffer ) memory ).duplicate() ) );
		return lease;
	}

	private static < B extends Buffer > B whole( final B buffer )
	{
		( ( Buffer ) buffer ).clear();
		return buffer;
	}

	/**
	 * Nobody in the process sees an argument any more.
	 */
	private void free( final long number )
	{
		final Held freed = held.remove( number );
		if ( freed != null && freed.copy != null )
			freed.copy.release();
	}

	/**
	 * The word that names the code that runs outlives the process.
	 */
	private List< BlockResult > afterDeath()
	{
		final long running = words.running();
		int crashed = ( int ) Math.max( -1, Math.min( running - ticket, Integer.MAX_VALUE ) );
		// Just before or after its code: nothing else can be the reason.
		if ( running == 0 && blocks.size() == 1 && words.hasBegun( ticket ) )
			crashed = 0;
		final List< BlockResult > results = new ArrayList<>( blocks.size() );
		for ( int i = 0; i < blocks.size(); ++i )
			if ( i == crashed )
				results.add( BlockResult.failed( name, crash().failure ) );
			// Of a block that has failed, the process would have told why.
			else if ( i < crashed && words.result( i ) == Protocol.OK )
				results.add( done );
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
		new ArrayList<>( held.keySet() ).forEach( this::free );
	}

	@Override
	public void forget( final Collection< Long > ids )
	{
		final List< Object > known = new ArrayList<>();
		for ( final Long id : ids )
		{
			final String file = prepared.remove( id );
			if ( file == null )
				continue;
			control.removeSource( file );
			known.add( id );
		}
		if ( !known.isEmpty() )
			call( "forget", known.toArray() );
	}

	// ---------------------------------------------------------------- tasks

	@Override
	public void exec( final Trusted.Code code )
	{
		requireOk( "The task", call( "execute", code.text() ) );
	}

	@Override
	public < V > V getValue( final Trusted.Code expression, final Class< V > type )
	{
		final Reply reply = call( "evaluate", expression.text(), Conversion.isText( type ) );
		if ( reply.status == Mailbox.RAISED )
			throw new PythonException( "The value of " + expression.text() + " cannot be converted to " + type.getSimpleName() + ": " + reply.value );
		requireOk( "The task", reply );
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
	public void set( final String variable, final Object value )
	{
		requireOk( "The task", call( "assign", variable, value ) );
	}

	@Override
	public void close()
	{
		if ( process == null )
			return;
		if ( process.death() == null )
		{
			ProcessStarter.later( process::kill, WorkerProcess.END_MILLIS );
			try
			{
				call( "close" );
			}
			catch ( final LostException e )
			{
				// It is dead as well.
			}
			process.end();
		}
		releaseAll();
	}

	// ---------------------------------------------------------------- calls

	/**
	 * Calls a method of the Python half that is not for blocks.
	 *
	 * @throws LostException
	 * 		if the process is dead
	 */
	private Reply call( final String method, final Object... arguments )
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
			throw crash();
		final List< ? > entries = ( List< ? > ) Values.decode( answer );
		( ( List< ? > ) entries.get( 2 ) ).forEach( number -> free( ( Long ) number ) );
		process.awaitLines( mailbox.emitted() );
		return new Reply( ( ( Long ) entries.get( 0 ) ).intValue(), entries.get( 1 ) );
	}

	/**
	 * @param number
	 * 		of the failure within the last call, or {@link Protocol#LAST_FAILURE}
	 */
	private PythonFailure failure( final int number )
	{
		final List< String > strings = failureStrings( number );
		return strings.isEmpty() ? PythonFailure.withoutException( "Python code failed on " + name + ", and so did describing the failure" ) : new PythonFailure( strings );
	}

	private List< String > failureStrings( final int number )
	{
		try
		{
			return strings( send( Values.encode( Arrays.asList( "failure", number ) ) ).value );
		}
		catch ( final LostException e )
		{
			return e.strings;
		}
	}

	private static List< String > strings( final Object value )
	{
		final List< String > strings = new ArrayList<>();
		if ( value instanceof List )
			for ( final Object entry : ( List< ? > ) value )
				strings.add( ( String ) entry );
		return strings;
	}

	/**
	 * Describes how the process has ended.
	 */
	private LostException crash()
	{
		final WorkerProcess.Death death = process.death();
		final Stack stack = control.stackOfCrash( death.stacks() );
		final String text = ( stack.isEmpty() ? "" : "\n" + stack.text().trim() ) + death.output();
		return new LostException( stack.toStrings( NO_EXCEPTION, "the process of " + name + " " + death.how() + text, text.trim() ) );
	}

	private static void requireOk( final String what, final Reply reply )
	{
		if ( reply.failure() != null )
			throw new PythonCodeException( what, reply.failure() );
	}

	/**
	 * What keeps the memory of an argument in reach.
	 */
	private static final class Held
	{
		@SuppressWarnings( "unused" )
		private final BlockArray array;

		private final Lease copy;

		Held( final BlockArray array, final Lease copy )
		{
			this.array = array;
			this.copy = copy;
		}
	}

	private static final class Reply
	{
		private final int status;

		private final Object value;

		Reply( final int status, final Object value )
		{
			this.status = status;
			this.value = value;
		}

		/**
		 * @return {@code null} if the call has succeeded
		 */
		PythonFailure failure()
		{
			if ( status == Protocol.OK )
				return null;
			final List< String > strings = strings( value );
			return strings.isEmpty() ? PythonFailure.withoutException( "Python code failed, and so did describing the failure" ) : new PythonFailure( strings );
		}
	}

	/**
	 * The process is dead.
	 */
	private static final class LostException extends PythonException
	{
		private static final long serialVersionUID = 1L;

		private final transient PythonFailure failure;

		private final transient List< String > strings;

		LostException( final List< String > strings )
		{
			super( new PythonFailure( strings ).describe() );
			this.strings = strings;
			failure = new PythonFailure( strings );
		}
	}
}
