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

import net.imglib2.cache.python.protocol.ControlWords;

/**
 * What the control words alone let other threads do with an interpreter.
 */
public abstract class ProtocolControl implements Control
{
	private final ControlWords words;

	private volatile boolean calling;

	/**
	 * @param words
	 * 		of the interpreter
	 */
	protected ProtocolControl( final ControlWords words )
	{
		this.words = words;
	}

	@Override
	public long running()
	{
		return words.running();
	}

	@Override
	public boolean isCalling()
	{
		return calling;
	}

	/**
	 * @param calling
	 * 		whether the thread of the interpreter waits for Python
	 */
	public void setCalling( final boolean calling )
	{
		this.calling = calling;
	}

	@Override
	public void cancel( final long ticket )
	{
		words.cancel( ticket );
	}

	@Override
	public void abandon()
	{
		words.abandon();
	}

	@Override
	public void exit()
	{
		words.exit();
	}

	@Override
	public List< String > stackOf( final long ticket )
	{
		return words.stackOf( ticket );
	}
}
