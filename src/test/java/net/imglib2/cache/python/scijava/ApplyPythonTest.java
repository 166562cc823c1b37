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

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.EventQueue;
import java.io.File;
import java.lang.ref.WeakReference;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.scijava.Context;
import org.scijava.ItemIO;
import org.scijava.app.event.StatusEvent;
import org.scijava.command.Command;
import org.scijava.command.CommandInfo;
import org.scijava.command.CommandModule;
import org.scijava.command.CommandService;
import org.scijava.event.EventHandler;
import org.scijava.event.EventService;
import org.scijava.log.LogLevel;
import org.scijava.log.LogMessage;
import org.scijava.log.LogService;
import org.scijava.module.Module;
import org.scijava.module.ModuleService;
import org.scijava.plugin.Parameter;
import org.scijava.plugin.Plugin;
import org.scijava.task.Task;
import org.scijava.task.event.TaskEvent;

import net.imglib2.RandomAccessibleInterval;
import net.imglib2.cache.python.InterpreterMode;
import net.imglib2.cache.python.PythonClosedException;
import net.imglib2.cache.python.PythonEnvironment;
import net.imglib2.cache.python.PythonImg;
import net.imglib2.img.Img;
import net.imglib2.img.array.ArrayImgs;
import net.imglib2.type.numeric.RealType;
import net.imglib2.type.numeric.integer.IntType;
import net.imglib2.type.numeric.integer.UnsignedByteType;
import net.imglib2.type.numeric.real.FloatType;
import net.imglib2.util.Cast;

/**
 * In a real {@code Context}, without a display. The scripts are tested in {@code examples/fiji}.
 */
@Timeout( 120 )
class ApplyPythonTest
{
	private static final String PID = "import os; block.data[...] = os.getpid()";

	@TempDir
	Path folder;

	private static Context context;

	private static final List< LogMessage > MESSAGES = new CopyOnWriteArrayList<>();

	@BeforeAll
	static void open()
	{
		context = open( MESSAGES );
	}

	@AfterAll
	static void close()
	{
		context.dispose();
	}

	@BeforeEach
	void forget()
	{
		MESSAGES.clear();
	}

	private static Context open( final List< LogMessage > messages )
	{
		final Context opened = new Context();
		opened.service( LogService.class ).addLogListener( messages::add );
		return opened;
	}

	@Test
	void aFunctionIsApplied() throws Exception
	{
		final RandomAccessibleInterval< FloatType > result = result( apply( "code", "scipy.ndimage:maximum_filter", "parameters", "size=3, mode=\"constant\"", "halo", "1", "cellSize", "4, 3", "border", "zero", "type", "float32" ) );
		assertEquals( List.of( 19., 89., 11. ), List.of( ( double ) result.getAt( 8, 0 ).get(), ( double ) result.getAt( 9, 7 ).get(), ( double ) result.getAt( 0, 0 ).get() ) );
		assertEquals( 4, ( ( PythonImg< ? > ) result ).getCellGrid().cellDimension( 0 ) );
		assertEquals( List.of(), errors() );
	}

	@Test
	void statementsAndFilesAreApplied() throws Exception
	{
		final RandomAccessibleInterval< IntType > statements = result( apply( "code", "block.data[...] = image.astype(int) + offset", "parameters", "offset=1000", "type", "int32" ) );
		assertEquals( 1023, statements.getAt( 3, 2 ).get() );
		final Path file = Files.writeString( folder.resolve( "twice.py" ), "block.data[...] = twice(image)" );
		final RandomAccessibleInterval< UnsignedByteType > same = result( apply( "script", file.toFile(), "init", "def twice(a):\n    return 2 * a" ) );
		assertEquals( 46, same.getAt( 3, 2 ).get() );
	}

