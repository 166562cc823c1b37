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
package net.imglib2.cache.python.block;

import static net.imglib2.cache.python.PythonLoaderOptions.options;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.LongBuffer;
import java.nio.ShortBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Function;

import org.junit.jupiter.api.Test;

import net.imglib2.FinalInterval;
import net.imglib2.Interval;
import net.imglib2.RandomAccessible;
import net.imglib2.RandomAccessibleInterval;
import net.imglib2.cache.python.InputWay;
import net.imglib2.cache.python.TestImages;
import net.imglib2.cache.python.TestImages.Data;
import net.imglib2.cache.python.TestImages.Storage;
import net.imglib2.cache.python.TestPixels;
import net.imglib2.cache.python.type.Dtype;
import net.imglib2.cache.python.type.PixelType;
import net.imglib2.converter.Converters;
import net.imglib2.img.ImgView;
import net.imglib2.position.FunctionRandomAccessible;
import net.imglib2.type.NativeType;
import net.imglib2.type.label.BasePairBitType;
import net.imglib2.type.numeric.RealType;
import net.imglib2.type.numeric.IntegerType;
import net.imglib2.type.numeric.integer.UnsignedByteType;
import net.imglib2.type.numeric.real.FloatType;
import net.imglib2.type.operators.SetZero;
import net.imglib2.util.Cast;
import net.imglib2.util.IntervalIndexer;
import net.imglib2.util.Intervals;
import net.imglib2.view.Views;

/**
 * Every way from an image, through views, to the memory that numpy sees, against
 * {@link RandomAccessible#getAt}, which goes to each pixel by its position:
 * ImgLib2's cursors, and copying of blocks, go from pixel to pixel instead.
 * <p>
 * {@code -Dcase=…} runs a single case, {@code -Dcases=…} that many.
 */
class CopiedPixelsTest
{
	private static final DirectMemory MEMORY = new DirectMemory();

	private static final int CASES = Integer.getInteger( "cases", 5000 );

	private static final int READS = 3;

	private static final int MAX_PIXELS = 700;

	@Test
	void everyWayCopiesWhatIsAtEachPosition()
	{
		final Integer single = Integer.getInteger( "case" );
		final Map< InputWay, Integer > ways = new EnumMap<>( InputWay.class );
		final List< String > failures = new ArrayList<>();
		for ( int i = single == null ? 0 : single; i < ( single == null ? CASES : single + 1 ); ++i )
		{
			final Chain< ? > chain = Chain.random( i, 0 );
			try
			{
				check( i, chain, ways );
			}
			catch ( final RuntimeException | AssertionError e )
			{
				if ( single != null )
					throw e;
				failures.add( "-Dcase=" + i + ": " + chain + "\n\t" + e );
			}
		}
		assertTrue( failures.isEmpty(), () -> failures.size() + " of " + CASES + " cases failed:\n" + String.join( "\n", failures ) );
		if ( single == null )
			assertTrue( ways.size() == 4 && ways.values().stream().allMatch( n -> n > CASES / 10 ), ways::toString );
	}

	@Test
	void mirroringAtASinglePixelRepeatsIt()
	{
		for ( final Storage storage : Storage.values() )
			if ( storage != Storage.PYTHON )
			{
				final RandomAccessibleInterval< FloatType > img = TestImages.create( storage, new FloatType(), new long[] { 16, 1, 20 }, new int[] { 8, 1, 8 }, 3, null );
				final Interval beyond = Intervals.expand( img, 2 );
				assertTravels( InputWay.CELLS, Views.extendMirrorSingle( img ), beyond );
				// An axis that is sliced away is as short.
				assertTravels( InputWay.CELLS, Views.extendMirrorSingle( Views.hyperSlice( img, 1, 0 ) ), FinalInterval.createMinMax( -3, -3, 20, 24 ) );
				// Nothing else is the matter with such an axis.
				if ( storage.name().startsWith( "SAYS" ) )
					continue;
				final InputWay fast = storage.says == Data.ARRAYS ? InputWay.BLOCKS : InputWay.CELLS;
				assertTravels( fast, Views.extendMirrorDouble( img ), beyond );
				assertTravels( fast, Views.extendBorder( img ), beyond );
				assertTravels( fast, Views.extendZero( img ), beyond );
			}
	}

