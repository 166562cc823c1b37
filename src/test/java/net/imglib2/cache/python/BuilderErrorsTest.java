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
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import groovy.lang.Binding;
import groovy.lang.GroovyShell;
import net.imglib2.FinalInterval;
import net.imglib2.RandomAccessible;
import net.imglib2.blocks.PrimitiveBlocks.OnFallback;
import net.imglib2.img.Img;
import net.imglib2.img.array.ArrayImgFactory;
import net.imglib2.img.array.ArrayImgs;
import net.imglib2.img.list.ListImg;
import net.imglib2.type.NativeType;
import net.imglib2.type.label.BasePairBitType;
import net.imglib2.type.numeric.integer.IntType;
import net.imglib2.type.numeric.integer.UnsignedByteType;
import net.imglib2.type.numeric.real.FloatType;
import net.imglib2.type.volatiles.VolatileFloatType;
import net.imglib2.util.Cast;
import net.imglib2.view.Views;

/**
 * Wrong arguments of the builder are refused by {@code build()} at the latest, by messages that say what
 * was wrong and what was expected; what scripts have at hand is accepted.
 */
@Timeout( 120 )
class BuilderErrorsTest
{
	private static final Img< UnsignedByteType > IMAGE = ArrayImgs.unsignedBytes( 20, 10 );

	private static final Img< UnsignedByteType > STACK = ArrayImgs.unsignedBytes( 20, 10, 3 );

	private static final Img< FloatType > FLOATS = ArrayImgs.floats( 20, 10 );

	private static final RandomAccessible< UnsignedByteType > UNBOUNDED = Views.extendZero( IMAGE );

	private static final Path FOLDER = Paths.get( System.getProperty( "java.io.tmpdir" ) );

	private static PythonCacheLoaderQueue queue;

	private static final List< Row > ROWS = new ArrayList<>();

	private static final class Row
	{
		final String name;

		final Class< ? extends Exception > thrown;

		final Executable call;

		final String[] parts;

		Row( final String name, final Class< ? extends Exception > thrown, final Executable call, final String... parts )
		{
			this.name = name;
			this.thrown = thrown;
			this.call = call;
			this.parts = parts;
		}

		@Override
		public String toString()
		{
			return name;
		}
	}

	/**
	 * @param parts
	 * 		what the message contains
	 */
	private static void refused( final String name, final Executable call, final String... parts )
	{
		ROWS.add( new Row( name, IllegalArgumentException.class, call, parts ) );
	}

	private static void isNull( final String argument, final Executable call )
	{
		ROWS.add( new Row( argument + " is null", NullPointerException.class, call, argument ) );
	}

	private static PythonImgBuilder< ? > builder()
	{
		return PythonImg.builder( "pass" ).queue( queue );
	}

	private static PythonImgBuilder< ? > image()
	{
		return builder().input( IMAGE );
	}

	private static PythonInput input()
	{
		return PythonInput.of( IMAGE );
	}

	private static < S extends NativeType< S > > PythonImgBuilder< S > typed( final Object type )
	{
		return image().type( Cast.< S >unchecked( type ) );
	}

	private static void build( final PythonInput input )
	{
		builder().input( input ).build();
	}

	/**
	 * Wrong values where whole numbers from 0 or 1 on are expected.
	 */
	private interface Numbers
	{
		void give( Object... numbers );
	}

	private static void numbers( final String method, final String what, final boolean isZeroRefused, final Numbers numbers )
	{
		final Map< String, Object > wrong = new LinkedHashMap<>();
		wrong.put( "-1", -1 );
		wrong.put( "1.5", 1.5 );
		wrong.put( "NaN", Double.NaN );
		wrong.put( "Infinity", Float.POSITIVE_INFINITY );
		wrong.put( "some", "some" );
		wrong.put( "true", true );
		wrong.put( "1E+30", new BigDecimal( "1E+30" ) );
		wrong.put( "0.5", new BigDecimal( "0.5" ) );
		if ( isZeroRefused )
			wrong.put( "0", 0 );
		wrong.forEach( ( text, value ) -> {
			refused( method + "( " + text + " )", () -> numbers.give( value ), what, text, "expected", isZeroRefused ? "from 1 on" : "from 0 on" );
			refused( method + "( 2, " + text + " )", () -> numbers.give( 2, value ), what, text, "expected", "from" );
			refused( method + "( [2, " + text + "] )", () -> numbers.give( Arrays.asList( 2, value ) ), what, text, "expected" );
		} );
		refused( method + "()", () -> numbers.give(), what, "one", "per axis" );
		refused( method + "( [] )", () -> numbers.give( Collections.emptyList() ), what, "one", "per axis" );
		isNull( what.substring( what.lastIndexOf( ' ' ) + 1 ), () -> numbers.give( ( Object[] ) null ) );
		isNull( what.substring( what.lastIndexOf( ' ' ) + 1 ), () -> numbers.give( ( Object ) null ) );
		refused( method + "( [2, null] )", () -> numbers.give( Arrays.asList( 2, null ) ), what, "null", "expected" );
		refused( method + "( 1, 2, 3 )", () -> numbers.give( 2, 2, 2 ), "[2, 2, 2]", "3", "2" );
	}

