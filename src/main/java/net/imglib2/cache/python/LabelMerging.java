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

import java.util.Arrays;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;

import net.imglib2.FinalInterval;
import net.imglib2.Interval;
import net.imglib2.RandomAccessible;
import net.imglib2.cache.python.block.BlockArray;
import net.imglib2.cache.python.block.BlockInput;
import net.imglib2.cache.python.block.BlockMemory;
import net.imglib2.cache.python.block.Footprint;
import net.imglib2.cache.python.block.PixelSource;
import net.imglib2.cache.python.image.CellReader;
import net.imglib2.cache.python.type.Dtype;
import net.imglib2.cache.python.type.PixelType;
import net.imglib2.cache.python.worker.WorkerPool;
import net.imglib2.img.array.ArrayImgs;
import net.imglib2.img.cell.CellGrid;
import net.imglib2.type.NativeType;
import net.imglib2.type.numeric.integer.LongType;
import net.imglib2.type.numeric.integer.UnsignedByteType;
import net.imglib2.type.numeric.integer.UnsignedIntType;
import net.imglib2.util.Cast;
import net.imglib2.util.ImgUtil;
import net.imglib2.util.IntervalIndexer;
import net.imglib2.util.Util;

/**
 * Merges the labels of cells, anew when they have changed. Python decides which belong
 * together: {@code labels.py}. Thread-safe.
 */
final class LabelMerging
{
	private static final String MODULE = "imglib2_cache_python.labels:";

	private static final Set< Dtype > INTEGERS = EnumSet.of( Dtype.INT8, Dtype.UINT8, Dtype.INT16, Dtype.UINT16, Dtype.INT32, Dtype.UINT32, Dtype.INT64, Dtype.UINT64 );

	private static final long MAX_LABELS = ( 1L << 32 ) - 1;

	/**
	 * The table has two rows, in one array.
	 */
	private static final long MAX_COLUMNS = 1000000000;

	/**
	 * Columns of the table that come in one block.
	 */
	private static final int COLUMNS_PER_BLOCK = 1 << 17;

	private static final AtomicLong LAST = new AtomicLong();

	private final PythonImg< ? > labels;

	private final PythonLabels.Rule rule;

	private final CellGrid grid;

	private final PythonCacheLoaderQueue queue;

	/**
	 * A single worker, which keeps what it has collected from block to block.
	 */
	private final PythonCacheLoaderQueue collector;

	private final ReentrantLock merges = new ReentrantLock();

	private volatile Merged merged;

	/**
	 * What the cell was read of whose table this thread reads next: labels that change in
	 * between are not looked up in the table of others.
	 */
	private final ThreadLocal< Merged > ofThisCell = new ThreadLocal<>();

	/**
	 * Why there is no result for the version of {@link #failedVersion}; guarded by the lock.
	 */
	private PythonCellException failure;

	private long failedVersion;

	/**
	 * What has become of the labels.
	 */
	private final class Merged
	{
		/**
		 * {@link CellReader#version()} of the labels that were read.
		 */
		private final long version;

		/**
		 * Has the labels: the image that the user gave, or one whose cells overlap.
		 */
		private final PixelSource cells;

		private final CellGrid gridOfCells;

		private final Halo overlap;

		private final PixelSource table;

		/**
		 * First column of each cell, and the end.
		 */
		private final int[] starts;

		Merged( final long version, final PythonImg< ? > cells, final long[] table )
		{
			this.version = version;
			final PythonLoaderOptions options = PythonLoaderOptions.options();
			final BlockMemory memory = queue.pool().memory();
			gridOfCells = cells.getCellGrid();
			overlap = cells.reader().spec().overlap();
			this.cells = BlockInputs.source( cells, "the labels of cells", cells, options, memory );
			final int columns = table.length / 2;
			final RandomAccessible< ? > image = ArrayImgs.unsignedLongs( table, columns, 2 );
			this.table = BlockInputs.source( image, "the table of labels", new FinalInterval( columns, 2 ), options, memory );
			starts = new int[ numCells() + 1 ];
			// The background comes first in each cell.
			int cell = 0;
			for ( int i = 0; i < columns; ++i )
				if ( table[ i ] == 0 )
					starts[ cell++ ] = i;
			starts[ cell ] = columns;
		}

