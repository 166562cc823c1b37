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

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;

import net.imglib2.FinalInterval;
import net.imglib2.Interval;
import net.imglib2.RandomAccessible;
import net.imglib2.cache.python.block.BlockInput;
import net.imglib2.cache.python.block.Footprint;
import net.imglib2.cache.python.image.CellFailures;
import net.imglib2.cache.python.image.CellReader;
import net.imglib2.cache.python.image.CellSpec;
import net.imglib2.cache.python.image.CellsInParallel;
import net.imglib2.cache.python.image.WrittenBlocks;
import net.imglib2.cache.python.protocol.CellCode;
import net.imglib2.cache.python.trust.TrustPolicy;
import net.imglib2.cache.python.type.PixelType;
import net.imglib2.cache.python.worker.Crossing;
import net.imglib2.cache.python.worker.LibraryThreads;
import net.imglib2.img.basictypeaccess.array.ArrayDataAccess;
import net.imglib2.img.cell.CellGrid;
import net.imglib2.type.numeric.integer.UnsignedByteType;
import net.imglib2.util.Cast;
import net.imglib2.util.IntervalIndexer;
import net.imglib2.util.Intervals;

/**
 * Writes an image into a sink. For each level of a pyramid there is an image of one pixel per
 * block, whose code writes the block. So workers, memory, and failures are those of any image.
 * <p>
 * Used by one thread, once.
 */
final class Writing
{
	private static final String MODULE = "imglib2_cache_python._worker.writing";

	private static final long POLL_MILLIS = 100;

	/**
	 * How long to wait for what was cancelled before, and is still writing there.
	 */
	private static final long SECONDS_TO_WAIT_FOR_OTHERS = 10;

	/**
	 * What is being written in this JVM. Two that write into the same blocks would mix their
	 * chunks.
	 */
	private static final List< Claim > CLAIMS = new ArrayList<>();

	private final PythonImg< ? > image;

	private final CellReader< ?, ? > reader;

	private final PythonCacheLoaderQueue queue;

	private final PythonSink sink;

	private final PythonProgress progress;

	/**
	 * What to write, within the image and perhaps empty; {@code null}: the whole image.
	 */
	private final Interval part;

	private final String run = UUID.randomUUID().toString();

	private final CellCode code;

	private volatile boolean changed;

	/**
	 * What still runs when this returns before the end.
	 */
	private FutureTask< ? > step;

	private List< WrittenBlocks > parts = Collections.emptyList();

	private long[] blockSize;

	/**
	 * It was cancelled before blocks were written.
	 */
	private static final class CancelledException extends Exception
	{
		private static final long serialVersionUID = 1L;
	}

	/**
	 * That something is being written.
	 */
	private static final class Claim
	{
		private final Object target;

		/**
		 * Which part of it; {@code null}: all. Guarded by {@link #CLAIMS}.
		 */
		private Interval part;

		private final CountDownLatch ended = new CountDownLatch( 1 );

		Claim( final Object target, final Interval part )
		{
			this.target = target;
			this.part = part;
		}

		boolean excludes( final Claim other )
		{
			return target.equals( other.target ) && ( part == null || other.part == null || !Intervals.isEmpty( Intervals.intersect( part, other.part ) ) );
		}

		void end()
		{
			synchronized ( CLAIMS )
			{
				CLAIMS.remove( this );
			}
			ended.countDown();
		}
	}

	/**
	 * @param image
	 * 		what to write
	 * @param reader
	 * 		computes its cells
	 * @param queue
	 * 		of the image
	 * @param sink
	 * 		where to
	 * @param part
	 * 		what to write, within the image; {@code null}: all of it. If it is empty, the sink is
	 * 		made, and nothing is written
	 * @param progress
	 * 		is told
	 */
	Writing( final PythonImg< ? > image, final CellReader< ?, ? > reader, final PythonCacheLoaderQueue queue, final PythonSink sink, final Interval part, final PythonProgress progress )
	{
		this.image = image;
		this.reader = reader;
		this.queue = queue;
		this.sink = sink;
		this.part = part;
		this.progress = progress;
		code = reader.code();
	}

