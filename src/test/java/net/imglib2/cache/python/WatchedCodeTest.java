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

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.logging.LogRecord;
import java.util.stream.Collectors;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import net.imglib2.type.numeric.integer.IntType;

/**
 * Images whose code is in files that change.
 */
@Timeout( 120 )
@Tag( "each-mode" )
class WatchedCodeTest
{
	@TempDir
	private Path folder;

	@Test
	void aFileOfStatements() throws Exception
	{
		final Path file = folder.resolve( "code.py" );
		write( file, "block.data[...] = 1" );
		final PythonImg< IntType > image = settings( PythonImg.builder( file ) ).watch( true ).build();
		final PythonImg< IntType > dependent = settings( PythonImg.builder( "block.data[...] = image + 10" ).input( "image", image ) ).build();
		final PythonImg< IntType > unwatched = settings( PythonImg.builder( file ) ).build();
		requireAll( 1, image );
		requireAll( 11, dependent );
		requireAll( 1, unwatched );
		write( file, "block.data[...] = 2" );
		await( 2, image );
		requireAll( 2, image );
		// It is told last.
		await( 12, dependent );
		requireAll( 12, dependent );
		requireAll( 1, unwatched );
	}

	@Test
	void aFileThatChangesBeforeTheImageIsBuilt() throws Exception
	{
		final Path file = folder.resolve( "code.py" );
		write( file, "block.data[...] = 1" );
		final PythonImgBuilder< IntType > builder = settings( PythonImg.builder( file ) ).watch( true );
		write( file, "block.data[...] = 2" );
		final PythonImg< IntType > image = builder.build();
		await( 2, image );
		await( 2, builder.build() );
	}

	@Test
	void aFileThatIsAwayForAMoment() throws Exception
	{
		final Path file = folder.resolve( "code.py" );
		write( file, "block.data[...] = 1" );
		final PythonImg< IntType > image = settings( PythonImg.builder( file ) ).watch( true ).build();
		requireAll( 1, image );
		Files.delete( file );
		requireAll( 1, image );
		write( file, "block.data[...] = 2" );
		await( 2, image );
	}

	@Test
	void whatDoesNotCompileIsLogged() throws Exception
	{
		final Path file = folder.resolve( "code.py" );
		write( file, "block.data[...] = 1" );
		final PythonImg< IntType > image = settings( PythonImg.builder( file ) ).watch( true ).build();
		requireAll( 1, image );
		try ( LogRecords log = new LogRecords( PythonImg.class ) )
		{
			write( file, "block.data[...] = = 2" );
			while ( !text( log ).contains( "code.py has changed, but its image still runs the former code" ) )
				spin();
			assertTrue( text( log ).contains( "SyntaxError" ), text( log ) );
		}
		requireAll( 1, image );
		write( file, "block.data[...] = 3" );
		await( 3, image );
	}

	@Test
	void aFunctionOfAFile() throws Exception
	{
		final Path file = folder.resolve( "own.py" );
		write( file, "import numpy as np\ndef f(k):\n    return np.full(10, k)" );
		final PythonImg< IntType > image = settings( PythonImg.builder( file + ":f" ) ).parameter( "k", 5 ).watch( true ).build();
		requireAll( 5, image );
		write( file, "import numpy as np\ndef f(k):\n    return np.full(10, 2 * k)" );
		await( 10, image );
		requireAll( 10, image );
		image.parameter( "k", 6 );
		requireAll( 12, image );
		// A new image, whether it watches or not.
		requireAll( 14, settings( PythonImg.builder( file + ":f" ) ).parameter( "k", 7 ).build() );
	}

	@Test
	void aFunctionOfAModule() throws Exception
	{
		final String module = "own_of_watched_code_test";
		final Path file = folder.resolve( module + ".py" );
		write( file, "import numpy as np\ndef f():\n    return np.full(10, 1)" );
		final PythonEnvironment environment = PythonEnvironment.getDefault().withModulePath( folder );
		final PythonImg< IntType > image = settings( PythonImg.builder( module + ":f" ) ).environment( environment ).watch( true ).build();
		requireAll( 1, image );
		write( file, "import numpy as np\ndef f():\n    return np.full(10, 2)" );
		await( 2, image );
		requireAll( 2, image );
		write( file, "import numpy as np\ndef f():\n    return np.full(10, 1 + 2)" );
		try ( PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue( 2, "", environment ) )
		{
			requireAll( 3, settings( PythonImg.builder( module + ":f" ) ).queue( queue ).build() );
		}
	}

	/**
	 * A constant is not in the code of any function, so that the functions look as before.
	 */
	@Test
	void aConstantOfAModuleThatTheInitCodeHasImported() throws Exception
	{
		final String source = "import numpy as np\nK = %d\ndef f():\n    return np.full(10, K)";
		final Path file = folder.resolve( "own_of_init_code.py" );
		write( file, String.format( source, 1 ) );
		try ( PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue( 2, "import own_of_init_code", PythonEnvironment.getDefault().withModulePath( folder ) ) )
		{
			assertEquals( 1, ( int ) queue.submit( python -> python.getValue( "own_of_init_code.K", Integer.class ) ).get() );
			write( file, String.format( source, 2 ) );
			requireAll( 2, settings( PythonImg.builder( "own_of_init_code:f" ) ).queue( queue ).build() );
		}
	}