	/**
	 * One message each, in the log and for the user.
	 */
	@ParameterizedTest
	@CsvSource( delimiter = '|', quoteCharacter = '~', value = {
			"halo=8, 8, 8 | numpy:negative | is [8, 8, 8], for 3 axes, but input 0 has 2: give one number",
			"halo=wide | numpy:negative | the halo is wide",
			"cellSize=0 | numpy:negative | the cell size",
			"halo=2;border=none | numpy:negative | choose a border",
			"border=reflect | numpy:negative | MIRROR_DOUBLE",
			"type=float | numpy:negative | The type float is not known",
			"mode=THREADS | numpy:negative | expected one of [AUTO",
			"fill=red | numpy:negative | The value of cells that fail is red",
			"parameters=sigma | numpy:negative | write name=value",
			"parameters=mode=nearest | scipy.ndimage:laplace | write name=value",
			"timeout=-1 | numpy:negative | positive",
			"environment=/no/such/folder | numpy:negative | /no/such/folder",
			"script=/no/such/file.py | | /no/such/file.py",
			"script=/no/such/file.py | numpy:negative | give one of them",
			"halo=0 | | There is no Python code",
			"halo=0 | block.data[...] = imgae * 2 | Did you mean image?",
			"halo=0 | block.data[...] = image * | SyntaxError",
			"halo=0 | import no_such_package; block.data[...] = 1 | no_such_package",
			"halo=0 | no_such_package:function | no_such_package",
			"halo=0 | result = image * 2 | block.data",
			"halo=4 | block.data[...] = image * 2 | block.halo",
			"parameters=size=3, output=\"float32\" | scipy.ndimage:uniform_filter | uint8",
			"init=import no_such_package | numpy:negative | no_such_package" } )
	void whatIsWrongIsOneMessage( final String inputs, final String code, final String expected ) throws Exception
	{
		final List< Object > all = new ArrayList<>( List.of( "code", code == null ? "" : code, "cellSize", "5" ) );
		for ( final String input : inputs.split( ";" ) )
		{
			final String name = input.substring( 0, input.indexOf( '=' ) );
			final String value = input.substring( name.length() + 1 );
			all.addAll( List.of( name, name.equals( "script" ) || name.equals( "environment" ) ? new File( value ) : value ) );
		}
		final CommandModule module = apply( all.toArray() );
		assertNull( module.getOutput( "result" ) );
		assertTrue( module.isCanceled() );
		assertEquals( 1, errors().size(), errors().toString() );
		final String message = errors().get( 0 ).text();
		assertEquals( message, module.getCancelReason() );
		assertTrue( message.contains( expected ), message );
		assertNull( errors().get( 0 ).throwable() );
		assertTrue( message.lines().count() < 12, message );
	}

	@Test
	void cellsThatFailGetAValue() throws Exception
	{
		final String code = "if block.index % 2:\n    raise ValueError(f'cell {block.index}')\nblock.data[...] = image";
		final RandomAccessibleInterval< UnsignedByteType > lazy = result( apply( "code", code, "cellSize", "10, 2", "fill", "77" ) );
		assertEquals( List.of(), errors() );
		assertEquals( 77, lazy.getAt( 0, 2 ).get() );
		assertTrue( errors().get( 0 ).text().contains( "ValueError: cell 1" ), errors().toString() );
		// The whole image: counted in one message, and the other cells are a result.
		MESSAGES.clear();
		final RandomAccessibleInterval< UnsignedByteType > all = result( apply( "code", code, "cellSize", "10, 2", "computeAll", true ) );
		assertEquals( 1, errors().size(), errors().toString() );
		assertTrue( errors().get( 0 ).text().startsWith( "2 of 5 cells failed. The first one: Cell " ), errors().toString() );
		assertEquals( 41, all.getAt( 1, 4 ).get() );
	}

	@Test
	void whatPythonPrintsIsLogged() throws Exception
	{
		apply( "code", "import sys\nprint('to the', 'log')\nprint('careful', file=sys.stderr)\nblock.data[...] = image" );
		awaitMessage( LogLevel.INFO, "to the log" );
		awaitMessage( LogLevel.WARN, "careful" );
	}

	/**
	 * Those of commands, of scripts, and of other results.
	 */
	@Test
	void allOfAContextShareWorkersThatEndWithIt() throws Exception
	{
		final Context own = open( new ArrayList<>() );
		final List< RandomAccessibleInterval< IntType > > results = new ArrayList<>();
		for ( int i = 0; i < 3; ++i )
		{
			results.add( result( pid( own ) ) );
			final Module module = own.service( CommandService.class ).run( new CommandInfo( BuilderCommand.class ), true ).get();
			results.add( Cast.unchecked( module.getOutput( "result" ) ) );
		}
		final Set< Integer > pids = new HashSet<>();
		for ( final RandomAccessibleInterval< IntType > result : results )
			pids.add( result.getAt( 9, 0 ).get() );
		assertEquals( 1, pids.size() );
		final ProcessHandle worker = ProcessHandle.of( pids.iterator().next() ).orElseThrow();
		final RandomAccessibleInterval< IntType > ofOther = result( pid( context ) );
		assertNotEquals( worker.pid(), ofOther.getAt( 9, 0 ).get() );

		// Also when no image needs them.
		final List< WeakReference< Object > > dropped = new ArrayList<>();
		results.forEach( result -> dropped.add( new WeakReference<>( result ) ) );
		results.clear();
		for ( final WeakReference< Object > result : dropped )
			while ( result.get() != null )
				System.gc();
		final RandomAccessibleInterval< IntType > later = result( pid( own ) );
		assertEquals( worker.pid(), later.getAt( 9, 0 ).get() );

		own.dispose();
		worker.onExit().get();
		assertEquals( worker.pid(), later.getAt( 9, 0 ).get() );
		Throwable thrown = assertThrows( RuntimeException.class, () -> later.getAt( 0, 9 ) );
		while ( !( thrown instanceof PythonClosedException ) )
			thrown = thrown.getCause();
		assertEquals( ofOther.getAt( 9, 0 ).get(), ofOther.getAt( 0, 9 ).get() );
	}

