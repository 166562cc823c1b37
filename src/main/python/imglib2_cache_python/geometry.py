# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Which blocks an image has, and which pixels of an input each of them sees.

Axes and widths are in numpy's order. The counterparts in Java are ``CellGrid``, ``Widths`` and ``Border``.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

# What blocks see outside of an input, by its name. `_outside` says what they are.
BORDERS = ("mirror_double", "mirror_single", "nearest", "periodic", "zero", "none")

_OF_OTHERS = (
    'what numpy.pad calls "symmetric" is mirror_double, "reflect" is mirror_single, "edge" is nearest, "wrap" is '
    "periodic, and constant values are a number"
)


@dataclass(frozen=True)
class Cell:
    """The part of the image that a block computes.

    Attributes:
        index: Its index in the grid; the last numpy axis, which is ImgLib2's first, runs fastest.
        min: Its smallest coordinate along each axis.
        dim: Its size along each axis.
    """

    index: int
    min: tuple[int, ...]
    dim: tuple[int, ...]

    @property
    def max(self) -> tuple[int, ...]:
        """Its largest coordinate along each axis, inclusive."""
        return tuple(m + d - 1 for m, d in zip(self.min, self.dim, strict=True))

    @property
    def slices(self) -> tuple[slice, ...]:
        """Where it is in the image."""
        return tuple(slice(m, m + d) for m, d in zip(self.min, self.dim, strict=True))


