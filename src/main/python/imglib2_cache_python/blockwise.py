# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Computes an array block by block, as ``PythonImg`` computes an image in the JVM: with the same code and blocks."""

from __future__ import annotations

import importlib
import itertools
import keyword
import linecache
import os
import textwrap
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, SupportsIndex, TypeVar, overload

import numpy as np

from imglib2_cache_python import USER_MODULES
from imglib2_cache_python.advice import PLAIN, with_advice
from imglib2_cache_python.block import Block, halo_slices
from imglib2_cache_python.failure import Failure, capture
from imglib2_cache_python.function_text import function_text
from imglib2_cache_python.geometry import Border, Cell, Grid, Window, dtype_of, number_type, per_axis, shape_of, widths
from imglib2_cache_python.reference import function_reference
from imglib2_cache_python.settings import Settings
from imglib2_cache_python.sinks import ZarrSink, require_fits
from imglib2_cache_python.snippet import Snippet
from imglib2_cache_python.unwritten import require_written

# Names that mean something else in the code.
_RESERVED = ("block", "np")

# A thread that waits without a limit may not notice Ctrl-C.
_SECONDS_TO_INTERRUPTION = 0.5

# Calls of `map_blocks`, so that each has names of its own for its code.
_numbers = itertools.count(1)


_Out = TypeVar("_Out")


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
        captured: Path of the file that has the block, see the argument ``capture``; None if there is none.
    """

    # Where users find it.
    __module__ = "imglib2_cache_python"

    def __init__(self, message: str, cell: Cell, failure: Failure, captured: str | None = None) -> None:
        """Made by `map_blocks`."""
        super().__init__(message)
        self._made_of = (message, cell, failure, captured)
        self.index: int = cell.index
        self.min: tuple[int, ...] = cell.min
        self.max: tuple[int, ...] = cell.max
        self.file: str = failure.file
        self.line: int = failure.line
        self.source: str = failure.source
        self.traceback: str = failure.traceback
        self.captured: str | None = captured

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickles it, for instance to send it to another process; the cause stays behind."""
        return BlockError, self._made_of


@overload
def map_blocks(
    code_or_function: str | Callable[..., Any],
    *inputs: Any,  # noqa: ANN401
    block_size: SupportsIndex | Sequence[SupportsIndex],
    halo: SupportsIndex | Sequence[SupportsIndex] | Sequence[Sequence[SupportsIndex]] = ...,
    border: str | float = ...,
    dtype: Any = ...,  # noqa: ANN401
    out: None = ...,
    parameters: Mapping[str, Any] | None = ...,
    workers: int = ...,
    progress: bool = ...,
    seed: int = ...,
    processes: bool = ...,
    capture: str | os.PathLike[str] | None = ...,
) -> np.ndarray: ...


@overload
def map_blocks(
    code_or_function: str | Callable[..., Any],
    *inputs: Any,  # noqa: ANN401
    block_size: SupportsIndex | Sequence[SupportsIndex],
    halo: SupportsIndex | Sequence[SupportsIndex] | Sequence[Sequence[SupportsIndex]] = ...,
    border: str | float = ...,
    dtype: Any = ...,  # noqa: ANN401
    out: _Out,
    parameters: Mapping[str, Any] | None = ...,
    workers: int = ...,
    progress: bool = ...,
    seed: int = ...,
    processes: bool = ...,
    capture: str | os.PathLike[str] | None = ...,
) -> _Out: ...