	@Test
	void slicesBesidesAnAddedAxisAreOutside()
	{
		for ( final Storage storage : Storage.values() )
			if ( storage != Storage.PYTHON )
			{
				final RandomAccessibleInterval< FloatType > plane = TestImages.create( storage, new FloatType(), new long[] { 5, 4 }, new int[] { 5, 4 }, 3, null );
				final RandomAccessible< FloatType > extended = Views.extendZero( Views.addDimension( plane, 0, 0 ) );
				assertTravels( InputWay.PIXELS, Views.hyperSlice( extended, 2, 3 ), plane );
				assertEquals( 0, Views.hyperSlice( extended, 2, 3 ).getAt( 1, 1 ).get() );
				final RandomAccessible< FloatType > converted = Views.extendBorder( Converters.convert( Views.addDimension( plane, 0, 0 ), TestPixels::copy, new FloatType() ) );
				assertTravels( InputWay.PIXELS, Views.hyperSlice( converted, 2, 3 ), plane );
				assertTravels( InputWay.PIXELS, extended, FinalInterval.createMinMax( -1, -1, -1, 5, 5, 1 ) );
			}
	}

	private static void assertTravels( final InputWay way, final RandomAccessible< FloatType > view, final Interval interval )
	{
		final ImageSource< FloatType > input = new ImageSource<>( view, "input", interval, options(), MEMORY );
		new Expected<>( interval, view, null, null ).check( input.get( interval ), way.name() );
		assertEquals( way, input.wayOf( interval ) );
	}

	private static < T extends NativeType< T > > void check( final int number, final Chain< T > chain, final Map< InputWay, Integer > ways )
	{
		final Random random = new Random( ~number );
		final Interval covers = chain.isEverywhere ? Intervals.expand( chain.near, 4 ) : chain.near;
		final ImageSource< T > input = new ImageSource<>( chain.view, "input", covers, options(), MEMORY );
		final PixelType< T > pixelType = PixelType.of( chain.view.getType(), "input" );
		final PixelCopier< T > pixels = new PixelCopier<>( chain.view, pixelType, MEMORY );
		final CellsView cells = CellsView.of( ViewChain.of( chain.view ), pixelType );
		for ( int i = 0; i < READS; ++i )
		{
			final Interval interval = Chain.boxIn( random, covers, MAX_PIXELS );
			final Expected< T > expected;
			try
			{
				expected = new Expected<>( interval, chain.view, chain.hasRandomPixels ? Chain.random( number, 1 ) : null, chain.hasRandomPixels ? Chain.random( number, 2 ) : null );
			}
			catch ( final RuntimeException e )
			{
				// ImgLib2 miscalculates what an interval of a sheared view needs.
				assertTrue( chain.toString().contains( "SHEAR" ), e::toString );
				assertThrows( RuntimeException.class, () -> input.get( interval ) );
				continue;
			}
			final InputWay way = input.wayOf( interval );
			expected.check( input.get( interval ), way + ( input.wayOf( interval ) == way ? "" : " or " + input.wayOf( interval ) ) );
			expected.check( pixels.copy( interval ), "copied pixel by pixel" );
			if ( cells != null )
				expected.check( new CellsCopier<>( cells, pixelType, pixels, MEMORY ).copy( interval ), "copied by cells" );
			ways.merge( input.wayOf( interval ), 1, Integer::sum );
		}
	}

	/**
	 * The bytes that numpy must see.
	 */
	private static final class Expected< T extends NativeType< T > >
	{
		private final Interval interval;

