# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Prepares the code of images and computes their blocks, on one interpreter.

Java calls the methods of one `Worker` per interpreter, always on that interpreter's thread. No exception of user code
ever leaves this module, because Jep would end the JVM for a ``SystemExit`` and lose most of any other.
"""

from __future__ import annotations

import base64
import faulthandler
import functools
import importlib
import linecache
import os
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from sys import getrefcount
from typing import Any, NoReturn

import numpy as np

from imglib2_cache_python import USER_MODULES, sources
from imglib2_cache_python._worker import garbage, protocol, turns, values
from imglib2_cache_python._worker.protocol import BROKEN, FAILED, OK, Layout, MemoryTable, read_numbers
from imglib2_cache_python._worker.streams import LineWriter
from imglib2_cache_python._worker.watchdog import Watchdog
from imglib2_cache_python.advice import with_advice
from imglib2_cache_python.block import Block
from imglib2_cache_python.call import check_call
from imglib2_cache_python.failure import Failure, capture
from imglib2_cache_python.overwriting import overwrites
from imglib2_cache_python.reference import Pin, function_reference, note_imports, pin_text, resolve, source_file
from imglib2_cache_python.settings import NONE, Opened, Settings
from imglib2_cache_python.snippet import Snippet, compile_code, new_namespace
from imglib2_cache_python.unwritten import require_written

# Whether user code has forked this process, which is no worker then.
_is_forked = False


def _note_fork() -> None:
    global _is_forked
    _is_forked = True


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_note_fork)

# References to a memory that user code has not retained, as `Worker._report_freed` counts them.
_NOT_RETAINED = next(getrefcount(memory) for _, memory in [(0, np.empty(0))])


def guarded(method: Callable[..., Any]) -> Callable[..., int]:
    """Lets no exception out: the method returns `OK`, or `FAILED` with a failure for `Worker.failure`."""

    @functools.wraps(method)
    def guard(self: Worker, *arguments: Any) -> int:  # noqa: ANN401
        try:
            self._failures.clear()
            ticket = self._control[protocol.BEGUN] = self._control[protocol.TICKET]
            self._enter(ticket)
            method(self, *arguments)
            self._leave()
            return OK
        except BaseException as error:
            self._failed(error)
            return FAILED

    return guard


def answering(method: Callable[..., Any]) -> Callable[..., int]:
    """Makes a method one that Java asks: `Worker.result` then returns what it returns. Values and arguments are text.

    Both are encoded by `values`, and in base 64. What Java asks for is never code of a user that nobody has checked.
    """

    @guarded
    @functools.wraps(method)
    def answer(self: Worker, arguments: str) -> None:
        found = method(self, *values.decode(base64.b64decode(arguments)))
        self._result = base64.b64encode(values.encode(found)).decode()

    return answer


class Worker:
    """The Python side of one interpreter."""

    def __init__(
        self,
        name: str,
        mode: str,
        constants: str,
        dtypes: str,
        request: np.ndarray,
        control: np.ndarray,
        stack: np.ndarray,
        end: Callable[[], None] = lambda: None,
        *,
        zeroed: bool = True,
    ) -> None:
        """Creates the worker, on the thread that calls it from then on.

        Args:
            name: Name of the worker, part of the names of its modules.
            mode: ``SUB``, ``SHARED`` or ``PROCESS``.
            constants: Constants of the protocol as Java has them, see `protocol.check`.
            dtypes: Names of the dtypes, one a line; layouts name a dtype by its place in here.
            request: Array of 64-bit integers that Java writes requests into, see `protocol`.
            control: Array of the control words, see `protocol`.
            stack: Array of bytes for the stack of code that is cancelled.
            end: Called at last when the worker is closed; raises if its interpreter must not end.
            zeroed: Whether the memory of new cells comes filled with zeros.

        Raises:
            ProtocolError: If Java does not speak the same protocol.
        """
        protocol.check(constants)
        # Before init code imports modules of the user.
        note_imports()
        self._request = memoryview(request)
        self._control = memoryview(control)
        self._dtypes = [np.dtype(dtype) for dtype in dtypes.split("\n")]
        self._name = name
        self._mode = mode
        self._end = end
        self._zeroed = zeroed
        # Not read from the globals later: user code may have changed __name__.
        self._module_name = f"{USER_MODULES}{name}"
        self._globals = new_namespace(self._module_name, f"<{name}>", {})
        # The code that has defined the names in there; None after tasks, because it is not known then.
        self._code_of_names: str | None = ""
        self._snippets: dict[int, Snippet] = {}
        # What holds the modules of functions until `prepare`.
        self._pins: dict[int, Pin | None] = {}
        self._memories = MemoryTable()
        self._retained: list[tuple[int, np.ndarray]] = []
        self._layouts: dict[int, Layout] = {}
        self._failures: list[list[str]] = []
        # The block that has failed just now, if it is to be written into a file.
        self._to_capture: tuple[Snippet, Block] | None = None
        self._capsule: Any = None
        self._result: Any = None
        self._watchdog = Watchdog(self._control, memoryview(stack))
        if mode == "SHARED":
            turns.join()

    def step(self, *arguments: np.ndarray) -> int:
        """Computes the blocks of the request, see `protocol`, and writes how each ended into the control words.

        Args:
            arguments: Memories that are new in the table, then those that the blocks name as arguments.

        Returns:
            `OK` if all blocks are done and there is nothing else to report; `FAILED` if Java has to read the control
            words; `BROKEN` if it is not known which blocks are done, and what is in the tables.
        """
        try:
            return self._step(arguments)
        except BaseException as error:
            # A cancellation that arrived late, or a defect of this package.
            self._failed(error)
            return BROKEN

    def _step(self, arguments: tuple[np.ndarray, ...]) -> int:
        if self._failures:
            self._failures.clear()
        control = self._control
        numbers = read_numbers(self._request)
        _, blocks, memories, layouts, reset = numbers[: protocol.HEADER_LENGTH]
        at = protocol.HEADER_LENGTH
        if memories or layouts:
            if reset:
                self._reset_tables()
            at = self._read_tables(numbers, memories, layouts, arguments)
        ticket = control[protocol.BEGUN] = control[protocol.TICKET]
        count_references = self._memories.references
        watchdog = self._watchdog
        status = OK
        # Small blocks spend their time on calls: `_enter` and `_leave` are written out.
        for block in range(blocks):
            if control[protocol.CANCEL] < 0:
                return BROKEN
            layout = self._layouts[numbers[at]]
            watched = layout.watched
            references = count_references(watched, numbers, at, arguments) if watched else None
            try:
                control[protocol.RUNNING] = ticket
                if watchdog.asleep:
                    watchdog.wake()
                self._compute(layout, numbers, at, arguments)
                if _is_forked:
                    self._end_fork()
                if LineWriter.unfinished_threads:
                    finish_lines()
                control[protocol.RUNNING] = -ticket
                if watchdog.sent:
                    watchdog.settle()
            except BaseException as error:
                if _is_forked:
                    self._end_fork(error)
                result = protocol.RESULTS + protocol.RESULT_LENGTH * block
                control[result] = status = FAILED
                before = len(self._failures)
                self._failed(error)
                if len(self._failures) > before:
                    control[result] += len(self._failures)
            # The exception with its frames is gone here.
            if watched and count_references(watched, numbers, at, arguments) != references:
                control[protocol.RESULTS + protocol.RESULT_LENGTH * block + 1] = self._retain(
                    layout, numbers, at, references, ticket, arguments
                )
            ticket += 1
            at += layout.block_length
        if self._retained:
            self._report_freed()
            status = FAILED
        return status

    def _compute(self, layout: Layout, numbers: tuple[int, ...], at: int, arguments: tuple[np.ndarray, ...]) -> None:
        # A function of its own, so that no array outlives it.
        snippet = self._snippets[layout.loader]
        if layout.shared and snippet.may_ignore_read_only():
            arrays = self._memories.arrays(layout, numbers, at, arguments, read_only_is_ignored=True)
        else:
            arrays = self._memories.arrays(layout, numbers, at, arguments)
        min_at = at + layout.min_at
        max_at = min_at + layout.n
        minimum, maximum = numbers[min_at:max_at], numbers[max_at : max_at + layout.n]
        data = arrays.pop(layout.output)
        block = Block(data, arrays, numbers[at + 1], minimum, maximum, layout.dim, layout.halo, layout.crops_of_inputs)
        snippet.run(block)

    def _run_captured(self, snippet: Snippet, run: Callable[[Block], None], block: Block) -> None:
        """Runs the code; if that fails, `_failed` writes the block into a file."""
        # As they are before the code runs.
        inputs = [pixels.copy() if pixels.flags.writeable else pixels for pixels in block.inputs]
        original = replace(block, data=block.data[...], inputs=inputs)
        try:
            run(block)
        except BaseException:
            self._to_capture = snippet, original
            raise

    def _capture(self, failure: Failure) -> Failure:
        """Writes the block that has failed into a file; the advice says where it is."""
        (snippet, block), self._to_capture = self._to_capture or (None, None), None
        # Nobody waits for a worker that is abandoned.
        if snippet is None or block is None or self._control[protocol.CANCEL] < 0:
            return failure
        code: dict[str, Any] = {
            "name": snippet.file_name.strip("<>"),
            "code": snippet.code,
            "init": self._code_of_names,
            "source": self._capsule.source_entry(snippet.source),
        }
        code |= {"check_written": snippet.check_written, "cancelled": failure.type_name == protocol.CANCELLED}
        note = self._capsule.write(block, failure, snippet.settings, code)
        return replace(failure, advice="\n".join(filter(None, (failure.advice, note))))

    def _read_tables(
        self, numbers: tuple[int, ...], memories: int, layouts: int, arguments: tuple[np.ndarray, ...]
    ) -> int:
        """Adds what is new to the tables; returns where the blocks begin."""
        at = protocol.HEADER_LENGTH + memories
        for place, memory in zip(numbers[protocol.HEADER_LENGTH : at], arguments, strict=False):
            self._memories.put(place >> 1, memory, writable=place & 1 == 1)
        for _ in range(layouts):
            place, length = numbers[at : at + protocol.NEW_LAYOUT_LENGTH]
            at += protocol.NEW_LAYOUT_LENGTH
            self._layouts[place] = Layout(numbers[at : at + length], self._dtypes)
            at += length
        return at

    def _reset_tables(self) -> None:
        self._memories = MemoryTable()
        self._layouts = {}
        self._retained = []

    def _retain(
        self,
        layout: Layout,
        numbers: tuple[int, ...],
        at: int,
        references: list[int],
        ticket: int,
        arguments: tuple[np.ndarray, ...],
    ) -> int:
        """Watches the memories that user code has retained; of too many, the oldest become garbage.

        Returns:
            Mask of them.
        """
        mask = 0
        for i, before in zip(layout.watched, references, strict=True):
            if self._memories.references((i,), numbers, at, arguments)[0] > before:
                mask |= 1 << i
                number = protocol.ARRAYS_PER_TICKET * ticket + i
                code = numbers[at + protocol.BLOCK_LENGTH + i]
                self._retained.append((number, self._memories.take(code, arguments)))
        self._retained = self._retained[-protocol.MAX_RETAINED :]
        return mask

    def _report_freed(self) -> None:
        freed = [number for number, memory in self._retained if getrefcount(memory) <= _NOT_RETAINED]
        self._retained = [retained for retained in self._retained if retained[0] not in freed]
        self._control[protocol.NUM_FREED] = len(freed)
        for i, number in enumerate(freed):
            self._control[protocol.FREED + i] = number

    def _enter(self, ticket: int) -> None:
        """Before user code runs."""
        self._control[protocol.RUNNING] = ticket
        # In this order: the watchdog falls asleep, then looks again.
        if self._watchdog.asleep:
            self._watchdog.wake()

    def _leave(self) -> None:
        """After user code has run."""
        if _is_forked:
            self._end_fork()
        if LineWriter.unfinished_threads:
            finish_lines()
        self._control[protocol.RUNNING] = 0
        if self._watchdog.sent:
            self._watchdog.settle()

    def _end_fork(self, error: BaseException | None = None) -> NoReturn:
        """Ends a process that user code has forked where that code ends, as a program would end.

        Else it would go on as the worker, whose words and pixels in shared memory it has.
        """
        code = error.code if isinstance(error, SystemExit) else None if error is None else 1
        with suppress(BaseException):
            if self._mode == "PROCESS":
                finish_lines()
            if error is not None and not isinstance(error, SystemExit):
                os.write(2, "".join(traceback.format_exception(error)).encode("utf-8", "backslashreplace"))
            elif code is not None and not isinstance(code, int):
                os.write(2, f"{code}\n".encode("utf-8", "backslashreplace"))
        os._exit(code if isinstance(code, int) else int(code is not None))

    def fail_with(self, error: BaseException) -> None:
        """Lets `failure` tell what has kept `step` from beginning."""
        self._failures.clear()
        self._failed(error)

    def _failed(self, error: BaseException) -> None:
        """After user code has failed; never raises."""
        if _is_forked:
            self._end_fork(error)
        for _ in range(2):
            try:
                self._control[protocol.RUNNING] = -abs(self._control[protocol.RUNNING])
                self._watchdog.settle()
                failure = self._capture(with_advice(capture(error), error, self._mode))
                self._failures.append(failure.to_strings())
                # The function that takes the lines may fail, too; the first failure is reported.
                with suppress(BaseException):
                    finish_lines()
                return
            except BaseException:
                # A cancellation that arrived late; it arrives once.
                continue

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
            self._code_of_names = code
            try:
                self._execute(code, file_name)
            finally:
                faulthandler.cancel_dump_traceback_later()

    @guarded
    def check(self, code: str, file_name: str, settings: str = "") -> None:
        """Raises if the code is not valid Python, or can never write into ``block.data``.

        A function is imported only if the settings want its arguments checked.
        """
        called_with = _settings(settings)
        reference = function_reference(code)
        if reference is not None:
            if called_with.checked:
                check_call(resolve(*reference)[0], code.strip(), called_with)
        else:
            try:
                compile_code(code, file_name)
                require_written(code, file_name, self._globals, self._code_of_names, called_with)
            finally:
                # If the code never runs here, nobody drops its source later.
                linecache.cache.pop(file_name, None)

    @guarded
    def prepare(self, loader: int, code: str, file_name: str, check_written: bool = False, settings: str = "") -> None:
        """Makes the code of a loader ready for `step`; see `Snippet`."""
        held = self._pins.pop(loader, None)
        if loader not in self._snippets:
            module = f"{USER_MODULES}{self._name}_loader_{loader}"
            called_with = _settings(settings)
            if called_with.capture_folder is not None:
                # Only now, because what it imports takes long.
                self._capsule = importlib.import_module("imglib2_cache_python.capsule")
            names = {**self._globals, **called_with.parameters}
            # Functions write all pixels.
            zero = not self._zeroed and function_reference(code) is None and not overwrites(code, names)
            snippet = self._snippets[loader] = Snippet(
                code,
                file_name,
                module,
                self._globals,
                check_written=check_written,
                zero=zero,
                settings=called_with,
                image=loader,
            )
            if called_with.capture_folder is not None:
                snippet.run = functools.partial(self._run_captured, snippet, snippet.run)
        # Now the snippet holds the module.
        del held

    @answering
    def source(self, loader: int) -> tuple[str, str] | None:
        """See `Snippet.source`."""
        return self._snippets[loader].source

    @guarded
    def pin(self, loader: int, code: str, file: str, text: str) -> None:
        """Lets `prepare` take a function from a text, if its file has another one now; see `pin_text`."""
        self._pins[loader] = pin_text(code, file, text, loader)

    @guarded
    def forget(self, *loaders: int) -> None:
        """Drops the code of loaders and all that it defined, at once, because that may be large."""
        for loader in loaders:
            self._pins.pop(loader, None)
        snippets = [self._snippets.pop(loader) for loader in loaders if loader in self._snippets]
        gone = [snippet.dispose() for snippet in snippets]
        if not all(gone):
            garbage.collect()

    @guarded
    def execute(self, code: str) -> None:
        """Runs statements in the namespace that `initialise` filled."""
        self._code_of_names = None
        self._execute(code, "<task>")

    @guarded
    def evaluate(self, expression: str) -> None:
        """Evaluates an expression in the namespace that `initialise` filled; `result` then returns its value."""
        self._result = eval(compile_code(expression.strip(), "<task>", "eval"), self._globals)

    @answering
    def file_of(self, code: str) -> str | None:
        """See `source_file`."""
        return source_file(code)

    @answering
    def packages(self, codes: list[str], opened: list[Any]) -> list[str]:
        """See `provenance.describe`."""
        # Only now, because what it imports takes long.
        return importlib.import_module("imglib2_cache_python.provenance").describe(codes, opened)

    @answering
    def describe_source(self, opened: list[Any], wanted: str | None) -> dict[str, Any]:
        """See `sources.describe`."""
        return sources.describe(Opened(*opened), wanted, self._globals)

    @answering
    def prepare_sink(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """See `writing.prepare`."""
        return importlib.import_module("imglib2_cache_python._worker.writing").prepare(wanted)

    @answering
    def finish_sink(self, path: str, changed: bool) -> None:
        """See `writing.finish`."""
        importlib.import_module("imglib2_cache_python._worker.writing").finish(path, changed)

    @guarded
    def assign(self, name: str, value: Any) -> None:  # noqa: ANN401
        """Defines a name in the namespace that `initialise` filled."""
        if not name.isidentifier():
            raise ValueError(f"{name!r} is not a Python name")
        self._code_of_names = None
        self._globals[name] = value

    @guarded
    def close(self) -> None:
        """Drops the code of all loaders; if that fails, a sub-interpreter must not be closed."""
        turns.leave()
        for loader in list(self._snippets):
            self._snippets.pop(loader).dispose()
        self._pins.clear()
        sys.modules.pop(self._module_name, None)
        # Not cleared: threads that user code has started may still use it.
        self._globals = {}
        self._reset_tables()
        self._result = None
        # Of a closed queue, whatever runs is cancelled; this must not be.
        self._control[protocol.RUNNING] = 0
        stopped = self._watchdog.stop()
        if not stopped:
            raise RuntimeError("the watchdog of the worker has not ended")
        self._end()

    def result(self) -> Any:  # noqa: ANN401
        """The value of the last `evaluate`, once."""
        result, self._result = self._result, None
        return result

    def failure(self, number: int = protocol.LAST_FAILURE) -> list[str]:
        """What the last call failed with.

        Args:
            number: 1 for the first failure, and so on; `LAST_FAILURE` for the last.

        Returns:
            See `Failure.to_strings`; empty if there is no such failure, or it could not be described.
        """
        if not protocol.LAST_FAILURE <= number <= len(self._failures) or not number or not self._failures:
            return []
        return self._failures[number - (number > 0)]

    def _execute(self, code: str, file_name: str) -> None:
        compiled = compile_code(code, file_name)
        exec(compiled, self._globals)


def _settings(encoded: str) -> Settings:
    """What ``CellCode.encoded`` says in Java; empty if the code is nothing but its text."""
    if not encoded:
        return NONE
    *others, opened = values.decode(base64.b64decode(encoded))
    return Settings(*others, {name: Opened(*its) for name, its in opened.items()})


def redirect_streams(
    out: Callable[[str], Any], err: Callable[[str], Any], end_of_jvm: Sequence[int] | np.ndarray = (0,)
) -> None:
    """Passes what the calling thread writes to ``sys.stdout`` and ``sys.stderr`` to functions, line by line.

    Threads that user code starts use the functions of the first call in this interpreter.

    Args:
        out: For lines of ``sys.stdout``.
        err: For lines of ``sys.stderr``.
        end_of_jvm: Its only number is not 0 when the functions must not be called any more.
    """
    for name, emit in (("stdout", out), ("stderr", err)):
        if not isinstance(getattr(sys, name, None), LineWriter):
            setattr(sys, name, LineWriter(emit, f"<{name}>", end_of_jvm))
        getattr(sys, name).route(emit)


def finish_lines() -> None:
    """Passes on the unfinished lines of the calling thread."""
    for name in ("stdout", "stderr"):
        # User code may have deleted it.
        stream = getattr(sys, name, None)
        if isinstance(stream, LineWriter):
            stream.finish()
    LineWriter.unfinished_threads.discard(threading.get_ident())