		boolean isUpToDate()
		{
			return version == labels.reader().version();
		}

		/**
		 * @return where a cell of the labels is in the image that has them, without what cells
		 *         have in common
		 */
		Interval place( final Interval cell )
		{
			final long[] min = gridPosition( cell );
			Arrays.setAll( min, d -> min[ d ] * gridOfCells.cellDimension( d ) + overlap.getLowerCopy()[ d ] );
			return FinalInterval.createMinSize( min, cell.dimensionsAsLongArray() );
		}

		BlockArray table( final Interval cell ) throws Exception
		{
			final int index = ( int ) IntervalIndexer.positionToIndex( gridPosition( cell ), grid.getGridDimensions() );
			return table.get( FinalInterval.createMinMax( starts[ index ], 0, starts[ index + 1 ] - 1, 1 ) );
		}
	}

	/**
	 * A part of what has become of the labels, as an input. It depends on all labels.
	 */
	private abstract class Source implements PixelSource
	{
		@Override
		public List< RandomAccessible< ? > > roots()
		{
			return Collections.singletonList( labels );
		}

		BlockInput asInput()
		{
			return new BlockInput( this, Footprint.of( Halo.empty( labels.numDimensions() ) ) );
		}
	}

	private LabelMerging( final PythonImg< ? > labels, final PythonLabels.Rule rule )
	{
		this.labels = labels;
		this.rule = rule;
		grid = labels.getCellGrid();
		if ( labels.reader().spec().numCells() > MAX_COLUMNS )
			throw new IllegalArgumentException( labels.reader().name() + " has " + labels.reader().spec().numCells() + " cells, expected at most " + MAX_COLUMNS + ": choose larger cells by .cellSize( … )" );
		labels.reader().requireOpen();
		queue = labels.queue();
		collector = SharedQueues.single( queue.environment(), LabelMerging.class );
	}

	/**
	 * See {@link PythonLabels#merge(PythonImg, PythonLabels.Rule, PythonProgress)}.
	 */
	static PythonImg< UnsignedIntType > of( final PythonImg< ? > labels, final PythonLabels.Rule rule, final PythonProgress progress )
	{
		WorkerPool.requireNotOnAWorker( "Labels cannot be merged" );
		requireLabels( labels );
		if ( rule.connectivity() > labels.numDimensions() )
			throw new IllegalArgumentException( "the rule is " + rule + ", but the image has " + labels.numDimensions() + " axes: expected a connectivity of 1 to " + labels.numDimensions() );
		final LabelMerging merging = new LabelMerging( labels, rule );
		merging.merged = merging.merge( progress );
		return merging.image();
	}

	private static < T extends NativeType< T > > void requireLabels( final PythonImg< ? > labels )
	{
		final PixelType< T > type = PixelType.of( labels.getType(), "the image of labels" );
		if ( type.components() != 1 || !INTEGERS.contains( type.dtype() ) )
			throw new IllegalArgumentException( labels.reader().name() + " has pixels of " + labels.getType().getClass().getSimpleName() + ", which are no labels, expected integers"
					+ ( type.dtype() == Dtype.BOOL ? ": label the parts of a mask first, by scipy.ndimage.label, in an image of .type( new IntType() )" : ": say .type( new IntType() )" ) );
	}

