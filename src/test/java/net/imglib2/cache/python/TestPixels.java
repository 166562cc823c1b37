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

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

import net.imglib2.type.NativeType;
import net.imglib2.type.label.BasePairBitType;
import net.imglib2.type.label.BasePairBitType.Base;
import net.imglib2.type.label.BasePairCharType;
import net.imglib2.type.logic.BitType;
import net.imglib2.type.logic.NativeBoolType;
import net.imglib2.type.numeric.ARGBType;
import net.imglib2.type.numeric.NativeARGBDoubleType;
import net.imglib2.type.numeric.complex.ComplexDoubleType;
import net.imglib2.type.numeric.complex.ComplexFloatType;
import net.imglib2.type.numeric.integer.ByteType;
import net.imglib2.type.numeric.integer.IntType;
import net.imglib2.type.numeric.integer.LongType;
import net.imglib2.type.numeric.integer.ShortType;
import net.imglib2.type.numeric.integer.Unsigned128BitType;
import net.imglib2.type.numeric.integer.Unsigned12BitType;
import net.imglib2.type.numeric.integer.Unsigned2BitType;
import net.imglib2.type.numeric.integer.Unsigned4BitType;
import net.imglib2.type.numeric.integer.UnsignedByteType;
import net.imglib2.type.numeric.integer.UnsignedIntType;
import net.imglib2.type.numeric.integer.UnsignedLongType;
import net.imglib2.type.numeric.integer.UnsignedShortType;
import net.imglib2.type.numeric.integer.UnsignedVariableBitLengthType;
import net.imglib2.type.numeric.real.DoubleType;
import net.imglib2.type.numeric.real.FloatType;
import net.imglib2.util.Cast;

/**
 * Pixels of every type by a formula that {@link #INIT} has, too: the values that numpy must see,
 * written down independently of the library's table of types.
 */
public final class TestPixels
{
	/**
	 * Defines {@code image(kind, shape, salt)} in Python.
	 */
	static final String INIT = """
			def pixels(kind, count, salt):
			    h = (np.arange(count, dtype=np.uint64) + np.uint64(salt)) * np.uint64(0x9E3779B97F4A7C15)
			    low = np.uint64(0xFFFFF)
			    if kind.startswith('bits'):
			        n = int(kind[4:])
			        dtype = 'uint8' if n <= 8 else 'uint16' if n <= 16 else 'uint32' if n <= 32 else 'uint64'
			        return (h & np.uint64(2 ** n - 1)).astype(dtype)
			    if kind in ('float32', 'float64'):
			        return (h >> np.uint64(44)).astype(kind) - 1000
			    if kind in ('complex64', 'complex128'):
			        return ((h >> np.uint64(44)).astype(kind) - 1000 + 1j * (h >> np.uint64(20) & low)).astype(kind)
			    if kind == 'bool':
			        return h >> np.uint64(63) != 0
			    if kind == 'char':
			        return np.frombuffer(b" NATGCU", 'uint8').astype('uint16')[(h >> np.uint64(1)) % np.uint64(7)]
			    if kind == 'base':
			        return ((h >> np.uint64(1)) % np.uint64(7)).astype('uint8')
			    if kind == 'argb_double':
			        return np.stack([(h >> np.uint64(shift) & low).astype('float64') for shift in (44, 24, 12, 3)], -1)
			    if kind == 'pair':
			        return np.stack([h, ~h], -1)
			    return h.astype(kind)

			def image(kind, shape, salt):
			    flat = pixels(kind, int(np.prod(shape)), salt)
			    return flat.reshape(tuple(shape) + flat.shape[1:])
			""";

	private static final NativeType< ? >[] TYPES = {
			new ByteType(), new UnsignedByteType(), new ShortType(), new UnsignedShortType(), new IntType(), new UnsignedIntType(),
			new LongType(), new UnsignedLongType(), new FloatType(), new DoubleType(), new ComplexFloatType(), new ComplexDoubleType(),
			new NativeBoolType(), new BasePairCharType(), new ARGBType(), new NativeARGBDoubleType(), new Unsigned128BitType(),
			new BitType(), new Unsigned2BitType(), new Unsigned4BitType(), new Unsigned12BitType(), new BasePairBitType()
	};

	private TestPixels()
	{}

	/**
	 * @return one of each type
	 */
	static List< NativeType< ? > > types()
	{
		final List< NativeType< ? > > types = new ArrayList<>( Arrays.asList( TYPES ) );
		types.add( new UnsignedVariableBitLengthType( 7 ) );
		return types;
	}

	public static NativeType< ? > randomType( final Random random )
	{
		final int i = random.nextInt( TYPES.length + 2 );
		return i < TYPES.length ? TYPES[ i ] : new UnsignedVariableBitLengthType( randomBits( random ) );
	}

	/**
	 * @return a bit length that ImgLib2 supports, see {@link PixelTypesTest}
	 */
	private static int randomBits( final Random random )
	{
		final int bits = 1 + random.nextInt( 55 );
		return bits < 54 ? bits : bits + 9;
	}

	public static boolean isPacked( final Object type )
	{
		return type instanceof BitType || type instanceof Unsigned2BitType || type instanceof Unsigned4BitType || type instanceof Unsigned12BitType
				|| type instanceof UnsignedVariableBitLengthType || type instanceof BasePairBitType;
	}

