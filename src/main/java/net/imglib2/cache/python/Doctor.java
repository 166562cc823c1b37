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

import java.nio.file.Paths;

import net.imglib2.cache.python.environment.PythonDiagnosis;

/**
 * Command-line program that prints which Python this library would use, and what is
 * wrong with it. It does not start Python in its own JVM.
 *
 * <pre>
 * java -cp … net.imglib2.cache.python.Doctor [executable or folder of an environment]
 * </pre>
 *
 * Exit status: 0 if that Python can be used, 1 if it cannot, 2 if the arguments are
 * wrong.
 */
public final class Doctor
{
	private Doctor()
	{}

	/**
	 * @param args
	 * 		at most one: a Python executable, or the folder of an environment
	 */
	public static void main( final String... args )
	{
		if ( args.length > 1 )
		{
			System.err.println( "usage: Doctor [executable or folder of a Python environment]" );
			System.exit( 2 );
		}
		final PythonEnvironment environment = args.length == 1 ? PythonEnvironment.at( Paths.get( args[ 0 ] ) ) : PythonEnvironment.getDefault();
		final PythonDiagnosis diagnosis = environment.diagnosis();
		System.out.println( diagnosis );
		System.exit( diagnosis.isUsable() ? 0 : 1 );
	}
}
