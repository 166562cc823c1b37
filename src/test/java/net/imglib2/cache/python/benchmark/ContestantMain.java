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
package net.imglib2.cache.python.benchmark;

import static java.nio.ByteOrder.nativeOrder;

import java.io.BufferedReader;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.ShortBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import java.util.logging.Level;
import java.util.logging.Logger;

import net.imglib2.FinalInterval;
import net.imglib2.Interval;
import net.imglib2.RandomAccess;
import net.imglib2.RandomAccessible;
import net.imglib2.RandomAccessibleInterval;
import net.imglib2.blocks.PrimitiveBlocks;
import net.imglib2.cache.img.CachedCellImg;
import net.imglib2.cache.python.Halo;
import net.imglib2.cache.python.PythonCacheLoader;
import net.imglib2.cache.python.PythonCacheLoaderQueue;
import net.imglib2.cache.python.PythonCellException;
import net.imglib2.img.NativeImg;
import net.imglib2.img.array.ArrayImg;
import net.imglib2.img.array.ArrayImgFactory;
import net.imglib2.img.basictypeaccess.array.ArrayDataAccess;
import net.imglib2.img.basictypeaccess.nio.BufferAccess;
import net.imglib2.img.basictypeaccess.nio.ByteBufferAccess;
import net.imglib2.img.basictypeaccess.nio.FloatBufferAccess;
import net.imglib2.img.basictypeaccess.nio.IntBufferAccess;
import net.imglib2.img.basictypeaccess.nio.ShortBufferAccess;
import net.imglib2.img.cell.Cell;
import net.imglib2.img.cell.CellGrid;
import net.imglib2.type.NativeType;
import net.imglib2.type.numeric.integer.UnsignedByteType;
import net.imglib2.type.numeric.integer.UnsignedIntType;
import net.imglib2.type.numeric.integer.UnsignedShortType;
import net.imglib2.type.numeric.real.FloatType;
import net.imglib2.util.Cast;
import net.imglib2.util.Intervals;
import net.imglib2.view.Views;

/**
 * This library as a contestant of the benchmark in {@code src/test/benchmark}: it computes what
 * standard input asks for, and answers with the time that it took. The question holds the whole
 * workload, so that the workloads of all contestants are defined in one place.
 * <p>
 * A question is a line of {@code key=value} pairs, separated by tabs:
 * <dl>
 * <dt>mode</dt>
 * <dd>{@code bulk}: all cells of a new image, by some threads that each take the
 * next cell; {@code single}: the first cells of a new image one after the other,
 * one thread; {@code hits}: pixels of cells that are cached; {@code slices}: planes
 * of a new image, by some threads; {@code crash}: a cell that ends its worker, then
 * one that does not, one after the other; {@code digest}: of the last image</dd>
 * <dt>shape, cell, halo</dt>
 * <dd>of the image, in numpy's axis order; the halo is the same along all axes</dd>
 * <dt>type, inputs</dt>
 * <dd>pixel types as numpy writes them, the inputs' as {@code type:path} of their
 * pixels in C order, separated by {@code |}</dd>
 * <dt>storage</dt>
 * <dd>of the inputs: {@code array} (of Java) or {@code native} (memory)</dd>
 * <dt>code, init</dt>
 * <dd>Python; several pieces of code, separated by a vertical tab, make a chain of
 * images, each the input of the next</dd>
 * <dt>workers, readers, cache, images, count</dt>
 * <dd>numbers of interpreters, of threads that read, of cells that each image may
 * keep, of equal images, and of cells, passes or crashes in {@code single},
 * {@code hits} and {@code crash}</dd>
 * </dl>
 * {@code mode=close} drops all images.
 * The answer is {@code ok} or {@code failed}, followed by such pairs. Times are in
 * seconds.
 */
public final class ContestantMain
{
	private static final Logger LOG = Logger.getLogger( ContestantMain.class.getName() );

	private final Map< String, PythonCacheLoaderQueue > queues = new HashMap<>();

	private final Map< String, RandomAccessibleInterval< ? extends NativeType< ? > > > inputs = new HashMap<>();

	private List< CachedCellImg< ?, ? > > last = Collections.emptyList();

	ContestantMain()
	{}

	public static void main( final String... args ) throws IOException
	{
		final PrintStream answers = System.out;
		// Output of Python must not come between the answers.
		System.setOut( System.err );
		final ContestantMain contestant = new ContestantMain();
		final BufferedReader questions = new BufferedReader( new InputStreamReader( System.in, StandardCharsets.UTF_8 ) );
		for ( String line = questions.readLine(); line != null; line = questions.readLine() )
		{
			answers.println( contestant.answer( line ) );
			answers.flush();
		}
	}

