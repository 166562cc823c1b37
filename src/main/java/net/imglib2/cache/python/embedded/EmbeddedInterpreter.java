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

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

import jep.ClassEnquirer;
import jep.JepConfig;
import jep.JepException;
import jep.SharedInterpreter;
import jep.SubInterpreter;
import jep.python.PyCallable;
import jep.python.PyObject;
import net.imglib2.cache.python.InterpreterMode;
import net.imglib2.cache.python.PythonEnvironment;
import net.imglib2.cache.python.PythonException;
import net.imglib2.cache.python.environment.PythonSources;
import net.imglib2.cache.python.protocol.BlockRequest;
import net.imglib2.cache.python.protocol.BlockResult;
import net.imglib2.cache.python.protocol.Protocol;
import net.imglib2.cache.python.protocol.PythonFailure;
import net.imglib2.cache.python.trust.Trusted;
import net.imglib2.cache.python.type.Dtype;
import net.imglib2.cache.python.worker.Control;
import net.imglib2.cache.python.worker.ProtocolInterpreter;

/**
 * A Python interpreter in this process, by Jep.
 */
final class EmbeddedInterpreter extends ProtocolInterpreter
{
	private final PythonRuntime runtime;

	private final EmbeddedControl control = new EmbeddedControl( words );

	private jep.Interpreter python;

	private PyObject worker;

	private PyCallable step;

	private PyCallable failure;

	EmbeddedInterpreter( final String name, final PythonRuntime runtime )
	{
		super( name, runtime.memory() );
		this.runtime = runtime;
	}

	@Override
	public Control control()
	{
		return control;
	}

	/**
	 * Starts Python if this is the first interpreter.
	 */
	@Override
	public void open()
	{
		final boolean sub = runtime.mode() == InterpreterMode.SUB;
		python = sub ? new SubInterpreter( config().addSharedModules( runtime.sharedModules().toArray( new String[ 0 ] ) ) ) : newSharedInterpreter();
		try
		{
			python.set( "location", runtime.packageLocation() );
			python.set( "module_path", new ArrayList<>( runtime.modulePath() ) );
			python.set( "mode", runtime.mode().name() );
			python.set( "shared_modules", String.join( "\n", runtime.sharedModules() ) );
			python.set( "crash_file", System.getProperty( PythonEnvironment.CRASH_FILE_PROPERTY, "" ) );
			python.set( "out", new LineConsumer( runtime.environment().getOut() ) );
			python.set( "err", new LineConsumer( runtime.environment().getErr() ) );
			python.exec( PythonSources.read( "_embedding/open_interpreter.py" ) );

			final PyCallable type = python.getValue( "Worker", PyCallable.class );
			worker = type.callAs( PyObject.class, name, runtime.mode().name(), Protocol.constants(), Dtype.names(),
					JepArrays.of( requestMemory.asLongBuffer() ), JepArrays.of( wordsMemory.asLongBuffer() ), JepArrays.unsigned( stackMemory ) );
			step = worker.getAttr( "step", PyCallable.class );
			failure = worker.getAttr( "failure", PyCallable.class );
		}
		catch ( final Throwable t )
		{
			python.close();
			throw t;
		}
	}

	/**
	 * Takes what Python code prints, line by line. Public because Python calls it.
	 */
	public static final class LineConsumer
	{
		private final Consumer< String > consumer;

		LineConsumer( final Consumer< String > consumer )
		{
			this.consumer = consumer;
		}

		public void accept( final String line )
		{
			consumer.accept( line );
		}
	}

	/**
	 * Keeps Jep from importing Java packages, which would hide the user's modules of the
	 * same name: {@code net}, {@code org}, {@code utils}.
	 */
	public static final class NoJavaPackages implements ClassEnquirer
	{
		@Override
		public boolean isJavaPackage( final String name )
		{
			return false;
		}

		@Override
		public String[] getClassNames( final String name )
		{
			return new String[ 0 ];
		}

		@Override
		public String[] getSubPackages( final String name )
		{
			return new String[ 0 ];
		}
	}

	@Override
	public void initialise( final Trusted.Code code, final String fileName )
	{
		final Path stackFile = control.beginOfInit( code, fileName );
		try
		{
			requireOk( "The init code", call( "initialise", code.text(), runtime.startupTimeout().toMillis() / 1e3, stackFile.toString(), fileName ) );
		}
		finally
		{
			control.endOfInit();
		}
	}

