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

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicInteger;

import net.imglib2.cache.python.InterpreterMode;
import net.imglib2.cache.python.PythonCacheLoaderQueue;
import net.imglib2.cache.python.PythonEnvironment;
import net.imglib2.cache.python.PythonImg;
import net.imglib2.cache.python.PythonSink;
import net.imglib2.cache.python.PythonSpec;
import net.imglib2.type.numeric.integer.UnsignedByteType;

import org.apache.spark.SparkConf;
import org.apache.spark.Success$;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerExecutorRemoved;
import org.apache.spark.scheduler.SparkListenerTaskEnd;

/**
 * Smooths an image in a zarr array into an OME-Zarr image by the executors of Spark, and
 * compares the result with that of scipy for the whole image.
 */
public final class SmoothOnSpark
{
	private static final int[] BLOCKS_PER_TASK = { 2, 2, 2 };

	private SmoothOnSpark()
	{}

	/**
	 * @param args
	 * 		a folder that all machines see; then, in any order, a mode ({@code SHARED},
	 * 		{@code PROCESS}), {@code resume}, {@code pause=0.2} (seconds for each cell, to have time
	 * 		to kill something), {@code executors=2}
	 */
	public static void main( final String... args ) throws Exception
	{
		final List< String > options = Arrays.asList( args ).subList( 1, args.length );
		final Path folder = Files.createDirectories( Paths.get( args[ 0 ] ).toAbsolutePath() );
		final String output = folder.resolve( "smooth.ome.zarr" ).toString();
		final InterpreterMode mode = options.contains( "PROCESS" ) ? InterpreterMode.PROCESS : options.contains( "SHARED" ) ? InterpreterMode.SHARED : InterpreterMode.AUTO;
		// Which Python that is, IMGLIB2_PYTHON says in the driver, and spark.executorEnv.IMGLIB2_PYTHON elsewhere.
		final PythonEnvironment environment = PythonEnvironment.getDefault().withMode( mode );

		final Path input = input( folder );
		final PythonSpec raw = PythonImg.openBuilder( "zarr:open_array", input, Collections.singletonMap( "mode", "r" ) ).environment( environment ).workers( 1 ).spec();
		final PythonSpec smooth = PythonImg.builder( "block.data[...] = ndimage.gaussian_filter(raw, 2)[block.crops[0]]; time.sleep(pause)" )
				.name( "smooth" )
				.init( "import time\nfrom scipy import ndimage" )
				.input( "raw", raw )
				.halo( 8 )
				.parameter( "pause", Double.valueOf( option( options, "pause", "0" ) ) )
				.type( new UnsignedByteType() )
				.cellSize( 32 )
				.environment( environment )
				// As many as tasks run in an executor at the same time.
				.workers( 1 )
				.spec();

		final AtomicInteger lostExecutors = new AtomicInteger();
		final AtomicInteger failedTasks = new AtomicInteger();
		// The master and other settings are those of spark-submit, or of -Dspark.…
		try (final JavaSparkContext spark = new JavaSparkContext( new SparkConf().setAppName( "smooth" ) ))
		{
			spark.sc().addSparkListener( new SparkListener()
			{
				@Override
				public void onExecutorRemoved( final SparkListenerExecutorRemoved removed )
				{
					lostExecutors.incrementAndGet();
				}

				@Override
				public void onTaskEnd( final SparkListenerTaskEnd end )
				{
					if ( end.reason() != Success$.MODULE$ )
						failedTasks.incrementAndGet();
				}
			} );
			System.out.println( SparkWriter.diagnose( spark, smooth, Integer.parseInt( option( options, "executors", "1" ) ) ) );
			final long start = System.nanoTime();
			SparkWriter.write( spark, smooth, () -> sink( output ), options.contains( "resume" ), BLOCKS_PER_TASK );
			System.out.printf( "Spark %s, %s: written in %.1f s, %d failed tasks, %d lost executors%n", spark.version(), mode, ( System.nanoTime() - start ) / 1e9, failedTasks.get(), lostExecutors.get() );
		}
		check( input, output );
	}

	private static PythonSink sink( final String output )
	{
		return PythonSink.zarr( Paths.get( output ) ).axes( "x", "y", "z" ).scale( 0.5 , 0.5, 0.5 ).units( "micrometer" ).levels( 3 );
	}

	private static String option( final List< String > options, final String name, final String otherwise )
	{
		return options.stream().filter( option -> option.startsWith( name + "=" ) ).map( option -> option.substring( name.length() + 1 ) ).findFirst().orElse( otherwise );
	}

	/**
	 * @return a zarr array of 160 x 200 x 240 pixels
	 */
	private static Path input( final Path folder ) throws InterruptedException, ExecutionException, IOException
	{
		final Path input = folder.resolve( "raw.zarr" );
		if ( !Files.exists( input ) )
			python( "import numpy as np, zarr; zarr.create_array('" + input + "', data=np.random.default_rng(1).integers(0, 256, (240, 200, 160), 'uint8'), chunks=(64, 64, 64))" );
		return input;
	}

	private static void check( final Path input, final String output ) throws InterruptedException, ExecutionException
	{
		python( "import numpy as np, zarr; from scipy import ndimage\n"
				+ "expected = ndimage.gaussian_filter(zarr.open_array('" + input + "', mode='r')[...], 2)\n"
				+ "found = zarr.open_group('" + output + "', mode='r')\n"
				+ "assert found.attrs['imglib2_cache_python']['complete'] and len(found.attrs['multiscales'][0]['datasets']) == 3\n"
				+ "assert np.array_equal(found['0'][...], expected), 'the result differs'\n"
				+ "mean = expected.reshape(120, 2, 100, 2, 80, 2).mean((1, 3, 5))\n"
				+ "assert np.array_equal(found['1'][...], np.rint(mean)), 'level 1 differs'" );
		System.out.println( "equal to the result of scipy for the whole image" );
	}

	/**
	 * Lets a process compute something, because the Python in a driver may be used otherwise.
	 */
	private static void python( final String code ) throws InterruptedException, ExecutionException
	{
		try (final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue( 1, "", PythonEnvironment.getDefault().withMode( InterpreterMode.PROCESS ) ))
		{
			queue.submit( python -> {
				python.exec( code );
				return null;
			} ).get();
		}
	}
}
