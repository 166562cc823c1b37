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

import static java.util.stream.Collectors.toList;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.fail;

import java.io.IOException;
import java.lang.reflect.Constructor;
import java.lang.reflect.Executable;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;

/**
 * The public API against the one that is written down in {@code public-api.txt}:
 * users' programs, compiled or not, go on working with the next version.
 */
class PublicApiTest
{
	private static final Path BASE = Paths.get( System.getProperty( "project.basedir" ) );

	private static final Path WRITTEN_DOWN = BASE.resolve( "src/test/resources/net/imglib2/cache/python/public-api.txt" );

	private static final Path FOUND = BASE.resolve( "target/public-api.txt" );

	private static final Pattern INTERNAL = Pattern.compile( "\\bnet\\.imglib2\\.cache\\.python\\.(?!scijava\\.)[a-z]" );

	@Test
	void publicApiIsAsWrittenDown() throws Exception
	{
		final List< String > found = publicApi();
		final List< String > written = Files.readAllLines( WRITTEN_DOWN );
		Files.createDirectories( FOUND.getParent() );
		Files.write( FOUND, found );
		final List< String > removed = written.stream().filter( line -> !found.contains( line ) ).collect( toList() );
		final List< String > added = found.stream().filter( line -> !written.contains( line ) ).collect( toList() );
		if ( !found.equals( written ) )
			fail( "The public API has changed."
					+ "\nRemoved or changed, which breaks programs of users:\n  " + String.join( "\n  ", removed )
					+ "\nAdded, which has to stay from now on:\n  " + String.join( "\n  ", added )
					+ "\nIf that is intended:\n  cp " + BASE.relativize( FOUND ) + " " + BASE.relativize( WRITTEN_DOWN ) );
	}

	/**
	 * A user could do nothing with them, and they may change at any time.
	 */
	@Test
	void noTypeOfAnInternalPackageIsPublic() throws Exception
	{
		assertEquals( List.of(), publicApi().stream().filter( PublicApiTest::isInternal ).collect( toList() ) );
	}

	/**
	 * A line per class, constructor, method and field that users can see, sorted. Names are without
	 * the public package and {@code java.lang}.
	 */
	private static List< String > publicApi() throws IOException, URISyntaxException, ClassNotFoundException
	{
		final Set< String > lines = new TreeSet<>();
		for ( final Class< ? > type : publicClasses() )
		{
			lines.add( describe( type ) );
			for ( Class< ? > declaring = type; declaring != null && ( declaring == type || !isVisible( declaring.getModifiers() ) ); declaring = declaring.getSuperclass() )
			{
				for ( final Field field : declaring.getDeclaredFields() )
					if ( isVisible( field.getModifiers() ) && !field.isSynthetic() )
						lines.add( type.getName() + ": " + describe( field ) );
				for ( final Method method : declaring.getDeclaredMethods() )
					if ( isVisible( method.getModifiers() ) && !method.isSynthetic() )
						lines.add( type.getName() + ": " + describe( method, method.getGenericReturnType().getTypeName() + " " + method.getName() ) );
			}
			for ( final Constructor< ? > constructor : type.getDeclaredConstructors() )
			{
				final String line = type.getName() + ": " + describe( constructor, "new" );
				// All packages throw exceptions, so Java wants such a constructor to be public. No user can call it.
				final boolean forOurselves = Throwable.class.isAssignableFrom( type ) && isInternal( line );
				if ( isVisible( constructor.getModifiers() ) && !constructor.isSynthetic() && !forOurselves )
					lines.add( line );
			}
		}
		return lines.stream().map( line -> line.replaceAll( "\\bnet\\.imglib2\\.cache\\.python\\.(?=[A-Z])|\\bjava\\.lang\\.(?=[A-Z])", "" ) ).collect( toList() );
	}

	/**
	 * Whether a line has the name of a class that is in a package below the public one.
	 */
	private static boolean isInternal( final String line )
	{
		return INTERNAL.matcher( line ).find();
	}

