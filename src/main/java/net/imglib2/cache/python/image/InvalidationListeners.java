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

/**
 * The listeners that a loader notifies of invalidated cells.
 * <p>
 * Thread-safe.
 */
final class InvalidationListeners
{
	private static final Logger LOG = Logger.getLogger( CellReader.class.getName() );

	private final List< Listener > listeners = new CopyOnWriteArrayList<>();

	private final ThreadLocal< Boolean > notifying = new ThreadLocal<>();

	/**
	 * @return removes the listener when it is run
	 */
	Runnable add( final Consumer< ? super Predicate< Long > > listener )
	{
		final Listener added = new Listener( listener );
		listeners.add( added );
		return () -> listeners.remove( added );
	}

	/**
	 * Notifies all. The caller holds no lock. Listeners are not notified of what a
	 * listener invalidates itself: a volatile cache invalidates the cache below it.
	 *
	 * @param cells
	 * 		condition that is true for the invalidated cells
	 */
	void invalidated( final Predicate< Long > cells )
	{
		if ( listeners.isEmpty() || notifying.get() != null )
			return;
		notifying.set( true );
		try
		{
			listeners.forEach( listener -> listener.invalidated( cells ) );
		}
		finally
		{
			notifying.remove();
		}
	}

	/**
	 * One registration; the same listener may be registered twice.
	 */
	private static final class Listener
	{
		private final Consumer< ? super Predicate< Long > > listener;

		Listener( final Consumer< ? super Predicate< Long > > listener )
		{
			this.listener = listener;
		}

		void invalidated( final Predicate< Long > cells )
		{
			try
			{
				listener.accept( cells );
			}
			// The cells are invalidated all the same, and the other listeners must be notified.
			catch ( final Throwable t )
			{
				LOG.log( Level.WARNING, "A listener failed when it was told which cells were invalidated", t );
			}
		}
	}
}
