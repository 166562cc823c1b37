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

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.Arrays;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;

import net.imglib2.img.array.ArrayImgs;
import net.imglib2.img.cell.CellGrid;
import net.imglib2.type.numeric.integer.IntType;

/**
 * Hands over code that is or is not on an allow-list, in every possible way, and prints the
 * result of each. Arguments: a file with the code of a loader; a folder of modules that is on
 * the list; a folder that looks like a Python but is none; where to write another list.
 */
final class TrustMain
{
	/**
	 * An audit hook that sees all that Python compiles and imports.
	 */
	static final String INIT = """
			import sys
			seen = []
			def watch(event, arguments):
			    if event in ('compile', 'import', 'exec'):
			        seen.append(f'{event} {arguments}')
			sys.addaudithook(watch)
			""";

	static final String ALLOWED_LOADER = "block.data[...] = 11 # allowed_loader";

	static final String ALLOWED_TASK = "allowed_task = 12";

	static final String ALLOWED_EXPRESSION = "allowed_task + 1";

	static final String ALLOWED_SOURCE = "np.arange(n)";

	static final String WATCHED = "'\\n'.join(seen)";

	/**
	 * Is on a later list, but not on the file's.
	 */
	static final String LATER = "block.data[...] = 14 # not_allowed";

	/**
	 * Is not Python: it could neither be compiled nor imported.
	 */
	static final String NOT_PYTHON = "not_allowed = = 1";

	private TrustMain()
	{}

	public static void main( final String... args ) throws Exception
	{
		final Path folder = Paths.get( args[ 2 ] );
		attempt( "init", () -> new PythonCacheLoaderQueue( 1, NOT_PYTHON ) );
		attempt( "folder", () -> new PythonCacheLoaderQueue( 1, "", PythonEnvironment.detected().withModulePath( folder ) ) );
		attempt( "python", () -> new PythonCacheLoaderQueue( 1, "", PythonEnvironment.at( folder.resolve( "python3" ) ) ) );
		attempt( "diagnosis", () -> PythonEnvironment.at( folder.resolve( "python3" ) ).diagnose() );
		try (final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue( 1, INIT, PythonEnvironment.detected().withModulePath( Paths.get( args[ 1 ] ) ) ))
		{
			attempt( "another python", () -> new PythonCacheLoaderQueue( 1, "", PythonEnvironment.at( folder.resolve( "python3" ) ) ) );
			attempt( "loader", () -> pixel( queue, NOT_PYTHON ) );
			attempt( "function", () -> pixel( queue, "not_allowed_module:f" ) );
			attempt( "function elsewhere", () -> pixel( queue, "permitted_module:os.not_allowed" ) );
			attempt( "task", () -> queue.submit( python -> {
				python.exec( NOT_PYTHON );
				return null;
			} ).get() );
			attempt( "expression", () -> queue.submit( python -> python.getValue( NOT_PYTHON ) ).get() );

			attempt( "allowed loader", () -> pixel( queue, ALLOWED_LOADER ) );
			attempt( "allowed function", () -> pixel( queue, "permitted_module:f" ) );
			attempt( "allowed file", () -> pixel( queue, new String( Files.readAllBytes( Paths.get( args[ 0 ] ) ), StandardCharsets.UTF_8 ) ) );
			attempt( "allowed task", () -> queue.submit( python -> {
				python.exec( ALLOWED_TASK );
				return python.getValue( ALLOWED_EXPRESSION );
			} ).get() );

			attempt( "opened expression", () -> PythonImg.openBuilder( NOT_PYTHON ).queue( queue ).build() );
			attempt( "opened function", () -> PythonImg.openBuilder( "not_allowed_module:f", 3 ).queue( queue ).build() );
			attempt( "opened function with text", () -> PythonImg.openBuilder( "permitted_module:g", 3, "text" ).queue( queue ).build() );
			attempt( "watched function", () -> PythonImg.builder( "not_allowed_module:f" ).dimensions( 3 ).type( new IntType() ).watch( true ).queue( queue ).build() );
			final PythonImg< ? > opened = PythonImg.openBuilder( "permitted_module:g", 3 ).queue( queue ).build();
			attempt( "allowed opened function", () -> opened.firstElement() );
			attempt( "provenance", () -> opened.provenance().contains( "packages: numpy" ) );
			attempt( "allowed opened expression", () -> PythonImg.openBuilder( ALLOWED_SOURCE ).parameter( "n", 4 ).queue( queue ).build().dimension( 0 ) );
			attempt( "other code of an opened image", () -> {
				opened.code( NOT_PYTHON );
				return null;
			} );

			final String seen = queue.submit( python -> python.getValue( WATCHED, String.class ) ).get();
			System.out.println( "--- seen allowed=" + ( seen.contains( "allowed_loader" ) && seen.contains( "permitted_module" ) && seen.contains( "allowed_task" ) )
					+ " not allowed=" + seen.contains( "not_allowed" ) );

			PythonTrust.restrictTo( Arrays.asList( PythonTrust.entryFor( ALLOWED_LOADER ), PythonTrust.entryFor( ALLOWED_EXPRESSION ), PythonTrust.entryFor( LATER ),
					"module:not_allowed_module", "folder:" + folder, "python:" + folder.resolve( "python3" ) ) );
			attempt( "loader on both lists", () -> pixel( queue, ALLOWED_LOADER ) );
			attempt( "expression on both lists", () -> queue.submit( python -> python.getValue( ALLOWED_EXPRESSION ) ).get() );
			attempt( "loader on one list", () -> pixel( queue, "permitted_module:f" ) );
			attemptLater( "second", queue, folder );
			PythonTrust.restrictTo( Files.write( Paths.get( args[ 3 ] ), Arrays.asList( PythonTrust.entryFor( ALLOWED_LOADER ), PythonTrust.entryFor( LATER ),
					PythonTrust.entryFor( WATCHED ), "module:not_allowed_module", "folder:" + folder, "python:" + folder.resolve( "python3" ) ) ) );
			attempt( "loader on all lists", () -> pixel( queue, ALLOWED_LOADER ) );
			attempt( "expression on two lists", () -> queue.submit( python -> python.getValue( ALLOWED_EXPRESSION ) ).get() );
			attempt( "expression on two other lists", () -> queue.submit( python -> python.getValue( WATCHED ) ).get() );
			attemptLater( "third", queue, folder );
			System.out.println( "--- restricted=" + PythonTrust.isRestricted() );
			System.clearProperty( PythonTrust.FILE_PROPERTY );
			attempt( "after clearing the property", () -> pixel( queue, NOT_PYTHON ) );
		}
		System.out.println( "--- done" );
	}

