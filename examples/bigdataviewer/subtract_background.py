# The code of each cell, for show_in_bigdataviewer.groovy: subtracts the background.
# While the viewer is open, change this file, save it, and the viewer shows what it computes now.
from scipy import ndimage

if raw.min() == raw.max():
    raise ValueError(f"there is nothing in this cell: all pixels are {raw.min()}")
pixels = raw.astype(np.float32)
background = ndimage.gaussian_filter(pixels, 4)
block.data[...] = (ndimage.gaussian_filter(pixels, 1) - background)[block.halo]
