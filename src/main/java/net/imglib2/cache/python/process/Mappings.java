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
package net.imglib2.cache.python.process;

import java.lang.ref.PhantomReference;
import java.lang.ref.Reference;
import java.lang.ref.ReferenceQueue;
import java.lang.ref.WeakReference;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentNavigableMap;
import java.util.concurrent.ConcurrentSkipListMap;

import net.imglib2.cache.python.process.Regions.Region;

/**
 * The regions that this JVM has mapped: which one a buffer lies in, and which are garbage.
 * Thread-safe.
 */
final class Mappings
{
	private final ReferenceQueue< ByteBuffer > garbage = new ReferenceQueue<>();

	/**
	 * A reference that is itself collected is never enqueued.
	 */
	private final Set< Mapping > mappings = ConcurrentHashMap.newKeySet();

	/**
	 * By address. Mappings that are gone may be among them, and may overlap others.
	 */
	private final ConcurrentNavigableMap< Long, Mapping > byAddress = new ConcurrentSkipListMap<>();

	/**
	 * @param root
	 * 		mapping of a region, from which nothing has been made yet
	 * @param isCell
	 * 		whether the region is a cell
	 */
	void add( final ByteBuffer root, final Region region, final boolean isCell )
	{
		final Mapping mapping = new Mapping( root, region, isCell, garbage );
		mappings.add( mapping );
		byAddress.put( mapping.address, mapping );
	}

	/**
	 * @return how many there are, those that are garbage included
	 */
	int size()
	{
		return mappings.size();
	}

	/**
	 * @return mapping that all of a buffer lies in, or {@code null}
	 */
	Mapping find( final Buffer buffer )
	{
		if ( !buffer.isDirect() )
			return null;
		final long address = Addresses.of( buffer );
		Map.Entry< Long, Mapping > entry = byAddress.floorEntry( address );
		while ( entry != null )
		{
			final Mapping mapping = entry.getValue();
			// As long as the root is held here, nothing else can be at these addresses.
			final ByteBuffer root = mapping.root.get();
			if ( root != null )
			{
				final boolean isInside = address + numBytes( buffer ) <= mapping.address + root.capacity();
				return isInside ? mapping : null;
			}
			// Gone: its addresses, and those before, may belong to another mapping by now.
			entry = byAddress.lowerEntry( entry.getKey() );
		}
		return null;
	}

	/**
	 * @return size of a buffer in bytes
	 */
	static long numBytes( final Buffer buffer )
	{
		return ( long ) buffer.capacity() * BytesPerEntry.of( buffer );
	}

	/**
	 * @return a region that nobody in this JVM can reach any more, {@code null} if none is
	 *         known
	 */
	Region garbage()
	{
		return remove( garbage.poll() );
	}

	/**
	 * @return a region that nobody in this JVM can reach any more, {@code null} if the JVM
	 *         has told of none in time
	 */
	Region awaitGarbage( final long millis ) throws InterruptedException
	{
		return remove( garbage.remove( millis ) );
	}

	private Region remove( final Reference< ? > gone )
	{
		if ( gone == null )
			return null;
		final Mapping mapping = ( Mapping ) gone;
		mappings.remove( mapping );
		byAddress.remove( mapping.address, mapping );
		return mapping.region;
	}

	/**
	 * Told when its root cannot be reached any more, also not by finalizers: the JDK lets
	 * each buffer that is made from others refer to the root.
	 */
	static final class Mapping extends PhantomReference< ByteBuffer >
	{
		private final WeakReference< ByteBuffer > root;

		private final long address;

		private final Region region;

		private final boolean isCell;

		private Mapping( final ByteBuffer root, final Region region, final boolean isCell, final ReferenceQueue< ByteBuffer > garbage )
		{
			super( root, garbage );
			this.root = new WeakReference<>( root );
			address = Addresses.of( root );
			this.region = region;
			this.isCell = isCell;
		}

		Region region()
		{
			return region;
		}

		boolean isCell()
		{
			return isCell;
		}

		/**
		 * @return where a buffer that lies in it begins in the file
		 */
		long positionOf( final Buffer buffer )
		{
			return region.start() + Addresses.of( buffer ) - address;
		}
	}
}
