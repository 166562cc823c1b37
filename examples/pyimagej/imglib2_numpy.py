# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Pixels from numpy to ImgLib2 and back, in a JVM that JPype has started.

Axes are in numpy's order here. Copy this file, if you need it.
"""

from __future__ import annotations

from collections.abc import Sequence

import jpype
import jpype.nio
import numpy as np

# dtype: name in ArrayImgs, in the names of buffers, class of the pixels
_TYPES = {
    np.dtype(np.uint8): ("unsignedBytes", "Byte", "integer.UnsignedByteType"),
    np.dtype(np.uint16): ("unsignedShorts", "Short", "integer.UnsignedShortType"),
    np.dtype(np.int32): ("ints", "Int", "integer.IntType"),
    np.dtype(np.float32): ("floats", "Float", "real.FloatType"),
    np.dtype(np.float64): ("doubles", "Double", "real.DoubleType"),
}


def to_image(array: np.ndarray) -> jpype.JObject:
    """Return an image that has the memory of an array. A copy is made of arrays that are not contiguous only."""
    factory, kind, _ = _TYPES[array.dtype]
    memory = jpype.nio.convertToDirectBuffer(np.ascontiguousarray(array).reshape(-1).view(np.uint8))
    memory.order(jpype.JClass("java.nio.ByteOrder").nativeOrder())
    access = jpype.JClass(f"net.imglib2.img.basictypeaccess.nio.{kind}BufferAccess")(memory, True)
    return getattr(jpype.JClass("net.imglib2.img.array.ArrayImgs"), factory)(access, array.shape[::-1])


def to_numpy(
    image: jpype.JObject, lower: Sequence[int] | None = None, shape: Sequence[int] | None = None
) -> np.ndarray:
    """Return pixels of a lazy image, all by default. Its workers compute what is missing, in parallel."""
    dtype, kind = _pixels(image)
    shape = tuple(shape or image.dimensionsAsLongArray()[::-1])
    lower = tuple(lower or [0] * len(shape))
    interval = jpype.JClass("net.imglib2.FinalInterval").createMinSize([*lower[::-1], *shape[::-1]])
    summary = image.compute(interval)
    if summary.failed():
        raise summary.errors()[0]
    pixels = jpype.JArray(kind)(int(np.prod(shape)))
    jpype.JClass("net.imglib2.blocks.PrimitiveBlocks").of(image).copy(interval, pixels)
    return np.array(pixels).view(dtype).reshape(shape)


def cell(image: jpype.JObject, *position: int) -> np.ndarray:
    """Return the pixels of a cell, without a copy, by its position in the grid of cells."""
    found = image.getCells().getAt(jpype.JArray(jpype.JLong)(position[::-1]))
    shape = [found.dimension(d) for d in range(len(position))][::-1]
    pixels = np.asarray(found.getData().getCurrentStorageArray()).view(_pixels(image)[0]).reshape(shape)
    # The image has this memory, too.
    pixels.flags.writeable = False
    return pixels


def _pixels(image: jpype.JObject) -> tuple[np.dtype, type]:
    name = str(image.getType().getClass().getName())
    for dtype, (_, kind, pixel) in _TYPES.items():
        if name == f"net.imglib2.type.numeric.{pixel}":
            return dtype, getattr(jpype, f"J{kind}")
    raise TypeError(f"images of {name} are not in the table of {__name__}, which has {', '.join(map(str, _TYPES))}")
