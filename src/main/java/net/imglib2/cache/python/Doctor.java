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

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.stream.Collectors;

import net.imglib2.cache.python.environment.EndedProcess;
import net.imglib2.cache.python.environment.LibraryJars;
import net.imglib2.cache.python.environment.OwnJvm;
import net.imglib2.cache.python.environment.PythonDiagnosis;

/**
 * Command-line program that prints which Python this library would use, starts it in
 * each {@link InterpreterMode}, and prints what works and, for what does not, the
 * command that mends it. It does not start Python in its own JVM.
 *
 * <pre>
 * java -jar imglib2-cache-python-….jar [options] [executable or folder of an environment]
 * java -cp … net.imglib2.cache.python.Doctor [options] [executable or folder of an environment]
 * </pre>
 *
 * With {@code -jar}, the jars of the library's dependencies must lie in the folder of
 * its own jar; the program names those that are missing. {@code --help} prints the
 * options.
 * <p>
 * Exit status: 0 if that Python can be used, 1 if it cannot, 2 if the arguments are
 * wrong. It can be used if the mode that images would take works, with all modules that
 * {@code --import} names; other modes do not matter.
 */
public final class Doctor
{
	private static final int USABLE = 0;

	private static final int NOT_USABLE = 1;

	private static final int WRONG_ARGUMENTS = 2;

	private final DoctorArguments arguments;

	private Doctor( final DoctorArguments arguments )
	{
		this.arguments = arguments;
	}

	/**
	 * @param args
	 * 		options, and at most one Python executable or folder of an environment
	 */
	public static void main( final String... args )
	{
		// This library's classes of images must not be loaded before: their superclasses may be missing.
		final LibraryJars jars = LibraryJars.of( Doctor.class.getClassLoader() );
		System.exit( jars.missing().isEmpty() ? examine( args ) : examineWithJarsBeside( jars, args ) );
	}

	private static int examine( final String... args )
	{
		final DoctorArguments arguments;
		try
		{
			arguments = DoctorArguments.parse( args );
		}
		catch ( final IllegalArgumentException e )
		{
			System.err.println( e.getMessage() + "\n\n" + DoctorArguments.USAGE );
			return WRONG_ARGUMENTS;
		}
		if ( arguments.isHelp() )
		{
			System.out.println( DoctorArguments.USAGE );
			return USABLE;
		}
		try
		{
			return new Doctor( arguments ).examine() ? USABLE : NOT_USABLE;
		}
		catch ( final PythonException e )
		{
			System.out.println( PythonDiagnosis.PROBLEM + e.getMessage() );
			return NOT_USABLE;
		}
	}

	private static int examineWithJarsBeside( final LibraryJars jars, final String... args )
	{
		final LibraryJars beside = jars.withJarsBeside();
		if ( beside.missing().isEmpty() )
			try
			{
				// Ends this JVM.
				beside.loader().loadClass( Doctor.class.getName() ).getMethod( "main", String[].class ).invoke( null, ( Object ) args );
			}
			catch ( final ReflectiveOperationException e )
			{
				throw new IllegalStateException( e );
			}
		System.err.println( PythonDiagnosis.PROBLEM + "these jars of imglib2-cache-python are missing:\n  " + String.join( "\n  ", beside.missing() ) + "\nPut them into "
				+ beside.folder() + " (as imglib2-cache, the released one fits, too), or name all jars: java -cp \"/path/to/jars/*\" " + Doctor.class.getName() );
		return NOT_USABLE;
	}

	/**
	 * @return whether the Python can be used
	 */
	private boolean examine()
	{
		final Path path = arguments.path();
		final PythonDiagnosis diagnosis = ( path != null ? PythonEnvironment.at( path ) : PythonEnvironment.getDefault() ).diagnosis();
		diagnosis.lines().forEach( System.out::println );
		if ( !diagnosis.isKnown() )
			return false;
		final List< InterpreterMode > working = new ArrayList<>();
		for ( final InterpreterMode mode : new InterpreterMode[] { InterpreterMode.SHARED, InterpreterMode.SUB, InterpreterMode.PROCESS } )
			if ( tryMode( diagnosis, mode ) )
				working.add( mode );
		if ( !diagnosis.isUsable() )
			return false;
		final InterpreterMode mode = diagnosis.mode();
		final boolean usable = working.contains( mode );
		if ( usable )
			System.out.println( PythonDiagnosis.USABLE );
		else
			System.out.println( PythonDiagnosis.PROBLEM + "mode " + mode + ", which images would take, does not work, see above" + ( working.isEmpty() ? "" : "; this mode does: -D"
					+ PythonEnvironment.MODE_PROPERTY + "=" + working.get( working.size() - 1 ) ) );
		return usable;
	}

	private boolean tryMode( final PythonDiagnosis diagnosis, final InterpreterMode mode )
	{
		final List< String > problems = diagnosis.problems( mode );
		if ( !problems.isEmpty() )
		{
			final List< String > others = problems.stream().filter( problem -> !diagnosis.lines().contains( PythonDiagnosis.PROBLEM + problem ) )
					.map( problem -> "does not work: " + problem ).collect( Collectors.toList() );
			print( mode, others.isEmpty() ? Collections.singletonList( "does not work, see above" ) : others );
			return false;
		}
		final List< String > words = new ArrayList<>( Arrays.asList( diagnosis.executable().toString(), mode.name() ) );
		words.addAll( arguments.modules() );
		final EndedProcess jvm = OwnJvm.run( DoctorTrial.class, arguments.timeoutSeconds(), words );
		final List< String > lines = new ArrayList<>();
		final List< String > printed = new ArrayList<>();
		String step = "starting a JVM";
		for ( final String line : jvm.output().split( "\\R" ) )
			if ( line.startsWith( DoctorTrial.STEP ) )
				step = line.substring( DoctorTrial.STEP.length() );
			else if ( line.startsWith( DoctorTrial.RESULT ) )
				lines.add( line.substring( DoctorTrial.RESULT.length() ) );
			else if ( !line.isEmpty() )
				printed.add( line );
		if ( !jvm.ended() )
			lines.add( "does not work: " + step + " took longer than " + arguments.timeoutSeconds() + " s; to wait longer: --timeout " + 5L * arguments.timeoutSeconds() );
		else if ( jvm.exitCode() != DoctorTrial.WORKS && jvm.exitCode() != DoctorTrial.FAILS )
			lines.add( "does not work: " + step + " has ended the JVM, with exit code " + jvm.exitCode() + ( printed.isEmpty() ? "" : ":\n" + String.join( "\n", printed ) ) );
		print( mode, lines );
		return jvm.ended() && jvm.exitCode() == DoctorTrial.WORKS;
	}

	private static void print( final InterpreterMode mode, final List< String > lines )
	{
		String name = mode.name();
		for ( final String line : lines )
		{
			PythonDiagnosis.format( name, line ).forEach( System.out::println );
			name = "";
		}
	}
}
