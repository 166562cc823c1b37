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

import java.lang.ref.WeakReference;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;

import net.imglib2.RandomAccessible;

/**
 * The images of this JVM that were opened from descriptions: one for each. The last ones stay
 * open although nobody may have them, because the next task may come soon. Thread-safe.
 */
final class OpenedSpecs
{
	/**
	 * Each has a cache of its own.
	 */
	private static final int NUM_KEPT = 4;

	private static final Map< PythonSpec, Opened > OPENED = new HashMap<>();

	/**
	 * The images that were asked for last, the latest at the end; guarded by the map.
	 */
	private static final Deque< PythonImg< ? > > KEPT = new ArrayDeque<>();

	private static final class Opened
	{
		private final ReentrantLock opening = new ReentrantLock();

		private volatile WeakReference< PythonImg< ? > > reference = new WeakReference<>( null );

		/**
		 * Threads that ask for it now; guarded by the map.
		 */
		private int users;

		private PythonImg< ? > get( final PythonSpec spec )
		{
			final PythonImg< ? > present = openOrNull();
			if ( present != null )
				return present;
			try
			{
				opening.lockInterruptibly();
			}
			catch ( final InterruptedException e )
			{
				Thread.currentThread().interrupt();
				throw new PythonInterruptedException( "Interrupted while another thread opened " + spec, e );
			}
			try
			{
				final PythonImg< ? > opened = openOrNull();
				if ( opened != null )
					return opened;
				final PythonImg< ? > image = spec.build();
				reference = new WeakReference<>( image );
				return image;
			}
			finally
			{
				opening.unlock();
			}
		}

		private PythonImg< ? > openOrNull()
		{
			final PythonImg< ? > image = reference.get();
			return image != null && isOpen( image ) ? image : null;
		}

		boolean isDead()
		{
			return users == 0 && reference.get() == null;
		}
	}

	private OpenedSpecs()
	{}

	/**
	 * @return whether neither the image nor one that it is computed of is closed
	 */
	private static boolean isOpen( final RandomAccessible< ? > image )
	{
		if ( !( image instanceof PythonImg ) )
			return true;
		final PythonImg< ? > its = ( PythonImg< ? > ) image;
		return !its.isClosed() && its.settings().inputs().stream().allMatch( input -> isOpen( input.settings().image ) );
	}

	/**
	 * @param spec
	 * 		of an image
	 * @return the image
	 */
	static PythonImg< ? > get( final PythonSpec spec )
	{
		final Opened opened;
		synchronized ( OPENED )
		{
			OPENED.values().removeIf( Opened::isDead );
			opened = OPENED.computeIfAbsent( spec, key -> new Opened() );
			++opened.users;
		}
		try
		{
			// To open one can take long. Other images do not wait for it.
			final PythonImg< ? > image = opened.get( spec );
			keep( image );
			return image;
		}
		finally
		{
			synchronized ( OPENED )
			{
				--opened.users;
			}
		}
	}

	private static void keep( final PythonImg< ? > image )
	{
		synchronized ( OPENED )
		{
			KEPT.removeIf( other -> other == image || other.isClosed() );
			KEPT.addLast( image );
			if ( KEPT.size() > NUM_KEPT )
				KEPT.removeFirst();
		}
	}
}