	/**
	 * @return what was done
	 */
	PythonSummary write()
	{
		final long start = System.nanoTime();
		sink.requireFits( reader.spec().pixelType() );
		if ( sink.opened() != null )
			TrustPolicy.ofThisJvm().requireOpened( sink.opened().expression(), sink.opened().hasText() );
		final Claim claim = new Claim( sink.path() != null ? sink.path() : sink.opened().values(), isEmpty() ? null : part );
		final Runnable stopListening = reader.onInvalidate( cells -> changed = true );
		CellsInParallel computation = new CellsInParallel( progress, Collections.emptyList() );
		boolean isClaimed = false;
		boolean isCancelled = true;
		try
		{
			awaitOthers( () -> beginOrOther( claim ) );
			isClaimed = true;
			final Map< ?, ? > prepared = await( this::prepare );
			parts = parts( prepared );
			if ( !( Boolean ) prepared.get( "many" ) )
				awaitOthers( () -> extendOrOther( claim ) );
			computation = new CellsInParallel( progress, parts );
			computation.run();
			if ( !computation.isCancelled() )
			{
				final boolean isComplete = part == null && computation.failed() == 0;
				await( () -> finish( isComplete ) );
				isCancelled = false;
			}
		}
		catch ( final CancelledException e )
		{
			// The summary tells it.
		}
		finally
		{
			stopListening.run();
			if ( isClaimed )
				end( claim, isCancelled );
		}
		return new PythonSummary( computation, seconds( start ), true, isCancelled );
	}

	/**
	 * @return size of the blocks that are written at the same time; {@code null} if it was
	 *         cancelled before that was known
	 */
	long[] blockSize()
	{
		return blockSize;
	}

	private boolean isEmpty()
	{
		return part != null && Intervals.isEmpty( part );
	}

	private static double seconds( final long start )
	{
		return ( System.nanoTime() - start ) * 1e-9;
	}

	/**
	 * @param next
	 * 		tells what has to end before; {@code null}: nothing
	 * @throws IllegalStateException
	 * 		if that takes too long
	 */
	private void awaitOthers( final Supplier< Claim > next ) throws CancelledException
	{
		final long end = System.nanoTime() + TimeUnit.SECONDS.toNanos( SECONDS_TO_WAIT_FOR_OTHERS );
		for ( Claim other = next.get(); other != null; other = next.get() )
		{
			if ( System.nanoTime() > end )
				throw new IllegalStateException( sink + " is being written already, by another thread, or by one that was cancelled a moment ago: wait until that has ended" );
			requireNotCancelled();
			try
			{
				other.ended.await( POLL_MILLIS, TimeUnit.MILLISECONDS );
			}
			catch ( final InterruptedException e )
			{
				Thread.currentThread().interrupt();
			}
		}
	}

	/**
	 * @return one that has to end before; {@code null}: there is none, and the claim holds
	 */
	private static Claim beginOrOther( final Claim claim )
	{
		synchronized ( CLAIMS )
		{
			for ( final Claim other : CLAIMS )
				if ( claim.excludes( other ) )
					return other;
			CLAIMS.add( claim );
			return null;
		}
	}

	/**
	 * Lets a claim be for all of a target that has one writer.
	 *
	 * @return one that has to end before: those that came later wait for this one;
	 *         {@code null}: there is none, and the claim holds
	 */
	private static Claim extendOrOther( final Claim claim )
	{
		synchronized ( CLAIMS )
		{
			for ( final Claim other : CLAIMS.subList( 0, CLAIMS.indexOf( claim ) ) )
				if ( other.target.equals( claim.target ) )
					return other;
			claim.part = null;
			return null;
		}
	}

	private void requireNotCancelled() throws CancelledException
	{
		if ( Thread.currentThread().isInterrupted() || progress.isCancelled() )
			throw new CancelledException();
	}

