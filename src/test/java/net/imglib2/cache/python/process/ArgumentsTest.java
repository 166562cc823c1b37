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
package net.imglib2.cache.python.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;

import org.junit.jupiter.api.Test;

import net.imglib2.cache.python.NativeMemoryException;
import net.imglib2.cache.python.block.BlockArray;
import net.imglib2.cache.python.type.Dtype;

class ArgumentsTest
{
	private static final int MIB = 1 << 20;

	/**
	 * The memory of other images is copied, as long as there is room.
	 */
	@Test
	void aCallWithoutEnoughMemoryLeavesNothing()
	{
		final SharedArena arena = TestArenas.ofSize( 32 * MIB );
		final Mailbox mailbox = new Mailbox( ByteBuffer.allocateDirect( Mailbox.BYTES ), null, 0, false );
		final Arguments arguments = new Arguments( arena );
		final BlockArray small = array( 9 * MIB );
		final BlockArray large = array( 40 * MIB );
		long kept = 0;
		for ( int i = 0; i < 5; ++i )
		{
			assertThrows( NativeMemoryException.class, () -> arguments.put( Arrays.asList( small, large ), mailbox ) );
			// Memory of copies is used again.
			if ( i == 0 )
				kept = arena.used();
			assertEquals( kept, arena.used() );
		}
		arguments.put( List.of( small, small ), mailbox );
		arguments.freeAll();
	}

	private static BlockArray array( final int numBytes )
	{
		final ByteBuffer memory = ByteBuffer.allocateDirect( numBytes );
		return BlockArray.of( memory, Dtype.UINT8, new long[] { numBytes }, memory );
	}
}
