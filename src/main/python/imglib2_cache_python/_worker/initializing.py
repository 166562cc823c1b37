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
from threading import get_ident, get_native_id
from types import ModuleType
from typing import Any

from imglib2_cache_python._worker.waiting import Waiting

# The threads that run the code of modules now, by the ids of the namespaces: their identifiers in Python and in the
# system.
importers: dict[int, tuple[int, int]] = {}

_dict_of_module = ModuleType.__dict__["__dict__"]


def namespace_of(module: object) -> dict[str, Any] | None:
    """The namespace of a module; None if it is an object of another kind."""
    # Not as an attribute: a module that is to be imported at its first use would be imported.
    return _dict_of_module.__get__(module) if issubclass(type(module), ModuleType) else None


def is_initializing(spec: object) -> bool:
    """Whether the module with this specification is being imported."""
    return getattr(spec, "_initializing", False)


def begin(namespace: dict[str, Any]) -> None:
    """Makes other threads that miss an attribute of a module wait until the calling thread has imported it.

    Args:
        namespace: Of the module, whose code has not begun.
    """
    importers[id(namespace)] = (get_ident(), get_native_id())
    namespace.setdefault("__getattr__", _Attributes(namespace))


def end(namespace: dict[str, Any]) -> None:
    """Ends what `begin` began."""
    importers.pop(id(namespace), None)
    if isinstance(namespace.get("__getattr__"), _Attributes):
        del namespace["__getattr__"]
        # Of a module that exports all names that it has.
        names = namespace.get("__all__")
        if isinstance(names, list) and "__getattr__" in names:
            names.remove("__getattr__")


def wait(namespace: dict[str, Any] | None) -> None:
    """Waits until a module is whole, if another thread imports it and gets on.

    Args:
        namespace: Of the module; None if it is something else.
    """
    importer = importers.get(id(namespace))
    if importer is None or importer[0] == get_ident():
        return
    waiting = Waiting(*importer)
    while importers.get(id(namespace)) is importer and waiting.goes_on():
        pass


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
    """The ``__getattr__`` of a module while its code runs, until the module defines its own."""

    def __init__(self, namespace: dict[str, Any]) -> None:
        self._namespace = namespace

    def __call__(self, name: str) -> Any:  # noqa: ANN401
        # Whoever looks through all modules asks for such names only.
        if not name.startswith("__"):
            wait(self._namespace)
        # Raises the error as Python tells it.
        module = ModuleType("")
        names = vars(module)
        names.update(self._namespace)
        if names.get("__getattr__") is self:
            del names["__getattr__"]
        return getattr(module, name)


def _after_fork() -> None:
    """Forgets the threads that do not live in the new process."""
    for namespace, importer in list(importers.items()):
        if importer[0] != get_ident():
            del importers[namespace]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
