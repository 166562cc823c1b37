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

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.function.BiFunction;

import net.imglib2.Interval;
import net.imglib2.cache.Cache;
import net.imglib2.cache.python.PythonCellException;
import net.imglib2.cache.python.worker.Background;
import net.imglib2.img.cell.Cell;

/**
 * The blocks of an image that are written into a sink. Each is a cell of another image, the
 * writer, whose code does that: a worker takes it as it takes all cells. Thread-safe.
 */
public final class WrittenBlocks implements CellsInParallel.Cells
{
	private final CellReader< ?, ? > writer;

	private final BitSet written;

	private final BiFunction< Long, PythonCellException, PythonCellException > describe;

	/**
	 * The image and its cache; {@code null} if blocks are made of what is written already.
	 */
	private final CellReader< ?, ? > image;

	private final Cache< Long, ? extends Cell< ? > > cache;

	/**
	 * One permit if blocks must be written one after the other, else {@code null}.
	 */
	private final Semaphore turn;

	private final int numThreads;

	private WrittenBlocks( final CellReader< ?, ? > writer, final BitSet written, final BiFunction< Long, PythonCellException, PythonCellException > describe,
			final CellReader< ?, ? > image, final Cache< Long, ? extends Cell< ? > > cache, final long blockBytes, final boolean oneWriter )
	{
		this.writer = writer;
		this.written = written;
		this.describe = describe;
		this.image = image;
		this.cache = cache;
		turn = oneWriter ? new Semaphore( 1 ) : null;
		numThreads = writer.numReaders( blockBytes );
	}

	/**
	 * @param writer
	 * 		has one cell for each block; its input is the image
	 * @param written
	 * 		which blocks need not be written
	 * @param describe
	 * 		makes of the number of a block, and what its writer has failed with, what the user
	 * 		is told
	 * @param image
	 * 		computes the cells
	 * @param cache
	 * 		of the image
	 * @param blockBytes
	 * 		size of a block
	 * @param oneWriter
	 * 		whether blocks must be written one after the other
	 */
	public static WrittenBlocks ofImage( final CellReader< ?, ? > writer, final BitSet written, final BiFunction< Long, PythonCellException, PythonCellException > describe,
			final CellReader< ?, ? > image, final Cache< Long, ? extends Cell< ? > > cache, final long blockBytes, final boolean oneWriter )
	{
		return new WrittenBlocks( writer, written, describe, image, cache, blockBytes, oneWriter );
	}

	/**
	 * @param writer
	 * 		has one cell for each block, and no inputs
	 */
	public static WrittenBlocks ofWritten( final CellReader< ?, ? > writer, final BitSet written, final BiFunction< Long, PythonCellException, PythonCellException > describe )
	{
		return new WrittenBlocks( writer, written, describe, null, null, Long.MAX_VALUE, false );
	}

	@Override
	public String threadName()
	{
		return writer.name() + "_write";
	}

	@Override
	public long number()
	{
		return writer.spec().numCells();
	}

	@Override
	public int numThreads()
	{
		return numThreads;
	}

	@Override
	public boolean compute( final long i ) throws Exception
	{
		if ( written.get( Math.toIntExact( i ) ) )
			return false;
		Background.call( () -> {
			final List< Cell< ? > > cells = image == null ? null : computed( writer.spec().inputs().get( 0 ).interval( writer.spec().interval( i ) ) );
			write( i );
			// Until now, the cache does not drop them.
			return cells;
		} );
		return true;
	}

	/**
	 * @return the cells that have these pixels, none of which has failed
	 */
	private List< Cell< ? > > computed( final Interval block ) throws Exception
	{
		final CellRange range = new CellRange( image.spec().grid(), block );
		final List< Cell< ? > > cells = new ArrayList<>();
		for ( long i = 0; i < range.numCells(); ++i )
		{
			final Cell< ? > cell = CellsOfImage.get( cache, range.index( i ) );
			if ( cell instanceof FilledCell )
				throw ( ( FilledCell< ? > ) cell ).error();
			cells.add( cell );
		}
		return cells;
	}

	private void write( final long i ) throws Exception
	{
		if ( turn != null )
			turn.acquire();
		boolean hasEnded = true;
		try
		{
			// It is the end: from now on, nothing is begun.
			if ( Thread.currentThread().isInterrupted() )
				throw new InterruptedException();
			writer.read( i, writer.failures().count() );
		}
		catch ( final InterruptedException e )
		{
			// Python may go on. Other threads, which will be interrupted, too, do not begin meanwhile.
			hasEnded = false;
			throw e;
		}
		catch ( final PythonCellException e )
		{
			throw e.getCause() instanceof PythonCellException ? ( PythonCellException ) e.getCause() : describe.apply( i, e );
		}
		finally
		{
			if ( turn != null && hasEnded )
				turn.release();
		}
	}

	/**
	 * Waits until nothing is written any more. To be called when the computation has ended.
	 *
	 * @throws InterruptedException
	 * 		if this thread is interrupted
	 */
	public void awaitEnd() throws InterruptedException
	{
		writer.awaitDetached();
	}

	/**
	 * Lets the workers forget how to write.
	 */
	public void close()
	{
		writer.close();
	}
}
