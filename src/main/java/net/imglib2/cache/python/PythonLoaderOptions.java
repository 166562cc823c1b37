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
import java.util.Objects;
import java.util.function.Consumer;

import net.imglib2.blocks.PrimitiveBlocks.OnFallback;
import net.imglib2.type.NativeType;

/**
 * Optional settings of a {@link PythonCacheLoader}. Immutable; the setters return
 * a changed copy.
 */
public final class PythonLoaderOptions
{
	private static final PythonLoaderOptions DEFAULT = new PythonLoaderOptions( new Settings() );

	private final Settings settings;

	/**
	 * @param settings
	 * 		not changed any more
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
	 * 		{@code IllegalArgumentException} when the loader is made
	 * @return changed copy
	 */
	public PythonLoaderOptions onFallback( final OnFallback newOnFallback )
	{
		Objects.requireNonNull( newOnFallback, "onFallback" );
		return with( changed -> changed.onFallback = newOnFallback );
	}

	/**
	 * Which arrays the code gets for inputs. An input that is not copied can have
	 * gaps between rows and, through views, axes in any order and direction. That
	 * is slower to compute with, and some compiled packages refuse it.
	 *
	 * @param newContiguous
	 * 		whether to have arrays in C order without gaps only, by a copy if need
	 * 		be; {@code false} by default
	 * @return changed copy
	 */
	public PythonLoaderOptions contiguous( final boolean newContiguous )
	{
		return with( changed -> changed.contiguous = newContiguous );
	}

	/**
	 * Whether the code may write into its inputs, for functions that work in place.
	 * What it writes there is seen by this block alone: an input that would not be
	 * copied otherwise is. Inputs are read-only by default.
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
	 * What messages call the loader, also tracebacks, which call its code
	 * {@code <name>}, and thread dumps, in the name of the thread that computes its
	 * cells unless these take almost no time. Of loaders that have the same name, all
	 * but the first have a number after it there.
	 *
	 * @param newName
	 * 		the name; {@code PythonCacheLoader} and a number by default
	 * @return changed copy
	 */
	public PythonLoaderOptions name( final String newName )
	{
		if ( Objects.requireNonNull( newName, "name" ).trim().isEmpty() )
			throw new IllegalArgumentException( "the name of the loader is empty" );
		return with( changed -> changed.name = newName );
	}

	/**
	 * Readers of a cell for which the code fails get a {@link PythonCellException}.
	 * This is the default.
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
	 * Readers of a cell for which the code fails get a cell that is filled with a
	 * value: for viewers, which cannot do much with an exception. A closed queue, an
	 * interrupt, and what is not the code's fault, such as a lack of native memory, are
	 * exceptions still.
	 * <p>
	 * The filled cell is cached like any other. {@link PythonCacheLoader#retry},
	 * {@link PythonCacheLoader#retryAll}, and to invalidate it in the image's cache,
	 * let the next read compute it anew. Caches on top of that cache, those of
	 * volatile views for instance, have to be invalidated themselves, see
	 * {@link PythonCacheLoader#onInvalidate}.
	 *
	 * @param <T>
	 * 		pixel type of the image
	 * @param value
	 * 		what all pixels of the cell get: a value that is seen, and that the code
	 * 		does not compute. {@code NaN} looks like what a viewer has not loaded yet.
	 * @param listener
	 * 		told what happened, once for each cell until that is computed,
	 * 		invalidated or to be retried (and once more where thousands of cells
	 * 		fail). Called on threads that read the image, several at a time, when the
	 * 		cell is in the cache (in an own cache that was given the loader, where that
	 * 		loads it). What it throws is logged.
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
	 * Whether code that does not write every pixel of {@code block.data} fails. Pixels
	 * that it does not write are zero otherwise.
	 * <p>
	 * This is for tests: where pixels are zero when the code has run, it runs once
	 * more, on an array of other values, and pixels that then keep these were not
	 * written. So the code has to do the same both times. What it adds to a pixel,
	 * instead of assigning it, counts as written only if it is not zero. Functions,
	 * {@code package.module:function}, always write all.
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
	 * How long the code may run for a cell. When that has passed, readers get a
	 * {@link PythonTimeoutException}, which says where the code is, less than half a
	 * second later, and the code is cancelled: an exception is raised in it. Code
	 * that does not end then, in two seconds, because it is in a function in C
	 * ({@code time.sleep}, a lock) or catches everything, occupies its interpreter for
	 * good, and another one takes the place of that.
	 * <p>
	 * The time that a cell waits for an interpreter does not count.
	 *
	 * @param newTimeout
	 * 		the time, or {@code null} for no limit, which is the default
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
	 * @return whether inputs are in C order without gaps
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
	 * @return what messages call the loader, {@code null} for the default
	 */
	public String getName()
	{
		return settings.name;
	}

	/**
	 * @return copy of the value that cells get for which the code fails,
	 *         {@code null} if their readers get an exception
	 */
	public NativeType< ? > getFillValue()
	{
		return settings.fillValue == null ? null : ( NativeType< ? > ) settings.fillValue.copy();
	}

	/**
	 * @return what is told of cells that are filled, {@code null} if none are
	 */
	public Consumer< ? super PythonCellException > getErrorListener()
	{
		return settings.errorListener;
	}

	/**
	 * @return whether code that does not write every pixel fails
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
	 * A new setting is a field here, with its default, and two methods above.
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