def map_blocks(
    code_or_function: str | Callable[..., Any],
    *inputs: Any,  # anything that has a shape, a dtype and slices
    block_size: SupportsIndex | Sequence[SupportsIndex],
    halo: SupportsIndex | Sequence[SupportsIndex] | Sequence[Sequence[SupportsIndex]] = 0,
    border: str | float = "mirror_double",
    dtype: Any = None,  # as numpy.dtype takes it
    out: Any = None,  # anything that has a shape, a dtype and takes slices
    parameters: Mapping[str, Any] | None = None,
    workers: int = 1,
    progress: bool = False,
    seed: int = 0,
    processes: bool = False,
    capture: str | os.PathLike[str] | None = None,
) -> Any:
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
        out: Array that gets the result, instead of a new one: of numpy, zarr or h5py, a
            `imglib2_cache_python.sinks.ZarrSink`, or what else is written by ``out[slices] = pixels``. It has the shape
            of the first input, and the dtype of the result, which is its dtype by default. If it has chunks, blocks
            have whole chunks; those of one worker need not, unless it is a `ZarrSink`. Blocks that a `ZarrSink` already
            has are not computed.
        parameters: Values by name. Statements see them as variables, functions get them as keyword arguments. They
            are the same objects for all blocks and workers; processes have copies.
        workers: Number of threads, or processes, that compute blocks, each with its own variables. The calling thread
            computes if it is 1. Code gains by more threads if it spends its time in functions that release the GIL, as
            most of numpy and scipy do. Each has one block in memory at a time.
        progress: Whether to show a progress bar; needs the package tqdm.
        seed: Of the random numbers of ``block.rng``: a whole number of 64 bits. Negative ones are taken as unsigned.
        processes: Whether the workers are processes. Code that spends its time in Python itself gains by that only. It
            takes time to start them and to send them the blocks. What the code changes is changed there, not here.
            They read nothing but their blocks, so inputs can be of any kind. They import a function by its name; one
            that has none, for instance of a notebook, is sent by cloudpickle, if that is installed. A script whose own
            function is used runs again in each process, except for what is under ``if __name__ == "__main__":``.
        capture: Folder that gets a file for each block whose code fails, at most 100; made if it is not there. The
            error says where the file is, and ``python -m imglib2_cache_python.replay FILE`` runs the block again. The
            file has the text of the code. A function of a notebook is in it with the modules, the other functions and
            the plain values that it uses; one of a module is imported again.

    Returns:
        A new array of the shape of the first input, or `out`.

    Raises:
        BlockError: The code failed, an input could not be read, or a process has ended. No more blocks are begun then;
            of several failures this is the first.
        SyntaxError: The statements are not valid, or can never write into ``block.data``.
        TypeError, ValueError: An argument is wrong, or the function does not take these inputs and parameters, or
            cannot be sent to another process.
        ImportError, AttributeError: The name does not lead to a function, or tqdm is not installed.
        NotADirectoryError: There is a file in the place of the folder.
    """
    # First, because an input may be in its place.
    code = _code(code_or_function)
    if not inputs:
        raise TypeError("map_blocks has no input, expected one array or more: map_blocks(code, array, block_size=64)")
    shape = shape_of(inputs[0], "input 0")
    grid = Grid(shape, per_axis("block_size", block_size, len(shape), 1))
    wanted = getattr(out, "dtype", None) if dtype is None else dtype
    result_type = dtype_of(inputs[0], "input 0") if wanted is None else number_type(wanted, "the result")
    if out is not None:
        has_many_writers = _count(workers) > 1 or isinstance(out, ZarrSink)
        require_fits(out, shape, result_type, grid.cell if has_many_writers else None)
    result = np.empty(shape, result_type) if out is None else out

    def keep(cell: Cell, pixels: np.ndarray) -> None:
        result[cell.slices] = pixels

    def is_kept(cell: Cell) -> bool:
        return isinstance(result, ZarrSink) and result.is_written(cell.slices)

    compute_blocks(
        code,
        inputs,
        grid,
        keep,
        result_type,
        halo=halo,
        border=border,
        parameters=parameters,
        workers=workers,
        progress=progress,
        seed=seed,
        processes=processes,
        capture=capture,
        is_kept=is_kept,
    )
    return result


def compute_blocks(
    code_or_function: str | Callable[..., Any],
    inputs: Sequence[Any],
    grid: Grid,
    keep: Callable[[Cell, np.ndarray], None],
    dtype: np.dtype,
    *,
    halo: SupportsIndex | Sequence[SupportsIndex] | Sequence[Sequence[SupportsIndex]],
    border: str | float,
    parameters: Mapping[str, Any] | None,
    workers: int,
    progress: bool,
    seed: int = 0,
    processes: bool = False,
    capture: str | os.PathLike[str] | None = None,
    is_kept: Callable[[Cell], bool] = lambda cell: False,
) -> None:
    """Does what `map_blocks` does, for any cells and for whatever becomes of their pixels.

    Args:
        code_or_function: As in `map_blocks`, as the others that are not here.
        inputs: At least one.
        grid: The cells.
        keep: Gets each cell and its pixels, on the thread of its worker.
        dtype: Of the pixels.
        halo: As in `map_blocks`.
        border: As in `map_blocks`.
        parameters: As in `map_blocks`.
        workers: As in `map_blocks`.
        progress: As in `map_blocks`.
        seed: As in `map_blocks`.
        processes: As in `map_blocks`.
        capture: As in `map_blocks`.
        is_kept: Whether a cell need not be computed.
    """
    code = _code(code_or_function)
    around, outside = widths(halo, len(grid.shape)), Border(border)
    windows = [Window(one, f"input {i}", grid, around, outside) for i, one in enumerate(inputs)]
    settings = Settings(
        parameters=_checked(parameters or {}),
        input_names=(None,) * len(inputs),
        capture_folder=None if capture is None else _folder(capture),
        checked=True,
        seed=_unsigned(seed),
    )
    if not isinstance(processes, (bool, np.bool_)):
        raise TypeError(f"processes is {processes!r}, expected True or False; workers is the number of them")
    with ExitStack() as stack:
        count = min(_count(workers), len(grid)) or 1
        number = next(_numbers)
        recorded = None if capture is None else _recorded(code, number)
        # Here even if processes compute: what is certainly wrong is found before anything is begun.
        first = stack.enter_context(_Worker(code, settings, around[0], dtype, number, recorded=recorded))
        first.require_written()
        found: list[Any] = [first]
        if processes and len(grid):
            found = [stack.enter_context(remote) for remote in _remotes(first, count)]
        else:
            found += [stack.enter_context(replace(first, worker=i)) for i in range(1, count)]
        bar = stack.enter_context(_progress_bar(len(grid))) if progress else None
        _Run(grid, windows, keep, is_kept, bar).run(found)


@dataclass
class _Worker:
    """Computes blocks, with variables of its own. A copy, in another process, does the same."""

    code: str | Callable[..., Any]
    settings: Settings
    lower: Sequence[int]
    dtype: np.dtype
    call: int
    worker: int = 0
    recorded: _Recorded | None = None
    _snippet: Snippet = field(init=False, repr=False)

    def __enter__(self) -> _Worker:
        """Prepares the code."""
        module = f"{USER_MODULES}map_blocks_{self.call}_worker_{self.worker}"
        self._snippet = Snippet(self.code, self._file_name, module, {}, settings=self.settings)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Disposes of the code."""
        source = linecache.cache.get(self._file_name)
        self._snippet.dispose()
        if kind is not None and source is not None:
            # Tracebacks and debuggers show the code of what has failed.
            linecache.cache[self._file_name] = source

    @property
    def _file_name(self) -> str:
        return f"<map_blocks {self.call}>"

    def require_written(self) -> None:
        """Raises a SyntaxError if statements can never write into the block."""
        if isinstance(self.code, str) and function_reference(self.code) is None:
            names = {"np": np, **self.settings.parameters}
            require_written(self.code, self._file_name, names, "", self.settings)

    def compute(self, cell: Cell, pixels: Sequence[np.ndarray]) -> np.ndarray:
        """Computes the pixels of a cell.

        Raises:
            BlockError: The code failed.
        """
        snippet = self._snippet
        block = self._block(cell, [_own(one) for one in pixels] if snippet.may_ignore_read_only() else pixels)
        data = block.data
        try:
            snippet.run(block)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            raise self.failed(cell, pixels, with_advice(capture(error), error, PLAIN)) from error
        return data

    def failed(self, cell: Cell, pixels: Sequence[np.ndarray], failure: Failure) -> BlockError:
        """The error of a cell. Writes its file, if that is wanted."""
        captured, note = self._capture(self._block(cell, pixels), failure)
        return _block_error(cell, failure, "failed", note, captured)

    def _block(self, cell: Cell, pixels: Sequence[np.ndarray]) -> Block:
        crop = halo_slices(self.lower, cell.dim)
        data = np.zeros(cell.dim, self.dtype)
        return Block(data, [*pixels], cell.index, cell.min, cell.max, cell.dim, crop, (crop,) * len(pixels))

    def _capture(self, block: Block, failure: Failure) -> tuple[str | None, str]:
        """Writes the file of a block that has failed; returns its path, and what to tell about it."""
        recorded = self.recorded
        if recorded is None:
            return None, ""
        if recorded.code is None:
            return None, f"The failed block was not written into a file: {recorded.note}"
        # By its name, because what it imports takes long.
        capsule = importlib.import_module("imglib2_cache_python.capsule")
        if failure.file and failure.file == recorded.file:
            failure = replace(failure, file=recorded.recorded_file)
        code = {"source": capsule.source_entry(self._snippet.source), **recorded.code}
        told = capsule.write(block, failure, self.settings, code, recorded.family)
        written = str(capsule.WRITTEN)
        path = told.removeprefix(written).partition("\n")[0] if told.startswith(written) else None
        return path, "\n".join(filter(None, (told, recorded.note)))

    def stop(self) -> None:
        """Does nothing: a thread ends after its block."""


