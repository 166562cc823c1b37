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

import java.io.IOException;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.Map;
import java.util.TreeMap;

import net.imglib2.cache.python.process.ArenaUse;

/**
 * Resources of this process that the garbage collector does not free, or not alone. On Linux;
 * on other systems, what cannot be counted counts as zero.
 */
final class Resources
{
	/**
	 * Arguments for JVMs whose threads and memory are counted: such a JVM starts its threads and
	 * takes its heap at once.
	 */
	static final String[] JVM_ARGUMENTS = { "-XX:+UseSerialGC", "-XX:-UseDynamicNumberOfCompilerThreads", "-Xmx256m", "-Xms256m", "-XX:+AlwaysPreTouch" };

	private static final Path SELF = Paths.get( "/proc/self" );

	private static final int ATTEMPTS = 500;

	private static final String MAPPINGS = "mappings of shared memory";

	/**
	 * The system joins two of them, or not, depending on where it happens to put them; and
	 * memory that is kept for reuse has some.
	 */
	private static final long MAPPINGS_TOLERANCE = 50;

	static final String SHARED = "bytes of shared memory";

	/**
	 * What is kept for reuse, also in the tables of workers, grows for a while. Two workers
	 * that are left behind have as much.
	 */
	private static final long SHARED_TOLERANCE = 900 << 10;

	static final String DIRECT = "bytes in direct buffers";

	/**
	 * The pool, and what workers know about memories, are bounded but fill slowly.
	 */
	private static final long DIRECT_TOLERANCE = 4 << 20;

	static final String RESIDENT = "resident bytes";

	/**
	 * Memory of the compiler, and memory that allocators keep for reuse.
	 */
	private static final long RESIDENT_TOLERANCE = 32 << 20;

	private Resources()
	{}

	/**
	 * @return numbers of resources, by kind; in a JVM that is set to
	 *         {@link InterpreterMode#PROCESS}, not before there was a worker
	 */
	static Map< String, Long > count() throws IOException
	{
		final Map< String, Long > counts = new TreeMap<>();
		counts.put( "threads", entries( "task" ) - Thread.getAllStackTraces().keySet().stream().filter( Resources::isKeptByTheJdk ).count() );
		counts.put( "file descriptors", entries( "fd" ) );
		counts.put( "child processes", ProcessHandle.current().descendants().count() );
		for ( final BufferPoolMXBean pool : ManagementFactory.getPlatformMXBeans( BufferPoolMXBean.class ) )
			if ( pool.getName().equals( "direct" ) )
				counts.put( DIRECT, pool.getMemoryUsed() );
		counts.put( RESIDENT, residentBytes() );
		if ( InterpreterMode.PROCESS.name().equals( System.getProperty( PythonEnvironment.MODE_PROPERTY ) ) )
		{
			counts.put( MAPPINGS, mappings( "imglib2-cache-python" ) );
			counts.put( SHARED, ArenaUse.used() );
		}
		return counts;
	}

	private static long tolerance( final String what )
	{
		if ( what.equals( MAPPINGS ) )
			return MAPPINGS_TOLERANCE;
		if ( what.equals( SHARED ) )
			return SHARED_TOLERANCE;
		return what.equals( DIRECT ) ? DIRECT_TOLERANCE : what.equals( RESIDENT ) ? RESIDENT_TOLERANCE : 0;
	}

	/**
	 * Waits for threads and processes that are about to end, and for the garbage
	 * collector.
	 *
	 * @param before
	 * 		numbers of an earlier count
	 * @param what
	 * 		what has happened since
	 * @param collect
	 * 		runs the garbage collector, and what depends on it
	 * @throws AssertionError
	 * 		if there are more resources than before
	 * 		if more is there
	 */
	static void requireNoMoreThan( final Map< String, Long > before, final String what, final Runnable collect ) throws IOException, InterruptedException
	{
		for ( int attempt = 0; attempt < ATTEMPTS; ++attempt )
		{
			final Map< String, Long > now = count();
			if ( now.entrySet().stream().allMatch( entry -> entry.getValue() <= before.get( entry.getKey() ) + tolerance( entry.getKey() ) ) )
				return;
			collect.run();
			Thread.sleep( 20 );
		}
		assertEquals( before, count(), "what is there before and after " + what );
	}

	/**
	 * @return resident memory in bytes, 0 if unknown
	 */
	static long residentBytes() throws IOException
	{
		final Path status = SELF.resolve( "status" );
		if ( Files.exists( status ) )
			for ( final String line : Files.readAllLines( status, StandardCharsets.ISO_8859_1 ) )
				if ( line.startsWith( "VmRSS:" ) )
					return Long.parseLong( line.replaceAll( "\\D", "" ) ) << 10;
		return 0;
	}

	/**
	 * @return whether the JDK keeps this thread for a minute: it has waited for a process, or
	 *         belongs to the pool in which caches of imglib2-cache do their maintenance
	 */
	private static boolean isKeptByTheJdk( final Thread thread )
	{
		return thread.getName().startsWith( "process reaper" ) || thread.getName().startsWith( "ForkJoinPool.commonPool-worker" );
	}

	private static long mappings( final String file ) throws IOException
	{
		final Path maps = SELF.resolve( "maps" );
		return Files.exists( maps ) ? Files.readAllLines( maps ).stream().filter( line -> line.contains( file ) ).count() : 0;
	}

	private static long entries( final String folder ) throws IOException
	{
		if ( !Files.isDirectory( SELF.resolve( folder ) ) )
			return 0;
		long count = 0;
		try (final DirectoryStream< Path > entries = Files.newDirectoryStream( SELF.resolve( folder ) ))
		{
			for ( final Path ignored : entries )
				++count;
		}
		return count;
	}
}