	private PythonImg< UnsignedIntType > image()
	{
		final Source table = new Source()
		{
			@Override
			public BlockArray get( final Interval cell ) throws Exception
			{
				final Merged its = ofThisCell.get();
				ofThisCell.remove();
				return its.table( cell );
			}

			@Override
			public InputWay wayOf( final Interval cell )
			{
				return InputWay.BLOCKS;
			}
		};
		final Source cells = new Source()
		{
			@Override
			public BlockArray get( final Interval cell ) throws Exception
			{
				while ( true )
				{
					final Merged its = upToDate();
					final BlockArray pixels = its.cells.get( its.place( cell ) );
					ofThisCell.set( its );
					if ( its.isUpToDate() )
						return pixels;
					if ( pixels.lease() != null )
						pixels.lease().release();
				}
			}

			@Override
			public InputWay wayOf( final Interval cell )
			{
				return merged.cells.wayOf( merged.place( cell ) );
			}
		};
		return labels.settings().another( queue, MODULE + "relabel" )
				// In this order, see ofThisCell.
				.input( PythonInput.of( labels, cells.asInput() ) )
				.input( PythonInput.of( labels, table.asInput() ) )
				.type( new UnsignedIntType() )
				.like( labels )
				.cellSize( cellSize( grid ) )
				.name( labels.reader().name() + ", merged by " + rule )
				.build();
	}

	// ---------------------------------------------------------------- merge

	private Merged upToDate() throws InterruptedException
	{
		final Merged known = merged;
		if ( known.isUpToDate() )
			return known;
		merges.lockInterruptibly();
		try
		{
			if ( !merged.isUpToDate() )
				merged = mergeAgain();
			return merged;
		}
		finally
		{
			merges.unlock();
		}
	}

	private Merged mergeAgain()
	{
		final long version = labels.reader().version();
		if ( failure != null && failedVersion == version )
			throw failure;
		try
		{
			final Merged again = merge( ( done, total ) -> {} );
			failure = null;
			return again;
		}
		catch ( final PythonCellException e )
		{
			// Else each reader would have all cells read, to get the same.
			failure = e;
			failedVersion = version;
			throw e;
		}
	}

	private Merged merge( final PythonProgress progress )
	{
		try
		{
			while ( true )
			{
				final long version = labels.reader().version();
				labels.reader().requireOpen();
				final PythonImg< ? > cells = rule.overlap() > 0 ? labels.withHaloInCells() : labels;
				try
				{
					final long[] table = tableOf( cells, progress );
					if ( version == labels.reader().version() )
						return new Merged( version, cells, table );
				}
				catch ( final PythonCellException e )
				{
					// Else the labels have changed, and it may be mended.
					if ( version == labels.reader().version() )
						throw e;
				}
			}
		}
		finally
		{
			progress.ended();
		}
	}

	private long[] tableOf( final PythonImg< ? > cells, final PythonProgress progress )
	{
		final long key = LAST.incrementAndGet();
		try
		{
			collect( cells, key, progress );
			final long[] totals = valuesOf( collector( "totals", key ).dimensions( 2 ).cellSize( 2 ).type( new LongType() ).build() );
			if ( totals[ 0 ] > MAX_COLUMNS || Long.compareUnsigned( totals[ 1 ], MAX_LABELS ) > 0 )
				throw new IllegalArgumentException( labels.reader().name() + " has " + totals[ 0 ] + " labels in all its cells together, and " + totals[ 1 ] + " when they are merged, expected at most "
						+ MAX_COLUMNS + " and " + MAX_LABELS + ": choose larger cells, leave small objects out, or merge parts of the image" );
			return valuesOf( collector( "table", key ).dimensions( totals[ 0 ], 2 ).cellSize( COLUMNS_PER_BLOCK, 2 ).type( new LongType() ).build() );
		}
		finally
		{
			forget( key );
		}
	}

	private void forget( final long key )
	{
		final boolean interrupted = Thread.interrupted();
		try
		{
			valuesOf( collector( "forget", key ).dimensions( 1 ).type( new LongType() ).build() );
		}
		catch ( final PythonException e )
		{
			// What it has collected has gone with it.
		}
		finally
		{
			if ( interrupted )
				Thread.currentThread().interrupt();
		}
	}

	private PythonImgBuilder< ? > collector( final String function, final long key )
	{
		return PythonImg.builder( MODULE + function ).parameter( "key", key ).queue( collector ).arrays();
	}

