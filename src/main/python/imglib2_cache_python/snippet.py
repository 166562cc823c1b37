# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""A user's code: compiled once, run for each block, in a namespace of its own."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import inspect
import io
import linecache
import re
import sys
from collections.abc import Iterator, Mapping, Set
from dataclasses import replace
from sys import getrefcount
from types import CodeType, ModuleType
from typing import Any

import numpy as np

from imglib2_cache_python import complex_warning
from imglib2_cache_python.block import Block

# Packages by which arrays can be written that are read-only: torch.from_numpy only warns, once.
_IGNORE_READ_ONLY = ("torch",)

# Of what a function returned, so many items are described.
_MAX_ITEMS = 8

_DOTTED_NAME = r"[^\W\d]\w*(?:\.[^\W\d]\w*)*"

_FUNCTION_REFERENCE = re.compile(rf"\s*(?P<module>{_DOTTED_NAME}):(?P<function>{_DOTTED_NAME})\s*")

# What a module is born with, and what running code adds for its annotations and warnings.
_OF_A_MODULE = {
    *vars(ModuleType("")),
    *("__builtins__", "__file__", "__cached__", "__path__", "__warningregistry__"),
    *("__annotations__", "__annotate__", "__annotate_func__", "__annotations_cache__", "__conditional_annotations__"),
}


@functools.cache
def _is_installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def _references_of_a_local() -> int:
    local: dict[str, Any] = {}
    return getrefcount(local)


# References to an object that nobody else has, as `Snippet.dispose` counts them.
_UNSHARED = _references_of_a_local()


def compile_code(code: str, file_name: str, mode: str = "exec") -> CodeType:
    """Compiles code so that tracebacks, ``inspect.getsource`` and debuggers find its source.

    Args:
        code: The code.
        file_name: What tracebacks call it, ``<loader 3>`` for instance.
        mode: ``exec`` for statements, ``eval`` for an expression.

    Raises:
        SyntaxError: With the line in it.
    """
    source = normalised(code)
    # Not splitlines, which also breaks lines where Python does not, at a form feed for instance.
    lines = io.StringIO(source).readlines()
    # A modification time of None keeps the entry from being dropped by linecache.checkcache().
    linecache.cache[file_name] = (len(source), None, lines, file_name)
    unreadable = re.search("[\0\ud800-\udfff]", source)
    if unreadable:
        # Pythons differ in what they raise, and none says where.
        line = source.count("\n", 0, unreadable.start()) + 1
        message = f"source code cannot contain {unreadable[0]!a}"
        raise SyntaxError(message, (file_name, line, None, lines[line - 1]))
    try:
        return compile(source, file_name, mode, dont_inherit=True)
    except SyntaxError as error:
        if error.text is None and error.filename == file_name and 0 < (error.lineno or 0) <= len(lines):
            # An error that is not the parser's, such as a return outside of a function.
            error.text = lines[error.lineno - 1]
        raise


def normalised(code: str) -> str:
    """The code without a byte order mark and with ``\\n`` as line ends, as ``compile`` and ``linecache`` want it."""
    return code.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def new_namespace(module_name: str, file_name: str, seed: Mapping[str, Any]) -> dict[str, Any]:
    """Namespace of a new, registered module: classes defined in it can be pickled.

    Args:
        module_name: Name in ``sys.modules``; a module of that name is replaced.
        file_name: Becomes ``__file__``.
        seed: Names that are defined from the start; what a module has of its own is left out.
    """
    module = ModuleType(module_name)
    module.__file__ = file_name
    sys.modules[module_name] = module
    namespace = module.__dict__
    namespace["np"] = np
    namespace.update((name, value) for name, value in seed.items() if name not in _OF_A_MODULE)
    return namespace


