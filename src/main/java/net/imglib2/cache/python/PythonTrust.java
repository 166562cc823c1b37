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

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Objects;

import net.imglib2.cache.python.trust.AllowList;
import net.imglib2.cache.python.trust.TrustPolicy;

/**
 * Restricts this JVM to Python code that is on an allow-list. By default there is no
 * list, and all code runs.
 * <p>
 * The system property {@value #FILE_PROPERTY} names the file of an allow-list;
 * {@link #restrictTo} adds a list. A list applies to all queues of the JVM, and to all
 * that they are given from then on. It cannot be removed, and a second list does not
 * replace the first: only what is on all lists is allowed. Otherwise, whoever may hand
 * over code could also hand over a list that allows it.
 * <p>
 * An allow-list has one entry in each line. Empty lines and lines that begin with
 * {@code #} are comments.
 * <table>
 * <caption>Entries</caption>
 * <tr>
 * <td>{@code sha256:}<i>64 hexadecimal digits</i></td>
 * <td>allows a text: the code of a loader, the init code of a queue, an expression that
 * opens an array ({@link PythonImg#open}), or code that a task executes or evaluates. The
 * digits are the SHA-256 of the text in UTF-8, exactly
 * as it is handed over, with its line ends; for the text of a file,
 * {@code sha256sum file} prints them. {@link #entryFor(String)} makes the entry.</td>
 * </tr>
 * <tr>
 * <td>{@code module:}<i>package.module</i></td>
 * <td>allows loaders whose code is {@code package.module:name}, and arrays that it
 * opens, for all names in that module, also those that it imports from others. It allows no modules below that one,
 * no names with a dot, and no parameters that have text, which need an entry for exactly
 * the text {@code package.module:name}.</td>
 * </tr>
 * <tr>
 * <td>{@code folder:}<i>absolute path</i></td>
 * <td>allows a folder of {@link PythonEnvironment#withModulePath(Path...)}.</td>
 * </tr>
 * <tr>
 * <td>{@code python:}<i>absolute path</i></td>
 * <td>allows a Python executable. A list without such an entry allows all of
 * them.</td>
 * </tr>
 * </table>
 * <p>
 * With a list, {@code /path/file.py:function} never runs.
 * <p>
 * This is no sandbox: code that is allowed can do whatever the JVM can.
 * {@code SECURITY.md} tells what is promised and what is not.
 * <p>
 * Thread-safe.
 */
public final class PythonTrust
{
	/**
	 * System property that names the file of an allow-list. It is read once, when
	 * the first queue is made or this class is used first. If the file cannot be
	 * read, or has a line that is not an entry, nothing runs.
	 */
	public static final String FILE_PROPERTY = TrustPolicy.FILE_PROPERTY;

	private PythonTrust()
	{}

	/**
	 * Restricts this JVM to what is on a list, in addition to all earlier lists.
	 *
	 * @param allowList
	 * 		file of the allow-list, in UTF-8; read now and never again
	 * @throws PythonTrustException
	 * 		if the file cannot be read, or has a line that is not an entry; then
	 * 		nothing has changed
	 */
	public static void restrictTo( final Path allowList )
	{
		TrustPolicy.restrict( AllowList.read( Objects.requireNonNull( allowList, "allowList" ), "PythonTrust.restrictTo" ) );
	}

	/**
	 * Restricts this JVM to what is on a list, in addition to all earlier lists.
	 *
	 * @param entries
	 * 		lines of the allow-list; none allows nothing
	 * @throws PythonTrustException
	 * 		if one of them is not an entry; then nothing has changed
	 */
	public static void restrictTo( final Collection< String > entries )
	{
		TrustPolicy.restrict( AllowList.of( "the list given to PythonTrust.restrictTo", new ArrayList<>( Objects.requireNonNull( entries, "entries" ) ) ) );
	}

	/**
	 * @return whether there is an allow-list
	 * @throws PythonTrustException
	 * 		if that of the system property cannot be read or has a line that is not an
	 * 		entry
	 */
	public static boolean isRestricted()
	{
		return TrustPolicy.ofThisJvm().isRestricted();
	}

	/**
	 * @param code
	 * 		Python code, or a function reference {@code package.module:function}
	 * @return the line of an allow-list that allows exactly this text
	 * @throws PythonTrustException
	 * 		if the code is not valid Unicode: no line can allow it
	 */
	public static String entryFor( final String code )
	{
		return TrustPolicy.entryFor( Objects.requireNonNull( code, "code" ) );
	}
}
