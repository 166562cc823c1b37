# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""What ``PythonImg.writeTo`` does in Python: it prepares a sink, writes blocks into it, and marks it as complete."""

from __future__ import annotations

import functools
import mmap
from collections.abc import Sequence
from contextlib import closing
from typing import Any

import numpy as np

from imglib2_cache_python.block import Block
from imglib2_cache_python.settings import Opened
from imglib2_cache_python.sinks import (
    Layout,
    SinkError,
    ZarrSink,
    block_size,
    blocks_written,
    is_written_by_many,
    unit_of,
)
from imglib2_cache_python.sources import OpenedObject, described

# Packages whose arrays are in memory, or change in memory only.
_IN_MEMORY = ("dask", "xarray", "torch", "cupy", "jax", "jaxlib", "cubed")


def prepare(wanted: dict[str, Any]) -> dict[str, Any]:
    """Makes or opens a sink.

    Args:
        wanted: What Java says about the image and the sink. ``part`` says where the part of the image begins and ends
            along each axis that is to be written; None is the whole image.

    Returns:
        ``refused``: what is wrong with the settings. Or else ``levels``: for each the ``bounds`` of what is to be
        written, the size of a ``block``, and which are ``written``, as bits; and whether many threads and processes
        can write at the same time (``many``).
    """
    try:
        return _prepare_array(wanted) if "opened" in wanted else _prepare_zarr(wanted)
    except SinkError as error:
        return {"refused": str(error)}


def _prepare_zarr(wanted: dict[str, Any]) -> dict[str, Any]:
    shape, cell = wanted["shape"], wanted["cell"]
    chunks = wanted["chunks"] or cell
    layout = Layout.of(shape, wanted["dtype"], chunks[0] if len(chunks) == 1 else chunks, **wanted["options"])
    size = block_size(cell, layout.chunks, shape, np.dtype(layout.dtype).itemsize)
    resume, overwrite = wanted["resume"], wanted["overwrite"]
    sink = ZarrSink.of_layout(wanted["path"], layout, wanted["provenance"], resume=resume, overwrite=overwrite)
    levels = []
    for number, level in enumerate(layout.of_levels()):
        chunk = layout.chunks_of(number)
        block = chunk if number else size
        if wanted["part"] is None:
            bounds = [(0, size) for size in level.shape]
            written = sink.written(number)
        else:
            # What needs more than this part is written when the whole image is.
            its = sink.part_of_level(number, wanted["part"]) if number else wanted["part"]
            if its is None:
                break
            bounds, written = its, sink.written_within(number, its)
        levels.append(_level(bounds, block, blocks_written(written, chunk, block)))
    return {"levels": levels, "many": True}