	/**
	 * @return name of the type for {@code image} in Python
	 */
	static String kind( final Object type )
	{
		if ( type instanceof UnsignedVariableBitLengthType )
			return "bits" + ( ( UnsignedVariableBitLengthType ) type ).getBitsPerPixel();
		return switch ( type.getClass().getSimpleName() )
		{
		case "ByteType" -> "int8";
		case "UnsignedByteType" -> "uint8";
		case "ShortType" -> "int16";
		case "UnsignedShortType" -> "uint16";
		case "IntType" -> "int32";
		case "UnsignedIntType", "ARGBType" -> "uint32";
		case "LongType" -> "int64";
		case "UnsignedLongType" -> "uint64";
		case "FloatType" -> "float32";
		case "DoubleType" -> "float64";
		case "ComplexFloatType" -> "complex64";
		case "ComplexDoubleType" -> "complex128";
		case "NativeBoolType", "BitType" -> "bool";
		case "Unsigned2BitType" -> "bits2";
		case "Unsigned4BitType" -> "bits4";
		case "Unsigned12BitType" -> "bits12";
		case "BasePairBitType" -> "base";
		case "BasePairCharType" -> "char";
		case "NativeARGBDoubleType" -> "argb_double";
		case "Unsigned128BitType" -> "pair";
		default -> throw new IllegalArgumentException( type.getClass().getName() );
		};
	}

	/**
	 * @return number of additional last axes in numpy
	 */
	static int numComponentAxes( final Object type )
	{
		return type instanceof NativeARGBDoubleType || type instanceof Unsigned128BitType ? 1 : 0;
	}

	/**
	 * Writes pixels.
	 *
	 * @param pixels
	 * 		in flat order
	 */
	static < T extends NativeType< T > > void fill( final Iterable< T > pixels, final long salt )
	{
		long i = 0;
		for ( final T pixel : pixels )
			set( pixel, i++, salt );
	}

	/**
	 * Copies a pixel with all its bits.
	 */
	public static < T extends NativeType< T > > void copy( final T from, final T to )
	{
		if ( from instanceof Unsigned128BitType )
			// Its set( other ) converts by way of a double.
			( ( Unsigned128BitType ) to ).set( ( ( Unsigned128BitType ) from ).get() );
		else
			to.set( from );
	}

	/**
	 * Sets a pixel.
	 *
	 * @param i
	 * 		index in the flat order
	 */
	public static void set( final Object pixel, final long i, final long salt )
	{
		final long h = ( i + salt ) * 0x9E3779B97F4A7C15L;
		final long high = h >>> 44;
		final long mid = h >>> 20 & 0xfffff;
		if ( pixel instanceof ByteType )
			( ( ByteType ) pixel ).set( ( byte ) h );
		else if ( pixel instanceof UnsignedByteType )
			( ( UnsignedByteType ) pixel ).set( ( int ) h & 0xff );
		else if ( pixel instanceof ShortType )
			( ( ShortType ) pixel ).set( ( short ) h );
		else if ( pixel instanceof UnsignedShortType )
			( ( UnsignedShortType ) pixel ).set( ( int ) h & 0xffff );
		else if ( pixel instanceof IntType )
			( ( IntType ) pixel ).set( ( int ) h );
		else if ( pixel instanceof UnsignedIntType )
			( ( UnsignedIntType ) pixel ).set( h & 0xffffffffL );
		else if ( pixel instanceof LongType )
			( ( LongType ) pixel ).set( h );
		else if ( pixel instanceof UnsignedLongType )
			( ( UnsignedLongType ) pixel ).set( h );
		else if ( pixel instanceof FloatType )
			( ( FloatType ) pixel ).set( high - 1000 );
		else if ( pixel instanceof DoubleType )
			( ( DoubleType ) pixel ).set( high - 1000 );
		else if ( pixel instanceof ComplexFloatType )
			( ( ComplexFloatType ) pixel ).set( high - 1000, mid );
		else if ( pixel instanceof ComplexDoubleType )
			( ( ComplexDoubleType ) pixel ).set( high - 1000, mid );
		else if ( pixel instanceof NativeBoolType )
			( ( NativeBoolType ) pixel ).set( h < 0 );
		else if ( pixel instanceof BitType )
			( ( BitType ) pixel ).set( h < 0 );
		else if ( pixel instanceof BasePairCharType )
			( ( BasePairCharType ) pixel ).set( Base.values()[ ( int ) ( ( h >>> 1 ) % 7 ) ] );
		else if ( pixel instanceof ARGBType )
			( ( ARGBType ) pixel ).set( ( int ) h );
		else if ( pixel instanceof NativeARGBDoubleType )
			( ( NativeARGBDoubleType ) pixel ).set( high, h >>> 24 & 0xfffff, h >>> 12 & 0xfffff, h >>> 3 & 0xfffff );
		else if ( pixel instanceof Unsigned128BitType )
			( ( Unsigned128BitType ) pixel ).set( h, ~h );
		else if ( pixel instanceof Unsigned2BitType )
			( ( Unsigned2BitType ) pixel ).set( h & 3 );
		else if ( pixel instanceof Unsigned4BitType )
			( ( Unsigned4BitType ) pixel ).set( h & 15 );
		else if ( pixel instanceof Unsigned12BitType )
			( ( Unsigned12BitType ) pixel ).set( h & 0xfff );
		else if ( pixel instanceof BasePairBitType )
			( ( BasePairBitType ) pixel ).set( Base.values()[ ( int ) ( ( h >>> 1 ) % 7 ) ] );
		else
		{
			final UnsignedVariableBitLengthType bits = Cast.unchecked( pixel );
			bits.set( h & -1L >>> Long.SIZE - bits.getBitsPerPixel() );
		}
	}
}