	/**
	 * Hands over code that every list except the file's allows.
	 */
	private static void attemptLater( final String list, final PythonCacheLoaderQueue queue, final Path folder ) throws Exception
	{
		attempt( "loader on the " + list + " list", () -> pixel( queue, LATER ) );
		attempt( "function on the " + list + " list", () -> pixel( queue, "not_allowed_module:f" ) );
		attempt( "init on the " + list + " list", () -> new PythonCacheLoaderQueue( 1, LATER ) );
		attempt( "task on the " + list + " list", () -> queue.submit( python -> {
			python.exec( LATER );
			return null;
		} ).get() );
		attempt( "expression on the " + list + " list", () -> queue.submit( python -> python.getValue( LATER ) ).get() );
		attempt( "folder on the " + list + " list", () -> new PythonCacheLoaderQueue( 1, "", PythonEnvironment.detected().withModulePath( folder ) ) );
		attempt( "python on the " + list + " list", () -> new PythonCacheLoaderQueue( 1, "", PythonEnvironment.at( folder.resolve( "python3" ) ) ) );
	}

	private static int pixel( final PythonCacheLoaderQueue queue, final String code )
	{
		return PythonCacheLoader.fromRandomAccessibles( new CellGrid( new long[] { 3 }, new int[] { 3 } ), queue, code, new IntType(),
				ArrayImgs.ints( new int[] { 5, 6, 7 }, 3 ) ).createCachedCellImg( 1 ).getAt( 0 ).get();
	}

	private static void attempt( final String name, final Callable< ? > callable ) throws Exception
	{
		System.out.println( "--- " + name );
		try
		{
			System.out.println( "result=" + callable.call() );
		}
		catch ( final PythonTrustException e )
		{
			System.out.println( "refused=" + e.getEntry() + "\n" + e.getMessage() );
		}
		catch ( final ExecutionException e )
		{
			if ( !( e.getCause() instanceof PythonTrustException ) )
				throw e;
			System.out.println( "refused=" + ( ( PythonTrustException ) e.getCause() ).getEntry() + "\n" + e.getCause().getMessage() );
		}
	}
}
