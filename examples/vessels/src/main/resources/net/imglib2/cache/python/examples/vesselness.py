# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Segments the blood vessels in a photograph of the retina."""

from importlib.resources import files

import numpy as np
from scipy import ndimage
from skimage.filters import sato

# Vessels are dark ridges of about twice these widths, in pixels.
SIGMAS = (2, 3, 4)

# How far the result at a pixel depends on others. For each sigma, the filter
# takes the derivative of a Gaussian of sigma / sqrt(2), cut at 8 standard
# deviations, twice: 2 * 23 pixels for a sigma of 4.
HALO = 2 * int(8 * max(SIGMAS) / 2**0.5 + 0.5)

# A ridge of less contrast is texture, not a vessel.
CONTRAST = 2.5

# The dark surround of the photograph, and how near to it nothing is looked for.
DARK = 8
MARGIN = 15


def sample_image() -> str:
    """Path of the photograph that scikit-image contains."""
    return str(files("skimage") / "data" / "retina.jpg")


def vesselness(green: np.ndarray) -> np.ndarray:
    """Contrast of the vessel at each pixel of the green channel, 0 where there is none."""
    ridges = sato(green.astype(np.float32), SIGMAS, black_ridges=True)
    inside = ndimage.minimum_filter(green, size=2 * MARGIN + 1) > DARK
    return np.where(inside & (ridges > CONTRAST), ridges, np.float32(0))