	static
	{
		isNull( "code", () -> PythonImg.builder( ( String ) null ) );
		isNull( "file", () -> PythonImg.builder( ( Path ) null ) );
		refused( "a file that does not exist", () -> PythonImg.builder( FOLDER.resolve( "no such file.py" ) ), "no such file.py", "cannot be read" );
		ROWS.add( new Row( "wrong code", PythonCodeException.class, () -> PythonImg.builder( "x = (" ).queue( queue ).input( IMAGE ).build(), "line 1" ) );
		ROWS.add( new Row( "a function that does not exist", PythonCodeException.class, () -> PythonImg.builder( "scipy.ndimage:gausian" ).queue( queue ).input( IMAGE ).build(), "gausian" ) );

		numbers( "halo", "the halo", false, given -> image().halo( given ).build() );
		numbers( "input's halo", "the halo", false, given -> build( input().halo( given ) ) );
		numbers( "scale", "the scale", true, given -> build( input().scale( given ) ) );
		numbers( "scaleDown", "the downscaling", true, given -> build( input().scaleDown( given ) ) );
		numbers( "padToMultiple", "padToMultiple", true, given -> image().padToMultiple( given ).build() );
		numbers( "cellSize", "the cell size", true, given -> image().cellSize( given ).build() );
		for ( final Object wrong : new Object[] { 0, -1, 1.5, Double.NaN, "some", new BigDecimal( "1E+30" ) } )
			refused( "dimensions( 20, " + wrong + " )", () -> image().dimensions( 20, wrong ).build(), "the dimensions", String.valueOf( wrong ), "expected", "from 1 on" );
		refused( "dimensions()", () -> image().dimensions().build(), "the dimensions", "one per axis" );
		refused( "dimensions( [] )", () -> image().dimensions( Collections.emptyList() ).build(), "the dimensions", "one per axis" );
		isNull( "dimensions", () -> image().dimensions( ( Object[] ) null ) );

		// Halo.
		refused( "lower and upper halo differ in number", () -> image().halo( Arrays.asList( 1, 2 ), Arrays.asList( 1, 2, 3 ) ).build(), "[1, 2]", "[1, 2, 3]", "after the cell", "3 axes", "has 2" );
		refused( "the lower halo is negative", () -> image().halo( new int[] { -3, 1 }, new int[] { 1, 1 } ), "-3", "before", "from 0 on" );
		refused( "a halo that is too large", () -> image().halo( Integer.MAX_VALUE ).build(), "4294967314", "uint8", "a smaller halo" );
		refused( "a multiple that is too large", () -> image().padToMultiple( Integer.MAX_VALUE ).build(), "2147483647", "uint8", "2^31-1" );
		refused( "whole axes that are too large", () -> builder().input( PythonInput.of( Views.interval( Views.extendZero( STACK ), new FinalInterval( 20, 10, 1L << 40 ) ) ).wholeAxes( 2 ) ).build(), "1099511627776", "2^31-1" );
		refused( "too many cells", () -> builder().type( new FloatType() ).dimensions( 1L << 40, 1L << 40 ).cellSize( 1 ).build(), "1099511627776", "choose larger cells" );
		refused( "NONE and a halo", () -> image().halo( 2 ).border( Border.NONE ).build(), "input 0", "NONE", "[(-2, -2) -- (21, 11) = 24x14]", "choose a border" );
		refused( "NONE and padding", () -> build( input().border( "none" ), 16 ), "input 0", "NONE", "choose a border" );

		// Border.
		isNull( "border", () -> image().border( ( Border ) null ) );
		isNull( "border", () -> image().border( ( String ) null ) );
		isNull( "border", () -> input().border( ( Border ) null ) );
		isNull( "border", () -> input().border( ( String ) null ) );
		isNull( "border", () -> Border.of( null ) );
		for ( final String wrong : Arrays.asList( "reflect", "", "mirror", "value( 3 )" ) )
			refused( "border( \"" + wrong + "\" )", () -> image().border( wrong ), "\"" + wrong + "\"", "MIRROR_DOUBLE", "MIRROR_SINGLE", "PERIODIC", "Border.value( number )" );
		for ( final double wrong : new double[] { 256, -1, 0.5, Double.NaN, 1e30, Double.NEGATIVE_INFINITY } )
			refused( "value( " + wrong + " ) of bytes", () -> image().halo( 1 ).border( Border.value( wrong ) ).build(), "input 0", "UnsignedByteType", String.valueOf( wrong ), "choose a value" );
		refused( "value( 1e300 ) of floats", () -> builder().input( FLOATS ).halo( 1 ).border( Border.value( 1e300 ) ).build(), "FloatType", "1.0E300", "choose a value" );
		refused( "value( 2 ) of bits", () -> builder().input( ArrayImgs.bits( 20, 10 ) ).halo( 1 ).border( Border.value( 2 ) ).build(), "BitType", "2.0", "choose a value" );
		refused( "value( 1 ) of colours", () -> builder().input( ArrayImgs.argbs( 20, 10 ) ).halo( 1 ).border( Border.value( 1 ) ).build(), "ARGBType", "1.0", "choose a value" );
		refused( "zeros of base pairs", () -> builder().input( new ArrayImgFactory<>( new BasePairBitType() ).create( 20, 10 ) ).halo( 1 ).border( Border.ZERO ).build(), "BasePairBitType", "ZERO", "choose" );

		// Inputs.
		isNull( "image", () -> builder().input( ( RandomAccessible< ? > ) null ) );
		isNull( "image", () -> builder().input( "raw", ( RandomAccessible< ? > ) null ) );
		isNull( "image", () -> PythonInput.of( ( RandomAccessible< ? > ) null ) );
		isNull( "input", () -> builder().input( ( PythonInput ) null ) );
		isNull( "name", () -> builder().input( null, IMAGE ) );
		isNull( "name", () -> input().name( null ) );
		for ( final String wrong : Arrays.asList( "", "1a", "a b", "class", "block", "__name__", "a.b" ) )
			refused( "name( \"" + wrong + "\" )", () -> builder().input( wrong, IMAGE ).build(), "\"" + wrong + "\"", "use" );
		refused( "two inputs of one name", () -> builder().input( "raw", IMAGE ).input( "raw", IMAGE ).build(), "\"raw\"", "rename" );
		refused( "an input smaller than the image", () -> image().dimensions( 30, 10 ).build(), "input 0", "20x10", "[30, 10]", "[(0, 0) -- (29, 9) = 30x10]", "choose other dimensions" );
		refused( "a named input smaller than the image", () -> image().input( "mask", ArrayImgs.bits( 20, 9 ) ).build(), "input 1 \"mask\"", "20x9", "[20, 10]", "extend it" );
		refused( "an input elsewhere", () -> builder().input( Views.translate( IMAGE, 1, 0 ) ).build(), "input 0", "[(1, 0) -- (20, 9) = 20x10]", "Views.zeroMin" );
		refused( "an input with more axes", () -> builder().input( STACK ).dimensions( 20, 10 ).build(), "input 0", "3 axes", "2", "wholeAxes" );
		refused( "an input with fewer axes", () -> image().dimensions( 20, 10, 3 ).build(), "input 0", "2 axes", "3", "dimensions" );
		refused( "pixels that are objects", () -> builder().input( new ListImg<>( new long[] { 20, 10 }, "a" ) ).build(), "first input", "java.lang.String", "NativeType", ".type( " );
		refused( "pixels that are objects, with a type", () -> builder().input( new ListImg<>( new long[] { 20, 10 }, "a" ) ).type( new FloatType() ).build(), "input 0", "String", "not supported" );
		refused( "pixels that may not be loaded", () -> builder().input( new ListImg<>( new long[] { 20, 10 }, new VolatileFloatType( 1 ) ) ).type( new FloatType() ).build(), "input 0", "VolatileFloatType", "may not be loaded" );
		refused( "a slow input that is not wanted", () -> builder().input( Views.subsample( IMAGE, 2 ) ).onFallback( OnFallback.FAIL ).build(), "input 0", "pixel by pixel" );
		refused( "an unknown fallback", () -> builder().onFallback( "ignore" ), "ignore", "ACCEPT, WARN, FAIL" );

		// Scale and whole axes.
		refused( "scale and scaleDown", () -> build( input().scale( 2 ).scaleDown( 2 ) ), "input 0", "scale 2", "downscaling 2", "must be 1" );
		refused( "a scale that the input is too small for", () -> builder().input( input().scale( 2 ) ).dimensions( 20, 10 ).build(), "input 0", "40x20", "scale( … )" );
		refused( "a scale larger than the input", () -> build( input().scale( 100 ) ), "input 0", "100x100" );
		refused( "wholeAxes( -1 )", () -> input().wholeAxes( -1 ), "the whole axes", "-1", "from 0 on" );
		refused( "wholeAxes( 0, 0 )", () -> input().wholeAxes( 0, 0 ), "the whole axes", "[0, 0]", "different" );
		refused( "wholeAxes( \"c\" )", () -> input().wholeAxes( "c" ), "the whole axes", "c", "expected whole numbers" );
		refused( "wholeAxes( 0.5 )", () -> input().wholeAxes( 0.5 ), "the whole axes", "0.5", "expected" );
		isNull( "whole axes", () -> input().wholeAxes( ( Object[] ) null ) );
		refused( "wholeAxes( 2 ) of two", () -> build( input().wholeAxes( 2 ) ), "no axis 2", "0 to 1" );
		refused( "all axes are whole", () -> build( input().wholeAxes( 0, 1 ) ), "all axes", "dimensions" );
		refused( "whole axes without bounds", () -> builder().input( PythonInput.of( Views.extendZero( STACK ) ).wholeAxes( 2 ) ).dimensions( 20, 10 ).build(), "input 0", "no bounds", "axis 2", "Views.interval" );
		refused( "whole axes that are not enough", () -> builder().input( PythonInput.of( STACK ).wholeAxes( 2 ) ).dimensions( 20 ).build(), "input 0", "3 axes", "1 of which", "has 1" );
		refused( "a halo for the axes of the image only", () -> builder().input( PythonInput.of( STACK ).wholeAxes( 2 ).halo( 1, 2, 3, 4 ) ).build(), "[1, 2, 3, 4]", "4 axes", "has 3" );

		// Output.
		isNull( "type", () -> image().type( null ) );
		refused( "no type", () -> builder().dimensions( 20, 10 ).build(), "pixel type", ".type( new FloatType() )" );
		refused( "no dimensions", () -> builder().type( new FloatType() ).build(), "dimensions", ".like( interval )" );
		refused( "an input without bounds says no dimensions", () -> builder().input( UNBOUNDED ).build(), "dimensions", "no bounds", ".like( interval )" );
		refused( "a volatile type", () -> typed( new VolatileFloatType( 1 ) ).build(), "VolatileFloatType" );
		refused( "like an interval elsewhere", () -> image().like( new FinalInterval( new long[] { 1, 0 }, new long[] { 9, 9 } ) ), "[1, 0]", "origin", "Views.zeroMin" );
		refused( "like an interval that is empty", () -> image().like( new FinalInterval( 3, 0 ) ), "[3, 0]", "from 1 on" );
		isNull( "interval", () -> image().like( null ) );
		refused( "a cell that is too large", () -> builder().type( new FloatType() ).dimensions( 100_000, 100_000 ).cellSize( 100_000 ).build(), "100000" );

		// Behaviour.
		for ( final String wrong : Arrays.asList( "", "1a", "class", "block" ) )
			refused( "parameter( \"" + wrong + "\" )", () -> image().parameter( wrong, 1 ), "\"" + wrong + "\"", "use" );
		refused( "parameter( null )", () -> image().parameter( null, 1 ), "null", "expected a string" );
		refused( "a parameter that Python cannot have", () -> image().parameter( "k", new Object() ), "\"k\"", "java.lang.Object" );
		refused( "a parameter with the name of an input", () -> builder().input( "raw", IMAGE ).parameter( "raw", 1 ).build(), "raw" );
		isNull( "init", () -> image().init( null ) );
		isNull( "environment", () -> image().environment( null ) );
		isNull( "queue", () -> image().queue( null ) );
		for ( final int wrong : new int[] { 0, -3 } )
			refused( "workers( " + wrong + " )", () -> image().workers( wrong ), "workers", String.valueOf( wrong ), "1 or more" );
		refused( "a queue and workers", () -> image().workers( 2 ).build(), "queue", "a number of workers", "leave" );
		refused( "a queue and init code", () -> image().init( "x = 1" ).build(), "queue", "init code", "leave" );
		refused( "a queue and an environment", () -> image().environment( PythonEnvironment.getDefault() ).build(), "queue", "an environment", "leave" );
		refused( "cacheBytes( -1 )", () -> image().cacheBytes( -1 ), "-1", "0 or more" );
		refused( "timeout( 0 )", () -> image().timeout( Duration.ZERO ), "PT0S", "positive" );
		refused( "timeout( -1 s )", () -> image().timeout( Duration.ofSeconds( -1 ) ), "PT-1S", "positive" );
		isNull( "value", () -> image().onErrorFill( null, error -> {} ) );
		isNull( "listener", () -> image().type( new FloatType() ).onErrorFill( new FloatType(), null ) );
		refused( "a filling of another type", () -> image().type( new FloatType() ).onErrorFill( new FloatType(), error -> {} ).type( new IntType() ).build(), "FloatType", "IntType" );
		isNull( "onFallback", () -> image().onFallback( ( OnFallback ) null ) );
		isNull( "name", () -> image().name( null ) );
		refused( "name( \" \" )", () -> image().name( " " ), "name", "empty" );
		isNull( "folder", () -> image().captureFailures( null ) );
		refused( "no folder", () -> image().captureFailures( FOLDER.resolve( "no such folder" ) ), "no such folder", "not a folder" );
	}