	@Test
	void aFileInAnotherEncodingIsRefused() throws Exception
	{
		final Path file = folder.resolve( "code.py" );
		Files.write( file, "block.data[...] = len('\u00b5')".getBytes( StandardCharsets.ISO_8859_1 ) );
		final String message = assertThrows( IllegalArgumentException.class, () -> PythonImg.builder( file ) ).getMessage();
		assertTrue( message.contains( "code.py is not in UTF-8" ), message );
	}

	@Test
	void whatHasNoFileCannotBeWatched()
	{
		for ( final String code : new String[] { "block.data[...] = 1", "math:sqrt" } )
		{
			final PythonImgBuilder< IntType > builder = settings( PythonImg.builder( code ) ).watch( true );
			final String message = assertThrows( RuntimeException.class, builder::build ).getMessage();
			assertTrue( message.contains( code.startsWith( "math" ) ? "math" : "there is no file to watch" ), message );
		}
	}

	/**
	 * Each worker loads a module itself, and can do so at any time: here, one after the file has changed.
	 */
	@ParameterizedTest
	@ValueSource( strings = { "own.py:f", "own_of_workers:f" } )
	void allWorkersComputeWithTheSameText( final String function ) throws Exception
	{
		final String source = "import numpy as np\nclass C:\n    k = %d\ndef f():\n    return np.full(1, C.k)";
		final Path file = folder.resolve( function.startsWith( "own.py" ) ? "own.py" : "own_of_workers.py" );
		write( file, String.format( source, 1 ) );
		final String code = function.startsWith( "own.py" ) ? folder.resolve( function ).toString() : function;
		try ( final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue( 2, "", PythonEnvironment.getDefault().withModulePath( folder ) ) )
		{
			final PythonImg< IntType > image = PythonImg.builder( code ).type( new IntType() ).dimensions( 10 ).cellSize( 1 ).queue( queue ).build();
			final OccupiedWorker first = new OccupiedWorker( queue );
			assertEquals( 1, image.getAt( 0 ).get() );
			// The worker that has computed it.
			final OccupiedWorker second = new OccupiedWorker( queue );
			write( file, String.format( source, 2 ) );
			first.close();
			assertEquals( 1, image.getAt( 1 ).get() );
			final PythonImg< IntType > later = PythonImg.builder( code ).type( new IntType() ).dimensions( 10 ).cellSize( 1 ).queue( queue ).build();
			assertEquals( 2, later.getAt( 1 ).get() );
			assertEquals( 1, image.getAt( 2 ).get() );
			second.close();
			image.compute();
			later.compute();
			for ( int x = 0; x < 10; ++x )
			{
				assertEquals( 1, image.getAt( x ).get() );
				assertEquals( 2, later.getAt( x ).get() );
			}
		}
	}

	/**
	 * Each worker with a {@code sys.modules} of its own has loaded the module itself: what is in it can be pickled.
	 */
	@ParameterizedTest
	@ValueSource( strings = { "own.py:f", "own_of_pickles:f" } )
	void whatIsInTheModuleCanBePickled( final String function ) throws Exception
	{
		final boolean isFile = function.startsWith( "own.py" );
		final Path file = folder.resolve( isFile ? "own.py" : "own_of_pickles.py" );
		write( file, "import pickle\nimport numpy as np\nclass C:\n    k = 3\ndef f():\n    assert type(pickle.loads(pickle.dumps(C()))) is C\n    return np.full(1, C.k)" );
		try ( final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue( 2, "", PythonEnvironment.getDefault().withModulePath( folder ) ) )
		{
			final PythonImg< IntType > image = PythonImg.builder( isFile ? folder.resolve( function ).toString() : function ).type( new IntType() ).dimensions( 10 ).cellSize( 1 ).queue( queue ).build();
			final OccupiedWorker first = new OccupiedWorker( queue );
			assertEquals( 3, image.getAt( 0 ).get() );
			// The worker that has computed it.
			final OccupiedWorker second = new OccupiedWorker( queue );
			first.close();
			assertEquals( 3, image.getAt( 1 ).get() );
			second.close();
		}
	}

	private static String text( final LogRecords log )
	{
		return log.records().stream().map( LogRecord::getMessage ).collect( Collectors.joining( "\n" ) );
	}

	private static PythonImgBuilder< IntType > settings( final PythonImgBuilder< ? > builder )
	{
		return builder.dimensions( 100 ).cellSize( 10 ).type( new IntType() );
	}

	private static void requireAll( final int value, final PythonImg< IntType > image )
	{
		for ( int x = 0; x < 100; x += 10 )
			assertEquals( value, image.getAt( x ).get() );
	}

	private static void await( final int value, final PythonImg< IntType > image )
	{
		while ( image.getAt( 0 ).get() != value )
			spin();
	}

	/**
	 * Ends where the time of the test has.
	 */
	private static void spin()
	{
		assertFalse( Thread.currentThread().isInterrupted() );
		Thread.onSpinWait();
	}

	/**
	 * As editors do.
	 */
	private void write( final Path file, final String text ) throws IOException
	{
		final Path other = folder.resolve( "new" );
		Files.write( other, text.getBytes( StandardCharsets.UTF_8 ) );
		Files.move( other, file, StandardCopyOption.REPLACE_EXISTING );
	}
}
