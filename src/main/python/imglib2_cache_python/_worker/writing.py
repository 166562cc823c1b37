# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""What ``PythonImg.writeTo`` does in Python: it prepares a sink, writes blocks into it, and marks it as complete."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from imglib2_cache_python._worker import values
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

# First lines of an answer, as Java knows them.
REFUSED, MISSING, FAILED, ONE_WRITER, MANY_WRITERS = "refused", "missing", "failed", "one writer", "many writers"


def _answering(function: Callable[[dict[str, Any]], list[str]]) -> Callable[[str], str]:
    """Takes a map from Java, and answers in lines, also to what is wrong."""

    def answer(encoded: str) -> str:
        try:
            lines = function(values.decode(base64.b64decode(encoded)))
        except SinkError as error:
            lines = [REFUSED, str(error)]
        except ImportError as error:
            lines = [MISSING, str(error)]
        except Exception as error:
            lines = [FAILED, f"{type(error).__name__}: {error}"]
        return "\n".join(lines)

    return answer


@_answering
def prepare(wanted: dict[str, Any]) -> list[str]:
    """Makes or opens a sink.

    Args:
        wanted: What Java says about the image and the sink.

    Returns:
        How many can write at the same time; then a line for each level: the size of blocks, and which of them are
        written, as bits in base 64.
    """
    shape, dtype, cell = wanted["shape"], np.dtype(wanted["dtype"]), wanted["cell"]
    if "expression" in wanted:
        opened = OpenedObject(Opened(wanted["expression"], wanted["positional"], wanted["keywords"]), "the sink", {})
        with closing(opened):
            what = described(Opened(wanted["expression"], wanted["positional"], wanted["keywords"]))
            unit = unit_of(opened.value, what, shape, dtype)
            writers = MANY_WRITERS if is_written_by_many(opened.value) else ONE_WRITER
            _close_file_of(opened.value)
        size = block_size(cell, unit or cell, shape, dtype.itemsize)
        return [writers, _level(size, np.zeros([-(-n // s) for n, s in zip(shape, size, strict=True)], bool))]
    chunks = wanted["chunks"] or cell
    layout = Layout.of(shape, dtype, chunks if len(chunks) > 1 else chunks[0], **wanted["options"])
    size = block_size(cell, layout.chunks, shape, dtype.itemsize)
    sink = ZarrSink.of_layout(
        Path(wanted["path"]),
        layout,
        wanted["provenance"],
        resume=wanted["resume"],
        overwrite=wanted["overwrite"],
    )
    lines = [MANY_WRITERS]
    for level in range(layout.levels):
        chunk = layout.chunks_of(level)
        block = chunk if level else size
        lines.append(_level(block, blocks_written(sink.written(level), chunk, block)))
    return lines


def _level(block: Sequence[int], written: np.ndarray) -> str:
    bits = np.packbits(written.ravel(), bitorder="little")
    return f"{','.join(map(str, block))} {base64.b64encode(bits.tobytes()).decode()}"


@_answering
def finish(wanted: dict[str, Any]) -> list[str]:
    """Marks a zarr sink as complete; or, if the image has changed, as one that cannot be resumed."""
    sink = ZarrSink.open(wanted["path"])
    if wanted["changed"]:
        sink.mark_changed()
    else:
        sink.mark_complete()
    return [MANY_WRITERS]


def write_block(pixels: np.ndarray, block: Any, sink: ZarrSink, size: Sequence[int]) -> np.ndarray:  # noqa: ANN401
    """Writes a block; its image has one pixel for each."""
    sink.write(0, [i * s for i, s in zip(block.min, size, strict=True)], pixels)
    return _done(block)


def write_level(block: Any, sink: ZarrSink, level: int) -> np.ndarray:  # noqa: ANN401
    """Computes a chunk of another level."""
    sink.write_level(level, block.index)
    return _done(block)


def write_part(pixels: np.ndarray, block: Any, sink: Any, size: Sequence[int]) -> np.ndarray:  # noqa: ANN401
    """Writes a block into whatever array the user has opened."""
    starts = [i * s for i, s in zip(block.min, size, strict=True)]
    sink[tuple(slice(start, start + n) for start, n in zip(starts, pixels.shape, strict=True))] = pixels
    return _done(block)


def write_alone(
    pixels: np.ndarray,
    block: Any,  # noqa: ANN401
    expression: str,
    positional: Sequence[Any],
    keywords: Mapping[str, Any],
    size: Sequence[int],
) -> np.ndarray:
    """The same for an array that has one writer: it is open for this block only."""
    opened = OpenedObject(Opened(expression, positional, keywords), "the sink", {})
    with closing(opened):
        write_part(pixels, block, opened.value, size)
        _close_file_of(opened.value)
    return _done(block)


def _close_file_of(array: Any) -> None:  # noqa: ANN401
    """Closes the file that an array is in, and which only the array knows, as that of h5py does."""
    file = getattr(array, "file", None)
    if callable(getattr(file, "close", None)):
        file.close()


def _done(block: Any) -> np.ndarray:  # noqa: ANN401
    return np.ones(block.data.shape, np.uint8)
