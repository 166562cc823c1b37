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

import java.util.concurrent.ExecutionException;

import net.imglib2.Interval;
import net.imglib2.cache.Cache;
import net.imglib2.cache.python.worker.Background;
import net.imglib2.cache.python.worker.Crossing;
import net.imglib2.img.cell.Cell;

/**
 * The cells of an image that an interval intersects, which are computed in the background:
 * whoever reads the image meanwhile comes first. They get into the cache of the image, which
 * may drop them. Thread-safe.
 */
public final class CellsOfImage implements CellsInParallel.Cells
{
	private final CellReader< ?, ? > reader;

	private final Cache< Long, ? extends Cell< ? > > cache;

	private final CellRange range;

	private final int numReaders;

	/**
	 * @param reader
	 * 		computes the cells
	 * @param cache
	 * 		of the image
	 * @param interval
	 * 		in pixels
	 * @param numReaders
	 * 		how many threads read cells
	 */
	public CellsOfImage( final CellReader< ?, ? > reader, final Cache< Long, ? extends Cell< ? > > cache, final Interval interval, final int numReaders )
	{
		this.numReaders = numReaders;
		this.reader = reader;
		this.cache = cache;
		range = new CellRange( reader.spec().grid(), interval );
	}

	@Override
	public String threadName()
	{
		return reader.name() + "_compute";
	}

	@Override
	public long number()
	{
		return range.numCells();
	}

	@Override
	public int numThreads()
	{
		return numReaders;
	}

	@Override
	public boolean compute( final long i ) throws Exception
	{
		final long cell = range.index( i );
		final Cell< ? > present = cache.getIfPresent( cell );
		final Cell< ? > got = present != null ? present : Background.call( () -> get( cache, cell ) );
		if ( got instanceof FilledCell )
			throw ( ( FilledCell< ? > ) got ).error();
		if ( present != null )
			reader.metrics().hit();
		return present == null;
	}

	/**
	 * @return the cell
	 * @throws Exception
	 * 		why there is none
	 */
	static Cell< ? > get( final Cache< Long, ? extends Cell< ? > > cache, final long cell ) throws Exception
	{
		try
		{
			return cache.get( cell );
		}
		catch ( final ExecutionException e )
		{
			if ( e.getCause() instanceof Error )
				throw ( Error ) e.getCause();
			throw e.getCause() instanceof Exception ? ( Exception ) e.getCause() : Crossing.forThisThread( e.getCause() );
		}
	}
}
