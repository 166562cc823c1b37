# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""The workloads: all contestants compute the same, on the same pixels.

A workload is an image, its cells, and one or more steps. A step computes each cell from the same place, with a halo, in
the input (first step) or in the result of the step before. The image is extended by its mirror image, which repeats the
pixels at the border: numpy's "symmetric", dask's "reflect", ImgLib2's extendMirrorDouble.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

Index = tuple[slice, ...]
Arrays = list[np.ndarray]


@dataclass(frozen=True)
class Step:
    """The code that computes a cell: as a function that writes into the cell, and as a snippet for this library."""

    kernel: Callable[[Arrays, np.ndarray, Index], None]
    code: str


@dataclass(frozen=True)
class Workload:
    """A workload, see above. `shape` and `cell` are in numpy's order, and `cell` divides `shape`."""

    name: str
    title: str
    shape: tuple[int, ...]
    cell: tuple[int, ...]
    dtype: str
    steps: tuple[Step, ...]
    inputs: tuple[str, ...]
    halo: int = 0
    init: str = ""

    def resized(self, shape: tuple[int, ...], cell: tuple[int, ...] | None = None) -> Workload:
        """The same workload with another size of the image and of the cells."""
        return replace(self, shape=shape, cell=cell or self.cell)

    @property
    def num_cells(self) -> int:
        """Number of cells."""
        return math.prod(self.shape) // math.prod(self.cell)

    @property
    def input_bytes(self) -> int:
        """Bytes of the inputs."""
        return math.prod(self.shape) * sum(np.dtype(dtype).itemsize for dtype in self.inputs)

    @property
    def output_bytes(self) -> int:
        """Bytes of the results of all steps."""
        return math.prod(self.shape) * np.dtype(self.dtype).itemsize * len(self.steps)

    @property
    def padded_block_bytes(self) -> int:
        """Bytes of the inputs of a cell with its halo."""
        sizes = sum(np.dtype(dtype).itemsize for dtype in self.inputs)
        return math.prod(size + 2 * self.halo for size in self.cell) * sizes

    @property
    def crop(self) -> Index:
        """Slices that crop a cell with its halo to the cell."""
        return tuple(slice(self.halo, self.halo + size) for size in self.cell)

    @property
    def code(self) -> str:
        """The code of all steps, as `ContestantMain` expects it."""
        return "\v".join(step.code for step in self.steps)

    def cells(self) -> Iterator[Index]:
        """Slices of the cells, in the order of the grid."""
        return self._places(0)

    def padded_cells(self) -> Iterator[Index]:
        """Slices of the cells with their halo, in an array that is padded by the halo."""
        return self._places(2 * self.halo)

    def padded_cell(self, cell: Index) -> Index:
        """Slices of one cell with its halo, in an array that is padded by the halo."""
        return tuple(slice(part.start, part.stop + 2 * self.halo) for part in cell)

    def cell_at(self, grid_position: tuple[int, ...]) -> Index:
        """Slices of the cell at a position in the grid."""
        return tuple(slice(i * size, (i + 1) * size) for i, size in zip(grid_position, self.cell, strict=True))

    def padded(self, array: np.ndarray) -> np.ndarray:
        """The array with a mirrored border as wide as the halo."""
        return np.pad(array, self.halo, "symmetric") if self.halo else array

    def read_inputs(self, folder: Path) -> Arrays:
        """Reads the inputs that `write_inputs` has written."""
        paths = self.input_paths(folder)
        return [np.fromfile(path, dtype).reshape(self.shape) for path, dtype in zip(paths, self.inputs, strict=True)]

    def write_inputs(self, folder: Path) -> None:
        """Writes the files of the inputs that are missing."""
        for seed, (path, dtype) in enumerate(zip(self.input_paths(folder), self.inputs, strict=True)):
            if not path.exists():
                random = np.random.default_rng(seed)
                count = math.prod(self.shape)
                real = dtype == "f4"
                pixels = random.random(count, np.float32) if real else random.integers(0, 256, count, dtype)
                pixels.tofile(path)

    def input_paths(self, folder: Path) -> list[Path]:
        """Files of the inputs: pixels in C order."""
        size = "x".join(map(str, self.shape))
        return [folder / f"{dtype}-{size}-{i}.raw" for i, dtype in enumerate(self.inputs)]

    def _places(self, more: int) -> Iterator[Index]:
        axes = [
            [slice(start, start + step + more) for start in range(0, size, step)]
            for size, step in zip(self.shape, self.cell, strict=True)
        ]
        return itertools.product(*axes)


def gaussian(inputs: Arrays, cell: np.ndarray, crop: Index) -> None:
    """Smooths by a Gaussian of sigma 2."""
    from scipy import ndimage

    cell[...] = ndimage.gaussian_filter(inputs[0], 2)[crop]


def uniform(inputs: Arrays, cell: np.ndarray, crop: Index) -> None:
    """Means of 3 x 3 x 3 pixels."""
    from scipy import ndimage

    cell[...] = ndimage.uniform_filter(inputs[0], 3)[crop]


def copy(inputs: Arrays, cell: np.ndarray, crop: Index) -> None:
    """Copies."""
    cell[...] = inputs[0]


def add(inputs: Arrays, cell: np.ndarray, crop: Index) -> None:
    """Adds two inputs in the type of the result, which is wider."""
    np.add(inputs[0], inputs[1], out=cell, dtype=cell.dtype)


