# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Pictures of nuclei, and a StarDist model that is trained on them in seconds, for the page tasks/stardist.md."""

import numpy as np
import tensorflow as tf
from scipy import ndimage
from stardist.matching import matching
from stardist.models import Config2D, StarDist2D

# The workers use all cores already. All code of a process must say the same here.
tf.config.threading.set_intra_op_parallelism_threads(1)


def picture(size: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Makes an image of nuclei, some of which touch, and their labels."""
    random = np.random.default_rng(seed)
    image, labels = np.full((size, size), 20.0), np.zeros((size, size), np.int32)
    for _ in range(size * size // 250):
        y, x = random.uniform(0, size, 2)
        length, width = random.uniform(6, 11, 2)
        turn, brightness = random.uniform(0, np.pi), random.uniform(70, 180)
        window = tuple(slice(max(0, int(at) - 12), int(at) + 13) for at in (y, x))
        down, right = np.ogrid[window[0].start : min(window[0].stop, size), window[1].start : min(window[1].stop, size)]
        along = (right - x) * np.cos(turn) + (down - y) * np.sin(turn)
        across = (down - y) * np.cos(turn) - (right - x) * np.sin(turn)
        inside = (along / length) ** 2 + (across / width) ** 2 < 1
        if inside.any() and not labels[window][inside].any():
            labels[window][inside] = labels.max() + 1
            image[window][inside] = brightness
    blurred = ndimage.gaussian_filter(image, 1.5) + random.normal(0, 8, image.shape)
    return blurred.clip(0, 255).astype(np.uint8), labels


def image(size: int, seed: int) -> np.ndarray:
    """The image of `picture`."""
    return picture(size, seed)[0]


def truth(size: int, seed: int) -> np.ndarray:
    """The labels of `picture`."""
    return picture(size, seed)[1]


def train(folder: str) -> np.ndarray:
    """Writes a trained model into a folder, and returns one number: the F1 score for an image that it has not seen."""
    tf.keras.utils.set_random_seed(1)
    tf.keras.utils.disable_interactive_logging()
    images, labels = zip(*(picture(256, seed) for seed in range(1, 9)), strict=True)
    images = [one / 255 for one in images]
    config = Config2D(
        n_rays=16,
        grid=(2, 2),
        unet_n_depth=2,
        unet_n_filter_base=16,
        net_conv_after_unet=32,
        train_patch_size=(96, 96),
        train_learning_rate=2e-3,
        train_reduce_lr=None,
        train_tensorboard=False,
    )
    model = StarDist2D(config, name="nuclei", basedir=folder)
    model.train(images[1:], labels[1:], (images[:1], labels[:1]), seed=1, epochs=2, steps_per_epoch=100)
    found, _ = model.predict_instances(images[0], verbose=False)
    return np.array([matching(labels[0], found, thresh=0.5).f1])
