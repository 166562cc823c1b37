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

import java.lang.annotation.Annotation;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.Constructor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/**
 * Tells Java Flight Recorder of computed cells, where the JVM has it. As long as nobody
 * has started a recording in this JVM, nothing of it is loaded but one class.
 * <p>
 * By method handles: the library is compiled for Java 8, whose API does not have it.
 */
final class CellEvents
{
	/**
	 * Name of the events in recordings.
	 */
	static final String NAME = "net.imglib2.cache.python.Cell";

	/**
	 * {@code FlightRecorder.isInitialized()}; {@code null} if this JVM has no recorder.
	 */
	private static final MethodHandle IS_INITIALIZED = isInitialized();

	private CellEvents()
	{}

	/**
	 * @return whether somebody records; costs next to nothing if not
	 */
	static boolean areRecorded()
	{
		try
		{
			return IS_INITIALIZED != null && ( boolean ) IS_INITIALIZED.invokeExact() && Recorder.isEnabled();
		}
		catch ( final Throwable t )
		{
			return false;
		}
	}

	/**
	 * @param image
	 * 		name of the image
	 * @param cell
	 * 		index of the cell
	 * @param copyNanos
	 * 		how long it took to read and copy the inputs
	 * @param waitNanos
	 * 		how long the reader has waited
	 * @param pythonNanos
	 * 		how long of that the code ran
	 * @param failed
	 * 		whether it failed
	 */
	static void record( final String image, final long cell, final long copyNanos, final long waitNanos, final long pythonNanos, final boolean failed )
	{
		try
		{
			Recorder.record( image, cell, copyNanos, waitNanos, pythonNanos, failed );
		}
		catch ( final Throwable t )
		{
			// The cell is more important.
		}
	}

	private static MethodHandle isInitialized()
	{
		try
		{
			return MethodHandles.publicLookup().findStatic( Class.forName( "jdk.jfr.FlightRecorder" ), "isInitialized", MethodType.methodType( boolean.class ) );
		}
		catch ( final ReflectiveOperationException | LinkageError e )
		{
			return null;
		}
	}

	/**
	 * Loaded when somebody records.
	 */
	private static final class Recorder
	{
		/**
		 * A {@code jdk.jfr.EventFactory}; {@code null} if there can be none.
		 */
		private static final Object FACTORY;

		private static MethodHandle isEnabled;

		private static MethodHandle newEvent;

		private static MethodHandle set;

		private static MethodHandle commit;

		static
		{
			Object factory = null;
			try
			{
				factory = createFactory();
			}
			catch ( final Throwable t )
			{
				// A recorder that is switched off, for instance.
			}
			FACTORY = factory;
		}

		private static Object createFactory() throws Throwable
		{
			final Class< ? > factory = Class.forName( "jdk.jfr.EventFactory" );
			final Class< ? > event = Class.forName( "jdk.jfr.Event" );
			final Class< ? > eventType = Class.forName( "jdk.jfr.EventType" );
			final MethodHandles.Lookup lookup = MethodHandles.publicLookup();
			newEvent = lookup.findVirtual( factory, "newEvent", MethodType.methodType( event ) ).asType( MethodType.methodType( Object.class, Object.class ) );
			set = lookup.findVirtual( event, "set", MethodType.methodType( void.class, int.class, Object.class ) ).asType( MethodType.methodType( void.class, Object.class, int.class, Object.class ) );
			commit = lookup.findVirtual( event, "commit", MethodType.methodType( void.class ) ).asType( MethodType.methodType( void.class, Object.class ) );
			final List< Object > fields = Arrays.asList(
					field( String.class, "image", "Image", null ),
					field( long.class, "cell", "Cell", null ),
					field( long.class, "copyTime", "Copy Time", "NANOSECONDS" ),
					field( long.class, "waitTime", "Wait Time", "NANOSECONDS" ),
					field( long.class, "pythonTime", "Python Time", "NANOSECONDS" ),
					field( boolean.class, "failed", "Failed", null ) );
			final List< Object > annotations = Arrays.asList(
					annotation( "Name", NAME ),
					annotation( "Label", "Python Cell" ),
					annotation( "Category", new String[] { "ImgLib2", "Python" } ),
					annotation( "Description", "A cell that Python code has computed" ),
					annotation( "StackTrace", false ) );
			final Object created = lookup.findStatic( factory, "create", MethodType.methodType( factory, List.class, List.class ) ).invoke( annotations, fields );
			final Object type = lookup.findVirtual( factory, "getEventType", MethodType.methodType( eventType ) ).invoke( created );
			isEnabled = lookup.findVirtual( eventType, "isEnabled", MethodType.methodType( boolean.class ) ).bindTo( type );
			return created;
		}

		private static Object field( final Class< ? > type, final String name, final String label, final String unit ) throws Throwable
		{
			final List< Object > annotations = new ArrayList<>( Collections.singleton( annotation( "Label", label ) ) );
			if ( unit != null )
				annotations.add( annotation( "Timespan", unit ) );
			final Constructor< ? > constructor = Class.forName( "jdk.jfr.ValueDescriptor" ).getConstructor( Class.class, String.class, List.class );
			return constructor.newInstance( type, name, annotations );
		}

		private static Object annotation( final String name, final Object value ) throws Throwable
		{
			final Class< ? extends Annotation > type = Class.forName( "jdk.jfr." + name ).asSubclass( Annotation.class );
			return Class.forName( "jdk.jfr.AnnotationElement" ).getConstructor( Class.class, Object.class ).newInstance( type, value );
		}

		static boolean isEnabled() throws Throwable
		{
			return FACTORY != null && ( boolean ) isEnabled.invokeExact();
		}

		static void record( final Object... values ) throws Throwable
		{
			final Object event = newEvent.invokeExact( FACTORY );
			for ( int i = 0; i < values.length; ++i )
				set.invokeExact( event, i, values[ i ] );
			commit.invokeExact( event );
		}
	}
}
