# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Keeps imports whole.

A module is imported once for the life of the interpreter: code that is cancelled within an import would leave it half
imported for all others, or an import lock that nobody gives back. So it is known which threads import, and what an
import that failed has left behind is removed.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Collection
from importlib.machinery import ExtensionFileLoader
from threading import get_ident
from types import CodeType, ModuleType
from typing import Any

# Threads that are in an import now. Not to be cancelled.
importing: set[int] = set()

# What runs the code of modules, or holds a lock of theirs, whoever asks for it: the statement, importlib, C code, a
# package that imports lazily.
_FUNCTIONS = ("_find_and_load", "_lock_unlock_module", "_exec", "_call_with_frames_removed")


def keep_imports_whole(importlib: ModuleType) -> None:
    """Lets `importing` tell of all imports of an interpreter from now on.

    Args:
        importlib: As the interpreter has it.
    """
    for name in _FUNCTIONS:
        original = getattr(importlib._bootstrap, name, None)
        if original is not None and not hasattr(original, "_imglib2_cache_python"):
            setattr(importlib._bootstrap, name, _noted(original))


def _noted(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def noted(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401
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

    # Python leaves the frames of its own import machinery out of tracebacks, which it knows by the name of their file.
    noted.__code__ = _in_file_of(original, noted.__code__)
    noted._imglib2_cache_python = True  # type: ignore[attr-defined]
    return noted


def _in_file_of(original: Callable[..., Any], code: CodeType) -> CodeType:
    return code.replace(co_filename=original.__code__.co_filename, co_name=original.__name__)


def _remove_orphans(before: Collection[str]) -> None:
    """Removes modules whose package is not there any more, because its import failed after theirs.

    The next import of the package would find them, take them for complete, and not make them its attributes. Modules
    in C stay: some of them cannot be loaded twice.

    Args:
        before: Names of the modules that are not looked at.
    """
    # Packages before what is in them.
    for name in sorted(set(sys.modules).difference(before)):
        package = name.rpartition(".")[0]
        if package and package not in sys.modules and _is_source(sys.modules.get(name)):
            sys.modules.pop(name, None)


def _is_source(module: Any) -> bool:  # noqa: ANN401 - anything can be in sys.modules
    spec = getattr(module, "__spec__", None)
    return spec is not None and not isinstance(getattr(spec, "loader", None), ExtensionFileLoader)
