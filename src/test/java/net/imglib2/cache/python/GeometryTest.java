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

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import net.imglib2.Cursor;
import net.imglib2.FinalInterval;
import net.imglib2.Interval;
import net.imglib2.RandomAccess;
import net.imglib2.RandomAccessible;
import net.imglib2.RandomAccessibleInterval;
import net.imglib2.blocks.PrimitiveBlocks;
import net.imglib2.blocks.PrimitiveBlocks.OnFallback;
import net.imglib2.cache.python.TestImages.Data;
import net.imglib2.cache.python.TestImages.Storage;
import net.imglib2.img.cell.CellGrid;
import net.imglib2.outofbounds.OutOfBoundsConstantValueFactory;
import net.imglib2.type.NativeType;
import net.imglib2.type.BooleanType;
import net.imglib2.type.label.BasePairCharType;
import net.imglib2.type.logic.NativeBoolType;
import net.imglib2.type.numeric.ComplexType;
import net.imglib2.type.numeric.NumericType;
import net.imglib2.type.numeric.integer.Unsigned128BitType;
import net.imglib2.type.numeric.integer.UnsignedByteType;
import net.imglib2.util.Cast;
import net.imglib2.util.IntervalIndexer;
import net.imglib2.util.Intervals;
import net.imglib2.util.Util;
import net.imglib2.view.ExtendedRandomAccessibleInterval;
import net.imglib2.view.Views;

/**
 * Random images of the builder with random inputs, each with a geometry of its own. Each array that
 * Python gets is compared, in Python, with what {@code numpy.pad} and slices make of the whole input,
 * and the way that it took with the rule. Which pixels a cell needs is found by looking at each of
 * its pixels.
 * <p>
 * {@code -Dgeometry.cases=5000} runs so many cases, {@code -Dgeometry.case=17} a single one.
 */
@Tag( "each-mode" )
class GeometryTest
{
	private static final String MODE = System.getProperty( PythonEnvironment.MODE_PROPERTY );

	/**
	 * Fewer where the tests run again.
	 */
	private static final int CASES = Integer.getInteger( "geometry.cases", MODE == null ? 5_200 : 500 );

	/**
	 * Memory of this JVM, and cells that are so small, are copied for a process.
	 */
	private static final boolean ALWAYS_COPIED = InterpreterMode.PROCESS.name().equals( MODE );

	private static final int THREADS = 3;

	private static final int MAX_CELLS = 8;

	/**
	 * Pixels of an input of all blocks together.
	 */
	private static final long MAX_PIXELS = 6000;

	private static final String INIT = TestPixels.INIT + """

			wholes = {}

			def view(kind, shape, salt, lower, upper, swaps):
			    a = image(kind, shape, salt)
			    a = a[tuple(slice(l, n - u) for l, u, n in zip(lower, upper, shape))]
			    for i, j in swaps:
			        a = np.swapaxes(a, i, j)
			    return a

			def check(block, i, key, arguments, low, mode, how, cells):
			    if key not in wholes:
			        if len(wholes) > 20:
			            wholes.clear()
			        wholes[key] = view(*arguments)
			    whole = wholes[key]
			    n = len(low)
			    first, last, core_first, core_last = cells[block.index]
			    before = [max(0, a - b) for a, b in zip(low, first)]
			    after = [max(0, b - (a + s - 1)) for a, b, s in zip(low, last, whole.shape)]
			    padded = np.pad(whole, list(zip(before, after)) + [(0, 0)] * (whole.ndim - n), mode=mode, **how)
			    start = [b + f - l for b, f, l in zip(before, first, low)]
			    want = padded[tuple(slice(s, s + b - a + 1) for s, a, b in zip(start, first, last))]
			    got = block.inputs[i]
			    assert not got.flags.writeable
			    assert got.dtype == want.dtype and got.dtype.isnative, (i, got.dtype, want.dtype)
			    assert got.shape == want.shape, (i, got.shape, want.shape)
			    assert got.tobytes() == want.tobytes(), (i, got, want)
			    crop = tuple(slice(c - a, d - a + 1) for a, c, d in zip(first, core_first, core_last))
			    assert block.crops[i] == crop, (i, block.crops[i], crop)
			""";

