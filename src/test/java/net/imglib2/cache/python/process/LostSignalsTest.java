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
package net.imglib2.cache.python.process;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import net.imglib2.cache.python.ChildJvm;

/**
 * A side of the mailbox that sleeps is always woken. The system property {@code trips} is the
 * number of calls, {@value #TRIPS} by default.
 */
// No limit here, because it runs as long as it is told to: the child JVM watches itself.
@Timeout( value = 1, unit = TimeUnit.DAYS )
class LostSignalsTest
{
	private static final int TRIPS = 100_000;

	/**
	 * Shorter than usual, so that there are more trips in the same time.
	 */
	private static final int SPIN_MICROS = 20;

	@Test
	void nobodySleepsWhileTheOtherSideWaits() throws Exception
	{
		assumeTrue( Mailbox.byWords() && Runtime.getRuntime().availableProcessors() > 1, "only pipes tell of calls here, or nobody spins" );
		final int trips = Integer.getInteger( "trips", TRIPS );
		System.out.println( ChildJvm.of( LostSignalsMain.class ).withPython( ChildJvm.testPython() ).withAllCompilers().withTimeout( 120 + trips / 1000 )
				.run( Integer.toString( trips ), Integer.toString( SPIN_MICROS ) ).requireExitCode( 0 ).requireOutput( "no signal was lost" ).output );
	}
}
