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

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import net.imglib2.type.numeric.integer.IntType;

/**
 * What is counted and timed, and told to Java Flight Recorder.
 */
@Tag( "each-mode" )
@Timeout( 60 )
class PythonMetricsTest
{
	private static final long MILLI = 1_000_000;

	private final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue( 1, "import time" );

	@TempDir
	Path folder;

	@AfterEach
	void close()
	{
		queue.close();
	}

	private PythonImgBuilder< IntType > builder( final String code )
	{
		return PythonImg.builder( code ).queue( queue ).type( new IntType() ).dimensions( 10 ).cellSize( 1 ).name( "my image" );
	}

	@Test
	void timeInPythonGoesOnWithOtherCode()
	{
		final PythonImg< IntType > image = builder( "time.sleep(0.02); block.data[...] = 1" ).build();
		image.getAt( 0 );
		final long first = image.metrics().pythonNanos();
		assertTrue( first >= 20 * MILLI, () -> first + " ns" );
		image.code( "time.sleep(0.03); block.data[...] = 1" );
		image.getAt( 0 );
		final PythonMetrics metrics = image.metrics();
		assertTrue( metrics.pythonNanos() >= first + 30 * MILLI, metrics.toString() );
		assertTrue( metrics.waitNanos() >= 50 * MILLI, metrics.toString() );
		assertEquals( 2, metrics.cellsComputed() );
		assertTrue( image.timeImg().getAt( 0 ).get() >= 30 );
		assertTrue( Float.isNaN( image.timeImg().getAt( 1 ).get() ) );
		assertTrue( metrics.toString().startsWith( "2 cells computed, 0 read from the cache, 0 failed (0 of them took too long); 0 evicted, 4 bytes cached; 0." ), metrics.toString() );
	}

	@Test
	void smallBlocksThatAreComputedTogether()
	{
		final PythonImg< IntType > image = builder( "block.data[...] = 1" ).dimensions( 2000 ).build();
		final PythonSummary summary = image.compute();
		final PythonMetrics metrics = image.metrics();
		double sum = 0;
		for ( final float millis : image.timeImg().update( null ).getCurrentStorageArray() )
			sum += millis * MILLI;
		// Each of them is rounded down.
		assertEquals( metrics.pythonNanos(), sum, 2000 + 1e-6 * sum );
		assertTrue( metrics.pythonNanos() < summary.seconds() * 1e9, metrics + ", " + summary );
	}

	@Test
	void cellsThatTakeTooLong()
	{
		final PythonImg< IntType > image = builder( "while block.index == 3: pass\nblock.data[...] = 1" ).timeout( Duration.ofMillis( 300 ) ).build();
		assertThrows( RuntimeException.class, () -> image.getAt( 3 ) );
		image.getAt( 4 );
		assertEquals( 1, image.metrics().cellsFailed() );
		assertEquals( 1, image.metrics().cellsTimedOut() );
		assertTrue( image.timeImg().getAt( 3 ).get() >= 300 );
		assertEquals( 1, image.failedImg().getAt( 3 ).get() );
		assertEquals( 0, image.failedImg().getAt( 4 ).get() );
	}

	@Test
	void eventsOfTheFlightRecorder() throws Exception
	{
		final PythonImg< IntType > image = builder( "time.sleep(0.002); 1 / (block.index - 2)\nblock.data[...] = block.inputs[0]" ).input( builder( "block.data[...] = 1" ).name( "input" ).build() ).build();
		image.getAt( 0 );
		final Path file = folder.resolve( "cells.jfr" );
		try (final Recording recording = new Recording())
		{
			recording.enable( "net.imglib2.cache.python.Cell" );
			recording.start();
			image.getAt( 1 );
			image.getAt( 1 );
			assertThrows( RuntimeException.class, () -> image.getAt( 2 ) );
			recording.stop();
			image.getAt( 3 );
			recording.dump( file );
		}
		final List< String > events = new ArrayList<>();
		for ( final RecordedEvent event : RecordingFile.readAllEvents( file ) )
			if ( event.getEventType().getName().equals( "net.imglib2.cache.python.Cell" ) )
			{
				events.add( event.getString( "image" ) + " " + event.getLong( "cell" ) + " " + event.getBoolean( "failed" ) );
				if ( event.getString( "image" ).equals( "my image" ) )
				{
					assertTrue( event.getDuration( "pythonTime" ).toNanos() >= 2 * MILLI, event.toString() );
					assertTrue( event.getDuration( "waitTime" ).compareTo( event.getDuration( "pythonTime" ) ) > 0, event.toString() );
					assertFalse( event.getDuration( "copyTime" ).isZero(), event.toString() );
				}
			}
		assertEquals( List.of( "input 1 false", "my image 1 false", "input 2 false", "my image 2 true" ), events );
	}
}