	/**
	 * Does something that takes time. If it is cancelled meanwhile, it goes on.
	 */
	private < R > R await( final Callable< R > action ) throws CancelledException
	{
		final FutureTask< R > task = new FutureTask<>( action );
		step = task;
		LibraryThreads.create( reader.name() + "_prepare", task ).start();
		while ( true )
		{
			requireNotCancelled();
			try
			{
				return task.get( POLL_MILLIS, TimeUnit.MILLISECONDS );
			}
			catch ( final InterruptedException e )
			{
				Thread.currentThread().interrupt();
			}
			catch ( final TimeoutException e )
			{
				// Look whether it is cancelled, and wait on.
			}
			catch ( final ExecutionException e )
			{
				throw Crossing.forThisThread( e.getCause() );
			}
		}
	}

	/**
	 * Makes or opens what is written into.
	 *
	 * @return the answer of {@code writing.py}
	 */
	private Map< ?, ? > prepare()
	{
		final CellSpec< ?, ? > spec = reader.spec();
		final Map< String, Object > wanted = new LinkedHashMap<>( sink.values() );
		final long[] dimensions = spec.grid().getImgDimensions();
		final long[] cell = new long[ dimensions.length ];
		Arrays.setAll( cell, d -> Math.min( spec.grid().cellDimension( d ), dimensions[ d ] ) );
		wanted.put( "shape", reversed( dimensions ) );
		wanted.put( "cell", reversed( cell ) );
		wanted.put( "dtype", spec.pixelType().dtype().numpyName() );
		wanted.put( "provenance", sink.path() == null ? "" : image.provenance() );
		wanted.put( "part", part == null ? null : boundsOf( part ) );
		return ( Map< ?, ? > ) queue.pool().ask( "Opening the sink " + sink, "prepare_sink", wanted );
	}

	private List< WrittenBlocks > parts( final Map< ?, ? > prepared )
	{
		if ( prepared.get( "refused" ) != null )
			throw new IllegalArgumentException( reader.name() + " cannot be written: " + prepared.get( "refused" ) );
		final boolean oneWriter = !( Boolean ) prepared.get( "many" );
		final List< WrittenBlocks > all = new ArrayList<>();
		for ( final Object entry : ( List< ? > ) prepared.get( "levels" ) )
		{
			final Map< ?, ? > level = ( Map< ?, ? > ) entry;
			final long[] block = dimensions( level.get( "block" ) );
			final Interval bounds = intervalOf( ( List< ? > ) level.get( "bounds" ) );
			final BitSet written = BitSet.valueOf( ( byte[] ) level.get( "written" ) );
			if ( all.isEmpty() )
			{
				blockSize = block;
				requireWholeBlocks( bounds, block );
				if ( isEmpty() )
					return all;
			}
			all.add( all.isEmpty() ? ofImage( bounds, block, written, oneWriter ) : ofLevel( all.size(), bounds, block, written ) );
		}
		return all;
	}

	private void requireWholeBlocks( final Interval bounds, final long[] block )
	{
		for ( int d = 0; d < block.length; ++d )
			if ( bounds.min( d ) % block[ d ] != 0 || ( bounds.max( d ) + 1 ) % block[ d ] != 0 && bounds.max( d ) + 1 != image.dimension( d ) )
				throw new IllegalArgumentException( "the part " + Intervals.toString( bounds ) + " of " + reader.name() + " cannot be written, because it has not whole blocks, which have "
						+ Arrays.toString( block ) + " pixels: let it begin at a multiple of that, and end there or with the image, so that no two parts have a chunk in common" );
	}

