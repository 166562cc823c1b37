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

import java.lang.reflect.Array;
import java.nio.file.FileSystems;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

import net.imglib2.cache.python.protocol.OpenedObject;
import net.imglib2.cache.python.type.PixelType;
import net.imglib2.type.numeric.ARGBType;

/**
 * Where an image is written to, see {@link PythonImg#writeTo(PythonSink)}. Immutable: the
 * setters return a changed copy.
 *
 * <pre>{@code
 * image.writeTo( PythonSink.zarr( Paths.get( "nuclei.zarr" ) )
 * 		.axes( "x", "y", "z" ).scale( 0.26, 0.26, 0.29 ).units( "micrometer" )
 * 		.levels( 3 ) );
 * }</pre>
 *
 * As everywhere in Java, axes are in ImgLib2's order: x comes first. The files have them in
 * numpy's order.
 * <p>
 * Methods that take one value per axis take one list or array of them, too. What is wrong is
 * an {@code IllegalArgumentException}, in {@code writeTo} at the latest.
 */
public final class PythonSink
{
	/**
	 * Where a zarr array is; {@code null} if the sink is something else.
	 */
	private final Path path;

	private final OpenedObject opened;

	/**
	 * As Python knows them; what is not set is missing.
	 */
	private final Map< String, Object > options;

	/**
	 * In numpy's order, one for all axes or one per axis; empty: as cells.
	 */
	private final List< Object > chunkSize;

	private final boolean resume;

	private final boolean overwrite;

	private PythonSink( final Path path, final OpenedObject opened, final Map< String, Object > options, final List< Object > chunkSize, final boolean resume, final boolean overwrite )
	{
		this.path = path;
		this.opened = opened;
		this.options = options;
		this.chunkSize = chunkSize;
		this.resume = resume;
		this.overwrite = overwrite;
	}

	/**
	 * A zarr array, or, with one of {@link #omeZarr}, {@link #axes}, {@link #units},
	 * {@link #scale} and {@link #levels}, an OME-Zarr image. Needs the Python package zarr.
	 *
	 * @param path
	 * 		a folder that does not exist yet, or is empty; see {@link #resume} and
	 * 		{@link #overwrite}
	 * @return the sink
	 */
	public static PythonSink zarr( final Path path )
	{
		if ( Objects.requireNonNull( path, "path" ).getFileSystem() != FileSystems.getDefault() )
			throw new IllegalArgumentException( "the path " + path + " is of " + path.getFileSystem() + ", which Python does not know: give a folder" );
		return new PythonSink( path.toAbsolutePath().normalize(), null, Collections.emptyMap(), Collections.emptyList(), false, false );
	}

	/**
	 * An array that Python opens for writing, and that has the dimensions and the type of the
	 * image.
	 * <p>
	 * It is written by {@code array[slices] = pixels}, in blocks of whole chunks, if it has
	 * {@code chunks} (or {@code shards}). Arrays of zarr and memory maps of numpy are opened
	 * once by each worker. Other arrays, for instance of HDF5 files, cannot be written by
	 * several processes: they are written block after block, and opened for each block.
	 *
	 * @param expression
	 * 		a function or an expression, see {@link PythonImg#openBuilder}, for instance
	 * 		{@code "h5py.File(path, 'r+')['volume']"}; but it does not see what init code has
	 * 		defined. {@link PythonTrust} holds for it
	 * @param arguments
	 * 		see {@link PythonImg#openBuilder}
	 * @return the sink
	 * @throws IllegalArgumentException
	 * 		if Python cannot have such an argument
	 */
	public static PythonSink to( final String expression, final Object... arguments )
	{
		return new PythonSink( null, PythonImgBuilder.opened( expression, arguments ), Collections.emptyMap(), Collections.emptyList(), false, false );
	}

	/**
	 * Makes it an OME-Zarr image.
	 *
	 * @param version
	 * 		{@code 0.4}, which has zarr's format 2, or {@code 0.5}, which has 3; {@code 0.4} by
	 * 		default
	 * @return changed copy
	 */
	public PythonSink omeZarr( final String version )
	{
		return with( "ome", Objects.requireNonNull( version, "version" ) );
	}

