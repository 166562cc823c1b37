# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Passes what Python writes to its standard streams to a function, line by line."""

from __future__ import annotations

import codecs
import io
import os
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any, ClassVar

import numpy as np

from imglib2_cache_python.failure import transferable

# A longer line is passed on in pieces, so that output without line ends cannot fill the memory.
MAX_LINE = 64 * 1024


class LineWriter(io.TextIOBase):
    """A text stream that passes every complete line, without its line end, to a function.

    A carriage return ends a line, too, because progress bars write the line anew after it; an empty line that ends so
    is not passed on. Each thread has an unfinished line of its own, so that lines of concurrent workers do not mix.
    `flush` does not end a line; `finish` passes on the unfinished line of the calling thread.
    """

    encoding = "utf-8"
    errors = "backslashreplace"
    newlines = None

    # Threads that may have an unfinished line in one of the streams; one that has ended may stay in it.
    unfinished_threads: ClassVar[set[int]] = set()

    def __init__(
        self, emit: Callable[[str], Any], name: str = "<stream>", end_of_jvm: Sequence[int] | np.ndarray = (0,)
    ) -> None:
        """Creates a stream.

        Args:
            emit: Called with each line, on the thread that wrote it, unless that thread has a route of its own.
            name: What ``stream.name`` says, ``<stdout>`` for instance.
            end_of_jvm: If its only number is not 0, lines go to the standard error of the process: a thread that calls
                a JVM that ends would not come back, and keep the lock of Python.
        """
        super().__init__()
        self.name = name
        self._end_of_jvm = end_of_jvm
        self._emit_elsewhere = emit
        self._thread = threading.local()
        self.buffer = _Utf8Bytes(self)

    def writable(self) -> bool:
        """True."""
        return True

    def route(self, emit: Callable[[str], Any]) -> None:
        """Passes the lines of the calling thread to a function of its own."""
        self._thread.emit = emit

    def write(self, text: str) -> int:
        """Writes text; complete lines are passed on at once."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        unfinished = self._unfinished()
        unfinished.append(text)
        self.unfinished_threads.add(threading.get_ident())
        self._thread.length += len(text)
        if "\n" not in text and "\r" not in text and self._thread.length < MAX_LINE:
            return len(text)
        written = self._take()
        returned, self._thread.returned = self._thread.returned, written.endswith("\r")
        if returned:
            # The line that ends here was passed on at its carriage return.
            written = written.lstrip("\r").removeprefix("\n")
        *lines, rest = written.replace("\r\n", "\n").split("\n")
        *overwritten, rest = rest.split("\r")
        *pieces, rest = _pieces(rest)
        self._unfinished().append(rest)
        self._thread.length = len(rest)
        for line in lines:
            *before, last = line.split("\r")
            self._emit_all(before)
            if last or not before:
                for piece in _pieces(last):
                    self._emit(piece)
        self._emit_all(overwritten)
        for piece in pieces:
            self._emit(piece)
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:  # type: ignore[override]
        """Writes each of the texts."""
        for line in lines:
            self.write(line)

    def finish(self) -> None:
        """Passes on the unfinished line of the calling thread, if it has one."""
        rest = self._take()
        self._thread.returned = False
        if rest:
            self._emit(rest)

    def _unfinished(self) -> list[str]:
        # In parts, because a line may be written in very many pieces.
        parts = getattr(self._thread, "parts", None)
        if parts is None:
            parts = self._thread.parts = []
            self._thread.length = 0
            self._thread.returned = getattr(self._thread, "returned", False)
        return parts

    def _take(self) -> str:
        text = "".join(self._unfinished())
        self._thread.parts = None
        return text

    def _emit_all(self, overwritten: list[str]) -> None:
        for line in filter(None, overwritten):
            for piece in _pieces(line):
                self._emit(piece)

    def _emit(self, line: str) -> None:
        if self._end_of_jvm[0]:
            with suppress(OSError):
                os.write(2, f"{line}\n".encode("utf-8", "backslashreplace"))
            return
        getattr(self._thread, "emit", self._emit_elsewhere)(transferable(line))


def _pieces(line: str) -> list[str]:
    return [line[start : start + MAX_LINE] for start in range(0, len(line), MAX_LINE)] or [line]


class _Utf8Bytes(io.RawIOBase):
    """``stream.buffer``: bytes are decoded as UTF-8 and written to the text stream."""

    def __init__(self, stream: LineWriter) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:  # noqa: ANN401 - any object with a buffer
        chunk = memoryview(data).tobytes()
        self._stream.write(self._decoder.decode(chunk))
        return len(chunk)
