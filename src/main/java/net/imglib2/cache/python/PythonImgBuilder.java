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
package net.imglib2.cache.python;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import net.imglib2.Interval;
import net.imglib2.RandomAccessible;
import net.imglib2.blocks.PrimitiveBlocks.OnFallback;
import net.imglib2.cache.python.block.BlockInput;
import net.imglib2.cache.python.block.BlockMemory;
import net.imglib2.cache.python.image.CellFailures;
import net.imglib2.cache.python.image.CellReader;
import net.imglib2.cache.python.image.CellSpec;
import net.imglib2.cache.python.protocol.CellCode;
import net.imglib2.cache.python.protocol.OpenedObject;
import net.imglib2.cache.python.type.PixelType;
import net.imglib2.cache.python.worker.WorkerPool;
import net.imglib2.img.basictypeaccess.AccessFlags;
import net.imglib2.img.basictypeaccess.ArrayDataAccessFactory;
import net.imglib2.img.basictypeaccess.array.ArrayDataAccess;
import net.imglib2.img.cell.CellGrid;
import net.imglib2.type.NativeType;
import net.imglib2.util.Cast;

/**
 * Settings of a {@link PythonImg}; see {@link PythonImg#builder(String)}.
 * <p>
 * Methods that take one number per axis take a single number for all axes, too, and
 * numbers of any kind, in one list or array or one by one, so that they can be called from
 * scripts. Numbers are in ImgLib2's axis order. What is wrong is an
 * {@code IllegalArgumentException}, in {@link #build()} at the latest, which says what was
 * expected.
 * <p>
 * Each method changes this builder and returns it. Not thread-safe.
 *
 * @param <T>
 * 		pixel type of the image
 */
public final class PythonImgBuilder< T extends NativeType< T > >
{
	/**
	 * Halo with which one that is zero is checked.
	 */
	private static final int HALO_INSTEAD_OF_NONE = 8;

	/**
	 * What the code calls the object that an image shows.
	 */
	private static final String SOURCE = "array";

	private static final CellCode CODE_OF_SOURCE = CellCode.ofLibrary( "block.data[...] = " + SOURCE + "[block.slices]" );

	/**
	 * Has the parameters, too, but not what the inputs say.
	 */
	private CellCode code;

	/**
	 * What the image shows, if it is opened by Python.
	 */
	private OpenedObject source;

	/**
	 * Has the code, if it is a file of statements.
	 */
	private Path file;

	/**
	 * {@link CodeWatch#stampOf} the file before it was read.
	 */
	private Object stamp;

	private boolean watch;

	private final List< PythonInput > inputs = new ArrayList<>();

	private Widths halo = Widths.NONE;

	private Border border = Border.MIRROR_DOUBLE;

	private int[] multiple = {};

	private NativeType< ? > type;

	private long[] dimensions;

	private int[] cellSize;

	private boolean arrays;

	private String init = "";

	private PythonEnvironment environment;

	private int workers;

	private PythonCacheLoaderQueue queue;

	/**
	 * Computes the image, once that is made: its own queue, or one that images share.
	 */
	private PythonCacheLoaderQueue computes;

	private long cacheBytes = -1;

	private PythonLoaderOptions options = PythonLoaderOptions.options();

	private Path captureFolder;

	/**
	 * Whether cells have the halo of the inputs, too.
	 */
	private boolean hasHaloInCells;

	PythonImgBuilder( final String code )
	{
		this.code = CellCode.of( PythonText.dedented( Objects.requireNonNull( code, "code" ) ) );
	}

	PythonImgBuilder( final String expression, final Object[] arguments )
	{
		this( CODE_OF_SOURCE, opened( expression, arguments ) );
	}

	private PythonImgBuilder( final CellCode code, final OpenedObject source )
	{
		this.code = code;
		this.source = source;
	}

	/**
	 * @param arguments
	 * 		the last one gives arguments by their names, if it is a map
	 */
	static OpenedObject opened( final String expression, final Object[] arguments )
	{
		Objects.requireNonNull( expression, "expression" );
		final List< Object > positional = new ArrayList<>( arguments == null ? Collections.singletonList( null ) : Arrays.asList( arguments ) );
		final Map< String, ? > keywords = !positional.isEmpty() && positional.get( positional.size() - 1 ) instanceof Map ? Cast.unchecked( positional.remove( positional.size() - 1 ) ) : Collections.emptyMap();
		if ( !positional.isEmpty() && !PythonText.isReference( expression ) )
			throw new IllegalArgumentException( "the expression " + expression.trim() + " sees its arguments by their names, but got " + positional.size() + " without a name: give a map of names and values, "
					+ "or name a function, \"package.module:function\", which gets arguments by their position" );
		return OpenedObject.of( expression, positional, keywords );
	}

