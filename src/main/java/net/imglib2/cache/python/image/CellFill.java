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

import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.logging.Level;
import java.util.logging.Logger;

import net.imglib2.Interval;
import net.imglib2.cache.python.PythonCellException;
import net.imglib2.cache.python.block.BlockMemory;
import net.imglib2.cache.python.block.CellOutput;
import net.imglib2.cache.python.type.PixelType;
import net.imglib2.img.basictypeaccess.array.ArrayDataAccess;
import net.imglib2.img.cell.Cell;
import net.imglib2.type.NativeType;
import net.imglib2.util.Cast;
import net.imglib2.util.Util;

/**
 * Fills the cells of a loader that cannot be computed with a value, if the user
 * wants that, and tells the user's listener why.
 * <p>
 * Thread-safe.
 *
 * @param <T>
 * 		pixel type
 * @param <A>
 * 		access to the pixels of a cell
 */
final class CellFill< T extends NativeType< T >, A extends ArrayDataAccess< ? > >
{
	private static final Logger LOG = Logger.getLogger( CellReader.class.getName() );

	private final CellSpec< T, A > spec;

	private final PixelType< T > pixelType;

	/**
	 * {@code null} if cells are not filled.
	 */
	private final T value;

	private final Consumer< ? super PythonCellException > listener;

	private final BlockMemory memory;

	private final CellFailures failures;

	/**
	 * Cells that were filled since they were retried last. Some of them may have been
	 * computed since.
	 */
	private final Set< Long > filled = ConcurrentHashMap.newKeySet();

	/**
	 * @param spec
	 * 		which value, and which cells
	 * @param memory
	 * 		where the pixels are put
	 * @param failures
	 * 		of the loader
	 */
	CellFill( final CellSpec< T, A > spec, final BlockMemory memory, final CellFailures failures )
	{
		this.spec = spec;
		pixelType = spec.pixelType();
		value = spec.fillValue();
		listener = spec.options().getErrorListener();
		this.memory = memory;
		this.failures = failures;
	}

	/**
	 * @param cell
	 * 		index of the cell
	 * @param interval
	 * 		interval of the cell
	 * @param sample
	 * 		an access of the kind that the cell shall have
	 * @param error
	 * 		why it could not be computed
	 * @return the filled cell
	 * @throws PythonCellException
	 * 		the error, if cells are not filled
	 */
	Cell< A > fillOrThrow( final Long cell, final Interval interval, final A sample, final PythonCellException error )
	{
		if ( value == null )
			throw error;
		filled.add( cell );
		final long[] dims = interval.dimensionsAsLongArray();
		final CellOutput output = new CellOutput( pixelType, sample, dims, memory );
		final A pixels = Cast.unchecked( output.access() );
		output.release();
		pixelType.image( pixels, dims ).forEach( pixel -> pixelType.copy( value, pixel ) );
		CellOutput.setClean( pixels );
		return new FilledCell<>( Util.long2int( dims ), spec.minInImage( cell ), pixels, error, () -> {
			if ( failures.markReported( cell ) )
				report( error );
		} );
	}

	private void report( final PythonCellException error )
	{
		try
		{
			listener.accept( error );
		}
		// Whatever a listener does: the reader has a cell.
		catch ( final Throwable t )
		{
			LOG.log( Level.WARNING, "The listener of " + error.getLoaderName() + " failed when it was told: " + error.getMessage(), t );
		}
	}

	/**
	 * @return whether the cell was filled since the last call
	 */
	boolean retry( final Long cell )
	{
		return filled.remove( cell );
	}

	/**
	 * @return cells that were filled since they were retried last
	 */
	Set< Long > retryAll()
	{
		final Set< Long > retried = new HashSet<>( filled );
		filled.removeAll( retried );
		return retried;
	}
}
