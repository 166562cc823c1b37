# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""What show_in_bigdataviewer.groovy shows. While the viewer is open, change this file, and save it."""

import numpy as np
from scipy import ndimage


def compute(raw: np.ndarray) -> np.ndarray:
    """Return a cell, and the halo around it, without its background."""
    if raw.min() == raw.max():
        raise ValueError(f"there is nothing in this cell: all pixels are {raw.min()}")
    pixels = raw.astype(np.float32)
    return ndimage.gaussian_filter(pixels, 1) - ndimage.gaussian_filter(pixels, 4)