def _prepare_array(wanted: dict[str, Any]) -> dict[str, Any]:
    shape, cell, dtype = wanted["shape"], wanted["cell"], np.dtype(wanted["dtype"])
    opened = Opened(*wanted["opened"])
    with closing(OpenedObject(opened, "the sink", {})) as its:
        unit = unit_of(its.value, described(opened), shape, dtype)
        _require_kept(its.value, described(opened))
        many = is_written_by_many(its.value)
        _close_file_of(its.value)
    block = block_size(cell, unit or cell, shape, dtype.itemsize)
    bounds = wanted["part"] or [(0, size) for size in shape]
    counts = [-(-(hi - lo) // its) for (lo, hi), its in zip(bounds, block, strict=True)]
    return {"levels": [_level(bounds, block, np.zeros(counts, bool))], "many": many}


def _require_kept(array: Any, what: str) -> None:  # noqa: ANN401
    """Raises if what is written would be lost, because each worker has an array in memory of its own."""
    store = type(getattr(array, "store", None)).__name__
    package = type(array).__module__.partition(".")[0]
    if isinstance(array, np.ndarray) and not _is_mapped(array):
        kind, remedy = "an array in memory", "open a memory map, for instance numpy.load(path, 'r+')"
    elif package in _IN_MEMORY:
        kind, remedy = f"an array of {package}", f"write into what {package} stores it in, for instance a zarr array"
    elif package == "zarr" and store in ("MemoryStore", "KVStore"):
        kind, remedy = "a zarr array in memory", "open one in a folder, or use PythonSink.zarr( path )"
    else:
        return
    raise SinkError(f"{what} gives {kind}: each worker would write into its own one, which is lost then; {remedy}")


def _is_mapped(array: Any) -> bool:  # noqa: ANN401
    while isinstance(array, np.ndarray):
        if isinstance(array, np.memmap):
            return True
        array = array.base
    return isinstance(array, (mmap.mmap, memoryview))


def _level(bounds: Sequence[tuple[int, int]], block: Sequence[int], written: np.ndarray) -> dict[str, Any]:
    bits = np.packbits(written.ravel(), bitorder="little").tobytes()
    return {"bounds": [list(one) for one in bounds], "block": list(block), "written": bits}


def finish(path: str, changed: bool) -> None:
    """Marks a zarr sink as complete; or as one that cannot be resumed, because the image has changed."""
    sink = ZarrSink.open(path)
    if changed:
        sink.mark_changed()
    else:
        sink.mark_complete()


# Nothing has to be closed, and each worker of a process can use the same one.
@functools.lru_cache(maxsize=8)
def _sink(path: str, run: str) -> ZarrSink:
    return ZarrSink.open(path)


def write_block(
    pixels: np.ndarray, block: Block, path: str, run: str, start: Sequence[int], size: Sequence[int]
) -> np.ndarray:
    """Writes a block of an image into a zarr array; what Java computes has one pixel for each.

    Args:
        pixels: Those of the block.
        block: Says which one it is.
        path: Where the sink is.
        run: Different for each time that an image is written.
        start: Where the first block begins.
        size: Of a block.
    """
    _sink(path, run).write(0, _start(block, start, size), pixels)
    return _done(block)


def write_level(block: Block, path: str, run: str, level: int, start: Sequence[int], size: Sequence[int]) -> np.ndarray:
    """Computes and writes a chunk of another level of a pyramid."""
    sink = _sink(path, run)
    chunk = [at // its for at, its in zip(_start(block, start, size), size, strict=True)]
    sink.write_level(level, int(np.ravel_multi_index(chunk, sink.grid(level).counts)))
    return _done(block)


def write_part(
    pixels: np.ndarray,
    block: Block,
    sink: Any,  # noqa: ANN401
    start: Sequence[int],
    size: Sequence[int],
) -> np.ndarray:
    """Writes a block into the array that the user has opened."""
    _write(pixels, sink, _start(block, start, size))
    return _done(block)


def write_alone(
    pixels: np.ndarray, block: Block, opened: Sequence[Any], start: Sequence[int], size: Sequence[int]
) -> np.ndarray:
    """The same for an array that can have one writer only: it is open for this block."""
    with closing(OpenedObject(Opened(*opened), "the sink", {})) as its:
        _write(pixels, its.value, _start(block, start, size))
        _close_file_of(its.value)
    return _done(block)


def _write(pixels: np.ndarray, array: Any, start: Sequence[int]) -> None:  # noqa: ANN401
    array[tuple(slice(at, at + n) for at, n in zip(start, pixels.shape, strict=True))] = pixels


def _start(block: Block, start: Sequence[int], size: Sequence[int]) -> list[int]:
    return [first + i * along for first, i, along in zip(start, block.min, size, strict=True)]


def _close_file_of(array: Any) -> None:  # noqa: ANN401
    """Closes the file that only the array knows, as that of h5py does."""
    file = getattr(array, "file", None)
    if callable(getattr(file, "close", None)):
        file.close()


def _done(block: Block) -> np.ndarray:
    return np.ones(block.data.shape, np.uint8)
