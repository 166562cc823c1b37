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

import java.io.File;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Stream;

import org.scijava.ItemIO;
import org.scijava.app.StatusService;
import org.scijava.command.Command;
import org.scijava.command.ContextCommand;
import org.scijava.log.LogService;
import org.scijava.parse.Items;
import org.scijava.parse.ParseService;
import org.scijava.plugin.Parameter;
import org.scijava.plugin.Plugin;

import net.imglib2.FinalInterval;
import net.imglib2.Interval;
import net.imglib2.cache.python.InterpreterMode;
import net.imglib2.cache.python.PythonEnvironment;
import net.imglib2.cache.python.PythonException;
import net.imglib2.cache.python.PythonImg;
import net.imglib2.cache.python.PythonImgBuilder;
import net.imglib2.cache.python.PythonInterruptedException;
import net.imglib2.cache.python.PythonSummary;
import net.imglib2.img.Img;
import net.imglib2.type.NativeType;
import net.imglib2.type.numeric.RealType;
import net.imglib2.type.numeric.integer.ByteType;
import net.imglib2.type.numeric.integer.IntType;
import net.imglib2.type.numeric.integer.LongType;
import net.imglib2.type.numeric.integer.ShortType;
import net.imglib2.type.numeric.integer.UnsignedByteType;
import net.imglib2.type.numeric.integer.UnsignedIntType;
import net.imglib2.type.numeric.integer.UnsignedLongType;
import net.imglib2.type.numeric.integer.UnsignedShortType;
import net.imglib2.type.numeric.real.DoubleType;
import net.imglib2.type.numeric.real.FloatType;
import net.imglib2.util.Cast;

/**
 * The menu command <i>Plugins › Process › Apply Python to Blocks…</i>: makes a
 * {@link PythonImg} of an image and Python code.
 * <p>
 * The result is lazy. One cell in the middle is computed at once, so that a mistake in the
 * code shows now; the others, if the user wants that, or else when they are read. All
 * commands and scripts of a {@code Context} share their workers, see
 * {@link PythonPoolService}. The result can be used until the {@code Context} is disposed.
 * Every run begins with the defaults, not with what was entered last, so that a macro does
 * the same everywhere.
 * <p>
 * What is wrong is one message in the {@code LogService}, and the reason why the command
 * {@linkplain #getCancelReason() was cancelled}, which Fiji shows in a dialog.
 */
@Plugin( type = Command.class, headless = true, menuPath = "Plugins>Process>Apply Python to Blocks..." )
public final class ApplyPython extends ContextCommand
{
	private static final String CANCELLED = "Apply Python to Blocks was cancelled";

	private static final String TYPE_OF_IMAGE = "as the image";

	private static final Map< String, NativeType< ? > > TYPES = new LinkedHashMap<>();

	static
	{
		TYPES.put( "uint8", new UnsignedByteType() );
		TYPES.put( "int8", new ByteType() );
		TYPES.put( "uint16", new UnsignedShortType() );
		TYPES.put( "int16", new ShortType() );
		TYPES.put( "uint32", new UnsignedIntType() );
		TYPES.put( "int32", new IntType() );
		TYPES.put( "uint64", new UnsignedLongType() );
		TYPES.put( "int64", new LongType() );
		TYPES.put( "float32", new FloatType() );
		TYPES.put( "float64", new DoubleType() );
	}

	/**
	 * What statements call the image.
	 */
	private static final String NAME_OF_IMAGE = "image";

	// NB not a RandomAccessibleInterval: ImageJ fills in the image that is open only if it is asked for an Img.
	@Parameter( label = "Image" )
	private Img< ? > image;

	@Parameter( persist = false, label = "Python code", style = "text area", required = false,
			description = "A function, package.module:function or /path/file.py:function; or statements, which see the variable image and write into block.data" )
	private String code = "";

	@Parameter( persist = false, label = "or Python file", style = "open", required = false, description = "A file of statements, instead of the code above" )
	private File script;

	@Parameter( persist = false, label = "Parameters", required = false, description = "Of the function, or variables of the statements: sigma=2, mode=\"nearest\"" )
	private String parameters = "";

	@Parameter( persist = false, label = "Halo (pixels)", description = "How much the code sees around each cell: one number, or one per axis: 8, 8, 0" )
	private String halo = "0";

	@Parameter( persist = false, label = "Outside of the image", choices = { "mirror_double", "mirror_single", "nearest", "periodic", "zero", "none" }, description = "What the halo has at the border of the image" )
	private String border = "mirror_double";