	@Test
	void eachInputIsWhatNumpyPadsAndTravelsByTheRule() throws Exception
	{
		final Integer single = Integer.getInteger( "geometry.case" );
		try (final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue( 2, INIT ))
		{
			if ( single != null )
			{
				check( single, queue );
				return;
			}
			final ExecutorService readers = Executors.newFixedThreadPool( THREADS );
			try
			{
				final List< Future< ? > > cases = new ArrayList<>();
				for ( int i = 0; i < CASES; ++i )
				{
					final int number = i;
					cases.add( readers.submit( () -> check( number, queue ) ) );
				}
				for ( final Future< ? > one : cases )
					one.get();
			}
			catch ( final ExecutionException e )
			{
				throw new AssertionError( e.getCause().getMessage(), e );
			}
			finally
			{
				readers.shutdownNow();
			}
		}
	}

	private static void check( final int number, final PythonCacheLoaderQueue queue )
	{
		final Case images = new Case( number );
		try
		{
			images.check( queue );
		}
		catch ( final Throwable t )
		{
			Throwable root = t;
			while ( root.getCause() != null )
				root = root.getCause();
			throw new AssertionError( "-Dgeometry.case=" + number + ": " + images + "\n" + root, t );
		}
	}

	/**
	 * The borders as numpy has them.
	 */
	private enum Edge
	{
		DOUBLE( Border.MIRROR_DOUBLE, "symmetric" ),
		SINGLE( Border.MIRROR_SINGLE, "reflect" ),
		NEAREST( Border.NEAREST, "edge" ),
		PERIODIC( Border.PERIODIC, "wrap" ),
		ZERO( Border.ZERO, "constant" ),
		VALUE( Border.value( 1 ), "constant" ),
		// The input is large enough.
		NONE( Border.NONE, "empty" );

		final Border border;

		final String numpyMode;

		Edge( final Border border, final String numpyMode )
		{
			this.border = border;
			this.numpyMode = numpyMode;
		}

		String how()
		{
			return this == VALUE ? "{'constant_values': 1}" : "{}";
		}

		static Edge random( final Random random, final NativeType< ? > type, final boolean none )
		{
			Edge edge;
			do
				edge = values()[ random.nextInt( none ? 7 : 6 ) ];
			while ( !edge.isFor( type ) );
			return edge;
		}

		/**
		 * @return whether the type has such pixels
		 */
		boolean isFor( final NativeType< ? > type )
		{
			return this == VALUE ? type instanceof ComplexType && !( type instanceof Unsigned128BitType ) : this != ZERO || type instanceof NumericType || type instanceof BooleanType;
		}

		< T extends NativeType< T > > RandomAccessible< T > extend( final RandomAccessibleInterval< T > image )
		{
			final T outside = image.getType().createVariable();
			if ( this == VALUE )
				( ( ComplexType< ? > ) outside ).setReal( 1 );
			return switch ( this )
			{
			case DOUBLE -> Views.extendMirrorDouble( image );
			case SINGLE -> Views.extendMirrorSingle( image );
			case NEAREST -> Views.extendBorder( image );
			case PERIODIC -> Views.extendPeriodic( image );
			case ZERO, VALUE -> new ExtendedRandomAccessibleInterval<>( image, new OutOfBoundsConstantValueFactory<>( outside ) );
			case NONE -> image;
			};
		}
	}

	/**
	 * An image that is computed, and its inputs.
	 */
	private static final class Case
	{
		private final int number;

		private final Random random;

		private final CellGrid grid;

		private final int[] multiple;

		// Of inputs that have none of their own; one number.
		private final int lower;

		private final int upper;

		private final Edge edge;

		private final List< Input > inputs = new ArrayList<>();

		Case( final int number )
		{
			this.number = number;
			random = new Random( 40_000L + number );
			final int n = 1 + random.nextInt( 5 );
			final int maxDim = new int[] { 0, 40, 12, 7, 5, 3 }[ n ];
			final long[] dims = random.longs( n, 1, maxDim + 1 ).toArray();
			final int[] cell = new int[ n ];
			do
				// Any size from one pixel to more than the image.
				for ( int d = 0; d < n; ++d )
					cell[ d ] = 1 + random.nextInt( ( int ) dims[ d ] + 2 );
			while ( Intervals.numElements( new CellGrid( dims, cell ).getGridDimensions() ) > MAX_CELLS );
			grid = new CellGrid( dims, cell );
			multiple = random.nextInt( 3 ) > 0 ? new int[ 0 ] : random.ints( random.nextBoolean() ? 1 : n, 1, n > 3 ? 4 : 9 ).toArray();
			final int maxHalo = new int[] { 0, 50, 14, 6, 3, 2 }[ n ];
			final boolean hasHalo = random.nextBoolean();
			lower = hasHalo ? random.nextInt( maxHalo / 2 + 1 ) : 0;
			upper = hasHalo && random.nextBoolean() ? lower : hasHalo ? random.nextInt( maxHalo / 2 + 1 ) : 0;
			edge = Edge.random( random, new UnsignedByteType(), false );
			for ( int i = 1 + random.nextInt( 3 ); i > 0; --i )
			{
				Input input;
				do
					input = new Input( this, maxHalo );
				while ( input.isTooLarge() );
				inputs.add( input );
			}
		}