		private final T type;

		private final byte[][] pixels;

		// Random pixels differ from those of another image with other pixels there.
		private final boolean[] isKnown;

		Expected( final Interval interval, final RandomAccessible< T > source, final Chain< ? > oneValue, final Chain< ? > otherValue )
		{
			this.interval = interval;
			type = source.getType().createVariable();
			pixels = bytes( interval, source );
			isKnown = new boolean[ pixels.length ];
			Arrays.fill( isKnown, true );
			if ( oneValue != null )
			{
				final byte[][] one = bytes( interval, Cast.< RandomAccessible< T > >unchecked( oneValue.view ) );
				final byte[][] other = bytes( interval, Cast.< RandomAccessible< T > >unchecked( otherValue.view ) );
				for ( int i = 0; i < pixels.length; ++i )
					isKnown[ i ] = Arrays.equals( one[ i ], other[ i ] );
			}
		}

		private static < T extends NativeType< T > > byte[][] bytes( final Interval interval, final RandomAccessible< T > source )
		{
			final byte[][] pixels = new byte[ ( int ) Intervals.numElements( interval ) ][];
			final long[] position = new long[ interval.numDimensions() ];
			for ( int i = 0; i < pixels.length; ++i )
			{
				IntervalIndexer.indexToPositionWithOffset( i, interval.dimensionsAsLongArray(), interval.minAsLongArray(), position );
				pixels[ i ] = bytes( source.getAt( position ) );
			}
			return pixels;
		}

		private static < T extends NativeType< T > > byte[] bytes( final T pixel )
		{
			final Object value = pixel;
			if ( value instanceof BasePairBitType )
				return new byte[] { ( byte ) ( ( BasePairBitType ) value ).get().ordinal() };
			final int numBytes = PixelType.of( value, "input" ).bytesPerPixel();
			final ByteBuffer memory = ByteBuffer.allocateDirect( 16 * numBytes ).order( ByteOrder.nativeOrder() );
			if ( TestPixels.isPacked( value ) )
				memory.putLong( 0, ( ( IntegerType< ? > ) value ).getIntegerLong() );
			else
				TestPixels.copy( pixel, TestImages.array( pixel, TestImages.bufferAccess( pixel.getNativeTypeFactory().getPrimitiveType(), memory.duplicate().order( ByteOrder.nativeOrder() ) ), 1 ).firstElement() );
			final byte[] bytes = new byte[ numBytes ];
			memory.get( bytes );
			return bytes;
		}

		void check( final BlockArray array, final String way )
		{
			final Dtype dtype = array.dtype();
			final int n = interval.numDimensions();
			final byte[] memory = bytes( array.memory() );
			final byte[] got = new byte[ pixels.length == 0 ? 0 : pixels[ 0 ].length ];
			final long[] position = new long[ n ];
			int different = 0;
			String first = null;
			for ( int i = 0; i < pixels.length; ++i )
			{
				IntervalIndexer.indexToPosition( i, interval.dimensionsAsLongArray(), position );
				long at = array.offset();
				for ( int d = 0; d < n; ++d )
				{
					assertEquals( interval.dimension( d ), array.size( n - 1 - d ) );
					at += position[ d ] * array.stride( n - 1 - d );
				}
				final int components = array.numAxes() > n ? ( int ) array.size( n ) : 1;
				assertEquals( got.length, components * dtype.bytes() );
				if ( components > 1 )
					assertEquals( dtype.bytes(), array.stride( n ) );
				System.arraycopy( memory, ( int ) at, got, 0, got.length );
				if ( isKnown[ i ] && !Arrays.equals( pixels[ i ], got ) && ++different == 1 )
					first = Arrays.toString( position ) + ": " + Arrays.toString( got ) + " instead of " + Arrays.toString( pixels[ i ] );
			}
			if ( array.lease() != null )
				array.lease().release();
			if ( different > 0 )
				throw new AssertionError( way + ": " + different + " of " + pixels.length + " pixels of " + Intervals.toString( interval ) + " are wrong, first at " + first );
		}

