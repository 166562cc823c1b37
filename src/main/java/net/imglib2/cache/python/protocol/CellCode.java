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
package net.imglib2.cache.python.protocol;

import java.io.File;
import java.lang.reflect.Array;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.net.URI;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystems;
import java.nio.file.Path;
import java.text.Normalizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collection;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What computes the cells of an image: the text of the code, and what it is called with.
 * <p>
 * Statements see parameters and inputs that have a name as variables. A function gets
 * the inputs as arguments, in their order, those that have a name by that name; the
 * parameters as keyword arguments; and {@code block} if it has an argument of that name.
 * <p>
 * Immutable: later changes of a map, a list or an array have no effect. Whatever is wrong
 * with a name or a value is an {@link IllegalArgumentException} when it is given.
 */
public final class CellCode
{
	/**
	 * What all parameters together may take; more are an input rather than parameters.
	 */
	private static final int MAX_BYTES = 1 << 28;

	private static final Set< String > KEYWORDS = new HashSet<>( Arrays.asList( ( "False None True and as assert async await break class continue def del elif else except finally for from "
			+ "global if import in is lambda nonlocal not or pass raise return try while with yield" ).split( " " ) ) );

	/**
	 * Names that mean something else in the code.
	 */
	private static final Set< String > RESERVED = new HashSet<>( Arrays.asList( "block", "np" ) );

	private static final String ALLOWED = "allowed are null, booleans, integers, floating-point numbers, strings, paths, files, lists, maps with strings as keys, and arrays of boolean, byte, short, int, long, float or double";

	private final String text;

	private final Map< String, Object > parameters;

	private final List< String > inputNames;

	private final String captureFolder;

	private final boolean checked;

	/**
	 * Of random numbers.
	 */
	private final long seed;

	private final Map< String, OpenedObject > opened;

	/**
	 * Whether the text is not a user's, but of this library.
	 */
	private final boolean isOfLibrary;

	private final String encoded;

	private CellCode( final String text, final Map< String, Object > parameters, final List< String > inputNames, final String captureFolder, final boolean checked, final long seed,
			final Map< String, OpenedObject > opened, final boolean isOfLibrary )
	{
		this.text = text;
		this.parameters = parameters;
		this.inputNames = inputNames;
		this.captureFolder = captureFolder;
		this.checked = checked;
		this.seed = seed;
		this.opened = opened;
		this.isOfLibrary = isOfLibrary;
		requireDifferent( "An input and a parameter", inputNames, parameters );
		requireDifferent( "An input and an opened object", inputNames, opened );
		requireDifferent( "A parameter and an opened object", parameters.keySet(), opened );
		encoded = encode();
	}

	private static void requireDifferent( final String what, final Collection< String > names, final Map< String, ? > others )
	{
		for ( final String name : names )
			if ( others.containsKey( name ) )
				throw new IllegalArgumentException( what + " have the same name \"" + name + "\"; rename one of them" );
	}

	/**
	 * @param text
	 * 		statements or a function reference
	 * @return the code; it has no parameters, and its inputs have no names
	 */
	public static CellCode of( final String text )
	{
		if ( text == null )
			throw new IllegalArgumentException( "The code is null, expected statements or a function reference \"package.module:function\"" );
		return new CellCode( text, Collections.emptyMap(), Collections.emptyList(), null, false, 0, Collections.emptyMap(), false );
	}

	/**
	 * @param text
	 * 		statements or a function reference that are a part of this library: no allow-list
	 * 		has to have them
	 * @return the code; it has no parameters, and its inputs have no names
	 */
	public static CellCode ofLibrary( final String text )
	{
		return new CellCode( text, Collections.emptyMap(), Collections.emptyList(), null, false, 0, Collections.emptyMap(), true );
	}

