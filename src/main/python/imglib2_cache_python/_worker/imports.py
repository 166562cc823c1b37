# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Keeps imports whole.

A module is imported once for the life of the interpreter. Code that is cancelled within an import would leave the
module half imported for all others, or a lock of the import machinery that nobody releases. So all imports are
recorded in `importing`, and modules that a failed import has left behind are removed. Workers import one after the
other, see `turns`, and who has waited for an import that failed is told why, or imports again.
"""

from __future__ import annotations

import functools
import operator
import sys
from collections.abc import Callable
from importlib.machinery import ExtensionFileLoader
from threading import get_ident
from types import CodeType, ModuleType
from typing import Any

from imglib2_cache_python._worker import initializing, superseded, turns
from imglib2_cache_python._worker.initializing import is_initializing, namespace_of
from imglib2_cache_python._worker.superseded import has_failed, is_superseded, supersede
from imglib2_cache_python._worker.turns import importing

# How the names of the files begin whose code may hold a lock of the import machinery, or a turn.
MACHINERY = ("<frozen importlib", __file__, initializing.__file__, superseded.__file__, turns.__file__)


def keep_imports_whole(importlib: ModuleType) -> None:
    """Makes `importing` record all imports of an interpreter from now on.

    Args:
        importlib: The interpreter's own.
    """
    machinery = importlib._bootstrap
    # Every import goes through these, whether by a statement, importlib, C code or a package that imports lazily: they
    # run the code of modules, or hold their locks.
    functions: dict[str, Callable[[Callable[..., Any]], Callable[..., Any]]] = {
        "_find_and_load": _unless_loaded,
        "_handle_fromlist": _when_whole,
        "_lock_unlock_module": lambda original: _importing_again(original, machinery._gcd_import),
        "_exec": _recorded,
        "_call_with_frames_removed": _noting_what_supersedes,
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
        within = ident in importing
        if within and (not in_turn or turns.has(ident)):
            return original(*arguments, **named)
        # All of it in here: the exception of a cancellation that came before may still arrive, since Python 3.13.
        try:
            if in_turn:
                turns.begin(ident)
            else:
                importing.add(ident)
            return original(*arguments, **named)
        finally:
            try:
                turns.end(ident)
            finally:
                if not within:
                    importing.discard(ident)

    return recorded


def _unless_loaded(original: Callable[..., Any]) -> Callable[..., Any]:
    """Finds a module that is there, without waiting for a turn; else loads it, or leaves nothing behind."""

    @_like(original)
    def load(name: str, import_: Callable[..., Any]) -> Any:  # noqa: ANN401
        try:
            return original(name, import_)
        except BaseException:
            _remove_orphans(name)
            raise

    recorded = _recorded(load)

    @_like(original)
    def find_and_load(name: str, import_: Callable[..., Any]) -> Any:  # noqa: ANN401
        module = sys.modules.get(name)
        if module is not None:
            if not is_initializing(getattr(module, "__spec__", None)):
                return module
            initializing.show(namespace_of(module))
        return recorded(name, import_)

    return find_and_load


def _when_whole(original: Callable[..., Any]) -> Callable[..., Any]:
    """Finds modules that the package has as attributes, but not before they are whole."""

    @_like(original)
    def handle_fromlist(module: Any, names: Any, import_: Any, *, recursive: bool = False) -> Any:  # noqa: ANN401
        if initializing.importers:
            names = tuple(names)
            attributes = namespace_of(module) or {}
            for name in names:
                if isinstance(name, str):
                    initializing.wait(namespace_of(attributes.get(name)))
        return original(module, names, import_, recursive=recursive)

    return handle_fromlist


def _noting_what_supersedes(original: Callable[..., Any]) -> Callable[..., Any]:
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
        if called != "exec" or len(arguments) < 2 or not is_initializing(arguments[1].get("__spec__")):
            return recorded(function, *arguments, **named)
        # Other threads may wait for the import of this module.
        namespace = arguments[1]
        name = namespace.get("__name__")
        try:
            initializing.begin(namespace)
            result = recorded(function, *arguments, **named)
        except BaseException:
            supersede(namespace, functools.partial(operator.getitem, sys.modules, name), has_failed=True)
            initializing.remove_from_package(namespace)
            raise
        else:
            module = sys.modules.get(name)
            if module is not None and namespace_of(module) is not namespace:
                supersede(namespace, lambda: module)
            return result
        finally:
            initializing.end(namespace)

    return run


def _importing_again(original: Callable[..., Any], import_module: Callable[[str], Any]) -> Callable[..., Any]:
    """Waits for the import of a module by another thread. If that has failed, imports the module, or raises why."""
    recorded = _recorded(original)

    @_like(original)
    def wait(name: str) -> None:
        waiting = sys.modules.get(name)
        initializing.show(namespace_of(waiting))
        recorded(name)
        if waiting is not None and sys.modules.get(name) is waiting:
            return
        module = import_module(name)
        namespace = namespace_of(waiting)
        if namespace is None or module is waiting:
            return
        if has_failed(namespace):
            namespace.update(namespace_of(module) or {})
        # Of a module that loads itself in another way.
        if not is_superseded(namespace):
            supersede(namespace, lambda: module)

    return wait


def _in_file_of(original: Callable[..., Any], code: CodeType) -> CodeType:
    return code.replace(co_filename=original.__code__.co_filename, co_name=original.__name__)


def _remove_orphans(package: str) -> None:
    """Removes the modules of a package whose import has failed.

    The next import of the package would find them, take them for complete, and not make them attributes of the
    package. Modules in C stay: some of them cannot be loaded twice.

    Args:
        package: Its name, or that of a module.
    """
    if package in sys.modules:
        return
    for name in list(sys.modules):
        if name.startswith(f"{package}.") and _is_source(sys.modules.get(name)):
            sys.modules.pop(name, None)


def _is_source(module: Any) -> bool:  # noqa: ANN401 - anything can be in sys.modules
    spec = getattr(module, "__spec__", None)
    return spec is not None and not isinstance(getattr(spec, "loader", None), ExtensionFileLoader)
