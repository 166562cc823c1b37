# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Arrays that are named by text, and read part by part: of zarr, h5py, tifffile, dask, and whatever resembles them."""

from __future__ import annotations

import ast
import builtins
import importlib
import importlib.util
import itertools
import linecache
import math
import operator
import sys
import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from types import ModuleType
from typing import Any

import numpy as np

from imglib2_cache_python.geometry import dtype_of, shape_of
from imglib2_cache_python.reference import function_reference, resolve
from imglib2_cache_python.settings import Opened

# Decoded chunks that a source keeps; the last one, whatever its size.
_CACHE_BYTES = 1 << 27

# Larger chunks are not decoded completely if a part is needed, as far as the package can do that.
_MAX_CHUNK_BYTES = 1 << 30

# If a part has more chunks than this, most of them are needed completely.
_MAX_CHUNKS = 256

# Characters of an expression in messages.
_MAX_SHOWN = 200

# Members of a group that a message lists.
_MAX_LISTED = 8

# For names of expressions in tracebacks. They come again, because the text of one that has failed stays known.
_numbers = itertools.cycle(range(1, 101))


def open_source(expression: str, *arguments: Any, **keywords: Any) -> Source:  # noqa: ANN401
    """Opens an array as ``PythonImg.open`` does in the JVM, for instance for `map_blocks`.

    >>> from imglib2_cache_python.sources import open_source
    >>> square = open_source("numpy:full", (3, 4), fill_value=2)
    >>> square.shape, square.dtype
    ((3, 4), dtype('int64'))
    >>> open_source("numpy.arange(last + 1)[first:]", first=5, last=8)[1:3]
    array([6, 7])

    Args:
        expression: A function, ``package.module:function`` or ``/path/file.py:function``, which is called with the
            arguments. Or else an expression, which sees the arguments as variables, ``np``, and packages by their name.
        *arguments: Arguments of the function.
        **keywords: Arguments by name.

    Returns:
        The array, whose slices are arrays of numpy; also a context manager that closes it.

    Raises:
        TypeError: What is opened is not an array of numbers; an expression gets arguments without a name.
        Exception: What opening raises.
    """
    opened = OpenedObject(Opened(expression, arguments, keywords), f"open_source {next(_numbers)}", {})
    return _source_of(opened)


def describe(opened: Opened, wanted: str | None, names: Mapping[str, Any]) -> dict[str, Any]:
    """Opens an array, and closes it again, for what Java has to know about its image.

    Args:
        opened: What to open.
        wanted: Name of the dtype that the image shall have; None for that of the array.
        names: What the expression sees besides its arguments.

    Returns:
        ``what`` it is called, ``shape``, ``dtype``, and ``chunks``: the size along each axis, 0 where sizes differ,
        or None.

    Raises:
        TypeError: It is no array of numbers, or the image cannot have its dtype.
        ValueError: It has no pixels, or is a single number.
        Exception: What opening raises.
    """
    its = OpenedObject(opened, f"open {next(_numbers)}", names)
    with _source_of(its) as source:
        if 0 in source.shape:
            raise ValueError(f"{its.what} has the shape {source.shape}, which has no pixels")
        _require_pixels(source.dtype, wanted, its.what)
        chunks = None if source.chunks is None else [one if isinstance(one, int) else 0 for one in source.chunks]
        return {"what": its.what, "shape": source.shape, "dtype": source.dtype.name, "chunks": chunks}


def _require_pixels(dtype: np.dtype, wanted: str | None, what: str) -> None:
    """Raises if the image cannot have pixels of that dtype, or pixels would lose something."""
    if wanted is not None:
        if not np.can_cast(dtype, wanted, "safe"):
            raise TypeError(
                f"{what} has the dtype {dtype}, whose values pixels of {wanted} cannot all have: leave the type out, "
                "and convert the image, for instance by another one that has it as an input"
            )
    elif dtype == np.float16:
        raise TypeError(
            f"{what} has the dtype float16, which ImgLib2 does not have: widen it by the type of the image, "
            "openBuilder( … ).type( new FloatType() )"
        )
    elif dtype.itemsize > (16 if dtype.kind == "c" else 8):
        widest = "complex128" if dtype.kind == "c" else "float64"
        raise TypeError(
            f"{what} has the dtype {dtype}, whose precision ImgLib2 does not have: convert it in Python, for instance "
            f"array.astype({widest!r})"
        )


def _source_of(opened: OpenedObject) -> Source:
    try:
        return Source(opened.value, opened.what, opened)
    except BaseException:
        opened.close()
        raise


