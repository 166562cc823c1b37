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

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.Arrays;

import net.imglib2.cache.python.InterpreterMode;
import net.imglib2.cache.python.PythonEnvironment;
import net.imglib2.cache.python.PythonImg;
import net.imglib2.cache.python.PythonSink;
import net.imglib2.cache.python.PythonSpec;
import net.imglib2.type.numeric.integer.UnsignedByteType;

import org.apache.spark.SparkConf;
import org.apache.spark.api.java.JavaSparkContext;

/**
 * Measures what a task costs besides its work: tasks that do nothing, and tasks that write
 * parts of a few pixels.
 */
public final class TaskCosts
{
	private static final int SIZE = 8;

	private TaskCosts()
	{}

	/**
	 * @param args
	 * 		a folder for the arrays, a mode, the largest number of tasks that write, then the
	 * 		numbers of tasks
	 */
	public static void main( final String... args ) throws Exception
	{
		final Path folder = Files.createDirectories( Paths.get( args[ 0 ] ).toAbsolutePath() );
		final InterpreterMode mode = InterpreterMode.valueOf( args[ 1 ] );
		try (final JavaSparkContext spark = new JavaSparkContext( new SparkConf().setAppName( "costs" ) ))
		{
			System.out.printf( "| tasks, %s, %s | nothing | of each task | writes a chunk | of each task | the last step | of each chunk |%n|---|---|---|---|---|---|---|%n", spark.master(), mode );
			// Not measured: classes are loaded, and Python starts.
			line( spark, folder, mode, 200, true );
			for ( final int number : Arrays.stream( args ).skip( 3 ).mapToInt( Integer::parseInt ).toArray() )
				System.out.println( line( spark, folder, mode, number, number <= Integer.parseInt( args[ 2 ] ) ) );
		}
	}

	private static String line( final JavaSparkContext spark, final Path folder, final InterpreterMode mode, final int number, final boolean isWriting )
	{
		final double nothing = seconds( () -> spark.sc().range( 0, number, 1, number ).toJavaRDD().foreach( i -> {} ) );
		final StringBuilder line = new StringBuilder( String.format( "| %d | %.2f s | %.2f ms |", number, nothing, nothing / number * 1e3 ) );
		if ( !isWriting )
			return line.append( " | | | |" ).toString();
		final PythonSpec spec = PythonImg.builder( "block.data[...] = block.index % 256" ).type( new UnsignedByteType() ).dimensions( ( long ) SIZE * number, SIZE ).cellSize( SIZE )
				.environment( PythonEnvironment.getDefault().withMode( mode ) ).workers( 1 ).name( "costs" ).spec();
		final String output = folder.resolve( System.nanoTime() + ".zarr" ).toString();
		final SparkWriter.Sink sink = () -> PythonSink.zarr( Paths.get( output ) );
		final double[] last = { 0 };
		final double all = seconds( () -> last[ 0 ] = SparkWriter.write( spark, spec, sink, false, 1, 1 ) );
		final double writing = all - last[ 0 ];
		return line.append( String.format( " %.2f s | %.2f ms | %.2f s | %.3f ms |", writing, writing / number * 1e3, last[ 0 ], last[ 0 ] / number * 1e3 ) ).toString();
	}

	private static double seconds( final Runnable action )
	{
		final long start = System.nanoTime();
		action.run();
		return ( System.nanoTime() - start ) / 1e9;
	}
}