		private static byte[] bytes( final Object memory )
		{
			if ( memory instanceof ByteBuffer )
				return bytes( ( ByteBuffer ) memory );
			final ByteBuffer copy = ByteBuffer.allocate( 8 * ( ( java.nio.Buffer ) memory ).capacity() ).order( ByteOrder.nativeOrder() );
			if ( memory instanceof ShortBuffer )
				copy.asShortBuffer().put( ( ( ShortBuffer ) memory ).duplicate().clear() );
			else if ( memory instanceof IntBuffer )
				copy.asIntBuffer().put( ( ( IntBuffer ) memory ).duplicate().clear() );
			else if ( memory instanceof LongBuffer )
				copy.asLongBuffer().put( ( ( LongBuffer ) memory ).duplicate().clear() );
			else if ( memory instanceof FloatBuffer )
				copy.asFloatBuffer().put( ( ( FloatBuffer ) memory ).duplicate().clear() );
			else
				copy.asDoubleBuffer().put( ( ( DoubleBuffer ) memory ).duplicate().clear() );
			return bytes( copy );
		}

		private static byte[] bytes( final ByteBuffer memory )
		{
			final byte[] bytes = new byte[ memory.capacity() ];
			memory.duplicate().clear().get( bytes );
			return bytes;
		}

		@Override
		public String toString()
		{
			return type.getClass().getSimpleName();
		}
	}

	private enum Step
	{
		INTERVAL, TRANSLATE, ZERO_MIN, PERMUTE, MOVE_AXIS, ROTATE, INVERT_AXIS, HYPER_SLICE, ADD_AXIS, ADD_BOUNDED_AXIS, DROP_SINGLETONS, FLUENT, IMG_VIEW, EXTEND,
		// Nothing that is fast for all roots.
		SHEAR, UNSHEAR, SUBSAMPLE, SUBSAMPLE_INTERVAL, STACK, CONCATENATE, CONVERT, CONVERT_TO_FLOAT
	}

	private enum Extension
	{
		ZERO, VALUE, BORDER, MIRROR_SINGLE, MIRROR_DOUBLE, PERIODIC, RANDOM
	}

	/**
	 * A view, of random kinds.
	 */
	private static final class Chain< T extends NativeType< T > >
	{
		private final Random random;

		// Which values are taken for random ones: 0 for random ones.
		private final int variant;

		private final StringBuilder description = new StringBuilder();

		RandomAccessible< T > view;

		// Where there are pixels.
		Interval near;

		// Whether there are pixels elsewhere, too.
		boolean isEverywhere;

		boolean hasRandomPixels;

		private Chain( final Random random, final int variant )
		{
			this.random = random;
			this.variant = variant;
		}

		static Chain< ? > random( final int number, final int variant )
		{
			final Random random = new Random( number );
			final Chain< ? > chain = new Chain<>( random, variant );
			chain.root();
			for ( int i = random.nextInt( 7 ); i > 0; --i )
				chain.step( random.nextInt( 4 ) == 0 ? Step.EXTEND : Step.values()[ random.nextInt( random.nextInt( 4 ) == 0 ? Step.values().length : Step.SHEAR.ordinal() ) ] );
			return chain;
		}