	private static CommandModule pid( final Context its ) throws Exception
	{
		return its.service( CommandService.class ).run( ApplyPython.class, true, inputs( "code", PID, "type", "int32", "cellSize", "5" ) ).get();
	}

	/**
	 * What the scripts of users do.
	 */
	@Plugin( type = Command.class )
	public static class BuilderCommand implements Command
	{
		@Parameter( type = ItemIO.OUTPUT )
		private Img< IntType > result;

		@Override
		public void run()
		{
			result = PythonImg.builder( PID ).dimensions( 10, 10 ).cellSize( 5 ).type( new IntType() ).workers( 1 )
					.environment( PythonEnvironment.getDefault().withMode( InterpreterMode.PROCESS ) ).build();
		}
	}

	/**
	 * Is told what the user would see.
	 */
	public static class Seen
	{
		final List< String > status = new CopyOnWriteArrayList<>();

		final CountDownLatch began = new CountDownLatch( 1 );

		volatile Task task;

		@EventHandler
		private void onEvent( final StatusEvent event )
		{
			status.add( event.getProgressValue() + "/" + event.getProgressMaximum() + " " + event.getStatusMessage() );
		}

		@EventHandler
		private void onEvent( final TaskEvent event )
		{
			task = event.getTask();
			began.countDown();
		}
	}

	@Test
	void theStatusBarShowsTheProgress() throws Exception
	{
		final Seen seen = new Seen();
		context.service( EventService.class ).subscribe( seen );
		result( apply( "code", "numpy:negative", "cellSize", "5, 3", "computeAll", true ) );
		awaitEvents();
		assertTrue( seen.status.contains( "0/8 Apply Python: 0 of 8 cells" ), seen.status.toString() );
		assertTrue( seen.status.contains( "8/8 Apply Python: 8 of 8 cells" ), seen.status.toString() );
		assertTrue( seen.task.isDone() );
		assertEquals( 8, seen.task.getProgressMaximum() );
	}

	@ParameterizedTest
	@CsvSource( { "the command", "the task", "the future" } )
	void itCanBeCancelled( final String what ) throws Exception
	{
		final Seen seen = new Seen();
		context.service( EventService.class ).subscribe( seen );
		final ModuleService modules = context.service( ModuleService.class );
		final CommandModule module = ( CommandModule ) modules.createModule( context.service( CommandService.class ).getCommand( ApplyPython.class ) );
		final Future< CommandModule > future = modules.run( module, true, inputs( "code", "while True: block.data[...] = 1" ) );
		seen.began.await();
		if ( what.equals( "the command" ) )
			module.cancel( "enough" );
		else if ( what.equals( "the task" ) )
			seen.task.cancel( "enough" );
		else
			future.cancel( true );
		while ( !module.isCanceled() || module.getOutput( "result" ) != null )
			Thread.sleep( 1 );
		if ( !what.equals( "the future" ) )
			future.get();
		assertFalse( module.getCancelReason().isEmpty() );
		assertEquals( List.of(), errors() );
	}

	/**
	 * @return the command, which has ended
	 */
	private CommandModule apply( final Object... inputs ) throws Exception
	{
		return context.service( CommandService.class ).run( ApplyPython.class, true, inputs( inputs ) ).get();
	}

	/**
	 * @return those that are given, and all others, so that nobody is asked
	 */
	private static Object[] inputs( final Object... given )
	{
		final byte[] pixels = new byte[ 100 ];
		for ( int i = 0; i < pixels.length; ++i )
			pixels[ i ] = ( byte ) i;
		final List< Object > inputs = new ArrayList<>( List.of( "image", ArrayImgs.unsignedBytes( pixels, 10, 10 ), "workers", 1 ) );
		if ( !Arrays.asList( given ).contains( "mode" ) )
			inputs.addAll( List.of( "mode", "PROCESS" ) );
		inputs.addAll( Arrays.asList( given ) );
		return inputs.toArray();
	}

	/**
	 * Those that are queued now.
	 */
	private static void awaitEvents() throws Exception
	{
		EventQueue.invokeAndWait( () -> {} );
	}

	private static < T extends RealType< T > > RandomAccessibleInterval< T > result( final CommandModule module )
	{
		assertNull( module.getCancelReason() );
		return Cast.unchecked( module.getOutput( "result" ) );
	}

	private List< LogMessage > errors()
	{
		final List< LogMessage > errors = new ArrayList<>( MESSAGES );
		errors.removeIf( message -> message.level() != LogLevel.ERROR );
		return errors;
	}

	private void awaitMessage( final int level, final String text ) throws InterruptedException
	{
		while ( MESSAGES.stream().noneMatch( message -> message.level() == level && message.text().equals( text ) ) )
			Thread.sleep( 1 );
	}
}
