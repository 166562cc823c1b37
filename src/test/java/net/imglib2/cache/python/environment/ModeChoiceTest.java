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
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Paths;
import java.util.List;
import java.util.Properties;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import net.imglib2.cache.python.InterpreterMode;
import net.imglib2.cache.python.PythonEnvironmentException;

class ModeChoiceTest
{
	private static final String HOST = "JPype has started this JVM from /usr/bin/python3";

	private static final String JEP_IS_MISSING = "the package jep is missing";

	@Test
	void autoIsSharedWhereJepFits()
	{
		requireChoice( InterpreterMode.SHARED, "its package jep fits", choose( "3.13.1", true, InterpreterMode.AUTO, null ) );
	}

	@Test
	void autoIsProcessWhereJepIsMissing()
	{
		requireChoice( InterpreterMode.PROCESS, JEP_IS_MISSING, choose( "3.11.7", false, InterpreterMode.AUTO, null ) );
	}

	@Test
	void autoIsProcessWherePythonHasStartedTheJvm()
	{
		requireChoice( InterpreterMode.PROCESS, "Python already runs in this process: " + HOST, choose( "3.11.7", true, InterpreterMode.AUTO, HOST ) );
	}

	@ParameterizedTest
	@EnumSource( value = InterpreterMode.class, names = { "SUB", "SHARED", "PROCESS" } )
	void whatIsAskedForIsKept( final InterpreterMode mode )
	{
		requireChoice( mode, "", choose( "3.11.7", true, mode, null ) );
	}

	@Test
	void processIsKeptWithoutJepAndWithAHost()
	{
		requireChoice( InterpreterMode.PROCESS, "", choose( "3.11.7", false, InterpreterMode.PROCESS, HOST ) );
	}

	@ParameterizedTest
	@EnumSource( value = InterpreterMode.class, names = { "SUB", "SHARED" } )
	void modesInTheJvmAreNotReplacedWithoutJep( final InterpreterMode mode )
	{
		requireRefused( choose( "3.11.7", false, mode, null ), JEP_IS_MISSING, "-m pip install jep==4.3.1, or use InterpreterMode.PROCESS" );
	}

	@ParameterizedTest
	@EnumSource( value = InterpreterMode.class, names = { "SUB", "SHARED" } )
	void modesInTheJvmAreRefusedWherePythonHasStartedIt( final InterpreterMode mode )
	{
		requireRefused( choose( "3.11.7", true, mode, HOST ), "Python already runs in this process: " + HOST, "Use InterpreterMode.PROCESS or AUTO",
				"-Dimglib2.python.mode=PROCESS" );
	}

	@Test
	void subInterpretersAreRefusedWhereNumpyCrashesInThem()
	{
		requireRefused( choose( "3.12.1", true, InterpreterMode.SUB, null ), "InterpreterMode.SUB needs CPython 3.10 or 3.11, but it is 3.12.1" );
	}

	@Test
	void problemOfAPythonThatAutoTakesAreThoseOfItsMode()
	{
		final ModeChoice choice = choose( "3.9.18", false, InterpreterMode.AUTO, null );
		assertEquals( InterpreterMode.PROCESS, choice.mode() );
		requireRefused( choice, "it is Python 3.9.18, but 3.10 or newer is needed" );
	}

	private static void requireChoice( final InterpreterMode mode, final String reason, final ModeChoice choice )
	{
		assertEquals( mode, choice.mode() );
		assertEquals( reason, choice.reason() );
		assertEquals( List.of(), choice.problems() );
		choice.requireUsable();
	}

	private static void requireRefused( final ModeChoice choice, final String... parts )
	{
		final String message = assertThrows( PythonEnvironmentException.class, choice::requireUsable ).getMessage();
		assertEquals( 1, choice.problems().size(), choice.problems().toString() );
		for ( final String part : parts )
		{
			assertTrue( message.contains( part ), message );
			assertTrue( choice.problems().get( 0 ).contains( part ), choice.problems().toString() );
		}
	}

	private static ModeChoice choose( final String version, final boolean hasJep, final InterpreterMode requested, final String host )
	{
		final Properties properties = new Properties();
		properties.setProperty( "version", version );
		properties.setProperty( "implementation", "CPython" );
		properties.setProperty( "bits", System.getProperty( "sun.arch.data.model" ) );
		properties.setProperty( "numpy.version", "2.4.6" );
		properties.setProperty( "install.command", "\"/venv/bin/python\" -m pip install" );
		if ( hasJep )
		{
			properties.setProperty( "jep.folder", "/venv/jep" );
			properties.setProperty( "jep.version", "4.3.1" );
			properties.setProperty( "jep.library", "/venv/jep/libjep.so" );
		}
		return ModeChoice.of( new PythonInstallation( new LocatedPython( Paths.get( "/venv/bin/python" ), "the test" ), properties ), requested, host );
	}
}