class OpenedObject:
    """What an expression gives, until it is closed."""

    def __init__(self, opened: Opened, name: str, names: Mapping[str, Any]) -> None:
        """Opens it.

        Args:
            opened: What to open.
            name: What tracebacks call the expression.
            names: What the expression sees besides its arguments.

        Raises:
            Exception: What opening raises. Its traceback shows the expression.
        """
        self.what = described(opened)
        self.value: Any = None
        self._file_name = f"<{name}>"
        self._lines: Any = None
        self._stack = ExitStack()
        self._has_close = True
        try:
            found = _evaluate(opened, self._file_name, names)
            self._lines = linecache.cache.get(self._file_name)
            if callable(getattr(found, "close", None)):
                self._stack.callback(found.close)
            elif hasattr(type(found), "__enter__") and hasattr(type(found), "__exit__"):
                found = self._stack.enter_context(found)
            else:
                self._has_close = False
            self.value = found if opened.shape is None else Source(found, self.what).required(opened)
        except BaseException:
            self.close()
            raise

    def close(self) -> bool:
        """Closes the object, by its ``close`` or ``__exit__`` if it has one. Never raises; prints what these raise.

        Returns:
            Whether nothing of it is left; else it is gone when it is garbage, which may have to be collected.
        """
        # Another worker may have put its own there.
        if self._lines is not None and linecache.cache.get(self._file_name) is self._lines:
            linecache.cache.pop(self._file_name, None)
        self.value = None
        try:
            self._stack.close()
        except BaseException as error:
            print(f"{self.what} could not be closed: {type(error).__name__}: {error}", file=sys.stderr)
        return self._has_close


def described(opened: Opened) -> str:
    """The expression with its arguments, as messages call it."""
    keywords = [f"{name}={value!r}" for name, value in opened.keywords.items()]
    if function_reference(opened.expression) is not None:
        text = f"{opened.expression.strip()}({', '.join([*map(repr, opened.positional), *keywords])})"
    else:
        text = " ".join(opened.expression.split()) + (f" with {', '.join(keywords)}" if keywords else "")
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}..."


def _evaluate(opened: Opened, file_name: str, names: Mapping[str, Any]) -> Any:  # noqa: ANN401
    reference = function_reference(opened.expression)
    if reference is not None:
        # What is run, so that tracebacks have a line with the reference.
        namespace: dict[str, Any] = {"resolve": resolve, "reference": reference, "opened": opened}
        source = "resolve(*reference)[0](*opened.positional, **opened.keywords)"
        shown = described(opened)
    elif opened.positional:
        raise TypeError(
            f"the expression {described(opened)} sees its arguments by their names, but got "
            f"{len(opened.positional)} without a name: give a map of names and values; or name a function, "
            "package.module:function, which gets arguments by their position"
        )
    else:
        source = shown = opened.expression.strip()
        namespace = {"np": np, **names, **opened.keywords}
    try:
        code = compile(source, file_name, "eval", dont_inherit=True)
    except SyntaxError:
        with suppress(SyntaxError):
            ast.parse(source)
            message = "these are statements, expected an expression, or a function package.module:function"
            raise TypeError(f"{message}: {shown.splitlines()[0] if shown else 'nothing'}") from None
        raise
    linecache.cache[file_name] = (len(shown), None, shown.splitlines(keepends=True), file_name)
    if reference is None:
        _import_packages(ast.parse(source, mode="eval"), namespace, opened.keywords)
    return eval(code, namespace)


def _import_packages(tree: ast.AST, namespace: dict[str, Any], arguments: Mapping[str, Any]) -> None:
    """Imports the packages and modules that an expression names, ``scipy.io`` for instance, if it does not see them."""
    bound = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)}
    bound |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    for node in ast.walk(tree):
        top, *attributes = _dotted_name(node) or (None,)
        if top is None or top in bound or hasattr(builtins, top):
            continue
        if top not in namespace:
            if importlib.util.find_spec(top) is None:
                given = f"the arguments {', '.join(arguments)}" if arguments else "no arguments"
                message = f"No module named {top!r}; the expression sees {given}, what init code defines, and packages"
                raise ModuleNotFoundError(message, name=top)
            namespace[top] = importlib.import_module(top)
        module = namespace[top]
        for name in attributes:
            if type(module) is not ModuleType:
                break
            if not hasattr(module, name):
                # Else the expression itself tells what is wrong.
                with suppress(ModuleNotFoundError):
                    importlib.import_module(f"{module.__name__}.{name}")
            module = getattr(module, name, None)


def _dotted_name(node: ast.AST) -> list[str] | None:
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return [node.id, *reversed(names)] if isinstance(node, ast.Name) else None


