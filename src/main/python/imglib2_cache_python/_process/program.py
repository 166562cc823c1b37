# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""The program of a worker process: sets the process up, then does what the JVM asks for until that ends."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import threading
from sys import getprofile, gettrace
from time import perf_counter_ns
from typing import Any, NoReturn

import numpy as np

from imglib2_cache_python import advice, complex_warning
from imglib2_cache_python._process import life
from imglib2_cache_python._process.mailbox import (
    CALL,
    MAX_FRAME_BYTES,
    NANOS,
    NUM_ARGUMENTS,
    RAISED,
    LostFrameError,
    Mailbox,
    Pipe,
    check,
)
from imglib2_cache_python._process.memory import SharedMemory
from imglib2_cache_python._process.output import Output
from imglib2_cache_python._worker import imports, processes, values
from imglib2_cache_python._worker.protocol import OK
from imglib2_cache_python._worker.worker import Worker, redirect_streams

MODE = "PROCESS"

# What Java may call by a frame.
_METHODS = frozenset(("initialise", "check", "prepare", "pin", "forget", "execute", "assign", "failure", "close"))

# Those whose result is sent back, too.
_METHODS_WITH_RESULT = frozenset(
    ("evaluate", "source", "file_of", "packages", "describe_source", "prepare_sink", "finish_sink")
)

_TOO_LARGE = "MemoryError: the value is too large"

# How long the JVM may take to say what to do.
_PATIENCE = 60_000


def main(requests: int, replies: int) -> NoReturn:
    """Runs the program until the JVM closes the worker, or ends.

    Args:
        requests: Descriptor of the pipe from Java.
        replies: Descriptor of the pipe to Java.
    """
    pipe = Pipe(requests)
    frame = pipe.take(_PATIENCE)
    if frame is None:
        raise SystemExit("the JVM does not say what to do")
    settings = values.decode(frame)
    life.write_stacks(settings["crash_file"])
    program = Program(settings, pipe, replies)
    if hasattr(os, "register_at_fork"):
        sigterm = life.HeldSigterm()
        os.register_at_fork(after_in_child=program.leave_in_child)
        os.register_at_fork(before=sigterm.hold, after_in_parent=sigterm.release, after_in_child=sigterm.release)
    with contextlib.suppress(EOFError):
        if program.serve():
            sys.exit(0)
    # Nobody waits for this process any more: threads of user code must not keep it alive.
    os._exit(0)