	PythonImgBuilder( final Path file )
	{
		this.file = Objects.requireNonNull( file, "file" );
		// In this order: a change in between is seen later.
		stamp = CodeWatch.stampOf( file );
		code = CellCode.of( read( file ) );
		options = options.name( String.valueOf( file.getFileName() ) );
	}

	static String read( final Path file )
	{
		try
		{
			return StandardCharsets.UTF_8.newDecoder().decode( ByteBuffer.wrap( Files.readAllBytes( file ) ) ).toString();
		}
		catch ( final CharacterCodingException e )
		{
			throw new IllegalArgumentException( "the file of code " + file.toAbsolutePath() + " is not in UTF-8: save it in that encoding", e );
		}
		catch ( final IOException e )
		{
			throw new IllegalArgumentException( "the file of code " + file.toAbsolutePath() + " cannot be read: " + e, e );
		}
	}

	private PythonImgBuilder( final PythonImgBuilder< T > other )
	{
		code = other.code;
		source = other.source;
		file = other.file;
		stamp = other.stamp;
		watch = other.watch;
		inputs.addAll( other.inputs );
		halo = other.halo;
		border = other.border;
		multiple = other.multiple;
		type = other.type;
		dimensions = other.dimensions;
		cellSize = other.cellSize;
		arrays = other.arrays;
		init = other.init;
		environment = other.environment;
		workers = other.workers;
		queue = other.queue;
		computes = other.computes;
		cacheBytes = other.cacheBytes;
		options = other.options;
		captureFolder = other.captureFolder;
		hasHaloInCells = other.hasHaloInCells;
	}

	// ----------------------------------------------------------------- code

	/**
	 * Whether the file of the code is read again when it changes, or the file of the
	 * function that the code names. The image is invalidated then. While the new text is
	 * not valid, an error is logged, and the old code stays.
	 *
	 * @param newWatch
	 * 		whether to watch it; {@code false} by default
	 * @return this builder
	 */
	public PythonImgBuilder< T > watch( final boolean newWatch )
	{
		watch = newWatch;
		return this;
	}

	/**
	 * Sets a parameter. Statements see it as a variable, a function gets it as a keyword
	 * argument; of an image that {@link PythonImg#openBuilder} makes, it is an argument of
	 * what opens the array. {@link PythonImg#parameter} changes it later.
	 *
	 * @param name
	 * 		a Python name
	 * @param value
	 * 		{@code null}, a boolean, number or string; a path or file, which becomes a string;
	 * 		a list or map of these, with strings as keys; or an array of a primitive type,
	 * 		which becomes a numpy array. Later changes of it have no effect
	 * @return this builder
	 * @throws IllegalArgumentException
	 * 		if Python cannot have such a name or value
	 */
	public PythonImgBuilder< T > parameter( final String name, final Object value )
	{
		if ( source != null )
			source = source.with( name, value );
		else
			code = code.withParameter( name, value );
		return this;
	}

	/**
	 * Sets the seed of {@code block.rng}, the random numbers of a cell: a
	 * {@code numpy.random.Generator} that gives the same numbers each time that the cell is
	 * computed, in whatever mode, and others for each other cell and each other seed.
	 *
	 * @param seed
	 * 		any number; 0 by default
	 * @return this builder
	 */
	public PythonImgBuilder< T > seed( final long seed )
	{
		code = code.withSeed( seed );
		return this;
	}

	/**
	 * Statements that each worker runs once, for instance to import large packages or to
	 * load models. The code sees all names that they define.
	 *
	 * @param newInit
	 * 		Python statements; none by default
	 * @return this builder
	 */
	public PythonImgBuilder< T > init( final String newInit )
	{
		init = PythonText.dedented( Objects.requireNonNull( newInit, "init" ) );
		return this;
	}

	// --------------------------------------------------------------- inputs

	/**
	 * Adds an input. The first one says which dimensions and type the image has, unless
	 * {@link #dimensions} and {@link #type} do.
	 *
	 * @param image
	 * 		an image or a view of one. Outside of its bounds, blocks see the border; one
	 * 		without bounds is taken as it is
	 * @return this builder
	 */
	public PythonImgBuilder< T > input( final RandomAccessible< ? > image )
	{
		return input( PythonInput.of( image ) );
	}

	/**
	 * Adds an input with a name.
	 *
	 * @param name
	 * 		a Python name: the code sees the input as a variable, a function gets it as the
	 * 		argument of this name
	 * @param image
	 * 		see {@link #input(RandomAccessible)}
	 * @return this builder
	 */
	public PythonImgBuilder< T > input( final String name, final RandomAccessible< ? > image )
	{
		return input( PythonInput.of( image ).name( name ) );
	}

	/**
	 * Adds an input that is opened when the image is made.
	 *
	 * @param spec
	 * 		of the input
	 * @return this builder
	 */
	public PythonImgBuilder< T > input( final PythonSpec spec )
	{
		return input( PythonInput.of( spec ) );
	}