	private WrittenBlocks ofImage( final Interval bounds, final long[] block, final BitSet written, final boolean oneWriter )
	{
		final Footprint footprint = new Footprint()
		{
			@Override
			public Interval interval( final Interval cell )
			{
				return blocks( cell, block, bounds );
			}

			@Override
			public Interval core( final Interval cell )
			{
				return interval( cell );
			}
		};
		final PythonLoaderOptions options = PythonLoaderOptions.options().name( reader.name() + ", written to " + sink );
		final BlockInput input = new BlockInput( BlockInputs.source( image, reader.name(), image, options, queue.pool().memory() ), footprint );
		final CellCode its = codeOfBlocks( oneWriter ).withParameter( "start", reversed( bounds.minAsLongArray() ) ).withParameter( "size", reversed( block ) );
		final CellReader< ?, ? > writer = writer( bounds, block, its, options, Collections.singletonList( input ) );
		final long bytes = reader.spec().pixelType().numBytes( block );
		return WrittenBlocks.ofImage( writer, written, ( i, e ) -> {
			final Interval pixels = footprint.interval( writer.spec().interval( i ) );
			return described( writer.name(), cellAt( pixels.minAsLongArray() ), pixels, e );
		}, reader, image.getCache(), bytes, oneWriter );
	}

	private long cellAt( final long[] position )
	{
		final CellGrid grid = reader.spec().grid();
		final long[] cell = new long[ position.length ];
		grid.getCellPosition( position, cell );
		return IntervalIndexer.positionToIndex( cell, grid.getGridDimensions() );
	}

	private CellCode codeOfBlocks( final boolean oneWriter )
	{
		if ( sink.path() != null )
			return CellCode.ofLibrary( MODULE + ":write_block" ).withParameter( "path", sink.path() ).withParameter( "run", run );
		if ( !oneWriter )
			return CellCode.ofLibrary( MODULE + ":write_part" ).withOpened( "sink", sink.opened() );
		return CellCode.ofLibrary( MODULE + ":write_alone" ).withParameter( "opened", sink.opened().values() );
	}

	private WrittenBlocks ofLevel( final int level, final Interval bounds, final long[] block, final BitSet written )
	{
		final CellCode its = CellCode.ofLibrary( MODULE + ":write_level" ).withParameter( "path", sink.path() ).withParameter( "run", run ).withParameter( "level", level )
				.withParameter( "start", reversed( bounds.minAsLongArray() ) ).withParameter( "size", reversed( block ) );
		final PythonLoaderOptions options = PythonLoaderOptions.options().name( "level " + level + " of " + reader.name() + ", written to " + sink );
		final CellReader< ?, ? > writer = writer( bounds, block, its, options, Collections.emptyList() );
		return WrittenBlocks.ofWritten( writer, written, ( i, e ) -> described( writer.name(), i, blocks( writer.spec().interval( i ), block, bounds ), e ) );
	}

	/**
	 * @param bounds
	 * 		what is written
	 * @return an image with one pixel, and cell, for each block
	 */
	private CellReader< ?, ? > writer( final Interval bounds, final long[] block, final CellCode its, final PythonLoaderOptions options, final List< BlockInput > inputs )
	{
		final int n = bounds.numDimensions();
		final long[] counts = new long[ n ];
		Arrays.setAll( counts, d -> ( bounds.dimension( d ) - 1 ) / block[ d ] + 1 );
		if ( Intervals.numElements( counts ) > Integer.MAX_VALUE )
			throw new IllegalArgumentException( reader.name() + " cannot be written: it would have " + Intervals.numElements( counts ) + " blocks, choose larger chunks or cells" );
		final int[] ones = new int[ n ];
		Arrays.fill( ones, 1 );
		final UnsignedByteType type = new UnsignedByteType();
		final ArrayDataAccess< ? > access = Cast.unchecked( PixelType.of( type, "a writer" ).emptyAccess() );
		final CellSpec< UnsignedByteType, ArrayDataAccess< ? > > spec = new CellSpec<>( new CellGrid( counts, ones ), its, type, access, Halo.empty( n ), options, inputs );
		return new CellReader<>( spec, queue.pool(), queue, new CellFailures() );
	}

