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
import java.io.Reader;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.time.Duration;
import java.util.Arrays;
import java.util.Properties;

import net.imglib2.Cursor;
import net.imglib2.RandomAccessibleInterval;
import net.imglib2.img.Img;
import net.imglib2.img.array.ArrayImgFactory;
import net.imglib2.type.NativeType;
import net.imglib2.type.numeric.RealType;
import net.imglib2.type.numeric.integer.IntType;
import net.imglib2.type.numeric.integer.UnsignedByteType;
import net.imglib2.type.numeric.integer.UnsignedShortType;
import net.imglib2.type.numeric.real.FloatType;
import net.imglib2.util.Intervals;
import net.imglib2.view.Views;

/**
 * Computes an image with a package, on several workers. {@code src/test/python/tries} starts it,
 * in a folder that has
 * <ul>
 * <li>{@code try.properties}, see {@link #main},</li>
 * <li>{@code init.py} and {@code code.py}: init code and code of the image,</li>
 * <li>{@code input.raw}: pixels as 64-bit floats, in native byte order.</li>
 * </ul>
 * Arguments are steps: {@code init} computes the image with a queue that has the init code,
 * {@code cells} with one that has none, so that the code of the cells begins with it. Each
 * step has a queue of its own, closes it, and writes a file such as {@code cells.raw}. A line
 * tells when a step begins, when it is done, and why it has failed.
 */
final class TryMain
{
	private final Properties settings = new Properties();

	private final String init;

	private final String code;

	private TryMain() throws IOException
	{
		try (final Reader file = Files.newBufferedReader( Paths.get( "try.properties" ) ))
		{
			settings.load( file );
		}
		init = Files.readString( Paths.get( "init.py" ) );
		code = Files.readString( Paths.get( "code.py" ) );
	}

	public static void main( final String... steps ) throws IOException
	{
		final TryMain test = new TryMain();
		final RandomAccessibleInterval< ? > input = test.input();
		for ( final String step : steps )
		{
			System.out.println( "begin " + step );
			try
			{
				test.run( step, input );
			}
			catch ( final PythonException | AssertionError e )
			{
				System.out.println( "failed " + step + ": " + e.getClass().getSimpleName() + ": " + e.getMessage() );
				e.printStackTrace( System.out );
				System.exit( 1 );
			}
			System.out.println( "done " + step );
		}
		System.out.println( "done" );
	}

	private < T extends NativeType< T > & RealType< T > > void run( final String step, final RandomAccessibleInterval< ? > input, final T type ) throws IOException
	{
		final boolean initHasAll = step.equals( "init" );
		final PythonEnvironment environment = PythonEnvironment.detected().withModulePath( Paths.get( "" ).toAbsolutePath() );
		try (final PythonCacheLoaderQueue queue = new PythonCacheLoaderQueue( Integer.parseInt( get( "workers" ) ), initHasAll ? init : "", environment ))
		{
			final PythonImgBuilder< T > builder = PythonImg.builder( initHasAll || PythonText.isReference( code ) ? code : init + "\n" + code )
					.input( input ).type( type )
					.halo( Integer.parseInt( get( "halo" ) ) ).cellSize( Integer.parseInt( get( "cellSize" ) ) )
					.queue( queue ).timeout( Duration.ofSeconds( Long.parseLong( get( "timeout" ) ) ) );
			for ( final String name : settings.stringPropertyNames() )
				if ( name.startsWith( "parameter." ) )
					builder.parameter( name.substring( name.indexOf( '.' ) + 1 ), number( get( name ) ) );
			final PythonImg< T > image = builder.build();
			for ( int i = 0; i < Integer.parseInt( get( "rounds" ) ); ++i )
			{
				image.invalidate();
				final PythonSummary summary = image.compute( image, new UntilFailure( image ) );
				if ( summary.failed() > 0 )
					throw summary.errors().get( 0 );
				System.out.println( "seconds " + summary.seconds() );
			}
			write( image, Paths.get( step + ".raw" ) );
		}
	}

	private String get( final String name )
	{
		return settings.getProperty( name ).trim();
	}

	private static Number number( final String text )
	{
		if ( text.matches( "-?\\d+" ) )
			return Long.valueOf( text );
		return Double.valueOf( text );
	}

	private void run( final String step, final RandomAccessibleInterval< ? > input ) throws IOException
	{
		switch ( get( "type" ) )
		{
		case "uint8":
			run( step, input, new UnsignedByteType() );
			break;
		case "uint16":
			run( step, input, new UnsignedShortType() );
			break;
		case "int32":
			run( step, input, new IntType() );
			break;
		case "float32":
			run( step, input, new FloatType() );
			break;
		default:
			throw new IllegalArgumentException( "type " + get( "type" ) );
		}
	}

	private RandomAccessibleInterval< ? > input() throws IOException
	{
		switch ( get( "inputType" ) )
		{
		case "uint8":
			return input( new UnsignedByteType() );
		case "uint16":
			return input( new UnsignedShortType() );
		case "float32":
			return input( new FloatType() );
		default:
			throw new IllegalArgumentException( "type " + get( "inputType" ) );
		}
	}

	private < T extends NativeType< T > & RealType< T > > Img< T > input( final T type ) throws IOException
	{
		final long[] dimensions = Arrays.stream( get( "dimensions" ).split( "," ) ).mapToLong( Long::parseLong ).toArray();
		final DoubleBuffer numbers = ByteBuffer.wrap( Files.readAllBytes( Paths.get( "input.raw" ) ) ).order( ByteOrder.nativeOrder() ).asDoubleBuffer();
		final Img< T > image = new ArrayImgFactory<>( type ).create( dimensions );
		for ( final T pixel : image )
			pixel.setReal( numbers.get() );
		return image;
	}

	private static < T extends RealType< T > > void write( final RandomAccessibleInterval< T > image, final Path file ) throws IOException
	{
		final ByteBuffer bytes = ByteBuffer.allocate( Math.toIntExact( Double.BYTES * Intervals.numElements( image ) ) ).order( ByteOrder.nativeOrder() );
		final Cursor< T > pixel = Views.flatIterable( image ).cursor();
		while ( pixel.hasNext() )
			bytes.putDouble( pixel.next().getRealDouble() );
		Files.write( file, bytes.array() );
	}

	/**
	 * Ends a computation early. Otherwise each of its cells would wait for the timeout.
	 */
	private static final class UntilFailure implements PythonProgress
	{
		private final PythonImg< ? > image;

		UntilFailure( final PythonImg< ? > image )
		{
			this.image = image;
		}

		@Override
		public void update( final long done, final long total )
		{}

		@Override
		public boolean isCancelled()
		{
			return image.metrics().cellsFailed() > 0;
		}
	}
}