	/**
	 * Adds an input with a name that is opened when the image is made.
	 *
	 * @param name
	 * 		see {@link #input(String, RandomAccessible)}
	 * @param spec
	 * 		of the input
	 * @return this builder
	 */
	public PythonImgBuilder< T > input( final String name, final PythonSpec spec )
	{
		return input( PythonInput.of( spec ).name( name ) );
	}

	/**
	 * Adds an input with a geometry of its own.
	 *
	 * @param input
	 * 		the input
	 * @return this builder
	 */
	public PythonImgBuilder< T > input( final PythonInput input )
	{
		inputs.add( Objects.requireNonNull( input, "input" ) );
		return this;
	}

	/**
	 * How much more than the cell blocks see of inputs that do not say it themselves.
	 *
	 * @param widths
	 * 		see {@link PythonInput#halo}; none by default
	 * @return this builder
	 */
	public PythonImgBuilder< T > halo( final Object... widths )
	{
		halo = Widths.of( "the halo", widths );
		return this;
	}

	/**
	 * What blocks see outside of inputs that do not say it themselves.
	 *
	 * @param newBorder
	 * 		{@link Border#MIRROR_DOUBLE} by default
	 * @return this builder
	 */
	public PythonImgBuilder< T > border( final Border newBorder )
	{
		border = Objects.requireNonNull( newBorder, "border" );
		return this;
	}

	/**
	 * The same for scripts.
	 *
	 * @param newBorder
	 * 		see {@link Border#of}
	 * @return this builder
	 */
	public PythonImgBuilder< T > border( final String newBorder )
	{
		return border( Border.of( newBorder ) );
	}

	/**
	 * Lets all blocks have the same size with their halo, a multiple of a number, also at
	 * the end of the image, as many networks need it. Results are cropped.
	 *
	 * @param numbers
	 * 		1 or more
	 * @return this builder
	 */
	public PythonImgBuilder< T > padToMultiple( final Object... numbers )
	{
		multiple = WholeNumbers.intsPerAxis( "padToMultiple", 1, numbers );
		return this;
	}

	// --------------------------------------------------------------- output

	/**
	 * Sets the pixel type of the image.
	 *
	 * @param <S>
	 * 		pixel type
	 * @param newType
	 * 		the type of the first input by default
	 * @return this builder
	 */
	public < S extends NativeType< S > > PythonImgBuilder< S > type( final S newType )
	{
		type = Objects.requireNonNull( newType, "type" ).createVariable();
		return Cast.unchecked( this );
	}

	/**
	 * Sets the dimensions of the image.
	 *
	 * @param newDimensions
	 * 		those of the first input by default, without its whole axes, and according to
	 * 		its scale
	 * @return this builder
	 */
	public PythonImgBuilder< T > dimensions( final Object... newDimensions )
	{
		dimensions = WholeNumbers.longsPerAxis( "the dimensions", 1, newDimensions );
		return this;
	}

	/**
	 * Sets the dimensions of the image.
	 *
	 * @param interval
	 * 		has the dimensions, and begins at the origin, as every image does
	 * @return this builder
	 */
	public PythonImgBuilder< T > like( final Interval interval )
	{
		Objects.requireNonNull( interval, "interval" );
		for ( int d = 0; d < interval.numDimensions(); ++d )
			if ( interval.min( d ) != 0 )
				throw new IllegalArgumentException( "the image cannot be like an interval that begins at " + Arrays.toString( interval.minAsLongArray() )
						+ ", because cached images begin at the origin: give .dimensions( … ), and move inputs by Views.zeroMin( image )" );
		return dimensions( interval.dimensionsAsLongArray() );
	}

	/**
	 * Sets the size of cells, which are computed one by one.
	 *
	 * @param size
	 * 		about 1 MiB by default, along the first three axes
	 * @return this builder
	 */
	public PythonImgBuilder< T > cellSize( final Object... size )
	{
		cellSize = WholeNumbers.intsPerAxis( "the cell size", 1, size );
		return this;
	}

	/**
	 * Lets cells be ordinary arrays of the JVM instead of native memory: each is copied
	 * once, but ImageJ and others can take the arrays as they are.
	 *
	 * @return this builder
	 */
	public PythonImgBuilder< T > arrays()
	{
		arrays = true;
		return this;
	}

	// ------------------------------------------------------------ behaviour

	/**
	 * Sets the Python that computes the image. Images of the same environment and init code
	 * share their workers.
	 *
	 * @param newEnvironment
	 * 		{@link PythonEnvironment#getDefault()} by default
	 * @return this builder
	 */
	public PythonImgBuilder< T > environment( final PythonEnvironment newEnvironment )
	{
		environment = Objects.requireNonNull( newEnvironment, "environment" );
		return this;
	}

