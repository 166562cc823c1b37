# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Protects imports from cancellation.

A module is imported once for the life of the interpreter. Code that is cancelled within an import would leave the
module half imported for all others, or a lock of the import machinery that nobody releases. So `importing` records
which threads import, and modules that a failed import has left behind are removed.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Collection
from importlib.machinery import ExtensionFileLoader
from threading import get_ident
from types import CodeType, ModuleType
from typing import Any

# Threads that are in an import now; they must not be cancelled.
importing: set[int] = set()

# Every import goes through these, whether by a statement, importlib, C code or a package that imports lazily: they run
# the code of modules, or hold their locks.
_FUNCTIONS = ("_find_and_load", "_lock_unlock_module", "_exec", "_call_with_frames_removed")


def keep_imports_whole(importlib: ModuleType) -> None:
    """Makes `importing` record all imports of an interpreter from now on.

    Args:
        importlib: The interpreter's own.
    """
    for name in _FUNCTIONS:
        original = getattr(importlib._bootstrap, name, None)
        if original is not None and not hasattr(original, "_imglib2_cache_python"):
            setattr(importlib._bootstrap, name, _recorded(original))


def _recorded(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def recorded(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401
        ident = get_ident()
        if ident in importing:
            return original(*arguments, **named)
        importing.add(ident)
        try:
            before = frozenset(sys.modules)
            return original(*arguments, **named)
        except BaseException:
            _remove_orphans(before)
            raise
        finally:
            importing.discard(ident)

    # Python leaves the frames of its import machinery out of tracebacks; it recognises them by the name of their file.
    recorded.__code__ = _in_file_of(original, recorded.__code__)
    recorded._imglib2_cache_python = True  # type: ignore[attr-defined]
    return recorded


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
