# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Tests of subinterpreter.py that need no sub-interpreter."""

from __future__ import annotations

import threading

from conftest import run_in_new_python
from imglib2_cache_python._embedding import subinterpreter


class TMonitor(threading.Thread):
    """Like the one of tqdm: a daemon, which wakes up every ten seconds."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.was_killed = threading.Event()
        self.start()

    def run(self) -> None:
        self.was_killed.wait(60)


def test_the_monitors_of_progress_bars_can_be_ended() -> None:
    monitors = [TMonitor(), TMonitor()]
    subinterpreter._end_monitors(threading.enumerate())
    for monitor in monitors:
        monitor.join(30)
        assert not monitor.is_alive()


def test_the_main_interpreter_finds_its_sys_without_a_detour() -> None:
    code = """
from imglib2_cache_python._embedding import main_interpreter as main

def counted():
    calls.append(1)
    return found()

calls, found = [], main._current_sys
main._current_sys = counted
import sys
assert sys is main._proxy
assert sys.__spec__.name == "sys"
assert sys.maxsize > 0
print(len(calls))
"""
    assert run_in_new_python(code) == "1"
