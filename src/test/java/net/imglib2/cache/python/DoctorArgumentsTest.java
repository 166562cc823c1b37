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
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Paths;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DoctorArgumentsTest
{
	@Test
	void allHaveDefaults()
	{
		final DoctorArguments arguments = DoctorArguments.parse();
		assertNull( arguments.path() );
		assertEquals( List.of(), arguments.modules() );
		assertEquals( 120, arguments.timeoutSeconds() );
		assertFalse( arguments.isHelp() );
	}

	@Test
	void allCanBeGiven()
	{
		final DoctorArguments arguments = DoctorArguments.parse( "/env", "--import", "scipy", "skimage.filters", "--timeout", "7", "--import", "größe_1" );
		assertEquals( Paths.get( "/env" ), arguments.path() );
		assertEquals( List.of( "scipy", "skimage.filters", "größe_1" ), arguments.modules() );
		assertEquals( 7, arguments.timeoutSeconds() );
		assertTrue( DoctorArguments.parse( "-h" ).isHelp() );
		assertTrue( DoctorArguments.parse( "--import", "scipy", "--help" ).isHelp() );
	}

	@ParameterizedTest
	@CsvSource( delimiter = '|', value = {
			"one two | There are two environments: one and two",
			"--imports scipy | There is no option --imports",
			"--import | --import: the names of modules are missing",
			"--import --timeout 5 | --import: the names of modules are missing",
			"--import scipy /env | --import: \"/env\" is not the name of a module; an environment stands before --import",
			"--import scipy;exit() | --import: \"scipy;exit()\" is not the name of a module",
			"--import scipy. | --import: \"scipy.\" is not the name of a module",
			"--timeout | --timeout: \"\" is not a number of seconds from 1 to 86400",
			"--timeout 0 | --timeout: \"0\" is not a number",
			"--timeout 86401 | --timeout: \"86401\" is not a number",
			"--timeout 1s | --timeout: \"1s\" is not a number" } )
	void whatIsWrongIsTold( final String arguments, final String message )
	{
		final String actual = assertThrows( IllegalArgumentException.class, () -> DoctorArguments.parse( arguments.split( " " ) ) ).getMessage();
		assertTrue( actual.startsWith( message ), actual );
	}
}
