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
package net.imglib2.cache.python.block;

import java.nio.Buffer;
import java.util.List;
import java.util.logging.Logger;

import net.imglib2.FinalInterval;
import net.imglib2.Interval;
import net.imglib2.RandomAccessible;
import net.imglib2.blocks.PrimitiveBlocks;
import net.imglib2.blocks.PrimitiveBlocks.OnFallback;
import net.imglib2.cache.python.InputWay;
import net.imglib2.cache.python.PythonLoaderOptions;
import net.imglib2.cache.python.type.PixelType;
import net.imglib2.cache.python.type.Primitive;
import net.imglib2.converter.read.ConvertedRandomAccessible;
import net.imglib2.transform.integer.MixedTransform;
import net.imglib2.type.NativeType;
import net.imglib2.util.Intervals;

/**
 * An image or a view of one. Its pixels are handed over where they are if the
 * interpreter sees that memory, else copied in the fastest way that is right.
 *
 * @param <T>
 * 		pixel type
 */
public final class ImageSource< T extends NativeType< T > > implements PixelSource
{
	private static final Logger LOG = Logger.getLogger( ImageSource.class.getName() );

	private final PixelType< T > pixelType;

	private final CellsView cellsView;

	private final BlockMemory memory;

	private final boolean contiguous;

	private final boolean writable;

	private final PixelCopier< T > slowly;

	private final Origin origin;

	private final String what;

	private final OnFallback onFallback;

	private volatile Copier copier;

	/**
	 * @param source
	 * 		where the pixels come from
	 * @param what
	 * 		what the source is, for messages
	 * @param covers
	 * 		all pixels that blocks will ask for
	 * @param options
	 * 		what to do if only a slow way is possible, and which arrays are wanted
	 * @param memory
	 * 		what pixels are copied into
	 * @throws IllegalArgumentException
	 * 		if the type is not supported; the source is bounded and does not contain
	 * 		all these pixels; or only a slow way is possible and that is not wanted
	 */
	public ImageSource( final RandomAccessible< T > source, final String what, final Interval covers, final PythonLoaderOptions options, final BlockMemory memory )
	{
		if ( source.numDimensions() != covers.numDimensions() )
			throw new IllegalArgumentException( what + " has " + source.numDimensions() + " axes, the image has " + covers.numDimensions() );
		pixelType = PixelType.of( source.getType(), what );
		this.what = what;
		this.memory = memory;
		onFallback = options.getOnFallback();
		requireAll( source, covers, what );
		contiguous = options.isContiguous();
		writable = options.isWritableInputs();
		cellsView = CellsView.of( ViewChain.of( source ), pixelType );
		slowly = new PixelCopier<>( source, pixelType, memory );
		copier = fastest( source );
		origin = Origin.of( source );
	}

	/**
	 * Checks the source's own interval, and those behind views that have none.
	 */
	private static void requireAll( final RandomAccessible< ? > source, final Interval covers, final String what )
	{
		final ViewChain chain = ViewChain.of( source );
		if ( !chain.isExtended() && !chain.contains( covers ) || source instanceof Interval && !Intervals.contains( ( Interval ) source, covers ) )
			throw new IllegalArgumentException( what + " has the interval " + ( source instanceof Interval ? Intervals.toString( ( Interval ) source ) : chain.toString() )
					+ ", but the blocks with their halo need " + Intervals.toString( covers )
					+ ": extend it by what the code takes at the border of a whole image: Views.extendMirrorDouble( input ) for most of scipy and scikit-image, "
					+ "Views.extendBorder( input ) for mode=\"nearest\", Views.extendZero( input ) for mode=\"constant\"" );
		if ( chain.isExtended() || !( chain.root() instanceof ConvertedRandomAccessible ) )
			return;
		final CellsView.RootBox box = new CellsView.RootBox( chain.toRoot(), covers );
		requireAll( ( ( ConvertedRandomAccessible< ?, ? > ) chain.root() ).getSource(), new FinalInterval( box.min, box.max ), what + ", behind its converter," );
	}

	@Override
	public BlockArray get( final Interval interval )
	{
		final BlockArray view = view( interval );
		if ( view != null )
			return view;
		final BlockArray copy = copy( interval );
		return contiguous ? copy.madeContiguous() : copy;
	}

	@Override
	public InputWay wayOf( final Interval interval )
	{
		return view( interval ) != null ? InputWay.ZERO_COPY : copier.wayOf( interval );
	}

	@Override
	public List< RandomAccessible< ? > > roots()
	{
		return origin.roots();
	}

