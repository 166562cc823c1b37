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
package net.imglib2.cache.python.environment;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Locale;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class OperatingSystemTest
{
	@ParameterizedTest
	@CsvSource( { "Linux, LINUX", "FreeBSD, LINUX", "SunOS, LINUX", "Mac OS X, MACOS", "macOS, MACOS", "Darwin, MACOS", "Windows 10, WINDOWS", "Windows 11, WINDOWS",
			"Windows Server 2022, WINDOWS", "WINDOWS NT, WINDOWS" } )
	void systemIsRecognisedByTheNameThatTheJvmGives( final String name, final OperatingSystem expected )
	{
		assertEquals( expected, OperatingSystem.of( name ) );
	}

	@Test
	void nameIsComparedTheSameInAllLanguages()
	{
		final Locale before = Locale.getDefault();
		try
		{
			// In this locale, the lower case of I has no dot.
			Locale.setDefault( new Locale( "tr", "TR" ) );
			assertEquals( OperatingSystem.WINDOWS, OperatingSystem.of( "WINDOWS" ) );
		}
		finally
		{
			Locale.setDefault( before );
		}
	}

	@Test
	void namesOfExecutablesAreThoseOfTheSystem()
	{
		for ( final OperatingSystem os : List.of( OperatingSystem.LINUX, OperatingSystem.MACOS ) )
		{
			assertEquals( List.of( "bin/python3", "bin/python" ), os.executablesInFolder() );
			assertEquals( List.of( "python3", "python" ), os.executablesOnPath() );
			assertEquals( ":", os.pathSeparator() );
		}
		assertEquals( List.of( "Scripts/python.exe", "python.exe" ), OperatingSystem.WINDOWS.executablesInFolder() );
		assertEquals( List.of( "python3.exe", "python.exe" ), OperatingSystem.WINDOWS.executablesOnPath() );
		assertEquals( ";", OperatingSystem.WINDOWS.pathSeparator() );
	}
}
