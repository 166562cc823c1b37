# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Keeps imports whole, and lets one worker import at a time.

A module is imported once for the life of the interpreter. Code that is cancelled within an import would leave the
module half imported for all others, or a lock of the import machinery that nobody releases. So `importing` records
which threads import, and modules that a failed import has left behind are removed.

Python lets threads import at the same time, but then an import may fail that alone would not: of two threads that
import parts of one package in different order, one sees a module that is not complete yet, or gets a
``_DeadlockError`` (https://github.com/python/cpython/issues/83065). So workers of one interpreter take turns. And a
thread that waits for the import of another one gets the module as it was before: see `stand_for`.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Collection
from importlib.machinery import ExtensionFileLoader
from threading import Lock, get_ident
from time import monotonic, sleep
from types import CodeType, ModuleType
from typing import Any

# Threads that are in an import now; they must not be cancelled.
importing: set[int] = set()

# Seconds between two looks at whether another worker still imports.
_INTERVAL = 0.005

# A worker does not wait for another one's import that has stood still for so many seconds: that one may wait for a
# lock which this worker holds, or never return from a function in C.
_STANDSTILL = 2.0

# Nor longer than so many seconds in all.
_PATIENCE = 60.0

_dict_of_module = ModuleType.__dict__["__dict__"]


class _Turn:
    """What the thread that imports holds."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._holder = 0
        self.release = self._lock.release

    def take(self, ident: int) -> bool:
        """Whether nobody held it; never waits."""
        # A thread that is cancelled while it waits for a lock may have got it, and nobody would release it.
        taken = self._lock.acquire(blocking=False)
        if taken:
            self._holder = ident
        return taken

    def place(self) -> tuple[int, int] | None:
        """Where the thread is that holds it; None if unknown."""
        frame = sys._current_frames().get(self._holder)
        return None if frame is None else (id(frame), frame.f_lasti)


class _Turns:
    """Lets one of the threads in `takers` import at a time. Others may be what an import waits for.

    Attributes:
        takers: Identifiers of the threads.
    """

    def __init__(self) -> None:
        self.takers: set[int] = set()
        self._turn = _Turn()

    def begin(self, ident: int) -> _Turn | None:
        """Adds the calling thread to `importing`, after it has waited for its turn. It can be cancelled meanwhile.

        Returns:
            What to release at the end of the import.
        """
        importing.add(ident)
        if ident not in self.takers:
            return None
        awaited = None
        while not (turn := self._turn).take(ident):
            importing.discard(ident)
            now = monotonic()
            if turn is not awaited:
                awaited, place, since, moved = turn, None, now, now
            if place != (place := turn.place()):
                moved = now
            if (now > moved + _STANDSTILL or now > since + _PATIENCE) and turn is self._turn:
                # The others do not wait for that import either.
                self._turn = _Turn()
            sleep(_INTERVAL)
            importing.add(ident)
        return turn


_turns = _Turns()


def take_turns() -> None:
    """Lets the calling thread import only while no other thread does that has called this."""
    _turns.takers.add(get_ident())


def take_no_turns() -> None:
    """Ends what `take_turns` began; before the thread ends, because a later one may have its identifier."""
    _turns.takers.discard(get_ident())


def _after_fork() -> None:
    """Forgets the threads that do not live in the new process."""
    global _turns
    importing.intersection_update({get_ident()})
    _turns = _Turns()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def keep_imports_whole(importlib: ModuleType) -> None:
    """Makes `importing` record all imports of an interpreter from now on.

    Args:
        importlib: The interpreter's own.
    """
    # Every import goes through these, whether by a statement, importlib, C code or a package that imports lazily: they
    # run the code of modules, or hold their locks.
    functions: dict[str, Callable[[Callable[..., Any]], Callable[..., Any]]] = {
        "_find_and_load": _recorded,
        "_lock_unlock_module": lambda original: _importing_again(_recorded(original), importlib),
        "_exec": _recorded,
        "_call_with_frames_removed": lambda original: _recorded(_noting_replacement(original)),
    }
    for name, changed in functions.items():
        original = getattr(importlib._bootstrap, name, None)
        if original is not None and not hasattr(original, "_imglib2_cache_python"):
            function = changed(original)
            function._imglib2_cache_python = True  # type: ignore[attr-defined]
            setattr(importlib._bootstrap, name, function)


def _like(original: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator for a function that stands for one of the import machinery.

    Python leaves the frames of its import machinery out of tracebacks; it recognises them by the name of their file.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        function = functools.wraps(original)(function)
        function.__code__ = _in_file_of(original, function.__code__)  # type: ignore[attr-defined]
        return function

    return decorate


def _recorded(original: Callable[..., Any]) -> Callable[..., Any]:
    @_like(original)
    def recorded(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401
        ident = get_ident()
        if ident in importing:
            return original(*arguments, **named)
        turn = _turns.begin(ident)
        try:
            before = frozenset(sys.modules)
            return original(*arguments, **named)
        except BaseException:
            _remove_orphans(before)
            raise
        finally:
            if turn is not None:
                turn.release()
            importing.discard(ident)

    return recorded


def _noting_replacement(original: Callable[..., Any]) -> Callable[..., Any]:
    """Runs code of a module, which may put another object in its own place in ``sys.modules``."""

    @_like(original)
    def run(function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:  # noqa: ANN401
        if function is not exec or len(arguments) < 2:
            return original(function, *arguments, **named)
        namespace = arguments[1]
        name = namespace.get("__name__")
        is_imported = _namespace(sys.modules.get(name)) is namespace
        result = original(function, *arguments, **named)
        if is_imported and name in sys.modules and _namespace(sys.modules[name]) is not namespace:
            stand_for(sys.modules[name], namespace)
        return result

    return run


def _importing_again(original: Callable[..., Any], importlib: ModuleType) -> Callable[..., Any]:
    """Waits for the import of a module by another thread, which may fail."""

    @_like(original)
    def wait(name: str) -> None:
        waiting = sys.modules.get(name)
        original(name)
        namespace = _namespace(waiting)
        if namespace is not None and name not in sys.modules:
            # Raises why it has failed, unless that has passed.
            module = importlib.import_module(name)
            namespace.update(_namespace(module) or {})
            stand_for(module, namespace)

    return wait


def _namespace(module: object) -> dict[str, Any] | None:
    # Not as an attribute: a module that is to be imported at its first use would be imported.
    return _dict_of_module.__get__(module) if issubclass(type(module), ModuleType) else None


def stand_for(module: object, namespace: dict[str, Any]) -> None:
    """Makes the namespace of a module that is no longer in ``sys.modules`` have the attributes of the one that is.

    The import statement looks a module up, waits until another thread has imported it, and then goes on with what it
    has found before.
    """
    asking: set[int] = set()

    def find(name: str) -> Any:  # noqa: ANN401
        ident = get_ident()
        # The new object may ask the old one for what it has not itself.
        if ident in asking:
            raise AttributeError(f"module {namespace.get('__name__')!r} has no attribute {name!r}")
        try:
            asking.add(ident)
            return getattr(module, name)
        finally:
            asking.discard(ident)

    namespace.setdefault("__getattr__", find)


def _in_file_of(original: Callable[..., Any], code: CodeType) -> CodeType:
    return code.replace(co_filename=original.__code__.co_filename, co_name=original.__name__)


def _remove_orphans(before: Collection[str]) -> None:
    """Removes modules whose package has gone, because its import failed after theirs.

    The next import of the package would find them, take them for complete, and not make them attributes of the
    package. Modules in C stay: some of them cannot be loaded twice.

    Args:
        before: Names of modules that stay, because they were there before.
    """
    # A package comes before its modules.
    for name in sorted(set(sys.modules).difference(before)):
        package = name.rpartition(".")[0]
        if package and package not in sys.modules and _is_source(sys.modules.get(name)):
            sys.modules.pop(name, None)


def _is_source(module: Any) -> bool:  # noqa: ANN401 - anything can be in sys.modules
    spec = getattr(module, "__spec__", None)
    return spec is not None and not isinstance(getattr(spec, "loader", None), ExtensionFileLoader)