	@Override
	public Interval inRoot( final Interval interval )
	{
		return origin.inRoot( interval );
	}

	private BlockArray view( final Interval interval )
	{
		// Code that may write into its inputs gets no memory that others see.
		final BlockArray view = cellsView != null && !writable ? cellsView.view( interval, memory ) : null;
		return view == null || contiguous && !view.isContiguous() ? null : view;
	}

	private BlockArray copy( final Interval interval )
	{
		try
		{
			return copier.copy( interval );
		}
		// An image can be wrong about the kind of its cells (those of the factories of
		// imglib2-cache are, for buffers). PrimitiveBlocks relies on what the image says;
		// the other copiers look at the cells.
		catch ( final ClassCastException e )
		{
			if ( !isCopiedByCells() )
				copiedPixelByPixel( String.valueOf( e.getMessage() ) );
			final Copier other = exceptBlocks();
			copier = other;
			return other.copy( interval );
		}
	}

	private Copier fastest( final RandomAccessible< T > source )
	{
		String reason = pixelType.isPacked() ? "numpy has no type with the bits of " + pixelType.type().getClass().getSimpleName() : flawOfBlocks( source );
		if ( reason == null )
			try
			{
				return new BlocksCopier<>( PrimitiveBlocks.of( source, OnFallback.FAIL ), pixelType, memory );
			}
			// It tells only by failing that it does not support a type or a view.
			catch ( final IllegalArgumentException | ClassCastException e )
			{
				final String message = String.valueOf( e.getMessage() ).trim();
				reason = message.substring( message.lastIndexOf( '\n' ) + 1 );
			}
		if ( !isCopiedByCells() )
			copiedPixelByPixel( reason );
		return exceptBlocks();
	}

	/**
	 * @return whether pixels can be copied line by line, as far as that is known without
	 *         loading a cell
	 */
	private boolean isCopiedByCells()
	{
		return cellsView != null && CellsCopier.isCopied( Primitive.storage( CellsView.claimedAccess( cellsView.chain().root() ) ) );
	}

	private void copiedPixelByPixel( final String reason )
	{
		final String message = what + " can only be copied pixel by pixel, which is slow: " + reason;
		if ( onFallback == OnFallback.FAIL )
			throw new IllegalArgumentException( message );
		if ( onFallback == OnFallback.WARN )
			LOG.warning( message );
	}

	/**
	 * @return why PrimitiveBlocks would silently copy wrong pixels, or {@code null} if it
	 *         would not
	 */
	private static String flawOfBlocks( final RandomAccessible< ? > source )
	{
		final int n = source.numDimensions();
		MixedTransform toRoot = new MixedTransform( n, n );
		// PrimitiveBlocks refuses a second extension itself.
		MixedTransform extensionToRoot = null;
		Rim rim = null;
		RandomAccessible< ? > root = source;
		for ( RandomAccessible< ? > next = source; next != null; next = ViewChain.converted( root ) )
		{
			final ViewChain chain = ViewChain.of( next );
			if ( chain.subclassedExtension() != null )
				return "PrimitiveBlocks takes the extension " + chain.subclassedExtension().getClass().getName() + " for its superclass";
			root = chain.root();
			toRoot = toRoot.preConcatenate( chain.toRoot() );
			if ( chain.isExtended() )
			{
				extensionToRoot = chain.extensionToRoot();
				rim = chain.rim();
			}
			else if ( extensionToRoot != null )
				extensionToRoot = extensionToRoot.preConcatenate( chain.toRoot() );
		}
		for ( int d = 0; d < toRoot.numTargetDimensions(); ++d )
			if ( toRoot.getTranslation( d ) != ( int ) toRoot.getTranslation( d ) )
				return "PrimitiveBlocks cannot translate by 2^31 pixels or more";
		if ( extensionToRoot != null && !extensionToRoot.hasFullSourceMapping() )
			return "PrimitiveBlocks does not extend along an axis that was added";
		if ( rim == Rim.MIRROR_SINGLE && root instanceof Interval && Rim.hasAxisOfLengthOne( ( Interval ) root ) )
			return "PrimitiveBlocks cannot mirror at a single pixel, where an axis has length 1";
		// All readers share their position and limit.
		return Primitive.storage( CellsView.claimedAccess( root ) ) instanceof Buffer
				? "PrimitiveBlocks cannot be used for pixels in buffers (https://github.com/imglib/imglib2/issues/368)" : null;
	}

	private Copier exceptBlocks()
	{
		return cellsView != null ? new CellsCopier<>( cellsView, pixelType, slowly, memory ) : slowly;
	}
}
