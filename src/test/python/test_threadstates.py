# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Tests of threadstates.py: each in a new Python, because the ids of its threads change."""

from __future__ import annotations

import sys

import pytest
from conftest import run_in_new_python
from imglib2_cache_python._embedding import threadstates

pytestmark = pytest.mark.skipif(sys.version_info >= (3, 12), reason="for CPython 3.10 and 3.11")


def run(code: str) -> str:
    """Output of a new Python."""
    return run_in_new_python("from imglib2_cache_python._embedding import threadstates\n" + code)


# Runs in each sub-interpreter: prints the ids of its threads.
IN_INTERPRETERS = """
import _xxsubinterpreters as interpreters
interpreters_code = '''
import os, threading
from imglib2_cache_python._embedding import threadstates
number = {number}
if number:
    # In the library, all interpreters share one module and so one counter.
    for _ in range(number):
        next(threadstates._numbers)
    threadstates.find_places()
    threadstates.make_ids_unique()
def tell():
    os.write(1, b"%d " % threadstates._id(threadstates._current()))
tell()
for _ in range(3):
    thread = threading.Thread(target=tell)
    thread.start()
    thread.join()
'''
"""


def ids_in_interpreters(*, unique: bool) -> list[int]:
    """Ids of four threads in each of three sub-interpreters."""
    code = IN_INTERPRETERS + (
        f"for number in range(1, 4):\n"
        f"    interpreter = interpreters.create(isolated=False)\n"
        f"    number = number if {unique} else 0\n"
        f"    interpreters.run_string(interpreter, interpreters_code.format(number=number))\n"
    )
    return [int(word) for word in run(code).split()]


def test_ids_are_not_unique_by_themselves() -> None:
    found = ids_in_interpreters(unique=False)
    assert len(found) == 12
    assert len(set(found)) < 12


def test_ids_are_unique_for_all_threads_of_all_interpreters() -> None:
    found = ids_in_interpreters(unique=True)
    assert len(found) == len(set(found)) == 12
    assert min(found) > 1 << 32


def test_threads_of_the_main_interpreter_count_on() -> None:
    code = """
places = threadstates.find_places()
assert places is threadstates.find_places()
first, second = (threadstates._in_new_thread(lambda: threadstates._id(threadstates._current())) for _ in range(2))
assert second == first + 1 < 100
"""
    run(code)


@pytest.mark.parametrize(
    "start",
    [
        "threading.Thread(target=end.acquire).start()",
        "threading.Thread(target=end.acquire, daemon=True).start()",
        "_thread.start_new_thread(end.acquire, ())",
    ],
)
def test_another_thread_is_seen_however_it_was_started(start: str) -> None:
    run(f"""
import _thread, threading, time
assert threadstates.is_alone()
end = _thread.allocate_lock()
end.acquire()
{start}
assert not threadstates.is_alone()
end.release()
while not threadstates.is_alone():
    time.sleep(0.001)
""")


@pytest.mark.parametrize("name", ["_THREAD_WORDS", "_INTERPRETER_WORDS"])
def test_a_python_with_other_structures_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(threadstates, name, 1)
    with pytest.raises(RuntimeError, match=r"use InterpreterMode\.SHARED"):
        threadstates.find_places.__wrapped__()


def test_more_than_one_place_is_refused() -> None:
    with pytest.raises(RuntimeError, match=r"use InterpreterMode\.SHARED"):
        threadstates._only_place_of([1, 2], [(1, 5, 1), (2, 5, 2)])
    assert threadstates._only_place_of([1, 2], [(1, 5, 1), (2, 5, 3)]) == 0
