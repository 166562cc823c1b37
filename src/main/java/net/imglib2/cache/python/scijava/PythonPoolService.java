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
package net.imglib2.cache.python.scijava;

import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.Collections;
import java.util.function.Consumer;
import java.util.stream.Stream;

import javax.script.Bindings;
import javax.script.ScriptContext;

import org.scijava.event.EventHandler;
import org.scijava.log.LogLevel;
import org.scijava.log.LogService;
import org.scijava.module.event.ModuleExecutingEvent;
import org.scijava.module.event.ModuleFinishedEvent;
import org.scijava.plugin.Parameter;
import org.scijava.plugin.Plugin;
import org.scijava.script.ScriptModule;
import org.scijava.service.AbstractService;
import org.scijava.service.Service;

import net.imglib2.cache.python.PythonEnvironment;
import net.imglib2.cache.python.PythonImg;
import net.imglib2.cache.python.worker.QueueOwner;

/**
 * The Python workers of a {@code Context}. All its scripts and commands share them, those that
 * call {@code PythonImg.builder( … )}, too: as long as they ask for the same environment and
 * init code, they use the same workers. These go on when a script has ended, and end when the
 * {@code Context} is disposed. Later reads of cells that are not cached throw a
 * {@code PythonClosedException}.
 * <p>
 * What Python code prints goes to the {@code LogService}, unless the environment says
 * otherwise. Where Python runs in the JVM and shares one {@code sys.stdout}, this is only so
 * if it was started by a script or command.
 * <p>
 * There is nothing to call. Every {@code Context} that has all services has this one.
 */
@Plugin( type = Service.class )
public final class PythonPoolService extends AbstractService
{
	@Parameter( required = false )
	private LogService log;

	private final QueueOwner owner = new QueueOwner( this::withLog );

	/**
	 * Called on the event thread, while the one that will run the module waits.
	 */
	@EventHandler
	private void onEvent( final ModuleExecutingEvent event )
	{
		owner.employ( event.getCallingThread() );
	}

	/**
	 * Groovy keeps the variables of a script that has ended as long as the heap has room. The
	 * pixels of an image are not in the heap.
	 */
	@EventHandler
	private void onEvent( final ModuleFinishedEvent event )
	{
		if ( !( event.getModule() instanceof ScriptModule ) )
			return;
		final ScriptModule script = ( ScriptModule ) event.getModule();
		try
		{
			final Bindings variables = script.getEngine().getBindings( ScriptContext.ENGINE_SCOPE );
			if ( variables != null )
				dropImages( script, variables );
		}
		catch ( final RuntimeException e )
		{
			// Not every language lets others see and change its variables.
		}
	}

	private static void dropImages( final ScriptModule script, final Bindings variables )
	{
		for ( final String name : new ArrayList<>( variables.keySet() ) )
			if ( variables.get( name ) instanceof PythonImg )
				variables.put( name, null );
		// The script itself is one, with its results.
		if ( Stream.of( script.getInputs().values(), script.getOutputs().values(), Collections.singleton( script.getReturnValue() ) ).anyMatch( values -> values.stream().anyMatch( PythonImg.class::isInstance ) ) )
			variables.put( ScriptModule.class.getName(), null );
	}

	private PythonEnvironment withLog( final PythonEnvironment environment )
	{
		final PythonEnvironment usual = PythonEnvironment.detected();
		final boolean isUsual = environment.getOut() == usual.getOut() && environment.getErr() == usual.getErr();
		return isUsual && log != null ? environment.withOutput( logger( LogLevel.INFO, usual.getOut() ), logger( LogLevel.WARN, usual.getErr() ) ) : environment;
	}

	/**
	 * The Python of this JVM may keep it for ever, but must not keep a {@code Context}.
	 */
	private Consumer< String > logger( final int level, final Consumer< String > otherwise )
	{
		final WeakReference< LogService > reference = new WeakReference<>( log );
		return line -> {
			final LogService service = reference.get();
			if ( service != null )
				service.log( level, line );
			else
				otherwise.accept( line );
		};
	}

	@Override
	public void dispose()
	{
		owner.close();
	}
}
