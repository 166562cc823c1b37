# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Labels that blocks were given one by one become labels of the whole image.

Each cell has a range of labels of its own. Labels of neighbouring cells that belong together become one. In the end,
labels are numbered from 1 on, in the order of the first cell that has them, and of the label there. 0 is background.
So the result does not depend on the order in which blocks are computed.
"""

from __future__ import annotations

import importlib
import itertools
import operator
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from imglib2_cache_python.block import Block
from imglib2_cache_python.blockwise import compute_blocks
from imglib2_cache_python.geometry import Border, Cell, Grid, Window, dtype_of, per_axis, shape_of, widths

# Small arrays of contacts are joined when there are so many.
_MANY = 1024

# A table of all numbers up to the largest label is looked into directly if it has no more entries than this, or than
# the pixels times the next number.
_DENSE = 1 << 16
_DENSE_PER_PIXEL = 4

_NOT_YET = object()


class OverlappingGrid(Grid):
    """A grid whose cells include the halo around them, also outside of the image."""

    def __init__(
        self, shape: Sequence[int], cell: Sequence[int], halo: tuple[Sequence[int], Sequence[int]] | None = None
    ) -> None:
        """Divides an image.

        Args:
            shape: Of the image.
            cell: Size of a cell along each axis, without halo.
            halo: Widths before and after the cell, per axis; none by default.
        """
        super().__init__(shape, cell)
        none = (0,) * len(self.shape)
        self.lower, self.upper = (none, none) if halo is None else (tuple(halo[0]), tuple(halo[1]))

    def core(self, index: int) -> Cell:
        """The cell of that index without halo."""
        return super().__getitem__(index)

    def crop(self, index: int) -> tuple[slice, ...]:
        """Where the cell without halo is in the cell with it."""
        return tuple(slice(a, a + size) for a, size in zip(self.lower, self.core(index).dim, strict=True))

    def __getitem__(self, index: int) -> Cell:
        """The cell of that index with halo."""
        cell = self.core(index)
        return Cell(
            cell.index,
            tuple(map(operator.sub, cell.min, self.lower)),
            tuple(a + size + b for a, size, b in zip(self.lower, cell.dim, self.upper, strict=True)),
        )


class Merger:
    """Takes the labels of the cells, in any order, and finds out which belong together.

    Of a cell, it keeps which labels there are, and, until the neighbour at that side has come, those at each side. So
    what it needs does not grow with the pixels, but with the labels, and with the sides of cells. Thread-safe.
    """

    def __init__(self, grid: OverlappingGrid, connectivity: int = 1, overlap: float = 0) -> None:
        """Begins with no cells.

        Args:
            grid: The cells. Without halo, labels that touch belong together.
            connectivity: How many coordinates may differ between pixels that touch.
            overlap: Instead of touching: how much of the area that two labels have within the common part of two cells
                with halo, they must have in common.

        Raises:
            ImportError: scipy is not installed.
        """
        self._scipy = _scipy()
        self._grid = grid
        self._connectivity = connectivity
        self._overlap = overlap
        axes = len(grid.shape)
        steps = axes if overlap else connectivity
        self._directions = [
            one for one in itertools.product((-1, 0, 1), repeat=axes) if 0 < sum(map(abs, one)) <= steps
        ]
        self._labels: list[np.ndarray | None] = [None] * len(grid)
        self._sides: dict[tuple[int, tuple[int, ...]], Any] = {}
        self._contacts: list[np.ndarray] = []
        self._joined: list[np.ndarray] = []
        self._lock = threading.Lock()

    def add(self, index: int, pixels: np.ndarray) -> None:
        """Takes the labels of a cell. To take them again has no effect.

        Args:
            index: Of the cell.
            pixels: Its labels, with halo if the grid has one; the array is not kept.

        Raises:
            TypeError: They are no integers.
            ValueError: One is negative.
        """
        if self._labels[index] is not None:
            return
        own = distinct(pixels[self._grid.crop(index)])
        for direction in self._directions:
            neighbour = self._neighbour(index, direction)
            if neighbour is None:
                continue
            side = _positions(pixels[self._side(index, neighbour, direction)], own)
            with self._lock:
                other = self._sides.pop((neighbour, tuple(-one for one in direction)), _NOT_YET)
                if other is _NOT_YET:
                    self._sides[index, direction] = side
                    continue
            if side is not None and other is not None:
                found = self._overlapping(side, other) if self._overlap else self._touching(side, other, direction)
                self._keep(index, neighbour, found)
        with self._lock:
            self._labels[index] = own

    def _neighbour(self, index: int, direction: Sequence[int]) -> int | None:
        counts = self._grid.counts
        place = [p + step for p, step in zip(np.unravel_index(index, counts), direction, strict=True)]
        if any(not 0 <= p < count for p, count in zip(place, counts, strict=True)):
            return None
        return int(np.ravel_multi_index(place, counts))

    def _side(self, index: int, neighbour: int, direction: Sequence[int]) -> tuple[slice, ...]:
        """Which pixels of a cell are compared with those of a neighbour."""
        if not self._overlap:
            of = {-1: slice(0, 1), 0: slice(None), 1: slice(-1, None)}
            return tuple(of[step] for step in direction)
        one, other = self._grid[index], self._grid[neighbour]
        start = [max(a, b, 0) for a, b in zip(one.min, other.min, strict=True)]
        stop = [min(a + 1, b + 1, size) for a, b, size in zip(one.max, other.max, self._grid.shape, strict=True)]
        return tuple(slice(a - m, max(a, b) - m) for a, b, m in zip(start, stop, one.min, strict=True))

    def _touching(self, one: np.ndarray, other: np.ndarray, direction: Sequence[int]) -> np.ndarray:
        """Pairs of labels that touch, as positions among those of each cell."""
        left = self._connectivity - sum(map(abs, direction))
        found = []
        for shift in itertools.product(*((0,) if step else (-1, 0, 1) for step in direction)):
            if sum(map(abs, shift)) > left:
                continue
            a = one[tuple(slice(max(0, -s), size - max(0, s)) for s, size in zip(shift, one.shape, strict=True))]
            b = other[tuple(slice(max(0, s), size - max(0, -s)) for s, size in zip(shift, one.shape, strict=True))]
            found.append(_pairs(a, b)[0])
        return np.unique(np.concatenate(found), axis=0) if len(found) > 1 else found[0]

    def _overlapping(self, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        """The same for labels that have enough of their area in common."""
        pairs, common = _pairs(one, other)
        together = np.bincount(one.ravel())[pairs[:, 0]] + np.bincount(other.ravel())[pairs[:, 1]] - common
        return pairs[common >= self._overlap * together]

    def _keep(self, index: int, neighbour: int, found: np.ndarray) -> None:
        if not len(found):
            return
        contact = np.empty((len(found), 4), np.int64)
        contact[:, 0], contact[:, 1] = index, found[:, 0]
        contact[:, 2], contact[:, 3] = neighbour, found[:, 1]
        with self._lock:
            self._contacts.append(contact)
            if len(self._contacts) == _MANY:
                self._joined.append(np.concatenate(self._contacts))
                self._contacts = []

    def table(self) -> np.ndarray:
        """What has become of the labels: two rows, of dtype ``uint64``.

        The first row has the labels of all cells, one cell after the other, in the order of their indices: first a 0,
        for the background, then the labels in ascending order. The second row has the new label of each.

        Raises:
            RuntimeError: Cells are missing.
        """
        with self._lock:
            known = [one for one in self._labels if one is not None]
            contacts = np.concatenate([np.empty((0, 4), np.int64), *self._joined, *self._contacts])
        if len(known) != len(self._labels):
            raise RuntimeError(
                f"{len(self._labels) - len(known)} of {len(self._labels)} cells are missing: the Python that collected "
                "the labels has ended meanwhile; merge them again"
            )
        counts = np.array([1 + len(one) for one in known], np.int64)
        starts = np.cumsum(counts) - counts
        total = int(counts.sum())
        table = np.zeros((2, total), np.uint64)
        for start, one in zip(starts, known, strict=True):
            table[0, start + 1 : start + 1 + len(one)] = one
        # A label is a node of the graph, whose number is its place in the table.
        ends = starts[contacts[:, 0]] + contacts[:, 1], starts[contacts[:, 2]] + contacts[:, 3]
        graph = self._scipy.sparse.coo_matrix((np.ones(len(contacts), np.int8), ends), (total, total))
        _, groups = self._scipy.sparse.csgraph.connected_components(graph, directed=False)
        is_label = table[0] != 0
        _, first, inverse = np.unique(groups[is_label], return_index=True, return_inverse=True)
        numbers = np.empty(len(first), np.uint64)
        numbers[np.argsort(first)] = np.arange(1, len(first) + 1)
        table[1, is_label] = numbers[inverse.reshape(-1)]
        return table


def _scipy() -> Any:  # noqa: ANN401 - a module
    try:
        # By its name, because only this needs it.
        importlib.import_module("scipy.sparse.csgraph")
        return importlib.import_module("scipy")
    except ImportError as error:
        message = "labels are merged by scipy, which is not installed: run 'pip install scipy'"
        raise ImportError(message, name="scipy") from error


def _is_dense(top: int, size: int) -> bool:
    return top <= max(_DENSE, _DENSE_PER_PIXEL * size)


def distinct(pixels: np.ndarray) -> np.ndarray:
    """The labels in ascending order, as ``uint64``, without 0.

    Raises:
        TypeError: They are no integers.
        ValueError: One is negative.
    """
    require_labels(pixels.dtype, "the labels")
    if not pixels.size:
        return np.empty(0, np.uint64)
    if pixels.dtype.kind == "i" and pixels.min() < 0:
        raise ValueError(f"there is a label {pixels.min()}, expected 0 for the background, and labels from 1 on")
    top = int(pixels.max())
    if not _is_dense(top, pixels.size):
        found = np.unique(pixels)
        return found[found != 0].astype(np.uint64)
    present = np.zeros(top + 1, bool)
    present[pixels] = True
    present[0] = False
    return np.flatnonzero(present).astype(np.uint64)


def require_labels(dtype: np.dtype, what: str) -> None:
    """Raises a TypeError unless it is a dtype of integers."""
    if dtype.kind == "b":
        raise TypeError(f"{what} are of dtype bool, which is a mask: label its parts first, by scipy.ndimage.label")
    if dtype.kind not in "iu":
        raise TypeError(f"{what} are of dtype {dtype}, expected integers: 0 for the background, and labels from 1 on")


def _positions(pixels: np.ndarray, known: np.ndarray) -> np.ndarray | None:
    """The place of each label among those that are known, from 1 on, and 0 for all others; None if all are 0."""
    if not pixels.any() or not len(known):
        return None
    its = pixels.astype(np.uint64)
    at = np.searchsorted(known, its)
    at[at == len(known)] = 0
    return np.where(known[at] == its, at + 1, 0).astype(np.min_scalar_type(len(known)))


def _pairs(one: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Different pairs of numbers that are at the same place, none of them 0, and how often."""
    both = (one != 0) & (other != 0)
    factor = int(other.max(initial=0)) + 1
    codes, counts = np.unique(one[both].astype(np.int64) * factor + other[both], return_counts=True)
    return np.stack((codes // factor, codes % factor), axis=1), counts


def relabelled(pixels: np.ndarray, table: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """The new labels of a cell.

    Args:
        pixels: Labels.
        table: Of this cell, see `Merger.table`.
        dtype: Of the new labels.

    Raises:
        ValueError: A label is not in the table.
    """
    known, new = table
    if not pixels.size:
        return pixels.astype(dtype)
    top = int(known[-1])
    if pixels.min() < 0 or int(pixels.max()) > top:
        _raise_unknown(int(pixels.max() if pixels.min() >= 0 else pixels.min()))
    if _is_dense(top, pixels.size):
        by_label = np.zeros(top + 1, dtype)
        by_label[known] = new
        result = by_label[pixels]
        unknown = (result == 0) & (pixels != 0)
    else:
        its = pixels.astype(np.uint64)
        at = np.searchsorted(known, its)
        result = new[at].astype(dtype)
        unknown = known[at] != its
    if unknown.any():
        _raise_unknown(int(pixels[unknown][0]))
    return result


def _raise_unknown(label: int) -> None:
    raise ValueError(
        f"the label {label} was not there when labels were merged: the code of the labels must give a cell the same "
        "labels each time, so let random numbers depend on the cell alone"
    )


def merge_labels(
    labels: Any,  # noqa: ANN401 - anything that has a shape, a dtype and slices
    *,
    block_size: int | Sequence[int],
    connectivity: int = 1,
) -> np.ndarray:
    """Makes labels of the image of labels that each block has counted for itself.

    Labels of two blocks that touch become one:

    >>> import numpy as np
    >>> from scipy import ndimage
    >>> from imglib2_cache_python import map_blocks
    >>> from imglib2_cache_python.labels import merge_labels
    >>> mask = np.array([[1, 0, 1, 1, 0, 1],
    ...                  [1, 0, 0, 0, 0, 1]])
    >>> def label(pixels):
    ...     return ndimage.label(pixels)[0]
    >>> labels = map_blocks(label, mask, block_size=(2, 3), dtype=np.int32)
    >>> labels
    array([[1, 0, 2, 1, 0, 2],
           [1, 0, 0, 0, 0, 2]], dtype=int32)
    >>> merge_labels(labels, block_size=(2, 3))
    array([[1, 0, 2, 2, 0, 3],
           [1, 0, 0, 0, 0, 3]], dtype=uint32)

    Args:
        labels: Array of integers, or an object that has ``shape`` and ``dtype`` and gives arrays for slices. It is read
            block by block, twice.
        block_size: Size of the blocks that were labelled, in pixels: one number for all axes, or one per axis.
        connectivity: Pixels touch if at most so many of their coordinates differ, by 1: from 1, the default of
            ``scipy.ndimage.label``, to the number of axes, the default of ``skimage.measure.label``.

    Returns:
        A new array of dtype ``uint32``, or ``uint64`` if that is not enough: 0 is background, and labels are numbered
        from 1 on, in the order of the first block that has them (the last axis runs fastest), and of the label there.

    Raises:
        TypeError: The labels are no integers, or another argument is of a wrong type.
        ValueError: A label is negative, or another argument is wrong.
        ImportError: scipy is not installed.
    """
    shape = shape_of(labels, "the image of labels")
    require_labels(dtype_of(labels, "the image of labels"), "the labels")
    grid = OverlappingGrid(shape, per_axis("block_size", block_size, len(shape), 1))
    merger = Merger(grid, _checked_connectivity(connectivity, len(shape)))
    window = Window(labels, "the image of labels", grid, (grid.lower, grid.upper), Border("none"))
    for index in range(len(grid)):
        merger.add(index, window.read(grid[index]))
    return _result(grid, merger, lambda index: window.read(grid[index]))


def label_blocks(
    code_or_function: str | Callable[..., Any],
    *inputs: Any,  # noqa: ANN401 - anything that has a shape, a dtype and slices
    block_size: int | Sequence[int],
    halo: int | Sequence[int] | Sequence[Sequence[int]],
    overlap: float = 0.5,
    border: str | float = "mirror_double",
    dtype: Any = np.int32,  # noqa: ANN401 - as numpy.dtype takes it
    parameters: Mapping[str, Any] | None = None,
    workers: int = 1,
    progress: bool = False,
) -> np.ndarray:
    """Computes labels block by block, and makes labels of the image of them.

    Each block labels its halo, too, so that two neighbours have both labelled what is around their border. Labels of
    which enough is the same there become one.

    Args:
        code_or_function: Computes labels, as in `imglib2_cache_python.map_blocks`. Here, what it is asked for is the
            block with its halo: ``block.data`` and ``block.dim`` include it, and ``block.halo`` crops nothing.
        *inputs: As in ``map_blocks``.
        block_size: As in ``map_blocks``.
        halo: As in ``map_blocks``; about the size of an object.
        overlap: More than 0, at most 1. Where two blocks with their halo overlap, the area that two labels have in
            common there, divided by the area that at least one of them has there, must be so much.
        border: As in ``map_blocks``.
        dtype: Dtype of the labels of a block, which the code computes.
        parameters: As in ``map_blocks``.
        workers: As in ``map_blocks``.
        progress: As in ``map_blocks``.

    Returns:
        As in `merge_labels`.

    Raises:
        BlockError: As in ``map_blocks``; also if the code writes labels that are no such.
        TypeError, ValueError: An argument is wrong.
        ImportError: scipy is not installed.
    """
    if not inputs:
        raise TypeError("label_blocks has no input, expected one array or more: label_blocks(code, array, ...)")
    shape = shape_of(inputs[0], "input 0")
    its = np.dtype(dtype)
    require_labels(its, "the labels")
    around = widths(halo, len(shape))
    if not any(map(any, around)):
        raise ValueError(
            f"the halo is {halo!r}, so that blocks have nothing in common that could overlap: give one of about the "
            "size of an object, or use map_blocks and merge_labels"
        )
    grid = OverlappingGrid(shape, per_axis("block_size", block_size, len(shape), 1), around)
    merger = Merger(grid, overlap=checked_overlap(overlap))
    labels = np.empty(shape, its)

    def keep(cell: Cell, pixels: np.ndarray) -> None:
        merger.add(cell.index, pixels)
        labels[grid.core(cell.index).slices] = pixels[grid.crop(cell.index)]

    compute_blocks(
        code_or_function,
        inputs,
        grid,
        keep,
        its,
        halo=0,
        border=border,
        parameters=parameters,
        workers=workers,
        progress=progress,
    )
    return _result(grid, merger, lambda index: labels[grid.core(index).slices])


def _result(grid: OverlappingGrid, merger: Merger, read: Callable[[int], np.ndarray]) -> np.ndarray:
    table = merger.table()
    dtype = np.dtype(np.uint32 if table[1].max(initial=0) < 1 << 32 else np.uint64)
    result = np.empty(grid.shape, dtype)
    for index, part in enumerate(_parts(table)):
        result[grid.core(index).slices] = relabelled(read(index), part, dtype)
    return result


def _parts(table: np.ndarray) -> Iterator[np.ndarray]:
    """The part of each cell."""
    bounds = [*np.flatnonzero(table[0] == 0), table.shape[1]]
    for start, end in itertools.pairwise(bounds):
        yield table[:, start:end]


def _checked_connectivity(given: Any, axes: int) -> int:  # noqa: ANN401
    try:
        connectivity = operator.index(given)
    except TypeError:
        raise TypeError(f"connectivity is {given!r}, expected a whole number") from None
    if not 1 <= connectivity <= axes:
        raise ValueError(f"connectivity is {given}, expected 1 to {axes}, the number of axes")
    return connectivity


def checked_overlap(given: Any) -> float:  # noqa: ANN401
    """Raises a ValueError unless it is more than 0 and at most 1."""
    if not 0 < given <= 1:
        raise ValueError(f"overlap is {given!r}, expected more than 0, and at most 1")
    return float(given)


# ------------------------------------------------------------------------ for images in the JVM

# What a single worker has collected, by the number of the merging. When its thread ends, this does, too.
_local = threading.local()


class _Collected:
    """The cells of one merging, and then their table."""

    def __init__(self, merger: Merger) -> None:
        self.merger = merger
        self.table: np.ndarray | None = None


def _collections() -> dict[int, _Collected]:
    if not hasattr(_local, "collections"):
        _local.collections = {}
    return _local.collections


def _collected(key: int) -> _Collected:
    if key not in _collections():
        raise RuntimeError("all cells are missing: the Python that collected the labels has ended; merge them again")
    return _collections()[key]


def collect(
    labels: np.ndarray,
    block: Block,
    key: int,
    shape: np.ndarray,
    cell: np.ndarray,
    lower: np.ndarray,
    upper: np.ndarray,
    connectivity: int,
    overlap: float,
) -> np.ndarray:
    """Takes the labels of one cell, for an image that has one pixel per cell.

    Args:
        labels: Of the cell, with halo.
        block: Its index is that of the cell.
        key: Number of the merging.
        shape: Of the image of labels.
        cell: Size of its cells.
        lower: Halo before the cell.
        upper: Halo after the cell.
        connectivity: See `Merger`.
        overlap: See `Merger`.
    """
    if key not in _collections():
        halo = tuple(map(int, lower)), tuple(map(int, upper))
        grid = OverlappingGrid(tuple(map(int, shape)), tuple(map(int, cell)), halo)
        _collections()[key] = _Collected(Merger(grid, connectivity, overlap))
    _collected(key).merger.add(block.index, labels)
    return np.zeros(block.dim, np.uint8)


def totals(key: int) -> np.ndarray:
    """Makes the table of all that was collected.

    Returns:
        How many columns it has, and how many labels the image has now.
    """
    made = _collected(key).merger.table()
    _collected(key).table = made
    return np.array([made.shape[1], made[1].max(initial=0)], np.int64)


def table(block: Block, key: int) -> np.ndarray:
    """A part of the table, see `Merger.table`; after `totals`."""
    made = _collected(key).table
    if made is None:
        raise RuntimeError("the table is missing: the Python that collected the labels has ended; merge them again")
    start = block.min[1]
    return made[:, start : start + block.dim[1]]


def forget(key: int) -> np.ndarray:
    """Forgets what was collected."""
    _collections().pop(key, None)
    return np.zeros(1, np.int64)


def relabel(labels: np.ndarray, part: np.ndarray, block: Block) -> np.ndarray:
    """The new labels of a cell, by its part of the table."""
    return relabelled(labels, part, block.data.dtype)