	private static void build( final PythonInput input, final int multiple )
	{
		builder().input( input ).padToMultiple( multiple ).build();
	}

	@BeforeAll
	static void open()
	{
		// Code that needs a long import is checked when it runs first.
		queue = new PythonCacheLoaderQueue( 1, "import scipy.ndimage" );
	}

	@AfterAll
	static void close()
	{
		queue.close();
	}

	static List< Row > rows()
	{
		return ROWS;
	}

	@ParameterizedTest
	@MethodSource( "rows" )
	void wrongArgumentsAreRefused( final Row row )
	{
		final String message = String.valueOf( assertThrows( row.thrown, row.call ).getMessage() );
		for ( final String part : row.parts )
			assertTrue( message.contains( part ), "\"" + part + "\" is not in: " + message );
	}

	static List< Object > pairs()
	{
		final Map< String, Object > ofNashorn = new LinkedHashMap<>();
		ofNashorn.put( "0", 3 );
		ofNashorn.put( "1", 4.0 );
		return Arrays.asList( new byte[] { 3, 4 }, new short[] { 3, 4 }, new int[] { 3, 4 }, new long[] { 3, 4 }, new float[] { 3, 4 }, new double[] { 3, 4 }, Arrays.asList( 3, 4 ),
				new ArrayList<>( Arrays.asList( 3L, 4.0 ) ), Arrays.asList( BigInteger.valueOf( 3 ), new BigDecimal( "4.00" ) ), Collections.unmodifiableCollection( Arrays.asList( 3.0, 4e0 ) ), ofNashorn );
	}

