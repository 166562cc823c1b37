# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""What runs on one interpreter: prepares the code of images and computes their blocks.

Java calls the methods of one `Worker` per interpreter, always on that interpreter's thread. No exception of user code
ever leaves this module, because Jep would end the JVM for a ``SystemExit`` and lose most of any other.
"""

from __future__ import annotations

import faulthandler
import functools
import gc
import linecache
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from sys import getrefcount
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

# Number of parameters that every block has.
_FIXED = 6

# So many memories that user code holds are watched, so that they can be reused when it does not any more.
_MAX_HELD = 64

# Seconds that closing waits for threads of user code.
_THREADS_TIMEOUT = 1.0

# Layouts of the arrays of a block; 2 is any strides.
_AS_IT_IS, _CONTIGUOUS, _MADE_CONTIGUOUS = 0, 1, 3


# References to a memory that nobody else holds, as `Worker.step` counts them.
_UNHELD = next(getrefcount(memory) for _, memory in [(0, np.empty(0))])


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
        parameters: Numbers of the block to compute, written by Java and read by `step`: how many they are, loader,
            index, number n of axes, mask of the memories that are reused, ticket, then n each of min, max, dim and
            lower halo, all in numpy order, then one group for each array, see `arrays_of`.
    """

    def __init__(self, name: str, mode: str, shared_modules: str, dtypes: str, parameters: np.ndarray) -> None:
        """Creates the worker.

        Args:
            name: Name of the worker, part of the names of its modules.
            mode: ``SUB`` or ``SHARED``.
            shared_modules: Names of the top-level modules shared by all sub-interpreters, separated by line ends.
            dtypes: Names of the dtypes, separated by line ends; their numbers mean them in `parameters`.
            parameters: Memory shared with Java, of 64-bit integers.
        """
        self.parameters = parameters
        self._told = parameters[-(2 + _MAX_HELD) :]
        self._dtypes = [np.dtype(dtype) for dtype in dtypes.split("\n")]
        self._name = name
        self._mode = mode
        self._shared_modules = frozenset(shared_modules.split("\n")) if mode == "SUB" else frozenset()
        # Not asked from the globals later: user code may have changed __name__.
        self._module_name = f"imglib2_cache_python.user.{name}"
        self._globals = new_namespace(self._module_name, f"<{name}>", {})
        self._snippets: dict[int, Snippet] = {}
        self._held: list[tuple[int, np.ndarray]] = []
        self._failure: list[str] = []
        self._result: Any = None

    @guarded
    def step(self, *memories: np.ndarray) -> None:
        """Computes the block that `parameters` describes.

        Then tells, at the end of `parameters`: a mask of those memories, of the ones to be reused, that user code
        still holds; how many it held after an earlier step and holds no longer; and the numbers of these, which are
        64 times the ticket of that step plus the index in it.

        Args:
            memories: What holds the pixels of the cell, then of the inputs; see `arrays_of`.
        """
        parameters = self.parameters
        numbers = parameters[: parameters[0]].tolist()
        told = self._told
        told[:2] = 0
        reused = numbers[4]
        if not reused and not self._held:
            self._compute(numbers, memories)
            return
        before = [getrefcount(memory) for memory in memories]
        try:
            self._compute(numbers, memories)
        finally:
            after = [getrefcount(memory) for memory in memories]
            escaped = [i for i, count in enumerate(before) if after[i] > count and reused >> i & 1]
            freed = [number for number, memory in self._held if getrefcount(memory) <= _UNHELD]
            held = [(number, memory) for number, memory in self._held if number not in freed]
            held += [(64 * numbers[5] + i, memories[i]) for i in escaped]
            self._held = held[-_MAX_HELD:]
            told[0] = sum(1 << i for i in escaped)
            told[1] = len(freed)
            told[2 : 2 + len(freed)] = freed

    def _compute(self, numbers: list[int], memories: tuple[np.ndarray, ...]) -> None:
        _, loader, index, n, _, _ = numbers[:_FIXED]
        end = _FIXED + 4 * n
        minimum, maximum, dim, lower = (tuple(numbers[start : start + n]) for start in range(_FIXED, end, n))
        data, *inputs = arrays_of(memories, numbers, end, self._dtypes)
        for array in inputs:
            array.flags.writeable = False
        self._snippets[loader].run(Block(data, inputs, index, minimum, maximum, dim, halo_slices(lower, dim)))

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
        # Not cleared: threads that user code has started may still use it.
        self._globals = {}
        self._held = []
        if self._mode == "SUB":
            end_threads()

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


def arrays_of(memories: Sequence[np.ndarray], numbers: list[int], at: int, dtypes: list[np.dtype]) -> list[np.ndarray]:
    """Arrays in some memory.

    Args:
        memories: One for each array.
        numbers: From `at` on, for each array its layout: 0 if the memory is the array; else dtype, offset in bytes,
            number of axes and shape; and, if the layout is not 1, strides in bytes. Layout 3 asks for a copy in C
            order.
        at: Where the numbers begin.
        dtypes: What the dtypes' numbers mean.
    """
    arrays = []
    for memory in memories:
        layout = numbers[at]
        at += 1
        if layout == _AS_IT_IS:
            arrays.append(memory)
            continue
        dtype, offset, n = dtypes[numbers[at]], numbers[at + 1], numbers[at + 2]
        at += 3
        shape = numbers[at : at + n]
        at += n
        strides = None
        if layout != _CONTIGUOUS:
            strides = numbers[at : at + n]
            at += n
        array = np.ndarray(shape, dtype, memory, offset, strides)
        arrays.append(np.ascontiguousarray(array) if layout == _MADE_CONTIGUOUS else array)
    return arrays


def redirect_streams(out: Callable[[str], Any], err: Callable[[str], Any]) -> None:
    """Hands what the calling thread writes to ``sys.stdout`` and ``sys.stderr`` to functions, line by line.

    Threads that user code starts use the functions of the first call in this interpreter.
    """
    for name, emit in (("stdout", out), ("stderr", err)):
        if not isinstance(getattr(sys, name, None), LineWriter):
            setattr(sys, name, LineWriter(emit, f"<{name}>"))
        getattr(sys, name).route(emit)


def end_threads() -> None:
    """Waits a little for threads of user code, because a sub-interpreter cannot be closed while they live.

    The threads of an executor end when it is collected.
    """
    gc.collect()
    end = time.monotonic() + _THREADS_TIMEOUT
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join(max(0.0, end - time.monotonic()))


def finish_lines() -> None:
    """Hands over lines that the calling thread left unfinished."""
    for name in ("stdout", "stderr"):
        # User code may have deleted it.
        stream = getattr(sys, name, None)
        if isinstance(stream, LineWriter):
            stream.finish()
