# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""The memory that a worker process shares with the JVM."""

from __future__ import annotations

import mmap
import os
import struct
import weakref
from collections import deque

import numpy as np

from imglib2_cache_python._process.mailbox import ARGUMENT_LENGTH, ARGUMENTS, FREED, MAX_FREED, NUM_FREED

_WORD = 8


class _Watch(weakref.ref):
    """Tells when nobody sees a memory any more."""

    __slots__ = ("number",)
    number: int


class SharedMemory:
    """Segments of a file, each mapped when it is first needed, and arrays in them."""

    def __init__(self, path: str) -> None:
        """Opens the file."""
        self._fd = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0))
        self._segments: dict[tuple[int, int, bool], memoryview] = {}
        self._watches: dict[int, _Watch] = {}
        # Filled by the interpreter itself: in a function of Python, a cancellation may arrive, and nobody be told.
        self._gone: deque[_Watch] = deque()
        self._dropped: deque[int] = deque()
        self._unpackers: dict[int, struct.Struct] = {}

    def array(self, start: int, length: int, offset: int, size: int, *, writable: bool) -> np.ndarray:
        """An array of bytes that nothing else is a part of.

        Args:
            start: Where the segment begins in the file.
            length: Length of the segment.
            offset: Where the array begins in the segment.
            size: Length of the array.
            writable: Whether it may be written; else the memory itself is mapped read-only.
        """
        segment = self._segments.get((start, length, writable))
        if segment is None:
            segment = self._map(start, length, writable)
        # Of a slice of one array, numpy would make the whole the base of all arrays, and nobody could tell them apart.
        return np.frombuffer(segment[offset : offset + size], np.uint8) if size else np.empty(0, np.uint8)

    def _map(self, start: int, length: int, writable: bool) -> memoryview:
        access = mmap.ACCESS_WRITE if writable else mmap.ACCESS_READ
        segment = memoryview(mmap.mmap(self._fd, length, access=access, offset=start))
        return self._segments.setdefault((start, length, writable), segment)

    def arguments(self, words: memoryview, count: int) -> list[np.ndarray]:
        """The arguments of a call, which Java has written into the words."""
        unpacker = self._unpackers.get(count)
        if unpacker is None:
            unpacker = self._unpackers[count] = struct.Struct(f"={ARGUMENT_LENGTH * count}q")
        numbers = unpacker.unpack_from(words, ARGUMENTS * _WORD)
        arrays = []
        for at in range(0, len(numbers), ARGUMENT_LENGTH):
            start, length, offset, size, number = numbers[at : at + ARGUMENT_LENGTH]
            array = self.array(start, length, offset, size >> 1, writable=size & 1 == 1)
            watch = _Watch(array, self._gone.append)
            watch.number = number
            self._watches[number] = watch
            arrays.append(array)
        return arrays

    def drop(self, words: memoryview, count: int) -> None:
        """Counts the arguments of a call that has failed as seen by nobody, unless they are watched.

        Some may be told twice, which Java allows.
        """
        for i in range(count):
            number = words[ARGUMENTS + ARGUMENT_LENGTH * i + ARGUMENT_LENGTH - 1]
            if number not in self._watches:
                self._dropped.append(number)

    def report_freed(self, words: memoryview) -> None:
        """Writes the numbers of memories that nobody sees any more into the words."""
        count = 0
        while (self._gone or self._dropped) and count < MAX_FREED:
            words[FREED + count] = self._next_freed()
            count += 1
        words[NUM_FREED] = count

    def freed(self) -> list[int]:
        """The numbers of memories that nobody sees any more, each told once."""
        numbers = []
        while self._gone or self._dropped:
            numbers.append(self._next_freed())
        return numbers

    def _next_freed(self) -> int:
        if self._dropped:
            return self._dropped.popleft()
        # Java has no memory of number 0. A trace function may have raised where the watch was made.
        number = getattr(self._gone.popleft(), "number", 0)
        self._watches.pop(number, None)
        return number