	/**
	 * Sets how many workers there are at least.
	 *
	 * @param number
	 * 		1 or more; by default one per processor, at most four
	 * @return this builder
	 */
	public PythonImgBuilder< T > workers( final int number )
	{
		if ( number < 1 )
			throw new IllegalArgumentException( "number of workers is " + number + ", expected 1 or more" );
		workers = number;
		return this;
	}

	/**
	 * Lets the workers of a queue compute the image, instead of those that images share.
	 *
	 * @param newQueue
	 * 		not together with {@link #environment}, {@link #workers} and {@link #init}, which
	 * 		are the queue's
	 * @return this builder
	 */
	public PythonImgBuilder< T > queue( final PythonCacheLoaderQueue newQueue )
	{
		queue = Objects.requireNonNull( newQueue, "queue" );
		return this;
	}

	/**
	 * Sets how many bytes of cells the image keeps; more are kept only while they are in
	 * use.
	 *
	 * @param bytes
	 * 		by default a quarter of the memory that its cells may take: of the native memory
	 * 		that the JVM allows, in {@link InterpreterMode#PROCESS} of the shared memory if
	 * 		cells have more than 64 KiB, and of the heap if they are Java arrays
	 * @return this builder
	 */
	public PythonImgBuilder< T > cacheBytes( final long bytes )
	{
		if ( bytes < 0 )
			throw new IllegalArgumentException( "maximum number of bytes is " + bytes + ", expected 0 or more" );
		cacheBytes = bytes;
		return this;
	}

	/**
	 * Sets how long the code may take for a cell, see {@link PythonLoaderOptions#timeout}.
	 *
	 * @param timeout
	 * 		more than zero; no limit by default
	 * @return this builder
	 */
	public PythonImgBuilder< T > timeout( final Duration timeout )
	{
		options = options.timeout( timeout );
		return this;
	}

	/**
	 * Lets cells that cannot be computed be filled with a value, see
	 * {@link PythonLoaderOptions#onErrorFill}. {@link PythonImg#retryFailed()} computes them
	 * again.
	 *
	 * @param value
	 * 		of the pixels; by default, readers get the error
	 * @param listener
	 * 		is told each error once
	 * @return this builder
	 */
	public PythonImgBuilder< T > onErrorFill( final T value, final Consumer< ? super PythonCellException > listener )
	{
		options = options.onErrorFill( value, listener );
		return this;
	}

	/**
	 * Whether it is an error if statements do not write all pixels, see
	 * {@link PythonLoaderOptions#checkWritten}.
	 *
	 * @param checkWritten
	 * 		{@code false} by default
	 * @return this builder
	 */
	public PythonImgBuilder< T > checkWritten( final boolean checkWritten )
	{
		options = options.checkWritten( checkWritten );
		return this;
	}

	/**
	 * Whether the code gets its inputs as contiguous arrays only, see
	 * {@link PythonLoaderOptions#contiguous}.
	 *
	 * @param contiguous
	 * 		{@code false} by default
	 * @return this builder
	 */
	public PythonImgBuilder< T > contiguous( final boolean contiguous )
	{
		options = options.contiguous( contiguous );
		return this;
	}

	/**
	 * Whether the code may write into its inputs, see
	 * {@link PythonLoaderOptions#writableInputs}.
	 *
	 * @param writableInputs
	 * 		{@code false} by default
	 * @return this builder
	 */
	public PythonImgBuilder< T > writableInputs( final boolean writableInputs )
	{
		options = options.writableInputs( writableInputs );
		return this;
	}

	/**
	 * What to do with an input that can only be copied pixel by pixel, see
	 * {@link PythonLoaderOptions#onFallback}.
	 *
	 * @param onFallback
	 * 		accept it by default
	 * @return this builder
	 */
	public PythonImgBuilder< T > onFallback( final OnFallback onFallback )
	{
		options = options.onFallback( onFallback );
		return this;
	}

	/**
	 * The same for scripts.
	 *
	 * @param onFallback
	 * 		{@code accept}, {@code warn} or {@code fail}, in capitals or not
	 * @return this builder
	 */
	public PythonImgBuilder< T > onFallback( final String onFallback )
	{
		for ( final OnFallback known : OnFallback.values() )
			if ( known.name().equalsIgnoreCase( Objects.requireNonNull( onFallback, "onFallback" ).trim() ) )
				return onFallback( known );
		throw new IllegalArgumentException( "onFallback( \"" + onFallback + "\" ) is not known, expected one of " + Arrays.toString( OnFallback.values() ) );
	}

	/**
	 * Name of the image in messages and tracebacks, see {@link PythonLoaderOptions#name}.
	 *
	 * @param name
	 * 		by default that of the function or of the file, or {@code PythonImg}
	 * @return this builder
	 */
	public PythonImgBuilder< T > name( final String name )
	{
		options = options.name( name );
		return this;
	}

