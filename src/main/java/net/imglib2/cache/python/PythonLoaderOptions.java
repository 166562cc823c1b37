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

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;

import net.imglib2.blocks.PrimitiveBlocks.OnFallback;
import net.imglib2.type.NativeType;

/**
 * Optional settings of a {@link PythonCacheLoader}. Immutable: the setters return a
 * changed copy.
 */
public final class PythonLoaderOptions
{
	private static final PythonLoaderOptions DEFAULT = new PythonLoaderOptions( new Settings() );

	private final Settings settings;

	/**
	 * @param settings
	 * 		not changed from now on
	 */
	private PythonLoaderOptions( final Settings settings )
	{
		this.settings = settings;
	}

	private PythonLoaderOptions with( final Consumer< Settings > change )
	{
		final Settings changed = settings.clone();
		change.accept( changed );
		return new PythonLoaderOptions( changed );
	}

	/**
	 * @return the defaults
	 */
	public static PythonLoaderOptions options()
	{
		return DEFAULT;
	}

	/**
	 * What to do with an input that can only be copied pixel by pixel
	 * ({@link InputWay#PIXELS}), which is ten to fifty times slower than the other
	 * ways.
	 *
	 * @param newOnFallback
	 * 		accept it (default), write a warning to the log, or fail with an
	 * 		{@code IllegalArgumentException}, when the loader is made
	 * @return changed copy
	 */
	public PythonLoaderOptions onFallback( final OnFallback newOnFallback )
	{
		Objects.requireNonNull( newOnFallback, "onFallback" );
		return with( changed -> changed.onFallback = newOnFallback );
	}

	/**
	 * Whether the code gets its inputs as contiguous arrays only. An input that is not
	 * copied can have gaps between rows and, through views, axes in any order and
	 * direction. Computing with such an array is slower, and some compiled packages
	 * refuse it.
	 *
	 * @param newContiguous
	 * 		whether all arrays are in C order without gaps, copied if necessary;
	 * 		{@code false} by default
	 * @return changed copy
	 */
	public PythonLoaderOptions contiguous( final boolean newContiguous )
	{
		return with( changed -> changed.contiguous = newContiguous );
	}

	/**
	 * Whether the code may write into its inputs, for functions that work in place. Only
	 * this block sees what it writes there, so all inputs are copied.
	 *
	 * @param newWritableInputs
	 * 		whether inputs can be written; {@code false} by default
	 * @return changed copy
	 */
	public PythonLoaderOptions writableInputs( final boolean newWritableInputs )
	{
		return with( changed -> changed.writableInputs = newWritableInputs );
	}

	/**
	 * Name of the loader in messages. Tracebacks call its code {@code <name>}. Thread
	 * dumps have it in the name of the thread that computes its cells, unless these take
	 * almost no time. In tracebacks and thread dumps, a number follows the name if
	 * an earlier loader has the same.
	 *
	 * @param newName
	 * 		the name; {@code PythonCacheLoader} and a number by default
	 * @return changed copy
	 */
	public PythonLoaderOptions name( final String newName )
	{
		if ( Objects.requireNonNull( newName, "name" ).trim().isEmpty() )
			throw new IllegalArgumentException( "the name is empty: leave it out, or give one for messages" );
		return with( changed -> changed.name = newName );
	}

	/**
	 * If the code fails for a cell, its readers get a {@link PythonCellException}. This
	 * is the default.
	 *
	 * @return changed copy
	 */
	public PythonLoaderOptions onErrorThrow()
	{
		return with( changed -> {
			changed.fillValue = null;
			changed.errorListener = null;
		} );
	}

	/**
	 * If the code fails for a cell, its readers get a cell that is filled with a value.
	 * This is for viewers, which cannot do much with an exception. Readers still get an
	 * exception if it is not the code that fails: if the queue is closed, the reader is
	 * interrupted, or no native memory is left, for instance.
	 * <p>
	 * The filled cell is cached like any other. The next read computes it again after
	 * {@link PythonCacheLoader#retry} or {@link PythonCacheLoader#retryAll}, or when it
	 * was invalidated in the image's cache. Caches on top of that cache, for instance of
	 * volatile views, must be invalidated separately, see
	 * {@link PythonCacheLoader#onInvalidate}.
	 *
	 * @param <T>
	 * 		pixel type of the image
	 * @param value
	 * 		value of all pixels of the cell. Choose one that is easy to see, and that
	 * 		the code does not compute. {@code NaN} looks like what a viewer has not
	 * 		loaded yet.
	 * @param listener
	 * 		is told what happened, once for each cell until that is computed,
	 * 		invalidated or retried (possibly again if thousands of cells fail). The
	 * 		threads that read the image call it, several at a time, when the cell is in
	 * 		the cache. For a cache of your own that uses the loader directly, they call
	 * 		it while the cell is loaded. What it throws is logged.
	 * @return changed copy
	 */
	public < T extends NativeType< T > > PythonLoaderOptions onErrorFill( final T value, final Consumer< ? super PythonCellException > listener )
	{
		final T newFillValue = Objects.requireNonNull( value, "value" ).copy();
		Objects.requireNonNull( listener, "listener" );
		return with( changed -> {
			changed.fillValue = newFillValue;
			changed.errorListener = listener;
		} );
	}