	String answer( final String line )
	{
		try
		{
			final StringBuilder text = new StringBuilder( "ok" );
			run( new Question( line ) ).forEach( ( key, value ) -> text.append( '\t' ).append( key ).append( '=' ).append( value ) );
			return text.toString();
		}
		catch ( final Exception e )
		{
			LOG.log( Level.SEVERE, line, e );
			return "failed\tmessage=" + e.toString().replaceAll( "\\s+", " " );
		}
	}

	private Map< String, Object > run( final Question question ) throws Exception
	{
		final Map< String, Object > answer = new LinkedHashMap<>();
		final String mode = question.text( "mode" );
		if ( mode.equals( "digest" ) )
		{
			answer.put( "digest", digest( last.get( last.size() - 1 ) ) );
			return answer;
		}
		// The memory of earlier images must not be measured.
		last = Collections.emptyList();
		if ( mode.equals( "close" ) )
		{
			inputs.clear();
			System.gc();
			return answer;
		}
		final List< RandomAccessible< ? extends NativeType< ? > > > sources = load( question );
		System.gc();

		final long beforeQueue = System.nanoTime();
		final PythonCacheLoaderQueue queue = queues.computeIfAbsent( question.text( "workers" ) + question.text( "init" ),
				key -> new PythonCacheLoaderQueue( question.number( "workers" ), question.text( "init" ) ) );
		answer.put( "queue", seconds( beforeQueue ) );
		final long start = System.nanoTime();
		final List< CachedCellImg< ?, ? > > images = new ArrayList<>();
		for ( int i = 0; i < question.number( "images" ); ++i )
			images.add( chain( question, queue, sources, answer ) );
		answer.put( "create", seconds( start ) );
		last = images;
		switch ( mode )
		{
		case "bulk":
			readAll( images, question.number( "readers" ) );
			answer.put( "time", seconds( start ) );
			break;
		case "single":
			putLatencies( answer, readOneByOne( images.get( 0 ), question.number( "count" ) ) );
			break;
		case "hits":
			readAll( images, 1 );
			answer.put( "time", readCached( images.get( 0 ), question.number( "count" ) ) );
			break;
		case "slices":
			readSlices( images.get( 0 ), Paths.get( question.text( "slices" ) ), question.number( "readers" ), answer );
			break;
		case "crash":
			crash( images.get( 0 ), question.number( "count" ), answer );
			break;
		default:
			throw new IllegalArgumentException( "mode is " + mode );
		}
		answer.put( "uptime", ( System.currentTimeMillis() - ManagementFactory.getRuntimeMXBean().getStartTime() ) / 1e3 );
		return answer;
	}

	private static CachedCellImg< ?, ? > chain(
			final Question question,
			final PythonCacheLoaderQueue queue,
			final List< RandomAccessible< ? extends NativeType< ? > > > sources,
			final Map< String, Object > answer )
	{
		final long[] dims = question.reversed( "shape" );
		final CellGrid grid = new CellGrid( dims, Arrays.stream( question.reversed( "cell" ) ).mapToInt( Math::toIntExact ).toArray() );
		final int[] border = new int[ dims.length ];
		Arrays.fill( border, question.number( "halo" ) );
		final Halo halo = new Halo( border );
		final StringBuilder ways = new StringBuilder();
		List< RandomAccessible< ? extends NativeType< ? > > > from = sources;
		CachedCellImg< ?, ? > img = null;
		for ( final String code : question.text( "code" ).split( "\u000b" ) )
		{
			final PythonCacheLoader< ?, ? > loader = PythonCacheLoader.fromRandomAccessibles( grid, queue, code, Cast.unchecked( type( question.text( "type" ) ) ), halo, from );
			if ( question.number( "ways" ) != 0 && !from.isEmpty() )
				ways.append( ways.length() == 0 ? "" : "," ).append( loader.getInputWay( 0, 0 ) );
			img = loader.createCachedCellImg( question.number( "cache" ) );
			from = Collections.singletonList( extended( Cast.unchecked( img ), question ) );
		}
		if ( ways.length() > 0 )
			answer.put( "ways", ways );
		return img;
	}

	// -- What is timed --

