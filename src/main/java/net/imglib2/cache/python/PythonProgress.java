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

/**
 * Is told how far {@link PythonImg#compute()} and the like have come. All methods are
 * called on the thread that called it, and never at the same time. What they throw ends the
 * computation, and is thrown there.
 */
@FunctionalInterface
public interface PythonProgress
{
	/**
	 * Called first with 0, then at most ten times a second, and in the end with all cells,
	 * unless the computation was cancelled or failed.
	 *
	 * @param done
	 * 		number of cells that are done: computed, found in the cache, or failed
	 * @param total
	 * 		number of cells
	 */
	void update( long done, long total );

	/**
	 * Asked ten times a second.
	 *
	 * @return whether to end before all cells are done; {@code false} by default
	 */
	default boolean isCancelled()
	{
		return false;
	}

	/**
	 * Called last of all, also if the computation was cancelled or failed. Does nothing by
	 * default.
	 */
	default void ended()
	{}

	/**
	 * Shows a bar in the console. Needs the library {@code me.tongfei:progressbar} on the
	 * class path.
	 *
	 * @param name
	 * 		stands before the bar
	 * @return shows the progress of one computation
	 * @throws IllegalStateException
	 * 		if the library is missing
	 */
	static PythonProgress console( final String name )
	{
		return ConsoleProgress.create( name );
	}
}