class _Remote:
    """A worker in another process."""

    def __init__(self, worker: _Worker, process: Any) -> None:  # noqa: ANN401 - of a module that is imported if needed
        self._worker = worker
        self._process = process
        self.stop = process.stop

    def __enter__(self) -> _Remote:
        self._process.__enter__()
        return self

    def __exit__(self, *raised: Any) -> None:  # noqa: ANN401
        self._process.__exit__(*raised)

    def compute(self, cell: Cell, pixels: Sequence[np.ndarray]) -> np.ndarray:
        """Computes the pixels of a cell, as `_Worker.compute` does."""
        try:
            return np.asarray(self._process.compute(cell, pixels))
        except ChildProcessError as error:
            if self._process.is_stopped:
                # The code is not to blame.
                raise
            file, line = getattr(error, "file", ""), getattr(error, "line", 0)
            source = linecache.getline(file, line).strip()
            name, message = ChildProcessError.__name__, str(error)
            failure = Failure(name, message, file, line, source, f"{name}: {message}\n", ())
            raise self._worker.failed(cell, pixels, failure) from error


class _Run:
    """One call of `map_blocks`, whose workers take the next block each."""

    def __init__(
        self,
        grid: Grid,
        windows: Sequence[Window],
        keep: Callable[[Cell, np.ndarray], None],
        is_kept: Callable[[Cell], bool],
        bar: Any,  # noqa: ANN401 - of tqdm, or None
    ) -> None:
        self._grid = grid
        self._windows = windows
        self._keep = keep
        self._is_kept = is_kept
        self._bar = bar
        self._lock = threading.Lock()
        self._next = 0
        self._error: BaseException | None = None

    def run(self, workers: Sequence[Any]) -> None:
        """Computes all blocks, with a thread for each worker.

        Raises:
            BlockError: The first failure, after all threads have ended.
        """
        if len(workers) == 1:
            self._work(workers[0])
        else:
            with ThreadPoolExecutor(len(workers), "map_blocks") as threads:
                try:
                    all_of_them = [threads.submit(self._work, worker) for worker in workers]
                    pending = set(all_of_them)
                    while pending:
                        pending = wait(pending, _SECONDS_TO_INTERRUPTION).not_done
                    for done in all_of_them:
                        done.result()
                except BaseException as error:
                    # For instance KeyboardInterrupt. Threads end after their blocks.
                    self._stop(error)
                    for worker in workers:
                        worker.stop()
        if self._error is not None:
            raise self._error

    def _work(self, worker: Any) -> None:  # noqa: ANN401
        for cell in self._cells():
            try:
                pixels = worker.compute(cell, self._read(cell))
                with _reported(cell, "could not be kept"):
                    self._keep(cell, pixels)
            except BaseException as error:
                self._stop(error)

    def _cells(self) -> Iterator[Cell]:
        while True:
            with self._lock:
                index = self._next
                if self._error is not None or index == len(self._grid):
                    return
                self._next += 1
            cell = self._grid[index]
            if not self._is_kept(cell):
                yield cell
            if self._bar is not None:
                with self._lock:
                    self._bar.update(1)

    def _stop(self, error: BaseException) -> None:
        with self._lock:
            if self._error is None:
                self._error = error

    def _read(self, cell: Cell) -> list[np.ndarray]:
        pixels = []
        for i, window in enumerate(self._windows):
            with _reported(cell, f"could not read input {i}"):
                pixels.append(window.read(cell))
        return pixels


