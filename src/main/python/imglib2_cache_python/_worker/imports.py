# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Keeps imports whole, and lets one worker import at a time.

A module is imported once for the life of the interpreter. Code that is cancelled within an import would leave the
module half imported for all others, or a lock of the import machinery that nobody releases. So `importing` records
which threads import, and modules that a failed import has left behind are removed.

Python lets threads import at the same time, but then an import may fail that alone would not: of two threads that
import parts of one package in different order, one sees a module that is not complete yet, or gets a
``_DeadlockError`` (https://github.com/python/cpython/issues/83065). So workers that share modules take turns. And the
import statement looks a module up, waits until another thread has imported it, and goes on with what it has found
before, also if that import has failed, or the module has put another object in its place: see `_Successor`.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Collection
from importlib.machinery import ExtensionFileLoader
from threading import get_ident
from time import monotonic, sleep
from types import CodeType, ModuleType
from typing import Any

# Threads that are in an import now; they must not be cancelled.
importing: set[int] = set()

# How the names of the files begin whose code may hold a lock of the import machinery.
MACHINERY = ("<frozen importlib", __file__)

# Seconds between two looks at whether another worker still imports.
_INTERVAL = 0.005

# A worker does not wait for another one's import that so many looks found at the same place: that one may wait for a
# lock which this worker holds, or never return from a function in C. A long loop is taken for that, too; then both
# import at the same time, as without turns.
_STANDSTILL = 400

# Nor does it wait for one import longer than so many seconds.
_PATIENCE = 60.0

_dict_of_module = ModuleType.__dict__["__dict__"]


class _Turn:
    """What the thread has that imports."""

    def __init__(self) -> None:
        self._holder: dict[str, int] = {}

    def take(self, ident: int) -> bool:
        """Whether the thread with this identifier has it now; never waits."""
        # In one step: a thread that is cancelled right after it has it still is the holder, and will release it.
        return self._holder.setdefault("ident", ident) == ident

    def release(self, ident: int) -> None:
        """Does nothing if another thread has it."""
        if self.holder() == ident:
            self._holder.clear()

    def holder(self) -> int:
        """The identifier of the thread that has it; 0 if none."""
        return self._holder.get("ident", 0)

    def place(self) -> tuple[int, int] | None:
        """Where that thread is; None if unknown."""
        frame = sys._current_frames().get(self.holder())
        return None if frame is None else (id(frame), frame.f_lasti)


class _Turns:
    """Lets one of the threads in `takers` import at a time. Others may be what an import waits for.

    Attributes:
        takers: Identifiers of the threads.
    """

    def __init__(self) -> None:
        self.takers: set[int] = set()
        self._turn = _Turn()

    def begin(self, ident: int) -> None:
        """Adds the calling thread to `importing`, after it has waited for its turn. It can be cancelled meanwhile."""
        importing.add(ident)
        if ident not in self.takers:
            return
        awaited, since, place, looks = None, 0.0, None, 0
        while not (turn := self._turn).take(ident):
            importing.discard(ident)
            now = monotonic()
            holder = turn.holder()
            if awaited != (turn, holder):
                awaited, since, place, looks = (turn, holder), now, None, 0
            looks = looks + 1 if place == (place := turn.place()) else 0
            if looks > _STANDSTILL or now > since + _PATIENCE:
                # The others do not wait for that import either.
                new = _Turn()
                if self._turn is turn:
                    self._turn = new
            sleep(_INTERVAL)
            importing.add(ident)

    def end(self, ident: int) -> None:
        """Ends what `begin` began, also if that was cancelled."""
        self._turn.release(ident)
        importing.discard(ident)


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
    machinery = importlib._bootstrap
    # Every import goes through these, whether by a statement, importlib, C code or a package that imports lazily: they
    # run the code of modules, or hold their locks.
    functions: dict[str, Callable[[Callable[..., Any]], Callable[..., Any]]] = {
        "_find_and_load": _loading_once,
        "_lock_unlock_module": lambda original: _importing_again(_recorded(original), machinery._gcd_import),
        "_exec": _recorded,
        "_call_with_frames_removed": lambda original: _noting_successors(original, machinery._gcd_import),
    }
    for name, changed in functions.items():
        original = getattr(machinery, name, None)
        if original is not None and not hasattr(original, "_imglib2_cache_python"):
            function = changed(original)
            function._imglib2_cache_python = True  # type: ignore[attr-defined]
            setattr(machinery, name, function)


def _like(original: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator for a function that stands for one of the import machinery.

    Python leaves the frames of its import machinery out of tracebacks; it recognises them by the name of their file.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        function = functools.wraps(original)(function)
        function.__code__ = _in_file_of(original, function.__code__)  # type: ignore[attr-defined]
        return function

    return decorate


def _recorded(original: Callable[..., Any], *, in_turn: bool = True) -> Callable[..., Any]:
    @_like(original)
    def recorded(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401
        ident = get_ident()
        if ident in importing:
            return original(*arguments, **named)
        before: Collection[str] | None = None
        # All of it in here: the exception of a cancellation that came before may still arrive, since Python 3.13.
        try:
            if in_turn:
                _turns.begin(ident)
            else:
                importing.add(ident)
            before = frozenset(sys.modules)
            return original(*arguments, **named)
        except BaseException:
            if before is not None:
                _remove_orphans(before)
            raise
        finally:
            _turns.end(ident)

    return recorded


def _loading_once(original: Callable[..., Any]) -> Callable[..., Any]:
    """Loads a module, unless it is there."""
    recorded = _recorded(original)

    @_like(original)
    def find_and_load(name: str, import_: Callable[..., Any]) -> Any:  # noqa: ANN401
        module = sys.modules.get(name)
        if module is not None and not getattr(getattr(module, "__spec__", None), "_initializing", False):
            return module
        return recorded(name, import_)

    return find_and_load


def _noting_successors(original: Callable[..., Any], import_module: Callable[[str], Any]) -> Callable[..., Any]:
    """Runs code of a module, which may fail, or put another object in the place of the module.

    Finders and loaders call it, too, some of which hold a lock: so it does not wait for its turn.
    """
    recorded = _recorded(original, in_turn=False)

    @_like(original)
    def run(function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:  # noqa: ANN401
        # Not by its identity: each interpreter has its own.
        called = getattr(function, "__name__", "")
        if called in ("__import__", "_gcd_import"):
            return original(function, *arguments, **named)
        if called != "exec" or len(arguments) < 2:
            return recorded(function, *arguments, **named)
        namespace = arguments[1]
        name = namespace.get("__name__")
        is_imported = _namespace(sys.modules.get(name)) is namespace
        try:
            result = recorded(function, *arguments, **named)
        except BaseException:
            if is_imported:
                _Successor(namespace, functools.partial(import_module, name), has_failed=True)
            raise
        if is_imported and name in sys.modules and _namespace(sys.modules[name]) is not namespace:
            stand_for(sys.modules[name], namespace)
        return result

    return run


def _importing_again(original: Callable[..., Any], import_module: Callable[[str], Any]) -> Callable[..., Any]:
    """Waits for the import of a module by another thread, which may fail."""

    @_like(original)
    def wait(name: str) -> None:
        waiting = sys.modules.get(name)
        original(name)
        namespace = _namespace(waiting)
        if namespace is not None and sys.modules.get(name) is not waiting:
            # Raises why it has failed, unless that has passed.
            module = import_module(name)
            if _Successor.has_failed(namespace):
                namespace.update(_namespace(module) or {})

    return wait


def _namespace(module: object) -> dict[str, Any] | None:
    # Not as an attribute: a module that is to be imported at its first use would be imported.
    return _dict_of_module.__get__(module) if issubclass(type(module), ModuleType) else None


class _Successor:
    """The ``__getattr__`` of a module that is not in ``sys.modules`` any more; a thread that waited for it has it.

    It finds what the module lacks in the object that is there now. What the module has itself, it keeps.
    """

    def __init__(self, namespace: dict[str, Any], find: Callable[[], object], *, has_failed: bool = False) -> None:
        """Takes the place of the ``__getattr__`` in a namespace.

        Args:
            namespace: Of the module.
            find: Finds the object that is there now; raises why there is none.
            has_failed: Whether the import of the module has failed.
        """
        self._find = find
        self._has_failed = has_failed
        self._name = namespace.get("__name__")
        before = namespace.get("__getattr__")
        self._before = before._before if isinstance(before, _Successor) else before
        self._asking: set[int] = set()
        namespace["__getattr__"] = self

    @staticmethod
    def has_failed(namespace: dict[str, Any]) -> bool:
        """Whether this is the namespace of a module whose import has failed."""
        successor = namespace.get("__getattr__")
        return isinstance(successor, _Successor) and successor._has_failed

    def __call__(self, name: str) -> Any:  # noqa: ANN401
        if self._before is not None:
            try:
                return self._before(name)
            except AttributeError:
                pass
        ident = get_ident()
        # The new object may ask the old one for what it has not itself.
        if ident in self._asking:
            raise AttributeError(f"module {self._name!r} has no attribute {name!r}")
        try:
            self._asking.add(ident)
            return getattr(self._find(), name)
        finally:
            self._asking.discard(ident)


def stand_for(module: object, namespace: dict[str, Any]) -> None:
    """Makes another module have the attributes of one.

    Args:
        module: Is in ``sys.modules``.
        namespace: Of the module that was there before.
    """
    _Successor(namespace, lambda: module)


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
