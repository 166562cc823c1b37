# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Garbage collection that has happened when it returns."""

from __future__ import annotations

import gc
import time
from threading import get_ident

# A finalizer of user code can keep another thread's collection from ending.
_PATIENCE = 1.0

_PAUSE = 0.001


def collect() -> None:
    """Collects all garbage of this interpreter, also if another thread is collecting at the moment.

    ``gc.collect`` does nothing then, and what became garbage after that collection had begun would stay until the next
    one, which may never come. If the other collection does not end within a second, this returns all the same.
    """
    thread = get_ident()
    ran = False

    def record(phase: str, info: dict[str, int]) -> None:
        nonlocal ran
        ran = ran or (phase == "start" and get_ident() == thread)

    gc.callbacks.append(record)
    try:
        end = time.monotonic() + _PATIENCE
        gc.collect()
        while not ran and time.monotonic() < end:
            time.sleep(_PAUSE)
            gc.collect()
    finally:
        gc.callbacks.remove(record)
