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
package bdv.util;

import java.awt.event.WindowListener;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Semaphore;

import javax.swing.JComponent;

import bdv.cache.CacheControl;
import bdv.util.volatiles.VolatileViews;

/**
 * Stands in for BigDataViewer, in the test of {@code examples/bigdataviewer}.
 */
public final class BdvFunctions
{
	private BdvFunctions()
	{}

	public static Viewer show( final VolatileViews.View view, final String name, final Bdv options )
	{
		return new Viewer( view );
	}

	/**
	 * The source, its handle, and the parts of the window: they are one object here.
	 */
	public static final class Viewer
	{
		public final VolatileViews.View view;

		/**
		 * One permit for each time that somebody has asked for a repaint.
		 */
		public final Semaphore repaints = new Semaphore( 0 );

		public final CompletableFuture< JComponent > card = new CompletableFuture<>();

		public final CompletableFuture< WindowListener > listener = new CompletableFuture<>();

		private final List< CacheControl > controls = new CopyOnWriteArrayList<>();

		private Viewer( final VolatileViews.View view )
		{
			this.view = view;
		}

		public void setDisplayRange( final double min, final double max )
		{}

		public Viewer getBdvHandle()
		{
			return this;
		}

		public Viewer getViewerPanel()
		{
			return this;
		}

		public void requestRepaint()
		{
			repaints.release();
		}

		public Viewer getCacheControls()
		{
			return this;
		}

		public void addCacheControl( final CacheControl control )
		{
			controls.add( control );
		}

		/**
		 * As each frame does, on the thread that paints.
		 */
		public void beginFrame()
		{
			controls.forEach( CacheControl::prepareNextFrame );
		}

		public Viewer getCardPanel()
		{
			return this;
		}

		public boolean addCard( final String title, final JComponent component, final boolean expanded )
		{
			return card.complete( component );
		}

		public void setCardExpanded( final Object key, final boolean expanded )
		{}

		public Viewer getSplitPanel()
		{
			return this;
		}

		public void setCollapsed( final boolean collapsed )
		{}

		public Viewer getBigDataViewer()
		{
			return this;
		}

		public Viewer getViewerFrame()
		{
			return this;
		}

		public void addWindowListener( final WindowListener windowListener )
		{
			listener.complete( windowListener );
		}

		public void removeWindowListener( final WindowListener windowListener )
		{}
	}
}