	@Test
	void numbersOfScriptsAreAccepted()
	{
		for ( final Object pair : pairs() )
			assertGeometry( pair );
		// Arrays of objects are the arguments themselves.
		assertGeometry( new Object[] { 3, 4L } );
		assertGeometry( ( Object[] ) new Number[] { 3f, new AtomicLong( 4 ) } );
		assertGeometry( ( Object[] ) new Integer[] { 3, 4 } );
		assertGeometry( 3, 4 );
		assertGeometry( new BigDecimal( "3.0" ), 4.0 );
		// One number is for all axes.
		for ( final Object one : new Object[] { 3, 3L, 3.0, 3f, new BigDecimal( 3 ), new int[] { 3 }, Arrays.asList( 3.0 ) } )
		{
			final PythonImg< ? > image = PythonImg.builder( "block.data[...] = block.inputs[0].shape[0] * 100 + block.inputs[0].shape[1]" ).input( Views.extendBorder( IMAGE ) ).halo( one ).cellSize( one )
					.dimensions( 6, 6 ).type( new IntType() ).queue( queue ).build();
			assertEquals( 909, ( ( IntType ) image.getAt( 0, 0 ) ).get() );
		}
	}

	private static void assertGeometry( final Object... pair )
	{
		final PythonImg< ? > image = PythonImg.builder( "block.data[...] = block.inputs[0].shape[0] * 100 + block.inputs[0].shape[1]" )
				.input( PythonInput.of( UNBOUNDED ).halo( pair ).scale( pair ) ).dimensions( pair ).cellSize( pair ).type( new IntType() ).queue( queue ).build();
		assertArrayEquals( new long[] { 3, 4 }, image.dimensionsAsLongArray() );
		final int[] cell = new int[ 2 ];
		image.getCellGrid().cellDimensions( cell );
		assertArrayEquals( new int[] { 3, 4 }, cell );
		assertEquals( ( 4 * 4 + 8 ) * 100 + 3 * 3 + 6, ( ( IntType ) image.getAt( 0, 0 ) ).get() );
		assertEquals( ( 4 * 4 + 8 ) * 100 + 3 * 3 + 6,
				( ( IntType ) PythonImg.builder( "block.data[...] = block.inputs[0].shape[0] * 100 + block.inputs[0].shape[1]" ).input( PythonInput.of( UNBOUNDED ).scale( pair ) ).halo( pair )
						.padToMultiple( 1 ).dimensions( pair ).type( new IntType() ).queue( queue ).build().getAt( 0, 0 ) ).get() );
	}

