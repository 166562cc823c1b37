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
package net.imglib2.cache.python.protocol;

import java.lang.reflect.Field;
import java.util.ArrayList;
import java.util.List;

import net.imglib2.cache.python.block.ArrayAccess;

/**
 * The constants that Java and Python must agree on. Each has the same name in
 * {@code protocol.py}, which says what it means; when an interpreter starts, Python
 * compares all of them.
 */
public final class Protocol
{
	/**
	 * To be counted up when the meaning of a number changes, or a number is added.
	 */
	static final int VERSION = 1;

	/**
	 * How many blocks one call computes at most.
	 */
	public static final int MAX_BLOCKS = 8;

	/**
	 * How many memories Python watches at most that user code has retained.
	 */
	public static final int MAX_RETAINED = 64;

	/**
	 * Arrays with a larger number are not watched: a mask has one bit for each.
	 */
	static final int MAX_WATCHED = 63;

	/**
	 * Numbers of retained memories: that of the ticket times this, plus that of the array.
	 */
	static final int ARRAYS_PER_TICKET = 64;

	// Control words.
	static final int RUNNING = 0;

	static final int CANCEL = 1;

	static final int STACK_OF = 2;

	static final int STACK_LENGTH = 3;

	static final int TICKET = 4;

	static final int BEGUN = 5;

	static final int NUM_FREED = 6;

	static final int FREED = 7;

	static final int RESULTS = FREED + MAX_RETAINED;

	static final int RESULT_LENGTH = 2;

	static final int CONTROL_LENGTH = RESULTS + RESULT_LENGTH * MAX_BLOCKS;

	// Values of CANCEL that are no tickets.
	static final int ABANDONED = -1;

	static final int EXITING = -2;

	// What methods of Worker return, and results of blocks.
	public static final int OK = 0;

	public static final int FAILED = 1;

	public static final int BROKEN = 2;

	public static final int LAST_FAILURE = -1;

	// How many numbers the parts of a request have, apart from those that depend on the numbers of arrays and axes.
	public static final int HEADER_LENGTH = 5;

	static final int NEW_LAYOUT_LENGTH = 2;

	static final int LAYOUT_LENGTH = 3;

	static final int ARRAY_LENGTH = 6;

	static final int BLOCK_LENGTH = 2;

	// Descriptions of failures.
	static final int FAILURE_LENGTH = 6;

	static final int FRAME_LENGTH = 3;

	static final String ADVICE = "<advice>";

	public static final String CANCELLED = "imglib2_cache_python._worker.watchdog.Cancelled";

	private Protocol()
	{}

	/**
	 * @return what Python compares with its own constants: a line {@code NAME=value} for
	 *         each number and string in here and each {@link ArrayAccess}
	 */
	public static String constants()
	{
		final List< String > lines = new ArrayList<>();
		try
		{
			for ( final Field field : Protocol.class.getDeclaredFields() )
				if ( field.getType() == int.class || field.getType() == String.class )
					lines.add( field.getName() + "=" + field.get( null ) );
		}
		catch ( final IllegalAccessException e )
		{
			throw new AssertionError( e );
		}
		for ( final ArrayAccess access : ArrayAccess.values() )
			lines.add( access.name() + "=" + access.ordinal() );
		return String.join( "\n", lines );
	}
}
