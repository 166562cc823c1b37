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
package net.imglib2.cache.python.protocol;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.net.URI;
import java.net.URL;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What can be said about code. What Python makes of it, {@code CellCodeRunsTest} tests.
 */
class CellCodeTest
{
	private static final CellCode CODE = CellCode.of( "pass" );

	@Test
	void codeWithoutAnythingElseIsItsText()
	{
		assertEquals( "pass", CODE.text() );
		assertEquals( "", CODE.encoded() );
		assertEquals( "", CODE.withParameters( Collections.emptyMap() ).withInputNames( Collections.emptyList() ).withCaptureFolder( null ).encoded() );
		assertThrows( IllegalArgumentException.class, () -> CellCode.of( null ) );
	}

	@Test
	void whatIsSaidCrosses()
	{
		final Map< String, Object > values = new LinkedHashMap<>();
		values.put( "z", 1 );
		values.put( "a", new Object[] { null, true, (short) 2, 3L, BigInteger.TEN.pow( 30 ), 0.5f, new BigDecimal( "0.25" ), 'c', new StringBuilder( "text" ) } );
		values.put( "weights", new float[] { 1, 2 } );
		values.put( "bytes", new byte[] { -1, 2 } );
		values.put( "options", Collections.singletonMap( "deep", Arrays.asList( Arrays.asList( 1 ), Collections.emptyMap() ) ) );
		final CellCode code = CODE.withParameters( values ).withInputNames( Arrays.asList( "raw", null ) ).withCaptureFolder( Paths.get( "x" ) ).withCheckedSignature();
		assertEquals( "pass", code.text() );
		assertEquals( "", CODE.encoded(), "the code it was made of has not changed" );

		final List< ? > decoded = decoded( code );
		final Map< ?, ? > parameters = ( Map< ?, ? > ) decoded.get( 0 );
		assertEquals( new ArrayList<>( values.keySet() ), new ArrayList<>( parameters.keySet() ) );
		assertEquals( 1L, parameters.get( "z" ) );
		assertEquals( Arrays.asList( null, true, 2L, 3L, BigInteger.TEN.pow( 30 ), 0.5, 0.25, "c", "text" ), parameters.get( "a" ) );
		assertArrayEquals( new float[] { 1, 2 }, ( float[] ) parameters.get( "weights" ) );
		assertArrayEquals( new byte[] { -1, 2 }, ( byte[] ) parameters.get( "bytes" ) );
		assertEquals( Collections.singletonMap( "deep", Arrays.asList( Arrays.asList( 1L ), Collections.emptyMap() ) ), parameters.get( "options" ) );
		assertEquals( Arrays.asList( "raw", null ), decoded.get( 1 ) );
		assertEquals( Paths.get( "x" ).toAbsolutePath().toString(), decoded.get( 2 ) );
		assertEquals( true, decoded.get( 3 ) );
	}

	@Test
	void whatIsOpenedCrosses()
	{
		final OpenedObject object = OpenedObject.of( "zarr:open_array", Arrays.asList( Paths.get( "x" ), new byte[] { -1 } ), Collections.singletonMap( "mode", "r" ) );
		final CellCode code = CODE.withOpened( "array", object.asSource( new long[] { 3, 1L << 40 }, "uint16" ) ).withOpened( "other", "n + 1", Collections.singletonMap( "n", 2 ) ).withSeed( -1 );
		final List< ? > decoded = decoded( code );
		assertEquals( BigInteger.ONE.shiftLeft( 64 ).subtract( BigInteger.ONE ), decoded.get( 5 ) );
		final Map< ?, ? > opened = ( Map< ?, ? > ) decoded.get( 6 );
		final List< ? > array = ( List< ? > ) opened.get( "array" );
		assertEquals( "zarr:open_array", array.get( 0 ) );
		assertEquals( Paths.get( "x" ).toAbsolutePath().toString(), ( ( List< ? > ) array.get( 1 ) ).get( 0 ) );
		assertArrayEquals( new byte[] { -1 }, ( byte[] ) ( ( List< ? > ) array.get( 1 ) ).get( 1 ) );
		assertEquals( Arrays.asList( Collections.singletonMap( "mode", "r" ), Arrays.asList( 3L, 1L << 40 ), "uint16" ), array.subList( 2, 5 ) );
		assertEquals( Arrays.asList( "n + 1", Collections.emptyList(), Collections.singletonMap( "n", 2L ), null, null ), opened.get( "other" ) );
		assertTrue( object.hasText() );
		assertFalse( OpenedObject.of( "f", Arrays.asList( 1 ), Collections.singletonMap( "n", 2 ) ).hasText() );
		assertEquals( "", CODE.encoded() );
		refused( () -> code.withParameter( "array", 1 ), "A parameter and an opened object have the same name \"array\"" );
		refused( () -> code.withInputNames( Arrays.asList( "other" ) ), "An input and an opened object have the same name \"other\"" );
		refused( () -> code.withOpened( "block", object ), "an opened object", "another meaning" );
	}

