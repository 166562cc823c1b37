# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""The code of an image. It is compiled once and run for each block, in a namespace of its own."""

from __future__ import annotations

import functools
import importlib.util
import io
import linecache
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from sys import getrefcount
from types import CodeType, ModuleType
from typing import Any

import numpy as np

from imglib2_cache_python import complex_warning
from imglib2_cache_python.block import Block
from imglib2_cache_python.call import check_call, prepare_call
from imglib2_cache_python.reference import Pin, function_reference, resolve, source_file
from imglib2_cache_python.result import store
from imglib2_cache_python.settings import NONE, Settings
from imglib2_cache_python.sources import OpenedObject

__all__ = ["Snippet", "compile_code", "new_namespace", "normalised", "source_file"]

# Packages that can write into read-only arrays. torch.from_numpy only warns, and only once.
_PACKAGES_IGNORING_READ_ONLY = ("torch",)

# Attributes that every new module has, and those that running code adds for its annotations and warnings.
_MODULE_ATTRIBUTES = {
    *vars(ModuleType("")),
    *("__builtins__", "__file__", "__cached__", "__path__", "__warningregistry__"),
    *("__annotations__", "__annotate__", "__annotate_func__", "__annotations_cache__", "__conditional_annotations__"),
}


@functools.cache
def _is_installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def _count_of_single_reference() -> int:
    local: dict[str, Any] = {}
    return getrefcount(local)


# Reference count of an object that has one reference, as `Snippet.dispose` counts it.
_SINGLE_REFERENCE = _count_of_single_reference()


def compile_code(code: str, file_name: str, mode: str = "exec") -> CodeType:
    """Compiles code so that tracebacks, ``inspect.getsource`` and debuggers find its source.

    Args:
        code: The code.
        file_name: Name of the code in tracebacks, for instance ``<loader 3>``.
        mode: ``exec`` for statements, ``eval`` for an expression.

    Raises:
        SyntaxError: The code is not valid Python. The error has the number and the text of the line.
    """
    source = normalised(code)
    # `splitlines` would also break lines where Python does not, for instance at a form feed.
    lines = io.StringIO(source).readlines()
    # A modification time of None keeps the entry from being dropped by linecache.checkcache().
    linecache.cache[file_name] = (len(source), None, lines, file_name)
    unreadable = re.search("[\0\ud800-\udfff]", source)
    if unreadable:
        # Versions of Python raise different exceptions for this, all without a line.
        line = source.count("\n", 0, unreadable.start()) + 1
        message = f"source code cannot contain {unreadable[0]!a}"
        raise SyntaxError(message, (file_name, line, None, lines[line - 1]))
    try:
        return compile(source, file_name, mode, dont_inherit=True)
    except SyntaxError as error:
        if error.text is None and error.filename == file_name and 0 < (error.lineno or 0) <= len(lines):
            # The error comes from the compiler, not from the parser: for instance a return outside of a function.
            error.text = lines[error.lineno - 1]
        raise


def normalised(code: str) -> str:
    """The code without a byte order mark and with ``\\n`` as line ends, as ``compile`` and ``linecache`` want it."""
    return code.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def new_namespace(module_name: str, file_name: str, seed: Mapping[str, Any]) -> dict[str, Any]:
    """Namespace of a new module. It is in ``sys.modules``, so that classes of the code can be pickled.

    Args:
        module_name: Name in ``sys.modules``. A module of that name is replaced.
        file_name: Value of ``__file__``.
        seed: Names that are defined from the start. Attributes that every module has are left out.
    """
    module = ModuleType(module_name)
    module.__file__ = file_name
    sys.modules[module_name] = module
    namespace = module.__dict__
    namespace["np"] = np
    namespace.update((name, value) for name, value in seed.items() if name not in _MODULE_ATTRIBUTES)
    return namespace


