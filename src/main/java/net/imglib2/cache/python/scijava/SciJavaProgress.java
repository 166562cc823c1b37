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
package net.imglib2.cache.python.scijava;

import java.util.Objects;

import org.scijava.Context;
import org.scijava.app.StatusService;
import org.scijava.service.SciJavaService;
import org.scijava.task.Task;
import org.scijava.task.TaskService;
import org.scijava.thread.ThreadService;

import net.imglib2.cache.python.PythonProgress;

/**
 * Shows progress in the status bar, by the {@code StatusService}. Where the application shows
 * tasks, by the {@code TaskService}, it is a task that the user can cancel there. A service
 * that the {@code Context} does not have is left out.
 *
 * <pre>{@code
 * image.compute( image, new SciJavaProgress( context, "Smoothing" ) );
 * }</pre>
 *
 * For one computation at a time.
 */
public final class SciJavaProgress implements PythonProgress
{
	private final StatusService status;

	private final TaskService tasks;

	private final ThreadService threads;

	private final String name;

	/**
	 * {@code null} when no computation runs, or there are no tasks.
	 */
	private Task task;

	private volatile boolean cancelled;

	/**
	 * Progress that the services of a {@code Context} show.
	 *
	 * @param context
	 * 		has the services
	 * @param name
	 * 		of what is done, stands before the numbers of cells
	 */
	public SciJavaProgress( final Context context, final String name )
	{
		status = Objects.requireNonNull( context, "context" ).getService( StatusService.class );
		tasks = context.getService( TaskService.class );
		threads = context.getService( ThreadService.class );
		this.name = Objects.requireNonNull( name, "name" );
	}

	@Override
	public void update( final long done, final long total )
	{
		final String message = name + ": " + done + " of " + total + " cells";
		// The status bar counts with int.
		final long unit = total / Integer.MAX_VALUE + 1;
		show( status, () -> status.showStatus( ( int ) ( done / unit ), ( int ) ( total / unit ), message ) );
		if ( tasks == null )
			return;
		final boolean begins = task == null;
		if ( begins )
		{
			task = tasks.createTask( name );
			task.setCancelCallBack( this::cancel );
		}
		final Task its = task;
		show( tasks, () -> {
			if ( begins )
			{
				its.setProgressMaximum( total );
				its.start();
			}
			its.setProgressValue( done );
			its.setStatusMessage( message );
		} );
	}

	/**
	 * Later, on the event thread. If this thread waited for it, an interrupt of this thread
	 * would get lost.
	 */
	private void show( final SciJavaService service, final Runnable action )
	{
		if ( service != null && threads != null )
			threads.queue( action );
	}

	/**
	 * Ends the computation that runs, and all later ones of this progress, before all cells
	 * are done. May be called by any thread.
	 */
	public void cancel()
	{
		cancelled = true;
	}

	@Override
	public boolean isCancelled()
	{
		return cancelled;
	}

	@Override
	public void ended()
	{
		final Task its = task;
		if ( its != null )
			show( tasks, its::finish );
		task = null;
		show( status, () -> status.clearStatus() );
	}
}