	/**
	 * Names of the axes of an OME-Zarr image: two or three of {@code x}, {@code y} and
	 * {@code z}, then at most one other axis, for instance the channel {@code c}, then at most
	 * the time {@code t}.
	 *
	 * @param names
	 * 		one for each axis; by default the first ones of x, y, z, c, t
	 * @return changed copy
	 */
	public PythonSink axes( final Object... names )
	{
		return with( "axes", reversed( texts( "the axes", names, false ) ) );
	}

	/**
	 * Units of the axes of an OME-Zarr image, for instance {@code micrometer} and
	 * {@code second}.
	 *
	 * @param units
	 * 		one for all axes of space, or one for each axis, {@code null} where there is none;
	 * 		none by default
	 * @return changed copy
	 */
	public PythonSink units( final Object... units )
	{
		final List< Object > texts = texts( "the units", units, true );
		return with( "units", texts.size() == 1 ? texts.get( 0 ) : reversed( texts ) );
	}

	/**
	 * Size of a pixel of an OME-Zarr image, in the units.
	 *
	 * @param sizes
	 * 		above 0, one for all axes or one for each; 1 by default
	 * @return changed copy
	 */
	public PythonSink scale( final Object... sizes )
	{
		final List< Object > numbers = new ArrayList<>();
		for ( final Object size : entries( "the scale", sizes ) )
		{
			if ( !( size instanceof Number ) )
				throw new IllegalArgumentException( "the scale has " + size + ", expected numbers above 0" );
			numbers.add( ( ( Number ) size ).doubleValue() );
		}
		return with( "scale", reversed( numbers ) );
	}

	/**
	 * How many images the pyramid of an OME-Zarr image has. Each is computed of the one before
	 * it, when that is complete.
	 *
	 * @param number
	 * 		1 or more: the image itself is the first one; 1 by default
	 * @param factors
	 * 		how much smaller each is than the one before it, one for each axis; by default 2
	 * 		along the axes of space
	 * @return changed copy
	 */
	public PythonSink levels( final int number, final Object... factors )
	{
		final PythonSink changed = with( "levels", number );
		return factors.length == 0 ? changed : changed.with( "steps", reversed( whole( "the factors between levels", factors ) ) );
	}

	/**
	 * How pixels of the next level are computed.
	 *
	 * @param method
	 * 		{@code mean}; or {@code nearest}, which takes one of the pixels, for labels;
	 * 		{@code mean} by default
	 * @return changed copy
	 */
	public PythonSink downscale( final String method )
	{
		return with( "downscale", Objects.requireNonNull( method, "method" ) );
	}

	/**
	 * Format of a plain zarr array.
	 *
	 * @param format
	 * 		2, which all readers know, or 3; 2 by default
	 * @return changed copy
	 */
	public PythonSink zarrFormat( final int format )
	{
		return with( "zarr_format", format );
	}

	/**
	 * Size of the chunks of a zarr array. Blocks of whole chunks and whole cells are written
	 * at the same time, so these should be multiples of each other.
	 *
	 * @param size
	 * 		one number for all axes, or one for each; that of the cells by default
	 * @return changed copy
	 */
	public PythonSink chunkSize( final Object... size )
	{
		requireZarr( "chunkSize" );
		return new PythonSink( path, opened, options, reversed( whole( "the size of chunks", size ) ), resume, overwrite );
	}

	/**
	 * Whether to go on with a zarr array that is not complete, because it was cancelled, cells
	 * failed, or the program was killed: only chunks that are missing are written. If there is
	 * nothing, it is begun. An image of other settings than before is refused.
	 *
	 * @param newResume
	 * 		{@code false} by default
	 * @return changed copy
	 */
	public PythonSink resume( final boolean newResume )
	{
		requireZarr( "resume" );
		return new PythonSink( path, opened, options, chunkSize, newResume, overwrite );
	}

	/**
	 * Whether to delete a zarr array or group that is there.
	 *
	 * @param newOverwrite
	 * 		{@code false} by default: it is an error if there is something
	 * @return changed copy
	 */
	public PythonSink overwrite( final boolean newOverwrite )
	{
		requireZarr( "overwrite" );
		return new PythonSink( path, opened, options, chunkSize, resume, newOverwrite );
	}

