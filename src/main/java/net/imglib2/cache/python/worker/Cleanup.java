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
package net.imglib2.cache.python.worker;

import java.lang.ref.PhantomReference;
import java.lang.ref.ReferenceQueue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * Runs actions when objects have been collected that nobody has closed, on a thread of
 * its own. (Java 8 has no {@code Cleaner}.) Thread-safe.
 *
 * <pre>
 * {@code
 * // The action must not refer to the image.
 * Cleanup.whenCollected( image, () -> pool.closeWhenIdle() );
 * }
 * </pre>
 */
public final class Cleanup
{
	private static final Logger LOG = Logger.getLogger( Cleanup.class.getName() );

	private static final ReferenceQueue< Object > COLLECTED = new ReferenceQueue<>();

	/**
	 * A reference that is itself collected is never enqueued.
	 */
	private static final Set< Collected > WATCHED = ConcurrentHashMap.newKeySet();

	static
	{
		LibraryThreads.create( "imglib2-cache-python_cleanup", Cleanup::run ).start();
	}

	private Cleanup()
	{}

	/**
	 * Runs an action when an object has been collected.
	 *
	 * @param object
	 * 		the object
	 * @param action
	 * 		must take little time, and must not refer to the object
	 * @return lets nothing happen when the object is collected, unless that has happened
	 *         already
	 */
	public static Runnable whenCollected( final Object object, final Runnable action )
	{
		final Collected collected = new Collected( object, action );
		WATCHED.add( collected );
		return () -> WATCHED.remove( collected );
	}

	private static void run()
	{
		while ( true )
			try
			{
				final Collected collected = ( Collected ) COLLECTED.remove();
				WATCHED.remove( collected );
				collected.action.run();
			}
			catch ( final Throwable t )
			{
				// The next actions must run all the same.
				LOG.log( Level.WARNING, "Something that nobody uses any more could not be cleaned up", t );
			}
	}

	private static final class Collected extends PhantomReference< Object >
	{
		private final Runnable action;

		Collected( final Object object, final Runnable action )
		{
			super( object, COLLECTED );
			this.action = action;
		}
	}
}