		Interval cell( final long index )
		{
			final long[] min = new long[ grid.numDimensions() ];
			final int[] size = new int[ min.length ];
			grid.getCellDimensions( index, min, size );
			return FinalInterval.createMinSize( min, Util.int2long( size ) );
		}

		long numCells()
		{
			return Intervals.numElements( grid.getGridDimensions() );
		}

		private < T extends NativeType< T > > void check( final PythonCacheLoaderQueue queue )
		{
			final int n = grid.numDimensions();
			final StringBuilder code = new StringBuilder();
			final List< RandomAccessible< ? > > views = new ArrayList<>();
			for ( final Input input : inputs )
			{
				views.add( input.create( queue ) );
				code.append( input.check( views.size() - 1 ) );
			}
			final Input first = inputs.get( 0 );
			final boolean copies = first.isPlain() && !first.isExtended;
			code.append( "assert block.halo == block.crops[0], block.halo\n" );
			code.append( copies ? "block.data[...] = block.inputs[0][block.crops[0]]" : "block.data[...] = 1" );
			PythonImgBuilder< ? > builder = PythonImg.builder( code.toString() );
			for ( int i = 0; i < inputs.size(); ++i )
				builder.input( inputs.get( i ).setting( Cast.unchecked( views.get( i ) ) ) );
			final int[] cell = new int[ n ];
			grid.cellDimensions( cell );
			builder.queue( queue ).cellSize( cell ).border( edge.border );
			if ( lower == upper )
				builder.halo( lower );
			else
				builder.halo( Collections.singletonList( lower ), Collections.singletonList( upper ) );
			if ( multiple.length > 0 )
				builder.padToMultiple( multiple );
			if ( !first.saysDimensions() )
				builder.dimensions( grid.getImgDimensions() );
			if ( random.nextBoolean() )
				builder.arrays();
			if ( !copies )
				builder = builder.type( new UnsignedByteType() );
			final PythonImg< T > image = Cast.unchecked( builder.build() );
			assertArrayEquals( grid.getImgDimensions(), image.dimensionsAsLongArray() );
			final RandomAccess< T > wanted = copies ? Cast.< RandomAccessible< T > >unchecked( views.get( 0 ) ).randomAccess() : null;
			for ( final Cursor< T > cursor = image.localizingCursor(); cursor.hasNext(); )
			{
				final T got = cursor.next();
				if ( copies && !wanted.setPositionAndGet( cursor ).valueEquals( got ) )
					assertEquals( wanted.get().toString(), got.toString(), "output at " + Arrays.toString( cursor.positionAsLongArray() ) );
				if ( !copies )
					assertEquals( 1, ( ( UnsignedByteType ) Cast.< Object >unchecked( got ) ).get() );
			}
			for ( long i = 0; i < numCells(); ++i )
				for ( int input = 0; input < inputs.size(); ++input )
					inputs.get( input ).checkWay( image.getInputWay( input, i ), cell( i ), Cast.unchecked( views.get( input ) ), "input " + input + " of cell " + i );
		}

		@Override
		public String toString()
		{
			return "case " + number + ", " + Arrays.toString( grid.getImgDimensions() ) + " in cells of " + cell( 0 ) + ", halo " + lower + " and " + upper + ", border " + edge + ", multiple " + Arrays.toString( multiple )
					+ "\n" + inputs.stream().map( Input::toString ).collect( Collectors.joining( "\n" ) );
		}
	}

	/**
	 * An image, the views that make it an input, and its geometry.
	 */
	private static final class Input
	{
		private final Case images;

		private final Random random;

		private final NativeType< ? > type;

		private final Storage storage;