	@Parameter( persist = false, label = "Cell size (pixels)", required = false, description = "One number, or one per axis; empty: about 1 MiB" )
	private String cellSize = "";

	@Parameter( persist = false, label = "Type of the result", choices = { TYPE_OF_IMAGE, "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float32", "float64" } )
	private String type = TYPE_OF_IMAGE;

	@Parameter( persist = false, label = "Compute all cells now", description = "Otherwise each cell is computed when it is first shown or read" )
	private boolean computeAll;

	@Parameter( persist = false, label = "Value of cells that fail", required = false, description = "A number that is easy to see; empty: reading such a cell is an error" )
	private String fill = "";

	@Parameter( persist = false, label = "Timeout (seconds per cell)", min = "0", description = "0: none" )
	private double timeout;

	@Parameter( persist = false, label = "Init code", style = "text area", required = false, description = "Statements that each worker runs once: imports of large packages, models" )
	private String init = "";

	@Parameter( persist = false, label = "Python environment", style = "directory", required = false, description = "Folder of a virtual or conda environment; empty: the default Python" )
	private File environment;

	@Parameter( persist = false, label = "Mode", choices = { "AUTO", "SHARED", "SUB", "PROCESS" }, description = "Where Python runs; PROCESS: in processes of its own" )
	private String mode = "AUTO";

	@Parameter( persist = false, label = "Workers", min = "0", description = "At least; 0: one per processor, at most four" )
	private int workers;

	@Parameter( label = "Result", type = ItemIO.OUTPUT )
	private Img< ? > result;

	@Parameter
	private LogService log;

	@Parameter
	private StatusService status;

	@Parameter
	private ParseService parser;

	private SciJavaProgress progress;

	/**
	 * The thread that makes the image, or {@code null}.
	 */
	private Thread builds;

	@Override
	public void run()
	{
		try
		{
			final PythonImg< ? > made = build();
			if ( computes( made ) )
				result = made;
			else
				made.close();
		}
		catch ( final PythonInterruptedException e )
		{
			if ( !isCanceled() )
				cancel( CANCELLED );
		}
		catch ( final PythonException | IllegalArgumentException e )
		{
			fail( e.getMessage() );
		}
		if ( isCanceled() )
			// SciJava cannot tell anybody of it on a thread that is interrupted.
			Thread.interrupted();
	}

	/**
	 * Python may have to be started, which takes long.
	 */
	private PythonImg< ? > build()
	{
		synchronized ( this )
		{
			progress = new SciJavaProgress( getContext(), "Apply Python" );
			if ( isCanceled() )
				progress.cancel();
			builds = Thread.currentThread();
		}
		try
		{
			return settings().build();
		}
		finally
		{
			synchronized ( this )
			{
				builds = null;
			}
		}
	}

	/**
	 * Ends the command, if it runs, within half a second.
	 *
	 * @param reason
	 * 		is shown to the user
	 */
	@Override
	public synchronized void cancel( final String reason )
	{
		super.cancel( reason );
		if ( progress != null )
			progress.cancel();
		if ( builds != null && builds != Thread.currentThread() )
			builds.interrupt();
	}

	/**
	 * One message for the user. What has failed because the command was cancelled is none.
	 */
	private void fail( final String message )
	{
		if ( isCanceled() )
			return;
		log.error( message );
		cancel( message );
	}

	// ------------------------------------------------------------- settings

	private PythonImgBuilder< ? > settings()
	{
		final boolean isText = !code.trim().isEmpty();
		if ( isText == ( script != null ) )
			throw new IllegalArgumentException( isText ? "There is Python code and also a Python file, " + script + ": give one of them" : "There is no Python code: give some, or the file of some" );
		final PythonImgBuilder< ? > builder = isText ? PythonImg.builder( code ) : PythonImg.builder( script.toPath() );
		// Functions get the image as their first argument, whatever that is called.
		if ( isText && isFunction( code ) )
			builder.input( image );
		else
			builder.input( NAME_OF_IMAGE, image );
		parameters().forEach( builder::parameter );
		builder.init( init ).border( border ).halo( numbers( halo ) ).environment( python() );
		if ( !cellSize.trim().isEmpty() )
			builder.cellSize( numbers( cellSize ) );
		if ( workers != 0 )
			builder.workers( workers );
		if ( timeout != 0 )
			builder.timeout( Duration.ofNanos( ( long ) ( timeout * 1e9 ) ) );
		// Whatever the type is.
		return withFill( withType( Cast.< PythonImgBuilder< FloatType > >unchecked( builder ) ) );
	}

