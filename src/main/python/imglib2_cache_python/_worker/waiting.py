# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Waiting for another thread, as long as that gets on."""

from __future__ import annotations

import sys
from io import FileIO
from time import monotonic, sleep

# Seconds between two looks at the other thread: at first, and later.
_FIRST_INTERVAL = 50e-6
_INTERVAL = 5e-3

# Nobody waits for a thread that so many looks found asleep at the same place: it may wait for a lock which the waiting
# thread holds. Where the system does not tell who sleeps, a long loop in C, or a library that is loaded slowly, is
# taken for that, too.
_STANDSTILL = 400

# Nor does anybody wait longer than so many seconds for one thread.
_PATIENCE = 60.0


class Waiting:
    """Waits for a thread."""

    def __init__(self, ident: int, native_id: int) -> None:
        """Begins to wait.

        Args:
            ident: Identifier of the thread in Python.
            native_id: And in the system.
        """
        self._ident = ident
        self._native_id = native_id
        self._end = monotonic() + _PATIENCE
        self._interval = _FIRST_INTERVAL
        self._place: tuple[object, ...] | None = None
        self._looks = 0

    def goes_on(self) -> bool:
        """Waits for a moment, if the thread gets on. May be cancelled."""
        place = self._find_place()
        self._looks = self._looks + 1 if place == self._place else 0
        self._place = place
        if self._looks > _STANDSTILL or monotonic() > self._end:
            return False
        sleep(self._interval)
        self._interval = min(2 * self._interval, _INTERVAL)
        return True

    def _find_place(self) -> tuple[object, ...] | None:
        """What does not change while the thread sleeps."""
        frame = sys._current_frames().get(self._ident)
        return None if frame is None else (id(frame), frame.f_lasti, *_sleep_of(self._native_id))


def _sleep_of(native_id: int) -> tuple[object, ...]:
    """What changes when a thread wakes up, and always while it is awake; empty if the system does not tell it."""
    try:
        # A FileIO is closed also if this thread is cancelled right here.
        with FileIO(f"/proc/self/task/{native_id}/status") as file:
            fields = dict(line.split(b":", 1) for line in file.readall().splitlines() if b":" in line)
    except OSError:
        return ()
    if not fields.get(b"State", b"\tS").startswith(b"\tS"):
        return (object(),)
    return fields.get(b"voluntary_ctxt_switches"), fields.get(b"nonvoluntary_ctxt_switches")