class Snippet:
    """The code that fills the blocks of one image.

    The code is one of

    - statements: they see ``block``, the parameters, the inputs that have a name, and every name of the seed, and write
      into ``block.data``;
    - a function reference ``package.module:function`` or ``/path/file.py:function``, or in plain Python the function
      itself: it gets the inputs and parameters as arguments, and the block if an argument has that name. It returns an
      array that has either the shape of the cell or the padded shape of an input.
    """

    def __init__(
        self,
        code: str | Callable[..., Any],
        file_name: str,
        module_name: str,
        seed: Mapping[str, Any],
        *,
        check_written: bool = False,
        zero: bool = False,
        settings: Settings = NONE,
        image: int | None = None,
    ) -> None:
        """Compiles the code.

        Args:
            code: Statements, a function reference, or a function.
            file_name: Name of the code in tracebacks.
            module_name: Name of the module that the code runs in.
            seed: Names that the code sees.
            check_written: Whether it is an error if statements do not write every pixel of ``block.data``. To find
                pixels that were not written, a block whose result has zeros is computed twice.
            zero: Whether to fill ``block.data`` with zeros before statements run.
            settings: What the code is called with. Objects that it names are opened.
            image: Number of the image; all its snippets in interpreters that share modules have the same function.

        Raises:
            SyntaxError: The statements are not valid Python.
            ImportError, AttributeError, TypeError: The function reference does not lead to a function.
            TypeError: The function does not take these inputs and parameters, and the settings want that checked.
            Exception: What opening an object raises.
        """
        complex_warning.make_an_error()
        self.module_name = module_name
        self.file_name = file_name
        self.code = code if isinstance(code, str) else _name_of(code)
        self.settings = settings
        self.check_written = check_written
        self._has_run = False
        self._objects: list[OpenedObject] = []
        self._mentions_such_a_package = any(package in self.code for package in _PACKAGES_IGNORING_READ_ONLY)
        self._pin: Pin | None = None
        reference = function_reference(code) if isinstance(code, str) else None
        if isinstance(code, str) and reference is None:
            self._code = compile_code(code, file_name)
            self._namespace = new_namespace(module_name, file_name, seed)
            self._source = linecache.cache.get(file_name)
            self._parameters = self._open_objects(seed)
            self._names = [(name, i) for i, name in enumerate(settings.input_names) if name is not None]
            # Most code has none, and small blocks spend their time on such steps.
            run = self._run_named if self._parameters or self._names else self._run_statements
            self._run_code = _seeded(run, settings.seed) if settings.seed else run
            self.run = self._run_and_check if check_written else self._run_zeroed if zero else self._run_code
        else:
            self._function, self._pin = (code, None) if reference is None else resolve(*reference, image)
            if settings.checked:
                check_call(self._function, self.code.strip(), settings)
            self._source = linecache.cache.get(file_name)
            called_with = replace(settings, parameters=self._open_objects(seed)) if settings.opened else settings
            self._call = None if settings is NONE else prepare_call(self._function, called_with)
            self.run = _seeded(self._run_function, settings.seed) if settings.seed else self._run_function

    @property
    def source(self) -> tuple[str, str] | None:
        """Path and text of the user's module that has the function, if the code names one and the text is known."""
        return None if self._pin is None else self._pin.source

    def _open_objects(self, seed: Mapping[str, Any]) -> Mapping[str, Any]:
        """The parameters, and the objects that the settings name."""
        parameters = self.settings.parameters
        try:
            for name, opened in self.settings.opened.items():
                found = OpenedObject(opened, f"{self.file_name.strip('<>')}, {name}", seed)
                self._objects.append(found)
                parameters = {**parameters, name: found.value}
        except BaseException:
            self.dispose()
            raise
        return parameters

    def may_ignore_read_only(self) -> bool:
        """Whether the code may write into read-only arrays, by a package that ignores that they are read-only.

        Code can import such a package while it runs, also in a function that it calls. So for the first block, it is
        enough that such a package is installed.
        """
        if any(package in sys.modules for package in _PACKAGES_IGNORING_READ_ONLY):
            return True
        if self._has_run:
            return self._mentions_such_a_package
        self._has_run = True
        return self._mentions_such_a_package or any(map(_is_installed, _PACKAGES_IGNORING_READ_ONLY))

    def _run_statements(self, block: Block) -> None:
        data, dim = block.data, block.dim
        dtype = data.dtype
        namespace = self._namespace
        namespace["block"] = block
        try:
            exec(self._code, namespace)
        finally:
            # Else the arrays of the block would live until the next block is computed.
            namespace.pop("block", None)
        if getattr(block, "data", None) is not data:
            raise TypeError("block.data was replaced; write into it instead: block.data[...] = result")
        shape = data.shape
        # Pixels of several components have an additional axis.
        if (shape != dim and shape[: len(dim)] != dim) or data.dtype is not dtype or not data.flags.c_contiguous:
            raise TypeError(
                f"block.data was changed in place to shape {shape}, dtype {data.dtype} and strides {data.strides}, "
                f"expected shape {dim}, dtype {dtype} and no gaps; change a view instead: block.data.reshape(...) or "
                "block.data.view(...)"
            )

    def _run_named(self, block: Block) -> None:
        namespace = self._namespace
        # Anew for each block: code may have assigned to them.
        namespace.update(self._parameters)
        for name, i in self._names:
            namespace[name] = block.inputs[i]
        try:
            self._run_statements(block)
        finally:
            for name, _ in self._names:
                namespace.pop(name, None)

    def _run_zeroed(self, block: Block) -> None:
        block.data.fill(0)
        self._run_code(block)

    def _run_and_check(self, block: Block) -> None:
        data, dim = block.data, block.dim
        # A copy of the block for the second run. The first run cannot change it.
        second_block = replace(
            block, inputs=[pixels.copy() if pixels.flags.writeable else pixels for pixels in block.inputs]
        )
        # The first run starts with zeros, as without the check. So a pixel that is not zero was written.
        data.fill(0)
        self._run_code(block)
        unwritten = equals_bytes(data, 0)
        if not unwritten.any():
            return
        second_block.data = np.full(data.nbytes, 1, np.uint8).view(data.dtype).reshape(data.shape)
        second = second_block.data
        self._run_code(second_block)
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
        call = self._call
        store(self._function(*block.inputs) if call is None else call(block), block)

    def dispose(self) -> bool:
        """Removes the module and the source of this snippet, and closes its objects. It cannot run any more.

        Returns:
            Whether everything that the code has defined is freed. If not, other objects refer to its namespace. Often
            these are only functions and classes of the code itself: the garbage collector frees all of them together.
        """
        sys.modules.pop(self.module_name, None)
        # Code of another worker, or later code, may have put its own source under the same name.
        if linecache.cache.get(self.file_name) is self._source:
            linecache.cache.pop(self.file_name, None)
        namespace = vars(self).pop("_namespace", None)
        # These bound methods refer to the snippet, which could then be freed by the garbage collector only. The others
        # have the objects.
        for name in ("run", "_run_code", "_parameters", "_call"):
            vars(self).pop(name, None)
        objects, self._objects = self._objects, []
        are_closed = True
        for one in reversed(objects):
            are_closed &= one.close()
        return are_closed and (namespace is None or getrefcount(namespace) <= _SINGLE_REFERENCE)


def _seeded(run: Callable[[Block], None], seed: int) -> Callable[[Block], None]:
    """Gives blocks the seed of their random numbers."""

    def run_seeded(block: Block) -> None:
        block._seed = seed  # type: ignore[misc]
        run(block)

    return run_seeded


def _name_of(function: Callable[..., Any]) -> str:
    return str(
        getattr(function, "__qualname__", None) or getattr(function, "__name__", None) or type(function).__name__
    )


def equals_bytes(array: np.ndarray, byte: int) -> np.ndarray:
    """Mask of the elements whose bytes are all `byte`. Unlike with ``==``, -0.0 is not 0.0, and NaN can match."""
    if array.dtype.kind == "c":
        return equals_bytes(array.real, byte) & equals_bytes(array.imag, byte)
    size = array.dtype.itemsize
    return array.view(f"u{size}") == int.from_bytes(bytes([byte]) * size, "little")