	private static void readAll( final List< CachedCellImg< ?, ? > > images, final int numReaders ) throws Exception
	{
		final CellGrid grid = images.get( 0 ).getCellGrid();
		final long numCells = images.size() * Intervals.numElements( grid.getGridDimensions() );
		final AtomicLong next = new AtomicLong();
		inParallel( numReaders, () -> {
			final List< RandomAccess< ? extends Cell< ? > > > cells = new ArrayList<>();
			for ( final CachedCellImg< ?, ? > img : images )
				cells.add( cells( img ).randomAccess() );
			final long[] position = new long[ grid.numDimensions() ];
			for ( long i = next.getAndIncrement(); i < numCells; i = next.getAndIncrement() )
			{
				grid.getCellGridPositionFlat( i / images.size(), position );
				cells.get( ( int ) ( i % images.size() ) ).setPositionAndGet( position ).getData();
			}
			return null;
		} );
	}

	private static long[] readOneByOne( final CachedCellImg< ?, ? > img, final int count )
	{
		final CellGrid grid = img.getCellGrid();
		final long[] position = new long[ grid.numDimensions() ];
		final RandomAccess< ? > pixels = img.randomAccess();
		final long[] nanoseconds = new long[ count ];
		for ( int i = 0; i < count; ++i )
		{
			final long start = System.nanoTime();
			cellMin( grid, i, position );
			pixels.setPositionAndGet( position );
			nanoseconds[ i ] = System.nanoTime() - start;
		}
		return nanoseconds;
	}

	/**
	 * Every second cell ends its worker. The times begin with the call that does so.
	 */
	private static void crash( final CachedCellImg< ?, ? > img, final int crashes, final Map< String, Object > answer )
	{
		final RandomAccess< ? extends Cell< ? > > cells = cells( img ).randomAccess();
		final long[] position = new long[ img.numDimensions() ];
		final long[] toError = new long[ crashes ];
		final long[] toNextPixel = new long[ crashes ];
		// The start of the first worker is not measured.
		img.getCellGrid().getCellGridPositionFlat( 1, position );
		cells.setPositionAndGet( position ).getData();
		for ( int i = 0; i < crashes; ++i )
		{
			img.getCellGrid().getCellGridPositionFlat( 2L * i, position );
			final long start = System.nanoTime();
			if ( !fails( cells, position ) )
				throw new IllegalStateException( "cell " + 2 * i + " ends no worker" );
			toError[ i ] = System.nanoTime() - start;
			img.getCellGrid().getCellGridPositionFlat( 2L * i + 3, position );
			cells.setPositionAndGet( position ).getData();
			toNextPixel[ i ] = System.nanoTime() - start;
		}
		Arrays.sort( toNextPixel );
		answer.put( "again", percentile( toNextPixel, 50 ) );
		putLatencies( answer, toError );
	}

	private static boolean fails( final RandomAccess< ? extends Cell< ? > > cells, final long[] position )
	{
		try
		{
			cells.setPositionAndGet( position ).getData();
			return false;
		}
		catch ( final RuntimeException e )
		{
			for ( Throwable cause = e; cause != null; cause = cause.getCause() )
				if ( cause instanceof PythonCellException )
					return true;
			throw e;
		}
	}

	private static double readCached( final CachedCellImg< ?, ? > img, final int passes )
	{
		final CellGrid grid = img.getCellGrid();
		final int numCells = Math.toIntExact( Intervals.numElements( grid.getGridDimensions() ) );
		final long[][] positions = new long[ numCells ][ grid.numDimensions() ];
		for ( int i = 0; i < numCells; ++i )
			cellMin( grid, i, positions[ i ] );
		final RandomAccess< ? > pixels = img.randomAccess();
		final long start = System.nanoTime();
		for ( int pass = 0; pass < passes; ++pass )
			for ( final long[] position : positions )
				pixels.setPositionAndGet( position );
		return seconds( start ) / passes / numCells;
	}

	private static void readSlices( final CachedCellImg< ?, ? > img, final Path list, final int numReaders, final Map< String, Object > answer ) throws Exception
	{
		final List< String > slices = Files.readAllLines( list );
		final int n = img.numDimensions();
		final long[] nanoseconds = new long[ slices.size() ];
		final long[] sums = new long[ slices.size() ];
		final AtomicLong next = new AtomicLong();
		final PrimitiveBlocks< ? > blocks = PrimitiveBlocks.of( Cast.unchecked( img ) ).threadSafe();
		final long start = System.nanoTime();
		inParallel( numReaders, () -> {
			for ( int i = ( int ) next.getAndIncrement(); i < nanoseconds.length; i = ( int ) next.getAndIncrement() )
			{
				final String[] axisAndPosition = slices.get( i ).split( " " );
				final int d = n - 1 - Integer.parseInt( axisAndPosition[ 0 ] );
				final long position = Long.parseLong( axisAndPosition[ 1 ] );
				final long[] min = new long[ n ];
				final long[] max = img.maxAsLongArray();
				min[ d ] = position;
				max[ d ] = position;
				final Interval plane = new FinalInterval( min, max );
				final short[] pixels = new short[ ( int ) Intervals.numElements( plane ) ];
				final long before = System.nanoTime();
				blocks.copy( plane, pixels );
				nanoseconds[ i ] = System.nanoTime() - before;
				for ( final short pixel : pixels )
					sums[ i ] += pixel & 0xffff;
			}
			return null;
		} );
		answer.put( "total", seconds( start ) );
		answer.put( "digest", Arrays.stream( sums ).sum() );
		putLatencies( answer, nanoseconds );
	}

