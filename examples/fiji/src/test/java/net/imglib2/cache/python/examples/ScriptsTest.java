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
package net.imglib2.cache.python.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.lang.ref.WeakReference;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import java.util.stream.Stream;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.scijava.Context;
import org.scijava.command.CommandService;
import org.scijava.log.LogLevel;
import org.scijava.log.LogMessage;
import org.scijava.log.LogService;
import org.scijava.module.Module;
import org.scijava.script.ScriptService;

import net.imglib2.RandomAccessibleInterval;
import net.imglib2.cache.python.scijava.ApplyPython;
import net.imglib2.img.Img;
import net.imglib2.img.array.ArrayImgs;
import net.imglib2.type.numeric.real.FloatType;

/**
 * Runs the scripts as they are, by the services that Fiji uses.
 */
@Timeout( value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD )
@TestMethodOrder( MethodOrderer.OrderAnnotation.class )
class ScriptsTest
{
	private static final Path SCRIPTS = Paths.get( "scripts" );

	private static final Path CODE = SCRIPTS.resolve( "local_contrast.py" );

	private static final int RUNS = 20;

	private static final long MAX_GROWTH = 100 << 20;

	@TempDir
	Path folder;

	/**
	 * For what need not be the first in a {@code Context}.
	 */
	private static Context common;

	private static final List< LogMessage > MESSAGES = new CopyOnWriteArrayList<>();

	static List< Path > scripts() throws IOException
	{
		try ( Stream< Path > files = Files.list( SCRIPTS ) )
		{
			return files.filter( file -> !file.equals( CODE ) ).sorted().collect( Collectors.toList() );
		}
	}

	@BeforeAll
	static void open()
	{
		common = openContext();
	}

	@AfterAll
	static void close()
	{
		common.dispose();
	}

	@BeforeEach
	void forget()
	{
		MESSAGES.clear();
	}

	private static Context openContext()
	{
		final Context context = new Context();
		context.service( LogService.class ).addLogListener( MESSAGES::add );
		// ImageJ tells scripts this name.
		context.service( ScriptService.class ).addAlias( Img.class );
		return context;
	}

	/**
	 * An image with a bright pixel in each cell.
	 */
	private static Img< ? > image()
	{
		final byte[] pixels = new byte[ 512 * 512 ];
		for ( int i = 0; i < pixels.length; i += 64 )
			pixels[ i ] = 100;
		return ArrayImgs.unsignedBytes( pixels, 512, 512 );
	}

	@ParameterizedTest
	@MethodSource( "scripts" )
	@Tag( "each-mode" )
	@Order( 1 )
	void twentyRunsUseOnePool( final Path script ) throws Exception
	{
		final List< WeakReference< Object > > results = new ArrayList<>();
		final List< String > afterFirst = new ArrayList<>();
		assertEquals( List.of(), workers() );
		long memory = 0;
		final Context context = openContext();
		for ( int run = 0; run < RUNS; ++run )
		{
			final Object result = run( context, script, CODE ).getOutput( "result" );
			assertEquals( List.of(), errors() );
			assertCorrect( result );
			results.add( new WeakReference<>( result ) );
			if ( run == 0 )
			{
				afterFirst.addAll( workers() );
				memory = memory();
			}
		}
		assertEquals( afterFirst, workers() );
		assertEquals( 1, pools( afterFirst ).size(), afterFirst.toString() );
		for ( final WeakReference< Object > result : results.subList( 0, RUNS - 1 ) )
			while ( result.get() != null )
				System.gc();
		final long growth = memory() - memory;
		assertTrue( growth < MAX_GROWTH, "grown by " + ( growth >> 20 ) + " MB" );

		// The command has the same workers.
		final Module command = context.service( CommandService.class ).run( ApplyPython.class, true, "image", image(), "script", CODE.toFile(), "environment", new File( System.getProperty( "imglib2.python.executable" ) ), "parameters", "sigma=5", "halo", "20", "cellSize", "256", "type", "float32" ).get();
		assertCorrect( command.getOutput( "result" ) );
		assertEquals( afterFirst, workers() );
		System.out.println( script.getFileName() + ": " + RUNS + " runs, " + afterFirst.size() + " threads of workers, " + ( growth >> 20 ) + " MB more than after the first run" );

		context.dispose();
		while ( !workers().isEmpty() || ProcessHandle.current().descendants().findAny().isPresent() )
			Thread.sleep( 10 );
	}

