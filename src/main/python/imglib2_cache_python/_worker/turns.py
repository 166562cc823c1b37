# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Lets one worker of an interpreter import at a time.

Python lets threads import at the same time, but then an import may fail that alone would not: of two threads that
import parts of one package in different order, one sees a module that is not complete yet, or gets a
``_DeadlockError`` (https://github.com/python/cpython/issues/83065).
"""

from __future__ import annotations

import os
from threading import get_ident, get_native_id

from imglib2_cache_python._worker.waiting import Waiting

# Threads that are in an import now; they must not be cancelled.
importing: set[int] = set()

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


def has(ident: int) -> bool:
    """Whether it is the turn of the calling thread, or that takes no turns.

    Args:
        ident: Identifier of the calling thread.
    """
    return ident not in _takers or _turn.get("holder") == ident


def begin(ident: int) -> None:
    """Waits for the turn of the calling thread, which is in `importing` afterwards.

    Meanwhile, it can be cancelled, unless it was in there before.

    Args:
        ident: Identifier of the calling thread.
    """
    can_be_cancelled = ident not in importing
    importing.add(ident)
    if ident not in _takers:
        return
    # One step looks and takes: a thread that is cancelled right afterwards has the turn, and `end` gives it back.
    while (holder := (turn := _turn).setdefault("holder", ident)) != ident:
        if can_be_cancelled:
            importing.discard(ident)
        waiting = Waiting(holder, _takers.get(holder, 0))
        while _turn is turn and turn.get("holder") == holder:
            if not waiting.goes_on():
                _give_up(turn)
        importing.add(ident)


def end(ident: int) -> None:
    """Ends the turn of the calling thread, if it has one. Needs no more of the stack than `begin`.

    Args:
        ident: Identifier of the calling thread.
    """
    if _turn.get("holder") == ident:
        _turn.clear()


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
    for ident in list(_takers):
        if ident == own:
            _takers[ident] = get_native_id()
        else:
            del _takers[ident]
    if _turn.get("holder") != own:
        _turn = {}


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