		private final int salt;

		// Per axis of the input.
		private final int m;

		private final int[] ofImage;

		private final boolean[] whole;

		private final int[] lower;

		private final int[] upper;

		private final boolean hasOwnHalo;

		// Per axis that scales are for.
		private final int[] up;

		private final int[] down;

		private final Edge edge;

		private final boolean hasOwnBorder;

		// Taken as it is.
		private final boolean isExtended;

		private final Interval bounds;

		private final List< int[] > swaps = new ArrayList<>();

		private final long[] rootDims;

		private final int[] rootCell;

		private final int[] marginBelow;

		private final int[] marginAbove;

		Input( final Case images, final int maxHalo )
		{
			this.images = images;
			random = images.random;
			type = TestPixels.randomType( random );
			storage = Storage.values()[ random.nextInt( Storage.values().length ) ];
			salt = random.nextInt( 1000 );
			final int n = images.grid.numDimensions();
			final int kind = random.nextInt( 5 );
			final boolean isTable = kind == 2;
			final int numLacked = kind == 0 ? 1 + random.nextInt( 2 ) : 0;
			m = isTable ? 1 + random.nextInt( 4 ) : n + numLacked;
			whole = new boolean[ m ];
			ofImage = new int[ m ];
			final List< Integer > axes = new ArrayList<>();
			for ( int d = 0; d < m - numLacked; ++d )
				axes.add( isTable ? -1 : d );
			for ( int i = 0; i < numLacked; ++i )
				axes.add( random.nextInt( axes.size() + 1 ), -1 );
			for ( int d = 0; d < m; ++d )
			{
				ofImage[ d ] = axes.get( d );
				whole[ d ] = ofImage[ d ] < 0 || kind == 1 && random.nextInt( 3 ) == 0;
				// Of another size than the image.
				if ( whole[ d ] && random.nextBoolean() )
					ofImage[ d ] = -1;
			}

			up = new int[ n ];
			down = new int[ n ];
			Arrays.fill( up, 1 );
			Arrays.fill( down, 1 );
			final int scaling = random.nextInt( 5 );
			final boolean sameForAll = random.nextBoolean();
			for ( int d = 0; d < n && scaling < 2 && !isTable; ++d )
			{
				up[ d ] = scaling == 0 ? 1 + random.nextInt( n > 3 ? 2 : 3 ) : 1;
				down[ d ] = scaling == 1 ? 1 + random.nextInt( 5 ) : 1;
				if ( sameForAll )
				{
					up[ d ] = up[ 0 ];
					down[ d ] = down[ 0 ];
				}
			}

			hasOwnHalo = random.nextBoolean();
			lower = new int[ m ];
			upper = new int[ m ];
			for ( int d = 0; d < m; ++d )
			{
				lower[ d ] = hasOwnHalo ? random.nextInt( 3 ) == 0 ? 0 : random.nextInt( maxHalo + 1 ) : whole[ d ] ? 0 : images.lower;
				upper[ d ] = hasOwnHalo ? random.nextInt( 3 ) == 0 ? 0 : random.nextInt( maxHalo + 1 ) : whole[ d ] ? 0 : images.upper;
			}
			isExtended = random.nextInt( 5 ) == 0;
			// An interval of what is extended is given where blocks get whole axes, which has a border of
			// its own there. A single number does not count for whole axes.
			for ( int d = 0; d < m; ++d )
				if ( whole[ d ] && ( isExtended || m == 1 ) )
					lower[ d ] = upper[ d ] = 0;
			hasOwnBorder = isExtended || random.nextBoolean() || !images.edge.isFor( type );
			edge = hasOwnBorder ? Edge.random( random, type, !isExtended ) : images.edge;
			bounds = randomBounds();
			for ( int d = 0; d < m; ++d )
				if ( whole[ d ] && m == n && bounds.min( d ) <= 0 && bounds.max( d ) >= images.grid.imgDimension( d ) - 1 )
					ofImage[ d ] = d;
			for ( int i = random.nextInt( 3 ); i > 0; --i )
				swaps.add( new int[] { random.nextInt( m ), random.nextInt( m ) } );
			marginBelow = new int[ m ];
			marginAbove = new int[ m ];
			rootDims = bounds.dimensionsAsLongArray();
			for ( int i = swaps.size() - 1; i >= 0; --i )
			{
				final int[] swap = swaps.get( i );
				final long former = rootDims[ swap[ 0 ] ];
				rootDims[ swap[ 0 ] ] = rootDims[ swap[ 1 ] ];
				rootDims[ swap[ 1 ] ] = former;
			}
			final boolean hasMargin = random.nextInt( 3 ) == 0;
			rootCell = new int[ m ];
			for ( int d = 0; d < m; ++d )
			{
				marginBelow[ d ] = hasMargin ? random.nextInt( 2 ) : 0;
				marginAbove[ d ] = hasMargin ? random.nextInt( 2 ) : 0;
				rootDims[ d ] += marginBelow[ d ] + marginAbove[ d ];
			}
			int attempts = 0;
			do
				for ( int d = 0; d < m; ++d )
					rootCell[ d ] = ++attempts > 1000 ? ( int ) rootDims[ d ] : 1 + random.nextInt( ( int ) rootDims[ d ] + 1 );
			while ( Intervals.numElements( new CellGrid( rootDims, rootCell ).getGridDimensions() ) > ( storage == Storage.PYTHON ? 4 : 30 ) );
		}