	private PythonSink with( final String option, final Object value )
	{
		requireZarr( option );
		final Map< String, Object > changed = new LinkedHashMap<>( options );
		changed.put( option, value );
		return new PythonSink( path, opened, changed, chunkSize, resume, overwrite );
	}

	private void requireZarr( final String what )
	{
		if ( path == null )
			throw new IllegalArgumentException( what + " is a setting of PythonSink.zarr( path ), which makes the array and knows what is written there; " + this + " is open already" );
	}

	// ------------------------------------------------------------- for writing

	/**
	 * @throws IllegalArgumentException
	 * 		if it cannot have such pixels
	 */
	void requireFits( final PixelType< ? > type )
	{
		final String name = type.type().getClass().getSimpleName();
		if ( type.components() != 1 )
			throw new IllegalArgumentException( "a pixel of " + name + " has " + type.components() + " numbers, but one of an array has one: write an image that has an axis for them" );
		if ( type.type() instanceof ARGBType && isOme() )
			throw new IllegalArgumentException( "an OME-Zarr image has no pixels of " + name + ": write an image that has an axis of channels, for instance Converters.argbChannels( image )" );
	}

	private boolean isOme()
	{
		return options.keySet().stream().anyMatch( option -> !option.equals( "zarr_format" ) );
	}

	/**
	 * @return whether it deletes what is there
	 */
	boolean isOverwriting()
	{
		return overwrite;
	}

	/**
	 * @return the folder of a zarr array; {@code null} if it is something else
	 */
	String path()
	{
		return path == null ? null : path.toString();
	}

	/**
	 * @return what opens the array; {@code null} if it is a zarr array that this library makes
	 */
	OpenedObject opened()
	{
		return opened;
	}

	/**
	 * @return what Python has to know of it
	 */
	Map< String, Object > values()
	{
		final Map< String, Object > values = new LinkedHashMap<>();
		if ( path == null )
			values.put( "opened", opened.values() );
		else
		{
			values.put( "path", path() );
			values.put( "options", options );
			values.put( "chunks", chunkSize );
			values.put( "resume", resume );
			values.put( "overwrite", overwrite );
		}
		return values;
	}

	/**
	 * @return path or expression
	 */
	@Override
	public String toString()
	{
		return path == null ? opened.expression().trim() : path();
	}

	// ------------------------------------------------------------ values of scripts

	private static List< Object > whole( final String what, final Object[] given )
	{
		final List< Object > numbers = new ArrayList<>();
		for ( final int number : WholeNumbers.intsPerAxis( what, 1, given ) )
			numbers.add( number );
		return numbers;
	}

	private static List< Object > texts( final String what, final Object[] given, final boolean orNull )
	{
		final List< Object > texts = new ArrayList<>();
		for ( final Object entry : entries( what, given ) )
		{
			if ( !( entry instanceof CharSequence ) && !( orNull && entry == null ) )
				throw new IllegalArgumentException( what + " have " + entry + ", expected text" );
			texts.add( entry == null ? null : entry.toString() );
		}
		return texts;
	}

	private static Collection< ? > entries( final String what, final Object[] given )
	{
		Objects.requireNonNull( given, what );
		final Object first = given.length == 1 ? given[ 0 ] : null;
		// Nashorn's arrays are maps.
		if ( first instanceof Map )
			return ( ( Map< ?, ? > ) first ).values();
		if ( first instanceof Collection )
			return ( Collection< ? > ) first;
		if ( first == null || !first.getClass().isArray() )
			return Arrays.asList( given );
		final List< Object > entries = new ArrayList<>();
		for ( int i = 0; i < Array.getLength( first ); ++i )
			entries.add( Array.get( first, i ) );
		return entries;
	}

	/**
	 * From ImgLib2's order of axes to numpy's.
	 */
	private static List< Object > reversed( final List< Object > values )
	{
		final List< Object > reversed = new ArrayList<>( values );
		Collections.reverse( reversed );
		return reversed;
	}
}
