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
import java.util.Collections;
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
	/**
	 * Begin of a line about what keeps this Python from being used.
	 */
	public static final String PROBLEM = "PROBLEM: ";

	/**
	 * Last line, if nothing does.
	 */
	public static final String USABLE = "This Python can be used.";

	private final List< String > lines = new ArrayList<>();

	private final String host = PythonHost.find();

	/**
	 * Not {@code null} if a Python was found that has described itself.
	 */
	private PythonInstallation installation;

	/**
	 * Not {@code null} if there is an installation, and it is known which mode is asked for.
	 */
	private ModeChoice choice;

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
			diagnosis.installation = PythonInstallation.probe( located, true );
			diagnosis.describe();
			final InterpreterMode requested = mode.get();
			diagnosis.choice = ModeChoice.of( diagnosis.installation, requested, diagnosis.host );
			diagnosis.describeMode( requested );
		}
		catch ( final PythonEnvironmentException | PythonTrustException | IllegalArgumentException e )
		{
			diagnosis.lines.add( PROBLEM + e.getMessage() );
		}
		return diagnosis;
	}

	/**
	 * @return whether a queue can use this Python, as far as can be told without starting
	 *         it
	 */
	public boolean isUsable()
	{
		return choice != null && problems( choice.mode() ).isEmpty();
	}

	/**
	 * @return whether it is known what {@link #problems} there are: this Python was found,
	 *         and the JVM's settings are right
	 */
	public boolean isKnown()
	{
		return choice != null;
	}

	/**
	 * @return the executable, if {@link #isKnown()}
	 */
	public Path executable()
	{
		return installation.located().executable();
	}

	/**
	 * @return the mode that a queue would take, if {@link #isKnown()}
	 */
	public InterpreterMode mode()
	{
		return choice.mode();
	}

	/**
	 * @param mode
	 * 		not {@link InterpreterMode#AUTO}
	 * @return the reasons why Python cannot run in a mode, each with its remedy, if
	 *         {@link #isKnown()}
	 */
	public List< String > problems( final InterpreterMode mode )
	{
		return ModeChoice.of( installation, mode, host ).problems();
	}

	/**
	 * @return the description, without the last line, which says that this Python can be
	 *         used
	 */
	public List< String > lines()
	{
		return Collections.unmodifiableList( lines );
	}

	@Override
	public String toString()
	{
		return String.join( "\n", lines ) + ( isUsable() ? "\n" + USABLE : "" );
	}

	private void describe()
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
	}

	private void describeMode( final InterpreterMode requested )
	{
		final InterpreterMode mode = choice.mode();
		if ( isUsable() )
		{
			add( "mode", mode + " (asked for: " + requested + ")" + ( choice.reason().isEmpty() ? "" : ", because " + choice.reason() ) );
			if ( mode == InterpreterMode.PROCESS )
				installation.remediesForJep().forEach( remedy -> add( "for mode SHARED", remedy ) );
		}
		for ( final String problem : problems( mode ) )
			lines.add( PROBLEM + problem );
	}

	private void add( final String name, final String value )
	{
		lines.addAll( format( name, value.isEmpty() ? "-" : value ) );
	}

	/**
	 * @return the lines of a name and its value
	 */
	public static List< String > format( final String name, final String value )
	{
		final List< String > formatted = new ArrayList<>();
		for ( final String line : value.split( "\\R" ) )
			formatted.add( String.format( "%-21s %s", formatted.isEmpty() ? name : "", line ) );
		return formatted;
	}
}
