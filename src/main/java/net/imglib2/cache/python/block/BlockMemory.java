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
import java.nio.ByteBuffer;

import net.imglib2.cache.python.NativeMemoryException;

/**
 * Decides where the pixels of blocks are, so that the interpreters of a pool see
 * them. {@link DirectMemory} is for interpreters inside of this JVM.
 * <p>
 * Thread-safe. All methods that allocate throw {@link NativeMemoryException} if no
 * memory is left, also after a garbage collection.
 *
 * <pre>{@code
 * final BlockMemory memory = pool.memory();
 * // Blocks at the border read two pixels beyond it.
 * final PixelSource image = new ImageSource<>( Views.extendBorder( img ), "input 0", Intervals.expand( img, 2 ), PythonLoaderOptions.options(), memory );
 * final BlockInput input = new BlockInput( image, Footprint.of( new Halo( 2, 2 ) ) );
 * final CellOutput output = new CellOutput( pixelType, sample, cell.dimensionsAsLongArray(), memory );
 * final BlockArray[] arrays = { output.array(), input.get( cell ) };
 * // … Python computes the block …
 * final ArrayDataAccess< ? > pixels = output.access();
 * }</pre>
 */
public interface BlockMemory
{
	/**
	 * Memory for pixels that are needed as long as a block is computed; it is reused.
	 *
	 * @param numBytes
	 * 		its size
	 * @return memory with any content
	 */
	Lease lease( int numBytes );

	/**
	 * Memory that Python writes into and that then is the cell. It is not reused as long
	 * as anybody can reach one of its buffers, because nobody knows when the cell's last
	 * reader has gone.
	 *
	 * @param numBytes
	 * 		size of the cell
	 * @return memory filled with zeros, or with any content if interpreters themselves fill
	 *         it with zeros where that is necessary; {@code null} if Python shall write into
	 *         a {@link #lease} instead, and the cell be a {@link #copiedCell}
	 */
	CellMemory cell( int numBytes );

	/**
	 * Memory of a cell that Java fills; interpreters need not see it.
	 *
	 * @param numBytes
	 * 		size of the cell
	 * @return memory filled with zeros
	 */
	default CellMemory copiedCell( final int numBytes )
	{
		return cell( numBytes );
	}

	/**
	 * Memory for something else than pixels, for instance what Java and Python tell
	 * each other.
	 *
	 * @param numBytes
	 * 		its size
	 * @return buffer in native byte order, filled with zeros
	 */
	ByteBuffer allocate( int numBytes );

	/**
	 * Whether interpreters can read some memory where it is. What they cannot read has
	 * to be copied into a {@link #lease}.
	 *
	 * @param buffer
	 * 		the memory
	 * @param owner
	 * 		what the memory belongs to, a cell for instance
	 * @return whether no copy is needed
	 */
	boolean isVisible( Buffer buffer, Object owner );

	/**
	 * @return how many bytes all buffers may have together, but for those of
	 *         {@link #copiedCell}
	 */
	long limit();

	/**
	 * @param numBytes
	 * 		size of a cell
	 * @return how many bytes all cells of such sizes may have together
	 */
	long cellLimit( long numBytes );

	/**
	 * @param numBytes
	 * 		size of a cell
	 * @return option of the JVM that sets {@link #cellLimit}, for messages
	 */
	String cellLimitOption( long numBytes );
}
