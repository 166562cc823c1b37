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

import java.nio.file.Path;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.Predicate;

import net.imglib2.FinalInterval;
import net.imglib2.Interval;
import net.imglib2.cache.img.CachedCellImg;
import net.imglib2.cache.python.image.CellReader;
import net.imglib2.cache.python.protocol.CellCode;
import net.imglib2.img.basictypeaccess.DataAccess;
import net.imglib2.img.basictypeaccess.array.ArrayDataAccess;
import net.imglib2.img.cell.Cell;
import net.imglib2.type.NativeType;
import net.imglib2.util.Cast;
import net.imglib2.util.Intervals;

/**
 * A lazy image whose cells are computed by Python code when they are read, and cached.
 *
 * <pre>{@code
 * final PythonImg< FloatType > smooth = PythonImg.builder( "scipy.ndimage:gaussian_filter" )
 * 		.input( image )
 * 		.parameter( "sigma", 2 )
 * 		.halo( 8 )
 * 		.type( new FloatType() )
 * 		.build();
 * }</pre>
 *
 * It is an ordinary image of ImgLib2, which every viewer and every algorithm takes.
 * Thread-safe. Reading a pixel of a cell that is not cached blocks until it is computed,
 * and throws a {@link PythonCellException}, perhaps as a cause, if the code fails;
 * {@link PythonCacheLoader#get} says when such a cell is computed again.
 *
 * @param <T>
 * 		pixel type
 */
public final class PythonImg< T extends NativeType< T > > extends CachedCellImg< T, DataAccess >
{
	private final PythonImgBuilder< T > settings;

	private final CellReader< T, ArrayDataAccess< ? > > reader;

	/**
	 * @param settings
	 * 		of this image alone; their queue is the one that computes it
	 */
	PythonImg( final PythonImgBuilder< T > settings, final CellReader< T, ArrayDataAccess< ? > > reader, final long cacheBytes )
	{
		this( settings, reader, new WeightBoundedLoaderCache<>( cacheBytes, cell -> reader.spec().pixelType().numStorageBytes( cell.size() ) ) );
	}

	private PythonImg( final PythonImgBuilder< T > settings, final CellReader< T, ArrayDataAccess< ? > > reader, final WeightBoundedLoaderCache< Long, Cell< ArrayDataAccess< ? > > > cells )
	{
		super( reader.spec().grid(), reader.spec().type(), Cast.unchecked( reader.createCache( cells ) ), Cast.unchecked( reader.spec().access() ) );
		this.settings = settings;
		this.reader = reader;
	}

	/**
	 * An image that is computed by code.
	 *
	 * @param code
	 * 		one of
	 * 		<ul>
	 * 		<li>statements, which see {@code block}, the parameters and the inputs that have
	 * 		a name, and write into {@code block.data}. They may be indented, as code in a
	 * 		script is;</li>
	 * 		<li>a function, {@code "package.module:function"} or
	 * 		{@code "/path/file.py:function"}: it gets the inputs in their order, those that
	 * 		have a name by it, the parameters as keyword arguments, and {@code block} if it
	 * 		has an argument of that name. It returns an array of the cell's shape, or of the
	 * 		shape of an input with its halo, which is cropped.</li>
	 * 		</ul>
	 * @return settings of the image
	 */
	public static PythonImgBuilder< ? > builder( final String code )
	{
		return new PythonImgBuilder<>( code );
	}

	/**
	 * An image that is computed by statements in a file.
	 *
	 * @param file
	 * 		Python statements in UTF-8
	 * @return settings of the image
	 * @throws IllegalArgumentException
	 * 		if the file cannot be read
	 */
	public static PythonImgBuilder< ? > builder( final Path file )
	{
		return new PythonImgBuilder<>( file );
	}

	// --------------------------------------------------------------- change

	/**
	 * Changes a parameter. All cells are dropped, and what is being computed with the old
	 * value is cancelled. Once this has returned, no reader gets pixels of the old value.
	 * Images that have this one as an input drop their cells, too.
	 *
	 * @param name
	 * 		name of the parameter
	 * @param value
	 * 		see {@link PythonImgBuilder#parameter}
	 * @throws IllegalArgumentException
	 * 		if Python cannot have such a value
	 * @throws PythonCodeException
	 * 		if a function does not take it; then nothing has changed
	 */
	public synchronized void parameter( final String name, final Object value )
	{
		change( reader.code().withParameter( name, value ) );
	}

	/**
	 * Changes the code, as {@link #parameter} changes a parameter.
	 *
	 * @param code
	 * 		see {@link #builder(String)}
	 * @throws PythonCodeException
	 * 		if it is not valid; then nothing has changed
	 */
	public synchronized void code( final String code )
	{
		change( reader.code().withText( PythonText.dedented( Objects.requireNonNull( code, "code" ) ) ) );
	}

	/**
	 * The file of the code, or of the function that the code names, has changed.
	 *
	 * @param text
	 * 		the new text; {@code null} if the code names a function
	 */
	synchronized void codeChanged( final String text )
	{
		change( text == null ? reader.code() : reader.code().withText( text ) );
	}

	private void change( final CellCode code )
	{
		reader.change( code );
		settings.code( code );
	}

	/**
	 * Drops all cells, for instance because an input has changed that is not lazy. The same
	 * happens in images that have this one as an input.
	 */
	public void invalidate()
	{
		reader.invalidateIf( cell -> true );
	}

	/**
	 * Drops the cells that an interval intersects.
	 *
	 * @param interval
	 * 		in pixels of this image
	 */
	public void invalidate( final Interval interval )
	{
		if ( interval.numDimensions() != numDimensions() )
			throw new IllegalArgumentException( "the interval " + Intervals.toString( interval ) + " has " + interval.numDimensions() + " axes, the image has " + numDimensions() );
		final Interval copy = new FinalInterval( interval );
		reader.invalidateIf( cell -> !Intervals.isEmpty( Intervals.intersect( copy, reader.spec().interval( cell ) ) ) );
	}

	/**
	 * Lets cells that failed be computed again when they are read next, without a pause. See
	 * {@link PythonCacheLoader#retryAll()}.
	 */
	public void retryFailed()
	{
		reader.retryAll();
	}

	/**
	 * Registers a listener that is told which cells were invalidated, see
	 * {@link PythonCacheLoader#onInvalidate}.
	 *
	 * @param listener
	 * 		is told; this image refers to it until it is removed
	 * @return removes the listener when it is run
	 */
	public Runnable onInvalidate( final Consumer< ? super Predicate< Long > > listener )
	{
		return reader.onInvalidate( Objects.requireNonNull( listener, "listener" ) );
	}

	// ------------------------------------------------------------------ know

	/**
	 * How the pixels of an input get to Python.
	 *
	 * @param input
	 * 		number of the input, from 0 on
	 * @param cell
	 * 		index of the cell that is computed; the cells of the input that it needs are
	 * 		loaded
	 * @return the way
	 */
	public InputWay getInputWay( final int input, final long cell )
	{
		return reader.inputWay( input, cell );
	}

	PythonCacheLoaderQueue queue()
	{
		return settings.queue();
	}
}