	private static void inParallel( final int numThreads, final Callable< ? > work ) throws Exception
	{
		final ExecutorService threads = Executors.newFixedThreadPool( numThreads );
		try
		{
			for ( final Future< ? > result : threads.invokeAll( Collections.nCopies( numThreads, work ) ) )
				result.get();
		}
		finally
		{
			threads.shutdown();
		}
	}

	private static void putLatencies( final Map< String, Object > answer, final long[] nanoseconds )
	{
		Arrays.sort( nanoseconds );
		answer.put( "time", percentile( nanoseconds, 50 ) );
		answer.put( "p95", percentile( nanoseconds, 95 ) );
		answer.put( "p99", percentile( nanoseconds, 99 ) );
		answer.put( "max", percentile( nanoseconds, 100 ) );
	}

	private static double percentile( final long[] sorted, final int percent )
	{
		return sorted[ ( sorted.length - 1 ) * percent / 100 ] / 1e9;
	}

	private static double seconds( final long start )
	{
		return ( System.nanoTime() - start ) / 1e9;
	}

	// -- Images --

	private List< RandomAccessible< ? extends NativeType< ? > > > load( final Question question ) throws IOException
	{
		final List< String > names = new ArrayList<>();
		for ( final String input : question.text( "inputs" ).split( "\\|" ) )
			if ( !input.isEmpty() )
				names.add( input + " " + question.text( "storage" ) );
		inputs.keySet().retainAll( names );
		final List< RandomAccessible< ? extends NativeType< ? > > > sources = new ArrayList<>();
		for ( final String name : names )
		{
			if ( !inputs.containsKey( name ) )
				inputs.put( name, image( name.substring( 0, name.lastIndexOf( ' ' ) ), question ) );
			sources.add( extended( Cast.unchecked( inputs.get( name ) ), question ) );
		}
		return sources;
	}

	private static < T extends NativeType< T > > RandomAccessible< T > extended( final RandomAccessibleInterval< T > img, final Question question )
	{
		return question.number( "halo" ) == 0 ? img : Views.extendMirrorDouble( img );
	}

	private static RandomAccessibleInterval< ? extends NativeType< ? > > image( final String typeAndPath, final Question question ) throws IOException
	{
		final String[] parts = typeAndPath.split( ":", 2 );
		final NativeType< ? > type = type( parts[ 0 ] );
		try (final FileInputStream stream = new FileInputStream( parts[ 1 ] ))
		{
			return image( Cast.unchecked( type ), question.reversed( "shape" ), stream.getChannel(), question.text( "storage" ).equals( "native" ) );
		}
	}

	private static < T extends NativeType< T > > NativeImg< T, ? > image( final T type, final long[] dims, final FileChannel file, final boolean inNativeMemory ) throws IOException
	{
		if ( inNativeMemory )
		{
			final ByteBuffer pixels = ByteBuffer.allocateDirect( Math.toIntExact( file.size() ) ).order( nativeOrder() );
			while ( pixels.hasRemaining() )
				file.read( pixels );
			pixels.flip();
			final ArrayImg< T, BufferAccess< ? > > img = new ArrayImg<>( access( type, pixels ), dims, type.getEntitiesPerPixel() );
			img.setLinkedType( Cast.unchecked( type.getNativeTypeFactory().createLinkedType( Cast.unchecked( img ) ) ) );
			return img;
		}
		final ArrayImg< T, ? > img = Cast.unchecked( new ArrayImgFactory<>( type ).create( dims ) );
		final Object array = ( ( ArrayDataAccess< ? > ) img.update( null ) ).getCurrentStorageArray();
		final ByteBuffer part = ByteBuffer.allocateDirect( 1 << 20 ).order( nativeOrder() );
		final Buffer pixels = array instanceof byte[] ? ByteBuffer.wrap( ( byte[] ) array )
				: array instanceof short[] ? ShortBuffer.wrap( ( short[] ) array )
				: array instanceof int[] ? IntBuffer.wrap( ( int[] ) array ) : FloatBuffer.wrap( ( float[] ) array );
		while ( file.read( part ) >= 0 )
		{
			part.flip();
			if ( pixels instanceof ByteBuffer )
				( ( ByteBuffer ) pixels ).put( part );
			else if ( pixels instanceof ShortBuffer )
				( ( ShortBuffer ) pixels ).put( part.asShortBuffer() );
			else if ( pixels instanceof IntBuffer )
				( ( IntBuffer ) pixels ).put( part.asIntBuffer() );
			else
				( ( FloatBuffer ) pixels ).put( part.asFloatBuffer() );
			part.clear();
		}
		return img;
	}