		private void root()
		{
			final NativeType< ? > type = TestPixels.randomType( random );
			final int n = 1 + random.nextInt( 4 );
			final long[] dims = new long[ n ];
			final int[] cell = new int[ n ];
			for ( int d = 0; d < n; ++d )
			{
				dims[ d ] = random.nextInt( 5 ) < 2 ? 1 + random.nextInt( 2 ) : 1 + random.nextInt( new int[] { 0, 20, 9, 6, 4 }[ n ] );
				cell[ d ] = random.nextInt( 4 ) > 0 ? ( int ) dims[ d ] : 1 + random.nextInt( ( int ) dims[ d ] );
			}
			final int salt = random.nextInt( 1000 );
			near = new FinalInterval( dims );
			if ( random.nextInt( 40 ) == 0 )
			{
				view = Cast.unchecked( new FunctionRandomAccessible<>( n, () -> ( position, pixel ) -> {
					long hash = 0;
					for ( int d = 0; d < n; ++d )
						hash = 31 * hash + position.getLongPosition( d );
					TestPixels.set( pixel, hash, salt );
				}, () -> Cast.< NativeType< ? > >unchecked( type.createVariable() ) ) );
				isEverywhere = true;
				description.append( type.getClass().getSimpleName() + " function of " + n + " axes" );
				return;
			}
			final Storage storage = Storage.values()[ random.nextInt( Storage.PYTHON.ordinal() ) ];
			view = Cast.unchecked( TestImages.create( storage, Cast.unchecked( type ), dims, cell, salt, null ) );
			description.append( type.getClass().getSimpleName() + " from " + storage + " of " + Arrays.toString( dims ) + " in cells of " + Arrays.toString( cell ) );
		}

		private void step( final Step step )
		{
			final int n = view.numDimensions();
			final int a = random.nextInt( n );
			final int b = n == 1 ? a : ( a + 1 + random.nextInt( n - 1 ) ) % n;
			switch ( step )
			{
			case INTERVAL:
				near = boxIn( random, isEverywhere ? Intervals.expand( near, random.nextInt( 3 ) ) : near, Integer.MAX_VALUE );
				set( step, Views.interval( view, near ) );
				isEverywhere = false;
				return;
			case TRANSLATE:
				final long[] translation = random.longs( n, -5, 6 ).toArray();
				transform( step + Arrays.toString( translation ), bounded -> Views.translate( bounded, translation ), all -> Views.translate( all, translation ) );
				return;
			case ZERO_MIN:
				final RandomAccessibleInterval< T > atZero = Views.zeroMin( bounded() );
				near = new FinalInterval( atZero );
				set( step, atZero );
				isEverywhere = false;
				return;
			case PERMUTE:
				transform( step + " " + a + " " + b, bounded -> Views.permute( bounded, a, b ), all -> Views.permute( all, a, b ) );
				return;
			case MOVE_AXIS:
				transform( step + " " + a + " " + b, bounded -> Views.moveAxis( bounded, a, b ), all -> Views.moveAxis( all, a, b ) );
				return;
			case ROTATE:
				if ( n > 1 )
					transform( step + " " + a + " " + b, bounded -> Views.rotate( bounded, a, b ), all -> Views.rotate( all, a, b ) );
				return;
			case INVERT_AXIS:
				transform( step + " " + a, bounded -> Views.invertAxis( bounded, a ), all -> Views.invertAxis( all, a ) );
				return;
			case HYPER_SLICE:
				if ( n == 1 )
					return;
				final int beyond = isEverywhere && random.nextInt( 2 ) == 0 ? 4 : 0;
				final long at = near.min( a ) - beyond + random.nextInt( ( int ) near.dimension( a ) + 2 * beyond );
				transform( "HYPER_SLICE " + a + " at " + at, bounded -> Views.hyperSlice( bounded, a, at ), all -> Views.hyperSlice( all, a, at ) );
				return;
			case ADD_AXIS:
			case ADD_BOUNDED_AXIS:
				if ( n > 4 )
					return;
				final long from = random.nextInt( 2 ) * ( random.nextInt( 5 ) - 2 );
				final long to = from + random.nextInt( 2 ) * random.nextInt( 3 );
				// Often nothing but 0: that axis cannot be told by its interval.
				final RandomAccessibleInterval< T > added = Views.addDimension( bounded(), from, to );
				near = new FinalInterval( added );
				set( step + " " + from + " " + to, step == Step.ADD_AXIS ? Views.addDimension( view ) : added );
				isEverywhere &= step == Step.ADD_AXIS;
				return;
			case DROP_SINGLETONS:
				final RandomAccessibleInterval< T > dropped = Views.dropSingletonDimensions( bounded() );
				if ( dropped.numDimensions() == 0 )
					return;
				near = new FinalInterval( dropped );
				set( step, dropped );
				isEverywhere = false;
				return;
			case FLUENT:
				set( step, view instanceof RandomAccessibleInterval ? ( ( RandomAccessibleInterval< T > ) view ).view() : view.view() );
				return;
			case IMG_VIEW:
				set( step, ImgView.wrap( bounded() ) );
				isEverywhere = false;
				return;
			case EXTEND:
				extend( Extension.values()[ random.nextInt( Extension.values().length ) ] );
				return;
			case SHEAR:
			case UNSHEAR:
				if ( n > 1 && isEverywhere )
					set( step + " " + a + " " + b, step == Step.SHEAR ? Views.shear( view, a, b ) : Views.unshear( view, a, b ) );
				return;
			case SUBSAMPLE:
			case SUBSAMPLE_INTERVAL:
				subsample( step );
				return;
			case STACK:
				if ( n > 4 )
					return;
				final RandomAccessibleInterval< T > stacked = Views.stack( others( 1 + random.nextInt( 2 ) ) );
				near = new FinalInterval( stacked );
				set( step, stacked );
				isEverywhere = false;
				return;
			case CONCATENATE:
				final RandomAccessibleInterval< T > concatenated = Views.concatenate( a, others( 1 + random.nextInt( 2 ) ) );
				near = new FinalInterval( concatenated );
				set( step + " " + a, concatenated );
				isEverywhere = false;
				return;
			case CONVERT:
				final T type = view.getType().createVariable();
				set( step, view instanceof RandomAccessibleInterval ? Converters.convert( ( RandomAccessibleInterval< T > ) view, TestPixels::copy, type ) : Converters.convert( view, TestPixels::copy, type ) );
				return;
			case CONVERT_TO_FLOAT:
				if ( view.getType() instanceof RealType )
					convertToFloat( Cast.unchecked( view ) );
			}
		}