	/**
	 * @param which
	 * 		blocks, the first of which begins with the bounds
	 * @return their pixels
	 */
	private static Interval blocks( final Interval which, final long[] block, final Interval bounds )
	{
		final long[] min = new long[ block.length ];
		final long[] max = new long[ block.length ];
		for ( int d = 0; d < block.length; ++d )
		{
			min[ d ] = bounds.min( d ) + which.min( d ) * block[ d ];
			max[ d ] = Math.min( bounds.min( d ) + ( which.max( d ) + 1 ) * block[ d ] - 1, bounds.max( d ) );
		}
		return new FinalInterval( min, max );
	}

	private static PythonCellException described( final String name, final long index, final Interval pixels, final PythonCellException e )
	{
		return new PythonCellException( name, index, pixels, Collections.singletonList( pixels ), e.getWorker(), e.failure() );
	}

	private Void finish( final boolean isComplete )
	{
		final boolean isChanged = changed || reader.code() != code;
		if ( sink.path() != null && ( isChanged || isComplete ) )
			queue.pool().ask( "Completing the sink " + sink, "finish_sink", sink.path(), isChanged );
		if ( isChanged )
			throw new PythonException( reader.name() + " was changed or invalidated while it was written to " + sink + ": what is there may be of both. Write it again"
					+ ( sink.path() == null ? "" : ", by a sink with .overwrite( true )" ) );
		return null;
	}

	/**
	 * Lets go of what has written, when it has ended.
	 */
	private void end( final Claim claim, final boolean isCancelled )
	{
		final Runnable end = () -> {
			try
			{
				if ( isCancelled )
				{
					cancelComputations( image );
					awaitEnd();
				}
			}
			finally
			{
				parts.forEach( WrittenBlocks::close );
				claim.end();
			}
		};
		if ( isCancelled )
			LibraryThreads.create( reader.name() + "_write_end", end ).start();
		else
			end.run();
	}

	/**
	 * Cancels the code of cells that nobody else waits for, also of the images that it is made
	 * of.
	 */
	private static void cancelComputations( final PythonImg< ? > image )
	{
		image.reader().cancelDetached();
		for ( final BlockInput input : image.reader().spec().inputs() )
			for ( final RandomAccessible< ? > root : input.roots() )
				if ( root instanceof PythonImg )
					cancelComputations( ( PythonImg< ? > ) root );
	}

	private void awaitEnd()
	{
		try
		{
			if ( step != null )
				step.get();
			for ( final WrittenBlocks part : parts )
				part.awaitEnd();
			if ( changed && sink.path() != null )
				finish( false );
		}
		catch ( final ExecutionException | PythonException e )
		{
			// It has ended, and whoever waited has been told, or does not wait any more.
		}
		catch ( final InterruptedException e )
		{
			Thread.currentThread().interrupt();
		}
	}

	private static List< Long > reversed( final long[] values )
	{
		final List< Long > reversed = new ArrayList<>();
		for ( final long value : values )
			reversed.add( 0, value );
		return reversed;
	}

	private static long[] dimensions( final Object shape )
	{
		final List< ? > sizes = ( List< ? > ) shape;
		final long[] dimensions = new long[ sizes.size() ];
		Arrays.setAll( dimensions, d -> ( ( Number ) sizes.get( dimensions.length - 1 - d ) ).longValue() );
		return dimensions;
	}

	/**
	 * @return where it begins and ends along each axis, in numpy's order
	 */
	private static List< List< Long > > boundsOf( final Interval interval )
	{
		final List< List< Long > > bounds = new ArrayList<>();
		for ( int d = 0; d < interval.numDimensions(); ++d )
			bounds.add( 0, Arrays.asList( interval.min( d ), interval.max( d ) + 1 ) );
		return bounds;
	}

	private static Interval intervalOf( final List< ? > bounds )
	{
		final int n = bounds.size();
		final long[] min = new long[ n ];
		final long[] max = new long[ n ];
		for ( int d = 0; d < n; ++d )
		{
			final List< ? > along = ( List< ? > ) bounds.get( n - 1 - d );
			min[ d ] = ( ( Number ) along.get( 0 ) ).longValue();
			max[ d ] = ( ( Number ) along.get( 1 ) ).longValue() - 1;
		}
		return new FinalInterval( min, max );
	}
}