	/**
	 * Writes a file for each block that fails, with its inputs, the code and your module that
	 * the code names, so that it can be looked at and run again later, without Java:
	 * {@code python -m imglib2_cache_python.replay FILE}. At most 100 files.
	 *
	 * @param folder
	 * 		gets the files; exists
	 * @return this builder
	 */
	public PythonImgBuilder< T > captureFailures( final Path folder )
	{
		if ( !Files.isDirectory( Objects.requireNonNull( folder, "folder" ) ) )
			throw new IllegalArgumentException( folder.toAbsolutePath() + " is not a folder: failures cannot be captured there" );
		captureFolder = folder;
		return this;
	}

	// ---------------------------------------------------------------- build

	/**
	 * Makes the image. Nothing is computed yet, but the code is checked.
	 *
	 * @return a lazy image
	 * @throws IllegalArgumentException
	 * 		if settings are missing or do not fit together
	 * @throws PythonCodeException
	 * 		if the code is not valid, or a function does not take these inputs and
	 * 		parameters; if the init code fails; or if an array cannot be opened, or its
	 * 		pixels are of a kind that images do not have
	 * @throws PythonEnvironmentException
	 * 		if the Python cannot be used
	 * @throws PythonTrustException
	 * 		if an allow-list lacks the code
	 * @throws PythonClosedException
	 * 		if the queue is closed
	 * @throws PythonInterruptedException
	 * 		if this thread is interrupted meanwhile
	 * @throws IllegalStateException
	 * 		on the thread of a worker
	 */
	public PythonImg< T > build()
	{
		WorkerPool.requireNotOnAWorker( "An image cannot be made" );
		if ( queue != null && ( environment != null || workers != 0 || !init.isEmpty() ) )
			throw new IllegalArgumentException( "the image has a queue and also " + ( environment != null ? "an environment" : workers != 0 ? "a number of workers" : "init code" )
					+ ": give these to the queue, new PythonCacheLoaderQueue( workers, init, environment ), or leave .queue( … ) out" );
		if ( source != null )
		{
			requireNoInputSettings();
			final PythonCacheLoaderQueue opens = queueToUse();
			return new PythonImgBuilder<>( this ).as( SourceDescription.of( source, type, opens ) ).buildBy( opens );
		}
		final PythonImgBuilder< T > opened = new PythonImgBuilder<>( this );
		opened.inputs.replaceAll( PythonInput::opened );
		return opened.buildBy( null );
	}

	/**
	 * Describes the image by text and numbers alone, so that other programs, on other
	 * machines, can make the same image. Nothing is opened or checked by this.
	 *
	 * @return the description
	 * @throws IllegalArgumentException
	 * 		if there are settings that have a meaning in this JVM only, which the message names:
	 * 		inputs that are neither images of Python nor descriptions, {@link #queue},
	 * 		{@link #onErrorFill}, {@link #watch}, and
	 * 		{@link PythonEnvironment#withOutput}
	 */
	public PythonSpec spec()
	{
		final List< String > problems = new ArrayList<>();
		final Map< String, Object > description = description( "", problems );
		if ( !problems.isEmpty() )
			throw new IllegalArgumentException( "the image cannot be described for other programs: " + String.join( "; ", problems ) );
		return new PythonSpec( description );
	}

	/**
	 * @param what
	 * 		what problems begin with
	 * @param problems
	 * 		gets what cannot be described
	 * @return what {@link #described} makes this again of
	 */
	Map< String, Object > description( final String what, final List< String > problems )
	{
		final int before = problems.size();
		final Map< String, Object > its = new LinkedHashMap<>();
		its.put( "source", source == null ? null : code.opened().getOrDefault( SOURCE, source ).values() );
		its.put( "code", code.isOfLibrary() ? null : code.text() );
		its.put( "parameters", code.parameters() );
		its.put( "seed", code.seed() );
		its.put( "init", init );
		final List< Object > described = new ArrayList<>();
		for ( final PythonInput input : inputs )
			described.add( input.description( "input " + described.size(), problems ) );
		its.put( "inputs", described );
		its.put( "halo", halo == Widths.NONE ? null : halo.description() );
		its.put( "border", border.description() );
		its.put( "padToMultiple", multiple );
		its.put( "type", type == null ? null : PixelType.of( type, "the image" ).name() );
		its.put( "dimensions", dimensions );
		its.put( "cellSize", cellSize );
		its.put( "arrays", arrays );
		its.put( "environment", environment == null ? null : environment.description( problems ) );
		its.put( "workers", workers );
		its.put( "cacheBytes", cacheBytes );
		its.put( "captureFailures", captureFolder == null ? null : captureFolder.toString() );
		its.put( "options", options.description( problems ) );
		if ( queue != null )
			problems.add( ".queue( … ) is a queue of this JVM: say .environment( … ), .workers( … ) and .init( … ) instead" );
		if ( watch )
			problems.add( ".watch( true ) would change an image while others compute it: leave it out" );
		for ( int i = before; i < problems.size(); ++i )
			problems.set( i, what + problems.get( i ) );
		return its;
	}