		private < S extends RealType< S > > void convertToFloat( final RandomAccessible< S > source )
		{
			set( Step.CONVERT_TO_FLOAT, Cast.unchecked( source instanceof RandomAccessibleInterval
					? Converters.convert( ( RandomAccessibleInterval< S > ) source, ( in, out ) -> out.setReal( in.getRealDouble() ), new FloatType() )
					: Converters.convert( source, ( in, out ) -> out.setReal( in.getRealDouble() ), new FloatType() ) ) );
		}

		private void subsample( final Step step )
		{
			final int n = view.numDimensions();
			final long[] steps = random.longs( n, 1, 3 ).toArray();
			if ( step == Step.SUBSAMPLE_INTERVAL )
			{
				final RandomAccessibleInterval< T > subsampled = Views.subsample( Views.zeroMin( bounded() ), steps );
				if ( Intervals.isEmpty( subsampled ) )
					return;
				near = new FinalInterval( subsampled );
				set( step + Arrays.toString( steps ), subsampled );
				isEverywhere = false;
				return;
			}
			final long[] min = new long[ n ];
			final long[] max = new long[ n ];
			for ( int d = 0; d < n; ++d )
			{
				min[ d ] = -Math.floorDiv( -near.min( d ), steps[ d ] );
				max[ d ] = Math.floorDiv( near.max( d ), steps[ d ] );
				if ( max[ d ] < min[ d ] )
					return;
			}
			near = new FinalInterval( min, max );
			set( step + Arrays.toString( steps ), Views.subsample( view, steps ) );
		}