	/**
	 * As in {@code PythonImg.builder( String )}.
	 */
	private static boolean isFunction( final String text )
	{
		return text.trim().matches( "([\\w.]+|[^\\n\"']+\\.py):[^\\W\\d][\\w.]*" );
	}

	private PythonEnvironment python()
	{
		final PythonEnvironment its = environment == null ? PythonEnvironment.getDefault() : PythonEnvironment.at( environment.toPath() );
		for ( final InterpreterMode known : InterpreterMode.values() )
			if ( known.name().equalsIgnoreCase( mode.trim() ) )
				// AUTO is what is asked for otherwise, perhaps by a system property.
				return known == InterpreterMode.AUTO ? its : its.withMode( known );
		throw new IllegalArgumentException( "The mode " + mode + " is not known, expected one of " + Arrays.toString( InterpreterMode.values() ) );
	}

	private Map< String, Object > parameters()
	{
		if ( parameters.trim().isEmpty() )
			return new LinkedHashMap<>();
		try
		{
			final Items items = parser.parse( parameters );
			if ( items.isMap() )
				return items.asMap();
		}
		catch ( final RuntimeException e )
		{
			// It is not in this syntax.
		}
		throw new IllegalArgumentException( "The parameters " + parameters + " cannot be read: write name=value, with commas between them, and text in quotes: sigma=2, mode=\"nearest\"" );
	}

	/**
	 * What is no number stays text: whoever wants numbers says so.
	 */
	private static Object[] numbers( final String text )
	{
		return Stream.of( text.trim().split( "[\\s,;]+" ) ).map( part -> {
			try
			{
				return new BigDecimal( part );
			}
			catch ( final NumberFormatException e )
			{
				return part;
			}
		} ).toArray();
	}

	private < T extends NativeType< T > > PythonImgBuilder< T > withType( final PythonImgBuilder< T > builder )
	{
		if ( type.equals( TYPE_OF_IMAGE ) )
			return builder;
		final NativeType< ? > pixel = TYPES.get( type );
		if ( pixel == null )
			throw new IllegalArgumentException( "The type " + type + " is not known, expected \"" + TYPE_OF_IMAGE + "\" or one of " + TYPES.keySet() );
		return builder.type( Cast.< T >unchecked( pixel ) );
	}

	private < T extends NativeType< T > > PythonImgBuilder< T > withFill( final PythonImgBuilder< T > builder )
	{
		if ( fill.trim().isEmpty() )
			return builder;
		final Object pixel = type.equals( TYPE_OF_IMAGE ) ? image.getType() : TYPES.get( type );
		if ( !( pixel instanceof RealType && pixel instanceof NativeType ) )
			throw new IllegalArgumentException( "Cells that fail cannot be filled with " + fill + ", because the pixels are no real numbers: leave the value empty" );
		final T value = Cast.< T >unchecked( pixel ).createVariable();
		try
		{
			( ( RealType< ? > ) value ).setReal( Double.parseDouble( fill.trim() ) );
		}
		catch ( final NumberFormatException e )
		{
			throw new IllegalArgumentException( "The value of cells that fail is " + fill + ", expected a number, or nothing", e );
		}
		return builder.onErrorFill( value, error -> {
			// Until then, they end the command, or are counted.
			if ( result != null )
				log.error( error.getMessage() );
		} );
	}

	// -------------------------------------------------------------- compute

	/**
	 * @return whether there is a result
	 */
	private boolean computes( final PythonImg< ? > made )
	{
		final PythonSummary first = made.compute( middle( made ), progress );
		if ( first.failed() > 0 )
			fail( first.errors().get( 0 ).getMessage() );
		if ( isCancelled( first ) || first.failed() > 0 )
			return false;
		if ( !computeAll )
			return true;
		final PythonSummary all = made.compute( made, progress );
		if ( isCancelled( all ) )
			return false;
		if ( all.failed() > 0 )
		{
			// The other cells are a result all the same.
			final String message = all.failed() + " of " + ( all.computed() + all.fromCache() + all.failed() ) + " cells failed. The first one: " + all.errors().get( 0 ).getMessage();
			log.error( message );
			status.warn( message );
		}
		return true;
	}

	private boolean isCancelled( final PythonSummary summary )
	{
		if ( summary.isCancelled() && !isCanceled() )
			cancel( CANCELLED );
		return summary.isCancelled();
	}

	/**
	 * @return the pixel in the middle
	 */
	private static Interval middle( final Interval interval )
	{
		final long[] position = new long[ interval.numDimensions() ];
		Arrays.setAll( position, d -> ( interval.min( d ) + interval.max( d ) ) / 2 );
		return new FinalInterval( position, position );
	}
}
