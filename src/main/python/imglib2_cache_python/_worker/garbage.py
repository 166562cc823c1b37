# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Garbage collection that has happened when it returns."""

from __future__ import annotations

import gc
import time

# A finalizer of user code can keep another thread's collection from ending.
_PATIENCE = 1.0

_PAUSE = 0.001


def collect() -> None:
    """Collects all garbage of this interpreter, also if another thread is collecting at the moment.

    ``gc.collect`` does nothing then, and what became garbage after that collection had begun would stay until the next
    one, which may never come. If the other collection does not end within a second, this returns all the same.
    """
    end = time.monotonic() + _PATIENCE
    while not _has_collected() and time.monotonic() < end:
        time.sleep(_PAUSE)


def _has_collected() -> bool:
    # A collection finds at least this cycle. `gc.callbacks` cannot tell: in a sub-interpreter, this module is the main
    # interpreter's, and so is its list.
    cycle: list[object] = []
    cycle.append(cycle)
    del cycle
    return gc.collect() > 0
