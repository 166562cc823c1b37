# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Modules that others can see before they are whole.

Python makes a module an attribute of its package when the module is whole. A package that imports its modules when
they are first named may do so earlier: ``skimage`` has ``skimage.morphology`` as soon as one of its modules names it,
by https://pypi.org/project/lazy-loader. Other threads find it there, and wait for nothing.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from threading import get_ident, get_native_id
from types import ModuleType
from typing import Any

from imglib2_cache_python._worker.waiting import Waiting

# The threads that run the code of modules now, by the ids of the namespaces: their identifiers in Python and in the
# system.
importers: dict[int, tuple[int, int]] = {}

# Who waits for a turn stops that at once if it waits for itself, and must be the first to do so.
_CIRCLES = 10

_dict_of_module = ModuleType.__dict__["__dict__"]


def namespace_of(module: object) -> dict[str, Any] | None:
    """The namespace of a module; None if it is an object of another kind."""
    # Not as an attribute: a module that is to be imported at its first use would be imported.
    return _dict_of_module.__get__(module) if issubclass(type(module), ModuleType) else None


def is_initializing(spec: object) -> bool:
    """Whether the module with this specification is being imported."""
    return getattr(spec, "_initializing", False)


def begin(namespace: dict[str, Any]) -> None:
    """Notes that the calling thread runs the code of a module.

    Args:
        namespace: Of the module.
    """
    importers[id(namespace)] = (get_ident(), get_native_id())


def end(namespace: dict[str, Any]) -> None:
    """Ends what `begin` began."""
    importers.pop(id(namespace), None)
    hide(namespace)


def show(namespace: dict[str, Any] | None) -> None:
    """Lets other threads see a module, if the calling thread imports it: they wait if they miss one of its attributes.

    Args:
        namespace: Of the module; None if it is something else.
    """
    if namespace is not None and importers.get(id(namespace), (0, 0))[0] == get_ident():
        before = namespace.get("__getattr__")
        if not isinstance(before, _Attributes):
            namespace["__getattr__"] = _Attributes(namespace, before)


def hide(namespace: dict[str, Any]) -> None:
    """Ends what `show` began."""
    shown = namespace.get("__getattr__")
    if not isinstance(shown, _Attributes):
        return
    if shown.before is not None:
        namespace["__getattr__"] = shown.before
        return
    del namespace["__getattr__"]
    # Of a module that exports all names that it has.
    exported = namespace.get("__all__")
    if isinstance(exported, (list, tuple)) and "__getattr__" in exported:
        namespace["__all__"] = type(exported)(name for name in exported if name != "__getattr__")


def wait(namespace: dict[str, Any] | None) -> None:
    """Waits until a module is whole, if another thread imports it. If that does not get on, nobody waits any longer.

    Args:
        namespace: Of the module; None if it is something else.
    """
    importer = importers.get(id(namespace))
    if importer is None or importer[0] == get_ident():
        return
    waiting = Waiting(*importer, circles=_CIRCLES)
    while importers.get(id(namespace)) is importer:
        if not waiting.goes_on():
            importers.pop(id(namespace), None)


def remove_from_package(namespace: dict[str, Any]) -> None:
    """Removes a module from its package, which would otherwise have it for ever, although its import has failed.

    Args:
        namespace: Of the module.
    """
    package, _, name = str(namespace.get("__name__")).rpartition(".")
    attributes = namespace_of(sys.modules.get(package)) or {}
    if namespace_of(attributes.get(name)) is namespace:
        del attributes[name]


class _Attributes:
    """The ``__getattr__`` of a module while its code runs.

    Attributes:
        before: The ``__getattr__`` that the module has itself.
    """

    def __init__(self, namespace: dict[str, Any], before: Callable[[str], Any] | None) -> None:
        # As a function has it, which a module may expect to be in there.
        self.__name__ = self.__qualname__ = "__getattr__"
        self._namespace = namespace
        self.before = before
        self._asking: set[int] = set()

    def __call__(self, name: str) -> Any:  # noqa: ANN401
        wait(self._namespace)
        # As a module, so that an error is the same as without this.
        module = ModuleType("")
        names = vars(module)
        names.update(self._namespace)
        ident = get_ident()
        if names.get("__getattr__") is self:
            del names["__getattr__"]
            if self.before is not None:
                names["__getattr__"] = self.before
        elif ident in self._asking:
            # The module has kept this function, and its own one calls it.
            names.pop("__getattr__", None)
        try:
            self._asking.add(ident)
            return getattr(module, name)
        finally:
            self._asking.discard(ident)


def _after_fork() -> None:
    """Forgets the threads that do not live in the new process."""
    for namespace, (importer, _) in list(importers.items()):
        if importer == get_ident():
            importers[namespace] = (importer, get_native_id())
        else:
            del importers[namespace]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
