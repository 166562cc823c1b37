# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""What Python code prints in a worker process: lines with a mark, among those that code in C writes."""

from __future__ import annotations

import os
import threading
from collections import deque

from imglib2_cache_python._process.mailbox import EMITTED


class Output:
    """Writes marked lines into a pipe. The mark says which stream a line is of, and whether it is counted.

    Java waits for all counted lines before it hands a result over, so that what code printed comes before its result.
    """

    def __init__(self, fd: int, mark: str, words: memoryview) -> None:
        """Writes into a descriptor, and counts in the words."""
        self._fd = fd
        self._mark = mark.encode()
        self._words = words
        self._counts = True
        self._begin()

    def _begin(self) -> None:
        self._waiting: deque[tuple[bytes, bytes]] = deque()
        # What a finalizer, or a tracing function, prints comes on the thread that is printing.
        self._lock = threading.RLock()
        self._is_writing = False

    def out(self, line: str) -> None:
        """Writes a line of the standard output."""
        self._emit(b"o", b"O", line)

    def err(self, line: str) -> None:
        """Writes a line of the standard error."""
        self._emit(b"e", b"E", line)

    def _emit(self, counted: bytes, uncounted: bytes, line: str) -> None:
        stream = counted if self._counts else uncounted
        self._waiting.append((stream, line.encode("utf-8", "backslashreplace")))
        with self._lock:
            # Else this thread is within a line, and goes on with this one after it.
            while self._waiting and not self._is_writing:
                self._is_writing = True
                try:
                    self._write_waiting()
                finally:
                    self._is_writing = False

    def _write_waiting(self) -> None:
        while self._waiting:
            stream, line = self._waiting.popleft()
            view = memoryview(self._mark + stream + line + b"\n")
            # Before the line, so that it is never delivered before it is expected.
            if self._counts:
                self._words[EMITTED] += 1
            while view:
                view = view[os.write(self._fd, view) :]

    def continue_in_child(self) -> None:
        """In a forked process: its lines are not counted, and no other thread holds the lock."""
        self._counts = False
        self._begin()