	private void collect( final PythonImg< ? > cells, final long key, final PythonProgress progress )
	{
		final int n = grid.numDimensions();
		final Halo halo = cells.reader().spec().overlap();
		try (final PythonImg< UnsignedByteType > onePixelPerCell = collector( "collect", key )
				.input( PythonInput.of( cells, new BlockInput( BlockInputs.source( cells, "the labels of cells", cells, PythonLoaderOptions.options(), collector.pool().memory() ), cellOfEachPixel( cells.getCellGrid() ) ) ) )
				.parameter( "shape", numpyOrder( grid.getImgDimensions() ) )
				.parameter( "cell", numpyOrder( Arrays.stream( cellSize( grid ) ).asLongStream().toArray() ) )
				.parameter( "lower", numpyOrder( Arrays.stream( halo.getLowerCopy() ).asLongStream().toArray() ) )
				.parameter( "upper", numpyOrder( Arrays.stream( halo.getUpperCopy() ).asLongStream().toArray() ) )
				.parameter( "connectivity", Math.min( n, rule.connectivity() ) )
				.parameter( "overlap", rule.overlap() )
				.dimensions( grid.getGridDimensions() ).cellSize( 1 ).type( new UnsignedByteType() ).cacheBytes( 0 )
				.name( labels.reader().name() + ", one pixel per cell" )
				.build())
		{
			final PythonProgress untilOneFails = new PythonProgress()
			{
				@Override
				public void update( final long done, final long total )
				{
					progress.update( done, total );
				}

				@Override
				public boolean isCancelled()
				{
					return progress.isCancelled() || onePixelPerCell.metrics().cellsFailed() > 0;
				}
			};
			final PythonSummary summary = onePixelPerCell.compute( onePixelPerCell, untilOneFails, cells.reader().numReaders() );
			requireDone( summary );
		}
	}

	private void requireDone( final PythonSummary summary )
	{
		if ( !summary.errors().isEmpty() )
		{
			final PythonCellException error = summary.errors().get( 0 );
			throw error.getCause() instanceof PythonCellException ? ( PythonCellException ) error.getCause() : error;
		}
		if ( summary.isCancelled() && Thread.currentThread().isInterrupted() )
			throw new PythonInterruptedException( "Interrupted while the labels of " + labels.reader().name() + " were merged", new InterruptedException() );
		if ( summary.isCancelled() )
			throw new CancellationException( "cancelled while the labels of " + labels.reader().name() + " were merged" );
	}

	private long[] valuesOf( final PythonImg< LongType > image )
	{
		try
		{
			requireDone( image.compute() );
			final long[] values = new long[ Math.toIntExact( Arrays.stream( image.dimensionsAsLongArray() ).reduce( 1, Math::multiplyExact ) ) ];
			ImgUtil.copy( image, ArrayImgs.longs( values, image.dimensionsAsLongArray() ) );
			return values;
		}
		finally
		{
			image.close();
		}
	}

	// ------------------------------------------------------------- geometry

	private int numCells()
	{
		return ( int ) labels.reader().spec().numCells();
	}

	private long[] gridPosition( final Interval cell )
	{
		final long[] position = new long[ grid.numDimensions() ];
		Arrays.setAll( position, d -> cell.min( d ) / grid.cellDimension( d ) );
		return position;
	}

	/**
	 * @return what a pixel needs, in an image of one pixel per cell
	 */
	private static Footprint cellOfEachPixel( final CellGrid grid )
	{
		return new Footprint()
		{
			@Override
			public Interval interval( final Interval pixel )
			{
				final long[] min = new long[ grid.numDimensions() ];
				final int[] size = new int[ min.length ];
				grid.getCellDimensions( pixel.minAsLongArray(), min, size );
				return FinalInterval.createMinSize( min, Util.int2long( size ) );
			}

			@Override
			public Interval core( final Interval pixel )
			{
				return null;
			}
		};
	}

	private static int[] cellSize( final CellGrid grid )
	{
		final int[] size = new int[ grid.numDimensions() ];
		Arrays.setAll( size, d -> ( int ) Math.min( grid.cellDimension( d ), grid.imgDimension( d ) ) );
		return size;
	}

	private static long[] numpyOrder( final long[] numbers )
	{
		final long[] reversed = new long[ numbers.length ];
		Arrays.setAll( reversed, d -> numbers[ numbers.length - 1 - d ] );
		return reversed;
	}
}
