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

import java.lang.ref.WeakReference;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;

import net.imglib2.cache.python.trust.Trusted;

/**
 * The code of a loader. A worker compiles it before the first block of the loader that
 * it computes.
 */
public final class Snippet
{
	/**
	 * A few times what those who wait poll at most, and what it takes to wake one of them.
	 */
	private static final long LONG_NANOS = 200_000;

	private static final int MAX_LABEL = 100;

	/**
	 * All labels in use in this JVM. Interpreters may share the table by which Python
	 * finds the source of a file, so that each label must be unique.
	 */
	private static final Map< String, WeakReference< Snippet > > LABELS = new HashMap<>();

	private final long id;

	private final String givenName;

	private final String label;

	private final Trusted.LoaderCode code;

	private final String settings;

	private final boolean checkWritten;

	private final boolean writableInputs;

	private final long timeoutNanos;

	private volatile long expectedNanos;

	private volatile boolean dropped;

	private LongAdder spentNanos = new LongAdder();

	private final AtomicReference< List< ? > > source = new AtomicReference<>();

	/**
	 * @param settings
	 * 		what the code is called with, see {@link CellCode#encoded()}
	 */
	public Snippet( final long id, final String givenName, final Trusted.LoaderCode code, final String settings, final boolean checkWritten, final boolean writableInputs, final long timeoutNanos )
	{
		this.id = id;
		this.givenName = givenName;
		this.code = code;
		this.settings = settings;
		this.checkWritten = checkWritten;
		this.writableInputs = writableInputs;
		this.timeoutNanos = timeoutNanos;
		label = newLabel( givenName == null ? "PythonCacheLoader " + id : givenName );
	}

	/**
	 * @return how long a block may take, or {@link Long#MAX_VALUE}
	 */
	public long timeoutNanos()
	{
		return timeoutNanos;
	}

	/**
	 * @return about how long a block takes, or {@link Long#MAX_VALUE} if that is not
	 *         known yet
	 */
	public long expectedNanos()
	{
		return expectedNanos == 0 ? Long.MAX_VALUE : expectedNanos;
	}

	/**
	 * @return whether blocks take so long that nobody should poll for their end from the
	 *         beginning: it would come later, and code of other blocks needs the processor
	 *         meanwhile
	 */
	public boolean isLong()
	{
		return expectedNanos > LONG_NANOS;
	}

	/**
	 * Records how long a block took. Not exact: of what two workers record at the same
	 * time, one may be lost.
	 */
	public void took( final long nanos )
	{
		final long before = expectedNanos;
		expectedNanos = Math.max( 1, before == 0 ? nanos : before + ( nanos - before ) / 4 );
	}

	/**
	 * Lets what workers {@linkplain #spent spend} be added to a sum, which may be that of
	 * other code, too. To be called before the first block is submitted.
	 *
	 * @param sum
	 * 		in nanoseconds
	 */
	public void addSpentTo( final LongAdder sum )
	{
		spentNanos = sum;
	}

	/**
	 * Records how long a worker was in Python for one or more blocks.
	 */
	public void spent( final long nanos )
	{
		spentNanos.add( nanos );
	}

	/**
	 * Notes that nobody wants results of this code any more, because its loader has got other
	 * code or parameters, was closed, or was collected. From then on, none of its blocks
	 * begins. For good; may be called on any thread, again and again.
	 */
	public void drop()
	{
		dropped = true;
	}

	/**
	 * @return whether nobody wants results of this code any more
	 */
	public boolean isDropped()
	{
		return dropped;
	}

	public long id()
	{
		return id;
	}

	public String code()
	{
		return code.text();
	}

	/**
	 * @return what the code is called with, see {@link CellCode#encoded()}
	 */
	public String settings()
	{
		return settings;
	}

	/**
	 * @return whether the check of the code may import packages, because the code can be a
	 *         reference to a function whose signature is checked
	 */
	public boolean isImportedByCheck()
	{
		return !settings.isEmpty() && mayNameFunction();
	}

	/**
	 * @return whether the code can be a reference to a function, of which {@link #source()}
	 *         may be known
	 */
	public boolean mayNameFunction()
	{
		final String text = code.text().trim();
		return text.indexOf( ':' ) >= 0 && text.indexOf( '\n' ) < 0;
	}

	/**
	 * @return path and text of the user's module that has the function, as the first
	 *         interpreter has loaded it, or {@code null}
	 */
	public List< ? > source()
	{
		return source.get();
	}

	/**
	 * Keeps the first {@link #source()}, with which all interpreters have to compute.
	 *
	 * @return whether it is this one
	 */
	public boolean agreeOn( final List< ? > its )
	{
		return source.compareAndSet( null, its ) || its.equals( source.get() );
	}

	/**
	 * @return whether pixels that the code does not write are an error
	 */
	public boolean checkWritten()
	{
		return checkWritten;
	}

	/**
	 * @return whether the code may write into its inputs
	 */
	boolean writableInputs()
	{
		return writableInputs;
	}

	/**
	 * @return what the user calls the loader, or {@code null}
	 */
	public String givenName()
	{
		return givenName;
	}

	/**
	 * @return what messages call the loader
	 */
	public String loaderName()
	{
		return givenName == null ? label : givenName;
	}

	/**
	 * @return what tracebacks call the code; no other code has that name
	 */
	public String fileName()
	{
		return "<" + label + ">";
	}

	/**
	 * @return name of the loader, with a number if there is another one of that name
	 */
	@Override
	public String toString()
	{
		return label;
	}

	private String newLabel( final String name )
	{
		final String wanted = oneLine( name );
		synchronized ( LABELS )
		{
			LABELS.values().removeIf( snippet -> snippet.get() == null );
			String unused = wanted;
			for ( int i = 2; LABELS.containsKey( unused ); ++i )
				unused = wanted + " " + i;
			LABELS.put( unused, new WeakReference<>( this ) );
			return unused;
		}
	}

	/**
	 * Python refuses some strings as the name of a file, and a traceback prints the name
	 * within a line.
	 */
	private static String oneLine( final String name )
	{
		final String line = name.replaceAll( "[\\p{Cntrl}\\p{Cs}\\u2028\\u2029]+", " " ).trim();
		return line.length() <= MAX_LABEL ? line : line.substring( 0, MAX_LABEL ) + "...";
	}
}
