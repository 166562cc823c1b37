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

import java.io.IOException;
import java.io.InvalidObjectException;
import java.io.ObjectInputStream;
import java.io.Serializable;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import net.imglib2.cache.python.protocol.Values;
import net.imglib2.type.NativeType;
import net.imglib2.util.Cast;

/**
 * Describes a {@link PythonImg} by text and numbers alone, so that any program, on any
 * machine, can open the same image: the executors of Apache Spark, for instance. Made by
 * {@link PythonImgBuilder#spec()}.
 *
 * <pre>{@code
 * final PythonSpec raw = PythonImg.openBuilder( "zarr:open_array", "/shared/raw.zarr" ).spec();
 * final PythonSpec smooth = PythonImg.builder( "scipy.ndimage:gaussian_filter" )
 * 		.input( raw )
 * 		.parameter( "sigma", 2 )
 * 		.halo( 8 )
 * 		.type( new FloatType() )
 * 		.spec();
 * // There:
 * final PythonImg< FloatType > image = smooth.open();
 * }</pre>
 *
 * Two are equal if they describe the same image by the same settings. What is not set is as
 * it is by default where the image is opened: the Python for instance, or the number of
 * workers. Paths have to mean the same there; relative ones begin in the working directory of
 * that program.
 * <p>
 * To read one from a stream runs no Python code, but to open it does: open only those of
 * people whom you trust.
 * <p>
 * Immutable and thread-safe. The serialized form is one array of bytes, which later versions
 * of this library can read, too, on machines of the same byte order.
 */
public final class PythonSpec implements Serializable
{
	private static final long serialVersionUID = 1L;

	/**
	 * Changes when older versions of this library could not read the description any more.
	 */
	private static final long FORMAT = 1;

	/**
	 * The format, the byte order, and the description.
	 */
	private final byte[] encoded;

	/**
	 * @param description
	 * 		see {@link PythonImgBuilder#description}
	 */
	PythonSpec( final Map< String, ? > description )
	{
		encoded = Values.encode( Arrays.asList( FORMAT, ByteOrder.nativeOrder().toString(), description ) );
	}

	/**
	 * @param encoded
	 * 		see {@link #encoded()}
	 */
	PythonSpec( final byte[] encoded )
	{
		this.encoded = encoded;
	}

	/**
	 * Opens the image, or gives the one that was opened before from an equal description in
	 * this JVM, with its workers and the cells that it has cached. So each task of many can
	 * say this.
	 * <p>
	 * Threads that open the same image wait for the first of them; those that open another one
	 * do not. If opening fails, the next call tries it again. The four images that were asked
	 * for last stay open. Others do as long as something in this JVM refers to them.
	 * {@link PythonImg#close()} ends an image for all who have it, and the next call opens it
	 * anew.
	 *
	 * @param <T>
	 * 		pixel type; nothing checks that it is the one that the image has
	 * @return a lazy image, which others may use, too
	 * @throws PythonInterruptedException
	 * 		if this thread is interrupted meanwhile
	 * @throws RuntimeException
	 * 		see {@link PythonImgBuilder#build()}
	 */
	public < T extends NativeType< T > > PythonImg< T > open()
	{
		return Cast.unchecked( OpenedSpecs.get( this ) );
	}

	/**
	 * Describes the Python that would compute the image in this program, and what is wrong
	 * with it, see {@link PythonEnvironment#diagnose()}. Opens nothing.
	 *
	 * @return several lines of text
	 * @throws PythonInterruptedException
	 * 		if this thread is interrupted meanwhile
	 */
	public String diagnose()
	{
		return PythonImgBuilder.described( description() ).environmentToUse().diagnose();
	}

	/**
	 * @return a new image
	 */
	PythonImg< ? > build()
	{
		return PythonImgBuilder.described( description() ).build();
	}

	/**
	 * @return see {@link PythonImgBuilder#description}
	 */
	Map< String, ? > description()
	{
		return Cast.unchecked( ( ( List< ? > ) Values.decode( encoded ) ).get( 2 ) );
	}

	/**
	 * @return all that this is; not to be changed
	 */
	byte[] encoded()
	{
		return encoded;
	}

	/**
	 * Reads and checks a description.
	 *
	 * @param in
	 * 		where it comes from
	 * @throws IOException
	 * 		if it is damaged, or is of another format or byte order
	 * @throws ClassNotFoundException
	 * 		never
	 */
	private void readObject( final ObjectInputStream in ) throws IOException, ClassNotFoundException
	{
		in.defaultReadObject();
		final List< ? > content;
		try
		{
			content = ( List< ? > ) Values.decode( encoded );
		}
		catch ( final RuntimeException e )
		{
			throw ( InvalidObjectException ) new InvalidObjectException( "the description of an image is damaged" ).initCause( e );
		}
		if ( !content.get( 0 ).equals( FORMAT ) )
			throw new InvalidObjectException( "the description of an image has format " + content.get( 0 ) + ", but this version of imglib2-cache-python knows format " + FORMAT + ": use the same version in all programs" );
		if ( !content.get( 1 ).equals( ByteOrder.nativeOrder().toString() ) )
			throw new InvalidObjectException( "the description of an image is of a machine with the byte order " + content.get( 1 ) + ", but this one has " + ByteOrder.nativeOrder() );
	}

	@Override
	public boolean equals( final Object other )
	{
		return other instanceof PythonSpec && Arrays.equals( encoded, ( ( PythonSpec ) other ).encoded );
	}

	@Override
	public int hashCode()
	{
		return Arrays.hashCode( encoded );
	}

	/**
	 * @return name of the image, and a number that differs between descriptions
	 */
	@Override
	public String toString()
	{
		return PythonImgBuilder.described( description() ).name() + String.format( " (%08x)", hashCode() );
	}
}