	/**
	 * @param values
	 * 		parameters by name: null, booleans, integers, floating-point numbers, strings;
	 * 		paths, files and URLs, which become strings; lists and maps of these, nested as you
	 * 		like, with strings as keys; arrays of primitive types become numpy arrays of that
	 * 		dtype
	 * @return this code with these parameters instead of its own
	 * @throws IllegalArgumentException
	 * 		if Python cannot have such a name or value
	 */
	public CellCode withParameters( final Map< String, ? > values )
	{
		final Map< String, Object > copies = new LinkedHashMap<>();
		// A map of a script can have other keys.
		for ( final Map.Entry< ?, ? > entry : values.entrySet() )
		{
			final String name = requireName( "a parameter", entry.getKey() );
			if ( copies.containsKey( name ) )
				throw new IllegalArgumentException( "Two parameters have the same name \"" + name + "\" in Python; rename one of them" );
			copies.put( name, copyOf( whatOf( name ), entry.getValue(), 0 ) );
		}
		return new CellCode( text, copies, inputNames, captureFolder, checked, seed, opened, isOfLibrary );
	}

	/**
	 * @param name
	 * 		name of a parameter
	 * @param value
	 * 		see {@link #withParameters}
	 * @return this code with this parameter, too, or with this value of it
	 */
	public CellCode withParameter( final String name, final Object value )
	{
		final Map< String, Object > changed = new LinkedHashMap<>( parameters );
		final String its = requireName( "a parameter", name );
		changed.put( its, copyOf( whatOf( its ), value, 0 ) );
		return new CellCode( text, changed, inputNames, captureFolder, checked, seed, opened, isOfLibrary );
	}

	/**
	 * @param newText
	 * 		statements or a function reference
	 * @return the same with this text
	 */
	public CellCode withText( final String newText )
	{
		return new CellCode( newText, parameters, inputNames, captureFolder, checked, seed, opened, false );
	}

	/**
	 * @param names
	 * 		one for each input, {@code null} for an input without a name
	 * @return this code with these names of its inputs
	 * @throws IllegalArgumentException
	 * 		if Python cannot have such a name, or two inputs have the same
	 */
	public CellCode withInputNames( final List< String > names )
	{
		final List< String > copies = new ArrayList<>();
		for ( final String name : names )
		{
			final String copy = name == null ? null : requireName( "an input", name );
			if ( copy != null && copies.contains( copy ) )
				throw new IllegalArgumentException( "Two inputs have the same name \"" + copy + "\"; rename one of them" );
			copies.add( copy );
		}
		return new CellCode( text, parameters, copies, captureFolder, checked, seed, opened, isOfLibrary );
	}

	/**
	 * @param folder
	 * 		gets a file for each block that fails, as far as that is possible;
	 * 		{@code null}: no files
	 * @return this code with that folder
	 */
	public CellCode withCaptureFolder( final Path folder )
	{
		return new CellCode( text, parameters, inputNames, folder == null ? null : folder.toAbsolutePath().toString(), checked, seed, opened, isOfLibrary );
	}

	/**
	 * @param newSeed
	 * 		of the random numbers of {@code block.rng}, any number; 0 unless it is set
	 * @return this code with that seed
	 */
	public CellCode withSeed( final long newSeed )
	{
		return new CellCode( text, parameters, inputNames, captureFolder, checked, newSeed, opened, isOfLibrary );
	}

	/**
	 * Short form without arguments that have no name: {@link #withOpened(String, OpenedObject)}.
	 */
	public CellCode withOpened( final String name, final String expression, final Map< String, ? > arguments )
	{
		return withOpened( name, OpenedObject.of( expression, Collections.emptyList(), arguments ) );
	}

	/**
	 * @param name
	 * 		statements see the object as a variable of this name, a function gets it as a
	 * 		keyword argument
	 * @param object
	 * 		each worker opens it before its first block of this code, and closes it when it
	 * 		forgets the code. If opening fails, so does the block
	 * @return this code with this object, too
	 * @throws IllegalArgumentException
	 * 		if Python cannot have such a name, or a parameter or an input has it
	 */
	public CellCode withOpened( final String name, final OpenedObject object )
	{
		final Map< String, OpenedObject > changed = new LinkedHashMap<>( opened );
		changed.put( requireName( "an opened object", name ), object );
		return new CellCode( text, parameters, inputNames, captureFolder, checked, seed, changed, isOfLibrary );
	}

