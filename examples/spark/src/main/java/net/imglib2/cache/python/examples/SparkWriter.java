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

import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

import net.imglib2.FinalInterval;
import net.imglib2.Interval;
import net.imglib2.cache.python.PythonImg;
import net.imglib2.cache.python.PythonProgress;
import net.imglib2.cache.python.PythonSink;
import net.imglib2.cache.python.PythonSpec;
import net.imglib2.util.IntervalIndexer;
import net.imglib2.util.Intervals;

import org.apache.spark.SparkEnv;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.JavaSparkContext;

/**
 * Writes images by the executors of Spark.
 */
public final class SparkWriter
{
	/**
	 * Makes the same sink in each program.
	 */
	@FunctionalInterface
	public interface Sink extends Serializable
	{
		PythonSink get();
	}

	/**
	 * What a Python is like, and where.
	 */
	private record Diagnosis( String executor, String text ) implements Serializable
	{}

	/**
	 * Of this program.
	 */
	private static final Map< PythonSpec, String > DIAGNOSES = new ConcurrentHashMap<>();

	private SparkWriter()
	{}

	/**
	 * Computes an image, and writes it. The first task of an executor opens the image, and all
	 * others use it, too. A task that fails is repeated by Spark; what it has written is not
	 * computed again.
	 *
	 * @param spark
	 * 		runs the tasks
	 * @param spec
	 * 		of the image
	 * @param sink
	 * 		where to, on storage that all machines share
	 * @param resume
	 * 		whether to go on with what is there
	 * @param blocksPerTask
	 * 		how many blocks a task writes along each axis. If that is a power of two, tasks write
	 * 		their parts of the next levels of a pyramid, too
	 * @return seconds that the last step took, in which no task runs
	 */
	public static double write( final JavaSparkContext spark, final PythonSpec spec, final Sink sink, final boolean resume, final int... blocksPerTask )
	{
		final PythonImg< ? > image = spec.open();
		final long[] block = image.beginWriting( sink.get().resume( resume ) );
		final long[] dimensions = image.dimensionsAsLongArray();
		final long[] size = new long[ block.length ];
		Arrays.setAll( size, d -> block[ d ] * blocksPerTask[ d ] );
		final long[] counts = new long[ block.length ];
		Arrays.setAll( counts, d -> ( dimensions[ d ] - 1 ) / size[ d ] + 1 );
		final int numTasks = Math.toIntExact( Intervals.numElements( counts ) );
		// Of a part, Spark has the number alone.
		spark.sc().range( 0, numTasks, 1, numTasks ).toJavaRDD().foreach( number -> writePart( spec, sink, part( ( Long ) number, counts, size ) ) );
		// What is left: the levels of a pyramid that no task could write, and that the image is complete.
		return image.writeTo( sink.get().resume( true ) ).requireComplete().seconds();
	}

	private static Interval part( final long number, final long[] counts, final long[] size )
	{
		final long[] min = new long[ size.length ];
		IntervalIndexer.indexToPosition( number, counts, min );
		Arrays.setAll( min, d -> min[ d ] * size[ d ] );
		return Intervals.translate( new FinalInterval( size ), min );
	}

	private static void writePart( final PythonSpec spec, final Sink sink, final Interval part )
	{
		final TaskContext task = TaskContext.get();
		spec.open().writeTo( sink.get().resume( true ), part, new PythonProgress()
		{
			@Override
			public void update( final long done, final long total )
			{}

			@Override
			public boolean isCancelled()
			{
				return task.isInterrupted();
			}
		} ).requireComplete();
	}

	// --------------------------------------------------------------- doctor

	/**
	 * Asks each executor which Python it would use.
	 *
	 * @param spark
	 * 		runs the tasks
	 * @param spec
	 * 		of an image
	 * @param numExecutors
	 * 		how many executors to wait for
	 * @return what all have in common, then what differs between them
	 */
	public static String diagnose( final JavaSparkContext spark, final PythonSpec spec, final int numExecutors )
	{
		final Map< String, List< String > > lines = new TreeMap<>();
		while ( lines.size() < numExecutors )
			for ( final Diagnosis one : spark.parallelize( IntStream.range( 0, 4 * numExecutors ).boxed().collect( Collectors.toList() ), 4 * numExecutors ).map( i -> diagnosis( spec ) ).collect() )
				lines.put( one.executor, one.text.lines().toList() );
		final TreeSet< String > common = new TreeSet<>( lines.values().iterator().next() );
		lines.values().forEach( common::retainAll );
		final List< String > told = new ArrayList<>();
		told.add( lines.size() + " executors; the same for all:" );
		lines.values().iterator().next().stream().filter( common::contains ).forEach( told::add );
		lines.forEach( ( executor, its ) -> its.stream().filter( line -> !common.contains( line ) ).forEach( line -> told.add( executor + ": " + line ) ) );
		return String.join( "\n", told );
	}

	private static Diagnosis diagnosis( final PythonSpec spec ) throws InterruptedException
	{
		final String text = DIAGNOSES.computeIfAbsent( spec, PythonSpec::diagnose );
		// The other executors shall get tasks, too.
		Thread.sleep( 200 );
		return new Diagnosis( SparkEnv.get().executorId(), text );
	}
}
