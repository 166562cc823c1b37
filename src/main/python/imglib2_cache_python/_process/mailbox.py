# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""How the JVM and a worker process call each other: by words in memory that both see, else by pipes.

To call, Java writes the arguments, counts `CALL` up and, if Python sleeps, writes a byte into a pipe. To answer,
Python writes what there is to tell, sets `DONE` to the number of the call and, if Java sleeps, writes a byte into
another pipe. Each side looks at the word for a moment before it sleeps: to be woken takes longer than a small block.
Python looks for longer after a long block, because the next one may wait already: Java has to be woken first, and if
both sides sleep then, the processors may sleep as well, and each waking takes still longer.

A side that is about to sleep says so, then looks at the word again; the other changes the word, then looks whether
the first one sleeps. This needs a full fence between the two steps on each side, or both could miss each other. In
Python, a lock that is taken and given back is such a fence on x86. Elsewhere Python promises nothing about the order of
such words: there, each call and each answer takes a byte through the pipe, and the words are only read after it.

Java counts as asleep while the thread that waits for answers sleeps, also if the one that reads the pipe calls again.

Everything else than blocks crosses in *frames* on the same pipes: the byte `FRAME`, four bytes of length, a value.
"""

from __future__ import annotations

import io
import os
import select
import struct
import threading
from time import perf_counter_ns

# Words that are written together share a cache line.
CALL = 0
NUM_ARGUMENTS = 1
DONE = 8
STATUS = 9
NUM_FREED = 10

# How many nanoseconds the blocks have taken.
NANOS = 11

EMITTED = 16
PYTHON_SLEEPS = 24
JAVA_SLEEPS = 32

# Numbers of memories that nobody sees any more, at most so many in one answer.
FREED = 64
MAX_FREED = 448

# For each argument: where its segment begins in the file, length of the segment, where the memory begins in the
# segment, its length times 2 plus 1 if it may be written, its number.
ARGUMENTS = 512
ARGUMENT_LENGTH = 5
MAX_ARGUMENTS = 3000

LENGTH = 16384

# In the pipes.
SIGNAL = 0
FRAME = 1

# A status besides those of `Worker`: the call has raised something, and its failure is not known to the worker.
RAISED = 3

CONSTANTS = {name: value for name, value in list(globals().items()) if name.isupper() and isinstance(value, int)}

# After a call, Python looks for the next one for a quarter of the time that the call has taken, but not longer than so
# many times as both sides look anyway.
_SPIN_DIVISOR = 4
_MAX_SPINS = 20

# How long Python sleeps at most before it looks at the words again: at first, and after so many times.
_PAUSE = 100
_LONG_PAUSE = 1000
_SHORT_PAUSES = 10

_CHUNK = 1 << 16
_LENGTH_BYTES = 4

# Java's arrays have no more bytes.
MAX_FRAME_BYTES = 2**31 - 16


class LostFrameError(MemoryError):
    """There was not enough memory for a frame, which is gone."""


class Pipe:
    """The reading end of a pipe with signals and frames."""

    def __init__(self, fd: int) -> None:
        """Reads from a descriptor."""
        self._file = io.FileIO(fd, closefd=False)
        # Made now: what is read must have room, however little memory user code leaves.
        self._buffer = memoryview(bytearray(_CHUNK))
        self._begin = self._end = 0
        self._poll = select.poll() if hasattr(select, "poll") else None
        if self._poll:
            self._poll.register(fd, select.POLLIN)

    def take(self, pause: int) -> bytes | bytearray | None:
        """Takes the next frame, or signal.

        Args:
            pause: Milliseconds to wait at most, where the system can limit that.

        Returns:
            The frame; nothing for a signal; None if there was neither.

        Raises:
            EOFError: If the other side has closed the pipe.
            LostFrameError: If there is not enough memory for a frame.
        """
        if self._begin == self._end:
            if self._poll and not self._poll.poll(pause):
                return None
            self._fill()
        kind = self._buffer[self._begin]
        self._begin += 1
        if kind == SIGNAL:
            return b""
        if kind != FRAME:
            raise RuntimeError(f"unknown message {kind} of the JVM")
        length = 0
        for _ in range(_LENGTH_BYTES):
            if self._begin == self._end:
                self._fill()
            length = length << 8 | self._buffer[self._begin]
            self._begin += 1
        try:
            frame = bytearray(length)
        except MemoryError:
            self._skip(length)
            raise LostFrameError from None
        self._read_into(memoryview(frame))
        return frame

    def _read_into(self, frame: memoryview) -> None:
        known = min(len(frame), self._end - self._begin)
        frame[:known] = self._buffer[self._begin : self._begin + known]
        self._begin += known
        while known < len(frame):
            known += self._read(frame[known:])

    def _skip(self, length: int) -> None:
        """What follows must begin with a new message."""
        while length > self._end - self._begin:
            length -= self._end - self._begin
            self._fill()
        self._begin += length

    def _fill(self) -> None:
        self._begin, self._end = 0, 0
        self._end = self._read(self._buffer)

    def _read(self, target: memoryview) -> int:
        count = self._file.readinto(target)
        if not count:
            raise EOFError("the JVM has closed the pipe")
        return count


class Mailbox:
    """Python's side of the words and pipes."""

    def __init__(self, words: memoryview, requests: Pipe, replies: int, *, spin_nanos: int, by_words: bool) -> None:
        """Creates the mailbox.

        Args:
            words: 64-bit integers that Java sees.
            requests: What Java sends.
            replies: Descriptor of the pipe to Java.
            spin_nanos: How long to look at the words before sleeping; longer after a long call.
            by_words: Whether the words tell of calls; else only the pipes do.
        """
        self.words = words
        self._requests = requests
        self._replies = replies
        self._spin_nanos = spin_nanos
        self._by_words = by_words
        self._fence = threading.Lock()
        self._yield = getattr(os, "sched_yield", lambda: None)

    def next(self, last: int, took: int) -> bytes | bytearray | None:
        """Waits for the next call.

        Args:
            last: Number of the last call.
            took: How many nanoseconds that has taken.

        Returns:
            A frame, or None for a call that the words describe.
        """
        words = self.words
        if self._by_words:
            if words[CALL] != last:
                return None
            spin = self._spin_nanos
            end = perf_counter_ns() + max(spin, min(took // _SPIN_DIVISOR, _MAX_SPINS * spin))
            while perf_counter_ns() < end:
                self._yield()
                if words[CALL] != last:
                    return None
        words[PYTHON_SLEEPS] = 1
        try:
            return self._sleep(last)
        finally:
            words[PYTHON_SLEEPS] = 0

    def _sleep(self, last: int) -> bytes | bytearray | None:
        words = self.words
        pauses = 0
        while True:
            with self._fence:
                pass
            if self._by_words and words[CALL] != last:
                return None
            message = self._requests.take(_PAUSE if pauses < _SHORT_PAUSES else _LONG_PAUSE)
            if message:
                return message
            if message is None:
                pauses += 1
            elif not self._by_words:
                return None

    def answer(self, call: int, status: int) -> None:
        """Answers a call that the words described."""
        words = self.words
        words[STATUS] = status
        words[DONE] = call
        with self._fence:
            pass
        if words[JAVA_SLEEPS] or not self._by_words:
            self._write(b"\0")

    def begin(self, mark: str) -> None:
        """Writes a mark: what other code has written into the pipe before means nothing."""
        self._write(mark.encode())

    def reply(self, frame: bytes) -> None:
        """Answers a frame."""
        self._write(bytes((FRAME,)) + struct.pack(">I", len(frame)) + frame)

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._replies, view) :]


def check(constants: dict[str, int]) -> None:
    """Raises if Java has other numbers than this module."""
    if constants != CONSTANTS:
        raise RuntimeError(
            f"Java and Python do not agree about the mailbox: {constants} in Java, {CONSTANTS} in Python"
        )
