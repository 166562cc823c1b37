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
package net.imglib2.cache.img;

import net.imglib2.cache.Cache;
import net.imglib2.img.ImgFactory;
import net.imglib2.img.basictypeaccess.DataAccess;
import net.imglib2.img.cell.Cell;
import net.imglib2.img.cell.CellGrid;
import net.imglib2.img.cell.CellImgFactory;
import net.imglib2.img.cell.LazyCellImg;
import net.imglib2.type.NativeType;
import net.imglib2.util.Fraction;

/**
 * An image whose cells come from a {@link Cache}: a cell that the cache does not
 * hold is loaded when one of its pixels is read.
 * <p>
 * Several threads may read, each with its own cursors and random accesses.
 * Values that are written into a cell are lost when the cache drops it.
 * <p>
 * When a cell cannot be loaded, the access to the pixel throws a
 * {@code RuntimeException}, whose cause is the {@code ExecutionException} of the
 * cache, whose cause is the exception of the loader. The cursor or random access
 * is not usable any more. A new one tries again.
 *
 * @param <T>
 *            pixel type
 * @param <A>
 *            type of the data of a cell
 */
public class CachedCellImg< T extends NativeType< T >, A extends DataAccess > extends LazyCellImg< T, A >
{
	private final Cache< Long, Cell< A > > cache;

	private final A accessType;

	/**
	 * Creates an image whose pixel type the caller must set by
	 * {@link #setLinkedType}.
	 *
	 * @param grid
	 *            size of the image and its cells
	 * @param entitiesPerPixel
	 *            how many primitive values make up a pixel
	 * @param cache
	 *            gives the cell for each index in {@code grid}
	 * @param accessType
	 *            an instance of the type of the data of the cells
	 */
	public CachedCellImg(
			final CellGrid grid,
			final Fraction entitiesPerPixel,
			final Cache< Long, Cell< A > > cache,
			final A accessType )
	{
		super( grid, entitiesPerPixel, cache.unchecked()::get );
		this.cache = cache;
		this.accessType = accessType;
	}

	/**
	 * Creates an image.
	 *
	 * @param grid
	 *            size of the image and its cells
	 * @param type
	 *            an instance of the pixel type
	 * @param cache
	 *            gives the cell for each index in {@code grid}
	 * @param accessType
	 *            an instance of the type of the data of the cells
	 */
	public CachedCellImg(
			final CellGrid grid,
			final T type,
			final Cache< Long, Cell< A > > cache,
			final A accessType )
	{
		super( grid, type, cache.unchecked()::get );
		this.cache = cache;
		this.accessType = accessType;
	}

	/**
	 * The cache that holds the cells.
	 *
	 * @return the cache that was passed to the constructor
	 */
	public Cache< Long, Cell< A > > getCache()
	{
		return cache;
	}

	/**
	 * An instance of the type of the data of the cells. Unlike the method that it
	 * overrides, it loads no cell.
	 *
	 * @return the instance that was passed to the constructor
	 */
	@Override
	public A getAccessType()
	{
		return accessType;
	}

	/**
	 * Creates writable images of the same pixel type.
	 *
	 * @return a factory of images in memory, with the default size of cells
	 */
	@Override
	public ImgFactory< T > factory()
	{
		return new CellImgFactory<>( linkedType );
	}
}
