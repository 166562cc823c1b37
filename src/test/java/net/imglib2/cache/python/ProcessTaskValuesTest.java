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
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Date;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What tasks and workers that are processes exchange, and what they refuse. A refusal leaves
 * the process as it is.
 */
@Timeout( 60 )
class ProcessTaskValuesTest
{
	private static PythonCacheLoaderQueue queue;

	private static Object process;

	@BeforeAll
	static void open() throws Exception
	{
		queue = new PythonCacheLoaderQueue( 1, "import os, threading", PythonEnvironment.getDefault().withMode( InterpreterMode.PROCESS ) );
		process = value( "os.getpid()" );
	}

	@AfterAll
	static void close()
	{
		queue.close();
	}

	@AfterEach
	void requireTheSameProcess() throws Exception
	{
		assertEquals( process, value( "os.getpid()" ) );
	}

	// ------------------------------------------------------ from Python to Java

	@Test
	void arraysBecomeArrays() throws Exception
	{
		assertArrayEquals( new boolean[] { true, false }, ( boolean[] ) value( "np.array([True, False])" ) );
		assertArrayEquals( new byte[] { -1, 2 }, ( byte[] ) value( "np.array([-1, 2], 'i1')" ) );
		assertArrayEquals( new byte[] { ( byte ) 200, 0 }, ( byte[] ) value( "np.array([200, 0], 'u1')" ) );
		assertArrayEquals( new short[] { -300 }, ( short[] ) value( "np.array([-300], 'i2')" ) );
		assertArrayEquals( new short[] { ( short ) 60000 }, ( short[] ) value( "np.array([60000], 'u2')" ) );
		assertArrayEquals( new int[] { 1 << 30, -1 }, ( int[] ) value( "np.array([2**30, -1], 'i4')" ) );
		assertArrayEquals( new int[] { -1 }, ( int[] ) value( "np.array([2**32 - 1], 'u4')" ) );
		assertArrayEquals( new long[] { Long.MIN_VALUE, 1 }, ( long[] ) value( "np.array([-2**63, 1])" ) );
		assertArrayEquals( new long[] { -1 }, ( long[] ) value( "np.array([2**64 - 1], 'u8')" ) );
		assertArrayEquals( new float[] { 0.5f, Float.NaN }, ( float[] ) value( "np.array([0.5, np.nan], 'f4')" ) );
		assertArrayEquals( new double[] { 0.1, Double.NEGATIVE_INFINITY }, ( double[] ) value( "np.array([0.1, -np.inf])" ) );
	}

	@Test
	void axesComeInTheOrderOfPython() throws Exception
	{
		final short[][] rows = { { 0, 1, 2 }, { 3, 4, 5 } };
		assertArrayEquals( rows, value( "np.arange(6, dtype='i2').reshape(2, 3)", short[][].class ) );
		assertArrayEquals( rows, value( "np.asfortranarray(np.arange(6, dtype='i2').reshape(2, 3))", short[][].class ) );
		assertArrayEquals( rows, value( "np.arange(6, dtype='>i2').reshape(2, 3)", short[][].class ) );
		assertArrayEquals( new double[][] { { 8, 10 }, { 4, 6 }, { 0, 2 } }, value( "np.arange(12.0).reshape(3, 4)[::-1, ::2]", double[][].class ) );
		assertArrayEquals( new int[][][] { { { 1, 2 } }, { { 3, 4 } }, { { 5, 6 } } }, value( "np.arange(1, 7, dtype='i4').reshape(3, 1, 2)", int[][][].class ) );
		assertArrayEquals( new long[] { 7, 7 }, value( "np.broadcast_to(np.int64(7), 2)", long[].class ) );
		assertArrayEquals( new float[ 0 ], value( "np.zeros(0, 'f4')", float[].class ) );
		assertArrayEquals( new float[ 2 ][ 0 ], value( "np.zeros((2, 0), 'f4')", float[][].class ) );
		assertArrayEquals( new float[ 0 ][ 2 ], value( "np.zeros((0, 2), 'f4')", float[][].class ) );
		final List< ? > list = value( "[np.array([[1]], 'u1'), 2, {'a': np.ones(1)}]", List.class );
		assertArrayEquals( new byte[][] { { 1 } }, ( byte[][] ) list.get( 0 ) );
		assertEquals( 2L, list.get( 1 ) );
		assertArrayEquals( new double[] { 1 }, ( double[] ) ( ( Map< ?, ? > ) list.get( 2 ) ).get( "a" ) );
	}