class Snippet:
    """The code that fills the blocks of one image.

    It is one of

    - statements, which see ``block`` and every name of the seed, and write into ``block.data``;
    - a function reference ``package.module:function``: the function gets the inputs as arguments and returns an
      array of the cell's shape or of the inputs' padded shape.
    """

    def __init__(
        self, code: str, file_name: str, module_name: str, seed: Mapping[str, Any], *, check_written: bool = False
    ) -> None:
        """Compiles the code.

        Args:
            code: Statements or a function reference.
            file_name: What tracebacks call the code.
            module_name: Name of the module that the code runs in.
            seed: Names that the code sees.
            check_written: Whether statements that leave a pixel of ``block.data`` as it was are an error. To find
                such pixels, a block with pixels that are zero is computed twice.

        Raises:
            SyntaxError: The statements are not valid Python.
            ImportError, AttributeError, TypeError: The function reference does not lead to a function.
        """
        complex_warning.make_an_error()
        self.module_name = module_name
        self.file_name = file_name
        self._has_run = False
        self._names_ignoring = any(package in code for package in _IGNORE_READ_ONLY)
        reference = function_reference(code)
        if reference is None:
            self._code = compile_code(code, file_name)
            self._namespace = new_namespace(module_name, file_name, seed)
            self.run = self._run_and_check if check_written else self._run_statements
        else:
            self._function = resolve(*reference)
            self.run = self._run_function
        self._source = linecache.cache.get(file_name)

    def may_ignore_read_only(self) -> bool:
        """Whether the code may write into arrays that are read-only, by a package that does not care for that.

        Such a package can be imported by what the code calls, when it calls it: so the first block counts, too.
        """
        if any(package in sys.modules for package in _IGNORE_READ_ONLY):
            return True
        if self._has_run:
            return self._names_ignoring
        self._has_run = True
        return self._names_ignoring or any(map(_is_installed, _IGNORE_READ_ONLY))

    def _run_statements(self, block: Block) -> None:
        data, dim = block.data, block.dim
        dtype = data.dtype
        namespace = self._namespace
        namespace["block"] = block
        try:
            exec(self._code, namespace)
        finally:
            # The block's arrays must not live until the next block comes.
            namespace.pop("block", None)
        if getattr(block, "data", None) is not data:
            raise TypeError("block.data was replaced; write into it instead: block.data[...] = result")
        shape = data.shape
        # Pixels of several components have an axis more.
        if (shape != dim and shape[: len(dim)] != dim) or data.dtype is not dtype or not data.flags.c_contiguous:
            raise TypeError(
                f"block.data was changed in place to shape {shape}, dtype {data.dtype} and strides {data.strides}, "
                f"expected shape {dim}, dtype {dtype} and no gaps; change a view of it instead, as "
                "block.data.reshape(...) and block.data.view(...) give one"
            )

    def _run_and_check(self, block: Block) -> None:
        data, dim = block.data, block.dim
        # What the code may have changed in the block is not changed in this one.
        again = replace(block, inputs=[pixels.copy() if pixels.flags.writeable else pixels for pixels in block.inputs])
        # As without the check: a pixel that is not zero then was written.
        data.fill(0)
        self._run_statements(block)
        unwritten = equals_bytes(data, 0)
        if not unwritten.any():
            return
        again.data = np.full(data.nbytes, 1, np.uint8).view(data.dtype).reshape(data.shape)
        second = again.data
        self._run_statements(again)
        unwritten &= equals_bytes(second, 1)
        unwritten = unwritten.reshape((*dim, -1)).any(axis=-1)
        count = np.count_nonzero(unwritten)
        if count:
            first = ", ".join(str(i) for i in np.unravel_index(int(unwritten.argmax()), unwritten.shape))
            raise ValueError(
                f"{count} of {unwritten.size} pixels were not written, the first is block.data[{first}]; "
                "write all of them, zeros too"
            )

    def _run_function(self, block: Block) -> None:
        store(self._function(*block.inputs), block)

    def dispose(self) -> bool:
        """Removes the module and the source of this snippet, which cannot run any more.

        Returns:
            Whether all that the code has defined is gone. Else other objects refer to it: often only functions and
            classes that it defined, which Python's collector frees together with it.
        """
        sys.modules.pop(self.module_name, None)
        # Code of other workers, or later code, may have the same name.
        if linecache.cache.get(self.file_name) is self._source:
            linecache.cache.pop(self.file_name, None)
        namespace = vars(self).pop("_namespace", None)
        # Refers to this object, which would wait for the collector.
        vars(self).pop("run", None)
        return namespace is None or getrefcount(namespace) <= _UNSHARED


def function_reference(code: str) -> tuple[str, str] | None:
    """``( module, function )`` if the code is a function reference, else None."""
    match = _FUNCTION_REFERENCE.fullmatch(code)
    return (match["module"], match["function"]) if match else None


