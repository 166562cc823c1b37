# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Arrays that are written block by block: zarr, OME-Zarr with a pyramid, and what takes ``array[slices] = pixels``."""

from __future__ import annotations

import importlib
import math
import os
import re
import shutil
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from itertools import product
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from imglib2_cache_python import ngff
from imglib2_cache_python.geometry import Grid, per_axis

# Attribute of a zarr array, or of the group of an OME-Zarr image, that says what is written there, and whether all is.
RECORD = "imglib2_cache_python"

# A block must be in memory.
_MAX_BLOCK_BYTES = 1 << 29

# Blocks of whole chunks and whole cells may be this large; else a cell may be part of several blocks.
_MAX_COMMON_BYTES = 1 << 26

# Files that zarr has not renamed yet, because its process was killed.
_PARTIAL = re.compile(r".*\.[0-9a-f]{32}\.partial")

# Where the Python is, and in which mode it runs, makes no difference to the pixels: programs on other machines go on.
_PLACE = re.compile(r"^(\s*Python: \S+) at .*", re.MULTILINE)

# Lines of a text that a message shows.
_MAX_LINES = 4


class SinkError(ValueError):
    """An array cannot be written like this: a setting is wrong, or what is there already is in the way."""


def _refusing(function: Callable[..., Any]) -> Callable[..., Any]:
    """What is wrong with a setting is a `SinkError`."""

    def checked(*arguments: Any, **keywords: Any) -> Any:  # noqa: ANN401
        try:
            return function(*arguments, **keywords)
        except SinkError:
            raise
        except (TypeError, ValueError) as error:
            raise SinkError(str(error)) from error

    return checked