	/**
	 * Nobody has to allow what is a part of this library; but that ends with the first
	 * change of the text.
	 */
	@Test
	void textOfTheLibraryIsNoTextOfTheUser()
	{
		final CellCode code = CellCode.ofLibrary( "pass" ).withParameter( "x", 1 ).withSeed( 2 ).withOpened( "y", "1", Collections.emptyMap() ).withInputNames( Collections.emptyList() ).withCaptureFolder( null ).withCheckedSignature();
		assertTrue( code.isOfLibrary() );
		assertFalse( code.withText( "pass" ).isOfLibrary() );
		assertFalse( CODE.isOfLibrary() );
	}

	@Test
	void pathsAreText() throws Exception
	{
		final String absolute = Paths.get( "x" ).toAbsolutePath().toString();
		final Map< String, Object > values = new LinkedHashMap<>();
		values.put( "all", Arrays.asList( Paths.get( "x" ), new File( "x" ), new URI( "s3://x" ), new URL( "http://x" ) ) );
		// Arrays of Nashorn.
		final Map< String, Object > array = new LinkedHashMap<>();
		array.put( "0", "a" );
		array.put( "1", 2 );
		values.put( "array", array );
		final Map< ?, ? > decoded = ( Map< ?, ? > ) decoded( CODE.withParameters( values ) ).get( 0 );
		assertEquals( Arrays.asList( absolute, absolute, "s3://x", "http://x" ), decoded.get( "all" ) );
		assertEquals( Arrays.asList( "a", 2L ), decoded.get( "array" ) );
		assertTrue( CODE.withParameter( "x", Paths.get( "x" ) ).hasTextInParameters() );
	}

	@Test
	void textInParametersIsFound()
	{
		for ( final Object value : new Object[] { "", 'c', Arrays.asList( 1, Arrays.asList( "deep" ) ), Collections.singletonMap( "key", 1 ), new Object[] { new String[] { "x" } } } )
			assertTrue( CODE.withParameters( Collections.singletonMap( "x", value ) ).hasTextInParameters() );
		for ( final Object value : new Object[] { 1, null, true, new byte[ 3 ], Arrays.asList( 1, Arrays.asList( 2.5 ) ), Collections.emptyMap() } )
			assertFalse( CODE.withParameters( Collections.singletonMap( "x", value ) ).hasTextInParameters() );
		assertFalse( CODE.withInputNames( Arrays.asList( "raw" ) ).hasTextInParameters() );
	}

	@Test
	void laterChangesHaveNoEffect()
	{
		final List< Object > list = new ArrayList<>( Arrays.asList( 1, 2 ) );
		final double[] array = { 1 };
		final Map< String, Object > values = new HashMap<>();
		values.put( "list", list );
		values.put( "array", array );
		final CellCode code = CODE.withParameters( values );
		final String before = code.encoded();
		list.add( 3 );
		array[ 0 ] = 5;
		values.put( "more", 1 );
		assertEquals( before, code.withInputNames( Collections.emptyList() ).encoded() );
		assertNotEquals( before, CODE.withParameters( values ).encoded() );
	}

	@ParameterizedTest
	@ValueSource( strings = { "x", "_x", "sigma2", "größe", "σ", "变量", "match", "x\u0301", "\ud835\udc65" } )
	void namesOfPythonAreTaken( final String name )
	{
		CODE.withParameters( Collections.singletonMap( name, 1 ) );
		CODE.withInputNames( Arrays.asList( name ) );
	}

