package net.imglib2.cache.python.block;

import java.nio.ByteBuffer;

import jep.DirectNDArray;
import net.imglib2.Interval;
import net.imglib2.RandomAccessible;
import net.imglib2.cache.python.InputGenerator;
import net.imglib2.cache.python.type.PixelType;
import net.imglib2.loops.LoopBuilder;
import net.imglib2.type.NativeType;
import net.imglib2.util.Intervals;
import net.imglib2.view.Views;

/**
 * Input whose pixels are copied into a direct buffer for each block.
 *
 * @param <T>
 * 		pixel type
 */
public final class CopiedInput< T extends NativeType< T > > implements InputGenerator
{
	private final RandomAccessible< T > source;

	private final T type;

	private final PixelType pixelType;

	/**
	 * @param source
	 * 		where the pixels come from
	 * @param what
	 * 		what the source is, for messages
	 * @param covers
	 * 		all pixels that blocks will ask for
	 * @throws IllegalArgumentException
	 * 		if the type is not supported, or the source is bounded and does not
	 * 		contain all these pixels
	 */
	public CopiedInput( final RandomAccessible< T > source, final String what, final Interval covers )
	{
		if ( source.numDimensions() != covers.numDimensions() )
			throw new IllegalArgumentException( what + " has " + source.numDimensions() + " axes, the image has " + covers.numDimensions() );
		if ( source instanceof Interval && !Intervals.contains( ( Interval ) source, covers ) )
			throw new IllegalArgumentException( what + " has the interval " + Intervals.toString( ( Interval ) source )
					+ ", but the blocks with their halo need " + Intervals.toString( covers )
					+ ": extend it, for instance by Views.extendMirrorSingle( input ) or Views.extendZero( input )" );
		this.source = source;
		type = source.getType();
		pixelType = PixelType.of( type, what );
	}

	@Override
	public DirectNDArray< ? > createInputFor( final Interval interval )
	{
		final long[] dims = interval.dimensionsAsLongArray();
		final ByteBuffer buffer = pixelType.allocate( dims );
		LoopBuilder.setImages( Views.interval( source, interval ), Views.translate( pixelType.image( type, buffer, dims ), interval.minAsLongArray() ) )
				.forEachPixel( ( from, to ) -> to.set( from ) );
		return pixelType.ndarray( buffer, InputGenerator.getNDArrayShape( interval ) );
	}
}
