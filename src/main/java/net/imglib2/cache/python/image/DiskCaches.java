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
package net.imglib2.cache.python.image;

import static net.imglib2.img.basictypeaccess.AccessFlags.DIRTY;
import static net.imglib2.img.basictypeaccess.AccessFlags.VOLATILE;

import net.imglib2.img.basictypeaccess.AccessFlags;
import net.imglib2.img.basictypeaccess.ArrayDataAccessFactory;
import net.imglib2.img.basictypeaccess.array.ArrayDataAccess;
import net.imglib2.type.NativeType;
import net.imglib2.type.PrimitiveType;

/**
 * The disk caches of imglib2-cache, {@code DiskCachedCellImgFactory}. They can only
 * save cells in ImgLib2's primitive arrays, and by default only if the access knows
 * whether it was written to. Any other cell ends the thread that saves, and all
 * readers after that wait for ever.
 */
final class DiskCaches
{
	/**
	 * Class that asks the loader for cells that are not on disk. A
	 * {@code CacheLoader} is not told who calls it, so only the stack shows this.
	 */
	private static final String ASKS = "net.imglib2.cache.img.DiskCellCache";

	private DiskCaches()
	{}

	/**
	 * Takes 20 microseconds.
	 *
	 * @return whether a disk cache is asking for a cell, on this thread
	 */
	static boolean isAsking()
	{
		for ( final StackTraceElement caller : Thread.currentThread().getStackTrace() )
			if ( caller.getClassName().equals( ASKS ) )
				return true;
		return false;
	}

	/**
	 * @param type
	 * 		of the pixels
	 * @return sample of an access that disk caches can save, whatever their settings
	 * @throws IllegalArgumentException
	 * 		if they cannot save this type
	 */
	static ArrayDataAccess< ? > access( final NativeType< ? > type )
	{
		final PrimitiveType primitive = type.getNativeTypeFactory().getPrimitiveType();
		if ( primitive == PrimitiveType.BOOLEAN )
			throw new IllegalArgumentException( "disk caches cannot save " + type.getClass().getSimpleName() + ": choose BitType, or UnsignedByteType, for the image" );
		return ArrayDataAccessFactory.get( primitive, AccessFlags.setOf( DIRTY, VOLATILE ) );
	}
}
