# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Makes the ids of thread states unique in the process, and counts an interpreter's threads; CPython 3.10 and 3.11.

These versions count ids per interpreter. But context variables, and asyncio's running loop, cache their last lookup by
that id, in objects that interpreters share: a thread would get a value that another interpreter has set.

No function sets an id, so this module writes the words of the structures that hold it. It finds the words by
comparing several threads, and proves them by threads that then have the predicted ids.
"""

from __future__ import annotations

import _thread
import ctypes
import functools
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

# How many words of 64 bits are read. The structures of 3.10 and 3.11 have more in all builds.
_THREAD_WORDS = 35
_INTERPRETER_WORDS = 1024

# How many threads are compared.
_OBSERVATIONS = 6

# How many ids each interpreter has for its threads.
_IDS = 1 << 32

_UNKNOWN = (
    "the threads of this Python cannot be told apart in sub-interpreters, because its structures are not those of "
    "CPython 3.10 and 3.11: use InterpreterMode.SHARED"
)


def _function(name: str, result: type, *arguments: type) -> Callable[..., int]:
    # Not an attribute of pythonapi: other code may have given that other types.
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
    """The id, thread state and interpreter state that a thread sees."""

    id: int
    thread: tuple[int, ...]
    interpreter: tuple[int, ...]


@dataclass(frozen=True)
class Places:
    """The words of the structures that hold ids, as indices.

    Attributes:
        of_id: The word of a thread state that holds its id.
        of_last_id: The word of an interpreter state that holds the id of its newest thread state.
    """

    of_id: int
    of_last_id: int


def is_alone() -> bool:
    """Whether the calling thread is the only one of its interpreter, counting threads that run no Python code, too."""
    thread = _current()
    return _head(_interpreter(thread)) == thread and not _next(thread)


def make_ids_unique() -> None:
    """Gives unique ids to the calling thread and to all threads that its interpreter makes from now on.

    To be called once for each interpreter but the main one, by its only thread.

    Raises:
        RuntimeError: The ids are not found in the structures.
    """
    places = find_places()
    thread = _current()
    first = next(_numbers) * _IDS + 1
    _word(thread, places.of_id).value = first
    _word(_interpreter(thread), places.of_last_id).value = first


@functools.cache
def find_places() -> Places:
    """Finds the words that hold ids; the first call must be on a thread of the main interpreter.

    Raises:
        RuntimeError: They are not found.
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
    # No other thread has had this id, and no other word has this value.
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