		private void extend( final Extension extension )
		{
			final RandomAccessibleInterval< T > source = bounded();
			final T value = view.getType().createVariable();
			final int salt = random.nextInt( 100 );
			description.append( " | " + extension );
			isEverywhere = true;
			switch ( extension )
			{
			case ZERO:
				if ( value instanceof SetZero )
					( ( SetZero ) value ).setZero();
				view = Views.extendValue( source, value );
				return;
			case VALUE:
				TestPixels.set( value, 0, salt );
				view = Views.extendValue( source, value );
				return;
			case BORDER:
				view = Views.extendBorder( source );
				return;
			case MIRROR_SINGLE:
				view = Views.extendMirrorSingle( source );
				return;
			case MIRROR_DOUBLE:
				view = Views.extendMirrorDouble( source );
				return;
			case PERIODIC:
				view = Views.extendPeriodic( source );
				return;
			default:
				if ( !( value instanceof UnsignedByteType || value instanceof FloatType ) )
				{
					view = Views.extendBorder( source );
					return;
				}
				hasRandomPixels = true;
				if ( variant == 0 )
					view = Cast.unchecked( extendRandom( Cast.unchecked( source ) ) );
				else
				{
					( ( RealType< ? > ) Cast.unchecked( value ) ).setReal( variant );
					view = Views.extendValue( source, value );
				}
			}
		}

		private static < S extends RealType< S > > RandomAccessible< S > extendRandom( final RandomAccessibleInterval< S > source )
		{
			return Views.extendRandom( source, 0, 100 );
		}

		/**
		 * @return intervals of the same size, of different pixels if there are enough
		 */
		private List< RandomAccessibleInterval< T > > others( final int count )
		{
			final List< RandomAccessibleInterval< T > > others = new ArrayList<>( Collections.nCopies( count, bounded() ) );
			if ( isEverywhere && count > 1 )
				others.set( 1, Views.interval( Views.translate( view, random.longs( near.numDimensions(), -2, 3 ).toArray() ), near ) );
			return others;
		}

		private RandomAccessibleInterval< T > bounded()
		{
			return view instanceof RandomAccessibleInterval && Intervals.equals( ( Interval ) view, near ) ? ( RandomAccessibleInterval< T > ) view : Views.interval( view, near );
		}

		private void transform( final String what, final Function< RandomAccessibleInterval< T >, RandomAccessibleInterval< T > > ofBounded, final Function< RandomAccessible< T >, RandomAccessible< T > > ofAll )
		{
			final boolean isBounded = view instanceof RandomAccessibleInterval && random.nextBoolean();
			final RandomAccessibleInterval< T > transformed = ofBounded.apply( Views.interval( view, near ) );
			set( what, isBounded ? ofBounded.apply( Cast.unchecked( view ) ) : ofAll.apply( view ) );
			near = new FinalInterval( transformed );
		}

		private void set( final Object what, final RandomAccessible< T > changed )
		{
			view = changed;
			description.append( " | " + what );
		}

		/**
		 * @return a box in, or at the border of, a box
		 */
		static Interval boxIn( final Random random, final Interval box, final int maxPixels )
		{
			final int n = box.numDimensions();
			final long[] min = box.minAsLongArray();
			final long[] max = box.maxAsLongArray();
			for ( int d = 0; d < n; ++d )
			{
				final int size = ( int ) box.dimension( d );
				if ( random.nextInt( 3 ) > 0 )
					min[ d ] += random.nextInt( size );
				if ( random.nextInt( 3 ) > 0 )
					max[ d ] = min[ d ] + random.nextInt( ( int ) ( max[ d ] - min[ d ] + 1 ) );
			}
			for ( int d = 0; Intervals.numElements( new FinalInterval( min, max ) ) > maxPixels; d = ( d + 1 ) % n )
				max[ d ] = min[ d ] + ( max[ d ] - min[ d ] ) / 2;
			return new FinalInterval( min, max );
		}

		@Override
		public String toString()
		{
			return description + ( isEverywhere ? "" : ", in " + Intervals.toString( near ) );
		}
	}
}
