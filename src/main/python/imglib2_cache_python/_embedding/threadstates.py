# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Thread states of CPython 3.10 and 3.11: whether there are others, and ids that are unique in the process.

These versions count ids per interpreter. But context variables, and asyncio's running loop, cache by the id what they
have looked up last, in objects that interpreters share: a thread would get what another interpreter has set.

There is no function that sets an id, so the words of the structures are written that hold it. Where they are is found
by looking at several threads, and proven by threads whose ids are then as foretold.
"""

from __future__ import annotations

import _thread
import ctypes
import functools
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

# Words of 64 bits that are looked at. The structures of 3.10 and 3.11 have more in all builds.
_THREAD_WORDS = 35
_INTERPRETER_WORDS = 1024

# Threads that are looked at.
_OBSERVATIONS = 6

# Each interpreter has so many ids for its threads.
_IDS = 1 << 32

_UNKNOWN = (
    "the threads of this Python cannot be told apart in sub-interpreters, because its structures are not those of "
    "CPython 3.10 and 3.11: use InterpreterMode.SHARED"
)


def _function(name: str, result: type, *arguments: type) -> Callable[..., int]:
    # Not an attribute of pythonapi, which others may have given other types.
    function = ctypes.pythonapi[name]
    function.restype, function.argtypes = result, arguments
    return function


_current = _function("PyThreadState_Get", ctypes.c_void_p)
_id = _function("PyThreadState_GetID", ctypes.c_uint64, ctypes.c_void_p)
_interpreter = _function("PyThreadState_GetInterpreter", ctypes.c_void_p, ctypes.c_void_p)
_head = _function("PyInterpreterState_ThreadHead", ctypes.c_void_p, ctypes.c_void_p)
_next = _function("PyThreadState_Next", ctypes.c_void_p, ctypes.c_void_p)

_numbers = itertools.count(1)

_T = TypeVar("_T")


@dataclass(frozen=True)
class _Observation:
    """What a thread sees of itself."""

    id: int
    thread: tuple[int, ...]
    interpreter: tuple[int, ...]


@dataclass(frozen=True)
class Places:
    """Which words of the structures hold ids.

    Attributes:
        of_id: The word of a thread state that is its id.
        of_last_id: The word of an interpreter state that is the id of the thread state that it made last.
    """

    of_id: int
    of_last_id: int


def is_alone() -> bool:
    """Whether the calling thread is the only one that its interpreter knows, those without Python code included."""
    thread = _current()
    return _head(_interpreter(thread)) == thread and not _next(thread)


def make_ids_unique() -> None:
    """Gives the calling thread, and all that its interpreter makes from now on, ids of which there is one each.

    To be called once for each interpreter but the main one, by its only thread.

    Raises:
        RuntimeError: It is not known where the ids are.
    """
    places = find_places()
    thread = _current()
    first = next(_numbers) * _IDS + 1
    _word(thread, places.of_id).value = first
    _word(_interpreter(thread), places.of_last_id).value = first


@functools.cache
def find_places() -> Places:
    """Finds where ids are; on a thread of the main interpreter first.

    Raises:
        RuntimeError: They are not where they must be.
    """
    if ctypes.sizeof(ctypes.c_void_p) != 8:
        raise RuntimeError(_UNKNOWN)
    observations = [_in_new_thread(_observe) for _ in range(_OBSERVATIONS)]
    ids = [observation.id for observation in observations]
    of_id = _only_place_of(ids, [observation.thread for observation in observations])
    of_last_id = _only_place_of(ids, [observation.interpreter for observation in observations])
    if len(set(ids)) != len(ids):
        raise RuntimeError(_UNKNOWN)
    last = _word(_interpreter(_current()), of_last_id)
    before = last.value
    # An id that no other thread had, and a number that no other word has.
    last.value = before + 0x5_0000_0001
    try:
        observed = _in_new_thread(_observe)
        given = _in_new_thread(functools.partial(_set_and_get, of_id, before + 0x7_0000_0003))
    finally:
        last.value = before + 2
    if (observed.id, observed.thread[of_id], given) != (before + 0x5_0000_0002,) * 2 + (before + 0x7_0000_0003,):
        raise RuntimeError(_UNKNOWN)
    return Places(of_id, of_last_id)


def _only_place_of(ids: list[int], observed: list[tuple[int, ...]]) -> int:
    places = [place for place, words in enumerate(zip(*observed, strict=True)) if list(words) == ids]
    if len(places) != 1:
        raise RuntimeError(_UNKNOWN)
    return places[0]


def _observe() -> _Observation:
    thread = _current()
    return _Observation(_id(thread), _words(thread, _THREAD_WORDS), _words(_interpreter(thread), _INTERPRETER_WORDS))


def _set_and_get(place: int, value: int) -> int:
    thread = _current()
    _word(thread, place).value = value
    return _id(thread)


def _in_new_thread(function: Callable[[], _T]) -> _T:
    results: list[_T] = []
    done = _thread.allocate_lock()
    done.acquire()

    def run() -> None:
        try:
            results.append(function())
        finally:
            done.release()

    _thread.start_new_thread(run, ())
    done.acquire()
    return results[0]


def _words(address: int, number: int) -> tuple[int, ...]:
    return tuple((ctypes.c_uint64 * number).from_address(address))


def _word(address: int, place: int) -> ctypes.c_uint64:
    return ctypes.c_uint64.from_address(address + 8 * place)
