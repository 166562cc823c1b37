# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""What runs on one interpreter: prepares the code of images and computes their blocks.

Java calls the methods of one `Worker` per interpreter, always on that interpreter's thread. No exception of user code
ever leaves this module, because Jep would end the JVM for a ``SystemExit`` and lose most of any other.
"""

from __future__ import annotations

import faulthandler
import functools
import linecache
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np

from imglib2_cache_python.block import Block, halo_slices
from imglib2_cache_python.failure import capture
from imglib2_cache_python.snippet import Snippet, compile_code, function_reference, new_namespace
from imglib2_cache_python.streams import LineWriter
from imglib2_cache_python.subinterpreter import import_attributes, with_advice

# What the methods that Java calls return. Never None, because Jep also returns null for a failed conversion.
OK = 0
FAILED = 1


def guarded(method: Callable[..., Any]) -> Callable[..., int]:
    """Lets no exception out: the method returns `OK`, or `FAILED` and keeps what `Worker.failure` tells."""

    @functools.wraps(method)
    def guard(self: Worker, *arguments: Any) -> int:  # noqa: ANN401
        try:
            method(self, *arguments)
            finish_lines()
            return OK
        except BaseException as error:
            self._failure = capture(with_advice(error, self._mode)).to_strings()
            # Whoever takes the lines may fail, too; what failed first is told.
            with suppress(BaseException):
                finish_lines()
            return FAILED

    return guard


class Worker:
    """The Python side of one interpreter.

    Attributes:
        parameters: Numbers of the block to compute, written by Java and read by `step`: loader, index, number n of
            axes, then n each of min, max, dim, lower and upper halo, all in numpy order.
    """

    def __init__(self, name: str, mode: str, shared_modules: str, parameters: np.ndarray) -> None:
        """Creates the worker.

        Args:
            name: Name of the worker, part of the names of its modules.
            mode: ``SUB`` or ``SHARED``.
            shared_modules: Names of the top-level modules shared by all sub-interpreters, separated by line ends.
            parameters: Memory shared with Java, of 64-bit integers.
        """
        self.parameters = parameters
        self._name = name
        self._mode = mode
        self._shared_modules = frozenset(shared_modules.split("\n")) if mode == "SUB" else frozenset()
        # Not asked from the globals later: user code may have changed __name__.
        self._module_name = f"imglib2_cache_python.user.{name}"
        self._globals = new_namespace(self._module_name, f"<{name}>", {})
        self._snippets: dict[int, Snippet] = {}
        self._failure: list[str] = []
        self._result: Any = None

    @guarded
    def step(self, data: np.ndarray, *inputs: np.ndarray) -> None:
        """Computes the block that `parameters` describes.

        Args:
            data: Pixels of the cell.
            inputs: Pixels of the inputs, with the halo.
        """
        numbers = self.parameters[: 3 + 5 * self.parameters[2]].tolist()
        loader, index, n = numbers[:3]
        dim = tuple(numbers[3 + 2 * n : 3 + 3 * n])
        lower = tuple(numbers[3 + 3 * n : 3 + 4 * n])
        for array in inputs:
            array.flags.writeable = False
        self._snippets[loader].run(
            Block(
                data,
                list(inputs),
                index,
                tuple(numbers[3 : 3 + n]),
                tuple(numbers[3 + n : 3 + 2 * n]),
                dim,
                halo_slices(lower, dim),
            )
        )

    @guarded
    def initialise(self, code: str, timeout: float, stack_file: str, file_name: str = "<init>") -> None:
        """Runs the queue's init code; what it defines is seen by all snippets that are prepared later.

        Args:
            code: Python statements.
            timeout: Seconds after which the stack of this thread is written to the file.
            stack_file: Path of that file.
            file_name: What tracebacks call the code. Unique, because workers can share the table of sources.
        """
        with open(stack_file, "w") as stack:
            faulthandler.dump_traceback_later(timeout, file=stack)
            try:
                self._execute(code, file_name)
            finally:
                faulthandler.cancel_dump_traceback_later()

    @guarded
    def check(self, code: str, file_name: str) -> None:
        """Raises if the code is not valid Python."""
        if function_reference(code) is None:
            try:
                compile_code(code, file_name)
            finally:
                # The code may never run here, and then nobody would drop its source.
                linecache.cache.pop(file_name, None)

    @guarded
    def prepare(self, loader: int, code: str, file_name: str) -> None:
        """Makes the code of a loader ready for `step`."""
        if loader not in self._snippets:
            self._import_submodules(code)
            module = f"imglib2_cache_python.user.{self._name}_loader_{loader}"
            self._snippets[loader] = Snippet(code, file_name, module, self._globals)

    @guarded
    def forget(self, loader: int) -> None:
        """Drops the code of a loader and all that it defined."""
        snippet = self._snippets.pop(loader, None)
        if snippet is not None:
            snippet.dispose()

    @guarded
    def execute(self, code: str) -> None:
        """Runs statements in the namespace that `initialise` filled."""
        self._execute(code, "<task>")

    @guarded
    def evaluate(self, expression: str) -> None:
        """Evaluates an expression in the namespace that `initialise` filled; `result` then returns its value."""
        self._import_submodules(expression)
        self._result = eval(compile_code(expression.strip(), "<task>", "eval"), self._globals)

    @guarded
    def assign(self, name: str, value: Any) -> None:  # noqa: ANN401
        """Defines a name in the namespace that `initialise` filled."""
        if not name.isidentifier():
            raise ValueError(f"{name!r} is not a Python name")
        self._globals[name] = value

    @guarded
    def close(self) -> None:
        """Drops the code of all loaders."""
        for loader in list(self._snippets):
            self._snippets.pop(loader).dispose()
        sys.modules.pop(self._module_name, None)
        self._globals.clear()

    def result(self) -> Any:  # noqa: ANN401
        """The value of the last `evaluate`, once."""
        result, self._result = self._result, None
        return result

    def failure(self) -> list[str]:
        """What the last method that returned `FAILED` failed with, once; see `Failure.to_strings`."""
        failure, self._failure = self._failure, []
        return failure

    def _execute(self, code: str, file_name: str) -> None:
        compiled = compile_code(code, file_name)
        self._import_submodules(code)
        exec(compiled, self._globals)

    def _import_submodules(self, code: str) -> None:
        if self._shared_modules:
            import_attributes(code, self._shared_modules, self._globals)


def redirect_streams(out: Callable[[str], Any], err: Callable[[str], Any]) -> None:
    """Hands what the calling thread writes to ``sys.stdout`` and ``sys.stderr`` to functions, line by line.

    Threads that user code starts use the functions of the first call in this interpreter.
    """
    for name, emit in (("stdout", out), ("stderr", err)):
        if not isinstance(getattr(sys, name), LineWriter):
            setattr(sys, name, LineWriter(emit, f"<{name}>"))
        getattr(sys, name).route(emit)


def finish_lines() -> None:
    """Hands over lines that the calling thread left unfinished."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, LineWriter):
            stream.finish()
