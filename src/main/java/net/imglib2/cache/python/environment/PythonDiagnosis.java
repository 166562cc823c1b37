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

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

import net.imglib2.cache.python.InterpreterMode;
import net.imglib2.cache.python.PythonEnvironmentException;
import net.imglib2.cache.python.PythonTrustException;
import net.imglib2.cache.python.trust.TrustPolicy;

/**
 * What is known about a Python environment without starting Python in this JVM.
 */
public final class PythonDiagnosis
{
	private final List< String > lines = new ArrayList<>();

	private boolean usable;

	private PythonDiagnosis()
	{}

	/**
	 * @param path
	 * 		executable or folder that the user named, or {@code null}
	 * @param onlyOnPath
	 * 		whether to look on the {@code PATH} only, if no path is given
	 * @param mode
	 * 		gives the mode that the user asks for; its
	 * 		{@code IllegalArgumentException} is one of the problems
	 * @return the diagnosis
	 */
	public static PythonDiagnosis of( final Path path, final boolean onlyOnPath, final Supplier< InterpreterMode > mode )
	{
		final PythonDiagnosis diagnosis = new PythonDiagnosis();
		try
		{
			diagnosis.add( "JVM", System.getProperty( "java.vm.name" ) + " " + System.getProperty( "java.version" ) + ", " + System.getProperty( "java.home" ) );
			ClassPathCheck.requireOneImglib2Cache( PythonDiagnosis.class.getClassLoader() );
			KnownProperties.requireOnlyKnown( System.getProperties().stringPropertyNames() );
			diagnosis.add( "restricted to", TrustPolicy.ofThisJvm().toString() );
			final LocatedPython located = PythonLocator.ofThisJvm().locate( path, onlyOnPath );
			diagnosis.add( "Python", located.executable() + ", named by: " + located.origin() );
			diagnosis.describe( PythonInstallation.probe( located, true ), mode );
		}
		catch ( final PythonEnvironmentException | PythonTrustException | IllegalArgumentException e )
		{
			diagnosis.lines.add( "PROBLEM: " + e.getMessage() );
		}
		return diagnosis;
	}

	/**
	 * @return whether a queue can use this Python
	 */
	public boolean isUsable()
	{
		return usable;
	}

	@Override
	public String toString()
	{
		return String.join( "\n", lines );
	}

	private void describe( final PythonInstallation installation, final Supplier< InterpreterMode > mode )
	{
		add( "version", ( installation.get( "implementation" ) + " " + installation.get( "version" ) ).trim() );
		add( "sys.executable", installation.get( "executable" ) );
		add( "sys.prefix", installation.get( "prefix" ) );
		add( "sys.base_prefix", installation.get( "base.prefix" ) );
		add( "libpython", installation.get( "library" ) );
		add( "jep", ( installation.get( "jep.version" ) + " " + installation.get( "jep.library" ) ).trim() );
		add( "jep that fits", String.join( " or ", PythonInstallation.JEP_VERSIONS ) );
		add( "numpy", installation.get( "numpy.version" ) );
		add( "compiled packages", String.join( ", ", installation.compiledDistributions() ) );
		add( "modules shared in SUB", String.join( ", ", installation.sharedModules() ) );
		final InterpreterMode requested = mode.get();
		final ModeChoice choice = ModeChoice.of( installation, requested, PythonHost.find() );
		final List< String > problems = choice.problems();
		if ( problems.isEmpty() )
		{
			add( "mode", choice.mode() + " (asked for: " + requested + ")" + ( choice.reason().isEmpty() ? "" : ", because " + choice.reason() ) );
			if ( choice.mode() == InterpreterMode.PROCESS )
				installation.remediesForJep().forEach( remedy -> add( "for mode SHARED", remedy ) );
			usable = true;
			lines.add( "This Python can be used." );
		}
		for ( final String problem : problems )
			lines.add( "PROBLEM: " + problem );
	}

	private void add( final String name, final String value )
	{
		lines.add( String.format( "%-21s %s", name, value.isEmpty() ? "-" : value ) );
	}
}