class Source:
    """An array that is read part by part.

    What is read is in native byte order, and has the shape and dtype that the array has promised first. A chunk of
    which a part is read is decoded once, and kept for a while.

    Attributes:
        shape: Its shape.
        dtype: Its dtype, in native byte order.
        chunks: Along each axis the size of chunks, or several if they differ; None if it has no chunks.
    """

    def __init__(self, array: Any, what: str, opened: OpenedObject | None = None) -> None:  # noqa: ANN401
        """Reads nothing of it.

        Args:
            array: Has ``shape``, ``dtype``, ``__getitem__``, and perhaps ``chunks``.
            what: What messages call it.
            opened: What `close` closes.

        Raises:
            TypeError: It is no array of numbers.
            ValueError: It is a single number.
        """
        self._array = array
        self._what = what
        self._opened = opened
        if not hasattr(array, "shape") and callable(getattr(array, "keys", None)):
            raise TypeError(f"{what} is a group, not an array: {_members(array)}")
        self.shape = shape_of(array, what)
        self.dtype = dtype_of(array, what)
        self.chunks = _chunks(array, self.shape)
        self._axes = [_Axis(size, its) for size, its in zip(self.shape, self.chunks or (), strict=False)]
        self._decoded: OrderedDict[tuple[int, ...], np.ndarray] = OrderedDict()
        self._lock = threading.Lock()

    def required(self, opened: Opened) -> Source:
        """This source, which has to be what it was when it was described.

        Raises:
            ValueError: It has another shape or dtype.
        """
        if opened.shape is not None:
            before = f"{tuple(opened.shape)} and dtype {opened.dtype}"
            now = f"{self.shape} and dtype {self.dtype}"
            if now != before:
                raise ValueError(f"{self._what} has the shape {now} now, but had {before} before: make the image anew")
        return self

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    def __len__(self) -> int:
        """Size along the first axis."""
        return self.shape[0]

    def __getitem__(self, part: Any) -> np.ndarray:  # noqa: ANN401 - whatever the array takes
        """Reads a part.

        Raises:
            ValueError: The array has another shape than before, or does not give what it promises.
            Exception: What reading raises.
        """
        bounds = _bounds(part, self.shape)
        if bounds is None:
            return self._native(part)
        chunks = self._cut_chunks(bounds)
        return self._read(bounds) if chunks is None else self._join(bounds, chunks)

    def __enter__(self) -> Source:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Closes it."""
        self.close()

    def close(self) -> None:
        """Closes what `open_source` has opened; the source cannot be read any more."""
        self._array = None
        self._decoded.clear()
        if self._opened is not None:
            self._opened.close()

    def _native(self, part: Any) -> np.ndarray:  # noqa: ANN401
        now = getattr(self._array, "shape", None)
        if now is None:
            raise ValueError(f"{self._what} is closed")
        if tuple(now) != self.shape:
            seen = tuple(map(int, now))
            raise ValueError(f"{self._what} has the shape {seen} now, but had {self.shape} before: make the image anew")
        pixels = self._array[part]
        graph = getattr(pixels, "__dask_graph__", None)
        if graph is not None and graph() is not None:
            # Each worker is a thread already.
            pixels = pixels.compute(scheduler="synchronous")
        if np.ma.is_masked(pixels):
            raise ValueError(f"{self._what} has masked pixels, which need a value: array.filled(value)")
        pixels = np.asarray(pixels)
        if pixels.dtype.newbyteorder("=") != self.dtype:
            raise ValueError(
                f"{self._what} gave pixels of dtype {pixels.dtype}, but its own dtype was {self.dtype} before"
            )
        return pixels.astype(self.dtype, copy=False)

    def _read(self, bounds: Sequence[tuple[int, int]]) -> np.ndarray:
        pixels = self._native(tuple(slice(*one) for one in bounds))
        expected = tuple(stop - start for start, stop in bounds)
        if pixels.shape != expected:
            text = ", ".join(f"{start}:{stop}" for start, stop in bounds)
            raise ValueError(f"{self._what} gave for [{text}] an array of shape {pixels.shape}, expected {expected}")
        return pixels

    def _cut_chunks(self, bounds: Sequence[tuple[int, int]]) -> list[range] | None:
        """Along each axis the numbers of the chunks in there; None if that is not worth it, or no chunk is cut."""
        if not self._axes or not any(axis.is_cut(*one) for axis, one in zip(self._axes, bounds, strict=True)):
            return None
        chunks = [axis.numbers(*one) for axis, one in zip(self._axes, bounds, strict=True)]
        largest = math.prod(axis.largest for axis in self._axes) * self.dtype.itemsize
        count = math.prod(map(len, chunks))
        return chunks if 0 < count <= _MAX_CHUNKS and largest <= _MAX_CHUNK_BYTES else None

    def _join(self, bounds: Sequence[tuple[int, int]], chunks: Sequence[range]) -> np.ndarray:
        pixels = np.empty([stop - start for start, stop in bounds], self.dtype)
        for numbers in itertools.product(*chunks):
            spans = [axis.span(number) for axis, number in zip(self._axes, numbers, strict=True)]
            ends = list(zip(bounds, spans, strict=True))
            part = [(max(start, first), min(stop, last)) for (start, stop), (first, last) in ends]
            # A chunk that is needed completely is of no use for others.
            read = self._read(spans) if part == spans else self._chunk(numbers, spans)
            source = tuple(slice(a - first, b - first) for (a, b), (first, _) in zip(part, spans, strict=True))
            target = tuple(slice(a - start, b - start) for (a, b), (start, _) in zip(part, bounds, strict=True))
            pixels[target] = read[source]
        return pixels

    def _chunk(self, numbers: tuple[int, ...], spans: Sequence[tuple[int, int]]) -> np.ndarray:
        with self._lock:
            known = self._decoded.get(numbers)
            if known is not None:
                self._decoded.move_to_end(numbers)
                return known
        read = self._read(spans)
        with self._lock:
            self._decoded[numbers] = read
            while len(self._decoded) > 1 and sum(one.nbytes for one in self._decoded.values()) > _CACHE_BYTES:
                self._decoded.popitem(last=False)
        return read


class _Axis:
    """The chunks along one axis."""

    def __init__(self, size: int, chunks: int | tuple[int, ...]) -> None:
        self._size = size
        self._chunk = chunks if isinstance(chunks, int) else 0
        self._starts = [] if isinstance(chunks, int) else [0, *itertools.accumulate(chunks)]
        self.largest = chunks if isinstance(chunks, int) else max(chunks, default=0)

    def number(self, at: int) -> int:
        """Which chunk has a coordinate."""
        return at // self._chunk if self._chunk else bisect_right(self._starts, at) - 1

    def span(self, number: int) -> tuple[int, int]:
        """Where a chunk begins and ends."""
        if self._chunk:
            return number * self._chunk, min((number + 1) * self._chunk, self._size)
        return self._starts[number], self._starts[number + 1]

    def numbers(self, start: int, stop: int) -> range:
        """The chunks that have a part of an interval."""
        return range(self.number(start), self.number(stop - 1) + 1) if start < stop else range(0)

    def is_cut(self, start: int, stop: int) -> bool:
        """Whether only a part of a chunk is in the interval."""
        if start >= stop:
            return False
        return self.span(self.number(start))[0] != start or self.span(self.number(stop - 1))[1] != stop


def _bounds(part: Any, shape: Sequence[int]) -> list[tuple[int, int]] | None:  # noqa: ANN401
    """Bounds along each axis; None if the part is not given by simple slices."""
    if type(part) is slice:
        part = (part,)
    if type(part) is not tuple or len(part) != len(shape):
        return None
    bounds = []
    for one, size in zip(part, shape, strict=True):
        if type(one) is not slice or one.step is not None or one.start is None or one.stop is None:
            return None
        if not 0 <= one.start <= one.stop <= size:
            return None
        bounds.append((one.start, one.stop))
    return bounds


def _chunks(array: Any, shape: Sequence[int]) -> tuple[int | tuple[int, ...], ...] | None:  # noqa: ANN401
    """See `Source.chunks`."""
    # Some arrays raise if their chunks differ.
    with suppress(Exception):
        given = array.chunks
        if given is None or len(given) != len(shape):
            return None
        found: list[int | tuple[int, ...]] = []
        for its, size in zip(given, shape, strict=True):
            sizes = [operator.index(one) for one in its] if isinstance(its, Sequence) else None
            if sizes is None:
                found.append(min(operator.index(its), max(size, 1)))
            elif sum(sizes) != size or min(sizes, default=0) < 1:
                return None
            elif all(one == sizes[0] for one in sizes[:-1]) and sizes[-1] <= sizes[0]:
                found.append(sizes[0])
            else:
                found.append(tuple(sizes))
        return tuple(found) if all(one > 0 for one in found if isinstance(one, int)) else None
    return None


def _members(group: Any) -> str:  # noqa: ANN401
    with suppress(Exception):
        names = list(itertools.islice(group.keys(), _MAX_LISTED + 1))
        if not names:
            return "it has no members"
        more = ", ..." if len(names) > _MAX_LISTED else ""
        return f"open one of its members, {', '.join(map(repr, names[:_MAX_LISTED]))}{more}"
    return "open one of its members"