		private Interval randomBounds()
		{
			final long[] min = new long[ m ];
			final long[] max = new long[ m ];
			final boolean tight = random.nextBoolean();
			for ( int d = 0; d < m; ++d )
			{
				if ( ofImage[ d ] < 0 )
				{
					min[ d ] = tight ? 0 : random.nextInt( 5 ) - 2;
					max[ d ] = min[ d ] + random.nextInt( 3 );
					continue;
				}
				final long needed = lastPixel( d, images.grid.imgDimension( ofImage[ d ] ) - 1 ) + 1;
				min[ d ] = tight ? 0 : -random.nextInt( 3 );
				max[ d ] = needed - 1 + ( tight ? 0 : random.nextInt( 3 ) );
				// What is extended may be anywhere, but blocks get a whole axis of its bounds.
				if ( isExtended && !whole[ d ] && random.nextBoolean() )
				{
					min[ d ] = random.nextInt( 5 ) - 2;
					max[ d ] = min[ d ] + random.nextInt( 6 );
				}
			}
			if ( edge != Edge.NONE )
				return new FinalInterval( min, max );
			final long[] coveredMin = min.clone();
			final long[] coveredMax = max.clone();
			for ( long cell = 0; cell < images.numCells(); ++cell )
				for ( int d = 0; d < m; ++d )
				{
					// Blocks get a whole axis of the input's bounds, so that it can have no halo here.
					if ( whole[ d ] )
						lower[ d ] = upper[ d ] = 0;
					final long[] range = range( d, images.cell( cell ), min[ d ], max[ d ] );
					coveredMin[ d ] = Math.min( coveredMin[ d ], range[ 0 ] );
					coveredMax[ d ] = Math.max( coveredMax[ d ], range[ 1 ] );
				}
			return new FinalInterval( coveredMin, coveredMax );
		}

		private int upOf( final int d )
		{
			return whole[ d ] ? 1 : up[ ofImage[ d ] ];
		}

		private int downOf( final int d )
		{
			return whole[ d ] ? 1 : down[ ofImage[ d ] ];
		}

		private long firstPixel( final int d, final long x )
		{
			return downOf( d ) > 1 ? x / downOf( d ) : x * upOf( d );
		}

		private long lastPixel( final int d, final long x )
		{
			return downOf( d ) > 1 ? x / downOf( d ) : x * upOf( d ) + upOf( d ) - 1;
		}

		/**
		 * @return first and last pixel of the block; first and last of the cell itself
		 */
		private long[] range( final int d, final Interval cell, final long boundsMin, final long boundsMax )
		{
			final int axis = ofImage[ d ];
			final long coreMin = axis < 0 ? boundsMin : firstPixel( d, cell.min( axis ) );
			final long coreMax = axis < 0 ? boundsMax : lastPixel( d, cell.max( axis ) );
			final long first = ( whole[ d ] ? boundsMin : coreMin ) - lower[ d ];
			long last = ( whole[ d ] ? boundsMax : coreMax ) + upper[ d ];
			if ( images.multiple.length > 0 && !whole[ d ] )
			{
				final int step = images.multiple[ images.multiple.length == 1 ? 0 : axis ];
				final long size = Math.min( images.grid.cellDimension( axis ), images.grid.imgDimension( axis ) );
				long largest = 0;
				for ( long start = 0; start < downOf( d ) * size; start += size )
					largest = Math.max( largest, lastPixel( d, start + size - 1 ) - firstPixel( d, start ) + 1 );
				long length = lower[ d ] + largest + upper[ d ];
				while ( length % step != 0 )
					++length;
				last = first + length - 1;
			}
			return new long[] { first, last, coreMin, coreMax };
		}

