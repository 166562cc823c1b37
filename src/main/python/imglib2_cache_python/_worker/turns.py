# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Lets one worker of an interpreter import at a time.

Python lets threads import at the same time, but then an import may fail that alone would not: of two threads that
import parts of one package in different order, one sees a module that is not complete yet, or gets a
``_DeadlockError`` (https://github.com/python/cpython/issues/83065).
"""

from __future__ import annotations

import os
import sys
from io import FileIO
from threading import get_ident, get_native_id
from time import monotonic, sleep

# Threads that are in an import now; they must not be cancelled.
importing: set[int] = set()

# Seconds between two looks at whether another worker still imports: at first, and later.
_FIRST_INTERVAL = 50e-6
_INTERVAL = 5e-3

# A worker does not wait for another one that so many looks found asleep at the same place: that one may wait for a lock
# which this worker holds. Where the system does not tell who sleeps, a long loop in C, or a library that is loaded
# slowly, is taken for that, too; then both import at the same time, as without turns.
_STANDSTILL = 400

# Nor does it wait longer than so many seconds for one worker.
_PATIENCE = 60.0


# The threads that take turns, and their identifiers in the system.
_takers: dict[int, int] = {}

# The identifier of the thread whose turn it is, as the only value; empty if there is none.
_turn: dict[str, int] = {}


def join() -> None:
    """Lets the calling thread import only while no other thread does that has called this.

    Threads that user code starts do not: the import of a worker may wait for one of them, which imports, too.
    """
    _takers[get_ident()] = get_native_id()


def leave() -> None:
    """Ends what `join` began; before the thread ends, because a later one may have its identifier."""
    _takers.pop(get_ident(), None)


def begin(ident: int) -> None:
    """Waits for the turn of the calling thread, which is in `importing` afterwards, but can be cancelled meanwhile.

    Args:
        ident: Identifier of the calling thread.
    """
    importing.add(ident)
    if ident not in _takers:
        return
    awaited, since, place, looks, interval = None, 0.0, None, 0, _FIRST_INTERVAL
    # One step looks and takes: a thread that is cancelled right afterwards has the turn, and `end` gives it back.
    while (holder := (turn := _turn).setdefault("holder", ident)) != ident:
        importing.discard(ident)
        now = monotonic()
        if awaited != (id(turn), holder):
            awaited, since, place, looks = (id(turn), holder), now, None, 0
        looks = looks + 1 if place == (place := _place_of(holder)) else 0
        if looks > _STANDSTILL or now > since + _PATIENCE:
            _give_up(turn)
        sleep(interval)
        interval = min(2 * interval, _INTERVAL)
        importing.add(ident)


def end(ident: int) -> None:
    """Ends the turn of the calling thread, if it has one. Needs no more of the stack than `begin`.

    Args:
        ident: Identifier of the calling thread.
    """
    if _turn.get("holder") == ident:
        _turn.clear()


def wait(ident: int) -> None:
    """Waits until no other worker imports; not in a thread that takes no turns, or that imports itself.

    Args:
        ident: Identifier of the calling thread.
    """
    if not _turn or ident in importing or ident not in _takers:
        return
    try:
        begin(ident)
    finally:
        try:
            end(ident)
        finally:
            importing.discard(ident)


def is_taken() -> bool:
    """Whether a worker imports."""
    return bool(_turn)


def _place_of(ident: int) -> tuple[object, ...] | None:
    """What does not change while a thread sleeps."""
    frame = sys._current_frames().get(ident)
    return None if frame is None else (id(frame), frame.f_lasti, *_sleep_of(_takers.get(ident)))


def _sleep_of(native_id: int | None) -> tuple[object, ...]:
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


def _give_up(turn: dict[str, int]) -> None:
    """Lets nobody wait any longer for the thread that has this turn."""
    global _turn
    new: dict[str, int] = {}
    if _turn is turn:
        _turn = new


def _after_fork() -> None:
    """Forgets the threads that do not live in the new process."""
    global _turn
    own = get_ident()
    importing.intersection_update({own})
    for ident in _takers.keys() - {own}:
        del _takers[ident]
    if _turn.get("holder") != own:
        _turn = {}


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