	/**
	 * @return this code; when it is made known, a function is imported, and it is an error
	 *         if it does not take these parameters and inputs. {@link #withInputNames} has
	 *         to have an entry for each input
	 */
	public CellCode withCheckedSignature()
	{
		return new CellCode( text, parameters, inputNames, captureFolder, true, seed, opened, isOfLibrary );
	}

	/**
	 * @return statements or a function reference
	 */
	public String text()
	{
		return text;
	}

	/**
	 * @return whether a parameter is a string, or has one in it
	 */
	public boolean hasTextInParameters()
	{
		return hasText( parameters.values() );
	}

	static boolean hasText( final Collection< ? > values )
	{
		for ( final Object value : values )
			if ( value instanceof String || value instanceof Collection && hasText( ( Collection< ? > ) value )
					|| value instanceof Map && !( ( Map< ?, ? > ) value ).isEmpty() )
				return true;
		return false;
	}

	/**
	 * @return names and values, in the order in which they were set first
	 */
	public Map< String, Object > parameters()
	{
		return Collections.unmodifiableMap( parameters );
	}

	/**
	 * @return names and objects that the code gets
	 */
	public Map< String, OpenedObject > opened()
	{
		return Collections.unmodifiableMap( opened );
	}

	/**
	 * @return of random numbers
	 */
	public long seed()
	{
		return seed;
	}

	/**
	 * @return whether the text is not a user's, but of this library
	 */
	public boolean isOfLibrary()
	{
		return isOfLibrary;
	}

	/**
	 * All but the text, in one string that any way to Python can carry.
	 *
	 * @return empty if there is nothing but the text
	 */
	public String encoded()
	{
		return encoded;
	}

	private String encode()
	{
		if ( parameters.isEmpty() && inputNames.isEmpty() && captureFolder == null && !checked && seed == 0 && opened.isEmpty() )
			return "";
		final Map< String, Object > objects = new LinkedHashMap<>();
		opened.forEach( ( name, object ) -> objects.put( name, object.values() ) );
		// numpy takes no negative ones.
		final BigInteger unsignedSeed = new BigInteger( Long.toUnsignedString( seed ) );
		final byte[] bytes = Values.encode( Arrays.asList( parameters, inputNames, captureFolder, checked, version(), unsignedSeed, objects ) );
		if ( bytes.length > MAX_BYTES )
			throw new IllegalArgumentException( "The parameters take " + bytes.length + " bytes, more than " + MAX_BYTES + "; large arrays are inputs: input( name, image )" );
		return Base64.getEncoder().encodeToString( bytes );
	}

	/**
	 * @return version of this library; {@code null} if its classes are not in a jar
	 */
	public static String version()
	{
		return CellCode.class.getPackage().getImplementationVersion();
	}

	static String requireName( final String what, final Object key )
	{
		if ( !( key instanceof CharSequence ) )
			throw new IllegalArgumentException( "The name of " + what + " is " + described( key ) + ", expected a string" );
		// As Python does with names in code.
		final String name = Normalizer.normalize( key.toString(), Normalizer.Form.NFKC );
		final String problem = problemOf( name );
		if ( problem != null )
			throw new IllegalArgumentException( "The name of " + what + ", \"" + key + "\", " + problem );
		return name;
	}

	private static String problemOf( final String name )
	{
		if ( KEYWORDS.contains( name ) )
			return "is a keyword of Python; use another name, for instance \"" + name + "_\"";
		if ( RESERVED.contains( name ) )
			return "has another meaning in the code; use another name, for instance \"" + name + "_\"";
		if ( name.startsWith( "__" ) && name.endsWith( "__" ) )
			return "belongs to Python, as all names do that begin and end with two underscores; use another name";
		if ( !isIdentifier( name ) )
			return "is no name in Python; use letters, digits and underscores, and no digit at the beginning";
		return null;
	}

	private static boolean isIdentifier( final String name )
	{
		final int[] characters = name.codePoints().toArray();
		for ( int i = 0; i < characters.length; ++i )
		{
			final int c = characters[ i ];
			final boolean isPart = i == 0 ? Character.isUnicodeIdentifierStart( c ) || c == '_' : Character.isUnicodeIdentifierPart( c ) && !Character.isIdentifierIgnorable( c );
			if ( !isPart )
				return false;
		}
		return characters.length > 0;
	}