		private long[][] ranges( final Interval cell )
		{
			final long[][] ranges = new long[ 4 ][ m ];
			for ( int d = 0; d < m; ++d )
			{
				final long[] range = range( d, cell, bounds.min( d ), bounds.max( d ) );
				for ( int i = 0; i < 4; ++i )
					ranges[ i ][ d ] = range[ i ];
			}
			return ranges;
		}

		boolean isTooLarge()
		{
			long pixels = 0;
			for ( long cell = 0; cell < images.numCells(); ++cell )
			{
				final long[][] ranges = ranges( images.cell( cell ) );
				pixels += Intervals.numElements( new FinalInterval( ranges[ 0 ], ranges[ 1 ] ) );
			}
			return pixels > MAX_PIXELS || Intervals.numElements( rootDims ) > MAX_PIXELS;
		}

		/**
		 * @return whether its pixels are those of the image one by one
		 */
		boolean isPlain()
		{
			boolean plain = m == images.grid.numDimensions();
			for ( int d = 0; d < m; ++d )
				plain &= !whole[ d ] && upOf( d ) == 1 && downOf( d ) == 1;
			return plain;
		}

		boolean saysDimensions()
		{
			if ( isExtended )
				return false;
			final List< Long > dims = new ArrayList<>();
			for ( int d = 0; d < m; ++d )
				if ( !whole[ d ] )
					dims.add( bounds.dimension( d ) * downOf( d ) / upOf( d ) );
			return dims.equals( Arrays.stream( images.grid.getImgDimensions() ).boxed().collect( Collectors.toList() ) );
		}

		RandomAccessible< ? > create( final PythonCacheLoaderQueue queue )
		{
			return view( Cast.unchecked( type ), queue );
		}

		private < T extends NativeType< T > > RandomAccessible< T > view( final T pixel, final PythonCacheLoaderQueue queue )
		{
			RandomAccessibleInterval< T > view;
			if ( storage == Storage.PYTHON && random.nextBoolean() )
				view = PythonImg.builder( "block.data[...] = image(kind, shape, salt)[tuple(slice(a, b + 1) for a, b in zip(block.min, block.max))]" )
						.parameter( "kind", TestPixels.kind( type ) ).parameter( "shape", reversed( rootDims ) ).parameter( "salt", salt )
						.dimensions( rootDims ).cellSize( rootCell ).queue( queue ).type( pixel ).build();
			else
				view = TestImages.create( storage, pixel, rootDims, rootCell, salt, queue );
			final long[] min = new long[ m ];
			final long[] max = new long[ m ];
			boolean hasMargin = false;
			for ( int d = 0; d < m; ++d )
			{
				min[ d ] = marginBelow[ d ];
				max[ d ] = rootDims[ d ] - 1 - marginAbove[ d ];
				hasMargin |= marginBelow[ d ] + marginAbove[ d ] > 0;
			}
			if ( hasMargin )
				view = Views.zeroMin( Views.interval( view, min, max ) );
			for ( final int[] swap : swaps )
				view = Views.permute( view, swap[ 0 ], swap[ 1 ] );
			if ( Arrays.stream( bounds.minAsLongArray() ).anyMatch( x -> x != 0 ) )
				view = Views.translate( view, bounds.minAsLongArray() );
			assertTrue( Intervals.equals( bounds, view ) );
			return isExtended ? extended( view ) : view;
		}

		/**
		 * What blocks get whole axes of has bounds.
		 */
		private < T extends NativeType< T > > RandomAccessible< T > extended( final RandomAccessibleInterval< T > view )
		{
			final RandomAccessible< T > extended = edge.extend( view );
			boolean hasWholeAxes = false;
			for ( final boolean isWhole : whole )
				hasWholeAxes |= isWhole;
			if ( !hasWholeAxes )
				return extended;
			final long[] min = bounds.minAsLongArray();
			final long[] max = bounds.maxAsLongArray();
			for ( long cell = 0; cell < images.numCells(); ++cell )
			{
				final long[][] ranges = ranges( images.cell( cell ) );
				for ( int d = 0; d < m; ++d )
				{
					min[ d ] = whole[ d ] ? min[ d ] : Math.min( min[ d ], ranges[ 0 ][ d ] );
					max[ d ] = whole[ d ] ? max[ d ] : Math.max( max[ d ], ranges[ 1 ][ d ] );
				}
			}
			return Views.interval( extended, min, max );
		}