	@Override
	public List< BlockResult > compute( final List< BlockRequest > blocks )
	{
		final long ticket = words.issueTickets( blocks.size() );
		return results( blocks, ticket, step( blocks, ticket ) == Protocol.OK );
	}

	/**
	 * @return {@link Protocol#OK}, or that there is something to read in the control words
	 */
	private int step( final List< BlockRequest > blocks, final long ticket )
	{
		try
		{
			return tryStep( blocks, ticket );
		}
		catch ( final PythonException e )
		{
			// Something that earlier code left behind, such as a tracing function, has raised
			// before a block began. That is not the fault of these blocks, and happens once.
			if ( words.hasBegun( ticket ) )
				throw e;
			return tryStep( blocks, ticket );
		}
	}

	private int tryStep( final List< BlockRequest > blocks, final long ticket )
	{
		final int status = status( step, JepArrays.memories( codec.write( blocks, ticket ) ) );
		if ( status == Protocol.BROKEN )
			throw interrupted();
		return status;
	}

	@Override
	public < V > V getValue( final Trusted.Code expression, final Class< V > type )
	{
		requireOk( "The task", call( "evaluate", expression.text() ) );
		return result( expression.text(), type );
	}

	@Override
	protected String answer( final String what, final String method, final String argument )
	{
		requireOk( what, call( method, argument ) );
		return result( method, String.class );
	}

	private < V > V result( final String of, final Class< V > type )
	{
		try
		{
			return worker.getAttr( "result", PyCallable.class ).callAs( type );
		}
		catch ( final JepException e )
		{
			throw new PythonException( "The value of " + of + " cannot be converted to " + type.getSimpleName() + ": " + e.getMessage(), e );
		}
	}

	@Override
	public void close()
	{
		final PythonFailure failed = call( "close" );
		// Closing a sub-interpreter although threads live in it would end the JVM.
		if ( failed != null && python instanceof SubInterpreter )
			throw new PythonException( "The interpreter of " + name + " stays open: " + failed.describe() );
		python.close();
	}

	@Override
	protected PythonFailure call( final String method, final Object... arguments )
	{
		final long ticket = words.issueTickets( 1 );
		final PyCallable callable = worker.getAttr( method, PyCallable.class );
		int status;
		try
		{
			status = status( callable, arguments );
		}
		catch ( final PythonException e )
		{
			// See step().
			if ( words.hasBegun( ticket ) )
				throw e;
			status = status( callable, arguments );
		}
		return status == Protocol.OK ? null : orUnknown( describe( Protocol.LAST_FAILURE ) );
	}

	/**
	 * Calls a guarded method of the Python half.
	 */
	private int status( final PyCallable method, final Object... arguments )
	{
		final Object status;
		control.setCalling( true );
		try
		{
			status = method.call( arguments );
		}
		catch ( final JepException e )
		{
			throw new PythonException( "Python could not be called on " + name + ": " + e.getMessage(), e );
		}
		finally
		{
			control.setCalling( false );
		}
		if ( status == null )
		{
			// Jep returns null when an argument could not be converted, and leaves the error
			// pending: raise it here, else the next call fails because of it.
			try
			{
				python.eval( "pass" );
			}
			catch ( final JepException e )
			{
				throw new PythonException( "An argument could not be handed to Python on " + name + ": " + e.getMessage(), e );
			}
			throw new PythonException( "An argument could not be handed to Python on " + name );
		}
		return ( ( Number ) status ).intValue();
	}

	@Override
	protected PythonFailure describe( final int number )
	{
		Object description;
		try
		{
			description = failure.call( ( long ) number );
		}
		catch ( final JepException e )
		{
			// See step().
			description = failure.call( ( long ) number );
		}
		return failureOf( description );
	}

	private static JepConfig config()
	{
		return new JepConfig().setClassLoader( EmbeddedInterpreter.class.getClassLoader() ).setClassEnquirer( new NoJavaPackages() );
	}

	private static jep.Interpreter newSharedInterpreter()
	{
		try
		{
			SharedInterpreter.setConfig( config() );
		}
		catch ( final JepException e )
		{
			// Only the first interpreter of a JVM can set it, and has done so.
		}
		return new SharedInterpreter();
	}
}