@dataclass(frozen=True)
class Layout:
    """What a `ZarrSink` writes. Sequences are in numpy's order.

    Attributes:
        shape: Of the image.
        dtype: Its dtype, by name.
        chunks: Sizes of chunks.
        zarr_format: 2 or 3.
        ome: Version of OME-Zarr, or None for a plain array.
        axes: Names of the axes, if it is an OME-Zarr image.
        units: Their units.
        scale: Size of a pixel along each axis.
        levels: Number of images in the pyramid, with the whole one.
        steps: How much smaller each is than the one before it.
        downscale: How it is computed.
    """

    shape: tuple[int, ...]
    dtype: str
    chunks: tuple[int, ...]
    zarr_format: int
    ome: str | None = None
    axes: tuple[str, ...] | None = None
    units: tuple[str | None, ...] | None = None
    scale: tuple[float, ...] | None = None
    levels: int = 1
    steps: tuple[int, ...] | None = None
    downscale: str = "mean"

    @staticmethod
    @_refusing
    def of(
        shape: Sequence[int],
        dtype: Any,  # noqa: ANN401
        chunks: int | Sequence[int],
        *,
        ome: str | None = None,
        zarr_format: int | None = None,
        axes: Sequence[str] | None = None,
        units: Sequence[str | None] | str | None = None,
        scale: Sequence[float] | None = None,
        levels: int = 1,
        steps: Sequence[int] | None = None,
        downscale: str = "mean",
    ) -> Layout:
        """Checks what the user wants, and adds what he leaves open; see `ZarrSink`.

        Raises:
            SinkError: Something is wrong.
        """
        its = per_axis("the shape", shape, len(shape), 1)
        chunk = tuple(map(min, per_axis("the size of chunks", chunks, len(its), 1), its))
        kind = np.dtype(dtype)
        if kind.kind not in "biufc":
            raise SinkError(f"the image has pixels of dtype {kind}, expected booleans or numbers")
        if downscale not in ngff.DOWNSCALING:
            raise SinkError(f"downscale is {downscale!r}, expected one of {', '.join(map(repr, ngff.DOWNSCALING))}")
        if levels < 1:
            raise SinkError(f"the number of levels is {levels}, expected 1 or more: the whole image is the first one")
        if ome is None and (levels > 1 or not (axes is units is scale is steps is None)):
            ome = "0.4"
        if ome is None:
            format_ = 2 if zarr_format is None else zarr_format
            if format_ not in (2, 3):
                raise SinkError(f"the zarr format is {format_}, expected 2 or 3")
            return Layout(its, kind.name, chunk, format_)
        if ome not in ngff.ZARR_FORMATS:
            raise SinkError(f"the version of OME-Zarr is {ome!r}, expected one of {', '.join(ngff.ZARR_FORMATS)}")
        format_ = ngff.ZARR_FORMATS[ome]
        if zarr_format not in (None, format_):
            raise SinkError(f"OME-Zarr {ome} has the zarr format {format_}, not {zarr_format}: leave the format out")
        of_image = ngff.axes_of(len(its), axes, units)
        spatial = tuple(2 if axis.type == "space" else 1 for axis in of_image)
        step = spatial if steps is None else per_axis("the factor between levels", steps, len(its), 1)
        ngff.levels_of(its, levels, step)
        return Layout(
            its,
            kind.name,
            chunk,
            format_,
            ome,
            tuple(axis.name for axis in of_image),
            tuple(axis.unit for axis in of_image),
            (1.0,) * len(its) if scale is None else ngff.positive("the scale", scale, len(its)),
            levels,
            step,
            downscale,
        )

    @staticmethod
    def from_json(entries: Mapping[str, Any]) -> Layout:
        """What `to_json` has written."""
        names = {field.name for field in fields(Layout)}
        its = {name: tuple(value) if isinstance(value, list) else value for name, value in entries.items()}
        return Layout(**{name: value for name, value in its.items() if name in names})

    def to_json(self) -> dict[str, Any]:
        """For the attributes of an array."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    def of_levels(self) -> tuple[ngff.Level, ...]:
        """The images of the pyramid."""
        return ngff.levels_of(self.shape, self.levels, self.steps or (1,) * len(self.shape))

    def chunks_of(self, level: int) -> tuple[int, ...]:
        """Sizes of the chunks of a level."""
        return tuple(map(min, self.chunks, self.of_levels()[level].shape))


class ZarrSink:
    """A zarr array, or an OME-Zarr image with a pyramid, that is written block by block.

    Use it as a context: at its end, the other levels of a pyramid are computed, and the image is marked as complete.

    >>> import numpy as np, tempfile
    >>> from imglib2_cache_python.sinks import ZarrSink
    >>> with ZarrSink(tempfile.mkdtemp(), (60, 80), "uint8", 32, axes="yx", scale=(0.5, 0.5), levels=2) as sink:
    ...     for part in sink.missing():
    ...         sink[part] = 7
    >>> sink.is_complete, len(list(sink.missing()))
    (True, 0)

    If it is not complete, because the program was killed for instance, ``resume=True`` goes on: only `missing` parts
    are to be written. A chunk that is there is complete: zarr writes it into another file first, which it renames then.

    Attributes:
        path: The folder.
        layout: What is written.
        shape: Of the image.
        dtype: Of the image.
        chunks: Sizes of the chunks of the image.
        is_complete: Whether all is written.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        shape: Sequence[int],
        dtype: Any,  # noqa: ANN401 - as numpy.dtype takes it
        chunks: int | Sequence[int],
        *,
        ome: str | None = None,
        zarr_format: int | None = None,
        axes: Sequence[str] | None = None,
        units: Sequence[str | None] | str | None = None,
        scale: Sequence[float] | None = None,
        levels: int = 1,
        steps: Sequence[int] | None = None,
        downscale: str = "mean",
        provenance: str = "",
        resume: bool = False,
        overwrite: bool = False,
    ) -> None:
        """Makes the array, or opens one that is not complete.

        Sequences are in numpy's order.

        Args:
            path: A folder that does not exist, or is empty.
            shape: Of the image.
            dtype: Of the image.
            chunks: Sizes of chunks: one number for all axes, or one per axis.
            ome: ``0.4`` or ``0.5`` for an OME-Zarr image, which has the zarr format 2 or 3. By default a plain array,
                but ``0.4`` if one of the next arguments is given.
            zarr_format: Of a plain array, 2 by default.
            axes: Names of the axes: at most a time ``t``, at most a channel ``c`` or another one, then ``z``, ``y``,
                ``x``. By default the last ones of ``t, c, z, y, x``, but ``c, z, y, x`` if there are four.
            units: Units of the axes, for instance ``micrometer``; one text for all axes of space.
            scale: Size of a pixel along each axis; 1 by default.
            levels: Images of the pyramid, with the whole one.
            steps: How much smaller each level is than the one before it along each axis; by default, half of it along
                the axes of space.
            downscale: ``mean``; or ``nearest`` for labels, which takes one of the pixels.
            provenance: How the image is made. It is written into the attributes, and an image that is made in another
                way is not resumed.
            resume: Whether to go on with what is there, if anything is. Else it is an error.
            overwrite: Whether to delete the zarr array or group that is there.

        Raises:
            SinkError: An argument is wrong; or the folder has something else.
            ImportError: The package zarr is missing.
        """
        its = Layout.of(
            shape,
            dtype,
            chunks,
            ome=ome,
            zarr_format=zarr_format,
            axes=axes,
            units=units,
            scale=scale,
            levels=levels,
            steps=steps,
            downscale=downscale,
        )
        self._begin(Path(path), its, provenance, resume, overwrite)

    def _begin(self, path: Path, layout: Layout, provenance: str, resume: bool, overwrite: bool) -> None:
        if resume and overwrite:
            raise SinkError("resume and overwrite are both true: an image is either continued, or written anew")
        _require_zarr(layout.zarr_format)
        self.path = Path(os.path.abspath(path))
        record = {"complete": False, "layout": layout.to_json(), "provenance": provenance}
        if not _create(self.path, layout, record, resume, overwrite):
            record = _record(self.path)
            _require_same(self.path, record, layout, provenance)
        self._open(record)
        self._uncleaned = set(range(layout.levels)) if resume else set()

    @classmethod
    def of_layout(
        cls,
        path: str | os.PathLike[str],
        layout: Layout,
        provenance: str = "",
        *,
        resume: bool = False,
        overwrite: bool = False,
    ) -> ZarrSink:
        """The same as the constructor, for a layout."""
        sink = cls.__new__(cls)
        sink._begin(Path(path), layout, provenance, resume, overwrite)
        return sink

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> ZarrSink:
        """Opens what is there, for writing.

        Raises:
            SinkError: It was not made by this class.
        """
        sink = cls.__new__(cls)
        sink.path = Path(os.path.abspath(path))
        sink._open(_record(sink.path))
        return sink

    def _open(self, record: dict[str, Any]) -> None:
        self._record = record
        self.layout = Layout.from_json(record["layout"])
        self.shape = self.layout.shape
        self.dtype = np.dtype(self.layout.dtype)
        self.chunks = self.layout.chunks
        self._arrays: dict[int, Any] = {}
        # Levels where a process that was killed may have left files.
        self._uncleaned: set[int] = set()

    @property
    def is_complete(self) -> bool:
        """Whether all is written."""
        return bool(self._record["complete"])

    def __setitem__(self, part: Any, pixels: Any) -> None:  # noqa: ANN401
        """Writes a part of the image.

        Raises:
            SinkError: The part has not whole chunks: half of one would count as written.
        """
        bounds = _bounds(part, self.shape)
        if not all(
            lo % chunk == 0 and (hi % chunk == 0 or hi == size)
            for (lo, hi), chunk, size in zip(bounds, self.chunks, self.shape, strict=True)
        ):
            raise SinkError(
                f"a part from {tuple(lo for lo, _ in bounds)} to {tuple(hi for _, hi in bounds)} has not whole chunks, "
                f"which have the shape {self.chunks}: write parts that begin and end between chunks"
            )
        self.array(0)[tuple(slice(*one) for one in bounds)] = pixels

    def array(self, level: int) -> Any:  # noqa: ANN401 - a zarr array
        """The zarr array of a level, for writing."""
        if level not in self._arrays:
            self._arrays[level] = _open_array(self._folder(level))
        return self._arrays[level]

    def _folder(self, level: int) -> Path:
        return self.path / str(level) if self.layout.ome else self.path

    def grid(self, level: int = 0) -> Grid:
        """The chunks of a level."""
        return Grid(self.layout.of_levels()[level].shape, self.layout.chunks_of(level))

    def written(self, level: int = 0) -> np.ndarray:
        """Which chunks of a level are written: one boolean for each."""
        grid = self.grid(level)
        found = np.zeros(grid.counts, bool)
        folder = self._folder(level)
        clean = level in self._uncleaned
        for index in _chunks_in(folder if self.layout.zarr_format == 2 else folder / "c", grid.counts, clean):
            found[index] = True
        self._uncleaned.discard(level)
        return found

    def missing(self) -> list[tuple[slice, ...]]:
        """The parts of the image that are not written yet, one for each chunk."""
        grid = self.grid()
        return [grid[index].slices for index in np.flatnonzero(~self.written().ravel())]

    def is_written(self, part: Sequence[slice]) -> bool:
        """Whether all chunks of a part of the image are written."""
        return self._is_written(0, [(one.start, one.stop) for one in part])

    def _is_written(self, level: int, bounds: Sequence[tuple[int, int]]) -> bool:
        return all(_has_content(self._chunk_file(level, at)) for at in product(*self._chunks_of(level, bounds)))

    def written_within(self, level: int, bounds: Sequence[tuple[int, int]]) -> np.ndarray:
        """Which chunks of a part of a level are written: one boolean for each.

        It looks at these chunks only, while `written` looks at all there are.

        Args:
            level: The level.
            bounds: Where the part begins and ends along each axis.
        """
        along = self._chunks_of(level, bounds)
        found = [_has_content(self._chunk_file(level, at)) for at in product(*along)]
        return np.array(found, bool).reshape([len(one) for one in along])

    def _chunks_of(self, level: int, bounds: Sequence[tuple[int, int]]) -> list[range]:
        """Indices of the chunks of a part along each axis."""
        chunks = self.layout.chunks_of(level)
        return [range(lo // size, -(-hi // size)) for (lo, hi), size in zip(bounds, chunks, strict=True)]

    def part_of_level(self, level: int, bounds: Sequence[tuple[int, int]]) -> list[tuple[int, int]] | None:
        """The part of a level that is made of a part of the image, and of nothing else.

        Args:
            level: The level.
            bounds: Where the part of the image begins and ends along each axis.

        Returns:
            Where it begins and ends; None if it has not whole chunks, or needs more of the image.
        """
        its, chunks = self.layout.of_levels()[level], self.layout.chunks_of(level)
        part = []
        for axis, (lo, hi) in enumerate(bounds):
            unit = its.factors[axis] * chunks[axis]
            is_end = hi == self.shape[axis]
            if lo % unit or (hi % unit and not is_end):
                return None
            part.append((lo // its.factors[axis], its.shape[axis] if is_end else hi // its.factors[axis]))
        return part

    def _chunk_file(self, level: int, index: Sequence[int]) -> str:
        prefix = ("c",) if self.layout.zarr_format == 3 else ()
        return os.path.join(self._folder(level), *prefix, *map(str, index))

    def write(self, level: int, start: Sequence[int], pixels: np.ndarray) -> None:
        """Writes those chunks of a part of a level that are not written yet.

        Args:
            level: The level.
            start: Where the part begins, at the border of chunks.
            pixels: Of whole chunks, apart from the end of the image.
        """
        array = self.array(level)
        grid = Grid(pixels.shape, self.layout.chunks_of(level))
        for number in range(len(grid)):
            part = grid[number].slices
            bounds = [(at + one.start, at + one.stop) for at, one in zip(start, part, strict=True)]
            if not self._is_written(level, bounds):
                array[tuple(slice(*one) for one in bounds)] = pixels[part]

    def write_level(self, level: int, index: int) -> None:
        """Computes and writes a chunk of a level of the pyramid, of the level before it, whose part is written.

        Args:
            level: From 1 on.
            index: Of the chunk.
        """
        cell = self.grid(level)[index]
        if self._is_written(level, [(lo, lo + size) for lo, size in zip(cell.min, cell.dim, strict=True)]):
            return
        step = self.layout.of_levels()[level].step
        below = self.array(level - 1)[
            tuple(slice(lo * one, (lo + size) * one) for lo, size, one in zip(cell.min, cell.dim, step, strict=True))
        ]
        self.array(level)[cell.slices] = ngff.downscaled(np.asarray(below), step, self.layout.downscale)

    def finish(self) -> None:
        """Computes what is missing of the other levels, and marks the image as complete.

        Raises:
            SinkError: A part of the image is not written.
        """
        for level in range(self.layout.levels):
            missing = np.flatnonzero(~self.written(level).ravel())
            if missing.size and not level:
                raise SinkError(
                    f"{self.path} is not complete: {missing.size} of {len(self.grid())} chunks are not written, the "
                    f"first is {self.grid()[int(missing[0])].slices}"
                )
            for index in missing:
                self.write_level(level, int(index))
        self.mark_complete()

    def mark_complete(self) -> None:
        """Makes it a complete image; all levels are written."""
        self._change(complete=True)

    def mark_changed(self) -> None:
        """Notes that chunks may be of different images: it will never be resumed."""
        self._change(changed=True)

    def _change(self, **entries: bool) -> None:
        record = {**self._record, **entries}
        layout = self.layout
        content: dict[str, Any] = {}
        if layout.ome and record["complete"]:
            axes = ngff.axes_of(len(layout.shape), layout.axes, layout.units)
            scale = layout.scale or ()
            levels, method = layout.of_levels(), layout.downscale
            content = ngff.attributes(layout.ome, _name_of(self.path), axes, scale, levels, method)
        # In one step: either all of it is there, or nothing.
        _attributes(self.path).put({**content, RECORD: record})
        self._record = record

    def __enter__(self) -> ZarrSink:
        """The sink itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """Finishes the image, unless there was an exception."""
        if kind is None:
            self.finish()


def _bounds(part: Any, shape: Sequence[int]) -> list[tuple[int, int]]:  # noqa: ANN401
    """Where a part begins and ends along each axis."""
    given = part if isinstance(part, tuple) else (part,)
    if Ellipsis in given:
        at = given.index(Ellipsis)
        given = given[:at] + (slice(None),) * (len(shape) - len(given) + 1) + given[at + 1 :]
    slices = given + (slice(None),) * (len(shape) - len(given))
    if len(slices) != len(shape) or not all(isinstance(one, slice) and one.step in (None, 1) for one in slices):
        raise SinkError(f"a part is written by {len(shape)} slices with steps of 1, got {part!r}")
    return [one.indices(size)[:2] for one, size in zip(slices, shape, strict=True)]


# ------------------------------------------------------------------------------------------------------------- blocks


@_refusing
def block_size(cell: Sequence[int], unit: Sequence[int], shape: Sequence[int], item_bytes: int) -> tuple[int, ...]:
    """How large blocks are that no two of them have a chunk in common, and, if possible, no cell.

    Args:
        cell: Size of a cell, whose pixels are computed at the same time.
        unit: Size of what is written at the same time, a chunk or a shard.
        shape: Of the image.
        item_bytes: Size of a pixel.

    Raises:
        SinkError: A chunk is too large.
    """
    chunk = tuple(map(min, unit, shape))
    if math.prod(chunk) * item_bytes > _MAX_BLOCK_BYTES:
        raise SinkError(
            f"a chunk of the sink has the shape {chunk}, {math.prod(chunk) * item_bytes} bytes, and no two threads may "
            f"write into one: it would be in memory, where {_MAX_BLOCK_BYTES} are allowed; choose smaller chunks"
        )
    common = tuple(min(math.lcm(a, b), size) for a, b, size in zip(cell, chunk, shape, strict=True))
    if math.prod(common) * item_bytes <= max(_MAX_COMMON_BYTES, math.prod(chunk) * item_bytes):
        return common
    # Cells at the border of blocks are part of several.
    return tuple(min(b * max(1, round(a / b)), size) for a, b, size in zip(cell, chunk, shape, strict=True))


def blocks_written(written: np.ndarray, chunks: Sequence[int], block: Sequence[int]) -> np.ndarray:
    """Which blocks have all their chunks.

    Args:
        written: Whether each chunk is written.
        chunks: Size of a chunk.
        block: Size of a block: a multiple of that, or the whole image.
    """
    for axis, (size, one) in enumerate(zip(block, chunks, strict=True)):
        starts = np.arange(0, written.shape[axis], max(1, -(-size // one)))
        written = np.logical_and.reduceat(written, starts, axis=axis)
    return written


def unit_of(array: Any, what: str, shape: Sequence[int], dtype: Any) -> tuple[int, ...] | None:  # noqa: ANN401
    """What is written at the same time into an array: a shard or a chunk; None if there is nothing like that.

    Raises:
        SinkError: The array does not fit.
    """
    if not hasattr(type(array), "__setitem__"):
        raise SinkError(
            f"{what} gives a {type(array).__name__}, expected an array that is written by array[...] = pixels"
        )
    its = tuple(getattr(array, "shape", ()))
    if its != tuple(shape):
        raise SinkError(f"{what} has the shape {its}, but the image has {tuple(shape)}, in numpy's order of axes")
    # That of a TensorStore is no numpy dtype.
    found, wanted = np.dtype(getattr(array.dtype, "numpy_dtype", array.dtype)), np.dtype(dtype)
    if found.newbyteorder("=") != wanted:
        raise SinkError(f"{what} has the dtype {found}, but the image has {wanted}: make it with that dtype")
    if isinstance(array, np.ndarray) and not array.flags.writeable:
        raise SinkError(f"{what} is read-only: open it for writing, for instance with mode='r+'")
    chunks = getattr(array, "shards", None) or getattr(array, "chunks", None)
    try:
        return None if chunks is None else per_axis("the chunks", tuple(chunks), len(its), 1)
    except TypeError:
        raise SinkError(f"{what} has the chunks {chunks!r}, expected one size for each axis") from None


def is_written_by_many(array: Any) -> bool:  # noqa: ANN401
    """Whether several threads and processes can write into different chunks of an array at the same time.

    This is known of zarr arrays and of numpy's memory maps. Others, HDF5 files for instance, have one writer.
    """
    return isinstance(array, np.memmap) or type(array).__module__.partition(".")[0] == "zarr"


def require_fits(array: Any, shape: Sequence[int], dtype: np.dtype, block: Sequence[int] | None) -> None:  # noqa: ANN401
    """Raises if a result cannot be written into an array.

    Args:
        array: The array.
        shape: Of the result.
        dtype: Of the result.
        block: Size of the blocks that are written at the same time; None if they are written one after the other.

    Raises:
        SinkError: It does not fit, or two blocks would write into one chunk.
    """
    unit = unit_of(array, "out", shape, dtype)
    for axis, (size, chunk) in enumerate(zip(block or (), unit or (), strict=False)):
        if size % chunk and size < shape[axis]:
            raise SinkError(
                f"out has chunks of {unit}, so that several blocks of {tuple(block)} would write into one chunk, at "
                f"the same time perhaps: choose a block_size that is a multiple of {unit}"
            )


# --------------------------------------------------------------------------------------------------------------- zarr


def _zarr() -> Any:  # noqa: ANN401 - the module
    try:
        # By its name, because only this needs it.
        return importlib.import_module("zarr")
    except ImportError as error:
        raise ImportError(
            f"zarr arrays need the package zarr: run 'pip install zarr' ({error})", name="zarr"
        ) from error


def _is_old(zarr: Any) -> bool:  # noqa: ANN401
    return int(zarr.__version__.partition(".")[0]) < 3


def _require_zarr(zarr_format: int) -> None:
    zarr = _zarr()
    if zarr_format == 3 and _is_old(zarr):
        raise SinkError(
            f"zarr {zarr.__version__} does not write the zarr format 3, which OME-Zarr 0.5 has: install zarr 3, which "
            "needs Python 3.11; or write format 2, or OME-Zarr 0.4"
        )


def _is_there(path: Path) -> bool:
    """Whether something is there that must not get lost."""
    if path.is_dir():
        return any(path.iterdir())
    if path.exists() or path.is_symlink():
        raise SinkError(f"{path} is a file, expected a folder: choose another path")
    return False


def _is_zarr(path: Path) -> bool:
    return any((path / name).is_file() for name in (".zarray", ".zgroup", "zarr.json"))


def _create(path: Path, layout: Layout, record: Mapping[str, Any], resume: bool, overwrite: bool) -> bool:
    """Makes a sink.

    Returns:
        Whether it was made; if not, there is one that is to be resumed.
    """
    is_there = _is_there(path)
    if is_there and resume:
        return False
    if is_there and not overwrite:
        raise SinkError(
            f"{path} exists: choose another path; or resume, which goes on with an image that is not complete; or "
            "overwrite, which deletes it"
        )
    if is_there and not _is_zarr(path):
        raise SinkError(
            f"{path} has something else than a zarr array or group, and is not overwritten: delete it yourself"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    # Under another name first: nobody ever finds the half of it.
    made = path.with_name(f".{path.name}.{uuid.uuid4().hex}.partial")
    try:
        _make(made, layout, record)
        if is_there:
            old = made.with_suffix(".old")
            path.rename(old)
            made.rename(path)
            shutil.rmtree(old)
        else:
            if path.is_dir():
                path.rmdir()
            made.rename(path)
    except BaseException as error:
        shutil.rmtree(made, ignore_errors=True)
        # Another program has made it meanwhile.
        if resume and isinstance(error, OSError) and _is_there(path):
            return False
        raise
    return True


def _make(folder: Path, layout: Layout, record: Mapping[str, Any]) -> None:
    zarr = _zarr()
    attributes = {RECORD: dict(record)}
    old = _is_old(zarr)
    if layout.ome:
        if old:
            group = zarr.open_group(str(folder), mode="w")
        else:
            group = zarr.open_group(str(folder), mode="w", zarr_format=layout.zarr_format)
        group.attrs.put(attributes)
    for number, level in enumerate(layout.of_levels()):
        its = {"shape": level.shape, "chunks": layout.chunks_of(number), "dtype": layout.dtype}
        place = str(folder / str(number) if layout.ome else folder)
        if old:
            array = zarr.open_array(place, mode="w", dimension_separator="/", **its)
        else:
            names = {"dimension_names": layout.axes} if layout.axes and layout.zarr_format == 3 else {}
            keys = {"name": "v2" if layout.zarr_format == 2 else "default", "separator": "/"}
            array = zarr.create_array(place, zarr_format=layout.zarr_format, chunk_key_encoding=keys, **names, **its)
        if not layout.ome:
            array.attrs.put(attributes)


def _open_array(folder: Path) -> Any:  # noqa: ANN401
    """The array of a folder, which writes all chunks: those of zeros are to be found, too."""
    zarr = _zarr()
    if _is_old(zarr):
        return zarr.open_array(str(folder), mode="r+", write_empty_chunks=True)
    return zarr.open_array(str(folder), mode="r+").with_config({"write_empty_chunks": True})


def _attributes(path: Path) -> Any:  # noqa: ANN401
    return _zarr().open(str(path), mode="r+").attrs


def _record(path: Path) -> dict[str, Any]:
    record = dict(_attributes(path)).get(RECORD) if _is_zarr(path) else None
    if not isinstance(record, dict) or "layout" not in record:
        raise SinkError(
            f"{path} was not written by this library, and cannot be resumed: choose another path, or overwrite"
        )
    return record


def _require_same(path: Path, record: Mapping[str, Any], layout: Layout, provenance: str) -> None:
    remedy = "make the image as it was, choose another path, or overwrite"
    if record.get("changed"):
        raise SinkError(f"{path} cannot be resumed, because the image was changed while it was written: {remedy}")
    there, wanted = Layout.from_json(record["layout"]).to_json(), layout.to_json()
    different = [
        f"{name} is {there[name]} there, but {value} now" for name, value in wanted.items() if there[name] != value
    ]
    made, makes = (_PLACE.sub(r"\1", text) for text in (str(record.get("provenance", "")), provenance))
    if not different and made != makes:
        before, now = made.splitlines(), makes.splitlines()
        gone = [line.strip() for line in before if line not in now]
        new = [line.strip() for line in now if line not in before]
        different = [f"it is made in another way: {_shortened(gone)} there, but {_shortened(new)} now"]
    if different:
        raise SinkError(f"{path} is another image and cannot be resumed: {'; '.join(different)}; {remedy}")


def _shortened(lines: Sequence[str]) -> str:
    shown = " | ".join(lines[:_MAX_LINES]) + (" ..." if len(lines) > _MAX_LINES else "")
    return f'"{shown}"'


def _name_of(path: Path) -> str:
    name = path.name
    for suffix in (".zarr", ".ome"):
        name = name.removesuffix(suffix)
    return name


def _chunks_in(folder: str | Path, counts: Sequence[int], clean: bool) -> list[tuple[int, ...]]:
    """Indices of the chunks in a folder, whose folders are the axes.

    Args:
        folder: The folder.
        counts: Number of chunks along each axis.
        clean: Whether to delete what a killed process has left of chunks.
    """
    try:
        entries = list(os.scandir(folder))
    except FileNotFoundError:
        return []
    found = []
    for entry in entries:
        if clean and len(counts) == 1 and _PARTIAL.fullmatch(entry.name):
            os.unlink(entry.path)
        elif entry.name.isdecimal() and int(entry.name) < counts[0]:
            along = int(entry.name)
            if len(counts) > 1:
                found += [(along, *rest) for rest in _chunks_in(entry.path, counts[1:], clean)]
            elif _has_content(entry.path):
                found.append((along,))
    return found


def _has_content(file: str) -> bool:
    # After a loss of power, a file can be there without its content.
    try:
        return os.stat(file).st_size > 0
    except (FileNotFoundError, NotADirectoryError):
        return False