	@Test
	void anArrayWithoutAxesIsItsNumber() throws Exception
	{
		assertEquals( 200, value( "np.array(200, 'u1')", Integer.class ) );
		assertEquals( 200L, value( "np.array(200, 'u1')" ) );
		assertEquals( 200L, value( "np.uint8(200)" ) );
		assertEquals( BigInteger.ONE.shiftLeft( 64 ).subtract( BigInteger.ONE ), value( "np.array(2**64 - 1, 'u8')" ) );
		assertEquals( 0.5, value( "np.array(0.5, '>f4')" ) );
		assertEquals( true, value( "np.array(True)" ) );
		assertEquals( Arrays.asList( 200L ), value( "[np.array(200, 'u1')]" ) );
	}

	@Test
	void otherValuesBecomeThoseOfJava() throws Exception
	{
		assertArrayEquals( new byte[] { 0, -1 }, value( "b'\\0\\xff'", byte[].class ) );
		assertArrayEquals( new byte[] { 1 }, value( "bytearray([1])", byte[].class ) );
		assertEquals( BigInteger.ONE.shiftLeft( 63 ), value( "2**63" ) );
		assertEquals( BigInteger.ONE.shiftLeft( 70 ).negate(), value( "-2**70", BigInteger.class ) );
		assertEquals( Long.MIN_VALUE, value( "-2**63" ) );
		final Map< Object, Object > map = new LinkedHashMap<>();
		map.put( "a", Arrays.asList( 1L, Arrays.asList( 2.5, null ), Collections.emptyList(), Collections.emptyMap() ) );
		map.put( 3L, true );
		map.put( null, Collections.singletonMap( Arrays.asList( 1L, 2L ), "b" ) );
		final Map< ?, ? > told = value( "{'a': [1, (2.5, None), [], {}], 3: True, None: {(1, 2): 'b'}}", Map.class );
		assertEquals( map, told );
		assertEquals( new ArrayList<>( map.keySet() ), new ArrayList<>( told.keySet() ) );
		assertEquals( "\ud800", value( "'\\ud800'" ) );
		assertEquals( "a\udcff\ud83d\ude00", value( "'a\\udcff\\U0001f600'", String.class ) );
	}

	@ParameterizedTest
	@CsvSource( quoteCharacter = '"', delimiter = '|', value = {
			"object() | a object cannot leave the worker process: possible are None, bool, int, float, str, bytes, lists, tuples, dicts, and arrays of bool, of integers, and of float32 or float64",
			"threading.Lock() | a lock cannot leave the worker process: possible are ",
			"[1, {2}] | a set cannot leave the worker process: possible are ",
			"{'a': 1j} | a complex cannot leave the worker process: possible are ",
			"np.zeros(1, 'c8') | an array of complex64 cannot leave the worker process: possible are ",
			"np.array([None]) | an array of object cannot leave the worker process: possible are ",
			"np.ma.masked_array([1, 2], [False, True]) | a MaskedArray cannot leave the worker process: Java's arrays have no mask, so use value.filled(number)",
			"np.timedelta64(5, 's') | a timedelta64 cannot leave the worker process: use value.astype('int64'), a number of its units, or value.astype(str)",
			"np.array(['2020'], 'M8[D]') | an array of datetime64[D] cannot leave the worker process: use value.astype('int64'), a number of its units, or value.astype(str)" } )
	void whatCannotLeaveIsNamed( final String expression, final String reason )
	{
		final String message = failure( python -> python.getValue( expression ) ).getMessage();
		assertTrue( message.startsWith( "The value of " + expression + " cannot be converted to Object: " + reason ), message );
	}