	private static void assertCorrect( final Object result )
	{
		assertNotNull( result );
		@SuppressWarnings( "unchecked" )
		final RandomAccessibleInterval< FloatType > contrast = ( RandomAccessibleInterval< FloatType > ) result;
		// 100 less the weight of the middle of a Gaussian: the cells have no seams.
		for ( final long[] bright : new long[][] { { 128, 256 }, { 256, 255 }, { 0, 0 }, { 448, 511 } } )
			assertEquals( contrast.getAt( 256, 300 ).get(), contrast.getAt( bright ).get(), bright[ 0 ] == 0 ? 8 : 1e-3, Arrays.toString( bright ) );
		assertTrue( contrast.getAt( 256, 300 ).get() > 50 );
		assertTrue( contrast.getAt( 250, 300 ).get() < 0 );
	}

	/**
	 * Mistakes of beginners: what the user enters, or the Python file, and what the only message has to say.
	 */
	static Stream< Object[] > mistakes() throws IOException
	{
		final Map< String, String[] > all = Map.of(
				"a halo of the wrong length", new String[] { "halo=8, 8, 8", null, "is [8, 8, 8], for 3 axes" },
				// Each language says it in its own way.
				"a halo that is no number", new String[] { "halo=wide", null, "" },
				"a halo, but nothing outside of the image", new String[] { "border=none", null, "choose a border" },
				"a typing error", new String[] { "", "block.data[...] = imgae", "Did you mean image?" },
				"a syntax error", new String[] { "", "block.data[...] = image[", "SyntaxError" },
				"a package that is missing", new String[] { "", "import no_such_package\nblock.data[...] = 1", "No module named 'no_such_package'" },
				"a wrong dtype", new String[] { "", "block.data[...] = image[block.halo] * 1j", "complex" },
				"the halo is not cropped", new String[] { "", "block.data[...] = image", "block.halo" },
				"the output is not assigned", new String[] { "", "result = image[block.halo] * 2", "block.data" },
				"no such environment", new String[] { "environment=/no/such/folder", null, "/no/such/folder" } );
		return scripts().stream().flatMap( script -> all.entrySet().stream().map( entry -> new Object[] { script, entry.getKey(), entry.getValue()[ 0 ], entry.getValue()[ 1 ], entry.getValue()[ 2 ] } ) );
	}

	@ParameterizedTest
	@MethodSource( "mistakes" )
	@Order( 2 )
	void aMistakeIsOneMessage( final Path script, final String name, final String input, final String code, final String expected ) throws Exception
	{
		final Path file = code == null ? CODE : Files.writeString( folder.resolve( "mistake.py" ), code );
		final Object[] entered = input.isEmpty() ? new Object[ 0 ] : Arrays.copyOf( input.split( "=" ), 2, Object[].class );
		final Module module = run( common, script, file, entered );
		assertNull( module.getOutput( "result" ) );
		assertEquals( 1, errors().size(), errors().toString() );
		final String message = errors().get( 0 ).text();
		assertTrue( message.contains( expected ), message );
		assertNull( errors().get( 0 ).throwable() );
		assertTrue( !message.isEmpty() && message.lines().count() < 12, message );
	}

	private static Module run( final Context context, final Path script, final Path code, final Object... more ) throws Exception
	{
		final List< Object > inputs = new ArrayList<>( List.of( "image", image(), "code", code.toFile(), "sigma", 5, "halo", "20", "border", "mirror_double", "cellSize", "256" ) );
		inputs.addAll( List.of( "environment", new File( System.getProperty( "imglib2.python.executable" ) ) ) );
		inputs.addAll( Arrays.asList( more ) );
		return context.service( ScriptService.class ).run( script.toFile(), true, inputs.toArray() ).get();
	}

	private List< LogMessage > errors()
	{
		return MESSAGES.stream().filter( message -> message.level() == LogLevel.ERROR ).collect( Collectors.toList() );
	}

	/**
	 * @return names of the threads of workers
	 */
	private static List< String > workers()
	{
		return Thread.getAllStackTraces().keySet().stream().map( thread -> thread.getName().replaceFirst( " .*", "" ) ).filter( name -> name.startsWith( "python_" ) ).sorted().collect( Collectors.toList() );
	}

	private static Set< String > pools( final List< String > workers )
	{
		return workers.stream().map( name -> name.replaceFirst( "^(python_\\d+).*", "$1" ) ).collect( Collectors.toCollection( TreeSet::new ) );
	}

	/**
	 * @return bytes that this process and those of the workers have in memory
	 */
	private static long memory() throws IOException
	{
		System.gc();
		long kib = 0;
		for ( final long pid : LongStream.concat( LongStream.of( ProcessHandle.current().pid() ), ProcessHandle.current().descendants().mapToLong( ProcessHandle::pid ) ).toArray() )
			kib += Files.readAllLines( Paths.get( "/proc/" + pid + "/status" ) ).stream().filter( line -> line.startsWith( "RssAnon:" ) || line.startsWith( "RssShmem:" ) ).mapToLong( line -> Long.parseLong( line.replaceAll( "\\D", "" ) ) ).sum();
		return kib << 10;
	}
}
