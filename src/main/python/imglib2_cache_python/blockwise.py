# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Computes an array block by block, as ``PythonImg`` computes an image in the JVM: with the same code and blocks."""

from __future__ import annotations

import importlib
import itertools
import keyword
import linecache
import textwrap
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np

from imglib2_cache_python import USER_MODULES
from imglib2_cache_python.advice import PLAIN, with_advice
from imglib2_cache_python.block import Block, halo_slices
from imglib2_cache_python.failure import Failure, capture
from imglib2_cache_python.geometry import Border, Cell, Grid, Window, dtype_of, number_type, per_axis, shape_of, widths
from imglib2_cache_python.reference import function_reference
from imglib2_cache_python.settings import Settings
from imglib2_cache_python.snippet import Snippet
from imglib2_cache_python.unwritten import require_written

# Names that mean something else in the code.
_RESERVED = ("block", "np")

# A thread that waits without a limit may not notice Ctrl-C.
_SECONDS_TO_INTERRUPTION = 0.5

# Calls of `map_blocks`, so that each has names of its own for its code.
_numbers = itertools.count(1)


class BlockError(RuntimeError):
    """A block could not be computed: the code raised an exception, or an input could not be read.

    That exception is the ``__cause__``.

    Attributes:
        index: Index of the block in the grid; the last axis runs fastest.
        min: Smallest coordinate of the block along each axis, without the halo.
        max: Largest coordinate of the block along each axis, inclusive, without the halo.
        file: File of the user's line, or name of the statements; empty if there is no such line.
        line: Number of the user's line, counted from 1; 0 if there is no such line.
        source: Text of the user's line; empty if it is not known.
        traceback: Traceback of the code, without the frames of this package.
    """

    # Where users find it.
    __module__ = "imglib2_cache_python"

    def __init__(self, message: str, cell: Cell, failure: Failure) -> None:
        """Made by `map_blocks`."""
        super().__init__(message)
        self._made_of = (message, cell, failure)
        self.index = cell.index
        self.min = cell.min
        self.max = cell.max
        self.file = failure.file
        self.line = failure.line
        self.source = failure.source
        self.traceback = failure.traceback

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickles it, for instance to send it to another process; the cause stays behind."""
        return BlockError, self._made_of


def map_blocks(
    code_or_function: str | Callable[..., Any],
    *inputs: Any,  # noqa: ANN401 - anything that has a shape, a dtype and slices
    block_size: int | Sequence[int],
    halo: int | Sequence[int] | Sequence[Sequence[int]] = 0,
    border: str | float = "mirror_double",
    dtype: Any = None,  # noqa: ANN401 - as numpy.dtype takes it
    parameters: Mapping[str, Any] | None = None,
    workers: int = 1,
    progress: bool = False,
) -> np.ndarray:
    """Computes an array of the shape of the first input, block by block.

    The code is the same as that of a ``PythonImg`` in the JVM, and sees the same blocks: axes there are the reverse of
    axes here, so ``cellSize( 64, 32, 16 )`` is ``block_size=(16, 32, 64)``, and ``halo( 4, 2, 1 )`` is
    ``halo=(1, 2, 4)``.

    Statements write into ``block.data``; see `imglib2_cache_python.block.Block` for what else a block has:

    >>> import numpy as np
    >>> from imglib2_cache_python import map_blocks
    >>> image = np.arange(12.0).reshape(3, 4)
    >>> map_blocks("block.data[...] = factor * block.inputs[0]", image, block_size=2, parameters={"factor": 10})
    array([[  0.,  10.,  20.,  30.],
           [ 40.,  50.,  60.,  70.],
           [ 80.,  90., 100., 110.]])

    A function gets the inputs and returns an array of their shape, which is cropped, or of the shape of the block:

    >>> def steps(pixels, axis):
    ...     return np.diff(pixels, axis=axis, prepend=0)
    >>> map_blocks(steps, image, block_size=(1, 2), halo=1, border="nearest", parameters={"axis": 1})
    array([[0., 1., 1., 1.],
           [0., 1., 1., 1.],
           [0., 1., 1., 1.]])

    Numbers that would lose their imaginary part are an error, as in the JVM: from the first call on, numpy's
    ``ComplexWarning`` is an error in this Python.

    A failure says where it happened:

    >>> map_blocks("block.data[...] = 1 / block.index", image, block_size=2)
    Traceback (most recent call last):
        ...
    imglib2_cache_python.BlockError: Block 0, from (0, 0) to (1, 1), failed: ZeroDivisionError: division by zero
      at <map_blocks ...>, line 1: block.data[...] = 1 / block.index

    Args:
        code_or_function: Statements; or a function; or the name of one, ``package.module:function`` or
            ``/path/file.py:function``. A function gets the inputs as arguments, the parameters as keyword arguments,
            and the block if it has an argument that is called ``block``.
        *inputs: Arrays, at least one, or objects that have ``shape`` and ``dtype`` and give arrays for slices, such as
            arrays of zarr and h5py, and memory maps. Only the slices that a block needs are read, if there are several
            workers by several threads at once. All have the same number of axes; the others are at least as large as
            the first. The code gets read-only arrays in native byte order.
        block_size: Size of blocks in pixels: one number for all axes, or one per axis. Blocks at the upper end of an
            axis can be smaller.
        halo: How many pixels more than the block its inputs have: one number for all axes; one per axis; or two
            sequences of these, before and after the block. So ``((1, 2), (3, 4))`` is 1 pixel before and 3 after the
            block along the first of two axes; numpy.pad means something else by it.
        border: What blocks see outside of the inputs, along one axis with the pixels ``a b c d``:

            ================= ========================= ================ ==================
            border            pixels                    ``numpy.pad``    ``scipy.ndimage``
            ================= ========================= ================ ==================
            "mirror_double"   ``c b a | abcd | d c b``  ``symmetric``    ``reflect``
            "mirror_single"   ``d c b | abcd | c b a``  ``reflect``      ``mirror``
            "nearest"         ``a a a | abcd | d d d``  ``edge``         ``nearest``
            "periodic"        ``b c d | abcd | a b c``  ``wrap``         ``grid-wrap``
            "zero"            ``0 0 0 | abcd | 0 0 0``  ``constant``     ``constant``
            a number          ``v v v | abcd | v v v``  ``constant``     ``constant``
            "none"            the inputs have all that the blocks need
            ================= =============================================================

        dtype: Dtype of the result; that of the first input by default. What a function returns must fit by the rule
            ``same_kind``.
        parameters: Values by name. Statements see them as variables, functions get them as keyword arguments. They
            are the same objects for all blocks and workers.
        workers: Number of threads that compute blocks, each with its own variables. The calling thread computes if it
            is 1. Code gains by more if it spends its time in functions that release the GIL, as most of numpy and scipy
            do. Each has one block in memory at a time.
        progress: Whether to show a progress bar; needs the package tqdm.

    Returns:
        A new array of the shape of the first input.

    Raises:
        BlockError: The code failed, or an input could not be read. No more blocks are begun then; of several failures
            this is the first.
        SyntaxError: The statements are not valid, or can never write into ``block.data``.
        TypeError, ValueError: An argument is wrong, or the function does not take these inputs and parameters.
        ImportError, AttributeError: The name does not lead to a function, or tqdm is not installed.
    """
    code = _code(code_or_function)
    if not inputs:
        raise TypeError("map_blocks has no input, expected one array or more: map_blocks(code, array, block_size=64)")
    shape = shape_of(inputs[0], "input 0")
    grid = Grid(shape, per_axis("block_size", block_size, len(shape), 1))
    result_type = dtype_of(inputs[0], "input 0") if dtype is None else number_type(dtype, "the result")
    result = np.empty(shape, result_type)

    def keep(cell: Cell, pixels: np.ndarray) -> None:
        result[cell.slices] = pixels

    compute_blocks(code, inputs, grid, keep, halo, border, result_type, parameters, workers, progress)
    return result


def compute_blocks(
    code_or_function: str | Callable[..., Any],
    inputs: Sequence[Any],
    grid: Grid,
    keep: Callable[[Cell, np.ndarray], None],
    halo: int | Sequence[int] | Sequence[Sequence[int]],
    border: str | float,
    dtype: np.dtype,
    parameters: Mapping[str, Any] | None,
    workers: int,
    progress: bool,
) -> None:
    """Does what `map_blocks` does, for any cells and for whatever becomes of their pixels.

    Args:
        code_or_function: As in `map_blocks`, as the others that are not here.
        inputs: At least one.
        grid: The cells.
        keep: Gets each cell and its pixels, on the thread that has computed them.
        halo: As in `map_blocks`.
        border: As in `map_blocks`.
        dtype: Of the pixels.
        parameters: As in `map_blocks`.
        workers: As in `map_blocks`.
        progress: As in `map_blocks`.
    """
    code = _code(code_or_function)
    around, outside = widths(halo, len(grid.shape)), Border(border)
    windows = [Window(one, f"input {i}", grid, around, outside) for i, one in enumerate(inputs)]
    settings = Settings(parameters=_checked(parameters or {}), input_names=(None,) * len(inputs), checked=True)
    with ExitStack() as stack:
        count = min(_count(workers), len(grid)) or 1
        snippets = [stack.enter_context(snippet) for snippet in _snippets(code, settings, count)]
        if isinstance(code, str) and function_reference(code) is None:
            names = {"np": np, **settings.parameters}
            require_written(code, snippets[0].file_name, names, "", settings)
        bar = stack.enter_context(_progress_bar(len(grid))) if progress else None
        _Run(grid, windows, around[0], dtype, keep, bar).run(snippets)


class _Run:
    """One call of `map_blocks`, whose workers take the next block each."""

    def __init__(
        self,
        grid: Grid,
        windows: Sequence[Window],
        lower: Sequence[int],
        dtype: np.dtype,
        keep: Callable[[Cell, np.ndarray], None],
        bar: Any,  # noqa: ANN401 - of tqdm, or None
    ) -> None:
        self._grid = grid
        self._windows = windows
        self._lower = lower
        self._dtype = dtype
        self._keep = keep
        self._bar = bar
        self._lock = threading.Lock()
        self._next = 0
        self._error: BaseException | None = None

    def run(self, snippets: Sequence[Snippet]) -> None:
        """Computes all blocks, with a thread for each snippet.

        Raises:
            BlockError: The first failure, after all threads have ended.
        """
        if len(snippets) == 1:
            self._work(snippets[0])
        else:
            with ThreadPoolExecutor(len(snippets), "map_blocks") as threads:
                try:
                    all_of_them = [threads.submit(self._work, snippet) for snippet in snippets]
                    pending = set(all_of_them)
                    while pending:
                        pending = wait(pending, _SECONDS_TO_INTERRUPTION).not_done
                    for done in all_of_them:
                        done.result()
                except BaseException as error:
                    # For instance KeyboardInterrupt. The threads end after their blocks.
                    self._stop(error)
        if self._error is not None:
            raise self._error

    def _work(self, snippet: Snippet) -> None:
        for cell in self._cells():
            try:
                self._compute(snippet, cell)
            except BaseException as error:
                self._stop(error)

    def _cells(self) -> Iterator[Cell]:
        while True:
            with self._lock:
                index = self._next
                if self._error is not None or index == len(self._grid):
                    return
                self._next += 1
            yield self._grid[index]
            if self._bar is not None:
                with self._lock:
                    self._bar.update(1)

    def _stop(self, error: BaseException) -> None:
        with self._lock:
            if self._error is None:
                self._error = error

    def _compute(self, snippet: Snippet, cell: Cell) -> None:
        pixels = []
        for i, window in enumerate(self._windows):
            try:
                pixels.append(window.read(cell))
            except Exception as error:
                raise _block_error(cell, error, f"could not read input {i}") from error
        if snippet.may_ignore_read_only():
            pixels = [_own(one) for one in pixels]
        crop = halo_slices(self._lower, cell.dim)
        data = np.zeros(cell.dim, self._dtype)
        block = Block(data, pixels, cell.index, cell.min, cell.max, cell.dim, crop, (crop,) * len(pixels))
        try:
            snippet.run(block)
            self._keep(cell, data)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            raise _block_error(cell, error, "failed") from error


def _own(pixels: np.ndarray) -> np.ndarray:
    """A copy for code that may write into it although it is read-only."""
    own = pixels.copy()
    own.flags.writeable = False
    return own


def _block_error(cell: Cell, error: BaseException, what: str) -> BlockError:
    failure = with_advice(capture(error), error, PLAIN)
    text = f"Block {cell.index}, from {cell.min} to {cell.max}, {what}: {failure.type_name}"
    if failure.message:
        text += f": {failure.message}"
    if failure.line:
        text += f"\n  at {failure.file}, line {failure.line}"
        text += f": {failure.source}" if failure.source else ""
    if failure.advice:
        text += f"\n{failure.advice}"
    return BlockError(text, cell, failure)


def _code(given: Any) -> str | Callable[..., Any]:  # noqa: ANN401
    if isinstance(given, str):
        return textwrap.dedent(given)
    if callable(given):
        return given
    raise TypeError(
        f"the code is of type {type(given).__name__}, expected statements, a function, or the name of a function "
        '"package.module:function"; it comes before the inputs: map_blocks(code, array, block_size=64)'
    )


def _count(workers: Any) -> int:  # noqa: ANN401
    if not isinstance(workers, (int, np.integer)):
        raise TypeError(f"workers is {workers!r}, expected a whole number of threads")
    if workers < 1:
        raise ValueError(f"workers is {workers}, expected 1 or more")
    return int(workers)


def _checked(parameters: Mapping[str, Any]) -> dict[str, Any]:
    for name in parameters:
        if not isinstance(name, str) or not name.isidentifier() or keyword.iskeyword(name):
            raise ValueError(f"a parameter is called {name!r}, which is not a Python name")
        if name in _RESERVED:
            raise ValueError(f"a parameter is called {name!r}, which means something else in the code; rename it")
    return dict(parameters)


def _snippets(code: str | Callable[..., Any], settings: Settings, count: int) -> Iterator[Any]:
    """For each worker, what prepares the code, and disposes of it at the end."""
    number = next(_numbers)
    file_name = f"<map_blocks {number}>"
    for worker in range(count):
        yield _prepared(code, file_name, f"{USER_MODULES}map_blocks_{number}_worker_{worker}", settings)


@contextmanager
def _prepared(code: str | Callable[..., Any], file_name: str, module: str, settings: Settings) -> Iterator[Snippet]:
    snippet = Snippet(code, file_name, module, {}, settings=settings)
    try:
        yield snippet
    except BaseException:
        # Tracebacks and debuggers show the code of what has failed.
        source = linecache.cache.get(file_name)
        snippet.dispose()
        if source is not None:
            linecache.cache[file_name] = source
        raise
    snippet.dispose()


@contextmanager
def _progress_bar(total: int) -> Iterator[Any]:
    try:
        # By its name, because only this needs it.
        tqdm = importlib.import_module("tqdm.auto")
    except ImportError as error:
        message = "progress=True needs the package tqdm: run 'pip install tqdm', or leave progress out"
        raise ImportError(message, name="tqdm") from error
    with tqdm.tqdm(total=total, unit="block") as bar:
        yield bar