	@Test
	void valuesThatAreNestedTooDeeplyCannotLeave() throws Exception
	{
		final String nested = "eval('[' * %d + ']' * %<d)";
		assertEquals( 200, value( String.format( nested, 100 ) ).toString().length() );
		for ( final int depth : new int[] { 101, 102, 190 } )
		{
			final String message = failure( python -> python.getValue( String.format( nested, depth ) ) ).getMessage();
			assertTrue( message.endsWith( " cannot be converted to Object: the value contains itself, or is nested more than 100 times" ), message );
		}
	}

	@Test
	void theRemediesWork() throws Exception
	{
		assertArrayEquals( new long[] { 1, -1 }, value( "np.ma.masked_array([1, 2], [False, True]).filled(-1)", long[].class ) );
		assertEquals( 5L, value( "np.timedelta64(5, 's').astype('int64')" ) );
		assertEquals( "2020-01-01", value( "np.datetime64('2020-01-01').astype(str)" ) );
		assertArrayEquals( new long[] { 1 }, value( "np.array(['1970-01-02'], 'M8[D]').astype('int64')", long[].class ) );
	}

	@ParameterizedTest
	@CsvSource( quoteCharacter = '"', delimiter = '|', value = {
			"200 | java.lang.Byte | out of byte range",
			"40000 | java.lang.Short | out of short range",
			"2**31 | java.lang.Integer | out of int range",
			"2**63 | java.lang.Long | out of long range",
			"10**400 | java.lang.Double | too large",
			"1.0 | java.lang.Integer | it is a Double",
			"True | java.lang.Integer | it is a Boolean",
			"1 | java.lang.Boolean | it is a Long",
			"'a' | java.lang.Integer | it is a String",
			"[1] | java.util.Map | it is a ArrayList",
			"np.zeros((1, 1)) | [D | it is a double[][]",
			"np.zeros(1, 'f4') | [D | it is a float[]" } )
	void aTypeThatDoesNotFitIsRefused( final String expression, final Class< ? > type, final String reason )
	{
		final String message = failure( python -> python.getValue( expression, type ) ).getMessage();
		assertTrue( message.startsWith( "The value of " + expression + " cannot be converted to " + type.getSimpleName() + ": " ) && message.endsWith( reason ), message );
	}

	// ------------------------------------------------------ from Java to Python

	@Test
	void arraysBecomeNumpys() throws Exception
	{
		final Object[] arrays = { new boolean[] { true, false }, new short[] { -1 }, new int[] { 1, -2 }, new long[] { Long.MIN_VALUE }, new float[] { 0.5f }, new double[] { 0.1, Double.NaN } };
		final String[] described = { "bool [True, False]", "int16 [-1]", "int32 [1, -2]", "int64 [-9223372036854775808]", "float32 [0.5]", "float64 [0.1, nan]" };
		for ( int i = 0; i < arrays.length; ++i )
			assertEquals( described[ i ], set( arrays[ i ], "f'{x.dtype} {x.tolist()}'" ) );
		assertEquals( "float32 (0,)", set( new float[ 0 ], "f'{x.dtype} {x.shape}'" ) );
		// They are copies, which can be written.
		final int[] array = { 1, 2 };
		queue.submit( python -> {
			python.set( "x", array );
			python.exec( "x += 1" );
			assertArrayEquals( new int[] { 2, 3 }, python.getValue( "x", int[].class ) );
			return null;
		} ).get();
		assertArrayEquals( new int[] { 1, 2 }, array );
		// Those of several axes can have rows of different lengths.
		assertEquals( "[[1], [2, 3]]", set( new long[][] { { 1 }, { 2, 3 } }, "str([row.tolist() for row in x])" ) );
	}

	@Test
	void otherValuesBecomeThoseOfPython() throws Exception
	{
		final Map< Object, Object > map = new LinkedHashMap<>();
		map.put( "a", Arrays.asList( 1, Collections.singletonMap( 'b', null ) ) );
		map.put( 2, new Object[] { 0.5f, new String[] { "c" } } );
		map.put( null, Collections.emptyMap() );
		map.put( new byte[] { 1 }, Collections.emptyList() );
		assertEquals( "{'a': [1, {'b': None}], 2: [0.5, ['c']], None: {}, b'\\x01': []}", set( map, "repr(x)" ) );
		final Object[] values = { null, true, ( byte ) -1, 1L << 40, BigInteger.ONE.shiftLeft( 70 ), 1.5f, new BigDecimal( "0.25" ), 'c', new StringBuilder( "s" ), new byte[] { 1, -1 }, new byte[ 0 ], Collections.singleton( 1 ), "", Collections.emptyMap() };
		final String[] described = { "None", "True", "-1", "1099511627776", "1180591620717411303424", "1.5", "0.25", "'c'", "'s'", "b'\\x01\\xff'", "b''", "[1]", "''", "{}" };
		for ( int i = 0; i < values.length; ++i )
			assertEquals( described[ i ], set( values[ i ], "repr(x)" ) );
	}