	private static List< Class< ? > > publicClasses() throws IOException, URISyntaxException, ClassNotFoundException
	{
		final Path classes = Paths.get( PythonCacheLoader.class.getProtectionDomain().getCodeSource().getLocation().toURI() );
		final List< Class< ? > > found = new ArrayList<>();
		for ( final String name : List.of( "net.imglib2.cache.python.", "net.imglib2.cache.python.scijava." ) )
			try (Stream< Path > files = Files.list( classes.resolve( name.replace( '.', '/' ) ) ))
			{
				for ( final Path file : files.filter( file -> file.toString().endsWith( ".class" ) && !file.endsWith( "package-info.class" ) ).collect( toList() ) )
				{
					final Class< ? > type = Class.forName( name + file.getFileName().toString().replace( ".class", "" ), false, PublicApiTest.class.getClassLoader() );
					if ( isVisibleFromOutside( type ) )
						found.add( type );
				}
			}
		return found;
	}

	private static boolean isVisibleFromOutside( final Class< ? > type )
	{
		return isVisible( type.getModifiers() ) && ( type.getDeclaringClass() == null || isVisibleFromOutside( type.getDeclaringClass() ) );
	}

	private static boolean isVisible( final int modifiers )
	{
		return Modifier.isPublic( modifiers ) || Modifier.isProtected( modifiers );
	}

	private static String describe( final Class< ? > type )
	{
		final String kind = type.isInterface() ? "interface " : type.isEnum() ? "enum " : "class ";
		// That an enum is final depends on its constants, and no user sees it.
		final int modifiers = type.getModifiers() & ~( type.isInterface() ? Modifier.ABSTRACT | Modifier.INTERFACE | Modifier.STATIC : type.isEnum() ? Modifier.FINAL | Modifier.ABSTRACT | Modifier.STATIC : 0 );
		final String superclass = type.isInterface() || type.isEnum() || type.getSuperclass() == Object.class || !isVisible( type.getSuperclass().getModifiers() ) ? ""
				: " extends " + type.getGenericSuperclass().getTypeName();
		final String interfaces = type.getInterfaces().length == 0 ? "" : " implements " + names( type.getGenericInterfaces(), ", " );
		return type.getName() + ": " + Modifier.toString( modifiers ) + " " + kind + type.getSimpleName() + typeParameters( type.getTypeParameters() ) + superclass + interfaces;
	}

	/**
	 * With the value of a constant, which the compiler copies into users' programs.
	 */
	private static String describe( final Field field )
	{
		String value = "";
		if ( Modifier.isStatic( field.getModifiers() ) && Modifier.isFinal( field.getModifiers() ) && ( field.getType().isPrimitive() || field.getType() == String.class ) )
			try
			{
				value = " = " + field.get( null );
			}
			catch ( final IllegalAccessException e )
			{
				throw new AssertionError( e );
			}
		return Modifier.toString( field.getModifiers() ) + " " + field.getGenericType().getTypeName() + " " + field.getName() + value;
	}

	private static String describe( final Executable executable, final String name )
	{
		final int implementation = Modifier.SYNCHRONIZED | Modifier.NATIVE | Modifier.STRICT | Modifier.TRANSIENT | Modifier.VOLATILE;
		final String modifiers = Modifier.toString( executable.getModifiers() & ~implementation );
		final String isDefault = executable instanceof Method && ( ( Method ) executable ).isDefault() ? " default" : "";
		final String parameters = names( executable.getGenericParameterTypes(), ", " );
		final String varArgs = executable.isVarArgs() ? parameters.substring( 0, parameters.length() - 2 ) + "..." : parameters;
		final String exceptions = executable.getExceptionTypes().length == 0 ? "" : " throws " + names( executable.getGenericExceptionTypes(), ", " );
		final String typeParameters = typeParameters( executable.getTypeParameters() );
		return modifiers + isDefault + " " + ( typeParameters.isEmpty() ? "" : typeParameters + " " ) + name + "(" + varArgs + ")" + exceptions;
	}

	private static String typeParameters( final TypeVariable< ? >[] variables )
	{
		return variables.length == 0 ? "" : Arrays.stream( variables ).map( variable -> variable.getName() + ( variable.getBounds()[ 0 ] == Object.class ? "" : " extends " + names( variable.getBounds(), " & " ) ) ).collect( Collectors.joining( ", ", "<", ">" ) );
	}

	private static String names( final Type[] types, final String separator )
	{
		return Arrays.stream( types ).map( Type::getTypeName ).collect( Collectors.joining( separator ) );
	}
}
