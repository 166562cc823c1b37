# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Segments the blood vessels in a photograph of the retina."""

from importlib.resources import files

import numpy as np
from scipy import ndimage
from skimage.filters import sato

# Vessels are dark ridges of about twice these widths, in pixels.
SIGMAS = (2, 3, 4)

# The result at a pixel depends on the pixels within this distance. For each
# sigma, the filter applies twice the derivative of a Gaussian of
# sigma / sqrt(2), truncated at 8 standard deviations: 2 * 23 pixels for a
# sigma of 4.
HALO = 2 * int(8 * max(SIGMAS) / 2**0.5 + 0.5)

# A ridge with less contrast counts as texture, not as a vessel.
CONTRAST = 2.5

# Pixels up to this brightness are the dark area around the retina. Vessels
# that are nearer to this area than the margin, in pixels, are ignored.
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
