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
package net.imglib2.cache.python.worker;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Collections;
import java.util.concurrent.atomic.AtomicReference;

import org.junit.jupiter.api.Test;

class TimeoutWatchTest
{
	@Test
	void theTicketBelongsToTheRun()
	{
		final Run run = new Run( Collections.emptyList(), 1 );
		assertEquals( 5, TimeoutWatch.ticketOf( run, () -> 5, () -> run ) );
		assertEquals( 0, TimeoutWatch.ticketOf( run, () -> 0, () -> run ) );
	}

	/**
	 * A worker that goes on to an image without a timeout between the two looks.
	 */
	@Test
	void theTicketOfALaterRunIsNotTakenForOneOfThisRun()
	{
		final Run run = new Run( Collections.emptyList(), 1 );
		final AtomicReference< Run > current = new AtomicReference<>( run );
		assertEquals( TimeoutWatch.OF_ANOTHER_RUN, TimeoutWatch.ticketOf( run, () -> {
			current.set( new Run( Collections.emptyList(), Long.MAX_VALUE ) );
			return 6;
		}, current::get ) );
		current.set( run );
		assertEquals( TimeoutWatch.OF_ANOTHER_RUN, TimeoutWatch.ticketOf( run, () -> {
			current.set( null );
			return 6;
		}, current::get ) );
	}
}