	/**
	 * A copy that has no part in common with the value.
	 *
	 * @param what
	 * 		what messages call it, at the beginning of a sentence
	 */
	static Object copyOf( final String what, final Object value, final int depth )
	{
		if ( depth > Values.MAX_DEPTH - 2 )
			throw new IllegalArgumentException( what + " contains itself, or is nested more than " + ( Values.MAX_DEPTH - 2 ) + " times" );
		if ( value == null || value instanceof Boolean || value instanceof Long || value instanceof Integer || value instanceof Short || value instanceof Byte || value instanceof BigInteger
				|| value instanceof Double || value instanceof Float )
			return value;
		if ( value instanceof BigDecimal )
		{
			final double number = ( ( BigDecimal ) value ).doubleValue();
			if ( Double.isInfinite( number ) )
				throw new IllegalArgumentException( what + " is " + value + ", which is no floating-point number of 64 bits; use a string" );
			return number;
		}
		if ( value instanceof CharSequence || value instanceof Character )
		{
			final String string = value.toString();
			if ( !StandardCharsets.UTF_8.newEncoder().canEncode( string ) )
				throw new IllegalArgumentException( what + " is a string that is not valid Unicode: it has half of a surrogate pair" );
			return string;
		}
		if ( value instanceof File )
			return copyOf( what, ( ( File ) value ).toPath(), depth );
		if ( value instanceof Path )
		{
			if ( ( ( Path ) value ).getFileSystem() != FileSystems.getDefault() )
				throw new IllegalArgumentException( what + " is " + value + ", a path of " + ( ( Path ) value ).getFileSystem() + ", which Python does not know: give a file" );
			return copyOf( what, ( ( Path ) value ).toAbsolutePath().toString(), depth );
		}
		if ( value instanceof URI || value instanceof URL )
			return copyOf( what, value.toString(), depth );
		if ( value instanceof Collection )
			return copyOf( what, ( ( Collection< ? > ) value ).toArray(), depth );
		if ( value instanceof Object[] )
		{
			final List< Object > copies = new ArrayList<>();
			for ( final Object entry : ( Object[] ) value )
				copies.add( copyOf( what, entry, depth + 1 ) );
			return copies;
		}
		if ( value instanceof Map )
		{
			if ( isArray( ( Map< ?, ? > ) value ) )
				return copyOf( what, ( ( Map< ?, ? > ) value ).values(), depth );
			final Map< String, Object > copies = new LinkedHashMap<>();
			for ( final Map.Entry< ?, ? > entry : ( ( Map< ?, ? > ) value ).entrySet() )
			{
				if ( !( entry.getKey() instanceof CharSequence ) )
					throw new IllegalArgumentException( what + " has a map with " + described( entry.getKey() ) + " as a key, expected a string" );
				copies.put( ( String ) copyOf( what, entry.getKey(), depth + 1 ), copyOf( what, entry.getValue(), depth + 1 ) );
			}
			return copies;
		}
		if ( value.getClass().isArray() && !( value instanceof char[] ) )
		{
			final int length = Array.getLength( value );
			final Object copy = Array.newInstance( value.getClass().getComponentType(), length );
			System.arraycopy( value, 0, copy, 0, length );
			return copy instanceof byte[] ? new Values.Int8( ( byte[] ) copy ) : copy;
		}
		throw new IllegalArgumentException( what + " is or has " + described( value ) + "; " + ALLOWED );
	}

	/**
	 * @return whether the keys are 0, 1, … : arrays of Nashorn are such maps
	 */
	private static boolean isArray( final Map< ?, ? > map )
	{
		int next = 0;
		for ( final Object key : map.keySet() )
			if ( !String.valueOf( next++ ).equals( key ) )
				return false;
		return next > 0;
	}

	private static String whatOf( final String parameter )
	{
		return "The parameter \"" + parameter + "\"";
	}

	private static String described( final Object value )
	{
		return value == null ? "null" : "a value of type " + value.getClass().getTypeName();
	}
}
