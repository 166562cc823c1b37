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
package net.imglib2.cache.python.benchmark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Random;
import java.util.regex.Pattern;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import net.imglib2.cache.python.ChildJvm;
import net.imglib2.cache.python.InterpreterMode;

/**
 * The answers that the benchmark in {@code src/test/benchmark} relies on.
 */
class ContestantMainTest
{
	private static final int SIZE = 128;

	private static final int CELL = 64;

	@TempDir
	Path folder;

	private final ContestantMain contestant = new ContestantMain();

	@Test
	void computesAllCellsOfWhatItIsAskedFor() throws Exception
	{
		final byte[] pixels = new byte[ SIZE * SIZE ];
		new Random( 1 ).nextBytes( pixels );
		final String question = question( pixels, "block.data[...] = block.inputs[0]" );
		final String digest = digestOfCells( pixels );

		for ( final String storage : new String[] { "array", "native" } )
		{
			assertTrue( contestant.answer( question + "\tmode=bulk\tstorage=" + storage ).matches( "ok\t.*\ttime=\\S+.*" ) );
			assertEquals( "ok\tdigest=" + digest, contestant.answer( "mode=digest" ) );
		}
		assertTrue( contestant.answer( question + "\tmode=single\tstorage=array" ).matches( "ok\t.*\tp99=\\S+.*" ) );
		assertEquals( "ok", contestant.answer( "mode=close" ) );
	}

	@Test
	void reportsFailures() throws Exception
	{
		final String answer = contestant.answer( question( new byte[ SIZE * SIZE ], "block.data[...] = 1 / 0" ) + "\tmode=bulk\tstorage=array" );
		assertTrue( answer.startsWith( "failed\tmessage=" ) && answer.contains( "ZeroDivisionError" ), answer );
	}

	@Test
	void tellsHowLongACrashTakes() throws Exception
	{
		final String question = question( new byte[ 0 ], "block.data[...] = 1 if block.index % 2 else os._exit(3)" )
				.replaceAll( "inputs=[^\t]*", "inputs=" ).replace( "init=", "init=import os" ).replace( "shape=128,128", "shape=64,640" ) + "\tmode=crash\tstorage=array";
		final String output = ChildJvm.of( Answering.class ).withPython( ChildJvm.testPython() ).withMode( InterpreterMode.PROCESS ).run( question ).requireExitCode( 0 ).output;
		assertTrue( Pattern.compile( "the answer is ok\t.*\tagain=\\S+\ttime=\\S+\tp95=" ).matcher( output ).find(), output );
	}

	static final class Answering
	{
		public static void main( final String[] args )
		{
			System.out.println( "the answer is " + new ContestantMain().answer( args[ 0 ] ) );
			System.exit( 0 );
		}
	}

	private String question( final byte[] pixels, final String code ) throws Exception
	{
		final Path input = Files.write( folder.resolve( "input.raw" ), pixels );
		return "shape=128,128\tcell=64,64\thalo=0\ttype=u1\tinputs=u1:" + input + "\tcode=" + code
				+ "\tinit=\tworkers=1\treaders=2\tcache=4\timages=1\tcount=4\tways=0";
	}

	private static String digestOfCells( final byte[] pixels ) throws Exception
	{
		final MessageDigest digest = MessageDigest.getInstance( "SHA-256" );
		for ( int cell = 0; cell < 4; ++cell )
			for ( int y = 0; y < CELL; ++y )
				digest.update( pixels, ( cell / 2 * CELL + y ) * SIZE + cell % 2 * CELL, CELL );
		final StringBuilder text = new StringBuilder();
		for ( final byte b : digest.digest() )
			text.append( String.format( "%02x", b ) );
		return text.toString();
	}
}
