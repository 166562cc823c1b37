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

import java.io.IOException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Date;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.stream.Collectors;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * What tasks and Python exchange in each mode: the tables of {@code doc/loaders.md}, and
 * what all modes have in common.
 */
@Tag( "each-mode" )
@Timeout( 60 )
class TaskValuesTest
{
	private static PythonCacheLoaderQueue queue;

	@BeforeAll
	static void open()
	{
		queue = new PythonCacheLoaderQueue( 1 );
	}

	@AfterAll
	static void close()
	{
		queue.close();
	}

	@Test
	void theTableOfValuesFromPythonHolds() throws Exception
	{
		final List< String[] > rows = rows( "| Python | for example |" );
		assertEquals( 15, rows.size() );
		for ( final String[] row : rows )
		{
			final String expression = text( row[ 1 ] );
			final String expected = ofThisMode( row[ 2 ], row[ 3 ] );
			final PythonTask< String > task = python -> typeOf( python.getValue( expression ) );
			if ( expected.equals( "an error" ) )
				failure( task );
			else
				assertEquals( expected, queue.submit( task ).get(), expression );
		}
	}

	@Test
	void theTableOfValuesForPythonHolds() throws Exception
	{
		final Map< String, Object[] > samples = new HashMap<>();
		samples.put( "null", new Object[] { null } );
		samples.put( "Boolean", new Object[] { true } );
		samples.put( "Byte, Short, Integer, Long, BigInteger", new Object[] { ( byte ) 1, ( short ) 1, 1, 1L, BigInteger.ONE } );
		samples.put( "Float, Double", new Object[] { 1f, 1. } );
		samples.put( "BigDecimal", new Object[] { BigDecimal.ONE } );
		samples.put( "String, Character", new Object[] { "a", 'a' } );
		samples.put( "any other CharSequence", new Object[] { new StringBuilder( "a" ) } );
		samples.put( "byte[]", new Object[] { new byte[ 1 ] } );
		samples.put( "boolean[], short[], int[], long[], float[], double[]", new Object[] { new boolean[ 1 ], new short[ 1 ], new int[ 1 ], new long[ 1 ], new float[ 1 ], new double[ 1 ] } );
		samples.put( "any other array, except of char; any Collection", new Object[] { new Object[ 1 ], new String[ 1 ], new int[ 1 ][ 1 ], Arrays.asList( 1 ), Collections.singleton( 1 ) } );
		samples.put( "Map", new Object[] { Collections.singletonMap( "a", 1 ) } );
		samples.put( "anything else", new Object[] { new Date(), new char[ 1 ] } );
		final List< String[] > rows = rows( "| Java | in mode `PROCESS` |" );
		assertEquals( samples.size(), rows.size() );
		for ( final String[] row : rows )
			for ( final Object sample : samples.remove( text( row[ 0 ] ) ) )
			{
				final String expected = ofThisMode( row[ 1 ], row[ 2 ] );
				final PythonTask< String > task = python -> {
					python.set( "x", sample );
					return python.getValue( "'None' if x is None else \"Java's object\" if type(x).__module__.split('.')[0] in ('java', 'jep') else type(x).__name__", String.class );
				};
				if ( expected.equals( "an error" ) )
					failure( task );
				else
					assertEquals( expected, queue.submit( task ).get(), text( row[ 0 ] ) );
			}
	}

	@Test
	void listsAndMapsComeAsTheyAre() throws Exception
	{
		final Map< Object, Object > map = new HashMap<>();
		map.put( "a", Arrays.asList( 1L, Arrays.asList( 2.5, null ), Collections.emptyList(), Collections.emptyMap() ) );
		map.put( 3L, true );
		map.put( null, Collections.singletonMap( Arrays.asList( 1L, 2L ), "b" ) );
		assertEquals( map, value( "{'a': [1, (2.5, None), [], {}], 3: True, None: {(1, 2): 'b'}}", Map.class ) );
		assertEquals( BigInteger.ONE.shiftLeft( 70 ).negate(), value( "-2**70", Object.class ) );
		assertArrayEquals( new byte[] { 0, -1 }, value( "b'\\0\\xff'", byte[].class ) );
	}

	@Test
	void textStaysAsItIs() throws Exception
	{
		for ( final String text : new String[] { "", "ä\0", "\ud83d\ude00" } )
			queue.submit( python -> {
				python.set( "x", text );
				assertEquals( text, python.getValue( "x" ) );
				assertEquals( text.codePointCount( 0, text.length() ), python.getValue( "len(x)", Integer.class ) );
				return null;
			} ).get();
	}

	@Test
	void valuesBecomeTheTypeThatIsAskedFor() throws Exception
	{
		assertEquals( Arrays.asList( 5L, 5, ( short ) 5, ( byte ) 5, BigInteger.valueOf( 5 ), 1.5, 1.5f ), Arrays.asList( value( "5", Long.class ), value( "5", Integer.class ), value( "5", Short.class ),
				value( "5", Byte.class ), value( "5", BigInteger.class ), value( "1.5", Double.class ), value( "1.5", Float.class ) ) );
		assertArrayEquals( new double[] { 0, 1 }, value( "np.arange(2.0)", double[].class ) );
		assertArrayEquals( new short[] { -1, 0 }, value( "np.array([2**16 - 1, 0], 'u2')[::1]", short[].class ) );
		assertArrayEquals( new boolean[] { true }, value( "np.array([True])", boolean[].class ) );
		for ( final Object[] each : new Object[][] { { "128", Byte.class }, { "2**31", Integer.class }, { "-2**63 - 1", Long.class }, { "1.0", Integer.class }, { "True", Long.class }, { "1", Boolean.class }, { "'a'", Long.class }, { "[1]", Map.class } } )
		{
			final Class< ? > type = ( Class< ? > ) each[ 1 ];
			final String message = failure( python -> python.getValue( ( String ) each[ 0 ], type ) ).getMessage();
			assertTrue( message.startsWith( "The value of " + each[ 0 ] + " cannot be converted to " + type.getSimpleName() + ": " ), message );
		}
	}

	private static < V > V value( final String expression, final Class< V > type ) throws Exception
	{
		return queue.submit( python -> python.getValue( expression, type ) ).get();
	}

	private static PythonException failure( final PythonTask< ? > task )
	{
		return assertInstanceOf( PythonException.class, assertThrows( ExecutionException.class, () -> queue.submit( task ).get() ).getCause() );
	}

	private static String typeOf( final Object value )
	{
		return value == null ? "null" : value instanceof List ? "List" : value instanceof Map ? "Map" : value.getClass().getSimpleName();
	}

	/**
	 * @return the cells of the rows of a table
	 */
	private static List< String[] > rows( final String head ) throws IOException
	{
		final List< String[] > rows = DocumentationTest.read( "doc/loaders.md" ).lines().dropWhile( line -> !line.startsWith( head ) ).takeWhile( line -> line.startsWith( "|" ) ).skip( 2 )
				.map( line -> line.substring( 2, line.length() - 2 ).split( " \\| " ) ).collect( Collectors.toCollection( ArrayList::new ) );
		assertTrue( !rows.isEmpty(), head );
		return rows;
	}

	private static String ofThisMode( final String inProcess, final String inJvm )
	{
		return text( queue.mode() == InterpreterMode.PROCESS ? inProcess : inJvm );
	}

	private static String text( final String cell )
	{
		return cell.replace( "`", "" );
	}
}