		PythonInput setting( final RandomAccessible< ? > view )
		{
			PythonInput input = PythonInput.of( view );
			if ( hasOwnHalo )
				input = Arrays.equals( lower, upper ) ? input.halo( lower ) : input.halo( lower, upper );
			if ( hasOwnBorder && !isExtended )
				input = input.border( edge.border );
			final List< Integer > axes = new ArrayList<>();
			for ( int d = 0; d < m; ++d )
				if ( whole[ d ] )
					axes.add( d );
			if ( !axes.isEmpty() )
				input = input.wholeAxes( axes );
			if ( Arrays.stream( up ).anyMatch( factor -> factor > 1 ) )
				input = input.scale( up );
			if ( Arrays.stream( down ).anyMatch( factor -> factor > 1 ) )
				input = Arrays.stream( down ).allMatch( factor -> factor == down[ 0 ] ) ? input.scaleDown( down[ 0 ] ) : input.scaleDown( down );
			return input;
		}

		String check( final int i )
		{
			final List< String > cells = new ArrayList<>();
			for ( long cell = 0; cell < images.numCells(); ++cell )
				cells.add( cell + ": (" + Arrays.stream( ranges( images.cell( cell ) ) ).map( TestImages::numpy ).collect( Collectors.joining( ", " ) ) + ")" );
			final String arguments = "'" + TestPixels.kind( type ) + "', " + TestImages.numpy( rootDims ) + ", " + salt + ", " + TestImages.numpy( Util.int2long( marginBelow ) ) + ", "
					+ TestImages.numpy( Util.int2long( marginAbove ) ) + ", " + swaps.stream().map( swap -> "(" + ( m - 1 - swap[ 0 ] ) + ", " + ( m - 1 - swap[ 1 ] ) + ")" ).collect( Collectors.toList() );
			return "check(block, " + i + ", (" + images.number + ", " + i + "), (" + arguments + "), " + TestImages.numpy( bounds.minAsLongArray() ) + ", '" + edge.numpyMode + "', " + edge.how() + ", {"
					+ String.join( ", ", cells ) + "})\n";
		}

		< T extends NativeType< T > > void checkWay( final InputWay way, final Interval cell, final RandomAccessible< T > view, final String what )
		{
			final long[][] ranges = ranges( cell );
			final List< InputWay > expected = waysOf( new FinalInterval( ranges[ 0 ], ranges[ 1 ] ), view );
			assertTrue( expected.contains( way ), () -> what + " travelled by " + way + ", expected " + expected );
		}

		/**
		 * The rule, see {@link InputWaysTest}.
		 */
		private < T extends NativeType< T > > List< InputWay > waysOf( final Interval block, final RandomAccessible< T > view )
		{
			if ( TestPixels.isPacked( type ) )
				return Collections.singletonList( InputWay.PIXELS );
			if ( !ALWAYS_COPIED && isInOneNativePiece( block ) )
				return Collections.singletonList( InputWay.ZERO_COPY );
			final boolean canCopyCells = !Intervals.isEmpty( Intervals.intersect( bounds, block ) ) && ( !( type instanceof NativeBoolType ) || storage.of( 0 ) != Data.ARRAYS );
			final InputWay withoutBlocks = canCopyCells ? InputWay.CELLS : InputWay.PIXELS;
			if ( !isSupportedByBlocks( !isExtended && isExtendedAnywhere() ? edge.extend( Cast.< RandomAccessibleInterval< T > >unchecked( view ) ) : view ) )
				// Boolean arrays are copied pixel by pixel.
				return storage == Storage.SAYS_ARRAYS_HAS_BOTH ? Arrays.asList( InputWay.CELLS, withoutBlocks ) : Collections.singletonList( withoutBlocks );
			if ( edge == Edge.SINGLE && Arrays.stream( rootDims ).anyMatch( dim -> dim == 1 ) && isExtendedAnywhere() )
				return storage == Storage.SAYS_ARRAYS_HAS_BOTH ? Arrays.asList( InputWay.CELLS, withoutBlocks ) : Collections.singletonList( withoutBlocks );
			switch ( storage )
			{
			case ARRAY:
			case PLANES:
			case CELLS:
			case CACHED_ARRAYS:
				return Collections.singletonList( InputWay.BLOCKS );
			case SAYS_ARRAYS_HAS_BOTH:
				return Arrays.asList( InputWay.BLOCKS, InputWay.CELLS, withoutBlocks );
			case SAYS_ARRAYS_HAS_BUFFERS:
				return Arrays.asList( withoutBlocks, withoutBlocks == InputWay.PIXELS ? InputWay.BLOCKS : withoutBlocks );
			default:
				return Collections.singletonList( withoutBlocks );
			}
		}

