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

import java.util.List;
import java.util.function.BooleanSupplier;

import net.imglib2.cache.python.PythonException;
import net.imglib2.cache.python.protocol.BlockRequest;
import net.imglib2.cache.python.protocol.BlockResult;

/**
 * An interpreter that is not bound to the thread that has opened it: any thread may use
 * it, one at a time. What one has done before is seen by the next.
 */
public interface UnboundInterpreter extends Interpreter
{
	/**
	 * @return whether it is worth while to {@link #poll} instead of to {@link #finish}
	 */
	boolean isDrivable();

	/**
	 * Begins to compute blocks, as {@link #compute} does, and returns at once. Unless this
	 * throws, nothing but {@link #await} may be asked for before {@link #poll} has told how they
	 * ended, or {@link #finish} has returned or thrown.
	 *
	 * @param blocks
	 * 		the blocks, whose code is ready
	 */
	void begin( List< BlockRequest > blocks );

	/**
	 * Never waits. If this throws, {@link #finish} still tells how the blocks have ended.
	 *
	 * @param blocks
	 * 		those that were begun
	 * @return how each block that was begun has ended; {@code null} if they have not, or if
	 *         it takes more to find that out
	 */
	List< BlockResult > poll( List< BlockRequest > blocks );

	/**
	 * Waits for the blocks that were begun, and for those that follow: when some may have
	 * ended, another thread may call {@code goOn}, which polls, and may begin others. Nothing
	 * else may use the interpreter meanwhile. This may return at any time. From then on, nobody
	 * calls {@code goOn}, and if the blocks that were begun last were not polled,
	 * {@link #finish} has to follow.
	 *
	 * @param blocks
	 * 		those that were begun
	 * @param goOn
	 * 		returns whether others have begun; if not, or if it throws, this returns. Never waits
	 */
	void await( List< BlockRequest > blocks, BooleanSupplier goOn );

	/**
	 * Waits for the blocks that were begun.
	 *
	 * @param blocks
	 * 		these
	 * @return how each has ended
	 * @throws PythonException
	 * 		if it is not known how they ended
	 */
	List< BlockResult > finish( List< BlockRequest > blocks );
}
