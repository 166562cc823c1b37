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

import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Faults of all kinds, one after the other and at the same time, in each mode. The system
 * property {@code soak.seconds} says for how long, {@value #SECONDS} by default, and
 * {@value #SECONDS_OF_PROCESSES} where workers are processes that crash.
 */
// No limit here, because it runs as long as it is told to: the child JVM has one.
@Timeout( value = 1, unit = TimeUnit.DAYS )
class SoakTest
{
	private static final int SECONDS = 10;

	private static final int SECONDS_OF_PROCESSES = 30;

	@ParameterizedTest
	@EnumSource( names = { "SUB", "SHARED", "PROCESS" } )
	void noPixelIsWrongNoWorkerIsLostAndNothingGrows( final InterpreterMode mode ) throws Exception
	{
		final int seconds = Integer.getInteger( "soak.seconds", mode == InterpreterMode.PROCESS ? SECONDS_OF_PROCESSES : SECONDS );
		final ChildJvm jvm = ChildJvm.of( SoakMain.class ).withPython( ChildJvm.testPython() ).withMode( mode ).withAllCompilers().withTimeout( 120 + 2 * seconds )
				.withJvmArguments( "-XX:MaxDirectMemorySize=64m" ).withJvmArguments( Resources.JVM_ARGUMENTS );
		System.out.println( jvm.run( Integer.toString( seconds ), SoakMain.FAULTS_ONLY ).requireExitCode( 0 ).requireOutput( "survived" ).output );
	}
}
