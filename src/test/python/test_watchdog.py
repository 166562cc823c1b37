# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Tests of watchdog.py: cancelling user code. A thread that writes the control words replaces Java."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable

import numpy as np
import pytest
from conftest import Bench, Told
from imglib2_cache_python._worker import protocol
from imglib2_cache_python._worker import watchdog as watchdog_module
from imglib2_cache_python._worker.watchdog import Cancelled, Watchdog

LOOP = "while True:\n    pass"


class Canceller(threading.Thread):
    """Cancels the code with a ticket as soon as it runs."""

    def __init__(self, control: np.ndarray, ticket: int, value: int | None = None) -> None:
        super().__init__(daemon=True)
        self._control = control
        self._ticket = ticket
        self._value = ticket if value is None else value
        self.start()

    def run(self) -> None:
        wait_until(lambda: self._control[protocol.RUNNING] == self._ticket)
        self._control[protocol.CANCEL] = self._value


def wait_until(condition: Callable[[], bool]) -> None:
    """Waits for a condition. Fails after a time that only a hang takes."""
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.001)


def cancelled(bench: Bench, method: str, *arguments: object, ticket: int = 7) -> Told:
    """Runs code that is cancelled. Returns the stack that the watchdog has reported."""
    bench.control[protocol.TICKET] = ticket
    canceller = Canceller(bench.control, ticket)
    told = bench.fail(method, *arguments)
    canceller.join()
    assert told.type_name.endswith("Cancelled")
    assert bench.control[protocol.STACK_OF] == ticket
    return Told.of(bench.stack[: bench.control[protocol.STACK_LENGTH]].tobytes().decode().split("\0"))


def test_a_loop_is_cancelled_and_its_stack_told(bench: Bench) -> None:
    bench.run("prepare", 1, f"def spin():\n    {LOOP.replace(chr(10), chr(10) + '    ')}\nspin()", "<loader 1>")
    bench.describe(1, (2, 3), ticket=7)
    stack = cancelled(bench, "step", np.zeros((2, 3)))
    assert (stack.type_name, stack.file) == ("TimeoutError", "<loader 1>")
    assert (stack.line, stack.source) in ((2, "while True:"), (3, "pass"))
    assert stack.frames[0] == ("spin", "<loader 1>", stack.line)
    lines = stack.traceback.splitlines()
    first = lines.index('  File "<loader 1>", line 4, in <module>')
    assert lines[first + 1] == "    spin()"
    assert 'File "<loader 1>", line' in lines[first + 2]
    assert "in spin" in lines[first + 2]
    assert "worker.py" not in stack.traceback


@pytest.mark.parametrize(("method", "arguments"), [("execute", (LOOP,)), ("evaluate", ("[0 for _ in iter(int, 1)]",))])
def test_tasks_are_cancelled(bench: Bench, method: str, arguments: tuple[str, ...]) -> None:
    cancelled(bench, method, *arguments)
    bench.run("execute", "x = 1")


def traced() -> list[str]:
    """Traces a call. Returns the names of the functions in the events."""
    events: list[str] = []
    before = sys.gettrace()
    sys.settrace(lambda frame, event, _: events.append(frame.f_code.co_name))  # type: ignore[func-returns-value]
    try:
        wait_until(lambda: True)
    finally:
        sys.settrace(before)
    return events


def test_code_can_be_traced_after_a_cancellation(bench: Bench) -> None:
    cancelled(bench, "execute", LOOP)
    assert traced()[0] == "wait_until"


def test_code_can_be_traced_while_a_function_in_c_is_cancelled(bench: Bench) -> None:
    lock = threading.Lock()
    lock.acquire()
    bench.worker._globals["lock"] = lock
    bench.control[protocol.TICKET] = 7
    # A watchdog watches the thread that has made its worker. Here it must watch another thread.
    thread = threading.Thread(target=lambda: bench.worker.execute("lock.acquire()"))
    thread.start()
    bench.worker._watchdog._watched = thread.ident
    wait_until(lambda: bench.control[protocol.RUNNING] == 7)
    bench.control[protocol.CANCEL] = 7
    wait_until(lambda: bench.control[protocol.STACK_OF] == 7)
    for _ in range(3):
        assert traced()[0] == "wait_until"
    lock.release()
    thread.join()
    assert Told.of(bench.worker.failure()).type_name.endswith("Cancelled")


