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
 * Where Python runs, and what its workers share.
 */
public enum InterpreterMode
{
	/**
	 * {@link #SHARED} if the environment has a package jep that fits, else
	 * {@link #PROCESS}. Also {@code PROCESS} if Python has started this JVM, as JPype,
	 * PyImageJ and Fiji's Python mode do. The log, and {@link PythonEnvironment#diagnose()},
	 * tell why. If a Python runs in the JVM already, a queue that names the same Python, or
	 * none, gets this one, in the mode in which it runs.
	 */
	AUTO,

	/**
	 * Python runs in the JVM. Each worker has a sub-interpreter, with its own user modules
	 * and their variables, {@code sys.path} and standard streams. All workers share the
	 * standard library and packages with compiled code. Not all packages work in this mode:
	 * use it after you have tried the code with the packages of this environment. Only
	 * CPython 3.10 and 3.11, with the package jep.
	 */
	SUB,

	/**
	 * Python runs in the JVM. All workers share one interpreter and its modules. Each
	 * worker has its own variables of the code. Works with every package. Needs the
	 * package jep.
	 */
	SHARED,

	/**
	 * Each worker is a process of its own, and shares the memory of the pixels with the
	 * JVM. Needs numpy and nothing else. Python code of several workers runs in parallel,
	 * a crash ends one worker and not the JVM, and queues of one JVM may use different
	 * Pythons. Python code does not see Java's objects: tasks exchange
	 * numbers, text, lists, maps and copies of arrays.
	 */
	PROCESS
}