class Program:
    """A worker and what it is called by."""

    def __init__(self, settings: dict[str, Any], requests: Pipe, replies: int) -> None:
        """Makes the worker and tells Java so.

        Args:
            settings: What Java has sent first.
            requests: What Java sends.
            replies: Descriptor of the pipe to Java.
        """
        self._memory = SharedMemory(settings["memory"])
        words = memoryview(self._shared(settings["words"])).cast("q")
        self._mailbox = Mailbox(
            words, requests, replies, spin_nanos=settings["spin_nanos"], by_words=settings["by_words"]
        )
        check(settings["mailbox"])
        sys.path.extend(folder for folder in settings["module_path"] if folder not in sys.path)
        advice.module_path[:] = settings["module_path"]
        advice.memory_limit = settings["memory_limit"]
        complex_warning.make_an_error()
        imports.keep_imports_whole(importlib)
        processes.spawn_by_default()
        # A descriptor of its own: code may lead the standard error elsewhere, or close it.
        self._output = Output(os.dup(2), settings["mark"], words)
        redirect_streams(self._output.out, self._output.err)
        self._worker = Worker(
            settings["name"],
            MODE,
            settings["constants"],
            settings["dtypes"],
            self._shared(settings["request"]).view(np.int64),
            self._shared(settings["control"]).view(np.int64),
            self._shared(settings["stack"]),
            zeroed=False,
        )
        self._tracing: tuple[Any, Any] | None = None
        if settings["memory_limit"]:
            life.limit_memory(settings["memory_limit"])
        self._mailbox.begin(settings["mark"])
        self._mailbox.reply(values.encode([OK, {"pid": os.getpid(), "thread": threading.get_ident()}, []]))

    def _shared(self, span: list[int]) -> np.ndarray:
        start, length, offset, size = span
        return self._memory.array(start, length, offset, size, writable=True)

    def serve(self) -> bool:
        """Does what Java asks for.

        Returns:
            Whether the worker was closed.

        Raises:
            EOFError: If the JVM has closed the pipe.
        """
        mailbox = self._mailbox
        words = mailbox.words
        last = took = 0
        while True:
            try:
                frame = mailbox.next(last, took)
            except LostFrameError:
                mailbox.reply(values.encode([RAISED, _TOO_LARGE, []]))
                continue
            took = 0
            if frame is not None:
                if self._answer(frame):
                    return True
                # It may be large.
                del frame
                continue
            call = words[CALL]
            start = perf_counter_ns()
            try:
                status = self._step()
            except BaseException as error:
                # A tracing function that earlier code has left behind, or there is not enough memory.
                status = RAISED
                self._stop_tracing()
                self._worker.fail_with(error)
                self._memory.drop(words, words[NUM_ARGUMENTS])
            try:
                if gettrace() is not None or getprofile() is not None:
                    self._stop_tracing()
            except BaseException:
                self._stop_tracing()
            self._memory.report_freed(words)
            took = words[NANOS] = perf_counter_ns() - start
            mailbox.answer(call, status)
            last = call

    def _answer(self, frame: bytes | bytearray) -> bool:
        """Answers a frame; returns whether the worker is closed."""
        try:
            method, *arguments = values.decode(frame)
        except Exception as error:
            self._reply(RAISED, _describe(error))
            return False
        self._reply(*self._call(method, arguments))
        return method == "close"

    def _reply(self, status: int, value: Any) -> None:  # noqa: ANN401
        """Replies with a status, a value, a failure or a message, and which memories are free again."""
        freed = self._memory.freed()
        try:
            reply = values.encode([status, value, freed])
            if len(reply) > MAX_FRAME_BYTES:
                raise OverflowError(
                    f"the value has {len(reply)} bytes, and at most {MAX_FRAME_BYTES} can leave the worker process: "
                    "take it in parts"
                )
        except MemoryError:
            reply = values.encode([RAISED, _TOO_LARGE, freed])
        except BaseException as error:
            # A value that cannot leave the process; or a tracing function that earlier code has left behind.
            self._stop_tracing()
            reply = values.encode([RAISED, str(error) if type(error) is TypeError else _describe(error), freed])
        self._mailbox.reply(reply)

    def _step(self) -> int:
        # A function of its own, so that no array outlives it.
        if self._tracing:
            self._go_on_tracing()
        words = self._mailbox.words
        count = words[NUM_ARGUMENTS]
        if not count:
            return self._worker.step()
        return self._worker.step(*self._memory.arguments(words, count))

    def _stop_tracing(self) -> None:
        """Between calls, nothing may raise: what was read from the pipe would be lost.

        A tracing function that raises is removed by Python.
        """
        while True:
            with contextlib.suppress(BaseException):
                tracing = gettrace(), getprofile()
                sys.settrace(None)
                sys.setprofile(None)
                if tracing != (None, None):
                    self._tracing = tracing
                return

    def _go_on_tracing(self) -> None:
        (trace, profile), self._tracing = self._tracing or (None, None), None
        sys.setprofile(profile)
        sys.settrace(trace)

    def _call(self, method: str, arguments: list[Any]) -> tuple[int, Any]:
        """Calls a method of the worker; returns status, and value or failure."""
        try:
            if method not in _METHODS | _METHODS_WITH_RESULT:
                raise ValueError(f"{method} cannot be called")
            if method == "failure":
                return OK, self._worker.failure(*arguments)
            if self._tracing:
                self._go_on_tracing()
            status = getattr(self._worker, method)(*arguments[:1] if method == "evaluate" else arguments)
            self._stop_tracing()
            if status != OK:
                return status, self._worker.failure()
            return OK, self._value(*arguments[1:]) if method in _METHODS_WITH_RESULT else None
        except BaseException as error:
            # See `serve`.
            self._stop_tracing()
            return RAISED, _describe(error)

    def _value(self, as_text: bool = True) -> Any:  # noqa: ANN401
        value = self._worker.result()
        return str(value) if as_text and value is not None else value

    def leave_in_child(self) -> None:
        """In a forked process: it is no worker, and does not keep the pipes open."""
        self._output.continue_in_child()
        life.leave_in_child()


def _describe(error: BaseException) -> str:
    text = str(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