def test_code_that_catches_everything_is_cancelled_again(bench: Bench) -> None:
    catch = "    try:\n        while True:\n            pass\n    except BaseException:\n        caught += 1"
    code = f"caught = 0\nwhile caught < 2:\n{catch}"
    bench.control[protocol.TICKET] = 7
    canceller = Canceller(bench.control, 7)
    bench.run("execute", code)
    canceller.join()
    assert bench.value("caught") == 2


def test_only_the_code_that_was_meant_is_cancelled(bench: Bench) -> None:
    bench.control[protocol.CANCEL] = 6
    bench.control[protocol.TICKET] = 7
    bench.run("execute", "import time\nfor _ in range(15):\n    time.sleep(0.01)")


def test_an_abandoned_worker_is_cancelled_whatever_it_runs(bench: Bench) -> None:
    bench.control[protocol.TICKET] = 9
    canceller = Canceller(bench.control, 9, protocol.ABANDONED)
    assert bench.fail("execute", LOOP).type_name.endswith("Cancelled")
    canceller.join()


def test_a_cancellation_that_comes_too_late_does_not_arrive(bench: Bench) -> None:
    watchdog = bench.worker._watchdog
    for late in range(200):
        bench.control[protocol.TICKET] = ticket = 10 + late
        bench.control[protocol.RUNNING] = ticket
        try:
            # The exception can be raised at once.
            watchdog._cancel(ticket, False)
            bench.control[protocol.RUNNING] = 0
            watchdog.settle()
        except Cancelled:
            bench.control[protocol.RUNNING] = 0
            watchdog.settle()
        assert not watchdog.sent
        assert sum(range(1000)) == 499500
    bench.run("execute", "x = 1")


def test_code_that_has_ended_is_not_cancelled() -> None:
    control = np.zeros(100, np.int64)
    watchdog = Watchdog(memoryview(control), memoryview(np.zeros(100, np.uint8)))
    watchdog._cancel(3, False)
    watchdog.settle()
    assert sum(range(1000)) == 499500


def test_a_watchdog_that_has_fallen_asleep_is_woken(bench: Bench) -> None:
    bench.run("execute", "x = 1")
    watchdog = bench.worker._watchdog
    wait_until(lambda: watchdog.asleep)
    cancelled(bench, "execute", LOOP)


def test_a_stack_that_is_too_long_loses_its_outermost_frames(bench: Bench) -> None:
    bench.run("execute", f"def deep(n):\n    if n:\n        deep(n - 1)\n    {LOOP.replace(chr(10), chr(10) + '    ')}")
    full = cancelled(bench, "execute", "deep(50)", ticket=7)
    length = int(bench.control[protocol.STACK_LENGTH])
    bench.worker._watchdog._stack = bench.worker._watchdog._stack[: length - 100]
    cut = cancelled(bench, "execute", "deep(50)", ticket=8)
    assert 0 < len(cut.frames) < len(full.frames)
    bench.worker._watchdog._stack = bench.worker._watchdog._stack[:100]
    bench.control[protocol.TICKET] = 9
    canceller = Canceller(bench.control, 9)
    bench.fail("execute", "deep(50)")
    canceller.join()
    assert (bench.control[protocol.STACK_OF], bench.control[protocol.STACK_LENGTH]) == (9, 0)


def test_closing_ends_the_thread(make_bench: Callable[..., Bench]) -> None:
    before = len(sys._current_frames())
    benches = [make_bench(f"python_1_worker_{i}") for i in range(5)]
    for bench in benches:
        bench.run("execute", "x = 1")
    # A thread has a frame only once it runs.
    wait_until(lambda: len(sys._current_frames()) == before + 5)
    for bench in benches:
        bench.run("close")
        assert bench.worker._watchdog.stop()
    wait_until(lambda: len(sys._current_frames()) == before)


def test_a_watchdog_that_falls_asleep_can_be_stopped(
    make_bench: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchdog_module, "_INTERVAL", 0.0001)
    monkeypatch.setattr(watchdog_module, "_IDLE_POLLS", 0)
    for i in range(200):
        bench = make_bench(f"python_1_worker_{i}")
        bench.run("execute", "x = 1")
        assert bench.worker._watchdog.stop()


def test_a_missing_hook_for_exceptions_does_not_matter(
    make_bench: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "excepthook", None)
    bench = make_bench()
    bench.run("execute", "x = 1")
    assert sys.excepthook is None
    monkeypatch.undo()
    cancelled(bench, "execute", LOOP)
