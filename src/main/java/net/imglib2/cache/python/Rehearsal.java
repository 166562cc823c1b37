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

import java.util.Collections;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.logging.Level;
import java.util.logging.Logger;

import net.imglib2.Interval;
import net.imglib2.cache.img.CachedCellImg;
import net.imglib2.cache.python.block.BlockArray;
import net.imglib2.cache.python.block.BlockInput;
import net.imglib2.cache.python.block.BlockMemory;
import net.imglib2.cache.python.block.CellOutput;
import net.imglib2.cache.python.block.DirectMemory;
import net.imglib2.cache.python.image.CellReader;
import net.imglib2.cache.python.image.CellSpec;
import net.imglib2.cache.python.protocol.BlockRequest;
import net.imglib2.cache.python.protocol.CellCode;
import net.imglib2.cache.ref.GuardedStrongRefLoaderCache;
import net.imglib2.img.array.ArrayImgs;
import net.imglib2.img.basictypeaccess.array.ArrayDataAccess;
import net.imglib2.img.cell.Cell;
import net.imglib2.img.cell.CellGrid;
import net.imglib2.type.numeric.real.FloatType;
import net.imglib2.util.Cast;
import net.imglib2.view.Views;

/**
 * Makes and reads an image of a few pixels, without Python. The JVM loads 400 classes for
 * the first image, which takes a tenth of a second; done while the first Python starts,
 * it costs no time.
 */
final class Rehearsal
{
	private static final Logger LOG = Logger.getLogger( Rehearsal.class.getName() );

	private static final long[] DIMENSIONS = { 2, 3 };

	private static final int[] CELL_SIZE = { 2, 2 };

	private static final AtomicBoolean BEGUN = new AtomicBoolean();

	private Rehearsal()
	{}

	/**
	 * Does nothing when called again.
	 */
	static void once()
	{
		if ( BEGUN.getAndSet( true ) )
			return;
		try
		{
			run();
		}
		// Whatever it is, it is the concern of the first image, not of this one.
		catch ( final Exception | LinkageError e )
		{
			LOG.log( Level.FINE, "The first image could not be rehearsed", e );
		}
	}

	private static void run() throws Exception
	{
		final BlockMemory memory = new DirectMemory();
		final CellGrid grid = new CellGrid( DIMENSIONS, CELL_SIZE );
		final Halo halo = new Halo( 1, 1 );
		final PythonLoaderOptions options = PythonLoaderOptions.options();
		final List< BlockInput > inputs = BlockInputs.ofImages( grid, halo, options, memory, Collections.singletonList( Views.extendMirrorDouble( ArrayImgs.floats( DIMENSIONS ) ) ) );
		final FloatType type = new FloatType();
		final ArrayDataAccess< ? > access = ArrayImgs.floats( 1 ).update( null );
		final CellSpec< FloatType, ArrayDataAccess< ? > > spec = new CellSpec<>( grid, CellCode.of( "" ), type, access, halo, options, inputs );
		final Interval interval = spec.interval( 0 );
		final BlockArray input = spec.inputs().get( 0 ).get( interval );
		final CellOutput output = new CellOutput( spec.pixelType(), access, interval.dimensionsAsLongArray(), memory );
		new BlockRequest( null, 0, interval, new int[ DIMENSIONS.length ], new BlockArray[] { output.array(), input } ).release( 0 );
		final Cell< ArrayDataAccess< ? > > cell = new Cell<>( CELL_SIZE, interval.minAsLongArray(), Cast.unchecked( output.access() ) );
		output.release();
		final GuardedStrongRefLoaderCache< Long, Cell< ArrayDataAccess< ? > > > cells = new GuardedStrongRefLoaderCache<>( 1 );
		new CachedCellImg<>( grid, type, cells.withLoader( key -> cell ), access ).getAt( 0, 0 ).get();
		Class.forName( CellReader.class.getName() );
	}
}