@contextmanager
def _reported(cell: Cell, what: str) -> Iterator[None]:
    """Makes exceptions those of a block."""
    try:
        yield
    except Exception as error:
        raise _block_error(cell, with_advice(capture(error), error, PLAIN), what) from error


def _own(pixels: np.ndarray) -> np.ndarray:
    """A copy for code that may write into it although it is read-only."""
    own = pixels.copy()
    own.flags.writeable = False
    return own


@dataclass(frozen=True)
class _Recorded:
    """What the files of failed blocks tell about the code.

    Attributes:
        code: Entries of the file; None if the code is not known as text.
        family: What the names of the files begin with.
        note: What to tell the user about the code.
        file: What the code calls its file.
        recorded_file: What the files call it.
    """

    code: Mapping[str, Any] | None
    family: str
    note: str = ""
    file: str = ""
    recorded_file: str = ""


def _recorded(code: str | Callable[..., Any], call: int) -> _Recorded:
    family = "map_blocks" if isinstance(code, str) else str(getattr(code, "__name__", "map_blocks")).strip("<>")
    entries = {"name": f"{family} {call}", "init": "", "check_written": False, "cancelled": False}
    if isinstance(code, str):
        return _Recorded({**entries, "code": code}, family)
    found = function_text(code)
    if found is None:
        return _Recorded(None, family, "the text of the function is not known; give it by its name, or give statements")
    if found.text is None:
        return _Recorded({**entries, "code": found.code}, family)
    source = {"file": found.recorded_file, "text": found.text, "uses": found.uses}
    missing = f"The file lacks values that the function uses: {', '.join(found.missing)}" if found.missing else ""
    return _Recorded(
        {**entries, "code": found.code, "source": source}, family, missing, found.file, found.recorded_file
    )