	/**
	 * @param its
	 * 		see {@link #description}
	 * @return settings of the image
	 */
	static PythonImgBuilder< ? > described( final Map< ?, ? > its )
	{
		final OpenedObject source = its.get( "source" ) == null ? null : OpenedObject.of( ( List< ? > ) its.get( "source" ) );
		final String text = ( String ) its.get( "code" );
		final PythonImgBuilder< ? > builder = new PythonImgBuilder<>( text == null ? CODE_OF_SOURCE : CellCode.of( text ), source );
		builder.code = builder.code.withParameters( Cast.unchecked( its.get( "parameters" ) ) ).withSeed( ( Long ) its.get( "seed" ) );
		builder.init = ( String ) its.get( "init" );
		for ( final Object input : ( List< ? > ) its.get( "inputs" ) )
			builder.inputs.add( PythonInput.described( ( Map< ?, ? > ) input ) );
		if ( its.get( "halo" ) != null )
			builder.halo = Widths.described( ( List< ? > ) its.get( "halo" ) );
		builder.border = Border.described( its.get( "border" ) );
		builder.multiple = ( int[] ) its.get( "padToMultiple" );
		builder.type = its.get( "type" ) == null ? null : PixelType.named( ( String ) its.get( "type" ) );
		builder.dimensions = ( long[] ) its.get( "dimensions" );
		builder.cellSize = ( int[] ) its.get( "cellSize" );
		builder.arrays = ( Boolean ) its.get( "arrays" );
		builder.environment = its.get( "environment" ) == null ? null : PythonEnvironment.described( ( Map< ?, ? > ) its.get( "environment" ) );
		builder.workers = ( ( Number ) its.get( "workers" ) ).intValue();
		builder.cacheBytes = ( Long ) its.get( "cacheBytes" );
		builder.options = PythonLoaderOptions.described( ( Map< ?, ? > ) its.get( "options" ) );
		if ( its.get( "captureFailures" ) != null )
			builder.captureFailures( Paths.get( ( String ) its.get( "captureFailures" ) ) );
		return builder;
	}

	private PythonCacheLoaderQueue queueToUse()
	{
		return computes != null ? computes : queue != null ? queue : SharedQueues.get( environmentToUse(), init, workers != 0 ? workers : SharedQueues.defaultNumWorkers() );
	}

	PythonEnvironment environmentToUse()
	{
		return environment != null ? environment : PythonEnvironment.getDefault();
	}

	/**
	 * @param opens
	 * 		the queue, if it is known already
	 */
	private PythonImg< T > buildBy( final PythonCacheLoaderQueue opens )
	{
		final T pixel = Cast.unchecked( type != null ? type : typeOfFirstInput() );
		final long[] dims = dimensions != null ? dimensions : dimensionsOfFirstInput();
		final PixelType< T > pixelType = PixelType.of( pixel, "the image" );
		final CellGrid cells = new CellGrid( dims, cellSizeOf( dims, pixelType ) );
		final ImgGeometry ofCells = new ImgGeometry( cells, halo, border, multiple );
		final Halo overlap = hasHaloInCells ? ofCells.widest( inputs ) : null;
		final CellGrid grid = hasHaloInCells ? ImgGeometry.spreadOut( cells, overlap ) : cells;
		final ImgGeometry geometry = hasHaloInCells ? ofCells.withOverlap( overlap ) : ofCells;
		final PythonLoaderOptions its = options.name( name() );
		final PythonCacheLoaderQueue itsQueue = opens != null ? opens : queueToUse();
		// Before a function is imported: a change from now on is seen.
		final CodeWatch watched = !watch ? null : file != null ? CodeWatch.ofStatements( file, stamp ) : CodeWatch.ofFunction( code.text(), itsQueue );
		final BlockMemory memory = itsQueue.pool().memory();
		final List< BlockInput > sources = new ArrayList<>();
		for ( final PythonInput input : inputs )
			sources.add( input.settings().blocks != null ? input.settings().blocks : geometry.input( input.settings(), sources.size(), its, memory ) );
		final ArrayDataAccess< ? > access = arrays ? Cast.unchecked( ArrayDataAccessFactory.get( pixel.getNativeTypeFactory().getPrimitiveType(), AccessFlags.setOf() ) )
				: Cast.unchecked( pixelType.emptyAccess() );
		final CellSpec< T, ArrayDataAccess< ? > > spec = new CellSpec<>( grid, cellCode(), pixel, access, Halo.empty( dims.length ), overlap, its, sources );
		final CellReader< T, ArrayDataAccess< ? > > reader = new CellReader<>( spec, itsQueue.pool(), itsQueue, new CellFailures() );
		final PythonImg< T > image = new PythonImg<>( new PythonImgBuilder<>( this ).computedBy( itsQueue ), reader, bytesToCache( memory, spec ) );
		if ( watched != null )
			watched.begin( image );
		return image;
	}