def resolve(module: str, function: str) -> Any:  # noqa: ANN401 - any callable
    """Imports the module and returns the function."""
    found = functools.reduce(getattr, function.split("."), importlib.import_module(module))
    if not callable(found):
        raise TypeError(f"{module}:{function} is a {type(found).__name__}, expected a function")
    return found


def store(result: Any, block: Block) -> None:  # noqa: ANN401 - whatever a user's function returned
    """Writes what a function returned into the block, cropped by the halo if it has the padded shape.

    Raises:
        TypeError: It is no array, has masked pixels, or its dtype does not fit by the rule ``same_kind``.
        ValueError: Its shape is neither the cell's nor the inputs'.
    """
    if result is None:
        raise TypeError("the function returned None, expected an array")
    # Not block.dim: pixels of several components have an axis more.
    expected = block.data.shape
    padded = tuple(block.inputs[0].shape[: len(block.dim)] if block.inputs else block.dim) + expected[len(block.dim) :]
    wanted = f"expected {'' if _has_shape(result) else 'an array of shape '}{expected} or, padded, {padded}"
    remedy = _no_array(result)
    if remedy:
        raise TypeError(f"the function returned {_described(result)}, {wanted}; {remedy}")
    if type(result) is not np.ndarray and np.ma.is_masked(result):
        raise TypeError("the function returned an array with masked pixels; say what they are: result.filled(value)")
    try:
        array = np.asarray(result)
    except ValueError as error:
        raise TypeError(f"the function returned {_described(result)}, {wanted}: {error}") from error
    if array.shape != expected and array.shape == padded:
        array = array[block.halo]
    if array.shape != expected:
        several = "; return one of them" if isinstance(result, (tuple, list)) and array.ndim > len(expected) else ""
        raise ValueError(f"the function returned {_described(result)}, {wanted}{several}")
    if not np.can_cast(array.dtype, block.data.dtype, casting="same_kind"):
        raise TypeError(
            f"the function returned dtype {array.dtype}, which does not fit the image's {block.data.dtype}; "
            f"convert it explicitly: result.astype(np.{block.data.dtype})"
        )
    np.copyto(block.data, array, casting="same_kind")


def _has_shape(result: Any) -> bool:  # noqa: ANN401
    """Whether it is an array or a single number."""
    return isinstance(result, (np.ndarray, np.generic, int, float, complex))


def _described(result: Any) -> str:  # noqa: ANN401
    """What a function returned, in a few words."""
    kind = type(result)
    if _has_shape(result):
        return f"shape {np.shape(result)}"
    name = kind.__name__
    text = f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"
    if issubclass(kind, (tuple, list)):
        items = ", ".join(_described_item(item) for item in result[:_MAX_ITEMS])
        return f"{text} of {len(result)} ({items}{', ...' if len(result) > _MAX_ITEMS else ''})"
    shape = getattr(result, "shape", None)
    return f"{text} of shape {shape}" if isinstance(shape, tuple) else text


def _described_item(item: Any) -> str:  # noqa: ANN401
    shape = getattr(item, "shape", None)
    return f"{type(item).__name__} of shape {shape}" if isinstance(shape, tuple) and shape else type(item).__name__


def _no_array(result: Any) -> str:  # noqa: ANN401
    """What to do instead of returning this, which is no array; empty if it may be one."""
    if inspect.iscoroutine(result):
        # Else Python warns that nobody has awaited it.
        result.close()
        return "await it in the function: return asyncio.run(...)"
    if hasattr(result, "__array__"):
        return ""
    if inspect.isasyncgen(result) or isinstance(result, Iterator):
        return "collect what it yields in the function: return np.stack(list(...))"
    if isinstance(result, (Mapping, Set)):
        return "return one of its values"
    if callable(getattr(result, "add_done_callback", None)):
        return "wait for it in the function: return future.result()"
    if isinstance(result, (str, bytes, ModuleType)) or inspect.isroutine(result) or inspect.isclass(result):
        return "return the array itself"
    return ""


def equals_bytes(array: np.ndarray, byte: int) -> np.ndarray:
    """Where all bytes of an element are the given one. Not ``==``, to which -0.0 is 0.0 and NaN nothing."""
    if array.dtype.kind == "c":
        return equals_bytes(array.real, byte) & equals_bytes(array.imag, byte)
    size = array.dtype.itemsize
    return array.view(f"u{size}") == int.from_bytes(bytes([byte]) * size, "little")
