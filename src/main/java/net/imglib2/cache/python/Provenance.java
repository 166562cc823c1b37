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

import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import net.imglib2.Interval;
import net.imglib2.RandomAccessible;
import net.imglib2.cache.python.block.BlockInput;
import net.imglib2.cache.python.image.CellSpec;
import net.imglib2.cache.python.protocol.CellCode;
import net.imglib2.cache.python.protocol.OpenedObject;

/**
 * The text that tells how an image was made. The same settings give the same text.
 */
final class Provenance
{
	private static final String INDENT = "    ";

	private final StringBuilder text = new StringBuilder();

	/**
	 * @param spec
	 * 		of the image
	 * @param code
	 * 		what computes it now
	 * @param name
	 * 		of the image
	 * @param settings
	 * 		of the image
	 * @param environment
	 * 		see {@link #environment}
	 */
	static String of( final CellSpec< ?, ? > spec, final CellCode code, final String name, final PythonImgBuilder< ? > settings, final String environment )
	{
		final Provenance provenance = new Provenance();
		provenance.line( name + ": " + typeOf( spec.type() ) + ", " + sizes( spec.grid().getImgDimensions() ) + ", in cells of " + cellSize( spec ) );
		provenance.block( "code", code.text() );
		provenance.block( "parameters", code.parameters().entrySet().stream().map( entry -> entry.getKey() + " = " + valueOf( entry.getValue() ) ).collect( Collectors.joining( "\n" ) ) );
		if ( code.seed() != 0 )
			provenance.line( "seed: " + code.seed() );
		code.opened().forEach( ( variable, object ) -> provenance.block( "opened as " + variable, describe( object ) ) );
		final List< PythonInput > inputs = settings.inputs();
		for ( int i = 0; i < inputs.size(); ++i )
			provenance.block( "input " + i, describe( inputs.get( i ).settings(), spec.inputs().get( i ), settings ) );
		provenance.text.append( environment );
		final String version = CellCode.version();
		provenance.line( "imglib2-cache-python: " + ( version == null ? "development" : version ) );
		return provenance.text.toString();
	}

	/**
	 * @param queue
	 * 		computes the image
	 * @param code
	 * 		of the image
	 * @return lines about the Python and its packages; asks a worker
	 */
	static String environment( final PythonCacheLoaderQueue queue, final CellCode code )
	{
		final Object opened = code.opened().values().stream().map( object -> Arrays.asList( object.expression(), object.keywords().keySet() ) ).collect( Collectors.toList() );
		final List< ? > answer = ( List< ? > ) queue.pool().ask( "Asking for the packages of an image", "packages", Arrays.asList( code.text(), queue.init() ), opened );
		final Provenance provenance = new Provenance();
		provenance.block( "init", queue.init() );
		provenance.line( "Python: " + answer.get( 0 ) + ", " + queue.mode() );
		provenance.line( "packages: " + answer.get( 1 ) );
		return provenance.text.toString();
	}

	private static String describe( final OpenedObject object )
	{
		final Stream< String > positional = object.positional().stream().map( Provenance::valueOf );
		final Stream< String > keywords = object.keywords().entrySet().stream().map( entry -> entry.getKey() + " = " + valueOf( entry.getValue() ) );
		return Stream.concat( Stream.of( object.expression().trim() ), Stream.concat( positional, keywords ) ).collect( Collectors.joining( "\n" ) );
	}

	private static String describe( final PythonInput.Settings input, final BlockInput of, final PythonImgBuilder< ? > settings )
	{
		final Provenance provenance = new Provenance();
		final RandomAccessible< ? > image = input.image;
		final String bounds = image instanceof Interval ? intervalOf( ( Interval ) image ) : "unbounded, " + image.numDimensions() + " axes";
		provenance.line( ( input.name == null ? "" : input.name + ": " ) + typeOf( image.getType() ) + ", " + bounds );
		provenance.line( "halo " + ( input.halo != null ? input.halo : settings.halo() ) + ", border " + ( input.border != null ? input.border : settings.border() )
				+ factor( "scale", input.scale, 1 ) + factor( "scale down", input.scaleDown, 1 ) + factor( "whole axes", input.wholeAxes, -1 ) + factor( "padded to a multiple of", settings.multiple(), 1 ) );
		for ( final RandomAccessible< ? > root : of.roots() )
			if ( root instanceof PythonImg )
				provenance.block( "of", ( ( PythonImg< ? > ) root ).provenance() );
			else
				provenance.line( "of " + root.getClass().getName() );
		return provenance.text.toString();
	}

	private static String factor( final String what, final int[] numbers, final int usual )
	{
		return Arrays.stream( numbers ).allMatch( number -> number == usual ) ? "" : ", " + what + " " + Arrays.toString( numbers );
	}

	private static String intervalOf( final Interval interval )
	{
		final String size = sizes( interval.dimensionsAsLongArray() );
		final long[] min = interval.minAsLongArray();
		return Arrays.stream( min ).allMatch( start -> start == 0 ) ? size : size + " from " + Arrays.toString( min );
	}

	private static String cellSize( final CellSpec< ?, ? > spec )
	{
		final long[] size = new long[ spec.grid().numDimensions() ];
		Arrays.setAll( size, d -> Math.min( spec.grid().cellDimension( d ), spec.grid().imgDimension( d ) ) );
		return sizes( size );
	}

	private static String sizes( final long[] size )
	{
		return Arrays.stream( size ).mapToObj( Long::toString ).collect( Collectors.joining( " x " ) );
	}

	private static String typeOf( final Object type )
	{
		return type.getClass().getSimpleName();
	}

	/**
	 * @return a value of a parameter, as Python code where that is short
	 */
	private static String valueOf( final Object value )
	{
		if ( value == null )
			return "None";
		if ( value instanceof Boolean )
			return ( boolean ) value ? "True" : "False";
		if ( value instanceof String )
			return "'" + ( ( String ) value ).replace( "\\", "\\\\" ).replace( "'", "\\'" ).replace( "\n", "\\n" ) + "'";
		if ( value instanceof Collection )
			return ( ( Collection< ? > ) value ).stream().map( Provenance::valueOf ).collect( Collectors.joining( ", ", "[", "]" ) );
		if ( value instanceof Map )
			return ( ( Map< ?, ? > ) value ).entrySet().stream().map( entry -> valueOf( entry.getKey() ) + ": " + valueOf( entry.getValue() ) ).collect( Collectors.joining( ", ", "{", "}" ) );
		if ( value instanceof Float )
			return String.valueOf( ( ( Float ) value ).doubleValue() );
		if ( !value.getClass().isArray() )
			return value.toString();
		final String content = Arrays.deepToString( new Object[] { value } );
		return "array(" + content.substring( 1, content.length() - 1 ) + ")";
	}

	private void line( final String line )
	{
		text.append( line ).append( '\n' );
	}

	/**
	 * @param content
	 * 		any number of lines; if there is none, nothing is told
	 */
	private void block( final String title, final String content )
	{
		if ( content.trim().isEmpty() )
			return;
		line( title + ":" );
		for ( final String line : content.split( "\n" ) )
			line( line.isEmpty() ? "" : INDENT + line );
	}
}
