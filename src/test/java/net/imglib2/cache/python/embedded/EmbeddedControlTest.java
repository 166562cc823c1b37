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
package net.imglib2.cache.python.embedded;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;

import org.junit.jupiter.api.Test;

import net.imglib2.cache.python.block.BlockMemory;
import net.imglib2.cache.python.block.DirectMemory;
import net.imglib2.cache.python.protocol.ControlWords;
import net.imglib2.cache.python.trust.TrustPolicy;
import net.imglib2.cache.python.trust.Trusted;

class EmbeddedControlTest
{
	private static final Trusted.Code INIT = TrustPolicy.ofThisJvm().requireCode( "The init code", "first()\nhang()" );

	private final BlockMemory memory = new DirectMemory();

	private final EmbeddedControl control = new EmbeddedControl( new ControlWords( memory.allocate( ControlWords.BYTES ), memory.allocate( ControlWords.STACK_BYTES ) ) );

	@Test
	void theStackOfTheInitCodeIsReadFromItsFile() throws Exception
	{
		assertEquals( "", control.stackOfInit() );
		final Path stackFile = control.beginOfInit( INIT, "<init>" );
		assertEquals( "", control.stackOfInit() );
		Files.writeString( stackFile, "File \"<init>\", line 2 in <module>" );
		assertEquals( "File \"<init>\", line 2 in <module>\n    hang()", control.stackOfInit() );
		control.endOfInit();
		assertFalse( Files.exists( stackFile ) );
		assertEquals( "", control.stackOfInit() );
	}

	@Test
	void noFileIsLeftOfInitCodeThatDoesNotEnd() throws Exception
	{
		final Path abandoned = control.beginOfInit( INIT, "<init>" );
		control.abandon();
		assertFalse( Files.exists( abandoned ) );
		final Path exited = control.beginOfInit( INIT, "<init>" );
		control.exit();
		assertFalse( Files.exists( exited ) );
	}

	/**
	 * Python opens the file when its lock lets it, which may be later.
	 */
	@Test
	void noFileIsLeftOfInitCodeThatBeginsWhenItIsAbandoned() throws Exception
	{
		final Path stackFile = control.beginOfInit( INIT, "<init>" );
		control.abandon();
		Files.createFile( stackFile );
		control.endOfInit();
		assertFalse( Files.exists( stackFile ) );
		control.abandon();
		assertTrue( control.stackOfInit().isEmpty() );
	}
}