	/**
	 * What is not set is as the array is.
	 */
	private PythonImgBuilder< T > as( final SourceDescription described )
	{
		source = described.pinned( source );
		code = code.withOpened( SOURCE, source );
		if ( type == null )
			type = described.type();
		if ( dimensions == null )
			dimensions = described.dimensions();
		described.requireContains( dimensions );
		if ( cellSize == null )
			cellSize = described.cellSize( dimensions, bytesPerPixel( PixelType.of( type, "the image" ) ) );
		return this;
	}

	/**
	 * An image that shows an array has no inputs, so what is said about them would have no effect.
	 */
	private void requireNoInputSettings()
	{
		final String wrong = !inputs.isEmpty() ? "input( … )" : halo != Widths.NONE ? "halo( … )" : multiple.length > 0 ? "padToMultiple( … )" : border != Border.MIRROR_DOUBLE ? "border( … )"
				: options.isContiguous() ? "contiguous( true )" : options.isWritableInputs() ? "writableInputs( true )" : options.getOnFallback() != OnFallback.ACCEPT ? "onFallback( … )" : null;
		if ( wrong != null )
			throw new IllegalArgumentException( "the image shows what " + source.expression().trim() + " opens, and has no inputs: give ." + wrong + " to another image, which has this one as an input" );
		if ( watch )
			throw new IllegalArgumentException( "the image shows what " + source.expression().trim() + " opens, which is not watched: leave .watch( true ) out, and say image.invalidate() when it has changed" );
	}

	/**
	 * Lets an image show another array, of the same shape and dtype.
	 *
	 * @param current
	 * 		of the image
	 * @param name
	 * 		of an argument of what opens the array
	 * @param value
	 * 		its new value
	 * @return code that opens it
	 */
	CellCode withArgument( final CellCode current, final String name, final Object value )
	{
		final OpenedObject changed = current.opened().get( SOURCE ).with( name, value );
		SourceDescription.of( changed, type, computes );
		return current.withOpened( SOURCE, changed );
	}

	/**
	 * @return whether the image shows an array
	 */
	boolean isOfSource()
	{
		return source != null;
	}

	private PythonImgBuilder< T > computedBy( final PythonCacheLoaderQueue its )
	{
		computes = its;
		return this;
	}

	/**
	 * The image is closed.
	 */
	void forgetQueue()
	{
		queue = null;
		computes = null;
	}

	/**
	 * @param imageName
	 * 		name of the image
	 * @return settings of an image whose inputs have twice the halo
	 * @throws IllegalStateException
	 * 		if they have none, and the code is not known to crop
	 */
	PythonImgBuilder< T > withDoubledHalo( final String imageName )
	{
		final PythonImgBuilder< T > doubled = new PythonImgBuilder<>( this );
		doubled.watch = false;
		doubled.captureFolder = null;
		doubled.options = options.name( imageName + " with twice the halo" );
		doubled.halo = halo.doubled();
		doubled.inputs.clear();
		for ( final PythonInput input : inputs )
			doubled.inputs.add( input.withDoubledHalo() );
		if ( doubled.hasHalo() )
			return doubled;
		if ( inputs.isEmpty() )
			throw new IllegalStateException( imageName + " has no input, and so no halo that could be checked" );
		if ( !PythonText.isReference( code.text() ) )
			throw new IllegalStateException( imageName + " has no halo that could be doubled, and its statements may not crop what they write: say .halo( 1 ), let the code use block.halo or block.crops, and check again" );
		// What functions return is cropped.
		doubled.halo = Widths.of( "the halo", HALO_INSTEAD_OF_NONE );
		return doubled;
	}

	/**
	 * @param imageName
	 * 		name of the image
	 * @return settings of an image with the same blocks, whose cells have the pixels of the
	 *         halo, too. In the image, they are side by side
	 * @throws IllegalArgumentException
	 * 		if there is no halo
	 */
	PythonImgBuilder< T > withHaloInCells( final String imageName )
	{
		if ( !hasHalo() )
			throw new IllegalArgumentException( imageName + " has no halo, so that its cells have nothing in common that could overlap: say .halo( … ), about the size of an object, or merge labels that touch, by Rule.faces()" );
		final PythonImgBuilder< T > overlapping = new PythonImgBuilder<>( this );
		overlapping.hasHaloInCells = true;
		overlapping.watch = false;
		overlapping.options = options.name( imageName );
		return overlapping;
	}