	private static BufferAccess< ? > access( final NativeType< ? > type, final ByteBuffer pixels )
	{
		switch ( type.getNativeTypeFactory().getPrimitiveType() )
		{
		case BYTE:
			return new ByteBufferAccess( pixels, true );
		case SHORT:
			return new ShortBufferAccess( pixels, true );
		case INT:
			return new IntBufferAccess( pixels, true );
		default:
			return new FloatBufferAccess( pixels, true );
		}
	}

	private static NativeType< ? > type( final String dtype )
	{
		switch ( dtype )
		{
		case "u1":
			return new UnsignedByteType();
		case "u2":
			return new UnsignedShortType();
		case "u4":
			return new UnsignedIntType();
		case "f4":
			return new FloatType();
		default:
			throw new IllegalArgumentException( "type is " + dtype );
		}
	}

	private static RandomAccessibleInterval< ? extends Cell< ? > > cells( final CachedCellImg< ?, ? > img )
	{
		return Cast.unchecked( img.getCells() );
	}

	private static void cellMin( final CellGrid grid, final long cell, final long[] min )
	{
		grid.getCellGridPositionFlat( cell, min );
		for ( int d = 0; d < min.length; ++d )
			min[ d ] *= grid.cellDimension( d );
	}

	/**
	 * @return SHA-256 of the pixels, cell by cell
	 */
	private static String digest( final CachedCellImg< ?, ? > img ) throws Exception
	{
		final MessageDigest digest = MessageDigest.getInstance( "SHA-256" );
		final CellGrid grid = img.getCellGrid();
		final long numCells = Intervals.numElements( grid.getGridDimensions() );
		final long[] position = new long[ grid.numDimensions() ];
		final RandomAccess< ? extends Cell< ? > > cells = cells( img ).randomAccess();
		for ( long i = 0; i < numCells; ++i )
		{
			grid.getCellGridPositionFlat( i, position );
			digest.update( bytes( ( Buffer ) ( ( BufferAccess< ? > ) cells.setPositionAndGet( position ).getData() ).getCurrentStorageArray() ) );
		}
		final StringBuilder text = new StringBuilder();
		for ( final byte b : digest.digest() )
			text.append( String.format( "%02x", b ) );
		return text.toString();
	}

	private static ByteBuffer bytes( final Buffer pixels )
	{
		if ( pixels instanceof ByteBuffer )
			return ( ByteBuffer ) pixels;
		final ByteBuffer copy = ByteBuffer.allocate( pixels.remaining() * ( pixels instanceof ShortBuffer ? 2 : 4 ) ).order( nativeOrder() );
		if ( pixels instanceof ShortBuffer )
			copy.asShortBuffer().put( ( ShortBuffer ) pixels );
		else if ( pixels instanceof IntBuffer )
			copy.asIntBuffer().put( ( IntBuffer ) pixels );
		else
			copy.asFloatBuffer().put( ( FloatBuffer ) pixels );
		return copy;
	}

	/**
	 * A line of the dialogue.
	 */
	private static final class Question
	{
		private final Map< String, String > values = new HashMap<>();

		Question( final String line )
		{
			for ( final String pair : line.split( "\t" ) )
				values.put( pair.substring( 0, pair.indexOf( '=' ) ), pair.substring( pair.indexOf( '=' ) + 1 ) );
		}

		String text( final String key )
		{
			final String value = values.get( key );
			if ( value == null )
				throw new IllegalArgumentException( "the question lacks " + key + ", it has " + values.keySet() );
			return value;
		}

		int number( final String key )
		{
			return Integer.parseInt( text( key ) );
		}

		/**
		 * @return sizes in numpy's order, in ImgLib2's order
		 */
		long[] reversed( final String key )
		{
			final String[] sizes = text( key ).split( "," );
			final long[] dims = new long[ sizes.length ];
			for ( int d = 0; d < dims.length; ++d )
				dims[ d ] = Long.parseLong( sizes[ dims.length - 1 - d ] );
			return dims;
		}
	}
}
