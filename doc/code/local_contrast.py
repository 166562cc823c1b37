"""How much brighter a pixel is than its neighbourhood."""

import numpy as np
from scipy import ndimage


def local_contrast(pixels: np.ndarray, sigma: float = 5) -> np.ndarray:
    """The pixels minus their mean, which is weighted by a Gaussian. Looks 4 * sigma far."""
    real = pixels.astype(np.float32)
    return real - ndimage.gaussian_filter(real, sigma)
