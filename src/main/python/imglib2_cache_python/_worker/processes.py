# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Adapts multiprocessing and the like to a process that is a JVM.

A JVM must not be forked: the child has none of its threads, but all locks that these threads held.
"""

from __future__ import annotations

import importlib
import os
import pickle
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import FunctionType, ModuleType
from typing import Any

from imglib2_cache_python import USER_MODULES


def spawn_by_default() -> None:
    """Makes ``spawn`` the default start method of multiprocessing, which user code can change as usual.

    Imports nothing. Another process cannot import the functions of snippets: cloudpickle, which joblib uses by default,
    sends them with their code; all other picklers refuse them and say why.
    """
    _adapt("multiprocessing.context", _default_to_spawn)
    _adapt("multiprocessing.reduction", lambda reduction: _refuse_functions_of_snippets(reduction.ForkingPickler))
    _adapt("joblib.pool", lambda pool: _refuse_functions_of_snippets(pool.CustomizablePickler))
    for cloudpickle in ("cloudpickle.cloudpickle", "joblib.externals.cloudpickle.cloudpickle"):
        _adapt(cloudpickle, _send_code_of_snippets)
    _adapt("multiprocessing.resource_tracker", _end_tracker_at_exit)


class _Finder:
    """Adapts a few modules when they are imported."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        adapt = _ADAPTED.get(name)
        spec = PathFinder.find_spec(name, path, target) if adapt else None
        if adapt is None or spec is None or spec.loader is None:
            return None
        execute = spec.loader.exec_module

        def execute_and_adapt(module: ModuleType) -> None:
            execute(module)
            adapt(module)

        spec.loader.exec_module = execute_and_adapt  # type: ignore[method-assign]
        return spec


def _default_to_spawn(context: ModuleType) -> None:
    # Not by set_start_method, which can be called once: that is left to the user.
    context._default_context._default_context = context._concrete_contexts["spawn"]


def _refuse_functions_of_snippets(pickler: type) -> None:
    def reducer_override(_: pickle.Pickler, value: Any) -> Any:  # noqa: ANN401
        kind = type(value)
        if (kind is FunctionType or issubclass(kind, type)) and str(value.__module__).startswith(USER_MODULES):
            # Otherwise the other process would fail, and a pool would wait for it for ever.
            raise pickle.PicklingError(
                f"{value.__qualname__} is defined in the code of an image or a queue, where another process does not "
                "find it: put it into a module in a folder of PythonEnvironment.withModulePath, and import it"
            )
        return NotImplemented

    pickler.reducer_override = reducer_override  # type: ignore[attr-defined]


def _send_code_of_snippets(cloudpickle: ModuleType) -> None:
    # `register_pickle_by_value` adds to this set, but accepts existing modules only, not a common prefix.
    by_value = getattr(cloudpickle, "_PICKLE_BY_VALUE_MODULES", None)
    if isinstance(by_value, set):
        by_value.add(USER_MODULES.removesuffix("."))


def _end_tracker_at_exit(resource_tracker: ModuleType) -> None:
    # Each sub-interpreter has a tracker process and a pipe of its own, which would otherwise last as long as the JVM.
    # It ends after all other processes, because they hold the pipe, too.
    resource_tracker.util.Finalize(None, resource_tracker._resource_tracker._stop, exitpriority=-100)


def forbid_fork() -> None:
    """Makes ``os.fork`` fail: the child of a sub-interpreter aborts at once, and a pool would fork again for ever."""

    def fork(*_: object) -> int:
        raise RuntimeError(
            "a process cannot be forked from a sub-interpreter: use multiprocessing's start method spawn, threads, "
            "or InterpreterMode.SHARED"
        )

    def forbid(popen_fork: ModuleType) -> None:
        # Fails before it opens pipes, which it would not close if the fork failed.
        popen_fork.Popen._launch = fork

    os.fork = fork
    _adapt("multiprocessing.popen_fork", forbid)


def _adapt(name: str, adapt: Callable[[ModuleType], None]) -> None:
    """Adapts a module, once: each worker of a shared interpreter comes here.

    Args:
        name: Name of the module.
        adapt: Changes the module, now if it is imported already, else when it is.
    """
    if name not in _ADAPTED:
        _ADAPTED[name] = adapt
        if name in sys.modules:
            # Another thread may be importing it just now.
            adapt(importlib.import_module(name))
    # Compared by name: a module of this name may have been imported anew.
    if not any(type(finder).__name__ == _Finder.__name__ for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


_ADAPTED: dict[str, Callable[[ModuleType], None]] = {}