	@Test
	void textStaysAsItIs() throws Exception
	{
		// The last ones have half of a surrogate pair.
		for ( final String text : new String[] { "", "ä\0", "\ud83d\ude00", "\ud800", "a\udcff\0\ud83d\ude00" } )
		{
			assertEquals( text, set( text, "x" ) );
			assertEquals( ( long ) text.codePointCount( 0, text.length() ), set( text, "len(x)" ) );
			assertEquals( Collections.singletonMap( text, Arrays.asList( text ) ), set( Collections.singletonMap( text, Arrays.asList( text ) ), "x" ) );
		}
	}

	@Test
	void keysThatPythonCannotHaveAreRefused()
	{
		for ( final Object key : new Object[] { Arrays.asList( 1 ), Collections.singletonMap( 1, 2 ), new int[ 1 ], new Object[ 1 ] } )
		{
			final String message = failure( set( Collections.singletonMap( key, 2 ) ) ).getMessage();
			assertTrue( message.startsWith( "An argument could not be handed to Python on python_" ) && message.contains( ": a map with the key " + key + " of type " )
					&& message.endsWith( " cannot be handed to Python: its keys can be null, booleans, numbers, text, and byte[]" ), message );
		}
	}

	@Test
	void keysThatAreTheSameInPythonAreRefused()
	{
		final Map< Object, Object > map = new LinkedHashMap<>();
		map.put( 1, "a" );
		map.put( 1.0, "b" );
		final String message = failure( set( map ) ).getMessage();
		assertTrue( message.endsWith( "ValueError: two keys of a map are the same in Python: 1.0" ), message );
	}

	@Test
	void otherValuesAreRefused()
	{
		final List< Object > cycle = new ArrayList<>();
		cycle.add( cycle );
		final Object[] values = { new Date(), new char[ 1 ], Arrays.asList( new Object() ), new BigDecimal( "1e400" ), cycle, Collections.nCopies( 3 << 10, new byte[ 1 << 20 ] ) };
		final String[] reasons = { "a java.util.Date cannot be handed to Python: possible are ", "a char[] cannot be handed to Python: possible are ", "a java.lang.Object cannot be handed to Python: possible are ",
				"1E+400 is no floating-point number of 64 bits; ", "the value contains itself, or is nested more than 100 times", "the value takes 2147493915 bytes or more, but only 2147483583 can be handed over at once: hand over parts of it" };
		for ( int i = 0; i < values.length; ++i )
		{
			final String message = failure( set( values[ i ] ) ).getMessage();
			assertTrue( message.startsWith( "An argument could not be handed to Python on python_" ) && message.contains( ": " + reasons[ i ] ), message );
		}
	}

	private static Object value( final String expression ) throws Exception
	{
		return value( expression, Object.class );
	}

	private static < V > V value( final String expression, final Class< V > type ) throws Exception
	{
		return queue.submit( python -> python.getValue( expression, type ) ).get();
	}

	private static PythonTask< Object > set( final Object value )
	{
		return python -> {
			python.set( "x", value );
			return null;
		};
	}

	/**
	 * @return what an expression with the variable x is then
	 */
	private static Object set( final Object value, final String expression ) throws Exception
	{
		return queue.submit( python -> {
			python.set( "x", value );
			return python.getValue( expression );
		} ).get();
	}

	private static PythonException failure( final PythonTask< ? > task )
	{
		return assertInstanceOf( PythonException.class, assertThrows( ExecutionException.class, () -> queue.submit( task ).get() ).getCause() );
	}
}
