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

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;

import com.sun.management.OperatingSystemMXBean;

/**
 * How much memory the machine has, and the control groups of this process allow. The
 * kernel kills whoever has more than a control group allows, without an error before.
 */
final class MachineMemory
{
	private MachineMemory()
	{}

	/**
	 * @return bytes that this process and its children can have
	 */
	static long available()
	{
		final long machine = ManagementFactory.getPlatformMXBean( OperatingSystemMXBean.class ).getTotalPhysicalMemorySize();
		return Math.min( machine, ofControlGroups( Paths.get( "/proc/self/cgroup" ), Paths.get( "/sys/fs/cgroup" ) ) );
	}

	/**
	 * @param groups
	 * 		file that names the groups of this process
	 * @param root
	 * 		where groups have their folders
	 * @return the smallest limit; {@link Long#MAX_VALUE} if there is none, or the system
	 *         has no such groups
	 */
	static long ofControlGroups( final Path groups, final Path root )
	{
		long limit = Long.MAX_VALUE;
		if ( Files.isReadable( groups ) )
			try
			{
				for ( final String line : new String( Files.readAllBytes( groups ), StandardCharsets.UTF_8 ).split( "\n" ) )
				{
					final String[] parts = line.split( ":", 3 );
					if ( parts.length == 3 && parts[ 1 ].isEmpty() )
						limit = Math.min( limit, smallest( root, parts[ 2 ], "memory.max" ) );
					else if ( parts.length == 3 && parts[ 1 ].equals( "memory" ) )
						limit = Math.min( limit, smallest( root.resolve( "memory" ), parts[ 2 ], "memory.limit_in_bytes" ) );
				}
			}
			catch ( final IOException e )
			{
				return limit;
			}
		return limit;
	}

	/**
	 * In a container the folder of the group may be missing, and the root be that of the
	 * container.
	 */
	private static long smallest( final Path root, final String group, final String file ) throws IOException
	{
		long limit = Long.MAX_VALUE;
		for ( Path folder = root.resolve( group.substring( 1 ) ).normalize(); folder != null && folder.startsWith( root ); folder = folder.getParent() )
		{
			final Path limits = folder.resolve( file );
			if ( Files.isReadable( limits ) )
				limit = Math.min( limit, number( new String( Files.readAllBytes( limits ), StandardCharsets.UTF_8 ).trim() ) );
		}
		return limit;
	}

	private static long number( final String text )
	{
		try
		{
			return Long.parseLong( text );
		}
		catch ( final NumberFormatException e )
		{
			// "max", or more than a long can hold
			return Long.MAX_VALUE;
		}
	}
}