class Grid:
    """The cells of an image; those at its upper end may be smaller."""

    def __init__(self, shape: Sequence[int], cell: Sequence[int]) -> None:
        """Divides an image.

        Args:
            shape: Of the image.
            cell: Size of a cell along each axis; may be larger than the image.
        """
        self.shape = tuple(shape)
        self.cell = tuple(cell)
        self.counts = tuple(-(-size // its) for size, its in zip(shape, cell, strict=True))

    def __len__(self) -> int:
        """Number of cells."""
        return math.prod(self.counts)

    def __getitem__(self, index: int) -> Cell:
        """The cell of that index."""
        if not 0 <= index < len(self):
            raise IndexError(f"cell {index} of {len(self)}")
        position = index
        minimum, dim = [], []
        for count, size, its in zip(self.counts[::-1], self.shape[::-1], self.cell[::-1], strict=True):
            position, along = divmod(position, count)
            minimum.append(along * its)
            dim.append(min(its, size - along * its))
        return Cell(index, tuple(minimum[::-1]), tuple(dim[::-1]))


def per_axis(what: str, given: Any, axes: int, least: int) -> tuple[int, ...]:  # noqa: ANN401
    """Whole numbers, one per axis.

    Args:
        what: What messages call them.
        given: One number for all axes, or one per axis.
        axes: Number of axes.
        least: Smallest number that is allowed.

    Raises:
        TypeError: They are no whole numbers.
        ValueError: There are too many or too few of them, or one is too small.
    """
    try:
        numbers = tuple(operator.index(one) for one in (given if _is_many(given) else (given,)))
    except TypeError:
        raise TypeError(f"{what} is {given!r}, expected a whole number, or one for each axis") from None
    if len(numbers) not in (1, axes):
        raise ValueError(
            f"{what} is {given!r}, which are {len(numbers)} numbers, but the image has {axes} axes: give one number "
            "for all axes, or one per axis"
        )
    if min(numbers) < least:
        raise ValueError(f"{what} is {given!r}, expected {least} or more along each axis")
    return numbers * axes if len(numbers) == 1 else numbers


def widths(given: Any, axes: int) -> tuple[tuple[int, ...], tuple[int, ...]]:  # noqa: ANN401
    """Widths of a halo before and after the cell, per axis.

    Args:
        given: One number for all axes; one per axis; or two sequences of these, before and after the cell.
        axes: Number of axes.

    Raises:
        TypeError: They are no whole numbers.
        ValueError: There are too many or too few of them, or one is negative.
    """
    if _is_many(given) and len(given) == 2 and all(map(_is_many, given)):
        before = per_axis("the halo before the block", given[0], axes, 0)
        return before, per_axis("the halo after the block", given[1], axes, 0)
    both = per_axis("the halo", given, axes, 0)
    return both, both


def _is_many(given: Any) -> bool:  # noqa: ANN401
    return isinstance(given, (tuple, list)) or (isinstance(given, np.ndarray) and given.ndim > 0)


class Border:
    """What blocks see outside of an input."""

    def __init__(self, given: str | float) -> None:
        """Reads what the user gave.

        Args:
            given: One of `BORDERS`, in capitals or not, or a number.

        Raises:
            TypeError: It is neither a name nor a number.
            ValueError: There is none of that name.
        """
        self.value: Any = 0
        if isinstance(given, str):
            self.name = given.strip().lower().replace("-", "_")
            if self.name not in BORDERS:
                expected = ", ".join(BORDERS)
                raise ValueError(f"the border {given!r} does not exist, expected {expected}, or a number; {_OF_OTHERS}")
        elif isinstance(given, (int, float, np.integer, np.floating)) and not isinstance(given, bool):
            self.name, self.value = "value", given
        else:
            raise TypeError(f"the border is {given!r}, expected a number or one of {', '.join(BORDERS)}")

    @property
    def is_constant(self) -> bool:
        """Whether all pixels outside have the same value, whatever is inside."""
        return self.name in ("zero", "value")

    def __str__(self) -> str:
        """As the user may write it."""
        return str(self.value) if self.name == "value" else self.name


class Window:
    """An input, as blocks see it: a cell with the halo around it, and the border outside of the input.

    Only what a block needs is read, each pixel once. Slices have no steps and are inside of the input.
    """

    def __init__(
        self,
        source: Any,  # noqa: ANN401 - anything that has a shape, a dtype and slices
        what: str,
        grid: Grid,
        halo: tuple[tuple[int, ...], tuple[int, ...]],
        border: Border,
    ) -> None:
        """Checks the input; reads nothing.

        Args:
            source: The input.
            what: What messages call it.
            grid: The cells of the image.
            halo: Widths before and after the cell.
            border: What is outside of the input.

        Raises:
            TypeError: It is not like an array of numbers.
            ValueError: It does not fit the image, or the border does not fit it.
        """
        self.shape, self.dtype = shape_of(source, what), dtype_of(source, what)
        self._source, self._what, self._border = source, what, border
        self._lower, self._upper = halo
        if len(self.shape) != len(grid.shape):
            raise ValueError(
                f"{what} has the shape {self.shape}, with {len(self.shape)} axes, the image has {len(grid.shape)}: "
                "give it as many axes, for instance by array[np.newaxis]"
            )
        if any(its < size for its, size in zip(self.shape, grid.shape, strict=True)):
            raise ValueError(
                f"{what} has the shape {self.shape}, but the image of shape {grid.shape}, which is that of the first "
                "input, needs as many pixels of it along each axis: crop the first input, or pad this one"
            )
        if border.name == "none" and len(grid):
            ends = zip(self._lower, self._upper, grid.shape, self.shape, strict=True)
            if any(before or size + after > its for before, after, size, its in ends):
                raise ValueError(
                    f"{what} has the shape {self.shape}, but the blocks with their halo, {self._lower} before and "
                    f"{self._upper} after them, need more, and its border is none: choose a border"
                )
        self._constant = _as_pixel(border, self.dtype, what) if border.is_constant else None

    def read(self, cell: Cell) -> np.ndarray:
        """What the block of a cell sees, in native byte order, read-only. May be a view of the input.

        Raises:
            ValueError: The input does not give an array of the shape of its slices.
            Exception: What reading raises.
        """
        start = [m - before for m, before in zip(cell.min, self._lower, strict=True)]
        stop = [m + d + after for m, d, after in zip(cell.min, cell.dim, self._upper, strict=True)]
        inside = all(a >= 0 and b <= size for a, b, size in zip(start, stop, self.shape, strict=True))
        if inside:
            pixels = self._part([slice(a, b) for a, b in zip(start, stop, strict=True)])
        elif self._border.is_constant:
            pixels = self._in_constant(start, stop)
        else:
            pixels = self._extended(start, stop)
        # The flag of a new view: the user's array stays as it is.
        pixels = pixels[...]
        pixels.flags.writeable = False
        return pixels

    def _in_constant(self, start: Sequence[int], stop: Sequence[int]) -> np.ndarray:
        pixels = np.full([b - a for a, b in zip(start, stop, strict=True)], self._constant, self.dtype)
        part = [slice(max(a, 0), min(b, size)) for a, b, size in zip(start, stop, self.shape, strict=True)]
        target = tuple(slice(one.start - a, one.stop - a) for one, a in zip(part, start, strict=True))
        pixels[target] = self._part(part)
        return pixels

    def _extended(self, start: Sequence[int], stop: Sequence[int]) -> np.ndarray:
        axes = len(start)
        needed = [
            _coordinates(self._border.name, a, b, size) for a, b, size in zip(start, stop, self.shape, strict=True)
        ]
        runs = [_runs(coordinates) for coordinates in needed]
        read = np.empty([sum(b - a for a, b in along) for along in runs], self.dtype)
        for part in product(*(_placed(along) for along in runs)):
            read[tuple(place for place, _ in part)] = self._part([where for _, where in part])
        for axis in range(axes):
            found = np.unique(needed[axis])
            at = np.searchsorted(found, needed[axis])
            if len(at) != len(found) or (at != np.arange(len(at))).any():
                read = read.take(at, axis)
        return read

    def _part(self, part: Sequence[slice]) -> np.ndarray:
        expected = tuple(one.stop - one.start for one in part)
        pixels = np.asarray(self._source[tuple(part)])
        if pixels.shape != expected:
            bounds = ", ".join(f"{one.start}:{one.stop}" for one in part)
            raise ValueError(
                f"{self._what}[{bounds}] is an array of shape {pixels.shape}, expected {expected}: the input must keep "
                f"its shape, which was {self.shape}"
            )
        return pixels.astype(self.dtype, copy=False)


def shape_of(source: Any, what: str) -> tuple[int, ...]:  # noqa: ANN401
    """Shape of an input.

    Raises:
        TypeError: It has none, or no slices.
        ValueError: It is a single number.
    """
    shape = getattr(source, "shape", None)
    if isinstance(source, np.ma.MaskedArray):
        raise TypeError(f"{what} has a mask, which blocks would not see; give it values: array.filled(value)")
    if not isinstance(shape, Sequence) or not hasattr(source, "__getitem__"):
        raise TypeError(
            f"{what} is of type {type(source).__name__}, expected an array, or an object with shape, dtype and "
            "__getitem__; a list becomes an array by np.asarray(list)"
        )
    if not len(shape):
        raise ValueError(f"{what} is a single number, of shape (), expected one axis or more: make it a parameter")
    try:
        return tuple(map(operator.index, shape))
    except TypeError:
        message = f"{what} has the shape {tuple(shape)}, which is not known yet: compute the sizes of its chunks"
        raise TypeError(f"{message}, array.compute_chunk_sizes() in dask") from None


def dtype_of(source: Any, what: str) -> np.dtype:  # noqa: ANN401
    """Dtype of an input, in native byte order.

    Raises:
        TypeError: It has none, or one that is no kind of number.
    """
    dtype = getattr(source, "dtype", None)
    # Of tensorstore.
    return number_type(getattr(dtype, "numpy_dtype", dtype), what)


def number_type(given: Any, what: str) -> np.dtype:  # noqa: ANN401
    """A dtype of numbers, in native byte order.

    Raises:
        TypeError: It is none.
    """
    try:
        dtype = None if given is None else np.dtype(given)
    except TypeError:
        dtype = None
    if dtype is None:
        raise TypeError(f"{what} has the dtype {given!r}, which numpy does not know; convert it: np.asarray(array)")
    if dtype.kind not in "biufc":
        remedy = "convert it to numbers: array.astype('float64')"
        if dtype.names:
            remedy = f"choose one of its fields, {', '.join(map(repr, dtype.names))}"
        elif dtype.kind in "mM":
            remedy = "convert it to whole numbers: array.view('int64')"
        raise TypeError(f"{what} has the dtype {dtype}, but pixels are booleans or numbers: {remedy}")
    return dtype.newbyteorder("=")


def _coordinates(border: str, start: int, stop: int, size: int) -> np.ndarray:
    """Which pixels of the input are seen along an axis."""
    at = np.arange(start, stop)
    if border == "nearest":
        return at.clip(0, size - 1)
    if border == "periodic":
        return at % size
    if border == "mirror_double":
        at %= 2 * size
        return np.minimum(at, 2 * size - 1 - at)
    # A single pixel is its own mirror image.
    period = max(2 * size - 2, 1)
    at %= period
    return np.minimum(at, period - at) if size > 1 else at


def _runs(coordinates: np.ndarray) -> list[tuple[int, int]]:
    """The coordinates as intervals without gaps."""
    found = np.unique(coordinates)
    ends = np.flatnonzero(np.diff(found) > 1) + 1
    return [(int(run[0]), int(run[-1]) + 1) for run in np.split(found, ends)]


def _placed(runs: Sequence[tuple[int, int]]) -> list[tuple[slice, slice]]:
    """For each interval where it is among all of them, and where it is in the input."""
    placed, at = [], 0
    for start, stop in runs:
        placed.append((slice(at, at + stop - start), slice(start, stop)))
        at += stop - start
    return placed


def _as_pixel(border: Border, dtype: np.dtype, what: str) -> Any:  # noqa: ANN401
    """The value of a border; not one that only resembles it, except for the rounding of floating-point numbers."""
    value = border.value
    is_finite = isinstance(value, (int, np.integer)) or math.isfinite(value)
    with np.errstate(all="ignore"):
        if dtype.kind == "b":
            fits = value in (0, 1)
        elif dtype.kind in "iu":
            fits = is_finite and value == int(value) and np.iinfo(dtype).min <= value <= np.iinfo(dtype).max
        else:
            fits = not is_finite or bool(np.isfinite(np.asarray(value).astype(dtype)))
    if not fits:
        raise ValueError(
            f"{what} has the dtype {dtype}, which cannot have the value {value} of the border: choose another"
        )
    return np.asarray(int(value) if dtype.kind in "iu" else value).astype(dtype)