	/**
	 * As Python does it with names in code: otherwise the code would not find them.
	 */
	@Test
	void namesAreNormalised()
	{
		assertEquals( Arrays.asList( "fi", "\u00e9" ), decoded( CODE.withInputNames( Arrays.asList( "\ufb01", "e\u0301" ) ) ).get( 1 ) );
	}

	@ParameterizedTest
	@CsvSource( { "'', is no name", "2x, is no name", "a-b, is no name", "a b, is no name", "a.b, is no name", "'x\u0000y', is no name", "x\u00ad, is no name", "$x, is no name", "lambda, is a keyword",
			"None, is a keyword", "block, has another meaning", "np, has another meaning", "\uff4e\uff50, has another meaning", "__builtins__, belongs to Python" } )
	void otherNamesAreRefused( final String name, final String problem )
	{
		final String ofParameter = refused( () -> CODE.withParameters( Collections.singletonMap( name, 1 ) ), "parameter", problem, name );
		final String ofInput = refused( () -> CODE.withInputNames( Arrays.asList( null, name ) ), "input", problem, name );
		assertTrue( ofParameter.contains( "use" ) && ofInput.contains( "use" ), ofParameter );
	}

	@Test
	void noTwoNamesAreTheSame()
	{
		refused( () -> CODE.withInputNames( Arrays.asList( "a", null, "a" ) ), "Two inputs", "\"a\"" );
		refused( () -> CODE.withInputNames( Arrays.asList( "a" ) ).withParameters( Collections.singletonMap( "a", 1 ) ), "input and a parameter", "\"a\"" );
		refused( () -> CODE.withParameters( Collections.singletonMap( "a", 1 ) ).withInputNames( Arrays.asList( "a" ) ), "input and a parameter", "\"a\"" );
		final Map< String, Object > values = new HashMap<>();
		values.put( "\ufb01", 1 );
		values.put( "fi", 1 );
		refused( () -> CODE.withParameters( values ), "Two parameters", "\"fi\"" );
		CODE.withInputNames( Arrays.asList( null, null ) );
	}

	@Test
	void valuesThatPythonCannotHaveAreRefused()
	{
		refused( "java.util.concurrent.atomic.AtomicInteger", new AtomicInteger() );
		refused( "java.lang.Object", Arrays.asList( 1, Collections.singletonMap( "x", new Object() ) ) );
		refused( "char[]", new char[ 2 ] );
		refused( "java.lang.Integer as a key", Collections.singletonMap( 1, 2 ) );
		refused( "null as a key", Collections.singletonMap( null, 2 ) );
		refused( "not valid Unicode", "\ud800" );
		refused( "not valid Unicode", Collections.singletonMap( "\udc00", 2 ) );
		refused( "1E+400", new BigDecimal( "1e400" ) );
		final List< Object > cyclic = new ArrayList<>();
		cyclic.add( Collections.singletonMap( "again", new Object[] { cyclic, cyclic } ) );
		refused( "contains itself", cyclic );
		refused( () -> CODE.withParameters( Collections.singletonMap( "large", new long[ 1 << 25 ] ) ), "input( name, image )" );
	}

	/**
	 * As they come from Groovy.
	 */
	@Test
	@SuppressWarnings( { "unchecked", "rawtypes" } )
	void keysThatAreNoStringsAreRefused()
	{
		refused( () -> CODE.withParameters( ( Map ) Collections.singletonMap( 3, 1 ) ), "a parameter", "java.lang.Integer", "expected a string" );
		assertEquals( Collections.singletonMap( "x", 1L ), decoded( CODE.withParameters( ( Map ) Collections.singletonMap( new StringBuilder( "x" ), 1 ) ) ).get( 0 ) );
	}

	private static void refused( final String expected, final Object value )
	{
		refused( () -> CODE.withParameters( Collections.singletonMap( "sigma", value ) ), "\"sigma\"", expected );
	}

	private static String refused( final Executable executable, final String... expected )
	{
		final String message = assertThrows( IllegalArgumentException.class, executable ).getMessage();
		for ( final String part : expected )
			assertTrue( message.contains( part ), message + " lacks " + part );
		return message;
	}

	private static List< ? > decoded( final CellCode code )
	{
		return ( List< ? > ) Values.decode( Base64.getDecoder().decode( code.encoded() ) );
	}
}