	/**
	 * @param its
	 * 		the workers
	 * @param newCode
	 * 		the code
	 * @return settings of an image with as much cache, and the same kind of memory
	 */
	PythonImgBuilder< ? > another( final PythonCacheLoaderQueue its, final String newCode )
	{
		final PythonImgBuilder< T > another = new PythonImgBuilder< T >( newCode ).queue( its );
		another.cacheBytes = cacheBytes;
		another.arrays = arrays;
		return another;
	}

	private boolean hasHalo()
	{
		return inputs.stream().map( PythonInput::settings ).anyMatch( input -> !( input.halo != null ? input.halo : halo ).areZero() );
	}

	/**
	 * @return what messages call the halo
	 */
	String describeHalo()
	{
		final Set< String > all = new LinkedHashSet<>();
		for ( final PythonInput input : inputs )
			all.add( ( input.settings().halo != null ? input.settings().halo : halo ).toString() );
		return String.join( " and ", all );
	}

	/**
	 * @param newCode
	 * 		what the code and the parameters are now
	 */
	void code( final CellCode newCode )
	{
		code = newCode;
	}

	/**
	 * @return what computes the image
	 */
	PythonCacheLoaderQueue queue()
	{
		return computes;
	}

	Widths halo()
	{
		return halo;
	}

	Border border()
	{
		return border;
	}

	/**
	 * @return what sizes of blocks are multiples of
	 */
	int[] multiple()
	{
		return multiple;
	}

	List< PythonInput > inputs()
	{
		return inputs;
	}

	private CellCode cellCode()
	{
		return code
				.withInputNames( inputs.stream().map( input -> input.settings().name ).collect( Collectors.toList() ) )
				.withCaptureFolder( captureFolder )
				.withCheckedSignature();
	}

	/**
	 * @return name of the image
	 */
	String name()
	{
		if ( options.getName() != null )
			return options.getName();
		if ( source != null )
			return nameOf( source );
		return PythonText.isReference( code.text() ) ? PythonText.functionOf( code.text() ) : "PythonImg";
	}

	/**
	 * @return name of the file that is opened, as far as it is known
	 */
	private static String nameOf( final OpenedObject source )
	{
		return Stream.concat( source.positional().stream(), source.keywords().values().stream() ).filter( String.class::isInstance ).map( text -> ( ( String ) text ).replaceAll( "[/\\\\]+$|.*[/\\\\](?=.)", "" ) )
				.filter( name -> !name.trim().isEmpty() ).findFirst().orElseGet( () -> PythonText.isReference( source.expression() ) ? PythonText.functionOf( source.expression() ) : "PythonImg" );
	}

	private NativeType< ? > typeOfFirstInput()
	{
		if ( inputs.isEmpty() )
			throw new IllegalArgumentException( "the image needs a pixel type, because it has no input: say .type( new FloatType() ), for instance" );
		final Object its = inputs.get( 0 ).settings().image.getType();
		if ( its instanceof NativeType )
			return ( NativeType< ? > ) ( ( NativeType< ? > ) its ).createVariable();
		throw new IllegalArgumentException( "the first input has pixels of " + its.getClass().getName() + ", which is no NativeType: convert it, for instance by Converters.convert( … ), and say .type( … )" );
	}

	private long[] dimensionsOfFirstInput()
	{
		if ( inputs.isEmpty() )
			throw new IllegalArgumentException( "the image needs dimensions, because it has no input: say .dimensions( … ) or .like( interval )" );
		return ImgGeometry.dimensionsOf( inputs.get( 0 ).settings() );
	}

	private int[] cellSizeOf( final long[] dims, final PixelType< T > pixelType )
	{
		if ( cellSize == null )
			return ImgGeometry.defaultCellSize( dims, bytesPerPixel( pixelType ) );
		if ( cellSize.length != 1 && cellSize.length != dims.length )
			throw new IllegalArgumentException( "the cell size " + Arrays.toString( cellSize ) + " has " + cellSize.length + " numbers, but the image has " + dims.length + " axes: give one number for all axes, or one per axis" );
		final int[] size = new int[ dims.length ];
		for ( int d = 0; d < size.length; ++d )
			size[ d ] = cellSize[ cellSize.length == 1 ? 0 : d ];
		return size;
	}

	private static double bytesPerPixel( final PixelType< ? > pixelType )
	{
		// Some have less than one.
		return pixelType.numStorageBytes( new long[] { 8 } ) / 8.;
	}

	private long bytesToCache( final BlockMemory memory, final CellSpec< ?, ? > spec )
	{
		if ( cacheBytes >= 0 )
			return cacheBytes;
		return ( arrays ? Runtime.getRuntime().maxMemory() : memory.cellLimit( spec.maxCellBytes() ) ) / 4;
	}
}