def root(inputs: Arrays, cell: np.ndarray, crop: Index) -> None:
    """First of three steps of W4, pixel by pixel."""
    np.sqrt(inputs[0], out=cell)


def exponential(inputs: Arrays, cell: np.ndarray, crop: Index) -> None:
    """Second of three steps of W4, pixel by pixel."""
    np.exp(inputs[0], out=cell)


def logarithm(inputs: Arrays, cell: np.ndarray, crop: Index) -> None:
    """Third of three steps of W4, pixel by pixel."""
    np.log1p(inputs[0], out=cell)


def constant(inputs: Arrays, cell: np.ndarray, crop: Index) -> None:
    """Ones."""
    cell[...] = 1


def count(inputs: Arrays, cell: np.ndarray, crop: Index) -> None:
    """About a millisecond of pure Python."""
    cell[...] = sum(i & 1 for i in range(20000)) & 255


def cosine(inputs: Arrays, cell: np.ndarray, crop: Index) -> None:
    """Cosines."""
    np.cos(inputs[0], out=cell)


def square(inputs: Arrays, cell: np.ndarray, crop: Index) -> None:
    """The square of a matrix."""
    np.matmul(inputs[0], inputs[0], out=cell)


_UNIFORM = Step(uniform, "block.data[...] = ndimage.uniform_filter(block.inputs[0], 3)[block.halo]")
_NDIMAGE = "from scipy import ndimage"

COPY = Workload(
    name="W1",
    title="copy, uint8, cells of 64²",
    shape=(4096, 4096),
    cell=(64, 64),
    dtype="u1",
    steps=(Step(copy, "block.data[...] = block.inputs[0]"),),
    inputs=("u1",),
)
GAUSSIAN = Workload(
    name="W2",
    title="gaussian, sigma 2, float32, cells of 64³, halo 8",
    shape=(256, 256, 256),
    cell=(64, 64, 64),
    dtype="f4",
    steps=(Step(gaussian, "block.data[...] = ndimage.gaussian_filter(block.inputs[0], 2)[block.halo]"),),
    inputs=("f4",),
    halo=8,
    init=_NDIMAGE,
)
ADD = Workload(
    name="W3",
    title="uint16 + uint16 → uint32, cells of 64³",
    shape=(256, 256, 256),
    cell=(64, 64, 64),
    dtype="u4",
    steps=(Step(add, "np.add(block.inputs[0], block.inputs[1], out=block.data, dtype=block.data.dtype)"),),
    inputs=("u2", "u2"),
)
CHAIN = Workload(
    name="W4",
    title="three images, each the input of the next, float32, cells of 64³, no halo",
    shape=(256, 256, 256),
    cell=(64, 64, 64),
    dtype="f4",
    steps=(
        Step(root, "np.sqrt(block.inputs[0], out=block.data)"),
        Step(exponential, "np.exp(block.inputs[0], out=block.data)"),
        Step(logarithm, "np.log1p(block.inputs[0], out=block.data)"),
    ),
    inputs=("f4",),
)
HALO_CHAIN = Workload(
    name="W4-halo",
    title="three images, each the input of the next, uniform filter 3³, float32, cells of 64³, halo 1",
    shape=(256, 256, 256),
    cell=(64, 64, 64),
    dtype="f4",
    steps=(_UNIFORM, _UNIFORM, _UNIFORM),
    inputs=("f4",),
    halo=1,
    init=_NDIMAGE,
)
VIEWING = Workload(
    name="W5",
    title="random slices through 256³ uint16, uniform filter 3³, cells of 32³, halo 1",
    shape=(256, 256, 256),
    cell=(32, 32, 32),
    dtype="u2",
    steps=(_UNIFORM,),
    inputs=("u2",),
    halo=1,
    init=_NDIMAGE,
)
FIRST_PIXEL = replace(GAUSSIAN, name="W6", title="first pixel of a gaussian", shape=(64, 64, 64))

CONSTANT = Workload(
    name="constant",
    title="ones",
    shape=(64, 6400),
    cell=(64, 64),
    dtype="u1",
    steps=(Step(constant, "block.data[...] = 1"),),
    inputs=(),
)
PURE_PYTHON = replace(
    CONSTANT,
    name="W7",
    title="a loop in Python, cells of 64²",
    steps=(Step(count, "block.data[...] = sum(i & 1 for i in range(20000)) & 255"),),
)
CRASH = replace(
    CONSTANT,
    name="W8",
    title="a fault in native code, in every second cell",
    shape=(64, 64 * 42),
    steps=(Step(constant, "block.data[...] = 1 if block.index % 2 else ctypes.string_at(0)"),),
    init="import ctypes",
)

# For scaling.py
COSINE = Workload(
    name="cosine",
    title="cosine",
    shape=(1 << 24,),
    cell=(1 << 18,),
    dtype="f4",
    steps=(Step(cosine, "np.cos(block.inputs[0], out=block.data)"),),
    inputs=("f4",),
)
MATRIX = Workload(
    name="matrix",
    title="square of a matrix",
    shape=(2048, 4096),
    cell=(512, 512),
    dtype="f4",
    steps=(Step(square, "np.matmul(block.inputs[0], block.inputs[0], out=block.data)"),),
    inputs=("f4",),
)

COMPARED = (COPY, GAUSSIAN, ADD, CHAIN, HALO_CHAIN, VIEWING, FIRST_PIXEL, PURE_PYTHON, CRASH)
WORKLOADS = {w.name: w for w in (*COMPARED, CONSTANT, COSINE, MATRIX)}