def _remotes(worker: _Worker, count: int) -> list[Any]:
    # By its name, because what it imports takes long.
    block_processes = importlib.import_module("imglib2_cache_python.block_processes")
    code = worker.code if isinstance(worker.code, str) else block_processes.name_in_main(worker.code) or worker.code
    # All of them are alike: each has modules of its own.
    sent = block_processes.pickled(replace(worker, code=code))
    return [_Remote(worker, block_processes.Process(sent)) for _ in range(count)]


def _block_error(cell: Cell, failure: Failure, what: str, note: str = "", captured: str | None = None) -> BlockError:
    text = f"Block {cell.index}, from {cell.min} to {cell.max}, {what}: {failure.type_name}"
    if failure.message:
        text += f": {failure.message}"
    if failure.line:
        text += f"\n  at {failure.file}, line {failure.line}"
        text += f": {failure.source}" if failure.source else ""
    for more in (failure.advice, note):
        text += f"\n{more}" if more else ""
    return BlockError(text, cell, failure, captured)


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
        raise TypeError(f"workers is {workers!r}, expected a whole number")
    if workers < 1:
        raise ValueError(f"workers is {workers}, expected 1 or more")
    return int(workers)


def _unsigned(seed: Any) -> int:  # noqa: ANN401
    """The seed as the JVM has it, whose numbers are signed."""
    if not isinstance(seed, (int, np.integer)):
        raise TypeError(f"seed is {seed!r}, expected a whole number")
    if not -(1 << 63) <= seed < 1 << 64:
        raise ValueError(f"seed is {seed}, expected a number of 64 bits")
    return int(seed) % (1 << 64)


def _folder(capture: Any) -> str:  # noqa: ANN401
    if not isinstance(capture, (str, os.PathLike)):
        raise TypeError(f"capture is {capture!r}, expected the path of a folder")
    folder = os.path.abspath(os.fsdecode(capture))
    if os.path.exists(folder) and not os.path.isdir(folder):
        raise NotADirectoryError(f"capture is {folder}, which is not a folder: failed blocks cannot be written there")
    return folder


def _checked(parameters: Mapping[str, Any]) -> dict[str, Any]:
    for name in parameters:
        if not isinstance(name, str) or not name.isidentifier() or keyword.iskeyword(name):
            raise ValueError(f"a parameter is called {name!r}, which is not a Python name")
        if name in _RESERVED:
            raise ValueError(f"a parameter is called {name!r}, which means something else in the code; rename it")
    return dict(parameters)


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
