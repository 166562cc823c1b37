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

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.Component;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;

import javax.swing.JButton;
import javax.swing.JComponent;
import javax.swing.JLabel;
import javax.swing.SwingUtilities;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import bdv.util.BdvFunctions.Viewer;
import groovy.lang.Binding;
import groovy.lang.GroovyShell;
import net.imglib2.img.array.ArrayImgs;
import net.imglib2.img.basictypeaccess.FloatAccess;
import net.imglib2.img.cell.Cell;

/**
 * The script in {@code examples/bigdataviewer}, as it is, with something that stands in for
 * BigDataViewer, which is not on Maven Central. {@code doc/caches-and-viewers.md} says how it
 * was checked with BigDataViewer itself.
 */
@Timeout( 120 )
class BigDataViewerScriptTest
{
	private static final Path EXAMPLE = DocumentationTest.ROOT.resolve( "examples/bigdataviewer" );

	private static final int NUM_CELLS = 8;

	private static final float FILLED = 200;

	@TempDir
	private Path folder;

	private final Collection< String > log = new ConcurrentLinkedQueue<>();

	/**
	 * SciJava's service, as far as the script uses it.
	 */
	public final class Log
	{
		public void warn( final Object message )
		{
			log.add( message.toString() );
		}
	}

	@Test
	void cellsThatFailAreFilledAndReportedAndComputedAgainOnRequest() throws Exception
	{
		final Path file = folder.resolve( "code.py" );
		final Path gate = folder.resolve( "gate" );
		Files.write( file, Arrays.asList(
				"import os, time",
				"def compute(raw, block):",
				"    is_open = os.path.exists(" + quoted( gate ) + ")",
				"    if block.index == 1 and not is_open:",
				"        raise ValueError('the server is not there')",
				"    while block.index == 2 and not is_open:",
				"        time.sleep(0.01)",
				"    return raw + block.index" ) );
		final Binding script = run( file, 4 );
		final PythonImg< ? > img = ( PythonImg< ? > ) script.getVariable( "img" );
		final Viewer viewer = ( Viewer ) script.getVariable( "viewer" );

		assertEquals( List.of( 7f, FILLED, FILLED, 10f, 11f, 12f, 13f, 14f ), paint( viewer ) );
		assertTrue( log.stream().anyMatch( line -> line.contains( "the server is not there" ) ), log::toString );
		assertTrue( log.stream().anyMatch( line -> line.contains( "Cell 2 " ) && line.contains( "timeout of 4.0 s" ) ), log::toString );
		assertEquals( 2, log.size() );
		// With a number if another image has the name.
		assertTrue( Arrays.stream( folder.toFile().list() ).anyMatch( name -> name.matches( "compute.*-cell-1\\.npz" ) ), () -> Arrays.toString( folder.toFile().list() ) );
		assertEquals( "Cells that failed: 2", status( viewer ) );

		Files.createFile( gate );
		viewer.repaints.drainPermits();
		SwingUtilities.invokeAndWait( component( viewer, JButton.class )::doClick );
		assertTrue( viewer.repaints.tryAcquire( 60, TimeUnit.SECONDS ), "the viewer was not told" );
		assertEquals( List.of( 7f, 8f, 9f, 10f, 11f, 12f, 13f, 14f ), paint( viewer ) );
		assertEquals( NUM_CELLS, img.metrics().cellsComputed() );
		assertFalse( viewer.repaints.tryAcquire(), "the viewer goes on to paint" );
		assertEquals( "Cells that failed: 0", status( viewer ) );

		Files.write( file, Arrays.asList( "def compute(raw):", "    return raw * 2" ) );
		assertTrue( viewer.repaints.tryAcquire( 60, TimeUnit.SECONDS ), "the viewer was not told" );
		assertEquals( 14f, paint( viewer ).get( 2 ) );

		viewer.listener.get( 60, TimeUnit.SECONDS ).windowClosing( null );
		img.getCache().invalidateAll();
		assertThrows( RuntimeException.class, () -> img.getAt( 0, 0, 0 ) );
		assertFalse( viewer.repaints.tryAcquire(), "the viewer is closed" );
	}

	@Test
	void theCodeThatComesWithTheScriptRuns() throws Exception
	{
		final Binding script = run( EXAMPLE.resolve( "subtract_background.py" ), 60 );
		final Viewer viewer = ( Viewer ) script.getVariable( "viewer" );
		assertEquals( FILLED, paint( viewer ).get( 0 ) );
		assertTrue( log.iterator().next().contains( "there is nothing in this cell: all pixels are 7" ), log::toString );
		viewer.listener.get( 60, TimeUnit.SECONDS ).windowClosing( null );
	}

	private Binding run( final Path code, final int seconds ) throws Exception
	{
		final byte[] pixels = new byte[ 32 * 32 * 32 ];
		Arrays.fill( pixels, ( byte ) 7 );
		final Binding binding = new Binding();
		binding.setVariable( "input", ArrayImgs.unsignedBytes( pixels, 32, 32, 32 ) );
		binding.setVariable( "code", code.toFile() );
		binding.setVariable( "function", "compute" );
		binding.setVariable( "halo", 4 );
		binding.setVariable( "cellSize", 16 );
		binding.setVariable( "seconds", seconds );
		binding.setVariable( "darkest", 0. );
		binding.setVariable( "brightest", FILLED / 2. );
		binding.setVariable( "failures", folder.toFile() );
		binding.setVariable( "environment", ChildJvm.testPython().getParent().getParent().toFile() );
		binding.setVariable( "log", new Log() );
		new GroovyShell( binding ).evaluate( Files.readString( EXAMPLE.resolve( "show_in_bigdataviewer.groovy" ) ).replaceAll( "(?m)^#@.*$", "" ) );
		return binding;
	}

	/**
	 * @return the first pixel of each cell
	 */
	private static List< Float > paint( final Viewer viewer ) throws Exception
	{
		viewer.beginFrame();
		final Float[] pixels = new Float[ NUM_CELLS ];
		for ( int cell = 0; cell < NUM_CELLS; ++cell )
			viewer.view.get( cell );
		for ( int cell = 0; cell < NUM_CELLS; ++cell )
		{
			final Cell< ? > loaded = viewer.view.get( cell ).get( 60, TimeUnit.SECONDS );
			pixels[ cell ] = ( ( FloatAccess ) loaded.getData() ).getValue( 0 );
		}
		return Arrays.asList( pixels );
	}

	private static String status( final Viewer viewer ) throws Exception
	{
		// After what was asked for before.
		SwingUtilities.invokeAndWait( () -> {} );
		return component( viewer, JLabel.class ).getText();
	}

	private static < C extends Component > C component( final Viewer viewer, final Class< C > type ) throws Exception
	{
		final JComponent card = viewer.card.get( 60, TimeUnit.SECONDS );
		return Arrays.stream( card.getComponents() ).filter( type::isInstance ).map( type::cast ).findFirst().get();
	}

	private static String quoted( final Path path )
	{
		return "r'" + path + "'";
	}
}
