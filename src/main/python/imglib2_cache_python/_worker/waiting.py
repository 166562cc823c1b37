# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Waiting for another thread, as long as that gets on."""

from __future__ import annotations

import os
import sys
from io import FileIO
from threading import get_ident
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

# A thread that computes for less than so many hundredths of a second meanwhile counts as asleep: it may look again and
# again whether something has happened.
_COMPUTES = 10

# The threads that wait now, and those that they wait for.
_awaited: dict[int, int] = {}


class Waiting:
    """Waits for a thread."""

    def __init__(self, ident: int, native_id: int, *, circles: int = 0) -> None:
        """Names the thread.

        Args:
            ident: Its identifier in Python.
            native_id: And in the system.
            circles: How many looks may find that it waits for the calling thread, because it will soon stop that.
        """
        self._own = get_ident()
        self._ident = ident
        self._native_id = native_id
        self._circles = circles
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
        if self._waits_for_the_caller():
            self._circles -= 1
            if self._circles < 0:
                return False
        try:
            _awaited[self._own] = self._ident
            sleep(self._interval)
        finally:
            # Nothing that could be cancelled comes before.
            _awaited.pop(self._own, None)
        self._interval = min(2 * self._interval, _INTERVAL)
        return True

    def _find_place(self) -> tuple[object, ...] | None:
        """What does not change while the thread sleeps."""
        frame = sys._current_frames().get(self._ident)
        return None if frame is None else (id(frame), frame.f_lasti, _work_of(self._native_id))

    def _waits_for_the_caller(self) -> bool:
        other: int | None = self._ident
        for _ in range(len(_awaited)):
            other = _awaited.get(other) if other is not None else None
            if other == self._own:
                return True
        return False


def _work_of(native_id: int) -> object:
    """What changes when a thread has computed, and always while it waits for a disk; None if the system is silent."""
    try:
        # A FileIO is closed also if this thread is cancelled right here.
        with FileIO(f"/proc/self/task/{native_id}/stat") as file:
            # The name of the thread comes before, and may have any characters.
            fields = file.readall().rpartition(b")")[2].split()
    except OSError:
        return None
    return object() if fields[0] == b"D" else (int(fields[11]) + int(fields[12])) // _COMPUTES


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_awaited.clear)