	@ParameterizedTest
	@ValueSource( strings = { "halo( 3, 4 )", "halo( [3, 4] )", "halo( 3.0, 4.0G )", "halo( [3, 4], [3, 4] )", "halo( [3, 4] as long[], [3, 4] )", "halo( [3, 4] as int[] )", "halo( *[3, 4] )" } )
	void groovyFindsTheMethods( final String halo )
	{
		final Binding binding = new Binding();
		binding.setVariable( "image", IMAGE );
		binding.setVariable( "queue", queue );
		final Object image = new GroovyShell( getClass().getClassLoader(), binding ).evaluate( """
				import net.imglib2.cache.python.*
				import net.imglib2.type.numeric.integer.IntType
				PythonImg.builder( \"""
				    block.data[...] = a.shape[0] * 100 + a.shape[1] + k["x"][1]
				\""" ).input( PythonInput.of( image ).name( "a" ).border( "nearest" ).%1$s ).cellSize( [5, 5] ).dimensions( 20L, 10.0 ).parameter( "k", [x: [1, 7]] )
						.padToMultiple( 1 ).type( new IntType() ).cacheBytes( 100000 ).name( "script ${1 + 1}" ).queue( queue ).build()
				""".formatted( halo ) );
		assertEquals( 13 * 100 + 11 + 7, ( ( IntType ) ( ( PythonImg< ? > ) image ).getAt( 0, 0 ) ).get() );
	}

	@Test
	void namesOfBordersAreAccepted()
	{
		for ( final String name : Arrays.asList( "mirror_single", "MIRROR_SINGLE", "Mirror-Single", " mirror_single " ) )
			assertEquals( Border.MIRROR_SINGLE, Border.of( name ) );
		assertEquals( "NEAREST", Border.of( "nearest" ).toString() );
	}

	@Test
	void aHaloWithANumberPerAxisOfTheImageLeavesOutWholeAxes()
	{
		final PythonImg< ? > image = PythonImg.builder( "block.data[...] = block.inputs[0].shape[0] * 10000 + block.inputs[0].shape[1] * 100 + block.inputs[0].shape[2]" )
				.input( PythonInput.of( STACK ).wholeAxes( 2 ) ).input( IMAGE ).halo( 1, 2 ).cellSize( 5 ).type( new IntType() ).queue( queue ).build();
		assertEquals( 30907, ( ( IntType ) image.getAt( 7, 7 ) ).get() );
	}
}
