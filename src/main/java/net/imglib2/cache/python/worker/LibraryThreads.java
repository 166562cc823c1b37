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
package net.imglib2.cache.python.worker;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.Field;
import java.security.AccessControlContext;
import java.security.AccessController;
import java.security.PrivilegedAction;
import java.security.ProtectionDomain;

/**
 * Makes the threads of this library. They live long, so they must inherit nothing from
 * the thread that happens to make them: its objects would live as long. By default, a
 * thread keeps its maker's inheritable thread locals, the maker's context class loader,
 * and, by its access control context, the class loaders of all classes on the maker's
 * stack, such as that of a script.
 */
public final class LibraryThreads
{
	/**
	 * A group of their own, because whoever made the queue may interrupt all threads of
	 * its group, as Fiji does when it stops a script.
	 */
	private static final ThreadGroup GROUP = new ThreadGroup( rootGroup(), "imglib2-cache-python" );

	private static final AccessControlContext NO_CONTEXT = new AccessControlContext( new ProtectionDomain[ 0 ] );

	/**
	 * {@code Thread( group, target, name, stackSize, inheritThreadLocals )}, since
	 * Java 9; else {@code null}.
	 */
	private static final MethodHandle WITHOUT_LOCALS = constructorWithoutLocals();

	/**
	 * {@code Thread.isVirtual()}, since Java 21; else {@code null}.
	 */
	private static final MethodHandle IS_VIRTUAL = isVirtualMethod();

	/**
	 * Lets the JVM choose.
	 */
	private static final long USUAL_STACK_SIZE = 0;

	private LibraryThreads()
	{}

	/**
	 * @param name
	 * 		name of the thread
	 * @param target
	 * 		what it runs
	 * @return a daemon thread, not started
	 */
	public static Thread create( final String name, final Runnable target )
	{
		return create( name, target, USUAL_STACK_SIZE );
	}

	/**
	 * @param name
	 * 		name of the thread
	 * @param target
	 * 		what it runs
	 * @param stackSize
	 * 		in bytes
	 * @return a daemon thread, not started
	 */
	public static Thread create( final String name, final Runnable target, final long stackSize )
	{
		final PrivilegedAction< Thread > create = () -> withoutLocals( target, name, stackSize );
		final Thread thread = AccessController.doPrivileged( create, NO_CONTEXT );
		thread.setContextClassLoader( LibraryThreads.class.getClassLoader() );
		thread.setDaemon( true );
		return thread;
	}

	/**
	 * @return whether the calling thread is virtual: if it yields, others can keep it from
	 *         going on for as long as they like
	 */
	static boolean isThisVirtual()
	{
		try
		{
			return IS_VIRTUAL != null && ( boolean ) IS_VIRTUAL.invokeExact( Thread.currentThread() );
		}
		catch ( final Throwable t )
		{
			return false;
		}
	}

	private static MethodHandle isVirtualMethod()
	{
		try
		{
			return MethodHandles.publicLookup().findVirtual( Thread.class, "isVirtual", MethodType.methodType( boolean.class ) );
		}
		catch ( final ReflectiveOperationException e )
		{
			return null;
		}
	}

	private static Thread withoutLocals( final Runnable target, final String name, final long stackSize )
	{
		try
		{
			if ( WITHOUT_LOCALS != null )
				return ( Thread ) WITHOUT_LOCALS.invokeExact( GROUP, target, name, stackSize, false );
			final Thread thread = new Thread( GROUP, target, name, stackSize );
			final Field locals = Thread.class.getDeclaredField( "inheritableThreadLocals" );
			locals.setAccessible( true );
			locals.set( thread, null );
			return thread;
		}
		catch ( final RuntimeException | Error e )
		{
			throw e;
		}
		catch ( final Throwable t )
		{
			throw new IllegalStateException( "a thread could not be made", t );
		}
	}

	private static MethodHandle constructorWithoutLocals()
	{
		try
		{
			return MethodHandles.publicLookup().findConstructor( Thread.class,
					MethodType.methodType( void.class, ThreadGroup.class, Runnable.class, String.class, long.class, boolean.class ) );
		}
		catch ( final ReflectiveOperationException e )
		{
			// Java 8
			return null;
		}
	}

	private static ThreadGroup rootGroup()
	{
		ThreadGroup group = Thread.currentThread().getThreadGroup();
		while ( group.getParent() != null )
			group = group.getParent();
		return group;
	}
}
