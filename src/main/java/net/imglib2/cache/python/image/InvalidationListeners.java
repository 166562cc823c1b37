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
package net.imglib2.cache.python.image;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.logging.Level;
import java.util.logging.Logger;

import net.imglib2.cache.python.PythonCacheLoader;

/**
 * Whom a loader tells which cells were invalidated.
 * <p>
 * Thread-safe.
 */
public final class InvalidationListeners
{
	private static final Logger LOG = Logger.getLogger( PythonCacheLoader.class.getName() );

	private final List< Listener > listeners = new CopyOnWriteArrayList<>();

	private final ThreadLocal< Boolean > telling = new ThreadLocal<>();

	/**
	 * @return ends it
	 */
	public Runnable add( final Consumer< ? super Predicate< Long > > listener )
	{
		final Listener added = new Listener( listener );
		listeners.add( added );
		return () -> listeners.remove( added );
	}

	/**
	 * The caller holds no lock. What a listener invalidates itself is not told: a
	 * volatile cache invalidates the cache that it is upon.
	 *
	 * @param cells
	 * 		tells which ones were invalidated
	 */
	public void tell( final Predicate< Long > cells )
	{
		if ( listeners.isEmpty() || telling.get() != null )
			return;
		telling.set( true );
		try
		{
			listeners.forEach( listener -> listener.tell( cells ) );
		}
		finally
		{
			telling.remove();
		}
	}

	/**
	 * One registration: a listener can have several.
	 */
	private static final class Listener
	{
		private final Consumer< ? super Predicate< Long > > listener;

		Listener( final Consumer< ? super Predicate< Long > > listener )
		{
			this.listener = listener;
		}

		public void tell( final Predicate< Long > cells )
		{
			try
			{
				listener.accept( cells );
			}
			// The cells are invalidated, whatever a listener does, and the others are to know.
			catch ( final Throwable t )
			{
				LOG.log( Level.WARNING, "A listener failed when it was told which cells were invalidated", t );
			}
		}
	}
}