	/**
	 * Whether it is an error if the code does not write every pixel of
	 * {@code block.data}. Otherwise, pixels that it does not write are zero.
	 * <p>
	 * This is for tests. If some pixels are zero after the code has run, it runs again on
	 * an array with other values, and the pixels that keep these values were not
	 * written. So the code must do the same both times. Adding zero to a pixel does not
	 * count as writing it. Functions ({@code package.module:function}) always write all
	 * pixels.
	 *
	 * @param newCheckWritten
	 * 		whether to check that; {@code false} by default
	 * @return changed copy
	 */
	public PythonLoaderOptions checkWritten( final boolean newCheckWritten )
	{
		return with( changed -> changed.checkWritten = newCheckWritten );
	}

	/**
	 * How long the code may run for a cell. Less than half a second after that time,
	 * readers get a {@link PythonTimeoutException}, which says where the code is, and the
	 * code is cancelled: an exception is raised in it. Code that is in a function in C
	 * ({@code time.sleep}, a lock), or that catches every exception, does not end. After
	 * two seconds, another interpreter takes the place of the one that it occupies.
	 * <p>
	 * The time during which a cell waits for an interpreter does not count.
	 *
	 * @param newTimeout
	 * 		the limit, or {@code null} for none, which is the default
	 * @return changed copy
	 * @throws IllegalArgumentException
	 * 		if the time is not positive
	 */
	public PythonLoaderOptions timeout( final Duration newTimeout )
	{
		if ( newTimeout != null && ( newTimeout.isZero() || newTimeout.isNegative() ) )
			throw new IllegalArgumentException( "the timeout is " + newTimeout + ", expected a positive duration, or null for none" );
		return with( changed -> changed.timeout = newTimeout );
	}

	/**
	 * @return what to do with an input that can only be copied pixel by pixel
	 */
	public OnFallback getOnFallback()
	{
		return settings.onFallback;
	}

	/**
	 * @return whether the code gets its inputs as contiguous arrays only
	 */
	public boolean isContiguous()
	{
		return settings.contiguous;
	}

	/**
	 * @return whether the code may write into its inputs
	 */
	public boolean isWritableInputs()
	{
		return settings.writableInputs;
	}

	/**
	 * @return name of the loader, {@code null} for the default
	 */
	public String getName()
	{
		return settings.name;
	}

	/**
	 * @return copy of the value that fills cells for which the code fails, {@code null}
	 *         if their readers get an exception
	 */
	public NativeType< ? > getFillValue()
	{
		return settings.fillValue == null ? null : ( NativeType< ? > ) settings.fillValue.copy();
	}

	/**
	 * @return listener that is told of filled cells, {@code null} if none are filled
	 */
	public Consumer< ? super PythonCellException > getErrorListener()
	{
		return settings.errorListener;
	}

	/**
	 * @return whether it is an error if the code does not write every pixel
	 */
	public boolean isCheckWritten()
	{
		return settings.checkWritten;
	}

	/**
	 * @return how long the code may run for a cell, {@code null} if there is no limit
	 */
	public Duration getTimeout()
	{
		return settings.timeout;
	}

	/**
	 * @param problems
	 * 		gets what cannot be described
	 * @return what {@link #described} makes this again of
	 */
	Map< String, Object > description( final List< String > problems )
	{
		if ( settings.errorListener != null )
			problems.add( ".onErrorFill( … ) has a listener, which is an object of this JVM: leave it out, so that failures are errors" );
		final Map< String, Object > its = new LinkedHashMap<>();
		its.put( "onFallback", settings.onFallback.name() );
		its.put( "contiguous", settings.contiguous );
		its.put( "writableInputs", settings.writableInputs );
		its.put( "name", settings.name );
		its.put( "checkWritten", settings.checkWritten );
		its.put( "timeout", settings.timeout == null ? null : settings.timeout.toString() );
		return its;
	}

	/**
	 * @param its
	 * 		see {@link #description}
	 * @return the options
	 */
	static PythonLoaderOptions described( final Map< ?, ? > its )
	{
		return options().with( changed -> {
			changed.onFallback = OnFallback.valueOf( ( String ) its.get( "onFallback" ) );
			changed.contiguous = ( Boolean ) its.get( "contiguous" );
			changed.writableInputs = ( Boolean ) its.get( "writableInputs" );
			changed.name = ( String ) its.get( "name" );
			changed.checkWritten = ( Boolean ) its.get( "checkWritten" );
			changed.timeout = its.get( "timeout" ) == null ? null : Duration.parse( ( String ) its.get( "timeout" ) );
		} );
	}

	/**
	 * A new setting needs a field here, with its default, a setter and a getter above, and a
	 * line in the description.
	 */
	private static final class Settings implements Cloneable
	{
		private OnFallback onFallback = OnFallback.ACCEPT;

		private boolean contiguous;

		private boolean writableInputs;

		private String name;

		private NativeType< ? > fillValue;

		private Consumer< ? super PythonCellException > errorListener;

		private boolean checkWritten;

		private Duration timeout;

		@Override
		protected Settings clone()
		{
			try
			{
				return ( Settings ) super.clone();
			}
			catch ( final CloneNotSupportedException e )
			{
				throw new AssertionError( e );
			}
		}
	}
}
