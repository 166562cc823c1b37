#@ Img (label="Image") input
#@ File (label="Python file") code
#@ String (label="Function in it", value="compute") function
#@ Integer (label="Halo", value=16) halo
#@ Integer (label="Size of cells", value=64) cellSize
#@ Integer (label="Timeout for a cell, in seconds", value=10) seconds
#@ Double (label="Darkest value", value=0) darkest
#@ Double (label="Brightest value", value=100) brightest
#@ File (label="Folder for blocks that fail", style="directory") failures
#@ File (label="Python environment", style="directory") environment
#@ LogService log

// Shows in BigDataViewer what a Python function computes of an image, cell by cell. Cells that fail, or take too
// long, are white and flat; the log says why. In the side panel, a button computes them again. When the
// Python file is saved, the viewer shows what it computes now.

import bdv.cache.CacheControl
import bdv.cache.SharedQueue
import bdv.ui.BdvDefaultCards
import bdv.util.Bdv
import bdv.util.BdvFunctions
import bdv.util.volatiles.VolatileViews
import java.awt.GridLayout
import java.time.Duration
import java.util.concurrent.ConcurrentLinkedQueue
import javax.swing.*
import net.imglib2.cache.python.PythonEnvironment
import net.imglib2.cache.python.PythonImg
import net.imglib2.type.numeric.real.FloatType

failed = new TreeSet().asSynchronized()
status = new JLabel()
showStatus = { SwingUtilities.invokeLater { status.text = "Cells that failed: " + failed.size() } }

img = PythonImg.builder(code.path + ":" + function)
	.watch(true)
	.input("raw", input)
	.halo(halo)
	.type(new FloatType())
	.cellSize(cellSize)
	.timeout(Duration.ofSeconds(seconds))
	// Twice the brightest value: nothing that is computed looks like this.
	.onErrorFill(new FloatType((float) (2 * brightest)), { error ->
		failed.add(error.index)
		showStatus()
		log.warn(error.message)
	})
	.captureFailures(failures.toPath())
	.environment(PythonEnvironment.at(environment.toPath()))
	.build()

// The viewer never waits for Python: these threads load the cells that it looks at.
fetchers = new SharedQueue(4)
view = VolatileViews.wrapAsVolatile(img, fetchers)
options = img.numDimensions() == 2 ? Bdv.options().is2D() : Bdv.options()
source = BdvFunctions.show(view, code.name, options)
source.setDisplayRange(darkest, brightest)
viewer = source.bdvHandle

// The viewer keeps cells of its own. It has to drop those that are computed again: after retryFailed(),
// invalidate(), or new code. It must not do so while it paints. So it does when it begins to paint.
changed = new ConcurrentLinkedQueue()
painter = null
stopListening = img.onInvalidate { cells ->
	// The viewer's cache invalidates the image, too. That is no news.
	if (Thread.currentThread() != painter) {
		failed.removeIf(cells)
		showStatus()
		changed.add(cells)
		viewer.viewerPanel.requestRepaint()
	}
}
shown = view.volatileViewData.img.cache
viewer.cacheControls.addCacheControl({
	painter = Thread.currentThread()
	for (cells = changed.poll(); cells != null; cells = changed.poll())
		shown.invalidateIf(cells)
} as CacheControl)

retry = new JButton("Compute them again")
retry.addActionListener { img.retryFailed() }
panel = new JPanel(new GridLayout(0, 1))
panel.add(status)
panel.add(retry)
showStatus()
SwingUtilities.invokeLater {
	viewer.cardPanel.addCard("Python", panel, true)
	// So that there is room for the new card.
	viewer.cardPanel.setCardExpanded(BdvDefaultCards.DEFAULT_SOURCEGROUPS_CARD, false)
	viewer.splitPanel.setCollapsed(false)
}

viewer.bigDataViewer.viewerFrame.windowClosing = {
	stopListening.run()
	fetchers.shutdown()
	img.close()
}
