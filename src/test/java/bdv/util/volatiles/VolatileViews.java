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
package bdv.util.volatiles;

import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.function.Predicate;

import bdv.cache.SharedQueue;
import net.imglib2.cache.img.CachedCellImg;
import net.imglib2.img.cell.Cell;

/**
 * Stands in for BigDataViewer's volatile views, in the test of
 * {@code examples/bigdataviewer}: keeps cells in a cache of its own, which other threads
 * load.
 */
public final class VolatileViews
{
	private VolatileViews()
	{}

	public static View wrapAsVolatile( final CachedCellImg< ?, ? > img, final SharedQueue queue )
	{
		return new View( img, queue );
	}

	/**
	 * The view, its data, its image, and the image's cache: they are one object here.
	 */
	public static final class View
	{
		private final CachedCellImg< ?, ? > img;

		private final SharedQueue queue;

		private final Map< Long, CompletableFuture< Cell< ? > > > cells = new ConcurrentHashMap<>();

		private View( final CachedCellImg< ?, ? > img, final SharedQueue queue )
		{
			this.img = img;
			this.queue = queue;
		}

		public View getVolatileViewData()
		{
			return this;
		}

		public View getImg()
		{
			return this;
		}

		public View getCache()
		{
			return this;
		}

		/**
		 * @return the cell, when it is loaded; the same one until it is invalidated
		 */
		public CompletableFuture< Cell< ? > > get( final long cell )
		{
			return cells.computeIfAbsent( cell, key -> CompletableFuture.supplyAsync( () -> load( key ), queue.fetchers() ) );
		}

		private Cell< ? > load( final Long cell )
		{
			try
			{
				return img.getCache().get( cell );
			}
			catch ( final ExecutionException e )
			{
				throw new CompletionException( e );
			}
		}

		/**
		 * Waits for cells that are being loaded, and also invalidates the image, as
		 * BigDataViewer does.
		 */
		public void invalidateIf( final Predicate< Long > condition )
		{
			cells.values().forEach( CompletableFuture::join );
			cells.keySet().removeIf( condition );
			img.getCache().invalidateIf( condition );
		}
	}
}
