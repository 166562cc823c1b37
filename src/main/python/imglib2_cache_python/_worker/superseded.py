# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Modules that are not in ``sys.modules`` any more, although threads have them that waited for their import.

The import statement looks a module up, waits until another thread has imported it, and goes on with what it has found
before, also if that import has failed, or the module has put another object in its place.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import get_ident
from typing import Any

from imglib2_cache_python._worker import initializing


def supersede(namespace: dict[str, Any], find: Callable[[], object], *, has_failed: bool = False) -> None:
    """Makes a module have the attributes of the object that has taken its place, where it has none itself.

    Args:
        namespace: Of the module.
        find: Finds the object that is there now; raises a KeyError if there is none.
        has_failed: Whether the module is there no more because its import has failed.
    """
    initializing.hide(namespace)
    before = namespace.get("__getattr__")
    if isinstance(before, _Attributes):
        before = before.before
    namespace["__getattr__"] = _Attributes(namespace.get("__name__"), None if has_failed else before, find, has_failed)


def is_superseded(namespace: dict[str, Any]) -> bool:
    """Whether `supersede` was called."""
    return isinstance(namespace.get("__getattr__"), _Attributes)


def has_failed(namespace: dict[str, Any]) -> bool:
    """Whether `supersede` was called, because the import of the module has failed."""
    return is_superseded(namespace) and namespace["__getattr__"].has_failed


class _Attributes:
    """The ``__getattr__`` of a superseded module.

    Attributes:
        before: The ``__getattr__`` that the module had itself.
        has_failed: Whether the import of the module has failed.
    """

    def __init__(
        self, name: object, before: Callable[[str], Any] | None, find: Callable[[], object], has_failed: bool
    ) -> None:
        self._name = name
        self.before = before
        self._find = find
        self.has_failed = has_failed
        self._asking: set[int] = set()

    def __call__(self, name: str) -> Any:  # noqa: ANN401
        if self.before is not None:
            try:
                return self.before(name)
            except AttributeError:
                pass
        ident = get_ident()
        # The new object may ask the old one for what it has not itself.
        if ident not in self._asking:
            try:
                self._asking.add(ident)
                return getattr(self._find(), name)
            except KeyError:
                pass
            finally:
                self._asking.discard(ident)
        raise AttributeError(f"module {self._name!r} has no attribute {name!r}")