		private boolean isExtendedAnywhere()
		{
			boolean any = isExtended;
			for ( long cell = 0; cell < images.numCells(); ++cell )
			{
				final long[][] ranges = ranges( images.cell( cell ) );
				any |= !Intervals.contains( bounds, new FinalInterval( ranges[ 0 ], ranges[ 1 ] ) );
			}
			return any;
		}

		private static < T extends NativeType< T > > boolean isSupportedByBlocks( final RandomAccessible< T > view )
		{
			try
			{
				PrimitiveBlocks.of( view, OnFallback.FAIL );
				return true;
			}
			catch ( final IllegalArgumentException | ClassCastException e )
			{
				return false;
			}
		}

		private boolean isInOneNativePiece( final Interval block )
		{
			if ( !Intervals.contains( bounds, block ) )
				return false;
			final long[] min = block.minAsLongArray();
			final long[] max = block.maxAsLongArray();
			for ( int d = 0; d < m; ++d )
			{
				min[ d ] -= bounds.min( d );
				max[ d ] -= bounds.min( d );
			}
			for ( int i = swaps.size() - 1; i >= 0; --i )
				for ( final long[] x : Arrays.asList( min, max ) )
				{
					final long former = x[ swaps.get( i )[ 0 ] ];
					x[ swaps.get( i )[ 0 ] ] = x[ swaps.get( i )[ 1 ] ];
					x[ swaps.get( i )[ 1 ] ] = former;
				}
			final int[] piece = Util.long2int( rootDims );
			if ( storage.isPlanes() )
				Arrays.fill( piece, Math.min( 2, piece.length ), piece.length, 1 );
			else if ( !storage.isOneArray() )
				System.arraycopy( rootCell, 0, piece, 0, piece.length );
			for ( int d = 0; d < m; ++d )
			{
				min[ d ] += marginBelow[ d ];
				max[ d ] += marginBelow[ d ];
				if ( min[ d ] / piece[ d ] != max[ d ] / piece[ d ] )
					return false;
			}
			final CellGrid pieces = new CellGrid( rootDims, piece );
			final long[] position = new long[ m ];
			pieces.getCellPosition( min, position );
			final Data data = storage.of( IntervalIndexer.positionToIndex( position, pieces.getGridDimensions() ) );
			if ( data == Data.BIG_ENDIAN )
				return type.getNativeTypeFactory().getPrimitiveType().getByteCount() == 1;
			return data == Data.NATIVE && ( !( type instanceof BasePairCharType ) || storage == Storage.PYTHON );
		}

		private static List< Long > reversed( final long[] dims )
		{
			final List< Long > reversed = Arrays.stream( dims ).boxed().collect( Collectors.toList() );
			Collections.reverse( reversed );
			return reversed;
		}

		@Override
		public String toString()
		{
			return type.getClass().getSimpleName() + " " + storage + " of " + Arrays.toString( rootDims ) + " in cells of " + Arrays.toString( rootCell ) + ", margins " + Arrays.toString( marginBelow ) + " and "
					+ Arrays.toString( marginAbove ) + ", swaps " + swaps.stream().map( Arrays::toString ).collect( Collectors.toList() ) + ", bounds " + Intervals.toString( bounds ) + ", extended " + isExtended
					+ ", axes " + Arrays.toString( ofImage ) + ", whole " + Arrays.toString( whole ) + ", scale " + Arrays.toString( up ) + ", scaleDown " + Arrays.toString( down ) + ", own halo " + hasOwnHalo + " "
					+ Arrays.toString( lower ) + " and " + Arrays.toString( upper ) + ", own border " + hasOwnBorder + " " + edge;
		}
	}
}
