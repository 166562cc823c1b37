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

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.nio.file.Paths;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The command that tries packages, see {@code src/test/python/tries}, tells what works and
 * what does not.
 */
class TriesTest
{
	private static final Path COMMAND = DocumentationTest.ROOT.resolve( "src/test/python/tries/command.py" );

	/**
	 * Plain Python computes none of their images but the first.
	 */
	private static final String TABLE = String.join( "\n",
			"from tries.description import Try",
			"other = { \"whole\": \"image\", \"block_size\": 60 }",
			"TRIES = [",
			"	Try( [ \"scipy\" ], \"good\", \"block.data[...] = ndimage.sobel( block.inputs[ 0 ] )\", \"from scipy import ndimage\" ),",
			"	Try( [ \"numpy\" ], \"bad\", \"block.data[...] = 7\", **other ),",
			"	Try( [ \"numpy\" ], \"crash\", \"import ctypes; ctypes.string_at( 8 )\", **other ),",
			"	Try( [ \"numpy\" ], \"endless\", \"while True: pass\", limit=1, **other ),",
			"]" );

	@TempDir
	private Path folder;

	@Test
	void tellsWhatWorksAndWhatDoesNot() throws Exception
	{
		final Path table = TestPythons.write( folder.resolve( "table.py" ), TABLE );
		final String printed = TestPythons.run( ChildJvm.testPython(), "-B", COMMAND.toString(),
				"--java", Paths.get( System.getProperty( "java.home" ), "bin", "java" ).toString(),
				"--classpath", System.getProperty( "java.class.path" ),
				"--modes", "SHARED", "--orders", "1",
				"--table", table.toString(), "--folder", folder.resolve( "runs" ).toString(),
				"--results", folder.resolve( "results.json" ).toString(), "--page", folder.resolve( "page.md" ).toString() );
		for ( final String expected : new String[] {
				"scipy: good: SHARED works\n",
				"numpy: bad: SHARED wrong pixels\n    init: 9783 of 9900 pixels are wrong, by up to 248\n",
				"numpy: crash: SHARED crash\n    init: SIGSEGV in C  [lib",
				"numpy: endless: SHARED hangs\n" } )
			assertTrue( printed.contains( expected ), () -> expected + " is not in\n" + printed );
	}
}
