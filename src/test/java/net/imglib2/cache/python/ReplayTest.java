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
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import net.imglib2.img.array.ArrayImgs;
import net.imglib2.type.numeric.ARGBType;
import net.imglib2.type.numeric.complex.ComplexFloatType;
import net.imglib2.type.numeric.real.DoubleType;
import net.imglib2.view.Views;

/**
 * Cells that fail in an image fail again, in the same way, in a Python without a JVM.
 */
@Tag( "each-mode" )
class ReplayTest
{
	@TempDir
	private static Path folder;

	@Test
	void statementsFailAgain() throws Exception
	{
		// All that the code sees is in the message.
		final String code = "everything = [block, raw, colours, sigma, weights, offset]\n"
				+ "everything += [a.flags.writeable for a in block.inputs]\n"
				+ "raise ValueError(repr(everything))";
		failsAgain( PythonImg.builder( code )
				.init( "offset = 3" )
				.input( "raw", Views.extendMirrorDouble( ArrayImgs.unsignedShorts( new short[ 12 * 9 ], 12, 9 ) ) )
				.input( "colours", ArrayImgs.argbs( 12, 9 ) )
				.parameter( "sigma", 2.5 )
				.parameter( "weights", new float[] { 1, Float.NaN } )
				.dimensions( 12, 9 )
				.type( new ComplexFloatType() )
				.halo( 1 )
				.checkWritten( true ), "line 3: raise ValueError(repr(everything))" );
		failsAgain( PythonImg.builder( "raise ValueError(repr(block))" ).type( new ARGBType() ).dimensions( 12, 9 ), "line 1: raise" );
	}

	@Test
	void functionsFailAgainWithoutTheirFile() throws Exception
	{
		final Path file = folder.resolve( "my_filter.py" );
		Files.write( file, "import numpy as np\n\ndef run(a, sigma):\n    return np.ones(7) * sigma\n".getBytes( StandardCharsets.UTF_8 ) );
		final PythonImgBuilder< DoubleType > builder = PythonImg.builder( file + ":run" ).input( ArrayImgs.doubles( 12, 9 ) ).parameter( "sigma", 2 ).type( new DoubleType() );
		final Path captured = capture( builder );
		Files.delete( file );
		final String printed = replay( captured );
		assertTrue( printed.contains( "the function returned shape (7,), expected (" ), printed );
		assertTrue( printed.contains( "its recorded text is run" ), printed );
	}

	private static void failsAgain( final PythonImgBuilder< ? > builder, final String line ) throws Exception
	{
		final String printed = replay( capture( builder ) );
		assertTrue( printed.contains( line ), printed );
		assertFalse( printed.contains( "Versions" ), printed );
	}

	private static Path capture( final PythonImgBuilder< ? > builder ) throws IOException
	{
		final Path captures = Files.createTempDirectory( folder, "captures" );
		try (final PythonImg< ? > image = builder.cellSize( 5 ).name( "failing" ).captureFailures( captures ).build())
		{
			final String message = image.compute().errors().get( 0 ).getMessage();
			final Matcher file = Pattern.compile( "(?m)with its inputs, is in (.*\\.npz)$" ).matcher( message );
			assertTrue( file.find(), message );
			return Paths.get( file.group( 1 ) );
		}
	}

	private static String replay( final Path file ) throws Exception
	{
		final ProcessBuilder builder = new ProcessBuilder( ChildJvm.testPython().toString(), "-B", "-m", "imglib2_cache_python.replay", file.toString() );
		builder.environment().put( "PYTHONPATH", DocumentationTest.ROOT.resolve( "src/main/python" ).toString() );
		final Path output = folder.resolve( "output.txt" );
		final Process process = builder.redirectErrorStream( true ).redirectOutput( output.toFile() ).start();
		try
		{
			assertTrue( process.waitFor( 60, TimeUnit.SECONDS ) );
		}
		finally
		{
			process.destroyForcibly();
		}
		final String printed = new String( Files.readAllBytes( output ), StandardCharsets.UTF_8 );
		assertEquals( 1, process.exitValue(), printed );
		assertTrue( printed.contains( "The block fails again, with the same error in the same line." ), printed );
		return printed;
	}
}
