# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""The variable ``block``: the cell that a snippet computes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np


@dataclass
class Block:
    """One cell of the image and its inputs. A snippet gets it as the variable ``block``.

    All shapes and coordinates are in numpy order, which is the reverse of ImgLib2's order: an image of dimensions
    ``{4, 3, 2}`` in ImgLib2 has the shape ``(2, 3, 4)`` here. No pixel is moved for that.

    Attributes:
        data: The pixels of the cell. Write the result into it: ``block.data[...] = result``. Its shape is `dim`; pixels
            of several components have an additional last axis.
        inputs: One array per input, of the shape of the cell plus the halo. The arrays are read-only by default.
        index: Index of the cell in the grid (ImgLib2's flat index: the first ImgLib2 dimension runs fastest).
        min: Smallest coordinate of the cell in the image, without the halo.
        max: Largest coordinate of the cell in the image (inclusive), without the halo.
        dim: Number of pixels of the cell along each axis. Cells at the upper border of the image may be smaller.
        halo: Slices that crop the first input, and all that have the same halo, to the cell:
            ``block.inputs[0][block.halo]``. Inputs that have a halo of their own are cropped by `crops`.
        crops: For each input the slices that crop it to its part without halo, of as many axes as the input has; None
            for an input that has no such part: ``block.inputs[1][block.crops[1]]``.
        slices: Where the cell is in the image: ``array[block.slices]`` are its pixels in an array of the image's shape.
        rng: A `numpy.random.Generator` of this cell alone. It gives the same numbers each time that the cell is
            computed, by whatever worker and in whatever order; those of other cells are independent of them. They
            depend on the seed of the image (``PythonImgBuilder.seed``, ``map_blocks(..., seed=0)``) and on `index`.
    """

    # Instances have another one if the image has a seed. Not a field, which each block would spend time on.
    _seed: ClassVar[int] = 0

    data: np.ndarray
    inputs: list[np.ndarray]
    index: int
    min: tuple[int, ...]
    max: tuple[int, ...]
    dim: tuple[int, ...]
    halo: tuple[slice, ...]
    crops: Sequence[tuple[slice, ...] | None] = ()

    @cached_property
    def slices(self) -> tuple[slice, ...]:
        """Where the cell is in the image."""
        return halo_slices(self.min, self.dim)

    @cached_property
    def rng(self) -> np.random.Generator:
        """Random numbers of this cell."""
        return np.random.default_rng(np.random.SeedSequence(self._seed, spawn_key=(self.index,)))


def halo_slices(lower: Sequence[int], dim: Sequence[int]) -> tuple[slice, ...]:
    """Slices that crop a padded array to the cell.

    The stops count from the start of the array: a stop of ``-0``, counted from its end, would select nothing.

    Args:
        lower: Width of the halo before the cell, per axis.
        dim: Shape of the cell.
    """
    return tuple(slice(before, before + size) for before, size in zip(lower, dim, strict=True))
